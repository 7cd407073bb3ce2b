/* internal.h - between the files of src/rehearse */
#ifndef ORR_REHEARSE_INTERNAL_H
#define ORR_REHEARSE_INTERNAL_H

#include "base/map.h"
#include "rehearse/rehearse.h"

struct orr_rehearsal {
    struct orr_rehearsal_setup setup; /* its graph is `graph` */
    struct orr_graph graph;           /* as given, but for what the test answers */
    struct orr_graph_function *functions;
    struct orr_engine *engine;
    struct orr_rehearsed *tasks;
    size_t n_tasks;
    size_t cap_tasks;
    struct orr_map used; /* task and answer -> attempts that it answered */
    uint64_t attempts;
    uint32_t open; /* tasks that nobody answered */
    bool cut;
    struct orr_arena arena;   /* kept */
    struct orr_arena scratch; /* of the call in hand */
};

/* ---- answer.c ---- */

struct orri_call {
    orr_task_id task;
    uint32_t attempt;
    const struct orr_graph_function *function;
    struct orr_value slots[ORR_SLOTS_MAX]; /* parameters, then `attempt` */
};

struct orri_reply {
    enum orr_answerer by; /* NONE: nobody knows */
    struct orr_value result;
    struct orr_failure failure; /* kind NONE: it succeeded */
    const char *why; /* an answer that cannot be computed; in the arena of the call */
};

/* Contents land in the arena `scratch`. */
void orri_answer(struct orr_rehearsal *rehearsal, const struct orri_call *call,
                 struct orri_reply *out);

#endif
