#!/usr/bin/env bash
# ranks.sh - ranks as a user starts them: mpirun, one process, many ranks, cores and pinning
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
#
# alone: ranks that are late count as lost
. "$(dirname "$0")/../support/lib.sh"
command -v mpirun >/dev/null || skip "no mpirun"
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
run= # in the background
tidy() {
    local code=$?
    [ -z "$run" ] || kill -INT "$run" 2>/dev/null || true
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT

cat >dispatch.yaml <<'YAML'
orrery: 1
workflow: dispatch
inputs: {n: {type: int, default: 1000}}
facts: {item: {i: int}, made: {i: int}, all: {n: int}}
functions: {noop: {use: core.noop}}
rules:
  - rule: expand
    match: {j: job}
    then: [{for: i in range(j.n), assert: item, with: {i: i}}]
  - rule: call
    match: {t: item}
    action: {call: noop, with: {i: t.i}}
    reaction: [{assert: made, with: {i: result.i}}]
  - rule: finish
    match: {j: job}
    gather: {m: made, where: m.i >= 0, count: j.n}
    assert: all
    with: {n: len(m.i)}
outputs: {all: {fact: all}}
YAML
cat >codes.yaml <<'YAML'
orrery: 1
workflow: codes
inputs: {code: {type: int, default: 0}}
facts: {ended: {code: int}}
functions: {end: {shell: "exit {code}", in: {code: int}}}
rules:
  - rule: end
    match: {j: job}
    action: {call: end, with: {code: j.code}}
    reaction: [{assert: ended, with: {code: j.code}}]
outputs: {ended: {fact: ended}}
YAML
rows() { "$ORRERY" ls "$1" "$2" --format csv | tr -d '\r' | tail -n +2; }

# --- mpirun typed by the user: exit codes arrive, with and without recovery ---
for ranks in 2 3 4; do
    for recovery in "" --enable-recovery; do
        dir=typed$ranks$recovery
        exits 0 mpirun -n $ranks --oversubscribe $recovery "$ORRERY" run dispatch.yaml \
            -s n=200 --run-dir "$dir" --quiet
        same "$dir" 0,200 "$(rows "$dir" facts/all)"
    done
done
exits 1 mpirun -n 3 --oversubscribe "$ORRERY" run codes.yaml -s code=7 --run-dir fails --quiet
contains "why" "$err" "exited with code 7"
exits 2 mpirun -n 3 --oversubscribe "$ORRERY" run codes.yaml -s cod=7 --run-dir never --quiet
contains "why" "$err" "unknown input 'cod'; did you mean 'code'?"
same "said once" 1 "$(grep -c "unknown input" <<<"$err")"
[ ! -e never ] || fail "a run directory was made for wrong input"
# with recovery Open MPI 4.1 gives 0 whatever the ranks say; the run directory knows better
mpirun -n 3 --oversubscribe --enable-recovery "$ORRERY" run codes.yaml -s code=7 \
    --run-dir recovers --quiet >/dev/null 2>err || true
contains "why" "$(cat err)" "exited with code 7"
same "state" failed "$(state recovers)"
exits 2 mpirun -n 2 --oversubscribe "$ORRERY" run dispatch.yaml --quiet
contains "no run directory" "$err" "name the run directory with --run-dir"

# --- one rank: all roles in one process, with and without mpirun ---
exits 0 "$ORRERY" run dispatch.yaml -n 1 --run-dir alone --quiet
exits 0 mpirun -n 1 "$ORRERY" run dispatch.yaml --run-dir alone_mpi --quiet
same "alone" 0,1000 "$(rows alone facts/all)"
same "alone under mpirun" 0,1000 "$(rows alone_mpi facts/all)"

# --- 16 ranks on this machine ---
exits 0 "$ORRERY" run dispatch.yaml -n 16 -s n=5000 --run-dir sixteen --quiet
same "sixteen ranks" 0,5000 "$(rows sixteen facts/all)"

# --- cores: a function with two, ranks with two, not bound at all ---
cat >cores.yaml <<'YAML'
orrery: 1
workflow: cores
facts: {told: {cores: string, cpus: string}}
functions:
  ask:
    shell: |
      echo "$ORRERY_CORES $OMP_NUM_THREADS"
      sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status
    in: {i: int}
    stdout: lines
    cores: 2
rules:
  - rule: ask
    match: {j: job}
    action: {call: ask, with: {i: 1}}
    reaction: [{assert: told, with: {cores: "{result.lines[0]}", cpus: "{result.lines[1]}"}}]
outputs: {told: {fact: told}}
YAML
# how many CPUs a list like 0-1,4 has
count() { tr ',' '\n' <<<"$1" | awk -F- '{ n += NF > 1 ? $2 - $1 + 1 : 1 } END { print n }'; }
allowed=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
machine=$(count "$allowed")
if [ "$machine" -ge 2 ]; then
    exits 0 "$ORRERY" run cores.yaml -n 3 --bind core --run-dir two --quiet
    told=$(rows two facts/told)
    contains "two of two ranks" "$told" "0,2 2,"
    cpus=$(tr -d '"' <<<"${told#0,2 2,}")
    [ "$(count "$cpus")" -ge 2 ] || fail "two cores are CPUs $cpus"
    exits 0 "$ORRERY" run cores.yaml -n 2 --cores-per-rank 2 --run-dir wide --quiet
    contains "two of one rank" "$(rows wide facts/told)" "0,2 2,"
    exits 0 "$ORRERY" run cores.yaml -n 3 --bind none --run-dir unbound --quiet
    cpus=$(tr -d '"' <<<"$(rows unbound facts/told)")
    same "--bind none: CPUs" "$(count "$allowed")" "$(count "${cpus#0,2 2,}")"
fi
# more cores than there are
sed 's/cores: 2$/cores: 4000/' cores.yaml >toomany.yaml
exits 1 "$ORRERY" run toomany.yaml -n 2 --run-dir toomany --quiet
contains "4000 cores" "$err" "it asks for more cores than any node has"

# --- a child is pinned to one core, and not with --bind none, nor when others may be on that core ---
cat >wait.yaml <<'YAML'
orrery: 1
workflow: wait
facts: {slept: {i: int}}
functions: {sleep: {use: core.sleep}}
rules:
  - rule: sleep
    match: {j: job}
    action: {call: sleep, with: {time: 1h, i: 1}}
    reaction: [{assert: slept, with: {i: result.i}}]
outputs: {slept: {fact: slept}}
YAML
children() {
    local pid
    for pid in $(pgrep -f -- "--run-dir $work/$1 " || true); do
        if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = orrery-child ]; then echo "$pid"; fi
    done
}
busy() { "$ORRERY" status "$1" | grep -q '1 running' && [ -n "$(children "$1")" ]; }
node_cpus=$(cat /sys/devices/system/node/node0/cpulist 2>/dev/null || true)
for bind in core numa none few all; do
    case $bind in
    few) options=() ;;
    all) options=(--cores-per-rank "$("$ORRERY" topo | sed -n '1s/ core.*//p')") ;;
    *) options=(--bind "$bind") ;;
    esac
    "$ORRERY" run wait.yaml -n 2 --run-dir "$work/bind_$bind" "${options[@]}" --quiet 2>/dev/null &
    run=$!
    wait_until busy "bind_$bind"
    child=$(children "bind_$bind")
    same "children" 1 "$(wc -w <<<"$child")"
    cpus=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$child/status")
    if [ $bind = none ] || { [ $bind = few ] && [ "$machine" -ge 2 ]; }; then
        same "$bind: not bound" "$allowed" "$cpus"
    elif [ $bind = numa ]; then # the only domain, as far as it is ours
        [ "$node_cpus" != "$allowed" ] || same "--bind numa" "$allowed" "$cpus"
    else # the hardware threads of one core
        first=${cpus%%[-,]*}
        same "$bind: bound" "$(cat "/sys/devices/system/cpu/cpu$first/topology/thread_siblings_list")" "$cpus"
    fi
    kill -INT "$run"
    code=0
    wait "$run" || code=$?
    run=
    same "interrupted" 130 "$code"
done
