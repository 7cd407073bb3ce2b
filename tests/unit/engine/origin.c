/* origin.c - the firing log: each fact names the firing that made it, each firing its
 * facts and its task; and what matching cost, in things looked at */
#include "kit.h"

static const char loop[] =
    "orrery: 1\nworkflow: origin\n"
    "inputs:\n  n: {type: int, default: 1}\n"
    "facts:\n  item: {i: int}\n  side: {i: int}\n  made: {i: int, v: float}\n"
    "  lost: {i: int, why: string}\n  all: {n: int}\n"
    "functions:\n  make: {use: t.make}\n"
    "rules:\n"
    "  - rule: expand\n    match: {j: job}\n    then:\n"
    "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
    "      - {for: i in range(j.n), assert: side, with: {i: i}}\n"
    "  - rule: try\n    match: {t: item, s: side}\n    where: t.i == s.i\n"
    "    action: {call: make, with: {i: t.i}}\n"
    "    reaction: [{assert: made, with: {i: t.i, v: result.v}}]\n"
    "    error:\n"
    "      - {when: error.kind == \"timeout\", retry: {max: 1, with: {mode: 'fast'}}}\n"
    "      - {assert: lost, with: {i: t.i, why: error.message}}\n"
    "  - rule: all\n    match: {j: job}\n"
    "    gather: {m: made, where: m.v > 0, count: j.n - 1}\n"
    "    assert: all\n    with: {n: len(m.i)}\n"
    "outputs:\n  all: {fact: all}\n";

enum { JOB, ITEM, SIDE, MADE, LOST, ALL, EXPAND = 0, TRY, GATHER };

struct fixture {
    struct orr_graph *graph;
    struct orr_engine *engine;
    struct kit_call calls[8];
    size_t n;
};

static void take_all(struct fixture *f)
{
    struct orr_engine_call call;
    while (orr_engine_take_call(f->engine, &call))
        f->calls[f->n++] = kit_describe(f->engine, &call);
}

static void begin(struct fixture *f)
{
    *f = (struct fixture) { .graph = kit_compile(loop) };
    f->engine = kit_engine(f->graph);
    kit_request(f->engine, f->graph, 3);
    take_all(f);
    assert_int_equal(f->n, 3);
}

static void end(struct fixture *f)
{
    orr_engine_free(f->engine);
    orr_graph_free(f->graph);
}

static int64_t field(const struct fixture *f, uint32_t type, uint32_t index)
{
    return orr_engine_fact_field(f->engine, type, index, 0).as.i;
}

static void facts_name_their_firing(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    kit_succeed(f.engine, f.graph, &f.calls[1], 0.5);
    assert_int_equal(orr_engine_firing_of(f.engine, JOB, 0), ORR_NONE);
    uint32_t id = orr_engine_firing_of(f.engine, ITEM, 2);
    struct orr_engine_firing expand = orr_engine_firing(f.engine, id);
    assert_int_equal(expand.rule, EXPAND);
    assert_int_equal(expand.task, ORR_NONE);
    assert_int_equal(expand.n_match, 1);
    assert_int_equal(expand.match[0], 0);
    assert_int_equal(orr_engine_firing_of(f.engine, SIDE, 0), id);
    struct orr_engine_firing made =
        orr_engine_firing(f.engine, orr_engine_firing_of(f.engine, MADE, 0));
    assert_int_equal(made.rule, TRY);
    assert_int_equal(made.request, 0);
    assert_int_equal(made.task, f.calls[1].call.task.v);
    assert_int_equal(made.n_match, 2);
    assert_int_equal(field(&f, ITEM, made.match[0]), f.calls[1].i);
    assert_int_equal(field(&f, SIDE, made.match[1]), f.calls[1].i);
    assert_false(made.waits || made.handled || made.moved);
    end(&f);
}

static void handlers_are_seen(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    kit_fail(f.engine, &f.calls[0], ORR_FAIL_EXIT, "boom");
    struct orr_engine_firing lost =
        orr_engine_firing(f.engine, orr_engine_firing_of(f.engine, LOST, 0));
    assert_int_equal(lost.task, f.calls[0].call.task.v);
    assert_int_equal(lost.failures, 1);
    assert_true(lost.handled);
    kit_fail(f.engine, &f.calls[1], ORR_FAIL_TIMEOUT, "slow");
    take_all(&f);
    kit_succeed(f.engine, f.graph, &f.calls[3], 1);
    struct orr_engine_firing old = orr_engine_firing(
        f.engine, orr_engine_next_asking(f.engine, f.calls[1].call.task, ORR_NONE));
    struct orr_engine_firing made =
        orr_engine_firing(f.engine, orr_engine_firing_of(f.engine, MADE, 0));
    assert_true(old.moved && !old.waits);
    assert_int_equal(made.task, f.calls[3].call.task.v);
    assert_int_equal(made.failures, 1);
    assert_int_equal(made.match[0], old.match[0]);
    assert_int_equal(orr_engine_firings(f.engine, TRY), 3); /* moved ones count once */
    end(&f);
}

static void gatherings_are_seen(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(orr_engine_gathers(f.engine), 1);
    kit_succeed(f.engine, f.graph, &f.calls[2], 0.5);
    struct orr_engine_gather g = orr_engine_gather(f.engine, 0);
    assert_int_equal(g.rule, GATHER);
    assert_int_equal(g.n, 1);
    assert_int_equal(g.count, 2);
    assert_int_equal(g.firing, ORR_NONE);
    assert_int_equal(g.match[0], 0);
    kit_succeed(f.engine, f.graph, &f.calls[0], 0.5);
    g = orr_engine_gather(f.engine, 0);
    uint32_t id = orr_engine_firing_of(f.engine, ALL, 0);
    assert_int_equal(g.firing, id);
    assert_int_equal(g.n, 2);
    assert_int_equal(field(&f, MADE, g.members[0]), f.calls[2].i);
    assert_int_equal(orr_engine_firing(f.engine, id).gather, 0);
    end(&f);
}

static void all_firings_can_be_read(void **state)
{
    (void)state;
    struct orr_graph *graph = kit_compile(loop);
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call call;
    kit_request(engine, graph, 40000); /* several blocks of the log */
    while (orr_engine_take_call(engine, &call)) {
        struct kit_call described = kit_describe(engine, &call);
        kit_succeed(engine, graph, &described, described.i ? 1 : 0);
    }
    uint64_t by_rule[3] = { 0 };
    uint32_t before = ORR_NONE;
    for (uint32_t id = orr_engine_next_firing(engine, ORR_NONE); id != ORR_NONE;
         id = orr_engine_next_firing(engine, id)) {
        struct orr_engine_firing firing = orr_engine_firing(engine, id);
        assert_true(before == ORR_NONE || id > before);
        assert_in_range(firing.rule, 0, 2);
        if (firing.rule == TRY)
            assert_int_equal(
                orr_engine_next_asking(engine, (orr_task_id) { firing.task }, ORR_NONE),
                id);
        by_rule[firing.rule]++;
        before = id;
    }
    assert_int_equal(by_rule[EXPAND], 1);
    assert_int_equal(by_rule[TRY], 40000);
    assert_int_equal(by_rule[GATHER], 1);
    orr_engine_free(engine);
    orr_graph_free(graph);
}

/* ---- cost in proportion to what is found ---- */

static struct orr_engine_work work_of(const char *text, int64_t n, int requests)
{
    struct orr_graph *graph = kit_compile(text);
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call call;
    for (int i = 0; i < requests; i++)
        kit_request(engine, graph, n);
    while (orr_engine_take_call(engine, &call)) {
        struct kit_call described = kit_describe(engine, &call);
        kit_succeed(engine, graph, &described, 1);
    }
    struct orr_engine_work work = orr_engine_work(engine);
    orr_engine_free(engine);
    orr_graph_free(graph);
    return work;
}

/* Each fact is tried as the seed of each variable of its type; nothing else is, but the
 * facts that match. */
static void equalities_do_not_scan(void **state)
{
    (void)state;
    static const int64_t n = 5000;
    struct orr_engine_work work = work_of(loop, n, 1);
    assert_int_equal(work.matches, 1 + n + 1); /* expand, try, and the gather's */
    assert_int_equal(work.candidates, 2 + 2 * n + n);
    assert_int_equal(work.offers, n);
    assert_int_equal(work.made, 2 * n);
}

static const char grouped[] =
    "orrery: 1\nworkflow: grouped\n"
    "inputs:\n  n: {type: int, default: 1}\n"
    "facts:\n  group: {g: int}\n  item: {g: int, i: int}\n  other: {i: int}\n"
    "  whole: {g: int, n: int}\n  never: {g: int}\n"
    "rules:\n"
    "  - rule: expand\n    match: {j: job}\n    then:\n"
    "      - {for: i in range(j.n), assert: group, with: {g: i}}\n"
    "      - {for: i in range(4 * j.n), assert: item, with: {g: i % j.n, i: i}}\n"
    "      - {for: i in range(j.n), assert: other, with: {i: i}}\n"
    "  - rule: whole\n    match: {k: group}\n"
    "    gather: {m: item, where: m.g == k.g, count: 4}\n"
    "    assert: whole\n    with: {g: k.g, n: len(m.i)}\n"
    "  - rule: never\n    match: {k: group}\n"
    "    gather: {m: other, where: m.i == k.g + 1000000, count: 4}\n"
    "    assert: never\n    with: {g: k.g}\n"
    "outputs:\n  whole: {each: whole}\n";

/* A fact is offered to the gatherings with its key and to no other. */
static void offers_do_not_scan(void **state)
{
    (void)state;
    struct orr_engine_work work = work_of(grouped, 2000, 1);
    assert_int_equal(work.offers, 4 * 2000);
}

static void requests_do_not_meet(void **state)
{
    (void)state;
    struct orr_engine_work one = work_of(loop, 10, 1);
    struct orr_engine_work many = work_of(loop, 10, 400);
    assert_int_equal(many.candidates, 400 * one.candidates);
    assert_int_equal(many.offers, 400 * one.offers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_name_their_firing),
        cmocka_unit_test(handlers_are_seen),
        cmocka_unit_test(gatherings_are_seen),
        cmocka_unit_test(all_firings_can_be_read),
        cmocka_unit_test(equalities_do_not_scan),
        cmocka_unit_test(offers_do_not_scan),
        cmocka_unit_test(requests_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
