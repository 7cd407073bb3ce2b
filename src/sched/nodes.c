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
    uint64_t load_x = (uint64_t)x->load.cores * y->has.cores;
    uint64_t load_y = (uint64_t)y->load.cores * x->has.cores;
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

static void raise(struct orr_resources *to, const struct orr_resources *at_least)
{
    to->cores = at_least->cores > to->cores ? at_least->cores : to->cores;
    to->gpus = at_least->gpus > to->gpus ? at_least->gpus : to->gpus;
    to->memory = at_least->memory > to->memory ? at_least->memory : to->memory;
}

static void find_largest(struct orri_sched_nodes *nodes)
{
    nodes->largest = (struct orr_resources) { 0 };
    for (uint32_t i = 0; i < nodes->n; i++)
        if (nodes->items[i].has.cores && !nodes->items[i].guest)
            raise(&nodes->largest, &nodes->items[i].has);
}

/* So much that its product with the deepest prefetch, 2^15 + 1, still fits. */
static const uint64_t WITHOUT_END = (uint64_t)1 << 48;

static void list_guest(struct orri_sched_nodes *nodes, uint32_t node)
{
    nodes->guests =
        orr_realloc(nodes->guests, nodes->n_guests + 1, sizeof *nodes->guests);
    nodes->guests[nodes->n_guests++] = node;
}

static void unlist_guest(struct orri_sched_nodes *nodes, uint32_t node)
{
    uint32_t at = 0;
    while (nodes->guests[at] != node)
        at++;
    nodes->guests[at] = nodes->guests[--nodes->n_guests];
}

void orri_nodes_set(struct orri_sched_nodes *nodes, uint32_t node, uint32_t cores)
{
    while (nodes->n <= node) {
        nodes->items = orr_realloc(nodes->items, nodes->n + 1, sizeof *nodes->items);
        nodes->heap = orr_realloc(nodes->heap, nodes->n + 1, sizeof *nodes->heap);
        nodes->items[nodes->n++] =
            (struct orri_sched_node) { .has = { .memory = WITHOUT_END } };
    }
    struct orri_sched_node *is = &nodes->items[node];
    bool shrinks = cores < is->has.cores;
    if (is->guest && !is->has.cores && cores)
        list_guest(nodes, node);
    if (is->guest && is->has.cores && !cores)
        unlist_guest(nodes, node);
    if (is->at)
        take_out(nodes, node);
    nodes->cores += cores - is->has.cores;
    is->has.cores = cores;
    if (shrinks)
        find_largest(nodes);
    else if (cores && !is->guest)
        raise(&nodes->largest, &is->has);
    if (cores)
        settle(nodes, nodes->n_heap++, node);
}

void orri_nodes_hold(struct orri_sched_nodes *nodes, uint32_t node, uint64_t memory,
                     uint32_t gpus)
{
    struct orr_resources *has = &nodes->items[node].has;
    has->memory = memory && memory < WITHOUT_END ? memory : WITHOUT_END;
    has->gpus = gpus;
    find_largest(nodes);
}

void orri_nodes_load(struct orri_sched_nodes *nodes, uint32_t node,
                     const struct orr_resources *what)
{
    struct orri_sched_node *is = &nodes->items[node];
    orr_resources_add(&is->load, what);
    if (is->at)
        settle(nodes, is->at - 1, node);
}

void orri_nodes_unload(struct orri_sched_nodes *nodes, uint32_t node,
                       const struct orr_resources *what)
{
    struct orri_sched_node *is = &nodes->items[node];
    orr_resources_take(&is->load, what);
    if (is->at)
        settle(nodes, is->at - 1, node);
}

struct search {
    const struct orri_sched_nodes *nodes;
    const struct orr_resources *want;
    const struct orri_kept *kept;
    struct orri_depth deep;
    bool home;
};

static uint64_t left(uint64_t limit, uint64_t load)
{
    return load < limit ? limit - load : 0; /* the node may have lost some */
}

/* What may still be sent to a node. */
static struct orr_resources room_on(const struct orri_sched_node *is,
                                    struct orri_depth deep)
{
    return (struct orr_resources) {
        .cores = (uint32_t)left((uint64_t)is->has.cores * deep.cores, is->load.cores),
        .gpus = (uint32_t)left((uint64_t)is->has.gpus * deep.others, is->load.gpus),
        .memory = left(is->has.memory * deep.others, is->load.memory),
    };
}

struct orr_resources orri_node_idle(const struct orri_sched_node *node)
{
    return room_on(node, ORRI_AT_ONCE);
}

bool orri_node_has_room(const struct orri_sched_nodes *nodes, uint32_t node,
                        const struct orr_resources *want, struct orri_depth deep,
                        const struct orri_kept *kept)
{
    const struct orri_sched_node *is = &nodes->items[node];
    struct orr_resources room = room_on(is, deep);
    return orr_resources_fit(&is->has, want) && orr_resources_fit(&room, want) &&
           (!kept || kept->node != node || orr_fits_beside(&room, want, &kept->needs));
}

/* Below `at` all nodes are at least as full as that one: when even the largest node
 * would have no room with that load, none of them has. (Of cores, that is; when only
 * memory or GPUs are short, all nodes are looked at.) */
static uint32_t look(const struct search *s, uint32_t at, uint32_t best)
{
    const struct orri_sched_nodes *nodes = s->nodes;
    if (at >= nodes->n_heap)
        return best;
    uint32_t node = nodes->heap[at];
    const struct orri_sched_node *is = &nodes->items[node];
    uint64_t limit = (uint64_t)is->has.cores * s->deep.cores;
    if (best != UINT32_MAX && !emptier(nodes, node, best))
        return best;
    if (!(s->home && is->guest) &&
        orri_node_has_room(nodes, node, s->want, s->deep, s->kept))
        return node;
    uint64_t room = is->load.cores < limit ? limit - is->load.cores : 0;
    if (room * nodes->largest.cores < (uint64_t)s->want->cores * is->has.cores)
        return best;
    best = look(s, 2 * at + 1, best);
    return look(s, 2 * at + 2, best);
}

/* They are few. */
static uint32_t guest_with_room(const struct search *s)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < s->nodes->n_guests; i++) {
        uint32_t node = s->nodes->guests[i];
        if (orri_node_has_room(s->nodes, node, s->want, s->deep, s->kept) &&
            (best == UINT32_MAX || emptier(s->nodes, node, best)))
            best = node;
    }
    return best;
}

uint32_t orri_nodes_with_room(const struct orri_sched_nodes *nodes,
                              const struct orr_resources *want, struct orri_depth deep,
                              const struct orri_kept *kept, bool home)
{
    struct search s = { nodes, want, kept, deep, home };
    uint32_t guest = home ? UINT32_MAX : guest_with_room(&s);
    return guest != UINT32_MAX ? guest : look(&s, 0, UINT32_MAX);
}

void orri_nodes_guest(struct orri_sched_nodes *nodes, uint32_t node)
{
    if (nodes->items[node].has.cores)
        list_guest(nodes, node);
    nodes->items[node].guest = true;
    find_largest(nodes);
}

bool orri_nodes_any_large_enough(const struct orri_sched_nodes *nodes,
                                 const struct orr_resources *want)
{
    for (uint32_t i = 0; i < nodes->n; i++)
        if (nodes->items[i].has.cores && !nodes->items[i].guest &&
            orr_resources_fit(&nodes->items[i].has, want))
            return true;
    return false;
}

uint32_t orri_nodes_large_enough(const struct orri_sched_nodes *nodes,
                                 const struct orr_resources *want)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < nodes->n; i++)
        if (nodes->items[i].has.cores && !nodes->items[i].guest &&
            orr_resources_fit(&nodes->items[i].has, want) &&
            (best == UINT32_MAX || emptier(nodes, i, best)))
            best = i;
    return best;
}

uint32_t orri_nodes_short_of(const struct orri_sched_nodes *nodes,
                             const struct orr_resources *want, struct orri_depth deep)
{
    uint32_t node = orri_nodes_large_enough(nodes, want);
    if (node == UINT32_MAX)
        return 0;
    struct orr_resources room = room_on(&nodes->items[node], deep);
    return (want->cores > room.cores ? ORRI_CORES : 0U) |
           (want->memory > room.memory ? ORRI_MEMORY : 0U) |
           (want->gpus > room.gpus ? ORRI_GPUS : 0U);
}

void orri_nodes_release(struct orri_sched_nodes *nodes)
{
    for (uint32_t i = 0; i < nodes->n; i++)
        free(nodes->items[i].flights);
    free(nodes->items);
    free(nodes->heap);
    free(nodes->guests);
    *nodes = (struct orri_sched_nodes) { 0 };
}
