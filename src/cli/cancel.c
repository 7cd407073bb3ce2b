/* cancel.c - orrery cancel: end the job of a run; owns nothing */
#include "base/memory.h"
#include "cli/array.h"
#include "cli/batch.h"
#include "cli/command.h"
#include "cli/submission.h"
#include "store/rundir.h"

#include <stdio.h>
#include <stdlib.h>

/* A run that no job has: who works on it? */
static int tell_no_job(const char *run)
{
    struct orr_run_info info;
    struct orr_error err = { 0 };
    int done = orri_batch_done(run);
    if (orr_run_info_read(run, &info, &err) == ORR_OK && info.locked)
        (void)fprintf(stderr,
                      "orrery cancel: %s has no job in the queue; %s works on it: an "
                      "interrupt (kill -INT) ends it\n",
                      run, info.owner);
    else if (done >= 0)
        (void)fprintf(stderr, "orrery cancel: %s is over (exit code %d)\n", run, done);
    else
        (void)fprintf(stderr, "orrery cancel: %s has no job in the queue\n", run);
    return ORR_EXIT_INPUT;
}

static int no_answer(const char *trouble)
{
    (void)fprintf(stderr, "orrery cancel: Slurm cannot be asked: %s\n", trouble);
    return ORR_EXIT_MACHINE;
}

static int scancel(char *const *jobs, size_t n)
{
    return orri_scancel(jobs, n) ? ORR_EXIT_OK : ORR_EXIT_MACHINE;
}

/* Its job, and the opportunistic ones beside it, which may be there when it is over. */
static int cancel_jobs(const char *run, char *job, const struct orri_batch_state *state)
{
    char *guests = orri_guests_job(run);
    char *jobs[2];
    size_t n = 0;
    if (*state->state)
        jobs[n++] = job;
    if (*guests)
        jobs[n++] = guests;
    int code = n ? scancel(jobs, n) : tell_no_job(run);
    if (code == ORR_EXIT_OK && *state->state)
        (void)printf("job         %s cancelled (it was %s)\n", job, state->state);
    if (code == ORR_EXIT_OK && *guests)
        (void)printf("beside it   %s cancelled (opportunistic jobs)\n", guests);
    if (code == ORR_EXIT_OK)
        (void)printf("run         %s: what is finished stays; orrery submit, or orrery "
                     "resume, goes on\n",
                     run);
    free(guests);
    return code;
}

static int cancel_run(const char *run)
{
    char *job = orri_batch_job(run);
    struct orri_batch_state state = orri_batch_state(job);
    int code =
        *state.trouble ? no_answer(state.trouble) : cancel_jobs(run, job, &state);
    orri_batch_state_release(&state);
    free(job);
    return code;
}

static int cancel_elements(const char *run, const struct orri_array *array)
{
    char **jobs = NULL;
    size_t n = orri_array_jobs(array, &jobs);
    int code = ORR_EXIT_INPUT;
    if (n)
        code = scancel(jobs, n);
    else
        (void)fprintf(stderr, "orrery cancel: %s has no job in the queue\n", run);
    for (size_t i = 0; i < n && code == ORR_EXIT_OK; i++)
        (void)printf("job         %s cancelled\n", jobs[i]);
    if (code == ORR_EXIT_OK)
        (void)printf("run         %s: what is finished stays; orrery submit --array "
                     "goes on with the rest\n",
                     run);
    for (size_t i = 0; i < n; i++)
        free(jobs[i]);
    free(jobs);
    return code;
}

static int cancel_main(const struct orr_line *line)
{
    const char *run = line->args[0];
    struct orri_array array;
    struct orr_error err = { 0 };
    if (!orri_is_array(run))
        return cancel_run(run);
    int code = orri_array_open(run, &array, &err) != ORR_OK ? orri_complain(&err)
               : array.trouble                              ? no_answer(array.trouble)
                               : cancel_elements(run, &array);
    orri_array_release(&array);
    return code;
}

static const struct orr_option cancel_options[] = { { 0 } };

const struct orr_command_entry orri_cancel = {
    .name = "cancel",
    .arguments = "RUN",
    .summary = "end the Slurm job of a run, or of an array; what is finished stays",
    .options = cancel_options,
    .least = 1,
    .most = 1,
    .run = cancel_main,
};
