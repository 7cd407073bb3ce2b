/* amounts.c - numbers with units; owns the units */
#include "cli/amounts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    double is;
};

static const struct unit times[] = { { "ns", 1e-9 }, { "us", 1e-6 },  { "ms", 1e-3 },
                                     { "s", 1 },     { "min", 60 },   { "h", 3600 },
                                     { "d", 86400 }, { "w", 604800 }, { NULL, 0 } };
static const struct unit sizes[] = {
    { "", 1 },         { "B", 1 },        { "KB", 1e3 },     { "MB", 1e6 },
    { "GB", 1e9 },     { "TB", 1e12 },    { "KiB", 0x1p10 }, { "MiB", 0x1p20 },
    { "GiB", 0x1p30 }, { "TiB", 0x1p40 }, { "PiB", 0x1p50 }, { NULL, 0 }
};
static const struct unit parts[] = { { "", 1 }, { "%", 0.01 }, { NULL, 0 } };

static bool read_amount(const char *text, const struct unit *units, const char **end,
                        double *out)
{
    char *after = NULL;
    double number = strtod(text, &after);
    size_t length = strcspn(after, " \t\r\n#:");
    if (after == text || !isfinite(number) || number < 0)
        return false;
    for (const struct unit *u = units; u->name; u++) {
        if (strlen(u->name) != length || strncmp(u->name, after, length) != 0)
            continue;
        *out = number * u->is;
        if (end)
            *end = after + length;
        return end || after[length] == '\0';
    }
    return false;
}

static bool read_option(const struct orr_line *line, const char *name,
                        const struct unit *units, const char *examples, double fallback,
                        double *out)
{
    const char *text = orri_option(line, name);
    *out = fallback;
    if (!text || read_amount(text, units, NULL, out))
        return true;
    (void)fprintf(stderr, "orrery %s: --%s is an amount such as %s, not '%s'\n",
                  line->command->name, name, examples, text);
    return false;
}

bool orri_seconds(const struct orr_line *line, const char *name, double fallback,
                  double *out)
{
    return read_option(line, name, times, "20us, 5ms, 1.5s, 2min or 3h", fallback, out);
}

bool orri_bytes(const struct orr_line *line, const char *name, double fallback,
                double *out)
{
    return read_option(line, name, sizes, "1500, 1.5MB or 1GiB", fallback, out);
}

bool orri_part(const struct orr_line *line, const char *name, double fallback,
               double *out)
{
    return read_option(line, name, parts, "50% or 0.5", fallback, out);
}

bool orri_seconds_in(const char *text, const char **end, double *out)
{
    return read_amount(text, times, end, out);
}

bool orri_bytes_in(const char *text, const char **end, double *out)
{
    return read_amount(text, sizes, end, out);
}
