/* launcher.h - what starts the ranks of a run: mpirun, or srun within an allocation */
#ifndef ORR_CLI_LAUNCHER_H
#define ORR_CLI_LAUNCHER_H

#include "cli/session.h"

struct orri_launcher {
    bool srun;
    char **argv;     /* what it points to is the session's and the line's, or below */
    char *self;      /* this program */
    char *host_file; /* of srun, to be removed; or NULL */
    char ranks[24];
};

/* srun where Slurm gave us nodes and its MPI is PMIx, else mpirun, unless `--launcher`
 * (or ORRERY_LAUNCHER) says which. `ranks` 0: one a core, or a group of cores, and one
 * more. False after a message. */
bool orri_launcher_choose(const struct orri_session *session,
                          const struct orr_line *line, long ranks,
                          struct orri_launcher *out);
void orri_launcher_release(struct orri_launcher *launcher);

#endif
