/* log.h - appending frames to the log of one shard
 *
 * One thread at a time. After an error the log is dead: close it. */
#ifndef ORRI_STORE_LOG_H
#define ORRI_STORE_LOG_H

#include "base/bytes.h"
#include "base/error.h"
#include "store/entry.h"
#include "store/frame.h"
#include "store/shard.h"

#include <stdbool.h>
#include <stdint.h>

struct orri_log {
    const char *run_dir; /* borrowed */
    struct orri_shard_id shard;
    bool durable;
    char *path;
    int fd;
    int64_t created;
    uint64_t log_bytes; /* of the dataset */
    uint64_t end;       /* where the next byte goes */
    uint64_t allocated; /* disk space is taken up to here */
    unsigned char *buffer;
    uint64_t buffer_at; /* log offset of its first byte */
    size_t buffered;
    struct orri_frame group;  /* the one being written */
    struct orri_words words;  /* its words, */
    struct orr_bytes entries; /* and entries */
    uint64_t words_most;      /* bytes that the words may take */
};

/* What becomes one entry. */
struct orri_entry {
    struct orr_stored stored; /* all that it points to, but columns, is the entry's; */
    unsigned char *results;   /* blobs in them are patched to where they lie */
    int blob_fd;
    uint64_t blob_bytes;
};

/* Make the shard file with room for `log_bytes`. */
orr_status orri_log_open(struct orri_log *log, const char *run_dir,
                         const struct orri_shard_id *shard, uint64_t log_bytes,
                         bool durable, struct orr_error *err);
/* The most that an entry alone in a group takes. */
uint64_t orri_log_need(const struct orri_entry *entry);
bool orri_log_fits(const struct orri_log *log, const struct orri_entry *entry);
orr_status orri_log_append(struct orri_log *log, struct orri_entry *entry,
                           struct orr_error *err);
/* End the group: words, entries, header, write, sync. `sync_ns` is increased by the
 * time. */
orr_status orri_log_commit(struct orri_log *log, int64_t *sync_ns,
                           struct orr_error *err);
uint64_t orri_log_group_bytes(const struct orri_log *log);
/* Cut the file to what was committed and close it; `trim` false only closes. */
orr_status orri_log_close(struct orri_log *log, bool trim, struct orr_error *err);

#endif
