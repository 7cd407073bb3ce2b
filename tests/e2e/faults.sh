#!/usr/bin/env bash
# faults.sh - functions that go wrong in every way: each failure has its kind and says what
# was wrong, nothing is left behind, and the rest of the run goes on
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
#
# alone: it runs a fork bomb
. "$(dirname "$0")/../support/lib.sh"
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
rows() { "$ORRERY" ls "$1" "$2" --format csv | tr -d '\r' | tail -n +2; }

# NAME, the script, more of the function: one function and its rule
: >functions
: >rules
: >expected
fault() {
    local name=$1 script=$2 more=${3:-}
    {
        printf '  %s:\n    shell: |\n' "$name"
        sed 's/^/      /' <<<"$script"
        [ -z "$more" ] || sed 's/^/    /' <<<"$more"
    } >>functions
    cat >>rules <<YAML
  - rule: $name
    match: {_j: job}
    action: {call: $name}
    reaction: [{assert: ended, with: {name: "$name", kind: "none", code: 0, message: ""}}]
    error: [{assert: ended, with: {name: "$name", kind: error.kind, code: error.code,
                                   message: error.message}}]
YAML
}
# NAME KIND CODE MESSAGE (a part of it)
told() { printf '%s\t%s\t%s\t%s\n' "$@" >>expected; }

fault crash 'kill -SEGV $$'
told crash signal 11 'was ended by signal 11 (Segmentation fault)'
fault aborts 'kill -ABRT $$'
told aborts signal 6 'was ended by signal 6 (Aborted)'
fault killed 'kill -KILL $$'
told killed signal 9 'was ended by signal 9 (Killed)'
fault says 'echo "disk quota of project x is used up" >&2; exit 9'
told says exit 9 'exited with code 9: disk quota of project x is used up'
fault hangs 'sleep 5101' 'timeout: 1s'
told hangs timeout 0 'ran longer than its timeout of 1'
fault stubborn "trap '' TERM; while :; do sleep 5102; done" 'timeout: 1s'
told stubborn timeout 0 'ran longer than its timeout of 1'
# behind it: in its group, in a session of its own, holding its pipes, ignoring TERM
fault behind '(sleep 5103 &); exit 3'
told behind exit 3 'exited with code 3'
fault daemon "(setsid sh -c 'sleep 5104 & echo up >$work/daemon; wait' &)
until [ -e $work/daemon ]; do sleep 0.02; done
exit 3"
told daemon exit 3 'exited with code 3'
fault good_daemon "(setsid sh -c 'echo up >$work/good; exec sleep 5105' &)
until [ -e $work/good ]; do sleep 0.02; done"
told good_daemon none 0 ''
fault hanging_daemon "(setsid sh -c 'trap \"\" TERM; while :; do sleep 5106; done' &)
sleep 5107" 'timeout: 1s'
told hanging_daemon timeout 0 'ran longer than its timeout of 1'
# its helper dies with what it had to tell
fault helper "(setsid sh -c 'echo up >$work/helper; exec sleep 5108' &)
until [ -e $work/helper ]; do sleep 0.02; done
kill -KILL \$PPID; sleep 5109"
told helper signal 9 "the command's helper was ended by signal 9 (Killed)"
# a fork bomb with 128 sessions, as deep as it may go without harm to others
fault bomb 'bomb() {{
  if [ "$1" = 0 ]; then exec setsid sleep 5110; fi
  bomb $(($1 - 1)) & bomb $(($1 - 1)) & wait
}}
bomb 7' 'timeout: 2s'
told bomb timeout 0 'ran longer than its timeout of 2'
# output: a gibibyte to standard error, and to a standard output that is a result
fault loud 'head -c 1073741824 /dev/zero >&2; printf "\nthe end\n" >&2; exit 4'
told loud exit 4 'exited with code 4: the end'
fault long_result 'exec yes' 'stdout: text'
told long_result memory 0 'wrote more than 64 MiB to standard output'
fault closed 'exec >&- 2>&-; sleep 0.1; exit 3' 'stdout: text'
told closed exit 3 'exited with code 3'
fault closed_json 'exec >&-' 'stdout: json
out: {n: int}'
told closed_json invalid 0 'standard output is no JSON'
# results
fault no_json 'echo hello' 'stdout: json
out: {n: int}'
told no_json invalid 0 'standard output is no JSON: line 1'
fault wrong_type "echo '{{\"n\": \"seven\"}}'" 'stdout: json
out: {n: int}'
told wrong_type invalid 0 "the result 'n' must be int, but is a string"
fault missing_result "echo '{{\"m\": 7}}'" 'stdout: json
out: {n: int}'
told missing_result invalid 0 "the result 'n' (int) is missing"
fault bytes "printf '\\377\\376'" 'stdout: text'
told bytes invalid 0 'standard output is no text: byte 1 (0xff) is not UTF-8'
fault no_file 'true {out.file}' 'out: {file: path}'
told no_file io 2 "its result 'file' cannot be taken"
fault no_blob 'true {out.data}' 'out: {data: blob}'
told no_blob io 2 "its result 'data' cannot be taken"
fault no_program 'exec /no/such/program'
told no_program exit 127 'exited with code 127'

cat >faults.yaml <<YAML
orrery: 1
workflow: faults
facts:
  item: {i: int}
  made: {i: int}
  ended: {name: string, kind: string, code: int, message: string}
functions:
  good: {shell: "true", in: {i: int}}
$(cat functions)
rules:
  - {rule: expand, match: {_j: job}, then: [{for: i in range(20), assert: item, with: {i: i}}]}
  - rule: good
    match: {t: item}
    action: {call: good, with: {i: t.i}}
    reaction: [{assert: made, with: {i: t.i}}]
$(cat rules)
outputs: {made: {each: made}, ended: {each: ended}}
YAML
left() { pgrep -f '^sleep 51[01][0-9]$' || true; }
before=$(left)
exits 0 timeout -s KILL 300 "$ORRERY" run faults.yaml -n 3 --run-dir faults --quiet
same "what the rest made" 20 "$(rows faults facts/made | wc -l)"
rows faults facts/ended >ended
same "faults that ended" "$(wc -l <expected)" "$(wc -l <ended)"
while IFS=$'\t' read -r name kind code message; do
    row=$(grep "^0,$name," ended) || fail "$name did not end"
    contains "$name" "$row" "0,$name,$kind,$code,"
    contains "$name" "$row" "$message"
done <expected
same "processes left behind" "$before" "$(left)"
same "scratch left behind" "" "$(ls faults/scratch 2>/dev/null || true)"
# what is in the store is bounded, its beginning and its end are there
loud=$("$ORRERY" ls faults errors --where 'code == 4' --columns stderr --format json)
case $loud in *"the end"*) ;; *) fail "the end of a gibibyte is not in the store" ;; esac
[ "${#loud}" -lt 1000000 ] || fail "${#loud} bytes of standard error in the store"

# --- retries wait, twice as long each time; the rest goes on meanwhile ---
cat >retry.yaml <<YAML
orrery: 1
workflow: retry
facts: {made: {n: int}}
functions:
  third:
    shell: |
      echo x >>$work/tries
      [ "\$(wc -l <$work/tries)" = 3 ]
    retries: 2
    retry-delay: 400ms
rules:
  - rule: third
    match: {_j: job}
    action: {call: third}
    reaction: [{assert: made, with: {n: 1}}]
outputs: {made: {fact: made}}
YAML
exits 0 "$ORRERY" run retry.yaml -n 2 --run-dir retry --quiet
same "attempts" 3 "$(wc -l <tries)"
"$ORRERY" ls retry attempts --columns attempt,start --format csv | tr -d '\r' | tail -n +2 | sort -n >starts
awk -F, 'NR > 1 && $2 - last < (NR == 2 ? 0.3 : 0.6) { exit 1 } { last = $2 }' starts ||
    fail "no back-off: $(cat starts)"

# --- a budget as a part of all attempts: half of these fail ---
cat >half.yaml <<'YAML'
orrery: 1
workflow: half
facts: {item: {i: int}, made: {i: int}}
functions:
  odd: {shell: "exit $(({i} % 2))", in: {i: int}}
rules:
  - {rule: expand, match: {_j: job}, then: [{for: i in range(60), assert: item, with: {i: i}}]}
  - rule: odd
    match: {t: item}
    action: {call: odd, with: {i: t.i}}
    reaction: [{assert: made, with: {i: t.i}}]
    error: [{skip: true}]
outputs: {made: {fact: made}}
YAML
exits 1 "$ORRERY" run half.yaml -n 1 --run-dir half --quiet --max-failures 20%
contains "why" "$err" "--max-failures is 20% of those that ended: stopped"
exits 0 "$ORRERY" resume half -n 1 --quiet --max-failures 60%
same "the rest" 30 "$(rows half facts/made | wc -l)"
exits 2 "$ORRERY" run half.yaml -n 1 --run-dir never --max-failures x%
