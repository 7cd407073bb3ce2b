/* answer.h - what one call of a function is taken to return, without making it
 *
 * For who drives rules without machines: the rehearsal (rehearse.h) and the simulation
 * (src/sim). The first of these answers: the test in hand, an earlier run, a built-in
 * function of the worker's own (core.noop), the function's `example:`. */
#ifndef ORR_REHEARSE_ANSWER_H
#define ORR_REHEARSE_ANSWER_H

#include "base/map.h"
#include "engine/engine.h"
#include "graph/graph.h"

#define ORR_ANSWERERS(X)                                                               \
    X(NONE, "not answered")                                                            \
    X(TEST, "test")                                                                    \
    X(RUN, "earlier run")                                                              \
    X(CALL, "called")                                                                  \
    X(RULES, "workflow")                                                               \
    X(EXAMPLE, "example")

#define X(id, text) ORR_ANSWERED_##id,
enum orr_answerer { ORR_ANSWERERS(X) };
#undef X
extern const char *const orr_answerer_text[];

/* Who answers. Zeroed but for `graph`, only built-in functions and examples do. */
struct orr_answers {
    const struct orr_graph *graph;
    const struct orr_test *test; /* its answers come first; NULL: none */
    /* The encoded results that an earlier run has for a task; NULL: no such run. */
    const void *(*known)(void *context, struct orr_id id, uint32_t *length);
    void *known_context;
    struct orr_map used; /* task and answer of the test -> how often it was given */
    struct orr_arena scratch; /* of the call in hand: the user resets it */
};

struct orr_asked {
    uint32_t task;
    uint32_t attempt;
    struct orr_id identity;
    const struct orr_graph_function *function;
    struct orr_value slots[ORR_SLOTS_MAX]; /* parameters, then `attempt` */
};

struct orr_reply {
    enum orr_answerer by; /* NONE: nobody knows */
    struct orr_value result;
    struct orr_failure failure; /* kind NONE: it succeeded */
    const char *why;            /* an answer that cannot be computed */
};

/* Fill in `asked` from encoded arguments, which are the engine's: it is our mistake
 * when they do not read back. What they hold lands in `scratch`. */
void orr_asked_bind(const struct orr_graph_function *function, struct orr_id identity,
                    const void *args, uint32_t length, struct orr_arena *scratch,
                    struct orr_asked *asked);
/* Contents land in `scratch` of the answers. */
void orr_answer(struct orr_answers *answers, const struct orr_asked *asked,
                struct orr_reply *out);
/* Seconds of one attempt by the function's `cost:`; NaN: nothing is said. */
double orr_asked_cost(const struct orr_asked *asked, struct orr_arena *scratch);
void orr_answers_release(struct orr_answers *answers);

#endif
