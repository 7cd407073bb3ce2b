/* orders.c - commands: templates to arguments, files and output to results
 * Owns nothing. */
#include "node/orders.h"

#include "base/clock.h"
#include "exec/call.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- making ---- */

struct maker {
    const struct orr_graph_function *function;
    const char *scratch; /* absolute */
    const char *quoted;  /* the same as it stands in a script, between its quotes */
    struct orr_value slots[ORR_SLOTS_MAX];
    struct orr_command_in *ins; /* blobs among the arguments, as files */
    size_t n_ins, cap_ins;
    struct orr_arena *arena;
    struct orr_error *err;
};

static const char *format_value(struct maker *m, struct orr_value v)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_value_format(v, &text);
    const char *kept = orr_arena_strndup(m->arena, text.s ? text.s : "", text.length);
    orr_text_release(&text);
    return kept;
}

static orr_status evaluate(struct maker *m, const struct orr_expr *expr,
                           const char **out)
{
    struct orr_value v;
    orr_status status = orr_expr_eval(expr, m->slots, m->arena, &v, m->err);
    if (status == ORR_OK)
        *out = format_value(m, v);
    return status;
}

/* The path SCRATCH/.in/PARAMETER of the file that will hold a blob; the number of the
 * file is behind it where one parameter has several. No result has such a name. */
static struct orr_value file_of(struct maker *m, const struct orr_blob *blob,
                                const char *name, uint32_t *n)
{
    struct orr_command_in in = { .blob = *blob };
    in.written = *n == 0 ? orr_arena_printf(m->arena, ".in/%s", name)
                         : orr_arena_printf(m->arena, ".in/%s.%" PRIu32, name, *n);
    m->ins = orr_grow(m->ins, m->n_ins, &m->cap_ins, sizeof *m->ins);
    m->ins[m->n_ins++] = in;
    ++*n;
    const char *path = orr_arena_printf(m->arena, "%s/%s", m->scratch, in.written);
    return orr_string_new(m->arena, ORR_KIND_PATH, path, strlen(path));
}

/* The value with files for its blobs, at any depth. */
static struct orr_value with_files(struct maker *m, struct orr_value v,
                                   const char *name, uint32_t *n)
{
    if (v.kind == ORR_KIND_BLOB)
        return file_of(m, v.as.blob, name, n);
    if (v.kind == ORR_KIND_LIST) {
        struct orr_list *list = orr_list_new(m->arena, v.as.list->n);
        for (uint32_t i = 0; i < list->n; i++)
            list->items[i] = with_files(m, v.as.list->items[i], name, n);
        return orr_value_of_list(list);
    }
    if (v.kind == ORR_KIND_RECORD) {
        struct orr_record *record = orr_record_new(m->arena, v.as.record->type);
        for (uint32_t i = 0; i < record->type->n_fields; i++)
            record->fields[i] = with_files(m, v.as.record->fields[i], name, n);
        return orr_value_of_record(record);
    }
    return v;
}

static orr_status bind_params(struct maker *m, const struct orr_assignment *assignment)
{
    const struct orr_record_type *params = m->function->params;
    struct orr_reader in = orr_reader_of(assignment->args, assignment->args_length);
    if (params->n_fields >= ORR_SLOTS_MAX)
        ORR_BUG("function %s has %u parameters", m->function->name, params->n_fields);
    orr_status status = ORR_OK;
    for (uint32_t i = 0; i < params->n_fields && status == ORR_OK; i++) {
        uint32_t n = 0;
        status =
            orr_value_get(&in, params->fields[i].type, m->arena, &m->slots[i], m->err);
        if (status == ORR_OK)
            m->slots[i] = with_files(m, m->slots[i], params->fields[i].name, &n);
    }
    return status;
}

/* `out`: for each field the path SCRATCH/FIELD. */
static void bind_outs(struct maker *m)
{
    const struct orr_record_type *type = m->function->command.out;
    if (!type)
        return;
    struct orr_record *out = orr_record_new(m->arena, type);
    for (uint32_t i = 0; i < type->n_fields; i++) {
        const char *path =
            orr_arena_printf(m->arena, "%s/%s", m->scratch, type->fields[i].name);
        out->fields[i] = orr_string_new(m->arena, ORR_KIND_PATH, path, strlen(path));
    }
    m->slots[m->function->params->n_fields] = orr_value_of_record(out);
}

/* One word an item where the template is a list, else one. */
static orr_status add_words(struct maker *m, const struct orr_expr *expr,
                            const char ***words, size_t *n, size_t *cap)
{
    struct orr_value v;
    orr_status status = orr_expr_eval(expr, m->slots, m->arena, &v, m->err);
    if (status != ORR_OK)
        return status;
    bool many = v.kind == ORR_KIND_LIST;
    uint32_t items = many ? v.as.list->n : 1;
    for (uint32_t i = 0; i < items; i++) {
        *words = orr_grow(*words, *n, cap, sizeof **words);
        (*words)[(*n)++] = format_value(m, many ? v.as.list->items[i] : v);
    }
    return ORR_OK;
}

static orr_status make_words(struct maker *m, struct orr_order *order)
{
    const struct orr_command *command = &m->function->command;
    const char **words = NULL;
    size_t n = 0;
    size_t cap = 0;
    orr_status status = ORR_OK;
    for (uint32_t i = 0; i < command->n_args && status == ORR_OK; i++)
        status = add_words(m, command->args[i], &words, &n, &cap);
    if (status == ORR_OK && n == 0)
        status = orr_error_set(m->err, ORR_ERR_FAILED, m->function->at,
                               "the command of '%s' is empty: its list has no items",
                               m->function->name);
    if (status == ORR_OK) {
        const char **argv = orr_arena_alloc(m->arena, n * sizeof *argv);
        memcpy(argv, words, n * sizeof *argv);
        order->argv = argv;
        order->n_argv = (uint32_t)n;
    }
    free(words);
    return status;
}

static orr_status make_environment(struct maker *m, struct orr_order *order)
{
    const struct orr_command *command = &m->function->command;
    const char **env = orr_arena_alloc(m->arena, (command->n_env + 1) * sizeof *env);
    for (uint32_t i = 0; i < command->n_env; i++) {
        const char *value = NULL;
        orr_status status = evaluate(m, command->env_values[i], &value);
        if (status != ORR_OK)
            return status;
        env[i] = orr_arena_printf(m->arena, "%s=%s", command->env_names[i], value);
    }
    order->env = env;
    order->n_env = command->n_env;
    return ORR_OK;
}

/* Is what stands at `at` another result, whose name goes on ("a", "a_b")? */
static bool is_longer_name(const struct maker *m, const char *at, size_t length)
{
    const struct orr_record_type *type = m->function->command.out;
    for (uint32_t i = 0; i < type->n_fields; i++) {
        size_t other = strlen(type->fields[i].name);
        if (other > length && strncmp(at, type->fields[i].name, other) == 0)
            return true;
    }
    return false;
}

/* What an author writes behind "{out.image}" (".png") belongs to the name of the file.
 * In a script the path is quoted: the suffix stands behind the quote. `folder` is how
 * the scratch directory is written in `text`. The bare path wins, so that a script may
 * write to {out.image}.new and rename that; else the compiler sees to it that there is
 * one suffix. True: there is no other to look for. */
static bool find_suffix(const struct maker *m, const char *text, const char *folder,
                        const char *field, const char **suffix, size_t *suffix_length)
{
    const char *path = orr_arena_printf(m->arena, "%s/%s", folder, field);
    size_t length = strlen(path);
    size_t name = strlen(field);
    for (const char *at = strstr(text, path); at; at = strstr(at + length, path)) {
        if (is_longer_name(m, at + length - name, name))
            continue;
        const char *s = at + length + (at[length] == '\'');
        size_t n = strspn(s, ORR_SUFFIX_CHARACTERS);
        if (n == 0 || *suffix_length == 0) {
            *suffix = s;
            *suffix_length = n;
        }
        if (n == 0)
            return true;
    }
    return false;
}

/* As quote() writes it, without the quotes around it. */
static const char *quoted_path(struct maker *m)
{
    struct orr_text text = ORR_TEXT_INIT;
    for (const char *s = m->scratch; *s; s++)
        orr_text_append(&text, *s == '\'' ? "'\\''" : s, *s == '\'' ? 4 : 1);
    const char *kept = orr_arena_strndup(m->arena, text.s, text.length);
    orr_text_release(&text);
    return kept;
}

static const char *written_name(struct maker *m, const struct orr_order *order,
                                const char *field)
{
    const char *suffix = "";
    size_t n = 0;
    for (uint32_t i = 0; i < order->n_argv + order->n_env; i++) {
        const char *text =
            i < order->n_argv ? order->argv[i] : order->env[i - order->n_argv];
        if (find_suffix(m, text, m->scratch, field, &suffix, &n) ||
            find_suffix(m, text, m->quoted, field, &suffix, &n))
            break;
    }
    return orr_arena_printf(m->arena, "%s%.*s", field, (int)n, suffix);
}

static void make_outs(struct maker *m, const struct orr_assignment *assignment,
                      struct orr_order *order)
{
    const struct orr_record_type *type = m->function->command.out;
    char id[ORR_ID_TEXT];
    orr_id_text(assignment->identity, id);
    order->n_outs = type ? type->n_fields : 0;
    struct orr_command_out *outs =
        orr_arena_alloc(m->arena, (order->n_outs + 1) * sizeof *outs);
    for (uint32_t i = 0; i < order->n_outs; i++) {
        const char *name = type->fields[i].name;
        int at = orr_record_field(m->function->results, name);
        bool blob =
            at >= 0 && m->function->results->fields[at].type->kind == ORR_KIND_BLOB;
        outs[i].written = written_name(m, order, name);
        outs[i].kept = blob ? NULL
                            : orr_arena_printf(m->arena, "%s-%.12s/%s",
                                               m->function->name, id, outs[i].written);
    }
    order->outs = outs;
}

static orr_status make_argv(struct maker *m, struct orr_order *order)
{
    if (m->function->form != ORR_FORM_SHELL)
        return make_words(m, order);
    const char **argv = orr_arena_alloc(m->arena, 3 * sizeof *argv);
    argv[0] = "/bin/sh";
    argv[1] = "-euc";
    order->argv = argv;
    order->n_argv = 3;
    return evaluate(m, m->function->command.args[0], &argv[2]);
}

static orr_status make_command(struct maker *m, const struct orr_assignment *assignment,
                               struct orr_order *order)
{
    const struct orr_command *command = &m->function->command;
    orr_status status = bind_params(m, assignment);
    order->n_ins = (uint32_t)m->n_ins;
    if (m->n_ins) /* what `m` grew is not the arena's */
        order->ins = memcpy(orr_arena_alloc(m->arena, m->n_ins * sizeof *m->ins),
                            m->ins, m->n_ins * sizeof *m->ins);
    free(m->ins);
    if (status != ORR_OK)
        return status;
    bind_outs(m);
    status = make_argv(m, order);
    if (status == ORR_OK)
        status = make_environment(m, order);
    if (status == ORR_OK && command->cwd)
        status = evaluate(m, command->cwd, &order->cwd);
    order->exit_codes = command->exit_codes;
    order->n_exit_codes = command->n_exit_codes;
    order->keep_stdout = command->stdout_mode != ORR_STDOUT_NONE;
    if (status == ORR_OK)
        make_outs(m, assignment, order);
    return status;
}

/* In hexadecimal, by hand: printf would be a good part of a call in place. */
static char *put_hex(char *at, uint64_t v)
{
    int digits = v ? (67 - __builtin_clzll(v)) / 4 : 1;
    for (int i = digits - 1; i >= 0; i--)
        *at++ = "0123456789abcdef"[v >> (4 * i) & 15];
    return at;
}

/* Of the scratch directory of an attempt: no other has it, on any node or epoch. */
static const char *attempt_name(const struct orr_assignment *assignment,
                                struct orr_arena *arena)
{
    char *name = orr_arena_alloc(arena, 40);
    char *at = name;
    *at++ = 't';
    at = put_hex(at, assignment->task);
    *at++ = '-';
    at = put_hex(at, assignment->attempt);
    *at++ = '-';
    at = put_hex(at, (uint64_t)orr_clock_wall());
    *at = '\0';
    return name;
}

orr_status orri_order_make(const struct orr_graph *graph,
                           const struct orr_assignment *assignment, const char *run_dir,
                           uint32_t cores, struct orr_arena *arena,
                           struct orr_order *order, struct orr_error *err)
{
    const struct orr_graph_function *function = &graph->functions[assignment->function];
    *order = (struct orr_order) {
        .cores = cores,
        .timeout = function->timeout,
        .memory = function->memory,
        .run_dir = run_dir,
        .scratch = attempt_name(assignment, arena),
    };
    if (function->form == ORR_FORM_USE) {
        order->function = function->native->name;
        order->args = assignment->args;
        order->args_length = assignment->args_length;
        return ORR_OK;
    }
    struct maker m = { .function = function, .arena = arena, .err = err };
    m.scratch = orr_arena_printf(arena, "%s/scratch/%s", run_dir, order->scratch);
    m.quoted = quoted_path(&m);
    return make_command(&m, assignment, order);
}

/* ---- results ---- */

struct taker {
    const struct orr_graph_function *function;
    struct orr_arena *arena;
    struct orr_outcome *outcome;
    const char *wrong; /* a result that does not fit, or NULL; */
    const struct orr_type *wanted;
    const json_t *given; /* NULL: nothing */
};

static struct orr_value text_value(struct taker *t, enum orr_kind kind, const char *s,
                                   size_t length)
{
    return orr_string_new(t->arena, kind, s, length);
}

static struct orr_value from_json(struct taker *t, const json_t *json,
                                  const struct orr_type *type, const char *name);

/* The first result that does not fit is told. */
static struct orr_value misfit(struct taker *t, const json_t *json,
                               const struct orr_type *type, const char *name)
{
    if (!t->wrong) {
        t->wrong = name;
        t->wanted = type;
        t->given = json;
    }
    return orr_null();
}

static const double SECONDS_END = 9.2e9; /* as nanoseconds they fit */

static struct orr_value number_from_json(struct taker *t, const json_t *json,
                                         const struct orr_type *type, const char *name)
{
    double v = json_number_value(json);
    switch (type->kind) {
    case ORR_KIND_FLOAT: return orr_float(v);
    case ORR_KIND_DURATION:
        if (fabs(v) < SECONDS_END)
            return (struct orr_value) { .kind = ORR_KIND_DURATION,
                                        .as.i = llround(v * 1e9) };
        break;
    case ORR_KIND_INT:
    case ORR_KIND_SIZE:
        if (json_is_integer(json))
            return (struct orr_value) { .kind = (uint8_t)type->kind,
                                        .as.i = json_integer_value(json) };
        break;
    default: break;
    }
    return misfit(t, json, type, name);
}

static struct orr_value list_from_json(struct taker *t, const json_t *json,
                                       const struct orr_type *type, const char *name)
{
    struct orr_list *list = orr_list_new(t->arena, (uint32_t)json_array_size(json));
    for (uint32_t i = 0; i < list->n; i++)
        list->items[i] = from_json(t, json_array_get(json, i), type->element, name);
    return orr_value_of_list(list);
}

static struct orr_value record_from_json(struct taker *t, const json_t *json,
                                         const struct orr_type *type)
{
    struct orr_record *record = orr_record_new(t->arena, type->record);
    for (uint32_t i = 0; i < type->record->n_fields; i++) {
        const struct orr_field *field = &type->record->fields[i];
        record->fields[i] =
            from_json(t, json_object_get(json, field->name), field->type, field->name);
    }
    return orr_value_of_record(record);
}

static struct orr_value from_json(struct taker *t, const json_t *json,
                                  const struct orr_type *type, const char *name)
{
    if (!json || json_is_null(json)) {
        return type->optional ? orr_null() : misfit(t, json, type, name);
    }
    bool textual = type->kind == ORR_KIND_STRING || type->kind == ORR_KIND_PATH;
    if (json_is_string(json) && textual)
        return text_value(t, type->kind, json_string_value(json),
                          json_string_length(json));
    if (json_is_boolean(json) && type->kind == ORR_KIND_BOOL)
        return orr_bool(json_is_true(json));
    if (json_is_number(json))
        return number_from_json(t, json, type, name);
    if (json_is_array(json) && type->kind == ORR_KIND_LIST)
        return list_from_json(t, json, type, name);
    if (json_is_object(json) && type->kind == ORR_KIND_RECORD)
        return record_from_json(t, json, type);
    return misfit(t, json, type, name);
}

static struct orr_value output_lines(struct taker *t)
{
    const char *s = t->outcome->output;
    uint32_t n = 0;
    for (const char *at = s; *at; at += *at == '\n') {
        at += strcspn(at, "\n");
        n++;
    }
    struct orr_list *list = orr_list_new(t->arena, n);
    for (uint32_t i = 0; i < n; i++) {
        size_t length = strcspn(s, "\n");
        size_t bare = length && s[length - 1] == '\r' ? length - 1 : length;
        list->items[i] = text_value(t, ORR_KIND_STRING, s, bare);
        s += length + 1;
    }
    return orr_value_of_list(list);
}

static struct orr_value made_file(struct taker *t, const struct orr_order *order,
                                  uint32_t i, enum orr_kind kind)
{
    if (kind == ORR_KIND_BLOB) {
        struct orr_blob *blob = orr_arena_alloc(t->arena, sizeof *blob);
        *blob = t->outcome->made[i];
        return (struct orr_value) { .kind = ORR_KIND_BLOB, .as.blob = blob };
    }
    const char *path =
        orr_arena_printf(t->arena, "%s/out/%s", order->run_dir, order->outs[i].kept);
    return text_value(t, ORR_KIND_PATH, path, strlen(path));
}

static int out_index(const struct orr_graph_function *function, const char *name)
{
    return function->command.out ? orr_record_field(function->command.out, name) : -1;
}

static struct orr_value field_value(struct taker *t, const struct orr_order *order,
                                    const struct orr_field *field, const json_t *json)
{
    int made = out_index(t->function, field->name);
    enum orr_stdout_mode mode = t->function->command.stdout_mode;
    if (made >= 0)
        return made_file(t, order, (uint32_t)made, field->type->kind);
    if (mode == ORR_STDOUT_TEXT && strcmp(field->name, "text") == 0)
        return text_value(t, ORR_KIND_STRING, t->outcome->output,
                          t->outcome->output_length);
    if (mode == ORR_STDOUT_LINES && field->type->kind == ORR_KIND_LIST)
        return output_lines(t);
    if (strcmp(field->name, "code") == 0 && field->type->kind == ORR_KIND_INT && !json)
        return orr_int(t->outcome->code);
    return from_json(t, json_object_get(json, field->name), field->type, field->name);
}

static void refuse(struct taker *t, const char *message)
{
    t->outcome->failure = ORR_FAIL_INVALID;
    t->outcome->message = message;
}

static json_t *parse_output(struct taker *t)
{
    json_error_t bad;
    if (t->function->command.stdout_mode != ORR_STDOUT_JSON)
        return NULL;
    json_t *json = json_loadb(t->outcome->output, t->outcome->output_length,
                              JSON_REJECT_DUPLICATES, &bad);
    if (!json)
        refuse(t, orr_arena_printf(t->arena, "standard output is no JSON: line %d: %s",
                                   bad.line, bad.text));
    else if (!json_is_object(json))
        refuse(t, "standard output is JSON but no object");
    return json;
}

static void check_text(struct taker *t)
{
    const char *s = t->outcome->output;
    size_t length = t->outcome->output_length;
    size_t bad = orr_utf8_bad(s, length);
    if (memchr(s, '\0', length))
        refuse(t, "standard output is no text: it holds a zero byte");
    else if (bad < length)
        refuse(t, orr_arena_printf(t->arena,
                                   "standard output is no text: byte %zu (0x%02x) is "
                                   "not UTF-8",
                                   bad + 1, (unsigned char)s[bad]));
}

static void encode(struct taker *t, const struct orr_record *record)
{
    struct orr_bytes bytes = ORR_BYTES_INIT;
    orr_value_put(&bytes, orr_value_of_record(record));
    unsigned char *kept = orr_arena_alloc(t->arena, bytes.length);
    memcpy(kept, bytes.data, bytes.length);
    t->outcome->results = kept;
    t->outcome->results_length = (uint32_t)bytes.length;
    orr_bytes_release(&bytes);
}

static const char *json_text(const json_t *json, const struct orr_type *wanted)
{
    if (json_is_number(json) && wanted->kind == ORR_KIND_DURATION)
        return "more than 9.2e9 seconds";
    switch (json_typeof(json)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "a list";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "a whole number";
    case JSON_REAL: return "a number with a fraction";
    case JSON_NULL: return "null";
    default: return "true or false";
    }
}

enum { PRINTED_SHOWN = 100 };

/* What standard output starts with, in one line. */
static void put_printed(const struct taker *t, struct orr_text *out)
{
    const char *s = t->outcome->output;
    size_t length = t->outcome->output_length;
    while (length && isspace((unsigned char)s[length - 1]))
        length--;
    size_t n = length < PRINTED_SHOWN ? length : PRINTED_SHOWN;
    while (n < length && n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        orr_text_append(out, iscntrl((unsigned char)s[i]) ? " " : &s[i], 1);
    orr_text_puts(out, n < length ? "..." : "");
}

static void refuse_result(struct taker *t)
{
    struct orr_text type = ORR_TEXT_INIT;
    struct orr_text text = ORR_TEXT_INIT;
    orr_type_print(t->wanted, &type);
    if (t->given)
        orr_text_printf(&text, "the result '%s' must be %s, but is %s", t->wrong,
                        type.s, json_text(t->given, t->wanted));
    else
        orr_text_printf(&text, "the result '%s' (%s) is missing", t->wrong, type.s);
    orr_text_puts(&text, "; printed was: ");
    put_printed(t, &text);
    refuse(t, orr_arena_strdup(t->arena, text.s));
    orr_text_release(&type);
    orr_text_release(&text);
}

void orri_order_results(const struct orr_graph_function *function,
                        const struct orr_order *order, struct orr_arena *arena,
                        struct orr_outcome *outcome)
{
    if (function->form == ORR_FORM_USE || outcome->failure != ORR_FAIL_NONE)
        return;
    struct taker t = { .function = function, .arena = arena, .outcome = outcome };
    bool textual = function->command.stdout_mode == ORR_STDOUT_TEXT ||
                   function->command.stdout_mode == ORR_STDOUT_LINES;
    json_t *json = parse_output(&t);
    if (textual)
        check_text(&t);
    if (outcome->failure == ORR_FAIL_NONE) {
        struct orr_record *record = orr_record_new(arena, function->results);
        for (uint32_t i = 0; i < function->results->n_fields; i++)
            record->fields[i] =
                field_value(&t, order, &function->results->fields[i], json);
        if (t.wrong)
            refuse_result(&t);
        else
            encode(&t, record);
    }
    json_decref(json);
}
