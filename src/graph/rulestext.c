/* rulestext.c - facts, rules and outputs of a graph as a workflow file writes them
 *
 * What steps became, to read or to go on from: in the place of `facts`, `steps`,
 * `rules` and `outputs` of the file it compiles to the same graph. Owns nothing. */
#include "graph/internal.h"

#include <inttypes.h>
#include <string.h>

struct writer {
    const struct orr_graph *graph;
    struct orr_text *out;
};

static void put_name(struct writer *w, const char *name)
{
    if (orr_model_is_identifier(name))
        orr_text_puts(w->out, name);
    else
        orr_text_json(w->out, name, strlen(name));
}

static void put_text(struct writer *w, const char *key, const char *text)
{
    if (!text)
        return;
    orr_text_puts(w->out, key);
    orr_text_json(w->out, text, strlen(text));
    orr_text_puts(w->out, "\n");
}

static void put_expr(struct writer *w, const char *key, int indent,
                     const struct orr_expr *e)
{
    struct orr_text value = ORR_TEXT_INIT;
    if (!e)
        return;
    orr_expr_yaml(e, indent, &value);
    size_t n = strlen(key) - (*value.s == '\n'); /* without the space */
    orr_text_append(w->out, key, n);
    orr_text_printf(w->out, "%s\n", value.s);
    orr_text_release(&value);
}

/* ---- facts ---- */

static void put_field(struct writer *w, const struct orr_field *field)
{
    struct orr_text type = ORR_TEXT_INIT;
    orr_type_print(field->type, &type);
    orr_text_printf(w->out, "      %s: ", field->name);
    if (strpbrk(type.s, "{}[],:"))
        orr_text_json(w->out, type.s, type.length);
    else
        orr_text_puts(w->out, type.s);
    orr_text_puts(w->out, "\n");
    orr_text_release(&type);
}

static void put_fact(struct writer *w, const struct orr_fact_type *fact)
{
    orr_text_printf(w->out, "  %s:\n", fact->name);
    put_text(w, "    doc: ", fact->doc);
    if (fact->n_key) {
        orr_text_puts(w->out, "    key: [");
        for (uint32_t i = 0; i < fact->n_key; i++)
            orr_text_printf(w->out, "%s%s", i ? ", " : "",
                            fact->record->fields[fact->key[i]].name);
        orr_text_puts(w->out, "]\n");
    }
    orr_text_puts(w->out,
                  fact->record->n_fields ? "    fields:\n" : "    fields: {}\n");
    for (uint32_t i = 0; i < fact->record->n_fields; i++)
        put_field(w, &fact->record->fields[i]);
}

/* ---- rules ---- */

static void put_where(struct writer *w, const char *key, struct orr_expr *const *where,
                      uint32_t n)
{
    struct orr_text text = ORR_TEXT_INIT;
    if (n <= 1) {
        put_expr(w, key, 0, n ? where[0] : NULL);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        orr_text_puts(&text, i ? " and (" : "(");
        orr_expr_print(where[i], &text);
        orr_text_puts(&text, ")");
    }
    struct orr_text alone = ORR_TEXT_INIT;
    orr_text_printf(&alone, "{%s}", text.s);
    orr_text_puts(w->out, key);
    orr_text_json(w->out, alone.s, alone.length);
    orr_text_puts(w->out, "\n");
    orr_text_release(&alone);
    orr_text_release(&text);
}

static void put_args(struct writer *w, const char *key, int indent,
                     const struct orr_rule *rule, struct orr_expr *const *args)
{
    const struct orr_record_type *params = w->graph->functions[rule->function].params;
    bool any = false;
    for (uint32_t i = 0; args && i < params->n_fields; i++) {
        if (!args[i])
            continue;
        if (!any)
            orr_text_puts(w->out, key);
        any = true;
        struct orr_text name = ORR_TEXT_INIT;
        orr_text_printf(&name, "%*s%s: ", indent, "", params->fields[i].name);
        put_expr(w, name.s, indent + 2, args[i]);
        orr_text_release(&name);
    }
}

/* `for`: the list may be any expression, behind the names. */
static void put_loop(struct writer *w, const struct orr_assertion *a, int indent)
{
    struct orr_text text = ORR_TEXT_INIT;
    if (!a->list)
        return;
    if (a->index_name)
        orr_text_printf(&text, "%s, ", a->index_name);
    orr_text_printf(&text, "%s in ", a->loop_name);
    orr_expr_print(a->list, &text);
    orr_text_printf(w->out, "%*sfor: ", indent, "");
    orr_text_json(w->out, text.s, text.length);
    orr_text_puts(w->out, "\n");
    orr_text_release(&text);
}

static void put_assertion(struct writer *w, const struct orr_assertion *a,
                          const struct orr_expr *when)
{
    orr_text_printf(w->out, "      - assert: %s\n", w->graph->facts[a->fact].name);
    put_loop(w, a, 8);
    put_expr(w, "        when: ", 10, when);
    put_expr(w, "        with: ", 10, a->record);
}

static void put_handler(struct writer *w, const struct orr_rule *rule,
                        const struct orr_handler *h)
{
    if (h->kind == ORR_HANDLER_ASSERT) {
        put_assertion(w, &h->assertion, h->when);
        return;
    }
    put_expr(w, "      - when: ", 8, h->when);
    orr_text_puts(w->out, h->when ? "        " : "      - ");
    if (h->kind == ORR_HANDLER_SKIP) {
        orr_text_puts(w->out, "skip: true\n");
    } else if (h->kind == ORR_HANDLER_FAIL) {
        put_expr(w, "fail: ", 10, h->message);
    } else {
        orr_text_printf(w->out, "retry:\n          max: %" PRIu32 "\n", h->retry_max);
        orr_text_printf(w->out, "          delay: %" PRId64 "ns\n", h->retry_delay);
        put_args(w, "          with:\n", 12, rule, h->retry_with);
    }
}

static void put_match(struct writer *w, const struct orr_rule *rule)
{
    orr_text_puts(w->out, "    match:\n");
    for (uint32_t i = 0; i < rule->n_match; i++)
        orr_text_printf(w->out, "      %s: %s\n", rule->match[i].name,
                        w->graph->facts[rule->match[i].fact].name);
    put_where(w, "    where: ", rule->where, rule->n_where);
    const struct orr_gather *g = &rule->gather;
    if (!g->name)
        return;
    orr_text_printf(w->out, "    gather:\n      %s: %s\n", g->name,
                    w->graph->facts[g->fact].name);
    put_where(w, "      where: ", g->where, g->n_where);
    put_expr(w, "      count: ", 8, g->count);
    put_expr(w, "      order: ", 8, g->order);
}

static void put_rule(struct writer *w, const struct orr_rule *rule)
{
    bool calls = rule->function != ORR_NONE;
    put_text(w, "  - rule: ", rule->name);
    put_text(w, "    doc: ", rule->doc);
    put_match(w, rule);
    if (calls) {
        orr_text_puts(w->out, "    action:\n      call: ");
        put_name(w, w->graph->functions[rule->function].name);
        orr_text_puts(w->out, "\n");
        put_args(w, "      with:\n", 8, rule, rule->args);
        put_expr(w, "      priority: ", 8, rule->priority);
        put_expr(w, "      deadline: ", 8, rule->deadline);
    }
    if (rule->n_then)
        orr_text_puts(w->out, calls ? "    reaction:\n" : "    then:\n");
    for (uint32_t i = 0; i < rule->n_then; i++)
        put_assertion(w, &rule->then[i], rule->then[i].when);
    if (rule->n_handlers)
        orr_text_puts(w->out, "    error:\n");
    for (uint32_t i = 0; i < rule->n_handlers; i++)
        put_handler(w, rule, &rule->handlers[i]);
}

static void put_output(struct writer *w, const struct orr_output *output)
{
    orr_text_puts(w->out, "  ");
    put_name(w, output->name);
    orr_text_printf(w->out, ":\n    %s: %s\n", output->each ? "each" : "fact",
                    w->graph->facts[output->fact].name);
    put_text(w, "    doc: ", output->doc);
}

/* Of the workflow itself: what its functions stand for has files of its own. */
void orr_graph_print_rules(const struct orr_graph *graph, struct orr_text *out)
{
    struct writer w = { graph, out };
    orr_text_puts(out, graph->own_facts > 1 ? "facts:\n" : "facts: {}\n");
    for (uint32_t i = 1; i < graph->own_facts; i++)
        put_fact(&w, &graph->facts[i]);
    orr_text_puts(out, "rules:\n");
    for (uint32_t i = 0; i < graph->own_rules; i++)
        put_rule(&w, &graph->rules[i]);
    orr_text_puts(out, "outputs:\n");
    for (uint32_t i = 0; i < graph->n_outputs; i++)
        put_output(&w, &graph->outputs[i]);
}
