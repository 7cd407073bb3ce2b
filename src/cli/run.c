/* run.c - orrery run and orrery resume */
#include "base/clock.h"
#include "base/memory.h"
#include "cli/amounts.h"
#include "cli/dryrun.h"
#include "cli/prepare.h"
#include "cli/request.h"
#include "cli/reuse.h"
#include "link/link.h"
#include "topo/gpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RANK_OPTIONS                                                                   \
    { "ranks", 'n', "N",                                                               \
      "MPI ranks that mpirun starts (default: one a core, and one more); 1: "          \
      "everything in one process",                                                     \
      false },                                                                         \
        { "cores-per-rank", 0, "K", "cores that each worker rank serves (default 1)",  \
          false },                                                                     \
        { "launcher", 0, "NAME",                                                       \
          "what starts the ranks: mpirun, or srun, the default in a Slurm job",        \
          false },                                                                     \
        { "bind", 0, "core|numa|none",                                                 \
          "pin attempts to cores or NUMA domains, or not (default: to cores, when "    \
          "all of the node are used)",                                                 \
          false },                                                                     \
        { "memory-per-node", 0, "SIZE",                                                \
          "what attempts may use of each node (default: what the allocation gives)",   \
          false },                                                                     \
        { "gpus-per-node", 0, "N",                                                     \
          "GPUs of each node (default: those of the allocation)", false },             \
        { "durability", 0, "WHERE",                                                    \
          "shared (default): results are on the run directory's disk before they "     \
          "count; node: on the node's, and copied; none: not synced (benchmarks)",     \
          false },                                                                     \
        { "local-dir", 0, "DIR",                                                       \
          "of each node, with --durability node (default: $ORRERY_LOCAL_DIR, "         \
          "$TMPDIR, /tmp)",                                                            \
          false },                                                                     \
        { "grace", 0, "SECONDS",                                                       \
          "what running attempts get when told to end (default 60)", false },          \
        { "time-limit", 0, "TIME",                                                     \
          "the run has so long, such as 50min: nothing is started that takes longer "  \
          "than is left (default: what the Slurm job has)",                            \
          false },                                                                     \
        { "guests", 0, "N",                                                            \
          "let N opportunistic jobs come to help, one after another (orrery join)",    \
          false },                                                                     \
        { "expand-first", 0, NULL,                                                     \
          "make all calls of ranges before the first attempt starts: the most urgent " \
          "of all goes first; takes memory",                                           \
          false },                                                                     \
        { "no-twins", 0, NULL,                                                         \
          "run nothing on a second node because it takes long on the first", false },  \
        { "max-failures", 0, "N|PART",                                                 \
          "stop after so many failed attempts, or such a part of all: 5% (default: "   \
          "never)",                                                                    \
          false },                                                                     \
    {                                                                                  \
        "quiet", 'q', NULL, "no progress and no summary", false                        \
    }

#define CHANGE_OPTIONS                                                                 \
    { "accept-changes", 0, NULL,                                                       \
      "resume although the job, its inputs or functions changed: what they do not "    \
      "touch stays finished",                                                          \
      false },                                                                         \
        { "verify", 0, NULL,                                                           \
          "resume, and read all blobs first: tasks whose blobs are damaged run again", \
          false },                                                                     \
    {                                                                                  \
        "retry-failed", 0, NULL,                                                       \
            "resume, and forget failed attempts: their tasks have all retries anew",   \
            false                                                                      \
    }

#define REUSE_OPTIONS                                                                  \
    { "reuse", 0, "RUN",                                                               \
      "take finished results from that run, by the identity of tasks. May be "         \
      "repeated",                                                                      \
      true },                                                                          \
        { "cache", 0, "DIR",                                                           \
          "take results from this cache, and enter the run at its end (default: "      \
          "$ORRERY_CACHE)",                                                            \
          false },                                                                     \
    {                                                                                  \
        "no-reuse", 0, NULL, "take nothing from other runs", false                     \
    }

static const struct orr_option run_options[] = {
    RANK_OPTIONS,
    { "run-dir", 'd', "DIR", "the run directory (default: runs/JOB-DATE-TIME)", false },
    { "resume", 0, NULL, "go on with the run in --run-dir, if there is one", false },
    CHANGE_OPTIONS,
    REUSE_OPTIONS,
    { "set", 's', "INPUT=VALUE",
      "give an input: YAML, or plain text for a string or path. May be repeated",
      true },
    { "request", 0, "N",
      "only this one of the job's requests, counted from 0, or of its sweep's", false },
    { "dry-run", 0, NULL,
      "go through all rules with functions answered from examples; start nothing",
      false },
    { "costs", 0, "RUN", "with --dry-run: results and times of an earlier run", false },
    { "limit", 0, "N", "with --dry-run: tasks to list (default 20); 0: all", false },
    { "json", 0, NULL, "with --dry-run: one JSON object", false },
    { 0 },
};

static const struct orr_option resume_options[] = {
    RANK_OPTIONS,
    CHANGE_OPTIONS,
    REUSE_OPTIONS,
    { "run-dir", 'd', "DIR", "instead of the argument", false },
    { 0 }
};

static bool read_node(const struct orr_line *line, struct orri_session *session)
{
    double memory = 0;
    if (!orri_bytes(line, "memory-per-node", 0, &memory) ||
        !orri_number(line, "gpus-per-node", 1, ORR_GPUS_MAX, 0,
                     &session->gpus_per_node))
        return false;
    session->memory_per_node = (uint64_t)memory;
    return true;
}

/* A directory that each node has for itself; false after a message. */
static bool read_local_dir(const struct orr_line *line, struct orri_session *session)
{
    const char *places[] = { orri_option(line, "local-dir"), getenv("ORRERY_LOCAL_DIR"),
                             getenv("TMPDIR"), "/tmp" };
    bool node = session->durability && strcmp(session->durability, "node") == 0;
    for (size_t i = sizeof places / sizeof *places; i-- > 0 && node;)
        if (places[i] && places[i][0])
            session->local_dir = places[i];
    if (places[0] && !node)
        (void)fputs("orrery: --local-dir goes with --durability node\n", stderr);
    else if (node && session->local_dir[0] != '/')
        (void)fprintf(stderr,
                      "orrery: logs on the nodes' disks need an absolute path, not "
                      "'%s'\n",
                      session->local_dir);
    else
        return true;
    return false;
}

/* A number of failed attempts, or a part of all; false after a message. */
static bool read_budget(const struct orr_line *line, struct orri_session *session)
{
    const char *text = orri_option(line, "max-failures");
    if (text && strchr(text, '%'))
        return orri_part(line, "max-failures", 0, &session->max_failed_part);
    return orri_number(line, "max-failures", 0, 1000000000, 0, &session->max_failures);
}

/* Options that run and resume share; false after a message. */
static bool read_common(const struct orr_line *line, struct orri_session *session,
                        long *ranks)
{
    const char *durability = orri_option(line, "durability");
    session->durability = durability;
    session->quiet = orri_has(line, "quiet");
    session->launcher = orri_option(line, "launcher");
    session->accept_changes = orri_has(line, "accept-changes");
    session->retry_failed = orri_has(line, "retry-failed");
    session->verify = orri_has(line, "verify");
    session->no_twins = orri_has(line, "no-twins");
    session->expand_first = orri_has(line, "expand-first");
    if (!orri_read_bind(line, &session->bind))
        return false;
    if (durability && strcmp(durability, "shared") != 0 &&
        strcmp(durability, "node") != 0 && strcmp(durability, "none") != 0) {
        (void)fprintf(stderr,
                      "orrery: --durability is shared, node or none, not '%s'\n",
                      durability);
        return false;
    }
    return read_node(line, session) && read_local_dir(line, session) &&
           orri_number(line, "ranks", 1, 1000000, 0, ranks) &&
           orri_number(line, "cores-per-rank", 1, 256, 1, &session->cores_per_rank) &&
           orri_number(line, "grace", 0, 86400, 60, &session->grace) &&
           orri_number(line, "guests", 0, 100000, 0, &session->guests) &&
           orri_seconds(line, "time-limit", 0, &session->time_limit) &&
           read_budget(line, session);
}

/* Before MPI_Init, ranks know their numbers from the environment only. */
static bool is_first_rank(void)
{
    static const char *const names[] = { "OMPI_COMM_WORLD_RANK", "PMIX_RANK",
                                         "PMI_RANK" };
    const char *rank = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !rank; i++)
        rank = getenv(names[i]);
    return !rank || strcmp(rank, "0") == 0;
}

static int start(struct orri_session *session, const struct orr_line *line, long ranks)
{
    if (is_first_rank()) /* the launcher is, too */
        session->time = orri_time_ask(session->time_limit);
    if (orr_mpi_launched())
        return orri_session_run(session, false);
    return ranks == 1 ? orri_session_run(session, true)
                      : orri_launch(session, line, ranks);
}

/* runs/NAME-20261122-210620, with a number when several start in one second: made here,
 * so that each is one's own. What keeps it from being made is said by who opens it. */
static char *make_run_dir(const char *name)
{
    char path[600];
    char when[32];
    time_t now = time(NULL);
    struct tm parts;
    (void)localtime_r(&now, &parts);
    (void)strftime(when, sizeof when, "%Y%m%d-%H%M%S", &parts);
    (void)snprintf(path, sizeof path, "runs/%.200s-%s", name, when);
    (void)mkdir("runs", 0777);
    for (int i = 2; mkdir(path, 0700) != 0 && errno == EEXIST; i++)
        (void)snprintf(path, sizeof path, "runs/%.200s-%s-%d", name, when, i);
    return orr_strdup(path);
}

/* Everything that can be found wrong is found here, before mpirun starts. */
static int check_and_start(struct orri_session *session, const struct orr_line *line,
                           long ranks)
{
    struct orri_texts texts = { 0 };
    struct orr_job *job = orri_compile_job(session, &texts, session->quiet);
    char *chosen = NULL;
    int code = ORR_EXIT_INPUT;
    bool dry = orri_has(line, "dry-run");
    bool lenient = dry || session->resume; /* finished tasks need no inputs */
    if (job && (orri_inputs_readable(job, lenient ? "warning" : "error") || lenient)) {
        if (!session->run_dir && !dry)
            session->run_dir = chosen = make_run_dir(job->name);
        code = -1;
    }
    if (code < 0 && dry)
        code = orri_dry_run(line, job);
    orr_job_free(job);
    orri_texts_release(&texts);
    if (code < 0)
        code = start(session, line, ranks);
    if (chosen)
        (void)rmdir(chosen); /* nothing came of it */
    free(chosen);
    return code;
}

/* Options that mean nothing without another. */
static bool check_together(const struct orr_line *line)
{
    static const char *const names[][2] = {
        { "costs", "dry-run" },       { "limit", "dry-run" },
        { "json", "dry-run" },        { "accept-changes", "resume" },
        { "retry-failed", "resume" }, { "verify", "resume" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (orri_has(line, names[i][0]) && !orri_has(line, names[i][1])) {
            (void)fprintf(stderr, "orrery run: --%s goes with --%s\n", names[i][0],
                          names[i][1]);
            return false;
        }
    return true;
}

static int run_checked(struct orri_session *session, const struct orr_line *line,
                       long ranks)
{
    bool mpi = orr_mpi_launched();
    if (orri_has(line, "dry-run"))
        return is_first_rank() ? check_and_start(session, line, ranks) : ORR_EXIT_OK;
    if (!mpi)
        return check_and_start(session, line, ranks);
    if (session->run_dir)
        return start(session, line, ranks);
    if (is_first_rank())
        (void)fputs("orrery run: under mpirun or srun, name the run directory with "
                    "--run-dir: all ranks must agree\n",
                    stderr);
    return ORR_EXIT_INPUT;
}

/* Slurm starts a batch script that was preempted from its beginning. */
static bool was_requeued(void)
{
    const char *restarts = getenv("SLURM_RESTART_COUNT");
    return restarts && strtol(restarts, NULL, 10) > 0;
}

static void tell_requeued(const struct orri_session *session)
{
    if (getenv(ORRI_EXIT_FILE) || !is_first_rank()) /* said by the launcher */
        return;
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_printf(&text,
                    "orrery: note: Slurm started this job again (SLURM_RESTART_COUNT="
                    "%s): going on with the run in %s\n",
                    getenv("SLURM_RESTART_COUNT"), session->run_dir);
    orr_text_print(stderr, text.s);
    orr_text_release(&text);
}

static int run_main(const struct orr_line *line)
{
    struct orri_session session = { .job = line->args[0],
                                    .run_dir = orri_option(line, "run-dir") };
    struct orr_setting *settings = NULL;
    long ranks = 0;
    if (!read_common(line, &session, &ranks) || !check_together(line) ||
        !orri_settings(line, &settings, &session.n_settings))
        return ORR_EXIT_INPUT;
    session.settings = settings;
    session.resume =
        (orri_has(line, "resume") || (was_requeued() && !orri_has(line, "dry-run"))) &&
        session.run_dir && orri_is_run(session.run_dir);
    if (session.resume && !orri_has(line, "resume"))
        tell_requeued(&session);
    int code = ORR_EXIT_INPUT;
    if (orri_has(line, "resume") && !session.run_dir)
        (void)fprintf(stderr, "orrery run: --resume needs --run-dir\n");
    else if (orri_reuse_options(line, &session))
        code = run_checked(&session, line, ranks);
    orri_reuse_options_free(&session);
    orri_settings_free(settings, session.n_settings);
    return code;
}

/* ---- resume ---- */

/* (The launcher gives its ranks both.) */
static bool name_one_run(const struct orr_line *line, const char *run_dir)
{
    bool twice = line->n_args && orri_has(line, "run-dir") && !orr_mpi_launched();
    if (!run_dir)
        (void)fputs("orrery resume: RUN is missing\n", stderr);
    else if (twice)
        (void)fputs("orrery resume: name the run once: RUN, or --run-dir\n", stderr);
    return run_dir && !twice;
}

static int resume_main(const struct orr_line *line)
{
    const char *run_dir = line->n_args ? line->args[0] : orri_option(line, "run-dir");
    struct orri_session session = { .run_dir = run_dir, .resume = true };
    struct orri_request file = { 0 };
    struct orr_run_info info;
    struct orr_error err = { 0 };
    long ranks = 0;
    if (!name_one_run(line, run_dir) || !read_common(line, &session, &ranks))
        return ORR_EXIT_INPUT;
    if (orr_run_info_read(run_dir, &info, &err) != ORR_OK)
        return orri_complain(&err);
    if (orri_request_read(run_dir, &file, &err) != ORR_OK)
        return orri_complain(&err);
    session.job = file.job;
    session.settings = file.settings;
    session.n_settings = file.n_settings;
    int code = ORR_EXIT_INPUT;
    if (orri_reuse_options(line, &session))
        code = orr_mpi_launched() ? start(&session, line, ranks)
                                  : check_and_start(&session, line, ranks);
    orri_reuse_options_free(&session);
    orri_request_release(&file);
    return code;
}

const struct orr_command_entry orri_run = {
    .name = "run",
    .arguments = "JOB",
    .summary = "run a job, here or under mpirun or srun",
    .details = "JOB is a job file, or a workflow whose inputs all have defaults or are "
               "set. Outside "
               "MPI,\nmpirun is started with one worker a core. Results, statistics "
               "and the files "
               "made for you\nare in the run directory: run.h5, out/, shards/.",
    .options = run_options,
    .least = 1,
    .most = 1,
    .run = run_main,
};

const struct orr_command_entry orri_resume = {
    .name = "resume",
    .arguments = "RUN",
    .summary = "go on with a run that was stopped, drained or killed",
    .details =
        "Finished tasks are not run again, and failed attempts count. The job and "
        "workflow files are\nread again: when they changed, nothing is run unless "
        "--accept-changes is given; tasks whose\nfunction, arguments or input files "
        "changed are new tasks then.",
    .options = resume_options,
    .least = 0,
    .most = 1,
    .run = resume_main,
};
