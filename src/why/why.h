/* why.h - how a fact came to be, and why one did not
 *
 * Explains the state of an engine, and never changes it: from the log of its firings
 * who made what of what; from the rules who could have made what is missing, and what
 * each of them still waits for. The explanation is a tree of lines.
 *
 * Use: orr_why_new(), one question, print the node, orr_why_free(). */
#ifndef ORR_WHY_WHY_H
#define ORR_WHY_WHY_H

#include "engine/engine.h"
#include "graph/graph.h"

#include <stdbool.h>
#include <stdint.h>

#define ORR_WHY_KINDS(X)                                                               \
    X(ANSWER, "answer")   /* holds the others */                                       \
    X(FACT, "fact")       /* that is there */                                          \
    X(MISSING, "missing") /* a fact that is not */                                     \
    X(RULE, "rule")                                                                    \
    X(TASK, "task")                                                                    \
    X(ATTEMPT, "attempt")                                                              \
    X(REASON, "reason")   /* what something waits for, or failed of */                 \
    X(NEAREST, "nearest") /* what comes next to what is missing */                     \
    X(NOTE, "note")

#define X(id, text) ORR_WHY_##id,
enum orr_why_kind { ORR_WHY_KINDS(X) };
#undef X

struct orr_why_node {
    enum orr_why_kind kind;
    const char *text;   /* one line */
    struct orr_span at; /* of a rule; else line 0 */
    struct orr_id id;   /* of a task; else 0 */
    bool has_id;
    struct orr_why_node *first, *last, *next;
};

struct orr_why_setup {
    const struct orr_graph *graph;
    const struct orr_engine *engine;
    /* Line `i` of what is known of the attempts at a task; NULL after the last. May be
     * NULL itself. */
    const char *(*attempt)(void *context, uint32_t task, uint32_t i,
                           struct orr_arena *arena);
    void *context;
    uint32_t depth; /* of facts behind facts */
    uint32_t limit; /* of things of a kind that are told one by one */
};

struct orr_why;
struct orr_why *orr_why_new(const struct orr_why_setup *setup);
void orr_why_free(struct orr_why *why); /* NULL is fine */

/* A field that a fact should have. */
struct orr_why_field {
    uint32_t field;
    struct orr_value value;
};

/* Which facts are meant. */
struct orr_why_facts {
    uint32_t type;
    uint32_t request; /* ORR_NONE: of any */
    const struct orr_why_field *fields;
    uint32_t n_fields;
    const struct orr_expr *where; /* slot i is field i; or NULL */
};

/* How each of the facts came to be; where there is none, why not. */
const struct orr_why_node *orr_why_facts(struct orr_why *why,
                                         const struct orr_why_facts *facts);
/* Why each output that does not hold does not, and how each request ended. */
const struct orr_why_node *orr_why_outputs(struct orr_why *why, uint32_t request);
const struct orr_why_node *orr_why_task(struct orr_why *why, uint32_t task);
/* How often it fired, what became of that, and why not more often. */
const struct orr_why_node *orr_why_rule(struct orr_why *why, uint32_t rule,
                                        uint32_t request);

/* Appended: a line a node, two spaces a level. */
void orr_why_print(const struct orr_why_node *node, struct orr_text *out);
void orr_why_json(const struct orr_why_node *node, struct orr_text *out);
/* "encode(source: ..., crf: 26)" without arguments that are null, long values cut;
 * appended. */
void orr_why_print_task(const struct orr_why *why, uint32_t task, struct orr_text *out);

#endif
