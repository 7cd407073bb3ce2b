/* hashes.c - open addressing with linear probing, at most 3/4 full; owns the slots */
#include "base/hashes.h"

#include "base/memory.h"

static void place(uint64_t *slots, size_t mask, uint64_t slot)
{
    size_t at = (size_t)(slot >> 32) & mask;
    while (slots[at])
        at = (at + 1) & mask;
    slots[at] = slot;
}

static void grow(struct orr_hashes *hashes)
{
    size_t cap = hashes->cap ? hashes->cap * 2 : 16;
    uint64_t *slots = orr_pages_alloc(cap * sizeof *slots);
    for (size_t i = 0; i < hashes->cap; i++)
        if (hashes->slots[i])
            place(slots, cap - 1, hashes->slots[i]);
    orr_pages_free(hashes->slots, hashes->cap * sizeof *slots);
    hashes->slots = slots;
    hashes->cap = cap;
}

void orr_hashes_add(struct orr_hashes *hashes, uint64_t hash, uint32_t number)
{
    if (hashes->n * 4 >= hashes->cap * 3)
        grow(hashes);
    uint64_t short_hash = (uint32_t)(hash ^ hash >> 32);
    place(hashes->slots, hashes->cap - 1, short_hash << 32 | (number + 1));
    hashes->n++;
}

void orr_hashes_replace(struct orr_hashes *hashes, const struct orr_probe *probe,
                        uint32_t number)
{
    size_t at = (probe->at + hashes->cap - 1) & (hashes->cap - 1);
    hashes->slots[at] = (uint64_t)probe->hash << 32 | (number + 1);
}

void orr_hashes_release(struct orr_hashes *hashes)
{
    orr_pages_free(hashes->slots, hashes->cap * sizeof *hashes->slots);
    *hashes = (struct orr_hashes) { 0 };
}
