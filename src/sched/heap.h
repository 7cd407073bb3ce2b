/* heap.h - a binary heap of ready attempts */
#ifndef ORR_SCHED_HEAP_H
#define ORR_SCHED_HEAP_H

#include "sched/sched.h"

#include <stddef.h>

enum orri_order { ORRI_BY_URGENCY, ORRI_BY_TIME };

/* Zeroed struct is an empty heap by urgency. items[0] is the first. */
struct orri_heap {
    struct orr_ready *items;
    size_t n;
    size_t cap;
    enum orri_order order;
};

/* Earliest deadline, then highest priority, then age. */
bool orri_more_urgent(const struct orr_ready *a, const struct orr_ready *b);
void orri_heap_push(struct orri_heap *heap, const struct orr_ready *ready);
void orri_heap_pop(struct orri_heap *heap, struct orr_ready *out);
void orri_heap_release(struct orri_heap *heap);

#endif
