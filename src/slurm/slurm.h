/* slurm.h - what Slurm writes, and what it reads
 *
 * Pure: texts in, texts out. Who runs Slurm's programs is src/cli. */
#ifndef ORR_SLURM_SLURM_H
#define ORR_SLURM_SLURM_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "2(x3),1", as in SLURM_JOB_CPUS_PER_NODE, is 2, 2, 2, 1; free() it. False when it is
 * not such a list, or one of more than ORR_SLURM_NODES_MAX. */
enum { ORR_SLURM_NODES_MAX = 1 << 20 };
bool orr_slurm_counts(const char *text, uint32_t **out, size_t *n);

/* A host file for `srun --distribution=arbitrary`: a line a rank, the node that it is
 * on. Rank 0 is on the first node, beside its workers; workers fill one node after the
 * other, as many as it has places, and go round when there are more. */
void orr_slurm_hosts(const char *const *names, const uint32_t *places, size_t n,
                     uint64_t workers, struct orr_text *out);

/* "1-02:03:04", "2:03:04" or "3:04", as `squeue --format=%L` tells what is left. False
 * when it is not such a time: "UNLIMITED", "INVALID", "NOT_SET". */
bool orr_slurm_time(const char *text, int64_t *seconds);

/* ---- batch scripts ---- */

struct orr_slurm_option {
    const char *name;  /* of sbatch, without dashes */
    const char *value; /* one line; "" or "true": a switch */
    const char *from;  /* who says so: a file, "--NAME"; NULL: orrery itself */
};

struct orr_slurm_script {
    const struct orr_slurm_option *options; /* of several with one name the last */
    size_t n_options;
    const char *run_dir; /* absolute; of an array: its elements are RUN/INDEX */
    bool array; /* one request each: the command gets --run-dir and --request */
    bool guest; /* the command joins a run, and is told to leave by TERM */
    const char *directory;      /* absolute: where the job is started */
    const char *const *command; /* words: what starts or resumes the run */
    size_t n_command;
    const char *const *modules; /* to load */
    size_t n_modules;
    const char *site;         /* the file that names them */
    const char *const *setup; /* lines of shell */
    size_t n_setup;
    uint32_t requeues; /* how often the job may start again, at most */
    unsigned umask;    /* of who submits */
};

/* The script, for sbatch in the directory RUN/slurm (of guests RUN), where its log
 * goes. That of an array takes one argument, which is added to Slurm's index, and logs
 * to RUN/INDEX/slurm. It starts the command, tells it of the end, and asks for another
 * turn while that says 75 (drained). RUN/slurm/DONE keeps the exit code of a run that
 * is over: then the script does nothing. */
void orr_slurm_script_put(const struct orr_slurm_script *script, struct orr_text *out);
/* One word for the shell; appended. */
void orr_slurm_quote(const char *word, struct orr_text *out);

#endif
