/* log.h - appending frames to the log of one shard
 *
 * One thread at a time. After an error the log is dead: close it. */
#ifndef ORRI_STORE_LOG_H
#define ORRI_STORE_LOG_H

#include "base/bytes.h"
#include "base/error.h"
#include "store/frame.h"
#include "store/shard.h"

#include <stdbool.h>
#include <stdint.h>

struct orri_described {
    char *function;
    uint64_t form; /* orri_columns_hash() */
};

struct orri_log {
    const char *run_dir; /* borrowed */
    struct orri_shard_id shard;
    bool durable;
    char *path;
    int fd;
    int64_t created;
    uint64_t log_bytes; /* of the dataset */
    uint64_t end;       /* where the next frame goes */
    uint64_t allocated; /* disk space is taken up to here */
    unsigned char *buffer;
    uint64_t buffer_at; /* log offset of its first byte */
    size_t buffered;
    struct orri_commit group;         /* the one being written */
    struct orri_described *described; /* whose columns this log names */
    size_t n_described, cap_described;
};

/* What becomes one RESULT frame. */
struct orri_entry {
    struct orr_id id;
    uint32_t attempt;
    unsigned char *sections; /* record, results, rows; blobs in results are patched */
    uint32_t record_bytes, results_bytes, rows_bytes;
    char *function;
    const struct orr_column *columns; /* or NULL */
    int blob_fd;
    uint64_t blob_bytes;
};

/* Make the shard file with room for `log_bytes`. */
orr_status orri_log_open(struct orri_log *log, const char *run_dir,
                         const struct orri_shard_id *shard, uint64_t log_bytes,
                         bool durable, struct orr_error *err);
/* The most that an entry, and a commit after it, take. */
uint64_t orri_log_need(const struct orri_entry *entry);
bool orri_log_fits(const struct orri_log *log, const struct orri_entry *entry);
orr_status orri_log_append(struct orri_log *log, struct orri_entry *entry,
                           struct orr_error *err);
/* End the group: commit frame, write, sync. `sync_ns` is increased by the time. */
orr_status orri_log_commit(struct orri_log *log, int64_t *sync_ns,
                           struct orr_error *err);
uint64_t orri_log_group_bytes(const struct orri_log *log);
/* Cut the file to what was committed and close it; `trim` false only closes. */
orr_status orri_log_close(struct orri_log *log, bool trim, struct orr_error *err);

#endif
