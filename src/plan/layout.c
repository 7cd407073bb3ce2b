/* layout.c - where the nodes of a drawing stand and how its edges bend
 *
 * A layered drawing after Sugiyama, Tagawa and Toda (Methods for Visual Understanding
 * of Hierarchical System Structures, 1981): the rows are the stages, long edges get a
 * point in each row that they cross, the order within rows follows the barycentres of
 * the neighbours in a few sweeps. Owns nothing: all of it is in the caller's arena. */
#include "plan/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- nodes and edges ---- */

struct builder {
    const struct orr_plan *plan;
    struct orri_drawing *drawing;
    uint32_t *fact_node; /* per fact type, ORR_NONE: not drawn */
    uint32_t cap_edges;
    struct orr_arena *arena;
};

static void add_edge(struct builder *b, enum orri_edge_kind kind, uint32_t from,
                     uint32_t to)
{
    struct orri_drawing *d = b->drawing;
    if (from == ORR_NONE || to == ORR_NONE)
        return;
    for (uint32_t i = 0; i < d->n_edges; i++)
        if (d->edges[i].from == from && d->edges[i].to == to &&
            d->edges[i].kind == kind)
            return;
    d->edges[d->n_edges++] =
        (struct orri_edge) { .kind = kind,
                             .from = from,
                             .to = to,
                             .back = d->nodes[from].rank >= d->nodes[to].rank };
}

static void add_edges(struct builder *b, uint32_t node, const struct orr_rule *rule)
{
    const struct orr_graph *g = b->plan->graph;
    for (uint32_t i = 0; i < rule->n_match; i++)
        add_edge(b, ORRI_EDGE_MATCH, b->fact_node[rule->match[i].fact], node);
    if (rule->gather.name)
        add_edge(b, ORRI_EDGE_GATHER, b->fact_node[rule->gather.fact], node);
    for (uint32_t i = 0; i < rule->n_then; i++)
        add_edge(b, ORRI_EDGE_MAKES, node, b->fact_node[rule->then[i].fact]);
    for (uint32_t i = 0; i < rule->n_handlers; i++)
        if (rule->handlers[i].kind == ORR_HANDLER_ASSERT)
            add_edge(b, ORRI_EDGE_ERROR, node,
                     b->fact_node[rule->handlers[i].assertion.fact]);
    if (orri_calls_workflow(g, rule))
        add_edge(b, ORRI_EDGE_CALLS, node,
                 b->fact_node[g->modules[g->functions[rule->function].module].job]);
}

static uint32_t count_edges(const struct orr_graph *g)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_rules; i++)
        n += g->rules[i].n_match + g->rules[i].n_then + g->rules[i].n_handlers + 2;
    return n;
}

/* Facts made in stage s stand in row 2 s, rules of stage s in row 2 s - 1. */
void orri_draw(const struct orr_plan *plan, struct orr_arena *arena,
               struct orri_drawing *out)
{
    const struct orr_graph *g = plan->graph;
    struct builder b = { .plan = plan, .drawing = out, .arena = arena };
    *out = (struct orri_drawing) { 0 };
    out->nodes = orr_arena_alloc(arena, (g->n_facts + g->n_rules) * sizeof *out->nodes);
    out->edges = orr_arena_alloc(arena, (count_edges(g) + 1) * sizeof *out->edges);
    b.fact_node = orr_arena_alloc(arena, g->n_facts * sizeof *b.fact_node);
    for (uint32_t i = 0; i < g->n_facts; i++) {
        b.fact_node[i] = plan->facts[i].stage == ORR_NONE ? ORR_NONE : out->n_nodes;
        if (plan->facts[i].stage != ORR_NONE)
            out->nodes[out->n_nodes++] = (struct orri_node) {
                .kind = ORRI_NODE_FACT, .index = i, .rank = 2 * plan->facts[i].stage
            };
    }
    uint32_t first_rule = out->n_nodes;
    for (uint32_t i = 0; i < g->n_rules; i++)
        if (plan->rules[i].stage)
            out->nodes[out->n_nodes++] = (struct orri_node) {
                .kind = ORRI_NODE_RULE, .index = i, .rank = 2 * plan->rules[i].stage - 1
            };
    for (uint32_t i = first_rule; i < out->n_nodes; i++)
        add_edges(&b, i, &g->rules[out->nodes[i].index]);
}

/* ---- rows ---- */

enum { SWEEPS = 12, GAP = 26, ROW = 40, POINT = 12, MARGIN = 20 };

/* A node, or a point of a long edge. */
struct place {
    struct orri_node *node; /* or NULL */
    uint32_t edge, bend;    /* of a point */
    double x, width;
    double key;          /* to sort by */
    uint32_t *up, *down; /* neighbours in the rows above and below */
    uint32_t n_up, n_down;
};

struct row {
    uint32_t *places;
    uint32_t n;
    double y, height;
};

struct layout {
    struct orri_drawing *drawing;
    struct orr_arena *arena;
    struct place *places;
    uint32_t n_places;
    struct row *rows;
    uint32_t n_rows;
};

static uint32_t top_of(const struct orri_edge *e) { return e->back ? e->to : e->from; }
static uint32_t bottom_of(const struct orri_edge *e)
{
    return e->back ? e->from : e->to;
}

static void join(struct layout *l, uint32_t upper, uint32_t lower)
{
    struct place *a = &l->places[upper];
    struct place *b = &l->places[lower];
    a->down[a->n_down++] = lower;
    b->up[b->n_up++] = upper;
}

static void add_place(struct layout *l, uint32_t place, uint32_t rank, uint32_t degree)
{
    struct place *p = &l->places[place];
    p->up = orr_arena_alloc(l->arena, (degree + 1) * sizeof *p->up);
    p->down = orr_arena_alloc(l->arena, (degree + 1) * sizeof *p->down);
    l->rows[rank].places[l->rows[rank].n++] = place;
}

/* An edge over several rows has a point in each between. */
static void thread_edge(struct layout *l, uint32_t edge)
{
    struct orri_drawing *d = l->drawing;
    struct orri_edge *e = &d->edges[edge];
    uint32_t above = top_of(e);
    uint32_t top = d->nodes[above].rank;
    uint32_t bottom = d->nodes[bottom_of(e)].rank;
    e->n_bends = bottom > top + 1 ? bottom - top - 1 : 0;
    e->bends = orr_arena_alloc(l->arena, (e->n_bends + 1) * sizeof *e->bends);
    for (uint32_t i = 0; i < e->n_bends; i++) {
        uint32_t at = l->n_places++;
        l->places[at] = (struct place) { .edge = edge, .bend = i, .width = POINT };
        add_place(l, at, top + 1 + i, 1);
        join(l, above, at);
        above = at;
    }
    if (bottom > top)
        join(l, above, bottom_of(e));
}

/* How many places each row has, and all together; edges per node. */
static uint32_t count_places(struct layout *l, uint32_t *per_row, uint32_t *per_node)
{
    const struct orri_drawing *d = l->drawing;
    uint32_t all = d->n_nodes;
    for (uint32_t i = 0; i < d->n_nodes; i++)
        per_row[d->nodes[i].rank]++;
    for (uint32_t i = 0; i < d->n_edges; i++) {
        uint32_t bottom = d->nodes[bottom_of(&d->edges[i])].rank;
        per_node[d->edges[i].from]++;
        per_node[d->edges[i].to]++;
        for (uint32_t r = d->nodes[top_of(&d->edges[i])].rank + 1; r < bottom; r++) {
            per_row[r]++;
            all++;
        }
    }
    return all;
}

static void make_places(struct layout *l, const uint32_t *per_node)
{
    struct orri_drawing *d = l->drawing;
    for (uint32_t i = 0; i < d->n_nodes; i++) {
        struct row *row = &l->rows[d->nodes[i].rank];
        l->places[i] =
            (struct place) { .node = &d->nodes[i], .width = d->nodes[i].width };
        add_place(l, i, d->nodes[i].rank, per_node[i]);
        if (d->nodes[i].height > row->height)
            row->height = d->nodes[i].height;
    }
    l->n_places = d->n_nodes;
    for (uint32_t i = 0; i < d->n_edges; i++)
        thread_edge(l, i);
}

static void make_rows(struct layout *l)
{
    struct orri_drawing *d = l->drawing;
    for (uint32_t i = 0; i < d->n_nodes; i++)
        if (d->nodes[i].rank >= l->n_rows)
            l->n_rows = d->nodes[i].rank + 1;
    uint32_t *per_row = orr_arena_alloc(l->arena, (l->n_rows + 1) * sizeof *per_row);
    uint32_t *per_node = orr_arena_alloc(l->arena, (d->n_nodes + 1) * sizeof *per_node);
    uint32_t all = count_places(l, per_row, per_node);
    l->places = orr_arena_alloc(l->arena, (all + 1) * sizeof *l->places);
    l->rows = orr_arena_alloc(l->arena, (l->n_rows + 1) * sizeof *l->rows);
    for (uint32_t i = 0; i < l->n_rows; i++)
        l->rows[i].places =
            orr_arena_alloc(l->arena, (per_row[i] + 1) * sizeof *l->rows[i].places);
    make_places(l, per_node);
}

/* ---- order within rows ---- */

static double centre_of(const struct layout *l, const uint32_t *around, uint32_t n,
                        double fallback)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += l->places[around[i]].x;
    return n ? sum / n : fallback;
}

static int by_key(const void *a, const void *b, void *context)
{
    const struct place *places = context;
    const struct place *left = &places[*(const uint32_t *)a];
    const struct place *right = &places[*(const uint32_t *)b];
    int order = (left->key > right->key) - (left->key < right->key);
    return order ? order : (left > right) - (left < right);
}

/* Side by side, around the place of the row's own centre. */
static void pack(struct layout *l, struct row *row)
{
    double x = 0;
    for (uint32_t i = 0; i < row->n; i++) {
        struct place *p = &l->places[row->places[i]];
        p->x = x + p->width / 2;
        x += p->width + GAP;
    }
    for (uint32_t i = 0; i < row->n; i++)
        l->places[row->places[i]].x -= (x - GAP) / 2;
}

static void order_row(struct layout *l, struct row *row, bool down)
{
    for (uint32_t i = 0; i < row->n; i++) {
        struct place *p = &l->places[row->places[i]];
        p->key = down ? centre_of(l, p->up, p->n_up, p->x)
                      : centre_of(l, p->down, p->n_down, p->x);
    }
    if (row->n)
        qsort_r(row->places, row->n, sizeof *row->places, by_key, l->places);
    pack(l, row);
}

/* Towards the neighbours, as far as those beside allow. */
static void settle_row(struct layout *l, struct row *row, bool down)
{
    for (uint32_t i = 0; i < row->n; i++) {
        struct place *p = &l->places[row->places[i]];
        double want = down ? centre_of(l, p->up, p->n_up, p->x)
                           : centre_of(l, p->down, p->n_down, p->x);
        double left = -1e9;
        double right = 1e9;
        if (i > 0) {
            const struct place *q = &l->places[row->places[i - 1]];
            left = q->x + (q->width + p->width) / 2 + GAP;
        }
        if (i + 1 < row->n) {
            const struct place *q = &l->places[row->places[i + 1]];
            right = q->x - (q->width + p->width) / 2 - GAP;
        }
        p->x = want < left ? left : want > right && right >= left ? right : want;
    }
}

static void sweep(struct layout *l, bool down,
                  void (*each)(struct layout *, struct row *, bool))
{
    for (uint32_t i = 0; i < l->n_rows; i++)
        each(l, &l->rows[down ? i : l->n_rows - 1 - i], down);
}

/* ---- the whole ---- */

static void write_back(struct layout *l)
{
    struct orri_drawing *d = l->drawing;
    double least = 1e9;
    double most = -1e9;
    double y = MARGIN;
    for (uint32_t i = 0; i < l->n_rows; i++) {
        l->rows[i].y = y + l->rows[i].height / 2;
        y += l->rows[i].height + ROW;
    }
    for (uint32_t i = 0; i < l->n_places; i++) {
        const struct place *p = &l->places[i];
        least = p->x - p->width / 2 < least ? p->x - p->width / 2 : least;
        most = p->x + p->width / 2 > most ? p->x + p->width / 2 : most;
    }
    for (uint32_t r = 0; r < l->n_rows; r++)
        for (uint32_t i = 0; i < l->rows[r].n; i++) {
            const struct place *p = &l->places[l->rows[r].places[i]];
            struct orri_point at = { p->x - least + MARGIN, l->rows[r].y };
            if (p->node) {
                p->node->x = at.x;
                p->node->y = at.y;
            } else {
                d->edges[p->edge].bends[p->bend] = at;
            }
        }
    d->width = most - least + 2 * MARGIN;
    d->height = y - ROW + MARGIN;
}

void orri_place(struct orri_drawing *drawing, struct orr_arena *arena)
{
    struct layout l = { .drawing = drawing, .arena = arena };
    make_rows(&l);
    for (uint32_t i = 0; i < l.n_rows; i++)
        pack(&l, &l.rows[i]);
    for (int i = 0; i < SWEEPS; i++)
        sweep(&l, i % 2 == 0, order_row);
    for (int i = 0; i < SWEEPS; i++)
        sweep(&l, i % 2 == 0, settle_row);
    write_back(&l);
}
