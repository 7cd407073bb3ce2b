/* internal.h - what the files of the agent share: agent.c, flights.c, queue.c,
 * results.c, tail.c */
#ifndef ORRI_NODE_INTERNAL_H
#define ORRI_NODE_INTERNAL_H

#include "node/agent.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "node/crew.h"

enum orri_flight_state {
    ORRI_FLIGHT_FREE,
    ORRI_FLIGHT_QUEUED,
    ORRI_FLIGHT_RUNNING,
    ORRI_FLIGHT_HELD,
    ORRI_FLIGHT_STORING
};

/* Attempts from assignment to acknowledgement: one, or a run of calls in place, which
 * is parted when they part. */
struct orri_flight {
    enum orri_flight_state state;
    uint32_t next;                    /* in the list of its state + 1 */
    struct orr_assignment assignment; /* the first; args owned, see args */
    uint32_t n;
    struct orr_series series; /* their arguments; `first` is args */
    unsigned char *args;
    uint32_t args_room;
    unsigned char *ids; /* n, from ids_at on */
    uint32_t ids_at;
    uint32_t ids_room;
    struct orri_seat seat; /* while it runs */
    uint32_t rank;
    int blob_fd;
    uint64_t overtaken; /* cores that went to others while it stood first and waited */
    bool cancelled;     /* its twin elsewhere was faster */
    struct orr_done report; /* its texts are owned, see texts; results come later, of a
                               run also the times */
    char *texts;
    unsigned char
        *done; /* encoded local DONE entry, when the writer's queue was full */
    size_t done_length;
};

struct orri_flight_list { /* flights by index + 1, in order */
    uint32_t head;
    uint32_t tail;
    uint32_t n;
};

struct orr_agent {
    struct orr_agent_setup setup;
    struct orri_crew *crew;
    struct orr_host *host;
    struct orr_writer *writer;
    struct orri_flight *flights;
    uint32_t n_flights;
    size_t cap_flights;
    struct orri_flight_list unused;
    struct orri_flight_list queue;
    uint32_t queued_calls;        /* attempts in these */
    uint32_t queued_in_place;     /* of these, calls that run in a worker itself, */
    uint32_t queued_runs;         /* in so many flights */
    struct orri_flight_list held; /* ended, but the writer's queue is full */
    double *mean;                 /* seconds of an attempt, by function; < 0: unknown */
    uint32_t storing;             /* attempts */
    struct orr_successes calls;   /* the ones in hand, of another process */
    struct orr_bytes up;
    struct orr_reporting reporting; /* the end of `up` */
    struct orr_bytes given;         /* GIVEN, under way */
    struct orr_arena scratch;
    bool greeted;
    bool stopping;
    bool hurries; /* it stops, and there is little time */
    bool faulted;
    bool told_to_end; /* by a signal */
    bool forsaken;    /* rank 0 is silent */
    char *fault;      /* the machine failed an attempt: the coordinator is to know */
    bool busy;
    int64_t began;
    int64_t heard; /* from the coordinator, monotonic ns; 0: never yet */
    int64_t beat;  /* sent */
    int64_t stepped;
    int64_t worked; /* when it had something to do last */
    bool leaving;   /* rank 0 was asked */
    int64_t stopped_since;
    uint64_t results;
};

/* ---- flights.c ---- */

/* Lists keep their order. */
void orri_flight_push(struct orr_agent *agent, struct orri_flight_list *list,
                      uint32_t at);
uint32_t orri_flight_pop(struct orr_agent *agent, struct orri_flight_list *list);
/* The one after which such a priority stands: after its equals or before them. Indices
 * + 1 here and below; 0: it is the first. */
uint32_t orri_flight_seek(const struct orr_agent *agent,
                          const struct orri_flight_list *list, int64_t priority,
                          bool before_equals);
uint32_t orri_flight_behind(const struct orr_agent *agent,
                            const struct orri_flight_list *list, uint32_t before);
void orri_flight_push_behind(struct orr_agent *agent, struct orri_flight_list *list,
                             uint32_t before, uint32_t at);
/* The one behind `before`, an index + 1; 0: the first. */
uint32_t orri_flight_pop_behind(struct orr_agent *agent, struct orri_flight_list *list,
                                uint32_t before);
/* The index of a free one; pointers to flights are good until the next new one. */
uint32_t orri_flight_new(struct orr_agent *agent);
void orri_flight_free(struct orr_agent *agent, uint32_t at);
/* A free one with these attempts. */
uint32_t orri_flight_make(struct orr_agent *agent,
                          const struct orr_assignment_run *run);
/* Take the first `n` out of it, into a new one in the same state; its index. */
uint32_t orri_flight_part(struct orr_agent *agent, uint32_t at, uint32_t n);
/* As a message has it; borrowed. */
struct orr_assignment_run orri_flight_run(const struct orri_flight *flight);
void orri_flights_release(struct orr_agent *agent);
const struct orr_graph_function *orri_flight_function(const struct orr_agent *agent,
                                                      const struct orri_flight *flight);

/* ---- agent.c: to the coordinator; `bytes` are empty afterwards ---- */

orr_status orri_agent_send(struct orr_agent *agent, struct orr_bytes *bytes,
                           struct orr_error *err);
orr_status orri_agent_say(struct orr_agent *agent, enum orr_message message,
                          const char *text, struct orr_error *err);

/* Take what ended in this process. */
void orri_local_ended(struct orr_agent *agent);

/* ---- queue.c ---- */

void orri_queue_push(struct orr_agent *agent, uint32_t at);
/* Start what has room now. */
void orri_queue_start(struct orr_agent *agent);
void orri_queue_drop(struct orr_agent *agent);
/* All that waits, in order; the queue is empty then. free() it. */
uint32_t *orri_queue_take(struct orr_agent *agent, uint32_t *n);
/* As the last one, wherever it stood. */
void orri_queue_put_back(struct orr_agent *agent, uint32_t at);
/* An attempt of this function took so long. */
void orri_learn(struct orr_agent *agent, uint32_t function, double seconds);

/* ---- tail.c: attempts that are taken back, or made elsewhere as well ---- */

/* Give back what waits; the last ones first. */
orr_status orri_agent_retract(struct orr_agent *agent, struct orr_reader *in,
                              struct orr_error *err);
/* Drop what waits of these, end what runs. */
orr_status orri_agent_cancel(struct orr_agent *agent, struct orr_reader *in,
                             struct orr_error *err);
/* The attempt is not here any more, and leaves no result. */
void orri_agent_give(struct orr_agent *agent, uint32_t at);

/* ---- results.c ---- */

/* Attempts ended: their results go to the writer, and wait where that has no room. */
void orri_result_take(struct orr_agent *agent, uint32_t at,
                      const struct orr_host_done *done);
/* Those that had to wait. */
void orri_results_store_held(struct orr_agent *agent);
/* Report what is on disk now. */
orr_status orri_results_take(struct orr_agent *agent, struct orr_error *err);
/* Did the writer fail, or the disk an attempt? The coordinator is told, once. */
orr_status orri_results_check(struct orr_agent *agent, struct orr_error *err);

#endif
