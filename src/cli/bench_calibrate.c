/* bench_calibrate.c - orrery bench calibrate: what a simulation has to know of a
 * machine
 *
 * Rank 0's own steps, two small runs, the disk, and the messages between two ranks. By
 * itself it starts mpirun with two ranks here; under mpirun or srun, with one rank on
 * each of two nodes, it measures only the network between them. Owns: a file in
 * --directory while it runs, the mpirun that it starts. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/bench.h"
#include "cli/simulation.h"
#include "link/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 3 };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_size);
    return values[n / 2];
}

static double least(double a, double b) { return a < b ? a : b; }

/* ---- messages ---- */

enum { PINGS = 2000, BURST = 64, BURSTS = 50, LARGE = 1 << 20, LARGE_ONES = 20 };

static orr_status get(struct orr_link *link, struct orr_error *err)
{
    const void *data = NULL;
    size_t length = 0;
    orr_rank from;
    orr_status status = ORR_END;
    while (status == ORR_END)
        status = orr_link_receive(link, &from, &data, &length, err);
    return status;
}

static orr_status send_some(struct orr_link *link, const void *data, size_t length,
                            int n, struct orr_error *err)
{
    orr_status status = ORR_OK;
    for (int i = 0; i < n && status == ORR_OK; i++)
        status = orr_link_send(link, (orr_rank) { !link->rank }, data, length, err);
    return status;
}

static orr_status get_some(struct orr_link *link, int n, struct orr_error *err)
{
    orr_status status = ORR_OK;
    for (int i = 0; i < n && status == ORR_OK; i++)
        status = get(link, err);
    return status;
}

static orr_status measure_latency(struct orr_link *link, const void *data, double *out,
                                  struct orr_error *err)
{
    double times[PINGS];
    orr_status status = ORR_OK;
    for (int i = 0; i < PINGS && status == ORR_OK; i++) {
        int64_t began = orr_clock_monotonic();
        if (link->rank == 0)
            status = send_some(link, data, BURST, 1, err);
        if (status == ORR_OK)
            status = get(link, err);
        if (link->rank != 0 && status == ORR_OK)
            status = send_some(link, data, BURST, 1, err);
        times[i] = (double)(orr_clock_monotonic() - began) / 2;
    }
    *out = median(times, PINGS);
    return status;
}

/* Rank 0's processor time for one message: sent in bursts, and taken when they are all
 * there, so that no waiting is in it. */
static orr_status measure_message(struct orr_link *link, const void *data, double *out,
                                  struct orr_error *err)
{
    const struct timespec until_there = { 0, 10 * 1000 * 1000 };
    orr_status status = ORR_OK;
    double best = 1e9;
    for (int i = 0; i < BURSTS && status == ORR_OK; i++) {
        if (link->rank != 0) {
            status = get_some(link, BURST, err);
            if (status == ORR_OK)
                status = send_some(link, data, BURST, BURST, err);
            continue;
        }
        int64_t began = orr_clock_cpu();
        status = send_some(link, data, BURST, BURST, err);
        int64_t spent = orr_clock_cpu() - began;
        (void)nanosleep(&until_there, NULL);
        began = orr_clock_cpu();
        if (status == ORR_OK)
            status = get_some(link, BURST, err);
        spent += orr_clock_cpu() - began;
        best = least(best, (double)spent / (2 * BURST));
    }
    *out = best;
    return status;
}

static orr_status measure_bandwidth(struct orr_link *link, const void *data,
                                    double *out, struct orr_error *err)
{
    int64_t began = orr_clock_monotonic();
    orr_status status = ORR_OK;
    for (int i = 0; i < LARGE_ONES && status == ORR_OK; i++) {
        if (link->rank == 0)
            status = send_some(link, data, LARGE, 1, err);
        if (status == ORR_OK)
            status = get(link, err);
        if (link->rank != 0 && status == ORR_OK)
            status = send_some(link, data, LARGE, 1, err);
    }
    double bytes = 2.0 * LARGE_ONES * LARGE;
    *out = (double)(orr_clock_monotonic() - began) / bytes;
    return status;
}

/* Never returns: under MPI a process ends in its own way. */
static void serve_as_rank(void)
{
    struct orr_mpi_world world;
    struct orr_error err = { 0 };
    double latency = 0;
    double message = 0;
    double byte = 0;
    unsigned char *data = orr_alloc(LARGE, 1);
    orr_status status = orr_mpi_start(NULL, NULL, &world, &err);
    if (status == ORR_OK && world.link->size != 2)
        status =
            orr_error_set(&err, ORR_ERR_INPUT, ORR_NO_SPAN,
                          "bench calibrate wants two ranks, not %u", world.link->size);
    if (status == ORR_OK)
        status = measure_latency(world.link, data, &latency, &err);
    if (status == ORR_OK)
        status = measure_message(world.link, data, &message, &err);
    if (status == ORR_OK)
        status = measure_bandwidth(world.link, data, &byte, &err);
    free(data);
    if (status == ORR_OK && world.link->rank == 0)
        (void)printf("latency_ns: %.0f\nnetwork_ns_per_byte: %.4g\nmessage_ns: %.0f\n",
                     latency, byte, message);
    int code = status == ORR_OK ? ORR_EXIT_OK : orri_complain(&err);
    (void)fflush(NULL);
    orr_mpi_leave(code, status == ORR_OK);
}

static void become_mpirun(int out)
{
    char self[4096];
    const char *program = getenv("ORRERY_MPIRUN");
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = '\0';
    (void)dup2(out, STDOUT_FILENO);
    if (geteuid() == 0) { /* containers and test machines */
        (void)setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
        (void)setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
    }
    program = program ? program : "mpirun";
    (void)execlp(program, program, "--quiet", "--oversubscribe", "--bind-to", "none",
                 "--mca", "mpi_yield_when_idle", "1", "-n", "2", self, "bench",
                 "calibrate", (char *)NULL);
    _exit(127);
}

/* What the two ranks print is a file of costs. */
static orr_status measure_link(const char *directory, struct orr_sim_costs *costs,
                               struct orr_error *err)
{
    char *path = orr_path_join(directory, "orrery-calibrate-XXXXXX");
    int fd = mkstemp(path);
    orr_status status = ORR_OK;
    if (fd < 0) {
        status = orr_error_errno(err, ORR_ERR_STORE, errno, "cannot make %s", path);
    } else {
        pid_t pid = fork();
        int ended = -1;
        if (pid == 0)
            become_mpirun(fd);
        (void)waitpid(pid, &ended, 0);
        status = ended == 0 ? orr_sim_costs_read(path, costs, err)
                            : orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                                            "mpirun with two ranks failed: is Open MPI "
                                            "installed and its module loaded?");
        (void)close(fd);
        (void)unlink(path);
    }
    free(path);
    return status;
}

/* ---- the disk ---- */

enum { SYNCS = 21, SYNC_BYTES = 64 * 1024, LARGE_SYNCS = 5, LARGE_SYNC = 16 << 20 };

static orr_status time_syncs(int fd, const char *path, size_t bytes, int n, double *out,
                             struct orr_error *err)
{
    double times[SYNCS];
    unsigned char *data = orr_alloc(bytes, 1);
    int bad = 0;
    memset(data, 1, bytes);
    for (int i = 0; i < n && !bad; i++) {
        int64_t began = orr_clock_monotonic();
        bad = orr_write_all(fd, data, bytes) != 0 || fdatasync(fd) != 0;
        times[i] = (double)(orr_clock_monotonic() - began);
    }
    free(data);
    if (bad)
        return orr_error_errno(err, ORR_ERR_STORE, errno, "cannot write %s", path);
    *out = median(times, (size_t)n);
    return ORR_OK;
}

static orr_status measure_disk(const char *directory, struct orr_sim_costs *costs,
                               struct orr_error *err)
{
    char *path = orr_path_join(directory, "orrery-calibrate-XXXXXX");
    int fd = mkstemp(path);
    double large = 0;
    orr_status status = ORR_OK;
    if (fd < 0)
        status = orr_error_errno(err, ORR_ERR_STORE, errno, "cannot make %s", path);
    if (status == ORR_OK)
        status = time_syncs(fd, path, SYNC_BYTES, SYNCS, &costs->sync_ns, err);
    if (status == ORR_OK)
        status = time_syncs(fd, path, LARGE_SYNC, LARGE_SYNCS, &large, err);
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(path);
    }
    free(path);
    double more = large - costs->sync_ns;
    costs->store_ns_per_byte = more > 0 ? more / (LARGE_SYNC - SYNC_BYTES) : 0;
    return status;
}

/* ---- attempts, in small runs of one core ---- */

#define WORKFLOW(use, with)                                                            \
    "orrery: 1\nworkflow: calibrate\n"                                                 \
    "inputs:\n  n: {type: int, default: 1}\n"                                          \
    "facts:\n  item: {i: int}\n  made: {i: int}\n"                                     \
    "functions:\n  work: {use: " use "}\n"                                             \
    "rules:\n"                                                                         \
    "  - rule: expand\n    match: {j: job}\n    then:\n"                               \
    "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"                     \
    "  - rule: work\n    match: {t: item}\n"                                           \
    "    action: {call: work, with: {" with "}}\n"                                     \
    "    reaction: [{assert: made, with: {i: result.i}}]\n"                            \
    "outputs:\n  made: {each: made}\n"

static const char in_child[] = WORKFLOW("core.sleep", "i: t.i, time: 0s");
static const char in_place[] = WORKFLOW("core.noop", "i: t.i");

/* Wall time of an attempt on the one core, and the processor time of agent and worker:
 * what more tasks cost more, so that the start of a run is not in it. */
static int time_attempts(const char *workflow, long n, double *wall, double *agent)
{
    *wall = 1e18;
    *agent = 1e18;
    for (int i = 0; i < ROUNDS; i++) {
        struct orr_run_status few = { 0 };
        struct orr_run_status many = { 0 };
        struct orri_bench_how how = { workflow, "none", 2, false };
        int code = orri_bench_run(&how, n / 10, &few);
        if (code == ORR_EXIT_OK)
            code = orri_bench_run(&how, n, &many);
        if (code != ORR_EXIT_OK)
            return code;
        double more = (double)(n - n / 10) / 1e9;
        double took = many.core_seconds / many.cores - few.core_seconds / few.cores;
        *wall = least(*wall, took / more);
        *agent = least(*agent, (many.agents_cpu - few.agents_cpu) / more);
    }
    *wall = *wall > 0 ? *wall : 0;
    *agent = *agent > 0 ? *agent : 0;
    return ORR_EXIT_OK;
}

static int measure_attempts(struct orr_sim_costs *costs)
{
    enum { CHILD_TASKS = 5000, PLACE_TASKS = 50000 };
    double wall = 0;
    double agent = 0;
    int code = time_attempts(in_child, CHILD_TASKS, &wall, &agent);
    if (code != ORR_EXIT_OK)
        return code;
    costs->agent_attempt_ns = agent;
    costs->attempt_ns = wall > agent / 2 ? wall - agent / 2 : 0;
    code = time_attempts(in_place, PLACE_TASKS, &wall, &agent);
    costs->in_place_ns = agent;
    return code;
}

/* ---- rank 0's steps ---- */

static orr_status measure_steps(struct orr_sim_costs *costs, struct orr_error *err)
{
    enum { TASKS = 300000 }; /* more than the caches hold, as in large runs */
    struct orri_cluster cluster = { .nodes = 256,
                                    .cores = 64,
                                    .costs = *costs,
                                    .times = { .distribution = ORR_DISTRIBUTION_UNIFORM,
                                               .spread = 0.5 },
                                    .seed = 1 };
    costs->step_ns = 1e18;
    costs->task_ns = 1e18;
    for (int i = 0; i < ROUNDS; i++) {
        struct orr_sim_result r;
        orr_status status = orri_simulate_equal(&cluster, TASKS, 1, &r, err);
        if (status != ORR_OK)
            return status;
        double step = r.idle_steps ? (double)r.idle_ns / (double)r.idle_steps : 0;
        double left = (double)r.measured_ns - step * (double)r.steps;
        costs->step_ns = least(costs->step_ns, step);
        costs->task_ns = least(costs->task_ns, left > 0 ? left / TASKS : 0);
    }
    return ORR_OK;
}

/* ---- the whole ---- */

static int run(const struct orr_line *line, struct orri_figures *out)
{
    struct orr_error err = { 0 };
    struct orr_sim_costs costs = orr_sim_costs_default();
    const char *directory = orri_option(line, "directory");
    char host[256] = "";
    directory = directory ? directory : "/tmp";
    if (orr_mpi_launched())
        serve_as_rank();
    orr_status status = measure_steps(&costs, &err);
    if (status == ORR_OK)
        status = measure_disk(directory, &costs, &err);
    if (status == ORR_OK)
        status = measure_link(directory, &costs, &err);
    if (status != ORR_OK)
        return orri_complain(&err);
    int code = measure_attempts(&costs);
    if (code != ORR_EXIT_OK)
        return code;
    (void)gethostname(host, sizeof host - 1);
    orr_text_printf(&out->lines, "# orrery %s on %s\n", ORR_VERSION, host);
    orr_sim_costs_print(&costs, &out->lines);
#define X(name, value, text) orri_figure(out, #name, 4, costs.name, NULL);
    ORR_SIM_COSTS(X)
#undef X
    return ORR_EXIT_OK;
}

const struct orri_bench orri_bench_calibrate = {
    .name = "calibrate",
    .summary = "the costs that a simulation needs",
    .run = run,
};
