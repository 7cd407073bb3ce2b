/* size.c - asking `orrery simulate` with one number of nodes after the other
 * Owns: the search. Hands on: simulating (a process of its own: the run's rules and
 * working memory end with it). */
#include "cli/size.h"

#include "base/clock.h"
#include "base/memory.h"
#include "cli/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double GOOD = 0.9; /* part of the cores that are busy */
enum { FIXED_WORDS = 16 };

/* The number behind "NAME": in a JSON object; negative: there is none. */
static double member(const char *json, const char *name)
{
    char key[40];
    char *end = NULL;
    (void)snprintf(key, sizeof key, "\"%s\": ", name);
    const char *at = strstr(json, key);
    double value = at ? strtod(at + strlen(key), &end) : -1;
    return at && end != at + strlen(key) ? value : -1;
}

static size_t put_words(const struct orri_size_ask *ask, const char *nodes,
                        const char *cores, struct orr_arena *arena, const char **argv)
{
    size_t n = 0;
    argv[n++] = ask->self;
    argv[n++] = "simulate";
    argv[n++] = ask->job;
    argv[n++] = "--json";
    argv[n++] = nodes;
    argv[n++] = cores;
    if (ask->costs)
        argv[n++] = orr_arena_printf(arena, "--costs=%s", ask->costs);
    if (orri_has(ask->line, "array")) /* of a size for all: the first is measured */
        argv[n++] = "--request=0";
    else if (orri_has(ask->line, "request"))
        argv[n++] =
            orr_arena_printf(arena, "--request=%s", orri_option(ask->line, "request"));
    for (size_t i = 0; i < ask->line->n_given; i++)
        if (strcmp(ask->line->given[i].option->name, "set") == 0)
            argv[n++] = orr_arena_printf(arena, "--set=%s", ask->line->given[i].value);
    return n;
}

/* False after a message. */
static bool try_size(const struct orri_size_ask *ask, uint32_t nodes,
                     struct orri_size *out)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_text messages = ORR_TEXT_INIT;
    char n[32];
    char cores[32];
    const char **argv = orr_alloc(ask->line->n_given + FIXED_WORDS, sizeof *argv);
    (void)snprintf(n, sizeof n, "--nodes=%" PRIu32, nodes);
    (void)snprintf(cores, sizeof cores, "--cores=%" PRIu32, ask->cores);
    (void)put_words(ask, n, cores, &arena, argv);
    int code = orri_program((char *const *)(uintptr_t)argv, &text, &messages);
    *out = (struct orri_size) { nodes, member(text.s, "makespan"),
                                member(text.s, "efficiency") };
    bool good = code == 0 && out->makespan >= 0 && out->efficiency >= 0;
    if (!good)
        (void)fprintf(stderr,
                      "orrery submit: the job cannot be sized, because it cannot be "
                      "simulated on %" PRIu32 " nodes: say --nodes, or see orrery "
                      "simulate\n%s",
                      nodes, messages.s);
    free(argv);
    orr_arena_release(&arena);
    orr_text_release(&text);
    orr_text_release(&messages);
    return good;
}

static double core_hours(const struct orri_size_ask *ask, const struct orri_size *size)
{
    return size->makespan * size->nodes * ask->cores / 3600;
}

/* Does it want, or may it have, more nodes than these? */
static bool may_grow(const struct orri_size_ask *ask, const struct orri_size *size)
{
    if (ask->until > 0)
        return size->makespan > ask->until;
    if (ask->core_hours > 0)
        return core_hours(ask, size) <= ask->core_hours;
    return size->efficiency >= GOOD;
}

/* By halves: `low` may grow, `high` may not. */
static bool narrow(const struct orri_size_ask *ask, struct orri_size *low,
                   struct orri_size *high)
{
    while (high->nodes - low->nodes > 1) {
        struct orri_size middle;
        if (!try_size(ask, low->nodes + (high->nodes - low->nodes) / 2, &middle))
            return false;
        *(may_grow(ask, &middle) ? low : high) = middle;
    }
    return true;
}

static bool no_size(const struct orri_size_ask *ask, const struct orri_size *nearest)
{
    char time[ORR_TIME_TEXT];
    orr_duration_text(nearest->makespan, time);
    if (ask->until > 0)
        (void)fprintf(stderr,
                      "orrery submit: with %" PRIu32 " nodes of %" PRIu32
                      " cores (--max-nodes) it would take %s, longer than --until\n",
                      nearest->nodes, ask->cores, time);
    else
        (void)fprintf(stderr,
                      "orrery submit: one node of %" PRIu32
                      " cores needs %.3g core-hours already\n",
                      ask->cores, core_hours(ask, nearest));
    return false;
}

bool orri_size_find(const struct orri_size_ask *ask, struct orri_size *out)
{
    struct orri_size low = { 0 };
    struct orri_size high = { 0 };
    if (!try_size(ask, 1, &high))
        return false;
    if (!may_grow(ask, &high)) { /* one is enough, or one is too much */
        *out = high;
        return ask->core_hours > 0 && !(ask->until > 0) ? no_size(ask, &high) : true;
    }
    while (may_grow(ask, &high) && high.nodes < ask->most) {
        low = high;
        uint32_t next = low.nodes < ask->most / 2 ? low.nodes * 2 : ask->most;
        if (!try_size(ask, next, &high))
            return false;
    }
    if (may_grow(ask, &high)) { /* all that there may be */
        *out = high;
        return ask->until > 0 ? no_size(ask, &high) : true;
    }
    if (!narrow(ask, &low, &high))
        return false;
    *out = ask->until > 0 ? high : low;
    return true;
}
