/* sched.c - which attempt goes where, when */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched_kit.h"

#include <stdlib.h>

enum { NONE = UINT32_MAX };

static struct orr_ready ready(uint32_t task, uint32_t pool, int64_t priority)
{
    return (struct orr_ready) { .task = task,
                                .attempt = 1,
                                .pool = pool,
                                .cores = 1,
                                .priority = priority,
                                .deadline = INT64_MAX };
}

static void add(struct orr_sched *s, struct orr_ready r) { orr_sched_add(s, &r); }

static void expect_next(struct orr_sched *s, uint32_t node, uint32_t task)
{
    struct orr_ready out = { .task = NONE };
    uint32_t to = NONE;
    bool any = orr_sched_next(s, 0, &to, &out);
    assert_int_equal(any ? out.task : NONE, task);
    if (any)
        assert_int_equal(to, node);
}

static uint32_t next_node(struct orr_sched *s)
{
    struct orr_ready out;
    uint32_t to = NONE;
    return orr_sched_next(s, 0, &to, &out) ? to : NONE;
}

/* `why` NULL: it does. */
static void never_fits(struct orr_sched *s, uint32_t pool, uint32_t cores,
                       uint64_t memory, uint32_t gpus, const char *why)
{
    struct orr_resources want = { cores, gpus, memory };
    struct orr_text text = ORR_TEXT_INIT;
    assert_true(orr_sched_fits(s, pool, &want, &text) == (why == NULL));
    if (why)
        assert_string_equal(text.s, why);
    orr_text_release(&text);
}

static const struct orr_sched_pool one_pool[] = { { NONE, 0, 0, 0, true } };

static void deadline_then_priority_then_age(void **state)
{
    (void)state;
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    orr_sched_node(s, 0, 8);
    add(s, ready(1, 0, 0));
    add(s, ready(2, 0, 5));
    add(s, ready(3, 0, 0));
    struct orr_ready urgent = ready(4, 0, -9);
    urgent.deadline = 100;
    add(s, urgent);
    expect_next(s, 0, 4);
    expect_next(s, 0, 2);
    expect_next(s, 0, 1);
    expect_next(s, 0, 3);
    expect_next(s, 0, NONE);
    assert_int_equal(orr_sched_in_flight(s), 4);
    orr_sched_free(s);
}

static void a_node_gets_no_more_than_it_can_hide(void **state)
{
    (void)state;
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    orr_sched_node(s, 0, 2);
    for (uint32_t i = 0; i < 100; i++)
        add(s, ready(i, 0, 0));
    uint32_t n = 0;
    while (next_node(s) != NONE)
        n++;
    assert_int_equal(n, 4); /* one running and one waiting per core */
    for (uint32_t i = 0; i < 4; i++)
        done(s, i, 0.001); /* short ones: more may wait */
    for (n = 0; next_node(s) != NONE; n++)
        continue;
    assert_int_equal(n, 95); /* the last one stays: near the end nobody hoards */
    orr_sched_free(s);
}

static void near_the_end_long_attempts_wait_for_a_free_core(void **state)
{
    (void)state;
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    orr_sched_node(s, 0, 4);
    for (uint32_t i = 0; i < 4; i++)
        add(s, ready(i, 0, 0));
    for (uint32_t i = 0; i < 4; i++)
        expect_next(s, 0, i);
    done(s, 0, 60);
    for (uint32_t i = 4; i < 7; i++)
        add(s, ready(i, 0, 0)); /* fewer than cores */
    expect_next(s, 0, 4);
    expect_next(s, 0, NONE);
    done(s, 1, 60);
    expect_next(s, 0, 5);
    expect_next(s, 0, NONE);
    add(s, ready(7, 0, 0));
    add(s, ready(8, 0, 0));
    add(s, ready(9, 0, 0)); /* as many as cores: one may wait behind each */
    expect_next(s, 0, 6);
    expect_next(s, 0, NONE);
    orr_sched_free(s);
}

static void delayed_attempts_wait(void **state)
{
    (void)state;
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    struct orr_ready out;
    uint32_t to = NONE;
    orr_sched_node(s, 0, 2);
    struct orr_ready later = ready(1, 0, 0);
    later.not_before = 1000;
    add(s, later);
    assert_false(orr_sched_next(s, 999, &to, &out));
    assert_true(orr_sched_wake(s) == 1000);
    assert_true(orr_sched_next(s, 1000, &to, &out));
    assert_int_equal(out.task, 1);
    orr_sched_free(s);
}

static void reserve_goes_first_and_idle_reserve_is_lent(void **state)
{
    (void)state;
    static const struct orr_sched_pool pools[] = { { NONE, 0, 0, 0, true },
                                                   { 0, 0.9, 0, 0, true },
                                                   { 0, 0, 1, 0, true } };
    struct orr_sched *s = orr_sched_new(pools, 3);
    orr_sched_node(s, 0, 2);
    for (uint32_t i = 0; i < 4; i++)
        add(s, ready(i, 1, 100));
    expect_next(s, 0, 0);
    expect_next(s, 0, 1); /* the light pool is idle: its core is lent */
    add(s, ready(10, 2, 0));
    expect_next(s, 0, 10); /* below its reserve: before the others */
    orr_sched_free(s);
}

static void kept_reserve_is_not_lent(void **state)
{
    (void)state;
    static const struct orr_sched_pool pools[] = { { NONE, 0, 0, 0, true },
                                                   { 0, 1, 0, 0, true },
                                                   { 0, 0, 1, 0, false } };
    struct orr_sched *s = orr_sched_new(pools, 3);
    orr_sched_node(s, 0, 2);
    for (uint32_t i = 0; i < 4; i++)
        add(s, ready(i, 1, 0));
    expect_next(s, 0, 0);
    expect_next(s, 0, NONE); /* the other core waits for the latency pool */
    add(s, ready(10, 2, 0));
    expect_next(s, 0, 10);
    orr_sched_free(s);
}

static void max_of_a_pool_and_of_its_parent_hold(void **state)
{
    (void)state;
    static const struct orr_sched_pool pools[] = { { NONE, 0, 0, 0, true },
                                                   { 0, 0, 0, 2, true },
                                                   { 1, 0, 0, 0, true } };
    struct orr_sched *s = orr_sched_new(pools, 3);
    orr_sched_node(s, 0, 8);
    for (uint32_t i = 0; i < 4; i++)
        add(s, ready(i, 2, 0));
    expect_next(s, 0, 0);
    expect_next(s, 0, 1);
    expect_next(s, 0, NONE);
    done(s, 0, 1);
    expect_next(s, 0, 2);
    never_fits(
        s, 2, 3, 0, 0,
        "it asks for more cores than its pool may use: 3, the pool has 2 at most");
    never_fits(s, 0, 9, 0, 0,
               "it asks for more cores than any node has: 9, the largest has 8");
    never_fits(s, 0, 8, 0, 0, NULL);
    orr_sched_free(s);
}

static bool count_lost(void *context, struct orr_ready *r, int64_t ran)
{
    (void)r, (void)ran;
    ++*(uint32_t *)context;
    return true;
}

static void a_lost_nodes_attempts_are_ready_again(void **state)
{
    (void)state;
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    uint32_t lost = 0;
    orr_sched_node(s, 0, 2);
    orr_sched_node(s, 1, 2);
    for (uint32_t i = 0; i < 2; i++)
        add(s, ready(i, 0, 0));
    expect_next(s, 0, 0);
    expect_next(s, 1, 1);
    orr_sched_node_lost(s, 0, count_lost, &lost);
    assert_int_equal(lost, 1);
    assert_int_equal(orr_sched_queued(s), 1);
    expect_next(s, 1, 0); /* never again to node 0 */
    for (uint32_t i = 2; i < 9; i++)
        add(s, ready(i, 0, 0));
    expect_next(s, 1, 2);
    expect_next(s, 1, 3);
    expect_next(s, 1, NONE);
    assert_int_equal(orr_sched_in_flight(s), 4);
    orr_sched_free(s);
}

static void the_emptiest_node_is_next(void **state)
{
    (void)state;
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    orr_sched_node(s, 0, 2);
    orr_sched_node(s, 1, 4);
    orr_sched_node(s, 2, 0); /* its agent has left */
    for (uint32_t i = 0; i < 20; i++)
        add(s, ready(i, 0, 0));
    static const uint32_t turns[] = { 0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, NONE };
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++)
        assert_int_equal(next_node(s), turns[i]);
    done(s, 1, -1); /* the second went to node 1 */
    assert_int_equal(next_node(s), 1);
    orr_sched_free(s);
}

/* A call of several cores waits for a node that is large enough, however empty the
 * others are, and finds it among them. */
static void a_wide_call_finds_the_node_with_room(void **state)
{
    (void)state;
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    for (uint32_t node = 0; node < 9; node++)
        orr_sched_node(s, node, node == 7 ? 8 : 2);
    for (uint32_t i = 0; i < 3; i++) {
        struct orr_ready wide = ready(i, 0, 9);
        wide.cores = 6;
        add(s, wide);
    }
    assert_int_equal(next_node(s), 7);
    assert_int_equal(next_node(s), 7); /* waits there behind the first */
    assert_int_equal(next_node(s), NONE);
    done(s, 0, -1);
    assert_int_equal(next_node(s), 7);
    assert_int_equal(orr_sched_node_load(s, 7), 12);
    orr_sched_free(s);
}

/* Random adds, nexts, dones and losses: the ledger stays exact. */
static void the_ledger_is_exact(void **state)
{
    (void)state;
    static const struct orr_sched_pool pools[] = { { NONE, 0, 0, 0, true },
                                                   { 0, 0.5, 2, 0, true },
                                                   { 0, 0.5, 0, 5, true } };
    struct orr_sched *s = orr_sched_new(pools, 3);
    uint64_t random = 1;
    uint32_t tasks = 0;
    uint32_t finished = 0;
    uint32_t flying[4096];
    uint32_t n_flying = 0;
    for (uint32_t node = 0; node < 3; node++)
        orr_sched_node(s, node, 4);
    for (int step = 0; step < 20000; step++) {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        uint32_t what = (uint32_t)(random >> 60);
        struct orr_ready r =
            ready(tasks, (uint32_t)(random >> 40) % 3, (int64_t)((random >> 20) % 7));
        r.cores = 1 + (uint32_t)(random >> 50) % 3;
        if (what < 5 && tasks < 4096) {
            add(s, r);
            tasks++;
        } else if (what < 11) {
            uint32_t to = NONE;
            if (orr_sched_next(s, 0, &to, &r))
                flying[n_flying++] = r.task;
        } else if (n_flying) {
            uint32_t at = (uint32_t)(random >> 30) % n_flying;
            done(s, flying[at], 1);
            flying[at] = flying[--n_flying];
            finished++;
        }
        assert_int_equal(orr_sched_in_flight(s), n_flying);
        assert_int_equal(orr_sched_queued(s), tasks - finished - n_flying);
    }
    while (n_flying)
        done(s, flying[--n_flying], 1);
    for (uint32_t node = 0; node < 3; node++)
        assert_int_equal(orr_sched_node_load(s, node), 0);
    assert_true(finished > 1000);
    orr_sched_free(s);
}

/* ---- the tail ---- */

/* Two nodes of two cores; `n` attempts of group 0, typically of `seconds`. */
static struct orr_sched *tail(uint32_t n, double seconds, bool twice)
{
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    orr_sched_node(s, 0, 2);
    orr_sched_node(s, 1, 2);
    for (int i = 0; i < 3 && seconds > 0; i++)
        orr_sched_took(s, 0, seconds);
    for (uint32_t i = 0; i < n; i++) {
        struct orr_ready r = ready(i, 0, 0);
        r.twice = twice;
        add(s, r);
    }
    while (next_node(s) != NONE)
        continue;
    return s;
}

static void what_waits_is_taken_back_when_cores_are_idle(void **state)
{
    (void)state;
    struct orr_sched *s = tail(7, 0, false); /* 0, 2, 4, 6 on node 0 */
    struct orr_ready out;
    struct orr_resources widest = { 0 };
    assert_false(orr_sched_has_idle(s));
    assert_int_equal(orr_sched_node_load(s, 0), 4);
    for (uint32_t i = 1; i < 7; i += 2)
        assert_true(orr_sched_ended(s, i, 1, 1));
    assert_true(orr_sched_has_idle(s));
    assert_int_equal(orr_sched_surplus(s, 1, &widest), 0);
    assert_int_equal(orr_sched_surplus(s, 0, &widest), 2);
    assert_int_equal(widest.cores, 2);
    assert_false(orr_sched_take_back(s, 6, 1, &out)); /* not from there */
    assert_true(orr_sched_take_back(s, 6, 0, &out));
    assert_false(orr_sched_take_back(s, 6, 0, &out));
    add(s, out);
    expect_next(s, 1, 6);
    orr_sched_free(s);
}

static void what_drags_on_runs_on_a_second_node(void **state)
{
    (void)state;
    struct orr_sched *s = tail(3, 5, true);
    struct orr_ready out;
    uint32_t node = NONE;
    const int64_t second = 1000000000;
    assert_true(orr_sched_ended(s, 1, 1, 5));
    assert_false(orr_sched_twin(s, 9 * second, &node, &out));
    assert_true(orr_sched_twin(s, 11 * second, &node, &out));
    assert_int_equal(node, 1);
    assert_int_equal(orr_sched_node_load(s, 1), 1);
    assert_int_equal(orr_sched_in_flight(s), 3);
    uint32_t first = out.task;
    assert_true(orr_sched_twin(s, 11 * second, &node, &out));
    assert_int_not_equal(out.task, first);
    assert_false(orr_sched_twin(s, 99 * second, &node, &out));
    /* the second one is faster; the first is in flight until its node says so */
    assert_true(orr_sched_ended(s, first, 1, 5));
    assert_non_null(orr_sched_flight(s, first, &node));
    assert_int_equal(node, 0);
    assert_false(orr_sched_twin(s, 99 * second, &node, &out)); /* twice at most */
    assert_true(orr_sched_take_back(s, first, 0, &out));
    assert_null(orr_sched_flight(s, first, &node));
    assert_int_equal(orr_sched_in_flight(s), 2);
    orr_sched_free(s);
}

static void what_may_not_run_twice_does_not(void **state)
{
    (void)state;
    struct orr_ready out;
    uint32_t node = NONE;
    struct orr_sched *s = tail(2, 5, false);
    assert_true(orr_sched_ended(s, 1, 1, 5));
    assert_false(orr_sched_twin(s, INT64_C(1000000000000), &node, &out));
    orr_sched_free(s);
    s = tail(2, 0, true); /* nobody knows how long is long */
    assert_true(orr_sched_ended(s, 1, 1, 5));
    assert_false(orr_sched_twin(s, INT64_C(1000000000000), &node, &out));
    orr_sched_free(s);
}

static bool no_loss(void *context, struct orr_ready *lost, int64_t ran)
{
    (void)lost, (void)ran;
    ++*(int *)context;
    return true;
}

static void a_twin_outlives_a_lost_node(void **state)
{
    (void)state;
    struct orr_ready out;
    uint32_t node = NONE;
    int losses = 0;
    struct orr_sched *s = tail(1, 5, true);
    assert_true(orr_sched_twin(s, INT64_C(1000000000000), &node, &out));
    orr_sched_node_lost(s, 0, no_loss, &losses);
    assert_int_equal(losses, 0);
    assert_int_equal(orr_sched_queued(s), 0);
    assert_int_equal(orr_sched_in_flight(s), 1);
    orr_sched_node_lost(s, 1, no_loss, &losses);
    assert_int_equal(losses, 1);
    assert_int_equal(orr_sched_queued(s), 1);
    orr_sched_free(s);
}

static void a_node_is_avoided_while_there_are_others(void **state)
{
    (void)state;
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    orr_sched_node(s, 0, 2);
    orr_sched_node(s, 1, 2);
    for (uint32_t i = 0; i < 3; i++) {
        struct orr_ready r = ready(i, 0, 0);
        r.avoid = 1;
        add(s, r);
        expect_next(s, 1, i);
    }
    orr_sched_node(s, 2, 1);
    orr_sched_doubt(s, 1, true);
    struct orr_ready doubt = ready(9, 0, 0);
    doubt.avoid = 1;
    add(s, doubt);
    expect_next(s, 2, 9);
    orr_sched_node(s, 2, 0);
    orr_sched_node(s, 1, 0);
    struct orr_ready r = ready(3, 0, 0);
    r.avoid = 1;
    add(s, r);
    expect_next(s, 0, 3);
    orr_sched_free(s);
}

/* Work given out ahead would take the core that a call of the keeping pool leaves. */
static void nothing_is_ahead_beside_a_kept_core(void **state)
{
    (void)state;
    const struct orr_sched_pool pools[] = { { NONE, 0, 0, 0, true },
                                            { 0, 0, 1, 0, false },
                                            { 0, 0, 0, 0, true } };
    struct orr_sched *s = orr_sched_new(pools, 3);
    orr_sched_node(s, 0, 2);
    for (uint32_t i = 0; i < 100; i++)
        add(s, ready(i, 2, 0));
    add(s, ready(100, 1, 0));
    expect_next(s, 0, 100);
    expect_next(s, 0, 0);
    expect_next(s, 0, NONE); /* the kept core is in use, and still not lent */
    done(s, 100, 0.001);
    expect_next(s, 0, NONE);
    add(s, ready(101, 1, 0));
    expect_next(s, 0, 101);
    done(s, 0, 1);
    expect_next(s, 0, 1);
    orr_sched_free(s);
}

/* What may go to guests goes there first; the rest never does, nor do twins of it. */
static void guests_get_what_is_not_home(void **state)
{
    (void)state;
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    struct orr_ready home = ready(0, 0, 0);
    home.home = true;
    orr_sched_node(s, 0, 1);
    orr_sched_node(s, 1, 2);
    orr_sched_guest(s, 1);
    never_fits(s, 0, 2, 0, 0, /* guests may not stay */
               "it asks for more cores than any node has: 2, the largest has 1");
    add(s, ready(1, 0, 0));
    add(s, home);
    expect_next(s, 1, 1);
    expect_next(s, 0, 0);
    home.task = 2;
    home.twice = true;
    add(s, home); /* waits behind the other at home, though the guest has room */
    assert_int_equal(next_node(s), 0);
    add(s, ready(3, 0, 0));
    expect_next(s, 1, 3);
    assert_true(orr_sched_ended(s, 3, 1, 1));
    for (int i = 0; i < 3; i++)
        orr_sched_took(s, 0, 1);
    uint32_t node = 0;
    struct orr_ready out;
    assert_false(orr_sched_twin(s, INT64_C(100000000000), &node, &out));
    orr_sched_free(s);
}

/* It is held, or gone: then it gets nothing, and is first again when it comes back. */
static void a_guest_without_cores_gets_nothing(void **state)
{
    (void)state;
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    for (uint32_t i = 0; i < 4; i++)
        orr_sched_node(s, i, 4);
    for (uint32_t i = 1; i < 4; i++)
        orr_sched_guest(s, i);
    for (uint32_t i = 0; i < 5; i++)
        add(s, ready(i, 0, 0));
    orr_sched_node(s, 1, 0);
    orr_sched_node(s, 3, 0);
    expect_next(s, 2, 0);
    orr_sched_node(s, 2, 0);
    expect_next(s, 0, 1);
    orr_sched_node(s, 1, 4);
    orr_sched_node(s, 3, 4);
    expect_next(s, 1, 2);
    expect_next(s, 3, 3);
    expect_next(s, 1, 4);
    orr_sched_free(s);
}

static bool goes_before(const struct orr_ready *a, const struct orr_ready *b)
{
    if (a->deadline != b->deadline)
        return a->deadline < b->deadline;
    return a->priority != b->priority ? a->priority > b->priority : a->task < b->task;
}

/* Some come in order, some do not, and some are taken in between. */
static void any_order_in_is_the_right_order_out(void **state)
{
    (void)state;
    enum { ROUNDS = 40, EACH = 50, ALL = ROUNDS * EACH };
    static bool waits[ALL];
    static struct orr_ready all[ALL];
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    uint32_t random = 12345;
    uint32_t to = NONE;
    orr_sched_node(s, 0, ALL);
    for (uint32_t i = 0, taken = 0; taken < ALL;) {
        for (uint32_t k = 0; k < EACH && i < ALL; k++, i++) {
            random = random * 1664525 + 1013904223;
            all[i] = ready(i, 0, random >> 28 ? 0 : (int64_t)(random >> 20 & 7) - 3);
            if ((random >> 8 & 63) == 0)
                all[i].deadline = 100 + (random >> 16 & 3);
            waits[i] = true;
            add(s, all[i]);
        }
        for (uint32_t k = 0; k < (i < ALL ? EACH / 2 : ALL) && taken < i;
             k++, taken++) {
            struct orr_ready out;
            assert_true(orr_sched_next(s, 0, &to, &out));
            for (uint32_t j = 0; j < i; j++)
                if (waits[j] && j != out.task)
                    assert_false(goes_before(&all[j], &all[out.task]));
            assert_true(waits[out.task]);
            waits[out.task] = false;
        }
    }
    assert_int_equal(orr_sched_queued(s), 0);
    orr_sched_free(s);
}

/* How many of the next `n` go to the node to which the one before went. */
static uint32_t stay(struct orr_sched *s, uint32_t n)
{
    uint32_t last = NONE;
    uint32_t same = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t node = next_node(s);
        assert_int_not_equal(node, NONE);
        same += node == last;
        last = node;
    }
    return same;
}

static void short_attempts_go_in_rows(void **state)
{
    (void)state;
    static const double seconds[] = { 1e-6, 0.2, 1e-6 };
    for (int round = 0; round < 3; round++) {
        struct orr_sched *s = orr_sched_new(one_pool, 1);
        uint32_t all = round == 2 ? 6 : 4000; /* few are left: one each */
        orr_sched_node(s, 0, 4);
        orr_sched_node(s, 1, 4);
        add(s, ready(all, 0, 1));
        (void)next_node(s);
        done(s, all, seconds[round]);
        for (uint32_t i = 0; i < all; i++)
            add(s, ready(i, 0, 0));
        uint32_t same = stay(s, all < 8 ? all : 8);
        if (round == 0)
            assert_true(same + stay(s, 992) > 950);
        else
            assert_int_equal(same, 0);
        /* a row ends where the node does */
        orr_sched_node(s, 0, 0);
        for (uint32_t i = 0; i < 40; i++) {
            uint32_t node = next_node(s);
            assert_true(node == 1 || node == NONE);
        }
        orr_sched_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadline_then_priority_then_age),
        cmocka_unit_test(guests_get_what_is_not_home),
        cmocka_unit_test(a_guest_without_cores_gets_nothing),
        cmocka_unit_test(a_node_gets_no_more_than_it_can_hide),
        cmocka_unit_test(near_the_end_long_attempts_wait_for_a_free_core),
        cmocka_unit_test(delayed_attempts_wait),
        cmocka_unit_test(reserve_goes_first_and_idle_reserve_is_lent),
        cmocka_unit_test(kept_reserve_is_not_lent),
        cmocka_unit_test(max_of_a_pool_and_of_its_parent_hold),
        cmocka_unit_test(a_lost_nodes_attempts_are_ready_again),
        cmocka_unit_test(the_emptiest_node_is_next),
        cmocka_unit_test(a_wide_call_finds_the_node_with_room),
        cmocka_unit_test(the_ledger_is_exact),
        cmocka_unit_test(what_waits_is_taken_back_when_cores_are_idle),
        cmocka_unit_test(what_drags_on_runs_on_a_second_node),
        cmocka_unit_test(what_may_not_run_twice_does_not),
        cmocka_unit_test(a_twin_outlives_a_lost_node),
        cmocka_unit_test(a_node_is_avoided_while_there_are_others),
        cmocka_unit_test(nothing_is_ahead_beside_a_kept_core),
        cmocka_unit_test(any_order_in_is_the_right_order_out),
        cmocka_unit_test(short_attempts_go_in_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
