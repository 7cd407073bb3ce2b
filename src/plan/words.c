/* words.c - parts of a plan as text, the same wherever they are printed; owns nothing
 */
#include "plan/internal.h"

#include "base/clock.h"

#include <inttypes.h>
#include <math.h>

const char *orri_form(const struct orr_graph_function *f)
{
    switch (f->form) {
    case ORR_FORM_USE: return f->native->name;
    case ORR_FORM_COMMAND: return "command";
    case ORR_FORM_SHELL: return "shell";
    default: return "workflow";
    }
}

static void put_duration(struct orr_text *out, const char *name, int64_t ns)
{
    char text[ORR_TIME_TEXT];
    if (ns == 0)
        return;
    orr_duration_text((double)ns / 1e9, text);
    orr_text_printf(out, ", %s %s", name, text);
}

static void put_size(struct orr_text *out, const char *name, int64_t bytes)
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

void orri_put_resources(const struct orr_graph *graph,
                        const struct orr_graph_function *f, struct orr_text *out)
{
    if (f->form == ORR_FORM_WORKFLOW) {
        orr_text_printf(out, "%s, pool %s", f->workflow->name,
                        graph->pools[f->pool].name);
        return;
    }
    orr_text_printf(out, "pool %s, %" PRIu32 " core%s", graph->pools[f->pool].name,
                    f->cores, f->cores == 1 ? "" : "s");
    put_size(out, "memory", f->memory);
    if (f->gpus)
        orr_text_printf(out, ", %" PRIu32 " gpus", f->gpus);
    put_duration(out, "timeout", f->timeout);
    if (f->retries)
        orr_text_printf(out, ", %" PRIu32 " retr%s", f->retries,
                        f->retries == 1 ? "y" : "ies");
    put_duration(out, "delay", f->retry_delay);
    if (f->priority)
        orr_text_printf(out, ", priority %" PRId64, f->priority);
    if (f->batch)
        orr_text_printf(out, ", batch %" PRIu32, f->batch);
    if (f->warm)
        orr_text_printf(out, ", warm %" PRIu32, f->warm);
    orr_text_printf(out, "%s%s%s", f->opportunistic ? ", opportunistic" : "",
                    f->isolated ? "" : ", in the worker",
                    f->content_identity ? ", identity by content" : "");
}

void orri_put_conditions(struct orr_expr *const *list, uint32_t n, struct orr_text *out)
{
    for (uint32_t i = 0; i < n; i++) {
        orr_text_puts(out, i ? " and " : "");
        orr_expr_print(list[i], out);
    }
}

void orri_put_call(const struct orr_graph *graph, const struct orr_rule *rule,
                   struct orr_text *out)
{
    const struct orr_graph_function *f = &graph->functions[rule->function];
    bool first = true;
    orr_text_printf(out, "%s(", f->name);
    for (uint32_t i = 0; i < f->params->n_fields; i++) {
        if (!rule->args[i])
            continue;
        orr_text_printf(out, "%s%s: ", first ? "" : ", ", f->params->fields[i].name);
        orr_expr_print(rule->args[i], out);
        first = false;
    }
    orr_text_puts(out, ")");
}

static void put_time(double seconds, struct orr_text *out)
{
    char text[ORR_TIME_TEXT];
    orr_duration_text(seconds, text);
    orr_text_puts(out, text);
}

void orri_put_path(const struct orr_plan *plan, struct orr_text *out)
{
    enum { SHOWN = 12 };
    const struct orr_graph *g = plan->graph;
    for (uint32_t i = 0; i < plan->n_path; i++) {
        if (i == SHOWN / 2 && plan->n_path > SHOWN) {
            orr_text_printf(out, " -> ... (%" PRIu32 " more)", plan->n_path - SHOWN);
            i = plan->n_path - SHOWN / 2;
        }
        orr_text_printf(out, "%s%s", i ? " -> " : "",
                        g->functions[g->rules[plan->path[i].rule].function].name);
    }
    if (plan->n_path)
        orr_text_printf(out, ": %" PRIu32 " call%s in a row", plan->n_path,
                        plan->n_path == 1 ? "" : "s");
    if (plan->n_path && !isnan(plan->path_seconds)) {
        orr_text_puts(out, ", ");
        put_time(plan->path_seconds, out);
    }
}

void orri_put_totals(const struct orr_plan *plan, struct orr_text *out)
{
    orr_text_printf(out, "%" PRIu64 " task%s of %" PRIu32 " request%s", plan->tasks,
                    plan->tasks == 1 ? "" : "s", plan->requests,
                    plan->requests == 1 ? "" : "s");
    if (!isnan(plan->core_seconds))
        orr_text_printf(out, ", %.3g core-hours", plan->core_seconds / 3600);
    if (plan->open)
        orr_text_puts(out, "; more may follow: some calls have no example");
}
