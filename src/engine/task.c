/* task.c - tasks: calls by content, each made once whoever asks
 * Owns: tasks, and the chains of firings that ask for them.
 * Hands on: what a result or a failure means (react.c). */
#include "engine/internal.h"

#include <string.h>

_Static_assert(sizeof(struct orri_task) == 64, "a task is one line of the cache");

/* ---- identity ---- */

struct identity {
    struct orr_engine *engine;
    struct orr_bytes *bytes;
    bool by_content;
};

static void put_identity(struct identity *to, struct orr_value v)
{
    struct orr_bytes *out = to->bytes;
    switch (v.kind) {
    case ORR_KIND_PATH: {
        const struct orr_engine_files *files = &to->engine->files;
        struct orr_id id = files->identify(files->context, v.as.s->s, to->by_content);
        const char *path =
            files->within ? files->within(files->context, v.as.s->s) : v.as.s->s;
        orr_put_u8(out, v.kind);
        if (!to->by_content)
            orr_put_string(out, path, strlen(path));
        orr_put_u64(out, id.hi);
        orr_put_u64(out, id.lo);
        break;
    }
    case ORR_KIND_BLOB: /* where a copy lies does not count */
        orr_put_u8(out, v.kind);
        orr_put_u64(out, v.as.blob->hash.hi);
        orr_put_u64(out, v.as.blob->hash.lo);
        orr_put_u64(out, v.as.blob->length);
        break;
    case ORR_KIND_LIST:
        orr_put_u8(out, v.kind);
        orr_put_u32(out, v.as.list->n);
        for (uint32_t i = 0; i < v.as.list->n; i++)
            put_identity(to, v.as.list->items[i]);
        break;
    case ORR_KIND_RECORD:
        orr_put_u8(out, v.kind);
        orr_put_u32(out, v.as.record->type->n_fields);
        for (uint32_t i = 0; i < v.as.record->type->n_fields; i++)
            put_identity(to, v.as.record->fields[i]);
        break;
    default: orr_value_put(out, v);
    }
}

/* Function, version, and every argument that is given, by name: a new optional
 * parameter of a later release changes nothing. */
struct orr_id orri_task_identity(struct orr_engine *engine, uint32_t function,
                                 const struct orr_value *args)
{
    const struct orr_graph_function *f = &engine->graph->functions[function];
    struct orr_bytes *bytes = &engine->encoded;
    struct identity to = { engine, bytes, f->content_identity };
    orr_bytes_clear(bytes);
    orr_put_u64(bytes, f->content.hi);
    orr_put_u64(bytes, f->content.lo);
    orr_put_string(bytes, f->version ? f->version : "",
                   f->version ? strlen(f->version) : 0);
    for (uint32_t i = 0; i < f->params->n_fields; i++) {
        const char *name = f->params->fields[i].name;
        if (args[i].kind == ORR_KIND_NULL)
            continue;
        orr_put_string(bytes, name, strlen(name));
        put_identity(&to, args[i]);
    }
    return orr_hash(bytes->data, bytes->length);
}

/* ---- the table of tasks ---- */

static uint32_t find_task(const struct orr_engine *engine, struct orr_id identity)
{
    struct orr_probe probe = orr_probe_of(&engine->by_identity, identity.lo);
    uint32_t at = 0;
    while (orr_probe_next(&engine->by_identity, &probe, &at))
        if (orr_id_equal(orri_task(engine, (orr_task_id) { at })->public.identity,
                         identity))
            return at;
    return ORR_NONE;
}

static int64_t call_priority(struct orr_engine *engine, const struct orr_rule *rule,
                             const struct orr_graph_function *function,
                             uint32_t request)
{
    struct orr_value v = orr_int(0);
    struct orr_error err;
    if (rule->priority && orr_expr_eval(rule->priority, engine->slots, &engine->firing,
                                        &v, &err) != ORR_OK)
        orri_request_fail_at(engine, request, &err, rule->name);
    int64_t sum = 0;
    return __builtin_add_overflow(v.as.i, function->priority, &sum) ? v.as.i : sum;
}

static int64_t call_deadline(struct orr_engine *engine, const struct orr_rule *rule,
                             uint32_t request)
{
    struct orr_value v = orr_null();
    struct orr_error err;
    if (rule->deadline && orr_expr_eval(rule->deadline, engine->slots, &engine->firing,
                                        &v, &err) != ORR_OK)
        orri_request_fail_at(engine, request, &err, rule->name);
    return v.kind == ORR_KIND_NULL ? INT64_MAX : v.as.i;
}

static void encode_args(struct orr_engine *engine, struct orr_task *task,
                        const struct orr_value *args, uint32_t n)
{
    struct orr_bytes *bytes = &engine->encoded;
    orr_bytes_clear(bytes);
    for (uint32_t i = 0; i < n; i++)
        orr_value_put(bytes, args[i]);
    task->args = orr_arena_bytes(&engine->args, bytes->data, bytes->length);
    task->args_length = (uint32_t)bytes->length;
}

orr_task_id orri_task_for(struct orr_engine *engine, uint32_t function,
                          uint32_t request, uint32_t rule, const struct orr_value *args)
{
    const struct orr_graph_function *f = &engine->graph->functions[function];
    struct orr_id identity = orri_task_identity(engine, function, args);
    uint32_t at = find_task(engine, identity);
    if (at != ORR_NONE)
        return (orr_task_id) { at };
    at = engine->tasks.n;
    struct orri_task *task = orr_rows_add(&engine->tasks);
    orr_hashes_add(&engine->by_identity, identity.lo, at);
    task->public = (struct orr_task) {
        .identity = identity,
        .function = function,
        .request = engine->requests[request].request,
        .rule = rule,
    };
    const struct orr_rule *r = &engine->graph->rules[rule];
    task->urgency = orri_urgency(
        engine, (struct orr_urgency) { call_priority(engine, r, f, request),
                                       call_deadline(engine, r, request) });
    encode_args(engine, &task->public, args, f->params->n_fields);
    task->first = ORR_NONE;
    task->last = ORR_NONE;
    return (orr_task_id) { at };
}

void orri_task_attempt(struct orr_engine *engine, orr_task_id id, int64_t delay)
{
    struct orri_task *task = orri_task(engine, id);
    task->called = true;
    task->attempts++;
    if (orri_is_workflow(engine, task->public.function)) {
        orri_open_call(engine, id);
        return;
    }
    orri_lazy_called(engine, task);
    engine->calls = orr_grow(engine->calls, engine->n_calls, &engine->cap_calls,
                             sizeof *engine->calls);
    engine->calls[engine->n_calls++] =
        (struct orr_engine_call) { id, task->attempts, delay };
}

/* Its newest attempt is not out any more. */
static void attempt_ended(struct orr_engine *engine, struct orri_task *task)
{
    if (task->called && !orri_is_workflow(engine, task->public.function))
        orri_lazy_ended(engine, &task->public);
    task->called = false;
}

/* ---- firings ---- */

void orri_bind_results(struct orr_engine *engine, uint32_t slot, orr_task_id id)
{
    const struct orri_task *task = orri_task(engine, id);
    orri_unpack(&engine->results[task->public.function], task->results,
                engine->bound[slot]);
    engine->slots[slot] = orr_value_of_record(engine->bound[slot]);
}

static void settle_firing(struct orr_engine *engine, uint32_t id, orr_task_id task)
{
    const struct orr_rule *rule =
        &engine->graph->rules[orri_firing_at(engine, id)->rule];
    if (rule->n_then && orri_bind_firing(engine, id)) {
        orri_bind_results(engine, rule->result_slot, task);
        engine->slots[rule->error_slot] = orr_null(); /* of an earlier failure */
        engine->slots[rule->attempt_slot] = orr_null();
        (void)orri_react(engine, id, rule->then, rule->n_then);
    }
    orr_arena_reset(&engine->firing);
}

static void wait_for_task(struct orr_engine *engine, struct orri_firing *firing)
{
    firing->flags |= ORRI_FIRING_WAITS;
    orri_request_waits(engine, firing->request, 1);
}

/* True when the firing was waiting, and its request has not failed. */
static bool stop_waiting(struct orr_engine *engine, struct orri_firing *firing)
{
    if (!(firing->flags & ORRI_FIRING_WAITS))
        return false;
    firing->flags &= (uint8_t)~ORRI_FIRING_WAITS;
    if (orri_request_failed(engine, firing->request))
        return false; /* its waiting was written off as a whole */
    orri_request_waits_less(engine, firing->request, 1);
    return true;
}

/* Last of the chain of those that ask for the task. */
static void chain(struct orr_engine *engine, struct orri_task *task, orr_task_id id,
                  uint32_t firing)
{
    orri_firing_wait(engine, orri_firing_at(engine, firing))->task = id.v;
    if (task->first == ORR_NONE)
        task->first = firing;
    else
        orri_firing_wait(engine, orri_firing_at(engine, task->last))->next = firing;
    task->last = firing;
}

void orri_subscribe(struct orr_engine *engine, uint32_t firing, orr_task_id id,
                    int64_t delay)
{
    struct orri_task *task = orri_task(engine, id);
    int64_t wait = 0;
    chain(engine, task, id, firing);
    if (task->state == ORR_TASK_DONE) {
        settle_firing(engine, firing, id);
    } else if (task->state == ORR_TASK_WAITING) {
        wait_for_task(engine, orri_firing_at(engine, firing));
        if (!task->called)
            orri_task_attempt(engine, id, delay);
        orri_join_call(engine, id, orri_firing_at(engine, firing)->request);
    } else if (orri_handle_failure(engine, firing, id, &wait)) {
        task->state = ORR_TASK_WAITING;
        wait_for_task(engine, orri_firing_at(engine, firing));
        orri_task_attempt(engine, id, wait);
        orri_join_call(engine, id, orri_firing_at(engine, firing)->request);
    }
}

void orri_task_finished(struct orr_engine *engine, orr_task_id id,
                        struct orr_value results)
{
    struct orri_task *task = orri_task(engine, id);
    if (task->state == ORR_TASK_DONE)
        return;
    task->state = ORR_TASK_DONE;
    const struct orri_layout *layout = &engine->results[task->public.function];
    uint64_t *cells = orr_arena_alloc(&engine->arena, orri_layout_bytes(layout));
    orri_pack(layout, results.as.record, cells, &engine->arena);
    task->results = cells;
    attempt_ended(engine, task);
    uint32_t next = 0;
    for (uint32_t at = task->first; at != ORR_NONE; at = next) {
        struct orri_firing *firing = orri_firing_at(engine, at);
        next = orri_firing_wait(engine, firing)->next;
        if (stop_waiting(engine, firing))
            settle_firing(engine, at, id);
    }
}

void orr_engine_finished(struct orr_engine *engine, orr_task_id id,
                         struct orr_value results)
{
    orri_task_finished(engine, id, results);
    orri_settle_event(engine);
}

static void keep_failure(struct orr_engine *engine, struct orri_task *task,
                         const struct orr_failure *failure)
{
    struct orr_failure *kept = orr_arena_alloc(&engine->arena, sizeof *kept);
    *kept = *failure;
    kept->message = orr_arena_strdup(&engine->arena, failure->message);
    task->failure = kept;
}

/* All who wait for a call of a workflow that was opened again. */
static void join_waiting(struct orr_engine *engine, orr_task_id id)
{
    const struct orri_task *task = orri_task(engine, id);
    if (!orri_is_workflow(engine, task->public.function))
        return;
    for (uint32_t at = task->first; at != ORR_NONE;) {
        struct orri_firing *firing = orri_firing_at(engine, at);
        if (firing->flags & ORRI_FIRING_WAITS)
            orri_join_call(engine, id, firing->request);
        at = at == task->last ? ORR_NONE : orri_firing_wait(engine, firing)->next;
    }
}

void orri_task_failed(struct orr_engine *engine, orr_task_id id, uint32_t attempt,
                      const struct orr_failure *failure)
{
    struct orri_task *task = orri_task(engine, id);
    if (task->state != ORR_TASK_WAITING || attempt != task->attempts)
        return; /* a late echo of an attempt that was given up */
    keep_failure(engine, task, failure);
    task->state = ORR_TASK_FAILED;
    attempt_ended(engine, task);
    int64_t longest = 0;
    uint32_t last = task->last; /* who asks meanwhile decides for itself */
    for (uint32_t at = task->first; at != ORR_NONE;) {
        struct orri_firing *firing = orri_firing_at(engine, at);
        int64_t delay = 0;
        if (stop_waiting(engine, firing) &&
            orri_handle_failure(engine, at, id, &delay)) {
            task->state = ORR_TASK_WAITING;
            wait_for_task(engine, firing);
            longest = delay > longest ? delay : longest;
        }
        at = at == last ? ORR_NONE : orri_firing_wait(engine, firing)->next;
    }
    if (task->state == ORR_TASK_WAITING && !task->called) {
        orri_task_attempt(engine, id, longest);
        join_waiting(engine, id);
    }
}

void orr_engine_attempt_failed(struct orr_engine *engine, orr_task_id id,
                               uint32_t attempt, const struct orr_failure *failure)
{
    orri_task_failed(engine, id, attempt, failure);
    orri_settle_event(engine);
}

void orr_engine_call_dropped(struct orr_engine *engine, orr_task_id id)
{
    struct orri_task *task = orri_task(engine, id);
    if (task->state == ORR_TASK_WAITING)
        attempt_ended(engine, task);
}

/* ---- reading ---- */

const struct orr_task *orr_engine_task(const struct orr_engine *engine,
                                       orr_task_id task)
{
    return &orri_task(engine, task)->public;
}

uint32_t orr_engine_tasks(const struct orr_engine *engine) { return engine->tasks.n; }

struct orr_urgency orr_engine_task_urgency(const struct orr_engine *engine,
                                           orr_task_id task)
{
    return engine->urgencies.items[orri_task(engine, task)->urgency];
}

enum orr_task_state orr_engine_task_state(const struct orr_engine *engine,
                                          orr_task_id task)
{
    return (enum orr_task_state)orri_task(engine, task)->state;
}

const struct orr_record *orr_engine_task_results(const struct orr_engine *engine,
                                                 orr_task_id task,
                                                 struct orr_arena *arena)
{
    const struct orri_task *t = orri_task(engine, task);
    return t->state == ORR_TASK_DONE
               ? orri_unpacked(&engine->results[t->public.function], t->results, arena)
               : NULL;
}

const struct orr_failure *orr_engine_task_failure(const struct orr_engine *engine,
                                                  orr_task_id task)
{
    const struct orri_task *t = orri_task(engine, task);
    return t->state == ORR_TASK_DONE ? NULL : t->failure;
}

bool orr_engine_task_wanted(const struct orr_engine *engine, orr_task_id task)
{
    struct orri_wait *wait = NULL;
    for (uint32_t at = orri_task(engine, task)->first; at != ORR_NONE;
         at = wait->next) {
        struct orri_firing *firing = orri_firing_at(engine, at);
        wait = orri_firing_wait(engine, firing);
        if (firing->flags & ORRI_FIRING_WAITS &&
            !orri_request_failed(engine, firing->request))
            return true;
    }
    return false;
}
