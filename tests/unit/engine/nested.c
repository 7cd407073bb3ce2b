/* nested.c - workflows that stand for functions: scopes, results, failures, sharing */
#include "kit.h"

/* Two levels: kit calls mid twice, mid calls leaf; all have a fact `item`. */
static const char kit[] =
    "orrery: 1\n"
    "workflow: top\n"
    "inputs:\n  n: {type: int, default: 4}\n"
    "facts:\n"
    "  item: {i: int}\n"
    "  sum: {i: int, total: int, parts: int}\n"
    "  lost: {i: int, kind: string, why: string}\n"
    "functions:\n"
    "  mid: {workflow: mid.yaml}\n"
    "  again: {workflow: mid.yaml}\n"
    "rules:\n"
    "  - rule: expand\n"
    "    match: {j: job}\n"
    "    for: i in range(j.n)\n"
    "    assert: item\n"
    "    with: {i: i}\n"
    "  - rule: each\n"
    "    match: {t: item}\n"
    "    action: {call: mid, with: {base: t.i // 2}}\n"
    "    reaction:\n"
    "      - assert: sum\n"
    "        with: {i: t.i, total: result.total.v, parts: len(result.parts)}\n"
    "    error:\n"
    "      - assert: lost\n"
    "        with: {i: t.i, kind: error.kind, why: error.message}\n"
    "  - rule: once more\n"
    "    match: {t: item}\n"
    "    where: t.i == 0\n"
    "    action: {call: again, with: {base: 7, width: 1}}\n"
    "    reaction:\n"
    "      - {assert: sum, with: {i: -1, total: result.total.v, parts: 0}}\n"
    "    error:\n"
    "      - {assert: lost, with: {i: -1, kind: error.kind, why: error.message}}\n"
    "outputs:\n  sums: {each: sum}\n";
static const char mid[] =
    "orrery: 1\n"
    "workflow: mid\n"
    "inputs: {base: int, width: {type: int, default: 2}}\n"
    "facts: {item: {i: int}, part: {i: int, v: int}, total: {v: int}}\n"
    "functions: {leaf: {workflow: leaf.yaml}}\n"
    "rules:\n"
    "  - rule: expand\n"
    "    match: {j: job}\n"
    "    for: i in range(j.width)\n"
    "    assert: item\n"
    "    with: {i: i}\n"
    "  - rule: each\n"
    "    match: {j: job, t: item}\n"
    "    action: {call: leaf, with: {x: 10 * j.base + t.i}}\n"
    "    reaction: [{assert: part, with: {i: t.i, v: result.made.i}}]\n"
    "  - rule: add\n"
    "    match: {j: job}\n"
    "    gather: {p: part, count: j.width}\n"
    "    assert: total\n"
    "    with: {v: sum(p.v)}\n"
    "outputs: {total: {fact: total}, parts: {each: part}}\n";
static const char leaf[] = "orrery: 1\n"
                           "workflow: leaf\n"
                           "inputs: {x: int}\n"
                           "facts: {item: {i: int}}\n"
                           "functions: {make: {use: t.make}}\n"
                           "rules:\n"
                           "  - rule: make it\n"
                           "    match: {j: job}\n"
                           "    action: {call: make, with: {i: j.x}}\n"
                           "    reaction: [{assert: item, with: {i: result.i}}]\n"
                           "outputs: {made: {fact: item}}\n";
static const char *const files[] = { "kit.yaml",  kit,  "mid.yaml", mid,
                                     "leaf.yaml", leaf, NULL };

/* Run to the end, newest call first when `reverse`; calls with i == `bad` fail. */
static void run(struct orr_engine *engine, const struct orr_graph *graph, bool reverse,
                int64_t bad, uint32_t *calls)
{
    struct orr_engine_call waiting[64];
    size_t n = 0;
    for (;;) {
        while (n < 64 && orr_engine_take_call(engine, &waiting[n]))
            n++;
        if (n == 0)
            break;
        struct orr_engine_call next = reverse ? waiting[n - 1] : waiting[0];
        if (!reverse)
            memmove(waiting, waiting + 1, (n - 1) * sizeof *waiting);
        n--;
        struct kit_call call = kit_describe(engine, &next);
        ++*calls;
        if (call.i == bad)
            kit_fail(engine, &call, ORR_FAIL_TIMEOUT, "too slow");
        else
            kit_succeed(engine, graph, &call, 0);
    }
}

static char *facts_after(bool reverse, int64_t bad, uint32_t *calls,
                         enum orr_request_state *state, char **why)
{
    struct orr_graph *graph = kit_compile_files(files);
    struct orr_engine *engine = kit_engine(graph);
    struct orr_text reason = ORR_TEXT_INIT;
    *calls = 0;
    kit_request(engine, graph, 4);
    run(engine, graph, reverse, bad, calls);
    assert_int_equal(orr_engine_pending(engine), 0);
    *state = orr_engine_request_state(engine, 0, &reason);
    char *facts = kit_facts(engine, graph);
    orr_engine_free(engine);
    orr_graph_free(graph);
    if (why)
        *why = reason.s;
    else
        orr_text_release(&reason);
    return facts;
}

/* Items 0 and 1 ask for the same call, as do 2 and 3: four makes; one more by `again`.
 */
static void results_come_back(void **state)
{
    (void)state;
    uint32_t calls = 0;
    enum orr_request_state end = ORR_REQUEST_RUNNING;
    char *facts = facts_after(false, -1, &calls, &end, NULL);
    assert_int_equal(end, ORR_REQUEST_SUCCEEDED);
    assert_int_equal(calls, 5);
    assert_non_null(strstr(facts, "0 sum {i: 0, total: 1, parts: 2}\n"));
    assert_non_null(strstr(facts, "0 sum {i: 1, total: 1, parts: 2}\n"));
    assert_non_null(strstr(facts, "0 sum {i: 3, total: 21, parts: 2}\n"));
    assert_non_null(strstr(facts, "0 sum {i: -1, total: 70, parts: 0}\n"));
    assert_non_null(strstr(facts, "0 mid.leaf.item {i: 10}\n"));
    assert_non_null(strstr(facts, "0 again.leaf.job {x: 70}\n"));
    char *other = facts_after(true, -1, &calls, &end, NULL);
    assert_string_equal(facts, other);
    free(facts);
    free(other);
}

/* A call inside fails: the call of the workflow fails as it did, twice over. */
static void failures_come_back(void **state)
{
    (void)state;
    for (int reverse = 0; reverse < 2; reverse++) {
        uint32_t calls = 0;
        enum orr_request_state end = ORR_REQUEST_RUNNING;
        char *facts = facts_after(reverse != 0, 11, &calls, &end, NULL);
        assert_int_equal(end, ORR_REQUEST_SUCCEEDED);
        assert_non_null(strstr(
            facts, "0 lost {i: 2, kind: \"timeout\", why: \"rule 'mid.each': mid.leaf "
                   "failed after 1 attempt (timeout): rule 'mid.leaf.make it': "
                   "mid.leaf.make failed after 1 attempt (timeout): too slow\"}\n"));
        assert_non_null(strstr(facts, "0 lost {i: 3, "));
        assert_null(strstr(facts, "0 sum {i: 2,"));
        assert_non_null(strstr(facts, "0 sum {i: 1, "));
        free(facts);
    }
}

static const char plain[] = "orrery: 1\n"
                            "workflow: top\n"
                            "inputs:\n  n: {type: int, default: 4}\n"
                            "facts: {got: {n: int}}\n"
                            "functions: {sub: {workflow: sub.yaml}}\n"
                            "rules:\n"
                            "  - rule: one\n"
                            "    match: {j: job}\n"
                            "    action: {call: sub, with: {n: j.n}}\n"
                            "    reaction: [{assert: got, with: {n: 1}}]\n"
                            "outputs: {got: {fact: got}}\n";
static const char sub[] = "orrery: 1\n"
                          "workflow: sub\n"
                          "inputs: {n: int}\n"
                          "facts: {item: {i: int}, big: {i: int}}\n"
                          "rules:\n"
                          "  - rule: expand\n"
                          "    match: {j: job}\n"
                          "    then:\n"
                          "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
                          "      - for: i in range(j.n)\n"
                          "        when: i > 2\n"
                          "        assert: big\n"
                          "        with: {i: i}\n"
                          "outputs: {items: {each: item}, big: {fact: big}}\n";

static void check_plain(int64_t n, const char *expected)
{
    const char *const two[] = { "kit.yaml", plain, "sub.yaml", sub, NULL };
    struct orr_graph *graph = kit_compile_files(two);
    struct orr_engine *engine = kit_engine(graph);
    struct orr_text why = ORR_TEXT_INIT;
    kit_request(engine, graph, n);
    assert_int_equal(orr_engine_pending(engine), 0);
    enum orr_request_state state = orr_engine_request_state(engine, 0, &why);
    assert_int_equal(state, expected ? ORR_REQUEST_FAILED : ORR_REQUEST_SUCCEEDED);
    if (expected)
        assert_non_null(strstr(why.s, expected));
    orr_text_release(&why);
    orr_engine_free(engine);
    orr_graph_free(graph);
}

/* A workflow without calls ends by itself; one without its outputs fails. */
static void outputs_decide(void **state)
{
    (void)state;
    check_plain(4, NULL);
    check_plain(2, "output 'big' has no fact 'sub.big'\n"
                   "  rule 'sub.expand' could make it");
    check_plain(5, "output 'big' has 2 facts 'sub.big', not one");
}

/* The request fails while workflows run: nothing is left pending, nothing wanted. */
static void nobody_waits(void **state)
{
    (void)state;
    static const char top[] = "orrery: 1\n"
                              "workflow: top\n"
                              "inputs:\n  n: {type: int, default: 4}\n"
                              "facts: {got: {n: int}}\n"
                              "functions: {mid: {workflow: mid.yaml}, make: {use: "
                              "t.make}}\n"
                              "rules:\n"
                              "  - rule: one\n"
                              "    match: {j: job}\n"
                              "    action: {call: mid, with: {base: j.n}}\n"
                              "    reaction: [{assert: got, with: {n: 1}}]\n"
                              "  - rule: two\n"
                              "    match: {j: job}\n"
                              "    action: {call: make, with: {i: -5}}\n"
                              "    reaction: [{assert: got, with: {n: 1}}]\n"
                              "outputs: {got: {fact: got}}\n";
    const char *const nested[] = { "kit.yaml",  top,  "mid.yaml", mid,
                                   "leaf.yaml", leaf, NULL };
    struct orr_graph *graph = kit_compile_files(nested);
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call calls[8];
    size_t n = 0;
    kit_request(engine, graph, 1);
    while (n < 8 && orr_engine_take_call(engine, &calls[n]))
        n++;
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        struct kit_call call = kit_describe(engine, &calls[i]);
        if (call.i == -5)
            kit_fail(engine, &call, ORR_FAIL_EXIT, "no");
    }
    assert_int_equal(orr_engine_request_state(engine, 0, NULL), ORR_REQUEST_FAILED);
    assert_int_equal(orr_engine_pending(engine), 0);
    for (size_t i = 0; i < n; i++)
        assert_false(orr_engine_task_wanted(engine, calls[i].task));
    /* Another request asks for the same: it gets it. */
    for (size_t i = 0; i < n; i++)
        orr_engine_call_dropped(engine, calls[i].task);
    kit_request(engine, graph, 1);
    uint32_t made = 0;
    run(engine, graph, false, -1, &made);
    assert_int_equal(orr_engine_pending(engine), 0);
    orr_engine_free(engine);
    orr_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_come_back),
        cmocka_unit_test(failures_come_back),
        cmocka_unit_test(outputs_decide),
        cmocka_unit_test(nobody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
