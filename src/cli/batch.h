/* batch.h - a run and the jobs of the batch system that it was given to: RUN/slurm
 *
 *     script.sh    what sbatch was given last
 *     jobs         ids, one a line, the newest last
 *     attempts     what the script noted, a line each time it started, ended, was told
 *     log-ID.txt   output of job ID
 *     DONE         exit code of a run that is over
 *     DONE.old     the same while it is submitted again */
#ifndef ORR_CLI_BATCH_H
#define ORR_CLI_BATCH_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>

/* Run a program to its end; its output and its messages, appended (either may be NULL:
 * they go where ours go). The exit code; ORRI_NOT_STARTED. */
int orri_program(char *const *argv, struct orr_text *out, struct orr_text *messages);
/* The same of one that only asks: it is ended after so long; ORRI_TOO_LATE. Variables
 * by which users choose what Slurm's programs show to them are not handed on. */
int orri_program_within(char *const *argv, long seconds, struct orr_text *out,
                        struct orr_text *messages);
enum { ORRI_ASK_SECONDS = 10, ORRI_TOO_LATE = 124, ORRI_NOT_STARTED = 127 };

/* RUN/slurm/NAME; free() it. */
char *orri_batch_path(const char *run, const char *name);
/* The id of the newest job of the run; "" when there is none. free() it. */
char *orri_batch_job(const char *run);
/* The job that we are in; "" when we are in none. Of an element of an array "36_3"
 * where its number, 36, is that of the whole array. (The variables of an array alone do
 * not say that we are in it: a job that is submitted in one inherits them.) free() it.
 */
char *orri_batch_own_job(void);
/* What squeue says of a job: PENDING, RUNNING, ...; with the reason or the nodes. ""
 * when it does not know it (any more). `trouble`: why it cannot be asked, one line; "".
 * free() them. */
struct orri_batch_state {
    char *state;
    char *more;
    char *trouble;
};
struct orri_batch_state orri_batch_state(const char *job);
/* Lines "ID STATE MORE" of these jobs (separated by commas), each element of an array
 * for itself: "17_3". False, with one line of why in *trouble (free() it), when squeue
 * cannot be asked. */
bool orri_batch_list(const char *jobs, struct orr_text *out, char **trouble);
void orri_batch_state_release(struct orri_batch_state *state);
/* A job of ours in the queue by the directory that it works in: its id, of an element
 * that of the array; "" when there is none or squeue cannot be asked; free() it. */
char *orri_batch_in(const char *folder);
/* The same of the run's own, in RUN/slurm: RUN/slurm/jobs may lack it, when sbatch was
 * not told in time that Slurm took it. (Opportunistic ones work in RUN.) */
char *orri_batch_unnoted(const char *run);
/* End jobs: false after a message of scancel. */
bool orri_scancel(char *const *jobs, size_t n);
/* Of a job (twice its id) that is over and left nothing. */
#define ORRI_NEVER_BEGAN                                                               \
    "job %s is over, and its script left nothing: do the nodes see this directory? "   \
    "(scontrol show job %s)\n"
/* The script of our job is lost with its machine, and the job goes on without it
 * (--no-kill): ask Slurm, once it has noticed, for another turn. Waits some minutes for
 * that; not a job of `orrery submit`, or one that has had its turns: does nothing. */
void orri_batch_ask_again(void);
/* Set by the script: the machine that it runs on. */
#define ORRI_BATCH_HOST "ORRERY_BATCH_HOST"
/* The exit code in DONE; -1: the run is not over, as far as its jobs know. */
int orri_batch_done(const char *run);
/* Who submits a run again wants it to go on: DONE is put aside before Slurm has the new
 * job, which would look at it, and comes back when that is refused. */
void orri_batch_reopen(const char *run);
void orri_batch_reopened(const char *run, bool taken);

#endif
