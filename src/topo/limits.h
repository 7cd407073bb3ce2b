/* limits.h - how much memory of this node is ours: less than it has where the control
 * group or the batch system says so */
#ifndef ORR_TOPO_LIMITS_H
#define ORR_TOPO_LIMITS_H

#include <stdint.h>

/* Bytes; `physical` where nothing limits it. Looks at the control groups of this
 * process (version 1 and 2, each up to its root), SLURM_MEM_PER_NODE, and
 * SLURM_MEM_PER_CPU with SLURM_CPUS_ON_NODE. `root` is "" but in tests. */
uint64_t orr_memory_limit(uint64_t physical, const char *root);

#endif
