/* rundir.c - the run directory
 * Owns: the layout, the file `run`. Hands on: the lock (lock.c), shards (shard.c). */
#include "store/rundir.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/lock.h"
#include "store/shard.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME "lock"
#define WHAT "run directory"

struct orr_rundir {
    char *path;
    struct orr_run_info info; /* as in the file `run` */
    struct orri_lock lock;
};

static const char *const folders[] = { "shards", "out", "cache", "logs", "scratch" };
/* Of `orrery submit`: it may be there before the run. */
#define SLURM_FOLDER "slurm"
enum { N_FOLDERS = sizeof folders / sizeof folders[0] };

/* --- the file `run` --------------------------------------------------------- */

static orr_status write_info(const struct orr_rundir *dir, struct orr_error *err)
{
    char id[ORR_ID_TEXT];
    char created[ORR_TIME_TEXT];
    struct orr_text text = ORR_TEXT_INIT;
    orr_id_text(dir->info.id, id);
    orr_clock_text(dir->info.created, created);
    orr_text_printf(&text,
                    "orrery-run %u\nid %s\ncreated %" PRId64 "\nepoch %" PRIu32
                    "\n# created %s; made by orrery " ORR_VERSION "\n",
                    dir->info.format, id, dir->info.created, dir->info.epoch, created);
    char *path = orr_path_join(dir->path, "run");
    orr_status status = orr_file_write(path, text.s, text.length, true, err);
    free(path);
    orr_text_release(&text);
    return status;
}

static bool parse_info(const char *text, struct orr_run_info *out)
{
    char hi[17];
    char lo[17];
    if (sscanf(text,
               "orrery-run %" SCNu32 "\nid %16[0-9a-f]%16[0-9a-f]\ncreated %" SCNd64
               "\nepoch %" SCNu32,
               &out->format, hi, lo, &out->created, &out->epoch) != 5)
        return false;
    out->id.hi = strtoull(hi, NULL, 16);
    out->id.lo = strtoull(lo, NULL, 16);
    return strlen(hi) == 16 && strlen(lo) == 16;
}

static orr_status read_info(const char *path, struct orr_run_info *out,
                            struct orr_error *err)
{
    struct stat info;
    struct orr_text text = ORR_TEXT_INIT;
    *out = (struct orr_run_info) { 0 };
    if (stat(path, &info) != 0)
        return orr_error_errno(err, ORR_ERR_INPUT, errno,
                               "cannot find run directory %s", path);
    char *file = orr_path_join(path, "run");
    char *array = orr_path_join(path, "array");
    orr_status status = ORR_OK;
    if (access(array, F_OK) == 0)
        status = orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                               "%s is an array of runs: name one of them, as %s/0",
                               path, path);
    else if (!S_ISDIR(info.st_mode) || (access(file, F_OK) != 0 && errno == ENOENT))
        status = orr_error_set(
            err, ORR_ERR_INPUT, ORR_NO_SPAN,
            "%s is not a run directory: %s; `orrery run` makes them", path,
            S_ISDIR(info.st_mode) ? "it holds no file 'run'" : "it is a file");
    if (status == ORR_OK)
        status = orr_file_read(file, 4096, &text, err);
    unsigned version = 0;
    if (status == ORR_OK && sscanf(text.s, "orrery-run %u", &version) == 1 &&
        version > ORR_RUN_FORMAT)
        status = orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                               "%s was made by a newer Orrery (run format %u, this one "
                               "reads up to %d); use that version",
                               path, version, ORR_RUN_FORMAT);
    else if (status == ORR_OK && !parse_info(text.s, out))
        status = orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                               "%s is damaged or was not made by Orrery: expected "
                               "'orrery-run 1' and the run's id",
                               file);
    free(array);
    free(file);
    orr_text_release(&text);
    return status;
}

orr_status orr_run_info_read(const char *path, struct orr_run_info *out,
                             struct orr_error *err)
{
    struct orri_lock_owner owner;
    struct orr_run_info info;
    int64_t silent = 0;
    orr_status status = read_info(path, &info, err);
    if (status != ORR_OK)
        return status;
    enum orri_lock_state state = orri_lock_peek(path, LOCK_NAME, &owner, &silent);
    if (state != ORRI_LOCK_FREE) {
        char since[ORR_TIME_TEXT];
        orr_clock_text(owner.since, since);
        info.locked = state == ORRI_LOCK_LIVE;
        info.gone = state == ORRI_LOCK_STALE && silent <= ORR_LOCK_SILENCE;
        (void)snprintf(info.owner, sizeof info.owner,
                       "pid %" PRId64 " on host %s since %s", owner.pid, owner.host,
                       since);
    }
    *out = info;
    return ORR_OK;
}

/* --- making and opening ----------------------------------------------------- */

static bool ours(const char *name)
{
    for (size_t i = 0; i < N_FOLDERS; i++)
        if (strcmp(name, folders[i]) == 0)
            return true;
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
           strcmp(name, SLURM_FOLDER) == 0 ||
           strncmp(name, LOCK_NAME, strlen(LOCK_NAME)) == 0 ||
           strncmp(name, "run.tmp-", 8) == 0;
}

/* A directory that we may use: nothing in it but what a killed create left. */
static orr_status check_unused(const char *path, struct orr_error *err)
{
    struct dirent *entry = NULL;
    DIR *stream = opendir(path);
    if (!stream)
        return orr_error_errno(err, ORR_ERR_INPUT, errno, "cannot open directory %s",
                               path);
    char other[256] = "";
    bool is_run = false;
    while ((entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, "run") == 0)
            is_run = true;
        else if (!ours(entry->d_name))
            (void)snprintf(other, sizeof other, "%.255s", entry->d_name);
    }
    (void)closedir(stream);
    if (is_run)
        return orr_error_set(
            err, ORR_ERR_INPUT, ORR_NO_SPAN,
            "%s holds a run already; continue it with `orrery resume %s`, "
            "or give another --run-dir",
            path, path);
    if (other[0])
        return orr_error_set(
            err, ORR_ERR_INPUT, ORR_NO_SPAN,
            "%s is not empty and not a run directory (it holds '%s'); give "
            "another --run-dir",
            path, other);
    return ORR_OK;
}

static orr_status make_root(const char *path, struct orr_error *err)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode))
        return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                             "%s is a file, not a directory; give another --run-dir",
                             path);
    orr_status status = orr_mkdirs(path, 0700, err);
    if (status == ORR_OK)
        status = check_unused(path, err);
    if (status == ORR_OK && chmod(path, 0700) != 0)
        return orr_error_errno(err, ORR_ERR_STORE, errno,
                               "cannot make %s private to its user", path);
    return status;
}

static orr_status make_folders(const char *path, struct orr_error *err)
{
    orr_status status = ORR_OK;
    for (size_t i = 0; i < N_FOLDERS && status == ORR_OK; i++) {
        char *folder = orr_path_join(path, folders[i]);
        status = orr_mkdirs(folder, 0700, err);
        free(folder);
    }
    if (status == ORR_OK)
        status = orr_fsync_directory(path, err);
    return status;
}

static orr_status absolute_path(const char *path, char **out, struct orr_error *err)
{
    *out = realpath(path, NULL);
    if (!*out)
        return orr_error_errno(err, ORR_ERR_STORE, errno, "cannot find %s", path);
    return ORR_OK;
}

static orr_status new_id(struct orr_id *out, struct orr_error *err)
{
    uint64_t words[2];
    if (getrandom(words, sizeof words, 0) != (ssize_t)sizeof words)
        return orr_error_errno(err, ORR_ERR_MACHINE, errno, "cannot get random bytes");
    *out = (struct orr_id) { words[0], words[1] };
    return ORR_OK;
}

orr_status orr_rundir_create(const char *path, struct orr_rundir **out,
                             struct orr_error *err)
{
    struct orr_rundir *dir = orr_alloc(1, sizeof *dir);
    dir->info = (struct orr_run_info) { .format = ORR_RUN_FORMAT,
                                        .epoch = 1,
                                        .created = orr_clock_wall() };
    orr_status status = make_root(path, err);
    if (status == ORR_OK)
        status = absolute_path(path, &dir->path, err);
    if (status == ORR_OK)
        status = orri_lock_take(dir->path, LOCK_NAME, WHAT, &dir->lock, err);
    if (status == ORR_OK)
        status = check_unused(dir->path, err); /* another may have been quicker */
    if (status == ORR_OK)
        status = make_folders(dir->path, err);
    if (status == ORR_OK)
        status = new_id(&dir->info.id, err);
    if (status == ORR_OK)
        status = write_info(dir, err);
    if (status != ORR_OK) {
        orr_rundir_close(dir);
        return status;
    }
    *out = dir;
    return ORR_OK;
}

/* What killed processes were making; under the lock nobody makes anything. */
static int remove_entry(const char *path, const struct stat *info, int kind,
                        struct FTW *at)
{
    (void)info;
    (void)kind;
    if (at->level > 0) /* the folder itself stays */
        (void)remove(path);
    return 0;
}

enum { OPEN_FOLDERS = 16 };

static void remove_files(const struct orr_rundir *dir, const char *name,
                         const char *part)
{
    struct dirent *entry = NULL;
    char *folder = orr_path_join(dir->path, name);
    DIR *stream = opendir(folder);
    while (stream && (entry = readdir(stream)) != NULL)
        if (strstr(entry->d_name, part))
            (void)unlinkat(dirfd(stream), entry->d_name, 0);
    if (stream)
        (void)closedir(stream);
    free(folder);
}

/* What killed writers and attempts left. */
static void remove_left_over(const struct orr_rundir *dir)
{
    char *scratch = orr_path_join(dir->path, "scratch");
    (void)nftw(scratch, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
    free(scratch);
    remove_files(dir, "shards", ".h5.tmp-");
    remove_files(dir, "reuse", "table.tmp-");
    remove_files(dir, ".", "run.h5.tmp-");
}

/* The next epoch: no shard file and no earlier session has it. */
static orr_status begin_epoch(struct orr_rundir *dir, struct orr_error *err)
{
    uint32_t newest = 0;
    orr_status status = orri_shard_newest_epoch(dir->path, &newest, err);
    if (status != ORR_OK)
        return status;
    dir->info.epoch = (newest > dir->info.epoch ? newest : dir->info.epoch) + 1;
    return write_info(dir, err);
}

orr_status orr_rundir_open(const char *path, struct orr_rundir **out,
                           struct orr_error *err)
{
    struct orr_run_info info;
    orr_status status = read_info(path, &info, err);
    if (status != ORR_OK)
        return status;
    struct orr_rundir *dir = orr_alloc(1, sizeof *dir);
    status = absolute_path(path, &dir->path, err);
    if (status == ORR_OK)
        status = orri_lock_take(dir->path, LOCK_NAME, WHAT, &dir->lock, err);
    if (status == ORR_OK) /* only under the lock does it hold still */
        status = read_info(dir->path, &dir->info, err);
    if (status == ORR_OK)
        status = make_folders(dir->path, err);
    if (status == ORR_OK) {
        remove_left_over(dir);
        status = begin_epoch(dir, err);
    }
    if (status != ORR_OK) {
        orr_rundir_close(dir);
        return status;
    }
    *out = dir;
    return ORR_OK;
}

void orr_rundir_close(struct orr_rundir *dir)
{
    if (!dir)
        return;
    orri_lock_release(&dir->lock);
    free(dir->path);
    free(dir);
}

orr_status orr_rundir_beat(struct orr_rundir *dir, struct orr_error *err)
{
    return orri_lock_beat(&dir->lock, err);
}

const char *orr_rundir_path(const struct orr_rundir *dir) { return dir->path; }
struct orr_id orr_rundir_id(const struct orr_rundir *dir) { return dir->info.id; }
uint32_t orr_rundir_epoch(const struct orr_rundir *dir) { return dir->info.epoch; }
bool orr_rundir_took_over(const struct orr_rundir *dir) { return dir->lock.took_over; }
