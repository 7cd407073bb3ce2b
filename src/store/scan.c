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

/* Blobs of the last group may be missing after a power cut, although frames around them
 * are whole; those of earlier groups were synced before the next group began. */
static bool blob_is_good(struct scan *scan, struct orri_walk *walk,
                         const struct orri_frame *frame, uint64_t at,
                         uint64_t last_group)
{
    if (!frame->blob_bytes || (at < last_group && !scan->options->verify_blobs))
        return true;
    return orri_walk_blob_matches(walk, frame, at);
}

static orr_status visit_result(struct scan *scan, struct orri_walk *walk,
                               const struct orri_frame *frame, uint64_t at,
                               uint64_t last_group, struct orr_error *err)
{
    struct orr_stored stored;
    struct orr_error why = { .code = ORR_OK };
    uint64_t small = orri_frame_small(frame);
    bool good = orri_walk_attempt(walk, frame, at, &stored, &why) == ORR_OK;
    if (good && !blob_is_good(scan, walk, frame, at, last_group)) {
        (void)orr_error_set(&why, ORR_ERR_DATA, ORR_NO_SPAN, "wrong blob checksum");
        good = false;
    }
    if (!good) {
        scan->stats.damaged_frames++;
        note(scan, walk, "frame at %llu left out: %s", (unsigned long long)at,
             why.text);
        return ORR_OK;
    }
    struct orr_place place = { walk->shard.writer,
                               walk->shard.epoch,
                               walk->shard.segment,
                               at,
                               at + ORRI_FRAME_HEADER + small,
                               frame->blob_bytes };
    scan->stats.results++;
    scan->stats.failures += stored.failure != ORR_FAIL_NONE;
    scan->stats.small_bytes += small;
    scan->stats.blob_bytes += frame->blob_bytes;
    return scan->visit(scan->context, &stored, &place, err);
}

static orr_status visit_frames(struct scan *scan, struct orri_walk *walk,
                               const struct orri_extent *extent, struct orr_error *err)
{
    orr_status status = ORR_OK;
    struct orri_frame frame;
    for (uint64_t at = 0; status == ORR_OK && at < extent->committed;) {
        struct orr_error why = { .code = ORR_OK };
        if (orri_walk_header(walk, at, &frame, &why) != ORR_OK)
            return orr_error_set(err, ORR_ERR_STORE, ORR_NO_SPAN,
                                 "%s changed while it was read: %s", walk->path,
                                 why.text);
        if (frame.type == ORR_FRAME_COLUMNS)
            orri_walk_learn_columns(walk, &frame, at);
        else if (frame.type == ORR_FRAME_RESULT)
            status = visit_result(scan, walk, &frame, at, extent->last_group, err);
        at += orri_frame_length(&frame);
    }
    return status;
}

static orr_status scan_shard(struct scan *scan, const char *run_dir,
                             const struct orri_shard_id *shard, struct orr_error *err)
{
    struct orri_walk walk;
    struct orri_extent extent;
    orr_status status = orri_walk_open(&walk, run_dir, shard, err);
    if (status != ORR_OK)
        return status;
    scan->stats.shards++;
    status = orri_walk_extent(&walk, scan->options->run_id, &extent, err);
    if (status == ORR_OK) {
        scan->stats.uncommitted_frames += extent.uncommitted;
        if (extent.uncommitted)
            note(scan, &walk, "%llu results after the last commit left out",
                 (unsigned long long)extent.uncommitted);
        if (extent.damage.text[0])
            note(scan, &walk, "%s; nothing after it is read", extent.damage.text);
        status = visit_frames(scan, &walk, &extent, err);
    }
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
