/* seal.c - the index of a shard: what its log holds, as tables
 * Owns: the form of .idx.h5 files (docs/store.md). They are made from the log, can be
 * made again at any time, and resume does not need them. */
#include "store/shard.h"

#include "base/memory.h"
#include "base/text.h"
#include "hdf/hdf.h"
#include "store/scan.h"
#include "store/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One row of /records; types as in struct orr_column, and sN for text of N bytes. */
static const struct orr_column record_columns[] = {
    { "task", "s32", NULL,
      "identity of the task: hash of function, version, arguments" },
    { "function", "s64", NULL, "name of the function" },
    { "attempt", "u4", NULL, "counts from 1" },
    { "failure", "s8", NULL, "none, or why it failed" },
    { "code", "i4", NULL, "exit code or signal of a failure" },
    { "message", "s200", NULL, "of a failure, cut to 200 bytes" },
    { "t_start", "i8", "ns", "start, since 1970-01-01 UTC" },
    { "t_end", "i8", "ns", "end, since 1970-01-01 UTC" },
    { "queued", "f8", "s", "from ready to start" },
    { "cpu_user", "f8", "s", "processor time of the function" },
    { "cpu_system", "f8", "s", "processor time of the kernel for it" },
    { "max_rss", "i8", "bytes", "most memory at once" },
    { "host", "s64", NULL, "where it ran" },
    { "rank", "u4", NULL, "which worker" },
    { "core", "u4", NULL, "which core" },
    { "entry", "i8", "bytes", "where its record starts in /log of the blob file" },
    { "blob", "i8", "bytes", "its blobs in /log" },
    { "blob_bytes", "i8", "bytes", "length of its blobs" },
    { "n_rows", "u4", NULL, "rows of statistics in /frames/FUNCTION" },
    { NULL, NULL, NULL, NULL },
};

enum { BLOCK_ROWS = 4096 };

/* The statistics of one function: one dataset a column. */
struct function {
    char *name;
    uint64_t form;                    /* orri_columns_hash() */
    const struct orr_column *columns; /* in the walk's memory */
    size_t n_columns;
    hid_t *datasets;           /* n_columns, then `record` */
    struct orr_bytes *pending; /* as many */
    uint64_t pending_rows;
    uint64_t length;
};

struct index {
    struct orri_walk walk;
    hid_t file;
    hid_t records, record_type;
    uint64_t n_records; /* written */
    struct orr_bytes block;
    uint32_t block_rows;
    struct function *functions;
    size_t n_functions, cap_functions;
};

/* --- /records --------------------------------------------------------------- */

static size_t text_width(const char *type)
{
    return type[0] == 's' ? (size_t)strtoul(type + 1, NULL, 10) : 0;
}

static bool add_member(hid_t type, const struct orr_column *column, size_t *at)
{
    size_t width = text_width(column->type);
    hid_t text = width ? orri_hdf_string(width) : -1;
    hid_t member = width ? text : orri_hdf_column_type(column->type);
    bool ok = H5Tinsert(type, column->name, *at, member) >= 0;
    *at += H5Tget_size(member);
    if (width)
        (void)H5Tclose(text);
    return ok;
}

static size_t records_width(void)
{
    size_t sum = 0;
    for (const struct orr_column *c = record_columns; c->name; c++)
        sum += text_width(c->type) ? text_width(c->type) : orri_column_width(c->type);
    return sum;
}

static bool describe(hid_t dataset, const char *prefix, const struct orr_column *column)
{
    char name[128];
    bool ok = true;
    if (column->unit && column->unit[0]) {
        (void)snprintf(name, sizeof name, "unit%s%s", prefix,
                       prefix[0] ? column->name : "");
        ok = orri_hdf_put_text(dataset, name, column->unit);
    }
    (void)snprintf(name, sizeof name, "description%s%s", prefix,
                   prefix[0] ? column->name : "");
    return ok && orri_hdf_put_text(dataset, name, column->doc ? column->doc : "");
}

static bool make_records(struct index *index)
{
    size_t at = 0;
    bool ok = true;
    index->record_type = H5Tcreate(H5T_COMPOUND, records_width());
    for (const struct orr_column *c = record_columns; c->name && ok; c++)
        ok = add_member(index->record_type, c, &at);
    index->records =
        ok ? orri_hdf_dataset(index->file, "records", index->record_type) : -1;
    if (index->records < 0)
        return false;
    for (const struct orr_column *c = record_columns; c->name && ok; c++)
        ok = describe(index->records, ".", c);
    return ok && orri_hdf_put_text(index->records, "description",
                                   "one row an attempt, in the order of the log");
}

static void put_fixed(struct orr_bytes *out, const char *text, size_t width)
{
    size_t length = text ? strlen(text) : 0;
    if (length > width) {
        length = width;
        while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--; /* not in the middle of a character */
    }
    orr_put_raw(out, text, length);
    for (; length < width; length++)
        orr_put_u8(out, 0);
}

static void put_record(struct orr_bytes *out, const struct orr_stored *s,
                       const struct orr_place *place)
{
    char task[ORR_ID_TEXT];
    orr_id_text(s->id, task);
    put_fixed(out, task, 32);
    put_fixed(out, s->function, 64);
    orr_put_u32(out, s->attempt);
    put_fixed(out, orri_fail_text(s->failure), 8);
    orr_put_u32(out, (uint32_t)s->code);
    put_fixed(out, s->message, 200);
    orr_put_i64(out, s->t_start);
    orr_put_i64(out, s->t_end);
    orr_put_f64(out, (double)s->queued * 1e-9);
    orr_put_f64(out, (double)s->cpu_user * 1e-9);
    orr_put_f64(out, (double)s->cpu_sys * 1e-9);
    orr_put_u64(out, s->max_rss);
    put_fixed(out, s->host, 64);
    orr_put_u32(out, s->rank);
    orr_put_u32(out, s->core);
    orr_put_u64(out, place->entry);
    orr_put_u64(out, place->blob);
    orr_put_u64(out, place->blob_bytes);
    orr_put_u32(out, s->n_rows);
}

static bool flush_records(struct index *index)
{
    bool ok = orri_hdf_append(index->records, index->record_type, &index->n_records,
                              index->block_rows, index->block.data);
    orr_bytes_clear(&index->block);
    index->block_rows = 0;
    return ok;
}

/* --- /frames ---------------------------------------------------------------- */

static const struct orr_column record_link = { "record", "u4", NULL,
                                               "row of /records that it belongs to" };

static hid_t make_column(struct index *index, const char *function,
                         const struct orr_column *column)
{
    struct orr_text path = ORR_TEXT_INIT;
    orr_text_printf(&path, "frames/%s/%s", function, column->name);
    hid_t dataset =
        orri_hdf_dataset(index->file, path.s, orri_hdf_column_type(column->type));
    orr_text_release(&path);
    if (dataset >= 0)
        (void)describe(dataset, "", column);
    return dataset;
}

static struct function *find_function(struct index *index, const struct orr_stored *s)
{
    uint64_t form = orri_columns_hash(s->columns);
    int other_forms = 0;
    for (size_t i = 0; i < index->n_functions; i++) {
        if (strcmp(index->functions[i].name, s->function) != 0)
            continue;
        if (index->functions[i].form == form)
            return &index->functions[i];
        other_forms++;
    }
    struct function f = { .name = orr_strdup(s->function),
                          .columns = s->columns,
                          .form = form };
    struct orr_text group = ORR_TEXT_INIT;
    orr_text_printf(&group, other_forms ? "%s~%d" : "%s", f.name, other_forms + 1);
    while (f.columns[f.n_columns].name)
        f.n_columns++;
    f.datasets = orr_alloc(f.n_columns + 1, sizeof *f.datasets);
    f.pending = orr_alloc(f.n_columns + 1, sizeof *f.pending);
    for (size_t i = 0; i < f.n_columns; i++)
        f.datasets[i] = make_column(index, group.s, &f.columns[i]);
    f.datasets[f.n_columns] = make_column(index, group.s, &record_link);
    orr_text_release(&group);
    index->functions =
        orr_grow(index->functions, index->n_functions, &index->cap_functions, sizeof f);
    index->functions[index->n_functions] = f;
    return &index->functions[index->n_functions++];
}

static bool flush_rows(struct function *f)
{
    bool ok = true;
    uint64_t length = f->length;
    for (size_t i = 0; i <= f->n_columns && ok; i++) {
        const struct orr_column *column =
            i < f->n_columns ? &f->columns[i] : &record_link;
        length = f->length;
        ok = orri_hdf_append(f->datasets[i], orri_hdf_column_type(column->type),
                             &length, f->pending_rows, f->pending[i].data);
        orr_bytes_clear(&f->pending[i]);
    }
    f->length = length;
    f->pending_rows = 0;
    return ok;
}

static bool append_rows(struct index *index, const struct orr_stored *s)
{
    struct function *f = find_function(index, s);
    const unsigned char *row = s->rows;
    uint64_t record = index->n_records + index->block_rows;
    for (uint32_t i = 0; i < s->n_rows; i++) {
        for (size_t c = 0; c < f->n_columns; c++) {
            uint32_t width = orri_column_width(f->columns[c].type);
            orr_put_raw(&f->pending[c], row, width);
            row += width;
        }
        orr_put_u32(&f->pending[f->n_columns], (uint32_t)record);
    }
    f->pending_rows += s->n_rows;
    return f->pending_rows < BLOCK_ROWS * 4 || flush_rows(f);
}

/* --- the file --------------------------------------------------------------- */

/* What is damaged is not in the index either. */
static bool add_attempt(struct index *index, struct orr_stored *stored,
                        const struct orr_place *place)
{
    if (stored->n_rows && orri_walk_rows(&index->walk, stored, NULL) != ORR_OK)
        return true;
    bool ok = !stored->n_rows || append_rows(index, stored);
    put_record(&index->block, stored, place);
    index->block_rows++;
    return ok && (index->block_rows < BLOCK_ROWS || flush_records(index));
}

static bool add_group(struct index *index)
{
    struct orr_stored stored;
    struct orr_place place;
    orr_status status = ORR_OK;
    bool ok = true;
    while (ok &&
           (status = orri_walk_attempt(&index->walk, &stored, &place, NULL)) != ORR_END)
        ok = status != ORR_OK || add_attempt(index, &stored, &place);
    return ok;
}

static bool add_groups(struct index *index)
{
    orr_status status = ORR_OK;
    bool ok = true;
    while (ok && (status = orri_walk_group(&index->walk, NULL)) != ORR_END)
        ok = status != ORR_OK || add_group(index);
    for (size_t i = 0; i < index->n_functions && ok; i++)
        ok = flush_rows(&index->functions[i]);
    return ok && flush_records(index) &&
           orri_hdf_put_int(index->file, "log_bytes", (int64_t)index->walk.next);
}

static bool put_root(hid_t file, const struct orri_shard_id *shard)
{
    char id[ORR_ID_TEXT];
    orr_id_text(shard->run, id);
    return orri_hdf_put_text(file, "format", "orrery-index") &&
           orri_hdf_put_u32(file, "version", ORRI_SHARD_FORMAT) &&
           orri_hdf_put_text(file, "run_id", id) &&
           orri_hdf_put_u32(file, "writer", shard->writer) &&
           orri_hdf_put_u32(file, "epoch", shard->epoch) &&
           orri_hdf_put_u32(file, "segment", shard->segment);
}

static void release(struct index *index)
{
    for (size_t i = 0; i < index->n_functions; i++) {
        struct function *f = &index->functions[i];
        for (size_t k = 0; k <= f->n_columns; k++) {
            if (f->datasets[k] >= 0)
                (void)H5Dclose(f->datasets[k]);
            orr_bytes_release(&f->pending[k]);
        }
        free(f->pending);
        free(f->datasets);
        free(f->name);
    }
    free(index->functions);
    orr_bytes_release(&index->block);
    if (index->records >= 0)
        (void)H5Dclose(index->records);
    if (index->record_type >= 0)
        (void)H5Tclose(index->record_type);
}

static orr_status write_index(struct index *index, const char *path,
                              struct orr_error *err)
{
    orri_hdf_begin();
    index->records = index->record_type = -1;
    index->file = orri_hdf_create(path);
    if (index->file < 0)
        return orri_hdf_error(err, "cannot make", path);
    bool ok = put_root(index->file, &index->walk.shard) && make_records(index) &&
              add_groups(index);
    orr_status status = ok ? ORR_OK : orri_hdf_error(err, "cannot write", path);
    release(index);
    if (H5Fclose(index->file) < 0 && status == ORR_OK)
        status = orri_hdf_error(err, "cannot write", path);
    if (status != ORR_OK)
        (void)unlink(path);
    return status;
}

static orr_status index_walk(struct index *index, const char *run_dir, bool durable,
                             struct orr_error *err)
{
    char suffix[64];
    (void)snprintf(suffix, sizeof suffix, ".idx.h5.tmp-%ld", (long)getpid());
    char *temporary = orri_shard_path(run_dir, &index->walk.shard, suffix);
    char *path = orri_shard_path(run_dir, &index->walk.shard, ".idx.h5");
    orr_status status = write_index(index, temporary, err);
    if (status == ORR_OK)
        status = orri_hdf_publish(temporary, path, durable, err);
    free(path);
    free(temporary);
    return status;
}

static orr_status shard_index(const char *run_dir, const struct orri_shard_id *shard,
                              bool durable, struct orr_error *err)
{
    struct index index = { .file = -1 };
    orr_status status = orri_walk_open(&index.walk, run_dir, shard, err);
    if (status != ORR_OK)
        return status;
    status = orri_walk_begin(&index.walk, shard->run, err);
    if (status == ORR_OK)
        status = index_walk(&index, run_dir, durable, err);
    if (status == ORR_OK)
        status = orri_walk_unreadable(&index.walk, err);
    orri_walk_close(&index.walk);
    return status;
}

/* --- shards that nobody closed ---------------------------------------------- */

bool orri_shard_is_sealed(const char *run_dir, const struct orri_shard_id *shard)
{
    char *path = orri_shard_path(run_dir, shard, ".idx.h5");
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

/* Give the disk space back that a killed writer had taken ahead. */
static orr_status trim_left_over(const char *run_dir, const struct orri_shard_id *shard,
                                 const struct orri_walk *walk, bool durable,
                                 struct orr_error *err)
{
    struct stat info;
    uint64_t bytes = orri_shard_log_bytes(walk->next);
    int fd = open(walk->path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        if (fd >= 0)
            (void)close(fd);
        return orr_error_errno(err, ORR_ERR_STORE, errno, "cannot open %s", walk->path);
    }
    orr_status status = ORR_OK;
    if ((uint64_t)info.st_size > ORRI_LOG_OFFSET + bytes)
        status =
            orri_shard_trim(run_dir, shard, fd, bytes, walk->created, durable, err);
    (void)close(fd);
    return status;
}

/* Where the log ends; false when it is damaged: what lies behind might still be of use
 * to someone, such a file is left as it is. */
static bool find_end(struct orri_walk *walk)
{
    bool good = true;
    orr_status status = ORR_OK;
    while ((status = orri_walk_group(walk, NULL)) != ORR_END)
        good = good && status == ORR_OK;
    return good && !walk->damage.text[0];
}

orr_status orri_shard_seal(const char *run_dir, const struct orri_shard_id *shard,
                           bool durable, struct orr_error *err)
{
    struct orri_walk walk;
    orr_status status = orri_walk_open(&walk, run_dir, shard, err);
    if (status != ORR_OK)
        return status;
    status = orri_walk_begin(&walk, shard->run, err);
    bool whole = status == ORR_OK && find_end(&walk);
    if (status == ORR_OK)
        status = orri_walk_unreadable(&walk, err);
    if (status == ORR_OK && whole)
        status = trim_left_over(run_dir, shard, &walk, durable, err);
    orri_walk_close(&walk);
    return status == ORR_OK ? shard_index(run_dir, shard, durable, err) : status;
}
