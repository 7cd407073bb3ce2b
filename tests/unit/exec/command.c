/* command.c - one attempt of a program: what it gets, and what ends with it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "exec/attempt.h"
#include "exec/orphans.h"
#include "exec/scratch.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct orr_outcome run(const struct orr_order *what, struct orr_arena *arena)
{
    char run_dir[] = "/tmp/orr-command-XXXXXX";
    struct orr_home home = { .group = 0 };
    struct orr_starter starter = { .known = false };
    struct orr_order order = *what;
    struct orr_outcome out;
    assert_non_null(mkdtemp(run_dir));
    order.run_dir = run_dir;
    order.scratch = "one";
    order.cores = 3;
    order.cwd = "/";
    order.keep_stdout = true;
    order.timeout = 30 * ORR_SECOND;
    orr_command_run(&order, NULL, -1, &home, &starter, arena, &out);
    (void)close(starter.null);
    orri_scratch_remove(run_dir);
    return out;
}

/* --- the environment -------------------------------------------------------- */

static int times(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void a_variable_is_there_once(void **state)
{
    (void)state;
    static const char *const argv[] = { "env" };
    static const char *const env[] = { "OMP_NUM_THREADS=7", "ORRERY_GPUS=0",
                                       "ORRERY_GPUS=1,2", "HOME=/nowhere" };
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_order order = { .argv = argv, .n_argv = 1, .env = env, .n_env = 4 };
    (void)setenv("HOME", "/root", 1);
    struct orr_outcome out = run(&order, &arena);
    assert_int_equal(out.failure, ORR_FAIL_NONE);
    assert_non_null(strstr(out.output, "OMP_NUM_THREADS=7\n"));
    assert_int_equal(times(out.output, "OMP_NUM_THREADS="), 1);
    assert_non_null(strstr(out.output, "ORRERY_GPUS=0\n"));
    assert_int_equal(times(out.output, "ORRERY_GPUS="), 1);
    assert_non_null(strstr(out.output, "ORRERY_CORES=3\n"));
    assert_non_null(strstr(out.output, "HOME=/nowhere\n"));
    assert_int_equal(times(out.output, "\nHOME="), 1);
    order.n_env = 0;
    out = run(&order, &arena);
    assert_non_null(strstr(out.output, "OMP_NUM_THREADS=3\n"));
    orr_arena_release(&arena);
}

/* --- what is left behind ---------------------------------------------------- */

enum { BLOCK = 65536 };

/* Takes the place of libc's in this program: whoever reads blocks of a flood finds more
 * each time. */
ssize_t read(int fd, void *to, size_t n)
{
    ssize_t got = syscall(SYS_read, fd, to, n);
    struct pollfd more = { .fd = fd, .events = POLLIN };
    if (got >= BLOCK / 2)
        (void)poll(&more, 1, -1);
    return got;
}

/* As a program: says something, and ends, while what it leaves behind prints on and on.
 */
static void flood(int fd)
{
    static char block[BLOCK];
    int filled = 0;
    memset(block, 'x', sizeof block);
    (void)printf("%d said\n", (int)getpid());
    (void)fflush(stdout);
    if (fork() == 0)
        while (write(fd, block, sizeof block) > 0 || errno == EINTR)
            continue;
    while (ioctl(fd, FIONREAD, &filled) == 0 && filled < BLOCK / 2)
        (void)sched_yield();
    _exit(0);
}

static void what_prints_on_ends(void **state)
{
    const char *argv[] = { *state, "flood", NULL };
    static const char *const fds[] = { "1", "2" };
    for (int i = 0; i < 2; i++) {
        struct orr_arena arena = ORR_ARENA_INIT;
        argv[2] = fds[i];
        struct orr_outcome out =
            run(&(struct orr_order) { .argv = argv, .n_argv = 3 }, &arena);
        assert_int_equal(out.failure, ORR_FAIL_NONE);
        assert_non_null(strstr(out.output, "said\n"));
        assert_int_equal(kill(-(pid_t)strtol(out.output, NULL, 10), 0), -1);
        assert_int_equal(errno, ESRCH);
        orr_arena_release(&arena);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "flood") == 0)
        flood((int)strtol(argv[2], NULL, 10));
    char *self = realpath("/proc/self/exe", NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_is_there_once),
        cmocka_unit_test_prestate(what_prints_on_ends, self),
    };
    orri_orphans_adopt();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(self);
    return failed;
}
