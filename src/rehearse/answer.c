/* answer.c - what a function is taken to return
 * Owns: how often a test's answers were given. */
#include "rehearse/answer.h"

#include "exec/call.h"

#include <math.h>
#include <string.h>

#define X(id, text) text,
const char *const orr_answerer_text[] = { ORR_ANSWERERS(X) };
#undef X

void orr_asked_bind(const struct orr_graph_function *function, struct orr_id identity,
                    const void *args, uint32_t length, struct orr_arena *scratch,
                    struct orr_asked *asked)
{
    const struct orr_record_type *params = function->params;
    struct orr_reader in = orr_reader_of(args, length);
    struct orr_error err = { 0 };
    asked->function = function;
    asked->identity = identity;
    for (uint32_t i = 0; i < params->n_fields; i++)
        if (orr_value_get(&in, params->fields[i].type, scratch, &asked->slots[i],
                          &err) != ORR_OK)
            ORR_BUG("arguments of task %u do not read back: %s", asked->task, err.text);
    if (params->n_fields < ORR_SLOTS_MAX)
        asked->slots[params->n_fields] = orr_int(asked->attempt);
}

double orr_asked_cost(const struct orr_asked *asked, struct orr_arena *scratch)
{
    struct orr_value v = orr_float(NAN);
    if (asked->function->cost &&
        orr_expr_eval(asked->function->cost, asked->slots, scratch, &v, NULL) != ORR_OK)
        return NAN;
    return v.as.f;
}

static struct orr_type result_type(const struct orr_asked *call)
{
    return (struct orr_type) { .kind = ORR_KIND_RECORD,
                               .record = call->function->results };
}

static const char *explain(struct orr_answers *a, const struct orr_error *err)
{
    if (!err->at.line)
        return orr_arena_strdup(&a->scratch, err->text);
    return orr_arena_printf(&a->scratch, "%s:%u:%u: %s",
                            err->at.file ? err->at.file : a->graph->file, err->at.line,
                            err->at.column, err->text);
}

static void give_result(struct orr_answers *a, const struct orr_asked *call,
                        const struct orr_expr *expr, enum orr_answerer by,
                        struct orr_reply *out)
{
    struct orr_error err = { 0 };
    struct orr_value v = orr_null();
    struct orr_type type = result_type(call);
    if (orr_expr_eval(expr, call->slots, &a->scratch, &v, &err) != ORR_OK) {
        out->why = explain(a, &err);
        return;
    }
    out->by = by;
    out->result = orr_example_close(v, &type, &a->scratch);
}

/* ---- of a test ---- */

/* Does the answer hold for this attempt? Counts it when it does. */
static bool holds(struct orr_answers *a, const struct orr_asked *call,
                  const struct orr_answer *answer, uint32_t number,
                  struct orr_reply *out)
{
    struct orr_value v = orr_bool(true);
    struct orr_error err = { 0 };
    bool fresh = false;
    if (answer->when &&
        orr_expr_eval(answer->when, call->slots, &a->scratch, &v, &err) != ORR_OK)
        out->why = explain(a, &err);
    if (out->why || !v.as.b)
        return false;
    if (!answer->times)
        return true;
    uint64_t *used =
        orr_map_insert(&a->used, (uint64_t)call->task << 32 | (uint64_t)number, &fresh);
    return (*used)++ < answer->times;
}

static void give_failure(struct orr_answers *a, const struct orr_asked *call,
                         const struct orr_answer *answer, struct orr_reply *out)
{
    struct orr_value v = orr_null();
    struct orr_error err = { 0 };
    out->failure =
        (struct orr_failure) { answer->kind, answer->code, "the test lets it fail" };
    out->by = ORR_ANSWERED_TEST;
    if (!answer->message)
        return;
    if (orr_expr_eval(answer->message, call->slots, &a->scratch, &v, &err) != ORR_OK) {
        out->why = explain(a, &err);
        out->by = ORR_ANSWERED_NONE;
    } else {
        out->failure.message = v.as.s->s;
    }
}

static void ask_test(struct orr_answers *a, const struct orr_asked *call,
                     struct orr_reply *out)
{
    const struct orr_test *test = a->test;
    for (uint32_t i = 0; test && i < test->n_answers && !out->why; i++) {
        const struct orr_answer *answer = &test->answers[i];
        if (&a->graph->functions[answer->function] != call->function ||
            !holds(a, call, answer, i, out))
            continue;
        if (answer->result)
            give_result(a, call, answer->result, ORR_ANSWERED_TEST, out);
        else
            give_failure(a, call, answer, out);
        return;
    }
}

/* ---- of an earlier run ---- */

static void ask_run(struct orr_answers *a, const struct orr_asked *call,
                    struct orr_reply *out)
{
    uint32_t length = 0;
    const void *bytes =
        a->known ? a->known(a->known_context, call->identity, &length) : NULL;
    struct orr_reader in = orr_reader_of(bytes, length);
    struct orr_type type = result_type(call);
    if (bytes && orr_value_get(&in, &type, &a->scratch, &out->result, NULL) == ORR_OK)
        out->by = ORR_ANSWERED_RUN;
}

/* ---- functions of microseconds that need nothing but their arguments ---- */

static void call_it(struct orr_answers *a, const struct orr_asked *call,
                    struct orr_reply *out)
{
    const struct orr_function *native = call->function->native;
    const char *message = NULL;
    int code = 0;
    if (!native || !native->in_worker || !native->run)
        return;
    struct orr_call_setup setup = {
        .function = native, .args = call->slots, .cores = 1, .blob_fd = -1
    };
    struct orr_call *attempt = orr_call_new(&setup);
    orr_call_run(attempt);
    enum orr_fail_kind kind = orr_call_failure(attempt, &code, &message);
    out->by = ORR_ANSWERED_CALL;
    if (kind == ORR_FAIL_NONE)
        out->result = orr_value_copy(orr_call_results(attempt), &a->scratch);
    else
        out->failure =
            (struct orr_failure) { kind, code, orr_arena_strdup(&a->scratch, message) };
    orr_call_free(attempt);
}

void orr_answer(struct orr_answers *a, const struct orr_asked *call,
                struct orr_reply *out)
{
    *out = (struct orr_reply) { .result = orr_null() };
    ask_test(a, call, out);
    if (out->by == ORR_ANSWERED_NONE && !out->why)
        ask_run(a, call, out);
    if (out->by == ORR_ANSWERED_NONE && !out->why && !call->function->example)
        call_it(a, call, out);
    if (out->by == ORR_ANSWERED_NONE && !out->why && call->function->example)
        give_result(a, call, call->function->example, ORR_ANSWERED_EXAMPLE, out);
}

void orr_answers_release(struct orr_answers *answers)
{
    orr_map_release(&answers->used);
    orr_arena_release(&answers->scratch);
}
