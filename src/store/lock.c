/* lock.c - the lock file of a directory
 * Owns: the file's text, the rules for taking a stale one over. Hands on: when to beat
 * (the coordinator), what the lock protects (rundir.c). */
#include "store/lock.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_TEXT_MAX = 4096,
    ORPHAN_SECONDS = 30 /* agents that hear nothing leave: node/agent.c */
};

/* --- who we are ------------------------------------------------------------- */

static void read_line(const char *path, char *out, size_t size)
{
    out[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, out, size - 1);
    (void)close(fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

/* Field 22 of /proc/PID/stat; -1 when there is no such process. */
static int64_t process_start(int64_t pid)
{
    char path[64];
    char line[1024];
    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    read_line(path, line, sizeof line);
    char *at = strrchr(line, ')'); /* the name before may hold anything */
    if (!at || at[1] != ' ')
        return -1;
    if (at[2] == 'Z' || at[2] == 'X') /* ended, not yet waited for */
        return -1;
    for (int field = 2; field < 22 && at; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoll(at + 1, NULL, 10) : -1;
}

static void make_nonce(char out[40])
{
    uint64_t words[2] = { 0, 0 };
    if (getrandom(words, sizeof words, 0) != (ssize_t)sizeof words)
        words[0] = (uint64_t)orr_clock_wall() ^ (uint64_t)getpid();
    (void)snprintf(out, 40, "%016" PRIx64 "%016" PRIx64, words[0], words[1]);
}

static void describe_self(struct orri_lock_owner *owner)
{
    struct stat info;
    *owner = (struct orri_lock_owner) { .pid = getpid(), .since = orr_clock_wall() };
    if (gethostname(owner->host, sizeof owner->host - 1) != 0 || !owner->host[0])
        (void)snprintf(owner->host, sizeof owner->host, "unknown");
    read_line("/proc/sys/kernel/random/boot_id", owner->boot, sizeof owner->boot);
    if (stat("/proc/self/ns/pid", &info) == 0)
        owner->pid_space = info.st_ino;
    owner->start = process_start(owner->pid);
    make_nonce(owner->nonce);
}

/* --- the file's text -------------------------------------------------------- */

static void print_owner(const struct orri_lock_owner *owner, struct orr_text *out)
{
    orr_text_printf(out,
                    "orrery-lock 1\nhost %s\nboot %s\npid_space %" PRIu64
                    "\npid %" PRId64 "\nstart %" PRId64 "\nsince %" PRId64
                    "\nnonce %s\n",
                    owner->host, owner->boot, owner->pid_space, owner->pid,
                    owner->start, owner->since, owner->nonce);
}

static const char *value_of(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line && *line;) {
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return line + length + 1;
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return "";
}

static void copy_value(const char *text, const char *key, char *out, size_t size)
{
    const char *value = value_of(text, key);
    size_t length = strcspn(value, "\n");
    if (length >= size)
        length = size - 1;
    memcpy(out, value, length);
    out[length] = '\0';
}

static void parse_owner(const char *text, struct orri_lock_owner *owner)
{
    *owner = (struct orri_lock_owner) { 0 };
    copy_value(text, "host", owner->host, sizeof owner->host);
    copy_value(text, "boot", owner->boot, sizeof owner->boot);
    copy_value(text, "nonce", owner->nonce, sizeof owner->nonce);
    owner->pid_space = strtoull(value_of(text, "pid_space"), NULL, 10);
    owner->pid = strtoll(value_of(text, "pid"), NULL, 10);
    owner->start = strtoll(value_of(text, "start"), NULL, 10);
    owner->since = strtoll(value_of(text, "since"), NULL, 10);
}

/* Opening the file makes NFS ask the server, so owner and time are fresh. */
static int read_lock(const char *path, struct orri_lock_owner *owner,
                     struct timespec *beat)
{
    char text[LOCK_TEXT_MAX];
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno;
    ssize_t n = read(fd, text, sizeof text - 1);
    int bad = n < 0 || fstat(fd, &info) != 0 ? errno : 0;
    (void)close(fd);
    if (bad)
        return bad;
    text[n] = '\0';
    parse_owner(text, owner);
    *beat = info.st_mtim;
    return 0;
}

/* --- alive or not ----------------------------------------------------------- */

static bool same_machine(const struct orri_lock_owner *a,
                         const struct orri_lock_owner *b)
{
    return a->boot[0] && strcmp(a->boot, b->boot) == 0 && a->pid_space == b->pid_space;
}

/* `silent`: seconds since the last heartbeat. */
static bool owner_is_stale(const struct orri_lock_owner *owner,
                           const struct orri_lock_owner *self, int64_t silent)
{
    if (same_machine(owner, self)) {
        int64_t start = owner->pid > 0 ? process_start(owner->pid) : -1;
        return start < 0 || start != owner->start;
    }
    return silent > ORR_LOCK_SILENCE;
}

enum orri_lock_state orri_lock_peek(const char *directory, const char *name,
                                    struct orri_lock_owner *owner, int64_t *silent)
{
    struct orri_lock_owner self;
    struct timespec beat;
    char *path = orr_path_join(directory, name);
    int bad = read_lock(path, owner, &beat);
    free(path);
    if (bad)
        return ORRI_LOCK_FREE;
    describe_self(&self);
    *silent = orr_clock_wall() / ORR_SECOND - beat.tv_sec;
    return owner_is_stale(owner, &self, *silent) ? ORRI_LOCK_STALE : ORRI_LOCK_LIVE;
}

/* --- taking it -------------------------------------------------------------- */

struct taking {
    struct orri_lock *lock;
    const char *directory;
    const char *what;
    char *mine;  /* our file, complete, under a name of its own */
    char *guard; /* held while a stale lock is taken away */
};

static orr_status refuse(const struct taking *t, const struct orri_lock_owner *owner,
                         int64_t silent, struct orr_error *err)
{
    char since[ORR_TIME_TEXT];
    orr_clock_text(owner->since, since);
    if (same_machine(owner, &t->lock->owner))
        return orr_error_set(
            err, ORR_ERR_INPUT, ORR_NO_SPAN,
            "%s %s is in use by process %" PRId64
            " on this host (%s) since %s; wait for it, or stop it: kill "
            "%" PRId64 " (after a kill of mpirun, its ranks end within %d s)",
            t->what, t->directory, owner->pid, owner->host, since, owner->pid,
            ORPHAN_SECONDS);
    return orr_error_set(
        err, ORR_ERR_INPUT, ORR_NO_SPAN,
        "%s %s is in use by process %" PRId64 " on host %s since %s, last sign of life "
        "%" PRId64
        " s ago; if that process is gone, wait until it is silent for %d s, or "
        "remove the lock: rm %s",
        t->what, t->directory, owner->pid, owner->host, since, silent,
        (int)ORR_LOCK_SILENCE, t->lock->path);
}

/* The time on the file server: what it stamps on our own file now. */
static int64_t server_now(const struct taking *t)
{
    struct stat info;
    if (utimensat(AT_FDCWD, t->mine, NULL, 0) == 0 && stat(t->mine, &info) == 0)
        return info.st_mtim.tv_sec;
    return orr_clock_wall() / ORR_SECOND;
}

/* A reply lost by NFS can make a link that worked look failed: count the links. */
static int link_ours(const char *mine, const char *to)
{
    struct stat info;
    if (link(mine, to) == 0)
        return 0;
    int bad = errno;
    if (stat(mine, &info) == 0 && info.st_nlink == 2)
        return 0;
    return bad;
}

/* The guard of someone who died while holding it is taken away: under another name
 * first, so that of several who find it stale one has it; one that is not stale (ours
 * was the slower look) is put back. */
static void remove_stale_guard(const struct taking *t)
{
    struct orri_lock_owner owner;
    struct timespec beat;
    if (read_lock(t->guard, &owner, &beat) != 0 ||
        !owner_is_stale(&owner, &t->lock->owner, server_now(t) - beat.tv_sec))
        return;
    struct orr_text aside = ORR_TEXT_INIT;
    struct orri_lock_owner moved;
    orr_text_printf(&aside, "%s.stale", t->mine);
    if (rename(t->guard, aside.s) == 0) {
        if (read_lock(aside.s, &moved, &beat) == 0 &&
            strcmp(moved.nonce, owner.nonce) != 0)
            (void)link(aside.s, t->guard);
        (void)unlink(aside.s);
    }
    orr_text_release(&aside);
}

/* Take the stale lock away. One at a time: `guard` is a lock of its own, held for
 * moments, and what was judged stale is read again under it. */
static int remove_stale(struct taking *t, const struct orri_lock_owner *stale)
{
    struct orri_lock_owner now;
    struct timespec beat;
    int bad = link_ours(t->mine, t->guard);
    if (bad == EEXIST)
        remove_stale_guard(t);
    if (bad)
        return bad;
    bad = read_lock(t->lock->path, &now, &beat);
    if (bad == 0 && strcmp(now.nonce, stale->nonce) == 0)
        bad = unlink(t->lock->path) != 0 ? errno : 0;
    (void)unlink(t->guard);
    return bad == ENOENT ? 0 : bad;
}

static orr_status take_with(struct taking *t, struct orr_error *err)
{
    for (int attempt = 0; attempt < 50; attempt++) {
        struct orri_lock_owner owner;
        struct timespec beat;
        int bad = link_ours(t->mine, t->lock->path);
        if (bad == 0)
            return ORR_OK;
        if (bad != EEXIST)
            return orr_error_errno(err, ORR_ERR_STORE, bad, "cannot make the lock %s",
                                   t->lock->path);
        bad = read_lock(t->lock->path, &owner, &beat);
        if (bad == ENOENT)
            continue; /* given up just now */
        if (bad)
            return orr_error_errno(err, ORR_ERR_STORE, bad, "cannot read the lock %s",
                                   t->lock->path);
        int64_t silent = server_now(t) - beat.tv_sec;
        if (!owner_is_stale(&owner, &t->lock->owner, silent))
            return refuse(t, &owner, silent, err);
        bad = remove_stale(t, &owner);
        if (bad && bad != EEXIST)
            return orr_error_errno(err, ORR_ERR_STORE, bad,
                                   "cannot remove the stale lock %s", t->lock->path);
        if (bad == 0)
            t->lock->took_over = true;
        else
            (void)nanosleep(&(struct timespec) { .tv_nsec = 20 * 1000 * 1000 }, NULL);
    }
    return orr_error_set(
        err, ORR_ERR_STORE, ORR_NO_SPAN,
        "cannot take the lock %s: others keep taking it, or %s is left over "
        "(it may be removed)",
        t->lock->path, t->guard);
}

orr_status orri_lock_take(const char *directory, const char *name, const char *what,
                          struct orri_lock *out, struct orr_error *err)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_text mine = ORR_TEXT_INIT;
    struct orr_text guard = ORR_TEXT_INIT;
    *out = (struct orri_lock) { .path = orr_path_join(directory, name) };
    describe_self(&out->owner);
    orr_text_printf(&mine, "%s.%s", out->path, out->owner.nonce);
    orr_text_printf(&guard, "%s.break", out->path);
    print_owner(&out->owner, &text);
    struct taking t = { out, directory, what, mine.s, guard.s };
    orr_status status = orr_file_write(mine.s, text.s, text.length, false, err);
    if (status == ORR_OK)
        status = take_with(&t, err);
    (void)unlink(mine.s);
    orr_text_release(&text);
    orr_text_release(&mine);
    orr_text_release(&guard);
    if (status != ORR_OK) {
        free(out->path);
        *out = (struct orri_lock) { 0 };
    }
    return status;
}

orr_status orri_lock_beat(const struct orri_lock *lock, struct orr_error *err)
{
    struct orri_lock_owner owner;
    struct timespec beat;
    int bad = read_lock(lock->path, &owner, &beat);
    if (bad == ENOENT)
        return orr_error_set(
            err, ORR_ERR_STORE, ORR_NO_SPAN,
            "the lock %s was removed while this run was using it; stopping, "
            "so that two runs do not share the directory",
            lock->path);
    if (bad)
        return orr_error_errno(err, ORR_ERR_STORE, bad, "cannot read the lock %s",
                               lock->path);
    if (strcmp(owner.nonce, lock->owner.nonce) != 0)
        return orr_error_set(
            err, ORR_ERR_STORE, ORR_NO_SPAN,
            "the lock %s was taken over by process %" PRId64
            " on host %s, because this one gave no sign of life for more "
            "than %d s; stopping",
            lock->path, owner.pid, owner.host, (int)ORR_LOCK_SILENCE);
    if (utimensat(AT_FDCWD, lock->path, NULL, 0) != 0)
        return orr_error_errno(err, ORR_ERR_STORE, errno, "cannot renew the lock %s",
                               lock->path);
    return ORR_OK;
}

void orri_lock_release(struct orri_lock *lock)
{
    struct orri_lock_owner owner;
    struct timespec beat;
    if (!lock->path)
        return;
    if (read_lock(lock->path, &owner, &beat) == 0 &&
        strcmp(owner.nonce, lock->owner.nonce) == 0)
        (void)unlink(lock->path);
    free(lock->path);
    *lock = (struct orri_lock) { 0 };
}
