/* trace.c - attempts and queues as Chrome's trace events (chrome://tracing, Perfetto)
 * Owns nothing: writes to the caller's file. */
#include "sim/internal.h"

#include <inttypes.h>

static double microseconds(int64_t at) { return (double)(at - ORRI_SIM_BEGIN) / 1e3; }

void orri_trace_begin(struct orr_sim *sim)
{
    FILE *out = sim->setup.trace;
    if (!out)
        return;
    (void)fprintf(out, "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n"
                       "{\"ph\": \"M\", \"pid\": 0, \"name\": \"process_name\", "
                       "\"args\": {\"name\": \"rank 0\"}}");
    for (uint32_t i = 0; i < sim->setup.nodes; i++)
        (void)fprintf(
            out,
            ",\n{\"ph\": \"M\", \"pid\": %" PRIu32
            ", \"name\": \"process_name\", \"args\": {\"name\": \"node%" PRIu32 "\"}}",
            i + 1, i + 1);
}

void orri_trace_attempt(struct orr_sim *sim, const struct orri_try *try)
{
    FILE *out = sim->setup.trace;
    if (!out || sim->out->traced >= sim->setup.trace_limit)
        return;
    sim->out->traced++;
    (void)fprintf(
        out,
        ",\n{\"ph\": \"X\", \"pid\": %" PRIu32 ", \"tid\": %" PRIu32
        ", \"ts\": %.1f, \"dur\": %.1f, \"name\": \"%s\", \"args\": {\"task\": "
        "%" PRIu32 ", \"attempt\": %" PRIu32 ", \"cores\": %" PRIu32
        ", \"failure\": \"%s\"}}",
        try->node + 1, try->lane, microseconds(try->start),
        (double)(try->end - try->start) / 1e3,
        sim->setup.graph->functions[try->function].name, try->task, try->attempt,
        try->needs.cores, orr_fail_kind_text[try->failure]);
}

void orri_trace_sample(struct orr_sim *sim, uint64_t queued, uint64_t waiting,
                       uint64_t running)
{
    FILE *out = sim->setup.trace;
    if (!out)
        return;
    (void)fprintf(
        out,
        ",\n{\"ph\": \"C\", \"pid\": 0, \"ts\": %.1f, \"name\": \"attempts\", "
        "\"args\": {\"ready at rank 0\": %" PRIu64 ", \"waiting at nodes\": %" PRIu64
        ", \"running\": %" PRIu64 "}}",
        microseconds(sim->now), queued, waiting, running);
}

void orri_trace_end(struct orr_sim *sim)
{
    if (sim->setup.trace)
        (void)fprintf(sim->setup.trace, "\n]}\n");
}
