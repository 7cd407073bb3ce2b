/* compact.c - a run's shards with what counts only
 * Owns: which attempt counts, where blobs went. Hands on: reading (scan.c), writing
 * (writer.c). */
#include "upkeep/compact.h"

#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "lang/value.h"
#include "store/entry.h"
#include "store/scan.h"
#include "store/shard.h"
#include "store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUEUE = 256 /* memory files open at once */ };

/* The attempt at a task that counts: the same rule as a resume has (known.c). */
struct winner {
    struct orr_id id;
    struct orr_place place;
    bool written;
    uint32_t twin; /* another with the same key + 1 */
};

struct moved { /* a blob, by content */
    struct orr_id hash;
    struct orr_blob to;
    uint32_t twin;
};

struct compact {
    const char *run_dir;
    struct orr_id run_id;
    uint32_t epoch;
    struct orr_map by_id; /* id.lo -> winner + 1 */
    struct winner *winners;
    size_t n_winners, cap_winners;
    struct orr_map by_hash; /* hash.lo -> moved + 1 */
    struct moved *moved;
    size_t n_moved, cap_moved;
    struct orr_writer *writer;
    struct orr_compacted *out;
    bool first_round;   /* failed attempts go with it */
    bool last_round;    /* blobs that are nowhere are not waited for */
    uint64_t postponed; /* in this round */
    struct orr_arena arena;
    struct orri_known_columns *columns; /* live until the writer is closed */
    size_t n_columns, cap_columns;
};

/* ---- which attempts stay ---- */

static struct winner *winner_of(const struct compact *c, struct orr_id id)
{
    const uint64_t *slot = orr_map_find(&c->by_id, id.lo);
    for (uint32_t at = slot ? (uint32_t)*slot : 0; at; at = c->winners[at - 1].twin)
        if (orr_id_equal(c->winners[at - 1].id, id))
            return &c->winners[at - 1];
    return NULL;
}

static orr_status choose(void *context, const struct orr_stored *stored,
                         const struct orr_place *place, struct orr_error *err)
{
    struct compact *c = context;
    bool fresh = false;
    (void)err;
    if (stored->failure != ORR_FAIL_NONE)
        return ORR_OK;
    struct winner *winner = winner_of(c, stored->id);
    if (winner) {
        if (winner->place.epoch < place->epoch)
            winner->place = *place;
        return ORR_OK;
    }
    uint64_t *slot = orr_map_insert(&c->by_id, stored->id.lo, &fresh);
    c->winners = orr_grow(c->winners, c->n_winners, &c->cap_winners, sizeof *winner);
    c->winners[c->n_winners++] =
        (struct winner) { stored->id, *place, false, (uint32_t)*slot };
    *slot = c->n_winners;
    return ORR_OK;
}

static bool same_place(const struct orr_place *a, const struct orr_place *b)
{
    return a->writer == b->writer && a->epoch == b->epoch && a->segment == b->segment &&
           a->entry == b->entry;
}

/* ---- where blobs went ---- */

static const struct orr_blob *new_place(const struct compact *c, struct orr_id hash)
{
    const uint64_t *slot = orr_map_find(&c->by_hash, hash.lo);
    for (uint32_t at = slot ? (uint32_t)*slot : 0; at; at = c->moved[at - 1].twin)
        if (orr_id_equal(c->moved[at - 1].hash, hash))
            return &c->moved[at - 1].to;
    return NULL;
}

static void note_moved(void *context, unsigned char *at)
{
    struct compact *c = context;
    struct orr_blob blob;
    bool fresh = false;
    orr_blob_decode(at, &blob);
    if (blob.epoch != c->epoch || new_place(c, blob.hash))
        return;
    uint64_t *slot = orr_map_insert(&c->by_hash, blob.hash.lo, &fresh);
    c->moved = orr_grow(c->moved, c->n_moved, &c->cap_moved, sizeof *c->moved);
    c->moved[c->n_moved++] = (struct moved) { blob.hash, blob, (uint32_t)*slot };
    *slot = c->n_moved;
}

/* Results of one attempt: blobs of its own go along, others are where they went. */
struct patch {
    const struct compact *c;
    const struct orr_place *place;
    bool missing; /* a blob that has not moved yet */
};

static void patch_blob(void *context, unsigned char *at)
{
    struct patch *p = context;
    struct orr_blob blob;
    orr_blob_decode(at, &blob);
    const struct orr_place *place = p->place;
    const struct orr_blob *moved = NULL;
    if (blob.writer == place->writer && blob.epoch == place->epoch &&
        blob.segment == place->segment && blob.offset >= place->blob &&
        blob.offset - place->blob <= place->blob_bytes) {
        blob.writer = ORR_BLOB_LOCAL;
        blob.offset -= place->blob;
    } else if ((moved = new_place(p->c, blob.hash)) != NULL) {
        blob = *moved;
    } else if (blob.writer != ORR_BLOB_REUSED) { /* those lie in reuse/, and stay */
        p->missing = true;
    }
    orr_blob_encode(&blob, at);
}

/* ---- writing ---- */

static void take(struct compact *c)
{
    struct orr_written done[64];
    size_t n = 0;
    while ((n = orr_writer_take(c->writer, done, 64)) > 0)
        for (size_t i = 0; i < n; i++) {
            struct orr_reader in =
                orr_reader_of(done[i].results, done[i].results_bytes);
            /* It only reads: the bytes stay as they are. */
            (void)orr_value_visit_blobs(&in, note_moved, c);
            if (done[i].token != UINT64_MAX)
                (void)close((int)done[i].token);
        }
}

static orr_status hand_over(struct compact *c, const struct orr_stored *stored, int fd,
                            uint64_t bytes, struct orr_error *err)
{
    uint64_t token = fd < 0 ? UINT64_MAX : (uint64_t)fd;
    while (!orr_writer_put(c->writer, stored, fd, bytes, token)) {
        struct pollfd ready = { orr_writer_event_fd(c->writer), POLLIN, 0 };
        (void)poll(&ready, 1, -1);
        take(c);
        orr_status status = orr_writer_error(c->writer, err);
        if (status != ORR_OK)
            return status;
    }
    return ORR_OK;
}

/* The blobs of an attempt, as a worker would hand them over. */
static orr_status copy_blobs(struct compact *c, const struct orr_place *place, int *fd,
                             struct orr_error *err)
{
    struct orri_shard_id shard = { .writer = place->writer,
                                   .epoch = place->epoch,
                                   .segment = place->segment };
    *fd = -1;
    if (!place->blob_bytes)
        return ORR_OK;
    char *path = orri_shard_path(c->run_dir, &shard, ".blob.h5");
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = memfd_create("orrery-blob", MFD_CLOEXEC);
    off_t at = (off_t)(ORRI_LOG_OFFSET + place->blob);
    uint64_t left = from < 0 || to < 0 ? UINT64_MAX : place->blob_bytes;
    while (left && left != UINT64_MAX) {
        char piece[64 * 1024];
        size_t n = left < sizeof piece ? (size_t)left : sizeof piece;
        ssize_t got = pread(from, piece, n, at);
        if (got <= 0 || orr_write_all(to, piece, (size_t)got) != 0)
            break;
        at += got;
        left -= (uint64_t)got;
    }
    orr_status status = ORR_OK;
    if (left)
        status =
            orr_error_errno(err, ORR_ERR_STORE, errno, "cannot copy from %s", path);
    else
        *fd = to;
    if (from >= 0)
        (void)close(from);
    if (left && to >= 0)
        (void)close(to);
    free(path);
    return status;
}

static const struct orr_column *keep_columns(struct compact *c,
                                             const struct orr_stored *s)
{
    struct orri_known_columns borrowed = { s->function, 0, s->columns };
    if (!s->columns)
        return NULL;
    borrowed.form = orri_columns_hash(s->columns);
    for (size_t i = 0; i < c->n_columns; i++)
        if (c->columns[i].form == borrowed.form &&
            strcmp(c->columns[i].function, s->function) == 0)
            return c->columns[i].columns;
    c->columns = orr_grow(c->columns, c->n_columns, &c->cap_columns, sizeof borrowed);
    c->columns[c->n_columns] = orri_columns_copy(&borrowed, &c->arena);
    return c->columns[c->n_columns++].columns;
}

static orr_status write_attempt(struct compact *c, const struct orr_stored *stored,
                                const struct orr_place *place, bool *written,
                                struct orr_error *err)
{
    struct patch patch = { c, place, false };
    struct orr_stored moved = *stored;
    unsigned char *results = orr_alloc(stored->results_bytes + 1, 1);
    if (stored->results_bytes)
        memcpy(results, stored->results, stored->results_bytes);
    struct orr_reader in = orr_reader_of(results, stored->results_bytes);
    (void)orr_value_visit_blobs(&in, patch_blob, &patch);
    moved.results = results;
    moved.columns = keep_columns(c, stored);
    int fd = -1;
    orr_status status = ORR_OK;
    *written = !patch.missing || c->last_round;
    if (*written)
        status = copy_blobs(c, place, &fd, err);
    if (*written && status == ORR_OK)
        status = hand_over(c, &moved, fd, place->blob_bytes, err);
    free(results);
    return status;
}

/* One round over all attempts: what waits for the blobs of others waits for the next.
 */
static orr_status carry(void *context, const struct orr_stored *stored,
                        const struct orr_place *place, struct orr_error *err)
{
    struct compact *c = context;
    bool written = false;
    struct winner *winner = winner_of(c, stored->id);
    if (place->epoch == c->epoch)
        return ORR_OK; /* written by us */
    if (winner ? winner->written || !same_place(&winner->place, place)
               : !c->first_round || stored->failure == ORR_FAIL_NONE)
        return ORR_OK;
    orr_status status = write_attempt(c, stored, place, &written, err);
    if (winner)
        winner->written = written;
    c->out->kept += written;
    c->postponed += !written;
    return status;
}

static orr_status carry_all(struct compact *c, struct orr_error *err)
{
    struct orr_scan_options options = { .run_id = c->run_id };
    orr_status status = ORR_OK;
    uint64_t waited = UINT64_MAX;
    c->first_round = true;
    do {
        c->postponed = 0;
        status = orr_shards_scan(c->run_dir, &options, carry, c, NULL, err);
        if (status == ORR_OK)
            status = orr_writer_drain(c->writer, err);
        take(c);
        c->first_round = false;
        c->last_round = c->postponed == waited; /* their blobs are nowhere */
        waited = c->postponed;
    } while (status == ORR_OK && c->postponed);
    return status;
}

/* ---- the old shards ---- */

static uint64_t size_on_disk(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (uint64_t)info.st_blocks * 512 : 0;
}

static void measure(const char *run_dir, uint64_t *shards, uint64_t *bytes)
{
    struct orri_shard_id *all = NULL;
    size_t n = 0;
    *shards = *bytes = 0;
    if (orri_shard_list(run_dir, &all, &n, NULL) != ORR_OK)
        return;
    for (size_t i = 0; i < n; i++) {
        char *blob = orri_shard_path(run_dir, &all[i], ".blob.h5");
        char *index = orri_shard_path(run_dir, &all[i], ".idx.h5");
        *bytes += size_on_disk(blob) + size_on_disk(index);
        free(blob);
        free(index);
    }
    *shards = n;
    free(all);
}

static orr_status remove_old(const struct compact *c, struct orr_error *err)
{
    static const char *const suffixes[] = { ".idx.h5", ".blob.h5" };
    struct orri_shard_id *all = NULL;
    size_t n = 0;
    orr_status status = orri_shard_list(c->run_dir, &all, &n, err);
    for (size_t i = 0; i < n && status == ORR_OK; i++)
        for (size_t s = 0; s < 2 && all[i].epoch != c->epoch && status == ORR_OK; s++) {
            char *path = orri_shard_path(c->run_dir, &all[i], suffixes[s]);
            if (unlink(path) != 0 && errno != ENOENT)
                status = orr_error_errno(err, ORR_ERR_STORE, errno, "cannot remove %s",
                                         path);
            free(path);
        }
    free(all);
    char *folder = orr_path_join(c->run_dir, "shards");
    if (status == ORR_OK)
        status = orr_fsync_directory(folder, err);
    free(folder);
    return status;
}

/* Everything that was to stay is there, and whole. */
struct confirm {
    const struct compact *c;
    uint64_t results;
};

static orr_status confirm_one(void *context, const struct orr_stored *stored,
                              const struct orr_place *place, struct orr_error *err)
{
    struct confirm *confirm = context;
    (void)stored, (void)err;
    confirm->results += place->epoch == confirm->c->epoch;
    return ORR_OK;
}

static orr_status confirm_new(const struct compact *c,
                              const struct orr_scan_options *options,
                              struct orr_error *err)
{
    struct confirm confirm = { .c = c };
    struct orr_scan_options thorough = *options;
    thorough.verify_blobs = true;
    orr_status status =
        orr_shards_scan(c->run_dir, &thorough, confirm_one, &confirm, NULL, err);
    if (status == ORR_OK && confirm.results != c->out->kept)
        status = orr_error_set(err, ORR_ERR_STORE, ORR_NO_SPAN,
                               "%s: the new shards do not read back; nothing was "
                               "removed",
                               c->run_dir);
    return status;
}

static orr_status compact_all(struct compact *c, const struct orr_scan_options *options,
                              struct orr_error *err)
{
    struct orr_writer_options writer = { .run_dir = c->run_dir,
                                         .run_id = c->run_id,
                                         .writer = 0,
                                         .epoch = c->epoch,
                                         .queue_results = QUEUE };
    orr_status status = orr_writer_open(&writer, &c->writer, err);
    if (status != ORR_OK)
        return status;
    status = carry_all(c, err);
    orr_status closed =
        orr_writer_close(c->writer, status == ORR_OK, status == ORR_OK ? err : NULL);
    if (status == ORR_OK)
        status = closed;
    if (status == ORR_OK)
        status = confirm_new(c, options, err);
    return status == ORR_OK ? remove_old(c, err) : status;
}

orr_status orr_run_compact(const struct orr_rundir *dir, bool force,
                           struct orr_compacted *out, struct orr_error *err)
{
    struct orr_scan_stats stats = { 0 };
    struct orr_scan_options options = { .run_id = orr_rundir_id(dir),
                                        .verify_blobs = true };
    struct compact c = { .run_dir = orr_rundir_path(dir),
                         .run_id = orr_rundir_id(dir),
                         .epoch = orr_rundir_epoch(dir),
                         .out = out };
    *out = (struct orr_compacted) { .kept = 0 };
    measure(c.run_dir, &out->shards_before, &out->bytes_before);
    orr_status status = orr_shards_scan(c.run_dir, &options, choose, &c, &stats, err);
    if (status == ORR_OK && !force && (stats.damaged || stats.damaged_logs))
        status = orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                               "%s is damaged: see `orrery verify %s`; with --force "
                               "what is damaged is left behind",
                               c.run_dir, c.run_dir);
    if (status == ORR_OK)
        status = compact_all(&c, &options, err);
    out->dropped = stats.results - out->kept;
    measure(c.run_dir, &out->shards_after, &out->bytes_after);
    orr_map_release(&c.by_id);
    orr_map_release(&c.by_hash);
    orr_arena_release(&c.arena);
    free(c.columns);
    free(c.winners);
    free(c.moved);
    return status;
}
