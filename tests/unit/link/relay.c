/* relay.c - guests over TCP: who is let in, what travels, how one is missed */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct door {
    struct orr_loop_hub *hub;
    struct orr_link *link;
    struct orr_relay_place place;
};

static struct door open_door(uint32_t guests)
{
    struct door door = { .hub = orr_loop_hub_new(2) };
    struct orr_bytes welcome = ORR_BYTES_INIT;
    orr_put_raw(&welcome, "welcome", 7);
    assert_int_equal(orr_relay_open(orr_loop_hub_link(door.hub, 0), guests, &welcome,
                                    &door.place, &door.link, NULL),
                     ORR_OK);
    orr_bytes_release(&welcome);
    assert_int_equal(door.link->size, 2 + guests);
    return door;
}

static void close_door(struct door *door)
{
    orr_relay_free(door->link);
    orr_loop_hub_free(door->hub);
}

/* The next message within some seconds; its length, -1 for none. */
static int hear(struct orr_link *link, uint32_t *from, char *out, int seconds)
{
    int64_t until = orr_clock_monotonic() + seconds * ORR_SECOND;
    const void *data = NULL;
    size_t length = 0;
    orr_rank rank = { 0 };
    while (orr_link_receive(link, &rank, &data, &length, NULL) != ORR_OK) {
        if (orr_clock_monotonic() > until)
            return -1;
        (void)poll(NULL, 0, 1);
    }
    *from = rank.v;
    memcpy(out, data, length);
    out[length] = '\0';
    return (int)length;
}

/* A guest of its own process: says its rank, echoes one message, and ends without a
 * word. Exit code 0: all as it should be; 9: it was not let in. */
static pid_t guest(const struct orr_relay_place *place)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    struct orr_link *link = NULL;
    struct orr_bytes welcome = ORR_BYTES_INIT;
    char text[100];
    uint32_t from = 9;
    if (orr_relay_join("127.0.0.1", place, &link, &welcome, NULL) != ORR_OK)
        _exit(9);
    if (welcome.length != 7 || memcmp(welcome.data, "welcome", 7) != 0)
        _exit(1);
    char rank = (char)('0' + link->rank);
    (void)orr_link_send(link, (orr_rank) { 0 }, &rank, 1, NULL);
    if (hear(link, &from, text, 20) != 5 || from != 0)
        _exit(2);
    (void)orr_link_send(link, (orr_rank) { 0 }, text, 5, NULL);
    while (!orr_link_sent(link))
        (void)poll(NULL, 0, 1);
    _exit(0);
}

static int exit_of(pid_t pid)
{
    int status = 0;
    (void)waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Rank 0 looks at its door until the process has ended. */
static int serve_until_end(struct door *door, pid_t pid)
{
    char text[100];
    uint32_t from = 0;
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0)
        (void)hear(door->link, &from, text, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void guests_come_speak_and_are_missed(void **state)
{
    (void)state;
    struct door door = open_door(2);
    char text[100];
    uint32_t from = 0;
    for (uint32_t rank = 2; rank < 4; rank++) {
        pid_t pid = guest(&door.place);
        assert_int_equal(hear(door.link, &from, text, 20), 1);
        assert_int_equal(from, rank);
        assert_int_equal(text[0], '0' + (int)rank);
        assert_false(orr_link_gone(door.link, (orr_rank) { rank }));
        assert_int_equal(
            orr_link_send(door.link, (orr_rank) { rank }, "hello", 5, NULL), ORR_OK);
        assert_int_equal(hear(door.link, &from, text, 20), 5);
        assert_string_equal(text, "hello");
        assert_int_equal(exit_of(pid), 0);
        assert_int_equal(hear(door.link, &from, text, 0), -1);
        assert_true(orr_link_gone(door.link, (orr_rank) { rank }));
        assert_int_equal(
            orr_link_send(door.link, (orr_rank) { rank }, "hello", 5, NULL),
            ORR_OK); /* to one that is gone, does no harm */
    }
    assert_int_equal(serve_until_end(&door, guest(&door.place)), 9); /* a third */
    assert_false(orr_link_gone(door.link, (orr_rank) { 1 }));        /* of the world */
    close_door(&door);
}

static void the_world_goes_on_beside(void **state)
{
    (void)state;
    struct door door = open_door(1);
    char text[100];
    uint32_t from = 0;
    struct orr_link *other = orr_loop_hub_link(door.hub, 1);
    assert_int_equal(orr_link_send(other, (orr_rank) { 0 }, "up", 2, NULL), ORR_OK);
    assert_int_equal(hear(door.link, &from, text, 1), 2);
    assert_int_equal(from, 1);
    assert_int_equal(orr_link_send(door.link, (orr_rank) { 1 }, "down", 4, NULL),
                     ORR_OK);
    assert_int_equal(hear(other, &from, text, 1), 4);
    assert_true(orr_link_sent(door.link));
    close_door(&door);
}

static void who_does_not_know_the_secret_stays_outside(void **state)
{
    (void)state;
    struct door door = open_door(1);
    struct orr_relay_place wrong = door.place;
    wrong.secret[63] = wrong.secret[63] == 'a' ? 'b' : 'a';
    assert_int_equal(serve_until_end(&door, guest(&wrong)), 9);
    close_door(&door);
}

/* Whoever took the port of a rank 0 that is gone. */
static void who_is_not_rank_0_gives_no_work(void **state)
{
    (void)state;
    struct door door = open_door(1);
    struct orr_relay_place other = door.place;
    other.answer[0] = other.answer[0] == 'a' ? 'b' : 'a';
    assert_int_equal(serve_until_end(&door, guest(&other)), 9);
    close_door(&door);
}

static int connect_to(const struct door *door)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(door->place.port),
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Rank 0 had no time for them until they had no patience any more. */
static void who_is_gone_again_takes_no_place(void **state)
{
    (void)state;
    struct door door = open_door(1);
    char greeting[160] = { 0 };
    char text[100];
    uint32_t from = 0;
    (void)snprintf(greeting, sizeof greeting, "orrery guest 1 %s %s", ORR_VERSION,
                   door.place.secret);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(&door);
        assert_int_equal(send(fd, greeting, sizeof greeting, 0), sizeof greeting);
        (void)close(fd);
    }
    pid_t pid = guest(&door.place);
    assert_int_equal(hear(door.link, &from, text, 20), 1);
    assert_int_equal(from, 2);
    assert_int_equal(orr_link_send(door.link, (orr_rank) { 2 }, "hello", 5, NULL),
                     ORR_OK);
    assert_int_equal(exit_of(pid), 0);
    close_door(&door);
}

/* They are heard, though it hears nothing any more. */
static void last_words_are_heard(void **state)
{
    (void)state;
    struct door door = open_door(1);
    char text[100];
    uint32_t from = 0;
    pid_t pid = guest(&door.place);
    assert_int_equal(hear(door.link, &from, text, 20), 1);
    for (int i = 0; i < 2; i++) /* the second is not read */
        assert_int_equal(orr_link_send(door.link, (orr_rank) { 2 }, "hello", 5, NULL),
                         ORR_OK);
    assert_int_equal(exit_of(pid), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(orr_link_send(door.link, (orr_rank) { 2 }, "more!", 5, NULL),
                         ORR_OK);
    assert_false(orr_link_gone(door.link, (orr_rank) { 2 }));
    assert_int_equal(hear(door.link, &from, text, 20), 5);
    assert_string_equal(text, "hello");
    assert_int_equal(hear(door.link, &from, text, 0), -1);
    assert_true(orr_link_gone(door.link, (orr_rank) { 2 }));
    close_door(&door);
}

/* Bytes that mean nothing: the connection is closed, and nothing else happens. */
static void nonsense_is_not_listened_to(void **state)
{
    (void)state;
    struct door door = open_door(1);
    int fd = connect_to(&door);
    char bytes[1000];
    char text[100];
    uint32_t from = 0;
    memset(bytes, 0xff, sizeof bytes);
    assert_true(send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) > 0);
    struct pollfd end = { .fd = fd, .events = POLLIN };
    while (poll(&end, 1, 0) == 0)
        assert_int_equal(hear(door.link, &from, text, 0), -1);
    assert_true(recv(fd, bytes, sizeof bytes, 0) <= 0);
    (void)close(fd);
    close_door(&door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guests_come_speak_and_are_missed),
        cmocka_unit_test(the_world_goes_on_beside),
        cmocka_unit_test(who_does_not_know_the_secret_stays_outside),
        cmocka_unit_test(who_is_not_rank_0_gives_no_work),
        cmocka_unit_test(who_is_gone_again_takes_no_place),
        cmocka_unit_test(last_words_are_heard),
        cmocka_unit_test(nonsense_is_not_listened_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
