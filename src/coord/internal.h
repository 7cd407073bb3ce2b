/* internal.h - the parts of the coordinator */
#ifndef ORR_COORD_INTERNAL_H
#define ORR_COORD_INTERNAL_H

#include "base/map.h"
#include "base/rows.h"
#include "coord/coord.h"
#include "sched/health.h"
#include "sched/sched.h"
#include "store/identity.h"
#include "store/known.h"
#include "store/scan.h"
#include "store/writer.h"
#include "wire/runs.h"

#include <sys/types.h>

enum { ORRI_TURNS = 40 }; /* 10,000 items of ranges: then others are heard */

/* ---- what the coordinator knows of a task besides the engine ---- */

/* Of tasks that were tried in this session; the memory of others is never touched. */
struct orri_task_record {
    uint16_t lost;    /* attempts that ended with their worker or node, */
    uint16_t died;    /* with its process */
    uint32_t suspect; /* node + 1 where its attempt failed, which is being made
                         elsewhere before that counts; 0: none */
};

/* Of every task. */
struct orri_told {
    uint16_t state;  /* enum orri_task_state_told */
    uint16_t origin; /* run that the result was taken from, in `origins` + 1; or 0 */
};

enum orri_task_state_told {
    ORRI_TOLD_WAITING,
    ORRI_TOLD_DONE,
    ORRI_TOLD_REUSED,
    ORRI_TOLD_FAILED
};

/* An attempt that ended with its worker, or with its node's agent. */
struct orri_loss {
    uint32_t task;
    uint32_t attempt;
    uint32_t node;
    uint32_t rank;       /* the worker's; the agent's when the node was lost */
    bool died;           /* the process did; else nothing was heard of its machine */
    const char *message; /* as it is stored */
    int64_t when;        /* wall ns */
};

struct orri_node {
    uint32_t rank;
    char host[64];
    pid_t pid; /* of its agent, when it is a process of this machine; else 0 */
    uint32_t cores;
    uint32_t gpus;
    uint64_t memory;                /* bytes; 0: unknown, and so without end */
    struct orr_bytes out;           /* assignments under way, */
    struct orr_assigning assigning; /* and the last of them */
    int64_t heard;                  /* monotonic ns */
    struct orr_beat load;
    bool guest; /* of another job; may vanish, which is no loss */
    bool lost;
    bool left;
    bool died;        /* its agent's process did, on this machine */
    bool held;        /* a suspect, until others have tried what it failed */
    bool aside;       /* it fails what others can do, and gets no work */
    bool to_send;     /* stands in `to_send` of the coordinator */
    bool asked;       /* to give attempts back, and has not answered */
    int64_t ask_from; /* it had none to give: not before then; monotonic ns */
};

struct orr_coord {
    struct orr_coord_setup setup;
    struct orr_engine *engine;
    struct orr_sched *sched;
    struct orr_health health;
    struct orr_known *known;
    struct orr_sealer *sealer; /* of shards that a killed session left; NULL: none */
    struct orr_files *files;   /* its own, or NULL */
    struct orri_node *nodes;
    uint32_t n_nodes;
    uint32_t n_home;        /* of these, no guests */
    bool marked;            /* functions say what may run on guests; else all may */
    uint32_t *node_of_rank; /* + 1 */
    uint32_t *to_send;      /* nodes with something in `out` */
    uint32_t n_to_send;
    struct orr_rows records; /* struct orri_task_record, by task */
    struct orr_rows stalls;  /* see stalls.c */
    struct orr_rows told;    /* struct orri_told, likewise */
    const char **origins;    /* ids of runs that results were taken from */
    uint32_t n_origins;
    struct orr_arena kept;       /* of origins */
    struct orr_writer *borrowed; /* stores what was taken from other runs, or NULL */
    uint64_t taken;              /* that many in this session */
    struct orr_run_status status;
    bool *twice;     /* per function: orri_may_run_twice() */
    uint64_t *ahead; /* per function: calls in the status that were not asked for yet */
    struct orr_arena scratch;
    bool busy;
    bool expanding; /* nothing is given out yet */
    bool ending;    /* STOP was sent */
    bool draining;
    int64_t abandon_at;  /* monotonic ns; INT64_MAX: never */
    int64_t stop_at;     /* when agents that say nothing are given up */
    int64_t began;       /* monotonic ns */
    int64_t stepped;     /* the last step */
    int64_t drained;     /* when it was told to end */
    int64_t cores_since; /* when the first agent came */
    int64_t given_since; /* when the first attempt was given out; 0: none was */
    int64_t counted;     /* core_seconds is up to date to this moment */
    int64_t shown;
    int64_t beat;
    int64_t looked;    /* for nodes that are lost */
    int64_t balanced;  /* for attempts to take back, */
    int64_t twinned;   /* and for some to make twice */
    uint64_t gone;     /* finished tasks whose files are not there any more */
    uint64_t recalled; /* failed attempts of earlier epochs that were told again */
    char *stopped_by;  /* a failed store: the reason */
    char *out_of_time; /* it ended before its end: what is left takes longer */
    int64_t end;       /* of what attempts have; monotonic, INT64_MAX: none */
    bool hurried;      /* it came nearer after the first work: preempted */
    int64_t worked;    /* since when; 0: not yet */
    uint32_t window;   /* the engine's */
};

static inline int64_t orri_now(const struct orr_coord *coord) /* monotonic */
{
    return coord->setup.clock->monotonic(coord->setup.clock->context);
}
static inline int64_t orri_wall(const struct orr_coord *coord)
{
    return coord->setup.clock->wall(coord->setup.clock->context);
}

struct orri_task_record *orri_record(struct orr_coord *coord, uint32_t task);
struct orri_told *orri_told(struct orr_coord *coord, uint32_t task);
/* Was the task finished, now or before? */
bool orri_has_result(struct orr_coord *coord, uint32_t task);
struct orr_stage *orri_stage(struct orr_coord *coord, uint32_t function);

/* Calls and assignments (dispatch.c). */
void orri_take_calls(struct orr_coord *coord);
/* How far ranges are made ahead, by the cores that there are. */
void orri_set_window(struct orr_coord *coord);
orr_status orri_dispatch(struct orr_coord *coord, int64_t now, struct orr_error *err);
/* Into the status: what ready calls wait for, by function. */
void orri_tell_waiting(struct orr_coord *coord);
/* The task's result, from an agent or from an earlier epoch, goes to the engine; false,
 * with *err filled, when it does not read back. */
bool orri_finish_task(struct orr_coord *coord, orr_task_id id, const void *results,
                      uint32_t length, struct orr_error *err);
/* To one agent, unless it is lost or has left. */
orr_status orri_send(struct orr_coord *coord, struct orri_node *node,
                     const struct orr_bytes *bytes, struct orr_error *err);

/* Count a task as one that was not run; `origin`: the run that it is from, or "". */
void orri_count_reused(struct orr_coord *coord, orr_task_id id, const char *origin);

/* Results of other runs (borrow.c). False: there is none. */
bool orri_borrow(struct orr_coord *coord, orr_task_id id);
void orri_step_borrowed(struct orr_coord *coord);
orr_status orri_close_borrowed(struct orr_coord *coord, bool seal,
                               struct orr_error *err);
uint16_t orri_origin(struct orr_coord *coord, const char *origin); /* 0 for "" */

/* An attempt at a task, for the scheduler. */
struct orr_ready orri_ready_of(struct orr_coord *coord, uint32_t task,
                               uint32_t attempt);
/* Put an attempt on the way to a node; and send what is on the way. */
void orri_assign(struct orr_coord *coord, uint32_t node, const struct orr_ready *ready);
orr_status orri_flush_assignments(struct orr_coord *coord, struct orr_error *err);

/* The tail of a stage (tail.c). */
orr_status orri_step_tail(struct orr_coord *coord, int64_t now, struct orr_error *err);
/* GIVEN: attempts that a node does not have any more. */
orr_status orri_take_given(struct orr_coord *coord, struct orri_node *node,
                           struct orr_reader *in, struct orr_error *err);
/* The task has its result: what is still in flight for it is to end. */
orr_status orri_cancel_twin(struct orr_coord *coord, uint32_t task,
                            struct orr_error *err);
/* Does no harm when two nodes do it at once: what it makes goes nowhere but into its
 * results. */
bool orri_may_run_twice(const struct orr_graph_function *function);

/* Nodes that fail what others can do (health.c). An attempt failed: is it made
 * elsewhere before that counts? */
orr_status orri_second_opinion(struct orr_coord *coord, uint32_t node,
                               const struct orr_done *done, bool *asked,
                               struct orr_error *err);
/* It is not made after all. */
void orri_drop_opinion(struct orr_coord *coord, uint32_t task);
/* One succeeded: that may show that another node is sick. */
orr_status orri_note_success(struct orr_coord *coord, uint32_t node, uint32_t task,
                             struct orr_error *err);
/* Nodes that were set aside or held work again when no others are left, or none that is
 * large enough for some calls. True: one does. */
bool orri_recall_set_aside(struct orr_coord *coord);

/* The results and open logs of earlier sessions (takeup.c). */
orr_status orri_take_up(struct orr_coord *coord, struct orr_error *err);

/* The end of the time (ending.c). There is one, or may be one. */
void orri_keep_time(struct orr_coord *coord);
/* Work begins: what is there is the whole. */
void orri_begin_time(struct orr_coord *coord, int64_t now);
/* End the run when it is over, or nothing can be started any more. */
void orri_check_time(struct orr_coord *coord, int64_t now);
/* What the task is said to take, for the scheduler. */
uint8_t orri_cost_of(struct orr_coord *coord, const struct orr_task *task,
                     uint32_t attempt);
/* All stood still for so long. */
void orri_shift_end(struct orr_coord *coord, int64_t stall);

/* When we stood still (stalls.c). To be called with each step. */
void orri_forgive_stall(struct orr_coord *coord, int64_t now);
/* Seconds that an attempt ran, but for those. */
double orri_ran(const struct orr_coord *coord, const struct orr_done *done);
void orri_stalls_init(struct orr_coord *coord);

/* What became of core-seconds (account.c). An attempt ended; `counts`: it is the one of
 * its task that does. */
void orri_account(struct orr_coord *coord, const struct orr_done *done, bool counts);
/* It was under way when its node was lost. */
void orri_account_lost(struct orr_coord *coord, const struct orr_ready *ready,
                       int64_t ran);
/* Into the status; `over`: what is still under way is lost. */
void orri_account_now(struct orr_coord *coord, int64_t now, bool over);
/* There are so many more cores, or less, from now on. */
void orri_count_cores(struct orr_coord *coord, int32_t change, int64_t now);
/* What the sessions before left. */
void orri_account_past(struct orr_coord *coord);

/* Give up nodes that are silent, or known to be gone. (losses.c) */
void orri_check_nodes(struct orr_coord *coord, int64_t now);
/* The node is gone: what it had is made elsewhere. */
void orri_put_back(struct orr_coord *coord, uint32_t node);

/* End the run when too many attempts failed (budget.c). */
void orri_check_budget(struct orr_coord *coord);

/* Attempts that were lost (losses.c). False: it was one too many, the task has failed;
 * else the attempt is to be made again. */
bool orri_lose(struct orr_coord *coord, const struct orri_loss *lost);
bool orri_is_poisoned(const struct orr_coord *coord, uint32_t task);
/* It was, in an earlier session. */
void orri_poison_again(struct orr_coord *coord, uint32_t task);
/* A retry that is not made. */
void orri_refuse_poisoned(struct orr_coord *coord, const struct orr_engine_call *call);
/* With a lost agent nobody else stores that the attempt ended (borrow.c). */
void orri_store_loss(struct orr_coord *coord, const struct orri_loss *lost);

/* Messages from agents (reports.c). */
orr_status orri_hear_all(struct orr_coord *coord, int64_t now, struct orr_error *err);
/* End the run for a reason that is nobody's request: a store, a budget. */
void orri_stop_for(struct orr_coord *coord, enum orr_run_state as, const char *why);

/* The workflow's part of the summary (summary.c). */
void orri_summarise_outputs(struct orr_coord *coord, struct orr_text *out);
void orri_list_problems(struct orr_coord *coord, struct orr_text *out);

#endif
