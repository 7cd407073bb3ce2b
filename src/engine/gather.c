/* gather.c - rules that wait until exactly `count` facts are there
 * An instance is one match of the rule's variables with the facts gathered so far; it
 * is found from a new fact through the equalities of the gather's `where`.
 * Owns: instances. Hands on: complete ones (react.c). */
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
    struct orri_table *table = &engine->tables[gather->fact];
    table->gathers =
        orr_realloc(table->gathers, table->n_gathers + 1, sizeof *table->gathers);
    table->gathers[table->n_gathers++] = rule_index;
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
        struct orr_error err;
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
        const struct orr_record *record = orri_record(
            &engine->tables[gather->fact], instance->members[i], &engine->firing);
        members[i] = (struct member) { orr_null(), record };
        engine->slots[gather->candidate_slot] = orr_value_of_record(record);
        struct orr_error err;
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

bool orri_gather_bind(struct orr_engine *engine, uint32_t at)
{
    const struct orri_instance *instance = &engine->instances[at];
    const struct orr_gather *gather = &engine->graph->rules[instance->rule].gather;
    orri_bind(engine, instance->rule, instance->match);
    struct member *members =
        orr_arena_alloc(&engine->firing, (instance->n + 1) * sizeof *members);
    if (!ordered_members(engine, instance, members))
        return false;
    engine->slots[gather->slot] = lists_of(engine, instance, members);
    return true;
}

static void fire(struct orr_engine *engine, uint32_t at)
{
    struct orri_instance *instance = &engine->instances[at];
    if (orri_gather_bind(engine, at))
        orri_fire(engine, instance->rule, instance->request, instance->match, at);
    orr_arena_reset(&engine->firing);
}

enum { MEMBERS_SHOWN = 3 };

static void too_many(struct orr_engine *engine, const struct orri_instance *instance,
                     uint32_t fact)
{
    const struct orr_rule *rule = &engine->graph->rules[instance->rule];
    struct orr_text text = ORR_TEXT_INIT;
    for (size_t i = 0; i < instance->n && i < MEMBERS_SHOWN; i++) {
        orr_text_puts(&text, i ? ", " : "");
        orri_brief_fact(engine, rule->gather.fact, instance->members[i], &text);
    }
    orr_text_puts(&text, instance->n > MEMBERS_SHOWN ? ", ..." : "");
    orr_text_puts(&text, instance->n ? " and now " : "");
    orri_brief_fact(engine, rule->gather.fact, fact, &text);
    orri_request_fail(engine, instance->request,
                      "%s:%" PRIu32 ":%" PRIu32 ": rule '%s' gathers more than "
                      "%" PRId64 " facts '%s': %s",
                      rule->at.file ? rule->at.file : "workflow", rule->at.line,
                      rule->at.column, rule->name, instance->count,
                      engine->graph->facts[rule->gather.fact].name, text.s);
    orr_text_release(&text);
}

static void add_member(struct orr_engine *engine, uint32_t at, uint32_t fact)
{
    struct orri_instance *instance = &engine->instances[at];
    if ((int64_t)instance->n == instance->count) {
        too_many(engine, instance, fact);
        return;
    }
    instance->members = orr_grow(instance->members, instance->n, &instance->cap,
                                 sizeof *instance->members);
    instance->members[instance->n++] = fact;
    if ((int64_t)instance->n == instance->count)
        fire(engine, at);
}

/* The fact agrees with the keys of the instance; is it one of its members? */
static void consider(struct orr_engine *engine, uint32_t at, uint32_t fact)
{
    const struct orri_instance *instance = &engine->instances[at];
    const struct orri_gather_plan *plan = &engine->gathers[instance->rule];
    const struct orr_gather *gather = &engine->graph->rules[instance->rule].gather;
    engine->work.offers++;
    if (plan->n_filters) {
        orri_bind(engine, instance->rule, instance->match);
        orri_bind_fact(engine, gather->candidate_slot, gather->fact, fact);
        if (!filters_hold(engine, instance))
            return;
    }
    add_member(engine, at, fact);
}

/* ---- opening ---- */

static bool evaluate_opening(struct orr_engine *engine, struct orri_instance *instance)
{
    const struct orr_gather *gather = &engine->graph->rules[instance->rule].gather;
    const struct orri_gather_plan *plan = &engine->gathers[instance->rule];
    uint32_t n = engine->tables[gather->fact].indexes[plan->index].n_fields;
    struct orr_error err;
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

static uint32_t add_instance(struct orr_engine *engine,
                             const struct orri_instance *fresh)
{
    struct orri_gather_plan *plan = &engine->gathers[fresh->rule];
    uint32_t type = engine->graph->rules[fresh->rule].gather.fact;
    uint32_t n = engine->tables[type].indexes[plan->index].n_fields;
    uint32_t at = (uint32_t)engine->n_instances;
    engine->instances = orr_grow(engine->instances, at, &engine->cap_instances,
                                 sizeof *engine->instances);
    engine->instances[engine->n_instances++] = *fresh;
    orr_hashes_add(&plan->instances, orri_key_hash(fresh->request, fresh->keys, n), at);
    return at;
}

void orri_gather_open(struct orr_engine *engine, uint32_t rule, uint32_t request,
                      const uint32_t *match)
{
    const struct orr_rule *r = &engine->graph->rules[rule];
    const struct orri_gather_plan *plan = &engine->gathers[rule];
    struct orri_instance fresh = { .rule = rule,
                                   .request = request,
                                   .firing = ORR_NONE };
    fresh.match = orr_arena_alloc(&engine->arena, (r->n_match + 1) * sizeof *match);
    memcpy(fresh.match, match, r->n_match * sizeof *match);
    if (!evaluate_opening(engine, &fresh))
        return;
    uint32_t at = add_instance(engine, &fresh);
    if (fresh.count == 0)
        fire(engine, at);
    const struct orri_table *table = &engine->tables[r->gather.fact];
    uint32_t last =
        orri_index_last(engine, r->gather.fact, plan->index, request, fresh.keys);
    for (uint32_t fact = last; fact != ORR_NONE;) {
        fact = orri_fact(table, fact)->next[plan->index];
        consider(engine, at, fact);
        if (fact == last)
            break;
    }
    orri_bind(engine, rule, match); /* the join goes on with its slots */
}

/* The instances of one rule whose keys the fact has. */
static void offer_to(struct orr_engine *engine, uint32_t rule, uint32_t fact)
{
    const struct orri_gather_plan *plan = &engine->gathers[rule];
    const struct orri_table *table =
        &engine->tables[engine->graph->rules[rule].gather.fact];
    const struct orri_index *index = &table->indexes[plan->index];
    uint32_t request = orri_fact(table, fact)->request;
    struct orr_probe probe =
        orr_probe_of(&plan->instances, orri_key_hash_of(table, index, fact));
    uint32_t at = 0;
    while (orr_probe_next(&plan->instances, &probe, &at))
        if (engine->instances[at].request == request &&
            orri_index_agrees(table, index, fact, engine->instances[at].keys))
            consider(engine, at, fact);
}

void orri_gather_offer(struct orr_engine *engine, uint32_t type, uint32_t fact)
{
    const struct orri_table *table = &engine->tables[type];
    for (uint32_t i = 0; i < table->n_gathers; i++)
        offer_to(engine, table->gathers[i], fact);
}

uint32_t orr_engine_gathers(const struct orr_engine *engine)
{
    return (uint32_t)engine->n_instances;
}

struct orr_engine_gather orr_engine_gather(const struct orr_engine *engine, uint32_t at)
{
    const struct orri_instance *instance = &engine->instances[at];
    return (struct orr_engine_gather) {
        .rule = instance->rule,
        .request = engine->requests[instance->request].request,
        .scope = instance->request,
        .match = instance->match,
        .n_match = engine->graph->rules[instance->rule].n_match,
        .members = instance->members,
        .n = instance->n,
        .count = instance->count,
        .firing = instance->firing,
        .equal =
            orri_equal_facts(engine, engine->graph->rules[instance->rule].gather.fact,
                             instance->request),
    };
}
