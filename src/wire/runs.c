/* runs.c - attempts into runs, and out of them; owns nothing */
#include "wire/runs.h"

#include "orrery/function.h"

#include <stdlib.h>
#include <string.h>

static const int64_t CLOSE = 1000 * 1000; /* ns: times that pass for one; short calls */

static void put_text(struct orr_bytes *out, const char *s)
{
    orr_put_string(out, s ? s : "", s ? strlen(s) : 0);
}

static const char *get_text(struct orr_reader *in, struct orr_arena *arena)
{
    size_t length = 0;
    const char *s = orr_get_string(in, &length);
    return length ? orr_arena_strndup(arena, s, length) : "";
}

static uint32_t get_count(struct orr_reader *in)
{
    uint64_t n = orr_get_varint(in);
    if (n == 0 || n > ORR_RUN_MAX)
        in->bad = true;
    return in->bad ? 0 : (uint32_t)n;
}

/* Task numbers do not run over. */
static orr_status whole(const struct orr_reader *in, uint32_t task, uint32_t n)
{
    return in->bad || task > UINT32_MAX - n ? ORR_ERR_DATA : ORR_OK;
}

/* ---- ASSIGN ---- */

struct orr_id orr_run_id(const unsigned char *ids, uint32_t i)
{
    const unsigned char *at = ids + (size_t)i * ORR_RUN_ID_BYTES;
    return (struct orr_id) { .hi = orr_load_u64(at), .lo = orr_load_u64(at + 8) };
}

static void store_id(unsigned char *ids, uint32_t i, struct orr_id id)
{
    unsigned char *at = ids + (size_t)i * ORR_RUN_ID_BYTES;
    orr_store_u64(at, id.hi);
    orr_store_u64(at + 8, id.lo);
}

void orr_assignment_run_put(struct orr_bytes *out, const struct orr_assignment_run *run)
{
    const struct orr_assignment *a = &run->first;
    orr_put_varint(out, run->n);
    orr_put_u32(out, a->task);
    orr_put_u32(out, a->attempt);
    orr_put_u32(out, a->function);
    orr_put_u32(out, a->request);
    orr_put_i64(out, a->priority);
    orr_put_i64(out, a->queued);
    orr_series_put(out, &run->args);
    orr_put_raw(out, run->ids, (size_t)run->n * ORR_RUN_ID_BYTES);
}

orr_status orr_assignment_run_get(struct orr_reader *in, struct orr_assignment_run *run)
{
    struct orr_assignment *a = &run->first;
    run->n = get_count(in);
    a->task = orr_get_u32(in);
    a->attempt = orr_get_u32(in);
    a->function = orr_get_u32(in);
    a->request = orr_get_u32(in);
    a->priority = orr_get_i64(in);
    a->queued = orr_get_i64(in);
    orr_series_get(in, run->n, &run->args);
    run->ids = orr_get_raw(in, (size_t)run->n * ORR_RUN_ID_BYTES);
    a->args = run->args.first;
    a->args_length = run->args.length;
    if (run->ids && run->n)
        a->identity = orr_run_id(run->ids, 0);
    return whole(in, a->task, run->n);
}

void orr_assignment_of(const struct orr_assignment_run *run, uint32_t i,
                       unsigned char *args, struct orr_assignment *out)
{
    *out = run->first;
    out->task += i;
    out->identity = orr_run_id(run->ids, i);
    out->args = args;
    orr_series_at(&run->args, i, args);
}

static void begin(struct orr_assigning *w, const struct orr_assignment *a)
{
    w->run = (struct orr_assignment_run) {
        .first = *a,
        .n = 1,
        .args = orr_series_of(a->args, a->args_length),
        .ids = w->ids,
    };
    store_id(w->ids, 0, a->identity);
}

void orr_assignment_put(struct orr_bytes *out, const struct orr_assignment *assignment)
{
    struct orr_assigning w;
    begin(&w, assignment);
    orr_assignment_run_put(out, &w.run);
}

static bool follows(const struct orr_assignment_run *run,
                    const struct orr_assignment *a)
{
    const struct orr_assignment *first = &run->first;
    return run->n && run->n < ORR_RUN_MAX && a->task == first->task + run->n &&
           a->attempt == first->attempt && a->function == first->function &&
           a->request == first->request && a->priority == first->priority &&
           llabs(a->queued - first->queued) < CLOSE;
}

void orr_assigning_add(struct orr_assigning *w, struct orr_bytes *out,
                       const struct orr_assignment *a)
{
    if (follows(&w->run, a) && orr_series_add(&w->run.args, a->args, a->args_length)) {
        store_id(w->ids, w->run.n++, a->identity);
        return;
    }
    orr_assigning_flush(w, out);
    begin(w, a);
}

void orr_assigning_flush(struct orr_assigning *w, struct orr_bytes *out)
{
    w->run.ids = w->ids; /* it may have moved */
    if (w->run.n)
        orr_assignment_run_put(out, &w->run);
    w->run.n = 0;
}

/* ---- DONE ---- */

static void put_done_run(struct orr_bytes *out, const struct orr_done_run *run)
{
    const struct orr_done *d = &run->first;
    orr_put_varint(out, run->n);
    orr_put_u32(out, d->task);
    orr_put_u32(out, d->attempt);
    orr_put_u32(out, d->rank);
    orr_put_u32(out, d->core);
    orr_put_u8(out, d->failure);
    orr_put_i64(out, d->code);
    put_text(out, d->message);
    orr_series_put(out, &run->results);
    orr_put_i64(out, d->t_start);
    orr_put_i64(out, d->t_end);
    orr_put_zigzag(out, run->wall);
    orr_put_i64(out, d->cpu);
    orr_put_u64(out, d->blob_bytes);
    put_text(out, d->counters);
}

orr_status orr_done_run_get(struct orr_reader *in, struct orr_arena *arena,
                            struct orr_done_run *run)
{
    struct orr_done *d = &run->first;
    run->n = get_count(in);
    d->task = orr_get_u32(in);
    d->attempt = orr_get_u32(in);
    d->rank = orr_get_u32(in);
    d->core = orr_get_u32(in);
    d->failure = orr_get_u8(in);
    d->code = orr_get_i64(in);
    d->message = get_text(in, arena);
    orr_series_get(in, run->n, &run->results);
    d->results = run->results.first;
    d->results_length = run->results.length;
    d->t_start = orr_get_i64(in);
    d->t_end = orr_get_i64(in);
    run->wall = orr_get_zigzag(in);
    d->cpu = orr_get_i64(in);
    d->blob_bytes = orr_get_u64(in);
    d->counters = get_text(in, arena);
    if (run->n > 1 && d->failure)
        in->bad = true;
    return whole(in, d->task, run->n);
}

/* Parts add up to the whole. */
static int64_t part(int64_t all, uint32_t i, uint32_t n)
{
    return all / n + (i < (uint64_t)(all % n));
}

void orr_done_of(const struct orr_done_run *run, uint32_t i, unsigned char *results,
                 struct orr_done *out)
{
    *out = run->first;
    if (run->n == 1)
        return;
    int64_t wall = run->wall > 0 ? run->wall : 0;
    int64_t cpu = run->first.cpu > 0 ? run->first.cpu : 0;
    out->task += i;
    out->t_start += wall / run->n * i;
    out->t_end = out->t_start + part(wall, i, run->n);
    out->cpu = part(cpu, i, run->n);
    out->results = results;
    orr_series_at(&run->results, i, results);
}

static void begin_done(struct orr_reporting *w, const struct orr_done *d)
{
    w->run = (struct orr_done_run) {
        .first = *d,
        .n = 1,
        .results = orr_series_of(d->results, d->results_length),
        .wall = d->t_end - d->t_start,
    };
}

void orr_done_put(struct orr_bytes *out, const struct orr_done *done)
{
    struct orr_reporting w;
    begin_done(&w, done);
    put_done_run(out, &w.run);
}

static bool is_plain(const struct orr_done *d)
{
    int64_t wall = d->t_end - d->t_start;
    return d->failure == ORR_FAIL_NONE && d->code == 0 && d->blob_bytes == 0 &&
           wall >= 0 && wall < CLOSE && d->cpu >= 0 &&
           (!d->message || !d->message[0]) && (!d->counters || !d->counters[0]);
}

static bool continues(const struct orr_done_run *run, const struct orr_done *d)
{
    const struct orr_done *first = &run->first;
    return run->n && run->n < ORR_RUN_MAX && d->task == first->task + run->n &&
           d->attempt == first->attempt && d->rank == first->rank &&
           d->core == first->core && is_plain(d);
}

void orr_reporting_add(struct orr_reporting *w, struct orr_bytes *out,
                       const struct orr_done *d)
{
    struct orr_done_run *run = &w->run;
    if (!continues(run, d) ||
        !orr_series_add(&run->results, d->results, d->results_length)) {
        orr_reporting_flush(w, out);
        begin_done(w, d);
        if (!is_plain(d)) /* nothing joins it */
            orr_reporting_flush(w, out);
        w->run.first.message = "";
        w->run.first.counters = "";
        return;
    }
    run->n++;
    run->first.t_end = d->t_end;
    run->first.cpu += d->cpu;
    run->wall += d->t_end - d->t_start;
}

void orr_reporting_flush(struct orr_reporting *w, struct orr_bytes *out)
{
    if (w->run.n)
        put_done_run(out, &w->run);
    w->run.n = 0;
}
