/* expr_parse.c - tokens to a tree; Python's precedence and meaning
 * Owns nothing: nodes live in the compilation's arena. Hands on: types (expr_check.c).
 */
#include "lang/internal.h"

#include <string.h>

struct orr_expr *orri_expr_new(struct orr_arena *arena, enum orri_op op,
                               struct orr_span at, uint32_t n)
{
    struct orr_expr *e = orr_arena_alloc(arena, sizeof *e);
    e->op = op;
    e->at = at;
    e->n = n;
    e->height = 1;
    if (n)
        e->parts = orr_arena_alloc(arena, n * sizeof *e->parts);
    return e;
}

struct parser {
    struct orri_lexer *lexer;
    int depth;
};

static struct orr_expr *parse_expression(struct parser *p);
static struct orr_expr *parse_unary(struct parser *p);
static struct orr_expr *parse_logic(struct parser *p, enum orri_op op);

static struct orr_span here(struct parser *p)
{
    return orri_lex_span(p->lexer, p->lexer->start);
}

static bool accept(struct parser *p, const char *what)
{
    if (!orri_lex_is(p->lexer, what))
        return false;
    orri_lex(p->lexer);
    return true;
}

static void *refuse(struct parser *p, const char *wanted)
{
    struct orri_lexer *lexer = p->lexer;
    int length = (int)(lexer->at - lexer->start > 40 ? 40 : lexer->at - lexer->start);
    if (lexer->token == ORRI_T_END)
        orr_diag_error(lexer->diags, here(p), "E0201", "%s is expected at the end",
                       wanted);
    else if (lexer->token != ORRI_T_BAD)
        orr_diag_error(lexer->diags, here(p), "E0201",
                       "%s is expected, but '%.*s' stands here", wanted, length,
                       lexer->text + lexer->start);
    lexer->token = ORRI_T_BAD;
    return NULL;
}

static bool expect(struct parser *p, const char *sign)
{
    char wanted[16];
    if (accept(p, sign))
        return true;
    wanted[0] = '\'';
    wanted[1] = '\0';
    strncat(wanted, sign, 8);
    strncat(wanted, "'", 2);
    (void)refuse(p, wanted);
    return false;
}

static struct orr_expr *node(struct parser *p, enum orri_op op, struct orr_span at,
                             uint32_t n)
{
    return orri_expr_new(p->lexer->arena, op, at, n);
}

/* Tree heights are limited, so that what walks the tree may call itself. */
static struct orr_expr *grown(struct parser *p, struct orr_expr *e)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (e->parts[i] && e->parts[i]->height >= e->height)
            e->height = (uint16_t)(e->parts[i]->height + 1);
    if (e->height <= ORRI_HEIGHT)
        return e;
    orr_diag_error(p->lexer->diags, e->at, "E0204", "the expression is too long");
    p->lexer->token = ORRI_T_BAD;
    return NULL;
}

static struct orr_expr *binary(struct parser *p, enum orri_op op, struct orr_span at,
                               struct orr_expr *left, struct orr_expr *right)
{
    if (!left || !right)
        return NULL;
    struct orr_expr *e = node(p, op, at, 2);
    e->parts[0] = left;
    e->parts[1] = right;
    return grown(p, e);
}

static struct orr_expr *unary(struct parser *p, enum orri_op op, struct orr_span at,
                              struct orr_expr *part)
{
    if (!part)
        return NULL;
    struct orr_expr *e = node(p, op, at, 1);
    e->parts[0] = part;
    return grown(p, e);
}

static bool enter(struct parser *p)
{
    if (++p->depth <= ORR_EXPR_DEPTH)
        return true;
    if (p->lexer->token != ORRI_T_BAD)
        orr_diag_error(p->lexer->diags, here(p), "E0204",
                       "nested deeper than %d levels", ORR_EXPR_DEPTH);
    p->lexer->token = ORRI_T_BAD;
    return false;
}

/* Expressions up to `close` into e->parts, after those already there. */
static struct orr_expr *parse_items(struct parser *p, struct orr_expr *e,
                                    const char *close)
{
    uint32_t cap = e->n;
    while (!accept(p, close)) {
        struct orr_expr *item = parse_expression(p);
        if (!item)
            return NULL;
        if (e->n == cap) {
            cap = cap ? 2 * cap : 4;
            struct orr_expr **parts =
                orr_arena_alloc(p->lexer->arena, cap * sizeof *parts);
            if (e->n)
                memcpy(parts, e->parts, e->n * sizeof *parts);
            e->parts = parts;
        }
        e->parts[e->n++] = item;
        if (!orri_lex_is(p->lexer, close) && !expect(p, ","))
            return NULL;
    }
    return grown(p, e);
}

/* After "[element": "for x in xs if c]". */
static struct orr_expr *parse_comprehension(struct parser *p, struct orr_span at,
                                            struct orr_expr *element)
{
    const char *name = p->lexer->name;
    if (p->lexer->token != ORRI_T_NAME)
        return refuse(p, "a name");
    orri_lex(p->lexer);
    if (!expect(p, "in"))
        return NULL;
    /* The list has no "if" of its own: that word starts the condition. */
    struct orr_expr *list = parse_logic(p, ORRI_OR);
    struct orr_expr *condition = list && accept(p, "if") ? parse_expression(p) : NULL;
    if (!list || p->lexer->token == ORRI_T_BAD || !expect(p, "]"))
        return NULL;
    struct orr_expr *e = node(p, ORRI_COMPREHENSION, at, condition ? 3 : 2);
    e->name = name;
    e->parts[0] = list;
    e->parts[1] = element;
    if (condition)
        e->parts[2] = condition;
    return grown(p, e);
}

static struct orr_expr *parse_list(struct parser *p, struct orr_span at)
{
    struct orr_expr *e = node(p, ORRI_LIST, at, 0);
    if (accept(p, "]"))
        return e;
    struct orr_expr *first = parse_expression(p);
    if (!first)
        return NULL;
    if (accept(p, "for"))
        return parse_comprehension(p, at, first);
    e->parts = orr_arena_alloc(p->lexer->arena, sizeof *e->parts);
    e->parts[0] = first;
    e->n = 1;
    if (accept(p, "]"))
        return grown(p, e);
    return expect(p, ",") ? parse_items(p, e, "]") : NULL;
}

static struct orr_expr *parse_name(struct parser *p, struct orr_span at)
{
    const char *name = p->lexer->name;
    orri_lex(p->lexer);
    if (accept(p, "(")) {
        struct orr_expr *call = node(p, ORRI_CALL, at, 0);
        call->name = name;
        return parse_items(p, call, ")");
    }
    struct orr_expr *e = node(p, ORRI_NAME, at, 0);
    e->name = name;
    return e;
}

static struct orr_expr *parse_atom(struct parser *p)
{
    struct orr_span at = here(p);
    if (p->lexer->token == ORRI_T_CONST) {
        if (p->lexer->least_int) {
            orr_diag_error(p->lexer->diags, at, "E0202",
                           "this number does not fit into 64 bits");
            p->lexer->token = ORRI_T_BAD;
            return NULL;
        }
        struct orr_expr *e = node(p, ORRI_CONST, at, 0);
        e->value = p->lexer->value;
        e->type = p->lexer->type;
        orri_lex(p->lexer);
        return e;
    }
    if (p->lexer->token == ORRI_T_NAME)
        return parse_name(p, at);
    if (accept(p, "(")) {
        struct orr_expr *e = parse_expression(p);
        return e && expect(p, ")") ? e : NULL;
    }
    return accept(p, "[") ? parse_list(p, at) : refuse(p, "a value");
}

static struct orr_expr *parse_field(struct parser *p, struct orr_expr *of)
{
    struct orr_span at = here(p);
    if (p->lexer->token != ORRI_T_NAME)
        return refuse(p, "a field name");
    struct orr_expr *e = unary(p, ORRI_FIELD, at, of);
    if (e)
        e->name = p->lexer->name;
    orri_lex(p->lexer);
    return e;
}

static struct orr_expr *parse_postfix(struct parser *p)
{
    struct orr_expr *e = parse_atom(p);
    while (e) {
        struct orr_span at = here(p);
        if (accept(p, ".")) {
            e = parse_field(p, e);
        } else if (accept(p, "[")) {
            e = binary(p, ORRI_INDEX, at, e, parse_expression(p));
            e = e && expect(p, "]") ? e : NULL;
        } else {
            break;
        }
    }
    return e;
}

static struct orr_expr *parse_power(struct parser *p)
{
    struct orr_expr *base = parse_postfix(p);
    struct orr_span at = here(p);
    if (!base || !accept(p, "**"))
        return base;
    return binary(p, ORRI_POW, at, base, parse_unary(p)); /* to the right */
}

static struct orr_expr *parse_minus(struct parser *p, struct orr_span at)
{
    if (p->lexer->token == ORRI_T_CONST && p->lexer->least_int) {
        struct orr_expr *e = node(p, ORRI_CONST, at, 0);
        e->value = orr_int(INT64_MIN);
        e->type = orr_type_scalar(ORR_KIND_INT);
        orri_lex(p->lexer);
        return e;
    }
    return unary(p, ORRI_NEG, at, parse_unary(p));
}

static struct orr_expr *parse_unary(struct parser *p)
{
    struct orr_span at = here(p);
    if (!enter(p))
        return NULL;
    struct orr_expr *e = NULL;
    if (accept(p, "-"))
        e = parse_minus(p, at);
    else if (accept(p, "+"))
        e = parse_unary(p);
    else
        e = parse_power(p);
    p->depth--;
    return e;
}

static int operator_here(struct parser *p, enum orri_op *op)
{
#define X(id, text, precedence) { text, precedence, ORRI_##id },
    static const struct {
        const char *text;
        int precedence;
        enum orri_op op;
    } operators[] = { ORRI_BINARY(X) };
#undef X
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (operators[i].op != ORRI_POW && orri_lex_is(p->lexer, operators[i].text)) {
            *op = operators[i].op;
            return operators[i].precedence;
        }
    return 0;
}

/* + - below * / // %, all to the left. */
static struct orr_expr *parse_arithmetic(struct parser *p, int least)
{
    struct orr_expr *left = least > 7 ? parse_unary(p) : parse_arithmetic(p, least + 1);
    enum orri_op op = ORRI_CONST;
    while (left && operator_here(p, &op) == least) {
        struct orr_span at = here(p);
        orri_lex(p->lexer);
        left = binary(p, op, at, left,
                      least >= 7 ? parse_unary(p) : parse_arithmetic(p, least + 1));
    }
    return left;
}

static bool comparison_here(struct parser *p, enum orri_op *op)
{
    if (orri_lex_is(p->lexer, "not")) { /* after a value: only "not in" */
        orri_lex(p->lexer);
        *op = ORRI_NOT_IN;
        return expect(p, "in");
    }
    if (operator_here(p, op) != 5)
        return false;
    orri_lex(p->lexer);
    return true;
}

/* a < b < c is a < b and b < c. */
static struct orr_expr *parse_comparison(struct parser *p)
{
    struct orr_expr *left = parse_arithmetic(p, 6);
    struct orr_expr *all = NULL;
    enum orri_op op = ORRI_CONST;
    struct orr_span at = here(p);
    while (left && comparison_here(p, &op)) {
        struct orr_expr *right = parse_arithmetic(p, 6);
        struct orr_expr *one = binary(p, op, at, left, right);
        if (!one)
            return NULL;
        all = all ? binary(p, ORRI_AND, at, all, one) : one;
        left = all ? right : NULL;
        at = here(p);
    }
    return p->lexer->token == ORRI_T_BAD ? NULL : all ? all : left;
}

static struct orr_expr *parse_not(struct parser *p)
{
    struct orr_span at = here(p);
    if (!orri_lex_is(p->lexer, "not"))
        return parse_comparison(p);
    if (!enter(p))
        return NULL;
    orri_lex(p->lexer);
    struct orr_expr *e = unary(p, ORRI_NOT, at, parse_not(p));
    p->depth--;
    return e;
}

static struct orr_expr *parse_logic(struct parser *p, enum orri_op op)
{
    const char *word = op == ORRI_OR ? "or" : "and";
    struct orr_expr *left = op == ORRI_OR ? parse_logic(p, ORRI_AND) : parse_not(p);
    struct orr_span at = here(p);
    while (left && accept(p, word)) {
        left = binary(p, op, at, left,
                      op == ORRI_OR ? parse_logic(p, ORRI_AND) : parse_not(p));
        at = here(p);
    }
    return left;
}

static struct orr_expr *parse_condition(struct parser *p, struct orr_span at,
                                        struct orr_expr *value)
{
    struct orr_expr *condition = parse_logic(p, ORRI_OR);
    if (!condition || !expect(p, "else"))
        return NULL;
    struct orr_expr *otherwise = parse_expression(p);
    if (!otherwise)
        return NULL;
    struct orr_expr *e = node(p, ORRI_COND, at, 3);
    e->parts[0] = condition;
    e->parts[1] = value;
    e->parts[2] = otherwise;
    return grown(p, e);
}

static struct orr_expr *parse_expression(struct parser *p)
{
    if (!enter(p))
        return NULL;
    struct orr_expr *e = parse_logic(p, ORRI_OR);
    struct orr_span at = here(p);
    if (e && accept(p, "if"))
        e = parse_condition(p, at, e);
    p->depth--;
    return e;
}

struct orr_expr *orri_parse(struct orri_lexer *lexer)
{
    struct parser p = { lexer, 0 };
    orri_lex(lexer);
    struct orr_expr *e = parse_expression(&p);
    if (!e)
        return NULL;
    return lexer->token == ORRI_T_END ? e : refuse(&p, "an operator or the end");
}

/* ---- templates: text with {expr} and {expr:format} ---- */

struct pieces {
    struct parser parser;
    struct orr_expr **parts;
    size_t n, cap;
    struct orr_text text; /* literal text since the last part */
    size_t text_at;
};

static void add_piece(struct pieces *t, struct orr_expr *part)
{
    struct orr_arena *arena = t->parser.lexer->arena;
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 8;
        struct orr_expr **parts = orr_arena_alloc(arena, cap * sizeof *parts);
        if (t->n)
            memcpy(parts, t->parts, t->n * sizeof *parts);
        t->parts = parts;
        t->cap = cap;
    }
    t->parts[t->n++] = part;
}

static void end_text(struct pieces *t)
{
    struct orri_lexer *lexer = t->parser.lexer;
    if (t->text.length == 0)
        return;
    struct orr_expr *e =
        node(&t->parser, ORRI_CONST, orri_lex_span(lexer, t->text_at), 0);
    e->value = orr_string_new(lexer->arena, ORR_KIND_STRING, t->text.s, t->text.length);
    e->type = orr_type_scalar(ORR_KIND_STRING);
    add_piece(t, e);
    orr_text_clear(&t->text);
}

/* {value:spec} is format(value, "spec"). */
static struct orr_expr *parse_spec(struct pieces *t, struct orr_expr *value)
{
    struct orri_lexer *lexer = t->parser.lexer;
    const char *from = lexer->text + lexer->at;
    const char *end = memchr(from, '}', lexer->length - lexer->at);
    if (!end)
        return value; /* the missing brace is reported next */
    struct orr_expr *spec =
        node(&t->parser, ORRI_CONST, orri_lex_span(lexer, lexer->at), 0);
    spec->value =
        orr_string_new(lexer->arena, ORR_KIND_STRING, from, (size_t)(end - from));
    spec->type = orr_type_scalar(ORR_KIND_STRING);
    struct orr_expr *call = binary(&t->parser, ORRI_CALL, value->at, value, spec);
    if (call)
        call->name = "format";
    lexer->at = (size_t)(end - lexer->text);
    orri_lex(lexer);
    return call;
}

static bool parse_hole(struct pieces *t)
{
    struct orri_lexer *lexer = t->parser.lexer;
    lexer->at++;
    orri_lex(lexer);
    struct orr_expr *e = parse_expression(&t->parser);
    if (e && orri_lex_is(lexer, ":"))
        e = parse_spec(t, e);
    if (!e)
        return false;
    if (!orri_lex_is(lexer, "}")) {
        (void)refuse(&t->parser, "'}'");
        return false;
    }
    add_piece(t, e);
    t->text_at = lexer->at;
    return true;
}

static bool parse_piece(struct pieces *t)
{
    struct orri_lexer *lexer = t->parser.lexer;
    size_t rest = lexer->length - lexer->at;
    const char *s = lexer->text + lexer->at;
    size_t plain = 0;
    while (plain < rest && s[plain] != '{' && s[plain] != '}')
        plain++;
    if (plain) {
        orr_text_append(&t->text, s, plain);
        lexer->at += plain;
        return true;
    }
    if (rest > 1 && s[0] == s[1]) {
        orr_text_append(&t->text, s, 1);
        lexer->at += 2;
        return true;
    }
    end_text(t);
    if (s[0] == '{')
        return parse_hole(t);
    orr_diag_error(lexer->diags, orri_lex_span(lexer, lexer->at), "E0205",
                   "a '}' that closes nothing; the character itself is written '}}'");
    return false;
}

struct orr_expr *orri_parse_template(struct orri_lexer *lexer)
{
    struct pieces t = { .parser = { lexer, 0 } };
    bool good = true;
    while (good && lexer->at < lexer->length)
        good = parse_piece(&t);
    end_text(&t);
    orr_text_release(&t.text);
    if (!good)
        return NULL;
    struct orr_expr *e = node(&t.parser, ORRI_TEMPLATE, lexer->base, 0);
    e->n = (uint32_t)t.n;
    e->parts = t.parts;
    return grown(&t.parser, e);
}
