/* bench.h - the benchmarks behind `orrery bench`, one a file */
#ifndef ORR_CLI_BENCH_H
#define ORR_CLI_BENCH_H

#include "cli/command.h"
#include "view/status.h"

/* What a benchmark found: numbers by name, and where they were measured. */
struct orri_figures {
    const char *bench;
    struct orr_text metrics;     /* JSON members, without the braces */
    struct orr_text environment; /* JSON members that the common part does not have */
    struct orr_text lines;       /* the same for people */
};

struct orri_bench {
    const char *name;
    const char *summary;
    /* Fill in the figures; an exit code. */
    int (*run)(const struct orr_line *line, struct orri_figures *out);
};

extern const struct orri_bench orri_bench_dispatch, orri_bench_rules, orri_bench_store,
    orri_bench_simulate, orri_bench_calibrate;

struct orri_bench_how {
    const char *text; /* of the workflow, whose input is `n` */
    const char *durability;
    long ranks;
    bool expanded; /* all calls are made before the first is given out */
};
/* Run it as a user would, in a directory of its own; how it was at the end. An exit
 * code. */
int orri_bench_run(const struct orri_bench_how *how, long tasks,
                   struct orr_run_status *out);

/* /bin/true a second, started by posix_spawn(3) and waited for, some side by side; 0:
 * they cannot be started. */
double orri_bench_spawn(long programs, long side_by_side);

/* Note a number; `digits` after the point. `text` is the line for people, with its
 * unit; NULL: only in JSON. */
void orri_figure(struct orri_figures *figures, const char *name, int digits,
                 double value, const char *text);

#endif
