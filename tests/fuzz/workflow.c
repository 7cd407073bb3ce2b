/* workflow.c - fuzz target: YAML to model to graph */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_files files = { "/d/w.yaml", { (const char *)data, size }, { 0 }, 0 };
    struct orr_sources sources = { fuzz_read, &files };
    struct orr_diags diags = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_graph *graph =
        orr_graph_compile("/d/w.yaml", &sources, &registry, &diags);
    if (graph)
        orr_graph_print_rules(graph, &text);
    orr_text_release(&text);
    orr_graph_free(graph);
    fuzz_render(&diags, data, size);
    return 0;
}
