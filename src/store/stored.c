/* stored.c - what columns and failures are called; owns nothing */
#include "store/stored.h"

#include <string.h>

const char *orri_fail_text(enum orr_fail_kind kind)
{
    static const char *const texts[] = { "none",   "exit", "signal",  "timeout",
                                         "memory", "lost", "invalid", "io" };
    return (size_t)kind < sizeof texts / sizeof texts[0] ? texts[kind] : "unknown";
}

uint32_t orri_column_width(const char *type)
{
    static const char types[][3] = { "u1", "u2", "u4", "i4", "i8", "f4", "f8" };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i]) == 0)
            return (uint32_t)(type[1] - '0');
    return 0;
}

uint32_t orri_row_width(const struct orr_column *columns)
{
    uint32_t sum = 0;
    for (; columns && columns->name; columns++) {
        uint32_t width = orri_column_width(columns->type);
        if (!width)
            return 0;
        sum += width;
    }
    return sum;
}

uint64_t orri_columns_hash(const struct orr_column *columns)
{
    uint64_t hash = 1;
    for (; columns && columns->name; columns++) {
        hash = orr_hash64(columns->name, strlen(columns->name), hash);
        hash = orr_hash64(columns->type, strlen(columns->type), hash);
    }
    return hash;
}
