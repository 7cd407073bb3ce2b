/* native.c - one attempt of a native function, with its times and its directories
 * Owns: the scratch directory of the attempt. */
#include "base/clock.h"
#include "base/file.h"
#include "exec/attempt.h"
#include "exec/scratch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static int64_t time_ns(struct timeval t)
{
    return (int64_t)t.tv_sec * ORR_SECOND + (int64_t)t.tv_usec * 1000;
}

/* A call of microseconds in the worker takes less than asking costs, and does not wait:
 * its time is its processor time. */
static void measure(const struct orr_function *function, const struct rusage *before,
                    struct orr_outcome *out)
{
    struct rusage now = { 0 };
    if (function->in_worker) {
        out->t_end = orr_clock_wall();
        out->cpu_user = out->t_end - out->t_start;
        return;
    }
    (void)getrusage(RUSAGE_SELF, &now);
    out->cpu_user = time_ns(now.ru_utime) - time_ns(before->ru_utime);
    out->cpu_sys = time_ns(now.ru_stime) - time_ns(before->ru_stime);
    out->max_rss = (uint64_t)now.ru_maxrss * 1024;
    out->t_end = orr_clock_wall();
}

static const void *keep(struct orr_arena *arena, const struct orr_bytes *bytes)
{
    void *copy = orr_arena_alloc(arena, bytes->length + 1);
    if (bytes->length)
        memcpy(copy, bytes->data, bytes->length);
    return copy;
}

static void take_results(const struct orr_call *call, struct orr_arena *arena,
                         struct orr_outcome *out)
{
    int code = 0;
    const char *message = NULL;
    out->failure = orr_call_failure(call, &code, &message);
    out->code = code;
    out->message = orr_arena_strdup(arena, message);
    out->warnings = orr_arena_strdup(arena, orr_call_warnings(call));
    uint32_t n = 0;
    const struct orr_call_counter *counters = orr_call_counters(call, &n);
    memcpy(out->counters, counters, n * sizeof *counters);
    out->n_counters = n;
    if (out->failure != ORR_FAIL_NONE)
        return;
    struct orr_bytes encoded = ORR_BYTES_INIT;
    orr_value_put(&encoded, orr_call_results(call));
    out->results = keep(arena, &encoded);
    out->results_length = (uint32_t)encoded.length;
    orr_bytes_release(&encoded);
    const struct orr_bytes *rows = orr_call_rows(call, &out->n_rows);
    out->rows = keep(arena, rows);
    out->rows_length = (uint32_t)rows->length;
    out->blob_bytes = orr_call_blob_bytes(call);
}

static bool decode_args(const struct orr_function *function,
                        const struct orr_order *order, struct orr_arena *arena,
                        struct orr_value **args, struct orr_outcome *out)
{
    const struct orr_record_type *params = orr_function_params(function);
    struct orr_reader in = orr_reader_of(order->args, order->args_length);
    struct orr_error err = { 0 };
    *args = orr_arena_alloc(arena, (params->n_fields + 1) * sizeof **args);
    for (uint32_t i = 0; i < params->n_fields; i++)
        if (orr_value_get(&in, params->fields[i].type, arena, &(*args)[i], &err) !=
            ORR_OK) {
            out->failure = ORR_FAIL_INVALID;
            out->message =
                orr_arena_printf(arena, "argument '%s' of %s: %s",
                                 params->fields[i].name, function->name, err.text);
            return false;
        }
    return true;
}

void orr_native_run(const struct orr_function *function, const struct orr_order *order,
                    const struct orr_blob_source *blobs, int blob_fd,
                    struct orr_arena *arena, struct orr_outcome *out)
{
    struct rusage before = { 0 };
    if (!function->in_worker)
        (void)getrusage(RUSAGE_SELF, &before);
    *out = (struct orr_outcome) { .t_start = orr_clock_wall(), .message = "" };
    struct orr_value *args = NULL;
    if (decode_args(function, order, arena, &args, out)) {
        struct orri_scratch dirs = orri_scratch_of(order, arena);
        struct orr_call_setup setup = {
            .function = function,
            .args = args,
            .cores = order->cores,
            .scratch = dirs.scratch,
            .output = dirs.output,
            .cache = dirs.cache,
            .blobs = *blobs,
            .blob_fd = blob_fd,
        };
        struct orr_call *call = orr_call_new(&setup);
        orr_call_run(call);
        take_results(call, arena, out);
        if (orr_call_has_scratch(call))
            orri_scratch_remove(dirs.scratch);
        orr_call_free(call);
    }
    measure(function, &before, out);
}
