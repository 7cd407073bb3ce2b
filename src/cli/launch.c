/* launch.c - starting the ranks when nobody did
 * Owns: the launcher's process, and the file through which rank 0 tells its exit code.
 * Hands on: which launcher, with which arguments (launcher.c). */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/launcher.h"
#include "store/rundir.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The launcher's signal handler needs the process to tell; and what came before rank 0
 * listens is kept until it does: mpirun dies of it, srun forgets it. */
static volatile sig_atomic_t mpirun_pid;
static volatile sig_atomic_t interrupts;
static volatile sig_atomic_t warned; /* USR1: the end is near */
static volatile sig_atomic_t listens;
static volatile sig_atomic_t held;

/* Ctrl-C: the ranks end the run in good order (SIGUSR2); a third one ends mpirun. */
static void forward(int number)
{
    bool impatient = number == SIGINT && ++interrupts > 2;
    int to_send = number == SIGINT || number == SIGUSR2 ? SIGUSR2 : SIGUSR1;
    if (number == SIGUSR1) /* how near, is to be asked first */
        warned = 1;
    else if (!listens && !impatient)
        held = to_send;
    else if (mpirun_pid > 0)
        (void)kill((pid_t)mpirun_pid, impatient ? SIGTERM : to_send);
}

static void take_signals(void)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGUSR1, SIGUSR2,
                                   SIGHUP /* the terminal is gone: drain */ };
    struct sigaction action = { .sa_handler = forward };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        (void)sigaction(numbers[i], &action, NULL);
}

static void pass_held(pid_t pid)
{
    listens = 1;
    if (held)
        (void)kill(pid, (int)held);
    held = 0;
}

static void pass_warning(pid_t pid, struct orri_session *session, const char *exit_file)
{
    if (!warned || !listens)
        return;
    warned = 0;
    orri_time_warned(&session->time, exit_file, session->grace);
    (void)kill(pid, SIGUSR1);
}

static void set_environment(const char *exit_file, const struct orri_time *time)
{
    struct winsize size = { 0 };
    char columns[16];
    (void)setenv(ORRI_EXIT_FILE, exit_file, 1);
    orri_time_export(time);
    bool wants_line = isatty(STDERR_FILENO) && !getenv("NO_COLOR") &&
                      ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
    (void)snprintf(columns, sizeof columns, "%d", wants_line ? size.ws_col : 0);
    (void)setenv(ORRI_COLUMNS, columns, 1);
    if (geteuid() == 0) { /* containers and test machines */
        (void)setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
        (void)setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
    }
}

static int exit_code_of(const char *launcher, const char *exit_file,
                        const char *run_dir, int status)
{
    int code = -1;
    FILE *file = fopen(exit_file, "r");
    if (file && fscanf(file, "%d", &code) != 1)
        code = -1;
    if (file)
        (void)fclose(file);
    if (code >= 0)
        return code;
    struct orr_run_info info;
    bool begun = orr_run_info_read(run_dir, &info, NULL) == ORR_OK;
    (void)fprintf(stderr, "orrery: error: %s ended (%s %d) before rank 0 could %s%s\n",
                  launcher, WIFSIGNALED(status) ? "signal" : "exit code",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                  begun ? "conclude; what was finished is kept, go on with: orrery "
                          "resume "
                        : "begin: nothing was run",
                  begun ? run_dir : "");
    if (WIFSIGNALED(status))
        (void)fprintf(stderr, "orrery: ranks that it left behind end by themselves, "
                              "within 30 s\n");
    return ORR_EXIT_MACHINE;
}

enum { LOOK_MS = 1000, LOOK_BLIND_MS = 50 /* old kernels, no descriptors */ };
enum { PATIENCE_SECONDS = 60, KILL_SECONDS = 10 };
enum { SHELL_SIGNAL = 128 }; /* 139: a rank died of signal 11, as shells tell it */

/* The launcher while it runs. It is told to end when nothing can come of it any more.
 */
struct watch {
    pid_t pid;
    const char *name, *run_dir, *exit_file;
    struct orri_session *session;
    int64_t patience; /* ns: from rank 0's exit code to the launcher's end */
    uint32_t epoch;   /* of the session before */
    bool lived;       /* rank 0 had the run's lock */
    bool lost;        /* and died with it */
    bool concluded;   /* rank 0 left its exit code */
    int64_t end_at;   /* monotonic: TERM, and KILL later; 0: not yet */
    bool told;
};

static int64_t patience(void)
{
    const char *text = getenv("ORRERY_LAUNCHER_PATIENCE");
    long seconds = text ? strtol(text, NULL, 10) : 0;
    return (seconds > 0 ? seconds : PATIENCE_SECONDS) * ORR_SECOND;
}

/* It goes on when rank 0 is lost, and so do the other ranks, for half a minute. */
static void look_for_loss(struct watch *w)
{
    struct orr_run_info info;
    if (w->lost || w->concluded || orr_run_info_read(w->run_dir, &info, NULL) != ORR_OK)
        return;
    if (info.locked && !w->lived)
        pass_held(w->pid);
    w->lived = w->lived || info.locked;
    w->lost = w->lived && info.gone;
    if (!w->lost)
        return;
    (void)fprintf(stderr,
                  "orrery: error: rank 0 was lost (%s); what was finished is kept, "
                  "go on with: orrery resume %s\n",
                  info.owner, w->run_dir);
    w->end_at = orr_clock_monotonic();
}

/* mpirun and srun may wait for daemons that will not answer, for ever. */
static void look_for_end(struct watch *w)
{
    struct stat info;
    if (w->concluded || stat(w->exit_file, &info) != 0 || info.st_size == 0)
        return;
    w->concluded = true;
    w->end_at = orr_clock_monotonic() + w->patience;
}

static void hurry(struct watch *w)
{
    if (!w->end_at || orr_clock_monotonic() < w->end_at)
        return;
    if (w->concluded && !w->told)
        (void)fprintf(stderr,
                      "orrery: warning: %s is still there %" PRId64
                      " s after rank 0 has ended: it is stopped\n",
                      w->name, w->patience / ORR_SECOND);
    (void)kill(w->pid, w->told ? SIGKILL : SIGTERM);
    w->told = true;
    w->end_at = orr_clock_monotonic() + KILL_SECONDS * ORR_SECOND;
}

static uint32_t epoch_of(const char *run_dir)
{
    struct orr_run_info info;
    return orr_run_info_read(run_dir, &info, NULL) == ORR_OK ? info.epoch : 0;
}

static void wait_for(struct watch *w, int *status)
{
    int fd = (int)syscall(SYS_pidfd_open, w->pid, 0);
    pid_t ended = 0;
    while ((ended = waitpid(w->pid, status, WNOHANG)) == 0 ||
           (ended < 0 && errno == EINTR)) {
        struct pollfd end = { .fd = fd, .events = POLLIN };
        (void)poll(&end, 1, fd < 0 ? LOOK_BLIND_MS : LOOK_MS);
        pass_warning(w->pid, w->session, w->exit_file);
        orri_time_follow(&w->session->time, w->exit_file);
        look_for_loss(w);
        look_for_end(w);
        hurry(w);
    }
    if (fd >= 0)
        (void)close(fd);
    look_for_end(w);
}

/* Did a rank crash before rank 0 could begin its epoch? Open MPI may, in MPI_Init, when
 * a message of another rank comes early (docs/design/slurm.md). */
static bool is_stillborn(const struct watch *w, int status)
{
    int number =
        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) - SHELL_SIGNAL;
    return epoch_of(w->run_dir) == w->epoch && !w->concluded && !held && !interrupts &&
           !warned && (number == SIGSEGV || number == SIGABRT || number == SIGBUS);
}

/* `stillborn`, unless NULL: nothing was told, and it may be tried again. */
static int spawn_and_wait(const struct orri_launcher *launcher, const char *exit_file,
                          struct orri_session *session, bool *stillborn)
{
    char **argv = launcher->argv;
    posix_spawnattr_t attributes;
    uint32_t epoch = epoch_of(session->run_dir);
    pid_t pid = 0;
    int status = 0;
    (void)posix_spawnattr_init(&attributes);
    /* Its own group: a Ctrl-C reaches us alone, and we say what it means. */
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    int bad = posix_spawnp(&pid, argv[0], NULL, &attributes, argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    if (bad) {
        (void)fprintf(stderr,
                      "orrery: error: cannot start '%s': %s. Is Open MPI installed and "
                      "its module loaded?\n",
                      argv[0], strerror(bad));
        return ORR_EXIT_MACHINE;
    }
    mpirun_pid = pid;
    struct watch watch = { .pid = pid,
                           .epoch = epoch,
                           .name = launcher->srun ? "srun" : "mpirun",
                           .run_dir = session->run_dir,
                           .exit_file = exit_file,
                           .session = session,
                           .patience = patience() };
    wait_for(&watch, &status);
    if (stillborn && is_stillborn(&watch, status)) {
        *stillborn = true;
        return ORR_EXIT_MACHINE;
    }
    return watch.lost ? ORR_EXIT_MACHINE
                      : exit_code_of(watch.name, exit_file, session->run_dir, status);
}

/* Where rank 0 leaves its exit code. srun may start it on another machine than this: in
 * the run directory, then. */
static bool make_exit_file(const struct orri_session *session, bool srun,
                           struct orr_text *out)
{
    const char *temporary = getenv("TMPDIR");
    if (srun) {
        char *folder = orr_path_join(session->run_dir, "slurm");
        srun = orr_mkdirs(session->run_dir, 0700, NULL) == ORR_OK &&
               orr_mkdirs(folder, 0700, NULL) == ORR_OK;
        free(folder);
    }
    if (srun)
        orr_text_printf(out, "%s/slurm/exit-XXXXXX", session->run_dir);
    else
        orr_text_printf(out, "%s/orrery-exit-XXXXXX", temporary ? temporary : "/tmp");
    int fd = mkstemp(out->s);
    if (fd < 0) {
        (void)fprintf(stderr, "orrery: error: cannot prepare the launch: %s: %s\n",
                      out->s, strerror(errno));
        return false;
    }
    (void)close(fd);
    return true;
}

/* Nothing came of the run directory, perhaps: leave none. */
static void remove_exit_file(const struct orri_session *session, const char *path)
{
    char *folder = orr_path_join(session->run_dir, "slurm");
    (void)unlink(path);
    if (rmdir(folder) == 0)
        (void)rmdir(session->run_dir);
    free(folder);
}

enum { LOCK_SECONDS = ORR_LOCK_SILENCE + 15 };

/* A job that Slurm started again is its own predecessor, whose lock may still stand
 * when it died with its machine: until it is known to be silent. */
static void wait_for_lock(const char *run_dir)
{
    const char *restarts = getenv("SLURM_RESTART_COUNT");
    struct orr_run_info info;
    if (!restarts || strtol(restarts, NULL, 10) <= 0)
        return;
    for (int i = 0; i < LOCK_SECONDS; i++) {
        if (orr_run_info_read(run_dir, &info, NULL) != ORR_OK || !info.locked)
            return;
        if (i == 0)
            (void)fprintf(stderr,
                          "orrery: %s is locked by %s: waiting until that is silent\n",
                          run_dir, info.owner);
        (void)sleep(1);
    }
}

/* It may name a place of the login node. Open MPI would fail there, and so would we. */
static void check_temporary(void)
{
    const char *place = getenv("TMPDIR");
    if (!place || (*place && access(place, W_OK | X_OK) == 0))
        return;
    if (*place)
        (void)fprintf(stderr,
                      "orrery: note: TMPDIR is %s, but: %s; going on with /tmp\n",
                      place, strerror(errno));
    (void)unsetenv("TMPDIR");
}

enum { STARTS = 3 };

/* Another turn of a Slurm job takes minutes: a crash at the start is tried again here.
 */
static int launch(const struct orri_launcher *launcher, const char *exit_file,
                  struct orri_session *session)
{
    for (int i = 1; i < STARTS; i++) {
        bool stillborn = false;
        int code = spawn_and_wait(launcher, exit_file, session, &stillborn);
        if (!stillborn)
            return code;
        (void)fputs("orrery: a rank crashed while the ranks were started: starting "
                    "them again\n",
                    stderr);
    }
    return spawn_and_wait(launcher, exit_file, session, NULL);
}

int orri_launch(struct orri_session *session, const struct orr_line *line, long ranks)
{
    struct orri_launcher launcher;
    struct orr_text exit_file = ORR_TEXT_INIT;
    int code = ORR_EXIT_INPUT;
    take_signals();
    if (session->resume)
        wait_for_lock(session->run_dir);
    check_temporary();
    if (orri_launcher_choose(session, line, ranks, &launcher)) {
        code = ORR_EXIT_MACHINE;
        if (make_exit_file(session, launcher.srun, &exit_file)) {
            set_environment(exit_file.s, &session->time);
            code = launch(&launcher, exit_file.s, session);
            orri_time_untell(exit_file.s);
            remove_exit_file(session, exit_file.s);
        }
    }
    orri_launcher_release(&launcher);
    orr_text_release(&exit_file);
    return code;
}
