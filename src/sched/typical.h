/* typical.h - how long attempts of one kind usually take: the median of the last ones
 */
#ifndef ORR_SCHED_TYPICAL_H
#define ORR_SCHED_TYPICAL_H

#include <stdint.h>

enum { ORRI_TYPICAL_KEPT = 31, ORRI_TYPICAL_LEAST = 3 };

/* Zeroed struct knows nothing. */
struct orri_typical {
    float last[ORRI_TYPICAL_KEPT]; /* seconds, a ring */
    uint32_t n;                    /* ever */
    uint32_t n_median;             /* `median` was made of so many */
    float median;
};

void orri_typical_add(struct orri_typical *typical, double seconds);
double orri_typical(struct orri_typical *typical); /* < 0: not known yet */

#endif
