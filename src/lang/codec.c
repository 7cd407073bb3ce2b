/* codec.c - values as canonical bytes: a kind byte, then the contents
 * Owns nothing: what is read lands in the caller's arena. */
#include "lang/value.h"

#include <string.h>

enum { CODEC_DEPTH = 64 };

static void put_items(struct orr_bytes *out, const struct orr_value *items, uint32_t n)
{
    orr_put_u32(out, n);
    for (uint32_t i = 0; i < n; i++)
        orr_value_put(out, items[i]);
}

void orr_blob_encode(const struct orr_blob *blob, unsigned char *at)
{
    const uint64_t words[] = { blob->hash.hi, blob->hash.lo, blob->length };
    const uint32_t halves[] = { blob->writer, blob->epoch, blob->segment };
    for (size_t i = 0; i < 3; i++)
        for (size_t b = 0; b < 8; b++)
            at[i * 8 + b] = (unsigned char)(words[i] >> (8 * b));
    for (size_t i = 0; i < 3; i++)
        for (size_t b = 0; b < 4; b++)
            at[24 + i * 4 + b] = (unsigned char)(halves[i] >> (8 * b));
    for (size_t b = 0; b < 8; b++)
        at[36 + b] = (unsigned char)(blob->offset >> (8 * b));
}

void orr_blob_decode(const unsigned char *at, struct orr_blob *out)
{
    struct orr_reader in = orr_reader_of(at, ORR_BLOB_BYTES);
    out->hash.hi = orr_get_u64(&in);
    out->hash.lo = orr_get_u64(&in);
    out->length = orr_get_u64(&in);
    out->writer = orr_get_u32(&in);
    out->epoch = orr_get_u32(&in);
    out->segment = orr_get_u32(&in);
    out->offset = orr_get_u64(&in);
}

static void put_blob(struct orr_bytes *out, const struct orr_blob *blob)
{
    unsigned char bytes[ORR_BLOB_BYTES];
    orr_blob_encode(blob, bytes);
    orr_put_raw(out, bytes, sizeof bytes);
}

void orr_value_put(struct orr_bytes *out, struct orr_value v)
{
    orr_put_u8(out, v.kind);
    switch (v.kind) {
    case ORR_KIND_NULL: break;
    case ORR_KIND_BOOL: orr_put_u8(out, v.as.b); break;
    case ORR_KIND_FLOAT: orr_put_f64(out, v.as.f); break;
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: orr_put_string(out, v.as.s->s, v.as.s->length); break;
    case ORR_KIND_BLOB: put_blob(out, v.as.blob); break;
    case ORR_KIND_LIST: put_items(out, v.as.list->items, v.as.list->n); break;
    case ORR_KIND_RECORD:
        put_items(out, v.as.record->fields, v.as.record->type->n_fields);
        break;
    default: orr_put_i64(out, v.as.i);
    }
}

struct decoder {
    struct orr_reader *in;
    struct orr_arena *arena;
    struct orr_error *err;
};

static orr_status damaged(struct decoder *d, const char *what)
{
    return orr_error_set(d->err, ORR_ERR_DATA, ORR_NO_SPAN,
                         "damaged value at byte %zu: %s", d->in->at, what);
}

static orr_status get_value(struct decoder *d, const struct orr_type *type, int depth,
                            struct orr_value *out);

/* A count that the rest of the input can hold: one byte an item at least. */
static orr_status get_count(struct decoder *d, uint32_t *n)
{
    *n = orr_get_u32(d->in);
    if (d->in->bad || *n > orr_reader_left(d->in))
        return damaged(d, "more items than bytes");
    return ORR_OK;
}

static orr_status get_list(struct decoder *d, const struct orr_type *type, int depth,
                           struct orr_value *out)
{
    uint32_t n = 0;
    orr_status status = get_count(d, &n);
    if (status != ORR_OK)
        return status;
    struct orr_list *list = orr_list_new(d->arena, n);
    for (uint32_t i = 0; i < n && status == ORR_OK; i++)
        status = get_value(d, type ? type->element : NULL, depth + 1, &list->items[i]);
    *out = orr_value_of_list(list);
    return status;
}

static const struct orr_record_type *untyped_record(struct decoder *d, uint32_t n)
{
    struct orr_record_type *type = orr_arena_alloc(d->arena, sizeof *type);
    struct orr_field *fields = orr_arena_alloc(d->arena, n * sizeof *fields);
    for (uint32_t i = 0; i < n; i++)
        fields[i] =
            (struct orr_field) { .name = "", .type = orr_type_scalar(ORR_KIND_NULL) };
    *type = (struct orr_record_type) { .n_fields = n, .fields = fields };
    return type;
}

static orr_status get_record(struct decoder *d, const struct orr_type *type, int depth,
                             struct orr_value *out)
{
    uint32_t n = 0;
    orr_status status = get_count(d, &n);
    if (status != ORR_OK)
        return status;
    const struct orr_record_type *shape = type ? type->record : untyped_record(d, n);
    if (n != shape->n_fields)
        return damaged(d, "a record has another number of fields than its type");
    struct orr_record *record = orr_record_new(d->arena, shape);
    for (uint32_t i = 0; i < n && status == ORR_OK; i++)
        status = get_value(d, type ? shape->fields[i].type : NULL, depth + 1,
                           &record->fields[i]);
    *out = orr_value_of_record(record);
    return status;
}

static orr_status get_string(struct decoder *d, struct orr_value *out)
{
    size_t length = 0;
    const char *s = orr_get_string(d->in, &length);
    if (!s || memchr(s, '\0', length))
        return damaged(d, s ? "a string holds a zero byte" : "a string is cut");
    *out = orr_string_new(d->arena, out->kind, s, length);
    return ORR_OK;
}

static orr_status get_blob(struct decoder *d, struct orr_value *out)
{
    const unsigned char *at = orr_get_raw(d->in, ORR_BLOB_BYTES);
    if (!at)
        return damaged(d, "a blob reference is cut");
    struct orr_blob *blob = orr_arena_alloc(d->arena, sizeof *blob);
    orr_blob_decode(at, blob);
    out->as.blob = blob;
    return ORR_OK;
}

static orr_status get_contents(struct decoder *d, const struct orr_type *type,
                               int depth, struct orr_value *out)
{
    switch (out->kind) {
    case ORR_KIND_NULL: return ORR_OK;
    case ORR_KIND_BOOL: out->as.b = orr_get_u8(d->in) != 0; break;
    case ORR_KIND_FLOAT: out->as.f = orr_get_f64(d->in); break;
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: return get_string(d, out);
    case ORR_KIND_BLOB: return get_blob(d, out);
    case ORR_KIND_LIST: return get_list(d, type, depth, out);
    case ORR_KIND_RECORD: return get_record(d, type, depth, out);
    default: out->as.i = orr_get_i64(d->in);
    }
    return d->in->bad ? damaged(d, "a number is cut") : ORR_OK;
}

static orr_status get_value(struct decoder *d, const struct orr_type *type, int depth,
                            struct orr_value *out)
{
    *out = (struct orr_value) { .kind = orr_get_u8(d->in) };
    if (d->in->bad || out->kind > ORR_KIND_RECORD)
        return damaged(d, "no such kind");
    if (depth > CODEC_DEPTH)
        return damaged(d, "too deep nesting");
    bool null_fits = !type || type->optional || type->kind == ORR_KIND_NULL;
    if (type && out->kind != type->kind && !(out->kind == ORR_KIND_NULL && null_fits))
        return damaged(d, "another type than expected");
    return get_contents(d, type, depth, out);
}

orr_status orr_value_get(struct orr_reader *in, const struct orr_type *type,
                         struct orr_arena *arena, struct orr_value *out,
                         struct orr_error *err)
{
    struct decoder d = { in, arena, err };
    return get_value(&d, type, 0, out);
}

static orr_status visit_value(struct orr_reader *in, int depth,
                              void (*visit)(void *context, unsigned char *blob),
                              void *context)
{
    uint8_t kind = orr_get_u8(in);
    size_t length = 0;
    if (in->bad || kind > ORR_KIND_RECORD || depth > CODEC_DEPTH)
        return ORR_ERR_DATA;
    switch (kind) {
    case ORR_KIND_NULL: break;
    case ORR_KIND_BOOL: (void)orr_get_u8(in); break;
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: (void)orr_get_string(in, &length); break;
    case ORR_KIND_BLOB: {
        /* The reader borrows the caller's bytes, which the contract says are writable.
         */
        unsigned char *at = (unsigned char *)(uintptr_t)orr_get_raw(in, ORR_BLOB_BYTES);
        if (at)
            visit(context, at);
        break;
    }
    case ORR_KIND_LIST:
    case ORR_KIND_RECORD: {
        orr_status status = ORR_OK;
        for (uint32_t n = orr_get_u32(in); n && status == ORR_OK; n--)
            status = visit_value(in, depth + 1, visit, context);
        if (status != ORR_OK)
            return status;
        break;
    }
    default: (void)orr_get_i64(in);
    }
    return in->bad ? ORR_ERR_DATA : ORR_OK;
}

orr_status orr_value_visit_blobs(struct orr_reader *in,
                                 void (*visit)(void *context, unsigned char *blob),
                                 void *context)
{
    return visit_value(in, 0, visit, context);
}
