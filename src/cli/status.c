/* status.c - orrery status: how a run is, or how it ended */
#include "view/status.h"
#include "cli/batch.h"
#include "cli/command.h"
#include "store/rundir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the batch system says of the run's newest job; nothing for a run without jobs.
 */
static void put_job(const char *run, bool json, struct orr_text *out)
{
    char *job = orri_batch_job(run);
    struct orri_batch_state state = orri_batch_state(job);
    if (*job && json)
        orr_text_printf(out, "  \"job\": {\"id\": \"%s\", \"state\": \"%s\"},\n", job,
                        *state.state ? state.state : "over");
    else if (*job && *state.state)
        orr_text_printf(out, "job %s: %s %s\n", job, state.state, state.more);
    else if (*job)
        orr_text_printf(out, "job %s: over\n", job);
    orri_batch_state_release(&state);
    free(job);
}

/* Submitted, but no job of it has begun. */
static bool tell_waiting(const char *run, bool json)
{
    struct orr_text job = ORR_TEXT_INIT;
    put_job(run, json, &job);
    if (job.length && json)
        (void)printf("{\n  \"state\": \"submitted\",\n%.*s\n}\n", (int)job.length - 2,
                     job.s); /* without the last comma */
    else if (job.length)
        (void)printf("submitted, not begun\n%s", job.s);
    bool waits = job.length > 0;
    orr_text_release(&job);
    return waits;
}

static int status_main(const struct orr_line *line)
{
    struct orr_run_info info;
    struct orr_run_status status;
    struct orr_error err = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    const char *run = line->args[0];
    bool json = orri_has(line, "json");
    if (orr_run_info_read(run, &info, &err) != ORR_OK ||
        orr_status_read(run, &status, &err) != ORR_OK)
        return tell_waiting(run, json) ? ORR_EXIT_OK : orri_complain(&err);
    if (json) {
        struct orr_text job = ORR_TEXT_INIT;
        put_job(run, true, &job);
        orr_status_json(&status, &text);
        (void)printf("{\n%s%s", job.s ? job.s : "", text.s + strcspn(text.s, "\n") + 1);
        orr_text_release(&job);
    } else {
        orr_status_print(&status, info.locked, &text);
        put_job(run, false, &text);
        orr_text_print(stdout, text.s);
    }
    orr_text_release(&text);
    return ORR_EXIT_OK;
}

static const struct orr_option status_options[] = {
    { "json", 0, NULL,
      "one JSON object; its field `state` is starting, running, succeeded, "
      "failed, stopped, drained or interrupted",
      false },
    { 0 },
};

const struct orr_command_entry orri_status = {
    .name = "status",
    .arguments = "RUN",
    .summary = "what a run does, or how it ended",
    .options = status_options,
    .least = 1,
    .most = 1,
    .run = status_main,
};
