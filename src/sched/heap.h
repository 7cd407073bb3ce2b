/* heap.h - ready attempts in order: a row of those that came in order, and a binary
 * heap of the others. Most come in order, and a row costs the same however long it is.
 */
#ifndef ORR_SCHED_HEAP_H
#define ORR_SCHED_HEAP_H

#include "sched/sched.h"

#include <stddef.h>

enum orri_order { ORRI_BY_URGENCY, ORRI_BY_TIME };

/* Zeroed struct is an empty one by urgency. */
struct orri_heap {
    size_t n; /* in all */
    enum orri_order order;
    struct orr_ready *items; /* the heap */
    size_t n_items;
    size_t cap;
    struct orr_ready *row; /* sorted, from row_at to row_end */
    size_t row_at;
    size_t row_end;
    size_t row_cap;
};

/* Earliest deadline, then highest priority, then age. */
bool orri_more_urgent(const struct orr_ready *a, const struct orr_ready *b);
void orri_heap_push(struct orri_heap *heap, const struct orr_ready *ready);
/* There must be one; borrowed until the next change. */
const struct orr_ready *orri_heap_first(const struct orri_heap *heap);
void orri_heap_pop(struct orri_heap *heap, struct orr_ready *out);
void orri_heap_clear(struct orri_heap *heap);
void orri_heap_release(struct orri_heap *heap);

#endif
