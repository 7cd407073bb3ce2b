/* expr_eval.c - the value of an expression; always ends, never overflows silently
 * Owns: the counting of steps. Results may borrow from slots and constants. */
#include "lang/internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

orr_status orri_eval_error(struct orri_eval *eval, const struct orr_expr *e,
                           const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return orr_error_set(eval->err, ORR_ERR_INPUT, e->at, "%s", text);
}

orr_status orri_spend(struct orri_eval *eval, const struct orr_expr *e, uint64_t n)
{
    eval->steps += n;
    if (eval->steps <= eval->limit && n <= eval->limit)
        return ORR_OK;
    return orr_error_set(eval->err, ORR_ERR_LIMIT, e->at,
                         "the expression takes more than %d steps", ORR_EXPR_STEPS);
}

static orr_status null_value(struct orri_eval *eval, const struct orr_expr *e)
{
    return orri_eval_error(eval, e, "null where a value of type %s is needed",
                           e->type->kind == ORR_KIND_RECORD ? "record" : "this kind");
}

static orr_status eval_field(struct orri_eval *eval, const struct orr_expr *e,
                             struct orr_value *out)
{
    struct orr_value of = orr_null();
    orr_status status = orri_eval(eval, e->parts[0], &of);
    if (status != ORR_OK)
        return status;
    if (of.kind != ORR_KIND_RECORD)
        return null_value(eval, e->parts[0]);
    *out = of.as.record->fields[e->index];
    return ORR_OK;
}

static orr_status eval_index(struct orri_eval *eval, const struct orr_expr *e,
                             struct orr_value *out)
{
    struct orr_value of = orr_null();
    struct orr_value index = orr_null();
    orr_status status = orri_eval(eval, e->parts[0], &of);
    if (status == ORR_OK)
        status = orri_eval(eval, e->parts[1], &index);
    if (status != ORR_OK)
        return status;
    int64_t n = of.as.list->n;
    int64_t i = index.as.i < 0 ? index.as.i + n : index.as.i;
    if (i < 0 || i >= n)
        return orri_eval_error(eval, e,
                               "index %" PRId64 " is outside of a list of %" PRId64,
                               index.as.i, n);
    *out = of.as.list->items[i];
    return ORR_OK;
}

static orr_status eval_list(struct orri_eval *eval, const struct orr_expr *e,
                            struct orr_value *out)
{
    struct orr_list *list = orr_list_new(eval->arena, e->n);
    for (uint32_t i = 0; i < e->n; i++) {
        orr_status status = orri_eval(eval, e->parts[i], &list->items[i]);
        if (status != ORR_OK)
            return status;
    }
    *out = orr_value_of_list(list);
    return ORR_OK;
}

static orr_status eval_record(struct orri_eval *eval, const struct orr_expr *e,
                              struct orr_value *out)
{
    struct orr_record *record = orr_record_new(eval->arena, e->type->record);
    for (uint32_t i = 0; i < e->n; i++) {
        orr_status status =
            e->parts[i] ? orri_eval(eval, e->parts[i], &record->fields[i]) : ORR_OK;
        if (status != ORR_OK)
            return status;
    }
    *out = orr_value_of_record(record);
    return ORR_OK;
}

static orr_status eval_comprehension(struct orri_eval *eval, const struct orr_expr *e,
                                     struct orr_value *out)
{
    struct orr_value list = orr_null();
    orr_status status = orri_eval(eval, e->parts[0], &list);
    if (status != ORR_OK)
        return status;
    uint32_t n = list.as.list->n;
    struct orr_list *made = orr_list_new(eval->arena, n);
    made->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct orr_value keep = orr_bool(true);
        eval->locals[e->index] = list.as.list->items[i];
        if (e->n == 3)
            status = orri_eval(eval, e->parts[2], &keep);
        if (status == ORR_OK && keep.as.b)
            status = orri_eval(eval, e->parts[1], &made->items[made->n++]);
        if (status != ORR_OK)
            return status;
    }
    *out = orr_value_of_list(made);
    return ORR_OK;
}

static orr_status eval_call(struct orri_eval *eval, const struct orr_expr *e,
                            struct orr_value *out)
{
    struct orr_value few[4];
    struct orr_value *args =
        e->n <= 4 ? few : orr_arena_alloc(eval->arena, e->n * sizeof *args);
    for (uint32_t i = 0; i < e->n; i++) {
        orr_status status = orri_eval(eval, e->parts[i], &args[i]);
        if (status != ORR_OK)
            return status;
    }
    return e->builtin->run(eval, e, args, out);
}

static orr_status eval_template(struct orri_eval *eval, const struct orr_expr *e,
                                struct orr_value *out)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_status status = ORR_OK;
    for (uint32_t i = 0; i < e->n && status == ORR_OK; i++) {
        struct orr_value part = orr_null();
        status = orri_eval(eval, e->parts[i], &part);
        if (status == ORR_OK) {
            orr_value_format(part, &text);
            status = orri_spend(eval, e, text.length / 64);
        }
    }
    if (status == ORR_OK)
        *out = orr_string_new(eval->arena, e->type->kind, text.s ? text.s : "",
                              text.length);
    orr_text_release(&text);
    return status;
}

static orr_status eval_unary(struct orri_eval *eval, const struct orr_expr *e,
                             struct orr_value *out)
{
    orr_status status = orri_eval(eval, e->parts[0], out);
    if (status != ORR_OK)
        return status;
    if (e->op == ORRI_CONVERT)
        *out = orr_value_convert(*out, e->type, eval->arena);
    else if (e->op == ORRI_NOT)
        out->as.b = !out->as.b;
    else if (out->kind == ORR_KIND_FLOAT)
        out->as.f = -out->as.f;
    else if (__builtin_sub_overflow(INT64_C(0), out->as.i, &out->as.i))
        return orri_eval_error(eval, e, "'-': the result does not fit into 64 bits");
    return ORR_OK;
}

static orr_status eval_choice(struct orri_eval *eval, const struct orr_expr *e,
                              struct orr_value *out)
{
    struct orr_value first = orr_null();
    orr_status status = orri_eval(eval, e->parts[0], &first);
    if (status != ORR_OK)
        return status;
    if (e->op == ORRI_COND)
        return orri_eval(eval, e->parts[first.as.b ? 1 : 2], out);
    *out = first;
    return first.as.b == (e->op == ORRI_AND) ? orri_eval(eval, e->parts[1], out)
                                             : ORR_OK;
}

static orr_status eval_binary(struct orri_eval *eval, const struct orr_expr *e,
                              struct orr_value *out)
{
    struct orr_value a = orr_null();
    struct orr_value b = orr_null();
    orr_status status = orri_eval(eval, e->parts[0], &a);
    if (status == ORR_OK)
        status = orri_eval(eval, e->parts[1], &b);
    return status == ORR_OK ? orri_binary(eval, e, a, b, out) : status;
}

static orr_status eval_node(struct orri_eval *eval, const struct orr_expr *e,
                            struct orr_value *out)
{
    switch (e->op) {
    case ORRI_CONST: *out = e->value; return ORR_OK;
    case ORRI_SLOT: *out = eval->slots[e->index]; return ORR_OK;
    case ORRI_LOCAL: *out = eval->locals[e->index]; return ORR_OK;
    case ORRI_FIELD: return eval_field(eval, e, out);
    case ORRI_INDEX: return eval_index(eval, e, out);
    case ORRI_LIST: return eval_list(eval, e, out);
    case ORRI_RECORD: return eval_record(eval, e, out);
    case ORRI_COMPREHENSION: return eval_comprehension(eval, e, out);
    case ORRI_CALL: return eval_call(eval, e, out);
    case ORRI_TEMPLATE: return eval_template(eval, e, out);
    case ORRI_NEG:
    case ORRI_NOT:
    case ORRI_CONVERT: return eval_unary(eval, e, out);
    case ORRI_COND:
    case ORRI_AND:
    case ORRI_OR: return eval_choice(eval, e, out);
    case ORRI_NAME: ORR_BUG("name '%s' was not checked", e->name);
    default: return eval_binary(eval, e, out);
    }
}

orr_status orri_eval(struct orri_eval *eval, const struct orr_expr *e,
                     struct orr_value *out)
{
    orr_status status = orri_spend(eval, e, 1);
    if (status == ORR_OK)
        status = eval_node(eval, e, out);
    if (status == ORR_OK && out->kind == ORR_KIND_NULL && !e->type->optional &&
        e->type->kind != ORR_KIND_NULL)
        return null_value(eval, e);
    return status;
}
