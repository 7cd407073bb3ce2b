/* tablewhere.c - which rows of a table are meant: an expression over its columns
 * Owns: how columns become variables. NAME.bytes, NAME.hash and so on are fields of one
 * variable NAME, so that they are written as they are printed. */
#include "tables/tableread.h"

#include "lang/expr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct variable {
    const char *name;
    const struct orr_type *type;
    const struct orri_read_column *columns; /* the first of n */
    size_t n;                               /* above 1, or `grouped`: fields */
    bool grouped;
    bool wanted; /* the expression names it, or nearly */
};

struct orri_where {
    struct orr_arena arena;
    struct orri_read_column *columns;
    struct variable *all;
    size_t n;
    const struct variable *slots[ORR_SLOTS_MAX];
    struct orr_expr *expr;
    struct orr_arena row;
};

/* ---- variables ---- */

static size_t stem_length(const char *name) { return strcspn(name, "."); }

static bool same_stem(const char *a, const char *b)
{
    return stem_length(a) == stem_length(b) && strncmp(a, b, stem_length(a)) == 0;
}

static const struct orr_type *group_type(struct orri_where *w, const struct variable *v)
{
    struct orr_field *fields = orr_arena_alloc(&w->arena, v->n * sizeof *fields);
    for (size_t i = 0; i < v->n; i++)
        fields[i] = (struct orr_field) { .name = v->columns[i].name +
                                                 stem_length(v->columns[i].name) + 1,
                                         .type = v->columns[i].type };
    struct orr_record_type *record = orr_arena_alloc(&w->arena, sizeof *record);
    *record = (struct orr_record_type) { .name = v->name,
                                         .n_fields = (uint32_t)v->n,
                                         .fields = fields };
    struct orr_type *type = orr_arena_alloc(&w->arena, sizeof *type);
    *type = (struct orr_type) { .kind = ORR_KIND_RECORD, .record = record };
    return type;
}

static void make_variables(struct orri_where *w, const struct orri_table *t)
{
    w->columns = orr_arena_alloc(&w->arena, (t->n + 1) * sizeof *w->columns);
    memcpy(w->columns, t->columns, t->n * sizeof *w->columns);
    w->all = orr_arena_alloc(&w->arena, (t->n + 1) * sizeof *w->all);
    for (size_t i = 0; i < t->n;) {
        struct variable *v = &w->all[w->n++];
        const char *name = w->columns[i].name;
        v->columns = &w->columns[i];
        v->grouped = strchr(name, '.') != NULL;
        v->name = orr_arena_strndup(&w->arena, name, stem_length(name));
        do {
            v->n++;
            i++;
        } while (v->grouped && i < t->n && same_stem(name, w->columns[i].name) &&
                 strchr(w->columns[i].name, '.'));
        v->type = v->grouped ? group_type(w, v) : v->columns->type;
    }
}

/* Few columns have a place in the scope at a time: those that are named come first, and
 * those that a misspelt name may mean. */
static void want(void *context, const char *name)
{
    struct orri_where *w = context;
    const char **names = orr_alloc(w->n + 1, sizeof *names);
    for (size_t i = 0; i < w->n; i++)
        names[i] = w->all[i].name;
    const char *near = orr_text_nearest(name, names, w->n);
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(names[i], name) == 0 || (near && strcmp(names[i], near) == 0))
            w->all[i].wanted = true;
    free(names);
}

static void fill_scope(struct orri_where *w, struct orr_scope *scope)
{
    uint32_t n = 0;
    for (int wanted = 1; wanted >= 0; wanted--)
        for (size_t i = 0; i < w->n && n < ORR_SLOTS_MAX; i++) {
            if (w->all[i].wanted != (wanted == 1))
                continue;
            scope->slots[n].name = w->all[i].name;
            scope->slots[n].type = w->all[i].type;
            w->slots[n++] = &w->all[i];
        }
}

/* ---- compiling ---- */

static orr_status first_finding(const struct orr_diags *diags, struct orr_error *err)
{
    for (size_t i = 0; i < diags->n; i++) {
        const struct orr_diag *d = &diags->items[i];
        if (!d->warning)
            return orr_error_set(err, ORR_ERR_INPUT, d->at, "%s%s%s [%s]", d->message,
                                 d->hint ? "; " : "", d->hint ? d->hint : "", d->id);
    }
    return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN, "--where: it is wrong");
}

orr_status orri_where_new(const struct orri_table *table, const char *text,
                          struct orri_where **out, struct orr_error *err)
{
    struct orri_where *w = orr_alloc(1, sizeof *w);
    struct orr_scope scope = { 0 };
    struct orr_diags diags = { 0 };
    orr_status status = ORR_OK;
    make_variables(w, table);
    orr_expr_names(text, false, want, w);
    fill_scope(w, &scope);
    w->expr = orr_expr_compile(text, (struct orr_span) { "--where", 1, 1 }, &scope,
                               orr_type_scalar(ORR_KIND_BOOL), &w->arena, &diags);
    if (w->expr)
        *out = w;
    else
        status = first_finding(&diags, err);
    if (!w->expr)
        orri_where_free(w);
    orr_diags_release(&diags);
    return status;
}

void orri_where_free(struct orri_where *where)
{
    if (!where)
        return;
    orr_arena_release(&where->row);
    orr_arena_release(&where->arena);
    free(where);
}

/* ---- a row ---- */

static struct orr_value text_value(struct orri_where *w,
                                   const struct orri_read_column *c,
                                   const unsigned char *row)
{
    const char *s = (const char *)row + c->at;
    return orr_string_new(&w->row, c->type->kind, s, strnlen(s, c->width));
}

static bool json_value(struct orri_where *w, const struct orri_read_column *c,
                       const unsigned char *row, struct orr_value *out)
{
    const char *s = (const char *)row + c->at;
    const char *text = orr_arena_strndup(&w->row, s, strnlen(s, c->width));
    if (c->type->kind == ORR_KIND_STRING) /* a type that has no text of its own */
        *out = text_value(w, c, row);
    return c->type->kind == ORR_KIND_STRING ||
           orri_json_value(text, c->type, &w->row, out);
}

static bool cell_value(struct orri_where *w, const struct orri_read_column *c,
                       const unsigned char *row, struct orr_value *out)
{
    *out = orr_null();
    if (c->type->optional && orri_cell_null(c, row))
        return true;
    switch (c->type->kind) {
    case ORR_KIND_BOOL: *out = orr_bool(orri_cell_int(c, row) != 0); return true;
    case ORR_KIND_INT:
    case ORR_KIND_SIZE:
        *out = (struct orr_value) { .kind = (uint8_t)c->type->kind,
                                    .as.i = orri_cell_int(c, row) };
        return true;
    case ORR_KIND_FLOAT: *out = orr_float(orri_cell_float(c, row)); return true;
    case ORR_KIND_DURATION:
        *out = (struct orr_value) { .kind = ORR_KIND_DURATION,
                                    .as.i = llround(orri_cell_float(c, row) * 1e9) };
        return true;
    default: break;
    }
    if (c->cell == ORRI_CELL_JSON)
        return json_value(w, c, row, out);
    *out = text_value(w, c, row);
    return true;
}

static orr_status bind(struct orri_where *w, const struct variable *v,
                       const unsigned char *row, struct orr_value *out,
                       struct orr_error *err)
{
    struct orr_record *record =
        v->grouped ? orr_record_new(&w->row, v->type->record) : NULL;
    for (size_t i = 0; i < v->n; i++)
        if (!cell_value(w, &v->columns[i], row, record ? &record->fields[i] : out))
            return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                                 "--where: a cell of the column %s was cut when it was "
                                 "stored: it cannot be compared",
                                 v->columns[i].name);
    if (record)
        *out = orr_value_of_record(record);
    return ORR_OK;
}

orr_status orri_where_holds(struct orri_where *w, const unsigned char *row, bool *holds,
                            struct orr_error *err)
{
    struct orr_value slots[ORR_SLOTS_MAX];
    struct orr_value v = orr_bool(false);
    uint32_t used = orr_expr_slots(w->expr);
    orr_status status = ORR_OK;
    for (uint32_t i = 0; i < ORR_SLOTS_MAX && status == ORR_OK; i++)
        if (used >> i & 1)
            status = bind(w, w->slots[i], row, &slots[i], err);
    if (status == ORR_OK)
        status = orr_expr_eval(w->expr, slots, &w->row, &v, err);
    *holds = status == ORR_OK && v.as.b;
    orr_arena_reset(&w->row);
    if (status != ORR_OK && err)
        err->code = ORR_ERR_INPUT;
    return status == ORR_OK ? ORR_OK : ORR_ERR_INPUT;
}
