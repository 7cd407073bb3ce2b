/* chunk.c - an encoded chunk: a NUT file in memory that says where it comes from
 * Owns: the metadata's names, writing and reading of chunks. */
#include "media/chunk.h"

#include "media/libav.h"
#include "media/timeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IO_BYTES = 32 * 1024 };

/* Fields that are whole numbers: name in the file, place in the struct. */
/* clang-format off */
#define NUMBERS(X)                                       \
    X("orrery_first", first, uint32_t)                   \
    X("orrery_frames", frames, uint32_t)                 \
    X("orrery_total", total, uint32_t)                   \
    X("orrery_time_base_num", time_base.num, int)        \
    X("orrery_time_base_den", time_base.den, int)        \
    X("orrery_rate_num", rate.num, int)                  \
    X("orrery_rate_den", rate.den, int)                  \
    X("orrery_vfr", vfr, bool)                           \
    X("orrery_origin", origin, int64_t)                  \
    X("orrery_start", start, int64_t)                    \
    X("orrery_end", end, int64_t)                        \
    X("orrery_shift", shift, int64_t)                    \
    X("orrery_rotation", rotation, int)                  \
    X("orrery_aspect_num", aspect.num, int)              \
    X("orrery_aspect_den", aspect.den, int)              \
    X("orrery_color_range", range, int)                  \
    X("orrery_color_space", space, int)                  \
    X("orrery_color_transfer", transfer, int)            \
    X("orrery_color_primaries", primaries, int)          \
    X("orrery_chroma_location", location, int)
/* clang-format on */

static void put_info(const struct orri_chunk_info *info, AVDictionary **out)
{
    char header[ORR_ID_TEXT];
#define X(name, field, type)                                                           \
    orri_must(av_dict_set_int(out, name, (int64_t)info->field, 0), "metadata");
    NUMBERS(X)
#undef X
    orr_id_text(info->header, header);
    orri_must(av_dict_set(out, "orrery_source", info->source, 0), "metadata");
    orri_must(av_dict_set(out, "orrery_codec", info->codec, 0), "metadata");
    orri_must(av_dict_set(out, "orrery_header", header, 0), "metadata");
    if (info->hdr.mastering)
        orri_must(av_dict_set(out, "orrery_mastering", info->hdr.mastering, 0),
                  "metadata");
    if (info->hdr.light)
        orri_must(av_dict_set(out, "orrery_light", info->hdr.light, 0), "metadata");
}

static bool get_number(const AVDictionary *from, const char *name, int64_t *out)
{
    const AVDictionaryEntry *entry = av_dict_get(from, name, NULL, 0);
    char *rest = NULL;
    if (!entry)
        return false;
    *out = strtoll(entry->value, &rest, 10);
    return entry->value[0] && !*rest;
}

static const char *get_text(const AVDictionary *from, const char *name,
                            struct orr_arena *arena)
{
    const AVDictionaryEntry *entry = av_dict_get(from, name, NULL, 0);
    return entry ? orr_arena_strdup(arena, entry->value) : NULL;
}

static bool get_info(const AVDictionary *from, struct orri_chunk_info *info,
                     struct orr_arena *arena)
{
    bool good = true;
    int64_t number = 0;
#define X(name, field, type)                                                           \
    good = get_number(from, name, &number) && good;                                    \
    info->field = (type)number;
    NUMBERS(X)
#undef X
    info->source = get_text(from, "orrery_source", arena);
    info->codec = get_text(from, "orrery_codec", arena);
    info->hdr.mastering = get_text(from, "orrery_mastering", arena);
    info->hdr.light = get_text(from, "orrery_light", arena);
    const char *header = get_text(from, "orrery_header", arena);
    return good && info->source && info->codec && header && info->time_base.num > 0 &&
           info->time_base.den > 0 && info->rate.num > 0 && info->rate.den > 0 &&
           sscanf(header, "%16" SCNx64 "%16" SCNx64, &info->header.hi,
                  &info->header.lo) == 2;
}

/* NUT likes fine time bases and divides a coarse one: `fine` holds every time of
 * `coarse` exactly when it is a whole fraction of it. */
static bool is_fraction(AVRational fine, AVRational coarse)
{
    return (int64_t)coarse.num * fine.den % ((int64_t)coarse.den * fine.num) == 0;
}

/* ---- writing ---- */

static orr_status write_packets(AVFormatContext *format,
                                const struct orri_chunk_info *info,
                                const struct orri_packets *packets,
                                struct orr_error *err)
{
    struct orri_timeline timeline;
    AVPacket *packet = orri_need(av_packet_alloc());
    int64_t *pts = orr_alloc(packets->n, sizeof *pts);
    int code = 0;
    for (size_t i = 0; i < packets->n; i++)
        pts[i] = packets->items[i]->pts + info->shift;
    orri_timeline_init(&timeline, pts, packets->n, 1);
    for (size_t i = 0; i < packets->n && code >= 0; i++) {
        orri_must(av_packet_ref(packet, packets->items[i]), "packet");
        packet->stream_index = 0;
        packet->pts = pts[i];
        packet->dts = orri_timeline_dts(&timeline, i);
        packet->duration =
            orri_timeline_duration(&timeline, i, info->end + info->shift);
        av_packet_rescale_ts(packet, info->time_base, format->streams[0]->time_base);
        code = av_write_frame(format, packet);
        av_packet_unref(packet);
    }
    if (code >= 0)
        code = av_write_trailer(format);
    orri_timeline_release(&timeline);
    av_packet_free(&packet);
    free(pts);
    return code >= 0 ? ORR_OK
                     : orri_av_error(err, ORR_ERR_FAILED, code,
                                     "the chunk cannot be written");
}

orr_status orri_chunk_write(const struct orri_chunk_info *info,
                            const AVCodecParameters *parameters,
                            const struct orri_packets *packets, uint8_t **out,
                            size_t *length, struct orr_error *err)
{
    AVFormatContext *format = NULL;
    orri_log_clear();
    orri_must(avformat_alloc_output_context2(&format, NULL, "nut", NULL), "NUT");
    orri_must(avio_open_dyn_buf(&format->pb), "buffer");
    AVStream *stream = orri_need(avformat_new_stream(format, NULL));
    orri_must(avcodec_parameters_copy(stream->codecpar, parameters), "parameters");
    stream->codecpar->codec_tag = 0;
    stream->time_base = info->time_base;
    stream->avg_frame_rate = info->rate;
    format->flags |= AVFMT_FLAG_BITEXACT;
    format->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
    put_info(info, &format->metadata);
    int code = avformat_write_header(format, NULL);
    orr_status status = ORR_OK;
    if (code < 0)
        status =
            orri_av_error(err, ORR_ERR_FAILED, code, "the chunk cannot be written");
    else if (!is_fraction(stream->time_base, info->time_base))
        status =
            orri_error(err, ORR_ERR_FAILED, "the chunk's time base %d/%d became %d/%d",
                       info->time_base.num, info->time_base.den, stream->time_base.num,
                       stream->time_base.den);
    else
        status = write_packets(format, info, packets, err);
    uint8_t *bytes = NULL;
    *length = (size_t)avio_close_dyn_buf(format->pb, &bytes);
    format->pb = NULL;
    avformat_free_context(format);
    if (status == ORR_OK)
        *out = bytes;
    else
        av_free(bytes);
    return status;
}

void orri_packets_release(struct orri_packets *packets)
{
    for (size_t i = 0; i < packets->n; i++)
        av_packet_free(&packets->items[i]);
    free(packets->items);
    *packets = (struct orri_packets) { 0 };
}

/* ---- reading ---- */

static int read_memory(void *opaque, uint8_t *out, int size)
{
    struct orri_chunk *chunk = opaque;
    size_t left = chunk->length - chunk->at;
    size_t n = (size_t)size < left ? (size_t)size : left;
    if (n == 0)
        return AVERROR_EOF;
    memcpy(out, chunk->bytes + chunk->at, n);
    chunk->at += n;
    return (int)n;
}

static int64_t seek_memory(void *opaque, int64_t to, int whence)
{
    struct orri_chunk *chunk = opaque;
    if (whence == AVSEEK_SIZE)
        return (int64_t)chunk->length;
    if (whence == SEEK_CUR)
        to += (int64_t)chunk->at;
    if (whence == SEEK_END)
        to += (int64_t)chunk->length;
    if (to < 0 || to > (int64_t)chunk->length)
        return AVERROR(EINVAL);
    chunk->at = (size_t)to;
    return to;
}

static orr_status not_a_chunk(struct orri_chunk *chunk, uint32_t number,
                              const char *why, struct orr_error *err)
{
    orri_chunk_close(chunk);
    return orri_error(err, ORR_ERR_INPUT,
                      "chunk %" PRIu32
                      " is not one that media.encode made: %s. Give mux "
                      "the `data` of encode's results",
                      number, why);
}

orr_status orri_chunk_open(const void *bytes, size_t length, uint32_t number,
                           struct orri_chunk *out, struct orr_error *err)
{
    const AVInputFormat *nut = av_find_input_format("nut");
    *out = (struct orri_chunk) { .bytes = bytes, .length = length };
    orri_log_clear();
    AVIOContext *io =
        orri_need(avio_alloc_context(orri_need(av_malloc(IO_BYTES)), IO_BYTES, 0, out,
                                     read_memory, NULL, seek_memory));
    out->format = orri_need(avformat_alloc_context());
    out->format->pb = io;
    out->format->flags |=
        AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN;
    int code = avformat_open_input(&out->format, NULL, nut, NULL);
    if (code < 0) {
        av_freep(&io->buffer);
        avio_context_free(&io);
        return not_a_chunk(out, number, "it does not read as a NUT file", err);
    }
    if (out->format->nb_streams != 1)
        return not_a_chunk(out, number, "it does not have one stream", err);
    out->stream = out->format->streams[0];
    if (!get_info(out->format->metadata, &out->info, &out->arena))
        return not_a_chunk(out, number, "it does not say where it comes from", err);
    if (!is_fraction(out->stream->time_base, out->info.time_base))
        return not_a_chunk(out, number, "its time base is another than it says", err);
    return ORR_OK;
}

orr_status orri_chunk_next(struct orri_chunk *chunk, AVPacket *packet,
                           struct orr_error *err)
{
    int code = av_read_frame(chunk->format, packet);
    if (code == AVERROR_EOF)
        return ORR_END;
    if (code < 0)
        return orri_av_error(
            err, ORR_ERR_DATA, code,
            "the chunk of frames %" PRIu32 " to %" PRIu32 " cannot be read",
            chunk->info.first, chunk->info.first + chunk->info.frames - 1);
    packet->pts =
        av_rescale_q(packet->pts, chunk->stream->time_base, chunk->info.time_base);
    packet->pts -= chunk->info.shift;
    return ORR_OK;
}

void orri_chunk_close(struct orri_chunk *chunk)
{
    if (chunk->format) {
        AVIOContext *io = chunk->format->pb;
        avformat_close_input(&chunk->format);
        if (io)
            av_freep(&io->buffer);
        avio_context_free(&io);
    }
    orr_arena_release(&chunk->arena);
}
