/* site.h - what is so at one computing centre: a site file
 *
 *     site: lab
 *     slurm: {partition: main, account: media}   # options of sbatch
 *     launcher: srun                             # or mpirun
 *     modules: [openmpi/4.1]
 *     setup: [export OMPI_MCA_btl_tcp_if_include=eth0]   # lines of shell
 *     local-dir: /local/scratch                  # of each node: --durability node
 *     node: {cores: 64, memory: 256GiB} */
#ifndef ORR_SLURM_SITE_H
#define ORR_SLURM_SITE_H

#include "base/diag.h"
#include "slurm/slurm.h"

struct orr_slurm_site {
    const char *name;
    const struct orr_slurm_option *options;
    size_t n_options;
    const char *launcher; /* NULL: not said; so for the others */
    const char *const *modules;
    size_t n_modules;
    const char *const *setup;
    size_t n_setup;
    const char *local_dir;
    uint32_t cores;     /* of a node; 0: not said */
    const char *memory; /* of a node */
    struct orr_arena arena;
};

/* Every finding goes to `diags`, whose places name `file`. Release it in any case. */
void orr_slurm_site_read(const char *file, const char *text, size_t length,
                         struct orr_slurm_site *out, struct orr_diags *diags);
void orr_slurm_site_release(struct orr_slurm_site *site);

#endif
