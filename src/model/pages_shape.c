/* pages_shape.c - what `orrery explain` says about findings of the shape of files
 * A row: id, are the examples whole files, why, wrong, right. */
#include "model/internal.h"

/* clang-format off */
static const struct orr_page pages[] = {
    { "E0301", false,
      "A key that the compiler does not know would have no effect, so a "
      "misspelt 'timout' would be a timeout that never comes. "
      "docs/reference.md lists the keys of every block.",
      "functions: {f: {use: core.noop, timout: 30s}}\n",
      "functions: {f: {use: core.noop, timeout: 30s}}\n" },
    { "E0302", true,
      "The key has no default that could be right for everybody.",
      "orrery: 1\n"
      "inputs: {source: path}\n",
      "orrery: 1\n"
      "workflow: stills\n"
      "inputs: {source: path}\n" },
    { "E0303", false,
      "Whether a value is a single one, a list (- or [ ]) or a mapping (NAME: "
      "or { }) is part of its meaning. Mostly a dash is missing or one too "
      "many.",
      "rules:\n"
      "  rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n" },
    { "E0304", false,
      "'orrery: 1' says for which language a file was written, so that later "
      "versions can change it and still know what old files mean.",
      "orrery: 2\n"
      "workflow: stills\n",
      "orrery: 1\n"
      "workflow: stills\n" },
    { "W0310", false,
      "The key does what it did, but something else says the same in a better "
      "way, and the key will be refused one day.",
      "pools: {work: {max: 8}, encode: {max: 4, parent: work}}\n"
      "functions: {f: {use: core.noop, pool: encode}}\n",
      "pools: {work: {max: 8, pools: {encode: {max: 4}}}}\n"
      "functions: {f: {use: core.noop, pool: encode}}\n" },
};
/* clang-format on */

const struct orri_pages orri_pages_shape = { pages, sizeof pages / sizeof *pages };
