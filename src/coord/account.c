/* account.c - what became of the core-seconds that the run had
 *
 * Useful is what gave a result that counts. Lost is what was done for nothing and is
 * done again: attempts that were cut off at the end, or ended with their worker or
 * node, and the slower of twins. The rest of the cores' time is idle. Owns nothing:
 * works on the status. */
#include "coord/internal.h"

static double core_seconds(const struct orr_coord *coord, const struct orr_done *done)
{
    uint32_t function =
        orr_engine_task(coord->engine, (orr_task_id) { done->task })->function;
    return orri_ran(coord, done) * coord->setup.graph->functions[function].cores;
}

void orri_account(struct orr_coord *coord, const struct orr_done *done, bool counts)
{
    struct orr_run_status *s = &coord->status;
    double seconds = core_seconds(coord, done);
    if (!counts || done->failure == ORR_FAIL_LOST)
        s->lost_seconds += seconds;
    else if (done->failure != ORR_FAIL_NONE)
        s->failed_seconds += seconds;
    else
        s->useful_seconds += seconds;
}

void orri_account_lost(struct orr_coord *coord, const struct orr_ready *ready,
                       int64_t ran)
{
    if (ran > 0)
        coord->status.lost_seconds += (double)ran / 1e9 * ready->cores;
}

void orri_account_now(struct orr_coord *coord, int64_t now, bool over)
{
    struct orr_run_status *s = &coord->status;
    s->running_seconds = orr_sched_running(coord->sched, now);
    if (over) {
        s->lost_seconds += s->running_seconds;
        s->running_seconds = 0;
    }
    double idle = s->core_seconds - s->useful_seconds - s->failed_seconds -
                  s->lost_seconds - s->running_seconds;
    s->idle_seconds = idle > 0 ? idle : 0;
}

void orri_count_cores(struct orr_coord *coord, int32_t change, int64_t now)
{
    struct orr_run_status *s = &coord->status;
    if (coord->counted && now > coord->counted)
        s->core_seconds += s->cores * (double)(now - coord->counted) / 1e9;
    if (coord->counted)
        coord->counted = now > coord->counted ? now : coord->counted;
    s->cores += (uint32_t)change;
}

void orri_account_past(struct orr_coord *coord)
{
    struct orr_run_status last;
    if (!coord->setup.run_dir ||
        orr_status_read(coord->setup.run_dir, &last, NULL) != ORR_OK)
        return;
    orr_status_continue(&coord->status, &last);
    /* The run needs it no more: a full disk shows at what it does need. */
    (void)orr_status_keep(coord->setup.run_dir, &last, NULL);
}
