/* build.c - results of a call, set field by field; rows of statistics
 * Owns: the levels of lists and records that are still open. */
#include "base/file.h"
#include "base/memory.h"
#include "exec/attempt.h"
#include "exec/internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void orri_build_init(struct orr_call *call, const struct orr_record_type *results)
{
    call->results = orr_record_new(&call->arena, results);
}

void orri_build_release(struct orr_call *call)
{
    for (uint32_t i = 0; i < call->depth; i++)
        free(call->levels[i].items);
}

struct orr_value orr_call_results(const struct orr_call *call)
{
    return orr_value_of_record(call->results);
}

/* The type that `name` has where we are: a result, an item, a field of a record. */
static const struct orr_type *type_here(struct orr_call *call, const char *name,
                                        struct orr_value **place)
{
    const struct orr_record_type *record = call->results->type;
    struct orr_value *values = call->results->fields;
    if (call->depth) {
        struct orri_level *level = &call->levels[call->depth - 1];
        if (level->type->kind == ORR_KIND_LIST) {
            *place = NULL;
            return level->type->element;
        }
        record = level->type->record;
        values = level->items;
    }
    int at = name ? orr_record_field(record, name) : -1;
    if (at < 0)
        ORR_BUG("function %s declares no result '%s' here", call->setup.function->name,
                name ? name : "(an item)");
    *place = &values[at];
    return record->fields[at].type;
}

static void put(struct orr_call *call, const char *name, enum orr_kind kind,
                struct orr_value v)
{
    struct orr_value *place = NULL;
    const struct orr_type *type = type_here(call, name, &place);
    bool fits = kind == type->kind || (kind == ORR_KIND_NULL && type->optional);
    if (!fits)
        ORR_BUG("function %s sets '%s' to another type than it declares",
                call->setup.function->name, name ? name : "(an item)");
    if (place) {
        *place = v;
        return;
    }
    struct orri_level *level = &call->levels[call->depth - 1];
    level->items = orr_grow(level->items, level->n, &level->cap, sizeof *level->items);
    level->items[level->n++] = v;
}

void orr_set_null(struct orr_call *call, const char *name)
{
    put(call, name, ORR_KIND_NULL, orr_null());
}

void orr_set_bool(struct orr_call *call, const char *name, bool v)
{
    put(call, name, ORR_KIND_BOOL, orr_bool(v));
}

void orr_set_int(struct orr_call *call, const char *name, int64_t v)
{
    struct orr_value *place = NULL;
    enum orr_kind kind = type_here(call, name, &place)->kind;
    if (kind == ORR_KIND_FLOAT) {
        put(call, name, kind, orr_float((double)v));
        return;
    }
    kind = kind == ORR_KIND_SIZE ? kind : ORR_KIND_INT;
    put(call, name, kind, (struct orr_value) { .kind = (uint8_t)kind, .as.i = v });
}

void orr_set_float(struct orr_call *call, const char *name, double v)
{
    put(call, name, ORR_KIND_FLOAT, orr_float(v));
}

void orr_set_seconds(struct orr_call *call, const char *name, double v)
{
    put(call, name, ORR_KIND_DURATION,
        (struct orr_value) { .kind = ORR_KIND_DURATION, .as.i = llround(v * 1e9) });
}

void orr_set_string(struct orr_call *call, const char *name, const char *v)
{
    struct orr_value *place = NULL;
    enum orr_kind kind = type_here(call, name, &place)->kind == ORR_KIND_PATH
                             ? ORR_KIND_PATH
                             : ORR_KIND_STRING;
    put(call, name, kind, orr_string_new(&call->arena, kind, v, strlen(v)));
}

void orr_blob_begin(struct orr_call *call)
{
    if (!call->hasher) /* most calls have no blobs */
        call->hasher = orr_hasher_new();
    call->blob_start = call->blob_end;
}

void orr_blob_append(struct orr_call *call, const void *bytes, size_t length)
{
    uint64_t most = call->setup.blobs_most;
    if (most && call->blob_end + length > most) {
        (void)orr_call_fail(call, ORR_FAIL_MEMORY, 0, "%s",
                            orr_blobs_message(&call->arena, call->setup.function->name,
                                              call->blob_end + length, most));
        return;
    }
    if (orr_pwrite_all(call->setup.blob_fd, bytes, length, (int64_t)call->blob_end) !=
        0)
        (void)orr_call_fail(call, ORR_FAIL_MEMORY, errno,
                            "no room for %zu more bytes of results: %s", length,
                            strerror(errno));
    orr_hasher_add(call->hasher, bytes, length);
    call->blob_end += length;
}

void orr_blob_end(struct orr_call *call, const char *name)
{
    struct orr_blob *blob = orr_arena_alloc(&call->arena, sizeof *blob);
    *blob = (struct orr_blob) {
        .hash = orr_hasher_end(call->hasher),
        .length = call->blob_end - call->blob_start,
        .writer = ORR_BLOB_LOCAL,
        .offset = call->blob_start,
    };
    put(call, name, ORR_KIND_BLOB,
        (struct orr_value) { .kind = ORR_KIND_BLOB, .as.blob = blob });
}

void orr_set_blob(struct orr_call *call, const char *name, const void *bytes,
                  size_t length)
{
    orr_blob_begin(call);
    orr_blob_append(call, bytes, length);
    orr_blob_end(call, name);
}

static void open_level(struct orr_call *call, const char *name, enum orr_kind kind)
{
    struct orr_value *place = NULL;
    const struct orr_type *type = type_here(call, name, &place);
    if (type->kind != kind || call->depth == ORRI_LEVELS_MAX)
        ORR_BUG("function %s opens '%s' as another type than it declares",
                call->setup.function->name, name ? name : "(an item)");
    struct orri_level *level = &call->levels[call->depth++];
    *level = (struct orri_level) { .type = type, .name = name };
    if (kind == ORR_KIND_RECORD)
        level->items = orr_alloc(type->record->n_fields, sizeof *level->items);
}

void orr_list_begin(struct orr_call *call, const char *name)
{
    open_level(call, name, ORR_KIND_LIST);
}

void orr_record_begin(struct orr_call *call, const char *name)
{
    open_level(call, name, ORR_KIND_RECORD);
}

static struct orri_level close_level(struct orr_call *call, enum orr_kind kind)
{
    if (call->depth == 0 || call->levels[call->depth - 1].type->kind != kind)
        ORR_BUG("function %s closes what it did not open", call->setup.function->name);
    return call->levels[--call->depth];
}

void orr_list_end(struct orr_call *call)
{
    struct orri_level level = close_level(call, ORR_KIND_LIST);
    struct orr_list *list = orr_list_new(&call->arena, (uint32_t)level.n);
    if (level.n)
        memcpy(list->items, level.items, level.n * sizeof *level.items);
    free(level.items);
    put(call, level.name, ORR_KIND_LIST, orr_value_of_list(list));
}

void orr_record_end(struct orr_call *call)
{
    struct orri_level level = close_level(call, ORR_KIND_RECORD);
    const struct orr_record_type *type = level.type->record;
    struct orr_record *record = orr_record_new(&call->arena, type);
    for (uint32_t i = 0; i < type->n_fields; i++) {
        if (level.items[i].kind == ORR_KIND_NULL && !type->fields[i].type->optional)
            ORR_BUG("function %s leaves '%s' of a record unset",
                    call->setup.function->name, type->fields[i].name);
        record->fields[i] = level.items[i];
    }
    free(level.items);
    put(call, level.name, ORR_KIND_RECORD, orr_value_of_record(record));
}

/* ---- rows ---- */

static uint64_t clamp(double v, uint64_t most)
{
    if (!(v > 0)) /* NaN too */
        return 0;
    return v >= (double)most ? most : (uint64_t)llround(v);
}

static void put_float32(struct orr_bytes *out, double v)
{
    float narrow = (float)v;
    uint32_t bits = 0;
    memcpy(&bits, &narrow, sizeof bits);
    orr_put_u32(out, bits);
}

static void put_cell(struct orr_bytes *out, const char *type, double v)
{
    if (strcmp(type, "u1") == 0)
        orr_put_u8(out, (uint8_t)clamp(v, UINT8_MAX));
    else if (strcmp(type, "u2") == 0)
        orr_put_u16(out, (uint16_t)clamp(v, UINT16_MAX));
    else if (strcmp(type, "u4") == 0)
        orr_put_u32(out, (uint32_t)clamp(v, UINT32_MAX));
    else if (strcmp(type, "i4") == 0)
        orr_put_u32(out, (uint32_t)(int32_t)llround(v));
    else if (strcmp(type, "i8") == 0)
        orr_put_i64(out, llround(v));
    else if (strcmp(type, "f4") == 0)
        put_float32(out, v);
    else
        orr_put_f64(out, v);
}

void orr_row(struct orr_call *call, const double *values, size_t n)
{
    const struct orr_column *columns = call->setup.function->columns;
    size_t i = 0;
    for (; columns && columns[i].name && i < n; i++)
        put_cell(&call->rows, columns[i].type, values[i]);
    if (i != n || !columns || columns[i].name)
        ORR_BUG("function %s adds a row of %zu numbers, it declares another width",
                call->setup.function->name, n);
    call->n_rows++;
}
