/* look.c - orrery status and orrery ls: looking at a run */
#include "base/file.h"
#include "base/memory.h"
#include "cli/command.h"
#include "store/rundir.h"
#include "store/runfile.h"
#include "view/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int status_main(const struct orr_line *line)
{
    struct orr_run_info info;
    struct orr_run_status status;
    struct orr_error err = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    const char *run = line->args[0];
    if (orr_run_info_read(run, &info, &err) != ORR_OK ||
        orr_status_read(run, &status, &err) != ORR_OK)
        return orri_complain(&err);
    if (orri_has(line, "json"))
        orr_status_json(&status, &text);
    else
        orr_status_print(&status, info.locked, &text);
    (void)fputs(text.s, stdout);
    orr_text_release(&text);
    return ORR_EXIT_OK;
}

static const struct orr_option status_options[] = {
    { "json", 0, NULL,
      "one JSON object; its field `state` is starting, running, succeeded, "
      "failed, stopped, drained or interrupted",
      false },
    { 0 },
};

const struct orr_command_entry orri_status = {
    .name = "status",
    .arguments = "RUN",
    .summary = "what a run does, or how it ended",
    .options = status_options,
    .least = 1,
    .most = 1,
    .run = status_main,
};

/* ---- ls ---- */

static bool read_format(const struct orr_line *line, enum orr_print_format *out)
{
    static const char *const names[] = { "table", "csv", "json" };
    const char *name = orri_option(line, "format");
    *out = ORR_PRINT_TABLE;
    for (int i = 0; name && i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum orr_print_format)i;
            return true;
        }
    if (name)
        (void)fprintf(stderr, "orrery ls: --format is table, csv or json, not '%s'\n",
                      name);
    return !name;
}

struct listing {
    enum orr_print_format format;
    const char *under; /* only tables of this group, or NULL */
    size_t n;
};

static void list_table(void *context, const char *name, uint64_t rows,
                       const char *description)
{
    struct listing *listing = context;
    struct orr_text text = ORR_TEXT_INIT;
    size_t length = listing->under ? strlen(listing->under) : 0;
    if (listing->under &&
        (strncmp(name, listing->under, length) != 0 || name[length] != '/'))
        return;
    if (listing->format == ORR_PRINT_JSON) {
        (void)printf("%s\n  {\"table\": \"%s\", \"rows\": %" PRIu64
                     ", \"description\": ",
                     listing->n ? "," : "[", name, rows);
        orr_text_json(&text, description, strlen(description));
        (void)printf("%s}", text.s);
    } else if (listing->format == ORR_PRINT_CSV) {
        (void)printf("%s%s,%" PRIu64 "\r\n", listing->n ? "" : "table,rows\r\n", name,
                     rows);
    } else {
        (void)printf("%-24s %10" PRIu64 "  %s\n", name, rows, description);
    }
    listing->n++;
    orr_text_release(&text);
}

static int list_tables(const char *path, const char *under,
                       enum orr_print_format format)
{
    struct listing listing = { .format = format, .under = under };
    struct orr_error err = { 0 };
    if (orr_tables_visit(path, list_table, &listing, &err) != ORR_OK)
        return orri_complain(&err);
    if (format == ORR_PRINT_JSON)
        (void)printf("%s]\n", listing.n ? "\n" : "[");
    return ORR_EXIT_OK;
}

static int ls_main(const struct orr_line *line)
{
    enum orr_print_format format = ORR_PRINT_TABLE;
    struct orr_run_info info;
    struct orr_error err = { 0 };
    if (!read_format(line, &format))
        return ORR_EXIT_INPUT;
    if (orr_run_info_read(line->args[0], &info, &err) != ORR_OK)
        return orri_complain(&err);
    char *path = orr_path_join(line->args[0], "run.h5");
    const char *table = line->n_args > 1 ? line->args[1] : NULL;
    int code = ORR_EXIT_OK;
    if (access(path, R_OK) != 0) {
        (void)fprintf(
            stderr, "orrery ls: %s has no run.h5 yet: it is made when the run ends%s\n",
            line->args[0], info.locked ? "" : "; resume the run");
        code = ORR_EXIT_FAILED;
    } else if (!table || strcmp(table, "facts") == 0 || strcmp(table, "frames") == 0) {
        code = list_tables(path, table, format);
    } else if (orr_table_print(path, table, format, stdout, &err) != ORR_OK) {
        code = orri_complain(&err);
    }
    free(path);
    return code;
}

static const struct orr_option ls_options[] = {
    { "format", 'f', "FORMAT", "table (default), csv or json", false },
    { 0 },
};

const struct orr_command_entry orri_ls = {
    .name = "ls",
    .arguments = "RUN [TABLE]",
    .summary = "list the tables of a run, or the rows of one",
    .details = "TABLE is one of those listed: tasks, attempts, errors, requests, "
               "rules, firings,"
               "\nfacts/NAME, frames/FUNCTION. `facts` alone lists the fact types.",
    .options = ls_options,
    .least = 1,
    .most = 2,
    .run = ls_main,
};
