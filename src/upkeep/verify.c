/* verify.c - checking every checksum of a run
 * Owns: what is found, and what it costs. Hands on: logs (scan.c), HDF5 files
 * (hdfcheck.c). */
#include "upkeep/verify.h"

#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "hdf/hdfcheck.h"
#include "store/handed.h"
#include "store/rundir.h"
#include "store/scan.h"
#include "store/shard.h"
#include "tables/tableread.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lost {
    struct orr_id id;
    char *function;
    double seconds;
};

struct check {
    const char *run_dir;
    struct orr_verify_report *report;
    struct orr_map done; /* identity.lo of tasks with a result */
    struct orr_blob_reader *blobs;
    struct lost *lost;
    size_t n_lost, cap_lost;
    uint64_t told; /* damaged attempts whose task is known */
};

__attribute__((format(printf, 2, 3))) static void found(struct check *c,
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    orr_text_vprintf(&c->report->lines, format, args);
    va_end(args);
    orr_text_puts(&c->report->lines, "\n");
    c->report->findings++;
}

/* --- logs ------------------------------------------------------------------- */

static double seconds_of(const struct orr_stored *s)
{
    return (double)(s->t_end - s->t_start) / 1e9;
}

static void add_lost(struct check *c, struct orr_id id, const char *function,
                     double seconds)
{
    c->lost = orr_grow(c->lost, c->n_lost, &c->cap_lost, sizeof *c->lost);
    c->lost[c->n_lost++] = (struct lost) { id, orr_strdup(function), seconds };
}

static void note_lost(void *context, const struct orr_stored *stored,
                      const struct orr_place *place)
{
    struct check *c = context;
    (void)place;
    c->told++;
    if (stored->failure == ORR_FAIL_NONE)
        add_lost(c, stored->id, stored->function, seconds_of(stored));
}

static orr_status visit(void *context, const struct orr_stored *stored,
                        const struct orr_place *place, struct orr_error *err)
{
    struct check *c = context;
    bool fresh = false;
    (void)err;
    if (stored->failure != ORR_FAIL_NONE)
        return ORR_OK;
    struct orr_error why = { .code = ORR_OK };
    if (!orri_handed_whole(c->blobs, stored->results, stored->results_bytes, place,
                           &why)) {
        found(c, "%s", why.text);
        add_lost(c, stored->id, stored->function, seconds_of(stored));
    } else {
        *orr_map_insert(&c->done, stored->id.lo, &fresh) = 1;
    }
    return ORR_OK;
}

/* The notes of the scan are findings: a line each. */
static void take_notes(struct check *c, const struct orr_text *notes)
{
    for (const char *at = notes->s; at && *at;) {
        size_t length = strcspn(at, "\n");
        found(c, "%.*s", (int)length, at);
        at += length + (at[length] == '\n');
    }
}

static orr_status check_logs(struct check *c, struct orr_id run, struct orr_error *err)
{
    struct orr_text notes = ORR_TEXT_INIT;
    struct orr_scan_stats stats = { 0 };
    struct orr_scan_options options = {
        .run_id = run, .verify_blobs = true, .notes = &notes, .lost = note_lost
    };
    orr_status status = orr_shards_scan(c->run_dir, &options, visit, c, &stats, err);
    take_notes(c, &notes);
    c->report->shards = stats.shards;
    c->report->attempts = stats.results;
    c->report->bytes = stats.payload_bytes + stats.blob_bytes;
    c->report->unknown = stats.damaged - c->told;
    orr_text_release(&notes);
    return status;
}

/* --- HDF5 files ------------------------------------------------------------- */

static void check_file(struct check *c, const char *path, const char *advice)
{
    struct orr_text why = ORR_TEXT_INIT;
    if (!orri_hdf_check(path, &why))
        found(c, "%s; %s", why.s, advice);
    orr_text_release(&why);
}

static void check_shard_files(struct check *c, const struct orri_shard_id *shard)
{
    char *blob = orri_shard_path(c->run_dir, shard, ".blob.h5");
    char *index = orri_shard_path(c->run_dir, shard, ".idx.h5");
    check_file(c, blob,
               "other HDF5 programs cannot open it, Orrery reads its log all "
               "the same");
    if (access(index, F_OK) == 0) {
        c->report->indexes++;
        check_file(c, index,
                   "remove it, the next `orrery resume` or `orrery compact` "
                   "makes it again from the log");
    }
    free(blob);
    free(index);
}

/* Segments count from 0: one that is missing between others was there. */
static void check_gap(struct check *c, const struct orri_shard_id *before,
                      const struct orri_shard_id *shard)
{
    bool same =
        before && before->writer == shard->writer && before->epoch == shard->epoch;
    char name[ORR_SHARD_NAME];
    for (uint32_t s = same ? before->segment + 1 : 0; s < shard->segment; s++) {
        orr_shard_name(shard->writer, shard->epoch, s, name);
        found(c, "%s/shards/%s.blob.h5 is missing", c->run_dir, name);
    }
}

static orr_status check_files(struct check *c, struct orr_error *err)
{
    struct orri_shard_id *all = NULL;
    size_t n = 0;
    orr_status status = orri_shard_list(c->run_dir, &all, &n, err);
    for (size_t i = 0; i < n && status == ORR_OK; i++) {
        check_gap(c, i ? &all[i - 1] : NULL, &all[i]);
        check_shard_files(c, &all[i]);
    }
    free(all);
    return status;
}

/* --- what run.h5 knows of ---------------------------------------------------- */

struct tasks {
    struct check *check;
    const struct orri_read_column *identity, *function, *state, *attempts, *seconds;
    struct orr_map lost; /* identity.lo of what is in the list already */
    struct orr_text text, name;
};

static const struct orri_read_column *column_of(const struct orri_table *table,
                                                const char *name)
{
    for (size_t i = 0; i < table->n; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

static const char *text_of(const struct orri_read_column *column,
                           const unsigned char *row, struct orr_text *text)
{
    orr_text_clear(text);
    (void)orri_cell_text(column, row, text);
    return text->s ? text->s : "";
}

static bool check_task(void *context, const unsigned char *row)
{
    struct tasks *t = context;
    struct orr_id id = { 0, 0 };
    bool fresh = false;
    const char *state = text_of(t->state, row, &t->text);
    if (strcmp(state, "done") != 0 || !orri_cell_int(t->attempts, row))
        return true;
    if (sscanf(text_of(t->identity, row, &t->text), "%16" SCNx64 "%16" SCNx64, &id.hi,
               &id.lo) != 2)
        return true;
    if (orr_map_find(&t->check->done, id.lo))
        return true;
    (void)orr_map_insert(&t->lost, id.lo, &fresh);
    double seconds = strtod(text_of(t->seconds, row, &t->text), NULL);
    if (fresh)
        add_lost(t->check, id, text_of(t->function, row, &t->name), seconds);
    return true;
}

/* Tasks that had a result when run.h5 was made, and have none in the shards: of files
 * that are gone, and of records that cannot be told apart any more. A workflow that
 * stands for a function stores nothing itself: it has no attempts. */
static void check_tasks(struct check *c, const char *path)
{
    struct orri_table table;
    struct tasks t = { .check = c };
    bool fresh = false;
    if (orri_table_open(&table, path, "tasks", NULL) != ORR_OK)
        return;
    t.identity = column_of(&table, "identity");
    t.function = column_of(&table, "function");
    t.state = column_of(&table, "state");
    t.attempts = column_of(&table, "attempts");
    t.seconds = column_of(&table, "seconds");
    for (size_t i = 0; i < c->n_lost; i++)
        (void)orr_map_insert(&t.lost, c->lost[i].id.lo, &fresh);
    size_t before = c->n_lost;
    if (t.identity && t.function && t.state && t.attempts && t.seconds)
        (void)orri_table_rows(&table, check_task, &t, NULL);
    uint64_t more = c->n_lost - before;
    c->report->unknown = c->report->unknown > more ? c->report->unknown - more : 0;
    orri_table_close(&table);
    orr_map_release(&t.lost);
    orr_text_release(&t.text);
    orr_text_release(&t.name);
}

static void check_run_file(struct check *c)
{
    char *path = orr_path_join(c->run_dir, "run.h5");
    struct orr_text why = ORR_TEXT_INIT;
    if (access(path, F_OK) == 0) {
        if (orri_hdf_check(path, &why)) {
            check_tasks(c, path);
        } else {
            c->report->only_run_file = c->report->findings == 0;
            found(c, "%s; `orrery export %s` makes it again", why.s, c->run_dir);
        }
    }
    orr_text_release(&why);
    free(path);
}

/* --- what it costs ---------------------------------------------------------- */

static struct orr_verify_cost *cost_of(struct orr_verify_report *report,
                                       const char *function)
{
    for (size_t i = 0; i < report->n_costs; i++)
        if (strcmp(report->costs[i].function, function) == 0)
            return &report->costs[i];
    report->costs = orr_grow(report->costs, report->n_costs, &report->cap_costs,
                             sizeof *report->costs);
    report->costs[report->n_costs] =
        (struct orr_verify_cost) { .function = orr_strdup(function) };
    return &report->costs[report->n_costs++];
}

/* A task that another attempt has a result of has lost nothing. */
static void sum_costs(struct check *c)
{
    struct orr_map counted = ORR_MAP_INIT;
    for (size_t i = 0; i < c->n_lost; i++) {
        const struct lost *lost = &c->lost[i];
        bool fresh = false;
        if (orr_map_find(&c->done, lost->id.lo))
            continue;
        (void)orr_map_insert(&counted, lost->id.lo, &fresh);
        if (!fresh)
            continue;
        struct orr_verify_cost *cost = cost_of(c->report, lost->function);
        cost->tasks++;
        cost->seconds += lost->seconds;
    }
    orr_map_release(&counted);
}

static void release(struct check *c)
{
    for (size_t i = 0; i < c->n_lost; i++)
        free(c->lost[i].function);
    free(c->lost);
    orr_map_release(&c->done);
    orr_blob_reader_free(c->blobs);
}

orr_status orr_run_verify(const char *run_dir, struct orr_verify_report *out,
                          struct orr_error *err)
{
    struct orr_run_info info;
    struct check c = { .run_dir = run_dir, .report = out };
    orr_status status = orr_run_info_read(run_dir, &info, err);
    if (status != ORR_OK)
        return status;
    c.blobs = orr_blob_reader_new(run_dir);
    status = check_logs(&c, info.id, err);
    if (status == ORR_OK)
        status = check_files(&c, err);
    if (status == ORR_OK) {
        check_run_file(&c);
        sum_costs(&c);
    }
    release(&c);
    return status;
}

static orr_status note_done(void *context, const struct orr_stored *stored,
                            const struct orr_place *place, struct orr_error *err)
{
    struct check *c = context;
    bool fresh = false;
    (void)place, (void)err;
    if (stored->failure == ORR_FAIL_NONE)
        *orr_map_insert(&c->done, stored->id.lo, &fresh) = 1;
    return ORR_OK;
}

orr_status orr_run_file_ahead(const char *run_dir, uint64_t *tasks,
                              struct orr_error *err)
{
    struct orr_run_info info;
    struct orr_verify_report report = { .findings = 0 };
    struct check c = { .run_dir = run_dir, .report = &report };
    orr_status status = orr_run_info_read(run_dir, &info, err);
    struct orr_scan_options options = { .run_id = info.id, .no_rows = true };
    if (status == ORR_OK)
        status = orr_shards_scan(run_dir, &options, note_done, &c, NULL, err);
    if (status == ORR_OK)
        check_run_file(&c);
    *tasks = c.n_lost;
    release(&c);
    orr_verify_report_release(&report);
    return status;
}

void orr_verify_report_release(struct orr_verify_report *report)
{
    for (size_t i = 0; i < report->n_costs; i++)
        free(report->costs[i].function);
    free(report->costs);
    orr_text_release(&report->lines);
    *report = (struct orr_verify_report) { .findings = 0 };
}
