/* simulation.h - what `orrery simulate` and `orrery bench simulate` share */
#ifndef ORR_CLI_SIMULATION_H
#define ORR_CLI_SIMULATION_H

#include "cli/command.h"
#include "sim/sim.h"
#include "store/known.h"

/* Options of both, for their tables. */
#define ORRI_CLUSTER_OPTIONS                                                           \
    { "nodes", 0, "N", "nodes of the cluster", false },                                \
        { "cores", 0, "N", "cores of each node", false },                              \
        { "memory", 0, "SIZE",                                                         \
          "memory of each node (default: as much as is asked for)", false },           \
        { "gpus", 0, "N", "GPUs of each node (default 0)", false },                    \
        { "mean", 0, "TIME", "each attempt takes this long on average", false },       \
        { "spread", 0, "PART", "how far times spread around what is known: 50%",       \
          false },                                                                     \
        { "distribution", 0, "NAME",                                                   \
          "constant, uniform (with --spread), exponential or lognormal", false },      \
        { "calibration", 0, "FILE", "costs that `orrery bench calibrate` printed",     \
          false },                                                                     \
        { "latency", 0, "TIME", "of a message, one way", false },                      \
        { "bandwidth", 0, "SIZE", "bytes a second of rank 0's network", false },       \
    {                                                                                  \
        "seed", 0, "N", "of chance (default 1): the same seed, the same result", false \
    }

struct orri_cluster {
    uint32_t nodes;
    uint32_t cores;
    uint64_t memory; /* of each; 0: as much as is asked for */
    uint32_t gpus;
    struct orr_sim_costs costs;
    struct orr_sim_times times;
    uint64_t seed;
};
/* False after a message. */
bool orri_cluster_read(const struct orr_line *line, long nodes, long cores,
                       struct orri_cluster *out);

/* `tasks` calls of one rule (bench_simulate.c), of this mean time. */
orr_status orri_simulate_equal(const struct orri_cluster *cluster, long tasks,
                               double mean, struct orr_sim_result *out,
                               struct orr_error *err);

/* For people; and as JSON members. Appended. */
void orri_sim_print(const struct orr_sim_result *result,
                    const struct orri_cluster *cluster, struct orr_text *out);
void orri_sim_json(const struct orr_sim_result *result,
                   const struct orri_cluster *cluster, struct orr_text *out);

#endif
