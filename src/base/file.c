/* file.c - whole files, appearing whole or not at all; owns nothing */
#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name or a right that the user gave wrongly, or a machine in trouble? */
static orr_status whose_fault(int error)
{
    switch (error) {
    case EIO:
    case ESTALE:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return ORR_ERR_STORE;
    default: return ORR_ERR_INPUT;
    }
}

static orr_status read_fd(int fd, const char *path, size_t limit, struct orr_text *out,
                          struct orr_error *err)
{
    char block[16384];
    size_t start = out->length;
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return orr_error_errno(err, whose_fault(errno), errno, "cannot read %s",
                                   path);
        if (n == 0)
            break;
        orr_text_append(out, block, (size_t)n);
        if (out->length - start > limit)
            return orr_error_set(err, ORR_ERR_LIMIT, ORR_NO_SPAN,
                                 "%s is larger than the limit of %zu bytes", path,
                                 limit);
    }
    if (!out->s)
        orr_text_append(out, "", 0);
    return ORR_OK;
}

orr_status orr_file_read(const char *path, size_t limit, struct orr_text *out,
                         struct orr_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return orr_error_errno(err, whose_fault(errno), errno, "cannot open %s", path);
    orr_status status = read_fd(fd, path, limit, out, err);
    (void)close(fd);
    return status;
}

int orr_write_all(int fd, const void *data, size_t length)
{
    const char *at = data;
    while (length) {
        ssize_t n = write(fd, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

int orr_pwrite_all(int fd, const void *data, size_t length, int64_t offset)
{
    const char *at = data;
    while (length) {
        ssize_t n = pwrite(fd, at, length, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        at += n;
        offset += n;
        length -= (size_t)n;
    }
    return 0;
}

char *orr_path_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return orr_strdup(".");
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    char *directory = orr_alloc(length + 1, 1);
    memcpy(directory, path, length);
    return directory;
}

char *orr_path_join(const char *directory, const char *name)
{
    if (name[0] == '/')
        return orr_strdup(name);
    size_t length = strlen(directory) + strlen(name) + 2;
    char *path = orr_alloc(length, 1);
    (void)snprintf(path, length, "%s/%s", directory, name);
    return path;
}

orr_status orr_fsync_directory(const char *path, struct orr_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return orr_error_errno(err, ORR_ERR_STORE, errno, "cannot open %s", path);
    /* Some network file systems refuse fsync on directories; they order renames. */
    int bad = fsync(fd) != 0 && errno != EINVAL && errno != ENOSYS ? errno : 0;
    (void)close(fd);
    return bad ? orr_error_errno(err, ORR_ERR_STORE, bad, "cannot sync %s", path)
               : ORR_OK;
}

/* `like`: the file whose mode and owner the new one gets, or NULL. */
static int write_temporary(const char *path, const void *data, size_t length,
                           bool durable, const struct stat *like)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, like ? 0600 : 0666);
    if (fd < 0)
        return errno;
    if (like && fchown(fd, like->st_uid, like->st_gid) != 0 && errno != EPERM) {
        int failed = errno;
        (void)close(fd);
        return failed;
    }
    if (like)
        (void)fchmod(fd, like->st_mode & 07777);
    int bad = orr_write_all(fd, data, length) != 0 ? errno : 0;
    if (!bad && durable && fsync(fd) != 0)
        bad = errno;
    if (close(fd) != 0 && !bad)
        bad = errno;
    return bad;
}

static orr_status write_and_rename(const char *path, const void *data, size_t length,
                                   bool durable, const struct stat *like,
                                   struct orr_error *err)
{
    size_t size = strlen(path) + 32;
    char *temporary = orr_alloc(size, 1);
    (void)snprintf(temporary, size, "%s.tmp-%ld", path, (long)getpid());
    int bad = write_temporary(temporary, data, length, durable, like);
    if (!bad && rename(temporary, path) != 0)
        bad = errno;
    if (bad)
        (void)unlink(temporary);
    free(temporary);
    if (bad)
        return orr_error_errno(err, ORR_ERR_STORE, bad, "cannot write %s", path);
    if (!durable)
        return ORR_OK;
    char *directory = orr_path_directory(path);
    orr_status status = orr_fsync_directory(directory, err);
    free(directory);
    return status;
}

orr_status orr_file_write(const char *path, const void *data, size_t length,
                          bool durable, struct orr_error *err)
{
    return write_and_rename(path, data, length, durable, NULL, err);
}

orr_status orr_file_replace(const char *path, const void *data, size_t length,
                            struct orr_error *err)
{
    struct stat like;
    char *target = realpath(path, NULL);
    orr_status status = ORR_OK;
    if (!target || stat(target, &like) != 0)
        status = orr_error_errno(err, ORR_ERR_STORE, errno, "cannot write %s", path);
    else
        status = write_and_rename(target, data, length, true, &like, err);
    free(target);
    return status;
}

static int make_one(const char *path, unsigned mode)
{
    struct stat info;
    if (mkdir(path, mode) == 0)
        return 0;
    int bad = errno;
    if (stat(path, &info) == 0)
        return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
    return bad;
}

orr_status orr_mkdirs(const char *path, unsigned mode, struct orr_error *err)
{
    char *copy = orr_strdup(path);
    int bad = 0;
    for (char *at = copy + 1; *at && !bad; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        bad = make_one(copy, 0777);
        *at = '/';
    }
    if (!bad)
        bad = make_one(copy, mode);
    free(copy);
    if (!bad)
        return ORR_OK;
    orr_status status =
        orr_error_errno(err, ORR_ERR_STORE, bad, "cannot make directory %s", path);
    errno = bad;
    return status;
}

const char *orr_path_short(const char *path)
{
    char here[PATH_MAX];
    while (strncmp(path, "./", 2) == 0 && path[2] && path[2] != '/')
        path += 2;
    if (*path != '/' || !getcwd(here, sizeof here))
        return path;
    size_t n = strlen(here);
    return n > 1 && strncmp(path, here, n) == 0 && path[n] == '/' && path[n + 1]
               ? path + n + 1
               : path;
}
