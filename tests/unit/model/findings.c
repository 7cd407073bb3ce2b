/* findings.c - the numbers in the sources are those of the table, each once there */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "model/findings.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 200 };

static bool is_id(const char *s)
{
    return s[0] == '"' && (s[1] == 'E' || s[1] == 'W') &&
           isdigit((unsigned char)s[2]) && isdigit((unsigned char)s[3]) &&
           isdigit((unsigned char)s[4]) && isdigit((unsigned char)s[5]) && s[6] == '"';
}

static void scan_file(const char *path, bool *used)
{
    struct orr_text text = ORR_TEXT_INIT;
    size_t n = 0;
    const struct orr_finding *findings = orr_findings(&n);
    assert_int_equal(orr_file_read(path, 1 << 20, &text, NULL), ORR_OK);
    for (const char *s = text.s; *s; s++) {
        char id[6] = "";
        if (!is_id(s))
            continue;
        memcpy(id, s + 1, 5);
        if (!orr_finding_text(id))
            fail_msg("%s uses %s, which findings.h does not list", path, id);
        for (size_t i = 0; i < n; i++)
            used[i] |= strcmp(findings[i].id, id) == 0;
    }
    orr_text_release(&text);
}

static void scan_folder(const char *folder, bool *used)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/src/%s", ORR_SOURCE_DIR, folder);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        size_t length = strlen(entry->d_name);
        (void)snprintf(path, sizeof path, "%s/src/%s/%s", ORR_SOURCE_DIR, folder,
                       entry->d_name);
        if (length > 2 && strcmp(entry->d_name + length - 2, ".c") == 0 &&
            strncmp(entry->d_name, "pages_", 6) != 0)
            scan_file(path, used);
    }
    (void)closedir(directory);
}

static void table_and_sources_agree(void **state)
{
    static const char *const folders[] = { "yaml", "lang", "model", "graph" };
    bool used[MOST] = { false };
    size_t n = 0;
    (void)state;
    const struct orr_finding *findings = orr_findings(&n);
    assert_true(n < MOST);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        scan_folder(folders[i], used);
    for (size_t i = 0; i < n; i++)
        if (!used[i])
            fail_msg("%s is listed but nothing reports it", findings[i].id);
}

static void numbers_ascend(void **state)
{
    size_t n = 0;
    (void)state;
    const struct orr_finding *findings = orr_findings(&n);
    for (size_t i = 1; i < n; i++)
        assert_true(strcmp(findings[i - 1].id + 1, findings[i].id + 1) < 0);
    assert_null(orr_finding_text("E9999"));
    assert_string_equal(orr_finding_text("E0105"),
                        "A file holds one YAML document; '---' "
                        "starts another.");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(table_and_sources_agree),
                                        cmocka_unit_test(numbers_ascend) };
    return cmocka_run_group_tests_name("findings", tests, NULL, NULL);
}
