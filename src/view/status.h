/* status.h - what a run looks like from outside, at one moment
 *
 * The coordinator fills it; status.json, the progress line and the summary are made
 * from it; `orrery status` reads it back. */
#ifndef ORR_VIEW_STATUS_H
#define ORR_VIEW_STATUS_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define ORR_RUN_STATES(X)                                                              \
    X(STARTING, "starting", -1)                                                        \
    X(RUNNING, "running", -1)                                                          \
    X(SUCCEEDED, "succeeded", 0) /* all requests */                                    \
    X(FAILED, "failed", 1)       /* some requests */                                   \
    X(STOPPED, "stopped", 3)     /* the store or the machine failed; resume */         \
    X(DRAINED, "drained", 75)    /* told to end before the end; resume */              \
    X(INTERRUPTED, "interrupted", 130)

#define X(id, text, code) ORR_RUN_##id,
enum orr_run_state { ORR_RUN_STATES(X) };
#undef X
const char *orr_run_state_text(enum orr_run_state state);
int orr_run_state_exit_code(enum orr_run_state state); /* -1 while it runs */

struct orr_stage {
    char name[64];  /* the function */
    uint64_t total; /* tasks asked for so far */
    uint64_t done;
    uint64_t failed; /* attempts */
    uint64_t reused; /* known from before, not run */
    double wall;     /* seconds, sum over attempts */
    double cpu;
    char waits_for[16]; /* what its ready calls lack: "memory"; "" */
};

enum { ORR_STAGES_MAX = 64, ORR_STATUS_COUNTERS = 32 };

struct orr_status_counter {
    char name[32];
    double amount;
};

struct orr_run_status {
    enum orr_run_state state;
    char run_id[40];
    char name[128]; /* of the job */
    char workflow[128];
    char message[1000]; /* why it ended as it did; "" */
    uint32_t epoch;
    uint32_t pid;
    char host[128];
    int64_t started; /* wall ns */
    int64_t updated;
    uint32_t requests, succeeded, failed_requests;
    uint64_t tasks, done, failed_attempts, reused, in_flight, waiting;
    uint64_t taken_back;       /* attempts, from nodes where they waited */
    uint64_t twins, twins_won; /* run on two nodes at once; the second was faster */
    uint32_t nodes, lost_nodes, cores, busy_cores;
    uint32_t set_aside; /* nodes that failed what others could do; which: */
    char set_aside_nodes[400];
    uint32_t poisoned; /* tasks that took three workers down */
    uint64_t forgiven; /* failed attempts of such nodes, made elsewhere */
    uint64_t stored_bytes;
    struct orr_stage stages[ORR_STAGES_MAX];
    uint32_t n_stages;
    struct orr_status_counter counters[ORR_STATUS_COUNTERS];
    uint32_t n_counters;
    double cpu_seconds;      /* of attempts */
    double busy_seconds;     /* core-seconds of attempts, wall */
    double core_seconds;     /* cores x time since the first agent came */
    double coordinator_cpu;  /* seconds, this process */
    double agents_cpu;       /* seconds, agents and workers, known at the end */
    double work_seconds;     /* from the first agent's hello to the last counted result;
                                known at the end */
    double dispatch_seconds; /* the same from the first attempt that was given out */
    /* core_seconds by what became of them, in this session: */
    double useful_seconds; /* attempts whose results count */
    double failed_seconds; /* attempts that failed */
    double lost_seconds; /* attempts that were cut off, lost with their worker or node,
                            or made twice: what they did is gone */
    double running_seconds;   /* of attempts under way; 0 at the end */
    double idle_seconds;      /* the rest */
    double suspended_seconds; /* rank 0 stood still; no part of the others */
    /* and in all sessions before: */
    double past_useful_seconds, past_failed_seconds, past_lost_seconds;
    double past_idle_seconds;
    uint32_t guests; /* nodes of opportunistic jobs, now; not in `nodes` */
    uint32_t past_sessions, past_killed; /* of these, those that did not conclude */
};

void orr_status_count(struct orr_run_status *status, const char *counter,
                      double amount);
double orr_status_counter(const struct orr_run_status *status, const char *counter);

/* To microseconds, as status.json has them: what is read there is what was written. */
double orr_status_seconds(double seconds);
void orr_status_json(const struct orr_run_status *status, struct orr_text *out);
/* RUN/status.json, replaced by rename. */
orr_status orr_status_write(const char *run_dir, const struct orr_run_status *status,
                            struct orr_error *err);
/* ORR_ERR_INPUT when there is none, ORR_ERR_DATA when it does not read. */
orr_status orr_status_read(const char *run_dir, struct orr_run_status *out,
                           struct orr_error *err);
/* RUN/sessions/EPOCH.json: what a session that another one goes on from left as its
 * status.json. kept() as read(), with ORR_ERR_INPUT also where the session came to
 * nothing, or the run is older than this. */
orr_status orr_status_keep(const char *run_dir, const struct orr_run_status *last,
                           struct orr_error *err);
orr_status orr_status_kept(const char *run_dir, uint32_t epoch,
                           struct orr_run_status *out, struct orr_error *err);
/* For people: several lines. `alive`: someone holds the run's lock. */
void orr_status_print(const struct orr_run_status *status, bool alive,
                      struct orr_text *out);
/* The status of a session that goes on with a run starts with what is known of those
 * before it: `last` is the newest of these, as it left its status.json. */
void orr_status_continue(struct orr_run_status *status,
                         const struct orr_run_status *last);
/* Estimated seconds to the end from the rates of the stages, < 0: unknown, or the run
 * ended before its end. */
double orr_status_eta(const struct orr_run_status *status);

/* ---- the progress line ---- */

struct orr_progress;
/* `columns` > 0: a terminal that wide, one line rewritten; 0: plain lines, now and
 * then. */
struct orr_progress *orr_progress_new(FILE *out, uint32_t columns, bool quiet);
void orr_progress_show(struct orr_progress *progress,
                       const struct orr_run_status *status);
/* End the line, so that other text can follow. */
void orr_progress_break(struct orr_progress *progress);
void orr_progress_free(struct orr_progress *progress);

/* The summary at the end of a run, without what only the workflow knows. */
void orr_status_summary(const struct orr_run_status *status, struct orr_text *out);

#endif
