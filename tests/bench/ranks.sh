#!/usr/bin/env bash
# ranks.sh [RANKS [TASKS]] - many ranks on few cores: do they come up, work and end?
#
# RANKS (default 128) oversubscribed ranks run TASKS (default 100000) calls of core.noop, and a
# tenth of a percent of that as commands, so that every worker's own child is used too. Prints the
# time to the first agent's hello, tasks a second, and memory a rank: proportional set size
# (shared pages by their part) and resident, of ranks and of their helpers (zygotes, children).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
ranks=${1:-128}
tasks=${2:-100000}
commands=$((tasks / 1000 > ranks ? tasks / 1000 : ranks))
cat >ranks.yaml <<'END'
orrery: 1
workflow: ranks
inputs:
  n: {type: int, default: 100000}
  m: {type: int, default: 128}
facts:
  item: {i: int}
  part: {i: int}
  made: {i: int}
  ran: {i: int}
functions:
  noop: {use: core.noop}
  nothing: {command: [/bin/true, "{i}"], in: {i: int}}
rules:
  - rule: expand
    match: {j: job}
    then:
      - {for: i in range(j.n), assert: item, with: {i: i}}
      - {for: i in range(j.m), assert: part, with: {i: i}}
  - rule: call
    match: {t: item}
    action: {call: noop, with: {i: t.i}}
    reaction: [{assert: made, with: {i: result.i}}]
  - rule: start
    match: {p: part}
    action: {call: nothing, with: {i: p.i}}
    reaction: [{assert: ran, with: {i: p.i}}]
outputs:
  made: {each: made}
  ran: {each: ran}
END

# memory: of ranks and helpers that live now: "RANKS PSS RSS HELPERS PSS", MB each
memory() {
    /usr/bin/python3 - "--run-dir $work/run " <<'PY'
import glob, sys
found = {"rank": [], "helper": []}
for path in glob.glob("/proc/[0-9]*"):
    try:
        command = open(path + "/cmdline").read().replace("\0", " ")
        name = open(path + "/comm").read().strip()
        if sys.argv[1] not in command or not name.startswith("orrery"):
            continue
        sizes = dict(line.split(":", 1) for line in open(path + "/smaps_rollup") if ":" in line)
        kind = "rank" if name == "orrery" else "helper"
        found[kind].append([int(sizes[k].split()[0]) / 1024 for k in ("Pss", "Rss")])
    except (OSError, KeyError, ValueError):
        pass
mean = lambda rows, i: sum(row[i] for row in rows) / max(1, len(rows))
print(len(found["rank"]), "%.2f %.2f" % (mean(found["rank"], 0), mean(found["rank"], 1)),
      len(found["helper"]), "%.2f" % mean(found["helper"], 0))
PY
}

environment
start=$EPOCHREALTIME
"$ORRERY" run ranks.yaml --run-dir "$work/run" -n "$ranks" --quiet --set n="$tasks" \
    --set m="$commands" >/dev/null 2>errors &
run=$!
most= # with all ranks and their zygotes there
while kill -0 "$run" 2>/dev/null; do
    now=$(memory)
    awk -v ranks="$ranks" '{ exit !($1 >= ranks && $4 >= ranks) }' <<<"$now" && most=$now
    sleep 0.2
done
code=0
wait "$run" || code=$?
awk -v a="$start" -v b="$EPOCHREALTIME" -v ranks="$ranks" -v code="$code" \
    'BEGIN { printf "%d ranks, exit code %d, %.1f s in all\n", ranks, code, b - a }'
[ "$code" = 0 ] || { head -n 5 errors >&2; exit 1; }
awk -v started="$(field run started_ns)" -v updated="$(field run updated_ns)" -v began="$start" \
    -v cores="$(field run cores)" -v done="$(field run "done")" -v work="$(field run work_seconds)" 'BEGIN {
    printf "start to rank 0 ready       %10.2f s\n", started / 1e9 - began
    printf "tasks done                  %10d of %d workers\n", done, cores
    printf "first hello to last result  %10.2f s, %.0f tasks/s\n", work, done / work }'
echo "$most" | awk 'NF == 5 {
    printf "a rank: proportional        %10.2f MB, resident %.2f MB\n", $2, $3
    printf "a helper (of %d): proportional %7.2f MB\n", $4, $5 }'
