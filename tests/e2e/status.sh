#!/usr/bin/env bash
# status.sh - what a user sees of a run: before, during and after, and when it was killed
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"
run= # in the background
tidy() {
    local code=$?
    [ -z "$run" ] || kill -KILL "$run" 2>/dev/null || true
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT

cat >naps.yaml <<YAML
orrery: 1
workflow: naps
inputs: {n: {type: int, default: 40}, time: {type: duration, default: 200ms}}
facts: {done: {i: int}}
functions: {nap: {use: core.sleep}}
rules:
  - rule: list
    match: {j: job}
    for: i in range(j.n)
    assert: todo
    with: {i: i}
  - rule: do
    match: {j: job, t: todo}
    action: {call: nap, with: {time: j.time, i: t.i}}
    reaction: [{assert: done, with: {i: result.i}}]
outputs: {all: {each: done}}
YAML
sed -i 's/^facts: .*/facts: {todo: {i: int}, done: {i: int}}/' naps.yaml
is() { [ "$(state "$1")" = "$2" ]; }
# field RUN NAME: a number of its status
field() { "$ORRERY" status "$1" --json | sed -n "s/^ *\"$2\": \([0-9.]*\),*$/\1/p" | head -n 1; }

# --- while it runs ---
"$ORRERY" run naps.yaml -n 3 --run-dir naps 2>progress >summary &
run=$!
wait_until is naps running
exits 0 "$ORRERY" status naps
contains "text" "$out" "naps: running"
contains "text" "$out" "of 40 done"
contains "text" "$out" "of 2 busy"
some_done() { [ "$(field naps "done")" -gt 0 ]; }
wait_until some_done
# tables are for runs that ended; asking early says so and harms nothing
"$ORRERY" ls naps tasks >early 2>&1 || true
code=0
wait "$run" || code=$?
run=
same "exit code" 0 "$code"
is naps succeeded || fail "state $(state naps)"
same "done" 40 "$(field naps "done")"

# --- progress on a pipe: whole lines, no escapes; stage, rate, time left, busy cores ---
same "control characters" "" "$(tr -d '\n[:print:]' <progress | tr '\r\033' '^^')"
line=$(grep 'nap [0-9]*/40' progress | sed -n '$p')
contains "progress" "$line" "tasks/s"
contains "progress" "$line" "2/2 cores"
contains "progress" "$(cat progress)" " left"
contains "summary" "$(cat summary)" "naps: succeeded in"
contains "summary" "$(cat summary)" "40 of 40"
contains "summary" "$(cat summary)" "run         $work/naps"

# --quiet says nothing when all is well
exits 0 "$ORRERY" run naps.yaml -s n=2 -s time=1ms -n 2 --run-dir silent --quiet
same "quiet" "" "$out$err"

# --- one that was killed: nobody works on it, and what to do ---
"$ORRERY" run naps.yaml -s n=60 -n 1 --run-dir killed --quiet &
run=$!
wait_until is killed running
kill -KILL "$run"
wait "$run" 2>/dev/null || true
run=
exits 0 "$ORRERY" status killed
contains "killed" "$out" "nobody works on it"
contains "killed" "$out" "resume it"
exits 0 "$ORRERY" resume killed -n 3 --quiet
same "resumed" succeeded "$(state killed)"
same "resumed: done" 60 "$(field killed "done")"
