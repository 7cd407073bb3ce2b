/* after.h - orrery submit --after: runs that have to succeed before */
#ifndef ORR_CLI_AFTER_H
#define ORR_CLI_AFTER_H

#include "cli/command.h"

/* ":17:18_3", the jobs that sbatch has to wait for: none when all of these runs have
 * succeeded already. False after a message: one of them never will. */
bool orri_after_jobs(const struct orr_line *line, struct orr_text *out);

#endif
