#!/usr/bin/env bash
# simulate.sh - orrery simulate: options and their errors, what it prints, times of an earlier
# run, traces; and one prediction against the run itself
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
#
# alone: it compares real times with simulated ones
. "$(dirname "$0")/../support/lib.sh"
cd "$work"

cat >mixed.yaml <<'END'
orrery: 1
workflow: mixed
inputs:
  n: {type: int, default: 100}
facts:
  item: {i: int}
  made: {i: int}
functions:
  rest: {use: core.sleep, cost: seconds(time), example: {i: i}}
rules:
  - rule: expand
    match: {j: job}
    then:
      - {for: i in range(j.n), assert: item, with: {i: i}}
  - rule: rest
    match: {t: item}
    action: {call: rest, with: {i: t.i, time: 20ms + 1ms * ((t.i * 37) % 181)}}
    reaction: [{assert: made, with: {i: result.i}}]
outputs:
  made: {each: made}
END
number() { sed -n "s/.*\"$1\": \([-0-9.e+]*\).*/\1/p" <<<"$out"; }
# is WHAT EXPRESSION-OF-awk
is() {
    checks=$((checks + 1))
    awk "BEGIN { exit !($2) }" || fail "$1: not $2"
}

# ---- options ----

exits 2 "$ORRERY" simulate
exits 2 "$ORRERY" simulate mixed.yaml --nodes none
contains "a number" "$err" "--nodes"
exits 2 "$ORRERY" simulate mixed.yaml --nodes 1000000 --cores 100
contains "too many cores" "$err" "1000000 nodes of 100 cores are more than the 16777216 cores that can be simulated"
exits 2 "$ORRERY" simulate mixed.yaml --mean 5
contains "a time" "$err" "orrery simulate: --mean is an amount such as 20us, 5ms, 1.5s, 2min or 3h, not '5'"
exits 2 "$ORRERY" simulate mixed.yaml --distribution normal
contains "a distribution" "$err" "--distribution is constant, uniform, exponential or lognormal, not 'normal'"
exits 2 "$ORRERY" simulate mixed.yaml --spread 150%
contains "a spread" "$err" "--spread is 100% at most for a uniform distribution"
exits 2 "$ORRERY" simulate mixed.yaml --nodes 4 --slow 5:2
contains "too many nodes" "$err" "--slow is NODES:FACTOR, such as 4:1.5 with at most the 4 nodes there are, not '5:2'"
exits 2 "$ORRERY" simulate mixed.yaml --nodes 4 --preempt 1:soon
contains "no time" "$err" "--preempt is NODES:TIME, such as 8:10min, not with 'soon'"
exits 2 "$ORRERY" simulate mixed.yaml --calibration nowhere
contains "no file" "$err" "nowhere"
echo 'step_ns = 5' >bad
exits 2 "$ORRERY" simulate mixed.yaml --calibration bad
contains "a bad file" "$err" "bad:1:1"
exits 2 "$ORRERY" simulate mixed.yaml --costs nowhere
contains "no run" "$err" "nowhere"
exits 3 "$ORRERY" simulate mixed.yaml --trace nowhere/trace
contains "no trace" "$err" "cannot write nowhere/trace"
sed 's/, example: {i: i}//' mixed.yaml >dumb.yaml
exits 2 "$ORRERY" simulate dumb.yaml
contains "no result" "$err" "nothing says what 'rest' returns: give it \`example:\`"

# ---- the same seed, the same run ----

disturbed=(--nodes 8 --cores 4 --set n=2000 --mean 1s --distribution lognormal --spread 80% --mtbf 2min
    --slow 2:3 --preempt 1:10s --json)
exits 0 "$ORRERY" simulate mixed.yaml "${disturbed[@]}"
first=$out
exits 0 "$ORRERY" simulate mixed.yaml "${disturbed[@]}"
same "the same seed" "$first" "$out"
same "all done" 2000 "$(number 'done')"
exits 0 "$ORRERY" simulate mixed.yaml "${disturbed[@]}" --seed 2
[ "$first" != "$out" ] || fail "another seed gives the same"
exits 75 "$ORRERY" simulate mixed.yaml --mean 1s --nodes 1 --cores 2 --until 10s --json
is "told to end" "$(number 'done') >= 20 && $(number 'done') <= 22"
exits 1 "$ORRERY" simulate mixed.yaml --failures 20% --json
exits 0 "$ORRERY" simulate mixed.yaml --nodes 2 --cores 2
contains "for people" "$out" "simulated   2 nodes of 2 cores: succeeded"

# ---- a trace ----

exits 0 "$ORRERY" simulate mixed.yaml --nodes 2 --cores 2 --trace trace.json
python3 - <<'END' || fail "the trace"
import json
events = json.load(open("trace.json"))["traceEvents"]
spans = [e for e in events if e["ph"] == "X"]
assert len(spans) == 100, len(spans)
assert {e["pid"] for e in spans} == {1, 2}
lanes = {}
for e in sorted(spans, key=lambda e: e["ts"]):
    lane = (e["pid"], e["tid"])
    assert lanes.get(lane, 0) <= e["ts"], "two attempts at once on one core"
    lanes[lane] = e["ts"] + e["dur"]
assert len(lanes) == 4
END
checks=$((checks + 1))
exits 0 "$ORRERY" simulate mixed.yaml --nodes 2 --cores 2 --trace trace.json --trace-limit 10
contains "cut" "$err" "trace.json has the first 10 attempts"

# An urgent call overtakes what waits at its node.
cat >urgent.yaml <<'YAML'
orrery: 1
workflow: urgent
facts: {item: {i: int}, done: {i: int}, quick: {i: int}}
functions:
  slow: {command: [sleep, "{i}"], in: {i: int}, cost: 0.01, stdout: text, example: {text: ""}}
  fast: {command: [echo, "{i}"], in: {i: int}, cost: 1.0, stdout: text, example: {text: ""}}
rules:
  - {rule: items, match: {j: job}, for: i in range(4000), assert: item, with: {i: i}}
  - rule: slow
    match: {t: item}
    action: {call: slow, with: {i: t.i}}
    reaction: [{assert: done, with: {i: t.i}}]
  - rule: fast
    match: {d: done}
    where: d.i == 2000
    action: {call: fast, with: {i: d.i}, priority: 10}
    reaction: [{assert: quick, with: {i: d.i}}]
outputs: {quick: {each: quick}, done: {each: done}}
YAML
exits 0 "$ORRERY" simulate urgent.yaml --nodes 1 --cores 2 --trace trace.json
python3 - <<'END' || fail "an urgent call waits behind others"
import json
spans = {(e["name"], e["args"]["task"]): e
         for e in json.load(open("trace.json"))["traceEvents"] if e["ph"] == "X"}
fast = next(e for (name, _), e in spans.items() if name == "fast")
slow = spans["slow", 2000]
waited = fast["ts"] - slow["ts"] - slow["dur"]
assert 0 < waited < 50e3, waited
END
checks=$((checks + 1))
sed -i 's/, example: .*} *}$/}/' urgent.yaml # a trace of what ended early can be read, too
exits 2 "$ORRERY" simulate urgent.yaml --nodes 1 --cores 2 --trace trace.json
python3 -c 'import json; json.load(open("trace.json"))' || fail "a trace of a failure is no JSON"

# ---- against a run, and times of that run ----

exits 0 "$ORRERY" run mixed.yaml -n 3 --run-dir run --quiet
real=$(python3 -c 'import json; s = json.load(open("run/status.json")); print(s["core_seconds"] / s["cores"])')
exits 0 "$ORRERY" simulate mixed.yaml --nodes 1 --cores 2 --json
predicted=$(number makespan)
# the machine may be busy with something else: then the run takes longer, never shorter
is "the prediction ($predicted s, the run: $real s)" "$predicted < 1.1 * $real && $predicted > 0.75 * $real"
exits 0 "$ORRERY" simulate dumb.yaml --nodes 1 --cores 2 --json --costs run
measured=$(number makespan)
is "with times of the run ($measured s, the run: $real s)" "$measured < 1.1 * $real && $measured > 0.8 * $real"
echo 'rest: 250ms # all of them' >times.txt
exits 0 "$ORRERY" simulate mixed.yaml --nodes 1 --cores 2 --json --costs times.txt
is "times of a file" "$(number makespan) > 12.5 && $(number makespan) < 13"
echo 'work: 250ms' >times.txt
exits 2 "$ORRERY" simulate mixed.yaml --costs times.txt
contains "no such function" "$err" "times.txt:1:1"

# ---- the benchmarks ----

exits 0 "$ORRERY" bench simulate --nodes 4 --cores 16 --tasks 2000 --mean 1s --json
for name in efficiency makespan coordinator_busy measured_busy peak_bytes; do
    is "$name" "0$(number "$name") > 0"
done
exits 0 "$ORRERY" bench simulate --nodes 2 --cores 8 --tasks 2000 --least 90% --json
is "the shortest mean" "0$(number mean) > 0.0001 && 0$(number mean) < 5"
is "its efficiency" "0$(number efficiency) >= 0.9"
if [ "${ORR_SANITIZED-}" != ON ]; then
    exits 0 "$ORRERY" bench calibrate --directory .
    grep -v '^sync_ns' <<<"$out" >costs
    same "costs" 10 "$(grep -c '_ns.*: [0-9]' <<<"$out")"
    exits 0 "$ORRERY" simulate mixed.yaml --nodes 2 --cores 2 --calibration costs
fi
