/* replay.c - a run gone through again from what it stored
 *
 * The engine is deterministic: given the job and the results of its tasks it comes to
 * the same facts. So nothing but results has to be stored to tell where facts came
 * from. Successes are reported first, failures when nothing else is left: a request
 * that failed in the run had got as far as it had before it did.
 * Owns: the engine, and which stored attempts belong to which of its tasks. */
#include "cli/replay.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/prepare.h"
#include "store/known.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 16 << 20 };

/* ---- the texts ---- */

struct kept_sources {
    struct orri_replay *replay;
    bool now;
};

static void note_change(struct orri_replay *r, const char *path,
                        const struct orri_kept *kept, const struct orr_text *text)
{
    struct orr_text current = ORR_TEXT_INIT;
    bool there = orr_file_read(path, TEXT_MAX, &current, NULL) == ORR_OK;
    if (!there || current.length != text->length ||
        (text->length && memcmp(current.s, text->s, text->length) != 0))
        orr_text_printf(
            &r->notes,
            "%s %s since the run began: told by the text that the run "
            "keeps, %s (`orrery why` and `orrery export` have --now: by the "
            "file as it is)\n",
            path, there ? "has changed" : "is gone", kept->name);
    orr_text_release(&current);
}

static orr_status read_kept(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    struct kept_sources *k = context;
    struct orri_replay *r = k->replay;
    struct orr_sources plain = orri_texts_sources(&r->texts);
    const struct orri_kept *kept = k->now ? NULL : orri_request_kept(&r->request, path);
    bool known = false;
    for (size_t i = 0; i < r->texts.n; i++)
        known = known || strcmp(r->texts.items[i].path, path) == 0;
    if (kept && !known) {
        struct orr_text text = ORR_TEXT_INIT;
        char *copy = orr_path_join(r->run_dir, kept->name);
        if (orr_file_read(copy, TEXT_MAX, &text, NULL) == ORR_OK) {
            note_change(r, path, kept, &text);
            orri_texts_give(&r->texts, path, &text);
        } else {
            orr_text_release(&text);
        }
        free(copy);
    }
    return plain.read(plain.context, path, out, err);
}

static bool compile(struct orri_replay *r, bool now)
{
    struct kept_sources kept = { r, now };
    struct orr_sources sources = { read_kept, &kept };
    struct orr_diags diags = { 0 };
    r->job = orr_job_compile(r->request.job, &sources, r->request.settings,
                             r->request.n_settings, orri_registry(), &diags);
    bool bad = orri_print_findings(&diags, &r->texts, true);
    orr_diags_release(&diags);
    return r->job && !bad;
}

/* ---- the attempts ---- */

/* The first of the newest session that has one. */
static const struct orr_tried *success_of(const struct orr_tried *tried)
{
    const struct orr_tried *found = NULL;
    for (; tried; tried = tried->next)
        if (tried->failure == ORR_FAIL_NONE && (!found || tried->epoch > found->epoch))
            found = tried;
    return found;
}

/* Failure number `attempt` that the rules were told of: the first, unless it was
 * forgiven. */
static const struct orr_tried *failure_of(const struct orri_replay *r,
                                          const struct orr_tried *tried,
                                          uint32_t attempt)
{
    uint32_t lost = 0;
    uint32_t epoch = 0;
    for (; tried; tried = tried->next) {
        if (tried->epoch != epoch)
            lost = 0;
        epoch = tried->epoch;
        if (tried->failure == ORR_FAIL_NONE || epoch < r->request.forgive)
            continue;
        if (orr_failure_counts(tried->failure, &lost) && tried->attempt == attempt)
            return tried;
    }
    return NULL;
}

static const struct orr_tried *find_tried(const struct orri_replay *r,
                                          const struct orr_task *task, bool *other)
{
    const struct orr_graph_function *f = &r->job->graph->functions[task->function];
    const struct orr_tried *tried = orr_history_of(r->history, task->identity);
    *other = false;
    if (tried)
        return tried;
    tried = orr_history_of_call(r->history, f->native ? f->native->name : f->name,
                                task->args, task->args_length);
    *other = tried != NULL;
    return tried;
}

static const struct orr_tried *tried_of(struct orri_replay *r, uint32_t task,
                                        uint64_t *others)
{
    bool other = false;
    while (r->n_tasks <= task) {
        r->tried = orr_grow(r->tried, r->n_tasks, &r->cap_tasks, sizeof *r->tried);
        r->tried[r->n_tasks] = find_tried(
            r, orr_engine_task(r->engine, (orr_task_id) { (uint32_t)r->n_tasks }),
            &other);
        r->n_tasks++;
        *others += other;
    }
    return r->tried[task];
}

static bool finish(struct orri_replay *r, orr_task_id id, const struct orr_tried *tried)
{
    const struct orr_task *task = orr_engine_task(r->engine, id);
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_reader in = orr_reader_of(tried->results, tried->results_length);
    struct orr_value v;
    struct orr_type type = { .kind = ORR_KIND_RECORD,
                             .record =
                                 r->job->graph->functions[task->function].results };
    bool good = orr_value_get(&in, &type, &arena, &v, NULL) == ORR_OK;
    if (good)
        orr_engine_finished(r->engine, id, v);
    orr_arena_release(&arena);
    return good;
}

struct failed_calls {
    struct orr_engine_call *items;
    size_t n, cap, at;
};

/* Failures before a success of the same session are told first: handlers counted
 * them. A success of an earlier session was there from the start. */
static bool serve(struct orri_replay *r, const struct orr_engine_call *call,
                  struct failed_calls *failed, uint64_t *others)
{
    const struct orr_tried *tried = tried_of(r, call->task.v, others);
    const struct orr_tried *success = success_of(tried);
    const struct orr_tried *failure = failure_of(r, tried, call->attempt);
    if (success && (!failure || success->epoch < failure->epoch ||
                    success->attempt <= failure->attempt))
        return finish(r, call->task, success);
    if (!failure)
        return false;
    failed->items =
        orr_grow(failed->items, failed->n, &failed->cap, sizeof *failed->items);
    failed->items[failed->n++] = *call;
    return true;
}

static void fail_next(struct orri_replay *r, struct failed_calls *failed)
{
    const struct orr_engine_call *call = &failed->items[failed->at++];
    const struct orr_tried *tried =
        failure_of(r, r->tried[call->task.v], call->attempt);
    struct orr_failure failure = { tried->failure, tried->code, tried->message };
    orr_engine_attempt_failed(r->engine, call->task, call->attempt, &failure);
}

static void go_through(struct orri_replay *r)
{
    struct orr_engine_call call;
    struct failed_calls failed = { 0 };
    uint64_t open = 0;
    uint64_t others = 0;
    for (uint32_t i = 0; i < r->job->n_requests; i++)
        (void)orr_engine_add_request(r->engine, r->job->requests[i]);
    do {
        if (failed.at < failed.n)
            fail_next(r, &failed);
        while (orr_engine_take_call(r->engine, &call))
            if (!serve(r, &call, &failed, &others)) /* makes no others wait */
                orr_engine_set_window(r->engine, ORR_ENGINE_WINDOW + (uint32_t)++open);
    } while (failed.at < failed.n);
    free(failed.items);
    if (others)
        orr_text_printf(&r->notes,
                        "%" PRIu64 " tasks name files, or versions of functions, that "
                        "have changed since the run: told by the results of then; a "
                        "resume would run them again\n",
                        others);
}

/* ---- all of it ---- */

int orri_replay_open(const char *run_dir, bool now, struct orri_replay *out)
{
    struct orr_error err = { 0 };
    *out = (struct orri_replay) { .run_dir = run_dir };
    if (orr_run_info_read(run_dir, &out->info, &err) != ORR_OK ||
        orri_request_read(run_dir, &out->request, &err) != ORR_OK ||
        orr_history_load(run_dir, out->info.id, &out->history, &err) != ORR_OK)
        return orri_complain(&err);
    if (!compile(out, now))
        return ORR_EXIT_INPUT;
    out->files = orr_files_new();
    for (size_t i = 0; i < out->request.n_inputs; i++)
        orr_files_remember(out->files, &out->request.inputs[i].seen);
    char *real = realpath(run_dir, NULL);
    orr_files_of_run(out->files, real ? real : run_dir);
    free(real);
    out->engine = orr_engine_new(
        out->job->graph, &(struct orr_engine_files) { orr_files_identify, out->files,
                                                      orr_files_within });
    go_through(out);
    return ORR_EXIT_OK;
}

struct orr_id *orri_replay_identities(const struct orri_replay *r)
{
    uint32_t n = orr_engine_tasks(r->engine);
    struct orr_id *all = orr_alloc((size_t)n + 1, sizeof *all);
    for (uint32_t t = 0; t < n; t++)
        all[t] = t < r->n_tasks && r->tried[t]
                     ? r->tried[t]->id
                     : orr_engine_task(r->engine, (orr_task_id) { t })->identity;
    return all;
}

void orri_replay_tell(const struct orri_replay *r, const char *command)
{
    if (r->info.locked)
        (void)fprintf(stderr,
                      "orrery %s: note: the run is on: told by what is stored now\n",
                      command);
    for (const char *at = r->notes.s; at && *at;) {
        size_t length = strcspn(at, "\n");
        (void)fprintf(stderr, "orrery %s: note: %.*s\n", command, (int)length, at);
        at += length + (at[length] == '\n');
    }
}

void orri_replay_release(struct orri_replay *r)
{
    orr_engine_free(r->engine);
    orr_files_free(r->files);
    orr_history_free(r->history);
    orr_job_free(r->job);
    orri_texts_release(&r->texts);
    orri_request_release(&r->request);
    orr_text_release(&r->notes);
    free(r->tried);
    *r = (struct orri_replay) { 0 };
}
