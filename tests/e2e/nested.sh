#!/usr/bin/env bash
# nested.sh - workflows as functions of workflows, two deep: run, fail, kill nothing twice, resume
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
mkdir "$work/flows"
cd "$work"

cat >flows/lines.yaml <<'YAML'
orrery: 1
workflow: lines
inputs: {file: path}
facts: {lines: {n: int}}
functions:
  wc:
    shell: |
      echo x >> "${{CALLS}}"
      n=$(wc -l < {file})
      printf '{{"n": %d}}' "$n"
    in: {file: path}
    out: {n: int}
    stdout: json
rules:
  - rule: count
    match: {j: job}
    action: {call: wc, with: {file: j.file}}
    reaction: [{assert: lines, with: {n: result.n}}]
outputs: {lines: {fact: lines}}
YAML
cat >flows/set.yaml <<'YAML'
orrery: 1
workflow: set
inputs: {files: list<path>}
facts: {todo: {file: path}, counted: {file: path, n: int}}
functions: {lines: {workflow: lines.yaml}}
rules:
  - rule: list
    match: {j: job}
    for: f in j.files
    assert: todo
    with: {file: f}
  - rule: count
    match: {t: todo}
    action: {call: lines, with: {file: t.file}}
    reaction: [{assert: counted, with: {file: t.file, n: result.lines.n}}]
outputs: {counted: {each: counted}}
YAML
cat >top.yaml <<'YAML'
orrery: 1
workflow: top
inputs:
  files: {type: list<path>, default: [flows/lines.yaml, flows/set.yaml]}
facts: {total: {n: int, files: int}}
functions: {set: {workflow: flows/set.yaml}}
rules:
  - rule: all
    match: {j: job}
    action: {call: set, with: {files: j.files}}
    reaction:
      - assert: total
        with: {n: "{sum([c.n for c in result.counted])}", files: "{len(result.counted)}"}
outputs: {total: {fact: total}}
YAML
export CALLS=$work/calls
lines=$(cat flows/lines.yaml flows/set.yaml | wc -l)

exits 0 "$ORRERY" run top.yaml --run-dir one --quiet
same "the sum" "0,$lines,2" "$("$ORRERY" ls one facts/total -f csv | tr -d '\r' | tail -n 1)"
same "calls" 2 "$(wc -l <calls)"
exits 0 "$ORRERY" ls one tasks -f csv
same "tasks: one of set, two of lines, two of wc" 5 "$(tail -n +2 <<<"$out" | grep -c ',done,')"
exits 0 "$ORRERY" verify one # a workflow that stands for a function stores nothing itself
exits 0 "$ORRERY" export one
same "exported: the inner calls" "0 0 0 1 1" \
    "$("$ORRERY" ls one tasks -c attempts -f csv | tail -n +2 | tr -d '\r' | paste -sd' ')"
[ -f one/workflow.set.yaml ] && [ -f one/workflow.set.lines.yaml ] || fail "the inner texts are not kept"
exits 0 "$ORRERY" resume one --quiet
same "no call is made twice" 2 "$(wc -l <calls)"

# Ranks under mpirun have the inner texts from rank 0.
exits 0 "$ORRERY" run top.yaml --run-dir three -n 3 --quiet
same "the sum of three ranks" "0,$lines,2" \
    "$("$ORRERY" ls three facts/total -f csv | tr -d '\r' | tail -n 1)"

# What fails inside says where.
mkdir void
exits 1 "$ORRERY" run top.yaml --run-dir four --quiet -s "files=[void]"
contains "the failure" "$err" "rule 'all': set failed after 1 attempt (exit): rule 'set.count': set.lines failed"
contains "the failure" "$err" "rule 'set.lines.count': set.lines.wc failed after 1 attempt (exit):"

# A mistake inside is found before anything runs, with its file.
sed -i 's/type: list<path>/type: list<pat>/; s/list<path>}/list<pth>}/' flows/set.yaml
exits 2 "$ORRERY" run top.yaml --run-dir five --quiet
contains "the place" "$err" "flows/set.yaml:3:22: error: unknown name in type 'list<pth>'; did you mean 'path'?"
[ ! -e five ] || fail "a run directory of a workflow that does not compile"
