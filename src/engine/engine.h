/* engine.h - working memory and rules: events in, calls out
 *
 * Pure: no MPI, no clock, no disk. State changes only through the events below, and the
 * final facts do not depend on their order (DESIGN section 4). One engine serves all
 * requests of a run; facts of one request never meet those of another.
 *
 * A call of a function that is a workflow is a task too, but never handed out: the
 * engine opens it as a scope with facts of its own, asks for the calls of its rules,
 * and finishes the task when nothing of it is pending.
 *
 * Use: orr_engine_new(), orr_engine_add_request() for each, then until
 * orr_engine_pending() is 0: take calls with orr_engine_take_call(), report each with
 * orr_engine_finished() or orr_engine_attempt_failed(). At the end
 * orr_engine_request_state() tells how each request ended. */
#ifndef ORR_ENGINE_ENGINE_H
#define ORR_ENGINE_ENGINE_H

#include "base/error.h"
#include "base/hash.h"
#include "graph/graph.h"
#include "lang/value.h"

#include <stdbool.h>
#include <stdint.h>

struct orr_engine;
typedef struct {
    uint32_t v;
} orr_task_id;

/* What makes a `path` argument part of a task's identity: an id of the file's size and
 * modification time, or of its content. A missing file has an id too. */
struct orr_engine_files {
    struct orr_id (*identify)(void *context, const char *path, bool by_content);
    void *context;
    /* The part of a path that counts: of a file that this run made, the one within the
     * run, so that another run's task over such a file is the same task. NULL: all of
     * it. */
    const char *(*within)(void *context, const char *path);
};

struct orr_engine *orr_engine_new(const struct orr_graph *graph,
                                  const struct orr_engine_files *files);
void orr_engine_free(struct orr_engine *engine);

/* Start one request; `inputs` is a record of facts[0] and is copied. Requests are
 * numbered from 0. Fires what can fire. */
uint32_t orr_engine_add_request(struct orr_engine *engine, struct orr_value inputs);

/* One attempt that the rules ask for. */
struct orr_engine_call {
    orr_task_id task;
    uint32_t attempt; /* 1 for the first */
    int64_t delay;    /* ns to wait before it may start (retries) */
};

/* The next attempt to start; false when there is none now. A `for` with many items is
 * kept as a range: facts are made of it as calls are taken, as long as less than
 * `window` calls of a pool are out (taken, or waiting to be taken). What is not made
 * yet counts as pending. */
bool orr_engine_take_call(struct orr_engine *engine, struct orr_engine_call *out);
enum { ORR_ENGINE_WINDOW = 65536 };
void orr_engine_set_window(struct orr_engine *engine, uint32_t calls);

/* Look at `turns` slices of ranges (of 256 items) at most before orr_engine_take_call()
 * says that there is none now; there may be one the next time. 0, the default: any
 * number. */
void orr_engine_set_turns(struct orr_engine *engine, int turns);
/* A request whose rules make that many facts from one event fails: they would never
 * end. 50 million unless set. */
void orr_engine_set_most_in_a_row(struct orr_engine *engine, uint64_t facts);

/* A task, for dispatch and for reports; borrowed until the engine ends. */
struct orr_task {
    struct orr_id identity;
    uint32_t function; /* index in the graph */
    uint32_t request;  /* the first that asked for it */
    uint32_t rule;     /* the first that asked for it */
    uint32_t args_length;
    const unsigned char *args; /* encoded values, one per parameter */
};
const struct orr_task *orr_engine_task(const struct orr_engine *engine,
                                       orr_task_id task);
uint32_t orr_engine_tasks(const struct orr_engine *engine); /* ids are 0..n-1 */
struct orr_urgency {
    int64_t priority;
    int64_t deadline; /* ns after the start of the run; INT64_MAX: none */
};
struct orr_urgency orr_engine_task_urgency(const struct orr_engine *engine,
                                           orr_task_id task);
enum orr_task_state { ORR_TASK_WAITING, ORR_TASK_DONE, ORR_TASK_FAILED };
enum orr_task_state orr_engine_task_state(const struct orr_engine *engine,
                                          orr_task_id task);
/* The results of a task that is done, as a record in `arena`; the newest failure of one
 * that is not. NULL: there is none. */
const struct orr_record *orr_engine_task_results(const struct orr_engine *engine,
                                                 orr_task_id task,
                                                 struct orr_arena *arena);
const struct orr_failure *orr_engine_task_failure(const struct orr_engine *engine,
                                                  orr_task_id task);
/* Does any unfailed request still wait for it? */
bool orr_engine_task_wanted(const struct orr_engine *engine, orr_task_id task);

/* The task succeeded. `results` is a record of the function's results; it is copied.
 * A second report of the same task is ignored. */
void orr_engine_finished(struct orr_engine *engine, orr_task_id task,
                         struct orr_value results);

struct orr_failure {
    enum orr_fail_kind kind;
    int64_t code;
    const char *message;
};
extern const char *const orr_fail_kind_text[]; /* "exit", "signal", ... by kind */

/* Attempt number `attempt` failed: the handlers of the rules that wait decide. */
void orr_engine_attempt_failed(struct orr_engine *engine, orr_task_id task,
                               uint32_t attempt, const struct orr_failure *failure);

/* The attempt was taken but will not be made, because nobody wanted the task any more.
 * Who asks for it later gets another. */
void orr_engine_call_dropped(struct orr_engine *engine, orr_task_id task);

/* Add to each function's number the calls that are known to come of ranges, of which
 * nothing was made yet: an estimate for progress, by what came of them last. */
void orr_engine_ahead(const struct orr_engine *engine, uint64_t *by_function);

/* Many reports together are cheaper between these two: what they lead to is looked at
 * with the last of them (or when it is much). Take no calls in between, and read
 * nothing but tasks. */
void orr_engine_hold(struct orr_engine *engine);
void orr_engine_release(struct orr_engine *engine);

/* Waiting rule firings, facts not yet looked at, items of ranges not yet made: 0 at the
 * end. */
uint64_t orr_engine_pending(const struct orr_engine *engine);

enum orr_request_state {
    ORR_REQUEST_RUNNING,
    ORR_REQUEST_SUCCEEDED,
    ORR_REQUEST_FAILED
};
/* Succeeded only when nothing of it is pending and its outputs hold. *why (appended,
 * may be NULL) gets the reason of a failure, or what the outputs wait for. */
enum orr_request_state orr_engine_request_state(struct orr_engine *engine,
                                                uint32_t request, struct orr_text *why);
uint32_t orr_engine_requests(const struct orr_engine *engine);

/* Facts of one type in the order they were made. The record is made in `arena`, what
 * its fields point to is borrowed until the engine ends. */
uint32_t orr_engine_facts(const struct orr_engine *engine, uint32_t type);
struct orr_value orr_engine_fact(const struct orr_engine *engine, uint32_t type,
                                 uint32_t index, struct orr_arena *arena);
/* One field of it, and its request. */
struct orr_value orr_engine_fact_field(const struct orr_engine *engine, uint32_t type,
                                       uint32_t index, uint32_t field);
uint32_t orr_engine_request_of(const struct orr_engine *engine, uint32_t type,
                               uint32_t index);

/* Has the request itself, not one of its calls, such a fact? In constant time. */
bool orr_engine_has_fact(const struct orr_engine *engine, uint32_t type,
                         uint32_t request);

/* ---- where facts come from ----
 * Each firing of a rule is in a log, always. A firing has a number below ORR_NONE;
 * numbers ascend in the order of firing, with gaps. What is handed out is borrowed
 * until the next event. */

struct orr_engine_firing {
    uint32_t rule;
    uint32_t request;
    uint32_t scope;        /* see orr_engine_scope_of() */
    const uint32_t *match; /* per match variable of the rule: index of the fact, whose
                              type is rule->match[i].fact */
    uint32_t n_match;
    uint32_t
        gather;    /* of a rule that gathers: see orr_engine_gather(); else ORR_NONE */
    uint32_t task; /* that it called; ORR_NONE: the rule only derives */
    uint32_t
        failures; /* attempts that failed before this firing, told to its handlers */
    bool waits;   /* for its task */
    bool handled; /* an error handler asserted a fact, or skipped */
    bool moved;   /* an error handler retried with other arguments: as another,
                     later firing with the same match */
};
/* The firing that made a fact, by a reaction or by an error handler, or that called the
 * workflow whose inputs it is; ORR_NONE: the request itself made it. */
uint32_t orr_engine_firing_of(const struct orr_engine *engine, uint32_t type,
                              uint32_t index);
/* Facts meet only facts of their own scope: a request, or one call of a workflow that
 * stands for a function. */
uint32_t orr_engine_scope_of(const struct orr_engine *engine, uint32_t type,
                             uint32_t index);
/* The task that the scope answers; ORR_NONE: it is the request itself. */
uint32_t orr_engine_scope_task(const struct orr_engine *engine, uint32_t scope);
struct orr_engine_firing orr_engine_firing(const struct orr_engine *engine,
                                           uint32_t number);
/* The firing after `number`, the first one after ORR_NONE; ORR_NONE at the end. */
uint32_t orr_engine_next_firing(const struct orr_engine *engine, uint32_t number);
/* The same among the firings that asked for one task. */
uint32_t orr_engine_next_asking(const struct orr_engine *engine, orr_task_id task,
                                uint32_t number);

/* A gathering: one match of a rule's variables, and the facts gathered for it so far.
 * They are numbered from 0 in the order in which they were begun. */
struct orr_engine_gather {
    uint32_t rule;
    uint32_t request;
    uint32_t scope;
    const uint32_t *match; /* as in a firing */
    uint32_t n_match;
    const uint32_t *members; /* facts of rule->gather.fact, in the order they came */
    uint64_t n;
    int64_t count;   /* how many it waits for; it fires when n is count */
    uint32_t firing; /* ORR_NONE until then */
    uint64_t equal;  /* facts of its type, of the scope, that were asserted again */
};
uint32_t orr_engine_gathers(const struct orr_engine *engine);
struct orr_engine_gather orr_engine_gather(const struct orr_engine *engine,
                                           uint32_t number);

/* Rule firings so far, by rule; for reports. A firing that moved counts once. */
uint64_t orr_engine_firings(const struct orr_engine *engine, uint32_t rule);

/* What the engine looked at so far: shows that it costs what it finds. */
struct orr_engine_work {
    uint64_t candidates; /* facts tried for a variable of a join */
    uint64_t matches;    /* combinations that were complete */
    uint64_t offers;     /* gatherings tried for a fact, and facts for a gathering */
    uint64_t made;       /* items of ranges made so far */
};
struct orr_engine_work orr_engine_work(const struct orr_engine *engine);

#endif
