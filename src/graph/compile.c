/* compile.c - a workflow file to a graph: the order of things
 * Owns: the graph and its arena. Facts come first (types need them), then pools,
 * functions, rules, outputs, and the checks that need all of it. */
#include "graph/internal.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

void orri_own_places(struct orr_diags *diags, size_t first, const char *file)
{
    const char *own = NULL;
    for (size_t i = first; i < diags->n; i++)
        if (diags->items[i].at.file == file) {
            own = own ? own : orr_arena_strdup(&diags->arena, file);
            diags->items[i].at.file = own;
        }
}

static void compile_parts(struct orri_compile *c)
{
    c->graph->name = c->model->name ? orri_keep(c, c->model->name) : "";
    c->graph->doc = orri_keep(c, c->model->doc);
    if (c->model->head.node->kind != ORR_YAML_MAPPING)
        return;
    if (c->model->name)
        orri_check_file_name(c, c->model->name, "a workflow");
    orri_compile_facts(c);
    size_t first = c->diags->n;
    orri_compile_pools(c);
    orri_compile_functions(c);
    orri_compile_steps(c);
    orri_compile_rules(c);
    orri_compile_outputs(c);
    orri_compile_tests(c);
    orri_drop_follow_ups(c, first);
    orri_check_graph(c);
}

static void compile_model(struct orr_graph *graph, struct orri_compile *c,
                          const struct orr_text *text)
{
    size_t errors = c->diags->errors;
    struct orr_model_workflow *model = orr_model_load_workflow(
        graph->file, text->s ? text->s : "", text->length, c->diags);
    if (model) {
        c->model = model;
        c->document = model->document;
        compile_parts(c);
    }
    orr_map_release(&c->names);
    orr_model_workflow_free(model);
    if (c->diags->errors != errors)
        return;
    orri_link(graph);
    orri_digest(graph);
}

struct orr_graph *orri_compile_text(const char *path, const struct orr_text *text,
                                    const struct orr_sources *sources,
                                    const struct orr_registry *registry,
                                    const struct orri_chain *outer,
                                    struct orr_diags *diags)
{
    struct orr_graph *graph = orr_alloc(1, sizeof *graph);
    size_t first = diags->n;
    size_t errors = diags->errors;
    char *directory = orr_path_directory(path);
    graph->file = orr_arena_strdup(&graph->arena, path);
    graph->directory = orri_resolve_path(&graph->arena, directory, ".");
    uint32_t compiled = 0;
    struct orri_chain chain = { outer, orri_resolve_path(&graph->arena, ".", path),
                                outer ? outer->compiled : &compiled };
    struct orri_compile c = { .graph = graph,
                              .arena = &graph->arena,
                              .diags = diags,
                              .registry = registry,
                              .sources = sources,
                              .chain = &chain,
                              .directory = directory };
    compile_model(graph, &c, text);
    free(directory);
    orri_own_places(diags, first, graph->file);
    if (diags->errors == errors)
        return graph;
    orr_graph_free(graph);
    return NULL;
}

struct orr_graph *orri_compile_file(const char *path, const struct orr_sources *sources,
                                    const struct orr_registry *registry,
                                    const struct orri_chain *outer,
                                    struct orr_diags *diags)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    struct orr_graph *graph = NULL;
    if (sources->read(sources->context, path, &text, &err) != ORR_OK) {
        const char *file = orr_arena_strdup(&diags->arena, path);
        orr_diag_error(diags, (struct orr_span) { .file = file },
                       err.code == ORR_ERR_LIMIT ? "E0107" : "E0433", "%s", err.text);
    } else {
        graph = orri_compile_text(path, &text, sources, registry, outer, diags);
    }
    orr_text_release(&text);
    return graph;
}

struct orr_graph *orr_graph_compile(const char *path, const struct orr_sources *sources,
                                    const struct orr_registry *registry,
                                    struct orr_diags *diags)
{
    return orri_compile_file(path, sources, registry, NULL, diags);
}

void orr_graph_free(struct orr_graph *graph)
{
    if (!graph)
        return;
    for (struct orr_graph_child *child = graph->children; child; child = child->next)
        orr_graph_free(child->graph);
    orr_arena_release(&graph->arena);
    free(graph);
}
