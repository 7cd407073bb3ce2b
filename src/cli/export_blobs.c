/* export_blobs.c - blobs as files: FUNCTION/TASK-FIELD, each blob once, and index.csv
 *
 * May be interrupted and begun again: a file gets its name when it is whole, and one
 * that is there already and equal is left alone. One that differs is never written
 * over. A blob that is damaged is told and left out. Owns: names, the index. Hands
 * on: the bytes (store). */
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "cli/tables.h"
#include "store/scan.h"
#include "tables/runfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct kept {
    struct orr_id hash;
    const char *name; /* "": its bytes are damaged */
};

struct job {
    const struct orri_tables *tables;
    const char *directory;
    struct orr_blob_reader *reader; /* NULL: they are in the file of the tables */
    struct orr_map by_hash;         /* hash.lo -> kept + 1 */
    struct kept *kept;
    size_t n, cap;
    struct orr_arena arena;
    struct orr_text index;
    uint64_t written, there, rows, bytes;
    size_t damaged; /* of the n */
};

/* ---- one file ---- */

static orr_status load(struct job *job, const struct orr_blob *blob, void **bytes,
                       struct orr_error *err)
{
    return job->reader ? orr_blob_load(job->reader, blob, bytes, err)
                       : orr_tables_load_blob(job->tables->path, blob, bytes, err);
}

/* ORR_END: there is no such file. */
static orr_status compare(const char *path, const struct orr_blob *blob,
                          struct orr_error *err)
{
    struct stat info;
    struct orr_text text = ORR_TEXT_INIT;
    if (lstat(path, &info) != 0 && errno == ENOENT)
        return ORR_END;
    bool equal = lstat(path, &info) == 0 && S_ISREG(info.st_mode) &&
                 (uint64_t)info.st_size == blob->length &&
                 orr_file_read(path, (size_t)blob->length, &text, NULL) == ORR_OK &&
                 orr_id_equal(orr_hash(text.s ? text.s : "", text.length), blob->hash);
    orr_text_release(&text);
    return equal ? ORR_OK
                 : orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                                 "%s is there and differs from the blob of that name: "
                                 "remove it, or export to another directory",
                                 path);
}

static orr_status write_file(const char *path, const void *bytes, size_t length,
                             struct orr_error *err)
{
    struct orr_text part = ORR_TEXT_INIT;
    orr_text_printf(&part, "%s.part", path);
    int fd = open(part.s, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    int bad = fd < 0 || orr_write_all(fd, bytes, length) != 0 ? errno : 0;
    if (fd >= 0 && close(fd) != 0 && !bad)
        bad = errno;
    if (!bad && rename(part.s, path) != 0)
        bad = errno;
    if (bad && fd >= 0)
        (void)unlink(part.s);
    orr_text_release(&part);
    return bad ? orr_error_errno(err, ORR_ERR_STORE, bad, "cannot write %s", path)
               : ORR_OK;
}

/* ORR_ERR_DATA: its bytes cannot be had any more. */
static orr_status make_file(struct job *job, const char *name,
                            const struct orr_blob *blob, struct orr_error *err)
{
    char *path = orr_path_join(job->directory, name);
    char *directory = orr_path_directory(path);
    void *bytes = NULL;
    orr_status status = orr_mkdirs(directory, 0777, err);
    if (status == ORR_OK)
        status = compare(path, blob, err);
    if (status == ORR_OK)
        job->there++;
    if (status == ORR_END) {
        status = load(job, blob, &bytes, err) == ORR_OK
                     ? write_file(path, bytes, (size_t)blob->length, err)
                     : ORR_ERR_DATA;
        job->written += status == ORR_OK;
        job->bytes += status == ORR_OK ? blob->length : 0;
    }
    free(bytes);
    free(directory);
    free(path);
    return status;
}

/* ---- all of them ---- */

/* "packets[3]" -> "packets-3": nothing that a shell reads another way. */
static const char *name_of(struct job *job, const struct orr_blob_row *row)
{
    char *field = orr_arena_strdup(&job->arena, row->field);
    size_t to = 0;
    for (const char *at = row->field; *at; at++)
        if (*at != ']')
            field[to++] = (char)(*at == '[' || *at == '/' ? '-' : *at);
    field[to] = '\0';
    return orr_arena_printf(&job->arena, "%s/%" PRId64 "-%s", row->function, row->task,
                            field);
}

/* The others do not go for one. */
static void leave_out(struct job *job, struct kept *kept,
                      const struct orr_blob_row *row, const struct orr_error *err)
{
    (void)fprintf(stderr, "orrery export: %s of task %" PRId64 " (%s): %s\n",
                  row->field, row->task, row->function, err->text);
    kept->name = "";
    job->damaged++;
}

static const struct kept *find(const struct job *job, struct orr_id hash)
{
    const uint64_t *slot = orr_map_find(&job->by_hash, hash.lo);
    const struct kept *kept = slot ? &job->kept[*slot - 1] : NULL;
    return kept && orr_id_equal(kept->hash, hash) ? kept : NULL;
}

static orr_status take(void *context, const struct orr_blob_row *row,
                       struct orr_error *err)
{
    struct job *job = context;
    char hash[ORR_ID_TEXT];
    const struct kept *kept = find(job, row->blob.hash);
    orr_status status = ORR_OK;
    orr_id_text(row->blob.hash, hash);
    if (!kept) {
        bool fresh = false;
        job->kept = orr_grow(job->kept, job->n, &job->cap, sizeof *job->kept);
        job->kept[job->n] = (struct kept) { row->blob.hash, name_of(job, row) };
        struct kept *first = &job->kept[job->n++];
        *orr_map_insert(&job->by_hash, row->blob.hash.lo, &fresh) = job->n;
        status = make_file(job, first->name, &row->blob, err);
        if (status == ORR_ERR_DATA) {
            leave_out(job, first, row, err);
            status = ORR_OK;
        }
        kept = first;
    }
    orr_text_printf(&job->index, "%s,%s,%" PRIu64 ",%" PRId64 ",%s,%s\r\n", kept->name,
                    hash, row->blob.length, row->task, row->function, row->field);
    job->rows++;
    return status;
}

static orr_status export_all(struct job *job, const char *where, struct orr_error *err)
{
    char *index = orr_path_join(job->directory, "index.csv");
    orr_status status = orr_mkdirs(job->directory, 0777, err);
    orr_text_puts(&job->index, "file,hash,bytes,task,function,field\r\n");
    if (status == ORR_OK)
        status = orr_tables_blobs(job->tables->path, where, take, job, err);
    if (status == ORR_OK)
        status = orr_file_write(index, job->index.s, job->index.length, true, err);
    free(index);
    return status;
}

int orri_export_blobs(const struct orri_tables *tables, const char *where,
                      const char *directory)
{
    struct orr_error err = { 0 };
    struct job job = { .tables = tables, .directory = directory };
    if (tables->run_dir)
        job.reader = orr_blob_reader_new(tables->run_dir);
    int code = ORR_EXIT_OK;
    if (export_all(&job, where, &err) != ORR_OK) {
        code = orri_complain(&err);
    } else {
        code = job.damaged ? ORR_EXIT_MACHINE : ORR_EXIT_OK;
        (void)printf("%s: %" PRIu64 " blob%s in %zu file%s, %" PRIu64
                     " written (%" PRIu64 " bytes), %" PRIu64 " there already\n",
                     directory, job.rows, job.rows == 1 ? "" : "s", job.n - job.damaged,
                     job.n - job.damaged == 1 ? "" : "s", job.written, job.bytes,
                     job.there);
        if (job.damaged)
            (void)fprintf(stderr,
                          "orrery export: %zu blob%s could not be read and %s left "
                          "out: see `orrery verify`\n",
                          job.damaged, job.damaged == 1 ? "" : "s",
                          job.damaged == 1 ? "is" : "are");
    }
    orr_blob_reader_free(job.reader);
    orr_map_release(&job.by_hash);
    orr_text_release(&job.index);
    orr_arena_release(&job.arena);
    free(job.kept);
    return code;
}
