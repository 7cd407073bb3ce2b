/* internal.h - what the files of exec share about a call, and times */
#ifndef ORR_EXEC_INTERNAL_H
#define ORR_EXEC_INTERNAL_H

#include "base/clock.h"
#include "base/hash.h"
#include "exec/call.h"

#include <sys/time.h>

static inline int64_t orri_time_ns(struct timeval t)
{
    return (int64_t)t.tv_sec * ORR_SECOND + (int64_t)t.tv_usec * 1000;
}

struct orri_loaded {
    const struct orr_blob *blob;
    void *bytes;
};

/* One open list or record while results are built. */
struct orri_level {
    const struct orr_type *type;
    const char *name;        /* where it goes in the level above */
    struct orr_value *items; /* LIST: grows; RECORD: one per field */
    size_t n;
    size_t cap;
};

enum { ORRI_LEVELS_MAX = 16 };

struct orr_call {
    struct orr_call_setup setup;
    const struct orr_record_type *params;
    struct orr_arena arena;

    struct orr_record *results;
    struct orri_level levels[ORRI_LEVELS_MAX];
    uint32_t depth;
    uint64_t blob_start; /* of the blob being appended */
    uint64_t blob_end;   /* bytes in blob_fd */
    struct orr_hasher *hasher;

    bool has_scratch; /* the directory was asked for */
    struct orr_bytes rows;
    uint32_t n_rows;
    struct orr_call_counter counters[ORR_COUNTERS_MAX];
    uint32_t n_counters;
    struct orr_text warnings;

    struct orri_loaded *loaded;
    size_t n_loaded;
    size_t cap_loaded;

    enum orr_fail_kind failure;
    int code;
    const char *message;
};

void orri_build_init(struct orr_call *call, const struct orr_record_type *results);
void orri_build_release(struct orr_call *call);

#endif
