#!/usr/bin/env bash
# suspend.sh - all processes of a run stand still, for longer than a silent one is given up after,
# and go on: nobody is lost, no time-out counts that time, nothing is made twice
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh source=../fault/kit.sh
#
# alone: ranks that are late count as lost
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../fault/kit.sh"
command -v mpirun >/dev/null || skip "no mpirun"
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export ORRERY_RANKS_PER_NODE=1 ORRERY_SILENCE=8 # rank 0 speaks every five seconds
cat >naps.yaml <<'YAML'
orrery: 1
workflow: naps
inputs: {n: {type: int, default: 16}}
facts: {item: {i: int}, done: {i: int}}
functions:
  nap: {use: core.sleep, timeout: 4s}
  command: {shell: "sleep 1.{i}", in: {i: int}, timeout: 4s}
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: nap
    match: {t: item}
    where: t.i % 2 == 0
    action: {call: nap, with: {time: 1500ms, i: t.i}}
    reaction: [{assert: done, with: {i: t.i}}]
  - rule: command
    match: {t: item}
    where: t.i % 2 == 1
    action: {call: command, with: {i: t.i}}
    reaction: [{assert: done, with: {i: t.i}}]
outputs: {all: {each: done}}
YAML
number() { sed -n "s/^  \"$2\": \(.*[^,]\),\{0,1\}$/\1/p" "$1/status.json"; }
has_counted() { [ "$(number "$1" "done" 2>/dev/null || echo 0)" -ge "$2" ]; }

# family PID: it and what comes from it
family() {
    echo "$1"
    local child
    for child in $(pgrep -P "$1"); do family "$child"; done
}
# The shell's read is a clock here: that time passes is what is waited for.
let_pass() { read -rt "$1" <> <(:) || true; }

"$ORRERY" run naps.yaml -n 4 --run-dir still 2>err.txt >out.txt &
pid=$!
wait_until has_counted still 4
family $pid | xargs kill -STOP
let_pass 13
family $pid | xargs kill -CONT
code=0
wait $pid || code=$?
same "exit code" 0 "$code"
same "lost nodes" 0 "$(number still lost_nodes)"
same "failed attempts" 0 "$(number still failed_attempts)"
same "made twice" 0 "$(number still twins)"
same "tasks" 16 "$(number still "done")"
contains "the summary" "$(cat out.txt)" "core time   suspended for "
awk -v x="$(number still suspended_seconds)" 'BEGIN { exit !(x > 12 && x < 18) }' ||
    fail "suspended for $(number still suspended_seconds) s"
awk -v x="$(number still useful_seconds)" 'BEGIN { exit !(x > 16 && x < 34) }' ||
    fail "$(number still useful_seconds) s of use: with what it was suspended"
