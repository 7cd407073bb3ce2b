/* limits.c - the list of limits, for docs/reference.md */
#include "graph/internal.h"

const struct orr_limit *orr_limits(size_t *n)
{
    static const struct orr_limit limits[] = {
        { "bytes of a file", ORR_YAML_BYTES },
        { "nesting of lists and mappings", ORR_YAML_DEPTH },
        { "values of a file, aliases replaced by what they stand for", ORR_YAML_NODES },
        { "match variables of a rule", ORRI_MATCH_MAX },
        { "parameters of a command", ORR_SLOTS_MAX - 1 },
        { "conditions joined by `and`", ORRI_CONJUNCTS_MAX },
        { "nesting of an expression", ORR_EXPR_DEPTH },
        { "steps of one evaluation", ORR_EXPR_STEPS },
        { "requests of a run", ORRI_REQUESTS_MAX },
        { "depth of workflows that call others", ORRI_CHAIN_MAX },
        { "workflows that are compiled for one", ORRI_COMPILED_MAX },
        { "facts, functions and rules of the workflows that one calls",
          ORRI_LINKED_MAX },
        { "findings that are shown", ORR_DIAG_MAX },
    };
    *n = sizeof limits / sizeof *limits;
    return limits;
}
