/* host.c - a rank's child dies while more is on its way to it, can say nothing any
 * more, or is warm when all is abandoned; and descriptors run out */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "exec/nursery.h"
#include "node/hosted.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HANGS = 1, WRITES = 2 }; /* what a call does with its argument, else nothing */
enum { ACT, HERE };             /* functions, by name */

static int act(struct orr_call *call)
{
    int64_t i = orr_arg_int(orr_arg(call, "i"), 0);
    while (i == HANGS)
        (void)pause();
    if (i == WRITES)
        orr_set_blob(call, "b", "bytes", 5);
    return 0;
}

static const struct orr_param params[] = { { "i", "int", "0", "" }, { 0 } };
static const struct orr_result_field results[] = { { "b", "blob?", NULL, "" }, { 0 } };
static const struct orr_function in_child = { .name = "test.act",
                                              .version = "1",
                                              .doc = "",
                                              .params = params,
                                              .results = results,
                                              .run = act };
static const struct orr_function in_place = { .name = "test.here",
                                              .version = "1",
                                              .doc = "",
                                              .params = params,
                                              .results = results,
                                              .in_worker = true,
                                              .run = act };
static const struct orr_function *const functions[] = { &in_child, &in_place };
static const struct orr_registry registry = { functions, 2 };

static const struct orr_function *find(void *context, const char *name)
{
    (void)context;
    return orr_registry_find(&registry, name);
}

static struct orr_blob_source no_blobs(void *context, const char *run_dir)
{
    (void)context, (void)run_dir;
    return (struct orr_blob_source) { 0 };
}

static orr_status read_text(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    const char *warm = context;
    (void)path, (void)err;
    orr_text_printf(out,
                    "orrery: 1\nworkflow: acts\nfacts:\n  made: {}\n"
                    "functions:\n  act: {use: test.act, warm: %s}\n"
                    "  here: {use: test.here}\n"
                    "rules:\n"
                    "  - rule: one\n    match: {_j: job}\n"
                    "    action: {call: act, with: {i: 1}}\n"
                    "    reaction: [{assert: made}]\n"
                    "  - rule: two\n    match: {_j: job}\n"
                    "    action: {call: here, with: {i: 1}}\n"
                    "    reaction: [{assert: made}]\n"
                    "outputs:\n  made: {fact: made}\n",
                    warm);
    return ORR_OK;
}

/* A host of one core. */
struct rank {
    struct orr_graph *graph;
    struct orr_nursery *nursery;
    struct orr_host *host;
};

static struct rank rank_new(const char *warm)
{
    static const struct orr_nursery_setup nursery = { .find = find, .blobs = no_blobs };
    struct rank r = { 0 };
    struct orr_error err = { 0 };
    char text[8];
    (void)strncpy(text, warm, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct orr_sources sources = { read_text, text };
    struct orr_diags diags = { 0 };
    r.graph = orr_graph_compile("acts.yaml", &sources, &registry, &diags);
    assert_non_null(r.graph);
    orr_diags_release(&diags);
    assert_int_equal(orr_nursery_start(&nursery, &r.nursery, &err), ORR_OK);
    r.host = orr_host_new(&(struct orr_host_setup) {
        .graph = r.graph, .nursery = r.nursery, .run_dir = "/tmp", .children = 1 });
    return r;
}

static void rank_free(struct rank *r)
{
    orr_host_free(r->host);
    orr_nursery_stop(r->nursery);
    orr_graph_free(r->graph);
}

/* Wait for something, and step. */
static void step(struct rank *r, int64_t until)
{
    struct pollfd fds[2];
    assert_true(orr_clock_monotonic() < until);
    (void)poll(fds, (nfds_t)orr_host_fds(r->host, fds, 2), 100);
    orr_host_step(r->host, true);
}

static void wait_for(struct rank *r, enum orri_child_state state)
{
    int64_t until = orr_clock_monotonic() + 30 * ORR_SECOND;
    while (r->host->children[0].state != state)
        step(r, until);
}

/* Task `i` is given that as its argument. */
static struct orr_assignment_run call_of(uint32_t function, uint32_t i,
                                         unsigned char *args)
{
    args[0] = ORR_KIND_INT;
    orr_store_u64(args + 1, i);
    struct orr_assignment a = {
        .task = i, .attempt = 1, .function = function, .args = args, .args_length = 9
    };
    return (struct orr_assignment_run) { .first = a,
                                         .n = 1,
                                         .args = orr_series_of(args, 9) };
}

static void start(struct rank *r, uint32_t i)
{
    static const uint32_t core = 0;
    unsigned char args[9];
    struct orr_assignment_run run = call_of(ACT, i, args);
    orr_host_start(r->host, i, &run.first, &core, 1, "");
}

/* The next one that ends is that task. */
static void ends(struct rank *r, uint32_t i, enum orr_fail_kind as)
{
    struct orr_host_done done;
    int64_t until = orr_clock_monotonic() + 30 * ORR_SECOND;
    while (!orr_host_next(r->host, &done))
        step(r, until);
    assert_int_equal(done.task, i);
    assert_int_equal(done.calls ? ORR_FAIL_NONE : done.outcome.failure, as);
    if (done.blob_fd >= 0)
        (void)close(done.blob_fd);
}

/* As when a twin won, and the next call of the function has boarded its place. */
static void what_is_sent_to_a_dying_child_goes_to_the_next(void **state)
{
    (void)state;
    struct rank r = rank_new("0");
    start(&r, HANGS);
    wait_for(&r, ORRI_CHILD_BUSY);
    orr_host_cancel(r.host, HANGS, 1);
    assert_int_equal(r.host->children[0].state, ORRI_CHILD_DYING);
    start(&r, 7);
    start(&r, 8);
    ends(&r, HANGS, ORR_FAIL_LOST);
    ends(&r, 7, ORR_FAIL_NONE);
    ends(&r, 8, ORR_FAIL_NONE);
    rank_free(&r);
}

/* Until it is called again with `false` no descriptor can be made. */
static void no_descriptors(bool none)
{
    static struct rlimit before;
    struct rlimit now;
    if (!none) {
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        return;
    }
    int next = dup(0);
    assert_true(next >= 0);
    (void)close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    now = before;
    now.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
}

/* What it made cannot be taken: it is ended, and does not stay at work for ever. */
static void a_child_that_cannot_be_heard_is_ended(void **state)
{
    (void)state;
    struct rank r = rank_new("0");
    start(&r, WRITES);
    wait_for(&r, ORRI_CHILD_BUSY);
    no_descriptors(true);
    ends(&r, WRITES, ORR_FAIL_SIGNAL);
    no_descriptors(false);
    start(&r, 7);
    ends(&r, 7, ORR_FAIL_NONE);
    rank_free(&r);
}

static void a_call_in_place_fails_without_descriptors(void **state)
{
    (void)state;
    struct rank r = rank_new("0");
    unsigned char args[9];
    struct orr_assignment_run run = call_of(HERE, WRITES, args);
    no_descriptors(true);
    orr_host_run(r.host, WRITES, &run, 0);
    ends(&r, WRITES, ORR_FAIL_IO);
    no_descriptors(false);
    orr_host_run(r.host, WRITES, &run, 0);
    ends(&r, WRITES, ORR_FAIL_NONE);
    rank_free(&r);
}

/* The one that takes its place is not ended, too. */
static void a_warm_child_comes_again_once(void **state)
{
    (void)state;
    struct rank r = rank_new("1");
    start(&r, HANGS);
    wait_for(&r, ORRI_CHILD_BUSY);
    orr_host_abandon(r.host);
    ends(&r, HANGS, ORR_FAIL_LOST);
    wait_for(&r, ORRI_CHILD_IDLE);
    start(&r, 7);
    ends(&r, 7, ORR_FAIL_NONE);
    rank_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_to_a_dying_child_goes_to_the_next),
        cmocka_unit_test(a_child_that_cannot_be_heard_is_ended),
        cmocka_unit_test(a_call_in_place_fails_without_descriptors),
        cmocka_unit_test(a_warm_child_comes_again_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
