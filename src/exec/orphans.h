/* orphans.h - processes that a command started and left behind, in sessions of their
 * own */
#ifndef ORR_EXEC_ORPHANS_H
#define ORR_EXEC_ORPHANS_H

#include <stddef.h>
#include <sys/types.h>

/* From now on they become ours when their parents end, instead of init's. */
void orri_orphans_adopt(void);
/* Kill every process below this one, but the n `spared` children and what is below
 * those. The number killed. */
size_t orri_orphans_kill(const pid_t *spared, size_t n);
/* The same, and wait until they are gone, for some seconds at most. There must be no
 * children that are still wanted. Costs one system call when there are none. */
void orri_orphans_end(void);

#endif
