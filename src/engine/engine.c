/* engine.c - the engine's life, and the loop over new facts
 * Owns: the queue of facts not looked at yet. Hands on: requests (scope.c). */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdlib.h>

const char *const orr_fail_kind_text[] = {
    [ORR_FAIL_NONE] = "none",       [ORR_FAIL_EXIT] = "exit",
    [ORR_FAIL_SIGNAL] = "signal",   [ORR_FAIL_TIMEOUT] = "timeout",
    [ORR_FAIL_MEMORY] = "memory",   [ORR_FAIL_LOST] = "lost",
    [ORR_FAIL_INVALID] = "invalid", [ORR_FAIL_IO] = "io",
};

enum { MOST_IN_A_ROW = 50 * 1000 * 1000 };

struct orr_engine *orr_engine_new(const struct orr_graph *graph,
                                  const struct orr_engine_files *files)
{
    struct orr_engine *engine = orr_alloc(1, sizeof *engine);
    engine->graph = graph;
    engine->most_in_a_row = MOST_IN_A_ROW;
    engine->files = *files;
    engine->tables = orr_alloc(graph->n_facts, sizeof *engine->tables);
    engine->gathers = orr_alloc(graph->n_rules, sizeof *engine->gathers);
    engine->firings = orr_alloc(graph->n_rules, sizeof *engine->firings);
    engine->tasks.size = sizeof(struct orri_task);
    orri_plan_rules(engine);
    orri_plan_calls(engine);
    orri_lay_out(engine);
    orri_plan_ranges(engine);
    return engine;
}

void orr_engine_free(struct orr_engine *engine)
{
    if (!engine)
        return;
    for (uint32_t i = 0; i < engine->graph->n_facts; i++)
        orri_table_release(&engine->tables[i]);
    for (uint32_t i = 0; i < engine->graph->n_rules; i++)
        orr_hashes_release(&engine->gathers[i].instances);
    for (size_t i = 0; i < engine->n_instances; i++)
        free(engine->instances[i].members);
    free(engine->tables);
    free(engine->gathers);
    free(engine->firings);
    free(engine->instances);
    free(engine->queue);
    free(engine->calls);
    for (size_t i = 0; i < engine->n_requests; i++)
        free(engine->requests[i].calls);
    free(engine->requests);
    free(engine->roots);
    free(engine->touched);
    orr_map_release(&engine->calls_by_task);
    orr_map_release(&engine->equal);
    orr_map_release(&engine->handled);
    orr_map_release(&engine->tries);
    free(engine->has);
    orri_lazy_release(engine);
    orri_log_release(&engine->log);
    orr_rows_release(&engine->tasks);
    orr_hashes_release(&engine->by_identity);
    orri_urgencies_release(&engine->urgencies);
    orr_bytes_release(&engine->encoded);
    orr_arena_release(&engine->arena);
    orr_arena_release(&engine->args);
    orr_arena_release(&engine->queued);
    orr_arena_release(&engine->scratch);
    orr_arena_release(&engine->firing);
    free(engine);
}

enum {
    AHEAD = 12,        /* facts: about as long as memory takes to answer */
    HELD_AT_MOST = 256 /* more would not stay in the cache */
};

/* Rules that feed each other without end would never come back. */
static void check_endless(struct orr_engine *engine, uint32_t request, uint64_t facts)
{
    if (facts == engine->most_in_a_row)
        orri_request_fail(engine, request,
                          "rules made %" PRIu64
                          " facts in a row without any result of a "
                          "call: do they feed each other without end?",
                          facts);
}

static void look_at_facts(struct orr_engine *engine, uint64_t *facts)
{
    while (engine->queue_head < engine->n_queue) {
        if (engine->queue_head + AHEAD < engine->n_queue)
            orri_fact_expect(engine, &engine->queue[engine->queue_head + AHEAD]);
        struct orri_queued next = engine->queue[engine->queue_head++];
        uint32_t index = orri_fact_add(engine, &next);
        if (index == ORR_NONE || orri_request_failed(engine, next.request))
            continue;
        if (++*facts >= engine->most_in_a_row) {
            check_endless(engine, next.request, *facts);
            *facts = 0;
            continue;
        }
        orri_gather_offer(engine, next.type, index);
        orri_match_fact(engine, next.type, index);
    }
    engine->queue_head = 0;
    engine->n_queue = 0;
    orr_arena_reset(&engine->queued);
}

void orr_engine_hold(struct orr_engine *engine) { engine->held = true; }

void orr_engine_release(struct orr_engine *engine)
{
    engine->held = false;
    orri_settle(engine);
}

void orri_settle_event(struct orr_engine *engine)
{
    if (!engine->held || engine->n_queue >= HELD_AT_MOST)
        orri_settle(engine);
}

void orri_settle(struct orr_engine *engine)
{
    uint64_t facts = 0;
    do
        look_at_facts(engine, &facts);
    while (orri_lazy_sample(engine) || orri_end_call(engine));
}

/* Facts that lead to no call are made a slice at a time, so that whoever takes calls
 * hears what comes in meanwhile; all at once when nothing is out that could. */
enum { IDLE_TURNS = 64 };

bool orr_engine_take_call(struct orr_engine *engine, struct orr_engine_call *out)
{
    for (int turn = 0; engine->call_head == engine->n_calls; turn++) {
        engine->call_head = 0;
        engine->n_calls = 0;
        bool idle = turn < IDLE_TURNS || engine->lazy.all_out == 0;
        if (engine->turns && turn == engine->turns)
            return false; /* more next time */
        if (!orri_lazy_advance(engine, idle))
            return false;
    }
    *out = engine->calls[engine->call_head++];
    return true;
}

void orr_engine_set_turns(struct orr_engine *engine, int turns)
{
    engine->turns = turns;
}

void orr_engine_set_most_in_a_row(struct orr_engine *engine, uint64_t facts)
{
    engine->most_in_a_row = facts;
}

uint64_t orr_engine_pending(const struct orr_engine *engine)
{
    return engine->waiting + (engine->n_queue - engine->queue_head);
}

uint32_t orr_engine_facts(const struct orr_engine *engine, uint32_t type)
{
    return engine->tables[type].rows.n;
}

struct orr_value orr_engine_fact(const struct orr_engine *engine, uint32_t type,
                                 uint32_t index, struct orr_arena *arena)
{
    return orr_value_of_record(orri_record(&engine->tables[type], index, arena));
}

struct orr_value orr_engine_fact_field(const struct orr_engine *engine, uint32_t type,
                                       uint32_t index, uint32_t field)
{
    return orri_field(&engine->tables[type], index, field);
}

uint32_t orr_engine_request_of(const struct orr_engine *engine, uint32_t type,
                               uint32_t index)
{
    return engine->requests[orri_fact(&engine->tables[type], index)->request].request;
}

bool orr_engine_has_fact(const struct orr_engine *engine, uint32_t type,
                         uint32_t request)
{
    return orri_has_fact(engine, type, engine->roots[request]);
}

struct orr_engine_work orr_engine_work(const struct orr_engine *engine)
{
    return engine->work;
}

uint64_t orr_engine_firings(const struct orr_engine *engine, uint32_t rule)
{
    return engine->firings[rule];
}
