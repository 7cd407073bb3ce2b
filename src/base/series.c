/* series.c - strings that count evenly; owns nothing */
#include "base/series.h"

#include <string.h>

enum { WORD = 8 };

struct orr_series orr_series_of(const void *first, uint32_t length)
{
    return (struct orr_series) { .first = first, .length = length, .n = 1 };
}

/* The numbers in which the second string differs from the first; false: too many, or
 * what differs is no eight bytes. */
static bool find_steps(struct orr_series *series, const unsigned char *second)
{
    const unsigned char *first = series->first;
    uint32_t n = 0;
    uint32_t end = 0; /* of the number before */
    for (uint32_t i = 0; i < series->length; i++) {
        if (first[i] == second[i])
            continue;
        uint32_t at = i + WORD <= series->length ? i : series->length - WORD;
        if (series->length < WORD || at < end || n == ORR_SERIES_STEPS)
            return false;
        series->steps[n++] = (struct orr_step) { at, orr_load_u64(second + at) -
                                                         orr_load_u64(first + at) };
        end = at + WORD;
        i = end - 1;
    }
    series->n_steps = n;
    return true;
}

static bool is_next(const struct orr_series *series, const unsigned char *bytes)
{
    uint32_t from = 0;
    for (uint32_t s = 0; s < series->n_steps; s++) {
        const struct orr_step *step = &series->steps[s];
        if (memcmp(series->first + from, bytes + from, step->at - from) != 0 ||
            orr_load_u64(bytes + step->at) !=
                orr_load_u64(series->first + step->at) + step->by * series->n)
            return false;
        from = step->at + WORD;
    }
    return memcmp(series->first + from, bytes + from, series->length - from) == 0;
}

bool orr_series_add(struct orr_series *series, const void *bytes, uint32_t length)
{
    if (length != series->length || series->n == UINT32_MAX)
        return false;
    if (length &&
        (series->n == 1 ? !find_steps(series, bytes) : !is_next(series, bytes)))
        return false;
    series->n++;
    return true;
}

void orr_series_skip(const struct orr_series *series, uint64_t i, unsigned char *first)
{
    for (uint32_t s = 0; s < series->n_steps; s++) {
        const struct orr_step *step = &series->steps[s];
        orr_store_u64(first + step->at, orr_load_u64(first + step->at) + step->by * i);
    }
}

void orr_series_at(const struct orr_series *series, uint64_t i, unsigned char *to)
{
    if (series->length)
        memcpy(to, series->first, series->length);
    orr_series_skip(series, i, to);
}

void orr_series_put(struct orr_bytes *out, const struct orr_series *series)
{
    orr_put_string(out, (const char *)series->first, series->length);
    if (series->n < 2)
        return;
    orr_put_u8(out, (uint8_t)series->n_steps);
    for (uint32_t s = 0; s < series->n_steps; s++) {
        orr_put_varint(out, series->steps[s].at);
        orr_put_zigzag(out, (int64_t)series->steps[s].by);
    }
}

static void get_step(struct orr_reader *in, struct orr_series *series, uint64_t end)
{
    uint64_t at = orr_get_varint(in);
    uint64_t by = (uint64_t)orr_get_zigzag(in);
    if (at < end || at > series->length || series->length - at < WORD)
        in->bad = true;
    else
        series->steps[series->n_steps++] = (struct orr_step) { (uint32_t)at, by };
}

void orr_series_get(struct orr_reader *in, uint32_t n, struct orr_series *out)
{
    size_t length = 0;
    const char *first = orr_get_string(in, &length);
    *out = orr_series_of(first, (uint32_t)length);
    out->n = n;
    uint32_t steps = n < 2 ? 0 : orr_get_u8(in);
    if (steps > ORR_SERIES_STEPS)
        in->bad = true;
    for (uint64_t end = 0; out->n_steps < steps && !in->bad;
         end = out->n_steps ? out->steps[out->n_steps - 1].at + WORD : 0)
        get_step(in, out, end);
}
