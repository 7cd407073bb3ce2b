/* plan.c - stages, repeats, counts and the longest way through a graph
 * Owns: the plan. Hands on: printing. */
#include "plan/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- stages: when facts can come ---- */

static uint32_t later(uint32_t have, const struct orr_plan_fact *fact)
{
    if (have == ORR_NONE || fact->stage == ORR_NONE)
        return ORR_NONE;
    return fact->stage > have ? fact->stage : have;
}

/* The stage after which all that the rule takes can be there; ORR_NONE: not yet. */
static uint32_t ready_after(const struct orr_plan *plan, const struct orr_rule *rule)
{
    uint32_t stage = 0;
    for (uint32_t i = 0; i < rule->n_match; i++)
        stage = later(stage, &plan->facts[rule->match[i].fact]);
    if (rule->gather.name)
        stage = later(stage, &plan->facts[rule->gather.fact]);
    return stage;
}

static void mark_fact(struct orr_plan *plan, uint32_t fact, uint32_t stage)
{
    if (plan->facts[fact].stage == ORR_NONE)
        plan->facts[fact].stage = stage;
}

bool orri_calls_workflow(const struct orr_graph *graph, const struct orr_rule *rule)
{
    return rule->function != ORR_NONE &&
           graph->functions[rule->function].module != ORR_NONE;
}

/* Its facts come after those of the workflow that it calls. */
static bool mark_made(struct orr_plan *plan, const struct orr_rule *rule,
                      uint32_t stage)
{
    const struct orr_graph *g = plan->graph;
    uint32_t made = stage;
    if (orri_calls_workflow(g, rule)) {
        const struct orr_module *module =
            &g->modules[g->functions[rule->function].module];
        mark_fact(plan, module->job, stage);
        for (uint32_t i = 0; i < module->n_outputs; i++)
            made = later(made, &plan->facts[module->outputs[i].fact]);
    }
    if (made == ORR_NONE)
        return false;
    for (uint32_t i = 0; i < rule->n_then; i++)
        mark_fact(plan, rule->then[i].fact, made);
    for (uint32_t i = 0; i < rule->n_handlers; i++)
        if (rule->handlers[i].kind == ORR_HANDLER_ASSERT)
            mark_fact(plan, rule->handlers[i].assertion.fact, made);
    return true;
}

static void find_stages(struct orr_plan *plan)
{
    const struct orr_graph *g = plan->graph;
    bool *made = orr_alloc(g->n_rules, sizeof *made);
    for (uint32_t i = 1; i < g->n_facts; i++)
        plan->facts[i].stage = ORR_NONE;
    for (bool more = true; more;) {
        uint32_t stage = plan->n_stages + 1;
        more = false;
        for (uint32_t i = 0; i < g->n_rules; i++)
            if (!plan->rules[i].stage &&
                ready_after(plan, &g->rules[i]) <= plan->n_stages) {
                plan->rules[i].stage = stage;
                more = true;
            }
        plan->n_stages += more;
        for (uint32_t i = 0; i < g->n_rules; i++)
            if (plan->rules[i].stage && !made[i])
                more |= made[i] = mark_made(plan, &g->rules[i], plan->n_stages);
    }
    free(made);
}

/* ---- what a rule fires for ---- */

/* Variables that an equality ties together: the later one follows from the first. */
static void tie(const struct orr_rule *rule, bool *follows)
{
    for (uint32_t i = 0; i < rule->n_where; i++) {
        struct orr_expr *left = NULL;
        struct orr_expr *right = NULL;
        if (!orr_expr_equality(rule->where[i], &left, &right))
            continue;
        uint32_t slots = orr_expr_slots(rule->where[i]);
        bool first = true;
        for (uint32_t v = 0; v < rule->n_match; v++) {
            if (!(slots >> v & 1) || rule->match[v].fact == 0)
                continue;
            follows[v] = follows[v] || !first;
            first = false;
        }
    }
}

static bool is_input(const struct orr_graph *graph, uint32_t fact)
{
    for (uint32_t i = 0; i < graph->n_modules; i++)
        if (graph->modules[i].job == fact)
            return true;
    return fact == 0;
}

static const char *repeats(struct orr_plan *plan, const struct orr_rule *rule)
{
    bool follows[ORR_SLOTS_MAX] = { false };
    struct orr_text text = ORR_TEXT_INIT;
    tie(rule, follows);
    for (uint32_t v = 0; v < rule->n_match; v++) {
        if (follows[v] || is_input(plan->graph, rule->match[v].fact))
            continue;
        orr_text_puts(&text, text.length ? " and " : "once for each ");
        orr_text_puts(&text, plan->graph->facts[rule->match[v].fact].name);
    }
    const char *kept = orr_arena_strdup(&plan->arena, text.s ? text.s : "once");
    orr_text_release(&text);
    return kept;
}

/* ---- the longest chain of calls, from the graph alone ---- */

static bool asserts(const struct orr_rule *rule, uint32_t fact)
{
    for (uint32_t i = 0; i < rule->n_then; i++)
        if (rule->then[i].fact == fact)
            return true;
    return false;
}

static bool takes(const struct orr_rule *rule, uint32_t fact)
{
    for (uint32_t i = 0; i < rule->n_match; i++)
        if (rule->match[i].fact == fact)
            return true;
    return rule->gather.name && rule->gather.fact == fact;
}

static bool feeds(const struct orr_graph *graph, const struct orr_rule *from,
                  const struct orr_rule *to)
{
    for (uint32_t f = 1; f < graph->n_facts; f++)
        if (takes(to, f) && asserts(from, f))
            return true;
    return orri_calls_workflow(graph, from) &&
           takes(to, graph->modules[graph->functions[from->function].module].job);
}

static bool is_call(const struct orr_graph *graph, const struct orr_rule *rule)
{
    return rule->function != ORR_NONE && !orri_calls_workflow(graph, rule);
}

struct chain {
    uint32_t *before; /* per rule: the one before it on its longest chain */
    uint32_t *calls;
};

static void extend(const struct orr_plan *plan, struct chain *chain, uint32_t to)
{
    const struct orr_graph *g = plan->graph;
    uint32_t most = 0;
    chain->before[to] = ORR_NONE;
    for (uint32_t from = 0; from < g->n_rules; from++) {
        if (plan->rules[from].stage == 0 ||
            plan->rules[from].stage >= plan->rules[to].stage ||
            !feeds(g, &g->rules[from], &g->rules[to]) || chain->calls[from] < most)
            continue;
        if (chain->calls[from] == most && chain->before[to] != ORR_NONE)
            continue;
        most = chain->calls[from];
        chain->before[to] = from;
    }
    chain->calls[to] = most + is_call(g, &g->rules[to]);
}

static void keep_chain(struct orr_plan *plan, const struct chain *chain, uint32_t last)
{
    uint32_t n = chain->calls[last];
    plan->path = orr_arena_alloc(&plan->arena, (n + 1) * sizeof *plan->path);
    plan->n_path = n;
    for (uint32_t rule = last; rule != ORR_NONE; rule = chain->before[rule])
        if (is_call(plan->graph, &plan->graph->rules[rule]))
            plan->path[--n] = (struct orr_plan_hop) { rule, NAN };
}

static void find_longest_chain(struct orr_plan *plan)
{
    const struct orr_graph *g = plan->graph;
    struct chain chain = { orr_alloc(g->n_rules, sizeof *chain.before),
                           orr_alloc(g->n_rules, sizeof *chain.calls) };
    uint32_t last = ORR_NONE;
    for (uint32_t stage = 1; stage <= plan->n_stages; stage++)
        for (uint32_t i = 0; i < g->n_rules; i++)
            if (plan->rules[i].stage == stage)
                extend(plan, &chain, i);
    for (uint32_t i = 0; i < g->n_rules; i++)
        if (plan->rules[i].stage &&
            (last == ORR_NONE || chain.calls[i] > chain.calls[last] ||
             (chain.calls[i] == chain.calls[last] &&
              plan->rules[i].stage > plan->rules[last].stage)))
            last = i;
    if (last != ORR_NONE)
        keep_chain(plan, &chain, last);
    free(chain.before);
    free(chain.calls);
}

/* ---- the whole ---- */

struct orr_plan *orr_plan_new(const struct orr_graph *graph,
                              const struct orr_engine *engine,
                              const struct orr_plan_costs *costs)
{
    struct orr_plan *plan = orr_alloc(1, sizeof *plan);
    plan->graph = graph;
    plan->path_seconds = plan->core_seconds = NAN;
    plan->rules =
        orr_arena_alloc(&plan->arena, (graph->n_rules + 1) * sizeof *plan->rules);
    plan->facts = orr_arena_alloc(&plan->arena, graph->n_facts * sizeof *plan->facts);
    plan->functions = orr_arena_alloc(&plan->arena, (graph->n_functions + 1) *
                                                        sizeof *plan->functions);
    find_stages(plan);
    for (uint32_t i = 0; i < graph->n_rules; i++)
        plan->rules[i].repeats = repeats(plan, &graph->rules[i]);
    if (engine)
        orri_count(plan, engine, costs);
    else
        find_longest_chain(plan);
    return plan;
}

void orr_plan_free(struct orr_plan *plan)
{
    if (!plan)
        return;
    orr_arena_release(&plan->arena);
    free(plan);
}
