/* cells.c - what facts and results hold comes back from their cells: nulls, many
 * fields, contents; and a range that is made in slices sees its own match, not
 * another's */
#include "kit.h"

#define HEAD(name)                                                                     \
    "orrery: 1\nworkflow: " name "\n"                                                  \
    "inputs:\n  n: {type: int, default: 3}\n"

/* Three tasks that are done before any of their ranges goes on. */
static const char ranges[] =
    HEAD("ranges") "facts:\n  seed: {i: int, name: string?}\n"
                   "  part: {i: int, x: int, v: float, name: string?}\n"
                   "functions:\n  make: {use: t.make}\n"
                   "rules:\n"
                   "  - {rule: seeds, match: {j: job}, for: i in range(j.n), assert: "
                   "seed, with: {i: i, name: null if i % 2 == 0 else 'odd'}}\n"
                   "  - rule: call\n    match: {s: seed}\n"
                   "    action: {call: make, with: {i: s.i}}\n"
                   "    reaction:\n"
                   "      - for: x in range(700)\n        assert: part\n"
                   "        with: {i: s.i, x: x, v: result.v, name: s.name}\n"
                   "outputs:\n  parts: {each: part}\n";

enum { SEEDS = 3, PARTS = 700 };

static uint32_t type_of(const struct orr_graph *graph, const char *name)
{
    for (uint32_t t = 0; t < graph->n_facts; t++)
        if (strcmp(graph->facts[t].name, name) == 0)
            return t;
    fail_msg("no fact type %s", name);
    return 0;
}

static void check_part(const struct orr_engine *engine, uint32_t type, uint32_t index,
                       uint32_t *seen)
{
    int64_t i = orr_engine_fact_field(engine, type, index, 0).as.i;
    struct orr_value name = orr_engine_fact_field(engine, type, index, 3);
    assert_in_range(i, 0, SEEDS - 1);
    assert_true(orr_engine_fact_field(engine, type, index, 2).as.f == (double)i + 0.5);
    if (i % 2 == 0)
        assert_int_equal(name.kind, ORR_KIND_NULL);
    else
        assert_string_equal(name.as.s->s, "odd");
    seen[i]++;
}

static void ranges_keep_their_match(void **state)
{
    (void)state;
    struct orr_graph *graph = kit_compile(ranges);
    struct orr_engine *engine = kit_engine(graph);
    struct orr_engine_call calls[SEEDS];
    struct orr_engine_call none;
    uint32_t seen[SEEDS] = { 0 };
    kit_request(engine, graph, SEEDS);
    for (int i = 0; i < SEEDS; i++)
        assert_true(orr_engine_take_call(engine, &calls[i]));
    orr_engine_hold(engine);
    for (int i = 0; i < SEEDS; i++) {
        struct kit_call call = kit_describe(engine, &calls[i]);
        kit_succeed(engine, graph, &call, (double)call.i + 0.5);
    }
    orr_engine_release(engine);
    assert_false(orr_engine_take_call(engine, &none));
    uint32_t type = type_of(graph, "part");
    assert_int_equal(orr_engine_facts(engine, type), SEEDS * PARTS);
    for (uint32_t i = 0; i < SEEDS * PARTS; i++)
        check_part(engine, type, i, seen);
    for (int i = 0; i < SEEDS; i++)
        assert_int_equal(seen[i], PARTS);
    orr_engine_free(engine);
    orr_graph_free(graph);
}

/* More fields than one word has bits, every third null. */
enum { FIELDS = 150 };

static char *wide_workflow(void)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_puts(&text, HEAD("wide") "facts:\n  wide:\n");
    for (int f = 0; f < FIELDS; f++)
        orr_text_printf(&text, "    f%d: %s\n", f, f % 2 ? "int?" : "string?");
    orr_text_puts(&text, "  seen: {i: int}\nrules:\n"
                         "  - rule: make\n    match: {j: job}\n    assert: wide\n"
                         "    with:\n");
    for (int f = 0; f < FIELDS; f++)
        if (f % 3)
            orr_text_printf(&text, f % 2 ? "      f%d: %d\n" : "      f%d: \"t%d\"\n",
                            f, f);
    orr_text_puts(&text,
                  "  - rule: see\n    match: {w: wide}\n"
                  "    where: w.f66 == null and w.f127 == 127\n"
                  "    assert: seen\n    with: {i: w.f149 if w.f149 != null else 0}\n"
                  "outputs:\n  seen: {fact: seen}\n");
    return text.s;
}

static void check_field(const struct orr_engine *engine, uint32_t type, int f)
{
    char text[8];
    struct orr_value v = orr_engine_fact_field(engine, type, 0, (uint32_t)f);
    (void)snprintf(text, sizeof text, "t%d", f);
    if (f % 3 == 0)
        assert_int_equal(v.kind, ORR_KIND_NULL);
    else if (f % 2)
        assert_true(v.kind == ORR_KIND_INT && v.as.i == f);
    else
        assert_true(v.kind == ORR_KIND_STRING && strcmp(v.as.s->s, text) == 0);
}

static void many_fields_with_nulls(void **state)
{
    (void)state;
    char *text = wide_workflow();
    struct orr_graph *graph = kit_compile(text);
    struct orr_engine *engine = kit_engine(graph);
    kit_request(engine, graph, 1);
    uint32_t wide = type_of(graph, "wide");
    uint32_t seen = type_of(graph, "seen");
    assert_int_equal(orr_engine_facts(engine, wide), 1);
    assert_int_equal(orr_engine_facts(engine, seen), 1);
    assert_int_equal(orr_engine_fact_field(engine, seen, 0, 0).as.i, 149);
    for (int f = 0; f < FIELDS; f++)
        check_field(engine, wide, f);
    orr_engine_free(engine);
    orr_graph_free(graph);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_keep_their_match),
        cmocka_unit_test(many_fields_with_nulls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
