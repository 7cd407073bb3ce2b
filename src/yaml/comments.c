/* comments.c - the comments of a document, which the parser drops
 * A # is a comment when it stands at the start of a line or behind a blank, outside of
 * all scalars. Owns nothing: the list is in the document's arena. */
#include "yaml/node.h"

#include <stdlib.h>
#include <string.h>

struct span {
    size_t start, end;
};

struct spans {
    struct span *items;
    size_t n, cap;
};

/* The line with | or > is no text: a comment may stand behind them. */
static void add_span(struct spans *spans, const char *source,
                     const struct orr_yaml_node *node)
{
    size_t start = node->start;
    if (node->style == ORR_YAML_BLOCK)
        start += strcspn(source + start, "\n");
    spans->items = orr_grow(spans->items, spans->n, &spans->cap, sizeof *spans->items);
    spans->items[spans->n++] = (struct span) { start, node->end };
}

static void take_scalars(struct spans *spans, const char *source,
                         const struct orr_yaml_node *node)
{
    if (node->alias)
        return;
    if (node->kind == ORR_YAML_SCALAR && node->end > node->start)
        add_span(spans, source, node);
    for (uint32_t i = 0; i < node->n; i++) {
        if (node->kind == ORR_YAML_MAPPING)
            take_scalars(spans, source, node->keys[i]);
        take_scalars(spans, source, node->items[i]);
    }
}

static int by_start(const void *a, const void *b)
{
    const struct span *left = a;
    const struct span *right = b;
    return (left->start > right->start) - (left->start < right->start);
}

static struct orr_yaml_comment comment_at(const struct orr_yaml_document *document,
                                          size_t at, uint32_t line, size_t line_start)
{
    const char *end = memchr(document->source + at, '\n', document->length - at);
    struct orr_yaml_comment comment = {
        .start = at,
        .end = end ? (size_t)(end - document->source) : document->length,
        .line = line,
        .column = (uint32_t)(at - line_start),
        .alone = true,
    };
    while (comment.end > at && (document->source[comment.end - 1] == ' ' ||
                                document->source[comment.end - 1] == '\t' ||
                                document->source[comment.end - 1] == '\r'))
        comment.end--;
    for (size_t i = line_start; i < at; i++)
        comment.alone = comment.alone && strchr(" \t", document->source[i]) != NULL;
    return comment;
}

struct orr_yaml_comment *orr_yaml_comments(struct orr_yaml_document *document,
                                           size_t *n)
{
    struct spans spans = { 0 };
    struct orr_yaml_comment *list = NULL;
    size_t cap = 0;
    size_t next = 0;
    size_t line_start = 0;
    uint32_t line = 1;
    const char *source = document->source;
    take_scalars(&spans, source, document->root);
    if (spans.n)
        qsort(spans.items, spans.n, sizeof *spans.items, by_start);
    *n = 0;
    for (size_t i = 0; i < document->length; i++) {
        while (next < spans.n && spans.items[next].end <= i)
            next++;
        bool inside = next < spans.n && spans.items[next].start <= i;
        if (source[i] == '\n') {
            line++;
            line_start = i + 1;
        } else if (source[i] == '#' && !inside &&
                   (i == line_start || source[i - 1] == ' ' || source[i - 1] == '\t')) {
            list = orr_grow(list, *n, &cap, sizeof *list);
            list[*n] = comment_at(document, i, line, line_start);
            i = list[(*n)++].end - 1;
            while (i + 1 < document->length && source[i + 1] != '\n')
                i++;
        }
    }
    free(spans.items);
    struct orr_yaml_comment *kept =
        orr_arena_alloc(&document->arena, (*n + 1) * sizeof *kept);
    if (*n)
        memcpy(kept, list, *n * sizeof *kept);
    free(list);
    return kept;
}
