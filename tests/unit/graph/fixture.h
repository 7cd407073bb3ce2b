/* fixture.h - a registry of functions that never run, and compiling from texts */
#ifndef ORR_TESTS_GRAPH_FIXTURE_H
#define ORR_TESTS_GRAPH_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../support/functions.h"
#include "base/file.h"
#include "graph/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Files that exist in memory only: name, text, ... , NULL. */
struct files {
    const char *const *names_and_texts;
};

static inline orr_status read_memory(void *context, const char *path,
                                     struct orr_text *out, struct orr_error *err)
{
    const struct files *files = context;
    for (const char *const *f = files->names_and_texts; *f; f += 2)
        if (strcmp(f[0], path) == 0) {
            orr_text_puts(out, f[1]);
            return ORR_OK;
        }
    return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN, "cannot open %s", path);
}

static inline orr_status read_disk(void *context, const char *path,
                                   struct orr_text *out, struct orr_error *err)
{
    (void)context;
    return orr_file_read(path, 16 * 1024 * 1024, out, err);
}

/* "LINE:COLUMN ID MESSAGE[; HINT]", one a line, sorted by place; free() it. */
static inline char *findings_text(struct orr_diags *diags, bool warnings)
{
    struct orr_text sorted = ORR_TEXT_INIT;
    struct orr_text out = ORR_TEXT_INIT;
    orr_diags_render(diags, NULL, NULL, &sorted);
    orr_text_append(&out, "", 0);
    for (size_t i = 0; i < diags->n; i++) {
        const struct orr_diag *d = &diags->items[i];
        if (d->warning && !warnings)
            continue;
        orr_text_printf(&out, "%s%u:%u %s %s%s%s", out.length ? "\n" : "", d->at.line,
                        d->at.column, d->id ? d->id : "-", d->message,
                        d->hint ? "; " : "", d->hint ? d->hint : "");
    }
    orr_text_release(&sorted);
    return out.s;
}

#endif
