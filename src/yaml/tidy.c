/* tidy.c - what a collection's children must be: keys that are names, each once, and
 * commas inside parentheses that libyaml took for separators */
#include "yaml/internal.h"

#include "base/hash.h"
#include "base/map.h"

#include <inttypes.h>
#include <string.h>

void orri_yaml_list_add(struct orri_yaml_list *list, const struct orr_yaml_node *node,
                        struct orr_arena *arena)
{
    if (list->n == list->cap) {
        uint32_t cap = list->cap ? 2 * list->cap : 8;
        const struct orr_yaml_node **nodes =
            orr_arena_alloc(arena, cap * sizeof *nodes);
        if (list->n)
            memcpy(nodes, list->nodes, list->n * sizeof *nodes);
        list->nodes = nodes;
        list->cap = cap;
    }
    list->nodes[list->n++] = node;
}

static bool is_plain(const struct orr_yaml_node *node)
{
    return node->kind == ORR_YAML_SCALAR && node->style == ORR_YAML_PLAIN;
}

/* ( minus ) outside of quotes; strings of expressions may hold either. */
struct nesting {
    int open;
    char quote;
};

static void count_parentheses(struct nesting *nesting, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (nesting->quote)
            nesting->quote = c == nesting->quote ? '\0' : nesting->quote;
        else if (c == '"' || c == '\'')
            nesting->quote = c;
        else
            nesting->open += (c == '(') - (c == ')');
    }
}

/* The source from one plain scalar to another as one plain scalar. */
static const struct orr_yaml_node *joined(struct orr_yaml_document *document,
                                          const struct orr_yaml_node *first,
                                          const struct orr_yaml_node *last)
{
    struct orr_yaml_node *node = orr_arena_alloc(&document->arena, sizeof *node);
    *node = *first;
    node->end = last->end;
    char *text = orr_arena_strndup(&document->arena, document->source + first->start,
                                   last->end - first->start);
    for (char *c = text; *c; c++) /* folding, without a change of length */
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    node->text = text;
    node->length = strlen(text);
    return node;
}

/* From nodes[i], the index of the plain scalar whose parentheses close those of
 * nodes[i]; `stride` 2 for mappings, whose further parts are keys without values.
 * `budget`: bytes that may be looked at, so that a list of open ones ends too. */
static uint32_t closing(const struct orr_yaml_document *document,
                        const struct orri_yaml_list *list, uint32_t i, uint32_t stride,
                        size_t *budget)
{
    const struct orr_yaml_node *first = list->nodes[i];
    struct nesting nesting = { 0 };
    if (!is_plain(first))
        return i;
    count_parentheses(&nesting, first->text, first->length);
    if (nesting.open <= 0)
        return i;
    nesting = (struct nesting) { 0 };
    size_t done = first->start;
    for (uint32_t k = i; k < list->n && is_plain(list->nodes[k]);
         k += k == i ? 1 : stride) {
        const struct orr_yaml_node *part = list->nodes[k];
        if (part->end < done || part->end - done > *budget)
            return i;
        if (k > i && stride == 2 &&
            list->nodes[k + 1]->start != list->nodes[k + 1]->end)
            return i;
        count_parentheses(&nesting, document->source + done, part->end - done);
        *budget -= part->end - done;
        done = part->end;
        if (k > i && nesting.open == 0)
            return k;
    }
    return i;
}

static void join_commas(struct orr_yaml_document *document, struct orri_yaml_list *list,
                        bool mapping)
{
    uint32_t stride = mapping ? 2 : 1;
    uint32_t kept = 0;
    size_t budget = 65536;
    if (list->n)
        budget += 16 * (document->length - list->nodes[0]->start);
    for (uint32_t i = 0; i < list->n; i++) {
        uint32_t last =
            !mapping || i % 2 ? closing(document, list, i, stride, &budget) : i;
        const struct orr_yaml_node *node =
            last == i ? list->nodes[i]
                      : joined(document, list->nodes[i], list->nodes[last]);
        list->nodes[kept++] = node;
        i = last == i ? i : last + (mapping ? 1 : 0);
    }
    list->n = kept;
}

/* Is `key`, which would be the next of `node`, a new one? Reports when not. */
static bool is_new(const struct orr_yaml_node *node, const struct orr_yaml_node *key,
                   struct orr_map *seen, struct orr_diags *diags)
{
    bool fresh = false;
    uint64_t *first =
        orr_map_insert(seen, orr_hash64(key->text, key->length, 0), &fresh);
    if (fresh)
        *first = node->n;
    if (fresh || strcmp(node->keys[*first]->text, key->text) != 0)
        return true;
    orr_diag_error(diags, key->at, "E0104",
                   "key '%s' stands twice; first in line %" PRIu32 ", column %" PRIu32,
                   key->text, node->keys[*first]->at.line,
                   node->keys[*first]->at.column);
    return false;
}

/* Of a key that stands twice the first is kept. */
static bool close_mapping(struct orr_yaml_document *document,
                          struct orr_yaml_node *node, const struct orri_yaml_list *list,
                          struct orr_diags *diags)
{
    uint32_t n = list->n / 2;
    struct orr_map seen = ORR_MAP_INIT;
    bool good = true;
    const struct orr_yaml_node **keys =
        orr_arena_alloc(&document->arena, n * sizeof *keys);
    const struct orr_yaml_node **items =
        orr_arena_alloc(&document->arena, n * sizeof *items);
    node->keys = keys;
    node->items = items;
    for (uint32_t i = 0; i < n; i++) {
        const struct orr_yaml_node *key = list->nodes[2 * i];
        if (key->kind != ORR_YAML_SCALAR) {
            orr_diag_error(diags, key->at, "E0110", "a key must be a name, not a %s",
                           key->kind == ORR_YAML_MAPPING ? "mapping" : "list");
            good = false;
        } else if (is_new(node, key, &seen, diags)) {
            keys[node->n] = key;
            items[node->n++] = list->nodes[2 * i + 1];
        }
    }
    orr_map_release(&seen);
    return good;
}

bool orri_yaml_close(struct orr_yaml_document *document, struct orr_yaml_node *node,
                     struct orri_yaml_list *list, struct orr_diags *diags)
{
    for (uint32_t i = 0; i < list->n; i++)
        node->weight +=
            list->nodes[i]->weight; /* at most ORR_YAML_NODES: see spend() */
    if (node->flow)
        join_commas(document, list, node->kind == ORR_YAML_MAPPING);
    if (node->kind == ORR_YAML_MAPPING)
        return close_mapping(document, node, list, diags);
    node->items = list->nodes;
    node->n = list->n;
    return true;
}
