/* nodes.h - nodes in order of their load, the emptiest first */
#ifndef ORR_SCHED_NODES_H
#define ORR_SCHED_NODES_H

#include "base/resources.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orri_sched_node {
    struct orr_resources has;
    struct orr_resources load; /* of what is in flight */
    uint32_t at; /* in the heap + 1; 0: it has no cores and gets nothing */
    bool lost;
    bool guest;
    bool doubted;      /* what avoids a node avoids this one, too */
    uint32_t *flights; /* what is in flight there */
    size_t n;
    size_t cap;
};

/* Zeroed struct is empty. heap[0] has the least load a core; of equals, the first. */
struct orri_sched_nodes {
    struct orri_sched_node *items;
    uint32_t n;
    uint32_t *heap;
    uint32_t n_heap;
    uint32_t *guests; /* that have cores */
    uint32_t n_guests;
    struct orr_resources largest; /* of each, what the node with most of it has; but
                                     for guests, which may not stay */
    uint32_t cores;               /* in all */
};

/* A call that waits for room on a node, which others may not use up. */
struct orri_kept {
    uint32_t node; /* UINT32_MAX: none */
    struct orr_resources needs;
};

/* How many times what a node has may be in flight there: running, and waiting behind
 * that. */
struct orri_depth {
    uint32_t cores;
    uint32_t others; /* memory, GPUs */
};
static const struct orri_depth ORRI_AT_ONCE = { 1, 1 };

/* Nodes are numbered densely; one that is new has no cores, no GPUs, and memory without
 * end. */
void orri_nodes_set(struct orri_sched_nodes *nodes, uint32_t node, uint32_t cores);
void orri_nodes_hold(struct orri_sched_nodes *nodes, uint32_t node, uint64_t memory,
                     uint32_t gpus);
void orri_nodes_load(struct orri_sched_nodes *nodes, uint32_t node,
                     const struct orr_resources *what);
void orri_nodes_unload(struct orri_sched_nodes *nodes, uint32_t node,
                       const struct orr_resources *what);
/* `kept` may be NULL. */
bool orri_node_has_room(const struct orri_sched_nodes *nodes, uint32_t node,
                        const struct orr_resources *want, struct orri_depth deep,
                        const struct orri_kept *kept);
/* The emptiest node that has room for `want`, and leaves what is kept; UINT32_MAX:
 * none. `home`: no guest; else guests come first. */
uint32_t orri_nodes_with_room(const struct orri_sched_nodes *nodes,
                              const struct orr_resources *want, struct orri_depth deep,
                              const struct orri_kept *kept, bool home);
void orri_nodes_guest(struct orri_sched_nodes *nodes, uint32_t node);
bool orri_nodes_any_large_enough(const struct orri_sched_nodes *nodes,
                                 const struct orr_resources *want);
/* The emptiest that is large enough, full or not; no guest, which may not stay.
 * UINT32_MAX: none. */
uint32_t orri_nodes_large_enough(const struct orri_sched_nodes *nodes,
                                 const struct orr_resources *want);
/* What is short there: a sum of these. */
enum { ORRI_CORES = 1, ORRI_MEMORY = 2, ORRI_GPUS = 4 };
/* What nothing in flight takes there. */
struct orr_resources orri_node_idle(const struct orri_sched_node *node);
uint32_t orri_nodes_short_of(const struct orri_sched_nodes *nodes,
                             const struct orr_resources *want, struct orri_depth deep);
void orri_nodes_release(struct orri_sched_nodes *nodes);

#endif
