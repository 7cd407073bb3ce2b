/* expr.c - expressions: values as Python gives them, mistakes with their places */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lang/expr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct orr_type t_int = { .kind = ORR_KIND_INT };
static const struct orr_type t_int_opt = { .kind = ORR_KIND_INT, .optional = true };
static const struct orr_type t_float = { .kind = ORR_KIND_FLOAT };
static const struct orr_type t_string = { .kind = ORR_KIND_STRING };
static const struct orr_type t_path = { .kind = ORR_KIND_PATH };
static const struct orr_type t_duration = { .kind = ORR_KIND_DURATION };
static const struct orr_type t_size = { .kind = ORR_KIND_SIZE };
static const struct orr_type t_bool = { .kind = ORR_KIND_BOOL };
static const struct orr_type t_ints = { .kind = ORR_KIND_LIST, .element = &t_int };
static const struct orr_type t_floats = { .kind = ORR_KIND_LIST, .element = &t_float };
static const struct orr_field r_fields[] = { { .name = "name", .type = &t_string },
                                             { .name = "height", .type = &t_int },
                                             { .name = "crf", .type = &t_int_opt } };
static const struct orr_record_type rung = { "rung", 3, r_fields };
static const struct orr_type t_rung = { .kind = ORR_KIND_RECORD, .record = &rung };
static const struct orr_type t_rungs = { .kind = ORR_KIND_LIST, .element = &t_rung };

/* r: {name: "hd", height: 720, crf: null}; n: 7; xs: [3, 1, 2]; rs: [r, r];
 * p: /a/b.tar.gz; f: 2.5 */
static void set_scope(struct orr_scope *scope)
{
    memset(scope, 0, sizeof *scope);
    scope->slots[0].name = "r", scope->slots[0].type = &t_rung;
    scope->slots[1].name = "n", scope->slots[1].type = &t_int;
    scope->slots[2].name = "xs", scope->slots[2].type = &t_ints;
    scope->slots[3].name = "rs", scope->slots[3].type = &t_rungs;
    scope->slots[4].name = "p", scope->slots[4].type = &t_path;
    scope->slots[5].name = "f", scope->slots[5].type = &t_float;
}

static void set_slots(struct orr_value *slots, struct orr_arena *arena)
{
    struct orr_record *r = orr_record_new(arena, &rung);
    struct orr_list *xs = orr_list_new(arena, 3);
    struct orr_list *rs = orr_list_new(arena, 2);
    r->fields[0] = orr_string_new(arena, ORR_KIND_STRING, "hd", 2);
    r->fields[1] = orr_int(720);
    xs->items[0] = orr_int(3), xs->items[1] = orr_int(1), xs->items[2] = orr_int(2);
    slots[0] = orr_value_of_record(r);
    rs->items[0] = rs->items[1] = slots[0];
    slots[1] = orr_int(7);
    slots[2] = orr_value_of_list(xs);
    slots[3] = orr_value_of_list(rs);
    slots[4] = orr_string_new(arena, ORR_KIND_PATH, "/a/b.tar.gz", 11);
    slots[5] = orr_float(2.5);
}

struct expr_case {
    const char *text;
    const char *result; /* value, or "COLUMN ID MESSAGE" lines, or "! RUN TIME ERROR" */
    const struct orr_type *want;
    bool template;
};

static void describe(struct orr_diags *diags, struct orr_text *out)
{
    for (size_t i = 0; i < diags->n; i++)
        orr_text_printf(out, "%s%u %s %s%s%s", i ? "\n" : "", diags->items[i].at.column,
                        diags->items[i].id, diags->items[i].message,
                        diags->items[i].hint ? "; " : "",
                        diags->items[i].hint ? diags->items[i].hint : "");
}

static void run_case(void **state)
{
    const struct expr_case *c = *state;
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_diags diags = { 0 };
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_scope scope;
    struct orr_value slots[6];
    struct orr_value v = orr_null();
    struct orr_error err = { 0 };
    struct orr_span at = { "f.yaml", 4, 1 };
    set_scope(&scope);
    set_slots(slots, &arena);
    orr_text_append(&out, "", 0);
    struct orr_expr *e =
        c->template
            ? orr_expr_compile_template(c->text, at, &scope, c->want, &arena, &diags)
            : orr_expr_compile(c->text, at, &scope, c->want, &arena, &diags);
    assert_true((e != NULL) == (diags.errors == 0));
    if (!e)
        describe(&diags, &out);
    else if (orr_expr_eval(e, slots, &arena, &v, &err) == ORR_OK)
        orr_value_print(v, &out);
    else
        orr_text_printf(&out, "! %s", err.text);
    if (e && c->want && err.code == ORR_OK && v.kind != ORR_KIND_NULL)
        assert_int_equal(v.kind, c->want->kind);
    assert_string_equal(out.s, c->result);
    orr_text_release(&out);
    orr_diags_release(&diags);
    orr_arena_release(&arena);
}

static struct expr_case cases[] = {
    /* numbers, as Python */
    { "1 + 2 * 3", "7", NULL, false },
    { "(1 + 2) * 3", "9", NULL, false },
    { "7 // 2", "3", NULL, false },
    { "-7 // 2", "-4", NULL, false },
    { "7 // -2", "-4", NULL, false },
    { "-7 % 3", "2", NULL, false },
    { "7 % -3", "-2", NULL, false },
    { "-7.5 % 2", "0.5", NULL, false },
    { "7 / 2", "3.5", NULL, false },
    { "4 / 2", "2.0", NULL, false },
    { "2 ** 10", "1024", NULL, false },
    { "2 ** -1", "0.5", NULL, false },
    { "2 ** 3 ** 2", "512", NULL, false },
    { "-2 ** 2", "-4", NULL, false },
    { "2 ** 0.5 > 1.41", "true", NULL, false },
    { "n - 2 - 1", "4", NULL, false },
    { "-n", "-7", NULL, false },
    { "+n", "7", NULL, false },
    { "--n", "7", NULL, false },
    { "9223372036854775807", "9223372036854775807", NULL, false },
    { "-9223372036854775808", "-9223372036854775808", NULL, false },
    { "1.5e3", "1500.0", NULL, false },
    { "1e-2", "0.01", NULL, false },
    { "n", "7.0", &t_float, false },
    { "3", "3.0", &t_float, false },
    { "[1, 2.5]", "[1.0, 2.5]", NULL, false },
    { "[1, 2]", "[1.0, 2.0]", &t_floats, false },
    { "1 == 1.0", "true", NULL, false },
    { "n == 7.0", "true", NULL, false },
    /* comparison and logic */
    { "1 < 2 < 3", "true", NULL, false },
    { "1 < n < 3", "false", NULL, false },
    { "1 < 3 > 2 == 2", "true", NULL, false },
    { "not n == 7 or true", "true", NULL, false },
    { "false and 1 // (n - 7) == 0", "false", NULL, false },
    { "true or n // (n - 7) == 0", "true", NULL, false },
    { "'b' > 'a'", "true", NULL, false },
    { "'x' if n > 3 else 'y'", "\"x\"", NULL, false },
    { "1 if n < 3 else 2 if n < 8 else 3", "2", NULL, false },
    { "1 if n < 3 else 2.5", "2.5", NULL, false },
    { "3 in xs", "true", NULL, false },
    { "9 not in xs", "true", NULL, false },
    { "'d' in r.name", "true", NULL, false },
    { "not 3 in xs", "false", NULL, false },
    /* durations and sizes */
    { "1h30min", "5400s", NULL, false },
    { "500ms", "0.5s", NULL, false },
    { "1.5s * 2", "3s", NULL, false },
    { "n * 2s", "14s", NULL, false },
    { "1min / 2", "30s", NULL, false },
    { "1min / 2s", "30.0", NULL, false },
    { "1min // 7s", "8", NULL, false },
    { "1min % 7s", "4s", NULL, false },
    { "64KiB + 1B", "65537B", NULL, false },
    { "2GB > 1GiB", "true", NULL, false },
    { "2s - 5s", "-3s", NULL, false },
    { "\"90s\"", "90s", &t_duration, false },
    { "\"64KiB\"", "65536B", &t_size, false },
    { "\"a/b\"", "\"a/b\"", &t_path, false },
    { "1min == \"60s\"", "true", NULL, false },
    /* lists */
    { "xs[0] + xs[-1]", "5", NULL, false },
    { "[x * 2 for x in xs]", "[6, 2, 4]", NULL, false },
    { "[x for x in xs if x > 1]", "[3, 2]", NULL, false },
    { "[[y for y in range(x)] for x in sorted(xs)]", "[[0], [0, 1], [0, 1, 2]]", NULL,
      false },
    { "[n for n in xs]", "[3, 1, 2]", NULL, false },
    { "[q.height for q in rs]", "[720, 720]", NULL, false },
    { "[1] + xs", "[1, 3, 1, 2]", NULL, false },
    { "[]", "[]", &t_ints, false },
    { "[1, 2,]", "[1, 2]", NULL, false },
    { "[1, null]", "[1, null]", NULL, false },
    /* null */
    { "r.crf == null", "true", NULL, false },
    { "r.crf if r.crf != null else 9", "9", &t_int, false },
    { "r.crf != null and r.crf > 3", "false", NULL, false },
    { "r.crf == null or r.crf > 3", "true", NULL, false },
    { "[x.crf for x in rs if x.crf != null]", "[]", &t_ints, false },
    /* functions */
    { "min(3, n) + max(xs)", "6", NULL, false },
    { "max(1, 2.5)", "2.5", NULL, false },
    { "min([2s, 1s])", "1s", NULL, false },
    { "abs(-3) + abs(n)", "10", NULL, false },
    { "ceil(1.2) + floor(-1.2)", "0", NULL, false },
    { "[round(0.5), round(1.5), round(2.5)]", "[0, 2, 2]", NULL, false },
    { "round(2.675, 2)", "2.67", NULL, false },
    { "len(xs) + len('h\xC3\xA9')", "5", NULL, false },
    { "sum(xs) + sum([])", "6", NULL, false },
    { "sum([1s, 500ms])", "1.5s", NULL, false },
    { "seconds(1min30s)", "90.0", NULL, false },
    { "bytes(2KiB)", "2048", NULL, false },
    { "basename(p)", "\"b.tar.gz\"", NULL, false },
    { "stem(p)", "\"b.tar\"", NULL, false },
    { "dirname(p)", "\"/a\"", &t_path, false },
    { "p + '.txt'", "\"/a/b.tar.gz.txt\"", &t_path, false },
    { "range(3)", "[0, 1, 2]", NULL, false },
    { "range(5, 1, -2)", "[5, 3]", NULL, false },
    { "sorted(['b', 'a'])", "[\"a\", \"b\"]", NULL, false },
    { "any([false, true]) and all([])", "true", NULL, false },
    { "str(2.0) + str(n) + str(1min)", "\"2.0760\"", NULL, false },
    { "int('42') + int(2.9) + int(true)", "45", NULL, false },
    { "int(-2.9)", "-2", NULL, false },
    { "float('1.5') * 2", "3.0", NULL, false },
    { "upper('ab') + lower('AB')", "\"ABab\"", NULL, false },
    { "replace('a.b.c', '.', '--')", "\"a--b--c\"", NULL, false },
    { "split('a,b,', ',')", "[\"a\", \"b\", \"\"]", NULL, false },
    { "strip(' a b\\n')", "\"a b\"", NULL, false },
    { "join(['a', 'b'], '/')", "\"a/b\"", NULL, false },
    { "startswith(p, '/a') and endswith(p, 'gz')", "true", NULL, false },
    { "format(n, '03d') + format(2.5, '.2f') + format(255, 'x')", "\"0072.50ff\"", NULL,
      false },
    { "format(0.5, '.1%') + format('a', '>3') + format(-7, '05')", "\"50.0%  a-0007\"",
      NULL, false },
    { "quote(\"it's\")", "\"'it'\\\\''s'\"", NULL, false },
    /* strings */
    { "'a' + \"b\"", "\"ab\"", NULL, false },
    { "'\\n\\t\\\\'", "\"\\n\\t\\\\\"", NULL, false },
    { "\"it's\"", "\"it's\"", NULL, false },
    /* templates */
    { "chunk {n} of {r.name}", "\"chunk 7 of hd\"", NULL, true },
    { "{{{n}}}", "\"{7}\"", NULL, true },
    { "{n:03d}.mp4", "\"007.mp4\"", NULL, true },
    { "{f}|{p}|{xs}|{1min}", "\"2.5|/a/b.tar.gz|[3, 1, 2]|60\"", NULL, true },
    { "{'a' if n > 3 else '}'}", "\"a\"", NULL, true },
    { "{n}", "\"7\"", NULL, true },
    { "{n}", "7", &t_int, true },
    { "{max(n, 9)}", "9", &t_int, true },
    { "", "\"\"", NULL, true },
    { "90s", "90s", &t_duration, true },
    { "{dirname(p)}/c.mp4", "\"/a/c.mp4\"", &t_path, true },
    /* run time errors */
    { "n // (n - 7)", "! division by zero", NULL, false },
    { "n % (n - 7)", "! division by zero", NULL, false },
    { "f / (n - 7)", "! division by zero", NULL, false },
    { "n * 9223372036854775807", "! '*': the result does not fit into 64 bits", NULL,
      false },
    { "n + 9223372036854775807", "! '+': the result does not fit into 64 bits", NULL,
      false },
    { "-n - 9223372036854775807", "! '-': the result does not fit into 64 bits", NULL,
      false },
    { "n ** 40", "! '**': the result does not fit into 64 bits", NULL, false },
    { "2 ** (n - 9)", "! '**': a negative exponent; use float() for one side", NULL,
      false },
    { "xs[3]", "! index 3 is outside of a list of 3", NULL, false },
    { "xs[-4]", "! index -4 is outside of a list of 3", NULL, false },
    { "int(r.name)", "! int(): \"hd\" is no int", NULL, false },
    { "int(f * 1e300)", "! int(): 2.5e+300 does not fit into an int", NULL, false },
    { "range(n * 10000000)", "! the expression takes more than 10000000 steps", NULL,
      false },
    { "len([a for a in range(n * 300) for_ in a])",
      "32 E0201 ']' is expected, but 'for_' stands here", NULL, false },
    { "[len([y for y in range(n * 1000)]) for x in range(9999 * n)]",
      "! the expression takes more than 10000000 steps", NULL, false },
    { "min([x for x in xs if x > n])", "! min() of an empty list", NULL, false },
    { "format(n, 'zz')", "! format(): \"zz\" does not fit such a value", NULL, false },
    /* mistakes in constants are found when they are compiled */
    { "1 // 0", "3 E0214 division by zero", NULL, false },
    { "9223372036854775807 + 1", "21 E0214 '+': the result does not fit into 64 bits",
      NULL, false },
    /* syntax */
    { "", "1 E0201 a value is expected at the end", NULL, false },
    { "1 +", "4 E0201 a value is expected at the end", NULL, false },
    { "1 + * 2", "5 E0201 a value is expected, but '*' stands here", NULL, false },
    { "(1", "3 E0201 ')' is expected at the end", NULL, false },
    { "1 2", "3 E0201 an operator or the end is expected, but '2' stands here", NULL,
      false },
    { "n = 7", "3 E0201 unexpected '=' in an expression; did you mean '=='?", NULL,
      false },
    { "n == 7 && true", "8 E0201 unexpected '&' in an expression; did you mean 'and'?",
      NULL, false },
    { "!true", "1 E0201 unexpected '!' in an expression; did you mean 'not'?", NULL,
      false },
    { "'abc", "1 E0203 this string has no end", NULL, false },
    { "'a\\q'", "3 E0203 unknown escape; known are \\\\ \\' \\\" \\n \\t \\r", NULL,
      false },
    { "5sec", "2 E0202 unknown unit; did you mean 5s?", NULL, false },
    { "9223372036854775808", "1 E0202 this number does not fit into 64 bits", NULL,
      false },
    { "99999999999999999999", "1 E0202 this number does not fit into 64 bits", NULL,
      false },
    { "1e999", "1 E0202 this number is too large for a float", NULL, false },
    { "h\xC3\xA9 + 1", "2 E0201 unexpected character in an expression", NULL, false },
    { "1 if n", "7 E0201 'else' is expected at the end", NULL, false },
    { "chunk {n of x", "10 E0201 '}' is expected, but 'of' stands here", NULL, true },
    { "a } b",
      "3 E0205 a '}' that closes nothing; the character itself is written '}}'", NULL,
      true },
    { "a {}", "4 E0201 a value is expected, but '}' stands here", NULL, true },
    /* names and types; all in one pass */
    { "m + 1", "1 E0206 unknown name 'm'", NULL, false },
    { "r.heigth", "3 E0207 rung has no field 'heigth'; did you mean 'height'?", NULL,
      false },
    { "r.heigth + r.nam + q",
      "3 E0207 rung has no field 'heigth'; did you mean 'height'?\n"
      "14 E0207 rung has no field 'nam'; did you mean 'name'?\n"
      "20 E0206 unknown name 'q'",
      NULL, false },
    { "n.x", "3 E0207 a value of type int has no fields", NULL, false },
    { "True",
      "1 E0206 unknown name 'True'; write 'true', or \"True\" in quotes for the text",
      NULL, false },
    { "len", "1 E0206 unknown name 'len'; len is a function: write len(...)", NULL,
      false },
    { "lenn(xs)", "1 E0211 unknown function 'lenn'; did you mean 'len'?", NULL, false },
    { "len(n)", "1 E0212 len() cannot take (int); it is len(list or string) -> int",
      NULL, false },
    { "min(1)", "1 E0212 min() cannot take (int); it is min(a, b, ...) or min(list)",
      NULL, false },
    { "1 + 'a'", "3 E0208 '+' cannot be used between int and string", NULL, false },
    { "n < 'a'", "3 E0208 '<' cannot be used between int and string", NULL, false },
    { "r.name == 3", "8 E0208 '==' cannot be used between string and int", NULL,
      false },
    { "2s + 1", "4 E0208 '+' cannot be used between duration and int", NULL, false },
    { "2s * 2s", "4 E0208 '*' cannot be used between duration and duration", NULL,
      false },
    { "-'a'", "1 E0208 '-' cannot be used on string", NULL, false },
    { "n[0]", "2 E0208 a value of type int cannot be indexed", NULL, false },
    { "xs['a']", "4 E0210 int is expected, but this is string", NULL, false },
    { "not n", "5 E0210 bool is expected, but this is int", NULL, false },
    { "n and true", "1 E0210 bool is expected, but this is int", NULL, false },
    { "[1, 'a']", "5 E0209 this is string, but what stands before it is int", NULL,
      false },
    { "1 if true else 'a'", "16 E0209 this is string, but what stands before it is int",
      NULL, false },
    { "[x for x in n]", "13 E0208 a list is expected after 'in'", NULL, false },
    { "r.crf + 1",
      "3 E0213 r.crf may be null; test it first: 'x if r.crf != null else y'", NULL,
      false },
    { "r.crf > 3 and r.crf != null",
      "3 E0213 r.crf may be null; test it first: 'x if r.crf != null else y'", NULL,
      false },
    { "f",
      "1 E0210 int is expected, but this is float; use int(), round(), floor() or "
      "ceil()",
      &t_int, false },
    { "n", "1 E0210 string is expected, but this is int; use str()", &t_string, false },
    { "5",
      "1 E0215 a duration needs a unit, but this is 5; write 5s or 5min, whichever is "
      "meant",
      &t_duration, false },
    { "\"5 apples\"", "1 E0210 \"5 apples\" is no duration, such as 90s or 1h30min",
      &t_duration, false },
    { "r", "1 E0210 int is expected, but this is rung", &t_int, false },
    { "2", "1 E0210 bool is expected, but this is string", &t_bool, true },
};

static void deep_nesting_ends(void **state)
{
    (void)state;
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_diags diags = { 0 };
    char *text = orr_alloc(200001, 1);
    const struct orr_span at = { "f.yaml", 1, 1 };
    memset(text, '(', 100000);
    assert_null(orr_expr_compile(text, at, NULL, NULL, &arena, &diags));
    assert_string_equal(diags.items[0].message, "nested deeper than 100 levels");
    memset(text, '-', 100000);
    assert_null(orr_expr_compile(text, at, NULL, NULL, &arena, &diags));
    assert_string_equal(diags.items[1].message, "nested deeper than 100 levels");
    for (size_t i = 0; i < 100000; i++)
        text[i] = i % 2 ? '+' : '1';
    assert_null(orr_expr_compile(text, at, NULL, NULL, &arena, &diags));
    assert_string_equal(diags.items[2].message, "the expression is too long");
    assert_int_equal(diags.n, 3);
    free(text);
    orr_diags_release(&diags);
    orr_arena_release(&arena);
}

/* What a constant would take much memory for is not computed by the compiler. */
static void large_constants_wait(void **state)
{
    (void)state;
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_diags diags = { 0 };
    struct orr_value v = orr_null();
    struct orr_expr *e = orr_expr_compile("len(range(9000000))", ORR_NO_SPAN, NULL,
                                          NULL, &arena, &diags);
    assert_non_null(e);
    assert_false(orr_expr_is_constant(e));
    assert_true(arena.bytes < 100000);
    assert_int_equal(orr_expr_eval(e, NULL, &arena, &v, NULL), ORR_OK);
    assert_int_equal(v.as.i, 9000000);
    e = orr_expr_compile("len(range(90))", ORR_NO_SPAN, NULL, NULL, &arena, &diags);
    assert_true(orr_expr_is_constant(e));
    orr_diags_release(&diags);
    orr_arena_release(&arena);
}

static void long_text_is_kept(void **state)
{
    (void)state;
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_diags diags = { 0 };
    struct orr_value v = orr_null();
    enum { LENGTH = 1024 * 1024 };
    char *text = orr_alloc(LENGTH + 1, 1);
    memset(text, 'x', LENGTH);
    const struct orr_span at = { "f.yaml", 1, 1 };
    struct orr_expr *e =
        orr_expr_compile_template(text, at, NULL, NULL, &arena, &diags);
    assert_non_null(e);
    assert_int_equal(orr_expr_eval(e, NULL, &arena, &v, NULL), ORR_OK);
    assert_int_equal(v.as.s->length, LENGTH);
    free(text);
    orr_diags_release(&diags);
    orr_arena_release(&arena);
}

/* The parts that the rule network looks at. */
/* A range is not made into a list, however long; other lists are as they are. */
static void sequences_are_lazy(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t n;
        int64_t second;
        bool list;
    } rows[] = { { "range(n * 1000000000000)", 7000000000000, 1, false },
                 { "range(10, n, 0 - 1)", 3, 9, false },
                 { "range(n, 0)", 0, 0, false },
                 { "xs", 3, 1, true },
                 { "[x + 1 for x in xs]", 3, 2, true } };
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_diags diags = { 0 };
    struct orr_scope scope;
    struct orr_list *xs = orr_list_new(&arena, 3);
    struct orr_value slots[ORR_SLOTS_MAX] = { 0 };
    set_scope(&scope);
    for (int64_t i = 0; i < 3; i++)
        xs->items[i] = orr_int((i + 2) % 3 == 2 ? 3 : i);
    slots[1] = orr_int(7);
    slots[2] = orr_value_of_list(xs);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct orr_sequence items;
        struct orr_error err;
        struct orr_expr *e = orr_expr_compile(rows[i].text, ORR_NO_SPAN, &scope,
                                              &t_ints, &arena, &diags);
        assert_non_null(e);
        assert_int_equal(orr_expr_sequence(e, slots, &arena, &items, &err), ORR_OK);
        assert_int_equal(items.n, rows[i].n);
        assert_int_equal(items.list != NULL, rows[i].list);
        if (items.n > 1)
            assert_int_equal(orr_sequence_at(&items, 1).as.i, rows[i].second);
    }
    struct orr_sequence none;
    struct orr_error err;
    struct orr_expr *e = orr_expr_compile("range(0, 5, n - 7)", ORR_NO_SPAN, &scope,
                                          &t_ints, &arena, &diags);
    assert_int_equal(orr_expr_sequence(e, slots, &arena, &none, &err), ORR_ERR_INPUT);
    assert_string_equal(err.text, "range(): the step is 0");
    orr_diags_release(&diags);
    orr_arena_release(&arena);
}

static void conditions_split(void **state)
{
    (void)state;
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_diags diags = { 0 };
    struct orr_scope scope;
    struct orr_expr *parts[8];
    struct orr_expr *left = NULL;
    struct orr_expr *right = NULL;
    struct orr_text text = ORR_TEXT_INIT;
    uint32_t slot = 9;
    uint32_t field = 9;
    set_scope(&scope);
    struct orr_expr *e =
        orr_expr_compile("n == r.height and n > 1 and (r.crf != null and r.crf > 3)",
                         ORR_NO_SPAN, &scope, NULL, &arena, &diags);
    assert_non_null(e);
    assert_int_equal(orr_expr_conjuncts(e, parts, 8),
                     3); /* null test and use stay together */
    assert_true(orr_expr_equality(parts[0], &left, &right));
    assert_false(orr_expr_equality(parts[1], &left, &right));
    assert_true(orr_expr_field_of(right, &slot, &field));
    assert_int_equal(slot, 0);
    assert_int_equal(field, 1);
    assert_int_equal(orr_expr_slots(e), 3);
    assert_true(orr_expr_reads(e, 0, 1));
    assert_false(orr_expr_reads(e, 0, 0));
    assert_int_equal(orr_expr_conjuncts(e, parts, 2), 2);
    orr_expr_print(e, &text);
    assert_string_equal(text.s,
                        "n == r.height and n > 1 and (r.crf != null and r.crf > 3)");
    orr_text_release(&text);
    orr_diags_release(&diags);
    orr_arena_release(&arena);
}

static void print_keeps_meaning(void **state)
{
    static const char *const texts[] = {
        "(n + 1) * 2",
        "n - (2 - 1)",
        "-(n + 1)",
        "(-n) ** 2",
        "not (n == 7 or true)",
        "(1 if n > 3 else 2) + 1",
        "[x for x in xs if x > 1]",
        "xs[n - 7]",
        "max(n, 3) if n in xs else 4",
        "2 ** n",
        "(n ** 2) ** 2",
        "\"a{n}{{\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct orr_arena arena = ORR_ARENA_INIT;
        struct orr_diags diags = { 0 };
        struct orr_scope scope;
        struct orr_text first = ORR_TEXT_INIT;
        struct orr_text again = ORR_TEXT_INIT;
        set_scope(&scope);
        struct orr_expr *e =
            orr_expr_compile(texts[i], ORR_NO_SPAN, &scope, NULL, &arena, &diags);
        assert_non_null(e);
        orr_expr_print(e, &first);
        e = orr_expr_compile(first.s, ORR_NO_SPAN, &scope, NULL, &arena, &diags);
        assert_non_null(e);
        orr_expr_print(e, &again);
        assert_string_equal(first.s, again.s);
        struct orr_value slots[6];
        struct orr_value a = orr_null();
        struct orr_value b = orr_null();
        set_slots(slots, &arena);
        struct orr_expr *original =
            orr_expr_compile(texts[i], ORR_NO_SPAN, &scope, NULL, &arena, &diags);
        assert_int_equal(orr_expr_eval(original, slots, &arena, &a, NULL), ORR_OK);
        assert_int_equal(orr_expr_eval(e, slots, &arena, &b, NULL), ORR_OK);
        assert_true(orr_value_equal(a, b));
        orr_text_release(&first);
        orr_text_release(&again);
        orr_diags_release(&diags);
        orr_arena_release(&arena);
    }
}

static void builtins_are_documented(void **state)
{
    size_t n = 0;
    (void)state;
    const struct orr_builtin_doc *docs = orr_expr_builtins(&n);
    assert_true(n > 25);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(strstr(docs[i].usage, docs[i].name));
        assert_true(strlen(docs[i].doc) > 5);
        if (i)
            assert_true(strcmp(docs[i - 1].name, docs[i].name) < 0);
    }
}

int main(void)
{
    enum { N = sizeof cases / sizeof *cases };
    static const CMUnitTestFunction more[] = {
        deep_nesting_ends,      large_constants_wait, long_text_is_kept,
        sequences_are_lazy,     conditions_split,     print_keeps_meaning,
        builtins_are_documented
    };
    enum { MORE = sizeof more / sizeof *more };
    static struct CMUnitTest tests[N + MORE];
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest) { .name = cases[i].text,
                                         .test_func = run_case,
                                         .initial_state = &cases[i] };
    for (size_t i = 0; i < MORE; i++)
        tests[N + i] = (struct CMUnitTest) { .name = "more", .test_func = more[i] };
    return cmocka_run_group_tests_name("expr", tests, NULL, NULL);
}
