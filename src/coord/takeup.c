/* takeup.c - what earlier sessions of the run left: their results, and their open logs
 * Owns: whether all that they had counted is there. Hands on: reading (store/known). */
#include "coord/internal.h"

#include <inttypes.h>
#include <stdio.h>

/* What was counted was on disk. Whoever took it away should know it from us: what is
 * made again takes hours, and may be seen by nobody. */
static void tell_missing(const struct orr_coord *coord)
{
    const struct orr_coord_setup *setup = &coord->setup;
    struct orr_run_status before;
    uint64_t known = orr_known_results(coord->known);
    if (orr_status_read(setup->run_dir, &before, NULL) != ORR_OK ||
        before.epoch >= setup->epoch || before.done <= known)
        return;
    (void)fprintf(stderr,
                  "orrery: warning: of %" PRIu64 " results that an earlier session had "
                  "counted %" PRIu64 " are not there any more, and are made again; "
                  "`orrery verify %s` says what is damaged\n",
                  before.done, before.done - known, setup->run_dir);
}

orr_status orri_take_up(struct orr_coord *coord, struct orr_error *err)
{
    const struct orr_coord_setup *setup = &coord->setup;
    if (setup->epoch <= 1)
        return ORR_OK;
    orr_status status = orr_known_load(setup->run_dir, setup->run_id, setup->verify,
                                       &coord->known, err);
    if (status == ORR_OK)
        status = orr_shards_seal(setup->run_dir, setup->run_id, setup->epoch,
                                 &coord->sealer, err);
    if (status != ORR_OK)
        return status;
    tell_missing(coord);
    orr_known_forgive(coord->known, setup->forgive);
    return ORR_OK;
}
