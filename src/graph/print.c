/* print.c - what `orrery plan` prints: stages in the order in which facts can come */
#include "graph/internal.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct printer {
    const struct orr_graph *graph;
    struct orr_text *out;
};

static int widest(const char *const *names, uint32_t n)
{
    size_t width = 0;
    for (uint32_t i = 0; i < n; i++)
        if (strlen(names[i]) > width)
            width = strlen(names[i]);
    return (int)width;
}

#define WIDTH(width, items, n)                                                         \
    do {                                                                               \
        for (uint32_t k_ = 0; k_ < (n); k_++)                                          \
            if ((int)strlen((items)[k_].name) > (width))                               \
                (width) = (int)strlen((items)[k_].name);                               \
    } while (0)

static void print_duration(struct orr_text *out, const char *name, int64_t ns)
{
    char text[ORR_TIME_TEXT];
    if (ns == 0)
        return;
    orr_duration_text((double)ns / 1e9, text);
    orr_text_printf(out, ", %s %s", name, text);
}

static void print_size(struct orr_text *out, const char *name, int64_t bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    size_t unit = 0;
    if (bytes == 0)
        return;
    while (unit < 4 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    orr_text_printf(out, ", %s %" PRId64 " %s", name, bytes, units[unit]);
}

static void print_inputs(struct printer *p)
{
    const struct orr_record_type *job = p->graph->facts[0].record;
    int width = 0;
    WIDTH(width, job->fields, job->n_fields);
    orr_text_puts(p->out, job->n_fields ? "\ninputs\n" : "");
    for (uint32_t i = 0; i < job->n_fields; i++) {
        const struct orr_expr *fallback = p->graph->input_defaults[i];
        orr_text_printf(p->out, "  %-*s  ", width, job->fields[i].name);
        orr_type_print(job->fields[i].type, p->out);
        if (fallback) {
            orr_text_puts(p->out, " = ");
            orr_expr_print(fallback, p->out);
        } else {
            orr_text_puts(p->out, ", required");
        }
        if (job->fields[i].doc)
            orr_text_printf(p->out, "  # %s", job->fields[i].doc);
        orr_text_puts(p->out, "\n");
    }
}

static void print_pools(struct printer *p)
{
    const struct orr_graph *g = p->graph;
    int width = 0;
    WIDTH(width, g->pools, g->n_pools);
    orr_text_puts(p->out, g->n_pools > 1 ? "\npools\n" : "");
    for (uint32_t i = 1; i < g->n_pools; i++) {
        const struct orr_pool *pool = &g->pools[i];
        orr_text_printf(p->out, "  %-*s  in %s", width, pool->name,
                        g->pools[pool->parent].name);
        if (pool->share > 0)
            orr_text_printf(p->out, ", share %.3g", pool->share);
        if (pool->reserve)
            orr_text_printf(p->out, ", reserve %" PRIu32, pool->reserve);
        if (pool->max)
            orr_text_printf(p->out, ", max %" PRIu32, pool->max);
        orr_text_puts(p->out, pool->borrow ? "\n" : ", not lent\n");
    }
}

/* ---- stages ---- */

static uint32_t need(uint32_t have, const uint32_t *fact_stage, uint32_t fact)
{
    uint32_t at = fact_stage[fact];
    return at == ORR_NONE     ? ORR_NONE
           : have == ORR_NONE ? ORR_NONE
           : at > have        ? at
                              : have;
}

/* The stage after which all that the rule takes can be there; ORR_NONE: not yet. */
static uint32_t ready_after(const struct orr_rule *rule, const uint32_t *fact_stage)
{
    uint32_t stage = 0;
    for (uint32_t i = 0; i < rule->n_match; i++)
        stage = need(stage, fact_stage, rule->match[i].fact);
    if (rule->gather.name)
        stage = need(stage, fact_stage, rule->gather.fact);
    return stage;
}

static void mark_facts(const struct orr_graph *g, const struct orr_rule *rule,
                       uint32_t stage, uint32_t *fact_stage)
{
    if (rule->function != ORR_NONE && g->functions[rule->function].module != ORR_NONE) {
        uint32_t job = g->modules[g->functions[rule->function].module].job;
        if (fact_stage[job] == ORR_NONE)
            fact_stage[job] = stage;
    }
    for (uint32_t i = 0; i < rule->n_then; i++)
        if (fact_stage[rule->then[i].fact] == ORR_NONE)
            fact_stage[rule->then[i].fact] = stage;
    for (uint32_t i = 0; i < rule->n_handlers; i++)
        if (rule->handlers[i].kind == ORR_HANDLER_ASSERT &&
            fact_stage[rule->handlers[i].assertion.fact] == ORR_NONE)
            fact_stage[rule->handlers[i].assertion.fact] = stage;
}

/* stages[i]: from 1; 0 for a rule whose facts never come. */
static uint32_t find_stages(const struct orr_graph *g, uint32_t *stages)
{
    uint32_t *fact_stage = orr_alloc(g->n_facts, sizeof *fact_stage);
    uint32_t last = 0;
    bool more = true;
    for (uint32_t i = 1; i < g->n_facts; i++)
        fact_stage[i] = ORR_NONE;
    while (more) {
        more = false;
        for (uint32_t i = 0; i < g->n_rules; i++) {
            uint32_t after =
                stages[i] ? ORR_NONE : ready_after(&g->rules[i], fact_stage);
            if (after != last)
                continue;
            stages[i] = last + 1;
            more = true;
        }
        last += more;
        for (uint32_t i = 0; i < g->n_rules; i++)
            if (more && stages[i] == last)
                mark_facts(g, &g->rules[i], last, fact_stage);
    }
    free(fact_stage);
    return last;
}

static void print_conditions(struct printer *p, struct orr_expr *const *list,
                             uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        orr_text_puts(p->out, i ? " and " : "");
        orr_expr_print(list[i], p->out);
    }
}

static void print_match(struct printer *p, const struct orr_rule *rule)
{
    orr_text_puts(p->out, "      match   ");
    for (uint32_t i = 0; i < rule->n_match; i++)
        orr_text_printf(p->out, "%s%s: %s", i ? ", " : "", rule->match[i].name,
                        p->graph->facts[rule->match[i].fact].name);
    orr_text_puts(p->out, "\n");
    if (rule->n_where) {
        orr_text_puts(p->out, "      where   ");
        print_conditions(p, rule->where, rule->n_where);
        orr_text_puts(p->out, "\n");
    }
}

static void print_gather(struct printer *p, const struct orr_gather *g)
{
    if (!g->name)
        return;
    orr_text_printf(p->out, "      gather  %s: %s", g->name,
                    p->graph->facts[g->fact].name);
    if (g->n_where) {
        orr_text_puts(p->out, " where ");
        print_conditions(p, g->where, g->n_where);
    }
    orr_text_puts(p->out, ", count ");
    orr_expr_print(g->count, p->out);
    if (g->order) {
        orr_text_puts(p->out, ", order ");
        orr_expr_print(g->order, p->out);
    }
    orr_text_puts(p->out, "\n");
}

static void print_call(struct printer *p, const struct orr_rule *rule)
{
    if (rule->function == ORR_NONE)
        return;
    const struct orr_graph_function *f = &p->graph->functions[rule->function];
    bool first = true;
    orr_text_printf(p->out, "      call    %s(", f->name);
    for (uint32_t i = 0; i < f->params->n_fields; i++) {
        if (!rule->args[i])
            continue;
        orr_text_printf(p->out, "%s%s: ", first ? "" : ", ", f->params->fields[i].name);
        orr_expr_print(rule->args[i], p->out);
        first = false;
    }
    orr_text_puts(p->out, ")");
    if (rule->priority) {
        orr_text_puts(p->out, ", priority ");
        orr_expr_print(rule->priority, p->out);
    }
    if (rule->deadline) {
        orr_text_puts(p->out, ", deadline ");
        orr_expr_print(rule->deadline, p->out);
    }
    orr_text_puts(p->out, "\n");
}

static void print_assertion(struct printer *p, const char *label,
                            const struct orr_assertion *a)
{
    orr_text_printf(p->out, "      %-8s%s", label, p->graph->facts[a->fact].name);
    if (a->list) {
        orr_text_puts(p->out, " for each of ");
        orr_expr_print(a->list, p->out);
    }
    if (a->when) {
        orr_text_puts(p->out, " when ");
        orr_expr_print(a->when, p->out);
    }
    orr_text_puts(p->out, "\n");
}

static void print_handler(struct printer *p, const struct orr_handler *h)
{
    orr_text_puts(p->out, "      error   ");
    if (h->when) {
        orr_text_puts(p->out, "when ");
        orr_expr_print(h->when, p->out);
        orr_text_puts(p->out, ": ");
    }
    switch (h->kind) {
    case ORR_HANDLER_RETRY:
        orr_text_printf(p->out, "retry, at most %" PRIu32 " times", h->retry_max);
        print_duration(p->out, "after", h->retry_delay);
        break;
    case ORR_HANDLER_ASSERT:
        orr_text_printf(p->out, "assert %s", p->graph->facts[h->assertion.fact].name);
        break;
    case ORR_HANDLER_SKIP: orr_text_puts(p->out, "skip"); break;
    case ORR_HANDLER_FAIL:
        orr_text_puts(p->out, "fail ");
        orr_expr_print(h->message, p->out);
        break;
    }
    orr_text_puts(p->out, "\n");
}

static void print_rule(struct printer *p, const struct orr_rule *rule)
{
    orr_text_printf(p->out, "    %s\n", rule->name);
    print_match(p, rule);
    print_gather(p, &rule->gather);
    print_call(p, rule);
    for (uint32_t i = 0; i < rule->n_then; i++)
        print_assertion(p, "makes", &rule->then[i]);
    for (uint32_t i = 0; i < rule->n_handlers; i++)
        print_handler(p, &rule->handlers[i]);
}

static void print_stages(struct printer *p)
{
    const struct orr_graph *g = p->graph;
    uint32_t *stages = orr_alloc(g->n_rules, sizeof *stages);
    uint32_t last = find_stages(g, stages);
    orr_text_puts(p->out, "\nstages\n");
    for (uint32_t s = 1; s <= last + 1; s++) {
        bool first = true;
        for (uint32_t i = 0; i < g->n_rules; i++) {
            if (stages[i] != (s <= last ? s : 0))
                continue;
            if (first && s <= last)
                orr_text_printf(p->out, "  %" PRIu32 "\n", s);
            else if (first)
                orr_text_puts(p->out, "  never\n");
            print_rule(p, &g->rules[i]);
            first = false;
        }
    }
    free(stages);
}

/* ---- functions, facts, outputs ---- */

static const char *form_text(const struct orr_graph_function *f)
{
    switch (f->form) {
    case ORR_FORM_USE: return f->native->name;
    case ORR_FORM_COMMAND: return "command";
    case ORR_FORM_SHELL: return "shell";
    default: return "workflow";
    }
}

static void print_resources(struct printer *p, const struct orr_graph_function *f)
{
    orr_text_printf(p->out, "pool %s, %" PRIu32 " core%s",
                    p->graph->pools[f->pool].name, f->cores, f->cores == 1 ? "" : "s");
    print_size(p->out, "memory", f->memory);
    if (f->gpus)
        orr_text_printf(p->out, ", %" PRIu32 " gpus", f->gpus);
    print_duration(p->out, "timeout", f->timeout);
    if (f->retries)
        orr_text_printf(p->out, ", %" PRIu32 " retr%s", f->retries,
                        f->retries == 1 ? "y" : "ies");
    print_duration(p->out, "delay", f->retry_delay);
    if (f->priority)
        orr_text_printf(p->out, ", priority %" PRId64, f->priority);
    if (f->batch)
        orr_text_printf(p->out, ", batch %" PRIu32, f->batch);
    if (f->warm)
        orr_text_printf(p->out, ", warm %" PRIu32, f->warm);
    orr_text_printf(p->out, "%s%s%s\n", f->opportunistic ? ", opportunistic" : "",
                    f->isolated ? "" : ", in the worker",
                    f->content_identity ? ", identity by content" : "");
}

static void print_functions(struct printer *p)
{
    const struct orr_graph *g = p->graph;
    const char **forms = orr_alloc(g->n_functions, sizeof *forms);
    int width = 0;
    WIDTH(width, g->functions, g->n_functions);
    for (uint32_t i = 0; i < g->n_functions; i++)
        forms[i] = form_text(&g->functions[i]);
    orr_text_puts(p->out, g->n_functions ? "\nfunctions\n" : "");
    for (uint32_t i = 0; i < g->n_functions; i++) {
        orr_text_printf(p->out, "  %-*s  %-*s  ", width, g->functions[i].name,
                        widest(forms, g->n_functions), forms[i]);
        print_resources(p, &g->functions[i]);
    }
    free(forms);
}

static void print_key(struct printer *p, const struct orr_fact_type *fact)
{
    for (uint32_t i = 0; i < fact->n_key; i++)
        orr_text_printf(p->out, "%s%s", i ? ", " : "  key ",
                        fact->record->fields[fact->key[i]].name);
}

static void print_facts(struct printer *p)
{
    const struct orr_graph *g = p->graph;
    int width = 0;
    WIDTH(width, g->facts, g->n_facts);
    orr_text_puts(p->out, g->n_facts > 1 ? "\nfacts\n" : "");
    for (uint32_t i = 1; i < g->n_facts; i++) {
        const struct orr_record_type *record = g->facts[i].record;
        orr_text_printf(p->out, "  %-*s  ", width, g->facts[i].name);
        for (uint32_t f = 0; f < record->n_fields; f++) {
            orr_text_printf(p->out, "%s%s: ", f ? ", " : "", record->fields[f].name);
            orr_type_print(record->fields[f].type, p->out);
        }
        print_key(p, &g->facts[i]);
        orr_text_puts(p->out, "\n");
    }
}

static void print_outputs(struct printer *p)
{
    const struct orr_graph *g = p->graph;
    int width = 0;
    WIDTH(width, g->outputs, g->n_outputs);
    orr_text_puts(p->out, "\noutputs\n");
    for (uint32_t i = 0; i < g->n_outputs; i++)
        orr_text_printf(p->out, "  %-*s  %s %s%s%s\n", width, g->outputs[i].name,
                        g->outputs[i].each ? "each" : "at least one",
                        g->facts[g->outputs[i].fact].name,
                        g->outputs[i].doc ? "  # " : "",
                        g->outputs[i].doc ? g->outputs[i].doc : "");
}

void orr_graph_print(const struct orr_graph *graph, struct orr_text *out)
{
    struct printer p = { graph, out };
    orr_text_printf(out, "workflow %s\n", graph->name);
    if (graph->doc)
        orr_text_printf(out, "  %s\n", graph->doc);
    print_inputs(&p);
    print_pools(&p);
    print_stages(&p);
    print_functions(&p);
    print_facts(&p);
    print_outputs(&p);
}
