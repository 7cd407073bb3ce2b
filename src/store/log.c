/* log.c - appending frames to the log of one shard
 * Owns: the coalescing buffer, disk space taken ahead, the running group. Hands on:
 * what to append and when to commit (writer.c), the file around the log (shard.c). */
#include "store/log.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "lang/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 2 << 20,
    READ_BYTES = 1 << 20,     /* of a blob at once */
    RESERVE_BYTES = 64 << 20, /* disk space taken ahead */
    COMMIT_BYTES = ORRI_FRAME_HEADER + 24,
    COLUMNS_MAX = 64 * 1024 /* a function's column names, units and texts */
};

static orr_status io_error(const struct orri_log *log, int bad, struct orr_error *err)
{
    const char *advice = "";
    if (bad == ENOSPC)
        advice = " (make space, then `orrery resume` goes on)";
    else if (bad == EDQUOT)
        advice = " (free some of your quota, then `orrery resume` goes on)";
    return orr_error_set(
        err, ORR_ERR_STORE, ORR_NO_SPAN,
        "cannot write results to %s: %s%s; what was acknowledged is kept", log->path,
        strerror(bad), advice);
}

/* --- bytes ------------------------------------------------------------------ */

/* Take disk space ahead, so that a full disk shows before a frame is half written, and
 * blocks lie together. */
static orr_status reserve(struct orri_log *log, uint64_t upto, struct orr_error *err)
{
    while (log->allocated < upto) {
        uint64_t left = log->log_bytes - log->allocated;
        uint64_t step = left < RESERVE_BYTES ? left : RESERVE_BYTES;
        off_t at = (off_t)(ORRI_LOG_OFFSET + log->allocated);
        int bad = fallocate(log->fd, 0, at, (off_t)step) == 0 ? 0 : errno;
        if (bad == ENOSPC || bad == EDQUOT) { /* then just what is needed now */
            step = upto - log->allocated;
            bad = fallocate(log->fd, 0, at, (off_t)step) == 0 ? 0 : errno;
        }
        if (bad == EINTR)
            continue;
        if (bad == EOPNOTSUPP || bad == ENOSYS || bad == EINVAL)
            step = UINT64_MAX - log->allocated; /* cannot be asked for: write and see */
        else if (bad)
            return io_error(log, bad, err);
        log->allocated += step;
    }
    return ORR_OK;
}

static orr_status flush(struct orri_log *log, struct orr_error *err)
{
    if (!log->buffered)
        return ORR_OK;
    orr_status status = reserve(log, log->buffer_at + log->buffered, err);
    if (status != ORR_OK)
        return status;
    if (orr_pwrite_all(log->fd, log->buffer, log->buffered,
                       (int64_t)(ORRI_LOG_OFFSET + log->buffer_at)) != 0)
        return io_error(log, errno, err);
    log->buffer_at += log->buffered;
    log->buffered = 0;
    return ORR_OK;
}

static orr_status put(struct orri_log *log, const void *data, uint64_t length,
                      struct orr_error *err)
{
    const unsigned char *at = data;
    while (length) {
        size_t room = BUFFER_BYTES - log->buffered;
        size_t n = length < room ? (size_t)length : room;
        memcpy(log->buffer + log->buffered, at, n);
        log->buffered += n;
        at += n;
        length -= n;
        orr_status status = log->buffered == BUFFER_BYTES ? flush(log, err) : ORR_OK;
        if (status != ORR_OK)
            return status;
    }
    return ORR_OK;
}

static orr_status blob_error(const struct orri_log *log, int bad, struct orr_error *err)
{
    return orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                         "cannot read a worker's result for %s: %s", log->path,
                         bad ? strerror(bad) : "its memory is shorter than it said");
}

/* Straight from the worker's memory file into the buffer. */
static orr_status put_blob(struct orri_log *log, const struct orri_entry *entry,
                           uint32_t *crc, struct orr_error *err)
{
    uint64_t done = 0;
    while (done < entry->blob_bytes) {
        size_t n = BUFFER_BYTES - log->buffered;
        if (n > READ_BYTES)
            n = READ_BYTES;
        if (n > entry->blob_bytes - done)
            n = (size_t)(entry->blob_bytes - done);
        unsigned char *at = log->buffer + log->buffered;
        ssize_t got = pread(entry->blob_fd, at, n, (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return blob_error(log, got < 0 ? errno : 0, err);
        *crc = orr_crc32c(*crc, at, (size_t)got);
        log->buffered += (size_t)got;
        done += (uint64_t)got;
        orr_status status = log->buffered == BUFFER_BYTES ? flush(log, err) : ORR_OK;
        if (status != ORR_OK)
            return status;
    }
    return ORR_OK;
}

/* The header is known last, when the blob has passed: in the buffer, or on disk
 * already. */
static orr_status put_header(struct orri_log *log, const struct orri_frame *frame,
                             uint64_t at, struct orr_error *err)
{
    unsigned char header[ORRI_FRAME_HEADER];
    orri_frame_encode(frame, &log->shard, at, header);
    for (size_t i = 0; i < sizeof header; i++) {
        uint64_t where = at + i;
        if (where >= log->buffer_at) {
            memcpy(log->buffer + (where - log->buffer_at), header + i,
                   sizeof header - i);
            return ORR_OK;
        }
        size_t n = sizeof header - i; /* the part that is on disk */
        if (n > log->buffer_at - where)
            n = (size_t)(log->buffer_at - where);
        if (orr_pwrite_all(log->fd, header + i, n,
                           (int64_t)(ORRI_LOG_OFFSET + where)) != 0)
            return io_error(log, errno, err);
        i += n - 1;
    }
    return ORR_OK;
}

static const unsigned char zeros[ORRI_FRAME_HEADER];

static orr_status put_frame(struct orri_log *log, struct orri_frame *frame,
                            const unsigned char *sections,
                            const struct orri_entry *entry, struct orr_error *err)
{
    uint64_t at = log->end;
    uint64_t small = orri_frame_small(frame);
    uint64_t length = orri_frame_length(frame);
    if (at + length > log->log_bytes)
        ORR_BUG("%s: frame of %llu bytes past the end of the log", log->path,
                (unsigned long long)length);
    frame->small_crc = orr_crc32c(0, sections, small);
    orr_status status = put(log, zeros, ORRI_FRAME_HEADER, err);
    if (status == ORR_OK)
        status = put(log, sections, small, err);
    if (status == ORR_OK && entry)
        status = put_blob(log, entry, &frame->blob_crc, err);
    if (status == ORR_OK)
        status = put(log, zeros, length - ORRI_FRAME_HEADER - small - frame->blob_bytes,
                     err);
    if (status == ORR_OK)
        status = put_header(log, frame, at, err);
    if (status == ORR_OK)
        log->end += length;
    return status;
}

static orr_status put_special(struct orri_log *log, enum orr_frame_type type,
                              const struct orr_bytes *record, struct orr_error *err)
{
    struct orri_frame frame = { .type = type,
                                .record_bytes = (uint32_t)record->length };
    return put_frame(log, &frame, record->data, NULL, err);
}

/* --- opening and closing ---------------------------------------------------- */

orr_status orri_log_open(struct orri_log *log, const char *run_dir,
                         const struct orri_shard_id *shard, uint64_t log_bytes,
                         bool durable, struct orr_error *err)
{
    log_bytes = (log_bytes + 4095) & ~UINT64_C(4095);
    if (log_bytes < ORRI_LOG_OFFSET)
        log_bytes = ORRI_LOG_OFFSET;
    *log = (struct orri_log) { .run_dir = run_dir,
                               .shard = *shard,
                               .durable = durable,
                               .fd = -1,
                               .log_bytes = log_bytes,
                               .created = orr_clock_wall() };
    orr_status status = orri_shard_create(run_dir, shard, log_bytes, log->created,
                                          durable, &log->fd, err);
    if (status != ORR_OK)
        return status;
    struct orr_bytes record = ORR_BYTES_INIT;
    log->path = orri_shard_path(run_dir, shard, ".blob.h5");
    log->buffer = orr_alloc(BUFFER_BYTES, 1);
    orri_open_put(&record, shard, log->created);
    status = put_special(log, ORR_FRAME_OPEN, &record, err);
    orr_bytes_release(&record);
    log->group.group_start = log->end;
    return status;
}

static uint64_t rounded(uint64_t end)
{
    uint64_t n = (end + 4095) & ~UINT64_C(4095);
    return n < ORRI_LOG_OFFSET ? ORRI_LOG_OFFSET : n;
}

orr_status orri_log_close(struct orri_log *log, bool trim, struct orr_error *err)
{
    orr_status status = ORR_OK;
    if (log->fd >= 0 && trim && rounded(log->end) < log->log_bytes)
        status = orri_shard_trim(log->run_dir, &log->shard, log->fd, rounded(log->end),
                                 log->created, log->durable, err);
    if (log->fd >= 0 && close(log->fd) != 0 && status == ORR_OK && log->durable)
        status = io_error(log, errno, err);
    for (size_t i = 0; i < log->n_described; i++)
        free(log->described[i].function);
    free(log->described);
    free(log->buffer);
    free(log->path);
    *log = (struct orri_log) { .fd = -1 };
    return status;
}

/* --- entries and groups ----------------------------------------------------- */

uint64_t orri_log_need(const struct orri_entry *entry)
{
    uint64_t small =
        (uint64_t)entry->record_bytes + entry->results_bytes + entry->rows_bytes;
    return ORRI_FRAME_HEADER + small + entry->blob_bytes + ORRI_FRAME_ALIGN +
           (entry->columns ? COLUMNS_MAX : 0) + COMMIT_BYTES + ORRI_FRAME_ALIGN;
}

bool orri_log_fits(const struct orri_log *log, const struct orri_entry *entry)
{
    return log->end + orri_log_need(entry) <= log->log_bytes;
}

static orr_status describe(struct orri_log *log, const struct orri_entry *entry,
                           struct orr_error *err)
{
    struct orr_bytes record = ORR_BYTES_INIT;
    if (!entry->columns)
        return ORR_OK;
    uint64_t form = orri_columns_hash(entry->columns);
    for (size_t i = 0; i < log->n_described; i++)
        if (log->described[i].form == form &&
            strcmp(log->described[i].function, entry->function) == 0)
            return ORR_OK;
    log->described = orr_grow(log->described, log->n_described, &log->cap_described,
                              sizeof *log->described);
    log->described[log->n_described++] =
        (struct orri_described) { orr_strdup(entry->function), form };
    orri_columns_put(&record, entry->function, entry->columns);
    if (record.length > COLUMNS_MAX - ORRI_FRAME_HEADER - ORRI_FRAME_ALIGN)
        ORR_BUG("the columns of function %s take %zu bytes", entry->function,
                record.length);
    orr_status status = put_special(log, ORR_FRAME_COLUMNS, &record, err);
    orr_bytes_release(&record);
    return status;
}

struct patch {
    const struct orri_shard_id *shard;
    uint64_t blob_at; /* in the log */
    uint64_t blob_bytes;
    bool outside;
};

static void patch_blob(void *context, unsigned char *at)
{
    struct patch *patch = context;
    struct orr_blob blob;
    orr_blob_decode(at, &blob);
    if (blob.writer != ORR_BLOB_LOCAL)
        return; /* an argument handed through: it lies where it lay */
    if (blob.offset > patch->blob_bytes ||
        blob.length > patch->blob_bytes - blob.offset)
        patch->outside = true;
    blob.writer = patch->shard->writer;
    blob.epoch = patch->shard->epoch;
    blob.segment = patch->shard->segment;
    blob.offset += patch->blob_at;
    orr_blob_encode(&blob, at);
}

static orr_status patch_results(struct orri_log *log, struct orri_entry *entry,
                                struct orr_error *err)
{
    struct patch patch = { .shard = &log->shard, .blob_bytes = entry->blob_bytes };
    patch.blob_at = log->end + ORRI_FRAME_HEADER + entry->record_bytes +
                    entry->results_bytes + entry->rows_bytes;
    if (!entry->results_bytes)
        return ORR_OK;
    struct orr_reader in =
        orr_reader_of(entry->sections + entry->record_bytes, entry->results_bytes);
    orr_status status = orr_value_visit_blobs(&in, patch_blob, &patch);
    if (status == ORR_OK && !patch.outside)
        return ORR_OK;
    return orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                         "a worker handed over a result of %s that is %s",
                         entry->function,
                         patch.outside ? "larger than its bytes" : "damaged");
}

orr_status orri_log_append(struct orri_log *log, struct orri_entry *entry,
                           struct orr_error *err)
{
    orr_status status = describe(log, entry, err);
    if (status == ORR_OK)
        status = patch_results(log, entry, err);
    if (status != ORR_OK)
        return status;
    struct orri_frame frame = { .type = ORR_FRAME_RESULT,
                                .id = entry->id,
                                .attempt = entry->attempt,
                                .record_bytes = entry->record_bytes,
                                .results_bytes = entry->results_bytes,
                                .rows_bytes = entry->rows_bytes,
                                .blob_bytes = entry->blob_bytes };
    status = put_frame(log, &frame, entry->sections, entry, err);
    if (status != ORR_OK)
        return status;
    log->group.group_results++;
    log->group.results++;
    return ORR_OK;
}

uint64_t orri_log_group_bytes(const struct orri_log *log)
{
    return log->end - log->group.group_start;
}

orr_status orri_log_commit(struct orri_log *log, int64_t *sync_ns,
                           struct orr_error *err)
{
    struct orr_bytes record = ORR_BYTES_INIT;
    orri_commit_put(&record, &log->group);
    orr_status status = put_special(log, ORR_FRAME_COMMIT, &record, err);
    orr_bytes_release(&record);
    if (status == ORR_OK)
        status = flush(log, err);
    if (status != ORR_OK)
        return status;
    int64_t start = orr_clock_monotonic();
    /* After a failed sync the kernel has dropped the pages: never try again. */
    if (log->durable && fdatasync(log->fd) != 0)
        return io_error(log, errno, err);
    *sync_ns += orr_clock_monotonic() - start;
    log->group.group_start = log->end;
    log->group.group_results = 0;
    return ORR_OK;
}
