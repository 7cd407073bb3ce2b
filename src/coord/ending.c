/* ending.c - the end of the time that the run has
 *
 * What the batch system gives ends at a known moment. Some of it is kept to store what
 * is done and to conclude; in the rest nothing is started that cannot end (sched). In
 * the first tenth everything may start: there will never be more time. When nothing is
 * under way and nothing can be started any more, the run ends at once.
 * Owns nothing: works on the coordinator. */
#include "coord/internal.h"

#include "base/memory.h"

#include <math.h>

static const int64_t KEPT = 30 * ORR_SECOND; /* at most, of the whole a tenth */

enum { WINDOW_MOST = 1 << 20 };

void orri_keep_time(struct orr_coord *coord)
{
    const struct orr_graph *graph = coord->setup.graph;
    orr_sched_keep_time(coord->sched);
    for (uint32_t f = 0; f < graph->n_functions; f++) {
        const struct orr_graph_function *is = &graph->functions[f];
        int64_t mean =
            orr_known_mean(coord->known, is->native ? is->native->name : is->name);
        if (mean >= 0)
            orr_sched_took(coord->sched, f, (double)mean / 1e9);
    }
    orr_coord_set_end(coord, coord->setup.end);
}

static void tell_sched(struct orr_coord *coord)
{
    int64_t early = 0;
    if (coord->worked && coord->end != INT64_MAX)
        early = coord->worked + (coord->end - coord->worked) / 10;
    orr_sched_set_end(coord->sched, coord->end, early);
}

void orr_coord_set_end(struct orr_coord *coord, int64_t end)
{
    int64_t before = coord->end;
    coord->end = INT64_MAX;
    if (end) {
        int64_t left = end - orri_wall(coord);
        int64_t whole = orri_now(coord) - coord->began + left;
        int64_t kept = whole / 10 < KEPT ? whole / 10 : KEPT;
        kept = left / 3 < kept ? left / 3 : kept; /* it has come near all at once */
        coord->end = orri_now(coord) + left - (kept > 0 ? kept : 0);
    }
    coord->hurried =
        coord->hurried || (coord->worked && coord->end < before - ORR_SECOND);
    tell_sched(coord);
}

void orri_shift_end(struct orr_coord *coord, int64_t stall)
{
    if (!coord->setup.end_yields || coord->end == INT64_MAX)
        return;
    coord->end += stall;
    tell_sched(coord);
}

void orri_begin_time(struct orr_coord *coord, int64_t now)
{
    coord->worked = now;
    tell_sched(coord);
}

/* ---- costs ---- */

/* Into the coordinator's scratch; false: the arguments do not read back. */
static bool read_arguments(struct orr_coord *coord, const struct orr_task *task,
                           const struct orr_record_type *params,
                           struct orr_value *slots)
{
    struct orr_reader in = orr_reader_of(task->args, task->args_length);
    for (uint32_t i = 0; i < params->n_fields; i++)
        if (orr_value_get(&in, params->fields[i].type, &coord->scratch, &slots[i],
                          NULL) != ORR_OK)
            return false;
    return true;
}

uint8_t orri_cost_of(struct orr_coord *coord, const struct orr_task *task,
                     uint32_t attempt)
{
    const struct orr_graph_function *f = &coord->setup.graph->functions[task->function];
    struct orr_value slots[ORR_SLOTS_MAX];
    struct orr_value cost = orr_float(NAN);
    if (!f->cost)
        return 0;
    if (f->params->n_fields < ORR_SLOTS_MAX)
        slots[f->params->n_fields] = orr_int(attempt);
    if (!read_arguments(coord, task, f->params, slots) ||
        orr_expr_eval(f->cost, slots, &coord->scratch, &cost, NULL) != ORR_OK)
        cost = orr_float(NAN);
    orr_arena_reset(&coord->scratch);
    return orr_sched_cost(cost.as.f);
}

/* ---- the end ---- */

static const char *name_of(const struct orr_coord *coord, uint32_t function)
{
    return coord->setup.graph->functions[function].name;
}

/* All that there was, and not one attempt that came to an end: another turn of the same
 * length would be no better. False: that is not so, or this one was cut short. */
static bool was_in_vain(struct orr_coord *coord, int64_t now)
{
    struct orr_text why = ORR_TEXT_INIT;
    const struct orr_run_status *s = &coord->status;
    char took[ORR_TIME_TEXT];
    int64_t began = 0;
    const struct orr_ready *oldest = orr_sched_oldest(coord->sched, &began);
    if (!oldest || !coord->worked || coord->hurried || s->done != s->reused ||
        s->failed_attempts || began > coord->worked + (coord->end - coord->worked) / 10)
        return false;
    orr_duration_text((double)(now - began) / 1e9, took);
    orr_text_printf(&why,
                    "no attempt came to an end before the time was over: one of '%s' "
                    "ran for %s. Give the run more time: orrery submit --time, or "
                    "--time-limit",
                    name_of(coord, oldest->group), took);
    orri_stop_for(coord, ORR_RUN_STOPPED, why.s);
    orr_text_release(&why);
    return true;
}

static void end_early(struct orr_coord *coord, int64_t now, uint32_t group,
                      double expected)
{
    struct orr_text why = ORR_TEXT_INIT;
    char takes[ORR_TIME_TEXT];
    char left[ORR_TIME_TEXT];
    orr_duration_text(round(expected), takes);
    orr_duration_text((double)(coord->end - now) / 1e9, left);
    orr_text_printf(&why,
                    "ended before its end: attempts have %s left, one of '%s' is "
                    "expected to take %s",
                    left, name_of(coord, group), takes);
    coord->out_of_time = why.s;
    orr_coord_drain(coord, ORR_RUN_DRAINED, 0);
}

/* Shorter calls may stand behind a window full of long ones. */
static bool look_further(struct orr_coord *coord)
{
    uint64_t ahead = 0;
    for (uint32_t f = 0; f < coord->setup.graph->n_functions; f++)
        ahead += coord->ahead[f];
    if (!ahead || coord->expanding || coord->window >= WINDOW_MOST)
        return false;
    coord->window *= 2;
    orr_engine_set_window(coord->engine, coord->window);
    coord->busy = true;
    return true;
}

void orri_check_time(struct orr_coord *coord, int64_t now)
{
    uint32_t group = 0;
    double expected = 0;
    if (coord->end == INT64_MAX || coord->draining)
        return;
    if (now >= coord->end) {
        if (!was_in_vain(coord, now))
            orr_coord_drain(coord, ORR_RUN_DRAINED, 0);
        return;
    }
    bool asks = coord->shown == now && !coord->busy; /* once a second */
    bool idle = orr_sched_in_flight(coord->sched) < coord->status.cores;
    if (!asks || !idle || coord->status.state != ORR_RUN_RUNNING ||
        !orr_sched_is_too_late(coord->sched, now, &group, &expected) ||
        look_further(coord))
        return;
    if (orr_sched_in_flight(coord->sched) == 0 &&
        orr_sched_wake(coord->sched) == INT64_MAX)
        end_early(coord, now, group, expected);
}
