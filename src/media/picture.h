/* picture.h - the picture that goes into the encoder: size, format, colours */
#ifndef ORR_MEDIA_PICTURE_H
#define ORR_MEDIA_PICTURE_H

#include "media/av.h"

#include <stdbool.h>

struct SwsContext;

/* What the encoder gets. */
struct orri_shape {
    int width, height;
    enum AVPixelFormat format;
    AVRational aspect; /* of a sample */
};

struct orri_scaler {
    struct orri_shape to;
    struct SwsContext *sws;
    bool rescales; /* the size was asked for */
    bool warned;   /* a frame had another shape than the first */
};

/* The size for a source of `width` x `height`: as told, the missing one from the
 * aspect, both rounded to what the format's chroma needs. An odd source that is not
 * scaled loses its last column or row. */
orr_status orri_shape_choose(int width, int height, AVRational aspect,
                             int64_t want_width, int64_t want_height,
                             enum AVPixelFormat format, struct orri_shape *out,
                             struct orr_error *err);
/* A new frame of the scaler's shape; the source's own pixels when nothing changes. */
orr_status orri_scale(struct orri_scaler *scaler, const AVFrame *frame, AVFrame **out,
                      struct orr_error *err);
void orri_scaler_release(struct orri_scaler *scaler);

/* yuvj420p and its like are the plain formats with full range. */
enum AVPixelFormat orri_plain_format(enum AVPixelFormat format);

#endif
