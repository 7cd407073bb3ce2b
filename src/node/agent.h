/* agent.h - the agent of a node: its queue, its cores, its shard file
 *
 * Between the coordinator (messages in batches) and the node's workers (a socket each)
 * and its own children. It reports an attempt only when its result is on disk. Nothing
 * blocks: wait on the descriptors, at most until the wake time, then step. */
#ifndef ORR_NODE_AGENT_H
#define ORR_NODE_AGENT_H

#include "link/link.h"
#include "node/host.h"
#include "store/writer.h"
#include "topo/gpus.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

struct orr_agent_setup {
    struct orr_link *link;
    struct orr_host_setup host; /* its own cores: host.children of them */
    struct orr_writer_options store;
    uint64_t token;   /* shared by the ranks of a run; names the socket */
    uint32_t workers; /* ranks on this node that work, itself included */
    const char *host_name;
    uint64_t memory;             /* bytes */
    const struct orr_gpus *gpus; /* that attempts may use */
    int64_t idle;    /* ns without work after which it asks to leave; 0: never */
    int64_t silence; /* ns that rank 0 may be silent before the agent leaves; 0: 30 s */
};

struct orr_agent;
/* Opens the shard and the socket; workers may connect from then on. */
orr_status orr_agent_new(const struct orr_agent_setup *setup, struct orr_agent **out,
                         struct orr_error *err);
void orr_agent_free(struct orr_agent *agent);

/* ORR_OK: go on. ORR_END: it said good-bye (or the coordinator is silent).
 * `ready` is false when all of orr_agent_fds() were waited for and none was ready: they
 * are not read then, which is most of what an idle agent costs. */
orr_status orr_agent_step(struct orr_agent *agent, bool ready, struct orr_error *err);
size_t orr_agent_fds(const struct orr_agent *agent, struct pollfd *fds, size_t max);
int64_t orr_agent_wake(const struct orr_agent *agent); /* monotonic ns */
/* The processes of this node were told to end, each of them: what fails from now on is
 * no fault of its task. */
void orr_agent_told_to_end(struct orr_agent *agent);
/* Did the last step do anything? For the back-off of the loop around. */
bool orr_agent_was_busy(const struct orr_agent *agent);
/* Ask rank 0 to be let go: attempts that run may end, what waits is made elsewhere. */
void orr_agent_leave(struct orr_agent *agent);
/* It did. */
bool orr_agent_wants_to_leave(const struct orr_agent *agent);
/* It left because it heard nothing from rank 0. */
bool orr_agent_is_forsaken(const struct orr_agent *agent);
/* Each core has an attempt waiting for it: for about how long what waits will last
 * them, ns; 0: some have none. */
int64_t orr_agent_ahead(const struct orr_agent *agent);

#endif
