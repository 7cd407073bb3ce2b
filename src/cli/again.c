/* again.c - a session that goes on with a run
 *
 * A run belongs to one job of one workflow. Their texts may change between sessions:
 * the identity of the tasks says which results stay good.
 * Owns: the run's request, and notes of what is not as it was. */
#include "cli/again.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 16 << 20 };

orr_status orri_again_open(const char *run_dir, struct orri_texts *texts,
                           struct orri_again *out, struct orr_error *err)
{
    *out = (struct orri_again) { .run_dir = run_dir, .texts = texts };
    orr_status status = orri_request_read(run_dir, &out->request, err);
    return status == ORR_OK ? orri_request_is_here(&out->request, run_dir, err)
                            : status;
}

void orri_again_release(struct orri_again *again)
{
    orri_request_release(&again->request);
    orr_text_release(&again->notes);
}

/* ---- texts ---- */

static bool read_kept(const struct orri_again *again, const char *name,
                      struct orr_text *out)
{
    char *path = orr_path_join(again->run_dir, name);
    bool good = orr_file_read(path, TEXT_MAX, out, NULL) == ORR_OK;
    free(path);
    return good;
}

static orr_status read_again(void *context, const char *path, struct orr_text *out,
                             struct orr_error *err)
{
    struct orri_again *again = context;
    struct orr_sources plain = orri_texts_sources(again->texts);
    struct orr_text text = ORR_TEXT_INIT;
    const struct orri_kept *kept = NULL;
    if (!orri_texts_find(again->texts, path) && access(path, F_OK) != 0)
        kept = orri_request_kept(&again->request, path);
    if (kept && read_kept(again, kept->name, &text)) {
        orr_text_printf(&again->notes,
                        "%s is gone: going on with the text that the run keeps, "
                        "%s/%s\n",
                        path, again->run_dir, kept->name);
        orri_texts_give(again->texts, path, &text);
    }
    orr_text_release(&text);
    return plain.read(plain.context, path, out, err);
}

struct orr_sources orri_again_sources(struct orri_again *again)
{
    return (struct orr_sources) { read_again, again };
}

/* ---- what differs ---- */

static bool same_text(const struct orri_again *again, const char *name,
                      const char *path)
{
    struct orr_sources plain = orri_texts_sources(again->texts);
    struct orr_text then = ORR_TEXT_INIT;
    struct orr_text now = ORR_TEXT_INIT;
    bool same = !read_kept(again, name, &then) ||
                (plain.read(plain.context, path, &now, NULL) == ORR_OK &&
                 strcmp(then.s ? then.s : "", now.s ? now.s : "") == 0);
    orr_text_release(&then);
    orr_text_release(&now);
    return same;
}

/* False, after a message: something changed, and nobody said that it may. */
static bool check_changes(struct orri_again *again, const struct orri_session *session,
                          const struct orr_job *job)
{
    struct orr_text what = ORR_TEXT_INIT;
    struct orr_text text = ORR_TEXT_INIT;
    orri_changes_find(&again->request, again->run_dir, session, job, again->texts,
                      &what);
    bool good = !what.length || session->accept_changes;
    if (what.length)
        orr_text_puts(&text, "changed since the run began:\n");
    for (const char *at = what.s; at && *at; at += strcspn(at, "\n") + 1)
        orr_text_printf(&text, "  %.*s\n", (int)strcspn(at, "\n"), at);
    if (what.length && good)
        orr_text_append(&again->notes, text.s, text.length);
    if (!good)
        orr_text_puts(&text, "nothing was run; --accept-changes goes on: finished "
                             "tasks that this does not touch stay finished\n");
    if (!good) {
        struct orr_text out = ORR_TEXT_INIT;
        orr_text_printf(&out, "orrery: error: %s: %s", session->run_dir, text.s);
        orr_text_print(stderr, out.s);
        orr_text_release(&out);
    }
    orr_text_release(&what);
    orr_text_release(&text);
    return good;
}

static bool is_other(const char *then, const char *now)
{
    return then && strcmp(then, now) != 0;
}

static bool is_same_job(const struct orri_again *again,
                        const struct orri_session *session, const struct orr_job *job,
                        const char *file)
{
    const struct orri_request *request = &again->request;
    if (is_other(request->name, job->name) ||
        is_other(request->workflow, job->graph->name))
        return false;
    return strcmp(request->job, file) == 0 ||
           same_text(again, "job.yaml", session->job);
}

static void describe(const char *job, const char *workflow, const char *file,
                     struct orr_text *out)
{
    if (job && workflow)
        orr_text_printf(out, "job '%s' of workflow '%s' (%s)", job, workflow, file);
    else
        orr_text_puts(out, file);
}

bool orri_again_check(struct orri_again *again, const struct orri_session *session,
                      const struct orr_job *job)
{
    const struct orri_request *request = &again->request;
    char *file = orri_canonical(session->job);
    bool same = is_same_job(again, session, job, file);
    if (same) {
        same = check_changes(again, session, job);
    } else {
        struct orr_text text = ORR_TEXT_INIT;
        orr_text_printf(&text, "orrery: error: %s is a run of ", session->run_dir);
        describe(request->name, request->workflow, request->job, &text);
        orr_text_puts(&text, ", not of ");
        describe(job->name, job->graph->name, file, &text);
        orr_text_puts(&text, "; give another --run-dir\n");
        orr_text_print(stderr, text.s);
        orr_text_release(&text);
    }
    free(file);
    return same;
}
