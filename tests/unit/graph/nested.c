/* nested.c - workflows that name workflows: what is found wrong, and what is linked */
#include "fixture.h"

enum { FILES_MAX = 4 };

struct nested_case {
    const char *name;
    const char *functions; /* of the outer workflow: f is called with {n: 1} */
    const char *files[2 * FILES_MAX]; /* further ones: name, text */
    const char *findings;
};

#define LEAF(name, rest)                                                               \
    "orrery: 1\nworkflow: " name "\ninputs: {n: int}\nfacts: {a: {x: int}}\n" rest     \
    "rules:\n- {rule: one, match: {j: job}, assert: a, with: {x: j.n}}\n"              \
    "outputs: {o: {fact: a}}\n"

static const struct nested_case cases[] = {
    { "good", "{f: {workflow: in.yaml}}", { "/w/in.yaml", LEAF("in", "") }, "" },
    { "cannot be read",
      "{f: {workflow: no.yaml}}",
      { 0 },
      "w.yaml 4:27 E0433 cannot open /w/no.yaml" },
    { "errors inside",
      "{f: {workflow: in.yaml}}",
      { "/w/in.yaml", LEAF("in", "pools: {p: {share: 2}}\n") },
      "in.yaml 5:20 E0407 share must be above 0 and at most 1" },
    { "errors inside are told once",
      "{f: {workflow: in.yaml}, g: {workflow: ./in.yaml}}",
      { "/w/in.yaml", LEAF("in", "pools: {p: {share: 2}}\n") },
      "in.yaml 5:20 E0407 share must be above 0 and at most 1" },
    { "more cores inside than the pool has",
      "{f: {workflow: in.yaml, pool: p}}\npools: {p: {max: 2}}",
      { "/w/in.yaml", LEAF("in", "functions: {g: {use: core.noop, cores: 4}}\n") },
      "w.yaml 4:42 E0407 'f.g' needs 4 cores, but pool 'p' has 2 at most" },
    { "itself",
      "{f: {workflow: w.yaml}}",
      { 0 },
      "w.yaml 4:27 E0418 workflow 'w.yaml' calls itself" },
    { "itself by another",
      "{f: {workflow: in.yaml}}",
      { "/w/in.yaml", LEAF("in", "functions: {up: {workflow: ../w/w.yaml}}\n") },
      "in.yaml 5:28 E0418 workflow '../w/w.yaml' calls itself by way of this one" },
    { "keys of other forms",
      "{f: {workflow: in.yaml, cores: 2, out: {x: int}, cost: 1.0}}",
      { "/w/in.yaml", LEAF("in", "") },
      "w.yaml 4:51 E0411 'out' does not go with workflow: its functions have their "
      "own\n"
      "w.yaml 4:43 E0411 'cores' does not go with workflow: its functions have their "
      "own\n"
      "w.yaml 4:67 E0411 'cost' does not go with workflow: its functions have their "
      "own" },
};

static char *findings_with_files(struct orr_diags *diags)
{
    struct orr_text out = ORR_TEXT_INIT;
    orr_text_append(&out, "", 0);
    for (size_t i = 0; i < diags->n; i++) {
        const struct orr_diag *d = &diags->items[i];
        const char *slash = strrchr(d->at.file, '/');
        if (!d->warning)
            orr_text_printf(&out, "%s%s %u:%u %s %s", out.length ? "\n" : "",
                            slash ? slash + 1 : d->at.file, d->at.line, d->at.column,
                            d->id, d->message);
    }
    return out.s;
}

static struct orr_graph *compile(const struct nested_case *nested, const char *call,
                                 struct orr_diags *diags)
{
    struct orr_text outer = ORR_TEXT_INIT;
    const char *names_and_texts[2 * FILES_MAX + 3] = { "/w/w.yaml" };
    orr_text_printf(
        &outer,
        "orrery: 1\nworkflow: w\nfacts: {b: {y: int}}\nfunctions: %s\n"
        "rules:\n- rule: r\n  match: {j: job}\n  action: {call: f, with: {%s}}\n"
        "  reaction: [{assert: b, with: {y: result.o.x}}]\n"
        "outputs: {b: {fact: b}}\n",
        nested->functions, call);
    names_and_texts[1] = outer.s;
    memcpy(names_and_texts + 2, nested->files, sizeof nested->files);
    struct files files = { names_and_texts };
    struct orr_sources sources = { read_memory, &files };
    struct orr_graph *graph =
        orr_graph_compile("/w/w.yaml", &sources, &registry, diags);
    orr_text_release(&outer);
    return graph;
}

static void says_so(void **state)
{
    const struct nested_case *nested = *state;
    struct orr_diags diags = { 0 };
    struct orr_graph *graph = compile(nested, "n: 1", &diags);
    char *text = findings_with_files(&diags);
    assert_string_equal(text, nested->findings);
    assert_int_equal(graph == NULL, *nested->findings != '\0');
    free(text);
    orr_graph_free(graph);
    orr_diags_release(&diags);
}

/* Arguments and results are typed by the inner workflow. */
static void calls_are_typed(void **state)
{
    struct orr_diags diags = { 0 };
    assert_null(compile(&cases[0], "n: 1.5", &diags));
    char *text = findings_with_files(&diags);
    assert_string_equal(text, "w.yaml 8:31 E0210 int is expected, but this is float");
    free(text);
    orr_diags_release(&diags);
    assert_null(compile(&cases[0], "", &diags));
    text = findings_with_files(&diags);
    assert_string_equal(text, "w.yaml 8:27 E0406 function 'f' needs the argument 'n'");
    free(text);
    orr_diags_release(&diags);
    (void)state;
}

/* Two levels, one file used twice: names, indices and pools of the linked tables. */
static void tables_are_linked(void **state)
{
    static const struct nested_case two = {
        .functions = "{f: {workflow: mid.yaml, priority: 5}, g: {workflow: in.yaml}}",
        .files = { "/w/mid.yaml",
                   LEAF("mid", "pools: {p: {max: 2}}\n"
                               "functions: {in: {workflow: in.yaml, pool: p}, n: {use: "
                               "core.noop, priority: 1}}\n"),
                   "/w/in.yaml",
                   LEAF("in", "pools: {q: {share: 0.5}}\n"
                              "functions: {n: {use: core.noop, pool: q}}\n") }
    };
    struct orr_diags diags = { 0 };
    struct orr_graph *g = compile(&two, "n: 1", &diags);
    (void)state;
    assert_non_null(g);
    static const char *const facts[] = { "job",      "b",      "f.job", "f.a",
                                         "f.in.job", "f.in.a", "g.job", "g.a" };
    static const char *const functions[] = { "f", "g", "f.in", "f.n", "f.in.n", "g.n" };
    static const char *const pools[] = { "all", "f.p", "f.in.q", "g.q" };
    assert_int_equal(g->n_facts, 8);
    for (uint32_t i = 0; i < 8; i++)
        assert_string_equal(g->facts[i].name, facts[i]);
    assert_int_equal(g->n_functions, 6);
    for (uint32_t i = 0; i < 6; i++)
        assert_string_equal(g->functions[i].name, functions[i]);
    assert_int_equal(g->n_pools, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_string_equal(g->pools[i].name, pools[i]);
    assert_int_equal(g->pools[2].parent, 1);
    assert_int_equal(g->functions[4].pool, 2);
    assert_int_equal(g->functions[3].priority, 6);
    assert_int_equal(g->n_modules, 3);
    for (uint32_t i = 0; i < 6; i++)
        if (g->functions[i].form == ORR_FORM_WORKFLOW) {
            const struct orr_module *m = &g->modules[g->functions[i].module];
            assert_int_equal(m->function, i);
            assert_string_equal(g->facts[m->job].name, i == 0   ? "f.job"
                                                       : i == 1 ? "g.job"
                                                                : "f.in.job");
            assert_int_equal(m->outputs[0].fact, m->job + 1);
        }
    orr_graph_free(g);
    orr_diags_release(&diags);
}

int main(void)
{
    enum { N = sizeof cases / sizeof *cases };
    struct CMUnitTest tests[N + 2];
    for (size_t i = 0; i < N; i++)
        tests[i] =
            (struct CMUnitTest) { .name = cases[i].name,
                                  .test_func = says_so,
                                  .initial_state = (void *)(uintptr_t)&cases[i] };
    tests[N] = (struct CMUnitTest)cmocka_unit_test(calls_are_typed);
    tests[N + 1] = (struct CMUnitTest)cmocka_unit_test(tables_are_linked);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
