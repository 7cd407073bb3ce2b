/* runs.h - attempts that follow each other, as one entry of a message
 *
 * The calls of a range differ in the number of the task, which counts up, in its
 * identity, and in numbers among the arguments, which count evenly; so do the results
 * of short calls. Such a run is one entry of an ASSIGN or DONE, and whoever reads it
 * takes it apart again: nothing that is decided depends on what went together. */
#ifndef ORR_WIRE_RUNS_H
#define ORR_WIRE_RUNS_H

#include "base/error.h"
#include "base/series.h"
#include "wire/wire.h"

/* Of one entry. More would hold up what is urgent. */
enum { ORR_RUN_MAX = 256, ORR_RUN_ID_BYTES = 16 };

/* ---- ASSIGN ---- */

/* Attempts at the tasks first.task, first.task + 1, … */
struct orr_assignment_run {
    struct orr_assignment first; /* `queued` is that of all, to a millisecond */
    uint32_t n;
    struct orr_series args;   /* of all; args.first are those of the first */
    const unsigned char *ids; /* n identities */
};
void orr_assignment_run_put(struct orr_bytes *out,
                            const struct orr_assignment_run *run);
/* Borrows from the input. ORR_ERR_DATA when it does not fit. */
orr_status orr_assignment_run_get(struct orr_reader *in,
                                  struct orr_assignment_run *out);
/* Attempt `i` of it; its arguments are put in `args`, first.args_length bytes. */
void orr_assignment_of(const struct orr_assignment_run *run, uint32_t i,
                       unsigned char *args, struct orr_assignment *out);
struct orr_id orr_run_id(const unsigned char *ids, uint32_t i);
/* A run of one. */
void orr_assignment_put(struct orr_bytes *out, const struct orr_assignment *assignment);

/* Puts assignments into runs as they come. Zeroed struct has none. Arguments are
 * borrowed until the flush. */
struct orr_assigning {
    struct orr_assignment_run run;
    unsigned char ids[ORR_RUN_MAX * ORR_RUN_ID_BYTES];
};
void orr_assigning_add(struct orr_assigning *assigning, struct orr_bytes *out,
                       const struct orr_assignment *assignment);
void orr_assigning_flush(struct orr_assigning *assigning, struct orr_bytes *out);

/* ---- DONE ---- */

/* Of more than one it is known that they succeeded, and their times in all: t_start of
 * the first, t_end of the last, `wall` and first.cpu of all together. */
struct orr_done_run {
    struct orr_done first;
    uint32_t n;
    struct orr_series results;
    int64_t wall; /* ns */
};
/* Texts land in `arena`, results borrow from the input. */
orr_status orr_done_run_get(struct orr_reader *in, struct orr_arena *arena,
                            struct orr_done_run *out);
/* Report `i` of it, with its even part of the times; its results are put in `results`,
 * first.results_length bytes. */
void orr_done_of(const struct orr_done_run *run, uint32_t i, unsigned char *results,
                 struct orr_done *out);
void orr_done_put(struct orr_bytes *out, const struct orr_done *done);

/* Puts reports into runs as they come. Zeroed struct has none. Results are borrowed
 * until the flush, texts are not. */
struct orr_reporting {
    struct orr_done_run run;
};
void orr_reporting_add(struct orr_reporting *reporting, struct orr_bytes *out,
                       const struct orr_done *done);
void orr_reporting_flush(struct orr_reporting *reporting, struct orr_bytes *out);

#endif
