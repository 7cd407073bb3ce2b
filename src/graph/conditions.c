/* conditions.c - conditions that can never hold: alone, together, in error handlers
 * Owns nothing. */
#include "graph/internal.h"

#include <string.h>

/* Is there a value that stands in both relations? Between two bounds there may be none
 * for other reasons; that is not looked at. */
static bool agree(enum orr_relation a, struct orr_value x, enum orr_relation b,
                  struct orr_value y)
{
    int order = orr_value_compare(y, x); /* of b's constant against a's */
    switch (a) {
    case ORR_IS_EQ:
        return b == ORR_IS_EQ   ? order == 0
               : b == ORR_IS_NE ? order != 0
               : b == ORR_IS_LT ? order > 0
               : b == ORR_IS_LE ? order >= 0
               : b == ORR_IS_GT ? order < 0
                                : order <= 0;
    case ORR_IS_LT: return b == ORR_IS_GT || b == ORR_IS_GE ? order < 0 : true;
    case ORR_IS_LE:
        return b == ORR_IS_GT ? order < 0 : b == ORR_IS_GE ? order <= 0 : true;
    default: return true; /* the other way round */
    }
}

static bool exclude(const struct orr_relation_of *a, const struct orr_relation_of *b)
{
    return a->slot == b->slot && a->field == b->field &&
           a->value.kind == b->value.kind &&
           (!agree(a->relation, a->value, b->relation, b->value) ||
            !agree(b->relation, b->value, a->relation, a->value));
}

bool orri_is_false(struct orri_compile *c, const struct orr_expr *e)
{
    struct orr_value v = orr_null();
    return e && orr_expr_is_constant(e) &&
           orr_expr_eval(e, NULL, c->arena, &v, NULL) == ORR_OK &&
           v.kind == ORR_KIND_BOOL && !v.as.b;
}

bool orri_contradictory(struct orri_compile *c, struct orr_expr *const *conditions,
                        uint32_t n, const char *so)
{
    struct orr_relation_of a, b;
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t k = 0; k < i; k++) {
            if (!conditions[i] || !conditions[k] ||
                !orr_expr_relation(conditions[k], &a) ||
                !orr_expr_relation(conditions[i], &b) || !exclude(&a, &b))
                continue;
            struct orr_text text = ORR_TEXT_INIT;
            orr_expr_print(conditions[k], &text);
            orr_diag_error(c->diags, orr_expr_span(conditions[i]), "E0421",
                           "this contradicts '%s': %s", text.s, so);
            orr_text_release(&text);
            return true;
        }
    return false;
}

/* ---- error handlers ---- */

const char *const orri_failure_kinds[ORRI_FAILURE_KINDS] = {
    "exit", "signal", "timeout", "memory", "lost", "invalid", "io"
};

static void check_kind(void *context, struct orr_span at, const char *text)
{
    struct orri_compile *c = context;
    for (int i = 0; i < ORRI_FAILURE_KINDS; i++)
        if (strcmp(text, orri_failure_kinds[i]) == 0)
            return;
    orr_diag_error(c->diags, at, "E0412", "no error is of the kind '%s'", text);
    orri_hint_nearest(c, text, orri_failure_kinds, ORRI_FAILURE_KINDS);
    if (!c->diags->items[c->diags->n - 1].hint)
        orr_diag_hint(c->diags,
                      "kinds are exit, signal, timeout, memory, lost, invalid and io");
}

/* Handlers are asked after the first failure: attempts count from 1. */
static bool asks_too_early(const struct orr_rule *rule, const struct orr_expr *e)
{
    const struct orr_relation_of first = { rule->attempt_slot, ORR_NO_FIELD, ORR_IS_GE,
                                           orr_int(1) };
    struct orr_relation_of asked;
    return orr_expr_relation(e, &asked) && exclude(&asked, &first);
}

void orri_check_handler(struct orri_compile *c, const struct orr_rule *rule,
                        const struct orr_handler *h)
{
    struct orr_expr *parts[ORRI_CONJUNCTS_MAX];
    if (!h->when)
        return;
    if (orri_is_false(c, h->when)) {
        orr_diag_error(c->diags, orr_expr_span(h->when), "E0421",
                       "this is never true: the handler is never taken");
        return;
    }
    orr_expr_compared_texts(h->when, rule->error_slot, ORRI_ERROR_KIND, check_kind, c);
    size_t n = orr_expr_conjuncts(h->when, parts, ORRI_CONJUNCTS_MAX);
    if (orri_contradictory(c, parts, (uint32_t)n, "the handler is never taken"))
        return;
    for (size_t i = 0; i < n; i++)
        if (asks_too_early(rule, parts[i])) {
            orr_diag_error(c->diags, orr_expr_span(parts[i]), "E0421",
                           "this is never true: 'attempt' counts from 1");
            return;
        }
}
