/* steps_rules.c - the facts and rules of one step; see steps.c for what it becomes
 * Owns: nothing beyond the tables of the compilation. */
#include "graph/steps.h"

#include <string.h>

/* ---- facts ---- */

static const struct orr_type *optional_of(struct orri_compile *c,
                                          const struct orr_type *type)
{
    struct orr_type *copy = orr_arena_alloc(c->arena, sizeof *copy);
    *copy = *type;
    copy->optional = true;
    return copy;
}

static const struct orr_type *list_of(struct orri_compile *c,
                                      const struct orr_type *type)
{
    struct orr_type *list = orr_arena_alloc(c->arena, sizeof *list);
    *list = (struct orr_type) { .kind = ORR_KIND_LIST, .element = type };
    return list;
}

static const char *index_name(const struct orr_record_type *results)
{
    return orr_record_field(results, "index") < 0 ? "index" : "step_index";
}

enum shape { SINGLE, MAYBE, ITEM, ALL };

/* The results of the function as fields of a fact; `shape` says how. */
static struct orr_record_type fields_of(struct orri_compile *c,
                                        const struct orr_record_type *results,
                                        enum shape shape)
{
    struct orr_field *fields =
        orr_arena_alloc(c->arena, (results->n_fields + 1) * sizeof *fields);
    uint32_t n = 0;
    if (shape == ITEM)
        fields[n++] = (struct orr_field) { .name = index_name(results),
                                           .type = orr_type_scalar(ORR_KIND_INT) };
    for (uint32_t i = 0; i < results->n_fields; i++, n++) {
        fields[n] = results->fields[i];
        if (shape == MAYBE)
            fields[n].type = optional_of(c, fields[n].type);
        if (shape == ALL)
            fields[n].type = list_of(c, fields[n].type);
    }
    return (struct orr_record_type) { .n_fields = n, .fields = fields };
}

void orri_step_declare(struct orri_steps *s, struct orri_step_plan *step)
{
    struct orri_compile *c = s->c;
    struct orr_span at = step->model->name->at;
    static const struct orr_record_type nothing = { 0 };
    const struct orr_record_type *results =
        step->function ? step->function->results : &nothing;
    enum shape shape = step->loops ? ITEM : step->model->when ? MAYBE : SINGLE;
    step->own = orri_declare_fact(c, step->name, at, fields_of(c, results, shape));
    if (step->loops)
        step->all =
            orri_declare_fact(c, orr_arena_printf(c->arena, "%s_all", step->name), at,
                              fields_of(c, results, ALL));
}

static void declare_items(struct orri_steps *s, struct orri_step_plan *step,
                          const struct orr_type *element)
{
    struct orri_compile *c = s->c;
    struct orr_field *fields = orr_arena_alloc(c->arena, 2 * sizeof *fields);
    fields[0] =
        (struct orr_field) { .name = "index", .type = orr_type_scalar(ORR_KIND_INT) };
    fields[1] = (struct orr_field) { .name = "item", .type = element };
    step->each = orri_declare_fact(
        c, orr_arena_printf(c->arena, "%s_each", step->name), step->model->name->at,
        (struct orr_record_type) { .n_fields = 2, .fields = fields });
}

/* ---- rules ---- */

static struct orr_rule *add_rule(struct orri_steps *s,
                                 const struct orri_step_plan *step, const char *what)
{
    struct orr_rule *rule = &s->rules[s->n_rules++];
    rule->name =
        what ? orr_arena_printf(s->c->arena, "%s: %s", step->name, what) : step->name;
    rule->at = step->model->name->at;
    rule->doc = what ? NULL : orri_keep(s->c, step->model->doc);
    rule->function = ORR_NONE;
    rule->result_slot = rule->error_slot = rule->attempt_slot = ORR_NONE;
    return rule;
}

static void add_match(struct orri_compile *c, struct orri_rule_scope *rs,
                      const char *name, uint32_t fact)
{
    struct orr_rule *rule = rs->rule;
    struct orr_match *match = (struct orr_match *)(uintptr_t)rule->match;
    if (rule->n_match == ORRI_MATCH_MAX) {
        orr_diag_error(c->diags, rule->at, "E0416", "a step names at most %d others",
                       ORRI_MATCH_MAX - 2);
        return;
    }
    match[rule->n_match] = (struct orr_match) { name, fact, rule->at };
    orri_scope_set(&rs->match, rule->n_match, name, &c->fact_types[fact]);
    rule->n_match++;
}

static bool shares_items(const struct orri_step_plan *step,
                         const struct orri_step_plan *other)
{
    return step->loops && other->loops && other->group == step->group;
}

/* The facts that expressions of a step see. `items`: the step itself, once an item of
 * its loop; else what is outside of the loop. */
static struct orri_rule_scope match_needs(struct orri_steps *s, struct orr_rule *rule,
                                          const struct orri_step_plan *step,
                                          const struct orri_needs *needs, bool items)
{
    struct orri_compile *c = s->c;
    struct orri_rule_scope rs = { .rule = rule };
    rule->match = orr_arena_alloc(c->arena, ORRI_MATCH_MAX * sizeof *rule->match);
    if (items) {
        add_match(c, &rs, c->facts[step->group->each].name, step->group->each);
        rs.match.alias.name = step->loop.variable;
        rs.match.alias.slot = 0;
        rs.match.alias.field = 1;
    }
    if (needs->inputs || (!items && needs->n == 0))
        add_match(c, &rs, "inputs", 0);
    for (uint32_t i = 0; i < needs->n; i++) {
        const struct orri_step_plan *other = needs->steps[i];
        bool gathered = other->loops && !(items && shares_items(step, other));
        add_match(c, &rs, other->name, gathered ? other->all : other->own);
    }
    return rs;
}

/* Names of other steps in slots that no rule uses: for "did you mean". */
static void offer_names(struct orri_steps *s, struct orr_scope *scope, uint32_t first)
{
    for (uint32_t i = 0; i < s->n && first + i < ORR_SLOTS_MAX; i++) {
        bool seen = false;
        for (uint32_t k = 0; k < first; k++)
            seen |= scope->slots[k].name &&
                    strcmp(scope->slots[k].name, s->items[i].name) == 0;
        if (!seen)
            orri_scope_set(scope, first + i, s->items[i].name,
                           orr_type_scalar(ORR_KIND_NULL));
    }
}

/* An expression of our own making, often around what the author wrote: it may be too
 * deep then, or name a step that is one too many. NULL after reporting. */
static struct orr_expr *made(struct orri_compile *c, const char *text,
                             struct orr_scope *scope, struct orr_span at)
{
    return orr_expr_compile(text, at, scope, NULL, c->arena, c->diags);
}

static bool set_where(struct orri_compile *c, struct orr_rule *rule,
                      struct orr_scope *scope, const char *text)
{
    struct orr_expr *condition = made(c, text, scope, rule->at);
    if (!condition)
        return false;
    rule->where = orr_arena_alloc(c->arena, sizeof *rule->where);
    rule->where[rule->n_where++] = condition;
    return true;
}

/* The fields of `fact` from those of `record`, by name; the first one from `index`. */
static struct orr_expr **fields_from(struct orri_compile *c,
                                     const struct orr_rule *rule, uint32_t fact,
                                     struct orr_scope *scope, const char *record,
                                     const char *index)
{
    const struct orr_record_type *type = c->facts[fact].record;
    struct orr_expr **parts =
        orr_arena_alloc(c->arena, (type->n_fields + 1) * sizeof *parts);
    for (uint32_t i = 0; i < type->n_fields; i++) {
        const char *text = index && i == 0 ? index
                                           : orr_arena_printf(c->arena, "%s.%s", record,
                                                              type->fields[i].name);
        parts[i] = made(c, text, scope, rule->at);
    }
    return parts;
}

static void set_then(struct orri_compile *c, struct orr_rule *rule, uint32_t fact,
                     struct orr_expr **parts)
{
    rule->then = orr_arena_alloc(c->arena, sizeof *rule->then);
    rule->then[0] = (struct orr_assertion) {
        .at = rule->at,
        .loop_slot = ORR_NONE,
        .index_slot = ORR_NONE,
        .fact = fact,
        .record = orr_expr_record(c->facts[fact].record, parts, rule->at, c->arena),
    };
    rule->n_then = 1;
}

/* ---- a loop: items and all ---- */

/* Compile the list and the condition where they stand; the type of an item. */
static const struct orr_type *check_loop(struct orri_steps *s,
                                         struct orri_step_plan *step,
                                         struct orri_rule_scope *rs)
{
    struct orri_compile *c = s->c;
    struct orr_expr *list = NULL;
    struct orr_scope inner = rs->match;
    offer_names(s, &rs->match, rs->rule->n_match);
    const struct orr_type *element =
        orri_compile_list(c, step->model->list, &step->loop, &rs->match, &list);
    if (!element || !step->model->when)
        return element;
    orri_scope_set(&inner, rs->rule->n_match, step->loop.variable, element);
    offer_names(s, &inner, rs->rule->n_match + 1);
    return orri_expr(c, step->model->when, &inner, orr_type_scalar(ORR_KIND_BOOL))
               ? element
               : NULL;
}

static const char *list_text(struct orri_compile *c, const struct orri_step_plan *step)
{
    const char *list = step->model->list->text + step->loop.list;
    if (!step->model->when)
        return list;
    return orr_arena_printf(c->arena, "[%s for %s in (%s) if %s]", step->loop.variable,
                            step->loop.variable, list, step->model->when->text);
}

/* A name for the index that is none of a step or of the loop. */
static const char *free_name(struct orri_steps *s, const struct orri_step_plan *step)
{
    const char *name = "index";
    while (orri_step_find(s, name) || strcmp(name, step->loop.variable) == 0)
        name = orr_arena_printf(s->c->arena, "%s_", name);
    return name;
}

/* rule "S: items": for INDEX, VARIABLE in LIST assert S_each. */
bool orri_step_items(struct orri_steps *s, struct orri_step_plan *step)
{
    struct orri_compile *c = s->c;
    struct orr_rule *rule = add_rule(s, step, "items");
    struct orri_rule_scope rs = match_needs(s, rule, step, &step->head, false);
    struct orri_rule_scope checked = rs;
    const char *index = free_name(s, step);
    const struct orr_type *element = check_loop(s, step, &checked);
    if (!element) {
        s->n_rules--;
        return false;
    }
    declare_items(s, step, element);
    step->list_text = list_text(c, step);
    uint32_t loop_slot = rule->n_match;
    struct orr_expr *list = made(c, step->list_text, &rs.match, rule->at);
    if (!list)
        return false;
    orri_scope_set(&rs.match, loop_slot, step->loop.variable, element);
    orri_scope_set(&rs.match, loop_slot + 1, index, orr_type_scalar(ORR_KIND_INT));
    rule->n_slots = loop_slot + 2;
    struct orr_expr *parts[] = { made(c, index, &rs.match, rule->at),
                                 made(c, step->loop.variable, &rs.match, rule->at) };
    set_then(c, rule, step->each, parts);
    rule->then[0].list = list;
    rule->then[0].loop_name = step->loop.variable;
    rule->then[0].loop_slot = loop_slot;
    rule->then[0].index_name = index;
    rule->then[0].index_slot = loop_slot + 1;
    return true;
}

/* rule "S: all": gather S, count len(LIST), order index, assert S_all. */
void orri_step_all(struct orri_steps *s, struct orri_step_plan *step)
{
    struct orri_compile *c = s->c;
    struct orr_rule *rule = add_rule(s, step, "all");
    struct orri_rule_scope rs = match_needs(s, rule, step, &step->group->head, false);
    struct orr_scope candidate = { 0 };
    uint32_t slot = rule->n_match;
    const struct orr_record_type *own = c->facts[step->own].record;
    orri_scope_set(&candidate, slot + 1, step->name, &c->fact_types[step->own]);
    const struct orr_type *lists = orri_lists_of(c, own);
    rule->gather = (struct orr_gather) {
        .name = step->name,
        .fact = step->own,
        .slot = slot,
        .candidate_slot = slot + 1,
        .count = made(c, orr_arena_printf(c->arena, "len(%s)", step->group->list_text),
                      &rs.match, rule->at),
        .order = made(
            c, orr_arena_printf(c->arena, "%s.%s", step->name, own->fields[0].name),
            &candidate, rule->at),
        .lists = lists->record,
        .at = rule->at,
    };
    orri_scope_set(&rs.match, slot, step->name, lists);
    rule->n_slots = slot + 4;
    set_then(c, rule, step->all,
             fields_from(c, rule, step->all, &rs.match, step->name, NULL));
}

/* ---- the call ---- */

/* Others of the same loop are joined by index. */
static void join_items(struct orri_steps *s, const struct orri_step_plan *step,
                       struct orri_rule_scope *rs)
{
    struct orri_compile *c = s->c;
    struct orr_rule *rule = rs->rule;
    rule->where = orr_arena_alloc(c->arena, (step->body.n + 1) * sizeof *rule->where);
    for (uint32_t i = 0; i < step->body.n; i++) {
        const struct orri_step_plan *other = step->body.steps[i];
        if (!shares_items(step, other))
            continue;
        const char *text = orr_arena_printf(c->arena, "%s.%s == %s.index", other->name,
                                            c->facts[other->own].record->fields[0].name,
                                            c->facts[step->group->each].name);
        struct orr_expr *equality = made(c, text, &rs->match, rule->at);
        if (equality)
            rule->where[rule->n_where++] = equality;
    }
}

static void compile_call(struct orri_steps *s, struct orri_step_plan *step,
                         struct orri_rule_scope *rs)
{
    const struct orr_model_step *m = step->model;
    struct orr_model_action action = {
        .head = m->head, .call = m->call, .with = m->with, .priority = m->priority
    };
    struct orr_model_rule model = { .action = &action };
    struct orr_rule *rule = rs->rule;
    struct orri_rule_scope wide = *rs;
    rule->result_slot = rule->n_match + 2;
    rule->error_slot = rule->n_match + 3;
    rule->attempt_slot = rule->n_match + 4;
    rule->n_slots = rule->n_match + 5;
    offer_names(s, &wide.match, rule->n_match);
    orri_compile_action(s->c, &model, &wide);
}

/* `when` of a single step: where it holds, and what follows where it does not. */
static bool split_when(struct orri_steps *s, struct orri_step_plan *step,
                       struct orri_rule_scope *rs)
{
    struct orri_compile *c = s->c;
    orr_model_leaf when = step->model->when;
    struct orr_scope wide = rs->match;
    offer_names(s, &wide, rs->rule->n_match);
    if (!orri_expr(c, when, &wide, orr_type_scalar(ORR_KIND_BOOL)))
        return false;
    if (!set_where(c, rs->rule, &rs->match, when->text))
        return false;
    struct orr_rule *rule = add_rule(s, step, "skipped");
    struct orri_rule_scope skipped = match_needs(s, rule, step, &step->body, false);
    struct orr_expr **none = orr_arena_alloc(
        c->arena, (c->facts[step->own].record->n_fields + 1) * sizeof *none);
    rule->n_slots = rule->n_match + 2;
    set_then(c, rule, step->own, none);
    return set_where(c, rule, &skipped.match,
                     orr_arena_printf(c->arena, "not (%s)", when->text));
}

void orri_step_call(struct orri_steps *s, struct orri_step_plan *step)
{
    struct orri_compile *c = s->c;
    struct orr_rule *rule = add_rule(s, step, NULL);
    struct orri_rule_scope rs = match_needs(s, rule, step, &step->body, step->loops);
    if (step->loops)
        join_items(s, step, &rs);
    else if (step->model->when && !split_when(s, step, &rs))
        return;
    compile_call(s, step, &rs);
    if (!step->function)
        return;
    struct orr_type *result = orr_arena_alloc(c->arena, sizeof *result);
    *result = (struct orr_type) { .kind = ORR_KIND_RECORD,
                                  .record = step->function->results };
    orri_scope_set(&rs.match, rule->result_slot, "result", result);
    const char *index = step->loops ? orr_arena_printf(c->arena, "%s.index",
                                                       c->facts[step->group->each].name)
                                    : NULL;
    set_then(c, rule, step->own,
             fields_from(c, rule, step->own, &rs.match, "result", index));
}
