/* index.c - the index of a video
 * Owns: the decode pass over all frames, looking up. The session keeps the newest few.
 * Hands on: packets alone (listing.c), the cache file (indexfile.c), rate and
 * timestamps (timing.c). */
#include "media/index.h"

#include "base/memory.h"
#include "media/timing.h"

#include <stdlib.h>
#include <string.h>

/* The pass, while it runs. */
struct pass {
    struct orri_source *source;
    struct orri_index *index;
    struct orri_scenes *scenes; /* NULL: no scores wanted */
    struct orri_times times;
    int64_t *place;
    size_t cap_place, cap_safe, cap_score;
};

int64_t orri_frame_key(enum orri_key_kind kind, const AVFrame *frame)
{
    return kind == ORRI_KEY_TIME ? frame->pts : frame->pkt_pos;
}

static bool is_safe(const struct pass *pass, const AVFrame *frame,
                    uint32_t damage_before)
{
    if (pass->index->n_frames == 0)
        return true;
    if (pass->source->damage.count != damage_before)
        return false;
    return frame->key_frame && (frame->pict_type == AV_PICTURE_TYPE_I ||
                                frame->pict_type == AV_PICTURE_TYPE_NONE);
}

void orri_index_shape(struct orri_index *index, const AVFrame *frame)
{
    if (index->n_frames == 0) {
        index->width = frame->width;
        index->height = frame->height;
        index->format = frame->format;
    }
    if (index->width != frame->width || index->height != frame->height ||
        index->format != frame->format)
        index->changes = true;
    if (frame->interlaced_frame)
        index->interlaced = true;
}

static void add_frame(struct pass *pass, uint32_t damage_before)
{
    struct orri_index *index = pass->index;
    const AVFrame *frame = pass->source->frame;
    uint32_t n = index->n_frames;
    orri_index_shape(index, frame);
    if (is_safe(pass, frame, damage_before)) {
        index->safe =
            orr_grow(index->safe, index->n_safe, &pass->cap_safe, sizeof *index->safe);
        index->safe[index->n_safe++] = n;
    }
    orri_times_add(&pass->times, frame->pts, frame->best_effort_timestamp,
                   frame->pkt_duration);
    pass->place = orr_grow(pass->place, n, &pass->cap_place, sizeof *pass->place);
    pass->place[n] = frame->pkt_pos;
    if (pass->scenes) {
        index->score =
            orr_grow(index->score, n, &pass->cap_score, sizeof *index->score);
        index->score[n] = orri_scenes_score(pass->scenes, frame);
    }
    index->n_frames++;
}

struct keyed {
    int64_t key;
    uint32_t frame;
};

static int compare_keyed(const void *a, const void *b)
{
    const struct keyed *left = a;
    const struct keyed *right = b;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->frame < right->frame ? -1 : left->frame > right->frame;
}

/* Frames in order of their key; *unique is false when two have one key. */
static uint32_t *order_by_key(const int64_t *key, uint32_t n, bool *unique)
{
    struct keyed *keyed = orr_alloc(n, sizeof *keyed);
    uint32_t *order = orr_alloc(n, sizeof *order);
    for (uint32_t i = 0; i < n; i++)
        keyed[i] = (struct keyed) { key[i], i };
    qsort(keyed, n, sizeof *keyed, compare_keyed);
    *unique = n > 0 && keyed[0].key >= 0;
    for (uint32_t i = 0; i < n; i++) {
        order[i] = keyed[i].frame;
        if (i > 0 && keyed[i].key == keyed[i - 1].key)
            *unique = false;
    }
    free(keyed);
    return order;
}

static void choose_key(struct pass *pass)
{
    struct orri_index *index = pass->index;
    bool unique = false;
    if (pass->times.strict) {
        index->key_kind = ORRI_KEY_TIME;
        index->key = orr_alloc(index->n_frames, sizeof *index->key);
        memcpy(index->key, pass->times.pts, index->n_frames * sizeof *index->key);
        free(pass->place);
    } else {
        free(order_by_key(pass->place, index->n_frames, &unique));
        index->key_kind = unique ? ORRI_KEY_PLACE : ORRI_KEY_COUNT;
        index->key = pass->place;
    }
    pass->place = NULL;
}

void orri_index_finish(struct orri_index *index)
{
    bool unique;
    index->end = &index->pts[index->n_frames];
    if (index->key_kind == ORRI_KEY_PLACE)
        index->by_key = order_by_key(index->key, index->n_frames, &unique);
}

static orr_status run_pass(struct pass *pass, struct orr_error *err)
{
    struct orri_source *source = pass->source;
    uint32_t before = 0;
    while (orri_source_next(source) == ORR_OK) {
        if (pass->index->n_frames == UINT32_MAX - 1)
            return orri_error(err, ORR_ERR_INPUT, "%s has more than %u frames",
                              source->path, UINT32_MAX - 1);
        add_frame(pass, before);
        before = source->damage.count;
    }
    if (pass->index->n_frames == 0)
        return orri_error(err, ORR_ERR_INPUT,
                          "%s: none of its %u video packets can be decoded%s%s",
                          source->path, source->n_packets,
                          orri_log_text()[0] ? "; libav says: " : "", orri_log_text());
    pass->index->n_packets = source->n_packets;
    pass->index->damage = source->damage;
    choose_key(pass);
    orri_times_finish(&pass->times, source->stream, pass->index);
    orri_index_finish(pass->index);
    return ORR_OK;
}

static orr_status build_once(const char *path, unsigned threads, bool scores,
                             struct orri_index **out, struct orr_error *err)
{
    struct pass pass = { 0 };
    enum orri_effort effort = scores ? ORRI_LUMA : ORRI_COUNT;
    orr_status status = orri_source_open(path, threads, effort, &pass.source, err);
    if (status != ORR_OK)
        return status;
    pass.index = orr_alloc(1, sizeof *pass.index);
    pass.index->path = orr_strdup(path);
    pass.index->depth = scores ? ORRI_SCORED : ORRI_DECODED;
    pass.scenes = scores ? orri_scenes_new() : NULL;
    status = run_pass(&pass, err);
    orri_source_close(pass.source);
    orri_scenes_free(pass.scenes);
    orri_times_release(&pass.times);
    free(pass.place);
    if (status == ORR_OK)
        *out = pass.index;
    else
        orri_index_free(pass.index);
    return status;
}

/* Decoder threads may give up on other frames of a damaged file than one thread does,
 * and chunks are decoded by one thread: a damaged file is indexed again as they see it.
 */
static orr_status decode_all(const char *path, unsigned threads, bool scores,
                             struct orri_index **out, struct orr_error *err)
{
    orr_status status = build_once(path, threads, scores, out, err);
    if (status == ORR_OK && (*out)->damage.count && threads > 1) {
        orri_index_free(*out);
        status = build_once(path, 1, scores, out, err);
    }
    return status;
}

static orr_status build(const char *path, unsigned threads, enum orri_depth depth,
                        struct orri_index **out, struct orr_error *err)
{
    *out = depth == ORRI_LISTED ? orri_listing(path) : NULL;
    return *out ? ORR_OK : decode_all(path, threads, depth == ORRI_SCORED, out, err);
}

void orri_index_free(struct orri_index *index)
{
    if (!index)
        return;
    free(index->path);
    free(index->pts);
    free(index->key);
    free(index->score);
    free(index->safe);
    free(index->by_key);
    free(index);
}

static bool serves(const struct orri_index *index, const char *path,
                   struct orri_identity identity)
{
    return index && strcmp(index->path, path) == 0 &&
           index->identity.size == identity.size &&
           index->identity.mtime == identity.mtime;
}

/* Put an index in front; an older one of the same file, or the oldest, leaves. */
static void keep(struct orri_session *session, struct orri_index *index)
{
    int at = 0;
    while (at < ORRI_INDEXES_KEPT - 1 && session->indexes[at] &&
           strcmp(session->indexes[at]->path, index->path) != 0)
        at++;
    if (session->indexes[at] != index)
        orri_index_free(session->indexes[at]);
    memmove(&session->indexes[1], &session->indexes[0],
            (size_t)at * sizeof session->indexes[0]);
    session->indexes[0] = index;
}

orr_status orri_index_get(const char *path, const char *cache, unsigned threads,
                          enum orri_depth depth, const struct orri_index **out,
                          struct orr_error *err)
{
    struct orri_session *session = orri_session();
    struct orri_identity identity;
    struct orri_index *index = NULL;
    orr_status status = orri_identify(path, &identity, err);
    if (status != ORR_OK)
        return status;
    for (int i = 0; i < ORRI_INDEXES_KEPT && !index; i++)
        if (serves(session->indexes[i], path, identity))
            index = session->indexes[i];
    bool kept = index != NULL;
    if (!index && cache)
        index = orri_index_load(cache, path, identity);
    if (!index || index->depth < depth) {
        if (!kept)
            orri_index_free(index);
        status = build(path, threads, depth, &index, err);
        if (status != ORR_OK)
            return status;
        index->identity = identity;
        if (cache)
            orri_index_save(cache, index);
    }
    keep(session, index);
    *out = index;
    return ORR_OK;
}

static int64_t find_by_time(const struct orri_index *index, int64_t key)
{
    uint32_t low = 0;
    uint32_t high = index->n_frames;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t frame = index->by_key ? index->by_key[middle] : middle;
        if (index->key[frame] == key)
            return frame;
        if (index->key[frame] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

int64_t orri_index_find(const struct orri_index *index, int64_t key)
{
    return index->key_kind == ORRI_KEY_COUNT ? -1 : find_by_time(index, key);
}

double orri_index_seconds(const struct orri_index *index, uint32_t at)
{
    return (double)(index->pts[at] - index->pts[0]) * av_q2d(index->time_base);
}

uint32_t orri_index_safe_before(const struct orri_index *index, uint32_t frame)
{
    uint32_t low = 0;
    uint32_t high = index->n_safe;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (index->safe[middle] <= frame)
            low = middle;
        else
            high = middle;
    }
    return low;
}
