/* known.c - what earlier epochs of this run finished, from its shards
 * Owns: the results, by task identity. */
#include "coord/internal.h"

#include "base/memory.h"
#include "store/scan.h"

#include <stdlib.h>
#include <string.h>

struct result {
    struct orr_id id;
    const void *bytes;
    uint32_t length;
    uint32_t twin; /* another with the same key + 1 */
};

struct orri_known {
    struct orr_map by_id; /* id.lo -> result + 1 */
    struct result *results;
    size_t n;
    size_t cap;
    struct orr_arena arena;
};

const void *orri_known_find(const struct orri_known *known, struct orr_id id,
                            uint32_t *length)
{
    const uint64_t *slot = known ? orr_map_find(&known->by_id, id.lo) : NULL;
    for (uint32_t at = slot ? (uint32_t)*slot : 0; at;
         at = known->results[at - 1].twin) {
        const struct result *result = &known->results[at - 1];
        if (!orr_id_equal(result->id, id))
            continue;
        *length = result->length;
        return result->bytes;
    }
    return NULL;
}

/* The first success of a task stays: later ones are duplicates after lost reports. */
static orr_status remember(void *context, const struct orr_stored *stored,
                           const struct orr_place *place, struct orr_error *err)
{
    struct orri_known *known = context;
    uint32_t length = 0;
    (void)place;
    (void)err;
    if (stored->failure != ORR_FAIL_NONE || orri_known_find(known, stored->id, &length))
        return ORR_OK;
    bool fresh = false;
    uint64_t *slot = orr_map_insert(&known->by_id, stored->id.lo, &fresh);
    char *bytes = orr_arena_alloc(&known->arena, stored->results_bytes + 1);
    if (stored->results_bytes)
        memcpy(bytes, stored->results, stored->results_bytes);
    known->results =
        orr_grow(known->results, known->n, &known->cap, sizeof *known->results);
    known->results[known->n++] =
        (struct result) { stored->id, bytes, stored->results_bytes, (uint32_t)*slot };
    *slot = known->n;
    return ORR_OK;
}

orr_status orri_known_load(const char *run_dir, struct orr_id run_id,
                           struct orri_known **out, struct orr_error *err)
{
    struct orri_known *known = orr_alloc(1, sizeof *known);
    struct orr_scan_options options = { .run_id = run_id };
    orr_status status = orr_shards_scan(run_dir, &options, remember, known, NULL, err);
    if (status != ORR_OK) {
        orri_known_free(known);
        return status;
    }
    *out = known;
    return ORR_OK;
}

void orri_known_free(struct orri_known *known)
{
    if (!known)
        return;
    orr_map_release(&known->by_id);
    orr_arena_release(&known->arena);
    free(known->results);
    free(known);
}
