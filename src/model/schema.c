/* schema.c - every key of workflow and job files, in one place */
#include "model/internal.h"

#include <stddef.h>

#define LEAF(type, key, field, shape)                                                  \
    {                                                                                  \
        key, shape, false, offsetof(struct type, field), NULL                          \
    }
#define NEED(type, key, field, shape)                                                  \
    {                                                                                  \
        key, shape, true, offsetof(struct type, field), NULL                           \
    }
#define SUB(type, key, field, shape, block)                                            \
    {                                                                                  \
        key, shape, false, offsetof(struct type, field), &block                        \
    }
#define END                                                                            \
    {                                                                                  \
        NULL, ORRI_ANY, false, 0, NULL                                                 \
    }

#define K(key, field, shape) LEAF(orr_model_input, key, field, shape)
static const struct orri_key input_keys[] = {
    NEED(orr_model_input, "type", type, ORRI_ANY), K("default", fallback, ORRI_ANY),
    K("doc", doc, ORRI_SCALAR), END
};
#undef K
static const struct orri_block input_block = { .what = "an input",
                                               .size = sizeof(struct orr_model_input),
                                               .keys = input_keys,
                                               .shorthand = "type" };

static const struct orri_block pool_block;
#define K(key, field, shape) LEAF(orr_model_pool, key, field, shape)
static const struct orri_key pool_keys[] = { K("share", share, ORRI_SCALAR),
                                             K("reserve", reserve, ORRI_SCALAR),
                                             K("max", max, ORRI_SCALAR),
                                             K("borrow", borrow, ORRI_SCALAR),
                                             K("parent", parent, ORRI_SCALAR),
                                             K("doc", doc, ORRI_SCALAR),
                                             SUB(orr_model_pool, "pools", pools,
                                                 ORRI_NAMED, pool_block),
                                             END };
#undef K
static const struct orri_block pool_block = { .what = "a pool",
                                              .size = sizeof(struct orr_model_pool),
                                              .keys = pool_keys };

#define K(key, field, shape) LEAF(orr_model_function, key, field, shape)
static const struct orri_key function_keys[] = {
    K("use", use, ORRI_SCALAR),
    K("command", command, ORRI_SEQUENCE),
    K("shell", shell, ORRI_SCALAR),
    K("workflow", workflow, ORRI_SCALAR),
    K("in", in, ORRI_MAPPING),
    K("out", out, ORRI_MAPPING),
    K("stdout", stdout_mode, ORRI_SCALAR),
    K("exit", exit, ORRI_SCALARS),
    K("env", env, ORRI_MAPPING),
    K("cwd", cwd, ORRI_SCALAR),
    K("pool", pool, ORRI_SCALAR),
    K("cores", cores, ORRI_SCALAR),
    K("memory", memory, ORRI_SCALAR),
    K("gpus", gpus, ORRI_SCALAR),
    K("timeout", timeout, ORRI_SCALAR),
    K("retries", retries, ORRI_SCALAR),
    K("retry-delay", retry_delay, ORRI_SCALAR),
    K("priority", priority, ORRI_SCALAR),
    K("version", version, ORRI_SCALAR),
    K("batch", batch, ORRI_SCALAR),
    K("isolation", isolation, ORRI_SCALAR),
    K("warm", warm, ORRI_SCALAR),
    K("opportunistic", opportunistic, ORRI_SCALAR),
    K("cost", cost, ORRI_SCALAR),
    K("example", example, ORRI_MAPPING),
    K("identity", identity, ORRI_SCALAR),
    K("doc", doc, ORRI_SCALAR),
    END
};
#undef K
static const struct orri_block function_block = { .what = "a function",
                                                  .size =
                                                      sizeof(struct orr_model_function),
                                                  .keys = function_keys };

static const struct orri_key assertion_keys[] = {
    NEED(orr_model_assertion, "assert", fact, ORRI_SCALAR),
    LEAF(orr_model_assertion, "with", with, ORRI_ANY),
    LEAF(orr_model_assertion, "for", list, ORRI_SCALAR),
    LEAF(orr_model_assertion, "when", when, ORRI_SCALAR), END
};
static const struct orri_block assertion_block = { .what = "a reaction",
                                                   .size = sizeof(
                                                       struct orr_model_assertion),
                                                   .keys = assertion_keys };

static const struct orri_key retry_keys[] = {
    LEAF(orr_model_retry, "max", max, ORRI_SCALAR),
    LEAF(orr_model_retry, "delay", delay, ORRI_SCALAR),
    LEAF(orr_model_retry, "with", with, ORRI_MAPPING), END
};
static const struct orri_block retry_block = { .what = "a retry",
                                               .size = sizeof(struct orr_model_retry),
                                               .keys = retry_keys };

static const struct orri_key handler_keys[] = {
    LEAF(orr_model_handler, "when", assertion.when, ORRI_SCALAR),
    SUB(orr_model_handler, "retry", retry, ORRI_BLOCK, retry_block),
    LEAF(orr_model_handler, "assert", assertion.fact, ORRI_SCALAR),
    LEAF(orr_model_handler, "with", assertion.with, ORRI_ANY),
    LEAF(orr_model_handler, "for", assertion.list, ORRI_SCALAR),
    LEAF(orr_model_handler, "skip", skip, ORRI_SCALAR),
    LEAF(orr_model_handler, "fail", fail, ORRI_SCALAR),
    END
};
static const struct orri_block handler_block = { .what = "an error handler",
                                                 .size =
                                                     sizeof(struct orr_model_handler),
                                                 .keys = handler_keys };

static const struct orri_key action_keys[] = {
    NEED(orr_model_action, "call", call, ORRI_SCALAR),
    LEAF(orr_model_action, "with", with, ORRI_MAPPING),
    LEAF(orr_model_action, "priority", priority, ORRI_SCALAR),
    LEAF(orr_model_action, "deadline", deadline, ORRI_SCALAR), END
};
static const struct orri_block action_block = { .what = "an action",
                                                .size = sizeof(struct orr_model_action),
                                                .keys = action_keys };

static const struct orri_key gather_keys[] = {
    LEAF(orr_model_gather, "where", where, ORRI_SCALAR),
    NEED(orr_model_gather, "count", count, ORRI_SCALAR),
    LEAF(orr_model_gather, "order", order, ORRI_SCALAR), END
};
static const struct orri_block gather_block = {
    .what = "a gather",
    .size = sizeof(struct orr_model_gather),
    .keys = gather_keys,
    .free_key = offsetof(struct orr_model_gather, name),
    .free_value = offsetof(struct orr_model_gather, fact),
    .free_what = "VARIABLE: FACT"
};

#define K(key, field, shape) LEAF(orr_model_rule, key, field, shape)
static const struct orri_key rule_keys[] = {
    NEED(orr_model_rule, "rule", name, ORRI_SCALAR),
    K("doc", doc, ORRI_SCALAR),
    NEED(orr_model_rule, "match", match, ORRI_MAPPING),
    K("where", where, ORRI_SCALAR),
    SUB(orr_model_rule, "gather", gather, ORRI_BLOCK, gather_block),
    SUB(orr_model_rule, "action", action, ORRI_BLOCK, action_block),
    SUB(orr_model_rule, "reaction", reaction, ORRI_BLOCKS, assertion_block),
    SUB(orr_model_rule, "error", error, ORRI_BLOCKS, handler_block),
    SUB(orr_model_rule, "then", then, ORRI_BLOCKS, assertion_block),
    K("assert", assertion.fact, ORRI_SCALAR),
    K("with", assertion.with, ORRI_ANY),
    K("for", assertion.list, ORRI_SCALAR),
    K("when", assertion.when, ORRI_SCALAR),
    END
};
#undef K
static const struct orri_block rule_block = { .what = "a rule",
                                              .size = sizeof(struct orr_model_rule),
                                              .keys = rule_keys };

#define K(key, field, shape) LEAF(orr_model_step, key, field, shape)
static const struct orri_key step_keys[] = {
    NEED(orr_model_step, "step", name, ORRI_SCALAR),
    NEED(orr_model_step, "call", call, ORRI_SCALAR),
    K("with", with, ORRI_MAPPING),
    K("for", list, ORRI_SCALAR),
    K("when", when, ORRI_SCALAR),
    K("after", after, ORRI_SCALARS),
    K("priority", priority, ORRI_SCALAR),
    K("doc", doc, ORRI_SCALAR),
    END
};
#undef K
static const struct orri_block step_block = { .what = "a step",
                                              .size = sizeof(struct orr_model_step),
                                              .keys = step_keys };

static const struct orri_key output_keys[] = {
    LEAF(orr_model_output, "fact", fact, ORRI_SCALAR),
    LEAF(orr_model_output, "each", each, ORRI_SCALAR),
    LEAF(orr_model_output, "doc", doc, ORRI_SCALAR), END
};
static const struct orri_block output_block = { .what = "an output",
                                                .size = sizeof(struct orr_model_output),
                                                .keys = output_keys };

static const struct orri_key failure_keys[] = {
    NEED(orr_model_failure, "kind", kind, ORRI_SCALAR),
    LEAF(orr_model_failure, "code", code, ORRI_SCALAR),
    LEAF(orr_model_failure, "message", message, ORRI_SCALAR), END
};
static const struct orri_block failure_block = { .what = "a failure",
                                                 .size =
                                                     sizeof(struct orr_model_failure),
                                                 .keys = failure_keys,
                                                 .shorthand = "kind" };

static const struct orri_key answer_keys[] = {
    LEAF(orr_model_answer, "when", when, ORRI_SCALAR),
    LEAF(orr_model_answer, "times", times, ORRI_SCALAR),
    LEAF(orr_model_answer, "result", result, ORRI_MAPPING),
    SUB(orr_model_answer, "fail", fail, ORRI_BLOCK, failure_block), END
};
static const struct orri_block answer_block = { .what = "an answer",
                                                .size = sizeof(struct orr_model_answer),
                                                .keys = answer_keys };

#define K(key, field, shape) LEAF(orr_model_expectation, key, field, shape)
static const struct orri_key expectation_keys[] = {
    K("count", count, ORRI_SCALAR), K("exactly", exactly, ORRI_MAPPINGS),
    K("some", some, ORRI_MAPPINGS), END
};
static const struct orri_key task_expectation_keys[] = {
    K("count", count, ORRI_SCALAR), K("exactly", exactly, ORRI_MAPPINGS),
    K("some", some, ORRI_MAPPINGS), K("attempts", attempts, ORRI_SCALAR), END
};
#undef K
static const struct orri_block expectation_block = { .what = "an expectation",
                                                     .size = sizeof(
                                                         struct orr_model_expectation),
                                                     .keys = expectation_keys,
                                                     .shorthand = "count",
                                                     .list_key = "exactly" };
static const struct orri_block task_expectation_block = {
    .what = "an expectation of tasks",
    .size = sizeof(struct orr_model_expectation),
    .keys = task_expectation_keys,
    .shorthand = "count",
    .list_key = "exactly"
};

static const struct orri_key expect_keys[] = {
    LEAF(orr_model_expect, "succeeds", succeeds, ORRI_SCALAR),
    LEAF(orr_model_expect, "message", message, ORRI_SCALAR),
    SUB(orr_model_expect, "facts", facts, ORRI_NAMED, expectation_block),
    SUB(orr_model_expect, "tasks", tasks, ORRI_NAMED, task_expectation_block),
    SUB(orr_model_expect, "outputs", outputs, ORRI_NAMED, expectation_block),
    END
};
static const struct orri_block expect_block = { .what = "expect",
                                                .size = sizeof(struct orr_model_expect),
                                                .keys = expect_keys };

static const struct orri_key test_keys[] = {
    NEED(orr_model_test, "test", name, ORRI_SCALAR),
    LEAF(orr_model_test, "doc", doc, ORRI_SCALAR),
    LEAF(orr_model_test, "inputs", inputs, ORRI_MAPPING),
    SUB(orr_model_test, "answers", answers, ORRI_LISTED, answer_block),
    SUB(orr_model_test, "expect", expect, ORRI_BLOCK, expect_block),
    END
};
static const struct orri_block test_block = { .what = "a test",
                                              .size = sizeof(struct orr_model_test),
                                              .keys = test_keys };

#define K(key, field, shape) LEAF(orr_model_workflow, key, field, shape)
static const struct orri_key workflow_keys[] = {
    NEED(orr_model_workflow, "orrery", version, ORRI_SCALAR),
    NEED(orr_model_workflow, "workflow", name, ORRI_SCALAR),
    K("doc", doc, ORRI_SCALAR),
    SUB(orr_model_workflow, "inputs", inputs, ORRI_NAMED, input_block),
    SUB(orr_model_workflow, "pools", pools, ORRI_NAMED, pool_block),
    K("facts", facts, ORRI_MAPPING),
    SUB(orr_model_workflow, "functions", functions, ORRI_NAMED, function_block),
    SUB(orr_model_workflow, "rules", rules, ORRI_BLOCKS, rule_block),
    SUB(orr_model_workflow, "steps", steps, ORRI_BLOCKS, step_block),
    SUB(orr_model_workflow, "outputs", outputs, ORRI_NAMED, output_block),
    SUB(orr_model_workflow, "tests", tests, ORRI_BLOCKS, test_block),
    END
};
#undef K
const struct orri_block orri_workflow_block = { .what = "a workflow",
                                                .size =
                                                    sizeof(struct orr_model_workflow),
                                                .keys = workflow_keys };

#define K(key, field, shape) LEAF(orr_model_job, key, field, shape)
static const struct orri_key job_keys[] = {
    NEED(orr_model_job, "orrery", version, ORRI_SCALAR),
    NEED(orr_model_job, "job", name, ORRI_SCALAR),
    K("doc", doc, ORRI_SCALAR),
    NEED(orr_model_job, "workflow", workflow, ORRI_SCALAR),
    K("inputs", inputs, ORRI_MAPPING),
    K("requests", requests, ORRI_MAPPINGS),
    K("sweep", sweep, ORRI_MAPPING),
    K("slurm", slurm, ORRI_MAPPING),
    END
};
#undef K
const struct orri_block orri_job_block = { .what = "a job",
                                           .size = sizeof(struct orr_model_job),
                                           .keys = job_keys };
