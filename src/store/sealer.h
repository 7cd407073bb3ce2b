/* sealer.h - the thread that seals shards while others go on
 *
 * Nobody waits for it: a shard that is not sealed serves as well. All calls come from
 * one thread at a time. */
#ifndef ORRI_STORE_SEALER_H
#define ORRI_STORE_SEALER_H

#include "base/error.h"
#include "store/frame.h"
#include "store/scan.h"

#include <stdbool.h>

/* The thread starts with the first shard. */
struct orr_sealer *orri_sealer_new(const char *run_dir, bool durable);
/* A shard that nobody writes to any more; does not block. */
void orri_sealer_add(struct orr_sealer *sealer, const struct orri_shard_id *shard);

#endif
