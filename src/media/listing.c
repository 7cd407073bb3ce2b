/* listing.c - the index of a video from its container alone
 * Owns: which packets are believed to be one frame each.
 *
 * Decoding a film takes minutes on one core, during which all others wait; its
 * container lists the same frames in a second. That is believed only where it can be:
 * containers that store a time for every packet, codecs whose packets are one frame
 * each, times that are unique, nothing unusual in any packet, and a start that comes
 * out of the decoder as listed. Everything else is decoded. Damage inside packets is
 * found when they are. */
#include "media/index.h"

#include "base/memory.h"
#include "media/timing.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD_FRAMES = 16 };

struct entry {
    int64_t pts, duration;
    bool key;
};

struct listing {
    struct orri_source *source;
    struct entry *entries;
    uint32_t n;
    size_t cap;
};

static bool is_container(const AVInputFormat *format)
{
    return strstr(format->name, "mp4") || strstr(format->name, "matroska");
}

/* Progressive frames only: two fields may share a packet, or not. */
static bool is_frame_a_packet(const AVCodecParameters *video)
{
    static const enum AVCodecID ids[] = { AV_CODEC_ID_H264, AV_CODEC_ID_HEVC,
                                          AV_CODEC_ID_AV1, AV_CODEC_ID_VP9,
                                          AV_CODEC_ID_MPEG4 };
    const AVCodecDescriptor *codec = avcodec_descriptor_get(video->codec_id);
    bool good = codec && codec->props & AV_CODEC_PROP_INTRA_ONLY;
    for (size_t i = 0; i < sizeof ids / sizeof *ids && !good; i++)
        good = video->codec_id == ids[i];
    return good && (video->field_order == AV_FIELD_PROGRESSIVE ||
                    video->field_order == AV_FIELD_UNKNOWN);
}

static bool is_plain(const AVPacket *packet)
{
    static const enum AVPacketSideDataType changes[] = { AV_PKT_DATA_NEW_EXTRADATA,
                                                         AV_PKT_DATA_PARAM_CHANGE,
                                                         AV_PKT_DATA_SKIP_SAMPLES };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (av_packet_get_side_data(packet, changes[i], NULL))
            return false;
    return packet->pts != AV_NOPTS_VALUE && packet->size > 0 &&
           !(packet->flags & (AV_PKT_FLAG_CORRUPT | AV_PKT_FLAG_DISCARD));
}

static bool read_packets(struct listing *listing)
{
    orr_status status = ORR_OK;
    while ((status = orri_source_packet(listing->source)) == ORR_OK) {
        const AVPacket *packet = listing->source->packet;
        if (!is_plain(packet) || listing->n == UINT32_MAX - 1)
            return false;
        listing->entries = orr_grow(listing->entries, listing->n, &listing->cap,
                                    sizeof *listing->entries);
        listing->entries[listing->n++] =
            (struct entry) { packet->pts, packet->duration,
                             (packet->flags & AV_PKT_FLAG_KEY) != 0 };
    }
    return status == ORR_END && listing->n > 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    return left->pts < right->pts ? -1 : left->pts > right->pts;
}

/* Into display order; false when the first is no keyframe or two share a time. */
static bool sort(struct listing *listing)
{
    qsort(listing->entries, listing->n, sizeof *listing->entries, compare_entries);
    for (uint32_t i = 1; i < listing->n; i++)
        if (listing->entries[i].pts == listing->entries[i - 1].pts)
            return false;
    return listing->entries[0].key;
}

static void fill(const struct listing *listing, struct orri_index *index)
{
    struct orri_times times = { 0 };
    index->n_frames = index->n_packets = listing->n;
    index->safe = orr_alloc(listing->n, sizeof *index->safe);
    index->key = orr_alloc(listing->n, sizeof *index->key);
    index->key_kind = ORRI_KEY_TIME;
    for (uint32_t i = 0; i < listing->n; i++) {
        const struct entry *entry = &listing->entries[i];
        orri_times_add(&times, entry->pts, entry->pts, entry->duration);
        index->key[i] = entry->pts;
        if (entry->key)
            index->safe[index->n_safe++] = i;
    }
    orri_times_finish(&times, listing->source->stream, index);
    orri_times_release(&times);
    orri_index_finish(index);
}

/* Does the decoder give the first frames as they are listed? */
static bool starts_as_listed(const char *path, struct orri_index *index)
{
    struct orri_source *source = NULL;
    uint32_t n = index->n_frames;
    bool good = orri_source_open(path, 1, ORRI_COUNT, &source, NULL) == ORR_OK;
    index->n_frames = 0;
    while (good && index->n_frames < n && index->n_frames < HEAD_FRAMES) {
        good = orri_source_next(source) == ORR_OK &&
               source->frame->pts == index->pts[index->n_frames];
        if (good)
            orri_index_shape(index, source->frame);
        index->n_frames++;
    }
    good = good && source->damage.count == 0 && !index->changes && !index->interlaced;
    index->n_frames = n;
    orri_source_close(source);
    return good;
}

struct orri_index *orri_listing(const char *path)
{
    struct listing listing = { 0 };
    struct orri_index *index = NULL;
    bool good = orri_source_open(path, 1, ORRI_COUNT, &listing.source, NULL) == ORR_OK;
    good = good && is_container(listing.source->format->iformat) &&
           is_frame_a_packet(listing.source->stream->codecpar) &&
           read_packets(&listing) && sort(&listing);
    if (good) {
        index = orr_alloc(1, sizeof *index);
        index->path = orr_strdup(path);
        index->depth = ORRI_LISTED;
        fill(&listing, index);
    }
    orri_source_close(listing.source);
    free(listing.entries);
    if (!index || starts_as_listed(path, index))
        return index;
    orri_index_free(index);
    return NULL;
}
