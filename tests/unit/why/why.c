/* why.c - explanations of facts that are there and of facts that are not, word by word
 */
#include "../engine/kit.h"

#include "why/why.h"

/* Answered by their argument: below 100 with v = i / 10, from 100 on they fail with
 * code i - 100, from 200 on they stay open. */
static const char workflow[] =
    "orrery: 1\n"
    "workflow: kit\n"
    "inputs: {n: int}\n"
    "facts:\n"
    "  item: {i: int, side: string}\n"
    "  shot: {i: int, name: string}\n"
    "  trial: {i: int, v: float}\n"
    "  good: {i: int, v: float, side: string}\n"
    "  whole: {n: int}\n"
    "  none: {i: int}\n"
    "  alone: {i: int}\n"
    "  sad: {i: int, text: string}\n"
    "  big: {i: int}\n"
    "  wide: {i: int}\n"
    "  called: {i: int}\n"
    "functions:\n"
    "  make: {use: t.make}\n"
    "  inner: {workflow: inner.yaml}\n"
    "rules:\n"
    "  - rule: items\n"
    "    match: {j: job}\n"
    "    for: i in range(3)\n"
    "    assert: item\n"
    "    with: {i: j.n + i, side: \"left\"}\n"
    "  - rule: shots\n"
    "    match: {t: item}\n"
    "    where: t.i != 8\n"
    "    assert: shot\n"
    "    with: {i: t.i, name: \"s{t.i}\"}\n"
    "  - rule: make\n"
    "    match: {t: item}\n"
    "    action: {call: make, with: {i: t.i}}\n"
    "    reaction:\n"
    "      - {assert: trial, with: {i: t.i, v: result.v}}\n"
    "      - {when: result.v > 5.0, assert: big, with: {i: t.i}}\n"
    "      - {for: k in range(result.i), when: k > 50, assert: wide, with: {i: k}}\n"
    "    error:\n"
    "      - {when: error.code == 1, skip: true}\n"
    "      - {when: error.code == 2, assert: sad, with: {i: t.i, text: "
    "error.message}}\n"
    "  - rule: good\n"
    "    match: {t: trial, s: shot}\n"
    "    where: t.v >= 0.75 and t.i == s.i\n"
    "    assert: good\n"
    "    with: {i: t.i, v: t.v, side: \"left\"}\n"
    "  - rule: whole\n"
    "    match: {j: job}\n"
    "    gather: {g: trial, where: g.i >= 0, count: 3}\n"
    "    assert: whole\n"
    "    with: {n: len(g.i)}\n"
    "  - rule: pair\n"
    "    match: {a: alone, s: shot}\n"
    "    where: a.i == s.i\n"
    "    assert: none\n"
    "    with: {i: a.i}\n"
    "  - {rule: alone, match: {t: item}, where: t.i < 0, assert: alone, with: {i: "
    "t.i}}\n"
    "  - rule: call\n"
    "    match: {w: whole}\n"
    "    action: {call: inner, with: {n: w.n}}\n"
    "    reaction: [{assert: called, with: {i: result.out.i}}]\n"
    "outputs: {whole: {fact: whole}, called: {fact: called}}\n";

static const char inner[] = "orrery: 1\n"
                            "workflow: inner\n"
                            "inputs: {n: int}\n"
                            "facts: {out: {i: int}}\n"
                            "functions: {make: {use: t.make}}\n"
                            "rules:\n"
                            "  - rule: inside\n"
                            "    match: {j: job}\n"
                            "    action: {call: make, with: {i: j.n * 100}}\n"
                            "    reaction: [{assert: out, with: {i: result.i}}]\n"
                            "outputs: {out: {fact: out}}\n";

struct fixture {
    struct orr_graph *graph;
    struct orr_engine *engine;
    struct orr_why *why;
};

static const char *attempt(void *context, uint32_t task, uint32_t i,
                           struct orr_arena *arena)
{
    const struct fixture *f = context;
    if (i ||
        orr_engine_task_state(f->engine, (orr_task_id) { task }) != ORR_TASK_FAILED)
        return NULL;
    return orr_arena_printf(arena, "attempt 1 on node7");
}

static void answer_all(struct fixture *f)
{
    struct orr_engine_call call;
    while (orr_engine_take_call(f->engine, &call)) {
        struct kit_call c = kit_describe(f->engine, &call);
        struct orr_failure failure = { ORR_FAIL_EXIT, c.i - 100, "no luck" };
        if (c.i < 100)
            kit_succeed(f->engine, f->graph, &c, (double)c.i / 10);
        else if (c.i < 200)
            orr_engine_attempt_failed(f->engine, call.task, call.attempt, &failure);
    }
}

static void set_up(struct fixture *f, int64_t n, uint32_t limit, uint32_t depth)
{
    static const char *const files[] = { "kit.yaml", workflow, "inner.yaml", inner,
                                         NULL };
    f->graph = kit_compile_files(files);
    f->engine = kit_engine(f->graph);
    kit_request(f->engine, f->graph, n);
    answer_all(f);
    f->why = orr_why_new(&(struct orr_why_setup) { .graph = f->graph,
                                                   .engine = f->engine,
                                                   .attempt = attempt,
                                                   .context = f,
                                                   .depth = depth,
                                                   .limit = limit });
}

static void tear_down(struct fixture *f)
{
    orr_why_free(f->why);
    orr_engine_free(f->engine);
    orr_graph_free(f->graph);
}

static uint32_t type_of(const struct fixture *f, const char *name)
{
    for (uint32_t i = 0; i < f->graph->n_facts; i++)
        if (strcmp(f->graph->facts[i].name, name) == 0)
            return i;
    fail_msg("no fact %s", name);
    return 0;
}

/* Identities are in brackets: their digits are no matter of ours. */
static char *text_of(const struct orr_why_node *node)
{
    struct orr_text out = ORR_TEXT_INIT;
    orr_why_print(node, &out);
    for (char *at = out.s; at && (at = strchr(at, '[')); at++)
        if (strspn(at + 1, "0123456789abcdef") == 8)
            memset(at + 1, '#', 8);
    return out.s;
}

static void check(const struct orr_why_node *node, const char *expected)
{
    char *text = text_of(node);
    assert_string_equal(text, expected);
    free(text);
}

/* ---- facts ---- */

struct example {
    int64_t n; /* the input: items n, n + 1, n + 2 */
    const char *fact;
    const char *field; /* an int that is asked for; NULL: none */
    int64_t value;
    const char *expected;
};

static const struct example examples[] = {
    /* there */
    { 8, "good", "i", 9,
      "good {i: 9, v: 0.9, side: \"left\"}\n"
      "  made by rule 'good' (kit.yaml:40)\n"
      "    matched t = trial {i: 9, v: 0.9}\n"
      "      made by rule 'make' (kit.yaml:30)\n"
      "        called make(i: 9) [########]: done\n"
      "        matched t = item {i: 9, side: \"left\"}\n"
      "          made by rule 'items' (kit.yaml:20)\n"
      "            matched j = job {n: 8}\n"
      "              given: the inputs of the request\n"
      "    matched s = shot {i: 9, name: \"s9\"}\n"
      "      made by rule 'shots' (kit.yaml:25)\n"
      "        matched t = item {i: 9, side: \"left\"} (told above)\n" },
    { 8, "job", NULL, 0, "job {n: 8}\n  given: the inputs of the request\n" },
    /* asserted by a handler */
    { 101, "sad", "i", 102,
      "sad {i: 102, text: \"no luck\"}\n"
      "  made by rule 'make' (kit.yaml:30)\n"
      "    an error handler of the rule asserted it\n"
      "    called make(i: 102) [########]: failed: exit: no luck\n"
      "      attempt 1 on node7\n"
      "    matched t = item {i: 102, side: \"left\"}\n"
      "      made by rule 'items' (kit.yaml:20)\n"
      "        matched j = job {n: 101}\n"
      "          given: the inputs of the request\n" },
    /* a comparison fails: the nearest miss */
    { 5, "good", NULL, 0,
      "there is no good\n"
      "  could come of rule 'good' (kit.yaml:40)\n"
      "    its nearest match: t = trial {i: 7, v: 0.7}\n"
      "      t.v >= 0.75: 0.7 >= 0.75 is false\n" },
    /* a join finds no partner: that is what is missing */
    { 8, "good", "i", 8,
      "there is no good with i = 8\n"
      "  the nearest there is: good {i: 9, v: 0.9, side: \"left\"}\n"
      "  could come of rule 'good' (kit.yaml:40)\n"
      "    its nearest match: t = trial {i: 8, v: 0.8}, s = shot {i: 9, name: "
      "\"s9\"}\n"
      "      t.i == s.i: 8 == 9 is false\n"
      "      there is no shot with i = 8\n"
      "        the nearest there is: shot {i: 9, name: \"s9\"}\n"
      "        could come of rule 'shots' (kit.yaml:25)\n"
      "          its nearest match: t = item {i: 8, side: \"left\"}\n"
      "            t.i != 8: 8 != 8 is false\n" },
    /* nothing of a type: why that is not there */
    { 8, "none", NULL, 0,
      "there is no none\n"
      "  could come of rule 'pair' (kit.yaml:50)\n"
      "    there is no alone\n"
      "      could come of rule 'alone' (kit.yaml:55)\n"
      "        its nearest match: t = item {i: 8, side: \"left\"}\n"
      "          t.i < 0: 8 < 0 is false\n" },
    /* a handler that was due */
    { 100, "sad", "i", 102,
      "request 0 failed: rule 'make': make failed after 1 attempt (exit): no luck\n"
      "there is no sad with i = 102\n"
      "  could come of rule 'make' (kit.yaml:30)\n"
      "    it fired for t = item {i: 102, side: \"left\"}\n"
      "      called make(i: 102) [########]: failed: exit: no luck\n"
      "        attempt 1 on node7\n"
      "      its error handler (skip) did not: error.code == 1: 2 == 1 is false\n"
      "      its error handler (assert sad) did not come to it: the request had "
      "failed\n" },
    /* gathered */
    { 1, "whole", NULL, 0,
      "whole {n: 3}\n"
      "  made by rule 'whole' (kit.yaml:45)\n"
      "    matched j = job {n: 1}\n"
      "      given: the inputs of the request\n"
      "    gathered g: 3 facts 'trial'\n"
      "      trial {i: 1, v: 0.1}\n"
      "        made by rule 'make' (kit.yaml:30)\n"
      "          called make(i: 1) [########]: done\n"
      "          matched t = item {i: 1, side: \"left\"}\n"
      "            made by rule 'items' (kit.yaml:20)\n"
      "              matched j = job {n: 1}\n"
      "      trial {i: 2, v: 0.2}\n"
      "        made by rule 'make' (kit.yaml:30)\n"
      "          called make(i: 2) [########]: done\n"
      "          matched t = item {i: 2, side: \"left\"}\n"
      "            made by rule 'items' (kit.yaml:20)\n"
      "              matched j = job {n: 1}\n"
      "      trial {i: 3, v: 0.3}\n"
      "        made by rule 'make' (kit.yaml:30)\n"
      "          called make(i: 3) [########]: done\n"
      "          matched t = item {i: 3, side: \"left\"}\n"
      "            made by rule 'items' (kit.yaml:20)\n"
      "              matched j = job {n: 1}\n" },
    /* a gathering waits */
    { 200, "whole", NULL, 0,
      "there is no whole\n"
      "  could come of rule 'whole' (kit.yaml:45)\n"
      "    it has gathered 0 of 3 facts 'trial'\n"
      "      there is no trial\n"
      "        could come of rule 'make' (kit.yaml:30)\n"
      "          it fired for t = item {i: 200, side: \"left\"}\n"
      "            called make(i: 200) [########]: not finished\n"
      "          it fired for t = item {i: 201, side: \"left\"}\n"
      "            called make(i: 201) [########]: not finished\n"
      "          it fired for t = item {i: 202, side: \"left\"}\n"
      "            called make(i: 202) [########]: not finished\n" },
    /* it has some, and which one is missing cannot be told */
    { 99, "whole", NULL, 0,
      "request 0 failed: rule 'make': make failed after 1 attempt (exit): no luck\n"
      "there is no whole\n"
      "  could come of rule 'whole' (kit.yaml:45)\n"
      "    it has gathered 1 of 3 facts 'trial'\n"
      "      there is trial {i: 99, v: 9.9}\n"
      "      more could come of rule 'make' (kit.yaml:30)\n"
      "        it fired for t = item {i: 100, side: \"left\"}\n"
      "          called make(i: 100) [########]: failed: exit: no luck\n"
      "            attempt 1 on node7\n"
      "          its error handler (skip) did not: error.code == 1: 0 == 1 is false\n"
      "          its error handler (assert sad) did not: error.code == 2: 0 == 2 is "
      "false\n"
      "        it fired for t = item {i: 101, side: \"left\"}\n"
      "          called make(i: 101) [########]: failed: exit: no luck\n"
      "            attempt 1 on node7\n"
      "          its error handler (skip) did not come to it: the request had "
      "failed\n" },
    /* a handler skipped; another asserted */
    { 101, "trial", "i", 101,
      "request 0 failed: rule 'make': make failed after 1 attempt (exit): no luck\n"
      "there is no trial with i = 101\n"
      "  could come of rule 'make' (kit.yaml:30)\n"
      "    it fired for t = item {i: 101, side: \"left\"}\n"
      "      called make(i: 101) [########]: failed: exit: no luck\n"
      "        attempt 1 on node7\n"
      "      its error handler took over: skip\n" },
    { 101, "trial", "i", 102,
      "request 0 failed: rule 'make': make failed after 1 attempt (exit): no luck\n"
      "there is no trial with i = 102\n"
      "  could come of rule 'make' (kit.yaml:30)\n"
      "    it fired for t = item {i: 102, side: \"left\"}\n"
      "      called make(i: 102) [########]: failed: exit: no luck\n"
      "        attempt 1 on node7\n"
      "      its error handler (skip) did not: error.code == 1: 2 == 1 is false\n"
      "      its error handler took over: assert sad\n" },
    /* the reaction's condition */
    { 8, "big", "i", 9,
      "there is no big with i = 9\n"
      "  could come of rule 'make' (kit.yaml:30)\n"
      "    it fired for t = item {i: 9, side: \"left\"}\n"
      "      called make(i: 9) [########]: done\n"
      "      `when` result.v > 5.0: 0.9 > 5.0 is false\n" },
    { 0, "wide", "i", 1,
      "there is no wide with i = 1\n"
      "  could come of rule 'make' (kit.yaml:30)\n"
      "    it fired for t = item {i: 0, side: \"left\"}\n"
      "      called make(i: 0) [########]: done\n"
      "      `for: ... in range(result.i)`: the list is empty\n"
      "    it fired for t = item {i: 1, side: \"left\"}\n"
      "      called make(i: 1) [########]: done\n"
      "      for k = 0: `when` k > 50: 0 > 50 is false\n"
      "    it fired for t = item {i: 2, side: \"left\"}\n"
      "      called make(i: 2) [########]: done\n"
      "      for k = 0: `when` k > 50: 0 > 50 is false\n"
      "      for k = 1: `when` k > 50: 1 > 50 is false\n" },
    /* made, but with other values */
    { 8, "item", "i", 12,
      "there is no item with i = 12\n"
      "  the nearest there is: item {i: 10, side: \"left\"}\n"
      "  could come of rule 'items' (kit.yaml:20)\n"
      "    it fired\n"
      "      it made item {i: 8, side: \"left\"}\n"
      "      it made item {i: 9, side: \"left\"}\n"
      "      it made item {i: 10, side: \"left\"}\n" },
    /* a call of a workflow: what is inside of it */
    { 8, "called", NULL, 0,
      "there is no called\n"
      "  could come of rule 'call' (kit.yaml:56)\n"
      "    it fired for w = whole {n: 3}\n"
      "      called inner(n: 3) [########]: not finished\n"
      "        there is no inner.out in the call inner(n: 3)\n"
      "          could come of rule 'inner.inside' (inner.yaml:7)\n"
      "            it fired for j = inner.job {n: 3}\n"
      "              called inner.make(i: 300) [########]: not finished\n" },
    /* a workflow that was not called */
    { 200, "inner.out", NULL, 0,
      "the workflow 'inner' was not called\n"
      "  could be by rule 'call' (kit.yaml:56)\n"
      "    there is no whole\n"
      "      could come of rule 'whole' (kit.yaml:45)\n"
      "        it has gathered 0 of 3 facts 'trial'\n"
      "          there is no trial\n"
      "            could come of rule 'make' (kit.yaml:30)\n"
      "              it fired for t = item {i: 200, side: \"left\"}\n"
      "                called make(i: 200) [########]: not finished\n"
      "              it fired for t = item {i: 201, side: \"left\"}\n"
      "                called make(i: 201) [########]: not finished\n"
      "              it fired for t = item {i: 202, side: \"left\"}\n"
      "                called make(i: 202) [########]: not finished\n" },
};

static void facts_are_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const struct example *e = &examples[i];
        struct fixture f;
        set_up(&f, e->n, 5, 20);
        struct orr_why_field field = { .value = orr_int(e->value) };
        struct orr_why_facts facts = { .type = type_of(&f, e->fact),
                                       .request = ORR_NONE,
                                       .fields = &field,
                                       .n_fields = e->field != NULL };
        if (e->field)
            field.field =
                (uint32_t)orr_record_field(f.graph->facts[facts.type].record, e->field);
        check(orr_why_facts(f.why, &facts), e->expected);
        tear_down(&f);
    }
}

/* A value that no assertion gives. */
static void a_constant_that_is_another(void **state)
{
    (void)state;
    struct fixture f;
    struct orr_arena arena = ORR_ARENA_INIT;
    set_up(&f, 8, 5, 20);
    struct orr_why_field field = {
        .field = 2, .value = orr_string_new(&arena, ORR_KIND_STRING, "right", 5)
    };
    struct orr_why_facts facts = {
        .type = type_of(&f, "good"), .request = 0, .fields = &field, .n_fields = 1
    };
    check(orr_why_facts(f.why, &facts),
          "there is no good with side = \"right\"\n"
          "  the nearest there is: good {i: 9, v: 0.9, side: \"left\"}\n"
          "  could come of rule 'good' (kit.yaml:40)\n"
          "    it only makes side = \"left\"\n");
    orr_arena_release(&arena);
    tear_down(&f);
}

static void bounds_are_told(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, 8, 1, 1);
    struct orr_why_facts facts = { .type = type_of(&f, "item"), .request = 0 };
    check(orr_why_facts(f.why, &facts), "item {i: 8, side: \"left\"}\n"
                                        "  made by rule 'items' (kit.yaml:20)\n"
                                        "    matched j = job {n: 8}\n"
                                        "      given: the inputs of the request\n"
                                        "and 2 more facts 'item'\n");
    facts.type = type_of(&f, "trial");
    check(orr_why_facts(f.why, &facts), "trial {i: 8, v: 0.8}\n"
                                        "  made by rule 'make' (kit.yaml:30)\n"
                                        "    called make(i: 8) [########]: done\n"
                                        "    matched t = item {i: 8, side: \"left\"} "
                                        "(told above)\n"
                                        "and 2 more facts 'trial'\n");
    tear_down(&f);
}

/* ---- tasks, rules, outputs ---- */

static void tasks_are_explained(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, 101, 5, 20);
    check(orr_why_task(f.why, 0), "make(i: 101) [########]: failed: exit: no luck\n"
                                  "  attempt 1 on node7\n"
                                  "  asked for by rule 'make' (kit.yaml:30)\n"
                                  "    matched t = item {i: 101, side: \"left\"}\n"
                                  "      made by rule 'items' (kit.yaml:20)\n"
                                  "        matched j = job {n: 101}\n"
                                  "          given: the inputs of the request\n");
    tear_down(&f);
}

static uint32_t rule_of(const struct fixture *f, const char *name)
{
    for (uint32_t i = 0; i < f->graph->n_rules; i++)
        if (strcmp(f->graph->rules[i].name, name) == 0)
            return i;
    fail_msg("no rule %s", name);
    return 0;
}

static void rules_are_explained(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, 8, 5, 20);
    check(orr_why_rule(f.why, rule_of(&f, "make"), ORR_NONE),
          "rule 'make' (kit.yaml:30)\n"
          "  it fired 3 times: of its tasks 3 are done, 0 not finished, 0 failed; an "
          "error handler took over for 0\n"
          "  it fired for every combination of facts that there is\n");
    check(orr_why_rule(f.why, rule_of(&f, "shots"), ORR_NONE),
          "rule 'shots' (kit.yaml:25)\n"
          "  it fired 2 times\n"
          "  its nearest match: t = item {i: 8, side: \"left\"}\n"
          "    t.i != 8: 8 != 8 is false\n");
    tear_down(&f);
}

static void outputs_are_explained(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, 8, 5, 2);
    check(orr_why_outputs(f.why, ORR_NONE),
          "request 0 is not finished\n"
          "  output 'called' does not hold\n"
          "    there is no called\n"
          "      could come of rule 'call' (kit.yaml:56)\n"
          "        it fired for w = whole {n: 3}\n"
          "          called inner(n: 3) [########]: not finished\n"
          "            there is no inner.out in the call inner(n: 3)\n"
          "              (deeper: --depth)\n");
    tear_down(&f);
}

/* A request that fails by a call, and by one that was taken care of. */
static void failed_calls_are_told(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, 102, 5, 1);
    char *text = text_of(orr_why_outputs(f.why, 0));
    static const char expected[] =
        "request 0 failed\n"
        "  request 0 failed: rule 'make': make failed after 1 attempt (exit): no luck\n"
        "  rule 'make' (kit.yaml:30)\n"
        "    it fired for t = item {i: 103, side: \"left\"}\n"
        "      called make(i: 103) [########]: failed: exit: no luck\n"
        "        attempt 1 on node7\n"
        "      its error handler (skip) did not: error.code == 1: 3 == 1 is false\n"
        "      its error handler (assert sad) did not: error.code == 2: 3 == 2 is "
        "false\n";
    assert_int_equal(strncmp(text, expected, sizeof expected - 1), 0);
    free(text);
    tear_down(&f);
}

/* Thousands of facts on both sides of a join without a key: the search gives up, and
 * says so. */
static void a_large_search_is_bounded(void **state)
{
    (void)state;
    struct fixture f;
    static const char text[] = "orrery: 1\nworkflow: kit\ninputs: {n: int}\n"
                               "facts: {a: {i: int}, b: {i: int}, c: {i: int}}\n"
                               "rules:\n"
                               "  - rule: make\n    match: {j: job}\n    then:\n"
                               "      - {for: i in range(j.n), assert: a, with: {i: "
                               "i}}\n"
                               "      - {for: i in range(j.n), assert: b, with: {i: "
                               "i}}\n"
                               "  - rule: meet\n    match: {x: a, y: b}\n"
                               "    where: x.i + y.i < 0\n"
                               "    assert: c\n    with: {i: x.i}\n"
                               "outputs: {c: {each: c}}\n";
    f.graph = kit_compile(text);
    f.engine = kit_engine(f.graph);
    kit_request(f.engine, f.graph, 2000);
    answer_all(&f);
    f.why = orr_why_new(&(struct orr_why_setup) {
        .graph = f.graph, .engine = f.engine, .depth = 20, .limit = 5 });
    check(orr_why_facts(f.why, &(struct orr_why_facts) { .type = type_of(&f, "c"),
                                                         .request = ORR_NONE }),
          "request 0 failed: output 'c' has no fact 'c'\n"
          "there is no c\n"
          "  could come of rule 'meet' (kit.yaml:11)\n"
          "    not all combinations were tried: more than 1000000 steps\n"
          "    its nearest match: x = a {i: 0}, y = b {i: 0}\n"
          "      x.i + y.i < 0: 0 < 0 is false\n");
    tear_down(&f);
}

static void equal_facts_are_counted(void **state)
{
    (void)state;
    struct fixture f;
    f.graph = kit_compile(
        "orrery: 1\nworkflow: kit\ninputs: {n: int}\n"
        "facts: {a: {side: string}, c: {n: int}}\n"
        "rules:\n"
        "- {rule: make, match: {j: job}, for: i in range(j.n), assert: a,\n"
        "   with: {side: \"left\"}}\n"
        "- {rule: all, match: {j: job}, gather: {e: a, count: j.n}, assert: c,\n"
        "   with: {n: len(e.side)}}\n"
        "outputs: {c: {each: c}}\n");
    f.engine = kit_engine(f.graph);
    kit_request(f.engine, f.graph, 3);
    f.why = orr_why_new(&(struct orr_why_setup) {
        .graph = f.graph, .engine = f.engine, .depth = 20, .limit = 5 });
    check(orr_why_facts(f.why, &(struct orr_why_facts) { .type = type_of(&f, "c"),
                                                         .request = ORR_NONE }),
          "request 0 failed: output 'c' has no fact 'c'\n"
          "there is no c\n"
          "  could come of rule 'all' (kit.yaml:8)\n"
          "    it has gathered 1 of 3 facts 'a'\n"
          "      2 facts 'a' were equal to one there already: equal facts count once; "
          "an index tells them apart (for: i, x in ...)\n"
          "      there is a {side: \"left\"}\n");
    tear_down(&f);
}

static void json_has_all_of_it(void **state)
{
    (void)state;
    struct fixture f;
    struct orr_text out = ORR_TEXT_INIT;
    set_up(&f, 8, 5, 20);
    orr_why_json(
        orr_why_facts(f.why, &(struct orr_why_facts) { .type = 0, .request = 0 }),
        &out);
    assert_string_equal(
        out.s, "{\"kind\": \"answer\", \"text\": \"\", \"because\": [\n"
               "  {\"kind\": \"fact\", \"text\": \"job {n: 8}\", \"because\": [\n"
               "    {\"kind\": \"note\", \"text\": \"given: the inputs of the "
               "request\"}]}]}\n");
    orr_text_release(&out);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_explained),
        cmocka_unit_test(a_constant_that_is_another),
        cmocka_unit_test(bounds_are_told),
        cmocka_unit_test(tasks_are_explained),
        cmocka_unit_test(rules_are_explained),
        cmocka_unit_test(outputs_are_explained),
        cmocka_unit_test(failed_calls_are_told),
        cmocka_unit_test(a_large_search_is_bounded),
        cmocka_unit_test(equal_facts_are_counted),
        cmocka_unit_test(json_has_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
