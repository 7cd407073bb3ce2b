/* agent.c - the node's side of the conversation with the coordinator
 * Owns: attempts in flight on this node, the outgoing batch, the writer.
 * Hands on: cores and workers (crew.c), running (host.c), the disk (store/writer). */
#include "node/agent.h"

#include "base/clock.h"
#include "base/memory.h"
#include "node/crew.h"
#include "node/local.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum flight_state {
    FLIGHT_FREE,
    FLIGHT_QUEUED,
    FLIGHT_RUNNING,
    FLIGHT_HELD,
    FLIGHT_STORING
};

/* One attempt from assignment to acknowledgement. */
struct flight {
    enum flight_state state;
    struct orr_assignment assignment; /* args owned, see args */
    unsigned char *args;
    struct orri_place place; /* worker and cores while it runs */
    uint32_t rank;
    unsigned char *done; /* encoded local DONE entry, from the end of the attempt on */
    size_t done_length;
    int blob_fd;
    uint32_t next; /* in the list of its state + 1 */
};

struct list { /* flights by index + 1, in order */
    uint32_t head;
    uint32_t tail;
    uint32_t n;
};

struct orr_agent {
    struct orr_agent_setup setup;
    struct orri_crew *crew;
    struct orr_host *host;
    struct orr_writer *writer;
    struct flight *flights;
    uint32_t n_flights;
    size_t cap_flights;
    struct list unused;
    struct list queue;
    struct list held; /* ended, but the writer's queue is full */
    uint32_t storing;
    struct orr_bytes up;
    struct orr_arena scratch;
    bool greeted;
    bool stopping;
    bool faulted;
    bool busy;
    bool told_to_end; /* by a signal */
    int64_t began;
    int64_t heard; /* from the coordinator, monotonic ns; 0: never yet */
    int64_t beat;  /* sent */
    int64_t stopped_since;
    uint64_t results;
};

enum {
    UP_BYTES = 64 * 1024,
    SILENCE_SECONDS = 30,
    BEAT_SECONDS = 1,
    PATIENCE_SECONDS = 5,
    START_SECONDS = 180
};

/* ---- flights ---- */

static void push(struct orr_agent *agent, struct list *list, uint32_t at)
{
    agent->flights[at].next = 0;
    if (list->tail)
        agent->flights[list->tail - 1].next = at + 1;
    else
        list->head = at + 1;
    list->tail = at + 1;
    list->n++;
}

static uint32_t pop(struct orr_agent *agent, struct list *list)
{
    uint32_t at = list->head - 1;
    list->head = agent->flights[at].next;
    if (!list->head)
        list->tail = 0;
    list->n--;
    return at;
}

static uint32_t new_flight(struct orr_agent *agent)
{
    if (agent->unused.n)
        return pop(agent, &agent->unused);
    agent->flights = orr_grow(agent->flights, agent->n_flights, &agent->cap_flights,
                              sizeof *agent->flights);
    agent->flights[agent->n_flights] = (struct flight) { .blob_fd = -1 };
    return agent->n_flights++;
}

static void free_flight(struct orr_agent *agent, uint32_t at)
{
    struct flight *flight = &agent->flights[at];
    if (flight->blob_fd >= 0)
        (void)close(flight->blob_fd);
    free(flight->args);
    free(flight->done);
    *flight = (struct flight) { .blob_fd = -1 };
    push(agent, &agent->unused, at);
}

static const struct orr_graph_function *function_of(const struct orr_agent *agent,
                                                    const struct flight *flight)
{
    return &agent->setup.host.graph->functions[flight->assignment.function];
}

/* ---- up: to the coordinator ---- */

static orr_status send_up(struct orr_agent *agent, struct orr_bytes *bytes,
                          struct orr_error *err)
{
    orr_status status = ORR_OK;
    if (bytes->length)
        status = orr_link_send(agent->setup.link, (orr_rank) { 0 }, bytes->data,
                               bytes->length, err);
    orr_bytes_clear(bytes);
    return status;
}

static orr_status say(struct orr_agent *agent, enum orr_message message,
                      const char *text, struct orr_error *err)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_signal_put(&out, message, text);
    orr_status status = send_up(agent, &out, err);
    orr_bytes_release(&out);
    return status;
}

static orr_status greet(struct orr_agent *agent, struct orr_error *err)
{
    struct orr_text bind = ORR_TEXT_INIT;
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
        .bind = bind.s ? bind.s : "",
    };
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_hello_put(&out, &hello);
    orr_status status = send_up(agent, &out, err);
    orr_bytes_release(&out);
    orr_text_release(&bind);
    agent->greeted = true;
    return status;
}

static orr_status beat(struct orr_agent *agent, int64_t now, struct orr_error *err)
{
    struct orr_beat b = { .running = orri_crew_busy(agent->crew),
                          .waiting = agent->queue.n,
                          .unstored = agent->held.n + agent->storing,
                          .cores = orri_crew_cores(agent->crew) };
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_beat_put(&out, &b);
    orr_status status = send_up(agent, &out, err);
    orr_bytes_release(&out);
    agent->beat = now;
    return status;
}

static const char *counters_text(struct orr_agent *agent,
                                 const struct orr_outcome *outcome)
{
    struct orr_text text = ORR_TEXT_INIT;
    for (uint32_t i = 0; i < outcome->n_counters; i++)
        orr_text_printf(&text, "%s=%.17g\n", outcome->counters[i].name,
                        outcome->counters[i].amount);
    const char *kept =
        text.s ? orr_arena_strndup(&agent->scratch, text.s, text.length) : "";
    orr_text_release(&text);
    return kept;
}

static void read_done(struct orr_agent *agent, const struct flight *flight,
                      struct orr_host_done *done)
{
    struct orr_reader in = orr_reader_of(flight->done, flight->done_length);
    if (orri_local_done_get(&in, done, &agent->scratch) != ORR_OK)
        ORR_BUG("result of task %u does not read back", flight->assignment.task);
}

static void report(struct orr_agent *agent, const struct flight *flight,
                   const void *results, uint32_t results_length)
{
    struct orr_host_done done;
    read_done(agent, flight, &done);
    const struct orr_outcome *o = &done.outcome;
    struct orr_done up = {
        .task = flight->assignment.task,
        .attempt = flight->assignment.attempt,
        .rank = flight->rank,
        .core = done.core,
        .failure = (uint8_t)o->failure,
        .code = o->code,
        .message = o->message,
        .results = results,
        .results_length = results_length,
        .t_start = o->t_start,
        .t_end = o->t_end,
        .cpu = o->cpu_user + o->cpu_sys,
        .blob_bytes = o->blob_bytes,
        .counters = counters_text(agent, o),
    };
    if (agent->up.length == 0)
        orr_batch_begin(&agent->up, ORR_MESSAGE_DONE);
    orr_done_put(&agent->up, &up);
    orr_arena_reset(&agent->scratch);
}

/* ---- to the disk ---- */

static void describe_stored(struct orr_agent *agent, const struct flight *flight,
                            const struct orr_host_done *done, struct orr_stored *stored)
{
    const struct orr_graph_function *f = function_of(agent, flight);
    const struct orr_outcome *o = &done->outcome;
    struct orr_stored_counter *counters =
        orr_arena_alloc(&agent->scratch, (o->n_counters + 1) * sizeof *counters);
    for (uint32_t i = 0; i < o->n_counters; i++)
        counters[i] =
            (struct orr_stored_counter) { o->counters[i].name, o->counters[i].amount };
    *stored = (struct orr_stored) {
        .id = flight->assignment.identity,
        .function = f->native ? f->native->name : f->name,
        .attempt = flight->assignment.attempt,
        .failure = o->failure,
        .code = (int32_t)o->code,
        .message = o->message,
        .error_tail = o->error_tail,
        .error_tail_bytes = o->error_tail_length,
        .warnings = o->warnings,
        .args = flight->args,
        .args_bytes = flight->assignment.args_length,
        .results = o->results,
        .results_bytes = o->results_length,
        .rows = o->rows,
        .row_bytes = o->n_rows ? o->rows_length / o->n_rows : 0,
        .n_rows = o->n_rows,
        .columns = o->n_rows && f->native ? f->native->columns : NULL,
        .counters = counters,
        .n_counters = o->n_counters,
        .host = agent->setup.host_name,
        .rank = flight->rank,
        .core = done->core,
        .t_start = o->t_start,
        .t_end = o->t_end,
        .cpu_user = o->cpu_user,
        .cpu_sys = o->cpu_sys,
        .max_rss = o->max_rss,
        .queued = o->t_start - flight->assignment.queued,
    };
}

/* False: the writer's queue is full. */
static bool store(struct orr_agent *agent, uint32_t at)
{
    struct flight *flight = &agent->flights[at];
    struct orr_host_done done;
    struct orr_stored stored;
    read_done(agent, flight, &done);
    describe_stored(agent, flight, &done, &stored);
    bool taken = orr_writer_put(agent->writer, &stored, flight->blob_fd,
                                done.outcome.blob_bytes, at);
    orr_arena_reset(&agent->scratch);
    if (!taken)
        return false;
    flight->state = FLIGHT_STORING;
    agent->storing++;
    return true;
}

static void store_held(struct orr_agent *agent)
{
    while (agent->held.n && store(agent, agent->held.head - 1))
        (void)pop(agent, &agent->held);
}

enum { TAKEN_AT_ONCE = 256 };

static orr_status take_stored(struct orr_agent *agent, struct orr_error *err)
{
    struct orr_written written[TAKEN_AT_ONCE];
    size_t n = 0;
    while ((n = orr_writer_take(agent->writer, written, TAKEN_AT_ONCE)) > 0) {
        agent->busy = true;
        for (size_t i = 0; i < n; i++) {
            uint32_t at = (uint32_t)written[i].token;
            report(agent, &agent->flights[at], written[i].results,
                   written[i].results_bytes);
            free_flight(agent, at);
            agent->storing--;
            agent->results++;
            if (agent->up.length > UP_BYTES) {
                orr_status status = send_up(agent, &agent->up, err);
                if (status != ORR_OK)
                    return status;
            }
        }
    }
    return send_up(agent, &agent->up, err);
}

static orr_status check_writer(struct orr_agent *agent, struct orr_error *err)
{
    struct orr_error bad = { 0 };
    if (agent->faulted || orr_writer_error(agent->writer, &bad) == ORR_OK)
        return ORR_OK;
    agent->faulted = true;
    return say(agent, ORR_MESSAGE_FAULT, bad.text, err);
}

/* ---- attempts that ended ---- */

/* A batch system signals all processes. Some die of that, some (ffmpeg) exit with a
 * code of their own. */
static bool ended_by_us(const struct orr_agent *agent, enum orr_fail_kind failure)
{
    return (failure == ORR_FAIL_SIGNAL && (agent->told_to_end || agent->stopping)) ||
           (failure == ORR_FAIL_EXIT && agent->told_to_end);
}

static void ended(struct orr_agent *agent, uint32_t at,
                  const struct orr_host_done *done, uint32_t rank)
{
    struct flight *flight = &agent->flights[at];
    struct orr_bytes bytes = ORR_BYTES_INIT;
    struct orr_host_done forgiven = *done;
    if (ended_by_us(agent, done->outcome.failure))
        forgiven.outcome.failure = ORR_FAIL_LOST;
    orri_local_done_put(&bytes, &forgiven);
    flight->done = bytes.data; /* ours now */
    flight->done_length = bytes.length;
    flight->blob_fd = done->blob_fd;
    flight->rank = rank;
    if (flight->state == FLIGHT_RUNNING)
        orri_crew_release(agent->crew, &flight->place);
    flight->state = FLIGHT_HELD;
    agent->busy = true;
    if (agent->held.n || !store(agent, at))
        push(agent, &agent->held, at);
}

/* The flight of an attempt on this worker; attempts are few per worker. */
static uint32_t find_running(const struct orr_agent *agent, uint32_t worker,
                             uint32_t task, uint32_t attempt)
{
    const struct orri_place *place = orri_crew_find(agent->crew, worker, task, attempt);
    return place ? place->token : UINT32_MAX;
}

static void local_ended(struct orr_agent *agent)
{
    struct orr_host_done done;
    while (orr_host_next(agent->host, &done)) {
        uint32_t at = find_running(agent, 0, done.task, done.attempt);
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
        if (orri_local_done_get(in, &done, &arena) != ORR_OK)
            ORR_BUG("damaged result from worker %u", rank);
        done.blob_fd = blob_fd;
        blob_fd = -1;
        uint32_t at = find_running(agent, worker, done.task, done.attempt);
        if (at != UINT32_MAX)
            ended(agent, at, &done, rank);
        else if (done.blob_fd >= 0)
            (void)close(done.blob_fd);
    }
    orr_arena_release(&arena);
}

static void worker_lost(void *context, uint32_t worker, uint32_t rank)
{
    struct orr_agent *agent = context;
    char text[100];
    (void)snprintf(text, sizeof text, "worker rank %u on %s died", rank,
                   agent->setup.host_name);
    for (uint32_t i = 0; i < agent->n_flights; i++) {
        struct flight *flight = &agent->flights[i];
        if (flight->state != FLIGHT_RUNNING || flight->place.worker != worker)
            continue;
        struct orr_host_done done = {
            .task = flight->assignment.task,
            .attempt = flight->assignment.attempt,
            .core = flight->place.cores[0],
            .blob_fd = -1,
            .outcome = { .failure = ORR_FAIL_LOST,
                         .message = text,
                         .t_start = orr_clock_wall(),
                         .t_end = orr_clock_wall() },
        };
        ended(agent, i, &done, rank);
    }
    if (!agent->stopping)
        (void)fprintf(stderr, "orrery: %s; its attempts run elsewhere\n", text);
}

/* ---- down: from the coordinator ---- */

static void accept_assignment(struct orr_agent *agent,
                              const struct orr_assignment *from)
{
    uint32_t at = new_flight(agent);
    struct flight *flight = &agent->flights[at];
    *flight =
        (struct flight) { .state = FLIGHT_QUEUED, .assignment = *from, .blob_fd = -1 };
    flight->args = orr_alloc(from->args_length + 1, 1);
    if (from->args_length)
        memcpy(flight->args, from->args, from->args_length);
    flight->assignment.args = flight->args;
    push(agent, &agent->queue, at);
}

static orr_status take_assignments(struct orr_agent *agent, struct orr_reader *in,
                                   struct orr_error *err)
{
    struct orr_assignment assignment;
    while (orr_reader_left(in)) {
        if (orr_assignment_get(in, &assignment) != ORR_OK ||
            assignment.function >= agent->setup.host.graph->n_functions)
            return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                                 "damaged assignment from the coordinator");
        accept_assignment(agent, &assignment);
    }
    return ORR_OK;
}

static void drop_queue(struct orr_agent *agent)
{
    while (agent->queue.n)
        free_flight(agent, pop(agent, &agent->queue));
}

static orr_status hear(struct orr_agent *agent, const void *data, size_t length,
                       struct orr_error *err)
{
    struct orr_reader in = orr_reader_of(data, length);
    switch (orr_message_of(&in)) {
    case ORR_MESSAGE_ASSIGN: return take_assignments(agent, &in, err);
    case ORR_MESSAGE_BEAT: return ORR_OK;
    case ORR_MESSAGE_ABANDON:
        drop_queue(agent);
        orr_host_abandon(agent->host);
        orri_crew_tell(agent->crew, ORR_MESSAGE_ABANDON);
        return ORR_OK;
    case ORR_MESSAGE_STOP:
        drop_queue(agent);
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

/* ---- to the cores ---- */

/* Workers died, and the node is too small for this call now. */
static void give_back(struct orr_agent *agent, uint32_t at)
{
    struct orr_host_done done = {
        .task = agent->flights[at].assignment.task,
        .attempt = agent->flights[at].assignment.attempt,
        .blob_fd = -1,
        .outcome = { .failure = ORR_FAIL_LOST,
                     .message = "its node has fewer cores now",
                     .t_start = orr_clock_wall(),
                     .t_end = orr_clock_wall() },
    };
    ended(agent, at, &done, agent->setup.link->rank);
}

static void start_queued(struct orr_agent *agent)
{
    while (agent->queue.n && !agent->held.n && !agent->faulted) {
        uint32_t at = agent->queue.head - 1;
        struct flight *flight = &agent->flights[at];
        const struct orr_graph_function *f = function_of(agent, flight);
        struct orri_local_assignment local = { .token = at,
                                               .assignment = flight->assignment };
        if (f->isolated && f->cores > orri_crew_cores(agent->crew)) {
            (void)pop(agent, &agent->queue);
            give_back(agent, at);
            continue;
        }
        if (!orri_crew_place(agent->crew, f->isolated, f->cores, at,
                             flight->assignment.task, flight->assignment.attempt,
                             &flight->place))
            break;
        (void)pop(agent, &agent->queue);
        flight->state = FLIGHT_RUNNING;
        agent->busy = true;
        local.n_cores = flight->place.n_cores;
        memcpy(local.cores, flight->place.cores, local.n_cores * sizeof *local.cores);
        if (flight->place.worker == 0)
            orr_host_start(agent->host, &flight->assignment, local.cores,
                           local.n_cores);
        else
            orri_crew_send(agent->crew, flight->place.worker, &local);
    }
    orri_crew_flush(agent->crew);
}

/* ---- its life ---- */

orr_status orr_agent_new(const struct orr_agent_setup *setup, struct orr_agent **out,
                         struct orr_error *err)
{
    struct orr_agent *agent = orr_alloc(1, sizeof *agent);
    agent->setup = *setup;
    struct orri_crew_setup crew = {
        .token = setup->token,
        .agent = setup->link->rank,
        .workers = setup->workers,
        .cores_each = setup->host.children,
        .topo = setup->host.topo,
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
    for (uint32_t i = 0; i < agent->n_flights; i++) {
        if (agent->flights[i].blob_fd >= 0)
            (void)close(agent->flights[i].blob_fd);
        free(agent->flights[i].args);
        free(agent->flights[i].done);
    }
    free(agent->flights);
    orr_bytes_release(&agent->up);
    orr_arena_release(&agent->scratch);
    free(agent);
}

static orr_status say_bye(struct orr_agent *agent, struct orr_error *err)
{
    struct orr_writer_stats stats = { 0 };
    orr_writer_stats(agent->writer, &stats);
    struct orr_error bad = { 0 };
    orr_status closed = orr_writer_close(agent->writer, true, &bad);
    agent->writer = NULL;
    if (closed != ORR_OK && !agent->faulted)
        (void)say(agent, ORR_MESSAGE_FAULT, bad.text, err);
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
    orr_status status = send_up(agent, &out, err);
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
    orr_status status = say_bye(agent, err);
    return status == ORR_OK ? ORR_END : status;
}

/* Rank 0 may take its time before it says anything (it reads the shards of a resumed
 * run); once it spoke, it beats. */
static bool coordinator_is_silent(const struct orr_agent *agent, int64_t now)
{
    bool silent = agent->heard ? now - agent->heard > SILENCE_SECONDS * ORR_SECOND
                               : now - agent->began > START_SECONDS * ORR_SECOND;
    if (silent)
        (void)fprintf(stderr,
                      "orrery: the agent on %s heard nothing from rank 0: it leaves\n",
                      agent->setup.host_name);
    return silent;
}

orr_status orr_agent_step(struct orr_agent *agent, bool ready, struct orr_error *err)
{
    int64_t now = orr_clock_monotonic();
    agent->busy = false;
    orr_status status = hear_all(agent, now, err);
    if (ready)
        orri_crew_step(agent->crew);
    orr_host_step(agent->host, ready);
    local_ended(agent);
    store_held(agent);
    start_queued(agent);
    local_ended(agent); /* what ran in place */
    if (status == ORR_OK && (ready || agent->busy))
        status = take_stored(agent, err);
    if (status == ORR_OK)
        status = check_writer(agent, err);
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
    if (agent->stopping)
        return step_stopping(agent, now, err);
    return coordinator_is_silent(agent, now) ? ORR_END : ORR_OK;
}

void orr_agent_told_to_end(struct orr_agent *agent) { agent->told_to_end = true; }

bool orr_agent_was_busy(const struct orr_agent *agent) { return agent->busy; }

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
