/* reuse.h - finished results of other runs, brought into this one
 *
 * What is taken stays good when the other run is removed: shards are linked into
 * RUN/reuse, files into RUN/out. What is damaged or gone is not found; that is noted
 * once, and the task runs. */
#ifndef ORR_STORE_REUSE_H
#define ORR_STORE_REUSE_H

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "lang/value.h"

#include <stdbool.h>
#include <stdint.h>

struct orr_reuse;
/* `note` gets a line each time something is worth telling. `run_dir` is absolute. */
struct orr_reuse *orr_reuse_new(const char *run_dir, struct orr_id run_id,
                                void (*note)(void *context, const char *text),
                                void *context);
void orr_reuse_free(struct orr_reuse *reuse); /* NULL is fine */

/* Look there too, after what was added before. Reads all shards of the run. */
orr_status orr_reuse_add_run(struct orr_reuse *reuse, const char *path,
                             struct orr_error *err);
/* The entries of a cache, the newest first; none, when there is no such directory. */
void orr_reuse_add_cache(struct orr_reuse *reuse, const char *path);
bool orr_reuse_has_sources(const struct orr_reuse *reuse);

/* The result of the task as a value of `type`, with blobs and paths of this run. Reads
 * the blobs, to be sure of them. `*origin`: id of the run that it is from; borrowed.
 * NULL for `reuse` finds nothing. */
bool orr_reuse_find(struct orr_reuse *reuse, struct orr_id id,
                    const struct orr_type *type, struct orr_arena *arena,
                    struct orr_value *out, const char **origin);

#endif
