/* walk.c - moving along the frames of one log
 * Owns: reading the file in pieces, the columns seen so far. Hands on: what is done
 * with attempts (scan.c, seal.c). */
#include "store/walk.h"

#include "store/scan.h"
#include "store/shard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Skipping a blob and reading the next frame is one read; many small frames are one,
 * too. */
enum { WINDOW_BYTES = 256 * 1024, WINDOW_SMALL = 16 * 1024 };

orr_status orri_walk_open(struct orri_walk *walk, const char *run_dir,
                          const struct orri_shard_id *shard, struct orr_error *err)
{
    *walk = (struct orri_walk) { .shard = *shard, .fd = -1 };
    walk->path = orri_shard_path(run_dir, shard, ".blob.h5");
    walk->fd = open(walk->path, O_RDONLY | O_CLOEXEC);
    if (walk->fd < 0) {
        orr_status status =
            orr_error_errno(err, ORR_ERR_STORE, errno, "cannot open %s", walk->path);
        free(walk->path);
        return status;
    }
    walk->window = orr_alloc(WINDOW_BYTES, 1);
    return ORR_OK;
}

void orri_walk_close(struct orri_walk *walk)
{
    if (walk->fd >= 0)
        (void)close(walk->fd);
    orr_arena_release(&walk->attempt);
    orr_arena_release(&walk->known);
    free(walk->columns);
    free(walk->window);
    free(walk->large);
    free(walk->path);
    *walk = (struct orri_walk) { .fd = -1 };
}

/* --- bytes ------------------------------------------------------------------ */

/* Up to `length` bytes of the log from `at`; fewer at the end of the file. */
static ssize_t read_log(const struct orri_walk *walk, uint64_t at, void *out,
                        size_t length)
{
    size_t done = 0;
    if (at > (uint64_t)INT64_MAX - ORRI_LOG_OFFSET - length)
        return 0;
    while (done < length) {
        ssize_t n = pread(walk->fd, (char *)out + done, length - done,
                          (off_t)(ORRI_LOG_OFFSET + at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static bool in_window(const struct orri_walk *walk, uint64_t at, size_t length)
{
    return at >= walk->window_at && at + length <= walk->window_at + walk->window_bytes;
}

/* `length` bytes at `at`, in the window or in `large`; NULL when they cannot be had. */
static const unsigned char *bytes_at(struct orri_walk *walk, uint64_t at, size_t length)
{
    if (in_window(walk, at, length))
        return walk->window + (at - walk->window_at);
    if (length > WINDOW_BYTES) {
        if (walk->large_bytes < length) {
            walk->large = orr_realloc(walk->large, length, 1);
            walk->large_bytes = length;
        }
        return read_log(walk, at, walk->large, length) == (ssize_t)length ? walk->large
                                                                          : NULL;
    }
    /* Going on where the last piece ended: many small frames. Else: after a blob. */
    bool onward = at >= walk->window_at && at <= walk->window_at + walk->window_bytes;
    size_t want = onward ? WINDOW_BYTES : WINDOW_SMALL;
    ssize_t n = read_log(walk, at, walk->window, want < length ? length : want);
    walk->window_at = at;
    walk->window_bytes = n > 0 ? (size_t)n : 0;
    return in_window(walk, at, length) ? walk->window : NULL;
}

static bool all_zero(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i])
            return false;
    return true;
}

/* --- frames ----------------------------------------------------------------- */

orr_status orri_walk_header(struct orri_walk *walk, uint64_t at, struct orri_frame *out,
                            struct orr_error *err)
{
    const unsigned char *header = bytes_at(walk, at, ORRI_FRAME_HEADER);
    if (!header || all_zero(header, ORRI_FRAME_HEADER))
        return ORR_END;
    return orri_frame_decode(header, &walk->shard, at, out, err);
}

const unsigned char *orri_walk_sections(struct orri_walk *walk,
                                        const struct orri_frame *frame, uint64_t at,
                                        struct orr_error *err)
{
    uint64_t small = orri_frame_small(frame);
    const unsigned char *bytes = NULL;
    off_t end = lseek(walk->fd, 0, SEEK_END); /* before memory is taken for it */
    if (end >= 0 && ORRI_LOG_OFFSET + at + ORRI_FRAME_HEADER + small <= (uint64_t)end)
        bytes = bytes_at(walk, at + ORRI_FRAME_HEADER, (size_t)small);
    if (!bytes)
        (void)orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN, "the file ends within it");
    else if (orr_crc32c(0, bytes, (size_t)small) != frame->small_crc) {
        (void)orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN, "wrong checksum");
        bytes = NULL;
    }
    return bytes;
}

static const struct orr_column *find_columns(const struct orri_walk *walk,
                                             const char *function, uint64_t form)
{
    for (size_t i = 0; i < walk->n_columns; i++)
        if (walk->columns[i].form == form &&
            strcmp(walk->columns[i].function, function) == 0)
            return walk->columns[i].columns;
    return NULL;
}

void orri_walk_learn_columns(struct orri_walk *walk, const struct orri_frame *frame,
                             uint64_t at)
{
    struct orri_walk_columns entry;
    const unsigned char *bytes = orri_walk_sections(walk, frame, at, NULL);
    if (!bytes)
        return; /* attempts with rows of that function are left out then */
    struct orr_reader in = orr_reader_of(bytes, frame->record_bytes);
    if (orri_columns_get(&in, &walk->known, &entry.function, &entry.columns, NULL) !=
        ORR_OK)
        return;
    walk->columns =
        orr_grow(walk->columns, walk->n_columns, &walk->cap_columns, sizeof entry);
    entry.form = orri_columns_hash(entry.columns);
    walk->columns[walk->n_columns++] = entry;
}

orr_status orri_walk_attempt(struct orri_walk *walk, const struct orri_frame *frame,
                             uint64_t at, struct orr_stored *out, struct orr_error *err)
{
    const unsigned char *bytes = orri_walk_sections(walk, frame, at, err);
    if (!bytes)
        return ORR_ERR_DATA;
    struct orr_reader in = orr_reader_of(bytes, frame->record_bytes);
    struct orr_stored s = { .id = frame->id, .attempt = frame->attempt };
    uint64_t form = 0;
    orr_arena_reset(&walk->attempt);
    orr_status status = orri_record_get(&in, &walk->attempt, &s, &form, err);
    if (status != ORR_OK)
        return status;
    s.results = bytes + frame->record_bytes;
    s.results_bytes = frame->results_bytes;
    s.rows = bytes + frame->record_bytes + frame->results_bytes;
    if ((uint64_t)s.row_bytes * s.n_rows != frame->rows_bytes)
        return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                             "its rows do not have the length that its record says");
    s.columns = frame->rows_bytes ? find_columns(walk, s.function, form) : NULL;
    if (s.n_rows && (!s.columns || orri_row_width(s.columns) != s.row_bytes))
        return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                             "what the rows of function %s hold is damaged",
                             s.function);
    *out = s;
    return ORR_OK;
}

bool orri_walk_blob_matches(struct orri_walk *walk, const struct orri_frame *frame,
                            uint64_t at)
{
    enum { PIECE = 1 << 20 };
    uint32_t crc = 0;
    uint64_t start = at + ORRI_FRAME_HEADER + orri_frame_small(frame);
    unsigned char *piece = orr_alloc(PIECE, 1);
    uint64_t done = 0;
    while (done < frame->blob_bytes) {
        uint64_t left = frame->blob_bytes - done;
        size_t n = left < PIECE ? (size_t)left : PIECE;
        if (read_log(walk, start + done, piece, n) != (ssize_t)n)
            break;
        crc = orr_crc32c(crc, piece, n);
        done += n;
    }
    free(piece);
    return done == frame->blob_bytes && crc == frame->blob_crc;
}

/* --- how far it is good ----------------------------------------------------- */

static orr_status refuse_foreign(const struct orri_walk *walk, struct orr_id run,
                                 const struct orri_shard_id *is, struct orr_error *err)
{
    char want[ORR_ID_TEXT];
    char have[ORR_ID_TEXT];
    const struct orri_shard_id *named = &walk->shard;
    if (!orr_id_equal(is->run, run)) {
        orr_id_text(run, want);
        orr_id_text(is->run, have);
        return orr_error_set(
            err, ORR_ERR_DATA, ORR_NO_SPAN,
            "%s belongs to run %s, not to this run (%s); was it copied here? "
            "Move it out of the shards directory",
            walk->path, have, want);
    }
    if (is->writer != named->writer || is->epoch != named->epoch ||
        is->segment != named->segment) {
        char name[ORR_SHARD_NAME];
        orr_shard_name(is->writer, is->epoch, is->segment, name);
        return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                             "%s is shard %s under a wrong name; rename it back",
                             walk->path, name);
    }
    return ORR_OK;
}

/* The first frame says whose log it is. */
static orr_status check_open(struct orri_walk *walk, struct orr_id run, bool *empty,
                             struct orri_extent *extent, struct orr_error *err)
{
    struct orri_frame frame;
    struct orri_shard_id is;
    orr_status status = orri_walk_header(walk, 0, &frame, &extent->damage);
    *empty = true;
    if (status != ORR_OK)
        return ORR_OK; /* never written, or damaged: nothing in it to believe */
    if (frame.type != ORR_FRAME_OPEN) {
        (void)orr_error_set(&extent->damage, ORR_ERR_DATA, ORR_NO_SPAN,
                            "the log does not start with an OPEN frame");
        return ORR_OK;
    }
    const unsigned char *bytes = orri_walk_sections(walk, &frame, 0, &extent->damage);
    if (!bytes)
        return ORR_OK;
    struct orr_reader in = orr_reader_of(bytes, frame.record_bytes);
    if (orri_open_get(&in, &is, &walk->created, &extent->damage) != ORR_OK)
        return ORR_OK;
    *empty = false;
    walk->shard.run = run;
    return refuse_foreign(walk, run, &is, err);
}

/* A commit frame counts only when it and all its group's headers are whole. */
static bool good_commit(struct orri_walk *walk, const struct orri_frame *frame,
                        uint64_t at, struct orri_commit *commit)
{
    const unsigned char *bytes = orri_walk_sections(walk, frame, at, NULL);
    if (!bytes)
        return false;
    struct orr_reader in = orr_reader_of(bytes, frame->record_bytes);
    return orri_commit_get(&in, commit, NULL) == ORR_OK;
}

orr_status orri_walk_extent(struct orri_walk *walk, struct orr_id run,
                            struct orri_extent *out, struct orr_error *err)
{
    struct orri_frame frame;
    struct orri_commit commit;
    bool empty = false;
    *out = (struct orri_extent) { .committed = 0 };
    orr_status status = check_open(walk, run, &empty, out, err);
    if (status != ORR_OK || empty)
        return status;
    for (uint64_t at = 0;; at += orri_frame_length(&frame)) {
        if (orri_walk_header(walk, at, &frame, &out->damage) != ORR_OK)
            return ORR_OK;
        if (frame.type == ORR_FRAME_RESULT)
            out->uncommitted++;
        if (frame.type != ORR_FRAME_COMMIT || !good_commit(walk, &frame, at, &commit))
            continue;
        out->committed = at + orri_frame_length(&frame);
        out->last_group = commit.group_start;
        out->uncommitted = 0;
    }
}
