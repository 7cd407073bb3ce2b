#!/usr/bin/env bash
# format.sh - C files are as clang-format would write them, scripts pass shellcheck
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v clang-format >/dev/null || { echo "skipped: no clang-format"; exit 77; }
files() { git ls-files "$@" 2>/dev/null || true; }
mapfile -t sources < <(files 'src/*.[ch]' 'include/*.h' 'tests/*.[ch]')
[ "${#sources[@]}" -gt 0 ] || { echo "skipped: no git checkout"; exit 77; }
clang-format --dry-run -Werror "${sources[@]}"
if command -v shellcheck >/dev/null; then
    mapfile -t scripts < <(files '*.sh' '.ci/run')
    shellcheck -x -S warning -e SC1091,SC2154,SC2164 "${scripts[@]}"
fi
# scripts that neither ctest nor shellcheck would find broken: an empty file, no interpreter
for script in "${scripts[@]}"; do
    head -n 1 "$script" | grep -q '^#!\|^# ' || { echo "$script: no first line"; exit 1; }
done
