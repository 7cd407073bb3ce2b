/* measure.c - decode what the encoder made and compare it with what it was given
 * Owns: a decoder of one thread, the frames that the encoder still holds. */
#include "media/measure.h"

#include "base/memory.h"
#include "media/libav.h"
#include "media/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct orri_measure {
    unsigned metrics;
    uint32_t n;
    uint32_t done;
    AVFrame **given; /* by number; NULL once compared */
    struct orri_frame_scores *scores;
    AVCodecContext *decoder;
    AVFrame *frame;
    struct orri_vif *vif;
    int planes, depth;
    double samples[3];
};

static orr_status open_decoder(const AVCodecContext *encoder, AVCodecContext **out,
                               struct orr_error *err)
{
    const AVCodec *codec = avcodec_find_decoder(encoder->codec_id);
    AVDictionary *options = NULL;
    if (!codec)
        return orri_error(
            err, ORR_ERR_INPUT,
            "metrics need a decoder for %s, and libavcodec of this machine "
            "has none: give metrics: []",
            avcodec_get_name(encoder->codec_id));
    AVCodecContext *decoder = orri_need(avcodec_alloc_context3(codec));
    AVCodecParameters *parameters = orri_need(avcodec_parameters_alloc());
    orri_must(avcodec_parameters_from_context(parameters, encoder), "parameters");
    if (encoder->codec_id == AV_CODEC_ID_AV1)
        parameters->extradata_size = 0; /* SVT's differs from what is in the stream */
    orri_must(avcodec_parameters_to_context(decoder, parameters), "parameters");
    avcodec_parameters_free(&parameters);
    decoder->thread_count = 1;
    decoder->pkt_timebase = encoder->time_base;
    orri_must(av_dict_set(&options, "max_frame_delay", "1", 0), "options");
    orri_log_clear();
    int code = avcodec_open2(decoder, codec, &options);
    av_dict_free(&options);
    *out = decoder;
    return code < 0 ? orri_av_error(err, ORR_ERR_FAILED, code,
                                    "decoder %s does not start", codec->name)
                    : ORR_OK;
}

static void plane_of(const struct orri_measure *measure, const AVFrame *frame, int i,
                     struct orri_plane *out)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    int x = i ? desc->log2_chroma_w : 0;
    int y = i ? desc->log2_chroma_h : 0;
    *out = (struct orri_plane) { .data = frame->data[i],
                                 .stride = frame->linesize[i],
                                 .width = AV_CEIL_RSHIFT(frame->width, x),
                                 .height = AV_CEIL_RSHIFT(frame->height, y),
                                 .depth = measure->depth };
}

static void set_weights(struct orri_measure *measure, const AVCodecContext *encoder)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(encoder->pix_fmt);
    double total = 0;
    measure->planes = desc->nb_components < 3 ? 1 : 3;
    measure->depth = desc->comp[0].depth;
    for (int i = 0; i < measure->planes; i++) {
        int x = i ? desc->log2_chroma_w : 0;
        int y = i ? desc->log2_chroma_h : 0;
        measure->samples[i] = (double)AV_CEIL_RSHIFT(encoder->width, x) *
                              AV_CEIL_RSHIFT(encoder->height, y);
        total += measure->samples[i];
    }
    for (int i = 0; i < measure->planes; i++)
        measure->samples[i] /= total;
}

orr_status orri_measure_new(const AVCodecContext *context, unsigned metrics, uint32_t n,
                            struct orri_measure **out, struct orr_error *err)
{
    struct orri_measure *measure = orr_alloc(1, sizeof *measure);
    measure->metrics = metrics;
    measure->n = n;
    measure->given = orr_alloc(n, sizeof(AVFrame *));
    measure->scores = orr_alloc(n, sizeof *measure->scores);
    measure->frame = orri_need(av_frame_alloc());
    set_weights(measure, context);
    for (uint32_t i = 0; i < n; i++)
        measure->scores[i] =
            (struct orri_frame_scores) { { NAN, NAN, NAN }, NAN, NAN, NAN };
    if (metrics & ORRI_VIF)
        measure->vif = orri_vif_new(context->width, context->height);
    orr_status status =
        metrics ? open_decoder(context, &measure->decoder, err) : ORR_OK;
    if (status == ORR_OK)
        *out = measure;
    else
        orri_measure_free(measure);
    return status;
}

void orri_measure_given(struct orri_measure *measure, uint32_t number,
                        const AVFrame *frame)
{
    if (measure->metrics)
        measure->given[number] = orri_need(av_frame_clone(frame));
}

static void compare(struct orri_measure *measure, uint32_t number,
                    const AVFrame *decoded)
{
    struct orri_frame_scores *scores = &measure->scores[number];
    double mse = 0;
    double ssim = 0;
    for (int i = 0; i < measure->planes; i++) {
        struct orri_plane given;
        struct orri_plane made;
        plane_of(measure, measure->given[number], i, &given);
        plane_of(measure, decoded, i, &made);
        if (measure->metrics & ORRI_PSNR)
            scores->mse[i] = orri_plane_mse(&given, &made);
        if (measure->metrics & ORRI_SSIM)
            ssim += measure->samples[i] * orri_plane_ssim(&given, &made);
        if (i == 0 && measure->vif)
            scores->vif = orri_vif_score(measure->vif, &given, &made);
        mse += measure->samples[i] * scores->mse[i];
    }
    scores->mse_all = mse; /* NAN when not measured */
    if (measure->metrics & ORRI_SSIM)
        scores->ssim = ssim;
}

static orr_status take_frame(struct orri_measure *measure, const AVFrame *frame,
                             struct orr_error *err)
{
    int64_t number = frame->pts;
    if (number < 0 || number >= measure->n || !measure->given[number] ||
        frame->width != measure->given[number]->width ||
        frame->height != measure->given[number]->height)
        return orri_error(
            err, ORR_ERR_FAILED,
            "what the encoder made decodes to a frame %lld (%dx%d) that it "
            "was not given",
            (long long)number, frame->width, frame->height);
    compare(measure, (uint32_t)number, frame);
    av_frame_free(&measure->given[number]);
    measure->done++;
    return ORR_OK;
}

orr_status orri_measure_packet(struct orri_measure *measure, const AVPacket *packet,
                               struct orr_error *err)
{
    orr_status status = ORR_OK;
    if (!measure->metrics)
        return ORR_OK;
    int code = avcodec_send_packet(measure->decoder, packet);
    while (code >= 0 && status == ORR_OK) {
        code = avcodec_receive_frame(measure->decoder, measure->frame);
        if (code >= 0)
            status = take_frame(measure, measure->frame, err);
    }
    if (status == ORR_OK && code != AVERROR(EAGAIN) && code != AVERROR_EOF)
        status = orri_av_error(err, ORR_ERR_FAILED, code,
                               "what the encoder made cannot be decoded");
    if (status == ORR_OK && !packet && measure->done != measure->n)
        status = orri_error(err, ORR_ERR_FAILED,
                            "what the encoder made decodes to %u of %u frames",
                            measure->done, measure->n);
    return status;
}

const struct orri_frame_scores *orri_measure_scores(const struct orri_measure *measure,
                                                    uint32_t number)
{
    return &measure->scores[number];
}

static double peak_of(const struct orri_measure *measure)
{
    return (double)((1 << measure->depth) - 1);
}

double orri_measure_psnr(const struct orri_measure *measure, uint32_t number, int plane)
{
    const struct orri_frame_scores *scores = &measure->scores[number];
    return orri_psnr(plane < 0 ? scores->mse_all : scores->mse[plane],
                     peak_of(measure));
}

struct orri_means orri_measure_means(const struct orri_measure *measure)
{
    double all = 0;
    double luma = 0;
    double ssim = 0;
    double vif = 0;
    double n = measure->n;
    for (uint32_t i = 0; i < measure->n; i++) {
        all += measure->scores[i].mse_all;
        luma += measure->scores[i].mse[0];
        ssim += measure->scores[i].ssim;
        vif += measure->scores[i].vif;
    }
    double peak = peak_of(measure);
    return (struct orri_means) { orri_psnr(all / n, peak), orri_psnr(luma / n, peak),
                                 ssim / n, vif / n };
}

void orri_measure_free(struct orri_measure *measure)
{
    if (!measure)
        return;
    for (uint32_t i = 0; i < measure->n; i++)
        av_frame_free(&measure->given[i]);
    free(measure->given);
    free(measure->scores);
    avcodec_free_context(&measure->decoder);
    av_frame_free(&measure->frame);
    orri_vif_free(measure->vif);
    free(measure);
}
