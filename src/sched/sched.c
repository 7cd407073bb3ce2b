/* sched.c - what is ready, what is in flight where, and the choice
 * Owns: that. Hands on: what pools may use (pools.c), order within a pool (shelves.c,
 * heap.c), of nodes (nodes.c), the tail (tail.c), the end of the time (intime.c). */
#include "sched/internal.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>

struct orr_sched *orr_sched_new(const struct orr_sched_pool *pools, uint32_t n)
{
    struct orr_sched *sched = orr_alloc(1, sizeof *sched);
    sched->pools = orr_alloc(n, sizeof *sched->pools);
    sched->n_pools = n;
    sched->mean_seconds = -1;
    sched->end = INT64_MAX;
    sched->kept.node = UINT32_MAX;
    sched->delayed.order = ORRI_BY_TIME;
    sched->flight_of.size = sizeof(uint32_t);
    for (uint32_t i = 0; i < n; i++)
        sched->pools[i].is = pools[i];
    for (uint32_t i = 0; i < n; i++)
        sched->keeps = sched->keeps || (!pools[i].borrow && pools[i].reserve);
    return sched;
}

void orr_sched_free(struct orr_sched *sched)
{
    if (!sched)
        return;
    for (uint32_t i = 0; i < sched->n_pools; i++)
        orri_shelves_release(&sched->pools[i].ready);
    orri_nodes_release(&sched->nodes);
    orri_heap_release(&sched->delayed);
    free(sched->pools);
    free(sched->flights);
    free(sched->groups);
    free(sched->unused);
    orr_rows_release(&sched->flight_of);
    free(sched);
}

void orr_sched_node(struct orr_sched *sched, uint32_t node, uint32_t cores)
{
    if (node >= sched->nodes.n || !sched->nodes.items[node].lost)
        orri_nodes_set(&sched->nodes, node, cores);
}

void orr_sched_node_holds(struct orr_sched *sched, uint32_t node, uint64_t memory,
                          uint32_t gpus)
{
    orri_nodes_hold(&sched->nodes, node, memory, gpus);
}

void orr_sched_guest(struct orr_sched *sched, uint32_t node)
{
    orri_nodes_guest(&sched->nodes, node);
}

void orr_sched_doubt(struct orr_sched *sched, uint32_t node, bool doubted)
{
    sched->nodes.items[node].doubted = doubted;
}

static void add_ready(struct orr_sched *sched, const struct orr_ready *ready)
{
    orri_shelves_push(&sched->pools[ready->pool].ready, ready);
    sched->ready++;
}

void orr_sched_add(struct orr_sched *sched, const struct orr_ready *ready)
{
    struct orr_ready aged = *ready;
    aged.age = ++sched->age;
    if (aged.not_before > 0)
        orri_heap_push(&sched->delayed, &aged); /* moves on when its time has come */
    else
        add_ready(sched, &aged);
}

static void wake(struct orr_sched *sched, int64_t now)
{
    struct orr_ready ready;
    while (sched->delayed.n && orri_heap_first(&sched->delayed)->not_before <= now) {
        orri_heap_pop(&sched->delayed, &ready);
        add_ready(sched, &ready);
    }
}

int64_t orr_sched_wake(const struct orr_sched *sched)
{
    return sched->delayed.n ? orri_heap_first(&sched->delayed)->not_before : INT64_MAX;
}

/* ---- who is next ---- */

/* The shelf with the most urgent attempt of those that may run and were not tried in
 * this round; UINT32_MAX: none. */
static uint32_t choose_shelf(const struct orr_sched *sched, uint32_t p)
{
    const struct orri_shelves *shelves = &sched->pools[p].ready;
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < shelves->n && shelves->ready; i++) {
        const struct orri_shelf *shelf = &shelves->items[i];
        if (shelf->ready.n == 0 || shelf->tried == sched->round ||
            !orri_pool_may_run(sched, p, shelf->needs.cores) ||
            !orri_is_in_time(sched, shelf->group, shelf->cost))
            continue;
        if (best == UINT32_MAX ||
            orri_more_urgent(orri_heap_first(&shelf->ready),
                             orri_heap_first(&shelves->items[best].ready)))
            best = i;
    }
    return best;
}

static struct orri_pool *choose_pool(struct orr_sched *sched, uint32_t *shelf)
{
    struct orri_pool *best = NULL;
    for (uint32_t p = 0; p < sched->n_pools; p++) {
        struct orri_pool *pool = &sched->pools[p];
        if (best && orri_pool_claim(pool) >= orri_pool_claim(best))
            continue;
        uint32_t first = choose_shelf(sched, p);
        if (first == UINT32_MAX)
            continue;
        best = pool;
        *shelf = first;
    }
    return best;
}

/* ---- nodes ---- */

/* Attempts a core may have waiting behind the one it runs: enough to hide the way of a
 * result to the disk and of the next order (a third of a second), few near the end: a
 * long attempt that waits behind another then makes the run longer than the way does.
 */
static uint32_t prefetch(const struct orr_sched *sched)
{
    const double hidden = 0.3;
    const double is_long = 1;
    const uint32_t most = 32768;
    if (sched->ready < sched->nodes.cores)
        return sched->mean_seconds > is_long ? 0 : 1;
    if (sched->mean_seconds < 0)
        return 1;
    double depth = hidden / (sched->mean_seconds > 1e-7 ? sched->mean_seconds : 1e-7);
    return depth < 1 ? 1 : depth > most ? most : (uint32_t)depth;
}

/* Of memory and GPUs only short attempts wait at a node: what a long one waits for
 * there may become free elsewhere first. */
static struct orri_depth depth(const struct orr_sched *sched)
{
    const double is_short = 1;
    uint32_t deep = 1 + prefetch(sched);
    bool ahead = sched->mean_seconds >= 0 && sched->mean_seconds < is_short;
    return (struct orri_depth) { deep, ahead ? deep : 1 };
}

uint32_t *orri_flight_of(const struct orr_sched *sched, uint32_t task)
{
    return orr_rows_at(&sched->flight_of, task);
}

static uint32_t new_flight(struct orr_sched *sched)
{
    if (sched->n_unused)
        return sched->unused[--sched->n_unused];
    sched->flights = orr_grow(sched->flights, sched->n_flights, &sched->cap_flights,
                              sizeof *sched->flights);
    return (uint32_t)sched->n_flights++;
}

static void use_pools(struct orr_sched *sched, uint32_t pool, int32_t cores)
{
    sched->used += (uint32_t)cores;
    for (uint32_t p = pool; p != UINT32_MAX; p = sched->pools[p].is.parent)
        sched->pools[p].used += (uint32_t)cores;
}

/* On a full node it waits behind another first: for about as long as one takes. */
static int64_t begins(const struct orr_sched *sched, uint32_t node,
                      const struct orr_resources *needs)
{
    bool waits = !orri_node_has_room(&sched->nodes, node, needs, ORRI_AT_ONCE, NULL);
    double mean = sched->mean_seconds > 0 ? sched->mean_seconds : 0;
    return sched->now + (waits ? (int64_t)(mean * 1e9) : 0);
}

uint32_t orri_fly(struct orr_sched *sched, uint32_t node_index,
                  const struct orr_ready *ready)
{
    uint32_t at = new_flight(sched);
    struct orr_resources needs = orri_needs(ready);
    struct orri_sched_node *node = &sched->nodes.items[node_index];
    node->flights = orr_grow(node->flights, node->n, &node->cap, sizeof *node->flights);
    sched->flights[at] = (struct orri_sched_flight) {
        .ready = *ready,
        .node = node_index,
        .at = (uint32_t)node->n,
        .began = begins(sched, node_index, &needs),
    };
    node->flights[node->n++] = at;
    orri_nodes_load(&sched->nodes, node_index, &needs);
    use_pools(sched, ready->pool, (int32_t)ready->cores);
    sched->in_flight++;
    return at;
}

static void fly_first(struct orr_sched *sched, uint32_t node,
                      const struct orr_ready *ready)
{
    while (sched->flight_of.n <= ready->task)
        (void)orr_rows_add(&sched->flight_of);
    if (*orri_flight_of(sched, ready->task))
        ORR_BUG("task %u is given out twice", ready->task);
    *orri_flight_of(sched, ready->task) = 1 + orri_fly(sched, node, ready);
}

void orri_land(struct orr_sched *sched, uint32_t at)
{
    struct orri_sched_flight *flight = &sched->flights[at];
    struct orri_sched_node *node = &sched->nodes.items[flight->node];
    uint32_t moved = node->flights[--node->n];
    node->flights[flight->at] = moved;
    sched->flights[moved].at = flight->at;
    if (flight->twin) {
        sched->flights[flight->twin - 1].twin = 0;
        sched->flights[flight->twin - 1].ready.twice = false; /* it was */
    }
    *orri_flight_of(sched, flight->ready.task) = flight->twin;
    struct orr_resources needs = orri_needs(&flight->ready);
    orri_nodes_unload(&sched->nodes, flight->node, &needs);
    use_pools(sched, flight->ready.pool, -(int32_t)flight->ready.cores);
    sched->in_flight--;
    sched->unused = orr_grow(sched->unused, sched->n_unused, &sched->cap_unused,
                             sizeof *sched->unused);
    sched->unused[sched->n_unused++] = at;
}

/* ---- who goes first ---- */

static uint32_t takes(const struct orr_resources *needs)
{
    return (needs->cores ? ORRI_CORES : 0U) | (needs->memory ? ORRI_MEMORY : 0U) |
           (needs->gpus ? ORRI_GPUS : 0U);
}

/* Of an attempt that avoids nodes it is not known: it is taken to be all. */
static uint32_t short_of(const struct orr_sched *sched, const struct orri_shelf *shelf,
                         struct orri_depth deep)
{
    if (orri_heap_first(&shelf->ready)->avoid)
        return takes(&shelf->needs);
    return orri_nodes_short_of(&sched->nodes, &shelf->needs, deep);
}

static void keep_no_node(struct orr_sched *sched)
{
    sched->kept = (struct orri_kept) { .node = UINT32_MAX };
    sched->kept_pool = NULL;
}

/* May it go there? Nodes in doubt come last for attempts that avoid some node. */
static bool may_go(const struct orr_sched *sched, const struct orr_ready *ready,
                   uint32_t node, bool doubted)
{
    const struct orri_sched_node *is = &sched->nodes.items[node];
    struct orr_resources needs = orri_needs(ready);
    return node + 1 != ready->avoid && is->has.cores && !(ready->home && is->guest) &&
           (doubted || !is->doubted) && orr_resources_fit(&is->has, &needs);
}

static uint32_t node_to_keep(const struct orr_sched *sched,
                             const struct orr_ready *ready)
{
    struct orr_resources needs = orri_needs(ready);
    for (int doubted = 0; ready->avoid && doubted < 2; doubted++)
        for (uint32_t i = 0; i < sched->nodes.n; i++)
            if (may_go(sched, ready, i, doubted))
                return i;
    return orri_nodes_large_enough(&sched->nodes, &needs);
}

/* Cores go to an attempt that is not the first: those that it was preferred to had no
 * room. When too many did that to one, a node is kept for it. */
static void count_overtaking(struct orr_sched *sched, const struct orr_resources *by)
{
    for (uint32_t p = 0; p < sched->n_pools; p++) {
        struct orri_pool *pool = &sched->pools[p];
        for (uint32_t i = 0; i < pool->ready.n; i++) {
            struct orri_shelf *shelf = &pool->ready.items[i];
            if (shelf->tried != sched->round)
                continue;
            shelf->overtaken += by->cores;
            if (shelf->overtaken < sched->nodes.largest.cores || sched->kept_pool)
                continue;
            sched->kept.node = node_to_keep(sched, orri_heap_first(&shelf->ready));
            sched->kept.needs = shelf->needs;
            sched->kept_pool = pool;
            sched->kept_shelf = i;
        }
    }
}

/* What the node is kept for may have been taken out, or the node be gone. */
static void check_kept(struct orr_sched *sched)
{
    if (!sched->kept_pool)
        return;
    const struct orri_shelf *shelf = &sched->kept_pool->ready.items[sched->kept_shelf];
    if (shelf->ready.n == 0 || sched->kept.node == UINT32_MAX ||
        !orri_is_in_time(sched, shelf->group, shelf->cost) ||
        !orr_resources_fit(&sched->nodes.items[sched->kept.node].has, &shelf->needs))
        keep_no_node(sched);
}

/* Of those that may have it, one with room; UINT32_MAX: none has, or (*any false) none
 * may. Seldom, so that each is asked. */
static uint32_t room_beside(const struct orr_sched *sched,
                            const struct orr_ready *ready, bool doubted,
                            struct orri_depth deep, const struct orri_kept *kept,
                            bool *any)
{
    struct orr_resources needs = orri_needs(ready);
    for (uint32_t i = 0; i < sched->nodes.n; i++) {
        if (!may_go(sched, ready, i, doubted))
            continue;
        *any = true;
        if (orri_node_has_room(&sched->nodes, i, &needs, deep, kept))
            return i;
    }
    return UINT32_MAX;
}

static uint32_t find_room(const struct orr_sched *sched, const struct orri_pool *pool,
                          uint32_t shelf, struct orri_depth deep)
{
    bool own = pool == sched->kept_pool && shelf == sched->kept_shelf;
    const struct orri_kept *kept = own ? NULL : &sched->kept;
    const struct orr_ready *ready = orri_heap_first(&pool->ready.items[shelf].ready);
    bool any = false;
    uint32_t node = UINT32_MAX;
    for (int doubted = 0; ready->avoid && doubted < 2 && !any; doubted++)
        node = room_beside(sched, ready, doubted, deep, kept, &any);
    if (any)
        return node;
    return orri_nodes_with_room(&sched->nodes, &pool->ready.items[shelf].needs, deep,
                                kept, ready->home);
}

/* Attempts in a row that go to one node: about a hundredth of a second's, so that they
 * make one message of what follows each other; and no node is short for that. */
static uint32_t in_a_row(const struct orr_sched *sched, struct orri_depth deep)
{
    const uint32_t part = 32; /* of a third of a second */
    uint64_t even = sched->ready / (4 * ((uint64_t)sched->nodes.n_heap + 1));
    uint64_t most = deep.cores / part;
    return (uint32_t)(most < even ? most : even);
}

static uint32_t find_room_in_row(struct orr_sched *sched, const struct orri_pool *pool,
                                 uint32_t shelf, struct orri_depth deep)
{
    struct orri_row *row = &sched->row;
    const struct orri_shelf *is = &pool->ready.items[shelf];
    const struct orr_ready *first = orri_heap_first(&is->ready);
    if (row->left && row->pool == pool && row->shelf == shelf &&
        row->group == first->group && !first->avoid &&
        sched->nodes.items[row->node].at &&
        orri_node_has_room(&sched->nodes, row->node, &is->needs, deep, &sched->kept)) {
        row->left--;
        return row->node;
    }
    uint32_t node = find_room(sched, pool, shelf, deep);
    *row = (struct orri_row) {
        .pool = pool, .shelf = shelf, .group = first->group, .node = node
    };
    if (node != UINT32_MAX)
        row->left = in_a_row(sched, deep);
    return node;
}

static void give(struct orr_sched *sched, struct orri_pool *pool, uint32_t shelf,
                 uint32_t node, struct orr_ready *out)
{
    orri_shelves_pop(&pool->ready, shelf, out);
    sched->ready--;
    if (pool == sched->kept_pool && shelf == sched->kept_shelf)
        keep_no_node(sched);
    fly_first(sched, node, out);
}

/* Where the first of a shelf has no room, others that ask for the same have none; but
 * one that must not wait at a node says nothing of those that may. */
static void note_tried(struct orr_sched *sched, struct orri_pool *pool,
                       struct orri_shelf *first, bool pressed)
{
    first->tried = sched->round;
    for (uint32_t i = 0; i < pool->ready.n && pool->ready.by_time; i++) {
        struct orri_shelf *other = &pool->ready.items[i];
        if (other->ready.n && other->home == first->home &&
            orr_resources_equal(&other->needs, &first->needs) &&
            !orri_heap_first(&first->ready)->avoid &&
            !orri_heap_first(&other->ready)->avoid &&
            (!pressed || orri_is_pressed(sched, other->group, other->cost)))
            other->tried = sched->round;
    }
}

/* The first attempt, or else one behind it that finds room. One that takes what an
 * attempt before it is short of is not sent ahead of time: only to where it can start.
 */
bool orr_sched_next(struct orr_sched *sched, int64_t now, uint32_t *node,
                    struct orr_ready *out)
{
    struct orri_depth deep = depth(sched);
    uint32_t shelf = 0;
    uint32_t missing = 0;
    const struct orri_shelf *failed = NULL; /* the last that had no room */
    struct orri_pool *pool = NULL;
    wake(sched, now);
    sched->now = now;
    sched->round++;
    orri_note_early(sched);
    check_kept(sched);
    while ((pool = choose_pool(sched, &shelf)) != NULL) {
        struct orri_shelf *first = &pool->ready.items[shelf];
        if (failed) /* asked only when there is someone behind it */
            missing |= short_of(sched, failed, deep);
        bool rivals = (takes(&first->needs) & missing) != 0;
        bool pressed = !rivals && orri_is_pressed(sched, first->group, first->cost);
        *node = rivals || pressed ? find_room(sched, pool, shelf, ORRI_AT_ONCE)
                                  : find_room_in_row(sched, pool, shelf, deep);
        if (*node != UINT32_MAX) {
            if (rivals)
                count_overtaking(sched, &first->needs);
            give(sched, pool, shelf, *node, out);
            return true;
        }
        note_tried(sched, pool, first, pressed);
        failed = first;
    }
    return false;
}

const char *orr_sched_waits_for(const struct orr_sched *sched, uint32_t pool,
                                uint32_t group, const struct orr_resources *needs)
{
    const struct orri_shelves *shelves = &sched->pools[pool].ready;
    for (uint32_t i = 0; i < shelves->n; i++) {
        const struct orri_shelf *shelf = &shelves->items[i];
        if (!shelf->ready.n || !orr_resources_equal(&shelf->needs, needs) ||
            (shelves->by_time && shelf->group != group))
            continue;
        if (!orri_is_in_time(sched, shelf->group, shelf->cost))
            return "more time";
        uint32_t missing = orri_nodes_short_of(&sched->nodes, needs, ORRI_AT_ONCE);
        if (!orri_pool_may_run(sched, pool, needs->cores))
            return "its pool";
        return missing & ORRI_GPUS     ? "GPUs"
               : missing & ORRI_MEMORY ? "memory"
               : missing & ORRI_CORES  ? "cores"
                                       : NULL;
    }
    return NULL;
}

static void note_mean(struct orr_sched *sched, double seconds)
{
    const double weight = 0.1;
    if (seconds < 0)
        return;
    sched->mean_seconds =
        sched->mean_seconds < 0
            ? seconds
            : sched->mean_seconds + weight * (seconds - sched->mean_seconds);
}

/* + 1; 0: it is not in flight there. */
uint32_t orri_flight_on(const struct orr_sched *sched, uint32_t task, uint32_t node)
{
    uint32_t at = task < sched->flight_of.n ? *orri_flight_of(sched, task) : 0;
    if (at && sched->flights[at - 1].node != node)
        at = sched->flights[at - 1].twin;
    return at && sched->flights[at - 1].node == node ? at : 0;
}

bool orr_sched_ended(struct orr_sched *sched, uint32_t task, uint32_t node,
                     double seconds)
{
    uint32_t at = orri_flight_on(sched, task, node);
    if (!at)
        return false;
    orri_learn_cost(sched, &sched->flights[at - 1].ready, seconds);
    orri_land(sched, at - 1);
    note_mean(sched, seconds);
    return true;
}

void orr_sched_node_lost(struct orr_sched *sched, uint32_t node_index,
                         bool (*lost)(void *context, struct orr_ready *ready,
                                      int64_t ran),
                         void *context)
{
    struct orri_sched_node *node = &sched->nodes.items[node_index];
    while (node->n) {
        uint32_t at = node->flights[node->n - 1];
        struct orr_ready ready = sched->flights[at].ready;
        bool goes_on = sched->flights[at].twin != 0;
        int64_t ran = sched->now - sched->flights[at].began;
        orri_land(sched, at);
        if (!goes_on && lost(context, &ready, ran))
            orr_sched_add(sched, &ready);
    }
    orr_sched_node(sched, node_index, 0);
    node->lost = true;
}

uint64_t orr_sched_queued(const struct orr_sched *sched)
{
    return sched->ready + sched->delayed.n;
}

uint64_t orr_sched_in_flight(const struct orr_sched *sched) { return sched->in_flight; }

double orr_sched_mean(const struct orr_sched *sched)
{
    return sched->mean_seconds > 0 ? sched->mean_seconds : 0;
}

struct orr_resources orr_sched_node_loads(const struct orr_sched *sched, uint32_t node)
{
    static const struct orr_resources nothing = { 0 };
    return node < sched->nodes.n ? sched->nodes.items[node].load : nothing;
}

uint32_t orr_sched_node_load(const struct orr_sched *sched, uint32_t node)
{
    return orr_sched_node_loads(sched, node).cores;
}

void orr_sched_clear(struct orr_sched *sched)
{
    for (uint32_t p = 0; p < sched->n_pools; p++)
        orri_shelves_clear(&sched->pools[p].ready);
    orri_heap_clear(&sched->delayed);
    sched->ready = 0;
}
