/* shelves.h - ready attempts of a pool, those that ask for the same on one shelf; where
 * time counts, those that take about as long
 *
 * So that one that has to wait for a GPU does not keep a core idle that the next one
 * could use, and that finding the next one costs the number of shelves. */
#ifndef ORR_SCHED_SHELVES_H
#define ORR_SCHED_SHELVES_H

#include "base/resources.h"
#include "sched/heap.h"

struct orri_shelf {
    struct orr_resources needs;
    uint32_t group; /* of all of them, where time counts, */
    uint8_t cost;   /* and this */
    struct orri_heap ready;
    uint64_t overtaken; /* cores that went to others while its first had no room */
    uint64_t tried;     /* round in which its first had no room */
};

/* Zeroed struct is empty. Indices of shelves stay. */
struct orri_shelves {
    struct orri_shelf *items;
    uint32_t n;
    bool by_time;
    uint64_t ready; /* on all */
};

struct orr_resources orri_needs(const struct orr_ready *ready);
void orri_shelves_push(struct orri_shelves *shelves, const struct orr_ready *ready);
void orri_shelves_pop(struct orri_shelves *shelves, uint32_t shelf,
                      struct orr_ready *out);
void orri_shelves_clear(struct orri_shelves *shelves); /* keeps the shelves */
void orri_shelves_release(struct orri_shelves *shelves);

#endif
