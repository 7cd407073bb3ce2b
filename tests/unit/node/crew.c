/* crew.c - the agent's ledger: cores of one NUMA domain, GPUs, memory */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/crew.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t GIB = (uint64_t)1 << 30;

/* An agent alone, with 8 cores in two domains, 16 GiB and 4 GPUs. */
struct node {
    struct orr_topo *topo;
    struct orri_crew *crew;
};

static void nobody_ended(void *context, uint32_t worker, uint32_t rank,
                         struct orr_reader *in, int blob_fd)
{
    (void)context, (void)worker, (void)rank, (void)in, (void)blob_fd;
}

static void nobody_lost(void *context, uint32_t worker, uint32_t rank, uint64_t call)
{
    (void)context, (void)worker, (void)rank, (void)call;
}

static struct node node_new(void)
{
    struct node node = { 0 };
    struct orr_error err = { 0 };
    assert_int_equal(orr_topo_load(NULL, "pack:2 [numa] core:4 pu:2", &node.topo, &err),
                     ORR_OK);
    struct orri_crew_setup setup = { .workers = 1,
                                     .cores_each = 8,
                                     .topo = node.topo,
                                     .memory = 16 * GIB,
                                     .gpus = 4,
                                     .ended = nobody_ended,
                                     .lost = nobody_lost };
    assert_int_equal(orri_crew_new(&setup, &node.crew, &err), ORR_OK);
    return node;
}

static void node_free(struct node *node)
{
    orri_crew_free(node->crew);
    orr_topo_free(node->topo);
}

struct taken {
    struct orri_seat seat;
    struct orr_resources needs;
    uint32_t cores[8];
    uint32_t gpus[4];
};

static bool place(struct node *node, uint32_t cores, uint64_t gib, uint32_t gpus,
                  struct taken *out)
{
    uint32_t n = 0;
    out->needs = (struct orr_resources) { cores, gpus, gib * GIB };
    if (!orri_crew_place(node->crew, &out->needs, &out->seat))
        return false;
    const uint32_t *which = orri_crew_cores_of(node->crew, &out->seat, &n);
    assert_int_equal(n, cores);
    memcpy(out->cores, which, n * sizeof *which);
    which = orri_crew_gpus_of(node->crew, &out->seat, &n);
    assert_int_equal(n, gpus);
    memcpy(out->gpus, which, n * sizeof *which);
    return true;
}

static void a_call_lands_in_the_domain_that_it_fills_best(void **state)
{
    (void)state;
    struct node node = node_new();
    struct taken at;
    assert_true(place(&node, 1, 0, 0, &at));
    assert_int_equal(at.cores[0], 0);
    assert_true(place(&node, 4, 0, 0, &at)); /* three are left in the first */
    assert_int_equal(at.cores[0], 4);
    assert_int_equal(at.cores[3], 7);
    assert_true(place(&node, 2, 0, 0, &at));
    assert_int_equal(at.cores[0], 1);
    assert_false(place(&node, 2, 0, 0, &at));
    node_free(&node);
}

static void small_calls_leave_a_whole_domain_to_large_ones(void **state)
{
    (void)state;
    struct node node = node_new();
    struct taken at;
    assert_true(place(&node, 2, 0, 0, &at));
    assert_true(place(&node, 1, 0, 0, &at));
    assert_int_equal(at.cores[0], 2);
    assert_true(place(&node, 4, 0, 0, &at));
    assert_int_equal(at.cores[0], 4);
    node_free(&node);
}

static void a_call_wider_than_a_domain_gets_both(void **state)
{
    (void)state;
    struct node node = node_new();
    struct taken at;
    assert_true(place(&node, 6, 0, 0, &at));
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(at.cores[i], i);
    node_free(&node);
}

static void gpus_are_distinct_and_come_back(void **state)
{
    (void)state;
    struct node node = node_new();
    struct taken a;
    struct taken b;
    struct taken c;
    assert_true(place(&node, 1, 0, 2, &a));
    assert_true(place(&node, 1, 0, 1, &b));
    assert_int_equal(a.gpus[0], 0);
    assert_int_equal(a.gpus[1], 1);
    assert_int_equal(b.gpus[0], 2);
    assert_false(place(&node, 1, 0, 2, &c));
    orri_crew_release(node.crew, &a.seat, 1);
    assert_true(place(&node, 1, 0, 2, &c));
    assert_int_equal(c.gpus[0], 0);
    assert_int_equal(c.gpus[1], 1);
    node_free(&node);
}

static void memory_is_not_given_twice(void **state)
{
    (void)state;
    struct node node = node_new();
    struct taken a;
    struct taken b;
    assert_true(place(&node, 1, 10, 0, &a));
    assert_false(place(&node, 1, 7, 0, &b));
    assert_true(place(&node, 1, 6, 0, &b));
    assert_true(orri_crew_idle(node.crew).memory == 0);
    orri_crew_release(node.crew, &a.seat, 1);
    assert_true(orri_crew_idle(node.crew).memory == 10 * GIB);
    node_free(&node);
}

static void what_is_shared_is_counted_once_and_held_by_the_last(void **state)
{
    (void)state;
    struct node node = node_new();
    struct taken a;
    struct orr_resources all = orri_crew_idle(node.crew);
    assert_true(place(&node, 2, 5, 1, &a));
    orri_crew_board(node.crew, &a.seat);
    orri_crew_board(node.crew, &a.seat);
    for (int left = 3; left; left--) {
        struct orr_resources idle = orri_crew_idle(node.crew);
        orr_resources_add(&idle, &a.needs);
        assert_true(orr_resources_equal(&idle, &all));
        orri_crew_release(node.crew, &a.seat, 1);
    }
    struct orr_resources idle = orri_crew_idle(node.crew);
    assert_true(orr_resources_equal(&idle, &all));
    node_free(&node);
}

/* Who gives it more looks for its own kind, and for few that are left. */
static void a_place_that_runs_low_is_found(void **state)
{
    (void)state;
    struct node node = node_new();
    struct orri_seat seat = { 0 };
    struct taken a;
    struct taken b;
    assert_true(place(&node, 1, 0, 0, &a));
    assert_true(place(&node, 2, 0, 0, &b));
    assert_false(orri_crew_runs_low(node.crew, 7, 9, &seat));
    orri_crew_mark(node.crew, &a.seat, 7);
    orri_crew_mark(node.crew, &b.seat, 8);
    for (int i = 0; i < 3; i++)
        orri_crew_board(node.crew, &a.seat);
    assert_false(orri_crew_runs_low(node.crew, 7, 3, &seat));
    orri_crew_release(node.crew, &a.seat, 1);
    assert_true(orri_crew_runs_low(node.crew, 7, 3, &seat));
    assert_int_equal(seat.place, a.seat.place);
    assert_int_equal(seat.core, a.seat.core);
    assert_true(orri_crew_runs_low(node.crew, 8, 1, &seat));
    assert_int_equal(seat.place, b.seat.place);
    orri_crew_release(node.crew, &b.seat, 1); /* the last: the place is gone */
    assert_false(orri_crew_runs_low(node.crew, 8, 1, &seat));
    node_free(&node);
}

/* Random calls that come and go: in the end all is there again. */
static void the_ledger_is_exact(void **state)
{
    (void)state;
    struct node node = node_new();
    struct taken *places = calloc(8, sizeof *places);
    struct orr_resources all = orri_crew_idle(node.crew);
    uint32_t n = 0;
    uint64_t random = 1;
    for (uint32_t step = 0; step < 20000; step++) {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        uint32_t r = (uint32_t)(random >> 33);
        if (r % 2 && n < 8) {
            n += place(&node, 1 + r / 2 % 5, r / 10 % 8, r / 80 % 3, &places[n]);
        } else if (n) {
            uint32_t at = r / 2 % n;
            orri_crew_release(node.crew, &places[at].seat, 1);
            places[at] = places[--n];
        }
        struct orr_resources sum = orri_crew_idle(node.crew);
        for (uint32_t i = 0; i < n; i++)
            orr_resources_add(&sum, &places[i].needs);
        assert_true(orr_resources_equal(&sum, &all));
        assert_int_equal(orri_crew_busy(node.crew),
                         all.cores - orri_crew_idle(node.crew).cores);
    }
    free(places);
    node_free(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_lands_in_the_domain_that_it_fills_best),
        cmocka_unit_test(small_calls_leave_a_whole_domain_to_large_ones),
        cmocka_unit_test(a_call_wider_than_a_domain_gets_both),
        cmocka_unit_test(gpus_are_distinct_and_come_back),
        cmocka_unit_test(memory_is_not_given_twice),
        cmocka_unit_test(what_is_shared_is_counted_once_and_held_by_the_last),
        cmocka_unit_test(a_place_that_runs_low_is_found),
        cmocka_unit_test(the_ledger_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
