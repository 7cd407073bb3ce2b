/* prepare.c - rank 0 before the run: compile, check inputs, make the run directory
 * Owns nothing that it does not hand out. */
#include "cli/prepare.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct orr_job *orri_compile_job(const struct orri_session *session,
                                 struct orri_texts *texts, bool quiet)
{
    struct orr_diags diags = { 0 };
    struct orr_sources sources = orri_texts_sources(texts);
    struct orr_job *job = orr_job_compile(session->job, &sources, session->settings,
                                          session->n_settings, orri_registry(), &diags);
    bool bad = orri_print_findings(&diags, texts, quiet);
    orr_diags_release(&diags);
    if (bad && job) {
        orr_job_free(job);
        job = NULL;
    }
    return job;
}

static bool check_path(const struct orr_job *job, const char *word, uint32_t request,
                       const char *input, struct orr_value v)
{
    bool good = true;
    if (v.kind == ORR_KIND_PATH && access(v.as.s->s, R_OK) != 0) {
        (void)fprintf(stderr, "%s: %s: input '%s'", job->file, word, input);
        if (job->n_requests > 1)
            (void)fprintf(stderr, " of request %u", request);
        (void)fprintf(stderr, ": cannot read %s: %s\n", v.as.s->s, strerror(errno));
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

/* The texts as they were: what was run, to be seen. Workflows that stand for functions
 * are kept as workflow.FUNCTION.yaml. */
static orr_status keep_texts(const char *run_dir, const struct orri_session *session,
                             const struct orr_job *job, struct orri_texts *texts,
                             struct orr_error *err)
{
    const struct orr_graph *graph = job->graph;
    orr_status status = keep_text(run_dir, session->job, "job.yaml", texts, err);
    if (status == ORR_OK)
        status = keep_text(run_dir, job->workflow_path, "workflow.yaml", texts, err);
    for (uint32_t i = 0; i < graph->n_modules && status == ORR_OK; i++) {
        const struct orr_graph_function *f =
            &graph->functions[graph->modules[i].function];
        struct orr_text name = ORR_TEXT_INIT;
        orr_text_printf(&name, "workflow.%s.yaml", f->name);
        status = keep_text(run_dir, f->workflow->file, name.s, texts, err);
        orr_text_release(&name);
    }
    return status;
}

orr_status orri_open_run(const struct orri_session *session, const struct orr_job *job,
                         struct orri_texts *texts, struct orr_rundir **out,
                         struct orr_error *err)
{
    orr_status status = session->resume ? orr_rundir_open(session->run_dir, out, err)
                                        : orr_rundir_create(session->run_dir, out, err);
    if (status != ORR_OK || session->resume)
        return status;
    status = keep_texts(orr_rundir_path(*out), session, job, texts, err);
    if (status == ORR_OK)
        status = orri_request_write(orr_rundir_path(*out), session, job, err);
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
