/* after.c - runs that have to succeed before; owns nothing */
#include "cli/after.h"

#include "base/memory.h"
#include "cli/array.h"
#include "cli/batch.h"
#include "view/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool never(const char *run, const char *why)
{
    (void)fprintf(stderr, "orrery submit: --after %s: %s\n", run, why);
    return false;
}

/* Of one without a job: by hand. */
static bool has_succeeded(const char *run)
{
    struct orr_run_status status;
    return orr_status_read(run, &status, NULL) == ORR_OK &&
           status.state == ORR_RUN_SUCCEEDED;
}

static bool add_run(const char *run, struct orr_text *out)
{
    char *job = orri_batch_job(run);
    struct orri_batch_state state = orri_batch_state(job);
    int done = orri_batch_done(run);
    bool good = true;
    if (done > 0)
        good = never(run, "that run ended with failures");
    else if (*state.trouble)
        good = never(run, state.trouble);
    else if (done < 0 && *state.state)
        orr_text_printf(out, ":%s", job);
    else if (done == 0 || has_succeeded(run))
        good = true;
    else
        good = never(run, *job ? "its job is over, but the run is not: submit it again "
                                 "first"
                               : "that run was never submitted");
    orri_batch_state_release(&state);
    free(job);
    return good;
}

/* One id for all when they were submitted together: the usual case, and a short list.
 */
static void add_elements(const struct orri_array *array, struct orr_text *out)
{
    char **jobs = NULL;
    size_t n = orri_array_jobs(array, &jobs);
    bool together = n == 1;
    for (uint32_t i = 0; i < array->n && together; i++)
        together = strncmp(array->elements[i].job, jobs[0], strlen(jobs[0])) == 0 &&
                   array->elements[i].job[strlen(jobs[0])] == '_';
    if (together)
        orr_text_printf(out, ":%s", jobs[0]);
    for (uint32_t i = 0; i < array->n && !together; i++)
        if (orri_element_has_job(&array->elements[i]))
            orr_text_printf(out, ":%s", array->elements[i].job);
    for (size_t i = 0; i < n; i++)
        free(jobs[i]);
    free(jobs);
}

static bool add_array(const char *run, struct orr_text *out)
{
    struct orri_array array;
    struct orr_error err = { 0 };
    bool good = true;
    if (orri_array_open(run, &array, &err) != ORR_OK)
        good = never(run, err.text);
    else if (array.trouble)
        good = never(run, array.trouble);
    for (uint32_t i = 0; i < array.n && good; i++) {
        const struct orri_element *e = &array.elements[i];
        if (e->state == ORRI_ELEMENT_FAILED)
            good = never(e->run, "that run ended with failures");
        else if (e->state != ORRI_ELEMENT_SUCCEEDED && !orri_element_has_job(e))
            good = never(e->run, "no job has that run, and it is not done: submit the "
                                 "array again first");
    }
    if (good)
        add_elements(&array, out);
    orri_array_release(&array);
    return good;
}

bool orri_after_jobs(const struct orr_line *line, struct orr_text *out)
{
    bool good = true;
    for (size_t i = 0; i < line->n_given && good; i++) {
        const char *run = line->given[i].value;
        if (strcmp(line->given[i].option->name, "after") != 0)
            continue;
        good = orri_is_array(run) ? add_array(run, out) : add_run(run, out);
    }
    return good;
}
