/* format.c - workflow and job files in their canonical form, comments kept
 *
 * Keys of a block stand in the order of the schema, values behind one blank (those of a
 * list of short ones in a column), blocks are indented by two. What the author wrote in
 * [] or {} stays so while it fits. Scalars keep their quotes: they say what is a text
 * and what an expression. A comment above an entry moves with it, one behind it stays
 * behind. Owns: the lines of the result. */
#include "model/format.h"

#include "model/format_internal.h"

#include <stdlib.h>
#include <string.h>

enum { SPREAD_NAMES = 14, SPREAD_KEYS = 1 };

static void put_value(struct orri_formatter *f, const struct orri_block *block,
                      orr_model_leaf node, int indent);
static void put_mapping(struct orri_formatter *f, const struct orri_block *block,
                        bool named, orr_model_leaf node, int indent);

/* ---- blocks ---- */

/* The value in the line that was begun, when it fits. */
static bool put_flat(struct orri_formatter *f, const struct orri_block *block,
                     bool named, orr_model_leaf node)
{
    struct orr_text text = ORR_TEXT_INIT;
    bool good = node->alias || !orri_has_comment(f, node);
    if (good && named && node->kind == ORR_YAML_MAPPING && node->flow && !node->alias) {
        orri_put_anchor(&text, node);
        good = orri_flat_mapping(f, block, true, node, &text);
    } else {
        good = good && orri_flat(f, block, node, &text);
    }
    bool scalar = node->alias || node->kind == ORR_YAML_SCALAR || node->n == 0;
    good = good &&
           (scalar ||
            orri_characters(f->line.s) + 1 + orri_characters(text.s) <= ORRI_COLUMNS);
    if (good && text.length) {
        if (f->line.length && f->line.s[f->line.length - 1] != ' ')
            orr_text_puts(&f->line, " ");
        orr_text_puts(&f->line, text.s);
    }
    orr_text_release(&text);
    return good;
}

static void begin_entry(struct orri_formatter *f, const struct orri_entry *e,
                        int indent, bool blank)
{
    if (e && (e->blank || blank))
        orri_put_blank(f);
    if (e)
        orri_put_comments(f, e->above, e->n_above, indent);
    if (e && e->gap)
        orri_put_blank(f);
    orri_indent_to(f, indent);
    if (e && e->behind)
        f->behind = e->behind;
}

static void end_entry(struct orri_formatter *f, const struct orri_entry *e, int indent)
{
    if (e)
        orri_put_comments(f, e->below, e->n_below, indent);
}

/* How far the values of entries k.. are moved to stand in one column; 0: not. The run
 * of those that belong together ends at *last. */
static size_t column_of(const struct orri_formatter *f, orr_model_leaf node,
                        bool schema, const uint32_t *order, uint32_t k, uint32_t *last)
{
    size_t spread = schema ? SPREAD_KEYS : SPREAD_NAMES;
    size_t least = SIZE_MAX;
    size_t most = 0;
    size_t before = 0; /* without the one in hand */
    for (*last = k; *last < node->n; ++*last) {
        const struct orri_entry *e = orri_entry_of(f, node->keys[order[*last]]);
        orr_model_leaf item = node->items[order[*last]];
        if (*last > k && e && (e->blank || e->n_above))
            break;
        if (item->kind == ORR_YAML_SCALAR || !orri_stays_flow(f, item) || item->alias)
            break;
        size_t n = orri_characters(node->keys[order[*last]]->text);
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

static void put_entry(struct orri_formatter *f, const struct orri_block *block,
                      bool named, orr_model_leaf key, orr_model_leaf item, int indent,
                      size_t column)
{
    const struct orri_key *row = named ? NULL : orri_schema_key(block, key);
    const struct orri_block *below = named ? block : orri_block_below(row, item);
    size_t start = f->line.length;
    orri_key_text(f, key, &f->line);
    orr_text_puts(&f->line, ":");
    if (column)
        orri_indent_to(f, (int)(start + column) + 2);
    if (put_flat(f, below, orri_is_named(row), item)) {
        orri_end_line(f);
        return;
    }
    orri_trim(&f->line);
    if (orri_stays_flow(f, item) && !item->anchor && item->n &&
        orri_put_wrapped(f, below, orri_is_named(row), item))
        return;
    if (item->kind == ORR_YAML_MAPPING && orri_is_named(row)) {
        if (item->anchor)
            orr_text_printf(&f->line, " &%s", item->anchor);
        orri_end_line(f);
        put_mapping(f, below, true, item, indent + ORRI_STEP);
        return;
    }
    put_value(f, below, item, indent);
}

static void put_mapping(struct orri_formatter *f, const struct orri_block *block,
                        bool named, orr_model_leaf node, int indent)
{
    uint32_t *order = orri_order_of(f->arena, named ? NULL : block, node);
    uint32_t aligned = 0;
    size_t column = 0;
    for (uint32_t k = 0; k < node->n; k++) {
        orr_model_leaf key = node->keys[order[k]];
        const struct orri_entry *e = orri_entry_of(f, key);
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

static void put_sequence(struct orri_formatter *f, const struct orri_block *block,
                         orr_model_leaf node, int indent)
{
    for (uint32_t i = 0; i < node->n; i++) {
        orr_model_leaf item = node->items[i];
        const struct orri_entry *e = orri_entry_of(f, item);
        const struct orri_entry *first =
            item->kind == ORR_YAML_MAPPING && item->n && !item->alias
                ? orri_entry_of(f, item->keys[0])
                : NULL;
        begin_entry(f, e, indent, i && is_rule(block) && !orri_stays_flow(f, item));
        if (first && first != e && first->n_above)
            orri_put_comments(f, first->above, first->n_above, indent),
                orri_indent_to(f, indent);
        orr_text_puts(&f->line, "- ");
        if (put_flat(f, block, false, item)) {
            orri_end_line(f);
        } else if (orri_stays_flow(f, item) && !item->anchor && item->n &&
                   orri_put_wrapped(f, block, false, item)) {
        } else if (item->kind == ORR_YAML_MAPPING && !item->anchor)
            put_mapping(f, block, false, item, indent + ORRI_STEP);
        else
            put_value(f, block, item, indent);
        end_entry(f, e, indent);
    }
}

/* Behind a key or a dash, in the lines that follow. */
static void put_value(struct orri_formatter *f, const struct orri_block *block,
                      orr_model_leaf node, int indent)
{
    if (node->kind == ORR_YAML_SCALAR) {
        orr_text_puts(&f->line, " ");
        if (node->anchor)
            orr_text_printf(&f->line, "&%s ", node->anchor);
        orri_put_lines(f, node, indent + ORRI_STEP);
        return;
    }
    if (node->anchor)
        orr_text_printf(&f->line, " &%s", node->anchor);
    orri_end_line(f);
    if (node->kind == ORR_YAML_MAPPING)
        put_mapping(f, block, false, node, indent + ORRI_STEP);
    else
        put_sequence(f, block, node, indent + ORRI_STEP);
}

/* ---- the whole ---- */

/* Comments behind lines that follow each other stand in one column. */
static void put_all_lines(const struct orri_formatter *f, struct orr_text *out)
{
    for (size_t i = 0; i < f->n_lines;) {
        size_t most = 0;
        size_t last = i;
        for (; last < f->n_lines && f->lines[last].comment; last++)
            if (orri_characters(f->lines[last].text) > most)
                most = orri_characters(f->lines[last].text);
        for (; i < last; i++)
            orr_text_printf(out, "%s%*s  %.*s\n", f->lines[i].text,
                            (int)(most - orri_characters(f->lines[i].text)), "",
                            (int)f->lines[i].comment_length, f->lines[i].comment);
        if (i < f->n_lines && !f->lines[i].comment)
            orr_text_printf(out, "%s\n", f->lines[i++].text);
    }
}

static bool same_scalar(orr_model_leaf a, orr_model_leaf b)
{
    bool quoted_a = a->style == ORR_YAML_SINGLE || a->style == ORR_YAML_DOUBLE;
    bool quoted_b = b->style == ORR_YAML_SINGLE || b->style == ORR_YAML_DOUBLE;
    return strcmp(a->text, b->text) == 0 && quoted_a == quoted_b &&
           (a->style == ORR_YAML_BLOCK) == (b->style == ORR_YAML_BLOCK);
}

/* Where `b` says something else than `a`, the order of keys aside: a node of `a`, or
 * NULL. */
static orr_model_leaf difference(orr_model_leaf a, orr_model_leaf b)
{
    orr_model_leaf found = NULL;
    if (a->kind != b->kind || a->n != b->n ||
        (a->kind == ORR_YAML_SCALAR && !same_scalar(a, b)))
        return a;
    for (uint32_t i = 0; i < a->n && !found; i++) {
        bool moved = a->kind == ORR_YAML_MAPPING &&
                     strcmp(a->keys[i]->text, b->keys[i]->text) != 0;
        orr_model_leaf other = moved ? orr_yaml_find(b, a->keys[i]->text) : b->items[i];
        found = other ? difference(a->items[i], other) : a->keys[i];
    }
    return found;
}

static void format(struct orri_formatter *f, const struct orri_block *block)
{
    orr_model_leaf root = f->document->root;
    f->comments = orr_yaml_comments(f->document, &f->n_comments);
    orri_add_entries(f, root);
    orri_attach_comments(f);
    orri_put_comments(f, f->head, f->n_head, 0);
    if (f->n_head && orri_blank_line(f, root->at.line - 1))
        orri_put_blank(f);
    put_mapping(f, block, false, root, 0);
    orri_put_comments(f, f->foot, f->n_foot, 0);
}

/* The form of a document whose root is a block mapping. */
static void format_document(struct orr_yaml_document *document, struct orr_text *out)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orri_formatter f = { .arena = &arena, .document = document };
    bool job = orr_yaml_find(document->root, "job") != NULL;
    format(&f, job ? &orri_job_block : &orri_workflow_block);
    put_all_lines(&f, out);
    orr_map_release(&f.by_node);
    orr_text_release(&f.line);
    free(f.entries);
    free(f.lines);
    orr_arena_release(&arena);
}

/* Does `after` say what the document says, with all its comments, and is it its own
 * form? Else the place that is not so, or the root. */
static bool is_settled(struct orr_yaml_document *before, const struct orr_text *after,
                       struct orr_span *at)
{
    struct orr_diags quiet = { 0 };
    struct orr_text again = ORR_TEXT_INIT;
    size_t comments[2] = { 0, 0 };
    orr_model_leaf differs = NULL;
    struct orr_yaml_document *document =
        orr_yaml_parse(before->file, after->s, after->length, &quiet);
    bool good = document != NULL && quiet.errors == 0;
    if (good) {
        differs = difference(before->root, document->root);
        (void)orr_yaml_comments(before, &comments[0]);
        (void)orr_yaml_comments(document, &comments[1]);
        format_document(document, &again);
        good = !differs && comments[0] == comments[1] && strcmp(after->s, again.s) == 0;
    }
    *at = differs ? differs->at : before->root->at;
    orr_yaml_free(document);
    orr_text_release(&again);
    orr_diags_release(&quiet);
    return good;
}

orr_status orr_model_format(const char *file, const char *text, size_t length,
                            struct orr_text *out, struct orr_diags *diags,
                            struct orr_error *err)
{
    size_t errors = diags->errors;
    struct orr_yaml_document *document = orr_yaml_parse(file, text, length, diags);
    struct orr_text formatted = ORR_TEXT_INIT;
    orr_status status = ORR_OK;
    struct orr_span at;
    if (!document || diags->errors != errors) {
        orr_yaml_free(document);
        return ORR_ERR_INPUT;
    }
    if (document->root->kind == ORR_YAML_MAPPING && !document->root->flow) {
        format_document(document, &formatted);
        if (is_settled(document, &formatted, &at))
            orr_text_append(out, formatted.s, formatted.length);
        else
            status =
                orr_error_set(err, ORR_ERR_LIMIT, at,
                              "the file is left as it is: another form of this place "
                              "would say something else");
    } else {
        orr_diag_error(diags, document->root->at, "E0303",
                       "a file is a mapping of keys, not a list, a value or {...}");
        status = ORR_ERR_INPUT;
    }
    orr_text_release(&formatted);
    orr_yaml_free(document);
    return status;
}
