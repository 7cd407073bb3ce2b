/* again.h - a session that goes on with a run: is it the run's job, what changed? */
#ifndef ORR_CLI_AGAIN_H
#define ORR_CLI_AGAIN_H

#include "cli/request.h"

struct orri_again {
    const char *run_dir;
    struct orri_request request;
    struct orri_texts *texts;
    struct orr_text notes; /* what is not as it was, a line each */
};

orr_status orri_again_open(const char *run_dir, struct orri_texts *texts,
                           struct orri_again *out, struct orr_error *err);
/* The files as they are; where one is gone, the text that the run keeps. */
struct orr_sources orri_again_sources(struct orri_again *again);
/* False, after a message, when the run is of another job: its results would be
 * replaced; or when something changed, and the session does not accept that. Notes what
 * changed. */
bool orri_again_check(struct orri_again *again, const struct orri_session *session,
                      const struct orr_job *job);
void orri_again_release(struct orri_again *again);

#endif
