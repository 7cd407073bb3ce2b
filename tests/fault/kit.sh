# kit.sh - what the scripts of tests/fault share: a workflow of short tasks, its result in
# words, the processes of a run; source it after lib.sh
# shellcheck shell=bash

# Naps, blobs and files, an nth of each; the bytes of all follow from i.
many_yaml() {
    cat <<'YAML'
orrery: 1
workflow: many
inputs: {n: {type: int, default: 60}}
facts:
  item: {i: int}
  done: {i: int, text: string, bytes: blob?, file: path?}
functions:
  nap: {use: core.sleep, retries: 20}
  keep:
    shell: "seq {i} {to} >{out.data}"
    in: {i: int, to: int}
    out: {data: blob}
    retries: 20
  file:
    shell: "seq 1 {i} >{out.list}.txt; printf 'of %d' {i}"
    in: {i: int}
    out: {list: path}
    stdout: text
    retries: 20
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: nap
    match: {t: item}
    where: t.i % 6 > 1
    action: {call: nap, with: {time: 3ms, i: t.i}}
    reaction: [{assert: done, with: {i: result.i, text: "nap"}}]
  - rule: keep
    match: {t: item}
    where: t.i % 6 == 0
    action: {call: keep, with: {i: t.i, to: t.i + t.i * 37 % 4000}}
    reaction: [{assert: done, with: {i: t.i, text: "keep", bytes: result.data}}]
  - rule: file
    match: {t: item}
    where: t.i % 6 == 1
    action: {call: file, with: {i: t.i}}
    reaction: [{assert: done, with: {i: t.i, text: result.text, file: result.list}}]
outputs: {all: {each: done}}
YAML
}

# What a finished run made: each fact with the hash of its blob, each file with its own, the
# number of tasks and of those without a result. Where things lie is left out.
made() {
    "$ORRERY" ls "$1" facts/done --format csv | tr -d '\r' | tail -n +2 |
        sed "s,$work/$1/,," | cut -d, -f1-5,8 | sort
    (cd "$1/out" && find . -type f -exec sha256sum {} + | sort)
    "$ORRERY" ls "$1" tasks --format csv | tail -n +2 | wc -l
}

# Processes of a run directory.
all_of() { pgrep -f -- "--run-dir $work/$1 |resume $work/$1 |$work/$1/scratch" || true; }
nobody_left() { [ -z "$(all_of "$1")" ]; }
