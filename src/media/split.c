/* split.c - media.split: where chunks begin
 * Owns: the plan of chunks. Pure: index in, boundaries out.
 *
 * A chunk should begin where decoding can start, else every chunk costs decoding what
 * is before it. A keyframe within half a chunk of the ideal place is taken; in a source
 * whose keyframes lie far apart, the ideal place itself. With `scenes`, shot changes
 * are boundaries wherever they are: a shot that shares no chunk with another compresses
 * and scores as one. */
#include "media/media.h"

#include "base/memory.h"
#include "media/index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct plan {
    const struct orri_index *index;
    double every; /* s */
    bool keyframes;
    uint32_t *first; /* of each chunk */
    size_t n, cap;
};

#define SCENE_SCORE 10.0F /* libavfilter scdet's default */
#define SCENE_LEAST 1.0   /* s: shorter shots join the one before */

static void add_boundary(struct plan *plan, uint32_t frame)
{
    plan->first = orr_grow(plan->first, plan->n, &plan->cap, sizeof *plan->first);
    plan->first[plan->n++] = frame;
}

/* The frame whose time is nearest to `seconds`, after `above` and at most `limit`. */
static uint32_t frame_near(const struct orri_index *index, double seconds,
                           uint32_t above, uint32_t limit)
{
    uint32_t low = above + 1;
    uint32_t high = limit;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (orri_index_seconds(index, middle) < seconds)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > above + 1 && seconds - orri_index_seconds(index, low - 1) <
                               orri_index_seconds(index, low) - seconds)
        low--;
    return low;
}

/* The keyframe nearest to `seconds` in (above, limit), at most `reach` away; or 0. */
static uint32_t keyframe_near(const struct orri_index *index, double seconds,
                              double reach, uint32_t above, uint32_t limit)
{
    uint32_t best = 0;
    double distance = reach;
    uint32_t from = orri_index_safe_before(index, above);
    for (uint32_t i = from; i < index->n_safe && index->safe[i] < limit; i++) {
        double off = fabs(orri_index_seconds(index, index->safe[i]) - seconds);
        if (index->safe[i] > above && off <= distance) {
            best = index->safe[i];
            distance = off;
        }
        if (orri_index_seconds(index, index->safe[i]) > seconds + reach)
            break;
    }
    return best;
}

/* Cut frames from `begin` to `end`; a chunk begins at `begin` already. What is left at
 * the end stays with the last chunk when it is shorter than half a chunk. */
static void cut_range(struct plan *plan, uint32_t begin, uint32_t end)
{
    const struct orri_index *index = plan->index;
    double until = orri_index_seconds(index, end);
    uint32_t at = begin;
    for (;;) {
        double ideal = orri_index_seconds(index, at) + plan->every;
        uint32_t next = 0;
        if (plan->keyframes)
            next = keyframe_near(index, ideal, plan->every / 2, at, end);
        if (next == 0)
            next = frame_near(index, ideal, at, end);
        if (next >= end || until - orri_index_seconds(index, next) < plan->every / 2)
            return;
        add_boundary(plan, next);
        at = next;
    }
}

/* Shots of at least SCENE_LEAST seconds; a chunk begins at each. */
static void cut_scenes(struct plan *plan)
{
    const struct orri_index *index = plan->index;
    double end = orri_index_seconds(index, index->n_frames);
    double least = fmin(SCENE_LEAST, plan->every);
    uint32_t begin = 0;
    for (uint32_t i = 1; i < index->n_frames; i++) {
        double at = orri_index_seconds(index, i);
        if (index->score[i] < SCENE_SCORE ||
            at - orri_index_seconds(index, begin) < least || end - at < least)
            continue;
        cut_range(plan, begin, i);
        add_boundary(plan, i);
        begin = i;
    }
    cut_range(plan, begin, index->n_frames);
}

static orr_status check_every(const struct orri_index *index, double every,
                              const char *align, struct orr_error *err)
{
    if (!(every > 0))
        return orri_error(err, ORR_ERR_INPUT, "every must be longer than 0 s");
    if (every < 1.0 / av_q2d(index->rate))
        return orri_error(err, ORR_ERR_INPUT,
                          "every (%g s) is shorter than one frame of %s (%g s)", every,
                          index->path, 1.0 / av_q2d(index->rate));
    if (strcmp(align, "keyframe") != 0 && strcmp(align, "exact") != 0)
        return orri_error(err, ORR_ERR_INPUT,
                          "align is \"keyframe\" or \"exact\", not \"%s\"", align);
    return ORR_OK;
}

static void set_chunks(struct orr_call *call, const struct plan *plan)
{
    const struct orri_index *index = plan->index;
    orr_list_begin(call, "chunks");
    for (size_t i = 0; i < plan->n; i++) {
        uint32_t end = i + 1 < plan->n ? plan->first[i + 1] : index->n_frames;
        orr_record_begin(call, NULL);
        orr_set_int(call, "index", (int64_t)i);
        orr_set_int(call, "first", plan->first[i]);
        orr_set_int(call, "frames", end - plan->first[i]);
        orr_set_float(call, "start", orri_index_seconds(index, plan->first[i]));
        orr_set_float(call, "seconds",
                      orri_index_seconds(index, end) -
                          orri_index_seconds(index, plan->first[i]));
        orr_record_end(call);
    }
    orr_list_end(call);
    orr_set_int(call, "frames", index->n_frames);
}

static int run_split(struct orr_call *call)
{
    struct orr_error err = { 0 };
    struct plan plan = { .every = orr_arg_seconds(orr_arg(call, "every"), 0) };
    const char *align = orr_arg_string(orr_arg(call, "align"), "keyframe");
    bool scenes = orr_arg_bool(orr_arg(call, "scenes"), false);
    orr_status status = orri_index_asked(call, scenes, &plan.index, &err);
    if (status == ORR_OK)
        status = check_every(plan.index, plan.every, align, &err);
    if (status != ORR_OK)
        return orri_fail(call, &err);
    plan.keyframes = strcmp(align, "keyframe") == 0;
    add_boundary(&plan, 0);
    if (scenes)
        cut_scenes(&plan);
    else
        cut_range(&plan, 0, plan.index->n_frames);
    set_chunks(call, &plan);
    free(plan.first);
    return 0;
}

static const struct orr_param split_params[] = {
    { "source", "path", NULL, "video file" },
    { "every", "duration", NULL, "length of a chunk; the longest with scenes" },
    { "scenes", "bool", "false", "cut at shot changes" },
    { "align", "string", "\"keyframe\"",
      "keyframe: at the source's keyframes where they are near; exact: never mind" },
    { "damaged", "string", "\"fail\"",
      "fail, or keep: go on with what can be decoded" },
    { "verify", "bool", "false",
      "decode every frame now; else damage may be found by media.encode only" },
    { NULL, NULL, NULL, NULL },
};

static const struct orr_result_field split_results[] = {
    { "chunks",
      "list<{index: int, first: int, frames: int, start: float, seconds: float}>", NULL,
      "all frames once, in order" },
    { "frames", "int", NULL, "frames in all" },
    { NULL, NULL, NULL, NULL },
};

const struct orr_function orr_media_split = {
    .name = "media.split",
    .version = "1",
    .doc = "Cut a video into chunks: ranges of frames.",
    .params = split_params,
    .results = split_results,
    .run = run_split,
};
