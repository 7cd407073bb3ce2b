/* pages_yaml.c - what `orrery explain` says about findings of YAML
 * A row: id, are the examples whole files, why, wrong, right. */
#include "model/internal.h"

/* clang-format off */
static const struct orr_page pages[] = {
    { "E0101", true,
      "YAML is read before anything else; where its grammar breaks, nothing "
      "behind that place can be trusted, so this is the only finding of the "
      "file. Mostly a bracket is not closed, a value holds ': ' or starts "
      "with a sign that YAML keeps for itself, or lines are indented "
      "differently.",
      "orrery: 1\n"
      "workflow: stills\n"
      "inputs: {source: path\n"
      "rules: []\n",
      "orrery: 1\n"
      "workflow: stills\n"
      "inputs: {source: path}\n"
      "rules: []\n" },
    { "E0102", true,
      "YAML forbids tabs for indentation, because editors show them "
      "differently wide and indentation decides what belongs to what. Let the "
      "editor insert spaces.",
      "orrery: 1\n"
      "inputs:\n"
      "\tsource: path\n",
      "orrery: 1\n"
      "inputs:\n"
      "  source: path\n" },
    { "E0103", true,
      "Names and texts go into file names, command lines and the tables of "
      "the run. Bytes that are not UTF-8, control characters and zero bytes "
      "would break there, long after the file was read. Binary data belongs "
      "in a file of its own that the workflow names.",
      "orrery: 1\n"
      "workflow: \"stills\\0\"\n",
      "orrery: 1\n"
      "workflow: \"stills\"\n" },
    { "E0104", true,
      "YAML readers keep one of the two values and drop the other, without a "
      "word. Which one was meant only the author knows.",
      "orrery: 1\n"
      "workflow: stills\n"
      "doc: Pictures of a video.\n"
      "workflow: thumbnails\n",
      "orrery: 1\n"
      "workflow: stills\n"
      "doc: Pictures of a video.\n" },
    { "E0105", true,
      "A workflow or a job is one document. A second one after '---' would "
      "not be read, and what stands in it would be missing without a word.",
      "orrery: 1\n"
      "workflow: stills\n"
      "---\n"
      "rules: []\n",
      "orrery: 1\n"
      "workflow: stills\n"
      "rules: []\n" },
    { "E0106", true,
      "An alias '*name' repeats the value that was marked '&name' before it. "
      "The mark must be complete by then: an alias inside of what it repeats "
      "would have no end.",
      "orrery: 1\n"
      "inputs: {from: *where, to: &where {type: path}}\n",
      "orrery: 1\n"
      "inputs: {from: &where {type: path}, to: *where}\n" },
    { "E0107", true,
      "A file may have 16 MiB, and after all aliases are replaced by what "
      "they stand for two million values: a few lines of aliases of aliases "
      "can stand for more than fits into any memory. Large data belongs in "
      "files that the workflow names.",
      "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
      "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
      "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
      "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
      "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
      "f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n"
      "g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]\n",
      "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
      "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n" },
    { "E0108", true,
      "Nesting is limited to 64 levels, so that no file can exhaust the stack "
      "of a rank. No workflow needs more than a handful; deeper nesting "
      "mostly is a list that was not closed.",
      "x: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
      "x: [[[[1]]]]\n" },
    { "E0109", true,
      "A file without content is neither a workflow nor a job. It may have "
      "been saved before it was written, or all of its lines may be comments.",
      "# orrery: 1\n"
      "# workflow: stills\n",
      "orrery: 1\n"
      "workflow: stills\n" },
    { "E0110", true,
      "YAML allows lists and mappings as keys, but the keys of a workflow are "
      "names. Commonly a '{' or a '?' stands where a text was meant: put it "
      "in quotes.",
      "orrery: 1\n"
      "inputs:\n"
      "  {source}: path\n",
      "orrery: 1\n"
      "inputs:\n"
      "  source: path\n" },
    { "E0111", true,
      "Lines end with a line feed, or with a carriage return and a line feed. "
      "Other characters end a line for YAML, but not for editors and git: a "
      "comment would end where nobody sees it. Save the file with Unix line "
      "ends (tr '\\r' '\\n'), or write the character as an escape in double "
      "quotes.",
      "# made on an old Mac\rorrery: 1\r"
      "workflow: stills\r",
      "# made on an old Mac\n"
      "orrery: 1\n"
      "workflow: stills\n" },
};
/* clang-format on */

const struct orri_pages orri_pages_yaml = { pages, sizeof pages / sizeof *pages };
