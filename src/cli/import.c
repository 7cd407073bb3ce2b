/* import.c - orrery import: what users bring along becomes a workflow and a job */
#include "import/import.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "model/format.h"
#include "yaml/node.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOURCE_MAX = 256 * 1024 * 1024, NAME_LENGTH = 100, NUMBER_MAX = 10000 };

struct request {
    const char *format; /* "tasks"; of a .dag file "dagman" or "pmc" */
    const char *path;
    const char *shown; /* the name for people */
    char *name;        /* of workflow, job and files */
    char *directory;   /* where the files go */
    char *base;        /* where commands run */
    bool force;
    struct orr_import_options options;
};

static int refuse(const char *what, const char *value)
{
    (void)fprintf(stderr, "orrery import: ");
    (void)fprintf(stderr, what, value);
    (void)fprintf(stderr, "\ntry 'orrery import --help'\n");
    return ORR_EXIT_INPUT;
}

/* ---- the command line ---- */

/* 30s, 1h30min, 4GiB: numbers, each with one of the units. */
static bool is_quantity(const char *text, const char *const *units)
{
    bool any = false;
    while (*text) {
        char *end = NULL;
        size_t unit = 0;
        if (!isdigit((unsigned char)*text) || strtod(text, &end) <= 0)
            return false;
        size_t letters = strspn(end, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                     "UVWXYZ");
        while (units[unit] && (strlen(units[unit]) != letters ||
                               strncmp(units[unit], end, letters) != 0))
            unit++;
        if (!units[unit])
            return false;
        text = end + letters;
        any = true;
    }
    return any;
}

static int read_limits(const struct orr_line *line, struct orr_import_options *o)
{
    static const char *const times[] = { "ms", "s", "min", "h", "d", NULL };
    static const char *const sizes[] = { "KB",  "MB",  "GB",  "TB", "KiB",
                                         "MiB", "GiB", "TiB", NULL };
    long cores = 0, retries = 0;
    if (!orri_number(line, "cores", 1, NUMBER_MAX, 0, &cores) ||
        !orri_number(line, "retries", 0, NUMBER_MAX, 0, &retries))
        return ORR_EXIT_INPUT;
    o->cores = (uint32_t)cores;
    o->retries = (uint32_t)retries;
    o->timeout = orri_option(line, "timeout");
    o->memory = orri_option(line, "memory");
    o->limit_memory = orri_has(line, "limit-memory");
    if (o->timeout && !is_quantity(o->timeout, times))
        return refuse("--timeout wants a duration, as 30min, not '%s'", o->timeout);
    if (o->memory && !is_quantity(o->memory, sizes))
        return refuse("--memory wants a size, as 4GiB, not '%s'", o->memory);
    return ORR_EXIT_OK;
}

static int read_manner(const struct orr_line *line, bool trace,
                       struct orr_import_options *o)
{
    const char *scale = orri_option(line, "time-scale");
    const char *shell = orri_option(line, "shell");
    bool sleep = orri_has(line, "sleep");
    char *end = NULL;
    o->commands = !trace || orri_has(line, "commands");
    o->time_scale = scale ? strtod(scale, &end) : 1;
    o->shell = shell ? shell : "bash";
    if (sleep && orri_has(line, "commands"))
        return refuse("--sleep and --commands exclude each other%s", "");
    if (!trace && (sleep || scale))
        return refuse("--sleep and --time-scale are for traces: only wfcommons has "
                      "times%s",
                      "");
    if (scale && o->commands)
        return refuse("--time-scale is for --sleep: commands take what they take%s",
                      "");
    if (scale &&
        (end == scale || *end || !(o->time_scale >= 0 && o->time_scale <= 1e6)))
        return refuse("--time-scale wants a number from 0 to 1000000, not '%s'", scale);
    if (o->shell[strspn(o->shell, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_./+-")] ||
        o->shell[0] == '-' || !*o->shell)
        return refuse("--shell wants the plain name of a program, not '%s'", o->shell);
    return ORR_EXIT_OK;
}

/* The name of the file without folders and what stands behind the first dot, of
 * characters that names of workflows and folders may have. */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = orr_strdup(slash ? slash + 1 : path);
    name[strcspn(name, ".")] = '\0';
    if (strlen(name) > NAME_LENGTH)
        name[NAME_LENGTH] = '\0';
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-')
            *c = '_';
    if (isalnum((unsigned char)*name))
        return name;
    free(name);
    return orr_strdup("imported");
}

static bool is_name(const char *name)
{
    size_t n = strlen(name);
    bool good = n > 0 && n <= NAME_LENGTH && isalnum((unsigned char)*name);
    for (const char *c = name; *c; c++)
        good = good && (isalnum((unsigned char)*c) || *c == '-' || *c == '_');
    return good;
}

static int find_format(const struct orr_line *line, struct request *r)
{
    static const char *const formats[] = { "wfcommons", "tasks", "dag" };
    const char *kind = orri_option(line, "format");
    const char *near = orr_text_nearest(line->args[0], formats, 3);
    r->format = NULL;
    for (size_t i = 0; i < 3; i++)
        if (strcmp(line->args[0], formats[i]) == 0)
            r->format = formats[i];
    if (!r->format) {
        (void)fprintf(stderr, "orrery import: there is no format '%s'", line->args[0]);
        if (near)
            (void)fprintf(stderr, "; did you mean '%s'?", near);
        (void)fprintf(stderr, "\nthere are: wfcommons tasks dag\n");
        return ORR_EXIT_INPUT;
    }
    if (!kind)
        return ORR_EXIT_OK;
    if (strcmp(r->format, "dag") != 0 ||
        (strcmp(kind, "dagman") != 0 && strcmp(kind, "pmc") != 0))
        return refuse("--format is dagman or pmc, and for dag only, not '%s'", kind);
    r->format = strcmp(kind, "pmc") == 0 ? "pmc" : "dagman";
    return ORR_EXIT_OK;
}

/* Where commands run: --directory, else the DAG file's, else here. */
static int find_base(const struct orr_line *line, struct request *r)
{
    const char *given = orri_option(line, "directory");
    bool list = strcmp(r->format, "tasks") == 0 || strcmp(r->format, "wfcommons") == 0;
    char *own = list ? orr_strdup(".") : orr_path_directory(r->path);
    r->base = realpath(given ? given : own, NULL);
    if (!r->base && !given)
        r->base = orr_strdup(own); /* FILE is not there either, which is said later */
    free(own);
    if (!r->base)
        return refuse("there is no directory %s", given);
    r->options.directory = r->base;
    if (orr_utf8_bad(r->base, strlen(r->base)) < strlen(r->base))
        return refuse("the name of the directory is not UTF-8: %s", r->base);
    return ORR_EXIT_OK;
}

static int read_line(const struct orr_line *line, struct request *r)
{
    const char *name = orri_option(line, "name");
    const char *output = orri_option(line, "output");
    int code = find_format(line, r);
    if (code == ORR_EXIT_OK)
        code = read_limits(line, &r->options);
    if (code == ORR_EXIT_OK)
        code = read_manner(line, strcmp(r->format, "wfcommons") == 0, &r->options);
    if (code != ORR_EXIT_OK)
        return code;
    bool standard = strcmp(line->args[1], "-") == 0;
    r->path = standard ? "/dev/stdin" : line->args[1];
    r->shown = standard ? "standard input" : line->args[1];
    r->force = orri_has(line, "force");
    if (name && !is_name(name))
        return refuse("'%s' cannot be a name: letters, digits, - and _, a letter or "
                      "digit first",
                      name);
    r->name = name ? orr_strdup(name) : name_of(standard ? line->args[0] : r->path);
    r->directory = orr_strdup(output ? output : r->name);
    return ORR_EXIT_OK;
}

/* ---- reading ---- */

static orr_status read_other(void *context, const char *path, struct orr_text *out,
                             struct orr_error *err)
{
    (void)context;
    return orr_file_read(path, ORR_YAML_BYTES, out, err);
}

/* NULL after a message. */
static orr_import_reader *reader_of(const struct request *r,
                                    const struct orr_text *text)
{
    static const struct {
        const char *format;
        orr_import_reader *read;
    } readers[] = { { "wfcommons", orr_import_wfcommons },
                    { "tasks", orr_import_list },
                    { "dagman", orr_import_dagman },
                    { "pmc", orr_import_pmc } };
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (strcmp(r->format, readers[i].format) == 0)
            return readers[i].read;
    orr_import_reader *read = orr_import_dag_reader(text);
    if (!read)
        (void)fprintf(
            stderr,
            "%s: error: no graph: no line is one of DAGMan (JOB, PARENT) or of "
            "Pegasus MPI Cluster (TASK, EDGE)\n",
            r->shown);
    return read;
}

static const char *the_text(void *context, const char *file)
{
    const struct request *r = ((void **)context)[0];
    const struct orr_text *text = ((void **)context)[1];
    return strcmp(file, r->shown) == 0 && text->length < ORR_YAML_BYTES ? text->s
                                                                        : NULL;
}

static bool read_source(struct request *r, struct orr_import *import)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_text shown = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    struct orr_diags diags = { 0 };
    if (orr_file_read(r->path, SOURCE_MAX, &text, &err) != ORR_OK) {
        (void)orri_complain(&err);
        orr_text_release(&text);
        return false;
    }
    orr_import_reader *read = reader_of(r, &text);
    bool good = read && read(r->shown, &text, &r->options, import, &diags);
    void *context[2] = { r, &text };
    orri_short_places(&diags);
    orr_diags_render(&diags, the_text, context, &shown);
    if (shown.length)
        orr_text_print(stderr, shown.s);
    orr_text_release(&shown);
    orr_text_release(&text);
    orr_diags_release(&diags);
    return good;
}

/* ---- writing ---- */

static orr_status make_directory(const struct request *r, struct orr_error *err)
{
    if (mkdir(r->directory, 0777) == 0 || (errno == EEXIST && r->force))
        return ORR_OK;
    if (errno == EEXIST)
        return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                             "%s is there already: nothing was written (--force writes "
                             "into it)",
                             r->directory);
    return orr_error_errno(err, ORR_ERR_STORE, errno, "cannot make %s", r->directory);
}

static orr_status write_one(const struct request *r, const char *suffix,
                            const struct orr_text *text, struct orr_error *err)
{
    char file[NAME_LENGTH + 20];
    (void)snprintf(file, sizeof file, "%s%s", r->name, suffix);
    char *path = orr_path_join(r->directory, file);
    orr_status status = orr_file_write(path, text->s, text->length, true, err);
    free(path);
    return status;
}

static orr_status check_size(const struct request *r, const struct orr_import *import,
                             const struct orr_text *job, struct orr_error *err)
{
    if (job->length <= ORR_YAML_BYTES && orr_import_job_nodes(import) <= ORR_YAML_NODES)
        return ORR_OK;
    return orr_error_set(
        err, ORR_ERR_INPUT, ORR_NO_SPAN,
        "%s: %zu tasks make a job file of %zu MiB and %" PRIu64
        " values; the limits are %d MiB and %d values: import it in parts",
        r->shown, import->n_tasks, (job->length + (1 << 20) - 1) >> 20,
        orr_import_job_nodes(import), ORR_YAML_BYTES >> 20, ORR_YAML_NODES);
}

/* As `orrery fmt` writes it. */
static void put_workflow(const struct request *r, const struct orr_import *import,
                         struct orr_text *out)
{
    struct orr_text rough = ORR_TEXT_INIT;
    struct orr_diags diags = { 0 };
    struct orr_error err = { 0 };
    orr_import_workflow(import, &r->options, r->name, r->shown, &rough);
    if (orr_model_format("", rough.s, rough.length, out, &diags, &err) != ORR_OK)
        ORR_BUG("a workflow that is no YAML: %s",
                diags.n ? diags.items[0].message : err.text);
    orr_diags_release(&diags);
    orr_text_release(&rough);
}

static orr_status write_both(const struct request *r, const struct orr_import *import,
                             struct orr_error *err)
{
    struct orr_text workflow = ORR_TEXT_INIT;
    struct orr_text job = ORR_TEXT_INIT;
    put_workflow(r, import, &workflow);
    orr_import_job(import, &r->options, r->name, r->shown, &job);
    orr_status status = check_size(r, import, &job, err);
    if (status == ORR_OK)
        status = make_directory(r, err);
    if (status == ORR_OK)
        status = write_one(r, ".yaml", &workflow, err);
    if (status == ORR_OK)
        status = write_one(r, ".job.yaml", &job, err);
    orr_text_release(&workflow);
    orr_text_release(&job);
    return status;
}

static void print_done(const struct request *r, const struct orr_import *import)
{
    size_t functions = 0;
    for (size_t i = 0; i < import->n_kinds; i++)
        functions +=
            import->kinds[i].role == ORR_IMPORT_CALL && import->kinds[i].n_tasks;
    size_t tasks = orr_import_calls(import);
    (void)printf("%s/%s.yaml      the workflow: %zu function%s\n"
                 "%s/%s.job.yaml  the request: %zu task%s, %zu edge%s\n\n"
                 "next:\n  orrery run %s/%s.job.yaml --dry-run\n"
                 "  orrery run %s/%s.job.yaml\n",
                 r->directory, r->name, functions, functions == 1 ? "" : "s",
                 r->directory, r->name, tasks, tasks == 1 ? "" : "s", import->n_edges,
                 import->n_edges == 1 ? "" : "s", r->directory, r->name, r->directory,
                 r->name);
}

static int import_main(const struct orr_line *line)
{
    struct request r = { .options = { .file = read_other } };
    struct orr_import import = { 0 };
    struct orr_error err = { 0 };
    int code = read_line(line, &r);
    if (code == ORR_EXIT_OK)
        code = find_base(line, &r);
    if (code == ORR_EXIT_OK && !read_source(&r, &import))
        code = ORR_EXIT_INPUT;
    if (code == ORR_EXIT_OK && write_both(&r, &import, &err) != ORR_OK)
        code = orri_complain(&err);
    if (code == ORR_EXIT_OK)
        print_done(&r, &import);
    orr_import_release(&import);
    free(r.name);
    free(r.directory);
    free(r.base);
    return code;
}

static const struct orr_option import_options[] = {
    { "output", 'o', "DIR", "where to write; it must not be there (default: NAME)",
      false },
    { "force", 0, NULL, "write into DIR although it is there", false },
    { "name", 0, "NAME", "of workflow and job (default: from FILE)", false },
    { "format", 0, "dagman|pmc", "what the .dag file is (default: what it looks like)",
      false },
    { "commands", 0, NULL, "wfcommons: run the recorded commands", false },
    { "sleep", 0, NULL, "wfcommons: wait for the recorded times (default)", false },
    { "time-scale", 0, "X", "wfcommons: that part of the recorded times", false },
    { "directory", 'C', "DIR",
      "where commands run (default: here; of dag, the file's directory)", false },
    { "shell", 0, "PROGRAM", "what runs commands, with -c (default: bash)", false },
    { "cores", 0, "N", "cores of each task (default: as FILE says, else 1)", false },
    { "memory", 0, "SIZE", "memory that each task gets, at most", false },
    { "limit-memory", 0, NULL, "limit tasks to the memory that FILE says", false },
    { "timeout", 0, "DURATION", "end a task after that", false },
    { "retries", 0, "N",
      "attempts more of failed tasks (default: as FILE says, else 0)", false },
    { 0 },
};

const struct orr_command_entry orri_import = {
    .name = "import",
    .arguments = "FORMAT FILE",
    .summary = "make a workflow and a job of existing work",
    .details =
        "FORMAT is one of\n"
        "  tasks      one shell command a line: GNU parallel, xargs, Launcher, "
        "disBatch\n"
        "  dag        a graph of HTCondor DAGMan or Pegasus MPI Cluster\n"
        "  wfcommons  a trace in WfFormat, github.com/wfcommons/WfInstances\n\n"
        "Writes DIR/NAME.yaml and DIR/NAME.job.yaml. FILE `-` is standard input.",
    .options = import_options,
    .least = 2,
    .most = 2,
    .run = import_main,
};
