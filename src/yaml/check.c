/* check.c - what must hold before libyaml reads a text; hints for its complaints
 * Owns: the document's copy of the source. */
#include "yaml/internal.h"

#include "base/text.h"

#include <string.h>

static bool is_utf8(struct orr_yaml_document *document, struct orr_diags *diags)
{
    const unsigned char *s = (const unsigned char *)document->source;
    for (size_t i = 0; i < document->length;) {
        size_t n = orr_utf8_length(s + i, document->length - i);
        if (n == 0 || s[i] == '\0') {
            orr_diag_error(
                diags, orri_yaml_span_at(document, i), "E0103",
                n == 0 ? "not UTF-8 text: byte 0x%02x" : "a zero byte (0x%02x)", s[i]);
            return false;
        }
        i += n;
    }
    return true;
}

/* The name of the line break at `at` that is none in other tools: editors, git and the
 * next parser count other lines than libyaml (YAML 1.1, 5.4). NULL: there is none. */
static const char *odd_break(const struct orr_yaml_document *document, size_t at)
{
    const char *s = document->source + at; /* a zero byte ends it */
    if (s[0] == '\r' && s[1] != '\n')
        return "a carriage return without a line feed (old Mac line ends)";
    if (strncmp(s, "\xC2\x85", 2) == 0)
        return "a next-line character (U+0085)";
    if (strncmp(s, "\xE2\x80\xA8", 3) == 0)
        return "a line separator (U+2028)";
    if (strncmp(s, "\xE2\x80\xA9", 3) == 0)
        return "a paragraph separator (U+2029)";
    return NULL;
}

static bool has_plain_lines(struct orr_yaml_document *document, struct orr_diags *diags)
{
    const char *name = NULL;
    for (size_t i = 0; i < document->length && !name; i++)
        if ((name = odd_break(document, i)) != NULL)
            orr_diag_error(diags, orri_yaml_span_at(document, i), "E0111",
                           "a line ends with %s", name);
    return !name;
}

bool orri_yaml_take(struct orr_yaml_document *document, const char *text, size_t length,
                    struct orr_diags *diags)
{
    if (length > ORR_YAML_BYTES) {
        orr_diag_error(diags, (struct orr_span) { document->file, 1, 1 }, "E0107",
                       "the file has %zu bytes; the limit is %d (16 MiB)", length,
                       ORR_YAML_BYTES);
        return false;
    }
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        length -= 3;
    }
    char *copy = orr_arena_alloc(&document->arena, length + 1);
    if (length)
        memcpy(copy, text, length);
    document->source = copy;
    document->length = length;
    orri_yaml_index_lines(document);
    return is_utf8(document, diags) && has_plain_lines(document, diags);
}

/* Is `offset` inside a flow collection, as far as its own line tells? */
static bool in_flow(const struct orr_yaml_document *document, size_t offset)
{
    int open = 0;
    for (size_t i = offset; i > 0 && document->source[i - 1] != '\n'; i--) {
        char c = document->source[i - 1];
        open += (c == '{' || c == '[') - (c == '}' || c == ']');
    }
    return open > 0;
}

void orri_yaml_syntax_hint(const struct orr_yaml_document *document, size_t offset,
                           struct orr_diags *diags)
{
    char c = offset < document->length ? document->source[offset] : '\0';
    if ((c == '[' || c == ']' || c == '{' || c == '}') && in_flow(document, offset))
        orr_diag_hint(diags,
                      "an expression with %c inside { } or [ ] needs a line of its own",
                      c);
    else if (c == '@' || c == '`' || c == '%')
        orr_diag_hint(diags, "a value that starts with '%c' needs quotes", c);
    else if (c == ':')
        orr_diag_hint(diags, "a value with ': ' in it needs quotes");
}
