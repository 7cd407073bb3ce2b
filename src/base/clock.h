/* clock.h - time */
#ifndef ORR_BASE_CLOCK_H
#define ORR_BASE_CLOCK_H

#include <stdint.h>

#define ORR_SECOND INT64_C(1000000000) /* all times are int64 nanoseconds */

int64_t orr_clock_monotonic(void); /* ns from an arbitrary start, never back */
int64_t orr_clock_wall(void);      /* ns since 1970-01-01 UTC */
int64_t orr_clock_cpu(void);       /* ns of CPU this process has used */

/* Where a part of the program has its time from when it is not always the machine's. */
struct orr_clock {
    int64_t (*monotonic)(void *context);
    int64_t (*wall)(void *context);
    int64_t (*cpu)(void *context);
    void *context;
};
extern const struct orr_clock orr_clock_real; /* the three above */

#define ORR_TIME_TEXT 32
/* "2026-11-22T21:06:20Z" */
void orr_clock_text(int64_t wall_ns, char out[ORR_TIME_TEXT]);
/* "1 h 02 min", "3 min 20 s", "12.5 s", "800 ms": for people. */
void orr_duration_text(double seconds, char out[ORR_TIME_TEXT]);

#endif
