/* compact.h - a run's shards with what counts only
 *
 * Of each task the attempt whose result counts stays, and of a task without a result
 * its failed attempts. They are written to new shards, of an epoch of its own, and only
 * when these are whole on disk the old ones are removed: a kill at any moment loses
 * nothing.
 */
#ifndef ORR_STORE_COMPACT_H
#define ORR_STORE_COMPACT_H

#include "base/error.h"
#include "store/rundir.h"

#include <stdint.h>

struct orr_compacted {
    uint64_t kept, dropped; /* attempts */
    uint64_t shards_before, shards_after;
    uint64_t bytes_before, bytes_after; /* on disk, of shards and indexes */
};

/* `dir` is the run, opened for this: its epoch is the new shards'. ORR_ERR_DATA when
 * there is damage (then nothing is changed: see orr_run_verify()), unless `force`: what
 * is damaged is left behind. */
orr_status orr_run_compact(const struct orr_rundir *dir, bool force,
                           struct orr_compacted *out, struct orr_error *err);

#endif
