/* nap.h - how long a loop that has nothing to do sleeps before it looks again
 *
 * Messages of MPI wake nobody. So rank 0 and agents look, the seldomer the longer
 * nothing came. The simulator counts these looks. */
#ifndef ORR_BASE_NAP_H
#define ORR_BASE_NAP_H

#include <stdint.h>

/* Times in ns. `quiet`: since something happened last. `ahead`: how long the
 * work lasts that was known of then; when it is over a core that gets free has nothing
 * to do but what a message brings. */
int64_t orr_nap(int64_t quiet, int64_t ahead);
/* How many naps there are in a quiet time. */
double orr_naps_within(int64_t quiet, int64_t ahead);

#endif
