/* call.c - one attempt of a native function: arguments in, results out
 * Owns: the call, its results, its rows, counters and warnings.
 * Hands on: where blobs come from (the setup's source) and go to (the setup's fd);
 * building nested results (build.c). */
#include "exec/call.h"

#include "base/file.h"
#include "base/memory.h"
#include "exec/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct orr_call *orr_call_new(const struct orr_call_setup *setup)
{
    struct orr_call *call = orr_alloc(1, sizeof *call);
    call->setup = *setup;
    call->params = orr_function_params(setup->function);
    orri_build_init(call, orr_function_results(setup->function));
    return call;
}

static bool type_is_optional(const struct orr_field *field)
{
    return field->type->optional;
}

static void check_results(struct orr_call *call)
{
    const struct orr_record_type *type = call->results->type;
    for (uint32_t i = 0; i < type->n_fields; i++)
        if (call->results->fields[i].kind == ORR_KIND_NULL &&
            !type_is_optional(&type->fields[i])) {
            (void)orr_call_fail(call, ORR_FAIL_INVALID, 0,
                                "function %s did not give its result '%s'",
                                call->setup.function->name, type->fields[i].name);
            return;
        }
}

void orr_call_run(struct orr_call *call)
{
    int status = call->setup.function->run(call);
    if (status != 0 && call->failure == ORR_FAIL_NONE)
        (void)orr_call_fail(call, ORR_FAIL_EXIT, status, "function %s returned %d",
                            call->setup.function->name, status);
    if (call->failure == ORR_FAIL_NONE)
        check_results(call);
}

enum orr_fail_kind orr_call_failure(const struct orr_call *call, int *code,
                                    const char **message)
{
    *code = call->code;
    *message = call->message ? call->message : "";
    return call->failure;
}

const struct orr_bytes *orr_call_rows(const struct orr_call *call, uint32_t *n_rows)
{
    *n_rows = call->n_rows;
    return &call->rows;
}

uint64_t orr_call_blob_bytes(const struct orr_call *call) { return call->blob_end; }

const struct orr_call_counter *orr_call_counters(const struct orr_call *call,
                                                 uint32_t *n)
{
    *n = call->n_counters;
    return call->counters;
}

const char *orr_call_warnings(const struct orr_call *call)
{
    return call->warnings.s ? call->warnings.s : "";
}

static void unload_all(struct orr_call *call)
{
    for (size_t i = 0; i < call->n_loaded; i++)
        if (call->loaded[i].bytes)
            call->setup.blobs.unload(call->setup.blobs.context, call->loaded[i].blob,
                                     call->loaded[i].bytes);
    free(call->loaded);
}

void orr_call_free(struct orr_call *call)
{
    if (!call)
        return;
    unload_all(call);
    orr_bytes_release(&call->rows);
    orr_text_release(&call->warnings);
    orr_hasher_free(call->hasher);
    orri_build_release(call);
    orr_arena_release(&call->arena);
    free(call);
}

bool orr_call_is_plain(const struct orr_call *call)
{
    return call->failure == ORR_FAIL_NONE && !call->warnings.length &&
           !call->n_counters && !call->n_rows && !call->blob_end && !call->hasher &&
           !call->depth && !call->has_scratch && !call->loaded;
}

void orr_call_again(struct orr_call *call, const struct orr_value *args)
{
    if (!orr_call_is_plain(call))
        ORR_BUG("a call of %s is made again that left something",
                call->setup.function->name);
    const struct orr_record_type *results = call->results->type;
    call->setup.args = args;
    orr_arena_reset(&call->arena);
    orri_build_init(call, results);
}

/* ---- arguments ---- */

static const struct orr_value null_value = { .kind = ORR_KIND_NULL };

static void wrong_type(const struct orr_value *v, const char *wanted)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_value_print(*v, &text);
    ORR_BUG("a function asked for %s where the argument is %s", wanted, text.s);
}

const struct orr_value *orr_arg(struct orr_call *call, const char *name)
{
    int at = orr_record_field(call->params, name);
    if (at < 0)
        ORR_BUG("function %s has no parameter '%s'", call->setup.function->name, name);
    return &call->setup.args[at];
}

bool orr_arg_is_null(const struct orr_value *v) { return v->kind == ORR_KIND_NULL; }

bool orr_arg_bool(const struct orr_value *v, bool fallback)
{
    if (v->kind == ORR_KIND_NULL)
        return fallback;
    if (v->kind != ORR_KIND_BOOL)
        wrong_type(v, "a bool");
    return v->as.b;
}

int64_t orr_arg_int(const struct orr_value *v, int64_t fallback)
{
    if (v->kind == ORR_KIND_NULL)
        return fallback;
    if (v->kind != ORR_KIND_INT && v->kind != ORR_KIND_SIZE)
        wrong_type(v, "an int");
    return v->as.i;
}

double orr_arg_float(const struct orr_value *v, double fallback)
{
    if (v->kind == ORR_KIND_NULL)
        return fallback;
    if (v->kind == ORR_KIND_INT)
        return (double)v->as.i;
    if (v->kind != ORR_KIND_FLOAT)
        wrong_type(v, "a float");
    return v->as.f;
}

double orr_arg_seconds(const struct orr_value *v, double fallback)
{
    if (v->kind == ORR_KIND_NULL)
        return fallback;
    if (v->kind != ORR_KIND_DURATION)
        wrong_type(v, "a duration");
    return (double)v->as.i / 1e9;
}

const char *orr_arg_string(const struct orr_value *v, const char *fallback)
{
    if (v->kind == ORR_KIND_NULL)
        return fallback;
    if (v->kind != ORR_KIND_STRING && v->kind != ORR_KIND_PATH)
        wrong_type(v, "a string");
    return v->as.s->s;
}

uint32_t orr_arg_count(const struct orr_value *v)
{
    if (v->kind == ORR_KIND_NULL)
        return 0;
    if (v->kind != ORR_KIND_LIST)
        wrong_type(v, "a list");
    return v->as.list->n;
}

const struct orr_value *orr_arg_at(const struct orr_value *v, uint32_t index)
{
    if (v->kind != ORR_KIND_LIST || index >= v->as.list->n)
        wrong_type(v, "an item of a list");
    return &v->as.list->items[index];
}

const struct orr_value *orr_arg_field(const struct orr_value *v, const char *name)
{
    if (v->kind != ORR_KIND_RECORD)
        wrong_type(v, "a record");
    int at = orr_record_field(v->as.record->type, name);
    return at < 0 ? &null_value : &v->as.record->fields[at];
}

const void *orr_call_blob(struct orr_call *call, const struct orr_value *v,
                          size_t *length)
{
    if (v->kind != ORR_KIND_BLOB)
        wrong_type(v, "a blob");
    struct orr_error err = { 0 };
    void *bytes = NULL;
    const struct orr_blob_source *source = &call->setup.blobs;
    if (source->load(source->context, v->as.blob, &bytes, &err) != ORR_OK) {
        (void)orr_call_fail(call, ORR_FAIL_IO, err.system, "%s", err.text);
        return NULL;
    }
    call->loaded =
        orr_grow(call->loaded, call->n_loaded, &call->cap_loaded, sizeof *call->loaded);
    call->loaded[call->n_loaded++] = (struct orri_loaded) { v->as.blob, bytes };
    *length = (size_t)v->as.blob->length;
    return bytes;
}

void orr_call_blob_done(struct orr_call *call, const void *bytes)
{
    for (size_t i = 0; i < call->n_loaded; i++) {
        struct orri_loaded *loaded = &call->loaded[i];
        if (loaded->bytes != bytes || !bytes)
            continue;
        call->setup.blobs.unload(call->setup.blobs.context, loaded->blob,
                                 loaded->bytes);
        *loaded = call->loaded[--call->n_loaded];
        return;
    }
}

/* ---- where the attempt may write ---- */

static const char *granted(const struct orr_call *call, const char *directory,
                           const char *what)
{
    if (!directory)
        ORR_BUG("function %s runs without a %s directory", call->setup.function->name,
                what);
    return directory;
}

uint32_t orr_call_cores(const struct orr_call *call)
{
    return call->setup.cores ? call->setup.cores : 1;
}

const char *orr_call_scratch(struct orr_call *call)
{
    const char *path = granted(call, call->setup.scratch, "scratch");
    struct orr_error err = { 0 };
    call->has_scratch = true;
    if (orr_mkdirs(path, 0700, &err) != ORR_OK)
        (void)orr_call_fail(call, ORR_FAIL_IO, err.system, "%s", err.text);
    return path;
}

bool orr_call_has_scratch(const struct orr_call *call) { return call->has_scratch; }

const char *orr_call_output(struct orr_call *call)
{
    return granted(call, call->setup.output, "output");
}

const char *orr_call_cache(struct orr_call *call)
{
    return granted(call, call->setup.cache, "cache");
}

bool orr_path_stays_inside(const char *name)
{
    if (name[0] == '/' || name[0] == '\0')
        return false;
    for (const char *at = name; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
            return false;
    }
    return true;
}

const char *orr_call_output_path(struct orr_call *call, const char *name)
{
    if (!orr_path_stays_inside(name)) {
        (void)orr_call_fail(
            call, ORR_FAIL_INVALID, 0,
            "output file '%s' must be a relative name without '..': results "
            "stay under the run directory",
            name);
        return NULL;
    }
    char *path = orr_arena_printf(&call->arena, "%s/%s", orr_call_output(call), name);
    char *directory = orr_path_directory(path);
    struct orr_error err = { 0 };
    orr_status status = orr_mkdirs(directory, 0777, &err);
    free(directory);
    if (status == ORR_OK)
        return path;
    (void)orr_call_fail(call, ORR_FAIL_IO, err.system, "%s", err.text);
    return NULL;
}

/* ---- rows, counters, failures ---- */

void orr_count(struct orr_call *call, const char *counter, double amount)
{
    for (uint32_t i = 0; i < call->n_counters; i++)
        if (strcmp(call->counters[i].name, counter) == 0) {
            call->counters[i].amount += amount;
            return;
        }
    if (call->n_counters == ORR_COUNTERS_MAX)
        ORR_BUG("function %s counts more than %d things", call->setup.function->name,
                ORR_COUNTERS_MAX);
    struct orr_call_counter *fresh = &call->counters[call->n_counters++];
    (void)snprintf(fresh->name, sizeof fresh->name, "%s", counter);
    fresh->amount = amount;
}

int orr_call_fail(struct orr_call *call, enum orr_fail_kind kind, int code,
                  const char *format, ...)
{
    if (call->failure != ORR_FAIL_NONE)
        return -1;
    struct orr_text text = ORR_TEXT_INIT;
    va_list args;
    va_start(args, format);
    orr_text_vprintf(&text, format, args);
    va_end(args);
    call->failure = kind;
    call->code = code;
    call->message = orr_arena_strdup(&call->arena, text.s ? text.s : "");
    orr_text_release(&text);
    return -1;
}

enum { WARNINGS_MAX = 16 * 1024 };

void orr_call_warn(struct orr_call *call, const char *format, ...)
{
    if (call->warnings.length > WARNINGS_MAX)
        return;
    va_list args;
    va_start(args, format);
    orr_text_vprintf(&call->warnings, format, args);
    va_end(args);
    orr_text_puts(&call->warnings, "\n");
}
