/* bench_dispatch.c - orrery bench dispatch: runs of tasks that do nothing through
 * rules, messages and the store, started as a user would Owns: a directory under /tmp
 * while it runs. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/bench.h"
#include "view/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FACTS                                                                          \
    "orrery: 1\n"                                                                      \
    "workflow: dispatch\n"                                                             \
    "inputs:\n"                                                                        \
    "  n: {type: int, default: 1000}\n"                                                \
    "facts:\n"                                                                         \
    "  item: {i: int}\n"                                                               \
    "  made: {i: int}\n"                                                               \
    "  all: {n: int}\n"

#define EXPAND                                                                         \
    "rules:\n"                                                                         \
    "  - rule: expand\n"                                                               \
    "    match: {j: job}\n"                                                            \
    "    then:\n"                                                                      \
    "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"                     \
    "  - rule: call\n"                                                                 \
    "    match: {t: item}\n"

/* A range of calls; nothing follows from a result. */
static const char in_place[] =
    "orrery: 1\n"
    "workflow: dispatch\n"
    "inputs:\n"
    "  n: {type: int, default: 1000}\n"
    "facts:\n"
    "  item: {i: int}\n"
    "functions:\n"
    "  noop: {use: core.noop}\n" EXPAND "    action: {call: noop, with: {i: t.i}}\n"
    "outputs:\n"
    "  items: {each: item}\n";

/* A rule for every task, whose reaction is a fact that another rule gathers. */
static const char ruled[] = FACTS
    "functions:\n"
    "  noop: {use: core.noop}\n" EXPAND "    action: {call: noop, with: {i: t.i}}\n"
    "    reaction: [{assert: made, with: {i: result.i}}]\n"
    "  - rule: finish\n"
    "    match: {j: job}\n"
    "    gather: {m: made, where: m.i >= 0, count: j.n}\n"
    "    assert: all\n"
    "    with: {n: len(m.i)}\n"
    "outputs:\n"
    "  all: {fact: all}\n";

static const char commands[] =
    "orrery: 1\n"
    "workflow: commands\n"
    "inputs:\n"
    "  n: {type: int, default: 1000}\n"
    "facts:\n"
    "  item: {i: int}\n"
    "functions:\n"
    "  nothing: {command: [/bin/true, \"{i}\"], in: {i: int}}\n" EXPAND
    "    action: {call: nothing, with: {i: t.i}}\n"
    "outputs:\n"
    "  items: {each: item}\n";

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

static int run_self(const struct place *place, const struct orri_bench_how *how,
                    long tasks)
{
    char n[32];
    char ranks_text[32];
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = '\0';
    (void)snprintf(n, sizeof n, "n=%ld", tasks);
    (void)snprintf(ranks_text, sizeof ranks_text, "%ld", how->ranks);
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl(self, self, "run", place->workflow, "--run-dir", place->run_dir,
                    "--quiet", "--set", n, "--ranks", ranks_text, "--durability",
                    how->durability, how->expanded ? "--expand-first" : NULL,
                    (char *)NULL);
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

int orri_bench_run(const struct orri_bench_how *how, long tasks,
                   struct orr_run_status *out)
{
    struct place place = { 0 };
    struct orr_error err = { 0 };
    if (!prepare(&place, how->text, &err))
        return orri_complain(&err);
    int code = run_self(&place, how, tasks);
    if (code == ORR_EXIT_OK && orr_status_read(place.run_dir, out, &err) != ORR_OK)
        code = orri_complain(&err);
    clean(&place);
    free(place.workflow);
    free(place.run_dir);
    return code;
}

/* ---- figures ---- */

/* Tasks a second from the first agent's hello to the last result counted; of a stage
 * that was expanded before, from the first task that was given out. */
static double rate_of(const struct orr_run_status *status, bool expanded)
{
    double seconds = expanded ? status->dispatch_seconds : status->work_seconds;
    return seconds > 0 ? (double)status->done / seconds : 0;
}

struct part {
    const char *metric;
    const char *text;
    struct orri_bench_how how; /* ranks 0: as the user says */
};

static const struct part parts[] = {
    { "tasks_per_second_in_place",
      "core.noop in the worker itself, all calls made before the first is given out",
      { in_place, "none", 0, true } },
    { "tasks_per_second_in_place_1_7",
      "the same, rank 0 and seven workers",
      { in_place, "none", 8, true } },
    { "tasks_per_second_from_range",
      "the same from a range, with the time to expand it",
      { in_place, "none", 0, false } },
    { "tasks_per_second_from_range_1_7",
      "the same, rank 0 and seven workers",
      { in_place, "none", 8, false } },
    { "tasks_per_second_ruled",
      "a rule a task, results not synced",
      { ruled, "none", 0, false } },
    { "tasks_per_second_durable",
      "a rule a task, results on disk",
      { ruled, "shared", 0, false } },
};
enum { N_PARTS = sizeof parts / sizeof *parts };

static int measure_part(const struct part *part, long ranks, long tasks,
                        struct orri_figures *out)
{
    struct orr_run_status status;
    struct orri_bench_how how = part->how;
    how.ranks = how.ranks ? how.ranks : ranks;
    int code = orri_bench_run(&how, tasks, &status);
    if (code != ORR_EXIT_OK)
        return code;
    double rate = rate_of(&status, how.expanded);
    double cpu = status.coordinator_cpu / (double)status.done * 1e6;
    orri_figure(out, part->metric, 1, rate, NULL);
    orr_text_printf(&out->lines,
                    "%10.0f tasks/s  %s (%ld ranks, %.2f us of rank 0 a task)\n", rate,
                    part->text, how.ranks, cpu);
    if (how.text == ruled && strcmp(how.durability, "none") == 0)
        orri_figure(out, "coordinator_us_per_task", 3, cpu, NULL);
    return ORR_EXIT_OK;
}

enum { ROUNDS = 3 };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_size);
    return values[ROUNDS / 2];
}

/* One worker a core, as `orrery run` starts them, results on disk; turn about with the
 * loop, because the machine may not be quiet. */
static int measure_commands(long programs, struct orri_figures *out)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    double bare[ROUNDS];
    double rates[ROUNDS];
    double ratios[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        struct orr_run_status status;
        bare[i] = orri_bench_spawn(programs / 2, cores);
        struct orri_bench_how how = { commands, "shared", cores + 1, false };
        int code = orri_bench_run(&how, programs, &status);
        if (code != ORR_EXIT_OK)
            return code;
        bare[i] = (bare[i] + orri_bench_spawn(programs / 2, cores)) / 2;
        rates[i] = rate_of(&status, false);
        ratios[i] = bare[i] > 0 ? rates[i] / bare[i] : 0;
    }
    double ratio = middle(ratios);
    double rate = middle(rates);
    orri_figure(out, "commands_per_second", 1, rate, NULL);
    orri_figure(out, "bare_spawns_per_second", 1, middle(bare), NULL);
    orri_figure(out, "command_rate_over_bare_spawn", 3, ratio, NULL);
    orri_figure(out, "command_rate_over_bare_spawn_min", 3, ratios[0], NULL);
    orri_figure(out, "command_rate_over_bare_spawn_max", 3, ratios[ROUNDS - 1], NULL);
    orr_text_printf(&out->lines,
                    "%10.0f tasks/s  /bin/true, results on disk; posix_spawn alone "
                    "%.0f/s with %ld side by side; of %d rounds %.3f / %.3f / %.3f of "
                    "it\n",
                    rate, middle(bare), cores, ROUNDS, ratios[0], ratio,
                    ratios[ROUNDS - 1]);
    return ORR_EXIT_OK;
}

enum { TASKS_A_PROGRAM = 100 };

static int run(const struct orr_line *line, struct orri_figures *out)
{
    long tasks = 0;
    long ranks = 0;
    if (!orri_number(line, "tasks", 1, 100000000, 200000, &tasks) ||
        !orri_number(line, "ranks", 1, 10000, 2, &ranks))
        return ORR_EXIT_INPUT;
    int code = ORR_EXIT_OK;
    for (int i = 0; i < N_PARTS && code == ORR_EXIT_OK; i++)
        code = measure_part(&parts[i], ranks, tasks, out);
    if (code == ORR_EXIT_OK)
        code = measure_commands(
            tasks > 2 * TASKS_A_PROGRAM ? tasks / TASKS_A_PROGRAM : 2, out);
    orr_text_printf(&out->environment, ", \"ranks\": %ld, \"tasks\": %ld", ranks,
                    tasks);
    return code;
}

const struct orri_bench orri_bench_dispatch = {
    .name = "dispatch",
    .summary =
        "no-op tasks and commands a second through rules, messages and the store",
    .run = run,
};
