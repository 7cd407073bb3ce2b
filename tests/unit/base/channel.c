/* channel.c - messages and descriptors between processes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/channel.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair {
    struct orr_channel a, b;
};

static int make(void **state)
{
    int fds[2];
    struct pair *pair = orr_alloc(1, sizeof *pair);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    orr_channel_init(&pair->a, fds[0]);
    orr_channel_init(&pair->b, fds[1]);
    *state = pair;
    return 0;
}

static int unmake(void **state)
{
    struct pair *pair = *state;
    orr_channel_release(&pair->a);
    orr_channel_release(&pair->b);
    free(pair);
    return 0;
}

static void expect(struct orr_channel *channel, const char *text, bool with_fd)
{
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    assert_int_equal(orr_channel_receive(channel, &data, &length, &fd), ORR_OK);
    assert_int_equal(length, strlen(text));
    assert_memory_equal(data, text, length);
    assert_int_equal(fd >= 0, with_fd);
    if (fd >= 0)
        (void)close(fd);
}

static void messages_keep_their_bounds(void **state)
{
    struct pair *pair = *state;
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    orr_channel_send(&pair->a, "one", 3, -1);
    orr_channel_send(&pair->a, "", 0, -1);
    orr_channel_send(&pair->a, "three", 5, -1);
    expect(&pair->b, "one", false);
    expect(&pair->b, "", false);
    expect(&pair->b, "three", false);
    assert_int_equal(orr_channel_receive(&pair->b, &data, &length, &fd), ORR_END);
    assert_false(pair->b.closed);
}

/* More than the socket holds: nothing blocks, nothing is lost or mixed up. */
static void large_messages_and_descriptors_arrive_in_order(void **state)
{
    enum { MESSAGES = 40, LENGTH = 300000 };
    struct pair *pair = *state;
    char *text = orr_alloc(LENGTH, 1);
    for (int i = 0; i < MESSAGES; i++) {
        int fd = -1;
        if (i % 3 == 0) {
            fd = memfd_create("t", MFD_CLOEXEC);
            assert_int_equal(write(fd, &i, sizeof i), (ssize_t)sizeof i);
        }
        memset(text, 'a' + i % 26, LENGTH);
        orr_channel_send(&pair->a, text, LENGTH - (size_t)i, fd);
        if (fd >= 0)
            (void)close(fd); /* the channel keeps its own */
    }
    assert_true(orr_channel_wants_write(&pair->a));
    for (int i = 0; i < MESSAGES;) {
        const void *data = NULL;
        size_t length = 0;
        int fd = -1;
        int number = -1;
        (void)orr_channel_flush(&pair->a);
        if (orr_channel_receive(&pair->b, &data, &length, &fd) != ORR_OK)
            continue;
        assert_int_equal(length, LENGTH - i);
        assert_int_equal(((const char *)data)[length - 1], 'a' + i % 26);
        assert_int_equal(fd >= 0, i % 3 == 0);
        if (fd >= 0) {
            assert_int_equal(pread(fd, &number, sizeof number, 0),
                             (ssize_t)sizeof number);
            assert_int_equal(number, i);
            (void)close(fd);
        }
        i++;
    }
    free(text);
}

static void the_end_is_noticed(void **state)
{
    struct pair *pair = *state;
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    orr_channel_send(&pair->a, "last", 4, -1);
    orr_channel_release(&pair->a);
    expect(&pair->b, "last", false);
    assert_int_equal(orr_channel_wait(&pair->b, &data, &length, &fd), ORR_END);
    assert_true(pair->b.closed);
    orr_channel_send(&pair->b, "into the void", 13, -1); /* no SIGPIPE */
}

/* A message that lost its descriptor would be another: it ends the channel. */
static void without_descriptors_it_closes(void **state)
{
    struct pair *pair = *state;
    struct rlimit limit;
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    int passed = memfd_create("t", MFD_CLOEXEC);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit none = { 3, limit.rlim_max };
    orr_channel_send(&pair->a, "before", 6, passed);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    orr_channel_send(&pair->a, "with", 4, passed);
    orr_channel_send(&pair->a, "after", 5, -1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(pair->a.closed);
    assert_false(orr_channel_wants_write(&pair->a));
    expect(&pair->b, "before", true);
    assert_int_equal(orr_channel_receive(&pair->b, &data, &length, &fd), ORR_END);
    (void)close(passed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_keep_their_bounds, make, unmake),
        cmocka_unit_test_setup_teardown(large_messages_and_descriptors_arrive_in_order,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(the_end_is_noticed, make, unmake),
        cmocka_unit_test_setup_teardown(without_descriptors_it_closes, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
