/* codecs.h - the encoders, and how each is made to give chunks that fit together */
#ifndef ORR_MEDIA_CODECS_H
#define ORR_MEDIA_CODECS_H

#include "media/av.h"

struct orri_codec {
    const char *name;           /* "x264" */
    const char *library;        /* libavcodec's name of the encoder */
    const char *fixed;          /* parameters that make chunks fit together */
    const char *params;         /* name of the AVOption that takes "key=value:..." */
    const char *const *presets; /* NULL: a number from 0 to preset_max */
    int preset_max;
    const char *preset; /* default */
    double crf;         /* default */
    double crf_max;
    const char *const *reserved; /* parameters that Orrery sets itself */
    const char *help;            /* where all parameters are listed */
};

/* What one encoder is asked to do. */
struct orri_coding {
    const struct orri_codec *codec;
    const char *preset;  /* NULL: the codec's */
    const char *options; /* "key=value:key=value" or NULL */
    double crf;          /* NAN: not given */
    int64_t qp;          /* -1: not given */
    int64_t bitrate;     /* bit/s; 0: not given */
    int64_t keyint;      /* 0: the encoder's */
    unsigned threads;
    const char *hdr; /* parameters for HDR metadata, ":key=value..."; or NULL */
};

/* The codec of this name; ORR_ERR_INPUT with all names when there is none. */
orr_status orri_codec_find(const char *name, const struct orri_codec **out,
                           struct orr_error *err);
/* Check what can be checked before anything is decoded. */
orr_status orri_coding_check(const struct orri_coding *coding, struct orr_error *err);
/* Open the encoder. Size, format, times and colours are set in *context already. */
orr_status orri_coding_open(const struct orri_coding *coding, AVCodecContext *context,
                            struct orr_error *err);
AVCodecContext *orri_coding_new(const struct orri_coding *coding,
                                struct orr_error *err);
/* The pixel format to encode a source of format `source`, or the one that `wanted`
 * names. AV_PIX_FMT_NONE with *err filled when the encoder does not take it. */
enum AVPixelFormat orri_coding_format(const struct orri_codec *codec,
                                      const char *wanted, enum AVPixelFormat source,
                                      struct orr_error *err);

#endif
