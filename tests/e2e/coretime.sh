#!/usr/bin/env bash
# coretime.sh - what became of the core-seconds of a run: useful, failed, lost, idle; over sessions
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh source=../fault/kit.sh
#
# alone: attempts must take the time that they sleep
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../fault/kit.sh"
cd "$work"

cat >naps.yaml <<'YAML'
orrery: 1
workflow: naps
inputs: {n: {type: int, default: 8}, each: {type: duration, default: 1s}}
facts: {item: {i: int}, done: {i: int}}
functions:
  nap: {use: core.sleep}
  bad: {shell: "sleep 1; exit 7{i}", in: {i: int}, retries: 1}
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: nap
    match: {t: item, j: job}
    action: {call: nap, with: {time: j.each, i: t.i}}
    reaction: [{assert: done, with: {i: result.i}}]
  - rule: bad
    match: {t: item}
    where: t.i == 1000
    action: {call: bad, with: {i: t.i}}
    error: [{assert: done, with: {i: t.i}}]
outputs: {all: {each: done}}
YAML
number() { sed -n "s/^  \"$2\": \(.*[^,]\),\{0,1\}$/\1/p" "$1/status.json"; }
# about RUN FIELD LEAST MOST
about() {
    checks=$((checks + 1))
    awk -v x="$(number "$1" "$2")" -v a="$3" -v b="$4" 'BEGIN { exit !(x != "" && x >= a && x <= b) }' ||
        fail "$1: $2 is $(number "$1" "$2"), not from $3 to $4"
}
has_begun() { [ "$(number "$1" running_seconds 2>/dev/null | cut -d. -f1)" -ge "$2" ] 2>/dev/null; }

# --- a calm run: all that is not useful is idle ---
exits 0 "$ORRERY" run naps.yaml -n 3 --set n=7 --run-dir calm
contains "summary" "$out" "core time   7."
about calm useful_seconds 7 9
about calm idle_seconds 0.7 5 # the eighth place
about calm lost_seconds 0 0
about calm past_sessions 0 0
contains "status" "$("$ORRERY" status calm)" "core time: 7."

# --- cut off: what ran is lost; then killed, which is told by the next session ---
"$ORRERY" run naps.yaml -n 3 --set each=20s --grace 0 --run-dir "$work/cut" --quiet 2>/dev/null &
pid=$!
wait_until has_begun cut 4
kill -TERM $pid
wait $pid && fail "cut: it ended well"
about cut useful_seconds 0 0
about cut lost_seconds 4 16
about cut running_seconds 0 0
lost=$(number cut lost_seconds)
"$ORRERY" resume "$work/cut" -n 3 --quiet 2>/dev/null &
pid=$!
wait_until has_begun cut 6
about cut past_lost_seconds "$lost" "$lost"
all_of cut | xargs kill -KILL 2>/dev/null || true
wait $pid || true
wait_until nobody_left cut
ran=$(number cut running_seconds)
"$ORRERY" resume cut -n 3 --time-limit 1s >out.txt 2>/dev/null && fail "cut: a second was enough"
contains "sessions" "$(cat out.txt)" "core time   all 3 sessions, 1 of them killed: "
about cut past_lost_seconds "$(awk "BEGIN { print $lost + $ran - 0.01 }")" "$(awk "BEGIN { print $lost + $ran + 0.01 }")"
about cut past_killed 1 1
about cut past_sessions 2 2
sessions() { "$ORRERY" ls "$1" sessions --format csv --columns session,state,done | tr -d '\r' | xargs; }
same "all sessions" "session,state,done 1,drained,0 2,killed,0 3,stopped,0" "$(sessions cut)"
same "what was lost in them" "$(awk "BEGIN { printf \"%.1f\", $lost + $ran }")" \
    "$("$ORRERY" ls cut sessions --format csv --columns lost | awk 'NR > 1 { s += $1 } NR < 4 { t = s } END { printf "%.1f", t }')"
rm cut/run.h5 # made anew
same "made anew" "session,state,done 1,drained,0 2,killed,0 3,stopped,0" "$(sessions cut)"
same "sessions of a calm run" "session,state,done 1,succeeded,7" "$(sessions calm)"

# --- failed attempts are neither ---
sed -i 's/range(j.n)/range(1000, 1000 + j.n)/; s/where: t.i == 1000/where: t.i >= 1000/' naps.yaml
exits 0 "$ORRERY" run naps.yaml -n 1 --set n=1 --set each=1ms --run-dir failed --quiet
about failed failed_seconds 2 4
about failed lost_seconds 0 0
