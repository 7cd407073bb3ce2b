/* media.h - the functions that know libav: probe, split, encode, mux
 *
 * Each is a `struct orr_function` (include/orrery/function.h) that runs in a warm
 * child. Between calls a child keeps the indexes and the decoder of the sources that
 * it saw; results do not depend on them. */
#ifndef ORR_MEDIA_MEDIA_H
#define ORR_MEDIA_MEDIA_H

#include "orrery/function.h"

extern const struct orr_function orr_media_probe;
extern const struct orr_function orr_media_split;
extern const struct orr_function orr_media_encode;
extern const struct orr_function orr_media_encode_ladder;
extern const struct orr_function orr_media_mux;

/* Load FFmpeg now, so that processes that are forked later share it: the first call of
 * one of these does it else. */
void orr_media_load(void);

#endif
