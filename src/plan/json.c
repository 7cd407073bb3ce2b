/* json.c - a plan as one JSON object; owns nothing */
#include "plan/internal.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

static json_t *expression(const struct orr_expr *e)
{
    struct orr_text text = ORR_TEXT_INIT;
    if (!e)
        return json_null();
    orr_expr_print(e, &text);
    json_t *out = json_string(text.s);
    orr_text_release(&text);
    return out;
}

static json_t *expressions(struct orr_expr *const *list, uint32_t n)
{
    json_t *out = json_array();
    for (uint32_t i = 0; i < n; i++)
        (void)json_array_append_new(out, expression(list[i]));
    return out;
}

static json_t *text_or_null(const char *s) { return s ? json_string(s) : json_null(); }

static json_t *real_or_null(double d) { return isnan(d) ? json_null() : json_real(d); }

static json_t *type(const struct orr_type *t)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_type_print(t, &text);
    json_t *out = json_string(text.s);
    orr_text_release(&text);
    return out;
}

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *fields(const struct orr_record_type *record)
{
    json_t *out = json_object();
    for (uint32_t i = 0; i < record->n_fields; i++)
        set(out, record->fields[i].name, type(record->fields[i].type));
    return out;
}

static json_t *inputs(const struct orr_graph *g)
{
    const struct orr_record_type *job = g->facts[0].record;
    json_t *out = json_array();
    for (uint32_t i = 0; i < job->n_fields; i++) {
        json_t *one = json_object();
        set(one, "name", json_string(job->fields[i].name));
        set(one, "type", type(job->fields[i].type));
        set(one, "default", expression(g->input_defaults[i]));
        set(one, "doc", text_or_null(job->fields[i].doc));
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *facts(const struct orr_plan *plan)
{
    const struct orr_graph *g = plan->graph;
    json_t *out = json_array();
    for (uint32_t i = 0; i < g->n_facts; i++) {
        json_t *one = json_object();
        json_t *key = json_array();
        for (uint32_t k = 0; k < g->facts[i].n_key; k++)
            (void)json_array_append_new(
                key, json_string(g->facts[i].record->fields[g->facts[i].key[k]].name));
        set(one, "name", json_string(g->facts[i].name));
        set(one, "fields", fields(g->facts[i].record));
        set(one, "key", key);
        set(one, "stage",
            plan->facts[i].stage == ORR_NONE ? json_null()
                                             : json_integer(plan->facts[i].stage));
        if (plan->counted)
            set(one, "count", json_integer((json_int_t)plan->facts[i].n));
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *functions(const struct orr_plan *plan)
{
    const struct orr_graph *g = plan->graph;
    json_t *out = json_array();
    for (uint32_t i = 0; i < g->n_functions; i++) {
        const struct orr_graph_function *f = &g->functions[i];
        json_t *one = json_object();
        set(one, "name", json_string(f->name));
        set(one, "form", json_string(orri_form(f)));
        set(one, "version", text_or_null(f->version));
        set(one, "doc", text_or_null(f->doc));
        set(one, "pool", json_string(g->pools[f->pool].name));
        set(one, "cores", json_integer(f->cores));
        set(one, "memory_bytes", json_integer(f->memory));
        set(one, "gpus", json_integer(f->gpus));
        set(one, "timeout_seconds", json_real((double)f->timeout / 1e9));
        set(one, "retries", json_integer(f->retries));
        set(one, "parameters", fields(f->params));
        set(one, "results", fields(f->results));
        if (plan->counted) {
            set(one, "tasks", json_integer((json_int_t)plan->functions[i].tasks));
            set(one, "core_seconds", real_or_null(plan->functions[i].core_seconds));
        }
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *match(const struct orr_graph *g, const struct orr_rule *rule)
{
    json_t *out = json_object();
    for (uint32_t i = 0; i < rule->n_match; i++)
        set(out, rule->match[i].name, json_string(g->facts[rule->match[i].fact].name));
    return out;
}

static json_t *gather(const struct orr_graph *g, const struct orr_gather *gather)
{
    json_t *out = json_object();
    set(out, "variable", json_string(gather->name));
    set(out, "fact", json_string(g->facts[gather->fact].name));
    set(out, "where", expressions(gather->where, gather->n_where));
    set(out, "count", expression(gather->count));
    set(out, "order", expression(gather->order));
    return out;
}

static json_t *assertions(const struct orr_graph *g, const struct orr_rule *rule)
{
    json_t *out = json_array();
    for (uint32_t i = 0; i < rule->n_then; i++) {
        json_t *one = json_object();
        set(one, "fact", json_string(g->facts[rule->then[i].fact].name));
        set(one, "for", expression(rule->then[i].list));
        set(one, "when", expression(rule->then[i].when));
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *rules(const struct orr_plan *plan)
{
    const struct orr_graph *g = plan->graph;
    json_t *out = json_array();
    for (uint32_t i = 0; i < g->n_rules; i++) {
        const struct orr_rule *rule = &g->rules[i];
        json_t *one = json_object();
        set(one, "name", json_string(rule->name));
        set(one, "doc", text_or_null(rule->doc));
        set(one, "stage",
            plan->rules[i].stage ? json_integer(plan->rules[i].stage) : json_null());
        set(one, "repeats", json_string(plan->rules[i].repeats));
        set(one, "match", match(g, rule));
        set(one, "where", expressions(rule->where, rule->n_where));
        if (rule->gather.name)
            set(one, "gather", gather(g, &rule->gather));
        set(one, "calls",
            rule->function == ORR_NONE
                ? json_null()
                : json_string(g->functions[rule->function].name));
        set(one, "makes", assertions(g, rule));
        if (plan->counted)
            set(one, "firings", json_integer((json_int_t)plan->rules[i].firings));
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *outputs(const struct orr_graph *g)
{
    json_t *out = json_array();
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        json_t *one = json_object();
        set(one, "name", json_string(g->outputs[i].name));
        set(one, "fact", json_string(g->facts[g->outputs[i].fact].name));
        set(one, "each", json_boolean(g->outputs[i].each));
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *path(const struct orr_plan *plan)
{
    json_t *out = json_object();
    json_t *calls = json_array();
    for (uint32_t i = 0; i < plan->n_path; i++) {
        const struct orr_rule *rule = &plan->graph->rules[plan->path[i].rule];
        json_t *one = json_object();
        set(one, "rule", json_string(rule->name));
        set(one, "function", json_string(plan->graph->functions[rule->function].name));
        set(one, "seconds", real_or_null(plan->path[i].seconds));
        (void)json_array_append_new(calls, one);
    }
    set(out, "calls", calls);
    set(out, "seconds", real_or_null(plan->path_seconds));
    return out;
}

void orr_plan_json(const struct orr_plan *plan, struct orr_text *out)
{
    json_t *root = json_object();
    set(root, "workflow", json_string(plan->graph->name));
    set(root, "doc", text_or_null(plan->graph->doc));
    set(root, "stages", json_integer(plan->n_stages));
    set(root, "inputs", inputs(plan->graph));
    set(root, "facts", facts(plan));
    set(root, "functions", functions(plan));
    set(root, "rules", rules(plan));
    set(root, "outputs", outputs(plan->graph));
    set(root, "critical_path", path(plan));
    if (plan->counted) {
        set(root, "requests", json_integer(plan->requests));
        set(root, "tasks", json_integer((json_int_t)plan->tasks));
        set(root, "core_seconds", real_or_null(plan->core_seconds));
        set(root, "complete", json_boolean(!plan->open));
    }
    char *text = json_dumps(root, JSON_INDENT(2));
    orr_text_printf(out, "%s\n", text ? text : "");
    free(text);
    json_decref(root);
}
