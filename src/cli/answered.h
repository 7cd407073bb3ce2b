/* answered.h - a job whose calls are answered from examples or from an earlier run */
#ifndef ORR_CLI_ANSWERED_H
#define ORR_CLI_ANSWERED_H

#include "rehearse/rehearse.h"
#include "store/identity.h"
#include "store/known.h"

struct orri_answered {
    const struct orr_graph *graph;
    struct orr_rehearsal *rehearsal;
    struct orr_known *known; /* of the earlier run, or NULL */
    struct orr_files *files;
};

/* Go through all rules. `costs`: the directory of an earlier run, or NULL. Release it
 * after success. */
orr_status orri_answer_job(const struct orr_graph *graph,
                           const struct orr_value *requests, uint32_t n,
                           const char *costs, uint64_t most, struct orri_answered *out,
                           struct orr_error *err);
void orri_answered_release(struct orri_answered *answered);

/* Seconds of one attempt: measured, else estimated by `cost:`, else the mean that was
 * measured for the function; NaN when nothing is known. *measured is set, never reset.
 */
double orri_seconds_of(const struct orri_answered *answered, uint32_t task,
                       bool *measured);

#endif
