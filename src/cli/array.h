/* array.h - a job whose requests are runs of their own: elements of a Slurm array
 *
 *     RUN/array          how many, and what makes each of them different
 *     RUN/slurm/         script.sh, lock; jobs: ids, the newest last
 *     RUN/0/, RUN/1/     each a run directory, with a folder slurm/ of its own, in
 * whose file jobs an id is JOB_INDEX */
#ifndef ORR_CLI_ARRAY_H
#define ORR_CLI_ARRAY_H

#include "graph/graph.h"

#include <stdbool.h>

/* Where an element is, from what its jobs left and what squeue knows. */
#define ORRI_ELEMENT_STATES(X)                                                         \
    X(SUCCEEDED, "succeeded")                                                          \
    X(FAILED, "failed")                                                                \
    X(RUNNING, "running")                                                              \
    X(WAITING, "waiting")                                                              \
    X(STOPPED, "stopped") /* no job has it, and there is more to do */                 \
    X(ABSENT, "not submitted")

#define X(id, text) ORRI_ELEMENT_##id,
enum orri_element_state { ORRI_ELEMENT_STATES(X) ORRI_ELEMENT_COUNT };
#undef X
const char *orri_element_text(enum orri_element_state state);

struct orri_element {
    char *run; /* RUN/INDEX */
    char *job; /* its newest; "" */
    const char *label;
    enum orri_element_state state;
    const char *more; /* why it waits, or where it runs; "" */
};

struct orri_array {
    uint32_t n;
    struct orri_element *elements;
    char *trouble; /* why squeue cannot be asked: states are what files say; or NULL */
    struct orr_text labels;
    struct orr_text jobs; /* squeue's lines */
};

bool orri_is_array(const char *run);
/* All elements, and squeue asked about them. */
orr_status orri_array_open(const char *run, struct orri_array *out,
                           struct orr_error *err);
void orri_array_release(struct orri_array *array);
/* Does somebody work on it, or will? */
bool orri_element_has_job(const struct orri_element *element);
/* The ids of the arrays that elements which have a job belong to: "17", "18"; the
 * count. free() each, and the list. */
size_t orri_array_jobs(const struct orri_array *array, char ***out);

/* A line for each request: the inputs that are not the same in all. */
void orri_array_labels(const struct orr_job *job, struct orr_text *out);
orr_status orri_array_write(const char *run, uint32_t n, const char *labels,
                            struct orr_error *err);

#endif
