/* dispatch.c - from the calls that the rules ask for to assignments for nodes
 * Owns nothing: works on the coordinator. Hands on: the choice (sched). */
#include "coord/internal.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    BATCH_BYTES = 64 * 1024,
    GONE_SHOWN = 3,
};
static const int64_t TAKE_TIME = 2 * 1000 * 1000; /* ns */

/* ---- the engine's calls ---- */

/* Into the coordinator's scratch. */
static orr_status read_results(struct orr_coord *coord, const struct orr_task *task,
                               const void *results, uint32_t length,
                               struct orr_value *out, struct orr_error *err)
{
    const struct orr_graph_function *f = &coord->setup.graph->functions[task->function];
    const struct orr_type type = { .kind = ORR_KIND_RECORD, .record = f->results };
    struct orr_reader in = orr_reader_of(results, length);
    return orr_value_get(&in, &type, &coord->scratch, out, err);
}

bool orri_finish_task(struct orr_coord *coord, orr_task_id id, const void *results,
                      uint32_t length, struct orr_error *err)
{
    const struct orr_task *task = orr_engine_task(coord->engine, id);
    struct orr_value v;
    orr_status status = read_results(coord, task, results, length, &v, err);
    if (status == ORR_OK)
        orr_engine_finished(coord->engine, id, v);
    orr_arena_reset(&coord->scratch);
    return status == ORR_OK;
}

/* A file that the task made, below RUN/out, and that is not there any more, or was made
 * anew by another task; or NULL. */
static const char *gone_file(const struct orr_coord *coord, struct orr_id id,
                             struct orr_value v, int64_t t_end)
{
    const char *gone = NULL;
    if (v.kind == ORR_KIND_PATH) {
        size_t root = strlen(coord->setup.run_dir);
        const char *path = v.as.s->s;
        if (strncmp(path, coord->setup.run_dir, root) == 0 &&
            strncmp(path + root, "/out/", 5) == 0 &&
            (access(path, F_OK) != 0 ||
             orr_known_overwritten(coord->known, id, path, t_end)))
            gone = path;
    }
    for (uint32_t i = 0; v.kind == ORR_KIND_LIST && i < v.as.list->n && !gone; i++)
        gone = gone_file(coord, id, v.as.list->items[i], t_end);
    for (uint32_t i = 0;
         v.kind == ORR_KIND_RECORD && i < v.as.record->type->n_fields && !gone; i++)
        gone = gone_file(coord, id, v.as.record->fields[i], t_end);
    return gone;
}

static void tell_gone(struct orr_coord *coord, const struct orr_task *task,
                      const char *path)
{
    if (coord->gone++ >= GONE_SHOWN) /* the summary has the number */
        return;
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_printf(&text,
                    "orrery: %s is %s: the task of '%s' that made it runs again\n",
                    path, access(path, F_OK) != 0 ? "gone" : "another task's by now",
                    coord->setup.graph->functions[task->function].name);
    orr_progress_break(coord->setup.progress);
    orr_text_print(stderr, text.s);
    orr_text_release(&text);
}

void orri_count_reused(struct orr_coord *coord, orr_task_id id, const char *origin)
{
    const struct orr_task *task = orr_engine_task(coord->engine, id);
    struct orr_stage *stage = orri_stage(coord, task->function);
    struct orri_told *told = orri_told(coord, id.v);
    *told = (struct orri_told) { ORRI_TOLD_REUSED, orri_origin(coord, origin) };
    stage->done++;
    stage->reused++;
    coord->status.done++;
    coord->status.reused++;
}

/* What an earlier epoch stored; results that do not read back, and those whose files
 * are gone, are made again. */
static bool reuse(struct orr_coord *coord, orr_task_id id,
                  const struct orr_known_result *result)
{
    const struct orr_task *task = orr_engine_task(coord->engine, id);
    struct orr_value v;
    bool good =
        read_results(coord, task, result->bytes, result->length, &v, NULL) == ORR_OK;
    const char *gone = good ? gone_file(coord, task->identity, v, result->t_end) : NULL;
    if (gone)
        tell_gone(coord, task, gone);
    good = good && !gone;
    if (good)
        orr_engine_finished(coord->engine, id, v);
    orr_arena_reset(&coord->scratch);
    orr_known_used(coord->known, task->identity);
    if (!good)
        return false;
    orri_count_reused(coord, id, result->origin);
    return true;
}

static void fail_again(struct orr_coord *coord, const struct orr_engine_call *call,
                       const struct orr_known_failure *known)
{
    struct orr_failure failure = { known->kind, known->code, known->message };
    coord->recalled++;
    if (known->kind == ORR_FAIL_LOST && known->code == ORR_LOST_DIED)
        orri_poison_again(coord, call->task.v);
    orr_engine_attempt_failed(coord->engine, call->task, call->attempt, &failure);
}

/* An attempt that an earlier epoch made ends as it did then: failures before the
 * success of a task are told first, because handlers count them. A success of an
 * earlier session than a failure was known before that. */
static bool recall(struct orr_coord *coord, const struct orr_engine_call *call)
{
    struct orr_id id = orr_engine_task(coord->engine, call->task)->identity;
    struct orr_known_result result = { 0 };
    const struct orr_known_failure *failure =
        orr_known_failure(coord->known, id, call->attempt);
    bool done = orr_known_result(coord->known, id, &result);
    bool done_first = done && (!failure || result.epoch < failure->epoch ||
                               result.attempt <= call->attempt);
    if (done_first && reuse(coord, call->task, &result))
        return true;
    if (failure)
        fail_again(coord, call, failure);
    return failure != NULL;
}

/* When the delay of a retry is over that counts from a failure of an earlier epoch. */
static int64_t delay_left(const struct orr_coord *coord,
                          const struct orr_engine_call *call)
{
    struct orr_id id = orr_engine_task(coord->engine, call->task)->identity;
    const struct orr_known_failure *before =
        call->delay ? orr_known_failure(coord->known, id, call->attempt - 1) : NULL;
    int64_t since = before ? orri_wall(coord) - before->t_end : 0;
    int64_t left = since > 0 ? call->delay - since : call->delay;
    return left > 0 ? left : 0;
}

static void refuse_call(struct orr_coord *coord, const struct orr_engine_call *call,
                        const char *why)
{
    struct orr_failure failure = { ORR_FAIL_INVALID, 0, why };
    orr_engine_attempt_failed(coord->engine, call->task, call->attempt, &failure);
}

/* Can it ever run? Else the reason, for refuse_call(). Whoever is set aside works
 * before a call is refused. */
static bool fits(struct orr_coord *coord, uint32_t pool,
                 const struct orr_resources *needs, struct orr_text *why)
{
    if (orr_sched_fits(coord->sched, pool, needs, why))
        return true;
    if (!orri_recall_set_aside(coord))
        return false;
    orr_text_clear(why);
    return orr_sched_fits(coord->sched, pool, needs, why);
}

struct orr_ready orri_ready_of(struct orr_coord *coord, uint32_t task, uint32_t attempt)
{
    const struct orr_task *is = orr_engine_task(coord->engine, (orr_task_id) { task });
    uint32_t function = is->function;
    const struct orr_graph_function *f = &coord->setup.graph->functions[function];
    struct orr_resources needs = orr_function_needs(f);
    struct orr_urgency urgency =
        orr_engine_task_urgency(coord->engine, (orr_task_id) { task });
    return (struct orr_ready) {
        .task = task,
        .attempt = attempt,
        .pool = f->pool,
        .cores = needs.cores,
        .memory = needs.memory,
        .gpus = needs.gpus,
        .priority = urgency.priority,
        .deadline = urgency.deadline,
        .since = orri_wall(coord),
        .group = function,
        .avoid = task < coord->records.n ? orri_record(coord, task)->suspect : 0,
        .twice = coord->twice[function],
        .home = coord->marked && !f->opportunistic,
        .cost = coord->setup.timed ? orri_cost_of(coord, is, attempt) : 0,
    };
}

static void queue_call(struct orr_coord *coord, const struct orr_engine_call *call)
{
    const struct orr_task *task = orr_engine_task(coord->engine, call->task);
    const struct orr_graph_function *f = &coord->setup.graph->functions[task->function];
    struct orr_resources needs = orr_function_needs(f);
    struct orr_text why = ORR_TEXT_INIT;
    if (coord->draining) /* the resume will ask again */
        return;
    if (call->attempt == 1) {
        orri_stage(coord, task->function)->total++;
        coord->status.tasks++;
    }
    if (coord->known && recall(coord, call))
        return;
    if (orri_is_poisoned(coord, call->task.v)) {
        orri_refuse_poisoned(coord, call);
        return;
    }
    if (call->attempt == 1 && coord->setup.reuse && orri_borrow(coord, call->task))
        return;
    if (!fits(coord, f->pool, &needs, &why)) {
        refuse_call(coord, call, why.s);
        orr_text_release(&why);
        return;
    }
    int64_t delay = delay_left(coord, call);
    struct orr_ready ready = orri_ready_of(coord, call->task.v, call->attempt);
    ready.not_before = delay ? orri_now(coord) + delay : 0;
    ready.since += delay;
    orr_sched_add(coord->sched, &ready);
}

/* Calls of a pool that the engine makes ahead: four a core, on small machines enough
 * that nothing is learnt too late of what is urgent. */
void orri_set_window(struct orr_coord *coord)
{
    uint32_t cores = coord->status.cores;
    uint32_t ahead = cores < UINT32_MAX / 4 ? cores * 4 : UINT32_MAX;
    coord->window = ahead > ORR_ENGINE_WINDOW ? ahead : ORR_ENGINE_WINDOW;
    orr_engine_set_window(coord->engine, coord->expanding ? UINT32_MAX : coord->window);
}

/* All calls are there that wait for no result. */
static void end_expanding(struct orr_coord *coord)
{
    coord->expanding = false;
    orri_set_window(coord);
    orr_engine_set_turns(coord->engine, ORRI_TURNS);
}

/* A window of calls may take a tenth of a second, results of other runs are read from
 * disk: others are heard in between, and what they ask for is given out. */
void orri_take_calls(struct orr_coord *coord)
{
    struct orr_engine_call call;
    const uint32_t look = coord->setup.reuse ? 1 : 64; /* at the clock */
    int64_t until = orri_now(coord) + TAKE_TIME;
    for (uint32_t n = 1; orr_engine_take_call(coord->engine, &call); n++) {
        coord->busy = true;
        queue_call(coord, &call);
        if (n % look == 0 && orri_now(coord) > until)
            return;
    }
    if (coord->expanding && coord->status.state == ORR_RUN_RUNNING)
        end_expanding(coord);
}

/* ---- dispatch ---- */

void orri_assign(struct orr_coord *coord, uint32_t index, const struct orr_ready *ready)
{
    struct orri_node *node = &coord->nodes[index];
    const struct orr_task *task =
        orr_engine_task(coord->engine, (orr_task_id) { ready->task });
    struct orr_assignment assignment = {
        .task = ready->task,
        .attempt = ready->attempt,
        .function = task->function,
        .request = task->request,
        .identity = task->identity,
        .priority = ready->priority,
        .queued = ready->since,
        .args = task->args,
        .args_length = task->args_length,
    };
    if (node->out.length == 0)
        orr_batch_begin(&node->out, ORR_MESSAGE_ASSIGN);
    if (!node->to_send)
        coord->to_send[coord->n_to_send++] = index;
    node->to_send = true;
    orr_assigning_add(&node->assigning, &node->out, &assignment);
}

static orr_status flush_node(struct orr_coord *coord, struct orri_node *node,
                             struct orr_error *err)
{
    orr_status status = ORR_OK;
    orr_assigning_flush(&node->assigning, &node->out);
    if (node->out.length)
        status = orri_send(coord, node, &node->out, err);
    orr_bytes_clear(&node->out);
    return status;
}

/* A task whose requests have all failed is not worth an attempt. */
static bool still_wanted(struct orr_coord *coord, uint32_t node,
                         const struct orr_ready *ready)
{
    if (orr_engine_task_wanted(coord->engine, (orr_task_id) { ready->task }))
        return true;
    (void)orr_sched_ended(coord->sched, ready->task, node, -1);
    orri_drop_opinion(coord, ready->task);
    orr_engine_call_dropped(coord->engine, (orr_task_id) { ready->task });
    return false;
}

/* Nodes were lost, and some attempts fit nowhere any more: they fail, saying so. */
static void refuse_unfit(struct orr_coord *coord)
{
    struct orr_ready ready;
    struct orr_text why = ORR_TEXT_INIT;
    while (orr_sched_take_unfit(coord->sched, &ready, &why)) {
        struct orr_engine_call call = { { ready.task }, ready.attempt, 0 };
        struct orr_resources needs = { ready.cores, ready.gpus, ready.memory };
        orr_text_clear(&why);
        if (fits(coord, ready.pool, &needs, &why)) {
            orr_sched_add(coord->sched, &ready);
            continue;
        }
        orri_drop_opinion(coord, ready.task);
        refuse_call(coord, &call, why.s);
        orr_text_clear(&why);
    }
    orr_text_release(&why);
}

orr_status orri_flush_assignments(struct orr_coord *coord, struct orr_error *err)
{
    orr_status status = ORR_OK;
    for (uint32_t i = 0; i < coord->n_to_send; i++) {
        struct orri_node *node = &coord->nodes[coord->to_send[i]];
        node->to_send = false;
        if (status == ORR_OK)
            status = flush_node(coord, node, err);
    }
    coord->n_to_send = 0;
    return status;
}

/* Each attempt to the emptiest node, so that nodes fill evenly. Costs what is given
 * out, not the number of nodes. */
orr_status orri_dispatch(struct orr_coord *coord, int64_t now, struct orr_error *err)
{
    orr_status status = ORR_OK;
    struct orr_ready ready;
    uint32_t index = 0;
    refuse_unfit(coord);
    while (status == ORR_OK && orr_sched_next(coord->sched, now, &index, &ready)) {
        coord->busy = true;
        if (!coord->given_since)
            coord->given_since = now;
        if (still_wanted(coord, index, &ready))
            orri_assign(coord, index, &ready);
        if (coord->nodes[index].out.length > BATCH_BYTES)
            status = flush_node(coord, &coord->nodes[index], err);
    }
    orr_status flushed = orri_flush_assignments(coord, status == ORR_OK ? err : NULL);
    return status == ORR_OK ? flushed : status;
}

void orri_tell_waiting(struct orr_coord *coord)
{
    const struct orr_graph *graph = coord->setup.graph;
    for (uint32_t f = 0; f < graph->n_functions && f < coord->status.n_stages; f++) {
        struct orr_resources needs = orr_function_needs(&graph->functions[f]);
        const char *what =
            orr_sched_waits_for(coord->sched, graph->functions[f].pool, f, &needs);
        struct orr_stage *stage = &coord->status.stages[f];
        bool over = stage->done == stage->total;
        (void)snprintf(stage->waits_for, sizeof stage->waits_for, "%s",
                       what && !over ? what : "");
    }
}
