/* findings.c - what the compiler says to workflows and jobs with mistakes: exact words
 * and places
 *
 * The cases are in wrong/NAME.txt:
 *
 *     === a name
 *     the top-level keys that matter; the others are those of compose.h
 *     ---
 *     LINE:COLUMN ID MESSAGE; HINT
 *
 * After "=== a name (whole)" stands a whole file. */
#include "compose.h"

#include <dirent.h>

struct bad_case {
    char *name, *text, *findings;
    bool whole;
};

struct cases {
    struct bad_case *items;
    size_t n, cap;
};

static void says_so(void **state)
{
    const struct bad_case *c = *state;
    char *text = c->whole ? orr_strdup(c->text) : compose(c->text);
    char *found = findings_of(text);
    assert_string_equal(found, c->findings);
    free(found);
    free(text);
}

/* From `at` up to `mark` at the start of a line, which is cut off; NULL: not there. */
static char *until(char *at, const char *mark)
{
    size_t n = strlen(mark);
    for (char *line = at; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, mark, n) == 0) {
            *line = '\0';
            return line + n;
        }
    }
    return NULL;
}

static void cut_end(char *text)
{
    size_t n = strlen(text);
    while (n && text[n - 1] == '\n')
        text[--n] = '\0';
}

/* Cases borrow from `text`, which is changed. */
static void read_cases(char *text, const char *file, struct cases *cases)
{
    char *at = until(text, "=== ");
    while (at) {
        struct bad_case c = { .name = at };
        char *next = until(at, "=== ");
        c.text = strchr(at, '\n');
        if (!c.text)
            fail_msg("%s: no text after '%s'", file, at);
        *c.text++ = '\0';
        c.findings = until(c.text, "---\n");
        if (!c.findings)
            fail_msg("%s: no --- in '%s'", file, c.name);
        cut_end(c.findings);
        c.whole = strstr(c.name, "(whole)") != NULL;
        cases->items =
            orr_grow(cases->items, cases->n, &cases->cap, sizeof *cases->items);
        cases->items[cases->n++] = c;
        at = next;
    }
}

enum { MOST_FILES = 30 };

static size_t read_files(struct orr_text *texts, struct cases *cases)
{
    const char *folder = ORR_SOURCE_DIR "/tests/unit/graph/wrong";
    size_t n = 0;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        if (!strstr(entry->d_name, ".txt"))
            continue;
        char *path = orr_path_join(folder, entry->d_name);
        assert_true(n < MOST_FILES);
        assert_int_equal(orr_file_read(path, 1 << 20, &texts[n], NULL), ORR_OK);
        read_cases(texts[n++].s, path, cases);
        free(path);
    }
    (void)closedir(directory);
    return n;
}

int main(void)
{
    struct orr_text texts[MOST_FILES] = { ORR_TEXT_INIT };
    struct cases cases = { 0 };
    size_t n_files = read_files(texts, &cases);
    struct CMUnitTest *tests = orr_alloc(cases.n, sizeof *tests);
    for (size_t i = 0; i < cases.n; i++)
        tests[i] = (struct CMUnitTest) { .name = cases.items[i].name,
                                         .test_func = says_so,
                                         .initial_state = &cases.items[i] };
    int failed = cases.n < 150; /* lost cases must not pass for success */
    failed += _cmocka_run_group_tests("findings", tests, cases.n, NULL, NULL);
    free(tests);
    free(cases.items);
    for (size_t i = 0; i < n_files; i++)
        orr_text_release(&texts[i]);
    return failed;
}
