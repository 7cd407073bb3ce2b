#!/usr/bin/env bash
# runs.sh - calls in place travel as runs: over several workers and nodes, with workers and
# an agent that die while they have some, each counts once
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
#
# alone: ranks that are late count as lost
. "$(dirname "$0")/../support/lib.sh"
command -v mpirun >/dev/null || skip "no mpirun"
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
rows() { "$ORRERY" ls "$1" "$2" --format csv | tr -d '\r' | tail -n +2; }
count() { "$ORRERY" status "$1" --json | sed -n "s/^  \"$2\": \([0-9]*\),\$/\1/p"; }

# --- results are each their own, whoever made them, and all made before or not ---
cat >range.yaml <<'YAML'
orrery: 1
workflow: range
inputs: {n: {type: int, default: 20000}}
facts: {item: {i: int}, made: {i: int}, sum: {n: int, all: int}}
functions: {noop: {use: core.noop}}
rules:
  - rule: expand
    match: {j: job}
    then: [{for: i in range(j.n), assert: item, with: {i: i}}]
  - rule: call
    match: {t: item}
    action: {call: noop, with: {i: t.i * 3 - 70}}
    reaction: [{assert: made, with: {i: result.i}}]
  - rule: finish
    match: {j: job}
    gather: {m: made, where: m.i > -71, count: j.n}
    assert: sum
    with: {n: len(m.i), all: sum(m.i)}
outputs: {sum: {fact: sum}}
YAML
for how in "-n 1" "-n 2" "-n 5" "-n 3 --expand-first" "-n 2 --durability none"; do
    # shellcheck disable=SC2086
    exits 0 timeout -s KILL 120 "$ORRERY" run range.yaml $how --run-dir "r${how// /}" --quiet
    same "$how" 0,20000,598570000 "$(rows "r${how// /}" facts/sum)"
    same "$how: attempts" 20000 "$(rows "r${how// /}" attempts | wc -l)"
done
export ORRERY_RANKS_PER_NODE=2
exits 0 timeout -s KILL 120 "$ORRERY" run range.yaml -n 7 --run-dir nodes --quiet
same "three nodes" 0,20000,598570000 "$(rows nodes facts/sum)"
[ "$(rows nodes attempts | grep -c .)" = 20000 ] || fail "an attempt was made twice"

# --- ranks die while they make calls: those calls are made elsewhere ---
cat >dies.yaml <<'YAML'
orrery: 1
workflow: dies
facts: {item: {i: int}, made: {i: int}, killer: {i: int}, killed: {i: int}}
functions:
  busy: {use: core.busy, isolation: none}
  kill:
    shell: |
      up() {{ cut -d' ' -f4 "/proc/$1/stat"; }}
      mkdir {dir}/{i} 2>/dev/null || exit 0
      sleep 0.5
      for rank in $(cat /proc/$(up "$(up "$(up $PPID)")")/task/*/children); do
        grep -qzx "OMPI_COMM_WORLD_RANK={i}" "/proc/$rank/environ" && kill -KILL "$rank"
      done
      exit 0
    in: {i: int, dir: string}
inputs: {dir: {type: string}}
rules:
  - rule: expand
    match: {j: job}
    then:
      - {for: i in range(3000), assert: item, with: {i: i}}
      - {assert: killer, with: {i: 3}} # a worker
      - {assert: killer, with: {i: 4}} # an agent
  - rule: busy
    match: {t: item}
    action: {call: busy, with: {i: t.i, time: 1ms}}
    reaction: [{assert: made, with: {i: result.i}}]
  - rule: kill
    match: {j: job, k: killer}
    action: {call: kill, with: {i: k.i, dir: j.dir}, priority: 1}
    reaction: [{assert: killed, with: {i: k.i}}]
outputs: {made: {each: made}, killed: {each: killed}}
YAML
mkdir marks
export ORRERY_RANKS_PER_NODE=3
exits 0 timeout -s KILL 120 "$ORRERY" run dies.yaml -s dir="$work/marks" -n 10 --run-dir dies --quiet
same "made" 3000 "$(rows dies facts/made | sort -u | wc -l)"
same "killed" 2 "$(rows dies facts/killed | wc -l)"
same "done" 3002 "$(count dies "done")"
same "lost nodes" 1 "$(count dies lost_nodes)"
lost=$("$ORRERY" ls dies errors --where 'kind == "lost"' --columns function --format csv | grep -c busy || true)
[ "$lost" -ge 1 ] || fail "no call in place was lost with its worker"
exits 0 timeout -s KILL 60 "$ORRERY" resume dies -n 3 --quiet
same "reused" 3002 "$(count dies reused)"

# a worker takes the call with it that it was at, and none of the hundreds behind that
unset ORRERY_RANKS_PER_NODE
sed -i '/an agent$/d' dies.yaml
mkdir others
exits 0 timeout -s KILL 120 "$ORRERY" run dies.yaml -s dir="$work/others" -n 4 --run-dir one --quiet
same "made by the others" 3000 "$(rows one facts/made | sort -u | wc -l)"
contains "a worker died" "$err" "worker rank 3 on"
lost=$("$ORRERY" ls one errors --where 'kind == "lost"' --columns function --format csv | grep -c busy || true)
[ "$lost" -le 1 ] || fail "$lost calls in place were lost with one worker"

# --- the most urgent of all goes first when all are made before ---
cat >urgent.yaml <<'YAML'
orrery: 1
workflow: urgent
facts: {item: {i: int}}
functions: {noop: {use: core.noop}}
rules:
  - rule: expand
    match: {j: job}
    then: [{for: i in range(70000), assert: item, with: {i: i}}]
  - rule: call
    match: {t: item}
    action: {call: noop, with: {i: t.i}, priority: t.i}
outputs: {items: {each: item}}
YAML
exits 0 timeout -s KILL 120 "$ORRERY" run urgent.yaml -n 1 --expand-first --run-dir urgent \
    --durability none --quiet
same "first of all" 69999 "$("$ORRERY" ls urgent attempts --columns start,task --format csv |
    tr -d '\r' | tail -n +2 | sort -t, -k1,1g | head -1 | cut -d, -f2)"
exits 0 timeout -s KILL 120 "$ORRERY" run urgent.yaml -n 1 --run-dir window --durability none --quiet
[ "$("$ORRERY" ls window attempts --columns start,task --format csv | tr -d '\r' | tail -n +2 |
    sort -t, -k1,1g | head -1 | cut -d, -f2)" != 69999 ] || fail "a range is made whole"
