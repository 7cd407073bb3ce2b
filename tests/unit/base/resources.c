/* resources.c - cores, GPUs and memory: who fits, who may go first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/resources.h"

static void all_of_them_must_fit(void **state)
{
    (void)state;
    struct orr_resources have = { 4, 1, 100 };
    assert_true(orr_resources_fit(&have, &(struct orr_resources) { 4, 1, 100 }));
    assert_false(orr_resources_fit(&have, &(struct orr_resources) { 5, 0, 0 }));
    assert_false(orr_resources_fit(&have, &(struct orr_resources) { 1, 2, 0 }));
    assert_false(orr_resources_fit(&have, &(struct orr_resources) { 1, 0, 101 }));
}

static void one_may_overtake_until_the_bound(void **state)
{
    (void)state;
    struct orr_resources free = { .cores = 3 };
    struct orr_resources waits = { .cores = 4 };
    struct orr_resources small = { .cores = 1 };
    assert_true(orr_may_overtake(&free, &small, &waits, 0, 8));
    assert_true(orr_may_overtake(&free, &small, &waits, 7, 8));
    assert_false(orr_may_overtake(&free, &small, &waits, 8, 8));
    struct orr_resources large = { .cores = 4 };
    assert_false(orr_may_overtake(&free, &large, &waits, 0, 8)); /* does not fit */
}

/* What waits for a GPU is not delayed by what takes none, as long as its cores and its
 * memory stay. */
static void who_takes_nothing_of_what_is_short_is_no_rival(void **state)
{
    (void)state;
    struct orr_resources free = { .cores = 4, .memory = 100 };
    struct orr_resources waits = { .cores = 2, .gpus = 1, .memory = 50 };
    struct orr_resources two = { .cores = 2, .memory = 50 };
    struct orr_resources three = { .cores = 3 };
    struct orr_resources greedy = { .cores = 1, .memory = 51 };
    assert_true(orr_may_overtake(&free, &two, &waits, 100, 8));
    assert_false(orr_may_overtake(&free, &three, &waits, 100, 8));
    assert_false(orr_may_overtake(&free, &greedy, &waits, 100, 8));
}

static void what_uses_up_no_cores_first_goes_first(void **state)
{
    (void)state;
    struct orr_resources node = { 64, 4, 512 };
    assert_true(orr_goes_first(&node, &(struct orr_resources) { 1, 1, 0 }));
    assert_false(orr_goes_first(&node, &(struct orr_resources) { 16, 1, 0 }));
    assert_true(orr_goes_first(&node, &(struct orr_resources) { 1, 0, 100 }));
    assert_false(orr_goes_first(&node, &(struct orr_resources) { 1, 0, 8 }));
    assert_false(orr_goes_first(&node, &(struct orr_resources) { 1, 0, 0 }));
}

static void sizes_and_resources_are_printed(void **state)
{
    (void)state;
    struct orr_text text = ORR_TEXT_INIT;
    orr_size_print(&text, 512);
    orr_text_puts(&text, "|");
    orr_size_print(&text, (uint64_t)47 << 29);
    orr_text_puts(&text, "|");
    orr_size_print(&text, 1023 << 10);
    orr_text_puts(&text, "|");
    orr_resources_print(&(struct orr_resources) { 1, 0, 0 }, &text);
    orr_text_puts(&text, "|");
    orr_resources_print(&(struct orr_resources) { 2, 1, (uint64_t)3 << 30 }, &text);
    assert_string_equal(text.s, "512 B|23.5 GiB|1023 KiB|1 core|2 cores, 3 GiB of "
                                "memory, 1 GPU");
    orr_text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them_must_fit),
        cmocka_unit_test(one_may_overtake_until_the_bound),
        cmocka_unit_test(who_takes_nothing_of_what_is_short_is_no_rival),
        cmocka_unit_test(what_uses_up_no_cores_first_goes_first),
        cmocka_unit_test(sizes_and_resources_are_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
