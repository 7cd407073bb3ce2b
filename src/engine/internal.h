/* internal.h - the parts of the engine, for its own files */
#ifndef ORR_ENGINE_INTERNAL_H
#define ORR_ENGINE_INTERNAL_H

#include "base/map.h"
#include "engine/engine.h"

/* ---- facts (facts.c) ---- */

struct orri_fact {
    const struct orr_record *record;
    uint32_t request;
    uint32_t made_by; /* rule, or ORR_NONE for the job */
    uint64_t seq;     /* order in which facts are looked at, from 1; 0: not yet */
};

/* Facts of one type that agree in `fields` (and request), as chains in order. */
struct orri_index {
    uint32_t *fields;
    uint32_t n_fields;
    struct orr_map chains; /* hash -> head + 1 in the low, tail + 1 in the high half */
    uint32_t *next;        /* per fact: the following one + 1, 0 at the end */
    size_t cap;
};

struct orri_table {
    struct orri_fact *facts;
    size_t n;
    size_t cap;
    struct orr_map set; /* hash of request and content -> fact + 1, see `twins` */
    uint32_t *twins;    /* per fact: another fact with that hash + 1, or 0 */
    size_t cap_twins;
    struct orr_map keys; /* hash of request and key fields -> fact + 1 */
    struct orri_index *indexes;
    uint32_t n_indexes;
};

struct orri_queued {
    uint32_t type;
    uint32_t index;
};

/* ---- joins (join.c) ---- */

struct orri_step {
    uint32_t variable;
    uint32_t index;         /* of the variable's fact type */
    struct orr_expr **keys; /* one per field of the index, over bound slots */
    struct orr_expr **filters;
    uint32_t n_filters;
};

/* How a rule is matched when a new fact is its variable `seed`. steps[0] is the seed
 * itself: it has filters only. */
struct orri_plan {
    uint32_t rule;
    uint32_t seed;
    struct orri_step *steps;
};

struct orri_seeds { /* plans by the fact type that starts them */
    struct orri_plan *plans;
    uint32_t n;
};

/* ---- gather (gather.c) ---- */

struct orri_instance {
    uint32_t rule;
    uint32_t request;
    uint32_t *match; /* fact index per match variable */
    int64_t count;
    uint32_t *members;
    size_t n;
    size_t cap;
    uint32_t next; /* with the same hash, + 1 */
    bool fired;
    struct orr_value *keys;
};

struct orri_gather_plan {
    uint32_t index;         /* of the candidate's fact type: equality fields */
    struct orr_expr **keys; /* over match slots, one per field of the index */
    struct orr_expr **filters;
    uint32_t n_filters;
    struct orr_map instances; /* hash -> instance + 1 */
};

/* ---- tasks (task.c, react.c) ---- */

enum orri_task_state { ORRI_TASK_WAITING, ORRI_TASK_DONE, ORRI_TASK_FAILED };

/* A rule that fired and waits for its task. */
struct orri_firing {
    struct orri_firing *next;
    uint32_t rule;
    uint32_t request;
    uint32_t failures;         /* that it was told of, over all its tasks */
    uint32_t retries;          /* that its handlers asked for */
    struct orr_value gathered; /* record of lists, or null */
    uint32_t match[];
};

struct orri_task {
    struct orr_task public;
    enum orri_task_state state;
    uint32_t attempts; /* asked for so far */
    bool called;       /* the newest of them is out: queued or running */
    struct orri_firing *firings;
    struct orri_firing **last;
    struct orr_value results;
    struct orr_failure failure;
};

/* A request; or a call of a workflow that stands for a function, with facts of its own:
 * what the other files call a request is either. (scope.c) */
struct orri_request {
    uint64_t waiting;   /* firings */
    const char *failed; /* reason, or NULL */
    enum orr_fail_kind kind;
    int64_t code;
    uint32_t request; /* number of the request that it is or belongs to */
    uint32_t module;  /* ORR_NONE: the workflow of the job */
    orr_task_id task; /* of a call: that it answers */
    bool ended;       /* its task was told, or nobody wants it */
    bool touched;     /* stands in `touched` of the engine */
    uint32_t *calls;  /* calls of workflows that it asked for */
    size_t n_calls;
    size_t cap_calls;
};

struct orr_engine {
    const struct orr_graph *graph;
    struct orr_engine_files files;
    struct orr_arena arena;           /* facts, results, plans */
    struct orr_arena scratch;         /* keys of the match in hand */
    struct orr_arena firing;          /* one rule firing */
    struct orri_table *tables;        /* per fact type */
    struct orri_seeds *seeds;         /* per fact type */
    struct orri_gather_plan *gathers; /* per rule */
    struct orri_instance *instances;
    size_t n_instances;
    size_t cap_instances;
    struct orri_queued *queue; /* facts made but not looked at */
    size_t queue_head;
    size_t n_queue;
    size_t cap_queue;
    uint64_t seq;
    struct orri_task **tasks;
    size_t n_tasks;
    size_t cap_tasks;
    struct orr_map by_identity; /* id.lo -> task + 1; twins are compared and chained */
    struct orr_engine_call *calls;
    size_t call_head;
    size_t n_calls;
    size_t cap_calls;
    struct orri_request *requests; /* and calls of workflows */
    size_t n_requests;
    size_t cap_requests;
    uint32_t *roots; /* per request: its place in `requests` */
    size_t n_roots;
    size_t cap_roots;
    uint32_t *touched; /* that may have ended */
    size_t n_touched;
    size_t cap_touched;
    struct orr_map calls_by_task; /* task of a workflow -> its newest call + 1 */
    uint64_t waiting;             /* firings, all requests */
    uint64_t *firings;            /* per rule */
    struct orr_value slots[ORR_SLOTS_MAX];
};

/* Facts. assert: dedupe, check the key, queue; `made_by` is the rule, for messages. */
void orri_fact_assert(struct orr_engine *engine, uint32_t type, uint32_t request,
                      const struct orr_record *record, uint32_t made_by);
void orri_fact_enter(struct orr_engine *engine, uint32_t type, uint32_t index);
uint32_t orri_index_for(struct orr_engine *engine, uint32_t type,
                        const uint32_t *fields, uint32_t n);
/* First fact (+ 1) of the chain for these key values, 0: none; then ->next[]. */
uint32_t orri_index_first(const struct orr_engine *engine, uint32_t type,
                          uint32_t index, uint32_t request,
                          const struct orr_value *keys);
bool orri_index_agrees(const struct orri_index *index, const struct orr_record *record,
                       const struct orr_value *keys);
uint64_t orri_key_hash(uint32_t request, const struct orr_value *keys, uint32_t n);
uint64_t orri_key_hash_of(uint32_t request, const struct orri_index *index,
                          const struct orr_record *record);

/* Joins and gather. */
void orri_plan_rules(struct orr_engine *engine);
void orri_match_fact(struct orr_engine *engine, uint32_t type, uint32_t index);
void orri_plan_gather(struct orr_engine *engine, uint32_t rule);
void orri_gather_open(struct orr_engine *engine, uint32_t rule, uint32_t request,
                      const uint32_t *match);
void orri_gather_offer(struct orr_engine *engine, uint32_t type, uint32_t index);
/* Split equalities `candidate.field == expr over bound` off a list of conjuncts. */
struct orri_split {
    uint32_t fields[ORR_SLOTS_MAX];
    struct orr_expr *keys[ORR_SLOTS_MAX];
    uint32_t n;
    bool *used; /* per conjunct: serves as an equality */
};
void orri_split_equalities(struct orr_expr *const *conjuncts, uint32_t n,
                           uint32_t candidate, uint32_t bound, struct orri_split *out);

/* A complete match: derive, or call. `gathered` may be null. */
void orri_fire(struct orr_engine *engine, uint32_t rule, uint32_t request,
               const uint32_t *match, struct orr_value gathered);
/* Put the facts of a match in the slots. */
void orri_bind(struct orr_engine *engine, uint32_t rule, const uint32_t *match,
               struct orr_value gathered);
/* Run reactions (`then` lists); false when the request failed by it. */
bool orri_react(struct orr_engine *engine, uint32_t rule, uint32_t request,
                const struct orr_assertion *then, uint32_t n);
/* Decide for one firing of a failed task: true when it waits for another attempt of the
 * same task, *delay then holds how long at least. */
bool orri_handle_failure(struct orr_engine *engine, struct orri_firing *firing,
                         orr_task_id id, int64_t *delay);
orr_task_id orri_task_for(struct orr_engine *engine, uint32_t function,
                          uint32_t request, uint32_t rule,
                          const struct orr_value *args);
void orri_task_attempt(struct orr_engine *engine, orr_task_id id, int64_t delay);
struct orr_id orri_task_identity(struct orr_engine *engine, uint32_t function,
                                 const struct orr_value *args);
/* Hand the firing over to the task: it waits, or its reaction or handler runs at once.
 * `delay` (ns) holds the task's first attempt back. */
void orri_subscribe(struct orr_engine *engine, struct orri_firing *firing,
                    orr_task_id id, int64_t delay);
void orri_task_free(struct orri_task *task);
/* As the events of engine.h, without looking at the facts that follow. */
void orri_task_finished(struct orr_engine *engine, orr_task_id id,
                        struct orr_value results);
void orri_task_failed(struct orr_engine *engine, orr_task_id id, uint32_t attempt,
                      const struct orr_failure *failure);

/* ---- requests and calls of workflows (scope.c) ---- */

void orri_plan_calls(struct orr_engine *engine);
bool orri_is_workflow(const struct orr_engine *engine, uint32_t function);
/* Start the workflow that `task` stands for. */
void orri_open_call(struct orr_engine *engine, orr_task_id task);
/* `request` waits for a task that is a workflow. */
void orri_join_call(struct orr_engine *engine, orr_task_id task, uint32_t request);
/* It waits for one thing less, or has failed: has it ended? */
void orri_touch(struct orr_engine *engine, uint32_t request);
/* End one call that has nothing left to do; false when there is none. Call only when
 * no facts are queued. */
bool orri_end_call(struct orr_engine *engine);
bool orri_request_failed(const struct orr_engine *engine, uint32_t request);
bool orri_has_fact(const struct orr_engine *engine, uint32_t type, uint32_t request);
/* Why outputs that have no facts have none, appended; "" when all have. */
void orri_explain_outputs(const struct orr_engine *engine,
                          const struct orr_output *outputs, uint32_t n,
                          uint32_t request, struct orr_text *why);

/* A request fails once; the first reason stays. */
__attribute__((format(printf, 3, 4))) void orri_request_fail(struct orr_engine *engine,
                                                             uint32_t request,
                                                             const char *format, ...);
/* The same for a task that failed: a call of a workflow fails as its task did. */
void orri_request_fail_as(struct orr_engine *engine, uint32_t request,
                          const struct orr_failure *failure);
void orri_request_fail_at(struct orr_engine *engine, uint32_t request,
                          const struct orr_error *err, const char *rule);
/* Look at queued facts until there are none. */
void orri_settle(struct orr_engine *engine);

#endif
