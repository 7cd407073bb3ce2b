#!/usr/bin/env bash
# opportunistic.sh [ROUNDS] - one workload on nodes that others take away: three ways
#
# In the Slurm of tests/slurm/lab.sh, six nodes of two cores: 960 calls of half a second, while a job of
# an urgent partition takes two of the nodes, never the first, for 8 s, every 16 s. (a) slices: an array of runs, a slice
# each, of one node, preempted and requeued; 18 slices, so that the nodes stay busy, and 6. (b) one job of
# six nodes, preempted and requeued. (c) a run on the first node, and opportunistic jobs that join
# it on the others. Prints seconds from submit to the last result (of perfect nodes it is 40, more when nodes
# are taken), and core-seconds that went to attempts that were lost. Needs root.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
rounds=${1:-3}
cd "$work"
chmod 755 "$work"
export SLURM_LAB_DIR=$work/lab
lab() { bash "$root/tests/slurm/lab.sh" "$@"; }
urgent=
tidy() {
    [ -z "$urgent" ] || kill "$urgent" 2>/dev/null || true
    lab stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap tidy EXIT
lab start 6 2
eval "$(lab env)"
unset TMPDIR
calls=960
naps "$calls" 500ms >naps.yaml

slices() { # NUMBER: a job of so many requests
    printf 'orrery: 1\njob: slices\nworkflow: naps.yaml\nslurm: {nodes: 1, ntasks-per-node: 2, partition: scavenge}\nrequests:\n'
    for ((i = 0; i < $1; i++)); do echo "  - {n: $((calls / $1))}"; done
}
take_nodes() { # until killed; the first one is after 6 s
    local first=6
    while :; do
        sleep "$first"
        first=16
        sbatch -Q -p urgent -N 2 --exclude=node1 --exclusive --output=/dev/null --wrap 'sleep 8'
    done
}
all_over() { # RUN...
    local run
    for run; do [ -s "$run/slurm/DONE" ] || return 1; done
}
lost() { # RUN...: core-seconds of all their sessions
    local run
    for run; do echo "$(field "$run" lost_seconds) $(field "$run" past_lost_seconds)"; done |
        awk '{ s += $1 + $2 } END { print s }'
}

# one NAME RUNS SUBMIT-ARGUMENT...: adds to wall_NAME, lost_NAME
one() {
    local name=$1 runs=$2 began ended i all=()
    shift 2
    if [ "$runs" = 1 ]; then all=("$name"); else for ((i = 0; i < runs; i++)); do all+=("$name/$i"); done; fi
    began=$EPOCHREALTIME
    "$ORRERY" submit --run-dir "$name" --warn 10 "$@" >/dev/null
    take_nodes &
    urgent=$!
    until all_over "${all[@]}"; do sleep 0.2; done
    ended=$EPOCHREALTIME
    kill "$urgent"
    wait "$urgent" 2>/dev/null || true
    urgent=
    for i in "${all[@]}"; do
        [ "$(cat "$i/slurm/DONE")" = 0 ] || { echo "$i: exit code $(cat "$i/slurm/DONE")" >&2; exit 1; }
    done
    awk -v a="$began" -v b="$ended" 'BEGIN { printf "%.1f\n", b - a }' >>"wall_$name"
    lost "${all[@]}" >>"lost_$name"
    scancel --quiet --user=root 2>/dev/null || true
    until [ -z "$(squeue -h)" ]; do sleep 0.2; done
    rm -rf "$name"
}

environment
slices 18 >slices18.yaml
slices 6 >slices6.yaml
for ((round = 0; round < rounds; round++)); do
    one slices18 18 slices18.yaml --array
    one slices6 6 slices6.yaml --array
    one requeued 1 naps.yaml --nodes 6 --ntasks-per-node 2 --partition scavenge
    one guests 1 naps.yaml --nodes 1 --ntasks-per-node 2 --partition main --opportunistic 5 \
        --opportunistic-partition scavenge -- --nodelist=node1
done
printf '%-52s %8s %8s %8s\n' "" min median max
for name in slices18 slices6 requeued guests; do
    mapfile -t numbers <"wall_$name"
    spread "$name, submit to the end, s" "${numbers[@]}"
    mapfile -t numbers <"lost_$name"
    spread "$name, core-seconds lost" "${numbers[@]}"
done
