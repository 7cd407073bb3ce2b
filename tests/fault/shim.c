/* shim.c - calls on chosen files that fail; loaded before the program by LD_PRELOAD
 *
 * ORR_FAULT holds rules, separated by blanks: CALL:PATTERN:ERROR[:AFTER[:TIMES]]
 *   CALL     open, make (open for writing), write, sync, read, reserve, link (and
 * rename), mkdir PATTERN  of the file's whole path, as fnmatch(3); `*` matches slashes
 * too ERROR    ENOSPC, EDQUOT, EROFS, EIO, EFBIG, ESTALE, EMFILE AFTER    so many calls
 * that the rule fits pass (0), counted in each process TIMES    so many fail (all that
 * follow) Each call that failed adds a line "CALL PATH" to the file ORR_FAULT_LOG. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { RULES = 8 };

struct rule {
    char call[16];
    char pattern[200];
    int error;
    long after, times;
};

/* A library that stands in for others has no other place for its state. */
static struct rule rules[RULES];
static int n_rules;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int error_named(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = { { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT }, { "EROFS", EROFS },
                   { "EIO", EIO },       { "EFBIG", EFBIG },   { "ESTALE", ESTALE },
                   { "EMFILE", EMFILE } };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(name, errors[i].name) == 0)
            return errors[i].number;
    (void)fprintf(stderr, "shim: unknown error '%s'\n", name);
    abort();
}

static void read_rule(char *text)
{
    struct rule *rule = &rules[n_rules++];
    char error[16] = "";
    rule->times = LONG_MAX;
    if (sscanf(text, "%15[a-z]:%199[^:]:%15[A-Z]:%ld:%ld", rule->call, rule->pattern,
               error, &rule->after, &rule->times) < 3) {
        (void)fprintf(stderr, "shim: cannot read the rule '%s'\n", text);
        abort();
    }
    rule->error = error_named(error);
}

__attribute__((constructor)) static void read_rules(void)
{
    const char *all = getenv("ORR_FAULT");
    char *copy = strdup(all ? all : "");
    char *rest = NULL;
    for (char *one = strtok_r(copy, " ", &rest); one && n_rules < RULES;
         one = strtok_r(NULL, " ", &rest))
        read_rule(one);
    free(copy);
}

static void log_fault(const char *call, const char *path)
{
    char line[PATH_MAX + 32];
    const char *log = getenv("ORR_FAULT_LOG");
    int fd =
        log ? REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    int n = snprintf(line, sizeof line, "%s %s\n", call, path);
    (void)!REAL(write)(fd, line, (size_t)n);
    (void)close(fd);
}

/* The error that this call shall have, or 0. Signal handlers (of mpirun) write, too:
 * they must not find the lock taken by their own thread. */
static int fault(const char *call, const char *path)
{
    int error = 0;
    sigset_t all;
    sigset_t old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < n_rules && !error; i++) {
        struct rule *rule = &rules[i];
        if (strcmp(rule->call, call) != 0 || fnmatch(rule->pattern, path, 0) != 0)
            continue;
        if (rule->after-- > 0)
            continue;
        if (rule->times-- > 0)
            error = rule->error;
    }
    pthread_mutex_unlock(&mutex);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error)
        log_fault(call, path);
    return error;
}

static bool fails(const char *call, const char *path)
{
    int error = n_rules && path ? fault(call, path) : 0;
    if (error)
        errno = error;
    return error != 0;
}

static bool fails_fd(const char *call, int fd)
{
    char link[40];
    char path[PATH_MAX];
    if (!n_rules)
        return false;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0)
        return false;
    path[n] = '\0';
    /* A file that got its final name by link(2): it is known by that. */
    char *temporary = strstr(path, " (deleted)") ? strstr(path, ".tmp-") : NULL;
    if (temporary)
        *temporary = '\0';
    return fails(call, path);
}

/* ---- the calls ---- */

static mode_t mode_of(int flags, va_list args)
{
    bool makes = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    return makes ? va_arg(args, mode_t) : 0;
}

#define OPEN(name)                                                                     \
    int name(const char *path, int flags, ...)                                         \
    {                                                                                  \
        va_list args;                                                                  \
        va_start(args, flags);                                                         \
        mode_t mode = mode_of(flags, args);                                            \
        va_end(args);                                                                  \
        if (fails("open", path) ||                                                     \
            ((flags & O_ACCMODE) != O_RDONLY && fails("make", path)))                  \
            return -1;                                                                 \
        return REAL(name)(path, flags, mode);                                          \
    }
OPEN(open)
OPEN(open64)

FILE *fopen(const char *path, const char *mode)
{
    if (strcspn(mode, "wa+") < strlen(mode) && fails("make", path))
        return NULL;
    return REAL(fopen)(path, mode);
}

#define ON_FD(kind, result, name, parameters, ...)                                     \
    result name parameters                                                             \
    {                                                                                  \
        if (fails_fd(kind, fd))                                                        \
            return -1;                                                                 \
        return REAL(name)(__VA_ARGS__);                                                \
    }
ON_FD("write", ssize_t, write, (int fd, const void *data, size_t n), fd, data, n)
ON_FD("write", ssize_t, pwrite, (int fd, const void *data, size_t n, off_t at), fd,
      data, n, at)
ON_FD("write", ssize_t, pwrite64, (int fd, const void *data, size_t n, off64_t at), fd,
      data, n, at)
ON_FD("write", ssize_t, writev, (int fd, const struct iovec *v, int n), fd, v, n)
ON_FD("write", ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t at), fd,
      v, n, at)
ON_FD("write", int, ftruncate, (int fd, off_t length), fd, length)
ON_FD("write", int, ftruncate64, (int fd, off64_t length), fd, length)
ON_FD("read", ssize_t, read, (int fd, void *data, size_t n), fd, data, n)
ON_FD("read", ssize_t, pread, (int fd, void *data, size_t n, off_t at), fd, data, n, at)
ON_FD("read", ssize_t, pread64, (int fd, void *data, size_t n, off64_t at), fd, data, n,
      at)
ON_FD("sync", int, fsync, (int fd), fd)
ON_FD("sync", int, fdatasync, (int fd), fd)
ON_FD("reserve", int, fallocate, (int fd, int mode, off_t at, off_t n), fd, mode, at, n)
ON_FD("reserve", int, fallocate64, (int fd, int mode, off64_t at, off64_t n), fd, mode,
      at, n)

int rename(const char *from, const char *to)
{
    return fails("link", to) ? -1 : REAL(rename)(from, to);
}

int link(const char *from, const char *to)
{
    return fails("link", to) ? -1 : REAL(link)(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    return fails("mkdir", path) ? -1 : REAL(mkdir)(path, mode);
}
