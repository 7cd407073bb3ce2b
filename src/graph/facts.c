/* facts.c - fact types and inputs: names first, then fields, then defaults
 *
 * A fact is a mapping of fields to types: `rung: {name: string, height: int}`. Its key,
 * when it has one, is written in either of two ways:
 *
 *     rung: {name: string, height: int, key: [name]}
 *     rung: {fields: {name: string, height: int}, key: [name], doc: "..."}
 *
 * They cannot be mixed up: a type is never a list, so `key: [..]` is no field, while
 * `key: string` is one; and `fields:` with a mapping starts the long form. */
#include "graph/internal.h"

#include <stdlib.h>
#include <string.h>

struct fact_parts {
    orr_model_leaf fields, key, doc;
};

/* Which fields, key and doc a fact's mapping holds. */
static struct fact_parts parts_of(struct orri_compile *c, orr_model_leaf node)
{
    struct fact_parts parts = { .fields = node };
    if (node->kind != ORR_YAML_MAPPING)
        return parts;
    orr_model_leaf key = orr_yaml_find(node, "key");
    orr_model_leaf fields = orr_yaml_find(node, "fields");
    if (key && key->kind == ORR_YAML_SEQUENCE)
        parts.key = key;
    if (!fields || fields->kind != ORR_YAML_MAPPING)
        return parts;
    static const char *const known[] = { "fields", "key", "doc" };
    parts = (struct fact_parts) { fields, key, orr_yaml_find(node, "doc") };
    for (uint32_t i = 0; i < node->n; i++)
        (void)orri_find(c, node->keys[i], "key of a fact", "E0301", known, 3);
    return parts;
}

bool orri_is_type_word(const char *name)
{
    static const char *const words[] = { "job",    "bool",     "int",   "float",
                                         "string", "duration", "size",  "path",
                                         "blob",   "list",     "record" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], name) == 0)
            return true;
    return false;
}

static void declare(struct orri_compile *c, uint32_t i, const char *name,
                    struct orr_span at)
{
    orri_remember(c, ORRI_FACT_NAMES, name, i);
    c->records[i].name = name;
    c->facts[i] =
        (struct orr_fact_type) { .name = name, .at = at, .record = &c->records[i] };
    c->fact_types[i] =
        (struct orr_type) { .kind = ORR_KIND_RECORD, .record = &c->records[i] };
}

static void declare_all(struct orri_compile *c)
{
    orr_model_leaf facts = c->model->facts;
    uint32_t declared = 1 + (facts ? facts->n : 0);
    uint32_t n = declared + ORRI_STEP_FACTS * c->model->steps.n;
    c->facts = orr_arena_alloc(c->arena, n * sizeof *c->facts);
    c->records = orr_arena_alloc(c->arena, n * sizeof *c->records);
    c->fact_types = orr_arena_alloc(c->arena, n * sizeof *c->fact_types);
    c->fact_used = orr_arena_alloc(c->arena, n * sizeof *c->fact_used);
    c->fact_made = orr_arena_alloc(c->arena, n * sizeof *c->fact_made);
    declare(c, 0, "job", c->model->head.node->at);
    for (uint32_t i = 1; i < declared; i++) {
        orr_model_leaf key = facts->keys[i - 1];
        declare(c, i, orri_keep(c, key), key->at);
        if (orri_is_type_word(key->text))
            orr_diag_error(
                c->diags, key->at, "E0403",
                "'%s' cannot be the name of a fact: the language uses the word",
                key->text);
        else
            (void)orri_check_name(c, key, "a fact");
    }
    c->graph->facts = c->facts;
    c->graph->n_facts = declared;
}

uint32_t orri_declare_fact(struct orri_compile *c, const char *name, struct orr_span at,
                           struct orr_record_type record)
{
    uint32_t fact = c->graph->n_facts++;
    for (uint32_t i = 0; i < fact; i++)
        if (strcmp(c->facts[i].name, name) == 0)
            orr_diag_error(
                c->diags, at, "E0409",
                "the step makes facts '%s', but there is such a fact already", name);
    declare(c, fact, name, at);
    c->records[fact].fields = record.fields;
    c->records[fact].n_fields = record.n_fields;
    c->fact_used[fact] = c->fact_made[fact] = true;
    return fact;
}

static void set_key(struct orri_compile *c, struct orr_fact_type *fact,
                    orr_model_leaf key)
{
    if (!key)
        return;
    orr_model_leaf const *items = key->kind == ORR_YAML_SEQUENCE ? key->items : &key;
    uint32_t n = key->kind == ORR_YAML_SEQUENCE ? key->n : 1;
    uint32_t *indices = orr_arena_alloc(c->arena, (n + 1) * sizeof *indices);
    const char **names = orr_alloc(fact->record->n_fields, sizeof *names);
    for (uint32_t i = 0; i < fact->record->n_fields; i++)
        names[i] = fact->record->fields[i].name;
    if (n == 0)
        orr_diag_error(c->diags, key->at, "E0437", "the key names no field");
    for (uint32_t i = 0; i < n; i++) {
        if (items[i]->kind != ORR_YAML_SCALAR) {
            orr_diag_error(c->diags, items[i]->at, "E0303",
                           "a key is a list of field names");
            continue;
        }
        uint32_t field =
            orri_find(c, items[i], "field", "E0405", names, fact->record->n_fields);
        for (uint32_t k = 0; k < fact->n_key; k++)
            if (indices[k] == field)
                orr_diag_error(c->diags, items[i]->at, "E0409",
                               "the key names field '%s' twice", items[i]->text);
        if (field != ORR_NONE)
            indices[fact->n_key++] = field;
    }
    free(names);
    fact->key = indices;
}

static void define(struct orri_compile *c, uint32_t at, orr_model_leaf node)
{
    struct fact_parts parts = parts_of(c, node);
    if (parts.fields->kind != ORR_YAML_MAPPING) {
        orr_diag_error(
            c->diags, node->at, "E0303",
            "a fact is a mapping of fields to types: {name: string, size: int}");
        return;
    }
    uint32_t n = 0;
    struct orr_field *fields =
        orr_arena_alloc(c->arena, (parts.fields->n + 1) * sizeof *fields);
    for (uint32_t i = 0; i < parts.fields->n; i++) {
        if (parts.fields->items[i] == parts.key)
            continue;
        const struct orr_type *type = orri_type(c, parts.fields->items[i]);
        if (orri_check_name(c, parts.fields->keys[i], "a field") && type)
            fields[n++] =
                (struct orr_field) { .name = orri_keep(c, parts.fields->keys[i]),
                                     .type = type };
        else
            orri_break(c, parts.fields->keys[i]);
    }
    c->records[at].fields = fields;
    c->records[at].n_fields = n;
    c->facts[at].doc = orri_keep(c, parts.doc);
    set_key(c, &c->facts[at], parts.key);
}

/* Does `type` hold a record `target`, at any depth? */
static bool holds(const struct orr_type *type, const struct orr_record_type *target,
                  int depth)
{
    if (type->kind == ORR_KIND_LIST)
        return type->element && holds(type->element, target, depth + 1);
    if (type->kind != ORR_KIND_RECORD)
        return false;
    if (type->record == target || depth > 100)
        return true;
    for (uint32_t i = 0; i < type->record->n_fields; i++)
        if (holds(type->record->fields[i].type, target, depth + 1))
            return true;
    return false;
}

static void check_endless(struct orri_compile *c)
{
    for (uint32_t i = 1; i < c->graph->n_facts; i++)
        for (uint32_t f = 0; f < c->records[i].n_fields; f++)
            if (holds(c->records[i].fields[f].type, &c->records[i], 0)) {
                orr_diag_error(c->diags, c->facts[i].at, "E0408",
                               "fact '%s' holds itself in its field '%s'",
                               c->facts[i].name, c->records[i].fields[f].name);
                c->records[i].n_fields = f; /* what follows must end */
            }
}

static bool no_blobs(const struct orr_type *type)
{
    if (type->kind == ORR_KIND_LIST)
        return !type->element || no_blobs(type->element);
    if (type->kind != ORR_KIND_RECORD)
        return type->kind != ORR_KIND_BLOB;
    for (uint32_t i = 0; i < type->record->n_fields; i++)
        if (!no_blobs(type->record->fields[i].type))
            return false;
    return true;
}

static void define_inputs(struct orri_compile *c)
{
    const struct orr_model_input *inputs = c->model->inputs.items;
    uint32_t n = 0;
    struct orr_field *fields =
        orr_arena_alloc(c->arena, (c->model->inputs.n + 1) * sizeof *fields);
    c->input_used = orr_arena_alloc(c->arena, c->model->inputs.n + 1);
    for (uint32_t i = 0; i < c->model->inputs.n; i++) {
        const struct orr_type *type =
            inputs[i].type ? orri_type(c, inputs[i].type) : NULL;
        if (!orri_check_name(c, inputs[i].head.key, "an input") || !type) {
            orri_break(c, inputs[i].head.key);
            continue;
        }
        fields[n++] = (struct orr_field) { .name = orri_keep(c, inputs[i].head.key),
                                           .type = type,
                                           .doc = orri_keep(c, inputs[i].doc) };
    }
    c->records[0].fields = fields;
    c->records[0].n_fields = n;
}

static void set_defaults(struct orri_compile *c)
{
    const struct orr_model_input *inputs = c->model->inputs.items;
    const struct orr_record_type *job = &c->records[0];
    struct orr_expr **defaults =
        orr_arena_alloc(c->arena, (job->n_fields + 1) * sizeof *defaults);
    for (uint32_t i = 0; i < c->model->inputs.n; i++) {
        int field = orr_record_field(job, inputs[i].head.key->text);
        if (field < 0)
            continue;
        const struct orr_type *type = job->fields[field].type;
        struct orr_value v = orr_null();
        if (!no_blobs(type))
            orr_diag_error(c->diags, inputs[i].head.key->at, "E0402",
                           "an input cannot be a blob: give a path");
        else if (inputs[i].fallback &&
                 orri_data(c, inputs[i].fallback, type, c->directory, &v))
            defaults[field] =
                orr_expr_constant(v, type, inputs[i].fallback->at, c->arena);
        else if (!inputs[i].fallback && type->optional)
            defaults[field] =
                orr_expr_constant(v, type, inputs[i].head.key->at, c->arena);
    }
    c->graph->input_defaults = defaults;
}

void orri_compile_facts(struct orri_compile *c)
{
    declare_all(c);
    for (uint32_t i = 1; i < c->graph->n_facts; i++)
        define(c, i, c->model->facts->items[i - 1]);
    define_inputs(c);
    check_endless(c);
    set_defaults(c);
    c->fact_made[0] = true;
}
