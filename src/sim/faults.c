/* faults.c - what goes wrong, planned before it begins; owns nothing */
#include "sim/internal.h"

#include <math.h>

enum { DIES = 100, SLOW, TAKEN, SICK };

/* The `n` nodes with the lowest draw. */
static bool is_among(const struct orr_sim *sim, uint32_t node, uint64_t what,
                     uint32_t n)
{
    uint64_t seed = sim->setup.seed;
    double own = orri_random(seed, what, node);
    uint32_t lower = 0;
    for (uint32_t i = 0; i < sim->setup.nodes && lower < n; i++)
        lower += orri_random(seed, what, i) < own;
    return lower < n;
}

static void die_at(struct orr_sim *sim, uint32_t node, double seconds)
{
    if (seconds < 1e9)
        orri_event_add(&sim->events, ORRI_SIM_BEGIN + (int64_t)(seconds * 1e9),
                       ORRI_EVENT_DIES, node, 0);
}

void orri_plan_faults(struct orr_sim *sim)
{
    const struct orr_sim_faults *faults = &sim->setup.faults;
    for (uint32_t i = 0; i < sim->setup.nodes; i++) {
        if (faults->slow && is_among(sim, i, SLOW, faults->slow))
            sim->nodes[i].slowness = faults->slowness;
        sim->nodes[i].sick = faults->sick && is_among(sim, i, SICK, faults->sick);
        if (faults->mtbf > 0)
            die_at(sim, i, -faults->mtbf * log(orri_random(sim->setup.seed, DIES, i)));
        if (faults->taken && is_among(sim, i, TAKEN, faults->taken))
            die_at(sim, i, faults->taken_at);
    }
    if (faults->told_to_end > 0)
        orri_event_add(&sim->events,
                       ORRI_SIM_BEGIN + (int64_t)(faults->told_to_end * 1e9),
                       ORRI_EVENT_TOLD_TO_END, 0, 0);
}
