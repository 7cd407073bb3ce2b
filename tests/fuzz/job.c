/* job.c - fuzz target: a job and its workflow, one behind the other
 * A line "====" ends the job; without one, the workflow cannot be read. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *cut = size ? memmem(text, size, "\n====\n", 6) : NULL;
    struct fuzz_files files = { "/d/job.yaml", { text, size }, { 0 }, 0 };
    struct orr_sources sources = { fuzz_read, &files };
    struct orr_diags diags = { 0 };
    if (cut) {
        files.named.length = (size_t)(cut - text) + 1;
        files.other = (struct fuzz_text) { cut + 6, size - (size_t)(cut + 6 - text) };
    }
    orr_job_free(orr_job_compile("/d/job.yaml", &sources, NULL, 0, &registry, &diags));
    fuzz_render(&diags, data, size);
    return 0;
}
