/* bench.c - orrery bench: figures that anyone can make again */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/prepare.h"
#include "view/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* One run of n no-op tasks through rules, messages and the store, started as a user
 * would. */
static const char workflow[] =
    "orrery: 1\n"
    "workflow: dispatch\n"
    "inputs:\n"
    "  n: {type: int, default: 1000}\n"
    "facts:\n"
    "  item: {i: int}\n"
    "  made: {i: int}\n"
    "  all: {n: int}\n"
    "functions:\n"
    "  noop: {use: core.noop}\n"
    "rules:\n"
    "  - rule: expand\n"
    "    match: {j: job}\n"
    "    then:\n"
    "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
    "  - rule: call\n"
    "    match: {t: item}\n"
    "    action: {call: noop, with: {i: t.i}}\n"
    "    reaction: [{assert: made, with: {i: result.i}}]\n"
    "  - rule: finish\n"
    "    match: {j: job}\n"
    "    gather: {m: made, where: m.i >= 0, count: j.n}\n"
    "    assert: all\n"
    "    with: {n: len(m.i)}\n"
    "outputs:\n"
    "  all: {fact: all}\n";

struct bench {
    char directory[64];
    char *workflow;
    char *run_dir;
};

static bool prepare(struct bench *bench, struct orr_error *err)
{
    (void)snprintf(bench->directory, sizeof bench->directory,
                   "/tmp/orrery-bench-XXXXXX");
    if (!mkdtemp(bench->directory)) {
        (void)orr_error_set(err, ORR_ERR_STORE, ORR_NO_SPAN, "cannot make %s",
                            bench->directory);
        return false;
    }
    bench->workflow = orr_path_join(bench->directory, "dispatch.yaml");
    bench->run_dir = orr_path_join(bench->directory, "run");
    return orr_file_write(bench->workflow, workflow, sizeof workflow - 1, false, err) ==
           ORR_OK;
}

static int run_self(const struct bench *bench, long ranks, long tasks,
                    const char *durability)
{
    char n[32];
    char ranks_text[32];
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = '\0';
    (void)snprintf(n, sizeof n, "n=%ld", tasks);
    (void)snprintf(ranks_text, sizeof ranks_text, "%ld", ranks);
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl(self, self, "run", bench->workflow, "--run-dir", bench->run_dir,
                    "--quiet", "--set", n, "--ranks", ranks_text, "--durability",
                    durability, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    (void)waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void clean(const struct bench *bench)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)execlp("rm", "rm", "-rf", "--", bench->directory, (char *)NULL);
        _exit(127);
    }
    (void)waitpid(pid, NULL, 0);
}

/* Tasks a second from the first agent's hello to the last result counted. */
static double rate_of(const struct orr_run_status *status)
{
    double seconds = status->cores ? status->core_seconds / status->cores : 0;
    return seconds > 0 ? (double)status->done / seconds : 0;
}

static void print_result(const struct orr_run_status *status, long ranks, bool durable,
                         bool json)
{
    double rate = rate_of(status);
    double cpu =
        status->done ? status->coordinator_cpu / (double)status->done * 1e6 : 0;
    if (json)
        (void)printf("{\"bench\": \"dispatch\", \"metrics\": {\"%s\": %.1f, "
                     "\"coordinator_us_per_task\": %.3f, \"tasks\": %" PRIu64 "}, "
                     "\"environment\": {\"version\": \"%s\", \"ranks\": %ld, \"host\": "
                     "\"%s\"}}\n",
                     durable ? "tasks_per_second_durable" : "tasks_per_second_ruled",
                     rate, cpu, status->done, ORR_VERSION, ranks, status->host);
    else
        (void)printf(
            "%" PRIu64 " core.noop tasks, %ld ranks, a rule a task, results %s: "
            "%.0f tasks/s, %.2f us of the coordinator's CPU a task\n",
            status->done, ranks, durable ? "on disk" : "not synced", rate, cpu);
}

static int bench_main(const struct orr_line *line)
{
    long tasks = 0;
    long ranks = 0;
    const char *durability = orri_option(line, "durability");
    durability = durability ? durability : "none";
    if (strcmp(line->args[0], "dispatch") != 0) {
        (void)fprintf(stderr,
                      "orrery bench: there is no benchmark '%s'; there is: dispatch\n",
                      line->args[0]);
        return ORR_EXIT_INPUT;
    }
    if (!orri_number(line, "tasks", 1, 100000000, 100000, &tasks) ||
        !orri_number(line, "ranks", 1, 10000, 2, &ranks))
        return ORR_EXIT_INPUT;
    struct bench bench = { 0 };
    struct orr_error err = { 0 };
    struct orr_run_status status;
    if (!prepare(&bench, &err))
        return orri_complain(&err);
    int code = run_self(&bench, ranks, tasks, durability);
    if (code == ORR_EXIT_OK && orr_status_read(bench.run_dir, &status, &err) == ORR_OK)
        print_result(&status, ranks, strcmp(durability, "none") != 0,
                     orri_has(line, "json"));
    clean(&bench);
    free(bench.workflow);
    free(bench.run_dir);
    return code;
}

static const struct orr_option bench_options[] = {
    { "tasks", 0, "N", "tasks to run (default 100000)", false },
    { "ranks", 'n', "N", "MPI ranks (default 2)", false },
    { "durability", 0, "WHERE", "none (default), node or shared", false },
    { "json", 0, NULL, "one JSON object", false },
    { 0 },
};

const struct orr_command_entry orri_bench = {
    .name = "bench",
    .arguments = "dispatch",
    .summary = "measure this machine",
    .details = "dispatch: no-op tasks a second through rules, messages and the store.",
    .options = bench_options,
    .least = 1,
    .most = 1,
    .run = bench_main,
};
