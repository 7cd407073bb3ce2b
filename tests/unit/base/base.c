/* base.c - hashes, maps, bytes, texts, files, arenas */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/hashes.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/rows.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Vectors of RFC 3720, B.4. */
static void crc32c_is_castagnoli(void **state)
{
    (void)state;
    unsigned char bytes[32];
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(orr_crc32c(0, bytes, 32), 0x8A9136AA);
    memset(bytes, 0xFF, sizeof bytes);
    assert_int_equal(orr_crc32c(0, bytes, 32), 0x62A8AB43);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(orr_crc32c(0, bytes, 32), 0x46DD794E);
    assert_int_equal(orr_crc32c(orr_crc32c(0, bytes, 13), bytes + 13, 19), 0x46DD794E);
    assert_int_equal(orr_crc32c(0, "123456789", 9), 0xE3069283);
}

static void hash_of_pieces_is_hash_of_all(void **state)
{
    (void)state;
    char text[1000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7);
    struct orr_hasher *hasher = orr_hasher_new();
    for (int round = 0; round < 2; round++) { /* end starts anew */
        for (size_t at = 0; at < sizeof text; at += 100)
            orr_hasher_add(hasher, text + at, 100);
        assert_true(orr_id_equal(orr_hasher_end(hasher), orr_hash(text, sizeof text)));
    }
    orr_hasher_free(hasher);
}

/* Numbers with few different hashes: all of them are found, each under its own. */
static void hashes_keep_several_numbers(void **state)
{
    (void)state;
    struct orr_hashes hashes = { 0 };
    struct orr_probe probe = orr_probe_of(&hashes, 1);
    uint32_t number = 0;
    assert_false(orr_probe_next(&hashes, &probe, &number));
    orr_hashes_expect(&hashes, 1);
    for (uint32_t i = 0; i < 20000; i++)
        orr_hashes_add(&hashes, i % 3 ? i * UINT64_C(0x9E3779B97F4A7C15) : i % 7, i);
    for (uint32_t i = 1; i < 20000; i += 3) {
        probe = orr_probe_of(&hashes, i * UINT64_C(0x9E3779B97F4A7C15));
        bool found = false;
        while (orr_probe_next(&hashes, &probe, &number))
            found = found || number == i;
        assert_true(found);
    }
    uint32_t n = 0;
    for (uint64_t hash = 0; hash < 7; hash++) {
        probe = orr_probe_of(&hashes, hash);
        while (orr_probe_next(&hashes, &probe, &number))
            n += number % 3 == 0 && number % 7 == hash;
    }
    assert_int_equal(n, 6667);
    orr_hashes_replace(&hashes, 3, 3, 123456);
    bool replaced = false;
    for (probe = orr_probe_of(&hashes, 3); orr_probe_next(&hashes, &probe, &number);) {
        assert_int_not_equal(number, 3);
        replaced = replaced || number == 123456;
    }
    assert_true(replaced);
    orr_hashes_release(&hashes);
}

static void rows_never_move(void **state)
{
    (void)state;
    struct orr_rows rows = { .size = 24 };
    uint64_t *first = orr_rows_add(&rows);
    *first = 1;
    for (uint64_t i = 1; i < 300000; i++) {
        uint64_t *row = orr_rows_add(&rows);
        assert_int_equal(row[0] + row[1] + row[2], 0);
        row[0] = i + 1;
        row[2] = i;
    }
    assert_ptr_equal(orr_rows_at(&rows, 0), first);
    for (uint32_t i = 0; i < rows.n; i++)
        assert_int_equal(*(uint64_t *)orr_rows_at(&rows, i), i + 1);
    orr_rows_release(&rows);
    assert_int_equal(rows.n, 0);
}

static void map_keeps_what_is_inserted(void **state)
{
    (void)state;
    struct orr_map map = ORR_MAP_INIT;
    assert_null(orr_map_find(&map, 7));
    for (uint64_t i = 0; i < 100000; i++) {
        bool fresh = false;
        uint64_t *value = orr_map_insert(&map, i * i, &fresh);
        assert_true(fresh);
        *value = i;
    }
    for (uint64_t i = 0; i < 100000; i++)
        assert_int_equal(*orr_map_find(&map, i * i), i);
    assert_null(orr_map_find(&map, 3));
    bool fresh = true;
    assert_int_equal(*orr_map_insert(&map, 49, &fresh), 7);
    assert_false(fresh);
    orr_map_release(&map);
}

static void bytes_come_back(void **state)
{
    (void)state;
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_put_u8(&out, 200);
    orr_put_u16(&out, 60000);
    orr_put_u32(&out, 4000000000U);
    orr_put_u64(&out, UINT64_MAX - 1);
    orr_put_i64(&out, INT64_MIN);
    orr_put_f64(&out, -0.1);
    orr_put_string(&out, "abc", 3);
    assert_int_equal(out.data[1], 60000 & 0xFF); /* little-endian */
    struct orr_reader in = orr_reader_of(out.data, out.length);
    size_t length = 0;
    assert_int_equal(orr_get_u8(&in), 200);
    assert_int_equal(orr_get_u16(&in), 60000);
    assert_int_equal(orr_get_u32(&in), 4000000000U);
    assert_true(orr_get_u64(&in) == UINT64_MAX - 1);
    assert_true(orr_get_i64(&in) == INT64_MIN);
    assert_true(orr_get_f64(&in) == -0.1);
    assert_memory_equal(orr_get_string(&in, &length), "abc", 3);
    assert_int_equal(orr_reader_left(&in), 0);
    assert_false(in.bad);
    assert_int_equal(orr_get_u8(&in), 0);
    assert_true(in.bad);
    orr_bytes_release(&out);
}

static void reading_past_the_end_is_sticky(void **state)
{
    (void)state;
    struct orr_bytes out = ORR_BYTES_INIT;
    size_t length = 1;
    orr_put_u32(&out, 100); /* a string longer than what follows */
    orr_put_u32(&out, 1);
    struct orr_reader in = orr_reader_of(out.data, out.length);
    assert_null(orr_get_string(&in, &length));
    assert_int_equal(length, 0);
    assert_int_equal(orr_get_u32(&in), 0);
    assert_true(in.bad);
    orr_bytes_release(&out);
}

static void json_quotes_everything(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "plain", "\"plain\"" },
        { "a\"b\\c", "\"a\\\"b\\\\c\"" },
        { "line\nand\ttab\r", "\"line\\nand\\ttab\\r\"" },
        { "\x01", "\"\\u0001\"" },
        { "\xC3\xA9", "\"\xC3\xA9\"" },
        { "\xC3", "\"\xEF\xBF\xBD\"" },                                 /* cut */
        { "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" }, /* surrogate */
        { "\xC0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },                 /* overlong */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct orr_text text = ORR_TEXT_INIT;
        orr_text_json(&text, cases[i].in, strlen(cases[i].in));
        assert_string_equal(text.s, cases[i].out);
        orr_text_release(&text);
    }
}

static void nearest_name_is_near(void **state)
{
    (void)state;
    static const char *const names[] = { "encode", "probe", "split", "mux" };
    assert_string_equal(orr_text_nearest("encdoe", names, 4), "encode");
    assert_string_equal(orr_text_nearest("prob", names, 4), "probe");
    assert_null(orr_text_nearest("xyz", names, 4));
    assert_null(orr_text_nearest("", names, 4));
    static const char *const words[] = { "doc", "bool", "size", "fmt", "rung" };
    assert_null(orr_text_nearest("foo", words, 5)); /* a likeness, not a guess */
    assert_null(orr_text_nearest("file", words, 5));
    assert_string_equal(orr_text_nearest("rnug", words, 5), "rung");
    assert_string_equal(orr_text_nearest("bol", words, 5), "bool");
}

static void paths_are_short_below_the_working_directory(void **state)
{
    (void)state;
    char *here = realpath(".", NULL);
    char *path = orr_path_join(here, "a/b.yaml");
    assert_string_equal(orr_path_short(path), "a/b.yaml");
    assert_string_equal(orr_path_short("./a/b.yaml"), "a/b.yaml");
    assert_string_equal(orr_path_short("../b.yaml"), "../b.yaml");
    assert_string_equal(orr_path_short("/nowhere/b.yaml"), "/nowhere/b.yaml");
    assert_string_equal(orr_path_short(here), here);
    free(path);
    free(here);
}

static void files_appear_whole_or_not_at_all(void **state)
{
    (void)state;
    char directory[] = "/tmp/orrery-base-XXXXXX";
    struct orr_error err = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    assert_non_null(mkdtemp(directory));
    char *path = orr_path_join(directory, "deep/er/file");
    char *parent = orr_path_directory(path);
    assert_int_equal(orr_file_write(path, "x", 1, true, &err), ORR_ERR_STORE);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(orr_mkdirs(parent, 0700, &err), ORR_OK);
    assert_int_equal(orr_mkdirs(parent, 0700, &err), ORR_OK); /* again is fine */
    assert_int_equal(orr_file_write(path, "hello", 5, true, &err), ORR_OK);
    assert_int_equal(orr_file_read(path, 100, &text, &err), ORR_OK);
    assert_string_equal(text.s, "hello");
    assert_int_equal(orr_file_read(path, 4, &text, &err), ORR_ERR_LIMIT);
    assert_int_equal(orr_file_read(directory, 4, &text, &err), ORR_ERR_INPUT);
    orr_text_release(&text);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(parent), 0); /* no temporary file is left */
    free(parent);
    free(path);
}

static void arena_memory_is_aligned_and_zeroed(void **state)
{
    (void)state;
    struct orr_arena arena = ORR_ARENA_INIT;
    for (size_t size = 1; size < 100000; size = size * 3 + 1) {
        unsigned char *p = orr_arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)p % 8, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAA, size);
    }
    orr_arena_reset(&arena);
    assert_int_equal(*(unsigned char *)orr_arena_alloc(&arena, 8), 0);
    assert_string_equal(orr_arena_printf(&arena, "%d-%s", 5, "x"), "5-x");
    orr_arena_release(&arena);
}

static const char *one_source(void *context, const char *file)
{
    (void)file;
    return context;
}

static void findings_show_line_and_caret(void **state)
{
    (void)state;
    struct orr_diags diags = { 0 };
    struct orr_text out = ORR_TEXT_INIT;
    orr_diag_warning(&diags, (struct orr_span) { "f.yaml", 3, 2 }, "W1", "later");
    orr_diag_error(&diags, (struct orr_span) { "f.yaml", 2, 3 }, "E1", "unknown '%s'",
                   "x");
    orr_diag_hint(&diags, "did you mean '%s'?", "y");
    orr_diags_render(&diags, one_source, "first\n\tab x\nthird\n", &out);
    assert_string_equal(out.s,
                        "f.yaml:2:3: error: unknown 'x'; did you mean 'y'? [E1]\n"
                        "    \tab x\n"
                        "    \t ^\n"
                        "f.yaml:3:2: warning: later [W1]\n"
                        "    third\n"
                        "     ^\n");
    assert_int_equal(diags.errors, 1);
    assert_int_equal(diags.warnings, 1);
    orr_text_release(&out);
    orr_diags_release(&diags);
}

/* Of a long line what is around the place; characters count, not bytes; every line
 * break of YAML counts. */
static void diags_show_long_lines(void **state)
{
    (void)state;
    struct orr_diags diags = { 0 };
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_text source = ORR_TEXT_INIT;
    struct orr_text wanted = ORR_TEXT_INIT;
    orr_text_puts(&source, "one\r\ntwo\xC2\x85");
    for (int i = 0; i < 300; i++)
        orr_text_puts(&source, "\xC3\xA9");
    orr_text_puts(&source, "x\xE2\x80\xA8last");
    orr_diag_error(&diags, (struct orr_span) { "f.yaml", 3, 301 }, "E1", "here");
    orr_diag_error(&diags, (struct orr_span) { "f.yaml", 4, 1 }, "E1", "there");
    orr_diag_error(&diags, (struct orr_span) { "f.yaml", 9, 1 }, "E1", "nowhere");
    orr_diags_render(&diags, one_source, source.s, &out);
    orr_text_puts(&wanted, "f.yaml:3:301: error: here [E1]\n    ...");
    for (int i = 0; i < 60; i++)
        orr_text_puts(&wanted, "\xC3\xA9");
    orr_text_printf(&wanted, "x\n       %60s^\n", "");
    orr_text_puts(&wanted, "f.yaml:4:1: error: there [E1]\n    last\n    ^\n"
                           "f.yaml:9:1: error: nowhere [E1]\n");
    assert_string_equal(out.s, wanted.s);
    orr_text_release(&out);
    orr_text_release(&source);
    orr_text_release(&wanted);
    orr_diags_release(&diags);
}

static void durations_read_well(void **state)
{
    (void)state;
    char text[ORR_TIME_TEXT];
    orr_duration_text(0.25, text);
    assert_string_equal(text, "250 ms");
    orr_duration_text(12.34, text);
    assert_string_equal(text, "12.3 s");
    orr_duration_text(200, text);
    assert_string_equal(text, "3 min 20 s");
    orr_duration_text(3725, text);
    assert_string_equal(text, "1 h 02 min");
}

static const struct text_case {
    const char *from, *utf8, *visible;
} text_cases[] = {
    { "", "", "" },
    { "plain\ttext\n", "plain\ttext\n", "plain\ttext\n" },
    { "\033[31mred\r\b\177", "\033[31mred\r\b\177", "\\x1b[31mred\\x0d\\x08\\x7f" },
    { "\xC3\xBC \xE2\x82\xAC \xF0\x9F\x8E\xAC",
      "\xC3\xBC \xE2\x82\xAC \xF0\x9F\x8E\xAC",
      "\xC3\xBC \xE2\x82\xAC \xF0\x9F\x8E\xAC" },
    { "\xFF"
      "a\xC3",
      "\xEF\xBF\xBD"
      "a\xEF\xBF\xBD",
      "\\xffa\\xc3" },
    { "\xC2\x9B"
      "31m",
      "\xC2\x9B"
      "31m",
      "\\xc2\\x9b31m" }, /* CSI in one character */
    { "a\xE2\x80\xAE"
      "b",
      "a\xE2\x80\xAE"
      "b",
      "a\\xe2\\x80\\xaeb" }, /* turns round */
    { "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", "\\xed\\xa0\\x80" },
};

static void texts_are_made_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof text_cases / sizeof *text_cases; i++) {
        const struct text_case *is = &text_cases[i];
        struct orr_text utf8 = ORR_TEXT_INIT;
        struct orr_text visible = ORR_TEXT_INIT;
        orr_text_utf8(&utf8, is->from, strlen(is->from));
        orr_text_visible(&visible, is->from, strlen(is->from));
        assert_string_equal(utf8.s ? utf8.s : "", is->utf8);
        assert_string_equal(visible.s ? visible.s : "", is->visible);
        assert_int_equal(orr_utf8_bad(is->utf8, strlen(is->utf8)), strlen(is->utf8));
        orr_text_release(&utf8);
        orr_text_release(&visible);
    }
    assert_int_equal(orr_utf8_bad("ab\xFF"
                                  "c",
                                  4),
                     2);
}

static void pids_live_and_die(void **state)
{
    char space[ORR_PID_SPACE];
    char again[ORR_PID_SPACE];
    int status = 0;
    (void)state;
    orr_pid_space(space);
    orr_pid_space(again);
    assert_string_equal(space, again);
    assert_non_null(strchr(space, '/'));
    assert_true(orr_pid_lives(getpid()));
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(orr_pid_lives(child));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_is_castagnoli),
        cmocka_unit_test(hash_of_pieces_is_hash_of_all),
        cmocka_unit_test(map_keeps_what_is_inserted),
        cmocka_unit_test(hashes_keep_several_numbers),
        cmocka_unit_test(rows_never_move),
        cmocka_unit_test(bytes_come_back),
        cmocka_unit_test(reading_past_the_end_is_sticky),
        cmocka_unit_test(json_quotes_everything),
        cmocka_unit_test(texts_are_made_harmless),
        cmocka_unit_test(nearest_name_is_near),
        cmocka_unit_test(paths_are_short_below_the_working_directory),
        cmocka_unit_test(files_appear_whole_or_not_at_all),
        cmocka_unit_test(arena_memory_is_aligned_and_zeroed),
        cmocka_unit_test(findings_show_line_and_caret),
        cmocka_unit_test(diags_show_long_lines),
        cmocka_unit_test(durations_read_well),
        cmocka_unit_test(pids_live_and_die),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
