/* hosted.h - what the files of the host share: host.c, errands.c, children.c,
 * finished.c, inplace.c */
#ifndef ORRI_NODE_HOSTED_H
#define ORRI_NODE_HOSTED_H

#include "node/host.h"

#include "base/channel.h"
#include "base/memory.h"
#include "exec/footprint.h"

#include <sys/types.h>

enum orri_child_state {
    ORRI_CHILD_NONE,
    ORRI_CHILD_BORN,
    ORRI_CHILD_IDLE,
    ORRI_CHILD_BUSY,
    ORRI_CHILD_DYING
};

enum { ORRI_PINNED_MAX = 256 };

/* In the hands of a child, the first of its list, or behind that one. */
struct orri_errand {
    struct orri_errand *next;
    uint32_t token;
    uint32_t task;
    uint32_t attempt;
    uint32_t function;
    uint32_t core;
    bool cancelled;         /* its twin elsewhere was faster */
    struct orr_order order; /* borrows from the arena */
    struct orr_arena arena;
};

struct orri_child {
    enum orri_child_state state;
    struct orr_channel channel;
    pid_t pid;
    uint32_t pinned[ORRI_PINNED_MAX]; /* where it is bound, or is to be */
    uint32_t n_pinned;
    struct orri_errand *first;
    struct orri_errand **last;
    int64_t started;  /* the first errand; wall ns */
    int64_t deadline; /* of the first errand, monotonic ns; INT64_MAX: none */
    int64_t looked;   /* at the clock, for that: once a second */
    bool timed_out;
    bool abandoned;
    struct orr_footprint memory; /* of a function in C; commands are looked after */
    bool too_much_memory;        /* in their child */
    struct orr_oom_kills kills;  /* its count at the start; the host's descriptor */
};

struct orri_finished {
    struct orri_finished *next;
    struct orr_arena arena;
    struct orr_successes *calls; /* for `done`, when it is of many; or NULL */
    struct orr_host_done done;
};

enum { ORRI_BLOBS_PART = 4 }; /* of the memory may the blobs of one attempt have */

struct orr_host {
    struct orr_host_setup setup;
    struct orri_child *children;
    struct orri_finished *first;
    struct orri_finished **last;
    struct orri_finished *held;
    struct orri_finished *spare; /* some, with their memory */
    uint32_t n_spare;
    uint32_t warm;              /* children that are kept ready */
    struct orri_errand *unused; /* one, with its memory */
    int spare_blob_fd;          /* for the next call in place; most leave it empty */
    struct orr_oom_kills kills;
};

/* ---- finished.c: attempts that ended, in order, until they are taken ---- */

struct orri_finished *orri_finished_new(struct orr_host *host, uint32_t token,
                                        uint32_t task, uint32_t attempt, uint32_t core);
struct orri_finished *orri_finished_of(struct orr_host *host,
                                       const struct orri_errand *errand);
void orri_finished_push(struct orr_host *host, struct orri_finished *finished);
/* It is not needed any more; NULL is fine. */
void orri_finished_drop(struct orr_host *host, struct orri_finished *finished);
void orri_finished_free(struct orri_finished *finished);

/* ---- errands.c: what children are given ---- */

void orri_errand_free(struct orri_errand *errand);
void orri_child_drop_first(struct orr_host *host, struct orri_child *child);
void orri_child_pin(struct orr_host *host, struct orri_child *child);
/* Its first errand is what the child is at from now on. */
void orri_child_begin_first(struct orr_host *host, struct orri_child *child);
/* The order goes to the child, which is there. */
void orri_child_send(struct orri_child *child, const struct orri_errand *errand);

/* ---- children.c: their births, answers and deaths ---- */

void orri_child_spawn(struct orr_host *host, struct orri_child *child);
void orri_child_hear(struct orr_host *host, struct orri_child *child);
void orri_host_hear_nursery(struct orr_host *host);

#endif
