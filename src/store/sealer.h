/* sealer.h - the thread that writes the index files of full segments
 *
 * The writer must not wait for it: an index can be made again at any time. All calls
 * come from one thread at a time. */
#ifndef ORRI_STORE_SEALER_H
#define ORRI_STORE_SEALER_H

#include "base/error.h"
#include "store/frame.h"

#include <stdbool.h>

struct orri_sealer;

/* The thread starts with the first segment. `run_dir` is borrowed. */
struct orri_sealer *orri_sealer_new(const char *run_dir, bool durable);
/* A segment that is closed: does not block. */
void orri_sealer_add(struct orri_sealer *sealer, const struct orri_shard_id *shard);
/* Wait for the segments that were added, or, unless `all`, only for the one at hand.
 * The first error that there was. Frees the sealer; NULL is fine. */
orr_status orri_sealer_end(struct orri_sealer *sealer, bool all, struct orr_error *err);

#endif
