/* checks.c - outputs, facts that nobody makes; the order of the checks of the whole
 * Hands on: what can never happen (reach.c), circles (circles.c), what nobody uses
 * (unused.c). */
#include "graph/internal.h"

#include <string.h>

/* The place of a key of the file; of the file itself when it is not there. */
static struct orr_span place_of_key(const struct orri_compile *c, const char *name)
{
    orr_model_leaf root = c->model->head.node;
    for (uint32_t i = 0; i < root->n; i++)
        if (strcmp(root->keys[i]->text, name) == 0)
            return root->keys[i]->at;
    return root->at;
}

/* Is the key there with nothing behind it? */
static bool is_empty(const struct orri_compile *c, const char *name)
{
    orr_model_leaf node = orr_yaml_find(c->model->head.node, name);
    return node && node->kind == ORR_YAML_SCALAR && node->length == 0;
}

/* Is a key written that was told as a misspelt `name`? What is missing then is not told
 * as well. */
static bool is_misspelt(const struct orri_compile *c, const char *name)
{
    orr_model_leaf node = c->model->head.node;
    for (uint32_t i = 0; i < node->n; i++)
        if (orr_text_nearest(node->keys[i]->text, &name, 1))
            return true;
    return false;
}

static void compile_output(struct orri_compile *c, const struct orr_model_output *m)
{
    orr_model_leaf fact = m->each ? m->each : m->fact;
    int ways = orri_written(&m->head, "fact each");
    if (ways != 1 && m->head.node->kind == ORR_YAML_MAPPING)
        orr_diag_error(c->diags, m->head.key->at, "E0430",
                       "output '%s' needs %s of fact and each", m->head.key->text,
                       ways ? "only one" : "one");
    if (!fact || ways > 1)
        return;
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
    if (orr_yaml_find(c->model->head.node, "steps") && !c->model->outputs.items)
        return; /* they follow from the steps */
    c->outputs = orr_arena_alloc(c->arena, (n + 1) * sizeof *c->outputs);
    c->graph->outputs = c->outputs;
    for (uint32_t i = 0; i < n; i++)
        compile_output(c, &models[i]);
    bool empty = is_empty(c, "outputs");
    if (empty ||
        (!orr_yaml_find(c->model->head.node, "outputs") && !is_misspelt(c, "outputs")))
        orr_diag_error(c->diags, place_of_key(c, "outputs"), "E0430",
                       "%s: nothing tells when a request has succeeded",
                       empty ? "'outputs' is empty" : "the workflow has no outputs");
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
    const char *empty = is_empty(c, "rules")   ? "rules"
                        : is_empty(c, "steps") ? "steps"
                                               : NULL;
    if (!written && !is_misspelt(c, "rules") && !is_misspelt(c, "steps"))
        orr_diag_error(c->diags, c->model->head.node->at, "E0432",
                       "the workflow has no rules");
    else if (empty && c->model->rules.n + c->model->steps.n == 0)
        orr_diag_error(c->diags, place_of_key(c, empty), "E0432",
                       "'%s' is empty: the workflow does nothing", empty);
    if (c->graph->n_rules)
        check_made(c);
    if (c->graph->n_rules)
        orri_check_reach(c);
    if (c->diags->errors)
        return;
    orri_warn_unused(c);
    orri_warn_circles(c);
}
