/* pages.c - every finding has a page, its wrong example gives it, its right one does
 * not */
#include "compose.h"

#include "model/findings.h"

static char *findings_of_example(const struct orr_page *page, const char *example)
{
    char *text = page->whole ? orr_strdup(example) : compose(example);
    char *found = findings_of(text);
    free(text);
    return found;
}

static bool has_errors(const char *found)
{
    for (const char *at = found; (at = strstr(at, " E0")) != NULL; at += 3)
        if (isdigit((unsigned char)at[3]) && isdigit((unsigned char)at[5]))
            return true;
    return false;
}

static void page_is_true(void **state)
{
    const struct orr_finding *finding = *state;
    const struct orr_page *page = orr_finding_page(finding->id);
    if (!page)
        fail_msg("%s has no page", finding->id);
    assert_true(strlen(page->why) > 40);
    char *wrong = findings_of_example(page, page->wrong);
    char *right = findings_of_example(page, page->right);
    if (!strstr(wrong, finding->id))
        fail_msg("%s: the wrong example gives\n%s", finding->id, wrong);
    if (strstr(right, finding->id) || (!page->whole && has_errors(right)))
        fail_msg("%s: the right example gives\n%s", finding->id, right);
    free(wrong);
    free(right);
}

int main(void)
{
    size_t n = 0;
    const struct orr_finding *findings = orr_findings(&n);
    struct CMUnitTest *tests = orr_alloc(n, sizeof *tests);
    for (size_t i = 0; i < n; i++)
        tests[i] =
            (struct CMUnitTest) { .name = findings[i].id,
                                  .test_func = page_is_true,
                                  .initial_state = (void *)(uintptr_t)&findings[i] };
    int failed = _cmocka_run_group_tests("pages", tests, n, NULL, NULL);
    free(tests);
    return failed;
}
