/* runs.c - what goes together in a message comes apart as it was */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "orrery/function.h"
#include "wire/runs.h"

#include <stdlib.h>
#include <string.h>

enum { N = 1000, ARGS = 12 };

/* Attempt `i` of a range, and where the series breaks. */
static struct orr_assignment attempt(uint32_t i, unsigned char *args)
{
    memset(args, 7, ARGS);
    orr_store_u64(args + 2, i == 500 ? 1 : i);
    return (struct orr_assignment) { .task = i < 700 ? i : i + 1,
                                     .attempt = i == 300 ? 2 : 1,
                                     .function = i / 400,
                                     .request = 3,
                                     .identity = orr_hash(&i, sizeof i),
                                     .priority = i == 100 ? 9 : 0,
                                     .queued = 1000 + (i < 900 ? 0 : 10000000),
                                     .args = args,
                                     .args_length = ARGS };
}

static void assert_same(const struct orr_assignment *a, const struct orr_assignment *b)
{
    assert_int_equal(a->task, b->task);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->function, b->function);
    assert_int_equal(a->request, b->request);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->queued, b->queued);
    assert_true(orr_id_equal(a->identity, b->identity));
    assert_int_equal(a->args_length, b->args_length);
    assert_memory_equal(a->args, b->args, a->args_length);
}

static void put_all(struct orr_bytes *out)
{
    static unsigned char args[N][ARGS]; /* borrowed until the flush */
    struct orr_assigning assigning = { 0 };
    for (uint32_t i = 0; i < N; i++) {
        struct orr_assignment a = attempt(i, args[i]);
        orr_assigning_add(&assigning, out, &a);
    }
    orr_assigning_flush(&assigning, out);
    orr_assigning_flush(&assigning, out); /* nothing more */
}

static void assignments_come_back_in_order(void **state)
{
    (void)state;
    struct orr_bytes out = ORR_BYTES_INIT;
    put_all(&out);
    struct orr_reader in = orr_reader_of(out.data, out.length);
    uint32_t n = 0;
    uint32_t runs = 0;
    while (orr_reader_left(&in)) {
        struct orr_assignment_run run;
        assert_int_equal(orr_assignment_run_get(&in, &run), ORR_OK);
        assert_true(run.n <= ORR_RUN_MAX);
        for (uint32_t i = 0; i < run.n; i++, n++) {
            unsigned char args[ARGS];
            unsigned char wanted[ARGS];
            struct orr_assignment a;
            struct orr_assignment b = attempt(n, wanted);
            orr_assignment_of(&run, i, args, &a);
            assert_same(&a, &b);
        }
        runs++;
    }
    assert_int_equal(n, N);
    assert_in_range(runs, 10, 14); /* a break is one or two entries */
    assert_true(out.length < N * (ORR_RUN_ID_BYTES + 2));
    orr_bytes_release(&out);
}

/* Every cut, and random bytes: refused, or within bounds. */
static void damage_is_refused(void **state)
{
    (void)state;
    struct orr_bytes out = ORR_BYTES_INIT;
    put_all(&out);
    struct orr_assignment_run run;
    struct orr_reader whole = orr_reader_of(out.data, out.length);
    assert_int_equal(orr_assignment_run_get(&whole, &run), ORR_OK);
    size_t length = whole.at;
    for (size_t cut = 0; cut < length; cut++) {
        unsigned char *exact = malloc(cut + 1);
        memcpy(exact, out.data, cut);
        struct orr_reader in = orr_reader_of(exact, cut);
        assert_int_equal(orr_assignment_run_get(&in, &run), ORR_ERR_DATA);
        free(exact);
    }
    unsigned char *bytes = malloc(length);
    srand(3);
    for (int round = 0; round < 100000; round++) {
        memcpy(bytes, out.data, length);
        bytes[(size_t)rand() % 80] = (unsigned char)rand();
        bytes[(size_t)rand() % 80] = (unsigned char)rand();
        struct orr_reader in = orr_reader_of(bytes, length);
        if (orr_assignment_run_get(&in, &run) != ORR_OK)
            continue;
        unsigned char *args = malloc(run.args.length + 1U);
        struct orr_assignment a;
        orr_assignment_of(&run, run.n - 1, args, &a);
        assert_true(a.task >= run.first.task);
        free(args);
    }
    free(bytes);
    orr_bytes_release(&out);
}

static struct orr_done ended(uint32_t i, unsigned char *results)
{
    orr_store_u64(results, i * 5);
    return (struct orr_done) { .task = i,
                               .attempt = 1,
                               .rank = 4,
                               .core = 2,
                               .failure = i == 50 ? ORR_FAIL_EXIT : ORR_FAIL_NONE,
                               .code = i == 50 ? 3 : 0,
                               .message = i == 50 ? "no" : "",
                               .results = results,
                               .results_length = 8,
                               .t_start = 1000 * i,
                               .t_end = 1000 * i + 7 + (i == 70 ? 50000000 : i % 3),
                               .cpu = 5,
                               .blob_bytes = i == 60 ? 10 : 0,
                               .counters = i == 80 ? "n=1\n" : "" };
}

static void put_reports(struct orr_bytes *out)
{
    static unsigned char results[N][8];
    struct orr_reporting reporting = { 0 };
    for (uint32_t i = 0; i < N; i++) {
        char message[4] = "";
        char counters[8] = "";
        struct orr_done d = ended(i, results[i]);
        strcpy(message, d.message);
        strcpy(counters, d.counters);
        d.message = message;
        d.counters = counters;
        orr_reporting_add(&reporting, out, &d);
        memset(message, 'x', sizeof message); /* texts are not borrowed */
        memset(counters, 'x', sizeof counters);
    }
    orr_reporting_flush(&reporting, out);
}

/* What is told of many at once: times add up, results are each its own. What is not a
 * short plain success stands alone. */
static void reports_come_back_in_order(void **state)
{
    (void)state;
    struct orr_bytes out = ORR_BYTES_INIT;
    struct orr_arena arena = ORR_ARENA_INIT;
    put_reports(&out);
    struct orr_reader in = orr_reader_of(out.data, out.length);
    int64_t wall = 0;
    int64_t cpu = 0;
    uint32_t n = 0;
    uint32_t alone = 0;
    while (orr_reader_left(&in)) {
        struct orr_done_run run;
        assert_int_equal(orr_done_run_get(&in, &arena, &run), ORR_OK);
        alone += run.n == 1;
        for (uint32_t i = 0; i < run.n; i++, n++) {
            unsigned char buffer[8];
            unsigned char wanted[8];
            struct orr_done d;
            struct orr_done w = ended(n, wanted);
            orr_done_of(&run, i, buffer, &d);
            assert_int_equal(d.task, n);
            assert_int_equal(d.failure, w.failure);
            assert_int_equal(d.code, w.code);
            assert_int_equal(d.blob_bytes, w.blob_bytes);
            assert_string_equal(d.message, w.message);
            assert_string_equal(d.counters, w.counters);
            assert_int_equal(d.results_length, 8);
            assert_memory_equal(d.results, wanted, 8);
            wall += d.t_end - d.t_start - (w.t_end - w.t_start);
            cpu += d.cpu;
        }
    }
    assert_int_equal(n, N);
    assert_int_equal(alone, 4);
    assert_int_equal(wall, 0);
    assert_int_equal(cpu, 5 * N);
    assert_true(out.length < 3000);
    orr_arena_release(&arena);
    orr_bytes_release(&out);
}

static void damaged_reports_are_refused(void **state)
{
    (void)state;
    struct orr_bytes out = ORR_BYTES_INIT;
    struct orr_done_run run;
    put_reports(&out);
    struct orr_arena whole = ORR_ARENA_INIT;
    struct orr_reader first = orr_reader_of(out.data, out.length);
    assert_int_equal(orr_done_run_get(&first, &whole, &run), ORR_OK);
    orr_arena_release(&whole);
    for (size_t cut = 0; cut < first.at; cut++) {
        unsigned char *exact = malloc(cut + 1);
        struct orr_arena arena = ORR_ARENA_INIT;
        memcpy(exact, out.data, cut);
        struct orr_reader in = orr_reader_of(exact, cut);
        assert_int_equal(orr_done_run_get(&in, &arena, &run), ORR_ERR_DATA);
        orr_arena_release(&arena);
        free(exact);
    }
    srand(5);
    for (int round = 0; round < 100000; round++) {
        unsigned char bytes[120];
        unsigned char results[256];
        struct orr_arena arena = ORR_ARENA_INIT;
        struct orr_done d;
        memcpy(bytes, out.data, sizeof bytes);
        bytes[rand() % 100] = (unsigned char)rand();
        bytes[rand() % 100] = (unsigned char)rand();
        struct orr_reader in = orr_reader_of(bytes, sizeof bytes);
        if (orr_done_run_get(&in, &arena, &run) == ORR_OK) {
            orr_done_of(&run, run.n - 1, results, &d);
            assert_true(d.t_end >= d.t_start || run.n == 1);
        }
        orr_arena_release(&arena);
    }
    orr_bytes_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assignments_come_back_in_order),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(reports_come_back_in_order),
        cmocka_unit_test(damaged_reports_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
