/* new.c - orrery new: a workflow with tests and a job, to be changed */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/templates.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TEMPLATES_MAX = 32, NAME_MAX_LENGTH = 100 };

static const struct orri_template *find(const char *name)
{
    const char *names[TEMPLATES_MAX];
    size_t n = 0;
    for (; orri_templates[n].name && n < TEMPLATES_MAX; n++) {
        names[n] = orri_templates[n].name;
        if (strcmp(names[n], name) == 0)
            return &orri_templates[n];
    }
    const char *near = orr_text_nearest(name, names, n);
    (void)fprintf(stderr, "orrery new: there is no template '%s'", name);
    if (near)
        (void)fprintf(stderr, "; did you mean '%s'?", near);
    (void)fprintf(stderr, "\nthere are:");
    for (size_t i = 0; i < n; i++)
        (void)fprintf(stderr, " %s", names[i]);
    (void)fprintf(stderr, "\n");
    return NULL;
}

/* A name of files, of a workflow, of a run directory: nothing that a shell minds. */
static bool is_name(const char *name)
{
    size_t n = strlen(name);
    bool good = n > 0 && n <= NAME_MAX_LENGTH && isalnum((unsigned char)*name);
    for (const char *c = name; *c; c++)
        good = good && (isalnum((unsigned char)*c) || *c == '-' || *c == '_');
    return good && strcmp(name, "job") != 0;
}

/* The first line of a workflow's `doc`. */
static void print_list(void)
{
    for (const struct orri_template *t = orri_templates; t->name; t++) {
        const char *doc = strstr(t->workflow, "\ndoc: ");
        int length = doc ? (int)strcspn(doc + 6, "\n") : 0;
        (void)printf("%-16s %.*s\n", t->name, length, doc ? doc + 6 : "");
    }
}

static void fill(const char *text, const char *name, struct orr_text *out)
{
    for (const char *at; (at = strstr(text, "NAME")) != NULL; text = at + 4) {
        orr_text_append(out, text, (size_t)(at - text));
        orr_text_puts(out, name);
    }
    orr_text_puts(out, text);
}

static orr_status write_one(const char *directory, const char *file, const char *text,
                            const char *name, struct orr_error *err)
{
    struct orr_text out = ORR_TEXT_INIT;
    char *path = orr_path_join(directory, file);
    fill(text, name, &out);
    orr_status status = orr_file_write(path, out.s, out.length, true, err);
    orr_text_release(&out);
    free(path);
    return status;
}

static orr_status write_all(const char *directory, const struct orri_template *t,
                            const char *name, struct orr_error *err)
{
    char file[NAME_MAX_LENGTH + 10];
    (void)snprintf(file, sizeof file, "%s.yaml", name);
    if (mkdir(directory, 0777) != 0)
        return errno == EEXIST
                   ? orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                                   "%s is there already: nothing was written",
                                   directory)
                   : orr_error_errno(err, ORR_ERR_STORE, errno, "cannot make %s",
                                     directory);
    orr_status status = write_one(directory, file, t->workflow, name, err);
    if (status == ORR_OK)
        status = write_one(directory, "job.yaml", t->job, name, err);
    return status;
}

static int new_main(const struct orr_line *line)
{
    const char *from = orri_option(line, "from");
    const char *directory = orri_option(line, "directory");
    struct orr_error err = { 0 };
    if (orri_has(line, "list") || line->n_args == 0) {
        if (orri_has(line, "list") && line->n_args == 0) {
            print_list();
            return ORR_EXIT_OK;
        }
        (void)fprintf(stderr,
                      "orrery new: give a name for the new workflow (and no name "
                      "with --list)\n");
        return ORR_EXIT_INPUT;
    }
    const char *name = line->args[0];
    const struct orri_template *t = find(from ? from : "steps");
    if (!t)
        return ORR_EXIT_INPUT;
    if (!is_name(name)) {
        (void)fprintf(stderr,
                      "orrery new: '%s' cannot be a name: letters, digits, - and _, a "
                      "letter or digit first, and not 'job'\n",
                      name);
        return ORR_EXIT_INPUT;
    }
    directory = directory ? directory : name;
    if (write_all(directory, t, name, &err) != ORR_OK)
        return orri_complain(&err);
    (void)printf(
        "%s/%s.yaml  the workflow, with tests\n%s/job.yaml  a request for it\n\n"
        "next:\n"
        "  orrery test %s/%s.yaml\n"
        "  orrery run %s/job.yaml --dry-run\n"
        "  orrery run %s/job.yaml\n",
        directory, name, directory, directory, name, directory, directory);
    return ORR_EXIT_OK;
}

static const struct orr_option new_options[] = {
    { "from", 'f', "TEMPLATE", "what to start from (default: steps)", false },
    { "directory", 'd', "DIR", "where to write; it must not be there (default: NAME)",
      false },
    { "list", 'l', NULL, "list the templates", false },
    { 0 },
};

const struct orr_command_entry orri_new = {
    .name = "new",
    .arguments = "NAME",
    .summary = "write a workflow, its tests and a job to start from",
    .details =
        "Writes NAME/NAME.yaml and NAME/job.yaml, which pass their tests as they "
        "are.",
    .options = new_options,
    .least = 0,
    .most = 1,
    .run = new_main,
};
