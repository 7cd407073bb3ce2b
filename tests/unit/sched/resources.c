/* resources.c - memory and GPUs in the scheduler, and who goes first when not all fit
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched_kit.h"

#include <stdlib.h>

enum { NONE = UINT32_MAX };
static const uint64_t GIB = (uint64_t)1 << 30;
static const struct orr_sched_pool one_pool[] = { { NONE, 0, 0, 0, true } };

/* Nodes of 4 cores, the last with 8 GiB and 2 GPUs, the others with 4 GiB. */
static struct orr_sched *sched_of(uint32_t nodes)
{
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    for (uint32_t i = 0; i < nodes; i++) {
        orr_sched_node(s, i, 4);
        orr_sched_node_holds(s, i, i + 1 == nodes ? 8 * GIB : 4 * GIB,
                             i + 1 == nodes ? 2 : 0);
    }
    return s;
}

static void add(struct orr_sched *s, uint32_t task, uint32_t cores, uint64_t gib,
                uint32_t gpus)
{
    struct orr_ready r = { .task = task,
                           .attempt = 1,
                           .cores = cores,
                           .memory = gib * GIB,
                           .gpus = gpus,
                           .deadline = INT64_MAX };
    orr_sched_add(s, &r);
}

static uint32_t next(struct orr_sched *s, uint32_t *node)
{
    struct orr_ready out = { .task = NONE };
    *node = NONE;
    return orr_sched_next(s, 0, node, &out) ? out.task : NONE;
}

static void expect(struct orr_sched *s, uint32_t task, uint32_t node)
{
    uint32_t to = NONE;
    assert_int_equal(next(s, &to), task);
    assert_int_equal(to, node);
}

/* Long attempts, few of them: none waits at a node. */
static void let_them_be_long(struct orr_sched *s)
{
    uint32_t node = NONE;
    add(s, 1000, 1, 0, 0);
    (void)next(s, &node);
    done(s, 1000, 60);
}

static void memory_and_gpus_choose_the_node(void **state)
{
    (void)state;
    struct orr_sched *s = sched_of(3);
    add(s, 0, 1, 0, 1);
    add(s, 1, 1, 6, 0);
    expect(s, 0, 2);
    expect(s, 1, 2);
    orr_sched_free(s);
}

static void no_more_starts_than_fits(void **state)
{
    (void)state;
    struct orr_sched *s = sched_of(1);
    let_them_be_long(s);
    add(s, 0, 1, 3, 1);
    add(s, 1, 1, 3, 1);
    add(s, 2, 1, 3, 0); /* 9 GiB of 8 */
    expect(s, 0, 0);
    expect(s, 1, 0);
    expect(s, NONE, NONE);
    assert_string_equal(
        orr_sched_waits_for(s, 0, 0, &(struct orr_resources) { 1, 0, 3 * GIB }),
        "memory");
    done(s, 0, 60);
    expect(s, 2, 0);
    orr_sched_free(s);
}

/* Far from the end a node gets short ones in advance: of memory too, and starts what
 * fits. Of long ones, and before it is known, it gets none for which memory is short.
 */
static void only_short_ones_wait_for_memory_at_a_node(void **state)
{
    (void)state;
    struct orr_sched *s = sched_of(1);
    for (uint32_t i = 0; i < 20; i++)
        add(s, i, 1, 4, 0);
    expect(s, 0, 0);
    expect(s, 1, 0);
    expect(s, NONE, NONE);
    done(s, 0, 0.3);
    expect(s, 2, 0);
    expect(s, 3, 0);
    expect(s, 4, 0); /* twice 8 GiB, half of the cores' worth */
    expect(s, NONE, NONE);
    assert_true(orr_sched_node_loads(s, 0).memory == 16 * GIB);
    orr_sched_free(s);
}

static void one_that_waits_for_a_gpu_lets_others_go(void **state)
{
    (void)state;
    struct orr_sched *s = sched_of(2);
    let_them_be_long(s);
    add(s, 0, 1, 0, 2);
    add(s, 1, 1, 0, 2);
    add(s, 2, 1, 0, 0);
    expect(s, 0, 1);
    expect(s, 2, 0);
    expect(s, NONE, NONE);
    assert_string_equal(
        orr_sched_waits_for(s, 0, 0, &(struct orr_resources) { 1, 2, 0 }), "GPUs");
    assert_null(orr_sched_waits_for(s, 0, 0, &(struct orr_resources) { 1, 0, 0 }));
    done(s, 0, 60);
    expect(s, 1, 1);
    orr_sched_free(s);
}

/* Short calls without end, and one of 4 cores: it waits for 4 cores' worth of others,
 * then a node is kept for it. */
static void a_wide_call_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct orr_sched *s = sched_of(1);
    let_them_be_long(s);
    for (uint32_t i = 0; i < 3; i++)
        add(s, i, 1, 0, 0);
    for (uint32_t i = 0; i < 3; i++)
        expect(s, i, 0);
    add(s, 99, 4, 0, 0);
    uint32_t node = NONE;
    uint32_t first = 0;
    uint32_t given = 3;
    uint32_t task = NONE;
    uint32_t overtook = 0;
    add(s, given, 1, 0, 0);
    while (first < 50 && (task = next(s, &node)) != 99) {
        if (task != NONE) {
            overtook++;
            add(s, ++given, 1, 0, 0); /* there is always another one */
        } else {
            done(s, first++, 60);
        }
    }
    assert_int_equal(task, 99);
    assert_int_equal(overtook, 4);
    orr_sched_free(s);
}

static void never(struct orr_sched *s, uint32_t cores, uint64_t gib, uint32_t gpus,
                  const char *why)
{
    struct orr_resources want = { cores, gpus, gib * GIB };
    struct orr_text text = ORR_TEXT_INIT;
    assert_false(orr_sched_fits(s, 0, &want, &text));
    assert_string_equal(text.s, why);
    orr_text_release(&text);
}

static void what_no_node_can_hold_is_refused_with_the_numbers(void **state)
{
    (void)state;
    struct orr_sched *s = sched_of(2);
    orr_sched_node(s, 2, 16);
    orr_sched_node_holds(s, 2, 2 * GIB, 0);
    never(s, 1, 64, 0,
          "it asks for more memory than any node has: 64 GiB, the largest has 8 GiB");
    never(s, 1, 0, 3,
          "it asks for more GPUs than any node has: 3, the node with most has 2");
    never(s, 8, 4, 0,
          "no single node has all that it asks for: 8 cores, 4 GiB of memory");
    orr_sched_free(s);
}

static bool keep(void *context, struct orr_ready *r, int64_t ran)
{
    (void)context, (void)r, (void)ran;
    return true;
}

static void what_fits_no_more_after_a_loss_is_taken_out(void **state)
{
    (void)state;
    struct orr_sched *s = sched_of(2);
    struct orr_text why = ORR_TEXT_INIT;
    struct orr_ready out;
    add(s, 0, 1, 0, 1);
    add(s, 1, 1, 1, 0);
    expect(s, 0, 1);
    assert_false(orr_sched_take_unfit(s, &out, &why));
    orr_sched_node_lost(s, 1, keep, NULL);
    assert_true(orr_sched_take_unfit(s, &out, &why));
    assert_int_equal(out.task, 0);
    assert_string_equal(
        why.s, "it asks for more GPUs than any node has: 1, the node with most has 0");
    assert_false(orr_sched_take_unfit(s, &out, &why));
    expect(s, 1, 0);
    orr_text_release(&why);
    orr_sched_free(s);
}

static void let_it_avoid(uint32_t avoided)
{
    struct orr_sched *s = sched_of(2);
    uint32_t node_of[200] = { 0 };
    uint32_t given = 0;
    let_them_be_long(s);
    for (; given < 8; given++) {
        add(s, given, 1, 0, 0);
        (void)next(s, &node_of[given]);
    }
    struct orr_ready wide = { .task = 500,
                              .attempt = 1,
                              .cores = 4,
                              .deadline = INT64_MAX,
                              .avoid = avoided + 1 };
    orr_sched_add(s, &wide);
    uint32_t task = NONE;
    uint32_t to = NONE;
    for (uint32_t first = 0; first < 100 && task != 500; first++) {
        done(s, first, 60);
        add(s, given++, 1, 0, 0); /* there is always another one */
        while (task != 500 && (task = next(s, &to)) != NONE)
            if (task != 500)
                node_of[task] = to;
    }
    assert_int_equal(task, 500);
    assert_int_equal(to, 1 - avoided);
    orr_sched_free(s);
}

/* One that failed on a node has to wait for the other one: calls without end do not
 * starve it, and a node is kept for it where it may go. */
static void what_avoids_a_node_does_not_wait_for_ever(void **state)
{
    (void)state;
    let_it_avoid(0);
    let_it_avoid(1);
}

/* GPUs: one on node 0, none on 1, one on 2. */
static void a_twin_needs_memory_and_gpus_as_well(void **state)
{
    (void)state;
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    struct orr_ready r = { .attempt = 1,
                           .cores = 1,
                           .memory = 6 * GIB,
                           .gpus = 1,
                           .deadline = INT64_MAX,
                           .twice = true };
    struct orr_ready out;
    uint32_t node = NONE;
    const int64_t late = INT64_C(1000000000000);
    for (uint32_t i = 0; i < 3; i++) {
        orr_sched_node(s, i, 4);
        orr_sched_node_holds(s, i, 8 * GIB, i != 1);
        orr_sched_took(s, 0, 5);
    }
    orr_sched_add(s, &r);
    expect(s, 0, 0);
    assert_true(orr_sched_twin(s, late, &node, &out));
    assert_int_equal(node, 2);
    assert_true(orr_sched_node_loads(s, 2).memory == 6 * GIB);
    assert_true(orr_sched_ended(s, 0, 2, 5));
    add(s, 1, 1, 3, 0); /* takes the memory there, */
    add(s, 2, 1, 3, 0);
    expect(s, 1, 1); /* or elsewhere */
    expect(s, 2, 2);
    assert_true(orr_sched_ended(s, 0, 0, 5));
    r.task = 3;
    orr_sched_add(s, &r);
    expect(s, 3, 0);
    assert_false(orr_sched_twin(s, late, &node, &out));
    orr_sched_free(s);
}

static void what_is_taken_back_fits_where_cores_are_idle(void **state)
{
    (void)state;
    struct orr_sched *s = sched_of(2);
    struct orr_resources widest = { 0 };
    orr_sched_node(s, 1, 0);
    for (uint32_t i = 0; i < 6; i++)
        add(s, i, 1, 0, 0);
    for (uint32_t i = 0; i < 6; i++)
        expect(s, i, 0);
    orr_sched_node(s, 1, 4);
    assert_int_equal(orr_sched_surplus(s, 0, &widest), 2);
    assert_int_equal(widest.cores, 4);
    assert_int_equal(widest.gpus, 2);
    assert_true(widest.memory == 8 * GIB);
    orr_sched_free(s);
}

struct world {
    struct orr_sched *s;
    struct orr_resources in_flight[3]; /* by node, as we count it */
    struct orr_ready flying[4096];
    uint32_t node_of[4096];
    uint32_t n;
    uint64_t random;
};

static uint32_t chance(struct world *w, uint32_t n)
{
    w->random = w->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(w->random >> 33) % n;
}

static void check(const struct world *w)
{
    for (uint32_t node = 0; node < 3; node++) {
        struct orr_resources load = orr_sched_node_loads(w->s, node);
        assert_true(orr_resources_equal(&load, &w->in_flight[node]));
    }
}

static void give(struct world *w)
{
    struct orr_ready r;
    uint32_t to = NONE;
    if (!orr_sched_next(w->s, 0, &to, &r))
        return;
    struct orr_resources needs = { r.cores, r.gpus, r.memory };
    orr_resources_add(&w->in_flight[to], &needs);
    w->node_of[w->n] = to;
    w->flying[w->n++] = r;
}

static void end(struct world *w)
{
    uint32_t at = chance(w, w->n);
    const struct orr_ready *r = &w->flying[at];
    struct orr_resources needs = { r->cores, r->gpus, r->memory };
    orr_resources_take(&w->in_flight[w->node_of[at]], &needs);
    done(w->s, r->task, chance(w, 3) ? 2 : -1);
    w->flying[at] = w->flying[--w->n];
    w->node_of[at] = w->node_of[w->n];
}

/* Random calls, ends, and a lost node: everything comes back, to the byte. */
static void the_ledger_is_exact(void **state)
{
    (void)state;
    struct world *w = calloc(1, sizeof *w);
    w->s = sched_of(3);
    w->random = 1;
    uint32_t tasks = 0;
    for (int step = 0; step < 20000; step++) {
        uint32_t what = chance(w, 16);
        if (what < 5 && tasks < 4000)
            add(w->s, tasks++, 1 + chance(w, 4), chance(w, 4), chance(w, 8) == 0);
        else if (what < 11)
            give(w);
        else if (w->n)
            end(w);
        check(w);
    }
    while (w->n)
        end(w);
    check(w);
    assert_int_equal(orr_sched_in_flight(w->s), 0);
    for (int i = 0; i < 20; i++)
        give(w);
    orr_sched_node_lost(w->s, 2, keep, NULL);
    w->in_flight[2] = (struct orr_resources) { 0 };
    check(w);
    orr_sched_free(w->s);
    free(w);
}

/* Of a node whose memory is not known there is enough, however many wait there. */
static void memory_without_end_does_not_run_out(void **state)
{
    (void)state;
    static const uint32_t depths[] = { 1, 8191, 16383, 32767, 32768 };
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        struct orr_sched *s = orr_sched_new(one_pool, 1);
        orr_sched_node(s, 0, 1);
        orr_sched_node_holds(s, 0, 0, 0);
        add(s, 0, 1, 1, 0);
        expect(s, 0, 0);
        done(s, 0, 0.3 / (depths[i] + 0.5)); /* so many may wait behind one that runs */
        for (uint32_t task = 1; task < 8; task++)
            add(s, task, 1, 1, 0);
        expect(s, 1, 0);
        expect(s, 2, 0);
        orr_sched_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_and_gpus_choose_the_node),
        cmocka_unit_test(no_more_starts_than_fits),
        cmocka_unit_test(only_short_ones_wait_for_memory_at_a_node),
        cmocka_unit_test(one_that_waits_for_a_gpu_lets_others_go),
        cmocka_unit_test(a_wide_call_does_not_wait_for_ever),
        cmocka_unit_test(what_no_node_can_hold_is_refused_with_the_numbers),
        cmocka_unit_test(what_fits_no_more_after_a_loss_is_taken_out),
        cmocka_unit_test(what_avoids_a_node_does_not_wait_for_ever),
        cmocka_unit_test(a_twin_needs_memory_and_gpus_as_well),
        cmocka_unit_test(what_is_taken_back_fits_where_cores_are_idle),
        cmocka_unit_test(the_ledger_is_exact),
        cmocka_unit_test(memory_without_end_does_not_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
