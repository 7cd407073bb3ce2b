/* expr_arith.c - what the binary operators do, as Python does it */
#include "lang/internal.h"

#include <math.h>
#include <string.h>

static orr_status overflow(struct orri_eval *eval, const struct orr_expr *e,
                           const char *sign)
{
    return orri_eval_error(eval, e, "'%s': the result does not fit into 64 bits", sign);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

static orr_status power(struct orri_eval *eval, const struct orr_expr *e, int64_t base,
                        int64_t exponent, int64_t *out)
{
    int64_t result = 1;
    if (exponent < 0)
        return orri_eval_error(eval, e,
                               "'**': a negative exponent; use float() for one side");
    if (base == 0 || base == 1 || base == -1)
        exponent = base == -1 ? exponent % 2 : exponent != 0;
    while (exponent-- > 0)
        if (__builtin_mul_overflow(result, base, &result))
            return overflow(eval, e, "**");
    *out = result;
    return ORR_OK;
}

static orr_status integers(struct orri_eval *eval, const struct orr_expr *e, int64_t a,
                           int64_t b, int64_t *out)
{
    bool divides = e->op == ORRI_FLOOR_DIV || e->op == ORRI_MOD;
    if (divides && b == 0)
        return orri_eval_error(eval, e, "division by zero");
    if (divides && b == -1) { /* the one quotient that overflows */
        if (e->op == ORRI_FLOOR_DIV && a == INT64_MIN)
            return overflow(eval, e, "//");
        *out = e->op == ORRI_MOD ? 0 : -a;
        return ORR_OK;
    }
    switch (e->op) {
    case ORRI_ADD:
        return __builtin_add_overflow(a, b, out) ? overflow(eval, e, "+") : ORR_OK;
    case ORRI_SUB:
        return __builtin_sub_overflow(a, b, out) ? overflow(eval, e, "-") : ORR_OK;
    case ORRI_MUL:
        return __builtin_mul_overflow(a, b, out) ? overflow(eval, e, "*") : ORR_OK;
    case ORRI_FLOOR_DIV: *out = floor_div(a, b); return ORR_OK;
    case ORRI_MOD: *out = a - floor_div(a, b) * b; return ORR_OK;
    default: return power(eval, e, a, b, out);
    }
}

static double number(struct orr_value v)
{
    return v.kind == ORR_KIND_FLOAT ? v.as.f : (double)v.as.i;
}

static double float_mod(double a, double b)
{
    double r = fmod(a, b);
    return (r < 0 || r > 0) && (r < 0) != (b < 0) ? r + b : r;
}

static orr_status floats(struct orri_eval *eval, const struct orr_expr *e, double a,
                         double b, double *out)
{
    bool divides = e->op == ORRI_DIV || e->op == ORRI_FLOOR_DIV || e->op == ORRI_MOD;
    if (divides && !(b < 0 || b > 0) && !isnan(b))
        return orri_eval_error(eval, e, "division by zero");
    switch (e->op) {
    case ORRI_ADD: *out = a + b; break;
    case ORRI_SUB: *out = a - b; break;
    case ORRI_MUL: *out = a * b; break;
    case ORRI_DIV: *out = a / b; break;
    case ORRI_FLOOR_DIV: *out = floor(a / b); break;
    case ORRI_MOD: *out = float_mod(a, b); break;
    default: *out = pow(a, b); break;
    }
    if (e->op == ORRI_POW && !isfinite(*out) && isfinite(a) && isfinite(b))
        return orri_eval_error(eval, e, "'**': no finite result");
    return ORR_OK;
}

/* duration * 1.5 and the like: a float result back to nanoseconds or bytes. */
static orr_status quantity(struct orri_eval *eval, const struct orr_expr *e,
                           struct orr_value a, struct orr_value b,
                           struct orr_value *out)
{
    double f = 0;
    orr_status status = floats(eval, e, number(a), number(b), &f);
    if (status != ORR_OK)
        return status;
    if (!(f > -9.2e18 && f < 9.2e18))
        return overflow(eval, e, e->op == ORRI_MUL ? "*" : "/");
    out->as.i = llround(f);
    return ORR_OK;
}

static orr_status arithmetic(struct orri_eval *eval, const struct orr_expr *e,
                             struct orr_value a, struct orr_value b,
                             struct orr_value *out)
{
    enum orr_kind result = e->type->kind;
    *out = (struct orr_value) { .kind = (uint8_t)result };
    if (result == ORR_KIND_FLOAT)
        return floats(eval, e, number(a), number(b), &out->as.f);
    if (a.kind == ORR_KIND_FLOAT || b.kind == ORR_KIND_FLOAT || e->op == ORRI_DIV)
        return quantity(eval, e, a, b, out);
    return integers(eval, e, a.as.i, b.as.i, &out->as.i);
}

static orr_status concatenate(struct orri_eval *eval, const struct orr_expr *e,
                              const struct orr_string *a, const struct orr_string *b,
                              struct orr_value *out)
{
    uint64_t length = (uint64_t)a->length + b->length;
    orr_status status = orri_spend(eval, e, length / 8);
    if (status != ORR_OK)
        return status;
    struct orr_string *s = orr_arena_alloc(eval->arena, sizeof *s + length + 1);
    s->length = (uint32_t)length;
    memcpy(s->s, a->s, a->length);
    memcpy(s->s + a->length, b->s, b->length);
    *out = (struct orr_value) { .kind = (uint8_t)e->type->kind, .as.s = s };
    return ORR_OK;
}

static orr_status join(struct orri_eval *eval, const struct orr_expr *e,
                       const struct orr_list *a, const struct orr_list *b,
                       struct orr_value *out)
{
    uint64_t n = (uint64_t)a->n + b->n;
    orr_status status = orri_spend(eval, e, n);
    if (status != ORR_OK)
        return status;
    struct orr_list *list = orr_list_new(eval->arena, (uint32_t)n);
    for (uint32_t i = 0; i < n; i++)
        list->items[i] = i < a->n ? a->items[i] : b->items[i - a->n];
    *out = orr_value_of_list(list);
    return ORR_OK;
}

static orr_status contains(struct orri_eval *eval, const struct orr_expr *e,
                           struct orr_value item, struct orr_value in,
                           struct orr_value *out)
{
    bool found = false;
    if (in.kind == ORR_KIND_LIST) {
        orr_status status = orri_spend(eval, e, in.as.list->n);
        if (status != ORR_OK)
            return status;
        for (uint32_t i = 0; i < in.as.list->n && !found; i++)
            found = orr_value_equal(item, in.as.list->items[i]);
    } else {
        found = strstr(in.as.s->s, item.as.s->s) != NULL;
    }
    *out = orr_bool(found == (e->op == ORRI_IN));
    return ORR_OK;
}

static bool is_nan(struct orr_value v)
{
    return v.kind == ORR_KIND_FLOAT && isnan(v.as.f);
}

/* As Python and IEEE: nothing is below or above NaN. (NaN == NaN holds, because facts
 * are a set: value.h.) */
static bool ordered(enum orri_op op, struct orr_value a, struct orr_value b)
{
    if (is_nan(a) || is_nan(b))
        return false;
    int order = orr_value_compare(a, b);
    switch (op) {
    case ORRI_LT: return order < 0;
    case ORRI_LE: return order <= 0;
    case ORRI_GT: return order > 0;
    default: return order >= 0;
    }
}

orr_status orri_binary(struct orri_eval *eval, const struct orr_expr *e,
                       struct orr_value a, struct orr_value b, struct orr_value *out)
{
    switch (e->op) {
    case ORRI_EQ:
    case ORRI_NE:
        *out = orr_bool(orr_value_equal(a, b) == (e->op == ORRI_EQ));
        return ORR_OK;
    case ORRI_LT:
    case ORRI_LE:
    case ORRI_GT:
    case ORRI_GE: *out = orr_bool(ordered(e->op, a, b)); return ORR_OK;
    case ORRI_IN:
    case ORRI_NOT_IN: return contains(eval, e, a, b, out);
    default: break;
    }
    if (a.kind == ORR_KIND_LIST)
        return join(eval, e, a.as.list, b.as.list, out);
    if (a.kind == ORR_KIND_STRING || a.kind == ORR_KIND_PATH)
        return concatenate(eval, e, a.as.s, b.as.s, out);
    return arithmetic(eval, e, a, b, out);
}
