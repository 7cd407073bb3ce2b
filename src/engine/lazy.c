/* lazy.c - ranges: a `for` with many items becomes facts as its calls are taken
 *
 * A range is kept with the slots of its rule. Its facts lead, through rules that need
 * no result, to calls in some pools, which is known from the graph: its class. A range
 * goes on while one of these pools has less than a window of calls out. Among those
 * that may, the one whose calls are most urgent, as the scheduler orders them
 * (deadline, priority, age of the request); the ranges of one request take turns,
 * because two of them may be the two sides of a join. So rank 0 holds a window of calls
 * a pool, no pool waits for another, and an urgent request does not wait for the ranges
 * of those before it. Owns: ranges, groups, classes. */
#include "engine/internal.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256, SAMPLE = 64 };

/* ---- what facts lead to, once ---- */

struct reach {
    struct orr_engine *engine;
    bool *facts; /* reached */
    bool *pools; /* reached */
    uint32_t *todo;
    uint32_t n_todo;
};

static void reach_fact(struct reach *r, uint32_t fact)
{
    if (r->facts[fact])
        return;
    r->facts[fact] = true;
    r->todo[r->n_todo++] = fact;
}

static void reach_rule(struct reach *r, uint32_t index)
{
    const struct orr_graph *graph = r->engine->graph;
    const struct orr_rule *rule = &graph->rules[index];
    if (rule->function == ORR_NONE)
        for (uint32_t i = 0; i < rule->n_then; i++)
            reach_fact(r, rule->then[i].fact);
    else if (orri_is_workflow(r->engine, rule->function))
        reach_fact(r, graph->modules[graph->functions[rule->function].module].job);
    else
        r->pools[graph->functions[rule->function].pool] = true;
}

static void reach_from(struct reach *r, uint32_t type)
{
    memset(r->facts, 0, r->engine->graph->n_facts * sizeof *r->facts);
    memset(r->pools, 0, r->engine->graph->n_pools * sizeof *r->pools);
    reach_fact(r, type);
    while (r->n_todo) {
        const struct orri_table *table = &r->engine->tables[r->todo[--r->n_todo]];
        for (uint32_t i = 0; i < table->n_plans; i++)
            reach_rule(r, table->plans[i].rule);
        for (uint32_t i = 0; i < table->n_gathers; i++)
            reach_rule(r, table->gathers[i]);
    }
}

/* The class with exactly these pools, made when there is none. */
static uint32_t class_of(struct orr_engine *engine, const bool *pools)
{
    struct orri_lazy *lazy = &engine->lazy;
    struct orri_class class = { 0 };
    uint32_t n = engine->graph->n_pools;
    class.pools = orr_arena_alloc(&engine->arena, n * sizeof *class.pools);
    for (uint32_t p = 0; p < n; p++)
        if (pools[p])
            class.pools[class.n_pools++] = p;
    for (uint32_t i = 0; i < lazy->n_classes; i++)
        if (lazy->classes[i].n_pools == class.n_pools &&
            memcmp(lazy->classes[i].pools, class.pools,
                   class.n_pools * sizeof *class.pools) == 0)
            return i;
    lazy->classes =
        orr_realloc(lazy->classes, lazy->n_classes + 1, sizeof *lazy->classes);
    lazy->classes[lazy->n_classes] = class;
    return lazy->n_classes++;
}

/* Types that `for` asserts; for the others nobody asks. */
static void mark_looped(const struct orr_graph *graph, bool *looped)
{
    for (uint32_t r = 0; r < graph->n_rules; r++) {
        const struct orr_rule *rule = &graph->rules[r];
        for (uint32_t i = 0; i < rule->n_then; i++)
            if (rule->then[i].loop_slot != ORR_NONE)
                looped[rule->then[i].fact] = true;
        for (uint32_t i = 0; i < rule->n_handlers; i++)
            if (rule->handlers[i].kind == ORR_HANDLER_ASSERT)
                looped[rule->handlers[i].assertion.fact] = true;
    }
}

void orri_plan_ranges(struct orr_engine *engine)
{
    const struct orr_graph *graph = engine->graph;
    struct reach r = { .engine = engine };
    bool *looped = orr_alloc(graph->n_facts, sizeof *looped);
    r.facts = orr_alloc(graph->n_facts, sizeof *r.facts);
    r.pools = orr_alloc(graph->n_pools, sizeof *r.pools);
    r.todo = orr_alloc(graph->n_facts, sizeof *r.todo);
    mark_looped(graph, looped);
    for (uint32_t t = 0; t < graph->n_facts; t++) {
        if (!looped[t])
            continue;
        reach_from(&r, t);
        engine->tables[t].class = class_of(engine, r.pools);
    }
    engine->lazy.window = ORR_ENGINE_WINDOW;
    engine->lazy.out = orr_alloc(graph->n_pools, sizeof *engine->lazy.out);
    engine->lazy.last_fresh = &engine->lazy.fresh;
    free(looped);
    free(r.facts);
    free(r.pools);
    free(r.todo);
}

/* ---- groups, the most urgent first ---- */

static bool before(const struct orri_group *a, const struct orri_group *b)
{
    if (a->deadline != b->deadline)
        return a->deadline < b->deadline;
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return a->request < b->request;
}

static void sift_down(struct orri_class *class)
{
    struct orri_group *group = class->heap[0];
    size_t at = 0;
    for (size_t child = 1; child < class->n; child = 2 * at + 1) {
        if (child + 1 < class->n && before(class->heap[child + 1], class->heap[child]))
            child++;
        if (!before(class->heap[child], group))
            break;
        class->heap[at] = class->heap[child];
        at = child;
    }
    class->heap[at] = group;
}

static void push(struct orri_class *class, struct orri_group *group)
{
    class->heap = orr_grow(class->heap, class->n, &class->cap, sizeof *class->heap);
    size_t at = class->n++;
    for (; at && before(group, class->heap[(at - 1) / 2]); at = (at - 1) / 2)
        class->heap[at] = class->heap[(at - 1) / 2];
    class->heap[at] = group;
    group->queued = true;
}

static struct orri_group *pop(struct orri_class *class)
{
    struct orri_group *first = class->heap[0];
    class->heap[0] = class->heap[--class->n];
    if (class->n)
        sift_down(class);
    first->queued = false;
    return first;
}

/* Put a group that is out of the heap back, unless it is at its end. What came of it
 * while it was out is its key now. */
static void put_back(struct orr_engine *engine, struct orri_group *group)
{
    if (!group->last || group->queued)
        return;
    group->deadline = group->led ? group->led_deadline : INT64_MAX;
    group->priority = group->led ? group->led_priority : 0;
    push(&engine->lazy.classes[group->class], group);
}

static struct orri_group *group_of(struct orr_engine *engine, uint32_t request,
                                   uint32_t class)
{
    struct orri_group **first = &engine->requests[request].groups;
    for (struct orri_group *group = *first; group; group = group->next)
        if (group->class == class)
            return group;
    struct orri_group *group = orr_arena_alloc(&engine->arena, sizeof *group);
    *group = (struct orri_group) {
        .next = *first,
        .request = request,
        .class = class,
        .deadline = INT64_MAX,
        .led_function = ORR_NONE,
    };
    *first = group;
    return group;
}

/* ---- ranges ---- */

void orri_lazy_keep(struct orr_engine *engine, uint32_t firing,
                    const struct orr_assertion *assertion,
                    const struct orr_sequence *items)
{
    const struct orri_firing *entry = orri_firing_at(engine, firing);
    const struct orr_rule *rule = &engine->graph->rules[entry->rule];
    struct orri_range *range =
        orr_alloc(1, sizeof *range + rule->n_slots * sizeof *range->slots);
    range->firing = firing;
    range->assertion = assertion;
    range->items = *items;
    if (items->list)
        range->items.list =
            orr_value_copy(orr_value_of_list(items->list), &engine->arena).as.list;
    memcpy(range->slots, engine->slots, rule->n_slots * sizeof *range->slots);
    /* Facts and results are bound again; these are made for the moment. */
    if (rule->gather.name)
        range->slots[rule->gather.slot] =
            orr_value_copy(range->slots[rule->gather.slot], &engine->arena);
    if (rule->error_slot != ORR_NONE)
        range->slots[rule->error_slot] =
            orr_value_copy(range->slots[rule->error_slot], &engine->arena);
    orri_request_waits(engine, entry->request, items->n);
    *engine->lazy.last_fresh = range;
    engine->lazy.last_fresh = &range->next;
}

/* As they were when the range was kept. */
static void bind_range(struct orr_engine *engine, const struct orri_range *range)
{
    struct orri_firing *entry = orri_firing_at(engine, range->firing);
    const struct orr_rule *rule = &engine->graph->rules[entry->rule];
    memcpy(engine->slots, range->slots, rule->n_slots * sizeof *range->slots);
    orri_bind(engine, entry->rule, entry->words);
    if (rule->result_slot == ORR_NONE)
        return;
    orr_task_id task = { orri_firing_wait(engine, entry)->task };
    if (orr_engine_task_state(engine, task) == ORR_TASK_DONE) /* else nobody looks */
        orri_bind_results(engine, rule->result_slot, task);
}

/* Facts of the next `n` items, at most; true when the range is at its end. */
static bool make(struct orr_engine *engine, struct orri_range *range, uint64_t n)
{
    const struct orri_firing *entry = orri_firing_at(engine, range->firing);
    const struct orr_rule *rule = &engine->graph->rules[entry->rule];
    uint32_t request = entry->request;
    struct orr_error err;
    orr_status status = ORR_OK;
    uint64_t left = range->items.n - range->at;
    uint64_t end = range->at + (left < n ? left : n);
    if (orri_request_failed(engine, request)) /* its waiting was written off */
        return true;
    bind_range(engine, range);
    orri_request_waits_less(engine, request, end - range->at);
    engine->work.made += end - range->at;
    for (; range->at < end && status == ORR_OK; range->at++) {
        orri_bind_item(engine, range->assertion, &range->items, range->at);
        status = orri_assert_one(engine, range->firing, range->assertion, &err);
        orr_arena_reset(&engine->firing);
    }
    if (status != ORR_OK)
        orri_request_fail_at(engine, request, &err, rule->name);
    return range->at == range->items.n || orri_request_failed(engine, request);
}

/* Last of its group's ring. */
static void attach(struct orri_group *group, struct orri_range *range)
{
    range->next = range;
    if (group->last) {
        range->next = group->last->next;
        group->last->next = range;
    }
    group->last = range;
}

bool orri_lazy_sample(struct orr_engine *engine)
{
    struct orri_lazy *lazy = &engine->lazy;
    if (lazy->sampled) { /* the calls that its first facts led to are known now */
        put_back(engine, lazy->sampled);
        lazy->sampled = NULL;
        lazy->advancing = NULL;
    }
    struct orri_range *range = lazy->fresh;
    if (!range)
        return false;
    lazy->fresh = range->next;
    if (!lazy->fresh)
        lazy->last_fresh = &lazy->fresh;
    struct orri_group *group =
        group_of(engine, orri_firing_at(engine, range->firing)->request,
                 engine->tables[range->assertion->fact].class);
    lazy->advancing = group;
    if (group != lazy->out_of_heap)
        lazy->sampled = group;
    if (make(engine, range, SAMPLE))
        free(range);
    else
        attach(group, range);
    return true;
}

/* Facts of the range whose turn it is. */
static void make_next(struct orr_engine *engine, struct orri_group *group)
{
    struct orri_range *range = group->last->next;
    if (!make(engine, range, CHUNK)) {
        group->last = range;
        return;
    }
    group->last->next = range->next;
    if (range == group->last)
        group->last = NULL;
    free(range);
}

static void advance(struct orr_engine *engine, struct orri_class *class)
{
    struct orri_lazy *lazy = &engine->lazy;
    struct orri_group *group = pop(class);
    group->led = false;
    lazy->out_of_heap = group;
    lazy->advancing = group;
    make_next(engine, group);
    orri_settle(engine);
    lazy->advancing = NULL;
    lazy->out_of_heap = NULL;
    put_back(engine, group);
}

static bool has_room(const struct orri_lazy *lazy, const struct orri_class *class)
{
    for (uint32_t i = 0; i < class->n_pools; i++)
        if (lazy->out[class->pools[i]] < lazy->window)
            return true;
    return false;
}

bool orri_lazy_advance(struct orr_engine *engine, bool idle)
{
    struct orri_lazy *lazy = &engine->lazy;
    struct orri_class *best = NULL;
    struct orri_class *other = NULL;
    for (uint32_t i = 0; i < lazy->n_classes; i++) {
        struct orri_class *class = &lazy->classes[i];
        if (class->n && class->n_pools == 0)
            other = class;
        else if (class->n && has_room(lazy, class) &&
                 (!best || before(class->heap[0], best->heap[0])))
            best = class;
    }
    best = best || !idle ? best : other;
    if (best)
        advance(engine, best);
    return best != NULL;
}

/* ---- calls ---- */

void orri_lazy_called(struct orr_engine *engine, const struct orri_task *task)
{
    struct orri_lazy *lazy = &engine->lazy;
    const struct orr_urgency *urgency = &engine->urgencies.items[task->urgency];
    uint32_t function = task->public.function;
    lazy->out[engine->graph->functions[function].pool]++;
    lazy->all_out++;
    if (!lazy->advancing)
        return;
    lazy->advancing->led = true;
    lazy->advancing->led_function = function;
    lazy->advancing->led_deadline = urgency->deadline;
    lazy->advancing->led_priority = urgency->priority;
}

void orri_lazy_ended(struct orr_engine *engine, const struct orr_task *task)
{
    engine->lazy.out[engine->graph->functions[task->function].pool]--;
    engine->lazy.all_out--;
}

void orr_engine_set_window(struct orr_engine *engine, uint32_t calls)
{
    engine->lazy.window = calls ? calls : 1;
}

/* Of the longest of its ranges: they may be the sides of one join. */
static uint64_t left_of(const struct orri_group *group)
{
    uint64_t most = 0;
    const struct orri_range *range = group->last;
    do {
        uint64_t left = range->items.n - range->at;
        most = left > most ? left : most;
        range = range->next;
    } while (range != group->last);
    return most;
}

void orr_engine_ahead(const struct orr_engine *engine, uint64_t *by_function)
{
    for (uint32_t c = 0; c < engine->lazy.n_classes; c++) {
        const struct orri_class *class = &engine->lazy.classes[c];
        for (size_t i = 0; i < class->n; i++)
            if (class->heap[i]->led_function != ORR_NONE &&
                !orri_request_failed(engine, class->heap[i]->request))
                by_function[class->heap[i]->led_function] += left_of(class->heap[i]);
    }
}

void orri_lazy_release(struct orr_engine *engine)
{
    struct orri_lazy *lazy = &engine->lazy;
    for (uint32_t c = 0; c < lazy->n_classes; c++) {
        struct orri_class *class = &lazy->classes[c];
        for (size_t i = 0; i < class->n; i++)
            while (class->heap[i]->last) {
                struct orri_group *group = class->heap[i];
                struct orri_range *range = group->last->next;
                group->last->next = range->next;
                if (range == group->last)
                    group->last = NULL;
                free(range);
            }
        free(class->heap);
    }
    while (lazy->fresh) {
        struct orri_range *range = lazy->fresh;
        lazy->fresh = range->next;
        free(range);
    }
    free(lazy->classes);
    free(lazy->out);
}
