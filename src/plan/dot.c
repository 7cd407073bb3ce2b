/* dot.c - a plan for Graphviz: facts as ellipses, rules as boxes; owns nothing */
#include "plan/internal.h"

#include <inttypes.h>
#include <string.h>

/* In double quotes; what \n means there is kept for line breaks of ours. */
static void put_escaped(struct orr_text *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            orr_text_puts(out, "\\");
        if (*s == '\n')
            orr_text_puts(out, "\\n");
        else
            orr_text_append(out, s, 1);
    }
}

static void put_fact(const struct orr_plan *plan, uint32_t node, uint32_t fact,
                     struct orr_text *out)
{
    orr_text_printf(out, "  n%" PRIu32 " [shape=ellipse, label=\"", node);
    put_escaped(out, plan->graph->facts[fact].name);
    if (plan->counted)
        orr_text_printf(out, "\\n%" PRIu64, plan->facts[fact].n);
    orr_text_puts(out, "\"];\n");
}

static void put_rule(const struct orr_plan *plan, uint32_t node, uint32_t index,
                     struct orr_text *out)
{
    const struct orr_rule *rule = &plan->graph->rules[index];
    bool calls = rule->function != ORR_NONE;
    orr_text_printf(out, "  n%" PRIu32 " [shape=box%s, label=\"", node,
                    calls ? ", style=filled, fillcolor=lightgrey" : "");
    put_escaped(out, rule->name);
    if (calls) {
        orr_text_puts(out, "\\ncall ");
        put_escaped(out, plan->graph->functions[rule->function].name);
    }
    if (plan->counted)
        orr_text_printf(out, "\\n%" PRIu64 "x", plan->rules[index].firings);
    orr_text_puts(out, "\"];\n");
}

void orr_plan_dot(const struct orr_plan *plan, struct orr_text *out)
{
    static const char *const styles[] = { [ORRI_EDGE_MATCH] = "",
                                          [ORRI_EDGE_GATHER] = " [label=gather]",
                                          [ORRI_EDGE_MAKES] = "",
                                          [ORRI_EDGE_ERROR] =
                                              " [style=dashed, label=error]",
                                          [ORRI_EDGE_CALLS] = " [style=bold]" };
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orri_drawing drawing;
    orri_draw(plan, &arena, &drawing);
    orr_text_puts(out, "digraph \"");
    put_escaped(out, plan->graph->name);
    orr_text_puts(out, "\" {\n  rankdir=TB;\n  node [fontname=\"sans-serif\"];\n");
    for (uint32_t i = 0; i < drawing.n_nodes; i++)
        if (drawing.nodes[i].kind == ORRI_NODE_FACT)
            put_fact(plan, i, drawing.nodes[i].index, out);
        else
            put_rule(plan, i, drawing.nodes[i].index, out);
    for (uint32_t i = 0; i < drawing.n_edges; i++)
        orr_text_printf(out, "  n%" PRIu32 " -> n%" PRIu32 "%s;\n",
                        drawing.edges[i].from, drawing.edges[i].to,
                        styles[drawing.edges[i].kind]);
    orr_text_puts(out, "}\n");
    orr_arena_release(&arena);
}
