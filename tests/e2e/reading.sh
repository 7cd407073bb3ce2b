#!/usr/bin/env bash
# reading.sh - run.h5 of runs that ended well, badly, not at all, or in two sessions; opened with
# other tools; orrery ls, export and cat
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
python=/usr/bin/python3
$python -c 'import h5py' 2>/dev/null || skip "no h5py for $python"
command -v h5dump >/dev/null || skip "no h5dump"
cd "$work"

cat >takes.yaml <<'YAML'
orrery: 1
workflow: takes
inputs:
  n: {type: int, default: 5}
  gate: {type: string, default: ""}
  bad: {type: int, default: -1}
facts:
  shot: {request: int, room: size, took: duration?, a_valid: bool, a: int?, b: int?, b_valid: bool}
  take: {i: int, pixels: blob, parts: "list<blob>"}
functions:
  film:
    shell: |
      if [ {i} = 1 ] && [ -n {gate} ]; then cat {gate}; fi
      [ {i} != {bad} ] || {{ echo 'no film' >&2; exit 3; }}
      seq {i} 2000 > {out.pixels}
    in: {i: int, gate: string, bad: int}
    out: {pixels: blob}
rules:
  - {rule: shots, match: {j: job}, for: i in range(j.n), assert: shot, with: {request: i, room: 3KB, took: 2s, a_valid: true, b_valid: false}}
  - rule: film
    match: {j: job, s: shot}
    action: {call: film, with: {i: s.request, gate: j.gate, bad: j.bad}}
    reaction: [{assert: take, with: {i: s.request, pixels: result.pixels, parts: [result.pixels]}}]
outputs: {takes: {each: take}}
YAML

value() { h5dump -a "$2" "$1" | sed -n 's/^ *(0): "\{0,1\}\([^"]*\)"\{0,1\}$/\1/p'; }
ls_csv() { "$ORRERY" ls "$@" --format csv | tail -n +2 | tr -d '\r'; }
agrees() { # h5py, h5ls and orrery ls say the same of RUN
    local cells
    cells=$($python "$source_dir/tests/support/compare.py" "$1/run.h5" "$ORRERY" "$1") ||
        fail "$1: h5py and orrery ls differ"
    [ "$cells" -gt 50 ] || fail "$1: only $cells cells were compared"
    checks=$((checks + 1))
    same "$1: h5ls" "$(ls_csv "$1" | sed 's/^blobs,/blobs\/index,/; s/^shards,/shards\/index,/' | sort)" \
        "$(h5ls -r "$1/run.h5" | sed -n 's/^\/\([^ ]*\) *Dataset {\([0-9]*\).*/\1,\2/p' | sort)"
}

# --- a run that ended well ---
exits 0 "$ORRERY" run takes.yaml -n 3 --quiet --run-dir good
agrees good
same "state" succeeded "$(value good/run.h5 state)"
same "tasks" "0,done,1 1,done,1 2,done,1 3,done,1 4,done,1" \
    "$(ls_csv good tasks -c task,state,attempts | paste -sd' ')"
same "a field with a name that is taken" "0 1 2 3 4" \
    "$(ls_csv good facts/shot -c request_ | paste -sd' ')"
same "names that meet _valid" "request,request_,room,took,a_valid,a_,b,b_valid_" \
    "$("$ORRERY" ls good facts/shot -f csv | head -n 1 | tr -d '\r')"
same "results" 5 "$(ls_csv good results/film | wc -l)"
same "a list of blobs" 5 "$(ls_csv good facts/take -w 'bytes(parts[0]) > 1' | wc -l)"
shard=$(ls_csv good shards -c name | head -n 1)
(cd / && h5dump -H -d "/shards/$shard" "$work/good/run.h5" >/dev/null) ||
    fail "the link to the log does not lead there from elsewhere"
same "the log through its link" ORRF "$($python - <<PY
import h5py
print(h5py.File("good/run.h5")["shards/$shard"][:4].tobytes().decode())
PY
)"

# --- made again, it is the same ---
cp good/run.h5 first.h5
sessions=$(ls_csv good sessions)
exits 0 "$ORRERY" export good
same "again: sessions" "$sessions" "$(ls_csv good sessions)"
same "says where" good/run.h5 "$out"
same "again" True "$($python "$source_dir/tests/support/compare.py" --same first.h5 good/run.h5)"
agrees good

# --- a run that failed ---
exits 1 "$ORRERY" run takes.yaml -n 3 --quiet --run-dir failed -s bad=2
agrees failed
same "failed: the error" "film,exit,3" "$(ls_csv failed errors -c function,kind,code -w 'kind == "exit"')"
same "failed: its task" failed "$(ls_csv failed tasks -w 'state == "failed"' -c state)"
exits 0 "$ORRERY" export failed
agrees failed
same "failed: state" failed "$(value failed/run.h5 state)"

# --- a run that is on, was killed, was resumed ---
mkfifo gate # nobody opens it: its reader waits until it is killed
"$ORRERY" run takes.yaml -n 1 --quiet --run-dir on -s gate="$work/gate" &
runner=$!
trap 'kill -KILL $runner 2>/dev/null || true; at_exit' EXIT
first_is_stored() { [ "$(ls_csv on attempts 2>/dev/null | wc -l)" -ge 1 ]; }
wait_until first_is_stored
exits 0 "$ORRERY" ls on tasks
contains "on: said" "$err" "the run is on"
[ ! -e on/run.h5 ] || fail "ls made run.h5"
exits 0 "$ORRERY" export on
same "on: state" running "$(value on/run.h5 state)"
kill -KILL "$runner"
wait "$runner" 2>/dev/null || true
exits 0 "$ORRERY" ls on tasks -c state -f csv # run.h5 is of a run that was on: not believed
same "killed: nothing to note" "" "$err"
exits 0 "$ORRERY" export on
same "killed: state" killed "$(value on/run.h5 state)"
agrees on
same "killed: task 1" waiting,0 "$(ls_csv on tasks -w 'task == 1' -c state,attempts)"
rm gate
touch gate
exits 0 "$ORRERY" resume on -n 3 --quiet
agrees on
exits 0 "$ORRERY" run takes.yaml -n 4 --quiet --run-dir straight -s gate="$work/gate"
same "resumed: as if nothing had been" True \
    "$($python "$source_dir/tests/support/compare.py" --same on/run.h5 straight/run.h5)"
same "resumed: sessions" "1 2" "$(ls_csv on attempts -c epoch | sort -u | paste -sd' ')"
exits 0 "$ORRERY" export on
same "resumed: exported" True \
    "$($python "$source_dir/tests/support/compare.py" --same on/run.h5 straight/run.h5)"

# --- by the files as they were, or as they are; run.h5 of an earlier release ---
cp takes.yaml kept.yaml
sed -i 's/default: 5/default: 6/' takes.yaml
exits 0 "$ORRERY" export good
contains "as it was: said" "$err" "takes.yaml has changed since the run began"
same "as it was" 5 "$(ls_csv good tasks | wc -l)"
exits 0 "$ORRERY" export good --now
same "as it is" "5 done, 1 waiting" \
    "$(ls_csv good tasks -c state | sort | uniq -c | sed 's/^ *//' | paste -sd, | sed 's/,/, /')"
mv kept.yaml takes.yaml
$python - <<'PY'
import h5py
with h5py.File("good/run.h5", "r+") as run:
    run.attrs["version"] = 1
    del run["blobs"]
PY
same "an earlier release" 5 "$(ls_csv good blobs | wc -l)"

# --- a reader that has enough; the file for the moment is gone then ---
rm good/run.h5
mkdir tmp
TMPDIR=$work/tmp "$ORRERY" ls good firings | head -n 1 >/dev/null || true
gone() { [ -z "$(ls tmp)" ]; }
wait_until gone
exits 0 "$ORRERY" export good

# --- blobs ---
hash() { ls_csv "$1" blobs -w "task == $2" -c hash; }
for task in 0 3; do
    same "cat by hash" "$(seq $task 2000 | md5sum)" "$("$ORRERY" cat good "$(hash good $task | cut -c1-8)" | md5sum)"
    same "cat by cell" "$(seq $task 2000 | md5sum)" "$("$ORRERY" cat good "facts/take[$task].pixels" | md5sum)"
done
exits 0 "$ORRERY" export good --blobs blobs
same "blobs" "blobs: 5 blobs in 5 files, 5 written (44444 bytes), 0 there already" "$(sed 's/(.* bytes)/(44444 bytes)/' <<<"$out")"
for task in 0 4; do
    same "a blob's file" "$(seq $task 2000 | md5sum)" "$(md5sum - <"blobs/film/$task-pixels")"
done
same "index" "film/0-pixels,$(hash good 0),8895,0,film,pixels" "$(sed -n 's/\r$//; 2p' blobs/index.csv | tr -d '\r')"
rm blobs/film/3-pixels
echo part >blobs/film/3-pixels.part
exits 0 "$ORRERY" export good --blobs blobs
contains "begun again" "$out" "1 written"
same "no part is left" 0 "$(find blobs -name '*.part' | wc -l)"
exits 0 "$ORRERY" export good --blobs some --where 'task > 2 and field == "pixels"'
same "some of them" "3-pixels 4-pixels" "$(ls some/film | paste -sd' ')"
cp -r good hurt # one blob is damaged: the others are written
$python - <<'PY'
import h5py
with h5py.File("good/run.h5") as run:
    blob = next(b for b in run["blobs/index"] if b["task"] == 3)
with h5py.File(f"hurt/shards/{blob['shard'].decode()}.blob.h5", "r+") as shard:
    shard["log"][blob["offset"]] = ord("8")
PY
exits 3 "$ORRERY" export hurt --blobs rest
contains "which is damaged" "$err" "pixels of task 3 (film): "
contains "and how many" "$err" "1 blob could not be read and is left out"
contains "the others" "$out" "5 blobs in 4 files, 4 written"
same "the others: files" "0 1 2 4" "$(ls rest/film | cut -d- -f1 | paste -sd' ')"
contains "index without file" "$(cat rest/index.csv)" ",$(hash good 3),"
echo x >>blobs/film/1-pixels
exits 2 "$ORRERY" export good --blobs blobs
contains "never written over" "$err" "blobs/film/1-pixels is there and differs"
exits 3 "$ORRERY" export good --blobs /proc/nowhere
mkdir full
if mount -t tmpfs -o size=20k none full 2>/dev/null; then
    exits 3 "$ORRERY" export good --blobs full
    umount full
    contains "a full disk" "$err" "No space left on device"
    contains "a full disk: which file" "$err" "cannot write full/film/"
fi

# --- one file to take along ---
exits 0 "$ORRERY" export good --to take.h5
mv good hidden
same "ls of the file" "$("$ORRERY" ls hidden tasks)" "$("$ORRERY" ls take.h5 tasks)"
same "cat of the file" "$(seq 3 2000 | md5sum)" "$("$ORRERY" cat take.h5 "facts/take[3].pixels" | md5sum)"
exits 0 "$ORRERY" export take.h5 --blobs taken
same "blobs of the file" "$(md5sum - <hidden/../some/film/3-pixels)" "$(md5sum - <taken/film/3-pixels)"
same "h5py of the file" "$(seq 3 2000 | md5sum | cut -c1-32)" "$($python - "$(hash take.h5 3)" <<'PY'
import hashlib, sys, h5py
run = h5py.File("take.h5")
print(hashlib.md5(run["blobs/" + sys.argv[1]][:].tobytes()).hexdigest())
PY
)"
mv hidden good
exits 2 "$ORRERY" export good --to take.h5
contains "not written over" "$err" "take.h5 is there already; --force replaces it"
exits 0 "$ORRERY" export good --to take.h5 --force
exits 3 "$ORRERY" export good --to nowhere/take.h5
contains "no such directory" "$err" "nowhere/take.h5"

# --- damage ---
offset=$(ls_csv good blobs -w 'task == 2' -c offset)
cp -r good damaged
printf 'XXXX' | dd of="damaged/shards/$(ls_csv good blobs -w 'task == 2' -c shard).blob.h5" \
    bs=1 seek=$((16384 + offset + 100)) conv=notrunc status=none
exits 3 "$ORRERY" cat damaged "facts/take[2].pixels"
contains "a damaged blob" "$err" "its bytes are damaged (wrong checksum)"
exits 3 "$ORRERY" export damaged --to damaged.h5
[ ! -e damaged.h5 ] || fail "a file with a damaged blob was left"
truncate -s 2000 damaged/run.h5
exits 3 "$ORRERY" ls damaged tasks
contains "a damaged run.h5" "$err" '`orrery export RUN` makes run.h5 anew'
exits 0 "$ORRERY" export damaged
exits 0 "$ORRERY" ls damaged tasks

# --- shards put together: run.h5 says where blobs are now, and how the run ended ---
cp good/run.h5 first.h5
exits 0 "$ORRERY" verify good
exits 0 "$ORRERY" compact good
same "compacted" True "$($python "$source_dir/tests/support/compare.py" --same first.h5 good/run.h5)"
same "compacted: state" succeeded "$(value good/run.h5 state)"
same "compacted: the epoch" "$(sed -n 's/^epoch //p' good/run)" "$(value good/run.h5 epoch)"
same "compacted: a blob" "$(seq 3 2000 | md5sum)" "$("$ORRERY" cat good "facts/take[3].pixels" | md5sum)"
agrees good

# --- wrong words ---
wrong() { # wrong MESSAGE ARGUMENT...
    local message=$1
    shift
    exits 2 "$ORRERY" "$@"
    contains "$*" "$err" "$message"
}
wrong "there is no table 'task'; did you mean 'tasks'?" ls good task
wrong "has no column 'stat'; did you mean 'state'?" ls good tasks -c stat
wrong "--where:1:1: error: unknown name 'stat'; did you mean 'state'?" ls good tasks -w 'stat == "done"'
wrong "--where:1:1: error: bool is expected" ls good tasks -w task
wrong "--limit wants a whole number" ls good tasks -n x
wrong "--format is table, csv or json" ls good tasks -f xml
wrong "want a table" ls good -w true
wrong "'facts' is a group of tables: say which of facts/job, facts/shot, facts/take" ls good facts -n 1
wrong "the run has no tables 'frames/...'" ls good frames -n 1
same "a group with one table" 1 "$(ls_csv good results -n 1 | wc -l)"
wrong "did you mean '--blobs'?" export good --blibs x
wrong "two exports" export good --blobs x --to y
wrong "--where goes with --blobs" export good --where true
wrong "--force goes with run.h5 and --to" export good --blobs x --force
wrong "unknown name 'taks'" export good --blobs other --where 'taks == 1'
wrong "is too short for a blob" cat good abc
wrong "no blob has a hash that begins with ffffffffff" cat good ffffffffff
wrong "there is no row 99" cat good 'facts/take[99].pixels'
wrong "cannot find run directory nowhere" ls nowhere
wrong "cannot find run directory nowhere" export nowhere
wrong "is not a run directory" export /etc
echo text >text
exits 3 "$ORRERY" ls text
contains "no HDF5" "$err" "cannot open text"

# --- nothing came of it ---
mkdir -p empty/shards && cp good/run good/request good/job.yaml empty/ && rm -f empty/workflow.yaml
exits 0 "$ORRERY" ls empty tasks -f csv
contains "no result" "$out" waiting
exits 0 "$ORRERY" export empty
same "no result: state" killed "$(value empty/run.h5 state)"

if [ "$(id -u)" -ne 0 ]; then
    chmod 500 good
    exits 3 "$ORRERY" export good
    contains "no permission" "$err" "Permission denied"
    chmod 700 good
fi
