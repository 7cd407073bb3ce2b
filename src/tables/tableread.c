/* tableread.c - reading the tables of an HDF5 file
 * Owns: what the members of a compound type mean. Hands on: layouts for people
 * (print.c). */
#include "tables/tableread.h"

#include "base/memory.h"
#include "tables/runfile.h"
#include "tables/runtable.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the tables of a file --------------------------------------------------- */

static bool is_table(hid_t object)
{
    hid_t type = H5Dget_type(object);
    hid_t space = H5Dget_space(object);
    bool yes = type >= 0 && space >= 0 && H5Tget_class(type) == H5T_COMPOUND &&
               H5Sget_simple_extent_ndims(space) == 1;
    if (type >= 0)
        (void)H5Tclose(type);
    if (space >= 0)
        (void)H5Sclose(space);
    return yes;
}

static uint64_t count_rows(hid_t dataset)
{
    hsize_t rows = 0;
    hid_t space = H5Dget_space(dataset);
    if (H5Sget_simple_extent_ndims(space) == 1)
        (void)H5Sget_simple_extent_dims(space, &rows, NULL);
    (void)H5Sclose(space);
    return rows;
}

/* The tables blobs and shards lie in groups of that name, beside what they list:
 * blobs/index, shards/index. */
static const char *group_of(const char *name)
{
    if (strcmp(name, "blobs/index") == 0)
        return "blobs";
    return strcmp(name, "shards/index") == 0 ? "shards" : NULL;
}

static const char *path_of(const char *name)
{
    if (strcmp(name, "blobs") == 0)
        return "blobs/index";
    return strcmp(name, "shards") == 0 ? "shards/index" : name;
}

struct walker {
    void (*visit)(void *context, const char *name, uint64_t rows,
                  const char *description);
    void *context;
};

static herr_t walk_object(hid_t file, const char *name, const H5O_info_t *info,
                          void *context)
{
    char description[1024];
    struct walker *walker = context;
    const char *index = group_of(name);
    bool is_blob = strncmp(name, "blobs/", 6) == 0 && !index;
    if (info->type != H5O_TYPE_DATASET || is_blob)
        return 0;
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset < 0)
        return 0; /* unreadable: not listed */
    if (is_table(dataset)) {
        orri_hdf_get_text(dataset, "description", description, sizeof description);
        walker->visit(walker->context, index ? index : name, count_rows(dataset),
                      description);
    }
    (void)H5Dclose(dataset);
    return 0;
}

orr_status orri_tables_open_file(const char *path, hid_t *out, struct orr_error *err)
{
    orri_hdf_begin();
    if (access(path, R_OK) != 0)
        return orr_error_errno(err, ORR_ERR_INPUT, errno, "cannot read %s", path);
    hid_t how = orri_hdf_access();
    *out = H5Fopen(path, H5F_ACC_RDONLY, how);
    (void)H5Pclose(how);
    if (*out >= 0)
        return ORR_OK;
    struct orr_error why = { .code = ORR_OK };
    (void)orri_hdf_error(&why, "cannot open", path);
    return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                         "%s; `orrery export RUN` makes run.h5 anew", why.text);
}

orr_status orr_tables_visit(const char *path,
                            void (*visit)(void *context, const char *name,
                                          uint64_t rows, const char *description),
                            void *context, struct orr_error *err)
{
    hid_t file = -1;
    struct walker walker = { visit, context };
    orr_status status = orri_tables_open_file(path, &file, err);
    if (status != ORR_OK)
        return status;
    if (H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, walk_object, &walker,
                  H5O_INFO_BASIC) < 0)
        status = orri_hdf_error(err, "cannot read", path);
    (void)H5Fclose(file);
    return status;
}

orr_status orr_tables_about(const char *path, struct orr_tables_about *out,
                            struct orr_error *err)
{
    hid_t file = -1;
    *out = (struct orr_tables_about) { 0 };
    orr_status status = orri_tables_open_file(path, &file, err);
    if (status != ORR_OK)
        return status;
    orri_hdf_get_text(file, "format", out->format, sizeof out->format);
    orri_hdf_get_text(file, "run_id", out->run_id, sizeof out->run_id);
    orri_hdf_get_text(file, "state", out->state, sizeof out->state);
    out->version = orri_hdf_get_int(file, "version");
    out->epoch = orri_hdf_get_int(file, "epoch");
    (void)H5Fclose(file);
    if (strcmp(out->format, "orrery-run") != 0)
        return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                             "%s is no run file of Orrery", path);
    return ORR_OK;
}

/* --- columns ---------------------------------------------------------------- */

/* How a member is read: numbers widened, texts as they are; negative: not shown. */
static hid_t member_in_memory(hid_t member, struct orri_read_column *column)
{
    switch (H5Tget_class(member)) {
    case H5T_INTEGER:
        column->cell =
            H5Tget_sign(member) == H5T_SGN_NONE ? ORRI_CELL_UINT : ORRI_CELL_INT;
        return H5Tcopy(column->cell == ORRI_CELL_UINT ? H5T_NATIVE_UINT64
                                                      : H5T_NATIVE_INT64);
    case H5T_FLOAT:
        column->cell = ORRI_CELL_FLOAT;
        column->single = H5Tget_size(member) <= 4;
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case H5T_ENUM:
        column->cell = ORRI_CELL_BOOL;
        return H5Tget_size(member) == 1 ? H5Tcopy(member) : -1;
    case H5T_STRING:
        column->cell = ORRI_CELL_TEXT;
        column->width = H5Tget_size(member);
        return H5Tis_variable_str(member) == 0 ? H5Tcopy(member) : -1;
    default: return -1;
    }
}

static const char *attribute_of(struct orri_table *t, const char *what,
                                const char *column)
{
    char text[1024];
    char *name = orr_arena_printf(&t->arena, "%s.%s", what, column);
    orri_hdf_get_text(t->dataset, name, text, sizeof text);
    return orr_arena_strdup(&t->arena, text);
}

static const struct orr_type *type_of_cell(enum orri_cell cell)
{
    switch (cell) {
    case ORRI_CELL_INT:
    case ORRI_CELL_UINT: return orr_type_scalar(ORR_KIND_INT);
    case ORRI_CELL_FLOAT: return orr_type_scalar(ORR_KIND_FLOAT);
    case ORRI_CELL_BOOL: return orr_type_scalar(ORR_KIND_BOOL);
    default: return orr_type_scalar(ORR_KIND_STRING);
    }
}

/* May a cell stored like that be of the type? A file may come from anywhere. */
static bool cell_fits(enum orri_cell cell, enum orr_kind kind)
{
    switch (kind) {
    case ORR_KIND_BOOL: return cell == ORRI_CELL_BOOL;
    case ORR_KIND_INT:
    case ORR_KIND_SIZE: return cell == ORRI_CELL_INT || cell == ORRI_CELL_UINT;
    case ORR_KIND_FLOAT:
    case ORR_KIND_DURATION: return cell == ORRI_CELL_FLOAT;
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: return cell == ORRI_CELL_TEXT;
    case ORR_KIND_LIST:
    case ORR_KIND_RECORD: return cell == ORRI_CELL_JSON;
    default: return false;
    }
}

static void describe(struct orri_table *t, struct orri_read_column *column)
{
    const char *kind = attribute_of(t, "kind", column->name);
    const char *dot = strchr(column->name, '.');
    if (column->cell == ORRI_CELL_TEXT && kind[0] && strncmp(kind, "string", 6) != 0 &&
        strncmp(kind, "path", 4) != 0)
        column->cell = ORRI_CELL_JSON;
    column->unit = attribute_of(t, "unit", column->name);
    column->description = attribute_of(t, "description", column->name);
    const struct orr_type *type =
        kind[0] ? orr_type_parse(kind, ORR_NO_SPAN, NULL, &t->arena, NULL) : NULL;
    if (type && cell_fits(column->cell, type->kind))
        column->type = type;
    else if (dot && strcmp(dot, ".bytes") == 0 && column->cell == ORRI_CELL_INT)
        column->type = orr_type_scalar(ORR_KIND_SIZE);
    else
        column->type = type_of_cell(column->cell);
}

/* NAME_valid belongs to the column before it. */
static bool is_validity(const struct orri_table *t, const char *name)
{
    if (!t->n)
        return false;
    const char *before = t->columns[t->n - 1].name;
    size_t length = strlen(before);
    return strncmp(name, before, length) == 0 && strcmp(name + length, "_valid") == 0;
}

static void add_column(struct orri_table *t, struct orri_read_column column)
{
    if (column.cell == ORRI_CELL_UINT && is_validity(t, column.name)) {
        t->columns[t->n - 1].valid_at = (long)column.at;
        H5free_memory(column.name);
        return;
    }
    describe(t, &column);
    t->columns = orr_grow(t->columns, t->n, &t->cap, sizeof *t->columns);
    t->columns[t->n++] = column;
}

static void read_columns(struct orri_table *t)
{
    hid_t stored = H5Dget_type(t->dataset);
    int n = H5Tget_nmembers(stored);
    hid_t *types = orr_alloc((size_t)(n > 0 ? n : 1), sizeof *types);
    struct orri_read_column *all = orr_alloc((size_t)(n > 0 ? n : 1), sizeof *all);
    t->row_bytes = 0;
    for (int i = 0; i < n; i++) {
        hid_t member = H5Tget_member_type(stored, (unsigned)i);
        all[i] =
            (struct orri_read_column) { .name = H5Tget_member_name(stored, (unsigned)i),
                                        .at = t->row_bytes,
                                        .valid_at = -1 };
        types[i] = member_in_memory(member, &all[i]);
        if (types[i] >= 0)
            t->row_bytes += H5Tget_size(types[i]);
        (void)H5Tclose(member);
    }
    if (t->row_bytes) /* else nothing that could be shown */
        t->type = H5Tcreate(H5T_COMPOUND, t->row_bytes);
    for (int i = 0; i < n; i++) {
        if (types[i] < 0) {
            H5free_memory(all[i].name);
            continue;
        }
        (void)H5Tinsert(t->type, all[i].name, all[i].at, types[i]);
        (void)H5Tclose(types[i]);
        add_column(t, all[i]);
    }
    free(all);
    free(types);
    (void)H5Tclose(stored);
}

/* --- opening ---------------------------------------------------------------- */

struct names {
    const char **items;
    size_t n, cap;
    struct orr_arena arena;
};

static void append_name(void *context, const char *name, uint64_t rows,
                        const char *description)
{
    struct names *names = context;
    (void)rows;
    (void)description;
    names->items = orr_grow(names->items, names->n, &names->cap, sizeof *names->items);
    names->items[names->n++] = orr_arena_strdup(&names->arena, name);
}

static orr_status no_such_table(const char *path, const char *name,
                                struct orr_error *err)
{
    struct names names = { 0 };
    struct orr_text all = ORR_TEXT_INIT;
    orr_status status = orr_tables_visit(path, append_name, &names, err);
    const char *near = orr_text_nearest(name, names.items, names.n);
    for (size_t i = 0; i < names.n; i++)
        orr_text_printf(&all, "%s%s", i ? ", " : "", names.items[i]);
    if (status == ORR_OK)
        status = orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                               "there is no table '%s'%s%s%s there are %s", name,
                               near ? "; did you mean '" : "", near ? near : "",
                               near ? "'?" : ";", all.length ? all.s : "no tables");
    orr_text_release(&all);
    orr_arena_release(&names.arena);
    free(names.items);
    return status;
}

/* H5Lexists wants each step of the way to exist. */
static bool path_exists(hid_t file, const char *name)
{
    char *part = orr_strdup(name);
    bool there = name[0] != '\0' && name[0] != '/';
    for (char *at = part; *at && there; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        there = H5Lexists(file, part, H5P_DEFAULT) > 0;
        *at = '/';
    }
    there = there && H5Lexists(file, part, H5P_DEFAULT) > 0;
    free(part);
    return there;
}

orr_status orri_table_open(struct orri_table *t, const char *path, const char *name,
                           struct orr_error *err)
{
    *t = (struct orri_table) { .file = -1, .dataset = -1, .type = -1 };
    orr_status status = orri_tables_open_file(path, &t->file, err);
    if (status != ORR_OK)
        return status;
    t->path = orr_strdup(path);
    t->name = orr_arena_strdup(&t->arena, name);
    if (path_exists(t->file, path_of(name)))
        t->dataset = H5Dopen2(t->file, path_of(name), H5P_DEFAULT);
    if (t->dataset < 0 || !is_table(t->dataset)) {
        orri_table_close(t);
        return no_such_table(path, name, err);
    }
    t->rows = count_rows(t->dataset);
    read_columns(t);
    return ORR_OK;
}

void orri_table_close(struct orri_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        H5free_memory(t->columns[i].name);
    free(t->columns);
    orr_arena_release(&t->arena);
    if (t->type >= 0)
        (void)H5Tclose(t->type);
    if (t->dataset >= 0)
        (void)H5Dclose(t->dataset);
    if (t->file >= 0)
        (void)H5Fclose(t->file);
    free(t->path);
    *t = (struct orri_table) { .file = -1, .dataset = -1, .type = -1 };
}

/* --- rows ------------------------------------------------------------------- */

static bool read_block(struct orri_table *t, uint64_t from, uint64_t n, void *block)
{
    const hsize_t start = from;
    const hsize_t count = n;
    hid_t space = H5Dget_space(t->dataset);
    hid_t memory = H5Screate_simple(1, &count, NULL);
    bool ok =
        H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
        H5Dread(t->dataset, t->type, memory, space, H5P_DEFAULT, block) >= 0;
    (void)H5Sclose(memory);
    (void)H5Sclose(space);
    return ok;
}

orr_status orri_table_rows(struct orri_table *t,
                           bool (*visit)(void *context, const unsigned char *row),
                           void *context, struct orr_error *err)
{
    if (!t->row_bytes)
        return ORR_OK;
    uint64_t block_rows = orri_hdf_chunk_rows(t->row_bytes);
    unsigned char *block = orr_alloc(block_rows, t->row_bytes);
    orr_status status = ORR_OK;
    bool more = true;
    for (uint64_t from = 0; from < t->rows && more && status == ORR_OK;) {
        uint64_t n = t->rows - from < block_rows ? t->rows - from : block_rows;
        if (!read_block(t, from, n, block))
            status = orri_hdf_error(err, "cannot read", t->path);
        for (uint64_t i = 0; i < n && more && status == ORR_OK; i++)
            more = visit(context, block + i * t->row_bytes);
        from += n;
    }
    free(block);
    return status;
}

orr_status orri_table_block(struct orri_table *t, uint64_t from, uint64_t n,
                            unsigned char *out, struct orr_error *err)
{
    return read_block(t, from, n, out) ? ORR_OK
                                       : orri_hdf_error(err, "cannot read", t->path);
}

orr_status orri_table_row(struct orri_table *t, uint64_t row, unsigned char *out,
                          struct orr_error *err)
{
    if (row >= t->rows)
        return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                             "the table %s of %s has %llu rows, numbered from 0; there "
                             "is no row %llu",
                             t->name, t->path, (unsigned long long)t->rows,
                             (unsigned long long)row);
    return orri_table_block(t, row, 1, out, err);
}

int orri_table_column(const struct orri_table *table, const char *name)
{
    for (size_t i = 0; i < table->n; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* --- cells ------------------------------------------------------------------ */

/* The shortest text that reads back as the same number. */
static void put_float(struct orr_text *out, double v, bool single)
{
    char text[40];
    for (int digits = single ? 6 : 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, v);
        double back = strtod(text, NULL);
        if (single ? (float)back == (float)v : back == v)
            break;
    }
    orr_text_puts(out, text);
}

bool orri_cell_is_bare(const struct orri_read_column *column,
                       const struct orr_text *text)
{
    if (column->cell == ORRI_CELL_JSON)
        return text->length <
               ORRI_TEXT_MAX - 3; /* a cut text lacks at most 3 bytes more */
    return column->cell != ORRI_CELL_TEXT;
}

bool orri_cell_null(const struct orri_read_column *column, const unsigned char *row)
{
    uint64_t valid = 1;
    if (column->valid_at >= 0)
        memcpy(&valid, row + column->valid_at, sizeof valid);
    if (column->cell == ORRI_CELL_FLOAT)
        return isnan(orri_cell_float(column, row));
    return !valid;
}

int64_t orri_cell_int(const struct orri_read_column *column, const unsigned char *row)
{
    int64_t i = 0;
    if (column->cell == ORRI_CELL_BOOL)
        return row[column->at] != 0;
    if (column->cell == ORRI_CELL_INT || column->cell == ORRI_CELL_UINT)
        memcpy(&i, row + column->at, sizeof i);
    return i;
}

double orri_cell_float(const struct orri_read_column *column, const unsigned char *row)
{
    double f = 0;
    if (column->cell != ORRI_CELL_FLOAT)
        return (double)orri_cell_int(column, row);
    memcpy(&f, row + column->at, sizeof f);
    return f;
}

bool orri_cell_text(const struct orri_read_column *column, const unsigned char *row,
                    struct orr_text *out)
{
    const unsigned char *at = row + column->at;
    if (orri_cell_null(column, row))
        return false;
    switch (column->cell) {
    case ORRI_CELL_INT:
    case ORRI_CELL_UINT:
        orr_text_printf(out, column->cell == ORRI_CELL_INT ? "%" PRId64 : "%" PRIu64,
                        orri_cell_int(column, row));
        return true;
    case ORRI_CELL_FLOAT:
        put_float(out, orri_cell_float(column, row), column->single);
        return true;
    case ORRI_CELL_BOOL: orr_text_puts(out, *at ? "true" : "false"); return true;
    default: orr_text_append(out, at, strnlen((const char *)at, column->width));
    }
    return column->cell != ORRI_CELL_JSON || strcmp(out->s, "null") != 0;
}
