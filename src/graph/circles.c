/* circles.c - rules that may feed each other without end
 *
 * Facts and the rules without a bound are nodes: a rule leads to the facts that it
 * asserts, a fact to the rules that take it. What lies on a circle is found in one pass
 * (Tarjan 1972): a rule and a fact that it takes are in one strong component exactly
 * when the rule leads to that fact again. Cost: rules, facts and the uses of facts. */
#include "graph/internal.h"

#include <stdlib.h>

struct circles {
    const struct orri_compile *c;
    uint32_t n_facts;
    uint32_t *takers; /* rules that take a fact, grouped by fact; */
    uint32_t *first;  /* its group starts here, and ends where the next starts */
    uint32_t *order;  /* per node: when it was first seen, from 1; 0: not yet */
    uint32_t *low;    /* the earliest node that it leads back to */
    uint32_t *next;   /* which of its successors is to be looked at */
    uint32_t *stack;  /* nodes that are in no component yet */
    uint32_t n_stack;
    uint32_t *path; /* from the start to the node in hand */
    uint32_t n_path;
    uint32_t *component; /* per node, from 1 */
    uint32_t n_components;
    uint32_t seen;
};

/* A condition that is no join may end a circle: t.attempt < 4. */
static bool is_bound(const struct orr_rule *rule)
{
    struct orr_expr *left = NULL;
    struct orr_expr *right = NULL;
    for (uint32_t i = 0; i < rule->n_where; i++)
        if (!orr_expr_equality(rule->where[i], &left, &right))
            return true;
    return false;
}

/* Each fact type that a rule takes, one a call; ORR_NONE at the end. */
static uint32_t taken(const struct orr_rule *rule, uint32_t i)
{
    if (i < rule->n_match)
        return rule->match[i].fact;
    return i == rule->n_match && rule->gather.name ? rule->gather.fact : ORR_NONE;
}

static void group_takers(struct circles *s)
{
    const struct orr_graph *graph = s->c->graph;
    uint32_t n = 0;
    for (uint32_t r = 0; r < graph->n_rules; r++)
        for (uint32_t i = 0; taken(&s->c->rules[r], i) != ORR_NONE; i++, n++)
            s->first[taken(&s->c->rules[r], i) + 1]++;
    for (uint32_t f = 0; f < s->n_facts; f++)
        s->first[f + 1] += s->first[f];
    s->takers = orr_alloc(n, sizeof *s->takers);
    for (uint32_t r = graph->n_rules; r-- > 0;)
        for (uint32_t i = 0; taken(&s->c->rules[r], i) != ORR_NONE; i++)
            s->takers[s->first[taken(&s->c->rules[r], i)] +
                      s->next[taken(&s->c->rules[r], i)]++] = s->n_facts + r;
    for (uint32_t f = 0; f < s->n_facts; f++)
        s->next[f] = 0;
}

/* The next node that `node` leads to, or ORR_NONE. */
static uint32_t successor(struct circles *s, uint32_t node)
{
    uint32_t i = s->next[node]++;
    if (node < s->n_facts) {
        if (s->first[node] + i >= s->first[node + 1])
            return ORR_NONE;
        return s->takers[s->first[node] + i];
    }
    const struct orr_rule *rule = &s->c->rules[node - s->n_facts];
    if (is_bound(rule))
        return ORR_NONE;
    if (i < rule->n_then)
        return rule->then[i].fact;
    for (i -= rule->n_then; i < rule->n_handlers; i = s->next[node]++ - rule->n_then)
        if (rule->handlers[i].kind == ORR_HANDLER_ASSERT)
            return rule->handlers[i].assertion.fact;
    return ORR_NONE;
}

static void enter(struct circles *s, uint32_t node)
{
    s->order[node] = s->low[node] = ++s->seen;
    s->stack[s->n_stack++] = node;
    s->path[s->n_path++] = node;
}

/* All that `node` leads to is known: is it the first of a component? */
static void leave(struct circles *s, uint32_t node)
{
    s->n_path--;
    if (s->low[node] == s->order[node]) {
        s->n_components++;
        while (s->n_stack && s->stack[s->n_stack - 1] != node)
            s->component[s->stack[--s->n_stack]] = s->n_components;
        s->component[s->stack[--s->n_stack]] = s->n_components;
    }
    if (s->n_path) {
        uint32_t above = s->path[s->n_path - 1];
        s->low[above] = s->low[node] < s->low[above] ? s->low[node] : s->low[above];
    }
}

static void search(struct circles *s, uint32_t start)
{
    if (s->order[start])
        return;
    for (enter(s, start); s->n_path;) {
        uint32_t node = s->path[s->n_path - 1];
        uint32_t to = successor(s, node);
        if (to == ORR_NONE)
            leave(s, node);
        else if (!s->order[to])
            enter(s, to);
        else if (!s->component[to] && s->order[to] < s->low[node])
            s->low[node] = s->order[to];
    }
}

static void warn_rule(struct orri_compile *c, const struct circles *s, uint32_t index)
{
    const struct orr_rule *rule = &c->rules[index];
    uint32_t least = ORR_NONE;
    for (uint32_t i = 0; !is_bound(rule) && taken(rule, i) != ORR_NONE; i++)
        if (s->component[taken(rule, i)] == s->component[s->n_facts + index] &&
            taken(rule, i) < least)
            least = taken(rule, i);
    if (least != ORR_NONE)
        orr_diag_warning(
            c->diags, rule->at, "W0445",
            "rule '%s' leads to fact '%s', which fires it again; a condition "
            "such as x.attempt < 4 in 'where' would end that",
            rule->name, c->facts[least].name);
}

void orri_warn_circles(struct orri_compile *c)
{
    uint32_t n = c->graph->n_facts + c->graph->n_rules;
    uint32_t *memory = orr_alloc((size_t)n * 6, sizeof *memory);
    struct circles s = { .c = c, .n_facts = c->graph->n_facts };
    s.first = orr_alloc(s.n_facts + 1, sizeof *s.first);
    s.order = memory;
    s.low = memory + n;
    s.next = memory + (size_t)n * 2;
    s.stack = memory + (size_t)n * 3;
    s.path = memory + (size_t)n * 4;
    s.component = memory + (size_t)n * 5;
    group_takers(&s);
    for (uint32_t node = 0; node < n; node++)
        search(&s, node);
    for (uint32_t r = 0; r < c->graph->n_rules; r++)
        warn_rule(c, &s, r);
    free(s.takers);
    free(s.first);
    free(memory);
}
