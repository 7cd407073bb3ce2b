/* native.c - attempts of a native function, with their times and their directories
 * Owns: the scratch directory of the attempt. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "exec/attempt.h"
#include "exec/internal.h"
#include "exec/scratch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* A call of microseconds in the worker takes less than asking costs, and does not wait:
 * its time is its processor time, and `before` is NULL. */
static void measure(const struct rusage *before, struct orr_outcome *out)
{
    struct rusage now = { 0 };
    if (!before) {
        out->t_end = orr_clock_wall();
        out->cpu_user = out->t_end - out->t_start;
        return;
    }
    (void)getrusage(RUSAGE_SELF, &now);
    out->cpu_user = orri_time_ns(now.ru_utime) - orri_time_ns(before->ru_utime);
    out->cpu_sys = orri_time_ns(now.ru_stime) - orri_time_ns(before->ru_stime);
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
                        const struct orr_record_type *params, struct orr_reader in,
                        struct orr_arena *arena, struct orr_value **args,
                        const char **wrong)
{
    struct orr_error err = { 0 };
    *args = orr_arena_alloc(arena, (params->n_fields + 1) * sizeof **args);
    for (uint32_t i = 0; i < params->n_fields; i++)
        if (orr_value_get(&in, params->fields[i].type, arena, &(*args)[i], &err) !=
            ORR_OK) {
            *wrong = orr_arena_printf(arena, "argument '%s' of %s: %s",
                                      params->fields[i].name, function->name, err.text);
            return false;
        }
    return true;
}

static struct orr_call_setup setup_of(const struct orr_function *function,
                                      const struct orr_order *order,
                                      const struct orri_scratch *dirs,
                                      const struct orr_blob_source *blobs)
{
    return (struct orr_call_setup) {
        .function = function,
        .cores = order->cores,
        .blobs_most = order->blobs_most,
        .scratch = dirs->scratch,
        .output = dirs->output,
        .cache = dirs->cache,
        .blobs = *blobs,
    };
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
    const char *wrong = NULL;
    if (decode_args(function, orr_function_params(function),
                    orr_reader_of(order->args, order->args_length), arena, &args,
                    &wrong)) {
        struct orri_scratch dirs = orri_scratch_of(order, arena);
        struct orr_call_setup setup = setup_of(function, order, &dirs, blobs);
        setup.args = args;
        setup.blob_fd = blob_fd;
        struct orr_call *call = orr_call_new(&setup);
        orr_call_run(call);
        take_results(call, arena, out);
        if (orr_call_has_scratch(call))
            orri_scratch_remove(dirs.scratch);
        orr_call_free(call);
    } else {
        out->failure = ORR_FAIL_INVALID;
        out->message = wrong;
    }
    measure(function->in_worker ? NULL : &before, out);
}

/* ---- one after the other ---- */

struct orr_natives {
    struct orr_call_setup setup;
    const struct orr_record_type *params;
    bool blobs; /* results may hold some: each is looked at by itself */
    struct orr_arena kept;
    struct orr_arena arena; /* of the arguments in hand */
    struct orr_call *call;  /* the last, when it can be made again */
};

static bool holds_blobs(const struct orr_type *type)
{
    bool found = type->kind == ORR_KIND_BLOB;
    if (type->kind == ORR_KIND_LIST)
        found = holds_blobs(type->element);
    for (uint32_t i = 0; type->kind == ORR_KIND_RECORD && i < type->record->n_fields;
         i++)
        found = found || holds_blobs(type->record->fields[i].type);
    return found;
}

struct orr_natives *orr_natives_new(const struct orr_function *function,
                                    const struct orr_order *order,
                                    const struct orr_blob_source *blobs)
{
    struct orr_natives *natives = orr_alloc(1, sizeof *natives);
    struct orri_scratch dirs = orri_scratch_of(order, &natives->kept);
    const struct orr_type results = { .kind = ORR_KIND_RECORD,
                                      .record = orr_function_results(function) };
    natives->setup = setup_of(function, order, &dirs, blobs);
    natives->params = orr_function_params(function);
    natives->blobs = holds_blobs(&results);
    return natives;
}

void orr_natives_free(struct orr_natives *natives)
{
    if (!natives)
        return;
    orr_call_free(natives->call);
    orr_arena_release(&natives->arena);
    orr_arena_release(&natives->kept);
    free(natives);
}

static struct orr_call *next_call(struct orr_natives *natives)
{
    struct orr_call *call = natives->call;
    natives->call = NULL;
    if (!call)
        return orr_call_new(&natives->setup);
    orr_call_again(call, natives->setup.args);
    return call;
}

static void add_success(struct orr_successes *to, const struct orr_call *call)
{
    orr_value_put(&to->results, orr_call_results(call));
    to->ends[to->n++] = (uint32_t)to->results.length;
    to->times[to->n] = orr_clock_wall();
}

/* True: its results are among the successes, or else in *out. */
static bool end_call(struct orr_natives *natives, struct orr_call *call,
                     struct orr_successes *successes, struct orr_arena *arena,
                     struct orr_outcome *out)
{
    if (!natives->blobs && orr_call_is_plain(call)) {
        add_success(successes, call);
        natives->call = call;
        return true;
    }
    *out = (struct orr_outcome) { .message = "" };
    take_results(call, arena, out);
    if (orr_call_has_scratch(call))
        orri_scratch_remove(natives->setup.scratch);
    orr_call_free(call);
    return false;
}

bool orr_natives_call(struct orr_natives *natives, const void *args, uint32_t length,
                      int blob_fd, struct orr_successes *successes,
                      struct orr_arena *arena, struct orr_outcome *out)
{
    struct orr_value *values = NULL;
    const char *wrong = NULL;
    if (successes->n == 0)
        successes->times[0] = orr_clock_wall();
    int64_t start = successes->times[successes->n];
    orr_arena_reset(&natives->arena);
    if (decode_args(natives->setup.function, natives->params,
                    orr_reader_of(args, length), &natives->arena, &values, &wrong)) {
        natives->setup.args = values;
        natives->setup.blob_fd = blob_fd;
        struct orr_call *call = next_call(natives);
        orr_call_run(call);
        if (end_call(natives, call, successes, arena, out))
            return true;
    } else {
        *out = (struct orr_outcome) { .failure = ORR_FAIL_INVALID,
                                      .message = orr_arena_strdup(arena, wrong) };
    }
    out->t_start = start;
    measure(NULL, out);
    return false;
}

const unsigned char *orr_success_results(const struct orr_successes *s, uint32_t i,
                                         uint32_t *length)
{
    uint32_t from = i ? s->ends[i - 1] : 0;
    *length = s->ends[i] - from;
    return s->results.data + from;
}

void orr_successes_release(struct orr_successes *successes)
{
    orr_bytes_release(&successes->results);
}
