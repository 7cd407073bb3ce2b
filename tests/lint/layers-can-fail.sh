#!/usr/bin/env bash
# layers-can-fail.sh - layers.sh finds an upward include and a stray library header
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src/low" "$work/src/high"
printf 'low:\nhigh: low\n' >"$work/src/LAYERS"
printf '#include "low/a.h"\n' >"$work/src/high/b.c"
bash "$here/layers.sh" "$work"
printf '#include "high/b.h"\n' >"$work/src/low/a.c"
if bash "$here/layers.sh" "$work" 2>/dev/null; then echo "upward include not seen"; exit 1; fi
printf '#include <mpi.h>\n' >"$work/src/low/a.c"
if bash "$here/layers.sh" "$work" 2>/dev/null; then echo "stray <mpi.h> not seen"; exit 1; fi
