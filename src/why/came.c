/* came.c - how a fact came to be: who made it, of what, back to the inputs
 * Owns: which facts were told already. Hands on: what is missing (missing.c). */
#include "why/internal.h"

#include <inttypes.h>
#include <string.h>

static bool told_before(struct orr_why *why, uint32_t type, uint32_t index)
{
    bool fresh = false;
    (void)orr_map_insert(&why->told, (uint64_t)type << 32 | index, &fresh);
    return !fresh;
}

/* ---- tasks ---- */

static void tell_state(struct orr_why *why, uint32_t task, struct orr_text *out)
{
    const struct orr_engine *engine = why->setup.engine;
    const struct orr_failure *failure =
        orr_engine_task_failure(engine, (orr_task_id) { task });
    switch (orr_engine_task_state(engine, (orr_task_id) { task })) {
    case ORR_TASK_DONE: orr_text_puts(out, ": done"); break;
    case ORR_TASK_FAILED:
        orr_text_printf(out, ": failed: %s: %s",
                        failure ? orr_fail_kind_text[failure->kind] : "unknown",
                        failure && failure->message ? failure->message : "");
        break;
    default:
        orr_text_puts(out, orr_engine_task_wanted(engine, (orr_task_id) { task })
                               ? ": not finished"
                               : ": not finished, and nobody waits for it any more");
    }
}

struct orr_why_node *orri_tell_task(struct orr_why *why, struct orr_why_node *parent,
                                    const char *before, uint32_t task)
{
    struct orr_text text = ORR_TEXT_INIT;
    char hex[ORR_ID_TEXT];
    const struct orr_task *t =
        orr_engine_task(why->setup.engine, (orr_task_id) { task });
    const char *line = NULL;
    orr_id_text(t->identity, hex);
    orr_why_print_task(why, task, &text);
    orr_text_printf(&text, " [%.8s]", hex);
    tell_state(why, task, &text);
    struct orr_why_node *node =
        orri_why_add(why, parent, ORR_WHY_TASK, "%s%s", before, text.s);
    node->id = t->identity;
    node->has_id = true;
    orr_text_release(&text);
    for (uint32_t i = 0;
         why->setup.attempt &&
         (line = why->setup.attempt(why->setup.context, task, i, &why->arena));
         i++)
        (void)orri_why_add(why, node, ORR_WHY_ATTEMPT, "%s", line);
    return node;
}

/* The scope that answers the task, or ORR_NONE. */
static uint32_t scope_of_task(const struct orr_why *why, uint32_t task,
                              const struct orr_module *module)
{
    const struct orr_engine *engine = why->setup.engine;
    uint32_t found = ORR_NONE;
    for (uint32_t i = 0; i < orr_engine_facts(engine, module->job); i++) {
        uint32_t scope = orr_engine_scope_of(engine, module->job, i);
        if (orr_engine_scope_task(engine, scope) == task)
            found = scope; /* the newest: a call that is tried again is opened again */
    }
    return found;
}

static void tell_output(struct orr_why *why, struct orr_why_node *node, uint32_t type,
                        uint32_t scope, uint32_t depth)
{
    const struct orr_engine *engine = why->setup.engine;
    uint32_t n = 0;
    for (uint32_t i = 0; i < orr_engine_facts(engine, type); i++)
        if (orr_engine_scope_of(engine, type, i) == scope && n++ < why->setup.limit)
            orri_tell_fact(why, node, "", type, i, depth);
    if (n > why->setup.limit)
        (void)orri_why_add(why, node, ORR_WHY_NOTE, "and %" PRIu32 " more",
                           n - why->setup.limit);
    if (n == 0)
        orri_tell_missing(why, node,
                          &(struct orri_ask) { .type = type, .scope = scope }, depth);
}

void orri_tell_call(struct orr_why *why, struct orr_why_node *node, uint32_t task,
                    uint32_t depth)
{
    const struct orr_graph *graph = why->setup.graph;
    const struct orr_task *t =
        orr_engine_task(why->setup.engine, (orr_task_id) { task });
    uint32_t m = graph->functions[t->function].module;
    if (m == ORR_NONE || depth == 0)
        return;
    uint32_t scope = scope_of_task(why, task, &graph->modules[m]);
    for (uint32_t i = 0; scope != ORR_NONE && i < graph->modules[m].n_outputs; i++)
        tell_output(why, node, graph->modules[m].outputs[i].fact, scope, depth - 1);
}

/* ---- facts ---- */

static void tell_gathered(struct orr_why *why, struct orr_why_node *node,
                          const struct orr_engine_firing *firing, uint32_t depth)
{
    struct orr_engine_gather gather =
        orr_engine_gather(why->setup.engine, firing->gather);
    const struct orr_rule *rule = &why->setup.graph->rules[firing->rule];
    struct orr_why_node *all = orri_why_add(
        why, node, ORR_WHY_NOTE, "gathered %s: %" PRIu64 " facts '%s'",
        rule->gather.name, gather.n, why->setup.graph->facts[rule->gather.fact].name);
    for (uint64_t i = 0; i < gather.n && i < why->setup.limit; i++)
        orri_tell_fact(why, all, "", rule->gather.fact, gather.members[i], depth);
    if (gather.n > why->setup.limit)
        (void)orri_why_add(why, all, ORR_WHY_NOTE, "and %" PRIu64 " more",
                           gather.n - why->setup.limit);
}

static void tell_origin(struct orr_why *why, struct orr_why_node *node, uint32_t number,
                        bool inputs, uint32_t depth)
{
    const struct orr_engine *engine = why->setup.engine;
    struct orr_engine_firing firing = orr_engine_firing(engine, number);
    const struct orr_rule *rule = &why->setup.graph->rules[firing.rule];
    struct orr_why_node *by = orri_rule_node(
        why, node, firing.rule, inputs ? "the arguments of a call by " : "made by ");
    if (firing.handled)
        (void)orri_why_add(why, by, ORR_WHY_NOTE,
                           "an error handler of the rule asserted it");
    if (firing.task != ORR_NONE) {
        struct orr_why_node *task = orri_tell_task(why, by, "called ", firing.task);
        if (!inputs)
            orri_tell_call(why, task, firing.task, depth);
    }
    for (uint32_t v = 0; v < firing.n_match; v++) {
        const char *before =
            orr_arena_printf(&why->arena, "matched %s = ", rule->match[v].name);
        orri_tell_fact(why, by, before, rule->match[v].fact, firing.match[v], depth);
    }
    if (firing.gather != ORR_NONE)
        tell_gathered(why, by, &firing, depth);
}

static bool is_inputs(const struct orr_graph *graph, uint32_t type)
{
    for (uint32_t m = 0; m < graph->n_modules; m++)
        if (graph->modules[m].job == type)
            return true;
    return false;
}

void orri_tell_fact(struct orr_why *why, struct orr_why_node *parent,
                    const char *before, uint32_t type, uint32_t index, uint32_t depth)
{
    const struct orr_engine *engine = why->setup.engine;
    uint32_t firing = orr_engine_firing_of(engine, type, index);
    bool again = told_before(why, type, index);
    struct orr_why_node *node = orri_why_add(
        why, parent, ORR_WHY_FACT, "%s%s%s", before, orri_fact_text(why, type, index),
        again && firing != ORR_NONE ? " (told above)" : "");
    if (again)
        return;
    if (firing == ORR_NONE)
        (void)orri_why_add(why, node, ORR_WHY_NOTE, "given: the inputs of the request");
    else if (depth == 0)
        (void)orri_why_add(why, node, ORR_WHY_NOTE, "(deeper: --depth)");
    else
        tell_origin(why, node, firing, is_inputs(why->setup.graph, type), depth - 1);
}
