/* command.c - functions that are programs: command and shell
 * Parameters come from `in`, results from `out` and `stdout`. Templates see the
 * parameters by name and `out`, a record of the paths the program is to write. An
 * argument that is one {expr} of a list type stands for one argument an item. A blob is
 * the path of a file that holds its bytes. */
#include "graph/internal.h"

#include <stdlib.h>
#include <string.h>

static void set_params(struct orri_compile *c, orr_model_leaf in,
                       struct orr_graph_function *f)
{
    struct orr_record_type *record = orr_arena_alloc(c->arena, sizeof *record);
    uint32_t n = in ? in->n : 0;
    struct orr_field *fields = orr_arena_alloc(c->arena, (n + 1) * sizeof *fields);
    struct orr_expr **defaults = orr_arena_alloc(c->arena, (n + 1) * sizeof *defaults);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        orr_model_leaf node = in->items[i];
        orr_model_leaf type = orr_yaml_find(node, "type");
        orr_model_leaf fallback = type ? orr_yaml_find(node, "default") : NULL;
        struct orr_value v = orr_null();
        fields[kept].name = orri_keep(c, in->keys[i]);
        fields[kept].type = orri_type(c, type ? type : node);
        if (!orri_check_name(c, in->keys[i], "a parameter") || !fields[kept].type)
            continue;
        if (strcmp(in->keys[i]->text, "out") == 0)
            orr_diag_error(
                c->diags, in->keys[i]->at, "E0403",
                "'out' cannot be the name of a parameter: {out.NAME} is a result");
        if (fallback && orri_data(c, fallback, fields[kept].type, c->directory, &v))
            defaults[kept] =
                orr_expr_constant(v, fields[kept].type, fallback->at, c->arena);
        kept++;
    }
    *record = (struct orr_record_type) { .n_fields = kept, .fields = fields };
    f->params = record;
    f->defaults = defaults;
}

static void set_stdout(struct orri_compile *c, orr_model_leaf node,
                       struct orr_command *command)
{
    static const char *const modes[] = { "json", "text", "lines", "none" };
    static const enum orr_stdout_mode values[] = { ORR_STDOUT_JSON, ORR_STDOUT_TEXT,
                                                   ORR_STDOUT_LINES, ORR_STDOUT_NONE };
    if (!node)
        return;
    uint32_t mode = orri_find(c, node, "form of stdout", "E0412", modes, 4);
    if (mode != ORR_NONE)
        command->stdout_mode = values[mode];
}

static const struct orr_type *list_of_strings(struct orri_compile *c)
{
    struct orr_type *type = orr_arena_alloc(c->arena, sizeof *type);
    *type = (struct orr_type) { .kind = ORR_KIND_LIST,
                                .element = orr_type_scalar(ORR_KIND_STRING) };
    return type;
}

static bool is_file(const struct orr_type *type)
{
    return type->kind == ORR_KIND_PATH || type->kind == ORR_KIND_BLOB;
}

/* `out` as declared, then `text` or `lines`; the files alone as paths in command.out.
 */
static void set_results(struct orri_compile *c, orr_model_leaf out,
                        struct orr_graph_function *f)
{
    uint32_t n = out ? out->n : 0;
    struct orr_field *fields = orr_arena_alloc(c->arena, (n + 2) * sizeof *fields);
    struct orr_field *files = orr_arena_alloc(c->arena, (n + 1) * sizeof *files);
    struct orr_record_type *results = orr_arena_alloc(c->arena, sizeof *results);
    struct orr_record_type *paths = orr_arena_alloc(c->arena, sizeof *paths);
    for (uint32_t i = 0; i < n; i++) {
        const struct orr_type *type = orri_type(c, out->items[i]);
        if (!orri_check_name(c, out->keys[i], "a result") || !type)
            continue;
        struct orr_field field = { .name = orri_keep(c, out->keys[i]), .type = type };
        fields[results->n_fields++] = field;
        if (is_file(type))
            files[paths->n_fields++] =
                (struct orr_field) { .name = field.name,
                                     .type = orr_type_scalar(ORR_KIND_PATH) };
        else if (f->command.stdout_mode != ORR_STDOUT_JSON)
            orr_diag_error(
                c->diags, out->items[i]->at, "E0415",
                "result '%s' is neither path nor blob: only 'stdout: json' can give it",
                field.name);
    }
    if (f->command.stdout_mode == ORR_STDOUT_TEXT)
        fields[results->n_fields++] =
            (struct orr_field) { .name = "text",
                                 .type = orr_type_scalar(ORR_KIND_STRING) };
    if (f->command.stdout_mode == ORR_STDOUT_LINES)
        fields[results->n_fields++] =
            (struct orr_field) { .name = "lines", .type = list_of_strings(c) };
    results->fields = fields;
    paths->fields = files;
    f->results = results;
    f->command.out = paths;
}

static void set_exit_codes(struct orri_compile *c, orr_model_leaf node,
                           struct orr_command *command)
{
    orr_model_leaf const *items =
        node && node->kind == ORR_YAML_SEQUENCE ? node->items : &node;
    uint32_t n = !node ? 0 : node->kind == ORR_YAML_SEQUENCE ? node->n : 1;
    if (node && n == 0)
        orr_diag_error(c->diags, node->at, "E0437",
                       "no exit code is left that means success");
    int *codes = orr_arena_alloc(c->arena, (n + 1) * sizeof *codes);
    for (uint32_t i = 0; i < n; i++)
        codes[i] = (int)orri_int(c, items[i], "an exit code", 0, 255, 0);
    command->exit_codes = codes;
    command->n_exit_codes = n ? n : 1;
}

static bool make_scope(struct orri_compile *c, const struct orr_graph_function *f,
                       struct orr_scope *scope)
{
    uint32_t n = f->params->n_fields;
    if (n + 1 > ORR_SLOTS_MAX) {
        orr_diag_error(c->diags, f->at, "E0416",
                       "function '%s' has more than %d parameters", f->name,
                       ORR_SLOTS_MAX - 1);
        return false;
    }
    for (uint32_t i = 0; i < n; i++)
        orri_scope_set(scope, i, f->params->fields[i].name,
                       orri_blobs_as_paths(c, f->params->fields[i].type));
    struct orr_type *out = orr_arena_alloc(c->arena, sizeof *out);
    *out = (struct orr_type) { .kind = ORR_KIND_RECORD, .record = f->command.out };
    orri_scope_set(scope, n, "out", out);
    return true;
}

/* An argument: text, or a list that becomes several arguments. */
static struct orr_expr *argument(struct orri_compile *c, orr_model_leaf node,
                                 struct orr_scope *scope)
{
    struct orr_diags quiet = { 0 };
    struct orr_expr *e = NULL;
    if (node->length > 2 && node->text[0] == '{' && node->text[1] != '{') {
        struct orr_type any = { .kind = ORR_KIND_LIST };
        e = orr_expr_compile_template(node->text, node->at, scope, &any, c->arena,
                                      &quiet);
        orr_diags_release(&quiet);
        if (e && orr_expr_type(e)->kind == ORR_KIND_LIST && !orr_expr_type(e)->optional)
            return e;
    }
    return orri_template(c, node, scope, orr_type_scalar(ORR_KIND_STRING));
}

static void set_arguments(struct orri_compile *c, const struct orr_model_function *m,
                          struct orr_scope *scope, struct orr_command *command)
{
    uint32_t n = m->command ? m->command->n : 1;
    struct orr_expr **args = orr_arena_alloc(c->arena, (n + 1) * sizeof *args);
    if (n == 0)
        orr_diag_error(c->diags, m->command->at, "E0417", "the command is empty");
    else if (m->command && m->command->items[0]->length == 0)
        orr_diag_error(c->diags, m->command->items[0]->at, "E0417",
                       "the name of the program is empty");
    for (uint32_t i = 0; i < n; i++)
        args[i] = m->command ? argument(c, m->command->items[i], scope)
                             : orri_script(c, m->shell, scope);
    command->args = args;
    command->n_args = n;
}

static void set_environment(struct orri_compile *c, orr_model_leaf env,
                            struct orr_scope *scope, struct orr_command *command)
{
    uint32_t n = env ? env->n : 0;
    const char **names = orr_arena_alloc(c->arena, (n + 1) * sizeof *names);
    struct orr_expr **values = orr_arena_alloc(c->arena, (n + 1) * sizeof *values);
    for (uint32_t i = 0; i < n; i++) {
        names[i] = orri_keep(c, env->keys[i]);
        if (!orr_model_is_identifier(names[i]))
            orr_diag_error(c->diags, env->keys[i]->at, "E0403",
                           "'%s' cannot be the name of a variable of the environment",
                           names[i]);
        if (env->items[i]->kind != ORR_YAML_SCALAR)
            orr_diag_error(c->diags, env->items[i]->at, "E0303",
                           "'%s' must be a single value", names[i]);
        else
            values[i] = orri_template(c, env->items[i], scope,
                                      orr_type_scalar(ORR_KIND_STRING));
    }
    command->env_names = names;
    command->env_values = values;
    command->n_env = n;
}

/* A result file that no argument names can never be there. */
static void check_results_named(struct orri_compile *c,
                                const struct orr_model_function *m,
                                const struct orr_graph_function *f)
{
    const struct orr_command *command = &f->command;
    for (uint32_t i = 0; i < command->out->n_fields; i++) {
        bool named = false;
        for (uint32_t a = 0; a < command->n_args; a++)
            named |= !command->args[a] ||
                     orr_expr_reads(command->args[a], f->params->n_fields, i);
        for (uint32_t e = 0; e < command->n_env; e++)
            named |= !command->env_values[e] ||
                     orr_expr_reads(command->env_values[e], f->params->n_fields, i);
        if (!named)
            orr_diag_error(
                c->diags, m->out->at, "E0415",
                "result '%s' is in no argument: write {out.%s} where the program "
                "takes the name of the file it makes",
                command->out->fields[i].name, command->out->fields[i].name);
    }
}

/* ---- names of the files it makes ---- */

struct names {
    const char *behind; /* of the first mention with a suffix, */
    size_t length;      /* NULL: none so far */
    bool bare;          /* without one */
    bool quoted;        /* with one in quotes of the script, which does not count */
    struct orr_span at; /* of the first that differs */
    const char *other;
    size_t other_length;
};

struct naming {
    struct names *of; /* per result file */
};

static void take_mention(void *context, const struct orr_mention *mention)
{
    struct names *names = &((struct naming *)context)->of[mention->field];
    size_t n = strspn(mention->behind, ORR_SUFFIX_CHARACTERS);
    if (mention->computed && mention->behind[n] == '\0')
        return; /* it goes on in what is computed */
    if (n == 0 && *mention->behind && strchr("'\"", *mention->behind) &&
        strspn(mention->behind + 1, ORR_SUFFIX_CHARACTERS) > 0) {
        names->quoted = true;
        names->at = names->other ? names->at : mention->at;
    } else if (n == 0) {
        names->bare = true;
    } else if (!names->behind) {
        names->behind = mention->behind;
        names->length = n;
    } else if (!names->other && (n != names->length ||
                                 strncmp(mention->behind, names->behind, n) != 0)) {
        names->at = mention->at;
        names->other = mention->behind;
        names->other_length = n;
    }
}

/* Which of {out.a}.tmp and {out.a}.mkv is the result? {out.a} alone would be. */
static void check_suffixes(struct orri_compile *c, const struct orr_graph_function *f)
{
    const struct orr_command *command = &f->command;
    uint32_t slot = f->params->n_fields;
    struct naming naming = { orr_alloc(command->out->n_fields, sizeof *naming.of) };
    for (uint32_t i = 0; i < command->n_args; i++)
        if (command->args[i])
            orr_expr_mentions(command->args[i], slot, take_mention, &naming);
    for (uint32_t i = 0; i < command->n_env; i++)
        if (command->env_values[i])
            orr_expr_mentions(command->env_values[i], slot, take_mention, &naming);
    for (uint32_t i = 0; i < command->out->n_fields; i++) {
        const struct names *names = &naming.of[i];
        const char *name = command->out->fields[i].name;
        if (names->quoted && !names->bare && !names->behind)
            orr_diag_error(c->diags, names->at, "E0415",
                           "the suffix behind {out.%s} is written without quotes",
                           name);
        if (names->bare || !names->other)
            continue;
        orr_diag_error(c->diags, names->at, "E0415",
                       "result '%s' has two names: {out.%s}%.*s and {out.%s}%.*s", name,
                       name, (int)names->length, names->behind, name,
                       (int)names->other_length, names->other);
        orr_diag_hint(c->diags,
                      "call the other file new%.*s: the directory is the call's own",
                      (int)names->length, names->behind);
    }
    free(naming.of);
}

void orri_compile_command(struct orri_compile *c,
                          const struct orr_model_function *model,
                          struct orr_graph_function *f)
{
    struct orr_scope scope = { 0 };
    f->form = model->command ? ORR_FORM_COMMAND : ORR_FORM_SHELL;
    set_params(c, model->in, f);
    set_stdout(c, model->stdout_mode, &f->command);
    set_results(c, model->out, f);
    set_exit_codes(c, model->exit, &f->command);
    if (!make_scope(c, f, &scope))
        return;
    set_arguments(c, model, &scope, &f->command);
    set_environment(c, model->env, &scope, &f->command);
    if (model->cwd)
        f->command.cwd =
            orri_template(c, model->cwd, &scope, orr_type_scalar(ORR_KIND_PATH));
    check_results_named(c, model, f);
    check_suffixes(c, f);
}
