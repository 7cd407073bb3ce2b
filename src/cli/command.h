/* command.h - a subcommand: one file, one const entry, its options a table */
#ifndef ORR_CLI_COMMAND_H
#define ORR_CLI_COMMAND_H

#include "base/error.h"
#include "graph/graph.h"

#include <stdbool.h>
#include <stddef.h>

enum { ORR_EXIT_OK = 0, ORR_EXIT_FAILED = 1, ORR_EXIT_INPUT = 2, ORR_EXIT_MACHINE = 3 };

struct orr_option {
    const char *name;     /* long name, without dashes; NULL ends the table */
    char letter;          /* short name, or 0 */
    const char *argument; /* what the help calls its argument; NULL: a switch */
    const char *help;
    bool repeats; /* may be given several times */
};

/* What was given. */
struct orr_given {
    const struct orr_option *option;
    const char *value; /* NULL for a switch */
};

struct orr_line {
    const struct orr_command_entry *command;
    struct orr_given *given;
    size_t n_given;
    char **args;
    size_t n_args;
    int argc; /* as the program got it, to start it again */
    char **argv;
};

struct orr_command_entry {
    const char *name;
    const char *arguments; /* "JOB", "RUN [TABLE]" */
    const char *summary;   /* one line */
    const char *details;   /* paragraphs, or NULL */
    const struct orr_option *options;
    size_t least; /* arguments */
    size_t most;
    int (*run)(const struct orr_line *line);
};

/* The value of the last time an option was given, or NULL; "" for a switch. */
const char *orri_option(const struct orr_line *line, const char *name);
bool orri_has(const struct orr_line *line, const char *name);
/* A number within bounds, or `fallback` when the option was not given. False after a
 * message on standard error. */
bool orri_number(const struct orr_line *line, const char *name, long least, long most,
                 long fallback, long *out);

/* Print "orrery: error: TEXT" with its place, and return its exit code. */
int orri_complain(const struct orr_error *err);

extern const struct orr_command_entry orri_validate, orri_plan, orri_run, orri_resume,
    orri_status, orri_ls, orri_cat, orri_export, orri_why, orri_functions, orri_explain,
    orri_schema, orri_reference, orri_topo, orri_bench, orri_test, orri_fmt, orri_new,
    orri_verify, orri_compact, orri_cache, orri_import, orri_simulate, orri_submit,
    orri_cancel, orri_logs, orri_join;

/* The same of a file that was not read yet. */
bool orri_is_job(const char *path);

/* Everything that `use:` may name. */
const struct orr_registry *orri_registry(void);

/* Files read by the compiler, kept for messages and for other ranks. */
struct orri_texts {
    struct {
        char *path;
        struct orr_text text;
    } * items;
    size_t n;
    bool closed; /* only what is there: no disk (other ranks) */
};
struct orr_sources orri_texts_sources(struct orri_texts *texts);
/* Hand over a text as the file `path`; takes it. */
void orri_texts_give(struct orri_texts *texts, const char *path, struct orr_text *text);
/* Does the file say `job:` at its top level? A workflow does not. */
bool orri_texts_is_job(struct orri_texts *texts, const char *path);
/* The text of a file that was read, or NULL; for orr_diags_render(). */
const char *orri_texts_find(void *texts, const char *path);
void orri_texts_release(struct orri_texts *texts);
/* Names of files below the working directory as people write them. */
void orri_short_places(struct orr_diags *diags);
/* Print findings; returns true when there are errors. */
bool orri_print_findings(struct orr_diags *diags, struct orri_texts *texts, bool quiet);
/* The settings of --set options; false after a message. */
bool orri_settings(const struct orr_line *line, struct orr_setting **out, size_t *n);
void orri_settings_free(struct orr_setting *settings, size_t n);

#endif
