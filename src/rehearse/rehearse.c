/* rehearse.c - the loop: calls of the engine, their answers, until nothing is left
 * Owns: the engine and what became of its tasks. Hands on: answers (answer.c). */
#include "rehearse/internal.h"

#include <stdlib.h>
#include <string.h>

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

/* Parameters and `attempt` as the expressions of examples see them. */
static void bind(const struct orr_rehearsal *r, orr_task_id id, uint32_t attempt,
                 struct orr_arena *arena, struct orr_asked *out)
{
    const struct orr_task *task = orr_engine_task(r->engine, id);
    out->task = id.v;
    out->attempt = attempt;
    orr_asked_bind(&r->setup.graph->functions[task->function], task->identity,
                   task->args, task->args_length, arena, out);
}

static void serve(struct orr_rehearsal *r, const struct orr_engine_call *call)
{
    struct orr_reply reply;
    bind(r, call->task, call->attempt, &r->answers.scratch, &r->asked);
    orr_answer(&r->answers, &r->asked, &reply);
    struct orr_rehearsed *task = record_of(r, call->task.v);
    task->attempts++;
    task->delay += call->delay;
    task->by = reply.by;
    task->why = reply.why ? orr_arena_strdup(&r->arena, reply.why) : NULL;
    if (reply.by == ORR_ANSWERED_NONE) { /* it stays open, and makes no others wait */
        orr_engine_set_window(r->engine, ORR_ENGINE_WINDOW + ++r->open);
        return;
    }
    if (reply.failure.kind == ORR_FAIL_NONE) {
        orr_engine_finished(r->engine, call->task, reply.result);
    } else {
        task->failures++;
        orr_engine_attempt_failed(r->engine, call->task, call->attempt, &reply.failure);
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
        orr_arena_reset(&r->answers.scratch);
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
    r->answers = (struct orr_answers) { .graph = &r->graph,
                                        .test = setup->test,
                                        .known = setup->known,
                                        .known_context = setup->known_context };
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
    orr_answers_release(&r->answers);
    orr_arena_release(&r->arena);
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
    const struct orr_record_type *params =
        r->setup.graph->functions[task->function].params;
    struct orr_asked *asked = orr_arena_alloc(arena, sizeof *asked);
    struct orr_record *record = orr_record_new(arena, params);
    bind(r, (orr_task_id) { id }, 1, arena, asked);
    memcpy(record->fields, asked->slots, params->n_fields * sizeof *record->fields);
    return orr_value_of_record(record);
}

double orr_rehearsal_cost(const struct orr_rehearsal *r, uint32_t id)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_asked *asked = orr_arena_alloc(&arena, sizeof *asked);
    bind(r, (orr_task_id) { id }, 1, &arena, asked);
    double cost = orr_asked_cost(asked, &arena);
    orr_arena_release(&arena);
    return cost;
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
