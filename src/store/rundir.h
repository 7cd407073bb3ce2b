/* rundir.h - the run directory: its layout, its identity, its lock
 *
 *     RUN/run              format version, run id, time of creation, newest epoch
 *     RUN/lock             who works on it now (only while a run is on)
 *     RUN/shards/          logs of results, the journal
 *     RUN/out/ cache/ logs/ scratch/
 *
 * A run directory belongs to its user (0700), and one run at a time works on it. */
#ifndef ORR_STORE_RUNDIR_H
#define ORR_STORE_RUNDIR_H

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum { ORR_RUN_FORMAT = 1 };

struct orr_rundir; /* a run directory whose lock we hold */

/* Make a new run directory, or use an empty one, and lock it. ORR_ERR_INPUT when the
 * path holds a run already, or anything else; ORR_ERR_STORE when the disk refuses. */
orr_status orr_rundir_create(const char *path, struct orr_rundir **out,
                             struct orr_error *err);
/* Lock an existing run for resuming, and begin its next epoch. */
orr_status orr_rundir_open(const char *path, struct orr_rundir **out,
                           struct orr_error *err);
/* Give up the lock; NULL is fine. */
void orr_rundir_close(struct orr_rundir *dir);

const char *orr_rundir_path(const struct orr_rundir *dir); /* absolute */
struct orr_id orr_rundir_id(const struct orr_rundir *dir);
uint32_t orr_rundir_epoch(const struct orr_rundir *dir); /* of this session; from 1 */
bool orr_rundir_took_over(const struct orr_rundir *dir); /* a stale lock was there */

/* The heartbeat: call at least every 15 s. Another host takes the lock of an owner that
 * was silent for ORR_LOCK_SILENCE. ORR_ERR_STORE when the lock is no longer ours: stop
 * writing at once. Costs one small read and one utimensat. */
orr_status orr_rundir_beat(struct orr_rundir *dir, struct orr_error *err);
#define ORR_LOCK_SILENCE INT64_C(60) /* seconds */

/* What can be known without the lock: for status, ls, report, export. */
struct orr_run_info {
    uint32_t format;
    struct orr_id id;
    int64_t created; /* wall ns */
    uint32_t epoch;  /* newest; 0: none yet */
    bool locked;     /* someone holds the lock, and seems to live */
    bool gone;       /* who held it was killed on this machine, in the last minute */
    char owner[160]; /* "pid 123 on host login1 since 2026-..", or "" */
};
/* ORR_ERR_INPUT when `path` is not a run directory. */
orr_status orr_run_info_read(const char *path, struct orr_run_info *out,
                             struct orr_error *err);

#endif
