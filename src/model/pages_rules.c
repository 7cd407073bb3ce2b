/* pages_rules.c - what `orrery explain` says about findings of rules and the whole
 * workflow A row: id, are the examples whole files, why, wrong, right. */
#include "model/internal.h"

/* clang-format off */
static const struct orr_page pages[] = {
    { "E0420", false,
      "A rule fires once for each combination of the facts that it matches. "
      "For a rule that fires at the start, match the job.",
      "rules:\n"
      "- rule: start\n"
      "  match: {}\n"
      "  assert: b\n"
      "  with: {y: 1}\n",
      "rules:\n"
      "- rule: start\n"
      "  match: {_j: job}\n"
      "  assert: b\n"
      "  with: {y: 1}\n" },
    { "E0421", false,
      "A condition that is false whatever the facts are, or two that exclude "
      "each other: the rule would wait for ever, and with it all that waits "
      "for what it makes.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  where: j.n > 5 and j.n < 3\n"
      "  assert: b\n"
      "  with: {y: j.n}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  where: j.n > 3 and j.n < 5\n"
      "  assert: b\n"
      "  with: {y: j.n}\n" },
    { "E0422", false,
      "Gathered facts are sorted by values that can be compared: numbers, "
      "texts, durations, sizes, or a list of them.",
      "rules:\n"
      "- rule: one\n"
      "  match: {j: job}\n"
      "  assert: a\n"
      "  with: {x: j.n}\n"
      "- rule: all\n"
      "  match: {_j: job}\n"
      "  gather: {t: a, count: 1, order: t}\n"
      "  assert: b\n"
      "  with: {y: sum(t.x)}\n",
      "rules:\n"
      "- rule: one\n"
      "  match: {j: job}\n"
      "  assert: a\n"
      "  with: {x: j.n}\n"
      "- rule: all\n"
      "  match: {_j: job}\n"
      "  gather: {t: a, count: 1, order: t.x}\n"
      "  assert: b\n"
      "  with: {y: sum(t.x)}\n" },
    { "E0423", false,
      "'for' names the variable that stands for each item, the word 'in', and "
      "the list. For counting there is range().",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  for: i in j.n\n"
      "  assert: b\n"
      "  with: {y: i}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  for: i in range(j.n)\n"
      "  assert: b\n"
      "  with: {y: i}\n" },
    { "E0424", false,
      "The job is what was asked for, and the same in the whole run. What a "
      "rule finds out goes into facts of its own.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: job\n"
      "  with: {source: j.source, n: 4}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: 4}\n" },
    { "E0425", false,
      "A handler decides what a failure means: try again, go on with a fact "
      "instead, let it be, or fail the request. Several decisions are several "
      "handlers with a 'when' each.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  action: {call: f, with: {i: j.n}}\n"
      "  reaction: [{assert: b, with: {y: result.i}}]\n"
      "  error: [{retry: {max: 2}, fail: \"it failed\"}]\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  action: {call: f, with: {i: j.n}}\n"
      "  reaction: [{assert: b, with: {y: result.i}}]\n"
      "  error: [{retry: {max: 2}}, {fail: \"it failed\"}]\n" },
    { "E0426", false,
      "A rule with an action asserts when the call has ended, under "
      "'reaction'. A rule without one asserts at once: one fact with "
      "'assert', several with 'then'.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  action: {call: f, with: {i: j.n}}\n"
      "  assert: b\n"
      "  with: {y: 1}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  action: {call: f, with: {i: j.n}}\n"
      "  reaction: [{assert: b, with: {y: result.i}}]\n" },
    { "E0427", false,
      "A step waits for every step that it names. Steps that wait for each "
      "other, or one that waits for itself, never start.",
      "steps:\n"
      "- {step: one, call: f, with: {i: two.i}}\n"
      "- {step: two, call: f, with: {i: one.i}}\n"
      "outputs: {o: {fact: two}}\n",
      "steps:\n"
      "- {step: one, call: f, with: {i: inputs.n}}\n"
      "- {step: two, call: f, with: {i: one.i}}\n"
      "outputs: {o: {fact: two}}\n" },
    { "E0430", false,
      "Without outputs a request would succeed when nothing is left to do, "
      "even if everything was skipped. An output names the fact that must be "
      "there, by 'fact' or 'each'.",
      "outputs: {film: {doc: the film}}\n",
      "outputs: {film: {fact: b, doc: the film}}\n" },
    { "E0431", false,
      "The rule or the output waits for a fact that nothing makes. Perhaps a "
      "rule was not written yet, or asserts a fact with a similar name.",
      "rules:\n"
      "- rule: note\n"
      "  match: {t: a}\n"
      "  assert: b\n"
      "  with: {y: t.x}\n",
      "rules:\n"
      "- rule: start\n"
      "  match: {j: job}\n"
      "  assert: a\n"
      "  with: {x: j.n}\n"
      "- rule: note\n"
      "  match: {t: a}\n"
      "  assert: b\n"
      "  with: {y: t.x}\n" },
    { "E0432", true,
      "Facts and functions do nothing by themselves: rules say what is called "
      "and what follows.",
      "orrery: 1\n"
      "workflow: w\n"
      "outputs: {}\n",
      "orrery: 1\n"
      "workflow: w\n"
      "rules: []\n"
      "outputs: {}\n" },
    { "E0433", false,
      "The file that a job names as its workflow is looked for relative to "
      "the job's own directory.",
      "job: tonight\n"
      "workflow: missing.yaml\n",
      "job: tonight\n"
      "workflow: w.yaml\n" },
    { "E0434", false,
      "What the rule matches is made only by rules that can never fire, or in "
      "a circle that nothing starts: each waits for the other. Give one of "
      "them something that the job, or a rule that fires, provides.",
      "rules:\n"
      "- rule: chicken\n"
      "  match: {t: b}\n"
      "  where: t.y < 9\n"
      "  assert: a\n"
      "  with: {x: t.y}\n"
      "- rule: egg\n"
      "  match: {t: a}\n"
      "  assert: b\n"
      "  with: {y: t.x + 1}\n",
      "rules:\n"
      "- rule: chicken\n"
      "  match: {j: job}\n"
      "  assert: a\n"
      "  with: {x: j.n}\n"
      "- rule: egg\n"
      "  match: {t: a}\n"
      "  assert: b\n"
      "  with: {y: t.x + 1}\n" },
    { "E0435", false,
      "The output needs a fact that no rule can make, so that every request "
      "would fail at its end, after all its work. Look at the rules that "
      "assert it: their conditions, or those of the rules before them, never "
      "hold.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n"
      "  when: 1 > 2\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n"
      "  when: j.n > 2\n" },
    { "E0436", false,
      "A gather fires when it has exactly 'count' facts. Here there can never "
      "be so many: the count is negative, or the rules that make the fact "
      "fire less often, as once a request without 'for'.",
      "rules:\n"
      "- rule: one\n"
      "  match: {j: job}\n"
      "  assert: a\n"
      "  with: {x: j.n}\n"
      "- rule: all\n"
      "  match: {_j: job}\n"
      "  gather: {t: a, count: 3}\n"
      "  assert: b\n"
      "  with: {y: sum(t.x)}\n",
      "rules:\n"
      "- rule: one\n"
      "  match: {_j: job}\n"
      "  for: i in [1, 2, 3]\n"
      "  assert: a\n"
      "  with: {x: i}\n"
      "- rule: all\n"
      "  match: {_j: job}\n"
      "  gather: {t: a, count: 3}\n"
      "  assert: b\n"
      "  with: {y: sum(t.x)}\n" },
    { "E0437", false,
      "An empty list here would leave nothing that can be meant: no exit code "
      "would be a success, no field would tell facts apart. What is left out "
      "has its default: exit code 0, all fields.",
      "functions:\n"
      "  f: {command: [./run, \"{i}\"], in: {i: int}, out: {i: int}, stdout: json, exit: []}\n",
      "functions:\n"
      "  f: {command: [./run, \"{i}\"], in: {i: int}, out: {i: int}, stdout: json, exit: [0, 1]}\n" },
    { "W0440", false,
      "Shares of pools side by side count relative to each other: 0.7 and 0.7 "
      "are halves. A sum above 1 mostly means that they were thought of as "
      "parts of the whole.",
      "pools: {encode: {share: 0.9}, light: {share: 0.2}}\n",
      "pools: {encode: {share: 0.8}, light: {share: 0.2}}\n" },
    { "W0441", false,
      "Those who fill in the input expect that it changes something.",
      "inputs: {source: path, n: {type: int, default: 3}, quality: {type: int, default: 1}}\n",
      "inputs: {source: path, n: {type: int, default: 3}}\n" },
    { "W0442", false,
      "No function runs in the pool, so what it reserves or limits has no "
      "effect.",
      "pools: {light: {max: 2}}\n",
      "pools: {light: {max: 2}}\n"
      "functions: {f: {use: core.noop, pool: light}}\n" },
    { "W0443", false,
      "No rule calls the function. Perhaps a rule calls another one by "
      "mistake.",
      "functions: {f: {use: core.noop}, g: {use: core.noop}}\n",
      "functions: {f: {use: core.noop}}\n" },
    { "W0444", false,
      "Nothing matches, gathers or puts out the fact.",
      "facts: {a: {x: int}, b: {y: int}, note: {text: string}}\n",
      "facts: {a: {x: int}, b: {y: int}}\n" },
    { "W0445", false,
      "The rule makes, in the end, facts that fire it again. If each is a new "
      "one, the run does not end. A count in the fact and a condition on it "
      "are a bound.",
      "rules:\n"
      "- rule: start\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n"
      "- rule: next\n"
      "  match: {t: b}\n"
      "  assert: b\n"
      "  with: {y: t.y + 1}\n",
      "rules:\n"
      "- rule: start\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n"
      "- rule: next\n"
      "  match: {t: b}\n"
      "  where: t.y < 10\n"
      "  assert: b\n"
      "  with: {y: t.y + 1}\n" },
    { "W0446", false,
      "The call costs time and nothing follows from it. If it is made for its "
      "effect, assert a fact that says that it is done.",
      "rules:\n"
      "- rule: work\n"
      "  match: {j: job}\n"
      "  action: {call: f, with: {i: j.n}}\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n",
      "rules:\n"
      "- rule: work\n"
      "  match: {j: job}\n"
      "  action: {call: f, with: {i: j.n}}\n"
      "  reaction: [{assert: b, with: {y: result.i}}]\n" },
    { "W0447", false,
      "A rule fires for each combination of what it matches: a variable that "
      "no expression uses multiplies the calls, mostly by mistake. If the "
      "rule only waits until the fact is there, give the variable a name that "
      "starts with _.",
      "rules:\n"
      "- rule: one\n"
      "  match: {j: job}\n"
      "  assert: a\n"
      "  with: {x: j.n}\n"
      "- rule: two\n"
      "  match: {j: job, t: a}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n",
      "rules:\n"
      "- rule: one\n"
      "  match: {j: job}\n"
      "  assert: a\n"
      "  with: {x: j.n}\n"
      "- rule: two\n"
      "  match: {j: job, _t: a}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n" },
    { "W0448", false,
      "The parameter is given and then not passed on: neither the command "
      "line nor 'env' nor 'cwd' has it, so it changes nothing but the "
      "identity of the task.",
      "functions:\n"
      "  f: {command: [./run, \"{i}\"], in: {i: int, level: {type: int, default: 1}}, out: {i: int}, stdout: json}\n",
      "functions:\n"
      "  f: {command: [./run, \"{i}\", \"{level}\"], in: {i: int, level: {type: int, default: 1}}, out: {i: int}, stdout: json}\n" },
    { "W0449", false,
      "Facts are a set: every item asserts the same fact, so the loop makes "
      "one.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  for: i in range(j.n)\n"
      "  assert: b\n"
      "  with: {y: 1}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  for: i in range(j.n)\n"
      "  assert: b\n"
      "  with: {y: i}\n" },
    { "W0450", false,
      "The first handler whose 'when' holds is taken, and one without 'when' "
      "always holds. A retry is passed over once it is used up; nothing else "
      "is.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  action: {call: f, with: {i: j.n}}\n"
      "  reaction: [{assert: b, with: {y: result.i}}]\n"
      "  error:\n"
      "  - fail: \"it failed\"\n"
      "  - when: error.kind == \"timeout\"\n"
      "    retry: {max: 2}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  action: {call: f, with: {i: j.n}}\n"
      "  reaction: [{assert: b, with: {y: result.i}}]\n"
      "  error:\n"
      "  - when: error.kind == \"timeout\"\n"
      "    retry: {max: 2}\n"
      "  - fail: \"it failed\"\n" },
    { "W0451", false,
      "The same match, condition and action stand twice: the call is made "
      "once (tasks are known by their content) and the facts are a set, so "
      "the second rule changes nothing. Often it is a copy that was to be "
      "edited.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n"
      "- rule: note the double\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: j.n}\n"
      "- rule: note the double\n"
      "  match: {j: job}\n"
      "  assert: b\n"
      "  with: {y: 2 * j.n}\n" },
    { "W0452", false,
      "The condition is false whatever the facts are: this assertion can be "
      "left out.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  then:\n"
      "  - {assert: b, with: {y: j.n}}\n"
      "  - {assert: b, with: {y: 0}, when: 1 > 2}\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  then:\n"
      "  - {assert: b, with: {y: j.n}}\n"
      "  - {assert: b, with: {y: 0}, when: j.n > 2}\n" },
    { "W0453", false,
      "The value of 'fail' is a text with {...} for what is computed, quoted "
      "or not: without braces, the name of a variable is just a word.",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  action: {call: f, with: {i: j.n}}\n"
      "  reaction: [{assert: b, with: {y: result.i}}]\n"
      "  error:\n"
      "  - fail: error.message\n",
      "rules:\n"
      "- rule: note\n"
      "  match: {j: job}\n"
      "  action: {call: f, with: {i: j.n}}\n"
      "  reaction: [{assert: b, with: {y: result.i}}]\n"
      "  error:\n"
      "  - fail: \"{error.message}\"\n" },
};
/* clang-format on */

const struct orri_pages orri_pages_rules = { pages, sizeof pages / sizeof *pages };
