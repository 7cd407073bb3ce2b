/* explain.c - orrery explain: what a finding means, a wrong example and a right one */
#include "base/text.h"
#include "cli/command.h"
#include "model/findings.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 300, WIDTH = 78 };

/* Words up to WIDTH columns a line. */
static void print_wrapped(const char *text)
{
    size_t column = 0;
    for (size_t n = 0; *text; text += n + (text[n] == ' ')) {
        n = strcspn(text, " ");
        bool fits = column + 1 + n <= WIDTH;
        if (column)
            (void)putchar(fits ? ' ' : '\n');
        (void)printf("%.*s", (int)n, text);
        column = column && fits ? column + 1 + n : n;
    }
    (void)putchar('\n');
}

static void print_example(const char *title, const char *text)
{
    (void)printf("\n%s\n\n", title);
    while (*text) {
        size_t n = strcspn(text, "\n");
        (void)printf("    %.*s\n", (int)n, text);
        text += n + (text[n] == '\n');
    }
}

static void print_page(const struct orr_page *page)
{
    const char *text = orr_finding_text(page->id);
    (void)printf("%s (%s): %s\n\n", page->id, *page->id == 'W' ? "warning" : "error",
                 text ? text : "");
    print_wrapped(page->why);
    print_example("Wrong:", page->wrong);
    print_example("Right:", page->right);
    if (!page->whole)
        (void)printf(
            "\nLeft out, and right: inputs source (path) and n (int); facts "
            "a: {x: int} and\nb: {y: int, z: string?}; a function f; an output "
            "of b.\n");
}

static int list_all(void)
{
    size_t n = 0;
    const struct orr_finding *findings = orr_findings(&n);
    for (size_t i = 0; i < n; i++)
        (void)printf("%s  %s\n", findings[i].id, findings[i].text);
    return ORR_EXIT_OK;
}

static int unknown(const char *id)
{
    const char *ids[MOST];
    size_t n = 0;
    const struct orr_finding *findings = orr_findings(&n);
    for (size_t i = 0; i < n && i < MOST; i++)
        ids[i] = findings[i].id;
    const char *near = orr_text_nearest(id, ids, n < MOST ? n : MOST);
    (void)fprintf(stderr, "orrery explain: there is no finding '%s'%s%s%s\n", id,
                  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return ORR_EXIT_INPUT;
}

static int explain_main(const struct orr_line *line)
{
    char id[32] = "";
    if (line->n_args == 0)
        return list_all();
    for (size_t i = 0; line->args[0][i] && i < sizeof id - 1; i++)
        id[i] = (char)toupper((unsigned char)line->args[0][i]);
    const struct orr_page *page = orr_finding_page(id);
    if (!page)
        return unknown(line->args[0]);
    print_page(page);
    return ORR_EXIT_OK;
}

static const struct orr_option no_options[] = { { 0 } };

const struct orr_command_entry orri_explain = {
    .name = "explain",
    .arguments = "[ID]",
    .summary = "say what a finding such as E0207 means, with examples",
    .details = "Without ID, lists all findings. Examples show the keys that matter; "
               "what is left out is right.",
    .options = no_options,
    .least = 0,
    .most = 1,
    .run = explain_main,
};
