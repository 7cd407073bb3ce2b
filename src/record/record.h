/* record.h - run.h5: everything of a run, as tables
 *
 * Made of an engine that knows the job and the results (the coordinator's own, or one
 * that went through them again) and of the shards of all sessions; so it can be made at
 * any time, by any process, and says the same.
 *
 * Rows of facts, firings and tasks have an order that follows from what they hold, not
 * from when they came: two runs that did the same have the same tables, but for times
 * and places. */
#ifndef ORR_RECORD_RECORD_H
#define ORR_RECORD_RECORD_H

#include "base/error.h"
#include "base/hash.h"
#include "engine/engine.h"
#include "graph/graph.h"

#include <stdbool.h>

struct orr_record_setup {
    const char *run_dir;
    const struct orr_graph *graph;
    struct orr_engine *engine; /* not changed */
    /* Per task: the identity that the shards have, where that is another than the
     * engine's (files have changed since). NULL: the engine's. */
    const struct orr_id *identities;
    const char *job;   /* its name */
    const char *state; /* of the run */
    /* Of the session that writes it; NULL: as status.json has it. */
    const struct orr_run_status *status;
    bool portable; /* with the bytes of all blobs, without links to shards */
    /* Set to the number of tasks that are done, but whose results no shard has: they
     * were on the disk of a node that was lost. NULL: nobody asks. */
    uint64_t *unstored;
};

/* Write the file `path`; it appears whole or not at all, in the place of one that is
 * there. Takes no lock. ORR_ERR_STORE, ORR_ERR_DATA with *err filled. */
orr_status orr_record_write(const struct orr_record_setup *setup, const char *path,
                            struct orr_error *err);

#endif
