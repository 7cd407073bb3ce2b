/* place.c - lines and columns: of a byte, and of a character inside a scalar
 * Owns: the table of line starts. Columns count characters, as libyaml's marks do. */
#include "yaml/internal.h"

#include <string.h>

void orri_yaml_index_lines(struct orr_yaml_document *document)
{
    size_t n = 1;
    size_t at = 1;
    for (size_t i = 0; i < document->length; i++) {
        size_t bytes = orr_line_break(document->source + i);
        n += bytes > 0;
        i += bytes ? bytes - 1 : 0;
    }
    size_t *lines = orr_arena_alloc(&document->arena, n * sizeof *lines);
    for (size_t i = 0; i < document->length; i++) {
        size_t bytes = orr_line_break(document->source + i);
        i += bytes ? bytes - 1 : 0;
        if (bytes)
            lines[at++] = i + 1;
    }
    document->lines = lines;
    document->n_lines = n;
}

static bool continues(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

size_t orri_yaml_offset(struct orr_yaml_document *document, uint32_t line,
                        uint32_t column)
{
    if (line == 0 || line > document->n_lines)
        return document->length;
    size_t at = document->lines[line - 1];
    uint32_t c = 1;
    if (document->near_line == line && document->near_column <= column) {
        at = document->near_offset;
        c = document->near_column;
    }
    for (; c < column && at < document->length; c++) {
        at++;
        while (at < document->length && continues(document->source[at]))
            at++;
    }
    document->near_line = line;
    document->near_column = c;
    document->near_offset = at;
    return at;
}

struct orr_span orri_yaml_span_at(const struct orr_yaml_document *document,
                                  size_t offset)
{
    size_t low = 0;
    size_t high = document->n_lines;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(document->lines[middle] <= offset ? &low : &high) = middle;
    }
    uint32_t column = 1;
    for (size_t i = document->lines[low]; i < offset && i < document->length; i++)
        column += !continues(document->source[i]);
    return (struct orr_span) { document->file, (uint32_t)low + 1, column };
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* Bytes of the escape at s, the backslash included; an escaped line break has none of
 * its own text and is told by *joins. */
static size_t escape_length(const char *s, bool *joins)
{
    *joins = s[1] == '\n' || s[1] == '\r';
    switch (s[1]) {
    case 'x': return 4;
    case 'u': return 6;
    case 'U': return 10;
    case '\0': return 1;
    default: return 2;
    }
}

struct walk {
    const char *source; /* of the document */
    size_t at;
    size_t end;
    enum orr_yaml_style style;
    size_t indent; /* BLOCK: spaces before each line */
};

/* Stand before the text: after the quote, or in the first line of the block. */
static void enter(struct walk *w)
{
    if (w->style == ORR_YAML_SINGLE || w->style == ORR_YAML_DOUBLE)
        w->at++;
    if (w->style != ORR_YAML_BLOCK)
        return;
    while (w->at < w->end && w->source[w->at] != '\n')
        w->at++;
    size_t i = w->at;
    while (i < w->end && is_space(w->source[i])) {
        w->indent = w->source[i] == '\n' ? 0 : w->indent + 1;
        i++;
    }
    w->at++;
    for (size_t k = 0; k < w->indent && w->source[w->at] == ' '; k++)
        w->at++;
}

/* A line break in the source that is a space or nothing in the text. */
static void skip_fold(struct walk *w)
{
    while (w->at < w->end && is_space(w->source[w->at]))
        w->at++;
}

static bool at_fold(const struct walk *w)
{
    size_t i = w->at;
    while (i < w->end &&
           (w->source[i] == ' ' || w->source[i] == '\t' || w->source[i] == '\r'))
        i++;
    return i < w->end && w->source[i] == '\n';
}

static void skip_joins(struct walk *w)
{
    bool joins = false;
    if (w->style != ORR_YAML_DOUBLE || w->source[w->at] != '\\')
        return;
    (void)escape_length(w->source + w->at, &joins);
    if (joins) {
        w->at++;
        skip_fold(w);
    }
}

/* Past the source of one character of the text. */
static void step(struct walk *w, char c)
{
    bool joins = false;
    const char *s = w->source + w->at;
    if (w->style == ORR_YAML_BLOCK && (c == '\n' || *s == '\n' || *s == '\r')) {
        while (w->at < w->end && w->source[w->at] != '\n')
            w->at++;
        w->at++;
        for (size_t k = 0; k < w->indent && w->source[w->at] == ' '; k++)
            w->at++;
    } else if (w->style != ORR_YAML_BLOCK && is_space(c) && at_fold(w)) {
        skip_fold(w);
    } else if (w->style == ORR_YAML_DOUBLE && *s == '\\') {
        w->at += escape_length(s, &joins);
    } else if (w->style == ORR_YAML_SINGLE && *s == '\'') {
        w->at += 2;
    } else {
        w->at++;
        while (w->at < w->end && continues(w->source[w->at]))
            w->at++;
    }
}

struct orr_span orr_yaml_place(const struct orr_yaml_document *document,
                               const struct orr_yaml_node *scalar, size_t index)
{
    struct walk w = { document->source, scalar->start, scalar->end, scalar->style, 0 };
    if (scalar->kind != ORR_YAML_SCALAR)
        return scalar->at;
    enter(&w);
    skip_joins(&w);
    size_t i = 0;
    for (size_t done = 0; done < index && i < scalar->length && w.at < w.end; done++) {
        step(&w, scalar->text[i++]);
        while (i < scalar->length && continues(scalar->text[i]))
            i++;
        skip_joins(&w);
    }
    return orri_yaml_span_at(document,
                             w.at < document->length ? w.at : document->length);
}
