/* ladder.c - the workflows of the repository: they compile, and their plans are as
 * tests/golden says (ORR_GOLDEN_UPDATE=1 writes them anew) */
#include "fixture.h"

static struct orr_job *compile(const char *file, struct orr_diags *diags)
{
    struct orr_sources sources = { read_disk, NULL };
    char path[500];
    (void)snprintf(path, sizeof path, "%s/%s", ORR_SOURCE_DIR, file);
    struct orr_job *job = orr_job_compile(path, &sources, NULL, 0, &registry, diags);
    if (diags->n) {
        struct orr_text text = ORR_TEXT_INIT;
        orr_diags_render(diags, NULL, NULL, &text);
        print_message("%s", text.s);
        orr_text_release(&text);
    }
    return job;
}

static void compare_golden(const char *name, const char *text)
{
    struct orr_text golden = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    char path[500];
    (void)snprintf(path, sizeof path, "%s/tests/golden/%s", ORR_SOURCE_DIR, name);
    if (getenv("ORR_GOLDEN_UPDATE"))
        assert_int_equal(orr_file_write(path, text, strlen(text), false, &err), ORR_OK);
    if (orr_file_read(path, 1 << 20, &golden, &err) != ORR_OK)
        fail_msg("%s", err.text);
    assert_string_equal(text, golden.s);
    orr_text_release(&golden);
}

struct golden_case {
    const char *job, *golden;
    size_t warnings;
    uint32_t requests;
};

static void plan_is_golden(void **state)
{
    const struct golden_case *wanted = *state;
    struct orr_diags diags = { 0 };
    struct orr_text plan = ORR_TEXT_INIT;
    struct orr_job *job = compile(wanted->job, &diags);
    assert_non_null(job);
    assert_int_equal(diags.warnings, wanted->warnings);
    assert_int_equal(job->n_requests, wanted->requests);
    orr_graph_print(job->graph, &plan);
    compare_golden(wanted->golden, plan.s);
    orr_text_release(&plan);
    orr_job_free(job);
    orr_diags_release(&diags);
}

static void ladder_is_numbered(void **state)
{
    (void)state;
    struct orr_diags diags = { 0 };
    struct orr_job *job = compile("jobs/clip.yaml", &diags);
    assert_non_null(job);
    const struct orr_graph *g = job->graph;
    assert_string_equal(g->facts[0].name, "job");
    assert_int_equal(g->facts[0].record->n_fields, 4);
    assert_int_equal(g->n_rules, 6);
    assert_int_equal(g->rules[0].n_then, 2);
    assert_int_equal(g->rules[0].result_slot, 2);
    assert_int_equal(g->rules[0].n_slots, 5);
    assert_int_equal(g->rules[4].n_where, 4);
    assert_string_equal(g->rules[5].gather.name, "e");
    assert_int_equal(g->rules[5].gather.slot, 3);
    assert_int_equal(g->rules[5].gather.candidate_slot, 4);
    assert_int_equal(g->rules[2].n_handlers, 2);
    assert_int_equal(g->rules[2].handlers[0].retry_max, 3);
    assert_int_equal(g->rules[2].handlers[0].retry_delay, 10 * INT64_C(1000000000));
    assert_string_equal(g->pools[0].name, "all");
    assert_int_equal(g->functions[2].timeout, 1800 * INT64_C(1000000000));
    assert_true(g->functions[2].isolated);
    orr_job_free(job);
    orr_diags_release(&diags);
}

static void inputs_are_complete(void **state)
{
    (void)state;
    struct orr_diags diags = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_job *job = compile("jobs/clip.yaml", &diags);
    assert_non_null(job);
    orr_value_print(job->requests[0], &text);
    char wanted[800];
    (void)snprintf(wanted, sizeof wanted,
                   "{source: \"%s/clips/ocean.mp4\", chunk: 2s, target: 0.9, rungs: "
                   "[{name: \"720p\", height: 720, crf: 26}, "
                   "{name: \"360p\", height: 360, crf: 28}]}",
                   ORR_SOURCE_DIR);
    assert_string_equal(text.s, wanted);
    orr_text_release(&text);
    orr_job_free(job);
    orr_diags_release(&diags);
}

int main(void)
{
    static struct golden_case cases[] = {
        { "jobs/clip.yaml", "ladder.plan", 1, 1 },
        { "jobs/sweep.yaml", "sweep.plan", 0, 9 },
        { "jobs/ffmpeg-chunks.yaml", "ffmpeg-chunks.plan", 0, 1 },
    };
    struct CMUnitTest tests[sizeof cases / sizeof *cases + 2];
    size_t n = 0;
    for (; n < sizeof cases / sizeof *cases; n++)
        tests[n] = (struct CMUnitTest) { .name = cases[n].job,
                                         .test_func = plan_is_golden,
                                         .initial_state = &cases[n] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(ladder_is_numbered);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(inputs_are_complete);
    return cmocka_run_group_tests_name("ladder", tests, NULL, NULL);
}
