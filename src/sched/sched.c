/* sched.c - pools, nodes, and the choice
 * Owns: what is in flight where. Hands on: order within a pool (shelves.c, heap.c), of
 * nodes (nodes.c). */
#include "sched/sched.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/rows.h"
#include "sched/nodes.h"
#include "sched/shelves.h"

#include <inttypes.h>
#include <stdlib.h>

struct pool {
    struct orr_sched_pool is;
    struct orri_shelves ready;
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
    struct orri_kept kept; /* a node, for the first of a shelf */
    struct pool *kept_pool;
    uint32_t kept_shelf;
    uint64_t round;         /* of choosing */
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

/* ---- what can never run ---- */

static bool fits_pool(const struct orr_sched *sched, uint32_t pool, uint32_t cores,
                      struct orr_text *why)
{
    for (uint32_t p = pool; p != UINT32_MAX; p = sched->pools[p].is.parent) {
        uint32_t max = sched->pools[p].is.max;
        if (!max || cores <= max)
            continue;
        orr_text_printf(why,
                        "it asks for more cores than its pool may use: %" PRIu32
                        ", the pool has %" PRIu32 " at most",
                        cores, max);
        return false;
    }
    return true;
}

static void refuse_memory(uint64_t want, uint64_t largest, struct orr_text *why)
{
    orr_text_puts(why, "it asks for more memory than any node has: ");
    orr_size_print(why, want);
    orr_text_puts(why, ", the largest has ");
    orr_size_print(why, largest);
}

static bool fits_nodes(const struct orr_sched *sched, const struct orr_resources *want,
                       struct orr_text *why)
{
    const struct orr_resources *most = &sched->nodes.largest;
    if (want->cores > most->cores) {
        orr_text_printf(why,
                        "it asks for more cores than any node has: %" PRIu32
                        ", the largest has %" PRIu32,
                        want->cores, most->cores);
    } else if (want->gpus > most->gpus) {
        orr_text_printf(why,
                        "it asks for more GPUs than any node has: %" PRIu32
                        ", the node with most has %" PRIu32,
                        want->gpus, most->gpus);
    } else if (want->memory > most->memory) {
        refuse_memory(want->memory, most->memory, why);
    } else if (!orri_nodes_any_large_enough(&sched->nodes, want)) {
        orr_text_puts(why, "no single node has all that it asks for: ");
        orr_resources_print(want, why);
    } else {
        return true;
    }
    return false;
}

bool orr_sched_fits(const struct orr_sched *sched, uint32_t pool,
                    const struct orr_resources *want, struct orr_text *why)
{
    bool only_cores =
        !want->gpus && !want->memory; /* of most calls: no look at nodes */
    if (only_cores && want->cores <= sched->nodes.largest.cores)
        return fits_pool(sched, pool, want->cores, why);
    return fits_nodes(sched, want, why) && fits_pool(sched, pool, want->cores, why);
}

bool orr_sched_take_unfit(struct orr_sched *sched, struct orr_ready *out,
                          struct orr_text *why)
{
    if (sched->nodes.cores == 0)
        return false;
    for (uint32_t p = 0; p < sched->n_pools; p++)
        for (uint32_t i = 0; i < sched->pools[p].ready.n; i++) {
            const struct orri_shelf *shelf = &sched->pools[p].ready.items[i];
            if (shelf->ready.n == 0 || orr_sched_fits(sched, p, &shelf->needs, why))
                continue;
            orri_shelves_pop(&sched->pools[p].ready, i, out);
            sched->ready--;
            return true;
        }
    return false;
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
    uint32_t kept = sched->keeps ? kept_by_others(sched, pool) : 0;
    return under_max(sched, pool, cores) &&
           (kept == 0 || sched->used + cores + kept <= sched->nodes.cores);
}

/* Smaller goes first: pools below their reserve, then the least used for their share.
 */
static double claim(const struct pool *pool)
{
    if (pool->used < pool->is.reserve)
        return -1.0 + (double)pool->used / (double)pool->is.reserve;
    return (double)pool->used / (pool->is.share > 0 ? pool->is.share : 1.0);
}

/* The shelf with the most urgent attempt of those that may run and were not tried in
 * this round; UINT32_MAX: none. */
static uint32_t choose_shelf(const struct orr_sched *sched, uint32_t p)
{
    const struct orri_shelves *shelves = &sched->pools[p].ready;
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < shelves->n && shelves->ready; i++) {
        const struct orri_shelf *shelf = &shelves->items[i];
        if (shelf->ready.n == 0 || shelf->tried == sched->round ||
            !may_run(sched, p, shelf->needs.cores))
            continue;
        if (best == UINT32_MAX ||
            orri_more_urgent(&shelf->ready.items[0],
                             &shelves->items[best].ready.items[0]))
            best = i;
    }
    return best;
}

static struct pool *choose_pool(struct orr_sched *sched, uint32_t *shelf)
{
    struct pool *best = NULL;
    for (uint32_t p = 0; p < sched->n_pools; p++) {
        struct pool *pool = &sched->pools[p];
        if (best && claim(pool) >= claim(best))
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
    const uint32_t most = 2048;
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
    struct orr_resources needs = orri_needs(ready);
    orri_nodes_load(&sched->nodes, node_index, &needs);
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

static void keep_no_node(struct orr_sched *sched)
{
    sched->kept = (struct orri_kept) { .node = UINT32_MAX };
    sched->kept_pool = NULL;
}

/* Cores go to an attempt that is not the first: those that it was preferred to had no
 * room. When too many did that to one, a node is kept for it. */
static void count_overtaking(struct orr_sched *sched, const struct orr_resources *by)
{
    for (uint32_t p = 0; p < sched->n_pools; p++) {
        struct pool *pool = &sched->pools[p];
        for (uint32_t i = 0; i < pool->ready.n; i++) {
            struct orri_shelf *shelf = &pool->ready.items[i];
            if (shelf->tried != sched->round)
                continue;
            shelf->overtaken += by->cores;
            if (shelf->overtaken < sched->nodes.largest.cores || sched->kept_pool)
                continue;
            sched->kept.node = orri_nodes_large_enough(&sched->nodes, &shelf->needs);
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
        !orr_resources_fit(&sched->nodes.items[sched->kept.node].has, &shelf->needs))
        keep_no_node(sched);
}

static uint32_t find_room(const struct orr_sched *sched, const struct pool *pool,
                          uint32_t shelf, struct orri_depth deep)
{
    static const struct orri_kept nothing = { .node = UINT32_MAX };
    bool own = pool == sched->kept_pool && shelf == sched->kept_shelf;
    return orri_nodes_with_room(&sched->nodes, &pool->ready.items[shelf].needs, deep,
                                own ? &nothing : &sched->kept);
}

static void give(struct orr_sched *sched, struct pool *pool, uint32_t shelf,
                 uint32_t node, struct orr_ready *out)
{
    orri_shelves_pop(&pool->ready, shelf, out);
    sched->ready--;
    if (pool == sched->kept_pool && shelf == sched->kept_shelf)
        keep_no_node(sched);
    fly(sched, node, out);
}

/* The first attempt, or else one behind it that finds room. One that takes what an
 * attempt before it is short of is not sent ahead of time: only to where it can start.
 */
bool orr_sched_next(struct orr_sched *sched, int64_t now, uint32_t *node,
                    struct orr_ready *out)
{
    static const struct orri_depth flat = { 1, 1 };
    struct orri_depth deep = depth(sched);
    uint32_t shelf = 0;
    uint32_t missing = 0;
    const struct orr_resources *failed = NULL; /* the last that had no room */
    struct pool *pool = NULL;
    wake(sched, now);
    sched->round++;
    check_kept(sched);
    while ((pool = choose_pool(sched, &shelf)) != NULL) {
        struct orri_shelf *first = &pool->ready.items[shelf];
        if (failed) /* asked only when there is someone behind it */
            missing |= orri_nodes_short_of(&sched->nodes, failed, deep);
        bool rivals = (takes(&first->needs) & missing) != 0;
        *node = find_room(sched, pool, shelf, rivals ? flat : deep);
        if (*node != UINT32_MAX) {
            if (rivals)
                count_overtaking(sched, &first->needs);
            give(sched, pool, shelf, *node, out);
            return true;
        }
        first->tried = sched->round;
        failed = &first->needs;
    }
    return false;
}

const char *orr_sched_waits_for(const struct orr_sched *sched, uint32_t pool,
                                const struct orr_resources *needs)
{
    const struct orri_shelves *shelves = &sched->pools[pool].ready;
    for (uint32_t i = 0; i < shelves->n; i++) {
        const struct orri_shelf *shelf = &shelves->items[i];
        if (!shelf->ready.n || !orr_resources_equal(&shelf->needs, needs))
            continue;
        uint32_t missing =
            orri_nodes_short_of(&sched->nodes, needs, (struct orri_depth) { 1, 1 });
        if (!may_run(sched, pool, needs->cores))
            return "its pool";
        return missing & ORRI_GPUS     ? "GPUs"
               : missing & ORRI_MEMORY ? "memory"
               : missing & ORRI_CORES  ? "cores"
                                       : NULL;
    }
    return NULL;
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
    sched->delayed.n = 0;
    sched->ready = 0;
}
