#!/usr/bin/env bash
# commands.sh - functions that are programs: results, failures, time, what is left behind
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"

# job NAME FUNCTIONS RULES...: a workflow with the outputs `all: each done`
workflow() {
    cat >"$1.yaml" <<YAML
orrery: 1
workflow: $1
inputs: {seed: {type: int, default: 1}, mark: {type: string, default: "$work/mark"}}
facts:
  done: {what: string, n: int}
$(cat)
outputs: {all: {each: done}}
YAML
}
rows() { "$ORRERY" ls "$1" "$2" --format csv | tr -d '\r' | tail -n +2; }

# --- results: json, text, lines, lists, suffixes, blobs, exit codes ---
workflow results <<'YAML'
  pair: {name: string, size: float}
  wanted: {n: int}
  piece: {n: int, data: blob}
  given: {n: int?}
functions:
  as_json:
    shell: |
      echo '{{"pairs": [{{"name": "a b", "size": 1}}, {{"name": "it'"'"'s", "size": 2.5}}],'
      echo ' "count": 7, "good": true, "note": null, "took": 1.5}}'
    out: {pairs: list<pair>, count: int, good: bool, note: string?, took: duration}
    stdout: json
  as_text: {command: [printf, '%s\n', "{word}"], in: {word: string}, stdout: text}
  as_lines: {command: [printf, '%s\n', -, "{words}", "x{len(words)}"], in: {words: list<string>}, stdout: lines}
  quoted: {shell: "printf '%s\n' {words} | wc -l", in: {words: list<string>}, stdout: text}
  files:
    shell: |
      printf 12345 > {out.plain}
      printf 123 > {out.plain_too}.txt
      printf 1 > {out.renamed}.new; mv {out.renamed}.new {out.renamed}
    out: {plain: path, plain_too: path, renamed: path}
  make: {command: [dd, if=/dev/zero, "of={out.data}.bin", bs=1000, "count={n}", status=none], in: {n: int}, out: {data: blob}}
  no_match: {command: [grep, x, /dev/null], exit: [0, 1], env: {LC_ALL: C}}
  surroundings:
    shell: "printf '%s %s' \"$WHO\" \"$OMP_NUM_THREADS\"; pwd >&2"
    in: {who: string}
    env: {WHO: "{who}!"}
    cores: 2
    stdout: text
  read: {command: [head, -qc, "{n}", "{one}", "{many}"], in: {one: blob, many: list<blob>, n: int}, stdout: text}
  count: {shell: "wc -c < {one}; cat {many} | wc -c; ls .in | xargs", in: {one: blob, many: list<blob>}, stdout: lines}
  numbers:
    shell: |
      echo $(({n} + 1)) "$(({n} - 1)) 'n {n}'" 'x {half}' {n}{half} {t}
      cat <<END
      it's {n}
      END
    in: {n: int, half: float, t: duration}
    stdout: lines
  optional: {command: [echo, x, "{['-n', str(n)] if n != null else []}"], in: {n: "int?"}, stdout: text}
rules:
  - {rule: r1, match: {j: job}, action: {call: as_json}, reaction: [
      {for: p in result.pairs, assert: done, with: {what: "json {p.name} {p.size}", n: result.count}},
      {assert: done, with: {what: "json {result.good} {seconds(result.took)}", n: 0 if result.note == null else 1}}]}
  - {rule: r2, match: {j: job}, action: {call: as_text, with: {word: "a 'quoted' $HOME *"}},
     reaction: [{assert: done, with: {what: "text {strip(result.text)}", n: 0}}]}
  - {rule: r3, match: {j: job}, action: {call: as_lines, with: {words: ["a b", "", "$(id)"]}},
     reaction: [{assert: done, with: {what: "lines {join(result.lines, '|')}", n: len(result.lines)}}]}
  - {rule: r4, match: {j: job}, action: {call: quoted, with: {words: ["a b", "it's", "$(id)"]}},
     reaction: [{assert: done, with: {what: "quoted {strip(result.text)}", n: 0}}]}
  - {rule: r5, match: {j: job}, action: {call: files}, reaction: [
      {assert: done, with: {what: "plain {basename(result.plain)}", n: 0}},
      {assert: done, with: {what: "plain_too {basename(result.plain_too)}", n: 0}},
      {assert: done, with: {what: "renamed {basename(result.renamed)}", n: 0}}]}
  - {rule: r6, match: {j: job}, action: {call: make, with: {n: 3000}},
     reaction: [{assert: done, with: {what: "blob", n: bytes(result.data)}}]}
  - rule: r9
    match: {_j: job}
    for: n in [7, 9]
    assert: wanted
    with: {n: n}
  - {rule: r10, match: {w: wanted}, action: {call: make, with: {n: w.n}},
     reaction: [{assert: piece, with: {n: w.n, data: result.data}}]}
  - rule: r11
    match: {_j: job}
    gather: {p: piece, count: 2, order: p.n}
    action: {call: count, with: {one: "{p.data[0]}", many: p.data}}
    reaction:
      - {assert: done, with: {what: "blobs {join(result.lines, ' ')}", n: 0}}
  - rule: r12
    match: {_j: job}
    gather: {p: piece, count: 2, order: p.n}
    action: {call: read, with: {one: "{p.data[1]}", many: p.data, n: 0}}
    reaction:
      - {assert: done, with: {what: "read '{result.text}'", n: 0}}
  - rule: r13
    match: {_j: job}
    action: {call: numbers, with: {n: 7, half: 0.5, t: 2s}}
    reaction:
      - {assert: done, with: {what: "{join(result.lines, '|')}", n: 0}}
  - {rule: r14, match: {_j: job}, then: [{assert: given, with: {n: 1}}, {assert: given}]}
  - {rule: r16, match: {g: given}, action: {call: optional, with: {n: g.n}},
     reaction: [{assert: done, with: {what: "optional {strip(result.text)}", n: 0}}]}
  - {rule: r7, match: {j: job}, action: {call: no_match}, reaction: [{assert: done, with: {what: "code", n: 1}}]}
  - {rule: r8, match: {j: job}, action: {call: surroundings, with: {who: "me"}},
     reaction: [{assert: done, with: {what: "env {result.text}", n: 0}}]}
YAML
exits 0 "$ORRERY" run results.yaml -n 3 --run-dir results --quiet
same "results" "$(sort <<'ROWS'
0,8 6 'n 7' x 0.5 70.5 2|it's 7,0
0,blob,3000000
0,blobs 7000 16000 many many.1 one,0
0,code,1
0,env me! 2,0
0,json a b 1.0,7
0,json it's 2.5,7
0,json true 1.5,0
0,lines -|a b||$(id)|x3,5
0,optional x -n 1,0
0,optional x,0
0,plain plain,0
0,plain_too plain_too.txt,0
0,quoted 3,0
0,read '',0
0,renamed renamed,0
0,text a 'quoted' $HOME *,0
ROWS
)" "$(rows results facts/done | sort)"
same "files kept" "1 3 5 " "$(find results/out -type f -printf '%s\n' | sort -n | tr '\n' ' ')"
same "scratch is empty" "" "$(ls results/scratch)"

# --- failures: each names the program, and its last words ---
# failing WHAT FUNCTION KIND CODE MESSAGE: run it alone
failing() {
    workflow "$1" <<YAML
functions: {f: $2}
rules: [{rule: r, match: {j: job}, action: {call: f}, reaction: [{assert: done, with: {what: "ok", n: 1}}]}]
YAML
    exits 1 "$ORRERY" run "$1.yaml" -n 1 --run-dir "$1" --quiet
    contains "$1" "$err" "$5"
    contains "$1: row" "$(rows "$1" errors)" ",$3,$4,"
    same "$1: out" "" "$(find "$1/out" -type f)"
}
failing missing "{command: [no-such-program-here, x]}" exit 127 \
    "cannot run 'no-such-program-here': No such file or directory"
failing words "{shell: 'echo first >&2; echo the last words >&2; exit 3'}" exit 3 \
    "/bin/sh exited with code 3: the last words"
contains "stderr in errors" "$("$ORRERY" ls words errors --format json)" 'first\nthe last words'
failing crash "{shell: 'kill -SEGV \$\$'}" signal 11 "signal 11"
failing nofile "{command: ['true', '{out.x}.png'], out: {x: path}}" io 2 "'x.png' cannot be taken"
failing notjson "{command: [echo, hello], stdout: json, out: {n: int}}" invalid 0 \
    "standard output is no JSON"
failing wrongtype "{command: [echo, '{{\"n\": \"7\"}}'], stdout: json, out: {n: int}}" invalid 0 \
    "the result 'n' must be int, but is a string; printed was: {\"n\": \"7\"}"
failing nomember "{command: [echo, '{{\"m\": 7}}'], stdout: json, out: {n: int}}" invalid 0 \
    "the result 'n' (int) is missing; printed was: {\"m\": 7}"
failing besides "{command: [./measure], out: {x: path}, env: {X: '{out.x}'}}" exit 127 \
    "cannot run './measure': No such file or directory; relative paths start in a scratch directory"
failing memory "{shell: 'tail -n 1 /dev/zero > {out.x}', memory: 64MiB, out: {x: path}}" \
    memory 0 "more than its limit of 64 MiB"
failing huge "{shell: 'truncate -s 1T {out.x}', out: {x: blob}}" memory 0 \
    "/bin/sh returns blobs of 1 TiB, and blobs pass through memory"

# a child that dies leaves nothing of what it had made before
workflow heir <<'YAML'
functions:
  make: {shell: 'echo 1234 > {out.x}', out: {x: blob}}
  die: {shell: 'kill -KILL $PPID', in: {x: blob}}
rules:
  - {rule: one, match: {j: job}, action: {call: make}, reaction: [{assert: made, with: {x: result.x}}]}
  - {rule: two, match: {m: made}, action: {call: die, with: {x: m.x}}, reaction: [{assert: done, with: {what: "ok", n: 1}}]}
YAML
sed -i 's/^facts:/facts:\n  made: {x: blob}/' heir.yaml
exits 1 "$ORRERY" run heir.yaml -n 2 --run-dir heir --quiet
contains "heir" "$err" "the command's helper was ended by signal 9"
same "heir: attempts" "make,none die,signal" \
    "$("$ORRERY" ls heir attempts -c function,failure --format csv | tr -d '\r' | tail -n +2 | paste -sd' ')"

# --- a timeout ends the whole group, also what ignores TERM and runs behind the shell ---
workflow timeout <<'YAML'
functions:
  hang:
    shell: |
      sh -c 'trap "" TERM; echo $$ >> "$1"; while :; do sleep 1000; done' sh {mark} &
      sleep 1001 & echo $! >> {mark}
      echo $$ >> {mark}
      wait
    in: {mark: string}
    timeout: 1s
rules: [{rule: r, match: {j: job}, action: {call: hang, with: {mark: j.mark}}, reaction: [{assert: done, with: {what: "ok", n: 1}}]}]
YAML
exits 1 "$ORRERY" run timeout.yaml -n 2 --run-dir timeout --quiet
contains "message" "$err" "/bin/sh ran longer than its timeout of 1"
contains "row" "$(rows timeout errors)" ",timeout,"
same "processes noted" 3 "$(wc -l <mark)"
while read -r pid; do
    wait_until sh -c "! kill -0 $pid"
    checks=$((checks + 1))
done <mark

# --- retries: after back-off, and by handlers ---
workflow retries <<'YAML'
functions:
  third_time:
    shell: |
      echo x >> {mark}
      test "$(wc -l < {mark})" -ge 3 || {{ echo "not yet" >&2; exit 9; }}
    in: {mark: string}
    retries: 3
    retry-delay: 200ms
rules: [{rule: r, match: {j: job}, action: {call: third_time, with: {mark: j.mark}}, reaction: [{assert: done, with: {what: "ok", n: 1}}]}]
YAML
exits 0 "$ORRERY" run retries.yaml -n 2 --run-dir retries --quiet -s "mark=$work/third"
same "attempts" 3 "$(rows retries attempts | wc -l)"
same "failed ones" 2 "$(rows retries errors | grep -c 'not yet')"
same "tries" 3 "$(wc -l <third)"

workflow handlers <<'YAML'
functions:
  by_code: {shell: "exit {code}", in: {code: int}, exit: 0}
  once_more: {shell: "echo {way}; test {way} = careful", in: {way: string}, stdout: text}
rules:
  - rule: asserted
    match: {j: job}
    action: {call: by_code, with: {code: 4}}
    reaction: [{assert: done, with: {what: "never", n: 0}}]
    error:
      - {when: error.code == 5, fail: "not this one"}
      - when: error.kind == "exit" and error.code == 4
        assert: done
        with: {what: "caught {error.message}", n: attempt}
  - rule: skipped
    match: {j: job}
    action: {call: by_code, with: {code: 6}}
    error: [{skip: true}]
  - rule: changed
    match: {j: job}
    action: {call: once_more, with: {way: "hasty"}}
    reaction: [{assert: done, with: {what: strip(result.text), n: 2}}]
    error: [{retry: {max: 1, delay: 100ms, with: {way: "careful"}}}]
YAML
exits 0 "$ORRERY" run handlers.yaml -n 2 --run-dir handlers --quiet
same "facts" "0,careful,2 0,caught /bin/sh exited with code 4,1 " \
    "$(rows handlers facts/done | sort | tr '\n' ' ')"

workflow failed <<'YAML'
functions: {by_code: {shell: "exit {code}", in: {code: int}}}
rules:
  - rule: told
    match: {j: job}
    action: {call: by_code, with: {code: 8}}
    reaction: [{assert: done, with: {what: "never", n: 0}}]
    error: [{fail: "seed {j.seed} did not grow: code {error.code}"}]
YAML
cat >two.yaml <<'YAML'
orrery: 1
job: two
workflow: failed.yaml
requests: [{seed: 4}, {seed: 5}]
YAML
exits 1 "$ORRERY" run two.yaml -n 1 --run-dir two
contains "message of the author" "$err" "seed 4 did not grow: code 8"
contains "other request" "$err" "seed 5 did not grow: code 8"
same "state" failed "$(state two)"

# --- a function in C that is told to run in the worker, and fails there ---
workflow unisolated <<'YAML'
functions:
  here: {use: core.busy, isolation: none}
rules:
  - rule: asking
    match: {_j: job}
    for: n in [-2, -1, 1]
    assert: asked
    with: {time: n * 1ms}
  - rule: called
    match: {a: asked}
    action: {call: here, with: {time: a.time}}
    reaction: [{assert: done, with: {what: "busy", n: 0}}]
    error: [{assert: done, with: {what: "{error.kind} {error.message}", n: attempt}}]
YAML
sed -i 's/^facts:/facts:\n  asked: {time: duration}/' unisolated.yaml
exits 0 "$ORRERY" run unisolated.yaml -n 2 --run-dir unisolated --quiet
same "unisolated" "0,busy,0 0,invalid time is negative,1" \
    "$(rows unisolated facts/done | sort | paste -sd' ')"
same "unisolated: failures" 2 "$(rows unisolated errors | grep -c ',invalid,')"
