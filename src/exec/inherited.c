/* inherited.c - the environment of attempts, without the MPI job that starts them
 * Owns: the names. */
#include "exec/inherited.h"

#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* With *: all that begin so. Open MPI 4.1, PMIx 2 to 4, PMI 1 and 2, Slurm 22. */
static const char *const forgotten[] = {
    "PMIX_*",
    "PMI_*",
    "OMPI_COMM_WORLD_*",
    "OMPI_APP_CTX_NUM_PROCS",
    "OMPI_ARGV",
    "OMPI_COMMAND",
    "OMPI_FILE_LOCATION",
    "OMPI_FIRST_RANKS",
    "OMPI_NUM_APP_CTX",
    "OMPI_UNIVERSE_SIZE",
    "OMPI_MCA_ess*",
    "OMPI_MCA_initial_wdir",
    "OMPI_MCA_orte_*",
    "OMPI_MCA_pmix*",
    "OMPI_MCA_shmem_RUNTIME_*",
    "SLURM_DISTRIBUTION", /* and the file: `orrery run` gives srun its hosts so */
    "SLURM_HOSTFILE",
    "SLURM_LAUNCH_NODE_IPADDR",
    "SLURM_MPI_TYPE",
    "SLURM_PMI*",
    "SLURM_SRUN_COMM_*",
    "SLURM_STEPID",
    "SLURM_STEP_*",
    "ORRERY_BATCH_HOST",
    "ORRERY_COLUMNS",
    "ORRERY_END",
    "ORRERY_EXIT_FILE",
    "ORRERY_RANKS_PER_NODE",
};
/* Not of the launch, though it is named so. */
static const char KEPT[] = "SLURM_STEP_GPUS";

static bool is(const char *variable, size_t length, const char *name)
{
    size_t n = strlen(name);
    if (name[n - 1] == '*')
        return strncmp(variable, name, n - 1) == 0;
    return length == n && strncmp(variable, name, n) == 0;
}

static bool is_forgotten(const char *variable)
{
    size_t length = strcspn(variable, "=");
    for (size_t i = 0; i < sizeof forgotten / sizeof *forgotten; i++)
        if (is(variable, length, forgotten[i]))
            return !is(variable, length, KEPT);
    return false;
}

static void keep_rank(void)
{
    static const char *const names[] = { "OMPI_COMM_WORLD_RANK", "PMIX_RANK",
                                         "PMI_RANK" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i])) {
            (void)setenv("ORRERY_RANK", getenv(names[i]), 1);
            return;
        }
    (void)unsetenv("ORRERY_RANK"); /* of a run around this one */
}

void orri_forget_launch(void)
{
    keep_rank();
    for (size_t i = 0; environ[i];) {
        if (!is_forgotten(environ[i])) {
            i++;
            continue;
        }
        struct orr_text name = ORR_TEXT_INIT;
        orr_text_append(&name, environ[i], strcspn(environ[i], "="));
        (void)unsetenv(name.s);
        orr_text_release(&name);
    }
}
