/* expr_yaml.c - expressions as a workflow file writes them: what was compiled, to be
 * compiled again
 *
 * Texts and templates are quoted; what YAML would misread stands as the only part of a
 * quoted text, "{expression}", which is the value alone; records are mappings. */
#include "lang/internal.h"

#include <ctype.h>
#include <string.h>

static void put_value(struct orr_value v, int indent, struct orr_text *out);
static void put(const struct orr_expr *e, int indent, struct orr_text *out);

static void line(struct orr_text *out, int indent)
{
    orr_text_printf(out, "\n%*s", indent, "");
}

/* One line of a mapping; `value` starts with a line break where it is a block. */
static void put_key(const char *name, struct orr_text *value, int indent,
                    struct orr_text *out)
{
    line(out, indent);
    orr_text_printf(out, *value->s == '\n' ? "%s:%s" : "%s: %s", name, value->s);
    orr_text_release(value);
}

static void put_quoted(const struct orr_text *text, struct orr_text *out)
{
    orr_text_json(out, text->s ? text->s : "", text->length);
}

/* The text of a literal inside of a template: braces are doubled. */
static void put_doubled(const struct orr_string *s, struct orr_text *out)
{
    for (size_t i = 0; i < s->length; i++) {
        orr_text_append(out, &s->s[i], 1);
        if (s->s[i] == '{' || s->s[i] == '}')
            orr_text_append(out, &s->s[i], 1);
    }
}

static void put_string(const struct orr_string *s, struct orr_text *out)
{
    struct orr_text text = ORR_TEXT_INIT;
    put_doubled(s, &text);
    put_quoted(&text, out);
    orr_text_release(&text);
}

static void put_template(const struct orr_expr *e, struct orr_text *out)
{
    struct orr_text text = ORR_TEXT_INIT;
    for (uint32_t i = 0; i < e->n; i++) {
        if (orri_is_literal(e->parts[i])) {
            put_doubled(e->parts[i]->value.as.s, &text);
            continue;
        }
        orr_text_puts(&text, "{");
        orr_expr_print(e->parts[i], &text);
        orr_text_puts(&text, "}");
    }
    put_quoted(&text, out);
    orr_text_release(&text);
}

/* Can it stand alone as a plain scalar of a block mapping? */
static bool is_plain(const char *s)
{
    size_t n = strlen(s);
    bool first = isalnum((unsigned char)s[0]) || s[0] == '(' || s[0] == '_' ||
                 (s[0] == '-' && n > 1 && s[1] != ' ' && s[1] != '-');
    return first && !strstr(s, ": ") && !strstr(s, " #") && !strchr(s, '\n') &&
           s[n - 1] != ':' && s[n - 1] != ' ';
}

static void put_expression(const struct orr_expr *e, struct orr_text *out)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_expr_print(e, &text);
    if (is_plain(text.s)) {
        orr_text_puts(out, text.s);
    } else {
        struct orr_text alone = ORR_TEXT_INIT;
        orr_text_printf(&alone, "{%s}", text.s);
        put_quoted(&alone, out);
        orr_text_release(&alone);
    }
    orr_text_release(&text);
}

static void put_record_value(const struct orr_record *record, int indent,
                             struct orr_text *out)
{
    for (uint32_t i = 0; i < record->type->n_fields; i++) {
        struct orr_text value = ORR_TEXT_INIT;
        put_value(record->fields[i], indent + 2, &value);
        put_key(record->type->fields[i].name, &value, indent, out);
    }
    if (record->type->n_fields == 0)
        orr_text_puts(out, "{}");
}

static void put_list_value(const struct orr_list *list, int indent,
                           struct orr_text *out)
{
    for (uint32_t i = 0; i < list->n; i++) {
        line(out, indent);
        orr_text_puts(out, "- ");
        put_value(list->items[i], indent + 2, out);
    }
    if (list->n == 0)
        orr_text_puts(out, "[]");
}

static void put_value(struct orr_value v, int indent, struct orr_text *out)
{
    switch (v.kind) {
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: put_string(v.as.s, out); break;
    case ORR_KIND_LIST: put_list_value(v.as.list, indent, out); break;
    case ORR_KIND_RECORD: put_record_value(v.as.record, indent, out); break;
    default: orr_value_print(v, out);
    }
}

static void put_record(const struct orr_expr *e, int indent, struct orr_text *out)
{
    bool any = false;
    for (uint32_t i = 0; i < e->n; i++) {
        if (!e->parts[i])
            continue;
        struct orr_text value = ORR_TEXT_INIT;
        put(e->parts[i], indent + 2, &value);
        put_key(e->type->record->fields[i].name, &value, indent, out);
        any = true;
    }
    if (!any)
        orr_text_puts(out, "{}");
}

static void put_list(const struct orr_expr *e, int indent, struct orr_text *out)
{
    for (uint32_t i = 0; i < e->n; i++) {
        line(out, indent);
        orr_text_puts(out, "- ");
        put(e->parts[i], indent + 2, out);
    }
    if (e->n == 0)
        orr_text_puts(out, "[]");
}

static void put(const struct orr_expr *e, int indent, struct orr_text *out)
{
    switch (e->op) {
    case ORRI_CONVERT: put(e->parts[0], indent, out); break;
    case ORRI_CONST: put_value(e->value, indent, out); break;
    case ORRI_TEMPLATE: put_template(e, out); break;
    case ORRI_RECORD: put_record(e, indent, out); break;
    case ORRI_LIST: put_list(e, indent, out); break;
    default: put_expression(e, out);
    }
}

void orr_expr_yaml(const struct orr_expr *expr, int indent, struct orr_text *out)
{
    put(expr, indent, out);
}
