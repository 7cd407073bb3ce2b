/* ls.c - orrery ls: the tables of a run, and their rows
 * Owns: what the words of the command line mean. Hands on: where the tables are
 * (tables.c), printing them (tables/print.c). */
#include "base/memory.h"
#include "cli/tables.h"
#include "tables/runfile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- the list of tables ---- */

struct listing {
    enum orr_print_format format;
    const char *under; /* only tables of this group, or NULL */
    size_t n;
};

static bool is_under(const char *name, const char *group)
{
    size_t length = strlen(group);
    return strncmp(name, group, length) == 0 && name[length] == '/';
}

static void list_table(void *context, const char *name, uint64_t rows,
                       const char *description)
{
    struct listing *listing = context;
    struct orr_text text = ORR_TEXT_INIT;
    if (listing->under && !is_under(name, listing->under))
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

/* ---- a group ---- */

struct group {
    const char *name;
    size_t n;
    char *only;          /* its first table */
    struct orr_text all; /* names */
};

static void note_member(void *context, const char *name, uint64_t rows,
                        const char *description)
{
    struct group *group = context;
    (void)rows;
    (void)description;
    if (!is_under(name, group->name))
        return;
    if (!group->n++)
        group->only = orr_strdup(name);
    orr_text_printf(&group->all, "%s%s", group->n > 1 ? ", " : "", name);
}

static bool asks_for_rows(const struct orr_line *line)
{
    return orri_has(line, "where") || orri_has(line, "columns") ||
           orri_has(line, "limit");
}

static int print_rows(const struct orri_tables *tables, const char *table,
                      const struct orr_print *how)
{
    struct orr_error err = { 0 };
    return orr_table_print(tables->path, table, how, stdout, &err) == ORR_OK
               ? ORR_EXIT_OK
               : orri_complain(&err);
}

/* What a group means must not depend on how many tables it has: it is a list of them.
 * Only where rows are asked for, the one table that a group has is meant. */
static int print_group(const struct orr_line *line, const struct orri_tables *tables,
                       const char *name, const struct orr_print *how)
{
    struct group group = { .name = name };
    struct orr_error err = { 0 };
    int code = ORR_EXIT_INPUT;
    if (!asks_for_rows(line))
        return list_tables(tables->path, name, how->format);
    if (orr_tables_visit(tables->path, note_member, &group, &err) != ORR_OK)
        code = orri_complain(&err);
    else if (group.n == 1)
        code = print_rows(tables, group.only, how);
    else if (!group.n)
        (void)fprintf(stderr, "orrery ls: the run has no tables '%s/...'\n", name);
    else
        (void)fprintf(stderr, "orrery ls: '%s' is a group of tables: say which of %s\n",
                      name, group.all.s);
    free(group.only);
    orr_text_release(&group.all);
    return code;
}

/* ---- the command ---- */

static bool is_group(const char *table)
{
    return strcmp(table, "facts") == 0 || strcmp(table, "frames") == 0 ||
           strcmp(table, "results") == 0;
}

static int ls_main(const struct orr_line *line)
{
    struct orr_print how = { .where = orri_option(line, "where"),
                             .columns = orri_option(line, "columns") };
    struct orri_tables tables;
    const char *table = line->n_args > 1 ? line->args[1] : NULL;
    long limit = 0;
    if (!read_format(line, &how.format) ||
        !orri_number(line, "limit", 1, INT64_MAX, 0, &limit))
        return ORR_EXIT_INPUT;
    if (!table && asks_for_rows(line)) {
        (void)fputs("orrery ls: --where, --columns and --limit want a table: orrery ls "
                    "RUN TABLE\n",
                    stderr);
        return ORR_EXIT_INPUT;
    }
    how.limit = (uint64_t)limit;
    int code = orri_tables_open("ls", line->args[0], &tables);
    if (code == ORR_EXIT_OK && !table)
        code = list_tables(tables.path, NULL, how.format);
    else if (code == ORR_EXIT_OK && is_group(table))
        code = print_group(line, &tables, table, &how);
    else if (code == ORR_EXIT_OK)
        code = print_rows(&tables, table, &how);
    orri_tables_release(&tables);
    return code;
}

static const struct orr_option ls_options[] = {
    { "format", 'f', "FORMAT", "table (default), csv or json", false },
    { "where", 'w', "EXPR", "only rows for which it is true; columns are variables",
      false },
    { "columns", 'c', "A,B", "only these columns, in this order", false },
    { "limit", 'n', "N", "that many rows at most", false },
    { 0 },
};

const struct orr_command_entry orri_ls = {
    .name = "ls",
    .arguments = "RUN [TABLE]",
    .summary = "list the tables of a run, or the rows of one",
    .details =
        "TABLE is one of those listed: tasks, attempts, errors, requests, rules, "
        "firings, blobs,\nshards, facts/NAME, results/FUNCTION, frames/FUNCTION. "
        "`facts`, `results` or `frames` alone\nlists those. RUN is a run directory, "
        "or a file that `orrery export --to` made. A run that was\nkilled, or is on, "
        "is told by what it has stored.",
    .options = ls_options,
    .least = 1,
    .most = 2,
    .run = ls_main,
};
