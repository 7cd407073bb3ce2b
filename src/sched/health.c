/* health.c - rows of failures, and what chance would make of them
 * Owns: counts by node. */
#include "sched/health.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum {
    SUSPECT_DIGITS = 2, /* chance makes such a row once in a hundred times; */
    SICK_DIGITS = 6,    /* in a million */
    REFUTED_LEAST = 3,
    HELD_AT = 8, /* opinions cost attempts: no more than some at a time */
};

static struct orr_health_node *at(struct orr_health *health, uint32_t node)
{
    if (node >= health->n) {
        health->nodes = orr_realloc(health->nodes, node + 1, sizeof *health->nodes);
        for (uint32_t i = health->n; i <= node; i++)
            health->nodes[i] = (struct orr_health_node) { 0 };
        health->n = node + 1;
    }
    return &health->nodes[node];
}

void orr_health_release(struct orr_health *health)
{
    free(health->nodes);
    *health = (struct orr_health) { 0 };
}

void orr_health_succeeded(struct orr_health *health, uint32_t node)
{
    struct orr_health_node *n = at(health, node);
    n->done++;
    n->row = 0;
    n->refuted = 0;
    health->done++;
}

static uint64_t others_done(const struct orr_health *h, const struct orr_health_node *n)
{
    return h->done - n->done;
}

static uint64_t others_failed(const struct orr_health *h,
                              const struct orr_health_node *n)
{
    return h->failed - n->failed;
}

/* Digits of how unlikely its row is, when attempts fail as often as elsewhere. */
static double unlikely(const struct orr_health *health, const struct orr_health_node *n)
{
    double failed = (double)others_failed(health, n);
    double ended = failed + (double)others_done(health, n);
    return n->row * -log10((failed + 1) / (ended + 2));
}

static void count_failure(struct orr_health *health, struct orr_health_node *n)
{
    n->failed++;
    health->failed++;
}

/* One failure after successes may be chance; of a node that never succeeded it is not
 * to be told. */
bool orr_health_failed(struct orr_health *health, uint32_t node)
{
    struct orr_health_node *n = at(health, node);
    if (n->row == 0 && n->done) {
        n->others_done = others_done(health, n);
        n->others_failed = others_failed(health, n);
    }
    n->row++;
    uint64_t done = others_done(health, n) - n->others_done;
    uint64_t failed = others_failed(health, n) - n->others_failed;
    bool row = n->done == 0 || (n->row > 1 && unlikely(health, n) >= SUSPECT_DIGITS);
    bool suspect = row && done >= failed;
    if (!suspect) /* else nobody knows yet whose failure it is */
        count_failure(health, n);
    return suspect;
}

bool orr_health_asked(struct orr_health *health, uint32_t node)
{
    return ++at(health, node)->open >= HELD_AT;
}

void orr_health_dropped(struct orr_health *health, uint32_t node)
{
    struct orr_health_node *n = at(health, node);
    n->open -= n->open > 0;
}

bool orr_health_refuted(struct orr_health *health, uint32_t node)
{
    struct orr_health_node *n = at(health, node);
    orr_health_dropped(health, node);
    if (n->row)
        n->refuted++;
    return n->refuted >= REFUTED_LEAST && unlikely(health, n) >= SICK_DIGITS;
}

void orr_health_confirmed(struct orr_health *health, uint32_t node, uint32_t other)
{
    orr_health_dropped(health, node);
    count_failure(health, at(health, other));
    struct orr_health_node *n = at(health, node);
    n->row -= n->row > 0;
}

bool orr_health_in_doubt(const struct orr_health *health, uint32_t node)
{
    const struct orr_health_node *n = orr_health_of(health, node);
    return n->row && (n->done == 0 || n->open);
}

const struct orr_health_node *orr_health_of(const struct orr_health *health,
                                            uint32_t node)
{
    static const struct orr_health_node unknown = { 0 };
    return node < health->n ? &health->nodes[node] : &unknown;
}
