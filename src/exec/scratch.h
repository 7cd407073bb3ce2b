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
/* Make it, of the child's spare one where there is one: on many file systems making and
 * removing a directory for each of many short commands costs more than all the rest. */
orr_status orri_scratch_make(const struct orri_scratch *dirs, struct orr_home *home,
                             struct orr_error *err);
/* The command is over: with `keep` it is for the next one when it is as it was; else it
 * is removed. */
void orri_scratch_leave(const struct orri_scratch *dirs, struct orr_home *home,
                        bool keep);
/* With all that is in it; NULL is fine. */
void orri_scratch_remove(const char *path);

#endif
