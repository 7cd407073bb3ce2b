/* timeline.h - decode times made from presentation times */
#ifndef ORR_MEDIA_TIMELINE_H
#define ORR_MEDIA_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

/* Presentation times of packets in coding order, all of a track or of a chunk. */
struct orri_timeline {
    uint64_t n;
    int64_t *pts;    /* coding order; the caller's */
    int64_t *sorted; /* display order */
    uint64_t delay;  /* packets by which decoding runs ahead of display */
    int64_t step;    /* one frame: for decode times before the first frame */
    bool unique;     /* no two packets share a time */
};

/* `pts` is borrowed and must outlive the timeline. */
void orri_timeline_init(struct orri_timeline *timeline, int64_t *pts, uint64_t n,
                        int64_t step);
/* The decode time of packet i: display times in order, `delay` packets late, so that
 * they rise strictly and never pass the display time. */
int64_t orri_timeline_dts(const struct orri_timeline *timeline, uint64_t i);
/* From this packet's display time to the next in display order, or to `end`. */
int64_t orri_timeline_duration(const struct orri_timeline *timeline, uint64_t i,
                               int64_t end);
void orri_timeline_release(struct orri_timeline *timeline);

#endif
