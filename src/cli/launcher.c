/* launcher.c - the command line of what starts the ranks
 * Owns: the arguments of mpirun and srun, srun's host file. */
#include "cli/launcher.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/batch.h"
#include "slurm/slurm.h"
#include "topo/topo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGS_MAX = 60 };

/* ---- asking Slurm ---- */

static bool srun_has_pmix(void)
{
    char *argv[] = { "srun", "--mpi=list", NULL };
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_text messages = ORR_TEXT_INIT; /* where some versions list them */
    (void)orri_program_within(argv, ORRI_ASK_SECONDS, &text, &messages);
    bool has = strstr(text.s, "pmix") || strstr(messages.s, "pmix");
    orr_text_release(&text);
    orr_text_release(&messages);
    return has;
}

/* The nodes of our job, a name a line. */
static void list_nodes(struct orr_text *out)
{
    char *argv[] = { "scontrol", "show", "hostnames", getenv("SLURM_JOB_NODELIST"),
                     NULL };
    struct orr_text messages = ORR_TEXT_INIT;
    if (!argv[3] || orri_program_within(argv, ORRI_ASK_SECONDS, out, &messages) != 0)
        orr_text_clear(out);
    if (!out->s)
        orr_text_puts(out, "");
    orr_text_release(&messages);
}

static bool wants_srun(const struct orri_session *session, bool *wrong)
{
    const char *from = getenv("ORRERY_LAUNCHER");
    const char *name = session->launcher ? session->launcher : from;
    bool given = name && *name && strcmp(name, "auto") != 0;
    *wrong = given && strcmp(name, "srun") != 0 && strcmp(name, "mpirun") != 0;
    if (*wrong)
        (void)fprintf(stderr,
                      "orrery: the launcher is auto, srun or mpirun, not '%s'\n", name);
    if (given)
        return strcmp(name, "srun") == 0;
    return getenv("SLURM_JOB_ID") && getenv("SLURM_JOB_NODELIST") && srun_has_pmix();
}

/* ---- mpirun ---- */

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

static long cores_here(long cores_per_rank)
{
    struct orr_topo *topo = NULL;
    if (orr_topo_load(NULL, NULL, &topo, NULL) != ORR_OK)
        return 1;
    long workers = (long)orr_topo_cores(topo) / cores_per_rank;
    orr_topo_free(topo);
    return workers < 1 ? 1 : workers;
}

/* docs/design/mpi.md says why each of these. */
static size_t mpirun_arguments(struct orri_launcher *launcher, const char **argv)
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
        "-x",
        ORRI_END,
    };
    const char *program = getenv("ORRERY_MPIRUN");
    size_t n = 0;
    argv[n++] = program ? program : "mpirun";
    memcpy(argv + n, fixed, sizeof fixed);
    n += sizeof fixed / sizeof *fixed;
    if (on_one_node() && !getenv("OMPI_MCA_pml")) {
        argv[n++] = "--mca"; /* no search for fabrics: half of MPI_Init */
        argv[n++] = "pml";
        argv[n++] = "ob1";
    }
    argv[n++] = "-n";
    argv[n++] = launcher->ranks;
    return n;
}

/* ---- srun ---- */

/* The names of the nodes, one a line, in place. */
static size_t split_lines(char *text, const char ***out)
{
    size_t n = 0;
    size_t cap = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        *out = orr_grow(*out, n, &cap, sizeof **out);
        (*out)[n++] = line;
    }
    return n;
}

/* Where each rank goes: nothing that Slurm does by itself puts one rank more on the
 * first node. Its text; "" when Slurm does not say what it gave us. */
static void place_ranks(long cores_per_rank, long ranks, uint64_t *total,
                        struct orr_text *out)
{
    const char *cpus = getenv("SLURM_JOB_CPUS_PER_NODE");
    struct orr_text nodes = ORR_TEXT_INIT;
    const char **names = NULL;
    uint32_t *places = NULL;
    size_t n = 0;
    uint64_t workers = 0;
    list_nodes(&nodes);
    size_t n_names = split_lines(nodes.s, &names);
    if (cpus && orr_slurm_counts(cpus, &places, &n) && n == n_names) {
        for (size_t i = 0; i < n; i++) {
            places[i] /= (uint32_t)cores_per_rank;
            places[i] = places[i] ? places[i] : 1;
            workers += places[i];
        }
        workers = ranks ? (uint64_t)ranks - 1 : workers;
        orr_slurm_hosts(names, places, n, workers, out);
        *total = workers + 1;
    }
    free(names);
    free(places);
    orr_text_release(&nodes);
}

static bool write_host_file(struct orri_launcher *launcher, const struct orr_text *text)
{
    const char *temporary = getenv("TMPDIR");
    char path[600];
    (void)snprintf(path, sizeof path, "%.500s/orrery-hosts-XXXXXX",
                   temporary ? temporary : "/tmp");
    int fd = mkstemp(path);
    bool good = fd >= 0 && orr_write_all(fd, text->s, text->length) == 0;
    if (!good)
        (void)fprintf(stderr, "orrery: error: cannot write %s: %s\n", path,
                      strerror(errno));
    if (fd >= 0) {
        launcher->host_file = orr_strdup(path);
        (void)close(fd);
    }
    return good;
}

/* docs/design/slurm.md says why each of these. */
static size_t srun_arguments(struct orri_launcher *launcher, const char **argv)
{
    static const char *const fixed[] = {
        "--mpi=pmix",   "--no-kill", "--kill-on-bad-exit=0", "--wait=0",
        "--overcommit", "--overlap", "--cpu-bind=none",      "--distribution=arbitrary",
        "--export=ALL",
    };
    size_t n = 0;
    argv[n++] = "srun";
    memcpy(argv + n, fixed, sizeof fixed);
    n += sizeof fixed / sizeof *fixed;
    argv[n++] = "-n";
    argv[n++] = launcher->ranks;
    (void)setenv("SLURM_HOSTFILE", launcher->host_file, 1);
    (void)unsetenv("SLURM_NTASKS_PER_NODE"); /* of the job; we have one more */
    (void)setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    (void)setenv("OMPI_MCA_btl_base_warn_component_unused", "0", 0);
    return n;
}

static bool prepare_srun(struct orri_launcher *launcher,
                         const struct orri_session *session, long ranks)
{
    struct orr_text hosts = ORR_TEXT_INIT;
    uint64_t total = 0;
    place_ranks(session->cores_per_rank, ranks, &total, &hosts);
    bool good = total > 0;
    if (!good)
        (void)fputs(
            "orrery: error: Slurm does not say which nodes and CPUs this job has "
            "(SLURM_JOB_NODELIST, SLURM_JOB_CPUS_PER_NODE): --launcher=mpirun\n",
            stderr);
    (void)snprintf(launcher->ranks, sizeof launcher->ranks, "%" PRIu64, total);
    good = good && write_host_file(launcher, &hosts);
    orr_text_release(&hosts);
    return good;
}

/* ---- both ---- */

static bool find_self(struct orri_launcher *launcher)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0) {
        (void)fprintf(stderr, "orrery: error: cannot find this program: %s\n",
                      strerror(errno));
        return false;
    }
    path[length] = '\0';
    launcher->self = orr_strdup(path);
    return true;
}

bool orri_launcher_choose(const struct orri_session *session,
                          const struct orr_line *line, long ranks,
                          struct orri_launcher *out)
{
    bool wrong = false;
    *out = (struct orri_launcher) { .srun = wants_srun(session, &wrong) };
    if (wrong || !find_self(out) || (out->srun && !prepare_srun(out, session, ranks)))
        return false;
    if (!out->srun)
        (void)snprintf(out->ranks, sizeof out->ranks, "%ld",
                       ranks ? ranks : 1 + cores_here(session->cores_per_rank));
    const char **argv = orr_alloc((size_t)line->argc + ARGS_MAX, sizeof *argv);
    size_t n = out->srun ? srun_arguments(out, argv) : mpirun_arguments(out, argv);
    argv[n++] = out->self;
    argv[n++] = line->argv[1];
    argv[n++] = "--run-dir"; /* may have been chosen by us */
    argv[n++] = session->run_dir;
    for (int i = 2; i < line->argc; i++)
        argv[n++] = line->argv[i];
    out->argv = (char **)(uintptr_t)argv;
    return true;
}

void orri_launcher_release(struct orri_launcher *launcher)
{
    if (launcher->host_file)
        (void)unlink(launcher->host_file);
    free(launcher->host_file);
    free(launcher->self);
    free(launcher->argv);
}
