/* export.c - orrery export: run.h5 made anew, one portable file, or blobs as files
 * Owns: which of these is asked for. Hands on: tables (tables.c), blobs
 * (export_blobs.c). */
#include "base/file.h"
#include "base/memory.h"
#include "cli/tables.h"
#include "store/rundir.h"
#include "upkeep/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the logs have lost, run.h5 is the last to know. */
static bool would_lose(const char *run, bool force)
{
    uint64_t tasks = 0;
    struct orr_error err = { 0 };
    if (force)
        return false;
    if (orr_run_file_ahead(run, &tasks, &err) != ORR_OK) {
        (void)orri_complain(&err);
        return true;
    }
    if (tasks)
        (void)fprintf(stderr,
                      "orrery export: %s/run.h5 knows the results of %" PRIu64
                      " task%s that the shards have lost: see `orrery verify %s`; "
                      "--force replaces it\n",
                      run, tasks, tasks == 1 ? "" : "s", run);
    return tasks > 0;
}

static int make_run_file(const char *run, bool force, enum orri_making how)
{
    if (would_lose(run, force))
        return ORR_EXIT_INPUT;
    char *path = orr_path_join(run, "run.h5");
    int code = orri_tables_make("export", run, path, how);
    if (code == ORR_EXIT_OK)
        (void)printf("%s\n", path);
    free(path);
    return code;
}

static int make_portable(const char *run, const char *path, bool force,
                         enum orri_making how)
{
    struct stat info;
    if (lstat(path, &info) == 0 && (!force || S_ISDIR(info.st_mode))) {
        (void)fprintf(stderr, "orrery export: %s is there already%s\n", path,
                      S_ISDIR(info.st_mode) ? ", and is a directory"
                                            : "; --force replaces it");
        return ORR_EXIT_INPUT;
    }
    int code = orri_tables_make("export", run, path, how | ORRI_PORTABLE);
    if (code == ORR_EXIT_OK)
        (void)printf("%s\n", path);
    return code;
}

static int make_files(const char *run, const char *where, const char *directory)
{
    struct orri_tables tables;
    int code = orri_tables_open("export", run, &tables);
    if (code == ORR_EXIT_OK)
        code = orri_export_blobs(&tables, where, directory);
    orri_tables_release(&tables);
    return code;
}

/* Options that belong to others; false after a message. */
static bool check(const struct orr_line *line)
{
    const char *wrong = NULL;
    if (orri_has(line, "blobs") && orri_has(line, "to"))
        wrong = "--blobs and --to are two exports: give one of them";
    else if (orri_has(line, "where") && !orri_has(line, "blobs"))
        wrong = "--where goes with --blobs";
    else if (orri_has(line, "force") && orri_has(line, "blobs"))
        wrong = "--force goes with run.h5 and --to";
    else if (orri_has(line, "now") && orri_has(line, "blobs"))
        wrong = "--now goes with run.h5 and --to: --blobs reads what they say";
    if (wrong)
        (void)fprintf(stderr, "orrery export: %s\n", wrong);
    return !wrong;
}

static int export_main(const struct orr_line *line)
{
    struct orr_run_info info;
    struct orr_error err = { 0 };
    const char *run = line->args[0];
    const char *directory = orri_option(line, "blobs");
    const char *path = orri_option(line, "to");
    enum orri_making how = orri_has(line, "now") ? ORRI_NOW : ORRI_PLAIN;
    if (!check(line))
        return ORR_EXIT_INPUT;
    if (directory)
        return make_files(run, orri_option(line, "where"), directory);
    if (orr_run_info_read(run, &info, &err) != ORR_OK)
        return orri_complain(&err);
    return path ? make_portable(run, path, orri_has(line, "force"), how)
                : make_run_file(run, orri_has(line, "force"), how);
}

static const struct orr_option export_options[] = {
    { "blobs", 'b', "DIR", "write each blob as a file below DIR, with an index.csv",
      false },
    { "where", 'w', "EXPR", "with --blobs: only these rows of the table blobs", false },
    { "to", 't', "FILE",
      "write FILE.h5 to take along: tables and the bytes of all blobs", false },
    { "now", 0, NULL,
      "with the job and workflow files as they are, not as the run keeps them", false },
    { "force", 0, NULL, "replace FILE, or a run.h5 that knows more than the shards",
      false },
    { 0 },
};

const struct orr_command_entry orri_export = {
    .name = "export",
    .arguments = "RUN",
    .summary = "make run.h5 anew, or take a run's results along",
    .details =
        "Without options, RUN/run.h5 is made from what the run has stored, whether it "
        "ended, was killed\nor is still on. Nothing is run.",
    .options = export_options,
    .least = 1,
    .most = 1,
    .run = export_main,
};
