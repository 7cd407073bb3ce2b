/* pages_names.c - what `orrery explain` says about findings of names, functions and
 * pools A row: id, are the examples whole files, why, wrong, right. */
#include "model/internal.h"

/* clang-format off */
static const struct orr_page pages[] = {
    { "E0401", false,
      "Rules name facts under 'facts:' and functions under 'functions:', "
      "functions name pools under 'pools:'. Only 'job' and 'all' are there by "
      "themselves. For built-in functions, `orrery functions` has the list.",
      "functions: {f: {use: core.nop}}\n",
      "functions: {f: {use: core.noop}}\n" },
    { "E0402", false,
      "Types are bool, int, float, string, duration, size, path, blob, "
      "list<TYPE>, {NAME: TYPE}, the name of a fact, and each of them with "
      "'?' for what may be null. An input cannot be a blob: those live in the "
      "store of a run.",
      "facts: {a: {x: int}, b: {y: integer}}\n",
      "facts: {a: {x: int}, b: {y: int}}\n" },
    { "E0403", false,
      "Names that expressions use are letters, digits and _, with no digit "
      "first, and no words of the language: 'frame-rate' would be read as "
      "frame minus rate.",
      "facts: {a: {x: int}, b: {y: int, frame-rate: \"float?\"}}\n",
      "facts: {a: {x: int}, b: {y: int, frame_rate: \"float?\"}}\n" },
    { "E0404", false,
      "Inputs, defaults and settings are data: they are written as YAML "
      "writes them, and must have the declared type.",
      "inputs: {source: path, n: {type: int, default: many}}\n",
      "inputs: {source: path, n: {type: int, default: 8}}\n" },
    { "E0405", false,
      "The fact or function has no field or argument of that name, and one "
      "that is dropped without a word would be missed later.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n, q: 1}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n, z: \"1\"}\n" },
    { "E0406", false,
      "Fields and arguments have no value by themselves. What may be missing "
      "has a type with '?' or, as an argument, a default.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {z: \"a\"}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n, z: \"a\"}\n" },
    { "E0407", false,
      "The number is outside of what can be meant: a call has at least one "
      "core, an exit code is 0 to 255, a share is above 0 and at most 1.",
      "functions: {f: {use: core.noop, cores: 0}}\n",
      "functions: {f: {use: core.noop, cores: 1}}\n" },
    { "E0408", false,
      "A fact that has a field of its own type would hold another one, which "
      "holds another one, without end. Refer to other facts by a field that "
      "both have, such as a name.",
      "facts: {a: {x: int}, b: {y: int, next: \"b?\"}}\n",
      "facts: {a: {x: int}, b: {y: int, next: \"int?\"}}\n" },
    { "E0409", false,
      "Names tell things apart: messages and tables name rules, expressions "
      "name variables.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: a\n"
      "  with: {x: j.n}\n"
      "- rule: note\n"
      "  match: {t: a}\n"
      "  assert: b\n"
      "  with: {y: t.x}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: a\n"
      "  with: {x: j.n}\n"
      "- rule: note it again\n"
      "  match: {t: a}\n"
      "  assert: b\n"
      "  with: {y: t.x}\n" },
    { "E0410", false,
      "Each pool lies in one other, and in the end in 'all'. Two that lie in "
      "each other would have no place in that tree.",
      "pools: {p: {parent: q}, q: {parent: p}}\n"
      "functions: {f: {use: core.noop, pool: p}}\n",
      "pools: {p: {pools: {q: {max: 4}}}}\n"
      "functions: {f: {use: core.noop, pool: q}}\n" },
    { "E0411", false,
      "A built-in function has its own parameters and results, which `orrery "
      "functions NAME` shows; 'in', 'out', 'stdout', 'exit', 'env' and 'cwd' "
      "describe programs.",
      "functions: {f: {use: core.noop, in: {i: int}}}\n",
      "functions: {f: {use: core.noop}}\n" },
    { "E0412", false,
      "Only a few words may stand here, which the message names.",
      "functions: {f: {use: core.noop, identity: hash}}\n",
      "functions: {f: {use: core.noop, identity: content}}\n" },
    { "E0413", false,
      "'use' names a built-in function, 'command' is a program with "
      "arguments, 'shell' a script, 'workflow' another workflow. A function "
      "is one of them.",
      "functions: {f: {timeout: 30s}}\n",
      "functions: {f: {use: core.noop, timeout: 30s}}\n" },
    { "E0415", false,
      "A result of a command is a file that it writes, named by {out.NAME}, "
      "or a member of the JSON object that it prints. Something else the "
      "command cannot give.",
      "functions:\n"
      "  f: {command: [date], in: {i: \"int?\"}, out: {i: int}}\n",
      "functions:\n"
      "  f: {command: [date, \"+{{\\\"i\\\": %s}}\"], in: {i: int}, out: {i: int}, stdout: json, cwd: \"/tmp/{i}\"}\n" },
    { "E0416", false,
      "A rule has at most 16 variables and a function at most 31 parameters: "
      "each is one of 32 places that expressions see. A fact with several "
      "fields is one variable.",
      "rules:\n"
      "- rule: note\n"
      "  match: {a1: a, a2: a, a3: a, a4: a, a5: a, a6: a, a7: a, a8: a, a9: a, a10: a, a11: a,\n"
      "          a12: a, a13: a, a14: a, a15: a, a16: a, a17: a}\n"
      "  assert: b\n"
      "  with: {y: 1}\n"
      "- rule: one\n"
      "  match: {j: job}\n"
      "  assert: a\n"
      "  with: {x: j.n}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {a1: a, a2: a}\n"
      "  assert: b\n"
      "  with: {y: a1.x + a2.x}\n"
      "- rule: one\n"
      "  match: {j: job}\n"
      "  assert: a\n"
      "  with: {x: j.n}\n" },
    { "E0417", false,
      "The first word of a command is the program.",
      "functions:\n"
      "  f: {command: [], out: {i: int}, in: {i: \"int?\"}, stdout: json}\n",
      "functions:\n"
      "  f: {command: [./measure, \"{i}\"], out: {i: int}, in: {i: int}, stdout: json}\n" },
    { "E0418", false,
      "A call of a workflow starts all of it. One that calls itself, directly "
      "or by way of others, would never end. Calls are at most eight deep, "
      "and what they stand for in all is limited to a thousand workflows and "
      "a million facts, functions and rules.",
      "functions: {f: {workflow: film.yaml}}\n"
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  action: {call: f, with: {source: j.source}}\n"
      "  reaction: [{assert: b, with: {y: len(result.o)}}]\n",
      "functions: {f: {workflow: w.yaml}}\n"
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  action: {call: f, with: {source: j.source}}\n"
      "  reaction: [{assert: b, with: {y: len(result.o)}}]\n" },
};
/* clang-format on */

const struct orri_pages orri_pages_names = { pages, sizeof pages / sizeof *pages };
