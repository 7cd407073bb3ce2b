/* coord.h - rank 0: applies the rules, hands out attempts, counts what is stored
 *
 * The one place that sends, decides and waits. Nothing here touches a disk while the
 * run is on, but for status.json once a second and the inputs' sizes and times. Its
 * time and its messages come from outside, so that the same code runs in a simulation
 * (src/sim): with another clock, another link and no run directory. */
#ifndef ORR_COORD_COORD_H
#define ORR_COORD_COORD_H

#include "base/clock.h"
#include "engine/engine.h"
#include "graph/graph.h"
#include "link/link.h"
#include "reuse/reuse.h"
#include "store/identity.h"
#include "store/writer.h"
#include "view/status.h"

#include <stdbool.h>
#include <stdint.h>

struct orr_coord_input {
    struct orr_file_seen seen;
    bool hashed; /* `content` is known */
    struct orr_id content;
};

struct orr_coord_setup {
    struct orr_link *link;
    const struct orr_graph *graph;
    const struct orr_value *requests;
    uint32_t n_requests;
    uint32_t agents;     /* expected */
    const char *run_dir; /* NULL: no disk; nothing is stored, shown or written, and
                            nothing is said on standard error */
    struct orr_id run_id;
    uint32_t epoch; /* above 1: what earlier ones did is read from the shards */
    struct orr_reuse *reuse; /* other runs to take results from, or NULL */
    enum orr_durability durability;
    uint32_t forgive; /* failed attempts of epochs before this one do not count */
    const struct orr_coord_input *inputs; /* as they were at the start; read by new() */
    size_t n_inputs;
    const char *name;
    struct orr_progress *progress;
    int64_t lost_after; /* ns of silence after which a node is lost; 0: 30 s */
    bool verify;        /* earlier results count only when their blobs are whole, too */
    const struct orr_clock *clock; /* NULL: the machine's */
    struct orr_files *files;       /* tells files apart; NULL: its own, of run_dir */
    bool no_twins;                 /* nothing is run on two nodes at once */
    double max_failed_part;        /* the same, as a part of all that ended */
    uint32_t max_failures; /* failed attempts after which the run ends; 0: no limit */
    bool timed;            /* there is an end, or may be one: */
    int64_t end;           /* wall ns; 0: none is known yet */
    bool end_yields;       /* it comes later by what all of us stood still */
    bool expand_first; /* all calls that wait for no result are made before the first
                          is given out */
};

struct orr_coord;
/* Reads earlier results when epoch > 1. */
orr_status orr_coord_new(const struct orr_coord_setup *setup, struct orr_coord **out,
                         struct orr_error *err);
void orr_coord_free(struct orr_coord *coord);

/* ORR_OK: go on. ORR_END: over, all agents have left (or are given up). */
orr_status orr_coord_step(struct orr_coord *coord, struct orr_error *err);
int64_t orr_coord_wake(const struct orr_coord *coord); /* monotonic ns */
bool orr_coord_was_busy(const struct orr_coord *coord);
/* Each core has an attempt waiting behind the one it runs: for about how long what they
 * have will last them, ns; 0: some have none. */
int64_t orr_coord_ahead(const struct orr_coord *coord);

/* End before the end: running attempts may finish within `grace` ns (0: none may), the
 * rest is left for a resume. `as` is DRAINED or INTERRUPTED. */
void orr_coord_drain(struct orr_coord *coord, enum orr_run_state as, int64_t grace);

/* The time is over then (wall ns; 0: there is no end), some of which is kept to store,
 * and to conclude. For a `timed` coordinator. */
void orr_coord_set_end(struct orr_coord *coord, int64_t end);

/* The run is not ours any more, or cannot go on: tell the agents to end what runs and
 * to leave, and wait for nothing. */
void orr_coord_abandon(struct orr_coord *coord);

/* After the end: write run.h5 and the last status.json; append the summary, and what
 * went wrong, a line each. */
orr_status orr_coord_conclude(struct orr_coord *coord, struct orr_text *summary,
                              struct orr_text *problems, struct orr_error *err);
const struct orr_run_status *orr_coord_status(const struct orr_coord *coord);

/* Of a coordinator without a disk, in the place of orr_coord_conclude(): the status as
 * it is at the end, judged. */
void orr_coord_close(struct orr_coord *coord, struct orr_text *problems);
/* For reports: attempts that are ready or delayed, now. */
uint64_t orr_coord_queued(const struct orr_coord *coord);
struct orr_engine *orr_coord_engine(struct orr_coord *coord);

#endif
