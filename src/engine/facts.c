/* facts.c - working memory: typed tables of facts, a set each, with indexes
 *
 * A fact is one row: request, firing, a link for each index, and the record as cells,
 * so that what a join looks at lies together. (docs/design/engine.md) Owns: fact tables
 * and their indexes. Hands on: what new facts start (join.c, gather.c). */
#include "engine/internal.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- the set ---- */

/* Of the key where the type has one: facts that differ may not share it. */
static uint64_t set_hash(const struct orr_fact_type *type, uint32_t request,
                         const struct orr_record *record)
{
    uint64_t hash = request + 1;
    if (type->n_key == 0)
        return orr_value_hash(orr_value_of_record(record), hash);
    for (uint32_t i = 0; i < type->n_key; i++)
        hash = orr_value_hash(record->fields[type->key[i]], hash);
    return hash;
}

static bool same_content(const struct orri_table *table, uint32_t fact,
                         const struct orr_record *record)
{
    for (uint32_t f = 0; f < record->type->n_fields; f++)
        if (!orr_value_equal(orri_field(table, fact, f), record->fields[f]))
            return false;
    return true;
}

static bool same_key(const struct orr_fact_type *type, const struct orri_table *table,
                     uint32_t fact, const struct orr_record *record)
{
    if (type->n_key == 0)
        return same_content(table, fact, record);
    for (uint32_t i = 0; i < type->n_key; i++)
        if (!orr_value_equal(orri_field(table, fact, type->key[i]),
                             record->fields[type->key[i]]))
            return false;
    return true;
}

/* The fact with that key, or content; ORR_NONE. */
static uint32_t find_twin(const struct orr_engine *engine, uint32_t type_index,
                          uint32_t request, const struct orr_record *record,
                          uint64_t hash)
{
    const struct orri_table *table = &engine->tables[type_index];
    const struct orr_fact_type *type = &engine->graph->facts[type_index];
    struct orr_probe probe = orr_probe_of(&table->set, hash);
    uint32_t at = 0;
    while (orr_probe_next(&table->set, &probe, &at))
        if (orri_fact(table, at)->request == request &&
            same_key(type, table, at, record))
            return at;
    return ORR_NONE;
}

static void put_maker(const struct orr_engine *engine, uint32_t firing,
                      struct orr_text *out)
{
    const struct orr_rule *rule =
        firing == ORR_NONE
            ? NULL
            : &engine->graph->rules[orri_firing_at(engine, firing)->rule];
    orr_text_puts(out, rule ? " from rule '" : " from the job");
    if (rule)
        orr_text_printf(out, "%s' (line %u)", rule->name, rule->at.line);
}

enum { BRIEF = 80 };

static void print_fact(const struct orri_table *table, uint32_t index,
                       struct orr_text *out)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    orr_value_print(orr_value_of_record(orri_record(table, index, &arena)), out);
    orr_arena_release(&arena);
}

void orri_brief_fact(const struct orr_engine *engine, uint32_t type, uint32_t index,
                     struct orr_text *out)
{
    const struct orr_fact_type *fact = &engine->graph->facts[type];
    const struct orri_table *table = &engine->tables[type];
    struct orr_text text = ORR_TEXT_INIT;
    if (fact->n_key == 0)
        print_fact(table, index, &text);
    for (uint32_t i = 0; i < fact->n_key; i++) {
        orr_text_printf(&text, "%s%s: ", i ? ", " : "{",
                        fact->record->fields[fact->key[i]].name);
        orr_value_print(orri_field(table, index, fact->key[i]), &text);
    }
    orr_text_puts(&text, fact->n_key ? "}" : "");
    size_t n = text.length;
    for (n = n > BRIEF ? BRIEF : n; n < text.length && n > 0; n--)
        if (((unsigned char)text.s[n] & 0xC0) != 0x80)
            break;
    orr_text_append(out, text.s, n);
    orr_text_puts(out, n < text.length ? "..." : "");
    orr_text_release(&text);
}

/* Two different facts with one key: an error of the workflow. */
static void refuse_key(struct orr_engine *engine, uint32_t type, uint32_t twin,
                       const struct orr_record *record, uint32_t firing)
{
    const struct orri_table *table = &engine->tables[type];
    const struct orri_fact *other = orri_fact(table, twin);
    struct orr_text a = ORR_TEXT_INIT;
    struct orr_text b = ORR_TEXT_INIT;
    print_fact(table, twin, &a);
    put_maker(engine, other->firing, &a);
    orr_value_print(orr_value_of_record(record), &b);
    put_maker(engine, firing, &b);
    orri_request_fail(engine, other->request,
                      "two different facts '%s' with one key: %s, %s",
                      engine->graph->facts[type].name, a.s, b.s);
    orr_text_release(&a);
    orr_text_release(&b);
}

static uint32_t has_words(const struct orr_engine *engine)
{
    return (engine->graph->n_facts + 31) / 32;
}

void orri_facts_of_request(struct orr_engine *engine, uint32_t request)
{
    size_t words = has_words(engine);
    size_t need = ((size_t)request + 1) * words;
    size_t old = engine->cap_has;
    if (need <= old)
        return;
    engine->cap_has = need > old * 2 ? need : old * 2;
    engine->has = orr_realloc(engine->has, engine->cap_has, sizeof *engine->has);
    memset(engine->has + old, 0, (engine->cap_has - old) * sizeof *engine->has);
}

bool orri_has_fact(const struct orr_engine *engine, uint32_t type, uint32_t request)
{
    const uint32_t *bits = engine->has + (size_t)request * has_words(engine);
    return bits[type / 32] >> type % 32 & 1;
}

/* ---- indexes ---- */

uint64_t orri_key_hash(uint32_t request, const struct orr_value *keys, uint32_t n)
{
    uint64_t hash = request + 1;
    for (uint32_t i = 0; i < n; i++)
        hash = orr_value_hash(keys[i], hash);
    return hash;
}

uint64_t orri_key_hash_of(const struct orri_table *table,
                          const struct orri_index *index, uint32_t fact)
{
    uint64_t hash = orri_fact(table, fact)->request + 1;
    for (uint32_t i = 0; i < index->n_fields; i++)
        hash = orr_value_hash(orri_field(table, fact, index->fields[i]), hash);
    return hash;
}

bool orri_index_agrees(const struct orri_table *table, const struct orri_index *index,
                       uint32_t fact, const struct orr_value *keys)
{
    for (uint32_t i = 0; i < index->n_fields; i++)
        if (!orr_value_equal(orri_field(table, fact, index->fields[i]), keys[i]))
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

static uint32_t more(uint32_t most, const struct orr_record_type *type)
{
    return type->n_fields > most ? type->n_fields : most;
}

void orri_lay_out(struct orr_engine *engine)
{
    const struct orr_graph *graph = engine->graph;
    uint32_t most = 0;
    for (uint32_t t = 0; t < graph->n_facts; t++) {
        struct orri_table *table = &engine->tables[t];
        size_t head = sizeof(struct orri_fact) + table->n_indexes * sizeof(uint32_t);
        table->layout = orri_layout_of(graph->facts[t].record);
        table->cells_at = (uint32_t)(head + 7) & ~7U;
        table->rows.size = table->cells_at + orri_layout_bytes(&table->layout);
        most = more(most, graph->facts[t].record);
    }
    engine->results = orr_arena_alloc(&engine->arena, (graph->n_functions + 1) *
                                                          sizeof *engine->results);
    for (uint32_t f = 0; f < graph->n_functions; f++) {
        engine->results[f] = orri_layout_of(graph->functions[f].results);
        most = more(most, graph->functions[f].results);
    }
    for (uint32_t s = 0; s < ORR_SLOTS_MAX; s++)
        engine->bound[s] =
            orr_arena_alloc(&engine->arena, sizeof(struct orr_record) +
                                                most * sizeof(struct orr_value));
}

void orri_bind_fact(struct orr_engine *engine, uint32_t slot, uint32_t type,
                    uint32_t index)
{
    const struct orri_table *table = &engine->tables[type];
    orri_unpack(&table->layout, orri_cells(table, index), engine->bound[slot]);
    engine->slots[slot] = orr_value_of_record(engine->bound[slot]);
}

/* Same request, same values of the index's fields. */
static bool in_ring(const struct orri_table *table, const struct orri_index *index,
                    uint32_t a, uint32_t b)
{
    if (orri_fact(table, a)->request != orri_fact(table, b)->request)
        return false;
    for (uint32_t i = 0; i < index->n_fields; i++)
        if (!orr_value_equal(orri_field(table, a, index->fields[i]),
                             orri_field(table, b, index->fields[i])))
            return false;
    return true;
}

static void index_add(struct orri_table *table, uint32_t i, uint32_t at)
{
    struct orri_index *index = &table->indexes[i];
    struct orri_fact *fact = orri_fact(table, at);
    uint64_t hash = orri_key_hash_of(table, index, at);
    struct orr_probe probe = orr_probe_of(&index->rings, hash);
    uint32_t last = 0;
    while (orr_probe_next(&index->rings, &probe, &last))
        if (in_ring(table, index, last, at)) {
            fact->next[i] = orri_fact(table, last)->next[i];
            orri_fact(table, last)->next[i] = at;
            orr_hashes_replace(&index->rings, hash, last, at);
            return;
        }
    fact->next[i] = at;
    orr_hashes_add(&index->rings, hash, at);
}

/* ---- new facts ---- */

void orri_fact_assert(struct orr_engine *engine, uint32_t type, uint32_t request,
                      const struct orr_record *record, uint32_t firing)
{
    struct orr_value kept =
        orr_value_copy(orr_value_of_record(record), &engine->queued);
    uint64_t hash = set_hash(&engine->graph->facts[type], request, record);
    orr_hashes_expect(&engine->tables[type].set, hash);
    engine->queue = orr_grow(engine->queue, engine->n_queue, &engine->cap_queue,
                             sizeof *engine->queue);
    engine->queue[engine->n_queue++] =
        (struct orri_queued) { type, request, firing, kept.as.record, hash };
}

static uint32_t add_row(struct orr_engine *engine, const struct orri_queued *queued)
{
    struct orri_table *table = &engine->tables[queued->type];
    struct orri_fact *fact = orr_rows_add(&table->rows);
    uint32_t at = table->rows.n - 1;
    fact->request = queued->request;
    fact->firing = queued->firing;
    orri_pack(&table->layout, queued->record, orri_cells(table, at), &engine->arena);
    orr_hashes_add(&table->set, queued->hash, at);
    engine->has[(size_t)queued->request * has_words(engine) + queued->type / 32] |=
        1U << queued->type % 32;
    for (uint32_t i = 0; i < table->n_indexes; i++)
        index_add(table, i, at);
    return at;
}

/* A number for the request and the fact type together. */
static uint64_t type_key(uint32_t request, uint32_t type)
{
    return (uint64_t)request << 32 | type;
}

uint64_t orri_equal_facts(const struct orr_engine *engine, uint32_t type,
                          uint32_t request)
{
    const uint64_t *n = orr_map_find(&engine->equal, type_key(request, type));
    return n ? *n : 0;
}

uint32_t orri_fact_add(struct orr_engine *engine, const struct orri_queued *queued)
{
    const struct orri_table *table = &engine->tables[queued->type];
    bool fresh = false;
    uint32_t twin =
        find_twin(engine, queued->type, queued->request, queued->record, queued->hash);
    if (twin == ORR_NONE && table->rows.n < ORR_ROWS_MAX)
        return add_row(engine, queued);
    if (twin == ORR_NONE)
        orri_request_fail(engine, queued->request, "more than %u facts '%s'",
                          ORR_ROWS_MAX, engine->graph->facts[queued->type].name);
    else if (!same_content(table, twin, queued->record))
        refuse_key(engine, queued->type, twin, queued->record, queued->firing);
    else
        ++*orr_map_insert(&engine->equal, type_key(queued->request, queued->type),
                          &fresh);
    return ORR_NONE;
}

void orri_fact_expect(const struct orr_engine *engine, const struct orri_queued *queued)
{
    const struct orri_table *table = &engine->tables[queued->type];
    for (uint32_t i = 0; i < table->n_indexes; i++) {
        const struct orri_index *index = &table->indexes[i];
        uint64_t hash = queued->request + 1;
        for (uint32_t f = 0; f < index->n_fields; f++)
            hash = orr_value_hash(queued->record->fields[index->fields[f]], hash);
        orr_hashes_expect(&index->rings, hash);
    }
    for (uint32_t i = 0; i < table->n_plans; i++)
        orri_match_expect(engine, &table->plans[i], queued->request, queued->record);
}

uint32_t orri_index_last(const struct orr_engine *engine, uint32_t type, uint32_t i,
                         uint32_t request, const struct orr_value *keys)
{
    const struct orri_table *table = &engine->tables[type];
    const struct orri_index *index = &table->indexes[i];
    struct orr_probe probe =
        orr_probe_of(&index->rings, orri_key_hash(request, keys, index->n_fields));
    uint32_t last = 0;
    while (orr_probe_next(&index->rings, &probe, &last))
        if (orri_fact(table, last)->request == request &&
            orri_index_agrees(table, index, last, keys))
            return last;
    return ORR_NONE;
}

void orri_table_release(struct orri_table *table)
{
    for (uint32_t i = 0; i < table->n_indexes; i++)
        orr_hashes_release(&table->indexes[i].rings);
    free(table->indexes);
    free(table->plans);
    free(table->gathers);
    orr_hashes_release(&table->set);
    orr_rows_release(&table->rows);
}
