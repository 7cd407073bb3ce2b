/* blob.c - the bytes of blobs, from the shards
 * Owns: a few open shard files. Hands on: nothing. */
#include "store/scan.h"

#include "base/file.h"
#include "base/memory.h"
#include "store/shard.h"
#include "store/share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FILES = 16, PIECE_BYTES = 1 << 20 };

struct slot {
    struct orri_shard_id shard;
    int fd;        /* -1: free */
    uint64_t used; /* larger: later */
};

struct orr_blob_reader {
    char *run_dir;
    uint64_t clock;
    struct slot slots[OPEN_FILES];
};

struct orr_blob_reader *orr_blob_reader_new(const char *run_dir)
{
    struct orr_blob_reader *reader = orr_alloc(1, sizeof *reader);
    reader->run_dir = orr_strdup(run_dir);
    for (int i = 0; i < OPEN_FILES; i++)
        reader->slots[i].fd = -1;
    return reader;
}

void orr_blob_reader_free(struct orr_blob_reader *reader)
{
    if (!reader)
        return;
    for (int i = 0; i < OPEN_FILES; i++)
        if (reader->slots[i].fd >= 0)
            (void)close(reader->slots[i].fd);
    free(reader->run_dir);
    free(reader);
}

static struct slot *find_slot(struct orr_blob_reader *reader,
                              const struct orr_blob *blob)
{
    struct slot *oldest = &reader->slots[0];
    for (int i = 0; i < OPEN_FILES; i++) {
        struct slot *slot = &reader->slots[i];
        if (slot->fd >= 0 && slot->shard.writer == blob->writer &&
            slot->shard.epoch == blob->epoch && slot->shard.segment == blob->segment)
            return slot;
        if (slot->fd < 0 || (oldest->fd >= 0 && slot->used < oldest->used))
            oldest = slot;
    }
    if (oldest->fd >= 0)
        (void)close(oldest->fd);
    oldest->fd = -1;
    return oldest;
}

static orr_status open_shard(struct orr_blob_reader *reader,
                             const struct orr_blob *blob, int *fd,
                             struct orr_error *err)
{
    struct slot *slot = find_slot(reader, blob);
    orr_status status = ORR_OK;
    if (slot->fd < 0) {
        char name[ORRI_BLOB_FILE];
        slot->shard = (struct orri_shard_id) { .writer = blob->writer,
                                               .epoch = blob->epoch,
                                               .segment = blob->segment };
        orri_blob_file(blob, name);
        char *path = orr_path_join(reader->run_dir, name);
        slot->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (slot->fd < 0)
            status = orr_error_errno(err, ORR_ERR_STORE, errno,
                                     "cannot open the shard of a blob, %s", path);
        free(path);
    }
    slot->used = ++reader->clock;
    *fd = slot->fd;
    return status;
}

/* Which blob of which shard, for errors. */
static orr_status blob_error(const struct orr_blob_reader *reader,
                             const struct orr_blob *blob, orr_status status, int bad,
                             const char *what, struct orr_error *err)
{
    char hash[ORR_ID_TEXT];
    char name[ORRI_BLOB_FILE];
    orr_id_text(blob->hash, hash);
    orri_blob_file(blob, name);
    return orr_error_set(
        err, status, ORR_NO_SPAN, "blob %.12s (%llu bytes at %llu of %s/%s): %s", hash,
        (unsigned long long)blob->length, (unsigned long long)blob->offset,
        reader->run_dir, name, bad ? strerror(bad) : what);
}

/* Bounds come from other people's bytes: never past the file, never an overflow. */
static orr_status find_blob(struct orr_blob_reader *reader, const struct orr_blob *blob,
                            int *fd, struct orr_error *err)
{
    struct stat info;
    if (blob->writer == ORR_BLOB_LOCAL)
        return blob_error(reader, blob, ORR_ERR_DATA, 0, "it was never stored", err);
    orr_status status = open_shard(reader, blob, fd, err);
    if (status != ORR_OK)
        return status;
    if (fstat(*fd, &info) != 0)
        return blob_error(reader, blob, ORR_ERR_STORE, errno, "", err);
    uint64_t bytes = (uint64_t)info.st_size;
    if (bytes < ORRI_LOG_OFFSET || blob->length > bytes - ORRI_LOG_OFFSET ||
        blob->offset > bytes - ORRI_LOG_OFFSET - blob->length)
        return blob_error(reader, blob, ORR_ERR_DATA, 0, "the file is too short", err);
    return ORR_OK;
}

static orr_status read_piece(struct orr_blob_reader *reader,
                             const struct orr_blob *blob, int fd, uint64_t from,
                             void *out, size_t length, struct orr_error *err)
{
    size_t done = 0;
    while (done < length) {
        ssize_t n = pread(fd, (char *)out + done, length - done,
                          (off_t)(ORRI_LOG_OFFSET + blob->offset + from + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return blob_error(reader, blob, n < 0 ? ORR_ERR_STORE : ORR_ERR_DATA,
                              n < 0 ? errno : 0, "the file ends within it", err);
        done += (size_t)n;
    }
    return ORR_OK;
}

static orr_status check_hash(const struct orr_blob_reader *reader,
                             const struct orr_blob *blob, struct orr_id is,
                             struct orr_error *err)
{
    if (orr_id_equal(is, blob->hash))
        return ORR_OK;
    return blob_error(reader, blob, ORR_ERR_DATA, 0,
                      "its bytes are damaged (wrong checksum); check the disk", err);
}

static orr_status load_once(struct orr_blob_reader *reader, const struct orr_blob *blob,
                            void **bytes, struct orr_error *err)
{
    int fd = -1;
    orr_status status = find_blob(reader, blob, &fd, err);
    if (status != ORR_OK)
        return status;
    char *data = orr_alloc((size_t)blob->length + 1, 1);
    status = read_piece(reader, blob, fd, 0, data, (size_t)blob->length, err);
    if (status == ORR_OK)
        status = check_hash(reader, blob, orr_hash(data, (size_t)blob->length), err);
    if (status == ORR_OK)
        *bytes = data;
    else
        free(data);
    return status;
}

static void close_shard(struct orr_blob_reader *reader, const struct orr_blob *blob)
{
    struct slot *slot = find_slot(reader, blob);
    if (slot->fd >= 0)
        (void)close(slot->fd);
    slot->fd = -1;
}

orr_status orr_blob_load(struct orr_blob_reader *reader, const struct orr_blob *blob,
                         void **bytes, struct orr_error *err)
{
    struct orr_error first = { .code = ORR_OK };
    orr_status status = load_once(reader, blob, bytes, &first);
    if (status == ORR_OK)
        return ORR_OK;
    /* A file that another host wrote to while it was open here may show old bytes on
     * NFS: what was written before it was opened is sure to be seen. */
    close_shard(reader, blob);
    return load_once(reader, blob, bytes, err);
}

orr_status orr_blob_copy(struct orr_blob_reader *reader, const struct orr_blob *blob,
                         int to, struct orr_error *err)
{
    int fd = -1;
    orr_status status = find_blob(reader, blob, &fd, err);
    if (status != ORR_OK)
        return status;
    struct orr_hasher *hasher = orr_hasher_new();
    char *piece = orr_alloc(PIECE_BYTES, 1);
    for (uint64_t done = 0; done < blob->length && status == ORR_OK;) {
        uint64_t left = blob->length - done;
        size_t n = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        status = read_piece(reader, blob, fd, done, piece, n, err);
        if (status != ORR_OK)
            break;
        orr_hasher_add(hasher, piece, n);
        if (orr_write_all(to, piece, n) != 0)
            status = blob_error(reader, blob, ORR_ERR_STORE, errno, "", err);
        done += n;
    }
    free(piece);
    struct orr_id is = orr_hasher_end(hasher);
    orr_hasher_free(hasher);
    return status == ORR_OK ? check_hash(reader, blob, is, err) : status;
}
