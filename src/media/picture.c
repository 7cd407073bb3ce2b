/* picture.c - the picture that goes into the encoder: size, format, colours
 * Owns: the choice of size, the scaler.
 *
 * swscale with bicubic filtering, exact rounding and full chroma, and without
 * processor-specific shortcuts (SWS_BITEXACT): equal input gives equal pixels on every
 * node. Range and matrix are kept; RGB becomes BT.709 limited range. */
#include "media/picture.h"
#include "media/libav.h"

#include <math.h>

enum { SIDE_MAX = 16384 };

enum AVPixelFormat orri_plain_format(enum AVPixelFormat format)
{
    switch (format) {
    case AV_PIX_FMT_YUVJ420P: return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P: return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P: return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P: return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P: return AV_PIX_FMT_YUV411P;
    default: return format;
    }
}

static int to_multiple(double value, int step)
{
    return (int)fmax(step, step * floor(value / step + 0.5));
}

orr_status orri_shape_choose(int width, int height, AVRational aspect,
                             int64_t want_width, int64_t want_height,
                             enum AVPixelFormat format, struct orri_shape *out,
                             struct orr_error *err)
{
    int log_x = 0;
    int log_y = 0;
    if (want_width < 0 || want_height < 0 || want_width > SIDE_MAX ||
        want_height > SIDE_MAX)
        return orri_error(err, ORR_ERR_INPUT,
                          "a picture of %lld x %lld is not possible: sides are 2 to %d",
                          (long long)want_width, (long long)want_height, SIDE_MAX);
    (void)av_pix_fmt_get_chroma_sub_sample(format, &log_x, &log_y);
    double w = (double)want_width;
    double h = (double)want_height;
    out->format = format;
    out->aspect = aspect.num > 0 && aspect.den > 0 ? aspect : (AVRational) { 0, 1 };
    if (want_width == 0 && want_height == 0) {
        out->width = width >> log_x << log_x;
        out->height = height >> log_y << log_y;
        return ORR_OK;
    }
    if (want_width == 0)
        w = h * width / height;
    if (want_height == 0)
        h = w * height / width;
    out->width = to_multiple(w, 1 << log_x);
    out->height = to_multiple(h, 1 << log_y);
    if (want_width && want_height) {
        /* told to change the proportions: samples change theirs, the display does not
         */
        AVRational now = out->aspect.num ? out->aspect : (AVRational) { 1, 1 };
        (void)av_reduce(&out->aspect.num, &out->aspect.den,
                        (int64_t)now.num * width * out->height,
                        (int64_t)now.den * height * out->width, 65535);
    }
    return ORR_OK;
}

/* Are the source's pixels, less an odd edge, what the encoder wants? */
static bool fits(const struct orri_scaler *scaler, const AVFrame *frame)
{
    int log_x = 0;
    int log_y = 0;
    const struct orri_shape *to = &scaler->to;
    if (orri_plain_format(frame->format) != to->format)
        return false;
    if (frame->width == to->width && frame->height == to->height)
        return true;
    (void)av_pix_fmt_get_chroma_sub_sample(to->format, &log_x, &log_y);
    return !scaler->rescales && frame->width >> log_x << log_x == to->width &&
           frame->height >> log_y << log_y == to->height;
}

static void set_colours(struct SwsContext *sws, const AVFrame *frame, AVFrame *to)
{
    const AVPixFmtDescriptor *from = av_pix_fmt_desc_get(frame->format);
    bool rgb = from->flags & AV_PIX_FMT_FLAG_RGB;
    int matrix = rgb ? AVCOL_SPC_BT709 : (int)frame->colorspace;
    int range = frame->color_range == AVCOL_RANGE_JPEG;
    const int *coefficients = sws_getCoefficients(matrix);
    (void)sws_setColorspaceDetails(sws, coefficients, rgb ? 1 : range, coefficients,
                                   rgb ? 0 : range, 0, 1 << 16, 1 << 16);
    if (rgb) {
        to->colorspace = AVCOL_SPC_BT709;
        to->color_range = AVCOL_RANGE_MPEG;
    }
}

static orr_status resample(struct orri_scaler *scaler, const AVFrame *frame,
                           AVFrame *to, struct orr_error *err)
{
    const struct orri_shape *shape = &scaler->to;
    int flags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT |
                SWS_FULL_CHR_H_INP | SWS_BITEXACT;
    scaler->sws = sws_getCachedContext(
        scaler->sws, frame->width, frame->height, orri_plain_format(frame->format),
        shape->width, shape->height, shape->format, flags, NULL, NULL, NULL);
    if (!scaler->sws)
        return orri_error(
            err, ORR_ERR_INPUT,
            "cannot scale from %dx%d %s to %dx%d %s: choose another pixel "
            "format",
            frame->width, frame->height, av_get_pix_fmt_name(frame->format),
            shape->width, shape->height, av_get_pix_fmt_name(shape->format));
    to->width = shape->width;
    to->height = shape->height;
    to->format = shape->format;
    orri_must(av_frame_get_buffer(to, 0), "picture");
    orri_must(av_frame_copy_props(to, frame), "picture");
    set_colours(scaler->sws, frame, to);
    (void)sws_scale(scaler->sws, (const uint8_t *const *)frame->data, frame->linesize,
                    0, frame->height, to->data, to->linesize);
    return ORR_OK;
}

orr_status orri_scale(struct orri_scaler *scaler, const AVFrame *frame, AVFrame **out,
                      struct orr_error *err)
{
    AVFrame *to = orri_need(av_frame_alloc());
    orr_status status = ORR_OK;
    if (fits(scaler, frame)) {
        orri_must(av_frame_ref(to, frame), "picture");
        to->width = scaler->to.width;
        to->height = scaler->to.height;
        if (frame->format != (int)scaler->to.format)
            to->color_range = AVCOL_RANGE_JPEG;
        to->format = scaler->to.format;
    } else {
        status = resample(scaler, frame, to, err);
    }
    to->sample_aspect_ratio = scaler->to.aspect;
    to->pict_type = AV_PICTURE_TYPE_NONE; /* the source's must not steer the encoder */
    to->key_frame = 0;
    if (status == ORR_OK)
        *out = to;
    else
        av_frame_free(&to);
    return status;
}

void orri_scaler_release(struct orri_scaler *scaler)
{
    sws_freeContext(scaler->sws);
    scaler->sws = NULL;
}
