/* rehearse.h - the rules of a workflow without machines
 *
 * Drives an engine in this process: each call that the rules ask for is answered by the
 * first of these that has an answer: the test in hand, an earlier run, a built-in
 * function of the worker's own (core.noop), the function's `example:`. A call that
 * nobody answers stays open, and what depends on it unknown. A workflow that stands for
 * a function is gone through, unless the test answers it. No clock: what waits
 * before it is tried again is tried at once. Calls are answered in the order in which
 * the rules make them; once a request has failed, nothing more is called for it. */
#ifndef ORR_REHEARSE_REHEARSE_H
#define ORR_REHEARSE_REHEARSE_H

#include "engine/engine.h"
#include "graph/graph.h"
#include "rehearse/answer.h"

#include <stdbool.h>
#include <stdint.h>

struct orr_rehearsal_setup {
    const struct orr_graph *graph;
    const struct orr_value *requests;
    uint32_t n_requests;
    const struct orr_test *test; /* its answers come first; NULL: none */
    /* `identify` NULL: files count by their names, none is looked at. */
    struct orr_engine_files files;
    /* The encoded results that an earlier run has for a task; NULL: no such run. */
    const void *(*known)(void *context, struct orr_id id, uint32_t *length);
    void *known_context;
    uint64_t most; /* attempts, after which it is cut short */
};

struct orr_rehearsal;
/* Everything happens here. The graph and the test must outlive the result. */
struct orr_rehearsal *orr_rehearse(const struct orr_rehearsal_setup *setup);
void orr_rehearsal_free(struct orr_rehearsal *rehearsal); /* NULL is fine */

/* What became of one task; tasks are those of the engine. */
struct orr_rehearsed {
    enum orr_answerer by; /* of the last attempt */
    uint32_t attempts;    /* 0: nobody wanted it any more when its turn came */
    uint32_t failures;
    int64_t delay;   /* ns that its attempts would have waited */
    const char *why; /* there is an answer, but it cannot be computed; or NULL */
};
const struct orr_rehearsed *orr_rehearsal_task(const struct orr_rehearsal *rehearsal,
                                               uint32_t task);
struct orr_engine *orr_rehearsal_engine(struct orr_rehearsal *rehearsal);
/* More attempts than allowed: what there is is a beginning only. */
bool orr_rehearsal_cut(const struct orr_rehearsal *rehearsal);
/* Tasks that nobody answered. */
uint32_t orr_rehearsal_open(const struct orr_rehearsal *rehearsal);
/* The arguments as a record of the function's parameters, in `arena`. */
struct orr_value orr_rehearsal_args(const struct orr_rehearsal *rehearsal,
                                    uint32_t task, struct orr_arena *arena);
/* Seconds that one attempt takes by the function's `cost:`; NaN: nothing is said. */
double orr_rehearsal_cost(const struct orr_rehearsal *rehearsal, uint32_t task);
/* "encode(source: ..., crf: 26)" without arguments that are null; appended. */
void orr_rehearsal_print_task(const struct orr_rehearsal *rehearsal, uint32_t task,
                              struct orr_text *out);

/* ---- expectations of a test (expect.c) ---- */

/* What a test expected and did not get. */
struct orr_unmet {
    struct orr_span at;
    const char *text; /* may have several lines */
};

struct orr_verdict {
    struct orr_unmet *items;
    size_t n, cap;
    struct orr_arena arena;
};
/* Compare; no items: the test passes. */
void orr_rehearsal_judge(struct orr_rehearsal *rehearsal, const struct orr_test *test,
                         struct orr_verdict *out);
void orr_verdict_release(struct orr_verdict *verdict);

#endif
