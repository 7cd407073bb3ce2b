#!/usr/bin/env bash
# mend.sh - what was lost is told, made again by resume --verify, and never covered up
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"

cat >flow.yaml <<'YAML'
orrery: 1
workflow: flow
inputs: {n: {type: int, default: 4}}
facts: {item: {i: int}, made: {i: int, data: blob}, kept: {i: int, file: path}}
functions:
  make: {command: [sh, -c, "echo {i} > {out.data}"], in: {i: int}, out: {data: blob}}
  keep: {command: [sh, -c, "echo {i} > {out.copy}"], in: {i: int}, out: {copy: path}}
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: make
    match: {t: item}
    action: {call: make, with: {i: t.i}}
    reaction: [{assert: made, with: {i: t.i, data: result.data}}]
  - rule: keep
    match: {t: item}
    action: {call: keep, with: {i: t.i}}
    reaction: [{assert: kept, with: {i: t.i, file: result.copy}}]
outputs: {made: {each: made}}
YAML
run() { exits 0 "$ORRERY" run flow.yaml -n 1 -q -d "$@"; }
whole() {
    exits 0 "$ORRERY" verify "$1"
    contains "$1 is whole" "$out" "every checksum is right"
}

# --- blobs that were taken from another run, and are gone ---
run first
run taker --reuse first
rm taker/reuse/*
exits 1 "$ORRERY" verify taker
contains "what is lost" "$out" "results of 4 tasks of make"
contains "what helps" "$out" "orrery resume --verify taker"
exits 0 "$ORRERY" resume taker -n 1 -q --verify
whole taker

# --- a shard that is gone: run.h5 is the last to know ---
run lost
rm lost/shards/*.blob.h5
before=$(md5sum lost/run lost/run.h5)
exits 2 "$ORRERY" export lost
contains "export is refused" "$err" "knows the results of 8 tasks that the shards have lost"
exits 2 "$ORRERY" compact lost
contains "compact is refused" "$err" "lost is damaged"
same "nothing was touched" "$before" "$(md5sum lost/run lost/run.h5)"
exits 1 "$ORRERY" verify lost
contains "verify counts" "$out" "results of 4 tasks of keep"
exits 0 "$ORRERY" resume lost -n 1 -q
contains "resume tells" "$err" "of 8 results that an earlier session had counted 8 are not there any more"
whole lost
exits 0 "$ORRERY" resume lost -n 1 -q
same "nothing to tell" "" "$err"

# --- run.h5 alone is damaged: no result is lost ---
head -c 2000 lost/run.h5 >part.h5 && mv part.h5 lost/run.h5
exits 1 "$ORRERY" verify lost
contains "what helps" "$out" "\`orrery export lost\` makes it again"
contains "nothing is lost" "$out" "lost        no result"
[[ $out != *compact* ]] || fail "a run file that can be made again is no reason to compact"
exits 0 "$ORRERY" export lost
whole lost

# --- a run that was moved: results name files by where they were ---
run here
mv here there
exits 2 "$ORRERY" resume there -n 1
contains "moved" "$err" "was $work/here when its results were made"
exits 0 "$ORRERY" ls there tasks
ln -s there here
exits 0 "$ORRERY" resume there -n 1 -q

# --- what was run is not known any more ---
rm there/request
exits 2 "$ORRERY" resume there -n 1
contains "request is gone" "$err" "--reuse there"

# --- one run at a time ---
exits 2 "$ORRERY" resume
contains "no run" "$err" "RUN is missing"
exits 2 "$ORRERY" resume lost -d taker
contains "two runs" "$err" "name the run once"

# --- SIGUSR2 to what started mpirun ends the ranks, not only itself ---
mkfifo gate # nobody opens it: its reader waits until it is killed
cat >slow.yaml <<'YAML'
orrery: 1
workflow: slow
inputs: {gate: string}
facts: {ended: {text: string}}
functions: {hold: {command: [cat, "{gate}"], in: {gate: string}, stdout: text}}
rules:
  - rule: hold
    match: {j: job}
    action: {call: hold, with: {gate: j.gate}}
    reaction: [{assert: ended, with: {text: result.text}}]
outputs: {ended: {fact: ended}}
YAML
"$ORRERY" run slow.yaml -n 2 -q -d slow -s gate="$work/gate" 2>slow.err &
pid=$!
holds() { grep -q '"in_flight": 1' slow/status.json 2>/dev/null; }
wait_until holds
kill -USR2 "$pid"
code=0
wait "$pid" || code=$?
same "interrupted" 130 "$code"
same "its state" interrupted "$(state slow)"
