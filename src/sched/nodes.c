/* nodes.c - nodes in order of their load, so that the choice of one costs the logarithm
 * of their number, not their number
 * Owns: loads, and the order. Hands on: what is in flight (sched.c). */
#include "sched/nodes.h"

#include "base/memory.h"

#include <stdlib.h>

static bool emptier(const struct orri_sched_nodes *nodes, uint32_t a, uint32_t b)
{
    const struct orri_sched_node *x = &nodes->items[a];
    const struct orri_sched_node *y = &nodes->items[b];
    uint64_t load_x = (uint64_t)x->load * y->cores;
    uint64_t load_y = (uint64_t)y->load * x->cores;
    return load_x != load_y ? load_x < load_y : a < b;
}

static void put(struct orri_sched_nodes *nodes, uint32_t at, uint32_t node)
{
    nodes->heap[at] = node;
    nodes->items[node].at = at + 1;
}

/* The node stands at `at`, or belongs there, and its load changed. */
static void settle(struct orri_sched_nodes *nodes, uint32_t at, uint32_t node)
{
    while (at && emptier(nodes, node, nodes->heap[(at - 1) / 2])) {
        put(nodes, at, nodes->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (uint32_t child = 2 * at + 1; child < nodes->n_heap; child = 2 * at + 1) {
        if (child + 1 < nodes->n_heap &&
            emptier(nodes, nodes->heap[child + 1], nodes->heap[child]))
            child++;
        if (!emptier(nodes, nodes->heap[child], node))
            break;
        put(nodes, at, nodes->heap[child]);
        at = child;
    }
    put(nodes, at, node);
}

static void take_out(struct orri_sched_nodes *nodes, uint32_t node)
{
    uint32_t at = nodes->items[node].at - 1;
    uint32_t last = nodes->heap[--nodes->n_heap];
    nodes->items[node].at = 0;
    if (last != node)
        settle(nodes, at, last);
}

static void find_largest(struct orri_sched_nodes *nodes)
{
    nodes->largest = 0;
    for (uint32_t i = 0; i < nodes->n; i++)
        if (nodes->items[i].cores > nodes->largest)
            nodes->largest = nodes->items[i].cores;
}

void orri_nodes_set(struct orri_sched_nodes *nodes, uint32_t node, uint32_t cores)
{
    while (nodes->n <= node) {
        nodes->items = orr_realloc(nodes->items, nodes->n + 1, sizeof *nodes->items);
        nodes->heap = orr_realloc(nodes->heap, nodes->n + 1, sizeof *nodes->heap);
        nodes->items[nodes->n++] = (struct orri_sched_node) { 0 };
    }
    struct orri_sched_node *is = &nodes->items[node];
    bool shrinks = cores < is->cores;
    if (is->at)
        take_out(nodes, node);
    nodes->cores += cores - is->cores;
    is->cores = cores;
    if (cores > nodes->largest)
        nodes->largest = cores;
    else if (shrinks)
        find_largest(nodes);
    if (cores)
        settle(nodes, nodes->n_heap++, node);
}

void orri_nodes_load(struct orri_sched_nodes *nodes, uint32_t node, int32_t cores)
{
    struct orri_sched_node *is = &nodes->items[node];
    is->load += (uint32_t)cores;
    if (is->at)
        settle(nodes, is->at - 1, node);
}

/* Below `at` all nodes are at least as full as that one: when even the largest node
 * would have no room with that load, none of them has. */
static uint32_t look(const struct orri_sched_nodes *nodes, uint32_t at, uint32_t cores,
                     uint32_t deep, uint32_t best)
{
    if (at >= nodes->n_heap)
        return best;
    uint32_t node = nodes->heap[at];
    const struct orri_sched_node *is = &nodes->items[node];
    uint64_t limit = (uint64_t)is->cores * deep;
    if (best != UINT32_MAX && !emptier(nodes, node, best))
        return best;
    if (is->cores >= cores && is->load + cores <= limit)
        return node;
    uint64_t room = is->load < limit ? limit - is->load : 0;
    if (room * nodes->largest < (uint64_t)cores * is->cores)
        return best;
    best = look(nodes, 2 * at + 1, cores, deep, best);
    return look(nodes, 2 * at + 2, cores, deep, best);
}

uint32_t orri_nodes_with_room(const struct orri_sched_nodes *nodes, uint32_t cores,
                              uint32_t deep)
{
    return look(nodes, 0, cores, deep, UINT32_MAX);
}

void orri_nodes_release(struct orri_sched_nodes *nodes)
{
    for (uint32_t i = 0; i < nodes->n; i++)
        free(nodes->items[i].flights);
    free(nodes->items);
    free(nodes->heap);
    *nodes = (struct orri_sched_nodes) { 0 };
}
