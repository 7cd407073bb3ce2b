/* link.h - whole messages between ranks: Open MPI, or ranks in one process
 *
 * Point to point after start-up, never blocking, one thread. A message is a copy. */
#ifndef ORR_LINK_LINK_H
#define ORR_LINK_LINK_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t v;
} orr_rank;

struct orr_link; /* one rank's end */

struct orr_link_ops {
    const char *name; /* "mpi", "loop" */
    orr_status (*send)(struct orr_link *link, orr_rank to, const void *data,
                       size_t length, struct orr_error *err);
    /* The next message; *data is borrowed until the next receive. ORR_END: none now. */
    orr_status (*receive)(struct orr_link *link, orr_rank *from, const void **data,
                          size_t *length, struct orr_error *err);
    /* Have all sent messages left this process? */
    bool (*sent)(struct orr_link *link);
    void (*free)(struct orr_link *link);
    /* Is it known that the rank has ended? NULL: never. */
    bool (*gone)(struct orr_link *link, orr_rank rank);
};

/* The first member of every link. */
struct orr_link {
    const struct orr_link_ops *ops;
    uint32_t rank;
    uint32_t size;
};

static inline orr_status orr_link_send(struct orr_link *link, orr_rank to,
                                       const void *data, size_t length,
                                       struct orr_error *err)
{
    return link->ops->send(link, to, data, length, err);
}
static inline orr_status orr_link_receive(struct orr_link *link, orr_rank *from,
                                          const void **data, size_t *length,
                                          struct orr_error *err)
{
    return link->ops->receive(link, from, data, length, err);
}
static inline bool orr_link_sent(struct orr_link *link)
{
    return link->ops->sent(link);
}

static inline bool orr_link_gone(struct orr_link *link, orr_rank rank)
{
    return link->ops->gone && link->ops->gone(link, rank);
}

/* ---- ranks in one process: for -n 1, and for tests ---- */

struct orr_loop_hub;
struct orr_loop_hub *orr_loop_hub_new(uint32_t ranks);
struct orr_link *orr_loop_hub_link(struct orr_loop_hub *hub,
                                   uint32_t rank); /* the hub's */
/* From now on messages to and from the rank vanish: a machine switched off. */
void orr_loop_hub_cut(struct orr_loop_hub *hub, uint32_t rank);
void orr_loop_hub_free(struct orr_loop_hub *hub);

/* ---- Open MPI ---- */

/* Who shares a node with whom; known at start. */
struct orr_mpi_world {
    struct orr_link *link;
    uint32_t agent;    /* rank of this node's agent */
    uint32_t n_node;   /* ranks on this node that run attempts */
    uint32_t n_agents; /* in all */
};

/* Was this process started by mpirun or srun (and not by hand)? Looks at the
 * environment. */
bool orr_mpi_launched(void);
/* MPI_Init_thread and the node map. With one rank in all rank 0 is its own agent. */
orr_status orr_mpi_start(int *argc, char ***argv, struct orr_mpi_world *out,
                         struct orr_error *err);
/* Start-up only, by all ranks: rank 0's bytes everywhere (appended to *data); and a
 * barrier that tells the lowest rank that is not ready (the number of ranks: all are).
 */
orr_status orr_mpi_share(struct orr_link *link, struct orr_bytes *data,
                         struct orr_error *err);
uint32_t orr_mpi_unready(struct orr_link *link, bool ready);
/* End this process. `orderly`: nobody was lost, so that MPI_Finalize may be tried (a
 * plain mpirun wants it), for some seconds at most; else leave at once. Flush stdio
 * before. */
__attribute__((noreturn)) void orr_mpi_leave(int code, bool orderly);

#endif
