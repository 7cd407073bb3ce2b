/* request.h - RUN/request: how the job of a run is compiled again */
#ifndef ORR_CLI_REQUEST_H
#define ORR_CLI_REQUEST_H

#include "cli/session.h"
#include "store/identity.h"

/* A text that RUN keeps, as it was when the run began. */
struct orri_kept {
    const char *name; /* in the run directory: "workflow.yaml" */
    const char *path; /* of the file that it was read from, canonical */
};

/* A file of an input of type path. */
struct orri_input {
    struct orr_file_seen seen;
    struct orr_id content; /* when some function tells files by content */
    bool hashed;
};

struct orri_request {
    struct orr_text text;
    const char *job;       /* the job file; all of this points into `text` */
    const char *directory; /* where the run was started; NULL: it is not known */
    const char *at;   /* the run directory when the run began; NULL: it is not known */
    const char *name; /* of the job; NULL in runs of 0.1 */
    const char *workflow; /* its name; likewise */
    struct orr_setting *settings;
    size_t n_settings;
    struct orri_kept *kept;
    size_t n_kept;
    struct orri_input *inputs; /* as they were */
    size_t n_inputs;
    const char **versions; /* "FUNCTION=VERSION" */
    size_t n_versions;
    const char **reuse; /* runs to take results from */
    size_t n_reuse;
    const char **local; /* directories on disks of nodes that logs were in */
    size_t n_local;
    struct orri_kept *old; /* texts that the run was begun with, and went on without */
    size_t n_old;
    struct orr_arena arena; /* of what was added */
    uint32_t forgive;       /* failed attempts of epochs before this one do not count */
};

/* The job file's own path (paths in it are relative to that), the settings, where the
 * texts came from that the run keeps, size and time of the inputs, versions. `before`:
 * what the run had so far, of which the rest stays; or NULL. */
orr_status orri_request_write(const char *run_dir, const struct orri_session *session,
                              const struct orr_job *job,
                              const struct orri_request *before, struct orr_error *err);
/* From now on failed attempts of epochs before `epoch` do not count. */
orr_status orri_request_forgive(const char *run_dir, uint32_t epoch,
                                struct orr_error *err);
/* Logs are in this directory of each node, from now on too. */
orr_status orri_request_add_local(const char *run_dir, const char *directory,
                                  struct orr_error *err);
orr_status orri_request_read(const char *run_dir, struct orri_request *out,
                             struct orr_error *err);
/* ORR_ERR_INPUT when the run directory is not where it was, and holds files that
 * results name by where they were. */
orr_status orri_request_is_here(const struct orri_request *request, const char *run_dir,
                                struct orr_error *err);
void orri_request_release(struct orri_request *request);
/* A text that was put aside; both are copied. */
void orri_request_add_old(struct orri_request *request, const char *name,
                          const char *path);
/* What the run keeps of the file, or NULL. */
const struct orri_kept *orri_request_kept(const struct orri_request *request,
                                          const char *path);

/* Number `i` of the texts that a run keeps: its name in the run directory, free() it,
 * and the path of the file. NULL: there are no more. Workflows that stand for functions
 * are kept as workflow.FUNCTION.yaml. */
char *orri_kept_name(const struct orri_session *session, const struct orr_job *job,
                     uint32_t i, const char **path);

/* The same for two names of one file, also when the file is gone. free() it. */
char *orri_canonical(const char *path);

#endif
