/* typical.c - medians of the last times; owns nothing */
#include "sched/typical.h"

#include <stdlib.h>
#include <string.h>

void orri_typical_add(struct orri_typical *typical, double seconds)
{
    typical->last[typical->n++ % ORRI_TYPICAL_KEPT] = (float)seconds;
}

static int by_length(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;
    return (x > y) - (x < y);
}

double orri_typical(struct orri_typical *typical)
{
    float sorted[ORRI_TYPICAL_KEPT];
    uint32_t n = typical->n < ORRI_TYPICAL_KEPT ? typical->n : ORRI_TYPICAL_KEPT;
    if (n < ORRI_TYPICAL_LEAST)
        return -1;
    if (typical->n_median == typical->n)
        return typical->median;
    memcpy(sorted, typical->last, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_length);
    typical->n_median = typical->n;
    typical->median = sorted[n / 2];
    return typical->median;
}
