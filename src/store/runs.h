/* runs.h - attempts that differ in little, on their way to the log as one item */
#ifndef ORRI_STORE_RUNS_H
#define ORRI_STORE_RUNS_H

#include "store/log.h"
#include "store/writer.h"

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
