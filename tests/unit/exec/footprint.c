/* footprint.c - what processes hold of memory, and what the kernel says of kills */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exec/footprint.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t MIB = 1 << 20;

/* A process that has touched so much says so, then waits for the end of `stop`. */
struct hog {
    pid_t pid;
    int ready[2];
    int stop[2];
};

static void touch(uint64_t bytes)
{
    unsigned char *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (uint64_t at = 0; memory != MAP_FAILED && at < bytes; at += 4096)
        memory[at] = 1;
}

static void be_hog(const struct hog *hog, uint64_t own, uint32_t children,
                   uint64_t each)
{
    char byte = 0;
    touch(own);
    (void)close(hog->stop[1]);
    for (uint32_t i = 0; i < children; i++)
        if (fork() == 0) {
            touch(each);
            (void)!write(hog->ready[1], "x", 1);
            (void)!read(hog->stop[0], &byte, 1);
            _exit(0);
        }
    (void)!write(hog->ready[1], "x", 1);
    (void)!read(hog->stop[0], &byte, 1);
    while (wait(NULL) > 0)
        continue;
    _exit(0);
}

static struct hog hog_new(uint64_t own, uint32_t children, uint64_t each)
{
    struct hog hog;
    char byte = 0;
    assert_int_equal(pipe(hog.ready), 0);
    assert_int_equal(pipe(hog.stop), 0);
    hog.pid = fork();
    if (hog.pid == 0)
        be_hog(&hog, own, children, each);
    for (uint32_t i = 0; i <= children; i++)
        assert_int_equal(read(hog.ready[0], &byte, 1), 1);
    return hog;
}

static void hog_end(struct hog *hog)
{
    (void)close(hog->stop[1]);
    (void)close(hog->stop[0]);
    (void)waitpid(hog->pid, NULL, 0);
    (void)close(hog->ready[0]);
    (void)close(hog->ready[1]);
}

static bool is_over(pid_t pid, uint64_t limit, uint64_t *used)
{
    struct orr_footprint f = { 0 };
    orr_footprint_begin(&f, pid, limit, 0);
    bool over = orr_footprint_is_over(&f, f.next);
    *used = f.used;
    orr_footprint_end(&f);
    return over;
}

static void between(uint64_t least, uint64_t value, uint64_t most)
{
    if (value < least || value > most)
        fail_msg("%lu MiB are not between %lu and %lu", (unsigned long)(value / MIB),
                 (unsigned long)(least / MIB), (unsigned long)(most / MIB));
}

static void what_is_touched_counts(void **state)
{
    (void)state;
    struct hog hog = hog_new(64 * MIB, 0, 0);
    uint64_t used = 0;
    assert_true(is_over(hog.pid, 32 * MIB, &used));
    between(64 * MIB, used, 120 * MIB);
    assert_false(is_over(hog.pid, 400 * MIB, &used));
    hog_end(&hog);
}

static void children_count(void **state)
{
    (void)state;
    struct hog hog = hog_new(0, 4, 32 * MIB);
    uint64_t used = 0;
    assert_true(is_over(hog.pid, 100 * MIB, &used));
    between(128 * MIB, used, 250 * MIB);
    hog_end(&hog);
}

/* 64 MiB in a process and, unchanged, in its four children: 64 MiB, not 320. */
static void shared_pages_count_once(void **state)
{
    (void)state;
    struct hog hog = hog_new(64 * MIB, 4, 0);
    uint64_t used = 0;
    assert_false(is_over(hog.pid, 160 * MIB, &used));
    between(64 * MIB, used, 160 * MIB);
    hog_end(&hog);
}

static void the_nearer_to_the_limit_the_sooner(void **state)
{
    (void)state;
    struct orr_footprint f = { 0 };
    orr_footprint_begin(&f, getpid(), (uint64_t)1 << 50, 1000);
    int64_t first = f.next;
    assert_false(orr_footprint_is_over(&f, first - 1)); /* it is not time yet */
    assert_true(f.used == 0);
    assert_false(orr_footprint_is_over(&f, first));
    int64_t far = f.next - first;
    orr_footprint_begin(&f, getpid(), f.used + f.used / 4, 1000);
    assert_false(orr_footprint_is_over(&f, first));
    assert_true(f.next - first < far / 2);
    orr_footprint_begin(&f, getpid(), 0, 1000); /* no limit */
    assert_true(f.next == INT64_MAX);
    assert_false(orr_footprint_is_over(&f, INT64_MAX));
    orr_footprint_end(&f);
}

static void make(const char *root, const char *path, const char *content)
{
    char whole[300];
    (void)snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); *at++ = '/') {
        *at = '\0';
        (void)mkdir(whole, 0700);
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    (void)fputs(content, file);
    (void)fclose(file);
}

static void kills_of_the_kernel_are_seen(void **state)
{
    (void)state;
    char root[] = "/tmp/orr-oom-XXXXXX";
    char command[64];
    struct orr_oom_kills kills;
    assert_non_null(mkdtemp(root));
    orr_oom_open(&kills, root); /* a group that does not tell */
    orr_oom_mark(&kills);
    assert_false(orr_oom_happened(&kills));
    orr_oom_close(&kills);
    make(root, "/proc/self/cgroup", "4:cpu:/other\n0::/job\n");
    make(root, "/sys/fs/cgroup/job/memory.events", "low 0\noom 3\noom_kill 2\n");
    orr_oom_open(&kills, root);
    orr_oom_mark(&kills);
    assert_false(orr_oom_happened(&kills));
    make(root, "/sys/fs/cgroup/job/memory.events", "low 0\noom 4\noom_kill 3\n");
    assert_true(orr_oom_happened(&kills));
    orr_oom_close(&kills);
    (void)snprintf(command, sizeof command, "rm -rf %s", root);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_touched_counts),
        cmocka_unit_test(children_count),
        cmocka_unit_test(shared_pages_count_once),
        cmocka_unit_test(the_nearer_to_the_limit_the_sooner),
        cmocka_unit_test(kills_of_the_kernel_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
