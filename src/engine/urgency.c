/* urgency.c - priorities and deadlines, each pair once: millions of tasks share them
 * Owns: the pairs. */
#include "engine/internal.h"

#include "base/memory.h"

#include <stdlib.h>

static bool is_same(const struct orri_urgencies *u, uint32_t at, struct orr_urgency is)
{
    return at < u->n && u->items[at].priority == is.priority &&
           u->items[at].deadline == is.deadline;
}

static uint64_t hash_of(struct orr_urgency is)
{
    uint64_t x = (uint64_t)is.priority * 0x9e3779b97f4a7c15U ^ (uint64_t)is.deadline;
    return (x ^ x >> 29) * 0xbf58476d1ce4e5b9U;
}

uint32_t orri_urgency(struct orr_engine *engine, struct orr_urgency is)
{
    struct orri_urgencies *u = &engine->urgencies;
    if (is_same(u, u->newest, is))
        return u->newest;
    uint64_t hash = hash_of(is);
    struct orr_probe probe = orr_probe_of(&u->by_value, hash);
    while (orr_probe_next(&u->by_value, &probe, &u->newest))
        if (is_same(u, u->newest, is))
            return u->newest;
    u->items = orr_grow(u->items, u->n, &u->cap, sizeof *u->items);
    u->newest = (uint32_t)u->n++;
    u->items[u->newest] = is;
    orr_hashes_add(&u->by_value, hash, u->newest);
    return u->newest;
}

void orri_urgencies_release(struct orri_urgencies *urgencies)
{
    free(urgencies->items);
    orr_hashes_release(&urgencies->by_value);
}
