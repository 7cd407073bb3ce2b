#!/usr/bin/env bash
# run.sh [CTEST-OPTION...] - install, build and pass all tests
#
# Two builds: optimised, for everything; with sanitizers, for everything but the lint, the kills
# and Slurm. The
# clips that the tests need are fetched into ./clips (or $ORR_CLIPS) and kept there.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"

bash cmake/setup.sh --tests
export ORR_CLIPS=${ORR_CLIPS:-$here/clips}
bash tests/support/clips.sh "$ORR_CLIPS" ||
    echo "run.sh: some clips could not be fetched: the tests that need them are skipped"

# configure NAME OPTION...
build() {
    local name=$1
    shift
    cmake -S . -B "build/$name" -G Ninja -DORR_TESTS=ON "$@" >"/tmp/orrery-cmake-$$.log" ||
        { cat "/tmp/orrery-cmake-$$.log" >&2; exit 1; }
    rm -f "/tmp/orrery-cmake-$$.log"
    cmake --build "build/$name" | tail -n 1
}

build tests -DCMAKE_BUILD_TYPE=RelWithDebInfo -DORR_WERROR=ON
build asan -DCMAKE_BUILD_TYPE=Debug -DORR_WERROR=ON -DORR_SANITIZE=ON

export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=1:detect_stack_use_after_return=0}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$here/tests/support/lsan.supp:print_suppressions=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

echo "== sanitizers =="
ctest --test-dir build/asan -j "$(nproc)" --output-on-failure -LE 'lint|fault|slurm' "$@"
echo "== optimised =="
ctest --test-dir build/tests -j "$(nproc)" --output-on-failure "$@"
