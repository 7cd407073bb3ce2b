/* plan.h - what a graph will do: stages, how often, what it costs, the longest way
 * through
 *
 * From the graph alone: the stage of each rule, what each rule fires for, the longest
 * chain of calls. From an engine in which all calls were answered (a dry run): numbers
 * besides. Printed as text, JSON, DOT, or a page of its own. */
#ifndef ORR_PLAN_PLAN_H
#define ORR_PLAN_PLAN_H

#include "engine/engine.h"
#include "graph/graph.h"

#include <stdbool.h>
#include <stdint.h>

struct orr_plan_rule {
    uint32_t stage;      /* from 1; 0: the facts that it takes never come */
    uint64_t firings;    /* counted */
    const char *repeats; /* "once", "once for each chunk and rung" */
};

struct orr_plan_fact {
    uint32_t stage; /* after which they are there; 0: at once; ORR_NONE: never */
    uint64_t n;     /* counted */
};

struct orr_plan_function {
    uint64_t tasks;      /* counted */
    double core_seconds; /* NaN: no cost is known */
};

/* One call on the longest way through. */
struct orr_plan_hop {
    uint32_t rule;
    double seconds; /* NaN: not known */
};

struct orr_plan {
    const struct orr_graph *graph;
    uint32_t n_stages;
    struct orr_plan_rule *rules;         /* per rule of the graph */
    struct orr_plan_fact *facts;         /* per fact type */
    struct orr_plan_function *functions; /* per function */
    struct orr_plan_hop *path;           /* in order */
    uint32_t n_path;
    double path_seconds; /* NaN unless all costs on it are known */
    bool counted;        /* the numbers above are there */
    bool open;           /* some calls were not answered: more may follow */
    uint32_t requests;   /* counted: of how many */
    uint64_t tasks;
    double core_seconds; /* NaN unless all are known */
    struct orr_arena arena;
};

/* What the calls of an engine cost; see orr_plan_new(). */
struct orr_plan_costs {
    double (*seconds)(void *context, uint32_t task); /* NaN: not known */
    void *context;
    bool open; /* some tasks were not answered */
};

/* `engine` NULL: nothing is counted. The graph must outlive the plan; the engine is
 * read here only. Free with orr_plan_free(), NULL is fine. */
struct orr_plan *orr_plan_new(const struct orr_graph *graph,
                              const struct orr_engine *engine,
                              const struct orr_plan_costs *costs);
void orr_plan_free(struct orr_plan *plan);

void orr_plan_text(const struct orr_plan *plan, struct orr_text *out);
void orr_plan_json(const struct orr_plan *plan, struct orr_text *out);
void orr_plan_dot(const struct orr_plan *plan, struct orr_text *out);
/* A page that needs nothing else: no network, no files. */
void orr_plan_html(const struct orr_plan *plan, struct orr_text *out);

#endif
