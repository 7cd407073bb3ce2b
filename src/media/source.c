/* source.c - one video file, opened and decoded in order
 * Owns: demuxer, decoder, what was damaged.
 * Hands on: which frame is which (index.c), going to a frame (frames.c). */
#include "media/source.h"

#include "base/memory.h"
#include "media/libav.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

orr_status orri_container_open(const char *path, AVFormatContext **out,
                               struct orr_error *err)
{
    struct orri_identity identity;
    orr_status status = orri_identify(path, &identity, err);
    if (status != ORR_OK)
        return status;
    /* "file:" keeps a colon in the path from being taken for a protocol */
    char *url = orr_alloc(strlen(path) + 6, 1);
    (void)snprintf(url, strlen(path) + 6, "file:%s", path);
    AVFormatContext *format = NULL;
    orri_log_clear();
    int code = avformat_open_input(&format, url, NULL, NULL);
    free(url);
    if (code < 0)
        return orri_av_error(err, ORR_ERR_INPUT, code,
                             "%s cannot be read as a media file; is it complete?",
                             path);
    code = avformat_find_stream_info(format, NULL);
    if (code < 0) {
        avformat_close_input(&format);
        return orri_av_error(err, ORR_ERR_INPUT, code, "%s: no stream can be read",
                             path);
    }
    *out = format;
    return ORR_OK;
}

static void set_effort(AVCodecContext *codec, enum orri_effort effort)
{
    if (effort != ORRI_PIXELS)
        codec->skip_loop_filter = AVDISCARD_ALL;
    if (effort == ORRI_COUNT)
        codec->skip_idct = AVDISCARD_ALL;
}

static orr_status open_decoder(struct orri_source *source, const AVCodec *decoder,
                               unsigned threads, enum orri_effort effort,
                               struct orr_error *err)
{
    AVCodecContext *codec = orri_need(avcodec_alloc_context3(decoder));
    source->codec = codec;
    orri_must(avcodec_parameters_to_context(codec, source->stream->codecpar),
              "decoder parameters");
    codec->pkt_timebase = source->stream->time_base;
    codec->thread_count = (int)threads;
    codec->thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE;
    set_effort(codec, effort);
    orri_log_clear();
    int code = avcodec_open2(codec, decoder, NULL);
    if (code < 0)
        return orri_av_error(err, ORR_ERR_INPUT, code,
                             "%s: the decoder %s does not start", source->path,
                             decoder->name);
    return ORR_OK;
}

static orr_status pick_stream(struct orri_source *source, const AVCodec **decoder,
                              struct orr_error *err)
{
    AVFormatContext *format = source->format;
    int at = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, decoder, 0);
    if (at == AVERROR_DECODER_NOT_FOUND)
        return orri_error(err, ORR_ERR_INPUT,
                          "%s: this build of libavcodec has no decoder for its video",
                          source->path);
    if (at < 0 || format->streams[at]->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return orri_error(
            err, ORR_ERR_INPUT,
            "%s has no video stream (%u other stream%s): name a file with "
            "a picture",
            source->path, format->nb_streams, format->nb_streams == 1 ? "" : "s");
    for (unsigned i = 0; i < format->nb_streams; i++)
        format->streams[i]->discard = (int)i == at ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    source->stream = format->streams[at];
    return ORR_OK;
}

orr_status orri_source_open(const char *path, unsigned threads, enum orri_effort effort,
                            struct orri_source **out, struct orr_error *err)
{
    struct orri_source *source = orr_alloc(1, sizeof *source);
    const AVCodec *decoder = NULL;
    source->path = orr_strdup(path);
    orr_status status = orri_container_open(path, &source->format, err);
    if (status == ORR_OK)
        status = pick_stream(source, &decoder, err);
    if (status == ORR_OK)
        status = open_decoder(source, decoder, threads, effort, err);
    if (status != ORR_OK) {
        orri_source_close(source);
        return status;
    }
    source->packet = orri_need(av_packet_alloc());
    source->frame = orri_need(av_frame_alloc());
    orri_log_clear();
    *out = source;
    return ORR_OK;
}

void orri_source_close(struct orri_source *source)
{
    if (!source)
        return;
    avcodec_free_context(&source->codec);
    avformat_close_input(&source->format);
    av_packet_free(&source->packet);
    av_frame_free(&source->frame);
    free(source->path);
    free(source);
}

/* A file may start in the middle of a GOP: what cannot be decoded before the first
 * frame was never there, and is no damage. */
static void note_damage(struct orri_source *source, const char *text)
{
    struct orri_damage *damage = &source->damage;
    if (source->n_frames == 0)
        return;
    if (damage->count++ == 0) {
        damage->frame = source->n_frames;
        (void)snprintf(damage->text, sizeof damage->text, "%s", text);
    }
}

/* Does the file end before the data that its own index names? */
static bool is_truncated(struct orri_source *source)
{
    int64_t size = avio_size(source->format->pb);
    int n = avformat_index_get_entries_count(source->stream);
    for (int i = 0; size > 0 && i < n; i++) {
        const AVIndexEntry *entry = avformat_index_get_entry(source->stream, i);
        if (entry->size > 0 && entry->pos >= 0 && entry->pos + entry->size > size)
            return true;
    }
    return strstr(orri_log_text(), "prematurely") ||
           strstr(orri_log_text(), "partial file");
}

static void end_of_input(struct orri_source *source, int code)
{
    char text[120];
    (void)snprintf(text, sizeof text, "cannot read on: %s", av_err2str(code));
    if (code != AVERROR_EOF)
        note_damage(source, text);
    else if (is_truncated(source))
        note_damage(source,
                    "the file is cut off: data that its index names is missing");
    (void)avcodec_send_packet(source->codec, NULL);
    source->drained = true;
}

static void feed(struct orri_source *source)
{
    char text[120];
    int code = av_read_frame(source->format, source->packet);
    if (code == AVERROR(EAGAIN))
        return;
    if (code < 0) {
        end_of_input(source, code);
        return;
    }
    if (source->packet->stream_index == source->stream->index) {
        source->n_packets++;
        code = avcodec_send_packet(source->codec, source->packet);
        (void)snprintf(text, sizeof text, "a packet cannot be decoded: %s",
                       av_err2str(code));
        if (code < 0 && code != AVERROR(EAGAIN))
            note_damage(source, text);
    }
    av_packet_unref(source->packet);
}

orr_status orri_source_next(struct orri_source *source)
{
    char text[120];
    for (;;) {
        int code = avcodec_receive_frame(source->codec, source->frame);
        if (code == AVERROR_EOF)
            return ORR_END;
        if (code >= 0) {
            bool bad = source->frame->decode_error_flags ||
                       (source->frame->flags & AV_FRAME_FLAG_CORRUPT);
            if (bad)
                note_damage(source, "parts of a frame cannot be decoded");
            source->n_frames++;
            return ORR_OK;
        }
        if (code != AVERROR(EAGAIN)) {
            (void)snprintf(text, sizeof text, "a frame cannot be decoded: %s",
                           av_err2str(code));
            note_damage(source, text);
        }
        if (!source->drained)
            feed(source);
    }
}

bool orri_source_seek(struct orri_source *source, int64_t ts)
{
    int at = source->stream->index;
    if (av_seek_frame(source->format, at, ts, AVSEEK_FLAG_BACKWARD) < 0)
        return false;
    avcodec_flush_buffers(source->codec);
    source->drained = false;
    return true;
}

orr_status orri_source_packet(struct orri_source *source)
{
    int code = 0;
    do {
        av_packet_unref(source->packet);
        code = av_read_frame(source->format, source->packet);
    } while (code >= 0 && source->packet->stream_index != source->stream->index);
    if (code >= 0) {
        source->n_packets++;
        return ORR_OK;
    }
    return code == AVERROR_EOF && !is_truncated(source) ? ORR_END : ORR_ERR_DATA;
}

int orri_rotation(const AVStream *stream)
{
    const uint8_t *matrix =
        av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, NULL);
    if (!matrix)
        return 0;
    double degrees = -av_display_rotation_get((const int32_t *)(const void *)matrix);
    if (isnan(degrees))
        return 0;
    int quarter = (int)lround(degrees / 90.0) % 4;
    return (quarter + 4) % 4 * 90;
}
