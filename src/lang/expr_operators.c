/* expr_operators.c - the types that binary operators take and give */
#include "lang/internal.h"

#include <string.h>

static const char *operator_text(enum orri_op op)
{
#define X(id, text, precedence) [ORRI_##id] = text,
    static const char *const texts[] = { ORRI_BINARY(X) };
#undef X
    return texts[op];
}

static const struct orr_type *mismatch(struct orri_checker *c, struct orr_expr *e)
{
    e->bad = true;
    orr_diag_error(c->diags, e->at, "E0208", "'%s' cannot be used between %s and %s",
                   operator_text(e->op), orri_type_text(c, e->parts[0]->type),
                   orri_type_text(c, e->parts[1]->type));
    return NULL;
}

/* A string literal beside a path, duration or size is one. */
static bool adapt_literals(struct orri_checker *c, struct orr_expr *e)
{
    for (int i = 0; i < 2; i++) {
        enum orr_kind other = e->parts[1 - i]->type->kind;
        if (orri_is_literal(e->parts[i]) &&
            (other == ORR_KIND_PATH || other == ORR_KIND_DURATION ||
             other == ORR_KIND_SIZE) &&
            !orri_coerce(c, &e->parts[i], orr_type_scalar(other)))
            return false;
    }
    return true;
}

/* Both to float when one is; equality and its hashes need one kind. */
static bool same_numbers(struct orri_checker *c, struct orr_expr *e)
{
    for (int i = 0; i < 2; i++) {
        const struct orr_type *other = e->parts[1 - i]->type;
        struct orr_type want = { .kind = ORR_KIND_FLOAT,
                                 .optional = e->parts[i]->type->optional };
        if (e->parts[i]->type->kind == ORR_KIND_INT && other->kind == ORR_KIND_FLOAT) {
            struct orr_type *kept = orr_arena_alloc(c->arena, sizeof *kept);
            *kept = want;
            if (!orri_coerce(c, &e->parts[i], kept))
                return false;
        }
    }
    return true;
}

static const struct orr_type *null_test(struct orri_checker *c, struct orr_expr *e)
{
    for (int i = 0; i < 2; i++) {
        const struct orr_type *t = e->parts[i]->type;
        if (t->kind != ORR_KIND_NULL && !t->optional)
            orr_diag_warning(c->diags, e->at, "W0220",
                             "a value of type %s is never null", orri_type_text(c, t));
    }
    return orr_type_scalar(ORR_KIND_BOOL);
}

static const struct orr_type *check_equality(struct orri_checker *c, struct orr_expr *e)
{
    if (!adapt_literals(c, e))
        return NULL;
    struct orr_type a = *e->parts[0]->type;
    struct orr_type b = *e->parts[1]->type;
    if (a.kind == ORR_KIND_NULL || b.kind == ORR_KIND_NULL)
        return null_test(c, e);
    a.optional = b.optional = false;
    if (!orr_type_fits(&a, &b) && !orr_type_fits(&b, &a))
        return mismatch(c, e);
    if (!same_numbers(c, e))
        return NULL;
    return orr_type_scalar(ORR_KIND_BOOL);
}

static bool both_not_null(struct orri_checker *c, struct orr_expr *e)
{
    bool left = orri_not_null(c, e->parts[0]);
    return orri_not_null(c, e->parts[1]) && left;
}

static bool is_number(enum orr_kind kind)
{
    return kind == ORR_KIND_INT || kind == ORR_KIND_FLOAT;
}

static const struct orr_type *check_order(struct orri_checker *c, struct orr_expr *e)
{
    if (!both_not_null(c, e) || !adapt_literals(c, e))
        return NULL;
    enum orr_kind a = e->parts[0]->type->kind;
    enum orr_kind b = e->parts[1]->type->kind;
    bool ordered = a == ORR_KIND_STRING || a == ORR_KIND_DURATION ||
                   a == ORR_KIND_SIZE || a == ORR_KIND_PATH;
    if (!(is_number(a) && is_number(b)) && !(ordered && a == b))
        return mismatch(c, e);
    return orr_type_scalar(ORR_KIND_BOOL);
}

static const struct orr_type *check_in(struct orri_checker *c, struct orr_expr *e)
{
    const struct orr_type *list = e->parts[1]->type;
    if (!orri_not_null(c, e->parts[1]))
        return NULL;
    if (list->kind == ORR_KIND_STRING && e->parts[0]->type->kind == ORR_KIND_STRING &&
        orri_not_null(c, e->parts[0]))
        return orr_type_scalar(ORR_KIND_BOOL);
    if (list->kind != ORR_KIND_LIST)
        return mismatch(c, e);
    const struct orr_type *element = list->element;
    if (element && orri_is_literal(e->parts[0]) &&
        !orri_coerce(c, &e->parts[0], element))
        return NULL;
    struct orr_type have = *e->parts[0]->type;
    have.optional = false;
    if (!element || have.kind == ORR_KIND_NULL)
        return orr_type_scalar(ORR_KIND_BOOL);
    if (!orr_type_fits(element, &have))
        return mismatch(c, e);
    if (have.kind == ORR_KIND_INT && element->kind == ORR_KIND_FLOAT &&
        !orri_coerce(c, &e->parts[0], element))
        return NULL;
    return orr_type_scalar(ORR_KIND_BOOL);
}

/* [1] + [2]; the result is of the type that both fit. */
static const struct orr_type *join_lists(struct orri_checker *c, struct orr_expr *e)
{
    const struct orr_type *a = e->parts[0]->type;
    const struct orr_type *b = e->parts[1]->type;
    const struct orr_type *both = !a->element           ? b
                                  : orr_type_fits(a, b) ? a
                                  : orr_type_fits(b, a) ? b
                                                        : NULL;
    if (!both)
        return mismatch(c, e);
    return orri_coerce(c, &e->parts[0], both) && orri_coerce(c, &e->parts[1], both)
               ? both
               : NULL;
}

/* Durations and sizes: the kind of `a OP b`, or NULL kind when there is none. */
static enum orr_kind quantity_result(enum orri_op op, enum orr_kind a, enum orr_kind b)
{
    bool same = a == b;
    switch (op) {
    case ORRI_ADD:
    case ORRI_SUB:
    case ORRI_MOD: return same ? a : ORR_KIND_NULL;
    case ORRI_MUL: return is_number(a) ? b : is_number(b) ? a : ORR_KIND_NULL;
    case ORRI_DIV: return same ? ORR_KIND_FLOAT : is_number(b) ? a : ORR_KIND_NULL;
    case ORRI_FLOOR_DIV:
        return same ? ORR_KIND_INT : b == ORR_KIND_INT ? a : ORR_KIND_NULL;
    default: return ORR_KIND_NULL;
    }
}

static bool is_quantity(enum orr_kind kind)
{
    return kind == ORR_KIND_DURATION || kind == ORR_KIND_SIZE;
}

static bool is_text(enum orr_kind kind)
{
    return kind == ORR_KIND_STRING || kind == ORR_KIND_PATH;
}

/* An int to a non-negative int is an int; any other power is a float. An exponent that
 * is no constant decides at run time, so the type must not: then it is a float too,
 * unless it is an int whose sign is checked when it is known. */
static enum orr_kind power_result(const struct orr_expr *e)
{
    const struct orr_expr *exponent = e->parts[1];
    if (e->parts[0]->type->kind != ORR_KIND_INT || exponent->type->kind != ORR_KIND_INT)
        return ORR_KIND_FLOAT;
    return exponent->op == ORRI_CONST && exponent->value.as.i < 0 ? ORR_KIND_FLOAT
                                                                  : ORR_KIND_INT;
}

static const struct orr_type *check_arithmetic(struct orri_checker *c,
                                               struct orr_expr *e)
{
    if (!both_not_null(c, e))
        return NULL;
    enum orr_kind a = e->parts[0]->type->kind;
    enum orr_kind b = e->parts[1]->type->kind;
    enum orr_kind result = ORR_KIND_NULL;
    if (is_number(a) && is_number(b)) {
        if (e->op == ORRI_POW)
            result = power_result(e);
        else
            result = a == ORR_KIND_INT && b == ORR_KIND_INT && e->op != ORRI_DIV
                         ? ORR_KIND_INT
                         : ORR_KIND_FLOAT;
    } else if (is_quantity(a) || is_quantity(b)) {
        result = quantity_result(e->op, a, b);
    } else if (e->op == ORRI_ADD && is_text(a) && is_text(b)) {
        result = a; /* a path stays a path: j.source + ".txt" */
    } else if (e->op == ORRI_ADD && a == ORR_KIND_LIST && b == ORR_KIND_LIST) {
        return join_lists(c, e);
    }
    if (result == ORR_KIND_NULL)
        return mismatch(c, e);
    return orr_type_scalar(result);
}

const struct orr_type *orri_check_binary(struct orri_checker *c, struct orr_expr *e)
{
    switch (e->op) {
    case ORRI_EQ:
    case ORRI_NE: return check_equality(c, e);
    case ORRI_LT:
    case ORRI_LE:
    case ORRI_GT:
    case ORRI_GE: return check_order(c, e);
    case ORRI_IN:
    case ORRI_NOT_IN: return check_in(c, e);
    default: return check_arithmetic(c, e);
    }
}
