/* wfcommons.c - traces of github.com/wfcommons/WfInstances, WfFormat 1.0 to 1.6
 * Up to 1.4 a task is one object and names others by their names; from 1.5 on there are
 * a specification and an execution, and ids. The only JSON reader of this folder. */
#include "import/internal.h"

#include "base/hash.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CORES_MAX = 100000, IDS_SHOWN = 100, PLACES_MAX = 50 };
static const double seconds_max = 1e9; /* what a duration holds is nine times that */

struct trace {
    const struct orr_import_options *options;
    struct orr_import *out;
    struct orr_diags *diags;
    const char *file;
    const struct orr_text *text;
    bool split;             /* 1.5: specification and execution */
    json_t *tasks;          /* array of objects */
    struct orr_map sizes;   /* hash of a file's id to bytes */
    struct orr_map aliases; /* hash of a task's name to its number plus 1 */
    int places;             /* looked for so far */
};

/* ---- places: jansson has none, so the first line that holds the quoted id; for the
 * first mistakes only, because each takes a look at the whole file ---- */

static struct orr_span place_of(struct trace *t, const char *id)
{
    struct orr_span at = { .file = t->file };
    if (t->places++ >= PLACES_MAX)
        return at;
    struct orr_text quoted = ORR_TEXT_INIT;
    orr_text_json(&quoted, id, strlen(id));
    const char *found = memmem(t->text->s, t->text->length, quoted.s, quoted.length);
    orr_text_release(&quoted);
    if (!found)
        return at;
    at.line = at.column = 1;
    for (const char *c = t->text->s; c < found; c++)
        if (*c == '\n') {
            at.line++;
            at.column = 1;
        } else {
            at.column += ((unsigned char)*c & 0xC0) != 0x80;
        }
    return at;
}

static void wrong(struct trace *t, const char *id, const char *what)
{
    orr_diag_error(t->diags, place_of(t, id), NULL, "task '%.*s': %s", IDS_SHOWN, id,
                   what);
}

/* ---- members ---- */

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* The first of two keys that is there, as a number that makes sense, else 0; `unit` is
 * that of the second. */
static double number_of(struct trace *t, const char *id, const json_t *object,
                        const char *keys[2], double unit)
{
    const json_t *value = json_object_get(object, keys[0]);
    double v = json_number_value(value);
    if (!value && keys[1]) {
        value = json_object_get(object, keys[1]);
        v = json_number_value(value) * unit;
    }
    if (!value || json_is_null(value))
        return 0;
    if (json_is_number(value) && v >= 0 && v < 9e18)
        return v;
    orr_diag_error(t->diags, place_of(t, id), NULL,
                   "task '%.*s': '%s' must be a number, 0 or more", IDS_SHOWN, id,
                   keys[0]);
    return 0;
}

/* A list of texts, or nothing. False after a message. */
static bool is_text_list(struct trace *t, const char *id, const json_t *object,
                         const char *key)
{
    const json_t *list = json_object_get(object, key);
    bool good = !list || json_is_array(list);
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) good = good && json_is_string(item);
    if (!good)
        orr_diag_error(t->diags, place_of(t, id), NULL,
                       "task '%.*s': '%s' must be a list of texts", IDS_SHOWN, id, key);
    return good;
}

/* ---- categories ---- */

/* What is left of a name without the number of the task: blastall_ID000002, cpuhog_7,
 * FASTQC (sample 3). */
static const char *category_of(struct trace *t, const json_t *task, const char *name)
{
    const char *given = text_of(task, "category");
    if (given && *given)
        return given;
    size_t n = strlen(name);
    const char *bracket = strstr(name, " (");
    if (bracket && bracket > name)
        return orr_arena_strndup(&t->out->arena, name, (size_t)(bracket - name));
    size_t end = n;
    while (end && isdigit((unsigned char)name[end - 1]))
        end--;
    if (end < n && end >= 2 && memcmp(name + end - 2, "ID", 2) == 0)
        end -= 2;
    if (end < n && end >= 2 && (name[end - 1] == '_' || name[end - 1] == '-'))
        return orr_arena_strndup(&t->out->arena, name, end - 1);
    return name;
}

/* ---- commands ---- */

/* Program and arguments, with blanks between: as they were recorded, they hold what is
 * meant for a shell (2> FILE). NULL when there are none. */
static const char *command_of(struct trace *t, const char *id, const json_t *task)
{
    const json_t *command = json_object_get(task, "command");
    const char *program = text_of(command, "program");
    struct orr_text line = ORR_TEXT_INIT;
    size_t i;
    json_t *argument;
    if (!program || !*program || !is_text_list(t, id, command, "arguments"))
        return NULL;
    orr_text_puts(&line, program);
    json_array_foreach(json_object_get(command, "arguments"), i, argument)
        orr_text_printf(&line, " %s", json_string_value(argument));
    const char *kept = orr_arena_strdup(&t->out->arena, line.s);
    orr_text_release(&line);
    return kept;
}

/* ---- files ---- */

static void read_sizes(struct trace *t, const json_t *files)
{
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file)
    {
        const char *id = text_of(file, "id");
        bool fresh = false;
        double bytes = json_number_value(json_object_get(file, "sizeInBytes"));
        if (id && bytes > 0 && bytes < 9e18)
            *orr_map_insert(&t->sizes, orr_hash64(id, strlen(id), 0), &fresh) =
                (uint64_t)bytes;
    }
}

static int64_t sum_sizes(const struct trace *t, const json_t *ids)
{
    double sum = 0;
    size_t i;
    json_t *id;
    json_array_foreach(ids, i, id)
    {
        const char *s = json_string_value(id);
        const uint64_t *bytes =
            s ? orr_map_find(&t->sizes, orr_hash64(s, strlen(s), 0)) : NULL;
        sum += bytes ? (double)*bytes : 0;
    }
    return sum < 9e18 ? (int64_t)sum : INT64_MAX;
}

/* Up to 1.4 the files are in the task itself. */
static void sum_own_files(const json_t *files, struct orr_import_task *task)
{
    double sums[2] = { 0, 0 };
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file)
    {
        const char *link = text_of(file, "link");
        double bytes = json_number_value(json_object_get(file, "sizeInBytes"));
        if (!json_object_get(file, "sizeInBytes"))
            bytes = json_number_value(json_object_get(file, "size"));
        if (bytes > 0)
            sums[link && strcmp(link, "input") == 0 ? 0 : 1] += bytes;
    }
    task->read = sums[0] < 9e18 ? (int64_t)sums[0] : INT64_MAX;
    task->written = sums[1] < 9e18 ? (int64_t)sums[1] : INT64_MAX;
}

/* ---- tasks ---- */

static uint32_t cores_of(struct trace *t, const char *id, const json_t *ran)
{
    const char *keys[2] = { "coreCount", "cores" };
    double cores = ceil(number_of(t, id, ran, keys, 1));
    if (t->options->cores)
        return t->options->cores;
    if (cores > CORES_MAX)
        wrong(t, id, "so many cores no node has");
    return cores >= 1 && cores <= CORES_MAX ? (uint32_t)cores : 1;
}

static void take_execution(struct trace *t, const json_t *ran, const char *base,
                           struct orr_import_task *task)
{
    const char *runtime[2] = { "runtimeInSeconds", "runtime" };
    const char *memory[2] = { "memoryInBytes", "memory" };
    bool timed = json_object_get(ran, runtime[0]) || json_object_get(ran, runtime[1]);
    uint32_t cores = cores_of(t, task->id, ran);
    task->seconds = number_of(t, task->id, ran, runtime, 1);
    task->memory = (int64_t)number_of(t, task->id, ran, memory, 1000);
    task->command = t->options->commands ? command_of(t, task->id, ran) : NULL;
    t->out->has_memory = t->out->has_memory || task->memory;
    t->out->has_sizes = t->out->has_sizes || task->read || task->written;
    if (task->seconds > seconds_max)
        wrong(t, task->id, "it ran for more than 30 years");
    if (!timed && !t->options->commands)
        wrong(t, task->id, "its time is not recorded: there is no 'runtimeInSeconds'");
    if (!task->command && t->options->commands)
        wrong(t, task->id, "its command is not recorded");
    orri_task_kind(
        t->out, task,
        orri_kind(t->out, base, ORR_IMPORT_CALL, cores, t->options->retries));
}

static void add_alias(struct trace *t, const char *name)
{
    bool fresh = false;
    uint64_t *slot =
        orr_map_insert(&t->aliases, orr_hash64(name, strlen(name), 0), &fresh);
    if (fresh)
        *slot = t->out->n_tasks;
}

static void read_task(struct trace *t, const json_t *item, size_t index)
{
    const char *name = text_of(item, "name");
    const char *id = text_of(item, t->split ? "id" : "name");
    if (!id || !*id || strlen(id) > ORRI_COMMAND_MAX) {
        orr_diag_error(t->diags, (struct orr_span) { .file = t->file }, NULL,
                       "task %zu of the list has no '%s'", index + 1,
                       t->split ? "id" : "name");
        return;
    }
    struct orr_span at = { .file = t->file };
    if (orri_task_find(t->out, id, strlen(id)) != ORRI_NONE)
        at = place_of(t, id);
    struct orr_import_task *task = orri_task_new(t->out, id, strlen(id), at, t->diags);
    if (!task)
        return;
    if (!t->split && text_of(item, "id"))
        add_alias(t, text_of(item, "id"));
    if (t->split && is_text_list(t, id, item, "inputFiles") &&
        is_text_list(t, id, item, "outputFiles")) {
        task->read = sum_sizes(t, json_object_get(item, "inputFiles"));
        task->written = sum_sizes(t, json_object_get(item, "outputFiles"));
    }
    if (t->split)
        return;
    sum_own_files(json_object_get(item, "files"), task);
    take_execution(t, item, category_of(t, item, name), task);
}

/* What was recorded of the tasks (1.5); all of them must be there. */
static void read_execution(struct trace *t, const json_t *ran)
{
    size_t i;
    json_t *item;
    if (!json_is_array(ran)) {
        orr_diag_error(t->diags, (struct orr_span) { .file = t->file }, NULL,
                       "there is no 'workflow.execution.tasks': times and commands are "
                       "not recorded");
        return;
    }
    json_array_foreach(ran, i, item)
    {
        const char *id = text_of(item, "id");
        int64_t at = id ? orri_task_find(t->out, id, strlen(id)) : ORRI_NONE;
        if (at == ORRI_NONE) {
            wrong(t, id ? id : "", "it ran, but 'specification' does not name it");
            continue;
        }
        struct orr_import_task *task = &t->out->tasks[at];
        const json_t *spec = json_array_get(t->tasks, (size_t)at);
        const char *name = text_of(spec, "name");
        if (task->kind != UINT32_MAX)
            wrong(t, id, "it is there twice in 'execution'");
        else
            take_execution(t, item, category_of(t, spec, name ? name : id), task);
    }
    for (size_t n = 0; n < t->out->n_tasks; n++)
        if (t->out->tasks[n].kind == UINT32_MAX)
            wrong(t, t->out->tasks[n].id, "'execution' says nothing of it");
}

/* ---- edges ---- */

static void read_links(struct trace *t, uint32_t task, const json_t *item,
                       const char *key, bool parents)
{
    const char *id = t->out->tasks[task].id;
    size_t i;
    json_t *other;
    if (!is_text_list(t, id, item, key))
        return;
    json_array_foreach(json_object_get(item, key), i, other)
    {
        const char *name = json_string_value(other);
        int64_t at = orri_task_find(t->out, name, strlen(name));
        const uint64_t *alias =
            at == ORRI_NONE
                ? orr_map_find(&t->aliases, orr_hash64(name, strlen(name), 0))
                : NULL;
        if (alias)
            at = (int64_t)*alias - 1;
        if (at == ORRI_NONE)
            at = orri_task_need(t->out, name, strlen(name), place_of(t, id), t->diags);
        if (at != ORRI_NONE && parents)
            orri_edge(t->out, (uint32_t)at, task);
        else if (at != ORRI_NONE)
            orri_edge(t->out, task, (uint32_t)at);
    }
}

static void read_all(struct trace *t, const json_t *workflow)
{
    const json_t *spec = json_object_get(workflow, "specification");
    size_t i;
    json_t *item;
    if (t->split)
        read_sizes(t, json_object_get(spec, "files"));
    json_array_foreach(t->tasks, i, item) read_task(t, item, i);
    if (t->diags->errors) /* numbers of tasks and of items may differ now */
        return;
    if (t->split)
        read_execution(
            t, json_object_get(json_object_get(workflow, "execution"), "tasks"));
    json_array_foreach(t->tasks, i, item)
    {
        read_links(t, (uint32_t)i, item, "parents", true);
        read_links(t, (uint32_t)i, item, "children", false);
    }
}

/* ---- the file ---- */

static json_t *parse(struct trace *t)
{
    json_error_t problem;
    json_t *root = json_loadb(t->text->s, t->text->length, 0, &problem);
    struct orr_span at = { .file = t->file };
    if (root)
        return root;
    if (problem.line > 0) {
        at.line = (uint32_t)problem.line;
        at.column = problem.column > 0 ? (uint32_t)problem.column : 1;
    }
    orr_diag_error(t->diags, at, NULL, "not JSON: %s", problem.text);
    return NULL;
}

static bool version_is_known(struct trace *t, const json_t *root)
{
    static const char *const known[] = { "1.0", "1.1", "1.2", "1.3",
                                         "1.4", "1.5", "1.6", NULL };
    const char *version = text_of(root, "schemaVersion");
    for (size_t i = 0; version && known[i]; i++)
        if (strcmp(known[i], version) == 0) {
            t->split = i >= 5;
            return true;
        }
    if (version)
        orr_diag_error(t->diags, place_of(t, version), NULL,
                       "WfFormat %.*s is not known: 1.0 to 1.6 are", IDS_SHOWN,
                       version);
    else
        orr_diag_error(t->diags, (struct orr_span) { .file = t->file }, NULL,
                       "no WfFormat file: there is no 'schemaVersion'");
    return false;
}

static void read_root(struct trace *t, const json_t *root)
{
    const json_t *workflow = json_object_get(root, "workflow");
    const char *where = "workflow.tasks";
    if (!version_is_known(t, root))
        return;
    t->tasks = json_object_get(workflow, "tasks");
    if (!t->split && !t->tasks)
        t->tasks = json_object_get(workflow, "jobs"); /* up to 1.2 */
    if (t->split) {
        where = "workflow.specification.tasks";
        t->tasks = json_object_get(json_object_get(workflow, "specification"), "tasks");
    }
    if (!json_is_array(t->tasks))
        orr_diag_error(t->diags, (struct orr_span) { .file = t->file }, NULL,
                       "'%s' is no list of tasks", where);
    else
        read_all(t, workflow);
}

bool orr_import_wfcommons(const char *file, const struct orr_text *text,
                          const struct orr_import_options *options,
                          struct orr_import *out, struct orr_diags *diags)
{
    struct trace t = {
        .options = options, .out = out, .diags = diags, .file = file, .text = text
    };
    out->format = "WfCommons trace";
    out->has_seconds = true;
    if (!orri_text_good(file, text, diags))
        return false;
    json_t *root = parse(&t);
    if (!root)
        return false;
    read_root(&t, root);
    json_decref(root);
    orr_map_release(&t.sizes);
    orr_map_release(&t.aliases);
    return diags->errors == 0 && orri_close(out, file, diags);
}
