/* array.c - the elements of an array of runs
 * Owns: the file RUN/array. Hands on: what squeue knows (batch.c). */
#include "cli/array.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 64 << 20, LABEL_MAX = 160, N_MAX = 1 << 20 };

const char *orri_element_text(enum orri_element_state state)
{
#define X(id, text) text,
    static const char *const texts[] = { ORRI_ELEMENT_STATES(X) };
#undef X
    return texts[state];
}

/* ---- labels ---- */

static bool differs(const struct orr_job *job, uint32_t input)
{
    for (uint32_t r = 1; r < job->n_requests; r++)
        if (!orr_value_equal(job->requests[r].as.record->fields[input],
                             job->requests[0].as.record->fields[input]))
            return true;
    return false;
}

/* Whole characters, "..." behind them. */
static void shorten(struct orr_text *text, size_t start)
{
    size_t end = start + LABEL_MAX;
    if (text->length <= end)
        return;
    while (((unsigned char)text->s[end] & 0xc0) == 0x80)
        end--;
    text->length = end;
    text->s[end] = '\0';
    orr_text_puts(text, "...");
}

void orri_array_labels(const struct orr_job *job, struct orr_text *out)
{
    const struct orr_record_type *inputs = job->graph->facts[0].record;
    bool *shown = orr_alloc(inputs->n_fields + 1, sizeof *shown);
    for (uint32_t i = 0; i < inputs->n_fields; i++)
        shown[i] = differs(job, i);
    for (uint32_t r = 0; r < job->n_requests; r++) {
        size_t start = out->length;
        for (uint32_t i = 0; i < inputs->n_fields; i++) {
            if (!shown[i])
                continue;
            orr_text_printf(out, "%s%s=", out->length > start ? " " : "",
                            inputs->fields[i].name);
            orr_value_print(job->requests[r].as.record->fields[i], out);
        }
        shorten(out, start);
        orr_text_puts(out, "\n");
    }
    free(shown);
}

/* ---- RUN/array ---- */

bool orri_is_array(const char *run)
{
    char *path = orr_path_join(run, "array");
    bool is = access(path, F_OK) == 0;
    free(path);
    return is;
}

orr_status orri_array_write(const char *run, uint32_t n, const char *labels,
                            struct orr_error *err)
{
    struct orr_text text = ORR_TEXT_INIT;
    char *path = orr_path_join(run, "array");
    orr_text_printf(&text, "orrery-array 1 %" PRIu32 "\n%s", n, labels);
    orr_status status = orr_file_write(path, text.s, text.length, true, err);
    free(path);
    orr_text_release(&text);
    return status;
}

static orr_status read_labels(const char *run, struct orri_array *out,
                              struct orr_error *err)
{
    char *path = orr_path_join(run, "array");
    orr_status status = orr_file_read(path, FILE_MAX, &out->labels, err);
    uint32_t n = 0;
    char *at = status == ORR_OK && out->labels.s ? strchr(out->labels.s, '\n') : NULL;
    bool good =
        at && sscanf(out->labels.s, "orrery-array 1 %" SCNu32, &n) == 1 && n <= N_MAX;
    out->elements = orr_alloc(good ? n + 1 : 1, sizeof *out->elements);
    for (uint32_t i = 0; good && i < n; i++) {
        char *label = at + 1;
        at = strchr(label, '\n');
        good = at != NULL;
        if (good)
            *at = '\0';
        out->elements[i].label = label;
    }
    out->n = good ? n : 0;
    if (status == ORR_OK && !good)
        status = orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                               "%s is damaged, or was made by a newer Orrery", path);
    free(path);
    return status;
}

/* ---- states ---- */

/* 17 of "17_3", and of "17" */
static size_t base_length(const char *job) { return strcspn(job, "_"); }

bool orri_element_has_job(const struct orri_element *element)
{
    return element->state == ORRI_ELEMENT_RUNNING ||
           element->state == ORRI_ELEMENT_WAITING;
}

static bool is_new(char *const *list, size_t n, const char *job)
{
    size_t length = base_length(job);
    for (size_t i = n; i-- > 0;) /* neighbours have the same */
        if (strlen(list[i]) == length && strncmp(list[i], job, length) == 0)
            return false;
    return true;
}

static size_t list_jobs(const struct orri_array *array, bool all, char ***out)
{
    size_t n = 0;
    size_t cap = 0;
    *out = NULL;
    for (uint32_t i = 0; i < array->n; i++) {
        const struct orri_element *e = &array->elements[i];
        if (!*e->job || !(all || orri_element_has_job(e)) || !is_new(*out, n, e->job))
            continue;
        *out = orr_grow(*out, n, &cap, sizeof **out);
        (*out)[n] = orr_strdup(e->job);
        (*out)[n][base_length(e->job)] = '\0';
        n++;
    }
    return n;
}

size_t orri_array_jobs(const struct orri_array *array, char ***out)
{
    return list_jobs(array, false, out);
}

static int by_job(const void *a, const void *b)
{
    return strcmp((*(const struct orri_element *const *)a)->job,
                  (*(const struct orri_element *const *)b)->job);
}

/* "17_3 RUNNING node1", in place */
static void note_line(struct orri_element **sorted, uint32_t n, char *line)
{
    char *state = strchr(line, ' ');
    char *more = state ? strchr(state + 1, ' ') : NULL;
    if (!state)
        return;
    *state++ = '\0';
    if (more)
        *more++ = '\0';
    struct orri_element key = { .job = line };
    const struct orri_element *wanted = &key;
    struct orri_element **found = bsearch(&wanted, sorted, n, sizeof *sorted, by_job);
    if (!found)
        return;
    (*found)->state = strcmp(state, "PENDING") == 0 || strncmp(state, "REQUEUE", 7) == 0
                          ? ORRI_ELEMENT_WAITING
                          : ORRI_ELEMENT_RUNNING;
    (*found)->more = more ? more : "";
}

static void note_lines(struct orri_array *array)
{
    char *rest = NULL;
    struct orri_element **sorted = orr_alloc(array->n + 1, sizeof *sorted);
    for (uint32_t i = 0; i < array->n; i++)
        sorted[i] = &array->elements[i];
    qsort(sorted, array->n, sizeof(struct orri_element *), by_job);
    for (char *line = strtok_r(array->jobs.s, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest))
        note_line(sorted, array->n, line);
    free(sorted);
}

static void ask(struct orri_array *array)
{
    char **jobs = NULL;
    struct orr_text list = ORR_TEXT_INIT;
    size_t n = list_jobs(array, true, &jobs);
    for (size_t i = 0; i < n; i++) {
        orr_text_printf(&list, "%s%s", i ? "," : "", jobs[i]);
        free(jobs[i]);
    }
    free(jobs);
    if (n && orri_batch_list(list.s, &array->jobs, &array->trouble) && array->jobs.s)
        note_lines(array);
    orr_text_release(&list);
}

orr_status orri_array_open(const char *run, struct orri_array *out,
                           struct orr_error *err)
{
    *out = (struct orri_array) { 0 };
    orr_status status = read_labels(run, out, err);
    for (uint32_t i = 0; i < out->n; i++) {
        struct orri_element *e = &out->elements[i];
        char name[16];
        (void)snprintf(name, sizeof name, "%" PRIu32, i);
        e->run = orr_path_join(run, name);
        e->job = orri_batch_job(e->run);
        e->more = "";
        e->state = *e->job ? ORRI_ELEMENT_STOPPED : ORRI_ELEMENT_ABSENT;
    }
    if (status == ORR_OK)
        ask(out);
    for (uint32_t i = 0; i < out->n; i++) { /* a job that is over may linger there */
        int done = orri_batch_done(out->elements[i].run);
        if (done >= 0)
            out->elements[i].state =
                done == 0 ? ORRI_ELEMENT_SUCCEEDED : ORRI_ELEMENT_FAILED;
    }
    return status;
}

void orri_array_release(struct orri_array *array)
{
    for (uint32_t i = 0; i < array->n; i++) {
        free(array->elements[i].run);
        free(array->elements[i].job);
    }
    free(array->elements);
    free(array->trouble);
    orr_text_release(&array->labels);
    orr_text_release(&array->jobs);
    *array = (struct orri_array) { 0 };
}
