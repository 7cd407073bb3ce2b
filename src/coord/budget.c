/* budget.c - how many failed attempts are too many (--max-failures)
 * Owns nothing: works on the coordinator. */
#include "coord/internal.h"

#include <inttypes.h>

/* Of attempts that ended in this session. Few are no part of anything. */
static bool too_large_a_part(const struct orr_coord *coord)
{
    enum { FEW = 20 };
    double failed = (double)coord->status.failed_attempts;
    double ended = failed + (double)(coord->status.done - coord->status.reused);
    return coord->setup.max_failed_part > 0 && ended >= FEW &&
           failed > coord->setup.max_failed_part * ended;
}

static bool too_many_failures(const struct orr_coord *coord)
{
    return (coord->setup.max_failures &&
            coord->status.failed_attempts >= coord->setup.max_failures) ||
           too_large_a_part(coord);
}

static void stop_for_failures(struct orr_coord *coord)
{
    struct orr_text why = ORR_TEXT_INIT;
    uint64_t failed = coord->status.failed_attempts;
    orr_text_printf(&why, "%" PRIu64 " failed attempt%s, --max-failures is ", failed,
                    failed == 1 ? "" : "s");
    if (coord->setup.max_failures)
        orr_text_printf(&why, "%" PRIu32, coord->setup.max_failures);
    else
        orr_text_printf(&why, "%g%% of those that ended",
                        100 * coord->setup.max_failed_part);
    orr_text_puts(&why, ": stopped; `orrery resume` goes on");
    orri_stop_for(coord, ORR_RUN_FAILED, why.s);
    orr_text_release(&why);
}

void orri_check_budget(struct orr_coord *coord)
{
    if (too_many_failures(coord))
        stop_for_failures(coord);
}
