/* encoder.h - one rendition of one chunk: frames in, a chunk and its statistics out */
#ifndef ORR_MEDIA_ENCODER_H
#define ORR_MEDIA_ENCODER_H

#include "media/chunk.h"
#include "media/codecs.h"
#include "media/index.h"
#include "media/measure.h"

/* What all renditions of a call share. */
struct orri_encode_job {
    const struct orri_index *index;
    const AVStream *stream;
    uint32_t first, frames;
    unsigned metrics;
    const char *pixel_format; /* or NULL */
};

/* What one rendition asks for. */
struct orri_rendition {
    const char *name;      /* for messages, or NULL */
    int64_t width, height; /* 0: from the source */
    struct orri_coding coding;
};

/* What came of one frame. */
struct orri_frame_stats {
    uint32_t bytes;
    int type;  /* 1 I, 2 P, 3 B, 0 unknown */
    double qp; /* NAN: unknown */
};

struct orri_encoder;

orr_status orri_encoder_new(const struct orri_encode_job *job,
                            const struct orri_rendition *rendition,
                            struct orri_encoder **out, struct orr_error *err);
/* The next frame of the chunk; the first opens the encoder. */
orr_status orri_encoder_frame(struct orri_encoder *encoder, const AVFrame *frame,
                              struct orr_error *err);
/* After the last frame: what the encoder still holds, and the chunk. */
orr_status orri_encoder_finish(struct orri_encoder *encoder, struct orr_error *err);
/* After finish; all belong to the encoder. */
const uint8_t *orri_encoder_chunk(const struct orri_encoder *encoder, size_t *length);
const struct orri_measure *orri_encoder_measure(const struct orri_encoder *encoder);
const struct orri_frame_stats *orri_encoder_stats(const struct orri_encoder *encoder);
const struct orri_chunk_info *orri_encoder_info(const struct orri_encoder *encoder);
uint64_t orri_encoder_payload(
    const struct orri_encoder *encoder); /* bytes of packets */
int orri_encoder_width(const struct orri_encoder *encoder);
int orri_encoder_height(const struct orri_encoder *encoder);
bool orri_encoder_reshaped(const struct orri_encoder *encoder);
void orri_encoder_free(struct orri_encoder *encoder);

#endif
