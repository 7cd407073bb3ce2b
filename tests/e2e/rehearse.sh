#!/usr/bin/env bash
# rehearse.sh - rules without machines: orrery test, and orrery run --dry-run
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# --- every workflow of the repository has examples and tests, and they pass ---
for workflow in "$source_dir"/workflows/*.yaml; do
    exits 0 "$ORRERY" test "$workflow"
    contains "$workflow" "$out" " tests, 0 failed"
done
for job in "$source_dir"/jobs/*.yaml; do
    exits 0 "$ORRERY" run --dry-run "$job" --set source="$work/none.mkv"
    contains "$job" "$out" "nothing was started"
    contains "$job" "$err" "warning: input 'source'"
done
same "nothing was made" "" "$(ls)"

# --- and they notice when the rules change ---
# mutant NAME WORKFLOW EXPRESSION: a changed copy of the workflow fails its tests
mutant() {
    sed -e "$3" "$source_dir/workflows/$2" >"$1.yaml"
    exits 1 "$ORRERY" test "$1.yaml" --quiet
    contains "$1" "$out" "FAILED"
}
mutant attempts ladder.yaml 's/t.attempt >= 4/t.attempt >= 3/; s/t.attempt < 4/t.attempt < 3/'
mutant step ladder.yaml 's/t.crf - 3/t.crf - 2/'
mutant order ladder.yaml 's/order: e.chunk/order: -e.chunk/'
mutant height ladder.yaml 's/when: r.height <= result.height/when: true/'
mutant rest ffmpeg-chunks.yaml 's/min(k.size, p.frames - i \* k.size)/k.size/'
mutant preset ffmpeg-chunks.yaml 's/{preset: "ultrafast"}/{preset: "superfast"}/'
mutant retries sweep.yaml 's/retries: 1/retries: 2/'

# --- the words of orrery test ---
cat >halves.yaml <<'YAML'
orrery: 1
workflow: halves
inputs: {file: path, n: {type: int, default: 4}}
facts:
  item: {i: int}
  half: {i: int, h: float, file: path}
functions:
  halve:
    shell: "printf '{{\"h\": %s.5}}' {i} > {out.file}; cat {out.file}"
    in: {i: int, file: path}
    out: {h: float, file: path}
    stdout: json
    cores: 1
rules:
  - rule: items
    match: {j: job}
    for: k in range(j.n)
    assert: item
    with: {i: k}
  - rule: halve each
    match: {j: job, t: item}
    action: {call: halve, with: {i: t.i, file: j.file}}
    reaction: [{assert: half, with: {i: t.i, h: result.h, file: result.file}}]
outputs: {halves: {each: half}}
YAML
cp halves.yaml tested.yaml
cat >>tested.yaml <<'YAML'
tests:
  - test: right
    inputs: {file: x, n: 1}
    answers: {halve: {result: {h: i / 2, file: "f{i}"}}}
    expect: {facts: {half: [{i: 0, h: 0, file: f0}]}}
  - test: wrong
    inputs: {file: x, n: 2}
    answers: {halve: {result: {h: i / 2, file: "f{i}"}}}
    expect:
      facts: {half: [{i: 0}, {i: 1, h: 1.5}]}
  - test: no answer
    inputs: {file: x, n: 2}
YAML
exits 1 "$ORRERY" test tested.yaml
same "words" 'ok      right
FAILED  wrong
    tested.yaml:34:30: expected a fact '\''half'\'' with {i: 1, h: 1.5}
      the nearest has h: 0.5 instead of 1.5
      it is {i: 1, h: 0.5, file: "f1"}
    rules that fired: '\''items'\'' 1, '\''halve each'\'' 2
FAILED  no answer
    tested.yaml:35:11: halve(i: 0, file: "'"$work"'/x") has no answer (attempt 1): the test has none that holds and the function no example
    rules that fired: '\''items'\'' 1, '\''halve each'\'' 2
3 tests, 2 failed' "$out"
exits 0 "$ORRERY" test tested.yaml --filter right --verbose
contains "task" "$out" "    task halve(i: 0, file: \"$work/x\") [test]"
contains "fact" "$out" '    fact half {i: 0, h: 0.0, file: "f0"}'
exits 1 "$ORRERY" test tested.yaml --quiet --filter wrong halves.yaml
same "quiet" "FAILED" "$(head -c 6 <<<"$out")"
contains "no tests" "$err" "halves.yaml: there are no tests in it"
exits 1 "$ORRERY" test tested.yaml --json
contains "json" "$out" '"test": "right", "line": 26, "ok": true, "unmet": []'
contains "json" "$out" '"ok": false, "unmet": [{"line": 34, "column": 30, "text": "expected a fact'
if command -v python3 >/dev/null; then
    same "json reads" "3" "$(python3 -c 'import json, sys; print(len(json.load(sys.stdin)))' <<<"$out")"
fi

exits 0 "$ORRERY" test "$source_dir/jobs/clip.yaml"
contains "a job stands for its workflow" "$out" "8 tests, 0 failed"

# --- wrong uses ---
exits 2 "$ORRERY" test halves.yaml
contains "no tests" "$err" "halves.yaml: there are no tests in it"
exits 2 "$ORRERY" test tested.yaml --filter nothing
contains "filter" "$err" "no test has 'nothing' in its name"
exits 2 "$ORRERY" test missing.yaml tested.yaml
contains "missing" "$err" "cannot open missing.yaml"
contains "the others are run" "$out" "3 tests, 2 failed"
exits 2 "$ORRERY" test
sed 's/h: i \/ 2/hh: i/' tested.yaml >mistyped.yaml
exits 2 "$ORRERY" test mistyped.yaml
contains "mistyped" "$err" "mistyped.yaml:28:32: error: 'halve' has no result 'hh'; did you mean 'h'?"
exits 2 "$ORRERY" validate mistyped.yaml
exits 2 "$ORRERY" run halves.yaml --json -s file=x
contains "only dry" "$err" "--json goes with --dry-run"
exits 2 "$ORRERY" run halves.yaml --dry-run --costs nowhere -s file=x
contains "costs" "$err" "cannot find run directory nowhere"

# --- a dry run without examples says what is missing ---
exits 1 "$ORRERY" run halves.yaml --dry-run -s file=halves.yaml
contains "row" "$out" "halve             4          4              ?  4 not answered"
contains "task" "$out" "  halve(i: 3, file: \"$work/halves.yaml\")  [not answered]"
contains "end" "$out" "1 request, 1 unknown; nothing was started"
contains "advice" "$out" "example: {h: float, file: path}"

# --- costs: results and times of an earlier run, those that it lacks from the example ---
exits 0 "$ORRERY" run halves.yaml -n 1 -d run --quiet -s file=halves.yaml
exits 0 "$ORRERY" run halves.yaml --dry-run --costs run --limit 1 -s file=halves.yaml
contains "task" "$out" "  halve(i: 0, file: \"$work/halves.yaml\")  [earlier run]"
contains "limit" "$out" "... and 3 more: --limit 0 lists all"
contains "measured" "$out" "measured"
contains "end" "$out" "1 request, 1 would succeed; nothing was started"
exits 1 "$ORRERY" run halves.yaml --dry-run --costs run -s file=halves.yaml -s n=5
contains "the fifth" "$out" "halve(i: 4, file: \"$work/halves.yaml\")  [not answered]"
sed 's/    cores: 1/    cost: 2.5 * i\n    cores: 4\n    example: {h: 0.5, file: "f"}/' halves.yaml >cost.yaml
exits 0 "$ORRERY" run cost.yaml --dry-run --json -s file=halves.yaml
contains "cost" "$out" '{"function": "halve", "tasks": 4, "attempts": 4, "core_seconds": 60, "not_answered": 0}'
contains "args" "$out" '"args": {"i": 3, "file": "'"$work"'/halves.yaml"}'
same "one run directory" "run" "$(find . -name shards -printf '%h\n' | cut -c 3-)"

# --- under mpirun, one rank prints and none runs ---
exits 0 mpirun --oversubscribe -n 2 "$ORRERY" run cost.yaml --dry-run -s file=halves.yaml
same "once" 1 "$(grep -c 'nothing was started' <<<"$out")"
