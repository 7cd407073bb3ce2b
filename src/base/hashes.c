/* hashes.c - open addressing, a cache line after the other, 2/3 to 5/6 full
 * Owns: the slots. */
#include "base/hashes.h"

#include "base/memory.h"

static void place(struct orr_hashes *hashes, uint64_t slot)
{
    uint32_t hash = (uint32_t)(slot >> 32);
    struct orr_probe probe = { hash, 0, orr_hashes_home(hashes, hash) };
    size_t at = orr_probe_step(hashes, &probe);
    while (hashes->slots[at])
        at = orr_probe_step(hashes, &probe);
    hashes->slots[at] = slot;
}

enum { FIRST_CAP = 16, PIECE = 1 << 19 /* slots */ };

/* By a quarter: millions of entries may not wait for twice their memory. What was moved
 * is given back on the way, so that old and new are never there together. */
static void grow(struct orr_hashes *hashes)
{
    size_t more = (hashes->cap / 4 + ORR_LINE - 1) & ~(size_t)(ORR_LINE - 1);
    struct orr_hashes bigger = { .cap = hashes->cap < 4 * FIRST_CAP
                                            ? hashes->cap + FIRST_CAP
                                            : hashes->cap + more,
                                 .n = hashes->n };
    bigger.slots = orr_pages_alloc(bigger.cap * sizeof *bigger.slots);
    for (size_t i = 0; i < hashes->cap; i++) {
        if (hashes->slots[i])
            place(&bigger, hashes->slots[i]);
        if ((i + 1) % PIECE == 0)
            orr_pages_forget(hashes->slots, hashes->cap * sizeof *hashes->slots,
                             (i + 1) * sizeof *hashes->slots);
    }
    orr_pages_free(hashes->slots, hashes->cap * sizeof *hashes->slots);
    *hashes = bigger;
}

static uint64_t slot_of(uint64_t hash, uint32_t number)
{
    return (hash ^ hash >> 32) << 32 | (number + 1);
}

void orr_hashes_add(struct orr_hashes *hashes, uint64_t hash, uint32_t number)
{
    if (hashes->n * 6 >= hashes->cap * 5)
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
