/* health.c - which node fails what others can do */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/health.h"

static void succeed(struct orr_health *h, uint32_t node, int times)
{
    while (times-- > 0)
        orr_health_succeeded(h, node);
}

static void one_failure_is_no_suspicion(void **state)
{
    (void)state;
    struct orr_health h = { 0 };
    succeed(&h, 0, 50);
    succeed(&h, 1, 50);
    assert_false(orr_health_failed(&h, 0));
    succeed(&h, 1, 5);
    assert_true(orr_health_failed(&h, 0)); /* the second in a row */
    succeed(&h, 0, 1);
    assert_false(orr_health_failed(&h, 0));
    orr_health_release(&h);
}

static void a_node_that_never_succeeded_is_a_suspect(void **state)
{
    (void)state;
    struct orr_health h = { 0 };
    assert_true(orr_health_failed(&h, 1)); /* nobody knows better */
    orr_health_confirmed(&h, 1, 0);
    assert_false(orr_health_failed(&h, 1)); /* others fail, too */
    succeed(&h, 0, 3);
    assert_true(orr_health_failed(&h, 1));
    orr_health_release(&h);
}

static void what_succeeds_elsewhere_makes_it_sick(void **state)
{
    (void)state;
    struct orr_health h = { 0 };
    succeed(&h, 0, 40);
    for (int i = 1; i <= 8; i++) {
        assert_true(orr_health_failed(&h, 1));
        assert_int_equal(orr_health_asked(&h, 1), i >= 8);
    }
    for (int i = 1; i <= 3; i++) {
        succeed(&h, 0, 1);
        assert_int_equal(orr_health_refuted(&h, 1), i >= 3);
    }
    assert_int_equal(orr_health_of(&h, 1)->open, 5);
    assert_int_equal(orr_health_of(&h, 7)->open, 0);
    orr_health_release(&h);
}

static void failures_of_tasks_do_not_make_it_sick(void **state)
{
    (void)state;
    struct orr_health h = { 0 };
    succeed(&h, 0, 20);
    succeed(&h, 1, 20);
    for (int i = 0; i < 100; i++) {
        if (orr_health_failed(&h, 1)) {
            (void)orr_health_asked(&h, 1);
            orr_health_confirmed(&h, 1, 0);
        }
        succeed(&h, 0, 2);
        assert_true(orr_health_of(&h, 1)->row < 5);
    }
    assert_int_equal(orr_health_of(&h, 1)->open, 0);
    assert_int_equal(orr_health_of(&h, 1)->refuted, 0);
    orr_health_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_failure_is_no_suspicion),
        cmocka_unit_test(a_node_that_never_succeeded_is_a_suspect),
        cmocka_unit_test(what_succeeds_elsewhere_makes_it_sick),
        cmocka_unit_test(failures_of_tasks_do_not_make_it_sick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
