/* launch.c - starting mpirun when nobody did
 * Owns: the mpirun process, and the file through which rank 0 tells its exit code. */
#include "base/memory.h"
#include "cli/session.h"
#include "store/rundir.h"
#include "topo/topo.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The launcher's signal handler needs the process to tell. */
static volatile sig_atomic_t mpirun_pid;
static volatile sig_atomic_t interrupts;

/* Ctrl-C: the ranks end the run in good order (SIGUSR2); a third one ends mpirun. */
static void forward(int number)
{
    bool impatient = number == SIGINT && ++interrupts > 2;
    int to_send = number == SIGINT || number == SIGUSR2 ? SIGUSR2 : SIGUSR1;
    if (mpirun_pid > 0)
        (void)kill((pid_t)mpirun_pid, impatient ? SIGTERM : to_send);
}

static void set_environment(const char *exit_file)
{
    struct winsize size = { 0 };
    char columns[16];
    (void)setenv(ORRI_EXIT_FILE, exit_file, 1);
    bool wants_line = isatty(STDERR_FILENO) && !getenv("NO_COLOR") &&
                      ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
    (void)snprintf(columns, sizeof columns, "%d", wants_line ? size.ws_col : 0);
    (void)setenv(ORRI_COLUMNS, columns, 1);
    if (geteuid() == 0) { /* containers and test machines */
        (void)setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
        (void)setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
    }
}

/* Will all ranks be here? Batch systems tell mpirun about more nodes than this one. */
static bool on_one_node(void)
{
    static const char *const lists[] = { "PBS_NODEFILE", "PE_HOSTFILE", "LSB_HOSTS",
                                         "LSB_DJOB_HOSTFILE",
                                         "OMPI_MCA_orte_default_hostfile" };
    const char *nodes = getenv("SLURM_JOB_NUM_NODES");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (getenv(lists[i]))
            return false;
    return !nodes || strcmp(nodes, "1") == 0;
}

enum { ARGS_MAX = 40 };

/* docs/design/mpi.md says why each of these. */
static char **mpirun_arguments(const struct orri_session *session,
                               const struct orr_line *line, const char *self,
                               const char *ranks)
{
    static const char *const fixed[] = {
        "--quiet",
        "--oversubscribe",
        "--bind-to",
        "none",
        "--enable-recovery",
        "--mca",
        "orte_allowed_exit_without_sync",
        "1",
        "--mca",
        "orte_abort_on_non_zero_status",
        "0",
        "--mca",
        "mpi_yield_when_idle",
        "1",
        "--mca",
        "btl_base_warn_component_unused",
        "0",
        "-x",
        ORRI_EXIT_FILE,
        "-x",
        ORRI_COLUMNS,
    };
    size_t n_fixed = sizeof fixed / sizeof *fixed;
    const char *program = getenv("ORRERY_MPIRUN");
    const char **argv =
        orr_alloc(n_fixed + (size_t)line->argc + ARGS_MAX, sizeof *argv);
    size_t n = 0;
    argv[n++] = program ? program : "mpirun";
    memcpy(argv + n, fixed, sizeof fixed);
    n += n_fixed;
    if (on_one_node() && !getenv("OMPI_MCA_pml")) {
        argv[n++] = "--mca"; /* no search for fabrics: half of MPI_Init */
        argv[n++] = "pml";
        argv[n++] = "ob1";
    }
    argv[n++] = "-n";
    argv[n++] = ranks;
    argv[n++] = self;
    argv[n++] = line->argv[1];
    argv[n++] = "--run-dir"; /* may have been chosen by us */
    argv[n++] = session->run_dir;
    for (int i = 2; i < line->argc; i++)
        argv[n++] = line->argv[i];
    return (char **)(uintptr_t)argv;
}

static int exit_code_of(const char *exit_file, const char *run_dir, int status)
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
    (void)fprintf(stderr,
                  "orrery: error: mpirun ended (%s %d) before rank 0 could %s%s\n",
                  WIFSIGNALED(status) ? "signal" : "exit code",
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

/* Wait for mpirun. It goes on when rank 0 is lost, and so do the other ranks, for half
 * a minute, though nothing can come of it: end it then. True: rank 0 was lost. */
static bool wait_for(pid_t pid, const char *run_dir, int *status)
{
    struct orr_run_info info;
    bool lived = false;
    bool lost = false;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    pid_t ended = 0;
    while ((ended = waitpid(pid, status, WNOHANG)) == 0 ||
           (ended < 0 && errno == EINTR)) {
        struct pollfd end = { .fd = fd, .events = POLLIN };
        (void)poll(&end, 1, fd < 0 ? LOOK_BLIND_MS : LOOK_MS);
        if (lost || orr_run_info_read(run_dir, &info, NULL) != ORR_OK)
            continue;
        lived = lived || info.locked;
        lost = lived && info.gone;
        if (!lost)
            continue;
        (void)fprintf(stderr,
                      "orrery: error: rank 0 was lost (%s); what was finished is kept, "
                      "go on with: orrery resume %s\n",
                      info.owner, run_dir);
        (void)kill(pid, SIGTERM);
    }
    if (fd >= 0)
        (void)close(fd);
    return lost;
}

static int spawn_and_wait(char **argv, const char *exit_file, const char *run_dir)
{
    posix_spawnattr_t attributes;
    struct sigaction action = { .sa_handler = forward };
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
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGUSR1, &action, NULL);
    (void)sigaction(SIGUSR2, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL); /* the terminal is gone: drain */
    if (wait_for(pid, run_dir, &status))
        return ORR_EXIT_MACHINE;
    return exit_code_of(exit_file, run_dir, status);
}

static long default_ranks(long cores_per_rank)
{
    struct orr_topo *topo = NULL;
    if (orr_topo_load(NULL, NULL, &topo, NULL) != ORR_OK)
        return 2;
    long workers = (long)orr_topo_cores(topo) / cores_per_rank;
    orr_topo_free(topo);
    return 1 + (workers < 1 ? 1 : workers);
}

int orri_launch(const struct orri_session *session, const struct orr_line *line,
                long ranks)
{
    char exit_file[600];
    const char *temporary = getenv("TMPDIR");
    char number[24];
    char self[4096];
    (void)snprintf(exit_file, sizeof exit_file, "%.500s/orrery-exit-XXXXXX",
                   temporary ? temporary : "/tmp");
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    int fd = mkstemp(exit_file);
    if (length < 0 || fd < 0) {
        (void)fprintf(stderr, "orrery: error: cannot prepare the launch: %s\n",
                      strerror(errno));
        return ORR_EXIT_MACHINE;
    }
    self[length] = '\0';
    (void)close(fd);
    (void)snprintf(number, sizeof number, "%ld",
                   ranks ? ranks : default_ranks(session->cores_per_rank));
    set_environment(exit_file);
    char **argv = mpirun_arguments(session, line, self, number);
    int code = spawn_and_wait(argv, exit_file, session->run_dir);
    (void)unlink(exit_file);
    free(argv);
    return code;
}
