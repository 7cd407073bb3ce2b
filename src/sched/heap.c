/* heap.c - ready attempts in order; owns them */
#include "sched/heap.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

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

/* ---- the row ---- */

static bool comes_last(const struct orri_heap *heap, const struct orr_ready *ready)
{
    return heap->row_at == heap->row_end ||
           !before(heap, ready, &heap->row[heap->row_end - 1]);
}

static void append(struct orri_heap *heap, const struct orr_ready *ready)
{
    if (heap->row_end == heap->row_cap && heap->row_at > heap->row_end / 3) {
        heap->row_end -= heap->row_at;
        memmove(heap->row, heap->row + heap->row_at, heap->row_end * sizeof *heap->row);
        heap->row_at = 0;
    }
    heap->row = orr_grow(heap->row, heap->row_end, &heap->row_cap, sizeof *heap->row);
    heap->row[heap->row_end++] = *ready;
}

/* ---- the heap ---- */

static void sift_in(struct orri_heap *heap, const struct orr_ready *ready)
{
    heap->items = orr_grow(heap->items, heap->n_items, &heap->cap, sizeof *heap->items);
    size_t at = heap->n_items++;
    while (at && before(heap, ready, &heap->items[(at - 1) / 2])) {
        heap->items[at] = heap->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->items[at] = *ready;
}

static void take_top(struct orri_heap *heap)
{
    const struct orr_ready last = heap->items[--heap->n_items];
    size_t at = 0;
    for (size_t child = 1; child < heap->n_items; child = 2 * at + 1) {
        if (child + 1 < heap->n_items &&
            before(heap, &heap->items[child + 1], &heap->items[child]))
            child++;
        if (!before(heap, &heap->items[child], &last))
            break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    if (heap->n_items)
        heap->items[at] = last;
}

/* ---- both ---- */

static bool row_is_first(const struct orri_heap *heap)
{
    return heap->row_at < heap->row_end &&
           (heap->n_items == 0 ||
            before(heap, &heap->row[heap->row_at], &heap->items[0]));
}

void orri_heap_push(struct orri_heap *heap, const struct orr_ready *ready)
{
    heap->n++;
    if (comes_last(heap, ready))
        append(heap, ready);
    else
        sift_in(heap, ready);
}

const struct orr_ready *orri_heap_first(const struct orri_heap *heap)
{
    return row_is_first(heap) ? &heap->row[heap->row_at] : &heap->items[0];
}

void orri_heap_pop(struct orri_heap *heap, struct orr_ready *out)
{
    *out = *orri_heap_first(heap);
    heap->n--;
    if (!row_is_first(heap))
        take_top(heap);
    else if (++heap->row_at == heap->row_end)
        heap->row_at = heap->row_end = 0;
}

void orri_heap_clear(struct orri_heap *heap)
{
    heap->n = heap->n_items = heap->row_at = heap->row_end = 0;
}

void orri_heap_release(struct orri_heap *heap)
{
    free(heap->items);
    free(heap->row);
    *heap = (struct orri_heap) { .order = heap->order };
}
