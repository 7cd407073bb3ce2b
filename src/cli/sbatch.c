/* sbatch.c - RUN/slurm, and giving a script to sbatch
 * Owns: nothing. Hands on: what the script says (submit.c). */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/array.h"
#include "cli/batch.h"
#include "cli/submission.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OWN_WORDS = 16 };

/* ---- RUN/slurm ---- */

orr_status orri_submit_open(const char *run, int *lock, struct orr_error *err)
{
    char *folder = orr_path_join(run, "slurm");
    char *path = orri_batch_path(run, "lock");
    *lock = -1;
    orr_status status = orr_mkdirs(run, 0700, err);
    if (status == ORR_OK)
        status = orr_mkdirs(folder, 0700, err);
    if (status == ORR_OK) {
        *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (*lock < 0 || flock(*lock, LOCK_EX) != 0)
            status = orr_error_errno(err, ORR_ERR_STORE, errno, "cannot lock %s", path);
    }
    if (status != ORR_OK && *lock >= 0) {
        (void)close(*lock);
        *lock = -1;
    }
    free(folder);
    free(path);
    return status;
}

void orri_submit_leave_nothing(const struct orri_submission *s)
{
    const char *run = s->run_dir;
    static const char *const names[] = { "script.sh", "lock" };
    char *jobs = orri_batch_path(run, "jobs");
    char *folder = orr_path_join(run, "slurm");
    bool never = access(jobs, F_OK) != 0 && !s->unsure;
    for (size_t i = 0; never && i < 2; i++) {
        char *path = orri_batch_path(run, names[i]);
        (void)unlink(path);
        free(path);
    }
    if (rmdir(folder) == 0)
        (void)rmdir(run);
    free(jobs);
    free(folder);
}

orr_status orri_submit_script(const char *run, const struct orr_text *text,
                              struct orr_error *err)
{
    char *path = orri_batch_path(run, "script.sh");
    orr_status status = orr_file_write(path, text->s, text->length, true, err);
    if (status == ORR_OK && chmod(path, 0700) != 0)
        status =
            orr_error_errno(err, ORR_ERR_STORE, errno, "cannot make %s a script", path);
    free(path);
    return status;
}

void orri_submit_note(const char *run, const char *job)
{
    char *folder = orr_path_join(run, "slurm");
    char *path = orri_batch_path(run, "jobs");
    char now[ORR_TIME_TEXT];
    orr_clock_text(orr_clock_wall(), now);
    bool made = orr_mkdirs(run, 0700, NULL) == ORR_OK &&
                orr_mkdirs(folder, 0700, NULL) == ORR_OK;
    FILE *file = made ? fopen(path, "a") : NULL;
    if (!file || fprintf(file, "%s submitted %s\n", job, now) < 0 || fclose(file) != 0)
        (void)fprintf(stderr, "orrery submit: warning: cannot note job %s in %s: %s\n",
                      job, path, strerror(errno));
    free(folder);
    free(path);
}

/* ---- sbatch ---- */

struct orri_sbatch_call orri_sbatch_own(struct orri_submission *s)
{
    static const char *const none[] = { NULL };
    const char **handed = orr_arena_alloc(&s->arena, s->line->n_args * sizeof *handed);
    for (size_t i = 1; i < s->line->n_args; i++)
        handed[i - 1] = s->line->args[i];
    handed[s->line->n_args - 1] = NULL;
    return (struct orri_sbatch_call) {
        .script = "script.sh",
        .options = s->options,
        .n_options = s->n_options,
        .name = s->job->name,
        .directory = orr_arena_printf(&s->arena, "%s/slurm", s->run_dir),
        .words = none,
        .handed = handed,
    };
}

static size_t count(const char *const *words)
{
    size_t n = 0;
    while (words[n])
        n++;
    return n;
}

int orri_sbatch(struct orri_submission *s, const struct orri_sbatch_call *call,
                char **job)
{
    bool test = orri_has(s->line, "dry-run");
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_text messages = ORR_TEXT_INIT;
    const char **argv =
        orr_alloc(count(call->words) + count(call->handed) + OWN_WORDS, sizeof *argv);
    size_t n = 0;
    char *script = orri_batch_path(s->run_dir, call->script);
    argv[n++] = "sbatch";
    argv[n++] = test ? "--test-only" : "--parsable";
    argv[n++] = "--job-name";
    argv[n++] = call->name;
    argv[n++] = "--chdir";
    argv[n++] = call->directory;
    for (size_t i = 0; call->words[i]; i++)
        argv[n++] = call->words[i];
    for (size_t i = 0; call->handed[i]; i++)
        argv[n++] = call->handed[i];
    argv[n++] = script;
    argv[n++] = call->argument;
    int code = orri_program((char *const *)(uintptr_t)argv, &out, &messages);
    if (code != ORRI_NOT_STARTED)
        orr_text_print(stderr, messages.s);
    out.s[strcspn(out.s, ";\n")] = '\0';
    *job = orr_strdup(test ? "" : out.s);
    code = code == 0 ? ORR_EXIT_OK : orri_tell_refused(s, call, code, messages.s);
    free(script);
    free(argv);
    orr_text_release(&out);
    orr_text_release(&messages);
    return code;
}

/* ---- one run ---- */

/* None while a job is there, or may be; after a message an exit code. */
static int check_free(const struct orri_submission *s)
{
    char *job = orri_batch_job(s->run_dir);
    struct orri_batch_state state = orri_batch_state(job);
    char *other = *state.state || *state.trouble ? orr_strdup("")
                                                 : orri_batch_unnoted(s->run_dir);
    if (*other) { /* from now on it is known */
        orri_submit_note(s->run_dir, other);
        orri_batch_state_release(&state);
        state = orri_batch_state(other);
    }
    int code = *state.trouble ? ORR_EXIT_MACHINE
               : *state.state ? ORR_EXIT_INPUT
                              : ORR_EXIT_OK;
    if (*state.trouble)
        (void)fprintf(stderr,
                      "orrery submit: is job %s of %s still there? Slurm cannot be "
                      "asked: %s\n",
                      job, s->run_dir, state.trouble);
    else if (code)
        (void)fprintf(stderr,
                      "orrery submit: %s has a job already, %s (%s): orrery cancel %s "
                      "ends it\n",
                      s->run_dir, *other ? other : job, state.state, s->run_dir);
    orri_batch_state_release(&state);
    free(other);
    free(job);
    return code;
}

static int submit_script(struct orri_submission *s)
{
    struct orri_sbatch_call call = orri_sbatch_own(s);
    char *job = NULL;
    bool test = orri_has(s->line, "dry-run");
    if (!test)
        orri_batch_reopen(s->run_dir);
    int code = orri_sbatch(s, &call, &job);
    if (!test)
        orri_batch_reopened(s->run_dir, code == ORR_EXIT_OK || s->unsure);
    if (code == ORR_EXIT_OK && *job) {
        orri_submit_note(s->run_dir, job);
        (void)printf("job         %s\nrun         %s\n", job, s->run_dir);
        orri_end_guests(s->run_dir);
        code = s->guests ? orri_submit_guests(s, job) : code;
    }
    free(job);
    return code;
}

int orri_submit_run(struct orri_submission *s, const struct orr_text *script)
{
    struct orr_error err = { 0 };
    int lock = -1;
    if (orri_is_array(s->run_dir)) {
        (void)fprintf(stderr,
                      "orrery submit: %s is an array of runs: submit it with --array, "
                      "or give another --run-dir\n",
                      s->run_dir);
        return ORR_EXIT_INPUT;
    }
    orr_status status = orri_submit_open(s->run_dir, &lock, &err);
    int code = status == ORR_OK ? check_free(s) : ORR_EXIT_INPUT;
    if (status == ORR_OK && code == ORR_EXIT_OK) {
        status = orri_submit_script(s->run_dir, script, &err);
        if (status == ORR_OK)
            code = submit_script(s);
    }
    if (lock >= 0) {
        orri_submit_leave_nothing(s);
        (void)close(lock);
    }
    return status == ORR_OK ? code : orri_complain(&err);
}
