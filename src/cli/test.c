/* test.c - orrery test: the tests of workflow files
 * Hands on: answering and comparing (rehearse). */
#include "base/memory.h"
#include "cli/command.h"
#include "rehearse/rehearse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS_MAX = 1000 * 1000 };

struct tally {
    const struct orr_line *line;
    const char *filter;
    bool json, verbose, quiet;
    uint32_t passed, failed, files;
    bool wrong; /* a file does not compile */
};

/* ---- text ---- */

static void print_unmet(const struct orr_unmet *unmet)
{
    (void)printf("    %s:%u:%u: ", unmet->at.file, unmet->at.line, unmet->at.column);
    for (const char *s = unmet->text; *s;) {
        size_t length = strcspn(s, "\n");
        struct orr_text shown = ORR_TEXT_INIT;
        orr_text_visible(&shown, s, length);
        s += length + (s[length] == '\n');
        (void)printf("%s\n%s", shown.s ? shown.s : "", *s ? "    " : "");
        orr_text_release(&shown);
    }
}

static void print_rules(const struct orr_graph *graph, struct orr_engine *engine)
{
    const char *between = "    rules that fired: ";
    for (uint32_t i = 0; i < graph->n_rules; i++)
        if (orr_engine_firings(engine, i)) {
            (void)printf("%s'%s' %" PRIu64, between, graph->rules[i].name,
                         orr_engine_firings(engine, i));
            between = ", ";
        }
    (void)printf("%s\n", *between == ',' ? "" : "    no rule fired");
    between = "    never: ";
    for (uint32_t i = 0; i < graph->n_rules; i++)
        if (!orr_engine_firings(engine, i)) {
            (void)printf("%s'%s'", between, graph->rules[i].name);
            between = ", ";
        }
    if (*between == ',')
        (void)putchar('\n');
}

static void print_tasks(const struct orr_rehearsal *r, struct orr_engine *engine)
{
    for (uint32_t i = 0; i < orr_engine_tasks(engine); i++) {
        const struct orr_rehearsed *task = orr_rehearsal_task(r, i);
        struct orr_text text = ORR_TEXT_INIT;
        if (!task->attempts)
            continue;
        orr_rehearsal_print_task(r, i, &text);
        if (task->attempts > 1)
            orr_text_printf(&text, " %u attempts", task->attempts);
        (void)printf("    task %s [%s%s]\n", text.s, orr_answerer_text[task->by],
                     task->failures == task->attempts ? ", failed" : "");
        orr_text_release(&text);
    }
}

static void print_facts(const struct orr_graph *graph, struct orr_engine *engine)
{
    for (uint32_t t = 1; t < graph->n_facts; t++)
        for (uint32_t i = 0; i < orr_engine_facts(engine, t); i++) {
            struct orr_text text = ORR_TEXT_INIT;
            struct orr_arena arena = ORR_ARENA_INIT;
            orr_value_print(orr_engine_fact(engine, t, i, &arena), &text);
            (void)printf("    fact %s %s\n", graph->facts[t].name, text.s);
            orr_text_release(&text);
            orr_arena_release(&arena);
        }
}

static void print_text(const struct tally *tally, const struct orr_graph *graph,
                       const struct orr_test *test, struct orr_rehearsal *r,
                       const struct orr_verdict *verdict)
{
    struct orr_engine *engine = orr_rehearsal_engine(r);
    if (verdict->n || !tally->quiet)
        (void)printf("%-7s %s\n", verdict->n ? "FAILED" : "ok", test->name);
    for (size_t i = 0; i < verdict->n; i++)
        print_unmet(&verdict->items[i]);
    if (tally->verbose) {
        print_tasks(r, engine);
        print_facts(graph, engine);
    }
    if (verdict->n || tally->verbose)
        print_rules(graph, engine);
}

/* ---- JSON ---- */

static void put_string(struct orr_text *out, const char *name, const char *s)
{
    orr_text_printf(out, "\"%s\": ", name);
    orr_text_json(out, s, strlen(s));
}

static void print_json(const struct tally *tally, const struct orr_graph *graph,
                       const struct orr_test *test, struct orr_rehearsal *r,
                       const struct orr_verdict *verdict)
{
    struct orr_engine *engine = orr_rehearsal_engine(r);
    struct orr_text out = ORR_TEXT_INIT;
    orr_text_puts(&out, tally->passed + tally->failed ? ",\n  {" : "\n  {");
    put_string(&out, "file", graph->file);
    orr_text_puts(&out, ", ");
    put_string(&out, "test", test->name);
    orr_text_printf(&out, ", \"line\": %u, \"ok\": %s, \"unmet\": [", test->at.line,
                    verdict->n ? "false" : "true");
    for (size_t i = 0; i < verdict->n; i++) {
        orr_text_printf(&out, "%s{\"line\": %u, \"column\": %u, ", i ? ", " : "",
                        verdict->items[i].at.line, verdict->items[i].at.column);
        put_string(&out, "text", verdict->items[i].text);
        orr_text_puts(&out, "}");
    }
    orr_text_puts(&out, "], \"firings\": {");
    for (uint32_t i = 0; i < graph->n_rules; i++) {
        orr_text_puts(&out, i ? ", " : "");
        orr_text_json(&out, graph->rules[i].name, strlen(graph->rules[i].name));
        orr_text_printf(&out, ": %" PRIu64, orr_engine_firings(engine, i));
    }
    orr_text_puts(&out, "}}");
    (void)fputs(out.s, stdout);
    orr_text_release(&out);
}

/* ---- tests ---- */

static void run_test(struct tally *tally, const struct orr_graph *graph,
                     const struct orr_test *test)
{
    struct orr_rehearsal_setup setup = { .graph = graph,
                                         .requests = &test->inputs,
                                         .n_requests = 1,
                                         .test = test,
                                         .most = ATTEMPTS_MAX };
    struct orr_verdict verdict = { 0 };
    struct orr_rehearsal *r = orr_rehearse(&setup);
    orr_rehearsal_judge(r, test, &verdict);
    if (tally->json)
        print_json(tally, graph, test, r, &verdict);
    else
        print_text(tally, graph, test, r, &verdict);
    tally->passed += verdict.n == 0;
    tally->failed += verdict.n != 0;
    orr_verdict_release(&verdict);
    orr_rehearsal_free(r);
}

static void test_graph(struct tally *tally, const struct orr_graph *graph)
{
    bool titled = tally->json || tally->quiet || tally->line->n_args == 1;
    if (graph->n_tests == 0)
        (void)fprintf(stderr, "%s: there are no tests in it\n", graph->file);
    for (uint32_t i = 0; i < graph->n_tests; i++) {
        if (tally->filter && !strstr(graph->tests[i].name, tally->filter))
            continue;
        if (!titled)
            (void)printf("%s\n", graph->file);
        titled = true;
        run_test(tally, graph, &graph->tests[i]);
    }
}

static void test_file(struct tally *tally, const char *path)
{
    struct orri_texts texts = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_sources sources = orri_texts_sources(&texts);
    struct orr_graph *graph = NULL;
    struct orr_job *job = NULL;
    if (orri_is_job(path)) {
        job = orr_job_compile(path, &sources, NULL, 0, orri_registry(), &diags);
    } else {
        graph = orr_graph_compile(path, &sources, orri_registry(), &diags);
    }
    tally->wrong = orri_print_findings(&diags, &texts, true) || tally->wrong;
    if (job || graph)
        test_graph(tally, job ? job->graph : graph);
    orr_job_free(job);
    orr_graph_free(graph);
    orr_diags_release(&diags);
    orri_texts_release(&texts);
}

static int conclude(const struct tally *tally)
{
    uint32_t n = tally->passed + tally->failed;
    if (tally->json)
        (void)printf("%s]\n", n ? "\n" : "");
    else if (n && (!tally->quiet || tally->failed))
        (void)printf("%u test%s, %u failed\n", n, n == 1 ? "" : "s", tally->failed);
    if (tally->wrong)
        return ORR_EXIT_INPUT;
    if (n == 0 && tally->filter)
        (void)fprintf(stderr, "orrery test: no test has '%s' in its name\n",
                      tally->filter);
    if (n == 0)
        return ORR_EXIT_INPUT;
    return tally->failed ? ORR_EXIT_FAILED : ORR_EXIT_OK;
}

static int test_main(const struct orr_line *line)
{
    struct tally tally = { .line = line,
                           .filter = orri_option(line, "filter"),
                           .json = orri_has(line, "json"),
                           .verbose = orri_has(line, "verbose"),
                           .quiet = orri_has(line, "quiet") };
    if (tally.json)
        (void)putchar('[');
    for (size_t i = 0; i < line->n_args; i++)
        test_file(&tally, line->args[i]);
    return conclude(&tally);
}

static const struct orr_option test_options[] = {
    { "filter", 'f', "TEXT", "only tests with TEXT in their names", false },
    { "json", 0, NULL, "a JSON list, one object a test", false },
    { "verbose", 'v', NULL, "tasks, facts and rules of every test", false },
    { "quiet", 'q', NULL, "only tests that fail", false },
    { 0 },
};

const struct orr_command_entry orri_test = {
    .name = "test",
    .arguments = "FILE...",
    .summary = "run the tests that workflows bring along: no machine, no data",
    .details =
        "FILE is a workflow with `tests:`, or a job of it. Rules run as in a run; "
        "functions are answered\nby the test, or by their `example:`. Nothing is "
        "started, no input is read.\nExit code 0 when all tests pass, 1 when "
        "some fail, 2 when a file is wrong or there is no test.",
    .options = test_options,
    .least = 1,
    .most = 100000,
    .run = test_main,
};
