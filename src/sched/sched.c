/* sched.c - pools, nodes, and the choice
 * Owns: what is in flight where. Hands on: order within a pool (heap.c), of nodes
 * (nodes.c). */
#include "sched/sched.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/rows.h"
#include "sched/heap.h"
#include "sched/nodes.h"
#include "sched/typical.h"

#include <stdlib.h>

struct pool {
    struct orr_sched_pool is;
    struct orri_heap ready;
    uint32_t used; /* cores in flight, descendants included */
};

struct flight {
    struct orr_ready ready;
    uint32_t node;
    uint32_t at;   /* in the node's list */
    uint32_t twin; /* the other flight of its task + 1 */
    int64_t began; /* when it probably got its core; the caller's clock */
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
    double mean_seconds;          /* moving, of attempts; < 0: none yet */
    int64_t now;                  /* when orr_sched_next() was asked last */
    struct orri_typical *typical; /* by group */
    uint32_t n_typical;
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
    free(sched->typical);
    free(sched->unused);
    orr_rows_release(&sched->flight_of);
    free(sched);
}

void orr_sched_node(struct orr_sched *sched, uint32_t node, uint32_t cores)
{
    if (node >= sched->nodes.n || !sched->nodes.items[node].lost)
        orri_nodes_set(&sched->nodes, node, cores);
}

void orr_sched_doubt(struct orr_sched *sched, uint32_t node, bool doubted)
{
    sched->nodes.items[node].doubted = doubted;
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
static int64_t begins(const struct orr_sched *sched, const struct orri_sched_node *node,
                      uint32_t cores)
{
    bool waits = node->load + cores > node->cores;
    double mean = sched->mean_seconds > 0 ? sched->mean_seconds : 0;
    return sched->now + (waits ? (int64_t)(mean * 1e9) : 0);
}

static uint32_t fly(struct orr_sched *sched, uint32_t node_index,
                    const struct orr_ready *ready)
{
    uint32_t at = new_flight(sched);
    struct orri_sched_node *node = &sched->nodes.items[node_index];
    node->flights = orr_grow(node->flights, node->n, &node->cap, sizeof *node->flights);
    sched->flights[at] = (struct flight) {
        .ready = *ready,
        .node = node_index,
        .at = (uint32_t)node->n,
        .began = begins(sched, node, ready->cores),
    };
    node->flights[node->n++] = at;
    orri_nodes_load(&sched->nodes, node_index, (int32_t)ready->cores);
    use_pools(sched, ready->pool, (int32_t)ready->cores);
    sched->in_flight++;
    return at;
}

static void fly_first(struct orr_sched *sched, uint32_t node,
                      const struct orr_ready *ready)
{
    while (sched->flight_of.n <= ready->task)
        (void)orr_rows_add(&sched->flight_of);
    if (*flight_of(sched, ready->task))
        ORR_BUG("task %u is given out twice", ready->task);
    *flight_of(sched, ready->task) = 1 + fly(sched, node, ready);
}

static void land(struct orr_sched *sched, uint32_t at)
{
    struct flight *flight = &sched->flights[at];
    struct orri_sched_node *node = &sched->nodes.items[flight->node];
    uint32_t moved = node->flights[--node->n];
    node->flights[flight->at] = moved;
    sched->flights[moved].at = flight->at;
    if (flight->twin) {
        sched->flights[flight->twin - 1].twin = 0;
        sched->flights[flight->twin - 1].ready.twice = false; /* it was */
    }
    *flight_of(sched, flight->ready.task) = flight->twin;
    orri_nodes_load(&sched->nodes, flight->node, -(int32_t)flight->ready.cores);
    use_pools(sched, flight->ready.pool, -(int32_t)flight->ready.cores);
    sched->in_flight--;
    sched->unused = orr_grow(sched->unused, sched->n_unused, &sched->cap_unused,
                             sizeof *sched->unused);
    sched->unused[sched->n_unused++] = at;
}

/* Of those that may have it, one with room; UINT32_MAX: none has, or (*any false) none
 * may. Seldom, so that each is asked. */
static uint32_t room_beside(const struct orr_sched *sched,
                            const struct orr_ready *ready, bool doubted, bool *any)
{
    uint64_t deep = 1 + prefetch(sched);
    for (uint32_t i = 0; i < sched->nodes.n; i++) {
        const struct orri_sched_node *node = &sched->nodes.items[i];
        if (i + 1 == ready->avoid || node->cores < ready->cores ||
            (node->doubted && !doubted))
            continue;
        *any = true;
        if (node->load + ready->cores <= node->cores * deep)
            return i;
    }
    return UINT32_MAX;
}

static uint32_t choose_node(const struct orr_sched *sched,
                            const struct orr_ready *ready)
{
    bool any = false;
    uint32_t node = UINT32_MAX;
    for (int doubted = 0; ready->avoid && doubted < 2 && !any; doubted++)
        node = room_beside(sched, ready, doubted, &any);
    if (any)
        return node;
    return orri_nodes_with_room(&sched->nodes, ready->cores, 1 + prefetch(sched));
}

bool orr_sched_next(struct orr_sched *sched, int64_t now, uint32_t *node,
                    struct orr_ready *out)
{
    wake(sched, now);
    struct pool *pool = choose_pool(sched);
    if (!pool)
        return false;
    sched->now = now;
    *node = choose_node(sched, orri_heap_first(&pool->ready));
    if (*node == UINT32_MAX)
        return false;
    orri_heap_pop(&pool->ready, out);
    sched->ready--;
    fly_first(sched, *node, out);
    return true;
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

void orr_sched_done(struct orr_sched *sched, uint32_t task, double seconds)
{
    if (task >= sched->flight_of.n || !*flight_of(sched, task))
        return;
    land(sched, *flight_of(sched, task) - 1);
    note_mean(sched, seconds);
}

/* + 1; 0: it is not in flight there. */
static uint32_t flight_on(const struct orr_sched *sched, uint32_t task, uint32_t node)
{
    uint32_t at = task < sched->flight_of.n ? *flight_of(sched, task) : 0;
    if (at && sched->flights[at - 1].node != node)
        at = sched->flights[at - 1].twin;
    return at && sched->flights[at - 1].node == node ? at : 0;
}

bool orr_sched_ended(struct orr_sched *sched, uint32_t task, uint32_t node,
                     double seconds)
{
    uint32_t at = flight_on(sched, task, node);
    if (!at)
        return false;
    land(sched, at - 1);
    note_mean(sched, seconds);
    return true;
}

void orr_sched_node_lost(struct orr_sched *sched, uint32_t node_index,
                         bool (*lost)(void *context, struct orr_ready *ready, bool ran),
                         void *context)
{
    struct orri_sched_node *node = &sched->nodes.items[node_index];
    while (node->n) {
        uint32_t at = node->flights[node->n - 1];
        struct orr_ready ready = sched->flights[at].ready;
        bool goes_on = sched->flights[at].twin != 0;
        bool ran = sched->flights[at].began <= sched->now;
        land(sched, at);
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

/* ---- the tail ---- */

static uint32_t idle_cores(const struct orri_sched_node *node)
{
    return node->load < node->cores ? node->cores - node->load : 0;
}

bool orr_sched_has_idle(const struct orr_sched *sched)
{
    const struct orri_sched_nodes *nodes = &sched->nodes;
    return sched->ready == 0 && nodes->n_heap > 0 &&
           idle_cores(&nodes->items[nodes->heap[0]]) > 0;
}

void orr_sched_took(struct orr_sched *sched, uint32_t group, double seconds)
{
    if (group >= sched->n_typical) {
        sched->typical = orr_realloc(sched->typical, group + 1, sizeof *sched->typical);
        for (uint32_t i = sched->n_typical; i <= group; i++)
            sched->typical[i] = (struct orri_typical) { 0 };
        sched->n_typical = group + 1;
    }
    orri_typical_add(&sched->typical[group], seconds);
}

uint32_t orr_sched_surplus(const struct orr_sched *sched, uint32_t node,
                           uint32_t *widest)
{
    const struct orri_sched_node *is = &sched->nodes.items[node];
    const struct orri_sched_node *emptiest = &sched->nodes.items[sched->nodes.heap[0]];
    if (is->cores == 0 || is->load <= is->cores)
        return 0;
    uint64_t even = ((uint64_t)sched->used * is->cores + sched->nodes.cores - 1) /
                    sched->nodes.cores;
    uint64_t stays = even > is->cores ? even : is->cores;
    if (is->load <= stays)
        return 0;
    *widest = idle_cores(emptiest);
    return is->load - (uint32_t)stays;
}

bool orr_sched_take_back(struct orr_sched *sched, uint32_t task, uint32_t node,
                         struct orr_ready *out)
{
    uint32_t at = flight_on(sched, task, node);
    if (!at)
        return false;
    *out = sched->flights[at - 1].ready;
    land(sched, at - 1);
    return true;
}

/* How many times longer than is typical it has run; 0: nobody knows, or not long. */
static double overdue(const struct orr_sched *sched, const struct flight *flight,
                      int64_t now)
{
    const double shortest = 1; /* s: what is over sooner is not worth it */
    uint32_t group = flight->ready.group;
    double typical =
        group < sched->n_typical ? orri_typical(&sched->typical[group]) : -1;
    double ran = (double)(now - flight->began) / 1e9;
    return typical < 0 || ran < shortest ? 0 : ran / (typical > 1e-3 ? typical : 1e-3);
}

static uint32_t idle_node_but(const struct orr_sched *sched, uint32_t but,
                              uint32_t cores)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < sched->nodes.n; i++)
        if (i != but && idle_cores(&sched->nodes.items[i]) >= cores &&
            (best == UINT32_MAX || idle_cores(&sched->nodes.items[i]) >
                                       idle_cores(&sched->nodes.items[best])))
            best = i;
    return best;
}

/* + 1 */
static uint32_t most_overdue(const struct orr_sched *sched, int64_t now)
{
    double most = 2;
    uint32_t best = 0;
    for (uint32_t n = 0; n < sched->nodes.n; n++)
        for (size_t i = 0; i < sched->nodes.items[n].n; i++) {
            uint32_t at = sched->nodes.items[n].flights[i];
            const struct flight *flight = &sched->flights[at];
            double times =
                flight->ready.twice && !flight->twin ? overdue(sched, flight, now) : 0;
            if (times > most &&
                may_run(sched, flight->ready.pool, flight->ready.cores) &&
                idle_node_but(sched, n, flight->ready.cores) != UINT32_MAX) {
                most = times;
                best = at + 1;
            }
        }
    return best;
}

bool orr_sched_twin(struct orr_sched *sched, int64_t now, uint32_t *node,
                    struct orr_ready *out)
{
    uint32_t at = orr_sched_has_idle(sched) ? most_overdue(sched, now) : 0;
    if (!at)
        return false;
    *out = sched->flights[at - 1].ready;
    *node = idle_node_but(sched, sched->flights[at - 1].node, out->cores);
    sched->now = now;
    uint32_t twin = fly(sched, *node, out);
    sched->flights[at - 1].twin = twin + 1;
    sched->flights[twin].twin = at;
    return true;
}

const struct orr_ready *orr_sched_flight(const struct orr_sched *sched, uint32_t task,
                                         uint32_t *node)
{
    uint32_t at = task < sched->flight_of.n ? *flight_of(sched, task) : 0;
    if (!at)
        return NULL;
    *node = sched->flights[at - 1].node;
    return &sched->flights[at - 1].ready;
}
