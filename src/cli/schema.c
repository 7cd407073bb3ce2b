/* schema.c - orrery schema and orrery reference: what the compiler knows, for editors
 * and for readers */
#include "cli/command.h"
#include "lang/expr.h"
#include "model/findings.h"
#include "model/model.h"

#include <stdio.h>
#include <string.h>

static int schema_main(const struct orr_line *line)
{
    bool job = strcmp(line->args[0], "job") == 0;
    struct orr_text text = ORR_TEXT_INIT;
    if (!job && strcmp(line->args[0], "workflow") != 0) {
        (void)fprintf(stderr, "orrery schema: 'workflow' or 'job', not '%s'\n",
                      line->args[0]);
        return ORR_EXIT_INPUT;
    }
    orr_schema_json(job ? ORR_FILE_JOB : ORR_FILE_WORKFLOW, &text);
    (void)fputs(text.s, stdout);
    orr_text_release(&text);
    return ORR_EXIT_OK;
}

static const struct orr_option no_options[] = { { 0 } };

const struct orr_command_entry orri_schema = {
    .name = "schema",
    .arguments = "workflow|job",
    .summary = "print the JSON Schema of workflow or job files",
    .details = "Draft 2020-12, for editors. Installed as "
               "share/orrery/schema/workflow.json and job.json.",
    .options = no_options,
    .least = 1,
    .most = 1,
    .run = schema_main,
};

/* ---- reference ---- */

static void put_cell(struct orr_text *out, const char *s)
{
    for (; *s; s++)
        orr_text_printf(out, *s == '|' ? "\\%c" : "%c", *s);
}

static void put_functions(struct orr_text *out)
{
    size_t n = 0;
    const struct orr_builtin_doc *docs = orr_expr_builtins(&n);
    orr_text_puts(out, "\n## Functions of expressions\n\n| function | |\n|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        orr_text_puts(out, "| `");
        put_cell(out, docs[i].usage);
        orr_text_puts(out, "` | ");
        put_cell(out, docs[i].doc);
        orr_text_puts(out, " |\n");
    }
}

static void put_findings(struct orr_text *out)
{
    size_t n = 0;
    const struct orr_finding *findings = orr_findings(&n);
    orr_text_puts(out, "\n## Findings\n\nE is an error, W a warning. Numbers do not "
                       "change their meaning. `orrery explain E0207` says more\nabout "
                       "one, with examples.\n\n| number | |\n|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        orr_text_printf(out, "| %s | ", findings[i].id);
        put_cell(out, findings[i].text);
        orr_text_puts(out, " |\n");
    }
}

static void put_limits(struct orr_text *out)
{
    size_t n = 0;
    const struct orr_limit *limits = orr_limits(&n);
    orr_text_puts(out, "\n## Limits\n\n| | at most |\n|---|---|\n");
    for (size_t i = 0; i < n; i++)
        orr_text_printf(out, "| %s | %ld |\n", limits[i].what, limits[i].most);
}

static int reference_main(const struct orr_line *line)
{
    struct orr_text text = ORR_TEXT_INIT;
    (void)line;
    orr_text_puts(&text,
                  "# Reference of workflow and job files\n\n"
                  "What the compiler knows, as `orrery reference` prints it. "
                  "[language.md](language.md) explains it.\n\n## Keys of a workflow\n");
    orr_schema_tables(ORR_FILE_WORKFLOW, &text);
    orr_text_puts(&text, "\n## Keys of a job\n");
    orr_schema_tables(ORR_FILE_JOB, &text);
    put_functions(&text);
    put_limits(&text);
    put_findings(&text);
    (void)fputs(text.s, stdout);
    orr_text_release(&text);
    return ORR_EXIT_OK;
}

const struct orr_command_entry orri_reference = {
    .name = "reference",
    .arguments = "",
    .summary = "print all keys, functions of expressions, limits and findings",
    .details = "Markdown; docs/reference.md is this.",
    .options = no_options,
    .least = 0,
    .most = 0,
    .run = reference_main,
};
