/* runframes.c - per-frame statistics of a run file
 *
 * They come attempt by attempt, in the order of the shards, and are written in that of
 * the tasks, so that those of one task stand together. Of several attempts at a task
 * the first by key counts: a result that was thought lost is made again. Owns: the
 * spool, a file without a name. */
#include "tables/runframes.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/stored.h"
#include "tables/runtable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPOOL_MEMORY = 4 << 20 };

/* The rows of one attempt. */
struct piece {
    struct orr_row_key key;
    uint64_t at; /* in the spool */
    uint32_t n;
};

struct orri_runframes {
    struct orri_runframes *next;
    char *function;
    const struct orr_column *columns; /* a copy */
    struct orr_arena arena;
    uint64_t form; /* orri_columns_hash() */
    uint32_t row_bytes;
    uint32_t number; /* among the forms of the function, from 1 */
    struct piece *pieces;
    size_t n, cap;
    struct orr_bytes spool; /* the newest rows; older ones are in the file */
    int spool_fd;           /* -1: all in memory */
    uint64_t spool_bytes;   /* in the file */
};

/* ---- in ---- */

/* What the caller has is good for this call only. */
static const struct orr_column *copy_columns(struct orr_arena *arena,
                                             const struct orr_column *columns)
{
    size_t n = 0;
    while (columns[n].name)
        n++;
    struct orr_column *copy = orr_arena_alloc(arena, (n + 1) * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = (struct orr_column) {
            orr_arena_strdup(arena, columns[i].name),
            orr_arena_strdup(arena, columns[i].type),
            columns[i].unit ? orr_arena_strdup(arena, columns[i].unit) : NULL,
            columns[i].doc ? orr_arena_strdup(arena, columns[i].doc) : NULL,
        };
    return copy;
}

static struct orri_runframes *find(struct orri_runframes **list, const char *function,
                                   const struct orr_column *columns)
{
    uint64_t form = orri_columns_hash(columns);
    uint32_t number = 1;
    for (struct orri_runframes *f = *list; f; f = f->next) {
        if (strcmp(f->function, function) != 0)
            continue;
        if (f->form == form)
            return f;
        number++;
    }
    struct orri_runframes *f = orr_alloc(1, sizeof *f);
    f->function = orr_strdup(function);
    f->columns = copy_columns(&f->arena, columns);
    f->form = form;
    f->row_bytes = orri_row_width(columns);
    f->number = number;
    f->spool_fd = -1;
    f->next = *list;
    *list = f;
    return f;
}

static int flush(struct orri_runframes *f, const char *directory)
{
    if (f->spool_fd < 0)
        f->spool_fd = orri_open_spool(directory);
    if (f->spool_fd < 0 || orr_pwrite_all(f->spool_fd, f->spool.data, f->spool.length,
                                          (int64_t)f->spool_bytes) != 0)
        return errno;
    f->spool_bytes += f->spool.length;
    orr_bytes_clear(&f->spool);
    return 0;
}

int orri_runframes_add(struct orri_runframes **list, const char *directory,
                       const char *function, const struct orr_column *columns,
                       struct orr_row_key key, const void *rows, uint32_t n_rows)
{
    struct orri_runframes *f = find(list, function, columns);
    if (!n_rows)
        return 0;
    f->pieces = orr_grow(f->pieces, f->n, &f->cap, sizeof *f->pieces);
    f->pieces[f->n++] =
        (struct piece) { key, f->spool_bytes + f->spool.length, n_rows };
    orr_put_raw(&f->spool, rows, (size_t)n_rows * f->row_bytes);
    return f->spool.length >= SPOOL_MEMORY ? flush(f, directory) : 0;
}

/* ---- out ---- */

static int compare(const void *left, const void *right)
{
    const struct piece *a = left;
    const struct piece *b = right;
    if (a->key.major != b->key.major)
        return a->key.major < b->key.major ? -1 : 1;
    if (a->key.minor != b->key.minor)
        return a->key.minor < b->key.minor ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

/* Rows without a task are all kept. */
static void drop_others(struct orri_runframes *f)
{
    size_t kept = 0;
    if (f->n)
        qsort(f->pieces, f->n, sizeof *f->pieces, compare);
    for (size_t i = 0; i < f->n; i++)
        if (!kept || f->pieces[i].key.major == UINT64_MAX ||
            f->pieces[i].key.major != f->pieces[kept - 1].key.major)
            f->pieces[kept++] = f->pieces[i];
    f->n = kept;
}

static hid_t row_type(const struct orri_runframes *f)
{
    size_t at = sizeof(uint64_t);
    hid_t type = H5Tcreate(H5T_COMPOUND, at + f->row_bytes);
    bool ok = H5Tinsert(type, "task", 0, H5T_STD_U64LE) >= 0;
    for (const struct orr_column *c = f->columns; c->name; c++) {
        ok = ok && H5Tinsert(type, c->name, at, orri_hdf_column_type(c->type)) >= 0;
        at += orri_column_width(c->type);
    }
    if (!ok)
        ORR_BUG("run file: columns of statistics with one name");
    return type;
}

static bool describe(const struct orri_runframes *f, hid_t dataset)
{
    bool ok = orri_hdf_put_text(dataset, "description",
                                "per-frame statistics, one row a frame") &&
              orri_put_column_texts(dataset, "task", NULL,
                                    "row of the table tasks that it belongs to");
    for (const struct orr_column *c = f->columns; c->name && ok; c++)
        ok = orri_put_column_texts(dataset, c->name, c->unit, c->doc);
    return ok;
}

/* The rows of a piece; NULL with *bad set. `buffer` is its own memory. */
static const unsigned char *rows_of(const struct orri_runframes *f,
                                    const struct piece *piece, struct orr_bytes *buffer,
                                    int *bad)
{
    size_t length = (size_t)piece->n * f->row_bytes;
    if (piece->at >= f->spool_bytes) /* pieces are not split between file and memory */
        return f->spool.data + (piece->at - f->spool_bytes);
    if (buffer->cap < length) {
        buffer->data = orr_realloc(buffer->data, length, 1);
        buffer->cap = length;
    }
    for (size_t done = 0; done < length;) {
        ssize_t n = pread(f->spool_fd, buffer->data + done, length - done,
                          (off_t)(piece->at + done));
        if (n <= 0) {
            *bad = n < 0 ? errno : EIO;
            return NULL;
        }
        done += (size_t)n;
    }
    return buffer->data;
}

struct block {
    hid_t dataset, type;
    uint64_t length; /* rows that are written */
    struct orr_bytes rows;
    uint64_t n;
    uint64_t most;
};

static bool write_block(struct block *b)
{
    bool ok = orri_hdf_append(b->dataset, b->type, &b->length, b->n, b->rows.data);
    orr_bytes_clear(&b->rows);
    b->n = 0;
    return ok;
}

static bool write_pieces(struct orri_runframes *f, struct block *b, int *bad)
{
    struct orr_bytes buffer = ORR_BYTES_INIT;
    bool ok = true;
    drop_others(f);
    for (size_t i = 0; i < f->n && ok; i++) {
        const unsigned char *row = rows_of(f, &f->pieces[i], &buffer, bad);
        ok = row != NULL;
        for (uint32_t k = 0; k < f->pieces[i].n && ok; k++, row += f->row_bytes) {
            orr_put_u64(&b->rows, f->pieces[i].key.major);
            orr_put_raw(&b->rows, row, f->row_bytes);
            ok = ++b->n < b->most || write_block(b);
        }
    }
    orr_bytes_release(&buffer);
    return ok && write_block(b);
}

static bool write_one(struct orri_runframes *f, hid_t file, int *bad)
{
    struct orr_text name = ORR_TEXT_INIT;
    struct block b = { .type = row_type(f) };
    orr_text_printf(&name, "frames/%s", f->function);
    if (f->number > 1)
        orr_text_printf(&name, "~%u", f->number);
    b.most = orri_hdf_chunk_rows(f->row_bytes + sizeof(uint64_t));
    b.dataset = orri_hdf_dataset(file, name.s, b.type);
    bool ok = b.dataset >= 0 && describe(f, b.dataset) && write_pieces(f, &b, bad);
    if (b.dataset >= 0)
        ok = H5Dclose(b.dataset) >= 0 && ok;
    (void)H5Tclose(b.type);
    orr_bytes_release(&b.rows);
    orr_text_release(&name);
    return ok;
}

bool orri_runframes_write(struct orri_runframes *list, hid_t file, int *bad)
{
    bool ok = true;
    *bad = 0;
    for (struct orri_runframes *f = list; f && ok; f = f->next)
        ok = write_one(f, file, bad);
    return ok;
}

void orri_runframes_free(struct orri_runframes *list)
{
    while (list) {
        struct orri_runframes *f = list;
        list = f->next;
        if (f->spool_fd >= 0)
            (void)close(f->spool_fd);
        orr_bytes_release(&f->spool);
        orr_arena_release(&f->arena);
        free(f->pieces);
        free(f->function);
        free(f);
    }
}
