/* rundir.c - run directories: made, refused, locked, taken over */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/keeper.h"
#include "store_kit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static char *join(const char *directory, const char *name)
{
    return orr_path_join(directory, name);
}

static void put_file(const char *directory, const char *name, const char *text)
{
    char *path = join(directory, name);
    assert_int_equal(orr_file_write(path, text, strlen(text), false, NULL), ORR_OK);
    free(path);
}

static struct orr_rundir *create(const char *path)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_rundir *dir = NULL;
    if (orr_rundir_create(path, &dir, &err) != ORR_OK)
        fail_msg("%s", err.text);
    return dir;
}

/* Both calls fail with `part` in the text. */
static void expect_refused(orr_status (*call)(const char *, struct orr_rundir **,
                                              struct orr_error *),
                           const char *path, orr_status want, const char *part)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_rundir *dir = NULL;
    orr_status status = call(path, &dir, &err);
    if (status != want || !strstr(err.text, part))
        fail_msg("wanted %d with '%s', have %d: %s", want, part, status, err.text);
    assert_null(dir);
}

static void test_create(void **state)
{
    (void)state;
    struct stat info;
    static const char *const inside[] = { "shards", "out", "cache", "logs", "scratch" };
    char *base = kit_directory();
    char *path = join(base, "a/b");
    struct orr_rundir *dir = create(path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    for (size_t i = 0; i < 5; i++) {
        char *folder = join(path, inside[i]);
        assert_int_equal(stat(folder, &info), 0);
        assert_true(S_ISDIR(info.st_mode));
        free(folder);
    }
    assert_int_equal(orr_rundir_epoch(dir), 1);
    assert_false(orr_rundir_took_over(dir));
    assert_int_equal(orr_rundir_path(dir)[0], '/');
    assert_int_equal(orr_rundir_beat(dir, NULL), ORR_OK);
    struct orr_run_info run;
    assert_int_equal(orr_run_info_read(path, &run, NULL), ORR_OK);
    assert_true(run.locked && orr_id_equal(run.id, orr_rundir_id(dir)));
    assert_true(run.id.hi != 0 && run.id.lo != 0);
    orr_rundir_close(dir);
    assert_int_equal(orr_run_info_read(path, &run, NULL), ORR_OK);
    assert_false(run.locked);
    free(path);
    kit_remove(base);
}

static void test_epochs(void **state)
{
    (void)state;
    struct orr_error err = { .code = ORR_OK };
    char *base = kit_directory();
    struct orr_rundir *dir = create(base);
    struct orr_id id = orr_rundir_id(dir);
    orr_rundir_close(dir);
    for (uint32_t epoch = 2; epoch < 5; epoch++) {
        assert_int_equal(orr_rundir_open(base, &dir, &err), ORR_OK);
        assert_int_equal(orr_rundir_epoch(dir), epoch);
        assert_true(orr_id_equal(orr_rundir_id(dir), id));
        orr_rundir_close(dir);
    }
    put_file(base, "shards/w00003-e041-s000002.blob.h5", "");
    put_file(base, "shards/w00003-e099-s000002.blob.h5.tmp-7", "");
    put_file(base, "shards/w00003-e99.blob.h5", "");
    assert_int_equal(orr_rundir_open(base, &dir, &err), ORR_OK);
    assert_int_equal(orr_rundir_epoch(dir), 42);
    orr_rundir_close(dir);
    char *left_over = join(base, "shards/w00003-e099-s000002.blob.h5.tmp-7");
    assert_int_equal(access(left_over, F_OK), -1);
    free(left_over);
    kit_remove(base);
}

static void test_refused(void **state)
{
    (void)state;
    char *base = kit_directory();
    char *file = join(base, "file");
    char *other = join(base, "other");
    char *run = join(base, "run1");
    char *missing = join(base, "missing");
    put_file(base, "file", "x");
    assert_int_equal(mkdir(other, 0755), 0);
    put_file(other, "thesis.tex", "x");
    orr_rundir_close(create(run));
    expect_refused(orr_rundir_create, file, ORR_ERR_INPUT,
                   "is a file, not a directory");
    expect_refused(orr_rundir_create, other, ORR_ERR_INPUT, "it holds 'thesis.tex'");
    expect_refused(orr_rundir_create, run, ORR_ERR_INPUT,
                   "holds a run already; continue");
    expect_refused(orr_rundir_open, missing, ORR_ERR_INPUT,
                   "cannot find run directory");
    expect_refused(orr_rundir_open, other, ORR_ERR_INPUT, "is not a run directory");
    expect_refused(orr_rundir_open, file, ORR_ERR_INPUT, "is not a run directory");
    expect_refused(orr_rundir_create, "/proc/nowhere/run", ORR_ERR_STORE,
                   "cannot make directory /proc/nowhere/run");
    put_file(run, "run", "orrery-run 99\nwhat comes is unknown\n");
    expect_refused(orr_rundir_open, run, ORR_ERR_INPUT, "made by a newer Orrery");
    put_file(run, "run", "orrery-run 1\nid 12\n");
    expect_refused(orr_rundir_open, run, ORR_ERR_DATA, "is damaged");
    free(file);
    free(other);
    free(run);
    free(missing);
    kit_remove(base);
}

/* As an ordinary user: root may write everywhere. */
static void test_read_only(void **state)
{
    (void)state;
    char *base = kit_directory();
    assert_int_equal(chmod(base, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        char *path = join(base, "run");
        struct orr_error err = { .code = ORR_OK };
        struct orr_rundir *dir = NULL;
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(2);
        orr_status status = orr_rundir_create(path, &dir, &err);
        _exit(status == ORR_ERR_STORE && strstr(err.text, "Permission denied") ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(base, 0755), 0);
    kit_remove(base);
}

/* What a create that was killed half way leaves is no obstacle. */
static void test_half_made(void **state)
{
    (void)state;
    char *base = kit_directory();
    char *folder = join(base, "shards");
    assert_int_equal(mkdir(folder, 0700), 0);
    put_file(base, "run.tmp-77", "orrery-");
    orr_rundir_close(create(base));
    free(folder);
    kit_remove(base);
}

/* --- the lock --------------------------------------------------------------- */

static void test_live_lock(void **state)
{
    (void)state;
    char part[128];
    char *base = kit_directory();
    struct orr_rundir *dir = create(base);
    (void)snprintf(part, sizeof part, "is in use by process %ld on this host",
                   (long)getpid());
    expect_refused(orr_rundir_open, base, ORR_ERR_INPUT, part);
    orr_rundir_close(dir);
    orr_rundir_close(NULL);
    kit_remove(base);
}

/* A process that dies with the lock: taken over at once, on the same host. */
static void test_dead_owner(void **state)
{
    (void)state;
    struct orr_error err = { .code = ORR_OK };
    struct orr_run_info info;
    char *base = kit_directory();
    orr_rundir_close(create(base));
    pid_t child = fork();
    if (child == 0) {
        struct orr_rundir *dir = NULL;
        _exit(orr_rundir_open(base, &dir, NULL) == ORR_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(orr_run_info_read(base, &info, NULL), ORR_OK);
    assert_false(info.locked);
    assert_non_null(strstr(info.owner, "pid "));
    struct orr_rundir *dir = NULL;
    assert_int_equal(orr_rundir_open(base, &dir, &err), ORR_OK);
    assert_true(orr_rundir_took_over(dir));
    assert_int_equal(orr_rundir_epoch(dir), 3);
    orr_rundir_close(dir);
    kit_remove(base);
}

/* Killed in the moment in which it took a stale lock away. */
static void test_dead_guard(void **state)
{
    (void)state;
    struct orr_error err = { .code = ORR_OK };
    struct orr_rundir *dir = NULL;
    char *base = kit_directory();
    char *lock = join(base, "lock");
    char *guard = join(base, "lock.break");
    int status = 0;
    orr_rundir_close(create(base));
    pid_t child = fork();
    if (child == 0) {
        bool good = orr_rundir_open(base, &dir, NULL) == ORR_OK;
        _exit(good && link(lock, guard) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    if (orr_rundir_open(base, &dir, &err) != ORR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(access(guard, F_OK), -1);
    orr_rundir_close(dir);
    free(guard);
    free(lock);
    kit_remove(base);
}

/* The lock grows no older while its owner is busy, and losing it meanwhile shows. */
static void test_keeper(void **state)
{
    (void)state;
    struct orr_error err = { .code = ORR_OK };
    char *base = kit_directory();
    struct orr_rundir *dir = create(base);
    char *lock = join(base, "lock");
    struct stat info = { .st_mtim = { .tv_sec = 0 } };
    struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    char events[4096];
    int watch = inotify_init1(IN_CLOEXEC);
    assert_true(inotify_add_watch(watch, lock, IN_ATTRIB) >= 0);
    struct orr_keeper *keeper = orr_keeper_start(dir, ORR_SECOND / 1000);
    assert_non_null(keeper);
    assert_int_equal(utimensat(AT_FDCWD, lock, old, 0), 0);
    while (info.st_mtim.tv_sec <= 1000) {
        assert_true(read(watch, events, sizeof events) > 0);
        assert_int_equal(stat(lock, &info), 0);
    }
    assert_int_equal(orr_keeper_end(keeper, &err), ORR_OK);
    assert_int_equal(unlink(lock), 0);
    keeper = orr_keeper_start(dir, ORR_SECOND / 1000);
    assert_int_equal(orr_keeper_end(keeper, &err), ORR_ERR_STORE);
    assert_non_null(strstr(err.text, "was removed"));
    assert_int_equal(orr_keeper_end(NULL, &err), ORR_OK);
    close(watch);
    orr_rundir_close(dir);
    free(lock);
    kit_remove(base);
}

static void put_lock(const char *base, const char *boot, long pid, long long start,
                     long age)
{
    char text[512];
    char *path = join(base, "lock");
    (void)snprintf(text, sizeof text,
                   "orrery-lock 1\nhost far-away\nboot %s\npid_space 1\npid %ld\n"
                   "start %lld\nsince 1700000000000000000\nnonce abc\n",
                   boot, pid, start);
    put_file(base, "lock", text);
    struct timespec times[2] = { { .tv_sec = time(NULL) - age },
                                 { .tv_sec = time(NULL) - age } };
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    free(path);
}

static void test_other_host(void **state)
{
    (void)state;
    struct orr_rundir *dir = NULL;
    char *base = kit_directory();
    orr_rundir_close(create(base));
    put_lock(base, "other-boot", 4711, 1, 5);
    expect_refused(orr_rundir_open, base, ORR_ERR_INPUT,
                   "process 4711 on host far-away");
    expect_refused(orr_rundir_open, base, ORR_ERR_INPUT, "/lock");
    put_lock(base, "other-boot", 4711, 1, 55);
    expect_refused(orr_rundir_open, base, ORR_ERR_INPUT, "remove the lock: rm ");
    put_lock(base, "other-boot", 4711, 1, 65);
    assert_int_equal(orr_rundir_open(base, &dir, NULL), ORR_OK);
    assert_true(orr_rundir_took_over(dir));
    orr_rundir_close(dir);
    kit_remove(base);
}

/* The owner finds out at its next heartbeat, and does not remove what is not its own.
 */
static void test_lost_lock(void **state)
{
    (void)state;
    struct orr_error err = { .code = ORR_OK };
    char *base = kit_directory();
    char *path = join(base, "lock");
    struct orr_rundir *dir = create(base);
    put_lock(base, "other-boot", 4711, 1, 0);
    assert_int_equal(orr_rundir_beat(dir, &err), ORR_ERR_STORE);
    assert_non_null(strstr(err.text, "taken over by process 4711 on host far-away"));
    orr_rundir_close(dir);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(orr_rundir_open(base, &dir, &err), ORR_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(orr_rundir_beat(dir, &err), ORR_ERR_STORE);
    assert_non_null(strstr(err.text, "was removed"));
    orr_rundir_close(dir);
    free(path);
    kit_remove(base);
}

/* One of many that want a stale lock: says whether it won, and holds on until `hold`
 * closes, so that nobody finds a dead winner. */
static void contend(const char *base, const int start[2], const int hold[2], int result)
{
    char c = 0;
    struct orr_rundir *dir = NULL;
    close(start[1]);
    close(hold[1]);
    (void)!read(start[0], &c, 1);
    c = orr_rundir_open(base, &dir, NULL) == ORR_OK ? 'w' : 'l';
    (void)!write(result, &c, 1);
    (void)!read(hold[0], &c, 1);
    _exit(0);
}

/* Many at once for one stale lock: one wins. */
static void test_race(void **state)
{
    (void)state;
    enum { CHILDREN = 8, ROUNDS = 20 };
    char *base = kit_directory();
    orr_rundir_close(create(base));
    for (int round = 0; round < ROUNDS; round++) {
        int start[2];
        int hold[2];
        int result[2];
        int winners = 0;
        put_lock(base, "other-boot", 4711, 1, 100);
        assert_int_equal(pipe(start) | pipe(hold) | pipe(result), 0);
        pid_t children[CHILDREN];
        for (int i = 0; i < CHILDREN; i++) {
            children[i] = fork();
            if (children[i] == 0)
                contend(base, start, hold, result[1]);
        }
        close(start[0]);
        close(start[1]);
        for (int i = 0; i < CHILDREN; i++) {
            char c = 0;
            assert_int_equal(read(result[0], &c, 1), 1);
            winners += c == 'w';
        }
        close(hold[0]);
        close(hold[1]);
        close(result[0]);
        close(result[1]);
        for (int i = 0; i < CHILDREN; i++)
            assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
        assert_int_equal(winners, 1);
    }
    kit_remove(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),     cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_half_made),  cmocka_unit_test(test_live_lock),
        cmocka_unit_test(test_dead_owner), cmocka_unit_test(test_dead_guard),
        cmocka_unit_test(test_keeper),     cmocka_unit_test(test_other_host),
        cmocka_unit_test(test_lost_lock),  cmocka_unit_test(test_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
