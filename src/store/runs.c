/* runs.c - a run of attempts as one item of the writer's queue; owns nothing */
#include "store/runs.h"

#include <string.h>

static size_t times_bytes(uint32_t n) { return ((size_t)n + 1) * sizeof(int64_t); }
static size_t ids_bytes(uint32_t n) { return (size_t)n * ORR_STORED_ID_BYTES; }

size_t orri_stored_run_bytes(const struct orr_stored_run *from)
{
    size_t ends = ((size_t)from->n + 1) / 2 * 2 * sizeof(uint32_t);
    return times_bytes(from->n) + ids_bytes(from->n) + ends;
}

void orri_stored_run_copy(const struct orr_stored_run *from, void *to,
                          struct orri_run *out)
{
    unsigned char *at = to;
    out->n = from->n;
    out->args = from->args;
    out->times = memcpy(at, from->times, times_bytes(from->n));
    at += times_bytes(from->n);
    out->ids = memcpy(at, from->ids, ids_bytes(from->n));
    at += ids_bytes(from->n);
    out->ends = memcpy(at, from->ends, from->n * sizeof *from->ends);
}

struct orri_entry orri_stored_run_entry(const struct orri_run *run,
                                        const struct orri_entry *entry, uint32_t i)
{
    struct orri_entry one = *entry;
    struct orr_stored *s = &one.stored;
    uint32_t from = i ? run->ends[i - 1] : 0;
    const unsigned char *id = run->ids + ids_bytes(i);
    s->id = (struct orr_id) { orr_load_u64(id), orr_load_u64(id + 8) };
    one.results = entry->results + from;
    s->results = one.results;
    s->results_bytes = run->ends[i] - from;
    s->t_start = run->times[i];
    s->t_end = run->times[i + 1];
    s->cpu_user = s->t_end - s->t_start;
    s->queued += run->times[i] - run->times[0];
    if (i)
        orr_series_skip(&run->args, 1, (unsigned char *)entry->stored.args);
    return one;
}
