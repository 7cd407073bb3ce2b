/* agent.c - an agent that is alone makes runs of calls in place: what it reports, gives
 * back and stores is as if each had come by itself */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "exec/nursery.h"
#include "link/link.h"
#include "node/agent.h"
#include "node/local.h"
#include "store/rundir.h"
#include "store/scan.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALLS = 300, FAILS = 50, WARNS = 60, COUNTS = 61 };

static int step(struct orr_call *call)
{
    int64_t i = orr_arg_int(orr_arg(call, "i"), 0);
    if (i == FAILS)
        return orr_call_fail(call, ORR_FAIL_EXIT, 7, "fifty");
    if (i == WARNS)
        orr_call_warn(call, "sixty");
    if (i == COUNTS)
        orr_count(call, "odd", 2);
    orr_set_int(call, "i", i * 2);
    return 0;
}

static const struct orr_param params[] = { { "i", "int", "0", "" }, { 0 } };
static const struct orr_result_field results[] = { { "i", "int", NULL, "" }, { 0 } };
static const struct orr_function function = { .name = "test.step",
                                              .version = "1",
                                              .doc = "",
                                              .params = params,
                                              .results = results,
                                              .in_worker = true,
                                              .run = step };

static const char workflow[] = "orrery: 1\nworkflow: steps\n"
                               "facts:\n  made: {i: int}\n"
                               "functions:\n  step: {use: test.step}\n"
                               "rules:\n"
                               "  - rule: one\n    match: {j: job}\n"
                               "    action: {call: step, with: {i: 1}}\n"
                               "    reaction: [{assert: made, with: {i: result.i}}]\n"
                               "outputs:\n  made: {fact: made}\n";

static orr_status read_text(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    (void)context, (void)path, (void)err;
    orr_text_puts(out, workflow);
    return ORR_OK;
}

struct node {
    char directory[40];
    char *run_dir;
    struct orr_rundir *run;
    struct orr_loop_hub *hub;
    struct orr_graph *graph;
    struct orr_agent *agent;
    struct orr_nursery *nursery;
    struct orr_bytes up; /* ASSIGN, to be sent */
    struct orr_assigning assigning;
    unsigned char args[CALLS][9];
    uint32_t reports[CALLS]; /* of the task */
    enum orr_fail_kind failure[CALLS];
    uint32_t given[CALLS];
    uint32_t entries;
};

static void compile(struct node *n)
{
    static const struct orr_function *const functions[] = { &function };
    static const struct orr_registry registry = { functions, 1 };
    struct orr_sources sources = { read_text, NULL };
    struct orr_diags diags = { 0 };
    n->graph = orr_graph_compile("steps.yaml", &sources, &registry, &diags);
    assert_non_null(n->graph);
    orr_diags_release(&diags);
}

/* `room`: of the writer's queue; `silence`: as the agent's. */
static struct node *node_of(uint32_t workers, uint32_t room, int64_t silence)
{
    static const struct orr_nursery_setup nobody = { 0 };
    struct node *n = orr_alloc(1, sizeof *n);
    struct orr_error err = { 0 };
    strcpy(n->directory, "/tmp/orrery-agent-XXXXXX");
    assert_non_null(mkdtemp(n->directory));
    n->run_dir = orr_path_join(n->directory, "run");
    assert_int_equal(orr_rundir_create(n->run_dir, &n->run, &err), ORR_OK);
    n->hub = orr_loop_hub_new(2);
    compile(n);
    assert_int_equal(orr_nursery_start(&nobody, &n->nursery, &err), ORR_OK);
    struct orr_agent_setup setup = { .link = orr_loop_hub_link(n->hub, 1),
                                     .host = { .graph = n->graph,
                                               .nursery = n->nursery,
                                               .run_dir = n->run_dir,
                                               .children = 1 },
                                     .store = { .run_dir = n->run_dir,
                                                .run_id = orr_rundir_id(n->run),
                                                .writer = 1,
                                                .epoch = orr_rundir_epoch(n->run),
                                                .queue_results = room },
                                     .silence = silence,
                                     .token = (uint64_t)getpid(),
                                     .workers = workers,
                                     .host_name = "here" };
    assert_int_equal(orr_agent_new(&setup, &n->agent, &err), ORR_OK);
    return n;
}

static struct node *node_new(uint32_t room) { return node_of(1, room, 0); }

static void node_free(struct node *n)
{
    struct orr_text command = ORR_TEXT_INIT;
    orr_agent_free(n->agent);
    orr_nursery_stop(n->nursery);
    orr_graph_free(n->graph);
    orr_loop_hub_free(n->hub);
    orr_rundir_close(n->run);
    orr_bytes_release(&n->up);
    free(n->run_dir);
    orr_text_printf(&command, "rm -rf -- '%s'", n->directory);
    FILE *shell = popen(command.s, "r");
    assert_non_null(shell);
    assert_int_equal(pclose(shell), 0);
    orr_text_release(&command);
    free(n);
}

/* Task `i` asks for i; of `wrong` the argument is no int. */
static void order(struct node *n, uint32_t first, uint32_t count, uint32_t wrong)
{
    for (uint32_t i = first; i < first + count; i++) {
        n->args[i][0] = i == wrong ? ORR_KIND_FLOAT : ORR_KIND_INT;
        orr_store_u64(n->args[i] + 1, i);
        struct orr_assignment a = { .task = i,
                                    .attempt = 1,
                                    .function = 0,
                                    .identity = orr_hash(&i, sizeof i),
                                    .queued = orr_clock_wall(),
                                    .args = n->args[i],
                                    .args_length = sizeof n->args[i] };
        if (!n->up.length)
            orr_batch_begin(&n->up, ORR_MESSAGE_ASSIGN);
        orr_assigning_add(&n->assigning, &n->up, &a);
    }
}

static void say(struct node *n, struct orr_bytes *bytes)
{
    struct orr_error err = { 0 };
    assert_int_equal(orr_link_send(orr_loop_hub_link(n->hub, 0), (orr_rank) { 1 },
                                   bytes->data, bytes->length, &err),
                     ORR_OK);
    orr_bytes_clear(bytes);
}

static void send_orders(struct node *n)
{
    orr_assigning_flush(&n->assigning, &n->up);
    say(n, &n->up);
}

static void hear_done(struct node *n, struct orr_reader *in, struct orr_arena *arena)
{
    struct orr_done_run run;
    assert_int_equal(orr_done_run_get(in, arena, &run), ORR_OK);
    n->entries++;
    for (uint32_t i = 0; i < run.n; i++) {
        unsigned char bytes[64];
        struct orr_done d;
        orr_done_of(&run, i, bytes, &d);
        assert_true(d.task < CALLS);
        n->reports[d.task]++;
        n->failure[d.task] = (enum orr_fail_kind)d.failure;
        if (d.failure == ORR_FAIL_NONE) { /* record of one int */
            assert_int_equal(d.results_length, 14);
            assert_int_equal(orr_load_u64((const unsigned char *)d.results + 6),
                             d.task * 2);
        }
        if (d.task == COUNTS)
            assert_string_equal(d.counters, "odd=2\n");
        assert_true(d.t_end >= d.t_start);
    }
}

static uint32_t hear(struct node *n)
{
    const void *data = NULL;
    size_t length = 0;
    uint32_t before = 0;
    orr_rank from;
    struct orr_error err = { 0 };
    struct orr_arena arena = ORR_ARENA_INIT;
    while (orr_link_receive(orr_loop_hub_link(n->hub, 0), &from, &data, &length,
                            &err) == ORR_OK) {
        struct orr_reader in = orr_reader_of(data, length);
        enum orr_message message = orr_message_of(&in);
        struct orr_attempt_name name;
        while (message == ORR_MESSAGE_DONE && orr_reader_left(&in))
            hear_done(n, &in, &arena);
        while (message == ORR_MESSAGE_GIVEN && orr_reader_left(&in)) {
            assert_int_equal(orr_attempt_name_get(&in, &name), ORR_OK);
            n->given[name.task]++;
        }
    }
    for (uint32_t i = 0; i < CALLS; i++)
        before += n->reports[i] + n->given[i];
    orr_arena_release(&arena);
    return before;
}

/* Until so many are reported or given back. */
static void work(struct node *n, uint32_t all)
{
    struct pollfd fds[16];
    struct orr_error err = { 0 };
    int64_t until = orr_clock_monotonic() + 60 * ORR_SECOND;
    while (hear(n) < all) {
        assert_true(orr_clock_monotonic() < until);
        assert_int_equal(orr_agent_step(n->agent, true, &err), ORR_OK);
        if (!orr_agent_was_busy(n->agent))
            (void)poll(fds, (nfds_t)orr_agent_fds(n->agent, fds, 16), 100);
    }
}

static void all_are_reported_once(void **state)
{
    (void)state;
    struct node *n = node_new(0);
    order(n, 0, CALLS, 200);
    send_orders(n);
    work(n, CALLS);
    for (uint32_t i = 0; i < CALLS; i++) {
        assert_int_equal(n->reports[i], 1);
        assert_int_equal(n->failure[i], i == FAILS ? ORR_FAIL_EXIT
                                        : i == 200 ? ORR_FAIL_INVALID
                                                   : ORR_FAIL_NONE);
    }
    assert_true(n->entries < 60); /* most of them together */
    node_free(n);
}

/* What is given back is not made, and the last ones go first. */
static void the_end_of_a_run_is_given_back(void **state)
{
    (void)state;
    struct node *n = node_new(0);
    struct orr_bytes out = ORR_BYTES_INIT;
    order(n, 0, 100, CALLS);
    send_orders(n);
    orr_retract_put(&out, &(struct orr_retract) { 30, { 1, 0, 0 } });
    say(n, &out);
    work(n, 100);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(n->given[i], i >= 70);
        assert_int_equal(n->reports[i], i < 70);
    }
    orr_bytes_release(&out);
    node_free(n);
}

/* From the beginning, the middle and the end of a run. */
static void one_of_a_run_is_cancelled(void **state)
{
    (void)state;
    static const uint32_t which[] = { 0, 40, 41, 99, 120 /* it does not have that */ };
    struct node *n = node_new(0);
    struct orr_bytes out = ORR_BYTES_INIT;
    order(n, 0, 100, CALLS);
    send_orders(n);
    for (size_t i = 0; i < sizeof which / sizeof *which; i++)
        orr_attempt_name_put(&out, ORR_MESSAGE_CANCEL,
                             (struct orr_attempt_name) { which[i], 1 });
    orr_attempt_name_put(&out, ORR_MESSAGE_CANCEL,
                         (struct orr_attempt_name) { 30, 2 }); /* another attempt */
    say(n, &out);
    work(n, 100);
    for (uint32_t i = 0; i < 100; i++) {
        bool gone = i == 0 || i == 40 || i == 41 || i == 99;
        assert_int_equal(n->given[i], gone);
        assert_int_equal(n->reports[i], !gone);
    }
    orr_bytes_release(&out);
    node_free(n);
}

struct seen {
    uint32_t n[CALLS];
};

static orr_status see(void *context, const struct orr_stored *stored,
                      const struct orr_place *place, struct orr_error *err)
{
    (void)place, (void)err;
    struct seen *seen = context;
    assert_int_equal(stored->args_bytes, 9);
    uint32_t i = (uint32_t)orr_load_u64((const unsigned char *)stored->args + 1);
    assert_true(i < CALLS);
    seen->n[i]++;
    assert_true(orr_id_equal(stored->id, orr_hash(&i, sizeof i)));
    assert_string_equal(stored->function, "test.step");
    assert_string_equal(stored->host, "here");
    assert_string_equal(stored->message, i == FAILS ? "fifty" : "");
    assert_string_equal(stored->warnings, i == WARNS ? "sixty\n" : "");
    assert_int_equal(stored->failure, i == FAILS ? ORR_FAIL_EXIT : ORR_FAIL_NONE);
    assert_true(stored->t_end >= stored->t_start && stored->queued >= 0);
    if (i != FAILS)
        assert_int_equal(orr_load_u64((const unsigned char *)stored->results + 6),
                         i * 2);
    return ORR_OK;
}

/* A record for each, however short the writer's queue is. */
static void each_has_its_record(void **state)
{
    (void)state;
    static const uint32_t rooms[] = { 0, 1, 16, 100 };
    for (size_t r = 0; r < sizeof rooms / sizeof *rooms; r++) {
        struct node *n = node_new(rooms[r]);
        struct seen seen = { 0 };
        struct orr_error err = { 0 };
        struct orr_scan_options options = { .run_id = orr_rundir_id(n->run) };
        order(n, 0, 1, CALLS); /* so that it is known how long one takes */
        send_orders(n);
        work(n, 1);
        order(n, 1, CALLS - 1, CALLS);
        send_orders(n);
        work(n, CALLS);
        assert_int_equal(orr_shards_scan(n->run_dir, &options, see, &seen, NULL, &err),
                         ORR_OK);
        for (uint32_t i = 0; i < CALLS; i++)
            assert_int_equal(seen.n[i], 1);
        node_free(n);
    }
}

/* ---- a worker, by hand ---- */

struct worker {
    struct orr_channel agent;
    orr_host_call *call;
    struct orr_host *host;
    struct orri_local_assignment had; /* the last */
    struct orr_arena arena;
    uint32_t n; /* calls that it was sent */
};

static void worker_come(struct worker *w, struct node *n)
{
    struct orr_error err = { 0 };
    struct orr_bytes out = ORR_BYTES_INIT;
    *w = (struct worker) { .n = 0 };
    int call = orri_local_share_call(&w->call, &err);
    int fd = orri_local_connect((uint64_t)getpid(), 1, &err);
    assert_true(fd >= 0 && call >= 0);
    orr_channel_init(&w->agent, fd);
    orr_hello_put(&out, &(struct orr_hello) { .wire_version = ORR_WIRE_VERSION,
                                              .version = ORR_VERSION,
                                              .host = "",
                                              .rank = 2,
                                              .cores = 1,
                                              .pid_space = "",
                                              .bind = "" });
    orr_channel_send(&w->agent, out.data, out.length, call);
    (void)close(call);
    w->host = orr_host_new(&(struct orr_host_setup) { .graph = n->graph,
                                                      .nursery = n->nursery,
                                                      .run_dir = n->run_dir,
                                                      .children = 1 });
    orr_bytes_release(&out);
}

static void worker_die(struct worker *w)
{
    orr_channel_release(&w->agent);
    orr_host_free(w->host);
    orri_local_forget_call(w->call);
    orr_arena_release(&w->arena);
}

/* Until it has been sent so many. */
static void worker_take(struct worker *w, struct node *n, uint32_t all)
{
    struct orr_error err = { 0 };
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    int64_t until = orr_clock_monotonic() + 60 * ORR_SECOND;
    while (w->n < all) {
        assert_true(orr_clock_monotonic() < until);
        assert_int_equal(orr_agent_step(n->agent, true, &err), ORR_OK);
        while (orr_channel_receive(&w->agent, &data, &length, &fd) == ORR_OK) {
            struct orr_reader in = orr_reader_of(data, length);
            assert_int_equal(orr_message_of(&in), ORR_MESSAGE_ASSIGN);
            while (orr_reader_left(&in)) {
                assert_int_equal(orri_local_assignment_get(&in, &w->arena, &w->had),
                                 ORR_OK);
                w->n += w->had.run.n;
            }
        }
    }
}

/* In no time at all. */
static void worker_make(struct worker *w)
{
    struct orr_host_done done;
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_host_run(w->host, w->had.token, &w->had.run, 1);
    orr_batch_begin(&out, ORR_MESSAGE_DONE);
    while (orr_host_next(w->host, &done)) {
        assert_non_null(done.calls);
        struct orr_successes calls = *done.calls;
        for (uint32_t i = 1; i <= calls.n; i++)
            calls.times[i] = calls.times[0];
        done.calls = &calls;
        orri_local_done_put(&out, &done);
    }
    orr_channel_send(&w->agent, out.data, out.length, -1);
    orr_bytes_release(&out);
}

/* However many it had: what it was at may have been the reason, the others were not. */
static void a_worker_takes_one_call_with_it(void **state)
{
    (void)state;
    static const uint32_t which[] = { 200, 150, CALLS - 1, 0 /* at none */ };
    for (size_t c = 0; c < sizeof which / sizeof *which; c++) {
        struct node *n = node_of(2, 0, 0);
        struct worker w;
        worker_come(&w, n);
        order(n, 0, 1, CALLS);
        send_orders(n);
        worker_take(&w, n, 1);
        worker_make(&w); /* it is known how long one takes: the others come as a run */
        work(n, 1);
        order(n, 150, CALLS - 150, CALLS);
        send_orders(n);
        worker_take(&w, n, 1 + CALLS - 150);
        assert_int_equal(w.had.run.n, CALLS - 150);
        if (which[c])
            atomic_store(w.call, (uint64_t)w.had.token << 32 | which[c]);
        worker_die(&w);
        work(n, 1 + CALLS - 150);
        for (uint32_t i = 150; i < CALLS; i++) {
            assert_int_equal(n->reports[i], i == which[c]);
            assert_int_equal(n->given[i], i != which[c]);
            assert_int_equal(n->failure[i], i == which[c] ? ORR_FAIL_LOST : 0);
        }
        node_free(n);
    }
}

/* ---- the end ---- */

static void step_to_the_end(struct node *n)
{
    struct pollfd fds[16];
    struct orr_error err = { 0 };
    int64_t until = orr_clock_monotonic() + 60 * ORR_SECOND;
    orr_status status = ORR_OK;
    while ((status = orr_agent_step(n->agent, true, &err)) == ORR_OK) {
        assert_true(orr_clock_monotonic() < until);
        (void)poll(fds, (nfds_t)orr_agent_fds(n->agent, fds, 16), 10);
    }
    assert_int_equal(status, ORR_END);
}

/* It was told to stop when a call was under way, and then rank 0 was gone. */
static void a_stopping_agent_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct node *n = node_of(2, 0, 2 * ORR_SECOND); /* stalls are forgiven */
    struct worker w;
    struct orr_bytes out = ORR_BYTES_INIT;
    worker_come(&w, n);
    order(n, 0, 1, CALLS);
    send_orders(n);
    worker_take(&w, n, 1);
    orr_stop_put(&out, false);
    say(n, &out);
    step_to_the_end(n);
    assert_true(orr_agent_is_forsaken(n->agent));
    worker_die(&w);
    orr_bytes_release(&out);
    node_free(n);
}

static bool has_index(const struct node *n)
{
    struct orr_text command = ORR_TEXT_INIT;
    orr_text_printf(&command, "ls '%s'/shards/*.idx.h5 >/dev/null 2>&1", n->run_dir);
    FILE *shell = popen(command.s, "r");
    assert_non_null(shell);
    orr_text_release(&command);
    return pclose(shell) == 0;
}

static void indexes_are_made_when_there_is_time(void **state)
{
    (void)state;
    for (int hurries = 0; hurries < 2; hurries++) {
        struct node *n = node_new(0);
        struct orr_bytes out = ORR_BYTES_INIT;
        order(n, 0, 10, CALLS);
        send_orders(n);
        work(n, 10);
        orr_stop_put(&out, hurries);
        say(n, &out);
        step_to_the_end(n);
        assert_false(orr_agent_is_forsaken(n->agent));
        assert_int_equal(has_index(n), !hurries);
        orr_bytes_release(&out);
        node_free(n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_reported_once),
        cmocka_unit_test(the_end_of_a_run_is_given_back),
        cmocka_unit_test(one_of_a_run_is_cancelled),
        cmocka_unit_test(each_has_its_record),
        cmocka_unit_test(a_worker_takes_one_call_with_it),
        cmocka_unit_test(a_stopping_agent_does_not_wait_for_ever),
        cmocka_unit_test(indexes_are_made_when_there_is_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
