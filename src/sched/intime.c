/* intime.c - what can still end before the end of the time
 * Owns: how long attempts of a group take. Hands on: the choice (sched.c).
 *
 * The estimate of an attempt is its cost, times what attempts of its group took for
 * theirs; without a cost, what they took. Of both what nine of ten did not exceed. */
#include "sched/internal.h"

#include "base/memory.h"

#include <math.h>

/* ---- costs in steps ---- */

static const double STEPS = 3; /* to twice as much */
static const double SHORTEST = 1e-3;

uint8_t orr_sched_cost(double seconds)
{
    if (isnan(seconds) || seconds < 0)
        return 0;
    double step = seconds > SHORTEST ? ceil(STEPS * log2(seconds / SHORTEST)) : 0;
    return (uint8_t)(1 + (step < UINT8_MAX - 1 ? step : UINT8_MAX - 1));
}

static double seconds_of(uint8_t cost) { return SHORTEST * exp2((cost - 1) / STEPS); }

/* ---- what is known ---- */

struct orri_group *orri_group(struct orr_sched *sched, uint32_t group)
{
    if (group >= sched->n_groups) {
        sched->groups = orr_realloc(sched->groups, group + 1, sizeof *sched->groups);
        for (uint32_t i = sched->n_groups; i <= group; i++)
            sched->groups[i] = (struct orri_group) { 0 };
        sched->n_groups = group + 1;
    }
    return &sched->groups[group];
}

void orri_learn_cost(struct orr_sched *sched, const struct orr_ready *ready,
                     double seconds)
{
    if (ready->cost && seconds >= 0)
        orri_typical_add(&orri_group(sched, ready->group)->times,
                         seconds / seconds_of(ready->cost));
}

/* Seconds; < 0: nobody knows. */
static double expected(const struct orr_sched *sched, uint32_t group, uint8_t cost)
{
    struct orri_group *is = group < sched->n_groups ? &sched->groups[group] : NULL;
    if (!cost)
        return is ? orri_typical_high(&is->seconds) : -1;
    double times = is ? orri_typical_high(&is->times) : -1;
    return seconds_of(cost) * (times < 0 ? 1 : times);
}

/* ---- the end ---- */

void orr_sched_keep_time(struct orr_sched *sched)
{
    for (uint32_t p = 0; p < sched->n_pools; p++)
        sched->pools[p].ready.by_time = true;
}

void orr_sched_set_end(struct orr_sched *sched, int64_t end, int64_t early)
{
    sched->end = end;
    sched->early = early;
}

/* More than any took so far is enough: that is known without counting. */
static bool is_plenty(const struct orr_sched *sched, uint32_t group, uint8_t cost,
                      double left)
{
    if (group >= sched->n_groups)
        return false;
    const struct orri_group *is = &sched->groups[group];
    const struct orri_typical *of = cost ? &is->times : &is->seconds;
    return of->n && (double)of->most * (cost ? seconds_of(cost) : 1) <= left;
}

/* So many of them, one after the other? */
static bool fits(const struct orr_sched *sched, uint32_t group, uint8_t cost, int times)
{
    double left = (double)(sched->end - sched->now) / 1e9 / times;
    return left > 0 && (is_plenty(sched, group, cost, left) ||
                        expected(sched, group, cost) <= left);
}

bool orri_is_in_time(const struct orr_sched *sched, uint32_t group, uint8_t cost)
{
    return sched->end == INT64_MAX || sched->all_may || fits(sched, group, cost, 1);
}

/* The first shelf with something ready that is in time, or is not; NULL: none. */
static const struct orri_shelf *first_that(const struct orr_sched *sched, bool fitting)
{
    for (uint32_t p = 0; p < sched->n_pools; p++)
        for (uint32_t i = 0; i < sched->pools[p].ready.n; i++) {
            const struct orri_shelf *shelf = &sched->pools[p].ready.items[i];
            if (shelf->ready.n && fits(sched, shelf->group, shelf->cost, 1) == fitting)
                return shelf;
        }
    return NULL;
}

void orri_note_early(struct orr_sched *sched)
{
    sched->all_may = sched->end != INT64_MAX && sched->now < sched->early &&
                     !first_that(sched, true);
}

/* Where attempts wait at a node, one waits behind one like it, at most. */
bool orri_is_pressed(const struct orr_sched *sched, uint32_t group, uint8_t cost)
{
    return sched->end != INT64_MAX && !fits(sched, group, cost, 3);
}

bool orr_sched_is_too_late(const struct orr_sched *sched, int64_t now, uint32_t *group,
                           double *seconds)
{
    struct orr_sched then = *sched;
    then.now = now;
    const struct orri_shelf *late = first_that(&then, false);
    if (sched->end == INT64_MAX || !late || now < sched->early ||
        first_that(&then, true))
        return false;
    *group = late->group;
    *seconds = expected(sched, late->group, late->cost);
    return true;
}

/* Of what is in flight on a node only as much as it has cores can be running. */
static double running_on(const struct orr_sched *sched,
                         const struct orri_sched_node *node, int64_t now)
{
    double sum = 0;
    double cores = 0;
    for (size_t i = 0; i < node->n; i++) {
        const struct orri_sched_flight *flight = &sched->flights[node->flights[i]];
        int64_t ran = now - flight->began;
        if (ran <= 0)
            continue;
        sum += (double)ran / 1e9 * flight->ready.cores;
        cores += flight->ready.cores;
    }
    return cores > node->has.cores ? sum * node->has.cores / cores : sum;
}

/* Short ones wait in long rows at the nodes: those that run are half through. */
double orr_sched_running(const struct orr_sched *sched, int64_t now)
{
    double sum = 0;
    uint32_t busy = sched->used < sched->nodes.cores ? sched->used : sched->nodes.cores;
    if (sched->in_flight > 8ULL * sched->nodes.cores)
        return sched->mean_seconds > 0 ? busy * sched->mean_seconds / 2 : 0;
    for (uint32_t n = 0; n < sched->nodes.n; n++)
        sum += running_on(sched, &sched->nodes.items[n], now);
    return sum;
}

const struct orr_ready *orr_sched_oldest(const struct orr_sched *sched, int64_t *began)
{
    const struct orri_sched_flight *oldest = NULL;
    for (uint32_t n = 0; n < sched->nodes.n; n++)
        for (size_t i = 0; i < sched->nodes.items[n].n; i++) {
            const struct orri_sched_flight *flight =
                &sched->flights[sched->nodes.items[n].flights[i]];
            if (!oldest || flight->began < oldest->began)
                oldest = flight;
        }
    if (oldest)
        *began = oldest->began;
    return oldest ? &oldest->ready : NULL;
}
