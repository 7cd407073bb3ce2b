/* gather.c - rules that wait until exactly `count` facts are there
 * An instance is one match of the rule's variables with the facts gathered so far; it
 * is found from a new fact through the equalities of the gather's `where`.
 * Owns: instances. Hands on: complete ones (fire.c). */
#include "engine/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void orri_plan_gather(struct orr_engine *engine, uint32_t rule_index)
{
    const struct orr_gather *gather = &engine->graph->rules[rule_index].gather;
    struct orri_gather_plan *plan = &engine->gathers[rule_index];
    struct orri_split split = { .used = orr_arena_alloc(&engine->scratch,
                                                        gather->n_where + 1) };
    orri_split_equalities(gather->where, gather->n_where, gather->candidate_slot,
                          ~(1U << gather->candidate_slot), &split);
    plan->index = orri_index_for(engine, gather->fact, split.fields, split.n);
    plan->keys = orr_arena_alloc(&engine->arena, (split.n + 1) * sizeof *plan->keys);
    memcpy(plan->keys, split.keys, split.n * sizeof *plan->keys);
    plan->filters =
        orr_arena_alloc(&engine->arena, (gather->n_where + 1) * sizeof *plan->filters);
    for (uint32_t i = 0; i < gather->n_where; i++)
        if (!split.used[i])
            plan->filters[plan->n_filters++] = gather->where[i];
    orr_arena_reset(&engine->scratch);
}

static void fail(struct orr_engine *engine, const struct orri_instance *instance,
                 const struct orr_error *err)
{
    orri_request_fail_at(engine, instance->request, err,
                         engine->graph->rules[instance->rule].name);
}

static bool filters_hold(struct orr_engine *engine,
                         const struct orri_instance *instance)
{
    const struct orri_gather_plan *plan = &engine->gathers[instance->rule];
    for (uint32_t i = 0; i < plan->n_filters; i++) {
        struct orr_value v;
        struct orr_error err = { 0 };
        if (orr_expr_eval(plan->filters[i], engine->slots, &engine->firing, &v, &err) !=
            ORR_OK) {
            fail(engine, instance, &err);
            return false;
        }
        if (!v.as.b)
            return false;
    }
    return true;
}

/* ---- firing a complete instance ---- */

struct member {
    struct orr_value order;
    const struct orr_record *record;
};

static int by_order(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;
    int order = orr_value_compare(a->order, b->order);
    return order ? order
                 : orr_value_compare(orr_value_of_record(a->record),
                                     orr_value_of_record(b->record));
}

static bool ordered_members(struct orr_engine *engine,
                            const struct orri_instance *instance,
                            struct member *members)
{
    const struct orr_gather *gather = &engine->graph->rules[instance->rule].gather;
    for (size_t i = 0; i < instance->n; i++) {
        const struct orri_fact *fact =
            &engine->tables[gather->fact].facts[instance->members[i]];
        members[i] = (struct member) { orr_null(), fact->record };
        engine->slots[gather->candidate_slot] = orr_value_of_record(fact->record);
        struct orr_error err = { 0 };
        if (gather->order &&
            orr_expr_eval(gather->order, engine->slots, &engine->firing,
                          &members[i].order, &err) != ORR_OK) {
            fail(engine, instance, &err);
            return false;
        }
    }
    if (instance->n)
        qsort(members, instance->n, sizeof *members, by_order);
    return true;
}

/* The gather variable: a record whose fields are lists, one item per member. */
static struct orr_value lists_of(struct orr_engine *engine,
                                 const struct orri_instance *instance,
                                 const struct member *members)
{
    const struct orr_record_type *type =
        engine->graph->rules[instance->rule].gather.lists;
    struct orr_record *record = orr_record_new(&engine->firing, type);
    for (uint32_t f = 0; f < type->n_fields; f++) {
        struct orr_list *list = orr_list_new(&engine->firing, (uint32_t)instance->n);
        for (size_t i = 0; i < instance->n; i++)
            list->items[i] = members[i].record->fields[f];
        record->fields[f] = orr_value_of_list(list);
    }
    return orr_value_of_record(record);
}

static void fire(struct orr_engine *engine, size_t at)
{
    struct orri_instance *instance = &engine->instances[at];
    instance->fired = true;
    orri_bind(engine, instance->rule, instance->match, orr_null());
    struct member *members =
        orr_arena_alloc(&engine->firing, (instance->n + 1) * sizeof *members);
    if (ordered_members(engine, instance, members))
        orri_fire(engine, instance->rule, instance->request, instance->match,
                  lists_of(engine, instance, members));
    orr_arena_reset(&engine->firing);
}

static void add_member(struct orr_engine *engine, size_t at, uint32_t fact)
{
    struct orri_instance *instance = &engine->instances[at];
    const struct orr_rule *rule = &engine->graph->rules[instance->rule];
    if ((int64_t)instance->n == instance->count) {
        orri_request_fail(engine, instance->request,
                          "rule '%s' gathers more than %" PRId64 " facts '%s'",
                          rule->name, instance->count,
                          engine->graph->facts[rule->gather.fact].name);
        return;
    }
    instance->members = orr_grow(instance->members, instance->n, &instance->cap,
                                 sizeof *instance->members);
    instance->members[instance->n++] = fact;
    if ((int64_t)instance->n == instance->count)
        fire(engine, at);
}

/* The match of the instance is in the slots; is this fact one of its members? */
static void consider(struct orr_engine *engine, size_t at, uint32_t fact)
{
    const struct orri_instance *instance = &engine->instances[at];
    const struct orr_gather *gather = &engine->graph->rules[instance->rule].gather;
    const struct orri_table *table = &engine->tables[gather->fact];
    const struct orri_index *index =
        &table->indexes[engine->gathers[instance->rule].index];
    const struct orr_record *record = table->facts[fact].record;
    if (table->facts[fact].request != instance->request ||
        !orri_index_agrees(index, record, instance->keys))
        return;
    engine->slots[gather->candidate_slot] = orr_value_of_record(record);
    if (filters_hold(engine, instance))
        add_member(engine, at, fact);
}

/* ---- opening ---- */

static bool evaluate_opening(struct orr_engine *engine, struct orri_instance *instance)
{
    const struct orr_gather *gather = &engine->graph->rules[instance->rule].gather;
    const struct orri_gather_plan *plan = &engine->gathers[instance->rule];
    uint32_t n = engine->tables[gather->fact].indexes[plan->index].n_fields;
    struct orr_error err = { 0 };
    struct orr_value v;
    instance->keys = orr_arena_alloc(&engine->arena, (n + 1) * sizeof *instance->keys);
    for (uint32_t i = 0; i < n; i++) {
        if (orr_expr_eval(plan->keys[i], engine->slots, &engine->scratch, &v, &err) !=
            ORR_OK)
            goto failed;
        instance->keys[i] = orr_value_copy(v, &engine->arena);
    }
    if (orr_expr_eval(gather->count, engine->slots, &engine->scratch, &v, &err) !=
        ORR_OK)
        goto failed;
    instance->count = v.as.i;
    if (instance->count >= 0)
        return true;
    (void)orr_error_set(&err, ORR_ERR_FAILED, gather->at, "gather count is %" PRId64,
                        instance->count);
failed:
    fail(engine, instance, &err);
    return false;
}

void orri_gather_open(struct orr_engine *engine, uint32_t rule, uint32_t request,
                      const uint32_t *match)
{
    const struct orr_rule *r = &engine->graph->rules[rule];
    struct orri_gather_plan *plan = &engine->gathers[rule];
    struct orri_instance fresh = { .rule = rule, .request = request };
    fresh.match = orr_arena_alloc(&engine->arena, (r->n_match + 1) * sizeof *match);
    memcpy(fresh.match, match, r->n_match * sizeof *match);
    if (!evaluate_opening(engine, &fresh))
        return;
    uint32_t n = engine->tables[r->gather.fact].indexes[plan->index].n_fields;
    bool first = false;
    uint64_t *chain =
        orr_map_insert(&plan->instances, orri_key_hash(request, fresh.keys, n), &first);
    fresh.next = (uint32_t)*chain;
    size_t at = engine->n_instances;
    *chain = at + 1;
    engine->instances = orr_grow(engine->instances, at, &engine->cap_instances,
                                 sizeof *engine->instances);
    engine->instances[engine->n_instances++] = fresh;
    if (fresh.count == 0)
        fire(engine, at);
    uint32_t fact =
        orri_index_first(engine, r->gather.fact, plan->index, request, fresh.keys);
    while (fact) {
        uint32_t following =
            engine->tables[r->gather.fact].indexes[plan->index].next[fact - 1];
        orri_bind(engine, rule, match, orr_null());
        consider(engine, at, fact - 1);
        fact = following;
    }
    orri_bind(engine, rule, match, orr_null()); /* the join goes on with its slots */
}

void orri_gather_offer(struct orr_engine *engine, uint32_t type, uint32_t fact)
{
    const struct orri_table *table = &engine->tables[type];
    for (uint32_t r = 0; r < engine->graph->n_rules; r++) {
        const struct orr_gather *gather = &engine->graph->rules[r].gather;
        if (!gather->name || gather->fact != type)
            continue;
        const struct orri_gather_plan *plan = &engine->gathers[r];
        const struct orri_fact *entry = &table->facts[fact];
        uint64_t hash = orri_key_hash_of(entry->request, &table->indexes[plan->index],
                                         entry->record);
        const uint64_t *chain = orr_map_find(&plan->instances, hash);
        for (uint32_t at = chain ? (uint32_t)*chain : 0; at;
             at = engine->instances[at - 1].next) {
            orri_bind(engine, r, engine->instances[at - 1].match, orr_null());
            consider(engine, at - 1, fact);
        }
    }
}
