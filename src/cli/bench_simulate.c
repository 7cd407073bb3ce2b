/* bench_simulate.c - orrery bench simulate: many equal tasks on a cluster that is not
 * there, and the shortest tasks that rank 0 still keeps it busy with
 * Owns nothing. */
#include "base/clock.h"
#include "base/memory.h"
#include "cli/amounts.h"
#include "cli/bench.h"
#include "cli/simulation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char workflow[] =
    "orrery: 1\nworkflow: simulated\n"
    "inputs:\n  n: {type: int, default: 1000}\n"
    "facts:\n  item: {i: int}\n  made: {i: int}\n"
    "functions:\n"
    "  work: {in: {i: int}, out: {i: int}, stdout: json, command: [work, \"{i}\"],\n"
    "         example: {i: i}}\n"
    "rules:\n"
    "  - rule: expand\n    match: {j: job}\n    then:\n"
    "      - {for: i in range(j.n), assert: item, with: {i: i}}\n"
    "  - rule: work\n    match: {t: item}\n"
    "    action: {call: work, with: {i: t.i}}\n"
    "    reaction: [{assert: made, with: {i: result.i}}]\n"
    "outputs:\n  made: {each: made}\n";

static orr_status read_text(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    (void)context, (void)path, (void)err;
    orr_text_puts(out, workflow);
    return ORR_OK;
}

static struct orr_graph *compile(void)
{
    struct orr_sources sources = { read_text, NULL };
    struct orr_diags diags = { 0 };
    struct orr_graph *graph =
        orr_graph_compile("bench.yaml", &sources, orri_registry(), &diags);
    if (!graph)
        ORR_BUG("the workflow of the benchmark does not compile");
    orr_diags_release(&diags);
    return graph;
}

orr_status orri_simulate_equal(const struct orri_cluster *cluster, long tasks,
                               double mean, struct orr_sim_result *out,
                               struct orr_error *err)
{
    struct orr_graph *graph = compile();
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_answers answers = { .graph = graph };
    struct orr_record *inputs = orr_record_new(&arena, graph->facts[0].record);
    inputs->fields[0] = orr_int(tasks);
    struct orr_value request = orr_value_of_record(inputs);
    struct orr_sim_setup setup = { .graph = graph,
                                   .requests = &request,
                                   .n_requests = 1,
                                   .name = "simulated",
                                   .nodes = cluster->nodes,
                                   .cores = cluster->cores,
                                   .memory = cluster->memory,
                                   .gpus = cluster->gpus,
                                   .costs = cluster->costs,
                                   .times = cluster->times,
                                   .answers = &answers,
                                   .seed = cluster->seed };
    setup.times.mean = mean;
    orr_status status = orr_simulate(&setup, out, err);
    orr_text_release(&out->problems);
    orr_answers_release(&answers);
    orr_arena_release(&arena);
    orr_graph_free(graph);
    return status;
}

/* Between a mean that is too short and one that is long enough, to 5 %. */
static orr_status find_least(const struct orri_cluster *cluster, long tasks,
                             double wanted, double *mean, struct orr_sim_result *best,
                             struct orr_error *err)
{
    static const double stride = 1.5;
    static const double least = 1e-4;
    static const double most = 1000;
    double low = 0;
    double high = 0;
    double at = cluster->times.mean;
    while (high == 0 || low == 0 || high / low > 1.05) {
        struct orr_sim_result result;
        orr_status status = orri_simulate_equal(cluster, tasks, at, &result, err);
        if (status != ORR_OK)
            return status;
        bool good = result.efficiency >= wanted;
        *(good ? &high : &low) = at;
        if (good)
            *best = result;
        if (good && at <= least)
            break;
        if (!good && at >= most)
            return orr_error_set(err, ORR_ERR_FAILED, ORR_NO_SPAN,
                                 "no mean below %.0f s has an efficiency of %.1f %%",
                                 most, wanted * 100);
        at = high == 0 ? at * stride : low == 0 ? at / stride : sqrt(low * high);
    }
    *mean = high;
    return ORR_OK;
}

static void note(const struct orr_sim_result *r, double mean, struct orri_figures *out)
{
    orri_figure(out, "efficiency", 5, r->efficiency, NULL);
    orri_figure(out, "makespan", 6, r->makespan, NULL);
    orri_figure(out, "mean", 9, mean, NULL);
    orri_figure(out, "tasks_per_second", 1, r->rate, NULL);
    orri_figure(out, "coordinator_busy", 5, r->coordinator_busy, NULL);
    orri_figure(out, "coordinator_us_per_task", 3, r->coordinator_us, NULL);
    orri_figure(out, "measured_busy", 5, r->measured_busy, NULL);
    orri_figure(out, "measured_us_per_task", 3, r->measured_us, NULL);
    orri_figure(out, "agent_busy", 5, r->agent_busy, NULL);
    orri_figure(out, "peak_bytes", 0, (double)r->peak_bytes, NULL);
    orri_figure(out, "process_peak_bytes", 0, (double)r->process_bytes, NULL);
    orri_figure(out, "messages", 0, (double)(r->messages_up + r->messages_down), NULL);
    orri_figure(out, "delay_mean", 6, r->delay_mean, NULL);
}

static int run(const struct orr_line *line, struct orri_figures *out)
{
    struct orri_cluster cluster;
    struct orr_sim_result result = { 0 };
    struct orr_error err = { 0 };
    long tasks = 0;
    double wanted = 0;
    if (!orri_cluster_read(line, 512, 128, &cluster) ||
        !orri_number(line, "tasks", 1, 100000000, 1000000, &tasks) ||
        !orri_part(line, "least", 0, &wanted))
        return ORR_EXIT_INPUT;
    if (cluster.times.mean <= 0)
        cluster.times.mean = 5;
    if (!orri_option(line, "spread") && !orri_option(line, "distribution")) {
        cluster.times.distribution = ORR_DISTRIBUTION_UNIFORM;
        cluster.times.spread = 0.5;
    }
    double mean = cluster.times.mean;
    int64_t began = orr_clock_cpu();
    orr_status status = wanted > 0
                            ? find_least(&cluster, tasks, wanted, &mean, &result, &err)
                            : orri_simulate_equal(&cluster, tasks, mean, &result, &err);
    if (status == ORR_OK) {
        note(&result, mean, out);
        orri_figure(out, "cpu_seconds", 2, (double)(orr_clock_cpu() - began) / 1e9,
                    NULL);
        orri_sim_print(&result, &cluster, &out->lines);
        orr_text_printf(&out->lines, "mean        %.6g s an attempt\n", mean);
        orr_text_printf(&out->environment,
                        ", \"simulated_nodes\": %u, \"simulated_cores\": %u, "
                        "\"tasks\": %ld",
                        cluster.nodes, cluster.cores, tasks);
    }
    return status == ORR_OK ? ORR_EXIT_OK : orri_complain(&err);
}

const struct orri_bench orri_bench_simulate = {
    .name = "simulate",
    .summary = "equal tasks on a cluster that is not there",
    .run = run,
};
