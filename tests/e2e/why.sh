#!/usr/bin/env bash
# why.sh - orrery why, of runs that are finished, failed, on, killed and resumed
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"

cat >takes.yaml <<'YAML'
orrery: 1
workflow: takes
inputs:
  n: {type: int, default: 4}
  target: {type: float, default: 0.93}
  list: {type: path, default: list.txt}
  gate: {type: string, default: none}
  closed: {type: int, default: -1}
facts:
  item: {i: int}
  take: {i: int, vif: float}
  good: {i: int, vif: float, name: string}
  sum: {n: int}
functions:
  take:
    shell: |
      test {i} -ne 2 || {{ echo 'bad item' >&2; exit 3; }}
      test {i} -ne {closed} || read -r opened <{gate}
      printf '{{"vif": 0.9%s}}' {i}
    in: {list: path, gate: string, i: int, closed: int}
    out: {vif: float}
    stdout: json
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: take it
    match: {j: job, t: item}
    action: {call: take, with: {list: j.list, gate: j.gate, i: t.i, closed: j.closed}}
    reaction: [{assert: take, with: {i: t.i, vif: result.vif}}]
    error: [{when: error.code == 3, skip: true}]
  - rule: good enough
    match: {j: job, t: take}
    where: t.vif >= j.target
    assert: good
    with: {i: t.i, vif: t.vif, name: "take {t.i}"}
  - rule: add up
    match: {j: job}
    gather: {g: take, where: g.vif > 0.0, count: j.n}
    assert: sum
    with: {n: sum(g.i)}
outputs: {goods: {each: good}, sum: {fact: sum}}
YAML
echo one >list.txt

# why ARGUMENT...: what it prints, with machine, times and identities made the same
why() {
    exits 0 "$ORRERY" why "$@"
    told=$(sed -E 's/ on [^ ]+, rank [0-9]+, core [0-9]+, [0-9.]+ s/ on HOST/; s/\[[0-9a-f]{8}\]/[ID]/' \
        <<<"$out" | sed -E 's/\(list: .*, i: /(..., i: /')
}
contents() { find "$1" -type f -exec md5sum {} + | sort -k 2; }

# --- a run that failed: an output that does not hold ---
exits 1 "$ORRERY" run takes.yaml -n 1 --run-dir failed --quiet
before=$(contents failed)
why failed good
contains "a fact" "$told" "good {i: 3, vif: 0.93, name: \"take 3\"}
  made by rule 'good enough' (takes.yaml:30)"
contains "its task" "$told" "called take(..., i: 3, closed: -1) [ID]: done
          attempt 1 on HOST: done"
why failed sum
same "a gathering" "request 0 failed: output 'sum' has no fact 'sum'
there is no sum
  could come of rule 'add up' (takes.yaml:35)
    it has gathered 3 of 4 facts 'take'
      there is take {i: 0, vif: 0.9}
      there is take {i: 1, vif: 0.91}
      there is take {i: 3, vif: 0.93}
      there is no take with i = 2
        the nearest there is: take {i: 1, vif: 0.91}
        could come of rule 'take it' (takes.yaml:25)
          it fired for t = item {i: 2}
            called take(..., i: 2, closed: -1) [ID]: failed: exit: /bin/sh exited with code 3: bad item
              attempt 1 on HOST: exit 3: /bin/sh exited with code 3: bad item
            its error handler took over: skip" "$told"
why failed good i=1
contains "the nearest miss" "$told" "      t.vif >= j.target: 0.91 >= 0.93 is false"
same "short and long form" "$out" \
    "$("$ORRERY" why failed output goods --where 'i == 1' 2>/dev/null)"
why failed good --where 'name == "take 3" and vif > 0.5'
contains "a condition" "$told" "good {i: 3"
why failed
contains "no name: all outputs" "$told" "request 0 failed
  request 0 failed: output 'sum'"
contains "no name: the missing one" "$told" "  output 'sum' does not hold"
why failed rule 'good enough'
contains "a rule" "$told" "  it fired 1 times"
id=$("$ORRERY" ls failed tasks -f csv | sed -n 's/^1,\([0-9a-f]*\),.*/\1/p')
why failed task 1
contains "a task by number" "$told" "take(..., i: 1, closed: -1) [ID]: done"
same "a task by identity" "$out" "$("$ORRERY" why failed "task" "$id")"
exits 0 "$ORRERY" why failed sum --json
python3 -c 'import json, sys; json.load(sys.stdin)' <<<"$out" || fail "why --json is no JSON"
same "nothing was written" "$before" "$(contents failed)"

# --- wrong words ---
wrong() { # wrong MESSAGE ARGUMENT...
    local message=$1
    shift
    exits 2 "$ORRERY" why "$@"
    contains "$*" "$err" "$message"
}
wrong "no fact, output or rule 'goood'; did you mean 'good'?" failed goood
wrong "no fact 'godo'; did you mean 'good'?" failed fact godo
wrong "no rule 'take is'; did you mean 'take it'?" failed rule 'take is'
wrong "facts 'good' have no field 'viff'; did you mean 'vif'?" failed good viff=1
wrong "FIELD=VALUE is wanted, not 'i'" failed good i
wrong "i:1:1: error: unknown name 'x'" failed good i=x
wrong "--where:1:1: error" failed good --where 'x == 1'
wrong "conditions go with facts, not with a rule" failed rule 'add up' n=1
wrong "there is no request 7" failed good --request 7
wrong "run.h5 has no task 99" failed task 99
wrong "no task whose identity begins with ffffffffff" failed task ffffffffff
wrong "a task is a number" failed task x
wrong "none" none good
wrong "orrery why: RUN is missing" --json
wrong "usage: orrery why" --json

# --- the files change after the run ---
cp takes.yaml kept.yaml
cp -p list.txt time
touch -d '2020-01-01' list.txt
why failed take i=1
contains "a changed input: told as it was" "$told" "take {i: 1, vif: 0.91}"
contains "a changed input: said" "$err" "4 tasks name files, or versions of functions, that have changed"
touch -r time list.txt
sed -i 's/default: 0.93/default: 0.5/' takes.yaml
why failed good i=1
contains "a changed workflow: told as it was" "$told" "0.91 >= 0.93 is false"
contains "a changed workflow: said" "$err" "takes.yaml has changed since the run began"
why failed good i=1 --now
contains "a changed workflow: --now" "$told" "good {i: 1, vif: 0.91"
same "--now: nothing to say" "" "$err"
rm takes.yaml
why failed good i=1
contains "a workflow that is gone: said" "$err" "takes.yaml is gone since the run began"
mv kept.yaml takes.yaml

# --- a setting with a relative path, looked at (and resumed) from elsewhere ---
mkdir elsewhere
echo two >other.txt
exits 0 "$ORRERY" run takes.yaml -n 1 --run-dir relative --quiet --set n=2 --set target=0.9 \
    --set list=other.txt
cd elsewhere
why ../relative take i=1
contains "from elsewhere" "$told" "take {i: 1, vif: 0.91}"
same "from elsewhere: nothing to say" "" "$err"
exits 0 "$ORRERY" resume ../relative -n 1
contains "from elsewhere: all is done" "$out" "2 reused"
cd ..

# --- a run that is finished ---
exits 0 "$ORRERY" run takes.yaml -n 1 --run-dir finished --quiet --set n=2 --set target=0.9
why finished
same "each output has a fact" "request 0 succeeded
  each output has a fact" "$told"
why finished sum
contains "a gathered fact" "$told" "    gathered g: 2 facts 'take'"

# --- a run that is on: item 1 waits for the gate ---
mkfifo gate
exec 9<>gate # neither opening nor writing it waits
"$ORRERY" run takes.yaml -n 1 --run-dir on --quiet --set n=2 --set closed=1 --set target=0.9 \
    --set gate="$work/gate" 9<&- &
runner=$!
trap 'kill -KILL $runner 2>/dev/null || true; echo open >&9; at_exit' EXIT
item_0_is_stored() { "$ORRERY" why on take i=0 2>/dev/null | grep -q '^take {i: 0'; }
wait_until item_0_is_stored
why on take i=1
contains "on: said" "$err" "the run is on"
contains "on: what it waits for" "$told" "called take(..., i: 1, closed: 1) [ID]: not finished"
same "on: no attempt has ended" 0 "$(grep -c 'attempt 1' <<<"$told" || true)"
exits 2 "$ORRERY" why on task 1
contains "on: no numbers yet" "$err" "no run.h5 yet"

# --- killed, and resumed ---
kill -KILL "$runner"
wait "$runner" 2>/dev/null || true
why on sum
contains "killed: what was there" "$told" "it has gathered 1 of 2 facts 'take'"
contains "killed: what was not" "$told" "called take(..., i: 1, closed: 1) [ID]: not finished"
printf 'open\n%.0s' 1 2 3 >&9 # one for a shell of the dead run, should it still read
exits 0 "$ORRERY" resume on -n 1 --quiet
why on sum
contains "resumed: of the first session" "$told" "attempt 1 on HOST, session 1: done"
contains "resumed: of the second" "$told" "attempt 1 on HOST: done"
