#!/usr/bin/env bash
# packing.sh [NODES [TASKS]] - how full simulated nodes are with calls of 1 to 16 cores
#
# A random mix of calls of 1, 2, 4, 8 and 16 cores, 5 s +- 90 %, on nodes of 128 cores. Prints
# the part of the cores that is busy from the first start of an attempt to the last (what comes
# after is the tail), the efficiency of the whole run, and how long calls of each width waited.
# Exits 1 below 95 %. Half a minute with the default of 8 nodes and 20000 calls.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
nodes=${1:-8}
tasks=${2:-20000}
cd "$work"

{
    cat <<'YAML'
orrery: 1
workflow: packing
inputs:
  n: {type: int, default: 20000}
facts:
  item: {i: int, kind: int}
  made: {i: int}
functions:
YAML
    for w in 1 2 4 8 16; do
        echo "  w$w: {use: core.sleep, cost: seconds(time), example: {i: i}, cores: $w}"
    done
    cat <<'YAML'
rules:
  - rule: expand
    match: {j: job}
    then:
      - {for: i in range(j.n), assert: item, with: {i: i, kind: ((i + 1) * 48271 % 2147483647) % 5}}
YAML
    kind=0
    for w in 1 2 4 8 16; do
        cat <<YAML
  - rule: w$w
    match: {t: item}
    where: t.kind == $kind
    action: {call: w$w, with: {i: t.i, time: 5s}}
    reaction: [{assert: made, with: {i: t.i}}]
YAML
        kind=$((kind + 1))
    done
    echo 'outputs: {made: {each: made}}'
} >packing.yaml

"$ORRERY" simulate packing.yaml --nodes "$nodes" --cores 128 --set n="$tasks" --spread 90% \
    --trace trace.json --json >figures.json
/usr/bin/python3 - "$nodes" <<'PY'
import json, sys
from collections import defaultdict
cores = int(sys.argv[1]) * 128
runs = [e for e in json.load(open("trace.json"))["traceEvents"] if e["ph"] == "X"]
first = min(e["ts"] for e in runs)
last = max(e["ts"] for e in runs)
busy = sum((min(e["ts"] + e["dur"], last) - e["ts"]) * e["args"]["cores"] for e in runs)
until_tail = busy / (cores * (last - first))
print("busy until the tail  %.2f %%" % (100 * until_tail))
print("efficiency in all    %.2f %%" % (100 * json.load(open("figures.json"))["efficiency"]))
started = defaultdict(list)
for e in runs:
    started[e["args"]["cores"]].append((e["ts"] - first) / 1e6)
for width, times in sorted(started.items()):
    print("%2d cores: %5d calls, on average started after %.1f s" % (
        width, len(times), sum(times) / len(times)))
sys.exit(0 if until_tail >= 0.95 else 1)
PY
