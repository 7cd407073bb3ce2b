/* functions.h - signatures of the built-in functions, which are never called */
#ifndef ORR_TESTS_SUPPORT_FUNCTIONS_H
#define ORR_TESTS_SUPPORT_FUNCTIONS_H

#include "graph/graph.h"

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

#endif
