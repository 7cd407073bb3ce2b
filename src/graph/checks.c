/* checks.c - outputs, and what only the whole workflow shows: facts that nobody makes,
 * things that nobody uses. Hands on: rules that may go on for ever (circles.c) */
#include "graph/internal.h"

#include <string.h>

static void compile_output(struct orri_compile *c, const struct orr_model_output *m)
{
    orr_model_leaf fact = m->each ? m->each : m->fact;
    if ((m->fact != NULL) + (m->each != NULL) != 1) {
        if (m->head.node->kind == ORR_YAML_MAPPING)
            orr_diag_error(c->diags, m->head.key->at, "E0430",
                           "output '%s' needs %s of fact and each", m->head.key->text,
                           fact ? "only one" : "one");
        return;
    }
    uint32_t found = orri_find_fact(c, fact);
    if (found == ORR_NONE)
        return;
    c->fact_used[found] = true;
    c->outputs[c->graph->n_outputs++] =
        (struct orr_output) { .name = orri_keep(c, m->head.key),
                              .at = fact->at,
                              .doc = orri_keep(c, m->doc),
                              .fact = found,
                              .each = m->each != NULL };
}

void orri_compile_outputs(struct orri_compile *c)
{
    const struct orr_model_output *models = c->model->outputs.items;
    uint32_t n = c->model->outputs.n;
    if (c->model->steps.n && !c->model->outputs.items)
        return; /* they follow from the steps */
    c->outputs = orr_arena_alloc(c->arena, (n + 1) * sizeof *c->outputs);
    c->graph->outputs = c->outputs;
    for (uint32_t i = 0; i < n; i++)
        compile_output(c, &models[i]);
    if (!c->model->outputs.items)
        orr_diag_error(
            c->diags, c->model->head.node->at, "E0430",
            "the workflow has no outputs: nothing tells when a request has succeeded");
}

/* ---- made and used ---- */

static void need_fact(struct orri_compile *c, uint32_t fact, struct orr_span at)
{
    if (!c->fact_made[fact])
        orr_diag_error(c->diags, at, "E0431", "no rule asserts fact '%s'",
                       c->facts[fact].name);
}

static void check_made(struct orri_compile *c)
{
    for (uint32_t i = 0; i < c->graph->n_rules; i++) {
        const struct orr_rule *rule = &c->rules[i];
        for (uint32_t m = 0; m < rule->n_match; m++)
            need_fact(c, rule->match[m].fact, rule->match[m].at);
        if (rule->gather.name)
            need_fact(c, rule->gather.fact, rule->gather.at);
    }
    for (uint32_t i = 0; i < c->graph->n_outputs; i++)
        need_fact(c, c->outputs[i].fact, c->outputs[i].at);
}

struct input_search {
    struct orri_compile *c;
    const struct orr_rule *rule;
};

static void mark_inputs(void *context, const struct orr_expr *expr)
{
    struct input_search *search = context;
    for (uint32_t m = 0; m < search->rule->n_match; m++)
        for (uint32_t f = 0;
             search->rule->match[m].fact == 0 && f < search->c->records[0].n_fields;
             f++)
            if (orr_expr_reads(expr, m, f))
                search->c->input_used[f] = true;
}

static struct orr_span place_of_input(struct orri_compile *c, const char *name)
{
    const struct orr_model_input *inputs = c->model->inputs.items;
    for (uint32_t i = 0; i < c->model->inputs.n; i++)
        if (strcmp(inputs[i].head.key->text, name) == 0)
            return inputs[i].head.key->at;
    return ORR_NO_SPAN;
}

static void warn_inputs(struct orri_compile *c)
{
    for (uint32_t i = 0; i < c->graph->n_rules; i++) {
        struct input_search search = { c, &c->rules[i] };
        orri_visit_rule(c->graph, &c->rules[i], mark_inputs, &search);
    }
    for (uint32_t f = 0; f < c->records[0].n_fields; f++)
        if (!c->input_used[f])
            orr_diag_warning(c->diags, place_of_input(c, c->records[0].fields[f].name),
                             "W0441", "input '%s' is not used",
                             c->records[0].fields[f].name);
}

static void warn_pools(struct orri_compile *c)
{
    for (uint32_t i = 1; i < c->graph->n_pools; i++)
        for (uint32_t up = c->pool_used[i] ? c->pools[i].parent : 0;
             up != 0 && up != ORR_NONE; up = c->pools[up].parent)
            c->pool_used[up] = true;
    for (uint32_t i = 1; i < c->graph->n_pools; i++)
        if (!c->pool_used[i])
            orr_diag_warning(c->diags, c->pools[i].at, "W0442", "pool '%s' is not used",
                             c->pools[i].name);
}

static void warn_unused(struct orri_compile *c)
{
    warn_inputs(c);
    warn_pools(c);
    for (uint32_t i = 0; i < c->graph->n_functions; i++)
        if (!c->function_used[i])
            orr_diag_warning(c->diags, c->functions[i].at, "W0443",
                             "function '%s' is not used", c->functions[i].name);
    for (uint32_t i = 1; i < c->graph->n_facts; i++)
        if (!c->fact_used[i])
            orr_diag_warning(c->diags, c->facts[i].at, "W0444", "fact '%s' is not used",
                             c->facts[i].name);
}

static void warn_dropped(struct orri_compile *c)
{
    for (uint32_t i = 0; i < c->graph->n_rules; i++)
        if (c->rules[i].function != ORR_NONE && c->rules[i].n_then == 0)
            orr_diag_warning(c->diags, c->rules[i].at, "W0446",
                             "rule '%s' makes nothing of the result of its action",
                             c->rules[i].name);
}

void orri_check_graph(struct orri_compile *c)
{
    bool written = orr_yaml_find(c->model->head.node, "rules") ||
                   orr_yaml_find(c->model->head.node, "steps");
    if (!written)
        orr_diag_error(c->diags, c->model->head.node->at, "E0432",
                       "the workflow has no rules");
    if (c->graph->n_rules)
        check_made(c);
    if (c->diags->errors)
        return;
    warn_unused(c);
    orri_warn_circles(c);
    warn_dropped(c);
}
