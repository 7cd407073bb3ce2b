/* crash.c - kill -9 and full disks: nothing acknowledged is lost */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store_kit.h"

#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { KILLS = 20, TOKENS_MAX = 200000 };

static uint64_t some_blob(uint64_t n) { return n % 16 == 0 ? 400000 + n : n % 8 * 700; }

/* --- what is on disk -------------------------------------------------------- */

struct found {
    struct orr_blob_reader *blobs;
    uint8_t *seen; /* by number */
    uint64_t n;
};

static orr_status find(void *context, const struct orr_stored *stored,
                       const struct orr_place *place, struct orr_error *err)
{
    struct found *f = context;
    struct orr_blob blob;
    void *bytes = NULL;
    uint64_t n = kit_number(stored);
    (void)place;
    assert_true(n < TOKENS_MAX);
    assert_true(kit_matches(stored, n, some_blob(n), &blob));
    if (stored->results_bytes) {
        if (orr_blob_load(f->blobs, &blob, &bytes, err) != ORR_OK)
            return err->code;
        free(bytes);
    }
    f->seen[n] = 1;
    f->n++;
    return ORR_OK;
}

static uint64_t look(const struct kit_run *run, uint8_t *seen)
{
    struct orr_error err = { .code = ORR_OK };
    struct found f = { orr_blob_reader_new(run->dir), seen, 0 };
    struct orr_scan_options options = { .run_id = run->options.run_id };
    struct orr_scan_stats stats;
    if (orr_shards_scan(run->dir, &options, find, &f, &stats, &err) != ORR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(stats.damaged, 0);
    orr_blob_reader_free(f.blobs);
    return f.n;
}

/* --- kill -9 ---------------------------------------------------------------- */

/* Writes for ever; each acknowledged token goes down the pipe. */
static void write_for_ever(const struct orr_writer_options *options, uint64_t first,
                           int out)
{
    struct orr_writer *writer = NULL;
    int *fds = orr_alloc(TOKENS_MAX, sizeof *fds);
    struct orr_written done[64];
    if (orr_writer_open(options, &writer, NULL) != ORR_OK)
        _exit(1);
    for (uint64_t n = first; n < TOKENS_MAX;) {
        struct kit_attempt a;
        kit_make(&a, n, some_blob(n));
        fds[n] = a.blob_bytes ? kit_memfd(n, a.blob_bytes) : -1;
        while (!orr_writer_put(writer, &a.stored, fds[n], a.blob_bytes, n)) {
            struct pollfd wait = { orr_writer_event_fd(writer), POLLIN, 0 };
            (void)poll(&wait, 1, 1000);
            size_t got = orr_writer_take(writer, done, 64);
            for (size_t i = 0; i < got; i++) {
                if (fds[done[i].token] >= 0)
                    close(fds[done[i].token]);
                if (write(out, &done[i].token, 8) != 8)
                    _exit(1);
            }
        }
        kit_release(&a);
        n++;
    }
    _exit(1);
}

/* Read tokens until `until`, then kill, then what is left in the pipe. */
static uint64_t kill_later(pid_t child, int in, int64_t until, uint8_t *acknowledged)
{
    uint64_t token = 0;
    uint64_t count = 0;
    bool killed = false;
    for (;;) {
        int64_t left = (until - orr_clock_monotonic()) / 1000000;
        struct pollfd wait = { in, POLLIN, 0 };
        if (left <= 0 && !killed) {
            assert_int_equal(kill(child, SIGKILL), 0);
            killed = true;
        }
        (void)poll(&wait, 1, killed ? 1000 : (int)left + 1);
        if (!wait.revents)
            continue;
        if (read(in, &token, 8) != 8)
            return count;
        assert_true(token < TOKENS_MAX);
        acknowledged[token] = 1;
        count++;
    }
}

static void test_kill(void **state)
{
    (void)state;
    struct kit_run run;
    uint8_t *acknowledged = orr_alloc(TOKENS_MAX, 1);
    uint8_t *seen = orr_alloc(TOKENS_MAX, 1);
    uint64_t total = 0;
    kit_begin(&run);
    run.options.segment_bytes = 3 << 20; /* so that some die while segments change */
    run.options.queue_results = 200;
    run.options.group_results = 40;
    srand(7);
    for (uint32_t i = 0; i < KILLS; i++) {
        int ends[2];
        int status = 0;
        assert_int_equal(pipe(ends), 0);
        run.options.epoch = i + 1;
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            write_for_ever(&run.options, (uint64_t)i * (TOKENS_MAX / KILLS), ends[1]);
        }
        close(ends[1]);
        int64_t until = orr_clock_monotonic() + (40 + rand() % 300) * ORR_SECOND / 1000;
        total += kill_later(child, ends[0], until, acknowledged);
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
    }
    assert_true(look(&run, seen) >= total);
    assert_true(total > 0);
    for (uint64_t n = 0; n < TOKENS_MAX; n++)
        if (acknowledged[n] && !seen[n])
            fail_msg("attempt %llu was acknowledged and is lost",
                     (unsigned long long)n);
    print_message("%llu acknowledged in %d lives, none lost\n",
                  (unsigned long long)total, KILLS);
    /* Sealing what the dead left changes nothing of it. */
    struct orr_sealer *sealer = NULL;
    memset(seen, 0, TOKENS_MAX);
    assert_int_equal(
        orr_shards_seal(run.dir, run.options.run_id, KILLS + 1, &sealer, NULL), ORR_OK);
    assert_non_null(sealer);
    assert_int_equal(orr_sealer_end(sealer, true, NULL), ORR_OK);
    assert_true(look(&run, seen) >= total);
    assert_int_equal(
        orr_shards_seal(run.dir, run.options.run_id, KILLS + 1, &sealer, NULL), ORR_OK);
    assert_null(sealer);
    free(acknowledged);
    free(seen);
    kit_end(&run);
}

/* --- full disk -------------------------------------------------------------- */

/* Until the writer says no; returns how many were acknowledged. */
static uint64_t write_until_error(const struct orr_writer_options *options,
                                  uint8_t *acknowledged, struct orr_error *err)
{
    struct orr_writer *writer = NULL;
    int *fds = orr_alloc(TOKENS_MAX, sizeof *fds);
    struct orr_written done[16];
    uint64_t count = 0;
    uint64_t n = 0;
    assert_int_equal(orr_writer_open(options, &writer, err), ORR_OK);
    while (orr_writer_error(writer, err) == ORR_OK) {
        assert_true(n < TOKENS_MAX);
        fds[n] = -1;
        if (kit_hand_over(writer, n, some_blob(n), &fds[n]))
            n++;
        else if (fds[n] >= 0)
            close(fds[n]);
        struct pollfd wait = { orr_writer_event_fd(writer), POLLIN, 0 };
        (void)poll(&wait, 1, count ? 0 : 1000); /* the first is acknowledged alone */
        size_t got = orr_writer_take(writer, done, 16);
        for (size_t i = 0; i < got; i++)
            acknowledged[done[i].token] = 1;
        count += got;
    }
    /* What was synced before the error is still handed back. */
    for (size_t got = 0; (got = orr_writer_take(writer, done, 16)) > 0; count += got)
        for (size_t i = 0; i < got; i++)
            acknowledged[done[i].token] = 1;
    assert_false(kit_hand_over(writer, n, 0, &(int) { -1 }));
    struct pollfd wait = { orr_writer_event_fd(writer), POLLIN, 0 };
    assert_int_equal(poll(&wait, 1, 0), 1); /* stays readable */
    assert_int_equal(orr_writer_close(writer, true, NULL), ORR_ERR_STORE);
    for (uint64_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(fds);
    return count;
}

static void fill_disk(const char *directory)
{
    char *path = orr_path_join(directory, "filler");
    char *bytes = orr_alloc(2 << 20, 1);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(orr_write_all(fd, bytes, 2 << 20), 0);
    close(fd);
    free(bytes);
    free(path);
}

static void test_disk_full(void **state)
{
    (void)state;
    struct kit_run run;
    struct orr_error err = { .code = ORR_OK };
    uint8_t *acknowledged = orr_alloc(TOKENS_MAX, 1);
    uint8_t *seen = orr_alloc(TOKENS_MAX, 1);
    char *base = kit_directory();
    if (!kit_mount_small(base)) {
        kit_remove(base);
        free(acknowledged);
        free(seen);
        skip();
    }
    fill_disk(base);
    char *dir = orr_path_join(base, "run");
    run.dir = dir;
    assert_int_equal(orr_rundir_create(dir, &run.run, &err), ORR_OK);
    run.options = (struct orr_writer_options) {
        .run_dir = dir, .writer = 1, .epoch = 1, .run_id = orr_rundir_id(run.run)
    };
    uint64_t count = write_until_error(&run.options, acknowledged, &err);
    assert_non_null(strstr(err.text, "w00001-e001-s000000.blob.h5: No space left"));
    assert_non_null(strstr(err.text, "make space"));
    assert_true(count > 0);
    assert_true(look(&run, seen) >= count);
    for (uint64_t n = 0; n < TOKENS_MAX; n++)
        assert_true(seen[n] || !acknowledged[n]);

    /* Space is made: the next life goes on. */
    char *filler = orr_path_join(base, "filler");
    struct orr_writer *writer = NULL;
    assert_int_equal(unlink(filler), 0);
    orr_rundir_close(run.run);
    assert_int_equal(orr_rundir_open(dir, &run.run, &err), ORR_OK);
    run.options.epoch = orr_rundir_epoch(run.run);
    assert_int_equal(orr_writer_open(&run.options, &writer, &err), ORR_OK);
    assert_true(kit_hand_over(writer, 199992, 0, &(int) { -1 }));
    assert_int_equal(orr_writer_close(writer, true, &err), ORR_OK);
    assert_true(look(&run, seen) >= count + 1);
    orr_rundir_close(run.run);
    assert_int_equal(umount(base), 0);
    free(filler);
    free(dir);
    kit_remove(base);
    free(acknowledged);
    free(seen);
}

/* The run directory vanishes, or cannot be written: said at once. */
static void test_no_directory(void **state)
{
    (void)state;
    struct orr_error err = { .code = ORR_OK };
    struct orr_writer *writer = NULL;
    struct orr_writer_options options = { .run_dir = "/tmp/orr-no-such-run",
                                          .writer = 1 };
    assert_int_equal(orr_writer_open(&options, &writer, &err), ORR_ERR_STORE);
    assert_non_null(
        strstr(err.text, "/tmp/orr-no-such-run/shards/w00001-e000-s000000"));
    assert_non_null(strstr(err.text, "No such file or directory"));
}

/* Two writers of one number in one epoch: the second is refused, the first unharmed. */
static void test_same_name(void **state)
{
    (void)state;
    struct kit_run run;
    struct orr_error err = { .code = ORR_OK };
    struct orr_writer *first = NULL;
    struct orr_writer *second = NULL;
    uint8_t seen[16] = { 0 };
    kit_begin(&run);
    assert_int_equal(orr_writer_open(&run.options, &first, &err), ORR_OK);
    assert_true(kit_hand_over(first, 8, 0, &(int) { -1 }));
    assert_int_equal(orr_writer_drain(first, &err), ORR_OK);
    assert_int_equal(orr_writer_open(&run.options, &second, &err), ORR_ERR_STORE);
    assert_non_null(strstr(err.text, "exists already"));
    assert_int_equal(orr_writer_close(first, false, &err), ORR_OK);
    assert_int_equal(look(&run, seen), 1);
    kit_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_no_directory),
        cmocka_unit_test(test_same_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
