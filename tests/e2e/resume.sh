#!/usr/bin/env bash
# resume.sh - going on with a run: failed attempts count, changes have to be accepted, a session
# that was stopped and wakes up does no harm
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"

# Processes that have the run directory, or a file of this test, in their command line.
all_of() { pgrep -f -- "$work/$1( |/|\$)|^sleep 1000.0$$\$" || true; }
nobody_left() { [ -z "$(all_of "$1")" ]; }
background=
tidy() {
    local code=$? pid
    for pid in $(all_of '[a-z0-9]*') $background; do
        [ "$pid" = $$ ] || kill -KILL "$pid" 2>/dev/null || true
    done
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT

# start RUN FILE OPTION...: in the background
start() {
    local run=$1 file=$2
    shift 2
    "$ORRERY" run "$file" --run-dir "$work/$run" --quiet "$@" 2>"$run.err" &
    background=$!
}
# What was born while its parent was killed is killed as well.
killed() {
    local pids
    mapfile -t pids < <(all_of "$1")
    [ ${#pids[@]} -gt 0 ] || return 0
    kill -KILL "${pids[@]}" 2>/dev/null || true
    return 1
}
# end_of SIGNAL RUN: all of its processes get it; $code is how it ended
end_of() {
    local pids
    code=0
    mapfile -t pids < <(all_of "$2")
    kill -s "$1" "${pids[@]}" 2>/dev/null || true
    wait "$background" 2>/dev/null || code=$?
    background=
    if [ "$1" = KILL ]; then wait_until killed "$2"; else wait_until nobody_left "$2"; fi
}
csv() { "$ORRERY" ls "$1" "$2" --format csv | tr -d '\r' | tail -n +2; }
tried() { [ "$(cat "$1.tries" 2>/dev/null | wc -l)" = "$2" ]; }
# attempts RUN: number and failure of each, in order of number
attempts() { csv "$1" attempts | cut -d, -f 4,5 | sort | tr '\n' ' '; }

# Attempt K of NAME notes itself, waits as long as NAME.wait says K, and then fails, unless
# NAME.good is there.
cat >tries.yaml <<YAML
orrery: 1
workflow: tries
inputs: {name: string, retries: {type: int, default: 0}}
facts: {made: {text: string}, gave_up: {attempts: int}}
functions:
  try:
    command: [bash, $work/try.sh, "{name}", $work]
    in: {name: string}
    stdout: text
    retries: 2
    retry-delay: 10ms
  once:
    command: [bash, $work/try.sh, "{name}", $work]
    in: {name: string}
    stdout: text
rules:
  - rule: try
    match: {j: job}
    where: j.retries == 2
    action: {call: try, with: {name: j.name}}
    reaction: [{assert: made, with: {text: result.text}}]
  - rule: once
    match: {j: job}
    where: j.retries == 0
    action: {call: once, with: {name: j.name}}
    reaction: [{assert: made, with: {text: result.text}}]
  - rule: handled
    match: {j: job}
    where: j.retries == 1
    action: {call: try, with: {name: j.name}}
    reaction: [{assert: made, with: {text: result.text}}]
    error: [{assert: gave_up, with: {attempts: attempt}}]
  - {rule: gave up, match: {g: gave_up}, assert: made, with: {text: "gave up after {g.attempts}"}}
outputs: {made: {fact: made}}
YAML
cat >try.sh <<'SH'
cd "$2"
trap 'kill $!; exit 7' TERM # as ffmpeg does: a code of its own
echo x >>"$1.tries"
n=$(wc -l <"$1.tries")
[ ! -e "$1.wait" ] || [ "$(cat "$1.wait")" != "$n" ] || { sleep SECONDS & wait; }
[ -e "$1.good" ] && echo good
SH
sed -i "s/SECONDS/1000.0$$/" try.sh

# --- what failed before the kill counts, and a task that gave up has given up ---
for ranks in 1 3; do
    name=fails$ranks
    echo 2 >$name.wait
    start $name tries.yaml -n $ranks -s name=$name -s retries=2
    wait_until tried $name 2
    end_of KILL $name
    [ "$code" != 0 ] || fail "$name was not killed"
    exits 1 "$ORRERY" resume "$work/$name" -n $ranks
    contains "$name" "$err" "try failed after 3 attempts"
    same "$name: tries" 4 "$(wc -l <$name.tries)"
    same "$name: attempts" "1,exit 2,exit 3,exit " "$(attempts $name)"
    exits 1 "$ORRERY" resume "$work/$name" -n 1
    contains "$name: again" "$err" "try failed after 3 attempts"
    contains "$name: again" "$out" "recalled    3 failed attempts of earlier sessions"
    same "$name: no more tries" 4 "$(wc -l <$name.tries)"
    # another session is killed while it makes attempts 1 to 3 anew
    echo 6 >$name.wait
    "$ORRERY" resume "$work/$name" -n 1 -q --retry-failed 2>$name.err &
    background=$!
    wait_until tried $name 6
    end_of KILL $name
    [ "$code" != 0 ] || fail "$name was not killed again"
    exits 1 "$ORRERY" resume "$work/$name" -n 1 -q
    same "$name: the retries of that session count" 8 "$(wc -l <$name.tries)"
    touch $name.good
    exits 0 "$ORRERY" resume "$work/$name" -n 1 -q --retry-failed
    exits 0 "$ORRERY" resume "$work/$name" -n 1 -q
    same "$name: tries in all" 9 "$(wc -l <$name.tries)"
    contains "$name: why" "$("$ORRERY" why "$work/$name" made)" "done"
done

# --- a handler sees the number that it would have seen ---
echo 3 >handled.wait
start handled tries.yaml -n 1 -s name=handled -s retries=1
wait_until tried handled 3
end_of KILL handled
exits 0 "$ORRERY" resume "$work/handled" -n 1 -q
same "handled" "0,gave up after 3" "$(csv handled facts/made)"
same "handled: attempts" "1,exit 2,exit 3,exit " "$(attempts handled)"
contains "handled: why" "$("$ORRERY" why "$work/handled" gave_up)" "attempt 1"

# --- what we ended ourselves does not count: told to drain, alone or with all its processes ---
for ranks in 1 3; do
    for whom in one all; do
        name=drained$ranks$whom
        echo 1 >$name.wait
        start $name tries.yaml -n $ranks -s name=$name --grace 0
        wait_until tried $name 1
        if [ $whom = one ]; then
            code=0
            kill -TERM "$background"
            wait "$background" || code=$?
            background=
        else
            end_of TERM $name
        fi
        wait_until nobody_left $name
        same "$name" 75 "$code"
        rm $name.wait
        touch $name.good
        exits 0 "$ORRERY" resume "$work/$name" -n 1 -q
        same "$name: tries" 2 "$(wc -l <$name.tries)"
    done
done

# --- changes are told, and have to be accepted; identity decides ---
mkdir flow
cat >flow/upper.yaml <<'YAML'
orrery: 1
workflow: upper
inputs: {text: string}
facts: {done: {text: string}}
functions: {up: {shell: "echo up >> {log}; printf %s {text} | tr a-z A-Z", in: {text: string, log: string}, stdout: text}}
rules:
  - rule: up
    match: {j: job}
    action: {call: up, with: {text: j.text, log: "LOG"}}
    reaction: [{assert: done, with: {text: result.text}}]
outputs: {done: {fact: done}}
YAML
sed -i "s|LOG|$work/flow/log|" flow/upper.yaml
cat >flow/flow.yaml <<YAML
orrery: 1
workflow: flow
inputs: {names: {type: list<string>}, file: path, loud: {type: bool, default: false}}
facts: {name: {s: string}, upper: {s: string}, bytes: {n: string}, rest: {s: string}}
functions:
  upper: {workflow: upper.yaml}
  size: {shell: "echo size >> $work/flow/log; wc -c < {file}", in: {file: path}, stdout: text}
rules:
  - {rule: names, match: {j: job}, for: n in j.names, assert: name, with: {s: n}}
  - rule: upper
    match: {n: name}
    action: {call: upper, with: {text: n.s}}
    reaction: [{assert: upper, with: {s: result.done.text}}]
  - rule: size
    match: {j: job}
    action: {call: size, with: {file: j.file}}
    reaction: [{assert: bytes, with: {n: result.text}}]
outputs: {size: {fact: bytes}, uppers: {each: upper}}
YAML
cat >flow/job.yaml <<'YAML'
orrery: 1
job: flow
workflow: flow.yaml
inputs: {names: [a, b], file: data.txt}
YAML
echo data >flow/data.txt
log() { sort flow/log | uniq -c | tr -s ' \n' ' '; }
exits 0 "$ORRERY" run flow/job.yaml -n 1 -q -d c
same "first" " 1 size 2 up " "$(log)"

# refused WHAT LINE: by the launcher and by a rank
refused() {
    local before
    before=$(cat c/request c/run | md5sum)
    for ranks in 1 2; do
        exits 2 "$ORRERY" resume c -n $ranks -q
        contains "$1" "$err" "orrery: error: c: changed since the run began:"
        contains "$1" "$err" "  $2"
        contains "$1" "$err" "--accept-changes goes on"
    done
    same "$1: untouched" "$before" "$(cat c/request c/run | md5sum)"
}
# accepted WHAT LOG: what ran by then; and from then on nothing is said
accepted() {
    exits 0 "$ORRERY" resume c -n 2 --accept-changes
    contains "$1" "$err" "orrery: note: changed since the run began:"
    same "$1: said once" 1 "$(grep -c note: <<<"$err")"
    same "$1: ran" "$2" "$(log)"
    exits 0 "$ORRERY" resume c -n 1
    same "$1: silent" "" "$(grep note: <<<"$err")"
    same "$1: nothing more" "$2" "$(log)"
}
{ echo "# words"; sed 's/names: \[a, b\]/names:   [ a , b ]/' flow/job.yaml; } >new && mv new flow/job.yaml
printf '\n\n# more words\n' >>flow/upper.yaml
exits 0 "$ORRERY" resume c -n 1
same "words" "" "$(grep note: <<<"$err")"

sed -i 's/\[ a , b \]/[a, b, c]/' flow/job.yaml
refused "an input" "input 'names': [\"a\", \"b\", \"c\"], was [\"a\", \"b\"]"
accepted "an input" " 1 size 3 up "
same "an input: facts" "0,A 0,B 0,C " "$(csv c facts/upper | sort | tr '\n' ' ')"

sed -i 's/a-z A-Z/a-z A-W_/' flow/upper.yaml
refused "a nested function" "function 'upper.up' changed"
accepted "a nested function" " 1 size 6 up "

sed -i 's/outputs:/  - {rule: rest, match: {n: name}, where: n.s != "a", assert: rest, with: {s: n.s}}\noutputs:/' flow/flow.yaml
refused "a rule" "rule 'rest' was added"
accepted "a rule" " 1 size 6 up "
sed -i '/rule: rest/d' flow/flow.yaml
refused "no rule" "rule 'rest' was removed"
accepted "no rule" " 1 size 6 up "

echo "more data" >flow/data.txt
refused "a file" "file $work/flow/data.txt has 10 bytes, had 5"
accepted "a file" " 2 size 6 up "
touch -d '2001-02-03' flow/data.txt
refused "a file's time" "file $work/flow/data.txt was written again"
accepted "a file's time" " 3 size 6 up "
same "all of it is kept" 2 "$(ls c/workflow.yaml.[0-9]* | wc -l)"
grep -q "a-z A-Z" c/workflow.upper.yaml.1 || fail "the old text of upper.yaml is not kept"
contains "listed" "$(cat c/request)" "old workflow.upper.yaml.1 $work/flow/upper.yaml"
contains "the new text" "$(cat c/workflow.upper.yaml)" "A-W_"
exits 2 "$ORRERY" run flow/job.yaml -n 1 -q --resume -d c -s loud=true
contains "a setting" "$err" "input 'loud': true, was false"
exits 2 "$ORRERY" run flow/job.yaml -n 1 -q -d c --accept-changes
contains "changes of nothing" "$err" "--accept-changes goes with --resume"
: >c/run.h5.tmp-1 # of a process that was killed
exits 0 "$ORRERY" run flow/job.yaml -n 1 -q --resume -d c -s loud=true --accept-changes
[ ! -e c/run.h5.tmp-1 ] || fail "what a killed process was making is still there"
exits 0 "$ORRERY" resume c -n 1
same "a setting stays" "" "$(grep note: <<<"$err")"

# of long values the line shows where they differ
long=$(seq -s, 200)
exits 0 "$ORRERY" run flow/job.yaml -n 1 -q -d long -s "names=[${long//,/x,}x]"
exits 2 "$ORRERY" run flow/job.yaml -n 1 -q --resume -d long -s "names=[${long//,/x,}y]"
contains "a long input" "$err" \
    "input 'names': ...\"198x\", \"199x\", \"200y\"], was ...\"198x\", \"199x\", \"200x\"]"

# a file that counts by its content may be written again
sed "s/in: {file: path}, stdout/in: {file: path}, identity: content, stdout/" flow/flow.yaml >flow/by.yaml
sed 's/flow.yaml/by.yaml/' flow/job.yaml >flow/byjob.yaml
exits 0 "$ORRERY" run flow/byjob.yaml -n 1 -q -d by
touch flow/data.txt
exits 0 "$ORRERY" resume by -n 1
same "by content: silent" "" "$(grep note: <<<"$err")"
echo "more DATA" >flow/data.txt
exits 2 "$ORRERY" resume by -n 1
contains "by content: other bytes" "$err" "file $work/flow/data.txt has other bytes"

# the program's own functions come with versions
sed 's/^version .*//' by/request >new && echo "version size=7" >>new && cp new by/request
touch flow/data.txt
exits 2 "$ORRERY" resume by -n 1
cat >own.yaml <<'YAML'
orrery: 1
workflow: own
facts: {made: {i: int}}
functions: {nap: {use: core.sleep}}
rules:
  - rule: nap
    match: {j: job}
    action: {call: nap, with: {time: 1ms, i: 7}}
    reaction: [{assert: made, with: {i: result.i}}]
outputs: {made: {fact: made}}
YAML
exits 0 "$ORRERY" run own.yaml -n 1 -q -d own
contains "versions are kept" "$(cat own/request)" "version nap=1"
sed -i 's/^version nap=1/version nap=0/' own/request
exits 2 "$ORRERY" resume own -n 1
contains "a version" "$err" "function 'nap' has version 1, had 0"
exits 0 "$ORRERY" resume own -n 1 -q --accept-changes
exits 0 "$ORRERY" resume own -n 1 -q

# --- Slurm starts a job again from its beginning ---
exits 2 "$ORRERY" run own.yaml -n 1 -q -d own
contains "an existing run" "$err" "own holds a run already; continue it with"
for ranks in 1 2; do
    exits 0 env SLURM_RESTART_COUNT=1 "$ORRERY" run own.yaml -n $ranks -q -d own
    same "requeued" "orrery: note: Slurm started this job again (SLURM_RESTART_COUNT=1): going on \
with the run in own" "$err"
    exits 2 env SLURM_RESTART_COUNT=1 "$ORRERY" run tries.yaml -n $ranks -q -d own -s name=x
    contains "requeued, another job" "$err" "own is a run of job 'own'"
done
exits 2 env SLURM_RESTART_COUNT=0 "$ORRERY" run own.yaml -n 1 -q -d own
exits 0 env SLURM_RESTART_COUNT=1 "$ORRERY" run own.yaml -n 1 -q -d fresh

# --- a whole session is stopped, another goes on to the end, the first wakes up ---
cat >many.yaml <<YAML
orrery: 1
workflow: many
facts: {item: {i: int}, done: {file: path, i: int}}
functions:
  run:
    shell: "sleep 0.1$$; echo {i} > {out.file}"
    in: {i: int}
    out: {file: path}
    retries: 1
rules:
  - {rule: items, match: {j: job}, for: i in range(24), assert: item, with: {i: i}}
  - rule: run
    match: {t: item}
    action: {call: run, with: {i: t.i}}
    reaction: [{assert: done, with: {file: result.file, i: t.i}}]
outputs: {all: {each: done}}
YAML
some_done() { [ "$(sed -n 's/^  "done": \([0-9]*\),$/\1/p' "$1/status.json")" -gt 2 ]; }
for ranks in 1 3; do
    run=ghost$ranks
    start $run many.yaml -n $ranks
    wait_until some_done $run
    mapfile -t ghosts < <(all_of $run)
    kill -STOP "${ghosts[@]}" 2>/dev/null
    # as if it had been on another machine, and silent for two minutes
    sed -i 's/^boot .*/boot elsewhere/' $run/lock
    exits 2 "$ORRERY" resume "$work/$run" -n 1 -q
    touch -d '2 minutes ago' $run/lock
    exits 0 "$ORRERY" resume "$work/$run" -n 2 -q
    before=$(md5sum $run/run.h5 $run/status.json $run/run)
    facts=$(csv $run facts/done | sort)
    same "$run: all done" 24 "$(wc -l <<<"$facts")"
    kill -CONT "${ghosts[@]}" 2>/dev/null
    code=0
    wait "$background" || code=$?
    background=
    same "$run: the ghost's exit code" 3 "$code"
    contains "$run: it says why" "$(cat $run.err)" "was removed while this run was using it"
    wait_until nobody_left $run
    same "$run: nothing was touched" "$before" "$(md5sum $run/run.h5 $run/status.json $run/run)"
    for ((i = 0; i < 24; i++)); do
        file=$(sed -n "s/^0,\(.*\),$i\$/\1/p" <<<"$facts")
        same "$run: file $i" $i "$(cat "$file")"
    done
    exits 0 "$ORRERY" resume "$work/$run" -n 1 -q
    same "$run: facts" "$facts" "$(csv $run facts/done | sort)"
    same "$run: nothing was made again" "" \
        "$("$ORRERY" ls $run attempts -f csv -w 'epoch > 2' -c task,epoch | sed 1d)"
done
