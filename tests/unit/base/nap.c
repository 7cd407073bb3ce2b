/* nap.c - naps and their number agree with each other */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/nap.h"

static const int64_t ms = 1000 * 1000;

static void lengths(void **state)
{
    (void)state;
    assert_int_equal(orr_nap(0, 0), 50 * 1000);
    assert_int_equal(orr_nap(640 * ms, 0), 10 * ms);
    assert_int_equal(orr_nap(3600 * 1000 * ms, 0), 30 * ms);
    assert_int_equal(orr_nap(0, 1), 500 * 1000);
    assert_int_equal(orr_nap(0, 1000 * ms), 4 * ms);
    assert_int_equal(orr_nap(80 * ms, 160 * ms), 10 * ms);
    assert_int_equal(orr_nap(320 * ms, 160 * ms), 5 * ms); /* it is over */
}

/* As the loop does: nap after nap. */
static double counted(int64_t quiet, int64_t ahead)
{
    double n = 0;
    int64_t t = 0;
    while (t < quiet) {
        t += orr_nap(t, ahead);
        n++;
    }
    return n;
}

static void numbers(void **state)
{
    static const int64_t quiets[] = { 20 * 1000, ms,       7 * ms,
                                      90 * ms,   900 * ms, 9000 * ms };
    (void)state;
    for (size_t i = 0; i < sizeof quiets / sizeof *quiets; i++)
        for (int64_t ahead = 0; ahead <= 64 * ms; ahead += 32 * ms) {
            double n = counted(quiets[i], ahead);
            double said = orr_naps_within(quiets[i], ahead);
            assert_true(said > 0.93 * n - 1 && said < 1.05 * n + 1);
        }
    assert_true(orr_naps_within(0, 0) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(lengths),
                                        cmocka_unit_test(numbers) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
