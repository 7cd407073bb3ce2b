/* react.c - what a rule does: fire, react to a result, handle a failure
 * Owns: nothing; works on the slots of the rule in hand. */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void orri_bind(struct orr_engine *engine, uint32_t rule_index, const uint32_t *match,
               struct orr_value gathered)
{
    const struct orr_rule *rule = &engine->graph->rules[rule_index];
    for (uint32_t v = 0; v < rule->n_match; v++)
        engine->slots[v] = orr_value_of_record(
            engine->tables[rule->match[v].fact].facts[match[v]].record);
    if (rule->gather.name)
        engine->slots[rule->gather.slot] = gathered;
}

/* ---- reactions ---- */

static orr_status assert_one(struct orr_engine *engine, uint32_t rule, uint32_t request,
                             const struct orr_assertion *assertion,
                             struct orr_error *err)
{
    struct orr_value v;
    orr_status status = ORR_OK;
    if (assertion->when) {
        status =
            orr_expr_eval(assertion->when, engine->slots, &engine->firing, &v, err);
        if (status != ORR_OK || !v.as.b)
            return status;
    }
    status = orr_expr_eval(assertion->record, engine->slots, &engine->firing, &v, err);
    if (status == ORR_OK)
        orri_fact_assert(engine, assertion->fact, request, v.as.record, rule);
    return status;
}

static orr_status assert_each(struct orr_engine *engine, uint32_t rule,
                              uint32_t request, const struct orr_assertion *assertion,
                              struct orr_error *err)
{
    struct orr_value list;
    orr_status status =
        orr_expr_eval(assertion->list, engine->slots, &engine->firing, &list, err);
    if (status == ORR_OK && list.kind == ORR_KIND_NULL)
        return ORR_OK;
    for (uint32_t i = 0; status == ORR_OK && i < list.as.list->n; i++) {
        engine->slots[assertion->loop_slot] = list.as.list->items[i];
        if (assertion->index_slot != ORR_NONE)
            engine->slots[assertion->index_slot] = orr_int(i);
        status = assert_one(engine, rule, request, assertion, err);
    }
    return status;
}

bool orri_react(struct orr_engine *engine, uint32_t rule, uint32_t request,
                const struct orr_assertion *then, uint32_t n)
{
    struct orr_error err = { 0 };
    for (uint32_t i = 0; i < n; i++) {
        orr_status status = then[i].loop_slot == ORR_NONE
                                ? assert_one(engine, rule, request, &then[i], &err)
                                : assert_each(engine, rule, request, &then[i], &err);
        if (status != ORR_OK) {
            orri_request_fail_at(engine, request, &err,
                                 engine->graph->rules[rule].name);
            return false;
        }
    }
    return true;
}

/* ---- firing ---- */

static struct orr_value *call_arguments(struct orr_engine *engine, uint32_t rule_index,
                                        uint32_t request)
{
    const struct orr_rule *rule = &engine->graph->rules[rule_index];
    const struct orr_graph_function *function =
        &engine->graph->functions[rule->function];
    uint32_t n = function->params->n_fields;
    struct orr_value *args = orr_arena_alloc(&engine->firing, (n + 1) * sizeof *args);
    for (uint32_t i = 0; i < n; i++) {
        const struct orr_expr *expr =
            rule->args[i] ? rule->args[i] : function->defaults[i];
        struct orr_error err = { 0 };
        if (expr && orr_expr_eval(expr, engine->slots, &engine->firing, &args[i],
                                  &err) != ORR_OK) {
            orri_request_fail_at(engine, request, &err, rule->name);
            return NULL;
        }
    }
    return args;
}

static void call(struct orr_engine *engine, uint32_t rule, uint32_t request,
                 const uint32_t *match, struct orr_value gathered)
{
    const struct orr_rule *r = &engine->graph->rules[rule];
    const struct orr_value *args = call_arguments(engine, rule, request);
    if (!args)
        return;
    orr_task_id task = orri_task_for(engine, r->function, request, rule, args);
    struct orri_firing *firing =
        orr_alloc(1, sizeof *firing + r->n_match * sizeof *match);
    firing->rule = rule;
    firing->request = request;
    firing->gathered = orr_value_copy(gathered, &engine->arena);
    memcpy(firing->match, match, r->n_match * sizeof *match);
    orri_subscribe(engine, firing, task, 0);
}

void orri_fire(struct orr_engine *engine, uint32_t rule, uint32_t request,
               const uint32_t *match, struct orr_value gathered)
{
    const struct orr_rule *r = &engine->graph->rules[rule];
    if (orri_request_failed(engine, request))
        return;
    engine->firings[rule]++;
    if (r->gather.name)
        engine->slots[r->gather.slot] = gathered;
    if (r->function == ORR_NONE)
        (void)orri_react(engine, rule, request, r->then, r->n_then);
    else
        call(engine, rule, request, match, gathered);
}

/* ---- failures ---- */

/* Does the handler take this failure? A retry that is used up does not. */
static bool takes(struct orr_engine *engine, const struct orr_handler *handler,
                  const struct orri_firing *firing)
{
    struct orr_value v = orr_bool(true);
    struct orr_error err = { 0 };
    if (handler->kind == ORR_HANDLER_RETRY && firing->retries >= handler->retry_max)
        return false;
    if (handler->when && orr_expr_eval(handler->when, engine->slots, &engine->firing,
                                       &v, &err) != ORR_OK) {
        orri_request_fail_at(engine, firing->request, &err,
                             engine->graph->rules[firing->rule].name);
        return false;
    }
    return v.as.b;
}

static void bind_error(struct orr_engine *engine, const struct orri_firing *firing,
                       const struct orri_task *task)
{
    const struct orr_rule *rule = &engine->graph->rules[firing->rule];
    orri_bind(engine, firing->rule, firing->match, firing->gathered);
    struct orr_record *error = orr_record_new(&engine->firing, &orr_error_record);
    const char *kind = orr_fail_kind_text[task->failure.kind];
    const char *message = task->failure.message;
    error->fields[0] =
        orr_string_new(&engine->firing, ORR_KIND_STRING, kind, strlen(kind));
    error->fields[1] = orr_int(task->failure.code);
    error->fields[2] =
        orr_string_new(&engine->firing, ORR_KIND_STRING, message, strlen(message));
    engine->slots[rule->error_slot] = orr_value_of_record(error);
    engine->slots[rule->attempt_slot] = orr_int(firing->failures);
}

static const struct orr_handler *choose_handler(struct orr_engine *engine,
                                                const struct orri_firing *firing)
{
    const struct orr_rule *rule = &engine->graph->rules[firing->rule];
    for (uint32_t i = 0; i < rule->n_handlers; i++)
        if (takes(engine, &rule->handlers[i], firing))
            return &rule->handlers[i];
    return NULL;
}

static bool changes_arguments(const struct orr_handler *handler, uint32_t n)
{
    for (uint32_t i = 0; handler->retry_with && i < n; i++)
        if (handler->retry_with[i])
            return true;
    return false;
}

/* The task that a retry with other arguments asks for. */
static bool changed_task(struct orr_engine *engine, const struct orr_handler *handler,
                         const struct orri_firing *firing, orr_task_id *id)
{
    const struct orri_task *task = engine->tasks[id->v];
    const struct orr_graph_function *f =
        &engine->graph->functions[task->public.function];
    struct orr_reader in = orr_reader_of(task->public.args, task->public.args_length);
    uint32_t n = f->params->n_fields;
    struct orr_value *args = orr_arena_alloc(&engine->firing, (n + 1) * sizeof *args);
    struct orr_error err = { 0 };
    for (uint32_t i = 0; i < n; i++) {
        const struct orr_expr *other = handler->retry_with[i];
        if (orr_value_get(&in, f->params->fields[i].type, &engine->firing, &args[i],
                          &err) != ORR_OK)
            ORR_BUG("arguments of task %u do not read back: %s", id->v, err.text);
        if (other && orr_expr_eval(other, engine->slots, &engine->firing, &args[i],
                                   &err) != ORR_OK) {
            orri_request_fail_at(engine, firing->request, &err,
                                 engine->graph->rules[firing->rule].name);
            return false;
        }
    }
    *id = orri_task_for(engine, task->public.function, firing->request, firing->rule,
                        args);
    return true;
}

static void fail_request(struct orr_engine *engine, const struct orr_handler *handler,
                         const struct orri_firing *firing, const struct orri_task *task)
{
    const struct orr_rule *rule = &engine->graph->rules[firing->rule];
    struct orr_value v = orr_null();
    struct orr_error err = { 0 };
    bool first = !orri_request_failed(engine, firing->request);
    if (handler && handler->message &&
        orr_expr_eval(handler->message, engine->slots, &engine->firing, &v, &err) ==
            ORR_OK)
        orri_request_fail(engine, firing->request, "%s", v.as.s->s);
    else
        orri_request_fail(
            engine, firing->request, "rule '%s': %s failed after %u attempt%s (%s): %s",
            rule->name, engine->graph->functions[task->public.function].name,
            firing->failures, firing->failures == 1 ? "" : "s",
            orr_fail_kind_text[task->failure.kind], task->failure.message);
    if (first)
        orri_request_fail_as(engine, firing->request, &task->failure);
}

/* Retries that the function itself allows: never for wrong arguments. */
static bool function_retries(const struct orr_engine *engine,
                             const struct orri_task *task)
{
    const struct orr_graph_function *f =
        &engine->graph->functions[task->public.function];
    return task->failure.kind != ORR_FAIL_INVALID && task->attempts <= f->retries;
}

enum { DELAY_DOUBLINGS = 10 };
static const int64_t longest_delay = INT64_C(300) * 1000000000;

/* Exponential back-off, at most five minutes, spread by up to a quarter so that many
 * tasks that failed together do not come back together. The spread follows from the
 * task's identity: the engine has no randomness. */
static int64_t back_off(int64_t base, uint32_t attempt, struct orr_id identity)
{
    uint32_t doublings = attempt - 1 < DELAY_DOUBLINGS ? attempt - 1 : DELAY_DOUBLINGS;
    int64_t delay =
        base > longest_delay >> doublings ? longest_delay : base << doublings;
    uint64_t spread = (identity.lo ^ attempt * 0x9E3779B97F4A7C15ULL) % 256;
    return delay - delay / 4 * (int64_t)spread / 256;
}

/* True when the changed arguments are the same after all: a plain retry. */
static bool move_firing(struct orr_engine *engine, const struct orr_handler *handler,
                        struct orri_firing *firing, orr_task_id id, int64_t *delay)
{
    orr_task_id other = id;
    if (!changed_task(engine, handler, firing, &other)) {
        free(firing);
        return false;
    }
    firing->retries++;
    *delay = handler->retry_delay;
    if (other.v == id.v)
        return true;
    orri_subscribe(engine, firing, other, handler->retry_delay);
    return false;
}

/* Nothing is left to try: what does the rule say? */
static void give_up(struct orr_engine *engine, const struct orr_handler *handler,
                    struct orri_firing *firing, const struct orri_task *task)
{
    if (handler && handler->kind == ORR_HANDLER_ASSERT)
        (void)orri_react(engine, firing->rule, firing->request, &handler->assertion, 1);
    else if (!handler || handler->kind != ORR_HANDLER_SKIP)
        fail_request(engine, handler, firing, task);
    free(firing);
}

bool orri_handle_failure(struct orr_engine *engine, struct orri_firing *firing,
                         orr_task_id id, int64_t *delay)
{
    const struct orri_task *task = engine->tasks[id.v];
    const struct orr_graph_function *f =
        &engine->graph->functions[task->public.function];
    firing->failures++;
    bind_error(engine, firing, task);
    const struct orr_handler *handler = choose_handler(engine, firing);
    bool wait = false;
    if (orri_request_failed(engine, firing->request)) {
        free(firing);
    } else if (handler && handler->kind == ORR_HANDLER_RETRY &&
               changes_arguments(handler, f->params->n_fields)) {
        wait = move_firing(engine, handler, firing, id, delay);
    } else if (handler && handler->kind == ORR_HANDLER_RETRY) {
        firing->retries++;
        *delay = handler->retry_delay;
        wait = true;
    } else if (function_retries(engine, task)) {
        *delay = back_off(f->retry_delay, task->attempts, task->public.identity);
        wait = true;
    } else {
        give_up(engine, handler, firing, task);
    }
    orr_arena_reset(&engine->firing);
    return wait;
}
