/* submission.h - a job on its way to Slurm: what the files of orrery submit share */
#ifndef ORR_CLI_SUBMISSION_H
#define ORR_CLI_SUBMISSION_H

#include "cli/command.h"
#include "slurm/site.h"

struct orri_submission {
    const struct orr_line *line;
    const struct orr_job *job;
    const struct orr_setting *settings;
    size_t n_settings;
    struct orr_slurm_site site;
    struct orr_diags diags; /* of the site file */
    const char *site_file;  /* NULL: there is none */
    char *run_dir;          /* absolute */
    char *directory;        /* where we are */
    char *self;
    struct orr_arena arena;
    struct orr_slurm_option *options;
    size_t n_options, cap_options;
    const char **command;
    size_t n_command, cap_command;
    long requeues;
    long warn;   /* s before the end */
    bool unsure; /* Slurm may have taken a job without saying so */
    long limit;  /* elements of an array at a time; 0: any number */
    long guests; /* opportunistic jobs beside it */
};

/* Give the script of one run, or of an array of runs, to sbatch; an exit code. */
int orri_submit_run(struct orri_submission *s, const struct orr_text *script);
int orri_submit_array(struct orri_submission *s, const struct orr_text *script);

/* Beside the job of a run: small ones that join it. An exit code, after a message.
 * (submit_guests.c) */
int orri_submit_guests(struct orri_submission *s, const char *job);
void orri_print_guests(struct orri_submission *s); /* their script, on stdout */
/* Their job, of a run, when it is in the queue; else "". free() it. */
char *orri_guests_job(const char *run);
/* Those that an earlier job left behind. */
void orri_end_guests(const char *run);
unsigned orri_mask_now(void);

/* Options whose form is known: false after a message. (refused.c) */
bool orri_check_options(const struct orri_submission *s);
/* What sbatch said no to, and what can be done; an exit code, after a message. */
struct orri_sbatch_call;
int orri_tell_refused(struct orri_submission *s, const struct orri_sbatch_call *call,
                      int code, const char *messages);

/* ---- RUN/slurm, and sbatch (sbatch.c) ---- */

/* Make RUN/slurm, and let one submission in at a time: *lock, to be closed; -1 after an
 * error. */
orr_status orri_submit_open(const char *run, int *lock, struct orr_error *err);
/* A run that never had a job leaves nothing behind. */
void orri_submit_leave_nothing(const struct orri_submission *s);
orr_status orri_submit_script(const char *run, const struct orr_text *text,
                              struct orr_error *err);
/* A job of the run, or of an element of an array. */
void orri_submit_note(const char *run, const char *job);
/* Call sbatch. An exit code, after a message; *job is the id, "" when it was a test;
 * free() it. */
struct orri_sbatch_call {
    const char *script;                     /* in RUN/slurm */
    const struct orr_slurm_option *options; /* that it has */
    size_t n_options;
    const char *name;          /* of the job */
    const char *directory;     /* where it works */
    const char *const *words;  /* ended by NULL, as the next */
    const char *const *handed; /* from the command line: what it says wins */
    const char *argument;      /* of the script, or NULL */
    bool guests;               /* the run has its job already */
};
int orri_sbatch(struct orri_submission *s, const struct orri_sbatch_call *call,
                char **job);
/* The call of the run's own script, or its array's. */
struct orri_sbatch_call orri_sbatch_own(struct orri_submission *s);

#endif
