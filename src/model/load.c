/* load.c - YAML nodes into the structs of model.h, as the schema says
 * Owns: the document and, in its arena, what was made from it. */
#include "model/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct loader {
    struct orr_arena *arena;
    struct orr_diags *diags;
};

static void load(struct loader *l, const struct orri_block *block, orr_model_leaf key,
                 orr_model_leaf node, char *out);

static const char *shape_text(orr_model_leaf node)
{
    switch (node->kind) {
    case ORR_YAML_SEQUENCE: return "a list";
    case ORR_YAML_MAPPING: return "a mapping";
    default: return node->length ? "a single value" : "empty";
    }
}

static void misfit(struct loader *l, orr_model_leaf node, const char *name,
                   const char *wanted)
{
    orr_diag_error(l->diags, node->at, "E0303", "'%s' must be %s, but this is %s", name,
                   wanted, shape_text(node));
}

/* An empty plain scalar stands for an empty list or mapping ("rules:"). */
static bool is_nothing(orr_model_leaf node)
{
    return node->kind == ORR_YAML_SCALAR && node->length == 0 &&
           node->style == ORR_YAML_PLAIN;
}

static bool all_are(struct loader *l, orr_model_leaf node, const char *name,
                    enum orr_yaml_kind kind, const char *wanted)
{
    bool good = true;
    for (uint32_t i = 0; i < node->n; i++)
        if (node->items[i]->kind != kind) {
            misfit(l, node->items[i], name, wanted);
            good = false;
        }
    return good;
}

static bool shape_fits(struct loader *l, enum orri_shape shape, orr_model_leaf node,
                       const char *name)
{
    switch (shape) {
    case ORRI_SCALAR:
        if (node->kind == ORR_YAML_SCALAR && !is_nothing(node))
            return true;
        misfit(l, node, name, "a single value");
        return false;
    case ORRI_SEQUENCE:
    case ORRI_SCALARS:
        if (node->kind == ORR_YAML_SEQUENCE)
            return all_are(l, node, name, ORR_YAML_SCALAR, "a list of single values");
        if (shape == ORRI_SCALARS && node->kind == ORR_YAML_SCALAR && !is_nothing(node))
            return true;
        misfit(l, node, name,
               shape == ORRI_SCALARS ? "a value or a list of values" : "a list");
        return false;
    case ORRI_MAPPINGS:
        if (node->kind == ORR_YAML_SEQUENCE)
            return all_are(l, node, name, ORR_YAML_MAPPING, "a list of mappings");
        misfit(l, node, name, "a list of mappings");
        return false;
    case ORRI_BLOCKS:
        if (node->kind != ORR_YAML_SEQUENCE)
            misfit(l, node, name, "a list");
        return node->kind == ORR_YAML_SEQUENCE;
    case ORRI_MAPPING:
    case ORRI_NAMED:
    case ORRI_LISTED:
    case ORRI_BLOCK:
        if (node->kind != ORR_YAML_MAPPING)
            misfit(l, node, name, "a mapping");
        return node->kind == ORR_YAML_MAPPING;
    default: return true;
    }
}

static void load_blocks(struct loader *l, const struct orri_block *block,
                        orr_model_leaf node, struct orr_model_blocks *out)
{
    char *items = orr_arena_alloc(l->arena, node->n * block->size);
    bool named = node->kind == ORR_YAML_MAPPING;
    for (uint32_t i = 0; i < node->n; i++)
        load(l, block, named ? node->keys[i] : NULL, node->items[i],
             items + i * block->size);
    out->items = items;
    out->n = node->n;
}

/* Names with one block or a list of them: blocks in order, each under its name. */
static void load_listed(struct loader *l, const struct orri_block *block,
                        orr_model_leaf node, struct orr_model_blocks *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < node->n; i++)
        n += node->items[i]->kind == ORR_YAML_SEQUENCE ? node->items[i]->n : 1;
    char *items = orr_arena_alloc(l->arena, n * block->size + 1);
    out->items = items;
    for (uint32_t i = 0; i < node->n; i++) {
        orr_model_leaf item = node->items[i];
        bool list = item->kind == ORR_YAML_SEQUENCE;
        for (uint32_t j = 0; j < (list ? item->n : 1); j++)
            load(l, block, node->keys[i], list ? item->items[j] : item,
                 items + out->n++ * block->size);
    }
}

static void load_key(struct loader *l, const struct orri_key *key, orr_model_leaf node,
                     char *out)
{
    bool collection = key->shape == ORRI_BLOCKS || key->shape == ORRI_NAMED ||
                      key->shape == ORRI_LISTED || key->shape == ORRI_MAPPING ||
                      key->shape == ORRI_MAPPINGS;
    bool brief = key->shape == ORRI_BLOCK && key->block->shorthand &&
                 node->kind == ORR_YAML_SCALAR && !is_nothing(node);
    if ((collection && is_nothing(node)) ||
        (!brief && !shape_fits(l, key->shape, node, key->name)))
        return;
    char *field = out + key->offset;
    if (key->shape == ORRI_BLOCKS || key->shape == ORRI_NAMED) {
        load_blocks(l, key->block, node, (struct orr_model_blocks *)(void *)field);
    } else if (key->shape == ORRI_LISTED) {
        load_listed(l, key->block, node, (struct orr_model_blocks *)(void *)field);
    } else if (key->shape == ORRI_BLOCK) {
        char *sub = orr_arena_alloc(l->arena, key->block->size);
        load(l, key->block, NULL, node, sub);
        memcpy(field, &sub, sizeof sub);
    } else {
        memcpy(field, &node, sizeof node);
    }
}

static const struct orri_key *find_key(const struct orri_block *block, const char *name)
{
    for (const struct orri_key *key = block->keys; key->name; key++)
        if (strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

static void unknown_key(struct loader *l, const struct orri_block *block,
                        orr_model_leaf key)
{
    const char *names[64];
    size_t n = 0;
    for (const struct orri_key *k = block->keys; k->name && n < 64; k++)
        names[n++] = k->name;
    const char *nearest = orr_text_nearest(key->text, names, n);
    orr_diag_error(l->diags, key->at, "E0301", "%s has no key '%s'", block->what,
                   key->text);
    if (strcmp(key->text, "<<") == 0)
        orr_diag_hint(l->diags, "merge keys are not known: an alias stands for a whole "
                                "value");
    else if (nearest)
        orr_diag_hint(l->diags, "did you mean '%s'?", nearest);
}

/* The one key whose name the author chooses; false when there was one already. */
static bool take_free(const struct orri_block *block, orr_model_leaf key,
                      orr_model_leaf node, char *out)
{
    orr_model_leaf taken = NULL;
    if (!block->free_key)
        return false;
    memcpy(&taken, out + block->free_key, sizeof taken);
    if (taken)
        return false;
    memcpy(out + block->free_key, &key, sizeof key);
    memcpy(out + block->free_value, &node, sizeof node);
    return true;
}

static void check_required(struct loader *l, const struct orri_block *block,
                           orr_model_leaf node, const char *out)
{
    orr_model_leaf leaf = NULL;
    for (const struct orri_key *key = block->keys; key->name; key++)
        if (key->required && !orr_yaml_find(node, key->name))
            orr_diag_error(l->diags, node->at, "E0302", "%s needs the key '%s'",
                           block->what, key->name);
    if (!block->free_key)
        return;
    memcpy(&leaf, out + block->free_value, sizeof leaf);
    if (!leaf)
        orr_diag_error(l->diags, node->at, "E0302", "%s needs '%s'", block->what,
                       block->free_what);
    else
        (void)shape_fits(l, ORRI_SCALAR, leaf, block->free_what);
}

static void warn_old(struct loader *l, const struct orri_key *key, orr_model_leaf node)
{
    orr_diag_warning(l->diags, node->at, "W0310", "the key '%s' is deprecated",
                     key->name);
    orr_diag_hint(l->diags, "%s", key->instead);
}

static void load_mapping(struct loader *l, const struct orri_block *block,
                         orr_model_leaf node, char *out)
{
    for (uint32_t i = 0; i < node->n; i++) {
        const struct orri_key *key = find_key(block, node->keys[i]->text);
        if (key && key->instead)
            warn_old(l, key, node->keys[i]);
        if (key)
            load_key(l, key, node->items[i], out);
        else if (!take_free(block, node->keys[i], node->items[i], out))
            unknown_key(l, block, node->keys[i]);
    }
    check_required(l, block, node, out);
}

static void load(struct loader *l, const struct orri_block *block, orr_model_leaf key,
                 orr_model_leaf node, char *out)
{
    struct orr_model_head head = { key, node };
    memcpy(out, &head, sizeof head);
    if (node->kind == ORR_YAML_MAPPING)
        load_mapping(l, block, node, out);
    else if (block->shorthand && node->kind == ORR_YAML_SCALAR && !is_nothing(node))
        load_key(l, find_key(block, block->shorthand), node, out);
    else if (block->list_key && node->kind == ORR_YAML_SEQUENCE)
        load_key(l, find_key(block, block->list_key), node, out);
    else if (is_nothing(node) && key) {
        /* "NAME:" alone: all keys left out */
        orr_diag_error(l->diags, key->at, "E0303",
                       "'%s' must be a mapping, but this is empty", key->text);
    } else {
        orr_diag_error(l->diags, node->at, "E0303",
                       "%s must be a mapping, but this is %s", block->what,
                       shape_text(node));
    }
}

void orri_load(const struct orri_block *block, orr_model_leaf key, orr_model_leaf node,
               struct orr_arena *arena, struct orr_diags *diags, void *out)
{
    struct loader l = { arena, diags };
    load(&l, block, key, node, out);
}

bool orr_model_is_identifier(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return *name == '\0';
}

/* A file of another language: what else it holds would be judged wrongly. */
static bool knows_version(const struct orr_yaml_document *document,
                          struct orr_diags *diags)
{
    orr_model_leaf version = orr_yaml_find(document->root, "orrery");
    if (!version || version->kind != ORR_YAML_SCALAR || version->length == 0 ||
        strcmp(version->text, "1") == 0)
        return true;
    orr_diag_error(diags, version->at, "E0304",
                   "language version '%s' is unknown; this is version 1",
                   version->text);
    return false;
}

/* A job where a workflow is wanted. */
static bool is_job(const struct orr_yaml_document *document, struct orr_diags *diags)
{
    orr_model_leaf root = document->root;
    orr_model_leaf workflow = orr_yaml_find(root, "workflow");
    if (!orr_yaml_find(root, "job") || orr_yaml_find(root, "rules") ||
        orr_yaml_find(root, "steps") || orr_yaml_find(root, "functions"))
        return false;
    orr_diag_error(diags, root->at, "E0301",
                   "this is a job file, but a workflow is wanted");
    if (workflow && workflow->kind == ORR_YAML_SCALAR && workflow->length)
        orr_diag_hint(diags, "the workflow of this job is '%s'", workflow->text);
    return true;
}

struct orr_model_workflow *orr_model_load_workflow(const char *file, const char *text,
                                                   size_t length,
                                                   struct orr_diags *diags)
{
    struct orr_yaml_document *document = orr_yaml_parse(file, text, length, diags);
    if (!document || !knows_version(document, diags) || is_job(document, diags)) {
        orr_yaml_free(document);
        return NULL;
    }
    struct orr_model_workflow *workflow =
        orr_arena_alloc(&document->arena, sizeof *workflow);
    orri_load(&orri_workflow_block, NULL, document->root, &document->arena, diags,
              workflow);
    workflow->document = document;
    return workflow;
}

void orr_model_workflow_free(struct orr_model_workflow *workflow)
{
    if (workflow)
        orr_yaml_free(workflow->document);
}

struct orr_model_job *orr_model_load_job(const char *file, const char *text,
                                         size_t length, struct orr_diags *diags)
{
    struct orr_yaml_document *document = orr_yaml_parse(file, text, length, diags);
    if (!document || !knows_version(document, diags)) {
        orr_yaml_free(document);
        return NULL;
    }
    struct orr_model_job *job = orr_arena_alloc(&document->arena, sizeof *job);
    orri_load(&orri_job_block, NULL, document->root, &document->arena, diags, job);
    job->document = document;
    return job;
}

void orr_model_job_free(struct orr_model_job *job)
{
    if (job)
        orr_yaml_free(job->document);
}
