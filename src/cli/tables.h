/* tables.h - the tables of a run, wherever they are: run.h5, or made for the moment */
#ifndef ORR_CLI_TABLES_H
#define ORR_CLI_TABLES_H

#include "cli/command.h"

struct orri_tables {
    char *path;          /* of an HDF5 file that has them */
    const char *run_dir; /* NULL: a portable file, which has the blobs too */
    int guard;           /* a temporary file: see tables.c; else -1 */
};

/* `run` is a run directory, or a run file. When the directory's run.h5 is missing, or
 * is of an earlier session, the tables are made from what is stored, in a temporary
 * file. The exit code: ORR_EXIT_OK, or another after a message. Release it in any case.
 */
int orri_tables_open(const char *command, const char *run, struct orri_tables *out);
void orri_tables_release(struct orri_tables *tables);

/* Go through the run again, and write its tables to `path`: with the blobs inside; with
 * the job and workflow files as they are. The exit code, after a message. */
enum orri_making { ORRI_PLAIN = 0, ORRI_PORTABLE = 1, ORRI_NOW = 2 };
int orri_tables_make(const char *command, const char *run_dir, const char *path,
                     enum orri_making how);

/* orrery export --blobs: each blob as a file below `directory`, and index.csv. */
int orri_export_blobs(const struct orri_tables *tables, const char *where,
                      const char *directory);

#endif
