/* plan.h - what runs on a machine could use, and where attempts would be bound; for
 * people
 */
#ifndef ORR_TOPO_PLAN_H
#define ORR_TOPO_PLAN_H

#include "topo/gpus.h"
#include "topo/topo.h"

struct orr_topo_plan {
    const struct orr_topo *topo;
    const struct orr_gpus *gpus; /* of this machine; NULL: those that `topo` has */
    uint32_t workers;            /* ranks; 0: as many as there are cores for */
    uint32_t cores_each;
    bool bound;
};

void orr_topo_plan_print(const struct orr_topo_plan *plan, struct orr_text *out);

#endif
