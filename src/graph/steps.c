/* steps.c - a plain graph of steps as facts and rules
 *
 * What a step S becomes:
 *
 *     a single step   fact S: its results; rule "S" calls and asserts it
 *       with `when`   the fields of S are optional; rule "S: skipped" asserts S without
 *                     any when the condition does not hold
 *     a step in a loop
 *                     fact S_each: index, item; rule "S: items" makes one an item
 *                     fact S: index, then its results; rule "S" calls, once an item
 *                     fact S_all: a list a result; rule "S: all" gathers, in loop order
 *
 * A step that names S matches the fact S, or S_all where S is a loop of its own; steps
 * with the same `for` and `when` share their items, and name each other's by index.
 * Owns: nothing beyond the tables of the compilation. Hands on: facts and rules
 * (steps_rules.c). */
#include "graph/steps.h"

#include <stdlib.h>
#include <string.h>

/* ---- which steps an expression names ---- */

struct naming {
    struct orri_steps *all;
    const struct orri_step_plan *step;
    struct orri_needs *needs;
};

struct orri_step_plan *orri_step_find(struct orri_steps *s, const char *name)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (strcmp(s->items[i].name, name) == 0)
            return &s->items[i];
    return NULL;
}

static void add_need(struct orri_needs *needs, struct orri_step_plan *other)
{
    for (uint32_t i = 0; i < needs->n; i++)
        if (needs->steps[i] == other)
            return;
    needs->steps[needs->n++] = other;
}

static void take_name(void *context, const char *name)
{
    struct naming *naming = context;
    struct orri_step_plan *other = orri_step_find(naming->all, name);
    if (strcmp(name, "inputs") == 0)
        naming->needs->inputs = true;
    else if (other)
        add_need(naming->needs, other);
}

static void take_names(struct naming *naming, orr_model_leaf node)
{
    if (!node)
        return;
    if (node->kind == ORR_YAML_SCALAR)
        orr_expr_names(node->text, node->style != ORR_YAML_PLAIN, take_name, naming);
    bool comprehension = node->kind == ORR_YAML_SEQUENCE && node->n == 1 &&
                         node->items[0]->kind == ORR_YAML_SCALAR;
    if (comprehension)
        orr_expr_names(
            orr_arena_printf(naming->all->c->arena, "[%s]", node->items[0]->text),
            false, take_name, naming);
    for (uint32_t i = 0; !comprehension && i < node->n; i++)
        take_names(naming, node->items[i]);
}

static void take_after(struct naming *naming, orr_model_leaf after)
{
    struct orri_steps *s = naming->all;
    orr_model_leaf const *names =
        after && after->kind == ORR_YAML_SEQUENCE ? after->items : &after;
    uint32_t n = !after ? 0 : after->kind == ORR_YAML_SEQUENCE ? after->n : 1;
    const char **all = orr_alloc(s->n, sizeof *all);
    for (uint32_t i = 0; i < s->n; i++)
        all[i] = s->items[i].name;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t found = orri_find(s->c, names[i], "step", "E0401", all, s->n);
        if (found != ORR_NONE)
            add_need(naming->needs, &s->items[found]);
    }
    free(all);
}

static void find_needs(struct orri_steps *s, struct orri_step_plan *step)
{
    const struct orr_model_step *m = step->model;
    struct naming head = { s, step, &step->head };
    struct naming body = { s, step, &step->body };
    step->head.steps =
        orr_arena_alloc(s->c->arena, (s->n + 1) * sizeof(struct orri_step_plan *));
    step->body.steps =
        orr_arena_alloc(s->c->arena, (s->n + 1) * sizeof(struct orri_step_plan *));
    if (step->loops)
        orr_expr_names(m->list->text + step->loop.list, false, take_name, &head);
    take_names(step->loops ? &head : &body, m->when);
    take_names(&body, m->with);
    take_names(&body, m->priority);
    take_after(&body, m->after);
}

/* ---- steps, by name and loop ---- */

static bool same_words(orr_model_leaf a, orr_model_leaf b)
{
    return (!a && !b) || (a && b && strcmp(a->text, b->text) == 0);
}

static void read_loop(struct orri_steps *s, struct orri_step_plan *step)
{
    orr_model_leaf list = step->model->list;
    if (!list)
        return;
    step->good = false;
    if (!orri_scan_for(s->c->arena, list->text, &step->loop) || step->loop.index)
        orr_diag_error(s->c->diags, list->at, "E0423",
                       "'for' of a step is written VARIABLE in LIST");
    else if (!orri_check_word(s->c, step->loop.variable, list->at, "a variable"))
        return;
    else if (orri_step_find(s, step->loop.variable) ||
             strcmp(step->loop.variable, "inputs") == 0)
        orr_diag_error(
            s->c->diags, list->at, "E0409",
            "variable '%s' of the loop has the name of %s", step->loop.variable,
            strcmp(step->loop.variable, "inputs") == 0 ? "the inputs" : "a step");
    else
        step->loops = step->good = true;
}

static bool is_good_name(struct orri_steps *s, const struct orri_step_plan *step,
                         orr_model_leaf name)
{
    const struct orri_step_plan *first = orri_step_find(s, name->text);
    if (!orri_check_name(s->c, name, "a step"))
        return false;
    if (strcmp(name->text, "inputs") == 0)
        orr_diag_error(s->c->diags, name->at, "E0403",
                       "'inputs' cannot be the name of a step: it holds the inputs");
    else if (orri_is_type_word(name->text))
        orr_diag_error(s->c->diags, name->at, "E0403",
                       "'%s' cannot be the name of a step: the language uses the word",
                       name->text);
    else if (first != step)
        orr_diag_error(s->c->diags, name->at, "E0409",
                       "step '%s' stands twice; first in line %u", name->text,
                       first->model->name->at.line);
    else
        return true;
    return false;
}

static const struct orr_graph_function *function_of(struct orri_steps *s,
                                                    const struct orri_step_plan *step)
{
    for (uint32_t i = 0; step->model->call && i < s->c->graph->n_functions; i++)
        if (strcmp(s->c->functions[i].name, step->model->call->text) == 0)
            return s->c->functions[i].params ? &s->c->functions[i] : NULL;
    return NULL;
}

static void read_step(struct orri_steps *s, uint32_t i)
{
    struct orri_step_plan *step = &s->items[i];
    step->good = is_good_name(s, step, step->model->name);
    if (step->good)
        read_loop(s, step);
    step->group = step;
    for (uint32_t k = 0; step->loops && k < i; k++)
        if (s->items[k].loops &&
            same_words(s->items[k].model->list, step->model->list) &&
            same_words(s->items[k].model->when, step->model->when)) {
            step->group = s->items[k].group;
            break;
        }
    step->function = function_of(s, step);
}

/* ---- order ---- */

static void visit(struct orri_steps *s, struct orri_step_plan *step);

static void visit_needs(struct orri_steps *s, struct orri_step_plan *step,
                        const struct orri_needs *needs)
{
    for (uint32_t i = 0; i < needs->n; i++) {
        struct orri_step_plan *other = needs->steps[i];
        if (other->visited == ORRI_VISIT_OPEN) {
            orr_diag_error(s->c->diags, step->model->name->at, "E0427",
                           other == step ? "step '%s' waits for itself"
                                         : "step '%s' waits for step '%s', which waits "
                                           "for it",
                           step->name, other->name);
            step->good = false;
        } else if (other->visited == ORRI_VISIT_NEW) {
            visit(s, other);
        }
        step->good = step->good && other->good;
    }
}

/* The items of a loop come before all steps that share them. */
static bool visit_items(struct orri_steps *s, struct orri_step_plan *group)
{
    if (group->items == ORRI_VISIT_NEW) {
        group->items = ORRI_VISIT_OPEN;
        visit_needs(s, group, &group->head);
        group->items = group->good && orri_step_items(s, group) ? ORRI_VISIT_DONE
                                                                : ORRI_VISIT_OPEN;
    }
    return group->items == ORRI_VISIT_DONE;
}

static void visit(struct orri_steps *s, struct orri_step_plan *step)
{
    step->visited = ORRI_VISIT_OPEN;
    if (step->loops && !visit_items(s, step->group))
        step->good = false;
    visit_needs(s, step, &step->body);
    if (step->good) {
        orri_step_declare(s, step);
        orri_step_call(s, step);
        if (step->loops)
            orri_step_all(s, step);
        step->good = step->function != NULL;
    }
    step->visited = ORRI_VISIT_DONE;
}

/* ---- outputs ---- */

static bool names(const struct orri_needs *needs, const struct orri_step_plan *step)
{
    for (uint32_t i = 0; i < needs->n; i++)
        if (needs->steps[i] == step)
            return true;
    return false;
}

/* Without `outputs`: the steps that no other step names. */
static void default_outputs(struct orri_steps *s)
{
    struct orri_compile *c = s->c;
    struct orr_output *outputs =
        orr_arena_alloc(c->arena, (s->n + 1) * sizeof *outputs);
    for (uint32_t i = 0; i < s->n; i++) {
        bool named = false;
        for (uint32_t k = 0; k < s->n; k++)
            named |= names(&s->items[k].head, &s->items[i]) ||
                     names(&s->items[k].body, &s->items[i]);
        if (named || !s->items[i].good)
            continue;
        outputs[c->graph->n_outputs++] = (struct orr_output) {
            .name = s->items[i].name,
            .at = s->items[i].model->name->at,
            .doc = orri_keep(c, s->items[i].model->doc),
            .fact = s->items[i].loops ? s->items[i].all : s->items[i].own,
        };
    }
    c->outputs = outputs;
    c->graph->outputs = outputs;
}

void orri_compile_steps(struct orri_compile *c)
{
    const struct orr_model_step *models = c->model->steps.items;
    struct orri_steps s = { .c = c };
    s.items = orr_arena_alloc(c->arena, (c->model->steps.n + 1) * sizeof *s.items);
    for (uint32_t i = 0; i < c->model->steps.n; i++)
        if (models[i].name)
            s.items[s.n++] =
                (struct orri_step_plan) { .model = &models[i],
                                          .name = orri_keep(c, models[i].name) };
    s.rules = orr_arena_alloc(c->arena, (ORRI_STEP_RULES * s.n + 1) * sizeof *s.rules);
    for (uint32_t i = 0; i < s.n; i++)
        read_step(&s, i);
    for (uint32_t i = 0; i < s.n; i++)
        if (s.items[i].good)
            find_needs(&s, &s.items[i]);
    for (uint32_t i = 0; i < s.n; i++)
        if (s.items[i].visited == ORRI_VISIT_NEW)
            visit(&s, &s.items[i]);
    c->step_rules = s.rules;
    c->n_step_rules = s.n_rules;
    if (s.n && !c->model->outputs.items)
        default_outputs(&s);
}
