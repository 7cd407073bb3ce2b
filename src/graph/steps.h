/* steps.h - between the files that turn steps into facts and rules */
#ifndef ORR_GRAPH_STEPS_H
#define ORR_GRAPH_STEPS_H

#include "graph/internal.h"

enum { ORRI_VISIT_NEW, ORRI_VISIT_OPEN, ORRI_VISIT_DONE };

/* What expressions name: other steps, each once, and the inputs. */
struct orri_needs {
    struct orri_step_plan **steps;
    uint32_t n;
    bool inputs;
};

struct orri_step_plan {
    const struct orr_model_step *model;
    const char *name;
    const struct orr_graph_function *function; /* NULL: refused */
    struct orri_for loop;
    bool loops;
    struct orri_step_plan
        *group; /* the first step with this loop: its items are shared */
    uint32_t each, own, all;
    int visited, items; /* ORRI_VISIT_... : the step; the items of its group */
    bool good;
    struct orri_needs head; /* of `for` and, with it, `when` */
    struct orri_needs body; /* of all else */
    const char *list_text;  /* of the loop with its condition, for the rules */
};

struct orri_steps {
    struct orri_compile *c;
    struct orri_step_plan *items;
    uint32_t n;
    struct orr_rule *rules;
    uint32_t n_rules;
};

struct orri_step_plan *orri_step_find(struct orri_steps *s,
                                      const char *name); /* or NULL */

/* ---- steps_rules.c: in this order, once what the step names has been made ---- */

/* The items of a loop; false after reporting. */
bool orri_step_items(struct orri_steps *s, struct orri_step_plan *step);
/* The facts of the results; the call that makes them; for a loop, all of them as lists.
 */
void orri_step_declare(struct orri_steps *s, struct orri_step_plan *step);
void orri_step_call(struct orri_steps *s, struct orri_step_plan *step);
void orri_step_all(struct orri_steps *s, struct orri_step_plan *step);

#endif
