/* pools.c - what a pool may use, and what can never run; owns nothing */
#include "sched/internal.h"

#include <inttypes.h>

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
        const struct orri_pool *other = &sched->pools[p];
        if (other->is.borrow || !other->is.reserve || is_within(sched, pool, p))
            continue;
        any = true;
        if (other->used < other->is.reserve)
            *idle += other->is.reserve - other->used;
    }
    return any;
}

bool orri_pool_may_run(const struct orr_sched *sched, uint32_t pool, uint32_t cores)
{
    uint32_t idle = 0;
    return under_max(sched, pool, cores) &&
           (!kept_by_others(sched, pool, &idle) ||
            sched->used + cores + idle <= sched->nodes.cores);
}

double orri_pool_claim(const struct orri_pool *pool)
{
    if (pool->used < pool->is.reserve)
        return -1.0 + (double)pool->used / (double)pool->is.reserve;
    return (double)pool->used / (pool->is.share > 0 ? pool->is.share : 1.0);
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
