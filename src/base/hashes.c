/* hashes.c - open addressing, a cache line after the other, at most 3/4 full
 * Owns: the slots. */
#include "base/hashes.h"

#include "base/memory.h"

static void place(struct orr_hashes *hashes, uint64_t slot)
{
    struct orr_probe probe = { (uint32_t)(slot >> 32), 0,
                               (size_t)(slot >> 32) & (hashes->cap - 1) };
    size_t at = orr_probe_step(hashes, &probe);
    while (hashes->slots[at])
        at = orr_probe_step(hashes, &probe);
    hashes->slots[at] = slot;
}

static void grow(struct orr_hashes *hashes)
{
    struct orr_hashes bigger = { .cap = hashes->cap ? hashes->cap * 2 : 16,
                                 .n = hashes->n };
    bigger.slots = orr_pages_alloc(bigger.cap * sizeof *bigger.slots);
    for (size_t i = 0; i < hashes->cap; i++)
        if (hashes->slots[i])
            place(&bigger, hashes->slots[i]);
    orr_pages_free(hashes->slots, hashes->cap * sizeof *hashes->slots);
    *hashes = bigger;
}

static uint64_t slot_of(uint64_t hash, uint32_t number)
{
    return (hash ^ hash >> 32) << 32 | (number + 1);
}

void orr_hashes_add(struct orr_hashes *hashes, uint64_t hash, uint32_t number)
{
    if (hashes->n * 4 >= hashes->cap * 3)
        grow(hashes);
    place(hashes, slot_of(hash, number));
    hashes->n++;
}

void orr_hashes_replace(struct orr_hashes *hashes, uint64_t hash, uint32_t old,
                        uint32_t number)
{
    struct orr_probe probe = orr_probe_of(hashes, hash);
    uint64_t wanted = slot_of(hash, old);
    size_t at = orr_probe_step(hashes, &probe);
    while (hashes->slots[at] != wanted)
        at = orr_probe_step(hashes, &probe);
    hashes->slots[at] = slot_of(hash, number);
}

void orr_hashes_release(struct orr_hashes *hashes)
{
    orr_pages_free(hashes->slots, hashes->cap * sizeof *hashes->slots);
    *hashes = (struct orr_hashes) { 0 };
}
