/* tail.c - cores are idle and nothing is ready: what is taken back, what runs twice
 * Owns nothing: works on the scheduler. Hands on: flights (sched.c). */
#include "sched/internal.h"

static uint32_t idle_cores(const struct orri_sched_node *node)
{
    return orri_node_idle(node).cores;
}

bool orr_sched_has_idle(const struct orr_sched *sched)
{
    const struct orri_sched_nodes *nodes = &sched->nodes;
    return sched->ready == 0 && nodes->n_heap > 0 &&
           idle_cores(&nodes->items[nodes->heap[0]]) > 0;
}

void orr_sched_took(struct orr_sched *sched, uint32_t group, double seconds)
{
    orri_typical_add(&orri_group(sched, group)->seconds, seconds);
}

uint32_t orr_sched_surplus(const struct orr_sched *sched, uint32_t node,
                           struct orr_resources *widest)
{
    const struct orri_sched_node *is = &sched->nodes.items[node];
    const struct orri_sched_node *emptiest = &sched->nodes.items[sched->nodes.heap[0]];
    uint32_t cores = is->has.cores;
    if (cores == 0 || is->load.cores <= cores)
        return 0;
    uint64_t even =
        ((uint64_t)sched->used * cores + sched->nodes.cores - 1) / sched->nodes.cores;
    uint64_t stays = even > cores ? even : cores;
    if (is->load.cores <= stays)
        return 0;
    *widest = orri_node_idle(emptiest);
    return is->load.cores - (uint32_t)stays;
}

bool orr_sched_take_back(struct orr_sched *sched, uint32_t task, uint32_t node,
                         struct orr_ready *out)
{
    uint32_t at = orri_flight_on(sched, task, node);
    if (!at)
        return false;
    *out = sched->flights[at - 1].ready;
    orri_land(sched, at - 1);
    return true;
}

/* How many times longer than is typical it has run; 0: nobody knows, or not long. */
static double overdue(const struct orr_sched *sched,
                      const struct orri_sched_flight *flight, int64_t now)
{
    const double shortest = 1; /* s: what is over sooner is not worth it */
    uint32_t group = flight->ready.group;
    double typical =
        group < sched->n_groups ? orri_typical(&sched->groups[group].seconds) : -1;
    double ran = (double)(now - flight->began) / 1e9;
    return typical < 0 || ran < shortest ? 0 : ran / (typical > 1e-3 ? typical : 1e-3);
}

static uint32_t idle_node_but(const struct orr_sched *sched, uint32_t but,
                              const struct orr_ready *ready)
{
    struct orr_resources needs = orri_needs(ready);
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < sched->nodes.n; i++)
        if (i != but &&
            orri_node_has_room(&sched->nodes, i, &needs, ORRI_AT_ONCE, NULL) &&
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
            const struct orri_sched_flight *flight = &sched->flights[at];
            double times =
                flight->ready.twice && !flight->twin ? overdue(sched, flight, now) : 0;
            if (times > most &&
                orri_pool_may_run(sched, flight->ready.pool, flight->ready.cores) &&
                orri_is_in_time(sched, flight->ready.group, flight->ready.cost) &&
                idle_node_but(sched, n, &flight->ready) != UINT32_MAX) {
                most = times;
                best = at + 1;
            }
        }
    return best;
}

bool orr_sched_twin(struct orr_sched *sched, int64_t now, uint32_t *node,
                    struct orr_ready *out)
{
    sched->now = now;
    uint32_t at = orr_sched_has_idle(sched) ? most_overdue(sched, now) : 0;
    if (!at)
        return false;
    *out = sched->flights[at - 1].ready;
    *node = idle_node_but(sched, sched->flights[at - 1].node, out);
    uint32_t twin = orri_fly(sched, *node, out);
    sched->flights[at - 1].twin = twin + 1;
    sched->flights[twin].twin = at;
    return true;
}

const struct orr_ready *orr_sched_flight(const struct orr_sched *sched, uint32_t task,
                                         uint32_t *node)
{
    uint32_t at = task < sched->flight_of.n ? *orri_flight_of(sched, task) : 0;
    if (!at)
        return NULL;
    *node = sched->flights[at - 1].node;
    return &sched->flights[at - 1].ready;
}
