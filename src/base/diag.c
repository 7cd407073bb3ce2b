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

/* The line of `text` numbered `line` from 1; its length in *length. */
static const char *find_line(const char *text, uint32_t line, size_t *length)
{
    size_t n = 0;
    while (line > 1) {
        while (*text && (n = orr_line_break(text)) == 0)
            text++;
        if (!*text)
            return NULL;
        text += n;
        line--;
    }
    for (*length = 0; text[*length] && !orr_line_break(text + *length);)
        ++*length;
    return text;
}

enum { LINE_SHOWN = 160 };

static void render_line(const struct orr_diag *diag, const char *text,
                        struct orr_text *out)
{
    size_t length = 0;
    const char *line = find_line(text, diag->at.line, &length);
    if (!line || diag->at.column > LINE_SHOWN)
        return;
    orr_text_puts(out, "    ");
    orr_text_append(out, line, length < LINE_SHOWN ? length : LINE_SHOWN);
    orr_text_puts(out, "\n    ");
    for (uint32_t i = 1; i < diag->at.column; i++) /* tabs keep the caret in place */
        orr_text_puts(out, i <= length && line[i - 1] == '\t' ? "\t" : " ");
    orr_text_puts(out, "^\n");
}

static void render_one(const struct orr_diag *diag,
                       const char *(*source)(void *context, const char *file),
                       void *context, struct orr_text *out)
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
    orr_text_printf(out, " [%s]\n", diag->id);
    const char *text = source && diag->at.file && diag->at.line
                           ? source(context, diag->at.file)
                           : NULL;
    if (text)
        render_line(diag, text, out);
}

void orr_diags_render(struct orr_diags *diags,
                      const char *(*source)(void *context, const char *file),
                      void *context, struct orr_text *out)
{
    if (diags->n)
        qsort(diags->items, diags->n, sizeof *diags->items, by_place);
    for (size_t i = 0; i < diags->n; i++)
        render_one(&diags->items[i], source, context, out);
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
