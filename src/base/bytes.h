/* bytes.h - little-endian encoding, bounds checked, failure sticky
 *
 * Everything that leaves a process (messages, frames) is written field by field
 * with these; a struct is never sent. */
#ifndef ORR_BASE_BYTES_H
#define ORR_BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes at an address that need not be aligned. */
static inline uint64_t orr_load_u64(const void *at)
{
    uint64_t v = 0;
    memcpy(&v, at, sizeof v);
    return le64toh(v);
}

static inline void orr_store_u64(void *at, uint64_t v)
{
    v = htole64(v);
    memcpy(at, &v, sizeof v);
}

static inline void orr_store_u32(void *at, uint32_t v)
{
    v = htole32(v);
    memcpy(at, &v, sizeof v);
}

/* Writer: grows as needed. Zeroed struct is empty. */
struct orr_bytes {
    unsigned char *data;
    size_t length;
    size_t cap;
};

#define ORR_BYTES_INIT                                                                 \
    {                                                                                  \
        NULL, 0, 0                                                                     \
    }
/* Room for `more` bytes besides what is there; seldom. */
void orr_bytes_grow(struct orr_bytes *out, size_t more);

/* `more` bytes at the end, to be filled. */
static inline unsigned char *orr_bytes_extend(struct orr_bytes *out, size_t more)
{
    if (out->length + more > out->cap)
        orr_bytes_grow(out, more);
    unsigned char *at = out->data + out->length;
    out->length += more;
    return at;
}

static inline void orr_put_u8(struct orr_bytes *out, uint8_t v)
{
    *orr_bytes_extend(out, 1) = v;
}

static inline void orr_put_u32(struct orr_bytes *out, uint32_t v)
{
    orr_store_u32(orr_bytes_extend(out, sizeof v), v);
}

static inline void orr_put_u64(struct orr_bytes *out, uint64_t v)
{
    orr_store_u64(orr_bytes_extend(out, sizeof v), v);
}

static inline void orr_put_i64(struct orr_bytes *out, int64_t v)
{
    orr_put_u64(out, (uint64_t)v);
}

void orr_put_u16(struct orr_bytes *out, uint16_t v);
void orr_put_f64(struct orr_bytes *out, double v);
void orr_put_raw(struct orr_bytes *out, const void *data, size_t length);
void orr_put_string(struct orr_bytes *out, const char *s,
                    size_t length); /* u32 + bytes */
/* Seven bits a byte, lowest first, the top bit says that more follow (LEB128). */
void orr_put_varint(struct orr_bytes *out, uint64_t v);
/* The same of a signed number near zero: 0, -1, 1, -2 become 0, 1, 2, 3. */
void orr_put_zigzag(struct orr_bytes *out, int64_t v);
/* Overwrite four or eight bytes written before; `at` must lie inside. */
void orr_patch_u32(struct orr_bytes *out, size_t at, uint32_t v);
void orr_patch_u64(struct orr_bytes *out, size_t at, uint64_t v);
void orr_bytes_clear(struct orr_bytes *out); /* keeps the memory */
void orr_bytes_release(struct orr_bytes *out);

/* Reader over borrowed memory. After a read past the end `bad` stays set, and
 * every read returns 0: check once, at the end. */
struct orr_reader {
    const unsigned char *data;
    size_t length;
    size_t at;
    bool bad;
};

struct orr_reader orr_reader_of(const void *data, size_t length);

/* Borrowed from the input; NULL with `bad` set when it does not fit. */
static inline const void *orr_get_raw(struct orr_reader *in, size_t length)
{
    if (in->bad || length > in->length - in->at) {
        in->bad = true;
        return NULL;
    }
    const void *at = in->data + in->at;
    in->at += length;
    return at;
}

static inline uint8_t orr_get_u8(struct orr_reader *in)
{
    const unsigned char *at = orr_get_raw(in, 1);
    return at ? *at : 0;
}

static inline uint32_t orr_get_u32(struct orr_reader *in)
{
    uint32_t v = 0;
    const void *at = orr_get_raw(in, sizeof v);
    if (at)
        memcpy(&v, at, sizeof v);
    return le32toh(v);
}

static inline uint64_t orr_get_u64(struct orr_reader *in)
{
    const void *at = orr_get_raw(in, sizeof(uint64_t));
    return at ? orr_load_u64(at) : 0;
}

static inline int64_t orr_get_i64(struct orr_reader *in)
{
    return (int64_t)orr_get_u64(in);
}

uint16_t orr_get_u16(struct orr_reader *in);
double orr_get_f64(struct orr_reader *in);
uint64_t orr_get_varint(struct orr_reader *in); /* `bad` when it is no 64-bit number */
int64_t orr_get_zigzag(struct orr_reader *in);
/* Likewise borrowed. */
const char *orr_get_string(struct orr_reader *in, size_t *length);
size_t orr_reader_left(const struct orr_reader *in);

#endif
