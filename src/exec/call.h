/* call.h - one attempt of a native function, in this process
 *
 * The implementation of include/orrery/function.h. Used in the warm child, in the
 * worker for functions of microseconds, and in unit tests. */
#ifndef ORR_EXEC_CALL_H
#define ORR_EXEC_CALL_H

#include "base/bytes.h"
#include "base/error.h"
#include "lang/value.h"
#include "orrery/function.h"

#include <stdbool.h>
#include <stdint.h>

/* How an attempt reads blobs: the bytes of `blob` in *bytes, to be given back. */
struct orr_blob_source {
    orr_status (*load)(void *context, const struct orr_blob *blob, void **bytes,
                       struct orr_error *err);
    void (*unload)(void *context, const struct orr_blob *blob, void *bytes);
    void *context;
};

struct orr_call_setup {
    const struct orr_function *function;
    const struct orr_value *args; /* one per parameter, in order */
    uint32_t cores;
    const char
        *scratch; /* absolute; made when asked for. NULL here and below: refused */
    const char *output;
    const char *cache;
    struct orr_blob_source blobs;
    int blob_fd; /* results' blob bytes are appended here from offset 0 (a memfd) */
    uint64_t blobs_most; /* bytes that they may have; 0: no limit */
};

/* What the attempt left behind. */
struct orr_call_counter {
    char name[32];
    double amount;
};

enum { ORR_COUNTERS_MAX = 16 };

/* NULL when the function's parameter or result types do not parse (our mistake: BUG).
 */
struct orr_call *orr_call_new(const struct orr_call_setup *setup);
/* Run the function. Afterwards the getters below tell what came of it. A function that
 * leaves a required result unset fails as `invalid`. */
void orr_call_run(struct orr_call *call);
enum orr_fail_kind orr_call_failure(const struct orr_call *call, int *code,
                                    const char **message);
/* The results as a record of the declared fields (all blobs ORR_BLOB_LOCAL). */
struct orr_value orr_call_results(const struct orr_call *call);
const struct orr_bytes *orr_call_rows(const struct orr_call *call, uint32_t *n_rows);
uint64_t orr_call_blob_bytes(const struct orr_call *call); /* length used in blob_fd */
const struct orr_call_counter *orr_call_counters(const struct orr_call *call,
                                                 uint32_t *n);
bool orr_call_has_scratch(const struct orr_call *call);     /* it may have made one */
const char *orr_call_warnings(const struct orr_call *call); /* lines, or "" */
void orr_call_free(struct orr_call *call);
/* Did it succeed, and leave nothing but results? Then it can be made again, with other
 * arguments. */
bool orr_call_is_plain(const struct orr_call *call);
void orr_call_again(struct orr_call *call, const struct orr_value *args);

/* The record type of a function's parameters or results, parsed once per process. */
const struct orr_record_type *orr_function_params(const struct orr_function *function);
const struct orr_record_type *orr_function_results(const struct orr_function *function);
/* Bytes of one row of statistics; 0 when the function has none. */
uint32_t orr_function_row_bytes(const struct orr_function *function);

/* Is `name` relative, not empty and without ".." parts? */
bool orr_path_stays_inside(const char *name);

#endif
