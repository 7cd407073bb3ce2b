/* order.c - the rows of facts, firings and tasks
 *
 * An engine numbers things as they come, which depends on who was faster. Here facts
 * are ordered by request and value, firings by request, rule and the facts they
 * matched, tasks by the first firing that asked for them. Owns: the orders. */
#include "record/internal.h"

#include <stdlib.h>
#include <string.h>

typedef int comparison(const void *a, const void *b, void *context);

/* Most often things came in order: then nothing is to be done. */
static void sort(uint32_t *items, uint32_t n, comparison *compare, void *context)
{
    bool sorted = true;
    for (uint32_t i = 1; i < n && sorted; i++)
        sorted = compare(&items[i - 1], &items[i], context) <= 0;
    if (!sorted)
        qsort_r(items, n, sizeof *items, compare, context);
}

static void make_rows(struct orri_order *order)
{
    order->row = orr_alloc((size_t)order->n + 1, sizeof *order->row);
    for (uint32_t i = 0; i < order->n; i++)
        order->row[order->at[i]] = i;
}

static int by_number(uint32_t a, uint32_t b) { return (a > b) - (a < b); }

/* ---- facts ---- */

struct fact_context {
    const struct orr_engine *engine;
    uint32_t type;
    uint32_t n_fields;
};

static struct orr_id scope_identity(const struct fact_context *c, uint32_t fact)
{
    uint32_t task =
        orr_engine_scope_task(c->engine, orr_engine_scope_of(c->engine, c->type, fact));
    return task == ORR_NONE
               ? (struct orr_id) { 0 }
               : orr_engine_task(c->engine, (orr_task_id) { task })->identity;
}

/* Equal facts of two calls of a workflow are told apart by the calls. */
static int compare_facts(const void *left, const void *right, void *context)
{
    const struct fact_context *c = context;
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    int order = by_number(orr_engine_request_of(c->engine, c->type, a),
                          orr_engine_request_of(c->engine, c->type, b));
    for (uint32_t f = 0; !order && f < c->n_fields; f++)
        order = orr_value_compare(orr_engine_fact_field(c->engine, c->type, a, f),
                                  orr_engine_fact_field(c->engine, c->type, b, f));
    if (order)
        return order;
    struct orr_id i = scope_identity(c, a);
    struct orr_id j = scope_identity(c, b);
    if (i.hi != j.hi)
        return i.hi < j.hi ? -1 : 1;
    if (i.lo != j.lo)
        return i.lo < j.lo ? -1 : 1;
    return by_number(a, b);
}

static void order_facts(const struct orr_graph *graph, const struct orr_engine *engine,
                        uint32_t type, struct orri_order *out)
{
    struct fact_context context = { engine, type, graph->facts[type].record->n_fields };
    out->n = orr_engine_facts(engine, type);
    out->at = orr_alloc((size_t)out->n + 1, sizeof *out->at);
    for (uint32_t i = 0; i < out->n; i++)
        out->at[i] = i;
    sort(out->at, out->n, compare_facts, &context);
    make_rows(out);
}

/* ---- firings ---- */

struct firing_context {
    const struct orr_graph *graph;
    const struct orr_engine *engine;
    const struct orri_orders *orders;
};

/* An error handler that retries with other arguments fires again for the same match,
 * later: the numbers ascend. */
static int compare_firings(const void *left, const void *right, void *context)
{
    const struct firing_context *c = context;
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    struct orr_engine_firing f = orr_engine_firing(c->engine, a);
    struct orr_engine_firing g = orr_engine_firing(c->engine, b);
    int order = by_number(f.request, g.request);
    if (!order)
        order = by_number(f.rule, g.rule);
    for (uint32_t i = 0; !order && i < f.n_match; i++) {
        const struct orri_order *facts =
            &c->orders->facts[c->graph->rules[f.rule].match[i].fact];
        order = by_number(facts->row[f.match[i]], facts->row[g.match[i]]);
    }
    return order ? order : by_number(a, b);
}

static void order_firings(const struct orr_graph *graph,
                          const struct orr_engine *engine, struct orri_orders *out)
{
    struct firing_context context = { graph, engine, out };
    size_t cap = 0;
    for (uint32_t id = orr_engine_next_firing(engine, ORR_NONE); id != ORR_NONE;
         id = orr_engine_next_firing(engine, id)) {
        out->firings =
            orr_grow(out->firings, out->n_firings, &cap, sizeof *out->firings);
        out->firings[out->n_firings++] = id;
    }
    sort(out->firings, out->n_firings, compare_firings, &context);
}

/* ---- tasks ---- */

static int compare_unasked(const void *left, const void *right, void *context)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    const struct orr_task *t = orr_engine_task(context, (orr_task_id) { a });
    const struct orr_task *u = orr_engine_task(context, (orr_task_id) { b });
    int order = by_number(t->function, u->function);
    if (!order)
        order = by_number(t->args_length, u->args_length);
    if (!order && t->args_length)
        order = memcmp(t->args, u->args, t->args_length);
    return order ? order : by_number(a, b);
}

static void order_tasks(struct orr_engine *engine, struct orri_orders *out)
{
    struct orri_order *tasks = &out->tasks;
    uint32_t n = orr_engine_tasks(engine);
    tasks->at = orr_alloc((size_t)n + 1, sizeof *tasks->at);
    out->asked = orr_alloc((size_t)n + 1, sizeof *out->asked);
    memset(out->asked, 0xff, (size_t)n * sizeof *out->asked);
    for (uint32_t i = 0; i < out->n_firings; i++) {
        uint32_t task = orr_engine_firing(engine, out->firings[i]).task;
        if (task == ORR_NONE || out->asked[task] != ORR_NONE)
            continue;
        out->asked[task] = i;
        tasks->at[tasks->n++] = task;
    }
    uint32_t asked = tasks->n;
    for (uint32_t t = 0; t < n; t++)
        if (out->asked[t] == ORR_NONE)
            tasks->at[tasks->n++] = t;
    sort(tasks->at + asked, tasks->n - asked, compare_unasked, engine);
    make_rows(tasks);
}

/* ---- all ---- */

void orri_orders_make(const struct orr_graph *graph, struct orr_engine *engine,
                      struct orri_orders *out)
{
    *out = (struct orri_orders) { .n_facts = graph->n_facts };
    out->facts = orr_alloc(graph->n_facts, sizeof *out->facts);
    for (uint32_t t = 0; t < graph->n_facts; t++)
        order_facts(graph, engine, t, &out->facts[t]);
    order_firings(graph, engine, out);
    order_tasks(engine, out);
}

static void release_order(struct orri_order *order)
{
    free(order->at);
    free(order->row);
}

void orri_orders_release(struct orri_orders *orders)
{
    for (uint32_t t = 0; t < orders->n_facts; t++)
        release_order(&orders->facts[t]);
    free(orders->facts);
    release_order(&orders->tasks);
    free(orders->firings);
    free(orders->asked);
    *orders = (struct orri_orders) { 0 };
}
