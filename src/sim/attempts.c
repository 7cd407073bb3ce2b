/* attempts.c - attempts: how long they take, and what they return
 * Owns: their memory, the lists that they stand in. Hands on: answers (rehearse). */
#include "sim/internal.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define X(id, text) text,
const char *const orr_distribution_text[] = { ORR_DISTRIBUTIONS(X) };
#undef X

enum { FACTOR = 1, OTHER_FACTOR, FAILS, WHEN };

/* ---- chance: by what it is for, not by when it is asked ---- */

static uint64_t mix(uint64_t x) /* splitmix64 */
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}

double orri_random(uint64_t seed, uint64_t what, uint64_t which)
{
    uint64_t x = mix(mix(mix(seed) ^ what) ^ which);
    return ((double)(x >> 11) + 0.5) * 0x1p-53;
}

static double factor(const struct orr_sim *sim, uint64_t which)
{
    const struct orr_sim_times *times = &sim->setup.times;
    double u = orri_random(sim->setup.seed, FACTOR, which);
    switch (times->distribution) {
    case ORR_DISTRIBUTION_UNIFORM: return 1 + times->spread * (2 * u - 1);
    case ORR_DISTRIBUTION_EXPONENTIAL: return -log(u);
    case ORR_DISTRIBUTION_LOGNORMAL: {
        double sigma = sqrt(log1p(times->spread * times->spread));
        double v = orri_random(sim->setup.seed, OTHER_FACTOR, which);
        double normal = sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
        return exp(sigma * normal - sigma * sigma / 2);
    }
    default: return 1;
    }
}

/* ---- memory ---- */

void orri_try_push_behind(struct orr_sim *sim, struct orri_tries *list, uint32_t before,
                          uint32_t at)
{
    uint32_t *link = before ? &sim->tries[before - 1].next : &list->first;
    sim->tries[at].next = *link;
    *link = at + 1;
    if (list->last == before)
        list->last = at + 1;
    list->n++;
}

void orri_try_push(struct orr_sim *sim, struct orri_tries *list, uint32_t at)
{
    orri_try_push_behind(sim, list, list->last, at);
}

uint32_t orri_try_pop(struct orr_sim *sim, struct orri_tries *list)
{
    uint32_t at = list->first - 1;
    list->first = sim->tries[at].next;
    if (!list->first)
        list->last = 0;
    list->n--;
    return at;
}

void orri_try_take_out(struct orr_sim *sim, struct orri_tries *list, uint32_t at,
                       uint32_t before)
{
    uint32_t next = sim->tries[at].next;
    if (before)
        sim->tries[before - 1].next = next;
    else
        list->first = next;
    if (!next)
        list->last = before;
    list->n--;
}

static uint32_t take(struct orr_sim *sim)
{
    if (sim->unused.n)
        return orri_try_pop(sim, &sim->unused);
    sim->tries =
        orr_grow(sim->tries, sim->n_tries, &sim->cap_tries, sizeof *sim->tries);
    return (uint32_t)sim->n_tries++;
}

void orri_try_free(struct orr_sim *sim, uint32_t at)
{
    free(sim->tries[at].results);
    sim->tries[at] = (struct orri_try) { 0 };
    orri_try_push(sim, &sim->unused, at);
}

/* ---- time ---- */

static double seconds_of(struct orr_sim *sim, const struct orr_assignment *from)
{
    const struct orr_sim_times *times = &sim->setup.times;
    const struct orr_graph_function *f = sim->asked->function;
    double seconds = times->mean > 0 ? times->mean : NAN;
    if (isnan(seconds) && times->known)
        seconds = times->known(times->context, from->identity, from->function);
    if (isnan(seconds))
        seconds = orr_asked_cost(sim->asked, &sim->setup.answers->scratch);
    if (isnan(seconds) && times->typical)
        seconds = times->typical(times->context, from->function);
    if (isnan(seconds) && f->native && !f->isolated)
        return 0;
    if (!isnan(seconds) || sim->failed.code != ORR_OK)
        return seconds * factor(sim, from->identity.lo + from->attempt);
    (void)orr_error_set(&sim->failed, ORR_ERR_INPUT, f->at,
                        "nothing says how long '%s' takes: give it `cost:`, or use "
                        "--mean, or --costs with an earlier run",
                        f->name);
    return 0;
}

enum { DAYS = 86400, DAYS_MOST = 36500 };

static int64_t duration_of(struct orr_sim *sim, const struct orr_assignment *from)
{
    double seconds = seconds_of(sim, from);
    double most = (double)DAYS * DAYS_MOST;
    return seconds > 0 ? (int64_t)((seconds < most ? seconds : most) * 1e9) : 0;
}

static void set_failure(struct orr_sim *sim, struct orri_try *to, uint64_t which)
{
    if (sim->nodes[to->node].sick && !to->in_place) {
        to->failure = ORR_FAIL_SIGNAL;
        to->duration = 0;
        return;
    }
    if (orri_random(sim->setup.seed, FAILS, which) >= sim->setup.faults.failures)
        return;
    to->failure = ORR_FAIL_SIGNAL;
    to->duration =
        (int64_t)((double)to->duration * orri_random(sim->setup.seed, WHEN, which));
}

/* ---- result ---- */

static uint64_t blob_bytes(struct orr_value v)
{
    uint64_t sum = v.kind == ORR_KIND_BLOB ? v.as.blob->length : 0;
    for (uint32_t i = 0; v.kind == ORR_KIND_LIST && i < v.as.list->n; i++)
        sum += blob_bytes(v.as.list->items[i]);
    for (uint32_t i = 0; v.kind == ORR_KIND_RECORD && i < v.as.record->type->n_fields;
         i++)
        sum += blob_bytes(v.as.record->fields[i]);
    return sum;
}

static void set_result(struct orr_sim *sim, struct orri_try *to)
{
    struct orr_reply reply;
    const struct orr_graph_function *f = sim->asked->function;
    orr_answer(sim->setup.answers, sim->asked, &reply);
    if (reply.by == ORR_ANSWERED_NONE) {
        (void)orr_error_set(
            &sim->failed, ORR_ERR_INPUT, f->at,
            "nothing says what '%s' returns: give it `example:`, or use "
            "--costs with an earlier run%s%s",
            f->name, reply.why ? "; " : "", reply.why ? reply.why : "");
        return;
    }
    to->failure = (uint8_t)reply.failure.kind;
    if (to->failure != ORR_FAIL_NONE)
        return;
    orr_bytes_clear(&sim->bytes);
    orr_value_put(&sim->bytes, reply.result);
    to->length = (uint32_t)sim->bytes.length;
    to->results = orr_alloc(to->length + 1, 1);
    memcpy(to->results, sim->bytes.data, to->length);
    to->blob_bytes = blob_bytes(reply.result);
}

/* ---- the whole ---- */

uint32_t orri_try_new(struct orr_sim *sim, const struct orr_assignment *from,
                      uint32_t node)
{
    const struct orr_graph_function *f = &sim->setup.graph->functions[from->function];
    uint32_t at = take(sim);
    struct orri_try *to = &sim->tries[at];
    *to = (struct orri_try) { .task = from->task,
                              .attempt = from->attempt,
                              .function = from->function,
                              .priority = from->priority,
                              .needs = orr_function_needs(f),
                              .node = node,
                              .number = ++sim->number,
                              .in_place = !f->isolated };
    if (!f->isolated)
        to->needs.cores = 1;
    sim->asked->task = from->task;
    sim->asked->attempt = from->attempt;
    orr_asked_bind(f, from->identity, from->args, from->args_length,
                   &sim->setup.answers->scratch, sim->asked);
    set_result(sim, to);
    to->duration = duration_of(sim, from);
    set_failure(sim, to, from->identity.lo + from->attempt);
    orr_arena_reset(&sim->setup.answers->scratch);
    sim->out->attempts++;
    return at;
}

bool orri_task_counts(struct orr_sim *sim, uint32_t task)
{
    size_t at = task / 8;
    if (at >= sim->counted_bytes) {
        size_t n = sim->counted_bytes ? sim->counted_bytes : 4096;
        while (n <= at)
            n *= 2;
        sim->counted = orr_realloc(sim->counted, n, 1);
        memset(sim->counted + sim->counted_bytes, 0, n - sim->counted_bytes);
        sim->counted_bytes = n;
    }
    unsigned char bit = (unsigned char)(1U << task % 8);
    bool first = !(sim->counted[at] & bit);
    sim->counted[at] |= bit;
    return first;
}
