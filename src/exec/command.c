/* command.c - one attempt of a program: spawn, watch, collect
 * Owns: the process group of the command, its pipes, its scratch directory. Hands on:
 * what it printed (ends.c).
 * Runs in the warm child, never in a process that uses MPI. */
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "exec/attempt.h"
#include "exec/ends.h"
#include "exec/footprint.h"
#include "exec/internal.h"
#include "exec/orphans.h"
#include "exec/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
    USUAL_FILES = 1024,
    UNWATCHED_MS = 50,
    GRACE_SECONDS = 5,
    PIPE_BLOCK = 65536,
    SPAWN_FAILED = 127
};

static const int64_t LOOK = ORR_SECOND;

struct command {
    const struct orr_order *order;
    const struct orr_blob_source *blobs;
    struct orr_arena *arena;
    struct orr_outcome *out;
    struct orri_scratch dirs;
    struct orr_home *home;
    struct orr_starter *starter;
    pid_t pid;
    int out_pipe; /* -1: standard output goes with standard error */
    int err_pipe;
    struct orr_text output;
    bool output_too_long;
    struct orri_ends errors;
    int64_t started;    /* monotonic ns; later by what we were suspended */
    int64_t looked;     /* at the clock, for its timeout: once a second */
    int64_t terminated; /* when TERM was sent; 0: not yet */
    bool killed;
    struct orr_footprint memory;
    bool too_much_memory;
};

/* ---- spawning ---- */

/* What ranks ignore stays so through exec; a handler must not run before it. */
static void find_handled(struct orr_starter *starter)
{
    starter->handled = 0;
    for (int number = 1; number < SIGRTMIN; number++) {
        struct sigaction is;
        if (sigaction(number, NULL, &is) == 0 && is.sa_handler != SIG_DFL)
            starter->handled |= UINT64_C(1) << number;
    }
}

/* Programs that use select(2) want the usual limit. */
static void find_limit(struct orr_starter *starter)
{
    starter->lower_files = getrlimit(RLIMIT_NOFILE, &starter->files) == 0 &&
                           starter->files.rlim_cur > USUAL_FILES;
    if (starter->lower_files)
        starter->files.rlim_cur = USUAL_FILES;
}

static void know(struct orr_starter *starter)
{
    if (starter->known)
        return;
    if (starter->null <= 0)
        starter->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    find_handled(starter);
    find_limit(starter);
    starter->known = true;
}

struct spawn {
    char *const *argv;
    char *const *env;
    const char *cwd;
    int out;
    int err;
    volatile int bad; /* the errno of an exec that failed */
    const struct orr_starter *starter;
    orr_shared_int *group;
};

/* In the new process, which shares our memory until exec (vfork): only system calls. */
__attribute__((noreturn)) static void become(struct spawn *s)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpgid(0, 0);
    *s->group = getpid();
    (void)dup2(s->out, STDOUT_FILENO);
    (void)dup2(s->err, STDERR_FILENO);
    (void)dup2(s->starter->null, STDIN_FILENO);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (uint64_t left = s->starter->handled; left; left &= left - 1)
        (void)signal(__builtin_ctzll(left), SIG_DFL);
    if (s->starter->lower_files)
        (void)setrlimit(RLIMIT_NOFILE, &s->starter->files);
    if (chdir(s->cwd) == 0)
        (void)execvpe(s->argv[0], s->argv, s->env);
    s->bad = errno;
    _exit(SPAWN_FAILED);
}

static bool has_variable(char *const *env, size_t n, const char *variable)
{
    size_t length = strcspn(variable, "=") + 1;
    for (size_t i = 0; i < n; i++)
        if (strncmp(env[i], variable, length) == 0)
            return true;
    return false;
}

/* Each name once (of two, programs take the first, shells the last): what the order
 * says, the first of it, then what is ours, then what is there. */
static char **merged_environment(const struct orr_order *order, struct orr_arena *arena)
{
    char *ours[] = { orr_arena_printf(arena, "ORRERY_CORES=%u", order->cores),
                     orr_arena_printf(arena, "OMP_NUM_THREADS=%u", order->cores) };
    size_t n = 0;
    while (environ[n])
        n++;
    char **env = orr_arena_alloc(arena, (n + order->n_env + 3) * sizeof *env);
    size_t kept = 0;
    for (size_t i = 0; i < order->n_env; i++)
        if (!has_variable(env, kept, order->env[i]))
            env[kept++] = orr_arena_strdup(arena, order->env[i]);
    for (size_t i = 0; i < 2; i++)
        if (!has_variable(env, kept, ours[i]))
            env[kept++] = ours[i];
    size_t new = kept;
    for (size_t i = 0; i < n; i++)
        if (!has_variable(env, new, environ[i]))
            env[kept++] = environ[i];
    env[kept] = NULL;
    return env;
}

/* 0, or the errno of what failed; the child is then gone. */
static int spawn(struct command *c, struct spawn *s)
{
    s->bad = 0;
    c->pid = vfork(); /* returns when it has become the program, or has failed to */
    if (c->pid == 0)
        become(s);
    int bad = c->pid < 0 ? errno : s->bad;
    if (bad) {
        if (c->pid > 0)
            (void)waitpid(c->pid, NULL, 0);
        c->home->group = 0;
        c->pid = -1;
    }
    return bad;
}

static int start(struct command *c)
{
    const struct orr_order *order = c->order;
    char **argv = orr_arena_alloc(c->arena, (order->n_argv + 1) * sizeof *argv);
    for (uint32_t i = 0; i < order->n_argv; i++)
        argv[i] = orr_arena_strdup(c->arena, order->argv[i]);
    struct spawn s = { .argv = argv,
                       .env = merged_environment(order, c->arena),
                       .cwd = order->cwd ? order->cwd : c->dirs.scratch,
                       .starter = c->starter,
                       .group = &c->home->group };
    know(c->starter);
    int err_pipe[2] = { -1, -1 };
    int out_pipe[2] = { -1, -1 };
    if (pipe2(err_pipe, O_CLOEXEC) != 0 ||
        (order->keep_stdout && pipe2(out_pipe, O_CLOEXEC) != 0))
        return errno;
    c->err_pipe = err_pipe[0];
    c->out_pipe = out_pipe[0];
    s.err = err_pipe[1];
    s.out = order->keep_stdout ? out_pipe[1] : err_pipe[1];
    int bad = spawn(c, &s);
    (void)close(err_pipe[1]);
    if (out_pipe[1] >= 0)
        (void)close(out_pipe[1]);
    return bad;
}

/* ---- watching ---- */

/* Up to `most` bytes, at least one; what read(2) returns. */
static ssize_t read_pipe(struct command *c, int fd, size_t most, bool is_output)
{
    char block[PIPE_BLOCK];
    ssize_t n = 0;
    do
        n = read(fd, block, most < sizeof block ? most : sizeof block);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n;
    if (!is_output)
        orri_ends_add(&c->errors, block, (size_t)n);
    else if (c->output.length + (size_t)n <= ORR_STDOUT_MAX)
        orr_text_append(&c->output, block, (size_t)n);
    else
        c->output_too_long = true;
    return n;
}

/* Some of what is there; a stream that ended is closed. */
static void follow_pipe(struct command *c, int *fd, short events, bool is_output)
{
    bool more = (events & POLLIN) && read_pipe(c, *fd, PIPE_BLOCK, is_output) > 0;
    if (!events || more)
        return;
    (void)close(*fd);
    *fd = -1;
}

/* What is in it now, no more: who else holds it may write for ever. */
static void empty_pipe(struct command *c, int fd, bool is_output)
{
    int left = 0;
    if (fd < 0 || ioctl(fd, FIONREAD, &left) != 0)
        return;
    for (ssize_t n = 1; n > 0 && left > 0; left -= (int)n)
        n = read_pipe(c, fd, (size_t)left, is_output);
}

/* TERM, and some seconds later KILL. */
static void enforce_time(struct command *c)
{
    int64_t now = orr_clock_monotonic();
    int64_t unseen = c->order->timeout ? now - c->looked : 0;
    if (unseen > 2 * LOOK) { /* the program was suspended with us: so was its time */
        c->started += unseen - LOOK;
        c->terminated += c->terminated ? unseen - LOOK : 0;
    }
    c->looked = now;
    bool late = c->order->timeout && now >= c->started + c->order->timeout;
    if (!c->terminated && (late || c->output_too_long)) {
        c->terminated = now;
        (void)kill(-c->pid, SIGTERM);
    } else if (c->terminated && !c->killed &&
               now >= c->terminated + GRACE_SECONDS * ORR_SECOND) {
        c->killed = true;
        (void)kill(-c->pid, SIGKILL);
    }
}

/* What is over its limit grows on: no time to end in good order. */
static void enforce_memory(struct command *c)
{
    if (c->too_much_memory || !orr_footprint_is_over(&c->memory, orr_clock_monotonic()))
        return;
    c->too_much_memory = true;
    c->memory.next = INT64_MAX;
    (void)kill(-c->pid, SIGKILL);
}

static int milliseconds_left(const struct command *c)
{
    int64_t until = c->memory.next;
    int64_t end = INT64_MAX;
    if (c->terminated && !c->killed)
        end = c->terminated + GRACE_SECONDS * ORR_SECOND;
    else if (c->order->timeout && !c->terminated)
        end = c->started + c->order->timeout;
    if (c->order->timeout && c->looked + LOOK < end)
        end = c->looked + LOOK;
    until = end < until ? end : until;
    if (until == INT64_MAX)
        return -1;
    int64_t left = (until - orr_clock_monotonic()) / 1000000 + 1;
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/* Until the program has ended. Its pipes may be held open by what it left behind: they
 * are read only as far as they are filled when it ends. */
static int watch(struct command *c, int pid_fd, struct rusage *usage)
{
    for (;;) {
        struct pollfd ready[] = { { .fd = pid_fd, .events = POLLIN },
                                  { .fd = c->err_pipe, .events = POLLIN },
                                  { .fd = c->out_pipe, .events = POLLIN } };
        int wait = milliseconds_left(c);
        int status = 0;
        if (pid_fd < 0 &&
            (wait < 0 || wait > UNWATCHED_MS)) /* an old kernel, no descriptors */
            wait = UNWATCHED_MS;
        (void)poll(ready, 3, wait);
        if ((pid_fd < 0 || ready[0].revents) &&
            wait4(c->pid, &status, WNOHANG, usage) > 0) {
            empty_pipe(c, c->err_pipe, false);
            empty_pipe(c, c->out_pipe, true);
            return status;
        }
        follow_pipe(c, &c->err_pipe, ready[1].revents, false);
        follow_pipe(c, &c->out_pipe, ready[2].revents, true);
        enforce_time(c);
        enforce_memory(c);
    }
}

/* ---- judging ---- */

static bool is_success(const struct orr_order *order, int code)
{
    for (uint32_t i = 0; i < order->n_exit_codes; i++)
        if (order->exit_codes[i] == code)
            return true;
    return order->n_exit_codes == 0 && code == 0;
}

static void fail(struct command *c, enum orr_fail_kind kind, int64_t code,
                 const char *message)
{
    c->out->failure = kind;
    c->out->code = code;
    c->out->message = message;
}

static void judge(struct command *c, int status)
{
    const char *name = c->order->argv[0];
    char limit[ORR_TIME_TEXT];
    orr_duration_text((double)c->order->timeout / 1e9, limit);
    if (c->too_much_memory)
        fail(c, ORR_FAIL_MEMORY, 0,
             orr_memory_message(c->arena, name, c->memory.used, c->memory.limit));
    else if (c->output_too_long)
        fail(c, ORR_FAIL_MEMORY, 0,
             orr_arena_printf(c->arena, "%s wrote more than %d MiB to standard output",
                              name, ORR_STDOUT_MAX >> 20));
    else if (c->terminated)
        fail(c, ORR_FAIL_TIMEOUT, 0,
             orr_arena_printf(c->arena, "%s ran longer than its timeout of %s", name,
                              limit));
    else if (WIFSIGNALED(status))
        fail(c, ORR_FAIL_SIGNAL, WTERMSIG(status),
             orr_arena_printf(c->arena, "%s was ended by signal %d (%s)", name,
                              WTERMSIG(status), strsignal(WTERMSIG(status))));
    else if (!is_success(c->order, WEXITSTATUS(status)))
        fail(c, ORR_FAIL_EXIT, WEXITSTATUS(status),
             orr_arena_printf(c->arena, "%s exited with code %d", name,
                              WEXITSTATUS(status)));
    else
        c->out->code = WEXITSTATUS(status);
}

static void collect_errors(struct command *c)
{
    struct orr_outcome *out = c->out;
    out->error_tail = orri_ends_text(&c->errors, c->arena, &out->error_tail_length);
    if (out->failure != ORR_FAIL_NONE)
        out->message = orri_quote_last_line(out->message, out->error_tail,
                                            out->error_tail_length, c->arena);
}

/* ---- the files it is given ---- */

static orr_status write_file(const char *path, const void *bytes, size_t length,
                             struct orr_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && orr_pwrite_all(fd, bytes, length, 0) == 0;
    orr_status status =
        good ? ORR_OK
             : orr_error_errno(err, ORR_ERR_STORE, errno, "cannot write %s", path);
    if (fd >= 0)
        (void)close(fd);
    return status;
}

static orr_status write_blob(struct command *c, const struct orr_command_in *in,
                             struct orr_error *err)
{
    char *path = orr_arena_printf(c->arena, "%s/%s", c->dirs.scratch, in->written);
    char *directory = orr_path_directory(path);
    void *bytes = NULL;
    orr_status status = orr_mkdirs(directory, 0700, err);
    free(directory);
    if (status == ORR_OK)
        status = c->blobs->load(c->blobs->context, &in->blob, &bytes, err);
    if (status != ORR_OK)
        return status;
    status = write_file(path, bytes, (size_t)in->blob.length, err);
    c->blobs->unload(c->blobs->context, &in->blob, bytes);
    return status;
}

/* Its scratch directory with the blobs among its arguments. */
static orr_status prepare(struct command *c, struct orr_error *err)
{
    orr_status status = orri_scratch_make(&c->dirs, c->home, err);
    for (uint32_t i = 0; i < c->order->n_ins && status == ORR_OK; i++)
        status = write_blob(c, &c->order->ins[i], err);
    return status;
}

/* ---- the files it made ---- */

/* Blobs pass through memory: those that are too large are not read at all. */
static bool have_room(struct command *c, int fd)
{
    struct stat info;
    uint64_t most = c->order->blobs_most;
    uint64_t bytes =
        c->out->blob_bytes + (fstat(fd, &info) == 0 ? (uint64_t)info.st_size : 0);
    if (most && bytes > most)
        fail(c, ORR_FAIL_MEMORY, 0,
             orr_blobs_message(c->arena, c->order->argv[0], bytes, most));
    return !most || bytes <= most;
}

/* False with errno; what has failed already is told. */
static bool store_blob(struct command *c, const char *path, int blob_fd,
                       struct orr_blob *blob)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (!have_room(c, fd)) {
        (void)close(fd);
        return false;
    }
    struct orr_hasher *hasher = orr_hasher_new();
    char block[PIPE_BLOCK];
    ssize_t n = 0;
    *blob =
        (struct orr_blob) { .writer = ORR_BLOB_LOCAL, .offset = c->out->blob_bytes };
    while ((n = read(fd, block, sizeof block)) > 0 &&
           orr_pwrite_all(blob_fd, block, (size_t)n, (int64_t)c->out->blob_bytes) ==
               0) {
        orr_hasher_add(hasher, block, (size_t)n);
        c->out->blob_bytes += (uint64_t)n;
        blob->length += (uint64_t)n;
    }
    blob->hash = orr_hasher_end(hasher);
    orr_hasher_free(hasher);
    (void)close(fd);
    return n == 0;
}

/* False with errno. */
static bool keep_file(struct command *c, const char *path, const char *name)
{
    struct stat info;
    const char *to = orr_arena_printf(c->arena, "%s/%s", c->dirs.output, name);
    char *directory = orr_path_directory(to);
    int bad = stat(path, &info) != 0 ? errno : 0;
    if (!bad && orr_mkdirs(directory, 0777, NULL) != ORR_OK)
        bad = errno;
    if (!bad && rename(path, to) != 0)
        bad = errno;
    free(directory);
    errno = bad;
    return !bad;
}

static void collect_files(struct command *c, int blob_fd)
{
    const struct orr_order *order = c->order;
    struct orr_blob *made =
        orr_arena_alloc(c->arena, (order->n_outs + 1) * sizeof *made);
    for (uint32_t i = 0; i < order->n_outs && c->out->failure == ORR_FAIL_NONE; i++) {
        const struct orr_command_out *file = &order->outs[i];
        const char *path =
            orr_arena_printf(c->arena, "%s/%s", c->dirs.scratch, file->written);
        bool good = file->kept ? keep_file(c, path, file->kept)
                               : store_blob(c, path, blob_fd, &made[i]);
        if (!good && c->out->failure == ORR_FAIL_NONE)
            fail(c, ORR_FAIL_IO, errno,
                 orr_arena_printf(
                     c->arena,
                     "%s succeeded but its result '%s' cannot be taken%s%s: %s",
                     order->argv[0], file->written, file->kept ? " to " : "",
                     file->kept ? c->dirs.output : "", strerror(errno)));
    }
    c->out->made = made;
    c->out->n_made = order->n_outs;
}

/* ---- all of it ---- */

/* What it left behind, in its group and in others, is our child by now. */
static void end_group(const struct command *c)
{
    if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
        return;
    (void)kill(-c->pid, SIGKILL);
    orri_orphans_end();
}

static void run(struct command *c, int blob_fd)
{
    struct rusage usage = { 0 };
    struct orr_error err = { 0 };
    if (prepare(c, &err) != ORR_OK) {
        fail(c, ORR_FAIL_IO, err.system, orr_arena_strdup(c->arena, err.text));
        return;
    }
    c->started = c->looked = orr_clock_monotonic();
    int bad = start(c);
    const char *program = c->order->argv[0];
    bool beside = bad == ENOENT && !c->order->cwd && *program != '/' &&
                  strchr(program, '/') != NULL;
    if (bad) {
        fail(c, ORR_FAIL_EXIT, SPAWN_FAILED,
             orr_arena_printf(c->arena, "cannot run '%s': %s%s", program, strerror(bad),
                              beside ? "; relative paths start in a scratch directory: "
                                       "name it by an absolute path or an input of "
                                       "type path"
                                     : ""));
        return;
    }
    int pid_fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    orr_footprint_begin(&c->memory, c->pid, (uint64_t)c->order->memory, c->started);
    int status = watch(c, pid_fd, &usage);
    (void)close(pid_fd);
    end_group(c);
    c->home->group = 0;
    judge(c, status);
    collect_errors(c);
    if (c->out->failure == ORR_FAIL_NONE)
        collect_files(c, blob_fd);
    c->out->output =
        orr_arena_strndup(c->arena, c->output.s ? c->output.s : "", c->output.length);
    c->out->output_length = c->output.length;
    c->out->cpu_user = orri_time_ns(usage.ru_utime);
    c->out->cpu_sys = orri_time_ns(usage.ru_stime);
    c->out->max_rss = (uint64_t)usage.ru_maxrss * 1024;
}

void orr_command_run(const struct orr_order *order, const struct orr_blob_source *blobs,
                     int blob_fd, struct orr_home *home, struct orr_starter *starter,
                     struct orr_arena *arena, struct orr_outcome *out)
{
    *out = (struct orr_outcome) { .t_start = orr_clock_wall(), .message = "" };
    struct command c = { .order = order,
                         .blobs = blobs,
                         .arena = arena,
                         .out = out,
                         .dirs = orri_scratch_of(order, arena),
                         .home = home,
                         .starter = starter,
                         .pid = -1,
                         .out_pipe = -1,
                         .err_pipe = -1,
                         .memory = { .next = INT64_MAX } };
    run(&c, blob_fd);
    orr_footprint_end(&c.memory);
    if (c.err_pipe >= 0)
        (void)close(c.err_pipe);
    if (c.out_pipe >= 0)
        (void)close(c.out_pipe);
    orr_text_release(&c.output);
    orri_ends_release(&c.errors);
    orri_scratch_leave(&c.dirs, home, out->failure == ORR_FAIL_NONE);
    out->t_end = orr_clock_wall();
}
