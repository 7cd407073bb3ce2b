/* bytes.c - little-endian encode and decode; owns the writer's memory */
#include "base/bytes.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT_MOST = 10 };

void orr_bytes_grow(struct orr_bytes *out, size_t more)
{
    size_t cap = out->cap ? out->cap : 256;
    while (cap < out->length + more)
        cap *= 2;
    out->data = orr_realloc(out->data, cap, 1);
    out->cap = cap;
}

static uint64_t load_le(const unsigned char *at, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}

void orr_put_u16(struct orr_bytes *out, uint16_t v)
{
    v = htole16(v);
    memcpy(orr_bytes_extend(out, sizeof v), &v, sizeof v);
}

void orr_put_f64(struct orr_bytes *out, double v)
{
    uint64_t bits = 0;
    memcpy(&bits, &v, sizeof bits);
    orr_put_u64(out, bits);
}

void orr_put_raw(struct orr_bytes *out, const void *data, size_t length)
{
    if (length)
        memcpy(orr_bytes_extend(out, length), data, length);
}

void orr_put_string(struct orr_bytes *out, const char *s, size_t length)
{
    if (length > UINT32_MAX)
        ORR_BUG("string of %zu bytes does not fit a message", length);
    orr_put_u32(out, (uint32_t)length);
    orr_put_raw(out, s, length);
}

void orr_put_varint(struct orr_bytes *out, uint64_t v)
{
    unsigned char *at = orr_bytes_extend(out, VARINT_MOST);
    unsigned char *from = at;
    for (; v >= 0x80; v >>= 7)
        *at++ = (uint8_t)(v | 0x80);
    *at++ = (uint8_t)v;
    out->length -= VARINT_MOST - (size_t)(at - from);
}

void orr_put_zigzag(struct orr_bytes *out, int64_t v)
{
    orr_put_varint(out, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

static unsigned char *written(struct orr_bytes *out, size_t at, size_t n)
{
    if (at + n > out->length)
        ORR_BUG("patch at %zu of %zu", at, out->length);
    return out->data + at;
}

void orr_patch_u32(struct orr_bytes *out, size_t at, uint32_t v)
{
    orr_store_u32(written(out, at, sizeof v), v);
}
void orr_patch_u64(struct orr_bytes *out, size_t at, uint64_t v)
{
    orr_store_u64(written(out, at, sizeof v), v);
}
void orr_bytes_clear(struct orr_bytes *out) { out->length = 0; }

void orr_bytes_release(struct orr_bytes *out)
{
    free(out->data);
    *out = (struct orr_bytes)ORR_BYTES_INIT;
}

struct orr_reader orr_reader_of(const void *data, size_t length)
{
    return (struct orr_reader) { .data = data, .length = length };
}

uint16_t orr_get_u16(struct orr_reader *in)
{
    const unsigned char *at = orr_get_raw(in, 2);
    return at ? (uint16_t)load_le(at, 2) : 0;
}

double orr_get_f64(struct orr_reader *in)
{
    uint64_t bits = orr_get_u64(in);
    double v = 0;
    memcpy(&v, &bits, sizeof v);
    return v;
}

uint64_t orr_get_varint(struct orr_reader *in)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = orr_get_u8(in);
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (shift == 63 && byte > 1)
            break;
        if (!(byte & 0x80))
            return in->bad ? 0 : v;
    }
    in->bad = true;
    return 0;
}

int64_t orr_get_zigzag(struct orr_reader *in)
{
    uint64_t v = orr_get_varint(in);
    return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

const char *orr_get_string(struct orr_reader *in, size_t *length)
{
    *length = orr_get_u32(in);
    const char *s = orr_get_raw(in, *length);
    if (!s)
        *length = 0;
    return s;
}

size_t orr_reader_left(const struct orr_reader *in)
{
    return in->bad ? 0 : in->length - in->at;
}
