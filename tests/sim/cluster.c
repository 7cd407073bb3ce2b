/* cluster.c - a coordinator and several agents in one process, over the loop link
 * Real engine, scheduler, messages, children and store; only the network is a queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/command.h"
#include "coord/coord.h"
#include "node/agent.h"
#include "store/rundir.h"
#include "store/scan.h"
#include "tables/runfile.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AGENTS_MAX = 4 };

static const char workflow[] =
    "orrery: 1\nworkflow: sim\n"
    "inputs:\n  n: {type: int, default: 10}\n  time: {type: duration, default: 0s}\n"
    "facts:\n  item: {i: int}\n  slept: {i: int}\n  made: {i: int}\n  sum: {total: "
    "int}\n"
    "functions:\n  rest: {use: core.sleep}\n  noop: {use: core.noop}\n"
    "rules:\n"
    "  - rule: expand\n    match: {j: job}\n    then:\n"
    "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
    "  - rule: rest\n    match: {j: job, t: item}\n"
    "    action: {call: rest, with: {i: t.i, time: j.time}}\n"
    "    reaction: [{assert: slept, with: {i: result.i}}]\n"
    "  - rule: make\n    match: {t: slept}\n"
    "    action: {call: noop, with: {i: t.i}}\n"
    "    reaction: [{assert: made, with: {i: result.i}}]\n"
    "  - rule: total\n    match: {j: job}\n"
    "    gather: {m: made, where: m.i >= 0, count: j.n}\n"
    "    assert: sum\n    with: {total: sum(m.i)}\n"
    "outputs:\n  sum: {fact: sum}\n";

struct cluster {
    char root[64];
    char *run_path;
    uint32_t n;
    struct orr_loop_hub *hub;
    struct orr_nursery *nurseries[AGENTS_MAX + 1];
    struct orr_agent *agents[AGENTS_MAX + 1]; /* by rank */
    bool cut[AGENTS_MAX + 1];
    struct orr_coord *coord;
    struct orr_progress *progress;
    struct orr_rundir *dir;
    struct orr_job *job;
    struct orri_texts texts;
};

static const struct orr_function *find(void *context, const char *name)
{
    (void)context;
    return orr_registry_find(orri_registry(), name);
}

static struct orr_blob_source no_blobs(void *context, const char *run_dir)
{
    (void)context;
    (void)run_dir;
    return (struct orr_blob_source) { 0 };
}

static void must(orr_status status, const struct orr_error *err)
{
    if (status != ORR_OK)
        fail_msg("%s", err->text);
}

static void start_agent(struct cluster *c, uint32_t rank)
{
    struct orr_error err = { 0 };
    struct orr_agent_setup setup = {
        .link = orr_loop_hub_link(c->hub, rank),
        .host = { .graph = c->job->graph,
                  .nursery = c->nurseries[rank],
                  .run_dir = orr_rundir_path(c->dir),
                  .children = 2 },
        .store = { .run_dir = orr_rundir_path(c->dir),
                   .run_id = orr_rundir_id(c->dir),
                   .writer = rank,
                   .epoch = orr_rundir_epoch(c->dir) },
        .token = (uint64_t)getpid(),
        .workers = 1,
        .host_name = "sim",
    };
    must(orr_agent_new(&setup, &c->agents[rank], &err), &err);
}

static void compile(struct cluster *c, const char *n, const char *time)
{
    struct orr_error err = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_setting settings[] = { { .name = "n", .value = n },
                                      { .name = "time", .value = time } };
    char *path = orr_path_join(c->root, "sim.yaml");
    must(orr_file_write(path, workflow, sizeof workflow - 1, false, &err), &err);
    struct orr_sources sources = orri_texts_sources(&c->texts);
    c->job = orr_job_compile(path, &sources, settings, 2, orri_registry(), &diags);
    assert_non_null(c->job);
    orr_diags_release(&diags);
    free(path);
}

static void begin(struct cluster *c, uint32_t agents, bool resume)
{
    struct orr_error err = { 0 };
    struct orr_nursery_setup nursery = { .find = find, .blobs = no_blobs };
    c->n = agents;
    c->hub = orr_loop_hub_new(agents + 1);
    must(resume ? orr_rundir_open(c->run_path, &c->dir, &err)
                : orr_rundir_create(c->run_path, &c->dir, &err),
         &err);
    for (uint32_t rank = 1; rank <= agents; rank++)
        must(orr_nursery_start(&nursery, &c->nurseries[rank], &err), &err);
    for (uint32_t rank = 1; rank <= agents; rank++)
        start_agent(c, rank);
    c->progress = orr_progress_new(stderr, 0, true);
    struct orr_coord_setup setup = {
        .link = orr_loop_hub_link(c->hub, 0),
        .graph = c->job->graph,
        .requests = c->job->requests,
        .n_requests = c->job->n_requests,
        .agents = agents,
        .run_dir = orr_rundir_path(c->dir),
        .run_id = orr_rundir_id(c->dir),
        .epoch = orr_rundir_epoch(c->dir),
        .name = "sim",
        .progress = c->progress,
        .lost_after = 3 * ORR_SECOND,
    };
    must(orr_coord_new(&setup, &c->coord, &err), &err);
}

static void make(struct cluster *c, uint32_t agents, const char *n, const char *time)
{
    *c = (struct cluster) { .root = "/tmp/orrery-sim-XXXXXX" };
    assert_non_null(mkdtemp(c->root));
    c->run_path = orr_path_join(c->root, "run");
    compile(c, n, time);
    begin(c, agents, false);
}

/* One turn of every rank; false when the coordinator has ended. */
static bool turn(struct cluster *c)
{
    struct orr_error err = { 0 };
    struct pollfd fds[64];
    size_t n = 0;
    bool busy = false;
    orr_status status = orr_coord_step(c->coord, &err);
    if (status == ORR_END)
        return false;
    must(status, &err);
    busy = orr_coord_was_busy(c->coord);
    for (uint32_t rank = 1; rank <= c->n; rank++) {
        if (c->cut[rank] || !c->agents[rank])
            continue;
        status = orr_agent_step(c->agents[rank], true, &err);
        if (status == ORR_END)
            c->cut[rank] = true; /* it has left */
        else
            must(status, &err);
        busy = busy || orr_agent_was_busy(c->agents[rank]);
        n += orr_agent_fds(c->agents[rank], fds + n, 64 - n);
    }
    if (!busy)
        (void)poll(fds, (nfds_t)n, 1);
    return true;
}

static void end_session(struct cluster *c)
{
    orr_coord_free(c->coord);
    for (uint32_t rank = 1; rank <= c->n; rank++) {
        orr_agent_free(c->agents[rank]);
        orr_nursery_stop(c->nurseries[rank]);
        c->agents[rank] = NULL;
        c->cut[rank] = false;
    }
    orr_progress_free(c->progress);
    orr_rundir_close(c->dir);
    orr_loop_hub_free(c->hub);
}

static void conclude(struct cluster *c, enum orr_run_state expected)
{
    struct orr_text summary = ORR_TEXT_INIT;
    struct orr_text problems = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    must(orr_coord_conclude(c->coord, &summary, &problems, &err), &err);
    assert_int_equal(orr_coord_status(c->coord)->state, expected);
    if (expected == ORR_RUN_SUCCEEDED)
        assert_int_equal(problems.length, 0);
    orr_text_release(&summary);
    orr_text_release(&problems);
}

static void remove_cluster(struct cluster *c)
{
    char command[160];
    (void)snprintf(command, sizeof command, "rm -rf -- '%s'", c->root);
    assert_int_equal(system(command), 0);
    orr_job_free(c->job);
    orri_texts_release(&c->texts);
    free(c->run_path);
}

/* The one fact that all of the work leads to. */
static void check_sum(struct cluster *c, int64_t expected)
{
    struct orr_text facts = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    char *path = orr_path_join(c->run_path, "run.h5");
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    must(orr_table_print(path, "facts/sum",
                         &(struct orr_print) { .format = ORR_PRINT_CSV }, out, &err),
         &err);
    (void)fclose(out);
    orr_text_printf(&facts, "request,total\r\n0,%lld\r\n", (long long)expected);
    assert_string_equal(text, facts.s);
    free(text);
    free(path);
    orr_text_release(&facts);
}

static void all_work_is_done_once(void **state)
{
    (void)state;
    struct cluster c;
    make(&c, 3, "200", "0s");
    while (turn(&c))
        continue;
    conclude(&c, ORR_RUN_SUCCEEDED);
    const struct orr_run_status *s = orr_coord_status(c.coord);
    assert_int_equal(s->tasks, 400);
    assert_int_equal(s->done, 400);
    assert_int_equal(s->failed_attempts, 0);
    assert_int_equal(s->nodes, 3);
    assert_int_equal(s->cores, 6);
    end_session(&c);
    check_sum(&c, 199 * 200 / 2);
    remove_cluster(&c);
}

static void a_lost_node_costs_only_what_it_ran(void **state)
{
    (void)state;
    struct cluster c;
    make(&c, 3, "120", "50ms");
    while (turn(&c)) {
        if (!c.cut[2] && orr_coord_status(c.coord)->done > 40) {
            c.cut[2] = true;
            orr_loop_hub_cut(c.hub, 2);
        }
    }
    conclude(&c, ORR_RUN_SUCCEEDED);
    const struct orr_run_status *s = orr_coord_status(c.coord);
    assert_int_equal(s->lost_nodes, 1);
    assert_int_equal(s->done, 240);
    end_session(&c);
    check_sum(&c, 119 * 120 / 2);
    remove_cluster(&c);
}

static void a_drained_run_resumes_without_repeating(void **state)
{
    (void)state;
    struct cluster c;
    bool drained = false;
    make(&c, 2, "100", "20ms");
    while (turn(&c)) {
        if (!drained && orr_coord_status(c.coord)->done > 30) {
            orr_coord_drain(c.coord, ORR_RUN_DRAINED, ORR_SECOND);
            drained = true;
        }
    }
    conclude(&c, ORR_RUN_DRAINED);
    uint64_t before = orr_coord_status(c.coord)->done;
    assert_true(before < 200);
    end_session(&c);
    begin(&c, 2, true);
    while (turn(&c))
        continue;
    conclude(&c, ORR_RUN_SUCCEEDED);
    assert_true(orr_coord_status(c.coord)->reused >= before);
    assert_int_equal(orr_coord_status(c.coord)->done, 200);
    end_session(&c);
    check_sum(&c, 99 * 100 / 2);
    remove_cluster(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_work_is_done_once),
        cmocka_unit_test(a_lost_node_costs_only_what_it_ran),
        cmocka_unit_test(a_drained_run_resumes_without_repeating),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
