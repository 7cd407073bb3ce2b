/* dryrun.h - orrery run --dry-run: the rules of a job without machines */
#ifndef ORR_CLI_DRYRUN_H
#define ORR_CLI_DRYRUN_H

#include "cli/command.h"

/* Go through all rules of `job` and print what it would start; the exit code. Reads
 * the options --costs, --json and --limit. */
int orri_dry_run(const struct orr_line *line, const struct orr_job *job);

#endif
