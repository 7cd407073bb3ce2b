/* parse.c - YAML to nodes: places, styles, limits, mistakes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "yaml/node.h"

#include <stdlib.h>
#include <string.h>

struct bad_case {
    const char *name, *text, *finding;
    size_t length; /* 0: strlen */
};

static void describe(const struct orr_diags *diags, struct orr_text *out)
{
    for (size_t i = 0; i < diags->n; i++)
        orr_text_printf(out, "%s%u:%u %s %s%s%s", i ? "\n" : "",
                        diags->items[i].at.line, diags->items[i].at.column,
                        diags->items[i].id, diags->items[i].message,
                        diags->items[i].hint ? "; " : "",
                        diags->items[i].hint ? diags->items[i].hint : "");
}

static void is_refused(void **state)
{
    const struct bad_case *c = *state;
    struct orr_diags diags = { 0 };
    struct orr_text out = ORR_TEXT_INIT;
    size_t length = c->length ? c->length : strlen(c->text);
    struct orr_yaml_document *document =
        orr_yaml_parse("f.yaml", c->text, length, &diags);
    describe(&diags, &out);
    assert_string_equal(out.s ? out.s : "", c->finding);
    assert_null(document);
    orr_text_release(&out);
    orr_diags_release(&diags);
}

static struct bad_case bad[] = {
    { "empty", "", "1:1 E0109 the file is empty", 0 },
    { "comment only", "# nothing\n", "1:1 E0109 the file holds only comments", 0 },
    { "tab", "a:\n\tb: 1\n",
      "2:1 E0102 a tab cannot indent or separate here: YAML wants spaces", 0 },
    { "tab after spaces", "a:\n  b: 1\n  \tc: 2\n",
      "3:3 E0102 a tab cannot indent or separate here: YAML wants spaces", 0 },
    { "open bracket", "a: [1, 2\nb: 3\n",
      "2:2 E0101 not YAML: did not find expected ',' or ']', while parsing a flow "
      "sequence that "
      "starts in line 1; a value with ': ' in it needs quotes",
      0 },
    { "open quote", "a: \"x\n",
      "2:1 E0101 not YAML: found unexpected end of stream, while scanning a quoted "
      "scalar that "
      "starts in line 1",
      0 },
    { "bad indent", "a: 1\n b: 2\n",
      "2:3 E0101 not YAML: mapping values are not allowed in this "
      "context; a value with ': ' in it needs quotes",
      0 },
    { "percent", "a: %x\n",
      "1:4 E0101 not YAML: found character that cannot start any token; a value that "
      "starts with "
      "'%' needs quotes",
      0 },
    { "index in flow", "a: {x: xs[0]}\n",
      "1:10 E0101 not YAML: did not find expected ',' or '}'; an expression with [ "
      "inside { } or "
      "[ ] needs a line of its own",
      0 },
    { "two documents", "a: 1\n---\nb: 2\n",
      "2:1 E0105 a second document starts here: a file holds one", 0 },
    { "no anchor", "a: *x\n", "1:4 E0106 no anchor '&x' before this alias", 0 },
    { "inside itself", "a: &x [*x]\n",
      "1:8 E0106 an alias inside its own anchor never ends", 0 },
    { "key is a list", "[1, 2]: 3\n", "1:1 E0110 a key must be a name, not a list", 0 },
    { "key is a mapping", "? {a: 1}\n: 3\n",
      "1:3 E0110 a key must be a name, not a mapping", 0 },
    { "latin 1", "a: b\nc: caf\xE9\n", "2:7 E0103 not UTF-8 text: byte 0xe9", 0 },
    { "old Mac", "# a\rb: c\n",
      "1:4 E0111 a line ends with a carriage return without a line feed (old Mac line "
      "ends)",
      0 },
    { "next line", "# a\nb: c\xC2\x85",
      "2:5 E0111 a line ends with a next-line "
      "character (U+0085)",
      0 },
    { "line separator", "b: 'a\xE2\x80\xA8z'\n",
      "1:6 E0111 a line ends with a line "
      "separator (U+2028)",
      0 },
    { "paragraph separator", "b: 'a\xE2\x80\xA9z'\n",
      "1:6 E0111 a line ends with a "
      "paragraph separator (U+2029)",
      0 },
    { "overlong", "a: \xC0\xAF\n", "1:4 E0103 not UTF-8 text: byte 0xc0", 0 },
    { "surrogate", "a: \xED\xA0\x80\n", "1:4 E0103 not UTF-8 text: byte 0xed", 0 },
    { "cut", "a: \xE2\x82", "1:4 E0103 not UTF-8 text: byte 0xe2", 0 },
    { "UTF-16",
      "\xFF\xFE"
      "a\0",
      "1:1 E0103 not UTF-8 text: byte 0xff", 4 },
    { "zero byte", "a: b\0c\n", "1:5 E0103 a zero byte (0x00)", 7 },
    { "escaped zero", "a: \"b\\0c\"\n", "1:4 E0103 a string cannot hold a zero byte",
      0 },
    { "control", "a: b\001\n",
      "1:5 E0103 the file holds a character that YAML does not allow", 0 },
};

static struct orr_yaml_document *parse(const char *text, struct orr_diags *diags)
{
    struct orr_yaml_document *document =
        orr_yaml_parse("f.yaml", text, strlen(text), diags);
    if (!document)
        fail_msg("%s", diags->items[0].message);
    return document;
}

/* Both are reported, the first is kept, and what follows is read. */
static void keys_that_stand_twice(void **state)
{
    struct orr_diags diags = { 0 };
    struct orr_text out = ORR_TEXT_INIT;
    (void)state;
    struct orr_yaml_document *d = parse("a: 1\na: 2\nb: {c: 1, c: 2, d: 3}\n", &diags);
    describe(&diags, &out);
    assert_string_equal(out.s,
                        "3:11 E0104 key 'c' stands twice; first in line 3, column 5\n"
                        "2:1 E0104 key 'a' stands twice; first in line 1, column 1");
    assert_int_equal(d->root->n, 2);
    assert_string_equal(orr_yaml_find(d->root, "a")->text, "1");
    const struct orr_yaml_node *b = orr_yaml_find(d->root, "b");
    assert_int_equal(b->n, 2);
    assert_string_equal(b->items[0]->text, "1");
    assert_string_equal(b->items[1]->text, "3");
    orr_text_release(&out);
    orr_yaml_free(d);
    orr_diags_release(&diags);
}

static void nodes_know_their_place(void **state)
{
    struct orr_diags diags = { 0 };
    (void)state;
    struct orr_yaml_document *d =
        parse("# c\nb: no\na:\n  - 'x'\n  - {k: \"v\"}\n", &diags);
    const struct orr_yaml_node *root = d->root;
    assert_int_equal(root->kind, ORR_YAML_MAPPING);
    assert_int_equal(root->n, 2);
    assert_string_equal(root->keys[0]->text, "b"); /* the order of the file */
    assert_string_equal(root->items[0]->text, "no");
    assert_int_equal(root->items[0]->style, ORR_YAML_PLAIN);
    const struct orr_yaml_node *list = orr_yaml_find(root, "a");
    assert_int_equal(list->n, 2);
    assert_false(list->flow);
    assert_int_equal(list->items[0]->style, ORR_YAML_SINGLE);
    assert_int_equal(list->items[0]->at.line, 4);
    assert_int_equal(list->items[0]->at.column, 5);
    assert_true(list->items[1]->flow);
    assert_int_equal(list->items[1]->end - list->items[1]->start, strlen("{k: \"v\"}"));
    assert_null(orr_yaml_find(root, "c"));
    orr_yaml_free(d);
    orr_diags_release(&diags);
}

struct place_case {
    const char *text;
    size_t index;
    uint32_t line, column;
    const char *value;
};

/* Where character `index` of the value of `a` stands in the file. */
static void places_inside_scalars(void **state)
{
    static const struct place_case cases[] = {
        { "a: x + y", 4, 1, 8, "x + y" },
        { "a: \"x + y\"", 4, 1, 9, "x + y" },
        { "a: 'it''s y'", 5, 1, 11, "it's y" },
        { "a: \"\\u00e9\\t y\"", 3, 1, 14, "\xC3\xA9\t y" },
        { "a: x +\n   y", 4, 2, 4, "x + y" },
        { "a: x\n\n   y", 2, 3, 4, "x\ny" },
        { "a: |\n  one\n  two\n", 5, 3, 4, "one\ntwo\n" },
        { "a: >\n  one\n  two\n", 5, 3, 4, "one two\n" },
        { "a: |\n\n    one\n      two\n", 7, 4, 7, "\none\n  two\n" },
        { "a: \"x \\\n   y\"", 2, 2, 4, "x y" },
        { "a: \xC3\xA9 + y", 4, 1, 8, "\xC3\xA9 + y" },
        { "a: x\r\n   y\r\n", 2, 2, 4, "x y" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct orr_diags diags = { 0 };
        struct orr_yaml_document *d = parse(cases[i].text, &diags);
        const struct orr_yaml_node *a = orr_yaml_find(d->root, "a");
        assert_string_equal(a->text, cases[i].value);
        struct orr_span at = orr_yaml_place(d, a, cases[i].index);
        if (at.line != cases[i].line || at.column != cases[i].column)
            fail_msg("case %zu: %u:%u, not %u:%u", i, at.line, at.column, cases[i].line,
                     cases[i].column);
        orr_yaml_free(d);
        orr_diags_release(&diags);
    }
}

static void commas_in_parentheses(void **state)
{
    struct orr_diags diags = { 0 };
    (void)state;
    struct orr_yaml_document *d =
        parse("a: {x: max(a, min(b, c)), y: 1, z: f(')', 2)}\n"
              "b: [max(a, b), 2, \"(\", c]\nc: {d: (open, e: 1}\n",
              &diags);
    const struct orr_yaml_node *a = orr_yaml_find(d->root, "a");
    assert_int_equal(a->n, 3);
    assert_string_equal(orr_yaml_find(a, "x")->text, "max(a, min(b, c))");
    assert_string_equal(orr_yaml_find(a, "z")->text, "f(')', 2)");
    assert_int_equal(orr_yaml_find(a, "y")->at.column, 30);
    const struct orr_yaml_node *b = orr_yaml_find(d->root, "b");
    assert_int_equal(b->n, 4);
    assert_string_equal(b->items[0]->text, "max(a, b)");
    assert_int_equal(orr_yaml_find(d->root, "c")->n, 2);
    orr_yaml_free(d);
    orr_diags_release(&diags);
}

static void byte_order_mark_and_crlf(void **state)
{
    struct orr_diags diags = { 0 };
    (void)state;
    struct orr_yaml_document *d = parse("\xEF\xBB\xBF"
                                        "a: 1\r\nb: 2\r\n",
                                        &diags);
    assert_string_equal(orr_yaml_find(d->root, "a")->text, "1");
    assert_string_equal(orr_yaml_find(d->root, "b")->text, "2");
    assert_int_equal(orr_yaml_find(d->root, "b")->at.line, 2);
    assert_int_equal(orr_yaml_find(d->root, "a")->at.column, 4);
    orr_yaml_free(d);
    orr_diags_release(&diags);
}

static void aliases_are_copies_of_the_node(void **state)
{
    struct orr_diags diags = { 0 };
    (void)state;
    struct orr_yaml_document *d = parse("a: &x {k: [1, 2]}\nb: *x\nc: *x\n", &diags);
    const struct orr_yaml_node *a = orr_yaml_find(d->root, "a");
    const struct orr_yaml_node *c = orr_yaml_find(d->root, "c");
    assert_ptr_equal(a->items, c->items);
    assert_string_equal(a->anchor, "x");
    assert_null(a->alias);
    assert_string_equal(c->alias, "x");
    assert_null(c->anchor);
    assert_int_equal(d->root->weight, 1 + 3 + 3 * 5);
    orr_yaml_free(d);
    orr_diags_release(&diags);
}

static void alias_bomb_is_refused(void **state)
{
    struct orr_diags diags = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    (void)state;
    orr_text_puts(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 30; i++) {
        orr_text_printf(&text, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            orr_text_printf(&text, "%s*a%d", k ? ", " : "", i - 1);
        orr_text_puts(&text, "]\n");
    }
    int64_t start = orr_clock_monotonic();
    assert_null(orr_yaml_parse("f.yaml", text.s, text.length, &diags));
    assert_true(orr_clock_monotonic() - start < ORR_SECOND);
    assert_int_equal(diags.n, 1);
    assert_string_equal(diags.items[0].message,
                        "more than 2000000 nodes, aliases expanded");
    orr_text_release(&text);
    orr_diags_release(&diags);
}

static void nested(struct orr_text *text, int depth, const char *open,
                   const char *close)
{
    for (int i = 0; i < depth; i++)
        orr_text_puts(text, open);
    for (int i = 0; i < depth; i++)
        orr_text_puts(text, close);
}

static void depth_is_limited(void **state)
{
    (void)state;
    for (int depth = 64; depth <= 100000; depth = depth == 64   ? 65
                                                  : depth == 65 ? 100000
                                                                : depth + 1) {
        struct orr_diags diags = { 0 };
        struct orr_text text = ORR_TEXT_INIT;
        nested(&text, depth, "[", "]");
        struct orr_yaml_document *d =
            orr_yaml_parse("f.yaml", text.s, text.length, &diags);
        if (depth == 64)
            assert_non_null(d);
        else {
            assert_null(d);
            assert_string_equal(diags.items[0].message, "nested deeper than 64 levels");
            assert_int_equal(diags.items[0].at.column, 65);
        }
        orr_yaml_free(d);
        orr_text_release(&text);
        orr_diags_release(&diags);
    }
}

static void sizes_are_limited(void **state)
{
    struct orr_diags diags = { 0 };
    enum { TOO_LARGE = ORR_YAML_BYTES + 1, LONG = 1024 * 1024 };
    (void)state;
    char *text = orr_alloc(TOO_LARGE, 1);
    memset(text, 'x', TOO_LARGE);
    assert_null(orr_yaml_parse("f.yaml", text, TOO_LARGE, &diags));
    assert_string_equal(diags.items[0].message,
                        "the file has 16777217 bytes; the limit is 16777216 (16 MiB)");
    memcpy(text, "a: \"", 4);
    memcpy(text + LONG, "\"\nb: 1\n", 8);
    struct orr_yaml_document *d = orr_yaml_parse("f.yaml", text, strlen(text), &diags);
    assert_non_null(d);
    assert_int_equal(orr_yaml_find(d->root, "a")->length, LONG - 4);
    orr_yaml_free(d);
    free(text);
    orr_diags_release(&diags);
}

/* One line with very many nodes must not cost its square. */
static void long_lines_are_fast(void **state)
{
    struct orr_diags diags = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    (void)state;
    orr_text_puts(&text, "[1");
    for (int i = 0; i < 200000; i++)
        orr_text_puts(&text, ",1");
    orr_text_puts(&text, "]");
    int64_t start = orr_clock_monotonic();
    struct orr_yaml_document *d = orr_yaml_parse("f.yaml", text.s, text.length, &diags);
    assert_non_null(d);
    assert_true(orr_clock_monotonic() - start < 20 * ORR_SECOND);
    assert_int_equal(d->root->items[200000]->at.column, 400002);
    assert_int_equal(d->root->items[200000]->start, 400001);
    orr_yaml_free(d);
    orr_text_release(&text);
    orr_diags_release(&diags);
}

int main(void)
{
    enum { N = sizeof bad / sizeof *bad };
    static const struct CMUnitTest more[] = {
        cmocka_unit_test(keys_that_stand_twice),
        cmocka_unit_test(nodes_know_their_place),
        cmocka_unit_test(places_inside_scalars),
        cmocka_unit_test(commas_in_parentheses),
        cmocka_unit_test(byte_order_mark_and_crlf),
        cmocka_unit_test(aliases_are_copies_of_the_node),
        cmocka_unit_test(alias_bomb_is_refused),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(sizes_are_limited),
        cmocka_unit_test(long_lines_are_fast),
    };
    enum { MORE = sizeof more / sizeof *more };
    static struct CMUnitTest tests[N + MORE];
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest) { .name = bad[i].name,
                                         .test_func = is_refused,
                                         .initial_state = &bad[i] };
    memcpy(tests + N, more, sizeof more);
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
