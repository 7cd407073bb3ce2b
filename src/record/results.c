/* results.c - what each task gave, a table a function; and where the blobs are
 * Owns: the columns of results/FUNCTION and blobs; which blobs a portable file has. */
#include "record/internal.h"

#include "store/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct results {
    struct orri_recorder *recorder;
    struct orr_runtable **tables; /* per function */
    struct orr_runtable *blobs;
    struct orr_value *row; /* of the widest table */
    struct orr_blob_reader *reader;
    struct orr_map inside; /* hashes of blobs that the file has: lo -> hi */
    uint32_t task;         /* row, of the results at hand; */
    const char *function;
};

/* ---- tables ---- */

static struct orr_runtable *results_table(struct orri_recorder *r,
                                          const struct orr_graph_function *f)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    uint32_t n = f->results->n_fields;
    struct orr_table_column *columns =
        orr_arena_alloc(&arena, (n + 1) * sizeof *columns);
    columns[0] =
        (struct orr_table_column)ORRI_COLUMN("task", INT, NULL, "number of the task");
    for (uint32_t i = 0; i < n; i++)
        columns[i + 1] = (struct orr_table_column) {
            orri_column_name(columns, i + 1, f->results->fields[i].name, &arena),
            f->results->fields[i].type, f->results->fields[i].unit,
            f->results->fields[i].doc
        };
    struct orr_runtable *table = orr_runfile_table(
        r->file, orr_arena_printf(&arena, "results/%s", f->name),
        "what the tasks of one function gave, a row a finished task", columns, n + 1);
    orr_arena_release(&arena);
    return table;
}

static struct orr_runtable *blobs_table(struct orri_recorder *r)
{
    const struct orr_table_column columns[] = {
        ORRI_COLUMN("task", INT, NULL, "number of the task that gave it"),
        ORRI_COLUMN("function", STRING, NULL, "its function, as in the table tasks"),
        ORRI_COLUMN("field", STRING, NULL,
                    "where in its results: a field, with [index] in a list"),
        ORRI_COLUMN("hash", STRING, NULL, "XXH3-128 of the bytes"),
        ORRI_COLUMN("bytes", SIZE, NULL, "length"),
        ORRI_COLUMN("shard", STRING, NULL, "it lies in shards/SHARD.blob.h5"),
        ORRI_COLUMN("offset", INT, "bytes", "where it starts in /log"),
    };
    return orr_runfile_table(r->file, "blobs/index",
                             "where the bytes of each blob of a result lie", columns,
                             7);
}

static void make_tables(struct results *all)
{
    const struct orr_graph *graph = all->recorder->setup->graph;
    uint32_t widest = 0;
    all->tables = orr_alloc((size_t)graph->n_functions + 1, sizeof *all->tables);
    for (uint32_t f = 0; f < graph->n_functions; f++) {
        uint32_t n = graph->functions[f].results->n_fields;
        all->tables[f] = results_table(all->recorder, &graph->functions[f]);
        widest = n > widest ? n : widest;
    }
    all->blobs = blobs_table(all->recorder);
    all->row = orr_alloc((size_t)widest + 1, sizeof *all->row);
}

/* ---- blobs ---- */

static orr_status put_inside(struct results *all, const struct orr_blob *blob)
{
    bool fresh = false;
    void *bytes = NULL;
    struct orri_recorder *r = all->recorder;
    uint64_t *slot = orr_map_insert(&all->inside, blob->hash.lo, &fresh);
    if (!fresh && *slot == blob->hash.hi)
        return ORR_OK;
    *slot = blob->hash.hi;
    orr_status status = orr_blob_load(all->reader, blob, &bytes, r->err);
    if (status == ORR_OK)
        status = orr_runfile_blob(r->file, blob, bytes, r->err);
    free(bytes);
    return status;
}

static orr_status record_blob(struct results *all, const struct orr_blob *blob,
                              const char *field)
{
    char shard[ORR_SHARD_NAME];
    struct orri_recorder *r = all->recorder;
    orr_shard_name(blob->writer, blob->epoch, blob->segment, shard);
    struct orr_value row[] = {
        orr_int(all->task),
        orri_text(r, all->function),
        orri_text(r, field),
        orri_identity(r, blob->hash),
        { .kind = ORR_KIND_SIZE, .as.i = (int64_t)blob->length },
        orri_text(r, shard),
        orr_int((int64_t)blob->offset),
    };
    orr_status status = orr_runtable_row(all->blobs, row, r->err);
    return status == ORR_OK && all->reader ? put_inside(all, blob) : status;
}

static orr_status record_blobs_in(struct results *all, struct orr_value v,
                                  const char *field)
{
    struct orr_arena *arena = &all->recorder->arena;
    orr_status status = ORR_OK;
    if (v.kind == ORR_KIND_BLOB)
        status = record_blob(all, v.as.blob, field);
    for (uint32_t i = 0;
         v.kind == ORR_KIND_LIST && i < v.as.list->n && status == ORR_OK; i++) {
        uint8_t kind = v.as.list->items[i].kind;
        if (kind == ORR_KIND_BLOB || kind == ORR_KIND_LIST || kind == ORR_KIND_RECORD)
            status = record_blobs_in(all, v.as.list->items[i],
                                     orr_arena_printf(arena, "%s[%u]", field, i));
    }
    for (uint32_t i = 0; v.kind == ORR_KIND_RECORD && i < v.as.record->type->n_fields &&
                         status == ORR_OK;
         i++)
        status =
            record_blobs_in(all, v.as.record->fields[i],
                            orr_arena_printf(arena, "%s%s%s", field, *field ? "." : "",
                                             v.as.record->type->fields[i].name));
    return status;
}

/* ---- rows ---- */

/* A workflow that stands for a function hands on the blobs of its calls. */
static orr_status record_result(struct results *all, uint32_t row)
{
    struct orri_recorder *r = all->recorder;
    orr_task_id id = { r->orders.tasks.at[row] };
    const struct orr_task *task = orr_engine_task(r->setup->engine, id);
    const struct orr_graph_function *f = &r->setup->graph->functions[task->function];
    const struct orr_record *results =
        orr_engine_task_results(r->setup->engine, id, &r->arena);
    if (!results)
        return ORR_OK;
    all->row[0] = orr_int(row);
    memcpy(all->row + 1, results->fields,
           f->results->n_fields * sizeof *results->fields);
    orr_status status = orr_runtable_row(all->tables[task->function], all->row, r->err);
    all->task = row;
    all->function = f->name;
    if (status == ORR_OK && f->form != ORR_FORM_WORKFLOW)
        status = record_blobs_in(all, orr_value_of_record(results), "");
    orr_arena_reset(&r->arena);
    return status;
}

orr_status orri_record_results(struct orri_recorder *r)
{
    struct results all = { .recorder = r };
    orr_status status = ORR_OK;
    make_tables(&all);
    if (r->setup->portable)
        all.reader = orr_blob_reader_new(r->setup->run_dir);
    for (uint32_t i = 0; i < r->orders.tasks.n && status == ORR_OK; i++)
        status = record_result(&all, i);
    orr_blob_reader_free(all.reader);
    orr_map_release(&all.inside);
    free(all.tables);
    free(all.row);
    return status;
}
