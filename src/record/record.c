/* record.c - the run file from its attributes to its last table
 * Owns: the order in which things are made. Hands on: orders (order.c), tables
 * (tables.c, results.c, shards.c, sessions.c), HDF5 (store/runfile). */
#include "record/internal.h"

#include <stdlib.h>

static void put_attributes(const struct orri_recorder *r)
{
    const struct orr_record_setup *setup = r->setup;
    char digest[ORR_ID_TEXT];
    char id[ORR_ID_TEXT];
    orr_id_text(setup->graph->digest, digest);
    orr_id_text(r->info.id, id);
    orr_runfile_text(r->file, "run_id", id);
    orr_runfile_text(r->file, "job", setup->job);
    orr_runfile_text(r->file, "workflow", setup->graph->name);
    orr_runfile_text(r->file, "workflow_digest", digest);
    orr_runfile_text(r->file, "state", setup->state);
    orr_runfile_int(r->file, "epoch", r->info.epoch);
    orr_runfile_int(r->file, "created", r->info.created);
    orr_runfile_text(r->file, "created.unit", "ns");
}

static void number_tasks(struct orri_recorder *r)
{
    orri_orders_make(r->setup->graph, r->setup->engine, &r->orders);
    uint32_t n = r->orders.tasks.n;
    r->spent = orr_alloc((size_t)n + 1, sizeof *r->spent);
    for (uint32_t i = 0; i < n; i++) {
        bool fresh = false;
        struct orr_id id = orri_identity_of(r, r->orders.tasks.at[i]);
        uint64_t *slot = orr_map_insert(&r->row_of, id.lo, &fresh);
        if (fresh)
            *slot = (uint64_t)i + 1;
    }
}

static orr_status record_all(struct orri_recorder *r)
{
    orr_status (*const parts[])(struct orri_recorder * r) = {
        orri_record_requests, orri_record_rules,    orri_record_firings,
        orri_record_facts,    orri_record_attempts, orri_record_shards,
        orri_record_tasks,    orri_record_results,  orri_record_sessions,
    };
    orr_status status = ORR_OK;
    put_attributes(r);
    number_tasks(r);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == ORR_OK; i++)
        status = parts[i](r);
    return status;
}

orr_status orr_record_write(const struct orr_record_setup *setup, const char *path,
                            struct orr_error *err)
{
    struct orri_recorder r = { .setup = setup, .err = err };
    orr_status status = orr_run_info_read(setup->run_dir, &r.info, err);
    if (status == ORR_OK)
        status = orr_runfile_begin(path, &r.file, err);
    if (status != ORR_OK)
        return status;
    status = record_all(&r);
    if (status == ORR_OK)
        status = orr_runfile_commit(r.file, err);
    else
        orr_runfile_abandon(r.file);
    orri_orders_release(&r.orders);
    orr_map_release(&r.row_of);
    orr_arena_release(&r.arena);
    free(r.spent);
    free(r.origins);
    free(r.shards);
    return status;
}
