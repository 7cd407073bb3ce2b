/* internal.h - between the files of src/why */
#ifndef ORR_WHY_INTERNAL_H
#define ORR_WHY_INTERNAL_H

#include "base/map.h"
#include "why/why.h"

enum {
    ORRI_WHY_STEPS = 1000 * 1000 /* facts and conditions tried for a nearest miss */
};

struct orr_why {
    struct orr_why_setup setup;
    struct orr_arena arena;   /* nodes and texts */
    struct orr_arena scratch; /* of one evaluation */
    struct orr_map told;      /* facts, by type and index */
    struct orr_map missed;    /* questions, by their hash */
};

/* ---- node.c ---- */

/* The line is copied; the node hangs below `parent`, as its last. */
__attribute__((format(printf, 4, 5))) struct orr_why_node *orri_why_add(
    struct orr_why *why, struct orr_why_node *parent, enum orr_why_kind kind,
    const char *format, ...);
struct orr_why_node *orri_why_root(struct orr_why *why);
/* A value in at most `most` bytes, in the arena. */
const char *orri_value_text(struct orr_why *why, struct orr_value v, size_t most);
/* "trial {rung: ..., chunk: 3}" */
const char *orri_fact_text(struct orr_why *why, uint32_t type, uint32_t index);
const char *orri_expr_text(struct orr_why *why, const struct orr_expr *expr);
/* "rule 'encode' (ladder.yaml:60)" and its place. */
struct orr_why_node *orri_rule_node(struct orr_why *why, struct orr_why_node *parent,
                                    uint32_t rule, const char *what);

/* ---- came.c ---- */

void orri_tell_fact(struct orr_why *why, struct orr_why_node *parent,
                    const char *before, uint32_t type, uint32_t index, uint32_t depth);
/* The task and its attempts, not who asked for it. */
struct orr_why_node *orri_tell_task(struct orr_why *why, struct orr_why_node *parent,
                                    const char *before, uint32_t task);
/* Its outputs when it is a workflow that is done; what they wait for when it is not. */
void orri_tell_call(struct orr_why *why, struct orr_why_node *node, uint32_t task,
                    uint32_t depth);

/* ---- missing.c ---- */

/* A fact of a scope that is not there. */
struct orri_ask {
    uint32_t type;
    uint32_t scope;
    const struct orr_why_field *fields;
    uint32_t n_fields;
    const struct orr_expr *where; /* or NULL */
};
void orri_tell_missing(struct orr_why *why, struct orr_why_node *parent,
                       const struct orri_ask *ask, uint32_t depth);
/* What a rule waits for in a scope; `ask` NULL: for any firing that it has not made. */
void orri_tell_rule(struct orr_why *why, struct orr_why_node *node, uint32_t rule,
                    uint32_t scope, const struct orri_ask *ask, uint32_t depth);
/* Is it one of the facts? *met (may be NULL): how many of the fields it has. */
bool orri_meets(struct orr_why *why, const struct orri_ask *ask, uint32_t index,
                uint32_t *met);
bool orri_makes(const struct orr_rule *rule, uint32_t type);

/* ---- firing.c ---- */

/* Why the firing did not make what was asked for. */
void orri_tell_firing(struct orr_why *why, struct orr_why_node *node, uint32_t number,
                      const struct orri_ask *ask, uint32_t depth);

/* ---- near.c ---- */

/* What is asked of a match: that an expression over its variables has a value. */
struct orri_demand {
    const struct orr_expr *expr;
    struct orr_value value;
};
struct orri_demands {
    struct orri_demand items[ORR_SLOTS_MAX];
    uint32_t n;
};
/* Do the demands hold for the facts in `slots`, as far as `bound` variables go? */
bool orri_demands_hold(struct orr_why *why, const struct orri_demands *demands,
                       uint32_t bound, const struct orr_value *slots);
/* Tell why no match of the rule satisfies its conditions and the demands. */
void orri_tell_nearest(struct orr_why *why, struct orr_why_node *node, uint32_t rule,
                       uint32_t scope, const struct orri_demands *demands,
                       uint32_t depth);
/* "t.vif >= j.target: 0.88 >= 0.93 is false" */
const char *orri_condition_text(struct orr_why *why, const struct orr_rule *rule,
                                const struct orr_expr *expr,
                                const struct orr_value *slots);
/* Put the facts of a match in the slots. */
void orri_why_bind(struct orr_why *why, uint32_t rule, const uint32_t *match,
                   struct orr_value *slots);
bool orri_why_true(struct orr_why *why, const struct orr_expr *expr,
                   const struct orr_value *slots);

#endif
