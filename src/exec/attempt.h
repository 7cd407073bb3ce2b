/* attempt.h - what an attempt is told, and what came of it, as plain values and bytes
 */
#ifndef ORR_EXEC_ATTEMPT_H
#define ORR_EXEC_ATTEMPT_H

#include "base/bytes.h"
#include "base/hash.h"
#include "exec/call.h"
#include "lang/value.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

/* Of the beginning and of the end, each: together they fit a text of run.h5. */
enum { ORR_STDERR_KEPT = 31 * 1024 };
enum { ORR_STDOUT_MAX = 64 * 1024 * 1024 };

/* A file that a command makes: where it is to write, and where the file then goes. */
struct orr_command_out {
    const char *written; /* name in the scratch directory, suffix included */
    const char *kept;    /* name under RUN/out; NULL: a blob, moved into the store */
};

/* A blob among the arguments of a command: a file before it starts. */
struct orr_command_in {
    const char *written; /* name in the scratch directory */
    struct orr_blob blob;
};

/* Orders for the child. Pointers are borrowed. */
struct orr_order {
    const char *function; /* native: its registered name; NULL: a command */
    const void *args;     /* native: encoded values */
    uint32_t args_length;

    const char *const *argv; /* command: n_argv strings */
    uint32_t n_argv;
    const char *const *env; /* "NAME=value", on top of what there is */
    uint32_t n_env;
    const char *cwd; /* or NULL: the scratch directory */
    const struct orr_command_in *ins;
    uint32_t n_ins;
    const struct orr_command_out *outs;
    uint32_t n_outs;
    const int *exit_codes; /* that count as success */
    uint32_t n_exit_codes;
    bool keep_stdout;

    uint32_t cores;
    int64_t timeout;     /* ns; 0: none */
    int64_t memory;      /* bytes; 0: no limit */
    uint64_t blobs_most; /* bytes that its blobs may have together; 0: no limit */
    const char *run_dir;
    const char *scratch; /* a name under RUN/scratch, made when needed, removed after */
};
void orr_order_put(struct orr_bytes *out, const struct orr_order *order);
/* Pointers into `in` and `arena`. */
orr_status orr_order_get(struct orr_reader *in, struct orr_arena *arena,
                         struct orr_order *order);

/* What an attempt left; of a command, blobs in the order of `outs` (kept ones have
 * length and hash 0). */
struct orr_outcome {
    enum orr_fail_kind failure;
    int64_t code;
    const char *message;
    const char *error_tail; /* standard error of a command */
    size_t error_tail_length;
    const char *warnings;
    const void *results; /* native: encoded record; command: see made and output */
    uint32_t results_length;
    const void *rows;
    uint32_t rows_length;
    uint32_t n_rows;
    struct orr_call_counter counters[ORR_COUNTERS_MAX];
    uint32_t n_counters;
    const struct orr_blob *made; /* command: one per `outs` */
    uint32_t n_made;
    const char *output; /* command: standard output, NUL-terminated */
    size_t output_length;
    uint64_t blob_bytes; /* in the attempt's memfd */
    int64_t t_start;     /* wall ns */
    int64_t t_end;
    int64_t cpu_user; /* ns */
    int64_t cpu_sys;
    uint64_t max_rss; /* bytes */
};
void orr_outcome_put(struct orr_bytes *out, const struct orr_outcome *outcome);
orr_status orr_outcome_get(struct orr_reader *in, struct orr_arena *arena,
                           struct orr_outcome *outcome);

/* "hog used 312 MiB of memory, more than its limit of 100 MiB" */
const char *orr_memory_message(struct orr_arena *arena, const char *what, uint64_t used,
                               uint64_t limit);
/* "hog returns blobs of 60 GiB; ..." */
const char *orr_blobs_message(struct orr_arena *arena, const char *what, uint64_t bytes,
                              uint64_t limit);
/* "hog was killed by the kernel: memory ran out, ..." */
const char *orr_oom_message(struct orr_arena *arena, const char *what);

/* Run a native function in this process; pointers of *out live in `arena`. */
void orr_native_run(const struct orr_function *function, const struct orr_order *order,
                    const struct orr_blob_source *blobs, int blob_fd,
                    struct orr_arena *arena, struct orr_outcome *out);

/* ---- calls of one function, one after the other ---- */

/* Calls that succeeded and gave nothing but results, in a row. */
enum { ORR_SUCCESSES_MAX = 256 };
struct orr_successes {
    uint32_t n;
    int64_t times[ORR_SUCCESSES_MAX + 1]; /* wall ns: call i is from [i] to [i + 1] */
    uint32_t ends[ORR_SUCCESSES_MAX];     /* of their results, in `results` */
    struct orr_bytes results;             /* encoded records, one after the other */
};
/* The results of one of them. */
const unsigned char *orr_success_results(const struct orr_successes *s, uint32_t i,
                                         uint32_t *length);
void orr_successes_release(struct orr_successes *successes);

struct orr_natives;
/* For functions that run in the worker itself. What the order says of arguments does
 * not count; all calls have its directories. */
struct orr_natives *orr_natives_new(const struct orr_function *function,
                                    const struct orr_order *order,
                                    const struct orr_blob_source *blobs);
void orr_natives_free(struct orr_natives *natives);
/* Make the next call. True: it was added to *successes, which had room. False: *out
 * says what came of it, with pointers into `arena`. */
bool orr_natives_call(struct orr_natives *natives, const void *args, uint32_t length,
                      int blob_fd, struct orr_successes *successes,
                      struct orr_arena *arena, struct orr_outcome *out);

/* What a child has, in memory that whoever sees it die can read: then the group is
 * ended and the directory removed. */
enum { ORR_SCRATCH_MAX = 4000 };
enum orr_scratch_state {
    ORR_SCRATCH_NONE,
    ORR_SCRATCH_SPARE, /* empty, for the next command */
    ORR_SCRATCH_USED   /* of the command that runs */
};
typedef _Atomic int32_t orr_shared_int;
struct orr_home {
    orr_shared_int group; /* process group of the command that runs, or 0 */
    orr_shared_int state; /* of the directory `scratch`, enum orr_scratch_state */
    char scratch[ORR_SCRATCH_MAX];
};
/* What a process knows of itself that starts commands, so that it does not ask each
 * time. Zeroed: nothing yet; forget that after other code ran in it. */
struct orr_starter {
    bool known;
    int null;            /* /dev/null */
    uint64_t handled;    /* signals that are not as usual, a bit each */
    struct rlimit files; /* what commands get */
    bool lower_files;    /* than this process has */
};
/* Run a command and wait for it and for all that it started. Not from a process that
 * uses MPI or has other children; it adopted orphans (orri_orphans_adopt()). */
void orr_command_run(const struct orr_order *order, const struct orr_blob_source *blobs,
                     int blob_fd, struct orr_home *home, struct orr_starter *starter,
                     struct orr_arena *arena, struct orr_outcome *out);

#endif
