#!/usr/bin/env bash
# metg.sh [SECONDS] - METG(50 %) and METG(95 %), as Task Bench defines them
#
# The minimum effective task granularity: the shortest task with which the workers are busy with
# the tasks themselves for 50 % (95 %) of the time. Two ranks (rank 0 and one worker). Two graphs:
# no dependence (a range of calls), and a 3-point stencil of width 4 as rules (each cell waits for
# three of the step before: a join, results stored). Each with functions in the worker itself
# (core.busy, isolation: none) and with commands. Results are stored, not synced (durability:
# none, as Task Bench stores nothing); with --synced they are. Tasks are halved until the
# efficiency is below 50 % twice in a row; a run takes about SECONDS (default 2) of work, and 60 tasks at least. Times are between the
# first agent's hello and the last result. METG is interpolated between the two runs around it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
durability=none
if [ "${1-}" = --synced ]; then
    durability=shared
    shift
fi
seconds=${1:-2}
cc -O2 -o busy "$bench_dir/busy.c"

functions() { # KIND
    if [ "$1" = place ]; then
        echo '  work: {use: core.busy, isolation: none}'
    else
        echo "  work: {command: [$work/busy, \"{us}\", \"{i}\"], in: {us: int, i: int}}"
    fi
}
arguments() { # KIND NUMBER: of the call with that number
    if [ "$1" = place ]; then echo "time: 1us * j.us, i: $2"; else echo "us: j.us, i: $2"; fi
}
for kind in place command; do
    cat >none-$kind.yaml <<END
orrery: 1
workflow: none
inputs:
  n: {type: int, default: 100}
  us: {type: int, default: 1000}
facts:
  item: {i: int}
functions:
$(functions $kind)
rules:
  - rule: expand
    match: {j: job}
    then:
      - {for: i in range(j.n), assert: item, with: {i: i}}
  - rule: work
    match: {j: job, t: item}
    action: {call: work, with: {$(arguments $kind t.i)}}
outputs:
  items: {each: item}
END
    cat >stencil-$kind.yaml <<END
orrery: 1
workflow: stencil
inputs:
  n: {type: int, default: 100}
  us: {type: int, default: 1000}
facts:
  cell: {t: int, x: int}
functions:
$(functions $kind)
rules:
  - rule: begin
    match: {j: job}
    then:
      - {for: x in range(4), assert: cell, with: {t: 0, x: x}}
  - rule: step
    match: {j: job, a: cell, b: cell, c: cell}
    where: b.t == a.t and c.t == a.t and b.x == (a.x + 1) % 4 and c.x == (a.x + 2) % 4 and a.t < j.n // 4
    action: {call: work, with: {$(arguments $kind "4 * a.t + b.x")}}
    reaction: [{assert: cell, with: {t: a.t + 1, x: b.x}}]
outputs:
  cells: {each: cell}
END
done

one() { # GRAPH-KIND MICROSECONDS TASKS: its efficiency
    "$ORRERY" run "$1.yaml" -n 2 --run-dir run --quiet --durability "$durability" \
        --set us="$2" --set n="$3" >/dev/null
    awk -v us="$2" -v n="$(field run "done")" -v s="$(field run work_seconds)" \
        'BEGIN { print us * n / 1e6 / s }'
    rm -rf run
}
efficiency() { # the same, the better of two: what disturbs a run is not its own
    printf '%s\n' "$(one "$@")" "$(one "$@")" | sort -g | tail -n 1
}

environment
printf '%-30s %12s %12s   %s\n' "" "METG(50 %)" "METG(95 %)" "us: efficiency"
for graph in none stencil; do
    for kind in place command; do
        runs=()
        below=0
        for ((us = 1 << 16; us >= 1; us /= 2)); do
            n=$(awk -v us=$us -v s="$seconds" 'BEGIN { n = int(s * 1e6 / us); print (n < 60 ? 60 : n > 200000 ? 200000 : n) }')
            e=$(efficiency $graph-$kind $us "$n")
            runs+=("$us:$e")
            if awk -v e="$e" 'BEGIN { exit !(e < 0.5) }'; then
                below=$((below + 1))
                [ "$below" -lt 2 ] || break
            else
                below=0
            fi
        done
        printf '%s\n' "${runs[@]}" | awk -F: -v name="$graph, ${kind/place/in place}" '
            function metg(target,   i, f) { # runs go from long tasks to short ones
                for (i = NR; i >= 1 && e[i] < target; i--) continue
                if (i == 0) return "none"
                if (i == NR) return "below " us[NR] " us"
                f = (e[i] - target) / (e[i] - e[i + 1])
                return sprintf("%.0f us", us[i] * (us[i + 1] / us[i]) ^ f)
            }
            { us[NR] = $1; e[NR] = $2; all = all sprintf(" %d: %.2f", $1, $2) }
            END { printf "%-30s %12s %12s  %s\n", name, metg(0.5), metg(0.95), all }'
    done
done
