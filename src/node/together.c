/* together.c - from the agent's queue to the cores: short calls go together
 *
 * A call that is sent to a core by itself costs two messages each way, while the core
 * waits. So up to `batch` calls of one function that stand in the queue one after the
 * other take one place and go in one message; the child runs them in turn. Without
 * `batch` their number is learnt: what takes TOGETHER by the mean of the calls so
 * far. Owns: nothing of its own; the means are the agent's. */
#include "node/internal.h"

#include "base/clock.h"
#include "node/local.h"

#include <string.h>

enum { TOGETHER_MAX = 64, LOOKED_AT = 256 };
static const double TOGETHER = 0.01; /* seconds */
static const double BY_HAND = 1;     /* more would hold up drains and urgent calls */
static const int64_t IN_PLACE_NS = 10 * 1000 * 1000; /* then others are heard */

void orri_learn(struct orr_agent *agent, uint32_t function, double seconds)
{
    const double weight = 0.1;
    double *mean = &agent->mean[function];
    *mean = *mean < 0 ? seconds : *mean + weight * (seconds - *mean);
}

/* Calls of a function that may share a place now: not more than leave the other cores
 * their part of what waits. */
static uint32_t together(const struct orr_agent *agent, uint32_t function)
{
    const struct orr_graph_function *f = &agent->setup.host.graph->functions[function];
    double mean = agent->mean[function];
    double room = f->batch ? BY_HAND : TOGETHER;
    double cap = f->batch ? f->batch : TOGETHER_MAX;
    double most = mean < 0 ? (f->batch ? cap : 1) : room / (mean > 1e-6 ? mean : 1e-6);
    most = most < cap ? most : cap;
    uint32_t places = orri_crew_cores(agent->crew) / (f->cores ? f->cores : 1);
    uint32_t part = places ? (agent->queue.n + places) / places : 1;
    return most < 1 ? 1 : most < part ? (uint32_t)most : part;
}

static void start(struct orr_agent *agent, uint32_t at)
{
    struct orri_flight *flight = &agent->flights[at];
    uint32_t n = 0;
    const uint32_t *cores = orri_crew_cores_of(agent->crew, &flight->seat, &n);
    flight->state = ORRI_FLIGHT_RUNNING;
    agent->busy = true;
    if (flight->seat.worker == 0) {
        orr_host_start(agent->host, at, &flight->assignment, cores, n);
        return;
    }
    struct orri_local_assignment local;
    local.token = at;
    local.assignment = flight->assignment;
    local.n_cores = n;
    memcpy(local.cores, cores, n * sizeof *cores);
    orri_crew_send(agent->crew, flight->seat.worker, &local);
}

/* Those behind the one that has just got its place, which stood behind `before`. */
static void start_followers(struct orr_agent *agent, uint32_t before, uint32_t first)
{
    uint32_t function = agent->flights[first].assignment.function;
    for (uint32_t left = together(agent, function) - 1; left && agent->queue.n;
         left--) {
        uint32_t at = before ? agent->flights[before - 1].next : agent->queue.head;
        struct orri_flight *next = &agent->flights[at ? at - 1 : first];
        if (!at || next->assignment.function != function)
            return;
        next->seat = agent->flights[first].seat;
        orri_crew_board(agent->crew, &next->seat);
        start(agent, orri_flight_pop_behind(agent, &agent->queue, before));
    }
}

/* True: it needs no place any more. */
static bool start_one(struct orr_agent *agent, uint32_t before, uint32_t at)
{
    struct orri_flight *flight = &agent->flights[at];
    const struct orr_graph_function *f = orri_flight_function(agent, flight);
    if (f->isolated && f->cores > orri_crew_cores(agent->crew)) {
        (void)orri_flight_pop_behind(agent, &agent->queue, before); /* workers died */
        orri_agent_give(agent, at);
        agent->beat = 0; /* rank 0 is to know how many are left */
        return true;
    }
    if (!orri_crew_place(agent->crew, f->isolated, f->cores, &flight->seat))
        return false;
    (void)orri_flight_pop_behind(agent, &agent->queue, before);
    start(agent, at);
    if (f->isolated)
        start_followers(agent, before, at);
    else
        orri_local_ended(agent); /* it is over when it ran here */
    return true;
}

/* In order; but where a call must wait for more cores than are free, those of other
 * pools do not wait for it. */
void orri_start_queued(struct orr_agent *agent)
{
    uint32_t before = 0;
    uint32_t stuck = ORR_NONE; /* pool of the first that waits */
    int64_t until = orr_clock_monotonic() + IN_PLACE_NS;
    for (int looked = 0; looked < LOOKED_AT; looked += before != 0) {
        uint32_t next = before ? agent->flights[before - 1].next : agent->queue.head;
        if (!next || agent->held.n || agent->faulted)
            break;
        const struct orr_graph_function *f =
            orri_flight_function(agent, &agent->flights[next - 1]);
        if (f->isolated && !orri_crew_idle(agent->crew))
            break;
        if (!f->isolated && orr_clock_monotonic() > until)
            break;
        if (f->pool != stuck && start_one(agent, before, next - 1))
            continue;
        if (stuck == ORR_NONE)
            stuck = f->pool;
        before = next;
    }
    orri_crew_flush(agent->crew);
}
