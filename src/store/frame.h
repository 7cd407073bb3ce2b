/* frame.h - one attempt as it is stored, and the frames of the log (docs/store.md)
 *
 * A shard's /log is a row of frames, each a 64-byte header and up to four sections
 * (record, results, rows, blob), padded to 8 bytes. All numbers are little-endian. */
#ifndef ORR_STORE_FRAME_H
#define ORR_STORE_FRAME_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "orrery/function.h"

#include <stdint.h>

/* Numbers are on disk: never reused, never changed. */
enum orr_frame_type {
    ORR_FRAME_RESULT = 1,  /* one attempt */
    ORR_FRAME_COMMIT = 2,  /* all before it was synced with it */
    ORR_FRAME_COLUMNS = 3, /* names, types and units of a function's rows */
    ORR_FRAME_OPEN = 4     /* the first of a log: which run, writer, epoch, segment */
};

struct orr_stored_counter {
    const char *name;
    double amount;
};

/* One attempt. All pointers are borrowed; texts may be NULL, which stores as "". */
struct orr_stored {
    struct orr_id id;           /* of the task */
    const char *function;       /* "media.encode" */
    uint32_t attempt;           /* from 1 */
    enum orr_fail_kind failure; /* ORR_FAIL_NONE: success */
    int32_t code;
    const char *message;
    const char *error_tail; /* what a command wrote to standard error */
    size_t error_tail_bytes;
    const char *warnings; /* lines */
    const void *args;     /* encoded values, one after the other */
    uint32_t args_bytes;
    const void *results; /* one encoded record value; empty after a failure */
    uint32_t results_bytes;
    const void *rows; /* n_rows * row_bytes, packed, little-endian */
    uint32_t row_bytes;
    uint32_t n_rows;
    /* What the rows hold, ends with name NULL; NULL without rows. Given to the writer
     * it must live until the writer is closed (functions' tables are static). */
    const struct orr_column *columns;
    const struct orr_stored_counter *counters;
    uint32_t n_counters;
    const char *host;
    uint32_t rank;
    uint32_t core;
    int64_t t_start, t_end;    /* wall ns */
    int64_t cpu_user, cpu_sys; /* ns */
    uint64_t max_rss;          /* bytes */
    int64_t queued;            /* ns between ready and start */
};

/* --- what follows is for the files of this folder, the tests and the docs --- */

#define ORRI_FRAME_MAGIC UINT32_C(0x4652524f) /* "ORRF" as bytes */
enum { ORRI_FRAME_HEADER = 64, ORRI_FRAME_VERSION = 1, ORRI_FRAME_ALIGN = 8 };
/* Bounds that a reader believes: a section larger than this is damage. */
#define ORRI_SECTION_MAX (UINT32_C(1) << 30)
#define ORRI_BLOB_MAX (UINT64_C(1) << 46)

/* Which shard a log belongs to; part of each frame's checks. */
struct orri_shard_id {
    struct orr_id run;
    uint32_t writer;
    uint32_t epoch;
    uint32_t segment;
};

struct orri_frame {
    enum orr_frame_type type;
    uint16_t flags;
    struct orr_id id;
    uint32_t attempt;
    uint32_t record_bytes, results_bytes, rows_bytes;
    uint64_t blob_bytes;
    uint32_t small_crc; /* CRC32C of record, results and rows */
    uint32_t blob_crc;  /* CRC32C of the blob section */
};

/* Length with header and padding. */
uint64_t orri_frame_length(const struct orri_frame *frame);
uint64_t orri_frame_small(const struct orri_frame *frame); /* record + results + rows */
/* The header of a frame that stands at `offset` of the log of `shard`. */
void orri_frame_encode(const struct orri_frame *frame,
                       const struct orri_shard_id *shard, uint64_t offset,
                       unsigned char out[ORRI_FRAME_HEADER]);
/* ORR_ERR_DATA when it is no header, damaged, or of another place or shard. */
orr_status orri_frame_decode(const unsigned char in[ORRI_FRAME_HEADER],
                             const struct orri_shard_id *shard, uint64_t offset,
                             struct orri_frame *out, struct orr_error *err);

/* The record section of an attempt; results and rows follow as they are. */
void orri_record_put(struct orr_bytes *out, const struct orr_stored *stored);
/* Texts and counters land in `arena` or borrow from the input; results, rows and
 * columns are left alone; `form` is the orri_columns_hash() of the columns, 0 without
 * rows. */
orr_status orri_record_get(struct orr_reader *in, struct orr_arena *arena,
                           struct orr_stored *out, uint64_t *form,
                           struct orr_error *err);

/* The record section of COLUMNS, OPEN and COMMIT frames. */
void orri_columns_put(struct orr_bytes *out, const char *function,
                      const struct orr_column *columns);
orr_status orri_columns_get(struct orr_reader *in, struct orr_arena *arena,
                            const char **function, const struct orr_column **columns,
                            struct orr_error *err);
void orri_open_put(struct orr_bytes *out, const struct orri_shard_id *shard,
                   int64_t created);
orr_status orri_open_get(struct orr_reader *in, struct orri_shard_id *shard,
                         int64_t *created, struct orr_error *err);
struct orri_commit {
    uint64_t group_start; /* offset of the first frame of the group */
    uint32_t group_results;
    uint64_t results; /* in this log so far */
};
void orri_commit_put(struct orr_bytes *out, const struct orri_commit *commit);
orr_status orri_commit_get(struct orr_reader *in, struct orri_commit *out,
                           struct orr_error *err);

/* "none", "exit", "signal", ... as error.kind of the language names them. */
const char *orri_fail_text(enum orr_fail_kind kind);

/* Bytes of one value of a column type ("u1" .. "f8"), 0 when there is no such type. */
uint32_t orri_column_width(const char *type);
/* Of one row of these columns; 0 when one has no such type. */
uint32_t orri_row_width(const struct orr_column *columns);
/* Equal columns (names and types), equal number. */
uint64_t orri_columns_hash(const struct orr_column *columns);

#endif
