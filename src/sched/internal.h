/* internal.h - what the files of the scheduler share: sched.c, pools.c, tail.c,
 * intime.c */
#ifndef ORRI_SCHED_INTERNAL_H
#define ORRI_SCHED_INTERNAL_H

#include "sched/sched.h"

#include "base/rows.h"
#include "sched/nodes.h"
#include "sched/shelves.h"
#include "sched/typical.h"

struct orri_pool {
    struct orr_sched_pool is;
    struct orri_shelves ready;
    uint32_t used; /* cores in flight, descendants included */
};

struct orri_sched_flight {
    struct orr_ready ready;
    uint32_t node;
    uint32_t at;   /* in the node's list */
    uint32_t twin; /* the other flight of its task + 1 */
    int64_t began; /* when it probably got its core; the caller's clock */
};

/* How long attempts of a group take. */
struct orri_group {
    struct orri_typical seconds;
    struct orri_typical times; /* their cost, of those that have one */
};

/* The last choice of a node, and how many that follow go there as well. */
struct orri_row {
    const struct orri_pool *pool;
    uint32_t shelf;
    uint32_t group;
    uint32_t node;
    uint32_t left;
};

struct orr_sched {
    struct orri_pool *pools;
    uint32_t n_pools;
    bool keeps; /* some pool does not lend its reserve */
    struct orri_sched_nodes nodes;
    struct orri_kept kept; /* a node, for the first of a shelf */
    struct orri_pool *kept_pool;
    uint32_t kept_shelf;
    struct orri_row row;
    uint64_t round;                    /* of choosing */
    struct orri_sched_flight *flights; /* of what is in flight, and unused ones */
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
    int64_t now;         /* when orr_sched_next() was asked last */
    struct orri_group *groups;
    uint32_t n_groups;
    int64_t end;   /* INT64_MAX: none */
    int64_t early; /* until then all may start when nothing is in time */
    bool all_may;  /* so it is */
};

/* ---- sched.c ---- */

/* From now on the attempt is in flight there; its index. */
uint32_t orri_fly(struct orr_sched *sched, uint32_t node,
                  const struct orr_ready *ready);
void orri_land(struct orr_sched *sched, uint32_t at);
/* The (first) flight of a task that was given out, + 1; 0: none is in flight. */
uint32_t *orri_flight_of(const struct orr_sched *sched, uint32_t task);
/* + 1; 0: it is not in flight there. */
uint32_t orri_flight_on(const struct orr_sched *sched, uint32_t task, uint32_t node);

/* ---- intime.c ---- */

struct orri_group *orri_group(struct orr_sched *sched, uint32_t group);
/* An attempt was over after so long. */
void orri_learn_cost(struct orr_sched *sched, const struct orr_ready *ready,
                     double seconds);
/* Is it over in time, when it starts now? */
bool orri_is_in_time(const struct orr_sched *sched, uint32_t group, uint8_t cost);
/* To be called before a choice: may what is too long start? */
void orri_note_early(struct orr_sched *sched);
/* It must not wait behind another. */
bool orri_is_pressed(const struct orr_sched *sched, uint32_t group, uint8_t cost);

/* ---- pools.c ---- */

/* Beside a pool that keeps cores nothing is given out ahead: an attempt that waits at a
 * node would take the core that a short call of that pool has just left. */
bool orri_pool_may_run(const struct orr_sched *sched, uint32_t pool, uint32_t cores);
/* Smaller goes first: pools below their reserve, then the least used for their share.
 */
double orri_pool_claim(const struct orri_pool *pool);

#endif
