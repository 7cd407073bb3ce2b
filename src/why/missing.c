/* missing.c - why a fact is not there: the rules that could make it, one by one
 * Owns: which questions were answered already. Hands on: firings (firing.c), matches
 * that did not come about (near.c). */
#include "why/internal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

bool orri_makes(const struct orr_rule *rule, uint32_t type)
{
    for (uint32_t i = 0; i < rule->n_then; i++)
        if (rule->then[i].fact == type)
            return true;
    for (uint32_t i = 0; i < rule->n_handlers; i++)
        if (rule->handlers[i].kind == ORR_HANDLER_ASSERT &&
            rule->handlers[i].assertion.fact == type)
            return true;
    return false;
}

static bool where_holds(struct orr_why *why, const struct orr_expr *where,
                        uint32_t type, uint32_t index)
{
    struct orr_value slots[ORR_SLOTS_MAX] = { 0 };
    uint32_t n = why->setup.graph->facts[type].record->n_fields;
    for (uint32_t i = 0; i < n && i < ORR_SLOTS_MAX; i++)
        slots[i] = orr_engine_fact_field(why->setup.engine, type, index, i);
    return orri_why_true(why, where, slots);
}

bool orri_meets(struct orr_why *why, const struct orri_ask *ask, uint32_t index,
                uint32_t *met)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < ask->n_fields; i++)
        n += orr_value_equal(orr_engine_fact_field(why->setup.engine, ask->type, index,
                                                   ask->fields[i].field),
                             ask->fields[i].value);
    if (met)
        *met = n;
    return n == ask->n_fields &&
           (!ask->where || where_holds(why, ask->where, ask->type, index));
}

/* ---- the question ---- */

/* " with i = 3 in the call part(...)" */
static const char *conditions_text(struct orr_why *why, const struct orri_ask *ask)
{
    const struct orr_fact_type *type = &why->setup.graph->facts[ask->type];
    struct orr_text text = ORR_TEXT_INIT;
    for (uint32_t i = 0; i < ask->n_fields; i++)
        orr_text_printf(&text, "%s%s = %s", i ? ", " : " with ",
                        type->record->fields[ask->fields[i].field].name,
                        orri_value_text(why, ask->fields[i].value, 60));
    if (ask->where)
        orr_text_printf(&text, " where %s", orri_expr_text(why, ask->where));
    uint32_t task = orr_engine_scope_task(why->setup.engine, ask->scope);
    if (task != ORR_NONE) {
        orr_text_puts(&text, " in the call ");
        orr_why_print_task(why, task, &text);
    }
    const char *out = orr_arena_strdup(&why->arena, text.s ? text.s : "");
    orr_text_release(&text);
    return out;
}

static bool asked_before(struct orr_why *why, const struct orri_ask *ask)
{
    uint64_t hash = (uint64_t)ask->type << 32 | ask->scope;
    bool fresh = false;
    for (uint32_t i = 0; i < ask->n_fields; i++)
        hash = orr_value_hash(ask->fields[i].value, hash * 31 + ask->fields[i].field);
    (void)orr_map_insert(&why->missed, hash, &fresh);
    return !fresh;
}

/* How far the numbers among the fields are from those asked for. */
static double distance_of(struct orr_why *why, const struct orri_ask *ask,
                          uint32_t index)
{
    double sum = 0;
    for (uint32_t i = 0; i < ask->n_fields; i++) {
        struct orr_value has = orr_engine_fact_field(why->setup.engine, ask->type,
                                                     index, ask->fields[i].field);
        struct orr_value wanted = ask->fields[i].value;
        if (has.kind == ORR_KIND_INT && wanted.kind == ORR_KIND_INT)
            sum += fabs((double)has.as.i - (double)wanted.as.i);
        if (has.kind == ORR_KIND_FLOAT && wanted.kind == ORR_KIND_FLOAT)
            sum += fabs(has.as.f - wanted.as.f);
    }
    return sum;
}

/* The fact that has most of the fields, then that whose numbers are nearest. */
static void tell_nearest_fact(struct orr_why *why, struct orr_why_node *node,
                              const struct orri_ask *ask)
{
    const struct orr_engine *engine = why->setup.engine;
    uint32_t best = ORR_NONE;
    uint32_t most = 0;
    double least = 0;
    for (uint32_t i = 0; i < orr_engine_facts(engine, ask->type); i++) {
        uint32_t met = 0;
        if (orr_engine_scope_of(engine, ask->type, i) != ask->scope)
            continue;
        (void)orri_meets(why, ask, i, &met);
        double distance = distance_of(why, ask, i);
        if (best != ORR_NONE && (met < most || (met == most && distance >= least)))
            continue;
        best = i;
        most = met;
        least = distance;
    }
    if (best != ORR_NONE)
        (void)orri_why_add(why, node, ORR_WHY_NEAREST, "the nearest there is: %s",
                           orri_fact_text(why, ask->type, best));
}

/* ---- one rule ---- */

static uint32_t match_slots(const struct orr_rule *rule)
{
    return rule->n_match >= 32 ? UINT32_MAX : (1U << rule->n_match) - 1;
}

/* The demands on a match that an assertion makes of the fields asked for; false when
 * the assertion never gives one of them. */
static bool demands_of(struct orr_why *why, struct orr_why_node *node,
                       const struct orr_rule *rule, const struct orr_assertion *a,
                       const struct orri_ask *ask, struct orri_demands *out)
{
    const struct orr_record_type *type = why->setup.graph->facts[ask->type].record;
    out->n = 0;
    for (uint32_t i = 0; i < ask->n_fields && out->n < ORR_SLOTS_MAX; i++) {
        const struct orr_expr *part = NULL;
        struct orr_value v = orr_null();
        if (!orr_expr_record_part(a->record, ask->fields[i].field, &part) || !part)
            continue;
        if (orr_expr_slots(part) & ~match_slots(rule))
            continue;
        if (!orr_expr_slots(part)) {
            if (orr_expr_eval(part, NULL, &why->arena, &v, NULL) == ORR_OK &&
                !orr_value_equal(v, ask->fields[i].value)) {
                (void)orri_why_add(why, node, ORR_WHY_REASON, "it only makes %s = %s",
                                   type->fields[ask->fields[i].field].name,
                                   orri_value_text(why, v, 60));
                return false;
            }
            continue;
        }
        out->items[out->n++] = (struct orri_demand) { part, ask->fields[i].value };
    }
    return true;
}

/* What went wrong is told first, then what is not finished, then the rest. */
enum { WRONG, UNFINISHED, FINE, RANKS };

static int rank_of(const struct orr_why *why, const struct orr_engine_firing *firing)
{
    enum orr_task_state state =
        firing->task == ORR_NONE
            ? ORR_TASK_DONE
            : orr_engine_task_state(why->setup.engine, (orr_task_id) { firing->task });
    if (firing->handled || firing->moved || state == ORR_TASK_FAILED)
        return WRONG;
    return state == ORR_TASK_WAITING ? UNFINISHED : FINE;
}

/* Firings of the scope that meet the demands, of one rank; how many of all ranks. */
static uint64_t tell_ranked(struct orr_why *why, struct orr_why_node *node,
                            uint32_t rule, const struct orri_demands *demands,
                            const struct orri_ask *ask, uint32_t depth, int rank,
                            uint64_t *told)
{
    const struct orr_engine *engine = why->setup.engine;
    uint64_t n = 0;
    for (uint32_t f = orr_engine_next_firing(engine, ORR_NONE); f != ORR_NONE;
         f = orr_engine_next_firing(engine, f)) {
        struct orr_engine_firing firing = orr_engine_firing(engine, f);
        struct orr_value slots[ORR_SLOTS_MAX] = { 0 };
        if (firing.rule != rule || firing.scope != ask->scope)
            continue;
        orri_why_bind(why, rule, firing.match, slots);
        if (!orri_demands_hold(why, demands, UINT32_MAX, slots))
            continue;
        n++;
        if (rank_of(why, &firing) == rank && (*told)++ < why->setup.limit)
            orri_tell_firing(why, node, f, ask, depth);
    }
    return n;
}

static uint64_t tell_firings(struct orr_why *why, struct orr_why_node *node,
                             uint32_t rule, const struct orri_demands *demands,
                             const struct orri_ask *ask, uint32_t depth)
{
    uint64_t n = 0;
    uint64_t told = 0;
    for (int rank = WRONG; rank < RANKS; rank++)
        n = tell_ranked(why, node, rule, demands, ask, depth, rank, &told);
    if (n > why->setup.limit)
        (void)orri_why_add(why, node, ORR_WHY_NOTE, "and %" PRIu64 " more times",
                           n - why->setup.limit);
    return n;
}

/* ---- gatherings ---- */

enum { COUNTED_MAX = 4096 };

/* A whole number that tells the members apart and counts them, from 0 or 1: the first
 * value that none of them has. */
static bool first_gap(const struct orr_why *why, const struct orr_engine_gather *gather,
                      uint32_t type, uint32_t field, int64_t *out)
{
    bool seen[COUNTED_MAX + 1] = { false };
    if (gather->count > COUNTED_MAX || gather->n == 0)
        return false;
    for (uint64_t i = 0; i < gather->n; i++) {
        struct orr_value v =
            orr_engine_fact_field(why->setup.engine, type, gather->members[i], field);
        if (v.kind != ORR_KIND_INT || v.as.i < 0 || v.as.i > gather->count ||
            seen[v.as.i])
            return false;
        seen[v.as.i] = true;
    }
    int64_t from = seen[gather->count] ? 1 : 0;
    for (*out = from; *out < gather->count + from && seen[*out]; ++*out)
        continue;
    return true;
}

/* What a fact must have to be gathered: the equalities of `where`. */
static uint32_t gather_fields(struct orr_why *why, const struct orr_rule *rule,
                              const uint32_t *match, struct orr_why_field *out)
{
    struct orr_value slots[ORR_SLOTS_MAX] = { 0 };
    uint32_t n = 0;
    orri_why_bind(why, (uint32_t)(rule - why->setup.graph->rules), match, slots);
    for (uint32_t i = 0; i < rule->gather.n_where && n < ORR_SLOTS_MAX - 1; i++) {
        struct orr_expr *sides[2] = { NULL, NULL };
        uint32_t slot = 0;
        if (!orr_expr_equality(rule->gather.where[i], &sides[0], &sides[1]))
            continue;
        for (int s = 0; s < 2; s++)
            if (orr_expr_field_of(sides[s], &slot, &out[n].field) &&
                slot == rule->gather.candidate_slot &&
                !(orr_expr_slots(sides[1 - s]) >> slot & 1) &&
                orr_expr_eval(sides[1 - s], slots, &why->arena, &out[n].value, NULL) ==
                    ORR_OK) {
                n++;
                break;
            }
    }
    return n;
}

/* Some facts of the type are there, and nobody knows which is missing: what those who
 * make them failed at, or have not finished. */
static void tell_makers(struct orr_why *why, struct orr_why_node *node,
                        const struct orri_ask *ask, uint32_t depth)
{
    const struct orr_graph *graph = why->setup.graph;
    for (uint32_t r = 0; r < graph->n_rules; r++) {
        const struct orr_rule *rule = &graph->rules[r];
        struct orri_demands demands = { .n = 0 };
        uint64_t told = 0;
        if (!orri_makes(rule, ask->type) || rule->function == ORR_NONE)
            continue;
        struct orr_why_node *maker =
            orri_rule_node(why, node, r, "more could come of ");
        bool possible = false;
        for (uint32_t i = 0; i < rule->n_then && !possible; i++)
            possible = rule->then[i].fact == ask->type &&
                       demands_of(why, maker, rule, &rule->then[i], ask, &demands);
        for (int rank = WRONG; rank < FINE; rank++)
            (void)tell_ranked(why, maker, r, &demands, ask, depth, rank, &told);
        if (told == 0)
            (void)orri_why_add(why, maker, ORR_WHY_NOTE,
                               "all that it called so far is done");
    }
}

static void tell_gather(struct orr_why *why, struct orr_why_node *node,
                        const struct orr_engine_gather *gather, uint32_t depth)
{
    const struct orr_rule *rule = &why->setup.graph->rules[gather->rule];
    const struct orr_fact_type *type = &why->setup.graph->facts[rule->gather.fact];
    struct orr_why_field *fields =
        orr_arena_alloc(&why->arena, ORR_SLOTS_MAX * sizeof *fields);
    struct orri_ask ask = { .type = rule->gather.fact,
                            .scope = gather->scope,
                            .fields = fields };
    ask.n_fields = gather_fields(why, rule, gather->match, fields);
    struct orr_why_node *waits =
        orri_why_add(why, node, ORR_WHY_REASON,
                     "it has gathered %" PRIu64 " of %" PRId64 " facts '%s'%s",
                     gather->n, gather->count, type->name, conditions_text(why, &ask));
    if (gather->equal)
        (void)orri_why_add(why, waits, ORR_WHY_NOTE,
                           "%" PRIu64 " facts '%s' were equal to one there already: "
                           "equal facts count once; an index tells them apart "
                           "(for: i, x in ...)",
                           gather->equal, type->name);
    for (uint64_t i = 0; i < gather->n && i < why->setup.limit; i++)
        (void)orri_why_add(why, waits, ORR_WHY_NEAREST, "there is %s",
                           orri_fact_text(why, ask.type, gather->members[i]));
    if (gather->n > why->setup.limit)
        (void)orri_why_add(why, waits, ORR_WHY_NOTE, "and %" PRIu64 " more",
                           gather->n - why->setup.limit);
    for (uint32_t f = 0; f < type->record->n_fields; f++) {
        int64_t gap = 0;
        if (!first_gap(why, gather, ask.type, f, &gap))
            continue;
        fields[ask.n_fields++] = (struct orr_why_field) { f, orr_int(gap) };
        orri_tell_missing(why, waits, &ask, depth);
        return;
    }
    if (gather->n == 0)
        orri_tell_missing(why, waits, &ask, depth);
    else
        tell_makers(why, waits, &ask, depth);
}

/* Gatherings of the scope that are not complete; how many meet the demands. */
static uint64_t tell_gathers(struct orr_why *why, struct orr_why_node *node,
                             uint32_t rule, uint32_t scope,
                             const struct orri_demands *demands, uint32_t depth)
{
    const struct orr_engine *engine = why->setup.engine;
    uint64_t n = 0;
    for (uint32_t g = 0; g < orr_engine_gathers(engine); g++) {
        struct orr_engine_gather gather = orr_engine_gather(engine, g);
        struct orr_value slots[ORR_SLOTS_MAX] = { 0 };
        if (gather.rule != rule || gather.scope != scope || gather.firing != ORR_NONE)
            continue;
        orri_why_bind(why, rule, gather.match, slots);
        if (!orri_demands_hold(why, demands, UINT32_MAX, slots))
            continue;
        if (n++ < why->setup.limit)
            tell_gather(why, node, &gather, depth);
    }
    if (n > why->setup.limit)
        (void)orri_why_add(why, node, ORR_WHY_NOTE, "and %" PRIu64 " more gatherings",
                           n - why->setup.limit);
    return n;
}

static void tell_match(struct orr_why *why, struct orr_why_node *node, uint32_t rule,
                       uint32_t scope, const struct orri_demands *demands,
                       const struct orri_ask *ask, uint32_t depth)
{
    uint64_t fired = ask ? tell_firings(why, node, rule, demands, ask, depth) : 0;
    uint64_t waiting = tell_gathers(why, node, rule, scope, demands, depth);
    if (fired + waiting == 0)
        orri_tell_nearest(why, node, rule, scope, demands, depth);
}

void orri_tell_rule(struct orr_why *why, struct orr_why_node *node, uint32_t rule,
                    uint32_t scope, const struct orri_ask *ask, uint32_t depth)
{
    const struct orr_rule *r = &why->setup.graph->rules[rule];
    struct orri_demands demands = { .n = 0 };
    bool possible = !ask;
    for (uint32_t i = 0; ask && i < r->n_then && !possible; i++)
        possible = r->then[i].fact == ask->type &&
                   demands_of(why, node, r, &r->then[i], ask, &demands);
    for (uint32_t i = 0; ask && i < r->n_handlers && !possible; i++)
        possible = r->handlers[i].kind == ORR_HANDLER_ASSERT &&
                   r->handlers[i].assertion.fact == ask->type &&
                   demands_of(why, node, r, &r->handlers[i].assertion, ask, &demands);
    if (possible)
        tell_match(why, node, rule, scope, &demands, ask, depth);
}

void orri_tell_missing(struct orr_why *why, struct orr_why_node *parent,
                       const struct orri_ask *ask, uint32_t depth)
{
    const struct orr_graph *graph = why->setup.graph;
    uint32_t makers = 0;
    struct orr_why_node *node =
        orri_why_add(why, parent, ORR_WHY_MISSING, "there is no %s%s",
                     graph->facts[ask->type].name, conditions_text(why, ask));
    if (asked_before(why, ask)) {
        (void)orri_why_add(why, node, ORR_WHY_NOTE, "(told above)");
        return;
    }
    if (ask->n_fields || ask->where)
        tell_nearest_fact(why, node, ask);
    if (depth == 0) {
        (void)orri_why_add(why, node, ORR_WHY_NOTE, "(deeper: --depth)");
        return;
    }
    for (uint32_t r = 0; r < graph->n_rules; r++) {
        if (!orri_makes(&graph->rules[r], ask->type))
            continue;
        makers++;
        struct orr_why_node *rule = orri_rule_node(why, node, r, "could come of ");
        orri_tell_rule(why, rule, r, ask->scope, ask, depth - 1);
    }
    if (makers == 0 && ask->type != 0)
        (void)orri_why_add(why, node, ORR_WHY_REASON, "no rule makes facts '%s'",
                           graph->facts[ask->type].name);
}
