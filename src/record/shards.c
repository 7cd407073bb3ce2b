/* shards.c - attempts, errors, statistics a frame, and the shards themselves
 * Owns: the columns of these tables, and what the attempts of a task cost together. */
#include "record/internal.h"

#include "base/file.h"
#include "store/scan.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MOST = 500 };

static const struct orr_type optional_int = { .kind = ORR_KIND_INT, .optional = true };

/* ---- the files ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct orri_shard_seen *)a)->name,
                  ((const struct orri_shard_seen *)b)->name);
}

static void see_shard(struct orri_recorder *r, const char *directory, const char *file)
{
    struct orri_shard_seen shard = { 0 };
    struct stat info;
    int end = 0;
    if (sscanf(file, "w%u-e%u-s%u.blob.h5%n", &shard.writer, &shard.epoch,
               &shard.segment, &end) != 3 ||
        !end || file[end])
        return;
    orr_shard_name(shard.writer, shard.epoch, shard.segment, shard.name);
    struct orr_text path = ORR_TEXT_INIT;
    orr_text_printf(&path, "%s/%s", directory, file);
    shard.bytes = stat(path.s, &info) == 0 ? (int64_t)info.st_size : 0;
    orr_text_clear(&path);
    orr_text_printf(&path, "%s/%s.idx.h5", directory, shard.name);
    shard.sealed = access(path.s, F_OK) == 0;
    orr_text_release(&path);
    r->shards = orr_grow(r->shards, r->n_shards, &r->cap_shards, sizeof *r->shards);
    r->shards[r->n_shards++] = shard;
}

static orr_status see_shards(struct orri_recorder *r)
{
    orr_status status = ORR_OK;
    char *path = orr_path_join(r->setup->run_dir, "shards");
    DIR *directory = opendir(path);
    if (!directory && errno != ENOENT)
        status = orr_error_errno(r->err, ORR_ERR_STORE, errno, "cannot read %s", path);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        see_shard(r, path, entry->d_name);
    if (directory)
        (void)closedir(directory);
    if (r->n_shards)
        qsort(r->shards, r->n_shards, sizeof *r->shards, by_name);
    free(path);
    return status;
}

/* One that a running session began after we looked is left out. */
static void count_result(struct orri_recorder *r, const struct orr_place *place)
{
    for (size_t i = 0; i < r->n_shards; i++) {
        struct orri_shard_seen *s = &r->shards[(r->last_shard + i) % r->n_shards];
        if (s->writer != place->writer || s->epoch != place->epoch ||
            s->segment != place->segment)
            continue;
        s->results++;
        r->last_shard = (r->last_shard + i) % r->n_shards;
        return;
    }
}

static void link_shard(struct orri_recorder *r, const struct orri_shard_seen *shard)
{
    char name[64];
    char file[80];
    (void)snprintf(name, sizeof name, "shards/%s", shard->name);
    (void)snprintf(file, sizeof file, "shards/%s.blob.h5", shard->name);
    orr_runfile_link(r->file, name, file, "/log");
}

orr_status orri_record_shards(struct orri_recorder *r)
{
    const struct orr_table_column columns[] = {
        ORRI_COLUMN("name", STRING, NULL, "shards/NAME.blob.h5"),
        ORRI_COLUMN("writer", INT, NULL, "rank that wrote it"),
        ORRI_COLUMN("epoch", INT, NULL, "session of the run"),
        ORRI_COLUMN("segment", INT, NULL, "number among those of the writer"),
        ORRI_COLUMN("results", INT, NULL, "attempts in it"),
        ORRI_COLUMN("bytes", SIZE, NULL, "length of the file"),
        ORRI_COLUMN("sealed", BOOL, NULL, "it is complete and has an index"),
    };
    struct orr_runtable *table = orr_runfile_table(
        r->file, "shards/index", "the logs that results came into", columns, 7);
    orr_status status = ORR_OK;
    for (size_t i = 0; i < r->n_shards && status == ORR_OK; i++) {
        const struct orri_shard_seen *s = &r->shards[i];
        struct orr_value row[] = { orri_text(r, s->name),
                                   orr_int(s->writer),
                                   orr_int(s->epoch),
                                   orr_int(s->segment),
                                   orr_int((int64_t)s->results),
                                   { .kind = ORR_KIND_SIZE, .as.i = s->bytes },
                                   orr_bool(s->sealed) };
        status = orr_runtable_row(table, row, r->err);
        if (!r->setup->portable && r->n_shards < LINKS_MOST)
            link_shard(r, s);
        orr_arena_reset(&r->arena);
    }
    return status;
}

/* ---- attempts ---- */

static void make_tables(struct orri_recorder *r)
{
    const struct orr_table_column attempts[] = {
        { "task", &optional_int, NULL,
          "number of the task; missing when no task has its identity (any more)" },
        ORRI_COLUMN("identity", STRING, NULL, "identity of the task"),
        ORRI_COLUMN("function", STRING, NULL, "function that ran"),
        ORRI_COLUMN("attempt", INT, NULL, "number of the attempt, from 1"),
        ORRI_COLUMN("failure", STRING, NULL, "kind of failure, none for success"),
        ORRI_COLUMN("host", STRING, NULL, "node"),
        ORRI_COLUMN("rank", INT, NULL, "rank that ran it"),
        ORRI_COLUMN("core", INT, NULL, "first of its cores on the node"),
        ORRI_COLUMN("start", FLOAT, "s", "Unix time"),
        ORRI_COLUMN("seconds", FLOAT, "s", "wall time"),
        ORRI_COLUMN("cpu_user", FLOAT, "s", "processor time of the program"),
        ORRI_COLUMN("cpu_system", FLOAT, "s", "processor time of the system for it"),
        ORRI_COLUMN("max_rss", SIZE, NULL, "peak memory of the process"),
        ORRI_COLUMN("queued", FLOAT, "s", "time between ready and start"),
        ORRI_COLUMN("blob_bytes", SIZE, NULL, "bytes of blobs it left in the shard"),
        ORRI_COLUMN("epoch", INT, NULL, "session of the run"),
    };
    const struct orr_table_column errors[] = {
        { "task", &optional_int, NULL, "number of the task, as in the table attempts" },
        ORRI_COLUMN("identity", STRING, NULL, "identity of the task"),
        ORRI_COLUMN("function", STRING, NULL, "function that failed"),
        ORRI_COLUMN("attempt", INT, NULL, "number of the attempt, from 1"),
        ORRI_COLUMN("kind", STRING, NULL,
                    "exit, signal, timeout, memory, lost, invalid, io"),
        ORRI_COLUMN("code", INT, NULL, "exit code or signal number"),
        ORRI_COLUMN("message", STRING, NULL, "what happened"),
        ORRI_COLUMN("stderr", STRING, NULL, "standard error, first and last 64 KiB"),
        ORRI_COLUMN("host", STRING, NULL, "node"),
        ORRI_COLUMN("epoch", INT, NULL, "session of the run"),
    };
    r->attempts =
        orr_runfile_table(r->file, "attempts", "each try at a task", attempts, 16);
    r->errors =
        orr_runfile_table(r->file, "errors", "attempts that failed", errors, 10);
    orr_runtable_order(r->attempts);
    orr_runtable_order(r->errors);
}

/* Programs write what they like to standard error; the table is UTF-8. */
static struct orr_value error_text(struct orri_recorder *r, const struct orr_stored *s)
{
    struct orr_text out = ORR_TEXT_INIT;
    orr_text_utf8(&out, s->error_tail ? s->error_tail : "", s->error_tail_bytes);
    struct orr_value v =
        orr_string_new(&r->arena, ORR_KIND_STRING, out.s ? out.s : "", out.length);
    orr_text_release(&out);
    return v;
}

static struct orr_row_key key_of(struct orr_value task, const struct orr_stored *s,
                                 const struct orr_place *place)
{
    return (struct orr_row_key) { task.kind == ORR_KIND_NULL ? UINT64_MAX
                                                             : (uint64_t)task.as.i,
                                  (uint64_t)place->epoch << 32 | s->attempt };
}

static orr_status record_error(struct orri_recorder *r, struct orr_value task,
                               const struct orr_stored *s,
                               const struct orr_place *place, struct orr_error *err)
{
    struct orr_value row[] = {
        task,
        orri_identity(r, s->id),
        orri_text(r, s->function),
        orr_int(s->attempt),
        orri_text(r, orr_fail_kind_text[s->failure]),
        orr_int(s->code),
        orri_text(r, s->message),
        error_text(r, s),
        orri_text(r, s->host),
        orr_int(place->epoch),
    };
    orr_runtable_key(r->errors, key_of(task, s, place));
    return orr_runtable_row(r->errors, row, err);
}

/* The first success of the newest session that has one is what counts; without, the
 * last attempt. */
static void add_spent(struct orri_spent *spent, const struct orr_stored *s,
                      uint32_t epoch)
{
    bool good = s->failure == ORR_FAIL_NONE;
    bool later = epoch != spent->epoch ? epoch > spent->epoch : s->t_end > spent->ended;
    bool better =
        good && spent->succeeded
            ? epoch > spent->epoch || (epoch == spent->epoch && s->t_end < spent->ended)
            : good || (!spent->succeeded && later);
    spent->cpu += s->cpu_user + s->cpu_sys;
    if (better || !spent->attempts) {
        spent->started = s->t_start;
        spent->ended = s->t_end;
        spent->epoch = epoch;
        spent->succeeded = good;
    }
    spent->attempts++;
}

/* Those of the newest session count, as its results do. */
static struct orr_row_key frames_key(const uint64_t *slot, const struct orr_stored *s,
                                     const struct orr_place *place)
{
    return (struct orr_row_key) { slot ? *slot - 1 : UINT64_MAX,
                                  (uint64_t)(UINT32_MAX - place->epoch) << 32 |
                                      s->attempt };
}

/* The attempt was made in another run: its number is 0, its host the id of that. */
static void note_origin(struct orri_recorder *r, struct orri_spent *spent,
                        const char *id)
{
    size_t i = 0;
    while (i < r->n_origins && strcmp(r->origins[i].id, id) != 0)
        i++;
    if (i == r->n_origins) {
        r->origins =
            orr_grow(r->origins, r->n_origins, &r->cap_origins, sizeof *r->origins);
        (void)snprintf(r->origins[r->n_origins++].id, sizeof r->origins->id, "%s", id);
    }
    spent->from = (uint32_t)i + 1;
}

static orr_status record_attempt(void *context, const struct orr_stored *s,
                                 const struct orr_place *place, struct orr_error *err)
{
    struct orri_recorder *r = context;
    const uint64_t *slot = orr_map_find(&r->row_of, s->id.lo);
    struct orr_value task = slot ? orr_int((int64_t)*slot - 1) : orr_null();
    struct orr_value row[] = {
        task,
        orri_identity(r, s->id),
        orri_text(r, s->function),
        orr_int(s->attempt),
        orri_text(r, orr_fail_kind_text[s->failure]),
        orri_text(r, s->host),
        orr_int(s->rank),
        orr_int(s->core),
        orri_unix_time(s->t_start),
        orri_unix_time(s->t_end - s->t_start),
        orri_unix_time(s->cpu_user),
        orri_unix_time(s->cpu_sys),
        { .kind = ORR_KIND_SIZE, .as.i = (int64_t)s->max_rss },
        orri_unix_time(s->queued),
        { .kind = ORR_KIND_SIZE, .as.i = (int64_t)place->blob_bytes },
        orr_int(place->epoch),
    };
    count_result(r, place);
    if (!s->attempt) {
        if (slot)
            note_origin(r, &r->spent[*slot - 1], s->host);
        return ORR_OK;
    }
    if (slot)
        add_spent(&r->spent[*slot - 1], s, place->epoch);
    orr_runtable_key(r->attempts, key_of(task, s, place));
    orr_status status = orr_runtable_row(r->attempts, row, err);
    if (status == ORR_OK && s->failure != ORR_FAIL_NONE)
        status = record_error(r, task, s, place, err);
    if (status == ORR_OK && s->n_rows && s->columns && s->failure == ORR_FAIL_NONE)
        status =
            orr_runfile_frames(r->file, s->function, s->columns,
                               frames_key(slot, s, place), s->rows, s->n_rows, err);
    orr_arena_reset(&r->arena);
    return status;
}

orr_status orri_record_attempts(struct orri_recorder *r)
{
    struct orr_scan_options options = { .run_id = r->info.id };
    orr_status status = see_shards(r);
    make_tables(r);
    if (status == ORR_OK && r->n_shards)
        status = orr_shards_scan(r->setup->run_dir, &options, record_attempt, r, NULL,
                                 r->err);
    return status;
}
