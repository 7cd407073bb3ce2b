/* shards.c - verify finds each wound and says what it costs; compact loses nothing */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../store/store_kit.h"
#include "store/shard.h"
#include "upkeep/compact.h"
#include "upkeep/verify.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { ATTEMPTS = 120, KILLS = 12 };

static uint64_t blob_of(uint64_t n) { return n % 3 ? 2000 + n * 5 : 0; }

/* ATTEMPTS in epoch 1, sealed; the lock is given up, so that others may open it. */
static void make_run(struct kit_run *p)
{
    struct orr_writer_stats stats;
    kit_begin(p);
    p->options.segment_bytes = 100000;
    kit_write(&p->options, ATTEMPTS, blob_of, true, &stats);
    assert_true(stats.segments > 1);
    orr_rundir_close(p->run);
    p->run = NULL;
    p->options.run_dir = p->dir;
}

static void end_run(struct kit_run *p) { kit_end(p); }

static char *shard_file(const struct kit_run *p, uint32_t segment, const char *suffix)
{
    struct orri_shard_id shard = { .writer = 1, .epoch = 1, .segment = segment };
    return orri_shard_path(p->dir, &shard, suffix);
}

static void flip(const char *path, off_t at)
{
    unsigned char byte = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x20;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* --- verify ----------------------------------------------------------------- */

static void expect(const struct kit_run *p, uint64_t findings, uint64_t tasks,
                   const char *text)
{
    struct orr_verify_report r = { .findings = 0 };
    struct orr_error err = { .code = ORR_OK };
    uint64_t lost = 0;
    if (orr_run_verify(p->dir, &r, &err) != ORR_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < r.n_costs; i++)
        lost += r.costs[i].tasks;
    if (r.findings != findings || lost != tasks ||
        (text && (!r.lines.s || !strstr(r.lines.s, text))))
        fail_msg("%llu findings, %llu tasks lost: %s", (unsigned long long)r.findings,
                 (unsigned long long)lost, r.lines.s ? r.lines.s : "");
    orr_verify_report_release(&r);
}

static orr_status find_blob(void *context, const struct orr_stored *stored,
                            const struct orr_place *place, struct orr_error *err)
{
    struct orr_place *out = context;
    (void)stored, (void)err;
    if (place->blob_bytes && place->segment == 0 && !out->blob_bytes)
        *out = *place;
    return ORR_OK;
}

static void test_verify(void **state)
{
    (void)state;
    struct kit_run p;
    struct orr_place at = { .blob_bytes = 0 };
    make_run(&p);
    struct orr_scan_options options = { .run_id = p.options.run_id };
    assert_int_equal(orr_shards_scan(p.dir, &options, find_blob, &at, NULL, NULL),
                     ORR_OK);
    assert_true(at.blob_bytes > 0);
    char *blob = shard_file(&p, 0, ".blob.h5");
    char *index = shard_file(&p, 0, ".idx.h5");
    expect(&p, 0, 0, NULL);
    /* a blob: its task is known */
    flip(blob, (off_t)(ORRI_LOG_OFFSET + at.blob + 7));
    expect(&p, 1, 1, "wrong blob checksum");
    flip(blob, (off_t)(ORRI_LOG_OFFSET + at.blob + 7));
    /* a record: it is not, but that something is gone */
    flip(blob, (off_t)(ORRI_LOG_OFFSET + at.entry + 20));
    expect(&p, 1, 0, "wrong checksum");
    flip(blob, (off_t)(ORRI_LOG_OFFSET + at.entry + 20));
    /* the HDF5 file around the log costs nothing */
    flip(blob, 3);
    expect(&p, 1, 0, "Orrery reads its log all the same");
    flip(blob, 3);
    /* nor does an index, cut short */
    assert_int_equal(truncate(index, 3000), 0);
    expect(&p, 1, 0, "remove it, the next `orrery resume`");
    assert_int_equal(unlink(index), 0);
    expect(&p, 0, 0, NULL);
    /* a segment that is gone shows by its number */
    assert_int_equal(unlink(blob), 0);
    expect(&p, 1, 0, "w00001-e001-s000000.blob.h5 is missing");
    free(blob);
    free(index);
    end_run(&p);
}

/* A result that only hands a blob through is worth nothing without it. */
static void test_handed_through(void **state)
{
    (void)state;
    struct kit_run p;
    struct orr_writer *writer = NULL;
    struct orr_error err = { .code = ORR_OK };
    struct orr_written done;
    unsigned char encoded[ORR_BLOB_BYTES];
    struct orr_blob blob = {
        .hash = { 1, 2 }, .length = 10, .writer = 1, .epoch = 1, .offset = 99999
    };
    kit_begin(&p);
    assert_int_equal(orr_writer_open(&p.options, &writer, &err), ORR_OK);
    orr_blob_encode(&blob, encoded);
    struct orr_bytes results = ORR_BYTES_INIT;
    orr_put_u8(&results, ORR_KIND_RECORD);
    orr_put_u32(&results, 1);
    orr_put_u8(&results, ORR_KIND_BLOB);
    orr_put_raw(&results, encoded, sizeof encoded);
    struct orr_stored s = { .id = { 7, 7 },
                            .function = "f",
                            .attempt = 1,
                            .results = results.data,
                            .results_bytes = (uint32_t)results.length };
    assert_true(orr_writer_put(writer, &s, -1, 0, 1));
    assert_int_equal(orr_writer_drain(writer, &err), ORR_OK);
    assert_int_equal(orr_writer_take(writer, &done, 1), 1);
    assert_int_equal(orr_writer_close(writer, true, &err), ORR_OK);
    expect(&p, 1, 1, "the file is too short");
    orr_bytes_release(&results);
    kit_end(&p);
}

/* --- compact ---------------------------------------------------------------- */

struct seen {
    struct orr_blob_reader *blobs;
    uint8_t times[ATTEMPTS];
    uint64_t n;
};

static orr_status see(void *context, const struct orr_stored *stored,
                      const struct orr_place *place, struct orr_error *err)
{
    struct seen *seen = context;
    struct orr_blob blob;
    void *bytes = NULL;
    uint64_t n = kit_number(stored);
    (void)place;
    assert_true(n < ATTEMPTS);
    assert_true(kit_matches(stored, n, blob_of(n), &blob));
    if (stored->results_bytes) {
        if (orr_blob_load(seen->blobs, &blob, &bytes, err) != ORR_OK)
            fail_msg("%s", err->text);
        for (uint64_t i = 0; i < blob.length; i++)
            assert_int_equal(((unsigned char *)bytes)[i], kit_byte(n, i));
        free(bytes);
    }
    seen->times[n]++;
    seen->n++;
    return ORR_OK;
}

/* Every task that had a result has one. */
static void look(const struct kit_run *p, struct seen *seen)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_scan_options options = { .run_id = p->options.run_id };
    struct orr_scan_stats stats;
    *seen = (struct seen) { .blobs = orr_blob_reader_new(p->dir) };
    if (orr_shards_scan(p->dir, &options, see, seen, &stats, &err) != ORR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(stats.damaged + stats.damaged_logs, 0);
    for (uint64_t n = 0; n < ATTEMPTS; n++)
        assert_true(seen->times[n] > 0);
    orr_blob_reader_free(seen->blobs);
}

static void compact(const struct kit_run *p, struct orr_compacted *out)
{
    struct orr_rundir *dir = NULL;
    struct orr_error err = { .code = ORR_OK };
    if (orr_rundir_open(p->dir, &dir, &err) != ORR_OK ||
        orr_run_compact(dir, false, out, &err) != ORR_OK)
        fail_msg("%s", err.text);
    orr_rundir_close(dir);
}

/* Everything twice, in two epochs: once is left, of the newer. */
static void test_superseded(void **state)
{
    (void)state;
    struct kit_run p;
    struct seen seen;
    struct orr_writer_stats stats;
    struct orr_compacted done;
    make_run(&p);
    p.options.epoch = 2;
    kit_write(&p.options, ATTEMPTS, blob_of, true, &stats);
    look(&p, &seen);
    assert_int_equal(seen.n, 2 * ATTEMPTS);
    compact(&p, &done);
    look(&p, &seen);
    /* every seventh failed, and no attempt at those succeeded: they are history */
    assert_int_equal(done.kept, seen.n);
    assert_int_equal(done.kept, ATTEMPTS + ATTEMPTS / 7);
    assert_int_equal(done.kept + done.dropped, 2 * ATTEMPTS);
    assert_int_equal(done.shards_after, 1);
    assert_true(done.bytes_after < done.bytes_before * 2 / 3);
    expect(&p, 0, 0, NULL);
    compact(&p, &done); /* nothing more to drop */
    assert_int_equal(done.dropped, 0);
    look(&p, &seen);
    end_run(&p);
}

/* Killed wherever it is: what counted before counts after. */
static void test_killed(void **state)
{
    (void)state;
    struct kit_run p;
    struct seen seen;
    struct orr_compacted done;
    int killed = 0;
    make_run(&p);
    srand(11);
    for (int i = 0; i < KILLS; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            compact(&p, &done);
            _exit(0);
        }
        struct timespec wait = { .tv_nsec = (rand() % 60) * 500000L };
        (void)nanosleep(&wait, NULL); /* the moment is what is tested */
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        killed += WIFSIGNALED(status);
        look(&p, &seen);
    }
    assert_true(killed > 0);
    compact(&p, &done);
    look(&p, &seen);
    assert_int_equal(seen.n, ATTEMPTS);
    end_run(&p);
}

/* Where the header of the last group of a log is. */
static off_t last_header(const char *path)
{
    struct orr_text file = ORR_TEXT_INIT;
    off_t at = 0;
    assert_int_equal(orr_file_read(path, 64 << 20, &file, NULL), ORR_OK);
    for (size_t i = ORRI_LOG_OFFSET + 8; i + 64 < file.length; i += 8)
        if (memcmp(file.s + i, "ORRF", 4) == 0)
            at = (off_t)i;
    orr_text_release(&file);
    assert_true(at > 0);
    return at;
}

/* A damaged run is left alone, unless it is said twice. */
static void refuse_damaged(struct kit_run *p, const char *spoilt, bool less)
{
    struct orr_rundir *dir = NULL;
    struct orr_compacted done;
    struct orr_error err = { .code = ORR_OK };
    assert_int_equal(orr_rundir_open(p->dir, &dir, &err), ORR_OK);
    assert_int_equal(orr_run_compact(dir, false, &done, &err), ORR_ERR_DATA);
    assert_non_null(strstr(err.text, "orrery verify"));
    assert_int_equal(access(spoilt, F_OK), 0);
    assert_int_equal(orr_run_compact(dir, true, &done, &err), ORR_OK);
    assert_int_equal(done.kept < ATTEMPTS, less);
    assert_int_equal(access(spoilt, F_OK), -1);
    orr_rundir_close(dir);
    expect(p, 0, 0, NULL);
}

static void test_damaged(void **state)
{
    (void)state;
    struct kit_run p;
    for (int wound = 0; wound < 3; wound++) {
        struct orr_place at = { .blob_bytes = 0 };
        make_run(&p);
        struct orr_scan_options options = { .run_id = p.options.run_id };
        assert_int_equal(orr_shards_scan(p.dir, &options, find_blob, &at, NULL, NULL),
                         ORR_OK);
        char *blob = shard_file(&p, 0, ".blob.h5");
        off_t where[] = { (off_t)(ORRI_LOG_OFFSET + at.blob + 7), /* a blob */
                          ORRI_LOG_OFFSET + 33,     /* the header of the first frame */
                          last_header(blob) + 33 }; /* of the last group */
        flip(blob, where[wound]);
        refuse_damaged(&p, blob, wound != 1);
        free(blob);
        end_run(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify),     cmocka_unit_test(test_handed_through),
        cmocka_unit_test(test_superseded), cmocka_unit_test(test_killed),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
