/* job.c - the tasks of a batch as the inputs of a job; owns nothing */
#include "import/internal.h"

#include <inttypes.h>
#include <string.h>

/* Line breaks of YAML beside \n and \r, and what a YAML text may not hold as it is. */
static bool needs_escape(unsigned code)
{
    return (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
           code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

/* The character at `s`, of n bytes; of four bytes none needs an escape. */
static unsigned code_of(const char *s, size_t n)
{
    const unsigned char *b = (const unsigned char *)s;
    return n == 3   ? (b[0] & 0xFU) << 12 | (b[1] & 0x3FU) << 6 | (b[2] & 0x3FU)
           : n == 2 ? (b[0] & 0x1FU) << 6 | (b[1] & 0x3FU)
           : n == 1 ? b[0]
                    : 0;
}

void orri_put_text(struct orr_text *out, const char *s)
{
    const char *end = s + strlen(s);
    orr_text_puts(out, "\"");
    while (s < end) {
        size_t n = orr_utf8_length(s, (size_t)(end - s));
        unsigned code = code_of(s, n);
        if (needs_escape(code))
            orr_text_printf(out, "\\u%04X", code);
        else if (code == '"' || code == '\\')
            orr_text_printf(out, "\\%c", *s);
        else if (n == 1 && code < 0x20)
            orr_text_printf(out, "\\x%02X", code);
        else if (n)
            orr_text_append(out, s, n);
        else
            orr_text_puts(out, "\xEF\xBF\xBD");
        s += n ? n : 1;
    }
    orr_text_puts(out, "\"");
}

static void put_task(const struct orr_import *import, bool commands, size_t index,
                     struct orr_text *out)
{
    const struct orr_import_task *task = &import->tasks[index];
    orr_text_printf(out, "    - {n: %zu, id: ", index + 1);
    orri_put_text(out, task->id);
    orr_text_printf(out, ", kind: \"%s\"", import->kinds[task->kind].name);
    if (import->n_edges) {
        orr_text_printf(out, ", parents: %" PRIu32 ", children: [", task->parents);
        for (uint32_t i = 0; i < task->n_children; i++)
            orr_text_printf(out, "%s%" PRIu32, i ? ", " : "", task->children[i] + 1);
        orr_text_puts(out, "]");
    }
    if (import->has_seconds)
        orr_text_printf(out, ", seconds: %.9g", task->seconds);
    if (import->has_priority)
        orr_text_printf(out, ", priority: %" PRId64, task->priority);
    if (import->has_index)
        orr_text_printf(out, ", index: %" PRId64, task->index);
    if (task->memory)
        orr_text_printf(out, ", memory: %" PRId64 "B", task->memory);
    if (task->read)
        orr_text_printf(out, ", reads: %" PRId64 "B", task->read);
    if (task->written)
        orr_text_printf(out, ", writes: %" PRId64 "B", task->written);
    if (commands) {
        orr_text_puts(out, ", command: ");
        orri_put_text(out, task->command ? task->command : "");
    }
    orr_text_puts(out, "}\n");
}

void orr_import_job(const struct orr_import *import,
                    const struct orr_import_options *options, const char *name,
                    const char *from, struct orr_text *out)
{
    orr_text_printf(out, "# %s.job.yaml : made by `orrery import` from ", name);
    orri_put_text(out, from);
    orr_text_printf(out, "\norrery: 1\njob: %s\nworkflow: %s.yaml\n\ninputs:\n", name,
                    name);
    if (options->commands) {
        orr_text_puts(out, "  directory: ");
        orri_put_text(out, options->directory);
        orr_text_puts(out, "\n");
    } else {
        orr_text_printf(out, "  scale: %.9g\n", options->time_scale);
    }
    orr_text_puts(out, "  tasks:\n");
    for (size_t i = 0; i < import->n_tasks; i++)
        put_task(import, options->commands, i, out);
}

uint64_t orr_import_job_nodes(const struct orr_import *import)
{
    uint64_t keys = 4; /* n, id, kind, command */
    keys += import->n_edges ? 2 : 0;
    keys += import->has_seconds ? 1 : 0;
    keys += import->has_priority ? 1 : 0;
    keys += import->has_index ? 1 : 0;
    keys += import->has_memory ? 1 : 0;
    keys += import->has_sizes ? 2 : 0;
    return import->n_tasks * (1 + 2 * keys) + import->n_edges + 20;
}
