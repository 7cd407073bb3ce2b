/* known.c - what earlier epochs of a run, or another run, finished, from its shards
 * Owns: the results, by task identity, and how long they took. */
#include "store/known.h"

#include "base/map.h"
#include "base/memory.h"
#include "store/scan.h"

#include <stdlib.h>
#include <string.h>

struct result {
    struct orr_id id;
    const void *bytes;
    uint32_t length;
    uint32_t twin; /* another with the same key + 1 */
    int64_t time;  /* ns */
    uint32_t epoch;
};

struct spent { /* by one function */
    const char *function;
    int64_t time;
    int64_t n;
};

struct orr_known {
    struct orr_map by_id; /* id.lo -> result + 1 */
    struct result *results;
    size_t n;
    size_t cap;
    struct spent *spent;
    size_t n_spent;
    size_t cap_spent;
    struct orr_arena arena;
};

static struct result *find(const struct orr_known *known, struct orr_id id)
{
    const uint64_t *slot = known ? orr_map_find(&known->by_id, id.lo) : NULL;
    for (uint32_t at = slot ? (uint32_t)*slot : 0; at; at = known->results[at - 1].twin)
        if (orr_id_equal(known->results[at - 1].id, id))
            return &known->results[at - 1];
    return NULL;
}

const void *orr_known_find(const struct orr_known *known, struct orr_id id,
                           uint32_t *length)
{
    const struct result *result = find(known, id);
    *length = result ? result->length : 0;
    return result ? result->bytes : NULL;
}

int64_t orr_known_time(const struct orr_known *known, struct orr_id id)
{
    const struct result *result = find(known, id);
    return result ? result->time : -1;
}

static struct spent *spent_by(const struct orr_known *known, const char *function)
{
    for (size_t i = 0; known && i < known->n_spent; i++)
        if (strcmp(known->spent[i].function, function) == 0)
            return &known->spent[i];
    return NULL;
}

int64_t orr_known_mean(const struct orr_known *known, const char *function)
{
    const struct spent *spent = spent_by(known, function);
    return spent ? spent->time / spent->n : -1;
}

static void count(struct orr_known *known, const char *function, int64_t time)
{
    struct spent *spent = spent_by(known, function);
    if (!spent) {
        known->spent = orr_grow(known->spent, known->n_spent, &known->cap_spent,
                                sizeof *known->spent);
        spent = &known->spent[known->n_spent++];
        *spent =
            (struct spent) { .function = orr_arena_strdup(&known->arena, function) };
    }
    spent->time += time;
    spent->n++;
}

/* The first success of a task in a session stays: later ones are duplicates after lost
 * reports. Of several sessions the newest counts: it made again what was gone. */
static orr_status remember(void *context, const struct orr_stored *stored,
                           const struct orr_place *place, struct orr_error *err)
{
    struct orr_known *known = context;
    struct result *earlier = find(known, stored->id);
    (void)err;
    if (stored->failure != ORR_FAIL_NONE || (earlier && earlier->epoch >= place->epoch))
        return ORR_OK;
    char *bytes = orr_arena_alloc(&known->arena, stored->results_bytes + 1);
    if (stored->results_bytes)
        memcpy(bytes, stored->results, stored->results_bytes);
    if (earlier) {
        earlier->bytes = bytes;
        earlier->length = stored->results_bytes;
        earlier->epoch = place->epoch;
        return ORR_OK;
    }
    bool fresh = false;
    uint64_t *slot = orr_map_insert(&known->by_id, stored->id.lo, &fresh);
    known->results =
        orr_grow(known->results, known->n, &known->cap, sizeof *known->results);
    known->results[known->n++] = (struct result) { stored->id,
                                                   bytes,
                                                   stored->results_bytes,
                                                   (uint32_t)*slot,
                                                   stored->t_end - stored->t_start,
                                                   place->epoch };
    *slot = known->n;
    count(known, stored->function ? stored->function : "",
          stored->t_end - stored->t_start);
    return ORR_OK;
}

orr_status orr_known_load(const char *run_dir, struct orr_id run_id,
                          struct orr_known **out, struct orr_error *err)
{
    struct orr_known *known = orr_alloc(1, sizeof *known);
    struct orr_scan_options options = { .run_id = run_id };
    orr_status status = orr_shards_scan(run_dir, &options, remember, known, NULL, err);
    if (status != ORR_OK) {
        orr_known_free(known);
        return status;
    }
    *out = known;
    return ORR_OK;
}

void orr_known_free(struct orr_known *known)
{
    if (!known)
        return;
    orr_map_release(&known->by_id);
    orr_arena_release(&known->arena);
    free(known->results);
    free(known->spent);
    free(known);
}
