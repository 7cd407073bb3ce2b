/* summary.c - what the workflow made, for the end of a run
 *
 * Knows no workflow: it prints the facts of each output, and, for fact types that share
 * the output's first text field (`rung` of `package` and `encoded`), the mean and the
 * least of their real numbers for each value of that field: "quality a rung". */
#include "coord/internal.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_SHOWN = 20 };

static uint32_t first_text_field(const struct orr_record_type *record)
{
    for (uint32_t i = 0; i < record->n_fields; i++)
        if (record->fields[i].type->kind == ORR_KIND_STRING)
            return i;
    return ORR_NONE;
}

struct group {
    double sum;
    double least;
    uint64_t n;
};

/* Mean and minimum of a real field over the facts of `type` that agree with `key`. */
static struct group gather_field(struct orr_coord *coord, uint32_t type,
                                 uint32_t key_field, uint32_t field,
                                 struct orr_value key, uint32_t request)
{
    struct group group = { 0 };
    for (uint32_t i = 0; i < orr_engine_facts(coord->engine, type); i++) {
        struct orr_value v = orr_engine_fact_field(coord->engine, type, i, field);
        if (v.kind != ORR_KIND_FLOAT ||
            orr_engine_request_of(coord->engine, type, i) != request ||
            !orr_value_equal(orr_engine_fact_field(coord->engine, type, i, key_field),
                             key))
            continue;
        group.sum += v.as.f;
        if (group.n == 0 || v.as.f < group.least)
            group.least = v.as.f;
        group.n++;
    }
    return group;
}

static bool feeds_output(const struct orr_graph *graph, uint32_t type)
{
    for (uint32_t r = 0; r < graph->n_rules; r++)
        if (graph->rules[r].gather.name && graph->rules[r].gather.fact == type)
            return true;
    return false;
}

/* Only what was gathered counts: trials that were given up are not in the result. */
static void print_groups(struct orr_coord *coord, const char *key_name,
                         struct orr_value key, uint32_t request, struct orr_text *out)
{
    const struct orr_graph *graph = coord->setup.graph;
    for (uint32_t t = 1; t < graph->n_facts; t++) {
        const struct orr_record_type *record = graph->facts[t].record;
        int key_field = orr_record_field(record, key_name);
        if (key_field < 0 || !feeds_output(graph, t))
            continue;
        for (uint32_t f = 0; f < record->n_fields; f++) {
            if (record->fields[f].type->kind != ORR_KIND_FLOAT)
                continue;
            struct group g =
                gather_field(coord, t, (uint32_t)key_field, f, key, request);
            if (g.n)
                orr_text_printf(out, "  %s mean %.4g, least %.4g of %" PRIu64,
                                record->fields[f].name, g.sum / (double)g.n, g.least,
                                g.n);
        }
    }
}

static void print_fact(struct orr_coord *coord, uint32_t type, uint32_t index,
                       struct orr_text *out)
{
    uint32_t request = orr_engine_request_of(coord->engine, type, index);
    struct orr_value fact =
        orr_engine_fact(coord->engine, type, index, &coord->scratch);
    const struct orr_record_type *record = fact.as.record->type;
    uint32_t key = first_text_field(record);
    orr_text_puts(out, " ");
    if (coord->setup.n_requests > 1)
        orr_text_printf(out, " request %u:", request);
    for (uint32_t f = 0; f < record->n_fields; f++) {
        orr_text_printf(out, " %s ", record->fields[f].name);
        orr_value_format(fact.as.record->fields[f], out);
    }
    if (key != ORR_NONE)
        print_groups(coord, record->fields[key].name, fact.as.record->fields[key],
                     request, out);
    orr_text_puts(out, "\n");
    orr_arena_reset(&coord->scratch);
}

void orri_summarise_outputs(struct orr_coord *coord, struct orr_text *out)
{
    const struct orr_graph *graph = coord->setup.graph;
    for (uint32_t o = 0; o < graph->n_outputs; o++) {
        uint32_t type = graph->outputs[o].fact;
        uint32_t n = orr_engine_facts(coord->engine, type);
        orr_text_printf(out, "%s (%u)\n", graph->outputs[o].name, n);
        for (uint32_t i = 0; i < n && i < ROWS_SHOWN; i++)
            print_fact(coord, type, i, out);
        if (n > ROWS_SHOWN)
            orr_text_printf(out, "  ... and %u more: orrery ls %s facts/%s\n",
                            n - ROWS_SHOWN, coord->setup.run_dir,
                            graph->facts[type].name);
    }
}

enum { PROBLEMS_SHOWN = 20 };

void orri_list_problems(struct orr_coord *coord, struct orr_text *out)
{
    uint32_t n = 0;
    if (coord->stopped_by)
        orr_text_printf(out, "%s\n", coord->stopped_by);
    for (uint32_t r = 0; r < orr_engine_requests(coord->engine); r++) {
        struct orr_text why = ORR_TEXT_INIT;
        if (coord->status.state == ORR_RUN_FAILED &&
            orr_engine_request_state(coord->engine, r, &why) == ORR_REQUEST_FAILED &&
            n++ < PROBLEMS_SHOWN) {
            if (coord->setup.n_requests > 1)
                orr_text_printf(out, "request %u: ", r);
            orr_text_printf(out, "%s\n", why.s ? why.s : "failed");
        }
        orr_text_release(&why);
    }
    if (n > PROBLEMS_SHOWN)
        orr_text_printf(out, "and %u more requests failed: orrery ls %s requests\n",
                        n - PROBLEMS_SHOWN,
                        coord->setup.run_dir ? coord->setup.run_dir : "RUN");
}
