/* reading.c - rows of a table by condition, columns and limit; their order; the public
 * calls that read them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "orrery/run.h"
#include "tables/runfile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRUITS = 6 };

struct fixture {
    char *dir, *path;
    struct orr_arena arena;
    struct orr_error err;
};

static const struct orr_type *type_of(struct fixture *f, const char *text)
{
    const struct orr_type *type =
        orr_type_parse(text, ORR_NO_SPAN, NULL, &f->arena, &f->err);
    if (!type)
        fail_msg("%s: %s", text, f->err.text);
    return type;
}

static struct orr_value text_value(struct fixture *f, const char *s)
{
    return orr_string_new(&f->arena, ORR_KIND_STRING, s, strlen(s));
}

static struct orr_blob blob_of(const char *bytes)
{
    return (struct orr_blob) { .hash = orr_hash(bytes, strlen(bytes)),
                               .length = strlen(bytes),
                               .writer = 1,
                               .epoch = 2,
                               .segment = 3,
                               .offset = 77 };
}

static struct orr_value names(struct fixture *f, size_t n)
{
    static const char *const all[] = { "a\"b", "caf\xc3\xa9", "c\nd" };
    struct orr_list *list = orr_list_new(&f->arena, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        list->items[i] = text_value(f, all[i]);
    return orr_value_of_list(list);
}

/* Row i: n i, even, score i / 2 or NaN, weight null when odd, took i s, room i KB,
 * name, i % 4 names, a blob. */
static void write_fruits(struct fixture *f, struct orr_runfile *file)
{
    static const char *const fruit[FRUITS] = { "apple", "pear", "plum",
                                               "fig",   "nut",  "sloe" };
    const struct orr_table_column columns[] = {
        { "n", type_of(f, "int"), NULL, "its number" },
        { "even", type_of(f, "bool"), NULL, NULL },
        { "score", type_of(f, "float"), "dB", NULL },
        { "weight", type_of(f, "int?"), "g", NULL },
        { "took", type_of(f, "duration"), NULL, NULL },
        { "room", type_of(f, "size"), NULL, NULL },
        { "name", type_of(f, "string"), NULL, NULL },
        { "names", type_of(f, "list<string>"), NULL, NULL },
        { "at", type_of(f, "{x: int, t: duration?}"), NULL, NULL },
        { "data", type_of(f, "blob"), NULL, NULL },
    };
    struct orr_runtable *table =
        orr_runfile_table(file, "facts/fruit", "what grows", columns, 10);
    for (int64_t i = 0; i < FRUITS; i++) {
        struct orr_record *at = orr_record_new(&f->arena, columns[8].type->record);
        struct orr_blob *blob = orr_arena_alloc(&f->arena, sizeof *blob);
        *blob = blob_of(fruit[i]);
        at->fields[0] = orr_int(i * i);
        if (i > 2)
            at->fields[1] = (struct orr_value) { .kind = ORR_KIND_DURATION,
                                                 .as.i = i * 1000000000 };
        struct orr_value row[] = {
            orr_int(i),
            orr_bool(i % 2 == 0),
            orr_float(i == 3 ? NAN : (double)i / 2),
            i % 2 ? orr_null() : orr_int(i * 10),
            { .kind = ORR_KIND_DURATION, .as.i = i * 1000000000 },
            { .kind = ORR_KIND_SIZE, .as.i = i * 1000 },
            text_value(f, fruit[i]),
            names(f, (size_t)i % 4),
            orr_value_of_record(at),
            { .kind = ORR_KIND_BLOB, .as.blob = blob },
        };
        assert_int_equal(orr_runtable_row(table, row, &f->err), ORR_OK);
        assert_int_equal(orr_runfile_blob(file, blob, fruit[i], &f->err), ORR_OK);
    }
}

static void write_blobs(struct fixture *f, struct orr_runfile *file)
{
    static const char *const fields[] = { "data", "list[1]" };
    static const char *const bytes[] = { "apple", "pear" };
    const struct orr_table_column columns[] = {
        { "task", type_of(f, "int"), NULL, NULL },
        { "function", type_of(f, "string"), NULL, NULL },
        { "field", type_of(f, "string"), NULL, NULL },
        { "hash", type_of(f, "string"), NULL, NULL },
        { "bytes", type_of(f, "size"), NULL, NULL },
        { "shard", type_of(f, "string"), NULL, NULL },
        { "offset", type_of(f, "int"), NULL, NULL },
    };
    struct orr_runtable *table =
        orr_runfile_table(file, "blobs/index", "blobs", columns, 7);
    for (int i = 0; i < 2; i++) {
        struct orr_blob blob = blob_of(bytes[i]);
        char hash[ORR_ID_TEXT];
        orr_id_text(blob.hash, hash);
        struct orr_value row[] = {
            orr_int(i),
            text_value(f, "grow"),
            text_value(f, fields[i]),
            text_value(f, hash),
            { .kind = ORR_KIND_SIZE, .as.i = (int64_t)blob.length },
            text_value(f, "w00001-e002-s000003"),
            orr_int(77),
        };
        assert_int_equal(orr_runtable_row(table, row, &f->err), ORR_OK);
    }
}

static int set_up(void **state)
{
    struct fixture *f = orr_alloc(1, sizeof *f);
    struct orr_runfile *file = NULL;
    f->dir = orr_strdup("/tmp/orr-tables-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->path = orr_path_join(f->dir, "file.h5");
    assert_int_equal(orr_runfile_begin(f->path, &file, &f->err), ORR_OK);
    orr_runfile_text(file, "state", "succeeded");
    orr_runfile_text(file, "job", "fruits");
    write_fruits(f, file);
    write_blobs(f, file);
    assert_int_equal(orr_runfile_commit(file, &f->err), ORR_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->path);
    assert_int_equal(rmdir(f->dir), 0);
    orr_arena_release(&f->arena);
    free(f->path);
    free(f->dir);
    free(f);
    return 0;
}

/* ---- which rows ---- */

/* The numbers of the rows, or the error with its column. */
static void ask(struct fixture *f, const struct orr_print *how, struct orr_text *out)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    orr_status status = orr_table_print(f->path, "facts/fruit", how, to, &f->err);
    (void)fclose(to);
    if (status == ORR_OK)
        for (const char *at = strchr(text, '\n'); at && at[1];
             at = strchr(at + 1, '\n'))
            orr_text_printf(out, "%.*s ", (int)strcspn(at + 1, ",\r"), at + 1);
    else
        orr_text_printf(out, "%u: %s", f->err.at.column, f->err.text);
    if (!out->length)
        orr_text_puts(out, "");
    free(text);
}

static void test_where(void **state)
{
    static const struct {
        const char *where, *want;
    } cases[] = {
        { "true", "0 1 2 3 4 5 " },
        { "n > 1 and n <= 4", "2 3 4 " },
        { "even", "0 2 4 " },
        { "score >= 1.5", "4 5 " }, /* row 3 has no score */
        { "score > 1", "4 5 " },
        { "weight == null", "1 3 5 " },
        { "weight != null and weight > 10", "2 4 " },
        { "took > 3s", "4 5 " },
        { "room >= 3KB", "3 4 5 " },
        { "name in [\"pear\", \"fig\"]", "1 3 " },
        { "startswith(name, \"p\")", "1 2 " },
        { "len(names) == 3", "3 " },
        { "\"caf\xc3\xa9\" in names", "2 3 " },
        { "len(names) > 0 and names[0] == \"a\\\"b\"", "1 2 3 5 " },
        { "at.x == 16", "4 " },
        { "at.t != null and at.t >= 4s", "4 5 " },
        { "data.bytes == 4B", "1 2 5 " },
        { "startswith(data.shard, \"w00001\") and data.offset == 77", "0 1 2 3 4 5 " },
        { "any([x > \"c\" for x in names])", "2 3 " },
        { "n / 0 == 1", "3: division by zero" },
        { "scor > 1.0", "1: unknown name 'scor'; did you mean 'score'? [E0206]" },
        { "n", "1: bool is expected, but this is int [E0210]" },
        { "n == \"a\"", "3: '==' cannot be used between int and string [E0208]" },
        { "weight > 3", "1: weight may be null; test it first: 'x if weight != null "
                        "else y' [E0213]" },
        { "data.byts > 3B",
          "6: data has no field 'byts'; did you mean 'bytes'? [E0207]" },
        { "n >", "4: a value is expected at the end [E0201]" },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct orr_text have = ORR_TEXT_INIT;
        ask(f, &(struct orr_print) { .format = ORR_PRINT_CSV, .where = cases[i].where },
            &have);
        if (strcmp(have.s, cases[i].want) != 0)
            fail_msg("%s: '%s', not '%s'", cases[i].where, have.s, cases[i].want);
        orr_text_release(&have);
    }
}

static void test_limit_and_columns(void **state)
{
    static const struct {
        struct orr_print how;
        const char *want;
    } cases[] = {
        { { ORR_PRINT_CSV, NULL, NULL, 2 }, "0 1 " },
        { { ORR_PRINT_CSV, "even", NULL, 2 }, "0 2 " },
        { { ORR_PRINT_CSV, "even", "name,n", 2 }, "apple plum " },
        { { ORR_PRINT_CSV, "n == 4", "data.bytes", 0 }, "3 " },
        { { ORR_PRINT_CSV, "n == 4", "data", 0 }, "3 " },
        { { ORR_PRINT_CSV, NULL, "nmae", 0 },
          "0: the table facts/fruit has no column 'nmae'; did you mean 'name'? it has "
          "n, "
          "even, score, weight, took, room, name, names, at, data.bytes, data.hash, "
          "data.shard, data.offset" },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct orr_text have = ORR_TEXT_INIT;
        f->err = (struct orr_error) { .code = ORR_OK };
        ask(f, &cases[i].how, &have);
        assert_string_equal(have.s, cases[i].want);
        orr_text_release(&have);
    }
}

/* More columns than an expression may see at once: those that it names are seen. */
static void test_many_columns(void **state)
{
    enum { COLUMNS = 80 };
    struct fixture *f = *state;
    struct orr_table_column columns[COLUMNS];
    struct orr_value row[COLUMNS];
    struct orr_runfile *file = NULL;
    char *text = NULL;
    size_t length = 0;
    for (int i = 0; i < COLUMNS; i++) {
        columns[i] =
            (struct orr_table_column) { orr_arena_printf(&f->arena, "column_%d", i),
                                        type_of(f, "int"), NULL, NULL };
        row[i] = orr_int(i);
    }
    assert_int_equal(orr_runfile_begin(f->path, &file, &f->err), ORR_OK);
    struct orr_runtable *table = orr_runfile_table(file, "wide", "", columns, COLUMNS);
    assert_int_equal(orr_runtable_row(table, row, &f->err), ORR_OK);
    assert_int_equal(orr_runfile_commit(file, &f->err), ORR_OK);
    FILE *out = open_memstream(&text, &length);
    struct orr_print how = { .format = ORR_PRINT_CSV,
                             .where = "column_79 == 79 and column_0 == 0",
                             .columns = "column_77" };
    assert_int_equal(orr_table_print(f->path, "wide", &how, out, &f->err), ORR_OK);
    (void)fflush(out);
    assert_string_equal(text, "column_77\r\n77\r\n");
    how.where = "colum_78 == 0";
    assert_int_equal(orr_table_print(f->path, "wide", &how, out, &f->err),
                     ORR_ERR_INPUT);
    assert_non_null(strstr(f->err.text, "did you mean 'column_78'?"));
    (void)fclose(out);
    free(text);
}

/* ---- order ---- */

static void write_ordered(struct fixture *f, uint32_t rows, size_t pad)
{
    const struct orr_table_column columns[] = {
        { "major", type_of(f, "int"), NULL, NULL },
        { "came", type_of(f, "int"), NULL, NULL },
        { "text", type_of(f, "string"), NULL, NULL },
    };
    struct orr_runfile *file = NULL;
    char *s = orr_alloc(pad + 1, 1);
    memset(s, 'x', pad);
    assert_int_equal(orr_runfile_begin(f->path, &file, &f->err), ORR_OK);
    struct orr_runtable *table = orr_runfile_table(file, "t", "", columns, 3);
    orr_runtable_order(table);
    for (uint32_t i = 0; i < rows; i++) {
        struct orr_arena arena = ORR_ARENA_INIT;
        uint64_t major = (uint64_t)i * 7919 % 1000;
        struct orr_value row[] = { orr_int((int64_t)major), orr_int(i),
                                   orr_string_new(&arena, ORR_KIND_STRING, s,
                                                  i % 3 ? pad : 1) };
        orr_runtable_key(table, (struct orr_row_key) { major, rows - i });
        assert_int_equal(orr_runtable_row(table, row, &f->err), ORR_OK);
        orr_arena_release(&arena);
    }
    assert_int_equal(orr_runfile_commit(file, &f->err), ORR_OK);
    free(s);
}

static void expect_order(struct fixture *f, uint32_t rows, size_t pad)
{
    char *text = NULL;
    size_t length = 0;
    long long major_before = -1;
    long long came_before = 0;
    uint32_t n = 0;
    FILE *out = open_memstream(&text, &length);
    struct orr_print how = { .format = ORR_PRINT_CSV };
    assert_int_equal(orr_table_print(f->path, "t", &how, out, &f->err), ORR_OK);
    (void)fclose(out);
    for (char *at = strchr(text, '\n'); at && at[1]; at = strchr(at + 1, '\n'), n++) {
        long long major = 0;
        long long came = 0;
        int begin = 0;
        assert_int_equal(sscanf(at + 1, "%lld,%lld,%n", &major, &came, &begin), 2);
        assert_true(major > major_before ||
                    (major == major_before && came < came_before));
        assert_int_equal(strspn(at + 1 + begin, "x"), came % 3 ? pad : 1);
        major_before = major;
        came_before = came;
    }
    assert_int_equal(n, rows);
    free(text);
}

static void test_order(void **state)
{
    struct fixture *f = *state;
    write_ordered(f, 2000, 10); /* all in memory */
    expect_order(f, 2000, 10);
    write_ordered(f, 4000,
                  3000); /* past the spool's memory, rows longer than a piece */
    expect_order(f, 4000, 3000);
}

/* ---- blobs ---- */

static orr_status count_blob(void *context, const struct orr_blob_row *row,
                             struct orr_error *err)
{
    struct orr_text *seen = context;
    (void)err;
    orr_text_printf(seen, "%lld %s %s %llu; ", (long long)row->task, row->function,
                    row->field, (unsigned long long)row->blob.length);
    return ORR_OK;
}

static void test_blobs(void **state)
{
    struct fixture *f = *state;
    struct orr_text seen = ORR_TEXT_INIT;
    struct orr_blob found;
    char hash[ORR_ID_TEXT];
    orr_id_text(blob_of("apple").hash, hash);
    assert_int_equal(orr_tables_blobs(f->path, NULL, count_blob, &seen, &f->err),
                     ORR_OK);
    assert_string_equal(seen.s, "0 grow data 5; 1 grow list[1] 4; ");
    orr_text_clear(&seen);
    assert_int_equal(
        orr_tables_blobs(f->path, "field == \"data\"", count_blob, &seen, &f->err),
        ORR_OK);
    assert_string_equal(seen.s, "0 grow data 5; ");
    hash[8] = '\0';
    assert_int_equal(orr_tables_find_blob(f->path, hash, &found, &f->err), ORR_OK);
    assert_int_equal(found.length, 5);
    assert_int_equal(
        orr_tables_find_blob(f->path, "facts/fruit[1].data", &found, &f->err), ORR_OK);
    assert_true(orr_id_equal(found.hash, blob_of("pear").hash));
    orr_text_release(&seen);
}

static void test_wrong_blobs(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        { "abc", "'abc' is too short for a blob: give 6 digits of its hash at least "
                 "(orrery ls RUN blobs)" },
        { "000000", "no blob has a hash that begins with 000000; `orrery ls RUN blobs` "
                    "lists them" },
        { "facts/fruit[6].data", "has 6 rows, numbered from 0; there is no row 6" },
        { "facts/fruit[1].name",
          "the table facts/fruit has no column 'name' of blobs; it has data" },
        { "facts/friut[1].data", "there is no table 'facts/friut'; did you mean "
                                 "'facts/fruit'?" },
        { "facts/fruit[x].data", "a blob is named by the first digits of its hash" },
        { "facts/fruit[1]", "a blob is named by the first digits of its hash" },
        { "facts/fruit[1", "a blob is named by the first digits of its hash" },
        { "", "a blob is named by the first digits of its hash" },
    };
    struct fixture *f = *state;
    struct orr_blob found;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(orr_tables_find_blob(f->path, cases[i].name, &found, &f->err),
                         ORR_ERR_INPUT);
        if (!strstr(f->err.text, cases[i].want))
            fail_msg("%s: %s", cases[i].name, f->err.text);
    }
}

/* ---- the public calls ---- */

static void check_columns(const struct orr_read_table *table)
{
    static const struct {
        const char *name, *unit;
        enum orr_read_type type;
    } want[] = {
        { "n", "", ORR_READ_INT },
        { "even", "", ORR_READ_BOOL },
        { "score", "dB", ORR_READ_FLOAT },
        { "weight", "g", ORR_READ_INT },
        { "took", "s", ORR_READ_FLOAT },
        { "room", "bytes", ORR_READ_INT },
        { "name", "", ORR_READ_TEXT },
        { "names", "", ORR_READ_JSON },
        { "at", "", ORR_READ_JSON },
        { "data.bytes", "bytes", ORR_READ_INT },
        { "data.hash", "", ORR_READ_TEXT },
        { "data.shard", "", ORR_READ_TEXT },
        { "data.offset", "bytes", ORR_READ_INT },
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct orr_read_column *column = orr_read_column(table, i);
        assert_non_null(column);
        assert_string_equal(column->name, want[i].name);
        assert_string_equal(column->unit, want[i].unit);
        assert_int_equal(column->type, want[i].type);
        assert_int_equal(orr_read_find_column(table, want[i].name), i);
    }
    assert_null(orr_read_column(table, sizeof want / sizeof *want));
    assert_int_equal(orr_read_find_column(table, "weight_valid"), -1);
    assert_string_equal(orr_read_column(table, 0)->description, "its number");
}

static void check_rows(struct orr_read_table *table)
{
    struct orr_read_error err;
    int64_t n = 0;
    assert_true(orr_read_null(table, 0)); /* before the first row */
    assert_string_equal(orr_read_text(table, 6), "");
    for (; orr_read_next(table, &err) == ORR_READ_OK; n++) {
        assert_int_equal(orr_read_int(table, 0), n);
        assert_int_equal(orr_read_int(table, 1), n % 2 == 0);
        assert_int_equal(orr_read_null(table, 2), n == 3);
        assert_int_equal(isnan(orr_read_float(table, 2)) != 0, n == 3);
        assert_int_equal(orr_read_null(table, 3), n % 2);
        assert_int_equal(orr_read_int(table, 3), n % 2 ? 0 : n * 10);
        assert_true(orr_read_float(table, 4) == (double)n);
        assert_int_equal(orr_read_null(table, -1), true);
        assert_int_equal(orr_read_null(table, 99), true);
    }
    assert_int_equal(n, FRUITS);
    assert_int_equal(orr_read_next(table, &err), ORR_READ_END);
    orr_read_rewind(table);
    assert_int_equal(orr_read_next(table, &err), ORR_READ_OK);
    assert_string_equal(orr_read_text(table, 6), "apple");
    assert_string_equal(orr_read_text(table, 7), "[]");
    assert_string_equal(orr_read_text(table, 2), "0");
}

static void test_public(void **state)
{
    struct fixture *f = *state;
    struct orr_read *run = NULL;
    struct orr_read_table *table = NULL;
    struct orr_read_error err;
    char hash[ORR_ID_TEXT];
    void *bytes = NULL;
    size_t length = 0;
    assert_int_equal(orr_read_open(f->path, &run, &err), ORR_READ_OK);
    assert_string_equal(orr_read_attribute(run, "job"), "fruits");
    assert_string_equal(orr_read_attribute(run, "nothing"), "");
    assert_string_equal(orr_read_table_name(run, 0), "blobs");
    assert_string_equal(orr_read_table_name(run, 1), "facts/fruit");
    assert_null(orr_read_table_name(run, 2));
    assert_int_equal(orr_read_table_open(run, "facts/fruit", &table, &err),
                     ORR_READ_OK);
    assert_int_equal(orr_read_rows(table), FRUITS);
    assert_string_equal(orr_read_description(table), "what grows");
    check_columns(table);
    check_rows(table);
    orr_read_table_close(table);
    orr_id_text(blob_of("pear").hash, hash);
    assert_int_equal(orr_read_blob(run, hash, &bytes, &length, &err), ORR_READ_OK);
    assert_int_equal(length, 4);
    assert_string_equal(bytes, "pear");
    free(bytes);
    hash[0] ^= 1;
    assert_int_equal(orr_read_blob(run, hash, &bytes, &length, &err), ORR_READ_INPUT);
    assert_int_equal(orr_read_blob(run, "pear", &bytes, &length, NULL), ORR_READ_INPUT);
    assert_int_equal(orr_read_table_open(run, "facts/fruits", &table, &err),
                     ORR_READ_INPUT);
    assert_non_null(strstr(err.text, "did you mean 'facts/fruit'?"));
    orr_read_close(run);
}

static void test_public_errors(void **state)
{
    struct fixture *f = *state;
    struct orr_read *run = NULL;
    struct orr_read_error err;
    assert_int_equal(orr_read_open("/nowhere/at/all", &run, &err), ORR_READ_INPUT);
    assert_int_equal(err.code, ORR_READ_INPUT);
    assert_int_equal(orr_read_open(f->dir, &run, &err), ORR_READ_INPUT);
    assert_non_null(strstr(err.text, "has no run.h5; `orrery export"));
    assert_int_equal(truncate(f->path, 700), 0);
    assert_int_equal(orr_read_open(f->path, &run, &err), ORR_READ_DATA);
    assert_non_null(strstr(err.text, "`orrery export RUN` makes run.h5 anew"));
    assert_null(run);
    orr_read_close(NULL);
    orr_read_table_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_where, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit_and_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_blobs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_blobs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_public, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_public_errors, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
