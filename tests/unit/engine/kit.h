/* kit.h - an engine over a workflow given as text, with functions answered by the test
 */
#ifndef ORR_TESTS_ENGINE_KIT_H
#define ORR_TESTS_ENGINE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct orr_param kit_params[] = { { "i", "int", NULL, "" },
                                               { "mode", "string?", NULL, "" },
                                               { 0 } };
static const struct orr_result_field kit_results[] = { { "i", "int", NULL, "" },
                                                       { "v", "float", NULL, "" },
                                                       { 0 } };
static const struct orr_function kit_function = {
    .name = "t.make", .version = "1", .params = kit_params, .results = kit_results
};
static const struct orr_function *const kit_functions[] = { &kit_function };
static const struct orr_registry kit_registry = { kit_functions, 1 };

/* Files: name, text, ..., NULL. */
static orr_status kit_read(void *context, const char *path, struct orr_text *out,
                           struct orr_error *err)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    for (const char *const *file = context; *file; file += 2)
        if (strcmp(file[0], name) == 0) {
            orr_text_puts(out, file[1]);
            return ORR_OK;
        }
    return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN, "cannot open %s", path);
}

/* Compile kit.yaml of several files. */
static struct orr_graph *kit_compile_files(const char *const *files)
{
    struct orr_sources sources = { kit_read, (void *)(uintptr_t)files };
    struct orr_diags diags = { 0 };
    struct orr_graph *graph =
        orr_graph_compile("kit.yaml", &sources, &kit_registry, &diags);
    if (!graph) {
        struct orr_text out = ORR_TEXT_INIT;
        orr_diags_render(&diags, NULL, NULL, &out);
        fail_msg("%s", out.s);
    }
    orr_diags_release(&diags);
    return graph;
}

static inline struct orr_graph *kit_compile(const char *text)
{
    const char *const files[] = { "kit.yaml", text, NULL };
    return kit_compile_files(files);
}

static struct orr_id kit_identify(void *context, const char *path, bool by_content)
{
    (void)context;
    (void)by_content;
    return orr_hash(path, strlen(path));
}

static struct orr_engine *kit_engine(const struct orr_graph *graph)
{
    return orr_engine_new(graph,
                          &(struct orr_engine_files) { .identify = kit_identify });
}

/* A request with one int input, `n`. */
static void kit_request(struct orr_engine *engine, const struct orr_graph *graph,
                        int64_t n)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_record *inputs = orr_record_new(&arena, graph->facts[0].record);
    inputs->fields[0] = orr_int(n);
    (void)orr_engine_add_request(engine, orr_value_of_record(inputs));
    orr_arena_release(&arena);
}

/* Arguments of a call of t.make. */
struct kit_call {
    struct orr_engine_call call;
    int64_t i;
    char mode[32];
};

static struct kit_call kit_describe(const struct orr_engine *engine,
                                    const struct orr_engine_call *call)
{
    struct kit_call out = { .call = *call };
    struct orr_arena arena = ORR_ARENA_INIT;
    const struct orr_task *task = orr_engine_task(engine, call->task);
    struct orr_reader in = orr_reader_of(task->args, task->args_length);
    struct orr_value v;
    assert_int_equal(orr_value_get(&in, NULL, &arena, &v, NULL), ORR_OK);
    out.i = v.as.i;
    assert_int_equal(orr_value_get(&in, NULL, &arena, &v, NULL), ORR_OK);
    if (v.kind == ORR_KIND_STRING)
        (void)snprintf(out.mode, sizeof out.mode, "%s", v.as.s->s);
    orr_arena_release(&arena);
    return out;
}

static void kit_succeed(struct orr_engine *engine, const struct orr_graph *graph,
                        const struct kit_call *call, double v)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    const struct orr_task *task = orr_engine_task(engine, call->call.task);
    struct orr_record *results =
        orr_record_new(&arena, graph->functions[task->function].results);
    results->fields[0] = orr_int(call->i);
    results->fields[1] = orr_float(v);
    orr_engine_finished(engine, call->call.task, orr_value_of_record(results));
    orr_arena_release(&arena);
}

static inline void kit_fail(struct orr_engine *engine, const struct kit_call *call,
                            enum orr_fail_kind kind, const char *message)
{
    struct orr_failure failure = { kind, 1, message };
    orr_engine_attempt_failed(engine, call->call.task, call->call.attempt, &failure);
}

static inline int kit_by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All facts, sorted: equal for equal contents whatever the order they came in. */
static inline char *kit_facts(const struct orr_engine *engine,
                              const struct orr_graph *graph)
{
    size_t n = 0;
    size_t cap = 0;
    char **lines = NULL;
    for (uint32_t t = 0; t < graph->n_facts; t++)
        for (uint32_t i = 0; i < orr_engine_facts(engine, t); i++) {
            struct orr_text line = ORR_TEXT_INIT;
            struct orr_arena arena = ORR_ARENA_INIT;
            orr_text_printf(&line, "%u %s ", orr_engine_request_of(engine, t, i),
                            graph->facts[t].name);
            orr_value_print(orr_engine_fact(engine, t, i, &arena), &line);
            orr_arena_release(&arena);
            lines = orr_grow(lines, n, &cap, sizeof *lines);
            lines[n++] = line.s;
        }
    qsort(lines, n, sizeof *lines, kit_by_text);
    struct orr_text all = ORR_TEXT_INIT;
    for (size_t i = 0; i < n; i++) {
        orr_text_printf(&all, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
    return all.s;
}

#endif
