/* visit.c - walks all expressions of a rule */
#include "graph/internal.h"

typedef void visitor(void *context, const struct orr_expr *expr);

static void visit_one(const struct orr_expr *expr, visitor *visit, void *context)
{
    if (expr)
        visit(context, expr);
}

static void visit_all(struct orr_expr *const *list, uint32_t n, visitor *visit,
                      void *context)
{
    for (uint32_t i = 0; list && i < n; i++)
        visit_one(list[i], visit, context);
}

static void visit_assertion(const struct orr_assertion *a, visitor *visit,
                            void *context)
{
    visit_one(a->list, visit, context);
    visit_one(a->when, visit, context);
    visit_one(a->record, visit, context);
}

static void visit_handler(const struct orr_handler *h, uint32_t n_params,
                          visitor *visit, void *context)
{
    visit_one(h->when, visit, context);
    visit_one(h->message, visit, context);
    visit_all(h->retry_with, n_params, visit, context);
    visit_assertion(&h->assertion, visit, context);
}

void orri_visit_rule(const struct orr_graph *graph, const struct orr_rule *rule,
                     visitor *visit, void *context)
{
    uint32_t n_params =
        rule->function == ORR_NONE || !graph->functions[rule->function].params
            ? 0
            : graph->functions[rule->function].params->n_fields;
    visit_all(rule->where, rule->n_where, visit, context);
    visit_all(rule->gather.where, rule->gather.n_where, visit, context);
    visit_one(rule->gather.count, visit, context);
    visit_one(rule->gather.order, visit, context);
    visit_all(rule->args, n_params, visit, context);
    visit_one(rule->priority, visit, context);
    visit_one(rule->deadline, visit, context);
    for (uint32_t i = 0; i < rule->n_then; i++)
        visit_assertion(&rule->then[i], visit, context);
    for (uint32_t i = 0; i < rule->n_handlers; i++)
        visit_handler(&rule->handlers[i], n_params, visit, context);
}
