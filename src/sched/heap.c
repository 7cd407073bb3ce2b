/* heap.c - a binary heap; owns its items */
#include "sched/heap.h"

#include "base/memory.h"

#include <stdlib.h>

bool orri_more_urgent(const struct orr_ready *a, const struct orr_ready *b)
{
    if (a->deadline != b->deadline)
        return a->deadline < b->deadline;
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return a->age < b->age;
}

static bool before(const struct orri_heap *heap, const struct orr_ready *a,
                   const struct orr_ready *b)
{
    if (heap->order == ORRI_BY_TIME && a->not_before != b->not_before)
        return a->not_before < b->not_before;
    return orri_more_urgent(a, b);
}

void orri_heap_push(struct orri_heap *heap, const struct orr_ready *ready)
{
    heap->items = orr_grow(heap->items, heap->n, &heap->cap, sizeof *heap->items);
    size_t at = heap->n++;
    while (at && before(heap, ready, &heap->items[(at - 1) / 2])) {
        heap->items[at] = heap->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->items[at] = *ready;
}

void orri_heap_pop(struct orri_heap *heap, struct orr_ready *out)
{
    *out = heap->items[0];
    const struct orr_ready last = heap->items[--heap->n];
    size_t at = 0;
    for (size_t child = 1; child < heap->n; child = 2 * at + 1) {
        if (child + 1 < heap->n &&
            before(heap, &heap->items[child + 1], &heap->items[child]))
            child++;
        if (!before(heap, &heap->items[child], &last))
            break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    if (heap->n)
        heap->items[at] = last;
}

void orri_heap_release(struct orri_heap *heap)
{
    free(heap->items);
    heap->items = NULL;
    heap->n = 0;
    heap->cap = 0;
}
