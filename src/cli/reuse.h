/* reuse.h - results of other runs for a session, and its own for others */
#ifndef ORR_CLI_REUSE_H
#define ORR_CLI_REUSE_H

#include "cli/request.h"
#include "reuse/reuse.h"

struct orr_progress;

#define ORRI_CACHE "ORRERY_CACHE"

/* --reuse, --no-reuse, --cache and $ORRERY_CACHE; false after a message. Paths of runs
 * are made absolute; orri_reuse_options_free(). */
bool orri_reuse_options(const struct orr_line *line, struct orri_session *session);
void orri_reuse_options_free(struct orri_session *session);

/* The runs that were named now or when the run began, then the cache. What is gone, or
 * cannot be read, is a note. *out is NULL when nothing was asked for. */
void orri_reuse_open(const struct orri_session *session,
                     const struct orri_request *request, const char *run_dir,
                     struct orr_id run_id, struct orr_progress *progress,
                     struct orr_reuse **out);
/* Enter a finished run; a warning when it cannot be. */
void orri_cache_enter(const struct orri_session *session, const struct orr_job *job,
                      const char *run_dir, struct orr_id run_id);

#endif
