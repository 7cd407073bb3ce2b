/* time.c - times as Slurm writes them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "slurm/slurm.h"

static const struct {
    const char *text;
    int64_t seconds; /* -1: none */
} cases[] = {
    { "0:00", 0 },
    { "29:58", 1798 },
    { "2:03:04", 7384 },
    { "1-02:03:04", 93784 },
    { "365-0:00:00", 31536000 },
    { "UNLIMITED", -1 },
    { "INVALID", -1 },
    { "NOT_SET", -1 },
    { "", -1 },
    { "5", -1 },
    { "-5:00", -1 },
    { "1-5", -1 },
    { "1-02:03", -1 },
    { "1:2:3:4", -1 },
    { "1: 2", -1 },
    { "1:+2", -1 },
    { "1:2x", -1 },
    { "1:", -1 },
    { "1--2:00:00", -1 },
    { "99999999999999999999:00", -1 },
};

static void times_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t seconds = -1;
        bool good = orr_slurm_time(cases[i].text, &seconds);
        if (good != (cases[i].seconds >= 0) || (good && seconds != cases[i].seconds))
            fail_msg("'%s' is %d, %lld", cases[i].text, good, (long long)seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(times_are_read) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
