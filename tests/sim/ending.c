/* ending.c - runs that know when their time is over, on clusters that are not there */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "cli/simulation.h"

#include <stdio.h>
#include <string.h>

static const char text[] =
    "orrery: 1\nworkflow: mix\n"
    "inputs:\n"
    "  long: {type: int, default: 40}\n"
    "  short: {type: int, default: 400}\n"
    "facts:\n  big: {i: int}\n  small: {i: int}\n"
    "  done_big: {i: int}\n  done_small: {i: int}\n"
    "functions:\n"
    "  encode: {use: core.sleep, cost: seconds(time), example: {i: i}}\n"
    "  measure: {use: core.sleep, cost: seconds(time), example: {i: i}}\n"
    "rules:\n"
    "  - {rule: bigs, match: {j: job}, for: i in range(j.long), assert: big,"
    " with: {i: i}}\n"
    "  - {rule: smalls, match: {j: job}, for: i in range(j.short), assert: small,"
    " with: {i: i}}\n"
    "  - rule: encode\n    match: {t: big}\n"
    "    action: {call: encode, with: {i: t.i, time: 10min}}\n"
    "    reaction: [{assert: done_big, with: {i: result.i}}]\n"
    "  - rule: measure\n    match: {t: small}\n"
    "    action: {call: measure, with: {i: t.i, time: 20s}}\n"
    "    reaction: [{assert: done_small, with: {i: result.i}}]\n"
    "outputs: {done_big: {each: done_big}, done_small: {each: done_small}}\n";

static orr_status read_text(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    (void)context, (void)path, (void)err;
    orr_text_puts(out, text);
    return ORR_OK;
}

/* 40 calls of ten minutes and so many of 20 s, on eight cores. */
static struct orr_sim_result simulate(const char *n_short, double limit,
                                      double told_to_end)
{
    struct orr_setting setting = { .name = "short", .value = n_short };
    struct orr_sources sources = { read_text, NULL };
    struct orr_diags diags = { 0 };
    struct orr_sim_result result;
    struct orr_error err;
    struct orr_job *job =
        orr_job_compile("mix.yaml", &sources, &setting, 1, orri_registry(), &diags);
    assert_non_null(job);
    struct orr_answers answers = { .graph = job->graph };
    struct orr_sim_setup setup = { .graph = job->graph,
                                   .requests = job->requests,
                                   .n_requests = job->n_requests,
                                   .name = "mix",
                                   .nodes = 2,
                                   .cores = 4,
                                   .answers = &answers,
                                   .time_limit = limit,
                                   .faults.told_to_end = told_to_end,
                                   .seed = 1 };
    if (orr_simulate(&setup, &result, &err) != ORR_OK)
        fail_msg("%s", err.text);
    orr_answers_release(&answers);
    orr_job_free(job);
    orr_diags_release(&diags);
    return result;
}

static void between(double least, double value, double most)
{
    if (!(value >= least && value <= most))
        fail_msg("%f is not between %f and %f", value, least, most);
}

/* Two rounds of long ones in 25 min less 30 s; the rest is filled with short ones, of
 * which all but the last round end in time. */
static void short_ones_fill_what_long_ones_leave(void **state)
{
    (void)state;
    struct orr_sim_result r = simulate("400", 1500, 0);
    assert_int_equal(r.status.state, ORR_RUN_DRAINED);
    assert_true(r.waste == 0);
    assert_true(r.efficiency > 0.99);
    between(1450, r.makespan, 1470);
    orr_text_release(&r.problems);
    r = simulate("400", 0, 1500); /* one that is only told: */
    assert_int_equal(r.status.state, ORR_RUN_DRAINED);
    assert_true(r.waste > 1000);
    orr_text_release(&r.problems);
}

static void what_fits_no_more_is_left_and_the_run_ends_at_once(void **state)
{
    (void)state;
    struct orr_sim_result r = simulate("0", 1500, 0);
    assert_int_equal(r.status.state, ORR_RUN_DRAINED);
    assert_int_equal(r.status.done, 16);
    assert_true(r.waste == 0);
    between(1200, r.makespan, 1203);
    assert_string_equal(r.status.message,
                        "ended before its end: attempts have 4 min 28 s left, one of "
                        "'encode' is expected to take 10 min 00 s");
    orr_text_release(&r.problems);
}

static void what_never_fits_is_tried_and_then_the_run_says_so(void **state)
{
    (void)state;
    struct orr_sim_result r = simulate("0", 540, 0);
    assert_int_equal(r.status.state, ORR_RUN_STOPPED);
    assert_int_equal(r.status.done, 0);
    assert_int_equal(r.attempts, 8); /* all cores; none waits for nothing behind */
    assert_non_null(strstr(r.status.message, "one of 'encode' ran for"));
    orr_text_release(&r.problems);
    r = simulate("16", 540, 0); /* first what can be done */
    assert_int_equal(r.status.state, ORR_RUN_DRAINED);
    assert_int_equal(r.status.done, 16);
    orr_text_release(&r.problems);
}

static void with_time_enough_nothing_changes(void **state)
{
    (void)state;
    struct orr_sim_result a = simulate("400", 0, 0);
    struct orr_sim_result b = simulate("400", 86400, 0);
    assert_int_equal(b.status.state, ORR_RUN_SUCCEEDED);
    between(a.makespan - 0.1, b.makespan, a.makespan + 0.1);
    orr_text_release(&a.problems);
    orr_text_release(&b.problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_ones_fill_what_long_ones_leave),
        cmocka_unit_test(what_fits_no_more_is_left_and_the_run_ends_at_once),
        cmocka_unit_test(what_never_fits_is_tried_and_then_the_run_says_so),
        cmocka_unit_test(with_time_enough_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
