/* share.c - files of one run in another; owns nothing */
#include "store/share.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

void orri_blob_file(const struct orr_blob *blob, char out[ORRI_BLOB_FILE])
{
    if (blob->writer == ORR_BLOB_REUSED)
        (void)snprintf(out, ORRI_BLOB_FILE, "reuse/s%06" PRIu32 ".blob.h5",
                       blob->segment);
    else
        (void)snprintf(out, ORRI_BLOB_FILE,
                       "shards/w%05" PRIu32 "-e%03" PRIu32 "-s%06" PRIu32 ".blob.h5",
                       blob->writer, blob->epoch, blob->segment);
}

static char *real_path(int directory, const char *name)
{
    char at[64];
    (void)snprintf(at, sizeof at, "/proc/self/fd/%d", directory);
    char *whole = orr_path_join(at, name);
    char *real = realpath(whole, NULL);
    free(whole);
    return real;
}

enum orri_shared orri_share_shard(int from, const char *name, const char *to)
{
    struct stat info;
    if (linkat(from, name, AT_FDCWD, to, AT_SYMLINK_FOLLOW) == 0)
        return ORRI_SHARED_LINK;
    if (errno == EEXIST)
        return stat(to, &info) == 0 ? ORRI_SHARED_LINK : ORRI_SHARED_NOT;
    if (errno != EXDEV && errno != EPERM && errno != EMLINK && errno != ENOTSUP)
        return ORRI_SHARED_NOT;
    char *real = real_path(from, name);
    bool good = real && symlink(real, to) == 0;
    free(real);
    return good ? ORRI_SHARED_BY_NAME : ORRI_SHARED_NOT;
}

static bool look(int bad, const struct stat *info, const char *name,
                 struct orr_file_seen *out)
{
    if (bad || !S_ISREG(info->st_mode))
        return false;
    *out = (struct orr_file_seen) { name, info->st_size, info->st_mtim.tv_sec,
                                    info->st_mtim.tv_nsec };
    return true;
}

bool orri_look_at(int directory, const char *name, struct orr_file_seen *out)
{
    struct stat info;
    int bad = fstatat(directory, name, &info, 0);
    return look(bad, &info, name, out);
}

bool orri_seen_equal(const struct orr_file_seen *a, const struct orr_file_seen *b)
{
    return a->size == b->size && a->seconds == b->seconds &&
           a->nanoseconds == b->nanoseconds;
}

static bool copy_bytes(int from, int to)
{
    enum { PIECE = 1 << 20 };
    char *piece = orr_alloc(PIECE, 1);
    ssize_t n = 0;
    while ((n = read(from, piece, PIECE)) > 0 &&
           orr_write_all(to, piece, (size_t)n) == 0)
        continue;
    free(piece);
    return n == 0;
}

/* To a new file `to`, with time and mode. */
static bool copy_file(int from, const char *name, const char *to, bool may_copy)
{
    struct stat info;
    int in = openat(from, name, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = out >= 0 && fstat(in, &info) == 0 &&
                (ioctl(out, FICLONE, in) == 0 || (may_copy && copy_bytes(in, out)));
    if (good) {
        struct timespec times[2] = { info.st_atim, info.st_mtim };
        good = fchmod(out, info.st_mode & 0777) == 0 && futimens(out, times) == 0;
    }
    if (in >= 0)
        (void)close(in);
    if (out >= 0)
        (void)close(out);
    if (out >= 0 && !good)
        (void)unlink(to);
    return good;
}

bool orri_share_file(int from, const char *name, const char *to, bool may_copy)
{
    struct orr_file_seen here;
    struct orr_file_seen there;
    if (!orri_look_at(from, name, &there))
        return false;
    if (orri_look_at(AT_FDCWD, to, &here) && orri_seen_equal(&here, &there))
        return true;
    char *folder = orr_path_directory(to);
    struct orr_text fresh = ORR_TEXT_INIT;
    orr_text_printf(&fresh, "%s.tmp-%ld", to, (long)getpid());
    bool good = orr_mkdirs(folder, 0777, NULL) == ORR_OK;
    (void)unlink(fresh.s);
    good = good && (copy_file(from, name, fresh.s, false) ||
                    linkat(from, name, AT_FDCWD, fresh.s, AT_SYMLINK_FOLLOW) == 0 ||
                    (may_copy && copy_file(from, name, fresh.s, true)));
    good = good && rename(fresh.s, to) == 0;
    (void)unlink(fresh.s); /* rename of two links to one file leaves both */
    orr_text_release(&fresh);
    free(folder);
    return good;
}

const char *orri_below_out(const char *root, const char *path)
{
    size_t length = strlen(root);
    if (strncmp(path, root, length) != 0 || strncmp(path + length, "/out/", 5) != 0 ||
        !path[length + 5] || strstr(path + length, "/../"))
        return NULL;
    return path + length + 5;
}
