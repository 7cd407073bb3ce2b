/* hash.c - identities and checksums; owns nothing */
#include "base/hash.h"

#include "base/error.h"
#include "base/memory.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct orr_id orr_hash(const void *data, size_t length)
{
    XXH128_hash_t h = XXH3_128bits(data, length);
    return (struct orr_id) { h.high64, h.low64 };
}

uint64_t orr_hash64(const void *data, size_t length, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, length, seed);
}

void orr_id_text(struct orr_id id, char out[ORR_ID_TEXT])
{
    (void)snprintf(out, ORR_ID_TEXT, "%016llx%016llx", (unsigned long long)id.hi,
                   (unsigned long long)id.lo);
}

bool orr_id_parse(const char *text, struct orr_id *out)
{
    char half[17] = { 0 };
    if (strspn(text, "0123456789abcdef") != ORR_ID_TEXT - 1 || text[ORR_ID_TEXT - 1])
        return false;
    memcpy(half, text, 16);
    out->hi = strtoull(half, NULL, 16);
    memcpy(half, text + 16, 16);
    out->lo = strtoull(half, NULL, 16);
    return true;
}

struct orr_hasher {
    XXH3_state_t *state;
};

struct orr_hasher *orr_hasher_new(void)
{
    struct orr_hasher *hasher = orr_alloc(1, sizeof *hasher);
    hasher->state = XXH3_createState();
    if (!hasher->state)
        ORR_BUG("no memory for a hash");
    (void)XXH3_128bits_reset(hasher->state);
    return hasher;
}

void orr_hasher_add(struct orr_hasher *hasher, const void *data, size_t length)
{
    (void)XXH3_128bits_update(hasher->state, data, length);
}

struct orr_id orr_hasher_end(struct orr_hasher *hasher)
{
    XXH128_hash_t h = XXH3_128bits_digest(hasher->state);
    (void)XXH3_128bits_reset(hasher->state);
    return (struct orr_id) { h.high64, h.low64 };
}

void orr_hasher_free(struct orr_hasher *hasher)
{
    if (hasher)
        (void)XXH3_freeState(hasher->state);
    free(hasher);
}

enum { POLYNOMIAL_ROWS = 256 };

/* Bitwise table step: the reflected Castagnoli polynomial, 0x82F63B78. */
static uint32_t crc_byte(uint32_t crc)
{
    for (int bit = 0; bit < 8; bit++)
        crc = crc >> 1 ^ (0x82F63B78U & (0U - (crc & 1U)));
    return crc;
}

static uint32_t crc_soft(uint32_t crc, const unsigned char *at, size_t length)
{
    uint32_t table[POLYNOMIAL_ROWS];
    if (length < POLYNOMIAL_ROWS / 8) { /* a table costs more than it saves */
        for (size_t i = 0; i < length; i++)
            crc = crc_byte(crc ^ at[i]);
        return crc;
    }
    for (uint32_t i = 0; i < POLYNOMIAL_ROWS; i++)
        table[i] = crc_byte(i);
    for (size_t i = 0; i < length; i++)
        crc = crc >> 8 ^ table[(crc ^ at[i]) & 0xFF];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_hardware(uint32_t crc,
                                                               const unsigned char *at,
                                                               size_t length)
{
    uint64_t wide = crc;
    for (; length >= 8; at += 8, length -= 8) {
        uint64_t word = 0;
        memcpy(&word, at, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; length; at++, length--)
        crc = __builtin_ia32_crc32qi(crc, *at);
    return crc;
}

uint32_t orr_crc32c(uint32_t crc, const void *data, size_t length)
{
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc_hardware(~crc, data, length);
    return ~crc_soft(~crc, data, length);
}
#else
uint32_t orr_crc32c(uint32_t crc, const void *data, size_t length)
{
    return ~crc_soft(~crc, data, length);
}
#endif
