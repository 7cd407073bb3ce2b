/* copylog.c - the bytes of a log that grows, from one file to another
 * Owns: the two files. Hands on: how a shard is made and cut (shard.c). */
#include "store/copylog.h"

#include "base/file.h"
#include "base/memory.h"
#include "store/shard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20 };

static orr_status read_error(const struct orri_copylog *copy, int bad,
                             struct orr_error *err)
{
    return orr_error_set(err, ORR_ERR_STORE, ORR_NO_SPAN,
                         "cannot read results from %s: %s", copy->from_path,
                         bad ? strerror(bad) : "it is shorter than it was");
}

static orr_status write_error(const struct orri_copylog *copy, int bad,
                              struct orr_error *err)
{
    return orr_error_set(err, ORR_ERR_STORE, ORR_NO_SPAN,
                         "cannot copy results to %s: %s (mend it, then `orrery resume` "
                         "goes on); what was acknowledged is kept, in %s",
                         copy->to_path, strerror(bad), copy->from_path);
}

static orr_status copy_bytes(const struct orri_copylog *copy, uint64_t from,
                             uint64_t upto, struct orr_error *err)
{
    char *piece = orr_alloc(PIECE_BYTES, 1);
    orr_status status = ORR_OK;
    while (from < upto && status == ORR_OK) {
        size_t n = upto - from < PIECE_BYTES ? (size_t)(upto - from) : PIECE_BYTES;
        ssize_t got = pread(copy->from, piece, n, (off_t)(ORRI_LOG_OFFSET + from));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            status = read_error(copy, got < 0 ? errno : 0, err);
        else if (orr_pwrite_all(copy->to, piece, (size_t)got,
                                (int64_t)(ORRI_LOG_OFFSET + from)) != 0)
            status = write_error(copy, errno, err);
        from += got > 0 ? (uint64_t)got : 0;
    }
    free(piece);
    return status;
}

static orr_status sync_copy(const struct orri_copylog *copy, struct orr_error *err)
{
    return fdatasync(copy->to) == 0 ? ORR_OK : write_error(copy, errno, err);
}

orr_status orri_copylog_upto(struct orri_copylog *copy, uint64_t upto,
                             struct orr_error *err)
{
    if (upto <= copy->at)
        return ORR_OK;
    orr_status status = copy_bytes(copy, copy->at + ORRI_FRAME_HEADER, upto, err);
    if (status == ORR_OK)
        status = sync_copy(copy, err);
    if (status == ORR_OK)
        status = copy_bytes(copy, copy->at, copy->at + ORRI_FRAME_HEADER, err);
    if (status == ORR_OK)
        copy->at = upto;
    return status;
}

static orr_status open_copy(struct orri_copylog *copy, uint64_t log_bytes,
                            struct orr_error *err)
{
    if (copy->at == 0 && access(copy->to_path, F_OK) != 0 && errno == ENOENT)
        return orri_shard_create(copy->run_dir, &copy->shard, log_bytes, copy->created,
                                 true, &copy->to, err);
    copy->to = open(copy->to_path, O_RDWR | O_CLOEXEC);
    return copy->to < 0 ? write_error(copy, errno, err) : ORR_OK;
}

orr_status orri_copylog_open(struct orri_copylog *copy, const char *folder,
                             const char *run_dir, const struct orri_shard_id *shard,
                             int64_t created, uint64_t log_bytes, uint64_t at,
                             struct orr_error *err)
{
    *copy =
        (struct orri_copylog) { .run_dir = run_dir,
                                .shard = *shard,
                                .created = created,
                                .from_path = orri_shard_path(folder, shard, ".blob.h5"),
                                .to_path = orri_shard_path(run_dir, shard, ".blob.h5"),
                                .to = -1,
                                .at = at };
    copy->from = open(copy->from_path, O_RDONLY | O_CLOEXEC);
    orr_status status =
        copy->from < 0 ? read_error(copy, errno, err) : open_copy(copy, log_bytes, err);
    if (status != ORR_OK)
        (void)orri_copylog_close(copy, false, NULL);
    return status;
}

/* Never to nothing: as a writer cuts its own. */
orr_status orri_copylog_close(struct orri_copylog *copy, bool trim,
                              struct orr_error *err)
{
    orr_status status = ORR_OK;
    off_t size = copy->to < 0 ? -1 : lseek(copy->to, 0, SEEK_END);
    uint64_t bytes = orri_shard_log_bytes(copy->at);
    if (size >= 0)
        status = sync_copy(copy, err);
    if (status == ORR_OK && trim && size > (off_t)(ORRI_LOG_OFFSET + bytes))
        status = orri_shard_trim(copy->run_dir, &copy->shard, copy->to, bytes,
                                 copy->created, true, err);
    if (copy->from >= 0)
        (void)close(copy->from);
    if (copy->to >= 0)
        (void)close(copy->to);
    free(copy->from_path);
    free(copy->to_path);
    *copy = (struct orri_copylog) { .from = -1, .to = -1 };
    return status;
}
