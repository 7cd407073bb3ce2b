#!/usr/bin/env bash
# findings.sh - orrery validate --json and -, orrery explain: as editors and people use them
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/support/lib.sh
. "$here/tests/support/lib.sh"
python=/usr/bin/python3
cd "$work"

cat >bad.yaml <<'YAML'
orrery: 1
workflow: w
functions: {f: {use: core.noop, timout: 30s, memory: 4G}}
rules:
- rule: "say \"hi\""
  match: {j: jub}
  action: {call: f}
  reaction: [{assert: done}]
facts: {done: {}}
outputs: {o: {fact: done}}
YAML
cat >good.yaml <<'YAML'
orrery: 1
workflow: w
inputs: {n: int}
facts: {b: {y: int}}
rules: [{rule: r, match: {j: job}, assert: b, with: {y: j.n}}]
outputs: {o: {fact: b}}
YAML
printf 'orrery: 1\njob: t\nworkflow: good.yaml\ninputs: {n: x}\n' >job.yaml

# ask WANTED-CODE ARGUMENT... : standard output in `out`, which must be JSON
ask() {
    local wanted=$1 code=0
    shift
    "$ORRERY" validate --json "$@" >out 2>err || code=$?
    [ "$code" -eq "$wanted" ] || fail "validate --json $*: exit code $code"
    [ ! -s err ] || fail "validate --json $* writes on standard error: $(cat err)"
    checks=$((checks + 1))
    "$python" -m json.tool out >/dev/null || fail "validate --json $*: no JSON: $(cat out)"
}
# holds EXPRESSION: of Python, about the object r
holds() {
    "$python" -c 'import json, sys
r = json.load(open("out"))
assert eval(sys.argv[1]), r' "$1" 2>/dev/null || fail "not so: $1: $(cat out)"
}

ask 2 bad.yaml
holds 'r["files"] == [{"file": "bad.yaml", "kind": "workflow", "good": False}]'
holds 'r["errors"] == 3 and [f["id"] for f in r["findings"]] == ["E0301", "E0215", "E0401"]'
holds 'r["findings"][0] == {"file": "bad.yaml", "line": 3, "column": 33, "severity": "error",
    "id": "E0301", "message": "a function has no key '"'timout'"'",
    "hint": "did you mean '"'timeout'"'?"}'
ask 0 good.yaml
holds 'r["files"][0]["good"] and r["findings"] == [] and r["errors"] == 0'
ask 2 good.yaml job.yaml
holds '[f["kind"] for f in r["files"]] == ["workflow", "job"]'
holds 'r["findings"][0]["file"] == "job.yaml" and r["findings"][0]["line"] == 4'
ask 2 missing.yaml
holds 'r["findings"][0]["id"] == "E0433" and "line" not in r["findings"][0]'
: >empty.yaml
ask 2 empty.yaml
holds 'r["findings"][0]["id"] == "E0109"'
cp bad.yaml $'odd "name\xff.yaml'
ask 2 $'odd "name\xff.yaml'
holds 'r["errors"] == 3'

# what an editor has not saved yet
ask 0 - <good.yaml
holds 'r["files"][0]["file"] == "-"'
ask 2 --stdin-name=bad.yaml - <bad.yaml
holds 'r["findings"][0]["file"] == "bad.yaml"'
mkdir sub
ask 2 --stdin-name=sub/job.yaml - <job.yaml # its workflow would be in sub
holds 'r["findings"][0]["id"] == "E0433"'
ask 2 --stdin-name=job.yaml - <job.yaml
holds 'r["findings"][0]["id"] == "E0404"'
ask 2 - </dev/null
holds 'r["findings"][0]["id"] == "E0109"'
"$ORRERY" validate - <good.yaml | grep -qx -- '-: good' || fail "validate - says something else"
code=0
"$ORRERY" validate - <bad.yaml 2>err || code=$?
[ $code -eq 2 ] || fail "validate - of a bad file: exit code $code"
grep -q '^-:3:33: error: .*\[E0301\]$' err || fail "validate -: $(cat err)"
grep -q '^ *functions: {f' err || fail "validate - does not show the line: $(cat err)"

# a workflow that another one calls: each finding once, and who calls it
cat >inner.yaml <<'YAML'
orrery: 1
workflow: inner
facts: {b: {y: int}}
rules: [{rule: r, match: {j: job}, assert: b, with: {y: j.m}}]
outputs: {o: {fact: b}}
YAML
cat >outer.yaml <<'YAML'
orrery: 1
workflow: outer
functions:
  f: {workflow: inner.yaml}
facts: {b: {y: int}}
rules: [{rule: r, match: {j: job}, action: {call: f}, reaction: [{assert: b, with: {y: result.o.y}}]}]
outputs: {o: {fact: b}}
YAML
ask 2 outer.yaml ./inner.yaml
holds '[(f["file"], f["line"], f["hint"]) for f in r["findings"]] == [("inner.yaml", 4, "called by outer.yaml:4")]'
holds '[f["good"] for f in r["files"]] == [False, False] and r["errors"] == 1'
code=0
"$ORRERY" validate outer.yaml inner.yaml 2>err || code=$?
[ $code -eq 2 ] || fail "validate of a caller and its callee: exit code $code"
[ "$(grep -c 'E0207' err)" -eq 1 ] || fail "a finding is told twice: $(cat err)"
grep -qx 'inner.yaml: not good, as shown above' err || fail "validate: $(cat err)"
{ cat good.yaml; head -c 17000000 /dev/zero | tr '\0' '#'; } >big.yaml
ask 2 big.yaml
holds 'r["findings"][0]["id"] == "E0107"'
rm big.yaml

# explain
"$ORRERY" explain E0207 >page
grep -q '^E0207 (error): ' page || fail "explain: $(cat page)"
grep -qx 'Wrong:' page || fail "explain shows no wrong example"
grep -qx 'Right:' page || fail "explain shows no right example"
[ "$("$ORRERY" explain e0207)" = "$(cat page)" ] || fail "explain minds the case"
[ "$(awk '{ if (length > most) most = length } END { print most }' page)" -le 80 ] ||
    fail "explain writes long lines"
code=0
"$ORRERY" explain E2007 2>err || code=$?
[ $code -eq 2 ] || fail "explain of an unknown number: exit code $code"
grep -q "there is no finding 'E2007'" err || fail "explain: $(cat err)"
code=0
"$ORRERY" explain W0307 2>err || code=$?
grep -q "did you mean 'E0207'\|did you mean 'W0310'\|did you mean" err || fail "explain guesses nothing: $(cat err)"
while read -r id _; do
    "$ORRERY" explain "$id" >page || fail "explain $id"
done < <("$ORRERY" explain)
[ "$("$ORRERY" explain | wc -l)" -ge 80 ] || fail "explain lists too little"
code=0
"$ORRERY" schema jobs >/dev/null 2>err || code=$?
[ $code -eq 2 ] || fail "schema of an unknown kind: exit code $code"
