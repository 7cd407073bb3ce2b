/* reuse.c - results of other runs for a session, and its own for others
 * Owns nothing. Hands on: all of it (reuse/reuse.c, reuse/cache.c). */
#include "cli/reuse.h"

#include "base/memory.h"
#include "link/link.h"
#include "reuse/cache.h"
#include "store/rundir.h"
#include "view/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tell(const char *word, const char *text)
{
    struct orr_text out = ORR_TEXT_INIT;
    orr_text_printf(&out, "orrery: %s: %s\n", word, text);
    orr_text_print(stderr, out.s);
    orr_text_release(&out);
}

static void note(void *context, const char *text)
{
    orr_progress_break(context);
    tell("note", text);
}

bool orri_reuse_options(const struct orr_line *line, struct orri_session *session)
{
    const char **paths = orr_alloc(line->n_given + 1, sizeof *paths);
    const char *cache = orri_option(line, "cache");
    session->reuse = paths;
    session->no_reuse = orri_has(line, "no-reuse");
    session->cache = cache ? cache : getenv(ORRI_CACHE);
    if (session->cache && !*session->cache)
        session->cache = NULL;
    for (size_t i = 0; i < line->n_given; i++) {
        struct orr_run_info info;
        struct orr_error err = { 0 };
        if (strcmp(line->given[i].option->name, "reuse") != 0)
            continue;
        /* ranks do not look: all of them would, and must agree */
        if (!orr_mpi_launched() &&
            orr_run_info_read(line->given[i].value, &info, &err) != ORR_OK) {
            (void)orri_complain(&err);
            return false;
        }
        paths[session->n_reuse++] = orri_canonical(line->given[i].value);
    }
    if (session->n_reuse && session->no_reuse) {
        (void)fprintf(stderr, "orrery %s: --reuse and --no-reuse: which?\n",
                      line->command->name);
        return false;
    }
    return true;
}

void orri_reuse_options_free(struct orri_session *session)
{
    for (size_t i = 0; i < session->n_reuse; i++)
        free((void *)(uintptr_t)session->reuse[i]);
    free((void *)(uintptr_t)session->reuse);
    session->reuse = NULL;
    session->n_reuse = 0;
}

static void add_run(struct orr_reuse *reuse, const char *path)
{
    struct orr_error err = { .code = ORR_OK };
    if (orr_reuse_add_run(reuse, path, &err) == ORR_OK)
        return;
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_printf(&text, "nothing is taken from %s: %s", path, err.text);
    tell("note", text.s);
    orr_text_release(&text);
}

static bool named(const struct orri_session *session, const char *path)
{
    for (size_t i = 0; i < session->n_reuse; i++)
        if (strcmp(session->reuse[i], path) == 0)
            return true;
    return false;
}

void orri_reuse_open(const struct orri_session *session,
                     const struct orri_request *request, const char *run_dir,
                     struct orr_id run_id, struct orr_progress *progress,
                     struct orr_reuse **out)
{
    if (session->no_reuse ||
        (!session->n_reuse && !request->n_reuse && !session->cache))
        return;
    *out = orr_reuse_new(run_dir, run_id, note, progress);
    for (size_t i = 0; i < session->n_reuse; i++)
        add_run(*out, session->reuse[i]);
    for (size_t i = 0; i < request->n_reuse; i++)
        if (!named(session, request->reuse[i]))
            add_run(*out, request->reuse[i]);
    if (session->cache)
        orr_reuse_add_cache(*out, session->cache);
}

void orri_cache_enter(const struct orri_session *session, const struct orr_job *job,
                      const char *run_dir, struct orr_id run_id)
{
    struct orr_cache_run run = { run_dir, run_id, job->name, job->graph->name };
    struct orr_error err = { .code = ORR_OK };
    struct orr_text text = ORR_TEXT_INIT;
    bool by_name = false;
    if (!session->cache)
        return;
    if (orr_cache_enter(session->cache, &run, &by_name, &err) != ORR_OK) {
        orr_text_printf(&text, "this run is not in the cache %s: %s", session->cache,
                        err.text);
        tell("warning", text.s);
    } else if (by_name && !session->quiet) {
        orr_text_printf(
            &text,
            "the cache %s is on another file system than %s, or has results of "
            "another user: its blobs are "
            "linked by name, and gone with the run",
            session->cache, run_dir);
        tell("note", text.s);
    }
    orr_text_release(&text);
}
