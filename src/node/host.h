/* host.h - one rank's cores: runs attempts in warm children, or in place
 *
 * The same in a worker and in an agent (which is a worker too). Nothing blocks: start
 * attempts, wait on the descriptors, step, take what is done. */
#ifndef ORR_NODE_HOST_H
#define ORR_NODE_HOST_H

#include "exec/attempt.h"
#include "exec/nursery.h"
#include "graph/graph.h"
#include "topo/topo.h"
#include "wire/runs.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* The call in place that is made: its token and task, half each; or none. In memory
 * that is shared with whoever is to know it when this process died. */
typedef _Atomic uint64_t orr_host_call;
#define ORR_HOST_NO_CALL UINT64_MAX

struct orr_host_setup {
    const struct orr_graph *graph;
    struct orr_nursery *nursery;
    const struct orr_topo *topo; /* NULL: nothing is pinned */
    const char *run_dir;
    uint64_t memory;   /* bytes of the node; 0: not known, blobs have no limit */
    uint32_t children; /* at most at once: the cores of this rank */
    struct orr_blob_source blobs; /* for functions in place */
    orr_host_call *call;          /* or NULL: nobody asks */
};

struct orr_host;
struct orr_host *orr_host_new(const struct orr_host_setup *setup);
/* Kills what runs. */
void orr_host_free(struct orr_host *host);

/* Start an attempt in a child, on these cores (their number is the call's): behind what
 * a child was given for the same cores and has not done, else it needs a free child.
 * `token` comes back with what came of it. `env`: "NAME=value" lines for its
 * environment, such as which GPUs it has; or "". */
void orr_host_start(struct orr_host *host, uint32_t token,
                    const struct orr_assignment *assignment, const uint32_t *cores,
                    uint32_t n_cores, const char *env);
/* Make calls in place, here and now: each comes back, in order, by itself or with the
 * others beside it. */
void orr_host_run(struct orr_host *host, uint32_t token,
                  const struct orr_assignment_run *run, uint32_t core);
uint32_t orr_host_running(const struct orr_host *host);

struct orr_host_done {
    uint32_t token; /* of orr_host_start() */
    uint32_t task;  /* the first, when there are many */
    uint32_t attempt;
    uint32_t core;              /* the first of its cores */
    struct orr_outcome outcome; /* results complete, commands' too; borrowed until the
                                   next call of orr_host_next() */
    int blob_fd;                /* now the caller's; -1: no blobs */
    const struct orr_successes *calls; /* calls in place that succeeded, in the place of
                                          `outcome`; borrowed likewise; or NULL */
};
bool orr_host_next(struct orr_host *host, struct orr_host_done *out);

/* Descriptors to wait on (at most 1 + children; the number returned), and the time by
 * which orr_host_step() must be called in any case (monotonic ns; INT64_MAX: none). */
size_t orr_host_fds(const struct orr_host *host, struct pollfd *fds, size_t max);
int64_t orr_host_wake(const struct orr_host *host);
/* Enforce time limits; when one of its descriptors may be ready, hear of children. */
void orr_host_step(struct orr_host *host, bool ready);
/* Kill everything that runs; each ends as `lost`. */
void orr_host_abandon(struct orr_host *host);
/* The same of one attempt, when it runs here in a child. */
void orr_host_cancel(struct orr_host *host, uint32_t task, uint32_t attempt);
/* No child can be had any more (the zygote died). */
bool orr_host_broken(const struct orr_host *host);

#endif
