/* writer.c - a node's store, as src/store/writer.h has it: groups of results, each made
 * durable before it is reported
 * Owns: groups. Hands on: reports (network.c). */
#include "sim/internal.h"

enum { GROUP_RESULTS = 512, RESULT_BYTES = 100, UP_BYTES = 64 * 1024 };
static const uint64_t GROUP_BYTES = UINT64_C(16) << 20;
static const int64_t GROUP_NS = ORR_SECOND / 5;
static const int64_t LINGER_NS = ORR_SECOND / 500;

static int64_t due(const struct orri_sim_node *n)
{
    int64_t by_age = n->group_started + GROUP_NS;
    int64_t by_quiet = n->last_added + n->linger;
    return by_age < by_quiet ? by_age : by_quiet;
}

static void sync(struct orr_sim *sim, uint32_t node, int64_t at)
{
    struct orri_sim_node *n = &sim->nodes[node];
    const struct orr_sim_costs *costs = &sim->setup.costs;
    int64_t took =
        (int64_t)(costs->sync_ns + costs->store_ns_per_byte * (double)n->group_bytes);
    n->writer = ORRI_WRITER_SYNCS;
    n->syncs++;
    n->sync_ns += took;
    n->stored_bytes += n->group_bytes;
    n->linger = took < LINGER_NS ? LINGER_NS : took > GROUP_NS ? GROUP_NS : took;
    sim->out->syncs++;
    orri_event_add(&sim->events, at + took, ORRI_EVENT_SYNCED, node, 0);
}

static void await(struct orr_sim *sim, uint32_t node, int64_t at)
{
    sim->nodes[node].awaited = true;
    orri_event_add(&sim->events, at, ORRI_EVENT_GROUP, node, 0);
}

static void add(struct orr_sim *sim, uint32_t node, uint32_t attempt, int64_t at)
{
    struct orri_sim_node *n = &sim->nodes[node];
    const struct orri_try *try = &sim->tries[attempt];
    if (n->group.n == 0)
        n->group_started = at;
    n->writer = ORRI_WRITER_GATHERS;
    n->last_added = at;
    n->group_bytes += RESULT_BYTES + try->length + try->blob_bytes;
    orri_try_push(sim, &n->group, attempt);
    if (n->group.n >= GROUP_RESULTS || n->group_bytes >= GROUP_BYTES)
        sync(sim, node, at);
    else if (!n->awaited)
        await(sim, node, due(n));
}

void orri_writer_put(struct orr_sim *sim, uint32_t node, uint32_t attempt, int64_t at)
{
    struct orri_sim_node *n = &sim->nodes[node];
    if (n->writer == ORRI_WRITER_SYNCS)
        orri_try_push(sim, &n->put, attempt);
    else
        add(sim, node, attempt, at);
}

void orri_writer_due(struct orr_sim *sim, uint32_t node)
{
    struct orri_sim_node *n = &sim->nodes[node];
    n->awaited = false;
    if (n->dead || n->writer != ORRI_WRITER_GATHERS)
        return;
    if (due(n) > sim->now)
        await(sim, node, due(n));
    else
        sync(sim, node, sim->now);
}

/* ---- reports ---- */

static void put_done(struct orr_bytes *out, const struct orr_sim *sim,
                     const struct orri_try *try)
{
    int64_t wall = sim->clock.wall(sim->clock.context) - sim->now;
    struct orr_done done = { .task = try->task,
                             .attempt = try->attempt,
                             .rank = try->node + 1,
                             .core = try->lane,
                             .failure = try->failure,
                             .message = try->failure ? "simulated" : "",
                             .results = try->results,
                             .results_length = try->length,
                             .t_start = wall + try->start,
                             .t_end = wall + try->end,
                             .cpu = try->end - try->start,
                             .blob_bytes = try->blob_bytes,
                             .counters = "" };
    if (out->length == 0)
        orr_batch_begin(out, ORR_MESSAGE_DONE);
    orr_done_put(out, &done);
}

/* What the attempt was good for is decided where its result is reported. */
static void account(struct orr_sim *sim, const struct orri_try *try)
{
    double spent = (double)(try->end - try->start) / 1e9 * try->needs.cores;
    double nominal = (double)try->duration / 1e9 * try->needs.cores;
    if (try->failure == ORR_FAIL_NONE && orri_task_counts(sim, try->task))
        sim->out->work += nominal;
    else
        sim->out->waste += spent;
}

struct report {
    struct orr_bytes bytes;
    uint32_t entries;
    int64_t ends;
    int64_t first_end;
};

static void send(struct orr_sim *sim, uint32_t node, int64_t at, struct report *report)
{
    if (!report->entries)
        return;
    int64_t leaves = orri_agent_works(sim, node, at, sim->setup.costs.message_ns);
    uint32_t sent = orri_send_up(sim, node, leaves, &report->bytes);
    sim->messages[sent].entries = report->entries;
    sim->messages[sent].ends = report->ends;
    sim->messages[sent].first_end = report->first_end;
    orr_bytes_clear(&report->bytes);
    report->entries = 0;
    report->ends = 0;
}

static void report_group(struct orr_sim *sim, uint32_t node)
{
    struct orri_sim_node *n = &sim->nodes[node];
    struct report report = { .bytes = ORR_BYTES_INIT };
    int64_t at = sim->now;
    while (n->group.n) {
        uint32_t attempt = orri_try_pop(sim, &n->group);
        const struct orri_try *try = &sim->tries[attempt];
        put_done(&report.bytes, sim, try);
        account(sim, try);
        if (!report.entries || try->end < report.first_end)
            report.first_end = try->end;
        report.ends += try->end;
        report.entries++;
        n->results++;
        orri_try_free(sim, attempt);
        if (report.bytes.length > UP_BYTES)
            send(sim, node, at, &report);
    }
    send(sim, node, at, &report);
    orr_bytes_release(&report.bytes);
}

void orri_writer_synced(struct orr_sim *sim, uint32_t node)
{
    struct orri_sim_node *n = &sim->nodes[node];
    if (n->dead)
        return;
    report_group(sim, node);
    n->writer = ORRI_WRITER_IDLE;
    n->group_bytes = 0;
    while (n->put.n && n->writer != ORRI_WRITER_SYNCS)
        add(sim, node, orri_try_pop(sim, &n->put), sim->now);
    orri_node_stored(sim, node, n->free_at > sim->now ? n->free_at : sim->now);
}
