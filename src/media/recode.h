/* recode.h - one sound track, decoded and encoded as AAC */
#ifndef ORR_MEDIA_RECODE_H
#define ORR_MEDIA_RECODE_H

#include "media/av.h"

struct orri_recode;

/* Set `stream` of `to` up for the encoder's packets. */
orr_status orri_recode_open(const char *path, const AVStream *from,
                            const AVFormatContext *to, AVStream *stream,
                            struct orri_recode **out, struct orr_error *err);
/* Take a packet (NULL: that was the last), hand what comes out to `take`. Times are the
 * source's. */
orr_status orri_recode_packet(struct orri_recode *recode, const AVPacket *packet,
                              orr_status (*take)(void *context, AVPacket *packet,
                                                 AVRational time_base,
                                                 struct orr_error *err),
                              void *context, struct orr_error *err);
void orri_recode_free(struct orri_recode *recode);

#endif
