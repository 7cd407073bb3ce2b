/* wire.h - the messages between coordinator, agents and workers
 *
 * Encoded field by field, bounds checked (STYLE 24, 25). A message is a u8 number and
 * its body; ASSIGN and DONE carry batches, of which each entry may stand for many
 * attempts (runs.h). Numbers are never reused. */
#ifndef ORR_WIRE_WIRE_H
#define ORR_WIRE_WIRE_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/resources.h"

#include <stdbool.h>
#include <stdint.h>

enum { ORR_WIRE_VERSION = 4 };

#define ORR_MESSAGES(X)                                                                \
    X(HELLO, 1)   /* agent to 0, worker to agent: who I am */                          \
    X(ASSIGN, 2)  /* down: attempts to run */                                          \
    X(DONE, 3)    /* up: attempts that ended, stored when it comes from an agent */    \
    X(BEAT, 4)    /* both ways: I am alive, this is my load */                         \
    X(FAULT, 5)   /* agent to 0: my store failed, or I lost a worker */                \
    X(STOP, 6)    /* down: no more work; finish what is stored, then leave */          \
    X(BYE, 7)     /* agent to 0: all is stored, my figures; I leave */                 \
    X(ABANDON, 8) /* down: kill what runs (interrupt, failed run) */                   \
    X(RETRACT, 9) /* down: give back attempts that wait for a core */                  \
    X(GIVEN, 10)  /* up: attempts that are not here any more, and left no result */    \
    X(CANCEL, 11) /* down, agent to worker: end these, others were faster */           \
    X(LEAVE, 12)  /* guest to 0: I want to leave; STOP is the answer */

#define X(id, number) ORR_MESSAGE_##id = number,
enum orr_message { ORR_MESSAGES(X) };
#undef X

/* Number of the message, 0 when there is none; the body follows in `in`. */
enum orr_message orr_message_of(struct orr_reader *in);

struct orr_hello {
    uint32_t wire_version;
    const char *version;  /* of the program */
    struct orr_id digest; /* of the workflow */
    const char *host;
    uint32_t rank;
    uint32_t cores;   /* of this rank (worker), of the node (agent) */
    uint32_t workers; /* ranks behind the agent, itself included */
    uint64_t memory;  /* bytes of the node */
    uint32_t pid;
    const char *pid_space; /* orr_pid_space(): where the pid means it */
    const char *bind;      /* where attempts are pinned, for people: "0-1" */
    uint32_t gpus;         /* of the node */
};

/* One attempt to run. */
struct orr_assignment {
    uint32_t task;
    uint32_t attempt;
    uint32_t function;
    uint32_t request;
    struct orr_id identity;
    int64_t priority; /* higher first */
    int64_t queued;   /* wall ns when it became ready */
    const void *args;
    uint32_t args_length;
};

/* The code of an attempt that was lost because its worker's process died. */
enum { ORR_LOST_DIED = 1 };

/* One attempt that ended, for the coordinator: only what the rules and the summary need
 * travels. (From worker to agent all of it goes: node/local.h.) */
struct orr_done {
    uint32_t task;
    uint32_t attempt;
    uint32_t rank; /* who ran it */
    uint32_t core;
    uint8_t failure; /* enum orr_fail_kind */
    int64_t code;
    const char *message;
    const void *results; /* encoded record */
    uint32_t results_length;
    int64_t t_start, t_end; /* wall ns */
    int64_t cpu;            /* ns, user and system */
    uint64_t blob_bytes;
    const char *counters; /* "name=amount\n" lines */
};

struct orr_beat {
    uint32_t running;  /* cores busy */
    uint32_t waiting;  /* attempts queued at the agent */
    uint32_t unstored; /* results not on disk yet */
    uint32_t cores;    /* that live workers have */
};

/* How many cores' worth of waiting attempts to give back, the last ones first; none
 * that asks for more than `widest`. */
struct orr_retract {
    uint32_t cores;
    struct orr_resources widest;
};

/* One attempt by name: GIVEN and CANCEL carry batches of them. */
struct orr_attempt_name {
    uint32_t task;
    uint32_t attempt;
};

struct orr_bye {
    uint32_t rank;
    int64_t agent_cpu;  /* ns used by the agent itself, children not counted */
    int64_t worker_cpu; /* ns, sum over its worker processes, children not counted */
    uint32_t workers;
    uint64_t results;
    uint64_t stored_bytes;
    uint64_t syncs;
    int64_t sync_ns;
};

void orr_hello_put(struct orr_bytes *out, const struct orr_hello *hello);
void orr_beat_put(struct orr_bytes *out, const struct orr_beat *beat);
void orr_bye_put(struct orr_bytes *out, const struct orr_bye *bye);
void orr_retract_put(struct orr_bytes *out, const struct orr_retract *retract);
/* The first one begins the batch. */
void orr_attempt_name_put(struct orr_bytes *out, enum orr_message message,
                          struct orr_attempt_name name);
/* A message without body, or with a text (FAULT). */
void orr_signal_put(struct orr_bytes *out, enum orr_message message, const char *text);
/* STOP; `hurries`: there is little time, what can be made up for later is to be left.
 */
void orr_stop_put(struct orr_bytes *out, bool hurries);

/* Bodies; texts land in `arena`, byte strings borrow from the input. ORR_ERR_DATA when
 * it does not fit. */
orr_status orr_hello_get(struct orr_reader *in, struct orr_arena *arena,
                         struct orr_hello *out);
orr_status orr_beat_get(struct orr_reader *in, struct orr_beat *out);
orr_status orr_bye_get(struct orr_reader *in, struct orr_bye *out);
orr_status orr_retract_get(struct orr_reader *in, struct orr_retract *out);
orr_status orr_attempt_name_get(struct orr_reader *in, struct orr_attempt_name *out);
const char *orr_signal_get(struct orr_reader *in, struct orr_arena *arena);
bool orr_stop_hurries(struct orr_reader *in); /* not, when it does not say so */

/* Batches: begin writes the number, entries follow until the end of the message. */
void orr_batch_begin(struct orr_bytes *out, enum orr_message message);

#endif
