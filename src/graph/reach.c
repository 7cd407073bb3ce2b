/* reach.c - what can never happen: rules that cannot fire, facts that are not made,
 * gathers that never have enough, outputs that cannot hold
 *
 * A fact is possible when a rule that may fire asserts it; a rule may fire when all
 * that it matches is possible. `most` is how many facts of a type one request can have:
 * the product of what a rule matches, summed over its assertions, without end where
 * there is a list of unknown length or a circle. What has another error is not looked
 * at. */
#include "graph/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ENDLESS UINT64_MAX

struct reach {
    struct orri_compile *c;
    struct orri_net net;
    bool *blocked;     /* rule: it cannot fire, and that was said */
    bool *fires;       /* rule */
    bool *possible;    /* fact */
    uint32_t *waiting; /* rule: facts that are not possible (or counted) yet */
    uint32_t *makers;  /* fact: assertions that are not counted yet */
    uint64_t *most;    /* fact */
    uint32_t *queue;   /* facts */
    uint32_t n_queue;
};

static bool constant(struct orri_compile *c, const struct orr_expr *e,
                     struct orr_value *v)
{
    return e && orr_expr_is_constant(e) &&
           orr_expr_eval(e, NULL, c->arena, v, NULL) == ORR_OK;
}

/* How often an assertion is made for each firing of its rule. */
static uint64_t times(struct orri_compile *c, const struct orr_assertion *a)
{
    struct orr_value v = orr_null();
    if (constant(c, a->when, &v) && v.kind == ORR_KIND_BOOL && !v.as.b)
        return 0;
    if (a->loop_slot == ORR_NONE)
        return 1;
    return constant(c, a->list, &v) && v.kind == ORR_KIND_LIST ? v.as.list->n : ENDLESS;
}

/* Conditions that are false alone were reported when they were compiled; the `when` of
 * a step may be. */
static bool never_holds(struct orri_compile *c, struct orr_expr *const *where,
                        uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (orri_is_false(c, where[i]))
            return true;
    return orri_contradictory(c, where, n, "the rule cannot fire");
}

/* ---- what is possible ---- */

static void enqueue(struct reach *r, uint32_t fact)
{
    if (!r->possible[fact])
        r->queue[r->n_queue++] = fact;
    r->possible[fact] = true;
}

/* Does the gather need a fact for sure? */
static bool needs_some(struct orri_compile *c, const struct orr_gather *gather)
{
    struct orr_value v = orr_null();
    return gather->name && constant(c, gather->count, &v) && v.as.i > 0;
}

static void fire(struct reach *r, uint32_t i)
{
    const struct orr_assertion *a = NULL;
    r->fires[i] = true;
    for (uint32_t k = 0; (a = orri_net_assertion(&r->c->rules[i], k)) != NULL; k++)
        if (a->fact != ORR_NONE && times(r->c, a) > 0)
            enqueue(r, a->fact);
}

static void spread(struct reach *r)
{
    uint32_t n = r->c->graph->n_facts;
    r->n_queue = 0;
    memset(r->possible, 0, n);
    for (uint32_t i = 0; i < r->c->graph->n_rules; i++) {
        const struct orr_rule *rule = &r->c->rules[i];
        r->fires[i] = false;
        r->waiting[i] = rule->n_match + needs_some(r->c, &rule->gather);
    }
    for (uint32_t f = 0; f < n; f++) /* the job; and what is E0431 is not said again */
        if (f == 0 || !r->c->fact_made[f])
            enqueue(r, f);
    for (uint32_t at = 0; at < r->n_queue; at++) {
        uint32_t f = r->queue[at];
        for (uint32_t t = r->net.first[f]; t < r->net.first[f + 1]; t++) {
            const struct orri_taker *taker = &r->net.takers[t];
            if (taker->gather && !needs_some(r->c, &r->c->rules[taker->rule].gather))
                continue;
            if (--r->waiting[taker->rule] == 0 && !r->blocked[taker->rule])
                fire(r, taker->rule);
        }
    }
}

/* ---- how many at most ---- */

static uint64_t product(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0)
        return 0;
    return a == ENDLESS || b == ENDLESS || a > ENDLESS / b ? ENDLESS : a * b;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > ENDLESS - b ? ENDLESS : a + b;
}

/* A rule whose facts are all counted. */
static void count_rule(struct reach *r, uint32_t i)
{
    const struct orr_rule *rule = &r->c->rules[i];
    const struct orr_assertion *a = NULL;
    uint64_t firings = 1;
    for (uint32_t m = 0; m < rule->n_match; m++)
        firings = product(firings, r->most[rule->match[m].fact]);
    for (uint32_t k = 0; (a = orri_net_assertion(rule, k)) != NULL; k++) {
        if (a->fact == ORR_NONE)
            continue;
        r->most[a->fact] = sum(r->most[a->fact], product(firings, times(r->c, a)));
        if (--r->makers[a->fact] == 0)
            r->queue[r->n_queue++] = a->fact;
    }
}

static void start_counting(struct reach *r)
{
    uint32_t n = r->c->graph->n_facts;
    const struct orr_assertion *a = NULL;
    r->n_queue = 0;
    memset(r->makers, 0, n * sizeof *r->makers);
    memset(r->most, 0, n * sizeof *r->most);
    for (uint32_t i = 0; i < r->c->graph->n_rules; i++) {
        r->waiting[i] = r->c->rules[i].n_match;
        for (uint32_t k = 0; (a = orri_net_assertion(&r->c->rules[i], k)) != NULL; k++)
            if (r->fires[i] && a->fact != ORR_NONE)
                r->makers[a->fact]++;
    }
    r->most[0] = 1;
    for (uint32_t f = 0; f < n; f++)
        if (r->makers[f] == 0)
            r->queue[r->n_queue++] = f;
    for (uint32_t f = 1; f < n; f++)
        if (!r->c->fact_made[f])
            r->most[f] = ENDLESS;
}

static void count_all(struct reach *r)
{
    start_counting(r);
    for (uint32_t at = 0; at < r->n_queue; at++) {
        uint32_t f = r->queue[at];
        for (uint32_t t = r->net.first[f]; t < r->net.first[f + 1]; t++) {
            const struct orri_taker *taker = &r->net.takers[t];
            if (!taker->gather && --r->waiting[taker->rule] == 0 &&
                r->fires[taker->rule])
                count_rule(r, taker->rule);
        }
    }
    for (uint32_t f = 0; f < r->c->graph->n_facts; f++)
        if (r->makers[f] > 0) /* in a circle, or behind one */
            r->most[f] = ENDLESS;
}

/* ---- what is said ---- */

static void check_gather(struct reach *r, uint32_t i)
{
    const struct orr_gather *gather = &r->c->rules[i].gather;
    struct orr_value v = orr_null();
    if (!gather->name || !constant(r->c, gather->count, &v))
        return;
    const char *fact = r->c->facts[gather->fact].name;
    struct orr_span at = orr_expr_span(gather->count);
    if (v.as.i < 0) {
        orr_diag_error(r->c->diags, at, "E0436",
                       "a gather cannot wait for %" PRId64 " facts '%s'", v.as.i, fact);
        r->blocked[i] = true;
    } else if (r->possible[gather->fact] && (uint64_t)v.as.i > r->most[gather->fact]) {
        orr_diag_error(r->c->diags, at, "E0436",
                       "the gather waits for %" PRId64 " facts '%s', but a request has "
                       "%" PRIu64 " at most",
                       v.as.i, fact, r->most[gather->fact]);
        r->blocked[i] = true;
    }
}

static void report_rule(struct reach *r, uint32_t i)
{
    const struct orr_rule *rule = &r->c->rules[i];
    uint32_t fact = rule->gather.fact;
    struct orr_span at = rule->gather.at;
    for (uint32_t m = rule->n_match; m-- > 0;)
        if (!r->possible[rule->match[m].fact]) {
            fact = rule->match[m].fact;
            at = rule->match[m].at;
        }
    orr_diag_error(r->c->diags, at, "E0434",
                   "rule '%s' can never fire: fact '%s' is never made", rule->name,
                   r->c->facts[fact].name);
}

static void report(struct reach *r)
{
    for (uint32_t i = 0; i < r->c->graph->n_rules; i++)
        if (!r->fires[i] && !r->blocked[i] && r->waiting[i])
            report_rule(r, i);
    for (uint32_t i = 0; i < r->c->graph->n_outputs; i++) {
        const struct orr_output *output = &r->c->outputs[i];
        if (!r->possible[output->fact])
            orr_diag_error(r->c->diags, output->at, "E0435",
                           "output '%s' can never hold: fact '%s' is never made",
                           output->name, r->c->facts[output->fact].name);
    }
}

/* A rule with an error of another kind would count as one that does nothing. */
static bool is_sound(const struct orri_compile *c)
{
    for (size_t i = 0; i < c->diags->n; i++)
        if (!c->diags->items[i].warning &&
            strcmp(c->diags->items[i].id, "E0421") != 0 &&
            strcmp(c->diags->items[i].id, "E0431") != 0)
            return false;
    return c->diags->n < ORR_DIAG_MAX;
}

void orri_check_reach(struct orri_compile *c)
{
    uint32_t rules = c->graph->n_rules;
    uint32_t facts = c->graph->n_facts;
    if (!is_sound(c))
        return;
    struct reach r = { .c = c };
    orri_net_init(&r.net, c);
    r.blocked = orr_alloc((size_t)rules + 1, sizeof *r.blocked);
    r.fires = orr_alloc((size_t)rules + 1, sizeof *r.fires);
    r.waiting = orr_alloc((size_t)rules + 1, sizeof *r.waiting);
    r.possible = orr_alloc(facts, sizeof *r.possible);
    r.makers = orr_alloc(facts, sizeof *r.makers);
    r.most = orr_alloc(facts, sizeof *r.most);
    r.queue = orr_alloc(facts, sizeof *r.queue);
    for (uint32_t i = 0; i < rules; i++)
        r.blocked[i] =
            never_holds(c, c->rules[i].where, c->rules[i].n_where) ||
            never_holds(c, c->rules[i].gather.where, c->rules[i].gather.n_where);
    spread(&r);
    count_all(&r);
    for (uint32_t i = 0; i < rules; i++)
        check_gather(&r, i);
    spread(&r);
    report(&r);
    orri_net_release(&r.net);
    free(r.blocked);
    free(r.fires);
    free(r.waiting);
    free(r.possible);
    free(r.makers);
    free(r.most);
    free(r.queue);
}
