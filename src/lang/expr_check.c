/* expr_check.c - types of a parsed tree: names, fields, conditions, lists
 * Every mistake is reported where it stands; a node that failed keeps its parents
 * silent. Hands on: operators (expr_operators.c), calls (expr_builtin.c). */
#include "lang/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *orri_type_text(struct orri_checker *c, const struct orr_type *type)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_type_print(type, &text);
    const char *copy = orr_arena_strdup(c->arena, text.s);
    orr_text_release(&text);
    return copy;
}

bool orri_refuse(struct orri_checker *c, struct orr_expr *e, const char *id,
                 const char *text)
{
    orr_diag_error(c->diags, e->at, id, "%s", text);
    e->bad = true;
    return false;
}

bool orri_is_literal(const struct orr_expr *e)
{
    return e->op == ORRI_CONST && e->value.kind == ORR_KIND_STRING;
}

static void hint_nearest(struct orri_checker *c, const char *name,
                         const char *const *names, size_t n)
{
    const char *nearest = orr_text_nearest(name, names, n);
    if (nearest)
        orr_diag_hint(c->diags, "did you mean '%s'?", nearest);
}

/* ---- what is known not to be null ---- */

static bool same_path(const struct orr_expr *a, const struct orr_expr *b)
{
    if (a->op != b->op || a->index != b->index)
        return false;
    if (a->op == ORRI_FIELD)
        return same_path(a->parts[0], b->parts[0]);
    return a->op == ORRI_SLOT || a->op == ORRI_LOCAL;
}

static void narrow_null_test(struct orri_checker *c, const struct orr_expr *e)
{
    for (int i = 0; i < 2; i++)
        if (e->parts[i]->op == ORRI_CONST && e->parts[i]->value.kind == ORR_KIND_NULL &&
            c->n_narrow < ORR_SLOTS_MAX)
            c->narrow[c->n_narrow++] = e->parts[1 - i];
}

/* Learn from `e` being `truth`. */
static void narrow(struct orri_checker *c, const struct orr_expr *e, bool truth)
{
    if (e->bad || !e->type)
        return;
    if (e->op == (truth ? ORRI_NE : ORRI_EQ))
        narrow_null_test(c, e);
    if (e->op == ORRI_NOT)
        narrow(c, e->parts[0], !truth);
    if (e->op == (truth ? ORRI_AND : ORRI_OR)) {
        narrow(c, e->parts[0], truth);
        narrow(c, e->parts[1], truth);
    }
}

static const struct orr_type *narrowed(struct orri_checker *c, const struct orr_expr *e,
                                       const struct orr_type *type)
{
    for (uint32_t i = 0; type->optional && i < c->n_narrow; i++)
        if (same_path(c->narrow[i], e)) {
            struct orr_type *sure = orr_arena_alloc(c->arena, sizeof *sure);
            *sure = *type;
            sure->optional = false;
            if (i < c->narrow_used)
                c->narrow_used = i;
            return sure;
        }
    return type;
}

bool orri_not_null(struct orri_checker *c, struct orr_expr *e)
{
    if (!e->type->optional && e->type->kind != ORR_KIND_NULL)
        return true;
    struct orr_text text = ORR_TEXT_INIT;
    orr_expr_print(e, &text);
    orr_diag_error(c->diags, e->at, "E0213",
                   "%s may be null; test it first: 'x if %s != null else y'", text.s,
                   text.s);
    orr_text_release(&text);
    e->bad = true;
    return false;
}

/* ---- names and fields ---- */

static bool unknown_name(struct orri_checker *c, struct orr_expr *e)
{
    const char *names[ORR_SLOTS_MAX + ORRI_LOCALS + 1];
    size_t n = 0;
    if (c->scope->alias.name)
        names[n++] = c->scope->alias.name;
    for (uint32_t i = 0; i < ORR_SLOTS_MAX; i++)
        if (c->scope->slots[i].name)
            names[n++] = c->scope->slots[i].name;
    for (uint32_t i = 0; i < c->n_locals; i++)
        names[n++] = c->locals[i].name;
    e->bad = true;
    orr_diag_error(c->diags, e->at, "E0206", "unknown name '%s'", e->name);
    if (orri_builtin_find(e->name))
        orr_diag_hint(c->diags, "%s is a function: write %s(...)", e->name, e->name);
    else if (orr_bool_word(e->name))
        orr_diag_hint(c->diags, "write '%s', or \"%s\" in quotes for the text",
                      orr_bool_word(e->name), e->name);
    else if (strcmp(e->name, "None") == 0)
        orr_diag_hint(c->diags, "did you mean 'null'?");
    else
        hint_nearest(c, e->name, names, n);
    return false;
}

/* The name becomes SLOT.field. */
static bool check_alias(struct orri_checker *c, struct orr_expr *e)
{
    struct orr_expr *record = orri_expr_new(c->arena, ORRI_NAME, e->at, 0);
    const struct orr_field *field = &c->scope->slots[c->scope->alias.slot]
                                         .type->record->fields[c->scope->alias.field];
    struct orr_expr **parts = orr_arena_alloc(c->arena, sizeof *parts);
    record->name = c->scope->slots[c->scope->alias.slot].name;
    parts[0] = record;
    e->op = ORRI_FIELD;
    e->name = field->name;
    e->n = 1;
    e->parts = parts;
    return orri_check(c, &e, NULL);
}

static bool check_name(struct orri_checker *c, struct orr_expr *e)
{
    for (uint32_t i = c->n_locals; i-- > 0;)
        if (strcmp(c->locals[i].name, e->name) == 0) {
            e->op = ORRI_LOCAL;
            e->index = i;
            e->type = narrowed(c, e, c->locals[i].type);
            return true;
        }
    for (uint32_t i = 0; i < ORR_SLOTS_MAX; i++)
        if (c->scope->slots[i].name && strcmp(c->scope->slots[i].name, e->name) == 0) {
            c->scope->slots[i].used = true;
            if (!c->scope->slots[i].type) {
                e->bad = true;
                return false;
            }
            e->op = ORRI_SLOT;
            e->index = i;
            e->type = narrowed(c, e, c->scope->slots[i].type);
            return true;
        }
    if (c->scope->alias.name && strcmp(c->scope->alias.name, e->name) == 0)
        return check_alias(c, e);
    return unknown_name(c, e);
}

static bool unknown_field(struct orri_checker *c, struct orr_expr *e,
                          const struct orr_record_type *record)
{
    const char **names =
        orr_arena_alloc(c->arena, (record->n_fields + 1) * sizeof *names);
    for (uint32_t i = 0; i < record->n_fields; i++)
        names[i] = record->fields[i].name;
    e->bad = true;
    orr_diag_error(c->diags, e->at, "E0207", "%s has no field '%s'",
                   orri_type_text(c, e->parts[0]->type), e->name);
    hint_nearest(c, e->name, names, record->n_fields);
    return false;
}

static bool check_field(struct orri_checker *c, struct orr_expr *e)
{
    if (!orri_check(c, &e->parts[0], NULL) || !orri_not_null(c, e->parts[0]))
        return false;
    const struct orr_type *of = e->parts[0]->type;
    if (of->kind != ORR_KIND_RECORD) {
        orr_diag_error(c->diags, e->at, "E0207", "a value of type %s has no fields",
                       orri_type_text(c, of));
        e->bad = true;
        return false;
    }
    int index = orr_record_field(of->record, e->name);
    if (index < 0)
        return unknown_field(c, e, of->record);
    e->index = (uint32_t)index;
    e->type = narrowed(c, e, of->record->fields[index].type);
    return true;
}

static bool check_index(struct orri_checker *c, struct orr_expr *e)
{
    bool list = orri_check(c, &e->parts[0], NULL) && orri_not_null(c, e->parts[0]);
    bool index = orri_check(c, &e->parts[1], NULL) &&
                 orri_coerce(c, &e->parts[1], orr_type_scalar(ORR_KIND_INT));
    if (!list || !index)
        return false;
    const struct orr_type *of = e->parts[0]->type;
    if (of->kind != ORR_KIND_LIST || !of->element) {
        orr_diag_error(c->diags, e->at, "E0208", "a value of type %s cannot be indexed",
                       orri_type_text(c, of));
        return false;
    }
    e->type = of->element;
    return true;
}

/* ---- lists and conditions ---- */

static const struct orr_type *optional_of(struct orri_checker *c,
                                          const struct orr_type *type)
{
    if (type->optional || type->kind == ORR_KIND_NULL)
        return type;
    struct orr_type *copy = orr_arena_alloc(c->arena, sizeof *copy);
    *copy = *type;
    copy->optional = true;
    return copy;
}

/* The type that both fit, or NULL. */
static const struct orr_type *unify(struct orri_checker *c, const struct orr_type *a,
                                    const struct orr_type *b)
{
    bool optional = a->optional || b->optional || a->kind == ORR_KIND_NULL ||
                    b->kind == ORR_KIND_NULL;
    if (optional) {
        a = optional_of(c, a);
        b = optional_of(c, b);
    }
    if (a->kind == ORR_KIND_NULL || (a->kind == ORR_KIND_LIST && !a->element))
        return b->kind == ORR_KIND_LIST || a->kind == ORR_KIND_NULL ? b : NULL;
    return orr_type_fits(a, b) ? a : orr_type_fits(b, a) ? b : NULL;
}

static const struct orr_type *list_of(struct orri_checker *c,
                                      const struct orr_type *element)
{
    struct orr_type *type = orr_arena_alloc(c->arena, sizeof *type);
    *type = (struct orr_type) { .kind = ORR_KIND_LIST, .element = element };
    return type;
}

static bool unify_parts(struct orri_checker *c, struct orr_expr *e, uint32_t from,
                        const struct orr_type *want, const struct orr_type **out)
{
    const struct orr_type *type = want;
    bool good = true;
    for (uint32_t i = from; i < e->n && !want; i++) {
        const struct orr_type *both =
            type ? unify(c, type, e->parts[i]->type) : e->parts[i]->type;
        if (!both) {
            orr_diag_error(c->diags, e->parts[i]->at, "E0209",
                           "this is %s, but what stands before it is %s",
                           orri_type_text(c, e->parts[i]->type),
                           orri_type_text(c, type));
            return false;
        }
        type = both;
    }
    for (uint32_t i = from; i < e->n; i++)
        good &= orri_coerce(c, &e->parts[i], type);
    *out = type;
    return good;
}

static bool check_list(struct orri_checker *c, struct orr_expr *e,
                       const struct orr_type *want)
{
    const struct orr_type *element =
        want && want->kind == ORR_KIND_LIST ? want->element : NULL;
    bool good = true;
    for (uint32_t i = 0; i < e->n; i++)
        good &= orri_check(c, &e->parts[i], element);
    if (!good || !unify_parts(c, e, 0, element, &element))
        return false;
    e->type = list_of(c, element);
    return true;
}

static bool check_condition_part(struct orri_checker *c, struct orr_expr **e)
{
    return orri_check(c, e, NULL) && orri_coerce(c, e, orr_type_scalar(ORR_KIND_BOOL));
}

static bool check_cond(struct orri_checker *c, struct orr_expr *e,
                       const struct orr_type *want)
{
    uint32_t known = c->n_narrow;
    bool good = check_condition_part(c, &e->parts[0]);
    if (good)
        narrow(c, e->parts[0], true);
    bool then = orri_check(c, &e->parts[1], want);
    c->n_narrow = known;
    if (good)
        narrow(c, e->parts[0], false);
    bool otherwise = orri_check(c, &e->parts[2], want);
    c->n_narrow = known;
    return good && then && otherwise && unify_parts(c, e, 1, want, &e->type);
}

static bool check_comprehension(struct orri_checker *c, struct orr_expr *e,
                                const struct orr_type *want)
{
    const struct orr_type *wanted =
        want && want->kind == ORR_KIND_LIST ? want->element : NULL;
    if (!orri_check(c, &e->parts[0], NULL) || !orri_not_null(c, e->parts[0]))
        return false;
    const struct orr_type *list = e->parts[0]->type;
    if (list->kind != ORR_KIND_LIST)
        return orri_refuse(c, e->parts[0], "E0208", "a list is expected after 'in'");
    if (c->n_locals == ORRI_LOCALS)
        return orri_refuse(c, e, "E0204",
                           "more than 16 list comprehensions inside each other");
    uint32_t known = c->n_narrow;
    e->index = c->n_locals++;
    c->locals[e->index].name = e->name;
    c->locals[e->index].type =
        list->element ? list->element : orr_type_scalar(ORR_KIND_NULL);
    bool good = e->n < 3 || check_condition_part(c, &e->parts[2]);
    if (good && e->n == 3)
        narrow(c, e->parts[2], true);
    good = orri_check(c, &e->parts[1], wanted) && good;
    c->n_narrow = known;
    c->n_locals--;
    if (good && wanted)
        good = orri_coerce(c, &e->parts[1], wanted);
    e->type = good ? list_of(c, e->parts[1]->type) : NULL;
    return good;
}

/* and, or: the right side knows that the left one holds, or does not. */
static bool check_logic(struct orri_checker *c, struct orr_expr *e)
{
    uint32_t known = c->n_narrow;
    uint32_t used = c->narrow_used;
    bool good = check_condition_part(c, &e->parts[0]);
    if (good)
        narrow(c, e->parts[0], e->op == ORRI_AND);
    c->narrow_used = UINT32_MAX;
    good = check_condition_part(c, &e->parts[1]) && good;
    e->glued = c->narrow_used != UINT32_MAX && c->narrow_used >= known;
    if (used < c->narrow_used || e->glued)
        c->narrow_used = used;
    c->n_narrow = known;
    e->type = good ? orr_type_scalar(ORR_KIND_BOOL) : NULL;
    return good;
}

static bool check_template(struct orri_checker *c, struct orr_expr *e)
{
    bool good = true;
    for (uint32_t i = 0; i < e->n; i++)
        good &= orri_check(c, &e->parts[i], NULL) && orri_not_null(c, e->parts[i]);
    e->type = orr_type_scalar(ORR_KIND_STRING);
    return good;
}

static bool check_unary(struct orri_checker *c, struct orr_expr *e)
{
    if (e->op == ORRI_NOT) {
        e->type = orr_type_scalar(ORR_KIND_BOOL);
        return check_condition_part(c, &e->parts[0]);
    }
    if (!orri_check(c, &e->parts[0], NULL) || !orri_not_null(c, e->parts[0]))
        return false;
    e->type = e->parts[0]->type;
    if (e->type->kind != ORR_KIND_INT && e->type->kind != ORR_KIND_FLOAT &&
        e->type->kind != ORR_KIND_DURATION) {
        orr_diag_error(c->diags, e->at, "E0208", "'-' cannot be used on %s",
                       orri_type_text(c, e->type));
        return false;
    }
    return true;
}

static bool check_operands(struct orri_checker *c, struct orr_expr *e)
{
    bool left = orri_check(c, &e->parts[0], NULL);
    if (!orri_check(c, &e->parts[1], NULL) || !left)
        return false;
    e->type = orri_check_binary(c, e);
    return e->type != NULL;
}

static bool check_call(struct orri_checker *c, struct orr_expr *e)
{
    bool good = true;
    for (uint32_t i = 0; i < e->n; i++)
        good &= orri_check(c, &e->parts[i], NULL);
    e->type = orri_check_call(c, e);
    return good && e->type;
}

static bool check_node(struct orri_checker *c, struct orr_expr *e,
                       const struct orr_type *want)
{
    switch (e->op) {
    case ORRI_CONST: return true;
    case ORRI_NAME: return check_name(c, e);
    case ORRI_FIELD: return check_field(c, e);
    case ORRI_INDEX: return check_index(c, e);
    case ORRI_COND: return check_cond(c, e, want);
    case ORRI_LIST: return check_list(c, e, want);
    case ORRI_COMPREHENSION: return check_comprehension(c, e, want);
    case ORRI_CALL: return check_call(c, e);
    case ORRI_TEMPLATE: return check_template(c, e);
    case ORRI_NEG:
    case ORRI_NOT: return check_unary(c, e);
    case ORRI_AND:
    case ORRI_OR: return check_logic(c, e);
    default: return check_operands(c, e);
    }
}

/* What this node and those below read. */
static void collect(struct orr_expr *e)
{
    e->slots = e->op == ORRI_SLOT ? UINT32_C(1) << e->index : 0;
    e->locals = e->op == ORRI_LOCAL ? UINT32_C(1) << e->index : 0;
    for (uint32_t i = 0; i < e->n; i++)
        if (e->parts[i]) {
            e->slots |= e->parts[i]->slots;
            e->locals |= e->parts[i]->locals;
        }
    if (e->op == ORRI_COMPREHENSION)
        e->locals &= ~(UINT32_C(1) << e->index);
}

bool orri_finish(struct orri_checker *c, struct orr_expr *e)
{
    collect(e);
    if (e->slots || e->locals || e->op == ORRI_CONST)
        return true;
    struct orr_error err = { 0 };
    struct orri_eval eval = { .arena = c->arena,
                              .err = &err,
                              .limit = ORRI_FOLD_STEPS };
    struct orr_value value = orr_null();
    orr_status status = orri_eval(&eval, e, &value);
    if (status == ORR_ERR_LIMIT)
        return true;
    if (status != ORR_OK) {
        e->bad = true;
        orr_diag_error(c->diags, err.at, "E0214", "%s", err.text);
        return false;
    }
    e->op = ORRI_CONST;
    e->n = 0;
    e->value = value;
    return true;
}

bool orri_check(struct orri_checker *c, struct orr_expr **e,
                const struct orr_type *want)
{
    struct orr_expr *node = *e;
    if (node->bad)
        return false;
    if (node->type && node->op != ORRI_CONST)
        return true; /* the middle of a < b < c */
    if (!check_node(c, node, want) || !orri_finish(c, node)) {
        node->bad = true;
        return false;
    }
    return true;
}

/* ---- fitting a wanted type ---- */

/* "2s" where a duration is wanted: 1 done, 0 not such a case, -1 reported. */
static int convert_literal(struct orri_checker *c, struct orr_expr *e,
                           enum orr_kind kind)
{
    if (!orri_is_literal(e))
        return 0;
    const struct orr_string *s = e->value.as.s;
    if (kind == ORR_KIND_PATH) {
        e->value.kind = ORR_KIND_PATH;
    } else if (kind == ORR_KIND_DURATION || kind == ORR_KIND_SIZE) {
        if (!orri_quantity(s->s, s->length, kind, &e->value)) {
            orr_diag_error(c->diags, e->at, "E0210", "\"%.60s\" is no %s", s->s,
                           kind == ORR_KIND_SIZE ? "size, such as 64KiB or 2GB"
                                                 : "duration, such as 90s or 1h30min");
            return -1;
        }
    } else {
        return 0;
    }
    e->type = orr_type_scalar(kind);
    return 1;
}

/* Why a record does not fit, field by field. */
static bool explain_record(struct orri_checker *c, struct orr_expr *e,
                           const struct orr_record_type *want)
{
    const struct orr_record_type *have = e->type->record;
    for (uint32_t i = 0; i < want->n_fields; i++) {
        const struct orr_field *f = &want->fields[i];
        int at = orr_record_field(have, f->name);
        if (at < 0 && !f->type->optional)
            orr_diag_error(c->diags, e->at, "E0210",
                           "%s has no field '%s', which %s needs",
                           orri_type_text(c, e->type), f->name,
                           want->name ? want->name : "the record");
        else if (at >= 0 && !orr_type_fits(f->type, have->fields[at].type))
            orr_diag_error(c->diags, e->at, "E0210",
                           "field '%s' is %s in %s, but %s is expected", f->name,
                           orri_type_text(c, have->fields[at].type),
                           orri_type_text(c, e->type), orri_type_text(c, f->type));
    }
    return false;
}

/* `timeout: 30`: is that seconds? Say what can be written. */
static bool lacks_unit(struct orri_checker *c, const struct orr_expr *e,
                       enum orr_kind want)
{
    bool duration = want == ORR_KIND_DURATION;
    char number[40];
    if ((!duration && want != ORR_KIND_SIZE) || e->op != ORRI_CONST ||
        (e->type->kind != ORR_KIND_INT && e->type->kind != ORR_KIND_FLOAT))
        return false;
    if (e->type->kind == ORR_KIND_INT)
        (void)snprintf(number, sizeof number, "%" PRId64, e->value.as.i);
    else
        (void)snprintf(number, sizeof number, "%.15g", e->value.as.f);
    orr_diag_error(c->diags, e->at, "E0215", "a %s needs a unit, but this is %s",
                   duration ? "duration" : "size", number);
    if (strcmp(number, "0") == 0)
        orr_diag_hint(c->diags, duration ? "write 0s" : "write 0B");
    else if (duration)
        orr_diag_hint(c->diags, "write %ss or %smin, whichever is meant", number,
                      number);
    else
        orr_diag_hint(c->diags, "write %sMiB or %sGB, whichever is meant", number,
                      number);
    return true;
}

static bool misfit(struct orri_checker *c, struct orr_expr *e,
                   const struct orr_type *want)
{
    e->bad = true;
    if (want->kind == ORR_KIND_RECORD && e->type->kind == ORR_KIND_RECORD &&
        (want->optional || !e->type->optional))
        return explain_record(c, e, want->record);
    struct orr_type sure = *e->type;
    sure.optional = false;
    if (e->type->optional && e->op != ORRI_CONST && orr_type_fits(want, &sure))
        return orri_not_null(c, e);
    if (lacks_unit(c, e, want->kind))
        return false;
    orr_diag_error(c->diags, e->at, "E0210", "%s is expected, but this is %s",
                   orri_type_text(c, want), orri_type_text(c, e->type));
    if (want->kind == ORR_KIND_INT && e->type->kind == ORR_KIND_FLOAT)
        orr_diag_hint(c->diags, "use int(), round(), floor() or ceil()");
    else if (want->kind == ORR_KIND_STRING && e->type->kind != ORR_KIND_LIST &&
             e->type->kind != ORR_KIND_RECORD && !e->type->optional)
        orr_diag_hint(c->diags, "use str()");
    else if (want->kind == ORR_KIND_PATH && e->type->kind == ORR_KIND_STRING)
        orr_diag_hint(c->diags, "use path()");
    return false;
}

static bool same_type(const struct orr_type *a, const struct orr_type *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == ORR_KIND_LIST)
        return a->element && b->element ? same_type(a->element, b->element) : true;
    return a->kind != ORR_KIND_RECORD || a->record == b->record;
}

bool orri_coerce(struct orri_checker *c, struct orr_expr **e,
                 const struct orr_type *want)
{
    struct orr_expr *from = *e;
    if (from->bad || !from->type)
        return false;
    if (!want)
        return true;
    int literal = convert_literal(c, from, want->kind);
    if (literal < 0)
        from->bad = true;
    if (literal)
        return literal > 0;
    if (!orr_type_fits(want, from->type))
        return misfit(c, from, want);
    if (same_type(from->type, want) || from->type->kind == ORR_KIND_NULL)
        return true;
    struct orr_expr *convert = orri_expr_new(c->arena, ORRI_CONVERT, from->at, 1);
    convert->parts[0] = from;
    convert->height = (uint16_t)(from->height + 1);
    convert->type = want;
    *e = convert;
    return orri_finish(c, convert);
}
