/* endings.c - what must end, ends: failures that come late, rules without end, retries
 */
#include "kit.h"

#define HEAD "orrery: 1\nworkflow: w\ninputs: {n: int}\n"

/* Answer calls: the first `failing` attempts fail. The facts and the reason at the end.
 */
static char *play(struct orr_graph *graph, int64_t n, int failing,
                  enum orr_request_state *state, uint64_t in_a_row)
{
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call taken;
    struct orr_text out = ORR_TEXT_INIT;
    if (in_a_row)
        orr_engine_set_most_in_a_row(engine, in_a_row);
    kit_request(engine, graph, n);
    while (orr_engine_take_call(engine, &taken)) {
        struct kit_call call = kit_describe(engine, &taken);
        if (!orr_engine_task_wanted(engine, taken.task))
            orr_engine_call_dropped(engine, taken.task);
        else if (failing-- > 0)
            kit_fail(engine, &call, ORR_FAIL_EXIT, "not yet");
        else
            kit_succeed(engine, graph, &call, 0);
    }
    assert_int_equal(orr_engine_pending(engine), 0);
    *state = orr_engine_request_state(engine, 0, &out);
    char *facts = kit_facts(engine, graph);
    orr_text_printf(&out, "\n%s", facts);
    free(facts);
    orr_engine_free(engine);
    return out.s;
}

/* A long `for` behind a retry keeps its variables: the error of the first attempt, long
 * gone, is none of them. */
static void a_range_behind_a_retry(void **state)
{
    (void)state;
    enum orr_request_state end = ORR_REQUEST_RUNNING;
    struct orr_graph *graph = kit_compile(
        HEAD "facts: {item: {i: int}}\nfunctions: {make: {use: t.make, retries: 2}}\n"
             "rules:\n- rule: r\n  match: {j: job}\n"
             "  action: {call: make, with: {i: j.n}}\n"
             "  reaction:\n"
             "  - {for: \"k in [2 * x for x in range(result.i + 97)]\", assert: item, "
             "with: {i: k}}\n"
             "outputs: {o: {each: item}}\n");
    char *text = play(graph, 100, 2, &end, 0);
    assert_int_equal(end, ORR_REQUEST_SUCCEEDED);
    assert_non_null(strstr(text, "0 item {i: 392}\n"));
    free(text);
    orr_graph_free(graph);
}

/* An expression of the call itself that fails: nothing stays pending. */
static void a_priority_that_fails(void **state)
{
    (void)state;
    static const char *const keys[] = { "priority: 10 // j.n",
                                        "deadline: 10s * (1 // j.n)" };
    for (size_t i = 0; i < 2; i++) {
        struct orr_text source = ORR_TEXT_INIT;
        enum orr_request_state end = ORR_REQUEST_RUNNING;
        orr_text_printf(&source,
                        HEAD
                        "facts: {item: {i: int}}\nfunctions: {make: {use: t.make}}\n"
                        "rules:\n- rule: r\n  match: {j: job}\n  action:\n"
                        "    call: make\n    with: {i: j.n}\n    %s\n"
                        "  reaction: [{assert: item, with: {i: result.i}}]\n"
                        "outputs: {o: {each: item}}\n",
                        keys[i]);
        struct orr_graph *graph = kit_compile(source.s);
        char *text = play(graph, 0, 0, &end, 0);
        assert_int_equal(end, ORR_REQUEST_FAILED);
        assert_non_null(strstr(text, "division by zero"));
        free(text);
        orr_graph_free(graph);
        orr_text_release(&source);
    }
}

static void rules_without_end(void **state)
{
    (void)state;
    enum orr_request_state end = ORR_REQUEST_RUNNING;
    struct orr_graph *graph = kit_compile(
        HEAD "facts: {a: {x: int}}\nrules:\n"
             "- {rule: one, match: {j: job}, assert: a, with: {x: j.n}}\n"
             "- {rule: more, match: {a: a}, assert: a, with: {x: a.x + 1}}\n"
             "outputs: {o: {each: a}}\n");
    char *text = play(graph, 0, 0, &end, 1000);
    assert_int_equal(end, ORR_REQUEST_FAILED);
    assert_non_null(strstr(text,
                           "rules made 1000 facts in a row without any result of a "
                           "call: do they feed each other without end?"));
    free(text);
    orr_graph_free(graph);
}

/* What failed inside of a workflow is known: a plain retry is passed over. */
static void a_workflow_is_not_retried_as_it_was(void **state)
{
    (void)state;
    static const char *const files[] = {
        "kit.yaml",
        HEAD
        "facts: {got: {i: int}}\nfunctions: {sub: {workflow: sub.yaml}}\n"
        "rules:\n- rule: r\n  match: {j: job}\n  action: {call: sub, with: {n: j.n}}\n"
        "  reaction: [{assert: got, with: {i: 1}}]\n"
        "  error:\n  - {when: attempt < 9, retry: {max: 10000, delay: 60s}}\n"
        "  - {assert: got, with: {i: attempt}}\n"
        "outputs: {o: {each: got}}\n",
        "sub.yaml",
        HEAD
        "facts: {x: {i: int}}\nfunctions: {make: {use: t.make}}\n"
        "rules:\n- rule: r\n  match: {j: job}\n  action: {call: make, with: {i: j.n}}\n"
        "  reaction: [{assert: x, with: {i: result.i}}]\n"
        "outputs: {x: {fact: x}}\n",
        NULL
    };
    enum orr_request_state end = ORR_REQUEST_RUNNING;
    struct orr_graph *graph = kit_compile_files(files);
    char *text = play(graph, 3, 1, &end, 0);
    assert_int_equal(end, ORR_REQUEST_SUCCEEDED);
    assert_non_null(strstr(text, "0 got {i: 1}\n"));
    free(text);
    orr_graph_free(graph);
}

/* The call is opened again with other arguments, then its request fails: it goes too.
 */
static void what_was_retried_is_dropped(void **state)
{
    (void)state;
    static const char *const files[] = {
        "kit.yaml",
        HEAD "facts: {got: {i: int}}\n"
             "functions: {sub: {workflow: sub.yaml}, make: {use: t.make}}\n"
             "rules:\n"
             "- rule: r\n  match: {j: job}\n  action: {call: sub, with: {n: j.n}}\n"
             "  reaction: [{assert: got, with: {i: 1}}]\n"
             "  error: [{retry: {max: 3, with: {n: 100 + attempt}}}]\n"
             "- rule: s\n  match: {j: job}\n  action: {call: make, with: {i: -1}}\n"
             "  reaction: [{assert: got, with: {i: 2}}]\n"
             "outputs: {o: {each: got}}\n",
        "sub.yaml",
        HEAD
        "facts: {x: {i: int}}\nfunctions: {make: {use: t.make}}\n"
        "rules:\n- rule: r\n  match: {j: job}\n  action: {call: make, with: {i: j.n}}\n"
        "  reaction: [{assert: x, with: {i: result.i}}]\n"
        "outputs: {x: {fact: x}}\n",
        NULL
    };
    enum orr_request_state end = ORR_REQUEST_RUNNING;
    struct orr_graph *graph = kit_compile_files(files);
    char *text = play(graph, 3, 2, &end, 0);
    assert_int_equal(end, ORR_REQUEST_FAILED);
    free(text);
    orr_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_behind_a_retry),
        cmocka_unit_test(a_priority_that_fails),
        cmocka_unit_test(rules_without_end),
        cmocka_unit_test(a_workflow_is_not_retried_as_it_was),
        cmocka_unit_test(what_was_retried_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
