/* batch.c - RUN/slurm, and asking Slurm's programs
 * Owns: nothing. */
#include "cli/batch.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const int64_t MILLISECOND = ORR_SECOND / 1000;

enum { TEXT_MAX = 16 << 20 };

/* ---- programs ---- */

/* True while there may be more. */
static bool take(int fd, struct orr_text *out)
{
    char piece[4096];
    ssize_t n = read(fd, piece, sizeof piece);
    if (n > 0 && out->length < TEXT_MAX)
        orr_text_append(out, piece, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

/* False: it is not over at that time. */
static bool take_all(int fds[2], struct orr_text *texts[2], int64_t until)
{
    struct pollfd wait[2] = { { fds[0], POLLIN, 0 }, { fds[1], POLLIN, 0 } };
    while (wait[0].fd >= 0 || wait[1].fd >= 0) {
        int64_t left = (until - orr_clock_monotonic()) / MILLISECOND;
        if (until != INT64_MAX && left <= 0)
            return false;
        int n = poll(wait, 2, until == INT64_MAX ? -1 : (int)left + 1);
        if (n < 0 && errno != EINTR)
            return true;
        for (int i = 0; i < 2 && n > 0; i++)
            if (wait[i].fd >= 0 && wait[i].revents && !take(wait[i].fd, texts[i]))
                wait[i].fd = -1;
    }
    return true;
}

/* Without what users set for what they look at themselves (SQUEUE_STATES,
 * SQUEUE_PARTITION, SCANCEL_STATE): we mean what we say. */
static char **plain_environment(void)
{
    static const char *const theirs[] = { "SQUEUE_", "SINFO_", "SCANCEL_",
                                          "SCONTROL_" };
    size_t n = 0;
    size_t kept = 0;
    while (environ[n])
        n++;
    char **out = orr_alloc(n + 1, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        bool keeps = true;
        for (size_t k = 0; k < sizeof theirs / sizeof *theirs; k++)
            keeps = keeps && strncmp(environ[i], theirs[k], strlen(theirs[k])) != 0;
        if (keeps)
            out[kept++] = environ[i];
    }
    out[kept] = NULL;
    return out;
}

/* Pipes for what is wanted, and the program at their other ends: an errno, or 0. */
static int start_program(char *const *argv, char *const *environment,
                         const bool wanted[2], int ours[2], pid_t *pid)
{
    int pipes[2][2] = { { -1, -1 }, { -1, -1 } };
    posix_spawn_file_actions_t actions;
    int bad = posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 2 && !bad; i++) {
        if (!wanted[i])
            continue;
        bad = pipe2(pipes[i], O_CLOEXEC) == 0 ? 0 : errno;
        ours[i] = pipes[i][0];
        if (!bad)
            bad = posix_spawn_file_actions_adddup2(&actions, pipes[i][1], i + 1);
    }
    if (!bad)
        bad = posix_spawnp(pid, argv[0], &actions, NULL, argv, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 2; i++)
        if (pipes[i][1] >= 0)
            (void)close(pipes[i][1]);
    return bad;
}

static int run_program(char *const *argv, char *const *environment, int64_t until,
                       struct orr_text *out, struct orr_text *messages)
{
    struct orr_text *texts[2] = { out, messages };
    int ours[2] = { -1, -1 };
    pid_t pid = 0;
    int status = 0;
    int bad =
        start_program(argv, environment, (const bool[2]) { out, messages }, ours, &pid);
    bool late = !bad && !take_all(ours, texts, until);
    if (late)
        (void)kill(pid, SIGKILL);
    for (int i = 0; i < 2; i++)
        if (ours[i] >= 0)
            (void)close(ours[i]);
    while (!bad && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (bad && messages)
        orr_text_printf(messages, "cannot start %s: %s\n", argv[0], strerror(bad));
    if (late && messages)
        orr_text_printf(messages, "%s does not answer in time\n", argv[0]);
    for (int i = 0; i < 2; i++)
        if (texts[i] && !texts[i]->s)
            orr_text_puts(texts[i], "");
    return bad                 ? ORRI_NOT_STARTED
           : late              ? ORRI_TOO_LATE
           : WIFEXITED(status) ? WEXITSTATUS(status)
                               : 128 + WTERMSIG(status);
}

int orri_program(char *const *argv, struct orr_text *out, struct orr_text *messages)
{
    return run_program(argv, environ, INT64_MAX, out, messages);
}

int orri_program_within(char *const *argv, long seconds, struct orr_text *out,
                        struct orr_text *messages)
{
    char **environment = plain_environment();
    int code = run_program(argv, environment,
                           orr_clock_monotonic() + seconds * ORR_SECOND, out, messages);
    free(environment);
    return code;
}

/* ---- RUN/slurm ---- */

char *orri_batch_path(const char *run, const char *name)
{
    struct orr_text path = ORR_TEXT_INIT;
    orr_text_printf(&path, "%s/slurm/%s", run, name);
    return path.s;
}

static bool read_text(const char *run, const char *name, struct orr_text *out)
{
    char *path = orri_batch_path(run, name);
    bool good = orr_file_read(path, TEXT_MAX, out, NULL) == ORR_OK && out->s;
    free(path);
    return good;
}

char *orri_batch_job(const char *run)
{
    struct orr_text text = ORR_TEXT_INIT;
    char *job = NULL;
    char *rest = NULL;
    if (read_text(run, "jobs", &text))
        for (char *line = strtok_r(text.s, "\n", &rest); line;
             line = strtok_r(NULL, "\n", &rest))
            job = line;
    job = orr_strdup(job ? job : "");
    job[strcspn(job, " ")] = '\0';
    orr_text_release(&text);
    return job;
}

int orri_batch_done(const char *run)
{
    struct orr_text text = ORR_TEXT_INIT;
    int code = -1;
    if (read_text(run, "DONE", &text) && sscanf(text.s, "%d", &code) != 1)
        code = -1;
    orr_text_release(&text);
    return code;
}

void orri_batch_reopen(const char *run)
{
    char *done = orri_batch_path(run, "DONE");
    char *aside = orri_batch_path(run, "DONE.old");
    if (rename(done, aside) != 0)
        (void)unlink(aside); /* of a submission that was killed */
    free(done);
    free(aside);
}

void orri_batch_reopened(const char *run, bool taken)
{
    char *done = orri_batch_path(run, "DONE");
    char *aside = orri_batch_path(run, "DONE.old");
    if (taken)
        (void)unlink(aside);
    else
        (void)rename(aside, done);
    free(done);
    free(aside);
}

char *orri_batch_own_job(void)
{
    const char *job = getenv("SLURM_JOB_ID");
    const char *array = getenv("SLURM_ARRAY_JOB_ID");
    const char *index = getenv("SLURM_ARRAY_TASK_ID");
    struct orr_text id = ORR_TEXT_INIT;
    orr_text_puts(&id, job ? job : "");
    if (job && array && index && strcmp(job, array) == 0)
        orr_text_printf(&id, "_%s", index);
    return id.s;
}

/* ---- squeue ---- */

/* The first line of what a program complains of, without its name for itself. */
static char *first_line(char *messages)
{
    messages[strcspn(messages, "\n")] = '\0';
    const char *at = strstr(messages, "error: ");
    return orr_strdup(at ? at + strlen("error: ") : messages);
}

/* A job that it does not know any more is no trouble. */
static bool ask_squeue(const char *format, const char *jobs, struct orr_text *out,
                       char **trouble)
{
    char *argv[] = { "squeue",  "--noheader",
                     "--array", (char *)(uintptr_t)format,
                     "--jobs",  (char *)(uintptr_t)jobs,
                     NULL };
    struct orr_text messages = ORR_TEXT_INIT;
    int code = orri_program_within(argv, ORRI_ASK_SECONDS, out, &messages);
    bool good = code == 0 || strstr(messages.s, "Invalid job id");
    if (!good)
        *trouble = *messages.s ? first_line(messages.s) : orr_strdup("squeue fails");
    orr_text_release(&messages);
    return good;
}

struct orri_batch_state orri_batch_state(const char *job)
{
    struct orr_text out = ORR_TEXT_INIT;
    struct orri_batch_state state = { NULL, NULL, NULL };
    if (*job && ask_squeue("--format=%T %R", job, &out, &state.trouble)) {
        out.s[strcspn(out.s, "\n")] = '\0';
        char *blank = strchr(out.s, ' ');
        if (blank)
            *blank = '\0';
        state.state = orr_strdup(out.s);
        state.more = orr_strdup(blank ? blank + 1 : "");
    }
    state.state = state.state ? state.state : orr_strdup("");
    state.more = state.more ? state.more : orr_strdup("");
    state.trouble = state.trouble ? state.trouble : orr_strdup("");
    orr_text_release(&out);
    return state;
}

bool orri_batch_list(const char *jobs, struct orr_text *out, char **trouble)
{
    return !*jobs || ask_squeue("--format=%i %T %R", jobs, out, trouble);
}

static char *line_word(char *line)
{
    line[strcspn(line, " ")] = '\0';
    return orr_strdup(line);
}

char *orri_batch_in(const char *folder)
{
    char user[32];
    char *argv[] = { "squeue", "--noheader", "--format=%F %Z", "--user", user, NULL };
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_text messages = ORR_TEXT_INIT;
    char *found = NULL;
    char *rest = NULL;
    (void)snprintf(user, sizeof user, "%ld", (long)getuid());
    if (orri_program_within(argv, ORRI_ASK_SECONDS, &out, &messages) == 0)
        for (char *line = strtok_r(out.s, "\n", &rest); line && !found;
             line = strtok_r(NULL, "\n", &rest)) {
            char *place = strchr(line, ' ');
            if (place && strcmp(place + 1, folder) == 0)
                found = line_word(line);
        }
    orr_text_release(&out);
    orr_text_release(&messages);
    return found ? found : orr_strdup("");
}

char *orri_batch_unnoted(const char *run)
{
    char *folder = orr_path_join(run, "slurm");
    char *job = orri_batch_in(folder);
    free(folder);
    return job;
}

enum { LOOKS = 60, LOOK_SECONDS = 10 };

/* As Slurm shows it: "down*", "allocated*" for one that does not answer. */
static bool is_lost(const char *host)
{
    char *argv[] = { "sinfo",       "--noheader", "--Node",
                     "--format=%T", "--nodes",    (char *)(uintptr_t)host,
                     NULL };
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_text messages = ORR_TEXT_INIT;
    bool lost = orri_program_within(argv, ORRI_ASK_SECONDS, &out, &messages) == 0 &&
                (strchr(out.s, '*') || strncmp(out.s, "down", 4) == 0);
    orr_text_release(&out);
    orr_text_release(&messages);
    return lost;
}

void orri_batch_ask_again(void)
{
    const char *host = getenv(ORRI_BATCH_HOST);
    char *job = orri_batch_own_job();
    char *argv[] = { "scontrol", "requeue", job, NULL };
    bool lost = false;
    for (int i = 0; host && *host && *job && i < LOOKS && !lost; i++) {
        if (i)
            (void)sleep(LOOK_SECONDS);
        lost = is_lost(host);
    }
    if (lost) {
        struct orr_text messages = ORR_TEXT_INIT; /* others ask as well */
        (void)fprintf(stderr,
                      "orrery: %s is lost, and with it the script of job %s: asking "
                      "for another turn\n",
                      host, job);
        (void)orri_program(argv, NULL, &messages);
        orr_text_release(&messages);
    }
    free(job);
}

bool orri_scancel(char *const *jobs, size_t n)
{
    const char **argv = orr_alloc(n + 2, sizeof *argv);
    struct orr_text messages = ORR_TEXT_INIT;
    argv[0] = "scancel";
    for (size_t i = 0; i < n; i++)
        argv[i + 1] = jobs[i];
    int code = orri_program_within((char *const *)(uintptr_t)argv, ORRI_ASK_SECONDS,
                                   NULL, &messages);
    orr_text_print(stderr, messages.s);
    orr_text_release(&messages);
    free(argv);
    return code == 0;
}

void orri_batch_state_release(struct orri_batch_state *state)
{
    free(state->state);
    free(state->more);
    free(state->trouble);
    *state = (struct orri_batch_state) { NULL, NULL, NULL };
}
