/* hdr.h - static HDR metadata: mastering display and content light level */
#ifndef ORR_MEDIA_HDR_H
#define ORR_MEDIA_HDR_H

#include "base/memory.h"
#include "base/text.h"
#include "media/av.h"

#include <stdbool.h>

/* What a frame (or its stream) says, as texts that chunks carry; NULL where nothing. */
struct orri_hdr {
    const char *mastering; /* 10 fractions: r, g, b, white (x y each), least, most */
    const char *light;     /* greatest and mean level, cd/m2 */
};

struct orri_hdr orri_hdr_read(const AVFrame *frame, const AVStream *stream,
                              struct orr_arena *arena);
/* The same as parameters of an encoder library ("" when it has none), for its stream.
 */
const char *orri_hdr_params(const struct orri_hdr *hdr, const char *library,
                            struct orr_arena *arena);
/* The same as side data of a stream to be written. */
void orri_hdr_attach(const struct orri_hdr *hdr, AVStream *stream);

#endif
