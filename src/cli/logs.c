/* logs.c - orrery logs: what the jobs of a run printed; owns nothing */
#include "base/file.h"
#include "base/memory.h"
#include "cli/batch.h"
#include "cli/command.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* False after a message. */
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
    if (heading)
        (void)printf("==> %s <==\n", path);
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        (void)fwrite(piece, 1, n, stdout);
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

static int logs_main(const struct orr_line *line)
{
    const char *run = line->args[0];
    char *pattern = pattern_of(run);
    char *attempts = orri_batch_path(run, "attempts");
    glob_t found;
    int code = ORR_EXIT_OK;
    bool any = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc;
    if (any)
        qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, by_number);
    size_t first = any && orri_has(line, "last") ? found.gl_pathc - 1 : 0;
    if (orri_has(line, "attempts"))
        code = print_file(attempts, false) ? ORR_EXIT_OK : ORR_EXIT_INPUT;
    else if (!any)
        (void)fprintf(stderr,
                      "orrery logs: no job of %s has written a log yet (they are in "
                      "%s/slurm)\n",
                      run, run);
    for (size_t i = first; any && !orri_has(line, "attempts") && i < found.gl_pathc;
         i++)
        if (!print_file(found.gl_pathv[i], found.gl_pathc > 1))
            code = ORR_EXIT_MACHINE;
    if (!any && !orri_has(line, "attempts"))
        code = ORR_EXIT_INPUT;
    globfree(&found);
    free(pattern);
    free(attempts);
    return code;
}

static const struct orr_option logs_options[] = {
    { "last", 0, NULL, "of the newest job only", false },
    { "attempts", 0, NULL, "when jobs started, ended, and what they were told", false },
    { 0 },
};

const struct orr_command_entry orri_logs = {
    .name = "logs",
    .arguments = "RUN",
    .summary = "what the Slurm jobs of a run printed",
    .options = logs_options,
    .least = 1,
    .most = 1,
    .run = logs_main,
};
