/* series.c - strings that count evenly come back, and others are not taken for such */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/series.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 64 };

/* A string of `length` bytes with numbers at `at`. */
struct shape {
    const char *name;
    uint32_t length;
    uint32_t n_numbers;
    uint32_t at[6];
    int64_t from[6];
    int64_t by[6];
};

static void make(const struct shape *shape, uint64_t i, unsigned char *to)
{
    memset(to, 0x5a, shape->length);
    for (uint32_t k = 0; k < shape->n_numbers; k++)
        orr_store_u64(to + shape->at[k],
                      (uint64_t)shape->from[k] + i * (uint64_t)shape->by[k]);
}

static struct shape even[] = {
    { "equal", 20, 0, { 0 }, { 0 }, { 0 } },
    { "empty", 0, 0, { 0 }, { 0 }, { 0 } },
    { "counts up", 9, 1, { 1 }, { 0 }, { 1 } },
    { "over a byte", 9, 1, { 1 }, { 250 }, { 1 } },
    { "steps of 256", 17, 1, { 1 }, { 0 }, { 256 } },
    { "steps of 256 at the end", 8, 1, { 0 }, { 7 }, { 256 } },
    { "large steps", 30, 1, { 11 }, { 1 }, { INT64_C(1) << 40 } },
    { "down through zero", 10, 1, { 2 }, { 3 }, { -1 } },
    { "wraps", 8, 1, { 0 }, { INT64_MAX - 3 }, { 2 } },
    { "side by side", 16, 2, { 0, 8 }, { 5, 1000 }, { 1, -7 } },
    { "four", 40, 4, { 0, 9, 18, 30 }, { 1, 2, 3, 4 }, { 4, 3, 2, 1 } },
};

static void even_ones_come_back(void **state)
{
    const struct shape *shape = *state;
    enum { N = 600 };
    unsigned char first[ROOM];
    unsigned char next[ROOM];
    unsigned char back[ROOM];
    make(shape, 0, first);
    struct orr_series series = orr_series_of(first, shape->length);
    for (uint64_t i = 1; i < N; i++) {
        make(shape, i, next);
        assert_true(orr_series_add(&series, next, shape->length));
    }
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_series_put(&out, &series);
    assert_true(out.length <= 4 + shape->length + 1 + shape->n_numbers * 11U);
    struct orr_reader in = orr_reader_of(out.data, out.length);
    struct orr_series read;
    orr_series_get(&in, N, &read);
    assert_false(in.bad);
    assert_int_equal(orr_reader_left(&in), 0);
    for (uint64_t i = 0; i < N; i++) {
        make(shape, i, next);
        orr_series_at(&read, i, back);
        assert_memory_equal(back, next, shape->length);
    }
    orr_series_skip(&read, 99, first);
    make(shape, 99, next);
    assert_memory_equal(first, next, shape->length);
    orr_bytes_release(&out);
}

static void others_are_refused_and_change_nothing(void **state)
{
    (void)state;
    static const struct shape counting = { "", 12, 1, { 2 }, { 1 }, { 3 } };
    static const struct shape five = {
        "", 60, 5, { 0, 9, 18, 27, 36 }, { 1, 1, 1, 1, 1 }, { 1, 1, 1, 1, 1 }
    };
    unsigned char first[ROOM];
    unsigned char next[ROOM];
    make(&five, 0, first);
    make(&five, 1, next);
    struct orr_series series = orr_series_of(first, five.length);
    assert_false(orr_series_add(&series, next, five.length)); /* too many numbers */
    assert_int_equal(series.n, 1);
    assert_true(orr_series_add(&series, first, five.length)); /* an equal one fits */
    assert_false(orr_series_add(&series, next, five.length));

    make(&counting, 0, first);
    series = orr_series_of(first, counting.length);
    make(&counting, 1, next);
    assert_false(orr_series_add(&series, next, counting.length - 1));
    assert_true(orr_series_add(&series, next, counting.length));
    assert_false(orr_series_add(&series, next, counting.length)); /* stands still */
    make(&counting, 2, next);
    for (uint32_t i = 0; i < counting.length; i++) { /* every byte counts */
        next[i] ^= 1;
        assert_false(orr_series_add(&series, next, counting.length));
        next[i] ^= 1;
    }
    assert_int_equal(series.n, 2);
    assert_true(orr_series_add(&series, next, counting.length));

    series = orr_series_of("short", 5);
    assert_false(orr_series_add(&series, "shirt", 5));
    assert_true(orr_series_add(&series, "short", 5));
}

/* Whatever bytes there are: refused, or a series whose numbers lie inside. */
static void damage_is_refused(void **state)
{
    (void)state;
    static const struct shape two = { "", 24, 2, { 3, 16 }, { 1, 9 }, { 3, -300 } };
    unsigned char first[ROOM];
    unsigned char next[ROOM];
    unsigned char back[ROOM * 4];
    make(&two, 0, first);
    make(&two, 1, next);
    struct orr_series series = orr_series_of(first, two.length);
    assert_true(orr_series_add(&series, next, two.length));
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_series_put(&out, &series);
    for (size_t cut = 0; cut < out.length; cut++) {
        unsigned char *exact = malloc(cut + 1);
        memcpy(exact, out.data, cut);
        struct orr_reader in = orr_reader_of(exact, cut);
        orr_series_get(&in, 2, &series);
        assert_true(in.bad);
        free(exact);
    }
    srand(7);
    for (int round = 0; round < 200000; round++) {
        unsigned char bytes[ROOM];
        memcpy(bytes, out.data, out.length);
        for (int k = rand() % 3; k >= 0; k--)
            bytes[(size_t)rand() % out.length] = (unsigned char)rand();
        struct orr_reader in = orr_reader_of(bytes, out.length);
        orr_series_get(&in, 2, &series);
        if (in.bad)
            continue;
        assert_true(series.length <= out.length && series.n_steps <= ORR_SERIES_STEPS);
        orr_series_at(&series, 1000, back);
    }
    orr_bytes_release(&out);
}

int main(void)
{
    enum { N = sizeof even / sizeof *even };
    struct CMUnitTest tests[N + 2];
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest) { .name = even[i].name,
                                         .test_func = even_ones_come_back,
                                         .initial_state = &even[i] };
    tests[N] =
        (struct CMUnitTest)cmocka_unit_test(others_are_refused_and_change_nothing);
    tests[N + 1] = (struct CMUnitTest)cmocka_unit_test(damage_is_refused);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
