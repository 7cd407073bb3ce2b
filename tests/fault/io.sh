#!/usr/bin/env bash
# io.sh - disks that are full, gone or broken: one clear message, exit code 3, nothing hangs or
# is left running; and `orrery resume`, when the cause is gone, ends like a run without trouble
#
# Calls fail by a library that is loaded before the program (shim.c); where root may mount, a
# small tmpfs really is full, or read-only.
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh source=kit.sh
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/kit.sh"
[ -f "${ORR_FAULT_SHIM:-}" ] || skip "no ORR_FAULT_SHIM (ctest knows it)"
[ "${ORR_SANITIZED-}" != ON ] || skip "the sanitizer wants to be the first library"
cd "$work"
disk=$work/disk
mounted=
tidy() {
    local code=$? pid
    for pid in $(pgrep -f -- "$work/" || true); do kill -KILL "$pid" 2>/dev/null || true; done
    [ -z "$mounted" ] || umount "$disk" || true
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT

many_yaml >many.yaml
exits 0 "$ORRERY" run many.yaml -n 3 --run-dir "$work/calm" --quiet
expected=$(made calm)

# start RUN: run it, or go on with it; its exit code
start() {
    local code=0 how=(run many.yaml --run-dir "$work/$1")
    [ ! -e "$1/request" ] || how=(resume "$work/$1")
    { # errors by way of cat: a limit on files is none on pipes
        timeout 60 "${before[@]}" "$ORRERY" "${how[@]}" -n "$ranks" --quiet 2>&1 >&3 3>&- | cat >.err
    } 3>.out || code=$?
    return "$code"
}

lines=1
# said NAME CODE MESSAGE: it ended so, with one line of error that has these parts (A|B), and
# no other noise
said() {
    local name=$1 want=$2 parts part code=0
    IFS='|' read -ra parts <<<"$3"
    start "$name" || code=$?
    same "$name: exit code ($(cat .err))" "$want" "$code"
    wait_until nobody_left "$name"
    for part in "${parts[@]}"; do
        contains "$name: message" "$(grep '^orrery: error: ' .err)" "$part"
    done
    # shellcheck disable=SC2053 # a pattern
    [[ $(grep -c '^orrery: error: ' .err) == $lines ]] || fail "$name: errors: $(cat .err)"
    same "$name: noise" "" "$(grep -v '^orrery: ' .err || true)"
    same "$name: standard output" "" "$(cat .out)"
}

# resumes NAME: all is as in a run without trouble
resumes() {
    local code=0
    before=()
    start "$1" || code=$?
    same "$1: exit code of the resume ($(cat .err))" 0 "$code"
    same "$1: what it made" "$expected" "$(made "$1")"
    rm -rf "${1:?}"
}

# shim RULES: what the next starts suffer from
shim() {
    rm -f faults
    before=(env "LD_PRELOAD=$ORR_FAULT_SHIM" "ORR_FAULT=$1" "ORR_FAULT_LOG=$work/faults")
}

n=0
# broken CODE MESSAGE RULES [TIMES]: calls fail while the run is on. TIMES: as often as that
broken() {
    n=$((n + 1))
    local name=run$n
    shim "$3"
    said "$name" "$1" "${2//RUN/$work/$name}"
    [ -s faults ] || fail "$name: no call failed by '$3'"
    [ -z "${4-}" ] || same "$name: calls that failed by '$3'" "$4" "$(wc -l <faults)"
    resumes "$name"
}

# broken_resume CODE MESSAGE RULES: a run that was stopped half way suffers when it is resumed
broken_resume() {
    n=$((n + 1))
    local name=run$n
    shim "write:*.blob.h5:ENOSPC:5" # some groups are there: bulk and header are writes of their own
    said "$name" 3 "No space left on device"
    shim "$3"
    said "$name" "$1" "${2//RUN/$work/$name}"
    [ -s faults ] || fail "$name: no call failed by '$3'"
    resumes "$name"
}

# limited CODE MESSAGE ULIMIT...: within such limits
limited() {
    n=$((n + 1))
    local name=run$n code=$1 message=$2
    shift 2
    # shellcheck disable=SC2016
    before=(bash -c 'ulimit "$1" "$2"; shift 2; exec "$@"' - "$@")
    said "$name" "$code" "${message//RUN/$work/$name}"
    if [ -e "$name/request" ]; then resumes "$name"; fi
}

ranks=3
shard='RUN/shards/w00001-e001-s000000'
#      code message                                          rules (shim.c)                  times
# --- the shard: when it is made, in the middle, at the end ---
broken 3 "cannot make $shard.blob.h5.tmp-|: Read-only file"  "make:*/shards/*:EROFS"
broken 3 "$shard.blob.h5: No space left on device (make sp"  "write:*.blob.h5:ENOSPC"
broken 3 "$shard.blob.h5: Disk quota exceeded (free some"    "write:*.blob.h5:EDQUOT"
broken 3 "$shard.blob.h5: No space left on device"           "write:*.blob.h5:ENOSPC:2"
broken 3 "$shard.blob.h5: Read-only file system"             "write:*.blob.h5:EROFS:1"
broken 3 "$shard.blob.h5: Input/output error"                "write:*.blob.h5:EIO:1"
broken 3 "$shard.blob.h5: Stale file handle"                 "write:*.blob.h5:ESTALE:1"
broken 3 "$shard.blob.h5: File too large"                    "write:*.blob.h5:EFBIG:1"
broken 3 "$shard.blob.h5: No space left on device"           "reserve:*.blob.h5:ENOSPC"
broken 3 "$shard.blob.h5: Disk quota exceeded"               "reserve:*.blob.h5:EDQUOT"
broken 3 "$shard.blob.h5: Input/output error"                "sync:*.blob.h5:EIO"            1
broken 3 "$shard.blob.h5: Input/output error"                "sync:*.blob.h5:EIO:1"          1
broken 3 "$shard.blob.h5.tmp-|: Input/output error"          "sync:*.blob.h5.tmp*:EIO"       1
broken 3 "cannot sync RUN/shards: Input/output error"        "sync:*/shards:EIO"             1
broken 3 "cannot name $shard.blob.h5: Input/output error"    "link:*/shards/*:EIO"
broken 3 "cannot make $shard.blob.h5.tmp-|: No space left"   "write:*.blob.h5.tmp*:ENOSPC"
broken 3 "cannot make $shard.blob.h5.tmp-|: Too many open"   "open:*.blob.h5.tmp*:EMFILE"
broken 3 "cannot make $shard.idx.h5.tmp-|: No space left"    "write:*.idx.h5*:ENOSPC"
broken 3 "$shard.idx.h5: Input/output error"                 "sync:*.idx.h5*:EIO"
# --- from here on without mpirun, for speed, where that makes no difference ---
ranks=1
shard='RUN/shards/w00000-e001-s000000'
# --- the run directory, the run file, the status ---
broken 3 "cannot make directory RUN/shards: No space left"   "mkdir:*/shards:ENOSPC"
broken 3 "cannot write RUN/run: No space left on device"     "write:*/run.tmp*:ENOSPC"
broken 3 "cannot write RUN/lock.|: Disk quota exceeded"      "write:*/lock*:EDQUOT"
broken 3 "cannot make RUN/run.h5.tmp-|: No space left"       "write:*/run.h5.tmp*:ENOSPC"
broken 3 "RUN/run.h5.tmp-|: No space left on device"         "write:*/run.h5.tmp*:ENOSPC:9"
broken 3 "cannot make RUN/run.h5.tmp-|: Read-only file sys"  "make:*/run.h5.tmp*:EROFS"
broken 3 "cannot write RUN/run.h5: Input/output error"       "sync:*/run.h5.tmp*:EIO"        1
broken 3 "cannot write RUN/run.h5: Input/output error"       "link:*/run.h5:EIO"
broken 3 "cannot write RUN/status.json: No space left"       "write:*/status.json*:ENOSPC"
broken 3 "cannot write RUN/status.json: Read-only file sys"  "make:*/status.json*:EROFS"
# --- what functions make: no fault of the task ---
broken 3 "'list.txt' cannot be taken to RUN/out: No space"    "mkdir:*/out/file*:ENOSPC"
# --- at a resume ---
ranks=3
shard='RUN/shards/w00001-e001-s000000'
broken_resume 3 "cannot read RUN/run: Input/output error"    "read:*/run:EIO"
broken_resume 3 "cannot read RUN/request: Input/output erro" "read:*/request:EIO"
broken_resume 3 "cannot read RUN/request: Stale file handle" "read:*/request:ESTALE"
broken_resume 3 "$shard.blob.h5: Too many open files"        "open:*s000000.blob.h5:EMFILE"
broken_resume 3 "cannot write RUN/run: Read-only file syst"  "make:*/run.tmp*:EROFS"
broken_resume 3 "cannot read $shard.blob.h5: Input/output" "read:*s000000.blob.h5:EIO"
broken_resume 3 "cannot read $shard.blob.h5: Input/output" "read:*s000000.blob.h5:EIO:1"
broken_resume 3 "cannot read $shard.blob.h5: Stale file"   "read:*s000000.blob.h5:ESTALE:1"
# --- limits of the process: SIGXFSZ does not kill ---
ranks=1 # mpirun has files of its own
limited 3 "cannot write RUN/lock.|: File too large"          -f 0
limited 3 "cannot write RUN/job.yaml: File too large"        -f 1
limited 3 "w00000-e001-s000000.blob.h5.tmp-|: File too lar"  -f 64
limited 3 "cannot make a socket pair: Too many open files"   -n 4
limited 3 "RUN/shards: Too many open files"                  -n 6

# --- a run that could not write down what was asked for has not begun: said so ---
shim "write:*/job.yaml*:ENOSPC"
said begun 3 "cannot write $work/begun/job.yaml: No space left on device"
exits 2 "$ORRERY" resume begun -n 3
contains "what to do" "$err" "begun holds a run that ended before it began: nothing was run; remove it"

exits 3 env ORRERY_MPIRUN=false "$ORRERY" run many.yaml -n 3 --run-dir "$work/none"
same "mpirun failed" "orrery: error: mpirun ended (exit code 1) before rank 0 could begin: nothing was run" "$err"

# --- locks of HDF5: ours are other ones ---
for locking in TRUE FALSE BEST_EFFORT ""; do
    before=(env "HDF5_USE_FILE_LOCKING=$locking" "LD_PRELOAD=$ORR_FAULT_SHIM"
        "ORR_FAULT=write:*.blob.h5:ENOSPC:1")
    [ -n "$locking" ] || before=(env -u HDF5_USE_FILE_LOCKING "${before[@]:2}")
    said locking 3 "No space left on device"
    before=(env "HDF5_USE_FILE_LOCKING=$locking")
    start locking || fail "HDF5_USE_FILE_LOCKING=$locking: $(cat .err)"
    resumes locking
done

# --- real ones ---
mkdir "$disk"
if mount -t tmpfs -o size=1m tmpfs "$disk" 2>/dev/null; then
    mounted=yes
    before=()
    lines='[12]' # one for each file that has no room: the index, run.h5
    head -c 900000 /dev/zero >disk/filler
    said disk/full 3 "No space left on device"
    [ -e disk/full/request ] || rm -r disk/full
    rm disk/filler
    start disk/full || fail "space was made: $(cat .err)"
    same "space was made: what it made" "$expected" "$(made disk/full)"
    mount -o remount,ro "$disk"
    said disk/full 3 "$disk/full/"
    contains "read-only" "$(cat .err)" "Read-only file system"
    mount -o remount,rw "$disk"
    start disk/full || fail "writable again: $(cat .err)"
    same "writable again: what it made" "$expected" "$(made disk/full)"
    umount "$disk"
    mounted=
else
    echo "no mounts here: the full disk and the read-only one are only simulated"
fi
