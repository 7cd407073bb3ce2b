/* job.c - a job file and its workflow: every request's inputs, complete and typed
 * Owns: the job, its graph, the values of the requests. */
#include "graph/internal.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

struct builder {
    struct orri_compile c; /* values go to the job's arena */
    struct orr_job *job;
    const struct orr_record_type *inputs;
    const struct orr_model_job *model; /* NULL: the file is the workflow itself */
    const struct orr_setting *settings;
    size_t n_settings;
    const char *directory;         /* of the job file */
    struct orr_value *settings_of; /* per input: the value of --set; */
    bool *is_set;
    bool *is_tried;   /* --set names it, with a good value or not */
    bool unclear;     /* which inputs are given: no word about missing ones */
    const char *only; /* number of the one request that is wanted; NULL: all are */
    struct orr_record **requests;
    size_t n, cap;
};

static const struct orr_type *input_type(const struct builder *b, uint32_t i)
{
    return b->inputs->fields[i].type;
}

static uint32_t find_input(struct builder *b, orr_model_leaf key)
{
    const char **names = orr_alloc(b->inputs->n_fields, sizeof *names);
    for (uint32_t i = 0; i < b->inputs->n_fields; i++)
        names[i] = b->inputs->fields[i].name;
    uint32_t found =
        orri_find(&b->c, key, "input", "E0501", names, b->inputs->n_fields);
    free(names);
    return found;
}

/* ---- --set NAME=VALUE ---- */

static void take_setting(struct builder *b, const struct orr_setting *setting)
{
    if (strcmp(setting->name, ORR_SETTING_REQUEST) == 0) {
        b->only = setting->value;
        return;
    }
    const char *place = orr_arena_printf(&b->c.diags->arena, "--set %s", setting->name);
    const char *directory = setting->directory ? setting->directory : ".";
    struct orr_yaml_node name = { .kind = ORR_YAML_SCALAR,
                                  .text = setting->name,
                                  .length = strlen(setting->name),
                                  .at = { .file = place } };
    uint32_t input = find_input(b, &name);
    if (input == ORR_NONE)
        return;
    b->is_tried[input] = true;
    bool text = input_type(b, input)->kind == ORR_KIND_STRING ||
                input_type(b, input)->kind == ORR_KIND_PATH;
    struct orr_yaml_document *document = NULL;
    if (text) { /* as it stands: the shell has had its quotes already */
        name.text = setting->value;
        name.length = strlen(setting->value);
        name.style = ORR_YAML_SINGLE;
        b->is_set[input] = orri_data(&b->c, &name, input_type(b, input), directory,
                                     &b->settings_of[input]);
        return;
    }
    if (setting->value[strspn(setting->value, " \t\n")] == '\0') {
        struct orr_text type = ORR_TEXT_INIT;
        orr_type_print(input_type(b, input), &type);
        orr_diag_error(b->c.diags, name.at, "E0404",
                       "%s is expected, but the value is empty", type.s);
        if (input_type(b, input)->optional)
            orr_diag_hint(b->c.diags, "null stands for nothing");
        orr_text_release(&type);
        return;
    }
    document =
        orr_yaml_parse(place, setting->value, strlen(setting->value), b->c.diags);
    if (!document)
        return;
    b->c.document = document;
    b->is_set[input] = orri_data(&b->c, document->root, input_type(b, input), directory,
                                 &b->settings_of[input]);
    b->c.document = NULL;
    orr_yaml_free(document);
}

/* ---- requests ---- */

/* Inputs named in `mapping` into the record; what is there already is replaced. */
static bool fill(struct builder *b, orr_model_leaf mapping, struct orr_record *record,
                 bool *given)
{
    bool good = true;
    for (uint32_t i = 0; mapping && i < mapping->n; i++) {
        uint32_t input = find_input(b, mapping->keys[i]);
        if (input == ORR_NONE) {
            good = false;
            continue;
        }
        good &= orri_data(&b->c, mapping->items[i], input_type(b, input), b->directory,
                          &record->fields[input]);
        given[input] = true;
    }
    return good;
}

static void complete(struct builder *b, struct orr_record *record, bool *given,
                     struct orr_span at)
{
    for (uint32_t i = 0; i < b->inputs->n_fields; i++) {
        const struct orr_expr *fallback = b->job->graph->input_defaults[i];
        if (b->is_set[i])
            record->fields[i] = b->settings_of[i];
        else if (!given[i] && fallback)
            (void)orr_expr_eval(fallback, NULL, &b->job->arena, &record->fields[i],
                                NULL);
        else if (!given[i] && !b->is_tried[i] && !b->unclear) {
            orr_diag_error(b->c.diags, at, "E0502", "input '%s' (%s) is missing",
                           b->inputs->fields[i].name,
                           b->inputs->fields[i].doc ? b->inputs->fields[i].doc
                                                    : "no default");
            orr_diag_hint(b->c.diags, "give it %s--set %s=VALUE",
                          b->model ? "under 'inputs' of the job, or with " : "with ",
                          b->inputs->fields[i].name);
        }
    }
}

static void add_request(struct builder *b, struct orr_record *record, bool *given,
                        struct orr_span at)
{
    complete(b, record, given, at);
    if (b->n == ORRI_REQUESTS_MAX)
        orr_diag_error(b->c.diags, at, "E0503", "a run holds at most %d requests",
                       ORRI_REQUESTS_MAX);
    if (b->n >= ORRI_REQUESTS_MAX)
        return;
    b->requests = orr_grow(b->requests, b->n, &b->cap, sizeof *b->requests);
    b->requests[b->n++] = record;
}

/* A fresh record with the job's common inputs. */
static struct orr_record *common(struct builder *b, bool *given, bool *good)
{
    struct orr_record *record = orr_record_new(&b->job->arena, b->inputs);
    *good = fill(b, b->model ? b->model->inputs : NULL, record, given);
    return record;
}

static struct orr_record *copy_of(struct builder *b, const struct orr_record *from)
{
    struct orr_record *record = orr_record_new(&b->job->arena, b->inputs);
    if (b->inputs->n_fields)
        memcpy(record->fields, from->fields,
               b->inputs->n_fields * sizeof *record->fields);
    return record;
}

static void add_listed(struct builder *b, const struct orr_record *base,
                       const bool *given)
{
    orr_model_leaf requests = b->model->requests;
    size_t n = b->inputs->n_fields;
    bool *own = orr_alloc(n, sizeof *own);
    if (requests->n == 0)
        orr_diag_error(b->c.diags, requests->at, "E0504",
                       "the list of requests is empty");
    for (uint32_t i = 0; i < requests->n; i++) {
        struct orr_record *record = copy_of(b, base);
        if (n)
            memcpy(own, given, n * sizeof *own);
        if (fill(b, requests->items[i], record, own))
            add_request(b, record, own, requests->items[i]->at);
    }
    free(own);
}

/* One axis of a sweep. */
struct axis {
    uint32_t input;
    const struct orr_list *values;
};

static bool read_axis(struct builder *b, orr_model_leaf key, orr_model_leaf node,
                      struct axis *axis)
{
    struct orr_type list = { .kind = ORR_KIND_LIST };
    struct orr_value v = orr_null();
    axis->input = find_input(b, key);
    if (axis->input == ORR_NONE)
        return false;
    list.element = input_type(b, axis->input);
    if (node->kind != ORR_YAML_SEQUENCE || node->n == 0) {
        orr_diag_error(b->c.diags, node->at, "E0505",
                       "a sweep gives a list of values for '%s', at least one",
                       key->text);
        return false;
    }
    if (!orri_data(&b->c, node, &list, b->directory, &v))
        return false;
    axis->values = v.as.list;
    return true;
}

/* The product of all axes, the last one fastest. */
static void add_product(struct builder *b, const struct axis *axes, uint32_t n,
                        const struct orr_record *base, bool *given)
{
    uint64_t total = 1;
    for (uint32_t i = 0; i < n && total <= ORRI_REQUESTS_MAX; i++) {
        total *= axes[i].values->n;
        given[axes[i].input] = true;
    }
    if (total > ORRI_REQUESTS_MAX) {
        orr_diag_error(b->c.diags, b->model->sweep->at, "E0503",
                       "the sweep gives more than the %d requests that a run holds",
                       ORRI_REQUESTS_MAX);
        return;
    }
    for (uint64_t k = 0; k < total; k++) {
        struct orr_record *record = copy_of(b, base);
        uint64_t rest = k;
        for (uint32_t i = n; i-- > 0; rest /= axes[i].values->n)
            record->fields[axes[i].input] =
                axes[i].values->items[rest % axes[i].values->n];
        add_request(b, record, given, b->model->sweep->at);
    }
}

static void add_sweep(struct builder *b, const struct orr_record *base, bool *given)
{
    orr_model_leaf sweep = b->model->sweep;
    struct axis *axes = orr_alloc(sweep->n, sizeof *axes);
    bool good = true;
    if (sweep->n == 0)
        orr_diag_error(b->c.diags, sweep->at, "E0505", "the sweep names no input");
    for (uint32_t i = 0; i < sweep->n; i++)
        good &= read_axis(b, sweep->keys[i], sweep->items[i], &axes[i]);
    if (good && sweep->n)
        add_product(b, axes, sweep->n, base, given);
    free(axes);
}

static void build_requests(struct builder *b)
{
    bool *given = orr_alloc(b->inputs->n_fields, sizeof *given);
    bool good = true;
    struct orr_record *base = common(b, given, &good);
    struct orr_span at = { .file = b->job->file };
    if (b->model)
        at = b->model->inputs ? b->model->inputs->at : b->model->head.node->at;
    if (b->model)
        b->unclear = (b->model->requests && b->model->sweep) ||
                     orri_written(&b->model->head, "inputs requests sweep") >
                         (b->model->inputs != NULL) + (b->model->requests != NULL) +
                             (b->model->sweep != NULL);
    if (b->model && b->model->requests && b->model->sweep)
        orr_diag_error(b->c.diags, b->model->sweep->at, "E0506",
                       "a job has either requests or a sweep, not both");
    if (b->model && b->model->requests)
        add_listed(b, base, given);
    if (b->model && b->model->sweep)
        add_sweep(b, base, given);
    else if (good && !(b->model && b->model->requests))
        add_request(b, base, given, at);
    free(given);
}

/* ---- --request N ---- */

static void pick_request(struct builder *b)
{
    char *end = NULL;
    unsigned long number = strtoul(b->only, &end, 10);
    if (end != b->only && !*end && number < b->n) {
        b->requests[0] = b->requests[number];
        b->n = 1;
    } else if (!b->c.diags->errors) { /* else their number is not known */
        const char *place =
            orr_arena_printf(&b->c.diags->arena, "%s %s", ORR_SETTING_REQUEST, b->only);
        orr_diag_error(b->c.diags, (struct orr_span) { .file = place }, NULL,
                       "there is no such request: the job has %zu, counted from 0",
                       b->n);
    }
}

static void keep_requests(struct builder *b)
{
    if (b->only)
        pick_request(b);
    struct orr_value *requests =
        orr_arena_alloc(&b->job->arena, (b->n + 1) * sizeof *requests);
    for (size_t i = 0; i < b->n; i++)
        requests[i] = orr_value_of_record(b->requests[i]);
    b->job->requests = requests;
    b->job->n_requests = (uint32_t)b->n;
    free(b->requests);
}

/* ---- the slurm block ---- */

static void keep_slurm(struct builder *b)
{
    orr_model_leaf slurm = b->model ? b->model->slurm : NULL;
    uint32_t n = slurm ? slurm->n : 0;
    const char **names = orr_arena_alloc(&b->job->arena, (n + 1) * sizeof *names);
    const char **values = orr_arena_alloc(&b->job->arena, (n + 1) * sizeof *values);
    for (uint32_t i = 0; i < n; i++) {
        if (slurm->items[i]->kind != ORR_YAML_SCALAR)
            orr_diag_error(b->c.diags, slurm->items[i]->at, "E0303",
                           "'%s' must be a single value", slurm->keys[i]->text);
        else if (strpbrk(slurm->items[i]->text, "\n\r") ||
                 strpbrk(slurm->keys[i]->text, " \n\r="))
            orr_diag_error(b->c.diags, slurm->keys[i]->at, "E0507",
                           "a slurm option is one line, its name without spaces");
        names[i] = orr_arena_strdup(&b->job->arena, slurm->keys[i]->text);
        values[i] = slurm->items[i]->kind == ORR_YAML_SCALAR
                        ? orr_arena_strdup(&b->job->arena, slurm->items[i]->text)
                        : "";
    }
    b->job->slurm_names = names;
    b->job->slurm_values = values;
    b->job->n_slurm = n;
}

/* ---- the whole ---- */

static void build(struct builder *b)
{
    size_t n = 0;
    b->inputs = b->job->graph->facts[0].record;
    n = b->inputs->n_fields;
    b->settings_of = orr_alloc(n, sizeof *b->settings_of);
    b->is_set = orr_alloc(n, sizeof *b->is_set);
    b->is_tried = orr_alloc(n, sizeof *b->is_tried);
    for (size_t i = 0; i < b->n_settings; i++)
        take_setting(b, &b->settings[i]);
    b->c.document = b->model ? b->model->document : NULL;
    build_requests(b);
    keep_requests(b);
    keep_slurm(b);
    free(b->settings_of);
    free(b->is_set);
    free(b->is_tried);
}

/* Does the text look like a workflow file? Findings are not wanted here. */
static bool is_workflow(const char *path, const struct orr_text *text)
{
    struct orr_diags quiet = { 0 };
    struct orr_yaml_document *document =
        orr_yaml_parse(path, text->s ? text->s : "", text->length, &quiet);
    bool workflow = document && document->root->kind == ORR_YAML_MAPPING &&
                    !orr_yaml_find(document->root, "job") &&
                    (orr_yaml_find(document->root, "rules") ||
                     orr_yaml_find(document->root, "steps") ||
                     orr_yaml_find(document->root, "functions"));
    orr_yaml_free(document);
    orr_diags_release(&quiet);
    return workflow;
}

static void compile_as_workflow(struct builder *b, const struct orr_text *text,
                                const struct orr_sources *sources,
                                const struct orr_registry *registry)
{
    b->job->graph =
        orri_compile_text(b->job->file, text, sources, registry, NULL, b->c.diags);
    if (!b->job->graph)
        return;
    b->job->workflow_path = orri_resolve_path(&b->job->arena, ".", b->job->file);
    b->job->name = b->job->graph->name;
    build(b);
}

static void compile_as_job(struct builder *b, const struct orr_text *text,
                           const struct orr_sources *sources,
                           const struct orr_registry *registry)
{
    struct orr_model_job *model = orr_model_load_job(
        b->job->file, text->s ? text->s : "", text->length, b->c.diags);
    b->model = model;
    if (model && model->name)
        orri_check_file_name(&b->c, model->name, "a job");
    if (model && model->workflow) {
        b->job->name = model->name ? orri_keep(&b->c, model->name) : "";
        b->job->workflow_path =
            orri_resolve_path(&b->job->arena, b->directory, model->workflow->text);
        size_t errors = b->c.diags->errors;
        size_t first = b->c.diags->n;
        b->job->graph =
            orr_graph_compile(b->job->workflow_path, sources, registry, b->c.diags);
        if (b->c.diags->n > first && !b->c.diags->items[first].at.line)
            b->c.diags->items[first].at = model->workflow->at;
        if (b->c.diags->errors == errors)
            build(b);
    }
    orr_model_job_free(model);
}

struct orr_job *orr_job_compile(const char *path, const struct orr_sources *sources,
                                const struct orr_setting *settings, size_t n_settings,
                                const struct orr_registry *registry,
                                struct orr_diags *diags)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    struct orr_job *job = orr_alloc(1, sizeof *job);
    char *directory = orr_path_directory(path);
    size_t first = diags->n;
    size_t errors = diags->errors;
    job->file = orr_arena_strdup(&job->arena, path);
    struct builder b = {
        .c = { .arena = &job->arena, .diags = diags, .directory = directory },
        .job = job,
        .settings = settings,
        .n_settings = n_settings,
        .directory = directory
    };
    if (sources->read(sources->context, path, &text, &err) != ORR_OK)
        orr_diag_error(diags, (struct orr_span) { .file = job->file },
                       err.code == ORR_ERR_LIMIT ? "E0107" : "E0433", "%s", err.text);
    else if (is_workflow(path, &text))
        compile_as_workflow(&b, &text, sources, registry);
    else
        compile_as_job(&b, &text, sources, registry);
    orr_text_release(&text);
    free(directory);
    orri_own_places(diags, first, job->file);
    if (diags->errors == errors)
        return job;
    orr_job_free(job);
    return NULL;
}

void orr_job_free(struct orr_job *job)
{
    if (!job)
        return;
    orr_graph_free(job->graph);
    orr_arena_release(&job->arena);
    free(job);
}
