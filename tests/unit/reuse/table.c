/* table.c - tables of results: found by identity, newest first; damage gives no wrong
 * result */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../store/store_kit.h"
#include "base/file.h"
#include "base/memory.h"
#include "reuse/table.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 30000 };

static struct orr_id id_of(uint64_t n) { return orr_hash(&n, sizeof n); }

struct place {
    char *folder;
    int directory;
    char *path;
};

static void begin_place(struct place *p)
{
    p->folder = kit_directory();
    p->directory = open(p->folder, O_RDONLY | O_DIRECTORY);
    p->path = orr_path_join(p->folder, "results");
}

static void end_place(struct place *p)
{
    (void)close(p->directory);
    free(p->path);
    kit_remove(p->folder);
}

static void make_table(const struct place *p, uint64_t n)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_table_writer *writer = NULL;
    uint64_t rows = 0;
    (void)unlink(p->path);
    assert_int_equal(orr_table_begin(p->path, id_of(7), "/a/run", &writer, &err),
                     ORR_OK);
    for (uint64_t i = 0; i < n; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "result %llu", (unsigned long long)i);
        orr_table_add(writer, id_of(i), 1, text, (uint32_t)strlen(text));
    }
    if (n) { /* of equal ones, the first of the newest epoch */
        orr_table_add(writer, id_of(0), 2, "newer", 5);
        orr_table_add(writer, id_of(0), 2, "newer, a duplicate", 18);
    }
    assert_int_equal(orr_table_commit(writer, &rows, &err), ORR_OK);
    assert_int_equal(rows, n);
}

static struct orr_table *open_table(const struct place *p)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_table *table = NULL;
    if (orr_table_open(p->directory, "results", &table, &err) != ORR_OK)
        fail_msg("%s", err.text);
    return table;
}

static void expect(const struct orr_table *table, uint64_t i, const char *text)
{
    struct orr_bytes bytes = ORR_BYTES_INIT;
    struct orr_error err = { .code = ORR_OK };
    assert_int_equal(orr_table_find(table, id_of(i), &bytes, &err), ORR_OK);
    assert_int_equal(bytes.length, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.length);
    orr_bytes_release(&bytes);
}

static void tables_find_all_and_nothing_else(void **state)
{
    static const uint64_t sizes[] = { 0, 1, 2, 127, 128, 129, 1000, MANY };
    struct place p;
    (void)state;
    begin_place(&p);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct orr_bytes bytes = ORR_BYTES_INIT;
        make_table(&p, sizes[s]);
        struct orr_table *table = open_table(&p);
        assert_int_equal(orr_table_results(table), sizes[s]);
        assert_string_equal(orr_table_inside(table), "/a/run");
        assert_true(orr_id_equal(orr_table_run(table), id_of(7)));
        for (uint64_t i = 0; i < sizes[s]; i++) {
            char text[32];
            (void)snprintf(text, sizeof text, "result %llu", (unsigned long long)i);
            expect(table, i, i ? text : "newer");
        }
        for (uint64_t i = 0; i < 1000; i++)
            assert_int_equal(orr_table_find(table, id_of(1000000 + i), &bytes, NULL),
                             ORR_END);
        orr_table_free(table);
        orr_bytes_release(&bytes);
    }
    end_place(&p);
}

/* Ids that are not evenly spread: found all the same. */
static void tables_find_uneven_ids(void **state)
{
    struct place p;
    struct orr_error err = { .code = ORR_OK };
    struct orr_bytes bytes = ORR_BYTES_INIT;
    struct orr_table_writer *writer = NULL;
    (void)state;
    begin_place(&p);
    assert_int_equal(orr_table_begin(p.path, id_of(7), "", &writer, &err), ORR_OK);
    for (uint64_t i = 0; i < 5000; i++) {
        struct orr_id id = { i < 2500 ? 5 : UINT64_MAX - i % 3, i };
        orr_table_add(writer, id, 1, &i, sizeof i);
    }
    assert_int_equal(orr_table_commit(writer, NULL, &err), ORR_OK);
    struct orr_table *table = open_table(&p);
    for (uint64_t i = 0; i < 5000; i++) {
        struct orr_id id = { i < 2500 ? 5 : UINT64_MAX - i % 3, i };
        assert_int_equal(orr_table_find(table, id, &bytes, &err), ORR_OK);
        assert_memory_equal(bytes.data, &i, sizeof i);
    }
    assert_int_equal(orr_table_find(table, (struct orr_id) { 6, 0 }, &bytes, &err),
                     ORR_END);
    orr_table_free(table);
    orr_bytes_release(&bytes);
    end_place(&p);
}

/* Each byte of a table in turn is another one, and each length is cut: never another
 * result, never more than an error. */
static void damaged_tables_give_no_wrong_result(void **state)
{
    struct place p;
    struct orr_text whole = ORR_TEXT_INIT;
    struct orr_error err = { .code = ORR_OK };
    (void)state;
    begin_place(&p);
    make_table(&p, 40);
    assert_int_equal(orr_file_read(p.path, 1 << 20, &whole, &err), ORR_OK);
    uint64_t missing = 0;
    for (size_t at = 0; at < 2 * whole.length; at++) {
        char *bytes = orr_alloc(whole.length, 1);
        bool cut = at >= whole.length;
        memcpy(bytes, whole.s, whole.length);
        if (!cut)
            bytes[at] = (char)(bytes[at] ^ (1 << at % 8));
        assert_int_equal(orr_file_write(p.path, bytes,
                                        cut ? at - whole.length : whole.length, false,
                                        &err),
                         ORR_OK);
        free(bytes);
        struct orr_table *table = NULL;
        if (orr_table_open(p.directory, "results", &table, &err) != ORR_OK) {
            missing++;
            continue;
        }
        struct orr_bytes found = ORR_BYTES_INIT;
        for (uint64_t i = 1; i < 40; i++) {
            char text[32];
            (void)snprintf(text, sizeof text, "result %llu", (unsigned long long)i);
            orr_status status = orr_table_find(table, id_of(i), &found, &err);
            missing += status != ORR_OK;
            if (status == ORR_OK && (found.length != strlen(text) ||
                                     memcmp(found.data, text, found.length) != 0))
                fail_msg("byte %zu: another result", at);
        }
        orr_bytes_release(&found);
        orr_table_free(table);
    }
    assert_true(missing > whole.length); /* the damage was seen */
    orr_text_release(&whole);
    end_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_find_all_and_nothing_else),
        cmocka_unit_test(tables_find_uneven_ids),
        cmocka_unit_test(damaged_tables_give_no_wrong_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
