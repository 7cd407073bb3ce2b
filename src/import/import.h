/* import.h - what users bring along: lists of commands, graphs of jobs, traces
 *
 * Each reader takes the text of a file and makes a batch: tasks, of which each belongs
 * to a kind and may wait for others. orr_import_workflow() and orr_import_job() write a
 * batch as a workflow and a job. Nothing here reads a file but through
 * orr_import_options.file. */
#ifndef ORR_IMPORT_IMPORT_H
#define ORR_IMPORT_IMPORT_H

#include "base/diag.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What becomes of the tasks of one kind. */
enum orr_import_role {
    ORR_IMPORT_CALL,  /* a function call each */
    ORR_IMPORT_PASS,  /* no call: over when its parents are over, failed or not */
    ORR_IMPORT_CHECK, /* no call: over when its parents are done, else skipped */
};

/* One function of the workflow. */
struct orr_import_kind {
    const char *name; /* as in the workflow; differs from every other's */
    const char *base; /* what it was derived from */
    enum orr_import_role role;
    uint32_t cores;
    uint32_t retries;
    int64_t memory; /* the most that a task of it says; 0: none does */
    uint32_t n_tasks;
};

struct orr_import_task {
    const char *id;
    struct orr_span at;
    uint32_t kind;
    uint32_t same_hash;  /* the next task in the index, plus 1 */
    const char *command; /* for a shell; NULL: there is none */
    double seconds;      /* recorded; 0 when nothing is known */
    int64_t priority;
    int64_t memory;        /* bytes; 0: not known */
    int64_t read, written; /* bytes of files; 0: not known */
    int64_t index;         /* $DISBATCH_REPEAT_INDEX */
    uint32_t parents;      /* filled by orr_import_close() */
    uint32_t n_children;
    const uint32_t *children; /* in ascending order */
};

struct orr_import_edge {
    uint32_t from, to;
};

struct orr_import_options {
    const char *directory; /* where commands run; absolute */
    const char *shell;     /* what runs them: "bash" */
    bool commands;         /* run them; false: sleep for the recorded time */
    bool limit_memory;     /* what tasks say of memory limits them */
    double time_scale;
    uint32_t cores;               /* 0: as the file says, else 1 */
    uint32_t retries;             /* of tasks for which the file says nothing */
    const char *timeout, *memory; /* as the language writes it; NULL: none */
    /* Read a file that another one names. */
    orr_status (*file)(void *context, const char *path, struct orr_text *out,
                       struct orr_error *err);
    void *context;
};

/* Zeroed struct is empty. */
struct orr_import {
    struct orr_arena arena; /* owns all texts */
    struct orr_import_task *tasks;
    size_t n_tasks, cap_tasks;
    struct orr_import_kind *kinds;
    size_t n_kinds, cap_kinds;
    struct orr_import_edge *edges;
    size_t n_edges, cap_edges;
    uint32_t *children; /* of all tasks */
    struct orr_map by_id;
    const char *format; /* "task list" */
    bool has_sizes;     /* what has to be written of tasks */
    bool has_memory;
    bool has_seconds;
    bool has_priority;
    bool has_index; /* it is a task list of disBatch */
    bool is_list;   /* of commands, without ids of their own */
};

/* Readers: `file` is the name for findings. Everything that is wrong goes to `diags`;
 * false when there were errors. Names of files in findings may belong to *out: print
 * them before it is released. */
typedef bool orr_import_reader(const char *file, const struct orr_text *text,
                               const struct orr_import_options *options,
                               struct orr_import *out, struct orr_diags *diags);
orr_import_reader orr_import_wfcommons, orr_import_list, orr_import_dagman,
    orr_import_pmc;
/* Which of the last two reads the text, by the first line that one of them knows; NULL:
 * no line is known. */
orr_import_reader *orr_import_dag_reader(const struct orr_text *text);

/* The texts of both files, appended. `name` is that of workflow, job and files; `from`
 * names the source in a comment. */
void orr_import_workflow(const struct orr_import *import,
                         const struct orr_import_options *options, const char *name,
                         const char *from, struct orr_text *out);
void orr_import_job(const struct orr_import *import,
                    const struct orr_import_options *options, const char *name,
                    const char *from, struct orr_text *out);
/* Nodes that the job has as YAML: there is a limit. */
uint64_t orr_import_job_nodes(const struct orr_import *import);
size_t orr_import_calls(const struct orr_import *import); /* tasks of role CALL */
void orr_import_release(struct orr_import *import);

#endif
