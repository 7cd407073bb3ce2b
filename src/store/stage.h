/* stage.h - logs on a disk of the node, and their copies in the run directory
 *
 * With durability `node` a writer appends to logs in a folder on a disk of its node:
 * what is synced there survives whatever is killed, and is lost with the node. A thread
 * copies what was committed to logs of the same names in the run directory ("staging
 * out"), where a resume and the blob readers of other nodes look, and removes what is
 * there whole. What a killed session left is for nodedisk.h. */
#ifndef ORRI_STORE_STAGE_H
#define ORRI_STORE_STAGE_H

#include "base/error.h"
#include "store/frame.h"
#include "store/sealer.h"

#include <stdbool.h>
#include <stdint.h>

struct orri_stage_setup {
    const char *folder;        /* logs are in folder/shards; borrowed, as all of this */
    const char *run_dir;       /* copies in run_dir/shards */
    struct orr_sealer *sealer; /* gets what is there whole; or NULL */
    /* In the thread: something more was copied, or nothing will be any more (not
     * ORR_OK, once). */
    void (*moved)(void *context, orr_status status, const struct orr_error *error);
    void *context;
};
struct orri_staged { /* a log that was committed */
    struct orri_shard_id shard;
    int64_t created;
    uint64_t log_bytes; /* of the dataset */
    uint64_t end;       /* committed up to here */
};

struct orri_stage;
orr_status orri_stage_new(const struct orri_stage_setup *setup, struct orri_stage **out,
                          struct orr_error *err);
/* Copy the log up to its new end: now when somebody waits (`soon`), else within a
 * second. `closed`: nothing is added to it any more. Does not block. Logs come one
 * after the other. */
void orri_stage_add(struct orri_stage *stage, const struct orri_staged *log, bool soon,
                    bool closed);
/* Is the log there up to `end`, synced? */
bool orri_stage_has(struct orri_stage *stage, uint32_t segment, uint64_t end);
/* End the thread; `all`: when everything is copied. Frees it; NULL is fine. */
orr_status orri_stage_end(struct orri_stage *stage, bool all, struct orr_error *err);

#endif
