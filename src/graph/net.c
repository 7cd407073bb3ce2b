/* net.c - which facts lead to which rules and back, as arrays
 * Owns: a net while checks of the whole workflow run. */
#include "graph/internal.h"

#include <stdlib.h>

const struct orr_assertion *orri_net_assertion(const struct orr_rule *rule, uint32_t i)
{
    static const struct orr_assertion nothing = { .fact = ORR_NONE };
    if (i < rule->n_then)
        return &rule->then[i];
    i -= rule->n_then;
    if (i >= rule->n_handlers)
        return NULL;
    return rule->handlers[i].kind == ORR_HANDLER_ASSERT ? &rule->handlers[i].assertion
                                                        : &nothing;
}

/* Count or store the facts that a rule takes: `at` moves one on for each. */
static void take(struct orri_net *net, uint32_t fact, struct orri_taker taker,
                 bool store)
{
    if (store)
        net->takers[net->first[fact]++] = taker;
    else
        net->first[fact + 1]++;
}

static void take_all(struct orri_net *net, const struct orri_compile *c, bool store)
{
    for (uint32_t i = 0; i < c->graph->n_rules; i++) {
        const struct orr_rule *rule = &c->rules[i];
        for (uint32_t m = 0; m < rule->n_match; m++)
            take(net, rule->match[m].fact, (struct orri_taker) { i, false }, store);
        if (rule->gather.name)
            take(net, rule->gather.fact, (struct orri_taker) { i, true }, store);
    }
}

void orri_net_init(struct orri_net *net, const struct orri_compile *c)
{
    uint32_t n = c->graph->n_facts;
    net->first = orr_alloc((size_t)n + 2, sizeof *net->first);
    take_all(net, c, false);
    for (uint32_t f = 1; f <= n; f++)
        net->first[f] += net->first[f - 1];
    net->takers = orr_alloc((size_t)net->first[n] + 1, sizeof *net->takers);
    take_all(net, c, true);
    for (uint32_t f = n; f > 0;
         f--) /* storing has moved each to the next one's start */
        net->first[f] = net->first[f - 1];
    net->first[0] = 0;
}

void orri_net_release(struct orri_net *net)
{
    free(net->first);
    free(net->takers);
}
