/* findings.c - what the compiler says to workflows with mistakes: exact words and
 * places Each case replaces sections of a workflow that is right (`base`). */
#include "fixture.h"

enum { SECTIONS = 7 };

/* head, inputs, pools, facts, functions, rules, outputs */
static const char *const base[SECTIONS] = {
    "orrery: 1\n"
    "workflow: w\n",
    "inputs: {source: path, n: {type: int, default: 3}}\n",
    "",
    "facts: {a: {x: int}, b: {y: int, z: string?}}\n",
    "functions: {f: {use: core.noop}}\n",
    "rules:\n"
    "- rule: one\n"
    "  match: {j: job}\n"
    "  action: {call: f, with: {i: j.n}}\n"
    "  reaction:\n"
    "  - {assert: a, with: {x: result.i}}\n"
    "- rule: two\n"
    "  match: {t: a, j: job}\n"
    "  where: dirname(j.source) != \"/\"\n"
    "  assert: b\n"
    "  with: {y: t.x}\n",
    "outputs: {o: {each: b}}\n",
};

struct bad_case {
    const char *name;
    const char *sections[SECTIONS]; /* NULL: as in base */
    const char *findings;           /* "LINE:COLUMN ID MESSAGE", warnings too */
};

static const struct bad_case cases[] = {
    { .name = "good", .findings = "" },
    { .name = "unknown section",
      .sections = { [0] = "orrery: 1\n"
                          "workflow: w\n"
                          "rule: []\n" },
      .findings = "3:1 E0301 a workflow has no key 'rule'; di"
                  "d you mean 'rules'?" },
    { .name = "no version",
      .sections = { [0] = "workflow: w\n" },
      .findings = "1:1 E0302 a workflow needs the key 'orrery'" },
    { .name = "version 2",
      .sections = { [0] = "orrery: 2\n"
                          "workflow: w\n" },
      .findings = "1:9 E0304 language version '2' is unknown;"
                  " this is version 1" },
    { .name = "not a mapping",
      .sections = { [0] = "[1, 2]\n",
                    [1] = "",
                    [2] = "",
                    [3] = "",
                    [4] = "",
                    [5] = "",
                    [6] = "" },
      .findings = "1:1 E0303 a workflow must be a mapping, but this is a list" },
    { .name = "rules a mapping",
      .sections = { [5] = "rules: {x: 1}\n" },
      .findings = "6:8 E0303 'rules' must be a list, but this is a mapping" },
    { .name = "rule a text",
      .sections = { [5] = "rules: [x]\n" },
      .findings = "6:9 E0303 a rule must be a mapping, but th"
                  "is is a single value\n"
                  "7:21 E0431 no rule asserts fact 'b'" },
    { .name = "key of a rule",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  acton: {call: f}\n"
                          "  action: {call: f}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "9:3 E0301 a rule has no key 'acton'; did y"
                  "ou mean 'action'?" },
    { .name = "two typos at once",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  mach: {j: job}\n"
                          "  action: {cal: f}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "7:3 E0302 a rule needs the key 'match'\n"
                  "8:3 E0301 a rule has no key 'mach'; did yo"
                  "u mean 'match'?\n"
                  "9:11 E0302 an action needs the key 'call'\n"
                  "9:12 E0301 an action has no key 'cal'; did"
                  " you mean 'call'?" },
    { .name = "input without type",
      .sections = { [1] = "inputs: {n: {default: 3}, source: path}\n" },
      .findings = "3:13 E0302 an input needs the key 'type'" },
    { .name = "input empty",
      .sections = { [1] = "inputs:\n"
                          "  n:\n"
                          "  source: path\n" },
      .findings = "4:3 E0303 'n' must be a mapping, but this is empty" },
    { .name = "function key",
      .sections = { [4] = "functions: {f: {use: core.noop, core: 2}}\n" },
      .findings = "5:33 E0301 a function has no key 'core'; d"
                  "id you mean 'cores'?" },
    { .name = "unknown type",
      .sections = { [1] = "inputs: {source: path, n: {type: integer}}\n" },
      .findings = "3:34 E0402 unknown name in type 'integer'" },
    { .name = "str",
      .sections = { [1] = "inputs: {source: path, n: str}\n" },
      .findings = "3:27 E0402 unknown name in type 'str'; did"
                  " you mean 'string'?" },
    { .name = "type cut",
      .sections = { [3] = "facts: {a: {x: int}, b: {y: int, z"
                          ": \"list<strin>\"}}\n" },
      .findings = "4:43 E0402 unknown name in type 'list<stri"
                  "n>'; did you mean 'string'?" },
    { .name = "list without element",
      .sections = { [3] = "facts: {a: {x: int}, b: {y: int, z: list}}\n" },
      .findings = "4:41 E0402 '<' is expected after 'list' in type 'list'" },
    { .name = "fact a text",
      .sections = { [3] = "facts: {a: int, b: {y: int}}\n" },
      .findings = "4:12 E0303 a fact is a mapping of fields t"
                  "o types: {name: string, size: int}\n"
                  "11:24 E0405 fact 'a' has no field 'x'\n"
                  "16:15 E0207 a has no field 'x'" },
    { .name = "fact in itself",
      .sections = { [3] = "facts: {a: {x: int}, b: {y: int, z"
                          ": \"list<b>?\"}}\n" },
      .findings = "4:22 E0408 fact 'b' holds itself in its field 'z'" },
    { .name = "facts in each other",
      .sections = { [3] = "facts: {a: {x: int, v: \"b?\"}, b: {"
                          "y: int, z: \"a?\"}}\n" },
      .findings = "4:9 E0408 fact 'a' holds itself in its field 'v'" },
    { .name = "reserved fact",
      .sections = { [3] = "facts: {a: {x: int}, b: {y: int}, job: {q: int}}\n" },
      .findings = "4:35 E0403 'job' cannot be the name of a f"
                  "act: the language uses the word" },
    { .name = "fact named int",
      .sections = { [3] = "facts: {a: {x: int}, b: {y: int}, int: {q: int}}\n" },
      .findings = "4:35 E0403 'int' cannot be the name of a f"
                  "act: the language uses the word" },
    { .name = "field name",
      .sections = { [3] = "facts: {a: {x: int}, b: {y: int, 2nd: int}}\n" },
      .findings = "4:34 E0403 '2nd' cannot be the name of a f"
                  "ield: letters, digits and _ only, no digit first" },
    { .name = "field named if",
      .sections = { [3] = "facts: {a: {x: int}, b: {y: int, if: int?}}\n" },
      .findings = "4:34 E0403 'if' cannot be the name of a fi"
                  "eld: the language uses the word" },
    { .name = "input with dash",
      .sections = { [1] = "inputs: {source: path, my-n: int}\n" },
      .findings = "3:24 E0403 'my-n' cannot be the name of an"
                  " input: letters, digits and _ only, no digit first\n"
                  "9:33 E0207 job has no field 'n'" },
    { .name = "key of no field",
      .sections = { [3] = "facts: {a: {x: int, key: [y]}, b: "
                          "{fields: {y: int}, key: [q], dok: no}}\n" },
      .findings = "4:27 E0405 unknown field 'y'\n"
                  "4:60 E0405 unknown field 'q'\n"
                  "4:64 E0301 unknown key of a fact 'dok'; di"
                  "d you mean 'doc'?" },
    { .name = "default of another type",
      .sections = { [1] = "inputs: {source: path, n: {type: i"
                          "nt, default: three}}\n" },
      .findings = "3:48 E0404 int is expected, but this is 'three'" },
    { .name = "default a string",
      .sections = { [1] = "inputs: {source: path, n: {type: i"
                          "nt, default: \"3\"}}\n" },
      .findings = "3:48 E0404 int is expected, but this is string" },
    { .name = "default a list",
      .sections = { [1] = "inputs: {source: path, n: {type: i"
                          "nt, default: [3]}}\n" },
      .findings = "3:48 E0404 int is expected, but this is a list" },
    { .name = "default record",
      .sections = { [1] = "inputs: {source: path, n: {type: i"
                          "nt, default: 1}, q: {type: \"list<a"
                          ">\", default: [{x: 1}, {x: two}, {y: 1}]}}\n" },
      .findings = "3:95 E0404 int is expected, but this is 'two'\n"
                  "3:101 E0406 the field 'x' is missing\n"
                  "3:102 E0405 'a' has no field 'y'" },
    { .name = "default bool",
      .sections = { [1] = "inputs: {source: path, n: {type: i"
                          "nt, default: 1}, q: {type: bool, default: yes}}\n" },
      .findings = "3:77 E0404 bool is expected, but this is '"
                  "yes'; did you mean 'true'?" },
    { .name = "default duration",
      .sections = { [1] = "inputs: {source: path, n: {type: i"
                          "nt, default: 1}, q: {type: duratio"
                          "n, default: 30}}\n" },
      .findings = "3:81 E0210 duration is expected, but this "
                  "is int; a duration has a unit, such as 30s or 5min" },
    { .name = "blob input",
      .sections = { [1] = "inputs: {source: path, n: {type: i"
                          "nt, default: 1}, q: blob}\n" },
      .findings = "3:52 E0402 an input cannot be a blob: give a path" },
    { .name = "share",
      .sections = { [2] = "pools: {p: {share: 1.5}}\n" },
      .findings = "4:20 E0407 share must be above 0 and at most 1" },
    { .name = "pool typo",
      .sections = { [2] = "pools: {light: {share: 0.5}}\n",
                    [4] = "functions: {f: {use: core.noop, pool: ligth}}\n" },
      .findings = "6:39 E0401 unknown pool 'ligth'; did you mean 'light'?" },
    { .name = "pool loop",
      .sections = { [2] = "pools: {p: {parent: q}, q: {parent: p}}\n" },
      .findings = "4:9 E0410 pool 'p' is its own parent" },
    { .name = "pool parent",
      .sections = { [2] = "pools: {p: {parent: qq}}\n" },
      .findings = "4:21 E0401 unknown pool 'qq'" },
    { .name = "pool all",
      .sections = { [2] = "pools: {all: {share: 0.5}}\n" },
      .findings = "4:9 E0403 'all' cannot be the name of a po"
                  "ol: it is the root of all pools" },
    { .name = "pool twice",
      .sections = { [2] = "pools: {p: {pools: {q: {max: 1}}}, q: {max: 0}}\n" },
      .findings = "4:36 E0409 pool 'q' stands twice; first in line 4\n"
                  "4:45 E0407 max must be at least 1" },
    { .name = "pool two parents",
      .sections = { [2] = "pools: {p: {pools: {q: {parent: p}}}}\n" },
      .findings = "4:33 E0410 pool 'q' has a parent already: "
                  "it stands inside 'p'" },
    { .name = "reserve above max",
      .sections = { [2] = "pools: {p: {reserve: 4, max: 2}}\n" },
      .findings = "4:22 E0407 reserve is above max" },
    { .name = "borrow",
      .sections = { [2] = "pools: {p: {borrow: no}}\n" },
      .findings = "4:21 E0404 bool is expected, but this is '"
                  "no'; did you mean 'false'?" },
    { .name = "unknown function",
      .sections = { [4] = "functions: {f: {use: core.nop}}\n" },
      .findings = "5:22 E0401 unknown function 'core.nop'; di"
                  "d you mean 'core.noop'?" },
    { .name = "no form",
      .sections = { [4] = "functions: {f: {cores: 1}}\n" },
      .findings = "5:13 E0413 function 'f' needs one of use, "
                  "command, shell, workflow" },
    { .name = "two forms",
      .sections = { [4] = "functions: {f: {use: core.noop, command: [x]}}\n" },
      .findings = "5:13 E0413 function 'f' needs only one of "
                  "use, command, shell, workflow" },
    { .name = "in with use",
      .sections = { [4] = "functions: {f: {use: core.noop, in: {i: int}}}\n" },
      .findings = "5:37 E0411 in, out, stdout, exit, env and "
                  "cwd are for command and shell: 'core.noop' knows its own" },
    { .name = "cores",
      .sections = { [4] = "functions: {f: {use: core.noop, cores: 0}}\n" },
      .findings = "5:40 E0407 cores must be at least 1" },
    { .name = "cores float",
      .sections = { [4] = "functions: {f: {use: core.noop, cores: 1.5}}\n" },
      .findings = "5:40 E0210 int is expected, but this is fl"
                  "oat; use int(), round(), floor() or ceil()" },
    { .name = "memory",
      .sections = { [4] = "functions: {f: {use: core.noop, memory: 4096}}\n" },
      .findings = "5:41 E0210 size is expected, but this is i"
                  "nt; a size has a unit, such as 512MiB or 2GB" },
    { .name = "memory unit",
      .sections = { [4] = "functions: {f: {use: core.noop, memory: 4G}}\n" },
      .findings = "5:42 E0202 unknown unit; units are ns us m"
                  "s s min h d, and B KB MB GB TB PB KiB MiB GiB TiB PiB" },
    { .name = "timeout",
      .sections = { [4] = "functions: {f: {use: core.noop, ti"
                          "meout: 5 minutes}}\n" },
      .findings = "5:44 E0201 an operator or the end is expec"
                  "ted, but 'minutes' stands here; numbers an"
                  "d their units are written together, as in 5min" },
    { .name = "timeout number",
      .sections = { [4] = "functions: {f: {use: core.noop, timeout: 30}}\n" },
      .findings = "5:42 E0210 duration is expected, but this "
                  "is int; a duration has a unit, such as 30s or 5min" },
    { .name = "negative",
      .sections = { [4] = "functions: {f: {use: core.noop, re"
                          "try-delay: -5s, retries: -1}}\n" },
      .findings = "5:46 E0407 retry-delay must not be negative\n"
                  "5:60 E0407 retries must be at least 0" },
    { .name = "isolation",
      .sections = { [4] = "functions: {f: {use: core.noop, is"
                          "olation: container}}\n" },
      .findings = "5:44 E0412 isolation must be 'process' or 'none'" },
    { .name = "identity",
      .sections = { [4] = "functions: {f: {use: core.noop, identity: hash}}\n" },
      .findings = "5:43 E0412 identity must be 'content' or 'time'" },
    { .name = "cost",
      .sections = { [4] = "functions: {f: {use: core.noop, cost: j * 2}}\n" },
      .findings = "5:39 E0206 unknown name 'j'" },
    { .name = "command empty",
      .sections = { [4] = "functions: {f: {command: [], in: {"
                          "i: int?}, out: {}, stdout: json}}\n" },
      .findings = "5:26 E0417 the command is empty\n"
                  "11:34 E0207 {} has no field 'i'" },
    { .name = "command name",
      .sections = { [4] = "functions: {f: {command: [echo, \"{"
                          "k}\"], in: {i: int?}, out: {i: int}"
                          ", stdout: json}}\n" },
      .findings = "5:35 E0206 unknown name 'k'" },
    { .name = "command out",
      .sections = { [4] = "functions: {f: {command: [echo, \"{"
                          "i}\"], in: {i: int?}, out: {i: int}}}\n" },
      .findings = "5:65 E0415 result 'i' is neither path nor "
                  "blob: only 'stdout: json' can give it" },
    { .name = "command file not named",
      .sections = { [4] = "functions: {f: {command: [echo, \"{"
                          "i}\"], in: {i: int?}, out: {i: int,"
                          " p: path}, stdout: json}}\n" },
      .findings = "5:61 E0415 result 'p' is in no argument: w"
                  "rite {out.p} where the program takes the n"
                  "ame of the file it makes" },
    { .name = "command stdout",
      .sections = { [4] = "functions: {f: {command: [echo, \"{"
                          "i}\"], in: {i: int?}, out: {i: int}"
                          ", stdout: jason}}\n" },
      .findings = "5:65 E0415 result 'i' is neither path nor "
                  "blob: only 'stdout: json' can give it\n"
                  "5:79 E0412 unknown form of stdout 'jason';"
                  " did you mean 'json'?" },
    { .name = "command exit",
      .sections = { [4] = "functions: {f: {command: [echo, \"{"
                          "i}\"], in: {i: int?}, out: {i: int}"
                          ", stdout: json, exit: [0, 300]}}\n" },
      .findings = "5:95 E0407 an exit code must be at most 255" },
    { .name = "command env",
      .sections = { [4] = "functions: {f: {command: [echo, \"{"
                          "i}\"], in: {i: int?}, out: {i: int}"
                          ", stdout: json, env: {MY-VAR: x}}}\n" },
      .findings = "5:91 E0403 'MY-VAR' cannot be the name of "
                  "a variable of the environment" },
    { .name = "command in worker",
      .sections = { [4] = "functions: {f: {command: [echo, \"{"
                          "i}\"], in: {i: int?}, out: {i: int}"
                          ", stdout: json, isolation: none}}\n" },
      .findings = "5:96 E0412 a program cannot run in the wor"
                  "ker: isolation must be 'process'" },
    { .name = "shell brace",
      .sections = { [4] = "functions:\n"
                          "  f:\n"
                          "    shell: |\n"
                          "      x=1\n"
                          "      echo ${x}\n"
                          "    in: {i: int?}\n"
                          "    out: {i: int}\n"
                          "    stdout: json\n" },
      .findings = "9:14 E0206 unknown name 'x'; braces of the"
                  " shell's own are doubled: ${{x}}" },
    { .name = "unknown fact",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: jobb}\n"
                          "  action: {call: f}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "8:14 E0401 unknown fact 'jobb'; did you mean 'job'?" },
    { .name = "match nothing",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {}\n"
                          "  action: {call: f}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "8:10 E0420 the rule matches nothing: name "
                  "at least one fact, such as {j: job}" },
    { .name = "variable named result",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {result: job}\n"
                          "  action: {call: f}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "8:11 E0403 'result' cannot be the name of "
                  "a variable: the language uses the word" },
    { .name = "rule twice",
      .sections = { [5] = "rules:\n"
                          "- rule: two\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "12:9 E0409 rule 'two' stands twice; first in line 7" },
    { .name = "where typo",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  where: j.m > 3\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "9:12 E0207 job has no field 'm'" },
    { .name = "where not bool",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  where: j.n\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "9:12 E0210 bool is expected, but this is int" },
    { .name = "where quoted",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  where: \"j.n > 3\"\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "9:11 E0210 bool is expected, but this is s"
                  "tring; an expression is written without the quotes" },
    { .name = "where folded",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  where: >\n"
                          "    j.n > 3 and\n"
                          "    j.m > 3\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "11:7 E0207 job has no field 'm'" },
    { .name = "where two lines",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  where: j.n > 3 and\n"
                          "    j.m > 3\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "10:7 E0207 job has no field 'm'" },
    { .name = "where never",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  where: j.n > 3 and 1 > 2\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "9:24 E0421 this is never true: the rule cannot fire" },
    { .name = "call typo",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: ff}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "9:18 E0401 unknown function 'ff'; did you mean 'f'?" },
    { .name = "argument typo",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {ii: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "9:28 E0405 function 'f' has no argument 'i"
                  "i'; did you mean 'i'?" },
    { .name = "argument type",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.source}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "9:33 E0210 int? is expected, but this is path" },
    { .name = "argument missing",
      .sections = { [4] = "functions: {f: {use: core.noop}, e"
                          ": {use: media.encode}}\n",
                    [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: enc\n"
                          "  match: {j: job}\n"
                          "  action: {call: e, with: {source:"
                          " j.source, first: 0}}\n"
                          "  reaction: [{assert: a, with: {x:"
                          " result.bytes}}]\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "14:27 E0406 function 'e' needs the argument 'frames'\n"
                  "14:27 E0406 function 'e' needs the argument 'height'" },
    { .name = "arguments left out",
      .sections = { [4] = "functions: {f: {use: core.noop}, e"
                          ": {use: media.probe}}\n",
                    [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: enc\n"
                          "  match: {j: job}\n"
                          "  action: {call: e}\n"
                          "  reaction: [{assert: a, with: {x:"
                          " result.height}}]\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "14:18 E0406 function 'e' needs the argument 'source'" },
    { .name = "priority",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, priority: high}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "9:31 E0206 unknown name 'high'" },
    { .name = "deadline",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, deadline: 30, "
                          "with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "9:31 E0210 duration is expected, but this "
                  "is int; a duration has a unit, such as 30s or 5min" },
    { .name = "result field",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.j}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "11:34 E0207 {i: int} has no field 'j'" },
    { .name = "fact field missing",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "11:23 E0406 fact 'a' needs the field 'x'" },
    { .name = "fact field left out",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "11:14 E0406 fact 'a' needs the field 'x'" },
    { .name = "fact field unknown",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: 1, yy: 2}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "11:30 E0405 fact 'a' has no field 'yy'" },
    { .name = "record does not fit",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: j}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "11:23 E0210 job has no field 'x', which a needs" },
    { .name = "for syntax",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {for: \"result.i\", assert: a, with: {x: 1}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "11:11 E0423 'for' is written VARIABLE in LIST" },
    { .name = "for no list",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {for: k in j.n, assert: a, with: {x: k}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "11:18 E0423 'for' needs a list, but this is int" },
    { .name = "for variable taken",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {for: j in range(3), assert: a"
                          ", with: {x: j}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "11:11 E0409 'j' is a variable of the rule already" },
    { .name = "assert typo",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: aa, with: {x: 1}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "11:14 E0401 unknown fact 'aa'; did you mean 'a'?\n"
                  "13:11 E0431 no rule asserts fact 'a'" },
    { .name = "assert job",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "  - {assert: job, with: {source: j.source}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "12:14 E0424 'job' cannot be asserted: it h"
                  "olds the inputs of the request" },
    { .name = "action and assert",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  assert: a\n"
                          "  with: {x: 1}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "7:9 E0426 a rule with an action asserts in"
                  " 'reaction', not directly" },
    { .name = "reaction without action",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "7:9 E0426 'reaction' and 'error' need an a"
                  "ction; without one, write assert or then" },
    { .name = "does nothing",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "7:9 E0426 the rule does nothing: it has ne"
                  "ither action nor assert\n"
                  "10:11 E0431 no rule asserts fact 'a'" },
    { .name = "with alone",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  with: {x: 1}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "7:9 E0426 'with', 'for' and 'when' of a ru"
                  "le belong to 'assert'" },
    { .name = "handler two ways",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "  error:\n"
                          "  - {skip: true, fail: no}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "13:5 E0425 an error handler needs only one"
                  " of retry, assert, skip, fail" },
    { .name = "handler no way",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "  error:\n"
                          "  - when: attempt > 3\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "13:5 E0425 an error handler needs one of r"
                  "etry, assert, skip, fail" },
    { .name = "handler name",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "  error:\n"
                          "  - {when: error.kidn == \"timeout\""
                          ", fail: \"{error.mesage} {result.i}\"}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "13:18 E0207 error has no field 'kidn'; did"
                  " you mean 'kind'?\n"
                  "13:51 E0207 error has no field 'mesage'; d"
                  "id you mean 'message'?\n"
                  "13:60 E0206 unknown name 'result'" },
    { .name = "retry",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "  error:\n"
                          "  - retry: {max: 0, delay: 10, with: {k: 1}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "13:18 E0407 max must be at least 1\n"
                  "13:28 E0210 duration is expected, but this"
                  " is int; a duration has a unit, such as 30s or 5min\n"
                  "13:39 E0405 function 'f' has no argument 'k'" },
    { .name = "skip false",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "  error:\n"
                          "  - skip: false\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "13:11 E0425 skip can only be true" },
    { .name = "gather without count",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  gather: {t: a}\n"
                          "  assert: b\n"
                          "  with: {y: sum(t.x)}\n" },
      .findings = "15:11 E0302 a gather needs the key 'count'" },
    { .name = "gather without fact",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {j: job}\n"
                          "  gather: {count: 3}\n"
                          "  assert: b\n"
                          "  with: {y: 1}\n" },
      .findings = "14:11 E0302 a gather needs 'VARIABLE: FACT'" },
    { .name = "gather two facts",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {j: job}\n"
                          "  gather: {t: a, u: b, count: 3}\n"
                          "  assert: b\n"
                          "  with: {y: 1}\n" },
      .findings = "14:18 E0301 a gather has no key 'u'" },
    { .name = "gather count",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {j: job}\n"
                          "  gather: {t: a, count: t.x, order: j.n}\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "14:25 E0206 unknown name 't'\n"
                  "14:37 E0206 unknown name 'j'\n"
                  "16:15 E0210 int is expected, but this is list<int>" },
    { .name = "gather order",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {j: job}\n"
                          "  gather: {t: a, count: 2, order: t}\n"
                          "  assert: b\n"
                          "  with: {y: sum(t.x)}\n" },
      .findings = "14:35 E0422 order needs a number, a text, "
                  "a duration or a list of these" },
    { .name = "flow comma",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: max(t.x, 3), z: str(min(1, 2))}\n" },
      .findings = "" },
    { .name = "flow list",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: sum([q for q in [1, 2]]), z: null}\n" },
      .findings = "16:17 E0101 not YAML: did not find expecte"
                  "d ',' or '}'; an expression with [ inside "
                  "{ } or [ ] needs a line of its own" },
    { .name = "no outputs",
      .sections = { [6] = "" },
      .findings = "1:1 E0430 the workflow has no outputs: not"
                  "hing tells when a request has succeeded" },
    { .name = "output both",
      .sections = { [6] = "outputs: {o: {each: b, fact: b}}\n" },
      .findings = "17:11 E0430 output 'o' needs only one of fact and each" },
    { .name = "output none",
      .sections = { [6] = "outputs: {o: {doc: b}}\n" },
      .findings = "17:11 E0430 output 'o' needs one of fact and each" },
    { .name = "output typo",
      .sections = { [6] = "outputs: {o: {each: bb}}\n" },
      .findings = "17:21 E0401 unknown fact 'bb'; did you mean 'b'?" },
    { .name = "nobody makes",
      .sections = { [3] = "facts: {a: {x: int}, b: {y: int}, c: {k: int}}\n",
                    [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job, q: c}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "8:19 E0431 no rule asserts fact 'c'" },
    { .name = "nobody makes output",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n" },
      .findings = "12:21 E0431 no rule asserts fact 'b'" },
    { .name = "no rules",
      .sections = { [5] = "" },
      .findings = "1:1 E0432 the workflow has no rules" },
    { .name = "unused",
      .sections = { [1] = "inputs: {source: path, n: {type: i"
                          "nt, default: 3}, m: {type: int, default: 1}}\n",
                    [2] = "pools: {p: {share: 0.5}}\n",
                    [3] = "facts: {a: {x: int}, b: {y: int, z"
                          ": string?}, c: {q: int}}\n",
                    [4] = "functions: {f: {use: core.noop}, g"
                          ": {use: core.noop}}\n" },
      .findings = "3:52 W0441 input 'm' is not used\n"
                  "4:9 W0442 pool 'p' is not used\n"
                  "5:47 W0444 fact 'c' is not used\n"
                  "6:34 W0443 function 'g' is not used" },
    { .name = "circle",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: j.source == j.source\n"
                          "  then:\n"
                          "  - {assert: b, with: {y: t.x}}\n"
                          "  - {assert: a, with: {x: t.x + 1}}\n" },
      .findings = "12:9 W0445 rule 'two' leads to fact 'a', w"
                  "hich fires it again; a condition such as x"
                  ".attempt < 4 in 'where' would end that" },
    { .name = "never null",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: j.source != null\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "14:19 W0220 a value of type path is never null" },
    { .name = "result dropped",
      .sections = { [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: drop\n"
                          "  match: {j: job}\n"
                          "  action: {call: f}\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "12:9 W0446 rule 'drop' makes nothing of th"
                  "e result of its action" },
    { .name = "shares",
      .sections = { [2] = "pools: {p: {share: 0.7}, q: {share: 0.7}}\n",
                    [4] = "functions: {f: {use: core.noop, po"
                          "ol: p}, g: {use: core.noop, pool: q}}\n",
                    [5] = "rules:\n"
                          "- rule: one\n"
                          "  match: {j: job}\n"
                          "  action: {call: f, with: {i: j.n}}\n"
                          "  reaction:\n"
                          "  - {assert: a, with: {x: result.i}}\n"
                          "- rule: drop\n"
                          "  match: {j: job}\n"
                          "  action: {call: g}\n"
                          "  reaction: [{assert: a, with: {x: 1}}]\n"
                          "- rule: two\n"
                          "  match: {t: a, j: job}\n"
                          "  where: dirname(j.source) != \"/\"\n"
                          "  assert: b\n"
                          "  with: {y: t.x}\n" },
      .findings = "4:9 W0440 the shares inside pool 'all' sum"
                  " to 1.4; they count relative to each other" },
};

static void says_so(void **state)
{
    const struct bad_case *c = *state;
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_diags diags = { 0 };
    for (int i = 0; i < SECTIONS; i++)
        orr_text_puts(&text, c->sections[i] ? c->sections[i] : base[i]);
    const char *const names[] = { "/d/w.yaml", text.s, NULL };
    struct files files = { names };
    struct orr_sources sources = { read_memory, &files };
    struct orr_graph *graph =
        orr_graph_compile("/d/w.yaml", &sources, &registry, &diags);
    char *found = findings_text(&diags, true);
    assert_string_equal(found, c->findings);
    assert_true((graph != NULL) == (diags.errors == 0));
    free(found);
    orr_graph_free(graph);
    orr_text_release(&text);
    orr_diags_release(&diags);
}

int main(void)
{
    enum { N = sizeof cases / sizeof *cases };
    static struct CMUnitTest tests[N];
    for (size_t i = 0; i < N; i++)
        tests[i] =
            (struct CMUnitTest) { .name = cases[i].name,
                                  .test_func = says_so,
                                  .initial_state = (void *)(uintptr_t)&cases[i] };
    return cmocka_run_group_tests_name("findings", tests, NULL, NULL);
}
