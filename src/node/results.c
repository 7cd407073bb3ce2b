/* results.c - from the end of an attempt over the disk to its report
 * Owns: what the writer and the coordinator are given. Hands on: the disk
 * (store/writer). */
#include "node/internal.h"

#include "base/memory.h"
#include "node/local.h"

#include <stdlib.h>
#include <string.h>

enum { UP_BYTES = 64 * 1024, TAKEN_AT_ONCE = 64 };

/* ---- up: to the coordinator ---- */

static void put_counters(const struct orr_outcome *outcome, struct orr_text *text)
{
    for (uint32_t i = 0; i < outcome->n_counters; i++)
        orr_text_printf(text, "%s=%.17g\n", outcome->counters[i].name,
                        outcome->counters[i].amount);
}

static const struct orr_outcome SUCCESS = { .failure = ORR_FAIL_NONE, .message = "" };

/* What the coordinator will be told once it is on disk. Most attempts have no texts. */
static void note_report(struct orri_flight *flight, const struct orr_host_done *done)
{
    const struct orr_outcome *o = done->calls ? &SUCCESS : &done->outcome;
    size_t message = o->message ? strlen(o->message) : 0;
    flight->report = (struct orr_done) {
        .task = flight->assignment.task,
        .attempt = flight->assignment.attempt,
        .rank = flight->rank,
        .core = done->core,
        .failure = (uint8_t)o->failure,
        .code = o->code,
        .message = "",
        .t_start = o->t_start,
        .t_end = o->t_end,
        .cpu = o->cpu_user + o->cpu_sys,
        .blob_bytes = o->blob_bytes,
        .counters = "",
    };
    if (message == 0 && o->n_counters == 0)
        return;
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_append(&text, o->message ? o->message : "", message);
    orr_text_append(&text, "", 1);
    put_counters(o, &text);
    flight->texts = text.s;
    flight->report.message = text.s;
    flight->report.counters = text.s + message + 1;
}

static void add_report(struct orr_agent *agent, const struct orr_done *report)
{
    if (agent->up.length == 0)
        orr_batch_begin(&agent->up, ORR_MESSAGE_DONE);
    orr_reporting_add(&agent->reporting, &agent->up, report);
}

static void report_run(struct orr_agent *agent, const struct orr_done *first,
                       const struct orr_written *written)
{
    struct orr_done done = *first;
    uint32_t from = 0;
    for (uint32_t i = 0; i < written->n; i++) {
        done.results = (const unsigned char *)written->results + from;
        done.results_length = written->ends[i] - from;
        done.t_start = written->times[i];
        done.t_end = written->times[i + 1];
        done.cpu = done.t_end - done.t_start;
        add_report(agent, &done);
        from = written->ends[i];
        done.task++;
    }
}

static void report(struct orr_agent *agent, struct orri_flight *flight,
                   const struct orr_written *written)
{
    if (written->n) {
        report_run(agent, &flight->report, written);
        return;
    }
    flight->report.results = written->results;
    flight->report.results_length = written->results_bytes;
    add_report(agent, &flight->report);
}

/* ---- to the disk ---- */

static void describe_stored(struct orr_agent *agent, const struct orri_flight *flight,
                            const struct orr_host_done *done, struct orr_stored *stored)
{
    const struct orr_graph_function *f = orri_flight_function(agent, flight);
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

/* Calls that succeeded. */
static bool store_calls(struct orr_agent *agent, uint32_t at,
                        const struct orr_host_done *done)
{
    const struct orri_flight *flight = &agent->flights[at];
    const struct orr_graph_function *f = orri_flight_function(agent, flight);
    const struct orr_successes *calls = done->calls;
    struct orr_assignment_run run = orri_flight_run(flight);
    struct orr_stored_run stored = {
        .first = { .function = f->native->name,
                   .attempt = run.first.attempt,
                   .args = run.first.args,
                   .args_bytes = run.first.args_length,
                   .results = calls->results.data,
                   .results_bytes = (uint32_t)calls->results.length,
                   .host = agent->setup.host_name,
                   .rank = flight->rank,
                   .core = done->core,
                   .queued = calls->times[0] - run.first.queued },
        .n = calls->n,
        .args = run.args,
        .ids = run.ids,
        .times = calls->times,
        .ends = calls->ends,
    };
    return orr_writer_put_run(agent->writer, &stored, at);
}

static bool store_one(struct orr_agent *agent, uint32_t at,
                      const struct orr_host_done *done)
{
    struct orr_stored stored;
    describe_stored(agent, &agent->flights[at], done, &stored);
    bool taken = orr_writer_put(agent->writer, &stored, agent->flights[at].blob_fd,
                                done->outcome.blob_bytes, at);
    orr_arena_reset(&agent->scratch);
    return taken;
}

/* False: the writer's queue is full. */
static bool store(struct orr_agent *agent, uint32_t at,
                  const struct orr_host_done *done)
{
    if (done->calls ? !store_calls(agent, at, done) : !store_one(agent, at, done))
        return false;
    agent->flights[at].state = ORRI_FLIGHT_STORING;
    agent->storing += agent->flights[at].n;
    return true;
}

void orri_result_take(struct orr_agent *agent, uint32_t at,
                      const struct orr_host_done *done)
{
    struct orri_flight *flight = &agent->flights[at];
    const struct orr_outcome *o = &done->outcome;
    const struct orr_successes *calls = done->calls;
    struct orr_bytes bytes = ORR_BYTES_INIT;
    if (calls)
        orri_learn(agent, flight->assignment.function,
                   (double)(calls->times[calls->n] - calls->times[0]) / 1e9 / calls->n);
    else if (o->failure != ORR_FAIL_LOST)
        orri_learn(agent, flight->assignment.function,
                   (double)(o->t_end - o->t_start) / 1e9);
    note_report(flight, done);
    if (agent->held.n == 0 && store(agent, at, done))
        return;
    orri_local_done_put(&bytes, done);
    flight->done = bytes.data; /* ours now */
    flight->done_length = bytes.length;
    orri_flight_push(agent, &agent->held, at);
}

static bool store_held(struct orr_agent *agent, uint32_t at)
{
    struct orri_flight *flight = &agent->flights[at];
    struct orr_reader in = orr_reader_of(flight->done, flight->done_length);
    struct orr_host_done done;
    if (orri_local_done_get(&in, &done, &agent->calls, &agent->scratch) != ORR_OK)
        ORR_BUG("result of task %u does not read back", flight->assignment.task);
    return store(agent, at, &done);
}

void orri_results_store_held(struct orr_agent *agent)
{
    while (agent->held.n && store_held(agent, agent->held.head - 1))
        (void)orri_flight_pop(agent, &agent->held);
}

static void take_written(struct orr_agent *agent, const struct orr_written *written)
{
    uint32_t at = (uint32_t)written->token;
    uint32_t n = agent->flights[at].n;
    report(agent, &agent->flights[at], written);
    agent->storing -= n;
    agent->results += n;
    orri_flight_free(agent, at);
}

orr_status orri_results_take(struct orr_agent *agent, struct orr_error *err)
{
    struct orr_written written[TAKEN_AT_ONCE];
    orr_status status = ORR_OK;
    size_t n = 0;
    while (status == ORR_OK &&
           (n = orr_writer_take(agent->writer, written, TAKEN_AT_ONCE)) > 0) {
        agent->busy = true;
        for (size_t i = 0; i < n; i++)
            take_written(agent, &written[i]);
        orr_reporting_flush(&agent->reporting, &agent->up);
        if (agent->up.length > UP_BYTES)
            status = orri_agent_send(agent, &agent->up, err);
    }
    return status == ORR_OK ? orri_agent_send(agent, &agent->up, err) : status;
}

orr_status orri_results_check(struct orr_agent *agent, struct orr_error *err)
{
    struct orr_error bad = { 0 };
    bool broken = orr_writer_error(agent->writer, &bad) != ORR_OK;
    if (agent->faulted || (!broken && !agent->fault))
        return ORR_OK;
    agent->faulted = true;
    return orri_agent_say(agent, ORR_MESSAGE_FAULT, broken ? bad.text : agent->fault,
                          err);
}
