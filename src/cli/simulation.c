/* simulation.c - options and figures of simulations; owns nothing */
#include "cli/simulation.h"

#include "base/clock.h"
#include "cli/amounts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- options ---- */

static bool read_distribution(const struct orr_line *line, struct orr_sim_times *times)
{
    const char *name = orri_option(line, "distribution");
    times->distribution =
        times->spread > 0 ? ORR_DISTRIBUTION_UNIFORM : ORR_DISTRIBUTION_CONSTANT;
    if (!name)
        return true;
    for (int i = 0; i <= ORR_DISTRIBUTION_LOGNORMAL; i++)
        if (strcmp(orr_distribution_text[i], name) == 0) {
            times->distribution = (enum orr_distribution)i;
            return true;
        }
    (void)fprintf(stderr,
                  "orrery %s: --distribution is constant, uniform, exponential or "
                  "lognormal, not '%s'\n",
                  line->command->name, name);
    return false;
}

static bool read_times(const struct orr_line *line, struct orr_sim_times *times)
{
    if (!orri_seconds(line, "mean", 0, &times->mean) ||
        !orri_part(line, "spread", 0, &times->spread) ||
        !read_distribution(line, times))
        return false;
    if (times->distribution != ORR_DISTRIBUTION_UNIFORM || times->spread <= 1)
        return true;
    (void)fprintf(stderr,
                  "orrery %s: --spread is 100%% at most for a uniform distribution\n",
                  line->command->name);
    return false;
}

static bool read_costs(const struct orr_line *line, struct orr_sim_costs *costs)
{
    const char *path = orri_option(line, "calibration");
    struct orr_error err = { 0 };
    double seconds = 0;
    double bytes = 0;
    *costs = orr_sim_costs_default();
    if (path && orr_sim_costs_read(path, costs, &err) != ORR_OK) {
        (void)orri_complain(&err);
        return false;
    }
    if (!orri_seconds(line, "latency", costs->latency_ns * 1e-9, &seconds) ||
        !orri_bytes(line, "bandwidth", 0, &bytes))
        return false;
    costs->latency_ns = seconds * 1e9;
    if (bytes > 0)
        costs->network_ns_per_byte = 1e9 / bytes;
    return true;
}

enum { CORES_MOST = 16 << 20 };

bool orri_cluster_read(const struct orr_line *line, long nodes, long cores,
                       struct orri_cluster *out)
{
    long seed = 0;
    long gpus = 0;
    double memory = 0;
    *out = (struct orri_cluster) { 0 };
    if (!orri_number(line, "nodes", 1, 1000000, nodes, &nodes) ||
        !orri_number(line, "cores", 1, 65536, cores, &cores) ||
        !orri_number(line, "seed", 0, INT32_MAX, 1, &seed) ||
        !orri_number(line, "gpus", 0, 1024, 0, &gpus) ||
        !orri_bytes(line, "memory", 0, &memory) || !read_times(line, &out->times) ||
        !read_costs(line, &out->costs))
        return false;
    if (nodes * cores > CORES_MOST) {
        (void)fprintf(
            stderr,
            "orrery %s: %ld nodes of %ld cores are more than the %d cores that "
            "can be simulated\n",
            line->command->name, nodes, cores, CORES_MOST);
        return false;
    }
    out->nodes = (uint32_t)nodes;
    out->cores = (uint32_t)cores;
    out->memory = (uint64_t)memory;
    out->gpus = (uint32_t)gpus;
    out->seed = (uint64_t)seed;
    return true;
}

/* ---- figures ---- */

static void print_time(const char *name, double seconds, struct orr_text *out)
{
    char text[ORR_TIME_TEXT];
    orr_duration_text(seconds, text);
    orr_text_printf(out, "%-12s%s\n", name, text);
}

void orri_sim_print(const struct orr_sim_result *r, const struct orri_cluster *c,
                    struct orr_text *out)
{
    const struct orr_run_status *s = &r->status;
    orr_text_printf(out, "simulated   %" PRIu32 " nodes of %" PRIu32 " cores: %s\n",
                    c->nodes, c->cores, orr_run_state_text(s->state));
    print_time("makespan", r->makespan, out);
    orr_text_printf(out,
                    "efficiency  %.2f %%: %.6g core-seconds of work in %.6g; %.6g more "
                    "for attempts that did not count\n",
                    r->efficiency * 100, r->work,
                    r->makespan * c->nodes * (double)c->cores, r->waste);
    orr_text_printf(out,
                    "tasks       %" PRIu64 " of %" PRIu64 ", %.6g a second; %" PRIu64
                    " attempts, %" PRIu64 " failed\n",
                    s->done, s->tasks, r->rate, r->attempts, s->failed_attempts);
    if (s->lost_nodes)
        orr_text_printf(out, "lost        %" PRIu32 " node%s\n", s->lost_nodes,
                        s->lost_nodes == 1 ? "" : "s");
    if (s->set_aside || s->forgiven)
        orr_text_printf(out,
                        "set aside   %" PRIu32 " node%s%s%s; %" PRIu64
                        " failed attempts made elsewhere\n",
                        s->set_aside, s->set_aside == 1 ? "" : "s",
                        s->set_aside ? ": " : "", s->set_aside_nodes, s->forgiven);
    if (s->taken_back || s->twins)
        orr_text_printf(out,
                        "tail        %" PRIu64 " attempts taken back from nodes where "
                        "they waited; %" PRIu64 " made on a second node as well, which "
                        "was faster %" PRIu64 " times\n",
                        s->taken_back, s->twins, s->twins_won);
    orr_text_printf(
        out,
        "rank 0      %.2f %% of one core by the calibration (%.2f us a task); "
        "its own steps took %.2f us a task here\n",
        r->coordinator_busy * 100, r->coordinator_us, r->measured_us);
    orr_text_printf(out,
                    "agents      the busiest %.2f %% of one core; %" PRIu64 " syncs\n",
                    r->agent_busy * 100, r->syncs);
    orr_text_printf(
        out, "messages    %" PRIu64 " up (%.3g MB), %" PRIu64 " down (%.3g MB)\n",
        r->messages_up, (double)r->bytes_up / 1e6, r->messages_down,
        (double)r->bytes_down / 1e6);
    orr_text_printf(
        out,
        "queues      ready at rank 0: mean %.0f, most %.0f; waiting at nodes: "
        "mean %.0f, most %.0f\n",
        r->queued_mean, r->queued_most, r->waiting_mean, r->waiting_most);
    orr_text_printf(
        out,
        "delay       from the end of an attempt to rank 0: mean %.1f ms, most "
        "%.1f ms\n",
        r->delay_mean * 1e3, r->delay_most * 1e3);
    orr_text_printf(
        out, "memory      %.1f MiB of rank 0 at most (%.1f MiB with the model)\n",
        (double)r->peak_bytes / 0x1p20, (double)r->process_bytes / 0x1p20);
}

void orri_sim_json(const struct orr_sim_result *r, const struct orri_cluster *c,
                   struct orr_text *out)
{
    const struct orr_run_status *s = &r->status;
    orr_text_printf(out,
                    "\"state\": \"%s\", \"nodes\": %" PRIu32 ", \"cores\": %" PRIu32
                    ", \"seed\": %" PRIu64
                    ", \"makespan\": %.9f, \"efficiency\": %.6f, "
                    "\"work_core_seconds\": %.6f, \"waste_core_seconds\": %.6f, ",
                    orr_run_state_text(s->state), c->nodes, c->cores, c->seed,
                    r->makespan, r->efficiency, r->work, r->waste);
    orr_text_printf(
        out,
        "\"tasks\": %" PRIu64 ", \"done\": %" PRIu64 ", \"attempts\": %" PRIu64
        ", \"failed_attempts\": %" PRIu64 ", \"lost_nodes\": %" PRIu32
        ", \"tasks_per_second\": %.3f, "
        "\"taken_back\": %" PRIu64 ", \"twins\": %" PRIu64 ", \"twins_won\": %" PRIu64
        ", \"set_aside\": %" PRIu32 ", \"forgiven\": %" PRIu64 ", ",
        s->tasks, s->done, r->attempts, s->failed_attempts, s->lost_nodes, r->rate,
        s->taken_back, s->twins, s->twins_won, s->set_aside, s->forgiven);
    orr_text_printf(out,
                    "\"coordinator_busy\": %.6f, \"coordinator_us_per_task\": %.4f, "
                    "\"coordinator_steps\": %" PRIu64 ", \"agent_busy\": %.6f, "
                    "\"messages_up\": %" PRIu64 ", \"messages_down\": %" PRIu64
                    ", \"bytes_up\": %" PRIu64 ", \"bytes_down\": %" PRIu64
                    ", \"syncs\": %" PRIu64 ", ",
                    r->coordinator_busy, r->coordinator_us, r->steps, r->agent_busy,
                    r->messages_up, r->messages_down, r->bytes_up, r->bytes_down,
                    r->syncs);
    orr_text_printf(out,
                    "\"queued_mean\": %.1f, \"queued_most\": %.0f, \"waiting_mean\": "
                    "%.1f, \"waiting_most\": %.0f, \"delay_mean\": %.6f, "
                    "\"delay_most\": %.6f",
                    r->queued_mean, r->queued_most, r->waiting_mean, r->waiting_most,
                    r->delay_mean, r->delay_most);
}
