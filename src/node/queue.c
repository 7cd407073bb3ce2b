/* queue.c - the agent's queue: which of the attempts that came starts next, and where
 * Owns nothing: works on the agent. Hands on: cores and GPUs (crew.c), running
 * (host.c).
 */
#include "node/internal.h"

#include "base/clock.h"

#include <string.h>

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
    orri_agent_ended(agent, at, &done, agent->setup.link->rank);
}

static void start(struct orr_agent *agent, uint32_t at)
{
    struct orri_flight *flight = &agent->flights[at];
    const struct orri_place *place = &flight->place;
    struct orr_text env = ORR_TEXT_INIT;
    struct orri_local_assignment local = { .token = at,
                                           .n_cores = place->n_cores,
                                           .assignment = flight->assignment };
    flight->state = ORRI_FLIGHT_RUNNING;
    agent->busy = true;
    memcpy(local.cores, place->cores, local.n_cores * sizeof *local.cores);
    if (!place->in_place)
        orr_gpus_environment(agent->setup.gpus, place->gpus, place->n_gpus, &env);
    local.env = env.s ? env.s : "";
    if (place->worker == 0)
        orr_host_start(agent->host, &flight->assignment, local.cores, local.n_cores,
                       local.env);
    else
        orri_crew_send(agent->crew, place->worker, &local);
    orr_text_release(&env);
}

/* Looking through the queue for what starts now. */
struct search {
    const struct orri_flight *first; /* that has to wait, or NULL */
    struct orr_resources waits;      /* what it asks for */
    bool in_place_full;
    uint32_t before; /* the one before the next, + 1 */
    uint32_t looked;
};

enum { LOOK = 512 /* attempts behind one that has to wait */ };

static bool is_over(const struct orr_agent *agent, const struct search *s)
{
    bool cores = orri_crew_idle(agent->crew).cores > 0 &&
                 agent->queue.n > agent->queued_in_place;
    bool in_place = agent->queued_in_place && !s->in_place_full;
    return s->looked >= LOOK || (!cores && !in_place);
}

static bool may_start(const struct orr_agent *agent, const struct search *s,
                      bool isolated, const struct orr_resources *needs)
{
    struct orr_resources idle = orri_crew_idle(agent->crew);
    if (!isolated)
        return !s->in_place_full;
    return !s->first || orr_may_overtake(&idle, needs, &s->waits, s->first->overtaken,
                                         orri_crew_cores(agent->crew));
}

static void take_out(struct orr_agent *agent, uint32_t at, const struct search *s)
{
    agent->queued_in_place -=
        !orri_flight_function(agent, &agent->flights[at])->isolated;
    orri_flight_take_out(agent, &agent->queue, at, s->before);
}

static void look_at(struct orr_agent *agent, struct search *s, uint32_t at)
{
    struct orri_flight *flight = &agent->flights[at];
    const struct orr_graph_function *f = orri_flight_function(agent, flight);
    struct orr_resources needs = orr_function_needs(f);
    struct orr_resources has = orri_crew_has(agent->crew);
    if (f->isolated && !orr_resources_fit(&has, &needs)) {
        take_out(agent, at, s);
        give_back(agent, at);
    } else if (may_start(agent, s, f->isolated, &needs) &&
               orri_crew_place(agent->crew, f->isolated, &needs, at,
                               flight->assignment.task, flight->assignment.attempt,
                               &flight->place)) {
        if (s->first && f->isolated)
            agent->flights[s->first - agent->flights].overtaken += needs.cores;
        take_out(agent, at, s);
        start(agent, at);
    } else {
        s->in_place_full = s->in_place_full || !f->isolated;
        if (!s->first && f->isolated) {
            s->first = flight;
            s->waits = needs;
        }
        s->before = at + 1;
        s->looked++;
    }
}

void orri_queue_start(struct orr_agent *agent)
{
    struct search s = { 0 };
    for (uint32_t next = agent->queue.head;
         next && !agent->held.n && !agent->faulted && !is_over(agent, &s);) {
        uint32_t at = next - 1;
        next = agent->flights[at].next;
        look_at(agent, &s, at);
    }
    orri_crew_flush(agent->crew);
}

/* True: it stands first now, and has overtaken the one that did. */
static bool push_first(struct orr_agent *agent, uint32_t at)
{
    const struct orr_graph_function *f =
        orri_flight_function(agent, &agent->flights[at]);
    struct orr_resources needs = orr_function_needs(f);
    struct orr_resources has = orri_crew_has(agent->crew);
    struct orri_flight *first =
        agent->queue.n ? &agent->flights[agent->queue.head - 1] : NULL;
    if (!f->isolated || !first || first->overtaken >= has.cores ||
        !orr_goes_first(&has, &needs))
        return false;
    first->overtaken += needs.cores;
    orri_flight_push_first(agent, &agent->queue, at);
    return true;
}

void orri_queue_push(struct orr_agent *agent, uint32_t at)
{
    agent->queued_in_place +=
        !orri_flight_function(agent, &agent->flights[at])->isolated;
    if (!push_first(agent, at))
        orri_flight_push(agent, &agent->queue, at);
}

void orri_queue_drop(struct orr_agent *agent)
{
    while (agent->queue.n)
        orri_flight_free(agent, orri_flight_pop(agent, &agent->queue));
    agent->queued_in_place = 0;
}
