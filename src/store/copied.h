/* copied.h - what the writer's queue keeps of an attempt, or of a run of them */
#ifndef ORRI_STORE_COPIED_H
#define ORRI_STORE_COPIED_H

#include "store/log.h"
#include "store/writer.h"

/* The bytes of what it points to, all together, but for the columns. */
uint64_t orri_stored_bytes(const struct orr_stored *stored);
/* Copied to `counters` and `to`, which have the room. */
void orri_stored_copy(struct orri_entry *entry, const struct orr_stored *from,
                      struct orr_stored_counter *counters, unsigned char *to);
/* Our own mistake when it does not fit a shard. */
void orri_stored_check(const struct orr_stored *stored);

/* What a run has besides what each attempt has. n is 0 where there is none. */
struct orri_run {
    uint32_t n;
    struct orr_series args;
    int64_t *times;
    uint32_t *ends;
    unsigned char *ids;
};
/* The bytes that its copy takes, aligned to eight. */
size_t orri_stored_run_bytes(const struct orr_stored_run *from);
void orri_stored_run_copy(const struct orr_stored_run *from, void *to,
                          struct orri_run *out);
/* Attempt `i`, when `entry` is the run as a whole; after attempt i - 1, because the
 * arguments of the run become those of the attempt. */
struct orri_entry orri_stored_run_entry(const struct orri_run *run,
                                        const struct orri_entry *entry, uint32_t i);

#endif
