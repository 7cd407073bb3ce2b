/* dagman.c - graphs of HTCondor's DAGMan: JOB, PARENT ... CHILD, VARS, RETRY, PRIORITY
 * Owns: the nodes' macros and the submit files while the graph is read. */
#include "import/submit.h"

#include "base/file.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRIES_MAX = 10000, PAIRS_MAX = 1000 };

/* What is known of a node beside its task; done: nothing is to be run;
 * join: it stands between many parents and many children. */
struct node {
    struct orri_macros vars;
    struct orri_submit *submit;
    const char *directory;
    uint32_t retries;
    bool done;
    bool join;
};

struct dag {
    const struct orr_import_options *options;
    struct orr_import *out;
    struct orr_diags *diags;
    struct orri_lines lines;
    struct node *nodes; /* one a task */
    size_t cap;
    struct orri_submit *submits;
};

typedef void read_record(struct dag *dag, const char *at, const char *end);

static void wrong(struct dag *dag, const char *at, const char *what)
{
    orr_diag_error(dag->diags, orri_lines_at(&dag->lines, at), NULL, "%s", what);
}

static struct orri_submit *find_submit(struct dag *dag, struct orri_word name,
                                       const char *directory)
{
    struct orr_error err = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    char *file = orri_word_copy(&dag->out->arena, name);
    char *folder = directory ? orr_path_join(dag->options->directory, directory)
                             : orr_strdup(dag->options->directory);
    char *joined = orr_path_join(folder, file);
    struct orri_submit *submit = dag->submits;
    while (submit && strcmp(submit->path, joined) != 0)
        submit = submit->next;
    if (!submit) {
        const char *path = orr_arena_strdup(&dag->out->arena, joined);
        orr_status status =
            dag->options->file(dag->options->context, path, &text, &err);
        if (status == ORR_OK)
            submit = orri_submit_read(path, &text, dag->out, dag->diags);
        else
            orr_diag_error(dag->diags, orri_lines_at(&dag->lines, name.s), NULL, "%s",
                           err.text);
        if (submit) {
            submit->next = dag->submits;
            dag->submits = submit;
        }
    }
    orr_text_release(&text);
    free(joined);
    free(folder);
    return submit;
}

/* ---- JOB NAME FILE [DIR DIRECTORY] [NOOP] [DONE] ---- */

/* What stands behind the file; false after a message. */
static bool read_job_options(struct dag *dag, const char *at, const char *end,
                             struct node *node)
{
    static const char *const options[] = { "DIR", "NOOP", "DONE", NULL };
    struct orri_word word;
    while (orri_word_next(&at, end, &word)) {
        struct orri_word value = { at, 0 };
        if (orri_word_is(word, "NOOP") || orri_word_is(word, "DONE")) {
            node->done = true;
        } else if (!orri_word_is(word, "DIR")) {
            orr_diag_error(dag->diags, orri_lines_at(&dag->lines, word.s), NULL,
                           "a JOB has no option '%.*s'", (int)word.n, word.s);
            orri_hint_near(dag->diags, word, options);
            return false;
        } else if (!orri_word_next(&at, end, &value)) {
            wrong(dag, word.s, "DIR wants a directory");
            return false;
        } else {
            node->directory = orri_word_copy(&dag->out->arena, value);
        }
    }
    return true;
}

static void read_job(struct dag *dag, const char *at, const char *end)
{
    struct orri_word name;
    struct orri_word file = { at, 0 };
    struct node node = { .retries = dag->options->retries };
    if (!orri_word_next(&at, end, &name) || !orri_word_next(&at, end, &file)) {
        wrong(dag, at, "JOB wants a name and a submit file");
        return;
    }
    if (file.s[0] == '{') {
        wrong(dag, file.s,
              "submit descriptions inside of the DAG are not supported: "
              "write it into a file");
        return;
    }
    if (!read_job_options(dag, at, end, &node))
        return;
    size_t n = dag->out->n_tasks;
    struct orr_import_task *task = orri_task_new(
        dag->out, name.s, name.n, orri_lines_at(&dag->lines, name.s), dag->diags);
    if (!task)
        return;
    if (!node.done)
        node.submit = find_submit(dag, file, node.directory);
    dag->nodes = orr_grow(dag->nodes, n, &dag->cap, sizeof *dag->nodes);
    dag->nodes[n] = node;
}

/* ---- what names nodes ---- */

/* The nodes that a word names: one, or ALL_NODES. False after a message. */
static bool find_nodes(struct dag *dag, struct orri_word word, size_t *first,
                       size_t *end)
{
    if (orri_word_is(word, "ALL_NODES")) {
        *first = 0;
        *end = dag->out->n_tasks;
        return true;
    }
    int64_t at = orri_task_need(dag->out, word.s, word.n,
                                orri_lines_at(&dag->lines, word.s), dag->diags);
    *first = at == ORRI_NONE ? 0 : (size_t)at;
    *end = *first + 1;
    return at != ORRI_NONE;
}

struct numbers {
    uint32_t *items;
    size_t n, cap;
};

/* A node of no own that waits for all of `from`: 1000 times 1000 edges become 2000. */
static void join_sides(struct dag *dag, const struct numbers *from,
                       const struct numbers *to)
{
    char id[40];
    size_t at = dag->out->n_tasks;
    int n = snprintf(id, sizeof id, "join of line %" PRIu32, dag->lines.line);
    if (!orri_task_new(dag->out, id, (size_t)n,
                       orri_lines_at(&dag->lines, dag->lines.s), dag->diags))
        return;
    dag->nodes = orr_grow(dag->nodes, at, &dag->cap, sizeof *dag->nodes);
    dag->nodes[at] = (struct node) { .join = true };
    for (size_t i = 0; i < from->n; i++)
        orri_edge(dag->out, from->items[i], (uint32_t)at);
    for (size_t i = 0; i < to->n; i++)
        orri_edge(dag->out, (uint32_t)at, to->items[i]);
}

static void link_sides(struct dag *dag, const struct numbers *from,
                       const struct numbers *to)
{
    if (from->n > 1 && to->n > 1 && from->n * to->n > PAIRS_MAX) {
        join_sides(dag, from, to);
        return;
    }
    for (size_t p = 0; p < from->n; p++)
        for (size_t c = 0; c < to->n; c++)
            orri_edge(dag->out, from->items[p], to->items[c]);
}

static void read_parents(struct dag *dag, const char *at, const char *end)
{
    struct numbers sides[2] = { { 0 }, { 0 } };
    size_t side = 0;
    struct orri_word word;
    size_t first = 0, last = 0;
    size_t named[2] = { 0, 0 };
    while (orri_word_next(&at, end, &word)) {
        if (orri_word_is(word, "CHILD") && side == 0) {
            side = 1;
            continue;
        }
        named[side]++;
        if (!find_nodes(dag, word, &first, &last))
            continue;
        for (; first < last; first++) {
            struct numbers *to = &sides[side];
            to->items = orr_grow(to->items, to->n, &to->cap, sizeof *to->items);
            to->items[to->n++] = (uint32_t)first;
        }
    }
    if (named[0] == 0 || named[1] == 0)
        wrong(dag, end, "PARENT wants nodes, then CHILD and nodes");
    link_sides(dag, &sides[0], &sides[1]);
    free(sides[0].items);
    free(sides[1].items);
}

/* NAME N [UNLESS-EXIT N] */
static void read_retry(struct dag *dag, const char *at, const char *end)
{
    struct orri_word name;
    struct orri_word times = { at, 0 };
    size_t first = 0, last = 0;
    int64_t n = 0;
    if (!orri_word_next(&at, end, &name) || !orri_word_next(&at, end, &times) ||
        !orri_word_number(times, 0, RETRIES_MAX, &n)) {
        wrong(dag, times.s, "RETRY wants a node and a number");
        return;
    }
    struct orri_word more = orri_word_rest(at, end);
    if (more.n)
        wrong(dag, more.s,
              "UNLESS-EXIT is not supported: an error handler of the "
              "workflow can do it");
    else if (find_nodes(dag, name, &first, &last))
        for (; first < last; first++)
            dag->nodes[first].retries = (uint32_t)n;
}

static void read_priority(struct dag *dag, const char *at, const char *end)
{
    struct orri_word name;
    struct orri_word word = { at, 0 };
    size_t first = 0, last = 0;
    int64_t n = 0;
    if (!orri_word_next(&at, end, &name) || !orri_word_next(&at, end, &word) ||
        !orri_word_number(word, INT32_MIN, INT32_MAX, &n)) {
        wrong(dag, word.s, "PRIORITY wants a node and a number");
        return;
    }
    if (!find_nodes(dag, name, &first, &last))
        return;
    dag->out->has_priority = true;
    for (; first < last; first++)
        dag->out->tasks[first].priority = n;
}

/* ---- VARS NAME [PREPEND|APPEND] MACRO="VALUE"... ---- */

/* MACRO="VALUE", with \" and \\ inside. False after a message. */
static bool next_var(struct dag *dag, const char **at, const char *end,
                     struct orri_word *name, char **value)
{
    struct orri_word rest = orri_word_rest(*at, end);
    const char *s = rest.s;
    struct orr_text text = ORR_TEXT_INIT;
    while (s < end && (isalnum((unsigned char)*s) || strchr("_+.", *s)))
        s++;
    *name = (struct orri_word) { rest.s, (size_t)(s - rest.s) };
    while (s < end && (*s == ' ' || *s == '\t'))
        s++;
    bool good = name->n > 0 && s < end && *s == '=';
    s += good;
    while (s < end && (*s == ' ' || *s == '\t'))
        s++;
    good = good && s < end && *s == '"';
    orr_text_append(&text, "", 0);
    for (s += good; good && s < end && *s != '"'; s++) {
        if (*s == '\\' && s + 1 < end && (s[1] == '"' || s[1] == '\\'))
            s++;
        orr_text_append(&text, s, 1);
    }
    if (!good)
        wrong(dag, rest.s, "MACRO=\"VALUE\" is expected");
    else if (s >= end)
        wrong(dag, rest.s, "the quote has no end");
    good = good && s < end;
    *value = good ? orr_arena_strndup(&dag->out->arena, text.s, text.length) : NULL;
    *at = s + 1;
    orr_text_release(&text);
    return good;
}

static void read_vars(struct dag *dag, const char *at, const char *end)
{
    struct orri_word name;
    struct orri_word word;
    size_t first = 0, last = 0;
    if (!orri_word_next(&at, end, &name)) {
        wrong(dag, at, "VARS wants a node and macros");
        return;
    }
    if (!find_nodes(dag, name, &first, &last))
        return;
    const char *after = at;
    if (orri_word_next(&after, end, &word) &&
        (orri_word_is(word, "PREPEND") || orri_word_is(word, "APPEND")))
        at = after;
    while (orri_word_rest(at, end).n) {
        struct orr_span span = orri_lines_at(&dag->lines, orri_word_rest(at, end).s);
        char *value = NULL;
        if (!next_var(dag, &at, end, &word, &value))
            return;
        const char *macro = orri_word_copy(&dag->out->arena, word);
        for (size_t i = first; i < last; i++)
            orri_macros_set(&dag->nodes[i].vars, macro, value, span);
    }
}

/* ---- records ---- */

struct record {
    const char *name;
    read_record *read;   /* NULL: `refusal` */
    const char *refusal; /* NULL: passed over, for nothing that runs depends on it */
};

static const struct record records[] = {
    { "JOB", read_job, NULL },
    { "PARENT", read_parents, NULL },
    { "VARS", read_vars, NULL },
    { "RETRY", read_retry, NULL },
    { "PRIORITY", read_priority, NULL },
    { "CONFIG", NULL, NULL },
    { "DOT", NULL, NULL },
    { "NODE_STATUS_FILE", NULL, NULL },
    { "JOBSTATE_LOG", NULL, NULL },
    { "SAVE_POINT_FILE", NULL, NULL },
    { "CATEGORY", NULL, NULL },
    { "SCRIPT", NULL, "put what it does into the executable, or make it a node" },
    { "MAXJOBS", NULL, "give the function a pool with 'max' in the workflow" },
    { "SUBDAG", NULL, "import that DAG, and call it as a workflow" },
    { "SPLICE", NULL, "write its nodes into this DAG" },
    { "CONNECT", NULL, "write PARENT and CHILD" },
    { "PIN_IN", NULL, "write PARENT and CHILD" },
    { "PIN_OUT", NULL, "write PARENT and CHILD" },
    { "INCLUDE", NULL, "put its lines here" },
    { "FINAL", NULL, "let it be a child of all others" },
    { "PROVISIONER", NULL, "resources are those that the run is started with" },
    { "SERVICE", NULL, "start it beside the run" },
    { "ABORT-DAG-ON", NULL, "orrery run --max-failures stops a run" },
    { "SUBMIT-DESCRIPTION", NULL, "write it into a file" },
    { "ENV", NULL, "put it into 'environment' of the submit files" },
    { "SET_JOB_ATTR", NULL, "there are no job attributes" },
    { "REJECT", NULL, "the file was marked as one that must not run" },
    { "DONE", NULL, "write DONE at the end of the JOB line" },
};
enum { N_RECORDS = sizeof records / sizeof *records };

static void refuse_unknown(struct dag *dag, struct orri_word word)
{
    const char *names[N_RECORDS + 1] = { NULL };
    for (size_t i = 0; i < N_RECORDS; i++)
        names[i] = records[i].name;
    orr_diag_error(dag->diags, orri_lines_at(&dag->lines, word.s), NULL,
                   "DAGMan has no '%.*s'", (int)(word.n < 100 ? word.n : 100), word.s);
    orri_hint_near(dag->diags, word, names);
}

/* Nodes first: other lines may stand before those that they name. */
static void read_line(struct dag *dag, bool jobs)
{
    const char *at = dag->lines.s;
    const char *end = at + dag->lines.n;
    struct orri_word word;
    const struct record *record = records;
    if (!orri_word_next(&at, end, &word) || word.s[0] == '#')
        return;
    while (record < records + N_RECORDS && !orri_word_is(word, record->name))
        record++;
    if (record == records + N_RECORDS) {
        if (jobs)
            refuse_unknown(dag, word);
    } else if (record->read) {
        if (jobs == (record->read == read_job))
            record->read(dag, at, end);
    } else if (record->refusal && jobs) {
        orr_diag_error(dag->diags, orri_lines_at(&dag->lines, word.s), NULL,
                       "%s is not supported: %s", record->name, record->refusal);
    }
}

static void take_node(struct dag *dag, size_t i)
{
    struct orr_import *out = dag->out;
    struct node *node = &dag->nodes[i];
    struct orri_submitted got = { 0 };
    struct orri_node view = { .name = out->tasks[i].id,
                              .number = (int64_t)i + 1,
                              .vars = &node->vars,
                              .submit = node->submit,
                              .directory = node->directory,
                              .at = out->tasks[i].at };
    if (node->done || node->join) {
        uint32_t kind = node->done ? orri_kind(out, "done", ORR_IMPORT_PASS, 1, 0)
                                   : orri_kind(out, "join", ORR_IMPORT_CHECK, 1, 0);
        orri_task_kind(out, &out->tasks[i], kind);
        return;
    }
    if (!node->submit || !orri_submit_take(&view, out, dag->diags, &got))
        return;
    out->tasks[i].command = got.command;
    out->tasks[i].memory = got.memory;
    out->has_memory = out->has_memory || got.memory;
    orri_task_kind(out, &out->tasks[i],
                   orri_kind(out, got.program, ORR_IMPORT_CALL,
                             dag->options->cores ? dag->options->cores : got.cores,
                             node->retries));
}

static void release(struct dag *dag)
{
    for (size_t i = 0; i < dag->out->n_tasks; i++)
        orri_macros_release(&dag->nodes[i].vars);
    free(dag->nodes);
    while (dag->submits) {
        struct orri_submit *next = dag->submits->next;
        orri_submit_free(dag->submits);
        dag->submits = next;
    }
}

bool orr_import_dagman(const char *file, const struct orr_text *text,
                       const struct orr_import_options *options, struct orr_import *out,
                       struct orr_diags *diags)
{
    struct dag dag = { .options = options, .out = out, .diags = diags };
    out->format = "DAGMan graph";
    if (!orri_text_good(file, text, diags))
        return false;
    for (int jobs = 1; jobs >= 0; jobs--) {
        dag.lines = orri_lines_of(file, text);
        while (orri_lines_next(&dag.lines))
            read_line(&dag, jobs);
    }
    for (size_t i = 0; i < out->n_tasks; i++)
        take_node(&dag, i);
    release(&dag);
    return orri_close(out, file, diags);
}

orr_import_reader *orr_import_dag_reader(const struct orr_text *text)
{
    struct orri_lines lines = orri_lines_of("", text);
    while (orri_lines_next(&lines)) {
        const char *at = lines.s;
        struct orri_word word;
        if (!orri_word_next(&at, lines.s + lines.n, &word))
            continue;
        if (orri_word_is(word, "TASK") || orri_word_is(word, "EDGE"))
            return orr_import_pmc;
        for (size_t i = 0; i < N_RECORDS; i++)
            if (orri_word_is(word, records[i].name))
                return orr_import_dagman;
    }
    return NULL;
}
