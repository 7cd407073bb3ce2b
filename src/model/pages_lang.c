/* pages_lang.c - what `orrery explain` says about findings of expressions
 * A row: id, are the examples whole files, why, wrong, right. */
#include "model/internal.h"

/* clang-format off */
static const struct orr_page pages[] = {
    { "E0201", false,
      "A value without quotes is an expression, with the grammar of Python's. "
      "The place is where something else was expected. A text that is no "
      "expression needs quotes.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n, z: chunk of film}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n, z: \"chunk of film\"}\n" },
    { "E0202", false,
      "Whole numbers have 64 bits, as durations (in nanoseconds) and sizes "
      "(in bytes) have; a larger one is refused instead of being rounded. "
      "Units are ns us ms s min h d and B KB MB GB TB PB KiB MiB GiB TiB PiB.",
      "functions: {f: {use: core.noop, timeout: 90sec}}\n",
      "functions: {f: {use: core.noop, timeout: 90s}}\n" },
    { "E0203", false,
      "A string inside an expression ends with the quote it started with. "
      "After a backslash stands one of \\ ' \" n r t or x, u, U with digits, as "
      "in Python.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  where: stem(j.source) != \"film\n"
      "  assert: b\n"
      "  with: {y: j.n}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  where: stem(j.source) != \"film\"\n"
      "  assert: b\n"
      "  with: {y: j.n}\n" },
    { "E0204", false,
      "An expression is nested at most 100 deep, so that evaluating it cannot "
      "exhaust the stack of a rank. What needs more is better said with a "
      "list, a comprehension or one more fact.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with:\n"
      "    y: ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((j.n))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with:\n"
      "    y: ((j.n))\n" },
    { "E0205", false,
      "In a quoted text {expression} is replaced by its value, so braces that "
      "are meant as characters are doubled. A single '}' is an expression "
      "that was not opened.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n, z: \"set}\"}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n, z: \"set}}\"}\n" },
    { "E0206", false,
      "An expression sees the variables of 'match' and 'gather', that of "
      "'for', in reactions 'result', in error handlers 'error' and 'attempt', "
      "in commands the parameters and 'out'. Fields belong to a variable: "
      "j.n, not n. A text needs quotes.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: n}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n" },
    { "E0207", false,
      "The fields of a fact are those under 'facts', those of 'job' the "
      "inputs, those of 'result' what the function gives. Found before the "
      "run, a misspelt field costs nothing.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.m}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n" },
    { "E0208", false,
      "Nothing is converted by itself but an int to a float: \"3\" + 4 has two "
      "readings. Say which one with str(), int() or float().",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n + \"1\"}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n + 1}\n" },
    { "E0209", false,
      "A list has items of one type, and an 'if' one type whichever side is "
      "taken; else nobody could say which type the whole has.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with:\n"
      "    y: max([j.n, \"none\"])\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with:\n"
      "    y: max([j.n, 0])\n" },
    { "E0210", false,
      "Fields, arguments and conditions have types, and what is given must "
      "fit. An int may stand for a float; a literal text may stand for a "
      "path, a duration or a size.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n / 2}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n // 2}\n" },
    { "E0211", false,
      "The functions of expressions are a fixed list (docs/reference.md). "
      "Other work is done by functions under 'functions:', which rules call.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: length(j.source)}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: len(str(j.source))}\n" },
    { "E0212", false,
      "Each function of expressions takes certain types and a certain number "
      "of arguments; the message shows how it is used.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: len(j.n)}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: len(str(j.n))}\n" },
    { "E0213", false,
      "A value of a type with '?' may be null, and null has no length, no sum "
      "and no fields. Test it, and both cases are written down where "
      "everybody sees them.",
      "inputs: {limit: \"int?\"}\n"
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.limit + 1}\n",
      "inputs: {limit: \"int?\"}\n"
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with:\n"
      "    y: j.limit + 1 if j.limit != null else 0\n" },
    { "E0214", false,
      "What is constant is computed when the workflow is compiled, and this "
      "computation fails: it would fail in every run.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n + 1 // 0}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n + 1 // 2}\n" },
    { "E0215", false,
      "30 may be seconds or minutes, 5m minutes or milliseconds, 4G powers of "
      "1000 or of 1024. A wrong guess costs hours on a large machine, so none "
      "is made: units are written out. Minutes are min, powers of 1000 are KB "
      "MB GB, powers of 1024 are KiB MiB GiB.",
      "functions: {f: {use: core.noop, timeout: 30, memory: 4G}}\n",
      "functions: {f: {use: core.noop, timeout: 30s, memory: 4GiB}}\n" },
    { "E0216", false,
      "In 'shell', a text or path becomes one quoted word, whatever is in it. "
      "Inside of quotes, a here-document, a comment or `...`, and behind a '$' "
      "or '\\', the shell would take these quotes for text, and blanks and "
      "signs of the value for its own: the call goes wrong, or runs what it was "
      "given. Numbers may stand inside of quotes and $((...)); $((...)) takes "
      "whole ones only.",
      "functions:\n"
      "  f:\n"
      "    shell: |\n"
      "      wc -c \"{file}\" >&2; echo '{{\"i\": 1}}'\n"
      "    in: {i: \"int?\", file: {type: path, default: a.mp4}}\n"
      "    out: {i: int}\n"
      "    stdout: json\n",
      "functions:\n"
      "  f:\n"
      "    shell: |\n"
      "      wc -c {file} >&2; echo '{{\"i\": 1}}'\n"
      "    in: {i: \"int?\", file: {type: path, default: a.mp4}}\n"
      "    out: {i: int}\n"
      "    stdout: json\n" },
    { "W0220", false,
      "A type without '?' has no null, so this comparison always has the same "
      "result. Either the test is not needed, or the type should be optional.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  where: j.n != null\n"
      "  assert: b\n"
      "  with: {y: j.n}\n",
      "inputs: {n: \"int?\"}\n"
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  where: j.n != null\n"
      "  assert: b\n"
      "  with: {y: 1}\n" },
};
/* clang-format on */

const struct orri_pages orri_pages_lang = { pages, sizeof pages / sizeof *pages };
