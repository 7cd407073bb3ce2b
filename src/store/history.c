/* history.c - every attempt that a run has stored
 * Owns: the attempts, in lists by task. */
#include "store/history.h"

#include "base/map.h"
#include "base/memory.h"
#include "store/scan.h"

#include <stdlib.h>
#include <string.h>

struct task {
    struct orr_id id;
    uint64_t call; /* hash of function and arguments */
    struct orr_tried *first;
    uint32_t newest; /* epoch of an attempt */
    uint32_t twin;   /* another with the same key + 1 */
};

struct orr_history {
    struct orr_map by_id;   /* id.lo -> task + 1 */
    struct orr_map by_call; /* hash of function and arguments -> newest task + 1 */
    struct task *tasks;
    size_t n;
    size_t cap;
    struct orr_arena arena;
};

static uint64_t hash_call(const char *function, const void *args, uint32_t length)
{
    return orr_hash64(args ? args : "", length,
                      orr_hash64(function, strlen(function), 0));
}

static struct task *find(const struct orr_history *history, struct orr_id id)
{
    const uint64_t *slot = orr_map_find(&history->by_id, id.lo);
    for (uint32_t at = slot ? (uint32_t)*slot : 0; at; at = history->tasks[at - 1].twin)
        if (orr_id_equal(history->tasks[at - 1].id, id))
            return &history->tasks[at - 1];
    return NULL;
}

static struct task *task_for(struct orr_history *history,
                             const struct orr_stored *stored)
{
    bool fresh = false;
    struct task *known = find(history, stored->id);
    if (known)
        return known;
    uint64_t *slot = orr_map_insert(&history->by_id, stored->id.lo, &fresh);
    history->tasks =
        orr_grow(history->tasks, history->n, &history->cap, sizeof *history->tasks);
    struct task *task = &history->tasks[history->n++];
    *task = (struct task) {
        .id = stored->id,
        .call = hash_call(stored->function ? stored->function : "", stored->args,
                          stored->args_bytes),
        .twin = (uint32_t)*slot,
    };
    *slot = history->n;
    return task;
}

static bool before(const struct orr_tried *a, const struct orr_tried *b)
{
    return a->epoch != b->epoch ? a->epoch < b->epoch : a->t_end <= b->t_end;
}

static void insert(struct task *task, struct orr_tried *tried)
{
    struct orr_tried **at = &task->first;
    while (*at && before(*at, tried))
        at = (struct orr_tried **)(uintptr_t) & (*at)->next;
    tried->next = *at;
    *at = tried;
}

static orr_status remember(void *context, const struct orr_stored *stored,
                           const struct orr_place *place, struct orr_error *err)
{
    struct orr_history *history = context;
    struct orr_arena *arena = &history->arena;
    struct task *task = task_for(history, stored);
    struct orr_tried *tried = orr_arena_alloc(arena, sizeof *tried);
    bool fresh = false;
    (void)err;
    *tried = (struct orr_tried) {
        .id = stored->id,
        .epoch = place->epoch,
        .attempt = stored->attempt,
        .failure = stored->failure,
        .code = stored->code,
        .message = orr_arena_strdup(arena, stored->message ? stored->message : ""),
        .host = orr_arena_strdup(arena, stored->host ? stored->host : ""),
        .rank = stored->rank,
        .core = stored->core,
        .t_start = stored->t_start,
        .t_end = stored->t_end,
        .results_length = stored->results_bytes,
    };
    void *bytes = orr_arena_alloc(arena, stored->results_bytes + 1);
    if (stored->results_bytes)
        memcpy(bytes, stored->results, stored->results_bytes);
    tried->results = bytes;
    insert(task, tried);
    if (task->newest < place->epoch)
        task->newest = place->epoch;
    uint64_t *slot = orr_map_insert(&history->by_call, task->call, &fresh);
    if (fresh || history->tasks[*slot - 1].newest <= place->epoch)
        *slot = (uint64_t)(task - history->tasks) + 1;
    return ORR_OK;
}

orr_status orr_history_load(const char *run_dir, struct orr_id run_id,
                            struct orr_history **out, struct orr_error *err)
{
    struct orr_history *history = orr_alloc(1, sizeof *history);
    struct orr_scan_options options = { .run_id = run_id, .no_rows = true };
    orr_status status =
        orr_shards_scan(run_dir, &options, remember, history, NULL, err);
    if (status != ORR_OK) {
        orr_history_free(history);
        return status;
    }
    *out = history;
    return ORR_OK;
}

void orr_history_free(struct orr_history *history)
{
    if (!history)
        return;
    orr_map_release(&history->by_id);
    orr_map_release(&history->by_call);
    orr_arena_release(&history->arena);
    free(history->tasks);
    free(history);
}

const struct orr_tried *orr_history_of(const struct orr_history *history,
                                       struct orr_id id)
{
    const struct task *task = find(history, id);
    return task ? task->first : NULL;
}

const struct orr_tried *orr_history_of_call(const struct orr_history *history,
                                            const char *function, const void *args,
                                            uint32_t args_length)
{
    const uint64_t *slot =
        orr_map_find(&history->by_call, hash_call(function, args, args_length));
    return slot ? history->tasks[*slot - 1].first : NULL;
}
