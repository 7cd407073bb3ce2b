/* clock.c - clocks and their words; owns nothing */
#include "base/clock.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now = { 0 };
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * ORR_SECOND + now.tv_nsec;
}

int64_t orr_clock_monotonic(void) { return read_clock(CLOCK_MONOTONIC); }
int64_t orr_clock_wall(void) { return read_clock(CLOCK_REALTIME); }
int64_t orr_clock_cpu(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

static int64_t real_monotonic(void *context)
{
    (void)context;
    return orr_clock_monotonic();
}

static int64_t real_wall(void *context)
{
    (void)context;
    return orr_clock_wall();
}

static int64_t real_cpu(void *context)
{
    (void)context;
    return orr_clock_cpu();
}

const struct orr_clock orr_clock_real = { real_monotonic, real_wall, real_cpu, NULL };

void orr_clock_text(int64_t wall_ns, char out[ORR_TIME_TEXT])
{
    time_t seconds = (time_t)(wall_ns / ORR_SECOND);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) ||
        !strftime(out, ORR_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &parts))
        out[0] = '\0';
}

void orr_duration_text(double seconds, char out[ORR_TIME_TEXT])
{
    double s = seconds < 0 ? 0 : seconds;
    if (s < 1)
        (void)snprintf(out, ORR_TIME_TEXT, "%.0f ms", s * 1000);
    else if (s < 60)
        (void)snprintf(out, ORR_TIME_TEXT, "%.1f s", s);
    else if (s < 3600)
        (void)snprintf(out, ORR_TIME_TEXT, "%.0f min %02.0f s", floor(s / 60),
                       floor(fmod(s, 60)));
    else
        (void)snprintf(out, ORR_TIME_TEXT, "%.0f h %02.0f min", floor(s / 3600),
                       floor(fmod(s, 3600) / 60));
}
