/* runfile.c - tables go into run.h5 and come out as text; other tools can read them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../store/store_kit.h"
#include "base/file.h"
#include "base/memory.h"
#include "tables/runfile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3"

static const struct orr_type *type_of(struct orr_arena *arena, const char *text)
{
    struct orr_error err = { .code = ORR_OK };
    const struct orr_type *type = orr_type_parse(text, ORR_NO_SPAN, NULL, arena, &err);
    if (!type)
        fail_msg("%s: %s", text, err.text);
    return type;
}

static struct orr_value text_value(struct orr_arena *arena, const char *s)
{
    return orr_string_new(arena, ORR_KIND_STRING, s, strlen(s));
}

static struct orr_runfile *begin(const char *path)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_runfile *file = NULL;
    if (orr_runfile_begin(path, &file, &err) != ORR_OK)
        fail_msg("%s", err.text);
    orr_runfile_text(file, "state", "finished");
    orr_runfile_int(file, "created", 1700000000000000000);
    return file;
}

static void commit(struct orr_runfile *file)
{
    struct orr_error err = { .code = ORR_OK };
    if (orr_runfile_commit(file, &err) != ORR_OK)
        fail_msg("%s", err.text);
}

static char *printed(const char *path, const char *table, enum orr_print_format format)
{
    char *text = NULL;
    size_t length = 0;
    struct orr_error err = { .code = ORR_OK };
    FILE *out = open_memstream(&text, &length);
    if (orr_table_print(path, table, &(struct orr_print) { .format = format }, out,
                        &err) != ORR_OK)
        fail_msg("%s", err.text);
    (void)fclose(out);
    return text;
}

static void expect_print(const char *path, const char *table,
                         enum orr_print_format format, const char *want)
{
    char *have = printed(path, table, format);
    assert_string_equal(have, want);
    free(have);
}

/* --- every kind of value ---------------------------------------------------- */

static const struct {
    const char *name, *type, *unit;
} kinds[] = {
    { "ok", "bool", NULL },         { "n", "int?", NULL },
    { "score", "float?", "dB" },    { "name", "string", NULL },
    { "note", "string?", NULL },    { "took", "duration?", NULL },
    { "room", "size", NULL },       { "data", "blob?", NULL },
    { "list", "list<int>?", NULL }, { "at", "{x: int, y: string}", NULL },
};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static struct orr_value record_value(struct orr_arena *arena,
                                     const struct orr_type *type, int64_t x,
                                     const char *y)
{
    struct orr_record *record = orr_record_new(arena, type->record);
    record->fields[0] = orr_int(x);
    record->fields[1] = text_value(arena, y);
    return orr_value_of_record(record);
}

static void fill_first(struct orr_arena *arena, const struct orr_type *at,
                       struct orr_value *row)
{
    struct orr_blob *blob = orr_arena_alloc(arena, sizeof *blob);
    struct orr_list *list = orr_list_new(arena, 2);
    *blob = (struct orr_blob) { .hash = { 0xabc, 0xdef },
                                .length = 77,
                                .writer = 4,
                                .epoch = 2,
                                .segment = 9,
                                .offset = 4096 };
    list->items[0] = orr_int(1);
    list->items[1] = orr_int(-2);
    row[0] = orr_bool(true);
    row[1] = orr_int(-5);
    row[2] = orr_float(41.25);
    row[3] = text_value(arena, "caf\xc3\xa9, \"x\"");
    row[4] = text_value(arena, "line\nbreak");
    row[5] = (struct orr_value) { .kind = ORR_KIND_DURATION, .as.i = 1500000000 };
    row[6] = (struct orr_value) { .kind = ORR_KIND_SIZE, .as.i = 1 << 20 };
    row[7] = (struct orr_value) { .kind = ORR_KIND_BLOB, .as.blob = blob };
    row[8] = orr_value_of_list(list);
    row[9] = record_value(arena, at, 3, "q");
}

static void fill_second(struct orr_arena *arena, const struct orr_type *at,
                        struct orr_value *row)
{
    for (size_t i = 0; i < N_KINDS; i++)
        row[i] = orr_null();
    row[0] = orr_bool(false);
    row[3] = text_value(arena, "b");
    row[6] = (struct orr_value) { .kind = ORR_KIND_SIZE, .as.i = 0 };
    row[9] = record_value(arena, at, 0, "");
}

static void write_kinds(const char *path)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_error err = { .code = ORR_OK };
    struct orr_table_column columns[N_KINDS];
    struct orr_value row[N_KINDS];
    struct orr_runfile *file = begin(path);
    for (size_t i = 0; i < N_KINDS; i++)
        columns[i] =
            (struct orr_table_column) { kinds[i].name, type_of(&arena, kinds[i].type),
                                        kinds[i].unit, "a column" };
    struct orr_runtable *table =
        orr_runfile_table(file, "facts/thing", "things that are", columns, N_KINDS);
    fill_first(&arena, columns[9].type, row);
    assert_int_equal(orr_runtable_row(table, row, &err), ORR_OK);
    fill_second(&arena, columns[9].type, row);
    assert_int_equal(orr_runtable_row(table, row, &err), ORR_OK);
    (void)orr_runfile_table(file, "errors", "none at all", columns, 3);
    commit(file);
    orr_arena_release(&arena);
}

static void test_kinds(void **state)
{
    (void)state;
    char *dir = kit_directory();
    char *path = orr_path_join(dir, "run.h5");
    write_kinds(path);
    expect_print(
        path, "facts/thing", ORR_PRINT_JSON,
        "[\n  {\"ok\": true, \"n\": -5, \"score\": 41.25, \"name\": \"caf\xc3\xa9, "
        "\\\"x\\\"\", \"note\": \"line\\nbreak\", \"took\": 1.5, \"room\": 1048576, "
        "\"data.bytes\": 77, \"data.hash\": \"0000000000000abc0000000000000def\", "
        "\"data.shard\": \"w00004-e002-s000009\", \"data.offset\": 4096, "
        "\"list\": [1, -2], \"at\": {\"x\": 3, \"y\": \"q\"}},\n"
        "  {\"ok\": false, \"n\": null, \"score\": null, \"name\": \"b\", \"note\": "
        "null, "
        "\"took\": null, \"room\": 0, \"data.bytes\": 0, \"data.hash\": \"\", "
        "\"data.shard\": \"\", \"data.offset\": 0, \"list\": null, "
        "\"at\": {\"x\": 0, \"y\": \"\"}}\n]\n");
    expect_print(
        path, "facts/thing", ORR_PRINT_CSV,
        "ok,n,score,name,note,took,room,data.bytes,data.hash,data.shard,data.offset,"
        "list,at\r\n"
        "true,-5,41.25,\"caf\xc3\xa9, \"\"x\"\"\",\"line\nbreak\",1.5,1048576,77,"
        "0000000000000abc0000000000000def,w00004-e002-s000009,4096,\"[1, -2]\","
        "\"{\"\"x\"\": 3, \"\"y\"\": \"\"q\"\"}\"\r\n"
        "false,,,b,,,0,0,,,0,,\"{\"\"x\"\": 0, \"\"y\"\": \"\"\"\"}\"\r\n");
    expect_print(path, "errors", ORR_PRINT_JSON, "[]\n");
    expect_print(path, "errors", ORR_PRINT_CSV, "ok,n,score\r\n");
    expect_print(path, "errors", ORR_PRINT_TABLE, "ok  n  score\n");
    free(path);
    kit_remove(dir);
}

static void test_aligned(void **state)
{
    (void)state;
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_error err = { .code = ORR_OK };
    char *dir = kit_directory();
    char *path = orr_path_join(dir, "run.h5");
    struct orr_runfile *file = begin(path);
    const struct orr_table_column columns[] = {
        { "name", type_of(&arena, "string"), NULL, NULL },
        { "n", type_of(&arena, "int"), NULL, NULL },
        { "text", type_of(&arena, "string?"), NULL, NULL },
    };
    struct orr_runtable *table = orr_runfile_table(file, "t", NULL, columns, 3);
    struct orr_value a[] = { text_value(&arena, "\xc3\xa9"), orr_int(5), orr_null() };
    struct orr_value b[] = { text_value(&arena, "long one"), orr_int(12345),
                             text_value(&arena, "x\ty") };
    assert_int_equal(orr_runtable_row(table, a, &err), ORR_OK);
    assert_int_equal(orr_runtable_row(table, b, &err), ORR_OK);
    commit(file);
    expect_print(path, "t", ORR_PRINT_TABLE,
                 "name          n  text\n"
                 "\xc3\xa9             5  -\n"
                 "long one  12345  x y\n");
    orr_arena_release(&arena);
    free(path);
    kit_remove(dir);
}

/* --- sizes ------------------------------------------------------------------ */

static void add_name(void *context, const char *name, uint64_t rows,
                     const char *description)
{
    struct orr_text *text = context;
    orr_text_printf(text, "%s %llu %s\n", name, (unsigned long long)rows, description);
}

static void expect_tables(const char *path, const char *want)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_error err = { .code = ORR_OK };
    assert_int_equal(orr_tables_visit(path, add_name, &text, &err), ORR_OK);
    assert_string_equal(text.s, want);
    orr_text_release(&text);
}

/* 100,000 rows, with texts of many lengths: more than a spool's memory and many blocks.
 */
static void test_many_rows(void **state)
{
    (void)state;
    enum { ROWS = 100000 };
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_arena scratch = ORR_ARENA_INIT;
    struct orr_error err = { .code = ORR_OK };
    char *dir = kit_directory();
    char *path = orr_path_join(dir, "run.h5");
    struct orr_runfile *file = begin(path);
    const struct orr_table_column columns[] = {
        { "i", type_of(&arena, "int"), NULL, "the number" },
        { "text", type_of(&arena, "string"), NULL, "as long as it is" },
    };
    struct orr_runtable *table = orr_runfile_table(file, "many", "rows", columns, 2);
    char letters[101];
    memset(letters, 'x', sizeof letters);
    for (int64_t i = 0; i < ROWS; i++) {
        struct orr_value row[] = { orr_int(i),
                                   orr_string_new(&scratch, ORR_KIND_STRING, letters,
                                                  (size_t)(i % 101)) };
        assert_int_equal(orr_runtable_row(table, row, &err), ORR_OK);
        orr_arena_reset(&scratch);
    }
    commit(file);
    expect_tables(path, "many 100000 rows\n");
    char *csv = printed(path, "many", ORR_PRINT_CSV);
    char *at = strchr(csv, '\n') + 1;
    for (int64_t i = 0; i < ROWS; i++) {
        assert_int_equal(strtoll(at, &at, 10), i);
        assert_int_equal(strspn(at + 1, "x"), i % 101);
        at = strchr(at, '\n') + 1;
    }
    assert_int_equal(*at, '\0');
    free(csv);
    orr_arena_release(&scratch);
    orr_arena_release(&arena);
    free(path);
    kit_remove(dir);
}

/* A text that is too long is cut at a character, and said to be. */
static void test_long_text(void **state)
{
    (void)state;
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_error err = { .code = ORR_OK };
    char *dir = kit_directory();
    char *path = orr_path_join(dir, "run.h5");
    struct orr_runfile *file = begin(path);
    const struct orr_table_column columns[] = { { "s", type_of(&arena, "string"), NULL,
                                                  NULL } };
    struct orr_runtable *table = orr_runfile_table(file, "t", NULL, columns, 1);
    char *text = orr_alloc(200001, 1);
    for (size_t i = 0; i < 100000; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 2);
    struct orr_value row[] = { text_value(&arena, text) };
    assert_int_equal(orr_runtable_row(table, row, &err), ORR_OK);
    commit(file);
    char *csv = printed(path, "t", ORR_PRINT_CSV);
    assert_int_equal(strlen(csv), 3 + 65534 + 2);
    free(csv);
    free(text);
    orr_arena_release(&arena);
    free(path);
    kit_remove(dir);
}

static const struct orr_column stats[] = {
    { "frame", "u4", NULL, "its number" },
    { "bytes", "u2", "bytes", "its size" },
    { "psnr", "f4", "dB", "its quality" },
    { NULL, NULL, NULL, NULL },
};

static void add_frames_at(struct orr_runfile *file, struct orr_row_key key, uint32_t n)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_bytes rows = ORR_BYTES_INIT;
    for (uint32_t i = 0; i < n; i++) {
        float psnr = 40.1f;
        uint32_t bits = 0;
        memcpy(&bits, &psnr, sizeof bits);
        orr_put_u32(&rows, i);
        orr_put_u16(&rows, (uint16_t)(key.major + i));
        orr_put_u32(&rows, bits);
    }
    assert_int_equal(
        orr_runfile_frames(file, "media.encode", stats, key, rows.data, n, &err),
        ORR_OK);
    orr_bytes_release(&rows);
}

static void add_frames(struct orr_runfile *file, uint64_t task, uint32_t n)
{
    add_frames_at(file, (struct orr_row_key) { task, 0 }, n);
}

static void test_frames(void **state)
{
    (void)state;
    char *dir = kit_directory();
    char *path = orr_path_join(dir, "run.h5");
    struct orr_runfile *file = begin(path);
    for (uint64_t task = 400; task-- > 0;) /* written in the order of tasks */
        add_frames(file, task, (uint32_t)(task % 300));
    add_frames_at(file, (struct orr_row_key) { 7, 1 },
                  3); /* a later attempt: left out */
    commit(file);
    expect_tables(path,
                  "frames/media.encode 49800 per-frame statistics, one row a frame\n");
    char *csv = printed(path, "frames/media.encode", ORR_PRINT_CSV);
    const char *head =
        "task,frame,bytes,psnr\r\n1,0,1,40.1\r\n2,0,2,40.1\r\n2,1,3,40.1\r\n";
    assert_int_equal(strncmp(csv, head, strlen(head)), 0);
    free(csv);
    free(path);
    kit_remove(dir);
}

/* A new version of a function may have other columns: they get a table of their own. */
static void test_other_columns(void **state)
{
    (void)state;
    static const struct orr_column newer[] = { { "frame", "u4", NULL, "its number" },
                                               { NULL, NULL, NULL, NULL } };
    const unsigned char row[4] = { 9, 0, 0, 0 };
    struct orr_error err = { .code = ORR_OK };
    char *dir = kit_directory();
    char *path = orr_path_join(dir, "run.h5");
    struct orr_runfile *file = begin(path);
    add_frames(file, 0, 3);
    for (uint64_t task = 1; task < 3; task++)
        assert_int_equal(orr_runfile_frames(file, "media.encode", newer,
                                            (struct orr_row_key) { task, 0 }, row, 1,
                                            &err),
                         ORR_OK);
    add_frames(file, 3, 1);
    commit(file);
    expect_tables(path,
                  "frames/media.encode 4 per-frame statistics, one row a frame\n"
                  "frames/media.encode~2 2 per-frame statistics, one row a frame\n");
    expect_print(path, "frames/media.encode~2", ORR_PRINT_CSV,
                 "task,frame\r\n1,9\r\n2,9\r\n");
    free(path);
    kit_remove(dir);
}

/* --- errors ----------------------------------------------------------------- */

static void test_no_such_table(void **state)
{
    (void)state;
    struct orr_error err = { .code = ORR_OK };
    char want[512];
    char *dir = kit_directory();
    char *path = orr_path_join(dir, "run.h5");
    write_kinds(path);
    static const struct {
        const char *name, *hint;
    } names[] = { { "fact", "; " },
                  { "facts", "; " },
                  { "/facts", "; " },
                  { "", "; " },
                  { "facts/thing/x", "; did you mean 'facts/thing'? " } };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(
            orr_table_print(path, names[i].name,
                            &(struct orr_print) { .format = ORR_PRINT_CSV }, stdout,
                            &err),
            ORR_ERR_INPUT);
        (void)snprintf(want, sizeof want,
                       "there is no table '%s'%sthere are errors, facts/thing",
                       names[i].name, names[i].hint);
        assert_string_equal(err.text, want);
    }
    assert_int_equal(truncate(path, 900), 0);
    assert_int_equal(orr_table_print(path, "errors",
                                     &(struct orr_print) { .format = ORR_PRINT_CSV },
                                     stdout, &err),
                     ORR_ERR_DATA);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(orr_table_print(path, "errors",
                                     &(struct orr_print) { .format = ORR_PRINT_CSV },
                                     stdout, &err),
                     ORR_ERR_INPUT);
    free(path);
    kit_remove(dir);
}

static void test_abandon(void **state)
{
    (void)state;
    char *dir = kit_directory();
    char *path = orr_path_join(dir, "run.h5");
    struct orr_runfile *file = begin(path);
    add_frames(file, 3, 20);
    orr_runfile_abandon(file);
    assert_int_equal(rmdir(dir), 0); /* nothing was left in it */
    struct orr_error err = { .code = ORR_OK };
    assert_int_equal(orr_runfile_begin(path, &file, &err), ORR_ERR_STORE);
    assert_non_null(strstr(err.text, "No such file or directory"));
    free(path);
    free(dir);
}

/* --- other tools ------------------------------------------------------------ */

static bool have_h5py(void)
{
    if (access(PYTHON, X_OK) == 0 &&
        system(PYTHON " -c 'import h5py' 2>/dev/null") == 0)
        return true;
    print_message("[  SKIPPED ] h5py is not installed\n");
    return false;
}

static void test_h5py(void **state)
{
    (void)state;
    char command[2000];
    if (!have_h5py())
        skip();
    char *dir = kit_directory();
    char *path = orr_path_join(dir, "run.h5");
    write_kinds(path);
    (void)snprintf(
        command, sizeof command,
        PYTHON
        " -c '\n"
        "import h5py, math, sys\n"
        "f = h5py.File(sys.argv[1], \"r\")\n"
        "assert f.attrs[\"format\"] == b\"orrery-run\"\n"
        "assert f.attrs[\"created\"] == 1700000000000000000\n"
        "t = f[\"facts/thing\"]\n"
        "assert t.shape == (2,) and f[\"errors\"].shape == (0,)\n"
        "assert t.attrs[\"unit.took\"] == b\"s\" and t.attrs[\"unit.score\"] == "
        "b\"dB\"\n"
        "assert t.attrs[\"kind.list\"] == b\"list<int>?\"\n"
        "a, b = t[0], t[1]\n"
        "assert a[\"ok\"] == True and b[\"ok\"] == False and t.dtype[\"ok\"] == bool\n"
        "assert a[\"name\"].decode() == \"caf\\u00e9, \\x22x\\x22\"\n"
        "assert a[\"took\"] == 1.5 and math.isnan(b[\"took\"])\n"
        "assert a[\"n_valid\"] == 1 and b[\"n_valid\"] == 0\n"
        "assert a[\"at\"] == b\"{\\x22x\\x22: 3, \\x22y\\x22: \\x22q\\x22}\"\n"
        "' %s",
        path);
    assert_int_equal(system(command), 0);
    (void)snprintf(command, sizeof command,
                   "h5dump -A '%s' > /dev/null && h5ls -r '%s' "
                   "> /dev/null",
                   path, path);
    assert_int_equal(system(command), 0);
    free(path);
    kit_remove(dir);
}

/* Incompressible rows until the disk is full: said, and nothing is left behind. */
static void test_run_file_full(void **state)
{
    (void)state;
    struct orr_error err = { .code = ORR_OK };
    struct orr_runfile *file = NULL;
    char *base = kit_directory();
    if (!kit_mount_small(base)) {
        kit_remove(base);
        skip();
    }
    char *path = orr_path_join(base, "run.h5");
    unsigned char *rows = orr_alloc(10000, KIT_ROW_BYTES);
    orr_status status = orr_runfile_begin(path, &file, &err);
    assert_int_equal(status, ORR_OK);
    srand(3);
    for (int i = 0; i < 200 && status == ORR_OK; i++) {
        for (size_t k = 0; k < 10000 * KIT_ROW_BYTES; k++)
            rows[k] = (unsigned char)(rand() >> 8);
        status = orr_runfile_frames(file, "f", kit_columns,
                                    (struct orr_row_key) { (uint64_t)i, 0 }, rows,
                                    10000, &err);
    }
    if (status == ORR_OK)
        status = orr_runfile_commit(file, &err);
    else
        orr_runfile_abandon(file);
    assert_int_equal(status, ORR_ERR_STORE);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "No space left"));
    assert_int_equal(access(path, F_OK), -1);
    free(rows);
    free(path);
    assert_int_equal(umount2(base, MNT_DETACH), 0); /* the library may hold the file */
    kit_remove(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),         cmocka_unit_test(test_aligned),
        cmocka_unit_test(test_many_rows),     cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_frames),        cmocka_unit_test(test_other_columns),
        cmocka_unit_test(test_no_such_table), cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_h5py),          cmocka_unit_test(test_run_file_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
