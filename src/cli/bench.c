/* bench.c - orrery bench: figures that anyone can make again
 * Owns: the table of benchmarks and how figures are printed. */
#include "cli/bench.h"
#include "cli/simulation.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct orri_bench *const benches[] = {
    &orri_bench_dispatch, &orri_bench_rules,     &orri_bench_store,
    &orri_bench_simulate, &orri_bench_calibrate,
};
enum { N_BENCHES = sizeof benches / sizeof *benches };

void orri_figure(struct orri_figures *figures, const char *name, int digits,
                 double value, const char *text)
{
    orr_text_printf(&figures->metrics, "%s\"%s\": %.*f",
                    figures->metrics.length ? ", " : "", name, digits, value);
    if (text)
        orr_text_printf(&figures->lines, "%16.*f  %s\n", digits, value, text);
}

static void print(const struct orri_figures *figures, bool json)
{
    char host[256] = "";
    (void)gethostname(host, sizeof host - 1);
    if (!json)
        (void)fputs(figures->lines.s ? figures->lines.s : "", stdout);
    else
        (void)printf("{\"bench\": \"%s\", \"metrics\": {%s}, \"environment\": "
                     "{\"version\": \"%s\", \"host\": \"%s\", \"cores\": %ld%s}}\n",
                     figures->bench, figures->metrics.s ? figures->metrics.s : "",
                     ORR_VERSION, host, sysconf(_SC_NPROCESSORS_ONLN),
                     figures->environment.s ? figures->environment.s : "");
}

static const struct orri_bench *find(const char *name)
{
    for (size_t i = 0; i < N_BENCHES; i++)
        if (strcmp(benches[i]->name, name) == 0)
            return benches[i];
    (void)fprintf(stderr, "orrery bench: there is no benchmark '%s'; there is:", name);
    for (size_t i = 0; i < N_BENCHES; i++)
        (void)fprintf(stderr, "%s %s", i ? "," : "", benches[i]->name);
    (void)fprintf(stderr, "\n");
    return NULL;
}

static int bench_main(const struct orr_line *line)
{
    const struct orri_bench *bench = find(line->args[0]);
    if (!bench)
        return ORR_EXIT_INPUT;
    struct orri_figures figures = { .bench = bench->name };
    int code = bench->run(line, &figures);
    if (code == ORR_EXIT_OK)
        print(&figures, orri_has(line, "json"));
    orr_text_release(&figures.metrics);
    orr_text_release(&figures.environment);
    orr_text_release(&figures.lines);
    return code;
}

static const struct orr_option bench_options[] = {
    { "tasks", 0, "N",
      "dispatch: tasks of each run (default 200000); simulate: tasks (default 1000000)",
      false },
    { "ranks", 'n', "N", "dispatch: MPI ranks (default 2)", false },
    { "facts", 0, "N", "rules: facts in working memory (default 1000000)", false },
    { "directory", 0, "DIR", "store, calibrate: where to write (default /tmp)", false },
    ORRI_CLUSTER_OPTIONS,
    { "least", 0, "PART",
      "simulate: find the shortest mean with this efficiency, such as 95%", false },
    { "json", 0, NULL, "one JSON object", false },
    { 0 },
};

const struct orr_command_entry orri_bench = {
    .name = "bench",
    .arguments = "NAME",
    .summary = "measure this machine",
    .details =
        "dispatch: no-op tasks and commands a second through rules, messages and the "
        "store.\n"
        "rules: the compiler and the rule engine alone, in one process on one "
        "core.\nstore: blobs a second against a plain file; small results from "
        "worker to disk.\nsimulate: equal tasks on a cluster that is not there "
        "(default: 512 nodes of 128 cores, 5 s).\ncalibrate: the costs that a "
        "simulation needs; --calibration reads what it prints.",
    .options = bench_options,
    .least = 1,
    .most = 1,
    .run = bench_main,
};
