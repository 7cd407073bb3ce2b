/* hash.h - 128-bit identities (XXH3-128 of xxHash) and CRC32C */
#ifndef ORR_BASE_HASH_H
#define ORR_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An identity: equal content, equal id. Not a cryptographic digest. */
struct orr_id {
    uint64_t hi;
    uint64_t lo;
};

#define ORR_ID_TEXT 33 /* 32 hex digits and NUL */
struct orr_id orr_hash(const void *data, size_t length);
uint64_t orr_hash64(const void *data, size_t length, uint64_t seed);
static inline bool orr_id_equal(struct orr_id a, struct orr_id b)
{
    return a.hi == b.hi && a.lo == b.lo;
}
void orr_id_text(struct orr_id id, char out[ORR_ID_TEXT]);
/* The other way; false when the text is anything else than 32 hex digits. */
bool orr_id_parse(const char *text, struct orr_id *out);

/* The same as orr_hash() of all pieces joined. orr_hasher_end() gives the id and starts
 * anew; free with orr_hasher_free(). */
struct orr_hasher;
struct orr_hasher *orr_hasher_new(void);
void orr_hasher_add(struct orr_hasher *hasher, const void *data, size_t length);
struct orr_id orr_hasher_end(struct orr_hasher *hasher);
void orr_hasher_free(struct orr_hasher *hasher);

/* CRC32C (Castagnoli, RFC 3720 B.4) of data appended to `crc`; start with 0.
 * Uses the processor's instruction where there is one. */
uint32_t orr_crc32c(uint32_t crc, const void *data, size_t length);

#endif
