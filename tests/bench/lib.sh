# lib.sh - what the benchmark scripts share; source it
# shellcheck shell=bash
set -euo pipefail
bench_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$bench_dir/../.." && pwd)
ORRERY=${ORRERY:-$root/build/release/orrery}
ORR_CLIPS=${ORR_CLIPS:-$root/clips}
[ -x "$ORRERY" ] || { echo "no program at $ORRERY: bash jobs/demo.sh builds it" >&2; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/orrery-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT

# seconds COMMAND...: wall seconds and CPU seconds (children included), on one line
seconds() {
    /usr/bin/python3 - "$@" <<'PY'
import os, subprocess, sys, time
before = os.times()
start = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
wall = time.monotonic() - start
after = os.times()
print("%.3f %.3f" % (wall, after.children_user - before.children_user
                     + after.children_system - before.children_system))
sys.exit(code)
PY
}

# spread LABEL NUMBER...: minimum, median, maximum
spread() {
    local label=$1
    shift
    printf '%s\n' "$@" | sort -g | awk -v label="$label" '
        { v[NR] = $1 }
        END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
              printf "%-52s %8.3f %8.3f %8.3f\n", label, v[1], m, v[NR] }'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.4f\n", a / b }'; }

# field RUN NAME: a number of status.json
field() { sed -n "s/^ *\"$2\": \([-0-9.e+]*\),*$/\1/p" "$1/status.json" | head -n 1; }

environment() {
    echo "$(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1);" \
        "$("$ORRERY" --version); $(ffmpeg -version | head -n 1 | cut -d' ' -f1-3);" \
        "load $(cut -d' ' -f1 /proc/loadavg) at the start; $(date -u +%Y-%m-%d)"
}

# naps CALLS TIME: a workflow of so many calls that sleep so long, and their results as facts
naps() {
    cat <<YAML
orrery: 1
workflow: naps
inputs: {n: {type: int, default: $1}}
facts: {item: {i: int}, made: {i: int}}
functions: {nap: {use: core.sleep}}
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: nap
    match: {t: item}
    action: {call: nap, with: {i: t.i, time: $2}}
    reaction: [{assert: made, with: {i: result.i}}]
outputs: {made: {each: made}}
YAML
}
