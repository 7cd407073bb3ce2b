/* rank.h - what the roles of one process of a run share: session.c makes and ends it,
 * serve.c is its loop */
#ifndef ORR_CLI_RANK_H
#define ORR_CLI_RANK_H

#include "cli/guests.h"
#include "cli/prepare.h"
#include "cli/session.h"
#include "cli/shared.h"
#include "coord/coord.h"
#include "exec/nursery.h"
#include "link/link.h"
#include "node/agent.h"
#include "store/scan.h"
#include "view/status.h"

#include <stdbool.h>

struct orri_rank {
    const struct orri_session *session;
    struct orr_nursery *nursery;
    struct orr_mpi_world world;
    struct orr_loop_hub *hub; /* alone */
    struct orri_texts texts;
    struct orri_shared shared;
    struct orr_job *job;
    struct orr_topo *topo;
    enum orr_bind bind;     /* here: not AUTO */
    struct orr_gpus *gpus;  /* agents */
    struct orr_rundir *dir; /* rank 0 */
    struct orr_blob_reader *blobs;
    char *node_folder; /* an agent's, for logs on the node's disk; or NULL */
    struct orr_agent *agent;
    struct orr_coord *coord;
    struct orr_reuse *reuse;
    struct orr_progress *progress;
    struct orr_link *relay; /* rank 0, when guests may come; around that of the world */
    struct orr_relay_place door;
    int64_t idle;          /* a guest: ns without work, then it leaves */
    struct orri_time time; /* rank 0 */
    bool forsaken;         /* a worker whose agent is gone */
    char host[128];
};

/* Signals that end a run: rank 0 and agents note them, others leave them alone. */
void orri_listen_to_signals(bool listens);
bool orri_asked_to_leave(void); /* one came, and is not dealt with */
/* The loop of rank 0 and of agents, to the end of their parts. */
orr_status orri_serve(struct orri_rank *rank, struct orr_error *err);
/* What rank 0 and agents share with guests (join.c). */
orr_status orri_start_nursery(struct orri_rank *rank, struct orr_error *err);
orr_status orri_start_agent(struct orri_rank *rank, struct orr_error *err);
void orri_choose_bind(
    struct orri_rank *rank); /* once topo, shared and world are known */
void orri_release_rank(struct orri_rank *rank);

/* Messages under way must leave this process before it ends. */
void orri_flush_link(struct orri_rank *rank);

#endif
