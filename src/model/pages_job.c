/* pages_job.c - what `orrery explain` says about findings of jobs and tests
 * A row: id, are the examples whole files, why, wrong, right. */
#include "model/internal.h"

/* clang-format off */
static const struct orr_page pages[] = {
    { "E0501", false,
      "The workflow declares its inputs; another name would have no effect.",
      "job: tonight\n"
      "inputs: {sauce: ocean.mp4}\n",
      "job: tonight\n"
      "inputs: {source: ocean.mp4}\n" },
    { "E0502", false,
      "The input has no default, so the job, each of its requests or `--set` "
      "must give it.",
      "job: tonight\n"
      "inputs: {n: 4}\n",
      "job: tonight\n"
      "inputs: {source: ocean.mp4, n: 4}\n" },
    { "E0503", false,
      "A run holds at most 4096 requests. Split the sweep into several jobs, "
      "or make a list inside one request: facts may be many more.",
      "sweep: {n: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21],\n"
      "        k: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21],\n"
      "        l: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}\n",
      "sweep: {n: [1, 2, 3, 4]}\n" },
    { "E0504", false,
      "A job without 'requests' is one request, but an empty list is none, "
      "and a run of nothing is hardly meant.",
      "requests: []\n",
      "requests: [{n: 1}, {n: 2}]\n" },
    { "E0505", false,
      "A sweep makes a request for each combination of the values that its "
      "inputs may have.",
      "sweep: {n: 4}\n",
      "sweep: {n: [1, 2, 4]}\n" },
    { "E0506", false,
      "Requests are listed one by one, or made from combinations. Whether a "
      "list should be combined with a sweep, and how, would be a guess.",
      "sweep: {n: [1, 2]}\n"
      "requests: [{source: a.mp4}]\n",
      "requests: [{source: a.mp4, n: 1}, {source: a.mp4, n: 2}]\n" },
    { "E0507", false,
      "Options under 'slurm' become lines '#SBATCH --NAME=VALUE' of a script: "
      "a name with spaces or a value of several lines would break them.",
      "slurm: {\"gres gpu\": 1}\n",
      "slurm: {gres: \"gpu:1\"}\n" },
    { "E0601", false,
      "A function that does not run in a test or a dry run is stood for by "
      "its example or by an answer. Results that no rule reads may be left "
      "out; one that a rule reads must be there, or what follows would be "
      "made up.",
      "functions: {f: {use: core.noop, example: {}}}\n",
      "functions: {f: {use: core.noop, example: {i: 4}}}\n" },
    { "E0602", false,
      "An answer says what a call returns, or how it fails.",
      "tests:\n"
      "- test: it works\n"
      "  inputs: {source: a.mp4}\n"
      "  answers: {f: {result: {i: 4}, fail: timeout}}\n"
      "  expect: {facts: {b: 1}}\n",
      "tests:\n"
      "- test: it works\n"
      "  inputs: {source: a.mp4}\n"
      "  answers: {f: {result: {i: 4}}}\n"
      "  expect: {facts: {b: 1}}\n" },
    { "E0603", false,
      "What is expected must be able to hold: 'exactly' says how many there "
      "are, so a 'count' beside it is too much, and a request that succeeds "
      "has no message of failure.",
      "tests:\n"
      "- test: it works\n"
      "  inputs: {source: a.mp4}\n"
      "  expect: {facts: {b: {count: 1, exactly: [{y: 3}]}}}\n",
      "tests:\n"
      "- test: it works\n"
      "  inputs: {source: a.mp4}\n"
      "  expect: {facts: {b: {exactly: [{y: 3}]}}}\n" },
    { "W0604", false,
      "Answers are looked at in order, and the first that holds is taken. "
      "What stands behind one without 'when' and 'times' is never looked at.",
      "tests:\n"
      "- test: it works\n"
      "  inputs: {source: a.mp4}\n"
      "  answers: {f: [{result: {i: 4}}, {when: i == 3, fail: timeout}]}\n"
      "  expect: {facts: {b: 1}}\n",
      "tests:\n"
      "- test: it works\n"
      "  inputs: {source: a.mp4}\n"
      "  answers: {f: [{when: i == 3, fail: timeout}, {result: {i: 4}}]}\n"
      "  expect: {facts: {b: 1}}\n" },
};
/* clang-format on */

const struct orri_pages orri_pages_job = { pages, sizeof pages / sizeof *pages };
