#!/usr/bin/env bash
# timelimit.sh - runs that know when their time is over: by hand, and from a squeue of our own
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh source=../fault/kit.sh
#
# alone: attempts must take the time that they sleep
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../fault/kit.sh"
cd "$work"
unset SLURM_JOB_ID SLURM_JOB_END_TIME SLURM_RESTART_COUNT

cat >mix.yaml <<'YAML'
orrery: 1
workflow: mix
inputs: {long: {type: int, default: 6}, short: {type: int, default: 40}, each: {type: duration, default: 6s}}
facts: {big: {i: int}, small: {i: int}, done_big: {i: int}, done_small: {i: int}}
functions:
  encode: {use: core.sleep, cost: seconds(time)}
  measure: {use: core.sleep}
rules:
  - {rule: bigs, match: {j: job}, for: i in range(j.long), assert: big, with: {i: i}}
  - {rule: smalls, match: {j: job}, for: i in range(j.short), assert: small, with: {i: i}}
  - rule: encode
    match: {t: big, j: job}
    action: {call: encode, with: {i: t.i, time: j.each}}
    reaction: [{assert: done_big, with: {i: result.i}}]
  - rule: measure
    match: {t: small}
    action: {call: measure, with: {i: t.i, time: 500ms}}
    reaction: [{assert: done_small, with: {i: result.i}}]
outputs: {measured: {each: done_small}}
YAML
has_counted() { [ "$(number "$1" "done" 2>/dev/null || echo 0)" -ge "$2" ]; }
number() { sed -n "s/^  \"$2\": \(.*[^,]\),\{0,1\}$/\1/p" "$1/status.json"; }

turns() {
    # --- a turn of 14 s: a round of the long ones, then as many short ones as there is time for ---
    exits 75 "$ORRERY" run mix.yaml -n 3 --time-limit 14s --run-dir turns --quiet
    [ "$(number turns "done")" -ge 12 ] || fail "turn 1: only $(number turns "done") tasks"
    [ "$(number turns "done")" -lt 46 ] || fail "turn 1: it was not cut"
    same "nothing was cut off" 0 "$("$ORRERY" ls turns attempts --format csv | grep -c ',lost,' || true)"
    turns=1
    until "$ORRERY" resume turns -n 3 --time-limit 14s --quiet 2>/dev/null; do
        turns=$((turns + 1))
        [ $turns -lt 6 ] || fail "it does not come to an end"
    done
    same "all is done" 46 "$(number turns "done")"
    same "nothing was cut off" 0 "$("$ORRERY" ls turns attempts --format csv | grep -c ',lost,' || true)"
}

ends() {
    # --- when nothing can be started any more, it ends, and says why ---
    exits 75 timeout 38 "$ORRERY" run mix.yaml -n 3 --time-limit 40s --set short=1 --set long=20 \
        --set each=14s --run-dir early
    contains "why" "$out" "ended before its end: attempts have "
    contains "why" "$out" "one of 'encode' is expected to take 14.0 s"
    same "two rounds" 5 "$(number early "done")"
    contains "status" "$("$ORRERY" status early)" "ended before its end"

    # --- what is longer than the whole of it is tried once, and then it is no use to go on ---
    exits 3 "$ORRERY" run mix.yaml -n 3 --time-limit 5s --set short=0 --set each=1h --run-dir vain
    contains "no use" "$err" "no attempt came to an end before the time was over: one of 'encode' ran for"
}

told() {
    # --- a batch system that says what is left ---
    mkdir bin
    cat >bin/squeue <<'SH'
#!/bin/sh
echo "$*" >>"$0.asked"
cat "$0.left"
SH
    chmod +x bin/squeue
    export PATH=$work/bin:$PATH SLURM_JOB_ID=17
    echo 0:14 >bin/squeue.left
    exits 75 "$ORRERY" run mix.yaml -n 3 --launcher mpirun --run-dir asked --quiet
    same "asked once, of our job" "--noheader --format=%L %e --jobs 17" "$(cat bin/squeue.asked)"
    rm bin/squeue.asked
    for left in UNLIMITED INVALID ""; do # or nothing that helps
        echo "$left" >bin/squeue.left
        exits 0 "$ORRERY" run mix.yaml -n 1 --set long=0 --set short=2 --run-dir "left$left" --quiet
    done
    rm bin/squeue.asked
    SLURM_JOB_END_TIME=$(($(date +%s) + 14)) exits 75 "$ORRERY" run mix.yaml -n 3 \
        --launcher mpirun --run-dir given --quiet
    [ ! -e bin/squeue.asked ] || fail "squeue was asked for what was given"
    unset SLURM_JOB_ID

    # --- told that the end is near: when Slurm says how near, what fits goes on till then ---
    # warned NAME LEFT: `done` when it was told, and at the end
    warned() {
        local pid code=0
        echo 10:00 >bin/squeue.left
        "$ORRERY" run mix.yaml -n 3 --set long=0 --set short=400 --grace 5 --launcher mpirun \
            --run-dir "$1" --quiet 2>/dev/null &
        pid=$!
        wait_until has_counted "$1" 4
        echo "$2" >bin/squeue.left
        before=$(number "$1" "done")
        kill -USR1 $pid
        wait $pid || code=$?
        same "$1: exit code" 75 "$code"
        after=$(number "$1" "done")
    }
    export SLURM_JOB_ID=17
    warned near 0:09
    [ "$after" -ge $((before + 12)) ] || fail "near: $before, then $after: it stopped at once"
    [ "$after" -lt $((before + 40)) ] || fail "near: it went on"
    warned preempted "10:00 $(($(date +%s) + 12))"
    [ "$after" -ge $((before + 8)) ] || fail "preempted: $before, then $after: it stopped at once"
    warned unknown 9:59 # somebody else wants it to end
    [ "$after" -lt $((before + 12)) ] || fail "unknown: it went on"

    # --- taken away in the middle of the first attempts: another turn may be longer ---
    echo 10:00 >bin/squeue.left
    "$ORRERY" run mix.yaml -n 3 --set long=2 --set short=0 --set each=1h --grace 5 --launcher mpirun \
        --run-dir cut --quiet 2>/dev/null &
    pid=$!
    wait_until grep -q '"in_flight": 2' cut/status.json
    echo 0:06 >bin/squeue.left
    kill -USR1 $pid
    code=0
    wait $pid || code=$?
    same "cut: exit code" 75 "$code"
}

heard() {
    # --- rank 0 heard the launcher's answer before the signal came: it looks when it stood still ---
    local pid code=0
    ORRERY_EXIT_FILE=$work/exit "$ORRERY" run mix.yaml -n 1 --set long=0 --set short=12 --time-limit 60s \
        --run-dir heard --quiet 2>/dev/null &
    pid=$!
    wait_until has_counted heard 1
    kill -STOP $pid
    echo "$(($(date +%s) + 60))000000000 1" >exit.end
    read -rt 1.5 <> <(:) || true # the time that passes is what is waited for
    kill -USR1 $pid
    kill -CONT $pid
    wait $pid || code=$?
    same "heard: it went on" "0 12" "$code $(number heard "done")"
}

# They sleep: beside each other.
parts=()
for part in turns ends told heard; do
    (
        work=$work/in-$part
        mkdir "$work"
        cd "$work"
        cp ../mix.yaml .
        "$part"
        echo "$checks" >"../$part.checks"
    ) &
    parts+=($!)
done
for part in "${parts[@]}"; do
    wait "$part" || fail "see above"
done
checks=$(($(cat ./*.checks | paste -sd+)))
