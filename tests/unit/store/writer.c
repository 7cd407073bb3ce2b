/* writer.c - what the writer acknowledges can be read back, byte for byte */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_kit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

struct place {
    char *dir;
    struct orr_rundir *run;
    struct orr_writer_options options;
};

static void begin(struct place *p)
{
    struct orr_error err = { .code = ORR_OK };
    char *base = kit_directory();
    p->dir = base;
    if (orr_rundir_create(base, &p->run, &err) != ORR_OK)
        fail_msg("%s", err.text);
    p->options = (struct orr_writer_options){ .run_dir = orr_rundir_path(p->run),
                                              .run_id = orr_rundir_id(p->run),
                                              .writer = 1,
                                              .epoch = orr_rundir_epoch(p->run) };
}

static void end(struct place *p)
{
    orr_rundir_close(p->run);
    kit_remove(p->dir);
}

/* Hand over attempt n; its token is n. The memory file goes to fds[n]. */
static bool hand_over(struct orr_writer *writer, uint64_t n, uint64_t blob_bytes, int *fd)
{
    struct kit_attempt a;
    kit_make(&a, n, blob_bytes);
    if (*fd < 0 && a.blob_bytes)
        *fd = kit_memfd(n, blob_bytes);
    bool taken = orr_writer_put(writer, &a.stored, *fd, a.blob_bytes, n);
    kit_release(&a);
    return taken;
}

static size_t take_all(struct orr_writer *writer, uint8_t *seen, int *fds)
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
static void write_many(const struct orr_writer_options *options, uint64_t n,
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
        while (!hand_over(writer, i, size_of(i), &fds[i])) {
            struct pollfd wait = { orr_writer_event_fd(writer), POLLIN, 0 };
            assert_int_equal(poll(&wait, 1, 10000), 1);
            assert_int_equal(orr_writer_error(writer, &err), ORR_OK);
            acknowledged += take_all(writer, seen, fds);
        }
    }
    assert_int_equal(orr_writer_drain(writer, &err), ORR_OK);
    acknowledged += take_all(writer, seen, fds);
    assert_int_equal(acknowledged, n);
    orr_writer_stats(writer, stats);
    if (orr_writer_close(writer, seal, &err) != ORR_OK)
        fail_msg("%s", err.text);
    free(seen);
    free(fds);
}

/* --- reading back ----------------------------------------------------------- */

struct readback {
    struct orr_blob_reader *blobs;
    uint64_t (*size_of)(uint64_t);
    uint8_t *seen;
    uint64_t n;
};

static orr_status read_back(void *context, const struct orr_stored *stored,
                            const struct orr_place *place, struct orr_error *err)
{
    struct readback *r = context;
    struct orr_blob blob;
    int64_t n = 0;
    for (int i = 0; i < 8; i++)
        n |= (int64_t)((const unsigned char *)stored->args)[1 + i] << (8 * i);
    assert_true((uint64_t)n < r->n);
    assert_true(kit_matches(stored, (uint64_t)n, r->size_of((uint64_t)n), &blob));
    if (stored->results_bytes) {
        void *bytes = NULL;
        assert_int_equal(blob.offset, place->blob);
        if (orr_blob_load(r->blobs, &blob, &bytes, err) != ORR_OK)
            fail_msg("%s", err->text);
        for (uint64_t i = 0; i < blob.length; i++)
            assert_int_equal(((unsigned char *)bytes)[i], kit_byte((uint64_t)n, i));
        free(bytes);
    }
    assert_int_equal(r->seen[n], 0);
    r->seen[n] = 1;
    return ORR_OK;
}

static void expect_all(const struct place *p, uint64_t n, uint64_t (*size_of)(uint64_t))
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_text notes = ORR_TEXT_INIT;
    struct orr_scan_stats stats;
    struct readback r = { orr_blob_reader_new(p->dir), size_of, orr_alloc(n, 1), n };
    struct orr_scan_options options = { .run_id = orr_rundir_id(p->run),
                                        .verify_blobs = true, .notes = &notes };
    if (orr_shards_scan(p->dir, &options, read_back, &r, &stats, &err) != ORR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(stats.results, n);
    assert_int_equal(stats.damaged_frames + stats.uncommitted_frames, 0);
    if (notes.length)
        fail_msg("%s", notes.s);
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(r.seen[i], 1);
    orr_text_release(&notes);
    orr_blob_reader_free(r.blobs);
    free(r.seen);
}

static uint64_t no_blob(uint64_t n) { return n * 0; }
static uint64_t mixed(uint64_t n) { return n % 97 == 0 ? 3000000 + n : n * 131 % 20000; }
static uint64_t large(uint64_t n) { return 5000000 + n * 7; }

static void test_round_trip(void **state)
{
    (void)state;
    struct orr_writer_stats stats;
    struct place p;
    begin(&p);
    write_many(&p.options, 700, mixed, true, &stats);
    assert_int_equal(stats.segments, 1);
    assert_true(stats.groups >= 2 && stats.groups <= 700);
    expect_all(&p, 700, mixed);
    end(&p);
}

static void test_nothing_written(void **state)
{
    (void)state;
    struct orr_writer_stats stats;
    struct place p;
    begin(&p);
    write_many(&p.options, 0, no_blob, true, &stats);
    expect_all(&p, 0, no_blob);
    end(&p);
}

/* Segments smaller than a frame: each large frame gets a segment that holds it. */
static void test_segments(void **state)
{
    (void)state;
    struct orr_writer_stats stats;
    struct place p;
    begin(&p);
    p.options.segment_bytes = 1 << 20;
    write_many(&p.options, 60, large, true, &stats);
    assert_true(stats.segments >= 50);
    expect_all(&p, 60, large);
    end(&p);
}

static void test_many_small(void **state)
{
    (void)state;
    struct orr_writer_stats stats;
    struct place p;
    begin(&p);
    p.options.durability = ORR_DURABILITY_NONE;
    write_many(&p.options, 30000, no_blob, true, &stats);
    expect_all(&p, 30000, no_blob);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_nothing_written),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_many_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
