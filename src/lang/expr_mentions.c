/* expr_mentions.c - what stands beside a field: text behind it, texts it is compared
 * with; owns nothing */
#include "lang/internal.h"

#include <string.h>

static const struct orr_expr *unquoted(const struct orr_expr *e)
{
    bool quote = e->op == ORRI_CALL && e->name && strcmp(e->name, "quote") == 0;
    return quote ? e->parts[0] : e;
}

void orr_expr_mentions(const struct orr_expr *expr, uint32_t slot,
                       orr_mention_visitor *visit, void *context)
{
    if (!(expr->slots & UINT32_C(1) << slot))
        return;
    for (uint32_t i = 0; i < expr->n; i++) {
        const struct orr_expr *part = expr->parts[i] ? unquoted(expr->parts[i]) : NULL;
        struct orr_mention mention = { .behind = "" };
        uint32_t of = ORR_SLOTS_MAX;
        if (!part)
            continue;
        if (expr->op != ORRI_TEMPLATE ||
            !orr_expr_field_of(part, &of, &mention.field) || of != slot) {
            orr_expr_mentions(part, slot, visit, context);
            continue;
        }
        const struct orr_expr *next = i + 1 < expr->n ? expr->parts[i + 1] : NULL;
        bool text = next && orri_is_literal(next);
        mention.at = part->at;
        mention.behind = text ? next->value.as.s->s : "";
        mention.computed = text ? i + 2 < expr->n : next != NULL;
        visit(context, &mention);
    }
}

static void visit_texts(const struct orr_expr *e, orr_text_visitor *visit,
                        void *context)
{
    const struct orr_list *list =
        e->op == ORRI_CONST && e->value.kind == ORR_KIND_LIST ? e->value.as.list : NULL;
    if (orri_is_literal(e))
        visit(context, e->at, e->value.as.s->s);
    for (uint32_t i = 0; list && i < list->n; i++)
        if (list->items[i].kind == ORR_KIND_STRING)
            visit(context, e->at, list->items[i].as.s->s);
}

void orr_expr_compared_texts(const struct orr_expr *expr, uint32_t slot, uint32_t field,
                             orr_text_visitor *visit, void *context)
{
    bool compares = expr->op == ORRI_EQ || expr->op == ORRI_NE || expr->op == ORRI_IN ||
                    expr->op == ORRI_NOT_IN;
    uint32_t of = 0;
    uint32_t which = 0;
    for (uint32_t i = 0; i < expr->n; i++) {
        const struct orr_expr *part = expr->parts[i];
        if (!part)
            continue;
        if (compares && orr_expr_field_of(part, &of, &which) && of == slot &&
            which == field)
            visit_texts(expr->parts[1 - i], visit, context);
        orr_expr_compared_texts(part, slot, field, visit, context);
    }
}
