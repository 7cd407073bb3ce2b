#!/usr/bin/env bash
# kill.sh [--kills N] [--seed S] [--node] - kill -9 for any process at any moment: nothing that was
# counted is lost, nothing is counted twice, and resume ends like a run without trouble
#
# Runs of 2,400 tasks of milliseconds, with blobs and files, take ten kills each (20 in all;
# 300 by hand, `kill.sh --kills 300`): of a warm child or a worker rank (the run goes on),
# the launcher (mpirun goes on), the agent, rank 0, or mpirun (the run is resumed). The
# seed chooses who dies and when; processes are known by the run directory in their
# command line. What is looked at after each kill:
# - all attempts that lay in the shards before it still do, at the same place;
# - the results that status.json had counted are no more than those in the shards.
# With --node the logs are on the node's disk, and count there as well.
# And at the end of each run: each task has one result, each fact is there once, and facts, files
# and blobs are those of a run without kills.
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh source=kit.sh
#
# alone: its kills are spread over the time of an undisturbed run
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/kit.sh"
[ -x "${ORR_FAULT_SHARDS:-}" ] || skip "no ORR_FAULT_SHARDS (ctest knows it)"
kills=20
seed=$$
options=()
while [ $# -gt 0 ]; do
    case $1 in
    --kills) kills=$2 ;;
    --seed) seed=$2 ;;
    --node)
        options=(--durability node --local-dir "$work/disk")
        shift
        continue
        ;;
    *) fail "what is '$1'?" ;;
    esac
    shift 2
done
RANDOM=$seed
echo "$kills kills, seed $seed"
cd "$work"
mkdir disk
tasks=2400
many_yaml >many.yaml

parent_of() { sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null || true; }
comm_of() { cat "/proc/$1/comm" 2>/dev/null || true; }
rank_of() {
    tr '\0' '\n' 2>/dev/null <"/proc/$1/environ" | sed -n 's/^OMPI_COMM_WORLD_RANK=//p' || true
}

# candidates RUN KIND: the pids that a kill of that kind may choose from
candidates() {
    local pid
    for pid in $(all_of "$1"); do
        case $2,$(comm_of "$pid"),$(rank_of "$pid") in
        child,orrery-child,* | rank0,orrery,0 | agent,orrery,1 | worker,orrery,2 | \
            mpirun,mpirun,* | mpirun,orterun,* | launcher,orrery,) echo "$pid" ;;
        esac
    done
}

launcher=
# Start or go on with run $1 in the background.
launch() {
    if [ -e "$work/$1/request" ]; then
        "$ORRERY" resume "$work/$1" -n 3 --quiet "${options[@]}" 2>>"$1.log" &
    else
        rm -rf "${work:?}/$1" # killed before it began
        "$ORRERY" run many.yaml --set n=$tasks -n 3 --run-dir "$work/$1" --quiet "${options[@]}" \
            2>>"$1.log" &
    fi
    launcher=$!
}
alive() { kill -0 "$launcher" 2>/dev/null; }
# The status is that of the ranks that live now, not of those that were killed before.
is_running() {
    local pid
    pid=$(sed -n 's/^  "pid": \([0-9]*\),$/\1/p' "$1/status.json" 2>/dev/null)
    [ "$(state "$1")" = running ] && all_of "$1" | grep -qx "${pid:-none}"
}
started_or_over() { ! alive || is_running "$1"; }
some_moment() { read -rt "0.$(printf %03d $((RANDOM % ${1:-600})))" <> <(:) || true; }

# What is left of a run after its rank 0, agent, mpirun or launcher died ends by itself.
expect_end() {
    local code=0
    wait "$launcher" 2>/dev/null || code=$?
    wait_until nobody_left "$1"
    checks=$((checks + 1))
    case $code in
    0 | 3 | 137) ;; # done; the machine failed; the launcher was killed
    *) fail "$1: exit code $code: $(cat "$1.log")" ;;
    esac
}

tidy() {
    local code=$? pid
    for pid in $(pgrep -f -- "$work/" || true); do kill -KILL "$pid" 2>/dev/null || true; done
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT

# Results that the coordinator counted in this session, without those of earlier ones.
counted() {
    sed -n 's/^  "done": \([0-9]*\),$/\1/p' "$1/status.json" 2>/dev/null | grep . || echo 0
}
in_shards() { # identities that have a result, as far as anybody can see
    awk '$4 == 0 { print $1 }' "$1" | sort -u
}

# The folder of a run on the node's disk, where there is one.
folder_of() { echo disk/orrery-"$(sed -n 's/^id //p' "$1/run")"-*/ | grep -v '\*' || true; }

# look RUN: what lies in its shards is no less than before, and than what was counted
look() {
    local run=$1 had=$2 now folder
    folder=$(folder_of "$run")
    # shellcheck disable=SC2086 # none, or one word
    "$ORR_FAULT_SHARDS" "$work/$run" $folder >"$run.now" 2>.err || fail "$run: $(cat .err)"
    sort -u -o "$run.now" "$run.now"
    checks=$((checks + 2))
    [ -z "$(comm -23 "$run.before" "$run.now" | head -n 3)" ] ||
        fail "$run: lost: $(comm -23 "$run.before" "$run.now" | head -n 3)"
    now=$(in_shards "$run.now" | wc -l)
    [ "$now" -ge "$had" ] || fail "$run: $had results were counted, $now are in the shards"
    mv "$run.now" "$run.before"
}

killed=0
declare -A killed_of=()
# kill_one RUN KIND: true when there was one to kill
kill_one() {
    local pids had
    mapfile -t pids < <(candidates "$1" "$2")
    [ ${#pids[@]} -gt 0 ] || return 1
    had=$(counted "$1")
    kill -KILL "${pids[RANDOM % ${#pids[@]}]}" 2>/dev/null || return 1
    killed=$((killed + 1))
    killed_of[$2]=$((${killed_of[$2]:-0} + 1))
    look "$1" "$had"
}

exits 0 "$ORRERY" run many.yaml --set n=$tasks -n 3 --run-dir "$work/calm" --quiet
expected=$(made calm)
same "tasks of the run without kills" $tasks "$(tail -n 1 <<<"$expected")"

kinds=(child worker agent rank0 mpirun launcher)
again=0
for ((r = 1; killed < kills; r++)); do
    run=run$r
    : >"$run.before"
    launch "$run"
    for ((k = 0; k < 10 && killed < kills; k++)); do
        kind=${kinds[RANDOM % ${#kinds[@]}]}
        alive || launch "$run"
        wait_until started_or_over "$run"
        some_moment
        [ -n "$(all_of "$run")" ] || continue # all done before its time came
        kill_one "$run" "$kind" || continue
        case $kind in
        launcher) # mpirun goes on, and is killed as well
            wait "$launcher" 2>/dev/null || true
            some_moment
            kill_one "$run" mpirun || true
            expect_end "$run"
            ;;
        agent)
            SECONDS=0
            expect_end "$run"
            [ "$SECONDS" -lt 25 ] || fail "$run: the agent was missed after $SECONDS s only"
            ;;
        rank0 | mpirun) expect_end "$run" ;;
        esac
    done
    expect_end "$run"
    exits 0 "$ORRERY" resume "$work/$run" -n 3 --quiet
    wait_until nobody_left "$run"
    same "$run: what is left on the node's disk" "" "$(folder_of "$run")"
    same "$run" succeeded "$(state "$run")"
    look "$run" $tasks
    same "$run: what it made" "$expected" "$(made "$run")"
    same "$run: facts are there once" "" "$("$ORRERY" ls "$run" facts/done --format csv | cut -d, -f1,2 | sort | uniq -d)"
    same "$run: tasks that are done" $tasks \
        "$("$ORRERY" ls "$run" tasks --format csv | cut -d, -f2 | tail -n +2 | sort -u | wc -l)"
    same "$run: tasks with a result" $tasks "$(in_shards "$run.before" | wc -l)"
    "$ORR_FAULT_SHARDS" "$run" --blobs >/dev/null 2>.err || fail "$run: blobs: $(cat .err)"
    again=$((again + $(awk '$4 == 0' "$run.before" | wc -l) - tasks))
    rm -rf "${run:?}"
done
for kind in "${!killed_of[@]}"; do echo "$kind: ${killed_of[$kind]}"; done | sort
echo "$killed kills in $((r - 1)) runs of $tasks tasks: nothing lost; $again results were made twice"

# --- told to end: good order, its own exit code, and resumable ---
for pair in INT:130:interrupted TERM:75:drained; do
    run=told_${pair%%:*}
    launch "$run"
    wait_until started_or_over "$run"
    some_moment 300
    kill -s "${pair%%:*}" "$launcher"
    code=0
    wait "$launcher" || code=$?
    want=${pair#*:}
    same "$run: exit code" "${want%:*}" "$code"
    same "$run: state" "${want#*:}" "$(state "$run")"
    wait_until nobody_left "$run"
    contains "$run: what to do" "$(cat "$run.log")" "orrery resume"
    exits 0 "$ORRERY" resume "$work/$run" -n 3 --quiet
    same "$run: what it made" "$expected" "$(made "$run")"
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
    exits 0 "$ORRERY" run film.yaml -n 3 --run-dir film_calm --quiet
    : >film.before
    has_work() { ! alive || { started_or_over film && [ -n "$(candidates film child)" ]; }; }
    for kind in rank0 child; do
        if [ $kind = rank0 ]; then
            "$ORRERY" run film.yaml -n 3 --run-dir "$work/film" --quiet 2>>film.log &
        else
            "$ORRERY" resume "$work/film" -n 3 --quiet 2>>film.log &
        fi
        launcher=$!
        wait_until has_work
        kill_one film $kind || true
        expect_end film
    done
    exits 0 "$ORRERY" resume "$work/film" -n 3 --quiet
    for rung in a b; do
        cmp "film_calm/out/$rung.mp4" "film/out/$rung.mp4" || fail "rung $rung differs"
        checks=$((checks + 1))
    done
fi
