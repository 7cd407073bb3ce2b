/* shard.c - shard files
 * Owns: their names, the HDF5 shell around the log (made with the library, then left
 * alone). Hands on: the log's frames (log.c), the index (seal.c). */
#include "store/shard.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "hdf/hdf.h"
#include "store/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOB_SUFFIX ".blob.h5"

/* --- names ------------------------------------------------------------------ */

void orr_shard_name(uint32_t writer, uint32_t epoch, uint32_t segment,
                    char out[ORR_SHARD_NAME])
{
    (void)snprintf(out, ORR_SHARD_NAME, "w%05" PRIu32 "-e%03" PRIu32 "-s%06" PRIu32,
                   writer, epoch, segment);
}

char *orri_shard_path(const char *run_dir, const struct orri_shard_id *shard,
                      const char *suffix)
{
    char name[ORR_SHARD_NAME];
    struct orr_text path = ORR_TEXT_INIT;
    orr_shard_name(shard->writer, shard->epoch, shard->segment, name);
    orr_text_printf(&path, "%s/shards/%s%s", run_dir, name, suffix);
    return path.s;
}

bool orri_shard_parse(const char *file, const char *suffix, struct orri_shard_id *out)
{
    char name[ORR_SHARD_NAME];
    struct orri_shard_id id = { .writer = 0 };
    if (sscanf(file, "w%" SCNu32 "-e%" SCNu32 "-s%" SCNu32, &id.writer, &id.epoch,
               &id.segment) != 3)
        return false;
    orr_shard_name(id.writer, id.epoch, id.segment, name);
    size_t length = strlen(name);
    if (strncmp(file, name, length) != 0 || strcmp(file + length, suffix) != 0)
        return false;
    *out = id;
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct orri_shard_id *x = a;
    const struct orri_shard_id *y = b;
    if (x->writer != y->writer)
        return x->writer < y->writer ? -1 : 1;
    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    return x->segment < y->segment ? -1 : x->segment > y->segment;
}

orr_status orri_shard_list(const char *run_dir, struct orri_shard_id **out, size_t *n,
                           struct orr_error *err)
{
    struct orri_shard_id *all = NULL;
    struct dirent *entry = NULL;
    size_t count = 0;
    size_t cap = 0;
    char *folder = orr_path_join(run_dir, "shards");
    DIR *stream = opendir(folder);
    if (!stream) {
        orr_status status = orr_error_errno(err, ORR_ERR_STORE, errno,
                                            "cannot read directory %s", folder);
        free(folder);
        return status;
    }
    while ((entry = readdir(stream)) != NULL) {
        struct orri_shard_id id;
        if (!orri_shard_parse(entry->d_name, BLOB_SUFFIX, &id))
            continue;
        all = orr_grow(all, count, &cap, sizeof *all);
        all[count++] = id;
    }
    (void)closedir(stream);
    free(folder);
    if (count)
        qsort(all, count, sizeof *all, by_name);
    *out = all;
    *n = count;
    return ORR_OK;
}

orr_status orri_shard_newest_epoch(const char *run_dir, uint32_t *epoch,
                                   struct orr_error *err)
{
    struct orri_shard_id *all = NULL;
    size_t n = 0;
    orr_status status = orri_shard_list(run_dir, &all, &n, err);
    if (status != ORR_OK)
        return status;
    *epoch = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i].epoch > *epoch)
            *epoch = all[i].epoch;
    free(all);
    return ORR_OK;
}

/* --- the HDF5 shell --------------------------------------------------------- */

static bool put_attributes(hid_t root, const struct orri_shard_id *shard,
                           int64_t created)
{
    char id[ORR_ID_TEXT];
    orr_id_text(shard->run, id);
    return orri_hdf_put_text(root, "format", "orrery-shard") &&
           orri_hdf_put_u32(root, "version", ORRI_SHARD_FORMAT) &&
           orri_hdf_put_text(root, "run_id", id) &&
           orri_hdf_put_u32(root, "writer", shard->writer) &&
           orri_hdf_put_u32(root, "epoch", shard->epoch) &&
           orri_hdf_put_u32(root, "segment", shard->segment) &&
           orri_hdf_put_int(root, "created", created) &&
           orri_hdf_put_text(root, "created.unit", "ns since 1970-01-01 UTC") &&
           orri_hdf_put_text(root, "log.description",
                             "results as frames with checksums (docs/store.md); read "
                             "them with `orrery ls` or `orrery export`");
}

/* One contiguous dataset, its place taken at once and its bytes never filled: the file
 * stays sparse, and where the bytes lie never changes. */
static bool put_log(hid_t file, uint64_t log_bytes)
{
    const hsize_t extent = log_bytes;
    hid_t space = H5Screate_simple(1, &extent, NULL);
    hid_t how = H5Pcreate(H5P_DATASET_CREATE);
    bool ok = H5Pset_layout(how, H5D_CONTIGUOUS) >= 0 &&
              H5Pset_alloc_time(how, H5D_ALLOC_TIME_EARLY) >= 0 &&
              H5Pset_fill_time(how, H5D_FILL_TIME_NEVER) >= 0;
    hid_t log =
        H5Dcreate2(file, "log", H5T_STD_U8LE, space, H5P_DEFAULT, how, H5P_DEFAULT);
    ok = ok && log >= 0;
    if (ok && H5Dget_offset(log) != ORRI_LOG_OFFSET)
        ORR_BUG("HDF5 put the log at %llu, not at %d",
                (unsigned long long)H5Dget_offset(log), ORRI_LOG_OFFSET);
    if (log >= 0)
        (void)H5Dclose(log);
    (void)H5Pclose(how);
    (void)H5Sclose(space);
    return ok;
}

/* Large objects start at multiples of 16 KiB; everything small goes into one block of
 * 8 KiB before. */
static hid_t shell_access(void)
{
    hid_t access = orri_hdf_access();
    if (H5Pset_alignment(access, ORRI_LOG_OFFSET, ORRI_LOG_OFFSET) < 0 ||
        H5Pset_meta_block_size(access, 8192) < 0)
        ORR_BUG("HDF5 refuses the settings of a shard");
    return access;
}

static orr_status write_shell(const char *path, const struct orri_shard_id *shard,
                              uint64_t log_bytes, int64_t created,
                              struct orr_error *err)
{
    struct stat info;
    orri_hdf_begin();
    hid_t access = shell_access();
    (void)unlink(path); /* a temporary name with our pid: left by an earlier life */
    hid_t file = H5Fcreate(path, H5F_ACC_EXCL, H5P_DEFAULT, access);
    (void)H5Pclose(access);
    if (file < 0)
        return orri_hdf_error(err, "cannot make", path);
    bool ok = put_attributes(file, shard, created) && put_log(file, log_bytes);
    if (!ok)
        (void)orri_hdf_error(err, "cannot write", path);
    if (H5Fclose(file) < 0 && ok) {
        (void)orri_hdf_error(err, "cannot write", path);
        ok = false;
    }
    if (!ok)
        return ORR_ERR_STORE;
    if (stat(path, &info) != 0)
        return orr_error_errno(err, ORR_ERR_STORE, errno, "cannot find %s", path);
    if ((uint64_t)info.st_size != ORRI_LOG_OFFSET + log_bytes)
        ORR_BUG("HDF5 made %s %lld bytes long", path, (long long)info.st_size);
    return ORR_OK;
}

/* Give the finished file its name, unless the name is taken. */
static orr_status publish(const char *temporary, const char *path,
                          struct orr_error *err)
{
    if (link(temporary, path) == 0) {
        (void)unlink(temporary);
        return ORR_OK;
    }
    int bad = errno;
    if ((bad == EPERM || bad == EOPNOTSUPP || bad == ENOSYS) &&
        access(path, F_OK) != 0 &&
        rename(temporary, path) == 0) /* a file system without hard links */
        return ORR_OK;
    if (bad == EEXIST)
        return orr_error_set(
            err, ORR_ERR_STORE, ORR_NO_SPAN,
            "%s exists already: is another run writing to this directory?", path);
    return orr_error_errno(err, ORR_ERR_STORE, bad, "cannot name %s", path);
}

static orr_status sync_folder(const char *run_dir, bool durable, struct orr_error *err)
{
    if (!durable)
        return ORR_OK;
    char *folder = orr_path_join(run_dir, "shards");
    orr_status status = orr_fsync_directory(folder, err);
    free(folder);
    return status;
}

static char *temporary_path(const char *run_dir, const struct orri_shard_id *shard)
{
    char suffix[64];
    (void)snprintf(suffix, sizeof suffix, BLOB_SUFFIX ".tmp-%ld", (long)getpid());
    return orri_shard_path(run_dir, shard, suffix);
}

orr_status orri_shard_create(const char *run_dir, const struct orri_shard_id *shard,
                             uint64_t log_bytes, int64_t created, bool durable,
                             int *out, struct orr_error *err)
{
    int fd = -1;
    char *path = orri_shard_path(run_dir, shard, BLOB_SUFFIX);
    char *temporary = temporary_path(run_dir, shard);
    orr_status status = write_shell(temporary, shard, log_bytes, created, err);
    if (status == ORR_OK) {
        fd = open(temporary, O_RDWR | O_CLOEXEC);
        if (fd < 0 || (durable && fsync(fd) != 0))
            status = orr_error_errno(err, ORR_ERR_STORE, errno, "cannot write %s",
                                     temporary);
    }
    if (status == ORR_OK)
        status = publish(temporary, path, err);
    if (status == ORR_OK)
        status = sync_folder(run_dir, durable, err);
    if (status == ORR_OK)
        *out = fd;
    else {
        (void)unlink(temporary);
        if (fd >= 0)
            (void)close(fd);
    }
    free(temporary);
    free(path);
    return status;
}

/* --- trimming --------------------------------------------------------------- */

static orr_status read_head(const char *path, unsigned char *head,
                            struct orr_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, head, ORRI_LOG_OFFSET, 0);
    int bad = n < 0 ? errno : 0;
    if (fd >= 0)
        (void)close(fd);
    if (bad || n != ORRI_LOG_OFFSET)
        return orr_error_errno(err, ORR_ERR_STORE, bad ? bad : EIO, "cannot read %s",
                               path);
    return ORR_OK;
}

/* The head of a file whose log has another length, made by the library. */
static orr_status make_head(const char *run_dir, const struct orri_shard_id *shard,
                            uint64_t log_bytes, int64_t created, unsigned char *head,
                            struct orr_error *err)
{
    char *temporary = temporary_path(run_dir, shard);
    orr_status status = write_shell(temporary, shard, log_bytes, created, err);
    if (status == ORR_OK)
        status = read_head(temporary, head, err);
    (void)unlink(temporary);
    free(temporary);
    return status;
}

orr_status orri_shard_trim(const char *run_dir, const struct orri_shard_id *shard,
                           int fd, uint64_t log_bytes, int64_t created, bool durable,
                           struct orr_error *err)
{
    unsigned char *head = orr_alloc(ORRI_LOG_OFFSET, 1);
    orr_status status = make_head(run_dir, shard, log_bytes, created, head, err);
    int bad = 0;
    if (status == ORR_OK) {
        /* A file longer than its head says is readable, a shorter one is not. */
        if (orr_pwrite_all(fd, head, ORRI_LOG_OFFSET, 0) != 0 ||
            (durable && fdatasync(fd) != 0) ||
            ftruncate(fd, (off_t)(ORRI_LOG_OFFSET + log_bytes)) != 0 ||
            (durable && fdatasync(fd) != 0))
            bad = errno;
    }
    if (bad) {
        char *path = orri_shard_path(run_dir, shard, BLOB_SUFFIX);
        status = orr_error_errno(err, ORR_ERR_STORE, bad, "cannot trim %s", path);
        free(path);
    }
    free(head);
    return status;
}
