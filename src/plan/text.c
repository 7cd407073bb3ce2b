/* text.c - a plan as text: what `orrery plan` prints; owns nothing */
#include "plan/internal.h"

#include "base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct printer {
    const struct orr_plan *plan;
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

static void print_match(struct printer *p, const struct orr_rule *rule)
{
    orr_text_puts(p->out, "      match   ");
    for (uint32_t i = 0; i < rule->n_match; i++)
        orr_text_printf(p->out, "%s%s: %s", i ? ", " : "", rule->match[i].name,
                        p->graph->facts[rule->match[i].fact].name);
    orr_text_puts(p->out, "\n");
    if (rule->n_where) {
        orr_text_puts(p->out, "      where   ");
        orri_put_conditions(rule->where, rule->n_where, p->out);
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
        orri_put_conditions(g->where, g->n_where, p->out);
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
    orr_text_puts(p->out, "      call    ");
    orri_put_call(p->graph, rule, p->out);
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

static void print_delay(struct printer *p, int64_t ns)
{
    char text[ORR_TIME_TEXT];
    if (ns == 0)
        return;
    orr_duration_text((double)ns / 1e9, text);
    orr_text_printf(p->out, ", after %s", text);
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
        print_delay(p, h->retry_delay);
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

static void print_rule(struct printer *p, uint32_t index)
{
    const struct orr_rule *rule = &p->graph->rules[index];
    const struct orr_plan_rule *planned = &p->plan->rules[index];
    orr_text_printf(p->out, "    %s: %s", rule->name, planned->repeats);
    if (p->plan->counted)
        orr_text_printf(p->out, ", %" PRIu64 " time%s", planned->firings,
                        planned->firings == 1 ? "" : "s");
    orr_text_puts(p->out, "\n");
    print_match(p, rule);
    print_gather(p, &rule->gather);
    print_call(p, rule);
    for (uint32_t i = 0; i < rule->n_then; i++)
        print_assertion(p, "makes", &rule->then[i]);
    for (uint32_t i = 0; i < rule->n_handlers; i++)
        print_handler(p, &rule->handlers[i]);
}

/* Stage 0, the rules that can never fire, comes last. */
static void print_stages(struct printer *p)
{
    orr_text_puts(p->out, "\nstages\n");
    for (uint32_t i = 1; i <= p->plan->n_stages + 1; i++) {
        uint32_t stage = i <= p->plan->n_stages ? i : 0;
        bool first = true;
        for (uint32_t r = 0; r < p->graph->n_rules; r++) {
            if (p->plan->rules[r].stage != stage)
                continue;
            if (first && stage)
                orr_text_printf(p->out, "  %" PRIu32 "\n", stage);
            else if (first)
                orr_text_puts(p->out, "  never\n");
            print_rule(p, r);
            first = false;
        }
    }
}

/* ---- functions, facts, outputs ---- */

static void print_counts(struct printer *p, const struct orr_plan_function *f)
{
    char text[ORR_TIME_TEXT];
    orr_text_printf(p->out, "; %" PRIu64 " task%s", f->tasks, f->tasks == 1 ? "" : "s");
    if (isnan(f->core_seconds) || f->core_seconds <= 0)
        return;
    orr_duration_text(f->core_seconds, text);
    orr_text_printf(p->out, ", %s of core time", text);
}

static void print_functions(struct printer *p)
{
    const struct orr_graph *g = p->graph;
    const char **forms = orr_alloc(g->n_functions, sizeof *forms);
    int width = 0;
    WIDTH(width, g->functions, g->n_functions);
    for (uint32_t i = 0; i < g->n_functions; i++)
        forms[i] = orri_form(&g->functions[i]);
    orr_text_puts(p->out, g->n_functions ? "\nfunctions\n" : "");
    for (uint32_t i = 0; i < g->n_functions; i++) {
        orr_text_printf(p->out, "  %-*s  %-*s  ", width, g->functions[i].name,
                        widest(forms, g->n_functions), forms[i]);
        orri_put_resources(g, &g->functions[i], p->out);
        if (p->plan->counted)
            print_counts(p, &p->plan->functions[i]);
        orr_text_puts(p->out, "\n");
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
        if (p->plan->counted)
            orr_text_printf(p->out, "; %" PRIu64, p->plan->facts[i].n);
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

static void print_path(struct printer *p)
{
    struct orr_text path = ORR_TEXT_INIT;
    orri_put_path(p->plan, &path);
    if (path.length)
        orr_text_printf(p->out, "\ncritical path\n  %s\n", path.s);
    orr_text_release(&path);
    if (!p->plan->counted)
        return;
    orr_text_puts(p->out, "\nin all\n  ");
    orri_put_totals(p->plan, p->out);
    orr_text_puts(p->out, "\n");
}

void orr_plan_text(const struct orr_plan *plan, struct orr_text *out)
{
    struct printer p = { plan, plan->graph, out };
    orr_text_printf(out, "workflow %s\n", plan->graph->name);
    if (plan->graph->doc)
        orr_text_printf(out, "  %s\n", plan->graph->doc);
    print_inputs(&p);
    print_pools(&p);
    print_stages(&p);
    print_functions(&p);
    print_facts(&p);
    print_outputs(&p);
    print_path(&p);
}
