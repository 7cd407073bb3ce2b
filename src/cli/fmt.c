/* fmt.c - orrery fmt: files in their canonical form */
#include "base/file.h"
#include "cli/command.h"
#include "model/format.h"

#include <stdio.h>
#include <string.h>

enum { SOURCE_MAX = 16 << 20 };

enum result { GOOD, CHANGED, REFUSED, FAILED };

static enum result rewrite(const char *path, const struct orr_text *formatted)
{
    struct orr_error err = { 0 };
    if (orr_file_replace(path, formatted->s, formatted->length, &err) == ORR_OK)
        return CHANGED;
    (void)orri_complain(&err);
    return FAILED;
}

static enum result format_one(const struct orr_line *line, const char *path)
{
    struct orri_texts texts = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_text formatted = ORR_TEXT_INIT;
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    struct orr_sources sources = orri_texts_sources(&texts);
    enum result result = REFUSED;
    orr_status status = sources.read(sources.context, path, &text, &err);
    if (status == ORR_OK)
        status = orr_model_format(path, text.s ? text.s : "", text.length, &formatted,
                                  &diags, &err);
    if (status != ORR_OK && diags.errors == 0) {
        (void)orri_complain(&err);
    } else if (status == ORR_OK) {
        bool same = text.length == formatted.length &&
                    memcmp(text.s, formatted.s, text.length) == 0;
        result = same ? GOOD : CHANGED;
        if (orri_has(line, "check") && !same)
            (void)printf("%s\n", path);
        else if (orri_has(line, "write") && !same)
            result = rewrite(path, &formatted);
        else if (!orri_has(line, "check") && !orri_has(line, "write"))
            (void)fputs(formatted.s, stdout);
    }
    (void)orri_print_findings(&diags, &texts, true);
    orr_text_release(&formatted);
    orr_text_release(&text);
    orr_diags_release(&diags);
    orri_texts_release(&texts);
    return result;
}

static int fmt_main(const struct orr_line *line)
{
    int code = ORR_EXIT_OK;
    if (orri_has(line, "check") && orri_has(line, "write")) {
        (void)fprintf(stderr, "orrery fmt: --check and --write exclude each other\n");
        return ORR_EXIT_INPUT;
    }
    for (size_t i = 0; i < line->n_args; i++) {
        enum result result = format_one(line, line->args[i]);
        int one = result == REFUSED                              ? ORR_EXIT_INPUT
                  : result == FAILED                             ? ORR_EXIT_MACHINE
                  : result == CHANGED && orri_has(line, "check") ? ORR_EXIT_FAILED
                                                                 : ORR_EXIT_OK;
        code = one > code ? one : code;
    }
    return code;
}

static const struct orr_option fmt_options[] = {
    { "write", 'w', NULL, "change the files instead of printing", false },
    { "check", 'c', NULL, "print the names of files that are not in this form", false },
    { 0 },
};

const struct orr_command_entry orri_fmt = {
    .name = "fmt",
    .arguments = "FILE...",
    .summary = "print workflows and jobs in their canonical form, with comments",
    .details =
        "Keys in the order of the reference, indentation by two, values of short lists "
        "in a column.\nLists and mappings in [] and {} stay so while they fit into 96 "
        "columns. What a file says does\nnot change.\n\nExit code 0; 1 with --check "
        "when "
        "a file is not in this form; 2 when a file is not YAML.",
    .options = fmt_options,
    .least = 1,
    .most = 100000,
    .run = fmt_main,
};
