/* expr_numbers.c - the built-in functions of numbers and lists */
#include "lang/functions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

orr_status orri_run_abs(struct orri_eval *eval, const struct orr_expr *call,
                        const struct orr_value *args, struct orr_value *out)
{
    *out = args[0];
    if (args[0].kind == ORR_KIND_FLOAT)
        out->as.f = fabs(args[0].as.f);
    else if (args[0].as.i == INT64_MIN)
        return orri_eval_error(eval, call,
                               "abs(): the result does not fit into 64 bits");
    else
        out->as.i = llabs(args[0].as.i);
    return ORR_OK;
}

static orr_status any_all(const struct orr_list *list, bool stop, struct orr_value *out)
{
    *out = orr_bool(!stop);
    for (uint32_t i = 0; i < list->n; i++)
        if (list->items[i].as.b == stop)
            *out = orr_bool(stop);
    return ORR_OK;
}

orr_status orri_run_all(struct orri_eval *eval, const struct orr_expr *call,
                        const struct orr_value *args, struct orr_value *out)
{
    (void)eval, (void)call;
    return any_all(args[0].as.list, false, out);
}

orr_status orri_run_any(struct orri_eval *eval, const struct orr_expr *call,
                        const struct orr_value *args, struct orr_value *out)
{
    (void)eval, (void)call;
    return any_all(args[0].as.list, true, out);
}

orr_status orri_run_bytes(struct orri_eval *eval, const struct orr_expr *call,
                          const struct orr_value *args, struct orr_value *out)
{
    (void)eval, (void)call;
    *out = orr_int(args[0].kind == ORR_KIND_BLOB ? (int64_t)args[0].as.blob->length
                                                 : args[0].as.i);
    return ORR_OK;
}

static orr_status whole(struct orri_eval *eval, const struct orr_expr *call, double f,
                        struct orr_value *out)
{
    if (!(f >= -0x1p63 && f < 0x1p63))
        return orri_eval_error(eval, call, "%s(): %g does not fit into an int",
                               call->name, f);
    *out = orr_int((int64_t)f);
    return ORR_OK;
}

orr_status orri_run_ceil(struct orri_eval *eval, const struct orr_expr *call,
                         const struct orr_value *args, struct orr_value *out)
{
    *out = args[0];
    return args[0].kind == ORR_KIND_INT ? ORR_OK
                                        : whole(eval, call, ceil(args[0].as.f), out);
}

orr_status orri_run_floor(struct orri_eval *eval, const struct orr_expr *call,
                          const struct orr_value *args, struct orr_value *out)
{
    *out = args[0];
    return args[0].kind == ORR_KIND_INT ? ORR_OK
                                        : whole(eval, call, floor(args[0].as.f), out);
}

static double round_digits(double f, int64_t digits)
{
    char text[512];
    if (digits > 300 || !isfinite(f))
        return f;
    if (digits < -300)
        return 0.0;
    if (digits >= 0) {
        (void)snprintf(text, sizeof text, "%.*f", (int)digits, f);
        return strtod(text, NULL);
    }
    double scale = pow(10.0, (double)-digits);
    return nearbyint(f / scale) * scale;
}

orr_status orri_run_round(struct orri_eval *eval, const struct orr_expr *call,
                          const struct orr_value *args, struct orr_value *out)
{
    *out = args[0];
    if (args[0].kind == ORR_KIND_INT)
        return ORR_OK;
    if (call->n == 1)
        return whole(eval, call, nearbyint(args[0].as.f), out);
    *out = orr_float(round_digits(args[0].as.f, args[1].as.i));
    return ORR_OK;
}

/* The text as a number, all of it. */
static bool number_of(const struct orr_string *s, char **end, double *f, long long *i)
{
    const char *start = s->s;
    if (s->length == 0 || s->length > 400 || strpbrk(start, "xXpP \t\n"))
        return false;
    if (f)
        *f = strtod(start, end);
    else
        *i = strtoll(start, end, 10);
    return **end == '\0';
}

orr_status orri_run_float(struct orri_eval *eval, const struct orr_expr *call,
                          const struct orr_value *args, struct orr_value *out)
{
    char *end = NULL;
    double f = 0;
    if (args[0].kind == ORR_KIND_STRING) {
        if (!number_of(args[0].as.s, &end, &f, NULL))
            return orri_eval_error(eval, call, "float(): \"%.60s\" is no number",
                                   args[0].as.s->s);
        *out = orr_float(f);
    } else {
        *out = args[0].kind == ORR_KIND_BOOL ? orr_float(args[0].as.b) : args[0];
    }
    return ORR_OK;
}

orr_status orri_run_int(struct orri_eval *eval, const struct orr_expr *call,
                        const struct orr_value *args, struct orr_value *out)
{
    char *end = NULL;
    long long i = 0;
    switch (args[0].kind) {
    case ORR_KIND_STRING: {
        char back[32];
        if (!number_of(args[0].as.s, &end, NULL, &i))
            return orri_eval_error(eval, call, "int(): \"%.60s\" is no int",
                                   args[0].as.s->s);
        (void)snprintf(back, sizeof back, "%lld", i);
        if ((i == INT64_MAX || i == INT64_MIN) && strcmp(back, args[0].as.s->s) != 0)
            return orri_eval_error(eval, call,
                                   "int(): \"%.60s\" does not fit into 64 bits",
                                   args[0].as.s->s);
        *out = orr_int(i);
        return ORR_OK;
    }
    case ORR_KIND_FLOAT: return whole(eval, call, trunc(args[0].as.f), out);
    case ORR_KIND_BOOL: *out = orr_int(args[0].as.b); return ORR_OK;
    default: *out = args[0]; return ORR_OK;
    }
}

static uint32_t characters(const struct orr_string *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->length; i++)
        n += ((unsigned char)s->s[i] & 0xC0) != 0x80;
    return n;
}

orr_status orri_run_len(struct orri_eval *eval, const struct orr_expr *call,
                        const struct orr_value *args, struct orr_value *out)
{
    (void)eval, (void)call;
    *out = orr_int(args[0].kind == ORR_KIND_LIST ? args[0].as.list->n
                                                 : characters(args[0].as.s));
    return ORR_OK;
}

static orr_status extreme(struct orri_eval *eval, const struct orr_expr *call,
                          const struct orr_value *args, int sign, struct orr_value *out)
{
    const struct orr_value *items = args;
    uint32_t n = call->n;
    if (n == 1 && args[0].kind == ORR_KIND_LIST) {
        items = args[0].as.list->items;
        n = args[0].as.list->n;
    }
    if (n == 0)
        return orri_eval_error(eval, call, "%s() of an empty list", call->name);
    *out = items[0];
    for (uint32_t i = 1; i < n; i++)
        if (orr_value_compare(items[i], *out) * sign > 0)
            *out = items[i];
    return orri_spend(eval, call, n);
}

orr_status orri_run_max(struct orri_eval *eval, const struct orr_expr *call,
                        const struct orr_value *args, struct orr_value *out)
{
    return extreme(eval, call, args, 1, out);
}

orr_status orri_run_min(struct orri_eval *eval, const struct orr_expr *call,
                        const struct orr_value *args, struct orr_value *out)
{
    return extreme(eval, call, args, -1, out);
}

static uint64_t range_length(int64_t from, int64_t to, int64_t step)
{
    if (step > 0 ? from >= to : from <= to)
        return 0;
    uint64_t distance =
        step > 0 ? (uint64_t)to - (uint64_t)from : (uint64_t)from - (uint64_t)to;
    uint64_t stride = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    return (distance - 1) / stride + 1;
}

static orr_status read_range(struct orri_eval *eval, const struct orr_expr *call,
                             const struct orr_value *args, struct orr_sequence *out)
{
    int64_t from = call->n > 1 ? args[0].as.i : 0;
    int64_t to = args[call->n > 1].as.i;
    int64_t step = call->n > 2 ? args[2].as.i : 1;
    if (step == 0)
        return orri_eval_error(eval, call, "range(): the step is 0");
    *out = (struct orr_sequence) { .n = range_length(from, to, step),
                                   .start = from,
                                   .step = step };
    return ORR_OK;
}

orr_status orri_run_range(struct orri_eval *eval, const struct orr_expr *call,
                          const struct orr_value *args, struct orr_value *out)
{
    struct orr_sequence range;
    orr_status status = read_range(eval, call, args, &range);
    if (status == ORR_OK)
        status = orri_spend(eval, call, range.n);
    if (status != ORR_OK)
        return status;
    struct orr_list *list = orr_list_new(eval->arena, (uint32_t)range.n);
    for (uint64_t i = 0; i < range.n; i++)
        list->items[i] = orr_sequence_at(&range, i);
    *out = orr_value_of_list(list);
    return ORR_OK;
}

bool orri_is_range(const struct orr_expr *expr)
{
    return expr->op == ORRI_CALL && expr->builtin->run == orri_run_range;
}

orr_status orri_eval_range(struct orri_eval *eval, const struct orr_expr *call,
                           struct orr_sequence *out)
{
    struct orr_value args[3];
    for (uint32_t i = 0; i < call->n; i++) {
        orr_status status = orri_eval(eval, call->parts[i], &args[i]);
        if (status != ORR_OK)
            return status;
    }
    return read_range(eval, call, args, out);
}

orr_status orri_run_seconds(struct orri_eval *eval, const struct orr_expr *call,
                            const struct orr_value *args, struct orr_value *out)
{
    (void)eval, (void)call;
    *out = orr_float((double)args[0].as.i / 1e9);
    return ORR_OK;
}

static int by_value(const void *a, const void *b)
{
    return orr_value_compare(*(const struct orr_value *)a,
                             *(const struct orr_value *)b);
}

orr_status orri_run_sorted(struct orri_eval *eval, const struct orr_expr *call,
                           const struct orr_value *args, struct orr_value *out)
{
    const struct orr_list *from = args[0].as.list;
    orr_status status = orri_spend(eval, call, (uint64_t)from->n * 8);
    if (status != ORR_OK)
        return status;
    struct orr_list *list = orr_list_new(eval->arena, from->n);
    if (from->n) {
        memcpy(list->items, from->items, from->n * sizeof *list->items);
        qsort(list->items, list->n, sizeof *list->items, by_value);
    }
    *out = orr_value_of_list(list);
    return ORR_OK;
}

orr_status orri_run_sum(struct orri_eval *eval, const struct orr_expr *call,
                        const struct orr_value *args, struct orr_value *out)
{
    const struct orr_list *list = args[0].as.list;
    *out = (struct orr_value) { .kind = (uint8_t)call->type->kind };
    for (uint32_t i = 0; i < list->n; i++) {
        if (out->kind == ORR_KIND_FLOAT)
            out->as.f += list->items[i].as.f;
        else if (__builtin_add_overflow(out->as.i, list->items[i].as.i, &out->as.i))
            return orri_eval_error(eval, call,
                                   "sum(): the result does not fit into 64 bits");
    }
    return orri_spend(eval, call, list->n);
}
