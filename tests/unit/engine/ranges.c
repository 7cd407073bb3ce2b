/* ranges.c - a `for` with many items: made as calls are taken, the same whatever the
 * window, and counted while it is not */
#include "kit.h"

#define HEAD(name)                                                                     \
    "orrery: 1\nworkflow: " name "\n"                                                  \
    "inputs:\n  n: {type: int, default: 4}\n"

/* Two ranges that are the two sides of a join, a list, a gather, and facts that lead to
 * no call. */
static const char joined[] = HEAD(
    "joined") "facts:\n  item: {i: int}\n  side: {i: int, w: int}\n  made: {i: int, v: "
              "float}\n"
              "  note: {i: int}\n  doubled: {i: int, at: int}\n  all: {n: int}\n"
              "functions:\n  make: {use: t.make}\n"
              "rules:\n"
              "  - rule: expand\n    match: {j: job}\n    then:\n"
              "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
              "      - {for: i in range(j.n), assert: side, with: {i: i, w: 7 * i}}\n"
              "      - {for: i in range(j.n), when: i % 2 == 0, assert: note, with: "
              "{i: i}}\n"
              "      - for: i, x in [2 * k for k in range(j.n)]\n        assert: "
              "doubled\n"
              "        with: {i: x, at: i}\n"
              "  - rule: join\n    match: {a: item, b: side}\n    where: a.i == b.i\n"
              "    action: {call: make, with: {i: b.w}}\n"
              "    reaction: [{assert: made, with: {i: a.i, v: result.v}}]\n"
              "  - rule: all\n    match: {j: job}\n"
              "    gather: {m: made, where: m.i >= 0, count: j.n}\n"
              "    assert: all\n    with: {n: len(m.i)}\n"
              "outputs:\n  all: {fact: all}\n";

static const char plain[] =
    HEAD("plain") "facts:\n  item: {i: int}\n  made: {i: int}\n"
                  "functions:\n  make: {use: t.make}\n"
                  "rules:\n"
                  "  - rule: expand\n    match: {j: job}\n    then:\n"
                  "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
                  "  - rule: call\n    match: {t: item}\n"
                  "    action: {call: make, with: {i: t.i}}\n"
                  "    reaction: [{assert: made, with: {i: result.i}}]\n"
                  "outputs:\n  made: {each: made}\n";

/* Take `at_once` calls, then answer them, until there are none; the facts. */
static char *run(const char *text, uint32_t window, size_t at_once, int64_t n)
{
    struct orr_graph *graph = kit_compile(text);
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call *calls = orr_alloc(at_once, sizeof *calls);
    size_t got = 0;
    orr_engine_set_window(engine, window);
    kit_request(engine, graph, n);
    kit_request(engine, graph, n / 2);
    do {
        for (got = 0; got < at_once && orr_engine_take_call(engine, &calls[got]);)
            got++;
        for (size_t i = 0; i < got; i++) {
            struct kit_call call = kit_describe(engine, &calls[i]);
            assert_true(orr_engine_pending(engine) > 0);
            kit_succeed(engine, graph, &call, 0.5);
        }
    } while (got);
    assert_int_equal(orr_engine_pending(engine), 0);
    assert_int_equal(orr_engine_request_state(engine, 0, NULL), ORR_REQUEST_SUCCEEDED);
    assert_int_equal(orr_engine_request_state(engine, 1, NULL), ORR_REQUEST_SUCCEEDED);
    char *facts = kit_facts(engine, graph);
    orr_engine_free(engine);
    orr_graph_free(graph);
    free(calls);
    return facts;
}

static void the_window_does_not_matter(void **state)
{
    (void)state;
    static const uint32_t windows[] = { 1, 7, 100, 10000 };
    static const size_t at_once[] = { 1, 5, 1000 };
    char *first = run(joined, ORR_ENGINE_WINDOW, 100000, 1500);
    assert_non_null(strstr(first, "0 made {i: 1499, v: 0.5}"));
    assert_non_null(strstr(first, "0 note {i: 1498}"));
    assert_null(strstr(first, "note {i: 1497}"));
    assert_non_null(strstr(first, "1 doubled {i: 1498, at: 749}"));
    assert_non_null(strstr(first, "1 all {n: 750}"));
    for (size_t w = 0; w < 4; w++)
        for (size_t a = 0; a < 3; a++) {
            char *other = run(joined, windows[w], at_once[a], 1500);
            assert_string_equal(first, other);
            free(other);
        }
    free(first);
}

/* Ten million tasks wait, and next to nothing is made. */
static void what_is_not_made_is_pending(void **state)
{
    (void)state;
    static const int64_t n = 10 * 1000 * 1000;
    struct orr_graph *graph = kit_compile(plain);
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call call;
    struct orr_text why = ORR_TEXT_INIT;
    kit_request(engine, graph, n);
    assert_int_equal(orr_engine_pending(engine), n);
    assert_true(orr_engine_facts(engine, 1) <= 64);
    assert_int_equal(orr_engine_request_state(engine, 0, &why), ORR_REQUEST_RUNNING);
    uint64_t ahead = 0;
    orr_engine_ahead(engine, &ahead);
    assert_int_equal(ahead + orr_engine_facts(engine, 1), n);
    orr_engine_set_window(engine, 1000);
    uint32_t taken = 0;
    while (orr_engine_take_call(engine, &call))
        taken++;
    assert_in_range(taken, 1000, 1000 + 256);
    assert_int_equal(orr_engine_facts(engine, 1), taken);
    assert_int_equal(orr_engine_pending(engine), n);
    struct kit_call last = kit_describe(engine, &call);
    kit_succeed(engine, graph, &last, 1);
    assert_int_equal(orr_engine_pending(engine), n - 1);
    orr_text_release(&why);
    orr_engine_free(engine);
    orr_graph_free(graph);
}

/* One pool's window is full: the other pool's range goes on. */
static void no_pool_waits_for_another(void **state)
{
    (void)state;
    struct orr_graph *graph = kit_compile(
        HEAD("pools") "pools:\n  slow: {}\n  quick: {}\n"
                      "facts:\n  item: {i: int}\n  other: {i: int}\n  made: {i: int}\n"
                      "functions:\n  slowly: {use: t.make, pool: slow}\n"
                      "  quickly: {use: t.make, pool: quick, version: 'q'}\n"
                      "rules:\n"
                      "  - rule: expand\n    match: {j: job}\n    then:\n"
                      "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
                      "      - {for: i in range(500), assert: other, with: {i: i}}\n"
                      "  - rule: slow\n    match: {t: item}\n"
                      "    action: {call: slowly, with: {i: t.i}}\n"
                      "    reaction: [{assert: made, with: {i: result.i}}]\n"
                      "  - rule: quick\n    match: {t: other}\n"
                      "    action: {call: quickly, with: {i: t.i}}\n"
                      "    reaction: [{assert: made, with: {i: result.i}}]\n"
                      "outputs:\n  made: {each: made}\n");
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call call;
    uint32_t quick = 0;
    orr_engine_set_window(engine, 10);
    kit_request(engine, graph, 100000);
    while (orr_engine_take_call(engine, &call)) {
        const struct orr_task *task = orr_engine_task(engine, call.task);
        if (strcmp(graph->functions[task->function].name, "quickly") != 0)
            continue; /* never answered */
        struct kit_call described = kit_describe(engine, &call);
        kit_succeed(engine, graph, &described, 1);
        quick++;
    }
    assert_int_equal(quick, 500);
    assert_true(orr_engine_facts(engine, 1) < 1000);
    orr_engine_free(engine);
    orr_graph_free(graph);
}

/* Request 1 has a higher priority: it does not wait for the range of request 0. */
static void an_urgent_range_goes_first(void **state)
{
    (void)state;
    struct orr_graph *graph = kit_compile(
        HEAD("urgent") "facts:\n  item: {i: int}\n  made: {i: int}\n"
                       "functions:\n  make: {use: t.make}\n"
                       "rules:\n"
                       "  - rule: expand\n    match: {j: job}\n    then:\n"
                       "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
                       "  - rule: call\n    match: {j: job, t: item}\n"
                       "    action:\n      call: make\n"
                       "      with: {i: 1000000 * j.n + t.i}\n      priority: -j.n\n"
                       "    reaction: [{assert: made, with: {i: result.i}}]\n"
                       "outputs:\n  made: {each: made}\n");
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call call;
    orr_engine_set_window(engine, 1000);
    kit_request(engine, graph, 20000);
    kit_request(engine, graph, 5000);
    uint32_t of[2] = { 0, 0 };
    for (uint32_t i = 0; i < 6000 && orr_engine_take_call(engine, &call); i++) {
        struct kit_call described = kit_describe(engine, &call);
        of[orr_engine_task(engine, call.task)->request]++;
        kit_succeed(engine, graph, &described, 1);
    }
    assert_int_equal(of[1], 5000);
    assert_int_equal(of[0], 1000);
    orr_engine_free(engine);
    orr_graph_free(graph);
}

static void a_failed_request_drops_its_ranges(void **state)
{
    (void)state;
    struct orr_graph *graph = kit_compile(plain);
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call call;
    kit_request(engine, graph, 1000000);
    assert_true(orr_engine_take_call(engine, &call));
    struct kit_call described = kit_describe(engine, &call);
    kit_fail(engine, &described, ORR_FAIL_INVALID, "no");
    assert_int_equal(orr_engine_request_state(engine, 0, NULL), ORR_REQUEST_FAILED);
    assert_int_equal(orr_engine_pending(engine), 0);
    while (orr_engine_take_call(engine, &call))
        assert_false(orr_engine_task_wanted(engine, call.task));
    assert_true(orr_engine_facts(engine, 1) <= 64);
    orr_engine_free(engine);
    orr_graph_free(graph);
}

static void an_error_far_in_a_range_fails_the_request(void **state)
{
    (void)state;
    struct orr_graph *graph =
        kit_compile(HEAD("far") "facts:\n  item: {i: int}\n"
                                "rules:\n"
                                "  - rule: expand\n    match: {j: job}\n    then:\n"
                                "      - for: i in range(j.n)\n        assert: item\n"
                                "        with: {i: 10 // (5000 - i)}\n"
                                "outputs:\n  item: {each: item}\n");
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call call;
    struct orr_text why = ORR_TEXT_INIT;
    kit_request(engine, graph, 1000000);
    while (orr_engine_take_call(engine, &call))
        fail_msg("there is no call");
    assert_int_equal(orr_engine_request_state(engine, 0, &why), ORR_REQUEST_FAILED);
    assert_string_equal(why.s, "kit.yaml:13:22: rule 'expand': division by zero");
    assert_int_equal(orr_engine_pending(engine), 0);
    orr_text_release(&why);
    orr_engine_free(engine);
    orr_graph_free(graph);
}

static void more_items_than_facts_are_an_error(void **state)
{
    (void)state;
    struct orr_graph *graph = kit_compile(plain);
    struct orr_engine *engine = kit_engine(graph);
    struct orr_text why = ORR_TEXT_INIT;
    kit_request(engine, graph, INT64_MAX);
    assert_int_equal(orr_engine_request_state(engine, 0, &why), ORR_REQUEST_FAILED);
    assert_string_equal(why.s, "kit.yaml:14:40: rule 'expand': 'for' over "
                               "9223372036854775807 items: that is more facts than a "
                               "run holds");
    orr_text_release(&why);
    orr_engine_free(engine);
    orr_graph_free(graph);
}

/* Reports between hold and release lead to the same facts. */
static void held_reports_are_looked_at_together(void **state)
{
    (void)state;
    struct orr_graph *graph = kit_compile(joined);
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call calls[300];
    size_t n = 0;
    kit_request(engine, graph, 100);
    kit_request(engine, graph, 50);
    do {
        for (n = 0; n < 300 && orr_engine_take_call(engine, &calls[n]);)
            n++;
        orr_engine_hold(engine);
        for (size_t i = 0; i < n; i++) {
            struct kit_call call = kit_describe(engine, &calls[i]);
            kit_succeed(engine, graph, &call, 0.5);
        }
        orr_engine_release(engine);
    } while (n);
    char *facts = kit_facts(engine, graph);
    char *single = run(joined, 1, 1, 100);
    assert_string_equal(single, facts);
    free(facts);
    free(single);
    orr_engine_free(engine);
    orr_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_does_not_matter),
        cmocka_unit_test(what_is_not_made_is_pending),
        cmocka_unit_test(no_pool_waits_for_another),
        cmocka_unit_test(an_urgent_range_goes_first),
        cmocka_unit_test(a_failed_request_drops_its_ranges),
        cmocka_unit_test(an_error_far_in_a_range_fails_the_request),
        cmocka_unit_test(more_items_than_facts_are_an_error),
        cmocka_unit_test(held_reports_are_looked_at_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
