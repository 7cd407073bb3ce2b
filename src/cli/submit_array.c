/* submit_array.c - the requests of a job as an array of Slurm, each a run of its own
 * Owns: which elements are submitted. Hands on: sbatch (sbatch.c), what an element is
 * (array.c). */
#include "base/file.h"
#include "base/memory.h"
#include "cli/array.h"
#include "cli/batch.h"
#include "cli/prepare.h"
#include "cli/submission.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { USUAL_SIZE = 1001 };

struct parts {
    struct orri_submission *s;
    struct orri_array array; /* as it was; empty when it is new */
    uint32_t n;
    bool *wanted; /* elements */
    uint32_t n_wanted;
    const char *after; /* the array before, when only so many may run at once */
    uint32_t submitted;
};

/* ---- which elements ---- */

/* What is done stays done, and who has a job needs no second one. */
static bool is_wanted(const struct orri_submission *s, const struct orri_element *e)
{
    bool changed = orri_has(s->line, "accept-changes");
    if (orri_element_has_job(e))
        return false;
    if (e->state == ORRI_ELEMENT_SUCCEEDED)
        return changed;
    if (e->state == ORRI_ELEMENT_FAILED)
        return changed || orri_has(s->line, "retry-failed");
    return true;
}

static orr_status check_same(const struct parts *p, const char *labels,
                             struct orr_error *err)
{
    const char *run = p->s->run_dir;
    if (orri_has(p->s->line, "accept-changes"))
        return ORR_OK;
    if (p->array.n != p->n)
        return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                             "%s: the job has %" PRIu32 " requests, the array has "
                             "%" PRIu32 ": another --run-dir, or --accept-changes",
                             run, p->n, p->array.n);
    for (uint32_t i = 0; i < p->n; i++) {
        const char *then = p->array.elements[i].label;
        size_t length = strcspn(labels, "\n");
        if (strlen(then) != length || strncmp(labels, then, length) != 0)
            return orr_error_set(
                err, ORR_ERR_INPUT, ORR_NO_SPAN,
                "%s: request %" PRIu32
                " of the job is not that of the array: it is %.*s, and "
                "was %s: another --run-dir, or --accept-changes",
                run, i, (int)length, labels, then);
        labels += length + 1;
    }
    return ORR_OK;
}

/* Would this element, which has begun, go on? False after a message. */
static bool check_element(const struct parts *p, uint32_t i)
{
    struct orri_submission *s = p->s;
    struct orr_setting *settings = orr_alloc(s->n_settings + 1, sizeof *settings);
    struct orri_session session = { .job = s->line->args[0],
                                    .run_dir = p->array.elements[i].run,
                                    .resume = true,
                                    .accept_changes =
                                        orri_has(s->line, "accept-changes"),
                                    .settings = settings,
                                    .n_settings = s->n_settings + 1 };
    struct orri_texts texts = { 0 };
    if (s->n_settings)
        memcpy(settings, s->settings, s->n_settings * sizeof *settings);
    settings[s->n_settings] =
        (struct orr_setting) { ORR_SETTING_REQUEST,
                               orr_arena_printf(&s->arena, "%" PRIu32, i), NULL };
    struct orr_job *job = orri_compile_job(&session, &texts, true);
    bool good = job != NULL;
    orr_job_free(job);
    orri_texts_release(&texts);
    free(settings);
    return good;
}

/* What changed is the same for most: the first of them speaks for all. */
static bool check_changes(const struct parts *p)
{
    for (uint32_t i = 0; i < p->array.n && i < p->n; i++)
        if (p->wanted[i] && orri_is_run(p->array.elements[i].run))
            return check_element(p, i);
    return true;
}

/* One that nobody noted may be any of them. */
static orr_status check_unnoted(const struct parts *p, struct orr_error *err)
{
    char *job = orri_batch_unnoted(p->s->run_dir);
    orr_status status = ORR_OK;
    if (*job)
        status = orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                               "%s has job %s, of which nobody knows what it is for: "
                               "scancel %s ends it",
                               p->s->run_dir, job, job);
    free(job);
    return status;
}

/* Nothing left to do: how it stands; an exit code. */
static int tell_none(const struct parts *p)
{
    uint32_t jobs = 0;
    uint32_t failed = 0;
    for (uint32_t i = 0; i < p->array.n; i++) {
        jobs += orri_element_has_job(&p->array.elements[i]);
        failed += p->array.elements[i].state == ORRI_ELEMENT_FAILED;
    }
    (void)fprintf(stderr, "orrery submit: %s: ", p->s->run_dir);
    if (jobs)
        (void)fprintf(stderr,
                      "all that is not done has a job already (%" PRIu32
                      "): orrery cancel %s ends them\n",
                      jobs, p->s->run_dir);
    else if (failed)
        (void)fprintf(stderr,
                      "all %" PRIu32 " runs are over, %" PRIu32
                      " with failures: --retry-failed submits these again\n",
                      p->array.n, failed);
    else
        (void)fprintf(stderr, "all %" PRIu32 " runs are done\n", p->array.n);
    return jobs ? ORR_EXIT_INPUT : ORR_EXIT_OK;
}

static bool knows_a_job(const struct parts *p)
{
    for (uint32_t i = 0; i < p->array.n; i++)
        if (orri_element_has_job(&p->array.elements[i]))
            return true;
    return false;
}

static orr_status choose(struct parts *p, const char *labels, struct orr_error *err)
{
    orr_status status = ORR_OK;
    if (orri_is_array(p->s->run_dir)) {
        status = orri_array_open(p->s->run_dir, &p->array, err);
        if (status == ORR_OK && p->array.trouble)
            status = orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                                   "which runs of %s have jobs still? Slurm cannot be "
                                   "asked: %s",
                                   p->s->run_dir, p->array.trouble);
        if (status == ORR_OK)
            status = check_same(p, labels, err);
    }
    if (status == ORR_OK && !knows_a_job(p))
        status = check_unnoted(p, err);
    for (uint32_t i = 0; i < p->n && status == ORR_OK; i++) {
        p->wanted[i] = i >= p->array.n || is_wanted(p->s, &p->array.elements[i]);
        p->n_wanted += p->wanted[i];
    }
    return status;
}

/* ---- Slurm's arrays ---- */

/* MaxArraySize: indices are below it. */
static uint32_t largest_array(void)
{
    char *argv[] = { "scontrol", "show", "config", NULL };
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_text messages = ORR_TEXT_INIT;
    uint32_t size = USUAL_SIZE;
    int code = orri_program_within(argv, ORRI_ASK_SECONDS, &out, &messages);
    const char *at = code == 0 ? strstr(out.s, "MaxArraySize") : NULL;
    if (at && sscanf(at, "MaxArraySize = %" SCNu32, &size) != 1)
        size = USUAL_SIZE;
    orr_text_release(&out);
    orr_text_release(&messages);
    return size;
}

/* "0-3,7" of those wanted from `first` on, below `end`. */
static void put_indices(const struct parts *p, uint32_t first, uint32_t end,
                        struct orr_text *out)
{
    for (uint32_t i = first; i < end; i++) {
        uint32_t last = i;
        if (!p->wanted[i])
            continue;
        while (last + 1 < end && p->wanted[last + 1])
            last++;
        orr_text_printf(out, "%s%" PRIu32, out->length ? "," : "", i - first);
        if (last > i)
            orr_text_printf(out, "-%" PRIu32, last - first);
        i = last;
    }
}

static void note_elements(struct parts *p, uint32_t first, uint32_t end,
                          const char *job)
{
    for (uint32_t i = first; i < end; i++) {
        if (!p->wanted[i])
            continue;
        orri_submit_note(
            orr_arena_printf(&p->s->arena, "%s/%" PRIu32, p->s->run_dir, i),
            orr_arena_printf(&p->s->arena, "%s_%" PRIu32, job, i - first));
        p->submitted++;
    }
    orri_submit_note(p->s->run_dir, job);
}

static void reopen(const struct parts *p, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end && i < p->array.n; i++)
        if (p->wanted[i])
            orri_batch_reopen(p->array.elements[i].run);
}

static void reopened(const struct parts *p, uint32_t first, uint32_t end, bool taken)
{
    for (uint32_t i = first; i < end && i < p->array.n; i++)
        if (p->wanted[i])
            orri_batch_reopened(p->array.elements[i].run, taken);
}

static const char *dependency_of(struct orri_submission *s, const char *after)
{
    const char *own = NULL;
    for (size_t i = 0; i < s->n_options; i++)
        if (strcmp(s->options[i].name, "dependency") == 0)
            own = s->options[i].value;
    return orr_arena_printf(&s->arena, "--dependency=%s%safterany:%s", own ? own : "",
                            own ? "," : "", after);
}

/* One array of Slurm: those from `first` on, below `end`. An exit code. */
static int submit_part(struct parts *p, uint32_t first, uint32_t end)
{
    struct orri_submission *s = p->s;
    struct orr_text indices = ORR_TEXT_INIT;
    const char *words[] = { NULL, NULL, NULL };
    char *job = NULL;
    put_indices(p, first, end, &indices);
    if (!indices.length)
        return ORR_EXIT_OK;
    words[0] = s->limit
                   ? orr_arena_printf(&s->arena, "--array=%s%%%ld", indices.s, s->limit)
                   : orr_arena_printf(&s->arena, "--array=%s", indices.s);
    if (p->after)
        words[1] = dependency_of(s, p->after);
    bool test = orri_has(s->line, "dry-run");
    if (!test)
        reopen(p, first, end);
    struct orri_sbatch_call call = orri_sbatch_own(s);
    call.words = words;
    call.argument = orr_arena_printf(&s->arena, "%" PRIu32, first);
    int code = orri_sbatch(s, &call, &job);
    if (!test)
        reopened(p, first, end, code == ORR_EXIT_OK || s->unsure);
    if (code == ORR_EXIT_OK && *job) {
        note_elements(p, first, end, job);
        (void)printf("job         %s (%s", job, indices.s);
        if (first)
            (void)printf(", and %" PRIu32 " to each", first);
        (void)printf(")\n");
        if (s->limit)
            p->after = orr_arena_strdup(&s->arena, job);
    }
    free(job);
    orr_text_release(&indices);
    return code;
}

static int submit_parts(struct parts *p)
{
    uint32_t size = largest_array();
    int code = ORR_EXIT_OK;
    if (size == 0) {
        (void)fputs("orrery submit: this Slurm takes no arrays (MaxArraySize=0): "
                    "without --array all requests are one run\n",
                    stderr);
        return ORR_EXIT_INPUT;
    }
    for (uint32_t first = 0; first < p->n && code == ORR_EXIT_OK;) {
        uint32_t end = p->n - first > size ? first + size : p->n;
        code = submit_part(p, first, end);
        first = end;
    }
    if (p->submitted)
        (void)printf("run         %s/INDEX, %" PRIu32 " of %" PRIu32 "\n",
                     p->s->run_dir, p->submitted, p->n);
    if (code != ORR_EXIT_OK && p->submitted)
        (void)fputs("orrery submit: what was not accepted is submitted by the same "
                    "command again\n",
                    stderr);
    return code;
}

static int submit_locked(struct parts *p, const struct orr_text *script,
                         struct orr_error *err)
{
    struct orr_text labels = ORR_TEXT_INIT;
    const char *run = p->s->run_dir;
    int code = ORR_EXIT_OK;
    orri_array_labels(p->s->job, &labels);
    orr_status status = choose(p, labels.s, err);
    if (status == ORR_OK && !p->n_wanted) {
        code = tell_none(p);
    } else if (status == ORR_OK && !check_changes(p)) {
        code = ORR_EXIT_INPUT;
    } else if (status == ORR_OK) {
        status = orri_submit_script(run, script, err);
        if (status == ORR_OK)
            status = orri_array_write(run, p->n, labels.s, err);
        if (status == ORR_OK)
            code = submit_parts(p);
    }
    orr_text_release(&labels);
    return status == ORR_OK ? code : orri_complain(err);
}

/* Not even the list, when nothing was ever submitted. */
static void leave_nothing(const struct orri_submission *s)
{
    char *jobs = orri_batch_path(s->run_dir, "jobs");
    char *list = orr_path_join(s->run_dir, "array");
    if (access(jobs, F_OK) != 0 && !s->unsure)
        (void)unlink(list);
    free(list);
    free(jobs);
    orri_submit_leave_nothing(s);
}

/* One that has begun, or was submitted. */
static bool is_one_run(const char *run)
{
    char *job = orri_batch_job(run);
    bool is = orri_is_run(run) || (*job && !orri_is_array(run));
    free(job);
    return is;
}

int orri_submit_array(struct orri_submission *s, const struct orr_text *script)
{
    struct parts p = { .s = s, .n = s->job->n_requests };
    struct orr_error err = { 0 };
    int lock = -1;
    if (is_one_run(s->run_dir)) {
        (void)fprintf(
            stderr,
            "orrery submit: %s is one run: submit it without --array, or give "
            "another --run-dir\n",
            s->run_dir);
        return ORR_EXIT_INPUT;
    }
    orr_status status = orri_submit_open(s->run_dir, &lock, &err);
    if (status != ORR_OK)
        return orri_complain(&err);
    p.wanted = orr_alloc(p.n + 1, sizeof *p.wanted);
    int code = submit_locked(&p, script, &err);
    leave_nothing(s);
    (void)close(lock);
    orri_array_release(&p.array);
    free(p.wanted);
    return code;
}
