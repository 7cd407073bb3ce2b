/* text.h - a growing byte string */
#ifndef ORR_BASE_TEXT_H
#define ORR_BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* `s` is always NUL-terminated once something was appended; NULL before. */
struct orr_text {
    char *s;
    size_t length;
    size_t cap;
};

#define ORR_TEXT_INIT                                                                  \
    {                                                                                  \
        NULL, 0, 0                                                                     \
    }
void orr_text_append(struct orr_text *text, const void *bytes, size_t length);
void orr_text_puts(struct orr_text *text, const char *s);
__attribute__((format(printf, 2, 3))) void orr_text_printf(struct orr_text *text,
                                                           const char *format, ...);
void orr_text_vprintf(struct orr_text *text, const char *format, va_list args);
/* A JSON string, quotes included; broken UTF-8 becomes U+FFFD. */
void orr_text_json(struct orr_text *text, const char *s, size_t length);
/* Length of the well-formed UTF-8 sequence at the start of `bytes`; 0: there is none.
 */
size_t orr_utf8_length(const void *bytes, size_t left);
/* Where the first byte stands that is not UTF-8; `length` when all is. */
size_t orr_utf8_bad(const char *s, size_t length);
/* Bytes that are not UTF-8 become U+FFFD. */
void orr_text_utf8(struct orr_text *text, const char *s, size_t length);
/* For people: what would move the cursor or change the terminal is written as \xNN,
 * as are bytes that are not UTF-8. Line ends and tabs stay. */
void orr_text_visible(struct orr_text *text, const char *s, size_t length);
/* Print `s` like that. Everything that comes from users' files or programs goes to a
 * terminal this way. */
void orr_text_print(FILE *out, const char *s);
void orr_text_clear(struct orr_text *text); /* keeps the memory */
void orr_text_release(struct orr_text *text);

/* The name in `names` nearest to `name` (edit distance at most a third of its
 * length), or NULL: what "did you mean" prints. */
const char *orr_text_nearest(const char *name, const char *const *names, size_t n);
/* Bytes of the line break at s, as YAML has them (LF, CR, CR LF, NEL, LS, PS); 0: none.
 * `s` is NUL-terminated. */
size_t orr_line_break(const char *s);
/* "true" or "false" when `word` is what YAML 1.1 and others take for a bool ("yes",
 * "Off"), else NULL. */
const char *orr_bool_word(const char *word);

#endif
