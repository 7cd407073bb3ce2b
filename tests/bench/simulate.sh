#!/usr/bin/env bash
# simulate.sh [ROUNDS] [--plot [FILE]] - predictions of `orrery simulate` against the runs
#
# Sleeping tasks of 20 to 200 ms, so that many ranks share few cores without getting in each
# other's way: 50 a worker on 2, 4 and 8 workers. Prints real / predicted makespan, minimum,
# median and maximum over the rounds. With --plot: the shortest mean time of an attempt that
# keeps 95 % efficiency, for 1,024 to 131,072 simulated cores (20 minutes), drawn to FILE when
# Python has matplotlib.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
rounds=5
plot=
while [ $# -gt 0 ]; do
    case $1 in
    --plot) plot=${2:-least.svg}; [ $# -gt 1 ] && shift ;;
    *) rounds=$1 ;;
    esac
    shift
done
case $plot in '' | /*) ;; *) plot=$OLDPWD/$plot ;; esac

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

real() { # the same figure as the simulation's: from the first hello to the last good-bye
    "$ORRERY" run mixed.yaml -n $(($1 + 1)) --run-dir run --quiet --set n=$((50 * $1))
    /usr/bin/python3 -c 'import json; s = json.load(open("run/status.json")); print(s["core_seconds"] / s["cores"])'
    rm -rf run
}
predicted() {
    "$ORRERY" simulate mixed.yaml --nodes 1 --cores "$1" --set n=$((50 * $1)) --json |
        /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["makespan"])'
}

printf '%-52s %8s %8s %8s\n' "real / predicted makespan, $rounds rounds" min median max
for workers in 2 4 8; do
    p=$(predicted "$workers")
    ratios=()
    for _ in $(seq "$rounds"); do
        ratios+=("$(ratio "$(real "$workers")" "$p")")
    done
    spread "$workers workers ($p s)" "${ratios[@]}"
done
[ -n "$plot" ] || exit 0

echo
echo "cores  least mean (ms)  tasks/s  rank 0 by the calibration, as measured (part of a core)"
for pair in 8:50 16:50 32:60 64:70 128:90 256:120 512:170 1024:330; do # nodes:where to begin
    nodes=${pair%:*}
    "$ORRERY" bench simulate --nodes "$nodes" --cores 128 --tasks $((nodes * 128 * 60)) \
        --mean "${pair#*:}ms" --least 95% --json |
        /usr/bin/python3 -c '
import json, sys
d = json.load(sys.stdin); m = d["metrics"]; e = d["environment"]
print(e["simulated_nodes"] * e["simulated_cores"], "%.1f %.0f %.3f %.3f" % (
    m["mean"] * 1000, m["tasks_per_second"], m["coordinator_busy"], m["measured_busy"]))'
done | tee least.txt
/usr/bin/python3 - "$plot" <<'END' || echo "no plot: Python has no matplotlib"
import sys
import matplotlib
matplotlib.use("svg" if sys.argv[1].endswith("svg") else "agg")
import matplotlib.pyplot as plt
rows = [line.split() for line in open("least.txt")]
plt.loglog([int(r[0]) for r in rows], [float(r[1]) for r in rows], "o-", base=2)
plt.xlabel("cores, 128 a node")
plt.ylabel("mean time of an attempt, ms")
plt.title("shortest attempts that keep 95 % of the cores busy (simulated)")
plt.grid(True)
plt.savefig(sys.argv[1])
END
