/* sim.c - the loop: what happens next, and when rank 0 looks
 * Owns: the clock, rank 0. Hands on: nodes (node.c), messages (network.c), chance and
 * answers (attempts.c), what goes wrong (faults.c). */
#include "sim/internal.h"

#include "base/memory.h"
#include "base/nap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- time ---- */

/* Nodes have work ahead when rank 0 has given out enough of it. */
int64_t orri_half_nap(const struct orr_sim *sim, int64_t quiet)
{
    return quiet > 0 ? orr_nap(quiet, orr_coord_ahead(sim->coord)) / 2 : 0;
}

static int64_t monotonic(void *context) { return ((struct orr_sim *)context)->now; }

static int64_t wall(void *context)
{
    static const int64_t some_day = INT64_C(1700000000) * ORR_SECOND;
    return some_day + ((struct orr_sim *)context)->now;
}

static int64_t rank0_cpu(void *context) { return ((struct orr_sim *)context)->busy; }

static int64_t thread_cpu(void)
{
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * ORR_SECOND + now.tv_nsec;
}

/* ---- rank 0 ---- */

/* By the table. Half of a task is charged when it is given out, half when its result
 * comes: what a rule costs cannot be told from outside. */
static double cost_of_step(const struct orr_sim *sim, uint32_t assigned)
{
    const struct orr_sim_costs *costs = &sim->setup.costs;
    double messages = (double)sim->received + (double)sim->n_outbox;
    double halves = (double)sim->received_entries + (double)assigned;
    return costs->step_ns + costs->message_ns * messages + costs->task_ns / 2 * halves;
}

static void note_measured(struct orr_sim *sim, int64_t ns, uint32_t assigned)
{
    struct orr_sim_result *out = sim->out;
    out->steps++;
    out->measured_ns += ns;
    if (assigned || sim->received || sim->n_outbox)
        return;
    out->idle_steps++;
    out->idle_ns += ns;
}

static void plan_next_step(struct orr_sim *sim)
{
    if (orr_coord_was_busy(sim->coord)) {
        sim->last_busy = sim->free_at;
        sim->next_step = sim->free_at;
    } else if (sim->inbox.n) {
        sim->next_step = sim->free_at;
    } else {
        sim->next_step = orr_coord_wake(sim->coord);
    }
    if (sim->next_step < sim->free_at)
        sim->next_step = sim->free_at;
    if (sim->next_step <= sim->now && !orr_coord_was_busy(sim->coord))
        sim->next_step = sim->now + 1; /* costs may be nothing; time goes on */
}

static orr_status step_rank0(struct orr_sim *sim, struct orr_error *err)
{
    int64_t quiet = sim->next_step - sim->free_at;
    double naps = orr_naps_within(quiet, orr_coord_ahead(sim->coord));
    sim->now = sim->next_step;
    sim->received = 0;
    sim->received_entries = 0;
    int64_t before = thread_cpu();
    orr_status status = orr_coord_step(sim->coord, err);
    int64_t took = thread_cpu() - before;
    uint32_t assigned = 0;
    for (size_t i = 0; i < sim->n_outbox; i++)
        assigned += orri_read_assignments(sim, sim->outbox[i]);
    note_measured(sim, took, assigned);
    double cost = cost_of_step(sim, assigned);
    sim->free_at = sim->now + (int64_t)cost;
    sim->busy += (int64_t)(cost + naps * sim->setup.costs.step_ns);
    orri_send_down(sim, sim->free_at);
    plan_next_step(sim);
    return status;
}

/* ---- events ---- */

static void sample(struct orr_sim *sim)
{
    struct orr_sim_result *out = sim->out;
    double queued = (double)orr_coord_queued(sim->coord);
    uint64_t waiting = 0;
    uint64_t running = 0;
    for (uint32_t i = 0; i < sim->setup.nodes; i++) {
        waiting += sim->nodes[i].dead ? 0 : sim->nodes[i].queue.n;
        running += sim->nodes[i].dead ? 0 : sim->nodes[i].running;
    }
    sim->samples++;
    out->queued_mean += queued;
    out->waiting_mean += (double)waiting;
    out->queued_most = fmax(out->queued_most, queued);
    out->waiting_most = fmax(out->waiting_most, (double)waiting);
    orri_trace_sample(sim, (uint64_t)queued, waiting, running);
    orri_event_add(&sim->events, sim->now + ORR_SECOND, ORRI_EVENT_SAMPLE, 0, 0);
}

static void die(struct orr_sim *sim, uint32_t node)
{
    for (uint32_t i = 0; i < sim->n_tries; i++) {
        struct orri_try *try = &sim->tries[i];
        if (try->state == ORRI_TRY_WAITING || try->node != node)
            continue; /* else it runs, or its result was not durable */
        int64_t end = sim->now < try->end ? sim->now : try->end;
        int64_t spent = end > try->start ? end - try->start : 0;
        sim->out->waste += (double)spent / 1e9 * try->needs.cores;
    }
    sim->nodes[node].dead = true;
}

static void tell_to_end(struct orr_sim *sim)
{
    orr_coord_drain(sim->coord, ORR_RUN_DRAINED,
                    (int64_t)(sim->setup.faults.grace * 1e9));
    sim->next_step = sim->now > sim->free_at ? sim->now : sim->free_at;
}

static void happen(struct orr_sim *sim, const struct orri_event *event)
{
    sim->now = event->time;
    switch ((enum orri_event_kind)(event->order & 0xff)) {
    case ORRI_EVENT_ARRIVAL: orri_arrive(sim, event->a); break;
    case ORRI_EVENT_THERE: orri_there(sim, event->a); break;
    case ORRI_EVENT_ENDED:
        if (sim->tries[event->a].number == event->b)
            orri_node_ended(sim, event->a);
        break;
    case ORRI_EVENT_GROUP: orri_writer_due(sim, event->a); break;
    case ORRI_EVENT_SYNCED: orri_writer_synced(sim, event->a); break;
    case ORRI_EVENT_BEAT: orri_node_beat(sim, event->a); break;
    case ORRI_EVENT_DIES: die(sim, event->a); break;
    case ORRI_EVENT_SAMPLE: sample(sim); break;
    case ORRI_EVENT_TOLD_TO_END: tell_to_end(sim); break;
    }
}

static orr_status run(struct orr_sim *sim, struct orr_error *err)
{
    orr_status status = ORR_OK;
    struct orri_event event;
    while (status == ORR_OK && sim->failed.code == ORR_OK) {
        if (sim->events.n && sim->events.items[0].time <= sim->next_step) {
            (void)orri_event_take(&sim->events, &event);
            happen(sim, &event);
        } else {
            status = step_rank0(sim, err);
        }
    }
    if (sim->failed.code != ORR_OK) {
        *err = sim->failed;
        return sim->failed.code;
    }
    return status == ORR_END ? ORR_OK : status;
}

/* ---- what it was ---- */

static uint64_t resident_most(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[200];
    unsigned long long kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %llu kB", &kib) == 1)
            break;
    if (file)
        (void)fclose(file);
    return kib * 1024;
}

/* What only the model needs, at its most: arrays do not shrink. */
static uint64_t model_bytes(const struct orr_sim *sim)
{
    enum { MALLOC_HEAD = 16, MALLOC_LEAST = 32 };
    uint64_t sum = sim->cap_tries * sizeof *sim->tries + sim->n_tries * MALLOC_LEAST;
    sum += sim->events.cap * sizeof *sim->events.items + sim->counted_bytes;
    sum += sim->cap_messages * (sizeof *sim->messages + MALLOC_HEAD);
    sum += sim->message_bytes_most;
    sum +=
        sim->setup.nodes * (sizeof *sim->nodes + sim->setup.cores * sizeof(uint32_t));
    return sum;
}

static void conclude(struct orr_sim *sim)
{
    struct orr_sim_result *out = sim->out;
    orr_coord_close(sim->coord, &out->problems);
    out->status = *orr_coord_status(sim->coord);
    int64_t took = sim->now - ORRI_SIM_BEGIN;
    double seconds = (double)(took > 0 ? took : 1) / 1e9;
    double all = (double)sim->setup.nodes * sim->setup.cores;
    double done = (double)out->status.done;
    out->makespan = seconds;
    out->efficiency = out->work / (seconds * all);
    out->rate = done / seconds;
    out->coordinator_busy = (double)sim->busy / 1e9 / seconds;
    out->measured_busy = (double)out->measured_ns / 1e9 / seconds;
    if (done > 0) {
        out->coordinator_us = (double)sim->busy / 1e3 / done;
        out->measured_us = (double)out->measured_ns / 1e3 / done;
    }
    for (uint32_t i = 0; i < sim->setup.nodes; i++)
        out->agent_busy =
            fmax(out->agent_busy, (double)sim->nodes[i].busy / 1e9 / seconds);
    if (sim->samples) {
        out->queued_mean /= (double)sim->samples;
        out->waiting_mean /= (double)sim->samples;
    }
    if (sim->n_delays)
        out->delay_mean = (double)sim->delays / 1e9 / (double)sim->n_delays;
    out->process_bytes = resident_most();
    uint64_t model = model_bytes(sim);
    out->peak_bytes = out->process_bytes > model ? out->process_bytes - model : 0;
}

static void release(struct orr_sim *sim)
{
    orr_coord_free(sim->coord);
    orri_messages_release(sim);
    for (size_t i = 0; i < sim->n_tries; i++)
        free(sim->tries[i].results);
    for (uint32_t i = 0; i < sim->setup.nodes; i++)
        free(sim->nodes[i].lanes);
    free(sim->nodes);
    free(sim->tries);
    free(sim->events.items);
    free(sim->asked);
    free(sim->counted);
    orr_bytes_release(&sim->bytes);
    free(sim);
}

static orr_status begin(struct orr_sim *sim, struct orr_error *err)
{
    const struct orr_sim_setup *setup = &sim->setup;
    sim->link = (struct orr_link) { &orri_sim_link_ops, 0, setup->nodes + 1 };
    sim->clock = (struct orr_clock) { monotonic, wall, rank0_cpu, sim };
    sim->now = ORRI_SIM_BEGIN;
    sim->next_step = sim->now;
    sim->free_at = sim->now;
    sim->last_busy = sim->now;
    sim->nodes = orr_alloc(setup->nodes, sizeof *sim->nodes);
    sim->asked = orr_alloc(1, sizeof *sim->asked);
    struct orr_coord_setup coord = { .link = &sim->link,
                                     .graph = setup->graph,
                                     .requests = setup->requests,
                                     .n_requests = setup->n_requests,
                                     .agents = setup->nodes,
                                     .epoch = 1,
                                     .name = setup->name,
                                     .clock = &sim->clock,
                                     .files = setup->files,
                                     .no_twins = setup->no_twins,
                                     .timed = setup->time_limit > 0 };
    if (coord.timed)
        coord.end = wall(sim) + (int64_t)(setup->time_limit * 1e9);
    orr_status status = orr_coord_new(&coord, &sim->coord, err);
    if (status != ORR_OK)
        return status;
    orri_plan_faults(sim);
    orri_trace_begin(sim);
    for (uint32_t i = 0; i < setup->nodes; i++)
        orri_node_begin(sim, i);
    orri_event_add(&sim->events, sim->now + ORR_SECOND, ORRI_EVENT_SAMPLE, 0, 0);
    return ORR_OK;
}

orr_status orr_simulate(const struct orr_sim_setup *setup, struct orr_sim_result *out,
                        struct orr_error *err)
{
    struct orr_sim *sim = orr_alloc(1, sizeof *sim);
    *out = (struct orr_sim_result) { 0 };
    sim->setup = *setup;
    sim->out = out;
    orr_status status = begin(sim, err);
    if (status == ORR_OK) {
        status = run(sim, err);
        orri_trace_end(sim);
    }
    if (status == ORR_OK)
        conclude(sim);
    release(sim);
    return status;
}
