/* check.c - orrery validate */
#include "base/memory.h"
#include "cli/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool validate_one(const char *path, bool quiet)
{
    struct orri_texts texts = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_sources sources = orri_texts_sources(&texts);
    if (orri_is_job(path))
        orr_job_free(orr_job_compile(path, &sources, NULL, 0, orri_registry(), &diags));
    else
        orr_graph_free(orr_graph_compile(path, &sources, orri_registry(), &diags));
    size_t warnings = diags.warnings;
    bool bad = orri_print_findings(&diags, &texts, quiet);
    if (!bad && !quiet)
        (void)printf("%s: good%s\n", path, warnings ? ", with warnings" : "");
    orr_diags_release(&diags);
    orri_texts_release(&texts);
    return !bad;
}

static int validate_main(const struct orr_line *line)
{
    bool good = true;
    for (size_t i = 0; i < line->n_args; i++)
        good = validate_one(line->args[i], orri_has(line, "quiet")) && good;
    return good ? ORR_EXIT_OK : ORR_EXIT_INPUT;
}

static const struct orr_option validate_options[] = {
    { "quiet", 'q', NULL, "say nothing about files without errors", false },
    { 0 },
};

const struct orr_command_entry orri_validate = {
    .name = "validate",
    .arguments = "FILE...",
    .summary = "check workflows and jobs: all errors in one pass",
    .details = "Exit code 2 when there is an error, 0 otherwise.",
    .options = validate_options,
    .least = 1,
    .most = 100000,
    .run = validate_main,
};
