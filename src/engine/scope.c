/* scope.c - requests, and calls of workflows that stand for functions
 *
 * Both are scopes: facts of one never meet those of another. A request starts with the
 * inputs of the job; a call with the arguments of its task, which it finishes when no
 * firing of it waits any more and its outputs hold.
 * Owns: scopes, from their first fact to their end. */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- start ---- */

static uint32_t open_scope(struct orr_engine *engine, struct orri_request fresh)
{
    engine->requests = orr_grow(engine->requests, engine->n_requests,
                                &engine->cap_requests, sizeof *engine->requests);
    engine->requests[engine->n_requests] = fresh;
    orri_facts_of_request(engine, (uint32_t)engine->n_requests);
    return (uint32_t)engine->n_requests++;
}

uint32_t orr_engine_add_request(struct orr_engine *engine, struct orr_value inputs)
{
    uint32_t number = (uint32_t)engine->n_roots;
    uint32_t request = open_scope(
        engine, (struct orri_request) { .request = number, .module = ORR_NONE });
    engine->roots = orr_grow(engine->roots, engine->n_roots, &engine->cap_roots,
                             sizeof *engine->roots);
    engine->roots[engine->n_roots++] = request;
    orri_fact_assert(engine, 0, request, inputs.as.record, ORR_NONE);
    orri_settle(engine);
    return number;
}

uint32_t orr_engine_requests(const struct orr_engine *engine)
{
    return (uint32_t)engine->n_roots;
}

/* ---- failure ---- */

bool orri_request_failed(const struct orr_engine *engine, uint32_t request)
{
    return engine->requests[request].failed != NULL;
}

/* What a failed request waits for was written off, and nobody will count it down. */
void orri_request_waits(struct orr_engine *engine, uint32_t request, uint64_t n)
{
    if (orri_request_failed(engine, request))
        return;
    engine->waiting += n;
    engine->requests[request].waiting += n;
}

void orri_request_waits_less(struct orr_engine *engine, uint32_t request, uint64_t n)
{
    engine->waiting -= n;
    engine->requests[request].waiting -= n;
    if (engine->requests[request].waiting == 0)
        orri_touch(engine, request);
}

void orri_touch(struct orr_engine *engine, uint32_t index)
{
    struct orri_request *request = &engine->requests[index];
    if (request->touched)
        return;
    request->touched = true;
    engine->touched = orr_grow(engine->touched, engine->n_touched, &engine->cap_touched,
                               sizeof *engine->touched);
    engine->touched[engine->n_touched++] = index;
}

static void write_off(struct orr_engine *engine, uint32_t index, const char *reason)
{
    struct orri_request *request = &engine->requests[index];
    request->failed = reason;
    request->kind = ORR_FAIL_INVALID;
    engine->waiting -= request->waiting;
    request->waiting = 0;
    orri_touch(engine, index);
}

void orri_request_fail(struct orr_engine *engine, uint32_t index, const char *format,
                       ...)
{
    if (orri_request_failed(engine, index))
        return;
    struct orr_text text = ORR_TEXT_INIT;
    va_list args;
    va_start(args, format);
    orr_text_vprintf(&text, format, args);
    va_end(args);
    write_off(engine, index, orr_arena_strdup(&engine->arena, text.s));
    orr_text_release(&text);
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

void orri_request_fail_as(struct orr_engine *engine, uint32_t index,
                          const struct orr_failure *failure)
{
    struct orri_request *request = &engine->requests[index];
    request->kind = failure->kind;
    request->code = failure->code;
}

enum orr_request_state orr_engine_request_state(struct orr_engine *engine,
                                                uint32_t number, struct orr_text *why)
{
    const struct orri_request *request = &engine->requests[engine->roots[number]];
    const struct orr_graph *graph = engine->graph;
    bool hold = true;
    if (request->failed) {
        if (why)
            orr_text_puts(why, request->failed);
        return ORR_REQUEST_FAILED;
    }
    for (uint32_t i = 0; i < graph->n_outputs; i++)
        hold = hold &&
               orri_has_fact(engine, graph->outputs[i].fact, engine->roots[number]);
    if (why)
        orri_explain_outputs(engine, graph->outputs, graph->n_outputs,
                             engine->roots[number], why);
    if (request->waiting || engine->queue_head < engine->n_queue)
        return ORR_REQUEST_RUNNING;
    return hold ? ORR_REQUEST_SUCCEEDED : ORR_REQUEST_FAILED;
}

/* ---- calls of workflows ---- */

static const struct orr_module *module_of(const struct orr_engine *engine,
                                          uint32_t function)
{
    return &engine->graph->modules[engine->graph->functions[function].module];
}

bool orri_is_workflow(const struct orr_engine *engine, uint32_t function)
{
    return engine->graph->functions[function].form == ORR_FORM_WORKFLOW;
}

/* The facts of one call are found by an index without fields. */
void orri_plan_calls(struct orr_engine *engine)
{
    for (uint32_t m = 0; m < engine->graph->n_modules; m++)
        for (uint32_t i = 0; i < engine->graph->modules[m].n_outputs; i++)
            (void)orri_index_for(engine, engine->graph->modules[m].outputs[i].fact,
                                 NULL, 0);
}

static const struct orr_record *inputs_of(struct orr_engine *engine,
                                          const struct orr_task *task,
                                          const struct orr_module *module)
{
    const struct orr_record_type *type = engine->graph->facts[module->job].record;
    struct orr_record *inputs = orr_record_new(&engine->firing, type);
    struct orr_reader in = orr_reader_of(task->args, task->args_length);
    struct orr_error err;
    for (uint32_t i = 0; i < type->n_fields; i++)
        if (orr_value_get(&in, type->fields[i].type, &engine->firing,
                          &inputs->fields[i], &err) != ORR_OK)
            ORR_BUG("arguments of a workflow do not read back: %s", err.text);
    return inputs;
}

void orri_open_call(struct orr_engine *engine, orr_task_id id)
{
    const struct orr_task *task = orr_engine_task(engine, id);
    const struct orr_graph_function *f = &engine->graph->functions[task->function];
    const struct orr_module *module = module_of(engine, task->function);
    bool fresh = false;
    uint32_t call = open_scope(engine, (struct orri_request) {
                                           .request = task->request,
                                           .module = f->module,
                                           .task = id,
                                       });
    *orr_map_insert(&engine->calls_by_task, id.v, &fresh) = call + 1;
    orri_fact_assert(engine, module->job, call, inputs_of(engine, task, module),
                     orri_task(engine, id)->first);
    orri_touch(engine, call);
}

void orri_join_call(struct orr_engine *engine, orr_task_id id, uint32_t index)
{
    const uint64_t *call = orr_map_find(&engine->calls_by_task, id.v);
    struct orri_request *request = &engine->requests[index];
    if (!call || (request->n_calls &&
                  request->calls[request->n_calls - 1] == (uint32_t)(*call - 1)))
        return;
    request->calls = orr_grow(request->calls, request->n_calls, &request->cap_calls,
                              sizeof *request->calls);
    request->calls[request->n_calls++] = (uint32_t)(*call - 1);
}

/* ---- the end of a call ---- */

static int by_value(const void *a, const void *b)
{
    return orr_value_compare(*(const struct orr_value *)a,
                             *(const struct orr_value *)b);
}

/* The facts of one type that a call made, in the order of their values. */
static struct orr_list *facts_of(struct orr_engine *engine, uint32_t type,
                                 uint32_t call)
{
    const struct orri_table *table = &engine->tables[type];
    uint32_t index = orri_index_for(engine, type, NULL, 0);
    uint32_t last = orri_index_last(engine, type, index, call, NULL);
    uint32_t n = 0;
    for (uint32_t at = last; at != ORR_NONE; n++) {
        at = orri_fact(table, at)->next[index];
        if (at == last)
            at = ORR_NONE;
    }
    struct orr_list *list = orr_list_new(&engine->firing, n);
    for (uint32_t i = 0, at = last; i < n; i++) {
        at = orri_fact(table, at)->next[index];
        list->items[i] = orr_value_of_record(orri_record(table, at, &engine->firing));
    }
    if (n)
        qsort(list->items, n, sizeof *list->items, by_value);
    return list;
}

/* One field an output; false after the call has failed. */
static bool results_of(struct orr_engine *engine, uint32_t call,
                       const struct orr_module *module, struct orr_record *results)
{
    struct orr_text why = ORR_TEXT_INIT;
    orri_explain_outputs(engine, module->outputs, module->n_outputs, call, &why);
    if (why.length)
        orri_request_fail(engine, call, "%s", why.s);
    for (uint32_t i = 0; i < module->n_outputs && why.length == 0; i++) {
        const struct orr_output *output = &module->outputs[i];
        struct orr_list *facts = facts_of(engine, output->fact, call);
        if (!output->each && facts->n > 1)
            orri_request_fail(engine, call,
                              "output '%s' has %" PRIu32 " facts '%s', not one: as a "
                              "result, several are an output with 'each'",
                              output->name, facts->n,
                              engine->graph->facts[output->fact].name);
        results->fields[i] = output->each ? orr_value_of_list(facts) : facts->items[0];
    }
    orr_text_release(&why);
    return !orri_request_failed(engine, call);
}

static void end_call(struct orr_engine *engine, uint32_t index)
{
    const struct orr_task *task = orr_engine_task(engine, engine->requests[index].task);
    const struct orr_graph_function *f = &engine->graph->functions[task->function];
    const struct orr_module *module = module_of(engine, task->function);
    orr_task_id id = engine->requests[index].task;
    struct orr_record *results = orr_record_new(&engine->firing, f->results);
    engine->requests[index].ended = true;
    if (!orri_request_failed(engine, index) &&
        results_of(engine, index, module, results)) {
        orri_task_finished(engine, id, orr_value_of_record(results));
    } else {
        const struct orri_request *call = &engine->requests[index];
        struct orr_failure failure = { call->kind, call->code, call->failed };
        orri_task_failed(engine, id, orri_task(engine, id)->attempts, &failure);
    }
    orr_arena_reset(&engine->firing);
}

/* What only a failed scope waited for is not wanted any more. */
static void drop_calls(struct orr_engine *engine, const struct orri_request *request)
{
    engine->pass++;
    for (size_t i = 0; i < request->n_calls; i++) {
        struct orri_request *call = &engine->requests[request->calls[i]];
        bool seen = call->asked == engine->pass;
        call->asked = engine->pass;
        if (seen || call->ended || orr_engine_task_wanted(engine, call->task))
            continue;
        call->ended = true;
        orr_engine_call_dropped(engine, call->task);
        if (!call->failed)
            write_off(engine, request->calls[i], "nobody wants its result any more");
    }
}

bool orri_end_call(struct orr_engine *engine)
{
    while (engine->n_touched) {
        uint32_t index = engine->touched[--engine->n_touched];
        struct orri_request *request = &engine->requests[index];
        bool ends = request->module != ORR_NONE && !request->ended &&
                    (request->failed || request->waiting == 0);
        request->touched = false;
        if (ends)
            end_call(engine, index);
        if (orri_request_failed(engine, index))
            drop_calls(engine, &engine->requests[index]);
        if (ends)
            return true;
    }
    return false;
}
