/* function.h - how a function of Orrery is written
 *
 * A function is stateless: arguments in, results out. It runs in a process of its
 * own (a warm child that serves many calls, pinned to its cores), so a crash costs one
 * attempt, and caches between calls are allowed as long as results do not depend on
 * them.
 *
 *     static int run(struct orr_call *call)
 *     {
 *         int64_t n = orr_arg_int(orr_arg(call, "n"), 1);
 *         if (n < 0)
 *             return orr_call_fail(call, ORR_FAIL_INVALID, 0, "n must not be
 * negative"); orr_set_int(call, "square", n * n); return 0;
 *     }
 *
 * Nothing here is thread-safe: call it from the thread that runs the function. */
#ifndef ORRERY_FUNCTION_H
#define ORRERY_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* error.kind of the workflow language. */
enum orr_fail_kind {
    ORR_FAIL_NONE = 0,
    ORR_FAIL_EXIT = 1,    /* a command's exit code */
    ORR_FAIL_SIGNAL = 2,  /* ended by a signal */
    ORR_FAIL_TIMEOUT = 3, /* ran longer than `timeout` */
    ORR_FAIL_MEMORY = 4,  /* asked for more than `memory` */
    ORR_FAIL_LOST = 5,    /* its worker or node was lost */
    ORR_FAIL_INVALID = 6, /* the arguments or the input data are wrong: never retried */
    ORR_FAIL_IO = 7       /* reading or writing failed */
};

struct orr_param {
    const char *name;
    const char *type; /* as the language writes it: "int", "list<blob>?", "{a: int}" */
    const char
        *fallback; /* default as an expression, or NULL: required unless optional */
    const char *doc;
};

struct orr_result_field {
    const char *name;
    const char *type;
    const char *unit; /* "s", "dB", "bytes", ... or NULL */
    const char *doc;
};

/* One column of the per-row statistics that a function may add (one row a frame). */
struct orr_column {
    const char *name;
    const char *type; /* "u1" "u2" "u4" "i4" "i8" "f4" "f8" */
    const char *unit; /* or NULL */
    const char *doc;
};

struct orr_call;  /* one attempt */
struct orr_value; /* an argument, or a part of one; valid during the call */

struct orr_function {
    const char *name;    /* "media.encode" */
    const char *version; /* changes when equal arguments may give another result */
    const char *doc;     /* one line */
    const struct orr_param *params; /* ends with name NULL, as the two below */
    const struct orr_result_field *results;
    const struct orr_column *columns; /* or NULL */
    bool in_worker; /* calls of microseconds: run in the worker itself, no child */
    int (*run)(struct orr_call *call); /* 0, or what orr_call_fail() returned */
};

/* Arguments. A missing optional argument is null. Asking for the wrong type is a
 * mistake of the function and aborts the attempt. */
const struct orr_value *orr_arg(struct orr_call *call, const char *name);
bool orr_arg_is_null(const struct orr_value *v);
bool orr_arg_bool(const struct orr_value *v, bool fallback); /* fallback when null */
int64_t orr_arg_int(const struct orr_value *v, int64_t fallback);
double orr_arg_float(const struct orr_value *v, double fallback);   /* int or float */
double orr_arg_seconds(const struct orr_value *v, double fallback); /* duration */
const char *orr_arg_string(const struct orr_value *v,
                           const char *fallback);  /* or path */
uint32_t orr_arg_count(const struct orr_value *v); /* items of a list; 0 when null */
const struct orr_value *orr_arg_at(const struct orr_value *v, uint32_t index);
const struct orr_value *orr_arg_field(const struct orr_value *v, const char *name);
/* The bytes of a blob, checked against their hash; valid until the call ends, or until
 * orr_call_blob_done(). NULL after a failure, which is already recorded: return -1. */
const void *orr_call_blob(struct orr_call *call, const struct orr_value *blob,
                          size_t *length);
void orr_call_blob_done(struct orr_call *call, const void *bytes);

/* What the attempt was given. */
uint32_t orr_call_cores(const struct orr_call *call); /* to be used in parallel */
const char *orr_call_scratch(
    struct orr_call *call); /* private directory, emptied afterwards */
const char *orr_call_output(struct orr_call *call); /* RUN/out: absolute, exists */
const char *orr_call_cache(
    struct orr_call *call); /* RUN/cache: shared by attempts, may vanish */
/* RUN/out/NAME for a file the user keeps, or NULL (failure recorded) when NAME is
 * absolute or leaves the directory by "..". Parents exist on return. Write to a
 * temporary name and rename. The string is valid until the call ends. */
const char *orr_call_output_path(struct orr_call *call, const char *name);

/* Results: each declared field once; fields left out are null (must be optional). */
void orr_set_null(struct orr_call *call, const char *name);
void orr_set_bool(struct orr_call *call, const char *name, bool v);
void orr_set_int(struct orr_call *call, const char *name, int64_t v);
void orr_set_float(struct orr_call *call, const char *name, double v);
void orr_set_seconds(struct orr_call *call, const char *name, double v); /* duration */
void orr_set_string(struct orr_call *call, const char *name,
                    const char *v); /* or path */
/* Append bytes to the store as one blob. Adding in pieces: pass more pieces between
 * begin and end. */
void orr_set_blob(struct orr_call *call, const char *name, const void *bytes,
                  size_t length);
void orr_blob_begin(struct orr_call *call);
void orr_blob_append(struct orr_call *call, const void *bytes, size_t length);
void orr_blob_end(struct orr_call *call, const char *name);
/* Lists and records: between begin and end, the setters fill them. In a list, pass name
 * NULL to append; in a record, the field's name. */
void orr_list_begin(struct orr_call *call, const char *name);
void orr_list_end(struct orr_call *call);
void orr_record_begin(struct orr_call *call, const char *name);
void orr_record_end(struct orr_call *call);

/* One row of statistics: one number per declared column, converted to its type. */
void orr_row(struct orr_call *call, const double *values, size_t n);

/* Counters for the summary, summed over all attempts of a run: "frames_decoded". */
void orr_count(struct orr_call *call, const char *counter, double amount);

/* Record the failure (the first one counts) and return -1. */
__attribute__((format(printf, 4, 5))) int orr_call_fail(struct orr_call *call,
                                                        enum orr_fail_kind kind,
                                                        int code, const char *format,
                                                        ...);
/* Something the user should know but that does not fail the attempt; kept in the store.
 */
__attribute__((format(printf, 2, 3))) void orr_call_warn(struct orr_call *call,
                                                         const char *format, ...);

#ifdef __cplusplus
}
#endif

#endif
