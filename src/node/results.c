/* results.c - from the end of an attempt over the disk to its report
 * Owns: what the writer and the coordinator are given. Hands on: the disk
 * (store/writer). */
#include "node/internal.h"

#include "base/memory.h"
#include "node/local.h"

#include <stdlib.h>

enum { UP_BYTES = 64 * 1024, TAKEN_AT_ONCE = 256 };

/* ---- up: to the coordinator ---- */

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

static void read_done(struct orr_agent *agent, const struct orri_flight *flight,
                      struct orr_host_done *done)
{
    struct orr_reader in = orr_reader_of(flight->done, flight->done_length);
    if (orri_local_done_get(&in, done, &agent->scratch) != ORR_OK)
        ORR_BUG("result of task %u does not read back", flight->assignment.task);
}

static void report(struct orr_agent *agent, const struct orri_flight *flight,
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

/* False: the writer's queue is full. */
bool orri_result_store(struct orr_agent *agent, uint32_t at)
{
    struct orri_flight *flight = &agent->flights[at];
    struct orr_host_done done;
    struct orr_stored stored;
    read_done(agent, flight, &done);
    describe_stored(agent, flight, &done, &stored);
    bool taken = orr_writer_put(agent->writer, &stored, flight->blob_fd,
                                done.outcome.blob_bytes, at);
    orr_arena_reset(&agent->scratch);
    if (!taken)
        return false;
    flight->state = ORRI_FLIGHT_STORING;
    agent->storing++;
    return true;
}

void orri_results_store_held(struct orr_agent *agent)
{
    while (agent->held.n && orri_result_store(agent, agent->held.head - 1))
        (void)orri_flight_pop(agent, &agent->held);
}

orr_status orri_results_take(struct orr_agent *agent, struct orr_error *err)
{
    struct orr_written written[TAKEN_AT_ONCE];
    size_t n = 0;
    while ((n = orr_writer_take(agent->writer, written, TAKEN_AT_ONCE)) > 0) {
        agent->busy = true;
        for (size_t i = 0; i < n; i++) {
            uint32_t at = (uint32_t)written[i].token;
            report(agent, &agent->flights[at], written[i].results,
                   written[i].results_bytes);
            orri_flight_free(agent, at);
            agent->storing--;
            agent->results++;
            if (agent->up.length > UP_BYTES) {
                orr_status status = orri_agent_send(agent, &agent->up, err);
                if (status != ORR_OK)
                    return status;
            }
        }
    }
    return orri_agent_send(agent, &agent->up, err);
}

orr_status orri_results_check(struct orr_agent *agent, struct orr_error *err)
{
    struct orr_error bad = { 0 };
    if (agent->faulted || orr_writer_error(agent->writer, &bad) == ORR_OK)
        return ORR_OK;
    agent->faulted = true;
    return orri_agent_say(agent, ORR_MESSAGE_FAULT, bad.text, err);
}
