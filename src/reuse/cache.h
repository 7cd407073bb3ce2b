/* cache.h - a directory of results of finished runs, shared by later ones
 *
 *     CACHE/RUNID/about     text: which run, when, how many results
 *     CACHE/RUNID/results   a table (table.h)
 *     CACHE/RUNID/shards/ reuse/ out/    what results refer to, linked
 *
 * Entries appear whole and go whole; any number of runs may enter and look at once. */
#ifndef ORR_STORE_CACHE_H
#define ORR_STORE_CACHE_H

#include "base/error.h"
#include "base/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orr_cache_entry {
    char *name;      /* run id, 32 hexadecimal digits */
    char *directory; /* the run's */
    char *job;
    char *workflow;
    int64_t entered; /* wall ns */
    uint64_t results;
};
/* The newest first; a cache that is not there yet has none. orr_cache_list_free(). */
orr_status orr_cache_list(const char *path, struct orr_cache_entry **out, size_t *n,
                          struct orr_error *err);
void orr_cache_list_free(struct orr_cache_entry *entries, size_t n);
/* Of all its files; a file that a run has too counts in full. */
uint64_t orr_cache_bytes(const char *path, const char *name);

struct orr_cache_run {
    const char *run_dir; /* absolute */
    struct orr_id run_id;
    const char *job;
    const char *workflow;
};
/* Enter a finished run, in the place of what was entered of it before. *by_name: the
 * cache is on another file system, so its shards are linked by name. */
orr_status orr_cache_enter(const char *path, const struct orr_cache_run *run,
                           bool *by_name, struct orr_error *err);
/* Remove what runs that were killed left while they entered, after a day. */
void orr_cache_sweep(const char *path);
/* Remove one. ORR_ERR_INPUT when there is no such entry. */
orr_status orr_cache_remove(const char *path, const char *name, struct orr_error *err);

#endif
