/* size.h - how many nodes a job should ask for, by simulation */
#ifndef ORR_CLI_SIZE_H
#define ORR_CLI_SIZE_H

#include "cli/command.h"

struct orri_size_ask {
    const char *self; /* this program: `orrery simulate` is asked */
    const char *job;
    const struct orr_line *line; /* its --set options go along */
    const char *costs;           /* RUN or FILE, as for simulate; or NULL */
    uint32_t cores;              /* of a node */
    uint32_t most;               /* nodes */
    double until;                /* seconds that the run may take; 0: any */
    double core_hours;           /* that it may use; 0: any */
};

struct orri_size {
    uint32_t nodes;
    double makespan;   /* s, simulated */
    double efficiency; /* part */
};

/* The least nodes that end in time; else the most that stay within the core-hours; else
 * the most that keep 90 % of their cores busy. False after a message: it cannot be
 * simulated, or no number of nodes will do. */
bool orri_size_find(const struct orri_size_ask *ask, struct orri_size *out);

#endif
