/* walk.h - moving along the frames of one log that may be damaged or still growing */
#ifndef ORRI_STORE_WALK_H
#define ORRI_STORE_WALK_H

#include "base/error.h"
#include "base/memory.h"
#include "store/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orri_walk_columns {
    const char *function;
    uint64_t form; /* orri_columns_hash() */
    const struct orr_column *columns;
};

struct orri_walk {
    struct orri_shard_id shard;
    char *path;
    int fd;
    int64_t created;       /* from the OPEN frame, once extent was called */
    unsigned char *window; /* a piece of the log that was read */
    uint64_t window_at;
    size_t window_bytes;
    unsigned char *large; /* sections that do not fit the window */
    size_t large_bytes;
    struct orr_arena attempt; /* of the attempt returned last */
    struct orr_arena known;   /* of columns */
    struct orri_walk_columns *columns;
    size_t n_columns, cap_columns;
};

/* ORR_ERR_STORE when the file cannot be opened. */
orr_status orri_walk_open(struct orri_walk *walk, const char *run_dir,
                          const struct orri_shard_id *shard, struct orr_error *err);
void orri_walk_close(struct orri_walk *walk);

struct orri_extent {
    uint64_t committed;      /* end of the last whole commit frame; 0: nothing */
    uint64_t last_group;     /* start of the group that it ended */
    uint64_t uncommitted;    /* whole results after it */
    struct orr_error damage; /* why the walk ended, "" at a clean end */
};
/* Walk the headers to find how far the log is good. ORR_ERR_DATA when the log is of
 * another run, or of another shard than its name says. */
orr_status orri_walk_extent(struct orri_walk *walk, struct orr_id run,
                            struct orri_extent *out, struct orr_error *err);
/* The header at `at`. ORR_END when only zeros follow or the file ends. */
orr_status orri_walk_header(struct orri_walk *walk, uint64_t at, struct orri_frame *out,
                            struct orr_error *err);
/* The small sections of a frame, checked; borrowed until the next call. NULL with *err.
 */
const unsigned char *orri_walk_sections(struct orri_walk *walk,
                                        const struct orri_frame *frame, uint64_t at,
                                        struct orr_error *err);
/* The attempt of a RESULT frame, all pointers good until the next call. */
orr_status orri_walk_attempt(struct orri_walk *walk, const struct orri_frame *frame,
                             uint64_t at, struct orr_stored *out,
                             struct orr_error *err);
void orri_walk_learn_columns(struct orri_walk *walk, const struct orri_frame *frame,
                             uint64_t at);
bool orri_walk_blob_matches(struct orri_walk *walk, const struct orri_frame *frame,
                            uint64_t at);

#endif
