/* typical.h - how long attempts of one kind take: the median of the last ones, and what
 * nine of ten do not exceed */
#ifndef ORR_SCHED_TYPICAL_H
#define ORR_SCHED_TYPICAL_H

#include <stdint.h>

enum { ORRI_TYPICAL_KEPT = 31, ORRI_TYPICAL_LEAST = 3 };

/* Zeroed struct knows nothing. */
struct orri_typical {
    float last[ORRI_TYPICAL_KEPT]; /* seconds, a ring */
    uint32_t n;                    /* ever, */
    float most;                    /* and the longest of these */
    uint32_t n_median;             /* `median` was made of so many */
    float median;
    uint32_t n_high; /* the same of `high` */
    float high;
};

void orri_typical_add(struct orri_typical *typical, double seconds);
double orri_typical(struct orri_typical *typical);      /* < 0: not known yet */
double orri_typical_high(struct orri_typical *typical); /* < 0: there was none */

#endif
