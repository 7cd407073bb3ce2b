/* bench_dispatch.c - orrery bench dispatch: one run of no-op tasks through rules,
 * messages and the store, started as a user would
 * Owns: a directory under /tmp while it runs. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/bench.h"
#include "view/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

struct place {
    char directory[64];
    char *workflow;
    char *run_dir;
};

static bool prepare(struct place *place, const char *text, struct orr_error *err)
{
    (void)snprintf(place->directory, sizeof place->directory,
                   "/tmp/orrery-bench-XXXXXX");
    if (!mkdtemp(place->directory)) {
        (void)orr_error_set(err, ORR_ERR_STORE, ORR_NO_SPAN, "cannot make %s",
                            place->directory);
        return false;
    }
    place->workflow = orr_path_join(place->directory, "dispatch.yaml");
    place->run_dir = orr_path_join(place->directory, "run");
    return orr_file_write(place->workflow, text, strlen(text), false, err) == ORR_OK;
}

static int run_self(const struct place *place, long ranks, long tasks,
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
        (void)execl(self, self, "run", place->workflow, "--run-dir", place->run_dir,
                    "--quiet", "--set", n, "--ranks", ranks_text, "--durability",
                    durability, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    (void)waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void clean(const struct place *place)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)execlp("rm", "rm", "-rf", "--", place->directory, (char *)NULL);
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

static void note(const struct orr_run_status *status, long ranks, bool durable,
                 struct orri_figures *out)
{
    double rate = rate_of(status);
    double cpu =
        status->done ? status->coordinator_cpu / (double)status->done * 1e6 : 0;
    orri_figure(out, durable ? "tasks_per_second_durable" : "tasks_per_second_ruled", 1,
                rate, NULL);
    orri_figure(out, "coordinator_us_per_task", 3, cpu, NULL);
    orri_figure(out, "tasks", 0, (double)status->done, NULL);
    orr_text_printf(&out->environment, ", \"ranks\": %ld", ranks);
    orr_text_printf(&out->lines,
                    "%" PRIu64 " core.noop tasks, %ld ranks, a rule a task, results "
                    "%s: %.0f tasks/s, %.2f us of the coordinator's CPU a task\n",
                    status->done, ranks, durable ? "on disk" : "not synced", rate, cpu);
}

int orri_bench_run(const char *text, long ranks, long tasks, const char *durability,
                   struct orr_run_status *out)
{
    struct place place = { 0 };
    struct orr_error err = { 0 };
    if (!prepare(&place, text, &err))
        return orri_complain(&err);
    int code = run_self(&place, ranks, tasks, durability);
    if (code == ORR_EXIT_OK && orr_status_read(place.run_dir, out, &err) != ORR_OK)
        code = orri_complain(&err);
    clean(&place);
    free(place.workflow);
    free(place.run_dir);
    return code;
}

static int run(const struct orr_line *line, struct orri_figures *out)
{
    long tasks = 0;
    long ranks = 0;
    struct orr_run_status status;
    const char *durability = orri_option(line, "durability");
    durability = durability ? durability : "none";
    if (!orri_number(line, "tasks", 1, 100000000, 100000, &tasks) ||
        !orri_number(line, "ranks", 1, 10000, 2, &ranks))
        return ORR_EXIT_INPUT;
    int code = orri_bench_run(workflow, ranks, tasks, durability, &status);
    if (code == ORR_EXIT_OK)
        note(&status, ranks, strcmp(durability, "none") != 0, out);
    return code;
}

const struct orri_bench orri_bench_dispatch = {
    .name = "dispatch",
    .summary = "no-op tasks a second through rules, messages and the store",
    .run = run,
};
