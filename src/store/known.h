/* known.h - what a run has done so far, by task identity, from its shards
 *
 * Finished tasks cost 32 bytes each and their results; failed attempts are few. */
#ifndef ORR_STORE_KNOWN_H
#define ORR_STORE_KNOWN_H

#include "base/error.h"
#include "base/hash.h"
#include "orrery/function.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orr_known;
/* Read all shards of the run; needs no lock. `verify`: blobs too, so that a task whose
 * blobs are damaged has no result (else that shows when one is loaded). */
orr_status orr_known_load(const char *run_dir, struct orr_id run_id, bool verify,
                          struct orr_known **out, struct orr_error *err);
void orr_known_free(struct orr_known *known); /* NULL is fine */

/* What follows takes NULL for `known`, and finds nothing in it. */

struct orr_known_result {
    const void *bytes; /* encoded; borrowed until orr_known_used() */
    uint32_t length;
    uint32_t epoch;
    int64_t t_end;      /* wall ns */
    uint32_t attempt;   /* that made it; 0: it was taken from another run, */
    const char *origin; /* the id of that; else "" */
};
/* The result of a finished task: the first one of the newest epoch that has one. */
bool orr_known_result(const struct orr_known *known, struct orr_id id,
                      struct orr_known_result *out);
/* Has another task that names the file ended later than `t_end`? Then the file is not
 * what this one left. For files below some directory "out". */
bool orr_known_overwritten(const struct orr_known *known, struct orr_id id,
                           const char *path, int64_t t_end);
/* Only its bytes; NULL when there are none. */
const void *orr_known_find(const struct orr_known *known, struct orr_id id,
                           uint32_t *length);
/* The result is not needed any more, and not found from now on. Its memory is freed
 * with that of its neighbours in the shard. */
void orr_known_used(struct orr_known *known, struct orr_id id);
size_t orr_known_results(const struct orr_known *known); /* how many */

/* A failed attempt that the rules were told of. Attempts that were lost with their
 * worker, or ended with their session, are no fault of the task and not known here;
 * but for those of a task that took down three workers in one session. */
struct orr_known_failure {
    struct orr_id id;
    uint32_t attempt;
    uint32_t epoch;
    enum orr_fail_kind kind;
    int64_t code;
    int64_t t_end; /* wall ns */
    const char *message;
};
const struct orr_known_failure *orr_known_failure(const struct orr_known *known,
                                                  struct orr_id id, uint32_t attempt);
/* Failures of epochs before `epoch` do not count any more. */
void orr_known_forgive(struct orr_known *known, uint32_t epoch);
/* Of one task, one session after the other, in the order of their ends: is this failure
 * one that the rules were told of? Zero `lost` at the start of each session. */
bool orr_failure_counts(enum orr_fail_kind kind, uint32_t *lost);

/* How long attempts of it ran that succeeded, in ns of wall time; -1: it is not known,
 * or the result was used. */
int64_t orr_known_time(const struct orr_known *known, struct orr_id id);
/* The mean over all tasks of a function, by the name that the store has; -1: none. */
int64_t orr_known_mean(const struct orr_known *known, const char *function);

#endif
