/* local.h - messages between an agent and the workers of its node
 *
 * They use the numbers of wire.h over a Unix socket; bodies differ, because results of
 * workers carry everything (and a descriptor for the bytes of blobs). */
#ifndef ORR_NODE_LOCAL_H
#define ORR_NODE_LOCAL_H

#include "base/channel.h"
#include "exec/attempt.h"
#include "node/host.h"
#include "wire/runs.h"

enum { ORRI_CORES_MAX = 256 };

/* ASSIGN down: token (the agent's), cores, environment, assignments: one, or a run of
 * calls in place. */
struct orri_local_assignment {
    uint32_t token;
    uint32_t cores[ORRI_CORES_MAX];
    uint32_t n_cores;
    const char *env; /* "NAME=value" lines; borrowed, "" for none */
    struct orr_assignment_run run;
};
void orri_local_assignment_put(struct orr_bytes *out,
                               const struct orri_local_assignment *a);
/* `env` is copied into the arena. */
orr_status orri_local_assignment_get(struct orr_reader *in, struct orr_arena *arena,
                                     struct orri_local_assignment *a);

/* DONE up: the token, task and attempt, core, outcome or calls. */
void orri_local_done_put(struct orr_bytes *out, const struct orr_host_done *done);
/* What it points to is in the arena, in the input, or in `calls`. */
orr_status orri_local_done_get(struct orr_reader *in, struct orr_host_done *done,
                               struct orr_successes *calls, struct orr_arena *arena);

/* What a worker's calls in place note; a descriptor of it goes with its HELLO. -1. */
int orri_local_share_call(orr_host_call **out, struct orr_error *err);
/* The agent's look at it, which takes the descriptor; NULL: it cannot be had. */
const orr_host_call *orri_local_see_call(int fd);
void orri_local_forget_call(const orr_host_call *call); /* NULL is fine */

/* The abstract socket of an agent; `token` is random and shared by the ranks of a run.
 */
int orri_local_listen(uint64_t token, uint32_t agent, struct orr_error *err);
int orri_local_connect(uint64_t token, uint32_t agent, struct orr_error *err);
/* Only processes of our own user may talk to us. */
bool orri_local_is_ours(int fd);

#endif
