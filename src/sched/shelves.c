/* shelves.c - ready attempts by what they ask for; owns them */
#include "sched/shelves.h"

#include "base/memory.h"

#include <stdlib.h>

struct orr_resources orri_needs(const struct orr_ready *ready)
{
    return (struct orr_resources) { ready->cores, ready->gpus, ready->memory };
}

/* Workflows have as many as there are functions that differ in what they ask for; where
 * time counts, as functions and steps of what they cost. */
static struct orri_shelf *shelf_of(struct orri_shelves *shelves,
                                   const struct orr_resources *needs, uint32_t group,
                                   uint8_t cost)
{
    for (uint32_t i = 0; i < shelves->n; i++) {
        struct orri_shelf *is = &shelves->items[i];
        if (is->group == group && is->cost == cost &&
            orr_resources_equal(&is->needs, needs))
            return is;
    }
    shelves->items =
        orr_realloc(shelves->items, shelves->n + 1, sizeof *shelves->items);
    struct orri_shelf *shelf = &shelves->items[shelves->n++];
    *shelf = (struct orri_shelf) { .needs = *needs, .group = group, .cost = cost };
    return shelf;
}

void orri_shelves_push(struct orri_shelves *shelves, const struct orr_ready *ready)
{
    struct orr_resources needs = orri_needs(ready);
    uint32_t group = shelves->by_time ? ready->group : 0;
    uint8_t cost = shelves->by_time ? ready->cost : 0;
    orri_heap_push(&shelf_of(shelves, &needs, group, cost)->ready, ready);
    shelves->ready++;
}

void orri_shelves_pop(struct orri_shelves *shelves, uint32_t shelf,
                      struct orr_ready *out)
{
    orri_heap_pop(&shelves->items[shelf].ready, out);
    shelves->items[shelf].overtaken = 0;
    shelves->ready--;
}

void orri_shelves_clear(struct orri_shelves *shelves)
{
    for (uint32_t i = 0; i < shelves->n; i++) {
        orri_heap_clear(&shelves->items[i].ready);
        shelves->items[i].overtaken = 0;
    }
    shelves->ready = 0;
}

void orri_shelves_release(struct orri_shelves *shelves)
{
    for (uint32_t i = 0; i < shelves->n; i++)
        orri_heap_release(&shelves->items[i].ready);
    free(shelves->items);
    *shelves = (struct orri_shelves) { .by_time = shelves->by_time };
}
