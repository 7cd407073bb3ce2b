/* tests.c - the tests of a workflow: inputs, answers and expectations, typed
 * Hands on: made-up results (examples.c). */
#include "graph/internal.h"

#include <stdlib.h>
#include <string.h>

struct tester {
    struct orri_compile *c;
    const struct orr_model_test *model;
    struct orr_test *test;
    struct orr_expectation *expectations;
};

/* ---- inputs ---- */

static void compile_inputs(struct tester *t)
{
    struct orri_compile *c = t->c;
    const struct orr_record_type *inputs = c->facts[0].record;
    struct orr_record *record = orr_record_new(c->arena, inputs);
    orr_model_leaf given = t->model->inputs;
    const char **names = orr_alloc(inputs->n_fields, sizeof *names);
    for (uint32_t i = 0; i < inputs->n_fields; i++) {
        names[i] = inputs->fields[i].name;
        const struct orr_expr *fallback = c->graph->input_defaults[i];
        orr_model_leaf node = given ? orr_yaml_find(given, names[i]) : NULL;
        if (node)
            (void)orri_data(c, node, inputs->fields[i].type, c->directory,
                            &record->fields[i]);
        else if (fallback)
            (void)orr_expr_eval(fallback, NULL, c->arena, &record->fields[i], NULL);
        else
            orr_diag_error(c->diags, given ? given->at : t->test->at, "E0502",
                           "test '%s' needs the input '%s'", t->test->name, names[i]);
    }
    for (uint32_t i = 0; given && i < given->n; i++)
        (void)orri_find(c, given->keys[i], "input", "E0501", names, inputs->n_fields);
    free(names);
    t->test->inputs = orr_value_of_record(record);
}

/* ---- answers ---- */

static uint32_t find_function(struct orri_compile *c, orr_model_leaf key)
{
    const char **names = orr_alloc(c->graph->n_functions, sizeof *names);
    for (uint32_t i = 0; i < c->graph->n_functions; i++)
        names[i] = c->functions[i].name;
    uint32_t found =
        orri_find(c, key, "function", "E0401", names, c->graph->n_functions);
    free(names);
    if (found != ORR_NONE &&
        (!c->functions[found].params || !c->functions[found].results))
        return ORR_NONE; /* reported where it stands */
    return found;
}

static enum orr_fail_kind fail_kind(struct orri_compile *c, orr_model_leaf node)
{
    if (!node)
        return ORR_FAIL_EXIT;
    uint32_t found = orri_find(c, node, "kind of failure", "E0412", orri_failure_kinds,
                               ORRI_FAILURE_KINDS);
    return found == ORR_NONE ? ORR_FAIL_EXIT : (enum orr_fail_kind)(found + 1);
}

static void compile_failure(struct orri_compile *c, const struct orr_model_failure *m,
                            struct orr_scope *scope, struct orr_answer *answer)
{
    answer->kind = fail_kind(c, m->kind);
    answer->code = orri_int(c, m->code, "code", INT32_MIN, INT32_MAX, 0);
    if (m->message)
        answer->message =
            orri_template(c, m->message, scope, orr_type_scalar(ORR_KIND_STRING));
}

static void compile_result(struct orri_compile *c, orr_model_leaf result,
                           struct orr_scope *scope, struct orr_answer *answer)
{
    const struct orr_graph_function *f = &c->functions[answer->function];
    const char *what = orr_arena_printf(c->arena, "'%s'", f->name);
    answer->result = orri_open_result(c, result, f, what, scope);
    what = orr_arena_printf(c->arena, "the answer of '%s'", f->name);
    orri_check_result(c, result, answer->function, what);
}

static void compile_answer(struct orri_compile *c, const struct orr_model_answer *m,
                           struct orr_answer *answer)
{
    const struct orr_graph_function *f = &c->functions[answer->function];
    struct orr_scope scope = { 0 };
    uint32_t n = f->params->n_fields;
    orri_scope_params(&scope, f);
    if (n < ORR_SLOTS_MAX && orr_record_field(f->params, "attempt") < 0)
        orri_scope_set(&scope, n, "attempt", orr_type_scalar(ORR_KIND_INT));
    if (m->when)
        answer->when = orri_expr(c, m->when, &scope, orr_type_scalar(ORR_KIND_BOOL));
    answer->times = (uint32_t)orri_int(c, m->times, "times", 1, INT32_MAX, 0);
    orr_model_leaf given = orr_yaml_find(m->head.node, "result");
    bool result = given && (m->result || given->length); /* "result:" alone is none */
    bool fail = orr_yaml_find(m->head.node, "fail");
    if (result == fail)
        orr_diag_error(c->diags, answer->at, "E0602",
                       "an answer of '%s' needs %s of result and fail", f->name,
                       result ? "only one" : "one");
    if (m->result)
        compile_result(c, m->result, &scope, answer);
    if (m->fail)
        compile_failure(c, m->fail, &scope, answer);
}

static void warn_hidden(struct orri_compile *c, const struct orr_answer *answers,
                        uint32_t at)
{
    for (uint32_t i = 0; i < at; i++)
        if (answers[i].function == answers[at].function && !answers[i].when &&
            !answers[i].times) {
            orr_diag_warning(c->diags, answers[at].at, "W0604",
                             "an answer before it always holds: this one is never "
                             "given");
            return;
        }
}

static void compile_answers(struct tester *t)
{
    const struct orr_model_answer *models = t->model->answers.items;
    uint32_t n = t->model->answers.n;
    struct orr_answer *answers =
        orr_arena_alloc(t->c->arena, (n + 1) * sizeof *answers);
    uint32_t kept = 0;
    orr_model_leaf reported = NULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct orr_model_answer *m = &models[i];
        if (m->head.node->kind != ORR_YAML_MAPPING || m->head.key == reported)
            continue;
        uint32_t function = find_function(t->c, m->head.key);
        if (function == ORR_NONE) {
            reported = m->head.key;
            continue;
        }
        answers[kept].function = function;
        answers[kept].at = m->head.node->at;
        size_t errors = t->c->diags->errors;
        compile_answer(t->c, m, &answers[kept]);
        if (t->c->diags->errors == errors)
            warn_hidden(t->c, answers, kept);
        kept++;
    }
    t->test->answers = answers;
    t->test->n_answers = kept;
}

/* ---- expectations ---- */

static bool compile_pattern(struct orri_compile *c, orr_model_leaf node,
                            const struct orr_record_type *record, const char *what,
                            const char *part, struct orr_pattern *out)
{
    uint32_t *fields = orr_arena_alloc(c->arena, (node->n + 1) * sizeof *fields);
    struct orr_value *values =
        orr_arena_alloc(c->arena, (node->n + 1) * sizeof *values);
    bool good = orri_check_keys(c, node, record, what, part);
    *out = (struct orr_pattern) { .at = node->at, .fields = fields, .values = values };
    for (uint32_t i = 0; i < node->n; i++) {
        int f = orr_record_field(record, node->keys[i]->text);
        struct orr_value v = orr_null();
        if (f < 0)
            continue;
        const struct orr_type *type = record->fields[f].type;
        if (orri_data(c, node->items[i], orri_open_type(c, type, false), c->directory,
                      &v)) {
            fields[out->n] = (uint32_t)f;
            values[out->n++] = orr_example_close(v, type, c->arena);
        } else {
            good = false;
        }
    }
    return good;
}

static void compile_patterns(struct orri_compile *c, orr_model_leaf list,
                             const struct orr_record_type *record, const char *what,
                             const char *part, struct orr_expectation *out)
{
    struct orr_pattern *patterns =
        orr_arena_alloc(c->arena, (list->n + 1) * sizeof *patterns);
    for (uint32_t i = 0; i < list->n; i++)
        if (compile_pattern(c, list->items[i], record, what, part,
                            &patterns[out->n_patterns]))
            out->n_patterns++;
    out->patterns = patterns;
    out->listed = true;
}

/* What is expected of the thing named: its index, and the record of one of it. */
static const struct orr_record_type *find_expected(struct orri_compile *c,
                                                   orr_model_leaf key,
                                                   struct orr_expectation *out)
{
    if (out->what == ORR_EXPECT_TASKS) {
        out->index = find_function(c, key);
        return out->index == ORR_NONE ? NULL : c->functions[out->index].params;
    }
    if (out->what == ORR_EXPECT_FACTS) {
        out->index = orri_find_fact(c, key);
        return out->index == ORR_NONE ? NULL : c->facts[out->index].record;
    }
    const char **names = orr_alloc(c->graph->n_outputs, sizeof *names);
    for (uint32_t i = 0; i < c->graph->n_outputs; i++)
        names[i] = c->outputs[i].name;
    out->index = orri_find(c, key, "output", "E0401", names, c->graph->n_outputs);
    free(names);
    return out->index == ORR_NONE ? NULL : c->facts[c->outputs[out->index].fact].record;
}

static void check_expectation(struct orri_compile *c,
                              const struct orr_model_expectation *m)
{
    const char *name = m->head.key->text;
    if (m->exactly && (m->some || m->count))
        orr_diag_error(c->diags, m->exactly->at, "E0603",
                       "'exactly' says all of '%s': it stands without count and some",
                       name);
    else if (m->head.node->kind == ORR_YAML_MAPPING && m->head.node->n == 0)
        orr_diag_error(c->diags, m->head.node->at, "E0603",
                       "nothing is expected of '%s'", name);
}

static bool compile_expectation(struct orri_compile *c,
                                const struct orr_model_expectation *m,
                                struct orr_expectation *out)
{
    bool tasks = out->what == ORR_EXPECT_TASKS;
    const struct orr_record_type *record = find_expected(c, m->head.key, out);
    orr_model_leaf list = m->exactly ? m->exactly : m->some;
    if (!record)
        return false;
    check_expectation(c, m);
    out->at = m->head.key->at;
    out->count = orri_int(c, m->count, "count", 0, INT64_MAX, -1);
    out->attempts = orri_int(c, m->attempts, "attempts", 0, INT64_MAX, -1);
    out->exact = m->exactly != NULL;
    if (list)
        compile_patterns(c, list, record,
                         orr_arena_printf(c->arena, "'%s'", m->head.key->text),
                         tasks ? "argument" : "field", out);
    return true;
}

static void compile_kind(struct tester *t, const struct orr_model_blocks *blocks,
                         enum orr_expected what)
{
    const struct orr_model_expectation *models = blocks->items;
    for (uint32_t i = 0; i < blocks->n; i++) {
        struct orr_expectation *out = &t->expectations[t->test->n_expectations];
        *out = (struct orr_expectation) { .what = what };
        if (compile_expectation(t->c, &models[i], out))
            t->test->n_expectations++;
    }
}

static void compile_expect(struct tester *t)
{
    const struct orr_model_expect *m = t->model->expect;
    t->test->succeeds = true;
    t->test->succeeds_at = t->test->at;
    if (!m)
        return;
    uint32_t n = m->facts.n + m->tasks.n + m->outputs.n;
    t->expectations = orr_arena_alloc(t->c->arena, (n + 1) * sizeof *t->expectations);
    t->test->expectations = t->expectations;
    t->test->succeeds = orri_bool(t->c, m->succeeds, m->message == NULL);
    t->test->message = orri_keep(t->c, m->message);
    if (m->succeeds || m->message)
        t->test->succeeds_at = (m->message ? m->message : m->succeeds)->at;
    if (m->message && t->test->succeeds)
        orr_diag_error(t->c->diags, m->message->at, "E0603",
                       "a request that succeeds has no message");
    compile_kind(t, &m->facts, ORR_EXPECT_FACTS);
    compile_kind(t, &m->tasks, ORR_EXPECT_TASKS);
    compile_kind(t, &m->outputs, ORR_EXPECT_OUTPUTS);
}

/* ---- all ---- */

static void compile_test(struct orri_compile *c, const struct orr_model_test *m,
                         struct orr_test *tests, uint32_t at)
{
    struct tester t = { .c = c, .model = m, .test = &tests[at] };
    t.test->name = orri_keep(c, m->name);
    t.test->at = m->name->at;
    for (uint32_t i = 0; i < at; i++)
        if (strcmp(tests[i].name, t.test->name) == 0)
            orr_diag_error(c->diags, m->name->at, "E0409", "there are two tests '%s'",
                           t.test->name);
    compile_inputs(&t);
    compile_answers(&t);
    compile_expect(&t);
}

static void check_examples(struct orri_compile *c)
{
    const struct orr_model_function *models = c->model->functions.items;
    for (uint32_t i = 0; i < c->graph->n_functions; i++)
        if (c->functions[i].example)
            orri_check_result(c, models[i].example, i,
                              orr_arena_printf(c->arena, "the example of '%s'",
                                               c->functions[i].name));
}

void orri_compile_tests(struct orri_compile *c)
{
    const struct orr_model_test *models = c->model->tests.items;
    uint32_t n = c->model->tests.n;
    struct orr_test *tests = orr_arena_alloc(c->arena, (n + 1) * sizeof *tests);
    check_examples(c);
    for (uint32_t i = 0; i < n; i++)
        if (models[i].name) /* else reported by the model */
            compile_test(c, &models[i], tests, c->graph->n_tests++);
    c->graph->tests = tests;
}
