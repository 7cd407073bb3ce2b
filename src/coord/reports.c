/* reports.c - what agents say: hello, results, failures, faults, good-bye
 * Owns nothing: works on the coordinator. Hands on: what follows from a result
 * (engine). */
#include "coord/internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages from agents ---- */

/* It came when the end had begun, or wants to leave: it gets no more work. */
static orr_status dismiss(struct orr_coord *coord, struct orri_node *node,
                          struct orr_error *err)
{
    orr_sched_node(coord->sched, (uint32_t)(node - coord->nodes), 0);
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_signal_put(&out, ORR_MESSAGE_STOP, "");
    orr_status status = orri_send(coord, node, &out, err);
    orr_bytes_release(&out);
    return status;
}

static bool is_guest(const struct orr_coord *coord, uint32_t rank)
{
    return coord->setup.ranks && rank >= coord->setup.ranks;
}

/* The pid of an agent that is a process of this machine; 0 of others. */
static pid_t pid_here(const struct orr_hello *hello)
{
    char space[ORR_PID_SPACE];
    orr_pid_space(space);
    bool here = space[0] && strcmp(space, hello->pid_space) == 0;
    return here ? (pid_t)hello->pid : 0;
}

/* A guest that does not fit is no reason to end the run. */
static orr_status turn_away(struct orr_coord *coord, const struct orr_hello *hello)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_signal_put(&out, ORR_MESSAGE_STOP, "");
    orr_status status = orr_link_send(coord->setup.link, (orr_rank) { hello->rank },
                                      out.data, out.length, NULL);
    orr_bytes_release(&out);
    return status;
}

static orr_status welcome(struct orr_coord *coord, const struct orr_hello *hello,
                          int64_t now, struct orr_error *err)
{
    bool guest = is_guest(coord, hello->rank);
    if (guest && (hello->wire_version != ORR_WIRE_VERSION ||
                  strcmp(hello->version, ORR_VERSION) != 0 ||
                  !orr_id_equal(hello->digest, coord->setup.graph->digest)))
        return turn_away(coord, hello);
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
    *node = (struct orri_node) { .rank = hello->rank,
                                 .guest = guest,
                                 .pid = guest ? 0 : pid_here(hello),
                                 .cores = hello->cores,
                                 .gpus = hello->gpus,
                                 .memory = hello->memory,
                                 .heard = now };
    (void)snprintf(node->host, sizeof node->host, "%s", hello->host);
    orr_sched_node(coord->sched, coord->n_nodes, hello->cores);
    orr_sched_node_holds(coord->sched, coord->n_nodes, hello->memory, hello->gpus);
    if (guest)
        orr_sched_guest(coord->sched, coord->n_nodes);
    coord->n_home += !guest;
    coord->status.guests += guest;
    coord->node_of_rank[hello->rank] = ++coord->n_nodes;
    if (!coord->cores_since) {
        coord->cores_since = now;
        coord->counted = now;
    }
    orri_count_cores(coord, (int32_t)hello->cores, now);
    coord->status.nodes += !guest;
    orri_set_window(coord);
    return coord->ending ? dismiss(coord, node, err) : ORR_OK;
}

static void count_done(struct orr_coord *coord, const struct orr_done *done)
{
    struct orr_run_status *s = &coord->status;
    uint32_t function =
        orr_engine_task(coord->engine, (orr_task_id) { done->task })->function;
    struct orr_stage *stage = orri_stage(coord, function);
    double wall = orri_ran(coord, done);
    stage->wall += wall;
    stage->cpu += (double)done->cpu / 1e9;
    s->busy_seconds += wall * coord->setup.graph->functions[function].cores;
    s->cpu_seconds += (double)done->cpu / 1e9;
    for (const char *at = done->counters; *at; at += *at == '\n') {
        char name[32];
        double amount = 0;
        if (sscanf(at, "%31[^=]=%lf", name, &amount) == 2)
            orr_status_count(s, name, amount);
        at += strcspn(at, "\n");
    }
}

static void run_again(struct orr_coord *coord, const struct orr_done *done)
{
    struct orr_ready ready = orri_ready_of(coord, done->task, done->attempt);
    orr_sched_add(coord->sched, &ready);
}

static void take_loss(struct orr_coord *coord, uint32_t node,
                      const struct orr_done *done)
{
    bool died = done->code == ORR_LOST_DIED;
    struct orri_loss loss = { .task = done->task,
                              .attempt = done->attempt,
                              .node = node,
                              .rank = done->rank,
                              .died = died,
                              .message = done->message,
                              .when = orri_wall(coord) };
    orri_told(coord, done->task)->state = ORRI_TOLD_FAILED;
    if (!coord->draining && orri_lose(coord, &loss))
        run_again(coord, done);
}

static void take_failure(struct orr_coord *coord, const struct orr_done *done,
                         enum orr_fail_kind kind, const char *message)
{
    orr_task_id id = { done->task };
    struct orr_failure failure = { kind, done->code, message };
    orri_told(coord, done->task)->state = ORRI_TOLD_FAILED;
    if (coord->draining) /* it was ended by us: the resume will run it */
        return;
    orri_stage(coord, orr_engine_task(coord->engine, id)->function)->failed++;
    coord->status.failed_attempts++;
    orr_engine_attempt_failed(coord->engine, id, done->attempt, &failure);
}

static void take_success(struct orr_coord *coord, const struct orr_done *done)
{
    orr_task_id id = { done->task };
    struct orr_error err = { 0 };
    if (!orri_finish_task(coord, id, done->results, done->results_length, &err)) {
        take_failure(coord, done, ORR_FAIL_INVALID, err.text);
        return;
    }
    orri_told(coord, done->task)->state = ORRI_TOLD_DONE;
    orri_stage(coord, orr_engine_task(coord->engine, id)->function)->done++;
    coord->status.done++;
}

/* Of twins, the one that was started first is `first`. */
static void count_twins(struct orr_coord *coord, const struct orr_done *done,
                        uint32_t first, uint32_t node)
{
    uint32_t other = UINT32_MAX;
    uint32_t function =
        orr_engine_task(coord->engine, (orr_task_id) { done->task })->function;
    orr_sched_took(coord->sched, function, orri_ran(coord, done));
    if (orr_sched_flight(coord->sched, done->task, &other) && first != node)
        coord->status.twins_won++;
}

/* It counts, unless the node is to blame. */
static orr_status take_failed(struct orr_coord *coord, uint32_t node,
                              const struct orr_done *done, struct orr_error *err)
{
    bool again = false;
    orr_status status = ORR_OK;
    if (done->failure == ORR_FAIL_LOST) {
        take_loss(coord, node, done);
        return ORR_OK;
    }
    if (!coord->draining)
        status = orri_second_opinion(coord, node, done, &again, err);
    if (!again)
        take_failure(coord, done, (enum orr_fail_kind)done->failure, done->message);
    return status;
}

static orr_status take_done(struct orr_coord *coord, uint32_t node,
                            const struct orr_done *done, struct orr_error *err)
{
    uint32_t first = UINT32_MAX;
    (void)orr_sched_flight(coord->sched, done->task, &first);
    (void)orr_sched_ended(coord->sched, done->task, node,
                          done->failure != ORR_FAIL_NONE ? -1 : orri_ran(coord, done));
    if (orri_has_result(coord, done->task)) {
        orri_account(coord, done, false);
        return ORR_OK; /* the first result won */
    }
    if (done->failure != ORR_FAIL_NONE &&
        orr_sched_flight(coord->sched, done->task, &first))
        return ORR_OK; /* its twin goes on */
    count_done(coord, done);
    orri_account(coord, done, true);
    if (done->failure != ORR_FAIL_NONE)
        return take_failed(coord, node, done, err);
    count_twins(coord, done, first, node);
    take_success(coord, done);
    orr_status status = orri_note_success(coord, node, done->task, err);
    return status == ORR_OK ? orri_cancel_twin(coord, done->task, err) : status;
}

static orr_status take_done_run(struct orr_coord *coord, uint32_t node,
                                const struct orr_done_run *run, struct orr_arena *arena,
                                struct orr_error *err)
{
    orr_status status = ORR_OK;
    unsigned char *results = orr_arena_alloc(arena, run->results.length + 1);
    for (uint32_t i = 0; i < run->n && status == ORR_OK; i++) {
        struct orr_done done;
        orr_done_of(run, i, results, &done);
        status = take_done(coord, node, &done, err);
    }
    return status;
}

/* A node that was given up and comes back: its results count, its losses are known. */
static orr_status take_done_batch(struct orr_coord *coord, const struct orri_node *node,
                                  struct orr_reader *in, struct orr_error *err)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    orr_status status = ORR_OK;
    orr_engine_hold(coord->engine);
    while (orr_reader_left(in) && status == ORR_OK) {
        struct orr_done_run run;
        if (orr_done_run_get(in, &arena, &run) != ORR_OK ||
            (uint64_t)run.first.task + run.n > orr_engine_tasks(coord->engine) ||
            run.first.failure > ORR_FAIL_IO)
            status = orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                                   "damaged report from an agent");
        else if (!node->lost || run.first.failure == ORR_FAIL_NONE)
            status = take_done_run(coord, (uint32_t)(node - coord->nodes), &run, &arena,
                                   err);
    }
    orr_engine_release(coord->engine);
    orr_arena_release(&arena);
    return status;
}

static void take_bye(struct orr_coord *coord, struct orri_node *node,
                     const struct orr_bye *bye)
{
    node->left = true;
    if (node->guest && !node->lost) {
        coord->status.guests--;
        orri_count_cores(coord, node->aside ? 0 : -(int32_t)node->cores,
                         orri_now(coord));
        orri_put_back(coord, (uint32_t)(node - coord->nodes));
    }
    orr_sched_node(coord->sched, (uint32_t)(node - coord->nodes), 0);
    coord->status.agents_cpu += (double)(bye->agent_cpu + bye->worker_cpu) / 1e9;
    coord->status.stored_bytes += bye->stored_bytes;
}

void orri_stop_for(struct orr_coord *coord, enum orr_run_state as, const char *why)
{
    if (coord->stopped_by)
        return;
    coord->stopped_by = orr_strdup(why);
    orr_coord_drain(coord, as, 0);
}

/* What a guest cannot do, its machine's mounts most likely, says nothing of the run. */
static orr_status take_fault(struct orr_coord *coord, struct orri_node *node,
                             const char *why, struct orr_error *err)
{
    if (!node->guest) {
        orri_stop_for(coord, ORR_RUN_STOPPED, why);
        return ORR_OK;
    }
    orr_progress_break(coord->setup.progress);
    (void)fprintf(stderr,
                  "orrery: the opportunistic job on %s (rank %u) is dismissed: %s\n",
                  node->host, node->rank, why);
    return dismiss(coord, node, err);
}

static orr_status hear_node(struct orr_coord *coord, struct orri_node *node,
                            enum orr_message message, struct orr_reader *in,
                            struct orr_error *err)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_bye bye;
    orr_status status = ORR_OK;
    if (message == ORR_MESSAGE_DONE)
        status = take_done_batch(coord, node, in, err);
    else if (message == ORR_MESSAGE_GIVEN)
        status = orri_take_given(coord, node, in, err);
    else if (message == ORR_MESSAGE_LEAVE)
        status = dismiss(coord, node, err);
    else if (message == ORR_MESSAGE_BEAT)
        status = orr_beat_get(in, &node->load);
    else if (message == ORR_MESSAGE_BYE && orr_bye_get(in, &bye) == ORR_OK)
        take_bye(coord, node, &bye);
    else if (message == ORR_MESSAGE_FAULT)
        status = take_fault(coord, node, orr_signal_get(in, &arena), err);
    orr_arena_release(&arena);
    return status;
}

static void note_cores(struct orr_coord *coord, uint32_t index)
{
    struct orri_node *node = &coord->nodes[index];
    if (node->lost || node->left || !node->load.cores ||
        node->load.cores == node->cores)
        return;
    /* a worker of the node died */
    uint32_t before = node->cores;
    node->cores = node->load.cores;
    coord->status.cores -= node->aside ? 0 : before - node->cores;
    if (!node->aside && !node->held)
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
    } else if (message == ORR_MESSAGE_FAULT && !is_guest(coord, from.v)) {
        orri_stop_for(coord, ORR_RUN_STOPPED, orr_signal_get(&in, &arena));
    }
    orr_arena_release(&arena);
    return status;
}

orr_status orri_hear_all(struct orr_coord *coord, int64_t now, struct orr_error *err)
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
