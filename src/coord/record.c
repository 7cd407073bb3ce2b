/* record.c - run.h5: everything of a run, as tables
 * Owns: the tables' columns. Hands on: HDF5 (store/runfile), attempts (store/scan). */
#include "coord/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/runfile.h"
#include "store/scan.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 256 };

struct writer {
    struct orr_coord *coord;
    struct orr_runfile *file;
    struct orr_arena *arena;
    struct orr_error *err;
    struct orr_runtable *attempts;
    struct orr_runtable *errors;
    struct orr_map task_of; /* identity.lo -> task + 1 */
};

static const struct orr_type optional_int = { .kind = ORR_KIND_INT, .optional = true };

#define COLUMN(name, kind, unit, text)                                                 \
    {                                                                                  \
        name, orr_type_scalar(ORR_KIND_##kind), unit, text                             \
    }

static struct orr_value text(struct writer *w, const char *s)
{
    struct orr_text out = ORR_TEXT_INIT;
    orr_text_utf8(&out, s ? s : "", s ? strlen(s) : 0);
    struct orr_value v =
        orr_string_new(w->arena, ORR_KIND_STRING, out.s ? out.s : "", out.length);
    orr_text_release(&out);
    return v;
}

static struct orr_value seconds_since_epoch(int64_t wall_ns)
{
    return orr_float((double)wall_ns / 1e9);
}

static struct orr_value identity(struct writer *w, struct orr_id id)
{
    char hex[ORR_ID_TEXT];
    orr_id_text(id, hex);
    return text(w, hex);
}

/* ---- requests, rules, tasks, facts: from the engine ---- */

static orr_status write_requests(struct writer *w)
{
    const struct orr_table_column columns[] = {
        COLUMN("request", INT, NULL, "number of the request, from 0"),
        COLUMN("state", STRING, NULL, "succeeded, failed or running (not finished)"),
        COLUMN("reason", STRING, NULL, "why it failed, or what it waits for"),
    };
    static const char *const states[] = { "running", "succeeded", "failed" };
    struct orr_runtable *table =
        orr_runfile_table(w->file, "requests", "the requests of this run", columns, 3);
    orr_status status = ORR_OK;
    for (uint32_t r = 0; r < orr_engine_requests(w->coord->engine) && status == ORR_OK;
         r++) {
        struct orr_text why = ORR_TEXT_INIT;
        enum orr_request_state state =
            orr_engine_request_state(w->coord->engine, r, &why);
        struct orr_value row[] = { orr_int(r), text(w, states[state]),
                                   text(w,
                                        state == ORR_REQUEST_SUCCEEDED ? "" : why.s) };
        status = orr_runtable_row(table, row, w->err);
        orr_text_release(&why);
    }
    return status;
}

static orr_status write_rules(struct writer *w)
{
    const struct orr_table_column columns[] = {
        COLUMN("rule", STRING, NULL, "name of the rule"),
        COLUMN("firings", INT, NULL, "matches that it fired for, once each"),
    };
    struct orr_runtable *table =
        orr_runfile_table(w->file, "rules", "how often each rule fired", columns, 2);
    orr_status status = ORR_OK;
    for (uint32_t r = 0; r < w->coord->setup.graph->n_rules && status == ORR_OK; r++) {
        struct orr_value row[] = { text(w, w->coord->setup.graph->rules[r].name),
                                   orr_int((int64_t)orr_engine_firings(w->coord->engine,
                                                                       r)) };
        status = orr_runtable_row(table, row, w->err);
    }
    return status;
}

/* A workflow that stands for a function runs here, without attempts. A task whose last
 * attempt failed, or was stopped with the run, waits for another one until the rules
 * have given it up. */
static uint16_t state_of(const struct writer *w, uint32_t task)
{
    const struct orr_engine *engine = w->coord->engine;
    if (orri_told(w->coord, task)->state == ORRI_TOLD_REUSED)
        return ORRI_TOLD_REUSED;
    switch (orr_engine_task_state(engine, (orr_task_id) { task })) {
    case ORR_TASK_DONE: return ORRI_TOLD_DONE;
    case ORR_TASK_FAILED: return ORRI_TOLD_FAILED;
    default: return ORRI_TOLD_WAITING;
    }
}

/* "item 3, side 5": fact types with the rows of their tables. */
static struct orr_value matched(struct writer *w, const struct orr_engine_firing *f)
{
    const struct orr_graph *graph = w->coord->setup.graph;
    struct orr_text out = ORR_TEXT_INIT;
    for (uint32_t i = 0; i < f->n_match; i++)
        orr_text_printf(&out, "%s%s %u", i ? ", " : "",
                        graph->facts[graph->rules[f->rule].match[i].fact].name,
                        f->match[i]);
    struct orr_value v = text(w, out.s);
    orr_text_release(&out);
    return v;
}

static orr_status write_firings(struct writer *w)
{
    const struct orr_table_column columns[] = {
        COLUMN("firing", INT, NULL, "number of the firing, ascending, with gaps"),
        COLUMN("rule", STRING, NULL, "name of the rule"),
        COLUMN("request", INT, NULL, "number of the request"),
        COLUMN("task", INT, NULL, "number of the task that it called, -1: none"),
        COLUMN("failures", INT, NULL, "attempts that failed before it went on"),
        COLUMN("handled", BOOL, NULL, "an error handler asserted a fact, or skipped"),
        COLUMN("matched", STRING, NULL,
               "what it matched: fact types, and rows of their tables"),
    };
    const struct orr_engine *engine = w->coord->engine;
    struct orr_runtable *table =
        orr_runfile_table(w->file, "firings",
                          "each firing of a rule: what for, and with what", columns, 7);
    orr_status status = ORR_OK;
    for (uint32_t id = orr_engine_next_firing(engine, ORR_NONE);
         id != ORR_NONE && status == ORR_OK; id = orr_engine_next_firing(engine, id)) {
        struct orr_engine_firing f = orr_engine_firing(engine, id);
        struct orr_value row[] = {
            orr_int(id),         text(w, w->coord->setup.graph->rules[f.rule].name),
            orr_int(f.request),  orr_int(f.task == ORR_NONE ? -1 : (int64_t)f.task),
            orr_int(f.failures), orr_bool(f.handled),
            matched(w, &f),
        };
        status = orr_runtable_row(table, row, w->err);
        orr_arena_reset(w->arena);
    }
    return status;
}

static orr_status write_tasks(struct writer *w)
{
    const struct orr_table_column columns[] = {
        COLUMN("task", INT, NULL, "number of the task in this epoch"),
        COLUMN("identity", STRING, NULL, "hash of function, version and arguments"),
        COLUMN("function", STRING, NULL, "name in the workflow"),
        COLUMN("rule", STRING, NULL, "the first rule that asked for it"),
        COLUMN("request", INT, NULL, "the first request that asked for it"),
        COLUMN("state", STRING, NULL,
               "done, reused (from an earlier epoch, or another run), failed, "
               "waiting"),
        COLUMN("attempts", INT, NULL, "attempts that ended in this epoch"),
        COLUMN("start", FLOAT, "s", "start of the last attempt, Unix time"),
        COLUMN("seconds", FLOAT, "s", "wall time of the last attempt"),
        COLUMN("cpu", FLOAT, "s", "CPU time of all attempts"),
        COLUMN("from", STRING, NULL, "id of the run that it was taken from, or empty"),
    };
    static const char *const states[] = { "waiting", "done", "reused", "failed" };
    const struct orr_graph *graph = w->coord->setup.graph;
    struct orr_runtable *table =
        orr_runfile_table(w->file, "tasks", "each call by content", columns, 11);
    orr_status status = ORR_OK;
    for (uint32_t t = 0; t < orr_engine_tasks(w->coord->engine) && status == ORR_OK;
         t++) {
        const struct orr_task *task =
            orr_engine_task(w->coord->engine, (orr_task_id) { t });
        const struct orri_task_record *record = orri_record(w->coord, t);
        uint16_t origin = orri_told(w->coord, t)->origin;
        bool fresh = false;
        *orr_map_insert(&w->task_of, task->identity.lo, &fresh) = t + 1;
        struct orr_value row[] = {
            orr_int(t),
            identity(w, task->identity),
            text(w, graph->functions[task->function].name),
            text(w, graph->rules[task->rule].name),
            orr_int(task->request),
            text(w, states[state_of(w, t)]),
            orr_int(record->attempts),
            seconds_since_epoch(record->started),
            orr_float((double)(record->ended - record->started) / 1e9),
            orr_float((double)record->cpu / 1e9),
            text(w, origin ? w->coord->origins[origin - 1] : ""),
        };
        status = orr_runtable_row(table, row, w->err);
        orr_arena_reset(w->arena);
    }
    return status;
}

static orr_status write_facts_of(struct writer *w, uint32_t type)
{
    const struct orr_fact_type *fact = &w->coord->setup.graph->facts[type];
    struct orr_table_column columns[COLUMNS_MAX] = {
        COLUMN("request", INT, NULL, "number of the request"),
    };
    uint32_t n = fact->record->n_fields < COLUMNS_MAX - 1 ? fact->record->n_fields
                                                          : COLUMNS_MAX - 1;
    for (uint32_t i = 0; i < n; i++)
        columns[i + 1] = (struct orr_table_column) { fact->record->fields[i].name,
                                                     fact->record->fields[i].type,
                                                     fact->record->fields[i].unit,
                                                     fact->record->fields[i].doc };
    char name[200];
    (void)snprintf(name, sizeof name, "facts/%s", fact->name);
    struct orr_runtable *table = orr_runfile_table(
        w->file, name, fact->doc ? fact->doc : "facts of one type", columns, n + 1);
    orr_status status = ORR_OK;
    for (uint32_t i = 0;
         i < orr_engine_facts(w->coord->engine, type) && status == ORR_OK; i++) {
        uint32_t request = 0;
        struct orr_value v = orr_engine_fact(w->coord->engine, type, i, &request);
        struct orr_value row[COLUMNS_MAX] = { orr_int(request) };
        memcpy(row + 1, v.as.record->fields, n * sizeof *row);
        status = orr_runtable_row(table, row, w->err);
    }
    return status;
}

/* ---- attempts, errors, frames: from the shards ---- */

static void attempt_tables(struct writer *w)
{
    const struct orr_table_column attempts[] = {
        { "task", &optional_int, NULL,
          "number of the task; missing when no task of this "
          "epoch has its identity" },
        COLUMN("identity", STRING, NULL, "identity of the task"),
        COLUMN("function", STRING, NULL, "function that ran"),
        COLUMN("attempt", INT, NULL, "number of the attempt, from 1"),
        COLUMN("failure", STRING, NULL, "kind of failure, none for success"),
        COLUMN("host", STRING, NULL, "node"),
        COLUMN("rank", INT, NULL, "rank that ran it"),
        COLUMN("core", INT, NULL, "first of its cores on the node"),
        COLUMN("start", FLOAT, "s", "Unix time"),
        COLUMN("seconds", FLOAT, "s", "wall time"),
        COLUMN("cpu_user", FLOAT, "s", NULL),
        COLUMN("cpu_system", FLOAT, "s", NULL),
        COLUMN("max_rss", SIZE, NULL, "peak memory of the process"),
        COLUMN("queued", FLOAT, "s", "time between ready and start"),
        COLUMN("blob_bytes", SIZE, NULL, "bytes of blobs it left in the shard"),
        COLUMN("epoch", INT, NULL, "session of the run"),
    };
    const struct orr_table_column errors[] = {
        COLUMN("identity", STRING, NULL, "identity of the task"),
        COLUMN("function", STRING, NULL, "function that failed"),
        COLUMN("attempt", INT, NULL, "number of the attempt, from 1"),
        COLUMN("kind", STRING, NULL,
               "exit, signal, timeout, memory, lost, invalid, io"),
        COLUMN("code", INT, NULL, "exit code or signal number"),
        COLUMN("message", STRING, NULL, "what happened"),
        COLUMN("stderr", STRING, NULL, "standard error, first and last 64 KiB"),
        COLUMN("host", STRING, NULL, "node"),
    };
    w->attempts =
        orr_runfile_table(w->file, "attempts", "each try at a task", attempts, 16);
    w->errors = orr_runfile_table(w->file, "errors", "attempts that failed", errors, 8);
}

/* Programs write what they like to standard error; the table is UTF-8. */
static struct orr_value error_text(struct writer *w, const struct orr_stored *s)
{
    struct orr_text out = ORR_TEXT_INIT;
    orr_text_utf8(&out, s->error_tail ? s->error_tail : "", s->error_tail_bytes);
    struct orr_value v =
        orr_string_new(w->arena, ORR_KIND_STRING, out.s ? out.s : "", out.length);
    orr_text_release(&out);
    return v;
}

static orr_status write_error(struct writer *w, const struct orr_stored *s)
{
    struct orr_value row[] = {
        identity(w, s->id),  text(w, s->function),
        orr_int(s->attempt), text(w, orr_fail_kind_text[s->failure]),
        orr_int(s->code),    text(w, s->message),
        error_text(w, s),    text(w, s->host),
    };
    return orr_runtable_row(w->errors, row, w->err);
}

static orr_status write_attempt(void *context, const struct orr_stored *s,
                                const struct orr_place *place, struct orr_error *err)
{
    struct writer *w = context;
    const uint64_t *slot = orr_map_find(&w->task_of, s->id.lo);
    if (!s->attempt) /* another run made it */
        return ORR_OK;
    struct orr_value row[] = {
        slot ? orr_int((int64_t)*slot - 1) : orr_null(),
        identity(w, s->id),
        text(w, s->function),
        orr_int(s->attempt),
        text(w, orr_fail_kind_text[s->failure]),
        text(w, s->host),
        orr_int(s->rank),
        orr_int(s->core),
        seconds_since_epoch(s->t_start),
        orr_float((double)(s->t_end - s->t_start) / 1e9),
        orr_float((double)s->cpu_user / 1e9),
        orr_float((double)s->cpu_sys / 1e9),
        { .kind = ORR_KIND_SIZE, .as.i = (int64_t)s->max_rss },
        orr_float((double)s->queued / 1e9),
        { .kind = ORR_KIND_SIZE, .as.i = (int64_t)place->blob_bytes },
        orr_int(place->epoch),
    };
    orr_status status = orr_runtable_row(w->attempts, row, err);
    if (status == ORR_OK && s->failure != ORR_FAIL_NONE)
        status = write_error(w, s);
    if (status == ORR_OK && s->n_rows && s->columns && s->failure == ORR_FAIL_NONE)
        status =
            orr_runfile_frames(w->file, s->function, s->columns,
                               slot ? *slot - 1 : UINT64_MAX, s->rows, s->n_rows, err);
    orr_arena_reset(w->arena);
    return status;
}

static orr_status write_all(struct writer *w)
{
    const struct orr_coord_setup *setup = &w->coord->setup;
    char digest[ORR_ID_TEXT];
    orr_id_text(setup->graph->digest, digest);
    orr_runfile_text(w->file, "run_id", w->coord->status.run_id);
    orr_runfile_text(w->file, "job", setup->name);
    orr_runfile_text(w->file, "workflow", setup->graph->name);
    orr_runfile_text(w->file, "workflow_digest", digest);
    orr_runfile_text(w->file, "state", orr_run_state_text(w->coord->status.state));
    orr_runfile_int(w->file, "epoch", setup->epoch);
    orr_status status = write_requests(w);
    if (status == ORR_OK)
        status = write_rules(w);
    if (status == ORR_OK)
        status = write_firings(w);
    if (status == ORR_OK)
        status = write_tasks(w);
    for (uint32_t t = 0; t < setup->graph->n_facts && status == ORR_OK; t++)
        status = write_facts_of(w, t);
    attempt_tables(w);
    struct orr_scan_options options = { .run_id = setup->run_id };
    if (status == ORR_OK)
        status =
            orr_shards_scan(setup->run_dir, &options, write_attempt, w, NULL, w->err);
    return status;
}

orr_status orri_write_run_file(struct orr_coord *coord, struct orr_error *err)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct writer w = { .coord = coord, .arena = &arena, .err = err };
    char *path = orr_path_join(coord->setup.run_dir, "run.h5");
    orr_status status = orr_runfile_begin(path, &w.file, err);
    if (status == ORR_OK) {
        status = write_all(&w);
        if (status == ORR_OK)
            status = orr_runfile_commit(w.file, err);
        else
            orr_runfile_abandon(w.file);
    }
    free(path);
    orr_map_release(&w.task_of);
    orr_arena_release(&arena);
    return status;
}
