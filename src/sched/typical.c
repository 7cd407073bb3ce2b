/* typical.c - medians and ninth tenths of the last times; owns nothing */
#include "sched/typical.h"

#include <stdlib.h>
#include <string.h>

void orri_typical_add(struct orri_typical *typical, double seconds)
{
    typical->last[typical->n++ % ORRI_TYPICAL_KEPT] = (float)seconds;
    typical->most = (float)seconds > typical->most ? (float)seconds : typical->most;
}

static int by_length(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;
    return (x > y) - (x < y);
}

static uint32_t kept(const struct orri_typical *typical)
{
    return typical->n < ORRI_TYPICAL_KEPT ? typical->n : ORRI_TYPICAL_KEPT;
}

static float sorted_at(const struct orri_typical *typical, uint32_t at)
{
    float sorted[ORRI_TYPICAL_KEPT];
    uint32_t n = kept(typical);
    memcpy(sorted, typical->last, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_length);
    return sorted[at];
}

double orri_typical(struct orri_typical *typical)
{
    if (kept(typical) < ORRI_TYPICAL_LEAST)
        return -1;
    if (typical->n_median != typical->n)
        typical->median = sorted_at(typical, kept(typical) / 2);
    typical->n_median = typical->n;
    return typical->median;
}

double orri_typical_high(struct orri_typical *typical)
{
    if (typical->n == 0)
        return -1;
    if (typical->n_high != typical->n)
        typical->high = sorted_at(typical, (kept(typical) * 9 + 9) / 10 - 1);
    typical->n_high = typical->n;
    return typical->high;
}
