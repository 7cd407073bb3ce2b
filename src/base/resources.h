/* resources.h - what a call asks for and what a node has: cores, GPUs, memory */
#ifndef ORR_BASE_RESOURCES_H
#define ORR_BASE_RESOURCES_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct orr_resources {
    uint32_t cores;
    uint32_t gpus;
    uint64_t memory; /* bytes */
};

bool orr_resources_equal(const struct orr_resources *a, const struct orr_resources *b);
/* Is `want` there within `have`? */
bool orr_resources_fit(const struct orr_resources *have,
                       const struct orr_resources *want);
void orr_resources_add(struct orr_resources *to, const struct orr_resources *what);
void orr_resources_take(struct orr_resources *from, const struct orr_resources *what);

/* A call waits at the front for more than is free, and calls behind it that fit have
 * overtaken it: `overtaken` cores of them so far. They may do so until it is `bound`
 * cores; from then on only those that take nothing that the waiting one is short of. So
 * no core idles for long, and no call waits for ever. Pure: rank 0, the agents and the
 * simulator decide by it. */
bool orr_may_overtake(const struct orr_resources *free,
                      const struct orr_resources *want,
                      const struct orr_resources *waits, uint64_t overtaken,
                      uint64_t bound);
/* Is it the memory or the GPUs of a node that such calls use up first, not its cores?
 * They are held for it from the moment when it is sent there. So it goes before calls
 * that wait for cores, and these may be overtaken as above. */
bool orr_goes_first(const struct orr_resources *node, const struct orr_resources *call);
/* Does `want` leave what `waits` needs, of each thing that it takes itself? */
bool orr_fits_beside(const struct orr_resources *free, const struct orr_resources *want,
                     const struct orr_resources *waits);

/* "1.5 GiB", appended. */
void orr_size_print(struct orr_text *out, uint64_t bytes);
/* "4 cores, 1.5 GiB of memory, 1 GPU"; appended. */
void orr_resources_print(const struct orr_resources *what, struct orr_text *out);

#endif
