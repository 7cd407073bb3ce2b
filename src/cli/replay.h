/* replay.h - a run gone through again from what it stored, without doing any of it */
#ifndef ORR_CLI_REPLAY_H
#define ORR_CLI_REPLAY_H

#include "cli/request.h"
#include "engine/engine.h"
#include "store/history.h"
#include "store/identity.h"
#include "store/rundir.h"

struct orri_replay {
    const char *run_dir;
    struct orr_run_info info;
    struct orri_request request;
    struct orri_texts texts;
    struct orr_job *job;
    struct orr_files *files;
    struct orr_history *history;
    struct orr_engine *engine;
    const struct orr_tried **tried; /* per task: its attempts, or NULL */
    size_t n_tasks;
    size_t cap_tasks;
    struct orr_text notes; /* what differs from the run, a line each */
};

/* Compile the job again, with the texts that the run keeps (`now`: with the files as
 * they are), and let the rules see all stored results. Reads only; takes no lock. The
 * exit code: ORR_EXIT_OK, or another after a message. Release it in any case. */
int orri_replay_open(const char *run_dir, bool now, struct orri_replay *out);
/* Per task of the engine, the identity that the shards have. free() them. */
struct orr_id *orri_replay_identities(const struct orri_replay *replay);
/* The notes, and that the run is on, to standard error. */
void orri_replay_tell(const struct orri_replay *replay, const char *command);
void orri_replay_release(struct orri_replay *replay);

#endif
