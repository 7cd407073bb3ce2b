/* format.c - orrery fmt: the canonical form, found again, with all comments and meaning
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "model/format.h"
#include "yaml/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct orr_text formatted(const char *text)
{
    struct orr_diags diags = { 0 };
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    if (orr_model_format("f.yaml", text, strlen(text), &out, &diags, &err) != ORR_OK)
        fail_msg("%s\n%s", diags.n ? diags.items[0].message : "no finding", text);
    orr_diags_release(&diags);
    return out;
}

static size_t comments_in(const char *text)
{
    struct orr_diags diags = { 0 };
    size_t n = 0;
    struct orr_yaml_document *document =
        orr_yaml_parse("f.yaml", text, strlen(text), &diags);
    assert_non_null(document);
    (void)orr_yaml_comments(document, &n);
    orr_yaml_free(document);
    orr_diags_release(&diags);
    return n;
}

/* What is formatted is its own form, and no comment is lost. */
static void check_settled(const char *text)
{
    struct orr_text once = formatted(text);
    struct orr_text twice = formatted(once.s);
    assert_string_equal(once.s, twice.s);
    assert_int_equal(comments_in(text), comments_in(once.s));
    orr_text_release(&once);
    orr_text_release(&twice);
}

static void file_text(const char *name, struct orr_text *out)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", ORR_SOURCE_DIR, name);
    if (orr_file_read(path, 1 << 20, out, NULL) != ORR_OK)
        fail_msg("cannot read %s", path);
}

static void messy_is_golden(void **state)
{
    (void)state;
    struct orr_text messy = ORR_TEXT_INIT;
    struct orr_text golden = ORR_TEXT_INIT;
    file_text("tests/golden/fmt/messy.yaml", &messy);
    struct orr_text text = formatted(messy.s);
    if (getenv("ORR_GOLDEN_UPDATE"))
        assert_int_equal(orr_file_write(ORR_SOURCE_DIR "/tests/golden/fmt/tidy.yaml",
                                        text.s, text.length, false, NULL),
                         ORR_OK);
    file_text("tests/golden/fmt/tidy.yaml", &golden);
    assert_string_equal(text.s, golden.s);
    check_settled(messy.s);
    orr_text_release(&messy);
    orr_text_release(&golden);
    orr_text_release(&text);
}

/* The examples are in this form already. */
static void examples_are_tidy(void **state)
{
    (void)state;
    static const char *const names[] = {
        "workflows/ladder.yaml", "workflows/sweep.yaml", "workflows/ffmpeg-chunks.yaml",
        "jobs/clip.yaml",        "jobs/sweep.yaml",      "jobs/ffmpeg-chunks.yaml"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct orr_text text = ORR_TEXT_INIT;
        file_text(names[i], &text);
        struct orr_text again = formatted(text.s);
        assert_string_equal(text.s, again.s);
        orr_text_release(&text);
        orr_text_release(&again);
    }
}

struct form {
    const char *from, *to;
};

static void forms(void **state)
{
    (void)state;
    static const struct form cases[] = {
        { "job: x\norrery: 1\nworkflow: w.yaml\n",
          "orrery: 1\njob: x\nworkflow: w.yaml\n" },
        { "orrery: 1\r\nworkflow: x\r\nrules: []\r\n",
          "orrery: 1\nworkflow: x\nrules: []\n" },
        { "\xef\xbb\xbforrery: 1\nworkflow: x\n", "orrery: 1\nworkflow: x\n" },
        { "workflow: \"a\n  b\"\norrery: 1\n", "orrery: 1\nworkflow: \"a b\"\n" },
        { "workflow: a\n  b\norrery: 1\n", "orrery: 1\nworkflow: a b\n" },
        { "orrery: 1\nfacts:\n    a:\n        {x: int,\n         y: int}\n",
          "orrery: 1\n\nfacts:\n  a: {x: int, y: int}\n" },
        { "orrery: 1\nunknown: 3\nworkflow: x\n",
          "orrery: 1\nworkflow: x\nunknown: 3\n" },
        { "orrery: 1\nfunctions:\n  f:\n    shell: |2\n        indented\n      less\n",
          "orrery: 1\n\nfunctions:\n  f:\n    shell: |2\n        indented\n      "
          "less\n" },
        { "orrery: 1\nrules:\n- rule: r\n  gather: {count: 1, e: enc, order: e.x, "
          "where: e.y "
          "== 1}\n",
          "orrery: 1\n\nrules:\n  - rule: r\n    gather: {e: enc, where: e.y == 1, "
          "count: 1, "
          "order: e.x}\n" },
        { "orrery: 1\ninputs:\n  a:\n  b:    int #c\n  #d\n",
          "orrery: 1\n\ninputs:\n  a:\n  b: int  #c\n  #d\n" },
        { "orrery: 1\nfunctions:\n  f:\n    shell: |   # why\n      a  \n      \n      "
          "b\n    "
          "doc: >-  # fold\n      c\n",
          "orrery: 1\n\nfunctions:\n  f:\n    shell: |  # why\n      a  \n\n      b\n  "
          "  "
          "doc: >-  # fold\n      c\n" },
        { "orrery: 1\nfunctions:\n  f:\n    shell: |+\n      keep\n\n    stdout: "
          "text\n",
          "orrery: 1\n\nfunctions:\n  f:\n    shell: |+\n      keep\n\n    stdout: "
          "text\n" },
        { "orrery: 1\nfunctions:\n  f:\n    out: {y: int,  # inside\n          z: "
          "int}\n",
          "orrery: 1\n\nfunctions:\n  f:\n    out:\n      y: int  # inside\n      z: "
          "int\n" },
        { "orrery: 1\nworkflow: caf\xc3\xa9 # \xe2\x82\xac\n",
          "orrery: 1\nworkflow: caf\xc3\xa9  # \xe2\x82\xac\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct orr_text text = formatted(cases[i].from);
        assert_string_equal(text.s, cases[i].to);
        orr_text_release(&text);
        check_settled(cases[i].from);
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *id;
    } cases[] = { { "[1, 2]\n", "E0303" },     { "{orrery: 1}\n", "E0303" },
                  { "a: [\n", "E0101" },       { "", "E0109" },
                  { "a: 1\na: 2\n", "E0104" }, { "# a: 0\rb: [1, (2]\n", "E0111" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct orr_diags diags = { 0 };
        struct orr_text out = ORR_TEXT_INIT;
        assert_int_equal(orr_model_format("f.yaml", cases[i].text,
                                          strlen(cases[i].text), &out, &diags, NULL),
                         ORR_ERR_INPUT);
        assert_string_equal(diags.items[0].id, cases[i].id);
        orr_diags_release(&diags);
        orr_text_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messy_is_golden),
        cmocka_unit_test(forms),
        cmocka_unit_test(refused),
        cmocka_unit_test(examples_are_tidy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
