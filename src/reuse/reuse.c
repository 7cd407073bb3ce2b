/* reuse.c - finished results of other runs, brought into this one
 * Owns: the sources, and which of their shards are linked here.
 * Hands on: finding (table.c), linking (share.c). */
#include "reuse/reuse.h"

#include "base/file.h"
#include "base/map.h"
#include "reuse/cache.h"
#include "reuse/collect.h"
#include "reuse/table.h"
#include "store/rundir.h"
#include "store/share.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is looked into of a cache: entries, and their results, 10 bits of memory each.
 */
enum { CACHE_MAX = 256, CACHE_RESULTS = 100 * 1000 * 1000 };

struct source {
    char *path;
    int directory; /* laid out as a run; open, so that it may be renamed */
    struct orr_table *table;
    char origin[ORR_ID_TEXT];
    bool complained;
};

struct orr_reuse {
    char *run_dir;
    struct orr_id run_id;
    void (*note)(void *context, const char *text);
    void *context;
    struct source *sources;
    size_t n;
    size_t cap;
    size_t last;             /* source of the last result */
    struct orr_map imported; /* source and shard -> number here + 1; 0: it is gone */
    struct orr_map verified; /* hash.lo of blobs */
    uint32_t next;           /* number of the next shard that is linked */
    bool said_by_name;
    struct orr_blob_reader *blobs;
    int nowhere; /* /dev/null */
    struct orr_bytes bytes;
};

static void say(struct orr_reuse *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(struct orr_reuse *r, const char *format, ...)
{
    struct orr_text text = ORR_TEXT_INIT;
    va_list args;
    va_start(args, format);
    orr_text_vprintf(&text, format, args);
    va_end(args);
    r->note(r->context, text.s);
    orr_text_release(&text);
}

/* Once a source. */
static void complain(struct orr_reuse *r, struct source *source, const char *what)
{
    if (!source->complained)
        say(r, "%s: %s; tasks whose results cannot be taken from there are run",
            source->path, what);
    source->complained = true;
}

/* ---- life ---- */

/* The largest number among RUN/reuse/sNNNNNN.blob.h5. */
static uint32_t last_shard(const char *run_dir)
{
    uint32_t last = 0;
    char *folder = orr_path_join(run_dir, "reuse");
    DIR *stream = opendir(folder);
    struct dirent *entry = NULL;
    while (stream && (entry = readdir(stream)) != NULL) {
        uint32_t number = 0;
        if (sscanf(entry->d_name, "s%" SCNu32, &number) == 1 && number > last)
            last = number;
    }
    if (stream)
        (void)closedir(stream);
    free(folder);
    return last;
}

struct orr_reuse *orr_reuse_new(const char *run_dir, struct orr_id run_id,
                                void (*note)(void *context, const char *text),
                                void *context)
{
    struct orr_reuse *r = orr_alloc(1, sizeof *r);
    r->run_dir = orr_strdup(run_dir);
    r->run_id = run_id;
    r->note = note;
    r->context = context;
    r->next = last_shard(run_dir) + 1;
    r->blobs = orr_blob_reader_new(run_dir);
    r->nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return r;
}

void orr_reuse_free(struct orr_reuse *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++) {
        orr_table_free(r->sources[i].table);
        (void)close(r->sources[i].directory);
        free(r->sources[i].path);
    }
    free(r->sources);
    orr_map_release(&r->imported);
    orr_map_release(&r->verified);
    orr_blob_reader_free(r->blobs);
    if (r->nowhere >= 0)
        (void)close(r->nowhere);
    orr_bytes_release(&r->bytes);
    free(r->run_dir);
    free(r);
}

bool orr_reuse_has_sources(const struct orr_reuse *r) { return r && r->n > 0; }

/* ---- sources ---- */

/* Takes `directory`. */
static orr_status add_source(struct orr_reuse *r, const char *path, int directory,
                             int table_in, const char *table, struct orr_error *err)
{
    struct source source = { .directory = directory };
    orr_status status = orr_table_open(table_in, table, &source.table, err);
    struct orr_id id =
        status == ORR_OK ? orr_table_run(source.table) : (struct orr_id) { 0, 0 };
    if (status != ORR_OK || orr_id_equal(id, r->run_id)) {
        orr_table_free(source.table);
        (void)close(directory);
        return status;
    }
    source.path = orr_strdup(path);
    orr_id_text(id, source.origin);
    r->sources = orr_grow(r->sources, r->n, &r->cap, sizeof *r->sources);
    r->sources[r->n++] = source;
    return ORR_OK;
}

static orr_status make_table(const char *run_dir, struct orr_id run_id,
                             const char *table, struct orr_error *err)
{
    struct orri_collector collector = { .run_dir = run_dir, .run_id = run_id };
    orr_status status = orr_table_begin(table, run_id, run_dir, &collector.table, err);
    if (status != ORR_OK)
        return status;
    status = orri_collect(&collector, err);
    if (status == ORR_OK)
        return orr_table_commit(collector.table, NULL, err);
    orr_table_abandon(collector.table);
    return status;
}

orr_status orr_reuse_add_run(struct orr_reuse *r, const char *path,
                             struct orr_error *err)
{
    struct orr_run_info info;
    char *real = realpath(path, NULL);
    char *folder = orr_path_join(r->run_dir, "reuse");
    struct orr_text table = ORR_TEXT_INIT;
    orr_text_printf(&table, "%s/table.tmp-%ld", folder, (long)getpid());
    orr_status status = orr_run_info_read(real ? real : path, &info, err);
    if (status == ORR_OK)
        status = orr_mkdirs(folder, 0700, err);
    if (status == ORR_OK)
        status = make_table(real, info.id, table.s, err);
    if (status == ORR_OK) {
        int directory = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        status = add_source(r, path, directory, AT_FDCWD, table.s, err);
    }
    (void)unlink(table.s); /* it stays open */
    orr_text_release(&table);
    free(folder);
    free(real);
    return status;
}

void orr_reuse_add_cache(struct orr_reuse *r, const char *path)
{
    struct orr_cache_entry *entries = NULL;
    size_t n = 0;
    uint64_t results = 0;
    if (orr_cache_list(path, &entries, &n, NULL) != ORR_OK)
        return;
    for (size_t i = 0; i < n && i < CACHE_MAX; i++) {
        results += entries[i].results;
        if (results > CACHE_RESULTS)
            break;
        struct orr_error err = { .code = ORR_OK };
        char *folder = orr_path_join(path, entries[i].name);
        int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory >= 0 &&
            add_source(r, folder, directory, directory, "results", &err) != ORR_OK)
            say(r, "%s: not used: %s", folder, err.text);
        free(folder);
    }
    orr_cache_list_free(entries, n);
}

/* ---- bringing a value over ---- */

struct bringing {
    struct orr_reuse *r;
    struct source *source;
    struct orr_arena *arena;
    struct orr_reader files; /* what was seen of those that the result names */
    const char *why;         /* it cannot be brought; NULL: it can */
};

static bool fail(struct bringing *b, const char *why)
{
    b->why = why;
    return false;
}

/* Which shard is that here: linked when it is asked for first. */
static uint64_t link_shard(struct bringing *b, const struct orr_blob *blob)
{
    struct orr_reuse *r = b->r;
    char name[ORRI_BLOB_FILE];
    struct orr_text to = ORR_TEXT_INIT;
    orri_blob_file(blob, name);
    orr_text_printf(&to, "%s/reuse", r->run_dir);
    (void)orr_mkdirs(to.s, 0700, NULL);
    orr_text_printf(&to, "/s%06" PRIu32 ".blob.h5", r->next);
    enum orri_shared shared = orri_share_shard(b->source->directory, name, to.s);
    orr_text_release(&to);
    if (shared == ORRI_SHARED_BY_NAME && !r->said_by_name) {
        say(r,
            "%s is on another file system, or another user's: its shards are linked by "
            "name, "
            "so keep it",
            b->source->path);
        r->said_by_name = true;
    }
    return shared == ORRI_SHARED_NOT ? 0 : (uint64_t)r->next++ + 1;
}

static bool verify(struct bringing *b, const struct orr_blob *blob)
{
    bool fresh = false;
    struct orr_reuse *r = b->r;
    if (orr_map_find(&r->verified, blob->hash.lo))
        return true;
    if (orr_blob_copy(r->blobs, blob, r->nowhere, NULL) != ORR_OK)
        return fail(b, "a blob is damaged");
    (void)orr_map_insert(&r->verified, blob->hash.lo, &fresh);
    return true;
}

static bool bring_blob(struct bringing *b, struct orr_value *v)
{
    const struct orr_blob *from = v->as.blob;
    const uint64_t shard[] = { (uint64_t)(b->source - b->r->sources), from->writer,
                               from->epoch, from->segment };
    bool fresh = false;
    uint64_t *number =
        orr_map_insert(&b->r->imported, orr_hash64(shard, sizeof shard, 0), &fresh);
    if (fresh)
        *number = link_shard(b, from);
    if (!*number)
        return fail(b, "a shard is gone");
    struct orr_blob *to = orr_arena_alloc(b->arena, sizeof *to);
    *to = *from;
    to->writer = ORR_BLOB_REUSED;
    to->epoch = 0;
    to->segment = (uint32_t)(*number - 1);
    v->as.blob = to;
    return verify(b, to);
}

static bool bring_path(struct bringing *b, struct orr_value *v)
{
    const char *root = orr_table_inside(b->source->table);
    const char *below = orri_below_out(root, v->as.s->s);
    struct orr_file_seen now;
    if (!below) {
        size_t length = strlen(root);
        bool inside =
            strncmp(v->as.s->s, root, length) == 0 && v->as.s->s[length] == '/';
        return (!inside && access(v->as.s->s, F_OK) == 0) ||
               fail(b, "a file that a result names is gone");
    }
    struct orr_file_seen then = { .size = orr_get_i64(&b->files) };
    then.seconds = orr_get_i64(&b->files);
    then.nanoseconds = orr_get_i64(&b->files);
    const char *name = orr_arena_printf(b->arena, "out/%s", below);
    const char *to = orr_arena_printf(b->arena, "%s/%s", b->r->run_dir, name);
    if (b->files.bad || !orri_look_at(b->source->directory, name, &now))
        return fail(b, "a file that a result names is gone");
    if (!orri_seen_equal(&then, &now))
        return fail(b, "a file that a result names was changed");
    if (!orri_share_file(b->source->directory, name, to, true))
        return fail(b, "a file that a result names cannot be linked or copied");
    *v = orr_string_new(b->arena, ORR_KIND_PATH, to, strlen(to));
    return true;
}

static bool bring(struct bringing *b, struct orr_value *v)
{
    bool good = true;
    if (v->kind == ORR_KIND_BLOB)
        return bring_blob(b, v);
    if (v->kind == ORR_KIND_PATH)
        return bring_path(b, v);
    if (v->kind == ORR_KIND_LIST) {
        struct orr_list *list = orr_list_new(b->arena, v->as.list->n);
        for (uint32_t i = 0; i < list->n && good; i++) {
            list->items[i] = v->as.list->items[i];
            good = bring(b, &list->items[i]);
        }
        *v = orr_value_of_list(list);
    } else if (v->kind == ORR_KIND_RECORD) {
        struct orr_record *record = orr_record_new(b->arena, v->as.record->type);
        for (uint32_t i = 0; i < record->type->n_fields && good; i++) {
            record->fields[i] = v->as.record->fields[i];
            good = bring(b, &record->fields[i]);
        }
        *v = orr_value_of_record(record);
    }
    return good;
}

/* ---- finding ---- */

static bool find_in(struct orr_reuse *r, struct source *source, struct orr_id id,
                    const struct orr_type *type, struct orr_arena *arena,
                    struct orr_value *out)
{
    struct orr_error err = { .code = ORR_OK };
    orr_status status = orr_table_find(source->table, id, &r->bytes, &err);
    if (status != ORR_OK) {
        if (status != ORR_END)
            complain(r, source, err.text);
        return false;
    }
    enum { SEEN = 24 };
    struct orr_reader in = orr_reader_of(r->bytes.data, r->bytes.length);
    uint32_t n = orr_get_u32(&in);
    size_t files = (size_t)n * SEEN;
    const void *seen = orr_get_raw(&in, files);
    struct bringing b = { r, source, arena, orr_reader_of(seen, seen ? files : 0),
                          NULL };
    if (in.bad || orr_value_get(&in, type, arena, out, &err) != ORR_OK)
        return false; /* of a function that changed its results and not its version */
    if (!bring(&b, out))
        complain(r, source, b.why);
    return !b.why;
}

bool orr_reuse_find(struct orr_reuse *r, struct orr_id id, const struct orr_type *type,
                    struct orr_arena *arena, struct orr_value *out, const char **origin)
{
    for (size_t i = 0; r && i < r->n; i++) { /* neighbours are from one source */
        size_t at = i == 0 ? r->last : i <= r->last ? i - 1 : i;
        if (!find_in(r, &r->sources[at], id, type, arena, out))
            continue;
        r->last = at;
        *origin = r->sources[at].origin;
        return true;
    }
    return false;
}
