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
#include <sys/stat.h>

/* What is said of the run's own job, and not of these. */
static bool is_the_jobs_own(const char *name)
{
    static const char *const own[] = {
        "nodes",  "ntasks",     "output",    "no-kill",
        "signal", "dependency", "exclusive", "nodelist"
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i], name) == 0)
            return true;
    return false;
}

static size_t choose_options(struct orri_submission *s, const char *job,
                             struct orr_slurm_option *out)
{
    const char *partition = orri_option(s->line, "opportunistic-partition");
    size_t n = 0;
    for (size_t i = 0; i < s->n_options; i++)
        if (!is_the_jobs_own(s->options[i].name))
            out[n++] = s->options[i];
    out[n++] = (struct orr_slurm_option) { .name = "nodes", .value = "1" };
    out[n++] =
        (struct orr_slurm_option) { .name = "output", .value = "guest-%A_%a.txt" };
    out[n++] = (struct orr_slurm_option) { .name = "signal", .value = "B:USR1@60" };
    out[n++] = (struct orr_slurm_option) {
        .name = "array", .value = orr_arena_printf(&s->arena, "1-%ld", s->guests)
    };
    /* not before it has begun; what waits there then is theirs */
    out[n++] = (struct orr_slurm_option) {
        .name = "dependency", .value = orr_arena_printf(&s->arena, "after:%s", job)
    };
    if (partition)
        out[n++] =
            (struct orr_slurm_option) { .name = "partition", .value = partition };
    return n;
}

enum { OWN_OPTIONS = 8 };

static void put_script(struct orri_submission *s, const char *job, struct orr_text *out)
{
    struct orr_slurm_option *options =
        orr_alloc(s->n_options + OWN_OPTIONS, sizeof *options);
    const char *command[] = { s->self, "join", s->run_dir };
    struct orr_slurm_script script = {
        .options = options,
        .n_options = choose_options(s, job, options),
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
    free(options);
}

void orri_print_guests(struct orri_submission *s)
{
    struct orr_text text = ORR_TEXT_INIT;
    put_script(s, "JOB", &text);
    (void)printf("\n# ==== %s/slurm/guests.sh, for when the job above has its id, JOB "
                 "====\n%s",
                 s->run_dir, text.s);
    orr_text_release(&text);
}

/* What the command line hands on to sbatch (--qos=NAME, --exclude NODES), but for short
 * options and what is the job's own. */
static size_t hand_on(struct orri_submission *s, const char **argv)
{
    size_t n = 0;
    for (size_t i = 1; i < s->line->n_args; i++) {
        const char *word = s->line->args[i];
        const char *next = i + 1 < s->line->n_args ? s->line->args[i + 1] : "-";
        if (strncmp(word, "--", 2) != 0)
            continue;
        size_t length = strcspn(word + 2, "=");
        if (is_the_jobs_own(orr_arena_strndup(&s->arena, word + 2, length)))
            continue;
        argv[n++] = word;
        if (!strchr(word, '=') && *next != '-')
            argv[n++] = next;
    }
    return n;
}

enum { OWN_WORDS = 8 };

static int call_sbatch(struct orri_submission *s, const char *script)
{
    const char *own[] = {
        "sbatch",     "--parsable",
        "--job-name", orr_arena_printf(&s->arena, "%s-guest", s->job->name),
        "--chdir",    orr_arena_printf(&s->arena, "%s/slurm", s->run_dir)
    };
    const char **argv = orr_alloc(2 * s->line->n_args + OWN_WORDS, sizeof *argv);
    size_t n = sizeof own / sizeof *own;
    memcpy(argv, own, sizeof own);
    n += hand_on(s, argv + n);
    argv[n] = script;
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_text messages = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    char *note = orri_batch_path(s->run_dir, "guests");
    int code = orri_program((char *const *)(uintptr_t)argv, &out, &messages);
    out.s[strcspn(out.s, ";\n")] = '\0';
    orr_text_print(stderr, messages.s);
    if (code != 0) {
        (void)fprintf(stderr,
                      "orrery submit: the run has its job, but no opportunistic ones: "
                      "sbatch refused %s\n",
                      script);
        code = ORR_EXIT_INPUT;
    } else {
        (void)printf("beside it   %s (%ld opportunistic jobs)\n", out.s, s->guests);
        if (orr_file_write(note, out.s, out.length, false, &err) != ORR_OK)
            code = orri_complain(&err);
    }
    free(note);
    free(argv);
    orr_text_release(&out);
    orr_text_release(&messages);
    return code;
}

int orri_submit_guests(struct orri_submission *s, const char *job)
{
    struct orr_error err = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    char *path = orri_batch_path(s->run_dir, "guests.sh");
    put_script(s, job, &text);
    int code = orr_file_write(path, text.s, text.length, true, &err) == ORR_OK
                   ? call_sbatch(s, path)
                   : orri_complain(&err);
    orr_text_release(&text);
    free(path);
    return code;
}

char *orri_guests_job(const char *run)
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
