/* live.c - which results and fields anything looks at
 *
 * A rule that asserts a fact with `x: result.x` passes a result on; that alone is no
 * use of it. It counts when some rule does more with the field, or an output is made of
 * the fact. (Steps make facts of all results, of which they may need few.) Owns
 * nothing: reads the graph. */
#include "graph/internal.h"

#include <stdlib.h>

struct search {
    const struct orr_graph *graph;
    bool *seen; /* per field of all facts: looked at already */
};

static bool fact_field_used(struct search *s, uint32_t fact, uint32_t field);

/* ---- one rule ---- */

struct reading {
    const struct orr_rule *rule;
    uint32_t slot, field;
    bool found;
};

static bool is_asserted(const struct orr_rule *rule, const struct orr_expr *expr)
{
    for (uint32_t i = 0; i < rule->n_then; i++)
        if (rule->then[i].record == expr)
            return true;
    for (uint32_t i = 0; i < rule->n_handlers; i++)
        if (rule->handlers[i].assertion.record == expr)
            return true;
    return false;
}

static void note_reading(void *context, const struct orr_expr *expr)
{
    struct reading *r = context;
    if (!is_asserted(r->rule, expr))
        r->found = r->found || orr_expr_reads(expr, r->slot, r->field);
}

/* Is the field used in what is asserted, other than passed on to where nobody looks? */
static bool assertion_uses(struct search *s, const struct orr_assertion *a,
                           uint32_t slot, uint32_t field)
{
    const struct orr_expr *part = NULL;
    if (!a->record || !orr_expr_reads(a->record, slot, field))
        return false;
    if (!orr_expr_record_part(a->record, 0, &part))
        return true; /* the record as a whole */
    const struct orr_record_type *type = s->graph->facts[a->fact].record;
    for (uint32_t i = 0; i < type->n_fields; i++) {
        uint32_t from = 0;
        uint32_t which = 0;
        (void)orr_expr_record_part(a->record, i, &part);
        if (!part || !orr_expr_reads(part, slot, field))
            continue;
        bool passed = orr_expr_field_of(part, &from, &which);
        if (!passed || fact_field_used(s, a->fact, i))
            return true;
    }
    return false;
}

static bool rule_uses(struct search *s, const struct orr_rule *rule, uint32_t slot,
                      uint32_t field)
{
    struct reading reading = { rule, slot, field, false };
    orri_visit_rule(s->graph, rule, note_reading, &reading);
    for (uint32_t i = 0; i < rule->n_then && !reading.found; i++)
        reading.found = assertion_uses(s, &rule->then[i], slot, field);
    for (uint32_t i = 0; i < rule->n_handlers && !reading.found; i++)
        reading.found = rule->handlers[i].kind == ORR_HANDLER_ASSERT &&
                        assertion_uses(s, &rule->handlers[i].assertion, slot, field);
    return reading.found;
}

/* ---- facts ---- */

static bool *seen_of(struct search *s, uint32_t fact, uint32_t field)
{
    uint32_t at = field;
    for (uint32_t i = 0; i < fact; i++)
        at += s->graph->facts[i].record->n_fields;
    return &s->seen[at];
}

static bool fact_field_used(struct search *s, uint32_t fact, uint32_t field)
{
    bool *seen = seen_of(s, fact, field);
    if (*seen)
        return false;
    *seen = true;
    for (uint32_t i = 0; i < s->graph->n_outputs; i++)
        if (s->graph->outputs[i].fact == fact)
            return true;
    for (uint32_t r = 0; r < s->graph->n_rules; r++) {
        const struct orr_rule *rule = &s->graph->rules[r];
        for (uint32_t m = 0; m < rule->n_match; m++)
            if (rule->match[m].fact == fact && rule_uses(s, rule, m, field))
                return true;
        if (rule->gather.name && rule->gather.fact == fact &&
            (rule_uses(s, rule, rule->gather.slot, field) ||
             rule_uses(s, rule, rule->gather.candidate_slot, field)))
            return true;
    }
    return false;
}

/* ---- results ---- */

const struct orr_rule *orri_reader_of(const struct orr_graph *graph, uint32_t function,
                                      uint32_t field)
{
    const struct orr_rule *reader = NULL;
    struct search s = { .graph = graph };
    size_t fields = 0;
    for (uint32_t i = 0; i < graph->n_facts; i++)
        fields += graph->facts[i].record->n_fields;
    s.seen = orr_alloc(fields, sizeof *s.seen);
    for (uint32_t r = 0; r < graph->n_rules && !reader; r++)
        if (graph->rules[r].function == function &&
            rule_uses(&s, &graph->rules[r], graph->rules[r].result_slot, field))
            reader = &graph->rules[r];
    free(s.seen);
    return reader;
}

bool orr_graph_reads(const struct orr_graph *graph, uint32_t function, uint32_t field)
{
    return orri_reader_of(graph, function, field) != NULL;
}
