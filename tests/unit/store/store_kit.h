/* store_kit.h - what the tests of the store share: a run directory to play in, attempts
 * whose every byte follows from a number, and checks that they came back
 * Include cmocka.h before. */
#ifndef STORE_KIT_H
#define STORE_KIT_H

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/rundir.h"
#include "store/scan.h"
#include "store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

static const struct orr_column kit_columns[] = {
    { "frame", "u4", NULL, "number of the frame" },
    { "psnr", "f4", "dB", "peak signal to noise ratio" },
    { "bytes", "u2", "bytes", "size of the frame" },
    { NULL, NULL, NULL, NULL },
};
enum { KIT_ROW_BYTES = 10 };

/* An attempt made from a number; `bytes` own what `stored` points to. */
struct kit_attempt {
    struct orr_stored stored;
    struct orr_bytes args, results, rows;
    char message[64];
    uint64_t blob_bytes;
};

static inline char *kit_directory(void)
{
    char *path = orr_strdup("/tmp/orr-store-XXXXXX");
    if (!mkdtemp(path))
        abort();
    return path;
}

static inline void kit_remove(char *path)
{
    char command[256];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    if (strncmp(path, "/tmp/orr-store-", 15) != 0 || system(command) != 0)
        abort();
    free(path);
}

/* A file system that 4 MiB fill; false: not allowed here, which is said. */
static inline bool kit_mount_small(const char *path)
{
    if (mount("tmpfs", path, "tmpfs", MS_NOSUID, "size=4m") == 0)
        return true;
    (void)printf("[  SKIPPED ] cannot mount a small file system: %s\n",
                 strerror(errno));
    return false;
}

static inline unsigned char kit_byte(uint64_t n, uint64_t at)
{
    return (unsigned char)((n * 2654435761u + at * 40503u) >> 7);
}

static inline void kit_fill(unsigned char *out, uint64_t n, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++)
        out[i] = kit_byte(n, i);
}

/* Results are the record [n, "text n", blob]; every third has rows, every seventh
 * failed. */
static inline void kit_make(struct kit_attempt *a, uint64_t n, uint64_t blob_bytes)
{
    static const struct orr_stored_counter counters[] = { { "frames", 12.5 },
                                                          { "packets", 3 } };
    *a = (struct kit_attempt) { .blob_bytes = blob_bytes };
    struct orr_stored *s = &a->stored;
    orr_put_u8(&a->args, ORR_KIND_INT);
    orr_put_i64(&a->args, (int64_t)n);
    s->id = orr_hash(&n, sizeof n);
    s->function = n % 2 ? "test.odd" : "test.even";
    s->attempt = (uint32_t)(n % 5 + 1);
    s->host = "node7";
    s->rank = (uint32_t)(n % 11);
    s->core = 3;
    s->t_start = INT64_C(1700000000) * ORR_SECOND + (int64_t)n;
    s->t_end = s->t_start + ORR_SECOND;
    s->cpu_user = 700000000 + (int64_t)n;
    s->cpu_sys = 5;
    s->max_rss = 1 << 20;
    s->queued = 12;
    s->counters = counters;
    s->n_counters = 2;
    s->args = a->args.data;
    s->args_bytes = (uint32_t)a->args.length;
    if (n % 7 == 6) {
        (void)snprintf(a->message, sizeof a->message, "attempt %llu failed",
                       (unsigned long long)n);
        s->failure = ORR_FAIL_EXIT;
        s->code = 3;
        s->message = a->message;
        s->error_tail = "tail\nof standard error\n";
        s->error_tail_bytes = strlen(s->error_tail);
        a->blob_bytes = 0;
        return;
    }
    unsigned char *bytes = orr_alloc((size_t)blob_bytes + 1, 1);
    kit_fill(bytes, n, blob_bytes);
    struct orr_blob blob = { .hash = orr_hash(bytes, (size_t)blob_bytes),
                             .length = blob_bytes,
                             .writer = ORR_BLOB_LOCAL };
    free(bytes);
    unsigned char encoded[ORR_BLOB_BYTES];
    orr_blob_encode(&blob, encoded);
    orr_put_u8(&a->results, ORR_KIND_RECORD);
    orr_put_u32(&a->results, 2);
    orr_put_u8(&a->results, ORR_KIND_INT);
    orr_put_i64(&a->results, (int64_t)n);
    orr_put_u8(&a->results, ORR_KIND_BLOB);
    orr_put_raw(&a->results, encoded, sizeof encoded);
    s->results = a->results.data;
    s->results_bytes = (uint32_t)a->results.length;
    for (uint64_t i = 0; n % 3 == 0 && i < n % 50; i++) {
        float psnr = (float)n + (float)i / 4;
        uint32_t bits = 0;
        memcpy(&bits, &psnr, sizeof bits);
        orr_put_u32(&a->rows, (uint32_t)i);
        orr_put_u32(&a->rows, bits);
        orr_put_u16(&a->rows, (uint16_t)(n % 1000));
        s->n_rows++;
    }
    if (s->n_rows) {
        s->rows = a->rows.data;
        s->row_bytes = KIT_ROW_BYTES;
        s->columns = kit_columns;
    }
}

static inline void kit_release(struct kit_attempt *a)
{
    orr_bytes_release(&a->args);
    orr_bytes_release(&a->results);
    orr_bytes_release(&a->rows);
}

/* A memory file with the blob of attempt n. */
static inline int kit_memfd(uint64_t n, uint64_t length)
{
    int fd = memfd_create("blob", MFD_CLOEXEC);
    unsigned char *bytes = orr_alloc((size_t)length + 1, 1);
    kit_fill(bytes, n, length);
    if (fd < 0 || orr_write_all(fd, bytes, (size_t)length) != 0)
        abort();
    free(bytes);
    return fd;
}

static inline bool kit_same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Is `s` attempt n as it was made? Where its blob lies is left aside; *blob is set. */
static inline bool kit_matches(const struct orr_stored *s, uint64_t n,
                               uint64_t blob_bytes, struct orr_blob *blob)
{
    struct kit_attempt a;
    kit_make(&a, n, blob_bytes);
    const struct orr_stored *w = &a.stored;
    bool same =
        orr_id_equal(s->id, w->id) && s->attempt == w->attempt &&
        s->failure == w->failure && s->code == w->code && s->rank == w->rank &&
        s->core == w->core && s->t_start == w->t_start && s->t_end == w->t_end &&
        s->cpu_user == w->cpu_user && s->cpu_sys == w->cpu_sys &&
        s->max_rss == w->max_rss && s->queued == w->queued && s->n_rows == w->n_rows &&
        s->row_bytes == w->row_bytes && kit_same_text(s->function, w->function) &&
        kit_same_text(s->host, w->host) && kit_same_text(s->message, w->message) &&
        kit_same_text(s->error_tail, w->error_tail) &&
        kit_same_text(s->warnings, w->warnings) && s->args_bytes == w->args_bytes &&
        memcmp(s->args, w->args, s->args_bytes) == 0 &&
        s->results_bytes == w->results_bytes && s->n_counters == 2 &&
        kit_same_text(s->counters[0].name, "frames") && s->counters[0].amount == 12.5;
    if (same && s->n_rows)
        same = memcmp(s->rows, w->rows, (size_t)s->n_rows * s->row_bytes) == 0 &&
               s->columns && kit_same_text(s->columns[1].unit, "dB");
    *blob = (struct orr_blob) { .length = 0 };
    if (same && s->results_bytes) {
        size_t head = s->results_bytes - ORR_BLOB_BYTES;
        struct orr_blob local;
        orr_blob_decode((const unsigned char *)s->results + head, blob);
        orr_blob_decode((const unsigned char *)w->results + head, &local);
        same = memcmp(s->results, w->results, head) == 0 &&
               blob->length == local.length && orr_id_equal(blob->hash, local.hash) &&
               blob->writer != ORR_BLOB_LOCAL;
    }
    kit_release(&a);
    return same;
}

/* The n that the arguments hold. */
static inline uint64_t kit_number(const struct orr_stored *stored)
{
    struct orr_reader in = orr_reader_of(stored->args, stored->args_bytes);
    (void)orr_get_u8(&in);
    uint64_t n = orr_get_u64(&in);
    return in.bad ? UINT64_MAX : n;
}

/* --- a run with one writer -------------------------------------------------- */

struct kit_run {
    char *dir;
    struct orr_rundir *run;
    struct orr_writer_options options;
};

static inline void kit_begin(struct kit_run *p)
{
    struct orr_error err = { .code = ORR_OK };
    char *base = kit_directory();
    p->dir = base;
    if (orr_rundir_create(base, &p->run, &err) != ORR_OK)
        fail_msg("%s", err.text);
    p->options = (struct orr_writer_options) { .run_dir = orr_rundir_path(p->run),
                                               .run_id = orr_rundir_id(p->run),
                                               .writer = 1,
                                               .epoch = orr_rundir_epoch(p->run) };
}

static inline void kit_end(struct kit_run *p)
{
    orr_rundir_close(p->run);
    kit_remove(p->dir);
}

/* Hand over attempt n; its token is n. The memory file goes to fds[n]. */
static inline bool kit_hand_over(struct orr_writer *writer, uint64_t n,
                                 uint64_t blob_bytes, int *fd)
{
    struct kit_attempt a;
    kit_make(&a, n, blob_bytes);
    if (*fd < 0 && a.blob_bytes)
        *fd = kit_memfd(n, blob_bytes);
    bool taken = orr_writer_put(writer, &a.stored, *fd, a.blob_bytes, n);
    kit_release(&a);
    return taken;
}

static inline size_t kit_take_all(struct orr_writer *writer, uint8_t *seen, int *fds)
{
    struct orr_written done[64];
    size_t total = 0;
    size_t n = 0;
    while ((n = orr_writer_take(writer, done, 64)) > 0) {
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(seen[done[i].token], 0);
            seen[done[i].token] = 1;
            if (fds[done[i].token] >= 0)
                close(fds[done[i].token]);
            fds[done[i].token] = -1;
        }
        total += n;
    }
    return total;
}

/* Everything from attempt 0 to n-1 in one writer; blob sizes by `size_of`. */
static inline void kit_write(const struct orr_writer_options *options, uint64_t n,
                             uint64_t (*size_of)(uint64_t), bool seal,
                             struct orr_writer_stats *stats)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_writer *writer = NULL;
    uint8_t *seen = orr_alloc(n, 1);
    int *fds = orr_alloc(n, sizeof *fds);
    size_t acknowledged = 0;
    if (orr_writer_open(options, &writer, &err) != ORR_OK)
        fail_msg("%s", err.text);
    for (uint64_t i = 0; i < n; i++) {
        fds[i] = -1;
        while (!kit_hand_over(writer, i, size_of(i), &fds[i])) {
            struct pollfd wait = { orr_writer_event_fd(writer), POLLIN, 0 };
            assert_int_equal(poll(&wait, 1, 10000), 1);
            assert_int_equal(orr_writer_error(writer, &err), ORR_OK);
            acknowledged += kit_take_all(writer, seen, fds);
        }
    }
    assert_int_equal(orr_writer_drain(writer, &err), ORR_OK);
    acknowledged += kit_take_all(writer, seen, fds);
    assert_int_equal(acknowledged, n);
    orr_writer_stats(writer, stats);
    if (orr_writer_close(writer, seal, &err) != ORR_OK)
        fail_msg("%s", err.text);
    free(seen);
    free(fds);
}

/* --- reading back ----------------------------------------------------------- */

struct kit_readback {
    struct orr_blob_reader *blobs;
    uint64_t (*size_of)(uint64_t);
    uint8_t *seen;
    uint64_t n;
};

static inline orr_status kit_read_back(void *context, const struct orr_stored *stored,
                                       const struct orr_place *place,
                                       struct orr_error *err)
{
    struct kit_readback *r = context;
    struct orr_blob blob;
    uint64_t n = kit_number(stored);
    assert_true(n < r->n);
    assert_true(kit_matches(stored, n, r->size_of(n), &blob));
    if (stored->results_bytes) {
        void *bytes = NULL;
        assert_true(!blob.length || blob.offset == place->blob);
        if (orr_blob_load(r->blobs, &blob, &bytes, err) != ORR_OK)
            fail_msg("%s", err->text);
        for (uint64_t i = 0; i < blob.length; i++)
            assert_int_equal(((unsigned char *)bytes)[i], kit_byte(n, i));
        free(bytes);
    }
    assert_int_equal(r->seen[n], 0);
    r->seen[n] = 1;
    return ORR_OK;
}

static inline void kit_expect_all(const struct kit_run *p, uint64_t n,
                                  uint64_t (*size_of)(uint64_t))
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_text notes = ORR_TEXT_INIT;
    struct orr_scan_stats stats;
    struct kit_readback r = { orr_blob_reader_new(p->dir), size_of, orr_alloc(n, 1),
                              n };
    struct orr_scan_options options = { .run_id = orr_rundir_id(p->run),
                                        .verify_blobs = true,
                                        .notes = &notes };
    if (orr_shards_scan(p->dir, &options, kit_read_back, &r, &stats, &err) != ORR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(stats.results, n);
    assert_int_equal(stats.damaged + stats.damaged_logs, 0);
    if (notes.length)
        fail_msg("%s", notes.s);
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(r.seen[i], 1);
    orr_text_release(&notes);
    orr_blob_reader_free(r.blobs);
    free(r.seen);
}

#endif
