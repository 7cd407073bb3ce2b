/* encoder.c - one rendition of one chunk: frames in, a chunk and its statistics out
 * Owns: scaler, encoder, packets, comparison of one rendition.
 *
 * Inside the encoder time is the frame's number in the chunk at the source's average
 * rate, so that what it decides does not depend on how a container rounds times; the
 * packets get the source's own times back. */
#include "media/encoder.h"

#include "media/libav.h"
#include "media/picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct orri_encoder {
    struct orri_encode_job job;
    struct orri_rendition rendition;
    struct orri_scaler scaler;
    AVCodecContext *context; /* opened with the first frame */
    struct orri_measure *measure;
    struct orri_frame_stats *stats;
    struct orri_packets packets;
    struct orri_chunk_info info;
    uint32_t given;
    bool ended; /* the encoder was told that no frame follows, and gave all it had */
    uint64_t payload;
    int source_width, source_height, source_format;
    uint8_t *chunk;
    size_t chunk_length;
    struct orr_arena arena;
};

orr_status orri_encoder_new(const struct orri_encode_job *job,
                            const struct orri_rendition *rendition,
                            struct orri_encoder **out, struct orr_error *err)
{
    const struct orri_index *index = job->index;
    struct orri_encoder *encoder = orr_alloc(1, sizeof *encoder);
    encoder->job = *job;
    encoder->rendition = *rendition;
    encoder->stats = orr_alloc(job->frames, sizeof *encoder->stats);
    encoder->scaler.rescales = rendition->width > 0 || rendition->height > 0;
    encoder->source_width = index->width;
    encoder->source_height = index->height;
    encoder->source_format = index->format;
    enum AVPixelFormat format =
        orri_coding_format(rendition->coding.codec, job->pixel_format,
                           orri_plain_format(index->format), err);
    orr_status status = format == AV_PIX_FMT_NONE ? ORR_ERR_INPUT : ORR_OK;
    if (status == ORR_OK)
        status = orri_shape_choose(
            index->width, index->height, job->stream->codecpar->sample_aspect_ratio,
            rendition->width, rendition->height, format, &encoder->scaler.to, err);
    if (status == ORR_OK)
        *out = encoder;
    else
        orri_encoder_free(encoder);
    return status;
}

/* ---- opening ---- */

static void set_colours(AVCodecContext *context, const AVFrame *frame)
{
    context->color_range = frame->color_range;
    context->color_primaries = frame->color_primaries;
    context->color_trc = frame->color_trc;
    context->colorspace = frame->colorspace;
    context->chroma_sample_location = frame->chroma_location;
}

static orr_status open_encoder(struct orri_encoder *encoder, const AVFrame *frame,
                               struct orr_error *err)
{
    const struct orri_shape *shape = &encoder->scaler.to;
    const struct orri_index *index = encoder->job.index;
    AVCodecContext *context = orri_coding_new(&encoder->rendition.coding, err);
    if (!context)
        return ORR_ERR_INPUT;
    encoder->context = context;
    context->width = shape->width;
    context->height = shape->height;
    context->pix_fmt = shape->format;
    context->sample_aspect_ratio = shape->aspect;
    context->time_base = av_inv_q(index->rate);
    context->framerate = index->rate;
    set_colours(context, frame);
    encoder->info.hdr = orri_hdr_read(frame, encoder->job.stream, &encoder->arena);
    encoder->rendition.coding.hdr =
        orri_hdr_params(&encoder->info.hdr, context->codec->name, &encoder->arena);
    orr_status status = orri_coding_open(&encoder->rendition.coding, context, err);
    if (status == ORR_OK)
        status = orri_measure_new(context, encoder->job.metrics, encoder->job.frames,
                                  &encoder->measure, err);
    return status;
}

/* ---- packets ---- */

static void read_quality(const AVPacket *packet, struct orri_frame_stats *stats)
{
    size_t size = 0;
    const uint8_t *data =
        av_packet_get_side_data(packet, AV_PKT_DATA_QUALITY_STATS, &size);
    stats->qp = NAN;
    if (!data || size < 5)
        return;
    stats->qp = (double)AV_RL32(data) / FF_QP2LAMBDA;
    stats->type = data[4] <= AV_PICTURE_TYPE_B ? data[4] : 0;
}

/* Keep a packet for the chunk, with the time of its frame in the source. */
static orr_status keep_packet(struct orri_encoder *encoder, const AVPacket *packet,
                              struct orr_error *err)
{
    const struct orri_encode_job *job = &encoder->job;
    struct orri_packets *packets = &encoder->packets;
    int64_t number = packet->pts;
    if (number < 0 || number >= job->frames)
        return orri_error(
            err, ORR_ERR_FAILED, "%s gave a packet of frame %lld out of %u",
            encoder->rendition.coding.codec->name, (long long)number, job->frames);
    AVPacket *kept = orri_need(av_packet_clone(packet));
    if (packets->n == 0 && job->first != 0 && packet->size &&
        encoder->context->codec_id == AV_CODEC_ID_H264) {
        orri_must(av_packet_make_writable(kept), "packet");
        orri_drop_encoder_note(kept);
    }
    struct orri_frame_stats *stats = &encoder->stats[number];
    read_quality(packet, stats);
    stats->bytes = (uint32_t)kept->size;
    if ((packet->flags & AV_PKT_FLAG_KEY) && stats->type == 0)
        stats->type = 1;
    kept->pts = job->index->pts[job->first + (uint32_t)number];
    kept->dts = AV_NOPTS_VALUE;
    av_packet_free_side_data(kept);
    encoder->payload += (uint64_t)kept->size;
    packets->items =
        orr_grow(packets->items, packets->n, &packets->cap, sizeof(AVPacket *));
    packets->items[packets->n++] = kept;
    return ORR_OK;
}

static orr_status drain(struct orri_encoder *encoder, struct orr_error *err)
{
    AVPacket *packet = orri_need(av_packet_alloc());
    orr_status status = ORR_OK;
    int code = 0;
    while (status == ORR_OK) {
        code = avcodec_receive_packet(encoder->context, packet);
        if (code < 0)
            break;
        status = keep_packet(encoder, packet, err);
        if (status == ORR_OK)
            status = orri_measure_packet(encoder->measure, packet, err);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    if (status == ORR_OK && code != AVERROR(EAGAIN) && code != AVERROR_EOF)
        status = orri_av_error(err, ORR_ERR_FAILED, code, "%s failed",
                               encoder->rendition.coding.codec->name);
    return status;
}

orr_status orri_encoder_frame(struct orri_encoder *encoder, const AVFrame *frame,
                              struct orr_error *err)
{
    AVFrame *picture = NULL;
    if (frame->width != encoder->source_width ||
        frame->height != encoder->source_height ||
        frame->format != encoder->source_format)
        encoder->scaler.warned = true;
    orr_status status = orri_scale(&encoder->scaler, frame, &picture, err);
    if (status == ORR_OK && !encoder->context)
        status = open_encoder(encoder, picture, err);
    if (status == ORR_OK) {
        picture->pts = encoder->given;
        picture->pkt_duration = 0;
        orri_measure_given(encoder->measure, encoder->given, picture);
        encoder->given++;
        orri_log_clear();
        int code = avcodec_send_frame(encoder->context, picture);
        status = code < 0
                     ? orri_av_error(err, ORR_ERR_FAILED, code, "%s refuses frame %u",
                                     encoder->rendition.coding.codec->name,
                                     encoder->job.first + encoder->given - 1)
                     : drain(encoder, err);
    }
    av_frame_free(&picture);
    return status;
}

/* ---- finishing ---- */

/* AV1: the header that counts is the one in the stream. Replaces the extradata. */
static orr_status header_from_stream(const AVPacket *packet,
                                     AVCodecParameters *parameters,
                                     struct orr_error *err)
{
    AVBSFContext *filter = NULL;
    AVPacket *copy = orri_need(av_packet_clone(packet));
    orri_must(av_bsf_alloc(av_bsf_get_by_name("extract_extradata"), &filter), "filter");
    orri_must(avcodec_parameters_copy(filter->par_in, parameters), "parameters");
    int code = av_bsf_init(filter);
    if (code >= 0)
        code = av_bsf_send_packet(filter, copy);
    if (code >= 0)
        code = av_bsf_receive_packet(filter, copy);
    size_t size = 0;
    const uint8_t *data =
        code >= 0 ? av_packet_get_side_data(copy, AV_PKT_DATA_NEW_EXTRADATA, &size)
                  : NULL;
    if (data) {
        av_freep(&parameters->extradata);
        parameters->extradata =
            orri_need(av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE));
        memcpy(parameters->extradata, data, size);
        parameters->extradata_size = (int)size;
    }
    av_packet_free(&copy);
    av_bsf_free(&filter);
    return data ? ORR_OK
                : orri_error(err, ORR_ERR_FAILED,
                             "the first packet of the chunk has no sequence header");
}

static void fill_info(struct orri_encoder *encoder, const AVCodecParameters *parameters)
{
    const struct orri_encode_job *job = &encoder->job;
    const struct orri_index *index = job->index;
    struct orri_chunk_info *info = &encoder->info;
    info->source = index->path;
    info->codec = encoder->rendition.coding.codec->name;
    info->first = job->first;
    info->frames = job->frames;
    info->total = index->n_frames;
    info->time_base = index->time_base;
    info->rate = index->rate;
    info->vfr = index->vfr;
    info->origin = index->pts[0];
    info->start = index->pts[job->first];
    info->end = index->pts[job->first + job->frames];
    info->shift = index->pts[0] < 0 ? -index->pts[0] : 0;
    info->rotation = orri_rotation(job->stream);
    info->aspect = encoder->scaler.to.aspect;
    info->range = (int)parameters->color_range;
    info->space = (int)parameters->color_space;
    info->transfer = (int)parameters->color_trc;
    info->primaries = (int)parameters->color_primaries;
    info->location = (int)parameters->chroma_location;
    info->header = orr_hash(parameters->extradata, (size_t)parameters->extradata_size);
}

static orr_status write_chunk(struct orri_encoder *encoder, struct orr_error *err)
{
    AVCodecParameters *parameters = orri_need(avcodec_parameters_alloc());
    orr_status status = ORR_OK;
    orri_must(avcodec_parameters_from_context(parameters, encoder->context),
              "parameters");
    if (parameters->codec_id == AV_CODEC_ID_AV1)
        status = header_from_stream(encoder->packets.items[0], parameters, err);
    if (status == ORR_OK) {
        fill_info(encoder, parameters);
        status = orri_chunk_write(&encoder->info, parameters, &encoder->packets,
                                  &encoder->chunk, &encoder->chunk_length, err);
    }
    avcodec_parameters_free(&parameters);
    return status;
}

orr_status orri_encoder_finish(struct orri_encoder *encoder, struct orr_error *err)
{
    int code = avcodec_send_frame(encoder->context, NULL);
    orr_status status = ORR_OK;
    if (code < 0)
        status = orri_av_error(err, ORR_ERR_FAILED, code, "%s cannot finish",
                               encoder->rendition.coding.codec->name);
    if (status == ORR_OK)
        status = drain(encoder, err);
    encoder->ended = status == ORR_OK;
    if (status == ORR_OK)
        status = orri_measure_packet(encoder->measure, NULL, err);
    if (status == ORR_OK && encoder->packets.n != encoder->job.frames)
        status = orri_error(err, ORR_ERR_FAILED, "%s made %zu packets of %u frames",
                            encoder->rendition.coding.codec->name, encoder->packets.n,
                            encoder->job.frames);
    if (status == ORR_OK && !(encoder->packets.items[0]->flags & AV_PKT_FLAG_KEY))
        status = orri_error(err, ORR_ERR_FAILED, "%s did not start with a keyframe",
                            encoder->rendition.coding.codec->name);
    if (status == ORR_OK)
        status = write_chunk(encoder, err);
    return status;
}

const uint8_t *orri_encoder_chunk(const struct orri_encoder *encoder, size_t *length)
{
    *length = encoder->chunk_length;
    return encoder->chunk;
}

const struct orri_measure *orri_encoder_measure(const struct orri_encoder *encoder)
{
    return encoder->measure;
}

const struct orri_frame_stats *orri_encoder_stats(const struct orri_encoder *encoder)
{
    return encoder->stats;
}

const struct orri_chunk_info *orri_encoder_info(const struct orri_encoder *encoder)
{
    return &encoder->info;
}

uint64_t orri_encoder_payload(const struct orri_encoder *encoder)
{
    return encoder->payload;
}

int orri_encoder_width(const struct orri_encoder *encoder)
{
    return encoder->scaler.to.width;
}

int orri_encoder_height(const struct orri_encoder *encoder)
{
    return encoder->scaler.to.height;
}

bool orri_encoder_reshaped(const struct orri_encoder *encoder)
{
    return encoder->scaler.warned;
}

static void send_blank(AVCodecContext *context)
{
    AVFrame *frame = orri_need(av_frame_alloc());
    frame->width = context->width;
    frame->height = context->height;
    frame->format = context->pix_fmt;
    orri_must(av_frame_get_buffer(frame, 0), "picture");
    for (int i = 0; i < AV_NUM_DATA_POINTERS && frame->buf[i]; i++)
        memset(frame->buf[i]->data, 0, frame->buf[i]->size);
    frame->pts = 0;
    (void)avcodec_send_frame(context, frame);
    av_frame_free(&frame);
}

/* SVT-AV1 waits for ever when it is closed before it had a frame and was told of the
 * end: finish every encoder that a failure left in the middle. */
static void abandon(struct orri_encoder *encoder)
{
    AVPacket *packet = orri_need(av_packet_alloc());
    if (encoder->given == 0)
        send_blank(encoder->context);
    (void)avcodec_send_frame(encoder->context, NULL);
    while (avcodec_receive_packet(encoder->context, packet) >= 0)
        av_packet_unref(packet);
    av_packet_free(&packet);
}

void orri_encoder_free(struct orri_encoder *encoder)
{
    if (!encoder)
        return;
    if (encoder->context && avcodec_is_open(encoder->context) && !encoder->ended)
        abandon(encoder);
    orri_scaler_release(&encoder->scaler);
    avcodec_free_context(&encoder->context);
    orri_measure_free(encoder->measure);
    orri_packets_release(&encoder->packets);
    av_free(encoder->chunk);
    orr_arena_release(&encoder->arena);
    free(encoder->stats);
    free(encoder);
}
