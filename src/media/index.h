/* index.h - which frames a video has: listed or decoded once, kept in memory and on
 * disk
 */
#ifndef ORR_MEDIA_INDEX_H
#define ORR_MEDIA_INDEX_H

#include "media/source.h"

#include <stdbool.h>

/* How a decoded frame is recognised after a seek. Written to the cache file. */
enum orri_key_kind {
    ORRI_KEY_TIME = 1,  /* by its timestamp: unique and rising */
    ORRI_KEY_PLACE = 2, /* by the byte position of its packet */
    ORRI_KEY_COUNT = 3  /* by nothing: decode from the start and count */
};

/* What an index rests on. A deeper one serves where a shallower one is asked for. */
enum orri_depth {
    ORRI_LISTED = 1,  /* the container's packets (listing.c); damage is not seen */
    ORRI_DECODED = 2, /* every frame came out of the decoder */
    ORRI_SCORED = 3   /* and shot changes were measured: `score` */
};

/* Immutable once built. Frames are numbered in display order from 0. */
struct orri_index {
    char *path;
    struct orri_identity identity;
    enum orri_depth depth;

    uint32_t n_frames;
    int64_t *pts; /* strictly rising, in time_base */
    int64_t *end; /* one value: where the last frame ends; &pts[n_frames] */
    int64_t *key; /* per frame, by key_kind */
    float *score; /* shot change score per frame, or NULL: not scored */
    AVRational time_base;
    AVRational rate; /* average; exact when !vfr */
    bool vfr;
    bool invented; /* the file has no timestamps: pts counts frames at `rate` */
    enum orri_key_kind key_kind;

    uint32_t n_safe;
    uint32_t *safe;   /* frames where decoding can start, rising; safe[0] == 0 */
    uint32_t *by_key; /* frames in order of key (ORRI_KEY_PLACE) */

    int width, height; /* of the first frame, coded orientation */
    int format;        /* enum AVPixelFormat of the first frame */
    bool interlaced;
    bool changes; /* size or pixel format changes on the way */
    uint32_t n_packets;
    struct orri_damage damage;
};

/* The index of `path`, at least as deep as `depth`: from memory, from a file in `cache`
 * (NULL: none), or built with `threads` threads. ORRI_LISTED becomes ORRI_DECODED where
 * the packets do not tell. It belongs to the session; valid until ORRI_INDEXES_KEPT
 * others, or a deeper one of the same file, were asked for. */
orr_status orri_index_get(const char *path, const char *cache, unsigned threads,
                          enum orri_depth depth, const struct orri_index **out,
                          struct orr_error *err);
void orri_index_free(struct orri_index *index);

/* Frame with this key, or -1. */
int64_t orri_index_find(const struct orri_index *index, int64_t key);
/* Seconds from the first frame to frame `at` (n_frames: to the end). */
double orri_index_seconds(const struct orri_index *index, uint32_t at);
/* The place in safe[] of the last safe frame at or before `frame`. */
uint32_t orri_index_safe_before(const struct orri_index *index, uint32_t frame);
/* Note size, format and fields of frame number n_frames. */
void orri_index_shape(struct orri_index *index, const AVFrame *frame);
/* How the key of a decoded frame is read. */
int64_t orri_frame_key(enum orri_key_kind kind, const AVFrame *frame);

/* probe.c: ORR_ERR_INPUT that says where the file is damaged, unless `damaged` is
 * "keep". */
orr_status orri_check_damage(const struct orri_index *index, const char *damaged,
                             struct orr_error *err);
/* probe.c: the index that the arguments source, damaged and verify ask for. */
orr_status orri_index_asked(struct orr_call *call, bool scores,
                            const struct orri_index **out, struct orr_error *err);

/* indexfile.c: the cache. A missing or damaged file is no error: NULL. Writing is an
 * attempt only: a cache that cannot be written costs time, nothing else. */
struct orri_index *orri_index_load(const char *cache, const char *path,
                                   struct orri_identity identity);
void orri_index_save(const char *cache, const struct orri_index *index);
/* What follows from the arrays: end, by_key. */
void orri_index_finish(struct orri_index *index);

/* listing.c: an index from the container's packets, or NULL where they do not tell. */
struct orri_index *orri_listing(const char *path);

/* scenes.c: compare frames with their predecessors as libavfilter's scdet does. */
struct orri_scenes;
struct orri_scenes *orri_scenes_new(void);
float orri_scenes_score(struct orri_scenes *scenes, const AVFrame *frame);
void orri_scenes_free(struct orri_scenes *scenes);

#endif
