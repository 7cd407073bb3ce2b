/* prepare.c - rank 0 before the run: compile, check inputs, make the run directory
 * Owns nothing that it does not hand out. */
#include "cli/prepare.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/again.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { TEXT_MAX = 16 << 20 };

static struct orr_job *compile(const struct orri_session *session,
                               const struct orr_sources *sources,
                               struct orri_texts *texts, bool quiet)
{
    struct orr_diags diags = { 0 };
    struct orr_job *job = orr_job_compile(session->job, sources, session->settings,
                                          session->n_settings, orri_registry(), &diags);
    bool bad = orri_print_findings(&diags, texts, quiet);
    orr_diags_release(&diags);
    if (bad && job) {
        orr_job_free(job);
        job = NULL;
    }
    return job;
}

static void print_notes(const char *notes)
{
    for (const char *at = notes; at && *at;) {
        size_t length = strcspn(at, "\n");
        struct orr_text line = ORR_TEXT_INIT;
        orr_text_printf(&line, "%s%.*s\n",
                        *at == ' ' ? "" : "orrery: note: ", (int)length,
                        at); /* what is indented goes on with it */
        orr_text_print(stderr, line.s);
        orr_text_release(&line);
        at += length + (at[length] == '\n');
    }
}

static struct orr_job *compile_again(const struct orri_session *session,
                                     struct orri_texts *texts, bool quiet)
{
    struct orri_again again;
    struct orr_error err = { 0 };
    struct orr_job *job = NULL;
    if (orri_again_open(session->run_dir, texts, &again, &err) != ORR_OK) {
        (void)orri_complain(&err);
    } else {
        struct orr_sources sources = orri_again_sources(&again);
        job = compile(session, &sources, texts, quiet);
        if (job && !orri_again_check(&again, session, job)) {
            orr_job_free(job);
            job = NULL;
        }
        if (job && !quiet)
            print_notes(again.notes.s);
    }
    orri_again_release(&again);
    return job;
}

struct orr_job *orri_compile_job(const struct orri_session *session,
                                 struct orri_texts *texts, bool quiet)
{
    struct orr_sources sources = orri_texts_sources(texts);
    return session->resume ? compile_again(session, texts, quiet)
                           : compile(session, &sources, texts, quiet);
}

bool orri_is_run(const char *path)
{
    struct orr_run_info info;
    return orr_run_info_read(path, &info, NULL) == ORR_OK;
}

static bool check_path(const struct orr_job *job, const char *word, uint32_t request,
                       const char *input, struct orr_value v)
{
    bool good = true;
    if (v.kind == ORR_KIND_PATH && access(v.as.s->s, R_OK) != 0) {
        const char *why = strerror(errno);
        struct orr_text text = ORR_TEXT_INIT;
        orr_text_printf(&text, "%s: %s: input '%s'", job->file, word, input);
        if (job->n_requests > 1)
            orr_text_printf(&text, " of request %u", request);
        orr_text_printf(&text, ": cannot read %s: %s\n", v.as.s->s, why);
        orr_text_print(stderr, text.s);
        orr_text_release(&text);
        return false;
    }
    for (uint32_t i = 0; v.kind == ORR_KIND_LIST && i < v.as.list->n; i++)
        good = check_path(job, word, request, input, v.as.list->items[i]) && good;
    return good;
}

bool orri_inputs_readable(const struct orr_job *job, const char *word)
{
    bool good = true;
    const struct orr_record_type *inputs = job->graph->facts[0].record;
    for (uint32_t r = 0; r < job->n_requests; r++)
        for (uint32_t i = 0; i < inputs->n_fields; i++) {
            struct orr_value v = job->requests[r].as.record->fields[i];
            if (r && orr_value_equal(v, job->requests[r - 1].as.record->fields[i]))
                continue; /* said once */
            good = check_path(job, word, r, inputs->fields[i].name, v) && good;
        }
    return good;
}

static orr_status keep_text(const char *run_dir, const char *from, const char *name,
                            struct orri_texts *texts, struct orr_error *err)
{
    struct orr_sources sources = orri_texts_sources(texts);
    struct orr_text text = ORR_TEXT_INIT;
    char *path = orr_path_join(run_dir, name);
    orr_status status = sources.read(sources.context, from, &text, err);
    if (status == ORR_OK)
        status = orr_file_write(path, text.s, text.length, true, err);
    free(path);
    orr_text_release(&text);
    return status;
}

/* The text that the run kept so far goes on as NAME.1, NAME.2, ... */
static orr_status put_aside(const char *run_dir, const char *name, const char *from,
                            struct orri_texts *texts, struct orri_request *before,
                            struct orr_error *err)
{
    struct orr_sources sources = orri_texts_sources(texts);
    struct orr_text then = ORR_TEXT_INIT;
    struct orr_text now = ORR_TEXT_INIT;
    char *path = orr_path_join(run_dir, name);
    orr_status status = sources.read(sources.context, from, &now, err);
    bool differs = status == ORR_OK &&
                   orr_file_read(path, TEXT_MAX, &then, NULL) == ORR_OK &&
                   strcmp(then.s ? then.s : "", now.s ? now.s : "") != 0;
    struct orr_text other = ORR_TEXT_INIT;
    struct orr_text short_name = ORR_TEXT_INIT;
    for (unsigned i = 1; differs && (i == 1 || access(other.s, F_OK) == 0); i++) {
        orr_text_clear(&other);
        orr_text_clear(&short_name);
        orr_text_printf(&other, "%s.%u", path, i);
        orr_text_printf(&short_name, "%s.%u", name, i);
    }
    if (differs && rename(path, other.s) != 0)
        status = orr_error_errno(err, ORR_ERR_STORE, errno, "cannot rename %s", path);
    if (differs && status == ORR_OK)
        orri_request_add_old(before, short_name.s, from);
    orr_text_release(&other);
    orr_text_release(&short_name);
    orr_text_release(&then);
    orr_text_release(&now);
    free(path);
    return status;
}

/* The texts as they were: what was run, to be seen. */
static orr_status keep_texts(const char *run_dir, const struct orri_session *session,
                             const struct orr_job *job, struct orri_texts *texts,
                             struct orri_request *before, struct orr_error *err)
{
    orr_status status = ORR_OK;
    const char *path = NULL;
    char *name = NULL;
    for (uint32_t i = 0;
         status == ORR_OK && (name = orri_kept_name(session, job, i, &path)) != NULL;
         i++) {
        if (before)
            status = put_aside(run_dir, name, path, texts, before, err);
        if (status == ORR_OK)
            status = keep_text(run_dir, path, name, texts, err);
        free(name);
    }
    return status;
}

/* Texts and request: those of a new run, or in the place of what changed. */
static orr_status keep_job(const char *run_dir, const struct orri_session *session,
                           const struct orr_job *job, struct orri_texts *texts,
                           struct orr_error *err)
{
    struct orri_request before = { 0 };
    orr_status status =
        session->resume ? orri_request_read(run_dir, &before, err) : ORR_OK;
    if (status == ORR_OK)
        status = keep_texts(run_dir, session, job, texts,
                            session->resume ? &before : NULL, err);
    if (status == ORR_OK)
        status = orri_request_write(run_dir, session, job,
                                    session->resume ? &before : NULL, err);
    orri_request_release(&before);
    return status;
}

orr_status orri_open_run(const struct orri_session *session, const struct orr_job *job,
                         struct orri_texts *texts, struct orr_rundir **out,
                         struct orr_error *err)
{
    orr_status status = session->resume ? orr_rundir_open(session->run_dir, out, err)
                                        : orr_rundir_create(session->run_dir, out, err);
    if (status != ORR_OK)
        return status;
    if (!session->resume || session->accept_changes)
        status = keep_job(orr_rundir_path(*out), session, job, texts, err);
    if (status == ORR_OK && session->retry_failed)
        status =
            orri_request_forgive(orr_rundir_path(*out), orr_rundir_epoch(*out), err);
    if (status == ORR_OK && session->local_dir)
        status = orri_request_add_local(orr_rundir_path(*out), session->local_dir, err);
    if (status != ORR_OK) {
        orr_rundir_close(*out);
        *out = NULL;
    }
    return status;
}

uint64_t orri_random_token(void)
{
    uint64_t token = 0;
    if (getrandom(&token, sizeof token, 0) != (ssize_t)sizeof token)
        token = (uint64_t)orr_clock_wall() ^ (uint64_t)getpid() << 32;
    return token;
}
