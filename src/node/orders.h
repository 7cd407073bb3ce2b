/* orders.h - from an assignment to an order for the child, and back to a result */
#ifndef ORR_NODE_ORDERS_H
#define ORR_NODE_ORDERS_H

#include "exec/attempt.h"
#include "graph/graph.h"
#include "wire/runs.h"

/* Fill *order; its pointers live in `arena` or in the assignment. Errors of templates
 * (a null in an argument, a path that leaves the run directory): ORR_ERR_FAILED. */
orr_status orri_order_make(const struct orr_graph *graph,
                           const struct orr_assignment *assignment, const char *run_dir,
                           uint32_t cores, struct orr_arena *arena,
                           struct orr_order *order, struct orr_error *err);

/* A command's outcome gets its results: files, blobs and standard output as fields.
 * What does not fit the declared types makes it a failure. Native outcomes stay as they
 * are. */
void orri_order_results(const struct orr_graph_function *function,
                        const struct orr_order *order, struct orr_arena *arena,
                        struct orr_outcome *outcome);

#endif
