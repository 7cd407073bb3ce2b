#!/usr/bin/env bash
# pools.sh - calls of a pool that keeps a core start at once beside long ones; short calls go
# together; children are kept ready
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
#
# alone: it measures how soon calls start
. "$(dirname "$0")/../support/lib.sh"
command -v mpirun >/dev/null || skip "no mpirun"
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
run= # in the background
tidy() {
    local code=$?
    [ -z "$run" ] || kill -INT "$run" 2>/dev/null || true
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT
attempts() { "$ORRERY" ls "$1" attempts --format csv --columns "$2" | tr -d '\r' | tail -n +2; }
until_true() { # SECONDS COMMAND...: ask until it holds
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "not in time: $*"
        sleep 0.1
    done
}

# --- a chain of 60 short calls, while 100,000 calls of 3 s wait for the other core ---
cat >latency.yaml <<'YAML'
orrery: 1
workflow: latency
pools:
  quick: {reserve: 1, borrow: false}
  bulk: {}
facts: {item: {i: int}, tick: {i: int}}
functions:
  work: {use: core.sleep, pool: bulk}
  tick: {shell: "test {i} -ge 0", in: {i: int}, pool: quick, warm: 1}
rules:
  - rule: expand
    match: {j: job}
    then:
      - {for: i in range(100000), assert: item, with: {i: i}}
      - {assert: tick, with: {i: 0}}
  - rule: work
    match: {t: item}
    action: {call: work, with: {i: t.i, time: 3s}}
  - rule: tick
    match: {t: tick}
    where: t.i < 60
    action: {call: tick, with: {i: t.i}}
    reaction: [{assert: tick, with: {i: t.i + 1}}]
outputs: {items: {each: item}}
YAML
"$ORRERY" run latency.yaml --run-dir latency -n 3 --quiet 2>/dev/null &
run=$!
ticked() { grep -A2 '"name": "tick"' latency/status.json 2>/dev/null | grep -q '"done": 60'; }
until_true 120 ticked
kill -INT "$run"
wait "$run" || true
run=
attempts latency function,queued,failure | awk -F, '$1 == "tick" && $3 == "none" { print $2 * 1000 }' |
    sort -g >queued
same "calls of the chain" 60 "$(wc -l <queued)"
# The chain does not wait for long calls (it would, 3 s each), however busy the machine is.
checks=$((checks + 1))
awk '{ v[NR] = $1 } END { exit !(v[30] < 100 && v[NR] < 1500) }' queued ||
    fail "queue to start, ms: $(tr '\n' ' ' <queued)"

# --- calls that go together: the one whose child dies fails, those behind it run once ---
cat >together.yaml <<'YAML'
orrery: 1
workflow: together
facts: {item: {i: int}, made: {i: int}, lost: {kind: string, i: int}}
functions:
  short:
    shell: |
      if [ {i} = 3 ]; then kill -9 $PPID; fi
      echo {i}
    in: {i: int}
    stdout: text
    batch: 8
rules:
  - rule: expand
    match: {j: job}
    then: [{for: i in range(24), assert: item, with: {i: i}}]
  - rule: short
    match: {t: item}
    action: {call: short, with: {i: t.i}}
    reaction: [{assert: made, with: {i: t.i}}]
    error: [{assert: lost, with: {kind: error.kind, i: t.i}}]
outputs: {made: {each: made}, lost: {each: lost}}
YAML
for ranks in 1 2 3 "2 --cores-per-rank 2"; do
    # shellcheck disable=SC2086
    exits 0 "$ORRERY" run together.yaml --run-dir "together$ranks" -n $ranks --quiet
    same "made with $ranks ranks" 23 \
        "$("$ORRERY" ls "together$ranks" facts/made --format csv | tail -n +2 | wc -l)"
    same "lost with $ranks ranks" 0,signal,3 \
        "$("$ORRERY" ls "together$ranks" facts/lost --format csv | tr -d '\r' | tail -n 1)"
    same "attempts with $ranks ranks" 24 "$(attempts "together$ranks" task | wc -l)"
    same "scratch with $ranks ranks" "" "$(ls "together$ranks/scratch")"
done

# --- a timeout ends the call that has it, not those behind it ---
cat >late.yaml <<'YAML'
orrery: 1
workflow: late
facts: {item: {i: int}, made: {i: int}, lost: {kind: string}}
functions:
  short: {shell: "if [ {i} = 1 ]; then sleep 60; fi", in: {i: int}, batch: 4, timeout: 1s}
rules:
  - rule: expand
    match: {j: job}
    then: [{for: i in range(6), assert: item, with: {i: i}}]
  - rule: short
    match: {t: item}
    action: {call: short, with: {i: t.i}}
    reaction: [{assert: made, with: {i: t.i}}]
    error: [{assert: lost, with: {kind: error.kind}}]
outputs: {made: {each: made}, lost: {each: lost}}
YAML
exits 0 "$ORRERY" run late.yaml --run-dir late -n 2 --quiet
same "made" 5 "$("$ORRERY" ls late facts/made --format csv | tail -n +2 | wc -l)"
same "lost" 0,timeout "$("$ORRERY" ls late facts/lost --format csv | tr -d '\r' | tail -n 1)"

# --- a call that waits for two cores does not hold up one of another pool ---
cat >wide.yaml <<'YAML'
orrery: 1
workflow: wide
pools: {first: {}, second: {}, third: {}}
facts: {ended: {what: string}}
functions:
  long: {use: core.sleep, pool: first}
  wide: {use: core.sleep, pool: second, cores: 2}
  short: {shell: "echo {i}", in: {i: int}, pool: third, stdout: text}
rules:
  - rule: long
    match: {j: job}
    action: {call: long, with: {time: 4s}}
    reaction: [{assert: ended, with: {what: "long"}}]
  - rule: wide
    match: {j: job}
    action: {call: wide, with: {time: 1ms}}
    reaction: [{assert: ended, with: {what: "wide"}}]
  - rule: short
    match: {j: job}
    action: {call: short, with: {i: 1}}
    reaction: [{assert: ended, with: {what: "short"}}]
outputs: {ended: {each: ended}}
YAML
exits 0 "$ORRERY" run wide.yaml --run-dir wide -n 3 --quiet
queued=$(attempts wide function,queued | awk -F, '$1 == "short" { print $2 }')
checks=$((checks + 1))
awk -v q="$queued" 'BEGIN { exit !(q < 3) }' || fail "the short call waited $queued s"

# --- warm: children are there before a call needs them, and again when one was killed ---
cat >warm.yaml <<'YAML'
orrery: 1
workflow: warm
inputs: {n: {type: int, default: 0}}
facts: {item: {i: int}}
functions:
  rest: {use: core.sleep, retries: 2}
  ready: {use: core.sleep, warm: 2}
rules:
  - rule: rest
    match: {j: job}
    action: {call: rest, with: {time: 60s}}
  - rule: never
    match: {t: item}
    action: {call: ready, with: {time: 1s}}
  - rule: item
    match: {j: job}
    where: j.n > 0
    assert: item
    with: {i: 1}
outputs: {items: {each: item}}
YAML
"$ORRERY" run warm.yaml --run-dir "$work/warm" -n 2 --cores-per-rank 2 --quiet 2>/dev/null &
run=$!
children() { # forks of the ranks: their names tell what they are
    local pid
    for pid in $(pgrep -f -- "--run-dir $work/warm " || true); do
        grep -qs '^orrery-child$' "/proc/$pid/comm" && echo "$pid"
    done || true
}
has() { [ "$(children | wc -l)" = "$1" ]; }
until_true 60 has 2
busy() { grep -q '"in_flight": 1' warm/status.json 2>/dev/null; }
until_true 60 busy
before=$(children)
kill -9 "$(tail -n 1 <<<"$before")"
renewed() { has 2 && [ "$(children)" != "$before" ]; }
until_true 60 renewed
kill -INT "$run"
wait "$run" || true
run=
