/* scan.c - reading logs: frames to attempts, whatever state the file is in
 * Owns: the rules of what is believed. Hands on: bytes of frames (frame.c), blobs
 * (blob.c). */
#include "store/scan.h"

#include "base/file.h"
#include "base/memory.h"
#include "store/shard.h"
#include "store/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scan {
    const struct orr_scan_options *options;
    orr_scan_visit *visit;
    void *context;
    struct orr_scan_stats stats;
};

__attribute__((format(printf, 3, 4))) static void note(struct scan *scan,
                                                       const struct orri_walk *walk,
                                                       const char *format, ...)
{
    va_list args;
    char name[ORR_SHARD_NAME];
    struct orr_text *notes = scan->options->notes;
    if (!notes)
        return;
    orr_shard_name(walk->shard.writer, walk->shard.epoch, walk->shard.segment, name);
    orr_text_printf(notes, "%s: ", name);
    va_start(args, format);
    orr_text_vprintf(notes, format, args);
    va_end(args);
    orr_text_puts(notes, "\n");
}

/* Rows and blobs of the last group may be missing after a power cut, although what is
 * around them is whole; those of earlier groups were synced before the next began. */
static orr_status check_bulk(struct scan *scan, struct orri_walk *walk,
                             struct orr_stored *stored, const struct orr_place *place,
                             struct orr_error *err)
{
    orr_status status = ORR_OK;
    if (stored->n_rows && (walk->last || !scan->options->no_rows))
        status = orri_walk_rows(walk, stored, err);
    if (status == ORR_OK && place->blob_bytes &&
        (walk->last || scan->options->verify_blobs) &&
        !orri_walk_blob_matches(walk, place))
        status = orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN, "wrong blob checksum");
    return status;
}

static void count(struct orr_scan_stats *stats, const struct orr_stored *stored,
                  const struct orr_place *place)
{
    stats->results++;
    stats->failures += stored->failure != ORR_FAIL_NONE;
    stats->payload_bytes += (uint64_t)stored->args_bytes + stored->results_bytes +
                            (uint64_t)stored->row_bytes * stored->n_rows;
    stats->blob_bytes += place->blob_bytes;
}

static orr_status visit_attempt(struct scan *scan, struct orri_walk *walk, bool *more,
                                struct orr_error *err)
{
    struct orr_stored stored;
    struct orr_place place;
    struct orr_error why = { .code = ORR_OK };
    orr_status status = orri_walk_attempt(walk, &stored, &place, &why);
    bool whole = status == ORR_OK; /* the entry: bulk may be damaged */
    *more = status != ORR_END;
    if (status == ORR_OK)
        status = check_bulk(scan, walk, &stored, &place, &why);
    if (status == ORR_OK) {
        count(&scan->stats, &stored, &place);
        return scan->visit(scan->context, &stored, &place, err);
    }
    if (*more) {
        scan->stats.damaged++;
        if (whole && scan->options->lost)
            scan->options->lost(scan->context, &stored, &place);
        note(scan, walk, "attempt at %llu left out: %s",
             (unsigned long long)place.entry, why.text);
    }
    return ORR_OK;
}

static orr_status visit_group(struct scan *scan, struct orri_walk *walk,
                              struct orr_error *err)
{
    orr_status status = ORR_OK;
    for (bool more = true; more && status == ORR_OK;)
        status = visit_attempt(scan, walk, &more, err);
    uint32_t left = orri_walk_left(walk);
    if (status == ORR_OK && left) {
        scan->stats.damaged += left;
        note(scan, walk, "%u attempts of the group at %llu left out: wrong lengths",
             left, (unsigned long long)walk->group.at);
    }
    return status;
}

static orr_status visit_groups(struct scan *scan, struct orri_walk *walk,
                               struct orr_error *err)
{
    struct orr_error why = { .code = ORR_OK };
    orr_status status = ORR_OK;
    orr_status group = ORR_OK;
    while (status == ORR_OK && (group = orri_walk_group(walk, &why)) != ORR_END) {
        if (group == ORR_OK) {
            status = visit_group(scan, walk, err);
            continue;
        }
        scan->stats.damaged += walk->group.attempts;
        note(scan, walk, "%u attempts of the group at %llu left out: %s",
             walk->group.attempts, (unsigned long long)walk->group.at, why.text);
    }
    return status;
}

static orr_status scan_shard(struct scan *scan, const char *run_dir,
                             const struct orri_shard_id *shard, struct orr_error *err)
{
    struct orri_walk walk;
    orr_status status = orri_walk_open(&walk, run_dir, shard, err);
    if (status != ORR_OK)
        return status;
    scan->stats.shards++;
    status = orri_walk_begin(&walk, scan->options->run_id, err);
    if (status == ORR_OK)
        status = visit_groups(scan, &walk, err);
    if (status == ORR_OK)
        status = orri_walk_unreadable(&walk, err);
    if (status == ORR_OK && walk.damage.text[0]) {
        scan->stats.damaged_logs++;
        note(scan, &walk, "%s", walk.damage.text);
    }
    scan->stats.skipped_bytes += walk.skipped;
    orri_walk_close(&walk);
    return status;
}

orr_status orr_shards_scan(const char *run_dir, const struct orr_scan_options *options,
                           orr_scan_visit *visit, void *context,
                           struct orr_scan_stats *stats, struct orr_error *err)
{
    struct scan scan = { .options = options, .visit = visit, .context = context };
    struct orri_shard_id *all = NULL;
    size_t n = 0;
    orr_status status = orri_shard_list(run_dir, &all, &n, err);
    for (size_t i = 0; i < n && status == ORR_OK; i++) {
        all[i].run = options->run_id;
        status = scan_shard(&scan, run_dir, &all[i], err);
    }
    free(all);
    if (stats)
        *stats = scan.stats;
    return status;
}
