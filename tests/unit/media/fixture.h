/* fixture.h - media calls in unit tests: a run directory of their own, blobs in memory,
 * and the ffmpeg and ffprobe tools as independent judges */
#ifndef ORR_TEST_MEDIA_FIXTURE_H
#define ORR_TEST_MEDIA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "exec/call.h"
#include "media/media.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* x265 3.5 does not free copies of its parameters. */
const char *__lsan_default_suppressions(void);
UNUSED const char *__lsan_default_suppressions(void) { return "leak:libx265\n"; }

struct kept_blob {
    struct orr_blob blob;
    unsigned char *bytes;
};

struct fixture {
    char directory[64];
    char out[80], cache[80], scratch[80];
    struct orr_arena arena;
    struct kept_blob *blobs;
    size_t n_blobs, cap_blobs;
};

/* What a call gave; results and rows live in the fixture's arena. */
struct outcome {
    enum orr_fail_kind kind;
    char message[1200];
    char warnings[1200];
    struct orr_value results;
    unsigned char *rows;
    uint32_t n_rows;
    double decoded, encoded;
};

UNUSED static void fixture_init(struct fixture *fix)
{
    memset(fix, 0, sizeof *fix);
    (void)snprintf(fix->directory, sizeof fix->directory, "/tmp/orr-media-XXXXXX");
    assert_non_null(mkdtemp(fix->directory));
    (void)snprintf(fix->out, sizeof fix->out, "%s/out", fix->directory);
    (void)snprintf(fix->cache, sizeof fix->cache, "%s/cache", fix->directory);
    (void)snprintf(fix->scratch, sizeof fix->scratch, "%s/scratch", fix->directory);
    assert_int_equal(mkdir(fix->out, 0700), 0);
    assert_int_equal(mkdir(fix->cache, 0700), 0);
    assert_int_equal(mkdir(fix->scratch, 0700), 0);
}

UNUSED static void fixture_release(struct fixture *fix)
{
    char command[120];
    for (size_t i = 0; i < fix->n_blobs; i++)
        free(fix->blobs[i].bytes);
    free(fix->blobs);
    orr_arena_release(&fix->arena);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", fix->directory);
    assert_int_equal((system)(command), 0);
}

/* A clip by name; the path belongs to the fixture. */
UNUSED static const char *clip(struct fixture *fix, const char *name)
{
    const char *directory = getenv("ORR_CLIPS");
    return orr_arena_printf(&fix->arena, "%s/%s",
                            directory ? directory : "/tmp/orrery-clips", name);
}

/* Is a fetched clip there? When not, say so: the test is skipped. */
UNUSED static bool have_clip(struct fixture *fix, const char *name)
{
    if (access(clip(fix, name), R_OK) == 0)
        return true;
    print_message("skipped: %s is missing (tests/support/clips.sh fetches it)\n",
                  clip(fix, name));
    return false;
}

UNUSED static struct orr_value text_value(struct fixture *fix, const char *text)
{
    return orr_string_new(&fix->arena, ORR_KIND_STRING, text, strlen(text));
}

UNUSED static struct orr_value path_value(struct fixture *fix, const char *text)
{
    return orr_string_new(&fix->arena, ORR_KIND_PATH, text, strlen(text));
}

UNUSED static struct orr_value clip_value(struct fixture *fix, const char *name)
{
    return path_value(fix, clip(fix, name));
}

UNUSED static struct orr_value duration_value(double seconds)
{
    return (struct orr_value) { .kind = ORR_KIND_DURATION,
                                .as.i = (int64_t)(seconds * 1e9 + 0.5) };
}

UNUSED static struct orr_value list_value(struct fixture *fix,
                                          const struct orr_value *items, uint32_t n)
{
    struct orr_list *list = orr_list_new(&fix->arena, n);
    for (uint32_t i = 0; i < n; i++)
        list->items[i] = items[i];
    return orr_value_of_list(list);
}

struct arg {
    const char *name; /* NULL ends */
    struct orr_value value;
};

static orr_status load_blob(void *context, const struct orr_blob *blob, void **bytes,
                            struct orr_error *err)
{
    struct fixture *fix = context;
    for (size_t i = 0; i < fix->n_blobs; i++)
        if (orr_id_equal(fix->blobs[i].blob.hash, blob->hash)) {
            *bytes = fix->blobs[i].bytes;
            return ORR_OK;
        }
    return orr_error_set(err, ORR_ERR_STORE, ORR_NO_SPAN, "no such blob");
}

static void unload_blob(void *context, const struct orr_blob *blob, void *bytes)
{
    (void)context;
    (void)blob;
    (void)bytes;
}

static void keep_blob(struct fixture *fix, const struct orr_blob *blob, int fd)
{
    struct kept_blob kept = { *blob, orr_alloc(blob->length, 1) };
    assert_int_equal(pread(fd, kept.bytes, blob->length, (off_t)blob->offset),
                     (ssize_t)blob->length);
    fix->blobs =
        orr_grow(fix->blobs, fix->n_blobs, &fix->cap_blobs, sizeof *fix->blobs);
    fix->blobs[fix->n_blobs++] = kept;
}

static void keep_blobs(struct fixture *fix, struct orr_value v, int fd)
{
    if (v.kind == ORR_KIND_BLOB)
        keep_blob(fix, v.as.blob, fd);
    for (uint32_t i = 0; v.kind == ORR_KIND_LIST && i < v.as.list->n; i++)
        keep_blobs(fix, v.as.list->items[i], fd);
    for (uint32_t i = 0; v.kind == ORR_KIND_RECORD && i < v.as.record->type->n_fields;
         i++)
        keep_blobs(fix, v.as.record->fields[i], fd);
}

static void take_outcome(struct fixture *fix, struct orr_call *call, int fd,
                         struct outcome *out)
{
    int code = 0;
    const char *message = "";
    uint32_t n = 0;
    memset(out, 0, sizeof *out);
    out->kind = orr_call_failure(call, &code, &message);
    (void)snprintf(out->message, sizeof out->message, "%s", message);
    (void)snprintf(out->warnings, sizeof out->warnings, "%s", orr_call_warnings(call));
    if (out->kind == ORR_FAIL_NONE) {
        out->results = orr_value_copy(orr_call_results(call), &fix->arena);
        keep_blobs(fix, out->results, fd);
    }
    const struct orr_bytes *rows = orr_call_rows(call, &out->n_rows);
    if (rows->length) {
        out->rows = orr_arena_alloc(&fix->arena, rows->length);
        memcpy(out->rows, rows->data, rows->length);
    }
    const struct orr_call_counter *counters = orr_call_counters(call, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(counters[i].name, "frames_decoded") == 0)
            out->decoded = counters[i].amount;
        if (strcmp(counters[i].name, "frames_encoded") == 0)
            out->encoded = counters[i].amount;
    }
}

/* Call `function`; arguments that are not in `args` are null. */
UNUSED static struct outcome run(struct fixture *fix,
                                 const struct orr_function *function,
                                 const struct arg *args)
{
    struct outcome out;
    const struct orr_record_type *params = orr_function_params(function);
    struct orr_value *values =
        orr_arena_alloc(&fix->arena, params->n_fields * sizeof *values);
    for (uint32_t i = 0; i < params->n_fields; i++)
        values[i] = orr_null();
    for (; args->name; args++) {
        int at = orr_record_field(params, args->name);
        assert_true(at >= 0);
        values[at] = args->value;
    }
    int fd = memfd_create("blobs", MFD_CLOEXEC);
    struct orr_call_setup setup = {
        .function = function,
        .args = values,
        .cores = 1,
        .scratch = fix->scratch,
        .output = fix->out,
        .cache = fix->cache,
        .blobs = { load_blob, unload_blob, fix },
        .blob_fd = fd,
    };
    struct orr_call *call = orr_call_new(&setup);
    orr_call_run(call);
    take_outcome(fix, call, fd, &out);
    orr_call_free(call);
    (void)close(fd);
    return out;
}

/* run(), which must succeed. */
UNUSED static struct outcome run_ok(struct fixture *fix,
                                    const struct orr_function *function,
                                    const struct arg *args)
{
    struct outcome out = run(fix, function, args);
    if (out.kind != ORR_FAIL_NONE)
        fail_msg("%s failed: %s", function->name, out.message);
    return out;
}

/* run(), which must fail as `kind` with `part` in its message. */
UNUSED static void run_fails(struct fixture *fix, const struct orr_function *function,
                             const struct arg *args, enum orr_fail_kind kind,
                             const char *part)
{
    struct outcome out = run(fix, function, args);
    if (out.kind == ORR_FAIL_NONE)
        fail_msg("%s succeeded where '%s' was expected", function->name, part);
    if (!strstr(out.message, part))
        fail_msg("message is '%s', without '%s'", out.message, part);
    assert_int_equal(out.kind, kind);
}

UNUSED static struct orr_value field(struct orr_value record, const char *name)
{
    assert_int_equal(record.kind, ORR_KIND_RECORD);
    int at = orr_record_field(record.as.record->type, name);
    if (at < 0)
        fail_msg("no field %s", name);
    return record.as.record->fields[at];
}

UNUSED static int64_t int_of(const struct outcome *out, const char *name)
{
    return field(out->results, name).as.i;
}

UNUSED static double float_of(const struct outcome *out, const char *name)
{
    return field(out->results, name).as.f;
}

UNUSED static const char *text_of(const struct outcome *out, const char *name)
{
    return field(out->results, name).as.s->s;
}

UNUSED static const struct kept_blob *blob_of(const struct fixture *fix,
                                              struct orr_value v)
{
    assert_int_equal(v.kind, ORR_KIND_BLOB);
    for (size_t i = 0; i < fix->n_blobs; i++)
        if (orr_id_equal(fix->blobs[i].blob.hash, v.as.blob->hash))
            return &fix->blobs[i];
    fail_msg("blob was not kept");
    return NULL;
}

/* The columns of media.encode's rows (little-endian, packed in this order). */
struct row {
    uint32_t frame;
    uint8_t rung;
    double pts;
    uint8_t type;
    float qp;
    uint32_t bytes;
    float psnr, psnr_y, psnr_u, psnr_v, ssim, vif;
};

UNUSED static struct row row_at(const struct outcome *out, uint32_t i)
{
    struct row row;
    const unsigned char *at =
        out->rows + (size_t)i * orr_function_row_bytes(&orr_media_encode);
    assert_true(i < out->n_rows);
#define TAKE(f) (memcpy(&row.f, at, sizeof row.f), at += sizeof row.f)
    TAKE(frame), TAKE(rung), TAKE(pts), TAKE(type), TAKE(qp), TAKE(bytes), TAKE(psnr);
    TAKE(psnr_y), TAKE(psnr_u), TAKE(psnr_v), TAKE(ssim), TAKE(vif);
#undef TAKE
    return row;
}

/* Standard output of a shell command, in the fixture's arena; the command must succeed.
 */
__attribute__((format(printf, 2, 3))) UNUSED static char *shell(struct fixture *fix,
                                                                const char *format, ...)
{
    struct orr_text command = ORR_TEXT_INIT;
    struct orr_text output = ORR_TEXT_INIT;
    char block[4096];
    va_list args;
    va_start(args, format);
    orr_text_vprintf(&command, format, args);
    va_end(args);
    FILE *pipe = popen(command.s, "r");
    assert_non_null(pipe);
    size_t n = 0;
    while ((n = fread(block, 1, sizeof block, pipe)) > 0)
        orr_text_append(&output, block, n);
    int status = pclose(pipe);
    if (status != 0)
        fail_msg("%s: status %d", command.s, status);
    char *text =
        orr_arena_strndup(&fix->arena, output.s ? output.s : "", output.length);
    orr_text_release(&command);
    orr_text_release(&output);
    return text;
}

/* Write a blob to a file of the fixture. */
UNUSED static const char *save(struct fixture *fix, struct orr_value v,
                               const char *name)
{
    const struct kept_blob *kept = blob_of(fix, v);
    const char *path = orr_arena_printf(&fix->arena, "%s/%s", fix->directory, name);
    assert_int_equal(orr_file_write(path, kept->bytes, kept->blob.length, false, NULL),
                     ORR_OK);
    return path;
}

/* Encode `frames` frames from `first` with whatever `more` (ends with NULL) adds. */
UNUSED static struct outcome encode(struct fixture *fix, const char *name,
                                    int64_t first, int64_t frames,
                                    const struct arg *more)
{
    struct arg args[24] = { { "source", clip_value(fix, name) },
                            { "first", orr_int(first) },
                            { "frames", orr_int(frames) } };
    size_t n = 3;
    while (more && more->name)
        args[n++] = *more++;
    return run_ok(fix, &orr_media_encode, args);
}

/* Speed first: metrics are not wanted, ultrafast. */
#define QUICK(fix)                                                                     \
    { "metrics", list_value(fix, NULL, 0) }, { "preset", text_value(fix, "ultrafast") }

#endif
