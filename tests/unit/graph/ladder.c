/* ladder.c - the workflows of the repository compile to what they should */
#include "fixture.h"

static struct orr_job *compile(const char *file, struct orr_diags *diags)
{
    struct orr_sources sources = { read_disk, NULL };
    char path[500];
    (void)snprintf(path, sizeof path, "%s/%s", ORR_SOURCE_DIR, file);
    struct orr_job *job = orr_job_compile(path, &sources, NULL, 0, &registry, diags);
    if (diags->n) {
        struct orr_text text = ORR_TEXT_INIT;
        orr_diags_render(diags, NULL, NULL, &text);
        print_message("%s", text.s);
        orr_text_release(&text);
    }
    return job;
}

static void ladder_is_numbered(void **state)
{
    (void)state;
    struct orr_diags diags = { 0 };
    struct orr_job *job = compile("jobs/clip.yaml", &diags);
    assert_non_null(job);
    const struct orr_graph *g = job->graph;
    assert_string_equal(g->facts[0].name, "job");
    assert_int_equal(g->facts[0].record->n_fields, 4);
    assert_int_equal(g->n_rules, 6);
    assert_int_equal(g->rules[0].n_then, 2);
    assert_int_equal(g->rules[0].result_slot, 3);
    assert_int_equal(g->rules[0].n_slots, 6);
    assert_int_equal(g->rules[4].n_where, 4);
    assert_string_equal(g->rules[5].gather.name, "e");
    assert_int_equal(g->rules[5].gather.slot, 3);
    assert_int_equal(g->rules[5].gather.candidate_slot, 4);
    assert_int_equal(g->rules[2].n_handlers, 2);
    assert_int_equal(g->rules[2].handlers[0].retry_max, 3);
    assert_int_equal(g->rules[2].handlers[0].retry_delay, 10 * INT64_C(1000000000));
    assert_string_equal(g->pools[0].name, "all");
    assert_int_equal(g->functions[2].timeout, 1800 * INT64_C(1000000000));
    assert_true(g->functions[2].isolated);
    orr_job_free(job);
    orr_diags_release(&diags);
}

static void inputs_are_complete(void **state)
{
    (void)state;
    struct orr_diags diags = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_job *job = compile("jobs/clip.yaml", &diags);
    assert_non_null(job);
    orr_value_print(job->requests[0], &text);
    char wanted[800];
    (void)snprintf(wanted, sizeof wanted,
                   "{source: \"%s/clips/ocean.mp4\", chunk: 2s, target: 0.9, rungs: "
                   "[{name: \"720p\", height: 720, crf: 26}, "
                   "{name: \"360p\", height: 360, crf: 28}]}",
                   ORR_SOURCE_DIR);
    assert_string_equal(text.s, wanted);
    orr_text_release(&text);
    orr_job_free(job);
    orr_diags_release(&diags);
}

static const char programs[] =
    "orrery: 1\nworkflow: w\ninputs: {files: list<path>}\n"
    "facts:\n"
    "  done: {fields: {key: string, text: string}, key: [text, key], doc: \"short\"}\n"
    "  kept: {key: string, at: float?}\n"
    "functions:\n"
    "  say:\n"
    "    shell: |\n"
    "      echo {files} ${{HOME}} > {out.log}\n"
    "    in: {files: list<path>}\n    out: {log: blob}\n    stdout: text\n    exit: 3\n"
    "  list:\n"
    "    command: [cat, \"{files}\", \"--n={len(files)}\", \"{{}}\"]\n"
    "    in: {files: list<path>}\n    stdout: lines\n    version: 7\n"
    "rules:\n"
    "- rule: a\n  match: {j: job}\n  action: {call: say, with: {files: j.files}}\n"
    "  reaction: [{assert: done, with: {key: \"a\", text: result.text}}]\n"
    "- rule: b\n  match: {j: job, _d: done}\n"
    "  action: {call: list, with: {files: j.files}}\n"
    "  reaction: [{for: l in result.lines, assert: kept, with: {key: l}}]\n"
    "outputs: {o: {each: kept}}\n";

static void assert_evaluates(const struct orr_expr *e, const struct orr_value *slots,
                             const char *wanted)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_value v = orr_null();
    struct orr_text text = ORR_TEXT_INIT;
    assert_int_equal(orr_expr_eval(e, slots, &arena, &v, NULL), ORR_OK);
    orr_value_format(v, &text);
    assert_string_equal(text.s, wanted);
    orr_text_release(&text);
    orr_arena_release(&arena);
}

/* Slots of a command: files = ["/a b", "/it's"], out = {log: "/tmp/log"}. */
static void bind(const struct orr_graph_function *f, struct orr_arena *arena,
                 struct orr_value *slots)
{
    struct orr_list *files = orr_list_new(arena, 2);
    struct orr_record *out = orr_record_new(arena, f->command.out);
    files->items[0] = orr_string_new(arena, ORR_KIND_PATH, "/a b", 4);
    files->items[1] = orr_string_new(arena, ORR_KIND_PATH, "/it's", 5);
    if (f->command.out->n_fields)
        out->fields[0] = orr_string_new(arena, ORR_KIND_PATH, "/tmp/log", 8);
    slots[0] = orr_value_of_list(files);
    slots[1] = orr_value_of_record(out);
}

static void programs_are_templates(void **state)
{
    const char *const names[] = { "/d/w.yaml", programs, NULL };
    struct files files = { names };
    struct orr_sources sources = { read_memory, &files };
    struct orr_diags diags = { 0 };
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_value slots[2];
    (void)state;
    struct orr_graph *g = orr_graph_compile("/d/w.yaml", &sources, &registry, &diags);
    char *found = findings_text(&diags, true);
    assert_string_equal(found, "");
    free(found);
    bind(&g->functions[0], &arena, slots);
    assert_evaluates(g->functions[0].command.args[0], slots,
                     "echo '/a b' '/it'\\''s' ${HOME} > '/tmp/log'\n");
    assert_int_equal(g->functions[0].command.exit_codes[0], 3);
    assert_int_equal(g->functions[0].results->n_fields, 2); /* log, text */
    const struct orr_command *list = &g->functions[1].command;
    bind(&g->functions[1], &arena, slots);
    assert_int_equal(list->n_args, 4);
    assert_int_equal(orr_expr_type(list->args[1])->kind,
                     ORR_KIND_LIST); /* two arguments */
    assert_evaluates(list->args[2], slots, "--n=2");
    assert_evaluates(list->args[3], slots, "{}");
    assert_string_equal(g->functions[1].version, "7");
    assert_int_equal(g->facts[1].n_key,
                     2); /* the long form: a field may be named key */
    assert_int_equal(g->facts[1].key[0], 1);
    assert_string_equal(g->facts[1].doc, "short");
    assert_int_equal(g->facts[2].n_key,
                     0); /* the short form: `key: string` is a field */
    assert_int_equal(g->facts[2].record->n_fields, 2);
    orr_graph_free(g);
    orr_diags_release(&diags);
    orr_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ladder_is_numbered),
        cmocka_unit_test(inputs_are_complete),
        cmocka_unit_test(programs_are_templates),
    };
    return cmocka_run_group_tests_name("ladder", tests, NULL, NULL);
}
