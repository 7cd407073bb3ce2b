/* orders.c - commands: where they write, whatever the run directory is called, and what
 * their output may be */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct orr_registry no_functions = { NULL, 0 };

static orr_status read_text(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    (void)path;
    (void)err;
    orr_text_puts(out, context);
    return ORR_OK;
}

/* A workflow with one function, `make`, and a rule that calls it. */
static struct orr_graph *compile(const char *function, const char *result)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_diags diags = { 0 };
    orr_text_printf(&text,
                    "orrery: 1\nworkflow: w\nfacts: {made: {v: %s}}\n"
                    "functions: {make: {%s}}\nrules:\n"
                    "  - {rule: make, match: {j: job}, action: {call: make},\n"
                    "     reaction: [{assert: made, with: {v: result.%s}}]}\n"
                    "outputs: {made: {fact: made}}\n",
                    strcmp(result, "f") == 0 ? "path" : "string", function, result);
    struct orr_sources sources = { read_text, text.s };
    struct orr_graph *graph =
        orr_graph_compile("w.yaml", &sources, &no_functions, &diags);
    if (!graph) {
        struct orr_text out = ORR_TEXT_INIT;
        orr_diags_render(&diags, NULL, NULL, &out);
        fail_msg("%s", out.s);
    }
    orr_diags_release(&diags);
    orr_text_release(&text);
    return graph;
}

/* ---- names of files ---- */

static const char *const run_dirs[] = {
    "/plain/run",   "/o'b/run",        "/'/''/run", "/a b/run\n", "/$HOME/`x`/\"run\"",
    "/\xC3\xBC/ru", "/back\\slash/*?", "/'",        "/run'",      "/a/scratch/a",
};

static const struct name_case {
    const char *function;
    const char *written;
} name_cases[] = {
    { "shell: \"echo > {out.f}\", out: {f: path}", "f" },
    { "shell: \"echo > {out.f}.txt\", out: {f: path}", "f.txt" },
    { "shell: \"echo > {out.f}.tar.gz; ls\", out: {f: path}", "f.tar.gz" },
    { "shell: \"echo > {out.f}.new; mv {out.f}.new {out.f}\", out: {f: path}", "f" },
    { "shell: \"x {out.f_b}.b {out.f}.a\", out: {f: path, f_b: path}", "f.a" },
    { "shell: \"x $F.txt\", env: {F: \"{out.f}.log\"}, out: {f: path}", "f.log" },
    { "command: [x, \"{out.f}.png\"], out: {f: path}", "f.png" },
    { "command: [x, \"--to={out.f}.png\"], out: {f: path}", "f.png" },
};

static void suffix_survives_any_run_directory(void **state)
{
    (void)state;
    struct orr_assignment assignment = { .attempt = 1 };
    for (size_t c = 0; c < sizeof name_cases / sizeof *name_cases; c++) {
        struct orr_graph *graph = compile(name_cases[c].function, "f");
        for (size_t d = 0; d < sizeof run_dirs / sizeof *run_dirs; d++) {
            struct orr_arena arena = ORR_ARENA_INIT;
            struct orr_order order;
            struct orr_error err = { 0 };
            assert_int_equal(orri_order_make(graph, &assignment, run_dirs[d], 1, &arena,
                                             &order, &err),
                             ORR_OK);
            if (strcmp(order.outs[0].written, name_cases[c].written) != 0)
                fail_msg("%s in %s: '%s' is written, not '%s'", name_cases[c].function,
                         run_dirs[d], order.outs[0].written, name_cases[c].written);
            orr_arena_release(&arena);
        }
        orr_graph_free(graph);
    }
}

/* ---- output ---- */

static const struct output_case {
    const char *mode; /* of stdout */
    const char *output;
    size_t length;
    const char *message; /* "": it is taken */
} output_cases[] = {
    { "text", "plain", 5, "" },
    { "text", "", 0, "" },
    { "text", "\xC3\xBC \xF0\x9F\x8E\xAC", 7, "" },
    { "text", "a\0b", 3, "standard output is no text: it holds a zero byte" },
    { "text", "ab\xFF", 3, "standard output is no text: byte 3 (0xff) is not UTF-8" },
    { "text", "\xC3", 1, "standard output is no text: byte 1 (0xc3) is not UTF-8" },
    { "text", "\xED\xA0\x80", 3,
      "standard output is no text: byte 1 (0xed) is not UTF-8" },
    { "json", "{\"text\": \"\xFF\"}", 13,
      "standard output is no JSON: line 1: unable to decode byte 0xff" },
    { "json", "{\"text\": \"\", \"took\": -9.1e9}", 28, "" },
    { "json", "{\"text\": \"\", \"took\": 1e12}", 26,
      "the result 'took' must be duration?, but is more than 9.2e9 seconds" },
    { "json", "{\"text\": \"\", \"took\": -92000000000}", 34,
      "the result 'took' must be duration?, but is more than 9.2e9 seconds" },
    { "json", "{\"text\": \"\", \"bytes\": 9223372036854775808}", 42,
      "standard output is no JSON: line 1: too big integer" },
    { "json", "{\"text\": \"\", \"bytes\": 1e12}", 27,
      "the result 'bytes' must be size?, but is a number with a fraction" },
};

static void output_must_be_text(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof output_cases / sizeof *output_cases; c++) {
        const struct output_case *is = &output_cases[c];
        struct orr_text function = ORR_TEXT_INIT;
        struct orr_arena arena = ORR_ARENA_INIT;
        orr_text_printf(&function, "shell: \"x\", stdout: %s%s", is->mode,
                        strcmp(is->mode, "json") == 0
                            ? ", out: {text: string, took: duration?, bytes: size?}"
                            : "");
        struct orr_graph *graph = compile(function.s, "text");
        struct orr_order order = { .run_dir = "/run" };
        struct orr_outcome outcome = { .output = is->output,
                                       .output_length = is->length,
                                       .message = "" };
        orri_order_results(&graph->functions[0], &order, &arena, &outcome);
        if (strncmp(outcome.message, is->message, strlen(is->message)) != 0 ||
            (outcome.failure == ORR_FAIL_NONE) != (is->message[0] == '\0'))
            fail_msg("case %zu: '%s' instead of '%s'", c, outcome.message, is->message);
        orr_graph_free(graph);
        orr_arena_release(&arena);
        orr_text_release(&function);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suffix_survives_any_run_directory),
        cmocka_unit_test(output_must_be_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
