/* collect.c - the results of a run, into a table for other runs
 * Owns: what a result is in a table. */
#include "reuse/collect.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "store/share.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file that was written after its task had ended is another task's, which was given
 * the same name. Clocks of nodes and of file servers differ a little. */
static const int64_t CLOCKS_DIFFER = 5;

struct collecting {
    const struct orri_collector *c;
    const struct orr_stored *stored;
    struct orr_map claimed; /* hash of a file's name -> low half of its task's id */
    int run;                /* the open directory */
    struct orr_arena arena;
    struct orr_bytes files; /* of the result in hand */
    uint32_t n_files;
    struct orr_bytes entry;
};

/* Two tasks that both may have written it: none is known to be right. */
static bool claim(struct collecting *g, const char *below)
{
    bool fresh = false;
    struct orr_id id = g->stored->id;
    uint64_t *owner =
        orr_map_insert(&g->claimed, orr_hash64(below, strlen(below), 0), &fresh);
    if (fresh)
        *owner = id.lo;
    if (*owner == id.lo)
        return true;
    orr_table_drop(g->c->table, id);
    orr_table_drop(g->c->table, (struct orr_id) { .lo = *owner });
    return false;
}

static bool take_file(struct collecting *g, const char *below)
{
    struct orr_file_seen seen;
    const char *name = orr_arena_printf(&g->arena, "out/%s", below);
    if (!orri_look_at(g->run, name, &seen) ||
        seen.seconds > g->stored->t_end / ORR_SECOND + CLOCKS_DIFFER ||
        !claim(g, below) || (g->c->file && !g->c->file(g->c->context, below)))
        return false;
    orr_put_i64(&g->files, seen.size);
    orr_put_i64(&g->files, seen.seconds);
    orr_put_i64(&g->files, seen.nanoseconds);
    g->n_files++;
    return true;
}

static bool take_value(struct collecting *g, struct orr_value v)
{
    bool good = true;
    if (v.kind == ORR_KIND_PATH) {
        const char *below = orri_below_out(g->c->run_dir, v.as.s->s);
        return !below || take_file(g, below);
    }
    if (v.kind == ORR_KIND_BLOB)
        return !g->c->blob || g->c->blob(g->c->context, v.as.blob);
    for (uint32_t i = 0; v.kind == ORR_KIND_LIST && i < v.as.list->n && good; i++)
        good = take_value(g, v.as.list->items[i]);
    for (uint32_t i = 0;
         v.kind == ORR_KIND_RECORD && i < v.as.record->type->n_fields && good; i++)
        good = take_value(g, v.as.record->fields[i]);
    return good;
}

static orr_status collect(void *context, const struct orr_stored *stored,
                          const struct orr_place *place, struct orr_error *err)
{
    struct collecting *g = context;
    struct orr_value v;
    (void)err;
    if (stored->failure != ORR_FAIL_NONE)
        return ORR_OK;
    struct orr_reader in = orr_reader_of(stored->results, stored->results_bytes);
    orr_bytes_clear(&g->files);
    g->n_files = 0;
    g->stored = stored;
    if (orr_value_get(&in, NULL, &g->arena, &v, NULL) == ORR_OK && take_value(g, v)) {
        orr_bytes_clear(&g->entry);
        orr_put_u32(&g->entry, g->n_files);
        orr_put_raw(&g->entry, g->files.data, g->files.length);
        orr_put_raw(&g->entry, stored->results, stored->results_bytes);
        orr_table_add(g->c->table, stored->id, place->epoch, g->entry.data,
                      (uint32_t)g->entry.length);
    }
    orr_arena_reset(&g->arena);
    return ORR_OK;
}

orr_status orri_collect(const struct orri_collector *collector, struct orr_error *err)
{
    struct collecting g = { .c = collector };
    struct orr_scan_options options = { .run_id = collector->run_id };
    g.run = open(collector->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    orr_status status =
        orr_shards_scan(collector->run_dir, &options, collect, &g, NULL, err);
    if (g.run >= 0)
        (void)close(g.run);
    orr_bytes_release(&g.files);
    orr_bytes_release(&g.entry);
    orr_arena_release(&g.arena);
    orr_map_release(&g.claimed);
    return status;
}
