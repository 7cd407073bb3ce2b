/* plan.c - plans: the workflows of the repository as tests/golden says
 * (ORR_GOLDEN_UPDATE=1 writes them anew); the longest way, alone and counted */
#include "plan/plan.h"
#include "../graph/fixture.h"

#include <math.h>

static struct orr_job *compile(const char *file, struct orr_diags *diags)
{
    struct orr_sources sources = { read_disk, NULL };
    char path[500];
    (void)snprintf(path, sizeof path, "%s/%s", ORR_SOURCE_DIR, file);
    struct orr_job *job = orr_job_compile(path, &sources, NULL, 0, &registry, diags);
    if (diags->n) {
        struct orr_text text = ORR_TEXT_INIT;
        orr_diags_render(diags, NULL, NULL, &text);
        print_message("%s", text.s);
        orr_text_release(&text);
    }
    return job;
}

static void compare_golden(const char *name, const char *text)
{
    struct orr_text golden = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    char path[500];
    (void)snprintf(path, sizeof path, "%s/tests/golden/%s", ORR_SOURCE_DIR, name);
    if (getenv("ORR_GOLDEN_UPDATE"))
        assert_int_equal(orr_file_write(path, text, strlen(text), false, &err), ORR_OK);
    if (orr_file_read(path, 1 << 20, &golden, &err) != ORR_OK)
        fail_msg("%s", err.text);
    assert_string_equal(text, golden.s);
    orr_text_release(&golden);
}

struct golden_case {
    const char *job, *golden;
    size_t warnings;
    uint32_t requests;
};

static void plan_is_golden(void **state)
{
    const struct golden_case *wanted = *state;
    struct orr_diags diags = { 0 };
    struct orr_text plan = ORR_TEXT_INIT;
    struct orr_job *job = compile(wanted->job, &diags);
    assert_non_null(job);
    assert_int_equal(diags.warnings, wanted->warnings);
    assert_int_equal(job->n_requests, wanted->requests);
    struct orr_plan *p = orr_plan_new(job->graph, NULL, NULL);
    orr_plan_text(p, &plan);
    orr_plan_free(p);
    compare_golden(wanted->golden, plan.s);
    orr_text_release(&plan);
    orr_job_free(job);
    orr_diags_release(&diags);
}

/* ---- counted ---- */

static struct orr_graph *compile_texts(const char *const *files)
{
    struct files memory = { files };
    struct orr_sources sources = { read_memory, &memory };
    struct orr_diags diags = { 0 };
    struct orr_graph *graph =
        orr_graph_compile("/w/top.yaml", &sources, &registry, &diags);
    if (!graph)
        fail_msg("%s", findings_text(&diags, false));
    orr_diags_release(&diags);
    return graph;
}

/* core.noop returns its argument; a call takes as many seconds as that. */
struct played {
    struct orr_engine *engine;
    const struct orr_graph *graph;
    bool timed;
};

static int64_t argument(const struct orr_engine *engine, uint32_t task)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_value v;
    const struct orr_task *t = orr_engine_task(engine, (orr_task_id) { task });
    struct orr_reader in = orr_reader_of(t->args, t->args_length);
    assert_int_equal(orr_value_get(&in, NULL, &arena, &v, NULL), ORR_OK);
    orr_arena_release(&arena);
    return v.as.i;
}

static double seconds(void *context, uint32_t task)
{
    const struct played *played = context;
    return played->timed ? (double)argument(played->engine, task) : NAN;
}

static struct orr_id no_file(void *context, const char *path, bool by_content)
{
    (void)context;
    (void)path;
    (void)by_content;
    return (struct orr_id) { 0 };
}

static struct orr_plan *play(const struct orr_graph *graph, int64_t n, bool timed)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_engine *engine =
        orr_engine_new(graph, &(struct orr_engine_files) { .identify = no_file });
    struct orr_record *inputs = orr_record_new(&arena, graph->facts[0].record);
    struct orr_engine_call call;
    inputs->fields[0] = orr_int(n);
    (void)orr_engine_add_request(engine, orr_value_of_record(inputs));
    while (orr_engine_take_call(engine, &call)) {
        const struct orr_task *t = orr_engine_task(engine, call.task);
        struct orr_record *results =
            orr_record_new(&arena, graph->functions[t->function].results);
        results->fields[0] = orr_int(argument(engine, call.task.v));
        orr_engine_finished(engine, call.task, orr_value_of_record(results));
    }
    struct played played = { engine, graph, timed };
    struct orr_plan_costs costs = { seconds, &played, false };
    struct orr_plan *plan = orr_plan_new(graph, engine, &costs);
    orr_engine_free(engine);
    orr_arena_release(&arena);
    return plan;
}

#define HEAD                                                                           \
    "orrery: 1\nworkflow: w\ninputs: {n: int}\nfunctions: {f: {use: core.noop, "       \
    "cores: 2}, g: {use: core.noop}}\n"

/* a (n s), then b of 1, 2, 3 s side by side, then c of 10 s; d of 4 s beside them. */
static const char diamond[] =
    HEAD "steps:\n"
         "  - {step: a, call: f, with: {i: inputs.n}}\n"
         "  - {step: b, call: f, for: x in range(1, 4), with: {i: x}, after: a}\n"
         "  - {step: c, call: f, with: {i: \"{b.i[0] + 9}\"}}\n"
         "  - {step: d, call: g, with: {i: 4}}\n";

static void the_longest_way_in_seconds(void **state)
{
    (void)state;
    const char *const files[] = { "/w/top.yaml", diamond, NULL };
    struct orr_graph *graph = compile_texts(files);
    struct orr_plan *plan = play(graph, 5, true);
    assert_int_equal(plan->n_path, 3);
    assert_string_equal(graph->rules[plan->path[0].rule].name, "a");
    assert_string_equal(graph->rules[plan->path[1].rule].name, "b");
    assert_string_equal(graph->rules[plan->path[2].rule].name, "c");
    assert_float_equal(plan->path_seconds, 5 + 3 + 10, 1e-9);
    assert_int_equal(plan->tasks, 6);
    assert_float_equal(plan->core_seconds, 2 * (5 + 6 + 10) + 4, 1e-9);
    assert_false(plan->open);
    orr_plan_free(plan);
    plan = play(graph, 5, false);
    assert_int_equal(plan->n_path, 3);
    assert_true(isnan(plan->path_seconds));
    orr_plan_free(plan);
    orr_graph_free(graph);
}

static void the_longest_way_of_the_graph(void **state)
{
    (void)state;
    const char *const files[] = { "/w/top.yaml", diamond, NULL };
    struct orr_graph *graph = compile_texts(files);
    struct orr_plan *plan = orr_plan_new(graph, NULL, NULL);
    assert_int_equal(plan->n_path, 3);
    assert_string_equal(graph->rules[plan->path[2].rule].name, "c");
    assert_false(plan->counted);
    orr_plan_free(plan);
    orr_graph_free(graph);
}

/* The time inside of a workflow that is called lies on the way. */
static void the_way_leads_through_workflows(void **state)
{
    (void)state;
    const char *const files[] = {
        "/w/top.yaml",
        "orrery: 1\nworkflow: w\ninputs: {n: int}\n"
        "functions: {sub: {workflow: sub.yaml}, g: {use: core.noop}}\n"
        "steps:\n"
        "  - {step: first, call: sub, with: {n: inputs.n}}\n"
        "  - {step: then, call: g, with: {i: first.c.i + 1}}\n"
        "  - {step: beside, call: g, with: {i: 11}}\n",
        "/w/sub.yaml",
        "orrery: 1\nworkflow: s\ninputs: {n: int}\nfunctions: {f: {use: core.noop}}\n"
        "steps:\n"
        "  - {step: a, call: f, with: {i: inputs.n}}\n"
        "  - {step: c, call: f, with: {i: a.i + 1}}\n",
        NULL
    };
    struct orr_graph *graph = compile_texts(files);
    struct orr_plan *plan = play(graph, 5, true);
    assert_int_equal(plan->n_path, 3);
    assert_string_equal(graph->rules[plan->path[0].rule].name, "sub.a");
    assert_string_equal(graph->rules[plan->path[1].rule].name, "sub.c");
    assert_string_equal(graph->rules[plan->path[2].rule].name, "then");
    assert_float_equal(plan->path_seconds, 5 + 6 + 7, 1e-9);
    assert_int_equal(plan->tasks, 4);
    orr_plan_free(plan);
    orr_graph_free(graph);
}

/* Names of all kinds do not break a page, a graph for Graphviz, or JSON. */
static void texts_are_escaped(void **state)
{
    (void)state;
    const char *const files[] = {
        "/w/top.yaml",
        "orrery: 1\nworkflow: 'a<b>&\"c\"'\ndoc: '</script><b>'\ninputs: {n: int}\n"
        "facts: {x: {i: int}}\nrules:\n"
        "- {rule: '<i>\"\\q\" & ]]>', match: {j: job}, where: j.n < 3, assert: x, "
        "with: "
        "{i: 1}}\n"
        "outputs: {x: {fact: x}}\n",
        NULL
    };
    struct orr_graph *graph = compile_texts(files);
    struct orr_plan *plan = orr_plan_new(graph, NULL, NULL);
    struct orr_text html = ORR_TEXT_INIT;
    struct orr_text dot = ORR_TEXT_INIT;
    struct orr_text json = ORR_TEXT_INIT;
    orr_plan_html(plan, &html);
    orr_plan_dot(plan, &dot);
    orr_plan_json(plan, &json);
    assert_null(strstr(html.s, "<i>"));
    assert_null(strstr(html.s, "</script><b>"));
    assert_non_null(strstr(html.s, "&lt;i&gt;&quot;\\q&quot; &amp; ]]&gt;"));
    assert_non_null(strstr(dot.s, "label=\"<i>\\\"\\\\q\\\" & ]]>\""));
    assert_non_null(strstr(json.s, "\"name\": \"<i>\\\"\\\\q\\\" & ]]>\""));
    orr_text_release(&html);
    orr_text_release(&dot);
    orr_text_release(&json);
    orr_plan_free(plan);
    orr_graph_free(graph);
}

/* A variable is left out only where equalities give its whole key. */
static void what_a_rule_fires_for(void **state)
{
    (void)state;
    const char *const files[] = {
        "/w/top.yaml",
        "orrery: 1\nworkflow: w\ninputs: {n: int}\n"
        "facts: {take: {shot: int, i: int}, lens: {i: int},\n"
        "        shot: {i: int, n: int, key: [i]}, out: {s: int, t: int}}\n"
        "rules:\n"
        "- rule: some\n  match: {j: job}\n  then:\n"
        "  - {assert: take, with: {shot: 1, i: j.n}}\n"
        "  - {assert: lens, with: {i: 1}}\n"
        "  - {assert: shot, with: {i: 1, n: 1}}\n"
        "- {rule: keyed, match: {s: shot, t: take}, where: t.shot == s.i,\n"
        "   assert: out, with: {s: s.n, t: t.i}}\n"
        "- {rule: not the key, match: {s: shot, t: take}, where: t.shot == s.n,\n"
        "   assert: out, with: {s: s.i, t: t.i}}\n"
        "- {rule: three, match: {l: lens, s: shot, t: take}, where: t.i == l.i and "
        "t.i == s.n,\n   assert: out, with: {s: s.i + l.i, t: t.i}}\n"
        "- {rule: all, match: {j: job, l: lens, t: take}, assert: out,\n"
        "   with: {s: l.i + j.n, t: t.i}}\n"
        "outputs: {o: {each: out}}\n",
        NULL
    };
    static const char *const wanted[] = { "once", "once for each take",
                                          "once for each matching shot and take",
                                          "once for each matching lens, shot and take",
                                          "once for each lens and take" };
    struct orr_graph *graph = compile_texts(files);
    struct orr_plan *plan = orr_plan_new(graph, NULL, NULL);
    for (uint32_t i = 0; i < graph->n_rules; i++)
        assert_string_equal(plan->rules[i].repeats, wanted[i]);
    orr_plan_free(plan);
    orr_graph_free(graph);
}

int main(void)
{
    static struct golden_case cases[] = {
        { "jobs/clip.yaml", "ladder.plan", 1, 1 },
        { "jobs/sweep.yaml", "sweep.plan", 0, 9 },
        { "jobs/ffmpeg-chunks.yaml", "ffmpeg-chunks.plan", 0, 1 },
    };
    struct CMUnitTest tests[sizeof cases / sizeof *cases + 5];
    size_t n = 0;
    for (; n < sizeof cases / sizeof *cases; n++)
        tests[n] = (struct CMUnitTest) { .name = cases[n].job,
                                         .test_func = plan_is_golden,
                                         .initial_state = &cases[n] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_longest_way_in_seconds);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_longest_way_of_the_graph);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_way_leads_through_workflows);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(texts_are_escaped);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(what_a_rule_fires_for);
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
