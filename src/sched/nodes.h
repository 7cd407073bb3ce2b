/* nodes.h - nodes in order of their load, the emptiest first */
#ifndef ORR_SCHED_NODES_H
#define ORR_SCHED_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orri_sched_node {
    uint32_t cores;
    uint32_t load; /* cores of what is in flight */
    uint32_t at;   /* in the heap + 1; 0: it has no cores and gets nothing */
    bool lost;
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
    uint32_t largest; /* cores */
    uint32_t cores;   /* in all */
};

/* Nodes are numbered densely; one that is new has no cores. */
void orri_nodes_set(struct orri_sched_nodes *nodes, uint32_t node, uint32_t cores);
void orri_nodes_load(struct orri_sched_nodes *nodes, uint32_t node, int32_t cores);
/* The emptiest node that has room for `cores` when a core may have `deep` cores' worth
 * of attempts; UINT32_MAX: none. */
uint32_t orri_nodes_with_room(const struct orri_sched_nodes *nodes, uint32_t cores,
                              uint32_t deep);
void orri_nodes_release(struct orri_sched_nodes *nodes);

#endif
