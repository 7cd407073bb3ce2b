#!/usr/bin/env bash
# reuse.sh - results of other runs: --reuse, a cache, and what becomes of them when the other run,
# or the cache, is removed or damaged
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"
unset ORRERY_CACHE
background=
tidy() {
    local code=$?
    [ -z "$background" ] || kill -KILL "$background" 2>/dev/null || true
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT

# Each attempt notes itself: bytes to the store, a file in out/, what a file made of bytes says.
cat >flow.yaml <<YAML
orrery: 1
workflow: flow
inputs: {n: {type: int, default: 3}}
facts:
  item: {i: int}
  bytes: {i: int, data: blob}
  file: {i: int, file: path}
  said: {i: int, text: string}
functions:
  pack:
    shell: "echo pack >> $work/log; for k in 1 2 3 4 5 6 7 8; do echo bytes {i} \$k; done > {out.data}"
    in: {i: int}
    out: {data: blob}
  unpack:
    shell: "echo unpack >> $work/log; cat {data} > {out.file}.txt"
    in: {data: blob}
    out: {file: path}
  say:
    shell: "echo say >> $work/log; head -n 1 {file}"
    in: {file: path}
    stdout: text
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: pack
    match: {t: item}
    action: {call: pack, with: {i: t.i}}
    reaction: [{assert: bytes, with: {i: t.i, data: result.data}}]
  - rule: unpack
    match: {b: bytes}
    action: {call: unpack, with: {data: b.data}}
    reaction: [{assert: file, with: {i: b.i, file: result.file}}]
  - rule: say
    match: {f: file}
    action: {call: say, with: {file: f.file}}
    reaction: [{assert: said, with: {i: f.i, text: strip(result.text)}}]
outputs: {said: {each: said}}
YAML
log() { sort log 2>/dev/null | uniq -c | tr -s ' \n' ' '; }
forget() { rm -f log; }
csv() { "$ORRERY" ls "$1" "$2" --format csv | tr -d '\r' | tail -n +2; }
said() { csv "$1" facts/said | sort | tr '\n' ' '; }
states() { csv "$1" tasks | cut -d, -f 6 | sort | uniq -c | tr -s ' \n' ' '; }
id_of() { sed -n 's/^id //p' "$1/run"; }
run() { # RUN OPTION...
    local dir=$1
    shift
    exits 0 "$ORRERY" run flow.yaml -d "$dir" "$@"
}
# intact RUN: all that it says, and the files that it names
intact() {
    local file i
    same "$1: facts" "0,bytes 0 1 1,bytes 1 1 2,bytes 2 1 " "$(said "$1" | sed 's/0,\([0-9]\),/\1,/g')"
    while IFS=, read -r _ i file; do
        same "$1: $file" "bytes $i 8" "$(tail -n 1 "$file")"
        case $file in "$work/$1/out/"*) ;; *) fail "$1: $file is not in its out/" ;; esac
    done < <(csv "$1" facts/file)
}

# --- the second run of a job does nothing; the cache is all that it needs ---
for ranks in 1 3; do
    forget
    cache=$work/cache$ranks
    a=a$ranks b=b$ranks
    run $a -n $ranks -q --cache "$cache"
    same "$a" " 3 pack 3 say 3 unpack " "$(log)"
    intact $a
    forget
    exits 0 env ORRERY_CACHE="$cache" "$ORRERY" run flow.yaml -n $ranks -d $b
    same "$b does nothing" "" "$(log)"
    contains "$b: summary" "$out" "taken       9 results of other runs"
    same "$b: no notes" "" "$(grep orrery: <<<"$err")"
    same "$b: tasks" " 9 reused " "$(states $b)"
    same "$b: where from" "$(id_of $a)" "$(csv $b tasks | cut -d, -f 11 | sort -u)"
    contains "$b: why" "$("$ORRERY" why $b said i=0)" "taken from run $(id_of $a)"
    intact $b
    rm -rf $a
    intact $b
    # its blobs are its own: a new function reads them, after a resume without a cache
    mv $cache gone
    sed -e 's/^outputs/  - rule: count\n    match: {b: bytes}\n    action: {call: count, with: {data: b.data}}\n    reaction: [{assert: counted, with: {i: b.i, text: strip(result.text)}}]\noutputs/' \
        -e 's/^  say:/  count: {shell: "wc -l < {data}", in: {data: blob}, stdout: text}\n  say:/' \
        -e 's/^  said:/  counted: {i: int, text: string}\n  said:/' flow.yaml >more.yaml
    cp flow.yaml kept.yaml
    cp more.yaml flow.yaml
    exits 0 "$ORRERY" resume $b -n $ranks -q --accept-changes
    cp kept.yaml flow.yaml
    same "$b: read again" "0,8 1,8 2,8 " "$(csv $b facts/counted | sed 's/^0,//' | sort | tr '\n' ' ')"
    same "$b: and nothing else" "" "$(log)"
    same "$b: tasks" " 3 done 9 reused " "$(states $b)"
    mv gone $cache
done
cache=$work/cache1

# --- of a run that is named: the same, and a chain of runs ---
forget
run c -n 2 -q --reuse b1
same "named" "" "$(log)"
intact c
rm -rf b1
run d -n 1 -q --reuse c
same "a chain" "" "$(log)"
rm -rf c
intact d
exits 0 "$ORRERY" resume d -n 1
contains "the source is gone" "$err" "nothing is taken from $work/c"
same "a resume without the source" " 9 reused " "$(states d)"
same "a chain: where from" "$(csv d tasks | cut -d, -f 11 | sort -u | wc -l)" 1
intact d
exits 2 "$ORRERY" run flow.yaml -n 1 -q -d never --reuse nowhere
[ ! -e never ] || fail "a run was made although --reuse names nothing"
exits 2 "$ORRERY" run flow.yaml -n 1 -q -d never --reuse d --no-reuse
exits 0 "$ORRERY" run flow.yaml -n 1 -q -d fresh --cache "$cache" --no-reuse
same "no reuse" " 3 pack 3 say 3 unpack " "$(log)"

# --- what changed is run, and what follows from it; a version is a change ---
forget
sed 's/    in: {data: blob}/    version: "2"\n    in: {data: blob}/' kept.yaml >flow.yaml
run e -n 2 -q --cache "$cache"
same "a version" " 3 say 3 unpack " "$(log)"
same "a version: tasks" " 6 done 3 reused " "$(states e)"
intact e
cp kept.yaml flow.yaml
forget
run more -n 1 -q --cache "$cache" -s n=5
same "more of it" " 2 pack 2 say 2 unpack " "$(log)"
same "more of it: whole" 5 "$(csv more facts/said | wc -l)"

# --- killed in between: the resume takes the rest ---
sed 's/echo say/sleep 0.3; echo say/' kept.yaml >flow.yaml
forget
"$ORRERY" run flow.yaml -n 1 -q -d killed --cache "$cache" 2>/dev/null &
background=$!
some() { [ -s log ]; }
wait_until some
kill -KILL "$background"
wait "$background" 2>/dev/null || true
background=
exits 0 "$ORRERY" resume killed -n 1 -q --cache "$cache"
intact killed
same "killed: what was taken is not made" "" "$(grep -E '^(pack|unpack)' log || true)"
cp kept.yaml flow.yaml

# --- damage: the task runs, a line says so, the run is right ---
fresh_cache() {
    rm -rf dcache source
    run source -n 1 -q --cache dcache
    entry=dcache/$(id_of source)
    forget
}
# after WHAT LOG [WORDS]: a run with the damaged cache
after() {
    rm -rf target
    run target -n 1 -q --cache dcache
    same "$1: ran" "$2" "$(log)"
    intact target
    if [ $# = 3 ]; then
        contains "$1: is told" "$err" "$3"
        same "$1: once" 1 "$(wc -l <<<"$err")"
    else
        same "$1: nothing is told" "" "$err"
    fi
    exits 0 "$ORRERY" resume target -n 1 -q
    intact target
}
# flip FILE OFFSET: another byte there
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    chmod u+w "$1"
    printf "\\x$(printf '%02x' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
offset_of() { grep -abo "$2" "$1" | head -n 1 | cut -d: -f 1; }
all=" 3 pack 3 say 3 unpack "
fresh_cache
rm "$entry/results"
after "no table" "$all" "not used: cannot open results"
fresh_cache
truncate -s 40 "$entry/results"
after "a cut head" "$all" "is damaged, or of another version"
fresh_cache
flip "$entry/results" 70
after "a damaged head" "$all" "is damaged, or of another version"
fresh_cache
flip "$entry/results" "$(offset_of "$entry/results" 'bytes 1 1')"
after "a damaged result" " 1 say " "a result does not match its checksum"
fresh_cache
truncate -s -100 "$entry/results"
after "a cut table" "$all" "is damaged, or of another version"
fresh_cache
for i in 0 1 2 3 4 5 6 7 8; do # rows: 32 bytes each, before two words of filter
    flip "$entry/results" $(($(stat -c %s "$entry/results") - 16 - 9 * 32 + i * 32 + 20))
done
after "damaged rows" "$all" "tasks whose results cannot be taken from there are run"
fresh_cache
rm "$entry"/shards/*
after "no shards" " 3 pack " "a shard is gone"
fresh_cache
cp "$entry"/shards/*.blob.h5 own && mv own "$entry"/shards/*.blob.h5
flip "$entry"/shards/*.blob.h5 "$(offset_of "$entry"/shards/*.blob.h5 'bytes 1 4')"
after "a damaged blob" " 1 pack " "a blob is damaged"
fresh_cache
rm "$entry"/out/*/file.txt
after "no files" " 3 say 3 unpack " "a file that a result names is gone"
fresh_cache
for file in source/out/*/file.txt; do echo "edited" >>"$file"; done # where it is the same file
for file in "$entry"/out/*/file.txt; do touch -d 2001-02-03 "$file"; done
after "changed files" " 3 say 3 unpack " "a file that a result names was changed"
fresh_cache
printf 'nonsense' >"$entry/about"
after "no about" ""
fresh_cache
chmod 000 "$entry"
[ -r "$entry" ] || after "not readable" "$all"
chmod 700 "$entry"

# a run that cannot be entered is told, and counts
forget
touch file
exits 0 "$ORRERY" run flow.yaml -n 1 -q -d unentered --cache file/cache
contains "not entered" "$err" "warning: this run is not in the cache file/cache:"

# --- many at once, and prune in between ---
forget
pids=()
for i in 1 2 3 4; do
    "$ORRERY" run flow.yaml -n 1 -q -d par$i --cache pcache 2>par$i.err &
    pids+=($!)
done
while kill -0 "${pids[0]}" 2>/dev/null; do
    "$ORRERY" cache prune --cache pcache --older-than 0s >/dev/null
done
for pid in "${pids[@]}"; do wait "$pid" || fail "a run with a shared cache failed: $(cat par*.err)"; done
for i in 1 2 3 4; do intact par$i; done

# --- orrery cache ---
fresh_cache
rm -rf source
run source -n 1 -q --cache dcache
entries() { "$ORRERY" cache ls --cache dcache --json | grep -o '"entry": "[0-9a-f]*"' | wc -l; }
same "two entries" 2 "$(entries)"
exits 0 env ORRERY_CACHE=dcache "$ORRERY" cache ls
contains "cache ls" "$out" "$(id_of source)           9"
contains "cache ls" "$out" "$work/source"
exits 0 "$ORRERY" cache ls --cache dcache --json
python3 -c 'import json,sys
rows = json.load(sys.stdin)
assert [r["tasks"] for r in rows] == [9, 9], rows
assert all(r["bytes"] > 0 and r["age_seconds"] >= 0 for r in rows), rows' <<<"$out" || fail "cache ls --json"
exits 2 "$ORRERY" cache ls
contains "which cache" "$err" "Name it with --cache or ORRERY_CACHE"
exits 2 "$ORRERY" cache rm zzzz --cache dcache
exits 2 "$ORRERY" cache rm '' --cache dcache
contains "no name" "$err" "an entry without a name"
exits 0 "$ORRERY" cache ls --cache "$work/none"
contains "no cache" "$err" "nothing is there: $work/none"
exits 2 "$ORRERY" cache rm "$(id_of source)" zzzz --cache dcache
same "all or none" 2 "$(entries)"
exits 2 "$ORRERY" cache prune --cache dcache
for age in 30 d 1y -1d; do exits 2 "$ORRERY" cache prune --cache dcache --older-than $age; done
for size in x 1XiB; do exits 2 "$ORRERY" cache prune --cache dcache --larger-than $size; done
exits 0 "$ORRERY" cache prune --cache dcache --older-than 30d
same "none is old" "" "$out"
exits 0 "$ORRERY" cache prune --cache dcache --larger-than 1KiB --dry-run
same "dry" 2 "$(grep -c '^would remove' <<<"$out")"
same "dry: all stay" 2 "$(entries)"
exits 0 "$ORRERY" cache rm "$(id_of source | cut -c 1-12)" --cache dcache
same "one is left" 1 "$(entries)"
exits 0 "$ORRERY" cache prune --cache dcache --larger-than 0
same "none is left" 0 "$(entries)"
exits 0 "$ORRERY" cache ls --cache nowhere

# --- media functions: chunks in the shards of a run that is gone, a film in its out/ ---
if [ -s "$ORR_CLIPS/ocean.mp4" ]; then
    cat >film.yaml <<YAML
orrery: 1
job: film
workflow: $source_dir/workflows/ladder.yaml
inputs:
  source: $ORR_CLIPS/ocean.mp4
  target: 0.5
  rungs: [{name: a, height: 120, crf: 32}]
YAML
    exits 0 "$ORRERY" run film.yaml -n 3 -q -d film1 --cache fcache
    film=$(cd film1/out && find . -name '*.mp4' -exec md5sum {} +)
    rm -rf film1
    exits 0 "$ORRERY" run film.yaml -n 3 -q -d film2 --cache fcache
    same "a film: tasks" reused "$(csv film2 tasks | cut -d, -f 6 | sort -u)"
    same "a film: the same" "$film" "$(cd film2/out && find . -name '*.mp4' -exec md5sum {} +)"
    rm -rf fcache
    # another rung of the same chunks
    sed -i 's/^  rungs:.*/  rungs: [{name: b, height: 90, crf: 34}]/' film.yaml
    exits 0 "$ORRERY" run film.yaml -n 3 -q -d film3 --reuse film2
    contains "a film: chunks are taken" "$(csv film3 tasks | grep media.split; csv film3 tasks | grep split)" reused
    # another film under the same name, in the same run: the first one is not offered any more
    film=$(cd film3/out && find . -name '*.mp4' -exec md5sum {} +)
    cp film.yaml film34.yaml
    sed -i 's/crf: 34/crf: 40/' film.yaml
    exits 0 "$ORRERY" resume film3 -n 3 -q --accept-changes --cache fcache
    cp film.yaml film40.yaml
    cp film34.yaml film.yaml
    [ "$film" != "$(cd film3/out && find . -name '*.mp4' -exec md5sum {} +)" ] || fail "films do not differ"
    exits 0 "$ORRERY" run film.yaml -n 3 -q -d film4 --cache fcache
    same "a film of two: the first is made again" "$film" "$(cd film4/out && find . -name '*.mp4' -exec md5sum {} +)"
    same "a film of two: only that" "mux" "$(csv film4 tasks | grep ',done,' | cut -d, -f 3)"
    # the run itself, back to what it was: its first film is not there any more either
    exits 0 "$ORRERY" resume film3 -n 3 -q --accept-changes --no-reuse
    contains "a film of two: said" "$err" "b.mp4 is another task's by now: the task of 'mux' that made it runs again"
    same "a film of two: back" "$film" "$(cd film3/out && find . -name '*.mp4' -exec md5sum {} +)"
    rm -rf film2
    exits 0 "$ORRERY" resume film3 -n 3 -q
    epoch=$(sed -n 's/^epoch //p' film3/run)
    same "a film: nothing is made again" "" \
        "$("$ORRERY" ls film3 attempts -f csv -w "epoch == $epoch" -c task | sed 1d)"
fi

# --- another file system: linked by name, and said ---
other=$(mktemp -d /dev/shm/orrery-reuse.XXXXXX)
if [ "$(stat -c %d "$other")" != "$(stat -c %d "$work")" ]; then
    forget
    run here -n 1 -q
    forget
    exits 0 "$ORRERY" run flow.yaml -n 1 -q -d "$other/run" --reuse here
    contains "by name" "$err" "here is on another file system, or another user's: its shards are linked by name, so keep it"
    same "by name: nothing ran" "" "$(log)"
    same "by name: files are copied" "bytes 0 8" "$(tail -qn 1 "$other"/run/out/*/file.txt | sort | head -n 1)"
fi
rm -rf "$other"
