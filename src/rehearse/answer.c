/* answer.c - what a function is taken to return
 * Owns nothing: works on the rehearsal. */
#include "rehearse/internal.h"

#include "exec/call.h"

#include <string.h>

static struct orr_type result_type(const struct orri_call *call)
{
    return (struct orr_type) { .kind = ORR_KIND_RECORD,
                               .record = call->function->results };
}

static const char *explain(struct orr_rehearsal *r, const struct orr_error *err)
{
    if (!err->at.line)
        return orr_arena_strdup(&r->scratch, err->text);
    return orr_arena_printf(&r->scratch, "%s:%u:%u: %s",
                            err->at.file ? err->at.file : r->setup.graph->file,
                            err->at.line, err->at.column, err->text);
}

static void give_result(struct orr_rehearsal *r, const struct orri_call *call,
                        const struct orr_expr *expr, enum orr_answerer by,
                        struct orri_reply *out)
{
    struct orr_error err = { 0 };
    struct orr_value v = orr_null();
    struct orr_type type = result_type(call);
    if (orr_expr_eval(expr, call->slots, &r->scratch, &v, &err) != ORR_OK) {
        out->why = explain(r, &err);
        return;
    }
    out->by = by;
    out->result = orr_example_close(v, &type, &r->scratch);
}

/* ---- of a test ---- */

/* Does the answer hold for this attempt? Counts it when it does. */
static bool holds(struct orr_rehearsal *r, const struct orri_call *call,
                  const struct orr_answer *answer, uint32_t number,
                  struct orri_reply *out)
{
    struct orr_value v = orr_bool(true);
    struct orr_error err = { 0 };
    bool fresh = false;
    if (answer->when &&
        orr_expr_eval(answer->when, call->slots, &r->scratch, &v, &err) != ORR_OK)
        out->why = explain(r, &err);
    if (out->why || !v.as.b)
        return false;
    if (!answer->times)
        return true;
    uint64_t *used = orr_map_insert(
        &r->used, (uint64_t)call->task.v << 32 | (uint64_t)number, &fresh);
    return (*used)++ < answer->times;
}

static void give_failure(struct orr_rehearsal *r, const struct orri_call *call,
                         const struct orr_answer *answer, struct orri_reply *out)
{
    struct orr_value v = orr_null();
    struct orr_error err = { 0 };
    out->failure =
        (struct orr_failure) { answer->kind, answer->code, "the test lets it fail" };
    out->by = ORR_ANSWERED_TEST;
    if (!answer->message)
        return;
    if (orr_expr_eval(answer->message, call->slots, &r->scratch, &v, &err) != ORR_OK) {
        out->why = explain(r, &err);
        out->by = ORR_ANSWERED_NONE;
    } else {
        out->failure.message = v.as.s->s;
    }
}

static void ask_test(struct orr_rehearsal *r, const struct orri_call *call,
                     struct orri_reply *out)
{
    const struct orr_test *test = r->setup.test;
    for (uint32_t i = 0; test && i < test->n_answers && !out->why; i++) {
        const struct orr_answer *answer = &test->answers[i];
        if (&r->setup.graph->functions[answer->function] != call->function ||
            !holds(r, call, answer, i, out))
            continue;
        if (answer->result)
            give_result(r, call, answer->result, ORR_ANSWERED_TEST, out);
        else
            give_failure(r, call, answer, out);
        return;
    }
}

/* ---- of an earlier run ---- */

static void ask_run(struct orr_rehearsal *r, const struct orri_call *call,
                    struct orri_reply *out)
{
    uint32_t length = 0;
    const struct orr_task *task = orr_engine_task(r->engine, call->task);
    const void *bytes =
        r->setup.known ? r->setup.known(r->setup.known_context, task->identity, &length)
                       : NULL;
    struct orr_reader in = orr_reader_of(bytes, length);
    struct orr_type type = result_type(call);
    if (bytes && orr_value_get(&in, &type, &r->scratch, &out->result, NULL) == ORR_OK)
        out->by = ORR_ANSWERED_RUN;
}

/* ---- functions of microseconds that need nothing but their arguments ---- */

static void call_it(struct orr_rehearsal *r, const struct orri_call *call,
                    struct orri_reply *out)
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
        out->result = orr_value_copy(orr_call_results(attempt), &r->scratch);
    else
        out->failure =
            (struct orr_failure) { kind, code, orr_arena_strdup(&r->scratch, message) };
    orr_call_free(attempt);
}

void orri_answer(struct orr_rehearsal *r, const struct orri_call *call,
                 struct orri_reply *out)
{
    *out = (struct orri_reply) { .result = orr_null() };
    ask_test(r, call, out);
    if (out->by == ORR_ANSWERED_NONE && !out->why)
        ask_run(r, call, out);
    if (out->by == ORR_ANSWERED_NONE && !out->why && !call->function->example)
        call_it(r, call, out);
    if (out->by == ORR_ANSWERED_NONE && !out->why && call->function->example)
        give_result(r, call, call->function->example, ORR_ANSWERED_EXAMPLE, out);
}
