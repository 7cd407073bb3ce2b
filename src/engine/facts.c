/* facts.c - working memory: typed tables of facts, a set each, with indexes
 * Owns: fact tables and their indexes.
 * Hands on: what new facts start (join.c, gather.c). */
#include "engine/internal.h"

#include <string.h>

static uint64_t content_hash(uint32_t request, const struct orr_record *record)
{
    return orr_value_hash(orr_value_of_record(record), request + 1);
}

static bool same_content(const struct orr_record *a, const struct orr_record *b)
{
    return orr_value_equal(orr_value_of_record(a), orr_value_of_record(b));
}

/* The fact that is already there + 1, or 0; *chain is where a new one is linked. */
static uint32_t find_equal(const struct orri_table *table, uint32_t request,
                           const struct orr_record *record, uint64_t first)
{
    for (uint32_t at = (uint32_t)first; at; at = table->twins[at - 1]) {
        const struct orri_fact *fact = &table->facts[at - 1];
        if (fact->request == request && same_content(fact->record, record))
            return at;
    }
    return 0;
}

static uint64_t key_hash(const struct orr_fact_type *type, uint32_t request,
                         const struct orr_record *record)
{
    uint64_t hash = request + 1;
    for (uint32_t i = 0; i < type->n_key; i++)
        hash = orr_value_hash(record->fields[type->key[i]], hash);
    return hash;
}

static bool same_key(const struct orr_fact_type *type, const struct orr_record *a,
                     const struct orr_record *b)
{
    for (uint32_t i = 0; i < type->n_key; i++)
        if (!orr_value_equal(a->fields[type->key[i]], b->fields[type->key[i]]))
            return false;
    return true;
}

static const char *maker(const struct orr_engine *engine, uint32_t rule)
{
    return rule == ORR_NONE ? "the job" : engine->graph->rules[rule].name;
}

/* Two different facts with one key: an error of the workflow. */
static void check_key(struct orr_engine *engine, uint32_t type_index, uint32_t request,
                      const struct orr_record *record, uint32_t fact, uint32_t made_by)
{
    const struct orr_fact_type *type = &engine->graph->facts[type_index];
    struct orri_table *table = &engine->tables[type_index];
    if (type->n_key == 0)
        return;
    bool fresh = false;
    uint64_t *slot =
        orr_map_insert(&table->keys, key_hash(type, request, record), &fresh);
    if (fresh) {
        *slot = fact + 1;
        return;
    }
    const struct orri_fact *other = &table->facts[*slot - 1];
    if (other->request != request || !same_key(type, other->record, record))
        return;
    struct orr_text a = ORR_TEXT_INIT;
    struct orr_text b = ORR_TEXT_INIT;
    orr_value_print(orr_value_of_record(other->record), &a);
    orr_value_print(orr_value_of_record(record), &b);
    orri_request_fail(engine, request,
                      "two different facts '%s' with one key: %s from rule '%s', "
                      "%s from rule '%s'",
                      type->name, a.s, maker(engine, other->made_by), b.s,
                      maker(engine, made_by));
    orr_text_release(&a);
    orr_text_release(&b);
}

static void push_queue(struct orr_engine *engine, uint32_t type, uint32_t index)
{
    engine->queue = orr_grow(engine->queue, engine->n_queue, &engine->cap_queue,
                             sizeof *engine->queue);
    engine->queue[engine->n_queue++] = (struct orri_queued) { type, index };
}

void orri_fact_assert(struct orr_engine *engine, uint32_t type, uint32_t request,
                      const struct orr_record *record, uint32_t made_by)
{
    struct orri_table *table = &engine->tables[type];
    bool fresh = false;
    uint64_t *slot = orr_map_insert(&table->set, content_hash(request, record), &fresh);
    if (!fresh && find_equal(table, request, record, *slot))
        return;
    struct orr_value kept = orr_value_copy(orr_value_of_record(record), &engine->arena);
    uint32_t index = (uint32_t)table->n;
    table->facts = orr_grow(table->facts, table->n, &table->cap, sizeof *table->facts);
    table->twins =
        orr_grow(table->twins, table->n, &table->cap_twins, sizeof *table->twins);
    table->twins[index] = (uint32_t)*slot;
    table->facts[table->n++] =
        (struct orri_fact) { kept.as.record, request, made_by, 0 };
    *slot = index + 1;
    check_key(engine, type, request, record, index, made_by);
    push_queue(engine, type, index);
}

uint64_t orri_key_hash(uint32_t request, const struct orr_value *keys, uint32_t n)
{
    uint64_t hash = request + 1;
    for (uint32_t i = 0; i < n; i++)
        hash = orr_value_hash(keys[i], hash);
    return hash;
}

uint64_t orri_key_hash_of(uint32_t request, const struct orri_index *index,
                          const struct orr_record *record)
{
    uint64_t hash = request + 1;
    for (uint32_t i = 0; i < index->n_fields; i++)
        hash = orr_value_hash(record->fields[index->fields[i]], hash);
    return hash;
}

bool orri_index_agrees(const struct orri_index *index, const struct orr_record *record,
                       const struct orr_value *keys)
{
    for (uint32_t i = 0; i < index->n_fields; i++)
        if (!orr_value_equal(record->fields[index->fields[i]], keys[i]))
            return false;
    return true;
}

uint32_t orri_index_for(struct orr_engine *engine, uint32_t type,
                        const uint32_t *fields, uint32_t n)
{
    struct orri_table *table = &engine->tables[type];
    for (uint32_t i = 0; i < table->n_indexes; i++)
        if (table->indexes[i].n_fields == n &&
            (n == 0 ||
             memcmp(table->indexes[i].fields, fields, n * sizeof *fields) == 0))
            return i;
    struct orri_index index = { .n_fields = n };
    index.fields = orr_arena_alloc(&engine->arena, (n ? n : 1) * sizeof *fields);
    if (n)
        memcpy(index.fields, fields, n * sizeof *fields);
    table->indexes =
        orr_realloc(table->indexes, table->n_indexes + 1, sizeof *table->indexes);
    table->indexes[table->n_indexes] = index;
    return table->n_indexes++;
}

static void index_add(struct orri_index *index, const struct orri_fact *fact,
                      uint32_t at)
{
    if (at >= index->cap) {
        size_t cap = index->cap ? index->cap : 16;
        while (cap <= at)
            cap *= 2;
        index->next = orr_realloc(index->next, cap, sizeof *index->next);
        index->cap = cap;
    }
    index->next[at] = 0;
    bool fresh = false;
    uint64_t *chain = orr_map_insert(
        &index->chains, orri_key_hash_of(fact->request, index, fact->record), &fresh);
    uint64_t tail = *chain >> 32;
    if (tail)
        index->next[tail - 1] = at + 1;
    uint64_t head = tail ? *chain & UINT32_MAX : (uint64_t)at + 1;
    *chain = head | (uint64_t)(at + 1) << 32;
}

void orri_fact_enter(struct orr_engine *engine, uint32_t type, uint32_t at)
{
    struct orri_table *table = &engine->tables[type];
    table->facts[at].seq = ++engine->seq;
    for (uint32_t i = 0; i < table->n_indexes; i++)
        index_add(&table->indexes[i], &table->facts[at], at);
}

uint32_t orri_index_first(const struct orr_engine *engine, uint32_t type, uint32_t at,
                          uint32_t request, const struct orr_value *keys)
{
    const struct orri_index *index = &engine->tables[type].indexes[at];
    const uint64_t *chain =
        orr_map_find(&index->chains, orri_key_hash(request, keys, index->n_fields));
    return chain ? (uint32_t)(*chain & UINT32_MAX) : 0;
}
