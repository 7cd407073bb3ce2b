/* chunk.h - an encoded chunk: a NUT file in memory that says where it comes from
 *
 * NUT keeps timestamps exactly (in the source's time base, or a whole fraction of it),
 * plays in every libav-based player, and takes metadata. What a chunk says about itself
 * is in its metadata under "orrery_..." (chunk.c has the list). */
#ifndef ORR_MEDIA_CHUNK_H
#define ORR_MEDIA_CHUNK_H

#include "base/hash.h"
#include "base/memory.h"
#include "media/av.h"
#include "media/hdr.h"

#include <stdbool.h>

/* Texts live in the arena of whoever filled it. */
struct orri_chunk_info {
    const char *source; /* path */
    const char *codec;  /* "x264" */
    uint32_t first;     /* number of its first frame in the source */
    uint32_t frames;
    uint32_t total;       /* frames of the whole source */
    AVRational time_base; /* of the source, exactly */
    AVRational rate;      /* average rate of the source */
    bool vfr;
    int64_t origin;    /* time of the source's first frame */
    int64_t start;     /* time of the chunk's first frame */
    int64_t end;       /* time of the frame after its last */
    int64_t shift;     /* NUT has no negative times: added to all before writing */
    int rotation;      /* degrees clockwise, kept for the container */
    AVRational aspect; /* of a sample */
    int range, space, transfer, primaries, location; /* libavutil's colour numbers */
    struct orri_hdr hdr;
    struct orr_id header; /* hash of what decoders need before the first frame */
};

/* A chunk that was opened for reading. */
struct orri_chunk {
    struct orri_chunk_info info;
    AVFormatContext *format;
    AVStream *stream;
    const unsigned char *bytes;
    size_t length, at;
    struct orr_arena arena;
};

/* Packets of one chunk, in coding order, before it is written. */
struct orri_packets {
    AVPacket **items;
    size_t n, cap;
};

/* Write all packets as a NUT file. Their pts are source times; dts are made here.
 * *out is the file, to be freed with av_free(). */
orr_status orri_chunk_write(const struct orri_chunk_info *info,
                            const AVCodecParameters *parameters,
                            const struct orri_packets *packets, uint8_t **out,
                            size_t *length, struct orr_error *err);
/* Open a chunk that lies in memory, which must stay there. `number` (from 0) and the
 * word "chunk" go into messages. */
orr_status orri_chunk_open(const void *bytes, size_t length, uint32_t number,
                           struct orri_chunk *out, struct orr_error *err);
/* Next packet, pts in source times. ORR_END after the last. */
orr_status orri_chunk_next(struct orri_chunk *chunk, AVPacket *packet,
                           struct orr_error *err);
void orri_chunk_close(struct orri_chunk *chunk);

void orri_packets_release(struct orri_packets *packets);

/* nal.c: Annex B streams of H.264 */
/* Remove x264's note about itself (700 bytes) from a packet. */
void orri_drop_encoder_note(AVPacket *packet);

#endif
