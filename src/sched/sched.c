/* sched.c - pools, nodes, and the choice
 * Owns: what is in flight where. Hands on: order within a pool (heap.c). */
#include "sched/sched.h"

#include "base/error.h"
#include "base/memory.h"
#include "sched/heap.h"

#include <stdlib.h>

struct node {
    uint32_t cores;
    uint32_t load; /* cores of what is in flight */
    uint32_t *tasks;
    size_t n;
    size_t cap;
    bool lost;
};

struct pool {
    struct orr_sched_pool is;
    struct orri_heap ready;
    uint32_t used; /* cores in flight, descendants included */
};

struct flight {
    struct orr_ready ready;
    uint32_t node; /* UINT32_MAX: not in flight */
    uint32_t slot; /* in the node's list */
};

struct orr_sched {
    struct pool *pools;
    uint32_t n_pools;
    struct node *nodes;
    uint32_t n_nodes;
    struct flight *flights; /* by task */
    size_t n_flights;
    struct orri_heap delayed;
    uint32_t cores;
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
    for (uint32_t i = 0; i < n; i++)
        sched->pools[i].is = pools[i];
    return sched;
}

void orr_sched_free(struct orr_sched *sched)
{
    if (!sched)
        return;
    for (uint32_t i = 0; i < sched->n_pools; i++)
        orri_heap_release(&sched->pools[i].ready);
    for (uint32_t i = 0; i < sched->n_nodes; i++)
        free(sched->nodes[i].tasks);
    orri_heap_release(&sched->delayed);
    free(sched->pools);
    free(sched->nodes);
    free(sched->flights);
    free(sched);
}

void orr_sched_node(struct orr_sched *sched, uint32_t node, uint32_t cores)
{
    while (sched->n_nodes <= node) {
        sched->nodes =
            orr_realloc(sched->nodes, sched->n_nodes + 1, sizeof *sched->nodes);
        sched->nodes[sched->n_nodes++] = (struct node) { 0 };
    }
    sched->cores += cores - sched->nodes[node].cores;
    sched->nodes[node].cores = cores;
}

bool orr_sched_fits(const struct orr_sched *sched, uint32_t pool, uint32_t cores,
                    const char **why)
{
    uint32_t largest = 0;
    for (uint32_t i = 0; i < sched->n_nodes; i++)
        if (sched->nodes[i].cores > largest)
            largest = sched->nodes[i].cores;
    *why = "it asks for more cores than any node has";
    if (cores > largest)
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
        if (sched->cores == 0 || pool->ready.n == 0 ||
            orr_sched_fits(sched, p, pool->ready.items[0].cores, why))
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
    orri_heap_push(&sched->delayed, &aged); /* moves on when its time has come */
}

static void wake(struct orr_sched *sched, int64_t now)
{
    struct orr_ready ready;
    while (sched->delayed.n && sched->delayed.items[0].not_before <= now) {
        orri_heap_pop(&sched->delayed, &ready);
        add_ready(sched, &ready);
    }
}

int64_t orr_sched_wake(const struct orr_sched *sched)
{
    return sched->delayed.n ? sched->delayed.items[0].not_before : INT64_MAX;
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

/* Cores that other pools keep for themselves even when idle (`borrow: false`). */
static uint32_t kept_by_others(const struct orr_sched *sched, uint32_t pool)
{
    uint32_t kept = 0;
    for (uint32_t p = 0; p < sched->n_pools; p++) {
        const struct pool *other = &sched->pools[p];
        if (!other->is.borrow && other->used < other->is.reserve &&
            !is_within(sched, pool, p))
            kept += other->is.reserve - other->used;
    }
    return kept;
}

static bool may_run(const struct orr_sched *sched, uint32_t pool, uint32_t cores)
{
    uint32_t kept = kept_by_others(sched, pool);
    return under_max(sched, pool, cores) &&
           (kept == 0 || sched->used + cores + kept <= sched->cores);
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
        if (pool->ready.n == 0 || !may_run(sched, p, pool->ready.items[0].cores))
            continue;
        if (!best || claim(pool) < claim(best))
            best = pool;
    }
    return best;
}

/* ---- nodes ---- */

/* Attempts a core may have waiting behind the one it runs: enough to hide the way of a
 * result to the disk and of the next order (a third of a second), few near the end. */
static uint32_t prefetch(const struct orr_sched *sched)
{
    const double hidden = 0.3;
    const uint32_t most = 2048;
    if (sched->ready < sched->cores)
        return 1;
    if (sched->mean_seconds < 0)
        return 1;
    double depth = hidden / (sched->mean_seconds > 1e-7 ? sched->mean_seconds : 1e-7);
    return depth < 1 ? 1 : depth > most ? most : (uint32_t)depth;
}

static bool has_room(const struct orr_sched *sched, const struct node *node,
                     uint32_t cores)
{
    uint64_t limit = (uint64_t)node->cores * (1 + prefetch(sched));
    return !node->lost && node->cores >= cores && node->load + cores <= limit;
}

static void fly(struct orr_sched *sched, uint32_t node_index,
                const struct orr_ready *ready)
{
    struct node *node = &sched->nodes[node_index];
    if (ready->task < sched->n_flights &&
        sched->flights[ready->task].node != UINT32_MAX)
        ORR_BUG("task %u is given out twice", ready->task);
    while (sched->n_flights <= ready->task) {
        size_t n = sched->n_flights ? sched->n_flights * 2 : 64;
        sched->flights = orr_realloc(sched->flights, n, sizeof *sched->flights);
        for (size_t i = sched->n_flights; i < n; i++)
            sched->flights[i].node = UINT32_MAX;
        sched->n_flights = n;
    }
    node->tasks = orr_grow(node->tasks, node->n, &node->cap, sizeof *node->tasks);
    sched->flights[ready->task] =
        (struct flight) { *ready, node_index, (uint32_t)node->n };
    node->tasks[node->n++] = ready->task;
    node->load += ready->cores;
    sched->used += ready->cores;
    sched->in_flight++;
    for (uint32_t p = ready->pool; p != UINT32_MAX; p = sched->pools[p].is.parent)
        sched->pools[p].used += ready->cores;
}

static void land(struct orr_sched *sched, uint32_t task)
{
    struct flight *flight = &sched->flights[task];
    struct node *node = &sched->nodes[flight->node];
    uint32_t moved = node->tasks[--node->n];
    node->tasks[flight->slot] = moved;
    sched->flights[moved].slot = flight->slot;
    flight->node = UINT32_MAX;
    node->load -= flight->ready.cores;
    sched->used -= flight->ready.cores;
    sched->in_flight--;
    for (uint32_t p = flight->ready.pool; p != UINT32_MAX;
         p = sched->pools[p].is.parent)
        sched->pools[p].used -= flight->ready.cores;
}

bool orr_sched_next(struct orr_sched *sched, uint32_t node, int64_t now,
                    struct orr_ready *out)
{
    if (node >= sched->n_nodes)
        return false;
    wake(sched, now);
    struct pool *pool = choose_pool(sched);
    if (!pool || !has_room(sched, &sched->nodes[node], pool->ready.items[0].cores))
        return false;
    orri_heap_pop(&pool->ready, out);
    sched->ready--;
    fly(sched, node, out);
    return true;
}

void orr_sched_done(struct orr_sched *sched, uint32_t task, double seconds)
{
    const double weight = 0.1;
    if (task >= sched->n_flights || sched->flights[task].node == UINT32_MAX)
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
    struct node *node = &sched->nodes[node_index];
    while (node->n) {
        struct orr_ready ready = sched->flights[node->tasks[node->n - 1]].ready;
        land(sched, ready.task);
        if (lost(context, &ready))
            orr_sched_add(sched, &ready);
    }
    node->lost = true;
    orr_sched_node(sched, node_index, 0);
}

uint64_t orr_sched_queued(const struct orr_sched *sched)
{
    return sched->ready + sched->delayed.n;
}

uint64_t orr_sched_in_flight(const struct orr_sched *sched) { return sched->in_flight; }

uint32_t orr_sched_node_load(const struct orr_sched *sched, uint32_t node)
{
    return node < sched->n_nodes ? sched->nodes[node].load : 0;
}

void orr_sched_clear(struct orr_sched *sched)
{
    for (uint32_t p = 0; p < sched->n_pools; p++)
        sched->pools[p].ready.n = 0;
    sched->delayed.n = 0;
    sched->ready = 0;
}
