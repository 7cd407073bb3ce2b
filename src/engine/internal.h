/* internal.h - the parts of the engine, for its own files */
#ifndef ORR_ENGINE_INTERNAL_H
#define ORR_ENGINE_INTERNAL_H

#include "base/bytes.h"
#include "base/hashes.h"
#include "base/map.h"
#include "base/rows.h"
#include "engine/engine.h"

/* ---- records of one type as cells (packed.c) ---- */

struct orri_layout {
    const struct orr_record_type *type;
    uint32_t null_words; /* in front: a bit a field; 0: no field is optional */
};

struct orri_layout orri_layout_of(const struct orr_record_type *type);
uint32_t orri_layout_bytes(const struct orri_layout *layout);
/* One field; what it points to is where orri_pack() put it. */
struct orr_value orri_cell(const struct orri_layout *layout, const uint64_t *cells,
                           uint32_t field);
/* Into zeroed cells; what fields point to is copied to the arena. */
void orri_pack(const struct orri_layout *layout, const struct orr_record *record,
               uint64_t *cells, struct orr_arena *arena);
void orri_unpack(const struct orri_layout *layout, const uint64_t *cells,
                 struct orr_record *out);
const struct orr_record *orri_unpacked(const struct orri_layout *layout,
                                       const uint64_t *cells, struct orr_arena *arena);

/* ---- facts (facts.c) ---- */

/* The head of a fact's row; its cells stand in the same row, behind `next`. */
struct orri_fact {
    uint32_t request;
    uint32_t firing; /* that made it; ORR_NONE: the job */
    uint32_t next[]; /* per index: the fact that follows in the ring of equal keys */
};

/* Facts of one type that agree in `fields` (and request), as rings in order. */
struct orri_index {
    uint32_t *fields;
    uint32_t n_fields;
    struct orr_hashes rings; /* hash of request and fields -> last fact of the ring */
};

struct orri_table {
    struct orr_rows rows;
    struct orr_hashes set; /* hash of request and key, or content -> fact */
    struct orri_index *indexes;
    uint32_t n_indexes;
    struct orri_layout layout;
    uint32_t cells_at;       /* where a row has its record */
    struct orri_plan *plans; /* that facts of this type start */
    uint32_t n_plans;
    uint32_t *gathers; /* rules that gather facts of this type */
    uint32_t n_gathers;
    uint32_t class; /* of what the facts lead to (lazy.c) */
};

static inline struct orri_fact *orri_fact(const struct orri_table *table, uint32_t i)
{
    return orr_rows_at(&table->rows, i);
}

static inline uint64_t *orri_cells(const struct orri_table *table, uint32_t i)
{
    return (uint64_t *)((unsigned char *)orr_rows_at(&table->rows, i) +
                        table->cells_at);
}
static inline struct orr_value orri_field(const struct orri_table *table, uint32_t i,
                                          uint32_t field)
{
    return orri_cell(&table->layout, orri_cells(table, i), field);
}
static inline const struct orr_record *orri_record(const struct orri_table *table,
                                                   uint32_t i, struct orr_arena *arena)
{
    return orri_unpacked(&table->layout, orri_cells(table, i), arena);
}

/* What was asserted but not looked at. By then, the memory for it has come. */
struct orri_queued {
    uint32_t type;
    uint32_t request;
    uint32_t firing;
    const struct orr_record *record; /* in the arena `queued` */
    uint64_t hash;                   /* in the set */
};

/* ---- joins (join.c) ---- */

struct orri_step {
    uint32_t variable;
    uint32_t type;          /* of the variable */
    uint32_t index;         /* of that type */
    struct orr_expr **keys; /* one per field of the index, over bound slots */
    uint32_t n_keys;
    struct orr_expr **filters;
    uint32_t n_filters;
};

/* How a rule is matched when a new fact is its variable `seed`. steps[0] is the seed
 * itself: it has filters only. */
struct orri_plan {
    uint32_t rule;
    uint32_t seed;
    struct orri_step *steps;
    const uint32_t *fields; /* of the seed, that are the keys of steps[1]; or NULL */
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
    uint32_t firing; /* ORR_NONE until it is complete */
    struct orr_value *keys;
};

struct orri_gather_plan {
    uint32_t index;         /* of the candidate's fact type: equality fields */
    struct orr_expr **keys; /* over match slots, one per field of the index */
    struct orr_expr **filters;
    uint32_t n_filters;
    struct orr_hashes instances; /* hash of request and keys -> instance */
};

/* ---- the firing log (log.c) ---- */

enum {
    ORRI_FIRING_WAITS = 1,   /* for its task */
    ORRI_FIRING_HANDLED = 2, /* a handler went on, with a fact or without */
    ORRI_FIRING_MOVED = 4, /* a handler retried with other arguments: another firing */
    ORRI_FIRING_FAILED = 8 /* an attempt of its task: its tries are in `tries` */
};

/* A rule that fired. Its number is its place in the log, in words. `words` holds the
 * match, then, as its rule has them: the gather instance, and struct orri_wait. */
struct orri_firing {
    uint32_t rule : 24;
    uint32_t flags : 8;
    uint32_t request;
    uint32_t words[];
};

/* What a firing with an action has to do with its task. */
struct orri_wait {
    uint32_t task;
    uint32_t next; /* firing of the same task; ORR_NONE: the last */
};

/* Of the few firings that a failure came to. */
struct orri_tries {
    uint32_t failures; /* that it was told of, over all its tasks */
    uint32_t retries;  /* that its handlers asked for */
};

struct orri_log {
    uint32_t **blocks;
    size_t n;
    size_t cap;
    uint32_t used; /* words of the last block */
};

/* ---- tasks (task.c, react.c) ---- */

/* 64 bytes, one line of the cache: there are millions. */
struct orri_task {
    struct orr_task public;
    uint32_t first; /* firings that asked for it, in order; ORR_NONE */
    uint32_t last;
    uint32_t urgency;            /* in `urgencies` */
    uint32_t attempts : 24;      /* asked for so far */
    uint32_t state : 4;          /* enum orr_task_state */
    uint32_t called : 1;         /* the newest of them is out: queued or running */
    union {                      /* by the state: */
        const uint64_t *results; /* DONE: cells */
        const struct orr_failure *failure; /* others: the newest; NULL: none */
    };
};

/* What few tasks differ in (urgency.c). */
struct orri_urgencies {
    struct orr_urgency *items;
    size_t n;
    size_t cap;
    struct orr_hashes by_value;
    uint32_t newest; /* mostly the one that is asked for */
};

/* A request; or a call of a workflow that stands for a function, with facts of its own:
 * what the other files call a request is either. (scope.c) */
struct orri_request {
    uint64_t waiting;   /* firings, and items of ranges */
    const char *failed; /* reason, or NULL */
    struct orri_group *groups;
    enum orr_fail_kind kind;
    int64_t code;
    uint32_t request; /* number of the request that it is or belongs to */
    uint32_t module;  /* ORR_NONE: the workflow of the job */
    orr_task_id task; /* of a call: that it answers */
    bool ended;       /* its task was told, or nobody wants it */
    bool touched;     /* stands in `touched` of the engine */
    uint32_t asked;   /* pass of drop_calls() that saw it last */
    uint32_t *calls;  /* calls of workflows that it asked for */
    size_t n_calls;
    size_t cap_calls;
};

/* ---- ranges (lazy.c) ---- */

/* A `for` with many items, of which those from `at` on are not facts yet. */
struct orri_range {
    struct orri_range *next;
    uint32_t firing;
    const struct orr_assertion *assertion;
    struct orr_sequence items;
    uint64_t at;
    struct orr_value slots[]; /* of the rule, as they were */
};

/* Ranges of one request whose facts lead to the same pools: a ring, one after the
 * other gives some. The key is that of the call that came of it last. */
struct orri_group {
    struct orri_group *next; /* of the request */
    uint32_t request;
    uint32_t class;
    struct orri_range *last;
    int64_t deadline;
    int64_t priority;
    bool queued;           /* stands in the heap of its class */
    bool led;              /* to a call, when it was advanced last; */
    int64_t led_deadline;  /* of that call */
    uint32_t led_function; /* the last that it led to; ORR_NONE: none yet */
    int64_t led_priority;
};

/* Fact types that lead to calls in the same pools before anything has to finish. */
struct orri_class {
    uint32_t *pools;
    uint32_t n_pools;
    struct orri_group **heap; /* groups with ranges, the most urgent one first */
    size_t n;
    size_t cap;
};

struct orri_lazy {
    struct orri_class *classes;
    uint32_t n_classes;
    uint32_t window;          /* calls of a pool that may be out */
    uint32_t *out;            /* per pool: calls that have not ended */
    uint64_t all_out;         /* their sum */
    struct orri_range *fresh; /* that nothing was taken of yet, in order */
    struct orri_range **last_fresh;
    struct orri_group *advancing;   /* that the facts in hand came from */
    struct orri_group *sampled;     /* that has to go into its heap */
    struct orri_group *out_of_heap; /* that is being advanced */
};

struct orr_engine {
    const struct orr_graph *graph;
    uint32_t pass;          /* of drop_calls() */
    uint64_t most_in_a_row; /* facts, until a result comes in */
    int turns;              /* slices of ranges for one call taken; 0: any number */
    struct orr_engine_files files;
    struct orr_arena arena;           /* contents of facts and results, plans */
    struct orr_arena args;            /* of tasks, encoded */
    struct orr_arena scratch;         /* keys of the match in hand */
    struct orr_arena firing;          /* one rule firing */
    struct orr_bytes encoded;         /* the call in hand */
    struct orri_table *tables;        /* per fact type */
    struct orri_layout *results;      /* per function */
    struct orri_gather_plan *gathers; /* per rule */
    struct orri_instance *instances;
    size_t n_instances;
    size_t cap_instances;
    struct orr_arena queued;   /* records in the queue */
    struct orri_queued *queue; /* facts asserted but not looked at */
    size_t queue_head;
    size_t n_queue;
    size_t cap_queue;
    struct orr_rows tasks;
    struct orr_hashes by_identity; /* id.lo -> task */
    struct orri_urgencies urgencies;
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
    struct orr_map equal;   /* request, fact type -> facts that were there already */
    struct orr_map handled; /* request, rule -> calls whose failure was handled */
    uint32_t *has;          /* per request, a bit a fact type: is there one? */
    size_t cap_has;
    struct orri_log log;
    struct orr_map tries; /* firing -> struct orri_tries, failures in the high half */
    struct orri_lazy lazy;
    bool held;         /* facts are looked at later */
    uint64_t waiting;  /* all requests */
    uint64_t *firings; /* per rule */
    struct orr_engine_work work;
    struct orr_value slots[ORR_SLOTS_MAX];
    struct orr_record *bound[ORR_SLOTS_MAX]; /* what the slot holds when it is a fact,
                                                or the results of a task */
};

/* Facts. assert: queue it; `firing` made it. */
void orri_fact_assert(struct orr_engine *engine, uint32_t type, uint32_t request,
                      const struct orr_record *record, uint32_t firing);
/* Make it a fact, and enter it into the indexes; its index, or ORR_NONE when it is
 * there already or breaks a key. */
uint32_t orri_fact_add(struct orr_engine *engine, const struct orri_queued *queued);
/* Ask for the memory that entering and matching it will look at. */
void orri_fact_expect(const struct orr_engine *engine,
                      const struct orri_queued *queued);
void orri_match_expect(const struct orr_engine *engine, const struct orri_plan *plan,
                       uint32_t request, const struct orr_record *seed);
/* Facts of the type that were asserted and equal to one there already. */
uint64_t orri_equal_facts(const struct orr_engine *engine, uint32_t type,
                          uint32_t request);
/* A fact in a message: its key where it has one, cut when it is long. */
void orri_brief_fact(const struct orr_engine *engine, uint32_t type, uint32_t index,
                     struct orr_text *out);
/* Is there one? In constant time. */
bool orri_has_fact(const struct orr_engine *engine, uint32_t type, uint32_t request);
/* Room for the bits of one more request. */
void orri_facts_of_request(struct orr_engine *engine, uint32_t request);
/* Only while rules are planned: before orri_lay_out(). */
uint32_t orri_index_for(struct orr_engine *engine, uint32_t type,
                        const uint32_t *fields, uint32_t n);
/* How records are packed, and room for those that are bound. */
void orri_lay_out(struct orr_engine *engine);
/* Put a fact, or what a finished task returned, in a slot. It is good until another
 * record is put there. */
void orri_bind_fact(struct orr_engine *engine, uint32_t slot, uint32_t type,
                    uint32_t index);
void orri_bind_results(struct orr_engine *engine, uint32_t slot, orr_task_id task);
/* The last fact of the ring with these key values, ORR_NONE: there is none. The first
 * is the one that follows. */
uint32_t orri_index_last(const struct orr_engine *engine, uint32_t type, uint32_t index,
                         uint32_t request, const struct orr_value *keys);
bool orri_index_agrees(const struct orri_table *table, const struct orri_index *index,
                       uint32_t fact, const struct orr_value *keys);
uint64_t orri_key_hash(uint32_t request, const struct orr_value *keys, uint32_t n);
uint64_t orri_key_hash_of(const struct orri_table *table,
                          const struct orri_index *index, uint32_t fact);
void orri_table_release(struct orri_table *table);

/* The firing log. A new entry has flags 0 and no task. */
uint32_t orri_log_add(struct orr_engine *engine, uint32_t rule, uint32_t request,
                      const uint32_t *match, uint32_t instance);
bool orri_log_full(const struct orri_log *log);
static inline struct orri_firing *orri_firing_at(const struct orr_engine *engine,
                                                 uint32_t id)
{
    return (struct orri_firing *)(engine->log.blocks[id >> 16] + (id & 0xFFFF));
}
uint32_t *orri_firing_instance(const struct orr_engine *engine,
                               struct orri_firing *firing);
struct orri_wait *orri_firing_wait(const struct orr_engine *engine,
                                   struct orri_firing *firing);
struct orri_tries orri_tries_of(const struct orr_engine *engine, uint32_t firing);
void orri_set_tries(struct orr_engine *engine, uint32_t firing,
                    struct orri_tries tries);
void orri_log_release(struct orri_log *log);

/* Joins and gather. */
void orri_plan_rules(struct orr_engine *engine);
void orri_match_fact(struct orr_engine *engine, uint32_t type, uint32_t index);
void orri_plan_gather(struct orr_engine *engine, uint32_t rule);
void orri_gather_open(struct orr_engine *engine, uint32_t rule, uint32_t request,
                      const uint32_t *match);
void orri_gather_offer(struct orr_engine *engine, uint32_t type, uint32_t index);
/* Put the facts of the instance's match, and what it gathered, in the slots; false
 * when the request failed by it. */
bool orri_gather_bind(struct orr_engine *engine, uint32_t instance);
/* Split equalities `candidate.field == expr over bound` off a list of conjuncts. */
struct orri_split {
    uint32_t fields[ORR_SLOTS_MAX];
    struct orr_expr *keys[ORR_SLOTS_MAX];
    uint32_t n;
    bool *used; /* per conjunct: serves as an equality */
};
void orri_split_equalities(struct orr_expr *const *conjuncts, uint32_t n,
                           uint32_t candidate, uint32_t bound, struct orri_split *out);

/* A complete match, whose facts are in the slots: derive, or call. `instance`: of a
 * gather, or ORR_NONE. */
void orri_fire(struct orr_engine *engine, uint32_t rule, uint32_t request,
               const uint32_t *match, uint32_t instance);
/* Put the facts of a match in the slots. */
void orri_bind(struct orr_engine *engine, uint32_t rule, const uint32_t *match);
/* Put all that the firing matched and gathered in the slots. */
bool orri_bind_firing(struct orr_engine *engine, uint32_t firing);
/* Run reactions (`then` lists) of a firing whose slots are bound; false when the
 * request failed by it. */
bool orri_react(struct orr_engine *engine, uint32_t firing,
                const struct orr_assertion *then, uint32_t n);
/* Assert one fact of a firing whose slots are bound, the loop variable too. */
orr_status orri_assert_one(struct orr_engine *engine, uint32_t firing,
                           const struct orr_assertion *assertion,
                           struct orr_error *err);
/* Put item i of a `for` in its slots. */
void orri_bind_item(struct orr_engine *engine, const struct orr_assertion *assertion,
                    const struct orr_sequence *items, uint64_t i);
/* Decide for one firing of a failed task: true when it waits for another attempt of the
 * same task, *delay then holds how long at least. */
bool orri_handle_failure(struct orr_engine *engine, uint32_t firing, orr_task_id id,
                         int64_t *delay);
orr_task_id orri_task_for(struct orr_engine *engine, uint32_t function,
                          uint32_t request, uint32_t rule,
                          const struct orr_value *args);
static inline struct orri_task *orri_task(const struct orr_engine *engine,
                                          orr_task_id id)
{
    return orr_rows_at(&engine->tasks, id.v);
}
void orri_task_attempt(struct orr_engine *engine, orr_task_id id, int64_t delay);
struct orr_id orri_task_identity(struct orr_engine *engine, uint32_t function,
                                 const struct orr_value *args);
/* Hand the firing over to the task: it waits, or its reaction or handler runs at once.
 * `delay` (ns) holds the task's first attempt back. */
void orri_subscribe(struct orr_engine *engine, uint32_t firing, orr_task_id id,
                    int64_t delay);

/* Ranges. */
void orri_plan_ranges(struct orr_engine *engine);
/* Keep the items of a `for` for later; the slots are bound. */
void orri_lazy_keep(struct orr_engine *engine, uint32_t firing,
                    const struct orr_assertion *assertion,
                    const struct orr_sequence *items);
/* Make the first facts of a range that is new; false when there is none. */
bool orri_lazy_sample(struct orr_engine *engine);
/* Make some facts of the most urgent range that may go on. `idle`: also of those that
 * lead to no call. False when there is none. */
bool orri_lazy_advance(struct orr_engine *engine, bool idle);
void orri_lazy_called(struct orr_engine *engine, const struct orri_task *task);
void orri_lazy_ended(struct orr_engine *engine, const struct orr_task *task);
void orri_lazy_release(struct orr_engine *engine);

/* The number of a pair in `urgencies` (urgency.c). */
uint32_t orri_urgency(struct orr_engine *engine, struct orr_urgency is);
void orri_urgencies_release(struct orri_urgencies *urgencies);

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
/* It waits for `n` things more, or less. */
void orri_request_waits(struct orr_engine *engine, uint32_t request, uint64_t n);
void orri_request_waits_less(struct orr_engine *engine, uint32_t request, uint64_t n);
/* Look at queued facts until there are none. */
void orri_settle(struct orr_engine *engine);
/* The same after an event, unless many of them come together. */
void orri_settle_event(struct orr_engine *engine);

#endif
