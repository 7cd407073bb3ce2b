/* join.c - which combinations of facts satisfy a rule, found as facts come in
 *
 * Semi-naive evaluation: a new fact is tried in every variable of its type, the other
 * variables are bound step by step through an index on the equalities of `where`. Each
 * combination is found exactly once, when the last of its facts is looked at: facts are
 * in the indexes from then on, and the seed itself stands for other variables only when
 * they come after its own.
 * Owns: the plans. Hands on: complete matches (react.c, gather.c). */
#include "engine/internal.h"

#include <string.h>

/* ---- planning, once ---- */

static bool same_kind(const struct orr_expr *a, const struct orr_expr *b)
{
    return orr_expr_type(a)->kind == orr_expr_type(b)->kind;
}

/* Is `side` candidate.field, and `other` over bound slots only? */
static bool is_key(const struct orr_expr *side, const struct orr_expr *other,
                   uint32_t candidate, uint32_t bound, uint32_t *field)
{
    uint32_t slot = 0;
    return orr_expr_field_of(side, &slot, field) && slot == candidate &&
           (orr_expr_slots(other) & ~bound) == 0 && same_kind(side, other);
}

void orri_split_equalities(struct orr_expr *const *conjuncts, uint32_t n,
                           uint32_t candidate, uint32_t bound, struct orri_split *out)
{
    out->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct orr_expr *left = NULL;
        struct orr_expr *right = NULL;
        uint32_t field = 0;
        out->used[i] = false;
        if (out->n == ORR_SLOTS_MAX || !orr_expr_equality(conjuncts[i], &left, &right))
            continue;
        bool swapped = !is_key(left, right, candidate, bound, &field);
        if (swapped && !is_key(right, left, candidate, bound, &field))
            continue;
        out->fields[out->n] = field;
        out->keys[out->n++] = swapped ? left : right;
        out->used[i] = true;
    }
}

struct planner {
    struct orr_engine *engine;
    const struct orr_rule *rule;
    uint32_t bound; /* bit per variable */
    bool *spent;    /* per conjunct: checked by an earlier step */
    bool *used;
};

static void take_filters(struct planner *p, struct orri_step *step)
{
    const struct orr_rule *rule = p->rule;
    step->filters =
        orr_arena_alloc(&p->engine->arena, (rule->n_where + 1) * sizeof *step->filters);
    for (uint32_t i = 0; i < rule->n_where; i++) {
        if (p->spent[i] || (orr_expr_slots(rule->where[i]) & ~p->bound))
            continue;
        step->filters[step->n_filters++] = rule->where[i];
        p->spent[i] = true;
    }
}

/* The unbound variable with the most equalities to what is bound; the first of those.
 */
static uint32_t best_variable(struct planner *p, struct orri_split *split)
{
    uint32_t best = ORR_NONE;
    uint32_t most = 0;
    for (uint32_t v = 0; v < p->rule->n_match; v++) {
        if (p->bound >> v & 1)
            continue;
        orri_split_equalities(p->rule->where, p->rule->n_where, v, p->bound, split);
        uint32_t weight =
            split->n + (p->rule->match[v].fact == 0); /* one job a request */
        if (best == ORR_NONE || weight > most) {
            best = v;
            most = weight;
        }
    }
    return best;
}

static void plan_step(struct planner *p, struct orri_step *step)
{
    struct orri_split split = { .used = p->used };
    step->variable = best_variable(p, &split);
    orri_split_equalities(p->rule->where, p->rule->n_where, step->variable, p->bound,
                          &split);
    step->type = p->rule->match[step->variable].fact;
    step->index = orri_index_for(p->engine, step->type, split.fields, split.n);
    step->n_keys = split.n;
    step->keys = orr_arena_alloc(&p->engine->arena, (split.n + 1) * sizeof *step->keys);
    memcpy(step->keys, split.keys, split.n * sizeof *step->keys);
    for (uint32_t i = 0; i < p->rule->n_where; i++)
        p->spent[i] = p->spent[i] || split.used[i];
    p->bound |= 1U << step->variable;
    take_filters(p, step);
}

/* The seed's fields that the second step looks for, when nothing has to be computed. */
static const uint32_t *plain_keys(struct orr_engine *engine,
                                  const struct orri_plan *plan)
{
    const struct orri_step *step = &plan->steps[1];
    uint32_t *fields =
        orr_arena_alloc(&engine->arena, (step->n_keys + 1) * sizeof *fields);
    for (uint32_t i = 0; i < step->n_keys; i++) {
        uint32_t slot = 0;
        if (!orr_expr_field_of(step->keys[i], &slot, &fields[i]) || slot != plan->seed)
            return NULL;
    }
    return fields;
}

static struct orri_plan plan_seed(struct orr_engine *engine, uint32_t rule_index,
                                  uint32_t seed)
{
    const struct orr_rule *rule = &engine->graph->rules[rule_index];
    struct planner p = { .engine = engine, .rule = rule, .bound = 1U << seed };
    p.spent = orr_arena_alloc(&engine->scratch, rule->n_where + 1);
    p.used = orr_arena_alloc(&engine->scratch, rule->n_where + 1);
    struct orri_plan plan = { .rule = rule_index, .seed = seed };
    plan.steps = orr_arena_alloc(&engine->arena, rule->n_match * sizeof *plan.steps);
    plan.steps[0].variable = seed;
    plan.steps[0].type = rule->match[seed].fact;
    take_filters(&p, &plan.steps[0]);
    for (uint32_t i = 1; i < rule->n_match; i++)
        plan_step(&p, &plan.steps[i]);
    if (rule->n_match > 1)
        plan.fields = plain_keys(engine, &plan);
    orr_arena_reset(&engine->scratch);
    return plan;
}

void orri_plan_rules(struct orr_engine *engine)
{
    const struct orr_graph *graph = engine->graph;
    for (uint32_t r = 0; r < graph->n_rules; r++)
        for (uint32_t v = 0; v < graph->rules[r].n_match; v++) {
            struct orri_table *table = &engine->tables[graph->rules[r].match[v].fact];
            table->plans =
                orr_realloc(table->plans, table->n_plans + 1, sizeof *table->plans);
            table->plans[table->n_plans++] = plan_seed(engine, r, v);
        }
    for (uint32_t r = 0; r < graph->n_rules; r++)
        if (graph->rules[r].gather.name)
            orri_plan_gather(engine, r);
}

/* ---- matching ---- */

struct matcher {
    struct orr_engine *engine;
    const struct orri_plan *plan;
    const struct orr_rule *rule;
    uint32_t request;
    uint32_t seed; /* the fact */
    uint32_t match[ORR_SLOTS_MAX];
};

static bool filters_hold(struct matcher *m, const struct orri_step *step)
{
    struct orr_engine *engine = m->engine;
    for (uint32_t i = 0; i < step->n_filters; i++) {
        struct orr_value v;
        struct orr_error err;
        if (orr_expr_eval(step->filters[i], engine->slots, &engine->scratch, &v,
                          &err) != ORR_OK) {
            orri_request_fail_at(engine, m->request, &err, m->rule->name);
            return false;
        }
        if (!v.as.b)
            return false;
    }
    return true;
}

static void complete(struct matcher *m)
{
    m->engine->work.matches++;
    if (m->rule->gather.name)
        orri_gather_open(m->engine, m->plan->rule, m->request, m->match);
    else
        orri_fire(m->engine, m->plan->rule, m->request, m->match, ORR_NONE);
    orr_arena_reset(&m->engine->firing);
}

static void match_from(struct matcher *m, uint32_t at);

static void try_fact(struct matcher *m, uint32_t at, uint32_t index)
{
    const struct orri_step *step = &m->plan->steps[at];
    m->engine->work.candidates++;
    m->match[step->variable] = index;
    orri_bind_fact(m->engine, step->variable, step->type, index);
    if (filters_hold(m, step))
        match_from(m, at + 1);
}

/* The new fact for a variable before its own: that match is found from there. */
static bool is_seed(const struct matcher *m, const struct orri_step *step,
                    uint32_t fact)
{
    return fact == m->seed && step->variable < m->plan->seed &&
           step->type == m->plan->steps[0].type;
}

static bool step_keys(struct matcher *m, const struct orri_step *step,
                      struct orr_value *keys)
{
    struct orr_error err;
    for (uint32_t i = 0; i < step->n_keys; i++)
        if (orr_expr_eval(step->keys[i], m->engine->slots, &m->engine->scratch,
                          &keys[i], &err) != ORR_OK) {
            orri_request_fail_at(m->engine, m->request, &err, m->rule->name);
            return false;
        }
    return true;
}

void orri_match_expect(const struct orr_engine *engine, const struct orri_plan *plan,
                       uint32_t request, const struct orr_record *seed)
{
    if (!plan->fields)
        return;
    const struct orri_step *step = &plan->steps[1];
    uint64_t hash = request + 1;
    for (uint32_t i = 0; i < step->n_keys; i++)
        hash = orr_value_hash(seed->fields[plan->fields[i]], hash);
    orr_hashes_expect(&engine->tables[step->type].indexes[step->index].rings, hash);
}

static void match_from(struct matcher *m, uint32_t at)
{
    if (at == m->rule->n_match) {
        complete(m);
        return;
    }
    const struct orri_step *step = &m->plan->steps[at];
    const struct orri_table *table = &m->engine->tables[step->type];
    struct orr_value keys[ORR_SLOTS_MAX];
    if (!step_keys(m, step, keys))
        return;
    uint32_t last =
        orri_index_last(m->engine, step->type, step->index, m->request, keys);
    for (uint32_t fact = last; fact != ORR_NONE;) {
        fact = orri_fact(table, fact)->next[step->index];
        if (!is_seed(m, step, fact))
            try_fact(m, at, fact);
        if (fact == last)
            break;
    }
}

void orri_match_fact(struct orr_engine *engine, uint32_t type, uint32_t index)
{
    const struct orri_table *table = &engine->tables[type];
    struct matcher m;
    m.engine = engine;
    m.request = orri_fact(table, index)->request;
    m.seed = index;
    for (uint32_t i = 0; i < table->n_plans; i++) {
        m.plan = &table->plans[i];
        m.rule = &engine->graph->rules[m.plan->rule];
        try_fact(&m, 0, index);
        orr_arena_reset(&engine->scratch);
    }
}
