/* hashes.h - 32-bit hashes to 32-bit numbers, eight bytes a slot
 *
 * For indexes over things that are numbered: the hash stands in the slot, so that a
 * miss is seen without looking at the thing, and several numbers may have one hash.
 * Whoever looks compares what it finds. Insert and find only. */
#ifndef ORR_BASE_HASHES_H
#define ORR_BASE_HASHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed struct is empty. */
struct orr_hashes {
    uint64_t *slots; /* hash in the high half, number + 1 in the low; 0: free */
    size_t cap;      /* a multiple of ORR_LINE, or 0 */
    size_t n;
};

/* Where a search stands. It goes through the eight slots of a cache line, from the one
 * that the hash names, before it goes on to the next line: mostly one look at memory.
 */
struct orr_probe {
    uint32_t hash;
    uint32_t tried;
    size_t at;
};
enum { ORR_LINE = 8 };

static inline size_t orr_probe_step(const struct orr_hashes *hashes,
                                    struct orr_probe *probe)
{
    size_t at = probe->at;
    size_t line = at & ~(size_t)(ORR_LINE - 1);
    probe->at = line | ((at + 1) & (ORR_LINE - 1));
    if (++probe->tried % ORR_LINE == 0 && (probe->at += ORR_LINE) >= hashes->cap)
        probe->at -= hashes->cap;
    return at;
}

/* In the order of hashes: a table is moved to a larger one from front to back. */
static inline size_t orr_hashes_home(const struct orr_hashes *hashes, uint32_t hash)
{
    return (size_t)((uint64_t)hash * hashes->cap >> 32);
}

static inline struct orr_probe orr_probe_of(const struct orr_hashes *hashes,
                                            uint64_t hash)
{
    uint32_t short_hash = (uint32_t)(hash ^ hash >> 32);
    return (struct orr_probe) { short_hash, 0, orr_hashes_home(hashes, short_hash) };
}

/* Ask for the memory that a search for the hash will look at. The empty statement keeps
 * gcc from taking a function that only does this for one that does nothing. */
static inline void orr_hashes_expect(const struct orr_hashes *hashes, uint64_t hash)
{
    __asm__ volatile("");
    if (hashes->cap)
        __builtin_prefetch(&hashes->slots[orr_probe_of(hashes, hash).at]);
}

/* The next number with that hash; false when there is no other. */
static inline bool orr_probe_next(const struct orr_hashes *hashes,
                                  struct orr_probe *probe, uint32_t *number)
{
    while (hashes->cap) {
        uint64_t slot = hashes->slots[orr_probe_step(hashes, probe)];
        if (slot == 0)
            return false;
        if (slot >> 32 == probe->hash) {
            *number = (uint32_t)slot - 1;
            return true;
        }
    }
    return false;
}

void orr_hashes_add(struct orr_hashes *hashes, uint64_t hash, uint32_t number);
/* Put another number in the place of `old`, which has that hash. */
void orr_hashes_replace(struct orr_hashes *hashes, uint64_t hash, uint32_t old,
                        uint32_t number);
void orr_hashes_release(struct orr_hashes *hashes);

#endif
