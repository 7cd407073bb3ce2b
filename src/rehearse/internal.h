/* internal.h - between the files of src/rehearse */
#ifndef ORR_REHEARSE_INTERNAL_H
#define ORR_REHEARSE_INTERNAL_H

#include "rehearse/rehearse.h"

struct orr_rehearsal {
    struct orr_rehearsal_setup setup; /* its graph is `graph` */
    struct orr_graph graph;           /* as given, but for what the test answers */
    struct orr_graph_function *functions;
    struct orr_engine *engine;
    struct orr_rehearsed *tasks;
    size_t n_tasks;
    size_t cap_tasks;
    struct orr_answers answers;
    uint64_t attempts;
    uint32_t open; /* tasks that nobody answered */
    bool cut;
    struct orr_asked asked; /* the call in hand */
    struct orr_arena arena; /* kept */
};

#endif
