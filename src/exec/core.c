/* core.c - functions of microseconds that run in the worker itself; owns nothing */
#include "exec/core.h"

#include <errno.h>
#include <time.h>

static int noop(struct orr_call *call)
{
    orr_set_int(call, "i", orr_arg_int(orr_arg(call, "i"), 0));
    return 0;
}

static const struct orr_param noop_params[] = {
    { "i", "int", "0", "any number; calls with different numbers are different tasks" },
    { 0 }
};
static const struct orr_result_field noop_results[] = {
    { "i", "int", NULL, "the number" }, { 0 }
};

const struct orr_function orr_core_noop = {
    .name = "core.noop",
    .version = "1",
    .doc = "Give back a number: for benchmarks and tests.",
    .params = noop_params,
    .results = noop_results,
    .in_worker = true,
    .run = noop,
};

/* In a child, because it takes as long as it is told. */
static int sleep_for(struct orr_call *call)
{
    double seconds = orr_arg_seconds(orr_arg(call, "time"), 0);
    if (seconds < 0)
        return orr_call_fail(call, ORR_FAIL_INVALID, 0, "time is negative");
    struct timespec left = { (time_t)seconds,
                             (long)((seconds - (double)(time_t)seconds) * 1e9) };
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
    orr_set_int(call, "i", orr_arg_int(orr_arg(call, "i"), 0));
    return 0;
}

static const struct orr_param sleep_params[] = {
    { "time", "duration", NULL, "how long" },
    { "i", "int", "0", "any number; calls with different numbers are different tasks" },
    { 0 }
};

const struct orr_function orr_core_sleep = {
    .name = "core.sleep",
    .version = "1",
    .doc = "Wait without using a core: for tests of scheduling.",
    .params = sleep_params,
    .results = noop_results,
    .run = sleep_for,
};

static int64_t used(void) /* ns, by this thread */
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* By processor time, so that who shares the core with it does not shorten it. */
static int busy(struct orr_call *call)
{
    double seconds = orr_arg_seconds(orr_arg(call, "time"), 0);
    if (seconds < 0)
        return orr_call_fail(call, ORR_FAIL_INVALID, 0, "time is negative");
    int64_t until = used() + (int64_t)(seconds * 1e9);
    while (used() < until)
        continue;
    orr_set_int(call, "i", orr_arg_int(orr_arg(call, "i"), 0));
    return 0;
}

const struct orr_function orr_core_busy = {
    .name = "core.busy",
    .version = "1",
    .doc = "Use a core for that long: for benchmarks.",
    .params = sleep_params,
    .results = noop_results,
    .run = busy,
};
