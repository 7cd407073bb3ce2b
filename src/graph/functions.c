/* functions.c - functions: signatures, resources, identity
 * Hands on: what is particular to programs (command.c). */
#include "graph/internal.h"

#include <inttypes.h>
#include <string.h>

const struct orr_function *orr_registry_find(const struct orr_registry *registry,
                                             const char *name)
{
    for (size_t i = 0; registry && i < registry->n; i++)
        if (strcmp(registry->functions[i]->name, name) == 0)
            return registry->functions[i];
    return NULL;
}

/* ---- use: ---- */

static const struct orr_type *native_type(struct orri_compile *c,
                                          const struct orr_function *native,
                                          const char *text)
{
    struct orr_error err = { 0 };
    const struct orr_type *type =
        orr_type_parse(text, ORR_NO_SPAN, NULL, c->arena, &err);
    if (!type)
        ORR_BUG("function %s: %s", native->name, err.text);
    return type;
}

static void native_params(struct orri_compile *c, struct orr_graph_function *function)
{
    const struct orr_function *native = function->native;
    struct orr_record_type *record = orr_arena_alloc(c->arena, sizeof *record);
    uint32_t n = 0;
    while (native->params && native->params[n].name)
        n++;
    struct orr_field *fields = orr_arena_alloc(c->arena, (n + 1) * sizeof *fields);
    struct orr_expr **defaults = orr_arena_alloc(c->arena, (n + 1) * sizeof *defaults);
    for (uint32_t i = 0; i < n; i++) {
        const struct orr_param *param = &native->params[i];
        fields[i] = (struct orr_field) { .name = param->name,
                                         .type = native_type(c, native, param->type),
                                         .doc = param->doc };
        if (param->fallback)
            defaults[i] = orr_expr_compile(param->fallback, function->at, NULL,
                                           fields[i].type, c->arena, c->diags);
    }
    *record = (struct orr_record_type) { .n_fields = n, .fields = fields };
    function->params = record;
    function->defaults = defaults;
}

static void native_results(struct orri_compile *c, struct orr_graph_function *function)
{
    const struct orr_function *native = function->native;
    struct orr_record_type *record = orr_arena_alloc(c->arena, sizeof *record);
    uint32_t n = 0;
    while (native->results && native->results[n].name)
        n++;
    struct orr_field *fields = orr_arena_alloc(c->arena, (n + 1) * sizeof *fields);
    for (uint32_t i = 0; i < n; i++)
        fields[i] = (struct orr_field) { .name = native->results[i].name,
                                         .type = native_type(c, native,
                                                             native->results[i].type),
                                         .doc = native->results[i].doc,
                                         .unit = native->results[i].unit };
    *record = (struct orr_record_type) { .n_fields = n, .fields = fields };
    function->results = record;
}

static void unknown_native(struct orri_compile *c, orr_model_leaf use)
{
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; c->registry && i < c->registry->n && n < 256; i++)
        names[n++] = c->registry->functions[i]->name;
    orr_diag_error(c->diags, use->at, "E0401", "unknown function '%s'", use->text);
    orri_hint_nearest(c, use->text, names, n);
}

static void compile_use(struct orri_compile *c, const struct orr_model_function *model,
                        struct orr_graph_function *function)
{
    const orr_model_leaf foreign[] = { model->in,   model->out, model->stdout_mode,
                                       model->exit, model->env, model->cwd };
    function->form = ORR_FORM_USE;
    function->native = orr_registry_find(c->registry, model->use->text);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (foreign[i])
            orr_diag_error(
                c->diags, foreign[i]->at, "E0411",
                "in, out, stdout, exit, env and cwd are for command and shell: "
                "'%s' knows its own",
                model->use->text);
    if (!function->native) {
        unknown_native(c, model->use);
        return;
    }
    native_params(c, function);
    native_results(c, function);
    function->isolated = !function->native->in_worker;
}

/* ---- resources ---- */

static uint32_t u32(struct orri_compile *c, orr_model_leaf node, const char *what,
                    int64_t least, uint32_t fallback)
{
    return (uint32_t)orri_int(c, node, what, least, INT32_MAX, fallback);
}

static uint32_t pool_of(struct orri_compile *c, orr_model_leaf node)
{
    const char *names[256];
    uint32_t n = c->graph->n_pools < 256 ? c->graph->n_pools : 256;
    if (!node)
        return 0;
    for (uint32_t i = 0; i < n; i++)
        names[i] = c->pools[i].name;
    uint32_t found = orri_find(c, node, "pool", "E0401", names, n);
    if (found == ORR_NONE)
        return 0;
    c->pool_used[found] = true;
    return found;
}

/* One of two words: true for `yes`. */
static bool choice(struct orri_compile *c, orr_model_leaf node, const char *what,
                   const char *yes, const char *no, bool fallback)
{
    if (!node)
        return fallback;
    if (strcmp(node->text, yes) == 0 || strcmp(node->text, no) == 0)
        return strcmp(node->text, yes) == 0;
    orr_diag_error(c->diags, node->at, "E0412", "%s must be '%s' or '%s'", what, yes,
                   no);
    return fallback;
}

static void set_resources(struct orri_compile *c, const struct orr_model_function *m,
                          struct orr_graph_function *f)
{
    f->pool = pool_of(c, m->pool);
    f->cores = u32(c, m->cores, "cores", 1, 1);
    f->memory = orri_limit_of(c, m->memory, ORR_KIND_SIZE, "memory");
    f->gpus = u32(c, m->gpus, "gpus", 0, 0);
    f->timeout = orri_limit_of(c, m->timeout, ORR_KIND_DURATION, "timeout");
    f->retries = u32(c, m->retries, "retries", 0, 0);
    f->retry_delay =
        orri_quantity_of(c, m->retry_delay, ORR_KIND_DURATION, "retry-delay", 0);
    f->priority = orri_int(c, m->priority, "priority", INT32_MIN, INT32_MAX, 0);
    f->batch = u32(c, m->batch, "batch", 1, 0);
    f->warm = u32(c, m->warm, "warm", 0, 0);
    f->opportunistic = orri_bool(c, m->opportunistic, false);
    f->isolated = choice(c, m->isolation, "isolation", "process", "none", f->isolated);
    f->content_identity = choice(c, m->identity, "identity", "content", "time", false);
}

/* A call never starts when it needs more cores than its pool may have. */
static void check_cores(struct orri_compile *c, const struct orr_model_function *m,
                        const struct orr_graph_function *f)
{
    const struct orr_graph *inner = f->workflow; /* all of it runs in the pool */
    uint32_t cores = f->cores;
    const char *who = f->name;
    for (uint32_t i = 0; inner && i < inner->n_functions; i++)
        if (inner->functions[i].cores > cores) {
            cores = inner->functions[i].cores;
            who =
                orr_arena_printf(c->arena, "%s.%s", f->name, inner->functions[i].name);
        }
    for (uint32_t p = f->pool; p != ORR_NONE; p = c->pools[p].parent) {
        if (c->pools[p].max == 0 || cores <= c->pools[p].max)
            continue;
        orr_diag_error(c->diags, inner ? m->pool->at : m->cores->at, "E0407",
                       "'%s' needs %" PRIu32 " cores, but pool '%s' has %" PRIu32
                       " at most",
                       who, cores, c->pools[p].name, c->pools[p].max);
        return;
    }
}

static void check_isolation(struct orri_compile *c, const struct orr_model_function *m,
                            const struct orr_graph_function *f)
{
    if (!f->isolated && f->form != ORR_FORM_USE && m->isolation)
        orr_diag_error(
            c->diags, m->isolation->at, "E0412",
            "a program cannot run in the worker: isolation must be 'process'");
}

static void set_cost(struct orri_compile *c, const struct orr_model_function *m,
                     struct orr_graph_function *f)
{
    struct orr_scope scope = { 0 };
    if (!m->cost || !f->params)
        return;
    orri_scope_params(&scope, f);
    f->cost = orri_expr(c, m->cost, &scope, orr_type_scalar(ORR_KIND_FLOAT));
}

static void set_version(struct orri_compile *c, const struct orr_model_function *m,
                        struct orr_graph_function *f)
{
    const char *own = f->native ? f->native->version : NULL;
    const char *given = orri_keep(c, m->version);
    if (own && given)
        f->version = orr_arena_printf(c->arena, "%s+%s", own, given);
    else
        f->version = own ? orr_arena_strdup(c->arena, own) : given ? given : "1";
}

static void empty_signature(struct orri_compile *c, struct orr_graph_function *f)
{
    struct orr_record_type *none = orr_arena_alloc(c->arena, sizeof *none);
    if (!f->params)
        f->params = none;
    if (!f->results)
        f->results = none;
    if (!f->defaults)
        f->defaults =
            orr_arena_alloc(c->arena, (f->params->n_fields + 1) * sizeof *f->defaults);
}

static void compile_form(struct orri_compile *c, const struct orr_model_function *m,
                         struct orr_graph_function *f)
{
    int forms = orri_written(&m->head, "use command shell workflow");
    if (forms != 1)
        orr_diag_error(c->diags, m->head.key->at, "E0413",
                       "function '%s' needs %s of use, command, shell, workflow",
                       m->head.key->text, forms ? "only one" : "one");
    else if (m->use)
        compile_use(c, m, f);
    else if (m->workflow)
        orri_compile_nested(c, m, f);
    else if (m->command || m->shell)
        orri_compile_command(c, m, f);
}

/* Files that a command makes are kept under the name of its function. */
static void check_file_name(struct orri_compile *c, orr_model_leaf key)
{
    if (key->text[0] == '.' || key->text[0] == '\0' || strchr(key->text, '/'))
        orr_diag_error(c->diags, key->at, "E0403",
                       "'%s' cannot be the name of a function: no '/', no '.' first",
                       key->text);
}

static void compile_function(struct orri_compile *c, const struct orr_model_function *m,
                             struct orr_graph_function *f)
{
    f->name = orri_keep(c, m->head.key);
    check_file_name(c, m->head.key);
    f->at = m->head.key->at;
    f->doc = orri_keep(c, m->doc);
    f->isolated = true;
    f->module = ORR_NONE;
    compile_form(c, m, f);
    if (!f->doc && f->native)
        f->doc = f->native->doc;
    set_resources(c, m, f);
    check_cores(c, m, f);
    check_isolation(c, m, f);
    set_cost(c, m, f);
    set_version(c, m, f);
    orri_compile_example(c, m, f);
    if (f->params)
        f->content = orri_function_content(f);
}

void orri_compile_functions(struct orri_compile *c)
{
    const struct orr_model_function *models = c->model->functions.items;
    uint32_t n = c->model->functions.n;
    c->functions = orr_arena_alloc(c->arena, (n + 1) * sizeof *c->functions);
    c->function_used = orr_arena_alloc(c->arena, n + 1);
    for (uint32_t i = 0; i < n; i++)
        orri_remember(c, ORRI_FUNCTION_NAMES, models[i].head.key->text, i);
    for (uint32_t i = 0; i < n; i++) {
        if (models[i].head.node->kind != ORR_YAML_MAPPING) {
            c->functions[i].name = orri_keep(c, models[i].head.key);
            continue; /* reported by the model */
        }
        compile_function(c, &models[i], &c->functions[i]);
        if (!c->functions[i].params || !c->functions[i].results)
            c->functions[i].form =
                ORR_FORM_WORKFLOW; /* failed: calls are not checked */
        else
            empty_signature(c, &c->functions[i]);
    }
    c->graph->functions = c->functions;
    c->graph->n_functions = n;
}
