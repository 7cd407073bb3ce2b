#!/usr/bin/env bash
# headers.sh - each public header compiles alone, as C17 and as C++, and its version is the
# project's
set -euo pipefail
root=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
bad=0

compilers=()
command -v "${CC:-cc}" >/dev/null && compilers+=("${CC:-cc} -x c -std=c17")
command -v "${CXX:-c++}" >/dev/null && compilers+=("${CXX:-c++} -x c++ -std=c++14")
[ ${#compilers[@]} -gt 0 ] || { echo "headers.sh: no compiler"; exit 77; }

for header in "$root"/include/orrery/*.h; do
    name=orrery/$(basename "$header")
    for compiler in "${compilers[@]}"; do
        # shellcheck disable=SC2086 # a command and its options
        printf '#include <%s>\n#include <%s>\nint unit;\n' "$name" "$name" |
            $compiler -Wall -Wextra -Wpedantic -Werror -I "$root/include" -fsyntax-only - ||
            { echo "$name does not compile alone: $compiler" >&2; bad=1; }
    done
done

# what the library exports is what run.h declares
map=$root/cmake/orrery.map
if [ -e "$map" ]; then
    declared=$(grep -oE '^[a-z].*\borr_read_[a-z_]+\(' "$root/include/orrery/run.h" |
        grep -oE 'orr_read_[a-z_]+\(' | tr -d '(' | sort -u)
    exported=$(sed -nE 's/^ *(orr_[a-z_]+);$/\1/p' "$map" | sort -u)
    if [ "$declared" != "$exported" ]; then
        echo "cmake/orrery.map is not what run.h declares:" >&2
        diff <(echo "$declared") <(echo "$exported") >&2 || true
        bad=1
    fi
fi

if [ -e "$root/CMakeLists.txt" ]; then
    project=$(sed -n 's/^project(orrery VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
    header=$(sed -n 's/^#define ORRERY_VERSION "\(.*\)"/\1/p' "$root/include/orrery/version.h")
    parts=$(sed -n 's/^#define ORRERY_VERSION_[A-Z]* \([0-9]*\)$/\1/p' \
        "$root/include/orrery/version.h" | paste -sd .)
    if [ "$project" != "$header" ] || [ "$project" != "$parts" ]; then
        echo "version.h says $header ($parts), CMakeLists.txt $project" >&2
        bad=1
    fi
fi
exit $bad
