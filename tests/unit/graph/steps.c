/* steps.c - steps: what is found wrong, and that the rules which they become are rules
 */
#include "fixture.h"

#define HEAD                                                                           \
    "orrery: 1\nworkflow: s\ninputs: {source: path, n: {type: int, default: 3}}\n"     \
    "functions:\n"                                                                     \
    "  probe: {use: media.probe}\n"                                                    \
    "  split: {use: media.split}\n"                                                    \
    "  encode: {use: media.encode}\n"                                                  \
    "  mux: {use: media.mux}\n"                                                        \
    "  noop: {use: core.noop}\n"                                                       \
    "steps:\n"

struct step_case {
    const char *name, *steps, *findings;
};

static const struct step_case cases[] = {
    { "the example of the language page",
      "  - {step: probe,  call: probe,  with: {source: inputs.source}}\n"
      "  - {step: split,  call: split,  with: {source: inputs.source, every: 2s}}\n"
      "  - {step: encode, call: encode, for: c in split.chunks,\n"
      "     with: {source: inputs.source, first: c.first, frames: c.frames, height: "
      "360, crf: inputs.n}}\n"
      "  - {step: mux,    call: mux,    with: {chunks: encode.data, fps: probe.fps, "
      "file: \"out.mp4\"}}\n",
      "" },
    { "any order",
      "  - {step: b, call: noop, with: {i: a.i}}\n"
      "  - {step: a, call: noop, with: {i: inputs.n}}\n",
      "" },
    { "unknown name",
      "  - {step: encode, call: noop, with: {i: inputs.n}}\n"
      "  - {step: b, call: noop, with: {i: encod.i}}\n",
      "12:37 E0206 unknown name 'encod'; did you mean 'encode'?" },
    { "unknown input", "  - {step: a, call: noop, with: {i: inputs.m}}\n",
      "11:44 E0207 job has no field 'm'" },
    { "unknown function", "  - {step: a, call: nop, with: {i: inputs.n}}\n",
      "11:21 E0401 unknown function 'nop'; did you mean 'noop'?" },
    { "unknown step after",
      "  - {step: first, call: noop, with: {i: inputs.n}}\n"
      "  - {step: b, call: noop, with: {i: 1}, after: [frist]}\n",
      "12:49 E0401 unknown step 'frist'; did you mean 'first'?" },
    { "waits for itself", "  - {step: a, call: noop, with: {i: a.i}}\n",
      "11:12 E0427 step 'a' waits for itself" },
    { "a circle",
      "  - {step: a, call: noop, with: {i: b.i}}\n"
      "  - {step: b, call: noop, with: {i: inputs.n}, after: a}\n",
      "12:12 E0427 step 'b' waits for step 'a', which waits for it" },
    { "twice",
      "  - {step: a, call: noop, with: {i: inputs.n}}\n"
      "  - {step: a, call: noop, with: {i: 1}}\n",
      "12:12 E0409 step 'a' stands twice; first in line 11" },
    { "named inputs", "  - {step: inputs, call: noop, with: {i: 1}}\n",
      "11:12 E0403 'inputs' cannot be the name of a step: it holds the inputs" },
    { "named like a type", "  - {step: path, call: noop, with: {i: inputs.n}}\n",
      "11:12 E0403 'path' cannot be the name of a step: the language uses the word" },
    { "no name for an expression", "  - {step: a-b, call: noop, with: {i: inputs.n}}\n",
      "11:12 E0403 'a-b' cannot be the name of a step: letters, digits and _ only, no "
      "digit first" },
    { "for without in", "  - {step: a, call: noop, for: x, with: {i: 1}}\n",
      "11:32 E0423 'for' of a step is written VARIABLE in LIST" },
    { "for with an index",
      "  - step: a\n    call: noop\n    for: i, x in [1, 2]\n    with: {i: x}\n",
      "13:10 E0423 'for' of a step is written VARIABLE in LIST" },
    { "for over no list",
      "  - {step: a, call: noop, for: x in inputs.n, with: {i: x}}\n",
      "11:44 E0423 'for' needs a list, but this is int" },
    { "variable is a step",
      "  - {step: a, call: noop, for: a in range(3), with: {i: a}}\n",
      "11:32 E0409 variable 'a' of the loop has the name of a step" },
    { "when is no bool", "  - {step: a, call: noop, when: inputs.n, with: {i: 1}}\n",
      "11:40 E0210 bool is expected, but this is int" },
    { "a skipped step may have no result",
      "  - {step: a, call: noop, when: inputs.n > 1, with: {i: 1}}\n"
      "  - {step: b, call: noop, with: {i: a.i + 1}}\n",
      "12:39 E0213 a.i may be null; test it first: 'x if a.i != null else y'" },
    { "wrong argument", "  - {step: a, call: noop, with: {i: inputs.source}}\n",
      "11:44 E0210 int? is expected, but this is path" },
    { "an argument too many", "  - {step: a, call: noop, with: {i: inputs.n, j: 1}}\n",
      "11:47 E0405 function 'noop' has no argument 'j'" },
    { "a loop outside is lists",
      "  - {step: a, call: noop, for: x in range(inputs.n), with: {i: x}}\n"
      "  - {step: b, call: noop, with: {i: a.i}}\n",
      "12:39 E0210 int? is expected, but this is list<int>" },
    { "variable is no name",
      "  - {step: a, call: noop, for: 6x in range(3), with: {i: 1}}\n",
      "11:32 E0403 '6x' cannot be the name of a variable: letters, digits and _ only, "
      "no "
      "digit first" },
    { "variable is a word",
      "  - {step: a, call: noop, for: error in range(3), with: {i: 1}}\n",
      "11:32 E0403 'error' cannot be the name of a variable: the language uses the "
      "word" },
    { "step is a word", "  - {step: result, call: noop, with: {i: 1}}\n",
      "11:12 E0403 'result' cannot be the name of a step: the language uses the word" },
    { "a choice as the list",
      "  - step: index\n    call: noop\n    for: x in [1] if inputs.n > 3 else [2, 3]\n"
      "    when: x > 1 or inputs.n > 2\n    with: {i: x}\n",
      "" },
    { "no outputs: what nobody names",
      "  - {step: a, call: noop, with: {i: inputs.n}}\n"
      "outputs: {a: {fact: b}}\n",
      "12:21 E0401 unknown fact 'b'" },
};

static struct orr_graph *compile(const char *text, struct orr_diags *diags)
{
    const char *const one[] = { "s.yaml", text, NULL };
    struct files files = { one };
    struct orr_sources sources = { read_memory, &files };
    return orr_graph_compile("s.yaml", &sources, &registry, diags);
}

static void says_so(void **state)
{
    const struct step_case *step = *state;
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_diags diags = { 0 };
    orr_text_printf(&text, "%s%s", HEAD, step->steps);
    struct orr_graph *graph = compile(text.s, &diags);
    char *found = findings_text(&diags, false);
    assert_string_equal(found, step->findings);
    assert_int_equal(graph == NULL, *step->findings != '\0');
    free(found);
    orr_graph_free(graph);
    orr_diags_release(&diags);
    orr_text_release(&text);
}

/* ---- what steps became, in their place, is the same workflow ---- */

static bool is_replaced(const char *line)
{
    static const char *const sections[] = { "facts:", "steps:", "rules:", "outputs:" };
    for (size_t i = 0; i < 4; i++)
        if (strncmp(line, sections[i], strlen(sections[i])) == 0)
            return true;
    return false;
}

/* `text` without its facts, steps, rules and outputs; with `rules` instead. */
static char *with_rules(const char *text, const char *rules)
{
    struct orr_text out = ORR_TEXT_INIT;
    bool drop = false;
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        n += line[n] == '\n';
        if (*line != ' ' && *line != '#' && *line != '\n' && *line != '-')
            drop = is_replaced(line);
        if (!drop)
            orr_text_append(&out, line, n);
        line += n;
    }
    orr_text_puts(&out, rules);
    return out.s;
}

static void check_round_trip(const char *text)
{
    struct orr_diags diags = { 0 };
    struct orr_text rules = ORR_TEXT_INIT;
    struct orr_graph *first = compile(text, &diags);
    if (!first)
        fail_msg("%s", findings_text(&diags, false));
    orr_graph_print_rules(first, &rules);
    char *other = with_rules(text, rules.s);
    struct orr_graph *second = compile(other, &diags);
    char *found = findings_text(&diags, false);
    if (!second)
        fail_msg("%s\n%s", found, other);
    if (!orr_id_equal(first->digest, second->digest))
        fail_msg("another workflow:\n%s", other);
    free(found);
    free(other);
    orr_graph_free(first);
    orr_graph_free(second);
    orr_text_release(&rules);
    orr_diags_release(&diags);
}

static void steps_become_rules(void **state)
{
    (void)state;
    static const char *const all[] = {
        "  - {step: make, call: split, with: {source: inputs.source}}\n"
        "  - {step: one, call: noop, for: c in make.chunks, when: c.frames > 0, with: "
        "{i: "
        "c.index}}\n"
        "  - {step: two, call: noop, for: c in make.chunks, when: c.frames > 0, "
        "priority: "
        "-c.index, with: {i: one.i + c.first}}\n"
        "  - {step: other, call: noop, for: index in range(3), with: {i: index + "
        "len(two.i)}}\n"
        "  - {step: maybe, call: noop, when: inputs.n > 2 or len(other.i) > 1, with: "
        "{i: "
        "1}}\n"
        "  - {step: last, doc: 'it''s \"the\" last', call: noop, after: [two, other], "
        "with: {i: \"{maybe.i if maybe.i != null else 7}\"}}\n",
        "  - step: name\n    call: mux\n    with:\n      chunks: []\n      fps: 24\n"
        "      file: \"a {{b}} {inputs.source:>8} \\\"x\\\"\"\n",
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct orr_text text = ORR_TEXT_INIT;
        orr_text_printf(&text, "%s%s", HEAD, all[i]);
        check_round_trip(text.s);
        orr_text_release(&text);
    }
}

/* All that rules may say, printed and read again. */
static void rules_become_themselves(void **state)
{
    (void)state;
    check_round_trip(
        "orrery: 1\nworkflow: r\n"
        "inputs: {n: int, names: {type: list<string>, default: [a, 'b\"c', '{d}']}}\n"
        "functions: {f: {use: core.noop}, e: {use: media.encode}}\n"
        "facts:\n"
        "  part: {fields: {i: int, r: 'list<{x: int, y: string?}>'}, key: [i], doc: "
        "'a: #1'}\n"
        "  done: {i: int, text: string, d: duration, s: size}\n"
        "rules:\n"
        "- rule: 'make: it'\n"
        "  doc: a part\n"
        "  match: {j: job}\n"
        "  for: k, name in j.names\n"
        "  when: name != \"x\" and k < 4\n"
        "  assert: part\n"
        "  with: {i: k, r: [{x: k, y: \"n {name}\"}, {x: 2, y: null}]}\n"
        "- rule: call\n"
        "  match: {j: job, p: part}\n"
        "  where: p.i >= 0 and (p.i < 3 or j.n == 2)\n"
        "  action:\n"
        "    call: f\n"
        "    with:\n"
        "      i: p.i if p.i in [1, 2] else -p.i\n"
        "    priority: -p.i\n"
        "    deadline: 1h30min\n"
        "  reaction:\n"
        "  - assert: done\n"
        "    with: {i: result.i, text: \"{result.i:03d}: {{}}\", d: 90s * 2, s: "
        "64KiB}\n"
        "  error:\n"
        "  - {when: error.kind == \"timeout\" or attempt > 2, retry: {max: 3, delay: "
        "10s, with: {i: 4}}}\n"
        "  - when: error.code == 3\n"
        "    assert: done\n"
        "    with: {i: p.i, text: \"lost: {error.message}\", d: 0s, s: 0B}\n"
        "  - {when: error.code == 4, skip: true}\n"
        "  - fail: \"no {p.i}: {error.message}\"\n"
        "- rule: collect\n"
        "  match: {j: job}\n"
        "  gather: {d: done, where: d.i >= 0 and d.text != \"\", count: len(j.names), "
        "order: "
        "d.i + 0}\n"
        "  then:\n"
        "  - {assert: part, with: {i: -1, r: \"{[]}\"}}\n"
        "outputs: {'all of it': {each: done, doc: \"every 'one'\"}, p: {fact: "
        "part}}\n");
}

static void examples_become_themselves(void **state)
{
    (void)state;
    static const char *const names[] = { "ladder.yaml", "ffmpeg-chunks.yaml" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct orr_text text = ORR_TEXT_INIT;
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/workflows/%s", ORR_SOURCE_DIR, names[i]);
        assert_int_equal(orr_file_read(path, 1 << 20, &text, NULL), ORR_OK);
        check_round_trip(text.s);
        orr_text_release(&text);
    }
}

/* Without `outputs`, what nobody names has to be there. */
static void leaves_are_outputs(void **state)
{
    (void)state;
    struct orr_diags diags = { 0 };
    struct orr_graph *graph =
        compile(HEAD "  - {step: a, call: noop, with: {i: inputs.n}}\n"
                     "  - {step: b, call: noop, for: x in range(a.i), with: {i: x}}\n"
                     "  - {step: c, call: noop, with: {i: a.i}}\n",
                &diags);
    assert_non_null(graph);
    assert_int_equal(graph->n_outputs, 2);
    assert_string_equal(graph->outputs[0].name, "b");
    assert_string_equal(graph->facts[graph->outputs[0].fact].name, "b_all");
    assert_string_equal(graph->facts[graph->outputs[1].fact].name, "c");
    orr_graph_free(graph);
    orr_diags_release(&diags);
}

int main(void)
{
    enum { N = sizeof cases / sizeof *cases };
    struct CMUnitTest tests[N + 4];
    for (size_t i = 0; i < N; i++)
        tests[i] =
            (struct CMUnitTest) { .name = cases[i].name,
                                  .test_func = says_so,
                                  .initial_state = (void *)(uintptr_t)&cases[i] };
    tests[N] = (struct CMUnitTest)cmocka_unit_test(steps_become_rules);
    tests[N + 1] = (struct CMUnitTest)cmocka_unit_test(rules_become_themselves);
    tests[N + 2] = (struct CMUnitTest)cmocka_unit_test(leaves_are_outputs);
    tests[N + 3] = (struct CMUnitTest)cmocka_unit_test(examples_become_themselves);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
