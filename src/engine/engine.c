/* engine.c - the engine's life, and the loop over new facts
 * Owns: the queue of facts not looked at yet. Hands on: requests (scope.c). */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

const char *const orr_fail_kind_text[] = {
    [ORR_FAIL_NONE] = "none",       [ORR_FAIL_EXIT] = "exit",
    [ORR_FAIL_SIGNAL] = "signal",   [ORR_FAIL_TIMEOUT] = "timeout",
    [ORR_FAIL_MEMORY] = "memory",   [ORR_FAIL_LOST] = "lost",
    [ORR_FAIL_INVALID] = "invalid", [ORR_FAIL_IO] = "io",
};

struct orr_engine *orr_engine_new(const struct orr_graph *graph,
                                  const struct orr_engine_files *files)
{
    struct orr_engine *engine = orr_alloc(1, sizeof *engine);
    engine->graph = graph;
    engine->files = *files;
    engine->tables = orr_alloc(graph->n_facts, sizeof *engine->tables);
    engine->seeds = orr_alloc(graph->n_facts, sizeof *engine->seeds);
    engine->gathers = orr_alloc(graph->n_rules, sizeof *engine->gathers);
    engine->firings = orr_alloc(graph->n_rules, sizeof *engine->firings);
    orri_plan_rules(engine);
    orri_plan_calls(engine);
    return engine;
}

static void free_table(struct orri_table *table)
{
    for (uint32_t i = 0; i < table->n_indexes; i++) {
        orr_map_release(&table->indexes[i].chains);
        free(table->indexes[i].next);
    }
    free(table->indexes);
    free(table->facts);
    free(table->twins);
    orr_map_release(&table->set);
    orr_map_release(&table->keys);
}

void orr_engine_free(struct orr_engine *engine)
{
    if (!engine)
        return;
    for (uint32_t i = 0; i < engine->graph->n_facts; i++) {
        free_table(&engine->tables[i]);
        free(engine->seeds[i].plans);
    }
    for (uint32_t i = 0; i < engine->graph->n_rules; i++)
        orr_map_release(&engine->gathers[i].instances);
    for (size_t i = 0; i < engine->n_instances; i++)
        free(engine->instances[i].members);
    for (size_t i = 0; i < engine->n_tasks; i++)
        orri_task_free(engine->tasks[i]);
    free(engine->tables);
    free(engine->seeds);
    free(engine->gathers);
    free(engine->firings);
    free(engine->instances);
    free(engine->queue);
    free(engine->tasks);
    free(engine->calls);
    for (size_t i = 0; i < engine->n_requests; i++)
        free(engine->requests[i].calls);
    free(engine->requests);
    free(engine->roots);
    free(engine->touched);
    orr_map_release(&engine->calls_by_task);
    orr_map_release(&engine->by_identity);
    orr_arena_release(&engine->arena);
    orr_arena_release(&engine->scratch);
    orr_arena_release(&engine->firing);
    free(engine);
}

static void look_at_facts(struct orr_engine *engine)
{
    while (engine->queue_head < engine->n_queue) {
        struct orri_queued next = engine->queue[engine->queue_head++];
        orri_fact_enter(engine, next.type, next.index);
        if (orri_request_failed(engine,
                                engine->tables[next.type].facts[next.index].request))
            continue;
        orri_gather_offer(engine, next.type, next.index);
        orri_match_fact(engine, next.type, next.index);
    }
    engine->queue_head = 0;
    engine->n_queue = 0;
}

void orri_settle(struct orr_engine *engine)
{
    do
        look_at_facts(engine);
    while (orri_end_call(engine));
}

bool orr_engine_take_call(struct orr_engine *engine, struct orr_engine_call *out)
{
    if (engine->call_head == engine->n_calls) {
        engine->call_head = 0;
        engine->n_calls = 0;
        return false;
    }
    *out = engine->calls[engine->call_head++];
    return true;
}

const struct orr_task *orr_engine_task(const struct orr_engine *engine,
                                       orr_task_id task)
{
    return &engine->tasks[task.v]->public;
}

uint32_t orr_engine_tasks(const struct orr_engine *engine)
{
    return (uint32_t)engine->n_tasks;
}

bool orr_engine_task_wanted(const struct orr_engine *engine, orr_task_id task)
{
    for (const struct orri_firing *f = engine->tasks[task.v]->firings; f; f = f->next)
        if (!orri_request_failed(engine, f->request))
            return true;
    return false;
}

uint64_t orr_engine_pending(const struct orr_engine *engine)
{
    return engine->waiting + (engine->n_queue - engine->queue_head);
}

uint32_t orr_engine_facts(const struct orr_engine *engine, uint32_t type)
{
    return (uint32_t)engine->tables[type].n;
}

struct orr_value orr_engine_fact(const struct orr_engine *engine, uint32_t type,
                                 uint32_t index, uint32_t *request)
{
    const struct orri_fact *fact = &engine->tables[type].facts[index];
    *request = engine->requests[fact->request].request;
    return orr_value_of_record(fact->record);
}

uint64_t orr_engine_firings(const struct orr_engine *engine, uint32_t rule)
{
    return engine->firings[rule];
}
