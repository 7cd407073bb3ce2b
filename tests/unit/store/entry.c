/* entry.c - the words and entries of a group: what is put comes back, what is damaged
 * does not */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "store/entry.h"

#include <stdlib.h>
#include <string.h>

static const struct orr_column columns[] = { { "frame", "u4", NULL, "number" },
                                             { "psnr", "f4", "dB", "" },
                                             { 0 } };

/* The extremes of every number, and texts that are there, empty and missing. */
static void make(struct orr_stored *s, unsigned i)
{
    static const int64_t times[] = { 0, 1, -1, INT64_MAX, INT64_MIN, 1700000000 };
    static const uint32_t words[] = { 0, 1, 127, 128, UINT32_MAX };
    static const char *const texts[] = { "", "a", "two\nlines" };
    static const struct orr_stored_counter counters[] = { { "frames", 1.5 },
                                                          { "frames", -0.0 } };
    *s = (struct orr_stored) { .id = { i, UINT64_MAX - i },
                               .function = texts[i % 3],
                               .attempt = words[i % 5],
                               .failure = (enum orr_fail_kind)(i % (ORR_FAIL_IO + 1)),
                               .code = i % 2 ? INT32_MIN : INT32_MAX,
                               .message = texts[(i + 1) % 3],
                               .warnings = i % 4 ? texts[i % 3] : NULL,
                               .error_tail = "tail",
                               .error_tail_bytes = i % 5,
                               .args = "arguments",
                               .args_bytes = i % 10,
                               .results = "results",
                               .results_bytes = i % 8,
                               .counters = counters,
                               .n_counters = i % 3,
                               .host = "node",
                               .rank = words[(i + 2) % 5],
                               .core = words[(i + 3) % 5],
                               .t_start = times[i % 6],
                               .t_end = times[(i + 1) % 6],
                               .cpu_user = times[(i + 2) % 6],
                               .cpu_sys = times[(i + 3) % 6],
                               .max_rss = i % 2 ? UINT64_MAX : 4096,
                               .queued = times[(i + 4) % 6] };
    if (i % 3 == 1) {
        s->columns = columns;
        s->n_rows = words[1 + i % 4];
        s->row_bytes = 8;
    }
}

static struct orri_bulk bulk_of(unsigned i)
{
    return (struct orri_bulk) { .at = i % 3 == 1 || i % 4 == 0 ? i * 1000 : 0,
                                .rows_crc = i % 3 == 1 ? i : 0,
                                .blob_crc = i % 4 == 0 ? ~i : 0,
                                .blob_bytes = i % 4 == 0 ? UINT64_C(1) << 40 : 0 };
}

static void same_text(const char *a, const char *b)
{
    assert_string_equal(a ? a : "", b ? b : "");
}

static void expect(const struct orr_stored *is, const struct orri_bulk *bulk,
                   unsigned i)
{
    struct orr_stored s;
    make(&s, i);
    struct orri_bulk b = bulk_of(i);
    assert_true(orr_id_equal(is->id, s.id));
    same_text(is->function, s.function);
    same_text(is->host, s.host);
    same_text(is->message, s.message);
    same_text(is->warnings, s.warnings);
    assert_int_equal(is->error_tail_bytes, s.error_tail_bytes);
    assert_memory_equal(is->error_tail, s.error_tail, s.error_tail_bytes);
    assert_int_equal(is->failure, s.failure);
    assert_int_equal(is->code, s.code);
    assert_int_equal(is->attempt, s.attempt);
    assert_int_equal(is->rank, s.rank);
    assert_int_equal(is->core, s.core);
    assert_int_equal(is->t_start, s.t_start);
    assert_int_equal(is->t_end, s.t_end);
    assert_int_equal(is->cpu_user, s.cpu_user);
    assert_int_equal(is->cpu_sys, s.cpu_sys);
    assert_int_equal(is->max_rss, s.max_rss);
    assert_int_equal(is->queued, s.queued);
    assert_int_equal(is->args_bytes, s.args_bytes);
    assert_memory_equal(is->args, s.args, s.args_bytes);
    assert_int_equal(is->results_bytes, s.results_bytes);
    assert_memory_equal(is->results, s.results, s.results_bytes);
    assert_int_equal(is->n_counters, s.n_counters);
    for (uint32_t c = 0; c < s.n_counters; c++)
        same_text(is->counters[c].name, s.counters[c].name);
    assert_int_equal(is->n_rows, s.n_rows);
    if (s.n_rows) {
        assert_int_equal(is->row_bytes, 8);
        same_text(is->columns[1].unit, "dB");
    }
    assert_int_equal(bulk->at, b.at);
    assert_int_equal(bulk->blob_bytes, b.blob_bytes);
    assert_int_equal(bulk->blob_crc, b.blob_crc);
    assert_int_equal(bulk->rows_crc, b.rows_crc);
}

enum { ENTRIES = 500, TAG = 77 };

struct group {
    struct orr_bytes words, entries;
};

static void put_group(struct group *g)
{
    struct orri_words words = { .base = 0 };
    *g = (struct group) { .words = ORR_BYTES_INIT };
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct orr_stored s;
        struct orri_bulk bulk = bulk_of(i);
        make(&s, i);
        size_t before = g->entries.length;
        orri_entry_put(&g->entries, &words, &s, &bulk, TAG);
        assert_true(g->entries.length - before <= orri_entry_most(&s));
    }
    orri_words_put(&g->words, &words);
    orri_words_release(&words);
}

static void free_group(struct group *g)
{
    orr_bytes_release(&g->words);
    orr_bytes_release(&g->entries);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct group g;
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_arena texts = ORR_ARENA_INIT;
    struct orri_group_words words;
    put_group(&g);
    struct orr_reader in = orr_reader_of(g.words.data, g.words.length);
    assert_int_equal(orri_words_get(&in, &texts, &words, NULL), ORR_OK);
    struct orr_reader all = orr_reader_of(g.entries.data, g.entries.length);
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct orr_stored s;
        struct orri_bulk bulk;
        uint32_t length = orr_get_u32(&all);
        uint32_t crc = orr_get_u32(&all);
        const void *body = orr_get_raw(&all, length);
        assert_non_null(body);
        assert_int_equal(orr_crc32c(TAG, body, length), crc);
        struct orr_reader one = orr_reader_of(body, length);
        assert_int_equal(orri_entry_get(&one, &words, &arena, &s, &bulk, NULL), ORR_OK);
        expect(&s, &bulk, i);
        orr_arena_reset(&arena);
    }
    assert_int_equal(orr_reader_left(&all), 0);
    orr_arena_release(&arena);
    orr_arena_release(&texts);
    free_group(&g);
}

/* Words and entries of any length, and with any byte changed, are read within bounds
 * (the sanitizers watch): checksums are what keeps them from being believed. */
static void test_bounds(void **state)
{
    (void)state;
    struct group g;
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orri_group_words words;
    uint64_t refused = 0;
    put_group(&g);
    for (size_t n = 0; n < g.words.length; n++) {
        struct orr_reader in = orr_reader_of(g.words.data, n);
        assert_int_equal(orri_words_get(&in, &arena, &words, NULL), ORR_ERR_DATA);
        orr_arena_reset(&arena);
    }
    srand(5);
    struct orr_arena texts = ORR_ARENA_INIT;
    struct orr_reader in = orr_reader_of(g.words.data, g.words.length);
    assert_int_equal(orri_words_get(&in, &texts, &words, NULL), ORR_OK);
    for (int i = 0; i < 200000; i++) {
        struct orr_stored s;
        struct orri_bulk bulk;
        size_t at = (size_t)rand() % (g.entries.length - 300);
        unsigned char *copy = orr_alloc(300, 1);
        memcpy(copy, g.entries.data + at, 300);
        copy[rand() % 300] = (unsigned char)rand();
        struct orr_reader one = orr_reader_of(copy, (size_t)rand() % 301);
        refused += orri_entry_get(&one, &words, &arena, &s, &bulk, NULL) != ORR_OK;
        orr_arena_reset(&arena);
        free(copy);
    }
    assert_true(refused > 100000);
    orr_arena_release(&texts);
    orr_arena_release(&arena);
    free_group(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_round_trip),
                                        cmocka_unit_test(test_bounds) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
