/* coord.c - the coordinator's loop
 * Owns: nodes, task records, the status.
 * Hands on: assignments (dispatch.c), what agents say (reports.c),
 * rules (engine), choice (sched), earlier results (store/known.c), run.h5
 * (record). */
#include "coord/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "record/record.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BEAT_SECONDS = 5,
    LOST_SECONDS = 30,
    LEAVE_SECONDS = 60,
    LATE_SECONDS = 5, /* for agents that have not come when the end begins */
    START_SECONDS = 120,
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
    s->started = orri_wall(coord);
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
    if (!coord->setup.clock)
        coord->setup.clock = &orr_clock_real;
    if (!coord->setup.files)
        coord->setup.files = coord->files = orr_files_new();
    if (setup->run_dir)
        orr_files_of_run(coord->setup.files, setup->run_dir);
    for (size_t i = 0; i < setup->n_inputs; i++) {
        orr_files_remember(coord->setup.files, &setup->inputs[i].seen);
        if (setup->inputs[i].hashed)
            orr_files_know(coord->setup.files, &setup->inputs[i].seen,
                           setup->inputs[i].content);
    }
    orr_status status = orri_take_up(coord, err);
    if (status != ORR_OK) {
        orr_coord_free(coord);
        return status;
    }
    coord->end = INT64_MAX;
    coord->engine = orr_engine_new(
        setup->graph, &(struct orr_engine_files) {
                          orr_files_identify, coord->setup.files, orr_files_within });
    coord->expanding = setup->expand_first;
    orr_engine_set_turns(coord->engine, setup->expand_first ? 0 : ORRI_TURNS);
    coord->sched = new_sched(setup->graph);
    coord->node_of_rank = orr_alloc(setup->link->size, sizeof *coord->node_of_rank);
    coord->twice = orr_alloc(setup->graph->n_functions, sizeof *coord->twice);
    for (uint32_t f = 0; f < setup->graph->n_functions && !setup->no_twins; f++)
        coord->twice[f] = orri_may_run_twice(&setup->graph->functions[f]);
    coord->ahead = orr_alloc(setup->graph->n_functions, sizeof *coord->ahead);
    for (uint32_t f = 0; f < setup->graph->n_functions; f++)
        coord->marked = coord->marked || setup->graph->functions[f].opportunistic;
    coord->records.size = sizeof(struct orri_task_record);
    orri_stalls_init(coord);
    coord->told.size = sizeof(struct orri_told);
    coord->to_send = orr_alloc(setup->link->size, sizeof *coord->to_send);
    coord->abandon_at = INT64_MAX;
    coord->stop_at = INT64_MAX;
    coord->began = orri_now(coord);
    init_status(coord);
    if (setup->epoch > 1)
        orri_account_past(coord);
    if (setup->timed)
        orri_keep_time(coord);
    *out = coord;
    return ORR_OK;
}

void orr_coord_free(struct orr_coord *coord)
{
    if (!coord)
        return;
    orr_engine_free(coord->engine);
    orr_sched_free(coord->sched);
    orr_health_release(&coord->health);
    orr_known_free(coord->known);
    (void)orr_sealer_end(coord->sealer, false, NULL);
    orr_files_free(coord->files);
    for (uint32_t i = 0; i < coord->n_nodes; i++)
        orr_bytes_release(&coord->nodes[i].out);
    free(coord->nodes);
    free(coord->node_of_rank);
    free(coord->to_send);
    orr_rows_release(&coord->records);
    orr_rows_release(&coord->stalls);
    orr_rows_release(&coord->told);
    free(coord->origins);
    (void)orri_close_borrowed(coord, false, NULL);
    orr_arena_release(&coord->kept);
    free(coord->stopped_by);
    free(coord->out_of_time);
    free(coord->ahead);
    free(coord->twice);
    orr_arena_release(&coord->scratch);
    free(coord);
}

struct orri_task_record *orri_record(struct orr_coord *coord, uint32_t task)
{
    while (coord->records.n <= task)
        (void)orr_rows_add(&coord->records);
    return orr_rows_at(&coord->records, task);
}

struct orri_told *orri_told(struct orr_coord *coord, uint32_t task)
{
    while (coord->told.n <= task)
        (void)orr_rows_add(&coord->told);
    return orr_rows_at(&coord->told, task);
}

bool orri_has_result(struct orr_coord *coord, uint32_t task)
{
    uint16_t told = orri_told(coord, task)->state;
    return told == ORRI_TOLD_DONE || told == ORRI_TOLD_REUSED;
}

struct orr_stage *orri_stage(struct orr_coord *coord, uint32_t function)
{
    static const uint32_t last = ORR_STAGES_MAX - 1;
    return &coord->status.stages[function < last ? function : last];
}

/* ---- messages to agents ---- */

orr_status orri_send(struct orr_coord *coord, struct orri_node *node,
                     const struct orr_bytes *bytes, struct orr_error *err)
{
    if (node->lost || node->left) /* never again to a suspect rank */
        return ORR_OK;
    return orr_link_send(coord->setup.link, (orr_rank) { node->rank }, bytes->data,
                         bytes->length, err);
}

/* Releases the bytes. */
static orr_status send_all(struct orr_coord *coord, struct orr_bytes *bytes,
                           struct orr_error *err)
{
    orr_status status = ORR_OK;
    for (uint32_t i = 0; i < coord->n_nodes && status == ORR_OK; i++)
        status = orri_send(coord, &coord->nodes[i], bytes, err);
    orr_bytes_release(bytes);
    return status;
}

static orr_status abandon_all(struct orr_coord *coord, struct orr_error *err)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_signal_put(&out, ORR_MESSAGE_ABANDON, "");
    return send_all(coord, &out, err);
}

static orr_status stop_all(struct orr_coord *coord, bool hurries, struct orr_error *err)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_stop_put(&out, hurries);
    return send_all(coord, &out, err);
}

/* ---- time ---- */

static orr_status beat(struct orr_coord *coord, int64_t now, struct orr_error *err)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    struct orr_beat nothing = { 0 };
    orr_beat_put(&out, &nothing);
    coord->beat = now;
    return send_all(coord, &out, err);
}

/* Calls that ranges will lead to count as tasks to be done. */
static void count_ahead(struct orr_coord *coord)
{
    uint32_t n = coord->setup.graph->n_functions;
    uint64_t *ahead = orr_alloc(n, sizeof *ahead);
    if (!coord->draining)
        orr_engine_ahead(coord->engine, ahead);
    for (uint32_t f = 0; f < n; f++) {
        orri_stage(coord, f)->total += ahead[f] - coord->ahead[f];
        coord->status.tasks += ahead[f] - coord->ahead[f];
    }
    free(coord->ahead);
    coord->ahead = ahead;
}

static void update_status(struct orr_coord *coord, int64_t now)
{
    struct orr_run_status *s = &coord->status;
    count_ahead(coord);
    orri_tell_waiting(coord);
    s->updated = orri_wall(coord);
    s->in_flight = orr_sched_in_flight(coord->sched);
    s->waiting = orr_sched_queued(coord->sched);
    s->coordinator_cpu =
        (double)coord->setup.clock->cpu(coord->setup.clock->context) / 1e9;
    s->busy_cores = 0;
    for (uint32_t i = 0; i < coord->n_nodes; i++)
        if (!coord->nodes[i].lost && !coord->nodes[i].left)
            s->busy_cores += coord->nodes[i].load.running;
    orri_count_cores(coord, 0, now);
    orri_account_now(coord, now, false);
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
    if (!coord->setup.run_dir)
        return;
    (void)orr_status_write(coord->setup.run_dir, &coord->status, NULL);
    orr_progress_show(coord->setup.progress, &coord->status);
}

/* ---- the end ---- */

static bool all_left(const struct orr_coord *coord, int64_t now)
{
    if (coord->draining && coord->n_home < coord->setup.agents &&
        now - coord->drained < LATE_SECONDS * ORR_SECOND)
        return false;
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
    if (coord->cores_since)
        coord->status.work_seconds = (double)(now - coord->cores_since) / 1e9;
    if (coord->given_since)
        coord->status.dispatch_seconds = (double)(now - coord->given_since) / 1e9;
    coord->stop_at = now + LEAVE_SECONDS * ORR_SECOND;
    if (coord->abandon_at != INT64_MAX && coord->abandon_at > now)
        coord->stop_at += coord->abandon_at - now;
    orr_status status = ORR_OK;
    /* Whoever told us to end does not wait for long. */
    bool hurries = coord->status.state == ORR_RUN_DRAINED ||
                   coord->status.state == ORR_RUN_INTERRUPTED;
    /* What still runs belongs to failed requests: nobody wants it. */
    if (!coord->draining && orr_sched_in_flight(coord->sched))
        status = abandon_all(coord, err);
    return status == ORR_OK ? stop_all(coord, hurries, err) : status;
}

static orr_status step_end(struct orr_coord *coord, int64_t now, struct orr_error *err)
{
    if (now >= coord->abandon_at) {
        coord->abandon_at = INT64_MAX;
        orr_status status = abandon_all(coord, err);
        if (status != ORR_OK)
            return status;
    }
    return all_left(coord, now) || now > coord->stop_at ? ORR_END : ORR_OK;
}

void orr_coord_drain(struct orr_coord *coord, enum orr_run_state as, int64_t grace)
{
    int64_t now = orri_now(coord);
    if (!coord->draining)
        coord->status.state = as;
    if (!coord->draining)
        coord->drained = now;
    coord->draining = true;
    coord->busy = true;
    if (now + grace < coord->abandon_at)
        coord->abandon_at = now + grace;
    orr_sched_clear(coord->sched);
}

void orr_coord_abandon(struct orr_coord *coord)
{
    if (abandon_all(coord, NULL) == ORR_OK)
        (void)stop_all(coord, true, NULL);
}

/* All agents came: add the requests, begin. */
static void begin_work(struct orr_coord *coord, int64_t now)
{
    coord->status.state = ORR_RUN_RUNNING;
    orri_begin_time(coord, now);
    for (uint32_t r = 0; r < coord->setup.n_requests; r++)
        (void)orr_engine_add_request(coord->engine, coord->setup.requests[r]);
}

/* Nobody is left to work but guests, which may not stay, or the agents did not all
 * come.
 */
static void check_anyone(struct orr_coord *coord, int64_t now)
{
    uint32_t alive = 0;
    for (uint32_t i = 0; i < coord->n_nodes; i++)
        alive +=
            !coord->nodes[i].lost && !coord->nodes[i].left && !coord->nodes[i].guest;
    if (coord->ending)
        return;
    if (coord->status.state == ORR_RUN_RUNNING && alive == 0)
        orri_stop_for(coord, ORR_RUN_STOPPED, "all nodes are lost");
    if (coord->status.state == ORR_RUN_STARTING &&
        now - coord->began > START_SECONDS * ORR_SECOND)
        orri_stop_for(coord, ORR_RUN_STOPPED,
                      "not all nodes reported within two minutes of the start");
}

/* All nodes are looked at: not with every batch of results. */
static const int64_t LOOK = ORR_SECOND / 20;

static void look_around(struct orr_coord *coord, int64_t now)
{
    coord->looked = now;
    orri_check_nodes(coord, now);
    (void)orri_recall_set_aside(coord);
    check_anyone(coord, now);
}

orr_status orr_coord_step(struct orr_coord *coord, struct orr_error *err)
{
    int64_t now = orri_now(coord);
    coord->busy = false;
    orri_forgive_stall(coord, now);
    orr_status status = orri_hear_all(coord, now, err);
    if (coord->status.state == ORR_RUN_STARTING && coord->n_home == coord->setup.agents)
        begin_work(coord, now);
    orri_check_budget(coord);
    if (now - coord->looked > LOOK || coord->ending)
        look_around(coord, now);
    orri_take_calls(coord);
    orri_step_borrowed(coord);
    if (status == ORR_OK && !coord->draining && !coord->expanding)
        status = orri_dispatch(coord, now, err);
    if (status == ORR_OK && !coord->draining)
        status = orri_step_tail(coord, now, err);
    if (status == ORR_OK && now - coord->beat > BEAT_SECONDS * ORR_SECOND)
        status = beat(coord, now, err);
    if (now - coord->shown > ORR_SECOND)
        show(coord, now);
    orri_check_time(coord, now);
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
    wake = coord->end < wake && !coord->draining ? coord->end : wake;
    return coord->abandon_at < wake ? coord->abandon_at : wake;
}

bool orr_coord_was_busy(const struct orr_coord *coord) { return coord->busy; }

int64_t orr_coord_ahead(const struct orr_coord *coord)
{
    uint64_t out = orr_sched_in_flight(coord->sched);
    uint32_t cores = coord->status.cores;
    if (coord->ending || cores == 0 || out < 2ULL * cores)
        return 0;
    double seconds = orr_sched_mean(coord->sched) * (double)out / cores;
    return seconds < 1 ? (int64_t)(seconds * 1e9) + 1 : ORR_SECOND;
}

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
    if (s->state == ORR_RUN_DRAINED)
        text = coord->out_of_time;
    bad = bad || s->state == ORR_RUN_DRAINED;
    (void)snprintf(s->message, sizeof s->message, "%s", bad && text ? text : "");
    orr_text_release(&why);
}

static orr_status write_run_file(struct orr_coord *coord, uint64_t *unstored,
                                 struct orr_error *err)
{
    char *path = orr_path_join(coord->setup.run_dir, "run.h5");
    struct orr_record_setup setup = { .run_dir = coord->setup.run_dir,
                                      .graph = coord->setup.graph,
                                      .engine = coord->engine,
                                      .job = coord->setup.name,
                                      .state = orr_run_state_text(coord->status.state),
                                      .status = &coord->status,
                                      .unstored = unstored };
    orr_status status = orr_record_write(&setup, path, err);
    free(path);
    return status;
}

/* A node took with it what it had said is on its disk: the run is not as whole as it
 * looks. */
static orr_status record_run(struct orr_coord *coord, struct orr_error *err)
{
    struct orr_run_status *s = &coord->status;
    uint64_t unstored = 0;
    bool may_lack = coord->setup.durability == ORR_DURABILITY_NODE && s->lost_nodes;
    orr_status status = write_run_file(coord, may_lack ? &unstored : NULL, err);
    if (status != ORR_OK || !unstored)
        return status;
    (void)snprintf(s->message, sizeof s->message,
                   "%" PRIu64 " result%s on the disk of a node that was lost: `orrery "
                   "resume` looks there again, and makes those anew that are gone",
                   unstored, unstored == 1 ? " was" : "s were");
    if (!coord->stopped_by)
        coord->stopped_by = orr_strdup(s->message);
    s->state = ORR_RUN_STOPPED;
    return write_run_file(coord, NULL, err);
}

/* Nothing depends on an index: that one cannot be written is told, no more. */
static void end_sealing(struct orr_coord *coord, struct orr_text *problems)
{
    struct orr_error bad = { .code = ORR_OK };
    if (orr_sealer_end(coord->sealer, true, &bad) != ORR_OK)
        orr_text_printf(problems, "the index of a shard is not there: %s\n", bad.text);
    coord->sealer = NULL;
}

/* The last figures, and how it ended. */
static void close_status(struct orr_coord *coord)
{
    int64_t now = orri_now(coord);
    update_status(coord, now);
    orri_account_now(coord, now, true);
    coord->status.busy_cores = 0;
    coord->status.in_flight = 0;
    coord->status.waiting = 0;
    for (uint32_t i = 0; i < coord->status.n_stages; i++)
        coord->status.stages[i].waits_for[0] = '\0';
    judge(coord);
}

void orr_coord_close(struct orr_coord *coord, struct orr_text *problems)
{
    close_status(coord);
    orri_list_problems(coord, problems);
}

uint64_t orr_coord_queued(const struct orr_coord *coord)
{
    return orr_sched_queued(coord->sched);
}

struct orr_engine *orr_coord_engine(struct orr_coord *coord) { return coord->engine; }

orr_status orr_coord_conclude(struct orr_coord *coord, struct orr_text *summary,
                              struct orr_text *problems, struct orr_error *err)
{
    close_status(coord);
    orr_progress_break(coord->setup.progress);
    end_sealing(coord, problems);
    orr_status status = orri_close_borrowed(coord, true, err);
    if (status == ORR_OK)
        status = record_run(coord, err);
    orr_status_summary(&coord->status, summary);
    if (coord->taken)
        orr_text_printf(summary, "taken       %" PRIu64 " result%s of other runs\n",
                        coord->taken, coord->taken == 1 ? "" : "s");
    if (coord->gone)
        orr_text_printf(summary,
                        "run again   %" PRIu64 " finished task%s whose files in "
                        "out/ were gone\n",
                        coord->gone, coord->gone == 1 ? "" : "s");
    if (coord->recalled && coord->status.state == ORR_RUN_FAILED)
        orr_text_printf(summary,
                        "recalled    %" PRIu64 " failed attempt%s of earlier sessions; "
                        "to try these tasks again: orrery resume --retry-failed\n",
                        coord->recalled, coord->recalled == 1 ? "" : "s");
    if (coord->out_of_time)
        orr_text_printf(summary, "time        %s\n", coord->out_of_time);
    orri_summarise_outputs(coord, summary);
    orri_list_problems(coord, problems);
    orr_status told = orr_status_write(coord->setup.run_dir, &coord->status,
                                       status == ORR_OK ? err : NULL);
    return status == ORR_OK ? told : status;
}
