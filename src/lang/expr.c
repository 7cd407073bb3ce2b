/* expr.c - compiling expressions and asking about them; printing
 * Owns nothing: everything lives in the caller's arena. */
#include "lang/expr.h"

#include "lang/internal.h"

#include <string.h>

static struct orr_expr *check_all(struct orr_expr *e, struct orr_scope *scope,
                                  const struct orr_type *want, struct orr_arena *arena,
                                  struct orr_diags *diags)
{
    struct orr_scope empty = { 0 };
    struct orri_checker c = { .scope = scope ? scope : &empty,
                              .arena = arena,
                              .diags = diags,
                              .narrow_used = UINT32_MAX };
    if (!e || !orri_check(&c, &e, want) || !orri_coerce(&c, &e, want))
        return NULL;
    return e;
}

static struct orri_lexer lexer_of(const char *text, struct orr_span at,
                                  struct orr_arena *arena, struct orr_diags *diags)
{
    return (struct orri_lexer) {
        .text = text, .length = strlen(text), .base = at, .arena = arena, .diags = diags
    };
}

struct orr_expr *orr_expr_compile(const char *text, struct orr_span at,
                                  struct orr_scope *scope, const struct orr_type *want,
                                  struct orr_arena *arena, struct orr_diags *diags)
{
    struct orri_lexer lexer = lexer_of(text, at, arena, diags);
    return check_all(orri_parse(&lexer), scope, want, arena, diags);
}

/* A template that is text only is that text; one that is a single {expr}, where no
 * text is wanted, is that expression. */
static struct orr_expr *simplest(struct orr_expr *e, const struct orr_type *want,
                                 struct orr_arena *arena)
{
    if (e->n == 0) {
        e->op = ORRI_CONST;
        e->value = orr_string_new(arena, ORR_KIND_STRING, "", 0);
        e->type = orr_type_scalar(ORR_KIND_STRING);
    } else if (e->n == 1 && (orri_is_literal(e->parts[0]) ||
                             (want && want->kind != ORR_KIND_STRING))) {
        return e->parts[0];
    }
    return e;
}

struct orr_expr *orr_expr_compile_template(const char *text, struct orr_span at,
                                           struct orr_scope *scope,
                                           const struct orr_type *want,
                                           struct orr_arena *arena,
                                           struct orr_diags *diags)
{
    struct orri_lexer lexer = lexer_of(text, at, arena, diags);
    struct orr_expr *e = orri_parse_template(&lexer);
    if (!e)
        return NULL;
    e = simplest(e, want, arena);
    if (!(want && want->kind == ORR_KIND_PATH) || e->op != ORRI_TEMPLATE)
        return check_all(e, scope, want, arena, diags);
    e = check_all(e, scope, NULL, arena, diags);
    if (!e)
        return NULL;
    e->type = orr_type_scalar(ORR_KIND_PATH); /* "{j.folder}/{c.index}.mp4" as a path */
    if (e->op == ORRI_CONST)
        e->value.kind = ORR_KIND_PATH;
    return e;
}

struct name_visitor {
    void (*visit)(void *context, const char *name);
    void *context;
};

/* `hidden`: the comprehensions around, whose variables are no names of ours. */
static void visit_names(const struct name_visitor *v, const struct orr_expr *e,
                        const char *const *hidden, uint32_t n_hidden)
{
    const char *inner[ORRI_LOCALS + 1];
    bool local = false;
    for (uint32_t i = 0; i < n_hidden; i++)
        local = local || strcmp(hidden[i], e->name ? e->name : "") == 0;
    if (e->op == ORRI_NAME && !local)
        v->visit(v->context, e->name);
    bool binds = e->op == ORRI_COMPREHENSION && n_hidden < ORRI_LOCALS;
    if (n_hidden)
        memcpy(inner, hidden, n_hidden * sizeof *inner);
    inner[n_hidden] = e->name;
    for (uint32_t i = 0; i < e->n; i++)
        if (e->parts[i])
            visit_names(v, e->parts[i], inner, n_hidden + (binds && i > 0));
}

void orr_expr_names(const char *text, bool is_template,
                    void (*visit)(void *context, const char *name), void *context)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_diags quiet = { 0 };
    struct orri_lexer lexer = lexer_of(text, ORR_NO_SPAN, &arena, &quiet);
    struct orr_expr *e = is_template ? orri_parse_template(&lexer) : orri_parse(&lexer);
    struct name_visitor v = { visit, context };
    if (e)
        visit_names(&v, e, NULL, 0);
    orr_diags_release(&quiet);
    orr_arena_release(&arena);
}

struct orr_expr *orr_expr_compile_script(const char *text, struct orr_span at,
                                         struct orr_scope *scope,
                                         struct orr_arena *arena,
                                         struct orr_diags *diags)
{
    struct orri_lexer lexer = lexer_of(text, at, arena, diags);
    struct orr_scope empty = { 0 };
    struct orri_checker c = { .scope = scope ? scope : &empty,
                              .arena = arena,
                              .diags = diags,
                              .narrow_used = UINT32_MAX };
    struct orr_expr *e = orri_parse_template(&lexer);
    if (!e || !orri_check_script(&c, e))
        return NULL;
    return check_all(simplest(e, NULL, arena), scope, NULL, arena, diags);
}

struct orr_expr *orr_expr_constant(struct orr_value v, const struct orr_type *type,
                                   struct orr_span at, struct orr_arena *arena)
{
    struct orr_expr *e = orri_expr_new(arena, ORRI_CONST, at, 0);
    e->value = v;
    e->type = type;
    return e;
}

static struct orr_expr *assembled(enum orri_op op, const struct orr_type *type,
                                  struct orr_expr *const *parts, uint32_t n,
                                  struct orr_span at, struct orr_arena *arena)
{
    struct orr_expr *e = orri_expr_new(arena, op, at, n);
    struct orr_diags none = { 0 };
    struct orri_checker c = { .arena = arena, .diags = &none };
    e->type = type;
    for (uint32_t i = 0; i < n; i++) {
        e->parts[i] = parts[i];
        if (parts[i] && parts[i]->height >= e->height)
            e->height = (uint16_t)(parts[i]->height + 1);
    }
    (void)orri_finish(&c, e); /* constants in a list or record cannot fail */
    orr_diags_release(&none);
    return e;
}

struct orr_expr *orr_expr_record(const struct orr_record_type *type,
                                 struct orr_expr *const *parts, struct orr_span at,
                                 struct orr_arena *arena)
{
    struct orr_type *record = orr_arena_alloc(arena, sizeof *record);
    *record = (struct orr_type) { .kind = ORR_KIND_RECORD, .record = type };
    return assembled(ORRI_RECORD, record, parts, type->n_fields, at, arena);
}

struct orr_expr *orr_expr_list(const struct orr_type *type,
                               struct orr_expr *const *parts, uint32_t n,
                               struct orr_span at, struct orr_arena *arena)
{
    return assembled(ORRI_LIST, type, parts, n, at, arena);
}

/* SLOT.field of a value that is there: most of what rules ask for. */
static bool plain_field(const struct orr_expr *expr, const struct orr_value *slots,
                        struct orr_value *out)
{
    if (expr->op != ORRI_FIELD || expr->parts[0]->op != ORRI_SLOT)
        return false;
    struct orr_value of = slots[expr->parts[0]->index];
    if (of.kind != ORR_KIND_RECORD)
        return false;
    *out = of.as.record->fields[expr->index];
    return out->kind != ORR_KIND_NULL;
}

static void begin_eval(struct orri_eval *eval, const struct orr_value *slots,
                       struct orr_arena *arena, struct orr_error *err)
{
    eval->slots = slots;
    eval->arena = arena;
    eval->err = err;
    eval->steps = 0;
    eval->limit = ORR_EXPR_STEPS;
}

orr_status orr_expr_eval(const struct orr_expr *expr, const struct orr_value *slots,
                         struct orr_arena *arena, struct orr_value *out,
                         struct orr_error *err)
{
    if (expr->op == ORRI_CONST) {
        *out = expr->value;
        return ORR_OK;
    }
    if (plain_field(expr, slots, out))
        return ORR_OK;
    struct orri_eval eval; /* locals are set before they are read */
    begin_eval(&eval, slots, arena, err);
    struct orr_value value = orr_null();
    orr_status status = orri_eval(&eval, expr, &value);
    if (status == ORR_OK)
        *out = value;
    return status;
}

orr_status orr_expr_sequence(const struct orr_expr *expr, const struct orr_value *slots,
                             struct orr_arena *arena, struct orr_sequence *out,
                             struct orr_error *err)
{
    struct orri_eval eval;
    begin_eval(&eval, slots, arena, err);
    *out = (struct orr_sequence) { 0 };
    if (orri_is_range(expr))
        return orri_eval_range(&eval, expr, out);
    struct orr_value value = orr_null();
    orr_status status = orr_expr_eval(expr, slots, arena, &value, err);
    if (status == ORR_OK && value.kind == ORR_KIND_LIST)
        *out = (struct orr_sequence) { .n = value.as.list->n, .list = value.as.list };
    return status;
}

struct orr_value orr_sequence_at(const struct orr_sequence *sequence, uint64_t i)
{
    if (sequence->list)
        return sequence->list->items[i];
    return orr_int((int64_t)((uint64_t)sequence->start + i * (uint64_t)sequence->step));
}

const struct orr_type *orr_expr_type(const struct orr_expr *expr) { return expr->type; }

struct orr_span orr_expr_span(const struct orr_expr *expr) { return expr->at; }

bool orr_expr_is_constant(const struct orr_expr *expr)
{
    return expr->op == ORRI_CONST;
}

uint32_t orr_expr_slots(const struct orr_expr *expr) { return expr->slots; }

size_t orr_expr_conjuncts(struct orr_expr *expr, struct orr_expr **parts, size_t max)
{
    if (max == 0)
        return 0;
    if (expr->op != ORRI_AND || expr->glued || max == 1) {
        parts[0] = expr;
        return 1;
    }
    size_t n = orr_expr_conjuncts(expr->parts[0], parts, max - 1);
    return n + orr_expr_conjuncts(expr->parts[1], parts + n, max - n);
}

bool orr_expr_equality(const struct orr_expr *expr, struct orr_expr **left,
                       struct orr_expr **right)
{
    if (expr->op != ORRI_EQ)
        return false;
    *left = expr->parts[0];
    *right = expr->parts[1];
    return true;
}

const char *orr_expr_comparison(const struct orr_expr *expr,
                                const struct orr_expr **left,
                                const struct orr_expr **right)
{
    static const char *const texts[] = { "==", "!=", "<", "<=", ">", ">=" };
    if (expr->op < ORRI_EQ || expr->op > ORRI_GE)
        return NULL;
    *left = expr->parts[0];
    *right = expr->parts[1];
    return texts[expr->op - ORRI_EQ];
}

bool orr_expr_slot_of(const struct orr_expr *expr, uint32_t *slot)
{
    if (expr->op != ORRI_SLOT)
        return false;
    *slot = expr->index;
    return true;
}

bool orr_expr_field_of(const struct orr_expr *expr, uint32_t *slot, uint32_t *field)
{
    if (expr->op != ORRI_FIELD || expr->parts[0]->op != ORRI_SLOT)
        return false;
    *slot = expr->parts[0]->index;
    *field = expr->index;
    return true;
}

bool orr_expr_relation(const struct orr_expr *expr, struct orr_relation_of *out)
{
    static const enum orr_relation mirrored[] = { ORR_IS_EQ, ORR_IS_NE, ORR_IS_GT,
                                                  ORR_IS_GE, ORR_IS_LT, ORR_IS_LE };
    if (expr->op < ORRI_EQ || expr->op > ORRI_GE)
        return false;
    out->relation = (enum orr_relation)(expr->op - ORRI_EQ);
    for (int side = 0; side < 2; side++) {
        const struct orr_expr *constant = expr->parts[1 - side];
        if (constant->op != ORRI_CONST || constant->value.kind == ORR_KIND_NULL)
            continue;
        if (orr_expr_slot_of(expr->parts[side], &out->slot))
            out->field = ORR_NO_FIELD;
        else if (!orr_expr_field_of(expr->parts[side], &out->slot, &out->field))
            continue;
        out->value = constant->value;
        if (side == 1)
            out->relation = mirrored[out->relation];
        return true;
    }
    return false;
}

bool orr_expr_record_part(const struct orr_expr *expr, uint32_t field,
                          const struct orr_expr **part)
{
    if (expr->op != ORRI_RECORD)
        return false;
    *part = expr->parts[field];
    return true;
}

bool orr_expr_reads(const struct orr_expr *expr, uint32_t slot, uint32_t field)
{
    if (!(expr->slots & UINT32_C(1) << slot))
        return false;
    if (expr->op == ORRI_SLOT)
        return true;
    if (expr->op == ORRI_FIELD && expr->parts[0]->op == ORRI_SLOT)
        return expr->index == field;
    for (uint32_t i = 0; i < expr->n; i++)
        if (expr->parts[i] && orr_expr_reads(expr->parts[i], slot, field))
            return true;
    return false;
}

void orr_expr_mark_reads(const struct orr_expr *expr, uint32_t slot, bool *used,
                         uint32_t n)
{
    if (!(expr->slots & UINT32_C(1) << slot))
        return;
    if (expr->op == ORRI_SLOT)
        memset(used, true, n * sizeof *used);
    else if (expr->op == ORRI_FIELD && expr->parts[0]->op == ORRI_SLOT)
        used[expr->index] = true;
    else
        for (uint32_t i = 0; i < expr->n; i++)
            if (expr->parts[i])
                orr_expr_mark_reads(expr->parts[i], slot, used, n);
}

/* ---- printing ---- */

struct sign {
    const char *text;
    int precedence;
};

enum { CONDITION = 1, NEGATION = 4, UNARY = 8, ATOM = 10 };

static struct sign sign_of(enum orri_op op)
{
#define X(id, text, precedence) [ORRI_##id] = { text, precedence },
    static const struct sign signs[] = { [ORRI_COND] = { "if", CONDITION },
                                         [ORRI_NOT] = { "not ", NEGATION },
                                         [ORRI_NEG] = { "-", UNARY },
                                         ORRI_BINARY(X) };
#undef X
    return signs[op];
}

static int precedence(const struct orr_expr *e)
{
    if (e->op == ORRI_CONVERT)
        return precedence(e->parts[0]);
    int p = sign_of(e->op).precedence;
    return p ? p : ATOM;
}

static void print(const struct orr_expr *e, int least, struct orr_text *out);

static void print_parts(const struct orr_expr *e, const char *close,
                        struct orr_text *out)
{
    for (uint32_t i = 0; i < e->n; i++) {
        orr_text_puts(out, i ? ", " : "");
        print(e->parts[i], 0, out);
    }
    orr_text_puts(out, close);
}

static void print_record(const struct orr_expr *e, struct orr_text *out)
{
    const char *between = "{";
    for (uint32_t i = 0; i < e->n; i++) {
        if (!e->parts[i])
            continue;
        orr_text_printf(out, "%s%s: ", between, e->type->record->fields[i].name);
        print(e->parts[i], 0, out);
        between = ", ";
    }
    orr_text_puts(out, *between == '{' ? "{}" : "}");
}

/* The text of a literal inside of a template: quotes escaped, braces doubled. */
static void print_literal(const struct orr_string *s, struct orr_text *out)
{
    struct orr_text quoted = ORR_TEXT_INIT;
    orr_text_json(&quoted, s->s, s->length);
    for (size_t i = 1; i + 1 < quoted.length; i++) {
        orr_text_append(out, &quoted.s[i], 1);
        if (quoted.s[i] == '{' || quoted.s[i] == '}')
            orr_text_append(out, &quoted.s[i], 1);
    }
    orr_text_release(&quoted);
}

static void print_template(const struct orr_expr *e, struct orr_text *out)
{
    orr_text_puts(out, "\"");
    for (uint32_t i = 0; i < e->n; i++) {
        if (orri_is_literal(e->parts[i])) {
            print_literal(e->parts[i]->value.as.s, out);
            continue;
        }
        orr_text_puts(out, "{");
        print(e->parts[i], 0, out);
        orr_text_puts(out, "}");
    }
    orr_text_puts(out, "\"");
}

static void print_comprehension(const struct orr_expr *e, struct orr_text *out)
{
    orr_text_puts(out, "[");
    print(e->parts[1], 0, out);
    orr_text_printf(out, " for %s in ", e->name);
    print(e->parts[0], CONDITION + 1, out);
    if (e->n == 3) {
        orr_text_puts(out, " if ");
        print(e->parts[2], 0, out);
    }
    orr_text_puts(out, "]");
}

static void print_operator(const struct orr_expr *e, struct orr_text *out)
{
    struct sign sign = sign_of(e->op);
    bool right = e->op == ORRI_POW;
    print(e->parts[0], sign.precedence + right, out);
    orr_text_printf(out, " %s ", sign.text);
    print(e->parts[1], sign.precedence + !right, out);
}

static void print_node(const struct orr_expr *e, struct orr_text *out)
{
    switch (e->op) {
    case ORRI_CONST: orr_value_print(e->value, out); break;
    case ORRI_NAME:
    case ORRI_SLOT:
    case ORRI_LOCAL: orr_text_puts(out, e->name); break;
    case ORRI_FIELD:
        print(e->parts[0], ATOM, out);
        orr_text_printf(out, ".%s", e->name);
        break;
    case ORRI_INDEX:
        print(e->parts[0], ATOM, out);
        orr_text_puts(out, "[");
        print(e->parts[1], 0, out);
        orr_text_puts(out, "]");
        break;
    case ORRI_NEG:
    case ORRI_NOT:
        orr_text_puts(out, sign_of(e->op).text);
        print(e->parts[0], sign_of(e->op).precedence, out);
        break;
    case ORRI_COND:
        print(e->parts[1], CONDITION + 1, out);
        orr_text_puts(out, " if ");
        print(e->parts[0], CONDITION + 1, out);
        orr_text_puts(out, " else ");
        print(e->parts[2], CONDITION, out);
        break;
    case ORRI_LIST: orr_text_puts(out, "["), print_parts(e, "]", out); break;
    case ORRI_RECORD: print_record(e, out); break;
    case ORRI_COMPREHENSION: print_comprehension(e, out); break;
    case ORRI_CALL:
        orr_text_printf(out, "%s(", e->name), print_parts(e, ")", out);
        break;
    case ORRI_TEMPLATE: print_template(e, out); break;
    case ORRI_CONVERT: print(e->parts[0], 0, out); break;
    default: print_operator(e, out);
    }
}

static void print(const struct orr_expr *e, int least, struct orr_text *out)
{
    bool brackets = precedence(e) < least;
    orr_text_puts(out, brackets ? "(" : "");
    print_node(e, out);
    orr_text_puts(out, brackets ? ")" : "");
}

void orr_expr_print(const struct orr_expr *expr, struct orr_text *out)
{
    print(expr, 0, out);
}
