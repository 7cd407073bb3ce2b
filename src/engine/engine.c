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
    engine->gathers = orr_alloc(graph->n_rules, sizeof *engine->gathers);
    engine->firings = orr_alloc(graph->n_rules, sizeof *engine->firings);
    engine->tasks.size = sizeof(struct orri_task);
    orri_plan_rules(engine);
    orri_lay_out_facts(engine);
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
    free(engine->requests);
    free(engine->has);
    orri_lazy_release(engine);
    orri_log_release(&engine->log);
    orr_rows_release(&engine->tasks);
    orr_hashes_release(&engine->by_identity);
    orr_bytes_release(&engine->encoded);
    orr_arena_release(&engine->arena);
    orr_arena_release(&engine->args);
    orr_arena_release(&engine->scratch);
    orr_arena_release(&engine->firing);
    free(engine);
}

static void look_at_facts(struct orr_engine *engine)
{
    while (engine->queue_head < engine->n_queue) {
        struct orri_queued next = engine->queue[engine->queue_head++];
        orri_fact_enter(engine, next.type, next.index);
        if (orri_request_failed(
                engine, orri_fact(&engine->tables[next.type], next.index)->request))
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
    while (orri_lazy_sample(engine));
}

uint32_t orr_engine_add_request(struct orr_engine *engine, struct orr_value inputs)
{
    uint32_t request = (uint32_t)engine->n_requests;
    engine->requests = orr_grow(engine->requests, engine->n_requests,
                                &engine->cap_requests, sizeof *engine->requests);
    engine->requests[engine->n_requests++] = (struct orri_request) { 0 };
    orri_facts_of_request(engine, request);
    orri_fact_assert(engine, 0, request, inputs.as.record, ORR_NONE);
    orri_settle(engine);
    return request;
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
        if (!orri_lazy_advance(engine, idle))
            return false;
    }
    *out = engine->calls[engine->call_head++];
    return true;
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

void orri_request_waits(struct orr_engine *engine, uint32_t request, uint64_t n)
{
    engine->waiting += n;
    engine->requests[request].waiting += n;
}

void orri_request_waits_less(struct orr_engine *engine, uint32_t request, uint64_t n)
{
    engine->waiting -= n;
    engine->requests[request].waiting -= n;
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
        if (!orri_has_fact(engine, rule->match[v].fact, request)) {
            orr_text_printf(why, ": there is no fact '%s'",
                            engine->graph->facts[rule->match[v].fact].name);
            return;
        }
    for (size_t i = 0; i < engine->n_instances; i++) {
        const struct orri_instance *instance = &engine->instances[i];
        if (instance->rule == rule_index && instance->request == request &&
            instance->firing == ORR_NONE) {
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
        if (orri_has_fact(engine, output->fact, index))
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
    return engine->tables[type].rows.n;
}

struct orr_value orr_engine_fact(const struct orr_engine *engine, uint32_t type,
                                 uint32_t index, uint32_t *request)
{
    const struct orri_table *table = &engine->tables[type];
    *request = orri_fact(table, index)->request;
    return orr_value_of_record(orri_record(table, index));
}

bool orr_engine_has_fact(const struct orr_engine *engine, uint32_t type,
                         uint32_t request)
{
    return orri_has_fact(engine, type, request);
}

struct orr_engine_work orr_engine_work(const struct orr_engine *engine)
{
    return engine->work;
}

uint64_t orr_engine_firings(const struct orr_engine *engine, uint32_t rule)
{
    return engine->firings[rule];
}
