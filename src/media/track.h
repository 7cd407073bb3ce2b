/* track.h - chunks in order as one video track */
#ifndef ORR_MEDIA_TRACK_H
#define ORR_MEDIA_TRACK_H

#include "media/chunk.h"
#include "media/timeline.h"

/* What all chunks together are. Zeroed struct is empty. */
struct orri_track {
    struct orr_call *call;
    const struct orr_value *chunks; /* list<blob> */
    uint32_t n_chunks;
    struct orri_chunk_info info; /* of the first chunk; texts in arena */
    AVCodecParameters *parameters;
    int64_t *pts; /* of every packet, coding order */
    uint64_t n, cap;
    int64_t end;
    uint32_t last; /* number of the frame after the last */
    bool headers_differ;
    AVRational time_base; /* of pts, end and timeline */
    struct orri_timeline timeline;
    struct orr_arena arena;
};

/* Read all chunks and check that they follow each other without a gap. With `inband`,
 * their decoder headers may differ. A failure that the call has recorded already (a
 * blob that cannot be read) leaves err->text empty. */
orr_status orri_track_scan(struct orri_track *track, struct orr_call *call,
                           const struct orr_value *chunks, bool inband,
                           struct orr_error *err);
/* Move all times to the time base of a container, less `base` (in the track's). Where
 * it is coarser, frames that would fall on one tick get one tick each. Once, after
 * scan. */
void orri_track_retime(struct orri_track *track, int64_t base, AVRational time_base);
/* Hand every packet to `take`, in coding order. Call after orri_track_retime(). */
orr_status orri_track_each(const struct orri_track *track,
                           orr_status (*take)(void *context, AVPacket *packet,
                                              struct orr_error *err),
                           void *context, struct orr_error *err);
void orri_track_release(struct orri_track *track);

#endif
