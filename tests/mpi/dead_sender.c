/* dead_sender.c - rank 1 dies with a long message half sent: rank 0 hears the others
 *
 * Run by dead_sender.sh with three ranks and a directory. Exit code 0 of rank 0, in the
 * file `verdict`: it heard rank 2 after the head of rank 1's message was there. */
#include "base/clock.h"
#include "base/memory.h"
#include "link/link.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LONG = 8 << 20, SECONDS = 60 };

static void leave_pid(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        exit(2);
    (void)fprintf(file, "%ld\n", (long)getpid());
    (void)fclose(file);
}

static pid_t read_pid(const char *path)
{
    long pid = 0;
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%ld", &pid) != 1)
        exit(2);
    (void)fclose(file);
    return (pid_t)pid;
}

/* Its head is under way when this returns; the body waits for the receiver. */
static void send_and_die(struct orr_link *link)
{
    unsigned char *bytes = orr_alloc(LONG, 1);
    if (orr_link_send(link, (orr_rank) { 0 }, bytes, LONG, NULL) != ORR_OK)
        exit(2);
    (void)raise(SIGKILL);
}

static void wait_for_death(const char *path)
{
    int fd = (int)syscall(SYS_pidfd_open, read_pid(path), 0);
    struct pollfd ended = { fd, POLLIN, 0 };
    if (fd >= 0)
        (void)poll(&ended, 1, SECONDS * 1000);
}

static void send_hello(struct orr_link *link)
{
    (void)orr_link_send(link, (orr_rank) { 0 }, "hello", 5, NULL);
    int64_t until = orr_clock_monotonic() + SECONDS * ORR_SECOND;
    while (!orr_link_sent(link) && orr_clock_monotonic() < until)
        continue;
}

static bool hear(struct orr_link *link)
{
    int64_t until = orr_clock_monotonic() + SECONDS * ORR_SECOND;
    const void *data = NULL;
    size_t length = 0;
    orr_rank from;
    while (orr_clock_monotonic() < until)
        if (orr_link_receive(link, &from, &data, &length, NULL) == ORR_OK &&
            from.v == 2)
            return length == 5 && memcmp(data, "hello", 5) == 0;
    return false;
}

int main(int argc, char **argv)
{
    struct orr_mpi_world world;
    struct orr_error err = { .code = ORR_OK };
    if (argc != 2 || orr_mpi_start(&argc, &argv, &world, &err) != ORR_OK) {
        (void)fprintf(stderr, "dead_sender: %s\n", err.text);
        return 2;
    }
    char *pid = NULL;
    char *verdict = NULL;
    if (asprintf(&pid, "%s/pid", argv[1]) < 0 ||
        asprintf(&verdict, "%s/verdict", argv[1]) < 0)
        return 2;
    if (world.link->rank == 1)
        leave_pid(pid);
    orr_mpi_barrier(world.link);
    if (world.link->rank == 1)
        send_and_die(world.link);
    wait_for_death(pid);
    if (world.link->rank == 2)
        send_hello(world.link);
    else if (hear(world.link))
        leave_pid(verdict);
    orr_mpi_leave(0, false);
}
