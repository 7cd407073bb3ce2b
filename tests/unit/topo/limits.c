/* limits.c - memory as control groups and Slurm limit it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "topo/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const uint64_t GIB = (uint64_t)1 << 30;

struct root {
    char path[32];
};

static int make_root(void **state)
{
    struct root *root = calloc(1, sizeof *root);
    (void)snprintf(root->path, sizeof root->path, "/tmp/orr-limits-XXXXXX");
    *state = root;
    (void)unsetenv("SLURM_MEM_PER_NODE");
    (void)unsetenv("SLURM_MEM_PER_CPU");
    (void)unsetenv("SLURM_CPUS_ON_NODE");
    return mkdtemp(root->path) ? 0 : -1;
}

static int remove_root(void **state)
{
    char command[80];
    (void)snprintf(command, sizeof command, "rm -rf %s", ((struct root *)*state)->path);
    free(*state);
    return system(command);
}

static void make(const struct root *root, const char *path, const char *content)
{
    char whole[300];
    (void)snprintf(whole, sizeof whole, "%s%s", root->path, path);
    for (char *at = whole + strlen(root->path) + 1; (at = strchr(at, '/'));
         *at++ = '/') {
        *at = '\0';
        (void)mkdir(whole, 0700);
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    (void)fputs(content, file);
    (void)fclose(file);
}

static void nothing_limits(void **state)
{
    const struct root *root = *state;
    assert_true(orr_memory_limit(8 * GIB, root->path) == 8 * GIB);
    make(root, "/proc/self/cgroup", "0::/a\n");
    make(root, "/sys/fs/cgroup/a/memory.max", "max\n");
    assert_true(orr_memory_limit(8 * GIB, root->path) == 8 * GIB);
}

static void the_least_group_above_counts(void **state)
{
    const struct root *root = *state;
    make(root, "/proc/self/cgroup", "0::/job/step/task\n");
    make(root, "/sys/fs/cgroup/job/step/task/memory.max", "max\n");
    make(root, "/sys/fs/cgroup/job/step/memory.max", "4294967296\n");
    make(root, "/sys/fs/cgroup/job/memory.max", "3221225472\n");
    assert_true(orr_memory_limit(8 * GIB, root->path) == 3 * GIB);
}

/* In a container the group's path is that of the host; its own limit is at the top. */
static void a_container_has_its_limit_at_the_top(void **state)
{
    const struct root *root = *state;
    make(root, "/proc/self/cgroup", "9:name=systemd:/x\n4:memory:/docker/8f2a\n");
    make(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n");
    assert_true(orr_memory_limit(8 * GIB, root->path) == 2 * GIB);
    make(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_true(orr_memory_limit(8 * GIB, root->path) == 8 * GIB);
}

static void slurm_says_how_much_was_asked_for(void **state)
{
    const struct root *root = *state;
    (void)setenv("SLURM_MEM_PER_NODE", "4096", 1);
    assert_true(orr_memory_limit(8 * GIB, root->path) == 4 * GIB);
    (void)setenv("SLURM_MEM_PER_NODE", "0", 1); /* all of it */
    assert_true(orr_memory_limit(8 * GIB, root->path) == 8 * GIB);
    (void)setenv("SLURM_MEM_PER_CPU", "512", 1);
    (void)setenv("SLURM_CPUS_ON_NODE", "6", 1);
    assert_true(orr_memory_limit(8 * GIB, root->path) == 3 * GIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_limits, make_root, remove_root),
        cmocka_unit_test_setup_teardown(the_least_group_above_counts, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(a_container_has_its_limit_at_the_top, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(slurm_says_how_much_was_asked_for, make_root,
                                        remove_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
