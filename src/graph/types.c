/* types.c - types as the workflow writes them: a text, or a mapping of fields */
#include "graph/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct orr_record_type *find_record(void *context, const char *name)
{
    struct orri_compile *c = context;
    uint32_t i = orri_recall(c, ORRI_FACT_NAMES, name);
    if (i == ORR_NONE)
        return NULL;
    c->fact_used[i] = true;
    return c->facts[i].record;
}

/* What other languages call our types. */
static const char *foreign_type(const char *word)
{
    static const char *const words[][2] = {
        { "integer", "did you mean 'int'?" },
        { "long", "did you mean 'int'?" },
        { "number", "did you mean 'int' or 'float'?" },
        { "double", "did you mean 'float'?" },
        { "real", "did you mean 'float'?" },
        { "boolean", "did you mean 'bool'?" },
        { "str", "did you mean 'string'?" },
        { "text", "did you mean 'string'?" },
        { "char", "did you mean 'string'?" },
        { "file", "did you mean 'path'?" },
        { "filename", "did you mean 'path'?" },
        { "dir", "did you mean 'path'?" },
        { "directory", "did you mean 'path'?" },
        { "folder", "did you mean 'path'?" },
        { "bytes", "did you mean 'blob' (data) or 'size' (how many)?" },
        { "binary", "did you mean 'blob'?" },
        { "time", "did you mean 'duration'?" },
        { "seconds", "did you mean 'duration'?" },
        { "array", "a list type is written list<TYPE>" },
        { "vector", "a list type is written list<TYPE>" },
        { "map", "a record type is a mapping of fields: {name: string}" },
        { "dict", "a record type is a mapping of fields: {name: string}" },
        { "object", "a record type is a mapping of fields: {name: string}" },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i][0], word) == 0)
            return words[i][1];
    return NULL;
}

/* The misspelt name that a type error stands on. */
static void hint_type(struct orri_compile *c, const char *text, size_t at)
{
    static const char *const kinds[] = { "bool", "int",  "float", "string", "duration",
                                         "size", "path", "blob",  "list" };
    const char *names[64];
    char word[64];
    size_t n = 0;
    size_t length = 0;
    for (; n < sizeof kinds / sizeof *kinds; n++)
        names[n] = kinds[n];
    for (uint32_t i = 1; i < c->graph->n_facts && n < 64; i++)
        names[n++] = c->facts[i].name;
    while (text[at] == ' ')
        at++;
    while (length < sizeof word - 1 &&
           (isalnum((unsigned char)text[at + length]) || text[at + length] == '_'))
        length++;
    memcpy(word, text + at, length);
    word[length] = '\0';
    if (foreign_type(word))
        orr_diag_hint(c->diags, "%s", foreign_type(word));
    else if (length)
        orri_hint_nearest(c, word, names, n);
}

static const struct orr_type *type_of_text(struct orri_compile *c, orr_model_leaf node)
{
    struct orr_type_names names = { find_record, c };
    struct orr_error err = { 0 };
    struct orr_span at = orr_yaml_place(c->document, node, 0);
    const struct orr_type *type =
        orr_type_parse(node->text, at, &names, c->arena, &err);
    if (!type) {
        size_t offset = err.at.column > at.column ? err.at.column - at.column : 0;
        orr_diag_error(c->diags, err.at, "E0402", "%s", err.text);
        hint_type(c, node->text, offset < node->length ? offset : node->length);
    }
    return type;
}

const struct orr_record_type *orri_record_of(struct orri_compile *c,
                                             orr_model_leaf mapping)
{
    struct orr_record_type *record = orr_arena_alloc(c->arena, sizeof *record);
    struct orr_field *fields =
        orr_arena_alloc(c->arena, (mapping->n + 1) * sizeof *fields);
    bool good = true;
    for (uint32_t i = 0; i < mapping->n; i++) {
        good &= orri_check_name(c, mapping->keys[i], "a field");
        fields[i].name = orri_keep(c, mapping->keys[i]);
        fields[i].type = orri_type(c, mapping->items[i]);
        good &= fields[i].type != NULL;
    }
    record->fields = fields;
    record->n_fields = mapping->n;
    return good ? record : NULL;
}

const struct orr_type *orri_type(struct orri_compile *c, orr_model_leaf node)
{
    if (node->kind == ORR_YAML_SCALAR)
        return type_of_text(c, node);
    if (node->kind == ORR_YAML_SEQUENCE) {
        orr_diag_error(c->diags, node->at, "E0402",
                       "a list type is written list<TYPE>");
        return NULL;
    }
    const struct orr_record_type *record = orri_record_of(c, node);
    struct orr_type *type = orr_arena_alloc(c->arena, sizeof *type);
    *type = (struct orr_type) { .kind = ORR_KIND_RECORD, .record = record };
    return record ? type : NULL;
}
