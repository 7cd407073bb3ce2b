/* recode.c - one sound track, decoded and encoded as AAC
 * Owns: decoder, filter graph and encoder of the track. */
#include "media/recode.h"

#include "base/memory.h"
#include "media/libav.h"

#include <stdio.h>
#include <stdlib.h>

enum { BIT_RATE_A_CHANNEL = 64000, RATE_MAX = 48000 };

struct orri_recode {
    AVCodecContext *decoder, *encoder;
    AVFilterGraph *graph;
    AVFilterContext *in, *out;
    AVFrame *frame;
    AVPacket *packet;
};

typedef orr_status take_packet(void *context, AVPacket *packet, AVRational time_base,
                               struct orr_error *err);

static orr_status open_decoder(struct orri_recode *recode, const char *path,
                               const AVStream *from, struct orr_error *err)
{
    const AVCodec *codec = avcodec_find_decoder(from->codecpar->codec_id);
    if (!codec)
        return orri_error(err, ORR_ERR_INPUT,
                          "%s: libavcodec has no decoder for its %s sound", path,
                          avcodec_get_name(from->codecpar->codec_id));
    recode->decoder = orri_need(avcodec_alloc_context3(codec));
    orri_must(avcodec_parameters_to_context(recode->decoder, from->codecpar),
              "parameters");
    recode->decoder->pkt_timebase = from->time_base;
    recode->decoder->thread_count = 1;
    if (recode->decoder->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&recode->decoder->ch_layout,
                                  recode->decoder->ch_layout.nb_channels);
    int code = avcodec_open2(recode->decoder, codec, NULL);
    return code < 0 ? orri_av_error(err, ORR_ERR_INPUT, code,
                                    "%s: the decoder of its sound does not start", path)
                    : ORR_OK;
}

static orr_status open_encoder(struct orri_recode *recode, const char *path,
                               bool global, struct orr_error *err)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
    const AVCodecContext *decoder = recode->decoder;
    int rate = decoder->sample_rate > RATE_MAX ? RATE_MAX : decoder->sample_rate;
    if (!codec)
        return orri_error(err, ORR_ERR_INPUT,
                          "libavcodec of this machine has no AAC encoder");
    AVCodecContext *encoder = orri_need(avcodec_alloc_context3(codec));
    recode->encoder = encoder;
    orri_must(av_channel_layout_copy(&encoder->ch_layout, &decoder->ch_layout),
              "layout");
    encoder->sample_rate = rate;
    encoder->sample_fmt = AV_SAMPLE_FMT_FLTP;
    encoder->time_base = (AVRational) { 1, rate };
    encoder->bit_rate = (int64_t)BIT_RATE_A_CHANNEL * encoder->ch_layout.nb_channels;
    encoder->flags |=
        AV_CODEC_FLAG_BITEXACT | (global ? AV_CODEC_FLAG_GLOBAL_HEADER : 0);
    encoder->thread_count = 1;
    orri_log_clear();
    int code = avcodec_open2(encoder, codec, NULL);
    return code < 0
               ? orri_av_error(err, ORR_ERR_INPUT, code,
                               "%s: its sound (%d Hz, %d channels) cannot be AAC", path,
                               decoder->sample_rate, decoder->ch_layout.nb_channels)
               : ORR_OK;
}

/* decoder -> aresample (fills gaps, so that picture and sound stay together) -> encoder
 */
static orr_status open_graph(struct orri_recode *recode, const AVStream *from,
                             struct orr_error *err)
{
    char source[256];
    char layout[64];
    char chain[256];
    AVFilterInOut *inputs = NULL;
    AVFilterInOut *outputs = NULL;
    const AVCodecContext *decoder = recode->decoder;
    (void)av_channel_layout_describe(&decoder->ch_layout, layout, sizeof layout);
    (void)snprintf(source, sizeof source,
                   "time_base=%d/%d:sample_rate=%d:sample_fmt=%s:channel_layout=%s",
                   from->time_base.num, from->time_base.den, decoder->sample_rate,
                   av_get_sample_fmt_name(decoder->sample_fmt), layout);
    (void)snprintf(chain, sizeof chain,
                   "aresample=%d:async=1:min_hard_comp=0.1,"
                   "aformat=sample_fmts=fltp:channel_layouts=%s",
                   recode->encoder->sample_rate, layout);
    recode->graph = orri_need(avfilter_graph_alloc());
    recode->graph->nb_threads = 1;
    int code =
        avfilter_graph_create_filter(&recode->in, avfilter_get_by_name("abuffer"), "in",
                                     source, NULL, recode->graph);
    if (code >= 0)
        code = avfilter_graph_create_filter(&recode->out,
                                            avfilter_get_by_name("abuffersink"), "out",
                                            NULL, NULL, recode->graph);
    if (code >= 0) {
        outputs = orri_need(avfilter_inout_alloc());
        inputs = orri_need(avfilter_inout_alloc());
        *outputs = (AVFilterInOut) { av_strdup("in"), recode->in, 0, NULL };
        *inputs = (AVFilterInOut) { av_strdup("out"), recode->out, 0, NULL };
        code = avfilter_graph_parse_ptr(recode->graph, chain, &inputs, &outputs, NULL);
    }
    if (code >= 0)
        code = avfilter_graph_config(recode->graph, NULL);
    avfilter_inout_free(&inputs);
    avfilter_inout_free(&outputs);
    if (code < 0)
        return orri_av_error(err, ORR_ERR_FAILED, code, "sound cannot be converted");
    av_buffersink_set_frame_size(recode->out, (unsigned)recode->encoder->frame_size);
    return ORR_OK;
}

orr_status orri_recode_open(const char *path, const AVStream *from,
                            const AVFormatContext *to, AVStream *stream,
                            struct orri_recode **out, struct orr_error *err)
{
    struct orri_recode *recode = orr_alloc(1, sizeof *recode);
    recode->frame = orri_need(av_frame_alloc());
    recode->packet = orri_need(av_packet_alloc());
    orr_status status = open_decoder(recode, path, from, err);
    if (status == ORR_OK)
        status =
            open_encoder(recode, path, to->oformat->flags & AVFMT_GLOBALHEADER, err);
    if (status == ORR_OK)
        status = open_graph(recode, from, err);
    if (status != ORR_OK) {
        orri_recode_free(recode);
        return status;
    }
    orri_must(avcodec_parameters_from_context(stream->codecpar, recode->encoder),
              "parameters");
    stream->time_base = recode->encoder->time_base;
    *out = recode;
    return ORR_OK;
}

static orr_status drain_encoder(struct orri_recode *recode, take_packet *take,
                                void *context, struct orr_error *err)
{
    orr_status status = ORR_OK;
    while (status == ORR_OK &&
           avcodec_receive_packet(recode->encoder, recode->packet) >= 0) {
        status = take(context, recode->packet, recode->encoder->time_base, err);
        av_packet_unref(recode->packet);
    }
    return status;
}

static orr_status drain_graph(struct orri_recode *recode, take_packet *take,
                              void *context, struct orr_error *err)
{
    AVRational time_base = av_buffersink_get_time_base(recode->out);
    orr_status status = ORR_OK;
    while (status == ORR_OK &&
           av_buffersink_get_frame(recode->out, recode->frame) >= 0) {
        recode->frame->pts =
            av_rescale_q(recode->frame->pts, time_base, recode->encoder->time_base);
        int code = avcodec_send_frame(recode->encoder, recode->frame);
        av_frame_unref(recode->frame);
        status = code < 0
                     ? orri_av_error(err, ORR_ERR_FAILED, code, "AAC encoder failed")
                     : drain_encoder(recode, take, context, err);
    }
    return status;
}

orr_status orri_recode_packet(struct orri_recode *recode, const AVPacket *packet,
                              take_packet *take, void *context, struct orr_error *err)
{
    orr_status status = ORR_OK;
    /* a damaged packet of sound is left out; the gap is filled with silence */
    (void)avcodec_send_packet(recode->decoder, packet);
    while (status == ORR_OK &&
           avcodec_receive_frame(recode->decoder, recode->frame) >= 0) {
        int code = av_buffersrc_add_frame(recode->in, recode->frame);
        status = code < 0 ? orri_av_error(err, ORR_ERR_FAILED, code,
                                          "sound cannot be converted")
                          : drain_graph(recode, take, context, err);
    }
    if (status == ORR_OK && !packet) {
        int code = av_buffersrc_add_frame(recode->in, NULL);
        status = code < 0 ? orri_av_error(err, ORR_ERR_FAILED, code,
                                          "sound cannot be converted")
                          : drain_graph(recode, take, context, err);
        if (status == ORR_OK) {
            (void)avcodec_send_frame(recode->encoder, NULL);
            status = drain_encoder(recode, take, context, err);
        }
    }
    return status;
}

void orri_recode_free(struct orri_recode *recode)
{
    if (!recode)
        return;
    avcodec_free_context(&recode->decoder);
    avcodec_free_context(&recode->encoder);
    avfilter_graph_free(&recode->graph);
    av_frame_free(&recode->frame);
    av_packet_free(&recode->packet);
    free(recode);
}
