/* copied.c - what the writer's queue keeps of an attempt, or of a run of them; owns
 * nothing */
#include "store/copied.h"

#include <string.h>

static size_t text_bytes(const char *text) { return text ? strlen(text) + 1 : 0; }

/* What an attempt points to, all together, but for the columns. */
uint64_t orri_stored_bytes(const struct orr_stored *s)
{
    uint64_t bytes = text_bytes(s->function) + text_bytes(s->message) +
                     text_bytes(s->warnings) + text_bytes(s->host);
    for (uint32_t i = 0; i < s->n_counters; i++)
        bytes += text_bytes(s->counters[i].name);
    return bytes + s->error_tail_bytes + s->args_bytes + s->results_bytes +
           (uint64_t)s->row_bytes * s->n_rows;
}

static void *copy(unsigned char **to, const void *from, size_t length)
{
    unsigned char *at = *to;
    if (length)
        memcpy(at, from, length);
    *to += length;
    return at;
}

static const char *copy_text(unsigned char **to, const char *text)
{
    return text ? copy(to, text, strlen(text) + 1) : NULL;
}

void orri_stored_copy(struct orri_entry *entry, const struct orr_stored *from,
                      struct orr_stored_counter *counters, unsigned char *to)
{
    struct orr_stored *s = &entry->stored;
    *s = *from;
    for (uint32_t i = 0; i < s->n_counters; i++)
        counters[i] =
            (struct orr_stored_counter) { copy_text(&to, from->counters[i].name),
                                          from->counters[i].amount };
    s->counters = counters;
    s->function = copy_text(&to, from->function);
    s->message = copy_text(&to, from->message);
    s->warnings = copy_text(&to, from->warnings);
    s->host = copy_text(&to, from->host);
    s->error_tail = copy(&to, from->error_tail, from->error_tail_bytes);
    s->args = copy(&to, from->args, from->args_bytes);
    entry->results = copy(&to, from->results, from->results_bytes);
    s->results = entry->results;
    s->rows = copy(&to, from->rows, (size_t)s->row_bytes * s->n_rows);
    if (!s->n_rows)
        s->columns = NULL;
}

void orri_stored_check(const struct orr_stored *s)
{
    uint64_t rows = (uint64_t)s->row_bytes * s->n_rows;
    if (rows && (!s->columns || orri_row_width(s->columns) != s->row_bytes))
        ORR_BUG("rows of function %s do not have the width of its columns",
                s->function);
    if (orri_entry_most(s) > ORRI_SECTION_MAX || rows > ORRI_SECTION_MAX)
        ORR_BUG("an attempt of function %s is too large to be stored", s->function);
}

/* ---- runs ---- */

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
