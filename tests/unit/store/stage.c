/* stage.c - logs on the node's disk: what is handed back when, and that all of it comes
 * to the run directory */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/frame.h"
#include "store/nodedisk.h"
#include "store/shard.h"
#include "store_kit.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

/* --- a shared disk that can be held and broken ------------------------------ */

static atomic_bool hold_shared;
static atomic_bool break_shared;

static bool is_shared(int fd)
{
    char link[64];
    char path[512] = "";
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof path - 1) > 0 && !strstr(path, "/orrery-");
}

/* Takes the place of libc's in this program: the store is linked statically. */
int fdatasync(int fd)
{
    while (is_shared(fd) && atomic_load(&hold_shared))
        (void)nanosleep(&(struct timespec) { .tv_nsec = 1000000 }, NULL);
    if (is_shared(fd) && atomic_load(&break_shared)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

struct node {
    struct kit_run run;
    char *disk;
    char *folder;
};

static void begin(struct node *node)
{
    kit_begin(&node->run);
    node->disk = kit_directory();
    node->folder = orr_nodedisk_folder(node->disk, node->run.options.run_id);
    assert_int_equal(orr_nodedisk_make(node->folder, NULL), ORR_OK);
    node->run.options.node_folder = node->folder;
    node->run.options.durability = ORR_DURABILITY_NODE;
}

static void end(struct node *node)
{
    free(node->folder);
    kit_remove(node->disk);
    kit_end(&node->run);
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

/* A result without a blob counts when the node has it; one with a blob, which others
 * may read, when the run directory has it. */
static void blobs_wait_for_the_shared_disk(void **state)
{
    (void)state;
    struct node node;
    struct orr_written done[8];
    int blob = -1;
    begin(&node);
    struct orr_writer *writer = open_writer(&node.run.options);
    atomic_store(&hold_shared, true);
    assert_true(kit_hand_over(writer, 1, 5000, &blob));
    assert_true(kit_hand_over(writer, 2, 0, &(int) { -1 }));
    assert_true(event_within(writer, 30000));
    assert_int_equal(orr_writer_take(writer, done, 8), 1);
    assert_int_equal(done[0].token, 2);
    assert_false(event_within(writer, 300));
    atomic_store(&hold_shared, false);
    assert_true(event_within(writer, 30000));
    assert_int_equal(orr_writer_take(writer, done, 8), 1);
    assert_int_equal(done[0].token, 1);
    (void)close(blob);
    assert_int_equal(orr_writer_close(writer, true, NULL), ORR_OK);
    end(&node);
}

static void shared_disk_fails(void **state)
{
    (void)state;
    struct node node;
    struct orr_error err = { .code = ORR_OK };
    int blob = -1;
    begin(&node);
    struct orr_writer *writer = open_writer(&node.run.options);
    atomic_store(&break_shared, true);
    assert_true(kit_hand_over(writer, 1, 5000, &blob));
    assert_int_equal(orr_writer_drain(writer, &err), ORR_ERR_STORE);
    assert_non_null(strstr(err.text, node.run.options.run_dir));
    assert_non_null(strstr(err.text, "Input/output error"));
    assert_int_equal(orr_writer_close(writer, true, &err), ORR_ERR_STORE);
    atomic_store(&break_shared, false);
    (void)close(blob);
    end(&node);
}

/* --- all of it comes over --------------------------------------------------- */

enum { MANY = 400, BLOB = 3000 };

static orr_status count(void *context, const struct orr_stored *stored,
                        const struct orr_place *place, struct orr_error *err)
{
    struct orr_blob blob;
    unsigned *seen = context;
    uint64_t n = kit_number(stored);
    (void)place;
    (void)err;
    assert_true(n < MANY);
    assert_true(kit_matches(stored, n, BLOB, &blob));
    seen[n]++;
    return ORR_OK;
}

/* Each attempt once, whole; how many shards they lie in. */
static uint64_t expect_all(const struct node *node)
{
    unsigned seen[MANY] = { 0 };
    struct orr_error err = { .code = ORR_OK };
    struct orr_scan_stats stats;
    struct orr_scan_options options = { .run_id = node->run.options.run_id,
                                        .verify_blobs = true };
    if (orr_shards_scan(node->run.options.run_dir, &options, count, seen, &stats,
                        &err) != ORR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(stats.damaged + stats.damaged_logs, 0);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(seen[i], 1);
    return stats.shards;
}

static uint64_t blob_of(uint64_t n)
{
    (void)n;
    return BLOB;
}

static void segments_move_over(void **state)
{
    (void)state;
    struct node node;
    begin(&node);
    node.run.options.segment_bytes = 200000;
    node.run.options.group_results = 7;
    struct orr_writer_stats stats;
    kit_write(&node.run.options, MANY, blob_of, true, &stats);
    assert_true(expect_all(&node) > 3);
    orr_nodedisk_remove(node.folder);
    assert_int_not_equal(access(node.folder, F_OK), 0);
    end(&node);
}

/* A log on the node's disk, and nothing that copies. */
static void write_on_node(const struct node *node)
{
    struct orr_writer_options options = node->run.options;
    struct orr_writer_stats stats;
    options.run_dir = node->folder;
    options.node_folder = NULL;
    options.no_index = true;
    options.group_results = 7;
    kit_write(&options, MANY, blob_of, false, &stats);
}

/* The writer is gone before anything was copied: salvage finds it, twice does no harm.
 */
static void salvage_finds_what_was_left(void **state)
{
    (void)state;
    struct node node;
    begin(&node);
    write_on_node(&node);
    struct orr_id id = node.run.options.run_id;
    const char *run_dir = node.run.options.run_dir;
    assert_int_equal(orr_nodedisk_salvage(node.folder, run_dir, id, 1, NULL), ORR_OK);
    assert_int_equal(access(node.folder, F_OK), 0); /* of this epoch: left alone */
    for (int i = 0; i < 2; i++)
        assert_int_equal(orr_nodedisk_salvage(node.folder, run_dir, id, 2, NULL),
                         ORR_OK);
    assert_int_equal(expect_all(&node), 1);
    orr_nodedisk_remove(node.folder);
    assert_int_not_equal(access(node.folder, F_OK), 0);
    assert_int_equal(orr_nodedisk_salvage(node.folder, run_dir, id, 2, NULL), ORR_OK);
    end(&node);
}

/* A copy of the node's log that lacks the header of frame `missing`, as one that was
 * broken off in a piece of many groups. */
static void break_off_copy(const struct node *node, int missing)
{
    static const char zeros[ORRI_FRAME_HEADER];
    struct orri_shard_id shard = { .writer = 1, .epoch = 1 };
    char *from = orri_shard_path(node->folder, &shard, ".blob.h5");
    char *to = orri_shard_path(node->run.options.run_dir, &shard, ".blob.h5");
    struct orr_text log = ORR_TEXT_INIT;
    assert_int_equal(orr_file_read(from, 64 << 20, &log, NULL), ORR_OK);
    size_t at = ORRI_LOG_OFFSET;
    for (; missing; missing--)
        do
            at += ORRI_FRAME_ALIGN;
        while (memcmp(log.s + at, "ORRF", 4) != 0);
    memcpy(log.s + at, zeros, sizeof zeros);
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(orr_write_all(fd, log.s, log.length), 0);
    (void)close(fd);
    orr_text_release(&log);
    free(from);
    free(to);
}

static void salvage_closes_gaps(void **state)
{
    (void)state;
    for (int missing = 0; missing < 5; missing++) {
        struct node node;
        begin(&node);
        write_on_node(&node);
        break_off_copy(&node, missing);
        assert_int_equal(orr_nodedisk_salvage(node.folder, node.run.options.run_dir,
                                              node.run.options.run_id, 2, NULL),
                         ORR_OK);
        assert_int_equal(expect_all(&node), 1);
        end(&node);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blobs_wait_for_the_shared_disk),
        cmocka_unit_test(shared_disk_fails),
        cmocka_unit_test(segments_move_over),
        cmocka_unit_test(salvage_finds_what_was_left),
        cmocka_unit_test(salvage_closes_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
