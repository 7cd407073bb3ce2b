/* circles.c - rules that may feed each other without end
 *
 * Facts and the rules without a bound are the nodes of a graph, whose strongly
 * connected parts (Tarjan's algorithm, without recursion: files may be large) are the
 * circles. */
#include "graph/internal.h"

#include <stdlib.h>

struct circles {
    const struct orri_compile *c;
    struct orri_net net;
    uint32_t facts;  /* nodes: facts, then rules */
    uint32_t *order; /* of the visit, from 1; 0: not yet */
    uint32_t *low;
    uint32_t *edge; /* which comes next */
    uint32_t *part; /* from 1; 0: still open */
    uint32_t *path, *open;
    uint32_t n_path, n_open, visits, parts;
};

/* A condition that is no join may end a circle: t.attempt < 4. */
static bool is_bound(const struct orr_rule *rule)
{
    struct orr_expr *left = NULL;
    struct orr_expr *right = NULL;
    for (uint32_t i = 0; i < rule->n_where; i++)
        if (rule->where[i] && !orr_expr_equality(rule->where[i], &left, &right))
            return true;
    return false;
}

/* The next node behind `node`, or ORR_NONE. */
static uint32_t next(struct circles *s, uint32_t node)
{
    const struct orr_assertion *a = NULL;
    if (node >= s->facts) {
        const struct orr_rule *rule = &s->c->rules[node - s->facts];
        while ((a = orri_net_assertion(rule, s->edge[node]++)) != NULL)
            if (a->fact != ORR_NONE)
                return a->fact;
        return ORR_NONE;
    }
    while (s->net.first[node] + s->edge[node] < s->net.first[node + 1]) {
        uint32_t rule = s->net.takers[s->net.first[node] + s->edge[node]++].rule;
        if (!is_bound(&s->c->rules[rule]))
            return s->facts + rule;
    }
    return ORR_NONE;
}

static void enter(struct circles *s, uint32_t node)
{
    s->order[node] = s->low[node] = ++s->visits;
    s->path[s->n_path++] = node;
    s->open[s->n_open++] = node;
}

static void leave(struct circles *s)
{
    uint32_t node = s->path[--s->n_path];
    if (s->n_path && s->low[node] < s->low[s->path[s->n_path - 1]])
        s->low[s->path[s->n_path - 1]] = s->low[node];
    if (s->low[node] != s->order[node])
        return;
    s->parts++;
    uint32_t last = ORR_NONE;
    while (last != node) {
        last = s->open[--s->n_open];
        s->part[last] = s->parts;
    }
}

static void visit(struct circles *s, uint32_t root)
{
    enter(s, root);
    while (s->n_path) {
        uint32_t node = s->path[s->n_path - 1];
        uint32_t to = next(s, node);
        if (to == ORR_NONE)
            leave(s);
        else if (s->order[to] == 0)
            enter(s, to);
        else if (s->part[to] == 0 && s->order[to] < s->low[node])
            s->low[node] = s->order[to];
    }
}

/* The first fact that `rule` takes and, in the end, makes; or ORR_NONE. */
static uint32_t fed_by(const struct circles *s, uint32_t i)
{
    const struct orr_rule *rule = &s->c->rules[i];
    uint32_t found = ORR_NONE;
    for (uint32_t m = 0; m <= rule->n_match; m++) {
        if (m == rule->n_match && !rule->gather.name)
            break;
        uint32_t f = m < rule->n_match ? rule->match[m].fact : rule->gather.fact;
        if (s->part[f] == s->part[s->facts + i] && f < found)
            found = f;
    }
    return found;
}

static void warn(const struct circles *s, uint32_t i)
{
    uint32_t fact = is_bound(&s->c->rules[i]) ? ORR_NONE : fed_by(s, i);
    if (fact == ORR_NONE)
        return;
    orr_diag_warning(
        s->c->diags, s->c->rules[i].at, "W0445",
        "rule '%s' leads to fact '%s', which fires it again; a condition such as "
        "x.attempt < 4 in 'where' would end that",
        s->c->rules[i].name, s->c->facts[fact].name);
}

void orri_warn_circles(struct orri_compile *c)
{
    struct circles s = { .c = c, .facts = c->graph->n_facts };
    size_t n = (size_t)c->graph->n_facts + c->graph->n_rules;
    uint32_t **const arrays[] = {
        &s.order, &s.low, &s.edge, &s.part, &s.path, &s.open
    };
    enum { ARRAYS = sizeof arrays / sizeof *arrays };
    for (int i = 0; i < ARRAYS; i++)
        *arrays[i] = orr_alloc(n, sizeof **arrays[i]);
    orri_net_init(&s.net, c);
    for (uint32_t node = 0; node < n; node++)
        if (s.order[node] == 0)
            visit(&s, node);
    for (uint32_t i = 0; i < c->graph->n_rules; i++)
        warn(&s, i);
    orri_net_release(&s.net);
    for (int i = 0; i < ARRAYS; i++)
        free(*arrays[i]);
}
