#!/usr/bin/env bash
# library.sh - liborrery as it is installed: the example of the documents is compiled against it by
# pkg-config, and by CMake, and reads a run
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
command -v pkg-config >/dev/null || skip "no pkg-config"
[ "${ORR_SANITIZED-}" != ON ] || skip "a program would have to be built with the sanitizers, too"
build=$(dirname "$ORRERY")
[ -e "$build/cmake_install.cmake" ] || skip "$build is no build tree"
cd "$work"

exits 0 cmake --install "$build" --prefix "$work/there"
mv there installed # all paths follow the place
PKG_CONFIG_PATH=$(dirname "$(find installed -name orrery.pc)")
export PKG_CONFIG_PATH
libdir=$(pkg-config --variable=libdir orrery)
example=installed/share/doc/orrery/examples/read_run.c

# shellcheck disable=SC2046 # several options
exits 0 "${CC:-cc}" -std=c17 -Wall -Wextra -Werror "$example" $(pkg-config --cflags --libs orrery) -o read_run
same "warnings" "" "$err"
same "exported" "" "$(nm -D --defined-only "$libdir/liborrery.so" | grep -v ' orr_read_\| ORRERY_0$' || true)"

cat >squares.yaml <<'YAML'
orrery: 1
workflow: squares
inputs: {n: {type: int, default: 3}}
facts: {number: {i: int}, square: {i: int, digits: blob}}
functions:
  square: {shell: "expr {i} '*' {i} > {out.digits}", in: {i: int}, out: {digits: blob}}
rules:
  - {rule: numbers, match: {j: job}, for: i in range(1, j.n + 1), assert: number, with: {i: i}}
  - rule: square
    match: {n: number}
    action: {call: square, with: {i: n.i}}
    reaction: [{assert: square, with: {i: n.i, digits: result.digits}}]
outputs: {squares: {each: square}}
YAML
exits 0 "$ORRERY" run squares.yaml -n 3 --quiet --run-dir run
export LD_LIBRARY_PATH=$libdir
exits 0 ./read_run run
contains "the run" "$out" "squares: succeeded"
contains "a table" "$out" "facts/square: 3 rows: request i digits.bytes [bytes] digits.hash"
contains "units" "$out" "tasks: 3 rows: task identity function rule request state attempts start [s] seconds [s] cpu [s]"
contains "a sum" "$out" "processor time of all tasks: 0."
contains "a blob" "$out" "the first blob has 2 bytes"
exits 0 "$ORRERY" export run --to take.h5
exits 0 ./read_run take.h5
contains "a blob inside" "$out" "the first blob has 2 bytes"
exits 1 ./read_run nowhere
same "no run" "read_run: cannot read nowhere: No such file or directory" "$err"
rm run/run.h5
exits 1 ./read_run run
same "no run file" 'read_run: run has no run.h5; `orrery export run` makes it' "$err"
exits 0 "$ORRERY" export run
exits 0 ./read_run run

mkdir project
cp "$example" project/
cat >project/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.20)
project(reader C)
find_package(orrery REQUIRED)
add_executable(reader read_run.c)
target_link_libraries(reader orrery::run)
CMAKE
exits 0 cmake -S project -B project/build -DCMAKE_PREFIX_PATH="$work/installed"
exits 0 cmake --build project/build
unset LD_LIBRARY_PATH
exits 0 project/build/reader run
contains "by CMake" "$out" "squares: succeeded"
