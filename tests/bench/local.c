/* local.c - the way between an agent and a worker: a Unix stream socket
 *
 *     cc -O2 -o /tmp/local tests/bench/local.c && /tmp/local
 *
 * Prints, for messages of 128 bytes between two processes that sleep in poll(2):
 * round trips (one waits for the other), and records a second in batches of 1024. */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RECORD = 128, BATCH = 1024, TRIPS = 20000, BATCHES = 2000, ROUNDS = 5 };

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_all(int fd, char *to, size_t length)
{
    while (length) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        (void)poll(&ready, 1, -1);
        ssize_t n = read(fd, to, length);
        if (n <= 0)
            _exit(0);
        to += n;
        length -= (size_t)n;
    }
}

static void write_all(int fd, const char *from, size_t length)
{
    while (length) {
        ssize_t n = write(fd, from, length);
        if (n <= 0)
            _exit(1);
        from += n;
        length -= (size_t)n;
    }
}

/* The worker: answers each message of `length` bytes with one. */
static void echo(int fd, size_t length)
{
    char *buffer = malloc(length);
    for (;;) {
        read_all(fd, buffer, length);
        write_all(fd, buffer, length);
    }
}

/* Seconds for `count` messages of `length` bytes there and back. */
static double measure(size_t length, int count)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        exit(1);
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        echo(pair[1], length);
    }
    (void)close(pair[1]);
    char *buffer = calloc(1, length);
    double start = now();
    for (int i = 0; i < count; i++) {
        write_all(pair[0], buffer, length);
        read_all(pair[0], buffer, length);
    }
    double took = now() - start;
    (void)close(pair[0]);
    (void)waitpid(pid, NULL, 0);
    free(buffer);
    return took;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, double *v)
{
    qsort(v, ROUNDS, sizeof *v, by_value);
    printf("%-40s min %10.2f median %10.2f max %10.2f\n", what, v[0], v[ROUNDS / 2],
           v[ROUNDS - 1]);
}

int main(void)
{
    double trip[ROUNDS];
    double rate[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        trip[i] = measure(RECORD, TRIPS) / TRIPS * 1e6;
        rate[i] =
            BATCH * (double)BATCHES / measure((size_t)RECORD * BATCH, BATCHES) / 1e6;
    }
    report("round trip, us", trip);
    report("records there and back, million/s", rate);
    return 0;
}
