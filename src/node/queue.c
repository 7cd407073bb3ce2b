/* queue.c - the agent's queue: which of the attempts that wait start now, and where
 *
 * By priority, then in the order in which they came. What does not fit now waits, and
 * others may overtake it for a while (orr_may_overtake()). A call that is sent to a
 * core by itself costs two messages each way, while the core waits: so up to `batch`
 * calls of one function that stand one after the other take one place and go in one
 * message; the child runs them in turn. Without `batch` their number is learnt: what
 * takes TOGETHER by the mean of the calls so far. Before the last of them have run the
 * next are sent behind them, so that the core does not wait at all. Owns nothing: works
 * on the agent. Hands on: cores, GPUs, memory (crew.c), running (host.c). */
#include "node/internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOOK = 512 /* attempts behind one that has to wait */,
    TOGETHER_MAX = 64,
    WORTH_IT = 4 /* calls together, of which a quarter is few */
};
static const double TOGETHER = 0.01; /* seconds */
static const double BY_HAND = 1;     /* more would hold up drains and urgent calls */
static const int64_t IN_PLACE_NS = 10 * 1000 * 1000; /* then others are heard */

/* ---- who stands where ---- */

static bool is_in_place(const struct orr_agent *agent, uint32_t at)
{
    return !orri_flight_function(agent, &agent->flights[at])->isolated;
}

/* What uses up memory or GPUs stands before its equals, unless these have waited long
 * enough. */
static uint32_t place_in_queue(struct orr_agent *agent, uint32_t at)
{
    const struct orri_flight *flight = &agent->flights[at];
    struct orr_resources needs =
        orr_function_needs(orri_flight_function(agent, flight));
    struct orr_resources has = orri_crew_has(agent->crew);
    int64_t priority = flight->assignment.priority;
    if (orr_goes_first(&has, &needs)) {
        uint32_t before = orri_flight_seek(agent, &agent->queue, priority, true);
        uint32_t next = orri_flight_behind(agent, &agent->queue, before);
        if (next && agent->flights[next - 1].overtaken < has.cores) {
            agent->flights[next - 1].overtaken += needs.cores;
            return before;
        }
    }
    return orri_flight_seek(agent, &agent->queue, priority, false);
}

/* `change`: 1 when it comes, -1 when it goes. */
static void count(struct orr_agent *agent, uint32_t at, int32_t change)
{
    uint32_t n = agent->flights[at].n * (uint32_t)change;
    agent->queued_calls += n;
    if (is_in_place(agent, at)) {
        agent->queued_in_place += n;
        agent->queued_runs += (uint32_t)change;
    }
}

void orri_queue_push(struct orr_agent *agent, uint32_t at)
{
    agent->flights[at].overtaken = 0;
    count(agent, at, 1);
    if (is_in_place(agent, at)) {
        orri_flight_push(agent, &agent->queue, at);
    } else {
        orri_flight_push_behind(agent, &agent->queue, place_in_queue(agent, at), at);
    }
}

static uint32_t take_out(struct orr_agent *agent, uint32_t before)
{
    uint32_t at = orri_flight_pop_behind(agent, &agent->queue, before);
    count(agent, at, -1);
    return at;
}

uint32_t *orri_queue_take(struct orr_agent *agent, uint32_t *n)
{
    *n = agent->queue.n;
    uint32_t *all = orr_alloc(*n + 1, sizeof *all);
    for (uint32_t i = 0; i < *n; i++)
        all[i] = take_out(agent, 0);
    return all;
}

void orri_queue_put_back(struct orr_agent *agent, uint32_t at)
{
    count(agent, at, 1);
    orri_flight_push(agent, &agent->queue, at);
}

void orri_queue_drop(struct orr_agent *agent)
{
    while (agent->queue.n)
        orri_flight_free(agent, take_out(agent, 0));
}

/* ---- starting ---- */

static void start(struct orr_agent *agent, uint32_t at)
{
    struct orri_flight *flight = &agent->flights[at];
    const struct orri_seat *seat = &flight->seat;
    struct orr_text env = ORR_TEXT_INIT;
    struct orri_local_assignment local;
    const uint32_t *cores = orri_crew_cores_of(agent->crew, seat, &local.n_cores);
    flight->state = ORRI_FLIGHT_RUNNING;
    agent->busy = true;
    if (seat->place) {
        uint32_t n = 0;
        const uint32_t *gpus = orri_crew_gpus_of(agent->crew, seat, &n);
        orr_gpus_environment(agent->setup.gpus, gpus, n, &env);
    }
    local.env = env.s ? env.s : "";
    local.run = orri_flight_run(flight);
    if (seat->worker) {
        local.token = at;
        memcpy(local.cores, cores, local.n_cores * sizeof *cores);
        orri_crew_send(agent->crew, seat->worker, &local);
    } else if (seat->place) {
        orr_host_start(agent->host, at, &flight->assignment, cores, local.n_cores,
                       local.env);
    } else {
        orr_host_run(agent->host, at, &local.run, cores[0]);
    }
    orr_text_release(&env);
}

/* ---- together ---- */

void orri_learn(struct orr_agent *agent, uint32_t function, double seconds)
{
    const double weight = 0.1;
    double *mean = &agent->mean[function];
    *mean = *mean < 0 ? seconds : *mean + weight * (seconds - *mean);
}

/* How many such calls can the node run at once? */
static uint64_t at_once(const struct orr_agent *agent,
                        const struct orr_resources *needs)
{
    struct orr_resources has = orri_crew_has(agent->crew);
    uint64_t cores = needs->cores ? has.cores / needs->cores : has.cores;
    uint64_t gpus = needs->gpus ? has.gpus / needs->gpus : cores;
    uint64_t memory = needs->memory ? has.memory / needs->memory : cores;
    uint64_t least = gpus < memory ? gpus : memory;
    return cores < least ? cores : least;
}

/* Calls of a function that may share a place now: not more than leave the other places
 * their part of what waits. */
static uint32_t together(const struct orr_agent *agent, uint32_t function)
{
    const struct orr_graph_function *f = &agent->setup.host.graph->functions[function];
    struct orr_resources needs = orr_function_needs(f);
    double mean = agent->mean[function];
    double room = f->batch ? BY_HAND : TOGETHER;
    double cap = f->batch ? f->batch : TOGETHER_MAX;
    double most = mean < 0 ? (f->batch ? cap : 1) : room / (mean > 1e-6 ? mean : 1e-6);
    most = most < cap ? most : cap;
    uint64_t places = at_once(agent, &needs);
    uint64_t part = places ? (agent->queue.n + places) / places : 1;
    return most < 1 ? 1 : most < (double)part ? (uint32_t)most : (uint32_t)part;
}

/* Those behind the one that has just got its place, which stood behind `before`. */
static void start_followers(struct orr_agent *agent, uint32_t before, uint32_t first)
{
    uint32_t function = agent->flights[first].assignment.function;
    for (uint32_t left = together(agent, function) - 1; left; left--) {
        uint32_t at = orri_flight_behind(agent, &agent->queue, before);
        if (!at || agent->flights[at - 1].assignment.function != function)
            return;
        struct orri_flight *next = &agent->flights[at - 1];
        next->seat = agent->flights[first].seat;
        orri_crew_board(agent->crew, &next->seat);
        start(agent, take_out(agent, before));
    }
}

/* Short calls do not wait until their core is idle: before the last ones there have
 * run, the next stand behind them. Only those that are first in the queue, so that
 * nothing is overtaken. */
static void top_up(struct orr_agent *agent)
{
    struct orri_seat seat;
    while (agent->queue.n && !agent->held.n && !agent->faulted) {
        uint32_t at = agent->queue.head - 1;
        uint32_t function = agent->flights[at].assignment.function;
        uint32_t full = is_in_place(agent, at) ? 0 : together(agent, function);
        if (full < WORTH_IT ||
            !orri_crew_runs_low(agent->crew, function, full / WORTH_IT, &seat))
            return;
        agent->flights[at].seat = seat;
        orri_crew_board(agent->crew, &seat);
        start(agent, take_out(agent, 0));
        start_followers(agent, 0, at);
    }
}

/* Calls in place that go to one worker together: what takes TOGETHER, and not more than
 * its part of what waits. */
static uint32_t together_in_place(const struct orr_agent *agent, uint32_t at)
{
    const struct orri_flight *flight = &agent->flights[at];
    double mean = agent->mean[flight->assignment.function];
    uint32_t callers = orri_crew_callers(agent->crew);
    uint32_t part = (agent->queued_in_place + callers - 1) / callers;
    double most = mean < 0 ? 1 : TOGETHER / (mean > 1e-6 ? mean : 1e-6);
    uint32_t n = flight->n < part ? flight->n : part;
    return most < 1 ? 1 : most < n ? (uint32_t)most : n;
}

/* ---- looking for what starts now ---- */

struct search {
    uint32_t first;             /* that has to wait, + 1; 0: none */
    struct orr_resources waits; /* what it asks for */
    uint32_t pool;              /* its */
    bool in_place_full;         /* or enough of these have run */
    int64_t until;              /* for them */
    uint32_t before;            /* the one before the next, + 1 */
    uint32_t looked;
};

static bool is_over(const struct orr_agent *agent, const struct search *s)
{
    bool cores =
        orri_crew_idle(agent->crew).cores > 0 && agent->queue.n > agent->queued_runs;
    bool in_place = agent->queued_in_place && !s->in_place_full;
    return s->looked >= LOOK || agent->held.n || agent->faulted ||
           (!cores && !in_place);
}

/* A pool that keeps cores waits for no call of another one. */
static uint64_t bound(const struct orr_agent *agent, const struct search *s,
                      uint32_t pool)
{
    const struct orr_pool *is = &agent->setup.host.graph->pools[pool];
    bool keeps = pool != s->pool && is->reserve && !is->borrow;
    return keeps ? UINT64_MAX : orri_crew_cores(agent->crew);
}

static bool may_start(const struct orr_agent *agent, const struct search *s,
                      const struct orr_graph_function *f)
{
    struct orr_resources idle = orri_crew_idle(agent->crew);
    struct orr_resources needs = orr_function_needs(f);
    return !s->first || orr_may_overtake(&idle, &needs, &s->waits,
                                         agent->flights[s->first - 1].overtaken,
                                         bound(agent, s, f->pool));
}

static void begin(struct orr_agent *agent, struct search *s,
                  const struct orr_graph_function *f)
{
    uint32_t at = take_out(agent, s->before);
    orri_crew_mark(agent->crew, &agent->flights[at].seat,
                   agent->flights[at].assignment.function);
    if (s->first)
        agent->flights[s->first - 1].overtaken += f->cores;
    start(agent, at);
    start_followers(agent, s->before, at);
}

static void pass(struct search *s, uint32_t at, const struct orr_graph_function *f)
{
    if (!s->first && f->isolated) {
        s->first = at + 1;
        s->waits = orr_function_needs(f);
        s->pool = f->pool;
    }
    s->before = at + 1;
    s->looked++;
}

static void look_at(struct orr_agent *agent, struct search *s, uint32_t at)
{
    struct orri_flight *flight = &agent->flights[at];
    const struct orr_graph_function *f = orri_flight_function(agent, flight);
    struct orr_resources needs = orr_function_needs(f);
    struct orr_resources has = orri_crew_has(agent->crew);
    if (!orr_resources_fit(&has, &needs)) { /* workers died */
        orri_agent_give(agent, take_out(agent, s->before));
        agent->beat = 0; /* rank 0 is to know how many are left */
    } else if (may_start(agent, s, f) &&
               orri_crew_place(agent->crew, &needs, &flight->seat)) {
        begin(agent, s, f);
    } else {
        pass(s, at, f);
    }
}

/* The first calls of a run; the others keep its place in the queue. */
static void look_at_run(struct orr_agent *agent, struct search *s, uint32_t at)
{
    struct orri_seat seat;
    uint32_t n = together_in_place(agent, at);
    s->in_place_full = s->in_place_full || orr_clock_monotonic() > s->until ||
                       !orri_crew_place_calls(agent->crew, n, &seat);
    if (s->in_place_full) {
        pass(s, at, orri_flight_function(agent, &agent->flights[at]));
        return;
    }
    count(agent, at, -1);
    if (n < agent->flights[at].n) {
        uint32_t first = orri_flight_part(agent, at, n);
        count(agent, at, 1);
        at = first;
    } else {
        (void)orri_flight_pop_behind(agent, &agent->queue, s->before);
    }
    agent->flights[at].seat = seat;
    start(agent, at);
    orri_local_ended(agent); /* it is over when it ran here */
}

void orri_queue_start(struct orr_agent *agent)
{
    struct search s = { .until = orr_clock_monotonic() + IN_PLACE_NS };
    while (!is_over(agent, &s)) {
        uint32_t next = orri_flight_behind(agent, &agent->queue, s.before);
        if (!next)
            break;
        if (is_in_place(agent, next - 1))
            look_at_run(agent, &s, next - 1);
        else
            look_at(agent, &s, next - 1);
    }
    top_up(agent);
    orri_crew_flush(agent->crew);
}
