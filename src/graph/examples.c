/* examples.c - results that an author makes up: examples of functions, answers of tests
 *
 * They are written like any record, with two differences: a text stands for the bytes
 * of a blob, and a result that no rule reads may be left out. Nothing of them counts
 * for what a run does: they are no part of the digest nor of a function's content. */
#include "graph/internal.h"

#include <string.h>

/* ---- texts for paths and blobs ---- */

static bool opens(const struct orr_type *type, bool paths)
{
    if (type->kind == ORR_KIND_LIST)
        return type->element && opens(type->element, paths);
    if (type->kind != ORR_KIND_RECORD)
        return type->kind == ORR_KIND_BLOB || (paths && type->kind == ORR_KIND_PATH);
    for (uint32_t i = 0; i < type->record->n_fields; i++)
        if (opens(type->record->fields[i].type, paths))
            return true;
    return false;
}

static const struct orr_type *opened(struct orri_compile *c,
                                     const struct orr_type *type, bool paths,
                                     enum orr_kind as);

static const struct orr_record_type *open_record(struct orri_compile *c,
                                                 const struct orr_record_type *record,
                                                 bool paths, enum orr_kind as)
{
    struct orr_record_type *open = orr_arena_alloc(c->arena, sizeof *open);
    struct orr_field *fields =
        orr_arena_alloc(c->arena, (record->n_fields + 1) * sizeof *fields);
    for (uint32_t i = 0; i < record->n_fields; i++) {
        fields[i] = record->fields[i];
        fields[i].type = opened(c, record->fields[i].type, paths, as);
    }
    *open = (struct orr_record_type) { record->name, record->n_fields, fields };
    return open;
}

/* `type` with others for its blobs, and `paths`. */
static const struct orr_type *opened(struct orri_compile *c,
                                     const struct orr_type *type, bool paths,
                                     enum orr_kind as)
{
    if (!opens(type, paths))
        return type;
    struct orr_type *open = orr_arena_alloc(c->arena, sizeof *open);
    *open = *type;
    if (type->kind == ORR_KIND_BLOB || type->kind == ORR_KIND_PATH)
        open->kind = as;
    else if (type->kind == ORR_KIND_LIST)
        open->element = opened(c, type->element, paths, as);
    else
        open->record = open_record(c, type->record, paths, as);
    return open;
}

const struct orr_type *orri_open_type(struct orri_compile *c,
                                      const struct orr_type *type, bool paths)
{
    return opened(c, type, paths, ORR_KIND_STRING);
}

const struct orr_type *orri_blobs_as_paths(struct orri_compile *c,
                                           const struct orr_type *type)
{
    return opened(c, type, false, ORR_KIND_PATH);
}

static struct orr_value blob_of(const struct orr_string *text, struct orr_arena *arena)
{
    struct orr_blob *blob = orr_arena_alloc(arena, sizeof *blob);
    blob->hash = orr_hash(text->s, text->length);
    blob->length = text->length;
    blob->writer = ORR_BLOB_LOCAL;
    return (struct orr_value) { .kind = ORR_KIND_BLOB, .as.blob = blob };
}

/* For a result that was left out because nothing looks at it. */
static struct orr_value neutral(const struct orr_type *type, struct orr_arena *arena)
{
    const struct orr_value empty = orr_string_new(arena, ORR_KIND_STRING, "", 0);
    struct orr_value v = { .kind = (uint8_t)type->kind };
    if (type->optional)
        return orr_null();
    switch (type->kind) {
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: return orr_string_new(arena, type->kind, "", 0);
    case ORR_KIND_BLOB: return blob_of(empty.as.s, arena);
    case ORR_KIND_LIST: return orr_value_of_list(orr_list_new(arena, 0));
    case ORR_KIND_RECORD: {
        struct orr_record *record = orr_record_new(arena, type->record);
        for (uint32_t i = 0; i < type->record->n_fields; i++)
            record->fields[i] = neutral(type->record->fields[i].type, arena);
        return orr_value_of_record(record);
    }
    default: return v; /* 0, 0.0, false */
    }
}

struct orr_value orr_example_close(struct orr_value v, const struct orr_type *type,
                                   struct orr_arena *arena)
{
    if (v.kind == ORR_KIND_STRING && type->kind == ORR_KIND_BLOB)
        return blob_of(v.as.s, arena);
    if (v.kind == ORR_KIND_STRING && type->kind == ORR_KIND_PATH)
        return orr_string_new(arena, ORR_KIND_PATH, v.as.s->s, v.as.s->length);
    if (v.kind == ORR_KIND_LIST && type->element) {
        struct orr_list *list = orr_list_new(arena, v.as.list->n);
        for (uint32_t i = 0; i < list->n; i++)
            list->items[i] =
                orr_example_close(v.as.list->items[i], type->element, arena);
        return orr_value_of_list(list);
    }
    if (v.kind == ORR_KIND_NULL)
        return neutral(type, arena);
    if (v.kind == ORR_KIND_RECORD) {
        struct orr_record *record = orr_record_new(arena, type->record);
        for (uint32_t i = 0; i < type->record->n_fields; i++)
            record->fields[i] = orr_example_close(v.as.record->fields[i],
                                                  type->record->fields[i].type, arena);
        return orr_value_of_record(record);
    }
    return v;
}

/* ---- results ---- */

void orri_scope_params(struct orr_scope *scope,
                       const struct orr_graph_function *function)
{
    for (uint32_t i = 0; i < function->params->n_fields && i < ORR_SLOTS_MAX; i++)
        orri_scope_set(scope, i, function->params->fields[i].name,
                       function->params->fields[i].type);
}

struct orr_expr *orri_open_result(struct orri_compile *c, orr_model_leaf mapping,
                                  const struct orr_graph_function *function,
                                  const char *what, struct orr_scope *scope)
{
    const struct orr_record_type *open =
        open_record(c, function->results, true, ORR_KIND_STRING);
    struct orr_expr **parts =
        orr_arena_alloc(c->arena, (open->n_fields + 1) * sizeof *parts);
    bool good = orri_check_keys(c, mapping, open, what, "result");
    for (uint32_t i = 0; i < open->n_fields; i++) {
        orr_model_leaf node = orr_yaml_find(mapping, open->fields[i].name);
        if (node)
            parts[i] = orri_expr(c, node, scope, open->fields[i].type);
        good &= !node || parts[i];
    }
    return good ? orr_expr_record(open, parts, mapping->at, c->arena) : NULL;
}

void orri_compile_example(struct orri_compile *c,
                          const struct orr_model_function *model,
                          struct orr_graph_function *function)
{
    struct orr_scope scope = { 0 };
    if (!model->example || !function->params || !function->results)
        return;
    orri_scope_params(&scope, function);
    function->example =
        orri_open_result(c, model->example, function,
                         orr_arena_printf(c->arena, "'%s'", function->name), &scope);
}

/* ---- results that are needed ---- */

void orri_check_result(struct orri_compile *c, orr_model_leaf mapping,
                       uint32_t function, const char *what)
{
    const struct orr_record_type *results = c->functions[function].results;
    for (uint32_t f = 0; f < results->n_fields; f++) {
        if (results->fields[f].type->optional ||
            orr_yaml_find(mapping, results->fields[f].name))
            continue;
        const struct orr_rule *reader = orri_reader_of(c->graph, function, f);
        if (reader)
            orr_diag_error(c->diags, mapping->at, "E0601",
                           "%s lacks the result '%s', which rule '%s' reads", what,
                           results->fields[f].name, reader->name);
    }
}
