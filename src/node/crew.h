/* crew.h - the cores of a node and the workers that own them: the agent's ledger */
#ifndef ORR_NODE_CREW_H
#define ORR_NODE_CREW_H

#include "base/resources.h"
#include "node/local.h"
#include "topo/gpus.h"
#include "topo/topo.h"

#include <poll.h>

/* Where an attempt runs. Worker 0 is the agent itself. Its cores are the crew's to
 * know: thousands of attempts may wait or be on their way to the disk. */
struct orri_seat {
    uint32_t worker;
    uint32_t place; /* shared by those that were sent together; 0: in place */
    uint32_t core;  /* the first: the worker's own */
};

struct orri_crew_setup {
    uint64_t token;
    uint32_t agent;   /* rank */
    uint32_t workers; /* expected, the agent included */
    uint32_t cores_each;
    const struct orr_topo *topo;
    uint64_t memory; /* bytes; 0: unknown, and so without end */
    uint32_t gpus;
    /* A worker's DONE message; and a worker that died, and the call in place that it
     * was at then. */
    void (*ended)(void *context, uint32_t worker, uint32_t rank, struct orr_reader *in,
                  int blob_fd);
    void (*lost)(void *context, uint32_t worker, uint32_t rank, uint64_t call);
    void *context;
};

struct orri_crew;
orr_status orri_crew_new(const struct orri_crew_setup *setup, struct orri_crew **out,
                         struct orr_error *err);
void orri_crew_free(struct orri_crew *crew);

/* Choose cores and GPUs for a call and take them, and its memory; false when they are
 * not free now. */
bool orri_crew_place(struct orri_crew *crew, const struct orr_resources *needs,
                     struct orri_seat *out);
/* Calls in place take nothing of that. False: enough of them are out. */
bool orri_crew_place_calls(struct orri_crew *crew, uint32_t n, struct orri_seat *out);
/* Workers that make calls in place. */
uint32_t orri_crew_callers(const struct orri_crew *crew);
const uint32_t *orri_crew_cores_of(const struct orri_crew *crew,
                                   const struct orri_seat *seat, uint32_t *n);
/* Not for seats in place. */
const uint32_t *orri_crew_gpus_of(const struct orri_crew *crew,
                                  const struct orri_seat *seat, uint32_t *n);
/* One more call for the same cores, GPUs and memory, after those that are there. */
void orri_crew_board(struct orri_crew *crew, const struct orri_seat *seat);
/* What is there is of this kind (the caller's numbers). */
void orri_crew_mark(struct orri_crew *crew, const struct orri_seat *seat,
                    uint32_t kind);
/* A place of the kind where not more than `low` are left; false: there is none. */
bool orri_crew_runs_low(const struct orri_crew *crew, uint32_t kind, uint32_t low,
                        struct orri_seat *out);
/* Attempts there are over; the last gives all back. */
void orri_crew_release(struct orri_crew *crew, const struct orri_seat *seat,
                       uint32_t n);

void orri_crew_send(struct orri_crew *crew, uint32_t worker,
                    const struct orri_local_assignment *assignment);
/* The worker is to end this one. */
void orri_crew_cancel(struct orri_crew *crew, uint32_t worker,
                      struct orr_attempt_name name);
void orri_crew_flush(struct orri_crew *crew);
void orri_crew_tell(struct orri_crew *crew, enum orr_message message);
void orri_crew_step(struct orri_crew *crew);
size_t orri_crew_fds(const struct orri_crew *crew, struct pollfd *fds, size_t max);

bool orri_crew_complete(
    const struct orri_crew *crew);              /* all came, or waited long enough */
void orri_crew_dismiss(struct orri_crew *crew); /* STOP to all, once */
bool orri_crew_dismissed(const struct orri_crew *crew);            /* all have left */
uint32_t orri_crew_busy(const struct orri_crew *crew);             /* cores */
uint32_t orri_crew_cores(const struct orri_crew *crew);            /* of live workers */
struct orr_resources orri_crew_has(const struct orri_crew *crew);  /* of live workers */
struct orr_resources orri_crew_idle(const struct orri_crew *crew); /* of that, now */
uint32_t orri_crew_workers(const struct orri_crew *crew); /* live, the agent included */
int64_t orri_crew_cpu(const struct orri_crew *crew);      /* ns, of workers that left */
void orri_crew_describe(const struct orri_crew *crew, struct orr_text *out);

#endif
