/* graph.h - a compiled workflow: everything resolved, typed and numbered
 *
 * Made from YAML by orr_graph_compile(), immutable afterwards, the same on every
 * rank. The engine, the coordinator and the workers read it; none changes it.
 *
 * Slots. Each rule evaluates its expressions over one array of slots: the match
 * variables first (slot i is variable i), then the gather variable, then the loop
 * variable of a `for`, then `result`, `error` and `attempt`. */
#ifndef ORR_GRAPH_GRAPH_H
#define ORR_GRAPH_GRAPH_H

#include "base/diag.h"
#include "base/hash.h"
#include "base/resources.h"
#include "lang/expr.h"
#include "orrery/function.h"

#include <stdbool.h>
#include <stdint.h>

#define ORR_NONE UINT32_MAX /* "no such index" */

struct orr_fact_type {
    const char *name;
    struct orr_span at;
    const struct orr_record_type *record; /* record->name == name */
    const uint32_t *key;                  /* field indices; none: no key */
    uint32_t n_key;
    const char *doc; /* or NULL */
};

struct orr_pool {
    const char *name;
    struct orr_span at;
    uint32_t parent;  /* index, or ORR_NONE */
    double share;     /* fraction of the cores in contention; 0: not given */
    uint32_t reserve; /* cores kept for it when it has work */
    uint32_t max;     /* most cores at once; 0: no limit */
    bool borrow;      /* others may use its idle reserve (default) */
};

enum orr_function_form {
    ORR_FORM_USE,
    ORR_FORM_COMMAND,
    ORR_FORM_SHELL,
    ORR_FORM_WORKFLOW
};
enum orr_stdout_mode {
    ORR_STDOUT_NONE,
    ORR_STDOUT_JSON,
    ORR_STDOUT_TEXT,
    ORR_STDOUT_LINES
};

/* command and shell: `args` are templates over slots 0..n_params-1 (the parameters,
 * with the path of a file for each blob) and slot n_params (`out`, a record of paths,
 * one field per path or blob result). */
struct orr_command {
    struct orr_expr *const *args; /* argv; for shell one element, the script */
    uint32_t n_args;
    const struct orr_record_type *out; /* the `out` record, all fields of type path */
    enum orr_stdout_mode stdout_mode;
    const int *exit_codes; /* success; {0} unless given */
    uint32_t n_exit_codes;
    struct orr_expr *const *env_values; /* same slots */
    const char *const *env_names;
    uint32_t n_env;
    struct orr_expr *cwd; /* or NULL: the attempt's scratch directory */
};

/* Of what stands behind {out.NAME} in its word. */
#define ORR_SUFFIX_CHARACTERS                                                          \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

struct orr_graph_function {
    const char *name; /* in the workflow */
    struct orr_span at;
    const char *doc;
    enum orr_function_form form;
    const struct orr_function *native; /* USE: the registered function */
    struct orr_command command;        /* COMMAND, SHELL */
    const struct orr_graph *workflow;  /* WORKFLOW: owned by the graph */
    uint32_t module;                   /* WORKFLOW: index; else ORR_NONE */
    const char *version; /* of the native function, or `version:`, joined */
    struct orr_id
        content; /* part of task identity: form, version, templates; not the name */
    const struct orr_record_type *params; /* in order; a call passes one value each */
    const struct orr_record_type *results;
    struct orr_expr *const *defaults; /* per parameter, constant, or NULL */
    bool isolated;                    /* in a child process; else in the worker */
    bool content_identity; /* path arguments count by content, not size and time */
    uint32_t pool;         /* index; pools[0] is the root "all" */
    uint32_t cores;        /* at least 1 */
    int64_t memory;        /* bytes; 0: not given */
    uint32_t gpus;
    int64_t timeout;     /* ns; 0: none */
    uint32_t retries;    /* more attempts after a failure */
    int64_t retry_delay; /* ns */
    int64_t priority;
    uint32_t batch; /* calls a dispatch may carry; 0: automatic */
    uint32_t warm;
    bool opportunistic;
    struct orr_expr *cost; /* seconds (float) over the parameters; or NULL */
    /* For dry runs and tests only, no part of the digest: a record over the parameters
     * that orr_example_close() makes a result. NULL: none. */
    struct orr_expr *example;
};

/* What a call takes of its node. One that runs in the worker itself shares the worker's
 * memory. */
static inline struct orr_resources orr_function_needs(
    const struct orr_graph_function *function)
{
    return (struct orr_resources) {
        .cores = function->cores,
        .gpus = function->isolated ? function->gpus : 0,
        .memory = function->isolated ? (uint64_t)function->memory : 0,
    };
}

struct orr_match {
    const char *name;
    uint32_t fact; /* fact type; 0 is `job` */
    struct orr_span at;
};

struct orr_gather {
    const char *name; /* NULL: the rule has none */
    uint32_t fact;
    uint32_t slot;           /* holds a record of lists, one per field, when complete */
    uint32_t candidate_slot; /* holds one candidate fact while `where` is evaluated */
    struct orr_expr **where; /* conjuncts over match slots and candidate_slot */
    uint32_t n_where;
    struct orr_expr *count; /* int, over match slots */
    struct orr_expr *order; /* over candidate_slot; NULL: canonical order of values */
    const struct orr_record_type *lists; /* type of `slot` */
    struct orr_span at;
};

/* assert FACT with FIELDS [for [INDEX,] VAR in LIST] [when COND] */
struct orr_assertion {
    struct orr_span at;
    uint32_t loop_slot;  /* ORR_NONE: no `for` */
    uint32_t index_slot; /* of the item's index, an int; ORR_NONE: not named */
    const char *loop_name, *index_name; /* as written; NULL where there is none */
    struct orr_expr *list;              /* what `for` runs over */
    struct orr_expr *when;              /* or NULL */
    uint32_t fact;
    struct orr_expr *record; /* of the fact's record type */
};

enum orr_handler_kind {
    ORR_HANDLER_RETRY,
    ORR_HANDLER_ASSERT,
    ORR_HANDLER_SKIP,
    ORR_HANDLER_FAIL
};

struct orr_handler {
    struct orr_span at;
    struct orr_expr *when; /* or NULL: always */
    enum orr_handler_kind kind;
    uint32_t retry_max;           /* attempts more, at most; */
    int64_t retry_delay;          /* ns */
    struct orr_expr **retry_with; /* per parameter; NULL: as before */
    struct orr_assertion assertion;
    struct orr_expr *message; /* FAIL: a string */
};

struct orr_rule {
    const char *name;
    struct orr_span at;
    const char *doc;
    const struct orr_match *match;
    uint32_t n_match;
    struct orr_expr **where; /* conjuncts over match slots */
    uint32_t n_where;
    struct orr_gather gather;
    uint32_t function;          /* ORR_NONE: derives only */
    struct orr_expr **args;     /* one per parameter; NULL: the default, or null */
    struct orr_expr *priority;  /* int, or NULL */
    struct orr_expr *deadline;  /* duration from the start of the run, or NULL */
    struct orr_assertion *then; /* with an action: the reaction */
    uint32_t n_then;
    struct orr_handler *handlers;
    uint32_t n_handlers;
    uint32_t result_slot, error_slot, attempt_slot; /* ORR_NONE without action */
    uint32_t n_slots;                               /* in all, loop slots included */
};

struct orr_output {
    const char *name;
    struct orr_span at;
    const char *doc;
    uint32_t fact;
    bool each; /* every one that was derived; else at least one */
};

/* ---- tests: what follows from given inputs and given answers of functions ---- */

/* How calls of a function are answered. Expressions see the parameters, and after them
 * `attempt`. */
struct orr_answer {
    struct orr_span at;
    uint32_t function;
    struct orr_expr *when;   /* or NULL: always */
    uint32_t times;          /* attempts of each task; 0: any number */
    struct orr_expr *result; /* for orr_example_close(); NULL: it fails */
    enum orr_fail_kind kind;
    int64_t code;
    struct orr_expr *message; /* or NULL */
};

/* Some fields of a record: those that are not named may be anything. */
struct orr_pattern {
    struct orr_span at;
    uint32_t n;
    const uint32_t *fields;
    const struct orr_value *values;
};

enum orr_expected { ORR_EXPECT_FACTS, ORR_EXPECT_TASKS, ORR_EXPECT_OUTPUTS };

struct orr_expectation {
    enum orr_expected what;
    uint32_t index; /* fact type; function; output */
    struct orr_span at;
    int64_t count;    /* -1: not given */
    int64_t attempts; /* of all tasks; -1: not given */
    bool listed;      /* there are patterns, perhaps none */
    bool exact;       /* each record has its pattern; else others may be there */
    const struct orr_pattern *patterns; /* each needs a record of its own */
    uint32_t n_patterns;
};

struct orr_test {
    const char *name;
    struct orr_span at;
    struct orr_value inputs; /* complete, as of a job's request */
    const struct orr_answer *answers;
    uint32_t n_answers;
    bool succeeds;
    struct orr_span succeeds_at;
    const char *message; /* part of the reason of the failure; or NULL */
    const struct orr_expectation *expectations;
    uint32_t n_expectations;
};

/* A value of an example, an answer or a pattern as one of `type`: a text
 * stands for a path, and for the bytes of a blob; what was left out becomes 0 or empty.
 */
struct orr_value orr_example_close(struct orr_value v, const struct orr_type *type,
                                   struct orr_arena *arena);

/* A workflow that a function stands for. Its facts, functions, rules and pools are
 * in the tables of the graph, under names that begin with the function's and a dot. */
struct orr_module {
    uint32_t function; /* that it answers */
    uint32_t job;      /* fact type: its inputs, the arguments of the function */
    const struct orr_output *outputs; /* one a result of the function, in order */
    uint32_t n_outputs;
};

/* `error` in handlers: {kind: string, code: int, message: string} */
extern const struct orr_record_type orr_error_record;

struct orr_graph {
    const char *name;
    const char *doc;
    const char *file;
    struct orr_id digest; /* of the canonical form: says which workflow made a result */
    const struct orr_fact_type *facts; /* facts[0] is `job`: its record is the inputs */
    uint32_t n_facts;
    struct orr_expr *const *input_defaults; /* per field of job; NULL: required */
    const struct orr_pool *pools;           /* pools[0]: "all", the root */
    uint32_t n_pools;
    const struct orr_graph_function *functions;
    uint32_t n_functions;
    const struct orr_rule *rules;
    uint32_t n_rules;
    const struct orr_output *outputs; /* of the workflow itself */
    uint32_t n_outputs;
    uint32_t own_facts, own_rules; /* of it: they come first in the tables */
    const struct orr_test *tests;  /* no part of the digest */
    uint32_t n_tests;
    const char *directory; /* of the file, absolute: relative paths start there */
    const struct orr_module *modules;
    uint32_t n_modules;
    struct orr_graph_child *children; /* the workflows of `modules`, compiled alone */
    struct orr_arena arena;           /* owns all of the above */
};

/* A workflow that functions name. */
struct orr_graph_child {
    struct orr_graph_child *next;
    const char *path;
    struct orr_graph *graph; /* owned */
};

/* The functions that `use:` may name. */
struct orr_registry {
    const struct orr_function *const *functions; /* any order */
    size_t n;
};
const struct orr_function *orr_registry_find(const struct orr_registry *registry,
                                             const char *name);

/* What a workflow or a job may not exceed. */
struct orr_limit {
    const char *what;
    long most;
};
const struct orr_limit *orr_limits(size_t *n);

/* Texts of files, read once and kept for error messages; also how ranks share them
 * (rank 0 reads, the others are handed the bytes). `read` appends the file's text. */
struct orr_sources {
    orr_status (*read)(void *context, const char *path, struct orr_text *out,
                       struct orr_error *err);
    void *context;
};

/* Compile the workflow file at `path`. All findings go to `diags` (warnings too);
 * returns NULL when there is an error. Free with orr_graph_free(). */
struct orr_graph *orr_graph_compile(const char *path, const struct orr_sources *sources,
                                    const struct orr_registry *registry,
                                    struct orr_diags *diags);
void orr_graph_free(struct orr_graph *graph);

/* An input, fact, pool, function, rule or output, and the hash of its canonical text,
 * in which others stand by their names: to tell what differs between two graphs. */
struct orr_graph_part {
    const char *kind; /* "rule" */
    const char *name; /* of the graph */
    struct orr_id id;
};
/* All parts of a graph, in its order; free() them. */
struct orr_graph_part *orr_graph_parts(const struct orr_graph *graph, size_t *n);

/* Does some rule that calls the function read this result? */
bool orr_graph_reads(const struct orr_graph *graph, uint32_t function, uint32_t field);

/* Its facts, rules and outputs as a workflow file writes them: what steps became. */
void orr_graph_print_rules(const struct orr_graph *graph, struct orr_text *out);

/* A job file: one or many requests, each a complete set of inputs. */
struct orr_job {
    const char *name;
    const char *file;
    const char *workflow_path; /* resolved against the job file's directory */
    struct orr_graph *graph;   /* owned */
    const struct orr_value
        *requests; /* records of graph->facts[0].record, defaults filled */
    uint32_t n_requests;
    const char *const *slurm_names; /* the slurm block, as text, in file order */
    const char *const *slurm_values;
    uint32_t n_slurm;
    struct orr_arena arena;
};

/* `--set NAME=VALUE`, VALUE as YAML flow text. */
struct orr_setting {
    const char *name; /* of an input, or ORR_SETTING_REQUEST */
    const char *value;
    const char *directory; /* relative paths start there; NULL: where we work */
};

/* Of the job's requests only the one with this number, counted from 0. It stands among
 * the settings because it goes wherever they go: to other ranks, to a resume. */
#define ORR_SETTING_REQUEST "--request"

/* Compile a job file and its workflow. Relative `path` inputs are resolved against the
 * job file's directory, those of settings against their own directory. A
 * workflow file whose inputs all have defaults (or are set) is accepted as a job too.
 * NULL when there is an error. */
struct orr_job *orr_job_compile(const char *path, const struct orr_sources *sources,
                                const struct orr_setting *settings, size_t n_settings,
                                const struct orr_registry *registry,
                                struct orr_diags *diags);
void orr_job_free(struct orr_job *job);

#endif
