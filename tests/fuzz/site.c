/* site.c - fuzz target: a site file, and the script that comes of it; lists of nodes */
#include "fuzz.h"

#include "slurm/site.h"

static void read_counts(const char *text)
{
    uint32_t *counts = NULL;
    size_t n = 0;
    if (!orr_slurm_counts(text, &counts, &n))
        return;
    if (n == 0 || n > ORR_SLURM_NODES_MAX)
        ORR_BUG("%zu nodes", n);
    free(counts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct orr_slurm_site site;
    struct orr_diags diags = { 0 };
    struct orr_text out = ORR_TEXT_INIT;
    char *text = orr_alloc(size + 1, 1);
    if (size)
        memcpy(text, data, size);
    read_counts(text);
    orr_slurm_site_read("site.yaml", text, size, &site, &diags);
    orr_diags_render(&diags, NULL, NULL, &out);
    struct orr_slurm_script script = { .options = site.options,
                                       .n_options = site.n_options,
                                       .run_dir = "/r",
                                       .directory = "/d",
                                       .modules = site.modules,
                                       .n_modules = site.n_modules,
                                       .setup = site.setup,
                                       .n_setup = site.n_setup };
    if (diags.errors == 0)
        orr_slurm_script_put(&script, &out);
    orr_slurm_site_release(&site);
    orr_diags_release(&diags);
    orr_text_release(&out);
    free(text);
    return 0;
}
