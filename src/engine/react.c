/* react.c - what a rule does: fire, react to a result, handle a failure
 * Owns: nothing; works on the slots of the rule in hand. */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 64 /* items of a `for`; of more a range is kept */ };

void orri_bind(struct orr_engine *engine, uint32_t rule_index, const uint32_t *match)
{
    const struct orr_rule *rule = &engine->graph->rules[rule_index];
    for (uint32_t v = 0; v < rule->n_match; v++)
        orri_bind_fact(engine, v, rule->match[v].fact, match[v]);
}

bool orri_bind_firing(struct orr_engine *engine, uint32_t id)
{
    struct orri_firing *firing = orri_firing_at(engine, id);
    if (engine->graph->rules[firing->rule].gather.name)
        return orri_gather_bind(engine, *orri_firing_instance(engine, firing));
    orri_bind(engine, firing->rule, firing->words);
    return true;
}

/* ---- reactions ---- */

orr_status orri_assert_one(struct orr_engine *engine, uint32_t firing,
                           const struct orr_assertion *assertion, struct orr_error *err)
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
        orri_fact_assert(engine, assertion->fact,
                         orri_firing_at(engine, firing)->request, v.as.record, firing);
    return status;
}

void orri_bind_item(struct orr_engine *engine, const struct orr_assertion *assertion,
                    const struct orr_sequence *items, uint64_t i)
{
    engine->slots[assertion->loop_slot] = orr_sequence_at(items, i);
    if (assertion->index_slot != ORR_NONE)
        engine->slots[assertion->index_slot] = orr_int((int64_t)i);
}

static orr_status assert_each(struct orr_engine *engine, uint32_t firing,
                              const struct orr_assertion *assertion,
                              struct orr_error *err)
{
    struct orr_sequence items;
    orr_status status =
        orr_expr_sequence(assertion->list, engine->slots, &engine->firing, &items, err);
    if (status == ORR_OK && items.n > ORR_ROWS_MAX)
        return orr_error_set(err, ORR_ERR_LIMIT, assertion->at,
                             "'for' over %" PRIu64
                             " items: that is more facts than a run holds",
                             items.n);
    if (status == ORR_OK && items.n > AT_ONCE) {
        orri_lazy_keep(engine, firing, assertion, &items);
        return ORR_OK;
    }
    for (uint64_t i = 0; status == ORR_OK && i < items.n; i++) {
        orri_bind_item(engine, assertion, &items, i);
        status = orri_assert_one(engine, firing, assertion, err);
    }
    return status;
}

bool orri_react(struct orr_engine *engine, uint32_t firing,
                const struct orr_assertion *then, uint32_t n)
{
    struct orr_error err;
    for (uint32_t i = 0; i < n; i++) {
        orr_status status = then[i].loop_slot == ORR_NONE
                                ? orri_assert_one(engine, firing, &then[i], &err)
                                : assert_each(engine, firing, &then[i], &err);
        if (status != ORR_OK) {
            const struct orri_firing *entry = orri_firing_at(engine, firing);
            orri_request_fail_at(engine, entry->request, &err,
                                 engine->graph->rules[entry->rule].name);
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
        struct orr_error err;
        if (expr && orr_expr_eval(expr, engine->slots, &engine->firing, &args[i],
                                  &err) != ORR_OK) {
            orri_request_fail_at(engine, request, &err, rule->name);
            return NULL;
        }
    }
    return args;
}

void orri_fire(struct orr_engine *engine, uint32_t rule, uint32_t request,
               const uint32_t *match, uint32_t instance)
{
    const struct orr_rule *r = &engine->graph->rules[rule];
    const struct orr_value *args = NULL;
    if (orri_request_failed(engine, request))
        return;
    if (orri_log_full(&engine->log)) {
        orri_request_fail(engine, request, "more rule firings than a run holds");
        return;
    }
    engine->firings[rule]++;
    if (r->function != ORR_NONE && !(args = call_arguments(engine, rule, request)))
        return;
    uint32_t firing = orri_log_add(engine, rule, request, match, instance);
    if (instance != ORR_NONE)
        engine->instances[instance].firing = firing;
    if (args)
        orri_subscribe(engine, firing,
                       orri_task_for(engine, r->function, request, rule, args), 0);
    else
        (void)orri_react(engine, firing, r->then, r->n_then);
}

/* ---- failures ---- */

/* A firing whose task failed, in hand. */
struct failing {
    uint32_t id;
    struct orri_firing *firing;
    struct orri_tries tries;
    const struct orr_rule *rule;
    const struct orri_task *task;
};

static bool changes_arguments(const struct orr_handler *handler, uint32_t n)
{
    for (uint32_t i = 0; handler->retry_with && i < n; i++)
        if (handler->retry_with[i])
            return true;
    return false;
}

/* Does the handler take this failure? A retry that is used up does not. */
static bool takes(struct orr_engine *engine, const struct orr_handler *handler,
                  const struct failing *f)
{
    struct orr_value v = orr_bool(true);
    struct orr_error err;
    const struct orr_task *task = &f->task->public;
    bool retry = handler->kind == ORR_HANDLER_RETRY;
    if (retry && f->tries.retries >= handler->retry_max)
        return false;
    /* What failed inside of a workflow is known: it would fail again at once. */
    if (retry && orri_is_workflow(engine, task->function) &&
        !changes_arguments(handler,
                           engine->graph->functions[task->function].params->n_fields))
        return false;
    if (handler->when && orr_expr_eval(handler->when, engine->slots, &engine->firing,
                                       &v, &err) != ORR_OK) {
        orri_request_fail_at(engine, f->firing->request, &err, f->rule->name);
        return false;
    }
    return v.as.b;
}

static bool bind_error(struct orr_engine *engine, const struct failing *f)
{
    const struct orr_failure *failure = f->task->failure;
    if (!orri_bind_firing(engine, f->id))
        return false;
    struct orr_record *error = orr_record_new(&engine->firing, &orr_error_record);
    const char *kind = orr_fail_kind_text[failure->kind];
    error->fields[0] =
        orr_string_new(&engine->firing, ORR_KIND_STRING, kind, strlen(kind));
    error->fields[1] = orr_int(failure->code);
    error->fields[2] = orr_string_new(&engine->firing, ORR_KIND_STRING,
                                      failure->message, strlen(failure->message));
    engine->slots[f->rule->error_slot] = orr_value_of_record(error);
    engine->slots[f->rule->attempt_slot] = orr_int(f->tries.failures);
    return true;
}

static const struct orr_handler *choose_handler(struct orr_engine *engine,
                                                const struct failing *f)
{
    for (uint32_t i = 0; i < f->rule->n_handlers; i++)
        if (takes(engine, &f->rule->handlers[i], f))
            return &f->rule->handlers[i];
    return NULL;
}

/* The task that a retry with other arguments asks for. */
static bool changed_task(struct orr_engine *engine, const struct orr_handler *handler,
                         const struct failing *f, orr_task_id *id)
{
    const struct orr_task *task = &f->task->public;
    const struct orr_graph_function *function =
        &engine->graph->functions[task->function];
    struct orr_reader in = orr_reader_of(task->args, task->args_length);
    uint32_t n = function->params->n_fields;
    struct orr_value *args = orr_arena_alloc(&engine->firing, (n + 1) * sizeof *args);
    struct orr_error err = { 0 };
    for (uint32_t i = 0; i < n; i++) {
        const struct orr_expr *other = handler->retry_with[i];
        if (orr_value_get(&in, function->params->fields[i].type, &engine->firing,
                          &args[i], &err) != ORR_OK)
            ORR_BUG("arguments of task %u do not read back: %s", id->v, err.text);
        if (other && orr_expr_eval(other, engine->slots, &engine->firing, &args[i],
                                   &err) != ORR_OK) {
            orri_request_fail_at(engine, f->firing->request, &err, f->rule->name);
            return false;
        }
    }
    *id = orri_task_for(engine, task->function, f->firing->request, f->firing->rule,
                        args);
    return true;
}

static void fail_request(struct orr_engine *engine, const struct orr_handler *handler,
                         const struct failing *f)
{
    struct orr_value v = orr_null();
    struct orr_error err;
    bool first = !orri_request_failed(engine, f->firing->request);
    if (handler && handler->message &&
        orr_expr_eval(handler->message, engine->slots, &engine->firing, &v, &err) ==
            ORR_OK)
        orri_request_fail(engine, f->firing->request, "%s", v.as.s->s);
    else
        orri_request_fail(
            engine, f->firing->request,
            "rule '%s': %s failed after %u attempt%s (%s): %s", f->rule->name,
            engine->graph->functions[f->task->public.function].name, f->tries.failures,
            f->tries.failures == 1 ? "" : "s",
            orr_fail_kind_text[f->task->failure->kind], f->task->failure->message);
    if (first)
        orri_request_fail_as(engine, f->firing->request, f->task->failure);
}

/* Retries that the function itself allows: never for wrong arguments. */
static bool function_retries(const struct orr_engine *engine,
                             const struct orri_task *task)
{
    const struct orr_graph_function *f =
        &engine->graph->functions[task->public.function];
    return task->failure->kind != ORR_FAIL_INVALID && task->attempts <= f->retries;
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
                        struct failing *f, orr_task_id id, int64_t *delay)
{
    orr_task_id other = id;
    if (!changed_task(engine, handler, f, &other))
        return false;
    *delay = handler->retry_delay;
    if (other.v == id.v) {
        f->tries.retries++;
        return true;
    }
    bool gathers = f->rule->gather.name != NULL;
    uint32_t moved =
        orri_log_add(engine, f->firing->rule, f->firing->request, f->firing->words,
                     gathers ? *orri_firing_instance(engine, f->firing) : ORR_NONE);
    orri_set_tries(engine, moved,
                   (struct orri_tries) { f->tries.failures, f->tries.retries + 1 });
    f->firing->flags |= ORRI_FIRING_MOVED;
    orri_subscribe(engine, moved, other, handler->retry_delay);
    return false;
}

/* Nothing is left to try: what does the rule say? */
static void give_up(struct orr_engine *engine, const struct orr_handler *handler,
                    const struct failing *f)
{
    bool handled = handler && (handler->kind == ORR_HANDLER_ASSERT ||
                               handler->kind == ORR_HANDLER_SKIP);
    if (!handled)
        fail_request(engine, handler, f);
    else
        f->firing->flags |= ORRI_FIRING_HANDLED;
    bool fresh = false;
    uint64_t key = (uint64_t)f->firing->request << 32 | f->firing->rule;
    if (handled)
        ++*orr_map_insert(&engine->handled, key, &fresh);
    if (handled && handler->kind == ORR_HANDLER_ASSERT)
        (void)orri_react(engine, f->id, &handler->assertion, 1);
}

static bool decide(struct orr_engine *engine, struct failing *f, orr_task_id id,
                   int64_t *delay)
{
    const struct orr_graph_function *function =
        &engine->graph->functions[f->task->public.function];
    if (!bind_error(engine, f))
        return false;
    const struct orr_handler *handler = choose_handler(engine, f);
    if (orri_request_failed(engine, f->firing->request))
        return false;
    if (handler && handler->kind == ORR_HANDLER_RETRY) {
        if (changes_arguments(handler, function->params->n_fields))
            return move_firing(engine, handler, f, id, delay);
        f->tries.retries++;
        *delay = handler->retry_delay;
        return true;
    }
    if (function_retries(engine, f->task)) {
        *delay = back_off(function->retry_delay, f->task->attempts,
                          f->task->public.identity);
        return true;
    }
    give_up(engine, handler, f);
    return false;
}

bool orri_handle_failure(struct orr_engine *engine, uint32_t firing, orr_task_id id,
                         int64_t *delay)
{
    struct failing f = { .id = firing, .firing = orri_firing_at(engine, firing) };
    f.tries = orri_tries_of(engine, firing);
    f.rule = &engine->graph->rules[f.firing->rule];
    f.task = orri_task(engine, id);
    f.tries.failures++;
    bool wait = decide(engine, &f, id, delay);
    orri_set_tries(engine, firing, f.tries);
    orr_arena_reset(&engine->firing);
    return wait;
}
