/* walk.c - moving along the groups of one log
 * Owns: reading the file in pieces, what is believed of it. Hands on: what is done with
 * attempts (scan.c, seal.c, verify.c). */
#include "store/walk.h"

#include "store/shard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Many small groups are one read; after a long bulk, less is read in vain. */
enum { WINDOW_BYTES = 256 * 1024, WINDOW_SMALL = 16 * 1024 };

orr_status orri_walk_open(struct orri_walk *walk, const char *run_dir,
                          const struct orri_shard_id *shard, struct orr_error *err)
{
    *walk = (struct orri_walk) { .shard = *shard, .fd = -1, .last = true };
    walk->path = orri_shard_path(run_dir, shard, ".blob.h5");
    walk->fd = open(walk->path, O_RDONLY | O_CLOEXEC);
    if (walk->fd < 0) {
        orr_status status =
            orr_error_errno(err, ORR_ERR_STORE, errno, "cannot open %s", walk->path);
        free(walk->path);
        return status;
    }
    return ORR_OK;
}

void orri_walk_close(struct orri_walk *walk)
{
    if (walk->fd >= 0)
        (void)close(walk->fd);
    orr_arena_release(&walk->attempt_memory);
    orr_arena_release(&walk->group_memory);
    orr_arena_release(&walk->columns_memory);
    free(walk->columns);
    free(walk->window.bytes);
    free(walk->rows.bytes);
    free(walk->path);
    *walk = (struct orri_walk) { .fd = -1 };
}

/* --- bytes ------------------------------------------------------------------ */

/* Up to `length` bytes of the log from `at`; fewer at the end of the file, or when it
 * cannot be read. */
static ssize_t read_log(struct orri_walk *walk, uint64_t at, void *out, size_t length)
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
            walk->bad = errno;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* Do so many bytes lie in the file? Asked before memory is taken for them. */
static bool in_file(const struct orri_walk *walk, uint64_t at, uint64_t length)
{
    off_t end = lseek(walk->fd, 0, SEEK_END);
    return end >= ORRI_LOG_OFFSET && at <= (uint64_t)end - ORRI_LOG_OFFSET &&
           length <= (uint64_t)end - ORRI_LOG_OFFSET - at;
}

static bool holds(const struct orri_window *window, uint64_t at, size_t length)
{
    return at >= window->at && length <= window->length &&
           at - window->at <= window->length - length;
}

/* `length` bytes at `at`, good until the window moves; NULL when they cannot be had. */
static const unsigned char *bytes_at(struct orri_walk *walk, struct orri_window *window,
                                     uint64_t at, uint64_t length)
{
    if (length && holds(window, at, (size_t)length))
        return window->bytes + (at - window->at);
    if (!in_file(walk, at, length))
        return NULL;
    /* Going on where the last piece ended: many small groups. Else: after bulk. */
    bool onward = at >= window->at && at <= window->at + window->length;
    size_t want = onward ? WINDOW_BYTES : WINDOW_SMALL;
    if (want < length)
        want = (size_t)length;
    if (window->cap < want) {
        window->bytes = orr_realloc(window->bytes, want, 1);
        window->cap = want;
    }
    ssize_t n = read_log(walk, at, window->bytes, want);
    window->at = at;
    window->length = n > 0 ? (size_t)n : 0;
    return window->length >= length ? window->bytes : NULL;
}

orr_status orri_walk_unreadable(const struct orri_walk *walk, struct orr_error *err)
{
    if (!walk->bad)
        return ORR_OK;
    return orr_error_errno(err, ORR_ERR_STORE, walk->bad, "cannot read %s", walk->path);
}

/* --- groups ----------------------------------------------------------------- */

static const unsigned char *checked_words(struct orri_walk *walk,
                                          const struct orri_frame *frame,
                                          struct orr_error *err)
{
    uint64_t at = frame->at + ORRI_FRAME_HEADER + frame->bulk_bytes;
    const unsigned char *bytes = bytes_at(
        walk, &walk->window, at, (uint64_t)frame->words_bytes + frame->entries_bytes);
    if (!bytes)
        (void)orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN, "the file ends within it");
    else if (orr_crc32c(frame->tag, bytes, frame->words_bytes) != frame->words_crc) {
        (void)orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN, "wrong checksum");
        bytes = NULL;
    }
    return bytes;
}

static bool all_zero(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i])
            return false;
    return true;
}

/* A whole group header; `why` is left alone where nothing was ever written. */
static bool group_at(struct orri_walk *walk, uint64_t at, struct orri_frame *out,
                     struct orr_error *why)
{
    unsigned char header[ORRI_FRAME_HEADER];
    if (read_log(walk, at, header, sizeof header) != sizeof header ||
        all_zero(header, sizeof header))
        return false;
    return orri_frame_decode(header, &walk->shard, at, out, why) == ORR_OK &&
           out->type == ORRI_FRAME_GROUP;
}

/* From `at` on, the next place that holds bytes at all. */
static uint64_t next_data(const struct orri_walk *walk, uint64_t at)
{
    off_t data = lseek(walk->fd, (off_t)(ORRI_LOG_OFFSET + at), SEEK_DATA);
    if (data < 0)
        return errno == ENXIO ? UINT64_MAX : at; /* a hole to the end */
    uint64_t found = (uint64_t)data - ORRI_LOG_OFFSET;
    return (found + ORRI_FRAME_ALIGN - 1) & ~(uint64_t)(ORRI_FRAME_ALIGN - 1);
}

/* Look for a whole header at any place after `at`: a magic number is at most one of a
 * thousand, both checksums tell it from the bytes of a blob. */
static bool search(struct orri_walk *walk, uint64_t at, struct orri_frame *out)
{
    static const unsigned char magic[] = { 'O', 'R', 'R', 'F' };
    enum { PIECE = 1 << 20 };
    unsigned char *piece = orr_alloc(PIECE, 1);
    bool found = false;
    for (bool more = true; more && !found;) {
        at = next_data(walk, at);
        ssize_t n = at == UINT64_MAX ? 0 : read_log(walk, at, piece, PIECE);
        more = n == PIECE;
        for (ssize_t i = 0; i + ORRI_FRAME_HEADER <= n && !found; i += ORRI_FRAME_ALIGN)
            found = memcmp(piece + i, magic, sizeof magic) == 0 &&
                    orri_frame_decode(piece + i, &walk->shard, at + (uint64_t)i, out,
                                      NULL) == ORR_OK &&
                    out->type == ORRI_FRAME_GROUP;
        at += PIECE - ORRI_FRAME_HEADER;
    }
    free(piece);
    return found;
}

static void note_gap(struct orri_walk *walk, uint64_t from, uint64_t to,
                     const struct orr_error *why)
{
    walk->skipped += to - from;
    if (!walk->damage.text[0])
        (void)orr_error_set(
            &walk->damage, ORR_ERR_DATA, ORR_NO_SPAN,
            "%" PRIu64 " bytes at %" PRIu64 " of the log are not readable: %s",
            to - from, from, why->text[0] ? why->text : "they were never written");
}

/* Find the group from `walk->next` on, wherever it is: it makes the one at hand not the
 * last. `why` says what is wrong there, as far as that is known. */
static void look_ahead(struct orri_walk *walk, struct orr_error why)
{
    walk->last = !group_at(walk, walk->next, &walk->ahead, &why) &&
                 !search(walk, walk->next, &walk->ahead);
    if (!walk->last && walk->ahead.at != walk->next)
        note_gap(walk, walk->next, walk->ahead.at, &why);
    if (walk->last && why.text[0] && !walk->damage.text[0])
        walk->damage = why; /* the end, but not a clean one */
}

/* --- the first frame -------------------------------------------------------- */

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

/* The start of the log looks like ours, but is of a form that is not read here. */
static orr_status refuse_form(const struct orri_walk *walk, const unsigned char *header,
                              const struct orr_error *why, struct orr_error *err)
{
    struct orr_reader in = orr_reader_of(header, ORRI_FRAME_HEADER);
    uint32_t magic = orr_get_u32(&in);
    in.at = 60;
    bool whole =
        magic == ORRI_FRAME_MAGIC && orr_get_u32(&in) == orr_crc32c(0, header, 60);
    if (magic != ORRI_FRAME_MAGIC_SWAPPED && !whole)
        return ORR_OK; /* damage */
    return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN, "%s: %s", walk->path,
                         why->text);
}

static bool read_open(struct orri_walk *walk, const struct orri_frame *frame,
                      struct orri_shard_id *is, struct orr_error *why)
{
    const unsigned char *words =
        frame->type == ORRI_FRAME_OPEN ? checked_words(walk, frame, NULL) : NULL;
    struct orr_reader in = orr_reader_of(words, words ? frame->words_bytes : 0);
    if (words && orri_open_get(&in, is, &walk->created, NULL) == ORR_OK)
        return true;
    (void)orr_error_set(why, ORR_ERR_DATA, ORR_NO_SPAN,
                        "the first frame of the log is damaged");
    return false;
}

/* The OPEN frame: the log's first group is behind it. Where it is damaged or was never
 * written, `why` says so, and groups speak for themselves. */
static orr_status believe_open(struct orri_walk *walk, struct orr_error *why,
                               struct orr_error *err)
{
    struct orri_frame frame;
    struct orri_shard_id is;
    const unsigned char *header = bytes_at(walk, &walk->window, 0, ORRI_FRAME_HEADER);
    if (!header || all_zero(header, ORRI_FRAME_HEADER))
        return ORR_OK;
    if (orri_frame_decode(header, &walk->shard, 0, &frame, why) != ORR_OK)
        return refuse_form(walk, header, why, err);
    if (!read_open(walk, &frame, &is, why))
        return ORR_OK;
    walk->next = orri_frame_length(&frame);
    return refuse_foreign(walk, walk->shard.run, &is, err);
}

orr_status orri_walk_begin(struct orri_walk *walk, struct orr_id run,
                           struct orr_error *err)
{
    struct orr_error why = { .code = ORR_OK };
    walk->shard.run = run;
    orr_status status = believe_open(walk, &why, err);
    if (status == ORR_OK)
        look_ahead(walk, why);
    return status;
}

/* --- the group at hand ------------------------------------------------------- */

/* Columns of the walk that live longer than the group. */
static void keep_columns(struct orri_walk *walk)
{
    for (uint32_t i = 0; i < walk->words.n_columns; i++) {
        struct orri_known_columns *c = &walk->words.columns[i];
        const struct orr_column *kept = NULL;
        for (size_t k = 0; k < walk->n_columns && !kept; k++)
            if (walk->columns[k].form == c->form &&
                strcmp(walk->columns[k].function, c->function) == 0)
                kept = walk->columns[k].columns;
        if (!kept) {
            struct orri_known_columns copy =
                orri_columns_copy(c, &walk->columns_memory);
            walk->columns = orr_grow(walk->columns, walk->n_columns, &walk->cap_columns,
                                     sizeof copy);
            walk->columns[walk->n_columns++] = copy;
            kept = copy.columns;
        }
        c->columns = kept;
    }
}

static orr_status read_group(struct orri_walk *walk, struct orr_error *err)
{
    const struct orri_frame *group = &walk->group;
    const unsigned char *words = checked_words(walk, group, err);
    struct orr_reader in = orr_reader_of(words, group->words_bytes);
    orr_arena_reset(&walk->group_memory);
    orr_status status =
        words ? orri_words_get(&in, &walk->group_memory, &walk->words, err)
              : ORR_ERR_DATA;
    if (status != ORR_OK)
        return status;
    keep_columns(walk);
    walk->entries =
        orr_reader_of(words + group->words_bytes, (size_t)group->entries_bytes);
    walk->lost = false;
    return ORR_OK;
}

orr_status orri_walk_group(struct orri_walk *walk, struct orr_error *err)
{
    walk->entries = orr_reader_of(NULL, 0);
    walk->group.attempts = 0;
    if (walk->last)
        return ORR_END;
    walk->group = walk->ahead;
    walk->next = walk->group.at + orri_frame_length(&walk->group);
    look_ahead(walk, (struct orr_error) { .code = ORR_OK });
    return read_group(walk, err);
}

/* --- attempts --------------------------------------------------------------- */

uint32_t orri_walk_left(const struct orri_walk *walk) { return walk->group.attempts; }

/* The body of the next entry, whole; NULL with *err. */
static const unsigned char *next_entry(struct orri_walk *walk, uint32_t *length,
                                       uint64_t *at, struct orr_error *err)
{
    const struct orri_frame *group = &walk->group;
    struct orr_reader *in = &walk->entries;
    *at =
        group->at + ORRI_FRAME_HEADER + group->bulk_bytes + group->words_bytes + in->at;
    *length = orr_get_u32(in);
    uint32_t crc = orr_get_u32(in);
    const unsigned char *body = orr_get_raw(in, *length);
    if (body && orr_crc32c(group->tag, body, *length) == crc)
        return body;
    walk->lost = !body;
    (void)orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN, "wrong checksum");
    return NULL;
}

static orr_status check_bulk(const struct orri_walk *walk,
                             const struct orr_stored *stored, struct orr_error *err)
{
    uint64_t rows = (uint64_t)stored->row_bytes * stored->n_rows;
    uint64_t bulk = walk->group.bulk_bytes;
    const struct orri_bulk *b = &walk->bulk;
    if (b->at <= bulk && rows <= bulk - b->at && b->blob_bytes <= bulk - b->at - rows)
        return ORR_OK;
    return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                         "its rows or blobs lie outside of its group");
}

orr_status orri_walk_attempt(struct orri_walk *walk, struct orr_stored *out,
                             struct orr_place *place, struct orr_error *err)
{
    uint32_t length = 0;
    uint64_t at = 0;
    if (!walk->group.attempts || walk->lost || !orr_reader_left(&walk->entries))
        return ORR_END;
    const unsigned char *body = next_entry(walk, &length, &at, err);
    if (walk->lost)
        return ORR_END;
    walk->group.attempts--;
    *place = (struct orr_place) { .writer = walk->shard.writer,
                                  .epoch = walk->shard.epoch,
                                  .segment = walk->shard.segment,
                                  .entry = at };
    if (!body)
        return ORR_ERR_DATA;
    struct orr_reader in = orr_reader_of(body, length);
    orr_arena_reset(&walk->attempt_memory);
    orr_status status =
        orri_entry_get(&in, &walk->words, &walk->attempt_memory, out, &walk->bulk, err);
    if (status == ORR_OK)
        status = check_bulk(walk, out, err);
    uint64_t rows = (uint64_t)out->row_bytes * out->n_rows;
    place->blob = walk->group.at + ORRI_FRAME_HEADER + walk->bulk.at + rows;
    place->blob_bytes = walk->bulk.blob_bytes;
    return status;
}

orr_status orri_walk_rows(struct orri_walk *walk, struct orr_stored *stored,
                          struct orr_error *err)
{
    uint64_t length = (uint64_t)stored->row_bytes * stored->n_rows;
    uint64_t at = walk->group.at + ORRI_FRAME_HEADER + walk->bulk.at;
    const unsigned char *rows = bytes_at(walk, &walk->rows, at, length);
    if (!rows || orr_crc32c(0, rows, length) != walk->bulk.rows_crc)
        return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                             "wrong checksum of its statistics");
    stored->rows = rows;
    return ORR_OK;
}

bool orri_walk_blob_matches(struct orri_walk *walk, const struct orr_place *place)
{
    enum { PIECE = 1 << 20 };
    uint32_t crc = 0;
    unsigned char *piece = orr_alloc(PIECE, 1);
    uint64_t done = 0;
    while (done < place->blob_bytes) {
        uint64_t left = place->blob_bytes - done;
        size_t n = left < PIECE ? (size_t)left : PIECE;
        if (read_log(walk, place->blob + done, piece, n) != (ssize_t)n)
            break;
        crc = orr_crc32c(crc, piece, n);
        done += n;
    }
    free(piece);
    return done == place->blob_bytes && crc == walk->bulk.blob_crc;
}
