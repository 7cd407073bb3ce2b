/* rules.c - what the rules make of results, in any order and with any failures */
#include "kit.h"

/* A target loop with joins, a gather, handlers: the shape of ladder.yaml. */
static const char workflow[] =
    "orrery: 1\n"
    "workflow: loop\n"
    "inputs:\n  n: {type: int, default: 4}\n"
    "facts:\n"
    "  item: {i: int}\n"
    "  side: {name: string, base: int}\n"
    "  trial: {i: int, side: string, attempt: int, v: float}\n"
    "  good: {i: int, side: string, v: float}\n"
    "  lost: {i: int, why: string}\n"
    "  whole: {side: string, items: list<int>, n: int}\n"
    "functions:\n"
    "  make: {use: t.make, retries: 1}\n"
    "rules:\n"
    "  - rule: expand\n"
    "    match: {j: job}\n"
    "    then:\n"
    "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
    "      - {assert: side, with: {name: 'left', base: 0}}\n"
    "      - {assert: side, with: {name: 'right', base: 1000}}\n"
    "  - rule: try\n"
    "    match: {t: item, s: side}\n"
    "    action: {call: make, with: {i: t.i + s.base}}\n"
    "    reaction:\n"
    "      - {assert: trial, with: {i: t.i, side: s.name, attempt: 1, v: result.v}}\n"
    "    error:\n"
    "      - {when: error.kind == \"timeout\", retry: {max: 1, with: {mode: 'fast'}}}\n"
    "      - {when: error.kind == \"memory\", retry: {max: 3, with: {i: t.i + "
    "s.base}}}\n"
    "      - {when: error.kind == \"io\", assert: lost, with: {i: t.i, why: "
    "error.message}}\n"
    "  - rule: good enough\n"
    "    match: {t: trial}\n"
    "    where: t.v >= 0.5 or t.attempt >= 3\n"
    "    assert: good\n"
    "    with: {i: t.i, side: t.side, v: t.v}\n"
    "  - rule: again\n"
    "    match: {t: trial, s: side}\n"
    "    where: t.v < 0.5 and t.attempt < 3 and s.name == t.side\n"
    "    action: {call: make, with: {i: t.i + s.base + 100000 * t.attempt}}\n"
    "    reaction:\n"
    "      - assert: trial\n"
    "        with: {i: t.i, side: t.side, attempt: t.attempt + 1, v: result.v}\n"
    "  - rule: whole\n"
    "    match: {j: job, s: side}\n"
    "    gather: {g: good, where: g.side == s.name, count: j.n, order: g.i}\n"
    "    assert: whole\n"
    "    with: {side: s.name, items: g.i, n: len(g.i)}\n"
    "outputs:\n  whole: {each: whole}\n";

/* Deterministic in the call, not in its order. */
static double value_of(int64_t i)
{
    return (double)((uint64_t)i * 2654435761U % 1000) / 1000;
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(*state >> 33);
}

struct open_calls {
    struct kit_call *calls;
    size_t n;
    size_t cap;
};

static void take_all(struct orr_engine *engine, struct open_calls *open)
{
    struct orr_engine_call call;
    while (orr_engine_take_call(engine, &call)) {
        open->calls = orr_grow(open->calls, open->n, &open->cap, sizeof *open->calls);
        open->calls[open->n++] = kit_describe(engine, &call);
    }
}

/* Answer open calls in random order; each task's first attempt fails with a chance. */
static char *run_in_random_order(const struct orr_graph *graph, uint64_t seed,
                                 bool failures)
{
    struct orr_engine *engine = kit_engine(graph);
    struct open_calls open = { 0 };
    kit_request(engine, graph, 6);
    kit_request(engine, graph, 3);
    for (take_all(engine, &open); open.n; take_all(engine, &open)) {
        size_t pick = next_random(&seed) % open.n;
        struct kit_call call = open.calls[pick];
        open.calls[pick] = open.calls[--open.n];
        if (failures && call.call.attempt == 1 && next_random(&seed) % 3 == 0)
            kit_fail(engine, &call, ORR_FAIL_EXIT, "chance");
        else
            kit_succeed(engine, graph, &call, value_of(call.i));
    }
    assert_int_equal(orr_engine_pending(engine), 0);
    assert_int_equal(orr_engine_request_state(engine, 0, NULL), ORR_REQUEST_SUCCEEDED);
    assert_int_equal(orr_engine_request_state(engine, 1, NULL), ORR_REQUEST_SUCCEEDED);
    char *facts = kit_facts(engine, graph);
    orr_engine_free(engine);
    free(open.calls);
    return facts;
}

static void order_does_not_matter(void **state)
{
    (void)state;
    struct orr_graph *graph = kit_compile(workflow);
    char *first = run_in_random_order(graph, 1, false);
    assert_non_null(
        strstr(first, "0 whole {side: \"left\", items: [0, 1, 2, 3, 4, 5], n: 6}"));
    assert_non_null(strstr(first, "1 whole {side: \"right\", items: [0, 1, 2], n: 3}"));
    for (uint64_t seed = 2; seed <= 200; seed++) {
        char *other = run_in_random_order(graph, seed, seed % 2);
        assert_string_equal(first, other);
        free(other);
    }
    free(first);
    orr_graph_free(graph);
}

static void equal_calls_are_one_task(void **state)
{
    (void)state;
    struct orr_graph *graph = kit_compile(workflow);
    struct orr_engine *engine = kit_engine(graph);
    struct open_calls open = { 0 };
    kit_request(engine, graph, 3);
    take_all(engine, &open);
    assert_int_equal(open.n, 6);
    kit_request(engine, graph, 3); /* the same calls */
    take_all(engine, &open);
    assert_int_equal(open.n, 6);
    assert_int_equal(orr_engine_tasks(engine), 6);
    orr_engine_free(engine);
    free(open.calls);
    orr_graph_free(graph);
}

/* One request of one item on two sides; answers the first call as told. */
struct one {
    struct orr_graph *graph;
    struct orr_engine *engine;
    struct open_calls open;
};

static void one_begin(struct one *one)
{
    one->graph = kit_compile(workflow);
    one->engine = kit_engine(one->graph);
    one->open = (struct open_calls) { 0 };
    kit_request(one->engine, one->graph, 1);
    take_all(one->engine, &one->open);
    assert_int_equal(one->open.n, 2);
}

static void one_end(struct one *one)
{
    orr_engine_free(one->engine);
    free(one->open.calls);
    orr_graph_free(one->graph);
}

static void function_retries_then_request_fails(void **state)
{
    (void)state;
    struct one one;
    struct orr_text why = ORR_TEXT_INIT;
    one_begin(&one);
    kit_fail(one.engine, &one.open.calls[0], ORR_FAIL_EXIT, "boom");
    take_all(one.engine, &one.open);
    assert_int_equal(one.open.n, 3);
    assert_int_equal(one.open.calls[2].call.attempt, 2);
    kit_fail(one.engine, &one.open.calls[2], ORR_FAIL_EXIT, "boom");
    take_all(one.engine, &one.open);
    assert_int_equal(one.open.n, 3);
    assert_int_equal(orr_engine_request_state(one.engine, 0, &why), ORR_REQUEST_FAILED);
    assert_string_equal(why.s, "rule 'try': make failed after 2 attempts (exit): boom");
    assert_int_equal(orr_engine_pending(one.engine), 0);
    assert_false(orr_engine_task_wanted(one.engine, one.open.calls[1].call.task));
    orr_text_release(&why);
    one_end(&one);
}

/* A dropped attempt (its request had failed) is asked for anew by who comes later. */
static void a_dropped_call_is_made_for_the_next(void **state)
{
    (void)state;
    struct orr_graph *graph =
        kit_compile("orrery: 1\nworkflow: drop\n"
                    "inputs:\n  n: {type: int, default: 1}\n"
                    "facts:\n  done: {v: float}\n"
                    "functions:\n  make: {use: t.make}\n"
                    "rules:\n"
                    "  - rule: first\n    match: {j: job}\n    where: j.n == 1\n"
                    "    action: {call: make, with: {i: 1}}\n"
                    "    reaction: [{assert: done, with: {v: result.v}}]\n"
                    "  - rule: both\n    match: {j: job}\n"
                    "    action: {call: make, with: {i: 2}}\n"
                    "    reaction: [{assert: done, with: {v: result.v}}]\n"
                    "outputs:\n  done: {each: done}\n");
    struct orr_engine *engine = kit_engine(graph);
    struct open_calls open = { 0 };
    kit_request(engine, graph, 1);
    take_all(engine, &open);
    assert_int_equal(open.n, 2);
    size_t bad = open.calls[0].i == 1 ? 0 : 1;
    orr_task_id other = open.calls[1 - bad].call.task;
    kit_fail(engine, &open.calls[bad], ORR_FAIL_INVALID, "no");
    assert_false(orr_engine_task_wanted(engine, other));
    orr_engine_call_dropped(engine, other);
    kit_request(engine, graph, 5);
    take_all(engine, &open);
    assert_int_equal(open.n, 3);
    assert_int_equal(open.calls[2].call.task.v, other.v);
    kit_succeed(engine, graph, &open.calls[2], 1);
    assert_int_equal(orr_engine_request_state(engine, 1, NULL), ORR_REQUEST_SUCCEEDED);
    orr_engine_free(engine);
    free(open.calls);
    orr_graph_free(graph);
}

/* A retry `with` that changes nothing is one retry, after its delay. */
static void a_retry_with_equal_arguments_is_one_attempt(void **state)
{
    (void)state;
    struct one one;
    one_begin(&one);
    struct kit_call call = one.open.calls[0];
    for (uint32_t retry = 1; retry <= 3; retry++) {
        kit_fail(one.engine, &call, ORR_FAIL_MEMORY, "large");
        take_all(one.engine, &one.open);
        assert_int_equal(one.open.n, 2 + retry);
        call = one.open.calls[1 + retry];
        assert_int_equal(call.call.attempt, 1 + retry);
        assert_int_equal(call.call.task.v, one.open.calls[0].call.task.v);
    }
    one_end(&one);
}

static void invalid_is_never_retried(void **state)
{
    (void)state;
    struct one one;
    one_begin(&one);
    kit_fail(one.engine, &one.open.calls[0], ORR_FAIL_INVALID, "no");
    take_all(one.engine, &one.open);
    assert_int_equal(one.open.n, 2);
    assert_int_equal(orr_engine_request_state(one.engine, 0, NULL), ORR_REQUEST_FAILED);
    one_end(&one);
}

static void handler_retries_with_other_arguments(void **state)
{
    (void)state;
    struct one one;
    one_begin(&one);
    kit_fail(one.engine, &one.open.calls[0], ORR_FAIL_TIMEOUT, "slow");
    take_all(one.engine, &one.open);
    assert_int_equal(one.open.n, 3);
    assert_string_equal(one.open.calls[2].mode, "fast");
    assert_int_equal(one.open.calls[2].call.attempt, 1); /* another task */
    assert_int_equal(one.open.calls[2].i, one.open.calls[0].i);
    kit_succeed(one.engine, one.graph, &one.open.calls[2], 0.9);
    char *facts = kit_facts(one.engine, one.graph);
    assert_non_null(strstr(facts, "good {i: 0"));
    free(facts);
    one_end(&one);
}

static void handler_asserts_when_retries_are_used_up(void **state)
{
    (void)state;
    struct one one;
    one_begin(&one);
    kit_fail(one.engine, &one.open.calls[0], ORR_FAIL_IO, "disk");
    take_all(one.engine, &one.open);
    assert_int_equal(one.open.n, 3); /* the function's retry comes first */
    kit_fail(one.engine, &one.open.calls[2], ORR_FAIL_IO, "disk");
    char *facts = kit_facts(one.engine, one.graph);
    assert_non_null(strstr(facts, "lost {i: 0, why: \"disk\"}"));
    free(facts);
    assert_int_equal(orr_engine_request_state(one.engine, 0, NULL),
                     ORR_REQUEST_RUNNING);
    one_end(&one);
}

static void late_reports_change_nothing(void **state)
{
    (void)state;
    struct one one;
    one_begin(&one);
    kit_succeed(one.engine, one.graph, &one.open.calls[0], 0.9);
    char *before = kit_facts(one.engine, one.graph);
    kit_succeed(one.engine, one.graph, &one.open.calls[0], 0.1);
    kit_fail(one.engine, &one.open.calls[0], ORR_FAIL_EXIT, "late");
    char *after = kit_facts(one.engine, one.graph);
    assert_string_equal(before, after);
    free(before);
    free(after);
    one_end(&one);
}

static void outputs_say_what_they_wait_for(void **state)
{
    (void)state;
    struct one one;
    struct orr_text why = ORR_TEXT_INIT;
    one_begin(&one);
    assert_int_equal(orr_engine_request_state(one.engine, 0, &why),
                     ORR_REQUEST_RUNNING);
    assert_string_equal(why.s,
                        "output 'whole' has no fact 'whole'\n"
                        "  rule 'whole' could make it: it has gathered 0 of 1 facts "
                        "'good'");
    orr_text_release(&why);
    one_end(&one);
}

/* What is said of a request whose first call, if there is one, failed. */
static char *why_not(const char *rules)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_text why = ORR_TEXT_INIT;
    struct open_calls open = { 0 };
    orr_text_printf(&text,
                    "orrery: 1\nworkflow: small\ninputs: {n: int}\n"
                    "facts: {b: {x: int}, g: {n: int}}\n"
                    "functions: {f: {use: t.make}}\n"
                    "rules:\n%soutputs: {g: {fact: g}}\n",
                    rules);
    struct orr_graph *graph = kit_compile(text.s);
    struct orr_engine *engine = kit_engine(graph);
    kit_request(engine, graph, 4);
    take_all(engine, &open);
    if (open.n)
        kit_fail(engine, &open.calls[0], ORR_FAIL_EXIT, "boom");
    assert_int_equal(orr_engine_request_state(engine, 0, &why), ORR_REQUEST_FAILED);
    orr_engine_free(engine);
    orr_graph_free(graph);
    free(open.calls);
    orr_text_release(&text);
    return why.s;
}

static void equal_facts_are_named_as_the_reason(void **state)
{
    (void)state;
    char *why = why_not("- {rule: some, match: {j: job}, for: i in range(j.n), "
                        "assert: b, with: {x: i % 2}}\n"
                        "- {rule: all, match: {j: job}, gather: {e: b, count: j.n}, "
                        "assert: g, with: {n: len(e.x)}}\n");
    assert_string_equal(why, "output 'g' has no fact 'g'\n"
                             "  rule 'all' could make it: it has gathered 2 of 4 facts "
                             "'b'; 2 equal facts count once: add an index (for: i, x "
                             "in ...)");
    free(why);
}

static void handlers_are_named_as_the_reason(void **state)
{
    (void)state;
    char *why = why_not("- rule: one\n  match: {j: job}\n"
                        "  action: {call: f, with: {i: j.n}}\n"
                        "  reaction: [{assert: g, with: {n: result.i}}]\n"
                        "  error: [{skip: true}]\n"
                        "- {rule: two, match: {j: job}, when: j.n > 9, assert: g, "
                        "with: {n: 1}}\n");
    assert_string_equal(why, "output 'g' has no fact 'g'\n"
                             "  rule 'one' could make it: it fired, but 1 of its calls "
                             "failed, and an error handler went on without it\n"
                             "  rule 'two' could make it: it fired, but asserted none");
    free(why);
}

/* ---- small workflows, each for one thing ---- */

static char *facts_of(const char *rules, int64_t n, enum orr_request_state *state,
                      struct orr_text *why)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_printf(
        &text,
        "orrery: 1\nworkflow: small\n"
        "inputs:\n  n: {type: int, default: 1}\n"
        "facts:\n  a: {x: int, y: int}\n  b: {x: int, y: int}\n"
        "  c: {x: int, y: int, z: int}\n  k: {fields: {x: int, y: int}, key: x}\n"
        "  g: {n: int}\n"
        "rules:\n"
        "  - rule: expand\n    match: {j: job}\n    then:\n"
        "      - {for: i in range(j.n), assert: a, with: {x: i, y: i %% 3}}\n"
        "      - {for: i in range(j.n), assert: b, with: {x: i %% 3, y: i}}\n"
        "%s"
        "outputs:\n  a: {each: a}\n",
        rules);
    struct orr_graph *graph = kit_compile(text.s);
    struct orr_engine *engine = kit_engine(graph);
    kit_request(engine, graph, n);
    *state = orr_engine_request_state(engine, 0, why);
    char *facts = kit_facts(engine, graph);
    orr_engine_free(engine);
    orr_graph_free(graph);
    orr_text_release(&text);
    return facts;
}

static size_t count_lines(const char *facts, const char *start)
{
    size_t n = 0;
    for (const char *at = facts; (at = strstr(at, start)); at++)
        n++;
    return n;
}

static void joins_find_every_match_once(void **state)
{
    (void)state;
    enum orr_request_state s;
    char *facts = facts_of("  - rule: join\n    match: {p: a, q: b}\n"
                           "    where: p.y == q.x and p.x <= q.y\n"
                           "    assert: c\n    with: {x: p.x, y: q.y, z: p.y}\n",
                           30, &s, NULL);
    size_t expected = 0;
    for (int x = 0; x < 30; x++)
        for (int y = 0; y < 30; y++)
            expected += x % 3 == y % 3 && x <= y;
    assert_int_equal(count_lines(facts, "0 c {"), expected);
    free(facts);
}

static void self_joins_find_every_match_once(void **state)
{
    (void)state;
    enum orr_request_state s;
    char *facts =
        facts_of("  - rule: pairs\n    match: {p: a, q: a}\n    where: p.y == q.y\n"
                 "    assert: c\n    with: {x: p.x, y: q.x, z: 0}\n",
                 12, &s, NULL);
    assert_int_equal(count_lines(facts, "0 c {"), 3 * 4 * 4);
    free(facts);
}

static void gather_of_none_fires_at_once(void **state)
{
    (void)state;
    enum orr_request_state s;
    char *facts = facts_of("  - rule: none\n    match: {j: job}\n"
                           "    gather: {e: a, where: e.x > 1000, count: 0}\n"
                           "    assert: g\n    with: {n: len(e.x)}\n",
                           3, &s, NULL);
    assert_int_equal(count_lines(facts, "g {n: 0}"), 1);
    free(facts);
}

static void gather_of_too_many_is_an_error(void **state)
{
    (void)state;
    enum orr_request_state s;
    struct orr_text why = ORR_TEXT_INIT;
    char *facts = facts_of("  - rule: two\n    match: {j: job}\n"
                           "    gather: {e: a, where: e.x >= 0, count: 2}\n"
                           "    assert: g\n    with: {n: len(e.x)}\n",
                           3, &s, &why);
    assert_int_equal(s, ORR_REQUEST_FAILED);
    assert_string_equal(why.s,
                        "kit.yaml:17:11: rule 'two' gathers more than 2 facts 'a': "
                        "{x: 0, y: 0}, {x: 1, y: 1} and now {x: 2, y: 2}");
    orr_text_release(&why);
    free(facts);
}

static void two_facts_with_one_key_are_an_error(void **state)
{
    (void)state;
    enum orr_request_state s;
    struct orr_text why = ORR_TEXT_INIT;
    char *facts = facts_of("  - rule: keyed\n    match: {p: a}\n"
                           "    assert: k\n    with: {x: p.y, y: p.x}\n",
                           4, &s, &why);
    assert_int_equal(s, ORR_REQUEST_FAILED);
    assert_string_equal(why.s,
                        "two different facts 'k' with one key: {x: 0, y: 0} from "
                        "rule 'keyed' (line 17), {x: 0, y: 3} from rule 'keyed' "
                        "(line 17)");
    orr_text_release(&why);
    free(facts);
}

static void errors_of_expressions_fail_the_request(void **state)
{
    (void)state;
    enum orr_request_state s;
    struct orr_text why = ORR_TEXT_INIT;
    char *facts = facts_of("  - rule: divide\n    match: {p: a}\n"
                           "    assert: g\n    with: {n: 7 // p.x}\n",
                           2, &s, &why);
    assert_int_equal(s, ORR_REQUEST_FAILED);
    assert_non_null(strstr(why.s, "kit.yaml:"));
    assert_non_null(strstr(why.s, "rule 'divide'"));
    orr_text_release(&why);
    free(facts);
}

/* `for INDEX, VARIABLE in LIST`: equal items differ by their index. */
static void loops_may_name_the_index(void **state)
{
    (void)state;
    struct orr_graph *graph = kit_compile("orrery: 1\nworkflow: w\ninputs: {n: int}\n"
                                          "facts: {item: {at: int, i: int}}\n"
                                          "rules:\n"
                                          "  - rule: expand\n"
                                          "    match: {j: job}\n"
                                          "    then:\n"
                                          "      - for: at, i in [j.n, 7, j.n, 9]\n"
                                          "        when: at != 1\n"
                                          "        assert: item\n"
                                          "        with: {at: at, i: i}\n"
                                          "outputs: {items: {each: item}}\n");
    struct orr_engine *engine = kit_engine(graph);
    kit_request(engine, graph, 5);
    char *facts = kit_facts(engine, graph);
    assert_string_equal(facts, "0 item {at: 0, i: 5}\n0 item {at: 2, i: 5}\n"
                               "0 item {at: 3, i: 9}\n0 job {n: 5}\n");
    free(facts);
    orr_engine_free(engine);
    orr_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(equal_calls_are_one_task),
        cmocka_unit_test(function_retries_then_request_fails),
        cmocka_unit_test(a_dropped_call_is_made_for_the_next),
        cmocka_unit_test(a_retry_with_equal_arguments_is_one_attempt),
        cmocka_unit_test(invalid_is_never_retried),
        cmocka_unit_test(handler_retries_with_other_arguments),
        cmocka_unit_test(handler_asserts_when_retries_are_used_up),
        cmocka_unit_test(late_reports_change_nothing),
        cmocka_unit_test(outputs_say_what_they_wait_for),
        cmocka_unit_test(joins_find_every_match_once),
        cmocka_unit_test(self_joins_find_every_match_once),
        cmocka_unit_test(gather_of_none_fires_at_once),
        cmocka_unit_test(equal_facts_are_named_as_the_reason),
        cmocka_unit_test(handlers_are_named_as_the_reason),
        cmocka_unit_test(gather_of_too_many_is_an_error),
        cmocka_unit_test(two_facts_with_one_key_are_an_error),
        cmocka_unit_test(loops_may_name_the_index),
        cmocka_unit_test(errors_of_expressions_fail_the_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
