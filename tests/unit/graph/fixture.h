/* fixture.h - a registry of functions that never run, and compiling from texts */
#ifndef ORR_TESTS_GRAPH_FIXTURE_H
#define ORR_TESTS_GRAPH_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "graph/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct orr_param probe_params[] = { { "source", "path", NULL, "" },
                                                 { 0 } };
static const struct orr_result_field probe_results[] = { { "frames", "int", NULL, "" },
                                                         { "fps", "float", NULL, "" },
                                                         { "height", "int", NULL, "" },
                                                         { "width", "int", NULL, "" },
                                                         { 0 } };
static const struct orr_param split_params[] = { { "source", "path", NULL, "" },
                                                 { "every", "duration", "2s", "" },
                                                 { 0 } };
static const struct orr_result_field split_results[] = {
    { "chunks",
      "list<{index: int, first: int, frames: int, start: float, seconds: float}>", NULL,
      "" },
    { 0 }
};
static const struct orr_param encode_params[] = { { "source", "path", NULL, "" },
                                                  { "first", "int", NULL, "" },
                                                  { "frames", "int", NULL, "" },
                                                  { "height", "int", NULL, "" },
                                                  { "width", "int?", NULL, "" },
                                                  { "crf", "int", "23", "" },
                                                  { "codec", "string", "'h264'", "" },
                                                  { "preset", "string?", NULL, "" },
                                                  { 0 } };
static const struct orr_result_field encode_results[] = { { "vif", "float", NULL, "" },
                                                          { "psnr", "float", "dB", "" },
                                                          { "data", "blob", NULL, "" },
                                                          { "bytes", "int", "bytes",
                                                            "" },
                                                          { 0 } };
static const struct orr_param mux_params[] = { { "chunks", "list<blob>", NULL, "" },
                                               { "fps", "float", NULL, "" },
                                               { "file", "string", NULL, "" },
                                               { "source", "path?", NULL, "" },
                                               { 0 } };
static const struct orr_result_field mux_results[] = { { "file", "path", NULL, "" },
                                                       { "bytes", "int", "bytes", "" },
                                                       { 0 } };
static const struct orr_param noop_params[] = { { "i", "int?", NULL, "" }, { 0 } };
static const struct orr_result_field noop_results[] = { { "i", "int", NULL, "" },
                                                        { 0 } };

static const struct orr_function fake_probe = { .name = "media.probe",
                                                .version = "1",
                                                .doc = "look",
                                                .params = probe_params,
                                                .results = probe_results };
static const struct orr_function fake_split = { .name = "media.split",
                                                .version = "1",
                                                .doc = "cut",
                                                .params = split_params,
                                                .results = split_results };
static const struct orr_function fake_encode = { .name = "media.encode",
                                                 .version = "3",
                                                 .doc = "encode",
                                                 .params = encode_params,
                                                 .results = encode_results };
static const struct orr_function fake_mux = { .name = "media.mux",
                                              .version = "1",
                                              .doc = "join",
                                              .params = mux_params,
                                              .results = mux_results };
static const struct orr_function fake_noop = { .name = "core.noop",
                                               .version = "1",
                                               .doc = "nothing",
                                               .params = noop_params,
                                               .results = noop_results,
                                               .in_worker = true };
static const struct orr_function *const fakes[] = { &fake_probe, &fake_split,
                                                    &fake_encode, &fake_mux,
                                                    &fake_noop };
static const struct orr_registry registry = { fakes, 5 };

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
                        d->at.column, d->id, d->message, d->hint ? "; " : "",
                        d->hint ? d->hint : "");
    }
    orr_text_release(&sorted);
    return out.s;
}

#endif
