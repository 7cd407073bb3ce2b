/* bench_rules.c - orrery bench rules: the compiler and the rule engine alone
 *
 * One process, one core, no messages, no store: a call is answered at once, in batches
 * as a coordinator would. What holds memory is measured in a child of its own, so that
 * one figure does not see what another left behind. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/bench.h"
#include "engine/engine.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCH = 256, SMALL = 100000, RULES = 2000, REPEATS = 5 };

/* ---- the workflows ---- */

#define HEAD(name)                                                                     \
    "orrery: 1\nworkflow: " name "\n"                                                  \
    "inputs:\n  n: {type: int, default: 1}\n"

static const char two_facts[] =
    HEAD("two") "facts:\n  item: {i: int}\n  side: {i: int, w: int}\n  made: {i: int}\n"
                "functions:\n  noop: {use: core.noop}\n"
                "rules:\n"
                "  - rule: expand\n    match: {j: job}\n    then:\n"
                "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
                "      - {for: i in range(j.n), assert: side, with: {i: i, w: i}}\n"
                "  - rule: join\n    match: {a: item, b: side}\n    where: a.i == b.i\n"
                "    action: {call: noop, with: {i: b.w}}\n"
                "    reaction: [{assert: made, with: {i: result.i}}]\n"
                "outputs:\n  made: {each: made}\n";

/* The same without a call: facts follow from facts. */
static const char derived[] = HEAD(
    "derived") "facts:\n  item: {i: int}\n  side: {i: int, w: int}\n  made: {i: int}\n"
               "rules:\n"
               "  - rule: expand\n    match: {j: job}\n    then:\n"
               "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
               "      - {for: i in range(j.n), assert: side, with: {i: i, w: i}}\n"
               "  - rule: join\n    match: {a: item, b: side}\n    where: a.i == b.i\n"
               "    assert: made\n    with: {i: b.w}\n"
               "outputs:\n  made: {each: made}\n";

static const char three_facts[] = HEAD(
    "three") "facts:\n  item: {i: int}\n  side: {i: int, k: int}\n  back: {k: int, w: "
             "int}\n"
             "  made: {i: int}\n"
             "functions:\n  noop: {use: core.noop}\n"
             "rules:\n"
             "  - rule: expand\n    match: {j: job}\n    then:\n"
             "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
             "      - {for: i in range(j.n), assert: side, with: {i: i, k: i + 1}}\n"
             "      - {for: i in range(j.n), assert: back, with: {k: i + 1, w: i}}\n"
             "  - rule: join\n    match: {a: item, b: side, c: back}\n"
             "    where: a.i == b.i and b.k == c.k\n"
             "    action: {call: noop, with: {i: c.w}}\n"
             "    reaction: [{assert: made, with: {i: result.i}}]\n"
             "outputs:\n  made: {each: made}\n";

static const char waiting[] =
    HEAD("waiting") "facts:\n  item: {i: int}\n  made: {i: int}\n"
                    "functions:\n  noop: {use: core.noop}\n"
                    "rules:\n"
                    "  - rule: expand\n    match: {j: job}\n    then:\n"
                    "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
                    "  - rule: call\n    match: {t: item}\n"
                    "    action: {call: noop, with: {i: t.i}}\n"
                    "    reaction: [{assert: made, with: {i: result.i}}]\n"
                    "outputs:\n  made: {each: made}\n";

/* Six scalar fields, one of them joined; nothing else holds memory. */
static const char wide[] = HEAD(
    "wide") "facts:\n"
            "  row: {a: int, b: float, c: bool, d: int, e: float, f: size}\n"
            "  pick: {a: int}\n  found: {f: size}\n"
            "rules:\n"
            "  - rule: expand\n    match: {j: job}\n    then:\n"
            "      - {assert: pick, with: {a: j.n // 2}}\n"
            "      - for: i in range(j.n)\n        assert: row\n"
            "        with: {a: i, b: i / 2, c: i > 5, d: i % 7, e: 1.5, f: 1KiB * i}\n"
            "  - rule: find\n    match: {p: pick, r: row}\n    where: r.a == p.a\n"
            "    assert: found\n    with: {f: r.f}\n"
            "outputs:\n  found: {fact: found}\n";

static orr_status read_text(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    (void)path, (void)err;
    orr_text_puts(out, context);
    return ORR_OK;
}

/* NULL when it has errors; prints them unless they are wanted. */
static struct orr_graph *compile(const char *text, bool quiet)
{
    struct orr_sources sources = { read_text, (void *)(uintptr_t)text };
    struct orr_diags diags = { 0 };
    struct orr_graph *graph =
        orr_graph_compile("bench.yaml", &sources, orri_registry(), &diags);
    struct orr_text out = ORR_TEXT_INIT;
    if (!graph && !quiet) {
        orr_diags_render(&diags, NULL, NULL, &out);
        orr_text_print(stderr, out.s);
    }
    orr_text_release(&out);
    orr_diags_release(&diags);
    return graph;
}

/* ---- an engine whose calls are answered at once ---- */

struct drive {
    struct orr_graph *graph;
    struct orr_engine *engine;
    struct orr_arena arena;
};

static struct orr_id no_files(void *context, const char *path, bool by_content)
{
    (void)context, (void)path, (void)by_content;
    return (struct orr_id) { 0, 0 };
}

static bool begin(struct drive *d, const char *text)
{
    *d = (struct drive) { .graph = compile(text, false) };
    if (d->graph)
        d->engine = orr_engine_new(d->graph,
                                   &(struct orr_engine_files) { .identify = no_files });
    return d->graph != NULL;
}

static void add(struct drive *d, long n)
{
    struct orr_record *inputs = orr_record_new(&d->arena, d->graph->facts[0].record);
    inputs->fields[0] = orr_int(n);
    (void)orr_engine_add_request(d->engine, orr_value_of_record(inputs));
}

static void end(struct drive *d)
{
    orr_engine_free(d->engine);
    orr_graph_free(d->graph);
    orr_arena_release(&d->arena);
}

/* core.noop: the result is the argument. */
static void answer(struct drive *d, orr_task_id id)
{
    const struct orr_task *task = orr_engine_task(d->engine, id);
    struct orr_reader in = orr_reader_of(task->args, task->args_length);
    struct orr_record *results =
        orr_record_new(&d->arena, d->graph->functions[task->function].results);
    (void)orr_value_get(&in, NULL, &d->arena, &results->fields[0], NULL);
    orr_engine_finished(d->engine, id, orr_value_of_record(results));
    orr_arena_reset(&d->arena);
}

static size_t take(struct drive *d, struct orr_engine_call *calls)
{
    size_t n = 0;
    while (n < BATCH && orr_engine_take_call(d->engine, &calls[n]))
        n++;
    return n;
}

static uint64_t answer_all(struct drive *d)
{
    struct orr_engine_call calls[BATCH];
    uint64_t done = 0;
    for (size_t n = take(d, calls); n; n = take(d, calls)) {
        orr_engine_hold(d->engine);
        for (size_t i = 0; i < n; i++)
            answer(d, calls[i].task);
        orr_engine_release(d->engine);
        done += n;
    }
    return done;
}

/* ---- figures from a child ---- */

static double resident(void)
{
    long pages = 0;
    long skipped = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &skipped, &pages) != 2)
        pages = 0;
    if (file)
        (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

struct sample {
    double seconds; /* CPU time */
    double bytes;   /* resident, more than at the start */
    double count;
};

static struct sample rules_sample(const char *text, long n, bool answered)
{
    struct drive d;
    struct sample sample = { 0 };
    if (!begin(&d, text))
        return sample;
    double bytes = resident();
    int64_t start = orr_clock_cpu();
    add(&d, n);
    if (answered)
        sample.count = (double)answer_all(&d);
    sample.seconds = (double)(orr_clock_cpu() - start) / 1e9;
    sample.bytes = resident() - bytes;
    end(&d);
    return sample;
}

static struct sample join_sample(const char *text, long n)
{
    return rules_sample(text, n, true);
}

static struct sample fact_sample(const char *text, long n)
{
    struct sample sample = rules_sample(text, n, true);
    sample.count = (double)n;
    return sample;
}

static struct sample waiting_sample(const char *text, long n)
{
    struct sample sample = rules_sample(text, n, false);
    sample.count = (double)n;
    return sample;
}

static struct sample in_child(struct sample (*measure)(const char *text, long n),
                              const char *text, long n)
{
    int ends[2];
    struct sample sample = { 0 };
    if (pipe(ends) != 0)
        return sample;
    pid_t pid = fork();
    if (pid == 0) {
        sample = measure(text, n);
        _exit(write(ends[1], &sample, sizeof sample) == (ssize_t)sizeof sample ? 0 : 1);
    }
    (void)close(ends[1]);
    if (read(ends[0], &sample, sizeof sample) != (ssize_t)sizeof sample)
        sample = (struct sample) { 0 };
    (void)close(ends[0]);
    (void)waitpid(pid, NULL, 0);
    return sample;
}

static double rate(const struct sample *s)
{
    return s->seconds > 0 ? s->count / s->seconds : 0;
}

/* The fastest of a few rounds: other work on the machine only makes it slower. */
static struct sample best_join(const char *text, long tasks)
{
    struct sample best = { 0 };
    for (int i = 0; i < (tasks > SMALL ? 1 : REPEATS); i++) {
        struct sample s = in_child(join_sample, text, tasks);
        if (rate(&s) > rate(&best))
            best = s;
    }
    return best;
}

/* ---- the figures ---- */

/* A join of `sides` facts makes one more: `facts` are in memory at the end. */
static bool figure_join(struct orri_figures *out, int sides, const char *text,
                        long facts)
{
    char name[80];
    char line[160];
    struct sample small =
        best_join(text, (facts < SMALL ? facts : SMALL) / (sides + 1));
    struct sample large = facts > SMALL ? best_join(text, facts / (sides + 1)) : small;
    if (small.count <= 0 || large.count < (double)(facts / (sides + 1)))
        return false;
    (void)snprintf(name, sizeof name, "join%d_tasks_per_second_100k", sides);
    (void)snprintf(line, sizeof line, "tasks/s through a join of %d facts, %d facts",
                   sides, SMALL);
    orri_figure(out, name, 0, rate(&small), line);
    (void)snprintf(name, sizeof name, "join%d_tasks_per_second", sides);
    (void)snprintf(line, sizeof line, "tasks/s through a join of %d facts, %ld facts",
                   sides, facts);
    orri_figure(out, name, 0, rate(&large), line);
    (void)snprintf(name, sizeof name, "join%d_rate_ratio", sides);
    orri_figure(out, name, 3, rate(&large) / rate(&small), "of the first rate");
    (void)snprintf(name, sizeof name, "join%d_bytes_per_task", sides);
    orri_figure(out, name, 1, large.bytes / large.count,
                "bytes a finished task, its facts and their origin included");
    return true;
}

static void figure_derived(struct orri_figures *out, long facts)
{
    struct sample best = { 0 };
    for (int i = 0; i < REPEATS; i++) {
        struct sample s =
            in_child(fact_sample, derived, (facts < SMALL ? facts : SMALL) / 3);
        if (rate(&s) > rate(&best))
            best = s;
    }
    orri_figure(out, "derived_per_second", 0, rate(&best),
                "matches/s of a join of 2 facts that derives a third, no call");
}

static void figure_memory(struct orri_figures *out, long n)
{
    struct sample s = in_child(waiting_sample, waiting, n);
    orri_figure(out, "bytes_per_waiting_task", 3, s.bytes / s.count,
                "bytes a waiting task of a range");
    s = in_child(fact_sample, wide, n);
    orri_figure(out, "bytes_per_fact", 1, s.bytes / s.count,
                "bytes a fact of six scalar fields, one of them joined");
    orri_figure(out, "facts_per_second", 0, rate(&s), "such facts/s");
}

/* A chain of rules over as many fact types; with `wrong`, the last name is unknown. */
static void many_rules(struct orr_text *out, bool wrong)
{
    orr_text_puts(out, HEAD("many") "facts:\n");
    for (int i = 0; i <= RULES; i++)
        orr_text_printf(out, "  f%d: {i: int, step: int}\n", i);
    orr_text_puts(out, "functions:\n  noop: {use: core.noop}\nrules:\n"
                       "  - rule: first\n    match: {j: job}\n    assert: f0\n"
                       "    with: {i: j.n, step: 0}\n");
    for (int i = 0; i < RULES; i++)
        orr_text_printf(
            out,
            "  - rule: step %d\n    match: {a: f%d, j: job}\n"
            "    where: a.i == j.n\n    action: {call: noop, with: {i: a.i + %d}}\n"
            "    reaction: [{assert: f%d, with: {i: result.i, step: a.step + 1}}]\n",
            i, i, i, i + 1);
    orr_text_printf(out, "outputs:\n  end: {each: f%d%s}\n", RULES, wrong ? "x" : "");
}

static bool figure_compile(struct orri_figures *out, bool wrong)
{
    struct orr_text text = ORR_TEXT_INIT;
    many_rules(&text, wrong);
    double best = 1e9;
    bool good = true;
    for (int i = 0; i < REPEATS; i++) {
        int64_t start = orr_clock_cpu();
        struct orr_graph *graph = compile(text.s, wrong);
        double seconds = (double)(orr_clock_cpu() - start) / 1e9;
        best = seconds < best ? seconds : best;
        good = good && (graph == NULL) == wrong;
        orr_graph_free(graph);
    }
    orr_text_release(&text);
    orri_figure(
        out, wrong ? "compile_2000_rules_wrong_seconds" : "compile_2000_rules_seconds",
        4, best,
        wrong ? "s to find the one error in 2000 rules" : "s to compile 2000 rules");
    return good;
}

/* The example that takes longest; nothing when they are not where we look for them. */
static void figure_examples(struct orri_figures *out)
{
    glob_t found;
    double worst = 0;
    if (glob("workflows/*.yaml", 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct orri_texts texts = { 0 };
        struct orr_diags diags = { 0 };
        struct orr_sources sources = orri_texts_sources(&texts);
        int64_t start = orr_clock_cpu();
        orr_graph_free(
            orr_graph_compile(found.gl_pathv[i], &sources, orri_registry(), &diags));
        double ms = (double)(orr_clock_cpu() - start) / 1e6;
        worst = ms > worst ? ms : worst;
        orr_diags_release(&diags);
        orri_texts_release(&texts);
    }
    orri_figure(out, "compile_examples_ms", 3, worst,
                "ms to compile the slowest of workflows/*.yaml");
    globfree(&found);
}

static int run(const struct orr_line *line, struct orri_figures *out)
{
    long n = 0;
    if (!orri_number(line, "facts", 1000, 100000000, 1000000, &n))
        return ORR_EXIT_INPUT;
    orr_text_printf(&out->environment, ", \"facts\": %ld", n);
    bool good =
        figure_join(out, 2, two_facts, n) && figure_join(out, 3, three_facts, n);
    if (good) {
        figure_derived(out, n);
        figure_memory(out, n);
    }
    good = good && figure_compile(out, false) && figure_compile(out, true);
    if (!good) {
        (void)fprintf(stderr, "orrery bench: the engine gave wrong results\n");
        return ORR_EXIT_FAILED;
    }
    figure_examples(out);
    return ORR_EXIT_OK;
}

const struct orri_bench orri_bench_rules = {
    .name = "rules",
    .summary = "the compiler and the rule engine alone, in one process on one core",
    .run = run,
};
