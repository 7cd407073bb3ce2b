/* job.c - job files: what requests they make, or what is wrong with them */
#include "fixture.h"

static const char workflow[] =
    "orrery: 1\n"
    "workflow: w\n"
    "inputs:\n"
    "  source: {type: path, doc: video}\n"
    "  n: {type: int, default: 3}\n"
    "  s: {type: string, default: abc}\n"
    "  d: {type: duration, default: 1s}\n"
    "  rs: {type: list<b>, default: []}\n"
    "facts: {a: {x: int}, b: {y: int, z: string?}}\n"
    "functions: {f: {use: core.noop}}\n"
    "rules:\n"
    "- rule: one\n"
    "  match: {j: job}\n"
    "  action: {call: f, with: {i: j.n}}\n"
    "  reaction:\n"
    "  - {assert: a, with: {x: result.i}}\n"
    "- rule: two\n"
    "  match: {t: a, j: job}\n"
    "  where: dirname(j.source) != \"/\" and j.s != '' and j.d "
    "> 0s and j.rs == []\n"
    "  assert: b\n"
    "  with: {y: t.x}\n"
    "outputs: {o: {each: b}}\n";

struct job_case {
    const char *name, *text;
    struct orr_setting settings[4];
    const char *result; /* the requests, or the findings */
};

#define SET(input, text)                                                               \
    {                                                                                  \
        .name = (input), .value = (text)                                               \
    }

static const struct job_case cases[] = {
    { .name = "complete",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n",
      .result = "{source: \"/d/a.mp4\", n: 3, s: \"abc\", d: 1s, rs: []}" },
    { .name = "relative",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: ../x/./a.mp4, s: ../x, n: 2 *"
              " 3, d: 1min30s, rs: [{y: 1}, {y: 2, z: hi}]}\n",
      .result = "{source: \"/x/a.mp4\", n: 6, s: \"../x\", d: 90s"
                ", rs: [{y: 1, z: null}, {y: 2, z: \"hi\"}]}" },
    { .name = "a setting with a directory of its own",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n",
      .settings = { { .name = "source", .value = "a.mp4", .directory = "/base/x" } },
      .result = "{source: \"/base/x/a.mp4\", n: 3, s: \"abc\", d: 1s, rs: []}" },
    { .name = "absolute",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: /b//c/../a.mp4, s: \"no\", d: \"2s\"}\n",
      .result = "{source: \"/b/a.mp4\", n: 3, s: \"no\", d: 2s, rs: []}" },
    { .name = "missing",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n",
      .result = "1:1 E0502 input 'source' (video) is missing; give it under "
                "'inputs' of the job, or with --set source=VALUE" },
    { .name = "settings that are empty or wrong are not missing too",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n",
      .settings = { { .name = "source", .value = "" }, { .name = "n", .value = " " } },
      .result = "0:0 E0404 int is expected, but the value is empty\n"
                "0:0 E0404 path is expected, but this is empty" },
    { .name = "job typo",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {sourc: a.mp4}\n",
      .result = "4:10 E0501 unknown input 'sourc'; did you mean 'source'?" },
    { .name = "job key",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "input: {source: a.mp4}\n",
      .result = "1:1 E0502 input 'source' (video) is missing; give it under "
                "'inputs' of the job, or with --set source=VALUE\n"
                "4:1 E0301 a job has no key 'input'; did you mean 'inputs'?" },
    { .name = "job type",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4, n: many, d: 3, rs: [{z: 1}]}\n",
      .result = "4:28 E0404 int is expected, but this is 'many'\n"
                "4:37 E0215 a duration needs a unit, but this is 3; write 3s or 3min, "
                "whichever is meant\n"
                "4:45 E0406 the field 'y' is missing" },
    { .name = "requests",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {n: 1}\n"
              "requests:\n"
              "- {source: a.mp4}\n"
              "- {source: b.mp4, n: 2}\n",
      .result = "{source: \"/d/a.mp4\", n: 1, s: \"abc\", d: 1s, rs: []}\n"
                "{source: \"/d/b.mp4\", n: 2, s: \"abc\", d: 1s, rs: []}" },
    { .name = "requests missing",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "requests:\n"
              "- {source: a.mp4}\n"
              "- {n: 2}\n",
      .result = "6:3 E0502 input 'source' (video) is missing; give it under "
                "'inputs' of the job, or with --set source=VALUE" },
    { .name = "requests empty",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "requests: []\n",
      .result = "4:11 E0504 the list of requests is empty" },
    { .name = "sweep",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n"
              "sweep: {n: [1, 2], s: [x, y, z]}\n",
      .result = "{source: \"/d/a.mp4\", n: 1, s: \"x\", d: 1s, rs: []}\n"
                "{source: \"/d/a.mp4\", n: 1, s: \"y\", d: 1s, rs: []}\n"
                "{source: \"/d/a.mp4\", n: 1, s: \"z\", d: 1s, rs: []}\n"
                "{source: \"/d/a.mp4\", n: 2, s: \"x\", d: 1s, rs: []}\n"
                "{source: \"/d/a.mp4\", n: 2, s: \"y\", d: 1s, rs: []}\n"
                "{source: \"/d/a.mp4\", n: 2, s: \"z\", d: 1s, rs: []}" },
    { .name = "sweep type",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n"
              "sweep: {n: [1, b], q: [1], s: x}\n",
      .result = "5:16 E0404 int is expected, but this is 'b'\n"
                "5:20 E0501 unknown input 'q'\n"
                "5:31 E0505 a sweep gives a list of values fo"
                "r 's', at least one" },
    { .name = "sweep empty",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n"
              "sweep: {n: []}\n",
      .result = "5:12 E0505 a sweep gives a list of values fo"
                "r 'n', at least one" },
    { .name = "sweep large",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n"
              "sweep:\n"
              "  n: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]\n"
              "  s: [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p]\n"
              "  d: [1s,2s,3s,4s,5s,6s,7s,8s,9s,10s,11s,12s,1"
              "3s,14s,15s,16s]\n",
      .result = "6:3 E0503 the sweep gives more than the 4096"
                " requests that a run holds" },
    { .name = "both",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "requests: [{source: a.mp4}]\n"
              "sweep: {n: [1]}\n",
      .result = "5:8 E0506 a job has either requests or a sweep, not both" },
    { .name = "no workflow",
      .text = "orrery: 1\n"
              "job: t\n",
      .result = "1:1 E0302 a job needs the key 'workflow'" },
    { .name = "workflow not there",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: v.yaml\n",
      .result = "3:11 E0433 cannot open /d/v.yaml" },
    { .name = "slurm",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n"
              "slurm: {nodes: [1, 2], \"a b\": 1}\n",
      .result = "5:16 E0303 'nodes' must be a single value\n"
                "5:24 E0507 a slurm option is one line, its n"
                "ame without spaces" },
    { .name = "set",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n",
      .settings = { SET("n", "5"), SET("source", "/z.mp4"), SET("s", "no: [quotes"),
                    SET("rs", "[{y: 4}]") },
      .result = "{source: \"/z.mp4\", n: 5, s: \"no: [quotes\", d"
                ": 1s, rs: [{y: 4, z: null}]}" },
    { .name = "set typo",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n",
      .settings = { SET("m", "5") },
      .result = "0:0 E0501 unknown input 'm'" },
    { .name = "set type",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n",
      .settings = { SET("n", "x"), SET("d", "5") },
      .result = "1:1 E0215 a duration needs a unit, but this is 5; write 5s or 5min, "
                "whichever is meant\n1:1 E0404 int is expected, but this is 'x'" },
    { .name = "one request",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n"
              "sweep: {n: [1, 2], s: [x, y, z]}\n",
      .settings = { SET(ORR_SETTING_REQUEST, "4"), SET("d", "3s") },
      .result = "{source: \"/d/a.mp4\", n: 2, s: \"y\", d: 3s, rs: []}" },
    { .name = "no such request",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n"
              "sweep: {n: [1, 2], s: [x, y, z]}\n",
      .settings = { SET(ORR_SETTING_REQUEST, "6") },
      .result = "0:0 - there is no such request: the job has 6, counted from 0" },
    { .name = "one request of a wrong job",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n"
              "sweep: {n: []}\n",
      .settings = { SET(ORR_SETTING_REQUEST, "6") },
      .result = "5:12 E0505 a sweep gives a list of values for 'n', at least one" },
    { .name = "set syntax",
      .text = "orrery: 1\n"
              "job: t\n"
              "workflow: w.yaml\n"
              "inputs: {source: a.mp4}\n",
      .settings = { SET("rs", "[{") },
      .result = "2:1 E0101 not YAML: did not find expected node content" },
};

static size_t count_settings(const struct job_case *c)
{
    size_t n = 0;
    while (n < 4 && c->settings[n].name)
        n++;
    return n;
}

static void makes_requests(void **state)
{
    const struct job_case *c = *state;
    const char *const names[] = { "/d/job.yaml", c->text, "/d/w.yaml", workflow, NULL };
    struct files files = { names };
    struct orr_sources sources = { read_memory, &files };
    struct orr_diags diags = { 0 };
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_job *job = orr_job_compile("/d/job.yaml", &sources, c->settings,
                                          count_settings(c), &registry, &diags);
    char *found = findings_text(&diags, true);
    for (uint32_t i = 0; job && i < job->n_requests; i++) {
        orr_text_puts(&out, i ? "\n" : "");
        orr_value_print(job->requests[i], &out);
    }
    assert_string_equal(job ? out.s : found, c->result);
    free(found);
    orr_text_release(&out);
    orr_job_free(job);
    orr_diags_release(&diags);
}

/* A workflow whose inputs are all set is a job by itself. */
static void workflow_is_a_job(void **state)
{
    const char *const names[] = { "/d/w.yaml", workflow, NULL };
    struct files files = { names };
    struct orr_sources sources = { read_memory, &files };
    struct orr_setting set = { .name = "source", .value = "/a.mp4" };
    struct orr_diags diags = { 0 };
    (void)state;
    struct orr_job *job =
        orr_job_compile("/d/w.yaml", &sources, &set, 1, &registry, &diags);
    assert_non_null(job);
    assert_int_equal(job->n_requests, 1);
    assert_string_equal(job->workflow_path, "/d/w.yaml");
    orr_job_free(job);
    assert_null(orr_job_compile("/d/w.yaml", &sources, NULL, 0, &registry, &diags));
    assert_string_equal(diags.items[0].message, "input 'source' (video) is missing");
    orr_diags_release(&diags);
}

static void slurm_is_kept(void **state)
{
    const char *const names[] = {
        "/d/job.yaml",
        "orrery: 1\njob: t\nworkflow: w.yaml\n"
        "inputs: {source: a}\n"
        "slurm: {nodes: 2, time: 01:00:00, tasks-per-node: 64}\n",
        "/d/w.yaml", workflow, NULL
    };
    struct files files = { names };
    struct orr_sources sources = { read_memory, &files };
    struct orr_diags diags = { 0 };
    (void)state;
    struct orr_job *job =
        orr_job_compile("/d/job.yaml", &sources, NULL, 0, &registry, &diags);
    assert_non_null(job);
    assert_int_equal(job->n_slurm, 3);
    assert_string_equal(job->slurm_names[1], "time");
    assert_string_equal(job->slurm_values[1], "01:00:00");
    orr_job_free(job);
    orr_diags_release(&diags);
}

static struct orr_id digest_of(const char *text)
{
    const char *const names[] = { "/d/w.yaml", text, NULL };
    struct files files = { names };
    struct orr_sources sources = { read_memory, &files };
    struct orr_diags diags = { 0 };
    struct orr_graph *graph =
        orr_graph_compile("/d/w.yaml", &sources, &registry, &diags);
    assert_non_null(graph);
    struct orr_id id = graph->digest;
    orr_graph_free(graph);
    orr_diags_release(&diags);
    return id;
}

/* Comments, spacing and docs do not count; what the rules do does. */
static void digest_is_of_the_meaning(void **state)
{
    struct orr_text text = ORR_TEXT_INIT;
    (void)state;
    orr_text_puts(&text, "# a comment\n\n");
    orr_text_puts(&text, workflow);
    assert_true(orr_id_equal(digest_of(workflow), digest_of(text.s)));
    char *doc = strstr(text.s, "doc: video");
    assert_non_null(doc);
    memcpy(doc, "doc: films", 10);
    assert_true(orr_id_equal(digest_of(workflow), digest_of(text.s)));
    char *condition = strstr(text.s, "j.d > 0s");
    assert_non_null(condition);
    condition[6] = '1';
    assert_false(orr_id_equal(digest_of(workflow), digest_of(text.s)));
    orr_text_release(&text);
}

int main(void)
{
    enum { N = sizeof cases / sizeof *cases };
    static const struct CMUnitTest more[] = {
        cmocka_unit_test(workflow_is_a_job), cmocka_unit_test(slurm_is_kept),
        cmocka_unit_test(digest_is_of_the_meaning)
    };
    static struct CMUnitTest tests[N + 3];
    for (size_t i = 0; i < N; i++)
        tests[i] =
            (struct CMUnitTest) { .name = cases[i].name,
                                  .test_func = makes_requests,
                                  .initial_state = (void *)(uintptr_t)&cases[i] };
    memcpy(tests + N, more, sizeof more);
    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
