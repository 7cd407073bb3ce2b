/* submit_guests.c - orrery submit --opportunistic: small jobs that join a run
 * Owns: nothing. Hands on: the script (slurm/script.c). */
#include "base/file.h"
#include "base/memory.h"
#include "cli/batch.h"
#include "cli/submission.h"
#include "slurm/slurm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is said of the run's own job, and not of these. */
static bool is_the_jobs_own(const struct orri_submission *s, const char *name)
{
    static const char *const own[] = {
        "nodes",  "ntasks",     "output",    "no-kill",
        "signal", "dependency", "exclusive", "nodelist"
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i], name) == 0)
            return true;
    return strcmp(name, "partition") == 0 &&
           orri_has(s->line, "opportunistic-partition");
}

static size_t choose_options(struct orri_submission *s, const char *job,
                             struct orr_slurm_option *out)
{
    const char *partition = orri_option(s->line, "opportunistic-partition");
    size_t n = 0;
    for (size_t i = 0; i < s->n_options; i++)
        if (!is_the_jobs_own(s, s->options[i].name))
            out[n++] = s->options[i];
    out[n++] = (struct orr_slurm_option) { .name = "nodes", .value = "1" };
    out[n++] = (struct orr_slurm_option) { .name = "output",
                                           .value = "slurm/guest-%A_%a.txt" };
    out[n++] = (struct orr_slurm_option) { .name = "signal", .value = "B:USR1@60" };
    out[n++] = (struct orr_slurm_option) {
        .name = "array", .value = orr_arena_printf(&s->arena, "1-%ld", s->guests)
    };
    /* not before it has begun; what waits there then is theirs */
    out[n++] = (struct orr_slurm_option) {
        .name = "dependency", .value = orr_arena_printf(&s->arena, "after:%s", job)
    };
    if (partition)
        out[n++] = (struct orr_slurm_option) { "partition", partition,
                                               "--opportunistic-partition" };
    return n;
}

enum { OWN_OPTIONS = 8 };

/* *options: free() it. */
static size_t put_script(struct orri_submission *s, const char *job,
                         struct orr_slurm_option **options, struct orr_text *out)
{
    *options = orr_alloc(s->n_options + OWN_OPTIONS, sizeof **options);
    const char *command[] = { s->self, "join", s->run_dir };
    struct orr_slurm_script script = {
        .options = *options,
        .n_options = choose_options(s, job, *options),
        .run_dir = s->run_dir,
        .guest = true,
        .requeues = (uint32_t)s->requeues,
        .directory = s->directory,
        .command = command,
        .n_command = sizeof command / sizeof *command,
        .modules = s->site.modules,
        .n_modules = s->site.n_modules,
        .site = s->site_file,
        .setup = s->site.setup,
        .n_setup = s->site.n_setup,
        .umask = orri_mask_now(),
    };
    orr_slurm_script_put(&script, out);
    return script.n_options;
}

void orri_print_guests(struct orri_submission *s)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_slurm_option *options = NULL;
    (void)put_script(s, "JOB", &options, &text);
    (void)printf("\n# ==== %s/slurm/guests.sh, for when the job above has its id, JOB "
                 "====\n%s",
                 s->run_dir, text.s);
    free(options);
    orr_text_release(&text);
}

/* What the command line hands on to sbatch (--qos=NAME, --exclude NODES), but for short
 * options and what is the job's own. */
static const char *const *hand_on(struct orri_submission *s)
{
    const char **argv = orr_arena_alloc(&s->arena, 2 * s->line->n_args * sizeof *argv);
    size_t n = 0;
    for (size_t i = 1; i < s->line->n_args; i++) {
        const char *word = s->line->args[i];
        const char *next = i + 1 < s->line->n_args ? s->line->args[i + 1] : "-";
        if (strncmp(word, "--", 2) != 0)
            continue;
        size_t length = strcspn(word + 2, "=");
        if (is_the_jobs_own(s, orr_arena_strndup(&s->arena, word + 2, length)))
            continue;
        argv[n++] = word;
        if (!strchr(word, '=') && *next != '-')
            argv[n++] = next;
    }
    argv[n] = NULL;
    return argv;
}

/* Not where the run's own job works, which is found by that. */
static const char *working_directory(struct orri_submission *s)
{
    char *path = realpath(s->run_dir, NULL);
    const char *place = orr_arena_strdup(&s->arena, path ? path : s->run_dir);
    free(path);
    return place;
}

static int call_sbatch(struct orri_submission *s,
                       const struct orr_slurm_option *options, size_t n)
{
    static const char *const none[] = { NULL };
    struct orri_sbatch_call call = {
        .script = "guests.sh",
        .options = options,
        .n_options = n,
        .name = orr_arena_printf(&s->arena, "%s-guest", s->job->name),
        .directory = working_directory(s),
        .words = none,
        .handed = hand_on(s),
        .guests = true,
    };
    struct orr_error err = { 0 };
    char *note = orri_batch_path(s->run_dir, "guests");
    char *job = NULL;
    int code = orri_sbatch(s, &call, &job);
    if (code == ORR_EXIT_OK) {
        (void)printf("beside it   %s (%ld opportunistic jobs)\n", job, s->guests);
        if (orr_file_write(note, job, strlen(job), false, &err) != ORR_OK)
            code = orri_complain(&err);
    }
    free(note);
    free(job);
    return code;
}

int orri_submit_guests(struct orri_submission *s, const char *job)
{
    struct orr_error err = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_slurm_option *options = NULL;
    char *path = orri_batch_path(s->run_dir, "guests.sh");
    size_t n = put_script(s, job, &options, &text);
    int code = orr_file_write(path, text.s, text.length, true, &err) == ORR_OK
                   ? call_sbatch(s, options, n)
                   : orri_complain(&err);
    orr_text_release(&text);
    free(options);
    free(path);
    return code;
}

/* ---- later ---- */

static char *noted_job(const char *run)
{
    struct orr_text text = ORR_TEXT_INIT;
    char *path = orri_batch_path(run, "guests");
    (void)orr_file_read(path, 100, &text, NULL);
    free(path);
    char *job = orr_strdup(text.s ? text.s : "");
    job[strspn(job, "0123456789")] = '\0';
    orr_text_release(&text);
    return job;
}

/* sbatch may not have been told in time that Slurm took them. */
static char *unnoted_job(const char *run)
{
    char *script = orri_batch_path(run, "guests.sh");
    char *folder = access(script, F_OK) == 0 ? realpath(run, NULL) : NULL;
    char *job = folder ? orri_batch_in(folder) : orr_strdup("");
    free(script);
    free(folder);
    return job;
}

char *orri_guests_job(const char *run)
{
    char *job = noted_job(run);
    struct orri_batch_state state = orri_batch_state(job);
    if (!*state.state) {
        free(job);
        job = unnoted_job(run);
    }
    orri_batch_state_release(&state);
    return job;
}

void orri_end_guests(const char *run)
{
    char *job = orri_guests_job(run);
    if (*job && orri_scancel(&job, 1))
        (void)printf("before      %s cancelled (opportunistic jobs)\n", job);
    free(job);
}
