/* why.c - orrery why: how a fact came to be, and why one did not
 * Owns: what the words of the command line mean. Hands on: going through the run again
 * (replay.c), explaining (why). */
#include "why/why.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/replay.h"
#include "tables/runfile.h"
#include "view/status.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH = 20, LIMIT = 5, WORDS_MAX = 40 };

enum kind { FACT, OUTPUT, RULE, TASK, N_KINDS };
static const char *const kind_words[] = { "fact", "output", "rule", "task" };

struct question {
    struct orri_replay replay;
    const struct orr_line *line;
    struct orr_why *why;
    enum kind kind;
    uint32_t index; /* of the fact type, output, rule, task */
    uint32_t request;
    struct orr_why_field fields[WORDS_MAX + ORR_SLOTS_MAX];
    uint32_t n_fields;
    struct orr_expr *where;       /* what the fields do not say, or NULL */
    struct orr_run_status status; /* of the run, as it was last told */
    struct orr_arena arena;
};

static const struct orr_graph *graph_of(const struct question *q)
{
    return q->replay.job->graph;
}

/* ---- names ---- */

static uint32_t count_of(const struct question *q, enum kind kind)
{
    const struct orr_graph *graph = graph_of(q);
    const uint32_t counts[] = { graph->n_facts, graph->n_outputs, graph->n_rules, 0 };
    return counts[kind];
}

static const char *name_of(const struct question *q, enum kind kind, uint32_t i)
{
    const struct orr_graph *graph = graph_of(q);
    return kind == FACT     ? graph->facts[i].name
           : kind == OUTPUT ? graph->outputs[i].name
                            : graph->rules[i].name;
}

static bool find_name(const struct question *q, enum kind kind, const char *name,
                      uint32_t *out)
{
    for (uint32_t i = 0; i < count_of(q, kind); i++)
        if (strcmp(name_of(q, kind, i), name) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static int unknown(const struct question *q, enum kind from, enum kind to,
                   const char *name)
{
    size_t n = 0;
    for (enum kind k = from; k <= to; k++)
        n += count_of(q, k);
    const char **names = orr_alloc(n + 1, sizeof *names);
    n = 0;
    for (enum kind k = from; k <= to; k++)
        for (uint32_t i = 0; i < count_of(q, k); i++)
            names[n++] = name_of(q, k, i);
    const char *near = orr_text_nearest(name, names, n);
    (void)fprintf(stderr, "orrery why: the workflow has no %s '%s'",
                  from == to ? kind_words[from] : "fact, output or rule", name);
    if (near)
        (void)fprintf(stderr, "; did you mean '%s'?", near);
    (void)fputs("\n", stderr);
    free(names);
    return ORR_EXIT_INPUT;
}

/* ---- tasks ---- */

/* The identity of a task by its number in run.h5. */
static int identity_of_number(struct question *q, const char *number, char out[33])
{
    struct orr_error err = { 0 };
    struct orr_text where = ORR_TEXT_INIT;
    char *path = orr_path_join(q->replay.run_dir, "run.h5");
    char *text = NULL;
    size_t length = 0;
    FILE *table = open_memstream(&text, &length);
    int code = ORR_EXIT_INPUT;
    orr_text_printf(&where, "task == %s", number);
    struct orr_print how = { .format = ORR_PRINT_CSV,
                             .columns = "identity",
                             .where = where.s };
    if (!table || access(path, R_OK) != 0)
        (void)fprintf(stderr,
                      "orrery why: %s has no run.h5 yet, which numbers tasks: name the "
                      "task by its identity, or make it: orrery export %s\n",
                      q->replay.run_dir, q->replay.run_dir);
    else if (orr_table_print(path, "tasks", &how, table, &err) != ORR_OK)
        code = orri_complain(&err);
    else if (sscanf(text, "identity\r\n%32[0-9a-f]", out) == 1)
        code = ORR_EXIT_OK;
    else
        (void)fprintf(stderr, "orrery why: run.h5 has no task %s\n", number);
    if (table)
        (void)fclose(table);
    free(text);
    free(path);
    orr_text_release(&where);
    return code;
}

static int find_identity(struct question *q, const char *prefix)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < orr_engine_tasks(q->replay.engine); i++) {
        char hex[ORR_ID_TEXT];
        orr_id_text(orr_engine_task(q->replay.engine, (orr_task_id) { i })->identity,
                    hex);
        if (strncmp(hex, prefix, strlen(prefix)) != 0)
            continue;
        q->index = i;
        found++;
    }
    if (found == 1)
        return ORR_EXIT_OK;
    if (found)
        (void)fprintf(stderr,
                      "orrery why: %" PRIu32 " tasks have identities that begin with "
                      "%s: give more digits\n",
                      found, prefix);
    else
        (void)fprintf(stderr,
                      "orrery why: the rules ask for no task whose identity begins "
                      "with %s\n",
                      prefix);
    return ORR_EXIT_INPUT;
}

/* Short decimal numbers are those of run.h5; what is longer, or has letters, is the
 * beginning of an identity. */
static int find_task(struct question *q, const char *word)
{
    char hex[33];
    bool is_hex = *word && strspn(word, "0123456789abcdef") == strlen(word);
    bool is_number = *word && strspn(word, "0123456789") == strlen(word);
    q->kind = TASK;
    if (!is_hex) {
        (void)fprintf(stderr,
                      "orrery why: a task is a number of the table `tasks`, or the "
                      "beginning of an identity in hex digits, not '%s'\n",
                      word);
        return ORR_EXIT_INPUT;
    }
    if (!is_number || strlen(word) > 7)
        return find_identity(q, word);
    int code = identity_of_number(q, word, hex);
    return code ? code : find_identity(q, hex);
}

/* ---- what is asked for ---- */

/* With conditions a rule is not meant. */
static int find_any(struct question *q, const char *name)
{
    uint32_t index = 0;
    uint32_t kinds = 0;
    bool conditions = q->line->n_args > 2 || orri_has(q->line, "where");
    for (enum kind k = FACT; k <= (conditions ? OUTPUT : RULE); k++)
        if (find_name(q, k, name, &index)) {
            if (kinds++ && !(k == OUTPUT && q->kind == FACT &&
                             graph_of(q)->outputs[index].fact == q->index)) {
                (void)fprintf(stderr,
                              "orrery why: '%s' is a %s and a %s: say which, as in "
                              "'orrery why %s %s %s'\n",
                              name, kind_words[q->kind], kind_words[k],
                              q->line->args[0], kind_words[q->kind], name);
                return ORR_EXIT_INPUT;
            }
            if (kinds == 1) {
                q->kind = k;
                q->index = index;
            }
        }
    if (kinds)
        return ORR_EXIT_OK;
    bool looks_like_task = strspn(name, "0123456789abcdef") == strlen(name) &&
                           isdigit((unsigned char)*name);
    return looks_like_task ? find_task(q, name) : unknown(q, FACT, RULE, name);
}

static int find_kind(struct question *q, enum kind kind, const char *name)
{
    q->kind = kind;
    if (kind == TASK)
        return find_task(q, name);
    return find_name(q, kind, name, &q->index) ? ORR_EXIT_OK
                                               : unknown(q, kind, kind, name);
}

/* ---- conditions ---- */

static uint32_t type_of(const struct question *q)
{
    return q->kind == OUTPUT ? graph_of(q)->outputs[q->index].fact : q->index;
}

static int unknown_field(const struct question *q, const char *name)
{
    const struct orr_fact_type *type = &graph_of(q)->facts[type_of(q)];
    const char **names = orr_alloc(type->record->n_fields + 1, sizeof *names);
    for (uint32_t i = 0; i < type->record->n_fields; i++)
        names[i] = type->record->fields[i].name;
    const char *near = orr_text_nearest(name, names, type->record->n_fields);
    (void)fprintf(stderr, "orrery why: facts '%s' have no field '%s'", type->name,
                  name);
    if (near)
        (void)fprintf(stderr, "; did you mean '%s'?", near);
    (void)fputs("\n", stderr);
    free(names);
    return ORR_EXIT_INPUT;
}

static const char *line_of(void *context, const char *file)
{
    (void)file;
    return context;
}

static int complain_of(const struct orr_diags *diags, const char *text)
{
    struct orr_text out = ORR_TEXT_INIT;
    orr_diags_render((struct orr_diags *)(uintptr_t)diags, line_of,
                     (void *)(uintptr_t)text, &out);
    orr_text_print(stderr, out.s ? out.s : "");
    orr_text_release(&out);
    return ORR_EXIT_INPUT;
}

/* FIELD=VALUE: a text as it is, anything else as the language writes it. */
static int read_field(struct question *q, const char *word)
{
    const char *equals = strchr(word, '=');
    if (!equals) {
        (void)fprintf(stderr, "orrery why: FIELD=VALUE is wanted, not '%s'\n", word);
        return ORR_EXIT_INPUT;
    }
    char *name = orr_arena_strndup(&q->arena, word, (size_t)(equals - word));
    const struct orr_record_type *record = graph_of(q)->facts[type_of(q)].record;
    int field = orr_record_field(record, name);
    if (field < 0)
        return unknown_field(q, name);
    const struct orr_type *type = record->fields[field].type;
    struct orr_why_field *out = &q->fields[q->n_fields++];
    out->field = (uint32_t)field;
    if (type->kind == ORR_KIND_STRING || type->kind == ORR_KIND_PATH) {
        out->value =
            orr_string_new(&q->arena, type->kind, equals + 1, strlen(equals + 1));
        return ORR_EXIT_OK;
    }
    struct orr_diags diags = { 0 };
    struct orr_scope scope = { 0 };
    struct orr_expr *expr = orr_expr_compile(
        equals + 1, (struct orr_span) { name, 1, 1 }, &scope, type, &q->arena, &diags);
    int code = expr && orr_expr_eval(expr, NULL, &q->arena, &out->value, NULL) == ORR_OK
                   ? ORR_EXIT_OK
                   : complain_of(&diags, equals + 1);
    orr_diags_release(&diags);
    return code;
}

/* FIELD == CONSTANT? */
static bool take_equality(struct question *q, const struct orr_expr *part)
{
    struct orr_expr *sides[2] = { NULL, NULL };
    struct orr_why_field *out = &q->fields[q->n_fields];
    if (!orr_expr_equality(part, &sides[0], &sides[1]))
        return false;
    for (int i = 0; i < 2; i++)
        if (orr_expr_slot_of(sides[i], &out->field) && !orr_expr_slots(sides[1 - i]) &&
            orr_expr_eval(sides[1 - i], NULL, &q->arena, &out->value, NULL) == ORR_OK) {
            q->n_fields++;
            return true;
        }
    return false;
}

static int read_where(struct question *q, const char *text)
{
    struct orr_diags diags = { 0 };
    struct orr_scope scope = { 0 };
    const struct orr_record_type *record = graph_of(q)->facts[type_of(q)].record;
    struct orr_expr *parts[ORR_SLOTS_MAX];
    for (uint32_t i = 0; i < record->n_fields && i < ORR_SLOTS_MAX; i++) {
        scope.slots[i].name = record->fields[i].name;
        scope.slots[i].type = record->fields[i].type;
    }
    struct orr_expr *expr =
        orr_expr_compile(text, (struct orr_span) { "--where", 1, 1 }, &scope,
                         orr_type_scalar(ORR_KIND_BOOL), &q->arena, &diags);
    int code = expr ? ORR_EXIT_OK : complain_of(&diags, text);
    size_t n = expr ? orr_expr_conjuncts(expr, parts, ORR_SLOTS_MAX) : 0;
    for (size_t i = 0; i < n; i++)
        if (!take_equality(q, parts[i]))
            q->where = expr;
    orr_diags_release(&diags);
    return code;
}

static int read_conditions(struct question *q, size_t from)
{
    const char *where = orri_option(q->line, "where");
    int code = ORR_EXIT_OK;
    if ((where || from < q->line->n_args) && q->kind != FACT && q->kind != OUTPUT) {
        (void)fprintf(stderr, "orrery why: conditions go with facts, not with a %s\n",
                      kind_words[q->kind]);
        return ORR_EXIT_INPUT;
    }
    for (size_t i = from; i < q->line->n_args && code == ORR_EXIT_OK; i++)
        code = read_field(q, q->line->args[i]);
    return code || !where ? code : read_where(q, where);
}

/* ---- answers ---- */

/* "calls of 'encode' wait for memory: each asks for 4 cores, 8 GiB of memory", while
 * somebody works on the run. */
static const char *waiting_line(const struct question *q, uint32_t task,
                                struct orr_arena *arena)
{
    const struct orr_task *t =
        orr_engine_task(q->replay.engine, (orr_task_id) { task });
    const struct orr_graph_function *f = &graph_of(q)->functions[t->function];
    struct orr_resources needs = orr_function_needs(f);
    if (!q->replay.info.locked || t->function >= q->status.n_stages ||
        !q->status.stages[t->function].waits_for[0] ||
        orr_engine_task_state(q->replay.engine, (orr_task_id) { task }) !=
            ORR_TASK_WAITING)
        return NULL;
    struct orr_text text = ORR_TEXT_INIT;
    orr_resources_print(&needs, &text);
    const char *line =
        orr_arena_printf(arena, "calls of '%s' wait for %s: each asks for %s", f->name,
                         q->status.stages[t->function].waits_for, text.s);
    orr_text_release(&text);
    return line;
}

/* "attempt 1 on node7, rank 3, core 0, 1.250 s: exit 3: no space" */
static const char *attempt_line(void *context, uint32_t task, uint32_t i,
                                struct orr_arena *arena)
{
    const struct question *q = context;
    const struct orri_replay *r = &q->replay;
    const struct orr_tried *t = task < r->n_tasks ? r->tried[task] : NULL;
    while (t && i) {
        t = t->next;
        i--;
    }
    if (!t)
        return i == 0 ? waiting_line(q, task, arena) : NULL;
    const char *session = t->epoch == r->info.epoch
                              ? ""
                              : orr_arena_printf(arena, ", session %" PRIu32, t->epoch);
    if (!t->attempt)
        return orr_arena_printf(arena, "taken from run %s%s: done", t->host, session);
    const char *head = orr_arena_printf(arena,
                                        "attempt %" PRIu32 " on %s, rank %" PRIu32
                                        ", core %" PRIu32 ", %.3f s%s",
                                        t->attempt, t->host, t->rank, t->core,
                                        (double)(t->t_end - t->t_start) / 1e9, session);
    if (t->failure == ORR_FAIL_NONE)
        return orr_arena_printf(arena, "%s: done", head);
    return orr_arena_printf(arena, "%s: %s %" PRId64 ": %s", head,
                            orr_fail_kind_text[t->failure], t->code, t->message);
}

static void print(const struct question *q, const struct orr_why_node *node)
{
    struct orr_text out = ORR_TEXT_INIT;
    if (orri_has(q->line, "json"))
        orr_why_json(node, &out);
    else
        orr_why_print(node, &out);
    if (orri_has(q->line, "json"))
        (void)fputs(out.s ? out.s : "", stdout);
    else
        orr_text_print(stdout, out.s ? out.s : "");
    orr_text_release(&out);
}

static void answer(struct question *q)
{
    const struct orr_why_facts facts = { type_of(q), q->request, q->fields, q->n_fields,
                                         q->where };
    switch (q->kind) {
    case RULE: print(q, orr_why_rule(q->why, q->index, q->request)); break;
    case TASK: print(q, orr_why_task(q->why, q->index)); break;
    default: print(q, orr_why_facts(q->why, &facts));
    }
}

static int ask(struct question *q)
{
    char **args = q->line->args;
    size_t n = q->line->n_args;
    int code = -1;
    size_t from = 2;
    if (n == 1) {
        print(q, orr_why_outputs(q->why, q->request));
        return ORR_EXIT_OK;
    }
    for (int k = FACT; k < N_KINDS && n > 2 && code < 0; k++)
        if (strcmp(args[1], kind_words[k]) == 0) {
            code = find_kind(q, (enum kind)k, args[2]);
            from = 3;
        }
    if (code < 0)
        code = find_any(q, args[1]);
    if (code == ORR_EXIT_OK)
        code = read_conditions(q, from);
    if (code == ORR_EXIT_OK)
        answer(q);
    return code;
}

static int why_main(const struct orr_line *line)
{
    struct question q = { .line = line };
    long depth = 0;
    long limit = 0;
    long request = 0;
    if (!orri_number(line, "depth", 1, 1000, DEPTH, &depth) ||
        !orri_number(line, "limit", 1, 1000000, LIMIT, &limit) ||
        !orri_number(line, "request", 0, UINT32_MAX - 1L, UINT32_MAX, &request))
        return ORR_EXIT_INPUT;
    int code = orri_replay_open(line->args[0], orri_has(line, "now"), &q.replay);
    if (code == ORR_EXIT_OK && request != UINT32_MAX &&
        (uint64_t)request >= orr_engine_requests(q.replay.engine)) {
        (void)fprintf(stderr,
                      "orrery why: the run has %" PRIu32
                      " requests, numbered from 0; there is no request %ld\n",
                      orr_engine_requests(q.replay.engine), request);
        code = ORR_EXIT_INPUT;
    }
    if (code == ORR_EXIT_OK) {
        q.request = (uint32_t)request;
        if (orr_status_read(line->args[0], &q.status, NULL) != ORR_OK)
            q.status = (struct orr_run_status) { 0 };
        q.why = orr_why_new(&(struct orr_why_setup) { .graph = q.replay.job->graph,
                                                      .engine = q.replay.engine,
                                                      .attempt = attempt_line,
                                                      .context = &q,
                                                      .depth = (uint32_t)depth,
                                                      .limit = (uint32_t)limit });
        orri_replay_tell(&q.replay, "why");
        code = ask(&q);
    }
    orr_why_free(q.why);
    orri_replay_release(&q.replay);
    orr_arena_release(&q.arena);
    return code;
}

static const struct orr_option why_options[] = {
    { "where", 'w', "EXPR", "only facts for which it is true; fields are variables",
      false },
    { "request", 'r', "N", "only of this request (default: of any)", false },
    { "depth", 0, "N", "facts behind facts that are told (default 20)", false },
    { "limit", 0, "N", "things of a kind that are told one by one (default 5)", false },
    { "now", 0, NULL, "with the job and workflow files as they are, not as they were",
      false },
    { "json", 0, NULL, "one JSON object: a tree of kind, text, because", false },
    { 0 },
};

const struct orr_command_entry orri_why = {
    .name = "why",
    .arguments = "RUN [[fact|output|rule|task] NAME [FIELD=VALUE]...]",
    .summary = "how a fact came to be, or why one did not",
    .details =
        "NAME is a fact type, an output, a rule, the number of a task (orrery ls RUN "
        "tasks), or the\nbeginning of its identity. Without it, the outputs that do "
        "not hold are told. The run may be\nfinished, failed, killed or still on. "
        "Nothing is run, and nothing is written.",
    .options = why_options,
    .least = 1,
    .most = WORDS_MAX,
    .run = why_main,
};
