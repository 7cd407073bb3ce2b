/* steps.c - what steps do: loops in order whatever finishes first, waits, skips */
#include "kit.h"

#define HEAD                                                                           \
    "orrery: 1\nworkflow: s\ninputs: {n: int}\nfunctions: {make: {use: "               \
    "t.make}}\nsteps:\n"

/* Calls return their own i, newest first when `reverse`; facts named in `wanted`. */
static char *run(const char *text, int64_t n, bool reverse, uint32_t *calls)
{
    struct orr_graph *graph = kit_compile(text);
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call waiting[64];
    struct orr_text out = ORR_TEXT_INIT;
    size_t count = 0;
    *calls = 0;
    kit_request(engine, graph, n);
    for (;;) {
        while (count < 64 && orr_engine_take_call(engine, &waiting[count]))
            count++;
        if (count == 0)
            break;
        struct orr_engine_call next = reverse ? waiting[count - 1] : waiting[0];
        if (!reverse)
            memmove(waiting, waiting + 1, (count - 1) * sizeof *waiting);
        count--;
        struct kit_call call = kit_describe(engine, &next);
        kit_succeed(engine, graph, &call, 0);
        ++*calls;
    }
    assert_int_equal(orr_engine_pending(engine), 0);
    orr_text_puts(&out,
                  orr_engine_request_state(engine, 0, NULL) == ORR_REQUEST_SUCCEEDED
                      ? "succeeded\n"
                      : "failed\n");
    char *facts = kit_facts(engine, graph);
    orr_text_puts(&out, facts);
    free(facts);
    orr_engine_free(engine);
    orr_graph_free(graph);
    return out.s;
}

/* [5, 1, 5, n]: two equal items are two, the call is made once, order is the loop's. */
static const char loops[] =
    HEAD "  - step: each\n    call: make\n    for: x in [5, 1, 5, inputs.n]\n    with: "
         "{i: x}\n"
         "  - step: next\n    call: make\n    for: x in [5, 1, 5, inputs.n]\n"
         "    with: {i: 10 * each.i + x}\n"
         "  - {step: sum, call: make, with: {i: \"{each.i[3] + 100 * next.i[1]}\"}}\n";

static void loops_keep_their_order(void **state)
{
    (void)state;
    for (int reverse = 0; reverse < 2; reverse++) {
        uint32_t calls = 0;
        char *facts = run(loops, 7, reverse != 0, &calls);
        assert_int_equal(calls, 3 + 3 + 1);
        assert_non_null(strstr(facts, "succeeded\n"));
        assert_non_null(strstr(facts, "0 each_all {i: [5, 1, 5, 7], v: ["));
        assert_non_null(strstr(facts, "0 next_all {i: [55, 11, 55, 77], v: ["));
        assert_non_null(strstr(facts, "0 sum {i: 1107, v: "));
        free(facts);
    }
}

static void an_empty_loop_is_empty_lists(void **state)
{
    (void)state;
    uint32_t calls = 0;
    char *facts =
        run(HEAD "  - {step: each, call: make, for: x in range(inputs.n), with: {i: "
                 "x}}\n"
                 "  - {step: sum, call: make, with: {i: \"{len(each.i)}\"}}\n",
            0, false, &calls);
    assert_int_equal(calls, 1);
    assert_non_null(strstr(facts, "succeeded\n"));
    assert_non_null(strstr(facts, "0 each_all {i: [], v: []}\n"));
    assert_non_null(strstr(facts, "0 sum {i: 0, v: "));
    free(facts);
}

static void what_is_skipped_is_null(void **state)
{
    (void)state;
    static const char text[] =
        HEAD "  - {step: maybe, call: make, when: inputs.n > 3, with: {i: inputs.n}}\n"
             "  - step: then\n    call: make\n    with:\n"
             "      i: maybe.i if maybe.i != null else -1\n"
             "  - {step: late, call: make, with: {i: 9}, after: maybe}\n";
    uint32_t calls = 0;
    char *facts = run(text, 3, false, &calls);
    assert_int_equal(calls, 2);
    assert_non_null(strstr(facts, "0 maybe {i: null, v: null}\n"));
    assert_non_null(strstr(facts, "0 then {i: -1, v: "));
    assert_non_null(strstr(facts, "succeeded\n"));
    free(facts);
    facts = run(text, 4, false, &calls);
    assert_int_equal(calls, 2); /* `then` asks for the call of `maybe` */
    assert_non_null(strstr(facts, "0 then {i: 4, v: "));
    free(facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_keep_their_order),
        cmocka_unit_test(an_empty_loop_is_empty_lists),
        cmocka_unit_test(what_is_skipped_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
