/* format_flow.c - what is written in [] and {}: in one line, or filled over a few
 * Owns nothing. */
#include "model/format_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- flow collections ---- */

void orri_key_text(const struct orri_formatter *f, orr_model_leaf key,
                   struct orr_text *out)
{
    orri_put_anchor(out, key);
    if (key->alias)
        orr_text_printf(out, "*%s ", key->alias);
    else if (key->style == ORR_YAML_PLAIN)
        orr_text_append(out, key->text, key->length);
    else
        orr_text_append(out, f->document->source + key->start, key->end - key->start);
}

/* Schema order first; what it does not know after that, as it was. */
static uint32_t rank_of(const struct orri_block *block, orr_model_leaf key, uint32_t i)
{
    uint32_t at = 0;
    for (const struct orri_key *k = block ? block->keys : NULL; k && k->name; k++, at++)
        if (strcmp(k->name, key->text) == 0)
            return at;
    return block && block->free_key ? 0 : 1000 + i;
}

uint32_t *orri_order_of(struct orr_arena *arena, const struct orri_block *block,
                        orr_model_leaf mapping)
{
    uint32_t *order = orr_arena_alloc(arena, (mapping->n + 1) * sizeof *order);
    for (uint32_t i = 0; i < mapping->n; i++) {
        uint32_t at = i;
        uint32_t rank = block ? rank_of(block, mapping->keys[i], i) : 0;
        while (
            block && at > 0 &&
            (rank_of(block, mapping->keys[order[at - 1]], order[at - 1]) > rank ||
             (rank_of(block, mapping->keys[order[at - 1]], order[at - 1]) == rank &&
              block->free_key && rank == 0 &&
              strcmp(block->keys[0].name, mapping->keys[order[at - 1]]->text) == 0))) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    return order;
}

const struct orri_key *orri_schema_key(const struct orri_block *block,
                                       orr_model_leaf key)
{
    for (const struct orri_key *k = block ? block->keys : NULL; k && k->name; k++)
        if (strcmp(k->name, key->text) == 0)
            return k;
    return NULL;
}

/* The block that the values of a key's list or mapping have, or that the value has. */
const struct orri_block *orri_block_below(const struct orri_key *key,
                                          orr_model_leaf node)
{
    if (!key || !key->block)
        return NULL;
    return key->shape == ORRI_BLOCK || node->kind == ORR_YAML_MAPPING ||
                   node->kind == ORR_YAML_SEQUENCE
               ? key->block
               : NULL;
}

bool orri_is_named(const struct orri_key *key)
{
    return key && key->shape == ORRI_NAMED;
}

bool orri_flat_mapping(const struct orri_formatter *f, const struct orri_block *block,
                       bool named, orr_model_leaf node, struct orr_text *out)
{
    uint32_t *order = orri_order_of(f->arena, named ? NULL : block, node);
    bool good = true;
    orr_text_puts(out, "{");
    for (uint32_t k = 0; k < node->n && good; k++) {
        uint32_t i = order[k];
        const struct orri_key *key =
            named ? NULL : orri_schema_key(block, node->keys[i]);
        orr_text_puts(out, k ? ", " : "");
        orri_key_text(f, node->keys[i], out);
        orr_text_puts(out, ":");
        if (node->items[i]->alias || node->items[i]->end > node->items[i]->start)
            orr_text_puts(out, " ");
        if (node->items[i]->kind == ORR_YAML_MAPPING && orri_is_named(key))
            good = orri_flat_mapping(f, key->block, true, node->items[i], out);
        else
            good = orri_flat(f, named ? block : orri_block_below(key, node->items[i]),
                             node->items[i], out);
    }
    orr_text_puts(out, "}");
    return good;
}

bool orri_flat(const struct orri_formatter *f, const struct orri_block *block,
               orr_model_leaf node, struct orr_text *out)
{
    bool good = true;
    if (node->alias) {
        orr_text_printf(out, "*%s", node->alias);
        return true;
    }
    if (node->kind == ORR_YAML_SCALAR)
        return orri_flat_scalar(f, node, out);
    if (!node->flow && node->n)
        return false;
    orri_put_anchor(out, node);
    if (node->kind == ORR_YAML_MAPPING)
        return orri_flat_mapping(f, block, false, node, out);
    orr_text_puts(out, "[");
    for (uint32_t i = 0; i < node->n && good; i++) {
        orr_text_puts(out, i ? ", " : "");
        good = orri_flat(f, block, node->items[i], out);
    }
    orr_text_puts(out, "]");
    return good;
}

/* ---- flow collections over several lines ---- */

enum { WRAPPED_LINES = 6 };

struct pieces {
    struct orr_text *items;
    bool *breaks; /* the author began a line with it */
    uint32_t n;
};

/* The items of a collection as texts of their own, with what stands behind each. */
static bool pieces_of(const struct orri_formatter *f, const struct orri_block *block,
                      bool named, orr_model_leaf node, struct pieces *out)
{
    bool mapping = node->kind == ORR_YAML_MAPPING;
    uint32_t *order = orri_order_of(f->arena, mapping && !named ? block : NULL, node);
    bool good = true;
    out->n = node->n;
    out->items = orr_alloc(node->n, sizeof *out->items);
    out->breaks = orr_arena_alloc(f->arena, (node->n + 1) * sizeof *out->breaks);
    for (uint32_t k = 0; k < node->n && good; k++) {
        uint32_t i = order[k];
        struct orr_text *text = &out->items[k];
        orr_model_leaf const *heads = mapping ? node->keys : node->items;
        out->breaks[k] = k > 0 && i == order[k - 1] + 1 && !heads[i]->alias &&
                         heads[i]->at.line > heads[i - 1]->at.line;
        const struct orri_key *key =
            mapping && !named ? orri_schema_key(block, node->keys[i]) : NULL;
        if (mapping) {
            orri_key_text(f, node->keys[i], text);
            orr_text_puts(text, ": ");
        }
        good = orri_flat(
            f, mapping && !named ? orri_block_below(key, node->items[i]) : block,
            node->items[i], text);
        orri_trim(text);
        orr_text_puts(text, k + 1 < node->n ? "," : mapping ? "}" : "]");
    }
    return good;
}

/* Lines that the pieces fill from column `indent` on; 0: one of them is too long. */
static int lines_for(const struct pieces *pieces, size_t indent)
{
    int lines = 1;
    size_t at = indent;
    for (uint32_t i = 0; i < pieces->n; i++) {
        size_t n = orri_characters(pieces->items[i].s);
        if (indent + n > ORRI_COLUMNS)
            return 0;
        if (pieces->breaks[i] || (i && at + 1 + n > ORRI_COLUMNS)) {
            lines++;
            at = indent;
        }
        at += n + (at > indent);
    }
    return lines;
}

/* [a, b, c] or {a: 1, b: 2} over a few lines, filled up to the margin. */
bool orri_put_wrapped(struct orri_formatter *f, const struct orri_block *block,
                      bool named, orr_model_leaf node)
{
    struct pieces pieces = { 0 };
    size_t space = f->line.length && f->line.s[f->line.length - 1] == ' ' ? 0 : 1;
    size_t indent = orri_characters(f->line.s) + space + 1;
    bool good = pieces_of(f, block, named, node, &pieces);
    int lines = good ? lines_for(&pieces, indent) : 0;
    good = lines > 0 && lines <= WRAPPED_LINES;
    if (good)
        orr_text_printf(&f->line, "%*s%s", (int)space, "",
                        node->kind == ORR_YAML_MAPPING ? "{" : "[");
    for (uint32_t i = 0; i < pieces.n; i++) {
        size_t n = orri_characters(pieces.items[i].s);
        if (good && i &&
            (pieces.breaks[i] || orri_characters(f->line.s) + 1 + n > ORRI_COLUMNS)) {
            orri_end_line(f);
            orri_indent_to(f, (int)indent);
        } else if (good && i) {
            orr_text_puts(&f->line, " ");
        }
        if (good)
            orr_text_puts(&f->line, pieces.items[i].s);
        orr_text_release(&pieces.items[i]);
    }
    free(pieces.items);
    if (good)
        orri_end_line(f);
    return good;
}
