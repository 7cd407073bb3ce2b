#!/usr/bin/env bash
# early.sh - told to end while the ranks are being started: as if they had been told a moment later
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"
cat >naps.yaml <<'YAML'
orrery: 1
workflow: naps
facts: {item: {i: int}, slept: {i: int}}
functions: {nap: {use: core.sleep}}
rules:
  - {rule: items, match: {j: job}, for: i in range(6), assert: item, with: {i: i}}
  - rule: nap
    match: {t: item}
    action: {call: nap, with: {time: 30s, i: t.i}}
    reaction: [{assert: slept, with: {i: result.i}}]
outputs: {all: {each: slept}}
YAML
# told SIGNAL CODE STATE: as soon as there is a launcher
told() {
    local run=early-$1 code=0 pid
    "$ORRERY" run naps.yaml -n 3 -q --grace 1 -d "$run" 2>"$run.err" &
    pid=$!
    wait_until pgrep -P "$pid"
    kill -s "$1" "$pid"
    wait "$pid" || code=$?
    same "$1: exit code" "$2" "$code"
    same "$1: state" "$3" "$(state "$run")"
}
told USR1 75 drained
told TERM 75 drained
told INT 130 interrupted
