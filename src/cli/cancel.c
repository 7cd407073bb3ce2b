/* cancel.c - orrery cancel: end the job of a run; owns nothing */
#include "base/memory.h"
#include "cli/batch.h"
#include "cli/command.h"
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

static int cancel_main(const struct orr_line *line)
{
    const char *run = line->args[0];
    char *job = orri_batch_job(run);
    struct orri_batch_state state = orri_batch_state(job);
    int code = ORR_EXIT_OK;
    if (!*state.state) {
        code = tell_no_job(run);
    } else {
        char *argv[] = { "scancel", job, NULL };
        code = orri_program(argv, NULL, NULL) == 0 ? ORR_EXIT_OK : ORR_EXIT_MACHINE;
        if (code == ORR_EXIT_OK)
            (void)printf(
                "job         %s cancelled (it was %s)\nrun         %s: what is "
                "finished stays; orrery submit, or orrery resume, goes on\n",
                job, state.state, run);
    }
    orri_batch_state_release(&state);
    free(job);
    return code;
}

static const struct orr_option cancel_options[] = { { 0 } };

const struct orr_command_entry orri_cancel = {
    .name = "cancel",
    .arguments = "RUN",
    .summary = "end the Slurm job of a run; what is finished stays",
    .options = cancel_options,
    .least = 1,
    .most = 1,
    .run = cancel_main,
};
