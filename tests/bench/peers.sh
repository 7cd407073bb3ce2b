#!/usr/bin/env bash
# peers.sh [ROUNDS [TASKS]] - /bin/true as tasks: orrery beside what people use instead
#
# Each runs TASKS (default 1000) of /bin/true with one worker a core, in turn, ROUNDS (default 5)
# times: orrery with its results synced to disk; a posix_spawn loop in C, the floor; xargs -P;
# make -j; GNU parallel; mpi4py.futures with a rank a core, and with one more (mpi4py_1). Prints tasks a second, and orrery's rate over that of
# each in the same round: minimum, median, maximum. Start and end of each program are not in its
# rate: a run of two tasks is subtracted. A peer that is not installed is told and left out.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
rounds=${1:-5}
tasks=${2:-1000}
cores=$(nproc)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

cc -O2 -o spawn "$bench_dir/spawn.c"
cat >commands.yaml <<'END'
orrery: 1
workflow: commands
inputs:
  n: {type: int, default: 2}
facts:
  item: {i: int}
functions:
  nothing: {command: [/bin/true, "{i}"], in: {i: int}}
rules:
  - rule: expand
    match: {j: job}
    then:
      - {for: i in range(j.n), assert: item, with: {i: i}}
  - rule: call
    match: {t: item}
    action: {call: nothing, with: {i: t.i}}
outputs:
  items: {each: item}
END
cat >futures.py <<'END'
import subprocess, sys
from mpi4py.futures import MPIPoolExecutor

def call(i):
    return subprocess.call(["/bin/true", str(i)])

if __name__ == "__main__":
    with MPIPoolExecutor() as pool:
        codes = list(pool.map(call, range(int(sys.argv[1]))))
    sys.exit(any(codes))
END

# run_PEER TASKS
run_orrery() {
    "$ORRERY" run commands.yaml --run-dir run -n $((cores + 1)) --quiet --set n="$1"
    rm -rf run
}
run_spawn() { ./spawn "$1" "$cores"; }
run_xargs() { seq "$1" | xargs -P "$cores" -n 1 /bin/true; }
run_make() { # a rule without a shell: make starts the program itself
    [ -f "tasks$1.mk" ] || {
        echo "all:$(seq -f ' t%.0f' -s '' "$1")"
        echo 't%: ; @/bin/true $@'
    } >"tasks$1.mk"
    make -s -j "$cores" -f "tasks$1.mk"
}
run_parallel() { seq "$1" | parallel --will-cite -j "$cores" /bin/true; }
futures() { # RANKS TASKS: one of the ranks is the master
    mpirun --quiet --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 -n "$1" \
        /usr/bin/python3 -m mpi4py.futures futures.py "$2"
}
run_mpi4py() { futures "$cores" "$1"; }       # as it is usually started, a rank a core
run_mpi4py_1() { futures $((cores + 1)) "$1"; } # a worker a core

peers=(orrery spawn xargs)
for need in make:make parallel:parallel mpi4py:python3-mpi4py; do
    case $need in
    mpi4py:*) found=$(/usr/bin/python3 -c 'import mpi4py; print("yes")' 2>/dev/null || true) ;;
    *) found=$(command -v "${need%:*}" || true) ;;
    esac
    if [ -n "$found" ]; then
        peers+=("${need%:*}")
        [ "${need%:*}" != mpi4py ] || peers+=(mpi4py_1)
    else
        echo "peers.sh: no ${need%:*}, left out: apt-get install ${need#*:}" >&2
    fi
done

took() { # COMMAND...: seconds
    local start=$EPOCHREALTIME
    "$@" >/dev/null 2>errors || { echo "peers.sh: $* failed: $(head -n 3 errors)" >&2; exit 1; }
    awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}
rate() { # PEER: tasks a second besides its start and end
    local few many
    few=$(took "run_$1" 2)
    many=$(took "run_$1" "$tasks")
    awk -v n=$((tasks - 2)) -v a="$few" -v b="$many" \
        'BEGIN { s = b - a; print n / (s > 0.001 ? s : 0.001) }'
}

environment
declare -A rates ratios
for ((round = 0; round < rounds; round++)); do
    for peer in "${peers[@]}"; do
        r=$(rate "$peer")
        [ "$peer" = orrery ] && ours=$r
        rates[$peer]+=" $r"
        ratios[$peer]+=" $(ratio "$ours" "$r")"
    done
done
declare -A target=([spawn]=0.9 [xargs]=1.4 [make]=1 [parallel]=7 [mpi4py]=3.5 [mpi4py_1]=none)
printf '%-52s %8s %8s %8s\n' "/bin/true, $tasks tasks, $cores workers, $rounds rounds" min median max
for peer in "${peers[@]}"; do
    # shellcheck disable=SC2086
    spread "$peer, tasks/s" ${rates[$peer]}
done
for peer in "${peers[@]:1}"; do
    # shellcheck disable=SC2086
    spread "orrery / $peer (target ${target[$peer]})" ${ratios[$peer]}
done
