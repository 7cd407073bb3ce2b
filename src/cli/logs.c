/* logs.c - orrery logs: what the jobs of a run printed; owns nothing */
#include "base/file.h"
#include "base/memory.h"
#include "cli/array.h"
#include "cli/batch.h"
#include "cli/command.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* False after a message. Of an empty file nothing is said. */
static bool print_file(const char *path, bool heading)
{
    char piece[1 << 16];
    size_t n = 0;
    FILE *file = fopen(path, "r");
    if (!file) {
        (void)fprintf(stderr, "orrery logs: cannot read %s: %s\n", path,
                      strerror(errno));
        return false;
    }
    while ((n = fread(piece, 1, sizeof piece, file)) > 0) {
        if (heading)
            (void)printf("==> %s <==\n", path);
        heading = false;
        (void)fwrite(piece, 1, n, stdout);
    }
    (void)fclose(file);
    return true;
}

/* In the order of the job ids, which is that of time. */
static int by_number(const void *a, const void *b)
{
    const char *x = *(char *const *)a;
    const char *y = *(char *const *)b;
    if (strlen(x) != strlen(y))
        return strlen(x) < strlen(y) ? -1 : 1;
    return strcmp(x, y);
}

/* A directory that has characters of patterns in its name is no pattern. */
static char *pattern_of(const char *run)
{
    struct orr_text text = ORR_TEXT_INIT;
    for (; *run; run++)
        orr_text_printf(&text, strchr("*?[\\", *run) ? "\\%c" : "%c", *run);
    orr_text_puts(&text, "/slurm/log-*.txt");
    return text.s;
}

/* The logs of one run; how many there are, -1 after a message. */
static int print_logs(const char *run, bool last, bool heading)
{
    char *pattern = pattern_of(run);
    glob_t found = { 0 };
    int n = glob(pattern, 0, NULL, &found) == 0 ? (int)found.gl_pathc : 0;
    bool good = true;
    if (n)
        qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, by_number);
    for (int i = last && n ? n - 1 : 0; i < n; i++)
        good = print_file(found.gl_pathv[i], heading || n > 1) && good;
    globfree(&found);
    free(pattern);
    return good ? n : -1;
}

static int print_attempts(const char *run, bool heading)
{
    char *path = orri_batch_path(run, "attempts");
    bool none = access(path, F_OK) != 0;
    bool good = !none && print_file(path, heading);
    free(path);
    return none ? 0 : good ? 1 : -1;
}

static int print_run(const struct orr_line *line, const char *run, bool heading)
{
    return orri_has(line, "attempts")
               ? print_attempts(run, heading)
               : print_logs(run, orri_has(line, "last"), heading);
}

/* What became of a job that never got as far as its script? */
static int tell_none(const char *run)
{
    char *job = orri_batch_job(run);
    struct orri_batch_state state = orri_batch_state(job);
    (void)fprintf(stderr,
                  "orrery logs: no job of %s has written a log yet (they are in "
                  "%s/slurm)\n",
                  run, run);
    if (*state.trouble)
        (void)fprintf(stderr, "orrery logs: Slurm cannot be asked: %s\n",
                      state.trouble);
    else if (*state.state)
        (void)fprintf(stderr, "orrery logs: job %s: %s %s\n", job, state.state,
                      state.more);
    else if (*job)
        (void)fprintf(stderr, ORRI_NEVER_BEGAN, job, job);
    orri_batch_state_release(&state);
    free(job);
    return ORR_EXIT_INPUT;
}

static int print_array(const struct orr_line *line, const char *run)
{
    struct orri_array array;
    struct orr_error err = { 0 };
    if (orri_array_open(run, &array, &err) != ORR_OK)
        return orri_complain(&err);
    int sum = print_run(line, run, true); /* what came before an element's own */
    for (uint32_t i = 0; i < array.n && sum >= 0; i++) {
        int n = print_run(line, array.elements[i].run, true);
        sum = n < 0 ? n : sum + n;
    }
    orri_array_release(&array);
    return sum;
}

static int logs_main(const struct orr_line *line)
{
    const char *run = line->args[0];
    int n = orri_is_array(run) ? print_array(line, run) : print_run(line, run, false);
    return n > 0 ? ORR_EXIT_OK : n == 0 ? tell_none(run) : ORR_EXIT_MACHINE;
}

static const struct orr_option logs_options[] = {
    { "last", 0, NULL, "of the newest job only", false },
    { "attempts", 0, NULL, "when jobs started, ended, and what they were told", false },
    { 0 },
};

const struct orr_command_entry orri_logs = {
    .name = "logs",
    .arguments = "RUN",
    .summary = "what the Slurm jobs of a run, or of an array, printed",
    .options = logs_options,
    .least = 1,
    .most = 1,
    .run = logs_main,
};
