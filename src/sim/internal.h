/* internal.h - the parts of the simulation */
#ifndef ORRI_SIM_INTERNAL_H
#define ORRI_SIM_INTERNAL_H

#include "coord/coord.h"
#include "sim/sim.h"
#include "wire/runs.h"

/* ---- what happens when (events.c) ---- */

enum orri_event_kind {
    ORRI_EVENT_ARRIVAL, /* of message a */
    ORRI_EVENT_THERE,   /* all bytes of message a, at rank 0 */
    ORRI_EVENT_ENDED,   /* attempt a, unless its number is not b any more */
    ORRI_EVENT_GROUP,   /* node a's writer may have to begin a sync */
    ORRI_EVENT_SYNCED,  /* node a's */
    ORRI_EVENT_BEAT,    /* node a's */
    ORRI_EVENT_DIES,    /* node a */
    ORRI_EVENT_SAMPLE,
    ORRI_EVENT_TOLD_TO_END
};

struct orri_event {
    int64_t time;
    uint64_t order; /* of events of one time; the kind in the low byte */
    uint32_t a;
    uint32_t b;
};

/* Zeroed struct is empty. items[0] is the first. */
struct orri_events {
    struct orri_event *items;
    size_t n;
    size_t cap;
    uint64_t made;
};
void orri_event_add(struct orri_events *events, int64_t time, enum orri_event_kind kind,
                    uint32_t a, uint32_t b);
bool orri_event_take(struct orri_events *events, struct orri_event *out);

/* ---- attempts and lists of them (attempts.c) ---- */

enum orri_try_state { ORRI_TRY_WAITING, ORRI_TRY_RUNNING, ORRI_TRY_ENDED };

struct orri_try {
    uint32_t task;
    uint32_t attempt;
    uint32_t function;
    struct orr_resources needs;
    int64_t priority; /* higher first */
    uint32_t node;
    uint32_t lane; /* where it is shown in the trace */
    uint32_t next; /* in its list, + 1 */
    uint32_t number;
    uint32_t overtaken; /* cores that went to others while it stood first */
    uint8_t state;      /* enum orri_try_state */
    uint8_t failure;    /* enum orr_fail_kind */
    bool in_place;
    uint32_t length; /* of the results */
    int64_t duration;
    int64_t start, end;
    uint64_t blob_bytes;
    unsigned char *results;
};

struct orri_tries { /* by index + 1, in order */
    uint32_t first;
    uint32_t last;
    uint32_t n;
};

/* ---- a node: a model of src/node and the writer of src/store (node.c, writer.c) ----
 */

enum orri_writer_state { ORRI_WRITER_IDLE, ORRI_WRITER_GATHERS, ORRI_WRITER_SYNCS };

struct orri_sim_node {
    struct orri_tries queue;
    uint32_t *lanes; /* free ones, a stack */
    uint32_t n_lanes;
    struct orr_resources free;
    uint32_t running;
    double slowness;
    bool sick;
    bool dead;
    bool stopping;
    bool left;
    /* the agent, one thread */
    int64_t free_at;
    int64_t last_busy;
    int64_t busy; /* ns in all */
    uint64_t results;
    /* the writer */
    enum orri_writer_state writer;
    struct orri_tries group; /* in the log, not durable */
    struct orri_tries put;   /* queued behind a sync */
    uint64_t group_bytes;
    int64_t group_started, last_added, linger;
    bool awaited; /* a GROUP event is to come */
    uint64_t syncs;
    int64_t sync_ns;
    uint64_t stored_bytes;
};

/* ---- messages (network.c) ---- */

struct orri_message {
    uint32_t from; /* ranks */
    uint32_t to;
    uint32_t entries; /* of a batch */
    uint32_t next;    /* unused ones, + 1 */
    size_t length;
    unsigned char *data;
    struct orri_tries tries; /* ASSIGN: what it brings */
    int64_t ends;            /* DONE: sum over its attempts, */
    int64_t first_end;       /* and the earliest */
};

struct orri_inbox { /* a ring */
    uint32_t *items;
    size_t cap;
    size_t head;
    size_t n;
};

struct orr_sim {
    struct orr_sim_setup setup;
    struct orr_sim_result *out;
    struct orr_coord *coord;
    struct orr_link link; /* of rank 0 */
    struct orr_clock clock;
    int64_t now;
    struct orri_events events;
    struct orri_sim_node *nodes;
    /* attempts */
    struct orri_try *tries;
    size_t n_tries;
    size_t cap_tries;
    struct orri_tries unused;
    uint32_t number;
    struct orr_asked *asked;
    struct orr_bytes bytes;
    unsigned char *counted; /* bits, by task: a result of it has counted */
    size_t counted_bytes;
    /* messages */
    struct orri_message *messages;
    size_t n_messages;
    size_t cap_messages;
    uint32_t unused_message; /* + 1 */
    struct orri_inbox inbox;
    uint32_t held; /* what receive() handed out last, + 1 */
    uint32_t *outbox;
    size_t n_outbox;
    size_t cap_outbox;
    int64_t wire_up, wire_down; /* when rank 0's end of the network is free */
    uint64_t message_bytes, message_bytes_most;
    /* rank 0 */
    int64_t next_step;
    int64_t free_at;
    int64_t last_busy;
    int64_t busy; /* ns, by the costs */
    /* in the step: what it received */
    uint32_t received, received_entries;
    /* figures */
    uint64_t samples;
    int64_t delays; /* sum of ns */
    uint64_t n_delays;
    struct orr_error failed; /* what ends the simulation */
};

/* Everything that has a time in the simulation starts here: 0 means "never" to some. */
#define ORRI_SIM_BEGIN (10 * ORR_SECOND)

/* Half of the nap of a rank that was busy last so long ago: what a message waits on
 * average before it is seen. */
int64_t orri_half_nap(const struct orr_sim *sim, int64_t quiet);

/* events of nodes (node.c) */
void orri_node_begin(struct orr_sim *sim, uint32_t node);
void orri_node_hear(struct orr_sim *sim, uint32_t node, uint32_t message);
void orri_node_ended(struct orr_sim *sim, uint32_t attempt);
void orri_node_beat(struct orr_sim *sim, uint32_t node);
/* After a sync: the writer has room again, and the agent leaves when all is over. */
void orri_node_stored(struct orr_sim *sim, uint32_t node, int64_t at);
/* The agent's one thread does something for `ns`, from then on; when it is done. */
int64_t orri_agent_works(struct orr_sim *sim, uint32_t node, int64_t from, double ns);

/* the writer of a node (writer.c) */
void orri_writer_put(struct orr_sim *sim, uint32_t node, uint32_t attempt, int64_t at);
void orri_writer_due(struct orr_sim *sim, uint32_t node);
void orri_writer_synced(struct orr_sim *sim, uint32_t node);

/* attempts.c */
uint32_t orri_try_new(struct orr_sim *sim, const struct orr_assignment *from,
                      uint32_t node);
void orri_try_free(struct orr_sim *sim, uint32_t at);
void orri_try_push(struct orr_sim *sim, struct orri_tries *list, uint32_t at);
uint32_t orri_try_pop(struct orr_sim *sim, struct orri_tries *list);
/* `before`: index + 1 of the one that it follows; 0: none, it is the first. */
void orri_try_push_behind(struct orr_sim *sim, struct orri_tries *list, uint32_t before,
                          uint32_t at);
/* Out of the middle: `before` is the one before it, + 1. */
void orri_try_take_out(struct orr_sim *sim, struct orri_tries *list, uint32_t at,
                       uint32_t before);
/* The first success of a task? */
bool orri_task_counts(struct orr_sim *sim, uint32_t task);
double orri_random(uint64_t seed, uint64_t what, uint64_t which); /* in (0, 1) */

/* network.c */
extern const struct orr_link_ops orri_sim_link_ops;
/* Up, to rank 0: leaves at `at`; `data` is copied. */
uint32_t orri_send_up(struct orr_sim *sim, uint32_t node, int64_t at,
                      const struct orr_bytes *data);
/* Attempts of a message that rank 0 sent: they are made. Their number. */
uint32_t orri_read_assignments(struct orr_sim *sim, uint32_t message);
/* What the last step of rank 0 sent leaves at `at`. */
void orri_send_down(struct orr_sim *sim, int64_t at);
void orri_message_free(struct orr_sim *sim, uint32_t at);
void orri_arrive(struct orr_sim *sim, uint32_t at);
void orri_there(struct orr_sim *sim, uint32_t at);
void orri_messages_release(struct orr_sim *sim);

/* faults.c */
void orri_plan_faults(struct orr_sim *sim);

/* trace.c */
void orri_trace_begin(struct orr_sim *sim);
void orri_trace_attempt(struct orr_sim *sim, const struct orri_try *attempt);
void orri_trace_sample(struct orr_sim *sim, uint64_t queued, uint64_t waiting,
                       uint64_t running);
void orri_trace_end(struct orr_sim *sim);

#endif
