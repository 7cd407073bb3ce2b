#!/usr/bin/env bash
# latency.sh [CALLS [RANKS]] - from queue to start, of short calls beside 100,000 long ones
#
# A chain of CALLS (default 1000) calls of 1 ms in a pool that keeps one core (reserve: 1,
# borrow: false), each asked for when the one before is on disk, while 100,000 calls of a second
# wait for the other cores. RANKS (default: a worker a core, and rank 0). Prints what lies between
# a call being asked for at rank 0 and its start on the core, ms: median, 99th percentile, most;
# then the same for commands.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
calls=${1:-1000}
ranks=${2:-$(($(nproc) + 1))}
run=
trap '[ -z "$run" ] || kill -INT "$run" 2>/dev/null || true; wait || true; rm -rf "$work"' EXIT

for kind in native command; do
    tick='{use: core.busy, pool: quick, warm: 1}'
    with='{i: t.i, time: 1ms}'
    if [ $kind = command ]; then
        tick='{command: [/bin/true, "{i}"], in: {i: int}, pool: quick, warm: 1}'
        with='{i: t.i}'
    fi
    cat >$kind.yaml <<END
orrery: 1
workflow: latency
inputs:
  n: {type: int, default: 1000}
pools:
  quick: {reserve: 1, borrow: false}
  bulk: {}
facts:
  item: {i: int}
  tick: {i: int}
functions:
  work: {use: core.sleep, pool: bulk}
  tick: $tick
rules:
  - rule: expand
    match: {j: job}
    then:
      - {for: i in range(100000), assert: item, with: {i: i}}
      - {assert: tick, with: {i: 0}}
  - rule: work
    match: {t: item}
    action: {call: work, with: {i: t.i, time: 1s}}
  - rule: tick
    match: {t: tick, j: job}
    where: t.i < j.n
    action: {call: tick, with: $with}
    reaction: [{assert: tick, with: {i: t.i + 1}}]
outputs:
  items: {each: item}
END
done

environment
printf '%-40s %8s %8s %8s %8s\n' "queue to start, ms ($((ranks - 1)) workers)" calls median "99 %" most
for kind in native command; do
    "$ORRERY" run $kind.yaml --run-dir run -n "$ranks" --quiet --set n="$calls" 2>errors &
    run=$!
    until grep -A2 '"name": "tick"' run/status.json 2>/dev/null | grep -q "\"done\": $calls,"; do
        kill -0 "$run" 2>/dev/null || { cat errors >&2; exit 1; }
        sleep 0.2
    done
    kill -INT "$run"
    wait "$run" || true
    run=
    "$ORRERY" ls run attempts --format csv --columns function,queued,failure | tr -d '\r' |
        awk -F, '($1 == "tick" || $1 == "core.busy") && $3 == "none" { print $2 * 1000 }' | sort -g |
        awk -v kind="$kind" '{ v[NR] = $1 }
            END { printf "%-40s %8d %8.2f %8.2f %8.2f\n", kind, NR, v[int((NR + 1) / 2)],
                  v[int(NR * 0.99 + 0.999)], v[NR] }'
    rm -rf run
done
