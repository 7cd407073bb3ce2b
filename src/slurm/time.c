/* time.c - times as Slurm writes them; owns nothing */
#include "slurm/slurm.h"

#include <stdlib.h>
#include <string.h>

enum { DAYS_MOST = 100000 };

/* Digits alone: strtoul() takes signs and blanks. */
static bool read_number(const char **at, int64_t *out)
{
    char *end = NULL;
    if (**at < '0' || **at > '9')
        return false;
    *out = (int64_t)strtoul(*at, &end, 10);
    *at = end;
    return *out >= 0 && *out <= (int64_t)DAYS_MOST * 86400;
}

bool orr_slurm_time(const char *text, int64_t *seconds)
{
    const char *at = text;
    const char *dash = strchr(text, '-');
    int64_t days = 0;
    int64_t sum = 0;
    int64_t number = 0;
    int numbers = 0;
    if (dash && (!read_number(&at, &days) || at++ != dash || days > DAYS_MOST))
        return false;
    do {
        if (numbers && *at++ != ':')
            return false;
        if (!read_number(&at, &number))
            return false;
        sum = sum * 60 + number;
    } while (++numbers < 3 && *at == ':');
    *seconds = days * 86400 + sum;
    return *at == '\0' && numbers > 1 && (!dash || numbers == 3);
}
