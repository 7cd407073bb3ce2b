/* node.c - a node as rank 0 sees it: a model of src/node
 * Owns: its queue and its cores. Hands on: results (writer.c), messages (network.c). */
#include "sim/internal.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

/* As the writer's queue_results and the agent's beat are. */
enum { UNSTORED_MOST = 4096, BEAT_SECONDS = 1 };

int64_t orri_agent_works(struct orr_sim *sim, uint32_t node, int64_t from, double ns)
{
    struct orri_sim_node *n = &sim->nodes[node];
    n->free_at = (from > n->free_at ? from : n->free_at) + (int64_t)ns;
    n->busy += (int64_t)ns;
    n->last_busy = n->free_at;
    return n->free_at;
}

static uint32_t unstored(const struct orri_sim_node *n)
{
    return n->group.n + n->put.n;
}

/* ---- up ---- */

static void send(struct orr_sim *sim, uint32_t node, int64_t at, struct orr_bytes *out)
{
    (void)orri_send_up(
        sim, node, orri_agent_works(sim, node, at, sim->setup.costs.message_ns), out);
    orr_bytes_release(out);
}

void orri_node_begin(struct orr_sim *sim, uint32_t node)
{
    struct orri_sim_node *n = &sim->nodes[node];
    uint32_t cores = sim->setup.cores;
    char host[32];
    (void)snprintf(host, sizeof host, "node%u", node + 1);
    n->lanes = orr_alloc(cores, sizeof *n->lanes);
    for (uint32_t i = 0; i < cores; i++)
        n->lanes[i] = cores - 1 - i;
    n->n_lanes = cores;
    n->free = (struct orr_resources) { .cores = cores,
                                       .gpus = sim->setup.gpus,
                                       .memory = sim->setup.memory ? sim->setup.memory
                                                                   : UINT64_MAX };
    n->linger = ORR_SECOND / 500;
    if (n->slowness <= 0)
        n->slowness = 1;
    struct orr_hello hello = { .wire_version = ORR_WIRE_VERSION,
                               .version = ORR_VERSION,
                               .digest = sim->setup.graph->digest,
                               .host = host,
                               .rank = node + 1,
                               .cores = cores,
                               .workers = cores,
                               .memory = sim->setup.memory,
                               .pid_space = "",
                               .bind = "",
                               .gpus = sim->setup.gpus };
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_hello_put(&out, &hello);
    send(sim, node, sim->now, &out);
    orri_event_add(&sim->events, sim->now + BEAT_SECONDS * ORR_SECOND, ORRI_EVENT_BEAT,
                   node, 0);
}

void orri_node_beat(struct orr_sim *sim, uint32_t node)
{
    struct orri_sim_node *n = &sim->nodes[node];
    if (n->dead || n->left)
        return;
    struct orr_beat beat = { .running = sim->setup.cores - n->free.cores,
                             .waiting = n->queue.n,
                             .unstored = unstored(n),
                             .cores = sim->setup.cores };
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_beat_put(&out, &beat);
    send(sim, node, sim->now, &out);
    orri_event_add(&sim->events, sim->now + BEAT_SECONDS * ORR_SECOND, ORRI_EVENT_BEAT,
                   node, 0);
}

static void may_leave(struct orr_sim *sim, uint32_t node, int64_t at)
{
    struct orri_sim_node *n = &sim->nodes[node];
    if (!n->stopping || n->left || n->running || n->queue.n || unstored(n))
        return;
    struct orr_bye bye = { .rank = node + 1,
                           .agent_cpu = n->busy,
                           .workers = sim->setup.cores,
                           .results = n->results,
                           .stored_bytes = n->stored_bytes,
                           .syncs = n->syncs,
                           .sync_ns = n->sync_ns };
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_bye_put(&out, &bye);
    send(sim, node, at, &out);
    n->left = true;
}

/* ---- cores ---- */

/* The agent's part of an attempt, half of it before, half after. */
static double half_of_agent(const struct orr_sim *sim, uint32_t at)
{
    return sim->tries[at].in_place ? sim->setup.costs.in_place_ns / 4
                                   : sim->setup.costs.agent_attempt_ns / 2;
}

static void start(struct orr_sim *sim, uint32_t node, uint32_t at, int64_t now)
{
    struct orri_sim_node *n = &sim->nodes[node];
    struct orri_try *try = &sim->tries[at];
    const struct orr_sim_costs *costs = &sim->setup.costs;
    double around = try->in_place ? costs->in_place_ns / 2 : costs->attempt_ns;
    try->state = ORRI_TRY_RUNNING;
    try->lane = n->lanes[--n->n_lanes];
    try->start = now + (int64_t)(around / 2);
    try->end = try->start + (int64_t)((double)try->duration * n->slowness);
    orr_resources_take(&n->free, &try->needs);
    n->running++;
    orri_event_add(&sim->events, try->end + (int64_t)(around - around / 2),
                   ORRI_EVENT_ENDED, at, try->number);
}

enum { LOOK = 512 /* attempts behind one that has to wait, as in src/node/queue.c */ };

/* A pool that keeps cores waits for no call of another one. */
static uint64_t bound(const struct orr_sim *sim, const struct orri_try *try,
                      const struct orri_try *waits)
{
    const struct orr_graph *graph = sim->setup.graph;
    uint32_t pool = graph->functions[try->function].pool;
    bool keeps = pool != graph->functions[waits->function].pool &&
                 graph->pools[pool].reserve && !graph->pools[pool].borrow;
    return keeps ? UINT64_MAX : sim->setup.cores;
}

static bool may_start(const struct orr_sim *sim, const struct orri_sim_node *n,
                      const struct orri_try *try, const struct orri_try *waits)
{
    return waits ? orr_may_overtake(&n->free, &try->needs, &waits->needs,
                                    waits->overtaken, bound(sim, try, waits))
                 : orr_resources_fit(&n->free, &try->needs);
}

static void start_queued(struct orr_sim *sim, uint32_t node, int64_t now)
{
    struct orri_sim_node *n = &sim->nodes[node];
    struct orri_try *waits = NULL; /* the first that has to */
    uint32_t before = 0;
    uint32_t looked = 0;
    for (uint32_t next = n->queue.first;
         next && n->free.cores && unstored(n) < UNSTORED_MOST && looked < LOOK;) {
        uint32_t at = next - 1;
        struct orri_try *try = &sim->tries[at];
        next = try->next;
        if (may_start(sim, n, try, waits)) {
            if (waits)
                waits->overtaken += try->needs.cores;
            orri_try_take_out(sim, &n->queue, at, before);
            start(sim, node, at, now);
            continue;
        }
        waits = waits ? waits : try;
        before = at + 1;
        looked++;
    }
}

static void leave_core(struct orr_sim *sim, struct orri_sim_node *n, uint32_t at)
{
    struct orri_try *try = &sim->tries[at];
    try->state = ORRI_TRY_ENDED;
    n->lanes[n->n_lanes++] = try->lane;
    orr_resources_add(&n->free, &try->needs);
    n->running--;
    orri_trace_attempt(sim, try);
}

/* The order of the real agent: the result goes to the writer, then the next attempt to
 * the core. */
void orri_node_ended(struct orr_sim *sim, uint32_t at)
{
    uint32_t node = sim->tries[at].node;
    struct orri_sim_node *n = &sim->nodes[node];
    if (n->dead) {
        orri_try_free(sim, at);
        return;
    }
    int64_t now =
        orri_agent_works(sim, node, sim->now, sim->setup.costs.agent_attempt_ns / 2);
    leave_core(sim, n, at);
    orri_writer_put(sim, node, at, now);
    start_queued(sim, node, now);
    may_leave(sim, node, now);
}

void orri_node_stored(struct orr_sim *sim, uint32_t node, int64_t at)
{
    start_queued(sim, node, at);
    may_leave(sim, node, at);
}

/* ---- down ---- */

static void drop_queue(struct orr_sim *sim, struct orri_sim_node *n)
{
    while (n->queue.n)
        orri_try_free(sim, orri_try_pop(sim, &n->queue));
}

/* What runs is killed, and told as lost: the agent was told to end. */
static void abandon(struct orr_sim *sim, uint32_t node, int64_t now)
{
    struct orri_sim_node *n = &sim->nodes[node];
    drop_queue(sim, n);
    for (uint32_t i = 0; i < sim->n_tries && n->running; i++) {
        struct orri_try *try = &sim->tries[i];
        if (try->node != node || try->state != ORRI_TRY_RUNNING)
            continue;
        try->number = ++sim->number; /* its end is no event any more */
        try->failure = ORR_FAIL_LOST;
        try->end = now > try->start ? now : try->start;
        leave_core(sim, n, i);
        orri_writer_put(sim, node, i, now);
    }
}

/* Behind whom: those of a higher priority, and of its own unless it stands before
 * these. */
static uint32_t seek(const struct orr_sim *sim, const struct orri_tries *queue,
                     int64_t priority, bool before_equals)
{
    uint32_t before = 0;
    if (queue->last && !before_equals &&
        sim->tries[queue->last - 1].priority >= priority)
        return queue->last;
    for (uint32_t at = queue->first; at; at = sim->tries[at - 1].next) {
        int64_t has = sim->tries[at - 1].priority;
        if (has < priority || (has == priority && before_equals))
            break;
        before = at;
    }
    return before;
}

/* place_in_queue() of src/node/queue.c. */
static uint32_t place_of(struct orr_sim *sim, const struct orri_tries *queue,
                         const struct orri_try *try)
{
    struct orr_resources has = { sim->setup.cores, sim->setup.gpus,
                                 sim->setup.memory ? sim->setup.memory : UINT64_MAX };
    if (!try->in_place && orr_goes_first(&has, &try->needs)) {
        uint32_t before = seek(sim, queue, try->priority, true);
        uint32_t next = before ? sim->tries[before - 1].next : queue->first;
        if (next && sim->tries[next - 1].overtaken < has.cores) {
            sim->tries[next - 1].overtaken += try->needs.cores;
            return before;
        }
    }
    return seek(sim, queue, try->priority, false);
}

static void push(struct orr_sim *sim, uint32_t node, uint32_t at)
{
    struct orri_tries *queue = &sim->nodes[node].queue;
    orri_try_push_behind(sim, queue, place_of(sim, queue, &sim->tries[at]), at);
}

static void give(struct orr_sim *sim, uint32_t at, struct orr_bytes *out)
{
    const struct orri_try *try = &sim->tries[at];
    orr_attempt_name_put(out, ORR_MESSAGE_GIVEN,
                         (struct orr_attempt_name) { try->task, try->attempt });
    orri_try_free(sim, at);
}

/* The last ones first, as the real agent (node/tail.c). */
static void retract(struct orr_sim *sim, uint32_t node, struct orr_reader *in,
                    int64_t now)
{
    struct orri_tries *queue = &sim->nodes[node].queue;
    struct orr_retract wanted;
    struct orr_bytes out = ORR_BYTES_INIT;
    if (orr_retract_get(in, &wanted) != ORR_OK)
        ORR_BUG("rank 0 sent a damaged message");
    uint32_t n = queue->n;
    uint32_t *all = orr_alloc(n + 1, sizeof *all);
    bool *given = orr_alloc(n + 1, sizeof *given);
    for (uint32_t i = 0; i < n; i++)
        all[i] = orri_try_pop(sim, queue);
    for (uint32_t i = n; i-- && wanted.cores;) {
        const struct orr_resources *needs = &sim->tries[all[i]].needs;
        given[i] = orr_resources_fit(&wanted.widest, needs);
        if (given[i])
            wanted.cores -= needs->cores < wanted.cores ? needs->cores : wanted.cores;
    }
    orr_batch_begin(&out, ORR_MESSAGE_GIVEN);
    for (uint32_t i = 0; i < n; i++) {
        if (given[i])
            give(sim, all[i], &out);
        else
            orri_try_push(sim, queue, all[i]);
    }
    free(given);
    free(all);
    send(sim, node, now, &out);
}

/* Its twin elsewhere was faster. */
static void end_running(struct orr_sim *sim, uint32_t at, int64_t now)
{
    struct orri_try *try = &sim->tries[at];
    try->end = now > try->start ? now : try->start;
    try->failure = ORR_FAIL_LOST;
    leave_core(sim, &sim->nodes[try->node], at);
    sim->out->waste += (double)(try->end - try->start) / 1e9 * try->needs.cores;
}

static void cancel(struct orr_sim *sim, uint32_t node, struct orr_reader *in,
                   int64_t now)
{
    struct orr_attempt_name name;
    struct orr_bytes out = ORR_BYTES_INIT;
    while (orr_reader_left(in) && orr_attempt_name_get(in, &name) == ORR_OK)
        for (uint32_t i = 0; i < sim->n_tries; i++) {
            const struct orri_try *try = &sim->tries[i];
            if (try->node != node || try->task != name.task ||
                try->attempt != name.attempt || try->state != ORRI_TRY_RUNNING)
                continue; /* one that waits is left to wait: there are none in a tail */
            end_running(sim, i, now);
            give(sim, i, &out);
        }
    if (out.length)
        send(sim, node, now, &out);
    orr_bytes_release(&out);
    start_queued(sim, node, now);
    may_leave(sim, node, now);
}

static void take_assignments(struct orr_sim *sim, uint32_t node, uint32_t message,
                             int64_t now)
{
    struct orri_tries *tries = &sim->messages[message].tries;
    while (tries->n) {
        uint32_t at = orri_try_pop(sim, tries);
        now = orri_agent_works(sim, node, now, half_of_agent(sim, at));
        push(sim, node, at);
        start_queued(sim, node, now);
    }
}

void orri_node_hear(struct orr_sim *sim, uint32_t node, uint32_t message)
{
    struct orri_sim_node *n = &sim->nodes[node];
    struct orr_reader in =
        orr_reader_of(sim->messages[message].data, sim->messages[message].length);
    int64_t seen = sim->now + orri_half_nap(sim, sim->now - n->last_busy);
    int64_t now = orri_agent_works(sim, node, seen, sim->setup.costs.message_ns);
    switch (orr_message_of(&in)) {
    case ORR_MESSAGE_ASSIGN: take_assignments(sim, node, message, now); break;
    case ORR_MESSAGE_RETRACT: retract(sim, node, &in, now); break;
    case ORR_MESSAGE_CANCEL: cancel(sim, node, &in, now); break;
    case ORR_MESSAGE_ABANDON: abandon(sim, node, now); break;
    case ORR_MESSAGE_STOP:
        drop_queue(sim, n);
        n->stopping = true;
        may_leave(sim, node, now);
        break;
    default: break; /* a beat */
    }
}
