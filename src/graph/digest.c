/* digest.c - the canonical text of a graph and of its functions, and their hashes
 * Comments, spacing, order of keys and documentation do not count; names, types,
 * expressions and resources do. */
#include "graph/internal.h"

#include <inttypes.h>

static void put_type(struct orr_text *out, const struct orr_type *type)
{
    orr_type_print(type, out);
}

static void put_record(struct orr_text *out, const struct orr_record_type *record)
{
    for (uint32_t i = 0; record && i < record->n_fields; i++) {
        orr_text_printf(out, " %s:", record->fields[i].name);
        put_type(out, record->fields[i].type);
    }
    orr_text_puts(out, "\n");
}

static void put_expr(struct orr_text *out, const char *name,
                     const struct orr_expr *expr)
{
    orr_text_printf(out, " %s=", name);
    if (expr)
        orr_expr_print(expr, out);
    orr_text_puts(out, "\n");
}

static void put_exprs(struct orr_text *out, const char *name,
                      struct orr_expr *const *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        put_expr(out, name, list ? list[i] : NULL);
}

static void put_command(struct orr_text *out, const struct orr_command *command)
{
    put_exprs(out, "arg", command->args, command->n_args);
    put_record(out, command->out);
    orr_text_printf(out, "stdout %d\n", (int)command->stdout_mode);
    for (uint32_t i = 0; i < command->n_exit_codes; i++)
        orr_text_printf(out, "exit %d\n", command->exit_codes[i]);
    for (uint32_t i = 0; i < command->n_env; i++)
        put_expr(out, command->env_names[i], command->env_values[i]);
    put_expr(out, "cwd", command->cwd);
}

/* A built-in function is its name and version: a parameter or result that a later
 * release adds leaves the identities of old tasks alone. */
static void put_content(struct orr_text *out, const struct orr_graph_function *f)
{
    orr_text_printf(out, "form %d %s\n", (int)f->form,
                    f->native ? f->native->name : "");
    if (f->native)
        return;
    put_record(out, f->params);
    put_record(out, f->results);
    if (f->form == ORR_FORM_COMMAND || f->form == ORR_FORM_SHELL)
        put_command(out, &f->command);
    if (f->workflow)
        orr_text_printf(out, "workflow %016" PRIx64 "%016" PRIx64 "\n",
                        f->workflow->digest.hi, f->workflow->digest.lo);
}

struct orr_id orri_function_content(const struct orr_graph_function *function)
{
    struct orr_text text = ORR_TEXT_INIT;
    put_content(&text, function);
    struct orr_id id = orr_hash(text.s, text.length);
    orr_text_release(&text);
    return id;
}

static void put_function(struct orr_text *out, const struct orr_graph *graph,
                         const struct orr_graph_function *f)
{
    orr_text_printf(
        out,
        "function %s version %s pool %s cores %" PRIu32 " memory %" PRId64
        " gpus %" PRIu32 " timeout %" PRId64 " retries %" PRIu32 " delay %" PRId64
        " priority %" PRId64 " batch %" PRIu32 " warm %" PRIu32 " flags %d%d%d\n",
        f->name, f->version, graph->pools[f->pool].name, f->cores, f->memory, f->gpus,
        f->timeout, f->retries, f->retry_delay, f->priority, f->batch, f->warm,
        f->isolated, f->content_identity, f->opportunistic);
    put_content(out, f);
    put_exprs(out, "default", f->defaults, f->params->n_fields);
    put_expr(out, "cost", f->cost);
}

static void put_assertion(struct orr_text *out, const struct orr_graph *graph,
                          const struct orr_assertion *a)
{
    orr_text_printf(out, "assert %s loop %" PRIu32 "\n", graph->facts[a->fact].name,
                    a->loop_slot);
    if (a->index_slot != ORR_NONE)
        orr_text_printf(out, "index %" PRIu32 "\n", a->index_slot);
    put_expr(out, "for", a->list);
    put_expr(out, "when", a->when);
    put_expr(out, "with", a->record);
}

static void put_handler(struct orr_text *out, const struct orr_graph *graph,
                        const struct orr_handler *h, uint32_t n_params)
{
    orr_text_printf(out, "handler %d max %" PRIu32 " delay %" PRId64 "\n", (int)h->kind,
                    h->retry_max, h->retry_delay);
    put_expr(out, "when", h->when);
    put_exprs(out, "with", h->retry_with, h->retry_with ? n_params : 0);
    if (h->kind == ORR_HANDLER_ASSERT)
        put_assertion(out, graph, &h->assertion);
    put_expr(out, "fail", h->message);
}

static void put_gather(struct orr_text *out, const struct orr_graph *graph,
                       const struct orr_gather *g)
{
    if (!g->name)
        return;
    orr_text_printf(out, "gather %s %s\n", g->name, graph->facts[g->fact].name);
    put_exprs(out, "where", g->where, g->n_where);
    put_expr(out, "count", g->count);
    put_expr(out, "order", g->order);
}

static void put_rule(struct orr_text *out, const struct orr_graph *graph,
                     const struct orr_rule *rule)
{
    uint32_t n_params = rule->function == ORR_NONE
                            ? 0
                            : graph->functions[rule->function].params->n_fields;
    orr_text_printf(out, "rule %s call %s\n", rule->name,
                    rule->function == ORR_NONE ? "-"
                                               : graph->functions[rule->function].name);
    for (uint32_t i = 0; i < rule->n_match; i++)
        orr_text_printf(out, " match %s %s\n", rule->match[i].name,
                        graph->facts[rule->match[i].fact].name);
    put_exprs(out, "where", rule->where, rule->n_where);
    put_gather(out, graph, &rule->gather);
    put_exprs(out, "arg", rule->args, n_params);
    put_expr(out, "priority", rule->priority);
    put_expr(out, "deadline", rule->deadline);
    for (uint32_t i = 0; i < rule->n_then; i++)
        put_assertion(out, graph, &rule->then[i]);
    for (uint32_t i = 0; i < rule->n_handlers; i++)
        put_handler(out, graph, &rule->handlers[i], n_params);
}

static void put_fact(struct orr_text *out, const struct orr_fact_type *fact)
{
    orr_text_printf(out, "fact %s key", fact->name);
    for (uint32_t i = 0; i < fact->n_key; i++)
        orr_text_printf(out, " %" PRIu32, fact->key[i]);
    put_record(out, fact->record);
}

static void put_pool(struct orr_text *out, const struct orr_graph *graph,
                     const struct orr_pool *pool)
{
    orr_text_printf(out, "pool %s %s %.17g %" PRIu32 " %" PRIu32 " %d\n", pool->name,
                    pool->parent == ORR_NONE ? "-" : graph->pools[pool->parent].name,
                    pool->share, pool->reserve, pool->max, pool->borrow);
}

static void put_output(struct orr_text *out, const struct orr_graph *graph,
                       const struct orr_output *output)
{
    orr_text_printf(out, "output %s %s %d\n", output->name,
                    graph->facts[output->fact].name, output->each);
}

void orri_digest(struct orr_graph *graph)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_printf(&text, "orrery 1 workflow %s\n", graph->name);
    for (uint32_t i = 0; i < graph->n_facts; i++)
        put_fact(&text, &graph->facts[i]);
    put_exprs(&text, "input", graph->input_defaults, graph->facts[0].record->n_fields);
    for (uint32_t i = 0; i < graph->n_pools; i++)
        put_pool(&text, graph, &graph->pools[i]);
    for (uint32_t i = 0; i < graph->n_functions; i++)
        put_function(&text, graph, &graph->functions[i]);
    for (uint32_t i = 0; i < graph->n_rules; i++)
        put_rule(&text, graph, &graph->rules[i]);
    for (uint32_t i = 0; i < graph->n_outputs; i++)
        put_output(&text, graph, &graph->outputs[i]);
    graph->digest = orr_hash(text.s, text.length);
    orr_text_release(&text);
}

/* ---- part by part ---- */

struct parts {
    struct orr_graph_part *items;
    size_t n;
    struct orr_text text; /* of the part in hand */
};

static void add_part(struct parts *parts, const char *kind, const char *name)
{
    struct orr_text *text = &parts->text;
    parts->items[parts->n++] =
        (struct orr_graph_part) { kind, name, orr_hash(text->s, text->length) };
    orr_text_release(text);
}

static void add_inputs(struct parts *parts, const struct orr_graph *graph)
{
    const struct orr_record_type *inputs = graph->facts[0].record;
    for (uint32_t i = 0; i < inputs->n_fields; i++) {
        put_type(&parts->text, inputs->fields[i].type);
        put_expr(&parts->text, "default",
                 graph->input_defaults ? graph->input_defaults[i] : NULL);
        add_part(parts, "input", inputs->fields[i].name);
    }
}

struct orr_graph_part *orr_graph_parts(const struct orr_graph *graph, size_t *n)
{
    struct parts parts = { 0 };
    size_t most = (size_t)graph->facts[0].record->n_fields + graph->n_facts +
                  graph->n_pools + graph->n_functions + graph->n_rules +
                  graph->n_outputs;
    parts.items = orr_alloc(most + 1, sizeof *parts.items);
    add_inputs(&parts, graph);
    for (uint32_t i = 1; i < graph->n_facts; i++) {
        put_fact(&parts.text, &graph->facts[i]);
        add_part(&parts, "fact", graph->facts[i].name);
    }
    for (uint32_t i = 0; i < graph->n_pools; i++) {
        put_pool(&parts.text, graph, &graph->pools[i]);
        add_part(&parts, "pool", graph->pools[i].name);
    }
    for (uint32_t i = 0; i < graph->n_functions; i++) {
        put_function(&parts.text, graph, &graph->functions[i]);
        add_part(&parts, "function", graph->functions[i].name);
    }
    for (uint32_t i = 0; i < graph->n_rules; i++) {
        put_rule(&parts.text, graph, &graph->rules[i]);
        add_part(&parts, "rule", graph->rules[i].name);
    }
    for (uint32_t i = 0; i < graph->n_outputs; i++) {
        put_output(&parts.text, graph, &graph->outputs[i]);
        add_part(&parts, "output", graph->outputs[i].name);
    }
    *n = parts.n;
    return parts.items;
}
