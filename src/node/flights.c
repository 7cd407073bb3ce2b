/* flights.c - attempts from assignment to acknowledgement, and the lists they wait in
 * Owns: their memory. Hands on: what happens to them (agent.c, results.c). */
#include "node/internal.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEPT_BYTES = 256 }; /* of arguments, for the next flight in that place */

uint32_t orri_flight_seek(const struct orr_agent *agent,
                          const struct orri_flight_list *list, int64_t priority,
                          bool before_equals)
{
    uint32_t before = 0;
    uint32_t at = list->head;
    if (list->tail && !before_equals &&
        agent->flights[list->tail - 1].assignment.priority >= priority)
        return list->tail;
    while (at && (agent->flights[at - 1].assignment.priority > priority ||
                  (agent->flights[at - 1].assignment.priority == priority &&
                   !before_equals))) {
        before = at;
        at = agent->flights[at - 1].next;
    }
    return before;
}

uint32_t orri_flight_behind(const struct orr_agent *agent,
                            const struct orri_flight_list *list, uint32_t before)
{
    return before ? agent->flights[before - 1].next : list->head;
}

void orri_flight_push_behind(struct orr_agent *agent, struct orri_flight_list *list,
                             uint32_t before, uint32_t at)
{
    uint32_t *place = before ? &agent->flights[before - 1].next : &list->head;
    agent->flights[at].next = *place;
    *place = at + 1;
    if (list->tail == before)
        list->tail = at + 1;
    list->n++;
}

void orri_flight_push(struct orr_agent *agent, struct orri_flight_list *list,
                      uint32_t at)
{
    orri_flight_push_behind(agent, list, list->tail, at);
}

uint32_t orri_flight_pop_behind(struct orr_agent *agent, struct orri_flight_list *list,
                                uint32_t before)
{
    uint32_t *place = before ? &agent->flights[before - 1].next : &list->head;
    uint32_t at = *place - 1;
    *place = agent->flights[at].next;
    if (list->tail == at + 1)
        list->tail = before;
    list->n--;
    return at;
}

uint32_t orri_flight_pop(struct orr_agent *agent, struct orri_flight_list *list)
{
    return orri_flight_pop_behind(agent, list, 0);
}

uint32_t orri_flight_new(struct orr_agent *agent)
{
    if (agent->unused.n)
        return orri_flight_pop(agent, &agent->unused);
    agent->flights = orr_grow(agent->flights, agent->n_flights, &agent->cap_flights,
                              sizeof *agent->flights);
    agent->flights[agent->n_flights] = (struct orri_flight) { .blob_fd = -1 };
    return agent->n_flights++;
}

static void set_args(struct orri_flight *flight, const void *args, uint32_t length)
{
    if (length >= flight->args_room) {
        free(flight->args);
        flight->args_room = length + 1;
        flight->args = orr_alloc(flight->args_room, 1);
    }
    if (length)
        memcpy(flight->args, args, length);
    flight->assignment.args = flight->args;
    flight->series.first = flight->args;
}

static void set_ids(struct orri_flight *flight, const unsigned char *ids)
{
    if (flight->n > flight->ids_room) {
        free(flight->ids);
        flight->ids_room = flight->n;
        flight->ids = orr_alloc(flight->n, ORR_RUN_ID_BYTES);
    }
    flight->ids_at = 0;
    memcpy(flight->ids, ids, (size_t)flight->n * ORR_RUN_ID_BYTES);
}

uint32_t orri_flight_make(struct orr_agent *agent, const struct orr_assignment_run *run)
{
    uint32_t at = orri_flight_new(agent);
    struct orri_flight *flight = &agent->flights[at];
    flight->assignment = run->first;
    flight->n = run->n;
    flight->series = run->args;
    set_args(flight, run->first.args, run->first.args_length);
    set_ids(flight, run->ids);
    flight->overtaken = 0;
    flight->cancelled = false;
    return at;
}

struct orr_assignment_run orri_flight_run(const struct orri_flight *flight)
{
    return (struct orr_assignment_run) {
        .first = flight->assignment,
        .n = flight->n,
        .args = flight->series,
        .ids = flight->ids + (size_t)flight->ids_at * ORR_RUN_ID_BYTES,
    };
}

static void skip(struct orri_flight *flight, uint32_t n)
{
    flight->n -= n;
    flight->series.n = flight->n;
    flight->ids_at += n;
    flight->assignment.task += n;
    flight->assignment.identity = orr_run_id(flight->ids, flight->ids_at);
    orr_series_skip(&flight->series, n, flight->args);
}

uint32_t orri_flight_part(struct orr_agent *agent, uint32_t at, uint32_t n)
{
    struct orr_assignment_run head = orri_flight_run(&agent->flights[at]);
    head.n = n;
    head.args.n = n;
    uint32_t new = orri_flight_make(agent, &head);
    struct orri_flight *from = &agent->flights[at];
    struct orri_flight *to = &agent->flights[new];
    to->state = from->state;
    to->seat = from->seat;
    to->rank = from->rank;
    to->overtaken = from->overtaken;
    to->cancelled = from->cancelled;
    skip(from, n);
    return new;
}

void orri_flight_free(struct orr_agent *agent, uint32_t at)
{
    struct orri_flight *flight = &agent->flights[at];
    if (flight->blob_fd >= 0)
        (void)close(flight->blob_fd);
    if (flight->args_room > KEPT_BYTES) {
        free(flight->args);
        flight->args = NULL;
        flight->args_room = 0;
    }
    free(flight->done);
    free(flight->texts);
    flight->done = NULL;
    flight->texts = NULL;
    flight->blob_fd = -1;
    flight->state = ORRI_FLIGHT_FREE;
    orri_flight_push(agent, &agent->unused, at);
}

const struct orr_graph_function *orri_flight_function(const struct orr_agent *agent,
                                                      const struct orri_flight *flight)
{
    return &agent->setup.host.graph->functions[flight->assignment.function];
}

void orri_flights_release(struct orr_agent *agent)
{
    for (uint32_t i = 0; i < agent->n_flights; i++) {
        if (agent->flights[i].blob_fd >= 0)
            (void)close(agent->flights[i].blob_fd);
        free(agent->flights[i].args);
        free(agent->flights[i].done);
        free(agent->flights[i].texts);
        free(agent->flights[i].ids);
    }
    free(agent->flights);
}
