/* dryrun.c - orrery run --dry-run: which tasks a job would start, and what they cost
 * Owns: the figures of each function. Hands on: the rules themselves (rehearse). */
#include "cli/dryrun.h"

#include "base/memory.h"
#include "cli/answered.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS_SHOWN = 20, PROBLEMS_SHOWN = 20, ATTEMPTS_MAX = 20 * 1000 * 1000 };

struct figures { /* of one function */
    uint64_t tasks;
    uint64_t attempts;
    uint64_t open; /* tasks that nobody answered */
    uint32_t first_open;
    double core_seconds; /* of those that are known */
    uint64_t unknown;    /* tasks without a time */
    bool measured;       /* some of it by the earlier run */
};

struct dry_run {
    const struct orr_job *job;
    const struct orr_graph *graph;
    struct orr_rehearsal *rehearsal;
    struct orr_engine *engine;
    struct orri_answered answered;
    struct figures *figures; /* per function */
    struct figures total;
    uint32_t states[ORR_REQUEST_FAILED + 1]; /* requests, by state */
    long limit;                              /* tasks listed; 0: all */
    struct orr_text out;
};

/* ---- figures ---- */

static void count_task(struct dry_run *d, uint32_t id)
{
    const struct orr_rehearsed *task = orr_rehearsal_task(d->rehearsal, id);
    if (!task->attempts)
        return;
    uint32_t function = orr_engine_task(d->engine, (orr_task_id) { id })->function;
    struct figures *f = &d->figures[function];
    double seconds = task->by == ORR_ANSWERED_RULES
                         ? 0 /* its functions are counted by themselves */
                         : orri_seconds_of(&d->answered, id, &f->measured);
    if (task->by == ORR_ANSWERED_NONE && f->open++ == 0)
        f->first_open = id;
    f->tasks++;
    f->attempts += task->attempts;
    if (isnan(seconds))
        f->unknown++;
    else
        f->core_seconds +=
            seconds * task->attempts * d->graph->functions[function].cores;
}

static void count_all(struct dry_run *d)
{
    d->figures = orr_alloc(d->graph->n_functions, sizeof *d->figures);
    for (uint32_t i = 0; i < orr_engine_tasks(d->engine); i++)
        count_task(d, i);
    for (uint32_t i = 0; i < d->graph->n_functions; i++) {
        d->total.tasks += d->figures[i].tasks;
        d->total.attempts += d->figures[i].attempts;
        d->total.open += d->figures[i].open;
        d->total.unknown += d->figures[i].unknown;
        d->total.core_seconds += d->figures[i].core_seconds;
    }
    for (uint32_t r = 0; r < d->job->n_requests; r++)
        d->states[orr_engine_request_state(d->engine, r, NULL)]++;
}

/* ---- text ---- */

static void print_seconds(const struct figures *f, struct orr_text *out)
{
    char number[40] = "?";
    if (f->unknown == 0 || f->core_seconds > 0)
        (void)snprintf(number, sizeof number, "%.1f%s", f->core_seconds,
                       f->unknown ? "+?" : "");
    orr_text_printf(out, "%14s", number);
}

static void print_row(const char *name, const struct figures *f, int width,
                      struct orr_text *out)
{
    orr_text_printf(out, "%-*s %10" PRIu64 " %10" PRIu64 " ", width, name, f->tasks,
                    f->attempts);
    print_seconds(f, out);
    if (f->measured)
        orr_text_puts(out, "  measured");
    if (f->open)
        orr_text_printf(out, "  %" PRIu64 " not answered", f->open);
    orr_text_puts(out, "\n");
}

static void print_functions(struct dry_run *d)
{
    int width = 8;
    for (uint32_t i = 0; i < d->graph->n_functions; i++)
        if ((int)strlen(d->graph->functions[i].name) > width)
            width = (int)strlen(d->graph->functions[i].name);
    orr_text_printf(&d->out, "%-*s %10s %10s %14s\n", width, "function", "tasks",
                    "attempts", "core-seconds");
    for (uint32_t i = 0; i < d->graph->n_functions; i++)
        print_row(d->graph->functions[i].name, &d->figures[i], width, &d->out);
    print_row("all", &d->total, width, &d->out);
}

static void print_task(struct dry_run *d, uint32_t id)
{
    const struct orr_rehearsed *task = orr_rehearsal_task(d->rehearsal, id);
    orr_text_puts(&d->out, "  ");
    orr_rehearsal_print_task(d->rehearsal, id, &d->out);
    orr_text_printf(&d->out, "  [%s", orr_answerer_text[task->by]);
    if (task->attempts > 1)
        orr_text_printf(&d->out, ", %u attempts", task->attempts);
    if (task->delay)
        orr_text_printf(&d->out, ", %.1f s of waiting", (double)task->delay * 1e-9);
    orr_text_printf(&d->out, "]%s%s\n", task->why ? " " : "",
                    task->why ? task->why : "");
}

static void print_tasks(struct dry_run *d)
{
    uint64_t shown = 0;
    orr_text_puts(&d->out, "\ntasks\n");
    for (uint32_t i = 0; i < orr_engine_tasks(d->engine); i++) {
        if (!orr_rehearsal_task(d->rehearsal, i)->attempts)
            continue;
        if (d->limit && shown == (uint64_t)d->limit)
            break;
        print_task(d, i);
        shown++;
    }
    if (shown < d->total.tasks)
        orr_text_printf(&d->out, "  ... and %" PRIu64 " more: --limit 0 lists all\n",
                        d->total.tasks - shown);
}

static void print_outputs(struct dry_run *d)
{
    orr_text_puts(&d->out, "\noutputs\n");
    for (uint32_t i = 0; i < d->graph->n_outputs; i++) {
        const struct orr_output *output = &d->graph->outputs[i];
        uint32_t n = orr_engine_facts(d->engine, output->fact);
        orr_text_printf(&d->out, "  %s: %u fact%s '%s'\n", output->name, n,
                        n == 1 ? "" : "s", d->graph->facts[output->fact].name);
    }
}

static void print_requests(struct dry_run *d)
{
    static const char *const words[] = { [ORR_REQUEST_RUNNING] = "unknown",
                                         [ORR_REQUEST_SUCCEEDED] = "would succeed",
                                         [ORR_REQUEST_FAILED] = "would fail" };
    static const enum orr_request_state order[] = { ORR_REQUEST_SUCCEEDED,
                                                    ORR_REQUEST_FAILED,
                                                    ORR_REQUEST_RUNNING };
    uint32_t shown = 0;
    orr_text_printf(&d->out, "\n%u request%s", d->job->n_requests,
                    d->job->n_requests == 1 ? "" : "s");
    for (size_t i = 0; i < 3; i++)
        if (d->states[order[i]])
            orr_text_printf(&d->out, ", %u %s", d->states[order[i]], words[order[i]]);
    orr_text_puts(&d->out, "; nothing was started\n");
    for (uint32_t r = 0; r < d->job->n_requests; r++) {
        struct orr_text why = ORR_TEXT_INIT;
        enum orr_request_state state = orr_engine_request_state(d->engine, r, &why);
        if (state == ORR_REQUEST_FAILED && shown++ < PROBLEMS_SHOWN)
            orr_text_printf(&d->out, "request %u would fail: %s\n", r,
                            why.s ? why.s : "");
        orr_text_release(&why);
    }
    if (shown > PROBLEMS_SHOWN)
        orr_text_printf(&d->out, "and %u more\n", shown - PROBLEMS_SHOWN);
}

/* The results that rules read, as they would be written. */
static void print_wanted(const struct orr_graph *graph, uint32_t function,
                         struct orr_text *out)
{
    const struct orr_record_type *results = graph->functions[function].results;
    const char *between = "";
    for (uint32_t i = 0; i < results->n_fields; i++) {
        if (!orr_graph_reads(graph, function, i))
            continue;
        orr_text_printf(out, "%s%s: ", between, results->fields[i].name);
        orr_type_print(results->fields[i].type, out);
        between = ", ";
    }
}

static void print_advice(struct dry_run *d)
{
    for (uint32_t i = 0; i < d->graph->n_functions; i++) {
        const struct orr_graph_function *f = &d->graph->functions[i];
        if (!d->figures[i].open)
            continue;
        const struct orr_rehearsed *task =
            orr_rehearsal_task(d->rehearsal, d->figures[i].first_open);
        if (task->why) {
            orr_text_printf(&d->out, "the example of '%s' cannot be computed: %s\n",
                            f->name, task->why);
            continue;
        }
        orr_text_printf(&d->out,
                        "'%s' has no example, and what follows from it is unknown; "
                        "give values for\n  example: {",
                        f->name);
        print_wanted(d->graph, i, &d->out);
        orr_text_puts(&d->out, "}\n");
    }
}

static void print_text(struct dry_run *d)
{
    print_functions(d);
    print_tasks(d);
    print_outputs(d);
    print_requests(d);
    print_advice(d);
    if (orr_rehearsal_cut(d->rehearsal))
        orr_text_printf(&d->out,
                        "the rules ask for more than %d attempts: this is only the "
                        "beginning\n",
                        ATTEMPTS_MAX);
}

/* ---- JSON ---- */

static void put_string(struct orr_text *out, const char *name, const char *s)
{
    orr_text_printf(out, "\"%s\": ", name);
    orr_text_json(out, s, strlen(s));
}

static void put_figures(struct orr_text *out, const char *name, const struct figures *f)
{
    orr_text_puts(out, "{");
    put_string(out, "function", name);
    orr_text_printf(
        out, ", \"tasks\": %" PRIu64 ", \"attempts\": %" PRIu64 ", \"core_seconds\": ",
        f->tasks, f->attempts);
    if (f->unknown)
        orr_text_puts(out, "null");
    else
        orr_text_printf(out, "%.9g", f->core_seconds);
    orr_text_printf(out, ", \"not_answered\": %" PRIu64 "}", f->open);
}

static void put_task(struct dry_run *d, uint32_t id)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    const struct orr_rehearsed *task = orr_rehearsal_task(d->rehearsal, id);
    const struct orr_task *known = orr_engine_task(d->engine, (orr_task_id) { id });
    char identity[ORR_ID_TEXT];
    orr_id_text(known->identity, identity);
    orr_text_puts(&d->out, "{");
    put_string(&d->out, "function", d->graph->functions[known->function].name);
    orr_text_puts(&d->out, ", ");
    put_string(&d->out, "identity", identity);
    orr_text_printf(&d->out, ", \"request\": %u, \"attempts\": %u, ", known->request,
                    task->attempts);
    put_string(&d->out, "answered", orr_answerer_text[task->by]);
    orr_text_printf(&d->out,
                    ", \"delay\": %.9g, \"args\": ", (double)task->delay * 1e-9);
    orr_value_json(orr_rehearsal_args(d->rehearsal, id, &arena), &d->out);
    orr_text_puts(&d->out, "}");
    orr_arena_release(&arena);
}

static void put_tasks(struct dry_run *d)
{
    uint64_t shown = 0;
    orr_text_puts(&d->out, ",\n  \"tasks\": [");
    for (uint32_t i = 0; i < orr_engine_tasks(d->engine); i++) {
        if (!orr_rehearsal_task(d->rehearsal, i)->attempts)
            continue;
        if (d->limit && shown == (uint64_t)d->limit)
            break;
        orr_text_puts(&d->out, shown++ ? ",\n    " : "\n    ");
        put_task(d, i);
    }
    orr_text_puts(&d->out, "]");
}

static void put_requests(struct dry_run *d)
{
    static const char *const words[] = { [ORR_REQUEST_RUNNING] = "unknown",
                                         [ORR_REQUEST_SUCCEEDED] = "succeeded",
                                         [ORR_REQUEST_FAILED] = "failed" };
    orr_text_puts(&d->out, ",\n  \"requests\": [");
    for (uint32_t r = 0; r < d->job->n_requests; r++) {
        struct orr_text why = ORR_TEXT_INIT;
        enum orr_request_state state = orr_engine_request_state(d->engine, r, &why);
        orr_text_puts(&d->out, r ? ", {" : "{");
        put_string(&d->out, "state", words[state]);
        orr_text_puts(&d->out, ", ");
        put_string(&d->out, "reason", why.s ? why.s : "");
        orr_text_puts(&d->out, "}");
        orr_text_release(&why);
    }
    orr_text_puts(&d->out, "]");
}

static void print_json(struct dry_run *d)
{
    orr_text_puts(&d->out, "{");
    put_string(&d->out, "workflow", d->graph->name);
    orr_text_printf(&d->out, ", \"complete\": %s,\n  \"functions\": [",
                    orr_rehearsal_cut(d->rehearsal) ? "false" : "true");
    for (uint32_t i = 0; i < d->graph->n_functions; i++) {
        orr_text_puts(&d->out, i ? ",\n    " : "\n    ");
        put_figures(&d->out, d->graph->functions[i].name, &d->figures[i]);
    }
    orr_text_puts(&d->out, "]");
    put_tasks(d);
    orr_text_puts(&d->out, ",\n  \"outputs\": [");
    for (uint32_t i = 0; i < d->graph->n_outputs; i++) {
        orr_text_puts(&d->out, i ? ", {" : "{");
        put_string(&d->out, "output", d->graph->outputs[i].name);
        orr_text_printf(&d->out, ", \"facts\": %u}",
                        orr_engine_facts(d->engine, d->graph->outputs[i].fact));
    }
    orr_text_puts(&d->out, "]");
    put_requests(d);
    orr_text_puts(&d->out, "}\n");
}

/* ---- the whole ---- */

static bool all_succeed(const struct dry_run *d)
{
    return d->states[ORR_REQUEST_SUCCEEDED] == d->job->n_requests &&
           !orr_rehearsal_cut(d->rehearsal);
}

int orri_dry_run(const struct orr_line *line, const struct orr_job *job)
{
    struct dry_run d = { .job = job, .graph = job->graph };
    struct orr_error err = { 0 };
    bool json = orri_has(line, "json");
    if (!orri_number(line, "limit", 0, INT32_MAX, json ? 0 : TASKS_SHOWN, &d.limit))
        return ORR_EXIT_INPUT;
    orr_status status =
        orri_answer_job(job->graph, job->requests, job->n_requests,
                        orri_option(line, "costs"), ATTEMPTS_MAX, &d.answered, &err);
    if (status != ORR_OK)
        return orri_complain(&err);
    d.rehearsal = d.answered.rehearsal;
    d.engine = orr_rehearsal_engine(d.rehearsal);
    count_all(&d);
    if (json) {
        print_json(&d);
        (void)fputs(d.out.s, stdout);
    } else {
        print_text(&d);
        orr_text_print(stdout, d.out.s);
    }
    int code = all_succeed(&d) ? ORR_EXIT_OK : ORR_EXIT_FAILED;
    orri_answered_release(&d.answered);
    free(d.figures);
    orr_text_release(&d.out);
    return code;
}
