#!/usr/bin/env bash
# array.sh - a job's requests as an array of runs, with a Slurm that only writes down what it
# is told; and --request
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"
unset XDG_CONFIG_HOME SLURM_RESTART_COUNT
export HOME=$work/home
mkdir -p home bin

cat >flow.yaml <<'YAML'
orrery: 1
workflow: flow
inputs: {n: {type: int, default: 3}, text: {type: string, default: ""}}
facts: {item: {i: int}, made: {i: int, text: string}}
functions:
  say: {shell: "test {i} -lt 90; printf '%s' {text}", in: {i: int, text: string}, stdout: text}
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: call
    match: {j: job, t: item}
    action: {call: say, with: {i: t.i + (90 if j.text == "bad" else 0), text: j.text}}
    reaction: [{assert: made, with: {i: t.i, text: result.text}}]
outputs: {made: {each: made}}
YAML
cat >sweep.yaml <<'YAML'
orrery: 1
job: sweep
workflow: flow.yaml
sweep: {n: [1, 2], text: ["a b", "it's\n\"c\"", bad]}
YAML

# --- one request of many, by hand ---
exits 0 "$ORRERY" run sweep.yaml --request 4 -n 1 --quiet --run-dir four
same "made" 2 "$("$ORRERY" ls four facts/made --format json | grep -c it)"
exits 2 "$ORRERY" run sweep.yaml --request 6 -n 1 --quiet --run-dir six
contains "none" "$err" "--request 6: error: there is no such request: the job has 6, counted from 0"
exits 2 "$ORRERY" run sweep.yaml --request x -n 1 --run-dir six
exits 2 "$ORRERY" run sweep.yaml --set --request=1 -n 1 --run-dir six
[ ! -e six ] || fail "a request that is not there made a run"
exits 0 "$ORRERY" resume four -n 1 --quiet
exits 2 "$ORRERY" run sweep.yaml --request 1 -n 1 --quiet --resume --run-dir four
contains "another" "$err" "changed since the run began"
exits 0 "$ORRERY" export four
exits 0 "$ORRERY" plan sweep.yaml --request 1
exits 0 "$ORRERY" simulate sweep.yaml --request 4 --nodes 1 --cores 1 --mean 1s --costs four --json
contains "tasks" "$out" '"tasks": 2,'

# --- Slurm ---
# Jobs are files of bin/queue: an id and its state a line. `sbatch` adds what --array says.
cat >bin/sbatch <<'SH'
#!/bin/bash
for word; do printf '<%s>\n' "$word"; done >>"$SLURM_FAKE/words"
[ ! -e "$SLURM_FAKE/refuse" ] || { echo "sbatch: error: no such partition" >&2; exit 1; }
[[ " $* " != *" --test-only "* ]] || exit 0
id=$(($(cat "$SLURM_FAKE/id" 2>/dev/null || echo 16) + 1))
echo $id >"$SLURM_FAKE/id"
list=''
for word; do case $word in --array=*) list=${word#--array=} ;; esac; done
list=${list%\%*}
for part in ${list//,/ }; do
    for ((i = ${part%-*}; i <= ${part#*-}; i++)); do echo "${id}_$i PENDING (Priority)"; done
done >>"$SLURM_FAKE/queue"
echo $id
SH
cat >bin/squeue <<'SH'
#!/bin/bash
[ ! -e "$SLURM_FAKE/down" ] || {
    echo "slurm_load_jobs error: Unable to contact slurm controller (connect failure)" >&2
    exit 1
}
[[ " $* " == *"%i"* ]] && exec cat "$SLURM_FAKE/queue"
sed -n "s/^${!#} //p" "$SLURM_FAKE/queue"
SH
cat >bin/scancel <<'SH'
#!/bin/bash
echo "$@" >>"$SLURM_FAKE/cancelled"
for id; do sed -i "/^${id}[_ ]/d" "$SLURM_FAKE/queue"; done
SH
cat >bin/scontrol <<'SH'
#!/bin/bash
echo "MaxArraySize            = $(cat "$SLURM_FAKE/size")"
SH
chmod +x bin/*
export PATH=$work/bin:$PATH SLURM_FAKE=$work/fake
mkdir fake
echo 1001 >fake/size
: >fake/queue
submit() { exits "$1" "$ORRERY" submit sweep.yaml --array --run-dir "${run-set}" "${@:2}"; }
# play JOB INDEX [OFFSET]: as Slurm starts an element
play() {
    sed -i "/^${1}_$2 /d" fake/queue
    exits "${code-0}" env SLURM_JOB_ID=9$2 SLURM_ARRAY_JOB_ID="$1" SLURM_ARRAY_TASK_ID="$2" \
        ORRERY_LAUNCHER=mpirun bash "${run-set}/slurm/script.sh" "${3-0}"
}
jobs() { cut -d' ' -f1 "$1/slurm/jobs" | tail -n 1; }

submit 0 --print --array-limit 2
contains "array" "$out" "#SBATCH --array=0-5%2"
contains "element" "$out" '--run-dir "$run" --request "$index" &'
printf '%s\n' "$out" >script.sh
! command -v shellcheck >/dev/null || shellcheck -e SC2016 script.sh || fail "shellcheck"
[ ! -e set ] || fail "--print made a run directory"

: >fake/refuse
submit 2
contains "refused" "$err" "no such partition"
[ ! -e set ] || fail "an array that is refused leaves something"
rm fake/refuse
submit 0 --dry-run
[ ! -e set ] || fail "a test leaves something"

submit 0
contains "id" "$out" "job         17 (0-5)"
contains "words" "$(cat fake/words)" "<--array=0-5>"
same "an element's job" 17_3 "$(jobs set/3)"
exits 0 "$ORRERY" status set
contains "waits" "$out" "array of 6 runs in set: 6 waiting"
contains "label" "$out" 'job 17_4 (Priority)  n=2 text="it'"'"'s\n\"c\""'
submit 2
contains "again" "$err" "all that is not done has a job already (6)"

# --- elements start, end, fail; each is a run of its own ---
play 17 0
code=1 play 17 2
play 17 4
same "made" 2 "$("$ORRERY" ls set/4 facts/made --format json | grep -c it)"
same "private" "700 700" "$(stat -c %a set | tr '\n' ' ')$(stat -c %a set/4)"
exits 0 "$ORRERY" status set
contains "mixed" "$out" "2 succeeded, 1 failed, 3 waiting"
exits 0 "$ORRERY" status set --json
contains "json" "$out" '{"index": 2, "state": "failed", "job": "17_2", "inputs": "n=1 text=\"bad\"", "tasks": 1, "done": 0}'
exits 0 "$ORRERY" status set/4
contains "one" "$out" "job 17_4: over"
exits 0 "$ORRERY" logs set
contains "all logs" "$out" "==> set/0/slurm/log-17_0.txt <=="
contains "all logs" "$out" "sweep: failed"
exits 0 "$ORRERY" logs set/4
contains "its log" "$out" "sweep: succeeded"
exits 0 "$ORRERY" logs set --attempts
contains "attempts" "$out" "job 17_2 start 1: exit code 1"
exits 2 "$ORRERY" ls set
contains "not a run" "$err" "set is an array of runs: name one of them, as set/0"
exits 2 "$ORRERY" submit sweep.yaml --run-dir set
contains "not one" "$err" "is an array of runs"
exits 2 "$ORRERY" run sweep.yaml --run-dir set
exits 2 "$ORRERY" resume set

# --- cancel one, then all; again: only what is not done ---
exits 0 "$ORRERY" cancel set/3
same "one" 17_3 "$(tail -n 1 fake/cancelled)"
: >fake/words
submit 0
contains "that one" "$(cat fake/words)" "<--array=3>"
contains "said" "$out" "1 of 6"
exits 0 "$ORRERY" cancel set
same "all" "17 18" "$(tail -n 1 fake/cancelled)"
exits 2 "$ORRERY" cancel set
: >fake/words
submit 2 --retry-failed --set n=9
contains "other" "$err" "request 0 of the job is not that of the array: it is text=\"a b\", and was n=1 text=\"a b\""
sed -i.before 's/-lt 90/-lt 89/' flow.yaml
submit 2 --retry-failed
contains "changed" "$err" "set/2: changed since the run began"
mv flow.yaml.before flow.yaml
: >fake/refuse
submit 2 --retry-failed
rm fake/refuse
contains "refused: how it ended is known" "$("$ORRERY" status set)" "2 succeeded, 1 failed, 3 stopped"
submit 0 --retry-failed
contains "failed ones too" "$(cat fake/words)" "<--array=1-3,5>"
play 19 1
play 19 3
code=1 play 19 2
code=1 play 19 5
submit 0
contains "over" "$err" "all 6 runs are over, 2 with failures"
contains "tried again" "$("$ORRERY" status set/5)" "failed"

# --- another job is not this array's ---
sed -i 's/n: \[1, 2\]/n: [1, 2, 3]/' sweep.yaml
submit 2
contains "other" "$err" "the job has 9 requests, the array has 6"
: >fake/words
submit 0 --accept-changes
contains "all of them" "$(cat fake/words)" "<--array=0-8>"
exits 0 "$ORRERY" cancel set

# --- indices end early: several arrays; one at a time where a limit is to hold ---
echo 4 >fake/size
: >fake/words
run=many submit 0 --array-limit 3
same "parts" "<--array=0-3%3><--array=0-3%3><--array=0%3>" "$(grep array= fake/words | tr -d '\n')"
contains "in turn" "$(cat fake/words)" "<--dependency=afterany:$(($(cat fake/id) - 1))>"
contains "to each" "$out" "(0, and 8 to each)"
same "the last" "$(cat fake/id)_0" "$(jobs many/8)"
code=1 run=many play "$(cat fake/id)" 0 8
contains "which" "$(cat many/8/request)" "set --request=8"
echo 0 >fake/size
run=none submit 2
contains "no arrays" "$err" "MaxArraySize=0"
[ ! -e none ] || fail "no arrays, but a directory"
echo 1001 >fake/size

# --- one request, and a run that is not an array ---
cat >single.yaml <<'YAML'
orrery: 1
job: single
workflow: flow.yaml
YAML
exits 0 "$ORRERY" submit single.yaml --array --run-dir single
contains "one" "$("$ORRERY" status single)" "array of 1 run in single: 1 waiting"
exits 2 "$ORRERY" submit sweep.yaml --array --run-dir four
contains "one run" "$err" "is one run: submit it without --array"
exits 2 "$ORRERY" submit sweep.yaml --array --request 1 --print
exits 2 "$ORRERY" submit sweep.yaml --array-limit 2 --print
exits 0 "$ORRERY" submit sweep.yaml --request 2 --print --run-dir two
contains "handed on" "$out" "--request=2"

# --- after others ---
after() { exits "$1" "$ORRERY" submit single.yaml --print --run-dir last --after "${@:2}"; }
after 0 single
contains "an array" "$out" "#SBATCH --dependency=afterok:$(cat fake/id)"
after 0 single --after four
contains "done by hand" "$out" "#SBATCH --dependency=afterok:$(cat fake/id)"
after 2 many
contains "a failed one" "$err" "many/8: that run ended with failures"
after 2 set
contains "cancelled" "$err" "no job has that run, and it is not done"
after 2 nowhere
contains "never" "$err" "never submitted"
rm many/8/slurm/DONE
sed -i 's/"state": "failed"/"state": "stopped"/' many/8/status.json
exits 0 "$ORRERY" submit sweep.yaml --array --run-dir many
after 0 many
same "one by one" 9 "$(grep -o ':[0-9]*_[0-9]*' <<<"${out#*afterok}" | head -n 9 | wc -l)"

# --- Slurm cannot be asked: nothing is submitted a second time ---
: >fake/down
run=many submit 3
contains "submit" "$err" "Slurm cannot be asked: Unable to contact slurm controller"
exits 3 "$ORRERY" cancel many
contains "cancel" "$err" "Slurm cannot be asked"
exits 3 "$ORRERY" cancel many/0
exits 0 "$ORRERY" status many
contains "status" "$out" "Slurm cannot be asked"
after 2 many
