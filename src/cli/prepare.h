/* prepare.h - what rank 0 (and the launcher) do before a run */
#ifndef ORR_CLI_PREPARE_H
#define ORR_CLI_PREPARE_H

#include "cli/session.h"
#include "store/rundir.h"

/* Compile and print findings; NULL when there are errors. When the session resumes a
 * run: also when that is of another job; texts that are gone come from the run. */
struct orr_job *orri_compile_job(const struct orri_session *session,
                                 struct orri_texts *texts, bool quiet);
/* Has a run begun in that directory? */
bool orri_is_run(const char *path);
/* Are all inputs of type path readable? Prints those that are not, as "error" or
 * "warning". */
bool orri_inputs_readable(const struct orr_job *job, const char *word);
/* Make or open the run directory and lock it; a new one gets job.yaml, workflow.yaml
 * and `request`. */
orr_status orri_open_run(const struct orri_session *session, const struct orr_job *job,
                         struct orri_texts *texts, struct orr_rundir **out,
                         struct orr_error *err);
uint64_t orri_random_token(void);

#endif
