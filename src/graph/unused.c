/* unused.c - warnings: what is declared and not used, what can be left out */
#include "graph/internal.h"

#include "base/hash.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

/* ---- inputs, pools, functions, facts ---- */

struct input_search {
    struct orri_compile *c;
    const struct orr_rule *rule;
};

static void mark_inputs(void *context, const struct orr_expr *expr)
{
    struct input_search *search = context;
    for (uint32_t m = 0; m < search->rule->n_match; m++)
        if (search->rule->match[m].fact == 0)
            orr_expr_mark_reads(expr, m, search->c->input_used,
                                search->c->records[0].n_fields);
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

/* ---- variables ---- */

static void mark_slots(void *context, const struct orr_expr *expr)
{
    *(uint32_t *)context |= orr_expr_slots(expr);
}

static bool reads(const struct orr_expr *expr, uint32_t slot)
{
    return expr && orr_expr_slots(expr) & UINT32_C(1) << slot;
}

static bool reads_index(const struct orr_assertion *a)
{
    return a->index_slot != ORR_NONE &&
           (reads(a->record, a->index_slot) || reads(a->when, a->index_slot));
}

static void warn_loop(struct orri_compile *c, const struct orr_assertion *a)
{
    if (a->loop_slot != ORR_NONE && !reads(a->record, a->loop_slot) &&
        !reads(a->when, a->loop_slot) && !reads_index(a))
        orr_diag_warning(c->diags, orr_expr_span(a->list), "W0449",
                         "the variable of this 'for' is not used: every item asserts "
                         "the same fact");
    if (orri_is_false(c, a->when))
        orr_diag_warning(c->diags, orr_expr_span(a->when), "W0452",
                         "this is never true: nothing is asserted here");
}

/* A single variable is what fires the rule, used or not; so is a name with _ first. */
static void warn_variables(struct orri_compile *c, const struct orr_rule *rule)
{
    uint32_t used = 0;
    const struct orr_assertion *a = NULL;
    orri_visit_rule(c->graph, rule, mark_slots, &used);
    for (uint32_t m = 0; rule->n_match > 1 && m < rule->n_match; m++)
        if (!(used & UINT32_C(1) << m) && rule->match[m].name[0] != '_') {
            orr_diag_warning(c->diags, rule->match[m].at, "W0447",
                             "variable '%s' is not used", rule->match[m].name);
            orr_diag_hint(c->diags,
                          rule->match[m].fact == 0
                              ? "leave it out"
                              : "when the rule only waits for the fact, name it _%s",
                          rule->match[m].name);
        }
    for (uint32_t k = 0; (a = orri_net_assertion(rule, k)) != NULL; k++)
        if (a->fact != ORR_NONE)
            warn_loop(c, a);
}

static void warn_parameters(struct orri_compile *c, const struct orr_graph_function *f,
                            orr_model_leaf in)
{
    uint32_t used = f->cost ? orr_expr_slots(f->cost) : 0;
    const struct orr_command *command = &f->command;
    if (!in || (f->form != ORR_FORM_COMMAND && f->form != ORR_FORM_SHELL))
        return;
    for (uint32_t i = 0; i < command->n_args; i++)
        used |= orr_expr_slots(command->args[i]);
    for (uint32_t i = 0; i < command->n_env; i++)
        used |= orr_expr_slots(command->env_values[i]);
    used |= command->cwd ? orr_expr_slots(command->cwd) : 0;
    for (uint32_t i = 0; i < f->params->n_fields; i++)
        if (!(used & UINT32_C(1) << i)) {
            orr_diag_warning(c->diags, in->keys[i]->at, "W0448",
                             "parameter '%s' is not used", f->params->fields[i].name);
            orr_diag_hint(c->diags, "write {%s} in the command, or leave it out",
                          f->params->fields[i].name);
        }
}

/* ---- rules ---- */

/* A retry may be used up; whatever else holds always is the last to be looked at. */
static void warn_handlers(struct orri_compile *c, const struct orr_rule *rule)
{
    for (uint32_t i = 0; i + 1 < rule->n_handlers; i++) {
        const struct orr_handler *h = &rule->handlers[i];
        if (h->when || h->kind == ORR_HANDLER_RETRY)
            continue;
        orr_diag_warning(c->diags, rule->handlers[i + 1].at, "W0450",
                         "this handler is never reached: the one before it, in line "
                         "%u, has no 'when' and always holds",
                         h->at.line);
        return;
    }
}

static uint64_t hash_node(orr_model_leaf node)
{
    uint64_t hash = (uint64_t)node->kind * 31 + node->n;
    if (node->kind == ORR_YAML_SCALAR) /* "x" and x differ, "x" and 'x' do not */
        return orr_hash64(node->text, node->length,
                          node->style == ORR_YAML_PLAIN ? 1 : 2);
    for (uint32_t i = 0; i < node->n; i++) {
        uint64_t item = hash_node(node->items[i]);
        if (node->kind == ORR_YAML_MAPPING) /* in any order */
            hash += orr_hash64(node->keys[i]->text, node->keys[i]->length, item);
        else
            hash = orr_hash64(&item, sizeof item, hash);
    }
    return hash;
}

/* Of all that a rule does and when, not of its name. */
static uint64_t hash_rule(orr_model_leaf node)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < node->n; i++)
        if (strcmp(node->keys[i]->text, "rule") != 0 &&
            strcmp(node->keys[i]->text, "doc") != 0)
            hash += orr_hash64(node->keys[i]->text, node->keys[i]->length,
                               hash_node(node->items[i]));
    return hash;
}

static void warn_twins(struct orri_compile *c)
{
    const struct orr_model_rule *models = c->model->rules.items;
    struct orr_map seen = ORR_MAP_INIT;
    for (uint32_t i = 0; i < c->model->rules.n; i++) {
        bool fresh = false;
        uint64_t hash = hash_rule(models[i].assertion.head.node);
        uint64_t *first = orr_map_insert(&seen, hash, &fresh);
        if (fresh)
            *first = i;
        else
            orr_diag_warning(c->diags, c->rules[i].at, "W0451",
                             "rule '%s' does the same as rule '%s' in line %u",
                             c->rules[i].name, c->rules[*first].name,
                             c->rules[*first].at.line);
    }
    orr_map_release(&seen);
}

/* What a step became, with its `when` as a condition. */
static void warn_step(struct orri_compile *c, const struct orr_rule *rule)
{
    for (uint32_t i = 0; rule->function != ORR_NONE && i < rule->n_where; i++)
        if (orri_is_false(c, rule->where[i]))
            orr_diag_warning(c->diags, rule->at, "W0452",
                             "the 'when' of step '%s' is never true: it is always "
                             "skipped",
                             rule->name);
}

static void warn_dropped(struct orri_compile *c, const struct orr_rule *rule)
{
    if (rule->function != ORR_NONE && rule->n_then == 0)
        orr_diag_warning(c->diags, rule->at, "W0446",
                         "rule '%s' makes nothing of the result of its action",
                         rule->name);
}

void orri_warn_unused(struct orri_compile *c)
{
    const struct orr_model_function *functions = c->model->functions.items;
    warn_inputs(c);
    warn_pools(c);
    for (uint32_t i = 0; i < c->graph->n_functions; i++) {
        warn_parameters(c, &c->functions[i], functions[i].in);
        if (!c->function_used[i])
            orr_diag_warning(c->diags, c->functions[i].at, "W0443",
                             "function '%s' is not used", c->functions[i].name);
    }
    for (uint32_t i = 1; i < c->graph->n_facts; i++)
        if (!c->fact_used[i])
            orr_diag_warning(c->diags, c->facts[i].at, "W0444", "fact '%s' is not used",
                             c->facts[i].name);
    for (uint32_t i = 0; i < c->graph->n_rules; i++) {
        if (i < c->model->rules.n) { /* not what steps became */
            warn_variables(c, &c->rules[i]);
            warn_handlers(c, &c->rules[i]);
        } else {
            warn_step(c, &c->rules[i]);
        }
        warn_dropped(c, &c->rules[i]);
    }
    warn_twins(c);
}
