/* known.h - what a run has finished, by task identity, from its shards */
#ifndef ORR_STORE_KNOWN_H
#define ORR_STORE_KNOWN_H

#include "base/error.h"
#include "base/hash.h"

#include <stdint.h>

struct orr_known;
/* Read all shards of the run; needs no lock. */
orr_status orr_known_load(const char *run_dir, struct orr_id run_id,
                          struct orr_known **out, struct orr_error *err);
void orr_known_free(struct orr_known *known); /* NULL is fine */

/* The encoded results of a finished task; NULL when there are none. `known` may be
 * NULL. */
const void *orr_known_find(const struct orr_known *known, struct orr_id id,
                           uint32_t *length);

/* How long attempts of it ran that succeeded, in ns of wall time; -1: it is not known.
 */
int64_t orr_known_time(const struct orr_known *known, struct orr_id id);
/* The mean over all tasks of a function, by the name that the store has; -1: none. */
int64_t orr_known_mean(const struct orr_known *known, const char *function);

#endif
