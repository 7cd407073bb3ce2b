/* model.h - workflow and job files as plain values with places
 *
 * What a file says, checked against the schema (schema.c): every key known and of the
 * right shape, what is required present. Names, types and expressions are not looked
 * at: that is src/graph. Every leaf is the YAML node it stands in, NULL when left out.
 */
#ifndef ORR_MODEL_MODEL_H
#define ORR_MODEL_MODEL_H

#include "base/diag.h"
#include "base/memory.h"
#include "yaml/node.h"

typedef const struct orr_yaml_node *orr_model_leaf;

/* Every block starts so: its mapping, and the key it stands under (or NULL). */
struct orr_model_head {
    orr_model_leaf key;
    orr_model_leaf node;
};

/* Blocks of one kind in the order of the file; `items` is an array of that kind. */
struct orr_model_blocks {
    uint32_t n;
    void *items;
};

struct orr_model_input {
    struct orr_model_head head;
    orr_model_leaf type, fallback, doc;
};

struct orr_model_pool {
    struct orr_model_head head;
    orr_model_leaf share, reserve, max, borrow, parent, doc;
    struct orr_model_blocks pools; /* orr_model_pool */
};

struct orr_model_function {
    struct orr_model_head head;
    orr_model_leaf use, command, shell, workflow; /* exactly one */
    orr_model_leaf in, out, stdout_mode, exit, env, cwd;
    orr_model_leaf pool, cores, memory, gpus, timeout, retries, retry_delay, priority;
    orr_model_leaf version, batch, isolation, warm, opportunistic, cost, identity, doc;
    orr_model_leaf example; /* mapping of results, for dry runs and tests */
};

struct orr_model_assertion {
    struct orr_model_head head;
    orr_model_leaf fact, with, list, when; /* list: "VAR in LIST" */
};

struct orr_model_retry {
    struct orr_model_head head;
    orr_model_leaf max, delay, with;
};

struct orr_model_handler {
    struct orr_model_assertion assertion; /* its `when` is the handler's */
    struct orr_model_retry *retry;
    orr_model_leaf skip, fail;
};

struct orr_model_action {
    struct orr_model_head head;
    orr_model_leaf call, with, priority, deadline;
};

struct orr_model_gather {
    struct orr_model_head head;
    orr_model_leaf where, count, order;
    orr_model_leaf name, fact; /* the key that is none of these, and its value */
};

struct orr_model_rule {
    struct orr_model_assertion
        assertion; /* assert, with, for, when of the rule itself */
    orr_model_leaf name, doc, match, where;
    struct orr_model_gather *gather;
    struct orr_model_action *action;
    struct orr_model_blocks reaction, error,
        then; /* assertions; handlers; assertions */
};

struct orr_model_step {
    struct orr_model_head head;
    orr_model_leaf name, call, with, list, when, after, priority, doc;
};

struct orr_model_output {
    struct orr_model_head head;
    orr_model_leaf fact, each, doc; /* exactly one of fact and each */
};

struct orr_model_failure {
    struct orr_model_head head;
    orr_model_leaf kind, code, message;
};

/* head.key is the function's name; several may have the same. */
struct orr_model_answer {
    struct orr_model_head head;
    orr_model_leaf when, times, result;
    struct orr_model_failure *fail;
};

struct orr_model_expectation { /* head.key: the fact, output or function */
    struct orr_model_head head;
    orr_model_leaf count, exactly, some, attempts;
};

struct orr_model_expect {
    struct orr_model_head head;
    orr_model_leaf succeeds, message;
    struct orr_model_blocks facts, tasks, outputs; /* orr_model_expectation */
};

struct orr_model_test {
    struct orr_model_head head;
    orr_model_leaf name, doc, inputs;
    struct orr_model_blocks answers;
    struct orr_model_expect *expect;
};

struct orr_model_workflow {
    struct orr_model_head head;
    orr_model_leaf version, name, doc;
    orr_model_leaf facts; /* mapping: name to fields */
    struct orr_model_blocks inputs, pools, functions, rules, steps, outputs, tests;
    struct orr_yaml_document *document; /* owned, with all of the above */
};

struct orr_model_job {
    struct orr_model_head head;
    orr_model_leaf version, name, doc, workflow;
    orr_model_leaf inputs, requests, sweep, slurm;
    struct orr_yaml_document *document;
};

/* Load from text; `file` must outlive the result and its findings. All findings go to
 * `diags`. NULL when it is no YAML, of another version or a job where a workflow is
 * wanted; after other errors what was wrong is left out, so
 * that the compiler can go on and find the rest. */
struct orr_model_workflow *orr_model_load_workflow(const char *file, const char *text,
                                                   size_t length,
                                                   struct orr_diags *diags);
void orr_model_workflow_free(struct orr_model_workflow *workflow);
struct orr_model_job *orr_model_load_job(const char *file, const char *text,
                                         size_t length, struct orr_diags *diags);
void orr_model_job_free(struct orr_model_job *job);

/* What the schema says, for readers and for editors. */
enum orr_file_kind { ORR_FILE_WORKFLOW, ORR_FILE_JOB };
/* Markdown: a table of keys for each block of the file. */
void orr_schema_tables(enum orr_file_kind kind, struct orr_text *out);
/* JSON Schema, draft 2020-12. */
void orr_schema_json(enum orr_file_kind kind, struct orr_text *out);

/* Is it a name that expressions can use: letters, digits, _, no digit first? */
bool orr_model_is_identifier(const char *name);

#endif
