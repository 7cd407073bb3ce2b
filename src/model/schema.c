/* schema.c - every key of workflow and job files, in one place
 *
 * A row: key, member, shape, what its values are, default, what it is for. What the
 * loader accepts, docs/reference.md and the JSON Schemas all come from these rows. */
#include "model/internal.h"

#include <stddef.h>

/* A key that may be left out, one that is required, one that holds blocks, an old one.
 */
#define LEAF(type, key, field, shape, value, fallback, doc)                            \
    {                                                                                  \
        key, shape, false, offsetof(struct type, field), NULL, ORRI_IS_##value,        \
            fallback, doc, NULL                                                        \
    }
#define NEED(type, key, field, shape, value, doc)                                      \
    {                                                                                  \
        key, shape, true, offsetof(struct type, field), NULL, ORRI_IS_##value, NULL,   \
            doc, NULL                                                                  \
    }
#define SUB(type, key, field, shape, block, doc)                                       \
    {                                                                                  \
        key, shape, false, offsetof(struct type, field), &block, ORRI_IS_NONE, NULL,   \
            doc, NULL                                                                  \
    }
#define OLD(type, key, field, shape, value, doc, instead)                              \
    {                                                                                  \
        key, shape, false, offsetof(struct type, field), NULL, ORRI_IS_##value, NULL,  \
            doc, instead                                                               \
    }
#define END                                                                            \
    {                                                                                  \
        NULL, ORRI_ANY, false, 0, NULL, ORRI_IS_NONE, NULL, NULL, NULL                 \
    }

const char *orri_value_words(enum orri_value value)
{
#define X(id, words, schema) words,
    static const char *const texts[] = { ORRI_VALUES(X) };
#undef X
    return texts[value];
}

const char *orri_value_schema(enum orri_value value)
{
#define X(id, words, schema) schema,
    static const char *const texts[] = { ORRI_VALUES(X) };
#undef X
    return texts[value];
}

/* clang-format off */
#define K(key, field, shape, value, fallback, doc) \
    LEAF(orr_model_input, key, field, shape, value, fallback, doc)
static const struct orri_key input_keys[] = {
    NEED(orr_model_input, "type", type, ORRI_ANY, TYPE, "type of its values"),
    K("default", fallback, ORRI_ANY, DATA, "none: it must be given",
      "value when a request does not give it"),
    K("doc", doc, ORRI_SCALAR, TEXT, NULL, "what it is for"),
    END
};
#undef K
static const struct orri_block input_block = {
    .what = "an input", .id = "input", .size = sizeof(struct orr_model_input),
    .keys = input_keys, .shorthand = "type"
};

static const struct orri_block pool_block;
#define K(key, field, shape, value, fallback, doc) \
    LEAF(orr_model_pool, key, field, shape, value, fallback, doc)
static const struct orri_key pool_keys[] = {
    K("share", share, ORRI_SCALAR, SHARE, NULL,
      "weight when pools compete for cores; shares count relative to each other"),
    K("reserve", reserve, ORRI_SCALAR, COUNT, "0",
      "cores kept for it while it has work"),
    K("max", max, ORRI_SCALAR, POSITIVE, "no limit", "most cores at once"),
    K("borrow", borrow, ORRI_SCALAR, BOOL, "`true`", "may others use its idle reserve?"),
    OLD(orr_model_pool, "parent", parent, ORRI_SCALAR, POOL, "the pool it is part of",
        "write the pool inside 'pools' of its parent"),
    K("doc", doc, ORRI_SCALAR, TEXT, NULL, "what it is for"),
    SUB(orr_model_pool, "pools", pools, ORRI_NAMED, pool_block, "pools inside it"),
    END
};
#undef K
static const struct orri_block pool_block = {
    .what = "a pool", .id = "pool", .size = sizeof(struct orr_model_pool),
    .keys = pool_keys
};

#define K(key, field, shape, value, fallback, doc) \
    LEAF(orr_model_function, key, field, shape, value, fallback, doc)
static const struct orri_key function_keys[] = {
    K("use", use, ORRI_SCALAR, FUNCTION, NULL,
      "a built-in function; `orrery functions` lists them"),
    K("command", command, ORRI_SEQUENCE, TEMPLATE, NULL,
      "a program and its arguments; no shell is involved"),
    K("shell", shell, ORRI_SCALAR, TEMPLATE, NULL, "a script, run by `/bin/sh -eu`"),
    K("workflow", workflow, ORRI_SCALAR, FILE, NULL, "another workflow: its inputs are the parameters, its outputs the results"),
    K("in", in, ORRI_MAPPING, PARAMETER, "none",
      "parameters of a command or script and their types"),
    K("out", out, ORRI_MAPPING, TYPE, "none",
      "results of a command or script and their types"),
    K("stdout", stdout_mode, ORRI_SCALAR, OUTPUT, "`none`",
      "what standard output is: `text` gives the result `text`, `lines` the result "
      "`lines`, `json` an object whose members are results"),
    K("exit", exit, ORRI_SCALARS, CODE, "0", "exit codes that count as success"),
    K("env", env, ORRI_MAPPING, TEMPLATE, NULL,
      "variables of the environment, added to what there is"),
    K("cwd", cwd, ORRI_SCALAR, TEMPLATE, "a scratch directory, removed afterwards",
      "working directory"),
    K("pool", pool, ORRI_SCALAR, POOL, "`all`", "pool whose cores it uses"),
    K("cores", cores, ORRI_SCALAR, POSITIVE, "1",
      "cores of one node that a call gets, kept idle for it"),
    K("memory", memory, ORRI_SCALAR, SIZE, "no limit",
      "memory of one node that a call gets; one whose processes hold more is ended"),
    K("gpus", gpus, ORRI_SCALAR, COUNT, "0",
      "GPUs of one node that a call gets for itself"),
    K("timeout", timeout, ORRI_SCALAR, DURATION, "none",
      "then a call is ended: TERM, 5 s later KILL, to the whole process group of a "
      "command"),
    K("retries", retries, ORRI_SCALAR, COUNT, "0", "attempts more after a failure"),
    K("retry-delay", retry_delay, ORRI_SCALAR, DURATION, "0s",
      "wait before the second attempt; doubled from then on"),
    K("priority", priority, ORRI_SCALAR, INT, "0", "higher first; rules add theirs"),
    K("version", version, ORRI_SCALAR, TEXT, "`1`, or that of the built-in function",
      "part of the identity of its tasks: change it when results may change"),
    K("batch", batch, ORRI_SCALAR, POSITIVE, "learnt: what takes 10 ms, 64 at most",
      "calls that may go to a core together, to be run in turn"),
    K("isolation", isolation, ORRI_SCALAR, ISOLATION, "`none` for `core.*`, else `process`",
      "run in a process of its own, or in the worker"),
    K("warm", warm, ORRI_SCALAR, COUNT, "0",
      "child processes kept ready for it in each worker, one a core at most"),
    K("opportunistic", opportunistic, ORRI_SCALAR, BOOL, "`false`",
      "calls may run on nodes of opportunistic jobs, and do so first; when no function says so, all may"),
    K("cost", cost, ORRI_SCALAR, COST, NULL,
      "estimate of the seconds that a call takes, over the parameters: dry runs sum it up, and near its end a "
      "run starts what can still end"),
    K("example", example, ORRI_MAPPING, EXPRESSION, NULL,
      "results that stand for the function in tests and dry runs"),
    K("identity", identity, ORRI_SCALAR, IDENTITY, "`time`",
      "what tells files that are arguments apart: name, size and modification time, or "
      "their bytes, which rank 0 reads"),
    K("doc", doc, ORRI_SCALAR, TEXT, "that of the built-in function", "what it is for"),
    END
};
#undef K
static const struct orri_block function_block = {
    .what = "a function", .id = "function", .size = sizeof(struct orr_model_function),
    .keys = function_keys, .one_of = "use command shell workflow"
};

static const struct orri_key assertion_keys[] = {
    LEAF(orr_model_assertion, "for", list, ORRI_SCALAR, LOOP, NULL,
         "one fact for each item of a list"),
    LEAF(orr_model_assertion, "when", when, ORRI_SCALAR, CONDITION, "`true`",
         "assert only where this holds"),
    NEED(orr_model_assertion, "assert", fact, ORRI_SCALAR, FACT, "the fact to assert"),
    LEAF(orr_model_assertion, "with", with, ORRI_ANY, RECORD, "none", "its fields"),
    END
};
static const struct orri_block assertion_block = {
    .what = "a reaction", .id = "reaction", .size = sizeof(struct orr_model_assertion),
    .keys = assertion_keys
};

static const struct orri_key retry_keys[] = {
    LEAF(orr_model_retry, "max", max, ORRI_SCALAR, POSITIVE, "1",
         "most attempts more, by this handler for one call of the rule"),
    LEAF(orr_model_retry, "delay", delay, ORRI_SCALAR, DURATION, "0s",
         "wait before the attempt"),
    LEAF(orr_model_retry, "with", with, ORRI_MAPPING, EXPRESSION, "as before",
         "other values for some arguments"),
    END
};
static const struct orri_block retry_block = {
    .what = "a retry", .id = "retry", .size = sizeof(struct orr_model_retry),
    .keys = retry_keys
};

static const struct orri_key handler_keys[] = {
    LEAF(orr_model_handler, "when", assertion.when, ORRI_SCALAR, CONDITION, "`true`",
         "for which failures; the first handler that holds is taken"),
    SUB(orr_model_handler, "retry", retry, ORRI_BLOCK, retry_block, "try again"),
    LEAF(orr_model_handler, "for", assertion.list, ORRI_SCALAR, LOOP, NULL,
         "one fact for each item of a list"),
    LEAF(orr_model_handler, "assert", assertion.fact, ORRI_SCALAR, FACT, NULL,
         "go on with a fact instead"),
    LEAF(orr_model_handler, "with", assertion.with, ORRI_ANY, RECORD, "none",
         "the fields of that fact"),
    LEAF(orr_model_handler, "skip", skip, ORRI_SCALAR, TRUE, NULL,
         "let it be: nothing follows from this call"),
    LEAF(orr_model_handler, "fail", fail, ORRI_SCALAR, TEMPLATE, NULL,
         "fail the request with this text"),
    END
};
static const struct orri_block handler_block = {
    .what = "an error handler", .id = "handler", .size = sizeof(struct orr_model_handler),
    .keys = handler_keys, .one_of = "retry assert skip fail"
};

static const struct orri_key action_keys[] = {
    NEED(orr_model_action, "call", call, ORRI_SCALAR, FUNCTION, "the function to call"),
    LEAF(orr_model_action, "with", with, ORRI_MAPPING, EXPRESSION, "none",
         "its arguments; those with a default and optional ones may be left out"),
    LEAF(orr_model_action, "priority", priority, ORRI_SCALAR, INTEGER, "0",
         "higher first within a pool; added to the function's"),
    LEAF(orr_model_action, "deadline", deadline, ORRI_SCALAR, DEADLINE, "none",
         "from the start of the run; earlier ones go first in a pool, none is enforced"),
    END
};
static const struct orri_block action_block = {
    .what = "an action", .id = "action", .size = sizeof(struct orr_model_action),
    .keys = action_keys
};

static const struct orri_key gather_keys[] = {
    LEAF(orr_model_gather, "where", where, ORRI_SCALAR, CONDITION, "`true`",
         "which facts, as an expression over the match variables and VARIABLE"),
    NEED(orr_model_gather, "count", count, ORRI_SCALAR, INTEGER,
         "how many there will be, as an expression over the match variables"),
    LEAF(orr_model_gather, "order", order, ORRI_SCALAR, EXPRESSION, "by their contents",
         "what the gathered facts are sorted by"),
    END
};
static const struct orri_block gather_block = {
    .what = "a gather", .id = "gather", .size = sizeof(struct orr_model_gather),
    .keys = gather_keys, .free_key = offsetof(struct orr_model_gather, name),
    .free_value = offsetof(struct orr_model_gather, fact), .free_what = "VARIABLE: FACT"
};

#define K(key, field, shape, value, fallback, doc) \
    LEAF(orr_model_rule, key, field, shape, value, fallback, doc)
static const struct orri_key rule_keys[] = {
    NEED(orr_model_rule, "rule", name, ORRI_SCALAR, NAME, "its name, which messages use"),
    K("doc", doc, ORRI_SCALAR, TEXT, NULL, "what it is for"),
    NEED(orr_model_rule, "match", match, ORRI_MAPPING, FACT,
         "variables and the facts they stand for, 1 to 16"),
    K("where", where, ORRI_SCALAR, CONDITION, "`true`",
      "for which combinations of these facts"),
    SUB(orr_model_rule, "gather", gather, ORRI_BLOCK, gather_block,
        "wait for a number of facts, take them together"),
    SUB(orr_model_rule, "action", action, ORRI_BLOCK, action_block, "call a function"),
    SUB(orr_model_rule, "reaction", reaction, ORRI_BLOCKS, assertion_block,
        "what to assert when the call succeeded"),
    SUB(orr_model_rule, "error", error, ORRI_BLOCKS, handler_block,
        "what to do when the call failed; without it the request fails"),
    K("for", assertion.list, ORRI_SCALAR, LOOP, NULL, "one fact for each item of a list"),
    K("when", assertion.when, ORRI_SCALAR, CONDITION, "`true`",
      "assert only where this holds"),
    K("assert", assertion.fact, ORRI_SCALAR, FACT, NULL,
      "without action: the one fact to assert"),
    K("with", assertion.with, ORRI_ANY, RECORD, "none", "the fields of that fact"),
    SUB(orr_model_rule, "then", then, ORRI_BLOCKS, assertion_block,
        "without action: what to assert"),
    END
};
#undef K
static const struct orri_block rule_block = {
    .what = "a rule", .id = "rule", .size = sizeof(struct orr_model_rule),
    .keys = rule_keys
};

#define K(key, field, shape, value, fallback, doc) \
    LEAF(orr_model_step, key, field, shape, value, fallback, doc)
static const struct orri_key step_keys[] = {
    NEED(orr_model_step, "step", name, ORRI_SCALAR, NAME, "its name"),
    NEED(orr_model_step, "call", call, ORRI_SCALAR, FUNCTION, "the function to call"),
    K("for", list, ORRI_SCALAR, LOOP, NULL,
      "VARIABLE in LIST: one call for each item"),
    K("when", when, ORRI_SCALAR, CONDITION, "`true`", "only where this holds; in a loop, only for such items"),
    K("with", with, ORRI_MAPPING, EXPRESSION, "none", "its arguments"),
    K("after", after, ORRI_SCALARS, NAME, NULL, "steps to wait for without using their results"),
    K("priority", priority, ORRI_SCALAR, INTEGER, "0", "higher first within a pool"),
    K("doc", doc, ORRI_SCALAR, TEXT, NULL, "what it is for"),
    END
};
#undef K
static const struct orri_block step_block = {
    .what = "a step", .id = "step", .size = sizeof(struct orr_model_step),
    .keys = step_keys
};

static const struct orri_key output_keys[] = {
    LEAF(orr_model_output, "fact", fact, ORRI_SCALAR, FACT, NULL,
         "the fact that must be there"),
    LEAF(orr_model_output, "each", each, ORRI_SCALAR, FACT, NULL,
         "the facts that must be there, one at least"),
    LEAF(orr_model_output, "doc", doc, ORRI_SCALAR, TEXT, NULL, "what it is"),
    END
};
static const struct orri_block output_block = {
    .what = "an output", .id = "output", .size = sizeof(struct orr_model_output),
    .keys = output_keys, .one_of = "fact each"
};

static const struct orri_key failure_keys[] = {
    NEED(orr_model_failure, "kind", kind, ORRI_SCALAR, FAILURE, "kind of the error"),
    LEAF(orr_model_failure, "code", code, ORRI_SCALAR, INT, "0", "its code"),
    LEAF(orr_model_failure, "message", message, ORRI_SCALAR, TEMPLATE, "none", "its text"),
    END
};
static const struct orri_block failure_block = {
    .what = "a failure", .id = "failure", .size = sizeof(struct orr_model_failure),
    .keys = failure_keys, .shorthand = "kind"
};

static const struct orri_key answer_keys[] = {
    LEAF(orr_model_answer, "when", when, ORRI_SCALAR, CONDITION, "`true`",
         "for which calls, over the parameters and `attempt`"),
    LEAF(orr_model_answer, "times", times, ORRI_SCALAR, POSITIVE, "any number",
         "how many attempts of each task"),
    LEAF(orr_model_answer, "result", result, ORRI_MAPPING, EXPRESSION, NULL,
         "the results"),
    SUB(orr_model_answer, "fail", fail, ORRI_BLOCK, failure_block, "the call fails so"),
    END
};
static const struct orri_block answer_block = {
    .what = "an answer", .id = "answer", .size = sizeof(struct orr_model_answer),
    .keys = answer_keys
};

#define K(key, field, shape, value, fallback, doc) \
    LEAF(orr_model_expectation, key, field, shape, value, fallback, doc)
#define EXPECTED                                                                       \
    K("count", count, ORRI_SCALAR, COUNT, NULL, "how many there are"),                 \
    K("exactly", exactly, ORRI_MAPPINGS, DATA, NULL,                                   \
      "these and no others; fields that are not named may be anything"),               \
    K("some", some, ORRI_MAPPINGS, DATA, NULL, "these, and perhaps others")
static const struct orri_key expectation_keys[] = { EXPECTED, END };
static const struct orri_key task_expectation_keys[] = {
    EXPECTED, K("attempts", attempts, ORRI_SCALAR, COUNT, NULL, "attempts of all of them"),
    END
};
#undef EXPECTED
#undef K
static const struct orri_block expectation_block = {
    .what = "an expectation", .id = "expectation",
    .size = sizeof(struct orr_model_expectation), .keys = expectation_keys,
    .shorthand = "count", .list_key = "exactly"
};
static const struct orri_block task_expectation_block = {
    .what = "an expectation of tasks", .id = "task-expectation",
    .size = sizeof(struct orr_model_expectation), .keys = task_expectation_keys,
    .shorthand = "count", .list_key = "exactly"
};

static const struct orri_key expect_keys[] = {
    LEAF(orr_model_expect, "succeeds", succeeds, ORRI_SCALAR, BOOL, "`true`",
         "does the request succeed?"),
    LEAF(orr_model_expect, "message", message, ORRI_SCALAR, TEXT, NULL,
         "part of the reason why it fails"),
    SUB(orr_model_expect, "facts", facts, ORRI_NAMED, expectation_block,
        "facts that were made"),
    SUB(orr_model_expect, "tasks", tasks, ORRI_NAMED, task_expectation_block,
        "calls of functions"),
    SUB(orr_model_expect, "outputs", outputs, ORRI_NAMED, expectation_block,
        "facts of outputs"),
    END
};
static const struct orri_block expect_block = {
    .what = "expect", .id = "expect", .size = sizeof(struct orr_model_expect),
    .keys = expect_keys
};

static const struct orri_key test_keys[] = {
    NEED(orr_model_test, "test", name, ORRI_SCALAR, NAME, "its name"),
    LEAF(orr_model_test, "doc", doc, ORRI_SCALAR, TEXT, NULL, "what it holds"),
    LEAF(orr_model_test, "inputs", inputs, ORRI_MAPPING, DATA, "none",
         "inputs of the request"),
    SUB(orr_model_test, "answers", answers, ORRI_LISTED, answer_block,
        "how calls of a function are answered; the first that holds"),
    SUB(orr_model_test, "expect", expect, ORRI_BLOCK, expect_block, "what follows"),
    END
};
static const struct orri_block test_block = {
    .what = "a test", .id = "test", .size = sizeof(struct orr_model_test),
    .keys = test_keys
};

#define K(key, field, shape, value, fallback, doc) \
    LEAF(orr_model_workflow, key, field, shape, value, fallback, doc)
static const struct orri_key workflow_keys[] = {
    NEED(orr_model_workflow, "orrery", version, ORRI_SCALAR, VERSION,
         "version of the language"),
    NEED(orr_model_workflow, "workflow", name, ORRI_SCALAR, NAME, "its name"),
    K("doc", doc, ORRI_SCALAR, TEXT, NULL, "what it is for"),
    SUB(orr_model_workflow, "inputs", inputs, ORRI_NAMED, input_block,
        "what a request gives"),
    SUB(orr_model_workflow, "pools", pools, ORRI_NAMED, pool_block,
        "who may use how many cores"),
    K("facts", facts, ORRI_MAPPING, FIELDS, NULL, "types of facts"),
    SUB(orr_model_workflow, "functions", functions, ORRI_NAMED, function_block,
        "what runs on workers"),
    SUB(orr_model_workflow, "rules", rules, ORRI_BLOCKS, rule_block,
        "what follows from what"),
    SUB(orr_model_workflow, "steps", steps, ORRI_BLOCKS, step_block,
        "a plain graph of calls, without rules"),
    SUB(orr_model_workflow, "outputs", outputs, ORRI_NAMED, output_block,
        "when a request has succeeded"),
    SUB(orr_model_workflow, "tests", tests, ORRI_BLOCKS, test_block,
        "what follows from given inputs and answers: `orrery test`"),
    END
};
#undef K
const struct orri_block orri_workflow_block = {
    .what = "a workflow", .id = "workflow", .size = sizeof(struct orr_model_workflow),
    .keys = workflow_keys
};

#define K(key, field, shape, value, fallback, doc) \
    LEAF(orr_model_job, key, field, shape, value, fallback, doc)
static const struct orri_key job_keys[] = {
    NEED(orr_model_job, "orrery", version, ORRI_SCALAR, VERSION,
         "version of the language"),
    NEED(orr_model_job, "job", name, ORRI_SCALAR, NAME,
         "its name; the default run directory is `runs/NAME-DATE-TIME`"),
    K("doc", doc, ORRI_SCALAR, TEXT, NULL, "what it is for"),
    NEED(orr_model_job, "workflow", workflow, ORRI_SCALAR, FILE,
         "the workflow, relative to the job's directory"),
    K("inputs", inputs, ORRI_MAPPING, DATA, "none", "inputs of every request"),
    K("requests", requests, ORRI_MAPPINGS, DATA, "one request",
      "one mapping of inputs for each request, on top of `inputs`"),
    K("sweep", sweep, ORRI_MAPPING, LIST, NULL,
      "inputs and their values: a request for each combination, the last one varying "
      "fastest"),
    K("slurm", slurm, ORRI_MAPPING, TEXT, NULL,
      "options of sbatch, for `orrery submit`"),
    END
};
#undef K
const struct orri_block orri_job_block = {
    .what = "a job", .id = "job", .size = sizeof(struct orr_model_job), .keys = job_keys
};
/* clang-format on */
