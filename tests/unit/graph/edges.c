/* edges.c - bad and odd input: encodings, line ends, numbers at their limits, texts of
 * a megabyte, deep nesting, aliases of aliases. Each has one known outcome. */
#include "compose.h"

struct edge {
    const char *name;
    const char *head;   /* of the file */
    const char *repeat; /* so many times behind it; NULL: none */
    size_t times;
    const char *tail;
    bool whole;           /* not a part of the workflow that is right */
    const char *findings; /* exactly; or, when it starts with ~, a part of them */
};

#define DEFAULT(type, value)                                                           \
    "inputs: {source: path, n: {type: int, default: 3}, v: {type: " type               \
    ", default: " value "}}\n"
#define UNUSED "3:52 W0441 input 'v' is not used"

static const struct edge edges[] = {
    /* ---- line ends, marks, blanks ---- */
    { "byte order mark", .whole = true, .head = "\xEF\xBB\xBF[1]\n",
      .findings = "1:1 E0303 a workflow must be a mapping, but this is a list" },
    { "only a byte order mark", .whole = true, .head = "\xEF\xBB\xBF",
      .findings = "1:1 E0109 the file is empty" },
    { "UTF-16", .whole = true, .head = "\xFF\xFEo\x01",
      .findings = "1:1 E0103 not UTF-8 text: byte 0xff" },
    { "empty", .whole = true, .head = "", .findings = "1:1 E0109 the file is empty" },
    { "blanks", .whole = true, .head = "  \n\n  \n",
      .findings = "1:1 E0109 the file is empty" },
    { "line ends of Windows", .whole = true,
      .head = "orrery: 1\r\nworkflow: w\r\nrules: []\r\noutputs: {}\r\nrule: x\r\n",
      .findings = "5:1 E0301 a workflow has no key 'rule'; did you mean 'rules'?" },
    { "tab", .whole = true, .head = "orrery: 1\ninputs:\n\tsource: path\n",
      .findings = "3:1 E0102 a tab cannot indent or separate here: YAML wants spaces" },
    { "no line end", .whole = true, .head = "orrery: 1\nworkflow: w\nrulez: []",
      .findings = "~3:1 E0301 a workflow has no key 'rulez'; did you mean 'rules'?" },
    /* ---- characters ---- */
    { "names of functions and rules in UTF-8",
      .head = "functions: {\xC3\xA9tape: {use: core.noop}}\n"
              "rules:\n"
              "- rule: \xE8\xA6\x8F\xE5\x89\x87\n"
              "  match: {j: job}\n"
              "  where: dirname(j.source) != \"\xC3\xA9\"\n"
              "  action: {call: \xC3\xA9tape, with: {i: j.n}}\n"
              "  reaction: [{assert: b, with: {y: result.i}}]\n",
      .findings = "4:9 W0444 fact 'a' is not used" },
    { "fact in UTF-8",
      .head = "facts: {a: {x: int}, b: {y: int, z: string?}, "
              "\xC3\xA9: {x: int}}\n",
      .findings = "4:47 E0403 '\xC3\xA9' cannot be the name of a fact: letters, digits "
                  "and _ only, no digit first" },
    { "broken UTF-8", .head = "rules:\n- rule: \"\xC3(\"\n",
      .findings = "7:10 E0103 not UTF-8 text: byte 0xc3" },
    { "UTF-8 too long", .head = "rules:\n- rule: \"\xC0\x80\"\n",
      .findings = "7:10 E0103 not UTF-8 text: byte 0xc0" },
    { "half a pair", .head = "rules:\n- rule: \"\xED\xA0\x80\"\n",
      .findings = "7:10 E0103 not UTF-8 text: byte 0xed" },
    { "cut UTF-8", .whole = true, .head = "orrery: \xE2\x80",
      .findings = "1:9 E0103 not UTF-8 text: byte 0xe2" },
    { "bell", .head = "rules:\n- rule: \"\x07\"\n",
      .findings = "7:10 E0103 the file holds a character that YAML does not allow" },
    { "emoji before the place",
      .head = "rules:\n- rule: \"\xF0\x9F\x8E\xAC\"\n  match: {j: job}\n"
              "  assert: b\n  with: {z: \"\xF0\x9F\x8E\xAC {q}\"}\n",
      .findings =
          "10:9 E0406 fact 'b' needs the field 'y'\n10:17 E0206 unknown name 'q'" },
    /* ---- numbers ---- */
    { "greatest int", .head = DEFAULT("int", "9223372036854775807"),
      .findings = UNUSED },
    { "one more", .head = DEFAULT("int", "9223372036854775808"),
      .findings = "3:76 E0202 this number does not fit into 64 bits" },
    { "least int", .head = DEFAULT("int", "-9223372036854775808"), .findings = UNUSED },
    { "one less", .head = DEFAULT("int", "-9223372036854775809"),
      .findings = "3:77 E0202 this number does not fit into 64 bits" },
    { "minus the least", .head = DEFAULT("int", "0 - -9223372036854775808"),
      .findings = "3:78 E0214 '-': the result does not fit into 64 bits" },
    { "minus zero", .head = DEFAULT("int", "-0"), .findings = UNUSED },
    { "minus zero, float", .head = DEFAULT("float", "-0.0"), .findings = UNUSED },
    { "great float", .head = DEFAULT("float", "1e308"), .findings = UNUSED },
    { "too great", .head = DEFAULT("float", "1e400"),
      .findings = "3:78 E0202 this number is too large for a float" },
    { "too small is zero", .head = DEFAULT("float", "1e-400"), .findings = UNUSED },
    { "infinite is a float", .head = DEFAULT("float", "1e308 * 10"),
      .findings = UNUSED },
    { "NaN", .head = DEFAULT("float", "nan"),
      .findings = "3:78 E0404 float is expected, but this is 'nan'" },
    { "NaN of YAML", .head = DEFAULT("float", ".nan"),
      .findings = "3:78 E0201 a value is expected, but '.' stands here; numbers and "
                  "their units are written together, as in 5min" },
    { "inf of YAML", .head = DEFAULT("float", "-.inf"),
      .findings = "3:79 E0201 a value is expected, but '.' stands here; numbers and "
                  "their units are written together, as in 5min" },
    { "octal of old YAML", .head = DEFAULT("int", "0o17"),
      .findings = "3:76 E0202 octal numbers are not known; write 15" },
    { "hexadecimal", .head = DEFAULT("int", "0x1F"),
      .findings = "3:76 E0202 hexadecimal numbers are not known; write 31" },
    { "binary", .head = DEFAULT("int", "0b12"),
      .findings = "3:76 E0202 binary numbers are not known" },
    { "sexagesimal", .head = DEFAULT("int", "1:30"), .findings = "~E0201 " },
    { "underscores", .head = DEFAULT("int", "1_000"), .findings = "~E0" },
    { "a power", .head = DEFAULT("int", "2 ** 62"), .findings = UNUSED },
    { "a power too many", .head = DEFAULT("int", "2 ** 63"),
      .findings = "3:78 E0214 '**': the result does not fit into 64 bits" },
    { "a thousand digits", .head = "inputs: {source: path, n: {type: int, default: ",
      .repeat = "9", .times = 1000, .tail = "}}\n",
      .findings = "3:48 E0202 this number does not fit into 64 bits" },
    { "duration too long", .head = DEFAULT("duration", "107000d"),
      .findings = "3:81 E0202 this does not fit into 64 bits" },
    /* ---- size ---- */
    { "a text of a megabyte", .head = "doc: \"", .repeat = "x", .times = 1 << 20,
      .tail = "\"\n", .findings = "" },
    { "a name of a megabyte", .head = "rules:\n- rule: r\n  match: {j: ", .repeat = "x",
      .times = 1 << 20, .tail = "}\n  assert: b\n  with: {y: 1}\n",
      .findings = "~8:14 E0401 unknown fact 'xxx" },
    { "a key of a megabyte", .head = "", .repeat = "x", .times = 1 << 20,
      .tail = ": 1\n", .findings = "~E0" },
    { "an expression of a megabyte",
      .head = "rules:\n- rule: r\n  match: {j: job}\n  assert: b\n  with:\n    y: j.n",
      .repeat = " + 1", .times = 1 << 18, .tail = "\n",
      .findings = "~E0204 the expression is too long" },
    { "a template of a megabyte",
      .head = "rules:\n- rule: r\n  match: {j: job}\n  assert: b\n  with:\n    y: 1\n  "
              "  z: \"",
      .repeat = "{j.n}", .times = 1 << 17, .tail = "\"\n",
      .findings = "~W0441 input 'source'" },
    { "deep parentheses",
      .head = "rules:\n- rule: r\n  match: {j: job}\n  assert: b\n  with:\n    y: ",
      .repeat = "(", .times = 10000, .tail = "\n",
      .findings = "~E0204 nested deeper than 100 levels" },
    { "deep not",
      .head = "rules:\n- rule: r\n  match: {j: job}\n  assert: b\n  with: {y: 1}\n  "
              "where: ",
      .repeat = "not ", .times = 10000, .tail = "true\n", .findings = "~E0204 " },
    { "deep minus",
      .head = "rules:\n- rule: r\n  match: {j: job}\n  assert: b\n  with:\n    y: ",
      .repeat = "-", .times = 10000, .tail = "j.n\n", .findings = "~E0204 " },
    { "deep powers",
      .head = "rules:\n- rule: r\n  match: {j: job}\n  assert: b\n  with:\n    y: 1",
      .repeat = " ** 1", .times = 10000, .tail = "\n", .findings = "~E0204 " },
    { "deep type", .head = "facts: {a: {x: int}, b: {y: int, z: \"", .repeat = "list<",
      .times = 10000, .tail = "\"}}\n", .findings = "~E0402 " },
    { "deep lists", .whole = true, .head = "x: ", .repeat = "[", .times = 10000,
      .findings = "1:67 E0108 nested deeper than 64 levels" },
    { "deep mappings", .whole = true, .head = "x: ", .repeat = "{a: ", .times = 10000,
      .findings = "1:256 E0108 nested deeper than 64 levels" },
    { "deep dashes", .whole = true, .head = "", .repeat = "- ", .times = 10000,
      .findings = "1:129 E0108 nested deeper than 64 levels" },
    { "aliases of aliases", .whole = true,
      .head = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
              "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
              "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
              "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
              "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
              "f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n"
              "g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]\n",
      .findings = "7:8 E0107 more than 2000000 nodes, aliases expanded" },
    { "an alias in itself", .whole = true, .head = "a: &a [*a]\n",
      .findings = "1:8 E0106 an alias inside its own anchor never ends" },
    { "many findings", .whole = true, .head = "orrery: 1\nworkflow: w\n",
      .repeat = "? [x]\n: 1\n", .times = 1500, .findings = "~3:3 E0110 a key must be" },
    { "many commas", .whole = true, .head = "[", .repeat = "a,", .times = 200000,
      .tail = "]\n",
      .findings = "1:1 E0303 a workflow must be a mapping, but this is a list" },
    { "open parentheses with commas", .whole = true, .head = "[", .repeat = "(a,",
      .times = 5000, .tail = "]\n",
      .findings = "1:1 E0303 a workflow must be a mapping, but this is a list" },
};

static void has_one_outcome(void **state)
{
    const struct edge *edge = *state;
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_puts(&text, edge->head);
    for (size_t i = 0; i < edge->times; i++)
        orr_text_puts(&text, edge->repeat);
    orr_text_puts(&text, edge->tail ? edge->tail : "");
    char *file = edge->whole ? orr_strdup(text.s) : compose(text.s);
    char *found = findings_of(file);
    if (*edge->findings != '~')
        assert_string_equal(found, edge->findings);
    else if (!strstr(found, edge->findings + 1))
        fail_msg("no '%s' in '%.300s'", edge->findings + 1, found);
    assert_true(strlen(found) < 300000); /* no finding shows a megabyte */
    free(found);
    free(file);
    orr_text_release(&text);
}

/* In any order of keys a workflow is the same. */
static void order_of_keys_is_free(void **state)
{
    struct part parts[MOST_PARTS];
    struct orr_id first = { 0 };
    size_t n = split_parts(right_workflow, parts);
    (void)state;
    for (size_t turn = 0; turn < n; turn++) {
        struct orr_text text = ORR_TEXT_INIT;
        struct orr_diags diags = { 0 };
        for (size_t i = 0; i < n; i++)
            orr_text_append(&text, parts[(i + turn) % n].at,
                            parts[(i + turn) % n].length);
        const char *const names[] = { "/d/w.yaml", text.s, NULL };
        struct files files = { names };
        struct orr_sources sources = { read_memory, &files };
        struct orr_graph *graph =
            orr_graph_compile("/d/w.yaml", &sources, &registry, &diags);
        assert_non_null(graph);
        if (turn == 0)
            first = graph->digest;
        assert_true(orr_id_equal(first, graph->digest));
        orr_graph_free(graph);
        orr_diags_release(&diags);
        orr_text_release(&text);
    }
}

/* Eight files that call the next one ten times each are a hundred million rules. */
static void calls_of_calls_are_limited(void **state)
{
    enum { FILES = 8, CALLS = 10 };
    static const char *const paths[FILES] = { "/d/0.yaml", "/d/1.yaml", "/d/2.yaml",
                                              "/d/3.yaml", "/d/4.yaml", "/d/5.yaml",
                                              "/d/6.yaml", "/d/7.yaml" };
    struct orr_text texts[FILES] = { ORR_TEXT_INIT };
    const char *names[2 * FILES + 1] = { NULL };
    struct files files = { names };
    struct orr_sources sources = { read_memory, &files };
    struct orr_diags diags = { 0 };
    (void)state;
    for (int f = 0; f < FILES; f++) {
        orr_text_puts(&texts[f], "orrery: 1\nworkflow: w\nfacts: {b: {y: int}}\n"
                                 "outputs: {o: {each: b}}\nfunctions:\n");
        for (int i = 0; i < CALLS && f + 1 < FILES; i++)
            orr_text_printf(&texts[f], "  f%d: {workflow: %d.yaml}\n", i, f + 1);
        orr_text_puts(&texts[f], "rules:\n- {rule: r, match: {j: job}, assert: b, "
                                 "with: {y: 1}}\n");
        names[2 * f] = paths[f];
        names[2 * f + 1] = texts[f].s;
    }
    assert_null(orr_graph_compile(paths[0], &sources, &registry, &diags));
    char *found = findings_text(&diags, false);
    assert_non_null(strstr(found, "E0418 the workflows called here stand for more"));
    free(found);
    for (int f = 0; f < FILES; f++)
        orr_text_release(&texts[f]);
    orr_diags_release(&diags);
}

int main(void)
{
    enum { N = sizeof edges / sizeof *edges };
    static struct CMUnitTest tests[N + 2];
    for (size_t i = 0; i < N; i++)
        tests[i] =
            (struct CMUnitTest) { .name = edges[i].name,
                                  .test_func = has_one_outcome,
                                  .initial_state = (void *)(uintptr_t)&edges[i] };
    tests[N] = (struct CMUnitTest)cmocka_unit_test(order_of_keys_is_free);
    tests[N + 1] = (struct CMUnitTest)cmocka_unit_test(calls_of_calls_are_limited);
    return cmocka_run_group_tests_name("edges", tests, NULL, NULL);
}
