#!/usr/bin/env bash
# nodedisk.sh - durability node: logs on the disk of the node, copied to the run directory;
# what a killed session left there is found by the next, what is gone is made again
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh source=kit.sh
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/kit.sh"
[ -x "${ORR_FAULT_SHARDS:-}" ] || skip "no ORR_FAULT_SHARDS (ctest knows it)"
cd "$work"
tidy() {
    local code=$? pid
    for pid in $(pgrep -f -- "$work/" || true); do kill -KILL "$pid" 2>/dev/null || true; done
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT
tasks=1800
many_yaml >many.yaml
mkdir disk
node=(--durability node --local-dir "$work/disk")
folder_of() { echo disk/orrery-"$(sed -n 's/^id //p' "$1/run")"-*/ | grep -v '\*' || true; }
counted() { sed -n 's/^  "done": \([0-9]*\),$/\1/p' "$1/status.json" 2>/dev/null | grep . || echo 0; }
# results RUN [EPOCH]: how many tasks have one, of that session
results() {
    "$ORR_FAULT_SHARDS" "$work/$1" |
        awk -v epoch="${2:-}" '$4 == 0 && (epoch == "" || $2 == epoch) { print $1 }' | sort -u | wc -l
}

# --- nobody is killed: as with the run directory's own disk ---
exits 0 "$ORRERY" run many.yaml --set n=$tasks -n 3 --run-dir "$work/calm" --quiet
expected=$(made calm)
exits 0 "$ORRERY" run many.yaml --set n=$tasks -n 3 --run-dir "$work/node" --quiet "${node[@]}"
same "what it made" "$expected" "$(made node)"
same "what is left on the disk" "" "$(ls disk)"
"$ORR_FAULT_SHARDS" node --blobs >/dev/null 2>.err || fail "blobs: $(cat .err)"
exits 0 "$ORRERY" verify node
exits 0 "$ORRERY" run many.yaml --set n=60 -n 1 --run-dir "$work/one" --quiet "${node[@]}"
same "what one process leaves on the disk" "" "$(ls disk)"
# The place comes from the environment, too.
ORRERY_LOCAL_DIR=$work/disk exits 0 "$ORRERY" run many.yaml --set n=60 -n 2 \
    --run-dir "$work/place" --quiet --durability node
contains "what the run notes" "$(cat place/request)" "local $work/disk"

# --- killed: the next session, which is not told of the disk, takes what is there ---
# kill_at RUN N: all processes, when N results are counted
kill_at() {
    local pids
    "$ORRERY" run many.yaml --set n=$tasks -n 3 --run-dir "$work/$1" --quiet "${node[@]}" \
        2>"$1.log" &
    enough() { [ "$(counted "$1")" -ge "$2" ]; }
    wait_until enough "$1" "$2"
    mapfile -t pids < <(all_of "$1")
    kill -KILL "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    gone() {
        mapfile -t pids < <(all_of "$1")
        [ ${#pids[@]} -eq 0 ] || { kill -KILL "${pids[@]}" 2>/dev/null || true; false; }
    }
    wait_until gone "$1"
}
kill_at killed 700
had=$(counted killed)
[ -n "$(folder_of killed)" ] || fail "nothing is on the disk of a killed run"
exits 0 "$ORRERY" resume "$work/killed" -n 3 --quiet
same "killed: what it made" "$expected" "$(made killed)"
same "killed: what is left on the disk" "" "$(ls disk)"
[ "$(results killed 1)" -ge "$had" ] ||
    fail "killed: $had were counted, $(results killed 1) of that session are there"
"$ORR_FAULT_SHARDS" killed --blobs >/dev/null 2>.err || fail "killed: blobs: $(cat .err)"
exits 0 "$ORRERY" verify killed

# --- the disk is gone with the node: what was not copied is made again ---
kill_at lost 700
rm -rf "$(folder_of lost)"
exits 0 "$ORRERY" resume "$work/lost" -n 3 --quiet "${node[@]}"
same "lost: what it made" "$expected" "$(made lost)"
same "lost: tasks with a result" $tasks "$(results lost)"

# --- what is wrong is said before anything starts ---
exits 2 "$ORRERY" run many.yaml --local-dir "$work/disk"
contains "no --durability node" "$err" "--local-dir goes with --durability node"
exits 2 "$ORRERY" run many.yaml --durability node --local-dir disk
contains "relative" "$err" "absolute path"
exits 3 "$ORRERY" run many.yaml -n 2 --durability node --local-dir "$work/none/of/it" \
    --run-dir "$work/bad"
contains "no such place" "$err" "cannot make $work/none/of/it/orrery-"
contains "what to do" "$err" "--local-dir names another place"
