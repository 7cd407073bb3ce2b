/* series.h - byte strings that differ in nothing but numbers that count evenly
 *
 * The arguments of the calls of a range, and what they return, are such a series: the
 * first string, and by how much each number in it grows from one to the next. No type
 * is known here: a number is any eight bytes, little-endian, that differ. */
#ifndef ORR_BASE_SERIES_H
#define ORR_BASE_SERIES_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { ORR_SERIES_STEPS = 4 };

/* Where a number is, and what it grows by. Steps ascend and do not overlap. */
struct orr_step {
    uint32_t at;
    uint64_t by; /* wraps */
};

struct orr_series {
    const unsigned char *first; /* borrowed */
    uint32_t length;            /* of each */
    uint32_t n;
    uint32_t n_steps;
    struct orr_step steps[ORR_SERIES_STEPS];
};

struct orr_series orr_series_of(const void *first, uint32_t length);
/* Is this the next one? False: the series stays as it was. The second one says what the
 * steps are. */
bool orr_series_add(struct orr_series *series, const void *bytes, uint32_t length);
/* Number `i`, which may be any, as `length` bytes at `to`. */
void orr_series_at(const struct orr_series *series, uint64_t i, unsigned char *to);
/* `first` becomes number `i`, in its place; the caller counts. */
void orr_series_skip(const struct orr_series *series, uint64_t i, unsigned char *first);

/* Without n, which the caller knows. */
void orr_series_put(struct orr_bytes *out, const struct orr_series *series);
/* `bad` of the reader is set when it is none. */
void orr_series_get(struct orr_reader *in, uint32_t n, struct orr_series *out);

#endif
