/* tables.c - where the tables of a run are read
 *
 * A run that ended has run.h5. One that was killed has none, or that of an earlier
 * session; one that is on has none yet: their tables are made of what they have stored.
 * Owns: the temporary file. Hands on: going through the run again (replay.c), the
 * tables (record). */
#include "cli/tables.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/replay.h"
#include "record/record.h"
#include "tables/runfile.h"
#include "view/status.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- making them ---- */

/* What the newest session said at its end; a session that said nothing was killed. */
static const char *state_of(const struct orri_replay *replay)
{
    struct orr_run_status status;
    bool told = orr_status_read(replay->run_dir, &status, NULL) == ORR_OK &&
                status.epoch == replay->info.epoch &&
                orr_run_state_exit_code(status.state) >= 0;
    if (told)
        return orr_run_state_text(status.state);
    return replay->info.locked ? "running" : "killed";
}

static const char *job_of(const struct orri_replay *replay)
{
    return replay->request.name ? replay->request.name : replay->job->name;
}

int orri_tables_make(const char *command, const char *run_dir, const char *path,
                     enum orri_making how)
{
    struct orri_replay replay;
    struct orr_error err = { 0 };
    int code = orri_replay_open(run_dir, how & ORRI_NOW, &replay);
    if (code == ORR_EXIT_OK) {
        struct orr_id *identities = orri_replay_identities(&replay);
        struct orr_record_setup setup = { .run_dir = run_dir,
                                          .graph = replay.job->graph,
                                          .engine = replay.engine,
                                          .identities = identities,
                                          .job = job_of(&replay),
                                          .state = state_of(&replay),
                                          .portable = how & ORRI_PORTABLE };
        orri_replay_tell(&replay, command);
        if (orr_record_write(&setup, path, &err) != ORR_OK)
            code = orri_complain(&err);
        free(identities);
    }
    orri_replay_release(&replay);
    return code;
}

/* ---- finding them ---- */

/* A temporary file must be gone when we are, whatever ends us: a reader of our output
 * that has enough, an interrupt, a kill. So a child waits for the end of a pipe that we
 * hold the other end of, and removes the file then. (HDF5 opens no file without a
 * name.) Returns our end, or -1. */
static int guard_directory(const char *directory)
{
    static const char *const names[] = { "%s/run.h5", "%s/run.h5.tmp-%ld" };
    long parent = (long)getpid();
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child != 0) {
        (void)close(ends[0]);
        return ends[1];
    }
    char byte;
    (void)setsid();
    (void)close(ends[1]);
    for (int fd = 0; fd <= 2; fd++)
        (void)close(fd);
    while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
        continue;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof path, names[i], directory, parent);
        (void)unlink(path);
    }
    (void)rmdir(directory);
    _exit(0);
}

static int make_temporary(const char *command, const char *run_dir,
                          struct orri_tables *out)
{
    const char *place = getenv("TMPDIR");
    struct orr_text directory = ORR_TEXT_INIT;
    int code = ORR_EXIT_MACHINE;
    orr_text_printf(&directory, "%s/orrery-XXXXXX", place && *place ? place : "/tmp");
    if (!mkdtemp(directory.s)) {
        (void)fprintf(stderr, "orrery %s: cannot make a directory in %s: %s\n", command,
                      place && *place ? place : "/tmp", strerror(errno));
    } else {
        out->guard = guard_directory(directory.s);
        out->path = orr_path_join(directory.s, "run.h5");
        code = orri_tables_make(command, run_dir, out->path, ORRI_PLAIN);
    }
    orr_text_release(&directory);
    return code;
}

static bool is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* Is run.h5 of this release's form, of the newest session, and of its end? Damage is
 * said, not worked around: something is wrong with the disk, or someone wrote there. */
static orr_status is_current(const char *path, const struct orr_run_info *info,
                             bool *current, struct orr_error *err)
{
    struct orr_tables_about about;
    char id[ORR_ID_TEXT];
    *current = false;
    if (access(path, F_OK) != 0)
        return ORR_OK;
    orr_status status = orr_tables_about(path, &about, err);
    orr_id_text(info->id, id);
    *current = status == ORR_OK && about.version == ORR_RUNFILE_VERSION &&
               about.epoch == info->epoch && strcmp(about.run_id, id) == 0 &&
               strcmp(about.state, "running") != 0;
    return status;
}

int orri_tables_open(const char *command, const char *run, struct orri_tables *out)
{
    struct orr_run_info info;
    struct orr_error err = { 0 };
    bool current = false;
    *out = (struct orri_tables) { .guard = -1 };
    if (is_file(run)) {
        struct orr_tables_about about;
        out->path = orr_strdup(run);
        return orr_tables_about(run, &about, &err) == ORR_OK ? ORR_EXIT_OK
                                                             : orri_complain(&err);
    }
    if (orr_run_info_read(run, &info, &err) != ORR_OK)
        return orri_complain(&err);
    out->run_dir = run;
    char *path = orr_path_join(run, "run.h5");
    int code = ORR_EXIT_OK;
    if (is_current(path, &info, &current, &err) != ORR_OK)
        code = orri_complain(&err);
    else if (current)
        out->path = orr_strdup(path);
    else
        code = make_temporary(command, run, out);
    free(path);
    return code;
}

void orri_tables_release(struct orri_tables *tables)
{
    if (tables->guard >= 0)
        (void)close(tables->guard);
    free(tables->path);
    *tables = (struct orri_tables) { .guard = -1 };
}
