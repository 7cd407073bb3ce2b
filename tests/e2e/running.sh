#!/usr/bin/env bash
# running.sh - what happens around a run: whose directory it is, files that are gone, odd
# paths, outputs that nobody takes, texts that are none
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"
run= # in the background
tidy() {
    local code=$?
    [ -z "$run" ] || kill -KILL "$run" 2>/dev/null || true
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT

# A file, and its length: the second task needs what the first one made.
cat >one.yaml <<'YAML'
orrery: 1
workflow: one
inputs: {text: {type: string, default: "x"}}
facts: {made: {file: path}, counted: {n: string}}
functions:
  write: {shell: "echo {text} > {out.file}.txt", in: {text: string}, out: {file: path}}
  count: {shell: "wc -c < {file}", in: {file: path}, stdout: text}
rules:
  - rule: write
    match: {j: job}
    action: {call: write, with: {text: j.text}}
    reaction: [{assert: made, with: {file: result.file}}]
  - rule: count
    match: {m: made}
    action: {call: count, with: {file: m.file}}
    reaction: [{assert: counted, with: {n: strip(result.text)}}]
outputs: {counted: {fact: counted}}
YAML
sed 's/^workflow: one/workflow: two/' one.yaml >two.yaml
counted() { "$ORRERY" ls "$1" facts/counted --format csv | tr -d '\r' | sed -n '2s/.*,//p'; }
# tasks RUN: the state of each; reused: done, without an attempt in the newest session
tasks() {
    local newest task state
    newest=$(sed -n 's/^epoch //p' "$1/run")
    "$ORRERY" ls "$1" tasks --format csv --columns task,state | tail -n +2 | tr -d '\r' |
        while IFS=, read -r task state; do
            [ "$state" != "done" ] || [ -n "$("$ORRERY" ls "$1" attempts --format csv \
                --where "epoch == $newest and task == $task" | tail -n +2)" ] || state=reused
            printf '%s ' "$state"
        done
}

# --- a run belongs to one job ---
exits 0 "$ORRERY" run one.yaml -n 1 -q -d mine
before=$(md5sum mine/run.h5 mine/run mine/status.json)
for ranks in 1 2; do
    exits 2 "$ORRERY" run two.yaml -n $ranks -q --resume -d mine
    same "another job" "orrery: error: mine is a run of job 'one' of workflow 'one' \
($work/one.yaml), not of job 'two' of workflow 'two' ($work/two.yaml); give another --run-dir" "$err"
done
mkdir copy && sed 's/default: "x"/default: "other"/' one.yaml >copy/one.yaml
exits 2 "$ORRERY" run copy/one.yaml -n 1 -q --resume -d mine
contains "another file, another text" "$err" "not of job 'one' of workflow 'one' ($work/copy/one.yaml)"
same "untouched" "$before" "$(md5sum mine/run.h5 mine/run mine/status.json)"
cp one.yaml copy/one.yaml
exits 0 "$ORRERY" run copy/one.yaml -n 1 -q --resume -d mine
same "a copy of the job" "reused reused " "$(tasks mine)"

# --- remarks are no change: nothing is said ---
echo "# a remark" >>one.yaml
for ranks in 1 2; do
    exits 0 "$ORRERY" resume mine -n $ranks
    same "a remark" "" "$(grep note: <<<"$err")"
    same "a remark: tasks" "reused reused " "$(tasks mine)"
done
mv one.yaml kept.yaml
exits 0 "$ORRERY" resume mine -n 1
contains "gone" "$err" "note: $work/one.yaml is gone: going on with the text that the run keeps, mine/job.yaml"
exits 0 "$ORRERY" resume mine -n 2 -q
same "gone: tasks" "reused reused " "$(tasks mine)"
mv kept.yaml one.yaml

# --- files in out/ that are gone are made again, and only they ---
rm mine/out/write-*/file.txt
exits 0 "$ORRERY" resume mine -n 1
contains "gone file" "$err" "file.txt is gone: the task of 'write' that made it runs again"
contains "gone file: summary" "$out" "run again   1 finished task whose files in out/ were gone"
same "gone file: is back" x "$(cat mine/out/write-*/file.txt)"
same "gone file: result" 2 "$(counted mine)"
exits 0 "$ORRERY" resume mine -n 1
same "gone file: again" "reused reused " "$(tasks mine)"

# --- an input that is gone: what it led to stays ---
cat >input.yaml <<'YAML'
orrery: 1
workflow: input
inputs: {source: path}
facts: {counted: {n: string}}
functions:
  count: {shell: "wc -c < {file}", in: {file: path}, stdout: text}
rules:
  - rule: count
    match: {j: job}
    action: {call: count, with: {file: j.source}}
    reaction: [{assert: counted, with: {n: strip(result.text)}}]
outputs: {counted: {fact: counted}}
YAML
echo hello >$'odd\nname'
exits 0 "$ORRERY" run input.yaml -n 1 -q -d input -s source=$'odd\nname'
rm $'odd\nname'
for ranks in 1 2; do
    exits 0 "$ORRERY" resume input -n $ranks
    contains "input" "$err" "warning: input 'source': cannot read"
    same "input: tasks" "reused " "$(tasks input)"
done
echo "hello again" >$'odd\nname'
exits 2 "$ORRERY" resume input -n 1 -q
contains "a new input" "$err" "has 12 bytes, had 6"
exits 0 "$ORRERY" resume input -n 1 -q --accept-changes
same "a new input" 12 "$(counted input)"

# --- run directories with odd names ---
for dir in "o'b/r" "''" 'a b' 'd$HOME"x`' $'new\nline' 'ünï' 'back\slash*'; do
    exits 0 "$ORRERY" run one.yaml -n 2 -q -d "$dir"
    same "$dir: suffix" x "$(cat "$dir"/out/write-*/file.txt)"
    same "$dir: counted" 2 "$(counted "$dir")"
    exits 0 "$ORRERY" resume "$dir" -n 1 -q
    same "$dir: again" "reused reused " "$(tasks "$dir")"
done

# --- several starts in one second ---
mkdir together
(
    cd together
    for i in 1 2 3 4; do
        { "$ORRERY" run ../one.yaml -n 1 -q >"$i.log" 2>&1; echo $? >"$i.code"; } &
    done
    wait
)
same "together: exit codes" "0 0 0 0 " "$(cat together/*.code | tr '\n' ' ')$(cat together/*.log)"
same "together: runs" 4 "$(ls -d together/runs/one-*/run.h5 | wc -l)"

# --- a summary that nobody takes ---
gives() { # CODE COMMAND: through a shell, which redirects
    exits "$1" bash -c "$2"
}
for ranks in 1 2; do
    gives 0 "'$ORRERY' run one.yaml -n $ranks >/dev/full"
    gives 0 "'$ORRERY' run one.yaml -n $ranks >&-"
    gives 0 "'$ORRERY' run one.yaml -n $ranks | head -n 0; exit \${PIPESTATUS[0]}"
done
gives 0 "'$ORRERY' run one.yaml -n 1 -d full >/dev/full"
contains "full" "$err" "cannot write the summary to standard output; the run itself is in $work/full"
gives 3 "'$ORRERY' ls full >/dev/full"
gives 3 "'$ORRERY' ls full >&-"
gives 3 "'$ORRERY' plan one.yaml >/dev/full"

# --- texts that are none, and control characters ---
exits 2 "$ORRERY" run one.yaml -n 1 -q -d never -s text=$'\xff'
same "setting" 'orrery run: --set text=\xff: the value is not UTF-8 text' "$err"
[ ! -e never ] || fail "a run directory was made"
cat >bad.yaml <<'YAML'
orrery: 1
workflow: bad
facts: {said: {text: string}}
functions:
  raw: {shell: "printf 'ab\\377'", stdout: text}
  red: {shell: "printf '\\033[31mred\\n\\377' >&2; exit 3"}
  say: {shell: "printf '\\033[2Jhello'", stdout: text}
rules:
  - rule: raw
    match: {j: job}
    action: {call: raw}
    reaction: [{assert: said, with: {text: result.text}}]
    error: [{assert: said, with: {text: error.message}}]
  - {rule: say, match: {j: job}, action: {call: say}, reaction: [{assert: said, with: {text: result.text}}]}
  - {rule: red, match: {j: job}, action: {call: red}, reaction: [{assert: said, with: {text: "no"}}]}
outputs: {said: {each: said}}
YAML
exits 1 "$ORRERY" run bad.yaml -n 1 -d bad
contains "raw" "$out" "standard output is no text: byte 3 (0xff) is not UTF-8"
contains "say" "$out" '\x1b[2Jhello'
contains "red" "$err" '/bin/sh exited with code 3: \xff'
shown=$out$err
for command in "status bad" "why bad" "why bad said" "ls bad errors"; do
    # shellcheck disable=SC2086 # words
    exits 0 "$ORRERY" $command
    shown+=$out$err
done
printf 'orrery: 1\nworkflow: "a\\eb"\nrulez: {} # \xc2\x9b31m\n' >esc.yaml
exits 2 "$ORRERY" validate esc.yaml
same "control characters" "" "$(tr -cd '\001-\010\013-\037\177' <<<"$shown" | tr '\033' '^')"
same "validate" "" "$(tr -d '\n\t -~' <<<"$err")"
exits 0 python3 -c 'import sys; sys.stdin.buffer.read().decode()' < <("$ORRERY" ls bad errors --format csv)

# --- a budget of failures: as the pages say ---
exits 1 "$ORRERY" run bad.yaml -n 1 -q -d budget --max-failures 1
contains "budget" "$err" "--max-failures is 1: stopped; \`orrery resume\` goes on"
for page in run resume; do
    contains "page of $page" "$(grep -A 1 'max-failures' "$source_dir/docs/man/orrery-$page.1.scd")" \
        "exit status 1"
done

# --- what was stopped waits; nothing is left in the status of a run that ended ---
cat >naps.yaml <<'YAML'
orrery: 1
workflow: naps
facts: {item: {i: int}, slept: {i: int}}
functions: {nap: {use: core.sleep}}
rules:
  - {rule: items, match: {j: job}, for: i in range(6), assert: item, with: {i: i}}
  - rule: nap
    match: {t: item}
    action: {call: nap, with: {time: "{0s if t.i == 0 else 1h}", i: t.i}}
    reaction: [{assert: slept, with: {i: result.i}}]
outputs: {all: {each: slept}}
YAML
field() { sed -n "s/^  \"$2\": \(.*\),$/\1/p" "$1/status.json"; }
one_done() { [ "$(field naps "done")" = 1 ]; }
"$ORRERY" run naps.yaml -n 1 -q -d naps 2>naps.err &
run=$!
wait_until one_done
kill -INT "$run"
code=0
wait "$run" || code=$?
run=
same "interrupted" 130 "$code"
same "interrupted: tasks" "done waiting waiting waiting waiting waiting " "$(tasks naps)"
same "interrupted: eta" null "$(field naps eta_seconds)"
same "interrupted: waiting" 0 "$(field naps waiting)"
same "succeeded: eta" 0.0 "$(field mine eta_seconds)"

# --- rank 0 is killed: said in plain words, and at once ---
"$ORRERY" run naps.yaml -n 3 -q -d lost 2>lost.err &
run=$!
one_done() { [ "$(field lost "done")" = 1 ]; }
wait_until one_done
kill -KILL "$(sed -n 's/^pid //p' lost/lock)"
code=0
wait "$run" || code=$?
run=
same "lost: exit code" 3 "$code"
contains "lost" "$(cat lost.err)" "orrery: error: rank 0 was lost (pid"
contains "lost" "$(cat lost.err)" "go on with: orrery resume lost"
nobody() { ! pgrep -f -- "--run-dir lost -d|naps.yaml -n 3 -q -d lost" >/dev/null; }
wait_until nobody

# --- mpirun that does not end when all is done is ended ---
cat >hangs <<'SH'
#!/bin/sh
mpirun "$@"
exec sleep 3331
SH
chmod +x hangs
exits 0 env ORRERY_MPIRUN=./hangs ORRERY_LAUNCHER_PATIENCE=1 "$ORRERY" run one.yaml -n 2 -q -d hung
contains "hangs" "$err" "mpirun is still there 1 s after rank 0 has ended: it is stopped"
same "hangs: ended" "" "$(pgrep -f '^sleep 3331$')"

# --- a rank that crashes in MPI_Init: again, and not for ever ---
cat >crashes <<'SH'
#!/bin/sh
echo x >>crashed
[ "$(wc -l <crashed)" -gt "$TIMES" ] || exit 139
exec mpirun "$@"
SH
chmod +x crashes
exits 0 env ORRERY_MPIRUN=./crashes TIMES=1 "$ORRERY" run one.yaml -n 2 -q -d crashed_once
contains "crashed once" "$err" "a rank crashed while the ranks were started: starting them again"
rm crashed
exits 3 env ORRERY_MPIRUN=./crashes TIMES=9 "$ORRERY" run one.yaml -n 2 -q -d crashed_always
contains "crashed always" "$err" "mpirun ended (exit code 139) before rank 0 could begin: nothing was run"
same "crashed always: tries" 3 "$(wc -l <crashed)"

# --- rank 0 crashes as soon as it has begun: there is a run, and no second start of it ---
cat >begins <<'SH'
#!/bin/sh
echo x >>begun
env -u ORRERY_EXIT_FILE "$ORRERY" run naps.yaml -n 1 -q -d crashed_early &
until [ -e crashed_early/run ]; do :; done
kill -KILL $!
exit 139
SH
chmod +x begins
exits 3 env ORRERY="$ORRERY" ORRERY_MPIRUN=./begins "$ORRERY" run naps.yaml -n 2 -q -d crashed_early
contains "crashed early" "$err" "what was finished is kept, go on with: orrery resume crashed_early"
same "crashed early: tries" 1 "$(wc -l <begun)"

# --- a mistyped run ---
exits 2 "$ORRERY" join nowhere --wait 1s
contains "join nowhere" "$err" "nowhere is not a run: waiting for one, for 1 s"
