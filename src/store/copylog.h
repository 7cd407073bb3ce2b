/* copylog.h - the bytes of a log that grows, from one file to another
 *
 * The copy is a log that may be read at any moment: the header of the first group of a
 * piece is written when all behind it is synced. */
#ifndef ORRI_STORE_COPYLOG_H
#define ORRI_STORE_COPYLOG_H

#include "base/error.h"
#include "store/frame.h"

#include <stdbool.h>
#include <stdint.h>

struct orri_copylog {
    const char *run_dir; /* of the copy; borrowed */
    struct orri_shard_id shard;
    int64_t created;
    char *from_path, *to_path;
    int from, to;
    uint64_t at; /* copied up to here */
};

/* Open the log in `folder`, and its copy from `at` on: one that is made here, with room
 * for `log_bytes`, when `at` is 0 and there is none. */
orr_status orri_copylog_open(struct orri_copylog *copy, const char *folder,
                             const char *run_dir, const struct orri_shard_id *shard,
                             int64_t created, uint64_t log_bytes, uint64_t at,
                             struct orr_error *err);
/* Groups end at `upto`. */
orr_status orri_copylog_upto(struct orri_copylog *copy, uint64_t upto,
                             struct orr_error *err);
/* Sync, cut the copy to what it holds when `trim`, close. */
orr_status orri_copylog_close(struct orri_copylog *copy, bool trim,
                              struct orr_error *err);

#endif
