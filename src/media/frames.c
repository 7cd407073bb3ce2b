/* frames.c - frames of a video by number, whatever its keyframes and timestamps
 * Owns: an open decoder and which frame it will give next.
 *
 * A seek is believed only when the keyframe that was asked for comes out, and after it
 * every frame in order as the index has them. Otherwise an earlier keyframe is tried,
 * in growing steps, and at last the start of the file, where every frame is reached. */
#include "media/frames.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct orri_frames {
    struct orri_source *source;
    struct orri_identity identity;
    const struct orri_index *index; /* of this call */
    unsigned threads;
    uint32_t next;  /* the frame that comes next */
    bool have_next; /* source->frame is it already */
    bool known;     /* `next` is true: not after a failure or a failed seek */
    bool whole;     /* decoding started at the start of the file */
    uint64_t decoded;
};

static orr_status open_again(struct orri_frames *frames, struct orr_error *err)
{
    orri_source_close(frames->source);
    frames->source = NULL;
    frames->next = 0;
    frames->known = frames->whole = true;
    frames->have_next = false;
    return orri_source_open(frames->index->path, frames->threads, ORRI_PIXELS,
                            &frames->source, err);
}

/* Decode one frame; its number, or -1 when the index does not know it, -2 at the end.
 * Where frames have no mark, the count says which it is. */
static int64_t decode(struct orri_frames *frames)
{
    const struct orri_index *index = frames->index;
    if (orri_source_next(frames->source) != ORR_OK)
        return -2;
    frames->decoded++;
    if (index->key_kind == ORRI_KEY_COUNT)
        return frames->next < index->n_frames ? (int64_t)frames->next : -1;
    return orri_index_find(index,
                           orri_frame_key(index->key_kind, frames->source->frame));
}

/* Decode until frame `wanted` is at hand; every frame on the way must be in order. */
static bool advance(struct orri_frames *frames, uint32_t wanted)
{
    while (frames->next < wanted || !frames->have_next) {
        if (frames->have_next)
            frames->next++;
        frames->have_next = false;
        if (decode(frames) != (int64_t)frames->next)
            return false;
        frames->have_next = true;
    }
    return true;
}

/* Go to the keyframe with this number, and from there to `wanted`. */
static bool try_seek(struct orri_frames *frames, uint32_t keyframe, uint32_t wanted)
{
    int64_t at = -1;
    frames->whole = false;
    frames->have_next = false;
    frames->next = keyframe;
    if (!orri_source_seek(frames->source, frames->index->pts[keyframe]))
        return false;
    do
        at = decode(frames);
    while (at == -1 || (at >= 0 && at < keyframe));
    if (at != keyframe)
        return false;
    frames->source->damage.count = 0; /* before it, pictures lack what they refer to */
    frames->have_next = true;
    return advance(frames, wanted);
}

static bool can_seek(const struct orri_index *index)
{
    return index->key_kind != ORRI_KEY_COUNT && !index->invented;
}

static bool seek(struct orri_frames *frames, uint32_t wanted)
{
    const struct orri_index *index = frames->index;
    uint32_t at = orri_index_safe_before(index, wanted);
    if (!can_seek(index))
        return false;
    for (uint32_t step = 1; at > 0; step *= 2) {
        if (try_seek(frames, index->safe[at], wanted))
            return true;
        at = step < at ? at - step : 0;
    }
    return false;
}

static orr_status from_start(struct orri_frames *frames, uint32_t wanted,
                             struct orr_error *err)
{
    orr_status status = open_again(frames, err);
    if (status == ORR_OK && !advance(frames, wanted))
        status =
            orri_error(err, ORR_ERR_INPUT,
                       "%s: frame %u cannot be decoded again although its index has "
                       "it: was the file changed while the run was on?",
                       frames->index->path, wanted);
    return status;
}

/* Is decoding on from here the shortest way to `wanted`? */
static bool is_ahead(const struct orri_frames *frames, uint32_t wanted)
{
    const struct orri_index *index = frames->index;
    if (!frames->source || !frames->known || frames->next > wanted)
        return false;
    return index->safe[orri_index_safe_before(index, wanted)] <= frames->next ||
           !can_seek(index);
}

static orr_status go_to(struct orri_frames *frames, uint32_t wanted,
                        struct orr_error *err)
{
    if (is_ahead(frames, wanted) && advance(frames, wanted))
        return ORR_OK;
    if (frames->source && seek(frames, wanted)) {
        frames->known = true;
        return ORR_OK;
    }
    return from_start(frames, wanted, err);
}

/* Can the reader that the session kept be used for this call? */
static bool is_same(const struct orri_frames *frames, const struct orri_index *index,
                    unsigned threads)
{
    return frames->threads == threads &&
           strcmp(frames->source->path, index->path) == 0 &&
           frames->identity.size == index->identity.size &&
           frames->identity.mtime == index->identity.mtime;
}

orr_status orri_frames_take(const struct orri_index *index, unsigned threads,
                            uint32_t first, struct orri_frames **out,
                            struct orr_error *err)
{
    struct orri_session *session = orri_session();
    struct orri_frames *frames = session->frames;
    orr_status status = ORR_OK;
    session->frames = NULL;
    if (frames && !is_same(frames, index, threads)) {
        orri_frames_free(frames);
        frames = NULL;
    }
    if (!frames) {
        frames = orr_alloc(1, sizeof *frames);
        frames->identity = index->identity;
        frames->threads = threads;
    }
    frames->index = index;
    frames->decoded = 0;
    if (!frames->source)
        status = open_again(frames, err);
    if (status == ORR_OK)
        status = go_to(frames, first, err);
    if (status == ORR_OK)
        *out = frames;
    else
        orri_frames_free(frames);
    return status;
}

orr_status orri_frames_next(struct orri_frames *frames, AVFrame **out,
                            struct orr_error *err)
{
    uint32_t wanted = frames->next;
    if (!frames->have_next && !advance(frames, wanted)) {
        /* the keyframe was good, a later frame is not: only the start is safe */
        orr_status status = from_start(frames, wanted, err);
        if (status != ORR_OK)
            return status;
    }
    frames->have_next = false;
    frames->next = wanted + 1;
    *out = frames->source->frame;
    return ORR_OK;
}

uint64_t orri_frames_decoded(const struct orri_frames *frames)
{
    return frames->decoded;
}

bool orri_frames_damaged(const struct orri_frames *frames)
{
    return frames->source->damage.count > 0;
}

const AVStream *orri_frames_stream(const struct orri_frames *frames)
{
    return frames->source->stream;
}

void orri_frames_return(struct orri_frames *frames)
{
    struct orri_session *session = orri_session();
    frames->index = NULL;
    orri_frames_free(session->frames);
    session->frames = frames;
}

void orri_frames_free(struct orri_frames *frames)
{
    if (frames)
        orri_source_close(frames->source);
    free(frames);
}
