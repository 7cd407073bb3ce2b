/* value.c - making, copying, comparing and converting values
 * Their bytes are in codec.c, their text in print.c. Owns nothing. */
#include "lang/value.h"

#include <math.h>
#include <string.h>

struct orr_value orr_string_new(struct orr_arena *arena, enum orr_kind kind,
                                const char *s, size_t length)
{
    struct orr_string *string = orr_arena_alloc(arena, sizeof *string + length + 1);
    string->length = (uint32_t)length;
    memcpy(string->s, s, length);
    return (struct orr_value) { .kind = (uint8_t)kind, .as.s = string };
}

struct orr_list *orr_list_new(struct orr_arena *arena, uint32_t n)
{
    struct orr_list *list =
        orr_arena_alloc(arena, sizeof *list + (size_t)n * sizeof(struct orr_value));
    list->n = n;
    return list;
}

struct orr_record *orr_record_new(struct orr_arena *arena,
                                  const struct orr_record_type *type)
{
    struct orr_record *record = orr_arena_alloc(
        arena, sizeof *record + (size_t)type->n_fields * sizeof(struct orr_value));
    record->type = type;
    return record;
}

struct orr_value orr_value_of_list(const struct orr_list *list)
{
    return (struct orr_value) { .kind = ORR_KIND_LIST, .as.list = list };
}

struct orr_value orr_value_of_record(const struct orr_record *record)
{
    return (struct orr_value) { .kind = ORR_KIND_RECORD, .as.record = record };
}

static struct orr_value copy_list(const struct orr_list *from, struct orr_arena *arena)
{
    struct orr_list *list = orr_list_new(arena, from->n);
    for (uint32_t i = 0; i < from->n; i++)
        list->items[i] = orr_value_copy(from->items[i], arena);
    return orr_value_of_list(list);
}

static struct orr_value copy_record(const struct orr_record *from,
                                    struct orr_arena *arena)
{
    struct orr_record *record = orr_record_new(arena, from->type);
    for (uint32_t i = 0; i < from->type->n_fields; i++)
        record->fields[i] = orr_value_copy(from->fields[i], arena);
    return orr_value_of_record(record);
}

struct orr_value orr_value_copy(struct orr_value v, struct orr_arena *arena)
{
    switch (v.kind) {
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: return orr_string_new(arena, v.kind, v.as.s->s, v.as.s->length);
    case ORR_KIND_BLOB: {
        struct orr_blob *blob = orr_arena_alloc(arena, sizeof *blob);
        *blob = *v.as.blob;
        v.as.blob = blob;
        return v;
    }
    case ORR_KIND_LIST: return copy_list(v.as.list, arena);
    case ORR_KIND_RECORD: return copy_record(v.as.record, arena);
    default: return v;
    }
}

static bool items_equal(const struct orr_value *a, const struct orr_value *b,
                        uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!orr_value_equal(a[i], b[i]))
            return false;
    return true;
}

static bool float_equal(double a, double b)
{
    return (isnan(a) && isnan(b)) || !(a < b || a > b || isnan(a) || isnan(b));
}

bool orr_value_equal(struct orr_value a, struct orr_value b)
{
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case ORR_KIND_NULL: return true;
    case ORR_KIND_BOOL: return a.as.b == b.as.b;
    case ORR_KIND_FLOAT: return float_equal(a.as.f, b.as.f);
    case ORR_KIND_STRING:
    case ORR_KIND_PATH:
        return a.as.s->length == b.as.s->length &&
               memcmp(a.as.s->s, b.as.s->s, a.as.s->length) == 0;
    case ORR_KIND_BLOB:
        return orr_id_equal(a.as.blob->hash, b.as.blob->hash) &&
               a.as.blob->length == b.as.blob->length;
    case ORR_KIND_LIST:
        return a.as.list->n == b.as.list->n &&
               items_equal(a.as.list->items, b.as.list->items, a.as.list->n);
    case ORR_KIND_RECORD:
        return a.as.record->type->n_fields == b.as.record->type->n_fields &&
               items_equal(a.as.record->fields, b.as.record->fields,
                           a.as.record->type->n_fields);
    default: return a.as.i == b.as.i;
    }
}

static uint64_t mix(uint64_t seed, uint64_t v)
{
    uint64_t x = (seed ^ v) * 0x9E3779B97F4A7C15ULL;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93ULL;
    return x ^ x >> 29;
}

static uint64_t hash_items(const struct orr_value *items, uint32_t n, uint64_t seed)
{
    seed = mix(seed, n);
    for (uint32_t i = 0; i < n; i++)
        seed = orr_value_hash(items[i], seed);
    return seed;
}

static uint64_t float_bits(double f)
{
    uint64_t bits = 0;
    if (isnan(f))
        return UINT64_MAX; /* all NaNs are one value */
    if (f < 0 || f > 0)    /* and both zeros are 0 */
        memcpy(&bits, &f, sizeof bits);
    return bits;
}

uint64_t orr_value_hash(struct orr_value v, uint64_t seed)
{
    seed += v.kind * 0xA0761D6478BD642FULL;
    switch (v.kind) {
    case ORR_KIND_NULL: return mix(seed, 0);
    case ORR_KIND_BOOL: return mix(seed, v.as.b);
    case ORR_KIND_FLOAT: return mix(seed, float_bits(v.as.f));
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: return orr_hash64(v.as.s->s, v.as.s->length, seed);
    case ORR_KIND_BLOB: return mix(mix(seed, v.as.blob->hash.hi), v.as.blob->hash.lo);
    case ORR_KIND_LIST: return hash_items(v.as.list->items, v.as.list->n, seed);
    case ORR_KIND_RECORD:
        return hash_items(v.as.record->fields, v.as.record->type->n_fields, seed);
    default: return mix(seed, (uint64_t)v.as.i);
    }
}

static int sign(double d) { return (d > 0) - (d < 0); }

static int compare_strings(const struct orr_string *a, const struct orr_string *b)
{
    uint32_t n = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->s, b->s, n);
    return order ? (order > 0 ? 1 : -1)
                 : (a->length > b->length) - (a->length < b->length);
}

static int compare_items(const struct orr_value *a, uint32_t n_a,
                         const struct orr_value *b, uint32_t n_b)
{
    for (uint32_t i = 0; i < n_a && i < n_b; i++) {
        int order = orr_value_compare(a[i], b[i]);
        if (order)
            return order;
    }
    return (n_a > n_b) - (n_a < n_b);
}

int orr_value_compare(struct orr_value a, struct orr_value b)
{
    if (a.kind == ORR_KIND_INT && b.kind == ORR_KIND_FLOAT)
        return sign((double)a.as.i - b.as.f);
    if (a.kind == ORR_KIND_FLOAT && b.kind == ORR_KIND_INT)
        return sign(a.as.f - (double)b.as.i);
    if (a.kind != b.kind) /* a total order all the same: null first */
        return a.kind < b.kind ? -1 : 1;
    switch (a.kind) {
    case ORR_KIND_NULL: return 0;
    case ORR_KIND_BOOL: return a.as.b - b.as.b;
    case ORR_KIND_FLOAT: return sign(a.as.f - b.as.f);
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: return compare_strings(a.as.s, b.as.s);
    case ORR_KIND_BLOB:
        return memcmp(&a.as.blob->hash, &b.as.blob->hash, sizeof a.as.blob->hash);
    case ORR_KIND_LIST:
        return compare_items(a.as.list->items, a.as.list->n, b.as.list->items,
                             b.as.list->n);
    case ORR_KIND_RECORD:
        return compare_items(a.as.record->fields, a.as.record->type->n_fields,
                             b.as.record->fields, b.as.record->type->n_fields);
    default: return (a.as.i > b.as.i) - (a.as.i < b.as.i);
    }
}

static struct orr_value convert_record(const struct orr_record *from,
                                       const struct orr_record_type *to,
                                       struct orr_arena *arena)
{
    struct orr_record *record = orr_record_new(arena, to);
    for (uint32_t i = 0; i < to->n_fields; i++) {
        int at = orr_record_field(from->type, to->fields[i].name);
        if (at >= 0)
            record->fields[i] =
                orr_value_convert(from->fields[at], to->fields[i].type, arena);
    }
    return orr_value_of_record(record);
}

static struct orr_value convert_list(const struct orr_list *from,
                                     const struct orr_type *to, struct orr_arena *arena)
{
    struct orr_list *list = orr_list_new(arena, from->n);
    for (uint32_t i = 0; i < from->n; i++)
        list->items[i] = orr_value_convert(from->items[i], to, arena);
    return orr_value_of_list(list);
}

struct orr_value orr_value_convert(struct orr_value v, const struct orr_type *to,
                                   struct orr_arena *arena)
{
    if (v.kind == ORR_KIND_INT && to->kind == ORR_KIND_FLOAT)
        return orr_float((double)v.as.i);
    if (v.kind == ORR_KIND_RECORD && to->kind == ORR_KIND_RECORD &&
        v.as.record->type != to->record)
        return convert_record(v.as.record, to->record, arena);
    bool deep =
        v.kind == ORR_KIND_LIST && to->kind == ORR_KIND_LIST && to->element &&
        (to->element->kind == ORR_KIND_FLOAT || to->element->kind == ORR_KIND_RECORD ||
         to->element->kind == ORR_KIND_LIST);
    return deep ? convert_list(v.as.list, to->element, arena) : v;
}
