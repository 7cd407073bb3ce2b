/* plan.c - `orrery topo`; owns nothing */
#include "topo/plan.h"

#include "base/memory.h"
#include "base/resources.h"

#include <inttypes.h>
#include <stdlib.h>

static void put_count(struct orr_text *out, uint32_t n, const char *what)
{
    orr_text_printf(out, "%" PRIu32 " %s%s", n, what, n == 1 ? "" : "s");
}

static uint32_t count_gpus(const struct orr_topo_plan *plan)
{
    return plan->gpus ? orr_gpus_count(plan->gpus) : orr_topo_gpus(plan->topo);
}

static void put_machine(const struct orr_topo_plan *plan, struct orr_text *out)
{
    put_count(out, orr_topo_cores(plan->topo), "core");
    orr_text_puts(out, ", ");
    put_count(out, orr_topo_threads(plan->topo), "hardware thread");
    orr_text_puts(out, ", ");
    put_count(out, orr_topo_numas(plan->topo), "NUMA domain");
    if (orr_topo_memory(plan->topo)) { /* made-up machines may have none */
        orr_text_puts(out, ", ");
        orr_size_print(out, orr_topo_memory(plan->topo));
        orr_text_puts(out, " of memory");
    }
    if (count_gpus(plan)) {
        orr_text_puts(out, ", ");
        put_count(out, count_gpus(plan), "GPU");
    }
    orr_text_puts(out, "\n");
}

static void put_gpus(const struct orr_topo_plan *plan, struct orr_text *out)
{
    uint32_t n = count_gpus(plan);
    if (n == 0)
        return;
    orr_text_puts(out, "GPUs");
    for (uint32_t i = 0; i < n && plan->gpus; i++)
        orr_text_printf(out, "%s %s", i ? "," : "", orr_gpus_name(plan->gpus, i));
    for (uint32_t i = 0; i < n && !plan->gpus; i++)
        orr_text_printf(out, "%s %s (NUMA %" PRIu32 ")", i ? "," : "",
                        orr_topo_gpu_name(plan->topo, i),
                        orr_topo_gpu_numa(plan->topo, i));
    if (plan->gpus)
        orr_text_printf(out, " (by %s)", orr_gpus_source(plan->gpus));
    orr_text_puts(out, "\n");
}

static void put_rank(const struct orr_topo_plan *plan, uint32_t worker, uint32_t *cores,
                     struct orr_text *out)
{
    uint32_t all = orr_topo_cores(plan->topo);
    uint32_t first = worker * plan->cores_each % all;
    uint32_t last = (worker * plan->cores_each + plan->cores_each - 1) % all;
    struct orr_text range = ORR_TEXT_INIT;
    for (uint32_t i = 0; i < plan->cores_each; i++)
        cores[i] = worker * plan->cores_each + i;
    orr_text_printf(&range, "%" PRIu32, first);
    if (last != first)
        orr_text_printf(&range, "-%" PRIu32, last);
    orr_text_printf(out, "%4" PRIu32 "  %4s  %4" PRIu32 "  ", worker + 1, range.s,
                    orr_topo_numa_of(plan->topo, first));
    if (plan->bound)
        orr_topo_cpus(plan->topo, cores, plan->cores_each, out);
    else
        orr_text_puts(out, "any");
    orr_text_printf(out, "%s\n", worker == 0 ? " (agent and worker)" : "");
    orr_text_release(&range);
}

void orr_topo_plan_print(const struct orr_topo_plan *plan, struct orr_text *out)
{
    uint32_t fit = orr_topo_cores(plan->topo) / plan->cores_each;
    uint32_t workers = plan->workers ? plan->workers : fit ? fit : 1;
    uint32_t *cores = orr_alloc(plan->cores_each, sizeof *cores);
    put_machine(plan, out);
    put_gpus(plan, out);
    orr_text_puts(out, "rank  core  NUMA  CPUs\n");
    orr_text_puts(out, "   0     -     -  any (coordinator)\n");
    for (uint32_t i = 0; i < workers; i++)
        put_rank(plan, i, cores, out);
    free(cores);
}
