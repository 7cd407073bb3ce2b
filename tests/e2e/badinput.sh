#!/usr/bin/env bash
# badinput.sh - wrong input of every kind: the place is named, the exit code is right, and
# nothing lies under a final name
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
need_clip plain_flipped.mp4
cd "$work"
first= # a run in the background
mounted=
tidy() {
    local code=$?
    [ -z "$first" ] || kill -KILL "$first" || true
    [ -z "$mounted" ] || umount "$work/disk" || true
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT
ladder=$source_dir/workflows/ladder.yaml

# --- sources ---
n=0
# source CODE PATH MESSAGE: the ladder on it
source_gives() {
    n=$((n + 1))
    cat >job.yaml <<YAML
orrery: 1
job: bad
workflow: $ladder
inputs: {source: "$2", target: 0.1, rungs: [{name: a, height: 64, crf: 40}]}
YAML
    exits "$1" "$ORRERY" run job.yaml -n 1 --run-dir "source$n" --quiet
    contains "$2: message" "$err" "$3"
    contains "$2: place" "$err" "$2"
    [ "$1" = 1 ] || { same "$2: run directory" "" "$(ls -d "source$n" 2>/dev/null)"; return; }
    same "$2: out" "" "$(find "source$n/out" -mindepth 1)"
    same "$2: scratch" "" "$(find "source$n/scratch" -mindepth 1)"
    same "$2: state" failed "$(state "source$n")"
}
source_gives 2 "$work/nothere.mp4" "job.yaml: error: input 'source': cannot read"
source_gives 1 "$work" "is a directory, not a video file"
source_gives 1 "$ORR_CLIPS/empty.mp4" "is empty (0 bytes)"
source_gives 1 "$ORR_CLIPS/text.mp4" "cannot be read as a media file"
source_gives 1 "$ORR_CLIPS/plain_truncated.mp4" "is damaged at 0:00:02"
source_gives 1 "$ORR_CLIPS/plain_flipped.mp4" "is damaged at 0:00:02"
source_gives 1 "$ORR_CLIPS/sound.m4a" "has no video stream"

# --- a codec that nobody knows ---
cat >codec.yaml <<YAML
orrery: 1
workflow: codec
inputs: {source: path}
facts: {coded: {data: blob}}
functions: {encode: {use: media.encode}}
rules:
  - rule: encode
    match: {j: job}
    action: {call: encode, with: {source: j.source, first: 0, frames: 5, codec: "h265x"}}
    reaction: [{assert: coded, with: {data: result.data}}]
outputs: {coded: {fact: coded}}
YAML
exits 1 "$ORRERY" run codec.yaml -n 1 --run-dir codec --quiet -s "source=$ORR_CLIPS/plain.mp4"
contains "codec" "$err" "h265x"
contains "rule" "$err" "rule 'encode'"
contains "kind" "$("$ORRERY" ls codec errors --format csv)" ",invalid,"

# --- YAML ---
# yaml TEXT MESSAGE...: both `validate` and `run` refuse it, with every message
yaml_gives() {
    printf '%b' "$1" >bad.yaml
    exits 2 "$ORRERY" run bad.yaml -n 1 --run-dir never --quiet
    local run=$err part
    exits 2 "$ORRERY" validate bad.yaml
    same "validate and run agree" "$run" "$err"
    shift
    for part in "$@"; do contains "YAML" "$run" "$part"; done
    [ ! -e never ] || fail "a run directory was made for: $run"
}
yaml_gives 'orrery: 1\nworkflow: x\n\tfacts: {}\n' "bad.yaml:3:1: error: a tab cannot indent"
yaml_gives 'orrery: 1\njob: j\nworkflow: x\nworkflow: y\n' \
    "bad.yaml:4:1: error: key 'workflow' stands twice; first in line 3"
yaml_gives 'orrery: 1\nworkflow: [x]\ninputs: 7\nfacts: {a: 3}\nrules: yes\nfuntions: {}\n' \
    "bad.yaml:2:11: error: 'workflow' must be a single value, but this is a list" \
    "bad.yaml:3:9: error: 'inputs' must be a mapping" \
    "bad.yaml:4:12: error: a fact is a mapping of fields to types" \
    "bad.yaml:5:8: error: 'rules' must be a list" \
    "bad.yaml:6:1: error: a workflow has no key 'funtions'; did you mean 'functions'?"
yaml_gives "orrery: 1
job: x
workflow: $ladder
inputs: {source: /etc/passwd, chunk: soon, targt: 0.9, rungs: {}}
" "bad.yaml:4:38: error: duration is expected, but this is 'soon'" \
    "bad.yaml:4:44: error: unknown input 'targt'; did you mean 'target'?" \
    "bad.yaml:4:63: error: list<rung> is expected, but this is a mapping"
bomb='a: &a [x, x, x, x, x, x, x, x, x, x]\n'
for pair in "b a" "c b" "d c" "e d" "f e" "g f" "h g" "i h"; do
    item="*${pair#* }"
    bomb+="${pair% *}: &${pair% *} [$item, $item, $item, $item, $item, $item, $item, $item]\n"
done
yaml_gives "$bomb" "bad.yaml:" "nodes, aliases expanded"
yaml_gives '\0377\0376\0001' "bad.yaml:1:1: error: not UTF-8 text"
yaml_gives '' "bad.yaml:1:1: error: the file is empty"

# --- the command line ---
line_gives() { # MESSAGE ARGUMENT...
    local part=$1
    shift
    exits 2 "$ORRERY" "$@"
    contains "$*" "$err" "$part"
}
line_gives "there is no command 'rnu'; did you mean 'run'?" rnu
line_gives "unknown option '--nonsense'" run job.yaml --nonsense
line_gives "option --set needs a value: --set=INPUT=VALUE" run job.yaml --set
line_gives "option --set needs a value" run job.yaml -s
line_gives "option --quiet takes no value" run job.yaml --quiet=3
line_gives "float is expected, but the value is empty" run job.yaml -s target=
line_gives "not 'zero'" run job.yaml --ranks zero
line_gives "--bind is core, numa or none, not 'hard'" run job.yaml --bind hard
line_gives "cannot open nofile.yaml: No such file or directory" run nofile.yaml
line_gives "unknown input 'sauce'; did you mean 'source'?" run job.yaml -s sauce=x
for command in status ls resume; do
    mkdir -p plain
    line_gives "plain is not a run directory" "$command" plain
    line_gives "cannot find run directory nowhere" "$command" nowhere
done

# --- what waits and what is full: run directories ---
cat >wait.yaml <<YAML
orrery: 1
workflow: wait
inputs: {time: {type: duration, default: 0s}}
facts: {slept: {i: int}}
functions: {sleep: {use: core.sleep}}
rules:
  - rule: sleep
    match: {j: job}
    action: {call: sleep, with: {time: j.time, i: 1}}
    reaction: [{assert: slept, with: {i: result.i}}]
outputs: {slept: {fact: slept}}
YAML
exits 0 "$ORRERY" run wait.yaml -n 1 --run-dir held --quiet
exits 2 "$ORRERY" run wait.yaml -n 1 --run-dir held --quiet
contains "existing run" "$err" "held holds a run already"
mkdir -p full_of_files && touch full_of_files/mine
exits 2 "$ORRERY" run wait.yaml -n 1 --run-dir full_of_files --quiet
contains "somebody's directory" "$err" "full_of_files"
same "untouched" mine "$(ls full_of_files)"
exits 2 "$ORRERY" run wait.yaml -n 1 --run-dir wait.yaml --quiet
contains "a file for a directory" "$err" "wait.yaml"

"$ORRERY" run wait.yaml -s time=1h -n 1 --run-dir used --quiet >first.out 2>&1 &
first=$!
running() { [ "$(state used)" = running ]; }
wait_until running
exits 2 "$ORRERY" run wait.yaml -n 1 --run-dir used --quiet
contains "not again" "$err" "holds a run already"
exits 2 "$ORRERY" resume used -n 1 --quiet
contains "in use, resumed" "$err" "in use by process"
kill -INT "$first"
code=0
wait "$first" || code=$?
first=
same "interrupted" 130 "$code"

# --- a run directory, and its parent, that cannot be written ---
as_nobody=()
if [ "$(id -u)" = 0 ]; then
    as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
mkdir -p locked/run
chmod 755 "$work" locked locked/run
[ "$(id -u)" = 0 ] || chmod 555 locked locked/run
if "${as_nobody[@]}" test -x "$ORRERY" && "${as_nobody[@]}" test -r "$work/wait.yaml"; then
    for dir in locked/run locked/other/run; do
        exits 3 "${as_nobody[@]}" "$ORRERY" run wait.yaml -n 1 --run-dir "$dir" --quiet
        contains "read-only: which" "$err" "locked/${dir#*/}"
        case $err in
        *"Permission denied"* | *"Operation not permitted"*) checks=$((checks + 1)) ;;
        *) fail "read-only: why is missing: $err" ;;
        esac
    done
    exits 2 "${as_nobody[@]}" "$ORRERY" resume held -n 1 --quiet
    contains "somebody else's run" "$err" "Permission denied"
else
    echo "not tried: the program or the files cannot be reached by another user"
fi
[ "$(id -u)" = 0 ] || chmod 755 locked locked/run

# --- a full disk: exit 3, then room is made, and the run goes on ---
mkdir disk
if [ "$(id -u)" != 0 ] || ! mount -t tmpfs -o size=12m tmpfs disk 2>mount.err; then
    echo "not tried: a full disk (no permission to mount a small one)"
    exit 0
fi
mounted=yes
cat >blobs.yaml <<YAML
orrery: 1
workflow: blobs
inputs: {source: path}
facts: {made: {crf: int, data: blob}}
functions: {encode: {use: media.encode}}
rules:
$(for crf in 1 2 3 4 5 6 7 8; do
    echo "  - rule: encode at $crf"
    echo "    match: {j: job}"
    echo "    action: {call: encode, with: {source: j.source, first: 0, frames: 40, crf: $crf, preset: \"ultrafast\"}}"
    echo "    reaction: [{assert: made, with: {crf: $crf, data: result.data}}]"
done)
outputs: {made: {each: made}}
YAML
exits 3 "$ORRERY" run blobs.yaml -n 2 --run-dir disk/run --quiet -s "source=$ORR_CLIPS/plain.mp4"
contains "full disk: where" "$err" "disk/run/"
contains "full disk: why" "$err" "No space left on device"
contains "full disk: what to do" "$err" "orrery resume"
mount -o remount,size=60m disk
exits 0 "$ORRERY" resume disk/run -n 2 --quiet
same "after room was made" succeeded "$(state disk/run)"
same "results" 8 "$("$ORRERY" ls disk/run facts/made --format csv | tail -n +2 | wc -l)"
exits 0 h5dump -A disk/run/run.h5
