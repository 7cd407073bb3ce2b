/* shard.h - shard files: names, and the HDF5 shell around the log
 *
 * A blob file is made by the HDF5 library once, with one dataset /log whose bytes start
 * at ORRI_LOG_OFFSET; from then on it is an ordinary file to us and never opened by the
 * library for writing again. */
#ifndef ORRI_STORE_SHARD_H
#define ORRI_STORE_SHARD_H

#include "base/error.h"
#include "store/frame.h"

#include <stdbool.h>
#include <stdint.h>

enum { ORRI_LOG_OFFSET = 16384, ORRI_SHARD_FORMAT = 2 };

/* "RUN/shards/w00001-e001-s000000.blob.h5" with suffix ".blob.h5"; free() it. */
char *orri_shard_path(const char *run_dir, const struct orri_shard_id *shard,
                      const char *suffix);
/* The other way, from a file's name; false when it is none of a shard with `suffix`. */
bool orri_shard_parse(const char *file, const char *suffix, struct orri_shard_id *out);

/* The names of all shards of a run (blob files), sorted; free() names and array. */
orr_status orri_shard_list(const char *run_dir, struct orri_shard_id **out, size_t *n,
                           struct orr_error *err);
/* The newest epoch among the shard files; 0 without any. */
orr_status orri_shard_newest_epoch(const char *run_dir, uint32_t *epoch,
                                   struct orr_error *err);

/* How long the log of a shard is that holds bytes up to `end`. */
static inline uint64_t orri_shard_log_bytes(uint64_t end)
{
    uint64_t n = (end + 4095) & ~UINT64_C(4095);
    return n < ORRI_LOG_OFFSET ? ORRI_LOG_OFFSET : n;
}

/* Make the blob file with a log of `log_bytes`; fails when it exists. Returns it open
 * for reading and writing, synced if `durable`. */
orr_status orri_shard_create(const char *run_dir, const struct orri_shard_id *shard,
                             uint64_t log_bytes, int64_t created, bool durable, int *fd,
                             struct orr_error *err);
/* Cut the log to `log_bytes`, in an order that leaves a readable file at every moment.
 */
orr_status orri_shard_trim(const char *run_dir, const struct orri_shard_id *shard,
                           int fd, uint64_t log_bytes, int64_t created, bool durable,
                           struct orr_error *err);

/* Cut the shard's file to its log, if that is whole, and write its index file (seal.c).
 */
orr_status orri_shard_seal(const char *run_dir, const struct orri_shard_id *shard,
                           bool durable, struct orr_error *err);
bool orri_shard_is_sealed(const char *run_dir, const struct orri_shard_id *shard);

#endif
