/* plan.c - orrery plan */
#include "base/memory.h"
#include "cli/prepare.h"

#include <stdio.h>

static int plan_main(const struct orr_line *line)
{
    struct orr_setting *settings = NULL;
    size_t n = 0;
    if (!orri_settings(line, &settings, &n))
        return ORR_EXIT_INPUT;
    struct orri_texts texts = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_sources sources = orri_texts_sources(&texts);
    struct orr_job *job = NULL;
    struct orr_graph *graph = NULL;
    if (orri_is_job(&texts, line->args[0]))
        job = orr_job_compile(line->args[0], &sources, settings, n, orri_registry(),
                              &diags);
    else
        graph = orr_graph_compile(line->args[0], &sources, orri_registry(), &diags);
    bool bad = orri_print_findings(&diags, &texts, true);
    if (!bad) {
        struct orr_text text = ORR_TEXT_INIT;
        if (orri_has(line, "rules"))
            orr_graph_print_rules(job ? job->graph : graph, &text);
        else
            orr_graph_print(job ? job->graph : graph, &text);
        (void)fputs(text.s ? text.s : "", stdout);
        if (job && !orri_has(line, "rules"))
            (void)printf("requests: %u\n", job->n_requests);
        orr_text_release(&text);
    }
    orr_job_free(job);
    orr_graph_free(graph);
    orr_diags_release(&diags);
    orri_texts_release(&texts);
    orri_settings_free(settings, n);
    return bad ? ORR_EXIT_INPUT : ORR_EXIT_OK;
}

static const struct orr_option plan_options[] = {
    { "set", 's', "INPUT=VALUE", "give an input; VALUE is YAML. May be repeated",
      true },
    { "rules", 0, NULL, "print facts, rules and outputs as YAML: what steps became",
      false },
    { 0 },
};

const struct orr_command_entry orri_plan = {
    .name = "plan",
    .arguments = "FILE",
    .summary = "show what a job or a workflow was compiled to",
    .details = "Inputs, pools, functions, and the stages: which facts start which "
               "rule, what it "
               "calls and\nwhich facts follow.",
    .options = plan_options,
    .least = 1,
    .most = 1,
    .run = plan_main,
};
