/* timing.h - timestamps of frames, and the rate that they follow */
#ifndef ORR_MEDIA_TIMING_H
#define ORR_MEDIA_TIMING_H

#include "media/index.h"

/* Timestamps as they come from the decoder. Zeroed struct is empty. */
struct orri_times {
    uint32_t n;
    size_t cap;
    int64_t *pts;   /* the frame's own, or AV_NOPTS_VALUE */
    int64_t *guess; /* libav's best effort */
    size_t cap_guess;
    uint32_t missing;
    bool strict;       /* every frame has one, and they rise */
    bool guess_strict; /* the guesses rise, all of them */
    int64_t last_duration;
};

/* The next frame in display order: its own time and libav's guess (or AV_NOPTS_VALUE),
 * and its duration (0: not known). */
void orri_times_add(struct orri_times *times, int64_t pts, int64_t guess,
                    int64_t duration);
/* Fill pts (n_frames + 1 values, the last is the end), time_base, rate, vfr, invented.
 */
void orri_times_finish(struct orri_times *times, const AVStream *stream,
                       struct orri_index *index);
void orri_times_release(struct orri_times *times);

#endif
