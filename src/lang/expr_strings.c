/* expr_strings.c - the built-in functions of texts and paths */
#include "lang/functions.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MAX = 1000 };

static orr_status give(struct orri_eval *eval, enum orr_kind kind, const char *s,
                       size_t length, struct orr_value *out)
{
    *out = orr_string_new(eval->arena, kind, s, length);
    return ORR_OK;
}

static orr_status give_text(struct orri_eval *eval, const struct orr_expr *call,
                            struct orr_text *text, struct orr_value *out)
{
    orr_status status = orri_spend(eval, call, text->length / 8);
    if (status == ORR_OK)
        status = give(eval, ORR_KIND_STRING, text->s ? text->s : "", text->length, out);
    orr_text_release(text);
    return status;
}

/* The last part of a path, trailing slashes apart. */
static const char *last_part(const struct orr_string *s, size_t *length)
{
    size_t end = s->length;
    while (end > 1 && s->s[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && s->s[start - 1] != '/')
        start--;
    *length = end - start;
    return s->s + start;
}

orr_status orri_run_basename(struct orri_eval *eval, const struct orr_expr *call,
                             const struct orr_value *args, struct orr_value *out)
{
    (void)call;
    size_t length = 0;
    const char *part = last_part(args[0].as.s, &length);
    return give(eval, ORR_KIND_STRING, part, length, out);
}

orr_status orri_run_stem(struct orri_eval *eval, const struct orr_expr *call,
                         const struct orr_value *args, struct orr_value *out)
{
    (void)call;
    size_t length = 0;
    const char *part = last_part(args[0].as.s, &length);
    for (size_t i = length; i > 1; i--)
        if (part[i - 1] == '.') {
            length = i - 1;
            break;
        }
    return give(eval, ORR_KIND_STRING, part, length, out);
}

orr_status orri_run_dirname(struct orri_eval *eval, const struct orr_expr *call,
                            const struct orr_value *args, struct orr_value *out)
{
    (void)call;
    size_t length = 0;
    const char *s = args[0].as.s->s;
    size_t end = (size_t)(last_part(args[0].as.s, &length) - s);
    while (end > 1 && s[end - 1] == '/')
        end--;
    if (end == 0)
        return give(eval, args[0].kind, ".", 1, out);
    return give(eval, args[0].kind, s, end, out);
}

orr_status orri_run_path(struct orri_eval *eval, const struct orr_expr *call,
                         const struct orr_value *args, struct orr_value *out)
{
    (void)eval, (void)call;
    *out = args[0];
    out->kind = ORR_KIND_PATH;
    return ORR_OK;
}

orr_status orri_run_startswith(struct orri_eval *eval, const struct orr_expr *call,
                               const struct orr_value *args, struct orr_value *out)
{
    (void)eval, (void)call;
    const struct orr_string *s = args[0].as.s;
    const struct orr_string *start = args[1].as.s;
    *out = orr_bool(start->length <= s->length &&
                    memcmp(s->s, start->s, start->length) == 0);
    return ORR_OK;
}

orr_status orri_run_endswith(struct orri_eval *eval, const struct orr_expr *call,
                             const struct orr_value *args, struct orr_value *out)
{
    (void)eval, (void)call;
    const struct orr_string *s = args[0].as.s;
    const struct orr_string *end = args[1].as.s;
    *out = orr_bool(end->length <= s->length &&
                    memcmp(s->s + s->length - end->length, end->s, end->length) == 0);
    return ORR_OK;
}

orr_status orri_run_strip(struct orri_eval *eval, const struct orr_expr *call,
                          const struct orr_value *args, struct orr_value *out)
{
    (void)call;
    const char *s = args[0].as.s->s;
    size_t length = args[0].as.s->length;
    while (length && isspace((unsigned char)*s)) {
        s++;
        length--;
    }
    while (length && isspace((unsigned char)s[length - 1]))
        length--;
    return give(eval, ORR_KIND_STRING, s, length, out);
}

static orr_status map_letters(struct orri_eval *eval, const struct orr_expr *call,
                              const struct orr_string *s, bool upper,
                              struct orr_value *out)
{
    struct orr_text text = ORR_TEXT_INIT;
    for (uint32_t i = 0; i < s->length; i++) {
        unsigned char c = (unsigned char)s->s[i];
        char mapped = (char)(c < 0x80 ? (upper ? toupper(c) : tolower(c)) : c);
        orr_text_append(&text, &mapped, 1);
    }
    return give_text(eval, call, &text, out);
}

orr_status orri_run_lower(struct orri_eval *eval, const struct orr_expr *call,
                          const struct orr_value *args, struct orr_value *out)
{
    return map_letters(eval, call, args[0].as.s, false, out);
}

orr_status orri_run_upper(struct orri_eval *eval, const struct orr_expr *call,
                          const struct orr_value *args, struct orr_value *out)
{
    return map_letters(eval, call, args[0].as.s, true, out);
}

orr_status orri_run_str(struct orri_eval *eval, const struct orr_expr *call,
                        const struct orr_value *args, struct orr_value *out)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_value_format(args[0], &text);
    return give_text(eval, call, &text, out);
}

orr_status orri_run_join(struct orri_eval *eval, const struct orr_expr *call,
                         const struct orr_value *args, struct orr_value *out)
{
    const struct orr_list *list = args[0].as.list;
    struct orr_text text = ORR_TEXT_INIT;
    orr_status status = orri_spend(eval, call, list->n);
    for (uint32_t i = 0; i < list->n && status == ORR_OK; i++) {
        if (i)
            orr_text_append(&text, args[1].as.s->s, args[1].as.s->length);
        orr_text_append(&text, list->items[i].as.s->s, list->items[i].as.s->length);
        status = orri_spend(eval, call,
                            (args[1].as.s->length + list->items[i].as.s->length) / 8);
    }
    if (status == ORR_OK)
        return give_text(eval, call, &text, out);
    orr_text_release(&text);
    return status;
}

static void quote_word(struct orr_value v, struct orr_text *out)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_value_format(v, &text);
    orr_text_puts(out, "'");
    for (size_t i = 0; i < text.length; i++)
        orr_text_append(out, text.s[i] == '\'' ? "'\\''" : &text.s[i],
                        text.s[i] == '\'' ? 4 : 1);
    orr_text_puts(out, "'");
    orr_text_release(&text);
}

orr_status orri_run_quote(struct orri_eval *eval, const struct orr_expr *call,
                          const struct orr_value *args, struct orr_value *out)
{
    struct orr_text text = ORR_TEXT_INIT;
    if (args[0].kind != ORR_KIND_LIST)
        quote_word(args[0], &text);
    for (uint32_t i = 0; args[0].kind == ORR_KIND_LIST && i < args[0].as.list->n; i++) {
        orr_text_puts(&text, i ? " " : "");
        quote_word(args[0].as.list->items[i], &text);
    }
    return give_text(eval, call, &text, out);
}

static orr_status empty_separator(struct orri_eval *eval, const struct orr_expr *call)
{
    return orri_eval_error(eval, call, "%s(): the text to look for is empty",
                           call->name);
}

orr_status orri_run_replace(struct orri_eval *eval, const struct orr_expr *call,
                            const struct orr_value *args, struct orr_value *out)
{
    const char *s = args[0].as.s->s;
    const struct orr_string *from = args[1].as.s;
    const struct orr_string *to = args[2].as.s;
    struct orr_text text = ORR_TEXT_INIT;
    if (from->length == 0)
        return empty_separator(eval, call);
    for (const char *found = strstr(s, from->s); found; found = strstr(s, from->s)) {
        orr_status status = orri_spend(eval, call, 1 + to->length / 8);
        if (status != ORR_OK) {
            orr_text_release(&text);
            return status;
        }
        orr_text_append(&text, s, (size_t)(found - s));
        orr_text_append(&text, to->s, to->length);
        s = found + from->length;
    }
    orr_text_puts(&text, s);
    return give_text(eval, call, &text, out);
}

orr_status orri_run_split(struct orri_eval *eval, const struct orr_expr *call,
                          const struct orr_value *args, struct orr_value *out)
{
    const char *s = args[0].as.s->s;
    const struct orr_string *by = args[1].as.s;
    if (by->length == 0)
        return empty_separator(eval, call);
    uint32_t n = 1;
    for (const char *at = strstr(s, by->s); at; at = strstr(at + by->length, by->s))
        n++;
    orr_status status = orri_spend(eval, call, n);
    if (status != ORR_OK)
        return status;
    struct orr_list *list = orr_list_new(eval->arena, n);
    for (uint32_t i = 0; i < n; i++) {
        const char *end = strstr(s, by->s);
        size_t length = end ? (size_t)(end - s) : strlen(s);
        list->items[i] = orr_string_new(eval->arena, ORR_KIND_STRING, s, length);
        s += length + (end ? by->length : 0);
    }
    *out = orr_value_of_list(list);
    return ORR_OK;
}

/* ---- format(x, "[0][<>][width][.digits][dxfeg%s]") ---- */

struct spec {
    bool zeros, left, right;
    int width;
    int digits; /* -1: not given */
    char letter;
};

static int spec_number(const char **s)
{
    int n = 0;
    while (isdigit((unsigned char)**s) && n <= WIDTH_MAX)
        n = n * 10 + (*(*s)++ - '0');
    return n;
}

static bool parse_spec(const char *s, struct spec *spec)
{
    *spec = (struct spec) { .digits = -1 };
    if (*s == '<' || *s == '>')
        *(*s == '<' ? &spec->left : &spec->right) = true, s++;
    if (*s == '0')
        spec->zeros = true, s++;
    spec->width = spec_number(&s);
    if (*s == '.') {
        s++;
        if (!isdigit((unsigned char)*s))
            return false;
        spec->digits = spec_number(&s);
    }
    if (*s && strchr("dxfeg%s", *s))
        spec->letter = *s++;
    return *s == '\0' && spec->width <= WIDTH_MAX && spec->digits <= 100;
}

static bool format_int(const struct spec *spec, int64_t i, struct orr_text *out)
{
    if (spec->digits >= 0)
        return false;
    if (spec->letter == 'x')
        orr_text_printf(out, "%s%" PRIx64, i < 0 ? "-" : "",
                        i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
    else
        orr_text_printf(out, "%" PRId64, i);
    return true;
}

static bool format_float(const struct spec *spec, double f, struct orr_text *out)
{
    int digits = spec->digits < 0 ? 6 : spec->digits;
    switch (spec->letter) {
    case 'e': orr_text_printf(out, "%.*e", digits, f); return true;
    case '%': orr_text_printf(out, "%.*f%%", digits, f * 100); return true;
    case 'f': orr_text_printf(out, "%.*f", digits, f); return true;
    case 'g': orr_text_printf(out, "%.*g", digits, f); return true;
    default: break;
    }
    if (spec->letter)
        return false;
    if (spec->digits < 0)
        orr_value_format(orr_float(f), out);
    else
        orr_text_printf(out, "%.*g", digits, f);
    return true;
}

static bool format_plain(const struct spec *spec, struct orr_value v,
                         struct orr_text *out)
{
    bool number = spec->letter && spec->letter != 's';
    if (v.kind == ORR_KIND_INT &&
        (!number || spec->letter == 'd' || spec->letter == 'x') && spec->letter != 's')
        return format_int(spec, v.as.i, out);
    if (v.kind == ORR_KIND_INT)
        return spec->letter != 's' && format_float(spec, (double)v.as.i, out);
    if (v.kind == ORR_KIND_FLOAT)
        return format_float(spec, v.as.f, out);
    if (v.kind == ORR_KIND_DURATION && number)
        return format_float(spec, (double)v.as.i / 1e9, out);
    if (v.kind == ORR_KIND_SIZE && number)
        return format_int(spec, v.as.i, out);
    orr_value_format(v, out);
    if (spec->digits >= 0 && (size_t)spec->digits < out->length)
        out->length = (size_t)spec->digits, out->s[out->length] = '\0';
    return !number && !spec->zeros;
}

/* Pad `body` to the width: numbers to the right unless told, zeros after the sign. */
static void pad(const struct spec *spec, bool number, const struct orr_text *body,
                struct orr_text *out)
{
    size_t missing =
        body->length < (size_t)spec->width ? (size_t)spec->width - body->length : 0;
    bool left = spec->left || (!number && !spec->right);
    const char *rest = body->s ? body->s : "";
    if (spec->zeros && !left && *rest == '-')
        orr_text_append(out, rest++, 1);
    for (size_t i = 0; i < missing && !left; i++)
        orr_text_puts(out, spec->zeros ? "0" : " ");
    orr_text_puts(out, rest);
    for (size_t i = 0; i < missing && left; i++)
        orr_text_puts(out, " ");
}

orr_status orri_run_format(struct orri_eval *eval, const struct orr_expr *call,
                           const struct orr_value *args, struct orr_value *out)
{
    struct spec spec;
    struct orr_text body = ORR_TEXT_INIT;
    struct orr_text text = ORR_TEXT_INIT;
    bool number = args[0].kind == ORR_KIND_INT || args[0].kind == ORR_KIND_FLOAT ||
                  args[0].kind == ORR_KIND_DURATION || args[0].kind == ORR_KIND_SIZE;
    if (!parse_spec(args[1].as.s->s, &spec) || !format_plain(&spec, args[0], &body)) {
        orr_text_release(&body);
        return orri_eval_error(eval, call,
                               "format(): \"%.40s\" does not fit such a value",
                               args[1].as.s->s);
    }
    pad(&spec, number, &body, &text);
    orr_text_release(&body);
    return give_text(eval, call, &text, out);
}
