/* batch.h - a run and the jobs of the batch system that it was given to: RUN/slurm
 *
 *     script.sh    what sbatch was given last
 *     jobs         ids, one a line, the newest last
 *     attempts     what the script noted, a line each time it started, ended, was told
 *     log-ID.txt   output of job ID
 *     DONE         exit code of a run that is over */
#ifndef ORR_CLI_BATCH_H
#define ORR_CLI_BATCH_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>

/* Run a program to its end; its output and its messages, appended (either may be NULL:
 * they go where ours go). The exit code; 127 when it cannot be started. */
int orri_program(char *const *argv, struct orr_text *out, struct orr_text *messages);

/* RUN/slurm/NAME; free() it. */
char *orri_batch_path(const char *run, const char *name);
/* The id of the newest job of the run; "" when there is none. free() it. */
char *orri_batch_job(const char *run);
/* What squeue says of a job: PENDING, RUNNING, ...; with the reason or the nodes. ""
 * when it does not know it (any more), or does not answer. free() them. */
struct orri_batch_state {
    char *state;
    char *more;
};
struct orri_batch_state orri_batch_state(const char *job);
void orri_batch_state_release(struct orri_batch_state *state);
/* The script of our job is lost with its machine, and the job goes on without it
 * (--no-kill): ask Slurm, once it has noticed, for another turn. Waits some minutes for
 * that; not a job of `orrery submit`, or one that has had its turns: does nothing. */
void orri_batch_ask_again(void);
/* Set by the script: the machine that it runs on. */
#define ORRI_BATCH_HOST "ORRERY_BATCH_HOST"
/* The exit code in DONE; -1: the run is not over, as far as its jobs know. */
int orri_batch_done(const char *run);

#endif
