/* nodes.c - nodes are lost while others are held: calls wait for what is there, and do
 * not fail. The test speaks for the agents, and its clock is its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coord/coord.h"
#include "wire/runs.h"

enum { RANKS = 4, CORES = 8, TASKS = 64 };
enum does { WAITS, FAILS, SUCCEEDS, IS_SILENT };
static const uint64_t GIB = (uint64_t)1 << 30;

static const char workflow[] =
    "orrery: 1\nworkflow: sizes\n"
    "facts:\n  item: {i: int}\n  big: {i: int}\n  made: {i: int}\n"
    "functions:\n"
    "  small: {command: [\"true\", \"{i}\"], in: {i: int}}\n"
    "  big: {command: [\"true\", big, \"{i}\"], in: {i: int}, memory: 32GiB}\n"
    "rules:\n"
    "  - rule: expand\n    match: {_j: job}\n    then:\n"
    "      - {for: i in range(60), assert: item, with: {i: i}}\n"
    "  - rule: small\n    match: {t: item}\n"
    "    action: {call: small, with: {i: t.i}}\n"
    "    reaction: [{assert: made, with: {i: t.i}}]\n"
    "  - rule: big\n    match: {t: item}\n    where: t.i < 4\n"
    "    action: {call: big, with: {i: t.i}}\n"
    "    reaction: [{assert: big, with: {i: t.i}}]\n"
    "outputs:\n  made: {each: made}\n  big: {each: big}\n";

static orr_status read_text(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    (void)context, (void)path, (void)err;
    orr_text_puts(out, workflow);
    return ORR_OK;
}

struct agent {
    enum does does;
    uint32_t given;      /* attempts since it was looked at last */
    uint32_t has[TASKS]; /* these */
    uint32_t n;
};

struct run {
    int64_t now;
    struct orr_clock clock;
    struct orr_job *job;
    struct orr_loop_hub *hub;
    struct orr_coord *coord;
    struct agent agents[RANKS]; /* by rank */
};

static int64_t tell_time(void *context) { return ((struct run *)context)->now; }

/* `ranks`: those behind are guests. */
static void run_new(struct run *r, uint32_t agents, uint32_t ranks)
{
    static const struct orr_registry nothing = { 0 };
    struct orr_sources sources = { read_text, NULL };
    struct orr_diags diags = { 0 };
    struct orr_error err = { 0 };
    *r = (struct run) { .now = 1000 * ORR_SECOND };
    for (uint32_t rank = 0; rank < RANKS; rank++)
        r->agents[rank].does = IS_SILENT;
    r->clock = (struct orr_clock) { tell_time, tell_time, tell_time, r };
    r->job = orr_job_compile("sizes.yaml", &sources, NULL, 0, &nothing, &diags);
    assert_non_null(r->job);
    orr_diags_release(&diags);
    r->hub = orr_loop_hub_new(RANKS);
    struct orr_coord_setup setup = { .link = orr_loop_hub_link(r->hub, 0),
                                     .graph = r->job->graph,
                                     .requests = r->job->requests,
                                     .n_requests = r->job->n_requests,
                                     .agents = agents,
                                     .ranks = ranks,
                                     .epoch = 1,
                                     .name = "sizes",
                                     .clock = &r->clock,
                                     .lost_after = 10 * ORR_SECOND };
    assert_int_equal(orr_coord_new(&setup, &r->coord, &err), ORR_OK);
}

static void run_free(struct run *r)
{
    orr_coord_free(r->coord);
    orr_loop_hub_free(r->hub);
    orr_job_free(r->job);
}

static void say(struct run *r, uint32_t rank, struct orr_bytes *bytes)
{
    struct orr_error err = { 0 };
    assert_int_equal(orr_link_send(orr_loop_hub_link(r->hub, rank), (orr_rank) { 0 },
                                   bytes->data, bytes->length, &err),
                     ORR_OK);
    orr_bytes_release(bytes);
}

static void come(struct run *r, uint32_t rank, uint64_t memory)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_hello_put(&out, &(struct orr_hello) { .wire_version = ORR_WIRE_VERSION,
                                              .version = ORR_VERSION,
                                              .digest = r->job->graph->digest,
                                              .host = "node",
                                              .rank = rank,
                                              .cores = CORES,
                                              .workers = 1,
                                              .memory = memory,
                                              .pid_space = "",
                                              .bind = "" });
    say(r, rank, &out);
    r->agents[rank].does = WAITS;
}

/* All attempts that it has end now: no function returns anything. */
static void end_attempts(struct run *r, uint32_t rank)
{
    static const struct orr_record_type empty = { 0 };
    static const struct orr_record nothing = { &empty };
    struct agent *agent = &r->agents[rank];
    bool fails = agent->does == FAILS;
    struct orr_bytes results = ORR_BYTES_INIT;
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_value_put(&results, orr_value_of_record(&nothing));
    orr_batch_begin(&out, ORR_MESSAGE_DONE);
    for (uint32_t i = 0; i < agent->n; i++)
        orr_done_put(&out, &(struct orr_done) {
                               .task = agent->has[i],
                               .attempt = 1,
                               .rank = rank,
                               .failure = fails ? ORR_FAIL_EXIT : ORR_FAIL_NONE,
                               .code = fails,
                               .message = fails ? "no such device" : "",
                               .results = results.data,
                               .results_length = fails ? 0 : (uint32_t)results.length,
                               .t_start = r->now,
                               .t_end = r->now,
                               .counters = "" });
    agent->n = 0;
    say(r, rank, &out);
    orr_bytes_release(&results);
}

static void take_assignments(struct agent *agent, struct orr_reader *in)
{
    struct orr_assignment_run run;
    while (orr_reader_left(in)) {
        assert_int_equal(orr_assignment_run_get(in, &run), ORR_OK);
        assert_int_equal(run.first.attempt, 1);
        agent->given += run.n;
        for (uint32_t i = 0; i < run.n; i++) {
            assert_true(agent->n < TASKS);
            agent->has[agent->n++] = run.first.task + i;
        }
    }
}

static void act(struct run *r, uint32_t rank)
{
    struct orr_error err = { 0 };
    struct orr_bytes out = ORR_BYTES_INIT;
    const void *data = NULL;
    size_t length = 0;
    orr_rank from;
    while (orr_link_receive(orr_loop_hub_link(r->hub, rank), &from, &data, &length,
                            &err) == ORR_OK) {
        struct orr_reader in = orr_reader_of(data, length);
        if (orr_message_of(&in) == ORR_MESSAGE_ASSIGN)
            take_assignments(&r->agents[rank], &in);
    }
    if (r->agents[rank].n && r->agents[rank].does != WAITS)
        end_attempts(r, rank);
    orr_beat_put(&out, &(struct orr_beat) { .cores = CORES });
    say(r, rank, &out);
}

/* All that are there speak, twice a second. */
static void pass_seconds(struct run *r, uint32_t seconds)
{
    struct orr_error err = { 0 };
    for (uint32_t rank = 1; rank < RANKS; rank++)
        r->agents[rank].given = 0;
    for (uint32_t i = 0; i < 2 * seconds; i++) {
        orr_status status = orr_coord_step(r->coord, &err);
        assert_true(status == ORR_OK || status == ORR_END);
        for (uint32_t rank = 1; rank < RANKS; rank++)
            if (r->agents[rank].does != IS_SILENT)
                act(r, rank);
        r->now += ORR_SECOND / 2;
    }
}

static const struct orr_run_status *status_of(const struct run *r)
{
    return orr_coord_status(r->coord);
}

/* The first node fails all until it is held; what it failed is to be made by another.
 * Then the second is lost. */
static void hold_first_lose_second(struct run *r)
{
    r->agents[1].does = FAILS;
    pass_seconds(r, 5);
    assert_true(r->agents[1].given >= 8);
    pass_seconds(r, 5);
    assert_int_equal(r->agents[1].given, 0);
    r->agents[2].does = IS_SILENT;
    r->agents[1].does = SUCCEEDS;
    pass_seconds(r, 15);
    r->agents[3].does = SUCCEEDS;
    pass_seconds(r, 15);
    assert_int_equal(status_of(r)->lost_nodes, 1);
}

static void all_is_made(struct run *r)
{
    struct orr_text problems = ORR_TEXT_INIT;
    assert_int_equal(status_of(r)->done, TASKS);
    orr_coord_close(r->coord, &problems);
    assert_int_equal(status_of(r)->state, ORR_RUN_SUCCEEDED);
    orr_text_release(&problems);
}

/* Two large nodes, one of which is held and one lost, and a small one, which may be a
 * guest. */
static void a_held_node_works_beside_a_small_one(uint32_t agents, uint32_t ranks)
{
    struct run r;
    run_new(&r, agents, ranks);
    come(&r, 1, 64 * GIB);
    come(&r, 2, 64 * GIB);
    come(&r, 3, 1 * GIB);
    hold_first_lose_second(&r);
    all_is_made(&r);
    run_free(&r);
}

static void a_held_node_works_when_no_other_is_large_enough(void **state)
{
    (void)state;
    a_held_node_works_beside_a_small_one(3, 0);
}

static void a_held_node_works_when_only_guests_are_left(void **state)
{
    (void)state;
    a_held_node_works_beside_a_small_one(2, 3);
}

/* They may go at any moment; but nothing is refused because of that. */
static void a_run_with_guests_alone_stops(void **state)
{
    (void)state;
    struct run r;
    struct orr_text problems = ORR_TEXT_INIT;
    run_new(&r, 1, 2);
    come(&r, 1, 64 * GIB);
    come(&r, 3, 64 * GIB);
    pass_seconds(&r, 5);
    assert_true(r.agents[3].given > 0);
    r.agents[1].does = IS_SILENT;
    pass_seconds(&r, 15);
    assert_int_equal(orr_engine_request_state(orr_coord_engine(r.coord), 0, NULL),
                     ORR_REQUEST_RUNNING);
    orr_coord_close(r.coord, &problems);
    assert_int_equal(status_of(&r)->state, ORR_RUN_STOPPED);
    assert_string_equal(status_of(&r)->message, "all nodes are lost");
    orr_text_release(&problems);
    run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_node_works_when_no_other_is_large_enough),
        cmocka_unit_test(a_held_node_works_when_only_guests_are_left),
        cmocka_unit_test(a_run_with_guests_alone_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
