/* log.c - appending groups to the log of one shard
 * Owns: the coalescing buffer, disk space taken ahead, the running group. Hands on:
 * what to append and when to commit (writer.c), the file around the log (shard.c).
 *
 * Rows and blobs go to the log as they come; words and entries wait in memory for the
 * commit. The group's header is zeros until then: a group without one does not exist.
 */
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
    GROUP_SLACK = 32          /* of the words: base time and counts */
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

/* The disk may begin while the rest of the group comes: the sync has less to wait for.
 * A hint, so nothing is checked. */
static void start_writeback(const struct orri_log *log, uint64_t at, size_t length)
{
    if (log->durable && length >= BUFFER_BYTES / 2)
        (void)sync_file_range(log->fd, (off_t)(ORRI_LOG_OFFSET + at), (off_t)length,
                              SYNC_FILE_RANGE_WRITE);
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
    start_writeback(log, log->buffer_at, log->buffered);
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

/* Last, and by itself: whoever is killed before it leaves no group, and after it a
 * whole one. */
static orr_status put_header(struct orri_log *log, struct orr_error *err)
{
    unsigned char header[ORRI_FRAME_HEADER];
    orri_frame_encode(&log->group, &log->shard, header);
    orr_status status = flush(log, err);
    if (status == ORR_OK &&
        orr_pwrite_all(log->fd, header, sizeof header,
                       (int64_t)(ORRI_LOG_OFFSET + log->group.at)) != 0)
        status = io_error(log, errno, err);
    return status;
}

static const unsigned char zeros[ORRI_FRAME_HEADER];

/* Zeros where the header will be, once. */
static orr_status begin_frame(struct orri_log *log, enum orri_frame_type type,
                              struct orr_error *err)
{
    log->group.type = type;
    log->group.at = log->end;
    log->group.tag = orri_place_tag(&log->shard, log->end);
    log->end += ORRI_FRAME_HEADER;
    return put(log, zeros, ORRI_FRAME_HEADER, err);
}

/* What is in memory, padding, header. */
static orr_status end_frame(struct orri_log *log, const struct orr_bytes *words,
                            struct orr_error *err)
{
    struct orri_frame *group = &log->group;
    group->words_bytes = (uint32_t)words->length;
    group->words_crc = orr_crc32c(group->tag, words->data, words->length);
    group->entries_bytes = log->entries.length;
    group->committed = orr_clock_wall();
    uint64_t end = group->at + orri_frame_length(group);
    if (end > log->log_bytes)
        ORR_BUG("%s: a group past the end of the log, at %llu", log->path,
                (unsigned long long)end);
    orr_status status = put(log, words->data, words->length, err);
    if (status == ORR_OK)
        status = put(log, log->entries.data, log->entries.length, err);
    log->end += words->length + log->entries.length;
    if (status == ORR_OK)
        status = put(log, zeros, end - log->end, err);
    if (status == ORR_OK)
        status = put_header(log, err);
    log->end = end;
    return status;
}

/* Nothing of the next group is in the log yet. */
static void next_group(struct orri_log *log)
{
    uint64_t before = log->group.before + log->group.attempts;
    log->group = (struct orri_frame) { .before = before };
    orri_words_clear(&log->words);
    orr_bytes_clear(&log->entries);
    log->words_most = GROUP_SLACK;
}

/* --- opening and closing ---------------------------------------------------- */

orr_status orri_log_open(struct orri_log *log, const char *run_dir,
                         const struct orri_shard_id *shard, uint64_t log_bytes,
                         bool durable, struct orr_error *err)
{
    log_bytes = orri_shard_log_bytes(log_bytes);
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
    status = begin_frame(log, ORRI_FRAME_OPEN, err);
    log->group.tag = 0;
    if (status == ORR_OK)
        status = end_frame(log, &record, err);
    orr_bytes_release(&record);
    next_group(log);
    return status;
}

orr_status orri_log_close(struct orri_log *log, bool trim, struct orr_error *err)
{
    orr_status status = ORR_OK;
    uint64_t bytes = orri_shard_log_bytes(log->end);
    if (log->fd >= 0 && trim && bytes < log->log_bytes)
        status = orri_shard_trim(log->run_dir, &log->shard, log->fd, bytes,
                                 log->created, log->durable, err);
    if (log->fd >= 0 && close(log->fd) != 0 && status == ORR_OK && log->durable)
        status = io_error(log, errno, err);
    orri_words_release(&log->words);
    orr_bytes_release(&log->entries);
    free(log->buffer);
    free(log->path);
    *log = (struct orri_log) { .fd = -1 };
    return status;
}

/* --- entries and groups ----------------------------------------------------- */

static uint64_t bulk_bytes(const struct orri_entry *entry)
{
    return (uint64_t)entry->stored.row_bytes * entry->stored.n_rows + entry->blob_bytes;
}

uint64_t orri_log_need(const struct orri_entry *entry)
{
    return ORRI_FRAME_HEADER + bulk_bytes(entry) + orri_entry_most(&entry->stored) +
           GROUP_SLACK + ORRI_FRAME_ALIGN;
}

bool orri_log_fits(const struct orri_log *log, const struct orri_entry *entry)
{
    return log->end + log->entries.length + log->words_most + orri_log_need(entry) <=
           log->log_bytes;
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

static orr_status patch_results(const struct orri_log *log, struct orri_entry *entry,
                                uint64_t blob_at, struct orr_error *err)
{
    struct patch patch = { .shard = &log->shard,
                           .blob_at = blob_at,
                           .blob_bytes = entry->blob_bytes };
    if (!entry->stored.results_bytes)
        return ORR_OK;
    struct orr_reader in = orr_reader_of(entry->results, entry->stored.results_bytes);
    orr_status status = orr_value_visit_blobs(&in, patch_blob, &patch);
    if (status == ORR_OK && !patch.outside)
        return ORR_OK;
    return orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                         "a worker handed over a result of %s that is %s",
                         entry->stored.function,
                         patch.outside ? "larger than its bytes" : "damaged");
}

static orr_status put_bulk(struct orri_log *log, const struct orri_entry *entry,
                           struct orri_bulk *bulk, struct orr_error *err)
{
    const struct orr_stored *s = &entry->stored;
    uint64_t rows = (uint64_t)s->row_bytes * s->n_rows;
    *bulk = (struct orri_bulk) { .at = log->group.bulk_bytes,
                                 .blob_bytes = entry->blob_bytes };
    bulk->rows_crc = orr_crc32c(0, s->rows, rows);
    orr_status status = put(log, s->rows, rows, err);
    if (status == ORR_OK)
        status = put_blob(log, entry, &bulk->blob_crc, err);
    log->end += rows + entry->blob_bytes;
    log->group.bulk_bytes += rows + entry->blob_bytes;
    return status;
}

orr_status orri_log_append(struct orri_log *log, struct orri_entry *entry,
                           struct orr_error *err)
{
    struct orri_bulk bulk;
    const struct orr_stored *s = &entry->stored;
    orr_status status = ORR_OK;
    if (!log->group.attempts)
        status = begin_frame(log, ORRI_FRAME_GROUP, err);
    uint64_t rows = (uint64_t)s->row_bytes * s->n_rows;
    if (status == ORR_OK)
        status = patch_results(log, entry, log->end + rows, err);
    if (status == ORR_OK)
        status = put_bulk(log, entry, &bulk, err);
    if (status != ORR_OK)
        return status;
    uint64_t most = log->words_most + log->entries.length + orri_entry_most(s);
    orri_entry_put(&log->entries, &log->words, s, &bulk, log->group.tag);
    log->words_most = most - log->entries.length; /* what it did not take, words may */
    log->group.attempts++;
    return ORR_OK;
}

uint64_t orri_log_group_bytes(const struct orri_log *log)
{
    return log->group.attempts ? log->end - log->group.at + log->entries.length : 0;
}

orr_status orri_log_commit(struct orri_log *log, int64_t *sync_ns,
                           struct orr_error *err)
{
    struct orr_bytes words = ORR_BYTES_INIT;
    orri_words_put(&words, &log->words);
    orr_status status = end_frame(log, &words, err);
    orr_bytes_release(&words);
    if (status != ORR_OK)
        return status;
    int64_t start = orr_clock_monotonic();
    /* After a failed sync the kernel has dropped the pages: never try again. */
    if (log->durable && fdatasync(log->fd) != 0)
        return io_error(log, errno, err);
    *sync_ns += orr_clock_monotonic() - start;
    next_group(log);
    return ORR_OK;
}
