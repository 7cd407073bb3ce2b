/* values.c - nodes in an expression's place: expressions, lists, records
 * A plain scalar is an expression, a quoted one a template, a block one (| or >) a
 * template where a string is wanted and an expression elsewhere. */
#include "graph/internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void orri_scope_set(struct orr_scope *scope, uint32_t slot, const char *name,
                    const struct orr_type *type)
{
    scope->slots[slot].name = name;
    scope->slots[slot].type = type;
    scope->slots[slot].used = false;
}

/* Findings inside a scalar count characters of its text: say where these are. */
static void place_findings(struct orri_compile *c, orr_model_leaf node, size_t first,
                           struct orr_span base)
{
    for (size_t i = first; i < c->diags->n; i++) {
        struct orr_span *at = &c->diags->items[i].at;
        if (at->file == base.file && at->line == base.line && at->column > base.column)
            *at = orr_yaml_place(c->document, node, at->column - base.column);
    }
}

static size_t characters(const char *s, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)s[i] & 0xC0) != 0x80;
    return n;
}

enum mode { EXPRESSION, TEMPLATE, SCRIPT };

/* What is commonly behind a single finding. */
static void hint_mode(struct orri_compile *c, enum mode mode, bool data)
{
    const struct orr_diag *newest = &c->diags->items[c->diags->n - 1];
    if (newest->hint)
        return;
    if (mode == TEMPLATE && strcmp(newest->id, "E0210") == 0)
        orr_diag_hint(c->diags, "an expression is written without the quotes");
    else if (data && strcmp(newest->id, "E0201") == 0)
        orr_diag_hint(c->diags,
                      "numbers and their units are written together, as in 5min");
}

/* Braces of a shell's or awk's own that were taken for a hole: $ before or inside it,
 * or in a script anything that is not understood. */
static void hint_braces(struct orri_compile *c, orr_model_leaf node, enum mode mode,
                        size_t first, struct orr_span base)
{
    for (size_t i = first; i < c->diags->n; i++) {
        struct orr_diag *diag = &c->diags->items[i];
        size_t at = 0;
        if (strcmp(diag->id, "E0213") == 0 || strcmp(diag->id, "E0216") == 0)
            continue; /* a hole it is */
        for (uint32_t left = diag->at.column - base.column; left && node->text[at];)
            left -= ((unsigned char)node->text[++at] & 0xC0) != 0x80;
        size_t open = at;
        while (open > 0 && node->text[open] != '{')
            open--;
        size_t hole = strcspn(node->text + open, "}");
        bool dollar = (open > 0 && node->text[open - 1] == '$') ||
                      memchr(node->text + open, '$', hole);
        if (mode == SCRIPT && (dollar || !diag->hint))
            diag->hint = "braces of the shell's own are doubled: ${{x}}";
        else if (dollar && strcmp(diag->id, "E0210") != 0)
            diag->hint = "braces that are no expression are doubled: {{x}}";
    }
}

/* `fast` where a text is wanted: is it one word, or the name of a file? */
static void hint_quotes(struct orri_compile *c, orr_model_leaf node, size_t first,
                        const struct orr_type *want)
{
    bool path = want && want->kind == ORR_KIND_PATH;
    if ((!path && !(want && want->kind == ORR_KIND_STRING)) || c->diags->n <= first)
        return;
    struct orr_diag *diag = &c->diags->items[first];
    const char *more = path || strpbrk(node->text, "-/") ? "_-/." : "_";
    for (const char *s = node->text; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr(more, *s))
            return;
    if (node->style != ORR_YAML_PLAIN || strcmp(diag->id, "E0206") != 0 || diag->hint)
        return;
    diag->hint = orr_arena_printf(&c->diags->arena, "a text needs quotes: \"%.60s\"",
                                  node->text);
    c->diags->errors -= c->diags->n - first - 1; /* of very-fast, `fast` */
    c->diags->n = first + 1;
}

static struct orr_expr *compile_scalar(struct orri_compile *c, orr_model_leaf node,
                                       size_t from, enum mode mode,
                                       struct orr_scope *scope,
                                       const struct orr_type *want)
{
    struct orr_span base = orr_yaml_place(c->document, node, 0);
    struct orr_span at = base;
    size_t first = c->diags->n;
    struct orr_expr *e = NULL;
    at.column += (uint32_t)characters(node->text, from);
    if (mode == EXPRESSION)
        e = orr_expr_compile(node->text + from, at, scope, want, c->arena, c->diags);
    else if (mode == TEMPLATE)
        e = orr_expr_compile_template(node->text + from, at, scope, want, c->arena,
                                      c->diags);
    else
        e = orr_expr_compile_script(node->text + from, at, scope, c->arena, c->diags);
    if (!e && mode != EXPRESSION)
        hint_braces(c, node, mode, first, base);
    if (!e && mode == EXPRESSION && from == 0)
        hint_quotes(c, node, first, want);
    if (!e && c->diags->n == first + 1)
        hint_mode(c, mode, scope == NULL);
    place_findings(c, node, first, base);
    return e;
}

/* A path that a workflow names in its text starts at the workflow's directory. */
static struct orr_expr *resolved(struct orri_compile *c, struct orr_expr *e)
{
    struct orr_value v = orr_null();
    if (!e || !orr_expr_is_constant(e) || orr_expr_type(e)->kind != ORR_KIND_PATH ||
        orr_expr_eval(e, NULL, c->arena, &v, NULL) != ORR_OK || v.kind != ORR_KIND_PATH)
        return e;
    const char *path = orri_resolve_path(c->arena, c->directory, v.as.s->s);
    return orr_expr_constant(
        orr_string_new(c->arena, ORR_KIND_PATH, path, strlen(path)), orr_expr_type(e),
        orr_expr_span(e), c->arena);
}

static struct orr_expr *scalar(struct orri_compile *c, orr_model_leaf node,
                               struct orr_scope *scope, const struct orr_type *want)
{
    bool text =
        node->style == ORR_YAML_SINGLE || node->style == ORR_YAML_DOUBLE ||
        (node->style == ORR_YAML_BLOCK && want && want->kind == ORR_KIND_STRING);
    return resolved(
        c, compile_scalar(c, node, 0, text ? TEMPLATE : EXPRESSION, scope, want));
}

struct orr_expr *orri_expr_from(struct orri_compile *c, orr_model_leaf node,
                                size_t from, struct orr_scope *scope,
                                const struct orr_type *want)
{
    return compile_scalar(c, node, from, EXPRESSION, scope, want);
}

struct orr_expr *orri_template(struct orri_compile *c, orr_model_leaf node,
                               struct orr_scope *scope, const struct orr_type *want)
{
    return compile_scalar(c, node, 0, TEMPLATE, scope, want);
}

struct orr_expr *orri_script(struct orri_compile *c, orr_model_leaf node,
                             struct orr_scope *scope)
{
    return compile_scalar(c, node, 0, SCRIPT, scope, NULL);
}

/* ---- records ---- */

static orr_model_leaf find_item(orr_model_leaf mapping, const char *name)
{
    return mapping ? orr_yaml_find(mapping, name) : NULL;
}

bool orri_check_keys(struct orri_compile *c, orr_model_leaf mapping,
                     const struct orr_record_type *record, const char *what,
                     const char *part)
{
    const char **names = orr_alloc(record->n_fields, sizeof *names);
    bool good = true;
    for (uint32_t i = 0; i < record->n_fields; i++)
        names[i] = record->fields[i].name;
    for (uint32_t i = 0; i < mapping->n; i++) {
        if (orr_record_field(record, mapping->keys[i]->text) >= 0)
            continue;
        orr_diag_error(c->diags, mapping->keys[i]->at, "E0405", "%s has no %s '%s'",
                       what, part, mapping->keys[i]->text);
        orri_hint_nearest(c, mapping->keys[i]->text, names, record->n_fields);
        good = false;
    }
    free(names);
    return good;
}

struct orr_expr **orri_parts(struct orri_compile *c, orr_model_leaf mapping,
                             const struct orr_record_type *record,
                             struct orr_expr *const *defaults, const char *what,
                             const char *part, struct orr_scope *scope)
{
    struct orr_expr **parts =
        orr_arena_alloc(c->arena, (record->n_fields + 1) * sizeof *parts);
    bool good = !mapping || orri_check_keys(c, mapping, record, what, part);
    for (uint32_t i = 0; i < record->n_fields; i++) {
        const struct orr_field *field = &record->fields[i];
        orr_model_leaf node = find_item(mapping, field->name);
        if (node) {
            parts[i] = orri_expr(c, node, scope, field->type);
            good &= parts[i] != NULL;
        } else if (mapping && !field->type->optional && !(defaults && defaults[i])) {
            orr_diag_error(c->diags, mapping->at, "E0406", "%s needs the %s '%s'", what,
                           part, field->name);
            good = false;
        }
    }
    return good ? parts : NULL;
}

static const char *record_text(struct orri_compile *c,
                               const struct orr_record_type *record)
{
    return record->name ? orr_arena_printf(c->arena, "'%s'", record->name)
                        : "the record";
}

/* Without a wanted type: a record of what the parts are. */
static struct orr_expr *free_record(struct orri_compile *c, orr_model_leaf node,
                                    struct orr_scope *scope)
{
    struct orr_record_type *record = orr_arena_alloc(c->arena, sizeof *record);
    struct orr_field *fields =
        orr_arena_alloc(c->arena, (node->n + 1) * sizeof *fields);
    struct orr_expr **parts = orr_arena_alloc(c->arena, (node->n + 1) * sizeof *parts);
    bool good = true;
    for (uint32_t i = 0; i < node->n; i++) {
        good &= orri_check_name(c, node->keys[i], "a field");
        parts[i] = orri_expr(c, node->items[i], scope, NULL);
        fields[i].name = orri_keep(c, node->keys[i]);
        fields[i].type = parts[i] ? orr_expr_type(parts[i]) : NULL;
        good &= parts[i] != NULL;
    }
    *record = (struct orr_record_type) { .n_fields = node->n, .fields = fields };
    return good ? orr_expr_record(record, parts, node->at, c->arena) : NULL;
}

static struct orr_expr *mapping(struct orri_compile *c, orr_model_leaf node,
                                struct orr_scope *scope, const struct orr_type *want)
{
    if (!want)
        return free_record(c, node, scope);
    if (want->kind != ORR_KIND_RECORD) {
        struct orr_text text = ORR_TEXT_INIT;
        orr_type_print(want, &text);
        orr_diag_error(c->diags, node->at, "E0404",
                       "%s is expected, but this is a mapping", text.s);
        orr_text_release(&text);
        return NULL;
    }
    struct orr_expr **parts = orri_parts(c, node, want->record, NULL,
                                         record_text(c, want->record), "field", scope);
    return parts ? orr_expr_record(want->record, parts, node->at, c->arena) : NULL;
}

/* ---- lists ---- */

/* [e for x in xs] is a YAML list of one plain scalar. */
static bool is_comprehension(orr_model_leaf node)
{
    return node->flow && node->n == 1 && node->items[0]->kind == ORR_YAML_SCALAR &&
           node->items[0]->style == ORR_YAML_PLAIN &&
           strstr(node->items[0]->text, " for ");
}

static struct orr_expr *comprehension(struct orri_compile *c, orr_model_leaf node,
                                      struct orr_scope *scope,
                                      const struct orr_type *want)
{
    char *text = orr_arena_strndup(c->arena, c->document->source + node->start,
                                   node->end - node->start);
    return orr_expr_compile(text, node->at, scope, want, c->arena, c->diags);
}

static struct orr_expr *sequence(struct orri_compile *c, orr_model_leaf node,
                                 struct orr_scope *scope, const struct orr_type *want)
{
    if (is_comprehension(node))
        return comprehension(c, node, scope, want);
    if (want && want->kind != ORR_KIND_LIST) {
        struct orr_text text = ORR_TEXT_INIT;
        orr_type_print(want, &text);
        orr_diag_error(c->diags, node->at, "E0404",
                       "%s is expected, but this is a list", text.s);
        orr_text_release(&text);
        return NULL;
    }
    const struct orr_type *element = want ? want->element : NULL;
    struct orr_expr **parts = orr_arena_alloc(c->arena, (node->n + 1) * sizeof *parts);
    bool good = true;
    for (uint32_t i = 0; i < node->n; i++) {
        parts[i] = orri_expr(c, node->items[i], scope, element);
        if (!element && parts[i])
            element = orr_expr_type(parts[i]);
        good &= parts[i] != NULL;
    }
    struct orr_type *type = orr_arena_alloc(c->arena, sizeof *type);
    *type = (struct orr_type) { .kind = ORR_KIND_LIST, .element = element };
    return good ? orr_expr_list(type, parts, node->n, node->at, c->arena) : NULL;
}

struct orr_expr *orri_expr(struct orri_compile *c, orr_model_leaf node,
                           struct orr_scope *scope, const struct orr_type *want)
{
    switch (node->kind) {
    case ORR_YAML_SCALAR: return scalar(c, node, scope, want);
    case ORR_YAML_SEQUENCE: return sequence(c, node, scope, want);
    default: return mapping(c, node, scope, want);
    }
}
