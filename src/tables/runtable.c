/* runtable.c - one table of a run file
 * Owns: how values become members of a compound type, and the spool. Rows are kept as
 * members one after the other, texts with their length, until the longest text of each
 * column is known. Hands on: the file (runfile.c). */
#include "tables/runtable.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPOOL_MEMORY = 4 << 20, ROW_PIECE = 1 << 10 };

/* --- columns to members ----------------------------------------------------- */

static void add_member(struct orr_runtable *t, const char *name, enum orri_form form,
                       const char *unit, const char *description, const char *kind)
{
    t->members =
        orr_grow(t->members, t->n_members, &t->cap_members, sizeof *t->members);
    t->members[t->n_members++] = (struct orri_member) { .name = name,
                                                        .form = form,
                                                        .unit = unit,
                                                        .description = description,
                                                        .kind = kind };
}

static const char *kind_text(struct orr_runtable *t, const struct orr_type *type)
{
    orr_text_clear(&t->scratch);
    orr_type_print(type, &t->scratch);
    return orr_arena_strdup(&t->arena, t->scratch.s);
}

static void add_blob_members(struct orr_runtable *t, const struct orr_table_column *c,
                             const char *kind)
{
    const char *of = c->description ? c->description : "a blob";
    struct orr_arena *arena = &t->arena;
    add_member(t, orr_arena_printf(arena, "%s.bytes", c->name), ORRI_FORM_I8, "bytes",
               orr_arena_printf(arena, "%s: length", of), kind);
    add_member(t, orr_arena_printf(arena, "%s.hash", c->name), ORRI_FORM_TEXT, NULL,
               orr_arena_printf(arena, "%s: XXH3-128, empty when there is none", of),
               NULL);
    add_member(t, orr_arena_printf(arena, "%s.shard", c->name), ORRI_FORM_TEXT, NULL,
               orr_arena_printf(arena, "%s: it lies in shards/SHARD.blob.h5", of),
               NULL);
    add_member(t, orr_arena_printf(arena, "%s.offset", c->name), ORRI_FORM_I8, "bytes",
               orr_arena_printf(arena, "%s: where it starts in /log", of), NULL);
}

static enum orri_form form_of(enum orr_kind kind)
{
    switch (kind) {
    case ORR_KIND_BOOL: return ORRI_FORM_BOOL;
    case ORR_KIND_INT:
    case ORR_KIND_SIZE: return ORRI_FORM_I8;
    case ORR_KIND_FLOAT:
    case ORR_KIND_DURATION: return ORRI_FORM_F8;
    default: return ORRI_FORM_TEXT;
    }
}

/* NaN and JSON's null say "no value" by themselves. */
static bool needs_valid(const struct orr_type *type)
{
    switch (type->kind) {
    case ORR_KIND_BOOL:
    case ORR_KIND_INT:
    case ORR_KIND_SIZE:
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: return type->optional;
    default: return false;
    }
}

static void add_column(struct orr_runtable *t, const struct orr_table_column *c)
{
    const char *kind = kind_text(t, c->type);
    const char *unit = c->unit;
    if (c->type->kind == ORR_KIND_BLOB) {
        add_blob_members(t, c, kind);
        return;
    }
    if (c->type->kind == ORR_KIND_DURATION)
        unit = "s";
    if (c->type->kind == ORR_KIND_SIZE)
        unit = "bytes";
    add_member(t, c->name, form_of(c->type->kind), unit, c->description, kind);
    if (needs_valid(c->type))
        add_member(t, orr_arena_printf(&t->arena, "%s_valid", c->name), ORRI_FORM_U1,
                   NULL, orr_arena_printf(&t->arena, "1 where %s has a value", c->name),
                   NULL);
}

static const char *copy_text(struct orr_arena *arena, const char *text)
{
    return text ? orr_arena_strdup(arena, text) : NULL;
}

struct orr_runtable *orri_runtable_new(const char *directory, const char *name,
                                       const char *description,
                                       const struct orr_table_column *columns, size_t n)
{
    struct orr_runtable *t = orr_alloc(1, sizeof *t);
    t->directory = directory;
    t->spool_fd = -1;
    t->name = orr_arena_strdup(&t->arena, name);
    t->description = copy_text(&t->arena, description);
    t->n_columns = n;
    t->columns = orr_arena_alloc(&t->arena, (n ? n : 1) * sizeof *t->columns);
    for (size_t i = 0; i < n; i++) {
        t->columns[i] = (struct orr_table_column) {
            .name = orr_arena_strdup(&t->arena, columns[i].name),
            .type = columns[i].type,
            .unit = copy_text(&t->arena, columns[i].unit),
            .description = copy_text(&t->arena, columns[i].description),
        };
        add_column(t, &t->columns[i]);
    }
    if (!t->n_members) /* HDF5 has no empty compound: a fact without fields */
        add_member(t, "exists", ORRI_FORM_U1, NULL, "always 1: there are no columns",
                   NULL);
    return t;
}

void orri_runtable_free(struct orr_runtable *table)
{
    if (!table)
        return;
    if (table->spool_fd >= 0)
        (void)close(table->spool_fd);
    orr_bytes_release(&table->spool);
    orr_text_release(&table->scratch);
    orr_arena_release(&table->arena);
    free(table->members);
    free(table->places);
    free(table);
}

/* --- rows to the spool ------------------------------------------------------ */

/* A text that is cut ends at a whole character. */
static void put_text(struct orr_runtable *t, struct orri_member *m, const char *s,
                     size_t length)
{
    if (length > ORRI_TEXT_MAX) {
        length = ORRI_TEXT_MAX;
        while (length && ((unsigned char)s[length] & 0xc0) == 0x80)
            length--;
        m->cut++;
    }
    if (length > m->longest)
        m->longest = (uint32_t)length;
    orr_put_string(&t->spool, s, length);
}

static void put_blob(struct orr_runtable *t, struct orri_member *m,
                     const struct orr_blob *blob)
{
    char hash[ORR_ID_TEXT] = "";
    char shard[64] = "";
    if (blob) {
        orr_id_text(blob->hash, hash);
        if (blob->writer == ORR_BLOB_REUSED)
            (void)snprintf(shard, sizeof shard, "../reuse/s%06u", blob->segment);
        else
            (void)snprintf(shard, sizeof shard, "w%05u-e%03u-s%06u", blob->writer,
                           blob->epoch, blob->segment);
    }
    orr_put_i64(&t->spool, blob ? (int64_t)blob->length : 0);
    put_text(t, m + 1, hash, strlen(hash));
    put_text(t, m + 2, shard, strlen(shard));
    orr_put_i64(&t->spool, blob ? (int64_t)blob->offset : 0);
}

static void put_json(struct orr_runtable *t, struct orri_member *m, struct orr_value v)
{
    orr_text_clear(&t->scratch);
    orr_value_json(v, &t->scratch);
    put_text(t, m, t->scratch.s, t->scratch.length);
}

static double as_double(struct orr_value v)
{
    switch (v.kind) {
    case ORR_KIND_NULL: return NAN;
    case ORR_KIND_INT: return (double)v.as.i;
    case ORR_KIND_DURATION: return (double)v.as.i * 1e-9;
    default: return v.as.f;
    }
}

static bool kind_fits(enum orr_kind column, uint8_t kind)
{
    if (kind == column || kind == ORR_KIND_NULL)
        return true;
    return (column == ORR_KIND_FLOAT && kind == ORR_KIND_INT) ||
           (column == ORR_KIND_STRING && kind == ORR_KIND_PATH) ||
           (column == ORR_KIND_PATH && kind == ORR_KIND_STRING);
}

/* Returns how many members the column took. */
static size_t put_value(struct orr_runtable *t, const struct orr_table_column *c,
                        struct orri_member *m, struct orr_value v)
{
    bool null = v.kind == ORR_KIND_NULL;
    switch (c->type->kind) {
    case ORR_KIND_BOOL: orr_put_u8(&t->spool, !null && v.as.b); break;
    case ORR_KIND_INT:
    case ORR_KIND_SIZE: orr_put_i64(&t->spool, null ? 0 : v.as.i); break;
    case ORR_KIND_FLOAT:
    case ORR_KIND_DURATION: orr_put_f64(&t->spool, as_double(v)); break;
    case ORR_KIND_STRING:
    case ORR_KIND_PATH:
        put_text(t, m, null ? "" : v.as.s->s, null ? 0 : v.as.s->length);
        break;
    case ORR_KIND_BLOB: put_blob(t, m, null ? NULL : v.as.blob); return 4;
    default: put_json(t, m, v); return 1;
    }
    if (!needs_valid(c->type))
        return 1;
    orr_put_u8(&t->spool, !null);
    return 2;
}

int orri_open_spool(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    struct orr_text path = ORR_TEXT_INIT;
    orr_text_printf(&path, "%s/.orrery-spool-XXXXXX", directory);
    fd = mkostemp(path.s, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path.s);
    orr_text_release(&path);
    return fd;
}

static int flush_spool(struct orr_runtable *t)
{
    if (t->spool_fd < 0)
        t->spool_fd = orri_open_spool(t->directory);
    if (t->spool_fd < 0 || orr_pwrite_all(t->spool_fd, t->spool.data, t->spool.length,
                                          (int64_t)t->spool_bytes) != 0)
        return errno;
    t->spool_bytes += t->spool.length;
    orr_bytes_clear(&t->spool);
    return 0;
}

void orr_runtable_order(struct orr_runtable *table)
{
    if (table->n_rows)
        ORR_BUG("table %s: rows came before their order", table->name);
    table->ordered = true;
}

void orr_runtable_key(struct orr_runtable *table, struct orr_row_key key)
{
    table->places = orr_grow(table->places, (size_t)table->n_rows, &table->cap_places,
                             sizeof *table->places);
    table->places[table->n_rows] =
        (struct orri_row_place) { key, table->spool_bytes + table->spool.length };
}

orr_status orr_runtable_row(struct orr_runtable *t, const struct orr_value *values,
                            struct orr_error *err)
{
    struct orri_member *m = t->members;
    for (size_t i = 0; i < t->n_columns; i++) {
        enum orr_kind kind = t->columns[i].type->kind;
        if (form_of(kind) != ORRI_FORM_TEXT || kind == ORR_KIND_STRING ||
            kind == ORR_KIND_PATH || kind == ORR_KIND_BLOB) {
            if (!kind_fits(kind, values[i].kind))
                ORR_BUG("table %s, column %s: a value of kind %u", t->name,
                        t->columns[i].name, values[i].kind);
        }
        m += put_value(t, &t->columns[i], m, values[i]);
    }
    if (!t->n_columns)
        orr_put_u8(&t->spool, 1);
    t->n_rows++;
    int bad = t->spool.length >= SPOOL_MEMORY ? flush_spool(t) : 0;
    if (bad)
        return orr_error_errno(err, ORR_ERR_STORE, bad,
                               "cannot write a temporary file in %s", t->directory);
    return ORR_OK;
}

/* --- out of the spool ------------------------------------------------------- */

/* Reads what was spooled, first the file, then the memory. */
struct unspool {
    struct orr_runtable *table;
    unsigned char *piece; /* SPOOL_MEMORY */
    size_t most;          /* bytes to read at once */
    uint64_t next;        /* in the file */
    const unsigned char *at, *end;
    int bad;
};

static bool refill(struct unspool *u)
{
    struct orr_runtable *t = u->table;
    if (u->next < t->spool_bytes) {
        uint64_t left = t->spool_bytes - u->next;
        size_t n = left < u->most ? (size_t)left : u->most;
        ssize_t got = pread(t->spool_fd, u->piece, n, (off_t)u->next);
        if (got <= 0) {
            u->bad = got < 0 ? errno : EIO;
            return false;
        }
        u->next += (uint64_t)got;
        u->at = u->piece;
        u->end = u->piece + got;
        return true;
    }
    if (u->at == t->spool.data + t->spool.length || !t->spool.length)
        return false;
    u->at = t->spool.data;
    u->end = t->spool.data + t->spool.length;
    return true;
}

static bool next_bytes(struct unspool *u, void *out, size_t length)
{
    unsigned char *to = out;
    while (length) {
        if (u->at == u->end && !refill(u))
            return false;
        size_t n = (size_t)(u->end - u->at);
        if (n > length)
            n = length;
        memcpy(to, u->at, n);
        u->at += n;
        to += n;
        length -= n;
    }
    return true;
}

static size_t member_width(const struct orri_member *m)
{
    switch (m->form) {
    case ORRI_FORM_I8:
    case ORRI_FORM_F8: return 8;
    case ORRI_FORM_TEXT: return m->longest ? m->longest : 1;
    default: return 1;
    }
}

/* One row, packed as the compound type has it; `row` is zeroed. */
static bool next_row(struct unspool *u, unsigned char *row)
{
    const struct orr_runtable *t = u->table;
    for (size_t i = 0; i < t->n_members; i++) {
        size_t width = member_width(&t->members[i]);
        size_t length = width;
        if (t->members[i].form == ORRI_FORM_TEXT) {
            unsigned char le[4];
            if (!next_bytes(u, le, 4))
                return false;
            struct orr_reader in = orr_reader_of(le, 4);
            length = orr_get_u32(&in);
        }
        if (length > width || !next_bytes(u, row, length))
            return false;
        row += width;
    }
    return true;
}

static int compare_places(const void *left, const void *right)
{
    const struct orri_row_place *a = left;
    const struct orri_row_place *b = right;
    if (a->key.major != b->key.major)
        return a->key.major < b->key.major ? -1 : 1;
    if (a->key.minor != b->key.minor)
        return a->key.minor < b->key.minor ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

/* Rows of an ordered table are read one by one: all from the memory, or all from the
 * file. */
static bool prepare_order(struct unspool *u)
{
    struct orr_runtable *t = u->table;
    u->bad = t->spool_fd >= 0 && t->spool.length ? flush_spool(t) : 0;
    u->most = ROW_PIECE;
    if (t->n_rows)
        qsort(t->places, (size_t)t->n_rows, sizeof *t->places, compare_places);
    return !u->bad;
}

static void seek(struct unspool *u, uint64_t at)
{
    const struct orr_runtable *t = u->table;
    u->next = at;
    u->at = u->end = u->piece;
    if (t->spool_fd >= 0)
        return;
    u->at = t->spool.data + at;
    u->end = t->spool.data + t->spool.length;
}

static bool write_rows(struct orr_runtable *t, hid_t dataset, hid_t type, int *bad)
{
    size_t width = H5Tget_size(type);
    uint64_t block_rows = orri_hdf_chunk_rows(width);
    unsigned char *block = orr_alloc(block_rows, width);
    struct unspool u = { .table = t,
                         .piece = orr_alloc(SPOOL_MEMORY, 1),
                         .most = SPOOL_MEMORY };
    uint64_t written = 0;
    bool ok = !t->ordered || prepare_order(&u);
    while (ok && written < t->n_rows) {
        uint64_t left = t->n_rows - written;
        uint64_t n = left < block_rows ? left : block_rows;
        memset(block, 0, (size_t)n * width);
        for (uint64_t i = 0; i < n && ok; i++) {
            if (t->ordered)
                seek(&u, t->places[written + i].at);
            ok = next_row(&u, block + (size_t)i * width);
        }
        ok = ok && orri_hdf_append(dataset, type, &written, n, block);
    }
    *bad = u.bad;
    free(u.piece);
    free(block);
    return ok;
}

/* --- the dataset ------------------------------------------------------------ */

/* As h5py writes a bool. */
static hid_t bool_type(void)
{
    const signed char no = 0;
    const signed char yes = 1;
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    (void)H5Tenum_insert(type, "FALSE", &no);
    (void)H5Tenum_insert(type, "TRUE", &yes);
    return type;
}

static hid_t member_type(const struct orri_member *m)
{
    switch (m->form) {
    case ORRI_FORM_I8: return H5Tcopy(H5T_STD_I64LE);
    case ORRI_FORM_F8: return H5Tcopy(H5T_IEEE_F64LE);
    case ORRI_FORM_U1: return H5Tcopy(H5T_STD_U8LE);
    case ORRI_FORM_BOOL: return bool_type();
    default: return orri_hdf_string(member_width(m));
    }
}

static hid_t row_type(const struct orr_runtable *t)
{
    size_t total = 0;
    for (size_t i = 0; i < t->n_members; i++)
        total += member_width(&t->members[i]);
    hid_t row = H5Tcreate(H5T_COMPOUND, total);
    size_t at = 0;
    for (size_t i = 0; i < t->n_members; i++) {
        hid_t type = member_type(&t->members[i]);
        if (H5Tinsert(row, t->members[i].name, at, type) < 0)
            ORR_BUG("table %s: column %s twice", t->name, t->members[i].name);
        at += member_width(&t->members[i]);
        (void)H5Tclose(type);
    }
    return row;
}

static bool put_named(hid_t dataset, const char *what, const char *name,
                      const char *text)
{
    struct orr_text attribute = ORR_TEXT_INIT;
    if (!text || !text[0])
        return true;
    orr_text_printf(&attribute, "%s.%s", what, name);
    bool ok = orri_hdf_put_text(dataset, attribute.s, text);
    orr_text_release(&attribute);
    return ok;
}

bool orri_put_column_texts(hid_t dataset, const char *name, const char *unit,
                           const char *description)
{
    return put_named(dataset, "unit", name, unit) &&
           put_named(dataset, "description", name, description);
}

static bool put_member_texts(hid_t dataset, const struct orri_member *m)
{
    char cut[64];
    (void)snprintf(cut, sizeof cut, "%llu texts, after %d bytes",
                   (unsigned long long)m->cut, ORRI_TEXT_MAX);
    return orri_put_column_texts(dataset, m->name, m->unit, m->description) &&
           put_named(dataset, "kind", m->name, m->kind) &&
           (!m->cut || put_named(dataset, "cut", m->name, cut));
}

bool orri_runtable_write(struct orr_runtable *t, hid_t file, int *bad)
{
    hid_t type = row_type(t);
    hid_t dataset = orri_hdf_dataset(file, t->name, type);
    bool ok = dataset >= 0 && orri_hdf_put_text(dataset, "description",
                                                t->description ? t->description : "");
    for (size_t i = 0; i < t->n_members && ok; i++)
        ok = put_member_texts(dataset, &t->members[i]);
    ok = ok && write_rows(t, dataset, type, bad);
    if (dataset >= 0)
        ok = H5Dclose(dataset) >= 0 && ok;
    (void)H5Tclose(type);
    return ok;
}
