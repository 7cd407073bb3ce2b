/* writer.c - what the writer acknowledges can be read back, byte for byte */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store_kit.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

/* --- a disk that can be held and broken ------------------------------------- */

/* Takes the place of libc's in this program: the store is linked statically. */
static atomic_bool hold_sync;
static atomic_bool break_sync;
static atomic_uint n_syncs;

int fdatasync(int fd)
{
    atomic_fetch_add(&n_syncs, 1);
    while (atomic_load(&hold_sync))
        (void)nanosleep(&(struct timespec) { .tv_nsec = 1000000 }, NULL);
    if (atomic_load(&break_sync)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static struct orr_writer *open_writer(const struct orr_writer_options *options)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_writer *writer = NULL;
    if (orr_writer_open(options, &writer, &err) != ORR_OK)
        fail_msg("%s", err.text);
    return writer;
}

static bool event_within(struct orr_writer *writer, int ms)
{
    struct pollfd wait = { orr_writer_event_fd(writer), POLLIN, 0 };
    return poll(&wait, 1, ms) == 1;
}

static void put_some(struct orr_writer *writer, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        assert_true(kit_hand_over(writer, i, 0, &(int) { -1 }));
}

/* Nothing is acknowledged while the disk has not said that it has it. */
static void test_only_after_sync(void **state)
{
    (void)state;
    struct kit_run p;
    struct orr_written done[8];
    kit_begin(&p);
    struct orr_writer *writer = open_writer(&p.options);
    atomic_store(&hold_sync, true);
    put_some(writer, 5);
    assert_false(event_within(writer, 300));
    assert_int_equal(orr_writer_take(writer, done, 8), 0);
    atomic_store(&hold_sync, false);
    assert_int_equal(orr_writer_drain(writer, NULL), ORR_OK);
    assert_true(event_within(writer, 0));
    assert_int_equal(orr_writer_take(writer, done, 3), 3);
    assert_true(event_within(writer, 0)); /* two more */
    assert_int_equal(done[0].token, 0);
    assert_int_equal(done[2].token, 2);
    assert_int_equal(orr_writer_take(writer, done, 8), 2);
    assert_int_equal(done[1].token, 4);
    assert_false(event_within(writer, 0));
    assert_int_equal(orr_writer_close(writer, false, NULL), ORR_OK);
    kit_end(&p);
}

/* After a failed sync the kernel may have dropped the bytes: it is not tried again. */
static void test_sync_fails(void **state)
{
    (void)state;
    struct kit_run p;
    struct orr_written done[8];
    struct orr_error err = { .code = ORR_OK };
    kit_begin(&p);
    struct orr_writer *writer = open_writer(&p.options);
    atomic_store(&break_sync, true);
    unsigned before = atomic_load(&n_syncs);
    put_some(writer, 3);
    assert_true(event_within(writer, 30000));
    assert_int_equal(orr_writer_take(writer, done, 8), 0);
    assert_int_equal(orr_writer_error(writer, &err), ORR_ERR_STORE);
    assert_non_null(
        strstr(err.text, "w00001-e001-s000000.blob.h5: Input/output error"));
    assert_false(kit_hand_over(writer, 4, 0, &(int) { -1 }));
    assert_int_equal(orr_writer_drain(writer, &err), ORR_ERR_STORE);
    assert_int_equal(orr_writer_close(writer, true, &err), ORR_ERR_STORE);
    assert_int_equal(atomic_load(&n_syncs), before + 1);
    atomic_store(&break_sync, false);
    kit_end(&p);
}

/* A lone result does not wait for the group to fill or to age. */
static void test_lone_result(void **state)
{
    (void)state;
    struct kit_run p;
    struct orr_written done[2];
    kit_begin(&p);
    p.options.group_ns = 3600 * ORR_SECOND;
    struct orr_writer *writer = open_writer(&p.options);
    for (int i = 0; i < 3; i++) {
        assert_true(kit_hand_over(writer, 0, 0, &(int) { -1 }));
        assert_true(event_within(writer, 60000));
        assert_int_equal(orr_writer_take(writer, done, 2), 1);
    }
    assert_int_equal(orr_writer_close(writer, false, NULL), ORR_OK);
    kit_end(&p);
}

static void test_full_queue(void **state)
{
    (void)state;
    struct kit_run p;
    struct orr_written done[8];
    int fd = -1;
    int refused = -1;
    kit_begin(&p);
    p.options.queue_results = 4;
    p.options.queue_bytes = 100000;
    struct orr_writer *writer = open_writer(&p.options);
    atomic_store(&hold_sync, true);
    put_some(writer, 4);
    assert_false(kit_hand_over(writer, 4, 0, &(int) { -1 }));
    atomic_store(&hold_sync, false);
    assert_int_equal(orr_writer_drain(writer, NULL), ORR_OK);
    /* Done but not taken counts too: the caller's memory is still in use. */
    assert_false(kit_hand_over(writer, 4, 0, &(int) { -1 }));
    assert_int_equal(orr_writer_take(writer, done, 8), 4);
    /* One that is larger than the whole queue, when it is empty; nothing beside it. */
    assert_true(kit_hand_over(writer, 8, 300000, &fd));
    assert_false(kit_hand_over(writer, 16, 10, &refused));
    assert_int_equal(orr_writer_drain(writer, NULL), ORR_OK);
    assert_int_equal(orr_writer_take(writer, done, 8), 1);
    assert_true(kit_hand_over(writer, 16, 10, &refused));
    assert_int_equal(orr_writer_drain(writer, NULL), ORR_OK);
    assert_int_equal(orr_writer_close(writer, false, NULL), ORR_OK);
    close(fd);
    close(refused);
    kit_end(&p);
}

/* Each blob that waits is a descriptor: others must be left for what comes in. */
static void test_blobs_wait_outside(void **state)
{
    (void)state;
    struct kit_run p;
    struct orr_written done[8];
    int fds[] = { -1, -1, -1 };
    kit_begin(&p);
    p.options.queue_blobs = 2;
    struct orr_writer *writer = open_writer(&p.options);
    atomic_store(&hold_sync, true);
    assert_true(kit_hand_over(writer, 0, 10, &fds[0]));
    assert_true(kit_hand_over(writer, 1, 10, &fds[1]));
    assert_false(kit_hand_over(writer, 2, 10, &fds[2]));
    assert_true(kit_hand_over(writer, 3, 0, &(int) { -1 }));
    atomic_store(&hold_sync, false);
    assert_int_equal(orr_writer_drain(writer, NULL), ORR_OK);
    assert_false(kit_hand_over(writer, 2, 10, &fds[2])); /* not taken yet */
    assert_int_equal(orr_writer_take(writer, done, 8), 3);
    assert_true(kit_hand_over(writer, 2, 10, &fds[2]));
    assert_int_equal(orr_writer_close(writer, false, NULL), ORR_OK);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    kit_end(&p);
}

/* A worker that promised more bytes than it left is found out. */
static void test_short_blob(void **state)
{
    (void)state;
    struct kit_run p;
    struct kit_attempt a;
    struct orr_error err = { .code = ORR_OK };
    kit_begin(&p);
    struct orr_writer *writer = open_writer(&p.options);
    int fd = kit_memfd(8, 10);
    kit_make(&a, 8, 5000);
    assert_true(orr_writer_put(writer, &a.stored, fd, 5000, 1));
    assert_int_equal(orr_writer_drain(writer, &err), ORR_ERR_MACHINE);
    assert_non_null(strstr(err.text, "shorter than it said"));
    assert_int_equal(orr_writer_close(writer, false, &err), ORR_ERR_MACHINE);
    kit_release(&a);
    close(fd);
    kit_end(&p);
}

static orr_status note_rows(void *context, const struct orr_stored *stored,
                            const struct orr_place *place, struct orr_error *err)
{
    struct orr_text *text = context;
    (void)place;
    (void)err;
    orr_text_printf(text, "%s:%u ", stored->columns[0].name, stored->n_rows);
    return ORR_OK;
}

/* Two versions of a function in one log, rows of equal width: none is taken for the
 * other's. */
static void test_two_forms(void **state)
{
    (void)state;
    static const struct orr_column forms[2][2] = { { { "frame", "u4", NULL, NULL } },
                                                   { { "bytes", "u4", NULL, NULL } } };
    struct kit_run p;
    struct orr_text text = ORR_TEXT_INIT;
    const unsigned char rows[12] = { 1 };
    kit_begin(&p);
    struct orr_writer *writer = open_writer(&p.options);
    for (uint32_t i = 0; i < 6; i++) {
        struct orr_stored s = { .function = "f",
                                .attempt = 1,
                                .rows = rows,
                                .row_bytes = 4,
                                .n_rows = 1 + i % 3,
                                .columns = forms[i % 2] };
        assert_true(orr_writer_put(writer, &s, -1, 0, i));
    }
    assert_int_equal(orr_writer_close(writer, true, NULL), ORR_OK);
    struct orr_scan_options options = { .run_id = p.options.run_id };
    assert_int_equal(orr_shards_scan(p.dir, &options, note_rows, &text, NULL, NULL),
                     ORR_OK);
    assert_string_equal(text.s, "frame:1 bytes:2 frame:3 bytes:1 frame:2 bytes:3 ");
    orr_text_release(&text);
    kit_end(&p);
}

/* --- sizes ------------------------------------------------------------------ */

static uint64_t no_blob(uint64_t n) { return n * 0; }
static uint64_t mixed(uint64_t n)
{
    return n % 97 == 0 ? 3000000 + n : n * 131 % 20000;
}
static uint64_t large(uint64_t n) { return 5000000 + n * 7; }

static void test_round_trip(void **state)
{
    (void)state;
    struct orr_writer_stats stats;
    struct kit_run p;
    kit_begin(&p);
    kit_write(&p.options, 700, mixed, true, &stats);
    assert_int_equal(stats.segments, 1);
    assert_true(stats.groups >= 2 && stats.groups <= 700);
    kit_expect_all(&p, 700, mixed);
    kit_end(&p);
}

static void test_nothing_written(void **state)
{
    (void)state;
    struct orr_writer_stats stats;
    struct kit_run p;
    kit_begin(&p);
    kit_write(&p.options, 0, no_blob, true, &stats);
    kit_expect_all(&p, 0, no_blob);
    kit_end(&p);
}

/* Segments smaller than a frame: each large frame gets a segment that holds it. */
static void test_segments(void **state)
{
    (void)state;
    struct orr_writer_stats stats;
    struct kit_run p;
    kit_begin(&p);
    p.options.segment_bytes = 1 << 20;
    kit_write(&p.options, 60, large, true, &stats);
    assert_true(stats.segments >= 50);
    kit_expect_all(&p, 60, large);
    kit_end(&p);
}

/* A full segment has its index while the writer goes on. */
static void test_sealed_while_on(void **state)
{
    (void)state;
    struct kit_run p;
    struct orr_writer_stats stats = { 0 };
    char events[4096];
    kit_begin(&p);
    p.options.segment_bytes = 1; /* the least there is: 16 KiB */
    struct orr_writer *writer = open_writer(&p.options);
    char *folder = orr_path_join(p.dir, "shards");
    char *index = orr_path_join(folder, "w00001-e001-s000000.idx.h5");
    int watch = inotify_init1(IN_CLOEXEC);
    assert_true(inotify_add_watch(watch, folder, IN_MOVED_TO) >= 0);
    for (uint64_t n = 0; stats.segments < 3; n++) {
        struct orr_written done[16];
        assert_true(n < 5000);
        assert_true(kit_hand_over(writer, n, 0, &(int) { -1 }));
        assert_int_equal(orr_writer_drain(writer, NULL), ORR_OK);
        (void)orr_writer_take(writer, done, 16);
        orr_writer_stats(writer, &stats);
    }
    while (access(index, F_OK) != 0)
        assert_true(read(watch, events, sizeof events) > 0);
    assert_int_equal(orr_writer_close(writer, true, NULL), ORR_OK);
    close(watch);
    free(index);
    free(folder);
    kit_end(&p);
}

enum { RUN = 256, RUN_BYTES = 200 };

static orr_status expect_next(void *context, const struct orr_stored *stored,
                              const struct orr_place *place, struct orr_error *err)
{
    uint64_t *i = context;
    (void)place, (void)err;
    assert_int_equal(stored->id.lo, *i);
    assert_int_equal(stored->args_bytes, RUN_BYTES);
    assert_int_equal(orr_load_u64((const unsigned char *)stored->args + 8), *i * 3);
    assert_int_equal(stored->results_bytes, *i % 4);
    assert_int_equal(stored->t_start, 1000 + *i % RUN * 10);
    assert_int_equal(stored->t_end, 1010 + *i % RUN * 10);
    assert_int_equal(stored->queued, 5 + *i % RUN * 10);
    assert_string_equal(stored->host, "node7");
    ++*i;
    return ORR_OK;
}

static void put_run(struct orr_writer *writer, uint64_t first)
{
    unsigned char args[RUN_BYTES] = { 0 };
    unsigned char ids[RUN * ORR_STORED_ID_BYTES] = { 0 };
    unsigned char results[RUN * 4] = { 0 };
    int64_t times[RUN + 1];
    uint32_t ends[RUN];
    for (uint32_t i = 0; i < RUN; i++) {
        orr_store_u64(ids + i * ORR_STORED_ID_BYTES + 8, first + i);
        times[i] = 1000 + (int64_t)i * 10;
        ends[i] = (i ? ends[i - 1] : 0) + (uint32_t)((first + i) % 4);
    }
    times[RUN] = 1000 + RUN * 10;
    orr_store_u64(args + 8, first * 3);
    struct orr_stored_run run = { .first = { .function = "f",
                                             .attempt = 1,
                                             .args = args,
                                             .args_bytes = sizeof args,
                                             .results = results,
                                             .results_bytes = ends[RUN - 1],
                                             .host = "node7",
                                             .queued = 5 },
                                  .n = RUN,
                                  .args = { .first = args,
                                            .length = sizeof args,
                                            .n = RUN,
                                            .n_steps = 1,
                                            .steps = { { 8, 3 } } },
                                  .ids = ids,
                                  .times = times,
                                  .ends = ends };

    assert_true(orr_writer_put_run(writer, &run, first));
}

/* An attempt of a run has its own entry, also where a segment ends within the run; the
 * token comes back once. */
static void test_runs(void **state)
{
    (void)state;
    struct kit_run p;
    struct orr_writer_stats stats;
    struct orr_written done[16];
    uint64_t next = 0;
    size_t n = 0;
    kit_begin(&p);
    p.options.segment_bytes = 1; /* the least there is: 16 KiB */
    p.options.no_index = true;
    struct orr_writer *writer = open_writer(&p.options);
    for (uint64_t i = 0; i < 4; i++)
        put_run(writer, i * RUN);
    assert_int_equal(orr_writer_drain(writer, NULL), ORR_OK);
    while ((n = orr_writer_take(writer, done, 3)) > 0)
        for (size_t i = 0; i < n; i++, next += RUN) {
            assert_int_equal(done[i].token, next);
            assert_int_equal(done[i].n, RUN);
            assert_int_equal(done[i].times[RUN], 1000 + RUN * 10);
            assert_int_equal(done[i].ends[RUN - 1], RUN / 4 * 6);
        }
    assert_int_equal(next, 4 * RUN);
    orr_writer_stats(writer, &stats);
    assert_true(stats.segments > 4);
    assert_int_equal(stats.results, 4 * RUN);
    assert_int_equal(stats.acknowledged, 4 * RUN);
    assert_int_equal(orr_writer_close(writer, true, NULL), ORR_OK);
    struct orr_scan_options options = { .run_id = p.options.run_id };
    next = 0;
    assert_int_equal(orr_shards_scan(p.dir, &options, expect_next, &next, NULL, NULL),
                     ORR_OK);
    assert_int_equal(next, 4 * RUN);
    kit_end(&p);
}

static void test_many_small(void **state)
{
    (void)state;
    struct orr_writer_stats stats;
    struct kit_run p;
    kit_begin(&p);
    p.options.durability = ORR_DURABILITY_NONE;
    kit_write(&p.options, 30000, no_blob, true, &stats);
    kit_expect_all(&p, 30000, no_blob);
    kit_end(&p);
}

/* --- other tools ------------------------------------------------------------ */

#define PYTHON "/usr/bin/python3"

static void run_python(const char *script, const char *argument)
{
    struct orr_text command = ORR_TEXT_INIT;
    orr_text_printf(&command, PYTHON " -c '%s' %s", script, argument);
    assert_int_equal(system(command.s), 0);
    orr_text_release(&command);
}

/* A log is a valid HDF5 file while it is written, and after; so is the index. */
static void test_h5py(void **state)
{
    (void)state;
    struct kit_run p;
    struct orr_writer_stats stats;
    if (access(PYTHON, X_OK) != 0 ||
        system(PYTHON " -c 'import h5py' 2>/dev/null") != 0) {
        print_message("[  SKIPPED ] h5py is not installed\n");
        skip();
    }
    static const char look_at_log[] =
        "import h5py, sys\n"
        "f = h5py.File(sys.argv[1] + \"/shards/w00001-e001-s000000.blob.h5\", \"r\")\n"
        "assert f.attrs[\"format\"] == b\"orrery-shard\" and f.attrs[\"writer\"] == 1\n"
        "assert bytes(f[\"log\"][:4]) == b\"ORRF\"\n"
        "assert f[\"log\"].id.get_offset() == 16384\n";
    kit_begin(&p);
    struct orr_writer *writer = open_writer(&p.options);
    put_some(writer, 20);
    assert_int_equal(orr_writer_drain(writer, NULL), ORR_OK);
    run_python(look_at_log, p.dir);
    assert_int_equal(orr_writer_close(writer, false, NULL), ORR_OK);
    p.options.epoch = 2;
    kit_write(&p.options, 5000, no_blob, true, &stats);
    run_python(look_at_log, p.dir);
    run_python(
        "import h5py, sys, numpy\n"
        "f = h5py.File(sys.argv[1] + \"/shards/w00001-e002-s000000.idx.h5\", \"r\")\n"
        "r = f[\"records\"][:]\n"
        "assert len(r) == 5000 and f[\"records\"].attrs[\"unit.cpu_user\"] == b\"s\"\n"
        "assert sum(r[\"failure\"] == b\"exit\") == 714\n"
        "for kind in (\"test.odd\", \"test.even\"):\n"
        "  g = f[\"frames/\" + kind]\n"
        "  want = r[\"n_rows\"][r[\"function\"] == kind.encode()].sum()\n"
        "  assert len(g[\"psnr\"]) == len(g[\"record\"]) == want > 1000\n"
        "  assert g[\"psnr\"].attrs[\"unit\"] == b\"dB\"\n"
        "  i = g[\"record\"][777]\n"
        "  assert g[\"bytes\"][777] == i % 1000\n"
        "  assert g[\"psnr\"][777] == i + g[\"frame\"][777] / 4\n",
        p.dir);
    char command[512];
    (void)snprintf(
        command, sizeof command,
        "for f in %s/shards/*.h5; do h5dump -H $f && h5ls -r $f; done >/dev/null",
        p.dir);
    assert_int_equal(system(command), 0);
    kit_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_after_sync),
        cmocka_unit_test(test_sync_fails),
        cmocka_unit_test(test_lone_result),
        cmocka_unit_test(test_full_queue),
        cmocka_unit_test(test_blobs_wait_outside),
        cmocka_unit_test(test_short_blob),
        cmocka_unit_test(test_two_forms),
        cmocka_unit_test(test_h5py),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_nothing_written),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_sealed_while_on),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_many_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
