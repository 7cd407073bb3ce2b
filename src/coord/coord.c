/* coord.c - the coordinator's loop
 * Owns: nodes, task records, the status.
 * Hands on: rules (engine), choice (sched), earlier results (known.c), run.h5
 * (record.c). */
#include "coord/internal.h"

#include "base/clock.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BATCH_BYTES = 64 * 1024,
    BEAT_SECONDS = 5,
    LOST_SECONDS = 30,
    LEAVE_SECONDS = 60,
    POISONED_AFTER = 3, /* workers that one task took down */
};

/* ---- start and end ---- */

static struct orr_sched *new_sched(const struct orr_graph *graph)
{
    struct orr_sched_pool *pools = orr_alloc(graph->n_pools, sizeof *pools);
    for (uint32_t i = 0; i < graph->n_pools; i++)
        pools[i] =
            (struct orr_sched_pool) { graph->pools[i].parent, graph->pools[i].share,
                                      graph->pools[i].reserve, graph->pools[i].max,
                                      graph->pools[i].borrow };
    struct orr_sched *sched = orr_sched_new(pools, graph->n_pools);
    free(pools);
    return sched;
}

static void init_status(struct orr_coord *coord)
{
    struct orr_run_status *s = &coord->status;
    const struct orr_graph *graph = coord->setup.graph;
    s->state = ORR_RUN_STARTING;
    orr_id_text(coord->setup.run_id, s->run_id);
    (void)snprintf(s->name, sizeof s->name, "%s", coord->setup.name);
    (void)snprintf(s->workflow, sizeof s->workflow, "%s", graph->name);
    (void)gethostname(s->host, sizeof s->host - 1);
    s->pid = (uint32_t)getpid();
    s->epoch = coord->setup.epoch;
    s->started = orr_clock_wall();
    s->updated = s->started;
    s->requests = coord->setup.n_requests;
    s->n_stages =
        graph->n_functions < ORR_STAGES_MAX ? graph->n_functions : ORR_STAGES_MAX;
    for (uint32_t i = 0; i < s->n_stages; i++)
        (void)snprintf(s->stages[i].name, sizeof s->stages[i].name, "%s",
                       graph->functions[i].name);
}

orr_status orr_coord_new(const struct orr_coord_setup *setup, struct orr_coord **out,
                         struct orr_error *err)
{
    struct orr_coord *coord = orr_alloc(1, sizeof *coord);
    coord->setup = *setup;
    if (!coord->setup.lost_after)
        coord->setup.lost_after = LOST_SECONDS * ORR_SECOND;
    coord->files = orri_files_new();
    if (setup->epoch > 1) {
        orr_status status =
            orri_known_load(setup->run_dir, setup->run_id, &coord->known, err);
        if (status != ORR_OK) {
            orr_coord_free(coord);
            return status;
        }
    }
    coord->engine = orr_engine_new(
        setup->graph, &(struct orr_engine_files) { orri_files_identify, coord->files });
    coord->sched = new_sched(setup->graph);
    coord->node_of_rank = orr_alloc(setup->link->size, sizeof *coord->node_of_rank);
    coord->abandon_at = INT64_MAX;
    coord->stop_at = INT64_MAX;
    coord->began = orr_clock_monotonic();
    init_status(coord);
    *out = coord;
    return ORR_OK;
}

void orr_coord_free(struct orr_coord *coord)
{
    if (!coord)
        return;
    orr_engine_free(coord->engine);
    orr_sched_free(coord->sched);
    orri_known_free(coord->known);
    orri_files_free(coord->files);
    for (uint32_t i = 0; i < coord->n_nodes; i++)
        orr_bytes_release(&coord->nodes[i].out);
    free(coord->nodes);
    free(coord->node_of_rank);
    free(coord->records);
    free(coord->stopped_by);
    orr_arena_release(&coord->scratch);
    free(coord);
}

struct orri_task_record *orri_record(struct orr_coord *coord, uint32_t task)
{
    while (coord->n_records <= task) {
        size_t n = coord->n_records ? coord->n_records * 2 : 64;
        coord->records = orr_realloc(coord->records, n, sizeof *coord->records);
        memset(coord->records + coord->n_records, 0,
               (n - coord->n_records) * sizeof *coord->records);
        coord->n_records = n;
    }
    return &coord->records[task];
}

static struct orr_stage *stage_of(struct orr_coord *coord, uint32_t function)
{
    static const uint32_t last = ORR_STAGES_MAX - 1;
    return &coord->status.stages[function < last ? function : last];
}

/* ---- messages to agents ---- */

static orr_status send_node(struct orr_coord *coord, struct orri_node *node,
                            const struct orr_bytes *bytes, struct orr_error *err)
{
    if (node->lost || node->left) /* never again to a suspect rank */
        return ORR_OK;
    return orr_link_send(coord->setup.link, (orr_rank) { node->rank }, bytes->data,
                         bytes->length, err);
}

static orr_status tell_all(struct orr_coord *coord, enum orr_message message,
                           struct orr_error *err)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_status status = ORR_OK;
    orr_signal_put(&out, message, "");
    for (uint32_t i = 0; i < coord->n_nodes && status == ORR_OK; i++)
        status = send_node(coord, &coord->nodes[i], &out, err);
    orr_bytes_release(&out);
    return status;
}

/* ---- the engine's calls ---- */

static void finish_task(struct orr_coord *coord, orr_task_id id, const void *results,
                        uint32_t length)
{
    const struct orr_task *task = orr_engine_task(coord->engine, id);
    const struct orr_graph_function *f = &coord->setup.graph->functions[task->function];
    const struct orr_type type = { .kind = ORR_KIND_RECORD, .record = f->results };
    struct orr_reader in = orr_reader_of(results, length);
    struct orr_value v;
    struct orr_error err = { 0 };
    if (orr_value_get(&in, &type, &coord->scratch, &v, &err) == ORR_OK) {
        orr_engine_finished(coord->engine, id, v);
    } else {
        struct orr_failure failure = { ORR_FAIL_INVALID, 0, err.text };
        orr_engine_attempt_failed(coord->engine, id, 1, &failure);
    }
    orr_arena_reset(&coord->scratch);
}

static bool reuse(struct orr_coord *coord, orr_task_id id)
{
    const struct orr_task *task = orr_engine_task(coord->engine, id);
    uint32_t length = 0;
    const void *results = orri_known_find(coord->known, task->identity, &length);
    if (!results)
        return false;
    struct orr_stage *stage = stage_of(coord, task->function);
    orri_record(coord, id.v)->state = ORRI_TOLD_REUSED;
    stage->done++;
    stage->reused++;
    coord->status.done++;
    coord->status.reused++;
    finish_task(coord, id, results, length);
    return true;
}

static void refuse_call(struct orr_coord *coord, const struct orr_engine_call *call,
                        const char *why)
{
    struct orr_failure failure = { ORR_FAIL_INVALID, 0, why };
    orr_engine_attempt_failed(coord->engine, call->task, call->attempt, &failure);
}

static void queue_call(struct orr_coord *coord, const struct orr_engine_call *call)
{
    const struct orr_task *task = orr_engine_task(coord->engine, call->task);
    const struct orr_graph_function *f = &coord->setup.graph->functions[task->function];
    const char *why = NULL;
    if (call->attempt == 1) {
        stage_of(coord, task->function)->total++;
        coord->status.tasks++;
        if (reuse(coord, call->task))
            return;
    }
    if (!orr_sched_fits(coord->sched, f->pool, f->cores, &why)) {
        refuse_call(coord, call, why);
        return;
    }
    struct orr_ready ready = {
        .task = call->task.v,
        .attempt = call->attempt,
        .pool = f->pool,
        .cores = f->cores,
        .priority = task->priority,
        .deadline = task->deadline,
        .not_before = call->delay ? orr_clock_monotonic() + call->delay : 0,
        .since = orr_clock_wall() + call->delay,
    };
    orr_sched_add(coord->sched, &ready);
}

static void take_calls(struct orr_coord *coord)
{
    struct orr_engine_call call;
    while (orr_engine_take_call(coord->engine, &call)) {
        coord->busy = true;
        queue_call(coord, &call);
    }
}

/* ---- dispatch ---- */

static void assign(struct orr_coord *coord, struct orri_node *node,
                   const struct orr_ready *ready)
{
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
    orr_assignment_put(&node->out, &assignment);
}

static orr_status flush_node(struct orr_coord *coord, struct orri_node *node,
                             struct orr_error *err)
{
    orr_status status = ORR_OK;
    if (node->out.length)
        status = send_node(coord, node, &node->out, err);
    orr_bytes_clear(&node->out);
    return status;
}

/* A task whose requests have all failed is not worth an attempt. */
static bool still_wanted(struct orr_coord *coord, const struct orr_ready *ready)
{
    if (orr_engine_task_wanted(coord->engine, (orr_task_id) { ready->task }))
        return true;
    orr_sched_done(coord->sched, ready->task, 0);
    return false;
}

static orr_status dispatch_to(struct orr_coord *coord, uint32_t index, int64_t now,
                              bool *gave, struct orr_error *err)
{
    struct orri_node *node = &coord->nodes[index];
    struct orr_ready ready;
    *gave = false;
    if (node->lost || node->left || !orr_sched_next(coord->sched, index, now, &ready))
        return ORR_OK;
    *gave = true;
    if (still_wanted(coord, &ready))
        assign(coord, node, &ready);
    return node->out.length > BATCH_BYTES ? flush_node(coord, node, err) : ORR_OK;
}

/* One attempt a node in turn, so that nodes fill evenly. */
static orr_status dispatch(struct orr_coord *coord, int64_t now, struct orr_error *err)
{
    orr_status status = ORR_OK;
    for (bool any = true; any && status == ORR_OK;) {
        any = false;
        for (uint32_t i = 0; i < coord->n_nodes && status == ORR_OK; i++) {
            bool gave = false;
            status = dispatch_to(coord, i, now, &gave, err);
            any = any || gave;
        }
        coord->busy = coord->busy || any;
    }
    for (uint32_t i = 0; i < coord->n_nodes && status == ORR_OK; i++)
        status = flush_node(coord, &coord->nodes[i], err);
    return status;
}

/* ---- messages from agents ---- */

static orr_status welcome(struct orr_coord *coord, const struct orr_hello *hello,
                          int64_t now, struct orr_error *err)
{
    if (hello->wire_version != ORR_WIRE_VERSION ||
        strcmp(hello->version, ORR_VERSION) != 0)
        return orr_error_set(
            err, ORR_ERR_MACHINE, ORR_NO_SPAN,
            "node %s runs orrery %s, rank 0 runs %s: install one version", hello->host,
            hello->version, ORR_VERSION);
    if (!orr_id_equal(hello->digest, coord->setup.graph->digest))
        return orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                             "node %s compiled another workflow than rank 0",
                             hello->host);
    coord->nodes = orr_realloc(coord->nodes, coord->n_nodes + 1, sizeof *coord->nodes);
    struct orri_node *node = &coord->nodes[coord->n_nodes];
    *node =
        (struct orri_node) { .rank = hello->rank, .cores = hello->cores, .heard = now };
    (void)snprintf(node->host, sizeof node->host, "%s", hello->host);
    orr_sched_node(coord->sched, coord->n_nodes, hello->cores);
    coord->node_of_rank[hello->rank] = ++coord->n_nodes;
    if (!coord->cores_since)
        coord->cores_since = now;
    coord->status.cores += hello->cores;
    coord->status.nodes++;
    return ORR_OK;
}

static void count_done(struct orr_coord *coord, const struct orr_done *done)
{
    struct orr_run_status *s = &coord->status;
    struct orr_stage *stage = stage_of(
        coord, orr_engine_task(coord->engine, (orr_task_id) { done->task })->function);
    double wall = (double)(done->t_end - done->t_start) / 1e9;
    struct orri_task_record *record = orri_record(coord, done->task);
    record->attempts++;
    record->rank = done->rank;
    record->core = done->core;
    record->started = done->t_start;
    record->ended = done->t_end;
    record->cpu += done->cpu;
    stage->wall += wall;
    stage->cpu += (double)done->cpu / 1e9;
    s->busy_seconds += wall;
    s->cpu_seconds += (double)done->cpu / 1e9;
    for (const char *at = done->counters; *at; at += *at == '\n') {
        char name[32];
        double amount = 0;
        if (sscanf(at, "%31[^=]=%lf", name, &amount) == 2)
            orr_status_count(s, name, amount);
        at += strcspn(at, "\n");
    }
}

/* A lost worker is no fault of the task: its attempt is made again, without asking the
 * rules, unless the task keeps taking workers down. */
static bool may_run_elsewhere(struct orr_coord *coord, uint32_t task)
{
    return ++orri_record(coord, task)->lost < POISONED_AFTER;
}

static void run_again(struct orr_coord *coord, const struct orr_done *done)
{
    const struct orr_task *task =
        orr_engine_task(coord->engine, (orr_task_id) { done->task });
    const struct orr_graph_function *f = &coord->setup.graph->functions[task->function];
    struct orr_ready ready = { .task = done->task,
                               .attempt = done->attempt,
                               .pool = f->pool,
                               .cores = f->cores,
                               .priority = task->priority,
                               .deadline = task->deadline,
                               .since = orr_clock_wall() };
    orr_sched_add(coord->sched, &ready);
}

static void take_failure(struct orr_coord *coord, const struct orr_done *done)
{
    struct orr_failure failure = { (enum orr_fail_kind)done->failure, done->code,
                                   done->message };
    if (coord->draining) /* it was ended by us: the resume will run it */
        return;
    stage_of(coord,
             orr_engine_task(coord->engine, (orr_task_id) { done->task })->function)
        ->failed++;
    coord->status.failed_attempts++;
    if (done->failure == ORR_FAIL_LOST && may_run_elsewhere(coord, done->task))
        run_again(coord, done);
    else
        orr_engine_attempt_failed(coord->engine, (orr_task_id) { done->task },
                                  done->attempt, &failure);
}

static void take_done(struct orr_coord *coord, const struct orr_done *done)
{
    orr_task_id id = { done->task };
    struct orri_task_record *record = orri_record(coord, done->task);
    struct orr_stage *stage =
        stage_of(coord, orr_engine_task(coord->engine, id)->function);
    orr_sched_done(coord->sched, done->task,
                   (double)(done->t_end - done->t_start) / 1e9);
    if (record->state == ORRI_TOLD_DONE || record->state == ORRI_TOLD_REUSED)
        return; /* the first result won */
    count_done(coord, done);
    record = orri_record(coord, done->task);
    if (done->failure == ORR_FAIL_NONE) {
        record->state = ORRI_TOLD_DONE;
        stage->done++;
        coord->status.done++;
        finish_task(coord, id, done->results, done->results_length);
        return;
    }
    record->state = ORRI_TOLD_FAILED;
    take_failure(coord, done);
}

static orr_status take_done_batch(struct orr_coord *coord, struct orr_reader *in,
                                  struct orr_error *err)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    orr_status status = ORR_OK;
    while (orr_reader_left(in) && status == ORR_OK) {
        struct orr_done done;
        if (orr_done_get(in, &arena, &done) != ORR_OK ||
            done.task >= orr_engine_tasks(coord->engine) || done.failure > ORR_FAIL_IO)
            status = orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                                   "damaged report from an agent");
        else
            take_done(coord, &done);
    }
    orr_arena_release(&arena);
    return status;
}

static void take_bye(struct orr_coord *coord, struct orri_node *node,
                     const struct orr_bye *bye)
{
    node->left = true;
    coord->status.agents_cpu += (double)(bye->agent_cpu + bye->worker_cpu) / 1e9;
    coord->status.stored_bytes += bye->stored_bytes;
}

static void stop_for(struct orr_coord *coord, enum orr_run_state as, const char *why)
{
    if (coord->stopped_by)
        return;
    coord->stopped_by = orr_strdup(why);
    orr_coord_drain(coord, as, 0);
}

static orr_status hear_node(struct orr_coord *coord, struct orri_node *node,
                            enum orr_message message, struct orr_reader *in,
                            struct orr_error *err)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_bye bye;
    orr_status status = ORR_OK;
    if (message == ORR_MESSAGE_DONE)
        status = take_done_batch(coord, in, err);
    else if (message == ORR_MESSAGE_BEAT)
        status = orr_beat_get(in, &node->load);
    else if (message == ORR_MESSAGE_BYE && orr_bye_get(in, &bye) == ORR_OK)
        take_bye(coord, node, &bye);
    else if (message == ORR_MESSAGE_FAULT)
        stop_for(coord, ORR_RUN_STOPPED, orr_signal_get(in, &arena));
    orr_arena_release(&arena);
    return status;
}

static void note_cores(struct orr_coord *coord, uint32_t index)
{
    struct orri_node *node = &coord->nodes[index];
    if (!node->load.cores || node->load.cores == node->cores)
        return; /* a worker of the node died */
    coord->status.cores -= node->cores - node->load.cores;
    node->cores = node->load.cores;
    orr_sched_node(coord->sched, index, node->cores);
}

static orr_status hear(struct orr_coord *coord, orr_rank from, const void *data,
                       size_t length, int64_t now, struct orr_error *err)
{
    struct orr_reader in = orr_reader_of(data, length);
    enum orr_message message = orr_message_of(&in);
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_hello hello;
    uint32_t index = from.v < coord->setup.link->size ? coord->node_of_rank[from.v] : 0;
    orr_status status = ORR_OK;
    coord->busy = coord->busy || message != ORR_MESSAGE_BEAT;
    if (index) {
        coord->nodes[index - 1].heard = now;
        status = hear_node(coord, &coord->nodes[index - 1], message, &in, err);
        note_cores(coord, index - 1);
    } else if (message == ORR_MESSAGE_HELLO &&
               orr_hello_get(&in, &arena, &hello) == ORR_OK && hello.rank == from.v) {
        status = welcome(coord, &hello, now, err);
    } else if (message == ORR_MESSAGE_FAULT) {
        stop_for(coord, ORR_RUN_STOPPED, orr_signal_get(&in, &arena));
    }
    orr_arena_release(&arena);
    return status;
}

static orr_status hear_all(struct orr_coord *coord, int64_t now, struct orr_error *err)
{
    const void *data = NULL;
    size_t length = 0;
    orr_rank from;
    orr_status status = ORR_OK;
    while ((status = orr_link_receive(coord->setup.link, &from, &data, &length, err)) ==
           ORR_OK) {
        status = hear(coord, from, data, length, now, err);
        if (status != ORR_OK)
            return status;
    }
    return status == ORR_END ? ORR_OK : status;
}

/* ---- time ---- */

static bool put_back(void *context, struct orr_ready *ready)
{
    struct orr_coord *coord = context;
    struct orr_failure failure = { ORR_FAIL_LOST, 0, "its node was lost" };
    if (coord->draining)
        return false;
    coord->status.failed_attempts++;
    if (may_run_elsewhere(coord, ready->task))
        return true;
    orr_engine_attempt_failed(coord->engine, (orr_task_id) { ready->task },
                              ready->attempt, &failure);
    return false;
}

static void check_nodes(struct orr_coord *coord, int64_t now)
{
    for (uint32_t i = 0; i < coord->n_nodes; i++) {
        struct orri_node *node = &coord->nodes[i];
        if (node->lost || node->left || now - node->heard < coord->setup.lost_after)
            continue;
        node->lost = true;
        coord->status.lost_nodes++;
        coord->status.cores -= node->cores;
        orr_progress_break(coord->setup.progress);
        (void)fprintf(stderr,
                      "orrery: node %s (rank %" PRIu32
                      ") was silent for %.1f s: lost, its attempts run elsewhere\n",
                      node->host, node->rank, (double)(now - node->heard) / 1e9);
        orr_sched_node_lost(coord->sched, i, put_back, coord);
    }
}

static orr_status beat(struct orr_coord *coord, int64_t now, struct orr_error *err)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    struct orr_beat nothing = { 0 };
    orr_status status = ORR_OK;
    orr_beat_put(&out, &nothing);
    for (uint32_t i = 0; i < coord->n_nodes && status == ORR_OK; i++)
        status = send_node(coord, &coord->nodes[i], &out, err);
    orr_bytes_release(&out);
    coord->beat = now;
    return status;
}

static void update_status(struct orr_coord *coord, int64_t now)
{
    struct orr_run_status *s = &coord->status;
    s->updated = orr_clock_wall();
    s->in_flight = orr_sched_in_flight(coord->sched);
    s->waiting = orr_sched_queued(coord->sched);
    s->coordinator_cpu = (double)orr_clock_cpu() / 1e9;
    s->busy_cores = 0;
    for (uint32_t i = 0; i < coord->n_nodes; i++)
        if (!coord->nodes[i].lost && !coord->nodes[i].left)
            s->busy_cores += coord->nodes[i].load.running;
    if (coord->cores_since)
        s->core_seconds = s->cores * (double)(now - coord->cores_since) / 1e9;
    s->succeeded = 0;
    s->failed_requests = 0;
    for (uint32_t r = 0; r < orr_engine_requests(coord->engine); r++) {
        enum orr_request_state state = orr_engine_request_state(coord->engine, r, NULL);
        s->succeeded += state == ORR_REQUEST_SUCCEEDED;
        s->failed_requests += state == ORR_REQUEST_FAILED;
    }
    coord->shown = now;
}

static void show(struct orr_coord *coord, int64_t now)
{
    update_status(coord, now);
    (void)orr_status_write(coord->setup.run_dir, &coord->status, NULL);
    orr_progress_show(coord->setup.progress, &coord->status);
}

/* ---- the end ---- */

static bool all_left(const struct orr_coord *coord)
{
    for (uint32_t i = 0; i < coord->n_nodes; i++)
        if (!coord->nodes[i].left && !coord->nodes[i].lost)
            return false;
    return coord->n_nodes > 0 || coord->draining;
}

static bool work_is_over(const struct orr_coord *coord)
{
    if (coord->draining)
        return true;
    return coord->status.state == ORR_RUN_RUNNING &&
           orr_engine_pending(coord->engine) == 0;
}

static orr_status begin_end(struct orr_coord *coord, int64_t now, struct orr_error *err)
{
    coord->ending = true;
    coord->stop_at = now + LEAVE_SECONDS * ORR_SECOND;
    if (coord->abandon_at != INT64_MAX && coord->abandon_at > now)
        coord->stop_at += coord->abandon_at - now;
    orr_status status = ORR_OK;
    /* What still runs belongs to failed requests: nobody wants it. */
    if (!coord->draining && orr_sched_in_flight(coord->sched))
        status = tell_all(coord, ORR_MESSAGE_ABANDON, err);
    return status == ORR_OK ? tell_all(coord, ORR_MESSAGE_STOP, err) : status;
}

static orr_status step_end(struct orr_coord *coord, int64_t now, struct orr_error *err)
{
    if (now >= coord->abandon_at) {
        coord->abandon_at = INT64_MAX;
        orr_status status = tell_all(coord, ORR_MESSAGE_ABANDON, err);
        if (status != ORR_OK)
            return status;
    }
    return all_left(coord) || now > coord->stop_at ? ORR_END : ORR_OK;
}

void orr_coord_drain(struct orr_coord *coord, enum orr_run_state as, int64_t grace)
{
    int64_t now = orr_clock_monotonic();
    if (!coord->draining)
        coord->status.state = as;
    coord->draining = true;
    coord->busy = true;
    if (now + grace < coord->abandon_at)
        coord->abandon_at = now + grace;
    orr_sched_clear(coord->sched);
}

/* All agents came (or those that did must do): add the requests, begin. */
static void begin_work(struct orr_coord *coord)
{
    coord->status.state = ORR_RUN_RUNNING;
    for (uint32_t r = 0; r < coord->setup.n_requests; r++)
        (void)orr_engine_add_request(coord->engine, coord->setup.requests[r]);
}

static bool too_many_failures(const struct orr_coord *coord)
{
    return coord->setup.max_failures &&
           coord->status.failed_attempts >= coord->setup.max_failures;
}

orr_status orr_coord_step(struct orr_coord *coord, struct orr_error *err)
{
    int64_t now = orr_clock_monotonic();
    coord->busy = false;
    orr_status status = hear_all(coord, now, err);
    if (coord->status.state == ORR_RUN_STARTING &&
        coord->n_nodes == coord->setup.agents)
        begin_work(coord);
    if (too_many_failures(coord))
        stop_for(coord, ORR_RUN_FAILED, "too many failed attempts (--max-failures)");
    check_nodes(coord, now);
    take_calls(coord);
    if (status == ORR_OK && !coord->draining)
        status = dispatch(coord, now, err);
    if (status == ORR_OK && now - coord->beat > BEAT_SECONDS * ORR_SECOND)
        status = beat(coord, now, err);
    if (now - coord->shown > ORR_SECOND)
        show(coord, now);
    if (status == ORR_OK && !coord->ending && work_is_over(coord))
        status = begin_end(coord, now, err);
    if (status == ORR_OK && coord->ending)
        status = step_end(coord, now, err);
    return status;
}

int64_t orr_coord_wake(const struct orr_coord *coord)
{
    int64_t wake = coord->shown + ORR_SECOND;
    int64_t delayed = orr_sched_wake(coord->sched);
    wake = delayed < wake ? delayed : wake;
    return coord->abandon_at < wake ? coord->abandon_at : wake;
}

bool orr_coord_was_busy(const struct orr_coord *coord) { return coord->busy; }

const struct orr_run_status *orr_coord_status(const struct orr_coord *coord)
{
    return &coord->status;
}

static void judge(struct orr_coord *coord)
{
    struct orr_run_status *s = &coord->status;
    struct orr_text why = ORR_TEXT_INIT;
    if (s->state == ORR_RUN_RUNNING)
        s->state = s->succeeded == s->requests ? ORR_RUN_SUCCEEDED : ORR_RUN_FAILED;
    for (uint32_t r = 0; r < orr_engine_requests(coord->engine) && why.length == 0; r++)
        if (orr_engine_request_state(coord->engine, r, NULL) == ORR_REQUEST_FAILED)
            (void)orr_engine_request_state(coord->engine, r, &why);
    const char *text = coord->stopped_by ? coord->stopped_by : why.s;
    bool bad = s->state == ORR_RUN_FAILED || s->state == ORR_RUN_STOPPED;
    (void)snprintf(s->message, sizeof s->message, "%s", bad && text ? text : "");
    orr_text_release(&why);
}

orr_status orr_coord_conclude(struct orr_coord *coord, struct orr_text *summary,
                              struct orr_text *problems, struct orr_error *err)
{
    update_status(coord, orr_clock_monotonic());
    coord->status.busy_cores = 0;
    judge(coord);
    orr_progress_break(coord->setup.progress);
    orr_status status = orri_write_run_file(coord, err);
    orr_status_summary(&coord->status, summary);
    orri_summarise_outputs(coord, summary);
    orri_list_problems(coord, problems);
    orr_status told = orr_status_write(coord->setup.run_dir, &coord->status,
                                       status == ORR_OK ? err : NULL);
    return status == ORR_OK ? told : status;
}
