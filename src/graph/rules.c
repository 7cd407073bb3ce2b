/* rules.c - rules: what they match, gather and ask; slots
 * Slot i is match variable i; then the gather variable and its candidate, a loop
 * variable and its index, and result, error, attempt where there is an action. */
#include "graph/internal.h"

#include <string.h>

static bool known_variable(struct orri_compile *c, const struct orr_rule *rule,
                           orr_model_leaf key)
{
    for (uint32_t i = 0; i < rule->n_match; i++)
        if (strcmp(rule->match[i].name, key->text) == 0) {
            orr_diag_error(c->diags, key->at, "E0409", "variable '%s' stands twice",
                           key->text);
            return true;
        }
    return false;
}

/* A variable whose fact is not known: what uses it is right as far as one can tell. The
 * last slots are free: see lay_out_slots(). */
static void refuse_variable(struct orri_compile *c, orr_model_leaf key,
                            struct orr_scope *scope)
{
    for (uint32_t slot = ORR_SLOTS_MAX; slot-- > ORRI_MATCH_MAX + 7;)
        if (!scope->slots[slot].name) {
            orri_scope_set(scope, slot, orri_keep(c, key), NULL);
            return;
        }
}

static void compile_match(struct orri_compile *c, orr_model_leaf match,
                          struct orri_rule_scope *rs)
{
    struct orr_rule *rule = rs->rule;
    if (match->n == 0)
        orr_diag_error(
            c->diags, match->at, "E0420",
            "the rule matches nothing: name at least one fact, such as {j: job}");
    if (match->n > ORRI_MATCH_MAX)
        orr_diag_error(c->diags, match->at, "E0416", "a rule matches at most %d facts",
                       ORRI_MATCH_MAX);
    struct orr_match *list = orr_arena_alloc(c->arena, ORRI_MATCH_MAX * sizeof *list);
    rule->match = list;
    for (uint32_t i = 0; i < match->n && i < ORRI_MATCH_MAX; i++) {
        if (match->items[i]->kind != ORR_YAML_SCALAR) {
            orr_diag_error(c->diags, match->items[i]->at, "E0303",
                           "match is VARIABLE: FACT, one value each");
            continue;
        }
        if (!orri_check_name(c, match->keys[i], "a variable") ||
            known_variable(c, rule, match->keys[i]))
            continue;
        uint32_t fact = orri_find_fact(c, match->items[i]);
        if (fact == ORR_NONE) {
            refuse_variable(c, match->keys[i], &rs->match);
            continue;
        }
        c->fact_used[fact] = true;
        list[rule->n_match] = (struct orr_match) { orri_keep(c, match->keys[i]), fact,
                                                   match->keys[i]->at };
        orri_scope_set(&rs->match, rule->n_match, list[rule->n_match].name,
                       &c->fact_types[fact]);
        rule->n_match++;
    }
}

/* Conjuncts of a condition; those that are always true are left out. */
static void split(struct orri_compile *c, struct orr_expr *condition,
                  struct orr_expr ***out, uint32_t *n)
{
    struct orr_expr *parts[ORRI_CONJUNCTS_MAX];
    *n = 0;
    if (!condition)
        return;
    size_t found = orr_expr_conjuncts(condition, parts, ORRI_CONJUNCTS_MAX);
    *out = orr_arena_alloc(c->arena, found * sizeof **out);
    for (size_t i = 0; i < found; i++) {
        struct orr_value v = orr_null();
        if (orr_expr_is_constant(parts[i]) &&
            orr_expr_eval(parts[i], NULL, c->arena, &v, NULL) == ORR_OK && v.as.b)
            continue;
        if (orr_expr_is_constant(parts[i]))
            orr_diag_error(c->diags, orr_expr_span(parts[i]), "E0421",
                           "this is never true: the rule cannot fire");
        (*out)[(*n)++] = parts[i];
    }
}

static void compile_where(struct orri_compile *c, orr_model_leaf where,
                          struct orr_scope *scope, struct orr_expr ***out, uint32_t *n)
{
    if (where)
        split(c, orri_expr(c, where, scope, orr_type_scalar(ORR_KIND_BOOL)), out, n);
}

/* The gathered facts as one record: a list for each field. */
const struct orr_type *orri_lists_of(struct orri_compile *c,
                                     const struct orr_record_type *fact)
{
    struct orr_field *fields =
        orr_arena_alloc(c->arena, (fact->n_fields + 1) * sizeof *fields);
    struct orr_record_type *record = orr_arena_alloc(c->arena, sizeof *record);
    for (uint32_t i = 0; i < fact->n_fields; i++) {
        struct orr_type *list = orr_arena_alloc(c->arena, sizeof *list);
        *list = (struct orr_type) { .kind = ORR_KIND_LIST,
                                    .element = fact->fields[i].type };
        fields[i] = (struct orr_field) { .name = fact->fields[i].name, .type = list };
    }
    *record = (struct orr_record_type) { .n_fields = fact->n_fields, .fields = fields };
    struct orr_type *type = orr_arena_alloc(c->arena, sizeof *type);
    *type = (struct orr_type) { .kind = ORR_KIND_RECORD, .record = record };
    return type;
}

/* Facts can be ordered by what has an order. */
static void check_order(struct orri_compile *c, const struct orr_expr *order)
{
    enum orr_kind kind = order ? orr_expr_type(order)->kind : ORR_KIND_INT;
    if (kind == ORR_KIND_BLOB || kind == ORR_KIND_RECORD || kind == ORR_KIND_NULL)
        orr_diag_error(c->diags, orr_expr_span(order), "E0422",
                       "order needs a number, a text, a duration or a list of these");
}

static void compile_gather(struct orri_compile *c, const struct orr_model_gather *m,
                           struct orri_rule_scope *rs)
{
    struct orr_gather *gather = &rs->rule->gather;
    struct orr_scope where = rs->match;
    struct orr_scope candidate = { 0 };
    if (!m->name || !m->fact || m->fact->kind != ORR_YAML_SCALAR ||
        !orri_check_name(c, m->name, "a variable") ||
        known_variable(c, rs->rule, m->name))
        return;
    uint32_t fact = orri_find_fact(c, m->fact);
    if (fact == ORR_NONE) {
        refuse_variable(c, m->name, &rs->match);
        return;
    }
    c->fact_used[fact] = true;
    *gather = (struct orr_gather) { .name = orri_keep(c, m->name),
                                    .fact = fact,
                                    .slot = rs->rule->n_match,
                                    .candidate_slot = rs->rule->n_match + 1,
                                    .at = m->name->at };
    orri_scope_set(&where, gather->candidate_slot, gather->name, &c->fact_types[fact]);
    orri_scope_set(&candidate, gather->candidate_slot, gather->name,
                   &c->fact_types[fact]);
    compile_where(c, m->where, &where, &gather->where, &gather->n_where);
    if (m->count)
        gather->count =
            orri_expr(c, m->count, &rs->match, orr_type_scalar(ORR_KIND_INT));
    if (m->order)
        gather->order = orri_expr(c, m->order, &candidate, NULL);
    check_order(c, gather->order);
    const struct orr_type *lists = orri_lists_of(c, c->facts[fact].record);
    gather->lists = lists->record;
    orri_scope_set(&rs->match, gather->slot, gather->name, lists);
}

static void check_rule_name(struct orri_compile *c, orr_model_leaf name, uint32_t n)
{
    uint32_t first = orri_recall(c, ORRI_RULE_NAMES, name->text);
    if (first != ORR_NONE)
        orr_diag_error(c->diags, name->at, "E0409",
                       "rule '%s' stands twice; first in line %u", name->text,
                       c->rules[first].at.line);
    orri_remember(c, ORRI_RULE_NAMES, name->text, n);
}

/* The places after the match variables. */
static void lay_out_slots(const struct orr_model_rule *m, struct orri_rule_scope *rs)
{
    struct orr_rule *rule = rs->rule;
    rs->loop_slot = rule->n_match + (rule->gather.name ? 2 : 0);
    rule->n_slots = rs->loop_slot + 2; /* the item, its index */
    rule->result_slot = rule->error_slot = rule->attempt_slot = ORR_NONE;
    if (!m->action)
        return;
    rule->result_slot = rule->n_slots++;
    rule->error_slot = rule->n_slots++;
    rule->attempt_slot = rule->n_slots++;
}

static void compile_rule(struct orri_compile *c, const struct orr_model_rule *m,
                         struct orr_rule *rule)
{
    struct orri_rule_scope rs = { .rule = rule };
    rule->function = ORR_NONE;
    rule->at = m->name ? m->name->at : m->assertion.head.node->at;
    rule->name = m->name ? orri_keep(c, m->name) : "";
    rule->doc = orri_keep(c, m->doc);
    if (m->match)
        compile_match(c, m->match, &rs);
    compile_where(c, m->where, &rs.match, &rule->where, &rule->n_where);
    if (m->gather)
        compile_gather(c, m->gather, &rs);
    lay_out_slots(m, &rs);
    orri_compile_action(c, m, &rs);
    orri_compile_reactions(c, m, &rs);
    for (uint32_t i = 0; i < rule->n_match; i++)
        rs.match.slots[i].name = NULL;
}

void orri_compile_rules(struct orri_compile *c)
{
    const struct orr_model_rule *models = c->model->rules.items;
    uint32_t n = c->model->rules.n;
    c->rules = orr_arena_alloc(c->arena, (n + c->n_step_rules + 1) * sizeof *c->rules);
    for (uint32_t i = 0; i < n; i++) {
        if (models[i].assertion.head.node->kind != ORR_YAML_MAPPING)
            continue;
        if (models[i].name)
            check_rule_name(c, models[i].name, i);
        compile_rule(c, &models[i], &c->rules[i]);
    }
    if (c->n_step_rules)
        memcpy(c->rules + n, c->step_rules, c->n_step_rules * sizeof *c->rules);
    c->graph->rules = c->rules;
    c->graph->n_rules = n + c->n_step_rules;
}
