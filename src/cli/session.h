/* session.h - one process's part in a run: rank 0, an agent, a worker, or all of them
 */
#ifndef ORR_CLI_SESSION_H
#define ORR_CLI_SESSION_H

#include "cli/command.h"
#include "cli/timeleft.h"
#include "topo/topo.h"

/* What a run is asked to be, from the command line of `run` or `resume`. */
struct orri_session {
    const char *job; /* file; the one kept in the run directory for a resume */
    const char *run_dir;
    bool resume;
    bool accept_changes; /* go on although the job is not as it was */
    bool verify;         /* read all blobs of earlier results */
    bool retry_failed;   /* failed attempts of earlier epochs do not count any more */
    const char *const *reuse; /* absolute paths of runs to take results from */
    size_t n_reuse;
    const char *cache; /* directory, or NULL */
    bool no_reuse;     /* take nothing from other runs */
    const struct orr_setting *settings;
    size_t n_settings;
    long cores_per_rank;
    enum orr_bind bind;
    uint64_t memory_per_node; /* bytes; 0: what there is */
    long gpus_per_node;       /* the same */
    const char *durability;   /* "shared", "node", "none" */
    const char *local_dir;    /* of each node, for "node"; absolute */
    long grace;               /* seconds that running attempts get at a drain */
    double time_limit;        /* seconds; 0: not given */
    struct orri_time time;    /* from that and from Slurm, in the launcher and rank 0 */
    bool no_twins;            /* nothing is run on two nodes at once */
    bool expand_first;        /* all calls are made before the first is given out */
    long max_failures;
    const char *launcher;   /* "auto", "srun", "mpirun"; NULL: not said */
    double max_failed_part; /* of attempts; 0: not given */
    bool quiet;
};

/* --bind, default core. False after a message. (about.c) */
bool orri_read_bind(const struct orr_line *line, enum orr_bind *out);

/* Serve as the rank that this process is, to the end of the run; the exit code.
 * `alone`: all in this process, without MPI. Never returns under MPI. */
int orri_session_run(const struct orri_session *session, bool alone);

/* Start mpirun with this program and arguments, one worker a core (or `ranks`), and
 * wait for it; the run's exit code. */
int orri_launch(struct orri_session *session, const struct orr_line *line, long ranks);

/* The file, in the environment, that rank 0 leaves its exit code in for the launcher.
 */
#define ORRI_EXIT_FILE "ORRERY_EXIT_FILE"
#define ORRI_COLUMNS "ORRERY_COLUMNS"

#endif
