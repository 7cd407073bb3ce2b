/* import.c - fuzz target: what is imported compiles
 * The first byte chooses the reader and whether commands are run; files that the text
 * names hold what stands behind a line "====". */
#include "fuzz.h"

#include "import/import.h"

static orr_import_reader *const readers[] = { orr_import_list, orr_import_pmc,
                                              orr_import_dagman, orr_import_wfcommons };

enum { TASKS_MAX = 300 }; /* REPEAT makes many of a few bytes */

static const struct orr_param sleep_params[] = { { "time", "duration", NULL, "" },
                                                 { "i", "int", "0", "" },
                                                 { 0 } };
static const struct orr_function fake_sleep = { .name = "core.sleep",
                                                .version = "1",
                                                .doc = "wait",
                                                .params = sleep_params,
                                                .results = noop_results };
static const struct orr_function *const sleepers[] = { &fake_sleep };
static const struct orr_registry sleeping = { sleepers, 1 };

static void compile(const struct orr_text *workflow, const struct orr_text *job)
{
    struct fuzz_files files = {
        "/d/w.job.yaml", { job->s, job->length }, { workflow->s, workflow->length }, 0
    };
    struct orr_sources sources = { fuzz_read, &files };
    struct orr_diags diags = { 0 };
    struct orr_text said = ORR_TEXT_INIT;
    struct orr_job *compiled =
        orr_job_compile("/d/w.job.yaml", &sources, NULL, 0, &sleeping, &diags);
    orr_diags_render(&diags, NULL, NULL, &said);
    if (!compiled || diags.n)
        ORR_BUG("it does not compile, or not without warnings:\n%s%s\n%s", said.s,
                workflow->s, job->s);
    orr_job_free(compiled);
    orr_text_release(&said);
    orr_diags_release(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *s = (const char *)data + 1;
    const char *cut = memmem(s, size - 1, "\n====\n", 6);
    size_t length = cut ? (size_t)(cut + 1 - s) : size - 1;
    struct fuzz_files files = { "", { 0 }, { 0 }, 0 };
    struct orr_import import = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_import_options options = { .directory = "/d",
                                          .shell = "bash",
                                          .commands = data[0] % 4 != 3 || data[0] & 4,
                                          .limit_memory = data[0] & 8,
                                          .time_scale = 0.5,
                                          .file = fuzz_read,
                                          .context = &files };
    if (cut)
        files.other = (struct fuzz_text) { cut + 6, size - 6 - length };
    struct orr_text text = { fuzz_copy((const uint8_t *)s, length), length, 0 };
    if (readers[data[0] % 4]("F", &text, &options, &import, &diags) &&
        import.n_tasks <= TASKS_MAX) {
        struct orr_text workflow = ORR_TEXT_INIT;
        struct orr_text job = ORR_TEXT_INIT;
        orr_import_workflow(&import, &options, "w", "F", &workflow);
        orr_import_job(&import, &options, "w", "F", &job);
        compile(&workflow, &job);
        orr_text_release(&workflow);
        orr_text_release(&job);
    }
    fuzz_render(&diags, data, size);
    orr_import_release(&import);
    free(text.s);
    return 0;
}
