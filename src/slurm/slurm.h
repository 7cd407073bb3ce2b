/* slurm.h - what Slurm writes, and what it reads
 *
 * Pure: texts in, texts out. Who runs Slurm's programs is src/cli. */
#ifndef ORR_SLURM_SLURM_H
#define ORR_SLURM_SLURM_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "2(x3),1", as in SLURM_JOB_CPUS_PER_NODE, is 2, 2, 2, 1; free() it. False when it is
 * not such a list, or one of more than ORR_SLURM_NODES_MAX. */
enum { ORR_SLURM_NODES_MAX = 1 << 20 };
bool orr_slurm_counts(const char *text, uint32_t **out, size_t *n);

/* A host file for `srun --distribution=arbitrary`: a line a rank, the node that it is
 * on. Rank 0 is on the first node, beside its workers; workers fill one node after the
 * other, as many as it has places, and go round when there are more. */
void orr_slurm_hosts(const char *const *names, const uint32_t *places, size_t n,
                     uint64_t workers, struct orr_text *out);

#endif
