/* nodes.c - the nodes of an allocation; owns nothing */
#include "slurm/slurm.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* "2(x3)" or "2"; where it ends, NULL when it is none. */
static const char *read_count(const char *at, uint32_t *count, uint32_t *times)
{
    char *end = NULL;
    unsigned long value = strtoul(at, &end, 10);
    *times = 1;
    if (end == at || value > UINT32_MAX)
        return NULL;
    *count = (uint32_t)value;
    if (strncmp(end, "(x", 2) != 0)
        return end;
    at = end + 2;
    value = strtoul(at, &end, 10);
    *times = (uint32_t)value;
    return end == at || *end != ')' || value > ORR_SLURM_NODES_MAX ? NULL : end + 1;
}

bool orr_slurm_counts(const char *text, uint32_t **out, size_t *n)
{
    uint32_t *all = NULL;
    size_t count = 0;
    size_t cap = 0;
    const char *at = text;
    for (;; at++) {
        uint32_t value = 0;
        uint32_t times = 0;
        at = read_count(at, &value, &times);
        if (at && count + times > ORR_SLURM_NODES_MAX)
            at = NULL;
        if (!at)
            break;
        for (uint32_t i = 0; i < times; i++) {
            all = orr_grow(all, count, &cap, sizeof *all);
            all[count++] = value;
        }
        if (*at != ',')
            break;
    }
    if (!at || *at || !count) {
        free(all);
        return false;
    }
    *out = all;
    *n = count;
    return true;
}

void orr_slurm_hosts(const char *const *names, const uint32_t *places, size_t n,
                     uint64_t workers, struct orr_text *out)
{
    uint64_t *each = orr_alloc(n, sizeof *each);
    for (uint64_t left = workers; left > 0;)
        for (size_t i = 0; i < n && left > 0; i++) {
            uint64_t takes = places[i] ? places[i] : 1;
            takes = takes < left ? takes : left;
            each[i] += takes;
            left -= takes;
        }
    for (size_t i = 0; i < n; i++)
        for (uint64_t k = 0; k < each[i] + (i == 0); k++)
            orr_text_printf(out, "%s\n", names[i]);
    free(each);
}
