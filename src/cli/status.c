/* status.c - orrery status: how a run is, or how it ended */
#include "view/status.h"
#include "base/file.h"
#include "cli/array.h"
#include "cli/batch.h"
#include "cli/command.h"
#include "store/rundir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTES_MAX = 16 << 20 };

/* What the script noted last, of a run that is not done; "" when that is nothing. The
 * notes are "TIME job ID start N: WORDS". */
static void put_last_note(const char *run, const char *job, struct orr_text *out)
{
    struct orr_text notes = ORR_TEXT_INIT;
    char *path = orri_batch_path(run, "attempts");
    bool any = orr_file_read(path, NOTES_MAX, &notes, NULL) == ORR_OK && notes.length;
    if (!any) {
        orr_text_printf(out, ORRI_NEVER_BEGAN, job, job);
    } else {
        if (notes.s[notes.length - 1] == '\n')
            notes.s[notes.length - 1] = '\0';
        const char *last = strrchr(notes.s, '\n');
        const char *words = strstr(last ? last : notes.s, ": ");
        bool done = orri_batch_done(run) >= 0;
        orr_text_printf(out, "job %s: over%s\n", job, done || !words ? "" : words);
    }
    free(path);
    orr_text_release(&notes);
}

static void put_job_text(const char *run, const char *job,
                         const struct orri_batch_state *state, struct orr_text *out)
{
    if (*state->trouble)
        orr_text_printf(out, "job %s: Slurm cannot be asked: %s\n", job,
                        state->trouble);
    else if (*state->state)
        orr_text_printf(out, "job %s: %s %s\n", job, state->state, state->more);
    else
        put_last_note(run, job, out);
}

/* What the batch system says of the run's newest job; nothing for a run without jobs.
 */
static void put_job(const char *run, bool json, struct orr_text *out)
{
    char *job = orri_batch_job(run);
    struct orri_batch_state state = orri_batch_state(job);
    if (*job && json)
        orr_text_printf(out, "  \"job\": {\"id\": \"%s\", \"state\": \"%s\"},\n", job,
                        *state.trouble ? "unknown"
                        : *state.state ? state.state
                                       : "over");
    else if (*job)
        put_job_text(run, job, &state, out);
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

/* ---- an array ---- */

struct tally {
    uint32_t of[ORRI_ELEMENT_COUNT];
};

static void put_element(const struct orri_element *e, uint32_t index,
                        struct orr_text *out)
{
    struct orr_run_status status;
    orr_text_printf(out, "%6" PRIu32 "  %-13s", index, orri_element_text(e->state));
    if (orr_status_read(e->run, &status, NULL) == ORR_OK)
        orr_text_printf(out, "  %" PRIu64 "/%" PRIu64 " tasks", status.done,
                        status.tasks);
    if (orri_element_has_job(e))
        orr_text_printf(out, "  job %s %s", e->job, e->more);
    orr_text_printf(out, "  %s\n", e->label);
}

static void put_element_json(const struct orri_element *e, uint32_t index,
                             struct orr_text *out)
{
    struct orr_run_status status;
    bool begun = orr_status_read(e->run, &status, NULL) == ORR_OK;
    orr_text_printf(out,
                    "    {\"index\": %" PRIu32 ", \"state\": \"%s\", \"job\": ", index,
                    orri_element_text(e->state));
    orr_text_json(out, e->job, strlen(e->job));
    orr_text_puts(out, ", \"inputs\": ");
    orr_text_json(out, e->label, strlen(e->label));
    orr_text_printf(out, ", \"tasks\": %" PRIu64 ", \"done\": %" PRIu64 "}",
                    begun ? status.tasks : 0, begun ? status.done : 0);
}

static void put_array(const char *run, const struct orri_array *array,
                      struct orr_text *out)
{
    struct tally tally = { 0 };
    for (uint32_t i = 0; i < array->n; i++)
        tally.of[array->elements[i].state]++;
    orr_text_printf(out, "array of %" PRIu32 " run%s in %s:", array->n,
                    array->n == 1 ? "" : "s", run);
    for (int i = 0, shown = 0; i < ORRI_ELEMENT_COUNT; i++)
        if (tally.of[i])
            orr_text_printf(out, "%s %" PRIu32 " %s", shown++ ? "," : "", tally.of[i],
                            orri_element_text((enum orri_element_state)i));
    orr_text_puts(out, "\n");
    if (array->trouble)
        orr_text_printf(out, "Slurm cannot be asked: %s\n", array->trouble);
    for (uint32_t i = 0; i < array->n; i++)
        put_element(&array->elements[i], i, out);
}

static void put_array_json(const struct orri_array *array, struct orr_text *out)
{
    orr_text_printf(out, "{\n  \"array\": %" PRIu32 ",\n  \"elements\": [\n", array->n);
    for (uint32_t i = 0; i < array->n; i++) {
        put_element_json(&array->elements[i], i, out);
        orr_text_puts(out, i + 1 < array->n ? ",\n" : "\n");
    }
    orr_text_puts(out, "  ]\n}\n");
}

static int tell_array(const char *run, bool json)
{
    struct orri_array array;
    struct orr_error err = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    orr_status status = orri_array_open(run, &array, &err);
    if (status == ORR_OK && json)
        put_array_json(&array, &text);
    else if (status == ORR_OK)
        put_array(run, &array, &text);
    if (status == ORR_OK)
        orr_text_print(stdout, text.s);
    orr_text_release(&text);
    orri_array_release(&array);
    return status == ORR_OK ? ORR_EXIT_OK : orri_complain(&err);
}

static int status_main(const struct orr_line *line)
{
    struct orr_run_info info;
    struct orr_run_status status;
    struct orr_error err = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    const char *run = line->args[0];
    bool json = orri_has(line, "json");
    if (orri_is_array(run))
        return tell_array(run, json);
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
