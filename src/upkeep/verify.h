/* verify.h - is everything that a run stored still what was written?
 *
 * Reads every byte of every log: records, statistics and blobs against their checksums;
 * indexes and run.h5 through the HDF5 library, in a process of their own, so that a
 * file that crashes the library is a finding. Needs no lock; changes nothing. */
#ifndef ORR_STORE_VERIFY_H
#define ORR_STORE_VERIFY_H

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What damage costs: tasks whose results are gone, by function. */
struct orr_verify_cost {
    char *function;
    uint64_t tasks;
    double seconds; /* that their attempts had taken */
};

/* Zeroed struct is empty. */
struct orr_verify_report {
    uint64_t shards, indexes, attempts, bytes; /* that were read */
    uint64_t findings;
    bool only_run_file;    /* is damaged, which can be made again */
    struct orr_text lines; /* one a finding: what, where, and what follows */
    struct orr_verify_cost *costs;
    size_t n_costs, cap_costs;
    uint64_t unknown; /* attempts that are gone, nobody knows of which task */
};

/* ORR_ERR_INPUT when `run_dir` is no run, ORR_ERR_STORE when it cannot be read. */
orr_status orr_run_verify(const char *run_dir, struct orr_verify_report *out,
                          struct orr_error *err);
/* How many tasks run.h5 has a result of that the shards have not any more: it knows
 * more than could be made again. 0 when there is no run.h5, or it cannot be read. */
orr_status orr_run_file_ahead(const char *run_dir, uint64_t *tasks,
                              struct orr_error *err);
void orr_verify_report_release(struct orr_verify_report *report);

#endif
