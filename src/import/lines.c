/* lines.c - lines, words and their places; owns nothing */
#include "import/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct orri_lines orri_lines_of(const char *file, const struct orr_text *text)
{
    struct orri_lines lines = { .file = file, .text = text->s, .length = text->length };
    if (text->length >= 3 && memcmp(text->s, "\xEF\xBB\xBF", 3) == 0)
        lines.at = 3;
    return lines;
}

bool orri_lines_next(struct orri_lines *lines)
{
    if (lines->at >= lines->length)
        return false;
    lines->s = lines->text + lines->at;
    const char *end = memchr(lines->s, '\n', lines->length - lines->at);
    lines->n = end ? (size_t)(end - lines->s) : lines->length - lines->at;
    lines->at += lines->n + 1;
    while (lines->n && lines->s[lines->n - 1] == '\r')
        lines->n--;
    lines->line++;
    return true;
}

static struct orr_span place(const char *file, uint32_t line, const char *start,
                             const char *s)
{
    struct orr_span at = { file, line, 1 };
    for (; start < s; start++)
        at.column += ((unsigned char)*start & 0xC0) != 0x80;
    return at;
}

struct orr_span orri_lines_at(const struct orri_lines *lines, const char *s)
{
    return place(lines->file, lines->line, lines->s, s);
}

bool orri_text_good(const char *file, const struct orr_text *text,
                    struct orr_diags *diags)
{
    struct orri_lines lines = orri_lines_of(file, text);
    bool good = true;
    while (orri_lines_next(&lines)) {
        size_t bad = orr_utf8_bad(lines.s, lines.n);
        const char *zero = lines.n ? memchr(lines.s, '\0', lines.n) : NULL;
        if (bad == lines.n && !zero)
            continue;
        good = false;
        if (zero)
            orr_diag_error(diags, orri_lines_at(&lines, zero), NULL,
                           "the line holds a zero byte: is this a text?");
        else
            orr_diag_error(diags, orri_lines_at(&lines, lines.s + bad), NULL,
                           "the line is not UTF-8 text: byte 0x%02x",
                           (unsigned char)lines.s[bad]);
    }
    return good;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool orri_word_next(const char **at, const char *end, struct orri_word *out)
{
    const char *s = *at;
    while (s < end && is_blank(*s))
        s++;
    out->s = s;
    while (s < end && !is_blank(*s))
        s++;
    out->n = (size_t)(s - out->s);
    *at = s;
    return out->n > 0;
}

struct orri_word orri_word_rest(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    while (end > at && is_blank(end[-1]))
        end--;
    return (struct orri_word) { at, (size_t)(end - at) };
}

bool orri_word_is(struct orri_word word, const char *text)
{
    return strlen(text) == word.n && strncasecmp(word.s, text, word.n) == 0;
}

char *orri_word_copy(struct orr_arena *arena, struct orri_word word)
{
    return orr_arena_strndup(arena, word.s, word.n);
}

bool orri_word_number(struct orri_word word, int64_t least, int64_t most, int64_t *out)
{
    char digits[24];
    char *end = NULL;
    if (word.n == 0 || word.n >= sizeof digits)
        return false;
    memcpy(digits, word.s, word.n);
    digits[word.n] = '\0';
    if (!isdigit((unsigned char)digits[digits[0] == '-']))
        return false;
    int64_t v = strtoll(digits, &end, 10);
    if (*end || v < least || v > most)
        return false;
    *out = v;
    return true;
}

void orri_shell_word(struct orr_text *out, const char *s, size_t n)
{
    bool plain = n > 0;
    for (size_t i = 0; i < n; i++)
        plain = plain && (isalnum((unsigned char)s[i]) || strchr("_./:+,@%-", s[i]));
    if (plain) {
        orr_text_append(out, s, n);
        return;
    }
    orr_text_puts(out, "'");
    for (size_t i = 0; i < n; i++)
        if (s[i] == '\'')
            orr_text_puts(out, "'\\''");
        else
            orr_text_append(out, &s[i], 1);
    orr_text_puts(out, "'");
}

void orri_hint_near(struct orr_diags *diags, struct orri_word word,
                    const char *const *names)
{
    char text[64];
    size_t n = 0;
    if (word.n >= sizeof text)
        return;
    for (size_t i = 0; i < word.n; i++)
        text[i] = (char)toupper((unsigned char)word.s[i]);
    text[word.n] = '\0';
    while (names[n])
        n++;
    const char *near = orr_text_nearest(text, names, n);
    if (near)
        orr_diag_hint(diags, "did you mean '%s'?", near);
}
