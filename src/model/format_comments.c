/* format_comments.c - which entry of a file each comment belongs to
 * Owns: the entries. */
#include "model/format_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- entries and their comments ---- */

static void add_entry(struct orri_formatter *f, orr_model_leaf parent,
                      orr_model_leaf node)
{
    bool fresh = false;
    struct orr_span at = node->at;
    f->entries =
        orr_grow(f->entries, f->n_entries, &f->cap_entries, sizeof *f->entries);
    f->entries[f->n_entries++] =
        (struct orri_entry) { .parent = parent,
                              .start = node->start,
                              .line = at.line,
                              .column = at.column ? at.column - 1 : 0 };
    *orr_map_insert(&f->by_node, (uint64_t)(uintptr_t)node, &fresh) = f->n_entries;
}

void orri_add_entries(struct orri_formatter *f, orr_model_leaf node)
{
    for (uint32_t i = 0; !node->alias && i < node->n; i++) {
        bool mapping = node->kind == ORR_YAML_MAPPING;
        if (mapping || !node->items[i]->alias)
            add_entry(f, node, mapping ? node->keys[i] : node->items[i]);
        orri_add_entries(f, node->items[i]);
    }
}

struct orri_entry *orri_entry_of(const struct orri_formatter *f, orr_model_leaf node)
{
    const uint64_t *at = orr_map_find(&f->by_node, (uint64_t)(uintptr_t)node);
    return at ? &f->entries[*at - 1] : NULL;
}

/* Comments are in the order of the file: the first one behind a byte, or n. */
static size_t comment_after(const struct orri_formatter *f, size_t start)
{
    size_t low = 0;
    size_t high = f->n_comments;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->comments[middle].start > start)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool orri_has_comment(const struct orri_formatter *f, orr_model_leaf node)
{
    size_t at = comment_after(f, node->start);
    return at < f->n_comments && f->comments[at].start < node->end;
}

/* Does it stay in one line with what is around it? */
bool orri_stays_flow(const struct orri_formatter *f, orr_model_leaf node)
{
    return node->kind != ORR_YAML_SCALAR && node->flow && !orri_has_comment(f, node);
}

/* A list in the arena: it doubles when its length is a power of two. */
static void append(struct orr_arena *arena, size_t **list, size_t *n, size_t value)
{
    if ((*n & (*n - 1)) == 0) {
        size_t *grown = orr_arena_alloc(arena, (*n ? 2 * *n : 1) * sizeof *grown);
        if (*n)
            memcpy(grown, *list, *n * sizeof *grown);
        *list = grown;
    }
    (*list)[(*n)++] = value;
}

/* Entries are in the order of the file: the first one that is not in a line with others
 * and not before a byte, or n. */
static size_t first_after(const struct orri_formatter *f, size_t start)
{
    size_t low = 0;
    size_t high = f->n_entries;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->entries[middle].start < start)
            low = middle + 1;
        else
            high = middle;
    }
    while (low < f->n_entries && orri_stays_flow(f, f->entries[low].parent))
        low++;
    return low;
}

/* The last one before `next` that starts before a byte and is not more indented than
 * `column`; or n. */
static size_t last_before(const struct orri_formatter *f, size_t next, size_t start,
                          uint32_t column)
{
    for (size_t i = next; i-- > 0;)
        if (f->entries[i].start < start && f->entries[i].column <= column &&
            !orri_stays_flow(f, f->entries[i].parent))
            return i;
    return f->n_entries;
}

static void attach_alone(struct orri_formatter *f, size_t c)
{
    const struct orr_yaml_comment *comment = &f->comments[c];
    size_t next = first_after(f, comment->start);
    bool last = next == f->n_entries;
    if (next == 0) {
        append(f->arena, &f->head, &f->n_head, c);
        return;
    }
    if (last && comment->column == 0) {
        append(f->arena, &f->foot, &f->n_foot, c);
        return;
    }
    size_t best = last_before(f, next, comment->start, comment->column);
    bool above =
        !last && (comment->column <= f->entries[next].column || best == f->n_entries ||
                  f->entries[best].column <= f->entries[next].column);
    if (above)
        append(f->arena, &f->entries[next].above, &f->entries[next].n_above, c);
    else if (best < f->n_entries)
        append(f->arena, &f->entries[best].below, &f->entries[best].n_below, c);
    else
        append(f->arena, &f->foot, &f->n_foot, c);
}

static void attach_behind(struct orri_formatter *f, size_t c)
{
    const struct orr_yaml_comment *comment = &f->comments[c];
    size_t best =
        last_before(f, first_after(f, comment->start), comment->start, UINT32_MAX);
    if (best == f->n_entries)
        attach_alone(f, c);
    else if (f->entries[best].behind) /* of a value of several lines */
        append(f->arena, &f->entries[best].above, &f->entries[best].n_above, c);
    else
        f->entries[best].behind = c + 1;
}

bool orri_blank_line(const struct orri_formatter *f, uint32_t line)
{
    const struct orr_yaml_document *d = f->document;
    if (line == 0 || line > d->n_lines)
        return false;
    for (size_t i = d->lines[line - 1]; i < d->length && d->source[i] != '\n'; i++)
        if (!strchr(" \t\r", d->source[i]))
            return false;
    return true;
}

void orri_attach_comments(struct orri_formatter *f)
{
    for (size_t c = 0; c < f->n_comments; c++)
        if (f->comments[c].alone)
            attach_alone(f, c);
        else
            attach_behind(f, c);
    for (size_t i = 0; i < f->n_entries; i++) {
        struct orri_entry *e = &f->entries[i];
        uint32_t top = e->n_above ? f->comments[e->above[0]].line : e->line;
        bool begins = i == 0 || f->entries[i - 1].line < e->line;
        e->blank = (begins || e->n_above) && orri_blank_line(f, top - 1);
        e->gap = e->n_above && f->comments[e->above[e->n_above - 1]].alone &&
                 orri_blank_line(f, e->line - 1);
    }
}
