/* sched_kit.h - what the tests of the scheduler share */
#ifndef SCHED_KIT_H
#define SCHED_KIT_H

#include "sched/sched.h"

/* The attempt ended where it is (of twins, the first); none at the task: nothing. */
static inline void done(struct orr_sched *sched, uint32_t task, double seconds)
{
    uint32_t node = 0;
    if (orr_sched_flight(sched, task, &node))
        (void)orr_sched_ended(sched, task, node, seconds);
}

#endif
