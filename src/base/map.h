/* map.h - 64-bit keys to 64-bit values, open addressing, insert and find only
 *
 * The engine's indexes: keys are hashes, so two values may share one key and the
 * user compares what it finds. (UINT64_MAX - 1 and UINT64_MAX are one key.) */
#ifndef ORR_BASE_MAP_H
#define ORR_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed struct is an empty map. */
struct orr_map {
    struct orri_map_slot *slots;
    size_t cap; /* power of two, or 0 */
    size_t n;
};

#define ORR_MAP_INIT                                                                   \
    {                                                                                  \
        NULL, 0, 0                                                                     \
    }
/* The value of `key`, or NULL. The pointer is valid until the next insert. */
uint64_t *orr_map_find(const struct orr_map *map, uint64_t key);
/* The value of `key`, made with value 0 when new; *fresh says which. */
uint64_t *orr_map_insert(struct orr_map *map, uint64_t key, bool *fresh);
void orr_map_release(struct orr_map *map);

#endif
