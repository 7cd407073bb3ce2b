/* tables.c - the keys of workflows and jobs as tables of Markdown, from the schema */
#include "model/internal.h"

#include <string.h>

static void put_words(const struct orri_key *key, struct orr_text *out)
{
    const char *words = orri_value_words(key->value);
    const char *block = key->block ? key->block->id : "";
    switch (key->shape) {
    case ORRI_SEQUENCE: orr_text_printf(out, "list: %s", words); break;
    case ORRI_SCALARS: orr_text_printf(out, "%s; or a list", words); break;
    case ORRI_MAPPING: orr_text_printf(out, "mapping, each: %s", words); break;
    case ORRI_MAPPINGS:
        orr_text_printf(out, "list of mappings, each: %s", words);
        break;
    case ORRI_BLOCK: orr_text_printf(out, "[%s](#%s)", block, block); break;
    case ORRI_BLOCKS: orr_text_printf(out, "list: [%s](#%s)", block, block); break;
    case ORRI_LISTED:
        orr_text_printf(out, "mapping, each: [%s](#%s), or a list", block, block);
        break;
    case ORRI_NAMED:
        orr_text_printf(out, "mapping, each: [%s](#%s)", block, block);
        break;
    default: orr_text_puts(out, words); break;
    }
}

static void put_key(const struct orri_key *key, struct orr_text *out)
{
    orr_text_printf(out, "| `%s` | ", key->name);
    put_words(key, out);
    orr_text_printf(out, " | %s | ",
                    key->required   ? "required"
                    : key->fallback ? key->fallback
                                    : "");
    if (key->instead)
        orr_text_printf(out, "deprecated: %s; ", key->instead);
    orr_text_printf(out, "%s |\n", key->doc);
}

/* "a b c" as "`a`, `b`, `c`". */
static void put_list(const char *words, struct orr_text *out)
{
    for (const char *at = words; *at;) {
        size_t n = strcspn(at, " ");
        orr_text_printf(out, "%s`%.*s`", at == words ? "" : ", ", (int)n, at);
        at += n + (at[n] == ' ');
    }
}

static void put_block(const struct orri_block *block, struct orr_text *out)
{
    orr_text_printf(out, "\n### %s\n\n", block->id);
    if (block->shorthand)
        orr_text_printf(out, "A value instead of a mapping is its `%s`.\n\n",
                        block->shorthand);
    if (block->list_key)
        orr_text_printf(out, "A list instead of a mapping is its `%s`.\n\n",
                        block->list_key);
    if (block->one_of) {
        orr_text_puts(out, "Exactly one of ");
        put_list(block->one_of, out);
        orr_text_puts(out, ".\n\n");
    }
    orr_text_puts(out, "| key | value | default | |\n|---|---|---|---|\n");
    if (block->free_what)
        orr_text_printf(out,
                        "| `%s` | | required | a name of your own, and what it "
                        "stands for |\n",
                        block->free_what);
    for (const struct orri_key *key = block->keys; key->name; key++)
        put_key(key, out);
}

void orri_list_blocks(const struct orri_block *block, struct orri_blocks *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i] == block)
            return;
    if (all->n == ORRI_BLOCKS_MAX)
        ORR_BUG("more than %d blocks in the schema", ORRI_BLOCKS_MAX);
    all->items[all->n++] = block;
    for (const struct orri_key *key = block->keys; key->name; key++)
        if (key->block)
            orri_list_blocks(key->block, all);
}

void orr_schema_tables(enum orr_file_kind kind, struct orr_text *out)
{
    struct orri_blocks all = { 0 };
    orri_list_blocks(kind == ORR_FILE_JOB ? &orri_job_block : &orri_workflow_block,
                     &all);
    for (size_t i = 0; i < all.n; i++)
        put_block(all.items[i], out);
}
