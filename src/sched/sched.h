/* sched.h - which attempt goes to which node, when
 *
 * Pure: no clock, no messages. The caller says what is ready, which nodes there are and
 * what time it is, and asks for the next attempt and the node for it. The choice costs
 * the logarithm of the number of nodes and of what is ready.
 *
 * An attempt for which no node has room lets others go first that find room, for a
 * while: then a node is kept for it (orr_may_overtake() in base/resources.h).
 *
 * Pools are a tree of shares. A pool below its `reserve` goes first; then the pool with
 * the least use for its share. Idle reserves are lent to others unless `borrow` is
 * false. Within a pool: earliest deadline, then priority, then age. */
#ifndef ORR_SCHED_SCHED_H
#define ORR_SCHED_SCHED_H

#include "base/resources.h"

#include <stdbool.h>
#include <stdint.h>

struct orr_sched_pool {
    uint32_t parent; /* index; UINT32_MAX for the root, which is pool 0 */
    double share;    /* weight when pools compete; 0: not given */
    uint32_t reserve;
    uint32_t max; /* 0: no limit */
    bool borrow;
};

struct orr_ready {
    uint32_t task;
    uint32_t attempt;
    uint32_t pool;
    uint32_t group; /* attempts of one group take about as long; the caller's */
    uint32_t avoid; /* node + 1 where it does not go while there are others, at best
                       such as are not in doubt; 0: none */
    uint32_t cores;
    uint32_t gpus;
    bool twice;      /* it may run on two nodes at once */
    bool home;       /* not on guests */
    uint8_t cost;    /* orr_sched_cost() of the seconds that it is said to take */
    uint64_t memory; /* bytes */
    int64_t priority;
    int64_t deadline;   /* ns; INT64_MAX: none */
    int64_t not_before; /* ns on the caller's clock */
    int64_t since;      /* ns when it became ready; the caller's */
    uint64_t age;       /* set by orr_sched_add() */
};

struct orr_sched;
struct orr_sched *orr_sched_new(const struct orr_sched_pool *pools, uint32_t n);
void orr_sched_free(struct orr_sched *sched);

/* Nodes are numbered by the caller, densely from 0. One without cores gets nothing. */
void orr_sched_node(struct orr_sched *sched, uint32_t node, uint32_t cores);
/* What else a node has, once it is there; memory 0: unknown, and so without end. */
void orr_sched_node_holds(struct orr_sched *sched, uint32_t node, uint64_t memory,
                          uint32_t gpus);
/* It may be taken away at any moment: what is `home` does not go there, and what may
 * goes there first. */
void orr_sched_guest(struct orr_sched *sched, uint32_t node);
/* Attempts that avoid some node avoid this one, too, while there are others. */
void orr_sched_doubt(struct orr_sched *sched, uint32_t node, bool doubted);
/* The node is gone: what it had is ready again. Calls `lost` for each first, which may
 * refuse (false) to have it put back; `ran`: ns since it probably got a core, negative:
 * it waited for one. */
void orr_sched_node_lost(struct orr_sched *sched, uint32_t node,
                         bool (*lost)(void *context, struct orr_ready *ready,
                                      int64_t ran),
                         void *context);

/* Can it ever run? False, with the reason appended, when it asks for more than any node
 * has, or for more cores than its pool may use. */
bool orr_sched_fits(const struct orr_sched *sched, uint32_t pool,
                    const struct orr_resources *want, struct orr_text *why);
/* A ready attempt that fits nowhere any more since nodes were lost is taken out. */
bool orr_sched_take_unfit(struct orr_sched *sched, struct orr_ready *out,
                          struct orr_text *why);
void orr_sched_add(struct orr_sched *sched, const struct orr_ready *ready);

/* The attempt that should be given out now, and the node that should get it: the one
 * with the least in flight for its cores; of short attempts some in a row. False when
 * there is no attempt, or no node has room for it. It counts as in flight until
 * orr_sched_ended(). */
bool orr_sched_next(struct orr_sched *sched, int64_t now, uint32_t *node,
                    struct orr_ready *out);
/* The attempt on that node came back; `seconds` it ran (to size the prefetch),
 * negative: it did not. False: it was not in flight there. */
bool orr_sched_ended(struct orr_sched *sched, uint32_t task, uint32_t node,
                     double seconds);

uint64_t orr_sched_queued(const struct orr_sched *sched); /* ready or delayed */
uint64_t orr_sched_in_flight(const struct orr_sched *sched);
/* Of the last attempts, how long one takes, s; 0: none came back yet. */
double orr_sched_mean(const struct orr_sched *sched);
uint32_t orr_sched_node_load(const struct orr_sched *sched, uint32_t node); /* cores */
/* All that is in flight there; for tests. */
struct orr_resources orr_sched_node_loads(const struct orr_sched *sched, uint32_t node);
/* What calls of a pool and a group that ask for this wait for: "cores", "memory",
 * "GPUs", "its pool", "more time"; NULL when none of them waits. Calls of other groups
 * count as well while there is no end. */
const char *orr_sched_waits_for(const struct orr_sched *sched, uint32_t pool,
                                uint32_t group, const struct orr_resources *needs);
/* When the next delayed attempt becomes ready; INT64_MAX: none is delayed. */
int64_t orr_sched_wake(const struct orr_sched *sched);
/* Forget everything that is not in flight (a drain). */
void orr_sched_clear(struct orr_sched *sched);

/* ---- the end of the time (intime.c) ---- */

/* There is an end, or may be one. Say so before the first orr_sched_add(): what is
 * ready is kept apart by how long it takes from then on, so that the shorter ones are
 * found when the others are too long. */
void orr_sched_keep_time(struct orr_sched *sched);
/* From now on nothing is given out that, by its estimate, ends after `end`. INT64_MAX:
 * no end. What nothing is known of may start. Until `early` all may when nothing is
 * ready that ends in time: there will never be more time than that. 0: not. */
void orr_sched_set_end(struct orr_sched *sched, int64_t end, int64_t early);
/* The estimate of seconds in steps of a quarter, rounded up; 0: there is none. */
uint8_t orr_sched_cost(double seconds);
/* Something is ready, and none of that can end in time; of which group the first is,
 * and what it is expected to take, in seconds. */
bool orr_sched_is_too_late(const struct orr_sched *sched, int64_t now, uint32_t *group,
                           double *expected);
/* Nothing went on for so long, ns: what is in flight began later. */
void orr_sched_stood_still(struct orr_sched *sched, int64_t stall);
/* Core-seconds that what is in flight has run for so far, about. */
double orr_sched_running(const struct orr_sched *sched, int64_t now);
/* Of what is in flight, what began first; NULL: nothing is. */
const struct orr_ready *orr_sched_oldest(const struct orr_sched *sched, int64_t *began);

/* ---- the tail: cores are idle, and nothing is ready ---- */

bool orr_sched_has_idle(const struct orr_sched *sched); /* and nothing is ready */
/* A success of this group took so long. */
void orr_sched_took(struct orr_sched *sched, uint32_t group, double seconds);

/* How many cores' worth of attempts a node should give back, so that each core of all
 * nodes has the same in flight. Ask when orr_sched_has_idle(). Attempts wait there when
 * it has more than cores; what asks for more than `widest` would find no room
 * elsewhere. 0: none. */
uint32_t orr_sched_surplus(const struct orr_sched *sched, uint32_t node,
                           struct orr_resources *widest);
/* The node gave it back: it is not in flight there any more. False: it was not. */
bool orr_sched_take_back(struct orr_sched *sched, uint32_t task, uint32_t node,
                         struct orr_ready *out);

/* An attempt that has run for twice as long as is typical of its group, the one with
 * the most of it, and a node with idle cores where it should run as well. It is in
 * flight on both from then on. False: there is none. */
bool orr_sched_twin(struct orr_sched *sched, int64_t now, uint32_t *node,
                    struct orr_ready *out);
/* The attempt at this task that is in flight, of twins the first one, and its node.
 * NULL: there is none. Borrowed until the next call. */
const struct orr_ready *orr_sched_flight(const struct orr_sched *sched, uint32_t task,
                                         uint32_t *node);

#endif
