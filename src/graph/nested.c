/* nested.c - workflows that stand for functions: compiled alone, then linked in
 *
 * A workflow named by `workflow:` is compiled by itself, once however many functions
 * name it. Its inputs are the parameters, its outputs the results. Linking appends its
 * tables to those of the caller, once for each function, with all indices moved and all
 * names behind the function's name and a dot. What is inside, expressions and types, is
 * shared. Owns: the children of a graph. */
#include "graph/internal.h"

#include "base/file.h"

#include <string.h>

/* ---- compiling ---- */

static bool leads_back(struct orri_compile *c, orr_model_leaf at, const char *path)
{
    int depth = 0;
    for (const struct orri_chain *up = c->chain; up; up = up->outer, depth++)
        if (strcmp(up->path, path) == 0) {
            orr_diag_error(c->diags, at->at, "E0418", "workflow '%s' calls itself%s",
                           at->text, up == c->chain ? "" : " by way of this one");
            return true;
        }
    if (depth >= ORRI_CHAIN_MAX)
        orr_diag_error(c->diags, at->at, "E0418",
                       "workflows call each other more than %d deep", ORRI_CHAIN_MAX);
    return depth >= ORRI_CHAIN_MAX;
}

/* A few small files can call each other millions of times. */
static bool is_too_much(struct orri_compile *c, orr_model_leaf at)
{
    bool much = *c->chain->compiled > ORRI_COMPILED_MAX || c->linked > ORRI_LINKED_MAX;
    if (much)
        orr_diag_error(c->diags, at->at, "E0418",
                       "the workflows called here stand for more than %d workflows or "
                       "%d facts, functions and rules",
                       ORRI_COMPILED_MAX, ORRI_LINKED_MAX);
    return much;
}

/* Of what is found in the workflow of `path`, the first says who calls it. */
static void say_caller(struct orri_compile *c, orr_model_leaf at, const char *path,
                       size_t first)
{
    struct orr_diag *top = NULL;
    for (size_t i = first; i < c->diags->n; i++) {
        struct orr_diag *diag = &c->diags->items[i];
        if (diag->at.file && strcmp(diag->at.file, path) == 0 &&
            (!top || diag->at.line < top->at.line ||
             (diag->at.line == top->at.line && diag->at.column < top->at.column)))
            top = diag;
    }
    if (top)
        top->hint = orr_arena_printf(&c->diags->arena, "%s%scalled by %s:%u",
                                     top->hint ? top->hint : "", top->hint ? "; " : "",
                                     orr_path_short(c->document->file), at->at.line);
}

static const struct orr_graph *compile_child(struct orri_compile *c, orr_model_leaf at)
{
    const char *path = orri_resolve_path(c->arena, c->directory, at->text);
    for (struct orr_graph_child *child = c->graph->children; child; child = child->next)
        if (strcmp(child->path, path) == 0)
            return child->graph;
    ++*c->chain->compiled;
    if (leads_back(c, at, path) || is_too_much(c, at))
        return NULL;
    size_t first = c->diags->n;
    struct orr_graph_child *child = orr_arena_alloc(c->arena, sizeof *child);
    struct orr_graph *graph =
        orri_compile_file(path, c->sources, c->registry, c->chain, c->diags);
    if (!graph && c->diags->n > first && !c->diags->items[first].at.line)
        c->diags->items[first].at = at->at; /* it cannot be read */
    say_caller(c, at, path, first);
    *child = (struct orr_graph_child) { c->graph->children, path, graph };
    c->graph->children = child;
    return graph;
}

static const struct orr_type *result_type(struct orri_compile *c,
                                          const struct orr_graph *child,
                                          const struct orr_output *output)
{
    struct orr_type *fact = orr_arena_alloc(c->arena, sizeof *fact);
    *fact = (struct orr_type) { .kind = ORR_KIND_RECORD,
                                .record = child->facts[output->fact].record };
    if (!output->each)
        return fact;
    struct orr_type *list = orr_arena_alloc(c->arena, sizeof *list);
    *list = (struct orr_type) { .kind = ORR_KIND_LIST, .element = fact };
    return list;
}

static const struct orr_record_type *results_of(struct orri_compile *c,
                                                const struct orr_graph *child)
{
    struct orr_record_type *record = orr_arena_alloc(c->arena, sizeof *record);
    struct orr_field *fields =
        orr_arena_alloc(c->arena, (child->n_outputs + 1) * sizeof *fields);
    for (uint32_t i = 0; i < child->n_outputs; i++)
        fields[i] =
            (struct orr_field) { .name = child->outputs[i].name,
                                 .type = result_type(c, child, &child->outputs[i]),
                                 .doc = child->outputs[i].doc };
    *record =
        (struct orr_record_type) { .n_fields = child->n_outputs, .fields = fields };
    return record;
}

static void refuse_foreign_keys(struct orri_compile *c,
                                const struct orr_model_function *m)
{
    const struct {
        const char *name;
        orr_model_leaf leaf;
    } keys[] = {
        { "in", m->in },
        { "out", m->out },
        { "stdout", m->stdout_mode },
        { "exit", m->exit },
        { "env", m->env },
        { "cwd", m->cwd },
        { "cores", m->cores },
        { "memory", m->memory },
        { "gpus", m->gpus },
        { "timeout", m->timeout },
        { "retries", m->retries },
        { "retry-delay", m->retry_delay },
        { "batch", m->batch },
        { "isolation", m->isolation },
        { "warm", m->warm },
        { "opportunistic", m->opportunistic },
        { "cost", m->cost },
        { "identity", m->identity },
        { "example", m->example },
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].leaf)
            orr_diag_error(
                c->diags, keys[i].leaf->at, "E0411",
                "'%s' does not go with workflow: its functions have their own",
                keys[i].name);
}

void orri_compile_nested(struct orri_compile *c, const struct orr_model_function *m,
                         struct orr_graph_function *f)
{
    f->form = ORR_FORM_WORKFLOW;
    f->isolated = false;
    refuse_foreign_keys(c, m);
    f->workflow = compile_child(c, m->workflow);
    if (!f->workflow)
        return;
    c->linked += (uint64_t)f->workflow->n_facts + f->workflow->n_functions +
                 f->workflow->n_rules;
    if (is_too_much(c, m->workflow)) {
        f->workflow = NULL;
        return;
    }
    f->params = f->workflow->facts[0].record;
    f->defaults = f->workflow->input_defaults;
    f->results = results_of(c, f->workflow);
    if (!f->doc)
        f->doc = f->workflow->doc;
}

/* ---- linking ---- */

/* Where the tables of one child begin in those of the graph. */
struct link {
    struct orr_graph *graph;
    const struct orr_graph *child;
    const struct orr_graph_function *caller;
    uint32_t function; /* the caller's index */
    uint32_t facts, functions, rules, pools, modules;
};

static const char *name_of(struct link *l, const char *name)
{
    return orr_arena_printf(&l->graph->arena, "%s.%s", l->caller->name, name);
}

static uint32_t pool_of(const struct link *l, uint32_t pool)
{
    return pool == 0 ? l->caller->pool : l->pools + pool - 1;
}

static void link_facts(struct link *l, struct orr_fact_type *facts)
{
    for (uint32_t i = 0; i < l->child->n_facts; i++) {
        facts[i] = l->child->facts[i];
        facts[i].name = name_of(l, facts[i].name);
    }
}

static void link_pools(struct link *l, struct orr_pool *pools)
{
    for (uint32_t i = 1; i < l->child->n_pools; i++) {
        pools[i - 1] = l->child->pools[i];
        pools[i - 1].name = name_of(l, pools[i - 1].name);
        pools[i - 1].parent = pool_of(l, l->child->pools[i].parent);
    }
}

static void link_functions(struct link *l, struct orr_graph_function *functions)
{
    for (uint32_t i = 0; i < l->child->n_functions; i++) {
        functions[i] = l->child->functions[i];
        functions[i].name = name_of(l, functions[i].name);
        functions[i].pool = pool_of(l, functions[i].pool);
        functions[i].priority += l->caller->priority;
        if (functions[i].module != ORR_NONE)
            functions[i].module += l->modules;
    }
}

static struct orr_assertion *link_assertions(struct link *l,
                                             const struct orr_assertion *then,
                                             uint32_t n)
{
    struct orr_assertion *copy =
        orr_arena_alloc(&l->graph->arena, (n + 1) * sizeof *copy);
    for (uint32_t i = 0; i < n; i++) {
        copy[i] = then[i];
        copy[i].fact += l->facts;
    }
    return copy;
}

static struct orr_handler *link_handlers(struct link *l, const struct orr_rule *rule)
{
    struct orr_handler *copy =
        orr_arena_alloc(&l->graph->arena, (rule->n_handlers + 1) * sizeof *copy);
    for (uint32_t i = 0; i < rule->n_handlers; i++) {
        copy[i] = rule->handlers[i];
        copy[i].assertion.fact += l->facts;
    }
    return copy;
}

static void link_rule(struct link *l, const struct orr_rule *from, struct orr_rule *to)
{
    struct orr_match *match =
        orr_arena_alloc(&l->graph->arena, (from->n_match + 1) * sizeof *match);
    *to = *from;
    to->name = name_of(l, from->name);
    for (uint32_t i = 0; i < from->n_match; i++) {
        match[i] = from->match[i];
        match[i].fact += l->facts;
    }
    to->match = match;
    to->gather.fact += l->facts;
    if (from->function != ORR_NONE)
        to->function += l->functions;
    to->then = link_assertions(l, from->then, from->n_then);
    to->handlers = link_handlers(l, from);
}

static const struct orr_output *link_outputs(struct link *l,
                                             const struct orr_output *outputs,
                                             uint32_t n)
{
    struct orr_output *copy = orr_arena_alloc(&l->graph->arena, (n + 1) * sizeof *copy);
    for (uint32_t i = 0; i < n; i++) {
        copy[i] = outputs[i];
        copy[i].fact += l->facts;
    }
    return copy;
}

/* The child itself, then those that it calls. */
static void link_modules(struct link *l, struct orr_module *modules)
{
    const struct orr_graph *child = l->child;
    for (uint32_t i = 0; i < child->n_modules; i++) {
        modules[i] = child->modules[i];
        modules[i].function += l->functions;
        modules[i].job += l->facts;
        modules[i].outputs =
            link_outputs(l, child->modules[i].outputs, child->modules[i].n_outputs);
    }
    modules[child->n_modules] = (struct orr_module) {
        .function = l->function,
        .job = l->facts,
        .outputs = link_outputs(l, child->outputs, child->n_outputs),
        .n_outputs = child->n_outputs,
    };
}

/* What all tables grow to. */
static struct link sizes_of(const struct orr_graph *graph)
{
    struct link sum = { .facts = graph->n_facts,
                        .functions = graph->n_functions,
                        .rules = graph->n_rules,
                        .pools = graph->n_pools };
    for (uint32_t i = 0; i < graph->n_functions; i++) {
        const struct orr_graph *child = graph->functions[i].workflow;
        if (!child)
            continue;
        sum.facts += child->n_facts;
        sum.functions += child->n_functions;
        sum.rules += child->n_rules;
        sum.pools += child->n_pools - 1;
        sum.modules += child->n_modules + 1;
    }
    return sum;
}

/* A larger copy of a table of `n` items in the graph's arena. */
#define GROWN(graph, items, n, total)                                                  \
    memcpy(orr_arena_alloc(&(graph)->arena, ((total) + 1) * sizeof *(items)), (items), \
           (n) * sizeof *(items))

void orri_link(struct orr_graph *graph)
{
    struct link total = sizes_of(graph);
    graph->own_facts = graph->n_facts;
    graph->own_rules = graph->n_rules;
    if (total.modules == 0)
        return;
    struct link l = {
        graph,          NULL,           NULL, 0, graph->n_facts, graph->n_functions,
        graph->n_rules, graph->n_pools, 0
    };
    uint32_t own = graph->n_functions;
    struct orr_fact_type *facts =
        GROWN(graph, graph->facts, graph->n_facts, total.facts);
    struct orr_graph_function *functions =
        GROWN(graph, graph->functions, graph->n_functions, total.functions);
    struct orr_rule *rules = GROWN(graph, graph->rules, graph->n_rules, total.rules);
    struct orr_pool *pools = GROWN(graph, graph->pools, graph->n_pools, total.pools);
    struct orr_module *modules =
        orr_arena_alloc(&graph->arena, total.modules * sizeof *modules);
    for (uint32_t i = 0; i < own; i++) {
        if (!functions[i].workflow)
            continue;
        l.caller = &functions[i];
        l.child = functions[i].workflow;
        l.function = i;
        link_facts(&l, facts + l.facts);
        link_pools(&l, pools + l.pools);
        link_functions(&l, functions + l.functions);
        for (uint32_t r = 0; r < l.child->n_rules; r++)
            link_rule(&l, &l.child->rules[r], &rules[l.rules + r]);
        link_modules(&l, modules + l.modules);
        functions[i].module = l.modules + l.child->n_modules;
        l.facts += l.child->n_facts;
        l.functions += l.child->n_functions;
        l.rules += l.child->n_rules;
        l.pools += l.child->n_pools - 1;
        l.modules += l.child->n_modules + 1;
    }
    graph->facts = facts;
    graph->functions = functions;
    graph->rules = rules;
    graph->pools = pools;
    graph->modules = modules;
    graph->n_facts = total.facts;
    graph->n_functions = total.functions;
    graph->n_rules = total.rules;
    graph->n_pools = total.pools;
    graph->n_modules = total.modules;
}
