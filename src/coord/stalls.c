/* stalls.c - when we stood still
 *
 * Suspended with the whole job, on a machine that hung, stopped by hand: nobody could
 * be heard, and what ran stood still as well, or is taken to have. That is nobody's
 * silence, no use of cores, and no part of how long attempts take. Owns: when that was.
 */
#include "coord/internal.h"

enum {
    SILENT_SECONDS = 2,   /* nobody is heard: less is no harm */
    SUSPENDED_SECONDS = 5 /* more than a busy disk makes us wait */
};

struct stall {
    int64_t from, to; /* wall ns */
};

static void note(struct orr_coord *coord, int64_t stall)
{
    int64_t to = orri_wall(coord);
    *(struct stall *)orr_rows_add(&coord->stalls) = (struct stall) { to - stall, to };
    coord->status.suspended_seconds += (double)stall / 1e9;
    if (coord->counted)
        coord->counted += stall;
    orr_sched_stood_still(coord->sched, stall);
    orri_shift_end(coord, stall);
}

void orri_forgive_stall(struct orr_coord *coord, int64_t now)
{
    int64_t stall = coord->stepped ? now - coord->stepped : 0;
    coord->stepped = now;
    if (stall < SILENT_SECONDS * ORR_SECOND)
        return;
    for (uint32_t i = 0; i < coord->n_nodes; i++)
        coord->nodes[i].heard += stall;
    if (stall >= SUSPENDED_SECONDS * ORR_SECOND)
        note(coord, stall);
}

double orri_ran(const struct orr_coord *coord, const struct orr_done *done)
{
    int64_t ran = done->t_end - done->t_start;
    for (uint32_t i = coord->stalls.n; i-- > 0;) {
        const struct stall *stall = orr_rows_at(&coord->stalls, i);
        int64_t from = stall->from > done->t_start ? stall->from : done->t_start;
        int64_t to = stall->to < done->t_end ? stall->to : done->t_end;
        if (stall->to <= done->t_start)
            break;
        ran -= to > from ? to - from : 0;
    }
    return ran > 0 ? (double)ran / 1e9 : 0;
}

void orri_stalls_init(struct orr_coord *coord)
{
    coord->stalls.size = sizeof(struct stall);
}
