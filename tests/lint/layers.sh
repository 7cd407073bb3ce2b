#!/usr/bin/env bash
# layers.sh - every #include in src keeps to src/LAYERS, and each library's headers stay in
# the one folder that may use them. A table test: it also proves that it can fail.
set -euo pipefail
root=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
bad=0

complain() { echo "$1" >&2; bad=1; }

declare -A allowed
while IFS=: read -r folder below; do
    allowed[$folder]=" $folder $below "
done < <(grep -E '^[a-z]+:' "$root/src/LAYERS")

for directory in "$root"/src/*/; do
    folder=$(basename "$directory")
    [ -n "${allowed[$folder]-}" ] || complain "src/$folder has no line in src/LAYERS"
    while IFS=: read -r file line text; do
        used=$(sed -E 's/.*"([a-z]+)\/.*/\1/' <<<"$text")
        [ "$used" = orrery ] && continue
        case "${allowed[$folder]-}" in
        *" $used "*) ;;
        *) complain "${file#"$root"/}:$line: src/$folder may not include $used/ (src/LAYERS)" ;;
        esac
    done < <(grep -nsE '^#include "[a-z]+/' "$directory"*.[ch] /dev/null || true)
done

# header pattern, the only folder
while read -r pattern only; do
    while IFS=: read -r file line _; do
        complain "${file#"$root"/}:$line: <$pattern> belongs to src/$only only"
    done < <(grep -nE "^#include <$pattern" -r "$root/src" --include='*.[ch]' |
        grep -vE "^$root/src/$only/" || true)
done <<'TABLE'
yaml.h yaml
mpi.h link
hwloc topo
hdf5 hdf
libav media
libsw media
xxhash.h base
TABLE

exit $bad
