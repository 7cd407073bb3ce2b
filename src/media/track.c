/* track.c - chunks in order as one video track
 * Owns: the checks that chunks fit together, and the track's decode times.
 *
 * Chunks are read twice, one at a time: once to check them and to know every display
 * time, from which decode times follow, and once to hand the packets on. */
#include "media/track.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- checks ---- */

static orr_status check_same(const struct orri_track *track, uint32_t number,
                             const struct orri_chunk *chunk, struct orr_error *err)
{
    const struct orri_chunk_info *a = &track->info;
    const struct orri_chunk_info *b = &chunk->info;
    const AVCodecParameters *pa = track->parameters;
    const AVCodecParameters *pb = chunk->stream->codecpar;
    const char *what = NULL;
    if (strcmp(a->source, b->source) != 0)
        what = "source file";
    else if (strcmp(a->codec, b->codec) != 0 || pa->codec_id != pb->codec_id)
        what = "codec";
    else if (pa->width != pb->width || pa->height != pb->height)
        what = "picture size";
    else if (av_cmp_q(a->time_base, b->time_base) != 0 || a->origin != b->origin ||
             a->total != b->total)
        what = "timing: the source was changed between their encodes";
    if (!what)
        return ORR_OK;
    return orri_error(
        err, ORR_ERR_INPUT,
        "chunk %u cannot follow chunk 0, they differ in %s (%s %dx%d of %s, "
        "%s %dx%d of %s)",
        number, what, b->codec, pb->width, pb->height, b->source, a->codec, pa->width,
        pa->height, a->source);
}

static orr_status check_header(struct orri_track *track, uint32_t number,
                               const struct orri_chunk *chunk, bool inband,
                               struct orr_error *err)
{
    char was[ORR_ID_TEXT];
    char is[ORR_ID_TEXT];
    if (orr_id_equal(track->info.header, chunk->info.header))
        return ORR_OK;
    track->headers_differ = true;
    if (inband && track->parameters->codec_id != AV_CODEC_ID_AV1)
        return ORR_OK;
    orr_id_text(track->info.header, was);
    orr_id_text(chunk->info.header, is);
    return orri_error(
        err, ORR_ERR_INPUT,
        "chunk %u (frames from %u) has another decoder header (%.8s) than "
        "chunk 0 (%.8s): they were encoded with different presets or options."
        "%s",
        number, chunk->info.first, is, was,
        track->parameters->codec_id == AV_CODEC_ID_AV1
            ? " Encode them alike"
            : " Encode them alike, or allow headers: \"inband\" (not all "
              "players follow such a change)");
}

static orr_status check_place(const struct orri_track *track, uint32_t number,
                              const struct orri_chunk *chunk, struct orr_error *err)
{
    const struct orri_chunk_info *info = &chunk->info;
    if (number > 0 && info->first != track->last)
        return orri_error(
            err, ORR_ERR_INPUT,
            "chunk %u begins with frame %u where frame %u must follow: chunks "
            "are missing, double or not in order (order them by their first "
            "frame)",
            number, info->first, track->last);
    if (number > 0 && info->start != track->end)
        return orri_error(err, ORR_ERR_INPUT,
                          "chunk %u starts at time %" PRId64 " where chunk %u ends at "
                          "%" PRId64
                          " (in %d/%d s): the source was changed between them",
                          number, info->start, number - 1, track->end,
                          info->time_base.num, info->time_base.den);
    return ORR_OK;
}

/* ---- reading ---- */

static orr_status open_at(const struct orri_track *track, uint32_t number,
                          const void **bytes, struct orri_chunk *chunk,
                          struct orr_error *err)
{
    size_t length = 0;
    *bytes = orr_call_blob(track->call, orr_arg_at(track->chunks, number), &length);
    if (!*bytes)
        return ORR_ERR_STORE;
    orr_status status = orri_chunk_open(*bytes, length, number, chunk, err);
    if (status != ORR_OK)
        orr_call_blob_done(track->call, *bytes);
    return status;
}

static void close_at(const struct orri_track *track, struct orri_chunk *chunk,
                     const void *bytes)
{
    orri_chunk_close(chunk);
    orr_call_blob_done(track->call, bytes);
}

static orr_status scan_packets(struct orri_track *track, uint32_t number,
                               struct orri_chunk *chunk, struct orr_error *err)
{
    AVPacket *packet = orri_need(av_packet_alloc());
    orr_status status = ORR_OK;
    uint32_t n = 0;
    bool good = true;
    while ((status = orri_chunk_next(chunk, packet, err)) == ORR_OK) {
        good =
            good && packet->pts >= chunk->info.start && packet->pts < chunk->info.end;
        if (n++ == 0)
            good = good && packet->pts == chunk->info.start &&
                   (packet->flags & AV_PKT_FLAG_KEY);
        track->pts = orr_grow(track->pts, track->n, &track->cap, sizeof *track->pts);
        track->pts[track->n++] = packet->pts;
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    if (status != ORR_END)
        return status;
    if (n != chunk->info.frames || !good)
        return orri_error(
            err, ORR_ERR_INPUT, "chunk %u is damaged: it has %u of %u frames%s", number,
            n, chunk->info.frames, good ? "" : ", and some lie outside its own time");
    return ORR_OK;
}

static void take_first(struct orri_track *track, const struct orri_chunk *chunk)
{
    struct orri_chunk_info *info = &track->info;
    struct orr_arena *arena = &track->arena;
    *info = chunk->info;
    info->source = orr_arena_strdup(arena, info->source);
    info->codec = orr_arena_strdup(arena, info->codec);
    if (info->hdr.mastering)
        info->hdr.mastering = orr_arena_strdup(arena, info->hdr.mastering);
    if (info->hdr.light)
        info->hdr.light = orr_arena_strdup(arena, info->hdr.light);
    track->parameters = orri_need(avcodec_parameters_alloc());
    orri_must(avcodec_parameters_copy(track->parameters, chunk->stream->codecpar),
              "parameters");
}

static orr_status scan_chunk(struct orri_track *track, uint32_t number, bool inband,
                             struct orr_error *err)
{
    struct orri_chunk chunk;
    const void *bytes = NULL;
    orr_status status = open_at(track, number, &bytes, &chunk, err);
    if (status != ORR_OK)
        return status;
    if (number == 0)
        take_first(track, &chunk);
    status = check_same(track, number, &chunk, err);
    if (status == ORR_OK)
        status = check_place(track, number, &chunk, err);
    if (status == ORR_OK)
        status = check_header(track, number, &chunk, inband, err);
    if (status == ORR_OK)
        status = scan_packets(track, number, &chunk, err);
    track->last = chunk.info.first + chunk.info.frames;
    track->end = chunk.info.end;
    close_at(track, &chunk, bytes);
    return status;
}

orr_status orri_track_scan(struct orri_track *track, struct orr_call *call,
                           const struct orr_value *chunks, bool inband,
                           struct orr_error *err)
{
    *track = (struct orri_track) { .call = call, .chunks = chunks };
    track->n_chunks = orr_arg_count(chunks);
    if (track->n_chunks == 0)
        return orri_error(err, ORR_ERR_INPUT, "there are no chunks to put together");
    for (uint32_t i = 0; i < track->n_chunks; i++) {
        orr_status status = scan_chunk(track, i, inband, err);
        if (status != ORR_OK)
            return status;
    }
    track->time_base = track->info.time_base;
    int64_t step = av_rescale_q(1, av_inv_q(track->info.rate), track->time_base);
    orri_timeline_init(&track->timeline, track->pts, track->n, step);
    if (!track->timeline.unique)
        return orri_error(err, ORR_ERR_INPUT,
                          "two frames of the chunks have the same time");
    return ORR_OK;
}

static int compare_times(const void *key, const void *item)
{
    int64_t left = *(const int64_t *)key;
    int64_t right = *(const int64_t *)item;
    return left < right ? -1 : left > right;
}

void orri_track_retime(struct orri_track *track, int64_t base, AVRational time_base)
{
    struct orri_timeline *old = &track->timeline;
    int64_t *moved = orr_alloc(track->n, sizeof *moved); /* in display order */
    for (uint64_t i = 0; i < track->n; i++) {
        moved[i] = av_rescale_q(old->sorted[i] - base, track->time_base, time_base);
        if (i > 0 && moved[i] <= moved[i - 1])
            moved[i] = moved[i - 1] + 1;
    }
    for (uint64_t i = 0; i < track->n; i++) {
        const int64_t *at =
            bsearch(&track->pts[i], old->sorted, track->n, sizeof *at, compare_times);
        track->pts[i] = moved[at - old->sorted];
    }
    track->end = av_rescale_q(track->end - base, track->time_base, time_base);
    if (track->end <= moved[track->n - 1])
        track->end = moved[track->n - 1] + 1;
    int64_t step = av_rescale_q(old->step, track->time_base, time_base);
    free(moved);
    orri_timeline_release(old);
    track->time_base = time_base;
    orri_timeline_init(&track->timeline, track->pts, track->n, step);
}

/* Put the decoder header before the first packet of a chunk. */
static void prepend_header(const struct orri_chunk *chunk, AVPacket *packet)
{
    const AVCodecParameters *parameters = chunk->stream->codecpar;
    int extra = parameters->extradata_size;
    int size = packet->size;
    orri_must(av_grow_packet(packet, extra), "packet");
    memmove(packet->data + extra, packet->data, (size_t)size);
    memcpy(packet->data, parameters->extradata, (size_t)extra);
}

orr_status orri_track_each(const struct orri_track *track,
                           orr_status (*take)(void *context, AVPacket *packet,
                                              struct orr_error *err),
                           void *context, struct orr_error *err)
{
    AVPacket *packet = orri_need(av_packet_alloc());
    orr_status status = ORR_OK;
    uint64_t at = 0;
    for (uint32_t i = 0; i < track->n_chunks && status == ORR_OK; i++) {
        struct orri_chunk chunk;
        const void *bytes = NULL;
        bool first = true;
        status = open_at(track, i, &bytes, &chunk, err);
        if (status != ORR_OK)
            break;
        while (at < track->n &&
               (status = orri_chunk_next(&chunk, packet, err)) == ORR_OK) {
            if (first && track->headers_differ)
                prepend_header(&chunk, packet);
            first = false;
            packet->pts = track->pts[at];
            packet->dts = orri_timeline_dts(&track->timeline, at);
            packet->duration = orri_timeline_duration(&track->timeline, at, track->end);
            at++;
            status = take(context, packet, err);
            av_packet_unref(packet);
            if (status != ORR_OK)
                break;
        }
        if (status == ORR_END)
            status = ORR_OK;
        close_at(track, &chunk, bytes);
    }
    av_packet_free(&packet);
    return status;
}

void orri_track_release(struct orri_track *track)
{
    orri_timeline_release(&track->timeline);
    avcodec_parameters_free(&track->parameters);
    free(track->pts);
    orr_arena_release(&track->arena);
}
