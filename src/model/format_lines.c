/* format_lines.c - lines of the result: ended, indented; scalars in them
 * Owns: the line in hand. */
#include "model/format_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- lines ---- */

void orri_trim(struct orr_text *text)
{
    while (text->length && text->s[text->length - 1] == ' ')
        text->s[--text->length] = '\0';
}

static void keep_line(struct orri_formatter *f)
{
    struct orri_line line = { 0 };
    line.text = orr_arena_strdup(f->arena, f->line.s ? f->line.s : "");
    if (f->behind) {
        const struct orr_yaml_comment *c = &f->comments[f->behind - 1];
        line.comment = f->document->source + c->start;
        line.comment_length = c->end - c->start;
    }
    f->lines = orr_grow(f->lines, f->n_lines, &f->cap_lines, sizeof *f->lines);
    f->lines[f->n_lines++] = line;
    f->behind = 0;
    f->tight = false;
    orr_text_clear(&f->line);
}

void orri_end_line(struct orri_formatter *f)
{
    orri_trim(&f->line);
    keep_line(f);
}

void orri_indent_to(struct orri_formatter *f, int indent)
{
    while (f->line.length < (size_t)indent)
        orr_text_puts(&f->line, " ");
}

void orri_put_blank(struct orri_formatter *f)
{
    if (f->n_lines && !f->tight && *f->lines[f->n_lines - 1].text)
        orri_end_line(f);
}

void orri_put_comments(struct orri_formatter *f, const size_t *list, size_t n,
                       int indent)
{
    for (size_t i = 0; i < n; i++) {
        const struct orr_yaml_comment *c = &f->comments[list[i]];
        if (orri_blank_line(f, c->line - 1))
            orri_put_blank(f);
        orri_indent_to(f, indent);
        orr_text_append(&f->line, f->document->source + c->start, c->end - c->start);
        orri_end_line(f);
    }
}

size_t orri_characters(const char *s)
{
    size_t n = 0;
    for (; s && *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

/* ---- scalars ---- */

void orri_put_anchor(struct orr_text *out, orr_model_leaf node)
{
    if (node->anchor)
        orr_text_printf(out, "&%s ", node->anchor);
}

static bool one_line(const struct orri_formatter *f, orr_model_leaf node)
{
    return !memchr(f->document->source + node->start, '\n', node->end - node->start);
}

/* A scalar as one line: as it was written, or folded; false: it needs more. */
bool orri_flat_scalar(const struct orri_formatter *f, orr_model_leaf node,
                      struct orr_text *out)
{
    const char *source = f->document->source + node->start;
    size_t length = node->end - node->start;
    if (node->style == ORR_YAML_BLOCK)
        return false;
    orri_put_anchor(out, node);
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

/* Without the blank lines at the end. */
static const char *last_text(const char *at, const char *end)
{
    const char *last = end;
    while (last > at && strchr(" \r\n", last[-1]))
        last--;
    while (last < end && *last != '\n' && *last != '\r')
        last++; /* blanks behind the last text */
    return last;
}

/* The lines of a block scalar, or of a plain text with empty lines, moved to `indent`.
 */
void orri_put_lines(struct orri_formatter *f, orr_model_leaf node, int indent)
{
    const char *at = f->document->source + node->start;
    const char *end = f->document->source + node->end;
    size_t first = strcspn(at, "\n");
    size_t margin = 0;
    bool keep = false; /* the line breaks at the end, too */
    if (node->style == ORR_YAML_BLOCK) {
        size_t header = first < (size_t)(end - at) ? first : (size_t)(end - at);
        const char *comment = memchr(at, '#', header);
        size_t words = comment ? (size_t)(comment - at) : header;
        for (size_t i = 0; i < words; i++) /* the depth is ours now */
            if (at[i] < '1' || at[i] > '9')
                orr_text_append(&f->line, at + i, 1);
        keep = memchr(at, '+', words) != NULL;
        if (memchr(node->text, ' ', node->length ? 1 : 0))
            orr_text_printf(&f->line, "%d", ORRI_STEP);
    } else {
        orr_text_append(&f->line, at, first);
    }
    orri_end_line(f);
    at += first + (at[first] == '\n');
    end = last_text(at, end);
    margin = margin_of(node, at, end);
    while (at < end) {
        size_t n = strcspn(at, "\r\n");
        n = n < (size_t)(end - at) ? n : (size_t)(end - at);
        if (n > margin) {
            orri_indent_to(f, indent);
            orr_text_append(&f->line, at + margin, n - margin);
        }
        keep_line(f); /* with the blanks at its end */
        at += n + (at[n] == '\r');
        at += at < end && *at == '\n';
    }
    for (size_t i = node->length; keep && i > 1 && node->text[i - 2] == '\n'; i--)
        keep_line(f);
    f->tight = keep;
}
