/* task.c - tasks: calls by content, each made once whoever asks
 * Owns: tasks and the firings that wait for them.
 * Hands on: what a result or a failure means (react.c). */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

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
        orr_put_u8(out, v.kind);
        if (!to->by_content)
            orr_put_string(out, v.as.s->s, v.as.s->length);
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
    struct orr_bytes bytes = ORR_BYTES_INIT;
    struct identity to = { engine, &bytes, f->content_identity };
    orr_put_u64(&bytes, f->content.hi);
    orr_put_u64(&bytes, f->content.lo);
    orr_put_string(&bytes, f->version ? f->version : "",
                   f->version ? strlen(f->version) : 0);
    for (uint32_t i = 0; i < f->params->n_fields; i++) {
        const char *name = f->params->fields[i].name;
        if (args[i].kind == ORR_KIND_NULL)
            continue;
        orr_put_string(&bytes, name, strlen(name));
        put_identity(&to, args[i]);
    }
    struct orr_id id = orr_hash(bytes.data, bytes.length);
    orr_bytes_release(&bytes);
    return id;
}

/* ---- the table of tasks ---- */

/* The slot of an identity: its task + 1, or 0 for a new one. */
static uint64_t *task_slot(struct orr_engine *engine, struct orr_id id)
{
    for (uint64_t key = id.lo;; key += id.hi | 1) {
        bool fresh = false;
        uint64_t *slot = orr_map_insert(&engine->by_identity, key, &fresh);
        if (fresh || *slot == 0 ||
            orr_id_equal(engine->tasks[*slot - 1]->public.identity, id))
            return slot;
    }
}

static int64_t call_priority(struct orr_engine *engine, const struct orr_rule *rule,
                             const struct orr_graph_function *function,
                             uint32_t request)
{
    struct orr_value v = orr_int(0);
    struct orr_error err = { 0 };
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
    struct orr_error err = { 0 };
    if (rule->deadline && orr_expr_eval(rule->deadline, engine->slots, &engine->firing,
                                        &v, &err) != ORR_OK)
        orri_request_fail_at(engine, request, &err, rule->name);
    return v.kind == ORR_KIND_NULL ? INT64_MAX : v.as.i;
}

static void encode_args(struct orr_engine *engine, struct orr_task *task,
                        const struct orr_value *args, uint32_t n)
{
    struct orr_bytes bytes = ORR_BYTES_INIT;
    for (uint32_t i = 0; i < n; i++)
        orr_value_put(&bytes, args[i]);
    unsigned char *kept = orr_arena_alloc(&engine->arena, bytes.length + 1);
    if (bytes.length)
        memcpy(kept, bytes.data, bytes.length);
    task->args = kept;
    task->args_length = (uint32_t)bytes.length;
    orr_bytes_release(&bytes);
}

orr_task_id orri_task_for(struct orr_engine *engine, uint32_t function,
                          uint32_t request, uint32_t rule, const struct orr_value *args)
{
    const struct orr_graph_function *f = &engine->graph->functions[function];
    struct orr_id identity = orri_task_identity(engine, function, args);
    uint64_t *slot = task_slot(engine, identity);
    if (*slot)
        return (orr_task_id) { (uint32_t)(*slot - 1) };
    struct orri_task *task = orr_alloc(1, sizeof *task);
    *slot = engine->n_tasks + 1;
    task->public = (struct orr_task) {
        .identity = identity,
        .function = function,
        .request = engine->requests[request].request,
        .rule = rule,
    };
    const struct orr_rule *r = &engine->graph->rules[rule];
    task->public.priority = call_priority(engine, r, f, request);
    task->public.deadline = call_deadline(engine, r, request);
    encode_args(engine, &task->public, args, f->params->n_fields);
    task->last = &task->firings;
    engine->tasks = orr_grow(engine->tasks, engine->n_tasks, &engine->cap_tasks,
                             sizeof *engine->tasks);
    engine->tasks[engine->n_tasks] = task;
    return (orr_task_id) { (uint32_t)engine->n_tasks++ };
}

void orri_task_attempt(struct orr_engine *engine, orr_task_id id, int64_t delay)
{
    struct orri_task *task = engine->tasks[id.v];
    task->called = true;
    if (orri_is_workflow(engine, task->public.function)) {
        task->attempts++;
        orri_open_call(engine, id);
        return;
    }
    engine->calls = orr_grow(engine->calls, engine->n_calls, &engine->cap_calls,
                             sizeof *engine->calls);
    engine->calls[engine->n_calls++] =
        (struct orr_engine_call) { id, ++task->attempts, delay };
}

/* ---- firings ---- */

static void settle_firing(struct orr_engine *engine, struct orri_firing *firing,
                          const struct orri_task *task)
{
    const struct orr_rule *rule = &engine->graph->rules[firing->rule];
    orri_bind(engine, firing->rule, firing->match, firing->gathered);
    engine->slots[rule->result_slot] = task->results;
    (void)orri_react(engine, firing->rule, firing->request, rule->then, rule->n_then);
    orr_arena_reset(&engine->firing);
}

static void wait_for(struct orr_engine *engine, struct orri_task *task,
                     struct orri_firing *firing)
{
    firing->next = NULL;
    *task->last = firing;
    task->last = &firing->next;
    engine->waiting++;
    engine->requests[firing->request].waiting++;
}

static void stop_waiting(struct orr_engine *engine, const struct orri_firing *firing)
{
    struct orri_request *request = &engine->requests[firing->request];
    if (request->failed) /* its waiting was written off as a whole */
        return;
    engine->waiting--;
    if (--request->waiting == 0)
        orri_touch(engine, firing->request);
}

void orri_subscribe(struct orr_engine *engine, struct orri_firing *firing,
                    orr_task_id id, int64_t delay)
{
    struct orri_task *task = engine->tasks[id.v];
    int64_t wait = 0;
    if (task->state == ORRI_TASK_DONE) {
        settle_firing(engine, firing, task);
        free(firing);
    } else if (task->state == ORRI_TASK_WAITING) {
        wait_for(engine, task, firing);
        if (!task->called)
            orri_task_attempt(engine, id, delay);
        orri_join_call(engine, id, firing->request);
    } else if (orri_handle_failure(engine, firing, id, &wait)) {
        task->state = ORRI_TASK_WAITING;
        wait_for(engine, task, firing);
        orri_task_attempt(engine, id, wait);
        orri_join_call(engine, id, firing->request);
    }
}

static struct orri_firing *take_firings(struct orri_task *task)
{
    struct orri_firing *firings = task->firings;
    task->firings = NULL;
    task->last = &task->firings;
    return firings;
}

void orri_task_finished(struct orr_engine *engine, orr_task_id id,
                        struct orr_value results)
{
    struct orri_task *task = engine->tasks[id.v];
    if (task->state == ORRI_TASK_DONE)
        return;
    task->state = ORRI_TASK_DONE;
    task->results = orr_value_copy(results, &engine->arena);
    struct orri_firing *next = NULL;
    for (struct orri_firing *firing = take_firings(task); firing; firing = next) {
        next = firing->next;
        stop_waiting(engine, firing);
        if (!orri_request_failed(engine, firing->request))
            settle_firing(engine, firing, task);
        free(firing);
    }
}

void orr_engine_finished(struct orr_engine *engine, orr_task_id id,
                         struct orr_value results)
{
    orri_task_finished(engine, id, results);
    orri_settle(engine);
}

void orri_task_failed(struct orr_engine *engine, orr_task_id id, uint32_t attempt,
                      const struct orr_failure *failure)
{
    struct orri_task *task = engine->tasks[id.v];
    if (task->state != ORRI_TASK_WAITING || attempt != task->attempts)
        return; /* a late echo of an attempt that was given up */
    task->failure = *failure;
    task->failure.message = orr_arena_strdup(&engine->arena, failure->message);
    task->state = ORRI_TASK_FAILED;
    task->called = false;
    int64_t longest = 0;
    struct orri_firing *next = NULL;
    for (struct orri_firing *firing = take_firings(task); firing; firing = next) {
        next = firing->next;
        int64_t delay = 0;
        stop_waiting(engine, firing);
        if (orri_request_failed(engine, firing->request)) {
            free(firing);
        } else if (orri_handle_failure(engine, firing, id, &delay)) {
            task->state = ORRI_TASK_WAITING;
            wait_for(engine, task, firing);
            longest = delay > longest ? delay : longest;
        }
    }
    if (task->state == ORRI_TASK_WAITING && !task->called)
        orri_task_attempt(engine, id, longest);
}

void orr_engine_attempt_failed(struct orr_engine *engine, orr_task_id id,
                               uint32_t attempt, const struct orr_failure *failure)
{
    orri_task_failed(engine, id, attempt, failure);
    orri_settle(engine);
}

enum orr_task_state orr_engine_task_state(const struct orr_engine *engine,
                                          orr_task_id id)
{
    switch (engine->tasks[id.v]->state) {
    case ORRI_TASK_DONE: return ORR_TASK_DONE;
    case ORRI_TASK_FAILED: return ORR_TASK_FAILED;
    default: return ORR_TASK_WAITING;
    }
}

void orr_engine_call_dropped(struct orr_engine *engine, orr_task_id id)
{
    struct orri_task *task = engine->tasks[id.v];
    if (task->state == ORRI_TASK_WAITING)
        task->called = false;
}

void orri_task_free(struct orri_task *task)
{
    struct orri_firing *next = NULL;
    for (struct orri_firing *firing = task->firings; firing; firing = next) {
        next = firing->next;
        free(firing);
    }
    free(task);
}
