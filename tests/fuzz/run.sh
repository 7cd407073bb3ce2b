#!/usr/bin/env bash
# run.sh [--repeatable] [SECONDS [TARGET...]] - build the fuzz targets and run each for SECONDS
# (60), two at a time
#
# Prints executions and coverage of each target; exit code 1 when one found something.
# What it found lies in build/fuzz/found: fix it, and keep it in tests/fuzz/regress/TARGET.
# The corpus grows in build/fuzz/corpus. With --repeatable it is not used, and the inputs are
# the same in each run of the same sources: for CI, whose verdict must not be a matter of chance.
set -euo pipefail
repeatable=
[ "${1:-}" != --repeatable ] || { repeatable=1; shift; }
seconds=${1:-60}
[ $# -eq 0 ] || shift
cd "$(dirname "$0")/../.."
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz | tail -n 1

corpus=build/fuzz/corpus
found=build/fuzz/found
seeds=build/fuzz/corpus-seeds
steady=()
start=()
bash tests/fuzz/seeds.sh "$seeds"
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=8:detect_stack_use_after_return=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}

if [ "$repeatable" ]; then # no clock and no address decides what comes next
    corpus=$(mktemp -d)
    trap 'rm -rf "$corpus"' EXIT
    steady=(-seed=1 -reload=0 -entropic=0)
    start=(setarch -R)
    "${start[@]}" true 2>/dev/null || start=()
fi

one() { # TARGET: its last lines tell, its exit code is the fuzzer's
    local target=$1 log=build/fuzz/$1.log
    local from=("$seeds/$target" "tests/fuzz/regress/$target")
    mkdir -p "$corpus/$target" "$found"
    if [ "$repeatable" ]; then
        find "${from[@]}" -type f | LC_ALL=C sort | paste -sd, >"$corpus/$target.list"
        from=(-seed_inputs=@"$corpus/$target.list")
    fi
    "${start[@]}" "build/fuzz/tests/fuzz_$target" -max_total_time="$seconds" -rss_limit_mb=256 \
        -timeout=10 -max_len=65536 -dict=tests/fuzz/words.dict -print_final_stats=1 \
        "${steady[@]}" -artifact_prefix="$found/$target-" "$corpus/$target" "${from[@]}" \
        >"$log" 2>&1 && return 0
    tail -n 40 "$log" >&2
    return 1
}

tell() {
    local log=build/fuzz/$1.log
    printf '%-12s %10s executions, %6s edges, %5s MiB at most\n' "$1" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
        "$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d' ' -f2)" \
        "$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")"
}

failed=0
targets=("$@")
[ $# -gt 0 ] || targets=(workflow job expression template format shard import site)
for ((i = 0; i < ${#targets[@]}; i += 2)); do
    pair=("${targets[@]:i:2}")
    processes=()
    for target in "${pair[@]}"; do
        one "$target" &
        processes+=($!)
    done
    for process in "${processes[@]}"; do
        wait "$process" || failed=1
    done
    for target in "${pair[@]}"; do
        tell "$target"
    done
done
exit $failed
