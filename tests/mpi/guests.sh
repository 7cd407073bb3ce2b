#!/usr/bin/env bash
# guests.sh - opportunistic processes: they come, work, go when idle or told, vanish; nothing is lost
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh source=../fault/kit.sh
#
# alone: ranks that are late count as lost
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../fault/kit.sh"
command -v mpirun >/dev/null || skip "no mpirun"
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
cat >opp.yaml <<'YAML'
orrery: 1
workflow: opp
inputs: {n: {type: int, default: 100}, each: {type: duration, default: 200ms}}
facts: {item: {i: int}, done: {i: int}, kept: {i: int, data: blob}, sum: {i: int, text: string}}
functions:
  nap: {use: core.sleep, opportunistic: true}
  keep: {shell: "seq {i} >{out.data}", in: {i: int}, out: {data: blob}}
  read: {shell: "wc -l <{data} | tr -d '[:space:]'", in: {i: int, data: blob}, stdout: text, opportunistic: true}
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: nap
    match: {t: item, j: job}
    action: {call: nap, with: {time: j.each, i: t.i}}
    reaction: [{assert: done, with: {i: result.i}}]
  - rule: keep
    match: {d: done}
    where: d.i % 10 == 0
    action: {call: keep, with: {i: d.i}}
    reaction: [{assert: kept, with: {i: d.i, data: result.data}}]
  - rule: read
    match: {k: kept}
    action: {call: read, with: {i: k.i, data: k.data}}
    reaction: [{assert: sum, with: {i: k.i, text: result.text}}]
outputs: {all: {each: done}, sums: {each: sum}}
YAML
sed 's/, opportunistic: true//' opp.yaml >plain.yaml
number() { sed -n "s/^  \"$2\": \(.*[^,]\),\{0,1\}$/\1/p" "$1/status.json" 2>/dev/null; }
has_counted() { [ "$(number "$1" "done" || echo 0)" -ge "$2" ] 2>/dev/null; }
has_guests() { [ "$(number "$1" guests)" = "$2" ]; }
ended() { ! kill -0 "$1" 2>/dev/null; }
# by RUN FUNCTION LEAST-RANK: how many of its attempts ran on such ranks
by() {
    "$ORRERY" ls "$1" attempts --format csv | tr -d '\r' |
        awk -F, -v f="$2" -v r="$3" '$3 == f && $7 >= r && $5 == "none" { n++ } END { print n + 0 }'
}
facts() { "$ORRERY" ls "$1" facts/done --format csv | tr -d '\r' | cut -d, -f2 | sort; }
# good RUN: it ended well, with all facts, none twice
good() {
    wait "$run" || fail "$1: $(cat "$1.err")"
    same "$1: facts" 101 "$(facts "$1" | sort -u | wc -l)"
    same "$1: none twice" "" "$(facts "$1" | uniq -d)"
    same "$1: sums" 10 "$("$ORRERY" ls "$1" facts/sum --format csv | tail -n +2 | wc -l)"
    same "$1: lost nodes" 0 "$(number "$1" lost_nodes)"
    exits 0 "$ORRERY" verify "$1"
}
# start RUN WORKFLOW OPTION...
start() {
    "$ORRERY" run "$2" --guests 20 --run-dir "$work/$1" --quiet "${@:3}" 2>"$1.err" &
    run=$!
}
join() { "$ORRERY" join "$work/$1" --idle 20s --cores 2 2>>"$1.join" & }

one() {
    # --- one comes, takes what it may take, and leaves at the end of the run ---
    start one opp.yaml -n 2
    join one
    guest=$!
    wait_until has_guests one 1
    same "the door is ours alone" 600 "$(stat -c %a one/join)"
    contains "status" "$("$ORRERY" status one)" "opportunistic: 1 more node"
    good one
    wait "$guest" || fail "one: the guest: $(cat one.join)"
    same "one: rank of the guest" "orrery: joined as rank 2 with 2 cores" "$(grep -v "is not a run: waiting" one.join)"
    [ "$(by one core.sleep 2)" -gt 20 ] || fail "one: the guest did $(by one core.sleep 2) of 100"
    same "one: what is not opportunistic" 0 "$(by one keep 2)"
    [ ! -e one/join ] || fail "one: the door is open"
}

killed() {
    # --- killed, again and again: nothing is lost, no task pays for it ---
    start killed opp.yaml -n 2
    for i in 1 2 3 4; do
        join killed
        guest=$!
        wait_until has_guests killed 1
        wait_until has_counted killed $((i * 12))
        kill -KILL $guest
        wait $guest 2>/dev/null || true
        wait_until has_guests killed 0
    done
    good killed
    same "killed: failures" 0 "$(number killed failed_attempts)"
    contains "killed: it is said" "$(cat killed.err)" "opportunistic job on"
}

told() {
    # --- told to leave (preempted), or idle: it goes in good order, alone with rank 0 in one process, too ---
    start told plain.yaml -n 1
    join told
    guest=$!
    wait_until has_guests told 1
    wait_until has_counted told 20
    kill -TERM $guest
    wait_until ended $guest
    wait $guest || fail "told: $(cat told.join)"
    good told
    [ "$(by told core.sleep 1)" -gt 5 ] || fail "told: the guest did nothing"
    sed 's/core.sleep, opportunistic: true/core.sleep/' opp.yaml >home.yaml # nothing for guests
    start idle home.yaml -n 2 --set n=2 --set each=6s
    "$ORRERY" join "$work/idle" --idle 1s --cores 8 2>idle.join &
    guest=$!
    "$ORRERY" join "$work/idle" --idle 1s --cores 8 2>>idle.join &
    other=$!
    wait $guest || fail "idle: $(cat idle.join)"
    wait $other || fail "idle: $(cat idle.join)"
    ended $run && fail "idle: they stayed to the end"
    wait $run || fail "idle: the run: $(cat idle.err)"
}

again() {
    # --- the run goes on in another session: the guest waits for that ---
    start again plain.yaml -n 2 --grace 0
    "$ORRERY" join "$work/again" --cores 2 2>again.join &
    guest=$!
    wait_until has_guests again 1
    wait_until has_counted again 20
    kill -TERM $run
    wait $run && fail "again: it ended well"
    "$ORRERY" resume again -n 2 --guests 20 --quiet 2>again.err &
    run=$!
    wait_until has_guests again 1
    good again
    wait $guest || fail "again: $(cat again.join)"
    [ "$(by again keep 2)" -gt 0 ] || fail "again: without marks all may go there"
    same "again: joined" 2 "$(grep -c joined again.join)"
}

crash() {
    # --- rank 0 is killed when the guest has been there for longer than it would wait ---
    start crash plain.yaml -n 1
    "$ORRERY" join "$work/crash" --cores 2 --wait 3s 2>crash.join &
    guest=$!
    wait_until has_guests crash 1
    wait_until has_counted crash 50 # more than three seconds
    kill -KILL $run
    wait $run 2>/dev/null || true
    "$ORRERY" resume crash -n 1 --guests 20 --quiet 2>crash.err &
    run=$!
    wait_until has_guests crash 1
    good crash
    wait "$guest" || fail "crash: $(cat crash.join)"
    same "crash: joined" 2 "$(grep -c joined crash.join)"
}

shut() {
    # --- who does not know the secret is not let in ---
    start shut opp.yaml -n 2
    wait_until test -s shut/join
    read -r host port secret answer <shut/join
    mkdir fake
    printf '%s %s %s %s\n' "$host" "$port" "${secret//[0-9a-e]/f}" "$answer" >fake/join
    exits 0 timeout 20 "$ORRERY" join fake --wait 2s
    contains "shut" "$err" "does not let us in"
    printf '%s %s %s %s\n' "$host" "$port" "$secret" "${answer//[0-9a-e]/f}" >fake/join
    exits 0 timeout 20 "$ORRERY" join fake --wait 2s
    contains "who is no rank 0" "$err" "is not rank 0 of this run"
    same "shut: guests" 0 "$(number shut guests)"
    good shut
}

# They wait most of the time: two beside each other.
lane() {
    local part
    for part; do
        (
            work=$work/in-$part
            mkdir "$work"
            cd "$work"
            cp ../opp.yaml ../plain.yaml .
            "$part"
            echo "$checks" >"../$part.checks"
        )
    done
}
lane one killed crash &
first=$!
lane told again shut &
second=$!
wait $first || fail "see above"
wait $second || fail "see above"
checks=$(($(cat ./*.checks | paste -sd+)))
