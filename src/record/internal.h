/* internal.h - the parts of a run file being made */
#ifndef ORR_RECORD_INTERNAL_H
#define ORR_RECORD_INTERNAL_H

#include "base/map.h"
#include "base/memory.h"
#include "record/record.h"
#include "store/rundir.h"
#include "tables/runfile.h"
#include "view/status.h"

/* ---- which thing stands in which row (order.c) ---- */

struct orri_order {
    uint32_t n;
    uint32_t *at;  /* row -> number in the engine */
    uint32_t *row; /* number in the engine -> row */
};

struct orri_orders {
    struct orri_order *facts; /* per type */
    uint32_t n_facts;
    struct orri_order tasks;
    uint32_t *asked;   /* per task, by its number in the engine: the row of the first
                          firing that asked for it; ORR_NONE: none did */
    uint32_t *firings; /* row -> number in the engine */
    uint32_t n_firings;
};

void orri_orders_make(const struct orr_graph *graph, struct orr_engine *engine,
                      struct orri_orders *out);
void orri_orders_release(struct orri_orders *orders);

/* ---- what the shards say of a task, of all sessions ---- */

struct orri_spent {
    uint32_t attempts;
    uint32_t epoch; /* of the attempt that counts: */
    bool succeeded;
    int64_t started, ended; /* wall ns */
    int64_t cpu;            /* ns, of all attempts */
    uint32_t from;          /* run that its result was taken from, in `origins` + 1 */
};

struct orri_origin {
    char id[40];
};

struct orri_shard_seen {
    char name[40];
    uint32_t writer, epoch, segment;
    uint64_t results;
    int64_t bytes;
    bool sealed;
};

struct orri_recorder {
    const struct orr_record_setup *setup;
    struct orr_run_info info;
    struct orr_runfile *file;
    struct orr_arena arena; /* of one row */
    struct orr_error *err;
    struct orri_orders orders;
    struct orr_map row_of;    /* identity.lo -> row of the table tasks + 1 */
    struct orri_spent *spent; /* per row of the table tasks */
    struct orri_shard_seen *shards;
    size_t n_shards, cap_shards, last_shard;
    struct orr_runtable *attempts, *errors;
    struct orri_origin *origins;
    size_t n_origins, cap_origins;
};

#define ORRI_COLUMN(name, kind, unit, text)                                            \
    {                                                                                  \
        name, orr_type_scalar(ORR_KIND_##kind), unit, text                             \
    }

struct orr_value orri_text(struct orri_recorder *r, const char *s);
struct orr_value orri_identity(struct orri_recorder *r, struct orr_id id);
struct orr_value orri_unix_time(int64_t wall_ns);
struct orr_id orri_identity_of(const struct orri_recorder *r, uint32_t task);
/* A name for a column that none of the `n` before has, nor their NAME_valid. */
const char *orri_column_name(const struct orr_table_column *columns, uint32_t n,
                             const char *name, struct orr_arena *arena);

/* From the engine (tables.c); tasks after the shards were read. */
orr_status orri_record_requests(struct orri_recorder *r);
orr_status orri_record_rules(struct orri_recorder *r);
orr_status orri_record_firings(struct orri_recorder *r);
orr_status orri_record_facts(struct orri_recorder *r);
orr_status orri_record_tasks(struct orri_recorder *r);
/* From what each session left of itself (sessions.c). */
orr_status orri_record_sessions(struct orri_recorder *r);
/* From the engine: what the tasks gave, and where the blobs are (results.c). */
orr_status orri_record_results(struct orri_recorder *r);
/* From the shards (shards.c). */
orr_status orri_record_attempts(struct orri_recorder *r);
orr_status orri_record_shards(struct orri_recorder *r);

#endif
