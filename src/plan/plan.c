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

/* What the match variables of a rule follow from: all slots that tell, by equalities,
 * which fact a variable stands for; 0: it stands for itself. */
struct ties {
    uint32_t slots[ORR_SLOTS_MAX];
};

/* The slots that an equality of `where` computes field `field` of slot `v` from; 0: no
 * equality does. */
static uint32_t given_by(const struct orr_rule *rule, uint32_t v, uint32_t field)
{
    for (uint32_t i = 0; i < rule->n_where; i++) {
        struct orr_expr *sides[2] = { NULL, NULL };
        uint32_t slot = 0;
        uint32_t at = 0;
        if (!orr_expr_equality(rule->where[i], &sides[0], &sides[1]))
            continue;
        for (int s = 0; s < 2; s++) {
            uint32_t others = orr_expr_slots(sides[1 - s]);
            if (orr_expr_field_of(sides[s], &slot, &at) && slot == v && at == field &&
                others && !(others >> v & 1))
                return others;
        }
    }
    return 0;
}

/* A variable follows from others when equalities give all fields of its key: then there
 * is one such fact at most. */
static void tie(const struct orr_graph *graph, const struct orr_rule *rule,
                struct ties *ties)
{
    for (uint32_t v = 0; v < rule->n_match; v++) {
        const struct orr_fact_type *fact = &graph->facts[rule->match[v].fact];
        uint32_t from = 0;
        for (uint32_t k = 0; k < fact->n_key; k++) {
            uint32_t given = given_by(rule, v, fact->key[k]);
            from = given && (k == 0 || from) ? from | given : 0;
        }
        for (uint32_t u = 0; u < rule->n_match; u++)
            from |= from >> u & 1 ? ties->slots[u] : 0;
        ties->slots[v] = from >> v & 1 ? 0 : from;
    }
}

/* Does a condition hold several of the variables against each other? */
static bool are_compared(const struct orr_rule *rule, uint32_t variables)
{
    for (uint32_t i = 0; i < rule->n_where; i++) {
        uint32_t both = orr_expr_slots(rule->where[i]) & variables;
        if (both & (both - 1))
            return true;
    }
    return false;
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
    struct ties ties = { { 0 } };
    struct orr_text text = ORR_TEXT_INIT;
    uint32_t kept[ORR_SLOTS_MAX];
    uint32_t n = 0;
    uint32_t all = 0;
    tie(plan->graph, rule, &ties);
    for (uint32_t v = 0; v < rule->n_match; v++)
        if (!ties.slots[v] && !is_input(plan->graph, rule->match[v].fact)) {
            kept[n++] = v;
            all |= 1U << v;
        }
    orr_text_puts(&text, n == 0 ? "once" : "once for each ");
    orr_text_puts(&text, are_compared(rule, all) ? "matching " : "");
    for (uint32_t i = 0; i < n; i++) {
        orr_text_puts(&text, i == 0 ? "" : i + 1 < n ? ", " : " and ");
        orr_text_puts(&text, plan->graph->facts[rule->match[kept[i]].fact].name);
    }
    const char *words = orr_arena_strdup(&plan->arena, text.s);
    orr_text_release(&text);
    return words;
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
