/* tableblob.c - blobs by what the tables of a run file say of them
 * Owns: the way from a row of the table `blobs`, or a cell, to a blob. Hands on: their
 * bytes in shards (blob.c). */
#include "tables/runfile.h"

#include "tables/tableread.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PREFIX_LEAST = 6 };

/* ---- rows ---- */

/* Columns of a blob, by their number; bytes may be -1. */
struct blob_columns {
    int bytes, hash, shard, offset;
};

static bool read_blob(const struct orri_table *t, const struct blob_columns *c,
                      const unsigned char *row, struct orr_blob *out)
{
    struct orr_text hash = ORR_TEXT_INIT;
    struct orr_text shard = ORR_TEXT_INIT;
    (void)orri_cell_text(&t->columns[c->hash], row, &hash);
    (void)orri_cell_text(&t->columns[c->shard], row, &shard);
    *out = (struct orr_blob) {
        .length = (uint64_t)orri_cell_int(&t->columns[c->bytes], row),
        .offset = (uint64_t)orri_cell_int(&t->columns[c->offset], row)
    };
    bool good =
        hash.s && shard.s && orr_id_parse(hash.s, &out->hash) &&
        sscanf(shard.s, "w%u-e%u-s%u", &out->writer, &out->epoch, &out->segment) == 3;
    orr_text_release(&hash);
    orr_text_release(&shard);
    return good;
}

static bool find_columns(const struct orri_table *t, const char *prefix,
                         struct blob_columns *out)
{
    static const char *const names[] = { "bytes", "hash", "shard", "offset" };
    int found[4];
    bool all = true;
    for (int i = 0; i < 4; i++) {
        struct orr_text name = ORR_TEXT_INIT;
        orr_text_printf(&name, "%s%s", prefix, names[i]);
        found[i] = orri_table_column(t, name.s);
        all = all && found[i] >= 0;
        orr_text_release(&name);
    }
    *out = (struct blob_columns) { found[0], found[1], found[2], found[3] };
    return all;
}

/* ---- the table blobs ---- */

struct walk {
    const struct orri_table *table;
    struct blob_columns columns;
    int task, function, field;
    struct orri_where *where;
    orr_blob_visit *visit;
    void *context;
    struct orr_error *err;
    orr_status status;
};

static bool walk_row(void *context, const unsigned char *row)
{
    struct walk *w = context;
    bool holds = true;
    struct orr_text function = ORR_TEXT_INIT;
    struct orr_text field = ORR_TEXT_INIT;
    struct orr_blob_row out;
    if (w->where)
        w->status = orri_where_holds(w->where, row, &holds, w->err);
    if (w->status != ORR_OK || !holds)
        return w->status == ORR_OK;
    (void)orri_cell_text(&w->table->columns[w->function], row, &function);
    (void)orri_cell_text(&w->table->columns[w->field], row, &field);
    out.task = orri_cell_int(&w->table->columns[w->task], row);
    out.function = function.s ? function.s : "";
    out.field = field.s ? field.s : "";
    if (!read_blob(w->table, &w->columns, row, &out.blob))
        w->status = orr_error_set(w->err, ORR_ERR_DATA, ORR_NO_SPAN,
                                  "%s: the table blobs is damaged", w->table->path);
    else
        w->status = w->visit(w->context, &out, w->err);
    orr_text_release(&function);
    orr_text_release(&field);
    return w->status == ORR_OK;
}

orr_status orr_tables_blobs(const char *path, const char *where, orr_blob_visit *visit,
                            void *context, struct orr_error *err)
{
    struct orri_table table;
    orr_status status = orri_table_open(&table, path, "blobs", err);
    if (status != ORR_OK)
        return status;
    struct walk w = { .table = &table,
                      .task = orri_table_column(&table, "task"),
                      .function = orri_table_column(&table, "function"),
                      .field = orri_table_column(&table, "field"),
                      .visit = visit,
                      .context = context,
                      .err = err };
    if (!find_columns(&table, "", &w.columns) || w.task < 0 || w.function < 0 ||
        w.field < 0)
        status = orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                               "%s: the table blobs lacks columns", path);
    if (status == ORR_OK && where)
        status = orri_where_new(&table, where, &w.where, err);
    if (status == ORR_OK)
        status = orri_table_rows(&table, walk_row, &w, err);
    orri_where_free(w.where);
    orri_table_close(&table);
    return status == ORR_OK ? w.status : status;
}

/* ---- one blob ---- */

struct search {
    const char *prefix;
    struct orr_blob found;
    uint64_t n; /* that differ */
};

static orr_status match(void *context, const struct orr_blob_row *row,
                        struct orr_error *err)
{
    struct search *s = context;
    char hash[ORR_ID_TEXT];
    (void)err;
    orr_id_text(row->blob.hash, hash);
    if (strncmp(hash, s->prefix, strlen(s->prefix)) != 0 ||
        (s->n && orr_id_equal(s->found.hash, row->blob.hash)))
        return ORR_OK;
    s->found = row->blob;
    s->n++;
    return ORR_OK;
}

static orr_status find_by_hash(const char *path, const char *prefix,
                               struct orr_blob *out, struct orr_error *err)
{
    struct search search = { .prefix = prefix };
    if (strlen(prefix) < PREFIX_LEAST)
        return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                             "'%s' is too short for a blob: give %d digits of its hash "
                             "at least (orrery ls RUN blobs)",
                             prefix, PREFIX_LEAST);
    orr_status status = orr_tables_blobs(path, NULL, match, &search, err);
    if (status != ORR_OK)
        return status;
    if (!search.n)
        return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                             "no blob has a hash that begins with %s; `orrery ls RUN "
                             "blobs` lists them",
                             prefix);
    if (search.n > 1)
        return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                             "several blobs have hashes that begin with %s: give more "
                             "digits",
                             prefix);
    *out = search.found;
    return ORR_OK;
}

static orr_status no_such_cell(const struct orri_table *t, const char *field,
                               struct orr_error *err)
{
    struct orr_text names = ORR_TEXT_INIT;
    for (size_t i = 0; i < t->n; i++) {
        const char *dot = strstr(t->columns[i].name, ".hash");
        if (dot && !dot[5])
            orr_text_printf(&names, "%s%.*s", names.length ? ", " : "",
                            (int)(dot - t->columns[i].name), t->columns[i].name);
    }
    orr_status status =
        orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                      "the table %s has no column '%s' of blobs; it has %s", t->name,
                      field, names.length ? names.s : "none");
    orr_text_release(&names);
    return status;
}

static orr_status read_cell(struct orri_table *t, uint64_t number, const char *field,
                            struct orr_blob *out, struct orr_error *err)
{
    struct blob_columns columns;
    struct orr_text prefix = ORR_TEXT_INIT;
    orr_text_printf(&prefix, "%s.", field);
    bool there = find_columns(t, prefix.s, &columns);
    orr_text_release(&prefix);
    if (!there)
        return no_such_cell(t, field, err);
    unsigned char *row = orr_alloc(1, t->row_bytes);
    orr_status status = orri_table_row(t, number, row, err);
    if (status == ORR_OK && !read_blob(t, &columns, row, out))
        status =
            orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN, "%s[%llu].%s holds no blob",
                          t->name, (unsigned long long)number, field);
    free(row);
    return status;
}

/* "facts/shot[3].pixels" */
static orr_status find_by_cell(const char *path, const char *name, struct orr_blob *out,
                               struct orr_error *err)
{
    char *end = NULL;
    const char *open = strrchr(name, '[');
    unsigned long long row =
        open && isdigit((unsigned char)open[1]) ? strtoull(open + 1, &end, 10) : 0;
    if (!end || end[0] != ']' || end[1] != '.' || !end[2])
        return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                             "a blob is named by the first digits of its hash, or as a "
                             "cell, TABLE[ROW].COLUMN, not '%s'",
                             name);
    struct orri_table table;
    char *table_name = orr_strdup(name);
    table_name[open - name] = '\0';
    orr_status status = orri_table_open(&table, path, table_name, err);
    if (status == ORR_OK) {
        status = read_cell(&table, row, end + 2, out, err);
        orri_table_close(&table);
    }
    free(table_name);
    return status;
}

orr_status orr_tables_find_blob(const char *path, const char *name,
                                struct orr_blob *out, struct orr_error *err)
{
    size_t digits = strspn(name, "0123456789abcdef");
    return digits && !name[digits] ? find_by_hash(path, name, out, err)
                                   : find_by_cell(path, name, out, err);
}

/* ---- bytes within the file ---- */

/* The bytes, or NULL; a length that the file does not hold is not believed. */
static void *read_bytes(hid_t dataset, uint64_t length)
{
    hsize_t n = 0;
    hid_t space = H5Dget_space(dataset);
    bool fits = H5Sget_simple_extent_ndims(space) == 1 &&
                H5Sget_simple_extent_dims(space, &n, NULL) == 1 && n == length &&
                (!n || H5Dget_storage_size(dataset) == n);
    (void)H5Sclose(space);
    void *data = fits ? orr_alloc((size_t)length + 1, 1) : NULL;
    if (data && n &&
        H5Dread(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
        free(data);
        return NULL;
    }
    return data;
}

orr_status orr_tables_load_blob(const char *path, const struct orr_blob *blob,
                                void **bytes, struct orr_error *err)
{
    char hash[ORR_ID_TEXT];
    char name[64];
    orr_id_text(blob->hash, hash);
    (void)snprintf(name, sizeof name, "blobs/%s", hash);
    orri_hdf_begin();
    hid_t how = orri_hdf_access();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, how);
    hid_t dataset = file >= 0 ? H5Dopen2(file, name, H5P_DEFAULT) : -1;
    void *data = dataset >= 0 ? read_bytes(dataset, blob->length) : NULL;
    orr_status status = ORR_OK;
    if (!data)
        status = orri_hdf_error(err, "cannot read a blob of", path);
    else if (!orr_id_equal(orr_hash(data, (size_t)blob->length), blob->hash))
        status = orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                               "%s: the bytes of blob %.12s are damaged (wrong "
                               "checksum)",
                               path, hash);
    if (dataset >= 0)
        (void)H5Dclose(dataset);
    if (file >= 0)
        (void)H5Fclose(file);
    (void)H5Pclose(how);
    if (status == ORR_OK)
        *bytes = data;
    else
        free(data);
    return status;
}
