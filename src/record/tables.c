/* tables.c - requests, rules, firings, facts, tasks: what the engine knows
 * Owns: the columns of these tables. */
#include "record/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- cells ---- */

struct orr_value orri_text(struct orri_recorder *r, const char *s)
{
    struct orr_text out = ORR_TEXT_INIT;
    orr_text_utf8(&out, s ? s : "", s ? strlen(s) : 0);
    struct orr_value v =
        orr_string_new(&r->arena, ORR_KIND_STRING, out.s ? out.s : "", out.length);
    orr_text_release(&out);
    return v;
}

struct orr_value orri_identity(struct orri_recorder *r, struct orr_id id)
{
    char hex[ORR_ID_TEXT];
    orr_id_text(id, hex);
    return orri_text(r, hex);
}

struct orr_value orri_unix_time(int64_t wall_ns)
{
    return orr_float((double)wall_ns / 1e9);
}

struct orr_id orri_identity_of(const struct orri_recorder *r, uint32_t task)
{
    return r->setup->identities
               ? r->setup->identities[task]
               : orr_engine_task(r->setup->engine, (orr_task_id) { task })->identity;
}

/* Is one the other, or the other with _valid behind it? */
static bool collide(const char *a, const char *b)
{
    size_t length = strlen(a);
    return strncmp(a, b, length) == 0 &&
           (!b[length] || strcmp(b + length, "_valid") == 0);
}

static bool is_taken(const struct orr_table_column *columns, uint32_t n,
                     const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (collide(columns[i].name, name) || collide(name, columns[i].name))
            return true;
    return false;
}

const char *orri_column_name(const struct orr_table_column *columns, uint32_t n,
                             const char *name, struct orr_arena *arena)
{
    while (is_taken(columns, n, name))
        name = orr_arena_printf(arena, "%s_", name);
    return name;
}

/* ---- requests and rules ---- */

orr_status orri_record_requests(struct orri_recorder *r)
{
    const struct orr_table_column columns[] = {
        ORRI_COLUMN("request", INT, NULL, "number of the request, from 0"),
        ORRI_COLUMN("state", STRING, NULL,
                    "succeeded, failed or running (not finished)"),
        ORRI_COLUMN("reason", STRING, NULL, "why it failed, or what it waits for"),
    };
    static const char *const states[] = { "running", "succeeded", "failed" };
    struct orr_engine *engine = r->setup->engine;
    struct orr_runtable *table =
        orr_runfile_table(r->file, "requests", "the requests of this run", columns, 3);
    orr_status status = ORR_OK;
    for (uint32_t i = 0; i < orr_engine_requests(engine) && status == ORR_OK; i++) {
        struct orr_text why = ORR_TEXT_INIT;
        enum orr_request_state state = orr_engine_request_state(engine, i, &why);
        struct orr_value row[] = {
            orr_int(i), orri_text(r, states[state]),
            orri_text(r, state == ORR_REQUEST_SUCCEEDED ? "" : why.s)
        };
        status = orr_runtable_row(table, row, r->err);
        orr_text_release(&why);
        orr_arena_reset(&r->arena);
    }
    return status;
}

orr_status orri_record_rules(struct orri_recorder *r)
{
    const struct orr_table_column columns[] = {
        ORRI_COLUMN("rule", STRING, NULL, "name of the rule"),
        ORRI_COLUMN("firings", INT, NULL, "matches that it fired for, once each"),
    };
    const struct orr_graph *graph = r->setup->graph;
    struct orr_runtable *table =
        orr_runfile_table(r->file, "rules", "how often each rule fired", columns, 2);
    orr_status status = ORR_OK;
    for (uint32_t i = 0; i < graph->n_rules && status == ORR_OK; i++) {
        struct orr_value row[] = { orri_text(r, graph->rules[i].name),
                                   orr_int((int64_t)orr_engine_firings(r->setup->engine,
                                                                       i)) };
        status = orr_runtable_row(table, row, r->err);
        orr_arena_reset(&r->arena);
    }
    return status;
}

/* ---- firings ---- */

/* "item 3, side 5": fact types with the rows of their tables. */
static struct orr_value matched(struct orri_recorder *r,
                                const struct orr_engine_firing *f)
{
    const struct orr_graph *graph = r->setup->graph;
    struct orr_text out = ORR_TEXT_INIT;
    for (uint32_t i = 0; i < f->n_match; i++) {
        uint32_t type = graph->rules[f->rule].match[i].fact;
        orr_text_printf(&out, "%s%s %u", i ? ", " : "", graph->facts[type].name,
                        r->orders.facts[type].row[f->match[i]]);
    }
    struct orr_value v = orri_text(r, out.s);
    orr_text_release(&out);
    return v;
}

orr_status orri_record_firings(struct orri_recorder *r)
{
    const struct orr_table_column columns[] = {
        ORRI_COLUMN("firing", INT, NULL, "number of the firing, from 0"),
        ORRI_COLUMN("rule", STRING, NULL, "name of the rule"),
        ORRI_COLUMN("request", INT, NULL, "number of the request"),
        ORRI_COLUMN("task", INT, NULL, "number of the task that it called, -1: none"),
        ORRI_COLUMN("failures", INT, NULL, "attempts that failed before it went on"),
        ORRI_COLUMN("handled", BOOL, NULL,
                    "an error handler asserted a fact, or skipped"),
        ORRI_COLUMN("matched", STRING, NULL,
                    "what it matched: fact types, and rows of their tables"),
    };
    struct orr_runtable *table =
        orr_runfile_table(r->file, "firings",
                          "each firing of a rule: what for, and with what", columns, 7);
    orr_status status = ORR_OK;
    for (uint32_t i = 0; i < r->orders.n_firings && status == ORR_OK; i++) {
        struct orr_engine_firing f =
            orr_engine_firing(r->setup->engine, r->orders.firings[i]);
        struct orr_value row[] = {
            orr_int(i),
            orri_text(r, r->setup->graph->rules[f.rule].name),
            orr_int(f.request),
            orr_int(f.task == ORR_NONE ? -1 : (int64_t)r->orders.tasks.row[f.task]),
            orr_int(f.failures),
            orr_bool(f.handled),
            matched(r, &f),
        };
        status = orr_runtable_row(table, row, r->err);
        orr_arena_reset(&r->arena);
    }
    return status;
}

/* ---- facts ---- */

static struct orr_runtable *facts_table(struct orri_recorder *r,
                                        const struct orr_fact_type *fact)
{
    const struct orr_record_type *record = fact->record;
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_table_column *columns =
        orr_arena_alloc(&arena, (record->n_fields + 1) * sizeof *columns);
    columns[0] = (struct orr_table_column)ORRI_COLUMN("request", INT, NULL,
                                                      "number of the request");
    for (uint32_t i = 0; i < record->n_fields; i++)
        columns[i + 1] = (struct orr_table_column) {
            orri_column_name(columns, i + 1, record->fields[i].name, &arena),
            record->fields[i].type, record->fields[i].unit, record->fields[i].doc
        };
    struct orr_runtable *table = orr_runfile_table(
        r->file, orr_arena_printf(&arena, "facts/%s", fact->name),
        fact->doc ? fact->doc : "facts of one type", columns, record->n_fields + 1);
    orr_arena_release(&arena);
    return table;
}

static orr_status record_facts_of(struct orri_recorder *r, uint32_t type)
{
    const struct orr_fact_type *fact = &r->setup->graph->facts[type];
    const struct orri_order *order = &r->orders.facts[type];
    uint32_t n = fact->record->n_fields;
    struct orr_runtable *table = facts_table(r, fact);
    struct orr_value *row = orr_alloc((size_t)n + 1, sizeof *row);
    orr_status status = ORR_OK;
    for (uint32_t i = 0; i < order->n && status == ORR_OK; i++) {
        uint32_t at = order->at[i];
        row[0] = orr_int(orr_engine_request_of(r->setup->engine, type, at));
        for (uint32_t f = 0; f < n; f++)
            row[f + 1] = orr_engine_fact_field(r->setup->engine, type, at, f);
        status = orr_runtable_row(table, row, r->err);
    }
    free(row);
    return status;
}

orr_status orri_record_facts(struct orri_recorder *r)
{
    orr_status status = ORR_OK;
    for (uint32_t t = 0; t < r->setup->graph->n_facts && status == ORR_OK; t++)
        status = record_facts_of(r, t);
    return status;
}

/* ---- tasks ---- */

enum { TASK_COLUMNS = 11 };

/* A workflow that stands for a function has no attempts, and so no times (NaN). */
static void task_row(struct orri_recorder *r, uint32_t row, struct orr_value *out)
{
    static const char *const states[] = { "waiting", "done", "failed" };
    const struct orr_graph *graph = r->setup->graph;
    uint32_t number = r->orders.tasks.at[row];
    orr_task_id id = { number };
    const struct orr_task *task = orr_engine_task(r->setup->engine, id);
    const struct orri_spent *spent = &r->spent[row];
    uint32_t rule = task->rule;
    uint32_t request = task->request;
    if (r->orders.asked[number] != ORR_NONE) {
        uint32_t firing = r->orders.firings[r->orders.asked[number]];
        rule = orr_engine_firing(r->setup->engine, firing).rule;
        request = orr_engine_firing(r->setup->engine, firing).request;
    }
    out[0] = orr_int(row);
    out[1] = orri_identity(r, orri_identity_of(r, number));
    out[2] = orri_text(r, graph->functions[task->function].name);
    out[3] = orri_text(r, graph->rules[rule].name);
    out[4] = orr_int(request);
    bool taken = spent->from && !spent->attempts;
    out[5] = orri_text(r, taken ? "reused"
                                : states[orr_engine_task_state(r->setup->engine, id)]);
    out[6] = orr_int(spent->attempts);
    out[7] = spent->attempts ? orri_unix_time(spent->started) : orr_null();
    out[8] =
        spent->attempts ? orri_unix_time(spent->ended - spent->started) : orr_null();
    out[9] = orri_unix_time(spent->cpu);
    out[10] = orri_text(r, spent->from ? r->origins[spent->from - 1].id : "");
}

/* Workflows that stand for functions are never stored. */
static void count_unstored(struct orri_recorder *r)
{
    *r->setup->unstored = 0;
    for (uint32_t row = 0; row < r->orders.tasks.n; row++) {
        orr_task_id id = { r->orders.tasks.at[row] };
        const struct orr_task *task = orr_engine_task(r->setup->engine, id);
        bool done = orr_engine_task_state(r->setup->engine, id) == ORR_TASK_DONE;
        bool called =
            r->setup->graph->functions[task->function].form != ORR_FORM_WORKFLOW;
        *r->setup->unstored +=
            done && called && !r->spent[row].succeeded && !r->spent[row].from;
    }
}

orr_status orri_record_tasks(struct orri_recorder *r)
{
    const struct orr_table_column columns[TASK_COLUMNS] = {
        ORRI_COLUMN("task", INT, NULL, "number of the task, from 0: its row"),
        ORRI_COLUMN("identity", STRING, NULL,
                    "hash of function, version and arguments"),
        ORRI_COLUMN("function", STRING, NULL, "name in the workflow"),
        ORRI_COLUMN("rule", STRING, NULL, "the first rule that asked for it"),
        ORRI_COLUMN("request", INT, NULL, "the first request that asked for it"),
        ORRI_COLUMN("state", STRING, NULL,
                    "done, reused (from another run), failed, waiting"),
        ORRI_COLUMN("attempts", INT, NULL, "attempts that ended, in all sessions"),
        ORRI_COLUMN(
            "start", FLOAT, "s",
            "start of the attempt that gave its results, else of the last one, Unix "
            "time"),
        ORRI_COLUMN("seconds", FLOAT, "s", "wall time of that attempt"),
        ORRI_COLUMN("cpu", FLOAT, "s", "CPU time of all attempts"),
        ORRI_COLUMN("from", STRING, NULL,
                    "id of the run that its result was taken from, or empty"),
    };
    struct orr_runtable *table = orr_runfile_table(
        r->file, "tasks", "each call by content", columns, TASK_COLUMNS);
    orr_status status = ORR_OK;
    if (r->setup->unstored)
        count_unstored(r);
    for (uint32_t i = 0; i < r->orders.tasks.n && status == ORR_OK; i++) {
        struct orr_value row[TASK_COLUMNS];
        task_row(r, i, row);
        status = orr_runtable_row(table, row, r->err);
        orr_arena_reset(&r->arena);
    }
    return status;
}
