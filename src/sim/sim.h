/* sim.h - a run on a cluster that is not there
 *
 * Rank 0 is the real one: rules, scheduler, messages (src/coord), with a clock that is
 * moved forward and a link that delivers when a network would. Nodes are models of the
 * real agents: a queue, cores, the writer's groups (docs/design/simulate.md). The same
 * setup gives the same result, to the last digit, but for what is measured of this
 * process. */
#ifndef ORR_SIM_SIM_H
#define ORR_SIM_SIM_H

#include "base/error.h"
#include "graph/graph.h"
#include "rehearse/answer.h"
#include "sim/costs.h"
#include "store/identity.h"
#include "view/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define ORR_DISTRIBUTIONS(X)                                                           \
    X(CONSTANT, "constant")                                                            \
    X(UNIFORM, "uniform")                                                              \
    X(EXPONENTIAL, "exponential")                                                      \
    X(LOGNORMAL, "lognormal")
#define X(id, text) ORR_DISTRIBUTION_##id,
enum orr_distribution { ORR_DISTRIBUTIONS(X) };
#undef X
extern const char *const orr_distribution_text[];

/* How long attempts take: what is known of the one in hand, times a factor around 1. */
struct orr_sim_times {
    double mean; /* seconds of every attempt, whatever else is known; 0: not given */
    enum orr_distribution distribution;
    double spread; /* UNIFORM: 0.5 is half to one and a half; LOGNORMAL: deviation */
    /* Seconds of an attempt from elsewhere (an earlier run, a file); `cost:` and what
     * follows is asked where it returns NaN. NULL: nothing is known from elsewhere. */
    double (*known)(void *context, struct orr_id id, uint32_t function);
    /* The same, asked last. */
    double (*typical)(void *context, uint32_t function);
    void *context;
};

struct orr_sim_faults {
    double mtbf;        /* of a node, seconds; 0: they hold */
    double failures;    /* part of the attempts that fail (as `signal`) */
    uint32_t slow;      /* that many nodes are */
    double slowness;    /* times slower */
    uint32_t sick;      /* nodes where every attempt fails, at once */
    uint32_t taken;     /* nodes that are taken away (preempted) */
    double taken_at;    /* seconds from the start; */
    double told_to_end; /* when the run is told to end; 0: never */
    double grace;       /* seconds that running attempts get then */
};

struct orr_sim_setup {
    const struct orr_graph *graph;
    const struct orr_value *requests;
    uint32_t n_requests;
    const char *name; /* of the job */
    uint32_t nodes;
    uint32_t cores;  /* of each */
    uint64_t memory; /* of each, bytes; 0: as much as is asked for */
    uint32_t gpus;   /* of each */
    struct orr_sim_costs costs;
    struct orr_sim_times times;
    struct orr_sim_faults faults;
    struct orr_answers *answers;
    struct orr_files *files; /* tells files apart, or NULL */
    bool no_twins;           /* as of the run's option */
    double time_limit;       /* the same, seconds; 0: none */
    uint64_t seed;
    FILE *trace;          /* Chrome's trace event format; NULL: none */
    uint64_t trace_limit; /* attempts in it */
};

struct orr_sim_result {
    struct orr_run_status status; /* as the coordinator has it at the end */
    double makespan;   /* seconds from the first hello to the last good-bye */
    double work;       /* core-seconds of attempts whose result counted, first ones */
    double waste;      /* core-seconds of other attempts: failed, lost, made twice */
    double efficiency; /* work / (makespan x all cores) */
    double rate;       /* finished tasks a second */
    double coordinator_busy; /* part of one core, by the costs */
    double agent_busy;       /* of the busiest agent */
    double coordinator_us;   /* a task, by the costs */
    double measured_us;      /* a task: what rank 0's steps took in this process */
    double measured_busy;    /* part of one core, by that */
    double queued_mean, queued_most;   /* ready attempts at rank 0, each second */
    double waiting_mean, waiting_most; /* attempts at nodes, behind the running ones */
    double delay_mean, delay_most; /* seconds from an attempt's end to what follows at
                                      rank 0 */
    uint64_t steps, messages_up, messages_down, bytes_up, bytes_down;
    uint64_t attempts, syncs;
    uint64_t peak_bytes;    /* memory of rank 0: the process without the model */
    uint64_t process_bytes; /* the whole process */
    uint64_t traced;
    int64_t measured_ns; /* of this process: all steps of rank 0, and those of them */
    int64_t idle_ns;     /* that had nothing to do */
    uint64_t idle_steps;
    struct orr_text problems; /* a line each; release it */
};

/* ORR_ERR_INPUT: nothing is known of a function's result, or of its time. */
orr_status orr_simulate(const struct orr_sim_setup *setup, struct orr_sim_result *out,
                        struct orr_error *err);

#endif
