#!/usr/bin/env bash
# kill.sh - kill -9 for any process at any moment; resume ends with the same facts
#
# Three runs of 240 tasks take five kills each: a warm child and a worker rank (the run goes
# on), rank 0, mpirun and the launcher (the run is resumed). Processes are known by the run
# directory in their command line.
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"

cat >many.yaml <<YAML
orrery: 1
workflow: many
inputs: {n: {type: int, default: 240}}
facts:
  item: {i: int}
  done: {i: int, text: string}
functions:
  nap: {use: core.sleep, retries: 9}
  run: # a program of its own below the shell; its argument tells it from other processes
    shell: "printf '%s' {i}; sleep 0.0$$"
    in: {i: int}
    stdout: text
    retries: 9
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: nap
    match: {t: item}
    where: t.i % 2 == 0
    action: {call: nap, with: {time: 150ms, i: t.i}}
    reaction: [{assert: done, with: {i: result.i, text: "nap"}}]
  - rule: run
    match: {t: item}
    where: t.i % 2 == 1
    action: {call: run, with: {i: t.i}}
    reaction: [{assert: done, with: {i: t.i, text: result.text}}]
outputs: {all: {each: done}}
YAML
expected=$(for ((i = 0; i < 240; i += 2)); do
    printf '0,%d,nap\n0,%d,%d\n' $i $((i + 1)) $((i + 1))
done | sort)

# Processes of a run directory: all, or those named COMM whose parent is named PARENT.
all_of() { pgrep -f -- "--run-dir $work/$1 |resume $work/$1 |$work/$1/scratch" || true; }
comm_of() { cat "/proc/$1/comm" 2>/dev/null || true; }
parent_of() { sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null || true; }
rank_of() {
    tr '\0' '\n' 2>/dev/null <"/proc/$1/environ" | sed -n 's/^OMPI_COMM_WORLD_RANK=//p' || true
}

# candidates RUN KIND: the pids that a kill of that kind may choose from
candidates() {
    local pid
    for pid in $(all_of "$1"); do
        case $2,$(comm_of "$pid"),$(rank_of "$pid") in
        child,orrery-child,* | rank0,orrery,0 | worker,orrery,2 | mpirun,mpirun,* | \
            mpirun,orterun,* | launcher,orrery,) echo "$pid" ;;
        esac
    done
}

launcher=
# Start or go on with run $1 in the background.
launch() {
    if [ -e "$work/$1/run" ]; then
        "$ORRERY" resume "$work/$1" -n 3 --quiet 2>>"$1.log" &
    else
        "$ORRERY" run many.yaml -n 3 --run-dir "$work/$1" --quiet 2>>"$1.log" &
    fi
    launcher=$!
}
alive() { kill -0 "$launcher" 2>/dev/null; }
# The status is that of the ranks that live now, not of those that were killed before.
started_or_over() {
    local pid
    alive || return 0
    pid=$(sed -n 's/^  "pid": \([0-9]*\),$/\1/p' "$1/status.json")
    [ "$(state "$1")" = running ] && all_of "$1" | grep -qx "${pid:-none}"
}
nobody_left() { [ -z "$(all_of "$1")" ] && ! pgrep -f "^sleep 0.0$$\$"; }

some_moment() { read -rt "0.$((RANDOM % 400 + 100))" <> <(:) || true; }

# kill_one RUN KIND: true when there was one to kill
kill_one() {
    local pids
    mapfile -t pids < <(candidates "$1" "$2")
    [ ${#pids[@]} -gt 0 ] || return 1
    kill -KILL "${pids[RANDOM % ${#pids[@]}]}" 2>/dev/null
}

# What is left of a run after its rank 0, mpirun or launcher died ends by itself.
expect_end() {
    local code=0
    wait "$launcher" 2>/dev/null || code=$?
    wait_until nobody_left "$1"
    checks=$((checks + 1))
    [ "$code" != 1 ] || fail "$1: some requests failed: $(cat "$1.log")"
}

tidy() {
    local code=$? run pid
    for run in run1 run2 run3 told_INT told_TERM film; do
        for pid in $(all_of "$run"); do kill -KILL "$pid" 2>/dev/null || true; done
    done
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT

kills=0
for run in run1 run2 run3; do
    launch "$run"
    # mpirun outlives its launcher and ends the run: that kill comes last
    for kind in $(printf '%s\n' child worker rank0 mpirun | shuf) launcher; do
        alive || launch "$run"
        wait_until started_or_over "$run"
        some_moment
        alive || continue # all done before its time came
        kill_one "$run" "$kind" || continue
        kills=$((kills + 1))
        case $kind in rank0 | mpirun | launcher) expect_end "$run" ;; esac
    done
    expect_end "$run"
    exits 0 "$ORRERY" resume "$work/$run" -n 3 --quiet
    wait_until nobody_left "$run"
    same "$run" succeeded "$(state "$run")"
    same "$run: facts" "$expected" \
        "$("$ORRERY" ls "$run" facts/done --format csv | tr -d '\r' | tail -n +2 | sort)"
    same "$run: tasks" 240 "$("$ORRERY" ls "$run" tasks --format csv | tail -n +2 | wc -l)"
done
[ "$kills" -ge 7 ] || fail "only $kills kills found their process"

# --- told to end: good order, its own exit code, and resumable ---
for pair in INT:130:interrupted TERM:75:drained; do
    run=told_${pair%%:*}
    launch "$run"
    wait_until started_or_over "$run"
    some_moment
    kill -s "${pair%%:*}" "$launcher"
    code=0
    wait "$launcher" || code=$?
    want=${pair#*:}
    same "$run: exit code" "${want%:*}" "$code"
    same "$run: state" "${want#*:}" "$(state "$run")"
    wait_until nobody_left "$run"
    contains "$run: what to do" "$(cat "$run.log")" "orrery resume"
    exits 0 "$ORRERY" resume "$work/$run" -n 3 --quiet
    same "$run: facts" "$expected" \
        "$("$ORRERY" ls "$run" facts/done --format csv | tr -d '\r' | tail -n +2 | sort)"
done

# --- a video: killed in the middle, the same bytes in the end ---
if [ -s "$ORR_CLIPS/plain.mp4" ]; then
    cat >film.yaml <<YAML
orrery: 1
job: film
workflow: $source_dir/workflows/ladder.yaml
inputs:
  source: $ORR_CLIPS/plain.mp4
  chunk: 400ms
  target: 0.01
  rungs: [{name: a, height: 120, crf: 30}, {name: b, height: 64, crf: 30}]
YAML
    exits 0 "$ORRERY" run film.yaml -n 3 --run-dir calm --quiet
    for kind in rank0 child; do
        if [ $kind = rank0 ]; then
            "$ORRERY" run film.yaml -n 3 --run-dir "$work/film" --quiet 2>>film.log &
        else
            "$ORRERY" resume "$work/film" -n 3 --quiet 2>>film.log &
        fi
        launcher=$!
        has_work() { ! alive || { started_or_over film && [ -n "$(candidates film child)" ]; }; }
        wait_until has_work
        kill_one film $kind && kills=$((kills + 1))
        expect_end film
    done
    exits 0 "$ORRERY" resume "$work/film" -n 3 --quiet
    for rung in a b; do
        cmp "calm/out/$rung.mp4" "film/out/$rung.mp4" || fail "rung $rung differs"
        checks=$((checks + 1))
    done
fi
echo "$kills kills"
