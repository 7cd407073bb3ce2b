/* jsonschema.c - the schema of workflows and jobs for editors: JSON Schema 2020-12
 *
 * It knows keys, shapes and words. Names, types and expressions are the compiler's:
 * what it accepts, the schema accepts; what the schema refuses, it refuses. */
#include "model/internal.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *value_schema(enum orri_value value)
{
    json_error_t err;
    json_t *schema = json_loads(orri_value_schema(value), 0, &err);
    if (!schema)
        ORR_BUG("the JSON Schema of '%s' is broken: %s", orri_value_words(value),
                err.text);
    return schema;
}

static json_t *reference(const struct orri_block *block)
{
    return json_pack("{s:s+}", "$ref", "#/$defs/", block->id);
}

static json_t *list_of(json_t *items)
{
    return json_pack("{s:s,s:o}", "type", "array", "items", items);
}

static json_t *mapping_of(json_t *values)
{
    return json_pack("{s:s,s:o}", "type", "object", "additionalProperties", values);
}

/* "rules:" alone is an empty list or mapping. */
static json_t *or_nothing(json_t *schema)
{
    return json_pack("{s:[o,{s:s}]}", "anyOf", schema, "type", "null");
}

static json_t *key_schema(const struct orri_key *key)
{
    switch (key->shape) {
    case ORRI_SEQUENCE: return list_of(value_schema(key->value));
    case ORRI_SCALARS:
        return json_pack("{s:[o,o]}", "anyOf", value_schema(key->value),
                         list_of(value_schema(key->value)));
    case ORRI_MAPPING: return or_nothing(mapping_of(value_schema(key->value)));
    case ORRI_MAPPINGS:
        return or_nothing(list_of(mapping_of(value_schema(key->value))));
    case ORRI_BLOCK: return reference(key->block);
    case ORRI_BLOCKS: return or_nothing(list_of(reference(key->block)));
    case ORRI_LISTED:
        return or_nothing(
            mapping_of(json_pack("{s:[o,o]}", "anyOf", reference(key->block),
                                 list_of(reference(key->block)))));
    case ORRI_NAMED: return or_nothing(mapping_of(reference(key->block)));
    default: return value_schema(key->value);
    }
}

static void describe(json_t *schema, const struct orri_key *key)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_puts(&text, key->doc);
    if (key->fallback)
        orr_text_printf(&text, " (default: %s)", key->fallback);
    if (key->instead)
        orr_text_printf(&text, "; %s", key->instead);
    json_object_set_new(schema, "description", json_string(text.s));
    if (key->instead)
        json_object_set_new(schema, "deprecated", json_true());
    orr_text_release(&text);
}

/* {"required": [key]} for each word. */
static json_t *exactly_one(const char *words)
{
    json_t *ways = json_array();
    for (const char *at = words; *at;) {
        size_t n = strcspn(at, " ");
        json_array_append_new(ways, json_pack("{s:[s%]}", "required", at, n));
        at += n + (at[n] == ' ');
    }
    return ways;
}

static json_t *block_schema(const struct orri_block *block)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    for (const struct orri_key *key = block->keys; key->name; key++) {
        json_t *schema = key_schema(key);
        describe(schema, key);
        json_object_set_new(properties, key->name, schema);
        if (key->required)
            json_array_append_new(required, json_string(key->name));
    }
    json_t *schema = json_pack("{s:s,s:o,s:o}", "type", "object", "properties",
                               properties, "required", required);
    json_object_set_new(schema, "additionalProperties",
                        block->free_key ? value_schema(ORRI_IS_FACT) : json_false());
    if (block->free_key) /* its name, and the keys that are needed */
        json_object_set_new(schema, "minProperties",
                            json_integer((json_int_t)json_array_size(required) + 1));
    if (block->one_of)
        json_object_set_new(schema, "oneOf", exactly_one(block->one_of));
    if (block->shorthand)
        schema = json_pack("{s:[o,o]}", "anyOf", value_schema(ORRI_IS_TEXT), schema);
    if (block->list_key)
        schema = json_pack("{s:[{s:s},o]}", "anyOf", "type", "array", schema);
    return schema;
}

void orr_schema_json(enum orr_file_kind kind, struct orr_text *out)
{
    bool job = kind == ORR_FILE_JOB;
    const struct orri_block *root = job ? &orri_job_block : &orri_workflow_block;
    struct orri_blocks all = { 0 };
    json_t *blocks = json_object();
    orri_list_blocks(root, &all);
    for (size_t i = 0; i < all.n; i++)
        json_object_set_new(blocks, all.items[i]->id, block_schema(all.items[i]));
    json_t *schema = json_pack("{s:s,s:s,s:o,s:o}", "$schema",
                               "https://json-schema.org/draft/2020-12/schema", "title",
                               job ? "A job of Orrery" : "A workflow of Orrery", "$ref",
                               json_sprintf("#/$defs/%s", root->id), "$defs", blocks);
    char *text = json_dumps(schema, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    orr_text_puts(out, text ? text : "");
    orr_text_puts(out, "\n");
    free(text);
    json_decref(schema);
}
