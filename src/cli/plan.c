/* plan.c - orrery plan: what a job or a workflow will do */
#include "plan/plan.h"

#include "base/memory.h"
#include "cli/answered.h"
#include "cli/command.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ATTEMPTS_MAX = 1000 * 1000 };

struct format {
    const char *name;
    void (*print)(const struct orr_plan *plan, struct orr_text *out);
};
static const struct format formats[] = { { "text", orr_plan_text },
                                         { "json", orr_plan_json },
                                         { "dot", orr_plan_dot },
                                         { "html", orr_plan_html } };
enum { N_FORMATS = sizeof formats / sizeof *formats };

static const struct format *find_format(const char *name)
{
    const char *names[N_FORMATS];
    for (size_t i = 0; i < N_FORMATS; i++) {
        names[i] = formats[i].name;
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    }
    const char *near = orr_text_nearest(name, names, N_FORMATS);
    (void)fprintf(stderr, "orrery plan: there is no format '%s'", name);
    if (near)
        (void)fprintf(stderr, "; did you mean '%s'?", near);
    (void)fprintf(stderr, "\nthere are: text, json, dot, html\n");
    return NULL;
}

static double seconds(void *context, uint32_t task)
{
    const struct orri_answered *answered = context;
    bool measured = false;
    if (!orr_rehearsal_task(answered->rehearsal, task)->attempts)
        return 0; /* nobody wanted it any more */
    return orri_seconds_of(answered, task, &measured);
}

static orr_status counted(const struct orr_graph *graph,
                          const struct orr_value *requests, uint32_t n,
                          const char *costs, struct orr_plan **out,
                          struct orr_error *err)
{
    struct orri_answered answered;
    orr_status status =
        orri_answer_job(graph, requests, n, costs, ATTEMPTS_MAX, &answered, err);
    if (status != ORR_OK)
        return status;
    struct orr_plan_costs prices = { seconds, &answered,
                                     orr_rehearsal_open(answered.rehearsal) > 0 ||
                                         orr_rehearsal_cut(answered.rehearsal) };
    *out = orr_plan_new(graph, orr_rehearsal_engine(answered.rehearsal), &prices);
    orri_answered_release(&answered);
    return ORR_OK;
}

/* The request of a workflow whose inputs all have defaults. */
static bool default_request(const struct orr_graph *graph, struct orr_arena *arena,
                            struct orr_value *out)
{
    const struct orr_record_type *inputs = graph->facts[0].record;
    struct orr_record *record = orr_record_new(arena, inputs);
    for (uint32_t i = 0; i < inputs->n_fields; i++)
        if (!graph->input_defaults[i] ||
            orr_expr_eval(graph->input_defaults[i], NULL, arena, &record->fields[i],
                          NULL) != ORR_OK)
            return false;
    *out = orr_value_of_record(record);
    return true;
}

static orr_status make_plan(const struct orr_job *job, const struct orr_graph *graph,
                            const char *costs, struct orr_plan **out,
                            struct orr_error *err)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_value request;
    orr_status status = ORR_OK;
    if (job)
        status = counted(job->graph, job->requests, job->n_requests, costs, out, err);
    else if (default_request(graph, &arena, &request))
        status = counted(graph, &request, 1, costs, out, err);
    else
        *out = orr_plan_new(graph, NULL, NULL);
    orr_arena_release(&arena);
    return status;
}

static int print_plan(const struct orr_line *line, const struct format *format,
                      const struct orr_job *job, const struct orr_graph *graph)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    struct orr_plan *plan = NULL;
    if (orri_has(line, "rules"))
        orr_graph_print_rules(graph, &text);
    else if (make_plan(job, graph, orri_option(line, "costs"), &plan, &err) != ORR_OK)
        return orri_complain(&err);
    else
        format->print(plan, &text);
    if (plan && format->print == orr_plan_text)
        orr_text_print(stdout, text.s);
    else
        (void)fputs(text.s, stdout);
    orr_plan_free(plan);
    orr_text_release(&text);
    return ORR_EXIT_OK;
}

static int plan_main(const struct orr_line *line)
{
    const char *name = orri_option(line, "format");
    const struct format *format = find_format(name ? name : "text");
    struct orr_setting *settings = NULL;
    size_t n = 0;
    if (!format || !orri_settings(line, &settings, &n))
        return ORR_EXIT_INPUT;
    struct orri_texts texts = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_sources sources = orri_texts_sources(&texts);
    struct orr_job *job = NULL;
    struct orr_graph *graph = NULL;
    if (n || orri_is_job(line->args[0]))
        job = orr_job_compile(line->args[0], &sources, settings, n, orri_registry(),
                              &diags);
    else
        graph = orr_graph_compile(line->args[0], &sources, orri_registry(), &diags);
    int code = ORR_EXIT_INPUT;
    if (!orri_print_findings(&diags, &texts, true))
        code = print_plan(line, format, job, job ? job->graph : graph);
    orr_job_free(job);
    orr_graph_free(graph);
    orr_diags_release(&diags);
    orri_texts_release(&texts);
    orri_settings_free(settings, n);
    return code;
}

static const struct orr_option plan_options[] = {
    { "set", 's', "INPUT=VALUE",
      "give an input: YAML, or plain text for a string or path. May be repeated",
      true },
    { "request", 0, "N",
      "only this one of the job's requests, counted from 0, or of its sweep's", false },
    { "format", 'f', "FORMAT", "text (default), json, dot (Graphviz) or html (a page)",
      false },
    { "costs", 0, "RUN", "answer calls, and time them, from this earlier run", false },
    { "rules", 0, NULL, "print facts, rules and outputs as YAML: what steps became",
      false },
    { 0 },
};

const struct orr_command_entry orri_plan = {
    .name = "plan",
    .arguments = "FILE",
    .summary = "show what a job or a workflow will do",
    .details =
        "Inputs, pools, functions, and the stages: which facts start which rule, what "
        "it calls and\nwhich facts follow; the critical path. When all inputs are "
        "given, "
        "the rules are gone through\nwith calls answered from the `example:` of their "
        "functions or from an earlier run, and what\nhappens is counted.",
    .options = plan_options,
    .least = 1,
    .most = 1,
    .run = plan_main,
};
