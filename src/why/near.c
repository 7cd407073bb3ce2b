/* near.c - the nearest miss: the combination of facts that comes furthest in a rule
 *
 * A search in depth over the match variables, those with the fewest facts first. A
 * condition is tried as soon as all that it reads is bound; facts that satisfy the
 * equalities with what is bound are found by hash, and tried first. The combination
 * that binds most variables, then satisfies most of the conditions that are due, then
 * misses a comparison by least, is the nearest. The work is bounded by ORRI_WHY_STEPS.
 * Owns nothing. */
#include "why/internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void orri_why_bind(struct orr_why *why, uint32_t rule, const uint32_t *match,
                   struct orr_value *slots)
{
    const struct orr_rule *r = &why->setup.graph->rules[rule];
    for (uint32_t v = 0; v < r->n_match; v++)
        slots[v] =
            orr_engine_fact(why->setup.engine, r->match[v].fact, match[v], &why->arena);
}

bool orri_why_true(struct orr_why *why, const struct orr_expr *expr,
                   const struct orr_value *slots)
{
    struct orr_value v = orr_bool(false);
    bool holds = orr_expr_eval(expr, slots, &why->scratch, &v, NULL) == ORR_OK &&
                 v.kind == ORR_KIND_BOOL && v.as.b;
    orr_arena_reset(&why->scratch);
    return holds;
}

bool orri_demands_hold(struct orr_why *why, const struct orri_demands *demands,
                       uint32_t bound, const struct orr_value *slots)
{
    bool hold = true;
    for (uint32_t i = 0; i < demands->n && hold; i++) {
        struct orr_value v;
        if (orr_expr_slots(demands->items[i].expr) & ~bound)
            continue;
        hold = orr_expr_eval(demands->items[i].expr, slots, &why->scratch, &v, NULL) ==
                   ORR_OK &&
               orr_value_equal(v, demands->items[i].value);
        orr_arena_reset(&why->scratch);
    }
    return hold;
}

/* ---- a condition with its values ---- */

/* " (t.vif = 0.88, t.attempt = 1)": the fields that it reads. */
static void print_fields(struct orr_why *why, const struct orr_rule *rule,
                         const struct orr_expr *expr, const struct orr_value *slots,
                         struct orr_text *out)
{
    const char *between = " (";
    for (uint32_t v = 0; v < rule->n_match; v++) {
        const struct orr_record_type *type =
            why->setup.graph->facts[rule->match[v].fact].record;
        for (uint32_t f = 0; orr_expr_slots(expr) >> v & 1 &&
                             slots[v].kind == ORR_KIND_RECORD && f < type->n_fields;
             f++) {
            if (!orr_expr_reads(expr, v, f))
                continue;
            orr_text_printf(out, "%s%s.%s = %s", between, rule->match[v].name,
                            type->fields[f].name,
                            orri_value_text(why, slots[v].as.record->fields[f], 60));
            between = ", ";
        }
    }
    if (*between == ',')
        orr_text_puts(out, ")");
}

const char *orri_condition_text(struct orr_why *why, const struct orr_rule *rule,
                                const struct orr_expr *expr,
                                const struct orr_value *slots)
{
    struct orr_text text = ORR_TEXT_INIT;
    const struct orr_expr *left = NULL;
    const struct orr_expr *right = NULL;
    struct orr_value v = orr_null();
    struct orr_value a;
    struct orr_value b;
    struct orr_error err = { 0 };
    const char *op = orr_expr_comparison(expr, &left, &right);
    orr_text_printf(&text, "%s", orri_expr_text(why, expr));
    if (orr_expr_eval(expr, slots, &why->arena, &v, &err) != ORR_OK) {
        orr_text_printf(&text, " cannot be computed: %s", err.text);
    } else if (op && orr_expr_eval(left, slots, &why->arena, &a, NULL) == ORR_OK &&
               orr_expr_eval(right, slots, &why->arena, &b, NULL) == ORR_OK) {
        orr_text_printf(&text, ": %s %s %s is %s", orri_value_text(why, a, 60), op,
                        orri_value_text(why, b, 60), v.as.b ? "true" : "false");
    } else {
        orr_text_printf(&text, " is %s", v.as.b ? "true" : "false");
        print_fields(why, rule, expr, slots, &text);
    }
    const char *out = orr_arena_strdup(&why->arena, text.s);
    orr_text_release(&text);
    return out;
}

/* By how much a comparison of numbers misses; 0 for what is no number. */
static double miss_of(struct orr_why *why, const struct orr_expr *expr,
                      const struct orr_value *slots)
{
    const struct orr_expr *sides[2];
    double x[2] = { 0, 0 };
    if (!orr_expr_comparison(expr, &sides[0], &sides[1]))
        return 0;
    for (int i = 0; i < 2; i++) {
        struct orr_value v = orr_null();
        if (orr_expr_eval(sides[i], slots, &why->scratch, &v, NULL) != ORR_OK)
            return 0;
        if (v.kind == ORR_KIND_FLOAT)
            x[i] = v.as.f;
        else if (v.kind == ORR_KIND_INT || v.kind == ORR_KIND_DURATION ||
                 v.kind == ORR_KIND_SIZE)
            x[i] = (double)v.as.i;
        else
            return 0;
    }
    orr_arena_reset(&why->scratch);
    return fabs(x[0] - x[1]);
}

/* ---- the search ---- */

struct candidate {
    uint64_t hash; /* of the fields that are keys */
    uint32_t fact;
};

struct candidates { /* facts for one variable */
    uint32_t variable;
    uint32_t n;
    struct candidate *items; /* in order of hash, then of fact */
    uint32_t n_keys;         /* equalities with what is bound before */
    uint32_t fields[ORR_SLOTS_MAX];
    const struct orr_expr *values[ORR_SLOTS_MAX];
};

struct best {
    uint32_t depth; /* variables that were bound; 0: nothing yet */
    uint32_t held;  /* conditions that held among those due at the last of them */
    double missed;
    uint32_t facts[ORR_SLOTS_MAX]; /* per variable; ORR_NONE */
};

struct search {
    struct orr_why *why;
    const struct orr_rule *rule;
    const struct orri_demands *demands;
    struct candidates order[ORR_SLOTS_MAX];
    struct orr_value slots[ORR_SLOTS_MAX];
    struct orr_arena bound[ORR_SLOTS_MAX]; /* of the facts in the slots */
    uint32_t facts[ORR_SLOTS_MAX];
    uint64_t steps;
    bool complete; /* there is a combination that misses nothing */
    struct best best;
};

static void bind(struct search *s, uint32_t v, uint32_t fact)
{
    orr_arena_reset(&s->bound[v]);
    s->slots[v] = orr_engine_fact(s->why->setup.engine, s->rule->match[v].fact, fact,
                                  &s->bound[v]);
}

static void remember(struct search *s, uint32_t depth, uint32_t held, double missed)
{
    struct best *b = &s->best;
    if (depth < b->depth ||
        (depth == b->depth &&
         (held < b->held || (held == b->held && missed >= b->missed))))
        return;
    *b = (struct best) { .depth = depth, .held = held, .missed = missed };
    for (uint32_t v = 0; v < s->rule->n_match; v++)
        b->facts[v] = ORR_NONE;
    for (uint32_t i = 0; i < depth; i++)
        b->facts[s->order[i].variable] = s->facts[s->order[i].variable];
}

static uint32_t bound_at(const struct search *s, uint32_t depth)
{
    uint32_t bound = 0;
    for (uint32_t i = 0; i < depth; i++)
        bound |= 1U << s->order[i].variable;
    return bound;
}

/* The conditions that the variable makes due; true when all hold. */
static bool check(struct search *s, uint32_t depth)
{
    uint32_t bound = bound_at(s, depth);
    uint32_t before = bound_at(s, depth - 1);
    uint32_t held = 0;
    uint32_t due = 0;
    double missed = 0;
    for (uint32_t i = 0; i < s->rule->n_where; i++) {
        const struct orr_expr *expr = s->rule->where[i];
        if ((orr_expr_slots(expr) & ~bound) || !(orr_expr_slots(expr) & ~before))
            continue;
        s->steps++;
        due++;
        if (orri_why_true(s->why, expr, s->slots))
            held++;
        else
            missed += miss_of(s->why, expr, s->slots);
    }
    if (held < due)
        remember(s, depth, held, missed);
    return held == due;
}

static void search_from(struct search *s, uint32_t depth);

static void try_candidate(struct search *s, uint32_t depth, uint32_t fact)
{
    uint32_t v = s->order[depth].variable;
    s->steps++;
    s->facts[v] = fact;
    bind(s, v, fact);
    if (orri_demands_hold(s->why, s->demands, bound_at(s, depth + 1), s->slots) &&
        check(s, depth + 1))
        search_from(s, depth + 1);
}

/* The hash of the keys that what is bound asks for; false when one has no value. */
static bool hash_wanted(struct search *s, const struct candidates *c, uint64_t *out)
{
    bool good = true;
    *out = 0;
    for (uint32_t i = 0; i < c->n_keys && good; i++) {
        struct orr_value v;
        good =
            orr_expr_eval(c->values[i], s->slots, &s->why->scratch, &v, NULL) == ORR_OK;
        *out = good ? orr_value_hash(v, *out) : 0;
        orr_arena_reset(&s->why->scratch);
    }
    return good;
}

/* The first candidate whose hash is not below. */
static uint32_t lower_bound(const struct candidates *c, uint64_t hash)
{
    uint32_t low = 0;
    uint32_t high = c->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (c->items[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Those that satisfy the equalities first: they come further. The others are looked at
 * for a nearest miss, all of them while that costs little. */
enum { ALL_STEPS = 100 * 1000 };

static void search_from(struct search *s, uint32_t depth)
{
    uint64_t hash = 0;
    s->complete = s->complete || depth == s->rule->n_match;
    if (depth == s->rule->n_match)
        return;
    const struct candidates *c = &s->order[depth];
    bool keyed = hash_wanted(s, c, &hash);
    uint32_t first = keyed ? lower_bound(c, hash) : 0;
    uint32_t end = first;
    for (; keyed && end < c->n && c->items[end].hash == hash; end++)
        if (s->steps < ORRI_WHY_STEPS)
            try_candidate(s, depth, c->items[end].fact);
    for (uint32_t i = 0; i < c->n && s->steps < ORRI_WHY_STEPS; i++) {
        bool worse = s->best.depth > depth + 1 ||
                     (s->steps >= ALL_STEPS && s->best.depth == depth + 1);
        if (c->n_keys && worse)
            break;
        if (i < first || i >= end)
            try_candidate(s, depth, c->items[i].fact);
    }
}

/* ---- candidates ---- */

static void collect(struct search *s, uint32_t v, uint32_t scope)
{
    const struct orr_engine *engine = s->why->setup.engine;
    struct candidates *c = &s->order[v];
    uint32_t type = s->rule->match[v].fact;
    uint32_t all = orr_engine_facts(engine, type);
    c->variable = v;
    c->items = orr_alloc((size_t)all + 1, sizeof *c->items);
    for (uint32_t i = 0; i < all; i++) {
        if (orr_engine_scope_of(engine, type, i) != scope)
            continue;
        bind(s, v, i);
        if (orri_demands_hold(s->why, s->demands, 1U << v, s->slots))
            c->items[c->n++].fact = i;
    }
}

/* Is it VARIABLE.field == an expression over what is bound before? */
static bool find_key(struct candidates *c, const struct orr_expr *expr, uint32_t before)
{
    struct orr_expr *sides[2] = { NULL, NULL };
    uint32_t slot = 0;
    if (!orr_expr_equality(expr, &sides[0], &sides[1]) ||
        orr_expr_type(sides[0])->kind != orr_expr_type(sides[1])->kind)
        return false;
    for (int k = 0; k < 2; k++)
        if (orr_expr_field_of(sides[k], &slot, &c->fields[c->n_keys]) &&
            slot == c->variable && !(orr_expr_slots(sides[1 - k]) & ~before)) {
            c->values[c->n_keys] = sides[1 - k];
            return true;
        }
    return false;
}

static int by_hash(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->fact < y->fact ? -1 : x->fact > y->fact;
}

/* The order is settled: find what each variable can be looked up by. */
static void index_candidates(struct search *s, uint32_t depth)
{
    struct candidates *c = &s->order[depth];
    for (uint32_t i = 0; i < s->rule->n_where && c->n_keys < ORR_SLOTS_MAX; i++)
        c->n_keys += find_key(c, s->rule->where[i], bound_at(s, depth));
    uint32_t type = s->rule->match[c->variable].fact;
    for (uint32_t i = 0; i < c->n; i++)
        for (uint32_t k = 0; k < c->n_keys; k++)
            c->items[i].hash =
                orr_value_hash(orr_engine_fact_field(s->why->setup.engine, type,
                                                     c->items[i].fact, c->fields[k]),
                               c->items[i].hash);
    if (c->n)
        qsort(c->items, c->n, sizeof *c->items, by_hash);
}

static int by_number(const void *a, const void *b)
{
    const struct candidates *x = a;
    const struct candidates *y = b;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->variable < y->variable ? -1 : x->variable > y->variable;
}

/* The demands that say what one field of a variable has to be. */
static uint32_t fields_of(const struct orri_demands *demands, uint32_t v,
                          struct orr_why_field *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < demands->n; i++) {
        uint32_t slot = 0;
        if (orr_expr_field_of(demands->items[i].expr, &slot, &out[n].field) &&
            slot == v)
            out[n++].value = demands->items[i].value;
    }
    return n;
}

/* Variables that no fact can stand for: those are missing themselves. */
static bool tell_empty(struct search *s, struct orr_why_node *node, uint32_t scope,
                       uint32_t depth)
{
    bool any = false;
    for (uint32_t i = 0; i < s->rule->n_match; i++) {
        uint32_t v = s->order[i].variable;
        if (s->order[i].n)
            continue;
        struct orr_why_field *fields =
            orr_arena_alloc(&s->why->arena, ORR_SLOTS_MAX * sizeof *fields);
        struct orri_ask ask = { .type = s->rule->match[v].fact,
                                .scope = scope,
                                .fields = fields };
        ask.n_fields = fields_of(s->demands, v, fields);
        orri_tell_missing(s->why, node, &ask, depth);
        any = true;
    }
    return any;
}

/* ---- telling ---- */

/* Fields of the last variable that its conditions compare for equality with what is
 * bound: together with the demands on it, a fact that is missing. */
static uint32_t wanted_fields(struct search *s, uint32_t v, struct orr_why_field *out)
{
    uint32_t n = fields_of(s->demands, v, out);
    for (uint32_t i = 0; i < s->rule->n_where && n < ORR_SLOTS_MAX; i++) {
        struct orr_expr *sides[2] = { NULL, NULL };
        uint32_t slot = 0;
        if (!orr_expr_equality(s->rule->where[i], &sides[0], &sides[1]) ||
            (orr_expr_slots(s->rule->where[i]) & ~bound_at(s, s->best.depth)))
            continue;
        for (int k = 0; k < 2; k++)
            if (orr_expr_field_of(sides[k], &slot, &out[n].field) && slot == v &&
                !(orr_expr_slots(sides[1 - k]) >> v & 1) &&
                orr_expr_eval(sides[1 - k], s->slots, &s->why->arena, &out[n].value,
                              NULL) == ORR_OK) {
                n++;
                break;
            }
    }
    return n;
}

static void tell_conditions(struct search *s, struct orr_why_node *node, uint32_t last)
{
    uint32_t bound = bound_at(s, s->best.depth);
    for (uint32_t i = 0; i < s->rule->n_where; i++) {
        const struct orr_expr *expr = s->rule->where[i];
        if (!(orr_expr_slots(expr) & ~bound) && orr_expr_slots(expr) >> last & 1 &&
            !orri_why_true(s->why, expr, s->slots))
            (void)orri_why_add(s->why, node, ORR_WHY_REASON, "%s",
                               orri_condition_text(s->why, s->rule, expr, s->slots));
    }
}

/* Is the condition that fails an equality that no fact meets at all? Then that fact is
 * what is missing. */
static void tell_wanted(struct search *s, struct orr_why_node *node, uint32_t last,
                        uint32_t scope, uint32_t depth)
{
    const struct orr_engine *engine = s->why->setup.engine;
    struct orr_why_field *fields =
        orr_arena_alloc(&s->why->arena, (ORR_SLOTS_MAX + 1) * sizeof *fields);
    struct orri_ask ask = { .type = s->rule->match[last].fact,
                            .scope = scope,
                            .fields = fields };
    ask.n_fields = wanted_fields(s, last, fields);
    for (uint32_t i = 0; i < orr_engine_facts(engine, ask.type); i++)
        if (orr_engine_scope_of(engine, ask.type, i) == scope &&
            orri_meets(s->why, &ask, i, NULL))
            return;
    orri_tell_missing(s->why, node, &ask, depth);
}

static void tell_best(struct search *s, struct orr_why_node *node, uint32_t scope,
                      uint32_t depth)
{
    uint32_t last = s->order[s->best.depth - 1].variable;
    struct orr_text text = ORR_TEXT_INIT;
    for (uint32_t v = 0; v < s->rule->n_match; v++) {
        if (s->best.facts[v] == ORR_NONE)
            continue;
        bind(s, v, s->best.facts[v]);
        orr_text_printf(
            &text, "%s%s = %s", text.length ? ", " : "", s->rule->match[v].name,
            orri_fact_text(s->why, s->rule->match[v].fact, s->best.facts[v]));
    }
    struct orr_why_node *near =
        orri_why_add(s->why, node, ORR_WHY_NEAREST, "its nearest match: %s", text.s);
    orr_text_release(&text);
    tell_conditions(s, near, last);
    tell_wanted(s, near, last, scope, depth);
}

/* Has the rule fired for facts of the scope that meet the demands? */
static bool has_fired(struct search *s, uint32_t scope)
{
    const struct orr_engine *engine = s->why->setup.engine;
    uint32_t rule = (uint32_t)(s->rule - s->why->setup.graph->rules);
    for (uint32_t f = orr_engine_next_firing(engine, ORR_NONE); f != ORR_NONE;
         f = orr_engine_next_firing(engine, f)) {
        struct orr_engine_firing firing = orr_engine_firing(engine, f);
        if (firing.rule != rule || firing.scope != scope)
            continue;
        orri_why_bind(s->why, rule, firing.match, s->slots);
        if (orri_demands_hold(s->why, s->demands, UINT32_MAX, s->slots))
            return true;
    }
    return false;
}

static void tell_found(struct search *s, struct orr_why_node *node, uint32_t scope,
                       uint32_t depth)
{
    if (s->steps >= ORRI_WHY_STEPS)
        (void)orri_why_add(s->why, node, ORR_WHY_NOTE,
                           "not all combinations were tried: more than %d steps",
                           ORRI_WHY_STEPS);
    if (s->complete && !has_fired(s, scope))
        (void)orri_why_add(s->why, node, ORR_WHY_REASON,
                           "its conditions hold, but it did not come to fire: the "
                           "request had failed, or there is more to do first");
    else if (s->best.depth)
        tell_best(s, node, scope, depth);
    else if (s->complete)
        (void)orri_why_add(s->why, node, ORR_WHY_REASON,
                           "it fired for every combination of facts that there is");
    else
        (void)orri_why_add(s->why, node, ORR_WHY_REASON,
                           "no combination of facts gives the values asked for");
}

void orri_tell_nearest(struct orr_why *why, struct orr_why_node *node, uint32_t rule,
                       uint32_t scope, const struct orri_demands *demands,
                       uint32_t depth)
{
    struct search *s = orr_alloc(1, sizeof *s);
    s->why = why;
    s->rule = &why->setup.graph->rules[rule];
    s->demands = demands;
    for (uint32_t v = 0; v < s->rule->n_match; v++)
        collect(s, v, scope);
    qsort(s->order, s->rule->n_match, sizeof *s->order, by_number);
    for (uint32_t i = 0; i < s->rule->n_match; i++)
        index_candidates(s, i);
    if (!tell_empty(s, node, scope, depth)) {
        search_from(s, 0);
        tell_found(s, node, scope, depth);
    }
    for (uint32_t v = 0; v < s->rule->n_match; v++) {
        free(s->order[v].items);
        orr_arena_release(&s->bound[v]);
    }
    free(s);
}
