/* count.c - what a dry run counted, and its longest way through
 *
 * A firing can begin when the facts that it matched are there; its facts are there when
 * its task has ended. With a cost for each task this gives the end of every firing if
 * there were cores for all, and from the last one back the critical path (Kelley and
 * Walker, Critical-Path Planning and Scheduling, 1959). Owns nothing that it keeps. */
#include "plan/internal.h"

#include <math.h>
#include <stdlib.h>

struct counter {
    struct orr_plan *plan;
    const struct orr_engine *engine;
    const struct orr_plan_costs *costs;
    double *cost;     /* per task; NaN: not known */
    bool timed;       /* some are known; else every call counts as one */
    double *end;      /* per firing number, found so far; */
    uint32_t *before; /* and the firing that it waited for last */
    double *task_end; /* per task */
    uint32_t *last;   /* per task that is a workflow: its last firing inside */
    uint32_t *first;  /* per task: the firing that starts it */
    size_t cap;
};

/* ---- counts ---- */

static void count_tasks(struct counter *c)
{
    struct orr_plan *plan = c->plan;
    const struct orr_graph *g = plan->graph;
    double sum = 0;
    for (uint32_t t = 0; t < orr_engine_tasks(c->engine); t++) {
        uint32_t function = orr_engine_task(c->engine, (orr_task_id) { t })->function;
        struct orr_plan_function *f = &plan->functions[function];
        bool workflow = g->functions[function].module != ORR_NONE;
        c->cost[t] = workflow ? 0 : c->costs->seconds(c->costs->context, t);
        f->core_seconds = (f->tasks ? f->core_seconds : 0) +
                          c->cost[t] * g->functions[function].cores;
        f->tasks++;
        if (workflow)
            continue;
        c->timed = c->timed || !isnan(c->cost[t]);
        plan->tasks++;
        sum += c->cost[t] * g->functions[function].cores;
    }
    plan->core_seconds = sum;
}

static void count_all(struct counter *c)
{
    struct orr_plan *plan = c->plan;
    for (uint32_t i = 0; i < plan->graph->n_functions; i++)
        plan->functions[i].core_seconds = NAN;
    for (uint32_t i = 0; i < plan->graph->n_rules; i++)
        plan->rules[i].firings = orr_engine_firings(c->engine, i);
    for (uint32_t i = 0; i < plan->graph->n_facts; i++)
        plan->facts[i].n = orr_engine_facts(c->engine, i);
    count_tasks(c);
}

/* ---- the longest way ---- */

struct wait {
    double until;
    uint32_t firing;
};

/* Are these the inputs of a workflow that was called? They are there when it begins. */
static bool is_inside(const struct counter *c, uint32_t type)
{
    for (uint32_t i = 0; i < c->plan->graph->n_modules; i++)
        if (c->plan->graph->modules[i].job == type)
            return true;
    return false;
}

static void wait_for(const struct counter *c, uint32_t type, uint32_t fact,
                     struct wait *wait)
{
    uint32_t firing = orr_engine_firing_of(c->engine, type, fact);
    if (firing == ORR_NONE || firing >= c->cap)
        return;
    double end = c->end[firing];
    uint32_t task = orr_engine_firing(c->engine, firing).task;
    /* The facts of a call of a workflow are there when all inside has ended. */
    if (task != ORR_NONE && c->last[task] != ORR_NONE && !is_inside(c, type)) {
        end = c->task_end[task];
        firing = c->last[task];
    }
    if (wait->firing != ORR_NONE && end <= wait->until)
        return;
    wait->until = end;
    wait->firing = firing;
}

/* When everything that the firing matched is there. */
static struct wait start_of(const struct counter *c, const struct orr_engine_firing *f)
{
    const struct orr_rule *rule = &c->plan->graph->rules[f->rule];
    struct wait wait = { 0, ORR_NONE };
    for (uint32_t v = 0; v < f->n_match; v++)
        wait_for(c, rule->match[v].fact, f->match[v], &wait);
    if (f->gather == ORR_NONE)
        return wait;
    struct orr_engine_gather gather = orr_engine_gather(c->engine, f->gather);
    for (uint64_t i = 0; i < gather.n; i++)
        wait_for(c, rule->gather.fact, gather.members[i], &wait);
    return wait;
}

static void grow(struct counter *c, uint32_t number)
{
    size_t cap = c->cap ? c->cap : 64;
    while (cap <= number)
        cap *= 2;
    if (cap == c->cap)
        return;
    c->end = orr_realloc(c->end, cap, sizeof *c->end);
    c->before = orr_realloc(c->before, cap, sizeof *c->before);
    c->cap = cap;
}

/* The calls of workflows that a firing is part of end with it or later. */
static void extend_calls(struct counter *c, uint32_t firing)
{
    struct orr_engine_firing f = orr_engine_firing(c->engine, firing);
    uint32_t task = orr_engine_scope_task(c->engine, f.scope);
    while (task != ORR_NONE) {
        if (c->last[task] == ORR_NONE || c->end[firing] > c->task_end[task]) {
            c->task_end[task] = c->end[firing];
            c->last[task] = firing;
        }
        if (c->first[task] == ORR_NONE)
            return;
        f = orr_engine_firing(c->engine, c->first[task]);
        task = orr_engine_scope_task(c->engine, f.scope);
    }
}

static double length_of(const struct counter *c, uint32_t task)
{
    if (isnan(c->cost[task]))
        return c->timed ? 0 : 1;
    return c->cost[task];
}

/* A task begins for the first who asks for it, and ends for all. */
static void end_task(struct counter *c, uint32_t firing, uint32_t task)
{
    double end = c->end[firing] + length_of(c, task);
    bool first = c->first[task] == ORR_NONE;
    if (first)
        c->first[task] = firing;
    if (first || (c->last[task] == ORR_NONE && end < c->task_end[task]))
        c->task_end[task] = end;
    c->end[firing] = c->task_end[task];
}

/* Numbers ascend in the order of firing: what a firing waits for has a lower one. */
static uint32_t find_ends(struct counter *c)
{
    uint32_t last = ORR_NONE;
    for (uint32_t n = orr_engine_next_firing(c->engine, ORR_NONE); n != ORR_NONE;
         n = orr_engine_next_firing(c->engine, n)) {
        struct orr_engine_firing f = orr_engine_firing(c->engine, n);
        struct wait wait = start_of(c, &f);
        grow(c, n);
        c->end[n] = wait.until;
        c->before[n] = wait.firing;
        if (f.task != ORR_NONE)
            end_task(c, n, f.task);
        extend_calls(c, n);
        if (last == ORR_NONE || c->end[n] > c->end[last])
            last = n;
    }
    return last;
}

static bool is_hop(const struct counter *c, uint32_t firing)
{
    struct orr_engine_firing f = orr_engine_firing(c->engine, firing);
    const struct orr_graph *g = c->plan->graph;
    return f.task != ORR_NONE && !orri_calls_workflow(g, &g->rules[f.rule]);
}

static void keep_path(struct counter *c, uint32_t last)
{
    struct orr_plan *plan = c->plan;
    uint32_t n = 0;
    for (uint32_t f = last; f != ORR_NONE; f = c->before[f])
        n += is_hop(c, f);
    plan->n_path = n;
    plan->path = orr_arena_alloc(&plan->arena, (n + 1) * sizeof *plan->path);
    plan->path_seconds = 0;
    for (uint32_t f = last; f != ORR_NONE; f = c->before[f]) {
        if (!is_hop(c, f))
            continue;
        struct orr_engine_firing firing = orr_engine_firing(c->engine, f);
        plan->path[--n] = (struct orr_plan_hop) { firing.rule, c->cost[firing.task] };
        plan->path_seconds += c->cost[firing.task];
    }
}

void orri_count(struct orr_plan *plan, const struct orr_engine *engine,
                const struct orr_plan_costs *costs)
{
    uint32_t n = orr_engine_tasks(engine);
    struct counter c = { .plan = plan, .engine = engine, .costs = costs };
    c.cost = orr_alloc(n, sizeof *c.cost);
    c.task_end = orr_alloc(n, sizeof *c.task_end);
    c.first = orr_alloc(n, sizeof *c.first);
    c.last = orr_alloc(n, sizeof *c.last);
    for (uint32_t i = 0; i < n; i++)
        c.first[i] = c.last[i] = ORR_NONE;
    plan->counted = true;
    plan->open = costs->open;
    plan->requests = orr_engine_requests(engine);
    count_all(&c);
    uint32_t last = find_ends(&c);
    if (last != ORR_NONE)
        keep_path(&c, last);
    free(c.cost);
    free(c.end);
    free(c.before);
    free(c.task_end);
    free(c.first);
    free(c.last);
}
