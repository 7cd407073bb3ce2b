/* circles.c - which rules may feed each other without end */
#include "fixture.h"

/* Facts a to d; each rule is FROM TO, "!" before it when a condition bounds it. */
struct circle_case {
    const char *name;
    const char *rules;  /* "ab bc !ca" */
    const char *warned; /* numbers of the rules that are warned of */
};

static struct circle_case cases[] = {
    { "chain", "ab bc cd", "" },
    { "fork-and-join", "ab ac bd cd", "" },
    { "self", "aa", "0" },
    { "ring", "ab bc ca", "0 1 2" },
    { "ring-with-tails", "ab bc cb cd", "1 2" },
    { "two-rings-joined", "ab ba bc cd dc", "0 1 3 4" },
    { "bounded-ring", "ab bc !ca", "" },
    { "bounded-beside", "ab ba !ab", "0 1" },
};

static void check(void **state)
{
    const struct circle_case *c = *state;
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_text warned = ORR_TEXT_INIT;
    orr_text_puts(&text, "orrery: 1\nworkflow: circles\n"
                         "inputs:\n  n: {type: int, default: 1}\n"
                         "facts:\n  a: {i: int}\n  b: {i: int}\n  c: {i: int}\n"
                         "  d: {i: int}\nrules:\n");
    for (const char *f = "abcd"; *f; f++)
        orr_text_printf(&text,
                        "  - rule: make %c\n    match: {j: job}\n    assert: %c\n"
                        "    with: {i: j.n}\n",
                        *f, *f);
    int n = 0;
    for (const char *at = c->rules; *at; at += at[2] ? 3 : 2, n++) {
        bool bound = *at == '!';
        at += bound;
        orr_text_printf(&text,
                        "  - rule: 'r%d'\n    match: {x: %c}\n%s    assert: %c\n"
                        "    with: {i: x.i + 1}\n",
                        n, at[0], bound ? "    where: x.i < 9\n" : "", at[1]);
    }
    orr_text_puts(&text, "outputs:\n  a: {each: a}\n  b: {each: b}\n"
                         "  c: {each: c}\n  d: {each: d}\n");
    struct orr_diags diags = { 0 };
    const char *const named[] = { "circles.yaml", text.s, NULL };
    struct files files = { named };
    struct orr_sources sources = { read_memory, &files };
    struct orr_registry none = { NULL, 0 };
    struct orr_graph *graph =
        orr_graph_compile("circles.yaml", &sources, &none, &diags);
    assert_non_null(graph);
    for (size_t i = 0; i < diags.n; i++)
        if (strcmp(diags.items[i].id, "W0445") == 0)
            orr_text_printf(&warned, "%s%c", warned.length ? " " : "",
                            diags.items[i].message[strlen("rule 'r")]);
    assert_string_equal(warned.s ? warned.s : "", c->warned);
    orr_graph_free(graph);
    orr_diags_release(&diags);
    orr_text_release(&text);
    orr_text_release(&warned);
}

int main(void)
{
    struct CMUnitTest tests[sizeof cases / sizeof *cases];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        tests[i] = (struct CMUnitTest) { .name = cases[i].name,
                                         .test_func = check,
                                         .initial_state = &cases[i] };
    return _cmocka_run_group_tests("circles", tests, sizeof tests / sizeof *tests, NULL,
                                   NULL);
}
