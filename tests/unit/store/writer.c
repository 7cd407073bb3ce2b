/* writer.c - what the writer acknowledges can be read back, byte for byte */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_kit.h"

#include <poll.h>
#include <sys/stat.h>
#include <time.h>

static uint64_t no_blob(uint64_t n) { return n * 0; }
static uint64_t mixed(uint64_t n) { return n % 97 == 0 ? 3000000 + n : n * 131 % 20000; }
static uint64_t large(uint64_t n) { return 5000000 + n * 7; }

static void test_round_trip(void **state)
{
    (void)state;
    struct orr_writer_stats stats;
    struct kit_run p;
    kit_begin(&p);
    kit_write(&p.options, 700, mixed, true, &stats);
    assert_int_equal(stats.segments, 1);
    assert_true(stats.groups >= 2 && stats.groups <= 700);
    kit_expect_all(&p, 700, mixed);
    kit_end(&p);
}

static void test_nothing_written(void **state)
{
    (void)state;
    struct orr_writer_stats stats;
    struct kit_run p;
    kit_begin(&p);
    kit_write(&p.options, 0, no_blob, true, &stats);
    kit_expect_all(&p, 0, no_blob);
    kit_end(&p);
}

/* Segments smaller than a frame: each large frame gets a segment that holds it. */
static void test_segments(void **state)
{
    (void)state;
    struct orr_writer_stats stats;
    struct kit_run p;
    kit_begin(&p);
    p.options.segment_bytes = 1 << 20;
    kit_write(&p.options, 60, large, true, &stats);
    assert_true(stats.segments >= 50);
    kit_expect_all(&p, 60, large);
    kit_end(&p);
}

static void test_many_small(void **state)
{
    (void)state;
    struct orr_writer_stats stats;
    struct kit_run p;
    kit_begin(&p);
    p.options.durability = ORR_DURABILITY_NONE;
    kit_write(&p.options, 30000, no_blob, true, &stats);
    kit_expect_all(&p, 30000, no_blob);
    kit_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_nothing_written),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_many_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
