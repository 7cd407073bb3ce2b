/* tail.c - attempts that the coordinator takes back, or ends because a twin was faster
 * Owns: what is given back, until it is sent. Hands on: ending what runs (host.c,
 * crew.c). */
#include "node/internal.h"

#include <stdlib.h>

void orri_agent_give(struct orr_agent *agent, uint32_t at)
{
    const struct orr_assignment *a = &agent->flights[at].assignment;
    orr_attempt_name_put(&agent->given, ORR_MESSAGE_GIVEN,
                         (struct orr_attempt_name) { a->task, a->attempt });
    orri_flight_free(agent, at);
    agent->busy = true;
}

/* Which of these are worth it: of the last ones, those that find room elsewhere. */
static bool *choose_given(const struct orr_agent *agent, const uint32_t *all,
                          uint32_t n, const struct orr_retract *wanted)
{
    bool *given = orr_alloc(n + 1, sizeof *given);
    uint32_t left = wanted->cores;
    for (uint32_t i = n; i-- && left;) {
        struct orr_resources needs =
            orr_function_needs(orri_flight_function(agent, &agent->flights[all[i]]));
        given[i] = orr_resources_fit(&wanted->widest, &needs);
        if (given[i])
            left -= needs.cores < left ? needs.cores : left;
    }
    return given;
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
    bool *given = choose_given(agent, all, n, &wanted);
    for (uint32_t i = 0; i < n; i++) {
        if (given[i])
            orri_agent_give(agent, all[i]);
        else
            orri_queue_put_back(agent, all[i]);
    }
    free(given);
    free(all);
    if (!agent->given.length) /* nothing: that is an answer, too */
        orr_batch_begin(&agent->given, ORR_MESSAGE_GIVEN);
    return orri_agent_send(agent, &agent->given, err);
}

static void drop_waiting(struct orr_agent *agent, struct orr_attempt_name name)
{
    uint32_t n = 0;
    uint32_t *all = orri_queue_take(agent, &n);
    for (uint32_t i = 0; i < n; i++) {
        const struct orr_assignment *a = &agent->flights[all[i]].assignment;
        if (a->task == name.task && a->attempt == name.attempt)
            orri_agent_give(agent, all[i]);
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
        if (flight->assignment.task != name.task ||
            flight->assignment.attempt != name.attempt)
            continue;
        if (flight->state == ORRI_FLIGHT_QUEUED)
            drop_waiting(agent, name);
        else if (flight->state == ORRI_FLIGHT_RUNNING && flight->seat.place != 0)
            end_running(agent, i, name);
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
