/* bench_spawn.c - what starting programs costs without any framework: the measure for
 * commands
 * Owns: the programs while they run. */
#include "base/clock.h"
#include "cli/bench.h"

#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static bool spawn_one(int number)
{
    char text[16];
    char program[] = "/bin/true";
    char *argv[] = { program, text, NULL };
    pid_t pid = 0;
    (void)snprintf(text, sizeof text, "%d", number);
    return posix_spawn(&pid, program, NULL, NULL, argv, environ) == 0;
}

double orri_bench_spawn(long programs, long side_by_side)
{
    int64_t began = orr_clock_monotonic();
    long started = 0;
    long running = 0;
    for (long ended = 0; ended < programs; ended++) {
        for (; running < side_by_side && started < programs; running++)
            if (!spawn_one((int)started++))
                return 0;
        if (wait(NULL) < 0)
            return 0;
        running--;
    }
    return (double)programs / ((double)(orr_clock_monotonic() - began) / 1e9);
}
