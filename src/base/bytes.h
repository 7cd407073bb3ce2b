/* bytes.h - little-endian encoding, bounds checked, failure sticky
 *
 * Everything that leaves a process (messages, frames) is written field by field
 * with these; a struct is never sent. */
#ifndef ORR_BASE_BYTES_H
#define ORR_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
void orr_put_u8(struct orr_bytes *out, uint8_t v);
void orr_put_u16(struct orr_bytes *out, uint16_t v);
void orr_put_u32(struct orr_bytes *out, uint32_t v);
void orr_put_u64(struct orr_bytes *out, uint64_t v);
void orr_put_i64(struct orr_bytes *out, int64_t v);
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
uint8_t orr_get_u8(struct orr_reader *in);
uint16_t orr_get_u16(struct orr_reader *in);
uint32_t orr_get_u32(struct orr_reader *in);
uint64_t orr_get_u64(struct orr_reader *in);
int64_t orr_get_i64(struct orr_reader *in);
double orr_get_f64(struct orr_reader *in);
uint64_t orr_get_varint(struct orr_reader *in); /* `bad` when it is no 64-bit number */
int64_t orr_get_zigzag(struct orr_reader *in);
/* Borrowed from the input; NULL with `bad` set when it does not fit. */
const void *orr_get_raw(struct orr_reader *in, size_t length);
const char *orr_get_string(struct orr_reader *in, size_t *length);
size_t orr_reader_left(const struct orr_reader *in);

#endif
