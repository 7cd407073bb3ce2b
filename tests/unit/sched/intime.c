/* intime.c - what is given out when the time is nearly over */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched_kit.h"

#include <math.h>

enum { NONE = UINT32_MAX };

static const struct orr_sched_pool one_pool[] = { { NONE, 0, 0, 0, true } };

static int64_t seconds(double s) { return (int64_t)(s * 1e9); }

static struct orr_ready ready(uint32_t task, uint32_t group, double cost)
{
    return (struct orr_ready) { .task = task,
                                .attempt = 1,
                                .group = group,
                                .cost = orr_sched_cost(cost),
                                .cores = 1,
                                .deadline = INT64_MAX };
}

static void add(struct orr_sched *s, uint32_t task, uint32_t group, double cost)
{
    struct orr_ready r = ready(task, group, cost);
    orr_sched_add(s, &r);
}

static uint32_t next(struct orr_sched *s, double now)
{
    struct orr_ready out;
    uint32_t node = NONE;
    return orr_sched_next(s, seconds(now), &node, &out) ? out.task : NONE;
}

/* A node of so many cores, an end after a thousand seconds, nothing that may be early.
 */
static struct orr_sched *ending(uint32_t cores)
{
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    orr_sched_keep_time(s);
    orr_sched_node(s, 0, cores);
    orr_sched_set_end(s, seconds(1000), 0);
    return s;
}

static void costs_are_rounded_up_by_a_quarter_at_most(void **state)
{
    (void)state;
    uint8_t before = 0;
    assert_int_equal(orr_sched_cost(NAN), 0);
    assert_int_equal(orr_sched_cost(-1), 0);
    for (double s = 0; s < 1e9; s = s * 1.3 + 1e-4) {
        assert_true(orr_sched_cost(s) >= before && orr_sched_cost(s) > 0);
        before = orr_sched_cost(s);
    }
    assert_int_equal(orr_sched_cost(1), orr_sched_cost(0.9));
    assert_true(orr_sched_cost(1) < orr_sched_cost(1.3));
    assert_int_equal(orr_sched_cost(1e300), UINT8_MAX);
}

static void a_shorter_one_goes_before_a_thousand_that_are_too_long(void **state)
{
    (void)state;
    struct orr_sched *s = ending(4);
    for (uint32_t i = 0; i < 1000; i++)
        add(s, i, 0, 600);
    add(s, 1000, 0, 100);
    add(s, 1001, 1, 20);
    assert_int_equal(next(s, 500), 1000);
    assert_int_equal(next(s, 500), 1001);
    assert_int_equal(next(s, 500), NONE);
    uint32_t group = NONE;
    double expected = 0;
    assert_true(orr_sched_is_too_late(s, seconds(500), &group, &expected));
    assert_int_equal(group, 0);
    assert_true(expected >= 600 && expected < 600 * 1.26);
    assert_false(orr_sched_is_too_late(s, seconds(100), &group, &expected));
    orr_sched_free(s);
}

static void without_an_end_order_is_all(void **state)
{
    (void)state;
    struct orr_sched *s = orr_sched_new(one_pool, 1);
    orr_sched_keep_time(s);
    orr_sched_node(s, 0, 2);
    add(s, 0, 0, 1e6);
    add(s, 1, 1, 1);
    assert_int_equal(next(s, 5), 0);
    assert_int_equal(next(s, 5), 1);
    orr_sched_free(s);
}

static void what_was_measured_is_the_estimate(void **state)
{
    (void)state;
    struct orr_sched *s = ending(4);
    add(s, 0, 0, NAN);
    assert_int_equal(next(s, 990), 0); /* nobody knows: it may start */
    for (int i = 0; i < 10; i++)
        orr_sched_took(s, 0, i == 9 ? 300 : 30); /* one in ten does not count */
    add(s, 1, 0, NAN);
    assert_int_equal(next(s, 965), 1);
    add(s, 2, 0, NAN);
    orr_sched_took(s, 0, 300);
    assert_int_equal(next(s, 975), NONE);
    assert_int_equal(next(s, 1001), NONE);
    orr_sched_free(s);
}

/* They cost half of what is said, or three times as much. */
static void a_cost_is_corrected_by_what_was_measured(void **state)
{
    (void)state;
    struct orr_sched *s = ending(4);
    add(s, 0, 0, 100);
    add(s, 1, 1, 100);
    assert_int_equal(next(s, 0), 0);
    assert_int_equal(next(s, 0), 1);
    assert_true(orr_sched_ended(s, 0, 0, 50));
    assert_true(orr_sched_ended(s, 1, 0, 300));
    add(s, 2, 0, 200);
    add(s, 3, 1, 200);
    assert_int_equal(next(s, 850), 2); /* 100 s */
    assert_int_equal(next(s, 850), NONE);
    assert_int_equal(next(s, 200), 3);
    orr_sched_free(s);
}

static void early_on_all_may_start_when_nothing_else_is_there(void **state)
{
    (void)state;
    struct orr_sched *s = ending(4);
    orr_sched_set_end(s, seconds(1000), seconds(100));
    add(s, 0, 0, 5000);
    add(s, 1, 0, 5000);
    add(s, 2, 0, 50);
    assert_int_equal(next(s, 98), 2);
    assert_int_equal(next(s, 99), 0);
    assert_int_equal(next(s, 101), NONE);
    orr_sched_free(s);
}

/* Behind another it would begin too late. */
static void near_the_end_none_waits_at_a_node(void **state)
{
    (void)state;
    struct orr_sched *s = ending(1);
    for (uint32_t i = 0; i < 10; i++)
        add(s, i, 0, 100);
    assert_int_equal(next(s, 0), 0);
    assert_int_equal(next(s, 0), 1);
    assert_int_equal(next(s, 0), NONE);
    assert_true(orr_sched_running(s, seconds(5)) == 5); /* one runs, one waits */
    done(s, 0, -1);
    assert_int_equal(next(s, 700), NONE); /* three of them would not end in time */
    done(s, 1, -1);
    assert_int_equal(next(s, 700), 2);
    orr_sched_free(s);
}

static void it_is_said_what_they_wait_for(void **state)
{
    (void)state;
    struct orr_sched *s = ending(1);
    struct orr_resources one = { 1, 0, 0 };
    add(s, 0, 0, 600);
    add(s, 1, 1, 10);
    add(s, 2, 1, 10);
    assert_int_equal(next(s, 900), 1);
    assert_string_equal(orr_sched_waits_for(s, 0, 0, &one), "more time");
    assert_string_equal(orr_sched_waits_for(s, 0, 1, &one), "cores");
    assert_true(orr_sched_running(s, seconds(903)) == 3);
    int64_t began = 0;
    assert_int_equal(orr_sched_oldest(s, &began)->task, 1);
    assert_true(began == seconds(900));
    orr_sched_free(s);
}

static void no_twin_that_ends_too_late(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct orr_sched *s = ending(1);
        orr_sched_node(s, 1, 1);
        struct orr_ready r = ready(0, 0, NAN);
        struct orr_ready out;
        uint32_t node = NONE;
        r.twice = true;
        for (int i = 0; i < 3; i++)
            orr_sched_took(s, 0, 10);
        orr_sched_add(s, &r);
        assert_int_equal(next(s, 900), 0);
        assert_int_equal(orr_sched_twin(s, seconds(late ? 995 : 950), &node, &out),
                         !late);
        orr_sched_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costs_are_rounded_up_by_a_quarter_at_most),
        cmocka_unit_test(a_shorter_one_goes_before_a_thousand_that_are_too_long),
        cmocka_unit_test(without_an_end_order_is_all),
        cmocka_unit_test(what_was_measured_is_the_estimate),
        cmocka_unit_test(a_cost_is_corrected_by_what_was_measured),
        cmocka_unit_test(early_on_all_may_start_when_nothing_else_is_there),
        cmocka_unit_test(near_the_end_none_waits_at_a_node),
        cmocka_unit_test(it_is_said_what_they_wait_for),
        cmocka_unit_test(no_twin_that_ends_too_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
