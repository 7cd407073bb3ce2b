/* explain.c - why an output has no fact: who could make it, and what that waits for
 * Owns: nothing. */
#include "engine/internal.h"

#include <inttypes.h>

static bool makes(const struct orr_rule *rule, uint32_t fact)
{
    for (uint32_t i = 0; i < rule->n_then; i++)
        if (rule->then[i].fact == fact)
            return true;
    return false;
}

/* What a rule that could make a missing fact waits for. */
static void explain_rule(const struct orr_engine *engine, uint32_t rule_index,
                         uint32_t request, struct orr_text *why)
{
    const struct orr_rule *rule = &engine->graph->rules[rule_index];
    orr_text_printf(why, "\n  rule '%s' could make it", rule->name);
    for (uint32_t v = 0; v < rule->n_match; v++)
        if (!orri_has_fact(engine, rule->match[v].fact, request)) {
            orr_text_printf(why, ": there is no fact '%s'",
                            engine->graph->facts[rule->match[v].fact].name);
            return;
        }
    for (size_t i = 0; i < engine->n_instances; i++) {
        const struct orri_instance *instance = &engine->instances[i];
        if (instance->rule == rule_index && instance->request == request &&
            instance->firing == ORR_NONE) {
            uint64_t equal = orri_equal_facts(engine, rule->gather.fact, request);
            orr_text_printf(why, ": it has gathered %zu of %" PRId64 " facts '%s'",
                            instance->n, instance->count,
                            engine->graph->facts[rule->gather.fact].name);
            if (equal)
                orr_text_printf(why,
                                "; %" PRIu64 " equal facts count once: add an index "
                                "(for: i, x in ...)",
                                equal);
            return;
        }
    }
    uint64_t key = (uint64_t)request << 32 | rule_index;
    const uint64_t *handled = orr_map_find(&engine->handled, key);
    if (handled)
        orr_text_printf(why,
                        ": it fired, but %" PRIu64 " of its calls failed, and an "
                        "error handler went on without it",
                        *handled);
    else if (engine->firings[rule_index] && engine->n_requests == 1)
        orr_text_puts(why, ": it fired, but asserted none");
    else
        orr_text_puts(why, ": no facts satisfy its conditions");
}

static void explain_output(const struct orr_engine *engine,
                           const struct orr_output *output, uint32_t request,
                           struct orr_text *why)
{
    orr_text_printf(why, "%soutput '%s' has no fact '%s'", why->length ? "\n" : "",
                    output->name, engine->graph->facts[output->fact].name);
    for (uint32_t r = 0; r < engine->graph->n_rules; r++)
        if (makes(&engine->graph->rules[r], output->fact))
            explain_rule(engine, r, request, why);
}

void orri_explain_outputs(const struct orr_engine *engine,
                          const struct orr_output *outputs, uint32_t n,
                          uint32_t request, struct orr_text *why)
{
    for (uint32_t i = 0; i < n; i++)
        if (!orri_has_fact(engine, outputs[i].fact, request))
            explain_output(engine, &outputs[i], request, why);
}
