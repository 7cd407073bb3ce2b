/* scratch.h - the directories an attempt may write to */
#ifndef ORR_EXEC_SCRATCH_H
#define ORR_EXEC_SCRATCH_H

#include "base/memory.h"
#include "exec/attempt.h"

struct orri_scratch {
    const char *scratch; /* not made yet; NULL when the order has no run directory */
    const char *output;
    const char *cache;
};

struct orri_scratch orri_scratch_of(const struct orr_order *order,
                                    struct orr_arena *arena);
/* Remove the scratch directory with all that is in it. */
void orri_scratch_remove(const struct orri_scratch *dirs);

#endif
