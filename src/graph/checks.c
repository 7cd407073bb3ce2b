/* checks.c - outputs, facts that nobody makes; the order of the checks of the whole
 * Hands on: what can never happen (reach.c), circles (circles.c), what nobody uses
 * (unused.c). */
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

void orri_check_graph(struct orri_compile *c)
{
    bool written = orr_yaml_find(c->model->head.node, "rules") ||
                   orr_yaml_find(c->model->head.node, "steps");
    if (!written)
        orr_diag_error(c->diags, c->model->head.node->at, "E0432",
                       "the workflow has no rules");
    if (c->graph->n_rules)
        check_made(c);
    if (c->graph->n_rules)
        orri_check_reach(c);
    if (c->diags->errors)
        return;
    orri_warn_unused(c);
    orri_warn_circles(c);
}
