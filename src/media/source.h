/* source.h - one video file, opened and decoded in order */
#ifndef ORR_MEDIA_SOURCE_H
#define ORR_MEDIA_SOURCE_H

#include "media/av.h"

#include <stdbool.h>

/* The first thing that was wrong in the data, and how often something was. */
struct orri_damage {
    uint32_t count;
    uint32_t frame; /* frames decoded before it */
    char text[200];
};

struct orri_source {
    char *path;
    AVFormatContext *format;
    AVStream *stream; /* the video stream */
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;     /* what orri_source_next() gave last */
    uint32_t n_frames;  /* given since it was opened */
    uint32_t n_packets; /* video packets read since it was opened */
    bool drained;
    struct orri_damage damage;
};

enum orri_effort {
    ORRI_PIXELS, /* decode faithfully */
    ORRI_LUMA,   /* no loop filter: good enough to compare neighbours */
    ORRI_COUNT   /* no pixels at all: frames are counted */
};

/* Open `path` and a decoder with `threads` threads. ORR_ERR_INPUT when it is no video.
 */
orr_status orri_source_open(const char *path, unsigned threads, enum orri_effort effort,
                            struct orri_source **out, struct orr_error *err);
/* The next frame in display order, in source->frame until the next call. ORR_END after
 * the last. Damage does not stop it: it is counted, and what can be decoded comes. */
orr_status orri_source_next(struct orri_source *source);
/* The next packet of the video instead, in source->packet until the next call; nothing
 * is decoded. ORR_END after the last, ORR_ERR_DATA where the file cannot be read on or
 * is cut off. */
orr_status orri_source_packet(struct orri_source *source);
/* Go to the keyframe at or before `ts` (stream time base). False: not possible. */
bool orri_source_seek(struct orri_source *source, int64_t ts);
void orri_source_close(struct orri_source *source);

/* Open the container alone: no decoder, any streams. */
orr_status orri_container_open(const char *path, AVFormatContext **out,
                               struct orr_error *err);
/* Degrees clockwise by which a player turns the picture: 0, 90, 180, 270. */
int orri_rotation(const AVStream *stream);

#endif
