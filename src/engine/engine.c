/* engine.c - the engine's life, its requests, and the loop over new facts
 * Owns: requests and the queue of facts not looked at yet. */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdarg.h>
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
    free(engine->requests);
    orr_map_release(&engine->by_identity);
    orr_arena_release(&engine->arena);
    orr_arena_release(&engine->scratch);
    orr_arena_release(&engine->firing);
    free(engine);
}

void orri_settle(struct orr_engine *engine)
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

uint32_t orr_engine_add_request(struct orr_engine *engine, struct orr_value inputs)
{
    uint32_t request = (uint32_t)engine->n_requests;
    engine->requests = orr_grow(engine->requests, engine->n_requests,
                                &engine->cap_requests, sizeof *engine->requests);
    engine->requests[engine->n_requests++] = (struct orri_request) { 0 };
    orri_fact_assert(engine, 0, request, inputs.as.record, ORR_NONE);
    orri_settle(engine);
    return request;
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

/* ---- requests ---- */

bool orri_request_failed(const struct orr_engine *engine, uint32_t request)
{
    return engine->requests[request].failed != NULL;
}

void orri_request_fail(struct orr_engine *engine, uint32_t index, const char *format,
                       ...)
{
    struct orri_request *request = &engine->requests[index];
    if (request->failed)
        return;
    struct orr_text text = ORR_TEXT_INIT;
    va_list args;
    va_start(args, format);
    orr_text_vprintf(&text, format, args);
    va_end(args);
    request->failed = orr_arena_strdup(&engine->arena, text.s);
    orr_text_release(&text);
    engine->waiting -= request->waiting;
    request->waiting = 0;
}

void orri_request_fail_at(struct orr_engine *engine, uint32_t request,
                          const struct orr_error *err, const char *rule)
{
    if (err->at.line)
        orri_request_fail(engine, request, "%s:%" PRIu32 ":%" PRIu32 ": rule '%s': %s",
                          err->at.file ? err->at.file : "workflow", err->at.line,
                          err->at.column, rule, err->text);
    else
        orri_request_fail(engine, request, "rule '%s': %s", rule, err->text);
}

static bool has_fact(const struct orr_engine *engine, uint32_t type, uint32_t request)
{
    const struct orri_table *table = &engine->tables[type];
    for (size_t i = 0; i < table->n; i++)
        if (table->facts[i].request == request)
            return true;
    return false;
}

static bool makes(const struct orr_rule *rule, uint32_t fact)
{
    for (uint32_t i = 0; i < rule->n_then; i++)
        if (rule->then[i].fact == fact)
            return true;
    return false;
}

/* What a rule that could make a missing fact waits for. */
static void explain_rule(const struct orr_engine *engine, uint32_t rule_index,
                         uint32_t request, struct orr_text *why)
{
    const struct orr_rule *rule = &engine->graph->rules[rule_index];
    orr_text_printf(why, "\n  rule '%s' could make it", rule->name);
    for (uint32_t v = 0; v < rule->n_match; v++)
        if (!has_fact(engine, rule->match[v].fact, request)) {
            orr_text_printf(why, ": there is no fact '%s'",
                            engine->graph->facts[rule->match[v].fact].name);
            return;
        }
    for (size_t i = 0; i < engine->n_instances; i++) {
        const struct orri_instance *instance = &engine->instances[i];
        if (instance->rule == rule_index && instance->request == request &&
            !instance->fired) {
            orr_text_printf(why, ": it has gathered %zu of %" PRId64 " facts '%s'",
                            instance->n, instance->count,
                            engine->graph->facts[rule->gather.fact].name);
            return;
        }
    }
    orr_text_puts(why, ": no facts satisfy its conditions");
}

static void explain_output(const struct orr_engine *engine,
                           const struct orr_output *output, uint32_t request,
                           struct orr_text *why)
{
    orr_text_printf(why, "%soutput '%s' has no fact '%s'", why->length ? "\n" : "",
                    output->name, engine->graph->facts[output->fact].name);
    for (uint32_t r = 0; r < engine->graph->n_rules; r++)
        if (makes(&engine->graph->rules[r], output->fact))
            explain_rule(engine, r, request, why);
}

enum orr_request_state orr_engine_request_state(struct orr_engine *engine,
                                                uint32_t index, struct orr_text *why)
{
    const struct orri_request *request = &engine->requests[index];
    if (request->failed) {
        if (why)
            orr_text_puts(why, request->failed);
        return ORR_REQUEST_FAILED;
    }
    bool hold = true;
    for (uint32_t i = 0; i < engine->graph->n_outputs; i++) {
        const struct orr_output *output = &engine->graph->outputs[i];
        if (has_fact(engine, output->fact, index))
            continue;
        hold = false;
        if (why)
            explain_output(engine, output, index, why);
    }
    if (request->waiting || engine->queue_head < engine->n_queue)
        return ORR_REQUEST_RUNNING;
    return hold ? ORR_REQUEST_SUCCEEDED : ORR_REQUEST_FAILED;
}

uint32_t orr_engine_requests(const struct orr_engine *engine)
{
    return (uint32_t)engine->n_requests;
}

uint32_t orr_engine_facts(const struct orr_engine *engine, uint32_t type)
{
    return (uint32_t)engine->tables[type].n;
}

struct orr_value orr_engine_fact(const struct orr_engine *engine, uint32_t type,
                                 uint32_t index, uint32_t *request)
{
    const struct orri_fact *fact = &engine->tables[type].facts[index];
    *request = fact->request;
    return orr_value_of_record(fact->record);
}

uint64_t orr_engine_firings(const struct orr_engine *engine, uint32_t rule)
{
    return engine->firings[rule];
}
