/* nursery.h - warm children: processes that run attempts
 *
 * orr_nursery_start() forks the zygote; call it before MPI_Init and before any thread.
 * The zygote forks children on demand and reports their ends, so that a process with
 * MPI never forks. When this process dies, zygote and children die with it. */
#ifndef ORR_EXEC_NURSERY_H
#define ORR_EXEC_NURSERY_H

#include "base/error.h"
#include "exec/attempt.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a child needs to know of the world above exec. */
struct orr_nursery_setup {
    const struct orr_function *(*find)(void *context, const char *name);
    /* Makes the blob source of a child for a run directory (called in the child). */
    struct orr_blob_source (*blobs)(void *context, const char *run_dir);
    /* Load what calls of a function need, so that children share it (called in the
     * zygote); or NULL. */
    void (*prepare)(void *context, const char *function);
    void *context;
};

struct orr_nursery;
orr_status orr_nursery_start(const struct orr_nursery_setup *setup,
                             struct orr_nursery **out, struct orr_error *err);
void orr_nursery_stop(
    struct orr_nursery *nursery); /* kills all children; NULL is fine */

/* Children will make calls of this function: those that are asked for from now on. */
void orr_nursery_prepare(struct orr_nursery *nursery, const char *function);
/* Ask for a child; ORR_NURSERY_BORN follows. `label` comes back with the events. */
void orr_nursery_spawn(struct orr_nursery *nursery, uint32_t label);

enum orr_nursery_event_kind { ORR_NURSERY_BORN, ORR_NURSERY_DEAD };
struct orr_nursery_event {
    enum orr_nursery_event_kind kind;
    uint32_t label;
    pid_t pid;
    int fd;     /* BORN: the socket to it (struct orr_channel); now the caller's */
    int status; /* DEAD: as of waitpid() */
};
int orr_nursery_fd(const struct orr_nursery *nursery); /* poll it for reading */
bool orr_nursery_next(struct orr_nursery *nursery, struct orr_nursery_event *out);
/* The zygote died: no child will come any more. */
bool orr_nursery_lost(const struct orr_nursery *nursery);

#endif
