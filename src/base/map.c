/* map.c - open addressing with linear probing, at most 3/4 full; owns the slots */
#include "base/map.h"

#include "base/memory.h"

#include <stdlib.h>

struct orri_map_slot {
    uint64_t key; /* the user's key + 1; 0 is empty */
    uint64_t value;
};

static uint64_t stored_key(uint64_t key) { return key == UINT64_MAX ? key : key + 1; }

static struct orri_map_slot *slot_of(const struct orr_map *map, uint64_t stored)
{
    size_t mask = map->cap - 1;
    size_t at = (size_t)((stored * 0x9E3779B97F4A7C15ULL) >> 32) & mask;
    while (map->slots[at].key != 0 && map->slots[at].key != stored)
        at = (at + 1) & mask;
    return &map->slots[at];
}

uint64_t *orr_map_find(const struct orr_map *map, uint64_t key)
{
    if (map->cap == 0)
        return NULL;
    struct orri_map_slot *slot = slot_of(map, stored_key(key));
    return slot->key ? &slot->value : NULL;
}

static void grow(struct orr_map *map)
{
    struct orr_map bigger = { .cap = map->cap ? map->cap * 2 : 16, .n = map->n };
    bigger.slots = orr_alloc(bigger.cap, sizeof *bigger.slots);
    for (size_t i = 0; i < map->cap; i++)
        if (map->slots[i].key)
            *slot_of(&bigger, map->slots[i].key) = map->slots[i];
    free(map->slots);
    *map = bigger;
}

uint64_t *orr_map_insert(struct orr_map *map, uint64_t key, bool *fresh)
{
    if (map->n * 4 >= map->cap * 3)
        grow(map);
    struct orri_map_slot *slot = slot_of(map, stored_key(key));
    *fresh = slot->key == 0;
    if (*fresh) {
        slot->key = stored_key(key);
        map->n++;
    }
    return &slot->value;
}

void orr_map_release(struct orr_map *map)
{
    free(map->slots);
    *map = (struct orr_map)ORR_MAP_INIT;
}
