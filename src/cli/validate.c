/* validate.c - orrery validate: all that is wrong, for people or for editors */
#include "base/hash.h"
#include "base/map.h"
#include "base/memory.h"
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_MAX = 16 << 20 };

/* The findings of all files, as members of one JSON object. */
struct report {
    bool json, quiet;
    const char *stdin_name;
    struct orr_text files, findings;
    size_t errors, warnings;
    struct orr_map known; /* findings so far: workflows that call one say the same */
};

static void put_member(struct orr_text *out, const char *name, const char *text)
{
    orr_text_printf(out, ", \"%s\": ", name);
    orr_text_json(out, text, strlen(text));
}

static void report_one(struct report *r, const struct orr_diag *diag)
{
    struct orr_text *out = &r->findings;
    const char *file = diag->at.file ? diag->at.file : "";
    orr_text_puts(out, out->length ? ",\n    {\"file\": " : "\n    {\"file\": ");
    orr_text_json(out, file, strlen(file));
    if (diag->at.line)
        orr_text_printf(out, ", \"line\": %u, \"column\": %u", diag->at.line,
                        diag->at.column);
    put_member(out, "severity", diag->warning ? "warning" : "error");
    put_member(out, "id", diag->id);
    put_member(out, "message", diag->message);
    if (diag->hint)
        put_member(out, "hint", diag->hint);
    orr_text_puts(out, "}");
}

static void report_file(struct report *r, const char *path, bool job, bool good,
                        struct orr_diags *diags)
{
    struct orr_text sorted = ORR_TEXT_INIT;
    orr_diags_render(diags, NULL, NULL, &sorted); /* in the order of the file */
    orr_text_release(&sorted);
    orr_text_puts(&r->files,
                  r->files.length ? ",\n    {\"file\": " : "\n    {\"file\": ");
    orr_text_json(&r->files, path, strlen(path));
    put_member(&r->files, "kind", job ? "job" : "workflow");
    orr_text_printf(&r->files, ", \"good\": %s}", good ? "true" : "false");
    for (size_t i = 0; i < diags->n; i++)
        if (!r->quiet || !good)
            report_one(r, &diags->items[i]);
}

static void print_report(const struct report *r)
{
    (void)printf("{\n  \"files\": [%s\n  ],\n  \"errors\": %zu,\n  \"warnings\": %zu,\n"
                 "  \"findings\": [%s%s]\n}\n",
                 r->files.s ? r->files.s : "", r->errors, r->warnings,
                 r->findings.s ? r->findings.s : "", r->findings.s ? "\n  " : "");
}

static bool read_stdin(struct orri_texts *texts, const char *name)
{
    struct orr_text text = ORR_TEXT_INIT;
    char buffer[65536];
    size_t n = 0;
    orr_text_append(&text, "", 0);
    while (text.length <= SOURCE_MAX &&
           (n = fread(buffer, 1, sizeof buffer, stdin)) > 0)
        orr_text_append(&text, buffer, n);
    bool good = !ferror(stdin);
    if (good)
        orri_texts_give(texts, name, &text);
    else
        (void)fprintf(stderr, "orrery validate: standard input cannot be read\n");
    orr_text_release(&text);
    return good;
}

/* Drop what was said of an earlier file. */
static void drop_known(struct report *r, struct orr_diags *diags)
{
    size_t kept = 0;
    orri_short_places(diags);
    for (size_t i = 0; i < diags->n; i++) {
        const struct orr_diag *diag = &diags->items[i];
        struct orr_text text = ORR_TEXT_INIT;
        bool fresh = false;
        orr_text_printf(&text, "%s:%u:%u: %s %s", diag->at.file ? diag->at.file : "",
                        diag->at.line, diag->at.column, diag->id, diag->message);
        (void)orr_map_insert(&r->known, orr_hash64(text.s, text.length, 0), &fresh);
        orr_text_release(&text);
        if (fresh)
            diags->items[kept++] = *diag;
        else
            *(diag->warning ? &diags->warnings : &diags->errors) -= 1;
    }
    diags->n = kept;
}

static bool validate_one(const char *path, struct report *r)
{
    struct orri_texts texts = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_sources sources = orri_texts_sources(&texts);
    if (strcmp(path, "-") == 0) {
        path = r->stdin_name;
        if (!read_stdin(&texts, path))
            return false;
    }
    bool job = orri_texts_is_job(&texts, path);
    if (job)
        orr_job_free(orr_job_compile(path, &sources, NULL, 0, orri_registry(), &diags));
    else
        orr_graph_free(orr_graph_compile(path, &sources, orri_registry(), &diags));
    bool good = diags.errors == 0;
    drop_known(r, &diags);
    r->errors += diags.errors;
    r->warnings += diags.warnings;
    if (r->json)
        report_file(r, path, job, good, &diags);
    else if (!orri_print_findings(&diags, &texts, good && r->quiet) && !good)
        (void)fprintf(stderr, "%s: not good, as shown above\n", path);
    else if (good && !r->quiet)
        (void)printf("%s: good%s\n", path, diags.warnings ? ", with warnings" : "");
    orr_diags_release(&diags);
    orri_texts_release(&texts);
    return good;
}

static int validate_main(const struct orr_line *line)
{
    const char *name = orri_option(line, "stdin-name");
    struct report r = { .json = orri_has(line, "json"),
                        .quiet = orri_has(line, "quiet"),
                        .stdin_name = name ? name : "-" };
    bool good = true;
    for (size_t i = 0; i < line->n_args; i++)
        good = validate_one(line->args[i], &r) && good;
    if (r.json)
        print_report(&r);
    orr_text_release(&r.files);
    orr_text_release(&r.findings);
    orr_map_release(&r.known);
    return good ? ORR_EXIT_OK : ORR_EXIT_INPUT;
}

static const struct orr_option validate_options[] = {
    { "json", 0, NULL, "one JSON object on standard output, for editors", false },
    { "quiet", 'q', NULL, "say nothing about files without errors", false },
    { "stdin-name", 0, "FILE", "what `-`, standard input, is called: where it would be",
      false },
    { 0 },
};

const struct orr_command_entry orri_validate = {
    .name = "validate",
    .arguments = "FILE...",
    .summary = "check workflows and jobs: all errors in one pass",
    .details = "FILE `-` is standard input. Exit code 2 when there is an error, 0 "
               "otherwise.\n`orrery explain ID` says more about a finding.",
    .options = validate_options,
    .least = 1,
    .most = 100000,
    .run = validate_main,
};
