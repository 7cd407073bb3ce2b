/* lost.c - a rank that dies while a long message of it is under way stops nobody
 *
 * Three ranks: rank 1 announces a long message to rank 0 and is killed before it can be
 * fetched; rank 0 then hears rank 2. Run by lost.sh. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"
#include "link/link.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONG_BYTES = 4 << 20 };

/* The next message, which is `length` bytes long; false when none came for 20 s. */
static bool hear(struct orr_link *link, uint32_t from, void *out, size_t length)
{
    int64_t until = orr_clock_monotonic() + 20 * ORR_SECOND;
    const void *data = NULL;
    size_t n = 0;
    orr_rank sender;
    while (orr_clock_monotonic() < until)
        if (orr_link_receive(link, &sender, &data, &n, NULL) == ORR_OK) {
            if (sender.v != from || n != length)
                return false;
            memcpy(out, data, n);
            return true;
        }
    return false;
}

static void say(struct orr_link *link, uint32_t to, const void *data, size_t n)
{
    if (orr_link_send(link, (orr_rank) { to }, data, n, NULL) != ORR_OK)
        abort();
}

static int listen_to_both(struct orr_link *link)
{
    pid_t pid = 0;
    char word[6];
    if (!hear(link, 1, &pid, sizeof pid))
        return 2;
    while (orr_pid_lives(pid))
        (void)usleep(1000);
    say(link, 2, "begin", 6);
    return hear(link, 2, word, sizeof word) && strcmp(word, "hello") == 0 ? 0 : 1;
}

int main(void)
{
    struct orr_mpi_world world;
    char word[6];
    if (orr_mpi_start(NULL, NULL, &world, NULL) != ORR_OK || world.link->size != 3)
        return 2;
    struct orr_link *link = world.link;
    int code = 0;
    if (link->rank == 0) {
        code = listen_to_both(link);
        (void)printf("%s\n", code ? "rank 0 heard nothing" : "rank 0 heard rank 2");
        (void)fflush(stdout);
    } else if (link->rank == 1) {
        pid_t pid = getpid();
        say(link, 0, &pid, sizeof pid);
        say(link, 0, orr_alloc(LONG_BYTES, 1), LONG_BYTES);
        (void)raise(SIGKILL);
    } else if (hear(link, 0, word, sizeof word)) {
        say(link, 0, "hello", 6);
        while (!orr_link_sent(link))
            (void)usleep(1000);
    }
    orr_mpi_leave(code, false);
}
