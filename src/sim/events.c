/* events.c - a heap of what is to happen; owns its items */
#include "sim/internal.h"

#include "base/memory.h"

static bool before(const struct orri_event *a, const struct orri_event *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

void orri_event_add(struct orri_events *events, int64_t time, enum orri_event_kind kind,
                    uint32_t a, uint32_t b)
{
    struct orri_event event = { time, events->made++ << 8 | (uint64_t)kind, a, b };
    events->items =
        orr_grow(events->items, events->n, &events->cap, sizeof *events->items);
    size_t at = events->n++;
    while (at && before(&event, &events->items[(at - 1) / 2])) {
        events->items[at] = events->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    events->items[at] = event;
}

bool orri_event_take(struct orri_events *events, struct orri_event *out)
{
    if (events->n == 0)
        return false;
    *out = events->items[0];
    const struct orri_event last = events->items[--events->n];
    size_t at = 0;
    for (size_t child = 1; child < events->n; child = 2 * at + 1) {
        if (child + 1 < events->n &&
            before(&events->items[child + 1], &events->items[child]))
            child++;
        if (!before(&events->items[child], &last))
            break;
        events->items[at] = events->items[child];
        at = child;
    }
    if (events->n)
        events->items[at] = last;
    return true;
}
