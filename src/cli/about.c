/* about.c - orrery functions and orrery topo: what there is */
#include "base/text.h"
#include "cli/command.h"
#include "cli/session.h"
#include "topo/plan.h"

#include <stdio.h>
#include <string.h>

static void print_params(const struct orr_function *f)
{
    (void)printf("\narguments:\n");
    for (const struct orr_param *p = f->params; p && p->name; p++)
        (void)printf("  %-14s %-22s %s%s%s\n", p->name, p->type, p->doc,
                     p->fallback ? "; default " : "", p->fallback ? p->fallback : "");
}

static void print_function(const struct orr_function *f)
{
    (void)printf("%s (version %s)\n%s\n", f->name, f->version, f->doc);
    print_params(f);
    (void)printf("\nresults:\n");
    for (const struct orr_result_field *r = f->results; r && r->name; r++)
        (void)printf("  %-14s %-22s %s%s%s%s\n", r->name, r->type, r->doc ? r->doc : "",
                     r->unit ? " [" : "", r->unit ? r->unit : "", r->unit ? "]" : "");
    if (!f->columns)
        return;
    (void)printf("\nstatistics (one row each, in frames/%s of run.h5):\n", f->name);
    for (const struct orr_column *c = f->columns; c->name; c++)
        (void)printf("  %-14s %-4s %s%s%s%s\n", c->name, c->type, c->doc ? c->doc : "",
                     c->unit ? " [" : "", c->unit ? c->unit : "", c->unit ? "]" : "");
}

static int functions_main(const struct orr_line *line)
{
    const struct orr_registry *registry = orri_registry();
    if (line->n_args == 0) {
        for (size_t i = 0; i < registry->n; i++)
            (void)printf("%-22s %s\n", registry->functions[i]->name,
                         registry->functions[i]->doc);
        return ORR_EXIT_OK;
    }
    const struct orr_function *function = orr_registry_find(registry, line->args[0]);
    if (function) {
        print_function(function);
        return ORR_EXIT_OK;
    }
    const char *names[64];
    size_t n = registry->n < 64 ? registry->n : 64;
    for (size_t i = 0; i < n; i++)
        names[i] = registry->functions[i]->name;
    const char *near = orr_text_nearest(line->args[0], names, n);
    (void)fprintf(stderr, "orrery functions: there is no function '%s'%s%s%s\n",
                  line->args[0], near ? "; did you mean '" : "", near ? near : "",
                  near ? "'?" : "");
    return ORR_EXIT_INPUT;
}

static const struct orr_option no_options[] = { { 0 } };

const struct orr_command_entry orri_functions = {
    .name = "functions",
    .arguments = "[NAME]",
    .summary = "list the built-in functions, or describe one",
    .options = no_options,
    .least = 0,
    .most = 1,
    .run = functions_main,
};

/* ---- topo ---- */

bool orri_read_bind(const struct orr_line *line, enum orr_bind *out)
{
    static const char *const words[] = {
        [ORR_BIND_NONE] = "none", [ORR_BIND_CORE] = "core", [ORR_BIND_NUMA] = "numa"
    };
    const char *word = orri_option(line, "bind");
    *out = ORR_BIND_AUTO;
    if (!word)
        return true;
    for (int i = ORR_BIND_NONE; i <= ORR_BIND_NUMA; i++)
        if (strcmp(words[i], word) == 0) {
            *out = (enum orr_bind)i;
            return true;
        }
    (void)fprintf(stderr, "orrery %s: --bind is core, numa or none, not '%s'\n",
                  line->command->name, word);
    return false;
}

static void print_plan(const struct orr_topo_plan *plan)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_topo_plan_print(plan, &text);
    (void)fputs(text.s, stdout);
    orr_text_release(&text);
}

static int topo_main(const struct orr_line *line)
{
    const char *xml = orri_option(line, "xml");
    const char *synthetic = orri_option(line, "synthetic");
    struct orr_topo *topo = NULL;
    struct orr_error err = { 0 };
    enum orr_bind bind = ORR_BIND_AUTO;
    long workers = 0;
    long cores_each = 1;
    if (!orri_number(line, "workers", 1, 100000, 0, &workers) ||
        !orri_number(line, "cores-per-rank", 1, 256, 1, &cores_each) ||
        !orri_read_bind(line, &bind))
        return ORR_EXIT_INPUT;
    if (xml && synthetic) {
        (void)fputs("orrery topo: --xml and --synthetic are two machines: give one\n",
                    stderr);
        return ORR_EXIT_INPUT;
    }
    if (orr_topo_load(xml, synthetic, &topo, &err) != ORR_OK)
        return orri_complain(&err);
    uint32_t cores = orr_topo_cores(topo);
    bind = orr_topo_bind_for(topo, bind,
                             workers ? (uint32_t)(workers * cores_each) : cores);
    orr_topo_set_bind(topo, bind);
    struct orr_gpus *gpus = xml || synthetic ? NULL : orr_gpus_new(0, "");
    print_plan(&(struct orr_topo_plan) { topo, gpus, (uint32_t)workers,
                                         (uint32_t)cores_each, bind != ORR_BIND_NONE });
    orr_gpus_free(gpus);
    orr_topo_free(topo);
    return ORR_EXIT_OK;
}

static const struct orr_option topo_options[] = {
    { "workers", 'n', "N", "plan for N workers (default: one a core)", false },
    { "cores-per-rank", 0, "K", "cores that each of them serves (default 1)", false },
    { "bind", 0, "core|numa|none",
      "how attempts would be pinned (default: to cores, when all are used)", false },
    { "xml", 0, "FILE", "a machine recorded by lstopo, instead of this one", false },
    { "synthetic", 0, "TEXT", "a made-up machine: \"pack:2 numa:2 core:8 pu:2\"",
      false },
    { 0 },
};

const struct orr_command_entry orri_topo = {
    .name = "topo",
    .arguments = "",
    .summary = "show this machine's cores, memory and GPUs, and where workers would be "
               "pinned",
    .details =
        "Respects the cpuset, the affinity mask and the limit of memory that Slurm, "
        "taskset or a\ncontainer gave. A call gets all hardware threads of its cores "
        "that "
        "may be used.",
    .options = topo_options,
    .least = 0,
    .most = 0,
    .run = topo_main,
};
