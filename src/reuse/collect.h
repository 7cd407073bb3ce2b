/* collect.h - the results of a run, into a table for other runs */
#ifndef ORRI_STORE_COLLECT_H
#define ORRI_STORE_COLLECT_H

#include "reuse/table.h"
#include "store/scan.h"

/* A result in a table: how many files below RUN/out it names, what was seen of each, in
 * the order of its values; then the value. */

struct orri_collector {
    const char *run_dir; /* absolute */
    struct orr_id run_id;
    struct orr_table_writer *table;
    /* A blob that a result holds, a file below RUN/out that it names. False: the result
     * is left out. May be NULL. */
    bool (*blob)(void *context, const struct orr_blob *blob);
    bool (*file)(void *context, const char *below_out);
    void *context;
};
/* Results whose files are gone are left out. Needs no lock. */
orr_status orri_collect(const struct orri_collector *collector, struct orr_error *err);

#endif
