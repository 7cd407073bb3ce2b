/* internal.h - between the files of src/plan */
#ifndef ORR_PLAN_INTERNAL_H
#define ORR_PLAN_INTERNAL_H

#include "plan/plan.h"

bool orri_calls_workflow(const struct orr_graph *graph, const struct orr_rule *rule);

/* count.c: numbers, and the longest way in seconds, from an engine that has ended. */
void orri_count(struct orr_plan *plan, const struct orr_engine *engine,
                const struct orr_plan_costs *costs);

/* ---- what all printers say alike (words.c) ---- */

const char *orri_form(const struct orr_graph_function *function);
/* "pool encode, 4 cores, memory 2 GiB, timeout 30 min" */
void orri_put_resources(const struct orr_graph *graph,
                        const struct orr_graph_function *function,
                        struct orr_text *out);
void orri_put_conditions(struct orr_expr *const *list, uint32_t n,
                         struct orr_text *out);
/* "encode(source: j.source, crf: 26)" */
void orri_put_call(const struct orr_graph *graph, const struct orr_rule *rule,
                   struct orr_text *out);
/* "probe -> split -> encode, 3 calls in a row, 12.5 s"; nothing without calls. */
void orri_put_path(const struct orr_plan *plan, struct orr_text *out);
/* "120 tasks, 3.2 core-hours" of what was counted. */
void orri_put_totals(const struct orr_plan *plan, struct orr_text *out);

/* ---- the drawing (layout.c) ---- */

enum orri_node_kind { ORRI_NODE_FACT, ORRI_NODE_RULE };

struct orri_node {
    enum orri_node_kind kind;
    uint32_t index; /* of the fact type or rule */
    uint32_t rank;  /* row, from the top */
    double x, y;    /* of the centre */
    double width, height;
};

enum orri_edge_kind {
    ORRI_EDGE_MATCH,
    ORRI_EDGE_GATHER,
    ORRI_EDGE_MAKES,
    ORRI_EDGE_ERROR, /* an error handler makes it */
    ORRI_EDGE_CALLS  /* the inputs of a workflow that a function stands for */
};
struct orri_point {
    double x, y;
};
struct orri_edge {
    enum orri_edge_kind kind;
    uint32_t from, to;        /* nodes */
    bool back;                /* against the order of ranks: part of a circle */
    struct orri_point *bends; /* between the ends, from top to bottom */
    uint32_t n_bends;
};

struct orri_drawing {
    struct orri_node *nodes;
    uint32_t n_nodes;
    struct orri_edge *edges;
    uint32_t n_edges;
    double width, height;
};

/* Nodes and edges of a plan; with `sizes`, placed: node i is as large as sizes[i].
 * All of it is in `arena`. */
void orri_draw(const struct orr_plan *plan, struct orr_arena *arena,
               struct orri_drawing *out);
void orri_place(struct orri_drawing *drawing, struct orr_arena *arena);

#endif
