/* rehearse.c - rules without machines: who answers, what is recorded, and the words in
 * which a test fails */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rehearse/rehearse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a function of microseconds ---- */

static int twice(struct orr_call *call)
{
    int64_t i = orr_arg_int(orr_arg(call, "i"), 0);
    if (i < 0)
        return orr_call_fail(call, ORR_FAIL_INVALID, 3, "negative");
    orr_set_int(call, "i", 2 * i);
    return 0;
}

static const struct orr_param twice_params[] = { { "i", "int", NULL, "" }, { 0 } };
static const struct orr_result_field twice_results[] = { { "i", "int", NULL, "" },
                                                         { 0 } };
static const struct orr_function twice_function = { .name = "t.twice",
                                                    .version = "1",
                                                    .params = twice_params,
                                                    .results = twice_results,
                                                    .in_worker = true,
                                                    .run = twice };
static const struct orr_function *const functions[] = { &twice_function };
static const struct orr_registry registry = { functions, 1 };

/* ---- compiling ---- */

static const char inner[] =
    "orrery: 1\nworkflow: inner\ninputs: {n: int}\n"
    "facts: {sum: {n: int}}\n"
    "functions: {twice: {use: t.twice}}\n"
    "rules:\n"
    "- {rule: r, match: {j: job}, action: {call: twice, with: {i: j.n}},\n"
    "   reaction: [{assert: sum, with: {n: result.i}}]}\n"
    "outputs: {sum: {fact: sum}}\n";

static orr_status read_text(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    (void)err;
    orr_text_puts(out, strcmp(path, "/d/inner.yaml") == 0 ? inner : context);
    return ORR_OK;
}

static struct orr_graph *compile(const char *text)
{
    struct orr_sources sources = { read_text, (void *)(uintptr_t)text };
    struct orr_diags diags = { 0 };
    struct orr_graph *graph =
        orr_graph_compile("/d/w.yaml", &sources, &registry, &diags);
    struct orr_text out = ORR_TEXT_INIT;
    orr_diags_render(&diags, NULL, NULL, &out);
    if (!graph)
        fail_msg("%s", out.s);
    orr_text_release(&out);
    orr_diags_release(&diags);
    return graph;
}

static const char flow[] =
    "orrery: 1\nworkflow: w\n"
    "inputs: {n: {type: int, default: 2}, source: {type: path, default: a.mkv}}\n"
    "facts:\n"
    "  item: {i: int, key: [i]}\n"
    "  made: {i: int, v: float, file: path, data: blob}\n"
    "  lost: {i: int, why: string}\n"
    "functions:\n"
    "  count: {use: t.twice}\n"
    "  make:\n"
    "    command: [make, \"{out.file}\", \"{out.data}\"]\n"
    "    in: {i: int, source: path, quick: bool?}\n"
    "    out: {v: float, file: path, data: blob}\n"
    "    stdout: json\n"
    "    retries: 1\n"
    "    retry-delay: 4s\n"
    "    cost: 1.5 * i\n"
    "    example: {v: 1 / i, file: \"{i}.bin\", data: \"bytes {i}\"}\n"
    "  bare: {command: [\"true\"], in: {i: int}, stdout: text}\n"
    "rules:\n"
    "- rule: how many\n"
    "  match: {j: job}\n"
    "  action: {call: count, with: {i: j.n}}\n"
    "  reaction: [{for: k in range(result.i), assert: item, with: {i: k + 1}}]\n"
    "- rule: make each\n"
    "  match: {j: job, t: item}\n"
    "  action: {call: make, with: {i: t.i, source: j.source}}\n"
    "  reaction:\n"
    "  - {assert: made,\n"
    "     with: {i: t.i, v: result.v, file: result.file, data: result.data}}\n"
    "  error:\n"
    "  - {when: error.kind == \"timeout\", retry: {max: 2, delay: 10s,\n"
    "     with: {quick: true}}}\n"
    "  - {when: error.kind == \"io\", assert: lost, with: {i: t.i, why: "
    "error.message}}\n"
    "  - {fail: \"item {t.i}: {error.message} ({error.code})\"}\n"
    "outputs: {all: {each: made}}\n"
    "tests:\n"; /* line 37 */

/* ---- the words of verdicts ---- */

struct verdict_case {
    const char *name;
    const char *test;    /* from line 38 on */
    const char *verdict; /* "LINE:COLUMN TEXT", one a line */
};

static const struct verdict_case cases[] = {
    { "all as expected",
      "- test: t\n"
      "  expect:\n"
      "    facts: {item: 4, made: {count: 4, some: [{i: 3, v: 0.333333333333}]},\n"
      "            lost: []}\n"
      "    tasks: {count: [{i: 2}], make: {count: 4, attempts: 4}, bare: 0}\n"
      "    outputs: {all: {some: [{file: 2.bin, data: bytes 2}]}}\n",
      "" },
    { "paths of inputs, and blobs by their bytes",
      "- test: t\n"
      "  inputs: {n: 1, source: sub/../b.mkv}\n"
      "  answers: {make: {when: i == 2, result: {v: 1, file: \"x/y\", data: \"\"}}}\n"
      "  expect:\n"
      "    tasks: {make: [{i: 1, source: b.mkv}, {i: 2, source: /d/b.mkv}]}\n"
      "    facts: {made: [{file: 1.bin, data: bytes 1}, {file: x/y, data: \"\"}]}\n",
      "" },
    { "one that fails twice is given up, one that fails once is not",
      "- test: t\n"
      "  answers:\n"
      "    make:\n"
      "    - {when: i == 1, fail: {kind: exit, code: 7, message: \"no {i}\"}}\n"
      "    - {when: i == 2, times: 1, fail: exit}\n"
      "  expect: {message: \"item 1: no 1 (7)\"}\n",
      "" },
    { "attempts are counted for each task",
      "- test: t\n"
      "  answers: {make: {times: 1, fail: signal}}\n"
      "  expect: {tasks: {make: {count: 4, attempts: 8}}, outputs: {all: 4}}\n",
      "" },
    { "the attempt is known",
      "- test: t\n"
      "  inputs: {n: 1}\n"
      "  answers: {make: {when: attempt == 1, fail: exit}}\n"
      "  expect: {tasks: {make: {count: 2, attempts: 4}}}\n",
      "" },
    { "retries with other arguments are other tasks",
      "- test: t\n"
      "  inputs: {n: 1}\n"
      "  answers: {make: {when: quick == null, fail: timeout}}\n"
      "  expect:\n"
      "    tasks: {make: {exactly: [{i: 1, quick: null}, {i: 1, quick: true},\n"
      "                             {i: 2, quick: null}, {i: 2, quick: true}]}}\n",
      "" },
    { "handlers that assert",
      "- test: t\n"
      "  inputs: {n: 1}\n"
      "  answers: {make: {when: i == 2, fail: {kind: io, message: gone}}}\n"
      "  expect: {facts: {lost: [{i: 2, why: gone}], made: 1}}\n",
      "" },
    { "wrong counts",
      "- test: t\n"
      "  inputs: {n: 1}\n"
      "  expect: {facts: {item: 3, lost: 1}, tasks: {count: {attempts: 2}}}\n",
      "40:20 expected 3 facts 'item', got 2\n"
      "  {i: 1}\n"
      "  {i: 2}\n"
      "40:29 expected 1 fact 'lost', got 0\n"
      "40:47 expected 2 attempts of 'count', got 1" },
    { "many are not all shown", "- {test: t, expect: {facts: {item: 1}}}\n",
      "38:30 expected 1 fact 'item', got 4\n"
      "  {i: 1}\n"
      "  {i: 2}\n"
      "  {i: 3}\n"
      "  and 1 more" },
    { "the nearest",
      "- test: t\n"
      "  inputs: {n: 1}\n"
      "  expect:\n"
      "    facts:\n"
      "      made:\n"
      "      - {i: 1, v: 1, file: 1.bin}\n"
      "      - {i: 2, v: 0.25, file: 2.bin, data: no bytes}\n"
      "      lost: {some: [{i: 1}]}\n",
      "44:9 expected a fact 'made' with {i: 2, v: 0.25, file: \"2.bin\", data: blob(8 "
      "bytes, hash dd5b0dc7)}\n"
      "  the nearest has v: 0.5 instead of 0.25, data: blob(7 bytes, hash c0e92aa2) "
      "instead of blob(8 bytes, hash dd5b0dc7)\n"
      "  it is {i: 2, v: 0.5, file: \"2.bin\", data: blob(7 bytes)}\n"
      "45:21 expected a fact 'lost' with {i: 1}, but there is none at all" },
    { "more than expected",
      "- {test: t, inputs: {n: 1}, expect: {tasks: {make: [{i: 1}]}}}\n",
      "38:46 expected 1 call of 'make', got 2; not expected:\n"
      "  {i: 2, source: \"/d/a.mkv\", quick: null}" },
    { "each line has a record of its own",
      "- test: t\n"
      "  inputs: {n: 1}\n"
      "  expect: {facts: {item: [{}, {i: 1}], made: {some: [{i: 1}, {i: 1}]}}}\n",
      "40:62 expected a fact 'made' with {i: 1}; those that there are serve other "
      "lines "
      "of the list" },
    { "it fails but should not", "- {test: t, inputs: {n: -1}}\n",
      "38:10 the request was to succeed, but it failed: rule 'how many': count failed "
      "after 1 attempt (invalid): negative" },
    { "an output does not hold", "- {test: t, inputs: {n: 0}}\n",
      "38:10 the request was to succeed, but it failed: output 'all' has no fact "
      "'made'\n"
      "  rule 'make each' could make it: there is no fact 'item'" },
    { "it should fail but does not",
      "- {test: t, expect: {succeeds: false}}\n"
      "- {test: u, expect: {message: x}}\n",
      "38:32 the request was to fail, but it succeeded\n"
      "39:31 the request was to fail, but it succeeded" },
    { "other words", "- {test: t, inputs: {n: -1}, expect: {message: positive}}\n",
      "38:48 the request failed with other words than \"positive\": rule 'how many': "
      "count failed after 1 attempt (invalid): negative" },
    { "an answer that cannot be computed",
      "- test: t\n"
      "  answers: {make: [{when: 1 // (i - 2) == 5, fail: io},\n"
      "                   {result: {v: 1 / (i - 3), file: \"\", data: \"\"}}]}\n",
      "38:9 make(i: 2, source: \"/d/a.mkv\") cannot be answered: /d/w.yaml:39:29: "
      "division by zero" },
};

static void judge(struct orr_graph *graph, const struct orr_test *test,
                  struct orr_text *out)
{
    struct orr_rehearsal_setup setup = { .graph = graph,
                                         .requests = &test->inputs,
                                         .n_requests = 1,
                                         .test = test,
                                         .most = 1000 };
    struct orr_verdict verdict = { 0 };
    struct orr_rehearsal *r = orr_rehearse(&setup);
    orr_rehearsal_judge(r, test, &verdict);
    for (size_t i = 0; i < verdict.n; i++)
        orr_text_printf(out, "%s%u:%u %s", out->length ? "\n" : "",
                        verdict.items[i].at.line, verdict.items[i].at.column,
                        verdict.items[i].text);
    orr_verdict_release(&verdict);
    orr_rehearsal_free(r);
}

static char *judge_all(const char *workflow, const char *tests)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_text out = ORR_TEXT_INIT;
    orr_text_printf(&text, "%s%s", workflow, tests);
    struct orr_graph *graph = compile(text.s);
    orr_text_append(&out, "", 0);
    assert_true(graph->n_tests > 0);
    for (uint32_t i = 0; i < graph->n_tests; i++)
        judge(graph, &graph->tests[i], &out);
    orr_graph_free(graph);
    orr_text_release(&text);
    return out.s;
}

static void verdict_is(void **state)
{
    const struct verdict_case *c = *state;
    char *got = judge_all(flow, c->test);
    assert_string_equal(got, c->verdict);
    free(got);
}

/* ---- workflows as functions ---- */

static const char outer[] =
    "orrery: 1\nworkflow: outer\ninputs: {n: {type: int, default: 2}}\n"
    "facts: {end: {n: int}}\n"
    "functions: {sum: {workflow: inner.yaml}}\n"
    "rules:\n"
    "- {rule: r, match: {j: job}, action: {call: sum, with: {n: j.n}},\n"
    "   reaction: [{assert: end, with: {n: result.sum.n}}]}\n"
    "outputs: {end: {fact: end}}\n"
    "tests:\n";

static void workflows_are_gone_through(void **state)
{
    (void)state;
    char *got = judge_all(
        outer, "- {test: through, expect: {facts: {end: [{n: 4}]}, tasks: {sum: 1}}}\n"
               "- {test: answered, answers: {sum: {result: {sum: {n: 9}}}},\n"
               "   expect: {facts: {end: [{n: 9}]}, tasks: {sum: [{n: 2}]}}}\n"
               "- {test: fails, answers: {sum: {fail: {kind: io, message: gone}}},\n"
               "   expect: {message: \"(io): gone\", tasks: {sum: 1}}}\n");
    assert_string_equal(got, "");
    free(got);
}

/* ---- without a test ---- */

struct memory {
    struct orr_bytes bytes;
    uint32_t asked;
};

static const void *remember(void *context, struct orr_id id, uint32_t *length)
{
    struct memory *memory = context;
    (void)id;
    if (memory->asked++ != 1) /* the second task only */
        return NULL;
    *length = (uint32_t)memory->bytes.length;
    return memory->bytes.data;
}

static struct orr_value default_inputs(const struct orr_graph *graph,
                                       struct orr_arena *arena)
{
    struct orr_record *inputs = orr_record_new(arena, graph->facts[0].record);
    for (uint32_t i = 0; i < inputs->type->n_fields; i++)
        (void)orr_expr_eval(graph->input_defaults[i], NULL, arena, &inputs->fields[i],
                            NULL);
    return orr_value_of_record(inputs);
}

/* What the run of old returned for the second task: v 8, file "old". */
static void fill_memory(const struct orr_graph *graph, struct orr_arena *arena,
                        struct memory *memory)
{
    const struct orr_record_type *type = graph->functions[1].results;
    const struct orr_blob blob = { .length = 3 };
    struct orr_record *results = orr_record_new(arena, type);
    results->fields[orr_record_field(type, "v")] = orr_float(8);
    results->fields[orr_record_field(type, "file")] =
        orr_string_new(arena, ORR_KIND_PATH, "old", 3);
    results->fields[orr_record_field(type, "data")] =
        (struct orr_value) { .kind = ORR_KIND_BLOB, .as.blob = &blob };
    orr_value_put(&memory->bytes, orr_value_of_record(results));
}

static void an_earlier_run_answers_before_examples(void **state)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_graph *graph = compile(flow);
    struct orr_value inputs = default_inputs(graph, &arena);
    struct memory memory = { ORR_BYTES_INIT, 0 };
    (void)state;
    fill_memory(graph, &arena, &memory);
    struct orr_rehearsal_setup setup = { .graph = graph,
                                         .requests = &inputs,
                                         .n_requests = 1,
                                         .known = remember,
                                         .known_context = &memory,
                                         .most = 1000 };
    struct orr_rehearsal *r = orr_rehearse(&setup);
    static const enum orr_answerer by[] = { ORR_ANSWERED_CALL, ORR_ANSWERED_RUN,
                                            ORR_ANSWERED_EXAMPLE, ORR_ANSWERED_EXAMPLE,
                                            ORR_ANSWERED_EXAMPLE };
    assert_int_equal(orr_engine_tasks(orr_rehearsal_engine(r)), 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(orr_rehearsal_task(r, i)->by, by[i]);
        assert_int_equal(orr_rehearsal_task(r, i)->attempts, 1);
    }
    assert_true(isnan(orr_rehearsal_cost(r, 0)));
    assert_true(orr_rehearsal_cost(r, 2) == 3.0);
    assert_int_equal(orr_engine_request_state(orr_rehearsal_engine(r), 0, NULL),
                     ORR_REQUEST_SUCCEEDED);
    struct orr_text text = ORR_TEXT_INIT;
    orr_rehearsal_print_task(r, 1, &text);
    assert_string_equal(text.s, "make(i: 1, source: \"/d/a.mkv\")");
    orr_text_release(&text);
    orr_rehearsal_free(r);
    orr_bytes_release(&memory.bytes);
    orr_graph_free(graph);
    orr_arena_release(&arena);
}

/* Delays pass at once and are recorded: back-off of the function, then the handler's.
 */
static void waiting_is_recorded(void **state)
{
    struct orr_text text = ORR_TEXT_INIT;
    (void)state;
    orr_text_printf(&text, "%s%s", flow,
                    "- {test: t, inputs: {n: 1}, answers: {make: [\n"
                    "   {when: i == 1, times: 1, fail: exit},\n"
                    "   {when: i == 2 and quick == null, fail: timeout}]}}\n");
    struct orr_graph *graph = compile(text.s);
    struct orr_rehearsal_setup setup = { .graph = graph,
                                         .requests = &graph->tests[0].inputs,
                                         .n_requests = 1,
                                         .test = &graph->tests[0],
                                         .most = 1000 };
    struct orr_rehearsal *r = orr_rehearse(&setup);
    const struct orr_rehearsed *first = orr_rehearsal_task(r, 1);
    assert_int_equal(first->attempts, 2);
    assert_int_equal(first->failures, 1);
    assert_in_range(first->delay, INT64_C(3000000000), INT64_C(4000000000));
    assert_int_equal(orr_rehearsal_task(r, 3)->delay, INT64_C(10000000000));
    orr_rehearsal_free(r);
    orr_graph_free(graph);
    orr_text_release(&text);
}

static void what_nobody_answers_stays_open(void **state)
{
    (void)state;
    char *got =
        judge_all("orrery: 1\nworkflow: w\n"
                  "facts: {a: {i: int, t: string}, b: {n: int}}\n"
                  "functions:\n"
                  "  f: {command: [x], in: {i: int}, stdout: text}\n"
                  "rules:\n"
                  "- rule: r\n  match: {j: job}\n  for: i in [1, 2]\n"
                  "  assert: b\n  with: {n: i}\n"
                  "- {rule: s, match: {t: b}, action: {call: f, with: {i: t.n}},\n"
                  "   reaction: [{assert: a, with: {i: t.n, t: result.text}}]}\n"
                  "outputs: {a: {each: a}}\n"
                  "tests:\n",
                  "- {test: none}\n"
                  "- {test: one, answers: {f: {when: i == 1, result: {text: \"\"}}}}\n"
                  "- test: retried\n"
                  "  answers: {f: {result: {text: \"\"}}}\n");
    assert_string_equal(got,
                        "16:10 f(i: 1) has no answer (attempt 1): the test has none "
                        "that holds and the function no example\n"
                        "17:10 f(i: 2) has no answer (attempt 1): the test has none "
                        "that holds and the function no example");
    free(got);
}

/* Ranges are made as calls are taken: open calls must not hold them back. */
static void all_open_calls_are_listed(void **state)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    enum { MANY = ORR_ENGINE_WINDOW + 1000 };
    (void)state;
    struct orr_graph *graph =
        compile("orrery: 1\nworkflow: w\n"
                "inputs: {n: {type: int, default: 66536}}\n"
                "facts: {a: {i: int}, b: {i: int}}\n"
                "functions: {f: {command: [x], in: {i: int}}}\n"
                "rules:\n"
                "- {rule: r, match: {j: job}, for: i in range(j.n), assert: a,\n"
                "   with: {i: i}}\n"
                "- {rule: s, match: {t: a}, action: {call: f, with: {i: t.i}},\n"
                "   reaction: [{assert: b, with: {i: t.i}}]}\n"
                "outputs: {b: {each: b}}\n");
    struct orr_value inputs = default_inputs(graph, &arena);
    struct orr_rehearsal_setup setup = {
        .graph = graph, .requests = &inputs, .n_requests = 1, .most = 2 * MANY
    };
    assert_int_equal(inputs.as.record->fields[0].as.i, MANY);
    struct orr_rehearsal *r = orr_rehearse(&setup);
    assert_int_equal(orr_rehearsal_open(r), MANY);
    assert_int_equal(orr_engine_request_state(orr_rehearsal_engine(r), 0, NULL),
                     ORR_REQUEST_RUNNING);
    orr_rehearsal_free(r);
    orr_graph_free(graph);
    orr_arena_release(&arena);
}

static void endless_rules_are_cut(void **state)
{
    (void)state;
    char *got =
        judge_all("orrery: 1\nworkflow: w\n"
                  "facts: {a: {i: int}}\n"
                  "functions: {f: {use: t.twice}}\n"
                  "rules:\n"
                  "- {rule: r, match: {j: job}, assert: a, with: {i: 1}}\n"
                  "- {rule: s, match: {t: a}, action: {call: f, with: {i: t.i}},\n"
                  "   reaction: [{assert: a, with: {i: t.i + 1}}]}\n"
                  "outputs: {a: {each: a}}\n"
                  "tests:\n",
                  "- {test: t}\n");
    assert_string_equal(got, "11:10 after 1000 attempts the rules ask for more");
    free(got);
}

int main(void)
{
    enum { N = sizeof cases / sizeof *cases };
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(workflows_are_gone_through),
        cmocka_unit_test(an_earlier_run_answers_before_examples),
        cmocka_unit_test(waiting_is_recorded),
        cmocka_unit_test(what_nobody_answers_stays_open),
        cmocka_unit_test(all_open_calls_are_listed),
        cmocka_unit_test(endless_rules_are_cut),
    };
    static struct CMUnitTest tests[N + sizeof others / sizeof *others];
    for (size_t i = 0; i < N; i++)
        tests[i] =
            (struct CMUnitTest) { .name = cases[i].name,
                                  .test_func = verdict_is,
                                  .initial_state = (void *)(uintptr_t)&cases[i] };
    memcpy(tests + N, others, sizeof others);
    return cmocka_run_group_tests_name("rehearse", tests, NULL, NULL);
}
