/* rehearse.c - the loop: calls of the engine, their answers, until nothing is left
 * Owns: the engine and what became of its tasks. Hands on: answers (answer.c). */
#include "rehearse/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define X(id, text) text,
const char *const orr_answerer_text[] = { ORR_ANSWERERS(X) };
#undef X

static struct orr_id by_name(void *context, const char *path, bool by_content)
{
    (void)context;
    (void)by_content;
    return orr_hash(path, strlen(path));
}

static struct orr_rehearsed *record_of(struct orr_rehearsal *r, uint32_t task)
{
    while (r->n_tasks <= task) {
        r->tasks = orr_grow(r->tasks, r->n_tasks, &r->cap_tasks, sizeof *r->tasks);
        r->tasks[r->n_tasks++] = (struct orr_rehearsed) { 0 };
    }
    return &r->tasks[task];
}

static void read_args(const struct orr_rehearsal *r, uint32_t id,
                      struct orr_arena *arena, struct orr_value *out)
{
    const struct orr_task *task = orr_engine_task(r->engine, (orr_task_id) { id });
    const struct orr_record_type *params =
        r->setup.graph->functions[task->function].params;
    struct orr_reader in = orr_reader_of(task->args, task->args_length);
    struct orr_error err = { 0 };
    for (uint32_t i = 0; i < params->n_fields; i++)
        if (orr_value_get(&in, params->fields[i].type, arena, &out[i], &err) != ORR_OK)
            ORR_BUG("arguments of task %u do not read back: %s", id, err.text);
}

/* Parameters and `attempt` as the expressions of examples see them. */
static void bind(const struct orr_rehearsal *r, struct orri_call *call,
                 struct orr_arena *arena)
{
    const struct orr_task *task = orr_engine_task(r->engine, call->task);
    call->function = &r->setup.graph->functions[task->function];
    uint32_t n = call->function->params->n_fields;
    struct orr_value *args = orr_arena_alloc(arena, (n + 1) * sizeof *args);
    read_args(r, call->task.v, arena, args);
    args[n] = orr_int(call->attempt);
    memcpy(call->slots, args,
           (n < ORR_SLOTS_MAX ? n + 1 : ORR_SLOTS_MAX) * sizeof *args);
}

static void serve(struct orr_rehearsal *r, const struct orr_engine_call *asked)
{
    struct orri_call call = { .task = asked->task, .attempt = asked->attempt };
    struct orri_reply reply;
    bind(r, &call, &r->scratch);
    orri_answer(r, &call, &reply);
    struct orr_rehearsed *task = record_of(r, asked->task.v);
    task->attempts++;
    task->delay += asked->delay;
    task->by = reply.by;
    task->why = reply.why ? orr_arena_strdup(&r->arena, reply.why) : NULL;
    if (reply.by == ORR_ANSWERED_NONE) { /* it stays open, and makes no others wait */
        orr_engine_set_window(r->engine, ORR_ENGINE_WINDOW + ++r->open);
        return;
    }
    if (reply.failure.kind == ORR_FAIL_NONE) {
        orr_engine_finished(r->engine, asked->task, reply.result);
    } else {
        task->failures++;
        orr_engine_attempt_failed(r->engine, asked->task, asked->attempt,
                                  &reply.failure);
    }
}

static void run(struct orr_rehearsal *r)
{
    struct orr_engine_call call;
    while (!r->cut && orr_engine_take_call(r->engine, &call)) {
        if (!orr_engine_task_wanted(r->engine, call.task)) {
            orr_engine_call_dropped(r->engine, call.task);
            continue;
        }
        r->cut = r->attempts++ >= r->setup.most;
        if (!r->cut)
            serve(r, &call);
        orr_arena_reset(&r->scratch);
    }
}

/* A workflow that the test answers is a call like others: the engine hands it out. */
static void take_over(struct orr_rehearsal *r)
{
    const struct orr_graph *graph = r->setup.graph;
    const struct orr_test *test = r->setup.test;
    r->functions = orr_alloc(graph->n_functions, sizeof *r->functions);
    if (graph->n_functions)
        memcpy(r->functions, graph->functions,
               graph->n_functions * sizeof *r->functions);
    for (uint32_t i = 0; test && i < test->n_answers; i++)
        if (r->functions[test->answers[i].function].form == ORR_FORM_WORKFLOW)
            r->functions[test->answers[i].function].form = ORR_FORM_COMMAND;
    r->graph = *graph;
    r->graph.functions = r->functions;
    r->setup.graph = &r->graph;
}

/* Calls of workflows are never handed out: the engine goes through their rules. */
static void record_workflows(struct orr_rehearsal *r)
{
    for (uint32_t i = 0; i < orr_engine_tasks(r->engine); i++) {
        uint32_t f = orr_engine_task(r->engine, (orr_task_id) { i })->function;
        struct orr_rehearsed *task = record_of(r, i);
        if (r->functions[f].form != ORR_FORM_WORKFLOW)
            continue;
        task->by = ORR_ANSWERED_RULES;
        task->attempts = 1;
        task->failures =
            orr_engine_task_state(r->engine, (orr_task_id) { i }) == ORR_TASK_FAILED;
    }
}

enum { FACTS_IN_A_ROW = 12 * 1000 * 1000 }; /* some seconds, and 2 GB */

struct orr_rehearsal *orr_rehearse(const struct orr_rehearsal_setup *setup)
{
    struct orr_rehearsal *r = orr_alloc(1, sizeof *r);
    r->setup = *setup;
    if (!r->setup.files.identify)
        r->setup.files = (struct orr_engine_files) { .identify = by_name };
    take_over(r);
    r->engine = orr_engine_new(&r->graph, &r->setup.files);
    orr_engine_set_most_in_a_row(r->engine, FACTS_IN_A_ROW);
    for (uint32_t i = 0; i < setup->n_requests; i++)
        (void)orr_engine_add_request(r->engine, setup->requests[i]);
    run(r);
    record_workflows(r);
    return r;
}

void orr_rehearsal_free(struct orr_rehearsal *r)
{
    if (!r)
        return;
    orr_engine_free(r->engine);
    orr_map_release(&r->used);
    orr_arena_release(&r->arena);
    orr_arena_release(&r->scratch);
    free(r->tasks);
    free(r->functions);
    free(r);
}

const struct orr_rehearsed *orr_rehearsal_task(const struct orr_rehearsal *r,
                                               uint32_t task)
{
    return &r->tasks[task];
}

struct orr_engine *orr_rehearsal_engine(struct orr_rehearsal *r) { return r->engine; }

bool orr_rehearsal_cut(const struct orr_rehearsal *r) { return r->cut; }

uint32_t orr_rehearsal_open(const struct orr_rehearsal *r) { return r->open; }

struct orr_value orr_rehearsal_args(const struct orr_rehearsal *r, uint32_t id,
                                    struct orr_arena *arena)
{
    const struct orr_task *task = orr_engine_task(r->engine, (orr_task_id) { id });
    struct orr_record *record =
        orr_record_new(arena, r->setup.graph->functions[task->function].params);
    read_args(r, id, arena, record->fields);
    return orr_value_of_record(record);
}

double orr_rehearsal_cost(const struct orr_rehearsal *r, uint32_t id)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orri_call call = { .task = { id }, .attempt = 1 };
    struct orr_value v = orr_float(NAN);
    bind(r, &call, &arena);
    if (call.function->cost &&
        orr_expr_eval(call.function->cost, call.slots, &arena, &v, NULL) != ORR_OK)
        v = orr_float(NAN);
    orr_arena_release(&arena);
    return v.as.f;
}

void orr_rehearsal_print_task(const struct orr_rehearsal *r, uint32_t id,
                              struct orr_text *out)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    const struct orr_task *task = orr_engine_task(r->engine, (orr_task_id) { id });
    struct orr_value args = orr_rehearsal_args(r, id, &arena);
    const struct orr_record_type *params = args.as.record->type;
    const char *between = "";
    orr_text_printf(out, "%s(", r->setup.graph->functions[task->function].name);
    for (uint32_t i = 0; i < params->n_fields; i++) {
        if (args.as.record->fields[i].kind == ORR_KIND_NULL)
            continue;
        orr_text_printf(out, "%s%s: ", between, params->fields[i].name);
        orr_value_print(args.as.record->fields[i], out);
        between = ", ";
    }
    orr_text_puts(out, ")");
    orr_arena_release(&arena);
}
