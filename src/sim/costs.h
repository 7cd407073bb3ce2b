/* costs.h - what the steps of a run cost on some machine: measured by `orrery bench
 * calibrate`, read by the simulation */
#ifndef ORR_SIM_COSTS_H
#define ORR_SIM_COSTS_H

#include "base/error.h"
#include "base/text.h"

/* Name, default, what it is. All but the first three were measured by `orrery bench
 * calibrate` on the machine of docs/design/simulate.md (2 cores of a Xeon at 2.8 GHz, a
 * virtual disk), the best of several; the first three are no network's in particular:
 * what Ethernet of a cluster does. */
#define ORR_SIM_COSTS(X)                                                               \
    X(latency_ns, 20e3, "a message between two ranks, one way")                        \
    X(network_ns_per_byte, 0.5, "the same, for each byte")                             \
    X(message_ns, 2500, "rank 0, agent: a message sent or received")                   \
    X(step_ns, 350, "rank 0: once around its loop")                                    \
    X(task_ns, 4000, "rank 0: a task, from its rule to its result and what follows")   \
    X(agent_attempt_ns, 50e3, "agent: an attempt in a child, from order to report")    \
    X(attempt_ns, 100e3, "a core: beginning and end of an attempt in a child")         \
    X(in_place_ns, 10e3, "agent and worker: a call in the worker itself")              \
    X(sync_ns, 4e6, "store: a group of results made durable")                          \
    X(store_ns_per_byte, 1.5, "store: each byte of results and blobs")

struct orr_sim_costs {
#define X(name, value, text) double name;
    ORR_SIM_COSTS(X)
#undef X
};

struct orr_sim_costs orr_sim_costs_default(void);
/* A file of lines "name: value". Names that are missing keep what `costs` has. */
orr_status orr_sim_costs_read(const char *path, struct orr_sim_costs *costs,
                              struct orr_error *err);
/* The same, with what each line means; appended. */
void orr_sim_costs_print(const struct orr_sim_costs *costs, struct orr_text *out);

#endif
