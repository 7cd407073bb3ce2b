/* footprint.h - how much memory an attempt holds: its process and all that it started
 *
 * An address space says little: libraries, thread stacks and mapped files count in it,
 * and pages that were never touched. What counts here is what lies in memory, pages
 * that are shared by n processes for an n-th. */
#ifndef ORR_EXEC_FOOTPRINT_H
#define ORR_EXEC_FOOTPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of one attempt. */
struct orr_footprint {
    pid_t root;
    uint64_t limit; /* bytes; 0: none, nothing is looked at */
    uint64_t used;  /* at the last look */
    int64_t next;   /* monotonic ns of the next; INT64_MAX: never */
    pid_t *seen;    /* processes, also those that lost their parent since */
    size_t n;
    size_t cap;
};
void orr_footprint_begin(struct orr_footprint *footprint, pid_t root, uint64_t limit,
                         int64_t now);
/* Look, if it is time to. True: more than the limit was used. Costs two small reads a
 * process, 2 to 20 times a second: the nearer to the limit, the more often. */
bool orr_footprint_is_over(struct orr_footprint *footprint, int64_t now);
void orr_footprint_end(struct orr_footprint *footprint); /* of zeroed memory too */

/* The kernel's count of processes that it killed in our control group because its
 * memory ran out. */
struct orr_oom_kills {
    int fd; /* -1: the group does not tell */
    uint64_t before;
};
void orr_oom_open(struct orr_oom_kills *kills, const char *root); /* "" but in tests */
/* Take the count as it is now. */
void orr_oom_mark(struct orr_oom_kills *kills);
/* Has it grown since? */
bool orr_oom_happened(const struct orr_oom_kills *kills);
void orr_oom_close(struct orr_oom_kills *kills);

#endif
