/* log.c - the firing log: which rule fired for which facts, for whom, with which task
 *
 * Words of 32 bits in blocks; an entry never crosses blocks, and its number is the
 * place of its first word. Entries are as long as their rule needs: 8 bytes, 4 a match
 * variable, 4 for a gather, 8 for an action. That is also all that a waiting firing
 * costs: the chain of those that ask for one task runs through the log.
 * Owns: the log. */
#include "engine/internal.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 16, HEAD = 2, WAIT = sizeof(struct orri_wait) / sizeof(uint32_t) };
static const uint32_t gap = UINT32_MAX; /* the rest of the block is not used */

static uint32_t words_of(const struct orr_rule *rule)
{
    return HEAD + rule->n_match + (rule->gather.name ? 1 : 0) +
           (rule->function != ORR_NONE ? (uint32_t)WAIT : 0);
}

/* Room for `n` words; the number of the first. */
static uint32_t reserve(struct orri_log *log, uint32_t n)
{
    if (log->n == 0 || BLOCK - log->used < n) {
        if (log->n && log->used < BLOCK)
            log->blocks[log->n - 1][log->used] = gap;
        if (log->n == UINT32_MAX / BLOCK)
            ORR_BUG("the firing log is full");
        log->blocks = orr_grow(log->blocks, log->n, &log->cap, sizeof *log->blocks);
        log->blocks[log->n++] = orr_alloc(BLOCK, sizeof **log->blocks);
        log->used = 0;
    }
    uint32_t id = (uint32_t)(log->n - 1) * BLOCK + log->used;
    log->used += n;
    return id;
}

/* One block is left for firings under way. */
bool orri_log_full(const struct orri_log *log)
{
    return log->n >= UINT32_MAX / BLOCK - 1;
}

uint32_t *orri_firing_instance(const struct orr_engine *engine,
                               struct orri_firing *firing)
{
    return firing->words + engine->graph->rules[firing->rule].n_match;
}

struct orri_wait *orri_firing_wait(const struct orr_engine *engine,
                                   struct orri_firing *firing)
{
    const struct orr_rule *rule = &engine->graph->rules[firing->rule];
    return (struct orri_wait *)(firing->words + rule->n_match +
                                (rule->gather.name ? 1 : 0));
}

uint32_t orri_log_add(struct orr_engine *engine, uint32_t rule, uint32_t request,
                      const uint32_t *match, uint32_t instance)
{
    const struct orr_rule *r = &engine->graph->rules[rule];
    uint32_t id = reserve(&engine->log, words_of(r));
    struct orri_firing *firing = orri_firing_at(engine, id);
    firing->rule = rule & 0xFFFFFF;
    firing->request = request;
    memcpy(firing->words, match, r->n_match * sizeof *match);
    if (r->gather.name)
        *orri_firing_instance(engine, firing) = instance;
    if (r->function != ORR_NONE)
        *orri_firing_wait(engine, firing) =
            (struct orri_wait) { .task = ORR_NONE, .next = ORR_NONE };
    return id;
}

struct orri_tries orri_tries_of(const struct orr_engine *engine, uint32_t firing)
{
    bool failed = orri_firing_at(engine, firing)->flags & ORRI_FIRING_FAILED;
    const uint64_t *tries = failed ? orr_map_find(&engine->tries, firing) : NULL;
    return tries ? (struct orri_tries) { (uint32_t)(*tries >> 32), (uint32_t)*tries }
                 : (struct orri_tries) { 0 };
}

void orri_set_tries(struct orr_engine *engine, uint32_t firing, struct orri_tries tries)
{
    bool fresh = false;
    orri_firing_at(engine, firing)->flags |= ORRI_FIRING_FAILED;
    *orr_map_insert(&engine->tries, firing, &fresh) =
        (uint64_t)tries.failures << 32 | tries.retries;
}

void orri_log_release(struct orri_log *log)
{
    for (size_t i = 0; i < log->n; i++)
        free(log->blocks[i]);
    free(log->blocks);
}

/* ---- reading ---- */

uint32_t orr_engine_firing_of(const struct orr_engine *engine, uint32_t type,
                              uint32_t index)
{
    return orri_fact(&engine->tables[type], index)->firing;
}

uint32_t orr_engine_scope_of(const struct orr_engine *engine, uint32_t type,
                             uint32_t index)
{
    return orri_fact(&engine->tables[type], index)->request;
}

uint32_t orr_engine_scope_task(const struct orr_engine *engine, uint32_t scope)
{
    const struct orri_request *request = &engine->requests[scope];
    return request->module == ORR_NONE ? ORR_NONE : request->task.v;
}

struct orr_engine_firing orr_engine_firing(const struct orr_engine *engine,
                                           uint32_t number)
{
    struct orri_firing *firing = orri_firing_at(engine, number);
    const struct orr_rule *rule = &engine->graph->rules[firing->rule];
    struct orr_engine_firing out = {
        .rule = firing->rule,
        .request = engine->requests[firing->request].request,
        .scope = firing->request,
        .match = firing->words,
        .n_match = rule->n_match,
        .gather = ORR_NONE,
        .task = ORR_NONE,
        .waits = firing->flags & ORRI_FIRING_WAITS,
        .handled = firing->flags & ORRI_FIRING_HANDLED,
        .moved = firing->flags & ORRI_FIRING_MOVED,
    };
    if (rule->gather.name)
        out.gather = *orri_firing_instance(engine, firing);
    if (rule->function != ORR_NONE) {
        out.task = orri_firing_wait(engine, firing)->task;
        out.failures = orri_tries_of(engine, number).failures;
    }
    return out;
}

uint32_t orr_engine_next_firing(const struct orr_engine *engine, uint32_t number)
{
    const struct orri_log *log = &engine->log;
    uint32_t next = 0;
    if (number != ORR_NONE) {
        const struct orri_firing *firing = orri_firing_at(engine, number);
        next = number + words_of(&engine->graph->rules[firing->rule]);
    }
    size_t block = next / BLOCK;
    bool over =
        block < log->n && next % BLOCK && log->blocks[block][next % BLOCK] == gap;
    if (over)
        next = (uint32_t)++block * BLOCK;
    if (block >= log->n || (block == log->n - 1 && next % BLOCK >= log->used))
        return ORR_NONE;
    return next;
}

uint32_t orr_engine_next_asking(const struct orr_engine *engine, orr_task_id task,
                                uint32_t number)
{
    if (number == ORR_NONE)
        return orri_task(engine, task)->first;
    return orri_firing_wait(engine, orri_firing_at(engine, number))->next;
}
