/* tail.c - attempts that the coordinator takes back, or ends because a twin was faster
 * Owns: what is given back, until it is sent. Hands on: ending what runs (host.c,
 * crew.c). */
#include "node/internal.h"

#include "base/memory.h"

#include <stdlib.h>

void orri_agent_give(struct orr_agent *agent, uint32_t at)
{
    const struct orr_assignment *a = &agent->flights[at].assignment;
    for (uint32_t i = 0; i < agent->flights[at].n; i++)
        orr_attempt_name_put(&agent->given, ORR_MESSAGE_GIVEN,
                             (struct orr_attempt_name) { a->task + i, a->attempt });
    orri_flight_free(agent, at);
    agent->busy = true;
}

/* How many of each are worth it: of the last ones, those that find room elsewhere. */
static uint32_t *choose_given(const struct orr_agent *agent, const uint32_t *all,
                              uint32_t n, const struct orr_retract *wanted)
{
    uint32_t *given = orr_alloc(n + 1, sizeof *given);
    uint32_t left = wanted->cores;
    for (uint32_t i = n; i-- && left;) {
        const struct orri_flight *flight = &agent->flights[all[i]];
        struct orr_resources needs =
            orr_function_needs(orri_flight_function(agent, flight));
        if (!orr_resources_fit(&wanted->widest, &needs))
            continue;
        uint32_t each = needs.cores ? needs.cores : 1;
        uint32_t most = left / each + (left % each != 0);
        given[i] = flight->n < most ? flight->n : most;
        left -= given[i] * each < left ? given[i] * each : left;
    }
    return given;
}

/* The last `n` of it; the others wait on. */
static void give_last(struct orr_agent *agent, uint32_t at, uint32_t n)
{
    uint32_t kept = agent->flights[at].n - n;
    if (kept)
        orri_queue_put_back(agent, orri_flight_part(agent, at, kept));
    orri_agent_give(agent, at);
}

orr_status orri_agent_retract(struct orr_agent *agent, struct orr_reader *in,
                              struct orr_error *err)
{
    struct orr_retract wanted;
    if (orr_retract_get(in, &wanted) != ORR_OK)
        return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                             "damaged message from the coordinator");
    uint32_t n = 0;
    uint32_t *all = orri_queue_take(agent, &n);
    uint32_t *given = choose_given(agent, all, n, &wanted);
    for (uint32_t i = 0; i < n; i++) {
        if (given[i])
            give_last(agent, all[i], given[i]);
        else
            orri_queue_put_back(agent, all[i]);
    }
    free(given);
    free(all);
    if (!agent->given.length) /* nothing: that is an answer, too */
        orr_batch_begin(&agent->given, ORR_MESSAGE_GIVEN);
    return orri_agent_send(agent, &agent->given, err);
}

static bool has_attempt(const struct orri_flight *flight, struct orr_attempt_name name)
{
    const struct orr_assignment *a = &flight->assignment;
    return name.attempt == a->attempt && name.task >= a->task &&
           name.task - a->task < flight->n;
}

/* That one; what stands before and behind it in its run waits on. */
static void give_one(struct orr_agent *agent, uint32_t at, uint32_t task)
{
    uint32_t before = task - agent->flights[at].assignment.task;
    if (before)
        orri_queue_put_back(agent, orri_flight_part(agent, at, before));
    if (agent->flights[at].n == 1) {
        orri_agent_give(agent, at);
        return;
    }
    orri_agent_give(agent, orri_flight_part(agent, at, 1));
    orri_queue_put_back(agent, at);
}

static void drop_waiting(struct orr_agent *agent, struct orr_attempt_name name)
{
    uint32_t n = 0;
    uint32_t *all = orri_queue_take(agent, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (has_attempt(&agent->flights[all[i]], name))
            give_one(agent, all[i], name.task);
        else
            orri_queue_put_back(agent, all[i]);
    }
    free(all);
}

static void end_running(struct orr_agent *agent, uint32_t at,
                        struct orr_attempt_name name)
{
    struct orri_flight *flight = &agent->flights[at];
    flight->cancelled = true;
    if (flight->seat.worker == 0)
        orr_host_cancel(agent->host, name.task, name.attempt);
    else
        orri_crew_cancel(agent->crew, flight->seat.worker, name);
}

static void cancel(struct orr_agent *agent, struct orr_attempt_name name)
{
    for (uint32_t i = 0; i < agent->n_flights; i++) {
        const struct orri_flight *flight = &agent->flights[i];
        if (!has_attempt(flight, name))
            continue;
        if (flight->state == ORRI_FLIGHT_RUNNING && flight->seat.place != 0)
            end_running(agent, i, name);
        if (flight->state == ORRI_FLIGHT_QUEUED) {
            drop_waiting(agent, name);
            return;
        }
    }
}

orr_status orri_agent_cancel(struct orr_agent *agent, struct orr_reader *in,
                             struct orr_error *err)
{
    while (orr_reader_left(in)) {
        struct orr_attempt_name name;
        if (orr_attempt_name_get(in, &name) != ORR_OK)
            return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                                 "damaged message from the coordinator");
        cancel(agent, name);
    }
    return orri_agent_send(agent, &agent->given, err);
}
