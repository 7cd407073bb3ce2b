/* data.c - values written as data: inputs, defaults, settings, numbers of resources
 * Texts and paths need no quotes and are taken as they stand; numbers, durations and
 * sizes may be constant expressions (2 * 1024). */
#include "graph/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *type_text(struct orri_compile *c, const struct orr_type *type)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_type_print(type, &text);
    const char *kept = orr_arena_strdup(c->arena, text.s);
    orr_text_release(&text);
    return kept;
}

static bool refuse(struct orri_compile *c, orr_model_leaf node,
                   const struct orr_type *type, const char *what)
{
    orr_diag_error(c->diags, node->at, "E0404", "%s is expected, but this is %s",
                   type_text(c, type), what);
    return false;
}

static bool is_quoted(orr_model_leaf node) { return node->style != ORR_YAML_PLAIN; }

static bool is_null(orr_model_leaf node)
{
    return node->kind == ORR_YAML_SCALAR && !is_quoted(node) &&
           (node->length == 0 || strcmp(node->text, "null") == 0 ||
            strcmp(node->text, "~") == 0);
}

static bool text_value(struct orri_compile *c, orr_model_leaf node,
                       const struct orr_type *type, const char *directory,
                       struct orr_value *out)
{
    const char *text = node->text;
    if (type->kind == ORR_KIND_PATH) {
        if (node->length == 0)
            return refuse(c, node, type, "empty");
        text = orri_resolve_path(c->arena, directory, text);
    }
    *out = orr_string_new(c->arena, type->kind, text, strlen(text));
    return true;
}

/* A word where a number should be: say so, not that the name is unknown. */
static bool is_word(orr_model_leaf node)
{
    return orr_model_is_identifier(node->text) && strcmp(node->text, "true") != 0 &&
           strcmp(node->text, "false") != 0;
}

static bool word_instead(struct orri_compile *c, orr_model_leaf node,
                         const struct orr_type *type)
{
    orr_diag_error(c->diags, node->at, "E0404", "%s is expected, but this is '%.60s'",
                   type_text(c, type), node->text);
    if (type->kind == ORR_KIND_BOOL && orr_bool_word(node->text))
        orr_diag_hint(c->diags, "write '%s'", orr_bool_word(node->text));
    return false;
}

static bool scalar_data(struct orri_compile *c, orr_model_leaf node,
                        const struct orr_type *type, const char *directory,
                        struct orr_value *out)
{
    enum orr_kind kind = type->kind;
    if (is_null(node))
        return refuse(c, node, type, node->length ? "null" : "empty");
    if (kind == ORR_KIND_STRING || kind == ORR_KIND_PATH)
        return text_value(c, node, type, directory, out);
    if (kind == ORR_KIND_LIST || kind == ORR_KIND_RECORD || kind == ORR_KIND_BLOB)
        return refuse(c, node, type, "a single value");
    if (is_quoted(node) && kind != ORR_KIND_DURATION && kind != ORR_KIND_SIZE) {
        (void)refuse(c, node, type, "string");
        orr_diag_hint(c->diags, "write it without quotes");
        return false;
    }
    if (is_word(node))
        return word_instead(c, node, type);
    struct orr_type sure = *type;
    sure.optional = false;
    struct orr_expr *e = orri_expr_from(c, node, 0, NULL, &sure);
    return e && orr_expr_eval(e, NULL, c->arena, out, NULL) == ORR_OK;
}

static bool list_data(struct orri_compile *c, orr_model_leaf node,
                      const struct orr_type *type, const char *directory,
                      struct orr_value *out)
{
    if (type->kind != ORR_KIND_LIST)
        return refuse(c, node, type, "a list");
    struct orr_list *list = orr_list_new(c->arena, node->n);
    bool good = true;
    for (uint32_t i = 0; i < node->n; i++)
        good &= orri_data(c, node->items[i], type->element, directory, &list->items[i]);
    *out = orr_value_of_list(list);
    return good;
}

static bool record_keys(struct orri_compile *c, orr_model_leaf node,
                        const struct orr_record_type *record)
{
    const char **names = orr_alloc(record->n_fields, sizeof *names);
    bool good = true;
    for (uint32_t i = 0; i < record->n_fields; i++)
        names[i] = record->fields[i].name;
    for (uint32_t i = 0; i < node->n; i++)
        if (orr_record_field(record, node->keys[i]->text) < 0) {
            orr_diag_error(c->diags, node->keys[i]->at, "E0405",
                           "%s%s%s has no field '%s'", record->name ? "'" : "",
                           record->name ? record->name : "the record",
                           record->name ? "'" : "", node->keys[i]->text);
            orri_hint_nearest(c, node->keys[i]->text, names, record->n_fields);
            good = false;
        }
    free(names);
    return good;
}

static bool record_data(struct orri_compile *c, orr_model_leaf node,
                        const struct orr_type *type, const char *directory,
                        struct orr_value *out)
{
    if (type->kind != ORR_KIND_RECORD)
        return refuse(c, node, type, "a mapping");
    struct orr_record *record = orr_record_new(c->arena, type->record);
    bool good = record_keys(c, node, type->record);
    for (uint32_t i = 0; i < type->record->n_fields; i++) {
        const struct orr_field *field = &type->record->fields[i];
        orr_model_leaf item = orr_yaml_find(node, field->name);
        if (item) {
            good &= orri_data(c, item, field->type, directory, &record->fields[i]);
        } else if (!field->type->optional) {
            orr_diag_error(c->diags, node->at, "E0406", "the field '%s' is missing",
                           field->name);
            good = false;
        }
    }
    *out = orr_value_of_record(record);
    return good;
}

bool orri_data(struct orri_compile *c, orr_model_leaf node, const struct orr_type *type,
               const char *directory, struct orr_value *out)
{
    if (type->optional && is_null(node)) {
        *out = orr_null();
        return true;
    }
    switch (node->kind) {
    case ORR_YAML_SCALAR: return scalar_data(c, node, type, directory, out);
    case ORR_YAML_SEQUENCE: return list_data(c, node, type, directory, out);
    default: return record_data(c, node, type, directory, out);
    }
}

int64_t orri_int(struct orri_compile *c, orr_model_leaf node, const char *what,
                 int64_t least, int64_t most, int64_t fallback)
{
    struct orr_value v = orr_null();
    if (!node || !orri_data(c, node, orr_type_scalar(ORR_KIND_INT), "", &v))
        return fallback;
    if (v.as.i >= least && v.as.i <= most)
        return v.as.i;
    if (v.as.i < least)
        orr_diag_error(c->diags, node->at, "E0407", "%s must be at least %" PRId64,
                       what, least);
    else
        orr_diag_error(c->diags, node->at, "E0407", "%s must be at most %" PRId64, what,
                       most);
    return fallback;
}

bool orri_bool(struct orri_compile *c, orr_model_leaf node, bool fallback)
{
    struct orr_value v = orr_null();
    if (!node || !orri_data(c, node, orr_type_scalar(ORR_KIND_BOOL), "", &v))
        return fallback;
    return v.as.b;
}

int64_t orri_quantity_of(struct orri_compile *c, orr_model_leaf node,
                         enum orr_kind kind, const char *what, int64_t fallback)
{
    struct orr_value v = orr_null();
    if (!node || !orri_data(c, node, orr_type_scalar(kind), "", &v))
        return fallback;
    if (v.as.i >= 0)
        return v.as.i;
    orr_diag_error(c->diags, node->at, "E0407", "%s must not be negative", what);
    return fallback;
}

int64_t orri_limit_of(struct orri_compile *c, orr_model_leaf node, enum orr_kind kind,
                      const char *what)
{
    size_t errors = c->diags->errors;
    int64_t v = orri_quantity_of(c, node, kind, what, 0);
    if (node && v == 0 && c->diags->errors == errors) {
        orr_diag_error(c->diags, node->at, "E0407", "%s must be above 0", what);
        orr_diag_hint(c->diags, "without a limit, leave '%s' out", what);
    }
    return v;
}
