/* diag.c - collects and prints findings; owns their texts */
#include "base/diag.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 500 };

static const char *words(struct orr_diags *diags, const char *format, va_list args)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_vprintf(&text, format, args);
    size_t n = text.length;
    if (n > MESSAGE_MAX) { /* a name of a megabyte: its start is enough */
        for (n = MESSAGE_MAX; n > 0 && ((unsigned char)text.s[n] & 0xC0) == 0x80; n--)
            ;
        text.length = n;
        orr_text_puts(&text, "...");
    }
    const char *copy = orr_arena_strdup(&diags->arena, text.s ? text.s : "");
    orr_text_release(&text);
    return copy;
}

static void add(struct orr_diags *diags, bool warning, struct orr_span at,
                const char *id, const char *message)
{
    *(warning ? &diags->warnings : &diags->errors) += 1;
    if (diags->n >= ORR_DIAG_MAX)
        return;
    diags->items = orr_grow(diags->items, diags->n, &diags->cap, sizeof *diags->items);
    diags->items[diags->n++] = (struct orr_diag) {
        .warning = warning, .at = at, .id = id, .message = message
    };
}

void orr_diag_error(struct orr_diags *diags, struct orr_span at, const char *id,
                    const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(diags, false, at, id, words(diags, format, args));
    va_end(args);
}

void orr_diag_warning(struct orr_diags *diags, struct orr_span at, const char *id,
                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(diags, true, at, id, words(diags, format, args));
    va_end(args);
}

void orr_diag_hint(struct orr_diags *diags, const char *format, ...)
{
    if (diags->n == 0 || diags->n >= ORR_DIAG_MAX)
        return;
    va_list args;
    va_start(args, format);
    diags->items[diags->n - 1].hint = words(diags, format, args);
    va_end(args);
}

static int by_place(const void *left, const void *right)
{
    const struct orr_diag *a = left;
    const struct orr_diag *b = right;
    int file = strcmp(a->at.file ? a->at.file : "", b->at.file ? b->at.file : "");
    if (file)
        return file;
    if (a->at.line != b->at.line)
        return a->at.line < b->at.line ? -1 : 1;
    if (a->at.column != b->at.column)
        return a->at.column < b->at.column ? -1 : 1;
    return strcmp(a->message, b->message);
}

/* Where the last line was found: findings come in the order of the file. */
struct cursor {
    const char *text; /* of the file; NULL: none yet */
    const char *at;   /* start of line `line` */
    uint32_t line;
};

/* The start of line `line` of `text`, from 1; NULL when there is no such line. */
static const char *find_line(struct cursor *cursor, const char *text, uint32_t line)
{
    if (cursor->text != text || cursor->line > line)
        *cursor = (struct cursor) { text, text, 1 };
    while (cursor->line < line) {
        const char *at = cursor->at;
        while (*at && !orr_line_break(at))
            at++;
        if (!*at)
            return NULL;
        cursor->at = at + orr_line_break(at);
        cursor->line++;
    }
    return cursor->at;
}

/* Past `n` characters of UTF-8, at most to the end of the line. */
static const char *skip(const char *s, size_t n)
{
    for (; n > 0 && *s && !orr_line_break(s); n--)
        do
            s++;
        while (((unsigned char)*s & 0xC0) == 0x80);
    return s;
}

enum { LINE_SHOWN = 160, BEFORE_CARET = 60 };

/* As wide as the character `s` is when it is shown; a tab keeps its place. */
static void put_space(struct orr_text *out, const char *s, size_t length)
{
    struct orr_text shown = ORR_TEXT_INIT;
    orr_text_visible(&shown, s, length);
    size_t width = shown.length == length ? 1 : shown.length;
    if (*s == '\t')
        orr_text_puts(out, "\t");
    for (size_t i = 0; i < width && *s != '\t'; i++)
        orr_text_puts(out, " ");
    orr_text_release(&shown);
}

/* The line, or of a long one what is around the place; a caret below. */
static void render_line(const struct orr_diag *diag, const char *line,
                        struct orr_text *out)
{
    size_t before = diag->at.column ? diag->at.column - 1 : 0;
    size_t hidden = before < LINE_SHOWN ? 0 : before - BEFORE_CARET;
    const char *start = skip(line, hidden);
    const char *end = skip(start, LINE_SHOWN);
    orr_text_puts(out, hidden ? "    ..." : "    ");
    orr_text_append(out, start, (size_t)(end - start));
    orr_text_puts(out, hidden ? "\n       " : "\n    ");
    for (size_t i = hidden; i < before; i++) {
        const char *next = skip(start, 1);
        put_space(out, start, (size_t)(next - start));
        start = next;
    }
    orr_text_puts(out, "^\n");
}

static void render_one(const struct orr_diag *diag,
                       const char *(*source)(void *context, const char *file),
                       void *context, struct cursor *cursor, struct orr_text *out)
{
    if (diag->at.file)
        orr_text_printf(out, "%s:", diag->at.file);
    if (diag->at.line)
        orr_text_printf(out, "%" PRIu32 ":%" PRIu32 ":", diag->at.line,
                        diag->at.column);
    orr_text_printf(out, "%s%s: %s", diag->at.file ? " " : "",
                    diag->warning ? "warning" : "error", diag->message);
    if (diag->hint)
        orr_text_printf(out, "; %s", diag->hint);
    if (diag->id)
        orr_text_printf(out, " [%s]", diag->id);
    orr_text_puts(out, "\n");
    const char *text = source && diag->at.file && diag->at.line
                           ? source(context, diag->at.file)
                           : NULL;
    const char *line = text ? find_line(cursor, text, diag->at.line) : NULL;
    if (line)
        render_line(diag, line, out);
}

void orr_diags_render(struct orr_diags *diags,
                      const char *(*source)(void *context, const char *file),
                      void *context, struct orr_text *out)
{
    struct cursor cursor = { 0 };
    if (diags->n)
        qsort(diags->items, diags->n, sizeof *diags->items, by_place);
    for (size_t i = 0; i < diags->n; i++)
        render_one(&diags->items[i], source, context, &cursor, out);
    if (diags->errors + diags->warnings > diags->n)
        orr_text_printf(out, "... and %zu more\n",
                        diags->errors + diags->warnings - diags->n);
}

void orr_diags_release(struct orr_diags *diags)
{
    free(diags->items);
    orr_arena_release(&diags->arena);
    *diags = (struct orr_diags) { 0 };
}
