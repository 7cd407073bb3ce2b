/* timing.c - timestamps of frames, and the rate that they follow
 * Owns: what to believe when a file has no, or double, timestamps.
 *
 * A file that has timestamps keeps them exactly. One where more than one frame in
 * twenty has none (AVI) gets the frame number at its declared rate. Where timestamps do
 * not rise, libav's guess from the decode times is taken if that does, else one tick
 * past the one before. */
#include "media/timing.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void orri_times_add(struct orri_times *times, int64_t pts, int64_t guess,
                    int64_t duration)
{
    uint32_t n = times->n;
    bool has = pts != AV_NOPTS_VALUE;
    times->pts = orr_grow(times->pts, n, &times->cap, sizeof *times->pts);
    times->guess = orr_grow(times->guess, n, &times->cap_guess, sizeof *times->guess);
    times->pts[n] = pts;
    times->guess[n] = guess;
    if (!has)
        times->missing++;
    bool rises = has && (n == 0 || times->pts[n - 1] < pts);
    times->strict = (n == 0 || times->strict) && rises;
    rises = guess != AV_NOPTS_VALUE && (n == 0 || times->guess[n - 1] < guess);
    times->guess_strict = (n == 0 || times->guess_strict) && rises;
    times->last_duration = duration;
    times->n++;
}

void orri_times_release(struct orri_times *times)
{
    free(times->pts);
    free(times->guess);
    *times = (struct orri_times) { 0 };
}

static AVRational declared_rate(const AVStream *stream)
{
    AVRational rate = stream->avg_frame_rate;
    if (rate.num <= 0 || rate.den <= 0)
        rate = stream->r_frame_rate;
    if (rate.num <= 0 || rate.den <= 0)
        rate = (AVRational) { 25, 1 };
    return rate;
}

static void invent(struct orri_index *index, const AVStream *stream)
{
    index->rate = declared_rate(stream);
    index->time_base = av_inv_q(index->rate);
    index->invented = true;
    for (uint32_t i = 0; i <= index->n_frames; i++)
        index->pts[i] = i;
}

/* Do all frames lie within one tick of where this rate puts them? */
static bool follows(const struct orri_index *index, AVRational rate)
{
    AVRational frame = av_inv_q(rate);
    if (rate.num <= 0 || rate.den <= 0)
        return false;
    for (uint32_t i = 1; i < index->n_frames; i++) {
        int64_t ideal = av_rescale_q(i, frame, index->time_base);
        int64_t off = index->pts[i] - index->pts[0] - ideal;
        if (off < -1 || off > 1)
            return false;
    }
    /* a rate whose frames are shorter than a tick would fit anything */
    return av_cmp_q(frame, index->time_base) >= 0;
}

static AVRational measured_rate(const struct orri_index *index)
{
    int64_t span = index->pts[index->n_frames - 1] - index->pts[0];
    int num;
    int den;
    (void)av_reduce(&num, &den, (int64_t)(index->n_frames - 1) * index->time_base.den,
                    span * index->time_base.num, 1000000);
    return num > 0 && den > 0 ? (AVRational) { num, den } : (AVRational) { 25, 1 };
}

static void find_rate(struct orri_index *index, const AVStream *stream)
{
    static const AVRational usual[] = { { 24, 1 },       { 25, 1 },
                                        { 30, 1 },       { 50, 1 },
                                        { 60, 1 },       { 24000, 1001 },
                                        { 30000, 1001 }, { 60000, 1001 } };
    AVRational declared[] = { stream->avg_frame_rate, stream->r_frame_rate };
    index->rate = declared_rate(stream);
    if (index->n_frames < 2)
        return;
    for (size_t i = 0; i < sizeof declared / sizeof *declared; i++)
        if (follows(index, index->rate = declared[i]))
            return;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (follows(index, index->rate = usual[i]))
            return;
    index->rate = measured_rate(index);
    index->vfr = !follows(index, index->rate);
}

static void take(struct orri_times *times, struct orri_index *index)
{
    for (uint32_t i = 0; i < times->n; i++) {
        int64_t least = i > 0 ? index->pts[i - 1] + 1 : INT64_MIN + 1;
        int64_t at =
            times->strict || !times->guess_strict ? times->pts[i] : times->guess[i];
        if (at == AV_NOPTS_VALUE || at < least)
            at = times->guess[i];
        if (at == AV_NOPTS_VALUE || at < least)
            at = i == 0                       ? 0
                 : i > 1 && i + 1 == times->n ? 2 * least - 2 - index->pts[i - 2]
                                              : least;
        index->pts[i] = at;
    }
}

/* The last frame lasts as long as it says, if that is plausible, else one frame. */
static void set_end(const struct orri_times *times, struct orri_index *index)
{
    uint32_t n = index->n_frames;
    int64_t one = av_rescale_q(1, av_inv_q(index->rate), index->time_base);
    if (index->vfr && times->last_duration > 0 && times->last_duration < 10 * one)
        one = times->last_duration;
    index->pts[n] = index->pts[n - 1] + (one > 0 ? one : 1);
    if (!index->vfr) {
        int64_t all = av_rescale_q(n, av_inv_q(index->rate), index->time_base);
        if (index->pts[0] + all > index->pts[n - 1])
            index->pts[n] = index->pts[0] + all;
    }
}

void orri_times_finish(struct orri_times *times, const AVStream *stream,
                       struct orri_index *index)
{
    index->pts = orr_alloc((size_t)index->n_frames + 1, sizeof *index->pts);
    if (times->missing > times->n / 20) {
        invent(index, stream);
        return;
    }
    index->time_base = stream->time_base;
    take(times, index);
    find_rate(index, stream);
    set_end(times, index);
}
