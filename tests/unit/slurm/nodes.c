/* nodes.c - lists of nodes, where ranks go, words for the shell */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "slurm/slurm.h"

#include <stdlib.h>

static void expect_counts(const char *text, const uint32_t *expected, size_t n)
{
    uint32_t *counts = NULL;
    size_t got = 0;
    assert_true(orr_slurm_counts(text, &counts, &got));
    assert_int_equal(got, n);
    assert_memory_equal(counts, expected, n * sizeof *counts);
    free(counts);
}

static void counts_are_read(void **state)
{
    (void)state;
    expect_counts("2(x3),1", (const uint32_t[]) { 2, 2, 2, 1 }, 4);
    expect_counts("128", (const uint32_t[]) { 128 }, 1);
    expect_counts("4,2(x2),8", (const uint32_t[]) { 4, 2, 2, 8 }, 4);
}

static void others_are_none(void **state)
{
    (void)state;
    static const char *const wrong[] = { "",
                                         ",",
                                         "2,",
                                         "x3",
                                         "2(x3",
                                         "2(x)",
                                         "2(3)",
                                         "2(x3)4",
                                         "2 ",
                                         "two",
                                         "2(x9999999)",
                                         "99999999999",
                                         "2(x0)",
                                         "2(x1000000),2(x1000000)" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint32_t *counts = NULL;
        size_t n = 0;
        if (orr_slurm_counts(wrong[i], &counts, &n))
            fail_msg("'%s' is a list of %zu", wrong[i], n);
    }
}

static void expect_hosts(uint64_t workers, const char *expected)
{
    static const char *const names[] = { "a", "b", "c" };
    struct orr_text out = ORR_TEXT_INIT;
    orr_slurm_hosts(names, (const uint32_t[]) { 2, 1, 0 }, 3, workers, &out);
    assert_string_equal(out.s, expected);
    orr_text_release(&out);
}

/* Rank 0 is beside the workers of the first node; one without places has one. */
static void ranks_fill_nodes(void **state)
{
    (void)state;
    expect_hosts(0, "a\n");
    expect_hosts(1, "a\na\n");
    expect_hosts(4, "a\na\na\nb\nc\n");
    expect_hosts(6, "a\na\na\na\na\nb\nc\n");
    expect_hosts(8, "a\na\na\na\na\nb\nb\nc\nc\n");
}

static void words_are_quoted(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        { "plain-1.0/x=y", "plain-1.0/x=y" }, { "", "''" },
        { "two words", "'two words'" },       { "it's", "'it'\\''s'" },
        { "$HOME;`x`", "'$HOME;`x`'" },       { "a\nb", "'a\nb'" },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct orr_text out = ORR_TEXT_INIT;
        orr_slurm_quote(words[i][0], &out);
        assert_string_equal(out.s, words[i][1]);
        orr_text_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_read),
        cmocka_unit_test(others_are_none),
        cmocka_unit_test(ranks_fill_nodes),
        cmocka_unit_test(words_are_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
