/* changes.h - what differs between a run and the job that is to go on with it */
#ifndef ORR_CLI_CHANGES_H
#define ORR_CLI_CHANGES_H

#include "cli/request.h"

/* A line for each thing that is not as it was when the run began: parts of the
 * workflow, inputs, input files, versions of functions. Nothing, when nothing is that a
 * task could see: comments and spacing do not count. */
void orri_changes_find(const struct orri_request *then, const char *run_dir,
                       const struct orri_session *session, const struct orr_job *now,
                       struct orri_texts *texts, struct orr_text *out);

/* Does the workflow tell files by size and time only, by their content only, or by
 * both? */
struct orri_file_use {
    bool by_time, by_content;
};
struct orri_file_use orri_file_use(const struct orr_graph *graph);
/* "media.encode=3"; free() it. NULL: the function has no version. */
char *orri_version_line(const struct orr_graph_function *function);

#endif
