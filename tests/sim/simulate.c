/* simulate.c - runs on clusters that are not there (src/sim) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/simulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char text[] =
    "orrery: 1\nworkflow: sim\n"
    "inputs:\n  n: {type: int, default: 10}\n"
    "facts:\n  item: {i: int}\n  made: {i: int}\n  done: {i: int}\n"
    "functions:\n"
    "  rest: {use: core.sleep, cost: seconds(time), example: {i: i}, retries: 20}\n"
    "  wide: {use: core.sleep, cost: seconds(time), example: {i: i}, cores: 2}\n"
    "  quick: {use: core.noop, retries: 20}\n"
    "rules:\n"
    "  - rule: expand\n    match: {j: job}\n    then:\n"
    "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
    "  - rule: rest\n    match: {t: item}\n"
    "    action: {call: %s, with: {i: t.i%s}}\n"
    "    reaction: [{assert: made, with: {i: result.i}}]\n"
    "  - rule: then\n    match: {m: made}\n"
    "    action: {call: quick, with: {i: m.i}}\n"
    "    reaction: [{assert: done, with: {i: result.i}}]\n"
    "outputs:\n  done: {each: done}\n";

struct world {
    char workflow[2048];
    struct orr_job *job;
    struct orri_texts texts;
    struct orr_answers answers;
    struct orr_sim_setup setup;
    struct orr_sim_result result;
    struct orr_error err;
};

static orr_status read_text(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    (void)path, (void)err;
    orr_text_puts(out, context);
    return ORR_OK;
}

/* `n` calls of a function, 1 s each, on nodes that cost nothing. */
static void make(struct world *w, const char *function, const char *n, uint32_t nodes,
                 uint32_t cores)
{
    memset(w, 0, sizeof *w);
    bool quick = strcmp(function, "quick") == 0;
    (void)snprintf(w->workflow, sizeof w->workflow, text, function,
                   quick ? "" : ", time: 1s");
    struct orr_setting setting = { .name = "n", .value = n };
    struct orr_sources sources = { read_text, w->workflow };
    struct orr_diags diags = { 0 };
    w->job =
        orr_job_compile("sim.yaml", &sources, &setting, 1, orri_registry(), &diags);
    assert_non_null(w->job);
    orr_diags_release(&diags);
    w->answers.graph = w->job->graph;
    w->setup = (struct orr_sim_setup) { .graph = w->job->graph,
                                        .requests = w->job->requests,
                                        .n_requests = w->job->n_requests,
                                        .name = "sim",
                                        .nodes = nodes,
                                        .cores = cores,
                                        .answers = &w->answers,
                                        .seed = 1 };
}

static void simulate(struct world *w)
{
    orr_text_release(&w->result.problems);
    if (orr_simulate(&w->setup, &w->result, &w->err) != ORR_OK)
        fail_msg("%s", w->err.text);
}

static void clear(struct world *w)
{
    orr_text_release(&w->result.problems);
    orr_answers_release(&w->answers);
    orr_job_free(w->job);
}

static void between(double least, double value, double most)
{
    if (!(value >= least && value <= most))
        fail_msg("%f is not between %f and %f", value, least, most);
}

/* 1,000 s of work on four cores is 250 s; what comes on top is naps and the linger of
 * the writer, at the start and at the end only: the next attempt waits at its core. */
static void equal_tasks_on_one_node_take_what_they_take(void **state)
{
    (void)state;
    struct world w;
    make(&w, "rest", "1000", 1, 4);
    simulate(&w);
    assert_int_equal(w.result.status.state, ORR_RUN_SUCCEEDED);
    assert_int_equal(w.result.status.done, 2000); /* each rest leads to a quick */
    assert_int_equal(w.result.attempts, 2000);
    between(250, w.result.makespan, 250.2);
    between(999.999, w.result.work, 1000.001);
    between(0.999, w.result.efficiency, 1);
    assert_true(w.result.waste == 0);
    clear(&w);
}

static void a_call_of_two_cores_takes_two(void **state)
{
    (void)state;
    struct world w;
    make(&w, "wide", "10", 1, 5); /* two at once: the fifth core is left over */
    simulate(&w);
    between(5, w.result.makespan, 5.3);
    between(19.999, w.result.work, 20.001);
    clear(&w);
}

static void a_call_too_wide_for_all_nodes_fails(void **state)
{
    (void)state;
    struct world w;
    make(&w, "wide", "3", 4, 1);
    simulate(&w);
    assert_int_equal(w.result.status.state, ORR_RUN_FAILED);
    assert_non_null(strstr(w.result.problems.s, "more cores than any node has"));
    clear(&w);
}

static void figures(struct world *w, struct orr_text *out)
{
    struct orri_cluster cluster = { .nodes = w->setup.nodes,
                                    .cores = w->setup.cores,
                                    .seed = w->setup.seed };
    simulate(w);
    orri_sim_json(&w->result, &cluster, out);
}

static void disturb(struct world *w)
{
    w->setup.costs = orr_sim_costs_default();
    w->setup.times =
        (struct orr_sim_times) { .distribution = ORR_DISTRIBUTION_LOGNORMAL,
                                 .spread = 1 };
    w->setup.faults = (struct orr_sim_faults) { .mtbf = 120,
                                                .failures = 0.1,
                                                .slow = 2,
                                                .slowness = 3,
                                                .taken = 1,
                                                .taken_at = 5 };
}

static void the_same_seed_gives_the_same(void **state)
{
    (void)state;
    struct world w;
    struct orr_text first = ORR_TEXT_INIT;
    struct orr_text again = ORR_TEXT_INIT;
    struct orr_text other = ORR_TEXT_INIT;
    make(&w, "rest", "2000", 8, 4);
    disturb(&w);
    figures(&w, &first);
    figures(&w, &again);
    w.setup.seed = 2;
    figures(&w, &other);
    assert_string_equal(first.s, again.s);
    assert_string_not_equal(first.s, other.s);
    orr_text_release(&first);
    orr_text_release(&again);
    orr_text_release(&other);
    clear(&w);
}

/* Nodes die, attempts fail, and each task is counted once. */
static void every_task_counts_once(void **state)
{
    (void)state;
    struct world w;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        make(&w, "rest", "1000", 16, 4);
        disturb(&w);
        w.setup.times.distribution = ORR_DISTRIBUTION_CONSTANT;
        w.setup.seed = seed;
        simulate(&w);
        assert_int_equal(w.result.status.state, ORR_RUN_SUCCEEDED);
        assert_int_equal(w.result.status.done, 2000);
        assert_int_equal(w.result.status.tasks, 2000);
        between(999.999, w.result.work, 1000.001); /* first results only */
        assert_true(w.result.waste > 0);
        assert_true(w.result.status.lost_nodes > 0);
        assert_true(w.result.attempts > 2000);
        clear(&w);
    }
}

static void taken_nodes_are_missed_after_half_a_minute(void **state)
{
    (void)state;
    struct world w;
    make(&w, "rest", "400", 4, 4);
    w.setup.faults = (struct orr_sim_faults) { .taken = 1, .taken_at = 10.5 };
    simulate(&w);
    assert_int_equal(w.result.status.lost_nodes, 1);
    assert_int_equal(w.result.status.done, 800);
    between(2, w.result.waste, 2.05); /* four attempts, half a second each */
    between(40.5, w.result.makespan, 45);
    clear(&w);
}

static void without_nodes_it_stops(void **state)
{
    (void)state;
    struct world w;
    make(&w, "rest", "400", 2, 2);
    w.setup.faults = (struct orr_sim_faults) { .taken = 2, .taken_at = 3.5 };
    simulate(&w);
    assert_int_equal(w.result.status.state, ORR_RUN_STOPPED);
    assert_non_null(strstr(w.result.problems.s, "all nodes are lost"));
    clear(&w);
}

static void told_to_end_it_drains(void **state)
{
    (void)state;
    struct world w;
    make(&w, "rest", "400", 2, 2);
    w.setup.faults = (struct orr_sim_faults) { .told_to_end = 10.5, .grace = 60 };
    simulate(&w);
    assert_int_equal(w.result.status.state, ORR_RUN_DRAINED);
    between(10.5, w.result.makespan, 11.2); /* what runs may end */
    between(43, w.result.work, 44.001);
    w.setup.faults.grace = 0;
    simulate(&w);
    between(10.5, w.result.makespan, 10.7);
    between(39, w.result.work, 40.001);
    assert_true(w.result.waste > 0);
    clear(&w);
}

static void slow_nodes_get_less(void **state)
{
    (void)state;
    struct world w;
    make(&w, "rest", "600", 2, 2);
    w.setup.faults = (struct orr_sim_faults) { .slow = 1, .slowness = 2 };
    simulate(&w);
    between(200, w.result.makespan, 203); /* three cores' worth */
    clear(&w);
}

/* 16 nodes of 8 cores, 1,000 calls of 1 s: 8 rounds. Two nodes take 20 s for one. */
static void stragglers_run_on_a_second_node(void **state)
{
    (void)state;
    struct world w;
    make(&w, "rest", "1000", 16, 8);
    w.setup.faults = (struct orr_sim_faults) { .slow = 2, .slowness = 20 };
    w.setup.no_twins = true;
    simulate(&w);
    between(20, w.result.makespan, 21);
    assert_int_equal(w.result.status.twins, 0);
    w.setup.no_twins = false;
    simulate(&w);
    between(9, w.result.makespan, 14);
    between(16, (double)w.result.status.twins, 32);
    assert_true(w.result.status.twins_won >= 16);
    assert_int_equal(w.result.status.done, 2000);
    assert_int_equal(w.result.status.failed_attempts, 0);
    between(999.999, w.result.work, 1000.001); /* first results only */
    between(1, w.result.waste, 16 * 20);
    clear(&w);
}

/* Attempts of a tenth of a second wait behind others; on the slow node, for seconds. */
static void what_waits_behind_others_is_taken_back(void **state)
{
    (void)state;
    struct world w;
    make(&w, "rest", "100", 4, 2);
    w.setup.times.mean = 0.1;
    w.setup.no_twins = true;
    w.setup.faults = (struct orr_sim_faults) { .slow = 1, .slowness = 50 };
    simulate(&w);
    assert_true(w.result.status.taken_back > 0);
    between(5, w.result.makespan, 10.5); /* it ends what runs, at most twice */
    assert_int_equal(w.result.status.done, 200);
    clear(&w);
}

/* Nodes die while attempts run on two of them. */
static void twins_are_counted_once(void **state)
{
    (void)state;
    struct world w;
    uint64_t twins = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        make(&w, "rest", "200", 8, 4);
        w.setup.faults = (struct orr_sim_faults) {
            .mtbf = 200, .failures = 0.05, .slow = 3, .slowness = 15
        };
        w.setup.seed = seed;
        simulate(&w);
        assert_int_equal(w.result.status.state, ORR_RUN_SUCCEEDED);
        assert_int_equal(w.result.status.done, 400);
        between(199.999, w.result.work, 200.001);
        twins += w.result.status.twins;
        clear(&w);
    }
    assert_true(twins > 100);
}

/* Two of four nodes fail everything at once: without retries all requests would fail.
 */
static void sick_nodes_are_set_aside(void **state)
{
    (void)state;
    struct world w;
    make(&w, "wide", "100", 4, 4); /* no retries */
    w.setup.faults = (struct orr_sim_faults) { .sick = 2 };
    simulate(&w);
    assert_int_equal(w.result.status.state, ORR_RUN_SUCCEEDED);
    assert_int_equal(w.result.status.set_aside, 2);
    assert_int_equal(w.result.status.failed_attempts, 0);
    assert_int_equal(w.result.status.done, 200);
    between(2, (double)w.result.status.forgiven, 40);
    assert_non_null(strstr(w.result.status.set_aside_nodes, "rank "));
    between(25, w.result.makespan, 27);
    clear(&w);
}

/* The last node works on, and what fails there fails. */
static void all_nodes_are_never_set_aside(void **state)
{
    (void)state;
    struct world w;
    make(&w, "rest", "50", 3, 4);
    w.setup.faults = (struct orr_sim_faults) { .sick = 3 };
    simulate(&w);
    assert_int_equal(w.result.status.state, ORR_RUN_FAILED);
    assert_int_equal(w.result.status.set_aside, 0);
    assert_true(w.result.status.failed_attempts > 20);
    clear(&w);
}

/* Chance alone sets no node aside, nor takes many opinions. */
static void failures_everywhere_are_nobodys_fault(void **state)
{
    (void)state;
    struct world w;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        make(&w, "rest", "2000", 8, 4);
        w.setup.faults = (struct orr_sim_faults) { .failures = 0.3 };
        w.setup.seed = seed;
        simulate(&w);
        assert_int_equal(w.result.status.state, ORR_RUN_SUCCEEDED);
        assert_int_equal(w.result.status.set_aside, 0);
        between(0, (double)w.result.status.forgiven, 100);
        clear(&w);
    }
}

/* A sick node is better than none. */
static void a_node_set_aside_works_again_when_others_are_lost(void **state)
{
    (void)state;
    struct world w;
    make(&w, "rest", "2000", 4, 4);
    w.setup.faults =
        (struct orr_sim_faults) { .sick = 1, .taken = 3, .taken_at = 20.5 };
    for (w.setup.seed = 1; w.setup.seed <= 8; w.setup.seed++) {
        simulate(&w);
        if (w.result.status.lost_nodes == 3 && w.result.status.failed_attempts)
            break; /* all but the sick one were taken */
    }
    assert_int_equal(w.result.status.lost_nodes, 3);
    assert_int_equal(w.result.status.set_aside, 0);
    assert_int_equal(w.result.status.state, ORR_RUN_FAILED);
    clear(&w);
}

static void a_slow_rank_0_is_the_bottleneck(void **state)
{
    (void)state;
    struct world w;
    make(&w, "rest", "1000", 4, 64);
    w.setup.costs.task_ns = 10e6;
    w.setup.times.mean = 0.01;
    simulate(&w);
    between(20, w.result.makespan, 21); /* 2,000 tasks of 10 ms of rank 0 */
    between(0.95, w.result.coordinator_busy, 1);
    clear(&w);
}

static void a_slow_network_is_the_bottleneck(void **state)
{
    (void)state;
    struct world w;
    make(&w, "rest", "1000", 4, 64);
    w.setup.costs.network_ns_per_byte = 1e5; /* 10 kB/s */
    w.setup.times.mean = 0.001;
    simulate(&w);
    double up = (double)w.result.bytes_up * 1e-4;
    double down = (double)w.result.bytes_down * 1e-4;
    double most = up > down ? up : down;
    between(0.9 * most, w.result.makespan, up + down + 1);
    clear(&w);
}

static void what_nobody_knows_is_told(void **state)
{
    (void)state;
    struct world w;
    make(&w, "rest", "3", 1, 1);
    struct orr_graph_function *rest =
        (struct orr_graph_function *)(uintptr_t)&w.job->graph->functions[0];
    assert_string_equal(rest->name, "rest");
    rest->cost = NULL;
    assert_int_equal(orr_simulate(&w.setup, &w.result, &w.err), ORR_ERR_INPUT);
    assert_string_equal(w.err.text,
                        "nothing says how long 'rest' takes: give it `cost:`, or use "
                        "--mean, or --costs with an earlier run");
    orr_text_release(&w.result.problems);
    rest->example = NULL;
    assert_int_equal(orr_simulate(&w.setup, &w.result, &w.err), ORR_ERR_INPUT);
    assert_string_equal(w.err.text,
                        "nothing says what 'rest' returns: give it `example:`, or use "
                        "--costs with an earlier run");
    clear(&w);
}

/* Means of the distributions are what was asked for. */
static void times_have_their_mean(void **state)
{
    (void)state;
    struct world w;
    for (int i = 0; i <= ORR_DISTRIBUTION_LOGNORMAL; i++) {
        make(&w, "rest", "20000", 10, 100);
        w.setup.times =
            (struct orr_sim_times) { .distribution = (enum orr_distribution)i,
                                     .spread = 0.5 };
        simulate(&w);
        between(19600, w.result.work, 20400);
        clear(&w);
    }
}

/* ---- the file of costs ---- */

static const struct {
    const char *name;
    const char *text;
    const char *error;
    unsigned line;
} files[] = {
    { "no number", "step_ns: 5\nlatency_ns: fast\n",
      "'latency_ns: fast' is no cost; a line is NAME: NUMBER, with the names that "
      "`orrery bench calibrate` prints",
      2 },
    { "no such name", "speed: 5",
      "'speed: 5' is no cost; a line is NAME: NUMBER, with the names that `orrery "
      "bench "
      "calibrate` prints",
      1 },
    { "negative", "# costs\n\nstep_ns: -5\n",
      "'step_ns: -5' is no cost; a line is NAME: NUMBER, with the names that `orrery "
      "bench calibrate` prints",
      3 },
};

static orr_status read_file(const char *contents, struct orr_sim_costs *costs,
                            struct orr_error *err)
{
    char path[] = "/tmp/orrery-costs-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(orr_file_write(path, contents, strlen(contents), false, err),
                     ORR_OK);
    orr_status status = orr_sim_costs_read(path, costs, err);
    (void)unlink(path);
    return status;
}

static void costs_read_as_they_were_printed(void **state)
{
    (void)state;
    struct orr_error err = { 0 };
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_sim_costs costs = orr_sim_costs_default();
    struct orr_sim_costs back = { 0 };
    costs.latency_ns = 1234.5;
    orr_sim_costs_print(&costs, &out);
    assert_int_equal(read_file(out.s, &back, &err), ORR_OK);
    assert_memory_equal(&costs, &back, sizeof costs);
    orr_text_release(&out);
}

static void wrong_costs_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct orr_error err = { 0 };
        struct orr_sim_costs costs = { 0 };
        assert_int_equal(read_file(files[i].text, &costs, &err), ORR_ERR_INPUT);
        assert_string_equal(err.text, files[i].error);
        assert_int_equal(err.at.line, files[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_tasks_on_one_node_take_what_they_take),
        cmocka_unit_test(a_call_of_two_cores_takes_two),
        cmocka_unit_test(a_call_too_wide_for_all_nodes_fails),
        cmocka_unit_test(the_same_seed_gives_the_same),
        cmocka_unit_test(every_task_counts_once),
        cmocka_unit_test(taken_nodes_are_missed_after_half_a_minute),
        cmocka_unit_test(without_nodes_it_stops),
        cmocka_unit_test(told_to_end_it_drains),
        cmocka_unit_test(slow_nodes_get_less),
        cmocka_unit_test(stragglers_run_on_a_second_node),
        cmocka_unit_test(what_waits_behind_others_is_taken_back),
        cmocka_unit_test(twins_are_counted_once),
        cmocka_unit_test(sick_nodes_are_set_aside),
        cmocka_unit_test(all_nodes_are_never_set_aside),
        cmocka_unit_test(failures_everywhere_are_nobodys_fault),
        cmocka_unit_test(a_node_set_aside_works_again_when_others_are_lost),
        cmocka_unit_test(a_slow_rank_0_is_the_bottleneck),
        cmocka_unit_test(a_slow_network_is_the_bottleneck),
        cmocka_unit_test(what_nobody_knows_is_told),
        cmocka_unit_test(times_have_their_mean),
        cmocka_unit_test(costs_read_as_they_were_printed),
        cmocka_unit_test(wrong_costs_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
