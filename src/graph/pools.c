/* pools.c - the tree of pools, flattened; pools[0] is the root "all" */
#include "graph/internal.h"

#include <stdlib.h>
#include <string.h>

static uint32_t count(const struct orr_model_blocks *blocks)
{
    const struct orr_model_pool *pools = blocks->items;
    uint32_t n = blocks->n;
    for (uint32_t i = 0; i < blocks->n; i++)
        n += count(&pools[i].pools);
    return n;
}

static double share_of(struct orri_compile *c, orr_model_leaf node)
{
    struct orr_value v = orr_null();
    if (!node || !orri_data(c, node, orr_type_scalar(ORR_KIND_FLOAT), "", &v))
        return 0;
    if (v.as.f > 0 && v.as.f <= 1)
        return v.as.f;
    orr_diag_error(c->diags, node->at, "E0407", "share must be above 0 and at most 1");
    return 0;
}

static void check_new_name(struct orri_compile *c, orr_model_leaf key)
{
    if (strcmp(key->text, "all") == 0)
        orr_diag_error(
            c->diags, key->at, "E0403",
            "'all' cannot be the name of a pool: it is the root of all pools");
    for (uint32_t i = 1; i < c->graph->n_pools; i++)
        if (strcmp(c->pools[i].name, key->text) == 0)
            orr_diag_error(c->diags, key->at, "E0409",
                           "pool '%s' stands twice; first in line %u", key->text,
                           c->pools[i].at.line);
}

static void add(struct orri_compile *c, const struct orr_model_blocks *blocks,
                uint32_t parent)
{
    const struct orr_model_pool *pools = blocks->items;
    for (uint32_t i = 0; i < blocks->n; i++) {
        const struct orr_model_pool *m = &pools[i];
        check_new_name(c, m->head.key);
        uint32_t at = c->graph->n_pools++;
        c->pools[at] = (struct orr_pool) {
            .name = orri_keep(c, m->head.key),
            .at = m->head.key->at,
            .parent = parent,
            .share = share_of(c, m->share),
            .reserve = (uint32_t)orri_int(c, m->reserve, "reserve", 0, INT32_MAX, 0),
            .max = (uint32_t)orri_int(c, m->max, "max", 1, INT32_MAX, 0),
            .borrow = orri_bool(c, m->borrow, true),
        };
        if (m->reserve && m->max && c->pools[at].reserve > c->pools[at].max &&
            c->pools[at].max > 0)
            orr_diag_error(c->diags, m->reserve->at, "E0407", "reserve is above max");
        add(c, &m->pools, at);
    }
}

/* `parent: NAME`, once all names are known. */
static void set_parents(struct orri_compile *c, const struct orr_model_blocks *blocks,
                        uint32_t parent, uint32_t *at)
{
    const struct orr_model_pool *pools = blocks->items;
    const char **names = orr_alloc(c->graph->n_pools, sizeof *names);
    for (uint32_t i = 0; i < c->graph->n_pools; i++)
        names[i] = c->pools[i].name;
    for (uint32_t i = 0; i < blocks->n; i++) {
        uint32_t self = (*at)++;
        orr_model_leaf wanted = pools[i].parent;
        if (wanted && parent != 0)
            orr_diag_error(c->diags, wanted->at, "E0410",
                           "pool '%s' has a parent already: it stands inside '%s'",
                           c->pools[self].name, c->pools[parent].name);
        else if (wanted) {
            uint32_t found =
                orri_find(c, wanted, "pool", "E0401", names, c->graph->n_pools);
            c->pools[self].parent = found == ORR_NONE ? 0 : found;
        }
        set_parents(c, &pools[i].pools, self, at);
    }
    free(names);
}

static void check_loops(struct orri_compile *c)
{
    for (uint32_t i = 1; i < c->graph->n_pools; i++) {
        uint32_t steps = 0;
        uint32_t at = i;
        while (at != ORR_NONE && at != 0 && steps <= c->graph->n_pools) {
            at = c->pools[at].parent;
            steps++;
        }
        if (steps > c->graph->n_pools) {
            orr_diag_error(c->diags, c->pools[i].at, "E0410",
                           "pool '%s' is its own parent", c->pools[i].name);
            c->pools[i].parent = 0;
        }
    }
}

static void check_shares(struct orri_compile *c)
{
    for (uint32_t p = 0; p < c->graph->n_pools; p++) {
        double sum = 0;
        for (uint32_t i = 1; i < c->graph->n_pools; i++)
            sum += c->pools[i].parent == p ? c->pools[i].share : 0;
        if (sum > 1.000001)
            orr_diag_warning(
                c->diags, c->pools[p ? p : 1].at, "W0440",
                "the shares inside pool '%s' sum to %.3g; they count relative to "
                "each other",
                c->pools[p].name, sum);
    }
}

void orri_compile_pools(struct orri_compile *c)
{
    uint32_t n = 1 + count(&c->model->pools);
    uint32_t at = 1;
    c->pools = orr_arena_alloc(c->arena, n * sizeof *c->pools);
    c->pool_used = orr_arena_alloc(c->arena, n * sizeof *c->pool_used);
    c->pools[0] = (struct orr_pool) {
        .name = "all", .at = c->model->head.node->at, .parent = ORR_NONE, .borrow = true
    };
    c->graph->pools = c->pools;
    c->graph->n_pools = 1;
    add(c, &c->model->pools, 0);
    set_parents(c, &c->model->pools, 0, &at);
    check_loops(c);
    check_shares(c);
}
