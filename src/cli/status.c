/* status.c - orrery status: how a run is, or how it ended */
#include "view/status.h"
#include "cli/command.h"
#include "store/rundir.h"

#include <stdio.h>

static int status_main(const struct orr_line *line)
{
    struct orr_run_info info;
    struct orr_run_status status;
    struct orr_error err = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    const char *run = line->args[0];
    if (orr_run_info_read(run, &info, &err) != ORR_OK ||
        orr_status_read(run, &status, &err) != ORR_OK)
        return orri_complain(&err);
    if (orri_has(line, "json")) {
        orr_status_json(&status, &text);
        (void)fputs(text.s, stdout);
    } else {
        orr_status_print(&status, info.locked, &text);
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
