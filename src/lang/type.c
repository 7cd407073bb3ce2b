/* type.c - types: their text, their order, what fits where
 * Owns nothing: parsed types live in the caller's arena. */
#include "lang/type.h"

#include <ctype.h>
#include <string.h>

const struct orr_type *orr_type_scalar(enum orr_kind kind)
{
#define X(id, number, text) [number] = { .kind = ORR_KIND_##id },
    static const struct orr_type types[] = { ORR_KINDS(X) };
#undef X
    return &types[kind];
}

int orr_record_field(const struct orr_record_type *record, const char *name)
{
    for (uint32_t i = 0; i < record->n_fields; i++)
        if (strcmp(record->fields[i].name, name) == 0)
            return (int)i;
    return -1;
}

static const char *kind_text(enum orr_kind kind)
{
#define X(id, number, text) [number] = text,
    static const char *const texts[] = { ORR_KINDS(X) };
#undef X
    return texts[kind];
}

static void print_record(const struct orr_record_type *record, struct orr_text *out)
{
    if (record->name) {
        orr_text_puts(out, record->name);
        return;
    }
    orr_text_puts(out, "{");
    for (uint32_t i = 0; i < record->n_fields; i++) {
        orr_text_printf(out, "%s%s: ", i ? ", " : "", record->fields[i].name);
        orr_type_print(record->fields[i].type, out);
    }
    orr_text_puts(out, "}");
}

void orr_type_print(const struct orr_type *type, struct orr_text *out)
{
    if (type->kind == ORR_KIND_LIST) {
        orr_text_puts(out, "list<");
        if (type->element)
            orr_type_print(type->element, out);
        orr_text_puts(out, ">");
    } else if (type->kind == ORR_KIND_RECORD && type->record) {
        print_record(type->record, out);
    } else {
        orr_text_puts(out, kind_text(type->kind));
    }
    if (type->optional)
        orr_text_puts(out, "?");
}

static bool record_fits(const struct orr_record_type *to,
                        const struct orr_record_type *from)
{
    if (to == from)
        return true;
    for (uint32_t i = 0; i < to->n_fields; i++) {
        int at = orr_record_field(from, to->fields[i].name);
        if (at < 0 ? !to->fields[i].type->optional
                   : !orr_type_fits(to->fields[i].type, from->fields[at].type))
            return false;
    }
    return true;
}

bool orr_type_fits(const struct orr_type *to, const struct orr_type *from)
{
    if (from->kind == ORR_KIND_NULL)
        return to->optional || to->kind == ORR_KIND_NULL;
    if (from->optional && !to->optional)
        return false;
    if (to->kind == ORR_KIND_FLOAT && from->kind == ORR_KIND_INT)
        return true;
    if (to->kind != from->kind)
        return false;
    if (to->kind == ORR_KIND_LIST)
        return !from->element || !to->element ||
               orr_type_fits(to->element, from->element);
    if (to->kind == ORR_KIND_RECORD)
        return record_fits(to->record, from->record);
    return true;
}

/* ---- parsing "list<{a: int, b: string?}>" ---- */

enum { TYPE_DEPTH = 16, TYPE_FIELDS = 256 };

struct type_parser {
    const char *text;
    size_t at;
    struct orr_span span;
    const struct orr_type_names *names;
    struct orr_arena *arena;
    struct orr_error *err;
    int depth;
};

static const struct orr_type *parse_type(struct type_parser *p);

static void skip_space(struct type_parser *p)
{
    while (p->text[p->at] == ' ' || p->text[p->at] == '\t')
        p->at++;
}

static bool accept(struct type_parser *p, char c)
{
    skip_space(p);
    if (p->text[p->at] != c)
        return false;
    p->at++;
    return true;
}

static const struct orr_type *refuse(struct type_parser *p, const char *what)
{
    struct orr_span at = p->span;
    at.column += at.column ? (uint32_t)p->at : 0;
    (void)orr_error_set(p->err, ORR_ERR_INPUT, at, "%s in type '%s'", what, p->text);
    return NULL;
}

static const char *parse_name(struct type_parser *p)
{
    skip_space(p);
    size_t start = p->at;
    while (isalnum((unsigned char)p->text[p->at]) || p->text[p->at] == '_' ||
           (p->text[p->at] == '-' && p->at > start))
        p->at++;
    return p->at == start ? NULL
                          : orr_arena_strndup(p->arena, p->text + start, p->at - start);
}

static struct orr_type *new_type(struct type_parser *p, enum orr_kind kind)
{
    struct orr_type *type = orr_arena_alloc(p->arena, sizeof *type);
    type->kind = kind;
    return type;
}

static bool parse_field(struct type_parser *p, struct orr_field *field)
{
    field->name = parse_name(p);
    if (!field->name)
        return refuse(p, "a field name is expected");
    if (!accept(p, ':'))
        return refuse(p, "':' is expected after the field name");
    field->type = parse_type(p);
    return field->type != NULL;
}

static const struct orr_type *parse_record(struct type_parser *p)
{
    struct orr_field fields[TYPE_FIELDS] = { 0 };
    uint32_t n = 0;
    do {
        if (n == TYPE_FIELDS)
            return refuse(p, "too many fields");
        if (!parse_field(p, &fields[n]))
            return NULL;
        for (uint32_t i = 0; i < n; i++)
            if (strcmp(fields[i].name, fields[n].name) == 0)
                return refuse(p, "a field name stands twice");
        n++;
    } while (accept(p, ','));
    if (!accept(p, '}'))
        return refuse(p, "'}' is expected");
    struct orr_field *kept = orr_arena_alloc(p->arena, n * sizeof *kept);
    memcpy(kept, fields, n * sizeof *kept);
    struct orr_record_type *record = orr_arena_alloc(p->arena, sizeof *record);
    *record = (struct orr_record_type) { .n_fields = n, .fields = kept };
    struct orr_type *type = new_type(p, ORR_KIND_RECORD);
    type->record = record;
    return type;
}

static const struct orr_type *parse_list(struct type_parser *p)
{
    if (!accept(p, '<'))
        return refuse(p, "'<' is expected after 'list'");
    const struct orr_type *element = parse_type(p);
    if (!element)
        return NULL;
    if (!accept(p, '>'))
        return refuse(p, "'>' is expected");
    struct orr_type *type = new_type(p, ORR_KIND_LIST);
    type->element = element;
    return type;
}

static const struct orr_type *parse_named(struct type_parser *p)
{
    size_t start = p->at;
    const char *name = parse_name(p);
    if (!name)
        return refuse(p, "a type is expected");
    if (strcmp(name, "list") == 0)
        return parse_list(p);
    for (int kind = ORR_KIND_BOOL; kind <= ORR_KIND_BLOB; kind++)
        if (strcmp(name, kind_text((enum orr_kind)kind)) == 0)
            return new_type(p, (enum orr_kind)kind);
    const struct orr_record_type *record =
        p->names ? p->names->find(p->names->context, name) : NULL;
    if (!record) {
        p->at = start;
        return refuse(p, "unknown name");
    }
    struct orr_type *type = new_type(p, ORR_KIND_RECORD);
    type->record = record;
    return type;
}

static const struct orr_type *parse_type(struct type_parser *p)
{
    if (++p->depth > TYPE_DEPTH)
        return refuse(p, "too deep nesting");
    skip_space(p);
    const struct orr_type *type = accept(p, '{') ? parse_record(p) : parse_named(p);
    p->depth--;
    if (type && accept(p, '?')) {
        struct orr_type *optional = orr_arena_alloc(p->arena, sizeof *optional);
        *optional = *type;
        optional->optional = true;
        type = optional;
    }
    return type;
}

const struct orr_type *orr_type_parse(const char *text, struct orr_span at,
                                      const struct orr_type_names *names,
                                      struct orr_arena *arena, struct orr_error *err)
{
    struct type_parser p = {
        .text = text, .span = at, .names = names, .arena = arena, .err = err
    };
    const struct orr_type *type = parse_type(&p);
    if (!type)
        return NULL;
    skip_space(&p);
    return p.text[p.at] == '\0' ? type : refuse(&p, "unexpected text");
}
