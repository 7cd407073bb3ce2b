/* value.h - values of the workflow language, and their bytes
 *
 * A value is 16 bytes and immutable; what it points to lives in an arena. Copying
 * the struct shares the contents; orr_value_copy() moves them to another arena. */
#ifndef ORR_LANG_VALUE_H
#define ORR_LANG_VALUE_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "lang/type.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orr_string {
    uint32_t length;
    char s[]; /* NUL-terminated; may hold no NUL inside */
};

/* Bytes in the store. Equal content has equal hash, so identity and equality use
 * hash and length only; the rest says where a copy lies. */
struct orr_blob {
    struct orr_id hash;
    uint64_t length;  /* bytes */
    uint32_t writer;  /* shard file wWRITER-eEPOCH-sSEGMENT; */
    uint32_t epoch;   /* in a result not stored yet, writer is ORR_BLOB_LOCAL and */
    uint32_t segment; /* offset counts from the start of the attempt's blob bytes */
    uint64_t offset;  /* bytes from the start of /log */
};

#define ORR_BLOB_LOCAL UINT32_MAX
/* It was taken from another run, whose shard is here RUN/reuse/sSEGMENT.blob.h5. */
#define ORR_BLOB_REUSED (UINT32_MAX - 1)

struct orr_value {
    uint8_t kind; /* enum orr_kind */
    union {
        bool b;
        int64_t i; /* INT, DURATION (ns), SIZE (bytes) */
        double f;
        const struct orr_string *s; /* STRING, PATH */
        const struct orr_blob *blob;
        const struct orr_list *list;
        const struct orr_record *record;
    } as;
};

struct orr_list {
    uint32_t n;
    struct orr_value items[];
};

/* Field i of the value is field i of the type. */
struct orr_record {
    const struct orr_record_type *type;
    struct orr_value fields[];
};

static inline struct orr_value orr_null(void)
{
    return (struct orr_value) { .kind = ORR_KIND_NULL };
}
static inline struct orr_value orr_bool(bool b)
{
    return (struct orr_value) { .kind = ORR_KIND_BOOL, .as.b = b };
}
static inline struct orr_value orr_int(int64_t i)
{
    return (struct orr_value) { .kind = ORR_KIND_INT, .as.i = i };
}
static inline struct orr_value orr_float(double f)
{
    return (struct orr_value) { .kind = ORR_KIND_FLOAT, .as.f = f };
}
/* Strings, paths: `kind` is ORR_KIND_STRING or ORR_KIND_PATH; bytes are copied. */
struct orr_value orr_string_new(struct orr_arena *arena, enum orr_kind kind,
                                const char *s, size_t length);
/* Lists and records with all items null, to be filled before they are shared. */
struct orr_list *orr_list_new(struct orr_arena *arena, uint32_t n);
struct orr_record *orr_record_new(struct orr_arena *arena,
                                  const struct orr_record_type *type);
struct orr_value orr_value_of_list(const struct orr_list *list);
struct orr_value orr_value_of_record(const struct orr_record *record);

/* Deep copy; record types stay shared (they outlive all values). */
struct orr_value orr_value_copy(struct orr_value v, struct orr_arena *arena);
/* Equality of content: floats by value (NaN equals NaN, -0 equals 0), an int and a
 * float are different, records by their fields in order. */
bool orr_value_equal(struct orr_value a, struct orr_value b);
/* Mixes v into seed; equal values give equal hashes. */
uint64_t orr_value_hash(struct orr_value v, uint64_t seed);
/* -1, 0, 1 for two values of one ordered kind (bool, int, float, string, duration,
 * size, path; int against float by value). Strings by bytes. */
int orr_value_compare(struct orr_value a, struct orr_value b);
/* Make a value of a type that fits `to` (orr_type_fits) exactly one of `to`: int to
 * float, records to `to`'s fields and order. Allocates only where something changes. */
struct orr_value orr_value_convert(struct orr_value v, const struct orr_type *to,
                                   struct orr_arena *arena);

/* Canonical bytes, self-describing: kind byte, then the contents; lists and records
 * with a u32 count, records positional. Blobs have a fixed width. */
void orr_value_put(struct orr_bytes *out, struct orr_value v);
/* Read one value that should be of `type` (NULL: any; records then have no type).
 * Returns ORR_ERR_DATA when the bytes are damaged or of another type; depth and
 * sizes are bounded by the input. Everything lands in `arena`. */
orr_status orr_value_get(struct orr_reader *in, const struct orr_type *type,
                         struct orr_arena *arena, struct orr_value *out,
                         struct orr_error *err);
/* Walk one encoded value and hand the place of each blob (8 + 8 hash, 8 length, 4
 * writer, 4 epoch, 4 segment, 8 offset, as written) to `visit` for patching in place.
 */
orr_status orr_value_visit_blobs(struct orr_reader *in,
                                 void (*visit)(void *context, unsigned char *blob),
                                 void *context);
enum { ORR_BLOB_BYTES = 44 };
void orr_blob_decode(const unsigned char *at, struct orr_blob *out);
void orr_blob_encode(const struct orr_blob *blob, unsigned char *at);

/* As the language writes it: 3, 1.5, "text", 2s, [1, 2], {a: 1}; appended. */
void orr_value_print(struct orr_value v, struct orr_text *out);
/* As JSON: durations in seconds, sizes in bytes, a blob as
 * {"bytes": n, "hash": "...", "shard": "w00001-e001-s000000", "offset": n}. */
void orr_value_json(struct orr_value v, struct orr_text *out);
/* As it stands in an interpolated string or a command line argument: strings bare,
 * floats in the shortest form that reads back the same, durations in seconds. */
void orr_value_format(struct orr_value v, struct orr_text *out);

#endif
