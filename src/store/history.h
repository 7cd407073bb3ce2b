/* history.h - every attempt that a run has stored, by the task's identity
 *
 * Read from the shards, without a lock, so it may be asked for while the run is on. */
#ifndef ORR_STORE_HISTORY_H
#define ORR_STORE_HISTORY_H

#include "base/error.h"
#include "base/hash.h"
#include "orrery/function.h"

#include <stdint.h>

struct orr_tried {
    const struct orr_tried *next; /* of the same task, in order of epoch and end */
    struct orr_id id;             /* of the task */
    uint32_t epoch;
    uint32_t attempt;
    enum orr_fail_kind failure; /* NONE: it succeeded */
    int64_t code;
    const char *message;
    const char *host;
    uint32_t rank;
    uint32_t core;
    int64_t t_start, t_end; /* wall ns */
    const void *results;    /* encoded record */
    uint32_t results_length;
};

struct orr_history;
orr_status orr_history_load(const char *run_dir, struct orr_id run_id,
                            struct orr_history **out, struct orr_error *err);
void orr_history_free(struct orr_history *history); /* NULL is fine */
/* The attempts at a task, the first of them; NULL: none ended. */
const struct orr_tried *orr_history_of(const struct orr_history *history,
                                       struct orr_id id);
/* The same for the newest task of a function (by the name that the store has) with
 * these encoded arguments, whatever its identity: the identity also tells files and
 * versions apart. */
const struct orr_tried *orr_history_of_call(const struct orr_history *history,
                                            const char *function, const void *args,
                                            uint32_t args_length);

#endif
