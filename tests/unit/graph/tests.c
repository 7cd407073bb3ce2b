/* tests.c - examples and tests in a workflow: what the compiler says to mistakes in
 * them, and that nothing of them counts for what a run does */
#include "fixture.h"

static const char head[] = "orrery: 1\n"
                           "workflow: w\n"
                           "inputs: {n: int, s: {type: path, default: a.mkv}}\n"
                           "facts: {a: {i: int, v: float?, b: blob, p: path}}\n"
                           "functions:\n";
static const char function[] =
    "  f: {command: [x, \"{out.p}\", \"{out.b}\"], in: {i: "
    "int, q: path?}, out: {p: path, b: blob,\n"
    "      v: float}, stdout: json, env: {I: \"{i}\", Q: \"{q == "
    "null}\"}}\n";
static const char rules[] =
    "rules:\n"
    "- {rule: r, match: {j: job}, action: {call: f, with: {i: j.n, q: j.s}},\n"
    "   reaction: [{assert: a, with: {i: 1, b: result.b, p: result.p}}]}\n"
    "outputs: {o: {each: a}}\n";

struct test_case {
    const char *name;
    const char *function; /* NULL: as above */
    const char *tests;    /* after `rules`, from line 12 on */
    const char *findings;
};

static const struct test_case cases[] = {
    { .name = "good",
      .tests = "tests:\n"
               "- test: a\n"
               "  doc: all forms\n"
               "  inputs: {n: 1 + 1, s: b.mkv}\n"
               "  answers:\n"
               "    f:\n"
               "    - {when: i == 2 and attempt == 1, fail: timeout}\n"
               "    - {times: 1, fail: {kind: io, code: 2, message: \"no {i}\"}}\n"
               "    - result:\n"
               "        b: \"x{i}\"\n"
               "        p: \"{str(q) if q != null else '-'}.out\"\n"
               "  expect:\n"
               "    facts: {a: [{i: 1, v: null, b: x2, p: b.mkv.out}]}\n"
               "    tasks: {f: {count: 1, attempts: 3, some: [{i: 2}]}}\n"
               "    outputs: {o: {exactly: [{}]}}\n"
               "- test: b\n"
               "  inputs: {n: 1}\n"
               "  expect: {succeeds: false, message: no answer, facts: {a: []}}\n"
               "- {test: c, inputs: {n: 1}}\n",
      .findings = "" },
    { .name = "no tests", .tests = "tests:\n", .findings = "" },
    { .name = "examples: fields that rules read",
      .function = "  f: {command: [x, \"{out.p}\", \"{out.b}\"], in: {i: int, q: "
                  "path?}, out: {p: path,\n"
                  "      b: blob, v: float}, stdout: json, example: {b: \"x\"}}\n",
      .tests = "",
      .findings = "7:50 E0601 the example of 'f' lacks the result 'p', which rule 'r' "
                  "reads" },
    { .name = "examples: names and types",
      .function =
          "  f: {command: [x, \"{out.p}\", \"{out.b}\"], in: {i: int, q: path?}, out: "
          "{p: path,\n"
          "      b: blob, v: float}, stdout: json, example: {b: i, p: \"x\", w: 1}}\n",
      .tests = "",
      .findings = "7:54 E0210 string is expected, but this is int; use str()\n"
                  "7:65 E0405 'f' has no result 'w'" },
    { .name = "examples: not a mapping",
      .function = "  f: {command: [x, \"{out.p}\", \"{out.b}\"], in: {i: int, q: "
                  "path?}, out: {p: path,\n"
                  "      b: blob, v: float}, stdout: json, example: x}\n",
      .tests = "",
      .findings =
          "7:50 E0303 'example' must be a mapping, but this is a single value" },
    { .name = "keys",
      .tests =
          "tests:\n"
          "- {tets: a}\n"
          "- {test: b, inputs: {n: 1}, expects: {}}\n"
          "- test: c\n"
          "  inputs: {n: 1}\n"
          "  answers: {f: {resul: {}}}\n"
          "  expect: {fact: {}, tasks: {f: {cout: 1}}, facts: {a: {attempts: 1}}}\n",
      .findings = "13:3 E0302 a test needs the key 'test'\n"
                  "13:4 E0301 a test has no key 'tets'; did you mean 'test'?\n"
                  "14:29 E0301 a test has no key 'expects'; did you mean 'expect'?\n"
                  "17:16 E0602 an answer of 'f' needs one of result and fail\n"
                  "17:17 E0301 an answer has no key 'resul'; did you mean 'result'?\n"
                  "18:12 E0301 expect has no key 'fact'; did you mean 'facts'?\n"
                  "18:34 E0301 an expectation of tasks has no key 'cout'; did you mean "
                  "'count'?\n"
                  "18:57 E0301 an expectation has no key 'attempts'" },
    { .name = "names",
      .tests = "tests:\n"
               "- test: a\n"
               "  inputs: {m: 1}\n"
               "  answers: {g: [{fail: io}, {fail: io}]}\n"
               "  expect: {facts: {b: 1}, tasks: {g: 1}, outputs: {a: 1}}\n"
               "- {test: a, inputs: {n: 1}}\n",
      .findings = "14:11 E0502 test 'a' needs the input 'n'\n"
                  "14:12 E0501 unknown input 'm'\n"
                  "15:13 E0401 unknown function 'g'\n"
                  "16:20 E0401 unknown fact 'b'\n"
                  "16:35 E0401 unknown function 'g'\n"
                  "16:52 E0401 unknown output 'a'\n"
                  "17:10 E0409 there are two tests 'a'" },
    { .name = "types",
      .tests = "tests:\n"
               "- test: a\n"
               "  inputs: {n: x}\n"
               "  answers:\n"
               "    f: {when: i, times: 0, result: {b: \"\", p: \"\", v: \"1\"}}\n"
               "  expect:\n"
               "    succeeds: perhaps\n"
               "    facts: {a: [{i: 1.5, c: 1}, x], job: many}\n"
               "    tasks: {f: [{i: \"1\"}]}\n",
      .findings =
          "14:15 E0404 int is expected, but this is 'x'\n"
          "16:15 E0210 bool is expected, but this is int\n"
          "16:25 E0407 times must be at least 1\n"
          "16:55 E0210 float is expected, but this is string; an expression is written "
          "without the quotes\n"
          "18:15 E0404 bool is expected, but this is 'perhaps'\n"
          "19:33 E0303 'exactly' must be a list of mappings, but this is a single "
          "value\n"
          "19:42 E0404 int is expected, but this is 'many'\n"
          "20:21 E0404 int is expected, but this is string; write it without quotes" },
    { .name = "answers",
      .tests = "tests:\n"
               "- test: a\n"
               "  inputs: {n: 1}\n"
               "  answers:\n"
               "    f:\n"
               "    - {fail: crash}\n"
               "    - {result: {b: \"\"}}\n"
               "    - {result: {b: \"\", p: \"\"}, fail: io}\n"
               "    - {when: k == 1, fail: io}\n"
               "    - {fail: [io]}\n"
               "- test: b\n"
               "  inputs: {n: 1}\n"
               "  answers: {f: []}\n"
               "- test: c\n"
               "  inputs: {n: 1}\n"
               "  answers: {f: x}\n"
               "- {test: d, inputs: {n: 1}, answers: {f: {result: }}}\n",
      .findings =
          "17:14 E0412 unknown kind of failure 'crash'\n"
          "18:16 E0601 the answer of 'f' lacks the result 'p', which rule 'r' "
          "reads\n"
          "19:7 E0602 an answer of 'f' needs only one of result and fail\n"
          "20:14 E0206 unknown name 'k'\n"
          "21:7 W0604 an answer before it always holds: this one is never given\n"
          "21:14 E0303 'fail' must be a mapping, but this is a list\n"
          "27:16 E0303 an answer must be a mapping, but this is a single value\n"
          "28:42 E0602 an answer of 'f' needs one of result and fail" },
    { .name = "an answer that is never given",
      .tests = "tests:\n"
               "- test: a\n"
               "  inputs: {n: 1}\n"
               "  answers:\n"
               "    f:\n"
               "    - {times: 2, fail: io}\n"
               "    - {fail: io}\n"
               "    - {when: i == 1, fail: io}\n",
      .findings = "19:7 W0604 an answer before it always holds: this one is never "
                  "given" },
    { .name = "parts that do not go together",
      .tests = "tests:\n"
               "- test: a\n"
               "  inputs: {n: 1}\n"
               "  expect:\n"
               "    succeeds: true\n"
               "    message: x\n"
               "    facts: {a: {exactly: [], count: 0}}\n"
               "    outputs: {o: {}}\n",
      .findings = "17:14 E0603 a request that succeeds has no message\n"
                  "18:26 E0603 'exactly' says all of 'a': it stands without count and "
                  "some\n"
                  "19:18 E0603 nothing is expected of 'o'" },
};

static struct orr_graph *compile(const char *f, const char *tests,
                                 struct orr_diags *diags)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_printf(&text, "%s%s%s%s", head, f ? f : function, rules, tests);
    const char *const names[] = { "/d/w.yaml", text.s, NULL };
    struct files files = { names };
    struct orr_sources sources = { read_memory, &files };
    struct orr_graph *graph =
        orr_graph_compile("/d/w.yaml", &sources, &registry, diags);
    orr_text_release(&text);
    return graph;
}

static void says_so(void **state)
{
    const struct test_case *c = *state;
    struct orr_diags diags = { 0 };
    struct orr_graph *graph = compile(c->function, c->tests, &diags);
    char *found = findings_text(&diags, true);
    assert_string_equal(found, c->findings);
    assert_true((graph != NULL) == (diags.errors == 0));
    free(found);
    orr_graph_free(graph);
    orr_diags_release(&diags);
}

static void a_run_does_not_see_them(void **state)
{
    struct orr_diags diags = { 0 };
    (void)state;
    struct orr_graph *plain = compile(NULL, "", &diags);
    struct orr_graph *tested = compile(
        "  f: {command: [x, \"{out.p}\", \"{out.b}\"], in: {i: int, q: path?}, out: "
        "{p: path,\n"
        "      b: blob, v: float}, stdout: json, env: {I: \"{i}\", Q: \"{q == "
        "null}\"}, example: {b: \"x\", p: \"y\"}}\n",
        "tests: [{test: a, inputs: {n: 1}}]\n", &diags);
    assert_non_null(plain);
    assert_non_null(tested);
    assert_int_equal(tested->n_tests, 1);
    assert_non_null(tested->functions[0].example);
    assert_true(orr_id_equal(plain->digest, tested->digest));
    assert_true(
        orr_id_equal(plain->functions[0].content, tested->functions[0].content));
    orr_graph_free(plain);
    orr_graph_free(tested);
    orr_diags_release(&diags);
}

int main(void)
{
    enum { N = sizeof cases / sizeof *cases };
    static struct CMUnitTest tests[N + 1];
    for (size_t i = 0; i < N; i++)
        tests[i] =
            (struct CMUnitTest) { .name = cases[i].name,
                                  .test_func = says_so,
                                  .initial_state = (void *)(uintptr_t)&cases[i] };
    tests[N] = (struct CMUnitTest) { .name = "a run does not see them",
                                     .test_func = a_run_does_not_see_them };
    return cmocka_run_group_tests_name("tests", tests, NULL, NULL);
}
