/* sched.c - pools, nodes, and the choice
 * Owns: what is in flight where. Hands on: order within a pool (heap.c), of nodes
 * (nodes.c). */
#include "sched/sched.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/rows.h"
#include "sched/heap.h"
#include "sched/nodes.h"

#include <stdlib.h>

struct pool {
    struct orr_sched_pool is;
    struct orri_heap ready;
    uint32_t used; /* cores in flight, descendants included */
};

struct flight {
    struct orr_ready ready;
    uint32_t node;
    uint32_t at; /* in the node's list */
};

struct orr_sched {
    struct pool *pools;
    uint32_t n_pools;
    bool keeps; /* some pool does not lend its reserve */
    struct orri_sched_nodes nodes;
    struct flight *flights; /* of what is in flight, and unused ones */
    size_t n_flights;
    size_t cap_flights;
    uint32_t *unused; /* flights */
    size_t n_unused;
    size_t cap_unused;
    struct orr_rows flight_of; /* uint32_t by task, + 1; 0: not in flight */
    struct orri_heap delayed;
    uint32_t used;
    uint64_t in_flight;
    uint64_t ready;
    uint64_t age;
    double mean_seconds; /* moving, of attempts; < 0: none yet */
};

struct orr_sched *orr_sched_new(const struct orr_sched_pool *pools, uint32_t n)
{
    struct orr_sched *sched = orr_alloc(1, sizeof *sched);
    sched->pools = orr_alloc(n, sizeof *sched->pools);
    sched->n_pools = n;
    sched->mean_seconds = -1;
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
        orri_heap_release(&sched->pools[i].ready);
    orri_nodes_release(&sched->nodes);
    orri_heap_release(&sched->delayed);
    free(sched->pools);
    free(sched->flights);
    free(sched->unused);
    orr_rows_release(&sched->flight_of);
    free(sched);
}

void orr_sched_node(struct orr_sched *sched, uint32_t node, uint32_t cores)
{
    if (node >= sched->nodes.n || !sched->nodes.items[node].lost)
        orri_nodes_set(&sched->nodes, node, cores);
}

bool orr_sched_fits(const struct orr_sched *sched, uint32_t pool, uint32_t cores,
                    const char **why)
{
    *why = "it asks for more cores than any node has";
    if (cores > sched->nodes.largest)
        return false;
    *why = "it asks for more cores than its pool may use";
    for (uint32_t p = pool; p != UINT32_MAX; p = sched->pools[p].is.parent)
        if (sched->pools[p].is.max && cores > sched->pools[p].is.max)
            return false;
    return true;
}

bool orr_sched_take_unfit(struct orr_sched *sched, struct orr_ready *out,
                          const char **why)
{
    for (uint32_t p = 0; p < sched->n_pools; p++) {
        struct pool *pool = &sched->pools[p];
        if (sched->nodes.cores == 0 || pool->ready.n == 0 ||
            orr_sched_fits(sched, p, orri_heap_first(&pool->ready)->cores, why))
            continue;
        orri_heap_pop(&pool->ready, out);
        sched->ready--;
        return true;
    }
    return false;
}

static void add_ready(struct orr_sched *sched, const struct orr_ready *ready)
{
    orri_heap_push(&sched->pools[ready->pool].ready, ready);
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

/* ---- pools ---- */

static bool under_max(const struct orr_sched *sched, uint32_t pool, uint32_t cores)
{
    for (uint32_t p = pool; p != UINT32_MAX; p = sched->pools[p].is.parent)
        if (sched->pools[p].is.max &&
            sched->pools[p].used + cores > sched->pools[p].is.max)
            return false;
    return true;
}

static bool is_within(const struct orr_sched *sched, uint32_t pool, uint32_t ancestor)
{
    for (uint32_t p = pool; p != UINT32_MAX; p = sched->pools[p].is.parent)
        if (p == ancestor)
            return true;
    return false;
}

/* Other pools that keep their reserve (`borrow: false`): is there one, and how much of
 * that is idle now? */
static bool kept_by_others(const struct orr_sched *sched, uint32_t pool, uint32_t *idle)
{
    bool any = false;
    *idle = 0;
    for (uint32_t p = 0; p < sched->n_pools && sched->keeps; p++) {
        const struct pool *other = &sched->pools[p];
        if (other->is.borrow || !other->is.reserve || is_within(sched, pool, p))
            continue;
        any = true;
        if (other->used < other->is.reserve)
            *idle += other->is.reserve - other->used;
    }
    return any;
}

/* Beside a pool that keeps cores nothing is given out ahead: an attempt that waits at a
 * node would take the core that a short call of that pool has just left. */
static bool may_run(const struct orr_sched *sched, uint32_t pool, uint32_t cores)
{
    uint32_t idle = 0;
    return under_max(sched, pool, cores) &&
           (!kept_by_others(sched, pool, &idle) ||
            sched->used + cores + idle <= sched->nodes.cores);
}

/* Smaller goes first: pools below their reserve, then the least used for their share.
 */
static double claim(const struct pool *pool)
{
    if (pool->used < pool->is.reserve)
        return -1.0 + (double)pool->used / (double)pool->is.reserve;
    return (double)pool->used / (pool->is.share > 0 ? pool->is.share : 1.0);
}

static struct pool *choose_pool(struct orr_sched *sched)
{
    struct pool *best = NULL;
    for (uint32_t p = 0; p < sched->n_pools; p++) {
        struct pool *pool = &sched->pools[p];
        if (pool->ready.n == 0 ||
            !may_run(sched, p, orri_heap_first(&pool->ready)->cores))
            continue;
        if (!best || claim(pool) < claim(best))
            best = pool;
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
    const uint32_t most = 8192;
    if (sched->ready < sched->nodes.cores)
        return sched->mean_seconds > is_long ? 0 : 1;
    if (sched->mean_seconds < 0)
        return 1;
    double depth = hidden / (sched->mean_seconds > 1e-7 ? sched->mean_seconds : 1e-7);
    return depth < 1 ? 1 : depth > most ? most : (uint32_t)depth;
}

static uint32_t *flight_of(const struct orr_sched *sched, uint32_t task)
{
    return orr_rows_at(&sched->flight_of, task);
}

static uint32_t new_flight(struct orr_sched *sched, uint32_t task)
{
    while (sched->flight_of.n <= task)
        (void)orr_rows_add(&sched->flight_of);
    if (*flight_of(sched, task))
        ORR_BUG("task %u is given out twice", task);
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

static void fly(struct orr_sched *sched, uint32_t node_index,
                const struct orr_ready *ready)
{
    uint32_t at = new_flight(sched, ready->task);
    struct orri_sched_node *node = &sched->nodes.items[node_index];
    node->flights = orr_grow(node->flights, node->n, &node->cap, sizeof *node->flights);
    *flight_of(sched, ready->task) = at + 1;
    sched->flights[at] = (struct flight) { *ready, node_index, (uint32_t)node->n };
    node->flights[node->n++] = at;
    orri_nodes_load(&sched->nodes, node_index, (int32_t)ready->cores);
    use_pools(sched, ready->pool, (int32_t)ready->cores);
    sched->in_flight++;
}

static void land(struct orr_sched *sched, uint32_t task)
{
    uint32_t at = *flight_of(sched, task) - 1;
    struct flight *flight = &sched->flights[at];
    struct orri_sched_node *node = &sched->nodes.items[flight->node];
    uint32_t moved = node->flights[--node->n];
    node->flights[flight->at] = moved;
    sched->flights[moved].at = flight->at;
    *flight_of(sched, task) = 0;
    orri_nodes_load(&sched->nodes, flight->node, -(int32_t)flight->ready.cores);
    use_pools(sched, flight->ready.pool, -(int32_t)flight->ready.cores);
    sched->in_flight--;
    sched->unused = orr_grow(sched->unused, sched->n_unused, &sched->cap_unused,
                             sizeof *sched->unused);
    sched->unused[sched->n_unused++] = at;
}

bool orr_sched_next(struct orr_sched *sched, int64_t now, uint32_t *node,
                    struct orr_ready *out)
{
    wake(sched, now);
    struct pool *pool = choose_pool(sched);
    if (!pool)
        return false;
    *node = orri_nodes_with_room(&sched->nodes, orri_heap_first(&pool->ready)->cores,
                                 1 + prefetch(sched));
    if (*node == UINT32_MAX)
        return false;
    orri_heap_pop(&pool->ready, out);
    sched->ready--;
    fly(sched, *node, out);
    return true;
}

void orr_sched_done(struct orr_sched *sched, uint32_t task, double seconds)
{
    const double weight = 0.1;
    if (task >= sched->flight_of.n || !*flight_of(sched, task))
        return;
    land(sched, task);
    if (seconds < 0)
        return;
    sched->mean_seconds =
        sched->mean_seconds < 0
            ? seconds
            : sched->mean_seconds + weight * (seconds - sched->mean_seconds);
}

void orr_sched_node_lost(struct orr_sched *sched, uint32_t node_index,
                         bool (*lost)(void *context, struct orr_ready *ready),
                         void *context)
{
    struct orri_sched_node *node = &sched->nodes.items[node_index];
    while (node->n) {
        struct orr_ready ready = sched->flights[node->flights[node->n - 1]].ready;
        land(sched, ready.task);
        if (lost(context, &ready))
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

uint32_t orr_sched_node_load(const struct orr_sched *sched, uint32_t node)
{
    return node < sched->nodes.n ? sched->nodes.items[node].load : 0;
}

void orr_sched_clear(struct orr_sched *sched)
{
    for (uint32_t p = 0; p < sched->n_pools; p++)
        orri_heap_clear(&sched->pools[p].ready);
    orri_heap_clear(&sched->delayed);
    sched->ready = 0;
}
