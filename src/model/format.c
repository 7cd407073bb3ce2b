/* format.c - workflow and job files in their canonical form, comments kept
 *
 * Keys of a block stand in the order of the schema, values behind one blank (those of a
 * list of short ones in a column), blocks are indented by two. What the author wrote in
 * [] or {} stays so while it fits. Scalars keep their quotes: they say what is a text
 * and what an expression. A comment above an entry moves with it, one behind it stays
 * behind. Owns: the lines of the result. */
#include "model/format.h"

#include "base/map.h"
#include "model/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 96, STEP = 2, SPREAD_NAMES = 14, SPREAD_KEYS = 1 };

/* A key with its value, or an item of a list. */
struct entry {
    orr_model_leaf parent;
    size_t start; /* of the key or item */
    uint32_t line, column;
    size_t *above; /* comments before it */
    size_t n_above;
    size_t *below; /* comments after it, not less indented than it */
    size_t n_below;
    size_t behind; /* comment on its first line + 1 */
    bool blank;    /* a blank line before it and its comments */
    bool gap;      /* and one between them */
};

struct line {
    char *text;
    const char *comment; /* behind it, or NULL */
    size_t comment_length;
};

struct formatter {
    struct orr_yaml_document *document;
    struct orr_yaml_comment *comments;
    size_t n_comments;
    struct entry *entries;
    size_t n_entries, cap_entries;
    struct orr_map by_node; /* key or item -> entry + 1 */
    struct line *lines;
    size_t n_lines, cap_lines;
    struct orr_text line; /* being written */
    size_t behind;        /* its comment + 1 */
    size_t *head, n_head; /* comments of the file: before its first key, */
    size_t *foot, n_foot; /* and at its end */
    struct orr_arena *arena;
};

static void put_value(struct formatter *f, const struct orri_block *block,
                      orr_model_leaf node, int indent);
static void put_mapping(struct formatter *f, const struct orri_block *block, bool named,
                        orr_model_leaf node, int indent);

/* ---- entries and their comments ---- */

static void add_entry(struct formatter *f, orr_model_leaf parent, orr_model_leaf node)
{
    bool fresh = false;
    struct orr_span at = node->at;
    f->entries =
        orr_grow(f->entries, f->n_entries, &f->cap_entries, sizeof *f->entries);
    f->entries[f->n_entries++] =
        (struct entry) { .parent = parent,
                         .start = node->start,
                         .line = at.line,
                         .column = at.column ? at.column - 1 : 0 };
    *orr_map_insert(&f->by_node, (uint64_t)(uintptr_t)node, &fresh) = f->n_entries;
}

static void add_entries(struct formatter *f, orr_model_leaf node)
{
    for (uint32_t i = 0; !node->alias && i < node->n; i++) {
        bool mapping = node->kind == ORR_YAML_MAPPING;
        if (mapping || !node->items[i]->alias)
            add_entry(f, node, mapping ? node->keys[i] : node->items[i]);
        add_entries(f, node->items[i]);
    }
}

static struct entry *entry_of(const struct formatter *f, orr_model_leaf node)
{
    const uint64_t *at = orr_map_find(&f->by_node, (uint64_t)(uintptr_t)node);
    return at ? &f->entries[*at - 1] : NULL;
}

static bool has_comment(const struct formatter *f, orr_model_leaf node)
{
    for (size_t i = 0; i < f->n_comments; i++)
        if (f->comments[i].start > node->start && f->comments[i].start < node->end)
            return true;
    return false;
}

/* Does it stay in one line with what is around it? */
static bool stays_flow(const struct formatter *f, orr_model_leaf node)
{
    return node->kind != ORR_YAML_SCALAR && node->flow && !has_comment(f, node);
}

static void append(struct orr_arena *arena, size_t **list, size_t *n, size_t value)
{
    size_t *grown = orr_arena_alloc(arena, (*n + 1) * sizeof *grown);
    if (*n)
        memcpy(grown, *list, *n * sizeof *grown);
    grown[(*n)++] = value;
    *list = grown;
}

/* Entries are in the order of the file. The first one behind a byte, or n. */
static size_t first_after(const struct formatter *f, size_t start)
{
    size_t i = 0;
    while (i < f->n_entries &&
           (f->entries[i].start < start || stays_flow(f, f->entries[i].parent)))
        i++;
    return i;
}

static void attach_alone(struct formatter *f, size_t c)
{
    const struct orr_yaml_comment *comment = &f->comments[c];
    size_t next = first_after(f, comment->start);
    if (next == 0) {
        append(f->arena, &f->head, &f->n_head, c);
        return;
    }
    if (next == f->n_entries && comment->column == 0) {
        append(f->arena, &f->foot, &f->n_foot, c);
        return;
    }
    if (next < f->n_entries && comment->column <= f->entries[next].column) {
        append(f->arena, &f->entries[next].above, &f->entries[next].n_above, c);
        return;
    }
    size_t best = f->n_entries;
    for (size_t i = 0; i < next && i < f->n_entries; i++)
        if (f->entries[i].start < comment->start &&
            f->entries[i].column <= comment->column &&
            !stays_flow(f, f->entries[i].parent))
            best = i;
    bool beside = best < f->n_entries && next < f->n_entries &&
                  f->entries[best].column <= f->entries[next].column;
    if (beside)
        append(f->arena, &f->entries[next].above, &f->entries[next].n_above, c);
    else if (best < f->n_entries)
        append(f->arena, &f->entries[best].below, &f->entries[best].n_below, c);
    else if (next < f->n_entries)
        append(f->arena, &f->entries[next].above, &f->entries[next].n_above, c);
}

static void attach_behind(struct formatter *f, size_t c)
{
    const struct orr_yaml_comment *comment = &f->comments[c];
    size_t best = f->n_entries;
    for (size_t i = 0; i < f->n_entries; i++)
        if (f->entries[i].start < comment->start &&
            !stays_flow(f, f->entries[i].parent))
            best = i;
    if (best == f->n_entries)
        attach_alone(f, c);
    else if (f->entries[best].behind) /* of a value of several lines */
        append(f->arena, &f->entries[best].above, &f->entries[best].n_above, c);
    else
        f->entries[best].behind = c + 1;
}

static bool blank_line(const struct formatter *f, uint32_t line)
{
    const struct orr_yaml_document *d = f->document;
    if (line == 0 || line > d->n_lines)
        return false;
    for (size_t i = d->lines[line - 1]; i < d->length && d->source[i] != '\n'; i++)
        if (!strchr(" \t\r", d->source[i]))
            return false;
    return true;
}

static void attach_comments(struct formatter *f)
{
    for (size_t c = 0; c < f->n_comments; c++)
        if (f->comments[c].alone)
            attach_alone(f, c);
        else
            attach_behind(f, c);
    for (size_t i = 0; i < f->n_entries; i++) {
        struct entry *e = &f->entries[i];
        uint32_t top = e->n_above ? f->comments[e->above[0]].line : e->line;
        e->blank = blank_line(f, top - 1);
        e->gap = e->n_above && f->comments[e->above[e->n_above - 1]].alone &&
                 blank_line(f, e->line - 1);
    }
}

/* ---- lines ---- */

static void trim(struct orr_text *text)
{
    while (text->length && text->s[text->length - 1] == ' ')
        text->s[--text->length] = '\0';
}

static void end_line(struct formatter *f)
{
    struct line line = { 0 };
    trim(&f->line);
    line.text = orr_arena_strdup(f->arena, f->line.s ? f->line.s : "");
    if (f->behind) {
        const struct orr_yaml_comment *c = &f->comments[f->behind - 1];
        line.comment = f->document->source + c->start;
        line.comment_length = c->end - c->start;
    }
    f->lines = orr_grow(f->lines, f->n_lines, &f->cap_lines, sizeof *f->lines);
    f->lines[f->n_lines++] = line;
    f->behind = 0;
    orr_text_clear(&f->line);
}

static void indent_to(struct formatter *f, int indent)
{
    while (f->line.length < (size_t)indent)
        orr_text_puts(&f->line, " ");
}

static void put_blank(struct formatter *f)
{
    if (f->n_lines && *f->lines[f->n_lines - 1].text)
        end_line(f);
}

static void put_comments(struct formatter *f, const size_t *list, size_t n, int indent)
{
    for (size_t i = 0; i < n; i++) {
        const struct orr_yaml_comment *c = &f->comments[list[i]];
        if (blank_line(f, c->line - 1))
            put_blank(f);
        indent_to(f, indent);
        orr_text_append(&f->line, f->document->source + c->start, c->end - c->start);
        end_line(f);
    }
}

/* ---- scalars ---- */

static void put_anchor(struct orr_text *out, orr_model_leaf node)
{
    if (node->anchor)
        orr_text_printf(out, "&%s ", node->anchor);
}

static bool one_line(const struct formatter *f, orr_model_leaf node)
{
    return !memchr(f->document->source + node->start, '\n', node->end - node->start);
}

/* A scalar as one line: as it was written, or folded; false: it needs more. */
static bool flat_scalar(const struct formatter *f, orr_model_leaf node,
                        struct orr_text *out)
{
    const char *source = f->document->source + node->start;
    size_t length = node->end - node->start;
    if (node->style == ORR_YAML_BLOCK)
        return false;
    put_anchor(out, node);
    if (node->style == ORR_YAML_PLAIN) {
        orr_text_append(out, node->text, node->length);
        return !memchr(node->text, '\n', node->length);
    }
    if (one_line(f, node))
        orr_text_append(out, source, length);
    else
        orr_text_json(out, node->text, node->length);
    return true;
}

/* Blanks before each line that do not belong to the text. */
static size_t margin_of(orr_model_leaf node, const char *at, const char *end)
{
    const char *text = node->text;
    while (at < end && (*at == '\n' || *at == '\r' || at[strspn(at, " ")] == '\n' ||
                        at[strspn(at, " ")] == '\r'))
        at += strcspn(at, "\n") + 1;
    while (*text == '\n')
        text++;
    size_t have = at < end ? strspn(at, " ") : 0;
    size_t own = strspn(text, " ");
    return have > own ? have - own : 0;
}

/* The lines of a block scalar, or of a plain text with empty lines, moved to `indent`.
 */
static void put_lines(struct formatter *f, orr_model_leaf node, int indent)
{
    const char *at = f->document->source + node->start;
    const char *end = f->document->source + node->end;
    size_t first = strcspn(at, "\n");
    size_t margin = 0;
    if (node->style == ORR_YAML_BLOCK) {
        size_t header = first < (size_t)(end - at) ? first : (size_t)(end - at);
        const char *comment = memchr(at, '#', header);
        size_t words = comment ? (size_t)(comment - at) : header;
        for (size_t i = 0; i < words; i++) /* the depth is ours now */
            if (at[i] < '1' || at[i] > '9')
                orr_text_append(&f->line, at + i, 1);
        if (memchr(node->text, ' ', node->length ? 1 : 0))
            orr_text_printf(&f->line, "%d", STEP);
    } else {
        orr_text_append(&f->line, at, first);
    }
    end_line(f);
    at += first + (at[first] == '\n');
    while (end > at && (end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\r'))
        end--;
    margin = margin_of(node, at, end);
    while (at < end) {
        size_t n = strcspn(at, "\r\n");
        n = n < (size_t)(end - at) ? n : (size_t)(end - at);
        if (n > margin) {
            indent_to(f, indent);
            orr_text_append(&f->line, at + margin, n - margin);
        }
        end_line(f);
        at += n + (at[n] == '\r');
        at += at < end && *at == '\n';
    }
}

/* ---- flow collections ---- */

static bool flat(const struct formatter *f, const struct orri_block *block,
                 orr_model_leaf node, struct orr_text *out);

static void key_text(const struct formatter *f, orr_model_leaf key,
                     struct orr_text *out)
{
    put_anchor(out, key);
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

static uint32_t *order_of(struct orr_arena *arena, const struct orri_block *block,
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

static const struct orri_key *schema_key(const struct orri_block *block,
                                         orr_model_leaf key)
{
    for (const struct orri_key *k = block ? block->keys : NULL; k && k->name; k++)
        if (strcmp(k->name, key->text) == 0)
            return k;
    return NULL;
}

/* The block that the values of a key's list or mapping have, or that the value has. */
static const struct orri_block *block_below(const struct orri_key *key,
                                            orr_model_leaf node)
{
    if (!key || !key->block)
        return NULL;
    return key->shape == ORRI_BLOCK || node->kind == ORR_YAML_MAPPING ||
                   node->kind == ORR_YAML_SEQUENCE
               ? key->block
               : NULL;
}

static bool is_named(const struct orri_key *key)
{
    return key && key->shape == ORRI_NAMED;
}

static bool flat_mapping(const struct formatter *f, const struct orri_block *block,
                         bool named, orr_model_leaf node, struct orr_text *out)
{
    uint32_t *order = order_of(f->arena, named ? NULL : block, node);
    bool good = true;
    orr_text_puts(out, "{");
    for (uint32_t k = 0; k < node->n && good; k++) {
        uint32_t i = order[k];
        const struct orri_key *key = named ? NULL : schema_key(block, node->keys[i]);
        orr_text_puts(out, k ? ", " : "");
        key_text(f, node->keys[i], out);
        orr_text_puts(out, ":");
        if (node->items[i]->alias || node->items[i]->end > node->items[i]->start)
            orr_text_puts(out, " ");
        if (node->items[i]->kind == ORR_YAML_MAPPING && is_named(key))
            good = flat_mapping(f, key->block, true, node->items[i], out);
        else
            good = flat(f, named ? block : block_below(key, node->items[i]),
                        node->items[i], out);
    }
    orr_text_puts(out, "}");
    return good;
}

static bool flat(const struct formatter *f, const struct orri_block *block,
                 orr_model_leaf node, struct orr_text *out)
{
    bool good = true;
    if (node->alias) {
        orr_text_printf(out, "*%s", node->alias);
        return true;
    }
    if (node->kind == ORR_YAML_SCALAR)
        return flat_scalar(f, node, out);
    if (!node->flow && node->n)
        return false;
    put_anchor(out, node);
    if (node->kind == ORR_YAML_MAPPING)
        return flat_mapping(f, block, false, node, out);
    orr_text_puts(out, "[");
    for (uint32_t i = 0; i < node->n && good; i++) {
        orr_text_puts(out, i ? ", " : "");
        good = flat(f, block, node->items[i], out);
    }
    orr_text_puts(out, "]");
    return good;
}

static size_t characters(const char *s)
{
    size_t n = 0;
    for (; s && *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

/* ---- flow collections over several lines ---- */

enum { WRAPPED_LINES = 6 };

struct pieces {
    struct orr_text *items;
    bool *breaks; /* the author began a line with it */
    uint32_t n;
};

/* The items of a collection as texts of their own, with what stands behind each. */
static bool pieces_of(const struct formatter *f, const struct orri_block *block,
                      bool named, orr_model_leaf node, struct pieces *out)
{
    bool mapping = node->kind == ORR_YAML_MAPPING;
    uint32_t *order = order_of(f->arena, mapping && !named ? block : NULL, node);
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
            mapping && !named ? schema_key(block, node->keys[i]) : NULL;
        if (mapping) {
            key_text(f, node->keys[i], text);
            orr_text_puts(text, ": ");
        }
        good = flat(f, mapping && !named ? block_below(key, node->items[i]) : block,
                    node->items[i], text);
        trim(text);
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
        size_t n = characters(pieces->items[i].s);
        if (indent + n > COLUMNS)
            return 0;
        if (pieces->breaks[i] || (i && at + 1 + n > COLUMNS)) {
            lines++;
            at = indent;
        }
        at += n + (at > indent);
    }
    return lines;
}

/* [a, b, c] or {a: 1, b: 2} over a few lines, filled up to the margin. */
static bool put_wrapped(struct formatter *f, const struct orri_block *block, bool named,
                        orr_model_leaf node)
{
    struct pieces pieces = { 0 };
    size_t space = f->line.length && f->line.s[f->line.length - 1] == ' ' ? 0 : 1;
    size_t indent = characters(f->line.s) + space + 1;
    bool good = pieces_of(f, block, named, node, &pieces);
    int lines = good ? lines_for(&pieces, indent) : 0;
    good = lines > 0 && lines <= WRAPPED_LINES;
    if (good)
        orr_text_printf(&f->line, "%*s%s", (int)space, "",
                        node->kind == ORR_YAML_MAPPING ? "{" : "[");
    for (uint32_t i = 0; i < pieces.n; i++) {
        size_t n = characters(pieces.items[i].s);
        if (good && i &&
            (pieces.breaks[i] || characters(f->line.s) + 1 + n > COLUMNS)) {
            end_line(f);
            indent_to(f, (int)indent);
        } else if (good && i) {
            orr_text_puts(&f->line, " ");
        }
        if (good)
            orr_text_puts(&f->line, pieces.items[i].s);
        orr_text_release(&pieces.items[i]);
    }
    free(pieces.items);
    if (good)
        end_line(f);
    return good;
}

/* ---- blocks ---- */

/* The value in the line that was begun, when it fits. */
static bool put_flat(struct formatter *f, const struct orri_block *block, bool named,
                     orr_model_leaf node)
{
    struct orr_text text = ORR_TEXT_INIT;
    bool good = node->alias || !has_comment(f, node);
    if (good && named && node->kind == ORR_YAML_MAPPING && node->flow && !node->alias) {
        put_anchor(&text, node);
        good = flat_mapping(f, block, true, node, &text);
    } else {
        good = good && flat(f, block, node, &text);
    }
    bool scalar = node->alias || node->kind == ORR_YAML_SCALAR || node->n == 0;
    good =
        good && (scalar || characters(f->line.s) + 1 + characters(text.s) <= COLUMNS);
    if (good && text.length) {
        if (f->line.length && f->line.s[f->line.length - 1] != ' ')
            orr_text_puts(&f->line, " ");
        orr_text_puts(&f->line, text.s);
    }
    orr_text_release(&text);
    return good;
}

static void begin_entry(struct formatter *f, const struct entry *e, int indent,
                        bool blank)
{
    if (e && (e->blank || blank))
        put_blank(f);
    if (e)
        put_comments(f, e->above, e->n_above, indent);
    if (e && e->gap)
        put_blank(f);
    indent_to(f, indent);
    if (e && e->behind)
        f->behind = e->behind;
}

static void end_entry(struct formatter *f, const struct entry *e, int indent)
{
    if (e)
        put_comments(f, e->below, e->n_below, indent);
}

/* How far the values of entries k.. are moved to stand in one column; 0: not. The run
 * of those that belong together ends at *last. */
static size_t column_of(const struct formatter *f, orr_model_leaf node, bool schema,
                        const uint32_t *order, uint32_t k, uint32_t *last)
{
    size_t spread = schema ? SPREAD_KEYS : SPREAD_NAMES;
    size_t least = SIZE_MAX;
    size_t most = 0;
    size_t before = 0; /* without the one in hand */
    for (*last = k; *last < node->n; ++*last) {
        const struct entry *e = entry_of(f, node->keys[order[*last]]);
        orr_model_leaf item = node->items[order[*last]];
        if (*last > k && e && (e->blank || e->n_above))
            break;
        if (item->kind == ORR_YAML_SCALAR || !stays_flow(f, item) || item->alias)
            break;
        size_t n = characters(node->keys[order[*last]]->text);
        least = n < least ? n : least;
        most = n > most ? n : most;
        if (most - least > spread)
            return *last > k + 1 ? before : 0;
        before = most;
    }
    return *last > k + 1 ? most : 0;
}

/* Sections of a file have an empty line around them. */
static bool is_section(const struct orri_block *block, orr_model_leaf item)
{
    return (block == &orri_workflow_block || block == &orri_job_block) &&
           item->kind != ORR_YAML_SCALAR && !item->flow;
}

static void put_entry(struct formatter *f, const struct orri_block *block, bool named,
                      orr_model_leaf key, orr_model_leaf item, int indent,
                      size_t column)
{
    const struct orri_key *row = named ? NULL : schema_key(block, key);
    const struct orri_block *below = named ? block : block_below(row, item);
    size_t start = f->line.length;
    key_text(f, key, &f->line);
    orr_text_puts(&f->line, ":");
    if (column)
        indent_to(f, (int)(start + column) + 2);
    if (put_flat(f, below, is_named(row), item)) {
        end_line(f);
        return;
    }
    trim(&f->line);
    if (stays_flow(f, item) && !item->anchor && item->n &&
        put_wrapped(f, below, is_named(row), item))
        return;
    if (item->kind == ORR_YAML_MAPPING && is_named(row)) {
        if (item->anchor)
            orr_text_printf(&f->line, " &%s", item->anchor);
        end_line(f);
        put_mapping(f, below, true, item, indent + STEP);
        return;
    }
    put_value(f, below, item, indent);
}

static void put_mapping(struct formatter *f, const struct orri_block *block, bool named,
                        orr_model_leaf node, int indent)
{
    uint32_t *order = order_of(f->arena, named ? NULL : block, node);
    uint32_t aligned = 0;
    size_t column = 0;
    for (uint32_t k = 0; k < node->n; k++) {
        orr_model_leaf key = node->keys[order[k]];
        const struct entry *e = entry_of(f, key);
        if (k >= aligned) {
            column = column_of(f, node, block && !named, order, k, &aligned);
            aligned = aligned > k ? aligned : k + 1;
        }
        bool first_in_item = k == 0 && f->line.length; /* behind "- " */
        if (first_in_item)
            f->behind = e && e->behind ? e->behind : f->behind;
        else
            begin_entry(f, e, indent,
                        k && (is_section(block, node->items[order[k]]) ||
                              is_section(block, node->items[order[k - 1]])));
        put_entry(f, block, named, key, node->items[order[k]], indent, column);
        end_entry(f, e, indent);
    }
}

static bool is_rule(const struct orri_block *block)
{
    return block && block->keys[0].name && strcmp(block->keys[0].name, "rule") == 0;
}

static void put_sequence(struct formatter *f, const struct orri_block *block,
                         orr_model_leaf node, int indent)
{
    for (uint32_t i = 0; i < node->n; i++) {
        orr_model_leaf item = node->items[i];
        const struct entry *e = entry_of(f, item);
        const struct entry *first =
            item->kind == ORR_YAML_MAPPING && item->n && !item->alias
                ? entry_of(f, item->keys[0])
                : NULL;
        begin_entry(f, e, indent, i && is_rule(block) && !stays_flow(f, item));
        if (first && first != e && first->n_above)
            put_comments(f, first->above, first->n_above, indent), indent_to(f, indent);
        orr_text_puts(&f->line, "- ");
        if (put_flat(f, block, false, item)) {
            end_line(f);
        } else if (stays_flow(f, item) && !item->anchor && item->n &&
                   put_wrapped(f, block, false, item)) {
        } else if (item->kind == ORR_YAML_MAPPING && !item->anchor)
            put_mapping(f, block, false, item, indent + STEP);
        else
            put_value(f, block, item, indent);
        end_entry(f, e, indent);
    }
}

/* Behind a key or a dash, in the lines that follow. */
static void put_value(struct formatter *f, const struct orri_block *block,
                      orr_model_leaf node, int indent)
{
    if (node->kind == ORR_YAML_SCALAR) {
        orr_text_puts(&f->line, " ");
        if (node->anchor)
            orr_text_printf(&f->line, "&%s ", node->anchor);
        put_lines(f, node, indent + STEP);
        return;
    }
    if (node->anchor)
        orr_text_printf(&f->line, " &%s", node->anchor);
    end_line(f);
    if (node->kind == ORR_YAML_MAPPING)
        put_mapping(f, block, false, node, indent + STEP);
    else
        put_sequence(f, block, node, indent + STEP);
}

/* ---- the whole ---- */

/* Comments behind lines that follow each other stand in one column. */
static void put_all_lines(const struct formatter *f, struct orr_text *out)
{
    for (size_t i = 0; i < f->n_lines;) {
        size_t most = 0;
        size_t last = i;
        for (; last < f->n_lines && f->lines[last].comment; last++)
            if (characters(f->lines[last].text) > most)
                most = characters(f->lines[last].text);
        for (; i < last; i++)
            orr_text_printf(out, "%s%*s  %.*s\n", f->lines[i].text,
                            (int)(most - characters(f->lines[i].text)), "",
                            (int)f->lines[i].comment_length, f->lines[i].comment);
        if (i < f->n_lines && !f->lines[i].comment)
            orr_text_printf(out, "%s\n", f->lines[i++].text);
    }
}

/* Do both say the same, the order of keys aside? */
static bool same(orr_model_leaf a, orr_model_leaf b)
{
    bool quoted_a = a->style == ORR_YAML_SINGLE || a->style == ORR_YAML_DOUBLE;
    bool quoted_b = b->style == ORR_YAML_SINGLE || b->style == ORR_YAML_DOUBLE;
    if (a->kind != b->kind || a->n != b->n)
        return false;
    if (a->kind == ORR_YAML_SCALAR)
        return strcmp(a->text, b->text) == 0 && quoted_a == quoted_b &&
               (a->style == ORR_YAML_BLOCK) == (b->style == ORR_YAML_BLOCK);
    for (uint32_t i = 0; i < a->n; i++) {
        orr_model_leaf other = a->kind == ORR_YAML_MAPPING
                                   ? orr_yaml_find(b, a->keys[i]->text)
                                   : b->items[i];
        if (!other || !same(a->items[i], other))
            return false;
    }
    return true;
}

static void format(struct formatter *f, const struct orri_block *block)
{
    orr_model_leaf root = f->document->root;
    f->comments = orr_yaml_comments(f->document, &f->n_comments);
    add_entries(f, root);
    attach_comments(f);
    put_comments(f, f->head, f->n_head, 0);
    if (f->n_head && blank_line(f, root->at.line - 1))
        put_blank(f);
    put_mapping(f, block, false, root, 0);
    put_comments(f, f->foot, f->n_foot, 0);
}

/* The form of a document whose root is a block mapping. */
static void format_document(struct orr_yaml_document *document, struct orr_text *out)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct formatter f = { .arena = &arena, .document = document };
    bool job = orr_yaml_find(document->root, "job") != NULL;
    format(&f, job ? &orri_job_block : &orri_workflow_block);
    put_all_lines(&f, out);
    orr_map_release(&f.by_node);
    orr_text_release(&f.line);
    free(f.entries);
    free(f.lines);
    orr_arena_release(&arena);
}

/* Does `after` say what the document says, and is it its own form? */
static bool is_settled(const struct orr_yaml_document *before,
                       const struct orr_text *after)
{
    struct orr_diags quiet = { 0 };
    struct orr_text again = ORR_TEXT_INIT;
    struct orr_yaml_document *document =
        orr_yaml_parse(before->file, after->s, after->length, &quiet);
    bool good = document && same(before->root, document->root);
    if (good)
        format_document(document, &again);
    good = good && strcmp(after->s, again.s) == 0;
    orr_yaml_free(document);
    orr_text_release(&again);
    orr_diags_release(&quiet);
    return good;
}

orr_status orr_model_format(const char *file, const char *text, size_t length,
                            struct orr_text *out, struct orr_diags *diags,
                            struct orr_error *err)
{
    struct orr_yaml_document *document = orr_yaml_parse(file, text, length, diags);
    struct orr_text formatted = ORR_TEXT_INIT;
    orr_status status = ORR_OK;
    if (!document)
        return ORR_ERR_INPUT;
    if (document->root->kind == ORR_YAML_MAPPING && !document->root->flow) {
        format_document(document, &formatted);
        if (is_settled(document, &formatted))
            orr_text_append(out, formatted.s, formatted.length);
        else
            status =
                orr_error_set(err, ORR_ERR_LIMIT, document->root->at,
                              "it is left as it is: another form would change what "
                              "it says");
    } else {
        orr_diag_error(diags, document->root->at, "E0303",
                       "a file is a mapping of keys, not a list, a value or {...}");
        status = ORR_ERR_INPUT;
    }
    orr_text_release(&formatted);
    orr_yaml_free(document);
    return status;
}
