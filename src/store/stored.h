/* stored.h - one attempt as the store takes it and gives it back */
#ifndef ORR_STORE_STORED_H
#define ORR_STORE_STORED_H

#include "base/hash.h"
#include "orrery/function.h"

#include <stdint.h>

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

/* "none", "exit", "signal", ... as error.kind of the language names them. */
const char *orri_fail_text(enum orr_fail_kind kind);

/* Bytes of one value of a column type ("u1" .. "f8"), 0 when there is no such type. */
uint32_t orri_column_width(const char *type);
/* Of one row of these columns; 0 when one has no such type. */
uint32_t orri_row_width(const struct orr_column *columns);
/* Equal columns (names and types), equal number. */
uint64_t orri_columns_hash(const struct orr_column *columns);

#endif
