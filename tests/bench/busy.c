/* busy.c - use a core for so many microseconds, as a command
 * Usage: busy MICROSECONDS [ANYTHING] */
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static int64_t used(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int argc, char **argv)
{
    int64_t until = used() + (argc > 1 ? atoll(argv[1]) : 0) * 1000;
    while (used() < until)
        continue;
    return 0;
}
