/* shared.h - what rank 0 tells all ranks at the start, as bytes */
#ifndef ORR_CLI_SHARED_H
#define ORR_CLI_SHARED_H

#include "base/bytes.h"
#include "cli/session.h"
#include "store/writer.h"
#include "topo/topo.h"

struct orri_shared {
    bool go; /* false: rank 0 found something wrong; leave */
    uint64_t token;
    char *run_dir; /* absolute */
    struct orr_id run_id;
    uint32_t epoch;
    enum orr_durability durability;
    char *local_dir; /* of each node, for logs; "": they are in the run directory */
    char **local;    /* where earlier sessions had theirs */
    size_t n_local;
    uint32_t cores_per_rank;
    enum orr_bind bind;
    uint64_t memory; /* of a node, as told; 0: what it has */
    uint32_t gpus;   /* the same */
    char *job;       /* path that the texts have */
    struct orr_setting *settings;
    size_t n_settings;
};

void orri_shared_put(struct orr_bytes *out, const struct orri_shared *shared,
                     const struct orri_texts *texts);
orr_status orri_shared_get(const struct orr_bytes *bytes, struct orri_shared *out,
                           struct orri_texts *texts);
void orri_shared_release(struct orri_shared *shared);

#endif
