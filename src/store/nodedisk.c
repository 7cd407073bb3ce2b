/* nodedisk.c - the folder on a node's disk, and what a killed session left in it
 * Owns: its name and its layout. Hands on: copying (copylog.c), reading logs (walk.c).
 */
#include "store/nodedisk.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/copylog.h"
#include "store/shard.h"
#include "store/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOST_BYTES = 256 };

char *orr_nodedisk_folder(const char *directory, struct orr_id run_id)
{
    char host[HOST_BYTES] = "";
    char id[ORR_ID_TEXT];
    struct orr_text path = ORR_TEXT_INIT;
    (void)gethostname(host, sizeof host - 1);
    orr_id_text(run_id, id);
    orr_text_printf(&path, "%s/orrery-%s-%s", directory, id, host);
    return path.s;
}

orr_status orr_nodedisk_make(const char *folder, struct orr_error *err)
{
    struct stat info;
    char *shards = orr_path_join(folder, "shards");
    orr_status status = ORR_OK;
    int bad = mkdir(folder, 0700) == 0 || errno == EEXIST ? 0 : errno;
    if (!bad && lstat(folder, &info) == 0 &&
        (!S_ISDIR(info.st_mode) || info.st_uid != geteuid()))
        bad = EPERM; /* somebody else's, in a directory for all */
    if (!bad && mkdir(shards, 0700) != 0 && errno != EEXIST)
        bad = errno;
    if (bad)
        status = orr_error_errno(err, ORR_ERR_STORE, bad,
                                 "cannot make %s for results on the node's disk "
                                 "(--local-dir names another place)",
                                 folder);
    free(shards);
    return status;
}

/* Where the last whole group of a log ends, or, when `unbroken`, the last before a gap;
 * 0: there is nothing, or nothing to read. */
static uint64_t end_of(const char *folder, const struct orri_shard_id *shard,
                       bool unbroken, int64_t *created)
{
    struct orri_walk walk;
    struct orr_error why;
    uint64_t end = 0;
    if (orri_walk_open(&walk, folder, shard, &why) != ORR_OK)
        return 0;
    bool good = orri_walk_begin(&walk, shard->run, &why) == ORR_OK;
    while (good && !(unbroken && walk.damage.text[0]) &&
           orri_walk_group(&walk, &why) != ORR_END)
        continue;
    if (good) {
        end = walk.next;
        *created = walk.created;
    }
    orri_walk_close(&walk);
    return end;
}

static uint64_t log_bytes_of(const char *folder, const struct orri_shard_id *shard)
{
    struct stat info = { .st_size = 0 };
    char *path = orri_shard_path(folder, shard, ".blob.h5");
    (void)stat(path, &info);
    free(path);
    return info.st_size > ORRI_LOG_OFFSET ? (uint64_t)info.st_size - ORRI_LOG_OFFSET
                                          : 0;
}

static orr_status copy_rest(const char *folder, const char *run_dir,
                            const struct orri_shard_id *shard, struct orr_error *err)
{
    struct orri_copylog copy;
    int64_t created = 0;
    int64_t ignored = 0;
    uint64_t end = end_of(folder, shard, false, &created);
    /* A copy that was broken off lacks the first header of a piece, not the others. */
    uint64_t have = end ? end_of(run_dir, shard, true, &ignored) : 0;
    if (have >= end)
        return ORR_OK;
    orr_status status = orri_copylog_open(&copy, folder, run_dir, shard, created,
                                          log_bytes_of(folder, shard), have, err);
    if (status != ORR_OK)
        return status;
    status = orri_copylog_upto(&copy, end, err);
    orr_status closed = orri_copylog_close(&copy, false, status == ORR_OK ? err : NULL);
    return status == ORR_OK ? closed : status;
}

static orr_status salvage_log(const char *folder, const char *run_dir,
                              const struct orri_shard_id *shard, struct orr_error *err)
{
    orr_status status = ORR_OK;
    if (!orri_shard_is_sealed(run_dir, shard))
        status = copy_rest(folder, run_dir, shard, err);
    if (status != ORR_OK)
        return status;
    char *path = orri_shard_path(folder, shard, ".blob.h5");
    (void)unlink(path);
    free(path);
    return ORR_OK;
}

/* One agent at a time: those of one machine may share the folder. */
static int lock_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat info;
    if (fd < 0)
        return -1;
    if (fstat(fd, &info) == 0 && info.st_uid == geteuid() && flock(fd, LOCK_EX) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

orr_status orr_nodedisk_salvage(const char *folder, const char *run_dir,
                                struct orr_id run_id, uint32_t before,
                                struct orr_error *err)
{
    struct orri_shard_id *all = NULL;
    size_t n = 0;
    int lock = lock_folder(folder);
    if (lock < 0)
        return ORR_OK;
    orr_status status =
        orri_shard_list(folder, &all, &n, NULL) == ORR_OK ? ORR_OK : ORR_END;
    for (size_t i = 0; i < n && status == ORR_OK; i++) {
        all[i].run = run_id;
        if (all[i].epoch < before)
            status = salvage_log(folder, run_dir, &all[i], err);
    }
    free(all);
    (void)close(lock);
    return status == ORR_END ? ORR_OK : status;
}

void orr_nodedisk_remove(const char *folder)
{
    char *shards = orr_path_join(folder, "shards");
    if (rmdir(shards) == 0)
        (void)rmdir(folder);
    free(shards);
}
