/* text.c - growing strings, JSON quoting, nearest names; owns the string */
#include "base/text.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void reserve(struct orr_text *text, size_t more)
{
    size_t need = text->length + more + 1;
    if (need <= text->cap)
        return;
    size_t cap = text->cap ? text->cap : 64;
    while (cap < need)
        cap *= 2;
    text->s = orr_realloc(text->s, cap, 1);
    text->cap = cap;
}

void orr_text_append(struct orr_text *text, const void *bytes, size_t length)
{
    reserve(text, length);
    if (length)
        memcpy(text->s + text->length, bytes, length);
    text->length += length;
    text->s[text->length] = '\0';
}

void orr_text_puts(struct orr_text *text, const char *s)
{
    orr_text_append(text, s, strlen(s));
}

void orr_text_vprintf(struct orr_text *text, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length >= 0) {
        reserve(text, (size_t)length);
        (void)vsnprintf(text->s + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void orr_text_printf(struct orr_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    orr_text_vprintf(text, format, args);
    va_end(args);
}

/* Length of the well-formed UTF-8 sequence at s, or 0. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
    static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n = s[0] < 0x80       ? 1
               : s[0] >> 5 == 6  ? 2
               : s[0] >> 4 == 14 ? 3
               : s[0] >> 3 == 30 ? 4
                                 : 0;
    if (n == 0 || n > left)
        return 0;
    if (n == 1)
        return 1;
    unsigned code = s[0] & (0xFFU >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if (s[i] >> 6 != 2)
            return 0;
        code = code << 6 | (s[i] & 0x3FU);
    }
    if (code < least[n] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return 0;
    return n;
}

static void json_char(struct orr_text *text, unsigned char c)
{
    switch (c) {
    case '"': orr_text_puts(text, "\\\""); break;
    case '\\': orr_text_puts(text, "\\\\"); break;
    case '\n': orr_text_puts(text, "\\n"); break;
    case '\t': orr_text_puts(text, "\\t"); break;
    case '\r': orr_text_puts(text, "\\r"); break;
    default:
        if (c < 0x20 || c == 0x7F)
            orr_text_printf(text, "\\u%04x", c);
        else
            orr_text_append(text, &c, 1);
    }
}

void orr_text_json(struct orr_text *text, const char *s, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)s;
    orr_text_puts(text, "\"");
    for (size_t i = 0; i < length;) {
        size_t n = utf8_length(bytes + i, length - i);
        if (n == 1)
            json_char(text, bytes[i]);
        else if (n == 0)
            orr_text_puts(text, "\xEF\xBF\xBD");
        else
            orr_text_append(text, bytes + i, n);
        i += n ? n : 1;
    }
    orr_text_puts(text, "\"");
}

void orr_text_clear(struct orr_text *text)
{
    text->length = 0;
    if (text->s)
        text->s[0] = '\0';
}

void orr_text_release(struct orr_text *text)
{
    free(text->s);
    *text = (struct orr_text)ORR_TEXT_INIT;
}

enum { NEAREST_MAX = 63 };

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Letters that are wrong, missing, too many, or two neighbours swapped, by rows; names
 * longer than NEAREST_MAX are far away. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a);
    size_t m = strlen(b);
    size_t rows[3][NEAREST_MAX + 1];
    if (n > NEAREST_MAX || m > NEAREST_MAX)
        return NEAREST_MAX;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = smallest(above[j] + 1, row[j - 1] + 1,
                              above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smallest(row[j], row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

const char *orr_text_nearest(const char *name, const char *const *names, size_t n)
{
    size_t length = strlen(name);
    size_t limit = length < 5 ? 1 : length < 9 ? 2 : 3; /* a likeness, no guess */
    const char *best = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t d = names[i] ? distance(name, names[i]) : NEAREST_MAX;
        if (d <= limit && d < length) {
            best = names[i];
            limit = d ? d - 1 : 0;
            if (d == 0)
                break;
        }
    }
    return best;
}

size_t orr_line_break(const char *s)
{
    if (s[0] == '\n' || s[0] == '\r')
        return s[0] == '\r' && s[1] == '\n' ? 2 : 1;
    if (s[0] == '\xC2')
        return s[1] == '\x85' ? 2 : 0;
    if (s[0] == '\xE2' && s[1] == '\x80')
        return s[2] == '\xA8' || s[2] == '\xA9' ? 3 : 0;
    return 0;
}

const char *orr_bool_word(const char *word)
{
    static const char *const yes[] = { "yes", "on", "y", "true" };
    static const char *const no[] = { "no", "off", "n", "false" };
    for (int i = 0; i < 4; i++) {
        if (strcasecmp(word, yes[i]) == 0)
            return "true";
        if (strcasecmp(word, no[i]) == 0)
            return "false";
    }
    return NULL;
}
