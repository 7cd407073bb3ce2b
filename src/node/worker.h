/* worker.h - the life of a rank that only works
 *
 * It makes no MPI call: it hears from its agent over a socket, and sleeps in between.
 */
#ifndef ORR_NODE_WORKER_H
#define ORR_NODE_WORKER_H

#include "node/host.h"

/* Serve until the agent says stop or is gone. Returns ORR_OK after a stop, ORR_END when
 * the agent died, ORR_ERR_MACHINE when it cannot be reached. */
orr_status orr_worker_run(const struct orr_host_setup *setup, uint64_t token,
                          uint32_t agent, uint32_t rank, struct orr_error *err);

#endif
