/* parse.c - YAML text to nodes; the only user of libyaml
 * Owns: the document's memory, its limits. Hands on: places inside scalars (place.c),
 * the text checks before libyaml sees it (check.c), keys and commas (tidy.c). */
#include "yaml/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct anchor {
    struct anchor *next;
    const char *name;
    const struct orr_yaml_node *node; /* NULL while it is being read */
};

struct reader {
    yaml_parser_t libyaml;
    struct orr_yaml_document *document;
    struct orr_diags *diags;
    struct anchor *anchors;
    uint64_t nodes; /* so far, aliases expanded */
    int depth;
    bool failed;  /* nothing more is read */
    bool refused; /* read on, but the document is of no use */
};

static struct orr_span place_of(const struct reader *r, yaml_mark_t mark)
{
    return (struct orr_span) { r->document->file, (uint32_t)mark.line + 1,
                               (uint32_t)mark.column + 1 };
}

static void syntax_error(struct reader *r)
{
    const yaml_parser_t *p = &r->libyaml;
    const char *problem = p->problem ? p->problem : "unreadable text";
    struct orr_span at = place_of(r, p->problem_mark);
    r->failed = true;
    if (p->error == YAML_READER_ERROR) {
        at = orri_yaml_span_at(r->document, p->problem_offset);
        orr_diag_error(r->diags, at, "E0103",
                       "the file holds a character that YAML does not allow");
        return;
    }
    size_t offset = orri_yaml_offset(r->document, at.line, at.column);
    if (offset < r->document->length && r->document->source[offset] == '\t') {
        orr_diag_error(r->diags, at, "E0102",
                       "a tab cannot indent or separate here: YAML wants spaces");
        return;
    }
    if (p->context && p->context_mark.line != p->problem_mark.line)
        orr_diag_error(r->diags, at, "E0101",
                       "not YAML: %s, %s that starts in line %zu", problem, p->context,
                       p->context_mark.line + 1);
    else
        orr_diag_error(r->diags, at, "E0101", "not YAML: %s", problem);
    orri_yaml_syntax_hint(r->document, offset, r->diags);
}

static bool next(struct reader *r, yaml_event_t *event)
{
    if (r->failed)
        return false;
    if (yaml_parser_parse(&r->libyaml, event))
        return true;
    syntax_error(r);
    return false;
}

static void *refuse(struct reader *r, struct orr_span at, const char *id,
                    const char *text)
{
    if (!r->failed)
        orr_diag_error(r->diags, at, id, "%s", text);
    r->failed = true;
    return NULL;
}

/* Count `more` nodes against the limit. */
static bool spend(struct reader *r, struct orr_span at, uint64_t more)
{
    r->nodes += more;
    if (r->nodes <= ORR_YAML_NODES)
        return true;
    (void)refuse(r, at, "E0107", "more than 2000000 nodes, aliases expanded");
    return false;
}

static const struct orr_yaml_node *resolve_alias(struct reader *r,
                                                 const yaml_event_t *event)
{
    struct orr_span at = place_of(r, event->start_mark);
    const char *name = (const char *)event->data.alias.anchor;
    const struct anchor *a = r->anchors;
    while (a && strcmp(a->name, name) != 0)
        a = a->next;
    if (!a) {
        if (!r->failed)
            orr_diag_error(r->diags, at, "E0106", "no anchor '&%s' before this alias",
                           name);
        r->failed = true;
        return NULL;
    }
    if (!a->node)
        return refuse(r, at, "E0106", "an alias inside its own anchor never ends");
    if (!spend(r, at, a->node->weight))
        return NULL;
    struct orr_yaml_node *copy = orr_arena_alloc(&r->document->arena, sizeof *copy);
    *copy = *a->node;
    copy->anchor = NULL;
    copy->alias = a->name;
    return copy;
}

static struct orr_yaml_node *new_node(struct reader *r, enum orr_yaml_kind kind,
                                      const yaml_event_t *event)
{
    struct orr_yaml_node *node = orr_arena_alloc(&r->document->arena, sizeof *node);
    node->kind = kind;
    node->at = place_of(r, event->start_mark);
    node->start = orri_yaml_offset(r->document, node->at.line, node->at.column);
    node->end = orri_yaml_offset(r->document, (uint32_t)event->end_mark.line + 1,
                                 (uint32_t)event->end_mark.column + 1);
    node->weight = 1;
    return node;
}

static enum orr_yaml_style style_of(yaml_scalar_style_t style)
{
    switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE: return ORR_YAML_SINGLE;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE: return ORR_YAML_DOUBLE;
    case YAML_LITERAL_SCALAR_STYLE:
    case YAML_FOLDED_SCALAR_STYLE: return ORR_YAML_BLOCK;
    default: return ORR_YAML_PLAIN;
    }
}

static struct orr_yaml_node *read_scalar(struct reader *r, const yaml_event_t *event)
{
    struct orr_yaml_node *node = new_node(r, ORR_YAML_SCALAR, event);
    node->style = style_of(event->data.scalar.style);
    node->length = event->data.scalar.length;
    node->text = orr_arena_strndup(
        &r->document->arena, (const char *)event->data.scalar.value, node->length);
    if (!memchr(node->text, '\0', node->length))
        return node;
    (void)refuse(r, node->at, "E0103", "a string cannot hold a zero byte");
    return NULL;
}

static const struct orr_yaml_node *read_node(struct reader *r,
                                             const yaml_event_t *event);

/* Children until the end of the collection; the end's mark in *end. */
static void read_children(struct reader *r, yaml_event_type_t last,
                          struct orri_yaml_list *list, yaml_mark_t *end)
{
    yaml_event_t event;
    while (next(r, &event)) {
        if (event.type == last) {
            *end = event.end_mark;
            yaml_event_delete(&event);
            return;
        }
        const struct orr_yaml_node *child = read_node(r, &event);
        yaml_event_delete(&event);
        if (!child)
            return;
        orri_yaml_list_add(list, child, &r->document->arena);
    }
}

static struct orr_yaml_node *read_collection(struct reader *r,
                                             const yaml_event_t *event)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    struct orr_yaml_node *node =
        new_node(r, mapping ? ORR_YAML_MAPPING : ORR_YAML_SEQUENCE, event);
    node->flow = mapping ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                         : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    if (++r->depth > ORR_YAML_DEPTH) {
        (void)refuse(r, node->at, "E0108", "nested deeper than 64 levels");
        return NULL;
    }
    struct orri_yaml_list list = { 0 };
    yaml_mark_t end = event->end_mark;
    read_children(r, mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT, &list,
                  &end);
    r->depth--;
    if (r->failed)
        return NULL;
    node->end =
        orri_yaml_offset(r->document, (uint32_t)end.line + 1, (uint32_t)end.column + 1);
    r->refused |= !orri_yaml_close(r->document, node, &list, r->diags);
    return node;
}

static struct anchor *add_anchor(struct reader *r, const yaml_char_t *name)
{
    if (!name)
        return NULL;
    struct anchor *a = orr_arena_alloc(&r->document->arena, sizeof *a);
    *a = (struct anchor) { r->anchors,
                           orr_arena_strdup(&r->document->arena, (const char *)name),
                           NULL };
    r->anchors = a;
    return a;
}

static const yaml_char_t *anchor_of(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT: return event->data.sequence_start.anchor;
    default: return event->data.mapping_start.anchor;
    }
}

static const struct orr_yaml_node *read_node(struct reader *r,
                                             const yaml_event_t *event)
{
    if (event->type == YAML_ALIAS_EVENT)
        return resolve_alias(r, event);
    if (!spend(r, place_of(r, event->start_mark), 1))
        return NULL;
    struct anchor *a = add_anchor(r, anchor_of(event));
    struct orr_yaml_node *node = event->type == YAML_SCALAR_EVENT
                                     ? read_scalar(r, event)
                                     : read_collection(r, event);
    if (a && node)
        node->anchor = a->name;
    if (a)
        a->node = node;
    return node;
}

static bool starts_node(const yaml_event_t *event)
{
    return event->type == YAML_SCALAR_EVENT || event->type == YAML_ALIAS_EVENT ||
           event->type == YAML_SEQUENCE_START_EVENT ||
           event->type == YAML_MAPPING_START_EVENT;
}

static void read_stream(struct reader *r)
{
    yaml_event_t event;
    bool done = false;
    while (!done && next(r, &event)) {
        if (starts_node(&event))
            r->document->root = read_node(r, &event);
        else if (event.type == YAML_DOCUMENT_START_EVENT && r->document->root)
            (void)refuse(r, place_of(r, event.start_mark), "E0105",
                         "a second document starts here: a file holds one");
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    if (!r->failed && !r->document->root)
        (void)refuse(r, (struct orr_span) { r->document->file, 1, 1 }, "E0109",
                     strchr(r->document->source, '#') ? "the file holds only comments"
                                                      : "the file is empty");
}

struct orr_yaml_document *orr_yaml_parse(const char *file, const char *text,
                                         size_t length, struct orr_diags *diags)
{
    struct orr_yaml_document *document = orr_alloc(1, sizeof *document);
    document->file = file;
    bool good = orri_yaml_take(document, text, length, diags);
    if (good) {
        struct reader r = { .document = document, .diags = diags };
        if (!yaml_parser_initialize(&r.libyaml))
            ORR_BUG("libyaml has no memory");
        yaml_parser_set_encoding(&r.libyaml, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(
            &r.libyaml, (const unsigned char *)document->source, document->length);
        read_stream(&r);
        yaml_parser_delete(&r.libyaml);
        good = !r.failed && !r.refused;
    }
    if (good)
        return document;
    orr_yaml_free(document);
    return NULL;
}

void orr_yaml_free(struct orr_yaml_document *document)
{
    if (!document)
        return;
    orr_arena_release(&document->arena);
    free(document);
}

const struct orr_yaml_node *orr_yaml_find(const struct orr_yaml_node *mapping,
                                          const char *key)
{
    for (uint32_t i = 0; mapping->kind == ORR_YAML_MAPPING && i < mapping->n; i++)
        if (strcmp(mapping->keys[i]->text, key) == 0)
            return mapping->items[i];
    return NULL;
}
