#!/usr/bin/env bash
# tail.sh - the end of a stage on several nodes: one is slow, one fails all; ranks of this
# machine stand for nodes (ORRERY_RANKS_PER_NODE)
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
#
# alone: attempts must take the time that they sleep
. "$(dirname "$0")/../support/lib.sh"
command -v mpirun >/dev/null || skip "no mpirun"
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export ORRERY_RANKS_PER_NODE=1
rows() { "$ORRERY" ls "$1" "$2" --format csv | tr -d '\r' | tail -n +2; }
count() { "$ORRERY" status "$1" --json | sed -n "s/^  \"$2\": \([0-9]*\),\$/\1/p"; }

# --- a straggler: what hangs on one node is made on another, and the first result counts ---
cat >slow.yaml <<'YAML'
orrery: 1
workflow: slow
inputs: {n: {type: int, default: 12}, slow: {type: int, default: 2}}
facts: {item: {i: int}, made: {i: int, rank: string}}
functions:
  work:
    shell: |
      if [ "$ORRERY_RANK" = {slow} ]; then sleep 3127 & wait; fi
      sleep 0.1
      echo $ORRERY_RANK
    in: {i: int, slow: int}
    stdout: lines
rules:
  - rule: expand
    match: {j: job}
    then: [{for: i in range(j.n), assert: item, with: {i: i}}]
  - rule: work
    match: {j: job, t: item}
    action: {call: work, with: {i: t.i, slow: j.slow}}
    reaction: [{assert: made, with: {i: t.i, rank: "{result.lines[0]}"}}]
outputs: {made: {each: made}}
YAML
exits 0 timeout -s KILL 120 "$ORRERY" run slow.yaml -n 4 --run-dir slow
contains "the summary" "$out" "made on a second node as well"
same "all tasks" 12 "$(rows slow facts/made | wc -l)"
same "results of rank 2" 0 "$(rows slow facts/made | grep -c ',"*2"*$' || true)"
[ "$(count slow twins)" -ge 1 ] || fail "nothing was made twice"
[ "$(count slow taken_back)" -ge 1 ] || fail "what waited behind it was not taken back"
same "scratch directories" "" "$(ls slow/scratch 2>/dev/null || true)"
same "failed attempts" 0 "$(count slow failed_attempts)"
same "errors" "" "$(rows slow errors)"
same "attempts in the store" 12 "$(rows slow attempts | wc -l)"
same "what it left behind" "" "$(pgrep -f "^sleep 3127" || true)"
exits 0 "$ORRERY" resume slow -n 1 --quiet
same "reused" 12 "$(count slow reused)"

# --- a sick node: what fails there is made elsewhere, without a retry; it gets no more ---
cat >sick.yaml <<'YAML'
orrery: 1
workflow: sick
inputs: {n: {type: int, default: 60}, sick: {type: string, default: "2"}}
facts: {item: {i: int}, made: {i: int}}
functions:
  work:
    shell: |
      if [ "$ORRERY_RANK" = {sick} ] || [ {sick} = all ]; then echo "no such device" >&2; exit 5; fi
      sleep 0.05
    in: {i: int, sick: string}
rules:
  - rule: expand
    match: {j: job}
    then: [{for: i in range(j.n), assert: item, with: {i: i}}]
  - rule: work
    match: {j: job, t: item}
    action: {call: work, with: {i: t.i, sick: j.sick}}
    reaction: [{assert: made, with: {i: t.i}}]
outputs: {made: {each: made}}
YAML
exits 0 timeout -s KILL 120 "$ORRERY" run sick.yaml -n 4 --run-dir sick
contains "said at once" "$err" "(rank 2) is set aside: its last"
contains "the summary" "$out" "(rank 2): attempts that failed there succeeded elsewhere"
contains "status" "$("$ORRERY" status sick)" "(rank 2): attempts that failed there"
same "all tasks" 60 "$(rows sick facts/made | wc -l)"
same "set aside" 1 "$(count sick set_aside)"
same "failed attempts" 0 "$(count sick failed_attempts)"
failed=$("$ORRERY" ls sick errors --columns task --format csv | tail -n +2 | wc -l)
same "failures in the store" "$(count sick forgiven)" "$failed"
[ "$failed" -le 30 ] || fail "$failed attempts failed before it was set aside"
contains "what it said" "$(rows sick errors)" "no such device"
exits 0 "$ORRERY" resume sick -n 1 --quiet
same "reused" 60 "$(count sick reused)"

# when all fail alike, no node is to blame
exits 1 timeout -s KILL 120 "$ORRERY" run sick.yaml -n 4 -s sick=all \
    -s n=20 --run-dir broken --quiet
same "no node is set aside" 0 "$(count broken set_aside)"
[ "$(count broken failed_attempts)" -ge 1 ] || fail "failures do not count"

# --- a poisoned task takes three workers down, no more: not by its retries, nor in a resume ---
cat >poison.yaml <<'YAML'
orrery: 1
workflow: poison
inputs: {good: {type: int, default: 40}}
facts: {item: {i: int}, made: {i: int}, bad: {kind: string, code: int, message: string}}
functions:
  bad:
    shell: |
      up() {{ cut -d' ' -f4 "/proc/$1/stat"; }}
      kill -KILL "$(up "$(up $PPID)")"
      sleep 30
    retries: 5
  good: {shell: "sleep 0.05; : {i}", in: {i: int}}
rules:
  - rule: expand
    match: {j: job}
    then: [{for: i in range(j.good), assert: item, with: {i: i}}]
  - rule: good
    match: {t: item}
    action: {call: good, with: {i: t.i}}
    reaction: [{assert: made, with: {i: t.i}}]
  - rule: bad
    match: {_j: job}
    action: {call: bad}
    reaction: []
    error: [{assert: bad, with: {kind: error.kind, code: error.code, message: error.message}}]
outputs: {made: {each: made}, bad: {fact: bad}}
YAML
export ORRERY_RANKS_PER_NODE=2
exits 0 timeout -s KILL 120 "$ORRERY" run poison.yaml -n 11 --run-dir poison
contains "the summary" "$out" "poisoned    1 task that took three workers down"
same "what the rest made" 40 "$(rows poison facts/made | wc -l)"
same "poisoned" 1 "$(count poison poisoned)"
bad=$(rows poison facts/bad)
contains "kind and code" "$bad" "0,lost,1,"
losses=$("$ORRERY" ls poison errors --where 'function == "bad"' --columns kind,message,host --format csv | tail -n +2)
same "evidence: losses" 3 "$(wc -l <<<"$losses")"
same "evidence: of what" 3 "$(grep -c '^lost,.*rank' <<<"$losses")"
exits 0 timeout -s KILL 60 "$ORRERY" resume poison -n 3 --quiet
same "reused" 40 "$(count poison reused)"
same "nodes that the resume lost" 0 "$(count poison lost_nodes)"
# what the rules are told of it is the same in the run and in its resume
sed -i 's/retries: 5/retries: 0/' poison.yaml
exits 0 timeout -s KILL 120 "$ORRERY" run poison.yaml -n 11 -s good=1 --run-dir once --quiet
bad=$(rows once facts/bad)
contains "kind and code" "$bad" "0,lost,1,"
exits 0 timeout -s KILL 60 "$ORRERY" resume once -n 1 --quiet
same "facts of the resume" "$bad" "$(rows once facts/bad)"
