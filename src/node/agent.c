/* agent.c - the node's side of the conversation with the coordinator
 * Owns: the agent's life, what it hears and when it leaves.
 * Hands on: attempts in flight (flights.c), which of them start (queue.c), their
 * results (results.c), what is taken back (tail.c), cores and workers (crew.c), running
 * (host.c). */
#include "node/internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"
#include "node/local.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SILENCE_SECONDS = 30,
    STALL_SECONDS = 2,
    BEAT_SECONDS = 1,
    PATIENCE_SECONDS = 5,
    START_SECONDS = 180
};

/* ---- up: to the coordinator ---- */

orr_status orri_agent_send(struct orr_agent *agent, struct orr_bytes *bytes,
                           struct orr_error *err)
{
    orr_status status = ORR_OK;
    if (bytes->length)
        status = orr_link_send(agent->setup.link, (orr_rank) { 0 }, bytes->data,
                               bytes->length, err);
    orr_bytes_clear(bytes);
    return status;
}

orr_status orri_agent_say(struct orr_agent *agent, enum orr_message message,
                          const char *text, struct orr_error *err)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_signal_put(&out, message, text);
    orr_status status = orri_agent_send(agent, &out, err);
    orr_bytes_release(&out);
    return status;
}

static orr_status greet(struct orr_agent *agent, struct orr_error *err)
{
    struct orr_text bind = ORR_TEXT_INIT;
    char space[ORR_PID_SPACE];
    orr_pid_space(space);
    orri_crew_describe(agent->crew, &bind);
    struct orr_hello hello = {
        .wire_version = ORR_WIRE_VERSION,
        .version = ORR_VERSION,
        .digest = agent->setup.host.graph->digest,
        .host = agent->setup.host_name,
        .rank = agent->setup.link->rank,
        .cores = orri_crew_cores(agent->crew),
        .workers = orri_crew_workers(agent->crew),
        .memory = agent->setup.memory,
        .pid = (uint32_t)getpid(),
        .pid_space = space,
        .bind = bind.s ? bind.s : "",
        .gpus = orr_gpus_count(agent->setup.gpus),
    };
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_hello_put(&out, &hello);
    orr_status status = orri_agent_send(agent, &out, err);
    orr_bytes_release(&out);
    orr_text_release(&bind);
    agent->greeted = true;
    return status;
}

static orr_status beat(struct orr_agent *agent, int64_t now, struct orr_error *err)
{
    struct orr_beat b = { .running = orri_crew_busy(agent->crew),
                          .waiting = agent->queued_calls,
                          .unstored = agent->held.n + agent->storing,
                          .cores = orri_crew_cores(agent->crew) };
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_beat_put(&out, &b);
    orr_status status = orri_agent_send(agent, &out, err);
    orr_bytes_release(&out);
    agent->beat = now;
    return status;
}

/* ---- attempts that ended ---- */

/* A batch system signals all processes. Some die of that, some (ffmpeg) exit with a
 * code of their own. */
static bool ended_by_us(const struct orr_agent *agent, enum orr_fail_kind failure)
{
    return (failure == ORR_FAIL_SIGNAL && (agent->told_to_end || agent->stopping)) ||
           (failure == ORR_FAIL_EXIT && agent->told_to_end);
}

/* The disk that the run is on is full, or cannot be written: no task is to blame, and
 * the next would fail as well. (Results in the shard show it by themselves.) */
static bool disk_is_to_blame(const struct orr_outcome *outcome)
{
    return outcome->failure == ORR_FAIL_IO &&
           (outcome->code == ENOSPC || outcome->code == EDQUOT ||
            outcome->code == EROFS);
}

static void blame_disk(struct orr_agent *agent, const char *message)
{
    struct orr_text text = ORR_TEXT_INIT;
    if (!agent->fault) {
        orr_text_printf(&text, "%s (mend it, then `orrery resume` goes on)", message);
        agent->fault = orr_strdup(text.s);
    }
    orr_text_release(&text);
}

/* The agent is not to blame the task for what was its own doing, or the disk's. */
static void forgive(struct orr_agent *agent, struct orr_outcome *outcome)
{
    bool disk = disk_is_to_blame(outcome);
    if (disk)
        blame_disk(agent, outcome->message);
    if (disk || ended_by_us(agent, outcome->failure)) {
        outcome->failure = ORR_FAIL_LOST;
        outcome->code = 0;
    }
}

/* Of a run, the first ones: calls end in order. */
static void ended(struct orr_agent *agent, uint32_t at,
                  const struct orr_host_done *done, uint32_t rank)
{
    uint32_t n = done->calls ? done->calls->n : 1;
    struct orr_host_done forgiven = *done;
    if (n < agent->flights[at].n)
        at = orri_flight_part(agent, at, n);
    struct orri_flight *flight = &agent->flights[at];
    orri_crew_release(agent->crew, &flight->seat, n);
    if (flight->cancelled && !done->calls && done->outcome.failure == ORR_FAIL_LOST) {
        orri_agent_give(agent, at);
        return;
    }
    if (!done->calls)
        forgive(agent, &forgiven.outcome);
    flight->blob_fd = done->blob_fd;
    flight->rank = rank;
    flight->state = ORRI_FLIGHT_HELD;
    agent->busy = true;
    orri_result_take(agent, at, &forgiven);
}

/* The flight that a result is of; UINT32_MAX when that is over already (the worker was
 * thought lost). */
static uint32_t find_running(const struct orr_agent *agent, uint32_t worker,
                             const struct orr_host_done *done)
{
    if (done->token >= agent->n_flights)
        return UINT32_MAX;
    const struct orri_flight *flight = &agent->flights[done->token];
    uint32_t n = done->calls ? done->calls->n : 1;
    bool is_it = flight->state == ORRI_FLIGHT_RUNNING &&
                 flight->seat.worker == worker && n <= flight->n &&
                 flight->assignment.task == done->task &&
                 flight->assignment.attempt == done->attempt;
    return is_it ? done->token : UINT32_MAX;
}

void orri_local_ended(struct orr_agent *agent)
{
    struct orr_host_done done;
    while (orr_host_next(agent->host, &done)) {
        uint32_t at = find_running(agent, 0, &done);
        if (at == UINT32_MAX)
            ORR_BUG("task %u ended here but was not started here", done.task);
        ended(agent, at, &done, agent->setup.link->rank);
    }
}

static void worker_ended(void *context, uint32_t worker, uint32_t rank,
                         struct orr_reader *in, int blob_fd)
{
    struct orr_agent *agent = context;
    struct orr_arena arena = ORR_ARENA_INIT;
    while (orr_reader_left(in)) {
        struct orr_host_done done;
        if (orri_local_done_get(in, &done, &agent->calls, &arena) != ORR_OK)
            ORR_BUG("damaged result from worker %u", rank);
        done.blob_fd = blob_fd;
        blob_fd = -1;
        uint32_t at = find_running(agent, worker, &done);
        if (at != UINT32_MAX)
            ended(agent, at, &done, rank);
        else if (done.blob_fd >= 0)
            (void)close(done.blob_fd);
    }
    orr_arena_release(&arena);
}

/* The first attempt of a flight whose worker died. */
static void lose(struct orr_agent *agent, uint32_t at, uint32_t rank, const char *text)
{
    const struct orri_flight *flight = &agent->flights[at];
    struct orr_host_done done = {
        .task = flight->assignment.task,
        .attempt = flight->assignment.attempt,
        .core = flight->seat.core,
        .blob_fd = -1,
        .outcome = { .failure = ORR_FAIL_LOST,
                     .code = ORR_LOST_DIED,
                     .message = text,
                     .t_start = orr_clock_wall(),
                     .t_end = orr_clock_wall() },
    };
    ended(agent, at, &done, rank);
}

/* Of calls in place the one that the worker was at is lost with it; the others had no
 * part in that. `call`: of a flight that runs, the first ones at a time. */
static void lose_in_place(struct orr_agent *agent, uint32_t at, uint64_t call,
                          uint32_t rank, const char *text)
{
    const struct orri_flight *flight = &agent->flights[at];
    bool has_it = call >> 32 == at;
    uint32_t before = has_it ? (uint32_t)call - flight->assignment.task : UINT32_MAX;
    if (before == 0) {
        lose(agent, at, rank, text);
        return;
    }
    if (before < flight->n)
        at = orri_flight_part(agent, at, before);
    orri_crew_release(agent->crew, &agent->flights[at].seat, agent->flights[at].n);
    orri_agent_give(agent, at);
}

static void worker_lost(void *context, uint32_t worker, uint32_t rank, uint64_t call)
{
    struct orr_agent *agent = context;
    char text[100];
    (void)snprintf(text, sizeof text, "worker rank %u on %s died", rank,
                   agent->setup.host_name);
    for (uint32_t i = 0; i < agent->n_flights; i++)
        while (agent->flights[i].state == ORRI_FLIGHT_RUNNING &&
               agent->flights[i].seat.worker == worker) {
            if (agent->flights[i].seat.place)
                lose(agent, i, rank, text);
            else
                lose_in_place(agent, i, call, rank, text);
        }
    if (!agent->stopping)
        (void)fprintf(stderr, "orrery: %s; its attempts run elsewhere\n", text);
}

/* ---- down: from the coordinator ---- */

static void enqueue(struct orr_agent *agent, uint32_t at)
{
    agent->flights[at].state = ORRI_FLIGHT_QUEUED;
    orri_queue_push(agent, at);
}

/* Calls in place stay together; others go where there is room for each. */
static void accept_run(struct orr_agent *agent, const struct orr_assignment_run *run)
{
    uint32_t at = orri_flight_make(agent, run);
    if (orri_flight_function(agent, &agent->flights[at])->isolated)
        while (agent->flights[at].n > 1)
            enqueue(agent, orri_flight_part(agent, at, 1));
    enqueue(agent, at);
}

static orr_status take_assignments(struct orr_agent *agent, struct orr_reader *in,
                                   struct orr_error *err)
{
    struct orr_assignment_run run;
    while (orr_reader_left(in)) {
        if (orr_assignment_run_get(in, &run) != ORR_OK ||
            run.first.function >= agent->setup.host.graph->n_functions)
            return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                                 "damaged assignment from the coordinator");
        accept_run(agent, &run);
    }
    return ORR_OK;
}

static orr_status hear(struct orr_agent *agent, const void *data, size_t length,
                       struct orr_error *err)
{
    struct orr_reader in = orr_reader_of(data, length);
    switch (orr_message_of(&in)) {
    case ORR_MESSAGE_ASSIGN: return take_assignments(agent, &in, err);
    case ORR_MESSAGE_RETRACT: return orri_agent_retract(agent, &in, err);
    case ORR_MESSAGE_CANCEL: return orri_agent_cancel(agent, &in, err);
    case ORR_MESSAGE_BEAT: return ORR_OK;
    case ORR_MESSAGE_ABANDON:
        orri_queue_drop(agent);
        orr_host_abandon(agent->host);
        orri_crew_tell(agent->crew, ORR_MESSAGE_ABANDON);
        return ORR_OK;
    case ORR_MESSAGE_STOP:
        orri_queue_drop(agent);
        agent->hurries = orr_stop_hurries(&in);
        agent->stopping = true;
        agent->stopped_since = orr_clock_monotonic();
        return ORR_OK;
    default:
        return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                             "unexpected message from the coordinator");
    }
}

static orr_status hear_all(struct orr_agent *agent, int64_t now, struct orr_error *err)
{
    const void *data = NULL;
    size_t length = 0;
    orr_rank from;
    orr_status status = ORR_OK;
    while ((status = orr_link_receive(agent->setup.link, &from, &data, &length, err)) ==
           ORR_OK) {
        agent->heard = now;
        agent->busy = true;
        status = hear(agent, data, length, err);
        if (status != ORR_OK)
            return status;
    }
    return status == ORR_END ? ORR_OK : status;
}

/* ---- its life ---- */

orr_status orr_agent_new(const struct orr_agent_setup *setup, struct orr_agent **out,
                         struct orr_error *err)
{
    struct orr_agent *agent = orr_alloc(1, sizeof *agent);
    agent->setup = *setup;
    if (!agent->setup.silence)
        agent->setup.silence = SILENCE_SECONDS * ORR_SECOND;
    struct orri_crew_setup crew = {
        .token = setup->token,
        .agent = setup->link->rank,
        .workers = setup->workers,
        .cores_each = setup->host.children,
        .topo = setup->host.topo,
        .memory = setup->memory,
        .gpus = orr_gpus_count(setup->gpus),
        .ended = worker_ended,
        .lost = worker_lost,
        .context = agent,
    };
    orr_status status = orri_crew_new(&crew, &agent->crew, err);
    if (status == ORR_OK)
        status = orr_writer_open(&setup->store, &agent->writer, err);
    if (status != ORR_OK) {
        orr_agent_free(agent);
        return status;
    }
    agent->host = orr_host_new(&setup->host);
    agent->mean = orr_alloc(setup->host.graph->n_functions, sizeof *agent->mean);
    for (uint32_t f = 0; f < setup->host.graph->n_functions; f++)
        agent->mean[f] = -1;
    agent->began = orr_clock_monotonic();
    agent->beat = agent->began;
    *out = agent;
    return ORR_OK;
}

void orr_agent_free(struct orr_agent *agent)
{
    if (!agent)
        return;
    orr_host_free(agent->host);
    orri_crew_free(agent->crew);
    (void)orr_writer_close(agent->writer, false, NULL);
    orri_flights_release(agent);
    orr_bytes_release(&agent->up);
    orr_bytes_release(&agent->given);
    orr_successes_release(&agent->calls);
    orr_arena_release(&agent->scratch);
    free(agent->mean);
    free(agent->fault);
    free(agent);
}

/* Indexes take a while to write, in which nothing is said; the next session makes those
 * that are not there. */
static orr_status say_bye(struct orr_agent *agent, int64_t now, struct orr_error *err)
{
    struct orr_writer_stats stats = { 0 };
    bool seal = !agent->hurries && !agent->told_to_end;
    orr_writer_stats(agent->writer, &stats);
    struct orr_error bad = { 0 };
    orr_status told = beat(agent, now, err);
    if (told != ORR_OK)
        return told;
    orr_status closed = orr_writer_close(agent->writer, seal, &bad);
    agent->writer = NULL;
    if (closed != ORR_OK && !agent->faulted)
        (void)orri_agent_say(agent, ORR_MESSAGE_FAULT, bad.text, err);
    struct orr_bye bye = {
        .rank = agent->setup.link->rank,
        .agent_cpu = orr_clock_cpu(),
        .worker_cpu = orri_crew_cpu(agent->crew),
        .workers = orri_crew_workers(agent->crew),
        .results = agent->results,
        .stored_bytes = stats.bytes,
        .syncs = stats.syncs,
        .sync_ns = stats.sync_ns,
    };
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_bye_put(&out, &bye);
    orr_status status = orri_agent_send(agent, &out, err);
    orr_bytes_release(&out);
    return status;
}

/* All attempts over and stored, and the workers' last words heard (or patience over)?
 */
static bool may_leave(struct orr_agent *agent, int64_t now)
{
    if (orri_crew_busy(agent->crew) || agent->storing || agent->held.n)
        return agent->faulted && orri_crew_busy(agent->crew) == 0;
    return orri_crew_dismissed(agent->crew) ||
           now - agent->stopped_since > PATIENCE_SECONDS * ORR_SECOND;
}

static orr_status step_stopping(struct orr_agent *agent, int64_t now,
                                struct orr_error *err)
{
    if (orri_crew_busy(agent->crew) == 0)
        orri_crew_dismiss(agent->crew);
    if (!may_leave(agent, now))
        return ORR_OK;
    orr_status status = say_bye(agent, now, err);
    return status == ORR_OK ? ORR_END : status;
}

/* Rank 0 may take its time before it says anything (it reads the shards of a resumed
 * run); once it spoke, it beats. */
static bool coordinator_is_silent(const struct orr_agent *agent, int64_t now)
{
    bool silent = agent->heard ? now - agent->heard > agent->setup.silence
                               : now - agent->began > START_SECONDS * ORR_SECOND;
    if (silent)
        (void)fprintf(stderr,
                      "orrery: the agent on %s heard nothing from rank 0: it leaves\n",
                      agent->setup.host_name);
    return silent;
}

/* While we stood still (suspended with all others, most likely) rank 0 could not be
 * heard. */
static void forgive_stall(struct orr_agent *agent, int64_t now)
{
    int64_t stall = agent->stepped ? now - agent->stepped : 0;
    agent->stepped = now;
    if (stall < STALL_SECONDS * ORR_SECOND)
        return;
    agent->began += stall;
    agent->heard += agent->heard ? stall : 0;
    agent->stopped_since += stall;
}

/* Who is only here for what others leave goes when that is nothing. */
static void check_idle(struct orr_agent *agent, int64_t now)
{
    bool works = orri_crew_busy(agent->crew) || agent->queue.n || agent->held.n ||
                 agent->storing || !agent->worked;
    if (works)
        agent->worked = now;
    else if (agent->setup.idle && now - agent->worked > agent->setup.idle)
        orr_agent_leave(agent);
}

orr_status orr_agent_step(struct orr_agent *agent, bool ready, struct orr_error *err)
{
    int64_t now = orr_clock_monotonic();
    agent->busy = false;
    forgive_stall(agent, now);
    orr_status status = hear_all(agent, now, err);
    if (ready)
        orri_crew_step(agent->crew);
    orr_host_step(agent->host, ready);
    orri_local_ended(agent);
    orri_results_store_held(agent);
    orri_queue_start(agent);
    orri_local_ended(agent); /* what could not even start */
    if (status == ORR_OK)
        status = orri_agent_send(agent, &agent->given, err);
    if (status == ORR_OK && (ready || agent->busy))
        status = orri_results_take(agent, err);
    if (status == ORR_OK)
        status = orri_results_check(agent, err);
    if (status == ORR_OK && !agent->greeted && orri_crew_complete(agent->crew))
        status = greet(agent, err);
    if (status == ORR_OK && agent->greeted &&
        now - agent->beat > BEAT_SECONDS * ORR_SECOND)
        status = beat(agent, now, err);
    if (status == ORR_OK && orr_host_broken(agent->host))
        status = orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                               "the helper that starts attempts on %s died",
                               agent->setup.host_name);
    if (status != ORR_OK)
        return status;
    agent->forsaken = coordinator_is_silent(agent, now);
    if (agent->forsaken)
        return ORR_END;
    if (agent->stopping)
        return step_stopping(agent, now, err);
    check_idle(agent, now);
    return ORR_OK;
}

void orr_agent_leave(struct orr_agent *agent)
{
    if (!agent->leaving && agent->greeted)
        (void)orri_agent_say(agent, ORR_MESSAGE_LEAVE, "", NULL);
    agent->leaving = agent->greeted;
}

bool orr_agent_wants_to_leave(const struct orr_agent *agent) { return agent->leaving; }

bool orr_agent_is_forsaken(const struct orr_agent *agent) { return agent->forsaken; }

void orr_agent_told_to_end(struct orr_agent *agent) { agent->told_to_end = true; }

bool orr_agent_was_busy(const struct orr_agent *agent) { return agent->busy; }

int64_t orr_agent_ahead(const struct orr_agent *agent)
{
    uint32_t cores = orri_crew_cores(agent->crew);
    if (agent->queue.n == 0 || agent->queued_calls < cores || cores == 0)
        return 0;
    const struct orri_flight *first = &agent->flights[agent->queue.head - 1];
    double mean = agent->mean[first->assignment.function];
    double seconds = (mean > 0 ? mean : 0) * agent->queued_calls / cores;
    return seconds < 1 ? (int64_t)(seconds * 1e9) + 1 : ORR_SECOND;
}

size_t orr_agent_fds(const struct orr_agent *agent, struct pollfd *fds, size_t max)
{
    size_t n = 0;
    if (agent->writer && n < max)
        fds[n++] = (struct pollfd) { .fd = orr_writer_event_fd(agent->writer),
                                     .events = POLLIN };
    n += orr_host_fds(agent->host, fds + n, max - n);
    n += orri_crew_fds(agent->crew, fds + n, max - n);
    return n;
}

int64_t orr_agent_wake(const struct orr_agent *agent)
{
    int64_t wake = orr_host_wake(agent->host);
    int64_t next_beat = agent->beat + BEAT_SECONDS * ORR_SECOND;
    return wake < next_beat ? wake : next_beat;
}
