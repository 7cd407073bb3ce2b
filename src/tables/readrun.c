/* readrun.c - the public calls of orrery/run.h
 * Owns: a run that is open, the block of rows at hand, where blobs lie.
 * Hands on: tables (tableread.c), blobs (tableblob.c, blob.c). */
#include "orrery/run.h"

#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "store/scan.h"
#include "tables/runfile.h"
#include "tables/tableread.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_ATTRIBUTE_MAX = 1024 };

struct orr_read {
    char *path;                     /* of the run file */
    struct orr_blob_reader *reader; /* NULL: blobs are in the file */
    hid_t file;
    const char **tables;
    size_t n_tables, cap_tables;
    struct orr_map blob_of; /* hash.lo -> blob + 1; filled at the first question */
    struct orr_blob *blobs;
    size_t n_blobs, cap_blobs;
    bool knows_blobs;
    struct orr_arena arena;
};

struct orr_read_table {
    struct orri_table table;
    struct orr_read_column *columns;
    char description[TEXT_ATTRIBUTE_MAX];
    unsigned char *block;
    uint64_t block_rows;      /* that the block may hold */
    uint64_t from, n;         /* rows that it holds */
    uint64_t next;            /* row */
    const unsigned char *row; /* at hand, or NULL */
    struct orr_text text;
};

/* ---- errors ---- */

static enum orr_read_status give(const struct orr_error *why, orr_status status,
                                 struct orr_read_error *err)
{
    enum orr_read_status code = status == ORR_ERR_INPUT  ? ORR_READ_INPUT
                                : status == ORR_ERR_DATA ? ORR_READ_DATA
                                                         : ORR_READ_STORE;
    if (status == ORR_OK)
        return ORR_READ_OK;
    if (err) {
        err->code = code;
        (void)snprintf(err->text, sizeof err->text, "%s", why->text);
    }
    return code;
}

/* ---- runs ---- */

static orr_status find_file(const char *path, struct orr_read *run,
                            struct orr_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return orr_error_errno(err, ORR_ERR_INPUT, errno, "cannot read %s", path);
    run->path =
        S_ISDIR(info.st_mode) ? orr_path_join(path, "run.h5") : orr_strdup(path);
    if (!S_ISDIR(info.st_mode))
        return ORR_OK;
    run->reader = orr_blob_reader_new(path);
    return access(run->path, F_OK) == 0
               ? ORR_OK
               : orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                               "%s has no run.h5; `orrery export %s` makes it", path,
                               path);
}

static void add_table(void *context, const char *name, uint64_t rows,
                      const char *description)
{
    struct orr_read *run = context;
    (void)rows;
    (void)description;
    run->tables =
        orr_grow(run->tables, run->n_tables, &run->cap_tables, sizeof *run->tables);
    run->tables[run->n_tables++] = orr_arena_strdup(&run->arena, name);
}

enum orr_read_status orr_read_open(const char *path, struct orr_read **out,
                                   struct orr_read_error *err)
{
    struct orr_read *run = orr_alloc(1, sizeof *run);
    struct orr_tables_about about;
    struct orr_error why = { .code = ORR_OK };
    run->file = -1;
    orr_status status = find_file(path, run, &why);
    if (status == ORR_OK)
        status = orr_tables_about(run->path, &about, &why);
    if (status == ORR_OK)
        status = orr_tables_visit(run->path, add_table, run, &why);
    if (status == ORR_OK)
        status = orri_tables_open_file(run->path, &run->file, &why);
    if (status == ORR_OK)
        *out = run;
    else
        orr_read_close(run);
    return give(&why, status, err);
}

void orr_read_close(struct orr_read *run)
{
    if (!run)
        return;
    if (run->file >= 0)
        (void)H5Fclose(run->file);
    orr_blob_reader_free(run->reader);
    orr_map_release(&run->blob_of);
    orr_arena_release(&run->arena);
    free(run->blobs);
    free(run->tables);
    free(run->path);
    free(run);
}

const char *orr_read_attribute(struct orr_read *run, const char *name)
{
    char text[TEXT_ATTRIBUTE_MAX];
    orri_hdf_get_text(run->file, name, text, sizeof text);
    return orr_arena_strdup(&run->arena, text);
}

const char *orr_read_table_name(const struct orr_read *run, size_t i)
{
    return i < run->n_tables ? run->tables[i] : NULL;
}

/* ---- tables ---- */

static enum orr_read_type type_of(enum orri_cell cell)
{
    switch (cell) {
    case ORRI_CELL_BOOL: return ORR_READ_BOOL;
    case ORRI_CELL_INT:
    case ORRI_CELL_UINT: return ORR_READ_INT;
    case ORRI_CELL_FLOAT: return ORR_READ_FLOAT;
    case ORRI_CELL_JSON: return ORR_READ_JSON;
    default: return ORR_READ_TEXT;
    }
}

static void describe_columns(struct orr_read_table *t)
{
    t->columns = orr_alloc(t->table.n + 1, sizeof *t->columns);
    for (size_t i = 0; i < t->table.n; i++) {
        const struct orri_read_column *c = &t->table.columns[i];
        t->columns[i] = (struct orr_read_column) { c->name, type_of(c->cell), c->unit,
                                                   c->description };
    }
}

enum orr_read_status orr_read_table_open(struct orr_read *run, const char *name,
                                         struct orr_read_table **out,
                                         struct orr_read_error *err)
{
    struct orr_read_table *t = orr_alloc(1, sizeof *t);
    struct orr_error why = { .code = ORR_OK };
    orr_status status = orri_table_open(&t->table, run->path, name, &why);
    if (status != ORR_OK) {
        free(t);
        return give(&why, status, err);
    }
    orri_hdf_get_text(t->table.dataset, "description", t->description,
                      sizeof t->description);
    describe_columns(t);
    t->block_rows = orri_hdf_chunk_rows(t->table.row_bytes ? t->table.row_bytes : 1);
    *out = t;
    return ORR_READ_OK;
}

void orr_read_table_close(struct orr_read_table *table)
{
    if (!table)
        return;
    orri_table_close(&table->table);
    orr_text_release(&table->text);
    free(table->columns);
    free(table->block);
    free(table);
}

uint64_t orr_read_rows(const struct orr_read_table *table) { return table->table.rows; }

const char *orr_read_description(const struct orr_read_table *table)
{
    return table->description;
}

const struct orr_read_column *orr_read_column(const struct orr_read_table *table,
                                              size_t i)
{
    return i < table->table.n ? &table->columns[i] : NULL;
}

int orr_read_find_column(const struct orr_read_table *table, const char *name)
{
    return orri_table_column(&table->table, name);
}

/* ---- rows ---- */

enum orr_read_status orr_read_next(struct orr_read_table *t, struct orr_read_error *err)
{
    struct orr_error why = { .code = ORR_OK };
    t->row = NULL;
    if (t->next >= t->table.rows)
        return ORR_READ_END;
    if (t->table.row_bytes && (t->next < t->from || t->next >= t->from + t->n)) {
        uint64_t left = t->table.rows - t->next;
        uint64_t n = left < t->block_rows ? left : t->block_rows;
        if (!t->block)
            t->block = orr_alloc(t->block_rows, t->table.row_bytes);
        t->n = 0;
        orr_status status = orri_table_block(&t->table, t->next, n, t->block, &why);
        if (status != ORR_OK)
            return give(&why, status, err);
        t->from = t->next;
        t->n = n;
    }
    t->row = t->block + (t->next - t->from) * t->table.row_bytes;
    t->next++;
    return ORR_READ_OK;
}

void orr_read_rewind(struct orr_read_table *table)
{
    table->next = 0;
    table->row = NULL;
}

static const struct orri_read_column *cell(const struct orr_read_table *t, int column)
{
    return t->row && column >= 0 && (size_t)column < t->table.n
               ? &t->table.columns[column]
               : NULL;
}

bool orr_read_null(const struct orr_read_table *table, int column)
{
    const struct orri_read_column *c = cell(table, column);
    return !c || orri_cell_null(c, table->row);
}

int64_t orr_read_int(const struct orr_read_table *table, int column)
{
    const struct orri_read_column *c = cell(table, column);
    return c && !orri_cell_null(c, table->row) ? orri_cell_int(c, table->row) : 0;
}

double orr_read_float(const struct orr_read_table *table, int column)
{
    const struct orri_read_column *c = cell(table, column);
    bool number = c && c->cell != ORRI_CELL_TEXT && c->cell != ORRI_CELL_JSON;
    return number && !orri_cell_null(c, table->row) ? orri_cell_float(c, table->row)
                                                    : NAN;
}

const char *orr_read_text(struct orr_read_table *table, int column)
{
    const struct orri_read_column *c = cell(table, column);
    orr_text_clear(&table->text);
    orr_text_puts(&table->text, "");
    if (c && !orri_cell_text(c, table->row, &table->text))
        orr_text_clear(&table->text);
    return table->text.length ? table->text.s : "";
}

/* ---- blobs ---- */

static orr_status remember_blob(void *context, const struct orr_blob_row *row,
                                struct orr_error *err)
{
    struct orr_read *run = context;
    bool fresh = false;
    (void)err;
    uint64_t *slot = orr_map_insert(&run->blob_of, row->blob.hash.lo, &fresh);
    if (!fresh)
        return ORR_OK;
    run->blobs =
        orr_grow(run->blobs, run->n_blobs, &run->cap_blobs, sizeof *run->blobs);
    run->blobs[run->n_blobs++] = row->blob;
    *slot = run->n_blobs;
    return ORR_OK;
}

static orr_status find_blob(struct orr_read *run, const char *hash,
                            const struct orr_blob **out, struct orr_error *err)
{
    struct orr_id id;
    orr_status status = ORR_OK;
    if (!run->knows_blobs)
        status = orr_tables_blobs(run->path, NULL, remember_blob, run, err);
    if (status != ORR_OK)
        return status;
    run->knows_blobs = true;
    const uint64_t *slot =
        orr_id_parse(hash, &id) ? orr_map_find(&run->blob_of, id.lo) : NULL;
    *out = slot ? &run->blobs[*slot - 1] : NULL;
    if (!*out || !orr_id_equal((*out)->hash, id))
        return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                             "the run has no blob with the hash '%s'", hash);
    return ORR_OK;
}

enum orr_read_status orr_read_blob(struct orr_read *run, const char *hash, void **bytes,
                                   size_t *length, struct orr_read_error *err)
{
    struct orr_error why = { .code = ORR_OK };
    const struct orr_blob *blob = NULL;
    orr_status status = find_blob(run, hash, &blob, &why);
    if (status == ORR_OK)
        status = run->reader ? orr_blob_load(run->reader, blob, bytes, &why)
                             : orr_tables_load_blob(run->path, blob, bytes, &why);
    if (status == ORR_OK)
        *length = (size_t)blob->length;
    return give(&why, status, err);
}
