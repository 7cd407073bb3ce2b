/* walk.h - moving along the groups of one log that may be damaged or still growing
 *
 * Order: open, begin, then group until ORR_END; within a group attempt until ORR_END.
 * Where a header is damaged the walk looks for the next whole one and says what it
 * passed over. */
#ifndef ORRI_STORE_WALK_H
#define ORRI_STORE_WALK_H

#include "base/error.h"
#include "base/memory.h"
#include "store/entry.h"
#include "store/frame.h"
#include "store/scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of the log that was read. */
struct orri_window {
    unsigned char *bytes;
    uint64_t at;
    size_t length, cap;
};

struct orri_walk {
    struct orri_shard_id shard;
    char *path;
    int fd;
    int64_t created; /* from the OPEN frame; 0: it is damaged */
    int bad;         /* errno of a read that failed; 0: none did */
    uint64_t next;   /* where the next group should start; the end of the last whole */
    struct orri_frame ahead; /* the next group, unless `last` */
    struct orri_window window;
    struct orri_window rows;
    /* the group at hand */
    struct orri_frame group;
    bool last; /* no whole group follows it */
    struct orri_group_words words;
    struct orr_reader entries;
    bool lost; /* what is left of it cannot be told apart */
    /* the attempt at hand */
    struct orri_bulk bulk;
    struct orr_arena attempt_memory, group_memory;
    /* what the logs' functions declared; lives as long as the walk */
    struct orr_arena columns_memory;
    struct orri_known_columns *columns;
    size_t n_columns, cap_columns;
    /* damage found so far */
    uint64_t skipped;        /* bytes between whole groups */
    struct orr_error damage; /* why, the first time */
};

/* ORR_ERR_STORE when the file cannot be opened. */
orr_status orri_walk_open(struct orri_walk *walk, const char *run_dir,
                          const struct orri_shard_id *shard, struct orr_error *err);
void orri_walk_close(struct orri_walk *walk);

/* Read the OPEN frame. ORR_ERR_DATA when the log is of another run, another format or
 * byte order, or of another shard than its name says. A damaged one is passed over: the
 * checksums of groups hold run and place as well. */
orr_status orri_walk_begin(struct orri_walk *walk, struct orr_id run,
                           struct orr_error *err);
/* The next whole group; ORR_END: there is none. ORR_ERR_DATA: its words are damaged,
 * nothing of it can be read; go on with the next. */
orr_status orri_walk_group(struct orri_walk *walk, struct orr_error *err);
/* The next attempt of the group, all pointers good until the next call; rows stay NULL.
 * ORR_END after the last. ORR_ERR_DATA: it is damaged; go on with the next. */
orr_status orri_walk_attempt(struct orri_walk *walk, struct orr_stored *out,
                             struct orr_place *place, struct orr_error *err);
/* Read the rows of the attempt at hand. */
orr_status orri_walk_rows(struct orri_walk *walk, struct orr_stored *stored,
                          struct orr_error *err);
/* Ask at the end: ORR_ERR_STORE when the file could not be read. What was given before
 * is true, but not all that there is. */
orr_status orri_walk_unreadable(const struct orri_walk *walk, struct orr_error *err);
bool orri_walk_blob_matches(struct orri_walk *walk, const struct orr_place *place);
/* Attempts that the group has, but that orri_walk_attempt() could not tell apart. */
uint32_t orri_walk_left(const struct orri_walk *walk);

#endif
